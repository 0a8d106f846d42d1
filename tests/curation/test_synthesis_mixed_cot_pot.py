"""Mixed instructions: literal solutions with programs, which run in the real sandbox."""

from typing import Any

import pytest
from method_runs import Ran, by_needle, problem, run_method
from scripted_server import Status, Text

from mathmill.curation.synthesis.code_blocks import same_output
from mathmill.curation.synthesis.mixed_cot_pot import MixedCotPot

QUESTION = "What is the sum of the squares of the first 10 positive integers, halved? [{}]"
WORDS = "The sum of the squares from 1 to 10 is what we need first, so we let Python add them up."


def solution(code: str, output: str | None, end: str) -> str:
    claim = "" if output is None else f"\n```output\n{output}\n```"
    return f"{WORDS}\n```python\n{code}\n```{claim}\n{end}"


SUM = "total = sum(k * k for k in range(1, 11))\nprint(total)"
HALF = "Half of it is asked for.\n```python\nprint(total / 2)\n```\n```output\n{}\n```\nThe answer is \\boxed{{{}}}."
GOOD = solution(SUM, "385", HALF.format("192.5", "192.5"))
BARE = solution(SUM, None, "Halved this is \\boxed{192.5}.")
POT = "```python\nanswer = sum(k * k for k in range(1, 11)) / 2\nprint(answer)\n```"
CHINESE = "先用 Python 求 1 到 10 的平方和，然后把它除以二，就得到所求的结果。\n```python\n" + SUM + (
    "\nprint(total / 2)\n```\n```output\n385\n192.5\n```\n所以答案是 $\\boxed{192.5}$。"
)  # fmt: skip

CASES: dict[str, tuple[Any, str]] = {
    "no program": (f"{WORDS} It is \\boxed{{192.5}}.", "no_program"),
    "refusal": ("I'm sorry, but I can't run programs.", "refusal"),
    "refused in Chinese": ("抱歉，我无法完成这个请求。", "refusal"),
    "cut off": (Text(GOOD, finish_reason="length"), "truncated"),
    "left open": (GOOD[: GOOD.rindex("```")], "malformed"),
    "left open in the middle": (GOOD.replace("```\n```output\n385", "```output\n385"), "malformed"),
    "output first": ("```output\n385\n```\n" + GOOD, "malformed"),
    "two outputs": (solution(SUM, "385\n```\n```output\n385", "\\boxed{192.5}"), "malformed"),
    "empty program": (solution("", "", "\\boxed{192.5}"), "malformed"),
    "a tag": (GOOD + "\n</solution2>", "malformed"),
    "raises": (solution("print(1 / 0)", "0", "\\boxed{192.5}"), "program_error"),
    "does not parse": (solution("print(1 +", None, "\\boxed{192.5}"), "program_error"),
    "second raises": (solution(SUM, "385", "And\n```python\nprint(totals)\n```\n\\boxed{192.5}"), "program_error"),
    "exits": (solution("import sys\nprint(1 + 384)\nsys.exit(0)", "385", "\\boxed{192.5}"), "program_error"),
    "ends open": (solution(SUM + "\nif total < 0:", "385", "\\boxed{192.5}"), "program_error"),
    "runs forever": (solution("while True:\n    total = 1 + 1", None, "\\boxed{192.5}"), "program_killed"),
    "reaches out": (solution("import os\nprint(len(open('/etc/passwd').read()))", "5", "\\boxed{192.5}"),
                    "program_error"),
    "prints nothing": (solution("total = 385 + 0", None, "\\boxed{192.5}"), "no_output"),
    "prints too much": (solution("print('1' * 3000 + '2' * 1)", None, "\\boxed{192.5}"), "output_too_long"),
    "claims another output": (solution(SUM, "384", "Halved this is \\boxed{192.5}."), "output_differs"),
    "wrong answer": (solution(SUM, "385", "So the answer is \\boxed{385}."), "wrong_answer"),
    "no answer": (solution(SUM, "385", "Halve it, and you are done."), "no_final_answer"),
    "wrong in words": (solution(SUM, "385", "Here 385 / 2 = 191.5. The answer is \\boxed{192.5}."),
                       "wrong_calculation"),
    "knows it before": (solution("print(192.5)", "192.5", "So \\boxed{192.5}."), "nothing_computed"),
}  # fmt: skip


