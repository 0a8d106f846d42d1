"""Whole runs on an S3 store give the bytes of a local run, over a good network and over a bad one.

What a user sets is what AWS's own tools read: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a store that is not
Amazon's, AWS_ENDPOINT_URL (see `servers.environment`).
"""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import SECRET_KEY, Store, environment, proxied, use_endpoint

from mathmill.core import faults
from mathmill.core.errors import ConfigError, OperationError
from mathmill.core.storage import Folder
from mathmill.jobs import lock
from mathmill.jobs.check import verify_run
from mathmill.jobs.engine import Unwatched
from mathmill.jobs.example import demo_recipe
from mathmill.jobs.plan import Segment
from mathmill.jobs.recipe import Recipe, parse_recipe
from mathmill.jobs.run import Finished, run_recipe
from mathmill.jobs.shards import info_lines, load_info, repack, show_lines, verify
from mathmill.jobs.trace import trace_record

pytestmark = pytest.mark.xdist_group("s3")

Digests = Callable[[str], dict[str, str]]

RECIPE = """\
name: s3
sources:
  - {name: crawl, path: INPUT/crawl, kind: pages, license: CC0-1.0}
  - {name: lines, path: INPUT/lines, kind: documents}
  - {name: tables, path: "INPUT/tables/*.parquet", kind: documents}
stages:
  - extract
  - dedup
  - decontaminate: {benchmarks: [INPUT/benchmark.jsonl]}
problems: [extract_problems, label]
tokenize: {tokenizer: INPUT/tokenizer.json}
shards:
  seq_len: 256
  groups: {problems: problems, math: documents}
task_bytes: 65536
"""


class Counting(Unwatched):
    """Counts the tasks that a run really runs."""

    todo = 0

    def begin(self, segment: Segment, todo: int) -> None:
        self.todo += todo


