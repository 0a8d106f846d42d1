"""The header fields of WARC records and HTTP responses that reading asks for; the others are passed over.

A pattern that knows their names takes 2 µs for a header of any length, where a dictionary of all fields took 3 to 8.
"""

import re

BLANK_LINE = re.compile(rb"\n\r?\n")
"""Ends a header; what stands before it may end with a carriage return."""

NAMES = frozenset(
    b"WARC-Type WARC-Date WARC-Target-URI Content-Type Content-Length Content-Encoding Transfer-Encoding".split()
)
_SPELLED = {name.lower(): name for name in NAMES}
_FIELD = re.compile(  # or the beginning of a folded line
    rb"\n([ \t]|(?:warc-(?:type|date|target-uri)|content-(?:type|length|encoding)|transfer-encoding)(?=[ \t]*:))"
    rb"[ \t]*:?[ \t]*((?:[^\n]*[^\s])?)",
    re.IGNORECASE,
)
_FOLD = re.compile(rb"\r?\n[ \t]+")


def parse_headers(head: bytes) -> dict[bytes, bytes]:
    """Values of the fields NAMES, without the first line; folded lines and repeated names are joined."""
    found = _FIELD.findall(head)
    headers = dict(found)
    if len(headers) == len(found) and headers.keys() <= NAMES:
        return headers
    headers = {}
    for name, value in _FIELD.findall(_FOLD.sub(b" ", head)):
        name = _SPELLED[name.lower()]
        headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value
    return headers


def text(value: bytes | None) -> str | None:
    """The text of a field, None where there is none."""
    return None if value is None else value.decode("utf-8", "replace")
