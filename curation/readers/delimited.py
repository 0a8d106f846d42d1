"""Reads tables as text, comma or tab between the cells, plain or compressed: a record a row, its cells texts by column.

The first row names the columns, unless the source's `columns` does. CSV cells may be quoted and hold line breaks; TSV
knows no quotes, as registered with IANA. A record's number is the byte that it starts at in the (uncompressed) file,
which is one slice.
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from mathmill.core.stage import Output
from mathmill.curation.readers.fields import FieldMap
from mathmill.curation.readers.inflate import DamagedStream
from mathmill.curation.readers.jsonl import decompressed, is_compressed, split_lines
from mathmill.curation.readers.rows import Rows
from mathmill.curation.readers.source import InputSlice, SourceConfig, opened

_PIECE_BYTES = 1 << 20


def read_delimited(
    source: SourceConfig, slice_: InputSlice, rows: Rows, separator: str, max_record_bytes: int
) -> Iterator[Output]:
    """Read a file's rows; one that has not the header's number of cells goes to quarantine."""
    fields = FieldMap(source)
    with opened(slice_.path, slice_.file_size) as file:
        is_packed = is_compressed(slice_.relative)
        pieces = decompressed(file, slice_.relative) if is_packed else iter(lambda: file.read(_PIECE_BYTES), b"")
        lines = _Lines(pieces, max_record_bytes)
        csv.field_size_limit(max_record_bytes)
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE
        names = list(source.columns)
        try:
            for number, cells in _rows(csv.reader(lines, delimiter=separator, quoting=quoting), lines):
                if isinstance(cells, str):
                    yield from rows.quarantine(number, None, cells)
                elif not names:
                    names = cells
                elif len(cells) != len(names):
                    message = f"the row has {len(cells):,} cells, and there are {len(names):,} columns"
                    yield from rows.quarantine(number, None, message)
                else:
                    yield from fields.add(rows, number, None, dict(zip(names, cells, strict=True)))
        except DamagedStream as error:
            message = f"{slice_.relative} can be read no further than byte {lines.end:,} of its content: {error}"
            yield from rows.quarantine(lines.end, None, message)
    yield from rows.flush()


class _Lines:
    """Lines of text for the csv module; one that is too long is left out, and told by `too_long`."""

    def __init__(self, pieces: Iterable[bytes], max_bytes: int) -> None:
        self._lines = split_lines(pieces, 0, max_bytes)
        self.end = 0  # bytes of the lines given
        self.too_long = 0  # bytes of one that was left out

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        start, line, length = next(self._lines)
        self.end += length
        if line is None:
            self.too_long = length
            return "\n"
        text = line.decode("utf-8", "replace").replace("\0", "\ufffd")
        return text.removeprefix("\ufeff") if start == 0 else text


def _rows(reader: Any, lines: _Lines) -> Iterator[tuple[int, list[str] | str]]:
    """Give (first byte, cells) of each row that is not empty, or (first byte, what is wrong with it)."""
    while True:
        number = lines.end
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number, f"the row cannot be read: {error}"
            continue
        if lines.too_long:
            yield number, f"the line has {lines.too_long:,} bytes, more than the limit"
            lines.too_long = 0
        elif cells is None:
            return
        elif cells:
            yield number, cells
