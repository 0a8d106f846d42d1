"""The Spark engine: tasks are rows, one to a partition, and a group goes through Spark's own shuffle.

A task reads and writes the run folder itself, as on the embedded engine, so text never crosses into the JVM; what does
is a row of counts for each task, and the compact rows of a group. `repartitionById` (Spark 4.1) puts our partition
number to use as it is; `repartition(n)` leaves empty and doubled partitions. Retries and speculative copies are
harmless: a task commits by creating its ledger entry, and the first entry wins.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import zstandard

from mathmill.core.ledger import Entry
from mathmill.core.storage import Folder
from mathmill.jobs.engine import Progress, as_shuffle, finish_segment, pending, reduce_shuffled
from mathmill.jobs.engines import EngineSettings
from mathmill.jobs.ledger_progress import follow
from mathmill.jobs.plan import Chain, Input, Segment, ShuffleInput, Sink
from mathmill.jobs.runner import emitted_schema, stream_task
from mathmill.jobs.ship import ship, unpack
from mathmill.jobs.spark_frames import transform
from mathmill.jobs.spark_session import Session, reporting_errors, scratch_path
from mathmill.jobs.spark_types import bounded, from_spark, struct_type, to_spark
from mathmill.jobs.spill import partition_of
from mathmill.jobs.versions import check_machine, versions

__all__ = ["SparkEngine", "make_engine", "transform"]

COUNTS = pa.schema(
    [
        ("task", pa.int64()),
        *((name, pa.int64()) for name in ("rows_read", "rows_written", "rows_dropped", "rows_quarantined")),
        ("seconds", pa.float64()),
    ]
)
"""What a task tells the driver; everything else is in its ledger entry."""

PARTITION = pa.field("partition", pa.int32(), nullable=False)


def make_engine(settings: EngineSettings, scratch: Path) -> "SparkEngine":
    """The engine for `mathmill run`. Raises ConfigError without pyspark, OperationError without Java or a cluster."""
    return SparkEngine(Session.open(settings), scratch)


class SparkEngine:
    """Runs segments on a Spark cluster, or on a Spark Connect server. The run folder must be one that all machines
    see: an object store, or a shared disk.
    """

    name = "spark"

    def __init__(self, session: Session, scratch: Path) -> None:
        self._session, self._scratch = session, scratch

    def map(self, run: Folder, segment: Segment, progress: Progress) -> dict[str, Entry]:
        """See `Engine.map`."""
        todo = pending(run, segment)
        if not todo:
            progress.begin(segment, 0)
            return finish_segment(run, segment)
        counts = self._session.tasks(todo).mapInArrow(RunTasks(Plan(run, segment)), struct_type(COUNTS))
        with follow(run, [(segment, todo)], progress):
            self._session.collect(counts, segment)
        return finish_segment(run, segment)

    def group(
        self, run: Folder, emit: Segment, reduce: Chain, sinks: dict[str, Sink], progress: Progress
    ) -> tuple[dict[str, Entry], tuple[Segment, dict[str, Entry]]]:
        """See `Engine.group`: one Spark job, with Spark's shuffle between the two segments."""
        shuffled = as_shuffle(emit)
        if not emit.tasks:
            segment = reduce_shuffled(emit, shuffled, reduce, sinks, pa.schema([]))
            return self.map(run, emit, progress), (segment, self.map(run, segment, progress))
        schema = emitted_schema(run, shuffled, self._scratch)
        segment = reduce_shuffled(emit, shuffled, reduce, sinks, schema)
        lost, todo = pending(run, shuffled), pending(run, segment)
        if lost or todo:
            self._shuffle(run, shuffled, segment, schema, todo, [(shuffled, lost), (segment, todo)], progress)
        entries = finish_segment(run, shuffled)
        renamed = {task.identity: entries[same.identity] for task, same in zip(emit.tasks, shuffled.tasks, strict=True)}
        return renamed, (segment, finish_segment(run, segment))

    def _shuffle(
        self,
        run: Folder,
        emit: Segment,
        reduce: Segment,
        schema: pa.Schema,
        todo: list[int],
        watched: list[tuple[Segment, list[int]]],
        progress: Progress,
    ) -> None:
        """Run all emitting tasks, finished or not, since Spark keeps no shuffle from one job to the next."""
        sink = emit.sinks["out"]
        rows = self._session.tasks(range(len(emit.tasks))).mapInArrow(
            EmitRows(Plan(run, emit), sink), struct_type(pa.schema([PARTITION, *schema]))
        )
        rows = rows.repartitionById(sink.partitions, PARTITION.name).sortWithinPartitions(*sink.order)
        counts = rows.mapInArrow(ReduceRows(Plan(run, reduce), todo), struct_type(COUNTS))
        with follow(run, watched, progress):
            self._session.collect(counts, reduce)

    def close(self) -> None:
        """Stop the session, unless somebody else opened it."""
        self._session.close()