@pytest.fixture(scope="module")
def ran() -> Ran:
    rows = [problem(name, QUESTION.format(name), None, "192.5") for name in (*CASES, "good", "bare", "pot")]
    rows.append(problem("zh", "1 到 10 的平方和的一半是多少？[zh]", None, "192.5", lang="zh"))
    rows.append(problem("unknown", QUESTION.format("unknown"), None, None))
    replies = {name: reply for name, (reply, _) in CASES.items()}
    replies |= {"good": GOOD, "bare": BARE, "pot": POT, "zh": CHINESE}
    return run_method(MixedCotPot, rows, by_needle(replies), program_seconds=1.5)


def test_words_programs_and_their_output_become_a_row(ran: Ran) -> None:
    (row,) = ran.of("good")
    assert (row["solution"], row["answer"], row["style"]) == (GOOD, "192.5", "mixed")
    assert row["lineage"]["prompt"] == "mixed_cot_pot/teacher/en/1"


def test_output_that_was_left_out_is_put_in(ran: Ran) -> None:
    (row,) = ran.of("bare")
    assert row["solution"] == solution(SUM, "385", "Halved this is \\boxed{192.5}.")


def test_code_alone_is_pot(ran: Ran) -> None:
    (row,) = ran.of("pot")
    assert (row["solution"], row["style"]) == (POT + "\n```output\n192.5\n```", "pot")


def test_chinese_problems_are_asked_in_chinese(ran: Ran) -> None:
    (row,) = ran.of("zh")
    assert (row["solution"], row["style"], row["lang"]) == (CHINESE, "mixed", "zh")
    assert row["lineage"]["prompt"] == "mixed_cot_pot/teacher/zh/1"


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_has_its_reason(ran: Ran, name: str) -> None:
    assert ran.reasons(name) == [CASES[name][1]]


def test_nothing_wrong_is_kept(ran: Ran) -> None:
    assert {row["parent_id"] for row in ran.made} == {"good", "bare", "pot", "zh"}
    assert ran.reasons("unknown") == ["no_answer"]
    detail = str(ran.rejected["second raises"][0][1])
    assert detail.startswith("block 2: ")
    assert "totals" in detail


def one(reply: Any, **config: Any) -> Ran:
    return run_method(
        MixedCotPot, [problem("p", QUESTION.format("p"), None, "192.5")], by_needle({"p": reply}), **config
    )


def test_a_program_that_fails_goes_back_with_its_message() -> None:
    def teacher(call: Any) -> str:
        return BARE if len(call.body["messages"]) > 2 else CASES["raises"][0]

    ran = one(teacher, repairs=1)
    (row,) = ran.made
    assert row["lineage"]["prompt"] == "mixed_cot_pot/repair/en/1"
    assert "ZeroDivisionError" in ran.server.calls[1].body["messages"][-1]["content"]
    assert ran.server.calls[1].body["messages"][-2] == {"role": "assistant", "content": CASES["raises"][0]}


def test_the_real_output_is_shown_where_it_differs_and_repairs_end() -> None:
    ran = one(CASES["claims another output"][0], repairs=2)
    assert (ran.reasons("p"), ran.server.requests) == (["output_differs"], 3)
    assert "```output\n385\n```" in ran.server.calls[1].body["messages"][-1]["content"]


def test_samples_are_one_request_and_doubles_go() -> None:
    ran = one([CASES["wrong answer"][0], GOOD, GOOD.replace("Half of it", "Half  of it"), BARE], samples=4)
    assert [row["lineage"]["sample"] for row in ran.made] == [1, 3]
    assert ran.reasons("p") == ["wrong_answer", "same_solution"]
    assert ran.server.calls[0].body["n"] == 4


def test_pot_may_be_refused() -> None:
    assert one(POT, keeps_pot=False).reasons("p") == ["no_words"]


def test_busy_servers_are_asked_again() -> None:
    ran = one(lambda call: GOOD if call.times > 2 else Status(429 if call.times == 1 else 500))
    assert len(ran.made) == 1


@pytest.mark.parametrize(
    ("claim", "output", "same"),
    [
        ("385", "385\n", True),
        (" x = 3 ", "x=3", True), ("3.33", "3.3333333333333335", True), ("3.3", "3.3333", False),
        ("385", "384", False), ("1\n2", "1", False), ("[1, 2]", "[1,2]", True), ("12", "12.0", True),
        ("0.1", "0.10000000000000001", True), ("", "5", False), ("1e-3", "0.001", True), ("x = 2", "y = 2", False),
    ],
)  # fmt: skip
def test_outputs_are_compared_as_numbers(claim: str, output: str, same: bool) -> None:
    assert same_output(claim, output) is same
