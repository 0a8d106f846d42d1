# ruff: noqa: E501 (pages are written on one line)
"""Every way in which pages write formulas: literal page in, literal text out."""

import pytest

from mathmill.curation.extract import extract_html

KATEX = (
    '<span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"{display}>'
    '<semantics><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow><annotation encoding="application/x-tex">x^2</annotation>'
    '</semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span>'
    '<span class="mord mathnormal">x</span><span class="mord">2</span></span></span></span>'
)
MJX_ASSISTIVE = (
    '<mjx-container class="MathJax" jax="CHTML"{display}><mjx-math class="MJX-TEX"><mjx-msup><mjx-mi><mjx-c '
    'class="mjx-c1D465 TEX-I"></mjx-c></mjx-mi><mjx-script><mjx-mn><mjx-c class="mjx-c32"></mjx-c></mjx-mn></mjx-script>'
    "</mjx-msup></mjx-math>{assistive}</mjx-container>"
)
WIKIPEDIA = (
    '<span class="mwe-math-element"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" style="display: none;">'
    '<math xmlns="http://www.w3.org/1998/Math/MathML" alttext="{\\displaystyle a_{n}}"><semantics><mrow><msub><mi>a</mi>'
    '<mi>n</mi></msub></mrow><annotation encoding="application/x-tex">{\\displaystyle a_{n}}</annotation></semantics></math>'
    '</span><img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/1a" class="mwe-math-fallback-image-inline" '
    'aria-hidden="true" alt="{\\displaystyle a_{n}}"></span>'
)
ASCIIMATH = '<script src="https://cdn.example/MathJax.js?config=AM_HTMLorMML"></script>'

