import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.schemas import DOCUMENT, PROBLEM, record_id, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT
from mathmill.curation.problems import Block, Formula, extract_problems, from_html, from_text, segment_steps
from mathmill.curation.problems.stage import PROBLEMS, ExtractProblems, ExtractProblemsConfig

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def pairs(text: str) -> list[tuple[str, str | None]]:
    return [(problem.question, problem.solution) for problem in from_text(text)]


# --- labels in text ---------------------------------------------------------------------------------------------------


def test_english_labels_part_question_hint_and_solution() -> None:
    text = """Chapter 1
Example 3 shows that things are fine.
Problem 1. Find $x$ if $x+1=2$.
Hint: subtract.
Solution. Subtract 1. So $x=\\boxed{1}$. ∎ More prose follows the proof.

## Exercise 1.2 (Easy)
Prove that (a) $1<2$ and
(b) $2<3$.

**Solution:**
1. First do this.
2. Then do that.

Remark. Not part of it."""
    first, second = from_text(text)
    assert (first.question, first.solution) == ("Find $x$ if $x+1=2$.", "Subtract 1. So $x=\\boxed{1}$.")
    assert (first.answer, first.steps) == ("1", ["Subtract 1.", "So $x=\\boxed{1}$."])
    assert second.question == "Prove that (a) $1<2$ and\n(b) $2<3$."
    assert second.solution == "1. First do this.\n2. Then do that."
    assert second.steps == ["1. First do this.", "2. Then do that."]


def test_chinese_labels_part_question_answer_and_solution() -> None:
    text = """例如，这里没有题目。解方程的方法如下。
例1 求函数 $f(x)=x^2$ 的导数。
解：$f'(x)=2x$。
答：导数是 $2x$。
例2：证明：若 $a>b$，则 $a+c>b+c$。
证明：两边同加 $c$。证毕
【例3】小明有5个苹果，吃了2个，还剩几个？
【答案】3
【解析】5-2=3。
【点评】简单。
第4题 计算 $2\\times 3$。
答：6"""
    assert pairs(text) == [
        ("求函数 $f(x)=x^2$ 的导数。", "$f'(x)=2x$。\n答：导数是 $2x$。"),
        ("证明：若 $a>b$，则 $a+c>b+c$。", "两边同加 $c$。"),
        ("小明有5个苹果，吃了2个，还剩几个？", "5-2=3。"),
        ("计算 $2\\times 3$。", "6"),
    ]
    assert [problem.answer for problem in from_text(text)][2:] == ["3", "6"]


def test_labels_in_the_middle_of_a_line_count_after_a_sentence() -> None:
    text = "练习\n1. 求 $1+1$。答案：2。解析：因为 $1+1=2$。\n2. 求 $1+2$ 的值。答案：3"
    assert pairs(text) == [("求 $1+1$。", "因为 $1+1=2$。"), ("求 $1+2$ 的值。", "3")]
    assert pairs("Problem 7. What is 2+2? Answer: 4") == [("What is 2+2?", "4")]


def test_an_exam_paper_is_matched_with_its_key_by_number() -> None:
    text = """Midterm
1. What is 2+2?
A. 3
B. 4
2. Solve $x-3=0$.
3. Compute $1.5+2$.

Answer Key
1. B 2. $x=3$
3. 3.5"""
    assert pairs(text) == [("What is 2+2?\nA. 3\nB. 4", "B"), ("Solve $x-3=0$.", "$x=3$"), ("Compute $1.5+2$.", "3.5")]


def test_a_chinese_paper_counts_anew_in_each_section() -> None:
    text = """期中考试试卷
一、选择题
1．下列各数中最大的是（  ）
A．1 B．2 C．3 D．4
2．方程的解是（ ）
A. 1 B. 2
二、填空题
1. 计算 $1+1=$ ____．
2. 求 $2+2$ 的值．
三、解答题
3. 已知 $x=1$，求 $x+1$。
参考答案
一、选择题
1-2 DA
二、填空题
1. 2　2. 4
三、解答题
3. 解：$x+1=2$。"""
    assert [solution for _, solution in pairs(text)] == ["D", "A", "2", "4", "$x+1=2$。"]
    assert pairs(text)[0][0] == "下列各数中最大的是（  ）\nA．1 B．2 C．3 D．4"


