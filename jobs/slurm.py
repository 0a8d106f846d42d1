"""The Slurm engine: datatrove's Slurm executor submits the tasks of a segment as one job array, and we wait for it.

datatrove submits and leaves; here the driver watches the queue and the ledger, hands a task that was killed in again,
up to three times, and cancels what it has submitted when it ends early. A task tells its error in a small file beside
datatrove's own, in `work/` of the run folder; the folder goes when the segment is done, and stays for the next run to
remove when a task failed for good. Tried with datatrove 0.10.1 and Slurm 22.05, without accounting: `squeue` alone.
"""

import os
import pwd
import re
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from datatrove.executor.slurm import SlurmPipelineExecutor
from loguru import logger
from pydantic import ValidationError

from mathmill.core.config import Config
from mathmill.core.errors import ConfigError, MathmillError, OperationError, error_from_json, error_to_json
from mathmill.core.storage import Folder
from mathmill.jobs.engine import Progress, pending
from mathmill.jobs.engines import EngineSettings
from mathmill.jobs.ledger_progress import follow
from mathmill.jobs.plan import Segment
from mathmill.jobs.tasks import TRIES, DatatroveEngine, RemoteTask, TaskError, describe

_ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"),
    *("NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
}
"""States that a job does not leave (`man squeue`)."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0  # seconds between two looks at the queue
_SILENT_LOOKS = 40  # ten minutes without an answer of the controller
_VISIBLE_SECONDS = 90.0  # until a shared disk shows what another machine wrote (NFS: 60)
_ENDED_MARK = "ended"


class SlurmOptions(Config):
    """What `--conf` may set: arguments of datatrove's executor, and in `sbatch_args` all other options of sbatch."""

    partition: str | None = None  # None: the cluster's default
    time: str | None = None
    qos: str | None = None
    cpus_per_task: int = 1
    mem_per_cpu_gb: int = 2
    tasks_per_job: int = 1  # more for many small tasks
    max_array_size: int = 1001  # Slurm's own default; further tasks wait in a further array
    venv_path: str | None = None  # the file to source, such as /shared/venv/bin/activate
    env_command: str | None = None
    slurm_logs_folder: str | None = None  # of this machine and the nodes, where the run folder is no shared disk
    with_srun: bool = True
    sbatch_args: dict[str, str] = {}


def make_engine(settings: EngineSettings, scratch: Path) -> "SlurmEngine":
    """The engine for `mathmill run`. Raises ConfigError for a setting of the wrong kind."""
    own = {key: value for key, value in settings.conf.items() if key in SlurmOptions.model_fields}
    further = {key.replace("_", "-"): value for key, value in settings.conf.items() if key not in own}
    try:
        options = SlurmOptions.model_validate({**own, "sbatch_args": further})
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ConfigError(f"--conf {wrong['loc'][0]}={wrong['input']}: {wrong['msg']}") from None
    return SlurmEngine(settings.workers or -1, options)


class SlurmEngine(DatatroveEngine):
    """Runs segments on a Slurm cluster, from a machine that may call sbatch. The run folder must be one that all nodes
    see, and mathmill installed under the same path on all of them, unless the options say how to get at it.

    workers: the most jobs at a time, -1 for as many as there are.
    """

    name = "slurm"

    def __init__(self, workers: int, options: SlurmOptions) -> None:
        self._workers, self._options = workers, options

    def run_tasks(self, run: Folder, segment: Segment, todo: list[int], progress: Progress) -> None:
        """See `DatatroveEngine`."""
        with follow(run, [(segment, todo)], progress), _job_folder(run, segment) as name:
            for attempt in range(1, TRIES + 1):
                executor = Executor(RemoteTask(run, todo, segment), run / "work", name, self._workers, self._options)
                states = _wait(_submit(executor))
                missing = self._missing(run, segment, executor, states)
                if not missing:
                    return
                if attempt == TRIES:
                    rank = todo.index(missing[0])
                    end = executor.end(rank, states)
                    raise Lost(
                        f"{describe(segment, missing[0])}: its job ended {TRIES} times without a result"
                        f"{f' ({end})' if end else ''}; see {executor.log(rank, states)}"
                    )
                todo = missing

    def _missing(self, run: Folder, segment: Segment, executor: "Executor", states: "States") -> list[int]:
        """Tasks of an array that has ended which left no entry; where Slurm says that all is well, wait for it."""
        deadline = time.monotonic() + _VISIBLE_SECONDS
        while True:
            executor.raise_reported()
            todo: list[int] = executor.pipeline[0].todo
            missing = sorted(set(todo) & set(pending(run, segment)))
            ends = [executor.end(todo.index(index), states) for index in missing]
            if "CANCELLED" in ends:
                raise OperationError(
                    f"{segment.title}: somebody cancelled its jobs; the same command goes on from here"
                )
            if "COMPLETED" not in ends or time.monotonic() > deadline:
                return missing
            time.sleep(2.0)

    def close(self) -> None:
        """Nothing is kept."""


class Lost(OperationError):
    """A task failed for good; the logs of its jobs are kept."""


@contextmanager
def _job_folder(run: Folder, segment: Segment) -> Iterator[str]:
    """The name of our jobs, and of their folder in `work/`; at the end no job of this name goes on."""
    work = run / "work"
    for name in work.folders():
        if name.startswith("slurm-") and (work / name).exists(_ENDED_MARK):
            _remove(work / name)
    name = f"slurm-{segment.name}-{uuid.uuid4().hex[:8]}"
    try:
        yield name
    except BaseException as error:
        if not isinstance(error, Lost):
            _cancel(name)
        with suppress(MathmillError):  # the first error counts
            (work / name).write(_ENDED_MARK, b"")
        if not isinstance(error, Lost):
            _remove(work / name)
        raise
    _remove(work / name)