class Plan:
    """A segment on its way to the executors, with what it takes to run its tasks there."""

    def __init__(self, run: Folder, segment: Segment) -> None:
        self._run, self._here = str(run), tuple(versions().items())
        self._segment = zstandard.compress(ship(run, segment).model_dump_json().encode())

    def input(self, index: int) -> Input:
        """The only input of a task."""
        with reporting_errors():
            return self.segment().tasks[index].inputs[0]

    def segment(self) -> Segment:
        """The segment, read once in a process, with the files that its stages need."""
        return _load_segment(self._run, self._segment)

    def stream(
        self, index: int, received: Iterable[pa.RecordBatch] = ()
    ) -> Generator[pa.RecordBatch, None, pa.RecordBatch]:
        """Run a task on an executor: yield what it sends into the shuffle, return its COUNTS."""
        with reporting_errors():
            check_machine(self._run, self._here)
            segment = self.segment()
            scratch = scratch_path(f"{segment.name}-{index:05d}")
            return counts_of((yield from stream_task(Folder(self._run), segment, index, scratch, received)))


@lru_cache(maxsize=4)
def _load_segment(run: str, data: bytes) -> Segment:
    return unpack(Folder(run), Segment.model_validate_json(zstandard.decompress(data)))


class RunTasks:
    """Rows of task numbers to COUNTS."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Run the tasks."""
        for batch in batches:
            for index in batch.column(0).to_pylist():
                yield (yield from self._plan.stream(index))


class EmitRows:
    """Rows of task numbers to what these tasks send into the shuffle, each row with its partition."""

    def __init__(self, plan: Plan, sink: Sink) -> None:
        self._plan, self._sink = plan, sink

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Run the tasks."""
        for batch in batches:
            for index in batch.column(0).to_pylist():
                for rows in bounded(self._plan.stream(index)):
                    yield self._with_partition(rows)

    def _with_partition(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        keys = batch.column(self._sink.order[0]).to_numpy()
        partitions = pa.array(partition_of(keys, self._sink.partitions).astype(np.int32))
        rows = to_spark(batch, self._sink.order)
        return pa.RecordBatch.from_arrays([partitions, *rows.columns], schema=pa.schema([PARTITION, *rows.schema]))


class ReduceRows:
    """One partition of the shuffle, sorted, to the COUNTS of the task that reduces it."""

    def __init__(self, plan: Plan, todo: Sequence[int]) -> None:
        self._plan, self._todo = plan, frozenset(todo)

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Reduce the partition, if that is still to do; one without rows is a task, too."""
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None
        index = context.partitionId()
        if index in self._todo:
            shuffle = self._plan.input(index)
            assert isinstance(shuffle, ShuffleInput)
            schema = shuffle.arrow_schema()
            received = (from_spark(batch, schema, shuffle.order) for batch in _of_partition(batches, index))
            yield (yield from self._plan.stream(index, received))


def _of_partition(batches: Iterator[pa.RecordBatch], index: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if np.any(batch.column(PARTITION.name).to_numpy() != index):
            raise AssertionError(f"Spark has put other rows into partition {index}")
        yield batch


def counts_of(entry: Entry) -> pa.RecordBatch:
    """A ledger entry as a row of COUNTS."""
    rows = {"dropped": 0, "quarantine": 0, "contamination": 0, "written": 0}
    for file in entry.files:
        rows[file.port if file.port in rows else "written"] += file.rows
    values = [entry.index, entry.stages[0].rows_out.get("out", 0), rows["written"], rows["dropped"], rows["quarantine"]]
    columns = [pa.array([value], field.type) for value, field in zip([*values, entry.seconds], COUNTS, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=COUNTS)
