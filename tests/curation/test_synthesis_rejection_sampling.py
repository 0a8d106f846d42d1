"""Rejection sampling: literal samples of one problem, what is kept of them and why the rest goes."""

from typing import Any

import pytest
from method_runs import Ran, by_needle, problem, run_method
from scripted_server import Status, Text

from mathmill.core.errors import ConfigError
from mathmill.curation.synthesis.rejection_sampling import RejectionSampling

APPLES = "Tom has 2 bags with 3 apples each and 4 more apples. How many apples does he have? [{}]"
ORIGINAL = "The bags hold 3+3=6 apples. With the others Tom has 6+4=10. The answer is 10."
TIMES = "2 * 3 = 6 apples are in bags.\nTogether 6 + 4 = 10.\n\\boxed{10}"
TIMES_AGAIN = "The bags: 2 * 3 = 6.\nWith the loose ones: 6 + 4 = 10, so \\boxed{10}."
LOOSE_FIRST = "Start with the loose apples: 4 + 3 = 7.\nThe second bag: 7 + 3 = 10.\n\\boxed{10}"
GROUPED = "All at once: 2 * 3 + 4 = 10.\nSo the answer is \\boxed{10}."
WORDS = "Six apples are in bags and four are loose, so Tom has \\boxed{10}."
SLIP = "2 * 3 = 5, and 5 + 4 = 10. \\boxed{10}"
WRONG = "2 * (3 + 4) = 14. \\boxed{14}"
CHINESE = "先算两袋：2×3＝6（个）。\n再加 4 个：6＋4＝10（个）。\n\\boxed{10}"


def run(samples: Any, solution: str | None = ORIGINAL, answer: str | None = "10", **config: Any) -> Ran:
    row = problem("p", APPLES.format("p"), solution, answer)
    paths = len(samples) if isinstance(samples, list) else 2
    return run_method(RejectionSampling, [row], by_needle({"p": samples}), **{"paths": paths, **config})


def test_right_paths_become_rows_once_for_each_list_of_equations() -> None:
    ran = run([WRONG, TIMES, TIMES_AGAIN, LOOSE_FIRST, SLIP])
    assert [(row["solution"], row["answer"], row["lineage"]["sample"]) for row in ran.made] == [
        (TIMES, "10", 1),
        (LOOSE_FIRST, "10", 3),
    ]
    assert ran.rejected["p"] == [
        ("wrong_answer", "14 is not 10"),
        ("wrong_calculation", "2*3=5; 5+4=10"),
        ("same_equations", "2*3=6; 6+4=10"),
    ]
    assert ran.made[0]["lineage"]["prompt"] == "rejection_sampling/solve/en/1"


def test_all_samples_are_one_request_at_a_temperature() -> None:
    ran = run([TIMES, WRONG, LOOSE_FIRST], temperature=0.9, seed=5)
    (call,) = ran.server.calls
    assert {key: call.body[key] for key in ("n", "temperature", "seed")} == {"n": 3, "temperature": 0.9, "seed": 5}


@pytest.mark.parametrize(
    ("samples", "score"), [([TIMES, LOOSE_FIRST], 1.0), ([WRONG] * 2, 5.0), ([TIMES, WRONG, WRONG, WRONG], 4.0)]
)
def test_the_pass_rate_is_the_difficulty_of_the_problem_and_its_new_solutions(samples: Any, score: float) -> None:
    ran = run(samples)
    assert [row["difficulty_score"] for row in ran.originals] == [score]
    assert {row["difficulty_score"] for row in ran.made} <= {score}
    assert ran.originals[0]["solution"] == ORIGINAL


def test_a_slip_on_the_way_to_the_answer_counts_as_solved_but_is_not_kept() -> None:
    ran = run([SLIP, SLIP])
    assert (ran.made, ran.originals[0]["difficulty_score"], ran.facts["solved_by_all"]) == ([], 1.0, 1)


def test_the_difficulty_may_be_left_alone() -> None:
    assert run([TIMES, WRONG], scores_difficulty=False).originals == []


def test_the_most_different_paths_stay() -> None:
    ran = run([TIMES, GROUPED, LOOSE_FIRST, WORDS], per_problem=2)
    kept = [row["solution"] for row in ran.made]
    assert len(kept) == 2
    assert WORDS in kept
    assert ran.reasons("p") == ["surplus", "surplus"]
    assert kept == [row["solution"] for row in run([TIMES, GROUPED, LOOSE_FIRST, WORDS], per_problem=2).made]


def test_easy_problems_may_be_capped() -> None:
    ran = run([TIMES, LOOSE_FIRST], per_easy_problem=1)
    assert (len(ran.made), ran.reasons("p")) == (1, ["easy"])
    ran = run([TIMES, LOOSE_FIRST, WRONG], per_easy_problem=1)
    assert (len(ran.made), ran.reasons("p")) == (2, ["wrong_answer"])


def test_copies_of_the_original_are_refused() -> None:
    ran = run([ORIGINAL, "In bags: 3 + 3 = 6. In all: 6 + 4 = 10, hence \\boxed{10}."])
    assert ran.reasons("p") == ["copy", "copy"]


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ("I'm sorry, I cannot help with that.", "refusal"),
        ("抱歉，我无法解答这道题。", "refusal"),
        (Text(TIMES, finish_reason="length"), "truncated"),
        ("<think> 2 * 3 = 6 and", "truncated"),
        ("There are some apples in the bags.", "no_final_answer"),
        (TIMES + "</solution2><step>", "malformed"),
        ("", "no_final_answer"),
    ],
)
def test_what_is_refused_has_its_reason(sample: Any, reason: str) -> None:
    ran = run(sample)
    assert (ran.reasons("p"), ran.made) == ([reason, reason], [])
    assert ran.originals[0]["difficulty_score"] == 5.0


def test_chinese_problems_are_asked_in_chinese() -> None:
    row = problem("p", "小明有 2 袋苹果，每袋 3 个，另有 4 个。[p]", None, "10", lang="zh")
    ran = run_method(RejectionSampling, [row], by_needle({"p": [CHINESE, CHINESE.replace("6＋4", "6＋5")]}), paths=2)
    (made,) = ran.made
    assert (made["solution"], made["lang"], made["lineage"]["prompt"]) == (
        CHINESE,
        "zh",
        "rejection_sampling/solve/zh/1",
    )
    assert ran.rejected["p"] == [("wrong_calculation", "6+5=10")]
    assert "请一步一步解答" in ran.server.calls[0].prompt


def test_a_problem_without_answer_costs_nothing() -> None:
    ran = run([TIMES], solution="He has some.", answer=None)
    assert (ran.reasons("p"), ran.server.requests) == (["no_answer"], 0)


def test_the_student_is_sampled_where_there_is_one() -> None:
    row = problem("p", APPLES.format("p"), None, "10")
    replies = {"p": {"student": TIMES, "teacher": WRONG}}
    ran = run_method(RejectionSampling, [row], by_needle(replies), roles=("teacher", "student"), paths=1)
    assert [row["solution"] for row in ran.made] == [TIMES]
    ran = run_method(
        RejectionSampling, [row], by_needle(replies), roles=("teacher", "student"), paths=1, role="teacher"
    )
    assert ran.reasons("p") == ["wrong_answer"]
    with pytest.raises(ConfigError, match="rejection_sampling needs a model as teacher"):
        RejectionSampling(RejectionSampling.Config())


def test_busy_servers_are_asked_again() -> None:
    def busy(call: Any) -> Any:
        return [TIMES, LOOSE_FIRST] if call.times > 2 else Status(429 if call.times == 1 else 500)

    assert len(run(busy).made) == 2
