"""Complaints about problems that are not whole, and the stage that drops by them."""

from pathlib import Path

import pytest

from mathmill.core.schemas import PROBLEM, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT, StageContext
from mathmill.curation.problems.complete import Complete, CompleteConfig
from mathmill.curation.problems.completeness import COMPLAINTS, complaints, is_figure_missing, reaches


@pytest.mark.parametrize(
    ("question", "solution", "expected"),
    [
        ("What is $2+3$?", "Adding gives $5$.", []),
        ("Simplify:", "Adding gives $5$.", ["unfinished_question"]),
        ("Find the sum of 2 and 3 with the", "Adding gives $5$.", ["unfinished_question"]),
        ("The value of $2+3$ is", "Adding gives $5$.", []),
        ("计算：$2+3=$", "等于 $5$。", []),
        ("What is $2+3$?", "Adding the two gives $5$, since the number three is", ["unfinished_solution"]),
        ("What is $2+3$?", "Adding gives $5$. Log in to view the full answer", ["unfinished_solution"]),
        ("What is $2+3$?", "Adding gives $5$ ... Read more", ["unfinished_solution"]),
        ("What is $2+3$?", "We add the two numbers to get $5$, which is $\\frac{10}", ["unfinished_solution"]),
        ("What is $2+3$?", "\\begin{align}2+3&=5", ["unfinished_solution"]),
        ("求 $2+3$。", "两数相加得 $5$，登录后查看完整解析", ["unfinished_solution"]),
        (
            "求 $2+3$。",
            "先把前面的两个数相加，可以得到 $5$，再把得到的结果代入前面给出的方程，于是",
            ["unfinished_solution"],
        ),
        ("求 $2+3$。", "5，", []),
        ("In the diagram, find $x$ if $2+3=x$.", "It is $5$.", ["missing_figure"]),
        ("如图，$2+3$ 等于多少？", "$5$", ["missing_figure"]),
        ("How many cats can be seen in the picture below?", "There are 5.", ["missing_figure"]),
        ("What is $2+3$?", "Adding gives $6$.", ["answer_not_reached"]),
    ],
)
def test_complaints(question: str, solution: str, expected: list[str]) -> None:
    assert complaints(question, solution, "5") == expected


def test_a_problem_without_an_answer_is_noted_unless_it_asks_for_a_proof() -> None:
    assert complaints("What is the sum?", "A sum.", None) == ["no_answer"]
    assert complaints("Prove that there is a sum.", "A sum.", None) == []
    assert complaints("What is $2+3$?", None, "5") == []


@pytest.mark.parametrize(
    "question",
    [
        "In the figure, find the area.\n[asy]draw((0,0)--(1,1));[/asy]",
        "The table below lists prices.\n| a | 1 |\nHow much is $a$?",
        "Which of the following is equal to the product shown below? $2\\cdot 3$",
        "Two circles are drawn in a rectangle of 12 by 14. How far apart are they?",
        "She took 24 pictures at the zoo and 12 below deck. How many pictures?",
        "Where does the graph of $y=x^2$ meet the number line?",
        "下面的信息资料中，最适合用条形统计图表示的是（ ）．",
        "在图中的任意顶点出发，求最短路。",
    ],
)
def test_words_for_pictures_alone_miss_no_figure(question: str) -> None:
    assert not is_figure_missing(question)


@pytest.mark.parametrize(
    ("solution", "answer", "expected"),
    [
        ("Half of it is 0.5.", "50%", True),
        ("So there are 1,296,540 ways.", r"1,\!296,\!540", True),
        (r"The answer is $\frac{\mathbf{2 7}}{\mathbf{1 0 6}}=\mathbf{4 2}$.", "42", True),
        (r"Thus $x=\boxed{\frac12}$.", "0.5", True),
        ("x=(5-1)*4+2", "18", True),
        ("3 × 4", "12", True),
        (r"By symmetry $x=3\pm 2\sqrt 2$.", r"3 \pm 2\sqrt{2}", True),
        ("The sum is 12.", "13", False),
        (r"Thus $x=\frac{1}{3}$.", r"\frac{2}{3}", False),
        ("因此选择第二项。", "B", True),
    ],
)
def test_an_answer_is_reached_where_its_value_occurs(solution: str, answer: str, expected: bool) -> None:
    assert reaches(solution, answer) is expected


def test_the_stage_drops_what_stops_and_counts_everything(tmp_path: Path) -> None:
    problems = [
        ("What is $2+3$?", "Adding gives $5$.", "5"),
        ("Simplify:", "It is $5$.", "5"),
        ("In the diagram, find $x$.", "It is $5$.", None),
    ]
    rows = [
        {
            "problem_id": str(i), "doc_id": "d", "source": "s", "locator": {"file": "f", "record": 0, "offset": 0},
            "lang": "en", "license": "CC0-1.0", "question": q, "solution": s, "answer": a, "question_formulas": [],
            "solution_formulas": [], "steps": [], "n_steps": 0, "method": "extracted", "style": "cot",
            "loss_weight": 1.0,
        }
        for i, (q, s, a) in enumerate(problems)
    ]  # fmt: skip
    stage = Complete(CompleteConfig())
    stage.open(StageContext(scratch=tmp_path))
    ports = dict(stage.process(iter([to_batch(rows, PROBLEM)])))
    assert ports[OUT].column("problem_id").to_pylist() == ["0", "2"]
    assert [(d["id"], d["reason"]) for d in ports[DROPPED_PORT].to_pylist()] == [("1", "unfinished_question")]
    assert stage.facts == {
        "complaint:unfinished_question": 1,
        "complaint:missing_figure": 1,
        "complaint:no_answer": 1,
    }
    everything = Complete(CompleteConfig(drop=COMPLAINTS))  # type: ignore[arg-type]
    everything.open(StageContext(scratch=tmp_path))
    assert dict(everything.process(iter([to_batch(rows, PROBLEM)])))[OUT].num_rows == 1


@pytest.mark.parametrize(
    "piece", ["$", "\\frac", "the ", "in the figure ", "1 ", "如图", "(", "{", "\\begin{", "1,000,"]
)
def test_hostile_problems_cost_little(piece: str) -> None:
    text = piece * (50_000 // len(piece))
    assert set(complaints(text, text, "7")) <= set(COMPLAINTS)