def test_an_item_that_asks_nothing_needs_a_key() -> None:
    text = "1. The line passes through two points. Its slope?\n2. The first term.\n3. The last term.\n"
    assert pairs(text) == [("The line passes through two points. Its slope?", None)]
    assert [solution for _, solution in pairs(text + "Answer key\n1. 5\n2. 6\n3. 7")] == ["5", "6", "7"]


def test_a_key_of_worked_solutions_keeps_their_lines() -> None:
    questions = "Exercises 3.2\n1. Find $a$.\n2. Find $b$.\n3. Find $c$.\n\n"
    text = questions + "Solutions\n1. It is 5 because of\na long chain.\n2. It is 7."
    assert pairs(text) == [
        ("Find $a$.", "It is 5 because of\na long chain."),
        ("Find $b$.", "It is 7."),
        ("Find $c$.", None),
    ]


def test_solutions_in_a_section_of_their_own_find_their_problems() -> None:
    text = "Problem 1. Find $a$.\n\nProblem 2. Find $b$.\n\nSolution 2. It is 7.\n\nSolution to Problem 1. It is 5."
    assert pairs(text) == [("Find $a$.", "It is 5."), ("Find $b$.", "It is 7.")]


def test_question_and_answer_lists_are_problems() -> None:
    assert pairs("Q: How do I integrate $x$?\nA: Use the power rule.") == [
        ("How do I integrate $x$?", "Use the power rule.")
    ]


@pytest.mark.parametrize(
    "prose",
    [
        "1. Introduction\nThis section is about rings.\n2. Modules\nThis one is about modules.",
        "Problem solving is a skill. Solution methods vary. Answer quickly.",
        "Question everything that you read. Proof of work is a protocol.",
        "例如，解放军的答复是明确的。证据不足。",
        "The example below is short.\n\n1. Wash the rice.\n2. Boil it.\n",
        "",
    ],
)
def test_prose_and_lists_are_no_problems(prose: str) -> None:
    assert from_text(prose) == []


def test_numbered_steps_of_a_solution_open_no_problem() -> None:
    text = "1. Find $x$.\nSolution: Do this:\n1. Add one.\n2. Halve it.\n2. Find $y$.\nSolution: $y=2$."
    assert pairs(text) == [("Find $x$.", "Do this:\n1. Add one.\n2. Halve it."), ("Find $y$.", "$y=2$.")]


def test_labels_inside_code_do_not_count() -> None:
    text = "Problem 1. What does it print?\nAnswer: 7\nSolution: it prints 7.\ncode"
    block = Block(text.index("Answer"), text.index("Solution"), "code")
    (problem,) = extract_problems(text, [], [block])
    assert problem.question == "What does it print?\nAnswer: 7"
    assert problem.solution == "it prints 7.\ncode"


@pytest.mark.parametrize("switch", ["Show solution", "[Click here to see the answer]", "查看解析", "点击展开答案 ▼"])
def test_the_switch_that_opens_a_solution_is_no_part_of_the_question(switch: str) -> None:
    assert pairs(f"Problem 1. Find $x$.\n{switch}\nSolution. It is $2$.") == [("Find $x$.", "It is $2$.")]
    assert pairs(f"Problem 1. Find $x$. {switch}\nSolution. It is $2$.") == [("Find $x$.", "It is $2$.")]


def test_what_only_resembles_a_switch_stays() -> None:
    for question in ("Solve $x<2$. Show the solution.", "Can you see the solutions?", "这道题怎样查看答案？"):
        assert pairs(f"Problem 1. {question}\nSolution. It is $2$.") == [(question, "It is $2$.")]


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("He earns 9 * 2 = $18 every day.", "$18"),
        ("There are 3.\nSo 1,200 + 5 = 1,205 pages are left", "1,205"),
        ("Hence $x=\\frac{58-40}{3}=6$.", "6"),
        ("We get\n$$\\frac{3}{4}-\\frac14=\\frac{1}{2}.$$", "\\frac{1}{2}"),
        ("所以共有 $3\\times 4=12$。", "12"),
        ("Thus $y=2$. The answer is 3.", "3"),
        ("The answer is $3\\cdot 4=12$.", "12"),
        ("He has 72.\n#### 72", "72"),
        ("It holds with equality when $x=4$.", None),
        ("The solutions are $x=1$ and $x=4$.", None),
        ("The line is $x-2y=0$.", None),
        ("Hence $a+b=c$.", None),
        ("She has 3 + 4 = 7 apples and 2 pears.", None),
        ("Then $f(x)=2$ is constant.", None),
    ],
)
def test_the_end_of_a_calculation_is_its_answer(solution: str, answer: str | None) -> None:
    (problem,) = from_text(f"Problem 1. Find it.\nSolution. {solution}")
    assert problem.answer == answer