PAGES = {
    "MathJax 2 script": ('Let <script type="math/tex">x^2</script> be', "Let $x^2$ be"),
    "MathJax 2 display script": (
        'Then <script type="math/tex; mode=display">\\frac{a}{b}</script> holds',
        "Then\n$$\\frac{a}{b}$$\nholds",
    ),
    "MathJax 2 preview, rendered and script": (
        'Let <span class="MathJax_Preview">x2</span><span class="MathJax" id="M-1-Frame"><nobr>x2</nobr></span>'
        '<script type="math/tex" id="M-1">x^2</script> be',
        "Let $x^2$ be",
    ),
    "MathJax 2 display, rendered and script": (
        '<span class="MathJax_Preview"></span><div class="MathJax_Display"><span class="MathJax"><nobr>E=mc2</nobr></span>'
        '</div><script type="math/tex; mode=display">E=mc^2</script>',
        "$$E=mc^2$$",
    ),
    "MathJax 2 rendered without script": (
        'Let <span class="MathJax_SVG" data-mathml="&lt;math&gt;&lt;msup&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;mn&gt;2&lt;/mn&gt;'
        '&lt;/msup&gt;&lt;/math&gt;"><svg><path/></svg></span> be',
        "Let $x^{2}$ be",
    ),
    "MathML script": (
        'a <script type="math/mml"><math><mfrac><mn>1</mn><mn>2</mn></mfrac></math></script> b',
        "a $\\frac{1}{2}$ b",
    ),
    "AsciiMath script": ('a <script type="math/asciimath">sqrt(x)/2</script> b', "a $\\frac{\\sqrt{x}}{2}$ b"),
    "script with CDATA": ('a <script type="math/tex">% <![CDATA[\na < b %]]></script> c', "a $a < b$ c"),
    "MathJax 3 assistive MathML": (
        "Let "
        + MJX_ASSISTIVE.format(
            display="",
            assistive="<mjx-assistive-mml><math><msup><mi>x</mi><mn>2</mn></msup></math></mjx-assistive-mml>",
        )
        + " be",
        "Let $x^{2}$ be",
    ),
    "MathJax 3 display": (
        MJX_ASSISTIVE.format(
            display=' display="true"',
            assistive='<mjx-assistive-mml display="block"><math display="block"><mi>y</mi></math></mjx-assistive-mml>',
        ),
        "$$y$$",
    ),
    "MathJax 3 CHTML alone": ("Let " + MJX_ASSISTIVE.format(display="", assistive="") + " be", "Let $x^{2}$ be"),
    "MathJax 3 SVG alone": (
        'Let <mjx-container class="MathJax" jax="SVG"><svg><g data-mml-node="math"><g data-mml-node="mfrac"><g data-mml-node="mi">'
        '<use data-c="1D44E"></use></g><g data-mml-node="mn"><use data-c="33"></use></g><rect></rect></g></g></svg></mjx-container> be',
        "Let $\\frac{a}{3}$ be",
    ),
    "MathJax 4 data-latex": (
        'Let <mjx-container class="MathJax"><mjx-math data-latex="\\mathbf F_p"><mjx-mi></mjx-mi></mjx-math></mjx-container> be',
        "Let $\\mathbf F_p$ be",
    ),
    "KaTeX once": ("Let " + KATEX.format(display="") + " be", "Let $x^2$ be"),
    "KaTeX display": (
        '<p>So <span class="katex-display">' + KATEX.format(display=' display="block"') + "</span> holds</p>",
        "So\n$$x^2$$\nholds",
    ),
    "KaTeX HTML alone": (
        'Let <span class="katex"><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span>'
        '<span class="mord"><span class="mord mathnormal">x</span><span class="msupsub"><span class="vlist-t"><span '
        'class="vlist-r"><span class="vlist" style="height:0.8em;"><span style="top:-3.063em;"><span class="pstrut"></span>'
        '<span class="sizing"><span class="mord mtight">2</span></span></span></span></span></span></span></span></span></span></span> be',
        "Let $x^{2}$ be",
    ),
    "MathML annotation": (
        "a <math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x_1 &lt; 2</annotation></semantics></math> b",
        "a $x_1 < 2$ b",
    ),
    "MathML annotation TeX": (
        "a <math><semantics><mi>x</mi><annotation encoding='TeX'>\\alpha</annotation></semantics></math> b",
        "a $\\alpha$ b",
    ),
    "MathML annotation-xml first": (
        "a <math><semantics><mi>x</mi><annotation-xml encoding='MathML-Content'><ci>x</ci></annotation-xml>"
        "<annotation encoding='application/x-tex'>x^3</annotation></semantics></math> b",
        "a $x^3$ b",
    ),
    "MathML alttext": (
        "a <math alttext='\\sqrt{2}' display='block'><msqrt><mn>2</mn></msqrt></math> b",
        "a\n$$\\sqrt{2}$$\nb",
    ),
    "MathML with spoken alttext": (
        "a <math alttext='square root of two'><msqrt><mn>2</mn></msqrt></math> b",
        "a $\\sqrt{2}$ b",
    ),
    "MathML presentation": ("a <math><mfrac><mn>1</mn><mn>2</mn></mfrac></math> b", "a $\\frac{1}{2}$ b"),
    "MathML prefixed": (
        "a <mml:math><mml:mmultiscripts><mml:mi>X</mml:mi><mml:none/><mml:mn>2</mml:mn></mml:mmultiscripts></mml:math> b",
        "a $X^{2}$ b",
    ),
    "Wikipedia": ("Let " + WIKIPEDIA + " be", "Let $a_{n}$ be"),
    "Wikipedia image": (
        'Let <img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/1a" class="mwe-math-fallback-image-inline" alt="{\\displaystyle a_{n}}"> be',
        "Let $a_{n}$ be",
    ),
    "WordPress": (
        'Let <img src="https://s0.wp.com/latex.php?latex=x%5E2%2B1&amp;bg=ffffff&amp;fg=000" alt="x^2+1" class="latex"> be',
        "Let $x^2+1$ be",
    ),
    "WordPress raw": ("Let $latex \\int_0^1 f$ be", "Let $\\int_0^1 f$ be"),
    "codecogs": (
        'a <img src="https://latex.codecogs.com/gif.latex?%5Cinline%20%5Cfrac%7Ba%7D%7Bb%7D"> b',
        "a $\\frac{a}{b}$ b",
    ),
    "codecogs with its own space": (
        'a <img src="https://latex.codecogs.com/svg.image?x&amp;space;=&amp;space;1"> b',
        "a $x = 1$ b",
    ),
    "mimetex": ('a <img src="/cgi-bin/mimetex.cgi?\\sqrt{x}"> b', "a $\\sqrt{x}$ b"),
    "mathtex": ('a <img src="/cgi-bin/mathtex.cgi?\\alpha_1"> b', "a $\\alpha_1$ b"),
    "Zhihu": ('设 <img src="https://www.zhihu.com/equation?tex=x%5E2" alt="x^2" eeimg="1"> 为', "设 $x^2$ 为"),
    "AoPS": (
        'a <img src="//latex.artofproblemsolving.com/1/2/3.png" class="latex" alt="$\\binom{n}{k}$"> b',
        "a $\\binom{n}{k}$ b",
    ),
    "AoPS display": (
        'a <img src="//latex.artofproblemsolving.com/1.png" class="latexcenter" alt="\\[x=1\\]"> b',
        "a\n$$x=1$$\nb",
    ),
    "CK-12": ('a <img class="x-ck12-math" src="/flx/math/inline/x%5E2" alt="x^2"> b', "a $x^2$ b"),
    "latex2html": ('a <IMG SRC="img12.png" ALT="$x_{12}$"> b', "a $x_{12}$ b"),
    "image alone is displayed": ('<p><img src="https://s0.wp.com/latex.php?latex=a%3Db"></p>', "$$a=b$$"),
    "image that is none": ('a <img src="cat.png" alt="A cat"> b', "a b"),
    "data-expr": ('a <span data-expr="x^2"></span> b', "a $x^2$ b"),
    "data-latex": ('a <span data-latex="\\pi r^2">pi r 2</span> b', "a $\\pi r^2$ b"),
    "data-tex": ('a <span class="ztext-math" data-eeimg="1" data-tex="x_1">x_1</span> b', "a $x_1$ b"),
    "data-math flag": ('a <span data-math="true">b</span> c', "a b c"),
    "LaTeXML equation table": (
        '<p>So</p><table class="ltx_equation ltx_eqn_table"><tr class="ltx_equation ltx_eqn_row"><td class="ltx_eqn_cell '
        'ltx_eqn_center_padleft"></td><td class="ltx_eqn_cell"><math alttext="a=b" display="block"><mi>a</mi></math></td>'
        '<td class="ltx_eqn_cell ltx_eqn_eqno"><span class="ltx_tag">(1)</span></td></tr></table>',
        "So\n\n$$a=b$$\n(1)",
    ),
    "LaTeXML aligned row is one formula": (
        '<table class="ltx_equationgroup ltx_eqn_table"><tr><td><math alttext="\\displaystyle a"></math></td>'
        '<td><math alttext="\\displaystyle=b"></math></td></tr></table>',
        "$$a =b$$",
    ),
    "AsciiMath backticks": (ASCIIMATH + "<p>a `x^2/3` b <code>`y`</code></p>", "a $\\frac{x^{2}}{3}$ b ``y``"),
    "backticks without AsciiMath": ("a `x^2/3` b", "a `x^2/3` b"),
    "tex tags": ("a [tex]x^2[/tex] b [latex]\\pi[/latex] c [math]y[/math] d", "a $x^2$ b $\\pi$ c $y$ d"),
    "physics forums": ("a [itex]x[/itex] b [tex]y=1[/tex] c", "a $x$ b\n$$y=1$$\nc"),
    "tex tag without end": ("a [tex]x^2 b", "a [tex]x^2 b"),
    "escaped math tag": ("a &lt;math&gt;x^2&lt;/math&gt; b", "a $x^2$ b"),
    "distill": ("a <d-math>x^2</d-math> b<d-math block>y</d-math>", "a $x^2$ b\n$$y$$"),
    "pandoc span": (
        'a <span class="math inline">\\(x\\)</span> b <span class="math display">\\[y\\]</span>',
        "a $x$ b\n$$y$$",
    ),
    "remark-math span": ('a <span class="math math-inline">x^2</span> b', "a $x^2$ b"),
    "GitLab code": ('a <code class="language-math">x^2</code> b', "a $x^2$ b"),
    "sup and sub": ("2<sup>10</sup> is not 210, a<sub>n</sub>", "2^{10} is not 210, a_{n}"),
    "ordinals and footnotes": ('the 1<sup>st</sup> word<sup><a href="#fn1">3</a></sup>', "the 1st word[3]"),
    "Unicode math stays": ("∀x∈ℝ: x² ≥ 0", "∀x∈ℝ: x² ≥ 0"),
}


