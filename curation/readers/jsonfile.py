"""Reads JSON files that are no JSON Lines: an array of records, records under a key, one record, or one after another.

Data sets on GitHub come so. A file is walked value by value, and no more of it is held than one value, of at most
`max_record_bytes`; it cannot be cut into slices. Where it is no JSON any more it ends, since there is no telling where
the next record starts. A record's number is that of its first character in the (uncompressed) file.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from mathmill.core.stage import Output
from mathmill.curation.readers.fields import FieldMap
from mathmill.curation.readers.inflate import DamagedStream
from mathmill.curation.readers.jsonl import decompressed, is_compressed
from mathmill.curation.readers.rows import BadRecord, Rows
from mathmill.curation.readers.source import InputSlice, SourceConfig, opened

_PIECE_BYTES = 1 << 20
_BEHIND_SCALARS = frozenset(" \t\r\n,]}")
_SPACE = re.compile(r"[\s\ufeff]*")


def read_json(source: SourceConfig, slice_: InputSlice, rows: Rows, max_record_bytes: int) -> Iterator[Output]:
    """Read a file's records: those at `source.records`, else the elements of arrays and the objects at the top."""
    fields = FieldMap(source)
    path = source.records.split(".") if source.records is not None else []
    with opened(slice_.path, slice_.file_size) as file:
        is_packed = is_compressed(slice_.relative)
        pieces = decompressed(file, slice_.relative) if is_packed else iter(lambda: file.read(_PIECE_BYTES), b"")
        walker = _Walker(pieces, max_record_bytes)
        try:
            for number, record in walker.records(path):
                if isinstance(record, dict):
                    yield from fields.add(rows, number, None, record)
                else:
                    yield from rows.quarantine(number, None, "the record is valid JSON, but no object")
        except (DamagedStream, BadRecord) as error:
            message = f"{slice_.relative} can be read no further than its character {walker.tell():,}: {error}"
            yield from rows.quarantine(walker.tell(), None, message)
    yield from rows.flush()


class _Walker:
    """Goes through JSON text that arrives in pieces: `text[position:]` is what has been read and not taken."""

    def __init__(self, pieces: Iterable[bytes], max_chars: int) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces = filter(None, map(decoder.decode, pieces))
        self._max_chars = max_chars
        self._text = ""
        self._position = 0
        self._gone = 0  # characters before text[0]
        self._decoder = json.JSONDecoder()

    def tell(self) -> int:
        """The character that is next."""
        return self._gone + self._position

    def records(self, path: list[str]) -> Iterator[tuple[int, Any]]:
        """Give the values at a path of keys (`*` is any key) in each value at the top, with where they start.

        Raises BadRecord.
        """
        while self._peek():
            yield from self._values(path)

    def _values(self, path: list[str]) -> Iterator[tuple[int, Any]]:
        if path and self._peek() == "{":
            for key in self._keys():
                if key == path[0] or path[0] == "*":
                    yield from self._values(path[1:])
                else:
                    self._value()
        elif not path and self._peek() == "[":
            for start in self._elements():
                yield start, self._value()
        else:  # a record, or something that is not where the path leads to
            start, value = self.tell(), self._value()
            if not path:
                yield start, value

    def _elements(self) -> Iterator[int]:
        """Stop before each element of an array, which the caller takes; gives where it starts."""
        self._take("[")
        while self._peek() != "]":
            yield self.tell()
            if self._peek() != ",":
                break
            self._take(",")
        self._take("]")

    def _keys(self) -> Iterator[str]:
        """Stop behind each key of an object, whose value the caller takes."""
        self._take("{")
        while self._peek() == '"':
            key = self._value()
            self._take(":")
            yield key
            if self._peek() != ",":
                break
            self._take(",")
        self._take("}")

    def _take(self, expected: str) -> None:
        if (found := self._peek()) != expected:
            raise BadRecord(
                f"it is not valid JSON: there is {found!r} for {expected!r}" if found else "it ends too soon"
            )
        self._position += 1

    def _peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            self._position = _SPACE.match(self._text, self._position).end()  # type: ignore[union-attr]
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._fill():
                return ""

    def _value(self) -> Any:
        """Take a whole value. A try that fails is made again with twice as much text, as long as there is more."""
        self._peek()
        while True:
            error = "it ends too soon"
            try:
                value, end = self._decoder.raw_decode(self._text, self._position)
            except RecursionError:
                raise BadRecord("a value is nested too deeply") from None
            except ValueError as failure:
                error = f"it is not valid JSON: {failure}"
            else:
                has_end = isinstance(value, dict | list | str) or self._text[end : end + 1] in _BEHIND_SCALARS
                size = end - self._position
                if has_end or not self._fill():  # a number may go on
                    self._position += size
                    return value
                continue
            held = len(self._text) - self._position
            if held > self._max_chars:
                raise BadRecord(f"a value has more than the limit of {self._max_chars:,} characters, or no end")
            wanted = min(2 * held, self._max_chars)
            while len(self._text) - self._position <= wanted and self._fill():
                pass
            if len(self._text) - self._position == held:
                raise BadRecord(error)

    def _fill(self) -> bool:
        """Read a piece more; False at the end."""
        piece = next(self._pieces, "")
        self._gone += self._position
        self._text, self._position = self._text[self._position :] + piece, 0
        return bool(piece)
