"""WARC/1.0 records, each its own gzip member, with the same bytes on every run.

Dates are derived from the record's number, ids from its URL; the gzip header is written by hand because Python puts a
time and an operating system into it. Format: IIPC, "The WARC Format 1.0".
"""

import base64
import hashlib
import struct
import uuid
import zlib
from datetime import UTC, datetime, timedelta

_FIRST_DATE = datetime(2026, 3, 1, 6, 0, 0, tzinfo=UTC)
COMPRESS_LEVEL = 9


def gzip_member(data: bytes) -> bytes:
    """One gzip member without name and time."""
    compressor = zlib.compressobj(COMPRESS_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = compressor.compress(data) + compressor.flush()
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + deflated + trailer


def crawl_date(number: int) -> str:
    """When the number-th record was fetched: 37 seconds apart."""
    return (_FIRST_DATE + timedelta(seconds=37 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def http_response(
    payload: bytes, content_type: str, status: str = "200 OK", headers: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """An HTTP/1.1 response; Content-Length is the payload's, also where the payload is cut afterwards."""
    fields = [("Date", "Sun, 01 Mar 2026 06:00:00 GMT"), ("Server", "nginx"), *headers]
    if content_type:
        fields.append(("Content-Type", content_type))
    fields.append(("Content-Length", str(len(payload))))
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    return head.encode("latin-1") + payload


def record(kind: str, number: int, block: bytes, content_type: str, url: str = "") -> bytes:
    """An uncompressed WARC record.

    kind: warcinfo, response, request or metadata. number: its place in the file. block: what follows its header.
    """
    digest = base64.b32encode(hashlib.sha1(block).digest()).decode()
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {number} {url}")
    fields = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", f"<urn:uuid:{identity}>"),
        ("WARC-Date", crawl_date(number)),
        *([("WARC-Target-URI", url)] if url else []),
        ("WARC-Block-Digest", f"sha1:{digest}"),
        ("Content-Type", content_type),
        ("Content-Length", str(len(block))),
    ]
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    return head.encode() + block + b"\r\n\r\n"


def warcinfo(number: int, description: str) -> bytes:
    """The record that opens a file."""
    block = f"software: build_crawl.py\r\nformat: WARC File Format 1.0\r\ndescription: {description}\r\n".encode()
    return record("warcinfo", number, block, "application/warc-fields")


def response(number: int, url: str, http: bytes) -> bytes:
    """The record of a fetched page."""
    return record("response", number, http, "application/http; msgtype=response", url)


def request(number: int, url: str) -> bytes:
    """The record of a request, as crawlers write it beside the response."""
    host, _, path = url.split("//", 1)[1].partition("/")
    block = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: examplebot/1.0\r\nAccept: text/html\r\n\r\n".encode()
    return record("request", number, block, "application/http; msgtype=request", url)


def metadata(number: int, url: str) -> bytes:
    """The record of what a crawler noted about a fetch."""
    return record("metadata", number, b"fetchTimeMs: 184\r\n", "application/warc-fields", url)
