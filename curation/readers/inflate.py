"""Compressed input as pieces of bounded size: gzip member by member, so that damage to one costs no other, and zstd.

ISA-L inflates the members of real WARC files at 1,450 MB/s of HTML, zlib at 630 (one core). A damaged deflate stream
may run on into the following members before it fails; so what was read since the start of a member is kept, and the
search for the next member starts right behind the start of the damaged one.
"""

from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

import zstandard
from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor, IsalError

PIECE_BYTES = 1 << 20
"""No inflated piece is larger, however well it was compressed (zstd: 32 MiB, at 32,768 to 1)."""

GZIP_MAGIC = b"\x1f\x8b\x08"

_READ_BYTES = 1 << 20
_INPUT_BYTES = 1 << 14  # what lies behind a member's end is copied once for each member, so not much more
_FIRST_OUTPUT_BYTES = 1 << 12  # ISA-L reserves all it may write: 15 µs for 1 MiB, and most members are small requests
_OUTPUT_BYTES = 1 << 16
_HEADER_BYTES = 10
_KEPT_BYTES = 1 << 27  # compressed bytes kept for the search while nothing of a member is known to be sound
_KEPT_BYTES_SOUND = 1 << 20  # and once something is: a bad deflate stream fails within some kilobytes
_TRIAL_BYTES = 1 << 12
_ZSTD_INPUT_BYTES = 1 << 10  # a block of 4 bytes may stand for 128 KiB


class DamagedStream(Exception):
    """Compressed input that cannot be read any further; what came before it is sound."""


class Stream:
    """A file read forward, of which bytes can be asked for again until they are released. Offsets count from 0."""

    def __init__(self, file: BinaryIO, start: int = 0) -> None:
        if start:
            file.seek(start)
        self._file = file
        self._blocks: deque[tuple[int, bytes]] = deque()
        self._end = start  # of what was read

    def at(self, offset: int, size: int) -> memoryview:
        """Return 1 to `size` bytes at an offset that is not released, or none at the end of the file."""
        while offset >= self._end:
            block = self._file.read(_READ_BYTES)
            if not block:
                return memoryview(b"")
            self._blocks.append((self._end, block))
            self._end += len(block)
        for start, block in reversed(self._blocks):
            if start <= offset:
                return memoryview(block)[offset - start : offset - start + size]
        raise AssertionError(f"byte {offset} has been released")

    def block(self, offset: int) -> tuple[bytes, int]:
        """Return the block of the file with a byte that is not released, and the byte's place in it; as `at`."""
        if not self._blocks or offset >= self._end:
            self.at(offset, 1)
        for start, block in reversed(self._blocks):
            if start <= offset:
                return block, offset - start
        return b"", 0

    def release(self, offset: int) -> None:
        """Forget what lies before `offset`."""
        while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) <= offset:
            self._blocks.popleft()

    @property
    def first(self) -> int:
        """The first offset that can be asked for."""
        return self._blocks[0][0] if self._blocks else self._end

    def joined(self, offset: int, size: int) -> bytes:
        """Return `size` bytes at an offset, fewer only at the end of the file."""
        parts = []
        while size and (piece := self.at(offset, size)):
            parts.append(bytes(piece))
            offset += len(piece)
            size -= len(piece)
        return b"".join(parts)

    def find(self, needle: bytes, offset: int) -> int | None:
        """Return where `needle` next stands at or after `offset`; what lies before it is released."""
        while piece := self.at(offset, _READ_BYTES):
            window = bytes(piece) + self.joined(offset + len(piece), len(needle) - 1)
            if (found := window.find(needle)) >= 0:
                return offset + found
            offset += len(piece)
            self.release(offset)
        return None


