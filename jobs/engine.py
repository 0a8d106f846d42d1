"""What an engine offers: two primitives, against which every job is written once.

`map` runs a segment's tasks, `group` shuffles what a segment's tasks emit by key and reduces each key's rows as a
stream. Both return the ledger entries of their last segment, by task identity, and leave the run folder without files
that no entry names.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from mathmill.core.config import digest
from mathmill.core.ledger import Entry, Ledger
from mathmill.core.stage import OUT
from mathmill.core.storage import Folder
from mathmill.jobs.plan import Chain, Input, Segment, ShuffleInput, Sink, SpillInput, make_segment


class Progress(Protocol):
    """Somebody who watches a run."""

    def begin(self, segment: Segment, todo: int) -> None:
        """A segment starts: so many of its tasks are not finished yet."""
        ...

    def advance(self, segment: Segment, entry: Entry) -> None:
        """A task has finished."""
        ...

    def notice(self, sentence: str) -> None:
        """Something that the run's owner may want to know now, though the run goes on."""
        ...


class Unwatched:
    """Progress that nobody watches."""

    def begin(self, segment: Segment, todo: int) -> None:
        """Nothing to show."""

    def advance(self, segment: Segment, entry: Entry) -> None:
        """Nothing to show."""

    def notice(self, sentence: str) -> None:
        """Nothing to show."""


class Engine(Protocol):
    """Runs segments; see `mathmill.jobs.local` for the embedded one."""

    name: str

    def map(self, run: Folder, segment: Segment, progress: Progress) -> dict[str, Entry]:
        """Run every task that the ledger does not hold yet. Raises the first MathmillError of a task."""
        ...

    def group(
        self, run: Folder, emit: Segment, reduce: Chain, sinks: dict[str, Sink], progress: Progress
    ) -> tuple[dict[str, Entry], tuple[Segment, dict[str, Entry]]]:
        """Run `emit`, whose OUT rows go to a spill sink, then `reduce` over each partition, sorted as the sink says.

        Returns the entries of `emit`, and the reduce segment with its entries.
        """
        ...

    def close(self) -> None:
        """Release workers and connections."""
        ...


def reduce_segment(emit: Segment, emitted: dict[str, Entry], reduce: Chain, sinks: dict[str, Sink]) -> Segment:
    """Plan the reduce tasks of a group: one for each partition of the spill files."""
    spill = emit.sinks[OUT]
    files = tuple(file for task in emit.tasks for file in emitted[task.identity].of_port(OUT))
    partitions = range(spill.partitions) if files else range(0)
    inputs = [[SpillInput(files=files, partition=number, order=spill.order)] for number in partitions]
    return _reduce_segment(emit, reduce, sinks, inputs)


def reduce_shuffled(
    emit: Segment, shuffled: Segment, reduce: Chain, sinks: dict[str, Sink], schema: pa.Schema
) -> Segment:
    """The same where the rows, of this schema, come through the engine's own shuffle."""
    shuffle = shuffled.sinks[OUT]
    emitted = digest([task.identity for task in shuffled.tasks])
    columns = b64encode(schema.serialize().to_pybytes()).decode()
    inputs = [
        [ShuffleInput(emitted=emitted, partition=number, columns=columns, order=shuffle.order)]
        for number in (range(shuffle.partitions) if shuffled.tasks else range(0))
    ]
    return _reduce_segment(emit, reduce, sinks, inputs)


def _reduce_segment(emit: Segment, reduce: Chain, sinks: dict[str, Sink], inputs: Sequence[Sequence[Input]]) -> Segment:
    name = emit.name.replace("-sketch", "-pairs").removesuffix("-emit")
    title = emit.title.replace("sketch", "compare").removesuffix(", emit")
    return make_segment(name, title, [("all", reduce, inputs)], sinks)


def as_shuffle(emit: Segment) -> Segment:
    """The emit segment of a group, for an engine with a shuffle of its own: its OUT rows go to no file.

    Its tasks have other identities, since what they leave behind is less.
    """
    sinks = {**emit.sinks, OUT: emit.sinks[OUT].model_copy(update={"format": "shuffle"})}
    tasks = [task.model_copy(update={"identity": digest([task.identity, "shuffle"])}) for task in emit.tasks]
    return emit.model_copy(update={"sinks": sinks, "tasks": tuple(tasks)})


def finish_segment(run: Folder, segment: Segment) -> dict[str, Entry]:
    """Compact the ledger of a segment whose tasks are all done and remove what no entry names."""
    entries = Ledger(run, segment.name).compact([task.identity for task in segment.tasks])
    named = {file.name for entry in entries.values() for file in entry.files}
    for folder in {sink.folder for sink in segment.sinks.values()}:
        for name in (run / folder).names():
            # a segment owns the files that begin with its name; shards are listed by the manifest
            if name.startswith(f"{segment.name}-0") and f"{folder}/{name}" not in named:
                (run / folder).remove(name)
    return entries


def pending(run: Folder, segment: Segment) -> list[int]:
    """Indices of the tasks that the ledger does not hold, or whose files somebody removed."""
    ledger = Ledger(run, segment.name)
    entries = ledger.entries()
    folders = {sink.folder for sink in segment.sinks.values()}
    present = {f"{folder}/{name}" for folder in folders for name in (run / folder).names()}
    lost = [entry.task for entry in entries.values() if any(file.name not in present for file in entry.files)]
    ledger.forget(lost)
    return [task.index for task in segment.tasks if task.identity not in entries or task.identity in lost]
