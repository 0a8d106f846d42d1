"""Math-aware tokens: what must be equal, what must differ, and agreement with a slow reference on random input."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core import mathcharacters
from mathmill.core.mathcharacters import (
    CJK,
    DIGIT,
    EXPANSION,
    GREEK,
    JOINER,
    LETTER,
    LIGATURE,
    MARK,
    SPACE,
    SUBSCRIPT,
    SUPERSCRIPT,
    SYMBOL,
    character_tables,
    classify,
    tables,
)
from mathmill.core.mathsymbols import (
    COMMAND_SYMBOLS,
    DISPLAY_ENVIRONMENTS,
    DROPPED_ARGUMENT_COMMANDS,
    FRACTION_COMMANDS,
    SKIPPED_COMMANDS,
    fold_character,
)
from mathmill.core.mathtokens import hash_tokens, normalise_text, token_hash, token_spans

SAME = [
    (r"\frac{a}{b}", r"\dfrac ab", r"{a \over b}", "a/b", "a / b", r"$\tfrac{a}b$"),
    (r"\frac{a+b}{2c}", "(a+b)/(2c)", r"{a+b \over 2c}", r"\frac{(a+b)}{2c}"),
    ("x^2", "x^{2}", "x²", "x<sup>2</sup>", r"\(x ^ {2}\)", "x^(2)", "x**2"),
    ("x^{-1}", "x⁻¹", "x^(-1)"),
    ("a_1", "a_{1}", "a₁", "a _ {1}", "a<sub>1</sub>", r"a\_1"),
    (r"a \le b", r"a\leq b", "a≤b", "a<=b", "A ⩽ B", "ａ≤ｂ"),
    (r"3 \times 4", "3×4", "3*4", "3 * 4", r"3\cdot 4", "3·4"),
    (r"6 \div 2", "6÷2", "6/2"),
    (r"\alpha+\beta", "α + β", "Α+Β"),
    (r"\sqrt{x+1}", "√(x+1)", r"\sqrt { x + 1 }"),
    (r"\sqrt[3]{x}", "∛x"),
    ("f'(x)", "f′(x)", r"f^\prime(x)", r"f^{\prime}(x)"),
    ("30°", r"30^\circ", r"30^{\circ}"),
    ("1,000", "1000", "1{,}000", "１０００"),
    ("0.5", ".5"),
    ("5–10", "5-10", "5 - 10", "5−10"),
    ("½", r"\frac12", "1/2"),
    (r"\left( x + 1 \right)^2", "(x+1)^2", r"\bigl(x+1\bigr)²"),
    (r"\sin x", "sin x", r"\operatorname{sin} x"),
    (r"\begin{align*}a&=b\end{align*}", "$$a=b$$", r"\[ a = b \]"),
    ("**Solve** the `equation`", "solve the equation", "Solve, the equation!", "# Solve the equation"),
    ("well-known x-axis", "well known x axis"),
    ("café", "cafe\u0301", "CAFÉ"),
    ("diﬀerent", "different", "diff\u00aderent"),
    ("设 $x>0$，求最小值。", "设x>0,求最小值", r"设\(x > 0\)求最小值"),
    ("| a | b |\n|---|---|\n| 1 | 2 |", "a b 1 2"),
    ("- first\n- second", "* first\n* second", "first second"),
    (r"\text{if } x \neq 0", "if x ≠ 0", "if x != 0"),
    (r"|x-3|", r"\left|x-3\right|", r"\lvert x-3 \rvert"),
    ("(A) 5 (B) 6", "A. 5 B. 6", "A) 5 B) 6"),
]

DIFFERENT = [
    ("x^2-5x+6=0", "x^3+7x-2=0"),
    ("a_1<a_2", "a_1>a_2"),
    ("2(x+3)=10", "2x+3=10"),
    ("x^{2n}", "x^{2}n"),
    (r"\sqrt{x+1}", r"\sqrt{x}+1"),
    (r"\frac{a}{b+c}", r"\frac{a}{b}+c"),
    ("3.14", "314"),
    ("5", "-5"),
    ("a ≤ b", "a < b"),
    ("5%", "5"),
    ("n!", "n"),
    ("|x-3|", "x-3"),
    ("Tom has 5 apples and eats 2.", "Tom has 6 apples and eats 2."),
    ("有3个苹果", "有4个苹果"),
    ("f'(x)", "f(x)"),
    ("1/2", "1 2"),
]


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_spellings_of_one_text_give_the_same_tokens(spellings: tuple[str, ...]) -> None:
    assert {normalise_text(spelling) for spelling in spellings} == {normalise_text(spellings[0])}


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_that_differ_in_mathematics_differ_in_tokens(one: str, other: str) -> None:
    assert normalise_text(one) != normalise_text(other)


def test_normalised_text_is_readable() -> None:
    text = r"**Well-known:** $\frac{a+b}{2} \ge \sqrt{ab}$ (for $a,b\ge 0$), 即均值不等式; see \eqref{eq:1}."
    assert normalise_text(text) == "well known ( a + b ) / 2 ≥ √ ab ( for a b ≥ 0 ) 即 均 值 不 等 式 see"


def test_brackets_of_prose_are_no_tokens() -> None:
    assert normalise_text("the mean (see below) of [all] values") == "the mean see below of all values"


def test_minus_and_hyphen_are_told_apart() -> None:
    assert normalise_text("3-digit n-gram a-b 3-x x - axis -5") == "3 digit n gram a - b 3 - x x - axis - 5"


def test_hashes_of_an_array_are_those_of_its_texts() -> None:
    texts = ["x^2 + 1", "", None, "设x", "a" * 5_000 + " b"]
    for array in (pa.array(texts), pa.array(texts, pa.large_string()), pa.chunked_array([texts[:2], texts[2:]])):
        hashes, offsets = hash_tokens(array)
        assert hashes.dtype == np.uint64
        assert offsets.tolist() == [0, 5, 5, 5, 7, 9]
        assert hashes[5:7].tolist() == [token_hash("设"), token_hash("x")]


def test_a_slice_of_an_array_is_read_from_its_own_place() -> None:
    array = pa.array(["zero", "one two", "three"]).slice(1, 2)
    hashes, offsets = hash_tokens(array)
    assert offsets.tolist() == [0, 2, 3]
    assert hashes.tolist() == [token_hash(word) for word in ("one", "two", "three")]


def test_an_empty_array_gives_no_tokens() -> None:
    hashes, offsets = hash_tokens(pa.array([], pa.string()))
    assert (len(hashes), offsets.tolist()) == (0, [0])


def test_hashes_stay_what_they_were() -> None:
    """An index of hashes is kept for years: a change here needs a new version of every stage that stores them."""
    hashes, _ = hash_tokens(pa.array(["x^2 ≤ 10"]))
    assert [f"{value:016x}" for value in hashes.tolist()] == [
        "06a4f9505be85405",
        "ad408281d19b26d5",
        "bd857afbb04f894e",
        "db71675003634040",
        "17d58e90383b6193",
    ]


def test_spans_point_to_characters() -> None:
    text = r"设 $\alpha = \frac{1}{2}$"
    spans = token_spans(text)
    pieces = [text[start:end] for start, end in zip(spans.starts, spans.ends, strict=True)]
    assert pieces == ["设", r"\alpha", "=", "1", "", "2"]


@pytest.mark.parametrize(
    "hostile",
    [
        "{" * 300_000,
        "(" * 150_000 + ")" * 150_000,
        r"\frac" * 60_000,
        "²" * 100_000,
        r"\label{" * 50_000,
        "x_" * 150_000,
        "\\" * 300_000,
        "½" * 100_000,
        "-" * 300_000,
        "_ " * 150_000,
        r"{\over" * 50_000,
        "^{" * 150_000,
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_is_lexed_in_linear_time(hostile: str) -> None:
    hashes, _ = hash_tokens(pa.array([hostile]))
    assert len(hashes) <= 3 * len(hostile)


ALPHABET = [
    "a", "b", "xy", "word", "É", "ﬁ", "1", "23", "4.5", "1,000", "，", "。", "中", "文",
    "α", "Δ", "５", "Ⅳ", "½", "①", "𝑥", "é", " ", " ", " ", "\n", "\n\n", "\t", "{",
    "}", "(", ")", "[", "]", "（", "）", "^", "_", "^{", "_{", "$", "$$", "\\(", "\\)", "+", "-",
    "--", "---", "–", "−", "*", "**", "/", "//", "=", "==", "=>", "->", "<", ">", "<=", ">=",
    "!=", "!", ":", ":=", "|", "||", "'", "′", ".", "...", "…", "#", "%", "\\%", "°", "≤",
    "×", "·", "√", "∑", "²", "⁻¹", "ⁿ", "₁", "<sup>", "</sup>", "<sub>", "\\frac",
    "\\dfrac", "\\over", "\\sqrt", "\\le", "\\alpha", "\\Delta", "\\sin", "\\left", "\\right",
    "\\left|", "\\text{", "\\begin{align}", "\\end{align}", "\\begin{cases}", "\\begin{array}{cc}",
    "\\label{a}", "\\circ", "\\prime", "\\\\", "\\,", "\\_", "\\*", "\\-", "\\{", "\\}", "\\|",
    "\\", "\u200b", "\u0301", "\u00ad", "😀", "\U00020000", "∛", "︰",
]  # fmt: skip


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(ALPHABET), max_size=40).map("".join))
def test_the_kernel_agrees_with_the_reference(text: str) -> None:
    hashes, _ = hash_tokens(pa.array([text]))
    expected = Reference(text).tokens()
    assert normalise_text(text) == " ".join(expected)
    assert hashes.tolist() == [token_hash(token) for token in expected]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_the_kernel_agrees_with_the_reference_on_any_characters(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    hashes, _ = hash_tokens(pa.array([text]))
    assert hashes.tolist() == [token_hash(token) for token in Reference(text).tokens()]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.sampled_from(ALPHABET), max_size=12).map("".join), max_size=6))
def test_a_text_has_the_same_tokens_whatever_stands_beside_it(texts: list[str]) -> None:
    hashes, offsets = hash_tokens(pa.array(texts, pa.large_string()))
    for i, text in enumerate(texts):
        assert hashes[offsets[i] : offsets[i + 1]].tolist() == token_spans(text).hashes.tolist()


class Group:
    """A bracket of the reference: its kind, the place of its token, and what had been written before."""

    def __init__(self, kind: str, place: int, live: int, operators: int) -> None:
        self.kind, self.place, self.live, self.operators = kind, place, live, operators

    @property
    def is_brace(self) -> bool:
        return self.kind in ("plain", "numerator", "argument")


class Reference:
    """The rules of `mathtokens`, slowly, over a string and lists of strings; None is a bracket that may come to be."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.out: list[str | None] = []
        self.live = self.operators = self.overflow = 0
        self.expect = ""  # numerator, denominator, argument
        self.groups: list[Group] = []
        self.last, self.last_end, self.last_length = "", -1, 0
        self.line_start, self.table_row = True, False
        self.closed: tuple[int, int] | None = None

    def tokens(self) -> list[str]:
        i = newlines = 0
        while i < len(self.text):
            character = self.text[i]
            kind = kind_of(character)
            if character == "\n":
                newlines += 1
                self.line_start, self.table_row = True, False
                if newlines == 2:
                    self.groups, self.overflow, self.expect = [], 0, ""
                i += 1
                continue
            if character in " \t\r":
                i += 1
                continue
            newlines = 0
            i = self.step(i, character, kind)
            if kind != JOINER:
                self.line_start = False
        return self.compacted()

    def compacted(self) -> list[str]:
        kept: list[str] = []
        for token in self.out:
            if token is not None:
                if token in ("∘", "′") and kept and kept[-1] == "^":
                    kept.pop()
                kept.append(token)
        return kept

    def step(self, i: int, character: str, kind: int) -> int:
        if kind in (LETTER, LIGATURE):
            return self.word(i)
        if kind == DIGIT:
            return self.number(i)
        if kind in (CJK, GREEK):
            self.operand(folded(character), i + 1, "cjk" if kind == CJK else "operand")
        elif kind == SYMBOL:
            self.symbol(folded(character), i + 1)
        elif kind in (SUPERSCRIPT, SUBSCRIPT):
            return self.scripts(i, kind)
        elif kind == EXPANSION:
            self.expansion(folded(character), i + 1)
        elif kind == MARK:
            return self.mark(i, folded(character))
        return i + 1

    def emit(self, token: str) -> None:
        self.out.append(token)
        self.live += 1

    def operand(self, token: str, end: int, last: str, length: int = 1) -> None:
        self.emit(token)
        self.last, self.last_end, self.last_length = last, end, length
        if self.expect == "numerator":
            self.slash()
        else:
            self.expect = ""

    def slash(self) -> None:
        self.emit("/")
        self.operators += 1
        self.expect = "denominator"

    def symbol(self, token: str, end: int) -> None:
        self.emit(token)
        self.operators += 1
        self.last, self.last_end, self.last_length = "symbol", end, 1
        self.expect = "argument" if token in "^_√/" else ""

    def expansion(self, characters: str, end: int) -> None:
        digits = ""
        for character in characters:
            if plain_kind(character) == DIGIT:
                digits += character
                continue
            if digits:
                self.operand(digits, end, "digit")
                digits = ""
            if plain_kind(character) in (SYMBOL, MARK):
                self.symbol(character, end)
            else:
                last = {LETTER: "letter", CJK: "cjk"}.get(plain_kind(character), "operand")
                self.operand(character, end, last)
        if digits:
            self.operand(digits, end, "digit")

    def word(self, i: int) -> int:
        single = self.expect in ("numerator", "denominator")
        word = ""
        while i < len(self.text):
            kind = kind_of(self.text[i])
            if kind in (LETTER, LIGATURE) and not (single and word):
                word += folded(self.text[i])
            elif kind != JOINER:
                break
            i += 1
        self.operand(word, i, "letter", len(word))
        return i

    def number(self, i: int) -> int:
        if self.expect in ("numerator", "denominator"):
            self.operand(folded(self.text[i]), i + 1, "digit")
            return i + 1
        digits, i = self.digits(i)
        n = len(digits)
        while 1 <= n <= 3 and (comma := self.thousands_comma(i)):
            more, i = self.digits(i + comma)
            digits += more
        if self.text[i : i + 1] == "." and kind_of(self.text[i + 1 : i + 2]) == DIGIT:
            more, i = self.digits(i + 1)
            digits += "." + more
        self.operand(digits, i, "digit")
        return i

    def digits(self, i: int) -> tuple[str, int]:
        digits = ""
        while i < len(self.text) and kind_of(self.text[i]) in (DIGIT, JOINER):
            digits += folded(self.text[i]) if kind_of(self.text[i]) == DIGIT else ""
            i += 1
        return digits, i

    def thousands_comma(self, i: int) -> int:
        width = 1 if self.text[i : i + 1] == "," else 3 if self.text[i : i + 3] == "{,}" else 0
        after = self.text[i + width : i + width + 4]
        is_three = len(after) >= 3 and all(c in "0123456789" for c in after[:3])
        return width if width and is_three and after[3:4] not in tuple("0123456789") else 0

    def scripts(self, i: int, kind: int) -> int:
        self.symbol("^" if kind == SUPERSCRIPT else "_", i)
        place, live = len(self.out), self.live
        self.out.append(None)
        digits = ""
        while True:
            character = self.text[i : i + 1]
            same = character != "" and kind_of(character) == kind
            token = folded(character) if same else ""
            if digits and not (token and token in "0123456789"):
                self.operand(digits, i, "digit")
                digits = ""
            if not same:
                break
            if token in "0123456789":
                digits += token
            elif plain_kind(token) in (LETTER, GREEK):
                self.operand(token, i + 1, "letter")
            elif plain_kind(token) == SYMBOL or token in "+-=":
                self.symbol(token, i + 1)
            i += 1
        if self.live - live >= 2:
            self.out[place] = "("
            self.live += 1
            self.emit(")")
        self.expect, self.last, self.last_end = "", "closed", i
        return i

    def mark(self, i: int, mark: str) -> int:
        following = self.text[i + 1 : i + 2]
        if mark == "\\":
            return self.backslash(i)
        if mark == "{":
            self.open({"": "plain", "numerator": "numerator"}.get(self.expect, "argument"))
        elif mark == "}":
            self.close_brace(i + 1)
        elif mark in "([":
            self.open("bracket argument" if self.expect else "bracket")
        elif mark in ")]":
            self.close_bracket(i, self.text[i])
        elif mark == "^":
            self.symbol("^", i + 1)
        elif mark == "-":
            return self.hyphens(i)
        elif mark == ":":
            if following == "=":
                self.symbol("≔", i + 2)
                return i + 2
            if self.last == "digit" and self.last_end == i and kind_of(following) == DIGIT:
                self.symbol(":", i + 1)
        elif mark == "." and self.last_end != i and kind_of(following) == DIGIT and self.text[i - 1 : i] != ".":
            digits, end = self.digits(i + 1)
            self.operand("0." + digits, end, "digit")
            return end
        elif mark in "*_/=":
            return self.run(i, mark)
        elif mark in "<>+":
            return self.relation(i, mark)
        elif mark == "|":
            self.bar(i)
        elif mark == "!":
            if following == "=":
                self.symbol("≠", i + 2)
                return i + 2
            if self.touches(i) and (self.last != "letter" or self.last_length == 1):
                self.symbol("!", i + 1)
                self.last = "closed"
        elif mark == "'" and self.is_prime(i, following):
            self.symbol("′", i + 1)
            self.last = "closed"
        return i + 1

    def is_prime(self, i: int, following: str) -> bool:
        single = self.last != "digit" and self.last_length == 1
        return single and self.touches(i) and kind_of(following) != LETTER

    def touches(self, i: int) -> bool:
        return self.last_end == i and self.last in ("letter", "digit", "operand", "closed")

    def starts_operand(self, i: int) -> bool:
        character = self.text[i : i + 1]
        if kind_of(character) in (LETTER, DIGIT, GREEK):
            return True
        return kind_of(character) == MARK and folded(character) in "([{\\"

    def hyphens(self, i: int) -> int:
        end = i
        while end - i < 3 and kind_of(self.text[end : end + 1]) == MARK and folded(self.text[end]) == "-":
            end += 1
        count = end - i
        while self.text[end : end + 1] == "-":
            end += 1
        following = self.text[end : end + 1]
        if count >= 3 or (count == 1 and self.line_start and (following == "" or following in " \t\n\r")):
            return end
        if following == ">":
            self.symbol("→", end + 1)
            return end + 1
        if not (count == 1 and self.is_hyphen(i, end)):
            self.symbol("-", end)
        return end

    def is_hyphen(self, i: int, end: int) -> bool:
        letters = 0
        while letters < 3 and kind_of(self.text[end + letters : end + letters + 1]) == LETTER:
            letters += 1
        if self.last_end != i or not letters or self.last not in ("letter", "digit"):
            return False
        return letters == 3 or (self.last == "letter" and self.last_length >= 3)

    def run(self, i: int, mark: str) -> int:
        end = i + 1
        while self.text[end : end + 1] == mark:
            end += 1
        count, following = end - i, self.text[end : end + 1]
        tight = self.touches(i) and self.starts_operand(end)
        between_blanks = i > 0 and self.text[i - 1] in " \t\n\r" and (following == "" or following in " \t\n\r")
        if mark == "=" and count <= 2:
            self.symbol("⇒" if following == ">" else "=", end + (following == ">"))
            return end + (following == ">")
        if mark == "/" and count == 1:
            self.symbol("/", end)
        elif mark == "*" and count == 1 and (tight or (between_blanks and not self.line_start)):
            self.symbol("*", end)
        elif mark == "*" and count == 2 and tight:
            self.symbol("^", end)
        elif mark == "_" and count == 1:
            script = following == "{" or (between_blanks and following not in ("", "\n"))
            if tight or script:
                self.symbol("_", end)
        return end

    def relation(self, i: int, mark: str) -> int:
        following = self.text[i + 1 : i + 2]
        if self.line_start and mark != "<" and (following == "" or following in " \t\n\r"):
            return i + 1
        if mark != "+" and following == "=":
            self.symbol("≤" if mark == "<" else "≥", i + 2)
            return i + 2
        for tag, script in (("<sup>", "^"), ("<sub>", "_")):
            if self.text.startswith(tag, i):
                self.symbol(script, i)
                self.open("argument")
                return i + 5
        if mark == "<" and self.text[i + 1 : i + 4] == "/su" and self.text[i + 5 : i + 6] == ">":
            self.close_brace(i + 6)
            return i + 6
        self.symbol(mark, i + 1)
        return i + 1

    def bar(self, i: int) -> None:
        before = self.text[i - 1] if i else "\n"
        after = self.text[i + 1 : i + 2] or "\n"
        if self.line_start and after in " \t\n\r|-:":
            self.table_row = True
        if not self.table_row and not (before in " \t\n\r|" and after in " \t\n\r|-"):
            self.symbol("|", i + 1)
            self.last = "closed"

    def open(self, kind: str) -> None:
        if len(self.groups) == 64:
            self.overflow += 1
            return
        self.groups.append(Group(kind, len(self.out), self.live, self.operators))
        self.out.append(None)
        self.expect = ""

    def close_brace(self, end: int) -> None:
        if self.overflow:
            self.overflow -= 1
        elif any(group.is_brace for group in self.groups):
            while not self.groups[-1].is_brace:
                self.groups.pop()
            self.close(end)

    def close_bracket(self, i: int, character: str) -> None:
        if self.overflow:
            self.overflow -= 1
        elif self.groups and not self.groups[-1].is_brace:
            is_index = character == "]" and self.groups[-1].kind == "bracket argument"
            self.close(i + 1)
            if is_index:
                self.expect = "argument"

    def close(self, end: int) -> None:
        group = self.groups.pop()
        self.settle(group, group.kind in ("argument", "bracket argument"))
        self.last, self.last_end, self.expect = "closed", end, ""
        if group.kind == "numerator":
            self.slash()

    def settle(self, group: Group, is_argument: bool) -> None:
        if self.live - group.live < 2 or group.kind == "plain":
            return
        if not is_argument and self.operators == group.operators:
            return
        if self.closed == (len(self.out), group.live):
            return
        self.out[group.place] = "("
        self.live += 1
        self.emit(")")
        self.closed = (len(self.out), group.live)

    def over(self, end: int) -> None:
        group = self.groups[-1] if self.groups and self.groups[-1].is_brace else None
        if group is not None:
            numerator = group.kind == "numerator"
            group.kind = "numerator"
            self.settle(group, False)
            group.kind = "numerator" if numerator else "argument"
        self.symbol("/", end)
        if group is not None:
            group.place, group.live, group.operators = len(self.out), self.live, self.operators
            self.out.append(None)
            self.expect = ""

    def backslash(self, i: int) -> int:
        j = i + 1
        while j < len(self.text) and self.text[j].isascii() and self.text[j].isalpha():
            j += 1
        name = self.text[i + 1 : j]
        if not name:
            return self.escape(i)
        if name == "over":
            self.over(j)
        elif name in FRACTION_COMMANDS:
            self.expect = "numerator"
        elif name in DROPPED_ARGUMENT_COMMANDS:
            return self.after_argument(j)
        elif name in ("begin", "end"):
            return self.environment(name, j)
        elif name in SKIPPED_COMMANDS:
            is_delimiter = name in ("left", "right", "middle") or name.lower().rstrip("lrm") in ("big", "bigg")
            if is_delimiter and self.text[j : j + 1] == "|":
                self.symbol("|", j + 1)
                return j + 1
        elif name in COMMAND_SYMBOLS:
            symbol = fold_character(COMMAND_SYMBOLS[name])
            if plain_kind(symbol) in (LETTER, GREEK):
                self.operand(symbol, j, "operand")
            else:
                self.symbol(symbol, j)
        else:
            self.operand(name.lower(), j, "letter")
        return j

    def escape(self, i: int) -> int:
        character = self.text[i + 1 : i + 2]
        if character == "":
            return i + 1
        if character in "%*":
            self.symbol(character, i + 2)
        elif character == "|":
            self.symbol("‖", i + 2)
        elif character in "_-+<=>":
            self.last_end += self.last_end == i
            return i + 1
        elif character == "}" and self.last_end == i:
            self.last, self.last_end = "closed", i + 2
        elif not character.isascii() or character == "\n":
            return i + 1
        return i + 2

    def after_argument(self, i: int) -> int:
        if self.text[i : i + 1] != "{":
            return i
        for j, character in enumerate(self.text[i + 1 :], i + 1):
            if len(self.text[i:j].encode()) >= 200 or character == "{":
                return i
            if character == "}":
                return j + 1
        return i

    def environment(self, edge: str, i: int) -> int:
        end = self.after_argument(i)
        name = self.text[i + 1 : end - 1].rstrip("*") if end > i else ""
        if not name or not (name.isascii() and name.isalpha()):
            return end
        if name in DISPLAY_ENVIRONMENTS | {"tabular"}:
            has_columns = name in ("array", "tabular", "alignedat") and edge == "begin"
            return self.after_argument(end) if has_columns else end
        self.operand(name.lower(), end - 1, "letter")
        self.last_end = i + 1 + len(name)
        return end


def kind_of(character: str) -> int:
    if character == "":
        return SPACE
    if ord(character) >= 0x20000:
        return CJK if ord(character) <= 0x323AF else SPACE
    return classify(character)[0]


def plain_kind(character: str) -> int:
    return classify(character)[0] if character else SPACE


def folded(character: str) -> str:
    return character if ord(character) >= 0x20000 else classify(character)[1]


def test_the_stored_tables_are_what_classify_says() -> None:
    with np.load(mathcharacters._FILE) as stored:
        if stored["unicode"] != unicodedata.unidata_version:
            pytest.skip(f"the tables are of Unicode {stored['unicode']}, this Python has {unicodedata.unidata_version}")
    for built, read in zip(character_tables(), tables()[:3], strict=True):
        np.testing.assert_array_equal(built, read)
        assert built.dtype == read.dtype
