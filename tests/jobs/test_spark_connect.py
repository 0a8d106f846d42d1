"""Spark Connect, and executors that have nothing but Python: the same bytes as on one machine."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from spark_cluster import PYTHON, free_port, options, running_cluster

from mathmill.jobs.recipe import load_recipe
from mathmill.jobs.run import run_recipe

pytest.importorskip("pyspark", reason="pyspark is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark-frames")]

RECIPE = """\
name: small
sources: [{name: crawl, path: "mathmill:demo/crawl.warc.gz", kind: pages}]
stages: [extract, language, dedup]
tokenize: {tokenizer: "mathmill:demo/tokenizer.json"}
shards: {seq_len: 512, groups: {math: documents}}
"""

Answers = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("connect")
    (folder / "recipe.yaml").write_text(RECIPE)
    run_recipe(load_recipe(folder / "recipe.yaml"), folder / "local")
    return folder


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    import pyspark

    home, port = Path(pyspark.__file__).parent, free_port()
    conf = {"spark.connect.grpc.binding.port": str(port), "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    command = [str(home / "bin" / "spark-submit"), "--master", "local[2]"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    command += [part for key, value in conf.items() for part in ("--conf", f"{key}={value}")]
    environment = {**os.environ, **PYTHON, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    with (folder / "connect.log").open("wb") as log:
        server = subprocess.Popen([*command, "spark-internal"], env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the Spark Connect server does not start"
                time.sleep(0.2)
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.mark.full
def test_spark_connect_gives_the_same_bytes(work: Path, answers: Answers, mathmill: Callable[..., object]) -> None:
    with connect_server(work) as master:
        arguments = ["run", work / "recipe.yaml", "--out", work / "connect", "--engine", "spark", "--master", master]
        done = mathmill(*arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    assert answers(work / "connect") == answers(work / "local")


@pytest.mark.full
def test_an_environment_archive_brings_executors_everything(work: Path, mathmill: Callable[..., object]) -> None:
    """Executors start the launcher of the archive; their own Python has no package, and no path leads to ours."""
    archive = work / "environment.tar.gz"
    packed = mathmill("pack-environment", archive, "--untried")
    assert packed.returncode == 0, packed.stderr
    with running_cluster(work) as cluster:
        done = subprocess.run(
            [sys.executable, "-c", DOCTOR, cluster.master, str(archive), str(work / "shared"), *options()],
            capture_output=True,
            text=True,
            env={key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYSPARK_PYTHON")},
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    said = [detail for state, _, detail in lines if state == "ok"]
    assert "the same versions as here" in said
    assert f"can write {work / 'shared'}" in said


DOCTOR = """
import sys
from mathmill.jobs.cli import main
master, archive, out, *conf = sys.argv[1:]
sys.argv[1:] = ["doctor", "--engine", "spark", "--master", master, "--environment", archive, "--out", out, *conf]
main()
"""


def test_without_a_fitting_python_the_launcher_says_what_is_missing(tmp_path: Path) -> None:
    from mathmill.jobs.environment import LAUNCHER

    launcher = tmp_path / "bin" / "python"
    launcher.parent.mkdir()
    launcher.write_text(LAUNCHER.replace("/usr", str(tmp_path)))
    done = subprocess.run(["/bin/sh", launcher], capture_output=True, text=True, env={"PATH": "/nowhere"}, check=False)
    assert done.returncode == 127
    assert "mathmill's environment needs Python 3." in done.stderr


def test_versions_that_differ_are_named() -> None:
    from mathmill.jobs.versions import differences

    here = {"python": "3.11.7", "pyarrow": "26.0.0", "numba": None}
    assert differences(here, {"python": "3.11.9", "pyarrow": "26.0.0", "numba": None}) == []
    there = {"python": "3.12.1", "pyarrow": "25.0.0"}
    assert differences(here, there) == ["python 3.11.7 here, 3.12.1 there", "pyarrow 26.0.0 here, 25.0.0 there"]


def test_files_of_stages_travel_through_the_run_folder(tmp_path: Path) -> None:
    from mathmill.core.storage import Folder
    from mathmill.jobs.plan import Chain, make_segment
    from mathmill.jobs.registry import stage_spec
    from mathmill.jobs.ship import ship, unpack

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "benchmark.jsonl").write_text('{"question": "What is 2 + 3 in all the world?"}\n')
    config = {"benchmarks": [str(tmp_path / "mine" / "benchmark.jsonl")]}
    spec = stage_spec("mathmill.curation.decontaminate:Decontaminate", config)
    segment = make_segment("pages", "Pages", [("all", Chain(stages=(spec,)), [])], {})
    run = Folder(tmp_path / "out")
    shipped = ship(run, segment)
    (path,) = shipped.chains["all"].stages[0].files()
    assert path.startswith("run:")
    (tmp_path / "mine" / "benchmark.jsonl").unlink()
    unpacked = unpack(run, shipped).chains["all"].stages[0]
    (found,) = unpacked.files()
    assert Path(found).read_text() == '{"question": "What is 2 + 3 in all the world?"}\n'
    unpacked.load()
    assert unpacked.identity == spec.identity
