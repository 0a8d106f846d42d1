"""What the bundled models must know, in both languages, and what must lie beside each of them."""

import numpy as np
import pytest

from mathmill.classifiers import bundled, join_problem
from mathmill.classifiers.text_classifier import MODELS
from mathmill.core.schemas import SCHOOL_STAGES

NAMES = ("math", "problem_page", "school_stage", "difficulty")


def test_all_models_together_are_under_eight_megabytes() -> None:
    assert {path.name for path in MODELS.iterdir() if path.is_dir()} == set(NAMES)
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) < 8_000_000


@pytest.mark.parametrize("name", NAMES)
def test_each_model_has_its_card(name: str) -> None:
    model = bundled(name)
    assert model.card.name == name
    assert model.card.metrics
    assert model.card.training["seed"]
    assert all(row["license"] for row in model.card.data)
    assert not any("benchmark" in row["source"] for row in model.card.data)
    text = (model.folder / "README.md").read_text(encoding="utf-8")
    assert all(words in text for words in (f"# Classifier `{name}`", "## Data", "Limits:", "licence"))
    thresholds = [row["threshold"] for row in model.card.thresholds]
    recalls = [row["recall"] for row in model.card.thresholds]
    assert thresholds == sorted(thresholds)
    assert recalls == sorted(recalls, reverse=True)


SOLVED_PAGE = """Exercise 1. Solve $2x+3=11$.

Solution. Subtracting $3$ gives $2x=8$, so $x=4$.

Exercise 2. Find the area of a circle of radius $5$.

Solution. The area is $\\pi r^2 = 25\\pi$."""
SOLVED_PAGE_ZH = """例1 解方程 $2x+3=11$。

解：移项得 $2x=8$，所以 $x=4$。

例2 求半径为 $5$ 的圆的面积。

解：面积为 $\\pi r^2=25\\pi$。"""
NOT_SOLVED = [
    "The village lies by the river. Its market is held on Saturdays, and most visitors come by train in summer.",
    "Type git commit to record your changes. The option -a stages all files that are already tracked.",
    "春天来了，院子里的桃花开了，孩子们放学以后总要在树下玩上半天，直到天黑才回家吃饭。",
]


def test_a_page_with_problems_and_solutions_is_told_from_prose() -> None:
    model = bundled("problem_page")
    assert model.labels == ("problem_page", "other")
    scores = model.predict_proba([SOLVED_PAGE, SOLVED_PAGE_ZH, *NOT_SOLVED])[:, 0]
    assert (scores[:2] > 0.5).all()
    assert (scores[2:] < 0.1).all()


@pytest.mark.parametrize(
    ("stage", "question"),
    [
        ("elementary", "小明有15个苹果，吃了6个，又买来8个，现在一共有多少个苹果？"),
        ("elementary", "Tom has 12 marbles and gives 5 to his friends. How many marbles are left?"),
        ("middle", "Simplify by combining like terms: $3x+2y-5x$."),
        ("middle", "如图，在平行四边形 $ABCD$ 中，$\\angle A=70^\\circ$，求 $\\angle B$ 的度数。"),
        ("middle", "某班 40 名学生一周的锻炼时间如条形统计图所示，求这组数据的众数与中位数。"),
        ("high", "已知等差数列 $\\{a_n\\}$ 的前 $n$ 项和为 $S_n$，求数列的通项公式。"),
        ("high", "Solve $\\log_2(x+1)=3$ and state the domain of the logarithmic function."),
        ("university", "Let $G$ be a finite group. Prove that it is isomorphic to a subgroup of a ring."),
        ("university", "求微分方程 $y''+y=0$ 的通解，并证明其解空间的线性无关性。"),
    ],
)  # fmt: skip
def test_the_school_stage_follows_the_topic(stage: str, question: str) -> None:
    model = bundled("school_stage")
    assert model.labels == SCHOOL_STAGES
    assert model.labels[model.predict_proba([question])[0].argmax()] == stage


def test_levels_rank_problems_with_and_without_their_solutions() -> None:
    model = bundled("difficulty")
    assert model.labels == ("1", "2", "3", "4", "5")
    easy = ("What is $15\\%$ of $60$?", "We have $0.15\\cdot 60=\\boxed{9}$.")
    hard = (
        "Let $a, b, c$ be complex numbers with $|a|=|b|=|c|=1$ and $\\frac{a^2}{bc}+\\frac{b^2}{ca}+\\frac{c^2}{ab}=-1$"
        ". Find all possible values of $|a+b+c|$.",
        "Let $s = a + b + c$ and note that $\\overline{a} = \\frac{1}{a}$. Multiplying the given equation by $abc$ we "
        "get $a^3+b^3+c^3+abc=0$. Then, by the identity $a^3+b^3+c^3-3abc = s(s^2-3(ab+bc+ca))$, it follows that\n"
        "\\[s^3 = 3s(ab+bc+ca) - 4abc.\\]\nTaking absolute values, $|s|^3 = |3s\\overline{s}-4| = |3|s|^2-4|$, "
        "so $|s| \\in \\{1, 2\\}$, and therefore the answer is $\\boxed{1, 2}$.",
    )
    levels = model.predict_proba([easy[0], hard[0], join_problem(*easy), join_problem(*hard)]) @ np.arange(1, 6)
    assert levels[0] + 1 < levels[1]
    assert levels[2] + 1 < levels[3]
