"""Response diversification: what is kept is right and new, everything else has its reason."""

from typing import Any

import pytest
from method_runs import Ran, by_needle, problem, run_method
from scripted_server import HANG, Status, Text

from mathmill.core.errors import ConfigError
from mathmill.curation.synthesis.response_diversification import ResponseDiversification

APPLES = "Tom has 2 bags with 3 apples each and 4 more apples. How many apples does he have? [{}]"
ADDED = "The bags hold 3+3=6 apples. With the others Tom has 6+4=10. The answer is 10."
MULTIPLIED = "Two bags of three make $2 \\times 3 = 6$.\nAdding the four loose ones: $4 + 6 = 10$, so \\boxed{10}."
COUNTED = "Take one bag and the loose apples: $3 + 4 = 7$.\nThe second bag gives $7 + 3 = 10$. \\boxed{10}"
WRONG = "Two times seven: $2 \\times (3 + 4) = 14$. So the result is \\boxed{14}."


def answer(second: str, third: str, word: str = "accept") -> str:
    return f"<response> {word} <\\response>\n<solution2>\n{second}\n</solution2>\n<solution3>\n{third}\n</solution3>"


CASES: dict[str, tuple[Any, list[str]]] = {
    "both wrong": (answer(WRONG, "It is 5, so \\boxed{5}."), ["wrong_answer", "wrong_answer"]),
    "no answer": (answer("Let us count them all, one by one.", WRONG), ["no_final_answer", "wrong_answer"]),
    "declined": ("<response> refuse </response>", ["declined"]),
    "declined with a reason": ("<response>Refuse, the problem is faulty.</response>", ["declined"]),
    "refusal": ("I'm sorry, but I cannot help with that.", ["refusal"]),
    "refusal inside": (answer("I can't provide another solution.", WRONG), ["refusal", "wrong_answer"]),
    "cut off": (Text(answer(MULTIPLIED, COUNTED), finish_reason="length"), ["truncated"]),
    "thinks without end": ("<think> Let me see. " + answer(MULTIPLIED, COUNTED), ["truncated"]),
    "no tags": ("Solution2: 2*3=6. \\boxed{10}", ["malformed"]),
    "no verdict": (answer(MULTIPLIED, COUNTED, "certainly"), ["malformed"]),
    "verdict last": (f"<solution2>{MULTIPLIED}</solution2><response>accept</response>", ["malformed"]),
    "one is missing": (f"<response>accept</response><solution2>{MULTIPLIED}</solution2>", ["malformed"]),
    "left open": (answer(MULTIPLIED, COUNTED).removesuffix("</solution3>"), ["malformed"]),
    "doubled": (answer(MULTIPLIED, COUNTED) + f"<solution3>{COUNTED}</solution3>", ["malformed"]),
    "nested": (answer(f"<solution3>{MULTIPLIED}</solution3>", COUNTED), ["malformed"]),
    "empty": (answer("", COUNTED), ["malformed"]),
    "nothing": ("", ["malformed"]),
    "a tag is left": (answer(MULTIPLIED + " <step>", COUNTED), ["malformed"]),
    "copy": (answer(ADDED, "Well. " + ADDED.replace("+", " + ")), ["copy", "copy"]),
    "other words": (answer("Tom owns $3+3=6$ in bags, and altogether he owns $6+4=10$, i.e. \\boxed{10}.", WRONG),
                    ["same_equations", "wrong_answer"]),
    "twice the same": (answer(MULTIPLIED, MULTIPLIED.replace("Adding", "We add")), ["same_solution"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def ran() -> Ran:
    rows = [problem(name, APPLES.format(name), ADDED, "10") for name in CASES]
    rows.append(problem("good", APPLES.format("good"), ADDED, "10"))
    rows.append(problem("thought", APPLES.format("thought"), ADDED, None))
    chinese = "小明有 2 袋苹果，每袋 3 个，另外还有 4 个，一共有多少个？[zh]"
    rows.append(problem("zh", chinese, "3+3=6，6+4=10。答：10 个。", "10", lang="zh"))
    rows.append(problem("unknown", APPLES.format("unknown"), "He has some.", None))
    replies = {name: reply for name, (reply, _) in CASES.items()}
    replies |= {"good": answer(MULTIPLIED, COUNTED)}
    replies |= {"thought": f"<think>They want two.</think> Here they are. {answer(MULTIPLIED, WRONG)}"}
    replies |= {
        "zh": answer("先算两袋：$2\\times 3=6$（个），再加 4 个：$4+6=10$（个）。\\boxed{10}", "无法给出第三种解法。")
    }
    return run_method(ResponseDiversification, rows, by_needle(replies))


def test_right_and_new_solutions_become_rows(ran: Ran) -> None:
    rows = ran.of("good")
    assert [(row["question"], row["solution"], row["answer"]) for row in rows] == [
        (APPLES.format("good"), MULTIPLIED, "10"),
        (APPLES.format("good"), COUNTED, "10"),
    ]
    assert [row["lineage"]["sample"] for row in rows] == [0, 1]
    assert rows[0]["lineage"] == {
        "prompt": "response_diversification/teacher/en/1",
        "teacher": "teacher",
        "student": None,
        "judge": None,
        "sample": 0,
    }
    assert (rows[0]["parent_id"], rows[0]["license"], rows[0]["style"]) == ("good", "CC0-1.0", "cot")
    assert [row["n_steps"] for row in rows] == [2, 2]


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_has_its_reason(ran: Ran, name: str) -> None:
    assert ran.reasons(name) == CASES[name][1]


def test_refused_problems_leave_only_what_is_right(ran: Ran) -> None:
    made = {row["parent_id"] for row in ran.made}
    assert made == {"good", "thought", "zh", "a tag is left", "twice the same"}
    assert all(row["answer"] == "10" for row in ran.made)


def test_the_answer_of_the_solution_is_the_known_one_and_thoughts_do_not_count(ran: Ran) -> None:
    assert [(row["solution"], row["answer"]) for row in ran.of("thought")] == [(MULTIPLIED, "10")]
    assert ran.rejected["thought"] == [("wrong_answer", "14 is not 10")]


def test_chinese_problems_are_asked_in_chinese(ran: Ran) -> None:
    (row,) = ran.of("zh")
    assert row["lineage"]["prompt"] == "response_diversification/teacher/zh/1"
    assert (row["lang"], row["answer"]) == ("zh", "10")
    assert ran.reasons("zh") == ["refusal"]
    (call,) = [call for call in ran.server.calls if "[zh]" in call.prompt]
    assert "请再写出 2 种解法" in call.prompt
    assert "最终答案：10" in call.prompt


def test_a_problem_without_answer_costs_nothing(ran: Ran) -> None:
    assert ran.reasons("unknown") == ["no_answer"]
    assert not any("[unknown]" in call.prompt for call in ran.server.calls)


def test_reasons_are_counted(ran: Ran) -> None:
    assert ran.facts["made"] == len(ran.made) == 6
    assert ran.facts["rejected:malformed"] == sum(row.count("malformed") for _, row in CASES.values())


def test_agreeing_solutions_may_stand_for_an_answer() -> None:
    rows = [problem(name, APPLES.format(name), None, None) for name in ("agree", "differ")]
    replies = {"agree": answer(MULTIPLIED, COUNTED), "differ": answer(MULTIPLIED, WRONG)}
    ran = run_method(ResponseDiversification, rows, by_needle(replies), without_answer=True)
    assert [row["answer"] for row in ran.of("agree")] == ["10", "10"]
    assert ran.rejected["differ"] == [("disagreement", "10, 14")]


def test_busy_servers_are_asked_again_and_broken_ones_cost_a_problem() -> None:
    def busy(call: Any) -> Any:
        return answer(MULTIPLIED, COUNTED) if call.times > 2 else Status(429 if call.times == 1 else 500)

    rows = [problem(name, APPLES.format(name), ADDED, "10") for name in ("busy", "broken", "silent")]
    replies = {"busy": busy, "broken": Status(400, "context too long"), "silent": HANG}
    model = {"timeout_s": 0.3, "retries": 3}
    ran = run_method(ResponseDiversification, rows, by_needle(replies), model=model)
    assert len(ran.of("busy")) == 2
    assert "context too long" in ran.quarantined["broken"]
    assert set(ran.quarantined) == {"broken", "silent"}


def test_more_solutions_can_be_asked_for() -> None:
    row = problem("four", APPLES.format("four"), ADDED, "10")
    reply = "<response>accept</response>" + "".join(f"<solution{n}>{WRONG}</solution{n}>" for n in (2, 3, 4, 5))
    ran = run_method(ResponseDiversification, [row], by_needle({"four": reply}), solutions=4)
    assert ran.reasons("four") == ["wrong_answer"] * 4
    assert "<solution5>" in ran.server.calls[0].prompt


def test_a_teacher_is_needed() -> None:
    with pytest.raises(ConfigError, match="response_diversification needs a model as teacher"):
        ResponseDiversification(ResponseDiversification.Config())
