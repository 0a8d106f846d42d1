"""Macros that a page defines are expanded in its formulas, and only there."""

import pytest

from mathmill.curation.extract import extract_html
from mathmill.curation.html.macros import expand, page_macros

DEFINITIONS = rb"""<div>\(\newcommand{\R}{\mathbb R} \newcommand{\card}[1]{\left| #1 \right|} \def\inv{^{-1}}
\newcommand{\lt}{&lt;} \DeclareMathOperator{\Hom}{Hom} \let\eps\varepsilon \newcommand{\nm}[2][2]{\|#2\|_{#1}}
\newcommand{\x}{\y}\newcommand{\y}{\x\x}\)</div><code>\(\newcommand{\bad}{q}\)</code>
<script>MathJax = {tex: {macros: {RR: "{\\bf R}", bold: ["{\\bf #1}", 1]}}}</script>"""

EXPANSIONS = [
    (r"\card{\R}", r"\left| \mathbb R \right|"),
    (r"x^\R", r"x^{\mathbb R}"),
    (r"A\inv", "A^{-1}"),
    (r"\Hom(A,B)", r"\operatorname{Hom}(A,B)"),
    (r"\nm{v}+\nm[1]{w}", r"\|v\|_{2}+\|w\|_{1}"),
    (r"\eps \lt 1", r"\varepsilon < 1"),
    (r"\RR\bold{x}", r"{\bf R}{\bf x}"),
    (r"a \amp b", "a & b"),
    (r"\card", r"\card"),  # no argument
    (r"\x", r"\x"),  # without end
    (r"\bad", r"\bad"),  # a code sample
]


@pytest.mark.parametrize(("tex", "expected"), EXPANSIONS)
def test_macros_expand_as_in_tex(tex: str, expected: str) -> None:
    assert expand(tex, page_macros(DEFINITIONS)) == expected


def test_spans_move_with_the_text_and_code_stays() -> None:
    page = extract_html(
        rb"<p>\(\newcommand{\R}{\mathbb R}\)</p><p>Let \(x\in\R\) and \(y\in\R\); write <code>\R</code>.</p>"
    )
    assert page.text == "Let $x\\in\\mathbb R$ and $y\\in\\mathbb R$; write `\\R`."
    assert [page.text[f.start : f.end] for f in page.formulas] == ["$x\\in\\mathbb R$", "$y\\in\\mathbb R$"]


def test_expansion_is_bounded() -> None:
    bomb = rb"\(\newcommand{\a}{\b\b}\newcommand{\b}{\c\c}\newcommand{\c}{xxxxxxxxxxxxxxxx}\)"
    assert expand(r"\a" * 1000, page_macros(bomb)) == r"\a" * 1000
