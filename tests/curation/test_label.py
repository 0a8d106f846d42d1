from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from mathmill.classifiers import bundled
from mathmill.core.schemas import DIFFICULTIES, PROBLEM, SCHOOL_STAGES, to_batch
from mathmill.core.stage import OUT, StageContext
from mathmill.curation.label import Label, LabelConfig


def problem(question: str = "What is 2+2?", solution: str | None = None, **values: object) -> dict[str, object]:
    row = {
        "problem_id": "p", "doc_id": "d", "source": "s", "locator": {"file": "f", "record": 0, "offset": 0},
        "question": question, "solution": solution, "question_formulas": [], "solution_formulas": [], "steps": [],
        "n_steps": 0, "method": "extracted", "loss_weight": 1.0,
    }  # fmt: skip
    return {**row, **values}


def label(*rows: dict[str, object], **config: int) -> list[dict[str, object]]:
    stage = Label(LabelConfig(**config))
    stage.open(StageContext(scratch=Path()))
    ((port, batch),) = stage.process(iter([to_batch(rows, PROBLEM)]))
    assert port == OUT
    assert batch.schema == PROBLEM
    return batch.to_pylist()


def lines(n: int) -> str:
    return "\n".join(f"Then we have {i}." for i in range(n))


def test_steps_are_counted_and_binned() -> None:
    rows = label(*(problem(solution=lines(n)) for n in (1, 2, 3, 5, 6, 12)))
    assert [row["n_steps"] for row in rows] == [1, 2, 3, 5, 6, 12]
    assert [row["difficulty"] for row in rows] == ["easy", "easy", "medium", "medium", "hard", "hard"]
    assert rows[0]["steps"] == [{"start": 0, "end": 15}]
    assert rows[0]["difficulty_probs"] == pytest.approx([1.0, 0.0, 0.0])
    assert rows[1]["difficulty_probs"] == pytest.approx([0.95, 0.05, 0.0])
    assert rows[4]["difficulty_probs"] == pytest.approx([0.0, 0.05, 0.95])


def test_the_cut_offs_are_settings() -> None:
    (row,) = label(problem(solution=lines(3)), easy_max_steps=3, medium_max_steps=4)
    assert row["difficulty"] == "easy"
    with pytest.raises(ValidationError, match="medium_max_steps"):
        LabelConfig(easy_max_steps=4, medium_max_steps=3)


def test_what_a_source_states_is_kept() -> None:
    given = problem(solution=lines(2), n_steps=7, difficulty="easy", school_stage="high")
    (row,) = label(given)
    assert (row["n_steps"], len(row["steps"]), row["difficulty"], row["school_stage"]) == (7, 2, "easy", "high")  # type: ignore[arg-type]
    assert row["difficulty_probs"] == [1.0, 0.0, 0.0]
    assert row["school_stage_probs"] == [0.0, 0.0, 1.0, 0.0]
    (row,) = label(problem(solution=lines(2), steps=[{"start": 0, "end": 3}], n_steps=1))
    assert (row["n_steps"], row["steps"]) == (1, [{"start": 0, "end": 3}])


def test_formulas_of_the_record_are_not_cut() -> None:
    solution = "Let x. y be given. Done."
    span = {"start": 4, "end": 8, "display": False, "encoding": "html"}
    (row,) = label(problem(solution=solution, solution_formulas=[span]))
    assert [solution[s["start"] : s["end"]] for s in row["steps"]] == ["Let x. y be given.", "Done."]  # type: ignore[attr-defined]


def test_without_a_solution_steps_are_predicted_from_length_and_level() -> None:
    stage = Label(LabelConfig())
    sizes = ["x" * size for size in (10, 100, 1_000, 100_000)]
    probs = stage.predicted(sizes, np.full(4, 3.0))
    np.testing.assert_allclose(probs.sum(axis=1), 1.0)
    assert all(a[0] >= b[0] for a, b in pairwise(probs))
    assert all(a[2] <= b[2] for a, b in pairwise(probs))
    by_level = stage.predicted(["What is it?"] * 2, np.array([1.0, 5.0]))
    assert by_level[0, 2] < by_level[1, 2]
    (row,) = label(problem())
    assert (row["n_steps"], row["difficulty"]) == (0, "easy")
    assert max(row["difficulty_probs"]) < 0.99  # type: ignore[type-var]


def test_the_cut_offs_move_predicted_bins_too() -> None:
    strict, lenient = (Label(LabelConfig(medium_max_steps=n)).predicted(["Why?"], np.array([3.0])) for n in (3, 9))
    assert strict[0, 2] > lenient[0, 2]


def test_the_difficulty_score_is_the_expected_level() -> None:
    easy = problem("What is $2+3$?", "$2+3=\\boxed{5}$.")
    hard = problem(
        "Let $a, b, c$ be positive real numbers such that $a + b + c = 1.$  Find the minimum value of "
        "$\\frac{1}{a + 2b} + \\frac{1}{b + 2c} + \\frac{1}{c + 2a}.$"
    )
    low, high, kept = (row["difficulty_score"] for row in label(easy, hard, problem(difficulty_score=2.5)))
    assert 1 <= low < 2.5 < 3.5 < high <= 5  # type: ignore[operator]
    assert kept == 2.5
    levels = bundled("difficulty").predict_proba([hard["question"]]) @ np.arange(1, 6)  # type: ignore[list-item]
    assert high == pytest.approx(levels[0])


@pytest.mark.parametrize(
    ("stage", "question"),
    [
        ("elementary", "小明有15个苹果，吃了6个，又买来8个，现在一共有多少个苹果？"),
        ("elementary", "Tom has 12 marbles and gives 5 to his friends. How many marbles are left?"),
        ("middle", "解方程 $3x-7=2(x+1)$，并求代数式 $x^2-1$ 的值。"),
        ("middle", "Simplify by combining like terms: $3x+2y-5x$."),
        ("high", "已知等差数列 $\\{a_n\\}$ 的前 $n$ 项和为 $S_n$，求数列的通项公式。"),
        ("high", "Solve $\\log_2(x+1)=3$ and state the domain of the logarithmic function."),
        ("university", "Let $G$ be a finite group. Prove that it is isomorphic to a subgroup of a ring."),
        ("university", "求微分方程 $y''+y=0$ 的通解，并证明其解空间的线性无关性。"),
    ],
)  # fmt: skip
def test_topics_decide_the_school_stage(stage: str, question: str) -> None:
    (row,) = label(problem(question))
    assert row["school_stage"] == stage
    probs = np.array(row["school_stage_probs"])
    assert probs.argmax() == SCHOOL_STAGES.index(stage)
    assert probs.sum() == pytest.approx(1.0, abs=0.003)


def test_results_do_not_depend_on_batches() -> None:
    rows = [problem(f"Question {'x' * i} $y^2$?", lines(i) if i % 3 else None) for i in range(9)]
    assert label(*rows) == [row for one in rows for row in label(one)]
    assert set(DIFFICULTIES) >= {row["difficulty"] for row in label(*rows)}
