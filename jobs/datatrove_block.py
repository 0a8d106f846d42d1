"""Use mathmill's stages as a block of somebody's own datatrove pipeline: `Mathmill(["extract", "language"])`.

The block gathers documents into bounded Arrow batches, sends each batch through all its stages, and gives documents
back in their order. Stages are opened when the pipeline runs, in the process where it runs, so the block travels to
datatrove's workers as a few strings. Measured: 14 to 28 µs of CPU time a page (0.1 to 10 kB) beside what the stages
cost; in a plain text formulas are found first, which takes 0.2 ms a kB where there are many.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.typeshelper import StatHints

from mathmill.core.errors import ConfigError
from mathmill.core.schemas import DOCUMENT, PAGE, PROBLEM
from mathmill.core.stage import (
    CONTAMINATION_PORT,
    DROPPED_PORT,
    OUT,
    QUARANTINE_PORT,
    Port,
    Stage,
    StageContext,
)
from mathmill.curation.datatrove_filter import THEIR_NAMES
from mathmill.curation.readers.fields import FieldMap
from mathmill.curation.readers.rows import BadRecord
from mathmill.curation.readers.rules import FieldRule
from mathmill.curation.readers.source import COLUMNS, SCHEMAS, Kind, SourceConfig
from mathmill.jobs.registry import StageSpec, row_stage_spec
from mathmill.jobs.runner import open_stage

BATCH_ROWS = 512
BATCH_CHARS = 8 << 20

_ORIGIN = {"url", "source", "license", "crawl_date", "content_type", "locator"}
"""Columns that documents bring with them in their metadata, where they stay as they are."""

_OURS = {name for schema in (PAGE, DOCUMENT, PROBLEM) for name in schema.names} - _ORIGIN - {"doc_id"}


class Mathmill(PipelineStep):  # type: ignore[misc]
    """Row-wise stages of mathmill as one datatrove block.

    stages: as in a recipe, `"extract"` or `{"classify": {"threshold": 0.6}}`; also "package.module:Class". Behind
    `extract_problems` (or any stage that forks) the problems go on and leave the block as documents of their own:
    question, newline, solution as text, the rest in the metadata. To have both, use two blocks with a writer between.

    input: what the documents are. Pages have HTML as text, decoded or as bytes (then `metadata["content_type"]` may
    give the HTTP header); documents have text; problems have `question`, `solution` and `answer` in the metadata, the
    text being the question where there is none. None takes the first of documents, pages, problems that the stages
    accept. Formulas are found as in a plain text source, unless an earlier block left them in the metadata and the text
    has not changed since.

    Ids, media and foreign metadata stay; mathmill's columns that are not null are added to the metadata under their own
    names (`lang`, `formulas`, `math_score`, ...). Rows that a stage drops or quarantines go to `exclusion_writer` as
    they came, with `filter_reason`, `filter_stage`, and `filter_score`, `filter_detail` or `error` where there is one.

    datatrove's WarcReader has decoded pages by its own guess, left out those that it could not decode, and kept those
    with an HTTP status other than 200, all of which a recipe does otherwise.

    Raises ConfigError where the stages do not exist, do not fit each other, or need a whole corpus.
    """

    name = "Mathmill"
    type = "🧮 - MATHMILL"

    def __init__(
        self,
        stages: Sequence[str | Mapping[str, Mapping[str, Any] | None]],
        input: Kind | None = None,
        exclusion_writer: Any = None,  # a datatrove DiskWriter
        batch_rows: int = BATCH_ROWS,
        batch_chars: int = BATCH_CHARS,
    ) -> None:
        super().__init__()
        if not stages:
            raise ConfigError("Mathmill: name at least one stage")
        self.specs = tuple(map(row_stage_spec, stages))
        self.input: Kind = _fitting_input(self.specs, input)
        self.exclusion_writer = exclusion_writer
        self.batch_rows, self.batch_chars = batch_rows, batch_chars

    def run(self, data: Iterable[Document] | None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Yield the documents, or their problems, that pass all stages. Raises MathmillError where a stage does."""
        with ExitStack() as stack:
            writer = stack.enter_context(self.exclusion_writer or nullcontext())
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mathmill-")))
            (scratch / "outbox").mkdir()
            chain = []
            for spec in self.specs:
                chain.append(stage := open_stage(spec))
                stage.open(StageContext(scratch=scratch, task_index=rank))
                stack.callback(stage.close)
            maker = _RowMaker(self.input)
            for documents in self._batches(data or ()):
                with self.track_time("batch"):
                    batch = _Batch(documents, maker)
                    kept = batch.run_through(chain)
                for _ in documents:
                    self.stat_update(StatHints.total)
                for document in batch.excluded:
                    self._count_excluded(document)
                    if writer is not None:
                        writer.write(document, rank)
                for reason, count in batch.unborn.items():
                    self.stat_update(f"no_problem_{reason}", value=count)
                for document in kept:
                    self.stat_update(StatHints.forwarded)
                    self.update_doc_stats(document)
                    yield document

    def _batches(self, data: Iterable[Document]) -> Iterator[list[Document]]:
        """Cut the stream at the limits, and before an id that the batch already has."""
        batch: list[Document] = []
        ids: set[str] = set()
        size = 0
        for document in data:
            length, id_ = len(document.text or ""), str(document.id)
            if batch and (size + length > self.batch_chars or len(batch) >= self.batch_rows or id_ in ids):
                yield batch
                batch, ids, size = [], set(), 0
            batch.append(document)
            ids.add(id_)
            size += length
        if batch:
            yield batch

    def _count_excluded(self, document: Document) -> None:
        is_quarantined = document.metadata["filter_reason"] == QUARANTINE_PORT
        self.stat_update(QUARANTINE_PORT if is_quarantined else StatHints.dropped)
        if not is_quarantined:
            self.stat_update(f"dropped_{document.metadata['filter_reason']}")


