"""What the engines on datatrove's executors share: a segment is a pipeline of one step, whose ranks are its tasks.

A group is two maps, with sorted spill files between them. What is finished is the ledger's word, so datatrove's own
markers of completion are off; what goes wrong is kept as a task's outcome, since datatrove would log it and go on.
"""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from datatrove.executor.base import PipelineExecutor

from mathmill.core.errors import MathmillError
from mathmill.core.ledger import Entry
from mathmill.core.storage import Folder, writing
from mathmill.jobs.engine import Progress, finish_segment, pending, reduce_segment
from mathmill.jobs.plan import Chain, Segment, Sink
from mathmill.jobs.runner import run_task
from mathmill.jobs.versions import check_machine, versions

TRIES = 3
"""How often a task may be killed before its run ends."""

MEMORY_LOGS = "memory://datatrove-logs"
"""datatrove's log of one task: nobody reads it, and on a full disk writing it would fail."""

Outcome: TypeAlias = Entry | MathmillError


class DatatroveEngine(ABC):
    """An engine whose primitives come down to running some of a segment's tasks."""

    name: str

    @abstractmethod
    def run_tasks(self, run: Folder, segment: Segment, todo: list[int], progress: Progress) -> None:
        """Run the tasks of these numbers and tell `progress`. Raises the first MathmillError of a task."""

    def map(self, run: Folder, segment: Segment, progress: Progress) -> dict[str, Entry]:
        """See `Engine.map`."""
        if todo := pending(run, segment):
            self.run_tasks(run, segment, todo, progress)
        else:
            progress.begin(segment, 0)
        return finish_segment(run, segment)

    def group(
        self, run: Folder, emit: Segment, reduce: Chain, sinks: dict[str, Sink], progress: Progress
    ) -> tuple[dict[str, Entry], tuple[Segment, dict[str, Entry]]]:
        """See `Engine.group`: two maps, with sorted spill files between them."""
        emitted = self.map(run, emit, progress)
        segment = reduce_segment(emit, emitted, reduce, sinks)
        return emitted, (segment, self.map(run, segment, progress))


class RunTask(ABC):
    """The one step of our pipelines: the rank is a place in `todo`, the list of tasks to run."""

    def __init__(self, run: Folder, todo: list[int]) -> None:
        self.run, self.todo = str(run), todo
        self.outcome: Outcome | None = None

    @abstractmethod
    def segment(self) -> Segment:
        """The segment, on the machine that runs the task."""

    @abstractmethod
    def scratch(self, name: str) -> AbstractContextManager[Path]:
        """A path there on which the task may make a folder for itself."""

    def __call__(self, data: Any, rank: int, world_size: int) -> None:
        """Run a task; its ledger entry or its error becomes the outcome."""
        index = self.todo[rank]
        segment = self.segment()
        try:
            with self.scratch(f"{segment.name}-{index:05d}") as scratch:
                self.outcome = run_task(Folder(self.run), segment, index, scratch)
        except MathmillError as error:
            self.outcome = error
        except Exception as error:
            text = f"{describe(segment, index)}: {type(error).__name__}: {error}"
            self.outcome = TaskError(text, traceback.format_exc())


class RemoteTask(RunTask):
    """The step for machines that share nothing with the driver but the run folder: the plan travels with it."""

    def __init__(self, run: Folder, todo: list[int], segment: Segment) -> None:
        super().__init__(run, todo)
        self._segment, self._versions = segment, tuple(versions().items())

    def segment(self) -> Segment:
        """The one that came along."""
        return self._segment

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """A temporary folder of that machine, if it can do our work. Raises OperationError."""
        check_machine(self.run, self._versions)
        with writing("cannot make a temporary folder"):
            folder = TemporaryDirectory(prefix="mathmill-", ignore_cleanup_errors=True)
        with folder:
            yield Path(folder.name) / name


class TaskError(MathmillError):
    """A defect of ours or of a user's stage that stopped a task; `detail` is the traceback, for the log."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskError, (str(self), self.detail)


def describe(segment: Segment, index: int) -> str:
    """Name a task for people."""
    inputs = ", ".join(item.label() for item in segment.tasks[index].inputs[:3])
    return f"{segment.title}, task {index} ({inputs})"


def run_rank(executor: PipelineExecutor, rank: int) -> Outcome:
    """Run one rank of an executor that logs to MEMORY_LOGS, in this process."""
    # local_rank 1: datatrove logs to the console for local rank 0
    executor._run_for_rank(rank, local_rank=1)
    executor.logging_dir.rm("", recursive=True)
    outcome = executor.pipeline[0].outcome
    assert outcome is not None
    return outcome