def test_a_proof_has_no_answer() -> None:
    assert from_text("Problem 1. Show that $1+1=2$.\nProof. By Peano, $1+1=2$.")[0].answer is None


# --- blocks -----------------------------------------------------------------------------------------------------------


def page(*parts: str | tuple[str, ...]) -> tuple[str, list[Block]]:
    """Write parts below each other; a tuple is (role, ...parts)."""
    text, blocks = "", []

    def write(part: str | tuple[str, ...]) -> None:
        nonlocal text
        if isinstance(part, str):
            text += part + "\n"
            return
        start = len(text)
        for inner in part[1:]:
            write(inner)
        blocks.append(Block(start, len(text) - 1, part[0]))

    for part in parts:
        write(part)
    return text, blocks


def block_pairs(*parts: object) -> list[tuple[str, str | None]]:
    text, blocks = page(*parts)  # type: ignore[arg-type]
    return [(problem.question, problem.solution) for problem in extract_problems(text, [], blocks)]


def test_an_exercise_with_its_parts_marked_is_a_problem() -> None:
    exercise = (
        "exercise",
        ("heading", "Exercise 3"),
        ("statement", "Solve $x=2x$."),
        ("hint", "Try."),
        ("solution", "Solution.", "$x=0$."),
    )
    assert block_pairs("Lesson.", exercise, "More lesson.") == [("Solve $x=2x$.", "$x=0$.")]


def test_what_is_no_solution_is_the_question() -> None:
    assert block_pairs(
        ("example", ("heading", "Example 2.1"), "Find $a$.", "Find $b$.", ("solution", "Both are 1."))
    ) == [("Find $a$.\nFind $b$.", "Both are 1.")]


def test_a_group_gives_its_instruction_to_each_exercise() -> None:
    group = ("exercise", "Simplify.", ("exercise", "$2+2$", ("answer", "4")), ("exercise", "$3+3$", ("answer", "6")))
    assert block_pairs(group) == [("Simplify.\n\n$2+2$", "4"), ("Simplify.\n\n$3+3$", "6")]


def test_an_instruction_before_a_run_of_exercises_goes_to_each() -> None:
    first, second, third = (("exercise", f"${n}+{n}$", ("answer", f"{2 * n}")) for n in (1, 2, 3))
    asked = "In the following exercises, simplify."
    assert block_pairs("Lesson.", asked, first, second, "Prose.", third) == [
        (f"{asked}\n\n$1+1$", "2"),
        (f"{asked}\n\n$2+2$", "4"),
        ("$3+3$", "6"),
    ]
    assert block_pairs(asked, ("exercise", ".", ("answer", "5"))) == []  # a picture, lost


def test_an_exercise_without_marked_parts_is_read_by_its_labels() -> None:
    assert block_pairs(("exercise", "Find $a$ if $a=1$.", "Solution: It is 1."), "After.") == [
        ("Find $a$ if $a=1$.", "It is 1.")
    ]
    assert block_pairs(("exercise", "Find $a$."), "Solution: not its own.") == [("Find $a$.", None)]


def test_a_hidden_solution_belongs_to_the_problem_before_it() -> None:
    assert block_pairs("Problem 1. Find $a$.", ("solution", "It is 1."), "Problem 2. Find $b$.", ("answer", "2")) == [
        ("Find $a$.", "It is 1."),
        ("Find $b$.", "2"),
    ]


def test_a_question_takes_the_accepted_reply_or_else_the_first() -> None:
    question, first, accepted = ("question", "Why is $1<2$?"), ("reply", "Look."), ("accepted_reply", "By definition.")
    assert block_pairs(question, first, accepted, ("reply", "Me too.")) == [("Why is $1<2$?", "By definition.")]
    assert block_pairs(question, first, ("reply", "Me too.")) == [("Why is $1<2$?", "Look.")]
    assert block_pairs(question) == [("Why is $1<2$?", None)]


