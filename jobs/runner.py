"""Runs one task: read its inputs, stream them through its chain of stages, write its outputs, commit.

This is all that an engine has to call, in whatever process: `run_task(run, segment, index, scratch)`. Nothing appears
in the run folder before it is whole, and nothing counts before the ledger entry is there.
"""

import shutil
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathmill.core.config import digest, file_digest
from mathmill.core.errors import ConfigError, OperationError
from mathmill.core.formula_counts import FormulaTally
from mathmill.core.isolate import Isolated
from mathmill.core.ledger import Entry, FileEntry, Ledger, StageCounts
from mathmill.core.schemas import DROPPED, QUARANTINE
from mathmill.core.stage import DROPPED_PORT, FORMULAS_PORT, OUT, QUARANTINE_PORT, Output, Port, Stage, StageContext
from mathmill.core.storage import Folder, operating
from mathmill.curation.readers import input_schema, read_slice
from mathmill.jobs.plan import FileInput, Input, Segment, ShuffleInput, Sink, SourceInput, SpillInput, Task
from mathmill.jobs.registry import StageSpec
from mathmill.jobs.sinks import ArrowSink, ParquetSink, open_sink
from mathmill.jobs.spill import SpillWriter, merge


def run_task(run: Folder, segment: Segment, index: int, scratch: Path) -> Entry:
    """Run a task unless it has finished, and return its ledger entry.

    `scratch` is a local folder for this task alone; it is removed afterwards. Raises MathmillError.
    """
    finished = Ledger(run, segment.name).get(segment.tasks[index].identity)
    if finished is not None:
        return finished
    rows = stream_task(run, segment, index, scratch)
    while True:
        try:
            next(rows)
        except StopIteration as end:
            return end.value


