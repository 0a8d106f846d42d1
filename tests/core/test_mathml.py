# ruff: noqa: E501 (pages are written on one line)
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.mathml import mathml_to_latex

FORMULAS = {
    "fraction": ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", r"\frac{1}{2}"),
    "nested fraction": ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mfrac><mi>c</mi><mi>d</mi></mfrac></mfrac>", r"\frac{a+b}{\frac{c}{d}}"),
    "bevelled fraction": ("<mfrac bevelled='true'><mi>a</mi><mi>b</mi></mfrac>", "a/b"),
    "binomial": ("<mrow><mo>(</mo><mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac><mo>)</mo></mrow>", r"\binom{n}{k}"),
    "roots": ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt><mroot><mi>y</mi><mn>3</mn></mroot>", r"\sqrt{x+1}\sqrt[3]{y}"),
    "scripts": ("<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup><msub><mi>a</mi><mi>n</mi></msub>", "x_{1}^{2}a_{n}"),
    "script on a group": ("<msup><mrow><mi>a</mi><mi>b</mi></mrow><mn>2</mn></msup>", "{ab}^{2}"),
    "script on brackets": ("<msup><mrow><mo>(</mo><mi>a</mi><mo>)</mo></mrow><mn>2</mn></msup>", "(a)^{2}"),
    "script on a script": ("<msup><msup><mi>a</mi><mn>2</mn></msup><mn>3</mn></msup>", "{a^{2}}^{3}"),
    "prime": ("<msup><mi>f</mi><mo>′</mo></msup><mo>(</mo><mi>x</mi><mo>)</mo>", "f'(x)"),
    "degrees": ("<msup><mn>90</mn><mo>∘</mo></msup>", r"90^{\circ}"),
    "multiscripts": ("<mmultiscripts><mi>X</mi><mi>c</mi><mi>d</mi><mprescripts/><mi>a</mi><none/></mmultiscripts>", "{}_{a}X_{c}^{d}"),
    "sum with limits": ("<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>i</mi>", r"\sum_{i=1}^{n}i"),
    "limit": ("<munder><mi>lim</mi><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder><mi>f</mi>", r"\lim_{x\to0}f"),
    "bar and hat": ("<mover><mi>x</mi><mo>¯</mo></mover><mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>^</mo></mover>", r"\bar{x}\widehat{AB}"),
    "vector": ("<mover><mi>v</mi><mo>→</mo></mover>", r"\vec{v}"),
    "overset": ("<mover><mo>=</mo><mtext>def</mtext></mover>", r"\overset{\text{def}}{=}"),
    "underbrace": ("<munder><munder><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mo>⏟</mo></munder><mi>n</mi></munder>", r"\underbrace{a+b}_{n}"),
    "matrix": ("<mo>(</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr><mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable><mo>)</mo>", r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}"),
    "cases": ("<mi>f</mi><mo>=</mo><mo>{</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mi>x</mi><mo>&gt;</mo><mn>0</mn></mtd></mtr></mtable>", r"f=\begin{cases} 1 & x>0 \end{cases}"),
    "fenced": ("<mfenced><mi>a</mi><mi>b</mi></mfenced><mfenced open='[' close=')'><mi>c</mi></mfenced>", "(a,b)[c)"),
    "fence around what is tall": ("<mrow><mo>(</mo><mfrac><mi>a</mi><mi>b</mi></mfrac><mo>)</mo></mrow>", r"\left(\frac{a}{b}\right)"),
    "absolute value": ("<mo>|</mo><mi>x</mi><mo>|</mo>", "|x|"),
    "set braces": ("<mo>{</mo><mn>1</mn><mo>,</mo><mn>2</mn><mo>}</mo>", r"\{1,2\}"),
    "Greek and a letter": ("<mi>α</mi><mi>x</mi><mo>≤</mo><mi>π</mi>", r"\alpha x\le\pi"),
    "function": ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", r"\sin x"),
    "operator name": ("<mi>Hom</mi><mo>(</mo><mi>A</mi><mo>)</mo>", r"\mathrm{Hom}(A)"),
    "minus": ("<mi>a</mi><mo>−</mo><mi>b</mi>", "a-b"),
    "entities": ("<mi>a</mi><mo>&times;</mo><mi>b</mi><mo>&ne;</mo><mn>0</mn>", r"a\times b\ne0"),
    "double-struck": ("<mi>ℝ</mi><mi mathvariant='double-struck'>Z</mi>", r"\mathbb{R}\mathbb{Z}"),
    "styled letters": ("<mi>𝑥</mi><mi>𝐯</mi><mi mathvariant='bold'>v</mi><mi mathvariant='normal'>d</mi>", r"x\mathbf{v}\mathbf{v}\mathrm{d}"),
    "text": ("<mtext>if x_1 is</mtext><mspace width='1em'/><mi>y</mi>", r"\text{if x\_1 is}\quad y"),
    "enclosed": ("<menclose notation='box'><mi>x</mi></menclose><menclose notation='updiagonalstrike'><mi>y</mi></menclose>", r"\boxed{x}\cancel{y}"),
    "semantics": ("<semantics><mi>x</mi><annotation encoding='text/plain'>ex</annotation></semantics>", "x"),
    "Chinese": ("<mi>面积</mi><mo>=</mo><mi>a</mi>", r"\text{面积}=a"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_presentation_mathml_becomes_latex(name: str) -> None:
    inner, latex = FORMULAS[name]
    assert mathml_to_latex(f"<math>{inner}</math>") == latex


def test_namespace_prefixes_make_no_difference() -> None:
    prefixed = "<m:math xmlns:m='x'><m:msup><m:mi>x</m:mi><m:mn>2</m:mn></m:msup></m:math>"
    assert mathml_to_latex(prefixed) == "x^{2}"


def test_a_fragment_without_math_is_read() -> None:
    assert mathml_to_latex("<mi>x</mi><mo>=</mo><mn>1</mn>") == "x=1"


@pytest.mark.parametrize(
    "broken", ["", "<", "<math>", "<mfrac>", "<msup><mi>x</mi></msup>", "</math>", "\0", "<mtable><mtr>"]
)
def test_malformed_markup_is_no_error(broken: str) -> None:
    mathml_to_latex(broken)


def test_depth_and_size_are_bounded() -> None:
    start = time.process_time()
    mathml_to_latex("<mrow>" * 100_000 + "<mi>x</mi>")
    mathml_to_latex("<mi>x</mi>" * 200_000)
    assert time.process_time() - start < 5


ELEMENTS = (
    "mrow",
    "mfrac",
    "msqrt",
    "msup",
    "msub",
    "msubsup",
    "munder",
    "mover",
    "mtable",
    "mtr",
    "mtd",
    "mfenced",
    "mmultiscripts",
    "mi",
    "mo",
    "mtext",
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from([f"<{e}>" for e in ELEMENTS] + [f"</{e}>" for e in ELEMENTS]), st.text(max_size=3)),
        max_size=30,
    )
)
def test_any_markup_gives_balanced_braces(parts: list[str]) -> None:
    latex = mathml_to_latex("<math>" + "".join(parts).replace("\\", ""))
    bare = latex.replace("\\{", "").replace("\\}", "")
    assert bare.count("{") == bare.count("}")
