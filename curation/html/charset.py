"""Bytes of a page to characters: byte order mark, valid UTF-8, what is declared, detection; in that order.

Valid UTF-8 comes before the declaration because a page that decodes as UTF-8 with non-ASCII characters in it is UTF-8
in all but contrived cases, while declared charsets are often wrong; the same holds for UTF-8 with some damage. Labels
are read as the WHATWG Encoding Standard says: the old Chinese and Latin-1 labels mean their supersets. Latin-1 is
believed last of what is declared: servers say it of everything, and it fits all bytes.
"""

import codecs
import re

import pyarrow as pa
from charset_normalizer import from_bytes

SAMPLE_BYTES = 16_384
"""How much of a page detection looks at."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD_BYTES = 1 << 16  # where declarations are looked for: browsers read 1 kB, but wait for more
_SHIFT_OUT = b"\x1b$"  # of ISO-2022-JP, whose bytes are all ASCII
_MARKS = tuple(mark for mark, _ in _BOMS)
_SUPERSETS = {
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "hz-gb-2312": "gb18030",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252",
    "l1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252", "windows-1252": "cp1252",
    "big5": "big5hkscs", "x-sjis": "cp932", "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "euc_kr": "cp949",
    "iso-8859-9": "cp1254", "tis-620": "cp874", "iso-8859-11": "cp874",
    "unicode": "utf-16-le", "utf-16": "utf-16-le",
}  # fmt: skip
_KNOWN = frozenset((
    "utf-16-le", "utf-16-be", "gb18030", "big5hkscs", "cp932", "cp949", "euc_jp", "iso2022_jp", "johab",
    "koi8-r", "koi8-u", "cp866", "cp874", "mac-roman", "mac-cyrillic", "tis-620", "cp1250", "cp1251",
    "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "iso8859-2", "iso8859-3",
    "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-10", "iso8859-13", "iso8859-14",
    "iso8859-15", "iso8859-16",
))  # fmt: skip
"""Python's names of the charsets of the web; others (punycode, unicode_escape…) would be an attack."""
_FOREIGN = re.compile(rb"[\x80-\xff]")
_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_ASCII, _NOT_ASCII = bytes(range(128)), bytes(range(128, 256))
_META = re.compile(rb"<meta\b[^>]*>", re.IGNORECASE)


def decode(html: bytes, content_type: str | None = None) -> tuple[str, str]:
    """Decode a page. Returns its characters, without NUL and without byte order mark, and the charset that was used.

    content_type: the HTTP header, for example "text/html; charset=gbk". Never raises: what no charset explains is
    decoded with replacement characters.
    """
    for mark, charset in _BOMS:
        if html.startswith(mark):
            return _clean(html[len(mark) :].decode(charset, "replace")), charset
    wide = _wide(html[:4096])
    if wide is not None:
        return _clean(html.decode(wide, "replace")), wide
    if _shifts_out(html) and _mostly_valid(html, ["iso2022_jp"]):
        return _clean(html.decode("iso2022_jp", "replace")), "iso2022_jp"
    try:
        return _clean(html.decode("utf-8")), "utf-8"
    except UnicodeDecodeError as error:
        if error.start >= len(html) - 3:  # only the last character is cut, as in a truncated record
            return _clean(html.decode("utf-8", "ignore")), "utf-8"
    if (text := _damaged_utf8(html)) is not None:
        return _clean(text), "utf-8"
    declared = _declared(html, content_type)
    for charset in declared:
        if (text := _strictly(html, charset)) is not None:
            return _clean(text), charset
    charset = _mostly_valid(html, declared) or _detected(html) or (declared[0] if declared else "cp1252")
    return _clean(html.decode(charset, "replace")), charset


def to_utf8(html: bytes, content_type: str | None = None) -> tuple[bytes, str]:
    """What `decode` gives, in UTF-8; a page that is UTF-8 already is checked, and not copied."""
    if not html.startswith(_MARKS) and _wide(html[:4096]) is None and _is_utf8(html) and not _shifts_out(html):
        return html.replace(b"\0", b""), "utf-8"
    text, charset = decode(html, content_type)
    return text.encode("utf-8", "replace"), charset


def _shifts_out(html: bytes) -> bool:
    return b"\x1b" in html and _SHIFT_OUT in html  # one byte is found ten times as fast as two


def _is_utf8(html: bytes) -> bool:
    if html.isascii():
        return True
    text = pa.LargeStringArray.from_buffers(1, pa.array([0, len(html)], pa.int64()).buffers()[1], pa.py_buffer(html))
    try:
        text.validate(full=True)  # a third of the time that decoding takes
    except pa.ArrowInvalid:
        return False
    return True


def _strictly(html: bytes, charset: str) -> str | None:
    try:
        return html.decode(charset)
    except UnicodeDecodeError:
        return None


def _damaged_utf8(html: bytes) -> str | None:
    """The text of a page that is UTF-8 but for some bytes: nothing else has four valid characters for a broken one."""
    text = html.decode("utf-8", "replace")
    broken = text.count("\ufffd") - html.count("\ufffd".encode())
    foreign = len(text) - len(html.translate(None, _NOT_ASCII)) - broken
    return text if foreign >= 4 * broken else None


def _wide(head: bytes) -> str | None:
    """UTF-16 and UTF-32 without a mark, which give themselves away by the zeros of their ASCII characters."""
    if b"\0" not in head:
        return None
    zeros = [head[i::4].count(0) for i in range(4)]
    quarter = len(head) // 4
    for charset, order in (("utf-32-le", zeros), ("utf-32-be", zeros[::-1])):
        if quarter >= 4 and min(order[2:]) * 10 >= quarter * 9 and order[0] * 2 < quarter:
            return charset
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if max(even, odd) < 8 or max(even, odd) < len(head) // 16 or min(even, odd) * 4 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _clean(text: str) -> str:
    return text.replace("\0", "") if "\0" in text else text


def _declared(html: bytes, content_type: str | None) -> list[str]:
    """Python's names of the charsets that the header and the page's head declare, the header's first, Latin-1 last."""
    labels = _CHARSET.findall((content_type or "").encode("utf-8", "replace"))
    head = html[:_HEAD_BYTES]
    labels += _XML_ENCODING.findall(head[:256])
    for meta in _META.findall(head):
        labels += _CHARSET.findall(meta)
    charsets: list[str] = []
    for label in labels:
        name = label.decode("ascii").lower()
        name = _SUPERSETS.get(name, name)
        try:
            info = codecs.lookup(name)
        except LookupError:
            continue
        if info.name in _KNOWN and info.name not in charsets:
            charsets.append(info.name)
    return sorted(charsets, key=lambda name: name == "cp1252")


def _mostly_valid(html: bytes, charsets: list[str]) -> str | None:
    """The first charset in which of fifty non-ASCII bytes at most one is broken, or a single one in all."""
    foreign = len(html.translate(None, _ASCII))
    for charset in charsets:
        broken = html.decode(charset, "replace").count("�")
        if broken * 50 <= max(foreign, 50):
            return charset
    return None


def _detected(html: bytes) -> str | None:
    """What charset-normalizer makes of a sample around the first non-ASCII byte."""
    match = _FOREIGN.search(html)
    first = match.start() if match else 0
    best = from_bytes(html[max(0, first - 256) : first + SAMPLE_BYTES]).best()
    if best is None:
        return None
    return _SUPERSETS.get(best.encoding.replace("_", "-"), best.encoding)
