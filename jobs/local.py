"""The embedded engine: datatrove's local executor over a pool of processes, no services needed.

datatrove's own `run` feeds a `multiprocess.Pool`, which waits for ever when a worker is killed (tried with 0.10.1);
here the ranks go to a `ProcessPoolExecutor` instead, which says so, and the tasks that were under way run again, up to
three times. What is finished is the ledger's word, so datatrove's own markers of completion are off.
"""

import multiprocessing
import os
import select
import signal
import threading
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import Any

from datatrove.executor.local import LocalPipelineExecutor
from loguru import logger

from mathmill.core.errors import MathmillError, OperationError
from mathmill.core.ledger import Entry
from mathmill.core.storage import Folder, operating
from mathmill.jobs.engine import Progress, finish_segment, pending, reduce_segment
from mathmill.jobs.engines import EngineSettings
from mathmill.jobs.plan import Chain, Segment, Sink
from mathmill.jobs.registry import stage_names
from mathmill.jobs.runner import run_task

_TRIES = 3
_LOGS = "memory://datatrove-logs"  # of one task; nobody reads them, and on a full disk writing them would fail


def make_engine(settings: EngineSettings, scratch: Path) -> "LocalEngine":
    """The engine for `mathmill run`."""
    return LocalEngine(settings.workers, scratch)


class LocalEngine:
    """Runs tasks in `workers` processes of this machine.

    scratch: a local folder for temporary files, on the disk of the output where that is local.
    """

    name = "local"

    def __init__(self, workers: int, scratch: Path) -> None:
        self.workers, self._scratch = workers, scratch
        self._pool: ProcessPoolExecutor | None = None

    def map(self, run: Folder, segment: Segment, progress: Progress) -> dict[str, Entry]:
        """See `Engine.map`."""
        todo = pending(run, segment)
        progress.begin(segment, len(todo))
        if todo:
            plan = self._scratch / f"{segment.name}.json"
            with operating(f"cannot write {plan}"):
                plan.write_text(segment.model_dump_json())
            step = RunTask(str(run), str(plan), str(self._scratch), todo)
            Executor(step, self, segment, progress).run()
        return finish_segment(run, segment)

    def group(
        self, run: Folder, emit: Segment, reduce: Chain, sinks: dict[str, Sink], progress: Progress
    ) -> tuple[dict[str, Entry], tuple[Segment, dict[str, Entry]]]:
        """See `Engine.group`: two maps, with sorted spill files between them."""
        emitted = self.map(run, emit, progress)
        segment = reduce_segment(emit, emitted, reduce, sinks)
        return emitted, (segment, self.map(run, segment, progress))

    def pool(self) -> ProcessPoolExecutor:
        """The pool, started when it is first needed and kept for all segments."""
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(_preloaded())
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(),)
            )
        return self._pool

    def in_process(self, tasks: int) -> bool:
        """Say whether tasks run in this process: one worker needs no pool."""
        return self.workers == 1 or (tasks == 1 and self._pool is None)

    def restart(self) -> None:
        """Forget a pool that lost a worker."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


class RunTask:
    """The one step of our datatrove pipelines: the rank is a place in the list of tasks to run."""

    def __init__(self, run: str, plan: str, scratch: str, todo: list[int]) -> None:
        self.run, self.plan, self.scratch, self.todo = run, plan, scratch, todo
        self.outcome: Entry | MathmillError | None = None

    def __call__(self, data: Any, rank: int, world_size: int) -> None:
        """Run a task; errors are kept as the outcome, since datatrove would print them with their traceback."""
        index = self.todo[rank]
        segment = _load_segment(self.plan)
        scratch = Path(self.scratch) / f"{segment.name}-{index:05d}-{os.getpid()}"
        try:
            self.outcome = run_task(Folder(self.run), segment, index, scratch)
        except MathmillError as error:
            self.outcome = error
        except Exception as error:
            detail = traceback.format_exc()
            inputs = ", ".join(item.label() for item in segment.tasks[index].inputs[:3])
            task = f"{segment.title}, task {index} ({inputs})"
            self.outcome = TaskError(f"{task}: {type(error).__name__}: {error}", detail)


class TaskError(MathmillError):
    """A defect of ours or of a user's stage that stopped a task; `detail` is the traceback, for the log."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskError, (str(self), self.detail)