@pytest.fixture(scope="module")
def local_input(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages as WARC, documents as JSON lines and Parquet, a benchmark and a tokenizer, made from the example."""
    folder = tmp_path_factory.mktemp("input")
    demo = resources.files("mathmill.jobs").joinpath("demo")
    data = demo.joinpath("crawl.warc.gz").read_bytes()
    pages = [json.loads(line) for line in demo.joinpath("truth.jsonl").read_text().splitlines()]
    members = [
        data[page["offset"] : after["offset"]]
        for page, after in pairwise(pages[:61])
        if page["outcome"] != "quarantined"
    ]
    for name in ("crawl", "lines", "tables"):
        (folder / name).mkdir()
    for part in range(2):
        (folder / "crawl" / f"{part}.warc.gz").write_bytes(b"".join(members[part::2]))
    texts = [
        {"text": f"Problem {i}. Solve $x^2 - {i}x = 0$. Solution. The roots are $0$ and ${i}$." * 3} for i in range(60)
    ]
    lines = "".join(json.dumps(text) + "\n" for text in texts[:30])
    (folder / "lines" / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "lines" / "b.jsonl").write_text(lines.replace("Problem", "Exercise"))
    pq.write_table(pa.Table.from_pylist(texts[30:]), folder / "tables" / "a.parquet", row_group_size=10)
    for name in ("benchmark.jsonl", "tokenizer.json"):
        (folder / name).write_bytes(demo.joinpath(name).read_bytes())
    return folder


def recipe_at(place: str | Path) -> Recipe:
    return parse_recipe(RECIPE.replace("INPUT", str(place)).encode(), Path("recipe.yaml"))


@pytest.fixture(scope="module")
def undisturbed(local_input: Path, tmp_path_factory: pytest.TempPathFactory, digests_at: Digests) -> dict[str, str]:
    out = tmp_path_factory.mktemp("undisturbed")
    run_recipe(recipe_at(local_input), out)
    found = without_names(digests_at(str(out)))
    assert len(found) > 15
    return found


def without_names(found: dict[str, str]) -> dict[str, str]:
    """All but the files that name the recipe as it is written, with the paths in it."""
    return {name: digest for name, digest in found.items() if name != "shards/manifest.json"}


@pytest.fixture
def remote_input(s3: Store, local_input: Path) -> str:
    folder = Folder(s3.url("input"))
    for path in sorted(local_input.rglob("*")):
        if path.is_file():
            folder.write(str(path.relative_to(local_input)), path.read_bytes())
    return s3.url("input")


@pytest.fixture
def recipe_file(local_input: Path, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace("INPUT", str(local_input)))
    return path


def start(recipe_file: Path, out: str, workers: int = 1) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "mathmill.jobs.cli", "run", str(recipe_file), "--out", out]
    command += ["--workers", str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_the_example_on_s3_is_that_on_a_disk_and_every_command_works_there(
    s3: Store, demo: Finished, digests_at: Digests, mathmill: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    out = s3.url("run")
    result = mathmill("demo", "--out", out, "--workers", 2)
    assert result.returncode == 0, result.stderr
    assert digests_at(out) == digests_at(str(demo.run))
    progress = Counting()
    run_recipe(demo_recipe(), out, progress=progress)
    assert progress.todo == 0
    assert verify_run(out).ok
    doc_id = demo.summary.kept_samples[0]["doc_id"]
    assert trace_record(doc_id, out).to_json() == trace_record(doc_id, demo.run.root).to_json()
    shards = f"{out}/shards"
    local_shards = f"{demo.run}/shards"
    assert info_lines(load_info(shards)) == info_lines(load_info(local_shards))
    assert show_lines(shards, 3, "math") == show_lines(local_shards, 3, "math")
    assert verify(shards).ok
    with pytest.raises(ConfigError, match="pack into a folder of this machine and copy that"):
        repack(shards, s3.url("packed"), 1024, None)
    run = Folder(out)
    everything = b"".join(run.fs.cat_file(path) for path in run.fs.find(run.root))
    assert SECRET_KEY.encode() not in everything + (result.stdout + result.stderr).encode()
    assert (run / ".leases").names() == [], "the lease is gone with its run"


def test_sources_benchmarks_and_tokenizer_may_lie_on_s3(
    s3: Store, remote_input: str, undisturbed: dict[str, str], digests_at: Digests
) -> None:
    run_recipe(recipe_at(remote_input), s3.url("run"))
    assert without_names(digests_at(s3.url("run"))) == undisturbed
    progress = Counting()
    run_recipe(recipe_at(remote_input), s3.url("run"), progress=progress)
    assert progress.todo == 0
    Folder(remote_input).write("lines/b.jsonl", b'{"text": "The derivative of $x^2$ is $2x$."}\n')
    run_recipe(recipe_at(remote_input), s3.url("run"), progress=progress)
    assert progress.todo > 0, "another content is another input"


@pytest.mark.full
@pytest.mark.timeout(200)
def test_a_run_over_a_bad_network_gives_the_same_bytes(
    s3: Store,
    remote_input: str,
    undisturbed: dict[str, str],
    digests_at: Digests,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = ("503", "reset", "cut", "short", "lost")

    def fault(number: int, verb: str, path: str) -> str | None:
        if number % 97 == 0:
            return "stall"
        return kinds[number // 5 % len(kinds)] if number % 5 == 0 else None

    with proxied(s3.endpoint, fault, stall_seconds=1.5) as proxy:
        use_endpoint(monkeypatch, proxy.endpoint, read_timeout=1, connect_timeout=1)
        run_recipe(recipe_at(remote_input), s3.url("run"))
        assert {name for name, _, _ in proxy.faults} == {*kinds, "stall"}
    use_endpoint(monkeypatch, s3.endpoint)
    assert without_names(digests_at(s3.url("run"))) == undisturbed
    assert verify_run(s3.url("run")).ok


def test_a_store_that_goes_down_ends_the_run_with_one_sentence_and_the_next_one_goes_on(
    s3: Store,
    local_input: Path,
    undisturbed: dict[str, str],
    digests_at: Digests,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faults, "PATIENCE", 1.0)
    with proxied(s3.endpoint, lambda number, verb, path: "reset" if number > 60 else None) as proxy:
        use_endpoint(monkeypatch, proxy.endpoint, read_timeout=1, connect_timeout=1)
        with pytest.raises(OperationError, match="run again when the store answers, finished tasks are kept"):
            run_recipe(recipe_at(local_input), s3.url("run"))
    use_endpoint(monkeypatch, s3.endpoint)
    first, second = Counting(), Counting()
    run_recipe(recipe_at(local_input), s3.url("run"), progress=first)
    run_recipe(recipe_at(local_input), s3.url("afresh"), progress=second)
    assert first.todo < second.todo
    assert without_names(digests_at(s3.url("run"))) == undisturbed


@pytest.mark.full
def test_two_runs_of_a_recipe_at_once_and_a_killed_one_give_the_same_bytes(
    s3: Store, recipe_file: Path, local_input: Path, undisturbed: dict[str, str], digests_at: Digests
) -> None:
    out = s3.url("run")
    killed = start(recipe_file, out)
    deadline = time.monotonic() + 60
    while not Folder(f"{out}/ledger/pages").names() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    runs = [start(recipe_file, out), start(recipe_file, out)]
    for run in runs:
        output, _ = run.communicate(timeout=120)
        assert run.returncode == 0, output
    assert without_names(digests_at(out)) == undisturbed
    assert verify_run(out).ok


@pytest.fixture
def quick_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_BEAT", 0.2)
    monkeypatch.setattr(lock, "_LAPSE", 1.0)


@pytest.mark.usefixtures("quick_leases")
def test_another_recipe_may_not_work_in_the_same_folder_on_s3(s3: Store) -> None:
    run = Folder(s3.url("run"))
    with lock.working_in(run, "a" * 32):
        with lock.working_in(run, "a" * 32):
            pass
        other = lock.working_in(run, "b" * 32)
        with pytest.raises(OperationError, match="another run with a different recipe is at work"):
            other.__enter__()
    with lock.working_in(run, "b" * 32):
        assert [name[:33] for name in (run / ".leases").names()] == ["b" * 32 + "."]


@pytest.mark.usefixtures("quick_leases")
def test_the_lease_of_a_run_that_was_killed_lapses(s3: Store) -> None:
    run = Folder(s3.url("run"))
    (run / ".leases").write(f"{'a' * 32}.{'0' * 32}", b"7")
    with lock.working_in(run, "b" * 32):
        assert [name[:33] for name in (run / ".leases").names()] == ["b" * 32 + "."]
    assert (run / ".leases").names() == []


@pytest.mark.full
def test_a_full_scratch_disk_is_one_sentence_and_the_run_goes_on_once_there_is_space(
    s3: Store,
    recipe_file: Path,
    mount: Callable[[str], Path],
    undisturbed: dict[str, str],
    digests_at: Digests,
    mathmill: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    scratch = mount("size=24k")
    result = mathmill("run", recipe_file, "--out", s3.url("run"), "--workers", 1, TMPDIR=str(scratch))
    assert result.returncode == 4
    assert "the disk is full; free some space and run again, finished tasks are kept" in result.stderr
    assert [path for path in scratch.rglob("*") if path.is_file()] == [], "scratch files are gone"
    result = mathmill("run", recipe_file, "--out", s3.url("run"), "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert without_names(digests_at(s3.url("run"))) == undisturbed


SECRET_URLS = [
    "s3://key:hunter2@bucket/run",
    "https://user:hunter2@host.example/data.jsonl",
    "https://host.example/data.jsonl?X-Amz-Signature=hunter2",
    "https://host.example/data.jsonl?a=1&sig=hunter2",
    "abfs://container/data?access_key=hunter2",
]


@pytest.mark.parametrize("url", SECRET_URLS)
def test_a_url_with_a_secret_is_refused_without_showing_it(url: str) -> None:
    text = f'name: x\nsources: [{{name: crawl, path: "{url}", kind: pages}}]\nstages: [extract]\n'.encode()
    for make in (lambda: Folder(url), lambda: parse_recipe(text, Path("recipe.yaml"))):
        with pytest.raises(ConfigError, match="carries a password, key or signature") as error:
            make()
        assert "hunter2" not in str(error.value)


def test_the_command_line_shows_no_secret(
    tmp_path: Path, mathmill: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    result = mathmill(
        "demo", "--out", SECRET_URLS[0], "--workers", 1, cwd=tmp_path, **environment("http://127.0.0.1:9")
    )
    assert result.returncode == 2
    assert "hunter2" not in result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []
