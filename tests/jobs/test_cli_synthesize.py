"""`mathmill synthesize`: what it writes and says, what it costs, and that stopping it costs nothing."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.json as pj
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from scripted_server import Call, Later, ScriptedServer, Status, scripted

from mathmill.core.errors import ConfigError
from mathmill.core.request_cache import RequestCache
from mathmill.core.spending import BudgetSpent
from mathmill.jobs import synthesize
from mathmill.jobs.cli import cli
from mathmill.jobs.estimate import estimate
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.registry import stage_names
from mathmill.jobs.run import run_recipe

pytestmark = pytest.mark.skipif(
    "tutorship" not in stage_names(), reason="the stages are not registered: install mathmill again (pip install -e .)"
)


def mathmill(*arguments: str | Path) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def write_problems(path: Path, count: int) -> Path:
    rows = [
        {
            "question": f"A box holds {i + 2} rows of 7 pens. How many pens are in it? [{i}]",
            "solution": f"{i + 2}*7={(i + 2) * 7}. The answer is {(i + 2) * 7}.",
            "answer": str((i + 2) * 7),
        }
        for i in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def number_of(call: Call) -> int:
    return int(call.prompt.split("[")[1].split("]")[0])


def tutor(call: Call) -> Any:
    """The student gets every third problem right; the teacher blunders on every fourth of the others."""
    i = number_of(call)
    right = (i + 2) * 7
    if call.body["model"] == "student":
        return (
            f"Row by row.\n7 + {i + 2} = {right if i % 3 == 0 else 9 + i}.\n\\boxed{{{right if i % 3 == 0 else 9 + i}}}"
        )
    if i % 3 == 0:
        return "<check>correct</check>"
    mended = right if i % 4 else right + 1
    step = f"<step>7 + {i + 2} = {9 + i}.</step>"
    return f"<check>wrong</check>{step}<correction>$7 \\times {i + 2} = {mended}$ \\boxed{{{mended}}}</correction>"


def options(server: ScriptedServer, problems: Path, out: Path, *further: str) -> list[str]:
    roles = [
        "--teacher",
        server.url,
        "--teacher-model",
        "teacher",
        "--student",
        server.url,
        "--student-model",
        "student",
    ]
    return ["synthesize", "tutorship", "--input", str(problems), "--out", str(out), *roles, *further]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted(tutor) as running:
        yield running
        assert not running.errors


def test_a_run_writes_problems_reasons_and_a_table(server: ScriptedServer, tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "pens.jsonl", 12)
    prices = ["--set", "teacher.usd_per_million_input=1000000", "--set", "teacher.usd_per_million_output=0"]
    further = [*prices, "--license", "CC0-1.0", "--lang", "en", "--set", "keep_correct=0"]
    done = mathmill(*options(server, problems, tmp_path / "out", *further))
    assert done.exit_code == 0, done.exception
    table = {line[:34].strip(): line[34:].split() for line in done.stdout.splitlines() if line[:1].isalpha()}
    assert {
        key: table[key] for key in ("problems", "made", "rejected: correct_not_kept", "rejected: wrong_answer")
    } == {
        "problems": ["12"],
        "made": ["6"],
        "rejected: correct_not_kept": ["4"],
        "rejected: wrong_answer": ["2"],
    }
    assert table["tutorship/student"][0] == table["tutorship/teacher"][0] == "12"
    words = sum(len(call.prompt.split()) for call in server.calls if call.body["model"] == "teacher")
    assert table["tutorship/teacher"][1] == f"{words:,}"
    assert table["tutorship/teacher"][3] == f"{words:,}.00"
    rows = pq.read_table(tmp_path / "out" / "problems").to_pylist()
    assert [(row["method"], row["source"], row["license"], row["lang"]) for row in rows] == [
        ("tutorship", "pens", "CC0-1.0", "en")
    ] * 6
    assert [row["answer"] for row in rows] == ["21", "28", "49", "63", "84", "91"]
    assert (tmp_path / "out" / "report.html").exists()
    reasons = pq.read_table(tmp_path / "out" / "dropped").column("reason").to_pylist()
    assert sorted(reasons) == ["correct_not_kept"] * 4 + ["wrong_answer"] * 2
    again = mathmill(*options(server, problems, tmp_path / "out", *further, "--json"))
    assert json.loads(again.stdout)["made"] == 6
    assert server.requests == 24


def test_a_first_part_of_a_folder_of_parquet_files_is_taken(server: ScriptedServer, tmp_path: Path) -> None:
    write_problems(tmp_path / "all.jsonl", 9)
    whole = pj.read_json(tmp_path / "all.jsonl")
    (tmp_path / "parts").mkdir()
    for i in range(3):
        pq.write_table(whole.slice(3 * i, 3), tmp_path / "parts" / f"{i}.parquet")
    limited = options(server, tmp_path / "parts", tmp_path / "out", "--limit", "4", "--keep-originals", "--json")
    done = json.loads(mathmill(*limited).stdout)
    assert (done["problems"], server.requests) == (4, 8)
    rows = pq.read_table(tmp_path / "out" / "problems").to_pylist()
    assert [row["question"][-3:] for row in rows if row["method"] == "source"] == ["[0]", "[1]", "[2]", "[3]"]
    whole_run = options(server, tmp_path / "parts", tmp_path / "all", "--cache", str(tmp_path / "out" / "model-cache"))
    assert mathmill(*whole_run).exit_code == 0
    assert server.requests == 18  # what the first part has asked is not asked again


def test_a_dry_run_and_a_plan_ask_nothing(server: ScriptedServer, tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "pens.jsonl", 12)
    further = ["--dry-run", "--set", "student.usd_per_million_output=1000000", "--answer-tokens", "100"]
    done = mathmill(*options(server, problems, tmp_path / "out", *further, "--json"))
    first, later = json.loads(done.stdout)["prices"]
    assert (first["role"], first["requests"], first["completion_tokens"], first["usd"]) == ("student", 12, 1200, 1200.0)
    assert (later["role"], later["requests"], later["is_later"]) == ("teacher", 12, True)
    assert "tutorship/student" in mathmill(*options(server, problems, tmp_path / "out", *further)).stdout
    assert not (tmp_path / "out").exists()
    role = f"{{url: '{server.url}', model: m, usd_per_million_output: 1000000}}"
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"sources: [{{name: pens, kind: problems, path: {problems}}}]\n"
        f"problems: [label, tutorship: {{teacher: {role}, student: {role}}}, dedup]\n"
    )
    planned = estimate(parse_recipe(recipe.read_bytes(), recipe), workers=1)
    assert [(price.role, price.requests, price.usd) for price in planned.sources[0].prices] == [
        ("student", 12, 12 * 512),
        ("teacher", 12, 12 * 512),
    ]
    assert f"About {2 * 12 * 512:,.2f} US dollars for models" in "\n".join(planned.lines())
    assert json.dumps(planned.to_json())
    assert server.requests == 0


def test_wrong_options_are_one_sentence(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "pens.jsonl", 1)
    start = ["synthesize", "tutorship", "--input", problems, "--out", tmp_path / "out"]
    teacher = ["--teacher", "http://127.0.0.1:9/v1", "--teacher-model", "m"]
    cases = {
        "tutorship needs a model: give --teacher URL and --teacher-model NAME": start,
        "--teacher-model is missing: the name under which http://127.0.0.1:9/v1 knows the model": [
            *start,
            *teacher[:2],
        ],
        "--set attempts: 0 is below 1": [*start, *teacher, "--set", "attempts=0"],
        "--budget-usd needs prices": [*start, *teacher, "--budget-usd", "1"],
        "is none; name one with --cache": [*start[:-1], "memory://out", *teacher],
    }
    for sentence, arguments in cases.items():
        done = mathmill(*arguments)
        assert isinstance(done.exception, ConfigError)
        assert sentence in str(done.exception)


def test_a_budget_stops_the_run_and_more_goes_on(server: ScriptedServer, tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "pens.jsonl", 6)
    short = ["--set", "teacher.max_tokens=60", "--set", "student.max_tokens=60", "--set", "student.max_in_flight=1"]
    done = mathmill(*options(server, problems, tmp_path / "out", *short, "--budget-tokens", "400"))
    assert isinstance(done.exception, BudgetSpent)
    before = server.requests
    assert 0 < before < 12
    done = mathmill(*options(server, problems, tmp_path / "out", *short, "--budget-tokens", "100000", "--json"))
    assert json.loads(done.stdout)["problems"] == 6
    assert server.requests == 12


@pytest.mark.slow
def test_killed_three_times_it_pays_nothing_twice_and_ends_in_the_same_bytes(
    tmp_path: Path, answers: Callable[[Path], dict[str, str]]
) -> None:
    problems = write_problems(tmp_path / "pens.jsonl", 40)
    in_flight = ["--set", "teacher.max_in_flight=3", "--set", "student.max_in_flight=3"]

    def storm(call: Call) -> Any:
        """Slow enough to be killed on the way; every fifth request meets a busy or broken server first."""
        if call.times == 1 and number_of(call) % 5 == 0:
            return Status(429 if number_of(call) % 2 else 503, headers={"Retry-After": "0"})
        return Later(tutor(call), 0.01)

    with scripted(storm) as server:
        command = options(server, problems, tmp_path / "killed", *in_flight)
        moments = random.Random(8)
        for kill in range(1, 4):
            process = subprocess.Popen(
                [sys.executable, "-m", "mathmill.jobs.cli", *command],
                stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            goal = 24 * kill + moments.randrange(-8, 8)
            while sum(server.answered.values()) < goal and process.poll() is None:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            while server.in_flight:
                time.sleep(0.002)
            cache = RequestCache(tmp_path / "killed" / "model-cache")
            assert len(cache) >= sum(server.answered.values()) - 3 * kill  # all but what was on its way
            cache.close()
        done = mathmill(*command, "--json")
        assert done.exit_code == 0, done.exception
        spent = json.loads(done.stdout)["spent"]
        assert [spent[f"tutorship/{role}"]["calls"] for role in ("student", "teacher")] == [40, 40]
        assert len(server.answered) == 80
        assert sum(server.answered.values()) <= 80 + 3 * 3  # again only what a kill had in flight
        before = server.requests
        assert mathmill(*options(server, problems, tmp_path / "whole", *in_flight)).exit_code == 0
        assert server.requests > before
        assert not server.errors
    assert answers(tmp_path / "killed") == answers(tmp_path / "whole")
    assert pq.read_table(tmp_path / "killed" / "problems").num_rows > 20


PENS = "A box holds 3 rows of 7 pens and there are 5 boxes on the shelf. How many pens are there in total? [{}]"
LEAKED = "Seventeen teams of eleven players each meet for a tournament that lasts nine days; count all of the players."
FRESH = "A tournament has 187 players in teams of eleven. How many teams are there in it altogether? Explain."


def test_synthetic_problems_are_deduplicated_and_decontaminated(tmp_path: Path) -> None:
    (tmp_path / "problems.jsonl").write_text(
        "".join(json.dumps({"question": PENS.format(i), "answer": "105", "id": i}) + "\n" for i in ("one", "two"))
    )
    (tmp_path / "benchmark.jsonl").write_text(json.dumps({"id": "b1", "question": LEAKED, "answer": "187"}) + "\n")
    pair = "<question{0}>{1}</question{0}><solution{0}>{2}</solution{0}><check{0}>accept: fine</check{0}>"
    new = pair.format(1, LEAKED, "$17 \\times 11 = 187$. \\boxed{187}")
    new += pair.format(2, FRESH, "Dividing the players by the size of a team gives $187 \\div 11 = 17$. \\boxed{17}")

    def script(call: Call) -> Any:
        if "[one]" in call.prompt or "[two]" in call.prompt:
            return f"<statement>There are 105 pens.</statement>{new}"
        return "\\boxed{187}" if LEAKED in call.prompt else "\\boxed{17}"

    with scripted(script) as server:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(
            f"sources: [{{name: pens, kind: problems, path: {tmp_path / 'problems.jsonl'}}}]\n"
            "problems:\n"
            f"  - query_expansion: {{teacher: {{url: '{server.url}', model: m}}, cache: cache}}\n"
            "  - dedup\n"
            "  - decontaminate: {benchmarks: [benchmark.jsonl]}\n"
        )
        finished = run_recipe(parse_recipe(recipe.read_bytes(), recipe), tmp_path / "out")
        assert server.requests == 4  # the two prompts for problems, and each new question once
    assert finished.summary.problems.num_rows == 2  # the originals differ in a word alone
    rows = pq.read_table(tmp_path / "out" / "problems").to_pylist()
    assert [row["question"] for row in rows if row["method"] == "query_expansion"] == [FRESH]
    dropped = pq.read_table(tmp_path / "out" / "dropped").to_pylist()
    gone = {(row["stage"], row["reason"]) for row in dropped}
    assert {("dedup", "duplicate_exact"), ("decontaminate", "contaminated")} <= gone


def test_what_a_run_has_made_is_a_source_for_the_next(server: ScriptedServer, tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "pens.jsonl", 3)
    assert mathmill(*options(server, problems, tmp_path / "one")).exit_code == 0
    made = pq.read_table(tmp_path / "one" / "problems").to_pylist()
    labels = ["--fields", "method=method", "--fields", "loss_weight=loss_weight", "--fields", "parent_id=parent_id"]
    further = [*labels, "--keep-originals", "--json"]
    done = mathmill(*options(server, tmp_path / "one" / "problems", tmp_path / "two", *further))
    assert json.loads(done.stdout)["problems"] == len(made) == 2
    parents = {row["parent_id"] for row in made}
    rows = [row for row in pq.read_table(tmp_path / "two" / "problems").to_pylist() if row["parent_id"] in parents]
    assert {row["source"] for row in rows} == {"one"}
    columns = ("question", "solution", "answer", "method", "loss_weight", "parent_id")
    assert [[row[name] for name in columns] for row in rows] == [[row[name] for name in columns] for row in made]


def test_methods_that_are_not_installed_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesize, "stage_names", dict)
    with pytest.raises(ConfigError, match="the stage tutorship is not registered here"):
        synthesize.method_class("tutorship")


def test_the_teachers_model_plays_the_roles_that_nobody_is_named_for() -> None:
    config: dict[str, Any] = {"teacher": {"url": "u", "model": "m"}, "student": {"temperature": 1.0}}
    assert synthesize.lend_roles("tutorship", config) == ["student"]
    assert config["student"] == {"url": "u", "model": "m", "temperature": 1.0}
    assert synthesize.lend_roles("tutorship", config) == []
    with pytest.raises(ConfigError, match="tutorship needs a model: give --teacher URL"):
        synthesize.lend_roles("tutorship", {"student": {"url": "u"}})
