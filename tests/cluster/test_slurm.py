"""The Slurm engine on a real cluster of one node, which `slurm.sh` starts on this machine."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from mathmill.core.errors import ConfigError, OperationError
from mathmill.jobs import tasks
from mathmill.jobs.engines import EngineSettings
from mathmill.jobs.example import RECIPE, demo_recipe
from mathmill.jobs.run import Finished, run_recipe
from mathmill.jobs.versions import versions

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("slurm.sh")
PROGRAMS = ("sbatch", "slurmctld", "slurmd", "munged")
SETTINGS = EngineSettings(name="slurm", workers=2, conf={"partition": "main", "mem_per_cpu_gb": "1"})


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A cluster for all tests of this file."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    if missing := [program for program in PROGRAMS if shutil.which(program, path=path) is None]:
        pytest.skip(f"Slurm is not installed here (no {', '.join(missing)}); on Debian: apt install slurm-wlm munge")
    folder = tempfile.mkdtemp(prefix="slurm-")  # pytest's own are too long for a socket
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", f"{folder}/slurm.conf")
        subprocess.run([SCRIPT, "start", folder], check=True)
        try:
            yield
        finally:
            subprocess.run([SCRIPT, "stop", folder], check=True)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def killing(times: int) -> Iterator[list[int]]:
    """Kill so many tasks of our cluster; gives the killed processes."""
    killed: list[int] = []
    ended = threading.Event()

    def kill() -> None:
        while len(killed) < times and not ended.wait(0.1):
            for process in psutil.process_iter():
                try:
                    command = " ".join(process.cmdline())
                    is_task = "launch_pickled_pipeline" in command and "srun" not in command and "bash" not in command
                    if is_task and process.environ().get("SLURM_CONF") == os.environ["SLURM_CONF"]:
                        process.kill()
                        killed.append(process.pid)
                        break
                except psutil.Error:
                    continue

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def queue() -> list[str]:
    """State of each job that is in the queue."""
    command = ["squeue", "--noheader", "--array", "--format=%T"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def job_folders(out: Path) -> list[str]:
    return [path.name for path in (out / "work").glob("slurm-*")]


@pytest.mark.full
def test_a_run_on_slurm_has_the_bytes_of_a_local_one_even_where_a_job_was_killed(
    tmp_path: Path, demo: Finished, answers: Callable[[Path], dict[str, str]]
) -> None:
    with killing(1) as killed:
        run_recipe(demo_recipe(), tmp_path / "out", engine=SETTINGS)
    assert len(killed) == 1
    assert answers(tmp_path / "out") == answers(Path(str(demo.run)))
    assert queue() == []
    assert job_folders(tmp_path / "out") == []


def test_a_task_that_is_killed_three_times_ends_the_run_with_a_sentence_that_names_its_log(tmp_path: Path) -> None:
    with killing(1000), pytest.raises(OperationError, match="its job ended 3 times without a result") as caught:
        run_recipe(demo_recipe(), tmp_path / "out", engine=SETTINGS)
    log = Path(str(caught.value).rpartition("see ")[2])
    assert "launch_pickled_pipeline" in log.read_text()


def test_the_error_of_a_task_reaches_the_driver_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "versions", lambda: {**versions(), "pyarrow": "0.1"})
    with pytest.raises(OperationError, match=r"would not give the same bytes \(pyarrow 0\.1 here, "):
        run_recipe(demo_recipe(), tmp_path / "out", engine=SETTINGS)
    assert job_folders(tmp_path / "out") == []


def test_an_interrupted_run_takes_its_jobs_along(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    command = [sys.executable, "-m", "mathmill.jobs.cli", "run", tmp_path / "recipe.yaml", "--out", tmp_path / "out"]
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # a suite that runs in the background would ignore it
    driver = subprocess.Popen([*command, "--engine", "slurm", "--conf", "mem_per_cpu_gb=1"], stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    wait_for(lambda: "RUNNING" in queue())
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert b"goes on from here" in said
    wait_for(lambda: queue() == [])


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it has not come about within a minute")


def test_settings_that_slurm_does_not_take_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--conf cpus_per_task=two: "):
        run_recipe(demo_recipe(), tmp_path / "a", engine=with_conf(cpus_per_task="two"))
    with pytest.raises(OperationError, match="sbatch refused the jobs"):
        run_recipe(demo_recipe(), tmp_path / "b", engine=with_conf(partition="nowhere"))
    with pytest.raises(ConfigError, match="choose an --out of letters, digits"):
        run_recipe(demo_recipe(), tmp_path / "a b", engine=SETTINGS)


def with_conf(**conf: str) -> EngineSettings:
    return SETTINGS.model_copy(update={"conf": {**SETTINGS.conf, **conf}})
