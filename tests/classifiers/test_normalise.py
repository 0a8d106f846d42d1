import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.classifiers.normalise import Normaliser

NORMALISER = Normaliser()


def line(text: str) -> str:
    return NORMALISER.lines([text])[0]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Let $x^2+1=0$.", "let $ x ^ 2 + 1 = 0 $ ."),
        (r"\(\frac{1}{2}\le\Delta\)", r"\( \frac { 1 } { 2 } \le \delta \)"),
        (r"a\\b", r"a \\ b"),
        (r"\\", r"\\"),
        ("设函数 f(x)≥12，求导。", "设 函 数 f ( x ) ≥ 1 2 , 求 导 。"),
        ("Ｆ（ｘ）＝１", "f ( x ) = 1"),
        ("𝑥+𝟙−𝐁", "x + 1 - b"),
        ("Être déjà НЕТ αΒ", "être déjà нет α β"),
        ("a\u200bb\u00adc\ufeff", "abc"),
        ("a\u00a0b\u3000c\x00d\r\n\te", "a b c d e"),
        ("$5 and __label__math </s>", "$ 5 and _ _ label _ _ math < / s >"),
        ("Q\n\x1e\nS \\\x1e", "q \x1e s \\ \x1e"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_text_becomes_tokens(text: str, tokens: str) -> None:
    assert line(text) == tokens


def reference(text: str) -> str:
    """The same in slow Python, for text without invalid characters."""
    tokens: list[str] = []
    state = "apart"
    for char in text:
        point = ord(char)
        if 0xFF01 <= point <= 0xFF5E:
            char = chr(point - 0xFEE0)
        elif 0x1D400 <= point <= 0x1D6A3:
            char = chr(ord("a") + (point - 0x1D400) % 26)
        elif 0x1D7CE <= point <= 0x1D7FF:
            char = chr(ord("0") + (point - 0x1D7CE) % 10)
        elif point == 0x2212:
            char = "-"
        elif 0x200B <= point <= 0x200F or 0x2060 <= point <= 0x2064 or point in (0xFEFF, 0xAD):
            continue
        point = ord(char)
        space = (point <= 0x20 and point != 0x1E) or 0x7F <= point <= 0xA0 or 0x2000 <= point <= 0x200A
        if space or point in (0x2028, 0x2029, 0x202F, 0x205F, 0x3000):
            state = "apart"
            continue
        upper = char.isascii() or 0xC0 <= point <= 0xDE or 0x391 <= point <= 0x3A9 or 0x410 <= point <= 0x42F
        char = char.lower() if upper and point != 0x3A2 else chr(0x3C2) if point == 0x3A2 else char
        point = ord(char)
        letter = "a" <= char <= "z" or (0xC0 <= point <= 0x24F and char not in "×÷") or 0x400 <= point <= 0x52F
        command = state == "command" and char.isascii() and not char.isdigit() and point > 0x20
        if command or (letter and state == "word"):
            tokens[-1] += char
        else:
            tokens.append(char)
        state = "word" if letter else "command" if char == "\\" and not command else "apart"
    return " ".join(tokens)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\\ab1{ 数α𝑥−×é\x1e")), max_size=60))
def test_it_agrees_with_the_slow_reference(text: str) -> None:
    assert line(text) == reference(text)


def test_a_token_that_goes_on_counts_less_and_less() -> None:
    damped = Normaliser(log_counts=True)
    assert damped.lines(["a b a a a b c", "a a", "a" * 3, "0000 0"]) == ["a b a a b c", "a a", "aaa", "0 0 0"]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab \\(数1"), max_size=80), max_size=5))
def test_log_counts_agree_with_the_slow_reference(texts: list[str]) -> None:
    expected = []
    for text in texts:
        seen: Counter[str] = Counter()
        kept = []
        for token in line(text).split():
            seen[token] += 1
            if seen[token].bit_count() == 1:
                kept.append(token)
        expected.append(" ".join(kept))
    assert Normaliser(log_counts=True).lines(texts) == expected


def test_slices_and_nulls_of_an_arrow_column_are_read_in_place() -> None:
    column = pa.array(["zero", "Ⅰ one", None, "", "two 二"])
    assert NORMALISER.lines(column.slice(1, 3)) == ["Ⅰ one", "", ""]
    assert NORMALISER.lines(column.cast(pa.large_string()).slice(4)) == ["two 二"]
    assert NORMALISER.lines(column.slice(0, 0)) == []


def test_only_the_first_bytes_are_read_and_no_character_is_cut() -> None:
    short = Normaliser(max_bytes=64)
    assert short.lines(["a" * 100]) == ["a" * 64]
    assert short.lines(["数" * 100]) == [" ".join("数" * 21)]


def test_broken_utf8_loses_only_the_broken_bytes() -> None:
    column = pa.array([b"a\xffb \xe6\x95", b"\xf0\x9f\x98 ok \xed\xa0\x80"], pa.binary())
    lines = NORMALISER.lines(column)
    assert lines[0] == "ab"
    assert lines[1].startswith("ok")


def test_lone_surrogates_do_not_break_a_batch() -> None:
    assert NORMALISER.lines(["x \ud800 y"]) == ["x ? y"]


def test_every_assigned_character_survives_as_valid_utf8() -> None:
    points = np.r_[0x21:0xD800, 0xE000:0x30000:7]
    text = "".join(chr(p) for p in points if unicodedata.category(chr(p)) != "Cn")
    assert len(Normaliser(max_bytes=10**7).lines([text])[0]) > len(text)
