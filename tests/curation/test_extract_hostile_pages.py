"""Small pages of every kind that loses, doubles or misreads formulas, each with the exact text that it must give.

The pages stand in `hostile_pages*.txt`: `=== kind: name`, the page, `---`, its text. Those that no text file can hold
(other charsets, control characters) stand here.
"""

from pathlib import Path

import pytest

from mathmill.curation.extract import extract_html

PAGES = [
    (name, *page.split("\n---\n"))
    for file in sorted(Path(__file__).parent.glob("hostile_pages*.txt"))
    for name, page in (entry.split("\n", 1) for entry in file.read_text("utf-8").removeprefix("=== ").split("\n\n=== "))
]

ODD_CHARACTERS = [
    ("If $x\u200b^2$ then", "If $x^2$ then"),
    ("If $x\u00ad^2$ then", "If $x^2$ then"),
    ("If $\x08oldsymbol{x}$ then", r"If $\boldsymbol{x}$ then"),
    ("If \\(\x08eta + \x08ar{x}\\) then", r"If $\beta + \bar{x}$ then"),
    ("If $\x07lpha$ then", r"If $\alpha$ then"),
    ("If $\x0crac{1}{2}$ then", r"If $\frac{1}{2}$ then"),
    ("If $\x0bec{v}$ then", r"If $\vec{v}$ then"),
    ("If \\(x\\)\0 then", "If $x$ then"),
    ("If\u00a0\\(x\\)\u00a0then", "If $x$ then"),
    ("\ufeffIf \\(x\\) then", "If $x$ then"),
]

CHARSETS = [
    ("gb2312", "gb18030", "设\\(x\\)为实数，求\\(x^2\\)的最小值。"),
    ("utf-8", "gbk", "设\\(x\\)为实数，求\\(x^2\\)的最小值，并说明理由。数学是科学的皇后。"),
    ("gbk", "utf-8", "设\\(x\\)为实数，求\\(x^2\\)。"),
    ("big5", "big5", "設\\(n\\)為正整數，證明\\(n^2+n\\)為偶數。"),
    ("", "big5", "設\\(n\\)為正整數，證明\\(n^2+n\\)為偶數，並說明理由。這個問題可以用數學歸納法解決。"),
    ("shift_jis", "shift_jis", "実数\\(x\\)に対して、\\(x^2\\ge0\\)である。"),
    ("windows-1251", "cp1251", "Пусть \\(x\\) — число."),
    ("iso-8859-1", "cp1252", "The “square” of \\(x\\) – done."),
    ("iso-8859-1", "latin-1", "Théorème de \\(x\\)."),
    ("foo-9", "utf-8", "Théorème de \\(x\\)."),
    ("", "utf-16", "Let \\(x\\) be a number."),
    ("", "utf-16-le", "Let \\(x\\) be a number."),
]


@pytest.mark.parametrize(("html", "text"), [page[1:] for page in PAGES], ids=[page[0] for page in PAGES])
def test_a_page_gives_exactly_its_text(html: str, text: str) -> None:
    page = extract_html(html.encode(), "https://example.org/page")
    assert page.text == text.removesuffix("\n")
    for start, end, display, _ in page.formulas:
        mark = "$$" if display else "$"
        assert page.text[start:end].startswith(mark)
        assert page.text[start:end].endswith(mark)


@pytest.mark.parametrize(("html", "text"), ODD_CHARACTERS)
def test_characters_that_scripts_leave_behind_are_no_part_of_a_formula(html: str, text: str) -> None:
    assert extract_html(f"<p>{html}</p>".encode()).text == text


@pytest.mark.parametrize(("declared", "used", "sentence"), CHARSETS)
def test_formulas_survive_charsets_declared_rightly_wrongly_and_not_at_all(
    declared: str, used: str, sentence: str
) -> None:
    head = f'<meta charset="{declared}">' if declared else ""
    html = f"<html><head>{head}</head><body><p>{sentence}</p></body></html>".encode(used)
    assert extract_html(html).text == sentence.replace("\\(", "$").replace("\\)", "$")


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 2000 + "Let \\(x\\) be." + "</div>" * 2000,
        "<table><tr><td>" * 300 + "Let \\(x\\) be." + "</td></tr></table>" * 300,
        "<b><i>" * 20_000 + "Let \\(x\\) be.",
        "<ul><li>" * 5000 + "</li></ul>" * 5000 + "<p>Let \\(x\\) be.</p>",
        "<p>Let \\(x\\) be.</p>" + "<math>" + "<mrow>" * 20_000,
        "<p>Let \\(x\\) be.</p>" + "<!--" * 20_000,
    ],
    ids=["div", "table", "inline", "list", "mrow", "comment"],
)
def test_nesting_costs_no_formula(html: str) -> None:
    page = extract_html(html.encode())
    assert page.text.count("Let $x$ be.") == 1
    assert page == extract_html(html.encode())


def test_macros_that_call_each_other_cost_no_more_than_their_budget() -> None:
    # half a millisecond for each formula before each step counted: a minute for a page of one megabyte
    circular = r"\(\newcommand{\a}{\b\b}\newcommand{\b}{\a\a}\)"
    page = extract_html((circular + r"<p>\(\a\)</p>" * 4000).encode())
    assert page.text.count(r"$\a$") == 4000
