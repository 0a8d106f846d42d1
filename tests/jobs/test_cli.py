"""The command line as a user types it, on the finished run of the example."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mathmill.jobs.run import Finished

pytestmark = pytest.mark.xdist_group("demo")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def out(demo: Finished) -> Path:
    return Path(demo.run.root)


def test_init_writes_a_recipe_that_plan_and_run_take(mathmill: Run, tmp_path: Path) -> None:
    written = mathmill("init", "mine.yaml", cwd=tmp_path)
    assert written.returncode == 0
    assert "mathmill plan mine.yaml && mathmill run mine.yaml" in written.stdout
    again = mathmill("init", "mine.yaml", cwd=tmp_path)
    assert again.returncode == 2
    assert again.stderr == "mathmill: mine.yaml is there already; --force replaces it\n"
    planned = mathmill("plan", "mine.yaml", "--json", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    estimate = json.loads(planned.stdout)
    assert estimate["tasks"] == 1
    assert estimate["bytes"] > 400_000
    assert 100 < estimate["documents"] < 300
    assert 40_000 < estimate["tokens"] < 200_000
    assert estimate["minutes"] > 0


def test_plan_speaks_to_people_too(mathmill: Run, tmp_path: Path) -> None:
    mathmill("init", "mine.yaml", cwd=tmp_path)
    lines = mathmill("plan", "mine.yaml", cwd=tmp_path).stdout.splitlines()
    assert lines[0].split() == ["source", "files", "MB", "tasks", "documents", "problems", "tokens"]
    assert lines[1].startswith("example-crawl")
    assert "minutes with" in lines[2]


def test_info_shows_the_manifest(mathmill: Run, out: Path) -> None:
    shown = mathmill("shards", "info", out / "shards", "--json")
    manifest = json.loads(shown.stdout)
    assert manifest == json.loads((out / "shards/manifest.json").read_text())
    assert list(manifest["groups"]) == ["hard", "problems", "math"]
    people = mathmill("shards", "info", out / "shards").stdout
    assert "problems[difficulty=hard]" in people


def test_verify_proves_whole_shards_and_finds_a_flipped_byte(mathmill: Run, out: Path, tmp_path: Path) -> None:
    good = mathmill("shards", "verify", out / "shards")
    assert good.returncode == 0, good.stdout
    assert "FAILED" not in good.stdout
    assert "records decode to their text" in good.stdout
    copy = tmp_path / "shards"
    for path in (out / "shards").rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(out / "shards")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    victim = next(copy.glob("math-*.bin"))
    data = bytearray(victim.read_bytes())
    data[1000] ^= 1
    victim.write_bytes(data)
    bad = mathmill("shards", "verify", copy)
    assert bad.returncode == 1
    assert "FAILED" in bad.stdout
    assert victim.name in bad.stdout


def test_show_prints_a_row_with_its_text(mathmill: Run, out: Path) -> None:
    shown = mathmill("shards", "show", out / "shards", "--group", "hard").stdout
    assert "--- problems" in shown
    assert "difficulty hard" in shown
    assert "$" in shown
    missing = mathmill("shards", "show", out / "shards", "--row", "100000")
    assert missing.returncode == 2
    assert "row 100000 is not there" in missing.stderr


def test_repack_changes_the_length_without_tokenizing(mathmill: Run, out: Path, tmp_path: Path) -> None:
    asked = ("--seq-len", "2048", "--packing", "first-fit-decreasing")
    packed = mathmill("shards", "repack", out / "shards", "--out", tmp_path / "long", *asked)
    assert packed.returncode == 0, packed.stderr
    assert "rows of 2,048 tokens" in packed.stdout
    assert mathmill("shards", "verify", tmp_path / "long").returncode == 0
    old, new = (json.loads((path / "manifest.json").read_text()) for path in (out / "shards", tmp_path / "long"))
    assert new["tokens"] == old["tokens"]
    assert (old["packing"], new["packing"]) == ("best-fit-decreasing", "first-fit-decreasing")
    assert new["cuts"]["records_cut"] < old["cuts"]["records_cut"]


def test_repack_says_how_much_no_group_selects(mathmill: Run, out: Path, tmp_path: Path) -> None:
    asked = ("shards", "repack", out / "shards", "--group", "hard=problems[difficulty=hard]", "--out")
    packed = mathmill(*asked, tmp_path / "hard")
    assert packed.returncode == 0, packed.stderr
    old, new = (json.loads((path / "manifest.json").read_text()) for path in (out / "shards", tmp_path / "hard"))
    records, tokens = old["cuts"]["records"] - new["cuts"]["records"], old["tokens"] - new["tokens"]
    assert records > 0
    assert packed.stdout.splitlines()[-1] == f"in no group, left out: {records:,} records, {tokens:,} tokens"
    found = json.loads(mathmill(*asked, tmp_path / "json", "--json").stdout)
    assert (found["left_out"]["records"], found["left_out"]["tokens"]) == (records, tokens)
    assert found["digest"] == new["digest"]
    twice = mathmill(*asked, tmp_path / "twice", "--group", "hard=documents")
    assert twice.returncode == 2
    assert "--group names 'hard' twice" in twice.stderr
    assert not (tmp_path / "twice").exists()


def test_verify_says_that_text_cannot_be_proved_without_the_tokenizer(mathmill: Run, out: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(out / "shards", tmp_path / "shards")
    shutil.rmtree(copy / "tokenizer")
    found = mathmill("shards", "verify", copy)
    assert found.returncode == 0, found.stdout
    assert "not run text          the tokenizer is not beside the shards" in found.stdout.splitlines()
    assert max(map(len, found.stdout.splitlines())) <= 100


def test_trace_follows_a_record_to_its_row(mathmill: Run, out: Path) -> None:
    problem = pq.read_table(next((out / "problems").glob("*.parquet"))).to_pylist()[0]
    traced = json.loads(mathmill("trace", problem["problem_id"], out, "--json").stdout)
    folders = [place["file"].split("/")[0] for place in traced["places"]]
    assert {"problems", "tokens", "shards"} <= set(folders)
    nowhere = mathmill("trace", "0" * 32, out)
    assert nowhere.returncode == 3
    assert "no record" in nowhere.stderr


def test_verify_finds_what_was_changed_in_a_run(mathmill: Run, tmp_path: Path, demo: Finished) -> None:
    copy = tmp_path / "run"
    subprocess.run(["cp", "-r", demo.run.root, str(copy)], check=True)
    assert mathmill("verify", copy).returncode == 0
    victim = next((copy / "documents").glob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"X")
    found = mathmill("verify", copy)
    assert found.returncode == 1
    assert f"documents/{victim.name}: its content is not what was written" in found.stdout


def test_doctor_names_what_the_machine_has(mathmill: Run) -> None:
    checks = json.loads(mathmill("doctor", "--json").stdout)
    states = {check["name"]: check["state"] for check in checks}
    assert states["python"] == states["pyarrow"] == "ok"
    assert "temporary space" in states
    assert set(states.values()) <= {"ok", "note", "broken"}


def test_every_command_explains_itself_with_an_example(mathmill: Run) -> None:
    top = mathmill("--help").stdout
    for command in ("init", "plan", "run", "demo", "verify", "trace", "doctor", "shards"):
        assert command in top
        assert "xample" in mathmill(command, "--help").stdout or command == "shards"


def test_a_wrong_argument_is_one_sentence(mathmill: Run) -> None:
    wrong = mathmill("run", "recipe.yaml", "--worker", "3")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
    assert "--worker" in wrong.stderr


def test_settings_of_a_cluster_without_an_engine_are_a_mistake(mathmill: Run, tmp_path: Path) -> None:
    done = mathmill("init", tmp_path / "r.yaml")
    done = mathmill("run", tmp_path / "r.yaml", "--out", tmp_path / "out", "--master", "spark://somewhere:7077")
    assert done.returncode == 2
    assert "--master says nothing to the local engine; name another one with --engine" in done.stderr