def test_posts_lose_their_floor_and_title_and_must_ask() -> None:
    question, reply = ("question", "1楼", "求 $1+1$ 的值"), ("accepted_reply", "沙发", "### 最佳答案", "| 等于 $2$。 |")
    assert block_pairs(question, reply) == [("求 $1+1$ 的值", "等于 $2$。")]
    assert block_pairs(("question", "The server is down today."), ("reply", "Thanks.")) == []


def test_a_heading_ends_a_solution() -> None:
    assert block_pairs("Problem 1. Find $a$.", "Solution. It is 1.", ("heading", "Next chapter"), "Prose.") == [
        ("Find $a$.", "It is 1.")
    ]


# --- formulas, spans, robustness --------------------------------------------------------------------------------------


def test_formulas_move_with_their_part() -> None:
    text = "Lesson $z$.\nProblem 1. Find $x$ in $x=1$.\nSolution. It is $1$."
    formulas = [Formula(m, m + len(f), False, "tex") for f in ("$z$", "$x$", "$x=1$", "$1$") for m in [text.index(f)]]
    (problem,) = extract_problems(text, formulas, [])
    assert [problem.question[f.start : f.end] for f in problem.question_formulas] == ["$x$", "$x=1$"]
    assert [(problem.solution or "")[f.start : f.end] for f in problem.solution_formulas] == ["$1$"]
    assert [text[slice(*span)].strip() for span in problem.spans] == [problem.question, problem.solution]


PIECES = (
    "Problem 1.", "Solution:", "Answer: 3", "1.", "2.", "(a)", "答案", "解：", "例2", "Answers\n", "参考答案\n1-3 ABC",
    "$x$", "word", "。", "∎", "\n", "\n\n", "## H\n",
)  # fmt: skip
ROLES = ("exercise", "solution", "statement", "question", "reply", "heading", "code", "answer")


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=40),
    st.lists(st.tuples(st.integers(0, 150), st.integers(0, 80), st.sampled_from(ROLES)), max_size=8),
)
def test_any_mixture_of_labels_and_blocks_gives_sound_problems(
    parts: list[str], raw: list[tuple[int, int, str]]
) -> None:
    text = " ".join(parts)
    blocks = [Block(min(s, len(text)), min(s + n, len(text)), role) for s, n, role in raw]
    for problem in extract_problems(text, [], blocks):
        assert problem.question.strip() == problem.question != ""
        for start, end in problem.spans:
            assert 0 <= start <= end <= len(text)
            assert problem.solution is not None or problem.n_steps == 0
        assert all(problem.steps)


