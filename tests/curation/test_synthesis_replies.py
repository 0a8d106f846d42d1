"""Refusals, thoughts, languages and likeness: what every method asks of a reply."""

import random

import pytest

from mathmill.core.request import Completion
from mathmill.curation.synthesis.likeness import common_share, containment, jaccard, tokens
from mathmill.curation.synthesis.replies import chinese_share, is_refusal, known_answer, read_form, without_thinking
from mathmill.curation.synthesis.script import Rejected
from mathmill.curation.synthesis.tags import read_tags


@pytest.mark.parametrize(
    "text",
    [
        "I cannot help with that.",
        "I can't solve this problem.",
        "I’m sorry, but this is unclear.",
        "Sorry, I am not able to do so.",
        "Unfortunately, the problem has no solution here.",
        "As an AI language model, I do not …",
        "My apologies.",
        "I'm unable to continue.",
        "**I won't answer.**",
        "抱歉，我无法回答。",
        "很抱歉，这道题没有解。",
        "对不起，题目不完整。",
        "我无法提供解答。",
        "作为一个人工智能助手，我不能这样做。",
        "无法完成该请求。",
    ],
)
def test_refusals_are_told_by_how_they_begin(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "I add 3 and 4. Then I cannot go on with odd numbers, so 7.",
        "The train cannot be faster than 80 km/h.",
        "We can't divide by 0, so $x \\neq 0$.",
        "Can we add them? Yes.",
        "无法整除，所以余 2。",
        "因为 x 不能为 0，所以 x=1。",
        "不会超过 10 个。",
        "作为一个整体，它有 3 部分。",
        "",
    ],
)
def test_solutions_are_no_refusals(text: str) -> None:
    assert not is_refusal(text)


def test_thoughts_are_left_out() -> None:
    assert without_thinking("<think>so\nso</think>\n 4") == "4"
    assert without_thinking("no thoughts: 4") == "no thoughts: 4"
    assert without_thinking("<think>so so") is None


def test_a_form_that_begins_with_an_excuse_is_read() -> None:
    reply = Completion("1", ("Sorry for the wait. <check>wrong</check>", "Sorry, no.", "<check>"), ("stop",) * 3, 1, 1)
    read = [read_form(reply, lambda text: read_tags(text, ["check"]), sample) for sample in range(3)]
    assert read == [
        {"check": "wrong"},
        Rejected("refusal", "Sorry, no."),
        Rejected("malformed", "<check> is missing or left open"),
    ]


@pytest.mark.parametrize(
    ("answer", "solution", "known"),
    [
        ("72", "It is 71. #### 71", "72"),
        ("48/2 = <<48/2=24>>24 clips.\n48+24 = 72 clips.\n#### 72", None, "72"),
        (None, "24+48=72. The answer is 72.", "72"),
        (" ", "Nobody knows.", None),
        (None, None, None),
    ],
)
def test_known_answers_are_stated_or_read_in_solutions(
    answer: str | None, solution: str | None, known: str | None
) -> None:
    assert known_answer({"answer": answer, "solution": solution}) == known


def test_languages_are_told_by_letters() -> None:
    assert chinese_share("已知三角形 ABC") == pytest.approx(5 / 8)
    assert chinese_share("1 + 1") == 0.0


def test_notation_is_no_difference() -> None:
    assert tokens("So $3 \\times 4{,}000 = 12,000$ 元") == tokens("so 3 * 4{,}000 = 12000 元")
    assert tokens("１２÷３") == ["12", "/", "3"]


def test_a_copy_with_additions_is_contained() -> None:
    short, long = tokens("add three and four to get seven"), tokens("first add three and four to get seven and stop")
    assert containment(short, long) == 1.0
    assert jaccard(short, long) == pytest.approx(7 / 9)
    assert containment(short, tokens("multiply both sides by two")) == 0.0
    assert containment(["7"], ["7"]) == 1.0
    assert containment(["7"], ["8"]) == 0.0


def test_the_longest_common_subsequence_is_that_of_the_textbook() -> None:
    def reference(a: list[str], b: list[str]) -> int:
        lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
        for i, one in enumerate(a):
            for j, other in enumerate(b):
                same = lengths[i][j] + 1
                lengths[i + 1][j + 1] = same if one == other else max(lengths[i][j + 1], lengths[i + 1][j])
        return lengths[-1][-1]

    chooser = random.Random(3)
    for _ in range(200):
        a, b = ([chooser.choice("abcd") for _ in range(chooser.randrange(0, 30))] for _ in range(2))
        expected = 2 * reference(a, b) / (len(a) + len(b)) if a or b else 1.0
        assert common_share(a, b) == pytest.approx(expected)
    assert common_share(["x"] * 50_000, ["x"] * 50_000) == 1.0