class _Batch:
    """Documents on their way through the stages, known by their ids.

    excluded: those that left on the way. unborn: how many problems never became one, by reason.
    """

    def __init__(self, documents: Sequence[Document], maker: "_RowMaker") -> None:
        self._documents = {str(document.id): document for document in documents}
        self._places = {id_: place for place, id_ in enumerate(self._documents)}
        self.excluded: list[Document] = []
        self.unborn: Counter[str] = Counter()
        self._rows = maker.batch(documents, self._exclude)

    def run_through(self, chain: Sequence[Stage]) -> list[Document]:
        """Send the rows through the stages; what is left comes back as documents, in their order."""
        batches = [self._rows] if self._rows.num_rows else []
        for stage in chain:
            port = _way_on(stage, batches[0].schema) if batches else OUT
            passed: list[pa.RecordBatch] = []
            for where, batch in stage.process(iter(batches)):
                if where == port:
                    passed.append(batch)
                elif where in (DROPPED_PORT, QUARANTINE_PORT):
                    for row in batch.to_pylist():
                        self._exclude(row)
            if port != OUT:
                self._become_problems(passed)
            batches = passed
        rows = [row for batch in batches for row in batch.to_pylist()]
        id_column = batches[0].schema.names[0] if batches else ""
        rows.sort(key=lambda row: self._places[row[id_column]])
        return [_with_columns(self._documents[row[id_column]], row) for row in rows]

    def _exclude(self, row: Mapping[str, Any]) -> None:
        """Set aside the document of a row of DROPPED or QUARANTINE."""
        document = self._documents.get(row["id"])
        if document is None:
            self.unborn[row.get("reason", QUARANTINE_PORT)] += 1
            return
        text = document.text.decode("utf-8", "replace") if isinstance(document.text, bytes) else document.text
        why = {"filter_reason": row.get("reason", QUARANTINE_PORT), "filter_stage": row["stage"]}
        more = {"filter_score": row.get("score"), "filter_detail": row.get("detail"), "error": row.get("error")}
        metadata = document.metadata | why | {name: value for name, value in more.items() if value is not None}
        self.excluded.append(Document(text=text, id=document.id, media=document.media, metadata=metadata))

    def _become_problems(self, batches: Sequence[pa.RecordBatch]) -> None:
        """Go on with problems: each is a document with the foreign metadata of its page."""
        problems: dict[str, Document] = {}
        for batch in batches:
            for row in batch.select(["problem_id", "doc_id", "question", "solution"]).to_pylist():
                page = self._documents[row["doc_id"]]
                foreign = {name: value for name, value in page.metadata.items() if name not in _OURS}
                text = "\n".join(filter(None, (row["question"], row["solution"])))
                problems[row["problem_id"]] = Document(text=text, id=row["problem_id"], metadata=foreign)
        self._documents = problems
        self._places = {id_: place for place, id_ in enumerate(problems)}


