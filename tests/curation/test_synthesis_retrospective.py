"""Retrospective enhancement: literal solutions before and after, in both languages."""

from typing import Any

import pytest
from method_runs import Ran, problem, run_method
from pydantic import ValidationError

from mathmill.curation.synthesis.retrospective import Retrospective

LINES = "Each box holds 12 eggs.\nFour boxes hold 4*12=48 eggs.\nSix break: 48-6=42.\nSo 42 are left.\n#### 42"
SENTENCES = "We have $x+1=3$. So $x=2$. Then $x^2=4$. The answer is $4$."
CHINESE = "先求每箱的个数：12÷2=6。再求 4 箱：6×4=24。去掉 3 个：24-3=21。答案是21。"


def run(rows: list[dict[str, Any]], **config: Any) -> Ran:
    ran = run_method(Retrospective, rows, lambda call: "", roles=(), **config)
    assert ran.server.requests == 0
    return ran


def rewritten(solution: str, lang: str = "en", **config: Any) -> str:
    (row,) = run([problem("p", "How many?", solution, None, lang=lang)], **config).made
    return str(row["solution"])


def test_a_later_step_stands_in_tags_and_all_goes_on() -> None:
    assert rewritten(LINES, i=1, j=3) == (
        "Each box holds 12 eggs.\n<back> Six break: 48-6=42. <back>\nFour boxes hold 4*12=48 eggs.\n"
        "Six break: 48-6=42.\nSo 42 are left.\n#### 42"
    )


def test_the_posters_reading_puts_the_step_gone_back_to_in_the_tags() -> None:
    assert rewritten(LINES, i=1, j=3, inside="earlier") == (
        "Each box holds 12 eggs.\nSix break: 48-6=42.\n<back> Each box holds 12 eggs. <back>\n"
        "Four boxes hold 4*12=48 eggs.\nSix break: 48-6=42.\nSo 42 are left.\n#### 42"
    )


def test_sentences_stay_on_their_line() -> None:
    assert rewritten(SENTENCES, i=1, j=3, marker="note") == (
        "We have $x+1=3$. Then $x^2=4$. [back] So $x=2$. Then $x^2=4$. The answer is $4$."
    )
    assert rewritten(SENTENCES, i=1, j=3, marker="words") == (
        "We have $x+1=3$. Then $x^2=4$. Wait, that comes too early. Let me go back. So $x=2$. Then $x^2=4$."
        " The answer is $4$."
    )


def test_chinese_has_its_own_words_and_no_spaces() -> None:
    assert rewritten(CHINESE, "zh", i=1, j=3, marker="words") == (
        "先求每箱的个数：12÷2=6。去掉 3 个：24-3=21。等一下，这一步说早了，先回到前面。再求 4 箱：6×4=24。"
        "去掉 3 个：24-3=21。答案是21。"
    )


def test_markers_may_be_ones_own() -> None:
    text = rewritten(SENTENCES, i=2, j=4, marker="({step}) -- no, again: {back}")
    assert text == (
        "We have $x+1=3$. So $x=2$. (The answer is $4$.) -- no, again: So $x=2$. Then $x^2=4$. The answer is $4$."
    )


def test_formulas_and_code_stay_whole() -> None:
    formula = "Start with\n$$\na = 1\n\\\\ b = 2\n$$\nThen add: $a+b=3$.\nDouble it: $2 \\cdot 3=6$.\nIt is $6$."
    code = "First compute.\n```python\nx = 1\n\ny = x + 2\n```\nNow y is 3.\nTwice 3 is 6.\nThe answer is 6."
    for solution in (formula, code):
        for seed in range(6):
            text = rewritten(solution, seed=seed)
            inserted = text[text.index("<back> ") + 7 : text.rindex(" <back>")]
            assert inserted in solution
            start = text.index("<back> ")
            assert text[:start].rstrip() == solution[: len(text[:start].rstrip())]
            assert text[text.rindex(" <back>") + 7 :].strip() == solution[len(text[:start].rstrip()) :].strip()
            assert text.count("$$") in (0, 2, 4)
            assert text.count("```") in (0, 2, 4)


def test_the_draw_depends_on_problem_and_seed_alone() -> None:
    long = "\n".join(f"Step {n}: add {n} to get {n * 3}." for n in range(1, 12)) + "\nThe answer is 33."
    rows = [problem(str(n), "How many?", long, None) for n in range(20)]
    first, again, other = (run(rows, seed=seed).made for seed in (0, 0, 1))
    assert [row["solution"] for row in first] == [row["solution"] for row in again]
    assert first[:1] == run(rows[:1]).made
    assert [row["solution"] for row in first] != [row["solution"] for row in other]
    assert len({row["solution"] for row in first}) > 10


def test_variants_differ_and_are_numbered() -> None:
    rows = run([problem("p", "How many?", LINES, "42")], variants=8).made
    assert len({row["solution"] for row in rows}) == len(rows) == 3  # (1, 3), (1, 4), (2, 4)
    assert [row["lineage"]["sample"] for row in rows] == [0, 1, 2]
    assert rows[0]["lineage"]["prompt"] == "retrospective/tags"
    assert {(row["answer"], row["parent_id"], row["method"]) for row in rows} == {("42", "p", "retrospective")}


def test_gaps_bound_the_choice() -> None:
    long = "\n".join(f"Fact {n} holds." for n in "abcdefgh")
    rows = [problem(str(n), "Why?", long, None) for n in range(12)]
    for row in run(rows, least_gap=3, most_gap=4).made:
        before, early, after = row["solution"].split("<back>")
        i = len(before.split("\n")) - 1
        j = " abcdefgh".index(early.split()[1])
        assert 3 <= j - i <= 4
        assert after.lstrip().startswith(f"Fact {'abcdefgh'[i]} ")


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        (None, "no_solution"),
        ("Two and two make four.\nThe total is 4.", "too_few_steps"),
        ("Add 1.\nAdd 2.\nAdd 3.\nAdd 4 <back> and so on.", "marker_in_solution"),
        ("Add 1.\nAdd 2.\nAdd 1.", "no_pair_of_steps"),
    ],
)
def test_what_cannot_be_done_has_its_reason(solution: str | None, reason: str) -> None:
    ran = run([problem("p", "How many?", solution, None)])
    assert (ran.reasons("p"), ran.made) == ([reason], [])


def test_an_insertion_that_changes_the_answer_is_refused() -> None:
    ran = run([problem("p", "How many?", LINES, "42")], i=1, j=3, marker="{step} #### 7\n#### 42")
    assert ran.reasons("p") == []  # the last answer is still the solution's
    ran = run(
        [problem("p", "How many?", "Add 1.\nThen 2.\nThen 3.\nThus it is 6", "6")], marker="{step} The answer is 9."
    )
    assert ran.reasons("p") == ["answer_changed"]


@pytest.mark.parametrize(
    "config", [{"marker": "back"}, {"least_gap": 3, "most_gap": 2}, {"i": 2, "j": 3}, {"marker": "{step}{step}"}]
)
def test_impossible_settings_are_told(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Retrospective.Config.model_validate(config)
