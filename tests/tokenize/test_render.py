from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mathmill.core.mathtext import find_formulas
from mathmill.core.schemas import DOCUMENT, PROBLEM, to_batch
from mathmill.tokenize.cut_points import cut_bytes, inside
from mathmill.tokenize.render import RenderConfig, Rendered, render_documents, render_problems
from mathmill.tokenize.utf8 import byte_offsets, text_buffer

LOCATOR = {"file": "a.warc.gz", "record": 0, "offset": 0}


def formulas(text: str) -> list[dict[str, Any]]:
    return [{"start": f.start, "end": f.end, "display": f.display, "encoding": "tex"} for f in find_formulas(text)]


def documents(*texts: str, blocks: Any = ()) -> pa.RecordBatch:
    return to_batch(
        [
            {
                "doc_id": f"d{i}",
                "source": "s",
                "locator": LOCATOR,
                "text": text,
                "formulas": formulas(text),
                "blocks": list(blocks),
                "formula_counts": [],
            }
            for i, text in enumerate(texts)
        ],
        DOCUMENT,
    )


def problem(question: str, solution: str | None = None, steps: Any = (), **values: Any) -> dict[str, Any]:
    spans = [{"start": (solution or "").index(step), "end": (solution or "").index(step) + len(step)} for step in steps]
    return {
        "problem_id": "p",
        "doc_id": "d",
        "source": "s",
        "locator": LOCATOR,
        "question": question,
        "solution": solution,
        "question_formulas": formulas(question),
        "solution_formulas": formulas(solution or ""),
        "steps": spans,
        "n_steps": len(spans),
        "method": "extracted",
        "loss_weight": 1.0,
    } | values


def problems(*rows: dict[str, Any], **config: Any) -> Rendered:
    return render_problems(to_batch(rows, PROBLEM), RenderConfig(**config))


def parts(rendered: Rendered) -> list[list[tuple[str, int]]]:
    """The pieces of each text between its cuts, each with the rank of the cut before it (9: the text's beginning)."""
    data, bounds = text_buffer(rendered.texts)
    places, ranks = cut_bytes(rendered)
    found = []
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        here = (places > start) & (places < end)
        edges = [start, *places[here].tolist(), end]
        pieces = [bytes(data[a:b]).decode() for a, b in pairwise(edges)]
        found.append(list(zip(pieces, [9, *ranks[here].tolist()], strict=True)))
    return found


def spans_of(rendered: Rendered, spans: np.ndarray) -> list[str | None]:
    data, _ = text_buffer(rendered.texts)
    return [None if start < 0 else bytes(data[start:end]).decode() for start, end in spans.tolist()]


def test_a_document_is_rendered_as_it_is() -> None:
    rendered = render_documents(documents("One.\n\nTwo $x$.", "", "三。"))
    assert rendered.texts.to_pylist() == ["One.\n\nTwo $x$.", "", "三。"]
    assert spans_of(rendered, rendered.supervised) == ["One.\n\nTwo $x$.", "", "三。"]
    assert spans_of(rendered, rendered.formulas) == ["$x$"]


def test_paragraphs_lines_and_sentences_may_be_cut_in_that_order_of_rank() -> None:
    text = "One is odd. Is two? Yes!\nNext line\n \n\nNew paragraph."
    assert parts(render_documents(documents(text))) == [
        [("One is odd.", 9), (" Is two?", 2), (" Yes!\n", 2), ("Next line\n \n\n", 2), ("New paragraph.", 0)]
    ]


def test_chinese_sentences_end_without_a_space() -> None:
    assert parts(render_documents(documents("设两数。求和！“对吗？”对。"))) == [
        [("设两数。", 9), ("求和！", 2), ("“对吗？”", 2), ("对。", 2)]
    ]


def test_a_full_width_full_stop_ends_a_sentence_but_no_number_and_no_item() -> None:
    text = "１．求３．５与2．5的和．共3．答案：A．1 B．２\n12．因为ＡＢ．．．所以x=3．"
    assert parts(render_documents(documents(text))) == [
        [
            ("１．求３．５与2．5的和．", 9),
            ("共3．", 2),
            ("答案：A．1 B．２\n", 2),
            ("12．因为ＡＢ．．．", 2),
            ("所以x=3．", 2),
        ]
    ]


def test_numbers_and_item_numbers_are_not_cut() -> None:
    assert parts(render_documents(documents("12. Show that 3.5 > 3.\n 2. So it is. Done"))) == [
        [("12. Show that 3.5 > 3.\n", 9), (" 2. So it is.", 2), (" Done", 2)]
    ]


def test_no_cut_is_made_inside_a_formula() -> None:
    text = "Let $a. b\nc$ be. Then\n\n$$x. y\n\nz$$\n\nend"
    assert parts(render_documents(documents(text))) == [
        [("Let $a. b\nc$ be.", 9), (" Then\n\n", 2), ("$$x. y\n\nz$$\n\n", 0), ("end", 0)]
    ]


def test_code_is_cut_at_line_ends_only() -> None:
    text = "See.\n\nx = 1. + 2. + 3\n\ny\n\nDone."
    code = {"start": text.index("x ="), "end": text.index("\n\nDone"), "role": "code"}
    assert parts(render_documents(documents(text, blocks=[code]))) == [
        [("See.\n\n", 9), ("x = 1. + 2. + 3\n\n", 0), ("y\n\n", 2), ("Done.", 0)]
    ]


