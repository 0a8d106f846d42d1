"""Critique: samples of a judge are averaged into a score and a weight, or the problem is refused with a reason."""

from pathlib import Path
from typing import Any

import pytest
from method_runs import Ran, by_needle, problem, run_method
from pydantic import ValidationError
from scripted_server import Status, Text

from mathmill.classifiers.critique import train_critique
from mathmill.classifiers.critique_data import read_critique_data
from mathmill.classifiers.critique_linear import LinearCriticConfig, fit_linear
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import PROBLEM, to_batch
from mathmill.core.stage import StageContext
from mathmill.curation.synthesis.critique import CritiqueConfig, CritiqueStage

QUESTION = "Three boxes hold 4 pens each. How many pens are there? [{}]"
SOLUTION = "3*4=12. The answer is 12."


def said(question: Any = 10, solution: Any = 10, verdict: str = "correct", reason: str = "All steps hold.") -> str:
    return (
        f"<instruction_reason>Clear and complete.</instruction_reason>\n<instruction_score>{question}"
        f"</instruction_score>\n<solution_reason>{reason}</solution_reason>\n<solution_score> {solution} "
        f"</solution_score>\n<verdict> {verdict} </verdict>"
    )


GOOD = said()

# name: the judge's three samples, reasons
REFUSED: dict[str, tuple[Any, list[str]]] = {
    "low": ([said(1, 1, "wrong"), said(1, 6), said(1, 6)], ["low_score"]),
    "called wrong": ([said(9, 2, "wrong"), said(9, 3, "wrong"), GOOD], ["called_wrong"]),
    "missing tag": (GOOD.replace("<verdict> correct </verdict>", ""), ["malformed"]),
    "double tag": (GOOD + "<verdict>wrong</verdict>", ["malformed"]),
    "open tag": (GOOD.replace("</solution_reason>", ""), ["malformed"]),
    "out of order": ("<verdict>correct</verdict>" + GOOD.replace("<verdict> correct </verdict>", ""), ["malformed"]),
    "copies the form": (said(verdict="correct or wrong"), ["malformed"]),
    "copies the scale": (said("1 to 10"), ["malformed"]),
    "above the scale": (said(11), ["malformed"]),
    "below the scale": (said(solution=0, verdict="wrong"), ["malformed"]),
    "other scale": (said("4/5"), ["malformed"]),
    "no number": (said("ten"), ["malformed"]),
    "negative": (said("-3"), ["malformed"]),
    "words alone": ("It is a good problem, 9 of 10.", ["malformed"]),
    "high but wrong": (said(9, 9, "wrong"), ["inconsistent"]),
    "low but correct": (said(9, 2, "correct"), ["inconsistent"]),
    "refuses": ("I'm sorry, I can't judge this.", ["refusal"]),
    "cut off": (Text(GOOD, "length"), ["truncated"]),
    "one of three": ([GOOD, "no", "no"], ["malformed"]),
}


@pytest.fixture(scope="module")
def ran() -> Ran:
    replies: dict[str, Any] = {name: reply for name, (reply, _) in REFUSED.items()}
    replies["best"] = GOOD
    replies["mixed"] = [said(10, 10), said("8/10", "6.4"), said(7, 5.5)]
    replies["middle"] = [said(6, 5), said(6, 5), said(6, 5)]
    replies["two of three"] = [said(verdict="nearly"), said(10, 10), said(1, 10)]
    rows = [problem(name, QUESTION.format(name), SOLUTION, "12") for name in replies]
    replies["bare"] = "<instruction_reason>Fine.</instruction_reason><instruction_score>8</instruction_score>"
    rows.append(problem("bare", QUESTION.format("bare"), None, "12"))
    replies["zh"] = (
        "<instruction_reason>题意清楚。</instruction_reason><instruction_score>10分</instruction_score>"
        "<solution_reason>计算正确。</solution_reason><solution_score>7</solution_score><verdict>正确</verdict>"
    )
    rows.append(problem("zh", "三个盒子各有四支笔，共多少支？[zh]", "3×4=12，答案是 12。", "12", lang="zh"))
    rows.append(problem("else", QUESTION.format("else"), "3+4=7. The answer is 7.", "12"))
    rows.append(problem("option", QUESTION.format("option"), SOLUTION, "B"))
    replies["option"] = said(1, 10)
    rows.append(problem("unstated", QUESTION.format("unstated"), "4 and 4 and 4 pens, in boxes 1 to 3", "12"))
    replies["unstated"] = said(1, 10)
    replies["weighty"] = said(1, 10)
    lineage = {"prompt": "tutorship/teacher/en/1", "teacher": "big", "student": "small", "judge": None, "sample": 2}
    rows.append(problem("weighty", QUESTION.format("weighty"), SOLUTION, "12", loss_weight=3.0, lineage=lineage))
    replies["storm"] = lambda call: Status(429 if call.times == 1 else 500) if call.times < 3 else GOOD
    rows.append(problem("storm", QUESTION.format("storm"), SOLUTION, "12"))
    return run_method(CritiqueStage, rows, by_needle(replies), ("judge",))


