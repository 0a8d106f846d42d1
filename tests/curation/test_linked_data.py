"""schema.org JSON-LD: what a page states for search engines and does not show is read like its own text."""

import json

import pytest

from mathmill.curation.extract import extract_html
from mathmill.curation.problems import from_html

SHELL = "<p>Please sign in to see the worked answer to this question of our community.</p>"


def page(data: object, body: str = SHELL) -> bytes:
    script = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f'<html><head><script type="application/ld+json">{script}</script></head><body>{body}</body></html>'.encode()


def question(text: str, **more: object) -> dict[str, object]:
    return {"@type": "Question", "text": text, **more}


def answer(text: str, **more: object) -> dict[str, object]:
    return {"@type": "Answer", "text": text, **more}


def parts(html: bytes) -> list[tuple[str, str | None, str | None]]:
    return [(p.question, p.solution, p.answer) for p in from_html(html)]


def test_the_accepted_answer_of_a_question_page_is_its_solution() -> None:
    asked = question(
        "How do I solve $x^2-5x+6=0$ where $x<10$?",
        acceptedAnswer=answer("Factor: $(x-2)(x-3)=0$.\nThe answer is $x=2$ or $x=3$."),
        suggestedAnswer=[answer("Guess.", upvoteCount=9)],
    )
    html = page({"@context": "https://schema.org", "@type": "QAPage", "mainEntity": asked})
    assert parts(html) == [
        (
            "How do I solve $x^2-5x+6=0$ where $x<10$?",
            "Factor: $(x-2)(x-3)=0$.\nThe answer is $x=2$ or $x=3$.",
            "$x=2$ or $x=3$",
        )
    ]


def test_without_an_accepted_answer_the_one_with_most_votes_counts() -> None:
    asked = question(
        "求 $1+2+\\cdots+100$ 的和？",
        suggestedAnswer=[answer("不知道", upvoteCount=0), answer("首尾配对，答案是 $5050$。", upvoteCount="12")],
    )
    html = page([{"@type": "QAPage", "mainEntity": [asked]}])
    assert parts(html) == [("求 $1+2+\\cdots+100$ 的和？", "首尾配对，答案是 $5050$。", "5050")]


def test_a_quiz_gives_its_options_in_their_order_and_the_explanation_of_the_right_one() -> None:
    asked = question(
        "What is \\(2+3\\)?",
        eduQuestionType="Multiple choice",
        suggestedAnswer=[answer("6", position=2), answer("4", position=0)],
        acceptedAnswer=answer("5", position=1, answerExplanation={"text": "Adding \\(3\\) to \\(2\\) gives \\(5\\)."}),
    )
    html = page({"@type": "Quiz", "hasPart": [asked]})
    assert parts(html) == [("What is $2+3$?\n\nA. 4\n\nB. 5\n\nC. 6", "Adding $3$ to $2$ gives $5$.", "5")]


def test_a_flashcard_with_markup_is_read_like_html() -> None:
    asked = question("The area of a circle of radius <i>r</i>?", acceptedAnswer=answer("&pi;r<sup>2</sup>"))
    html = page({"@graph": [{"@type": ["Quiz"], "hasPart": asked}]})
    assert parts(html) == [("The area of a circle of radius r?", "πr^{2}", "πr^{2}")]


def test_what_the_page_shows_is_not_repeated() -> None:
    asked = question("How many primes are below $10$?", acceptedAnswer=answer("There are $4$."))
    body = (
        '<div itemscope itemtype="https://schema.org/Question"><p itemprop="text">How many primes are below $10$?</p>'
        '</div><div itemprop="acceptedAnswer"><p>There are $4$.</p></div>'
    )
    html = page({"@type": "QAPage", "mainEntity": asked}, body)
    text = extract_html(html).text
    assert text.count("primes") == 1
    assert text.count("There are") == 1


def test_formulas_of_linked_data_are_counted_and_have_spans() -> None:
    asked = question("Is $\\sqrt{2}$ rational?", acceptedAnswer=answer("No: $2q^2=p^2$ has no solution."))
    extracted = extract_html(page({"@type": "QAPage", "mainEntity": asked}))
    assert [extracted.text[f.start : f.end] for f in extracted.formulas] == ["$\\sqrt{2}$", "$2q^2=p^2$"]
    assert extracted.found == extracted.kept == {"tex_dollar": 2}


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[" * 100_000,
        '{"@type": "QAPage", "mainEntity": ' * 500,
        '{"@type": "QAPage", "mainEntity": {"@type": "Question", "text": 7, "acceptedAnswer": {"text": ["x"]}}}',
        '{"@type": 5, "mainEntity": {"@type": "Question", "text": "2+2?", "acceptedAnswer": "4"}}',
        '{"@type": "Recipe", "hasPart": {"@type": "Question", "text": "2+2?", "acceptedAnswer": "4"}}',
        '{"@type": "QAPage", "mainEntity": {"@type": "Question", "text": "2+2?"}}',
    ],
)
def test_what_states_no_question_and_answer_changes_nothing(data: str) -> None:
    assert extract_html(page(data)).text == extract_html(page("")).text


def test_a_script_with_raw_line_breaks_in_comments_is_read() -> None:
    asked = '{"@type":"QAPage","mainEntity":{"@type":"Question","text":"What is\n$2^3$?","acceptedAnswer":"$8$"}}'
    assert parts(page(f"<!--\n{asked}\n-->")) == [("What is\n$2^3$?", "$8$", "8")]
