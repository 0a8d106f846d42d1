"""Damaged problems restored by a model that answers as scripted."""

from pathlib import Path
from typing import Any

import pytest
from scripted_server import Call, ScriptedServer, Status, Text, by_prompt, scripted

from mathmill.core.schemas import PROBLEM, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT, QUARANTINE_PORT, StageContext
from mathmill.curation.problems.repair import Repair, RepairConfig

WHOLE = {"question": "What is $2+2$?", "solution": "$2+2=4$.\nThe answer is 4.", "answer": "4"}
TORN_SOLUTION = {
    "question": "Tom has 3 bags of 4 apples. How many apples does he have?",
    "solution": "Each bag holds 4 apples, and therefore he has the",
    "answer": "12",
}
TORN_QUESTION = {
    "question": "Solve $x^2-5x+6=0$ for the larger root, and then subtract 1 from the",
    "solution": "The roots are 2 and 3.\nThe larger one is 3, and $3-1=2$.",
    "answer": "2",
}
TORN_CHINESE = {
    "question": "小明有 3 袋苹果，每袋 4 个，一共有多少个苹果？",
    "solution": "每袋苹果有 4 个，一共有 3 袋，把它们加在一起，所以",
    "answer": "12",
    "lang": "zh",
}
NO_ANSWER = {
    "question": "How many sides do 3 triangles have together?",
    "solution": "A triangle has 3 sides, so the sides are $3\\cdot 3=9$ in number.",
    "answer": None,
}
PROOF = {
    "question": "Prove that $\\sqrt2$ is irrational.",
    "solution": "Suppose that it is a fraction in lowest terms, so that the",
    "answer": None,
}


def reply(question: str, solution: str, answer: str, verdict: str = "repaired") -> str:
    return (
        f"<verdict>{verdict}</verdict>\n<question>{question}</question>\n"
        f"<solution>{solution}</solution>\n<answer>{answer}</answer>"
    )


GOOD = "Each bag holds 4 apples.\nThere are 3 bags, so he has $3\\cdot 4=12$ apples.\nThe answer is $\\boxed{12}$."
REPAIRED = reply(TORN_SOLUTION["question"], GOOD, "12")


def row(number: int, problem: dict[str, Any]) -> dict[str, Any]:
    origin = {"doc_id": "d", "source": "s", "locator": {"file": "f", "record": number, "offset": 0}, "lang": "en"}
    empty = {"question_formulas": [], "solution_formulas": [], "steps": [], "n_steps": 1}
    return {"problem_id": f"p{number}", **origin, **empty, "method": "extracted", "loss_weight": 1.0, **problem}


class Outcome:
    """What a stage gave, by port, and what it counted."""

    def __init__(self, script: Any, problems: list[dict[str, Any]], folder: Path, **options: Any) -> None:
        self.ports: dict[str, list[dict[str, Any]]] = {OUT: [], DROPPED_PORT: [], QUARANTINE_PORT: []}
        with scripted(script) as server:
            self.server: ScriptedServer = server
            teacher = {"url": server.url, "model": "m", "retries": 1, "backoff_s": 0.01}
            stage = Repair(RepairConfig(**{"teacher": teacher, "cache": str(folder / "cache"), **options}))
            batch = to_batch([row(number, problem) for number, problem in enumerate(problems)], PROBLEM)
            assert stage.output_schemas(PROBLEM) == {OUT: PROBLEM}
            stage.open(StageContext(scratch=folder))
            try:
                for port, rows in stage.process(iter([batch])):
                    self.ports[port] += rows.to_pylist()
            finally:
                stage.close()
            self.facts = stage.facts
        self.out = self.ports[OUT]