def scored(ran: Ran, name: str) -> dict[str, Any]:
    (row,) = [row for row in ran.originals if row["problem_id"] == name]
    return row


@pytest.mark.parametrize(
    ("name", "score", "weight"),
    [
        ("best", 1.0, 1.0),
        ("mixed", 0.7 * (9 + 5.4 + 4.5) / 27 + 0.3 * (9 + 7 + 6) / 27, 2 - (0.7 * 0.7 + 0.3 * 22 / 27 - 0.3) / 0.5),
        ("middle", 0.7 * 4 / 9 + 0.3 * 5 / 9, None),
        ("two of three", 0.85, 1.0),
        ("bare", 7 / 9, None),
        ("option", 0.7, 1.2),
        ("unstated", 0.7, 1.2),
        ("zh", 0.7 * 6 / 9 + 0.3, None),
        ("weighty", 0.7, 3 * 1.2),
        ("storm", 1.0, 1.0),
    ],
)
def test_samples_are_averaged_into_a_score_and_a_weight(
    ran: Ran, name: str, score: float, weight: float | None
) -> None:
    if name == "middle":  # 5 of 1 to 10 is below the middle: the verdict contradicts it
        assert ran.reasons(name) == ["inconsistent"]
        return
    row = scored(ran, name)
    assert row["critique_score"] == pytest.approx(score, abs=1e-6)
    if weight is not None:
        assert row["loss_weight"] == pytest.approx(weight, abs=1e-6)
    assert (row["method"], row["parent_id"]) == ("source", None)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_has_its_reason(ran: Ran, name: str) -> None:
    assert ran.reasons(name) == REFUSED[name][1]
    assert not [row for row in ran.originals if row["problem_id"] == name]


def test_the_judges_reasons_are_kept_with_what_is_dropped(ran: Ran) -> None:
    ((_, detail),) = ran.rejected["called wrong"]
    assert detail == "solution 0.44: All steps hold. | question 0.93: Clear and complete."


def test_a_wrong_final_answer_costs_nothing(ran: Ran) -> None:
    assert ran.rejected["else"] == [("wrong_answer", "7 is not 12")]
    assert not any("[else]" in call.prompt for call in ran.server.calls)


def test_lineage_names_the_judge_and_keeps_what_it_was(ran: Ran) -> None:
    assert scored(ran, "best")["lineage"] == {
        "prompt": "critique/judge/en/1",
        "teacher": None,
        "student": None,
        "judge": "judge",
        "sample": None,
    }
    assert scored(ran, "weighty")["lineage"]["prompt"] == "tutorship/teacher/en/1"
    assert scored(ran, "weighty")["lineage"]["judge"] == "judge"


def test_the_prompt_asks_for_what_there_is(ran: Ran) -> None:
    prompts = {
        name: next(call.prompt for call in ran.server.calls if f"[{name}]" in call.prompt) for name in ("bare", "zh")
    }
    assert "<solution_score>" not in prompts["bare"]
    assert "Known final answer: 12" in prompts["bare"]
    assert "已知的最终答案：12" in prompts["zh"]


def test_faults_of_samples_are_counted(ran: Ran) -> None:
    assert ran.facts["samples:inconsistent"] == 9
    assert ran.facts["score 0.8-1.0"] == 3


