# ruff: noqa: E501 (pages are written on one line)
"""Formulas that Chinese problem sites draw with tables and boxes: literal markup in, literal text out."""

import pytest

from mathmill.curation.extract import extract_html
from mathmill.curation.html import drawn

SPAN = '<span dealflag="1" class="MathJye" mathtag="math" style="whiteSpace:nowrap;wordSpacing:normal;wordWrap:normal">'
TABLE = '<table cellpadding="-1" cellspacing="-1" style="margin-right:1px">'
SIGN = '<div hassize="7"><div style="width:6px;background: url(\'http://img.jyeoo.net/images/formula/part/8730U.png\') repeat-y;height: 1px" muststretch="v"></div><div style="background: url(\'http://img.jyeoo.net/images/formula/part/8730D.png\') no-repeat"></div></div>'


def fraction(above: str, below: str) -> str:
    return f'{TABLE}<tr><td style="border-bottom:1px solid black;padding-bottom:1px;font-size:90%">{above}</td></tr><tr><td style="padding-top:1px;font-size:90%">{below}</td></tr></table>'


def root(of: str) -> str:
    return f'<table cellspacing="-1" cellpadding="-1"><tr><td style="font-size: 0px">{SIGN}</td><td style="padding:0;padding-left: 2px; border-top: black 1px solid;line-height:normal">{of}</td></tr></table>'


def raised(base: str, script: str, where: str = "super") -> str:
    return f'<span><span>{base}</span><span style="vertical-align:{where};font-size:90%">{script}</span></span>'


def stacked(above: str, below: str, style: str = "") -> str:
    return f"<table><tr><td>{above}</td></tr><tr><td{style}>{below}</td></tr></table>"