def test_hostile_repetition_takes_linear_time() -> None:
    for piece in (
        "Problem 1. ",
        "1. a\n",
        "答案：",
        "Solution 3.\n",
        "(",
        "$",
        "1-2 AB\n",
        "e.g. ",
        "[asy]",
        "【",
        "Answers\n1. a\n",
    ):
        from_text(piece * (100_000 // len(piece)))


# --- steps ------------------------------------------------------------------------------------------------------------


def steps(solution: str) -> list[str]:
    return [solution[start:end] for start, end in segment_steps(solution)]


def test_lines_are_steps_and_the_answer_line_is_none() -> None:
    assert steps("He has 2.\nSo 4 in all.\n#### 4") == ["He has 2.", "So 4 in all."]
    assert steps("先求和：1+2=3。\n再乘：3×2=6。\n答：6个。") == ["先求和：1+2=3。", "再乘：3×2=6。"]


def test_a_paragraph_is_cut_into_sentences_but_not_inside_formulas() -> None:
    assert steps("Let $f(x) = 1. x$. Then e.g. $x=1.5$ works. So 3.") == [
        "Let $f(x) = 1. x$.",
        "Then e.g. $x=1.5$ works.",
        "So 3.",
    ]
    assert steps("首先求和，其次求积。因此得3，所以成立。") == ["首先求和，", "其次求积。", "因此得3，", "所以成立。"]


def test_numbered_steps_gather_their_lines() -> None:
    assert steps("Step 1: Add.\n$1+1=2$\nStep 2: Halve.\n$2/2=1$") == [
        "Step 1: Add.\n$1+1=2$",
        "Step 2: Halve.\n$2/2=1$",
    ]


def test_a_formula_on_its_own_line_goes_on_with_the_step() -> None:
    assert steps("We add:\n$$1+1\n=2.$$\nThen\n= 3") == ["We add:\n$$1+1\n=2.$$", "Then\n= 3"]


def test_an_empty_solution_has_no_steps() -> None:
    assert steps("") == steps(" \n. ") == []


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(alphabet="ab1 .。\n$=，因此!Step\\[]()", max_size=80))
def test_steps_are_ordered_disjoint_and_lose_no_letter(solution: str) -> None:
    spans = segment_steps(solution, [])
    assert all(start < end for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    if spans:
        between = [solution[a[1] : b[0]] for a, b in pairwise(spans)]
        outside = solution[: spans[0][0]] + "".join(between)
        assert not any(c.isalnum() for c in outside)


def test_steps_of_gsm8k_are_counted() -> None:
    zstandard = pytest.importorskip("zstandard")
    path = DATA / "problems" / "gsm8k_train.jsonl.zst"
    if not path.is_file():
        pytest.skip("no shared data")
    rows = [
        json.loads(line) for line in zstandard.ZstdDecompressor().stream_reader(path.open("rb")).read().splitlines()
    ]
    near = sum(abs(len(segment_steps(row["solution"])) - row["n_steps"]) <= 1 for row in rows)
    assert near / len(rows) >= 0.99


# --- stage ------------------------------------------------------------------------------------------------------------


def document(doc_id: str, text: str, **values: object) -> dict[str, object]:
    row = {"doc_id": doc_id, "source": "s", "locator": {"file": "f", "record": 4, "offset": 9}, "text": text}
    return {**row, "license": "CC0-1.0", "lang": "en", "formulas": [], "blocks": [], "formula_counts": [], **values}


def test_documents_pass_and_problems_leave_through_their_port() -> None:
    text = "Problem 1. Find $x$.\nSolution. First add. Then $x=\\boxed{3}$.\n\n"
    text += "Problem 2. Find $y$.\n\nProblem 3. Ok?\nAnswer: 1"
    formula = {"start": text.index("$x="), "end": text.index("$x=") + 13, "display": False, "encoding": "tex_dollar"}
    batch = to_batch([document("a", text, formulas=[formula]), document("b", "Prose.")], DOCUMENT)
    stage = ExtractProblems(ExtractProblemsConfig())
    assert stage.output_schemas(DOCUMENT) == {OUT: DOCUMENT, PROBLEMS: PROBLEM}
    ports = dict(stage.process(iter([batch])))
    assert ports[OUT].equals(batch)
    assert ports[PROBLEMS].schema == PROBLEM
    (row,) = ports[PROBLEMS].to_pylist()
    assert row["problem_id"] == record_id("a", 0)
    assert (row["question"], row["solution"]) == ("Find $x$.", "First add. Then $x=\\boxed{3}$.")
    assert row["solution_formulas"] == [{**formula, "start": 16, "end": 29}]
    assert (row["answer"], row["n_steps"], row["steps"]) == (
        "3",
        2,
        [{"start": 0, "end": 10}, {"start": 11, "end": 30}],
    )
    assert (row["method"], row["style"], row["loss_weight"]) == ("extracted", "cot", 1.0)
    assert (row["doc_id"], row["license"], row["lang"], row["locator"]["record"]) == ("a", "CC0-1.0", "en", 4)
    assert [(d["id"], d["reason"]) for d in ports[DROPPED_PORT].to_pylist()] == [
        (record_id("a", 1), "no_solution"),
        (record_id("a", 2), "short_question"),
    ]


def test_questions_alone_are_kept_on_request() -> None:
    batch = to_batch([document("a", "Problem 2. Find $y$ please.")], DOCUMENT)
    ports = dict(ExtractProblems(ExtractProblemsConfig(require_solution=False)).process(iter([batch])))
    (row,) = ports[PROBLEMS].to_pylist()
    assert (row["solution"], row["n_steps"], row["steps"]) == (None, 0, [])


def test_a_page_gives_its_problems() -> None:
    html = b"""<html><body><main><h1>Sums</h1><p>Some words about sums come first, enough for a page.</p>
    <h2>Problem 1</h2><p>Find \\(x\\) if \\(x+1=3\\).</p><h3>Solution</h3><p>Subtract 1, so \\(x=\\boxed{2}\\).</p>
    </main></body></html>"""
    (problem,) = from_html(html, "https://example.org/sums")
    assert "x+1=3" in problem.question
    assert problem.answer == "2"
