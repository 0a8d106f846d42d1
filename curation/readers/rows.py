"""Rows on their way into record batches: bounded by bytes, with the place in the file that each came from.

Page bodies are copied into the batch's buffer at once, while they are in the cache: holding them until the batch is
built made reading real WARC files about three times slower, in page faults.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from mathmill.core.schemas import DROPPED, QUARANTINE, record_id, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT, QUARANTINE_PORT, Output
from mathmill.curation.readers.source import SourceConfig, input_schema

MAX_ROWS = 4096
STAGE = "read"


class BadRecord(ValueError):
    """One record cannot be read; its text says why, and goes to quarantine with the record."""


class LeftOut(BadRecord):
    """One record can be read, and is left out for a reason, which is a fixed word."""

    def __init__(self, reason: str, detail: str | None = None) -> None:
        super().__init__(reason if detail is None else f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Rows:
    """Collects the rows of one file and gives them out as batches of at most `batch_bytes`, or of one larger row.

    relative: the file, which ids are made from; rows that come from another file set it first.
    """

    def __init__(self, source: SourceConfig, relative: str, batch_bytes: int) -> None:
        self._source = source
        self.relative = relative
        self._batch_bytes = batch_bytes
        self._schema = input_schema(source)
        self._rows: list[dict[str, Any]] = []
        self._ids: list[str] = []
        self._places: list[tuple[str, int, int | None]] = []  # as `locator` has it
        self._allocate(batch_bytes)
        self._dropped: list[dict[str, Any]] = []
        self._quarantined: list[dict[str, Any]] = []
        self._size = 0

    def add(self, record: int, offset: int | None, size: int, values: dict[str, Any]) -> Iterator[Output]:
        """Add a row of about `size` bytes; yields what has to leave before it.

        record: its number in the file. offset: of its first byte in the file as stored, where that is known. values:
        by column, taken over; what the place in the file gives is filled in here, and `license` where there is none.
        """
        if self._rows and (self._size + size > self._batch_bytes or len(self._rows) >= MAX_ROWS):
            yield from self.flush()
        if (html := values.pop("html", None)) is not None:
            start, end = self._html_ends[-1], self._html_ends[-1] + len(html)
            if end > self._html.size:  # a row that is larger than a batch is one alone
                assert not start
                self._allocate(end)
            self._view[start:end] = html
            self._html_ends.append(end)
        self._ids.append(self._id(record))
        self._places.append((self.relative, record, offset))
        self._rows.append(values)
        self._size += size

    def drop(self, record: int, reason: str, detail: str | None = None) -> Iterator[Output]:
        """Note that a record was left out; yields what has to leave."""
        self._dropped.append({"id": self._id(record), "stage": STAGE, "reason": reason, "detail": detail})
        if len(self._dropped) >= MAX_ROWS:
            yield from self.flush()

    def quarantine(self, record: int, offset: int | None, error: str) -> Iterator[Output]:
        """Note that a record, or what stands in a record's place, cannot be read; yields what has to leave."""
        locator = self._locator(record, offset)
        # Arrow's errors have several lines
        sentence = " ".join(line.strip() for line in error[:2000].splitlines() if line.strip())
        row = {"id": self._id(record), "stage": STAGE, "error": sentence, "locator": locator}
        self._quarantined.append(row)
        if len(self._quarantined) >= MAX_ROWS:
            yield from self.flush()

    def flush(self) -> Iterator[Output]:
        """Give out everything collected."""
        rows, self._rows, self._size = self._rows, [], 0
        dropped, self._dropped = self._dropped, []
        quarantined, self._quarantined = self._quarantined, []
        if rows:
            columns = [self._column(field, rows) for field in self._schema]
            self._allocate(self._batch_bytes)
            self._ids, self._places = [], []
            yield OUT, pa.RecordBatch.from_arrays(columns, schema=self._schema)
        if dropped:
            yield DROPPED_PORT, to_batch(dropped, DROPPED)
        if quarantined:
            yield QUARANTINE_PORT, to_batch(quarantined, QUARANTINE)

    def _allocate(self, size: int) -> None:
        """Have memory for the pages of a batch, which Arrow's pool has had in use before; row i ends at ends[i + 1]."""
        self._html = pa.allocate_buffer(size if "html" in self._schema.names else 0, resizable=True)
        self._view = memoryview(self._html).cast("B")
        self._html_ends = [0]

    def _column(self, field: pa.Field, rows: list[dict[str, Any]]) -> pa.Array:
        if field.name == "html":
            ends = pa.py_buffer(np.array(self._html_ends, np.int64))
            return pa.Array.from_buffers(field.type, len(rows), [None, ends, self._html[: self._html_ends[-1]]])
        if field.name in ("doc_id", self._schema.names[0]):
            return pa.array(self._ids, field.type)
        if field.name == "source":
            return pa.repeat(pa.scalar(self._source.name, field.type), len(rows))
        if field.name == "locator":
            columns = zip(*self._places, strict=True)
            parts = [pa.array(column, part.type) for column, part in zip(columns, field.type, strict=True)]
            return pa.StructArray.from_arrays(parts, fields=list(field.type))
        values = [row.get(field.name) for row in rows]
        if field.name == "license" and self._source.license is not None:
            values = [self._source.license if value is None else value for value in values]
        return pa.array(values, field.type)

    def _id(self, record: int) -> str:
        return record_id(self._source.name, self.relative, record)

    def _locator(self, record: int, offset: int | None) -> dict[str, Any]:
        return {"file": self.relative, "record": record, "offset": offset}
