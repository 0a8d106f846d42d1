from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathmill.jobs import spill
from mathmill.jobs.spill import SpillWriter, merge, partition_of

ORDER = ("key", "rank", "ref")
SCHEMA = pa.schema([("key", pa.uint64()), ("rank", pa.uint64()), ("ref", pa.uint64())])


def rows(seed: int, count: int, keys: int) -> pa.RecordBatch:
    random = np.random.default_rng(seed)
    hot = random.integers(0, keys, count).astype(np.uint64) * np.uint64(((1 << 64) - 1) // keys)
    columns = [hot, random.integers(0, 4, count).astype(np.uint64), random.permutation(count).astype(np.uint64)]
    return pa.record_batch([pa.array(column) for column in columns], schema=SCHEMA)


def write(path: Path, batches: list[pa.RecordBatch], partitions: int) -> Path:
    writer = SpillWriter(path, SCHEMA, partitions, ORDER)
    for batch in batches:
        writer.write(batch)
    writer.close()
    return path


@pytest.mark.parametrize("block", [3, 64, 1 << 16])
def test_merging_gives_every_row_once_sorted_whatever_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(spill, "_BLOCK_ROWS", block)
    batches = [rows(seed, count, keys=7) for seed, count in enumerate((100, 1, 57))]
    paths = [write(tmp_path / f"{i}.spill", [batch], 4) for i, batch in enumerate(batches)]
    expected = sorted(tuple(row.values()) for batch in batches for row in batch.to_pylist())
    merged = []
    for partition in range(4):
        part = [tuple(row.values()) for batch in merge(paths, partition, ORDER) for row in batch.to_pylist()]
        assert part == sorted(part)
        keys = np.array([row[0] for row in part], np.uint64)
        assert (partition_of(keys, 4) == partition).all()
        merged += part
    assert merged == expected


def test_one_hot_key_is_streamed_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "_BLOCK_ROWS", 10)
    paths = [write(tmp_path / f"{i}.spill", [rows(i, 200, keys=1)], 1) for i in range(3)]
    batches = list(merge(paths, 0, ORDER))
    assert sum(batch.num_rows for batch in batches) == 600
    assert max(batch.num_rows for batch in batches) <= 30


def test_batches_of_any_size_write_the_same_bytes(tmp_path: Path) -> None:
    batch = rows(1, 100, keys=9)
    whole = write(tmp_path / "a", [batch], 3).read_bytes()
    assert write(tmp_path / "b", [batch.slice(0, 13), batch.slice(13)], 3).read_bytes() == whole


def test_an_empty_partition_yields_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spill", [rows(0, 5, keys=1)], 8)
    assert [sum(b.num_rows for b in merge([path], p, ORDER)) for p in range(8)] == [5, 0, 0, 0, 0, 0, 0, 0]
