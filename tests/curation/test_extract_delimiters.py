"""Formulas between delimiters in a page's text, and what only looks like one."""

import pytest

from mathmill.curation.extract import extract_html

MATHJAX_2 = '<script type="text/x-mathjax-config">MathJax.Hub.Config({tex2jax: {inlineMath: %s}});</script>'
MATHJAX_3 = "<script>window.MathJax = {tex: {inlineMath: %s}};</script>"
KATEX = "<script>renderMathInElement(document.body, {delimiters: %s});</script>"

PARAGRAPHS = {
    "parens and brackets": ("a \\(x\\) b \\[y\\] c", "a $x$ b\n$$y$$\nc"),
    "double dollars": ("a $$x=1$$ b", "a\n$$x=1$$\nb"),
    "single dollars": ("a $x_1$ b $n!$ c $f(x)$", "a $x_1$ b $n!$ c $f(x)$"),
    "currency": ("It costs $5 and then $10.", "It costs $5 and then $10."),
    "currency range": (
        "From $5-$10, US$20 or $1.5 million to $3 million",
        "From $5-$10, US$20 or $1.5 million to $3 million",
    ),
    "currency beside formulas": ("Pay $5 for $x$ or $10 for $y+1$", "Pay $5 for $x$ or $10 for $y+1$"),
    "escaped dollar": ("a \\$5 and \\$6 b", "a \\$5 and \\$6 b"),
    "escaped dollar in a formula": ("a $\\$5 + x$ b", "a $\\$5 + x$ b"),
    "dollar in text in a formula": ("a $x \\text{ if $y$ is}$ b", "a $x \\text{ if $y$ is}$ b"),
    "unmatched paren": ("a \\(x b", "a \\(x b"),
    "less and greater": ("raw $a<b$ and $c>d$ end", "raw $a<b$ and $c>d$ end"),
    "less before a letter with space": ("if $i<n and j>k$ then <b>x</b>", "if $i<n and j>k$ then x"),
    "entities": ("a $x &lt; y &amp; z$ b", "a $x < y & z$ b"),
    "doubly escaped entities": ("a \\(x &amp;lt; y\\) b", "a $x < y$ b"),
    "align": (
        "\\begin{align} a &amp;= b \\\\ c &amp;= d \\end{align}",
        "$$\\begin{align} a &= b \\\\ c &= d \\end{align}$$",
    ),
    "align star in display": ("\\[\\begin{align*} a \\end{align*}\\]", "$$\\begin{align*} a \\end{align*}$$"),
    "gather": ("a \\begin{gather}x\\end{gather} b", "a\n$$\\begin{gather}x\\end{gather}$$\nb"),
    "cases": (
        "\\(f = \\begin{cases} 1 &amp; x \\\\ 0 \\end{cases}\\)",
        "$f = \\begin{cases} 1 & x \\\\ 0 \\end{cases}$",
    ),
    "nested environments": (
        "\\begin{equation}\\begin{split}a\\end{split}\\label{eq:1}\\end{equation}",
        "$$\\begin{equation}\\begin{split}a\\end{split}\\label{eq:1}\\end{equation}$$",
    ),
    "environment that is no formula": ("\\begin{itemize} a \\end{itemize}", "\\begin{itemize} a \\end{itemize}"),
    "the word aligned in text": ("$x \\text{ aligned}$", "$x \\text{ aligned}$"),
    "displaystyle": ("a ${\\displaystyle \\frac{1}{2}}$ b", "a $\\frac{1}{2}$ b"),
    "displaystyle of a part": ("a ${\\displaystyle x}+{y}$ b", "a ${\\displaystyle x}+{y}$ b"),
    "colour": ("a $\\color{red}{x^2}+\\textcolor{blue}{y}$ b", "a $x^2+y$ b"),
    "colour in a group": ("a $1+{\\color{red} x_{1}}$ b", "a $1+x_{1}$ b"),
    "zero width": ("a $x​+y$ b", "a $x+y$ b"),
    "Unicode minus": ("a $x − 1$ b", "a $x − 1$ b"),
    "backspace": ("a $\x08oldsymbol{x}$ b", "a $\\boldsymbol{x}$ b"),
    "line breaks": ("\\[\n a = b\n\n \\\\ c\n\\]", "$$a = b\n\\\\ c$$"),
    "br inside": ("\\begin{align}<br>a<br>\\end{align}", "$$\\begin{align}\na\n\\end{align}$$"),
    "comment": ("\\[a % first\n + b\\]", "$$a\n+ b$$"),
    "punctuation stays at the formula": ("so \\[x=1\\], and", "so\n$$x=1$$,\nand"),
    "Chinese": ("设函数$f(x)=x^2$，则", "设函数$f(x)=x^2$，则"),
    "inline code": ("a <code>$x$ and `y`</code> b", "a `$x$ and `y`` b"),
    "no Markdown escapes": ("a_1 * b < c [d] #e", "a_1 * b < c [d] #e"),
    "macro definitions": ("a \\(\\newcommand{\\N}{\\mathbb{N}}\\) b", "a b"),
    "begingroup": ("$\\begingroup$ a $\\endgroup$", "a"),
    "regular expression": ("match \\(the group here\\) now", "match \\(the group here\\) now"),
    "shell variables": ("set $HOME and $PATH first", "set $HOME and $PATH first"),
}


