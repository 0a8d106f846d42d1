"""What a run consists of: segments of independent tasks, each a slice of input through a chain of stages.

The plan is a function of input and recipe alone, never of workers or time. A task's identity is what it reads (names
and checksums), its chain of stages (configuration, version, digests of the files they use) and where its output goes;
so a run repeated does only what changed.
"""

from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import pyarrow as pa
from pydantic import Field

from mathmill.core.config import Config, digest
from mathmill.core.ledger import Entry, FileEntry
from mathmill.core.stage import CONTAMINATION_PORT, DROPPED_PORT, OUT, QUARANTINE_PORT
from mathmill.core.storage import Folder
from mathmill.curation.readers.selection import HOW_ONLY
from mathmill.curation.readers.source import InputSlice, SourceConfig
from mathmill.jobs.registry import StageSpec

FORMAT_VERSION = 1
"""Raised when readers, sinks or the identity itself change what a task writes."""


_WHERE_AND_HOW: Any = {"path": True, "catalogue": True, "skip": True, "index": HOW_ONLY}
"""Of a source: what changes no row."""


class SourceInput(Config):
    """A slice of raw input."""

    kind: Literal["source"] = "source"
    source: SourceConfig
    slice: InputSlice
    fingerprint: str  # of the whole file

    def identity(self) -> list[str | int]:
        return [
            *("source", digest(self.source.model_dump(mode="json", exclude=_WHERE_AND_HOW))),
            *(self.slice.relative, self.slice.start, self.slice.end, self.fingerprint),
        ]

    def label(self) -> str:
        return f"{self.source.name}:{self.slice.relative}"

    def size(self) -> int:
        return self.slice.size


class FileInput(Config):
    """A file that an earlier segment wrote, or an earlier run.

    folder: the earlier run; None: this one. side: files that stages need for this one beside it, by the name that they
    ask for.
    """

    kind: Literal["file"] = "file"
    file: FileEntry
    folder: str | None = None
    side: dict[str, tuple[FileEntry, ...]] = {}

    def identity(self) -> list[str | int]:
        side = [
            text for name, files in sorted(self.side.items()) for text in (name, *(file.checksum for file in files))
        ]
        return ["file", self.file.checksum, *side]

    def where(self, run: Folder) -> Folder:
        """The run folder that the file lies in."""
        return run if self.folder is None else Folder(self.folder)

    def label(self) -> str:
        return self.file.name

    def size(self) -> int:
        return self.file.bytes


class SpillInput(Config):
    """One partition of all spill files of a group's emit segment."""

    kind: Literal["spill"] = "spill"
    files: tuple[FileEntry, ...]
    partition: int
    order: tuple[str, ...]  # integer columns, the key first

    def identity(self) -> list[str | int]:
        return ["spill", self.partition, *self.order, *(file.checksum for file in self.files)]

    def label(self) -> str:
        return f"partition {self.partition} of {len(self.files)} spill files"

    def size(self) -> int:
        return sum(file.bytes for file in self.files)


class ShuffleInput(Config):
    """One partition of the rows that a group's emit segment sends through an engine's own shuffle."""

    kind: Literal["shuffle"] = "shuffle"
    emitted: str  # digest of the identities of the tasks that emit
    partition: int
    columns: str  # an Arrow schema, serialised, in base 64
    order: tuple[str, ...]

    def identity(self) -> list[str | int]:
        return ["shuffle", self.emitted, self.partition, *self.order]

    def label(self) -> str:
        return f"partition {self.partition} of a shuffle"

    def size(self) -> int:
        return 0

    def arrow_schema(self) -> pa.Schema:
        """Schema of the rows."""
        return pa.ipc.read_schema(pa.py_buffer(b64decode(self.columns)))


Input: TypeAlias = Annotated[SourceInput | FileInput | SpillInput | ShuffleInput, Field(discriminator="kind")]


class Sink(Config):
    """Where a port's rows go: Parquet for people, Arrow for memory maps, a shuffle, or files that the stage itself
    writes into its outbox. A shuffle goes by sorted spill files, or through the engine's own.
    """

    folder: str
    format: Literal["parquet", "arrow", "spill", "shuffle", "files"] = "parquet"
    partitions: int = 1  # of a shuffle
    order: tuple[str, ...] = ()  # of a shuffle: columns to sort by within a partition, the key first


