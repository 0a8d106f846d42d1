"""mathmill's stages on any Spark data frame.

from mathmill.jobs.spark import transform
documents = transform(pages, ["extract", "language", {"classify": {"threshold": 0.6}}])
dropped = transform(pages, ["extract", "language", {"classify": {"threshold": 0.6}}], port="dropped")
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mathmill.core.errors import ConfigError
from mathmill.core.schemas import DOCUMENT, DROPPED, PAGE, PROBLEM, QUARANTINE, record_id
from mathmill.core.stage import DROPPED_PORT, OUT, QUARANTINE_PORT, StageContext
from mathmill.curation.readers.fields import document_values, problem_values
from mathmill.jobs.registry import StageSpec, row_stage_spec
from mathmill.jobs.runner import Tally, connect_stages
from mathmill.jobs.spark_session import scratch_path
from mathmill.jobs.spark_types import BATCH_BYTES, bounded, portable, struct_type, to_spark

_CONTENT = {"html": PAGE, "text": DOCUMENT, "question": PROBLEM}
_BATCH_LIMIT = "spark.sql.execution.arrow.maxBytesPerBatch"


def transform(df: Any, stages: Sequence[str | Mapping[str, Mapping[str, Any] | None]], port: str = OUT) -> Any:
    """Send a data frame's rows through stages; returns the data frame of what leaves by `port`.

    df: any frame with a column `html` (bytes or text of a page), `text` (a document) or `question` (a problem, with
    `solution` and `answer` if known). Other columns of these records are used where they are there, with the names and
    types of `mathmill.core.schemas`; the id, if missing, is made from the content. Columns of your own stay until a
    stage makes new records (`extract`, `extract_problems`).
    stages: as in a recipe: a name, or {name: settings}.
    port: "out", "dropped" (id, stage, reason, score, detail), "quarantine" (id, stage, error), or a port of a stage's
    own, such as "problems". To have several without doing the work twice, `df.cache()` helps only before it; write the
    frame that you need first.

    Batches are bounded by bytes (32 MiB, `spark.sql.execution.arrow.maxBytesPerBatch` is set where it is not).
    Executors need mathmill: an environment archive, or an install of which PYSPARK_PYTHON names the Python.
    Raises ConfigError for unknown stages or settings, for stages that need more than a row, and for missing columns.
    """
    from pyspark.sql.pandas.types import to_arrow_schema

    specs = [row_stage_spec(use) for use in stages]
    zone = df.sparkSession.conf.get("spark.sql.session.timeZone")
    complete = Complete(to_arrow_schema(df.schema, timezone=zone))
    ports = _ports(specs, complete.schema)
    if port not in ports:
        raise ConfigError(f"nothing leaves these stages by the port {port!r}; there are {', '.join(ports)}")
    conf = df.sparkSession.conf
    if conf.get(_BATCH_LIMIT, None) in (None, str(2**31 - 1)):
        conf.set(_BATCH_LIMIT, str(BATCH_BYTES))
    return df.mapInArrow(RunStages(specs, complete, port), struct_type(ports[port]))


def _ports(specs: Sequence[StageSpec], schema: pa.Schema) -> dict[str, pa.Schema]:
    """What leaves a chain of stages, by port."""
    ports = {DROPPED_PORT: DROPPED, QUARANTINE_PORT: QUARANTINE}
    for spec in specs:
        schemas = spec.load().output_schemas(schema)
        schema = schemas.get(OUT, schema)
        ports |= {port: found for port, found in schemas.items() if port not in (OUT, DROPPED_PORT, QUARANTINE_PORT)}
    return {OUT: schema, **ports}


class RunStages:
    """Batches of a frame through stages, on an executor."""

    def __init__(self, specs: Sequence[StageSpec], complete: "Complete", port: str) -> None:
        self._specs, self._complete, self._port = tuple(specs), complete, port

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Open the stages, stream the partition through them, close them."""
        tallies: list[Tally] = []
        scratch = scratch_path("transform")
        scratch.mkdir(parents=True)
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
            context = StageContext(scratch)
            records = (self._complete(batch) for batch in bounded(batches))
            outputs = connect_stages(stack, self._specs, records, self._complete.schema, context, tallies)
            for batch in bounded(batch for port, batch in outputs if port == self._port):
                yield to_spark(batch)


class Complete:
    """Makes records of somebody else's rows: the columns that a record must have are filled in or computed."""

    def __init__(self, given: pa.Schema) -> None:
        self._content = next((name for name in _CONTENT if name in given.names), "")
        if not self._content:
            raise ConfigError("the data frame has no column `html`, `text` or `question` to work on")
        kind = given.field(self._content).type
        if kind not in (pa.string(), pa.binary()) or (kind == pa.binary() and self._content != "html"):
            raise ConfigError(f"the column {self._content} should be a string, not {kind}; cast it first")
        self._known = _CONTENT[self._content]
        self._missing = [field.name for field in self._known if field.name not in given.names and not field.nullable]
        self.schema = pa.schema([*self._known, *(field for field in given if field.name not in self._known.names)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Complete a batch."""
        given = {name: batch.column(i) for i, name in enumerate(batch.schema.names)}
        columns = given | self._computed(given, batch.num_rows)
        arrays = []
        for field in self.schema:
            column = columns.get(field.name, pa.nulls(batch.num_rows, field.type))
            column = _cast(column, field)
            arrays.append(
                column if field.nullable or not column.null_count else pc.fill_null(column, _empty(field.type))
            )
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _computed(self, given: Mapping[str, pa.Array], n_rows: int) -> dict[str, pa.Array]:
        """The missing columns that a record must have, from its content."""
        if not self._missing:
            return {}
        rows: list[dict[str, Any]] = []
        names = [field.name for field in self._known if field.name in given or self._content == "question"]
        plain = {name: given[name].to_pylist() if name in given else [None] * n_rows for name in names}
        for i in range(n_rows):
            row = {name: plain[name][i] for name in names}
            content = row[self._content] or ""
            id_ = row.get("doc_id") or row.get("problem_id") or record_id(_readable(content))
            row |= {self._known[0].name: id_, "doc_id": id_, "source": "spark", "locator": {}}
            if self._content == "text":
                row |= document_values(content)
            elif self._content == "question":
                row |= problem_values(row | {"question": content})
            rows.append(row)
        return {name: pa.array([row[name] for row in rows], self._known.field(name).type) for name in self._missing}


def _readable(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _empty(kind: pa.DataType) -> Any:
    value: Any = "" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else 0
    if pa.types.is_large_binary(kind):
        value = b""
    return pa.scalar([] if pa.types.is_list(kind) else value, kind)


def _cast(column: pa.Array, field: pa.Field) -> pa.Array:
    try:
        if pa.types.is_fixed_size_list(field.type) or column.type == field.type:
            return column.cast(field.type)
        return pc.cast(column, field.type, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConfigError(
            f"the column {field.name} should be {portable(pa.schema([field]))[0].type}: {error}"
        ) from error
