"""Tutorship: a wrong attempt, its located mistake and a right ending, or a reason why not."""

from pathlib import Path
from typing import Any

import pytest
from method_runs import Ran, by_needle, problem, run_method
from pydantic import ValidationError
from scripted_server import Status, Text

from mathmill.core.spending import BudgetSpent
from mathmill.curation.synthesis.tutorship import Tutorship, TutorshipConfig

QUESTION = "A train runs 60 km in the first hour and 80 km in each of the next 2 hours. How far does it run? [{}]"
SOLUTION = "80*2=160, 160+60=220. The answer is 220."
RIGHT = "Two hours at 80 give 160 km.\nTogether 60 + 160 = 220.\n\\boxed{220}"
WRONG = "In the first hour it runs 60 km.\nThen it runs 80 km.\nTogether 60 + 80 = 140.\n\\boxed{140}"
FIXED = "In the next 2 hours it runs $2 \\times 80 = 160$ km.\nTogether $60 + 160 = 220$ km: \\boxed{220}"


def review(step: str = "Then it runs 80 km.", correction: str = FIXED, reason: str = "It runs 80 km twice.") -> str:
    verdict = f"<check> wrong <\\check>\n<step>{step}</step>\n<reason>{reason}</reason>"
    return f"{verdict}\n<correction>\n{correction}\n</correction>"


# name: the student's attempt, the teacher's review, reasons
CASES: dict[str, tuple[Any, Any, list[str]]] = {
    "blind": (WRONG, "<check>correct</check>", ["wrong_verdict"]),
    "strict": (RIGHT, review(), ["wrong_verdict"]),
    "no such step": (WRONG, review("Then it runs 90 km."), ["step_not_found"]),
    "all of it": (WRONG, review(WRONG), ["step_not_located"]),
    "wrong again": (WRONG, review(correction="Together it is $60 + 240 = 300$. \\boxed{300}"), ["wrong_answer"]),
    "no end": (WRONG, review(correction="In the next 2 hours it runs twice as far, and so on"), ["no_final_answer"]),
    "no step": (WRONG, f"<check>wrong</check><correction>{FIXED}</correction>", ["malformed"]),
    "no correction": (WRONG, "<check>wrong</check><step>Then it runs 80 km.</step>", ["malformed"]),
    "corrects the correct": (RIGHT, review().replace("wrong", "correct", 1), ["malformed"]),
    "two verdicts": (WRONG, "<check>wrong</check>" + review(), ["malformed"]),
    "other verdict": (WRONG, "<check>nearly</check>", ["malformed"]),
    "in words": (WRONG, "The student forgot one hour; it is 220 km.", ["malformed"]),
    "tag left": (WRONG, review(correction="<reason> " + FIXED), ["malformed"]),
    "teacher refuses": (WRONG, "I'm sorry, I can't judge students.", ["refusal"]),
    "teacher refuses inside": (WRONG, review(correction="I cannot go on from here."), ["refusal"]),
    "teacher is cut off": (WRONG, Text(review(), "length"), ["truncated"]),
    "student refuses": ("As an AI, I do not ride trains.", "", ["student_refusal"]),
    "student is cut off": (Text(WRONG, "length"), "", ["student_truncated"]),
    "student is silent": ("", "", ["student_empty"]),
    "student writes tags": ("<check>correct</check> \\boxed{140}", "", ["student_malformed"]),
}


@pytest.fixture(scope="module")
def ran() -> Ran:
    cases = dict(CASES)
    cases["good"] = (WRONG, review(), [])
    cases["quoted"] = (WRONG, review("“Together $60+80=140$.”", reason="").replace("<reason></reason>", ""), [])
    cases["announced"] = (WRONG, review(correction="It runs 60 + 160 km. The answer is 220."), [])
    cases["no answer given"] = ("Then it runs 80 km. I stop here", review("Then it runs 80 km."), [])
    cases["right"] = (RIGHT, "<check>correct</check>", [])
    rows = [problem(name, QUESTION.format(name), SOLUTION, "220") for name in cases]
    rows.append(problem("unknown", QUESTION.format("unknown"), None, None))
    cases["zh"] = (
        "第一小时行 60 千米。\n再行 80 千米。\n一共 $60+80=140$ 千米。",
        "<check>wrong</check><step>再行 80 千米。</step><reason>后面有两个小时。</reason>"
        "<correction>两小时行 $2\\times 80=160$ 千米，一共 $60+160=220$ 千米。\\boxed{220}</correction>",
        [],
    )
    rows.append(
        problem("zh", "火车第一小时行 60 千米，之后 2 小时每小时行 80 千米，共行多少千米？[zh]", None, "220", lang="zh")
    )
    script = by_needle(
        {name: {"student": student, "teacher": teacher} for name, (student, teacher, _) in cases.items()}
    )
    return run_method(Tutorship, rows, script, roles=("teacher", "student"), keep_correct=1.0)


