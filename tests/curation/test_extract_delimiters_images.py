# ruff: noqa: E501 (pages are written on one line)
"""Formulas that are images: of rendering services, of converters from LaTeX, with spoken text, and what is none."""

import pytest

from mathmill.curation.extract import extract_html

IMAGES = [
    (
        'a <img src="https://s0.wp.com/latex.php?latex=%5Cfrac%7B1%7D%7B2%7D&#038;bg=ffffff&#038;fg=000000&#038;s=0&#038;c=20201002" alt="&#92;frac{1}{2}" class="latex" /> b',
        "a $\\frac{1}{2}$ b",
    ),
    (
        'a <img src="http://s.wordpress.com/latex.php?latex=%5Cdisplaystyle+x%2By&bg=ffffff&fg=000000&s=0" alt="\\displaystyle x+y" title="\\displaystyle x+y" class="latex" /> b',
        "a $x+y$ b",
    ),
    (
        '<p align="center"><img src="https://s0.wp.com/latex.php?latex=%5Cdisplaystyle++a%3Db+%5C+%5C+%5C+%5C+%5C+%281%29" alt="\\displaystyle  a=b \\ \\ \\ \\ \\ (1)" class="latex"></p>',
        "$$a=b \\ \\ \\ \\ \\ (1)$$",
    ),
    (
        'a <img src="http://latex.codecogs.com/gif.latex?\\inline&space;\\frac{a}{b}&plus;c" title="\\inline \\frac{a}{b}+c" /> b',
        "a $\\frac{a}{b}+c$ b",
    ),
    (
        'a <a href="http://www.codecogs.com/eqnedit.php?latex=\\inline&space;x^2" target="_blank"><img src="http://latex.codecogs.com/gif.latex?\\inline&space;x^2" title="x^2" /></a> b',
        "a $x^2$ b",
    ),
    (
        'a <img src="https://latex.codecogs.com/png.image?\\dpi{110}\\bg_white&space;\\large&space;E=mc^{2}" alt="E=mc^{2}"> b',
        "a $E=mc^{2}$ b",
    ),
    (
        'a <img src="https://latex.codecogs.com/svg.latex?%5CLarge%20x%3D%5Cfrac%7B-b%5Cpm%5Csqrt%7Bb%5E2-4ac%7D%7D%7B2a%7D" /> b',
        "a $x=\\frac{-b\\pm\\sqrt{b^2-4ac}}{2a}$ b",
    ),
    (
        'a <img src="https://latex.codecogs.com/svg.image?%5Cbegin%7Bbmatrix%7D1&amp;2%5C%5C3&amp;4%5Cend%7Bbmatrix%7D"> b',
        "a $\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}$ b",
    ),
    (
        'a <img src="https://latex.codecogs.com/gif.latex?x+y"> and <img src="https://latex.codecogs.com/gif.latex?x%2By"> b',
        "a $x+y$ and $x+y$ b",
    ),
    ('a <img src="https://latex.codecogs.com/gif.latex?a%26space%3B%2B%26space%3Bb"> b', "a $a + b$ b"),
    ('a <img src="https://chart.googleapis.com/chart?cht=tx&amp;chl=x%5E2%2B1&amp;chf=bg,s,fff"> b', "a $x^2+1$ b"),
    (
        'a <img src="http://chart.apis.google.com/chart?cht=tx&chf=bg,s,FFFFFF00&chco=000000&chl=%5Cfrac%7Ba%7D%7Bb%7D"> b',
        "a $\\frac{a}{b}$ b",
    ),
    ('a <img src="https://chart.googleapis.com/chart?cht=qr&chl=hello"> b', "a b"),
    ('a <img src="/cgi-bin/mimetex.cgi?\\Large\\frac{1}{2}" alt="" align="middle"> b', "a $\\frac{1}{2}$ b"),
    ('a <img src="http://www.forkosh.com/mathtex.cgi?\\dpi{120} \\int_0^1 x\\,dx"> b', "a $\\int_0^1 x\\,dx$ b"),
    ('a <img src="http://www.artofproblemsolving.com/Forum/latex.php?x^2" alt="$x^2$"> b', "a $x^2$ b"),
    (
        'a <img src="//latex.artofproblemsolving.com/e/6/5/e65.png" class="latex" alt="$\\triangle ABC$" width="46" height="13"> b <img src="//latex.artofproblemsolving.com/4/c.png" class="latex" alt="[asy] draw((0,0)--(1,1)); [/asy]"> c',
        "a $\\triangle ABC$ b c",
    ),
    (
        '<img class="latexcenter" alt="\\[x^2 + y^2 = 1.\\]" src="//latex.artofproblemsolving.com/a.png">',
        "$$x^2 + y^2 = 1.$$",
    ),
    (
        '<img class="latex" alt="\\begin{align*} a &amp;= b\\\\ c &amp;= d \\end{align*}" src="//latex.artofproblemsolving.com/a.png">',
        "$$\\begin{align*} a &= b\\\\ c &= d \\end{align*}$$",
    ),
    (
        'a <img class="mwe-math-fallback-image-display" src="https://wikimedia.org/api/rest_v1/media/math/render/svg/ab" alt="{\\displaystyle \\int _{0}^{1}x\\,dx}"> b',
        "a\n$$\\int _{0}^{1}x\\,dx$$\nb",
    ),
    ('a <img class="tex" alt="x^2 + 1" src="//upload.wikimedia.org/math/a/b/c/abc.png" /> b', "a $x^2 + 1$ b"),
    (
        '<dl><dd><img class="tex" alt="\\sum_{n=1}^\\infty \\frac1n" src="http://upload.wikimedia.org/math/1.png" /></dd></dl>',
        "$$\\sum_{n=1}^\\infty \\frac1n$$",
    ),
    (
        'a <img src="http://site.com/wp-content/ql-cache/quicklatex.com-abc_l3.png" class="ql-img-inline-formula quicklatex-auto-format" alt="&#120;&#94;&#50;" title="Rendered by QuickLaTeX.com" height="15"/> b',
        "a $x^2$ b",
    ),
    (
        '<p class="ql-center-displayed-equation" style="line-height: 40px;"><span class="ql-right-eqno"> &nbsp; </span><span class="ql-left-eqno"> &nbsp; </span><img src="http://x/ql-cache/quicklatex.com-1_l3.png" class="ql-img-displayed-equation quicklatex-auto-format" alt="\\[ \\frac{a}{b} \\]" title="Rendered by QuickLaTeX.com"/></p>',
        "$$\\frac{a}{b}$$",
    ),
    (
        'a <IMG WIDTH="50" HEIGHT="30" ALIGN="MIDDLE" BORDER="0"\n SRC="img3.png"\n ALT="$ \\frac{a}{b}$"> b',
        "a $\\frac{a}{b}$ b",
    ),
    ('a <IMG SRC="img3.gif" ALT="\\begin{displaymath}\nx = y\n\\end{displaymath}"> b', "a\n$$x = y$$\nb"),
    (
        'a <IMG SRC="img3.gif" ALT="\\begin{equation*}\nx = y\n\\end{equation*}"> b <IMG SRC="i.gif" ALT="$\\displaystyle x$"> c <IMG SRC="j.gif" ALT="\\includegraphics[width=1in]{a.eps}"> d <IMG SRC="k.png" ALT="\\begin{figure}\\epsfig{file=a.eps}\\end{figure}"> e',
        "a\n$$\\begin{equation*}\nx = y\n\\end{equation*}$$\nb $x$ c d e",
    ),
    (
        'the vector <!-- MATH\n $\\mathbf{x} = (a+b)^{2} + c$\n -->\n<IMG SRC="img9.png" ALT="$\\mathbf{x} = (a... ...2} + c$"> ends',
        "the vector $\\mathbf{x} = (a+b)^{2} + c$ ends",
    ),
    (
        'Doxygen <img class="formulaInl" alt="$ a_1 $" src="form_0.png"/> and <img class="formulaDsp" alt="\\[ \\int f \\]" src="form_1.png"/> end',
        "Doxygen $a_1$ and\n$$\\int f$$\nend",
    ),
    (
        'Moodle <img class="texrender" title="x^2 + 1" alt="x^2 + 1" src="https://m.example/filter/tex/pix.php/abc.gif" /> b',
        "Moodle $x^2 + 1$ b",
    ),
    (
        'Moodle <a href="javascript:void(0)" onclick="w()"><img src="http://m.example/filter/tex/pix.php/0123.png" alt="\\frac{a}{b}" title="\\frac{a}{b}" class="texrender"></a> b',
        "Moodle $\\frac{a}{b}$ b",
    ),
    (
        'CK <img class="x-ck12-math" src="/flx/math/inline/%5Cfrac%7B1%7D%7B2%7D" alt="\\frac{1}{2}"> <img class="x-ck12-block-math" alt="x%5E2%2B1" src="/flx/math/block/x%5E2%2B1"> end',
        "CK $\\frac{1}{2}$\n$$x^2+1$$\nend",
    ),
    (
        '设<img src="https://www.zhihu.com/equation?tex=%5Calpha+%2B+1" alt="\\alpha + 1" eeimg="1"/>为',
        "设$\\alpha + 1$为",
    ),
    ('<img src="//www.zhihu.com/equation?tex=a%3Db+%5C%5C" alt="a=b \\\\" eeimg="1">', "$$a=b$$"),
    ('由<img src="https://juejin.cn/equation?tex=x_i" alt="x_i">得', "由$x_i$得"),
    (
        'cnblogs <img src="https://math.jianshu.com/math?formula=%5Csqrt%7B2%7D" alt="\\sqrt{2}" mathimg="1"> b',
        "cnblogs $\\sqrt{2}$ b",
    ),
    (
        'CSDN <img src="https://latex.csdn.net/eq?%5Cfrac%7Ba%7D%7Bb%7D" alt="\\frac{a}{b}" class="mathcode"> b',
        "CSDN $\\frac{a}{b}$ b",
    ),
    (
        'CSDN <img alt="x_{1}" class="mathcode" src="https://private.codecogs.com/gif.latex?x_%7B1%7D"> b',
        "CSDN $x_{1}$ b",
    ),
    (
        '<p>Sphinx <img class="math" src="_images/math/abc.png" alt="x^2 + \\alpha"/> and</p><div class="math"><p><img src="_images/math/1.png" alt="\\sum_{i} x_i"/></p></div>',
        "Sphinx $x^2 + \\alpha$ and\n\n$$\\sum_{i} x_i$$",
    ),
    (
        'lazy <img class="lazy latex" src="data:image/gif;base64,AAA" data-src="https://s0.wp.com/latex.php?latex=x%5E3" alt="x^3"> b',
        "lazy $x^3$ b",
    ),
    (
        'lazy <img class="lazyload" src="blank.gif" data-lazy-src="https://latex.codecogs.com/gif.latex?y%5E3"><noscript><img src="https://latex.codecogs.com/gif.latex?y%5E3"></noscript> b',
        "lazy $y^3$ b",
    ),
    ('link <a href="big.png"><img src="https://latex.codecogs.com/gif.latex?x" alt="x"></a> b', "link $x$ b"),
    (
        '<img class="math-logo" src="logo.png" alt="Math Dept"> <img src="/images/math.png" alt="mathematics" class="math"> hi',
        "hi",
    ),
    (
        'a <img src="eq1.png" alt="x squared plus one"> b <img class="equation" src="eq2.png" alt="x squared plus one"> c',
        "a b c",
    ),
    ('a <img class="math" alt="E equals m c squared" src="e.png"> b', "a b"),
    ('a <img src="eq1.png" alt="y = 2x + 3"> b', "a $y = 2x + 3$ b"),
    ('a <img src="e.gif" alt="image of $5 bill"> b', "a b"),
    ('a <img src="e.gif" alt="$5 to $10$"> b', "a $$5 to $10$$ b"),
    ('a <img src="e.gif" alt="\\frac{x}{y}"> b', "a $\\frac{x}{y}$ b"),
    (
        'a <img src="https://render.githubusercontent.com/render/math?math=%5Cpi" alt="pi"> and <img src="https://render.githubusercontent.com/render/math?math=e%5E%7Bi%20%5Cpi%7D%20%3D%20-1"> b',
        "a $\\pi$ and $e^{i \\pi} = -1$ b",
    ),
    (
        'a <img src="https://i.upmath.me/svg/x%5E2"> b <img src="https://tex.s2cms.ru/svg/%5Calpha" alt="\\alpha"> c <img src="https://tex.z-dn.net/?f=%5Cfrac%7B1%7D%7B2%7D" alt="\\frac{1}{2}" title="\\frac{1}{2}"> d',
        "a $x^2$ b $\\alpha$ c $\\frac{1}{2}$ d",
    ),
    (
        'a <img src="http://www.sciweavers.org/tex2img.php?eq=x%5E2&bc=White&fc=Black&im=jpg&fs=12&ff=arev&edit=" alt="x^2"> b',
        "a $x^2$ b",
    ),
    ('a <img src="https://www.texify.com/img/%5CLARGE%5C%21x%5E2.gif" alt="x^2"> b', "a $\\!x^2$ b"),
    (
        'a <img src="https://math.vercel.app/?from=%5Cpi"> <img src="https://math.now.sh?from=x"> <img src="https://quicklatex.com/cache3/ab/ql_ab_l3.png" alt="x"> b',
        "a $\\pi$ $x$ $x$ b",
    ),
    ('a <img src="https://www.bing.com/images?text=hello" alt="x"> b', "a b"),
    ('a <img src="https://example.com/latex/logo.png?text=Hello" alt="LaTeX logo"> b', "a b"),
    ('a <img src="https://example.org/texvc?tex=x" alt="x"> b', "a b"),
    (
        'Canvas <img class="equation_image" title="x^2" src="/equation_images/x%255E2" alt="LaTeX: x^2"> b',
        "Canvas $x^2$ b",
    ),
    ('Brilliant <img src="x.png" alt="x^{2}" class="katex-img"> b', "Brilliant $x^{2}$ b"),
    ('a <img class="wp-katex-eq" src="k.png" alt="x+1"> b', "a $x+1$ b"),
    (
        'a <img src="q.png" class="Wirisformula" alt="x squared" data-mathml="«math xmlns=¨http://www.w3.org/1998/Math/MathML¨»«msup»«mi»x«/mi»«mn»2«/mn»«/msup»«/math»"> b',
        "a $x^{2}$ b",
    ),
    ('a <img src="https://www.wiris.net/demo/editor/render?latex=x%5E2"> b', "a $x^2$ b"),
]


@pytest.mark.parametrize(("html", "expected"), IMAGES)
def test_an_image_of_a_formula_gives_its_tex_once(html: str, expected: str) -> None:
    assert extract_html((html if html.startswith("<") else f"<p>{html}</p>").encode()).text == expected


def test_an_image_with_spoken_text_is_a_formula_that_was_found_and_lost() -> None:
    page = extract_html(b'<p>so <img class="equation" src="e.png" alt="x squared plus one"> holds</p>')
    assert (page.text, page.found, page.kept) == ("so holds", {"image_alt": 1}, {})


def test_what_latex2html_cut_from_an_alternative_text_is_read_from_its_comment() -> None:
    html = (
        "<p>Text</p><!-- MATH\n \\begin{equation}\na = b_{1} + c\n\\end{equation}\n -->\n"
        '<table><tr><td><img src="i.png" alt="$\\displaystyle a = b_{... ... c$"></td><td>(3)</td></tr></table>'
    )
    page = extract_html(html.encode())
    assert page.text == "Text\n\n$$\\begin{equation}\na = b_{1} + c\n\\end{equation}$$\n(3)"