def test_a_torn_solution_is_completed_with_its_lineage(tmp_path: Path) -> None:
    outcome = Outcome(lambda call: REPAIRED, [WHOLE, TORN_SOLUTION], tmp_path)
    whole, repaired = outcome.out
    assert whole["problem_id"] == "p0"
    assert whole["method"] == "extracted"
    assert repaired["question"] == TORN_SOLUTION["question"]
    assert repaired["solution"] == GOOD
    assert repaired["answer"] == "12"
    assert (repaired["method"], repaired["parent_id"], repaired["doc_id"]) == ("repaired", "p1", "d")
    assert repaired["problem_id"] not in ("p0", "p1")
    assert repaired["lineage"]["prompt"] == "repair/teacher/en/1"
    assert repaired["lineage"]["teacher"] == "m"
    assert repaired["n_steps"] == 3
    assert [repaired["solution"][f["start"] : f["end"]] for f in repaired["solution_formulas"]] == [
        "$3\\cdot 4=12$",
        "$\\boxed{12}$",
    ]
    assert outcome.server.requests == 1  # the whole problem costs nothing
    assert "the solution breaks off" in outcome.server.calls[0].prompt
    assert outcome.facts["repaired"] == 1


def test_a_chinese_problem_is_asked_about_in_chinese(tmp_path: Path) -> None:
    text = reply(TORN_CHINESE["question"], "每袋 4 个，共 3 袋。\n$3\\times 4=12$。\n答案是 $\\boxed{12}$。", "12")
    outcome = Outcome(lambda call: text, [TORN_CHINESE], tmp_path)
    assert "解答中断" in outcome.server.calls[0].prompt
    assert outcome.out[0]["method"] == "repaired"
    assert outcome.out[0]["lineage"]["prompt"] == "repair/teacher/zh/1"


def test_a_question_may_change_only_where_it_breaks_off(tmp_path: Path) -> None:
    whole = "Solve $x^2 - 5x + 6 = 0$ for the larger root, and then subtract 1 from the root. What is left?"
    solution = "The roots are 2 and 3.\nThe larger one is 3, and $3-1=2$.\nThe answer is $\\boxed{2}$."
    outcome = Outcome(
        by_prompt({"larger root": reply(whole, solution, "2"), "3 bags": reply("Something else?", GOOD, "12")}),
        [TORN_QUESTION, TORN_SOLUTION],
        tmp_path,
    )
    assert [problem["question"] for problem in outcome.out] == [whole, TORN_SOLUTION["question"]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Sorry, I cannot help with that.", "malformed"),
        (REPAIRED.replace("</solution>", ""), "malformed"),
        (REPAIRED + "<answer>13</answer>", "malformed"),
        ("<verdict>perhaps</verdict>", "malformed"),
        (Text(REPAIRED[:-5], "length"), "cut_off"),
        ("<verdict>impossible</verdict>", "refused"),
        (reply("q", GOOD.replace("12", "13"), "13"), "answer_changed"),
        (reply("q", GOOD.replace("{12}", "{13}"), "12"), "answer_not_reached"),
        (reply("q", "He has some.", "12"), "answer_not_reached"),
        (reply("q", "The answer is $\\boxed{12}$, and it is the", "12"), "still_incomplete"),
    ],
)
def test_what_cannot_be_believed_is_dropped_or_kept_with_its_reason(text: Any, reason: str, tmp_path: Path) -> None:
    kept = Outcome(lambda call: text, [TORN_SOLUTION, WHOLE], tmp_path / "kept")
    assert [problem["problem_id"] for problem in kept.out] == ["p0", "p1"]
    assert kept.out[0]["method"] == "extracted"
    assert kept.facts[f"unrepaired:{reason}"] == 1
    dropped = Outcome(lambda call: text, [TORN_SOLUTION, WHOLE], tmp_path / "dropped", keep_originals=False)
    assert [problem["problem_id"] for problem in dropped.out] == ["p1"]
    assert [(drop["id"], drop["reason"]) for drop in dropped.ports[DROPPED_PORT]] == [("p0", reason)]