@pytest.mark.parametrize("name", PAGES)
def test_each_encoding_comes_out_once_between_dollars(name: str) -> None:
    html, expected = PAGES[name]
    assert extract_html(f"<html><body>{html}</body></html>".encode()).text == expected


@pytest.mark.parametrize("name", PAGES)
def test_what_was_found_was_kept_and_spans_include_the_delimiters(name: str) -> None:
    page = extract_html(f"<html><body>{PAGES[name][0]}</body></html>".encode())
    assert page.found == page.kept
    for formula in page.formulas:
        span = page.text[formula.start : formula.end]
        mark = "$$" if formula.display else "$"
        assert span.startswith(mark)
        assert span.endswith(mark)
        assert "$" not in span.strip("$")


def test_formula_without_any_source_is_found_but_not_kept() -> None:
    page = extract_html(b'<p>Let <mjx-container class="MathJax"></mjx-container> be</p>')
    assert (page.text, page.found, page.kept) == ("Let be", {"mathjax3": 1}, {})


def test_mathjax2_output_that_keeps_a_copy_in_data_mathml_gives_one_formula():
    rendered = (
        '<span class="MathJax" data-mathml="&lt;math&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;"><nobr>x</nobr></span>'
    )
    page = extract_html(f'<p>Let {rendered}<script type="math/tex">x</script> be.</p>'.encode())
    assert page.text == "Let $x$ be."
    assert page.found == page.kept == {"mathjax_script": 1}
    alone = extract_html(f"<p>Let {rendered} be.</p>".encode())
    assert alone.text == "Let $x$ be."
    assert sum(alone.found.values()) == 1


