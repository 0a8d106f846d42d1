r"""Frames WARC records, and finds the way back to the next one wherever something is damaged.

A record's declared length is believed only if a record's end stands there. Where it is false, the record is damage, and
reading goes on at the next line that starts a WARC header; so a false length, long or short, costs one record and no
neighbour. (Only one that happens to end right before a later record cannot be seen; never in the usual gzip file with
a member for each record.) FastWARC, which believes it, swallows the neighbours of a record that declares too much and
ends at one that declares too little. Gzip files are read member by member (see inflate.py): what is damaged in one
member cannot reach the next, and archives that were compressed as a whole are one long member. Framing real files
costs as much time as FastWARC iterating over them and reading the bodies.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from mathmill.curation.readers.headers import BLANK_LINE, parse_headers, text
from mathmill.curation.readers.inflate import GZIP_MAGIC, GzipMember, Stream, skip_padding

MAX_RECORD_BYTES = 64 << 20
"""Of one record: as stored in a WARC, without its HTTP encodings, or as a line of JSON. Larger ones are quarantined."""

_PIECE_BYTES = 1 << 20
_MAX_HEADER_BYTES = 1 << 16

_VERSION = re.compile(rb"WARC/\d{1,2}\.\d{1,2}[ \t]*\r?\n")
_BOUNDARY = re.compile(rb"WARC/\d{1,2}\.\d{1,2}[ \t]{0,16}\r?\n[A-Za-z][A-Za-z-]{0,63}:")
_BOUNDARY_LINE = re.compile(rb"\n" + _BOUNDARY.pattern)
_LONGEST_BOUNDARY = 128
_TYPES = frozenset(b"warcinfo response resource request metadata revisit conversion continuation".split())
_LENGTH = re.compile(rb"\d{1,18}")


@dataclass(frozen=True, slots=True)
class Record:
    """A whole WARC record. offset: in the file as stored, of its gzip member if in one. headers: as `parse_headers`."""

    offset: int
    headers: dict[bytes, bytes]
    block: memoryview


@dataclass(frozen=True, slots=True)
class Damage:
    """What stands in the place of one damaged record (`is_record`), or of a stretch where no record can be seen."""

    offset: int
    error: str
    is_record: bool


class Segment(Protocol):
    """A part of a file that starts at a record, uncompressed: the file itself, or a gzip member."""

    start: int
    error: str | None
    is_sound: bool

    def pieces(self) -> Iterator[bytes]:
        """The content, once."""
        ...


class PlainFile:
    """A WARC file without compression, as one segment."""

    def __init__(self, stream: Stream) -> None:
        self.start = 0
        self.error: str | None = None
        self.is_sound = False
        self._stream = stream

    def pieces(self) -> Iterator[bytes]:
        """The content, in pieces of at most 1 MiB."""
        position = 0
        while piece := self._stream.at(position, _PIECE_BYTES):
            yield bytes(piece)
            position += len(piece)
            self._stream.release(position)


def read_records(stream: Stream, max_bytes: int, named_gzip: bool = False) -> Iterator[Record | Damage]:
    """Frame all records of a WARC file, in order; a block of more than `max_bytes` is damage.

    A stretch where no record can be seen is one Damage, however many gzip members it spans. `named_gzip` decides only
    where the first bytes are neither a gzip member nor a WARC record.
    """
    is_gzip = stream.joined(0, len(GZIP_MAGIC)) == GZIP_MAGIC
    is_plain = _VERSION.match(stream.joined(0, _LONGEST_BOUNDARY).lstrip(b"\r\n")) is not None
    in_stretch = False
    segments: Iterator[Segment] = iter([PlainFile(stream)])
    if is_gzip or (named_gzip and not is_plain):
        segments = _members(stream)
    for segment in segments:
        whole = segment.content if isinstance(segment, GzipMember) else None
        if whole is not None and (record := _only_record(whole, segment.start, max_bytes)):
            in_stretch = False
            yield record
            continue
        for item in _read_segment(segment, max_bytes):
            is_stretch = isinstance(item, Damage) and not item.is_record
            if not (is_stretch and in_stretch):
                yield item
            in_stretch = is_stretch


def _members(stream: Stream) -> Iterator[GzipMember]:
    position: int | None = 0
    while position is not None:
        member = GzipMember(stream, position)
        if member.take_whole():
            yield member
            position = member.end
        elif stream.at(position, 1):
            yield member
            position = member.find_next(b"WARC/") if member.end is None else skip_padding(stream, member.end)
        else:
            return


def _read_segment(segment: Segment, max_bytes: int) -> Iterator[Record | Damage]:
    pieces = segment.pieces()
    if isinstance(segment, GzipMember):
        first, second = segment.content, b""
        if first is None:
            first, second = next(pieces, b""), next(pieces, b"")
        if segment.end is not None and (record := _only_record(first, segment.start, max_bytes)):
            yield record
            return
        pieces = chain((first, second), pieces) if second else iter((first,))
    buffer = _Buffer(pieces)
    is_told = False  # the damage that reaches to where the buffer stands
    while True:
        buffer.skip_newlines()
        if not buffer.fill(1):
            if segment.error and not is_told:
                yield Damage(segment.start, segment.error, is_record=False)
            return
        offset = segment.start + (buffer.tell() if isinstance(segment, PlainFile) else 0)
        headers = _read_header(buffer)
        if headers is None:
            buffer.seek_boundary()
            is_told = True
            yield Damage(offset, segment.error or "here is no WARC record", is_record=False)
            continue
        fault = _fault(headers, max_bytes)
        if fault is None and _is_whole(buffer, int(headers[b"Content-Length"]), segment):
            segment.is_sound, is_told = True, False
            yield Record(offset, headers, buffer.take(int(headers[b"Content-Length"])))
            continue
        start = buffer.tell()
        if not buffer.is_at_boundary():
            buffer.seek_boundary()
        is_told = True
        if fault is None:
            held = f"{buffer.tell() - start:,}"
            fault = f"the record declares {int(headers[b'Content-Length']):,} bytes, but "
            fault += f"{held} could be read" if segment.error else f"{held} stand before the next record or the end"
        error = f"{segment.error}; {fault}" if segment.error else fault
        yield Damage(offset, f"{error} ({text(headers.get(b'WARC-Target-URI')) or 'no URI'})", is_record=True)


def _only_record(content: bytes, offset: int, max_bytes: int) -> Record | None:
    """The record that is all of a member, as nearly all are; None where it takes a closer look."""
    end = BLANK_LINE.search(content, 0, _MAX_HEADER_BYTES)
    if end is None or not content.endswith(b"\r\n\r\n") or not _VERSION.match(content):
        return None
    headers = parse_headers(content[: end.start()])
    block = memoryview(content)[end.end() : -4]
    is_whole = headers.get(b"Content-Length") == b"%d" % len(block)
    return Record(offset, headers, block) if is_whole and _fault(headers, max_bytes) is None else None


def _fault(headers: dict[bytes, bytes], max_bytes: int) -> str | None:
    """Say what is wrong with a record by its header alone, where two values of a field are joined by a comma."""
    type_, date = headers.get(b"WARC-Type", b""), headers.get(b"WARC-Date", b"")
    length = headers.get(b"Content-Length", b"")
    if type_.lower() not in _TYPES:
        return f"the record declares the type {type_[:80].decode('utf-8', 'replace')!r}"
    if b"," in date:
        return f"the record declares the date {date[:80].decode('utf-8', 'replace')!r}"
    if not _LENGTH.fullmatch(length):
        return f"the record declares the length {length[:80].decode('utf-8', 'replace')!r}"
    if int(length) > max_bytes:
        return f"the record declares {int(length):,} bytes, more than the limit of {max_bytes:,}"
    return None


def _read_header(buffer: "_Buffer") -> dict[bytes, bytes] | None:
    """Read a WARC header and the blank line behind it; None, and nothing read, where there is none."""
    size = 1 << 12
    while True:
        is_filled = buffer.fill(size)
        if not _VERSION.match(buffer.data, buffer.position):
            return None
        end = BLANK_LINE.search(buffer.data, buffer.position, buffer.position + _MAX_HEADER_BYTES)
        if end:
            break
        if not is_filled or size >= _MAX_HEADER_BYTES:
            return None
        size *= 4
    head = buffer.data[buffer.position : end.start()]
    buffer.position = end.end()
    return parse_headers(head)


def _is_whole(buffer: "_Buffer", length: int, segment: Segment) -> bool:
    """Say whether a record ends after `length` bytes.

    It does if then, after some newlines, another record begins or the segment ends as it should, or if the two newlines
    that end a record stand there (and garbage behind them).
    """
    if not buffer.fill(length):
        return False
    for size in range(length + 16, length + _MAX_HEADER_BYTES, 256):
        is_filled = buffer.fill(size)
        rest = buffer.data[buffer.position + length : buffer.position + size].lstrip(b"\r\n")
        if len(rest) >= 5 or (rest and not is_filled):
            ends = buffer.data.startswith(b"\r\n\r\n", buffer.position + length)
            return ends or b"WARC/".startswith(rest[:5])
        if not is_filled:
            return segment.error is None
    return False


class _Buffer:
    """Pieces as one run of bytes: `data[position:]` is what has been read and not taken."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.data = b""
        self.position = 0
        self._pieces = pieces
        self._gone = 0  # bytes before data[0]

    def tell(self) -> int:
        return self._gone + self.position

    def fill(self, size: int) -> bool:
        """Have `size` bytes at hand; False where the segment ends before."""
        have = kept = len(self.data) - self.position
        if have >= size:
            return True
        # half as much again as is kept: however often a false length makes us look far ahead, copying stays linear
        target = max(size, kept + kept // 2)
        parts = []
        while have < target and (piece := next(self._pieces, b"")):
            parts.append(piece)
            have += len(piece)
        if parts:
            self._gone += self.position
            self.data = parts[0] if len(parts) == 1 and not kept else b"".join((self.data[self.position :], *parts))
            self.position = 0
        return have >= size

    def take(self, size: int) -> memoryview:
        taken = memoryview(self.data)[self.position : self.position + size]
        self.position += size
        return taken

    def skip_newlines(self) -> None:
        while self.fill(1) and self.data[self.position] in b"\r\n":
            self.position += 1

    def is_at_boundary(self) -> bool:
        """Say whether a WARC header starts here."""
        self.fill(_LONGEST_BOUNDARY)
        return _BOUNDARY.match(self.data, self.position) is not None

    def seek_boundary(self) -> None:
        """Go to the next line that starts a WARC header, or to the end."""
        while True:
            is_filled = self.fill(2 * _LONGEST_BOUNDARY)
            if found := _BOUNDARY_LINE.search(self.data, self.position):
                self.position = found.start() + 1
                return
            if not is_filled:
                self.position = len(self.data)
                return
            # a header that is cut off by the end of what was read must be seen again
            self.position = max(self.position, len(self.data) - _LONGEST_BOUNDARY)
