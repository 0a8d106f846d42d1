"""The embedded engine: datatrove's local executor over a pool of processes, no services needed.

datatrove's own `run` feeds a `multiprocess.Pool`, which waits for ever when a worker is killed (tried with 0.10.1);
here the ranks go to a `ProcessPoolExecutor` instead, which says so, and the tasks that were under way run again, up to
three times.
"""

import multiprocessing
import os
import select
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from multiprocessing import forkserver
from pathlib import Path

import pyarrow as pa
from datatrove.executor.local import LocalPipelineExecutor
from loguru import logger

from mathmill.core.collector import relax_collector
from mathmill.core.errors import MathmillError, OperationError
from mathmill.core.storage import Folder, operating
from mathmill.jobs.engine import Progress
from mathmill.jobs.engines import EngineSettings
from mathmill.jobs.plan import Segment
from mathmill.jobs.registry import stage_names
from mathmill.jobs.tasks import MEMORY_LOGS, TRIES, DatatroveEngine, Outcome, RunTask, run_rank


def make_engine(settings: EngineSettings, scratch: Path) -> "LocalEngine":
    """The engine for `mathmill run`."""
    return LocalEngine(settings.workers or os.cpu_count() or 1, scratch)


class LocalEngine(DatatroveEngine):
    """Runs tasks in `workers` processes of this machine.

    scratch: a local folder for temporary files, on the disk of the output where that is local.
    """

    name = "local"

    def __init__(self, workers: int, scratch: Path) -> None:
        self.workers, self._scratch = workers, scratch
        self._pool: ProcessPoolExecutor | None = None
        self._context = multiprocessing.get_context("forkserver")
        if workers > 1:  # its imports, a second, go on while the driver plans
            self._context.set_forkserver_preload(_preloaded())
            forkserver.ensure_running()

    def run_tasks(self, run: Folder, segment: Segment, todo: list[int], progress: Progress) -> None:
        """See `DatatroveEngine`."""
        progress.begin(segment, len(todo))
        plan = self._scratch / f"{segment.name}.json"
        with operating(f"cannot write {plan}"):
            plan.write_text(segment.model_dump_json())
        Executor(LocalTask(run, todo, plan, self._scratch), self, segment, progress).run()

    def pool(self) -> ProcessPoolExecutor:
        """The pool, started when it is first needed and kept for all segments."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=self._context, initializer=_start_worker, initargs=(os.getpid(),)
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


class LocalTask(RunTask):
    """The step for workers of this machine: the plan is a file, parsed once by each of them."""

    def __init__(self, run: Folder, todo: list[int], plan: Path, scratch: Path) -> None:
        super().__init__(run, todo)
        self._plan, self._scratch = plan, scratch

    def segment(self) -> Segment:
        """The plan in the file."""
        return _load_segment(self._plan)

    def scratch(self, name: str) -> AbstractContextManager[Path]:
        """A path in the run's own scratch folder."""
        return nullcontext(self._scratch / f"{name}-{os.getpid()}")


class Executor(LocalPipelineExecutor):  # type: ignore[misc]
    """datatrove's executor with a pool that notices killed workers."""

    def __init__(self, step: LocalTask, engine: LocalEngine, segment: Segment, progress: Progress) -> None:
        logger.remove()
        super().__init__([step], tasks=len(step.todo), workers=1, logging_dir=MEMORY_LOGS, skip_completed=False)
        self._engine, self._segment, self._progress = engine, segment, progress

    def run(self) -> None:
        """Run all ranks; raises the first error of a task after the tasks under way have ended."""
        if self._engine.in_process(self.world_size):
            for rank in range(self.world_size):
                self._settle(run_rank(self._portable(), rank))
            return
        ranks = list(range(self.world_size))
        for attempt in range(1, TRIES + 1):
            ranks = self._run_in_pool(ranks)
            if not ranks:
                return
            self._engine.restart()
            if attempt == TRIES:
                tasks = ", ".join(str(self.pipeline[0].todo[rank]) for rank in ranks[:3])
                raise OperationError(
                    f"{self._segment.title}: a worker was killed {TRIES} times, perhaps for want of memory, at the "
                    f"latest with tasks from {tasks}; run again with fewer --workers"
                )

    def _run_in_pool(self, ranks: list[int]) -> list[int]:
        """Run ranks in the pool; returns those that a killed worker left undone."""
        pool = self._engine.pool()
        portable = self._portable()
        waiting: dict[Future[Outcome], int] = {}
        # large tasks first, lest one of them begins when the other workers have nothing left to do
        queue = sorted(ranks, key=lambda rank: (self._size(rank), -rank))
        undone: list[int] = []
        try:
            while queue or waiting:
                while queue and len(waiting) < 2 * self._engine.workers:
                    rank = queue.pop()
                    waiting[pool.submit(run_rank, portable, rank)] = rank
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

    def _size(self, rank: int) -> int:
        """Bytes that a task reads."""
        return sum(item.size() for item in self._segment.tasks[self.pipeline[0].todo[rank]].inputs)

    def _settle(self, outcome: Outcome) -> None:
        if isinstance(outcome, MathmillError):
            raise outcome
        self._progress.advance(self._segment, outcome)

    def _portable(self) -> LocalPipelineExecutor:
        """A plain datatrove executor with our pipeline, which travels to workers."""
        return LocalPipelineExecutor(
            self.pipeline, tasks=self.tasks, workers=1, logging_dir=MEMORY_LOGS, skip_completed=False
        )


@lru_cache(maxsize=4)
def _load_segment(plan: Path) -> Segment:
    return Segment.model_validate_json(plan.read_bytes())


def _preloaded() -> list[str]:
    """What workers import, done once by the fork server (a second) and shared by all of them.

    Not the modules of other people's stages: what they start when imported may not survive a fork.
    """
    stages = sorted({cls.partition(":")[0] for cls in stage_names().values()})
    ours = [module for module in stages if module.startswith("mathmill.")]
    return ["mathmill.jobs.local", "mathmill.tokenize.encode", "mathmill.tokenize.pack", *ours]


def _start_worker(driver: int) -> None:
    """Leave Ctrl-C to the driver, and die with it, whatever kills it; a worker is one core's work, Arrow's included."""
    pa.set_cpu_count(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    relax_collector()
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