def test_settings_of_wordpress_are_no_part_of_its_formulas():
    page = extract_html(b"<p>$latex x^2&s=2$ and $latex a&amp;bg=ffffff&amp;fg=000000&amp;s=1$ ok</p>")
    assert page.text == "$x^2$ and $a$ ok"


def test_a_number_beside_a_formula_in_a_table_is_data_and_a_number_in_parentheses_is_the_equations():
    formula = "<math><mi>r</mi><mo>+</mo><mn>1</mn></math>"
    data = f"<table><tr><td>{formula}</td><td>12</td></tr><tr><td>{formula}</td><td>13</td></tr></table>"
    assert extract_html(data.encode()).text == "| $r+1$ | 12 |\n| $r+1$ | 13 |"
    numbered = f"<table><tr><td>{formula}</td><td>(12)</td></tr></table>"
    assert extract_html(numbered.encode()).text == "$$r+1$$\n(12)"


def test_a_source_that_is_quoted_as_for_a_url_is_read():
    page = extract_html(b'<p>CK <span class="x-ck12-mathEditor" data-tex="x%5E%7B2%7D"></span> ok.</p>')
    assert page.text == "CK $x^{2}$ ok."
    plain = extract_html(b'<p>So <span data-tex="5\\% \\cdot x"></span> ok.</p>')
    assert plain.text == "So $5\\% \\cdot x$ ok."