def test_an_attempt_with_its_correction_becomes_a_row(ran: Ran) -> None:
    (row,) = ran.of("good")
    assert row["solution"] == (
        f"Student: {WRONG}\n\n"
        "Teacher: There is a mistake in this step: Then it runs 80 km.\n\n"
        "It runs 80 km twice.\n\n"
        f"From there, the correct way is:\n\n{FIXED}"
    )
    assert (row["question"], row["answer"]) == (QUESTION.format("good"), "220")
    assert row["lineage"] == {
        "prompt": "tutorship/teacher/en/1",
        "teacher": "teacher",
        "student": "student",
        "judge": None,
        "sample": 0,
    }


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_has_its_reason(ran: Ran, name: str) -> None:
    assert ran.reasons(name) == CASES[name][2]
    assert not ran.of(name)


def test_quotes_may_differ_in_spaces_and_dollar_signs(ran: Ran) -> None:
    (row,) = ran.of("quoted")
    assert "mistake in this step: Together $60+80=140$.\n\nFrom there" in row["solution"]


def test_the_final_answer_is_never_the_students(ran: Ran) -> None:
    (row,) = ran.of("announced")
    assert row["solution"].endswith("The answer is 220.\n\nThe correct answer is $\\boxed{220}$.")


def test_an_attempt_without_an_answer_is_wrong(ran: Ran) -> None:
    assert len(ran.of("no answer given")) == 1


def test_a_correct_attempt_is_a_row_with_praise(ran: Ran) -> None:
    (row,) = ran.of("right")
    assert row["solution"] == f"Student: {RIGHT}\n\nTeacher: This solution is correct."


def test_chinese(ran: Ran) -> None:
    (row,) = ran.of("zh")
    assert row["solution"] == (
        "学生：第一小时行 60 千米。\n再行 80 千米。\n一共 $60+80=140$ 千米。\n\n"
        "老师：这一步有错误：再行 80 千米。\n\n后面有两个小时。\n\n"
        "从这里开始，正确的做法是：\n\n两小时行 $2\\times 80=160$ 千米，一共 $60+160=220$ 千米。\\boxed{220}"
    )
    assert row["lineage"]["prompt"] == "tutorship/teacher/zh/1"


def test_a_problem_without_answer_costs_nothing(ran: Ran) -> None:
    assert ran.reasons("unknown") == ["no_answer"]
    assert not any("[unknown]" in call.prompt for call in ran.server.calls)


def test_the_teacher_sees_reference_answer_and_attempt(ran: Ran) -> None:
    (call,) = [call for call in ran.server.calls if "[good]" in call.prompt and call.body["model"] == "teacher"]
    assert all(text in call.prompt for text in (SOLUTION, "Correct final answer: 220", WRONG))


def test_several_attempts_are_reviewed_each_and_equal_ones_once() -> None:
    def teacher(call: Any) -> Any:
        if call.times == 1:
            return Status(500)
        return "<check>correct</check>" if RIGHT in call.prompt else review()

    script = by_needle({"many": {"student": [WRONG, RIGHT, WRONG, "Sorry, no."], "teacher": teacher}})
    row = problem("many", QUESTION.format("many"), SOLUTION, "220")
    ran = run_method(Tutorship, [row], script, ("teacher", "student"), attempts=4, keep_correct=1.0)
    assert [row["lineage"]["sample"] for row in ran.made] == [0, 1]
    assert ran.reasons("many") == ["same_attempt", "student_refusal"]


def test_the_share_of_correct_attempts_is_kept_by_a_hash() -> None:
    rows = [problem(f"p{i}", QUESTION.format(f"p{i}"), SOLUTION, "220") for i in range(200)]
    replies = {f"p{i}": {"student": RIGHT, "teacher": "<check>correct</check>"} for i in range(200)}
    runs = [run_method(Tutorship, rows, by_needle(replies), ("teacher", "student"), keep_correct=0.3) for _ in range(2)]
    kept = [[row["parent_id"] for row in ran.made] for ran in runs]
    assert kept[0] == kept[1]
    assert 40 <= len(kept[0]) <= 80
    assert runs[0].facts["rejected:correct_not_kept"] == 200 - len(kept[0])


def test_teacher_and_student_share_the_budget(tmp_path: Path) -> None:
    script = by_needle({"b": {"student": Text(WRONG, prompt_tokens=1000, completion_tokens=1000), "teacher": review()}})
    rows = [problem("b", QUESTION.format("b"), SOLUTION, "220")]
    roles = ("teacher", "student")
    model = {"max_tokens": 1000}
    with pytest.raises(BudgetSpent, match="2,000 of 2,500 tokens"):
        run_method(Tutorship, rows, script, roles, tmp_path / "cache", model, budget={"max_tokens": 2500})
    assert len(run_method(Tutorship, rows, script, roles, tmp_path / "cache", model).made) == 1


def test_markers_can_be_changed() -> None:
    markers = {"en": {"student": "", "wrong": "Wait: {step}", "reason": "({reason})", "correction": "So:"}}
    script = by_needle({"m": {"student": WRONG, "teacher": review()}})
    row = problem("m", QUESTION.format("m"), SOLUTION, "220")
    ran = run_method(Tutorship, [row], script, ("teacher", "student"), markers=markers)
    assert (
        ran.made[0]["solution"] == f"{WRONG}\n\nWait: Then it runs 80 km.\n\n(It runs 80 km twice.)\n\nSo:\n\n{FIXED}"
    )
    with pytest.raises(ValidationError, match=r"wrong may hold \{step\} in braces"):
        TutorshipConfig.model_validate({"markers": {"en": {"wrong": "{place}"}}})