def _with_columns(document: Document, row: Mapping[str, Any]) -> Document:
    """The document with the text and the columns of its row."""
    ids = {"problem_id", "doc_id"} if "problem_id" in row else {"doc_id", "text", "html"}
    new = {name: value for name, value in row.items() if name not in _ORIGIN | ids and value is not None}
    if "problem_id" in row and row["doc_id"] != row["problem_id"]:
        new["doc_id"] = row["doc_id"]
    document.metadata = document.metadata | new
    if "text" in row:
        document.text = row["text"]
    return document


class _RowMaker:
    """Makes rows of documents as our readers make them of the records of a file."""

    def __init__(self, kind: Kind) -> None:
        self._kind, self._schema = kind, SCHEMAS[kind]
        taken = {*_ORIGIN, *COLUMNS[kind], "doc_id", "problem_id", "text", "html"}
        # what only our own stages give, which an earlier block may have left
        self._own = {field.name: field.type for field in self._schema if field.name not in taken}
        fields: dict[str, str | FieldRule] = {"html": "text"} if kind == "pages" else {}
        self._fields = FieldMap(SourceConfig(name="datatrove", path="", kind=kind, fields=fields))
        self._next = 0  # number of the next document in this task

    def batch(self, documents: Sequence[Document], quarantine: Any) -> pa.RecordBatch:
        """Make one batch; `quarantine` gets a row of QUARANTINE for what cannot be made a row."""
        rows = []
        for document in documents:
            try:
                rows.append(self._row(document))
            except BadRecord as error:
                quarantine({"id": str(document.id), "stage": "read", "error": str(error)})
        columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in self._schema]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _row(self, document: Document) -> dict[str, Any]:
        known = document.metadata
        record = known | {"text": document.text}
        for ours, theirs in THEIR_NAMES.items():
            record.setdefault(ours, known.get(theirs))
        record.setdefault("question", document.text)
        values, _ = self._fields.values(record)
        kept = {name: known[name] for name in self._own if name in known and _is_of(known[name], self._own[name])}
        if self._kind == "documents" and not _spans_fit(values["text"], kept):
            kept = {name: value for name, value in kept.items() if name not in ("formulas", "blocks", "formula_counts")}
        id_ = str(document.id)
        page = known.get("doc_id") if self._kind == "problems" else None
        origin = {
            "problem_id": id_,
            "doc_id": page if isinstance(page, str) else id_,
            "source": str(known.get("source", "datatrove")),
            "locator": {"file": str(known.get("file_path", "")), "record": self._next, "offset": None},
        }
        self._next += 1
        return values | kept | origin


def _spans_fit(text: str, metadata: Mapping[str, Any]) -> bool:
    """Say whether formulas that a block left in the metadata still are formulas: another block may have changed the
    text.
    """
    try:
        spans = [(formula["start"], formula["end"]) for formula in metadata["formulas"]]
        ends = max([0, *(block["end"] for block in metadata.get("blocks", ()))])
    except (KeyError, TypeError):
        return False
    sound = (text[start : start + 1] in "$\\" and text[end - 1 : end] in "$)]}" for start, end in spans)
    return ends <= len(text) and all(0 <= start < end <= len(text) for start, end in spans) and all(sound)


def _is_of(value: Any, type_: pa.DataType) -> bool:
    """Say whether a value is one of a column's, and not somebody else's under the same name."""
    if value is None:
        return False
    try:
        pa.array([value], type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return False
    return True


def _fitting_input(specs: Sequence[StageSpec], wanted: Kind | None) -> Kind:
    """Follow each kind of input through the stages; the first one that fits is taken."""
    kinds: tuple[Kind, ...] = (wanted,) if wanted else ("documents", "pages", "problems")
    errors = []
    for kind in kinds:
        schema = SCHEMAS[kind]
        try:
            for spec in specs:
                stage = spec.load()
                schema = stage.output_schemas(schema)[_way_on(stage, schema)]
        except ConfigError as error:
            errors.append(f"{kind}: {error}")
        else:
            return kind
    raise ConfigError(f"Mathmill: these stages do not fit each other or their input ({'; '.join(errors)})")


def _way_on(stage: Stage, schema: pa.Schema) -> Port:
    """The port whose rows go on to the next stage: that of a fork, if the stage has one."""
    schemas = stage.output_schemas(schema)
    ports = [port for port in schemas if port not in (OUT, DROPPED_PORT, QUARANTINE_PORT, CONTAMINATION_PORT)]
    if not ports:
        return OUT
    if len(ports) > 1 or schemas[ports[0]].names[0] != PROBLEM.names[0]:
        raise ConfigError(f"{stage.name} forks into {', '.join(ports)}; a block can go on with problems alone")
    return ports[0]