def _cancel(name: str) -> None:
    with suppress(OSError):
        subprocess.run(["scancel", *_ours(name)], capture_output=True, check=False)


def _remove(folder: Folder) -> None:
    with suppress(OSError):  # a job that is being cancelled may be writing its log; the next run removes it
        folder.fs.rm(folder.root, recursive=True)


class Executor(SlurmPipelineExecutor):  # type: ignore[misc]
    """datatrove's Slurm executor, both on the machine that submits and on the nodes."""

    def __init__(self, step: RemoteTask, work: Folder, name: str, workers: int, options: SlurmOptions) -> None:
        logger.remove()
        folder = work / name
        if re.search(r"[^\w./:@+,=-]", str(folder)):
            raise ConfigError(f"sbatch cannot use the path {folder}; choose an --out of letters, digits and ./_-")
        logs = options.slurm_logs_folder or (f"{folder}/slurm_logs" if work.is_local else os.path.abspath("slurm_logs"))
        here = f"export PATH={shlex.quote(os.path.join(sys.prefix, 'bin'))}:$PATH"
        given = options.model_dump()
        given["env_command"] = options.env_command or (None if options.venv_path else here)
        given["slurm_logs_folder"] = logs
        super().__init__(
            [step],
            tasks=len(step.todo),
            workers=workers,
            job_name=name,
            logging_dir=str(folder),
            skip_completed=False,
            **given,
        )
        self.errors = f"{folder}/errors"

    def run(self) -> None:
        """On a node: run the ranks of this job, and clean up when it is cancelled."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        super().run()

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
        stats = super()._run_for_rank(rank, local_rank, node_rank)
        outcome = self.pipeline[0].outcome
        if isinstance(outcome, MathmillError):
            if isinstance(outcome, TaskError):
                print(outcome.detail, file=sys.stderr)  # into the job's log
            Folder(self.errors).write(f"{rank:05d}.json", error_to_json(outcome).encode())
        return stats

    def raise_reported(self) -> None:
        """Raise the first error that a task has reported."""
        for name in (errors := Folder(self.errors)).names():
            if not name.startswith("."):
                raise error_from_json(errors.read(name))

    def get_sbatch_args(self, max_array: int = 1) -> dict[str, Any]:
        """What is not set is left to the cluster."""
        return {key: value for key, value in super().get_sbatch_args(max_array).items() if value is not None}

    def launch_merge_stats(self) -> None:
        """Not wanted: the job for it would wait for ever when a task fails."""

    def place(self, rank: int, states: "States") -> tuple[int, int] | None:
        """Array job and index in it that ran a rank; None when the controller knows of none any more."""
        size = self.max_array_size if self.max_array_size > 0 else self.tasks
        array, index = divmod(rank // self.tasks_per_job, size)
        arrays = -(-self.tasks // (self.tasks_per_job * size))
        jobs = sorted({job for job, _ in states})[-arrays:]  # those before are of earlier attempts
        return (jobs[array], index) if len(jobs) == arrays else None

    def end(self, rank: int, states: "States") -> str:
        """The state in which the job that ran a rank ended; empty when nobody knows."""
        place = self.place(rank, states)
        return states.get(place, "") if place else ""

    def log(self, rank: int, states: "States") -> str:
        """The file with the output of the job that ran a rank, or the folder in which it is."""
        place = self.place(rank, states)
        return f"{self.slurm_logs_folder}/{place[0]}_{place[1]}.out" if place else str(self.slurm_logs_folder)


States = dict[tuple[int, int], str]
"""State by array job and index in it, as squeue gives them."""


def _submit(executor: Executor) -> Executor:
    try:
        executor.launch_job()  # not `run`, which would take us for a task where the driver is itself a job
    except FileNotFoundError as error:
        if error.filename != "sbatch":
            raise
        raise OperationError("there is no sbatch here; run this on a machine of the Slurm cluster") from None
    except subprocess.CalledProcessError as error:
        raise OperationError(f"sbatch refused the jobs, for the reason above (status {error.returncode})") from None
    return executor


def _wait(executor: Executor) -> States:
    """Wait until no job of the executor is left in the queue; returns the states that they ended in."""
    pause, silent = _FIRST_PAUSE, 0
    while True:
        executor.raise_reported()
        states = _states(executor.job_name)
        if states is not None and all(state in _ENDED for state in states.values()):
            return states
        silent = 0 if states is not None else silent + 1
        if silent == _SILENT_LOOKS:
            raise OperationError("squeue gives no answer; run again when the Slurm controller is back")
        time.sleep(pause)
        pause = min(_LONGEST_PAUSE, 1.25 * pause)


def _states(name: str) -> States | None:
    """What the controller knows of the jobs of this name, for five minutes after they end; None without an answer."""
    command = ["squeue", *_ours(name), "--states=all", "--array", "--noheader", "--format=%F %K %T"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    rows = [line.split() for line in answer.stdout.splitlines()]
    return {(int(job), int(index)): state for job, index, state in rows}


def _ours(name: str) -> list[str]:
    return [f"--user={pwd.getpwuid(os.getuid()).pw_name}", f"--name={name}"]