def stream_task(
    run: Folder, segment: Segment, index: int, scratch: Path, received: Iterable[pa.RecordBatch] = ()
) -> Generator[pa.RecordBatch, None, Entry]:
    """Run a task, yielding the rows of its shuffle sink as they come; at the end, commit and return its entry.

    received: the rows of a task whose input is a shuffle. `scratch` as for `run_task`.
    """
    task = segment.tasks[index]
    started = time.perf_counter()
    with operating(f"cannot create the folder {scratch}"):
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "outbox").mkdir(parents=True)
    try:
        attempt = _Attempt(run, segment, task, scratch, received)
        yield from attempt.stream()
        files = tuple(attempt.publish())
        entry = Entry(
            task=task.identity,
            index=task.index,
            inputs=tuple(item.label() for item in task.inputs),
            files=files,
            stages=tuple(tally.counts() for tally in attempt.tallies),
            seconds=round(time.perf_counter() - started, 6),
        )
        ledger = Ledger(run, segment.name)
        if ledger.commit(entry):
            return entry
        return ledger.get(task.identity) or entry  # another attempt was first
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Attempt:
    """One attempt at a task: its open stages, its sinks and its counts."""

    def __init__(
        self, run: Folder, segment: Segment, task: Task, scratch: Path, received: Iterable[pa.RecordBatch]
    ) -> None:
        self._run, self._segment, self._task, self._scratch = run, segment, task, scratch
        self._received = received
        self._chain = segment.chains[task.chain]
        self._writers: dict[Port, ParquetSink | ArrowSink | SpillWriter] = {}
        self._rows: dict[Port, int] = {}
        self.tallies: list[Tally] = []

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Send all inputs through the chain, then what went to a fork through its chain; yield what is shuffled."""
        side = self._fetch_side_inputs()
        schema = source_schema(self._task.inputs[0], self._run, self._scratch)
        self.tallies.append(reader := Tally("read"))
        with ExitStack() as stack:
            spools: dict[Port, _Spool] = {}
            batches = self._read(reader)
            context = StageContext(scratch=self._scratch, task_index=self._task.index, side_inputs=side)
            connect = partial(connect_stages, stack, context=context, tallies=self.tallies)
            outputs = connect(self._chain.stages, batches, schema)
            for port, batch in outputs:
                if port in self._chain.forks:
                    if port not in spools:
                        spools[port] = stack.enter_context(_Spool(self._scratch / f"{port}.spool", batch.schema))
                    spools[port].write(batch)
                elif self._is_shuffled(port):
                    yield batch
                else:
                    self._write(self._chain.out if port == OUT else port, batch)
            for port, stages in sorted(self._chain.forks.items()):
                if port in spools:
                    spool = spools[port]
                    for inner, batch in connect(stages, spool.read(), spool.schema):
                        self._write(port if inner == OUT else inner, batch)
        with operating(f"cannot write in {self._scratch}"):
            for writer in self._writers.values():
                writer.close()

    def _read(self, tally: "Tally") -> Iterator[pa.RecordBatch]:
        for item in self._task.inputs:
            for port, batch in tally.watch(self._batches_of(item)):
                if port == OUT:
                    yield batch
                else:
                    self._write(port, batch)

    def _batches_of(self, item: Input) -> Iterator[Output]:
        if isinstance(item, ShuffleInput):
            return ((OUT, batch) for batch in self._received)
        return read_input(item, self._run, self._scratch)

    def _is_shuffled(self, port: Port) -> bool:
        sink = self._segment.sinks.get(port)
        return sink is not None and sink.format == "shuffle"

    def _fetch_side_inputs(self) -> dict[str, list[Path]]:
        side = {name: dict.fromkeys(files) for name, files in self._segment.side_inputs.items()}
        for item in self._task.inputs:
            if isinstance(item, FileInput):
                for name, files in item.side.items():
                    side.setdefault(name, {}).update(dict.fromkeys(files))
        return {name: [_fetch(file, self._run, self._scratch) for file in files] for name, files in side.items()}

    def _write(self, port: Port, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        with operating(f"cannot write in {self._scratch}"):
            if port not in self._writers:
                sink = self._sink(port)
                schema = {DROPPED_PORT: DROPPED, QUARANTINE_PORT: QUARANTINE}.get(port, batch.schema)
                self._writers[port] = open_sink(sink, self._scratch / f"port-{port}", schema)
            self._writers[port].write(batch)
        self._rows[port] = self._rows.get(port, 0) + batch.num_rows

    def _sink(self, port: Port) -> Sink:
        try:
            return self._segment.sinks[port]
        except KeyError:
            raise ConfigError(f"rows went to the port {port!r}, which this recipe does not collect") from None

    def publish(self) -> Iterator[FileEntry]:
        """Give the finished files their names, made from their content, in the run folder."""
        stem = f"{self._segment.name}-{self._task.index:05d}"
        for port, writer in sorted(self._writers.items()):
            local = self._scratch / f"port-{port}.{writer.suffix}"
            checksum = file_digest(local)
            name = f"{self._segment.sinks[port].folder}/{stem}-{checksum[:12]}.{writer.suffix}"
            yield self._publish(port, local, name, self._rows[port], checksum)
        outbox = sorted((self._scratch / "outbox").iterdir())
        checksums = [file_digest(local) for local in outbox]
        mark = digest(checksums)[:8]  # one for all of them: a shard's files share their prefix
        for local, checksum in zip(outbox, checksums, strict=True):
            folder = self._segment.sinks["files"].folder
            yield self._publish("files", local, f"{folder}/{local.stem}-{mark}{local.suffix}", 0, checksum)

    def _publish(self, port: Port, local: Path, name: str, rows: int, checksum: str) -> FileEntry:
        size = local.stat().st_size
        self._run.publish(local, name)
        return FileEntry(port=port, name=name, rows=rows, bytes=size, checksum=checksum)


def connect_stages(
    stack: ExitStack,
    specs: Iterable[StageSpec],
    batches: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    context: StageContext,
    tallies: list["Tally"],
) -> Iterator[Output]:
    """Open the stages of a chain and connect them; rows of other ports than OUT leave at the end of the chain.

    The stages are closed with `stack`; a tally for each is appended to `tallies`.
    """
    waiting: list[Output] = []
    for spec in specs:
        stage = open_stage(spec)
        schema = stage.output_schemas(schema).get(OUT, schema)
        stage.open(context)
        stack.callback(stage.close)
        tallies.append(tally := Tally(spec.name))
        batches = _divert(tally.run(stage, batches), waiting)
    return _merge(batches, waiting)


class Tally:
    """Counts and times one stage; its own time only, without that of the stages that feed it."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._rows_in = self._bytes_in = self._bytes_out = 0
        self._seconds = self._upstream = 0.0
        self._rows_out: dict[str, int] = {}
        self._reasons: dict[str, int] = {}
        self._facts: dict[str, int] = {}
        self._formulas = FormulaTally()

    def run(self, stage: Stage, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Run a stage over batches, counting; what it says of formulas ends here."""

        def pull() -> Iterator[pa.RecordBatch]:
            while True:
                started = time.perf_counter()
                batch = next(batches, None)
                self._upstream += time.perf_counter() - started
                if batch is None:
                    return
                self._rows_in += batch.num_rows
                self._bytes_in += batch.nbytes
                yield batch

        yield from self.watch(stage.process(pull()))
        self._facts.update(getattr(stage, "facts", {}))

    def watch(self, outputs: Iterator[Output]) -> Iterator[Output]:
        """Count and time what comes out."""
        while True:
            started, upstream = time.perf_counter(), self._upstream
            item = next(outputs, None)
            self._seconds += time.perf_counter() - started - (self._upstream - upstream)
            if item is None:
                return
            port, batch = item
            if port == FORMULAS_PORT:
                self._formulas.add(batch)
                continue
            self._rows_out[port] = self._rows_out.get(port, 0) + batch.num_rows
            self._bytes_out += batch.nbytes
            if port == DROPPED_PORT:
                _add_counts(self._reasons, batch.column("reason"))
            yield item

    def counts(self) -> StageCounts:
        return StageCounts(
            stage=self._stage,
            rows_in=self._rows_in,
            bytes_in=self._bytes_in,
            seconds=round(self._seconds, 6),
            rows_out=dict(sorted(self._rows_out.items())),
            bytes_out=self._bytes_out,
            reasons=dict(sorted(self._reasons.items())),
            facts=dict(sorted(self._facts.items())),
            formulas=self._formulas.counts(),
        )


def _add_counts(counts: dict[str, int], column: pa.Array) -> None:
    for item in pc.value_counts(column).to_pylist():
        counts[item["values"]] = counts.get(item["values"], 0) + item["counts"]


class _Spool:
    """Rows of a fork, kept on local disk until the main chain has ended, so that memory stays flat."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self.schema = path, schema

    def __enter__(self) -> "_Spool":
        with operating(f"cannot write {self._path}"):
            self._writer = pa.ipc.new_stream(str(self._path), self.schema)
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        with operating(f"cannot write {self._path}"):
            self._writer.write_batch(batch)

    def read(self) -> Iterator[pa.RecordBatch]:
        with operating(f"cannot write {self._path}"):
            self._writer.close()
        with pa.memory_map(str(self._path)) as file:
            yield from pa.ipc.open_stream(file)

    def __exit__(self, *exception: object) -> None:
        self._writer.close()
        self._path.unlink(missing_ok=True)


def open_stage(spec: StageSpec) -> Stage:
    """Make a stage, in a child process of its own where it asks for that."""
    stage = spec.load()
    return Isolated(spec.cls, spec.config) if getattr(stage, "isolated", False) else stage


def _divert(outputs: Iterator[Output], waiting: list[Output]) -> Iterator[pa.RecordBatch]:
    """Pass on what a stage sends to OUT; everything else waits for the end of the chain."""
    for port, batch in outputs:
        if port == OUT:
            yield batch
        else:
            waiting.append((port, batch))


def _merge(batches: Iterator[pa.RecordBatch], waiting: list[Output]) -> Iterator[Output]:
    for batch in batches:
        yield from _drain(waiting)
        yield OUT, batch
    yield from _drain(waiting)


def _drain(waiting: list[Output]) -> Iterator[Output]:
    while waiting:
        yield waiting.pop(0)


def read_input(item: Input, run: Folder, scratch: Path) -> Iterator[Output]:
    """Stream an input's batches."""
    if isinstance(item, SourceInput):
        yield from read_slice(item.source, item.slice)
    elif isinstance(item, FileInput):
        for batch in read_file(item.file, item.where(run), scratch):
            yield OUT, batch
    elif isinstance(item, SpillInput):
        paths = [_fetch(file, run, scratch) for file in item.files]
        for batch in merge(paths, item.partition, item.order):
            yield OUT, batch


def source_schema(item: Input, run: Folder, scratch: Path) -> pa.Schema:
    """The schema of an input's rows."""
    if isinstance(item, SourceInput):
        return input_schema(item.source)
    if isinstance(item, ShuffleInput):
        return item.arrow_schema()
    if isinstance(item, FileInput):
        return read_schema(item.file, item.where(run), scratch)
    return read_schema(item.files[0], run, scratch)


def emitted_schema(run: Folder, segment: Segment, scratch: Path) -> pa.Schema:
    """The schema of the rows that a segment's tasks send to OUT, by its first task; ConfigError if stages misfit."""
    task = segment.tasks[0]
    schema = source_schema(task.inputs[0], run, scratch)
    for spec in segment.chains[task.chain].stages:
        schema = spec.load().output_schemas(schema).get(OUT, schema)
    return schema


def read_file(file: FileEntry, run: Folder, scratch: Path) -> Iterator[pa.RecordBatch]:
    """Stream a file of the run: a batch per Parquet row group or Arrow batch."""
    path = _fetch(file, run, scratch)
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as parquet:
            for number in range(parquet.num_row_groups):
                yield from parquet.read_row_group(number).combine_chunks().to_batches()
    else:
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)


def read_schema(file: FileEntry, run: Folder, scratch: Path) -> pa.Schema:
    """The schema of a file of the run."""
    path = _fetch(file, run, scratch)
    if path.suffix == ".parquet":
        return pq.read_schema(path).remove_metadata()
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).schema.remove_metadata()


def _fetch(file: FileEntry, run: Folder, scratch: Path) -> Path:
    local = scratch / f"in-{file.checksum}{Path(file.name).suffix}"
    try:
        return local if local.exists() else run.fetch(file.name, local, file.bytes, file.checksum)
    except FileNotFoundError:
        raise OperationError(f"{run.path(file.name)} has gone while the run was using it; run again") from None