class Chain(Config):
    """Stages in order; `forks` names the chain for the rows of a further port; `out` renames the last stage's port."""

    stages: tuple[StageSpec, ...]
    forks: dict[str, tuple[StageSpec, ...]] = {}
    out: str = OUT

    def identity(self) -> list[object]:
        forks = [[port, [stage.identity for stage in stages]] for port, stages in sorted(self.forks.items())]
        return [[stage.identity for stage in self.stages], forks, self.out]


class Task(Config):
    """One unit of work: idempotent, independent of all others of its segment."""

    index: int
    identity: str
    chain: str  # key into Segment.chains
    inputs: tuple[Input, ...]


class Segment(Config):
    """Tasks that may run in any order, and what they share."""

    name: str
    title: str  # for people
    chains: dict[str, Chain]
    sinks: dict[str, Sink]
    side_inputs: dict[str, tuple[FileEntry, ...]] = {}
    tasks: tuple[Task, ...]


DROPS = {
    DROPPED_PORT: Sink(folder="dropped"),
    QUARANTINE_PORT: Sink(folder="quarantine"),
    CONTAMINATION_PORT: Sink(folder="contamination"),
}
"""Sinks that every segment has."""


def make_segment(
    name: str,
    title: str,
    parts: Iterable[tuple[str, Chain, Sequence[Sequence[Input]]]],
    sinks: dict[str, Sink],
    side_inputs: Mapping[str, Sequence[FileEntry]] | None = None,
) -> Segment:
    """Plan a segment from (key, chain, inputs of each task) parts."""
    sinks = {**sinks, **DROPS}
    side = {key: tuple(files) for key, files in (side_inputs or {}).items()}
    shared = [
        *(FORMAT_VERSION, name),
        {port: sink.model_dump(mode="json") for port, sink in sinks.items()},
        {key: [file.checksum for file in files] for key, files in side.items()},
    ]
    chains: dict[str, Chain] = {}
    tasks: list[Task] = []
    for key, chain, inputs_of_tasks in parts:
        chains[key] = chain
        prefix = digest([shared, key, chain.identity()])
        for inputs in inputs_of_tasks:
            index = len(tasks)
            identity = digest([prefix, index, [item.identity() for item in inputs]])
            tasks.append(Task(index=index, identity=identity, chain=key, inputs=tuple(inputs)))
    return Segment(name=name, title=title, chains=chains, sinks=sinks, side_inputs=side, tasks=tuple(tasks))


RECORD_BYTES = 8 << 10
"""What a record of an earlier segment counts at least when tasks are sized: what a page of a crawl has, compressed.
The files of a run are compressed so well that by their bytes alone all the work would be in one task.
"""

_EARLIER = 5  # a task may be 1/32 of what comes before it
_SMALLEST = 4  # and is at least 1/16 of the largest


def coalesce(inputs: Iterable[Input], target_bytes: int, record_bytes: int = 0) -> list[list[Input]]:
    """Put consecutive small inputs into one task until it would grow beyond the target.

    The first tasks aim at a sixteenth of the target, later ones at a share of all that comes before them, so that a
    small input is still work for many workers, a large one does not become many small files, and what is added at the
    end leaves the tasks before it as they were. record_bytes: what a row of a file counts at least.
    """
    tasks: list[list[Input]] = []
    filled = before = 0
    for item in inputs:
        size = max(item.size(), item.file.rows * record_bytes if isinstance(item, FileInput) else 0)
        aim = min(target_bytes, max(target_bytes >> _SMALLEST, before >> _EARLIER))
        if not tasks or filled + size > aim:
            tasks.append([])
            before += filled
            filled = 0
        tasks[-1].append(item)
        filled += size
    return tasks


def outputs(segment: Segment, entries: dict[str, Entry], port: str) -> dict[str, list[FileEntry]]:
    """Files that a finished segment wrote for a port, by the chain (the source) of the tasks, in task order."""
    files: dict[str, list[FileEntry]] = {key: [] for key in segment.chains}
    for task in segment.tasks:
        files[task.chain].extend(entries[task.identity].of_port(port))
    return files
