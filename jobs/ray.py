"""The Ray engine: datatrove's Ray executor, whose ranks run as plain Ray tasks.

datatrove's own `run` forks each rank from an actor. Tried with datatrove 0.10.1 and Ray 2.60: when the forked process
is killed the run waits for ever, when a rank raises the run ends as if all were well. Here a rank is a Ray task, so a
killed worker or a lost machine is noticed, and its task runs again, up to three times. The plan travels through Ray's
object store, once to each machine.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from datatrove.executor.base import PipelineExecutor
from datatrove.executor.ray import RayPipelineExecutor
from loguru import logger

from mathmill.core.errors import ConfigError, MathmillError, OperationError
from mathmill.core.storage import Folder
from mathmill.jobs.engine import Progress
from mathmill.jobs.engines import EngineSettings, knock
from mathmill.jobs.plan import Segment
from mathmill.jobs.tasks import MEMORY_LOGS, TRIES, DatatroveEngine, Outcome, RemoteTask, describe, run_rank

_OBJECT_STORE_BYTES = 100 << 20  # of a Ray of our own: plans and ledger entries, no data
_CANCEL_SECONDS = 10.0
_MOST_TASKS = 10_000  # handed to Ray at a time, which runs as many of them as there are CPUs


def make_engine(settings: EngineSettings, scratch: Path) -> "RayEngine":
    """The engine for `mathmill run`. Raises ConfigError without ray, OperationError without the cluster."""
    try:
        import ray  # noqa: F401
    except ImportError:
        raise ConfigError("the engine ray needs a package; install it with: pip install 'mathmill[ray]'") from None
    options = {key: _value(text) for key, text in settings.conf.items()}
    try:
        _remote(options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"--conf is not a Ray task option: {' '.join(str(error).splitlines())}") from error
    return RayEngine(settings.workers or _MOST_TASKS, options, owned=connect(settings.master, settings.workers))


def _value(text: str) -> Any:
    """An option's value: JSON where it is some, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def connect(master: str | None, workers: int | None) -> bool:
    """Connect to a cluster, unless this process is connected; returns whether `ray.shutdown` is ours to call.

    Without an address: the one in RAY_ADDRESS, or the cluster of which this machine is part, or, as with "local", a Ray
    of our own with a CPU for each worker. Raises OperationError.
    """
    import ray

    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = master or os.environ.get("RAY_ADDRESS")
    if address != "local":
        try:
            if address:
                knock(address)
            ray.init(address or "auto", **quiet)
            return True
        except (OSError, RuntimeError, ValueError) as error:
            if address or not isinstance(error, ConnectionError):
                reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
                advice = "for one that wants a token (Ray 2.60 does), set RAY_AUTH_MODE=token"
                raise OperationError(
                    f"cannot reach the Ray cluster at {address or 'auto'}: {reason}; {advice}"
                ) from error
    own: dict[str, Any] = {"object_store_memory": _OBJECT_STORE_BYTES, "include_dashboard": False}
    ray.init("local", num_cpus=workers or os.cpu_count(), **own, **quiet)
    return True


class RayEngine(DatatroveEngine):
    """Runs segments on a Ray cluster, whose machines all see the run folder and have mathmill installed.

    workers: the most tasks at a time. options: of each task, such as `num_cpus` (1), `memory` in bytes, `resources`.
    owned: close the connection at the end.
    """

    name = "ray"

    def __init__(self, workers: int, options: dict[str, Any], owned: bool) -> None:
        self._workers, self._options, self._owned = workers, options, owned

    def run_tasks(self, run: Folder, segment: Segment, todo: list[int], progress: Progress) -> None:
        """See `DatatroveEngine`."""
        progress.begin(segment, len(todo))
        executor = Executor(RemoteTask(run, todo, segment), self._workers, self._options)
        with closing(executor.run()) as outcomes:
            for outcome in outcomes:
                if isinstance(outcome, MathmillError):
                    raise outcome
                progress.advance(segment, outcome)

    def close(self) -> None:
        """Leave the cluster, or end our own."""
        import ray

        if self._owned:
            ray.shutdown()


class Executor(RayPipelineExecutor):  # type: ignore[misc]
    """datatrove's Ray executor as it travels to Ray's workers, with a `run` that gives the outcome of each rank."""

    # Ray's own version of this writes logs under names that all runs of a machine, whoever's, share
    _run_for_rank = PipelineExecutor._run_for_rank

    def __init__(self, step: RemoteTask, workers: int, options: dict[str, Any]) -> None:
        logger.remove()
        super().__init__(
            [step],
            tasks=len(step.todo),
            workers=workers,
            logging_dir=MEMORY_LOGS,
            skip_completed=False,
            ray_remote_kwargs=options,
        )

    def run(self) -> Generator[Outcome, None, None]:
        """Run all ranks, in any order; those under way are cancelled when the caller stops early."""
        import ray
        from ray.exceptions import NodeDiedError, ObjectLostError, OutOfMemoryError, RayError, WorkerCrashedError

        task, carried = _remote(self.ray_remote_kwargs), ray.put(self)
        queue = list(reversed(range(self.world_size)))
        waiting: dict[Any, int] = {}
        losses: Counter[int] = Counter()
        try:
            while queue or waiting:
                while queue and len(waiting) < self.workers:
                    rank = queue.pop()
                    waiting[task.remote(carried, rank)] = rank
                for reference in ray.wait(list(waiting))[0]:
                    rank = waiting.pop(reference)
                    try:
                        yield ray.get(reference)
                    except (WorkerCrashedError, OutOfMemoryError, NodeDiedError, ObjectLostError) as error:
                        losses[rank] += 1
                        if losses[rank] == TRIES:
                            raise OperationError(self._killed(rank)) from error
                        queue.append(rank)
                    except RayError as error:
                        raise OperationError(f"{self._name(rank)}: Ray cannot run it: {_last_line(error)}") from error
        finally:
            _cancel(list(waiting))

    def _name(self, rank: int) -> str:
        step = self.pipeline[0]
        return describe(step.segment(), step.todo[rank])

    def _killed(self, rank: int) -> str:
        return (
            f"{self._name(rank)}: its worker was killed {TRIES} times, perhaps for want of memory; run again with "
            "fewer --workers, or with --conf memory=BYTES for each task"
        )


def _remote(options: dict[str, Any]) -> Any:
    """`run_rank` as a Ray function. Retries are ours: Ray's own never end for want of memory."""
    import ray

    return ray.remote(run_rank).options(**{"num_cpus": 1, **options, "max_retries": 0})


def _cancel(references: list[Any]) -> None:
    """Let tasks under way remove their temporary files and end, for a while."""
    import ray
    from ray.exceptions import RayError

    if not references:
        return
    with suppress(RayError):
        for reference in references:
            ray.cancel(reference)
        ray.wait(references, num_returns=len(references), timeout=_CANCEL_SECONDS)


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
