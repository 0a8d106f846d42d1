from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.jobs import sinks
from mathmill.jobs.plan import Sink
from mathmill.jobs.sinks import open_sink

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.large_string()), ("spans", pa.list_(pa.int32()))])


def table(count: int) -> pa.RecordBatch:
    random = np.random.default_rng(7)
    sizes = random.integers(0, 300, count)
    return pa.record_batch(
        [
            pa.array([f"{i:032x}" for i in range(count)]),
            pa.array(["x" * size for size in sizes], pa.large_string()),
            pa.array([list(range(size % 5)) for size in sizes], pa.list_(pa.int32())),
        ],
        schema=SCHEMA,
    )


def write(path: Path, kind: str, batches: list[pa.RecordBatch]) -> Path:
    sink = open_sink(Sink(folder="documents", format=kind), path, SCHEMA)
    for batch in batches:
        sink.write(batch)
    sink.close()
    return path.with_suffix(f".{sink.suffix}")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("cuts", [[1], [700, 1023, 1024, 1025], list(range(0, 3000, 11))])
def test_the_bytes_do_not_depend_on_batch_boundaries(
    tmp_path: Path, kind: str, cuts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "GROUP_BYTES", 100_000)
    whole = table(3000)
    bounds = [0, *cuts, 3000]
    parts = [whole.slice(a, b - a) for a, b in pairwise(bounds)]
    one = write(tmp_path / "one", kind, [whole])
    many = write(tmp_path / "many", kind, parts)
    assert one.read_bytes() == many.read_bytes()


def test_row_groups_are_bounded_by_rows_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "GROUP_BYTES", 50_000)
    path = write(tmp_path / "a", "parquet", [table(3000)])
    metadata = pq.read_metadata(path)
    assert metadata.num_rows == 3000
    assert metadata.num_row_groups > 3
    assert max(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)) <= 1024


def test_one_huge_row_is_a_group_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "GROUP_BYTES", 1000)
    batch = pa.record_batch(
        [pa.array(["a", "b", "c"]), pa.array(["x", "y" * 50_000, "z"], pa.large_string()), pa.array([[], [], []])],
        schema=SCHEMA,
    )
    metadata = pq.read_metadata(write(tmp_path / "a", "parquet", [batch]))
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [2, 1]
