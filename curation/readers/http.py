"""The HTTP response inside a WARC record: status, content type, and the body as the server meant it.

Crawlers store bodies as sent or decoded, and often leave headers that are no longer true. So an encoding is undone
where the header declares it *and* the body has it; a body that only claims to be encoded is taken as it is.
"""

import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]
import zstandard

from mathmill.curation.readers.headers import BLANK_LINE, parse_headers, text
from mathmill.curation.readers.inflate import GZIP_MAGIC, DamagedStream, Stream, gunzip
from mathmill.curation.readers.rows import BadRecord

_MAX_HEAD_BYTES = 1 << 18
_MAX_ENCODINGS = 3

_STATUS = re.compile(rb"\s{0,8}HTTP/\d(?:\.\d)?[ \t]+(\d{3})[^\n]{0,4096}\n?")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]{0,1024})?\r?\n")
_NEWLINE = re.compile(rb"\r?\n")
_LOOKS_DECODED = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,1024}<")


@dataclass(frozen=True)
class Response:
    """An HTTP response as stored. headers: as `parse_headers`; the body still has its encodings."""

    status: int
    headers: dict[bytes, bytes]
    body: memoryview

    @property
    def content_type(self) -> str | None:
        """The Content-Type header, charset included."""
        return text(self.headers.get(b"Content-Type"))

    def content(self, max_bytes: int) -> memoryview:
        """Return the body without transfer and content encodings; BadRecord where it is damaged or expands too far."""
        body = self.body
        if b"chunked" in self.headers.get(b"Transfer-Encoding", b"").lower():
            body = _dechunk(body)
        encodings = [word.strip().lower() for word in self.headers.get(b"Content-Encoding", b"").split(b",")]
        decoders = [_DECODERS[word] for word in encodings if word in _DECODERS]
        if len(decoders) > _MAX_ENCODINGS:
            raise BadRecord(f"the body has {len(decoders)} content encodings, one inside the other")
        for decode in reversed(decoders):
            body = memoryview(decode(body, max_bytes))
            if len(body) > max_bytes:
                raise BadRecord(f"the body expands beyond {max_bytes:,} bytes")
        return body


def parse_response(block: memoryview) -> Response:
    """Split a record's block into status line, headers and body; BadRecord where it is no HTTP response."""
    status = _STATUS.match(block)
    if status is None:
        raise BadRecord("the record has no HTTP status line")
    end = BLANK_LINE.search(block, max(0, status.end() - 1), _MAX_HEAD_BYTES)
    if end is None and len(block) > _MAX_HEAD_BYTES:
        raise BadRecord(f"the HTTP headers do not end within {_MAX_HEAD_BYTES:,} bytes")
    head, body = (block[: end.start()], block[end.end() :]) if end else (block, block[len(block) :])
    return Response(int(status[1]), parse_headers(bytes(head)), body)


def _dechunk(body: memoryview) -> memoryview:
    """Undo chunked transfer; a body that does not begin with a chunk is taken as it is."""
    parts: list[memoryview] = []
    position = 0
    while size := _CHUNK_SIZE.match(body, position):
        end = size.end() + int(size[1], 16)
        if end == size.end():  # the last chunk is empty
            return memoryview(b"".join(parts))
        newline = _NEWLINE.match(body, end)
        if end > len(body) or (end < len(body) and not newline):
            break
        parts.append(body[size.end() : end])
        position = newline.end() if newline else end
    is_cut = size is not None and end > len(body)
    if not parts and not is_cut:
        return body
    if position == len(body):  # only the last, empty chunk is missing, and nothing of the page
        return memoryview(b"".join(parts))
    raise BadRecord(f"the chunked body breaks off at byte {position:,} of {len(body):,}")


def _gunzip(body: memoryview, max_bytes: int) -> bytes | memoryview:
    if bytes(body[:3]) != GZIP_MAGIC:
        return body
    parts: list[bytes] = []
    size = 0
    try:
        for piece in gunzip(Stream(io.BytesIO(body))):
            parts.append(piece)
            size += len(piece)
            if size > max_bytes:
                break
    except DamagedStream as error:
        raise BadRecord(f"the compressed body is damaged: {error}") from error
    return b"".join(parts)


def _undeflate(body: memoryview, max_bytes: int) -> bytes | memoryview:
    """Undo "deflate", which servers send with the zlib header that the standard wants, or without."""
    data = bytes(body)
    if len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0:
        return _inflate(zlib.decompressobj(15), data, max_bytes)
    if _LOOKS_DECODED.match(body):
        return body
    return _inflate(zlib.decompressobj(-15), data, max_bytes)


def _inflate(inflater: "zlib._Decompress", data: bytes, max_bytes: int) -> bytes:
    """Inflate up to one byte more than allowed."""
    try:
        content = inflater.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise BadRecord(f"the body is damaged: {error}") from error
    if not inflater.eof and len(content) <= max_bytes:
        raise BadRecord(f"the compressed body breaks off after {len(content):,} bytes of content")
    return content


def _unbrotli(body: memoryview, max_bytes: int) -> bytes | memoryview:
    decoder = brotli.Decompressor()
    try:
        content = decoder.process(bytes(body), output_buffer_limit=max_bytes + 1)
        while not decoder.can_accept_more_data() and len(content) <= max_bytes:
            content += decoder.process(b"", output_buffer_limit=max_bytes + 1 - len(content))
    except brotli.error as error:
        if _LOOKS_DECODED.match(body):
            return body
        raise BadRecord("the body is damaged: it is not valid Brotli") from error
    if not decoder.is_finished() and len(content) <= max_bytes:
        raise BadRecord(f"the compressed body breaks off after {len(content):,} bytes of content")
    return content


def _unzstd(body: memoryview, max_bytes: int) -> bytes | memoryview:
    if bytes(body[:4]) != b"\x28\xb5\x2f\xfd":
        return body
    try:
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)).read(max_bytes + 1)
    except zstandard.ZstdError as error:
        raise BadRecord(f"the body is damaged: {error}") from error


_DECODERS: dict[bytes, Callable[[memoryview, int], bytes | memoryview]] = {
    b"gzip": _gunzip,
    b"x-gzip": _gunzip,
    b"deflate": _undeflate,
    b"br": _unbrotli,
    b"zstd": _unzstd,
}
