"""`mathmill shards export` as a user types it, on the finished run of the example and on an S3 store."""

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from servers import Store

from mathmill.core.storage import Folder
from mathmill.jobs.export import export_shards
from mathmill.jobs.run import Finished
from mathmill.tokenize.exports.rows import Selection
from mathmill.tokenize.mixture import Mixture

pytestmark = pytest.mark.xdist_group("demo")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def out(demo: Finished) -> Path:
    return Path(demo.run.root)


def test_help_names_every_format_with_an_example(mathmill: Run) -> None:
    shown = mathmill("shards", "export", "--help").stdout
    for word in ("megatron", "arrow", "parquet", "datatrove", "messages", "verl", "Example", "starts", "--mixture"):
        assert word in shown


def test_an_export_of_the_mixture_has_its_tokens_and_says_how_to_read_it(
    mathmill: Run, out: Path, tmp_path: Path
) -> None:
    mixture = out / "shards" / "mixture.json"
    done = mathmill(
        "shards", "export", out / "shards", "--to", "megatron", "--out", tmp_path / "m", "--mixture", mixture
    )
    assert done.returncode == 0, done.stderr
    planned = Mixture.load(mixture)
    assert done.stdout.startswith(f"{planned.rows:,} rows of the mixture: ")
    assert f" {planned.total:,} tokens" in done.stdout
    assert done.stdout.endswith(f"Read it with:  --data-path {tmp_path}/m/mixture-00000\n")
    assert done.stderr.splitlines()[-1] == f"{planned.rows:,} of {planned.rows:,} rows exported"
    assert (tmp_path / "m" / "mixture-00000.bin").stat().st_size == 2 * planned.total


def test_json_is_for_machines(mathmill: Run, out: Path, tmp_path: Path) -> None:
    arguments = ("--to", "parquet", "--group", "hard", "--group", "math", "--rows", "1:4", "--column", "position_ids")
    done = mathmill("shards", "export", out / "shards", *arguments, "--out", tmp_path / "p", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == json.loads((tmp_path / "p" / "export.json").read_text())
    assert (result["first_row"], result["counts"]["rows"], result["groups"]) == (1, 3, ["hard", "math"])
    assert json.loads(done.stderr.splitlines()[-1]) == {"event": "rows", "done": 3, "total": 3}
    names = pq.read_schema(tmp_path / "p" / "data" / "train-00000-of-00001.parquet").names
    assert names[:4] == ["input_ids", "labels", "seq_lengths", "position_ids"]


def test_a_terminal_gets_a_bar(out: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mathmill.jobs.cli", "shards", "export", str(out / "shards"), "--to", "datatrove"]
    main, terminal = pty.openpty()
    done = subprocess.Popen([*command, "--out", str(tmp_path / "d")], stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(main, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(main)
    assert done.wait() == 0
    assert b"rows exported" in shown
    assert "━".encode() in shown


def test_messages_and_verl_take_the_texts_of_the_run(mathmill: Run, out: Path, tmp_path: Path) -> None:
    problems = {
        row["problem_id"]: row
        for path in (out / "problems").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    }
    done = mathmill("shards", "export", out / "shards", "--to", "messages", "--out", tmp_path / "m")
    assert done.returncode == 0, done.stderr
    assert "their texts from the run\n" in done.stdout
    for line in (tmp_path / "m" / "data" / "train-00000-of-00001.jsonl").read_text().splitlines():
        written = json.loads(line)
        problem = problems[written["record_id"]]
        user, assistant = written["messages"]
        assert user["content"] == problem["question"]
        assert assistant["content"].startswith(problem["solution"] or "")
        assert written["school_stage"] == problem["school_stage"]
    done = mathmill("shards", "export", out / "shards", "--to", "verl", "--out", tmp_path / "v", "--json")
    result = json.loads(done.stdout)
    rows = pq.read_table(tmp_path / "v" / "data").to_pylist()
    packed = {row["extra_info"]["record_id"] for row in rows}
    assert len(packed) == len(rows) == result["records_written"]
    assert all(problems[name]["answer"] for name in packed)
    assert result["left_out"]["without an answer"] + result["records_written"] == sum(
        count for name, count in _records(out).items() if name == "problems"
    )


def _records(out: Path) -> dict[str, int]:
    manifest = json.loads((out / "shards" / "manifest.json").read_text())
    return {name: counts["records"] for name, counts in manifest["counts"]["corpus"].items()}


def test_shards_away_from_their_run_need_their_tokenizer(mathmill: Run, out: Path, tmp_path: Path) -> None:
    shutil.copytree(out / "shards", tmp_path / "shards")
    export = ("shards", "export", tmp_path / "shards", "--to", "verl", "--out", tmp_path / "v")
    learned = mathmill(*export)
    assert learned.returncode == 3
    assert "nothing says where the question of" in learned.stderr  # the example learns problems whole
    shutil.rmtree(tmp_path / "shards" / "tokenizer")
    bare = mathmill(*export)
    assert bare.returncode == 2
    assert "there is no folder tokenizer/ beside its manifest" in bare.stderr
    assert len(bare.stderr.splitlines()) == 1
    assert not (tmp_path / "v").exists()


def test_mistakes_are_one_sentence(mathmill: Run, out: Path, tmp_path: Path) -> None:
    for arguments, status, sentence in (
        (("--to", "parquet", "--rows", "3"), 2, "'3' is not A:B"),
        (("--to", "parquet", "--tokens", "some"), 2, "'some' is no number of tokens"),
        (("--to", "parquet", "--mixture", "absent.json"), 3, "cannot read the mixture absent.json"),
        (("--to", "megatron", "--out", "s3://bucket/x"), 2, "export to a folder of this machine"),
    ):
        done = mathmill("shards", "export", out / "shards", "--out", "x", *arguments, cwd=tmp_path)
        assert done.returncode == status
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_shards_on_a_store_are_exported_as_local_ones(
    s3: Store, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATHMILL_CACHE", str(tmp_path / "cache"))
    run = Folder(s3.url("run"))
    for folder in ("shards", "problems"):
        for path in (out / folder).rglob("*"):
            if path.is_file():
                run.write(str(path.relative_to(out)), path.read_bytes())
    for to in ("datatrove", "parquet", "messages"):
        for where, name in ((str(out / "shards"), "local"), (s3.url("run/shards"), "remote")):
            export_shards(where, str(tmp_path / name / to), to, Selection(tokens=9000), (), as_json=True)
        here, there = (json.loads((tmp_path / name / to / "export.json").read_text()) for name in ("local", "remote"))
        assert here["files"] == there["files"]
        assert here["counts"] == there["counts"]
