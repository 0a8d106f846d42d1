from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.stage import BatchStage, Output, Stage, split_dropped

SCHEMA = pa.schema([("id", pa.string()), ("value", pa.int64())])


class Reciprocal(BatchStage):
    name = "reciprocal"
    version = 1

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[Output]:
        values = batch.column("value").to_pylist()
        if -1 in values:
            raise ConfigError("no stage can go on with this")
        results = [100 // value for value in values]
        yield "out", pa.RecordBatch.from_arrays([batch.column("id"), pa.array(results)], schema=SCHEMA)


def run(values: list[int]) -> dict[str, list[Any]]:
    batch = pa.record_batch([pa.array([f"r{i}" for i in range(len(values))]), pa.array(values)], schema=SCHEMA)
    found: dict[str, list[Any]] = {"out": [], "quarantine": []}
    for port, output in Reciprocal(StageConfig()).process(iter([batch])):
        found[port] += output.to_pylist()
    return found


def test_a_row_that_raises_goes_to_quarantine_and_its_neighbours_go_on() -> None:
    found = run([1, 2, 0, 4, 5])
    assert [row["id"] for row in found["out"]] == ["r0", "r1", "r3", "r4"]
    assert found["quarantine"] == [
        {
            "id": "r2",
            "stage": "reciprocal",
            "error": "ZeroDivisionError: integer division or modulo by zero",
            "locator": None,
        }
    ]


def test_an_error_that_concerns_the_whole_run_is_not_quarantined() -> None:
    with pytest.raises(ConfigError):
        run([1, -1])


def test_a_column_that_is_missing_is_named() -> None:
    class Picky(Reciprocal):
        needs = ("value", "weight")

    assert Reciprocal(StageConfig()).output_schemas(SCHEMA) == {"out": SCHEMA}
    with pytest.raises(ConfigError, match="reciprocal needs the column 'weight'"):
        Picky(StageConfig()).output_schemas(SCHEMA)


def test_an_empty_batch_is_not_processed() -> None:
    assert run([]) == {"out": [], "quarantine": []}


def test_a_batch_stage_is_a_stage() -> None:
    assert isinstance(Reciprocal(StageConfig()), Stage)


def test_dropped_rows_leave_their_reason_score_and_detail() -> None:
    batch = pa.record_batch([pa.array(["a", "b", "c"]), pa.array([1, 2, 3])], schema=SCHEMA)
    keep = np.array([True, False, False])
    scores = np.array([0.9, 0.25, 0.5])
    outputs = dict(split_dropped(batch, keep, "classify", ["-", "low", "spam"], scores, ["-", None, "why"]))
    assert outputs["out"].to_pylist() == [{"id": "a", "value": 1}]
    assert outputs["dropped"].to_pylist() == [
        {"id": "b", "stage": "classify", "reason": "low", "score": 0.25, "detail": None},
        {"id": "c", "stage": "classify", "reason": "spam", "score": 0.5, "detail": "why"},
    ]
