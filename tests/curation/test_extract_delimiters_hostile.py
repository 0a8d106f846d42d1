"""Texts that were written to make a scan slow, and arbitrary ones: work is bounded, spans are right."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mathmill.curation.extract import extract_html
from mathmill.curation.html import scan
from mathmill.curation.html.asciimath import _Parser, asciimath_to_latex
from mathmill.curation.html.delimiters import Delimiters, page_delimiters
from mathmill.curation.html.tex import clean_tex, looks_like_math, strip_delimiters

EVERYTHING = Delimiters(
    inline=(("\\(", "\\)"), ("<<", ">>"), ("@@", "@@")), asciimath=(("`", "`"), ("amath", "endamath")), bbcode=True
)
HOSTILE = [
    "$", "$$ ",
    "\\(", "\\[x ", "\\[ {", "<< a ", "[", "[tex]", "[$] ", "{{math|", "`", "```math ", "{eq}", "<math>", "＄a",
    "\\begin{align} ",
    "\\begin{align}\\end{align*} ", "$a{", "$5 and ", "1$x", "\\\\", "$latex a", "amath ", "\\( a \\{ ",
    "$\\text{", "$f\u2019", "% $x\n",
]  # fmt: skip


class _Counted(scan._Budget):
    """A budget that knows how much of it was spent."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.given = left
        budgets.append(self)

    __slots__ = ("given",)


budgets: list[_Counted] = []


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("end", ["", "\\) \\] >> } $ [/tex] [/$] }} {/eq} </math> \\end{align} endamath"])
def test_the_work_on_openings_without_an_end_is_linear_in_the_text(
    unit: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_Budget", _Counted)
    text = unit * (200_000 // len(unit)) + end
    budgets.clear()
    found = scan.Scanner(EVERYTHING).scan(text)
    (budget,) = budgets
    longest_step = 11 * scan.MAX_FORMULA_CHARS
    assert budget.given - budget.left <= 10 * len(text) + 100_000 + longest_step
    assert sum(formula.end - formula.start for formula in found) <= len(text)


PIECES = st.sampled_from([
    "$", "$$",
    "\\(", "\\)", "\\[", "\\]", "{", "}", "\\", "`", "[tex]", "[/tex]", "[$]", "[/$]", "{{math|", "}}", "<math>",
    "</math>",
    "\\begin{align}", "\\end{align}", "\\text{", "5", "x", "_1", "^2", " and ", "word ", ", ", "=", "\0n", "\n",
    "\\frac", "&amp;", "%", "\u200b", "＄", "设", "。", "latex ", "{eq}", "{/eq}", "@@", "<<", ">>", "\x08", "\t",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=40).map("".join)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("$$$$$")
@example("[tex]$[/tex]$")
def test_formulas_are_found_in_order_without_overlap_and_blank_ones_not(text: str) -> None:
    at = 0
    for formula in scan.Scanner(EVERYTHING).scan(text):
        assert at <= formula.start < formula.end <= len(text)
        assert "\0" not in formula.tex
        at = formula.end


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_page_reads_back_by_its_spans_and_is_extracted_the_same_twice(text: str) -> None:
    html = f"<p>{text.replace(chr(0) + 'n', '<br>')}</p>".encode()
    page = extract_html(html)
    assert page == extract_html(html)
    for formula in page.formulas:
        span = page.text[formula.start : formula.end]
        mark = "$$" if formula.display else "$"
        assert span.startswith(mark)
        assert span.endswith(mark)
        assert len(span) > 2 * len(mark)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_cleaning_a_clean_formula_changes_nothing(text: str) -> None:
    once = clean_tex(clean_tex(text.replace("\0n", "\n"), True), True)
    assert clean_tex(once, True) == once
    strip_delimiters(once)
    looks_like_math(once, sure=False)
    asciimath_to_latex(once)


CONFIGURATIONS = st.lists(
    st.sampled_from([
        "inlineMath", "delimiters",
        ":", "[", "]", "{", "}", "'", '"', "$", "\\", ",", "left", "right", "//", "/*", "*/",
        "ignoreClass", "|", ".*", "\n", "tex2jax", "`", "</script>", "<script>",
    ]),
    max_size=60,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(CONFIGURATIONS)
def test_any_configuration_is_read_without_an_error(config: str) -> None:
    page = f"<script>MathJax = {config}</script><p>a \\(x\\) b</p>".encode()
    delimiters = page_delimiters(page)
    assert ("\\(", "\\)") in delimiters.inline or ("\\(", "\\)") in delimiters.asciimath
    extract_html(page)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["|", "(", ")", "[", "]", "((", ",", "a", "/", "^", "sin", "{:", ":}"]), max_size=200).map(
        "".join
    )
)
@example("(|(|(|||(|((|(|(||(|(|||(|(|(||(((||||||(|||(||(||(||(|||((((|||(|(|(|||((||(||(|(|||(|(||(((((|(|(|((")
@example("((" * 40 + "a" + ",b))" * 40)
def test_asciimath_reads_no_symbol_more_than_a_bounded_number_of_times(source: str) -> None:
    parser = _Parser([("name" if token not in "|a,/" else "char", token) for token in source])
    parser.expression(0, ())
    assert parser.left[0] >= -70 * (len(source) + 1)


@pytest.mark.parametrize("unit", ["|(", "(|", "|[", "/|(", "[[a|,", "|(a,b),", "((a,b),", "^|("])
def test_asciimath_reads_long_hostile_expressions_three_times_at_most(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    simple = _Parser.simple
    monkeypatch.setattr(_Parser, "simple", lambda self, depth: read.append(depth) or simple(self, depth))
    source = unit * (4900 // len(unit))
    asciimath_to_latex(source)
    assert len(read) <= 4 * len(source) + 2000


def test_formulas_beyond_the_most_that_a_paragraph_may_have_stay_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_FORMULAS", 3)
    page = extract_html(b"<p>" + b"$x$ " * 5 + b"</p><p>$y$</p>")
    assert page.text == "$x$ $x$ $x$ $x$ $x$\n\n$y$"
    assert len(page.formulas) == 4