@pytest.mark.parametrize(
    "question",
    [
        "Solve $x^2-5x+7=0$ for the larger root, and then subtract 1 from the root.",  # another formula
        "Solve the equation for the larger root, and then subtract 1 from the root.",  # none
        "Solve $x^2-5x+6=0$ for the larger root, and then subtract 2 from the root.",  # another number
    ],
)
def test_a_question_that_loses_a_formula_or_number_is_refused(question: str, tmp_path: Path) -> None:
    text = reply(question, TORN_QUESTION["solution"] + "\nThe answer is $\\boxed{2}$.", "2")
    outcome = Outcome(lambda call: text, [TORN_QUESTION], tmp_path)
    assert outcome.facts == {"unrepaired:formula_lost": 1, "made": 0}
    assert outcome.out[0]["question"] == TORN_QUESTION["question"]


def test_a_number_that_breaks_off_may_be_completed(tmp_path: Path) -> None:
    torn = {"question": "Find $x+1$ if $x=3$, and add \\begin{align} 1", "solution": "It is 4+15 = 19.", "answer": "19"}
    whole = "Find $x+1$ if $x=3$, and add 15 to it."
    text = reply(whole, "$3+1=4$\n$4+15=19$\nThe answer is $\\boxed{19}$.", "19")
    assert Outcome(lambda call: text, [torn], tmp_path).out[0]["question"] == whole


def test_without_a_known_answer_samples_must_agree(tmp_path: Path) -> None:
    texts = [reply("q", f"So it is ${a}$.\nThe answer is $\\boxed{{{a}}}$.", a) for a in ("8", "9", "9.0")]
    outcome = Outcome(lambda call: texts, [NO_ANSWER], tmp_path)
    assert outcome.server.calls[0].n == 3
    (repaired,) = outcome.out
    assert repaired["answer"] == "9"
    assert repaired["solution"] == NO_ANSWER["solution"]  # it was whole
    assert repaired["lineage"]["sample"] == 1


def test_samples_that_differ_repair_nothing(tmp_path: Path) -> None:
    problem = NO_ANSWER | {"solution": "A triangle has 3 sides, and so the"}
    texts = [reply("q", f"So it is ${a}$.\nThe answer is $\\boxed{{{a}}}$.", a) for a in ("8", "9", "10")]
    outcome = Outcome(lambda call: texts, [problem], tmp_path, keep_originals=False)
    assert [(drop["reason"], drop["detail"]) for drop in outcome.ports[DROPPED_PORT]] == [("no_agreement", "8; 9; 10")]


def test_proofs_and_lost_figures_cost_nothing(tmp_path: Path) -> None:
    figure = TORN_SOLUTION | {"question": "What is the area of the triangle shown in the figure?"}
    outcome = Outcome(lambda call: REPAIRED, [PROOF, figure], tmp_path)
    assert outcome.server.requests == 0
    assert [problem["problem_id"] for problem in outcome.out] == ["p0", "p1"]
    assert outcome.facts["unrepaired:unverifiable"] == 1


def test_a_request_that_fails_sends_its_problem_alone_to_quarantine(tmp_path: Path) -> None:
    def script(call: Call) -> Any:
        return Status(500, "out of memory") if "3 bags" in call.prompt else texts

    texts = reply("q", "So it is $9$.\nThe answer is $\\boxed{9}$.", "9")
    outcome = Outcome(script, [TORN_SOLUTION, NO_ANSWER, WHOLE], tmp_path)
    assert [problem["parent_id"] for problem in outcome.out] == ["p1", None]
    (failed,) = outcome.ports[QUARANTINE_PORT]
    assert failed["id"] == "p0"
    assert "HTTP 500: out of memory (tried 2 times)" in failed["error"]


def test_a_second_run_asks_for_nothing_again(tmp_path: Path) -> None:
    first = Outcome(lambda call: REPAIRED, [TORN_SOLUTION], tmp_path)
    second = Outcome(lambda call: Status(500), [TORN_SOLUTION], tmp_path)
    assert second.server.requests == 0
    assert second.out == first.out


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match="4 of 3 samples cannot agree"):
        RepairConfig(agree=4)
    with pytest.raises(ValueError, match="missing_figure cannot be repaired"):
        RepairConfig(complaints=("missing_figure",))
