"""Writers of a task's outputs, each to a local temporary file that the runner publishes when it is whole.

The bytes depend on the rows alone, never on how batches arrived: Parquet row groups and Arrow batches close after a
fixed number of rows or bytes, counted row by row.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathmill.jobs.plan import Sink
from mathmill.jobs.spill import SpillWriter

GROUP_ROWS = 1024
GROUP_BYTES = 32 << 20
"""A row group closes with the row that reaches either; one row may be larger than GROUP_BYTES."""


class Rechunker:
    """Turns any sequence of batches of one schema into the same sequence of tables, whatever the batch boundaries."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._pending: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> Iterator[pa.Table]:
        """Take a batch; yield the tables that it completes."""
        ends = np.cumsum(_row_bytes(batch))
        start = 0
        while start < batch.num_rows:
            used = int(ends[start - 1]) if start else 0
            by_bytes = int(np.searchsorted(ends, used + GROUP_BYTES - self._bytes)) + 1
            stop = min(batch.num_rows, start + GROUP_ROWS - self._rows, by_bytes)
            self._pending.append(batch.slice(start, stop - start))
            self._rows += stop - start
            self._bytes += int(ends[stop - 1]) - used
            start = stop
            if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
                yield from self.flush()

    def flush(self) -> Iterator[pa.Table]:
        """Yield what is left."""
        if self._rows:
            table = pa.Table.from_batches(self._pending, schema=self._schema)
            # copied, since Arrow files show how an array was chunked and sliced
            yield table.take(np.arange(self._rows)).combine_chunks()
        self._pending, self._rows, self._bytes = [], 0, 0


def _row_bytes(batch: pa.RecordBatch) -> np.ndarray:
    """Bytes of each row's strings and lists, roughly: int64 (n_rows,). It depends on the row alone."""
    total = np.full(batch.num_rows, 64, np.int64)
    for field, column in zip(batch.schema, batch.columns, strict=True):
        kind = field.type
        if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
            total += pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            total += 4 * pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return total


class ParquetSink:
    """Zstandard Parquet."""

    suffix = "parquet"

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._rechunker = Rechunker(schema)
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=3)

    def write(self, batch: pa.RecordBatch) -> None:
        for table in self._rechunker.add(batch):
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def close(self) -> None:
        for table in self._rechunker.flush():
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._writer.close()


class ArrowSink:
    """Uncompressed Arrow IPC, for memory maps."""

    suffix = "arrow"

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._rechunker = Rechunker(schema)
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        for table in self._rechunker.add(batch):
            self._writer.write_table(table)

    def close(self) -> None:
        for table in self._rechunker.flush():
            self._writer.write_table(table)
        self._writer.close()
        self._file.close()


def open_sink(sink: Sink, path: Path, schema: pa.Schema) -> ParquetSink | ArrowSink | SpillWriter:
    """Open the writer of a port; `path` has no suffix yet."""
    if sink.format == "spill":
        return SpillWriter(path.with_suffix(f".{SpillWriter.suffix}"), schema, sink.partitions, sink.order)
    kind = ParquetSink if sink.format == "parquet" else ArrowSink
    return kind(path.with_suffix(f".{kind.suffix}"), schema)