DRAWN = {
    "fraction": (fraction("1", "2"), r"\frac{1}{2}"),
    "mixed number": (f"2{fraction('3', '4')}", r"2\frac{3}{4}"),
    "fraction in a row": (
        f"4{raised('x', '2')}+(2x-10{raised(')', '2')}+4×{fraction('1', '2')}×13",
        r"4x^{2}+(2x-10)^{2}+4\times\frac{1}{2}\times13",
    ),
    "cosine rule": (
        f"cosA={fraction('A' + raised('P', '2') + '-P' + raised('C', '2'), '2PA•AC')}",
        r"\cos A=\frac{AP^{2}-PC^{2}}{2PA\cdot AC}",
    ),
    "root in a set": (f"A={{1，3，{root('m')}}}", r"A=\{1,3,\sqrt{m}\}"),
    "root with a glyph": (
        '<font class="MathJye_mi">f</font>(<font class="MathJye_mi">x</font>)＝'
        + fraction(
            '<table><tbody><tr><td style="font-size: 14px"><div hassize="7" class="sqrt">⎷</div></td><td style="border-top: black 1px solid">1−'
            + raised("x", "2")
            + "</td></tr></tbody></table>",
            "x",
        ),
        r"f(x)=\frac{\sqrt{1-x^{2}}}{x}",
    ),
    "cube root": (
        f'{TABLE}<tr><td style="font-size:90%">3</td><td>8</td></tr><tr><td>{SIGN}</td></tr></table>',
        r"\sqrt[3]{8}",
    ),
    "vector": (
        stacked('<img src="http://img.jyeoo.net/images/formula/part/8594.png">', "AB"),
        r"\overrightarrow{AB}",
    ),
    "arc": (stacked('<img src="/images/formula/part/94.png">', "AB"), r"\overset{\frown}{AB}"),
    "overline": (
        '<table><tr><td style="border-top:1px solid black;line-height:1px"> </td></tr><tr><td>AB</td></tr></table>',
        r"\overline{AB}",
    ),
    "system": (
        '<table><tr><td><div style="background:url(x/part/123L.png)"></div></td><td><table><tr><td>x+y=3</td></tr><tr><td>x-y=1</td></tr></table></td><td></td></tr></table>',
        r"\begin{cases} x+y=3 \\ x-y=1 \end{cases}",
    ),
    "determinant": (
        '<table><tr><td><div style="background:url(x/part/P.png)"></div></td><td><table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table></td><td><div style="background:url(x/part/P.png)"></div></td></tr></table>',
        r"\begin{vmatrix} a & b \\ c & d \end{vmatrix}",
    ),
    "sum": (
        f'<table><tr><td style="font-size: 90%">n</td></tr><tr><td><img src="/images/formula/part/8721.png"></td></tr><tr><td style="font-size: 90%">i=1</td></tr></table>{raised("a", "i", "sub")}',
        r"\sum_{i=1}^{n}a_{i}",
    ),
    "limit": (
        stacked("lim", "n→∞", ' style="font-size:90%"') + raised("a", "n", "sub"),
        r"\lim_{n\to\infty}a_{n}",
    ),
    "both scripts": (
        '<table><tr><td>x</td><td><div mathtag="msubsup_sup">2</div><div mathtag="msubsup_sub">1</div></td></tr></table>',
        r"x_{1}^{2}",
    ),
    "reaction": (
        '<table><tr><td style="border-bottom:1px solid black;font-size:90%"><table><tr><td>&nbsp;点燃&nbsp;</td></tr><tr><td style="font-size:90%"><div style="border-top:1px solid black;line-height:1px">.</div></td></tr></table></td></tr><tr><td>&nbsp;</td></tr></table>',
        r"\overset{\text{点燃}}{=}",
    ),
    "geometry": ("△ABC≌△DEF，∠A=30°", r"\triangle ABC\cong\triangle DEF,\angle A=30^{\circ}"),
    "boxes": (
        '<div class="mrow"><div class="mfrac"><div class="fracZi"><div class="math-letter">1</div></div><div class="fracLine"><div class="mnormal"></div></div><div class="fracMu"><div class="math-letter">4</div></div></div><div class="mover"><div class="over overflowH"><div class="stretchArrow stretchArrowR stretchArrowNormal"></div></div><div class="base"><div class="baseCont"><div class="math-letter math-letter-i">AB</div></div></div></div></div>',
        r"\frac{1}{4}\overrightarrow{AB}",
    ),
    "boxes with a root and scripts": (
        '<div class="mrow"><div class="msqrt"><div class="msqrtIcon"></div><div class="msqrtBox"><div class="math-letter">3</div></div></div><div class="msubsup"><div class="msubsupCont"><div class="math-letter">x</div></div><div class="msub"><div class="math-letter">1</div></div><div class="msup"><div class="math-letter">2</div></div></div></div>',
        r"\sqrt{3}x_{1}^{2}",
    ),
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("around", ["p", "div", "li", "td"])
def test_a_drawn_formula_stands_in_its_sentence(name: str, around: str) -> None:
    markup, tex = DRAWN[name]
    page = f"<!DOCTYPE html><{around}>计算：{SPAN}{markup}</span>的值．</{around}>"
    if around == "td":
        page = f"<!DOCTYPE html><table><tr><td>甲</td><td>计算：{SPAN}{markup}</span>的值．</td></tr></table>"
    text = extract_html(page.encode()).text
    assert text.removeprefix("- ") in (f"计算：${tex}$的值．", f"| 甲 | 计算：${tex}$的值． |")


SITES = {
    "zuoyebang": (
        '<p>求<span class="MathZyb" mathtag="math"><table><tbody><tr><td style="border-bottom:1px solid black">9</td></tr><tr><td>20</td></tr></tbody></table></span>的倒数。</p>',
        r"求$\frac{9}{20}$的倒数。",
    ),
    "no class": (
        '<p>45%=<span  mathtag="math" ><table cellspacing="-1" style="width:auto;"><tr><td style="border-bottom:1px solid black">45</td></tr><tr><td>100</td></tr></table></span>．</p>',
        r"45%=$\frac{45}{100}$．",
    ),
    "afanti": (
        '<p>得<span dealflag="1" class="AFanMath" mathtag="math"><table><tbody><tr><td style="border-bottom:1px solid black">1</td></tr><tr><td>3</td></tr></tbody></table></span>。</p>',
        r"得$\frac{1}{3}$。",
    ),
    "a table alone": (
        '<div>是<table class="MathJye" style="display:inline-table"><tr><td style="border-bottom:1px solid black">1</td></tr><tr><td>2</td></tr></table>吗</div>',
        r"是$\frac{1}{2}$吗",
    ),
    "rows in a span": (
        '<p>C.<span class="MathJye" mathtag="math"><table><tr><td class="fsline">169</td></tr><tr><td>3</td></tr></table></span></p>',
        r"C.$\frac{169}{3}$",
    ),
    "many on a page": (
        "<div>（1）"
        + "÷".join(f"{SPAN}{fraction(str(a), '9')}</span>" for a in range(1, 4))
        + "</div><table><tr><th>a</th></tr><tr><td>1</td></tr></table>",
        "（1）$\\frac{1}{9}$÷$\\frac{2}{9}$÷$\\frac{3}{9}$\n\n| a |\n| 1 |",
    ),
    "a whole question of that class": (
        '<div class="MathJye"><p>设 x=1．</p><ul><li>求 y</li></ul></div>',
        "设 x=1．\n\n- 求 y",
    ),
    "never closed": (
        '<div>a <span class="MathJye">x<table><tr><td>1</td><td>2</td></tr></table></div><p>b</p>',
        "a x\n\n| 1 | 2 |\n\nb",
    ),
}


@pytest.mark.parametrize("name", SITES)
def test_sites_that_draw_alike_are_read_alike(name: str) -> None:
    page, text = SITES[name]
    assert extract_html(page.encode()).text == text


def test_openings_without_an_end_are_looked_for_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    end = drawn._end
    monkeypatch.setattr(drawn, "_end", lambda source, begin: looked_at.append(begin.end()) or end(source, begin))
    source = b'<span mathtag="math"><table><tr><td>' * 10_000
    assert drawn.rename_drawn(source) == source
    assert len(looked_at) * drawn._MAX_BYTES <= 10 * len(source) + 11 * drawn._MAX_BYTES
