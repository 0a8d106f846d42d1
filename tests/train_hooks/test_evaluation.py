"""An evaluation from requests to results, against a server that answers as scripted, and figures against literals."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Call, Script, Status, Text, by_prompt, scripted

from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.core.generation import ModelConfig
from mathmill.core.storage import Folder
from mathmill.train_hooks.evaluation.benchmarks import Item
from mathmill.train_hooks.evaluation.compare import compare, mcnemar
from mathmill.train_hooks.evaluation.evaluate import Evaluation, evaluate, read_answers
from mathmill.train_hooks.evaluation.scores import Answer, average, best_pass, score, wilson
from mathmill.train_hooks.evaluation.summary import comparison_lines, result_lines, sections

ROWS = [
    {"id": "a", "question": "How much is 1 + 1?", "answer": "2", "level": 1, "stage": "elementary"},
    {"id": "b", "question": "How much is 2 + 2?", "answer": "4", "level": 1, "stage": "elementary"},
    {"id": "c", "question": "How much is 0.5 + 0.25?", "answer": "\\frac{3}{4}", "level": 2, "stage": "middle"},
    {"id": "d", "question": "Which is even?", "options": {"A": "3", "B": "8"}, "answer": "B", "level": 2},
]
RIGHT = {
    "1 + 1": "Easy: the answer is 2.",
    "2 + 2": "It is \\boxed{4}.",
    "0.5 + 0.25": "The answer is $0.75$.",
    "even": "The answer is B.",
}


def write_rows(path: Path, rows: Iterable[object]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def problems(tmp_path: Path) -> str:
    return write_rows(tmp_path / "sums.jsonl", ROWS)


def run(script: Script, out: Path, path: str, **settings: Any) -> dict[str, Any]:
    chosen = Evaluation(**{"benchmarks": (path,), "shots": (0,), "second_grader": False, **settings})
    with scripted(script) as server:
        model = ModelConfig(url=server.url, model="m", backoff_s=0.01, retries=1, timeout_s=5.0)
        return {**evaluate(model, chosen, out), "asked": server.requests, "calls": server.calls}


def only_pass(results: dict[str, Any]) -> dict[str, Any]:
    [benchmark] = results["benchmarks"]
    [scored] = benchmark["passes"]
    return dict(scored)


def test_right_answers_count_by_label(tmp_path: Path, problems: str) -> None:
    replies = {**RIGHT, "2 + 2": "So the answer is 5.", "even": "It must be the second: the answer is 8."}
    scored = only_pass(run(by_prompt(replies), tmp_path / "out", problems))
    assert (scored["items"], scored["correct"], scored["accuracy"]) == (4, 3, 0.75)
    assert {value: (g["correct"], g["items"]) for value, g in scored["groups"]["level"].items()} == {
        "1": (1, 2),
        "2": (2, 2),
    }
    assert list(scored["groups"]["school_stage"]) == ["elementary", "middle"]


def test_graded_answers_are_kept_with_their_texts(tmp_path: Path, problems: str) -> None:
    results = run(by_prompt(RIGHT), tmp_path / "out", problems)
    answers = read_answers(Folder(tmp_path / "out"), only_pass(results)["file"])
    assert [(a.item_id, a.prediction, a.golds, a.correct) for a in answers] == [
        ("a", "2", ["2"], True),
        ("b", "4", ["4"], True),
        ("c", "0.75", ["\\frac{3}{4}"], True),
        ("d", "B", ["B", "8"], True),
    ]
    assert answers[0].text == "Easy: the answer is 2."
    kept = json.loads((tmp_path / "out" / "results.json").read_text())
    assert kept == {key: value for key, value in results.items() if key not in ("asked", "calls")}


def test_answers_that_are_missing_count_as_wrong_and_are_told_apart(tmp_path: Path, problems: str) -> None:
    replies = {
        "1 + 1": Text("We add one and", finish_reason="length"),
        "2 + 2": "I do not know.",
        "0.5 + 0.25": Status(400, "refused"),
        "even": "The answer is (B).",
    }
    scored = only_pass(run(by_prompt(replies), tmp_path / "out", problems))
    assert [scored[key] for key in ("items", "correct", "truncated", "no_answer", "failed")] == [4, 1, 1, 2, 1]


def test_a_model_that_answers_nothing_ends_the_evaluation(tmp_path: Path, problems: str) -> None:
    with pytest.raises(OperationError):
        run(lambda _: Status(400, "the model is not loaded"), tmp_path / "out", problems)


def test_of_zero_shot_and_few_shot_both_are_reported_and_the_better_counts(tmp_path: Path, problems: str) -> None:
    def script(call: Call) -> str:
        question = call.prompt.rsplit("\n\n", 1)[-1]
        few = len(call.body["messages"]) > 1
        return next(reply for needle, reply in RIGHT.items() if needle in question) if few else "The answer is 2."

    results = run(script, tmp_path / "out", problems, shots=(0, 2))
    [benchmark] = results["benchmarks"]
    assert [(p["shots"], p["correct"]) for p in benchmark["passes"]] == [(0, 1), (2, 4)]
    assert benchmark["best"] == 2
    assert results["average"]["accuracy"] == 1.0
    assert [len(call.body["messages"]) for call in results["calls"]] == [1] * 4 + [5] * 4
    assert result_lines(results)[:4] == [
        "benchmark         shots       items    right   95 % interval",
        "sums              zero-shot       4    25.0%   4.6 to 69.9",
        "sums              2-shot          4   100.0%   51.0 to 100.0  *",
        "* the better pass, which counts for the average",
    ]


def test_a_finished_evaluation_asks_nothing_again(tmp_path: Path, problems: str) -> None:
    first = run(by_prompt(RIGHT), tmp_path / "out", problems)
    second = run(lambda _: Status(500), tmp_path / "out", problems)
    assert (first["asked"], second["asked"]) == (4, 0)
    assert first["benchmarks"] == second["benchmarks"]


def test_killed_and_started_again_it_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    rows = ({"id": f"{i}", "question": f"{i} + 0?", "answer": f"{i}"} for i in range(30))
    path = write_rows(tmp_path / "many.jsonl", rows)

    def script(call: Call) -> str:
        return f"The answer is {call.prompt.rsplit(' + ', 1)[0].rsplit(None, 1)[-1]}."

    with scripted(script, latency=0.05) as server:
        command = [sys.executable, "-m", "mathmill.jobs.cli", "evaluate", "m", "--endpoint", server.url, "--shots", "0"]
        command += ["--benchmarks", path, "--out", str(tmp_path / "out"), "--in-flight", "2", "--no-labels"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while server.requests < 8 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        asked = server.requests
        assert 8 <= asked < 30
        assert not (tmp_path / "out" / "results.json").exists()
        model = ModelConfig(url=server.url, model="m")
        settings = Evaluation(benchmarks=(path,), shots=(0,), second_grader=False)
        assert only_pass(evaluate(model, settings, tmp_path / "out"))["correct"] == 30
        assert len(server.asked) == 30
        assert server.requests <= 32  # two were under way when it was killed


def test_programs_are_run_and_their_answers_graded(tmp_path: Path, problems: str) -> None:
    replies = {
        "1 + 1": "```python\nanswer = 1 + 1\n```",
        "2 + 2": "```python\nanswer = 1 / 0\n```",
        "0.5 + 0.25": "```python\nfrom fractions import Fraction\nanswer = Fraction(3, 4)",
        "even": "No program is needed. The answer is B.",
    }
    results = run(by_prompt(replies), tmp_path / "out", problems, programs=True)
    answers = read_answers(Folder(tmp_path / "out"), only_pass(results)["file"])
    assert [(a.prediction, a.correct) for a in answers] == [("2", True), (None, False), ("3/4", True), ("B", True)]
    assert results["calls"][0].prompt.startswith("Write a short Python program")


def test_labels_come_from_a_function_where_the_file_has_none(tmp_path: Path, problems: str) -> None:
    def label(items: Any) -> list[dict[str, str]]:
        return [{"difficulty": "easy", "school_stage": "high"} for _ in items]

    settings = Evaluation(benchmarks=(problems,), shots=(0,), second_grader=False)
    with scripted(by_prompt(RIGHT)) as server:
        results = evaluate(ModelConfig(url=server.url, model="m"), settings, tmp_path / "out", labeller=label)
    groups = only_pass(results)["groups"]
    assert {value: group["items"] for value, group in groups["school_stage"].items()} == {
        "elementary": 2,
        "middle": 1,
        "high": 1,
    }
    assert groups["difficulty"]["easy"]["items"] == 4


def test_the_labels_of_the_curation_fit(tmp_path: Path) -> None:
    from mathmill.jobs.evaluation_labels import label_items

    items = [
        Item("a", "What is 2 + 3?", ("5",), "en", "word", {"school_stage": "elementary"}, n_steps=1),
        Item("b", "Find $x$.", ("5",), "en", "math", n_steps=9),
    ]
    labels = label_items(items)
    assert [label["difficulty"] for label in labels] == ["easy", "hard"]
    assert labels[0]["school_stage"] == "elementary"


def test_where_graders_disagree_is_written_down(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "one.jsonl", [{"id": "a", "question": "q?", "answer": "3:4"}])
    results = run(lambda _: "The answer is $\\frac{3}{4}$.", tmp_path / "out", path, second_grader=True)
    [line] = (tmp_path / "out" / "disagreements.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "benchmark": "one",
        "shots": 0,
        "item_id": "a",
        "prediction": "\\frac{3}{4}",
        "golds": ["3:4"],
        "correct": False,
        "by": "rules",
        "note": "math-verify says equal",
    }
    assert (only_pass(results)["correct"], only_pass(results)["disagreements"]) == (0, 1)


def test_too_many_examples_and_doubled_names_are_refused(tmp_path: Path, problems: str) -> None:
    model = ModelConfig(url="http://localhost:1/v1", model="m")
    with pytest.raises(ConfigError, match="--shots 9: there are 4 worked examples"):
        evaluate(model, Evaluation(benchmarks=(problems,), shots=(9,)), tmp_path / "out")
    (tmp_path / "other").mkdir()
    other = write_rows(tmp_path / "other" / "sums.jsonl", ROWS)
    with pytest.raises(ConfigError, match="the same name"):
        evaluate(model, Evaluation(benchmarks=(problems, other)), tmp_path / "out")


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe, Stat. Med. 17, 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_intervals(correct: int, total: int, low: float, high: float) -> None:
    assert wilson(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_the_better_pass_and_the_average() -> None:
    passes = [{"shots": 0, "accuracy": 0.5, "items": 4}, {"shots": 4, "accuracy": 0.5, "items": 4}]
    assert best_pass(passes)["shots"] == 0
    mean = average([{"accuracy": 0.5, "interval": [0.4, 0.6]}, {"accuracy": 0.9, "interval": [0.875, 0.92]}])
    assert mean["accuracy"] == pytest.approx(0.7)
    assert mean["interval"] == pytest.approx([0.7 - 0.0515388, 0.7 + 0.0509902], abs=1e-6)
    assert average([{"accuracy": 0.0, "interval": [0.0, 0.16]}] * 2)["interval"] == pytest.approx([0.0, 0.1131371])


def test_groups_stand_in_their_own_order() -> None:
    answers = [Answer(value, True, "1", ("1",), labels={"level": value}) for value in ("10", "2", "hard", "easy")]
    assert list(score(answers)["groups"]["level"]) == ["easy", "hard", "2", "10"]


@pytest.mark.parametrize(("won", "lost", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (12, 3, 0.03515625)])
def test_mcnemars_exact_test(won: int, lost: int, p: float) -> None:
    assert mcnemar(won, lost) == p


def test_two_evaluations_are_compared_item_by_item(tmp_path: Path) -> None:
    rows = ({"id": f"{i}", "question": f"q {i}?", "answer": "1"} for i in range(100))
    path = write_rows(tmp_path / "many.jsonl", rows)

    def knows(numbers: range) -> Callable[[Call], str]:
        return lambda call: f"The answer is {int(int(call.prompt.rsplit(' ', 1)[-1][:-1]) in numbers)}."

    run(knows(range(40)), tmp_path / "old", path)
    run(knows(range(10, 70)), tmp_path / "new", path, limit=90, max_tokens=99)
    compared = compare(tmp_path / "old", tmp_path / "new")
    zero, better = compared.differences
    new = {a.item_id for a in read_answers(Folder(tmp_path / "new"), "answers/many.0-shot.jsonl")}
    won, lost = (len(new & {f"{i}" for i in numbers}) for numbers in (range(40, 70), range(10)))
    assert (zero.items, zero.won, zero.lost, zero.shots, better.shots) == (90, won, lost, 0, None)
    assert zero.change == (won - lost) / 90
    assert zero.interval[0] < zero.change - 0.08
    assert zero.interval[1] > zero.change + 0.08
    assert zero.p_value < 0.01
    assert compared.average is not None
    assert compared.average[0] == zero.change
    assert compared.notes == ["max_tokens was 1024, now 99"]
    assert comparison_lines(compared)[0] == "change against m, in points"
    with pytest.raises(DataError, match="holds no finished evaluation"):
        compare(tmp_path, tmp_path / "new")


def test_evaluations_without_a_difference_still_have_an_interval(tmp_path: Path, problems: str) -> None:
    for name in ("old", "new"):
        run(by_prompt(RIGHT), tmp_path / name, problems)
    [difference, _] = compare(tmp_path / "old", tmp_path / "new").differences
    assert (difference.change, difference.p_value) == (0.0, 1.0)
    assert difference.interval[0] < -0.2
    assert difference.interval[1] > 0.2


def test_the_page_shows_the_same_figures_and_escapes_what_it_is_given(tmp_path: Path, problems: str) -> None:
    from mathmill.jobs.evaluation_page import evaluation_page, evaluation_section

    results = run(by_prompt({**RIGHT, "2 + 2": "5"}), tmp_path / "out", problems)
    results["model"] = "<script>alert(1)</script>"
    compared = compare(tmp_path / "out", tmp_path / "out")
    page = evaluation_page(results, compared)
    assert str(evaluation_section(results, compared)) in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "75.0 %</b>" in page
    assert 'aria-label="75.0 % right, 95 % interval 30.1 to 95.4"' in page
    assert sections(results)[0].rows[0].accuracy == 75.0


def test_a_model_in_this_process_answers_and_its_files_decide_the_style(
    tmp_path: Path, problems: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("tiny", Path(__file__).parents[1] / "core" / "test_in_process.py")
    assert spec is not None
    assert spec.loader is not None
    tiny = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny)
    monkeypatch.setattr(tiny, "CONTEXT", 512)
    settings = Evaluation(benchmarks=(problems,), shots=(0,), max_tokens=4, second_grader=False)
    for style, template in (("raw", None), ("chat", tiny.TEMPLATE)):
        model = ModelConfig(url=str(tiny.make_model(tmp_path / style, template)), batch_size=4)
        results = evaluate(model, settings, tmp_path / f"out-{style}")
        assert results["style"] == style
        assert (only_pass(results)["items"], only_pass(results)["failed"]) == (4, 0)


def test_the_command_line_evaluates_and_compares(tmp_path: Path, problems: str, mathmill: Any) -> None:
    with scripted(by_prompt(RIGHT)) as server:
        command = ["evaluate", server.url, "--model", "org/m", "--benchmarks", problems, "--shots", "0,1"]
        command += ["--no-labels", "--no-second-grader"]
        first = mathmill(*command, cwd=tmp_path)
        again = mathmill(*command, "--json", "--baseline", "evaluations/org_m", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "sums              zero-shot       4   100.0%   51.0 to 100.0  *" in first.stdout
    assert "evaluations/org_m/evaluation.html" in first.stdout
    printed = json.loads(again.stdout)
    assert printed["average"]["accuracy"] == 1.0
    assert [d["change"] for d in printed["comparison"]["differences"]] == [0.0, 0.0, 0.0]
    assert server.requests == 8


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--benchmarks", "gsm8k"], "MODEL is missing"),
        (["http://localhost:1/v1", "--benchmarks", "gsm8k"], "--model is missing"),
        (["m", "--endpoint", "localhost:1", "--benchmarks", "gsm8k"], "should begin with http"),
        (["m", "--endpoint", "http://localhost:1/v1"], "--benchmarks is missing"),
        (["none/at/all", "--benchmarks", "own.jsonl"], "there is no file own.jsonl"),
    ],
)
def test_mistakes_on_the_command_line_are_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    from click.testing import CliRunner

    from mathmill.jobs.cli_evaluate import evaluate as command

    found = CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "out")])
    assert isinstance(found.exception, ConfigError)
    assert sentence in str(found.exception)