def test_a_problem_is_question_blank_line_solution() -> None:
    rendered = problems(
        problem("What is $1+1$?", "It is \\boxed{2}.", answer="2"),
        problem("一加一等于几？", "答案是 $\\boxed{2}$。", lang="zh", answer="2"),
        problem("Only asked?"),
    )
    assert rendered.texts.to_pylist() == [
        "What is $1+1$?\n\nIt is \\boxed{2}.",
        "一加一等于几？\n\n答案是 $\\boxed{2}$。",
        "Only asked?",
    ]
    assert spans_of(rendered, rendered.formulas) == ["$1+1$", "$\\boxed{2}$"]
    first, second, third = spans_of(rendered, rendered.answers)
    assert "2" in (first or "")
    assert "2" in (second or "")
    assert third is None


def test_an_answer_that_the_solution_does_not_state_is_written_after_it() -> None:
    rendered = problems(
        problem("What is $1+1$?", "Count your fingers", answer="2"),
        problem("一加一？", "数手指", lang="zh", answer="2个"),
        problem("What?", answer="42", lang="fr"),
    )
    assert rendered.texts.to_pylist() == [
        "What is $1+1$?\n\nCount your fingers\n\nAnswer: 2",
        "一加一？\n\n数手指\n\n答案：2个",
        "What?\n\nAnswer: 42",
    ]
    assert spans_of(rendered, rendered.answers) == ["2", "2个", "42"]


def test_steps_may_be_cut_but_not_the_last_from_the_answer() -> None:
    rendered = problems(
        problem(
            "Find $x$. Explain.",
            "First, add. It works.\nThen halve. So nearly there.\nThe answer is \\boxed{3}.",
            ["First", "Then halve. So nearly there.\nThe answer is \\boxed{3}."],
        )
    )
    assert parts(rendered) == [
        [
            ("Find $x$.", 9),
            (" Explain.\n\n", 2),
            ("First, add.", 0),
            (" It works.\n", 2),
            ("Then halve. So nearly there.\nThe answer is \\boxed{3}.", 1),
        ]
    ]


def test_a_written_answer_stays_with_the_last_line_of_its_solution() -> None:
    rendered = problems(problem("Q. Why?", "Line one.\nLine two.", answer="7"))
    assert parts(rendered) == [[("Q.", 9), (" Why?\n\n", 2), ("Line one.\n", 0), ("Line two.\n\nAnswer: 7", 2)]]


def test_only_the_solution_is_supervised_where_that_is_asked() -> None:
    rendered = problems(
        problem("Was ist é?", "é ist\n\\boxed{1}"),
        problem("What?", answer="42"),
        problem("What?"),
        supervise="solution",
    )
    assert spans_of(rendered, rendered.supervised) == ["é ist\n\\boxed{1}", "42", ""]


def test_templates_are_chosen_by_language_and_may_hold_braces() -> None:
    templates = {"en": "Q: {question}\nA: {solution}", "zh": "{{问}}{question}【{answer}】{solution}"}
    rendered = problems(
        problem("a?", "b", lang="zh", answer="c"),
        problem("a?", "b", lang=None, answer="c"),
        problem("a?", "b", lang="de", answer="c"),
        problem_template=templates,
    )
    assert spans_of(rendered, rendered.answers) == ["c", None, None]
    assert rendered.texts.to_pylist() == ["{问}a?【c】b", "Q: a?\nA: b", "Q: a?\nA: b"]


@pytest.mark.parametrize(
    ("templates", "sentence"),
    [
        ({"en": "{question} {hint}"}, "not {hint}"),
        ({"en": "{question.__class__}"}, "not {question.__class__}"),
        ({"en": "{question!r}"}, "has the fields"),
        ({"en": "{solution}"}, "has {question}"),
        ({"en": "{question}{question}"}, "each field once"),
        ({"en": "{question"}, "expected '}'"),
        ({"zh": "{question}"}, 'a template for "en"'),
    ],
)
def test_a_wrong_template_is_refused(templates: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        RenderConfig(problem_template=templates)


TEXT = st.text(alphabet="ab é中🤔\n.。$", max_size=20)


ROW = st.tuples(TEXT, st.one_of(st.none(), TEXT), st.one_of(st.none(), TEXT))


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=5), st.data())
def test_spans_move_with_their_field_in_any_batch(
    rows: list[tuple[str, str | None, str | None]], data: st.DataObject
) -> None:
    batch, expected = [], []
    for question, solution, answer in rows:
        start = data.draw(st.integers(0, len(question)))
        end = data.draw(st.integers(start, len(question)))
        row = problem(question, solution, answer=answer, lang=data.draw(st.sampled_from(["en", "zh", None])))
        batch.append(row | {"question_formulas": [{"start": start, "end": end, "display": False, "encoding": "tex"}]})
        expected.append(question[start:end])
    rendered = render_problems(to_batch(batch, PROBLEM).slice(1), RenderConfig())
    n = len(rendered.texts)
    assert n == len(rows) - 1
    assert spans_of(rendered, rendered.formulas[:n]) == expected[1:]
    places, _ = cut_bytes(rendered)
    assert not inside(places, rendered.formulas).any()
    assert (np.diff(places) > 0).all()


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5), st.data())
def test_characters_and_bytes_agree_with_encoding_each_text(texts: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=10))
    chars = [data.draw(st.integers(0, len(texts[row]) + 2)) for row in rows]
    bounds = np.cumsum([0, *(len(text.encode()) for text in texts)])
    found = byte_offsets(pa.array(texts, pa.large_string()), np.array(rows, np.int64), np.array(chars, np.int64))
    assert found.tolist() == [bounds[r] + len(texts[r][:c].encode()) for r, c in zip(rows, chars, strict=True)]
