"""The Spark engine: the same bytes as on one machine, whatever is killed, and what a person sees in the Spark UI."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from spark_cluster import PYTHON, Cluster, options, running_cluster
from split_crawl import RECIPE, split_crawl

from mathmill.core.ledger import Ledger
from mathmill.core.storage import Folder
from mathmill.jobs.recipe import load_recipe
from mathmill.jobs.run import run_recipe

pytest.importorskip("pyspark", reason="pyspark is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark-cluster")]

Answers = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spark")
    split_crawl(folder / "crawl")
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def local(work: Path, answers: Answers) -> dict[str, str]:
    run_recipe(load_recipe(work / "recipe.yaml"), work / "one", workers=1)
    found = answers(work / "one")
    assert {name.split("/")[0] for name in found} >= {"documents", "problems", "dropped", "tokens", "shards"}
    return found


def command(work: Path, out: Path, master: str, **conf: str) -> list[str]:
    arguments = ["run", str(work / "recipe.yaml"), "--out", str(out), "--engine", "spark", "--master", master]
    return [sys.executable, "-m", "mathmill.jobs.cli", *arguments, *options(**conf)]


def test_four_local_workers_and_a_cluster_give_the_bytes_of_one_worker(
    cluster: Cluster, work: Path, local: dict[str, str], answers: Answers
) -> None:
    run_recipe(load_recipe(work / "recipe.yaml"), work / "four", workers=4)
    assert answers(work / "four") == local
    events = work / "events"
    events.mkdir()
    conf = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": str(events), "spark.eventLog.compress": "false"}
    done = subprocess.run(
        command(work, work / "cluster", cluster.master, **conf),
        capture_output=True,
        text=True,
        env={**os.environ, **PYTHON},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert answers(work / "cluster") == local
    assert "Pages: task" in done.stderr
    described = _events(events, "spark.job.description")
    assert "mathmill: Pages" in described
    entries = Ledger(Folder(work / "one"), "pages").entries().values()
    read = sum(entry.stages[0].rows_out["out"] for entry in entries)
    written, dropped = (sum(file.rows for e in entries for file in e.of_port(port)) for port in ("out", "dropped"))
    assert f"mathmill: Pages: read {read}, written {written}, dropped {dropped}, quarantined 0" in described
    assert any("mathmill-pages" in tags for tags in _events(events, "spark.job.tags"))
    assert not (work / "cluster" / "work" / "pages-bands").exists()  # Spark's own shuffle carried them


def _events(folder: Path, key: str) -> set[str]:
    """A property of all jobs of an event log, which is what the Spark UI shows."""
    log = "".join(path.read_text() for path in sorted(folder.rglob("events*")) if path.is_file())
    events = [json.loads(line) for line in log.splitlines()]
    return {e["Properties"].get(key, "") for e in events if e["Event"] == "SparkListenerJobStart"}


@pytest.mark.full
def test_killed_executors_and_workers_and_speculative_copies_change_nothing(
    cluster: Cluster, work: Path, local: dict[str, str], answers: Answers
) -> None:
    out = work / "killed"
    eager = {"interval": "50ms", "multiplier": "1.0", "quantile": "0.1", "minTaskRuntime": "50ms"}
    conf = {"spark.speculation": "true", **{f"spark.speculation.{key}": value for key, value in eager.items()}}
    run = subprocess.Popen(
        command(work, out, cluster.master, **conf), stderr=subprocess.PIPE, text=True, env={**os.environ, **PYTHON}
    )
    _wait_for_tasks(out, 2)
    cluster.executors()[0].kill()
    _wait_for_tasks(out, 5)
    cluster.kill_worker()
    cluster.add_worker()
    _, said = run.communicate(timeout=400)
    assert run.returncode == 0, said[-2000:]
    assert answers(out) == local


def _wait_for_tasks(out: Path, count: int) -> None:
    deadline = time.monotonic() + 300
    while sum(1 for _ in out.glob("ledger/*/*.json")) < count:
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.05)


@pytest.mark.full
def test_a_killed_driver_resumes_on_another_engine(work: Path, local: dict[str, str], answers: Answers) -> None:
    out = work / "resumed"
    run = subprocess.Popen(command(work, out, "local[2]"), stderr=subprocess.DEVNULL, env={**os.environ, **PYTHON})
    _wait_for_tasks(out, 3)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run_recipe(load_recipe(work / "recipe.yaml"), out, workers=2)
    assert answers(out) == local


def test_a_cluster_that_is_not_there_is_one_sentence(work: Path, mathmill: Callable[..., object]) -> None:
    arguments = ["run", work / "recipe.yaml", "--out", work / "nowhere", "--engine", "spark"]
    done = mathmill(*arguments, "--master", "spark://127.0.0.1:1", *options(), **PYTHON)
    assert done.returncode == 4
    assert "Spark does not start (spark://127.0.0.1:1)" in done.stderr.splitlines()[-1]
