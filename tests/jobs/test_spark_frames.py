"""mathmill's stages on data frames, and the types that travel between Arrow and Spark."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.errors import ConfigError
from mathmill.curation.sketches import BANDS, sketch_schema
from mathmill.jobs.spark_types import bounded, from_spark, to_spark

pytest.importorskip("pyspark", reason="pyspark is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark-frames")]

UINT64 = st.integers(0, 2**64 - 1)


@settings(deadline=None)
@given(st.lists(st.tuples(UINT64, UINT64, UINT64)))
def test_keys_sort_in_spark_as_they_do_here_and_come_back(rows: list[tuple[int, int, int]]) -> None:
    batch = pa.RecordBatch.from_arrays(
        [pa.array([row[i] for row in rows], pa.uint64()) for i in range(3)], schema=BANDS
    )
    sent = to_spark(batch, order=("key", "rank"))
    assert sent.schema.types == [pa.int64()] * 3
    signed = list(zip(*(sent.column(i).to_pylist() for i in range(2)), strict=True))
    assert sorted(range(len(rows)), key=lambda i: signed[i]) == sorted(range(len(rows)), key=lambda i: rows[i][:2])
    assert from_spark(sent, BANDS, order=("key", "rank")).equals(batch)


def test_signatures_travel() -> None:
    schema = sketch_schema(2)
    values = {
        field.name: "a" if field.type == pa.string() else 2**63 + 5 for field in schema if field.name != "signature"
    }
    values |= {field.name: True for field in schema if field.type == pa.bool_()}
    batch = pa.RecordBatch.from_pylist([{**values, "signature": [2**32 - 1, 7]}], schema=schema)
    sent = to_spark(batch)
    assert sent.column("signature").to_pylist() == [[-1, 7]]
    assert from_spark(sent, schema).equals(batch)


def test_batches_are_cut_by_bytes_and_no_row_is_lost() -> None:
    rows = pa.RecordBatch.from_pydict({"text": ["x" * 1000] * 7 + ["y" * 9000] + ["z"] * 5})
    parts = list(bounded([rows], max_bytes=2500))
    assert pa.Table.from_batches(parts).to_pylist() == pa.Table.from_batches([rows]).to_pylist()
    assert all(part.nbytes <= 2500 or part.num_rows == 1 for part in parts)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = (
        builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    )
    yield session
    session.stop()


ENGLISH = "The quadratic formula gives the two roots of the equation, and so we find that $x = 2$ or $x = 3$ here."
PAGE = f"<html><body><p>{ENGLISH}</p></body></html>"


def test_stages_run_on_any_frame_and_keep_its_own_columns(spark: Any) -> None:
    from mathmill.jobs.spark import transform

    frame = spark.createDataFrame(
        [(ENGLISH, 7), ("Das ist ein deutscher Satz, der lang genug ist.", 8)], "text string, mine int"
    )
    rows = transform(frame, ["language"]).collect()
    assert [(row.text, row.mine, row.lang) for row in rows] == [(ENGLISH, 7, "en")]
    assert [ENGLISH[span.start : span.end] for span in rows[0].formulas] == ["$x = 2$", "$x = 3$"]
    dropped = transform(frame, ["language"], port="dropped").collect()
    assert [(row.stage, row.reason) for row in dropped] == [("language", "other_language")]


def test_pages_become_documents_with_the_settings_given(spark: Any) -> None:
    from mathmill.jobs.spark import transform

    frame = spark.createDataFrame([(bytearray(PAGE.encode()), "https://example.org/a")], "html binary, url string")
    (row,) = transform(frame, ["extract", {"language": {"keep": ["en"]}}]).collect()
    assert (row.url, row.lang, row.text.strip()) == ("https://example.org/a", "en", ENGLISH)


@pytest.mark.full
def test_huge_documents_stay_within_bounded_batches(spark: Any) -> None:
    from pyspark.sql import functions as f

    from mathmill.jobs.spark import transform

    frame = spark.range(0, 12, 1, 1).select(f.repeat(f.concat(f.lit(ENGLISH), f.col("id")), 40_000).alias("text"))
    lengths = transform(frame, ["language"]).select(f.length("text")).collect()
    assert [row[0] for row in lengths] == [40_000 * (len(ENGLISH) + digits) for digits in [1] * 10 + [2] * 2]
    assert spark.conf.get("spark.sql.execution.arrow.maxBytesPerBatch") == str(32 << 20)


def test_mistakes_are_told_before_anything_runs(spark: Any) -> None:
    from mathmill.jobs.spark import transform

    frame = spark.createDataFrame([("a",)], "text string")
    for stages, sentence in (
        (["langage"], "there is no stage 'langage'"),
        (["dedup"], "dedup needs the whole corpus, not one row after the other; run it in a recipe"),
        ([{"classify": {"threshold": 7}}], "classify.threshold: Input should be less than or equal to 1"),
        (["extract"], "html"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            transform(frame, stages)
    with pytest.raises(ConfigError, match="no column `html`, `text` or `question`"):
        transform(spark.range(1), ["language"])
    with pytest.raises(ConfigError, match="by the port 'problems'"):
        transform(frame, ["language"], port="problems")


@pytest.mark.full
def test_nulls_times_and_columns_of_another_type(spark: Any) -> None:
    from pyspark.sql import functions as f

    from mathmill.jobs.spark import transform

    frame = spark.createDataFrame([(ENGLISH,), (None,)], "text string").withColumn(
        "at", f.lit("2026-01-02").cast("timestamp")
    )
    rows = transform(frame, ["language"]).select("text", f.col("at").cast("string").alias("at")).collect()
    assert [(row.text, row.at) for row in rows if row.text] == [(ENGLISH, "2026-01-02 00:00:00")]
    pages = spark.createDataFrame([(bytearray(PAGE.encode()),), (None,)], "html binary")
    assert transform(pages, ["extract"]).count() == 1
    for kind in ("bigint", "binary"):
        with pytest.raises(ConfigError, match="the column text should be a string"):
            transform(spark.createDataFrame([], f"text {kind}"), ["language"])
