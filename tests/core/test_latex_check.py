"""Formulas that read as LaTeX and those that do not, with the reason."""

import pytest

from mathmill.core.latex_check import latex_errors


def error(formula: str, display: bool = True) -> str | None:
    return latex_errors([formula], [display])[0]


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "x^2_n + y'' = \\frac12",
        r"\sqrt[3]{\left[ a \right]} \over b",
        r"f'^2",
        r"x^\frac12 + x^\mathrm a + x_\text{max}",
        r"\text{if $x > 0$ or \textbf{not}, 50\% of them}",
        r"\begin{array}{c|c} a & b \\[2pt] \hline \text{a} & d \end{array}",
        r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\begin{align*} a &= b \tag{1} \\ c &= d \tag{2} \end{align*}",
        r"\left\{ x \middle| y \right. \big( \Big{/} \bigl\langle",
        r"\sum\limits_{i=1}^n \operatorname*{arg\,max}_x \lim_{x\to0}",
        r"\hspace{-2.5em} \kern2pt \rule[1pt]{1em}{2em} \color{#c0ffee} \textcolor{red}{x}",
        r"\overset{?}{=} \xrightarrow[a]{b} \genfrac(){0pt}{}{a}{b}",
        "长度 = \\text{高} × 2²",
        "a % a comment with } and \\foo\n+ b",
        r"\newcommand{\mine}{x} \mine",
        r"\verb|}{| \char`a",
    ],
)
def test_formulas_that_read(formula: str) -> None:
    assert error(formula) is None


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        (r"\card A", r"unknown command \card"),
        (r"{a", "unbalanced brace"),
        (r"a}", "unbalanced brace"),
        (r"\left( a", r"unbalanced \left and \right"),
        (r"a \right)", r"unbalanced \left and \right"),
        (r"\left( {a \right) }", r"unbalanced \left and \right"),
        (r"\middle|", r"unbalanced \left and \right"),
        (r"\left a \right)", "no delimiter after a"),
        (r"\begin{matrix} a", r"unbalanced \begin and \end"),
        (r"\begin{matrix} a \end{pmatrix}", r"unbalanced \begin and \end"),
        (r"\begin{tabular}{c} a \end{tabular}", "unknown environment tabular"),
        ("a & b", "& outside of a table, or too many"),
        (r"\begin{split} a & b & c \end{split}", "& outside of a table, or too many"),
        (r"\begin{array}{p{3cm}} a \end{array}", "not a column specification"),
        ("x^2^3", "double superscript"),
        ("x^2'", "double superscript"),
        ("x_a_b", "double subscript"),
        ("x^", "an argument is missing"),
        (r"\frac{a}", "an argument is missing"),
        (r"{\sqrt}", "an argument is missing"),
        (r"\frac\sqrt2 3", r"\sqrt as an argument without braces"),
        (r"x^\operatorname{a}", r"\operatorname as an argument without braces"),
        (r"\text{\alpha}", r"\alpha in the wrong mode (math or text)"),
        ("# 1", "a character that cannot be there"),
        ("a \x01", "a character that cannot be there"),
        ("a $ b", "a dollar sign that cannot be there"),
        (r"\text{a $x}", "a dollar sign that cannot be there"),
        (r"\hspace{\fill}", "not a length"),
        (r"\color{1 2}", "not a colour"),
        (r"x \limits", r"\limits without an operator"),
        (r"a \over b \over c", r"two of \over in one group"),
        (r"\hline", r"\hline outside of a table's rows"),
        (r"{\newcommand{\amp}{\amp } a \amp b}", "a command defined by itself"),
        (r"\newcommand{\one}{x} \newcommand\two[2]{#1 {\two}} a", "a command defined by itself"),
        ("\\", "a backslash at the end"),
        ("{" * 300 + "}" * 300, "nested too deeply"),
    ],
)
def test_formulas_that_do_not_and_why(formula: str, reason: str) -> None:
    assert error(formula) == reason


@pytest.mark.parametrize("formula", [r"\begin{align} a \end{align}", r"a \tag{1}"])
def test_what_needs_a_line_of_its_own_is_an_error_in_a_line_of_text(formula: str) -> None:
    assert error(formula, display=True) is None
    assert error(formula, display=False) in (r"\begin in a line of text", r"\tag in a line of text")


@pytest.mark.parametrize("piece", ["{", "\\left(", "\\newcommand\\a{", "\\newcommand\\a", "\\sqrt[", "x^", "\\text{$"])
def test_long_formulas_take_linear_time(piece: str) -> None:
    assert error(piece * 300_000) is not None or piece.startswith("\\newcommand")


def test_each_formula_is_judged_alone() -> None:
    formulas = [r"\left(", "x", "{", r"\frac", "y", "", "^", "\\"]
    assert latex_errors(formulas, [False] * 8) == [error(formula, display=False) for formula in formulas]


def test_no_cut_of_a_formula_makes_it_fail_otherwise_than_with_a_reason() -> None:
    left = r"\left\{ \hspace{1em} \color{red} \sqrt[n]{x^\frac{1}{2}} \right."
    whole = rf"\begin{{array}}{{cc}} {left} & 长 \text{{a $b$}} \\[1pt] \end{{array}}"
    formulas = [whole[start:end] for start in range(0, len(whole), 3) for end in range(start, len(whole) + 1)]
    found = latex_errors(formulas, [True] * len(formulas))
    assert error(whole) is None
    assert all(reason is None or reason for reason in found)
    assert sum(reason is not None for reason in found) > len(found) / 2