class GzipMember:
    """One gzip member. Once `pieces` is exhausted, `end` says where the next one starts, or `error` what is wrong.

    content: all of it, once `take_whole` has been true. is_sound: set by who reads the pieces when something good was
    in them; fewer bytes are kept for a search then.
    """

    def __init__(self, stream: Stream, start: int) -> None:
        self.start = start
        self.end: int | None = None
        self.error: str | None = None
        self.is_sound = False
        self.content: bytes | None = None
        self._stream = stream

    def take_whole(self) -> bool:
        """Inflate at once, if a block of the file holds all of the member and the next one's header, as mostly.

        False, and nothing done, where that is not so, or anything is odd: `pieces` tells. A member ends with its size.
        """
        self._stream.release(self.start)
        block, start = self._stream.block(self.start)
        end = block.find(block[start : start + _HEADER_BYTES], start + 1)
        size = int.from_bytes(block[end - 4 : end], "little") if end >= 0 else 0
        if not 0 < size <= PIECE_BYTES:
            return False
        inflater = IgzipDecompressor(DECOMP_GZIP)
        try:
            content = inflater.decompress(memoryview(block)[start:end], size)
        except IsalError:  # type: ignore[misc]  # its stub declares an instance, not a class
            return False
        if not inflater.eof or inflater.unused_data:
            return False
        self.content, self.end = content, self.start + end - start
        return True

    def pieces(self) -> Iterator[bytes]:
        """Inflate, in pieces of at most PIECE_BYTES; the checksum is tested at the end."""
        position = self.start
        self._stream.release(position)
        if self._stream.joined(position, len(GZIP_MAGIC)) != GZIP_MAGIC:
            self.error = "here is no gzip member"
            return
        inflater = IgzipDecompressor(DECOMP_GZIP)
        parts: list[bytes] = []  # of a piece: mostly all of the member
        size = 0
        room = _FIRST_OUTPUT_BYTES
        try:
            while not inflater.eof:
                self._stream.release(position - (_KEPT_BYTES_SOUND if self.is_sound else _KEPT_BYTES))
                piece = self._stream.at(position, _INPUT_BYTES) if inflater.needs_input else memoryview(b"")
                if inflater.needs_input and not piece:
                    self.error = "the file ends inside this gzip member"
                    break
                position += len(piece)
                parts.append(inflater.decompress(piece, min(room, PIECE_BYTES - size)))
                size += len(parts[-1])
                room = _OUTPUT_BYTES
                if size == PIECE_BYTES:
                    yield parts[0] if len(parts) == 1 else b"".join(parts)
                    parts, size = [], 0
        except IsalError as error:  # type: ignore[misc]  # its stub declares an instance, not a class
            self.error = f"this gzip member is damaged ({error})"
        if self.error is None:
            self.end = position - len(inflater.unused_data)
        if size:
            yield parts[0] if len(parts) == 1 else b"".join(parts)

    def find_next(self, beginning: bytes) -> int | None:
        """After an error: where the next member starts whose content starts with `beginning`."""
        offset = max(self.start + 1, self._stream.first)
        while (found := self._stream.find(GZIP_MAGIC, offset)) is not None:
            if _inflates_to(self._stream.joined(found, _TRIAL_BYTES), beginning):
                return found
            offset = found + 1
        return None


def _inflates_to(data: bytes, beginning: bytes) -> bool:
    try:
        return IgzipDecompressor(DECOMP_GZIP).decompress(data, len(beginning))[: len(beginning)] == beginning
    except IsalError:  # type: ignore[misc]
        return False


def skip_padding(stream: Stream, offset: int) -> int:
    """Return where something else than zero bytes stands: tapes and some stores fill files up, and gzip ignores it."""
    while (piece := stream.at(offset, 1)) and not piece[0]:
        piece = stream.at(offset, _READ_BYTES)
        if rest := len(bytes(piece).lstrip(b"\0")):
            return offset + len(piece) - rest
        offset += len(piece)
        stream.release(offset)
    return offset


def gunzip(stream: Stream) -> Iterator[bytes]:
    """Inflate all members of a gzip file; DamagedStream where it cannot go on."""
    position = 0
    while stream.at(position, 1):
        member = GzipMember(stream, position)
        member.is_sound = True
        yield from member.pieces()
        if member.end is None:
            raise DamagedStream(str(member.error))
        position = skip_padding(stream, member.end)


def unzstd(stream: Stream) -> Iterator[bytes]:
    """Decompress all frames of a zstd file; DamagedStream where it cannot go on."""
    position = 0
    context = zstandard.ZstdDecompressor()
    while stream.at(position, 1):
        frame = context.decompressobj()
        try:
            while not frame.eof:
                if not (piece := stream.at(position, _ZSTD_INPUT_BYTES)):
                    raise DamagedStream("the file ends inside a zstd frame")
                stream.release(position)
                position += len(piece)
                if content := frame.decompress(piece):
                    yield content
        except zstandard.ZstdError as error:
            raise DamagedStream(f"this zstd frame is damaged ({error})") from error
        position -= len(frame.unused_data)