def test_thresholds_of_the_parts_and_other_weights() -> None:
    replies = {"q": said(4, 10), "s": said(10, 6), "kept": said(8, 8)}
    rows = [problem(name, QUESTION.format(name), SOLUTION, "12") for name in replies]
    ran = run_method(
        CritiqueStage,
        rows,
        by_needle(replies),
        ("judge",),
        drop_question_below=0.5,
        drop_solution_below=0.6,
        weights={0.5: 0.5, 1.0: 1.0},
        solution_share=0.5,
    )
    assert (ran.reasons("q"), ran.reasons("s")) == (["low_question_score"], ["low_solution_score"])
    assert scored(ran, "kept")["loss_weight"] == pytest.approx(0.5 + 0.5 * (7 / 9 - 0.5) / 0.5)


def test_originals_that_are_refused_can_go_on_as_they_came() -> None:
    rows = [problem("odd", QUESTION.format("odd"), SOLUTION, "12")]
    ran = run_method(CritiqueStage, rows, by_needle({"odd": "I cannot."}), ("judge",), keep_originals=True)
    assert (scored(ran, "odd")["critique_score"], scored(ran, "odd")["loss_weight"]) == (None, 1.0)
    assert ran.reasons("odd") == ["refusal"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"samples": 2, "at_least": 3}, "at_least is 3, but there are only 2 samples"),
        ({"low": 5, "high": 5}, "the scale ends at 5"),
        ({"weights": {0.1: 1.0, 0.5: 2.0, 0.9: 1.0}}, "weights must fall with the score all the way"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        CritiqueConfig.model_validate(settings)


def test_weights_are_monotone_and_constant_beyond_their_ends() -> None:
    config = CritiqueConfig()
    assert [config.weight(score) for score in (0.0, 0.3, 0.55, 0.8, 1.0)] == pytest.approx([2, 2, 1.5, 1, 1])
    assert CritiqueConfig(weights={}).weight(0.1) == 1.0


def test_a_trained_model_takes_the_judges_place(tmp_path: Path) -> None:
    questions = [f"What is {n} times {n + 2}?" for n in range(3, 43)]
    records = [
        {
            "question": question,
            "chosen": f"{n} * {n + 2} = {n * (n + 2)}\nThe answer is {n * (n + 2)}.",
            "rejected": f"{n} * {n + 2} = {n * (n + 2) + 5}\nThe answer is {n * (n + 2) + 5}.",
        }
        for n, question in enumerate(questions, 3)
    ]
    model = train_critique(
        read_critique_data(records), lambda data: fit_linear(data, LinearCriticConfig()), "tiny", 0.3
    )
    model.save(tmp_path / "critic")
    rows = [
        problem("right", "What is 50 times 52?", "50 * 52 = 2600\nThe answer is 2600.", None),
        problem("wrong", "What is 50 times 52?", "50 * 52 = 2605\nThe answer is 2605.", None),
        problem("bare", "What is 50 times 52?", None, None),
    ]
    stage = CritiqueStage(CritiqueConfig(model=str(tmp_path / "critic"), cache=None))
    assert not stage.asks_models
    stage.open(StageContext(scratch=tmp_path))
    out: dict[str, list[dict[str, Any]]] = {"out": [], "dropped": []}
    batch = to_batch(rows, PROBLEM)
    for port, part in stage.process(iter([batch.slice(0, 2), batch.slice(2)])):
        out[port] += part.to_pylist()
    stage.close()
    (row,) = out["out"]
    assert (row["problem_id"], row["lineage"]["judge"]) == ("right", "model:critic")
    assert row["critique_score"] > 0.8
    assert [(row["id"], row["reason"]) for row in out["dropped"]] == [("wrong", "low_score"), ("bare", "no_solution")]


def test_a_judge_and_a_model_or_none_of_both_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="critique needs a model as judge"):
        CritiqueStage(CritiqueConfig())
    both = CritiqueConfig.model_validate({"model": str(tmp_path), "judge": {"url": "http://x/v1", "model": "m"}})
    with pytest.raises(ConfigError, match="both a judge and a model"):
        CritiqueStage(both)
    with pytest.raises(ConfigError, match=r"card\.json is missing"):
        CritiqueStage(CritiqueConfig(model=str(tmp_path), cache=None)).open(StageContext(scratch=tmp_path))