@pytest.mark.parametrize("name", PARAGRAPHS)
def test_delimited_formulas_and_their_neighbours(name: str) -> None:
    html, expected = PARAGRAPHS[name]
    assert extract_html(f"<p>{html}</p>".encode()).text == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (MATHJAX_2 % "[['$','$'], ['\\\\(','\\\\)']]", "a $x$ b"),
        (MATHJAX_2 % "[['\\\\(','\\\\)']]", "a $x$ b"),
        (MATHJAX_3 % "{'[+]': [['$', '$']]}", "a $x$ b"),
        (MATHJAX_2 % "[['$','$'", "a $x$ b"),
    ],
)
def test_single_dollars_in_the_source_survive_any_configuration(config: str, expected: str) -> None:
    assert extract_html(f"{config}<p>a $x$ b</p>".encode()).text == expected


def test_dollars_are_no_formula_where_the_page_lists_other_delimiters() -> None:
    page = extract_html((MATHJAX_2 % "[['\\\\(','\\\\)']]" + "<p>a $x$ b \\(y\\)</p>").encode())
    assert [page.text[f.start : f.end] for f in page.formulas] == ["$y$"]


def test_custom_delimiters_of_mathjax_are_read() -> None:
    html = MATHJAX_2 % "[['@@', '@@']]" + "<p>mail a@b, @@x^2@@ end</p>"
    page = extract_html(html.encode())
    assert (page.text, page.found) == ("mail a@b, $x^2$ end", {"tex_custom": 1})


def test_custom_delimiters_of_katex_are_read() -> None:
    html = (
        KATEX % '[{left: "%%", right: "%%", display: true}, {left: "::", right: "::", display: false}]'
        + "<p>a %%x%% b ::y:: c</p>"
    )
    assert extract_html(html.encode()).text == "a\n$$x$$\nb $y$ c"


def test_a_malformed_configuration_counts_as_none() -> None:
    html = "<script>MathJax = {tex: {inlineMath: [[' </script><p>a \\(x\\) b</p>"
    assert extract_html(html.encode()).text == "a $x$ b"


def test_text_between_an_exponent_and_a_slash_stays() -> None:
    page = extract_html(b"<p>x<sup>3</sup>abc/<sub>4</sub> and <sup>3</sup>/<sub>4</sub> of it</p>")
    assert page.text == "x^{3}abc/_{4} and 3/4 of it"