class Executor(LocalPipelineExecutor):  # type: ignore[misc]
    """datatrove's executor with a pool that notices killed workers."""

    def __init__(self, step: RunTask, engine: LocalEngine, segment: Segment, progress: Progress) -> None:
        logger.remove()
        super().__init__([step], tasks=len(step.todo), workers=1, logging_dir=_LOGS, skip_completed=False)
        self._engine, self._segment, self._progress = engine, segment, progress

    def run(self) -> None:
        """Run all ranks; raises the first error of a task after the tasks under way have ended."""
        if self._engine.in_process(self.world_size):
            for rank in range(self.world_size):
                self._settle(_run_rank(self._portable(), rank))
            return
        ranks = list(range(self.world_size))
        for attempt in range(1, _TRIES + 1):
            ranks = self._run_in_pool(ranks)
            if not ranks:
                return
            self._engine.restart()
            if attempt == _TRIES:
                tasks = ", ".join(str(self.pipeline[0].todo[rank]) for rank in ranks[:3])
                raise OperationError(
                    f"{self._segment.title}: a worker was killed {_TRIES} times, perhaps for want of memory, at the "
                    f"latest with tasks from {tasks}; run again with fewer --workers"
                )

    def _run_in_pool(self, ranks: list[int]) -> list[int]:
        """Run ranks in the pool; returns those that a killed worker left undone."""
        pool = self._engine.pool()
        portable = self._portable()
        waiting: dict[Future[Entry | MathmillError], int] = {}
        queue = list(reversed(ranks))
        undone: list[int] = []
        try:
            while queue or waiting:
                while queue and len(waiting) < 2 * self._engine.workers:
                    rank = queue.pop()
                    waiting[pool.submit(_run_rank, portable, rank)] = rank
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    rank = waiting.pop(future)
                    try:
                        self._settle(future.result())
                    except BrokenProcessPool:
                        undone.append(rank)
                if undone:
                    break
        except BrokenProcessPool:  # from submit
            undone.append(rank)
        finally:
            for future in waiting:
                future.cancel()
        return sorted([*undone, *queue, *waiting.values()]) if undone else []

    def _settle(self, outcome: Entry | MathmillError) -> None:
        if isinstance(outcome, MathmillError):
            raise outcome
        self._progress.advance(self._segment, outcome)

    def _portable(self) -> LocalPipelineExecutor:
        """A plain datatrove executor with our pipeline, which travels to workers."""
        return LocalPipelineExecutor(
            self.pipeline, tasks=self.tasks, workers=1, logging_dir=_LOGS, skip_completed=False
        )


def _run_rank(executor: LocalPipelineExecutor, rank: int) -> Entry | MathmillError:
    # local_rank 1: datatrove logs to the console for local rank 0
    executor._run_for_rank(rank, local_rank=1)
    executor.logging_dir.rm("", recursive=True)
    outcome = executor.pipeline[0].outcome
    assert outcome is not None
    return outcome


@lru_cache(maxsize=4)
def _load_segment(path: str) -> Segment:
    return Segment.model_validate_json(Path(path).read_bytes())


def _preloaded() -> list[str]:
    """What workers import, done once by the fork server (a second) and shared by all of them.

    Not the modules of other people's stages: what they start when imported may not survive a fork.
    """
    stages = sorted({cls.partition(":")[0] for cls in stage_names().values()})
    ours = [module for module in stages if module.startswith("mathmill.")]
    return ["mathmill.jobs.local", "mathmill.tokenize.encode", "mathmill.tokenize.pack", *ours]


def _start_worker(driver: int) -> None:
    """Leave Ctrl-C to the driver, and die with it, whatever kills it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(driver,), daemon=True).start()


def _die_with(driver: int) -> None:
    # not by PR_SET_PDEATHSIG: our parent is the fork server, which lives as long as any of its workers
    try:
        if hasattr(os, "pidfd_open"):
            select.select([os.pidfd_open(driver)], [], [])
        else:
            while True:
                os.kill(driver, 0)
                time.sleep(0.5)
    except ProcessLookupError:
        pass  # it has gone already
    os.kill(os.getpid(), signal.SIGKILL)
