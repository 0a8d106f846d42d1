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
