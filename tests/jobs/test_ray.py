"""The Ray engine, on a small Ray of our own: the bytes of the local engine, and what becomes of killed workers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from mathmill.core.errors import ConfigError, OperationError
from mathmill.jobs import tasks
from mathmill.jobs.engines import EngineSettings
from mathmill.jobs.example import demo_recipe
from mathmill.jobs.run import Finished, run_recipe
from mathmill.jobs.versions import versions

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
SETTINGS = EngineSettings(name="ray", workers=2)


@pytest.fixture(scope="module", autouse=True)
def own_ray() -> Iterator[None]:
    """One Ray for all tests of this file, since it takes seconds to start; the engine leaves it as it is."""
    from mathmill.jobs.ray import connect

    assert connect("local", workers=2)
    yield
    ray.shutdown()


@contextmanager
def killing(times: int) -> Iterator[list[int]]:
    """Kill so many workers of our Ray, each in the middle of a task; gives the killed processes."""
    killed: list[int] = []
    ended = threading.Event()

    def kill() -> None:
        while len(killed) < times and not ended.wait(0.02):
            for process in psutil.Process().children(recursive=True):
                try:
                    if process.pid not in killed and process.cmdline()[:1] == ["ray::run_rank"]:
                        process.kill()
                        killed.append(process.pid)
                        break
                except psutil.NoSuchProcess:
                    continue

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def test_a_run_on_ray_has_the_bytes_of_a_local_one_even_where_a_worker_was_killed(
    tmp_path: Path, demo: Finished, answers: Callable[[Path], dict[str, str]]
) -> None:
    with killing(1) as killed:
        run_recipe(demo_recipe(), tmp_path / "out", engine=SETTINGS)
    assert len(killed) == 1
    assert answers(tmp_path / "out") == answers(Path(str(demo.run)))
    assert ray.is_initialized(), "a Ray that the caller has started is the caller's"


def test_a_task_whose_workers_are_killed_three_times_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    with killing(1000) as killed, pytest.raises(OperationError, match="its worker was killed 3 times") as caught:
        run_recipe(demo_recipe(), tmp_path / "out", engine=SETTINGS)
    assert len(killed) >= 3
    assert "--workers" in str(caught.value)


def test_the_error_of_a_task_reaches_the_driver_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "versions", lambda: {**versions(), "pyarrow": "0.1"})
    with pytest.raises(OperationError, match=r"would not give the same bytes \(pyarrow 0\.1 here, "):
        run_recipe(demo_recipe(), tmp_path / "out", engine=SETTINGS)


def test_a_setting_that_ray_does_not_know_is_an_error_of_the_command_line(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"conf": {"num_cpu": "2"}})
    with pytest.raises(ConfigError, match="--conf is not a Ray task option: Invalid option keyword num_cpu"):
        run_recipe(demo_recipe(), tmp_path / "out", engine=settings)


def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    ray.shutdown()
    settings = SETTINGS.model_copy(update={"master": "127.0.0.1:1"})
    with pytest.raises(OperationError, match=r"cannot reach the Ray cluster at 127\.0\.0\.1:1"):
        run_recipe(demo_recipe(), tmp_path / "out", engine=settings)
