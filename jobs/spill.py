"""The embedded engine's shuffle: one sorted spill file per emit task, merged block by block for each partition.

A partition is a range of the key's hash, taken from our own key (its high bits), so that every engine groups alike.
The merge holds one block of each file at a time and never a whole key, however hot it is.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

_BLOCK_ROWS = 1 << 16


def partition_of(keys: np.ndarray, partitions: int) -> np.ndarray:
    """Partition numbers of uint64 keys (n,) -> int64 (n,): the key's place in the hash range."""
    return ((keys >> np.uint64(32)) * np.uint64(partitions) >> np.uint64(32)).astype(np.int64)


class SpillWriter:
    """Collects an emit task's rows (compact, so they fit in memory) and writes them sorted, with partition offsets."""

    suffix = "spill"

    def __init__(self, path: Path, schema: pa.Schema, partitions: int, order: Sequence[str]) -> None:
        self._path, self._schema, self._partitions, self._order = path, schema, partitions, order
        self._batches: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)

    def close(self) -> None:
        table = pa.Table.from_batches(self._batches, schema=self._schema).combine_chunks()
        columns = [table.column(name).to_numpy() for name in self._order]
        order = np.lexsort(columns[::-1])  # keys ascend, so partitions ascend too
        partitions = partition_of(columns[0][order], self._partitions)
        offsets = np.searchsorted(partitions, np.arange(self._partitions + 1)).tolist()
        schema = self._schema.with_metadata({"offsets": json.dumps(offsets)})
        with pa.OSFile(str(self._path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            table = table.take(pa.array(order)).combine_chunks().replace_schema_metadata(schema.metadata)
            writer.write_table(table, _BLOCK_ROWS)


class _Run:
    """The rows of one spill file that belong to one partition, block by block."""

    def __init__(self, path: Path, partition: int, order: Sequence[str]) -> None:
        self._reader = pa.ipc.open_file(pa.memory_map(str(path)))
        offsets = json.loads(self._reader.schema.metadata[b"offsets"])
        self._next, self._end = offsets[partition], offsets[partition + 1]
        self._order = order
        self.block: pa.RecordBatch | None = None
        self.keys: list[np.ndarray] = []
        self.advance(0)

    def advance(self, rows: int) -> None:
        """Drop the first rows of the block; load the next block when none is left."""
        if self.block is not None and rows < self.block.num_rows:
            self._set(self.block.slice(rows))
            return
        if self._next >= self._end:
            self.block = None
            return
        number, start = divmod(self._next, _BLOCK_ROWS)
        batch = self._reader.get_batch(number)
        stop = min(batch.num_rows, start + self._end - self._next)
        self._next += stop - start
        self._set(batch.slice(start, stop - start))

    def _set(self, block: pa.RecordBatch) -> None:
        self.block = block
        self.keys = [block.column(name).to_numpy() for name in self._order]

    def last(self) -> tuple[int, ...]:
        return tuple(int(column[-1]) for column in self.keys)

    def rows_until(self, bound: tuple[int, ...]) -> int:
        """Rows of the block that are not after `bound`, in the sort order."""
        low, high = 0, len(self.keys[0])
        for column, value in zip(self.keys, bound, strict=True):
            part = column[low:high]
            typed = column.dtype.type(value)
            low, high = low + int(np.searchsorted(part, typed)), low + int(np.searchsorted(part, typed, side="right"))
        return high


def merge(paths: Sequence[Path], partition: int, order: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Stream one partition of spill files, sorted by `order` (unsigned or signed integer columns, the key first)."""
    runs = [run for run in (_Run(path, partition, order) for path in paths) if run.block is not None]
    while runs:
        bound = min(run.last() for run in runs)
        taken = []
        for run in runs:
            count = run.rows_until(bound)
            if count and run.block is not None:
                taken.append(run.block.slice(0, count))
                run.advance(count)
        runs = [run for run in runs if run.block is not None]
        table = pa.Table.from_batches(taken).combine_chunks()
        sort = np.lexsort([table.column(name).to_numpy() for name in order][::-1])
        yield from table.take(pa.array(sort)).replace_schema_metadata(None).combine_chunks().to_batches()
