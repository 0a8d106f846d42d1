import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.curation.extract import extract_html
from mathmill.curation.html.charset import decode

CHINESE = "数学题：求函数的最小值，并证明这个不等式对于所有的正整数都成立。" * 5
RUSSIAN = "Докажите, что сумма углов треугольника равна двум прямым углам. " * 5


@pytest.mark.parametrize(
    ("html", "content_type", "charset"),
    [
        (b"\xef\xbb\xbfabc", None, "utf-8"),
        (CHINESE.encode("utf-16-be") + "ascii".encode("utf-16-be") * 50, None, "utf-16-be"),
        (b"\xff\xfe" + "中文".encode("utf-16-le"), "text/html; charset=gbk", "utf-16-le"),
        (CHINESE.encode(), "text/html; charset=gb2312", "utf-8"),
        (CHINESE.encode("gbk"), "text/html; charset=gb2312", "gb18030"),
        (b'<meta charset="gbk">' + CHINESE.encode("gbk"), "text/html", "gb18030"),
        (b'<meta charset="iso-8859-1">caf\xe9 \x93x\x94', None, "cp1252"),
        (RUSSIAN.encode("koi8-r"), "text/html; charset=koi8-r", "koi8-r"),
        (RUSSIAN.encode("cp1251"), "text/html; charset=nonsense", "cp1251"),
        (CHINESE.encode()[:-1], None, "utf-8"),
        (CHINESE.encode() + b"\xff", "text/html; charset=iso-8859-2", "utf-8"),
    ],
)
def test_the_charset_is_found(html: bytes, content_type: str | None, charset: str) -> None:
    assert decode(html, content_type)[1] == charset


TRADITIONAL = "數學題：求函數的最小值，並證明這個不等式對於所有的正整數都成立。" * 5
JAPANESE = "この関数の最小値を求め、すべての正の整数について不等式が成り立つことを証明せよ。" * 5
KOREAN = "이 함수의 최솟값을 구하고 모든 양의 정수에 대하여 부등식이 성립함을 증명하시오. " * 5
FRENCH = "Démontrer que la fonction est dérivable à l’origine – où « x » est réel. " * 5
TEXTS = [
    ("gb2312", CHINESE),
    ("gbk", CHINESE),
    ("gb18030", CHINESE),
    ("big5", TRADITIONAL),
    ("shift_jis", JAPANESE),
    ("euc-jp", JAPANESE),
    ("iso-2022-jp", JAPANESE),
    ("euc-kr", KOREAN),
    ("windows-1251", RUSSIAN),
    ("koi8-r", RUSSIAN),
    ("windows-1252", FRENCH),
]


def page(text: str, label: str = "", before: str = "") -> str:
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={label}">' if label else ""
    return f"<html><head>{before}{meta}<title>t</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(("label", "text"), TEXTS)
class TestEveryCharset:
    def test_is_believed_where_it_is_declared(self, label: str, text: str) -> None:
        for html, header in (
            (page(text), f"text/html; charset={label}"),
            (page(text), f'text/html; charset="{label.upper()}"'),
            (page(text, label), None),
            (page(text, label), "text/html"),
            (page(text, label, f"<!-- {'x' * 3000} -->"), None),  # behind what browsers wait for
            (page(text, label, f"<script>{'x' * 20_000}</script>"), None),
            (f'<?xml version="1.0" encoding="{label}"?>{page(text)}', None),
        ):
            assert text in decode(html.encode(label), header)[0]

    def test_is_found_though_something_else_is_declared(self, label: str, text: str) -> None:
        for html, header in (
            (page(text, label), "text/html; charset=utf-8"),
            (page(text, "utf-8"), f"text/html; charset={label}"),
            (page(text, label), "text/html; charset=iso-8859-1"),
            (page(text, "x-user-defined"), f"text/html; charset={label}"),
            (page(text, label), "text/html; charset=x-user-defined"),
            (page(text, "utf-8"), None),
            (page(text), "text/html; charset=utf-8"),
            (page(text), "text/html; charset=x-user-defined"),
        ):
            assert text in decode(html.encode(label), header)[0]

    def test_survives_a_cut_character_a_broken_byte_and_zeros(self, label: str, text: str) -> None:
        html = page(text, label).encode(label)
        assert text[:-8] in decode(html[: html.index(b"</p>") - 1])[0]
        assert text in decode(html.replace(b"<p>", b"<p>\xff <b></b>"))[0]
        assert text in decode(html.replace(b"<p>", b"<p>\0\0\0"))[0]


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, RUSSIAN, FRENCH])
@pytest.mark.parametrize("header", [None, "utf-8", "iso-8859-1", "gbk", "shift_jis", "utf-16"])
def test_damage_makes_no_mojibake_of_utf8(text: str, header: str | None) -> None:
    declared = f"text/html; charset={header}" if header else None
    html = page(text).encode()
    assert decode(html, declared) == (page(text), "utf-8")
    for damage in (b"\xff", b"\xe9", b"\x80", b"\xc3", b"\xe4\xb8"):
        assert decode(html.replace(b"<p>", b"<p>" + damage), declared) == (page("\ufffd" + text), "utf-8")
        thrice = damage + b" x " + damage + b" y " + damage + b" "
        found = decode(html.replace(b"<p>", b"<p>" + thrice), declared)
        assert found == (page("\ufffd x \ufffd y \ufffd " + text), "utf-8")


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, RUSSIAN, FRENCH])
@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("header", [None, "text/html; charset=utf-8", "text/html; charset=gbk"])
def test_wide_characters_are_seen_by_their_zeros_and_marks(text: str, charset: str, header: str | None) -> None:
    html = page(text).encode(charset)
    assert decode(html, header) == (page(text), charset)
    assert decode("\ufeff".encode(charset) + html, header) == (page(text), charset)
    assert text in decode(html[:-1], header)[0]


@pytest.mark.parametrize("header", [None, "text/html; charset=utf-8", "text/html; charset=us-ascii"])
def test_single_characters_of_windows_1252_are_read(header: str | None) -> None:
    html = b"<p>" + b"plain text " * 50 + b"caf\xe9: it\x92s \x93x\x94 \x96 so</p>"
    assert decode(html, header)[0].endswith("café: it’s “x” – so</p>")


def test_zeros_in_a_page_do_not_make_it_wide() -> None:
    html = b"<p>" + b"\0" * 3000 + CHINESE.encode() + b"</p>"
    assert decode(html) == (f"<p>{CHINESE}</p>", "utf-8")


def test_gb18030_and_broken_bytes_are_decoded_as_declared() -> None:
    text, charset = decode(CHINESE.encode("gbk") * 20 + b"\xff", "text/html; charset=gbk")
    assert charset == "gb18030"
    assert text.startswith(CHINESE)


def test_undeclared_gbk_is_detected() -> None:
    assert decode(("<p>" + CHINESE * 3).encode("gb18030"))[0].startswith("<p>数学题")


def test_nul_characters_are_removed() -> None:
    assert decode(b"a\0b") == ("ab", "utf-8")


def test_codecs_that_are_no_charset_are_not_used() -> None:
    assert decode(b"\xff+AGE-", "text/html; charset=utf-7")[1] == "cp1252"


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=30))
def test_decoding_never_raises(html: bytes, charset: str) -> None:
    assert "\0" not in decode(html, f"text/html; charset={charset}")[0]


def test_a_mislabelled_page_is_extracted() -> None:
    page = extract_html("<p>设 $x$ 为实数。</p>".encode(), content_type="text/html; charset=gb2312")
    assert (page.text, page.charset) == ("设 $x$ 为实数。", "utf-8")
