"""Runs that are killed, repeated, changed or doubled end like an undisturbed run."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from split_crawl import PARTS, RECIPE, split_crawl

from mathmill.core.ledger import Ledger
from mathmill.core.storage import Folder
from mathmill.jobs.check import verify_run
from mathmill.jobs.engine import Unwatched
from mathmill.jobs.plan import Segment
from mathmill.jobs.recipe import Recipe, parse_recipe
from mathmill.jobs.run import run_recipe

Answers = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resume")
    split_crawl(folder / "crawl")
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def undisturbed(work: Path, answers: Answers) -> dict[str, str]:
    run_recipe(recipe(work), work / "undisturbed", workers=2)
    found = answers(work / "undisturbed")
    assert sum(name.startswith("documents/") and name.endswith(".parquet") for name in found) > 1
    return found


def recipe(work: Path, old: str = "", new: str = "") -> Recipe:
    assert old in RECIPE
    return parse_recipe(RECIPE.replace(old, new).encode(), work / "recipe.yaml")


class Counting(Unwatched):
    """Counts the tasks that a run really runs, by segment."""

    def __init__(self) -> None:
        self.todo: dict[str, int] = {}

    def begin(self, segment: Segment, todo: int) -> None:
        self.todo[segment.name] = todo


def start(work: Path, out: Path, workers: int = 2) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mathmill.jobs.cli", "run", str(work / "recipe.yaml"), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--workers", str(workers)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def kill_at_random(work: Path, out: Path, kills: int, seed: int, longest: float) -> int:
    """SIGKILL the driver at random moments of a run that goes on each time; returns how often it was still running."""
    moments = random.Random(seed)
    killed = 0
    for _ in range(kills):
        process = start(work, out)
        try:
            process.wait(moments.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.wait()
        deadline = time.monotonic() + 10
        while alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not alive(process.pid), "workers outlived their driver"
    return killed


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_six_kills_change_nothing(work: Path, undisturbed: dict[str, str], answers: Answers) -> None:
    out = work / "killed"
    assert kill_at_random(work, out, kills=6, seed=20, longest=3.0) >= 3
    progress = Counting()
    run_recipe(recipe(work), out, workers=2, progress=progress)
    assert answers(out) == undisturbed
    assert verify_run(out).ok
    assert [path.name for path in (out / ".tmp").iterdir() if path.is_dir()] == []


@pytest.mark.full
def test_a_hundred_kills_change_nothing(work: Path, undisturbed: dict[str, str], answers: Answers) -> None:
    out = work / "killed-often"
    for round_ in range(5):
        kill_at_random(work, out, kills=20, seed=100 + round_, longest=4.0)
    run_recipe(recipe(work), out, workers=2)
    assert answers(out) == undisturbed


def test_one_worker_gives_the_same_bytes(work: Path, undisturbed: dict[str, str], answers: Answers) -> None:
    run_recipe(recipe(work), work / "single", workers=1)
    assert answers(work / "single") == undisturbed


def test_a_run_repeated_runs_nothing(work: Path, undisturbed: dict[str, str], answers: Answers) -> None:
    progress = Counting()
    run_recipe(recipe(work), work / "undisturbed", workers=2, progress=progress)
    assert set(progress.todo.values()) == {0}
    assert answers(work / "undisturbed") == undisturbed


def test_a_changed_setting_repeats_only_what_depends_on_it(work: Path, answers: Answers) -> None:
    out = work / "changed"
    run_recipe(recipe(work), out, workers=2)
    progress = Counting()
    run_recipe(recipe(work, "{math: 1, problems: 1}", "{math: 3, problems: 1}"), out, workers=2, progress=progress)
    assert set(progress.todo.values()) == {0}, "other ratios need no packing"
    progress = Counting()
    run_recipe(recipe(work, "seq_len: 512", "seq_len: 256"), out, workers=2, progress=progress)
    assert {name for name, todo in progress.todo.items() if todo} == {"shards"}, "another length needs no tokenizing"
    progress = Counting()
    changed = recipe(work, "  - label\n", "  - label: {medium_max_steps: 9}\n")
    run_recipe(changed, out, workers=2, progress=progress)
    assert progress.todo["pages"] == progress.todo["pages-sketch"] == 0
    assert progress.todo["documents"] > 0
    run_recipe(changed, work / "changed-afresh", workers=2)
    assert answers(out) == answers(work / "changed-afresh"), "nothing of the earlier recipes is left"


def test_a_file_that_somebody_removed_is_made_again(work: Path, undisturbed: dict[str, str], answers: Answers) -> None:
    out = work / "undisturbed"
    victim = next((out / "documents").glob("*.parquet"))
    victim.unlink()
    progress = Counting()
    run_recipe(recipe(work), out, workers=2, progress=progress)
    assert {name: todo for name, todo in progress.todo.items() if todo} == {"documents": 1}
    assert answers(out) == undisturbed


@pytest.mark.full
def test_two_runs_on_one_folder_do_not_harm_each_other(
    work: Path, undisturbed: dict[str, str], answers: Answers
) -> None:
    out = work / "doubled"
    runs = [start(work, out), start(work, out)]
    for run in runs:
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors.decode()
    assert answers(out) == undisturbed


@pytest.mark.full
def test_another_recipe_may_not_work_in_the_same_folder_meanwhile(work: Path) -> None:
    out = work / "contested"
    run = start(work, out)
    (work / "other.yaml").write_text(RECIPE.replace("threshold: 0.5", "threshold: 0.6"))
    while not list(out.glob(".tmp/*.lock")):
        time.sleep(0.01)
        assert run.poll() is None
    command = [sys.executable, "-m", "mathmill.jobs.cli", "run", str(work / "other.yaml"), "--out", str(out)]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.wait(120) == 0
    assert other.returncode == 4
    assert "another run with a different recipe is at work" in other.stderr


def test_a_killed_worker_costs_its_tasks_only(work: Path, undisturbed: dict[str, str], answers: Answers) -> None:
    out = work / "worker-killed"
    run = start(work, out)
    deadline = time.monotonic() + 60
    victims: list[int] = []
    while not victims and time.monotonic() < deadline:
        time.sleep(0.02)
        if list(out.glob(".tmp/*/pages-0*")):
            victims = _workers_of(run.pid)
    os.kill(victims[0], signal.SIGKILL)
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors.decode()
    assert answers(out) == undisturbed


def _workers_of(driver: int) -> list[int]:
    """Processes that were forked by the driver's fork server."""
    import psutil

    children = psutil.Process(driver).children()
    return [worker.pid for server in children for worker in server.children() if worker.cmdline() == server.cmdline()]


def test_the_ledger_of_a_finished_run_is_one_file_a_segment(work: Path, undisturbed: dict[str, str]) -> None:
    out = work / "undisturbed"
    for segment in (out / "ledger").iterdir():
        assert [path.name for path in segment.iterdir()] == ["segment.json"]
    assert len(Ledger(Folder(out), "pages").entries()) == PARTS
