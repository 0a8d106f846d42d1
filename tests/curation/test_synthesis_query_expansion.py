"""Query expansion: new questions are kept only where something independent agrees with their answers."""

from typing import Any

import pytest
from method_runs import Ran, by_needle, problem, run_method
from pydantic import ValidationError
from scripted_server import Status, Text

from mathmill.core.errors import ConfigError
from mathmill.curation.synthesis.query_expansion import QueryExpansion, QueryExpansionConfig

EGGS = "A farm sells 12 eggs a day at 2 dollars each. How much does it earn in a day? [{}]"
SOLUTION = "$12 \\times 2 = 24$. The answer is 24."
STATEMENT = "A farm that sells 12 eggs a day at 2 dollars each earns 24 dollars a day."
WEEK = "Over one week a farm sold 84 eggs and took in 168 dollars. What was the price of a single egg? [{}-1]"
WEEK_SOLUTION = "Dividing the money by the eggs gives $168 \\div 84 = 2$. \\boxed{2}"
CARTONS = "If cartons hold six and every day a dozen is collected, find the cartons filled within 5 days. [{}-2]"
CARTONS_SOLUTION = "There are $12 \\times 5 = 60$ eggs, so $60 \\div 6 = 10$ cartons. \\boxed{10}"


def expansion(name: str, check1: str = "accept: clear", check2: str = "accept: it has one answer", **parts: str) -> str:
    part = {
        "statement": STATEMENT,
        "question1": WEEK.format(name),
        "solution1": WEEK_SOLUTION,
        "check1": check1,
        "question2": CARTONS.format(name),
        "solution2": CARTONS_SOLUTION,
        "check2": check2,
    }
    return "\n".join(f"<{tag}>\n{text}\n</{tag}>" for tag, text in (part | parts).items())


TWO = ["Each costs 168/84, \\boxed{2}", "So the price is 2. The answer is 2.", "I think \\boxed{3}"]
TEN = ["\\boxed{10}", "\\boxed{10}", "\\boxed{10}"]
FIRST_WRONG = {"solution1": "We subtract: $168 - 84 = 84$. \\boxed{84}"}

# name: the teacher's reply, what samples answer to the two new questions, reasons
CASES: dict[str, tuple[Any, Any, Any, list[str]]] = {
    "disagree": (expansion("disagree", **FIRST_WRONG), TWO, TEN, ["disagreement"]),
    "one of three": (expansion("one of three"), ["\\boxed{2}", "\\boxed{4}", "\\boxed{5}"], TEN, ["disagreement"]),
    "samples refuse": (expansion("samples refuse"), "I cannot solve that.", TEN, ["disagreement"]),
    "samples cut off": (expansion("samples cut off"), Text("\\boxed{2}", "length"), TEN, ["disagreement"]),
    "self-check": (expansion("self-check", check2="Refuse. It is unclear."), TWO, TEN, ["self_check_refused"]),
    "odd check": (expansion("odd check", check2="it is fine"), TWO, TEN, ["malformed"]),
    "not new": (expansion("not new", question1=EGGS.format("not new")), TWO, TEN, ["not_novel"]),
    "other numbers": (expansion("other numbers", question1=EGGS.format("other numbers").replace("12", "15")),
                      TWO, TEN, ["not_novel"]),
    "twice": (expansion("twice", question2=WEEK.format("twice") + " Explain."), TWO, TEN, ["not_novel"]),
    "no answer": (expansion("no answer", solution1="Divide."), TWO, TEN, ["no_final_answer"]),
    "refuses one": (expansion("refuses one", solution1="Sorry, I am not able to."), TWO, TEN, ["refusal"]),
    "refusal": ("I'm unable to create problems.", TWO, TEN, ["refusal"]),
    "cut off": (Text(expansion("cut off"), "length"), TWO, TEN, ["truncated"]),
    "asks": (expansion("asks", statement="How much is it?"), TWO, TEN, ["malformed"]),
    "no statement": (expansion("no statement").partition("</statement>")[2], TWO, TEN, ["malformed"]),
    "one pair": (expansion("one pair").partition("<question2>")[0], TWO, TEN, ["malformed"]),
    "doubled": (expansion("doubled") + "<check2>accept</check2>", TWO, TEN, ["malformed"]),
    "tag left": (expansion("tag left", question1=WEEK.format("tag left") + " <question>"), TWO, TEN, ["malformed"]),
}  # fmt: skip


def script_of(cases: dict[str, tuple[Any, Any, Any, list[str]]]) -> Any:
    replies: dict[str, Any] = {}
    for name, (reply, first, second, _) in cases.items():
        replies |= {name: reply, f"{name}-1": first, f"{name}-2": second}
    return by_needle(replies)


@pytest.fixture(scope="module")
def ran() -> Ran:
    cases = {**CASES, "good": (expansion("good"), TWO, TEN, [])}
    rows = [problem(name, EGGS.format(name), SOLUTION, "24") for name in cases]
    zh = expansion(
        "zh",
        statement="农场每天卖 12 个鸡蛋，每个 2 元，每天收入 24 元。",
        question1="农场一周卖出 84 个鸡蛋，共收入 168 元，每个鸡蛋多少元？[zh-1]",
        solution1="用收入除以个数：$168\\div 84=2$（元）。\\boxed{2}",
        question2="每箱装六个，五天一共收集 60 个鸡蛋，能装满几箱？[zh-2]",
        solution2="$60\\div 6=10$（箱）。答案是 10。",
        check1="accept：条件清楚",
        check2="refuse：条件矛盾",
    )
    cases["zh"] = (zh, ["答案是 2 元", "\\boxed{2}", "抱歉，我无法解答。"], TEN, [])
    rows.append(problem("zh", "农场每天卖 12 个鸡蛋，每个 2 元，每天收入多少元？[zh]", "12×2=24", "24", lang=None))
    return run_method(QueryExpansion, rows, script_of(cases))


