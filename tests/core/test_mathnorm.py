"""One formula, many spellings, one canonical form; and formulas that must stay apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.mathnorm import normalise_formula

CANONICAL = {
    r"\frac{a}{b}": (r"\dfrac ab", r"{a \over b}", "a/b", r"$\tfrac{a}b$", r"\[ \frac a b \]"),
    "x^{2}": ("x^2", "x²", "x<sup>2</sup>", r"\(x ^ {2}\)", "𝑥²"),
    "a≤b": (r"a\le b", r"a \leq b", "a≤b", "a<=b", "a ⩽ b", "a &lt;= b"),
    "(a+b)": (r"\left( a+b \right)", r"\bigl(a+b\bigr)", "（a＋b）"),
    "dx": (r"\mathrm{d}x", r"\text{d}x", r"\operatorname{d} x"),
    "abcde": (r"\displaystyle a\, b \; c~d\quad e", r"a b\!c d e"),
    "a*b": (r"a\cdot b", "a·b", r"a \times b", "a×b"),
    "a-b": ("a−b", "a–b"),
    "α+Δ": (r"\alpha+\Delta", "α + Δ", "𝛼+∆"),
    r"\sqrt{x}": (r"\sqrt x", "√x"),
    r"\sqrt[3]{x+1}": (r"\sqrt[3]{x+1}", "∛(x+1)"),
    "f^{′}(x)": ("f'(x)", "f′(x)", r"f^\prime(x)", r"f^{\prime}(x)"),
    "1,…,n": (r"1,\ldots,n", "1,…,n", "1,...,n", r"1, \dots, n"),
    "30^{∘}": ("30°", r"30^\circ", r"30^{\circ}"),
    "x_{1}^{2}": ("x_1^2", "x^2_1", "x₁²", r"x_{1}^{2}"),
    r"\frac{a+b}{c+d}": ("(a+b)/(c+d)", r"\frac{a+b}{c+d}"),
    r"\frac{1}{2}": ("½", r"\frac12", "1/2"),
    "a=b": (r"\begin{align*}a&=b\end{align*}", "$$a = b$$"),
    "10000": ("10{,}000", "10000"),
    "a≠b": (r"a \not= b", r"a \neq b", "a≠b", "a != b"),
    "sinx": (r"\sin x", r"\operatorname{sin} x", r"\mathrm{sin}x"),
    "e^{-x}": ("e⁻ˣ", "e^{-x}"),
    r"\binom{n}{k}": (r"\binom nk", r"\dbinom{n}k"),
    r"\overline{AB}": (r"\overline{AB}", r"\overline {A B}"),
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix}": (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",),
}

APART = [
    ("a_1<a_2", "a_1>a_2"),
    ("x^2-5x+6=0", "x^3+7x-2=0"),
    ("[2,5)", "[2,5]"),
    ("(2,5)", "[2,5]"),
    ("x^{2n}", "x^2n"),
    ("2(x+3)", "2x+3"),
    ("X", "x"),
    (r"\sqrt{x+1}", r"\sqrt{x}+1"),
    (r"\frac{a}{b+c}", r"\frac{a}{b}+c"),
    ("a≤b", "a<b"),
    ("-5", "5"),
    ("n!", "n"),
    (r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
]


@pytest.mark.parametrize("canonical", CANONICAL)
def test_spellings_of_one_formula_are_one(canonical: str) -> None:
    assert [normalise_formula(spelling) for spelling in CANONICAL[canonical]] == [canonical] * len(CANONICAL[canonical])


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_formulas_stay_apart(one: str, other: str) -> None:
    assert normalise_formula(one) != normalise_formula(other)


@pytest.mark.parametrize(
    ("mathml", "latex"),
    [
        ("<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>", "a/b"),
        ("<math><msup><mi>x</mi><mn>2</mn></msup><mo>&#x2212;</mo><mn>5</mn><mo>=</mo><mn>0</mn></math>", "x^2-5=0"),
        ("<math display='block'><msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt></math>", r"\sqrt{x+1}"),
        ("<math><msub><mi>a</mi><mn>1</mn></msub><mo>&#x2264;</mo><mi>&#x03B1;</mi></math>", r"a_1 \le \alpha"),
    ],
)
def test_mathml_equals_its_latex(mathml: str, latex: str) -> None:
    assert normalise_formula(mathml) == normalise_formula(latex)


@pytest.mark.parametrize(
    "piece", ["{", "(", r"\frac", "^", r"\sqrt[", "a/", r"\text{", "x_", "(a/", r"\begin{", r"\not", "'"]
)
def test_hostile_formulas_are_bounded(piece: str) -> None:
    assert isinstance(normalise_formula(piece * 20_000), str)


PIECES = [
    "a",
    "B",
    "12",
    "{",
    "}",
    "(",
    ")",
    "[",
    "^",
    "_",
    "/",
    r"\frac",
    r"\sqrt",
    "√",
    "²",
    "½",
    r"\le",
    r"\left",
    "'",
    "+",
    "=",
]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=15))
def test_spaces_change_nothing_and_digits_stay(pieces: list[str]) -> None:
    spaced = normalise_formula("  ".join(pieces))
    assert normalise_formula(" ".join(pieces)) == spaced
    assert spaced.count("B") == pieces.count("B")
