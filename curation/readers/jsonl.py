"""Reads JSON Lines, plain or compressed with gzip or zstd, one record a line.

A record's number is the byte offset of its line in the (uncompressed) file, so that ids do not depend on how a plain
file is split among tasks: a slice owns the lines that start in it. A line that is no JSON object costs itself alone.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mathmill.core.stage import Output
from mathmill.curation.readers.fields import FieldMap
from mathmill.curation.readers.inflate import DamagedStream, Stream, gunzip, unzstd
from mathmill.curation.readers.rows import BadRecord, Rows
from mathmill.curation.readers.source import InputSlice, SourceConfig, opened

_PIECE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_DECOMPRESSORS: dict[str, Callable[[Stream], Iterator[bytes]]] = {".gz": gunzip, ".zst": unzstd}


def is_compressed(relative: str) -> bool:
    """Say whether a file has to be read as a whole, by its name."""
    return relative.lower().endswith(tuple(_DECOMPRESSORS))


def read_jsonl(source: SourceConfig, slice_: InputSlice, rows: Rows, max_record_bytes: int) -> Iterator[Output]:
    """Read the records whose lines start in a slice."""
    fields = FieldMap(source)
    is_plain = not is_compressed(slice_.relative)
    with opened(slice_.path, slice_.file_size) as file:
        pieces = _plain(file, slice_) if is_plain else decompressed(file, slice_.relative)
        lines = split_lines(pieces, max(0, slice_.start - 1) if is_plain else 0, max_record_bytes)
        end = slice_.end if is_plain else None
        if is_plain and slice_.start:
            next(lines, None)  # what is left of a line that belongs to the slice before this one
        offset = 0
        try:
            for offset, line, length in lines:
                if end is not None and offset >= end:
                    break
                yield from _add(fields, rows, offset, line, length, is_plain)
                offset += length
        except DamagedStream as error:
            message = f"{slice_.relative} can be read no further than byte {offset:,} of its content: {error}"
            yield from rows.quarantine(offset, None, message)
    yield from rows.flush()


def _plain(file: Any, slice_: InputSlice) -> Iterator[bytes]:
    """From the byte before the slice: if it ends a line, the slice's first line starts in the slice."""
    if slice_.start:
        file.seek(slice_.start - 1)
    while piece := file.read(_PIECE_BYTES):
        yield piece


def decompressed(file: Any, relative: str) -> Iterator[bytes]:
    """The content of a file whose name `is_compressed`, in pieces; DamagedStream where it can be read no further."""
    suffix = relative[relative.rindex(".") :].lower()
    return _DECOMPRESSORS[suffix](Stream(file))


def split_lines(pieces: Iterable[bytes], offset: int, max_bytes: int) -> Iterator[tuple[int, bytes | None, int]]:
    """Cut pieces into lines: (offset of the line, the line or None where it exceeds `max_bytes`, its length).

    offset: of the first piece. Lengths count the newline. No more than `max_bytes` and a piece are held.
    """
    parts: list[bytes] = []
    length = 0  # of the line that has not ended yet
    for piece in pieces:
        start = 0
        while (newline := piece.find(b"\n", start)) >= 0:
            length += newline + 1 - start
            parts.append(piece[start : newline + 1])
            yield offset, b"".join(parts) if length <= max_bytes else None, length
            offset, parts, length, start = offset + length, [], 0, newline + 1
        length += len(piece) - start
        if length <= max_bytes:
            parts.append(piece[start:])
        else:
            parts = []
    if length:
        yield offset, b"".join(parts) if length <= max_bytes else None, length


def _add(
    fields: FieldMap, rows: Rows, number: int, line: bytes | None, length: int, is_plain: bool
) -> Iterator[Output]:
    offset = number if is_plain else None
    try:
        if line is None:
            raise BadRecord(f"the line has {length:,} bytes, more than the limit")
        line = (line.removeprefix(_BOM) if number == 0 else line).strip()
        record = _parse(line) if line else None
    except BadRecord as error:
        yield from rows.quarantine(number, offset, str(error))
        return
    if record is not None:
        yield from fields.add(rows, number, offset, record)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8", "replace"))
    except RecursionError:
        raise BadRecord("the line is nested too deeply") from None
    except ValueError as error:
        raise BadRecord(f"the line is not valid JSON: {error}") from error
    if not isinstance(record, dict):
        raise BadRecord("the line is valid JSON, but no object")
    return record