def test_new_questions_on_which_samples_agree_become_rows(ran: Ran) -> None:
    assert [(row["question"], row["solution"], row["answer"]) for row in ran.of("good")] == [
        (WEEK.format("good"), WEEK_SOLUTION, "2"),
        (CARTONS.format("good"), CARTONS_SOLUTION, "10"),
    ]
    assert ran.of("good")[1]["lineage"]["prompt"] == "query_expansion/teacher/en/1"
    assert ran.of("good")[1]["lineage"]["sample"] == 1


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_has_its_reason(ran: Ran, name: str) -> None:
    assert ran.reasons(name) == CASES[name][3]


def test_no_row_has_a_wrong_answer(ran: Ran) -> None:
    right = {True: "2", False: "10"}
    assert all(row["answer"] == right["-1]" in row["question"]] for row in ran.made)


def test_a_disagreement_says_what_the_samples_gave(ran: Ran) -> None:
    assert ran.rejected["disagree"][0][1] == "0 of 3 samples give '84': 2, 2, 3"


def test_the_samples_see_the_question_alone_at_a_temperature(ran: Ran) -> None:
    (call,) = [call for call in ran.server.calls if "[good-1]" in call.prompt]
    assert (call.n, call.body["temperature"], call.body["seed"]) == (3, 0.7, 1)
    assert "168 \\div 84" not in call.prompt
    assert EGGS.format("good") not in call.prompt


def test_what_the_teacher_refuses_is_not_solved_again(ran: Ran) -> None:
    assert not any("[self-check-2]" in call.prompt for call in ran.server.calls)


def test_chinese_problems_give_chinese_ones(ran: Ran) -> None:
    (row,) = ran.of("zh")
    assert (row["answer"], row["lang"]) == ("2", "zh")
    assert row["lineage"]["prompt"] == "query_expansion/teacher/zh/1"
    assert ran.reasons("zh") == ["self_check_refused"]
    assert any("请一步一步解答" in call.prompt for call in ran.server.calls)


PROGRAMS: dict[str, tuple[Any, list[str]]] = {
    "right": ("Here:\n```python\nanswer = 168 / 84\n```", []),
    "prints": ("```python\nprint('price')\nprint(168 // 84)\n```", []),
    "other": ("```python\nanswer = 168 - 84\n```", ["program_disagrees"]),
    "fails": ("```python\nanswer = 1 / 0\n```", ["program_error"]),
    "runs on": ("```python\nwhile True: pass\n```", ["program_killed"]),
    "none": ("The price is 2.", ["no_program"]),
    "refuses": ("I can't write code.", ["refusal"]),
    "cut": (Text("```python\nanswer = 2\n```", "length"), ["truncated"]),
}


def test_answers_can_be_verified_by_programs() -> None:
    rows = [problem(name, EGGS.format(name), SOLUTION, "24") for name in PROGRAMS]
    replies: dict[str, Any] = {}
    for name, (program, _) in PROGRAMS.items():
        replies |= {name: expansion(name, check2="refuse"), f"{name}-1": program}
    ran = run_method(QueryExpansion, rows, by_needle(replies), verify="program", program_seconds=1.0)
    found = {name: [reason for reason in ran.reasons(name) if reason != "self_check_refused"] for name in PROGRAMS}
    assert found == {name: reasons for name, (_, reasons) in PROGRAMS.items()}
    assert [(row["parent_id"], row["answer"]) for row in ran.made] == [("right", "2"), ("prints", "2")]


def test_a_student_can_solve_the_new_questions() -> None:
    replies = {"s": expansion("s"), "s-1": TWO, "s-2": {"teacher": Status(500), "student": TEN}}
    agreement = {"role": "student", "samples": 3, "at_least": 3}
    ran = run_method(
        QueryExpansion,
        [problem("s", EGGS.format("s"), SOLUTION, "24")],
        by_needle(replies),
        roles=("teacher", "student"),
        agreement=agreement,
    )
    assert [row["answer"] for row in ran.made] == ["10"]
    assert ran.reasons("s") == ["disagreement"]


def test_verification_cannot_be_left_out() -> None:
    with pytest.raises(ValidationError, match="'agreement' or 'program'"):
        QueryExpansionConfig.model_validate({"verify": "none"})
    with pytest.raises(ValidationError, match="greater than 0"):
        QueryExpansionConfig.model_validate({"agreement": {"temperature": 0}})
    with pytest.raises(ValidationError, match="there are only 3 samples"):
        QueryExpansionConfig.model_validate({"agreement": {"at_least": 4}})
    config = QueryExpansionConfig.model_validate(
        {"teacher": {"url": "http://x/v1", "model": "m"}, "agreement": {"role": "student"}}
    )
    with pytest.raises(ConfigError, match="query_expansion solves new questions with the student"):
        QueryExpansion(config)
