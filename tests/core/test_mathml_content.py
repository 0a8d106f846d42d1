# ruff: noqa: E501 (pages are written on one line)
"""Content MathML, operator by operator."""

import pytest

from mathmill.core.mathml import mathml_to_latex

FORMULAS = [
    ('<apply><plus/><ci>x</ci><cn>1</cn></apply>', 'x+1'),
    ('<apply><eq/><apply><plus/><apply><power/><ci>x</ci><cn>2</cn></apply><apply><times/><cn>2</cn><ci>x</ci></apply><cn>1</cn></apply><cn>0</cn></apply>', 'x^{2}+2x+1=0'),
    ('<apply><times/><apply><plus/><ci>a</ci><ci>b</ci></apply><apply><minus/><ci>a</ci><ci>b</ci></apply></apply>', '(a+b)(a-b)'),
    ('<apply><root/><degree><cn>3</cn></degree><ci>x</ci></apply>', '\\sqrt[3]{x}'),
    ('<apply><root/><ci>x</ci></apply>', '\\sqrt{x}'),
    ('<apply><int/><bvar><ci>x</ci></bvar><lowlimit><cn>0</cn></lowlimit><uplimit><infinity/></uplimit><apply><exp/><apply><minus/><ci>x</ci></apply></apply></apply>', '\\int_{0}^{\\infty}e^{-x}\\,dx'),
    ('<apply><sum/><bvar><ci>i</ci></bvar><lowlimit><cn>1</cn></lowlimit><uplimit><ci>n</ci></uplimit><apply><power/><ci>i</ci><cn>2</cn></apply></apply>', '\\sum_{i=1}^{n}i^{2}'),
    ('<apply><limit/><bvar><ci>x</ci></bvar><lowlimit><cn>0</cn></lowlimit><apply><sin/><ci>x</ci></apply></apply>', '\\lim_{x\\to 0}\\sin x'),
    ("<apply><diff/><bvar><ci>x</ci><degree><cn>2</cn></degree></bvar><apply><ci type='function'>f</ci><ci>x</ci></apply></apply>", '\\frac{d^{2}f(x)}{dx^{2}}'),
    ("<apply><divide/><apply><sin/><ci>&#x3b8;</ci></apply><cn type='rational'>1<sep/>2</cn></apply>", '\\frac{\\sin\\theta}{\\frac{1}{2}}'),
    ('<piecewise><piece><ci>x</ci><apply><geq/><ci>x</ci><cn>0</cn></apply></piece><otherwise><apply><minus/><ci>x</ci></apply></otherwise></piecewise>', '\\begin{cases} x & \\text{if }x\\ge0 \\\\ -x & \\text{otherwise} \\end{cases}'),
    ('<matrix><matrixrow><cn>1</cn><cn>2</cn></matrixrow><matrixrow><cn>3</cn><cn>4</cn></matrixrow></matrix>', '\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}'),
    ('<apply><forall/><bvar><ci>x</ci></bvar><apply><in/><ci>x</ci><reals/></apply></apply>', '\\forall x:x\\in\\mathbb{R}'),
    ('<apply><power/><apply><sin/><ci>x</ci></apply><cn>2</cn></apply>', '\\sin^{2}x'),
    ('<set><cn>1</cn><cn>2</cn></set>', '\\{1,2\\}'),
    ('<apply><log/><logbase><cn>2</cn></logbase><ci>x</ci></apply>', '\\log_{2}x'),
    ("<apply><csymbol cd='ambiguous'>subscript</csymbol><ci>a</ci><ci>n</ci></apply>", 'a_{n}'),
    ("<apply><csymbol cd='arith1'>plus</csymbol><ci>a</ci><apply><csymbol cd='arith1'>unary_minus</csymbol><ci>n</ci></apply></apply>", 'a-n'),
    ('<apply><minus/><ci>a</ci><apply><minus/><ci>b</ci><ci>c</ci></apply></apply>', 'a-(b-c)'),
    ('<apply><power/><apply><plus/><ci>a</ci><ci>b</ci></apply><cn>2</cn></apply>', '(a+b)^{2}'),
    ('<apply><times/><cn>3</cn><cn>4</cn></apply>', '3\\cdot4'),
    ('<apply><gt/><ci><msub><mi>x</mi><mn>1</mn></msub></ci><cn>-2</cn></apply>', 'x_{1}>-2'),
    ("<semantics><apply><plus/><ci>x</ci><cn>1</cn></apply><annotation-xml encoding='MathML-Presentation'><mrow><mi>x</mi><mo>+</mo><mn>1</mn><mo>!</mo></mrow></annotation-xml></semantics>", 'x+1!'),
    ('<apply><factorial/><ci>n</ci></apply>', 'n!'),
    ('<apply><partialdiff/><bvar><ci>x</ci></bvar><apply><times/><ci>x</ci><ci>y</ci></apply></apply>', '\\frac{\\partial}{\\partial x}xy'),
    ('<apply><and/><apply><lt/><cn>0</cn><ci>x</ci></apply><apply><or/><ci>A</ci><apply><not/><ci>B</ci></apply></apply></apply>', '0<x\\wedge(A\\vee\\neg B)'),
    ("<interval closure='open-closed'><cn>0</cn><cn>1</cn></interval>", '(0,1]'),
    ('<apply><abs/><apply><minus/><ci>x</ci></apply></apply>', '|-x|'),
    ("<cn type='e-notation'>1.5<sep/>3</cn>", '1.5\\times 10^{3}'),
    ("<cn type='complex-cartesian'>3<sep/>-4</cn>", '3-4i'),
    ('<apply><union/><ci>A</ci><apply><intersect/><ci>B</ci><ci>C</ci></apply></apply>', 'A\\cup(B\\cap C)'),
    ('<apply><max/><ci>a</ci><ci>b</ci></apply>', '\\max(a,b)'),
    ('<apply><inverse/><ci>f</ci></apply>', 'f^{-1}'),
    ('<apply><apply><inverse/><sin/></apply><ci>x</ci></apply>', '\\sin^{-1}(x)'),
    ('<lambda><bvar><ci>x</ci></bvar><apply><power/><ci>x</ci><cn>2</cn></apply></lambda>', 'x\\mapsto x^{2}'),
    ('<apply><sum/><bvar><ci>x</ci></bvar><condition><apply><in/><ci>x</ci><ci>S</ci></apply></condition><ci>x</ci></apply>', '\\sum_{x\\in S}x'),
    ('<apply><times/><ci>a</ci><apply><divide/><cn>1</cn><cn>2</cn></apply></apply>', 'a\\frac{1}{2}'),
    ('<apply><power/><exponentiale/><apply><times/><imaginaryi/><pi/></apply></apply>', 'e^{i\\pi}'),
    ('<apply><times/><cn>5</cn><apply><int/><bvar><ci>x</ci></bvar><apply><ci>f</ci><ci>x</ci></apply></apply></apply>', '5\\int f(x)\\,dx'),
    ('<apply><quotient/><ci>a</ci><ci>b</ci></apply>', '\\lfloor \\frac{a}{b}\\rfloor'),
    ('<apply><sin/><apply><times/><cn>2</cn><ci>x</ci></apply></apply>', '\\sin(2x)'),
    ('<vector><ci>x</ci><ci>y</ci></vector>', '\\begin{pmatrix} x \\\\ y \\end{pmatrix}'),
    ('<apply><selector/><ci>A</ci><cn>1</cn><cn>2</cn></apply>', 'A_{1,2}'),
    ('<apply><determinant/><ci>A</ci></apply>', '\\det A'),
    ('<apply><gcd/><cn>12</cn><cn>18</cn></apply>', '\\gcd(12,18)'),
    ('<apply><plus/><ci>x</ci><apply><minus/><ci>y</ci></apply><cn>-3</cn></apply>', 'x-y-3'),
    ('<set><bvar><ci>x</ci></bvar><condition><apply><lt/><ci>x</ci><cn>5</cn></apply></condition></set>', '\\{x\\mid x<5\\}'),
    ("<ci mathvariant='bold'>v</ci>", 'v'),
    ("<ci type='vector'>v</ci>", '\\mathbf{v}'),
]  # fmt: skip


@pytest.mark.parametrize(("mathml", "latex"), FORMULAS)
def test_content_becomes_latex_with_brackets_where_needed(mathml: str, latex: str) -> None:
    assert mathml_to_latex(f"<math>{mathml}</math>") == latex


def test_deep_content_ends() -> None:
    for opening in ("<apply><plus/><ci>x</ci>", "<apply><ci><mrow>", "<piecewise><piece>"):
        assert len(mathml_to_latex("<math>" + opening * 20_000)) < 10_000
