# ruff: noqa: E501 (pages are written on one line)
"""Structure of a page: headings, lists, tables, code, blocks with a role, main content, and hostile pages."""

import time

import pytest

from mathmill.curation.extract import ExtractedPage, extract_html


def blocks(page: ExtractedPage) -> list[tuple[str, str]]:
    return [(block.role, page.text[block.start : block.end]) for block in page.blocks]


STRUCTURES = {
    "headings": ("<h1>One</h1><p>a</p><h3>Two \\(x\\)</h3><p>b</p>", "# One\n\na\n\n### Two $x$\n\nb"),
    "lists": ("<ul><li>a<li>b $x$</ul><ol start=3><li>c<li>d</ol>", "- a\n- b $x$\n3. c\n4. d"),
    "nested lists": ("<ul><li>a<ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c"),
    "table": (
        "<table><tr><th>n<th>value<tr><td>1<td>$x^2$<tr><td><math><mfrac><mn>1</mn><mn>2</mn></mfrac></math><td>\\[y\\]</table>",
        "| n | value |\n| 1 | $x^2$ |\n| $\\frac{1}{2}$ | $$y$$ |",
    ),
    "layout table": ("<table><tr><td><h2>Menu</h2><td><p>one</p><p>two</p></table>", "## Menu\n\none\n\ntwo"),
    "code": (
        '<pre><code>def f(x):\n    return $x$ &lt; "$y$"\n</code></pre><p>a</p>',
        '```\ndef f(x):\n    return $x$ < "$y$"\n```\n\na',
    ),
    "line numbers": (
        '<pre><span class="lineno">1</span>a = 1\n<span class="lineno">2</span>  b</pre>',
        "```\na = 1\n  b\n```",
    ),
    "code with Prism's class": (
        '<pre class="line-numbers"><code class="language-c line-numbers">int a;</code></pre>',
        "```\nint a;\n```",
    ),
    "line breaks": ("<p>a<br>b<br/><br>c</p>", "a\nb\nc"),
    "blanks": ("<p> a \n\t b  c </p>  <p></p><div>d</div>", "a b c\n\nd"),
    "inline elements": ("<p>a <b>b</b><i>c</i> <a href=x>d</a>e</p>", "a bc de"),
    "scripts and styles": ("<style>p{}</style><script>var x = '$a$';</script><p>a</p><noscript>no</noscript>", "a"),
    "tail of a formula": (
        '<p><script type="math/tex">x</script>-axis, <script type="math/tex">n</script>th</p>',
        "$x$-axis, $n$th",
    ),
    "heading anchor": ('<h2>Title<a class="headerlink" href="#t">¶</a></h2><p>a</p>', "## Title\n\na"),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structure_is_kept(name: str) -> None:
    html, expected = STRUCTURES[name]
    assert extract_html(f"<body>{html}</body>".encode()).text == expected


ROLES = {
    "details": (
        "<p>Find x.</p><details><summary>Show solution</summary><p>It is 2.</p></details>",
        ("solution", "It is 2."),
    ),
    "Chinese details": ("<p>求 x。</p><details><summary>答案</summary><p>2</p></details>", ("answer", "2")),
    "hidden after a label": (
        '<p>Find.</p><p>Solution</p><div style="display: none"><p>It is 2.</p></div>',
        ("solution", "It is 2."),
    ),
    "hidden after a button": (
        '<p>Find.</p><button>Show hint</button><div class="collapse"><p>Try 2.</p></div>',
        ("hint", "Try 2."),
    ),
    "PreTeXt": (
        '<article class="exercise exercise-like"><p>Find x.</p><div class="solution solution-like"><p>2</p></div></article>',
        ("solution", "2"),
    ),
    "OpenStax": (
        '<div data-type="exercise"><div data-type="problem"><p>Find.</p></div><div data-type="solution"><p>2</p></div></div>',
        ("statement", "Find."),
    ),
    "LaTeXML": (
        '<div class="ltx_theorem ltx_theorem_exercise"><p>Find.</p></div><div class="ltx_proof"><p>So.</p></div>',
        ("proof", "So."),
    ),
    "Sphinx": ('<div class="admonition solution"><p>2</p></div>', ("solution", "2")),
    "example": ('<div class="example"><p>Let x be 2.</p></div>', ("example", "Let x be 2.")),
    "spoiler": (
        '<div class="su-spoiler"><div class="su-spoiler-title">Answer</div><div class="su-spoiler-content">42</div></div>',
        ("answer", "42"),
    ),
}


@pytest.mark.parametrize("name", ROLES)
def test_markup_gives_blocks_their_role(name: str) -> None:
    html, expected = ROLES[name]
    assert expected in blocks(extract_html(html.encode()))


def test_an_exercise_contains_its_statement_and_solution() -> None:
    html = '<div data-type="exercise"><div data-type="problem"><p>Find.</p></div><div data-type="solution"><p>2</p></div></div>'
    assert blocks(extract_html(html.encode())) == [
        ("exercise", "Find.\n\n2"),
        ("statement", "Find."),
        ("solution", "2"),
    ]


def test_stackexchange_posts_come_in_order_with_the_accepted_one_marked() -> None:
    html = (
        '<div id="mainbar" itemscope itemtype="https://schema.org/Question"><div class="question js-question" id="question">'
        '<p>Why is $1+1=2$?</p></div><div id="answers"><div id="answer-1" class="answer js-answer"><p>Because.</p></div>'
        '<div id="answer-2" class="answer js-answer accepted-answer" itemprop="acceptedAnswer"><p>By Peano.</p></div></div></div>'
    )
    assert blocks(extract_html(html.encode())) == [
        ("question", "Why is $1+1=2$?"),
        ("reply", "Because."),
        ("accepted_reply", "By Peano."),
    ]


def test_schema_org_question_ends_where_its_answers_begin() -> None:
    html = (
        '<div itemscope itemtype="https://schema.org/Question"><p itemprop="text">Why?</p><div itemprop="suggestedAnswer" '
        'itemscope itemtype="https://schema.org/Answer"><p>So.</p></div></div>'
    )
    assert blocks(extract_html(html.encode())) == [("question", "Why?"), ("reply", "So.")]


@pytest.mark.parametrize(
    "post",
    [
        '<div id="p10{}" class="post bg2"><p>{}</p></div>',
        '<div id="post_1{}"><table><tr><td id="postmessage_1{}">{}</td></tr></table></div>',
    ],
)
def test_forum_posts_are_a_question_and_replies(post: str) -> None:
    html = "".join(post.format(*[i] * (post.count("{}") - 1), f"text {i}") for i in (1, 2))
    assert blocks(extract_html(html.encode())) == [("question", "text 1"), ("reply", "text 2")]


CHROME = (
    '<header><nav><a href="/">Home</a> <a href="/b">Blog</a></nav></header><div class="cookie-banner">We use cookies.</div>'
    '{}<aside class="sidebar"><p>Popular posts</p></aside><ul class="menu"><li><a href="/x">X</a></ul><footer>© 2024 Someone</footer>'
)


@pytest.mark.parametrize("text", ["Let $x$ be a number.", "设 $x$ 为实数。", "好。"])
def test_chrome_is_removed_around_however_short_a_text(text: str) -> None:
    assert extract_html(CHROME.format(f"<div><p>{text}</p></div>").encode()).text == text


def test_a_page_of_short_chinese_paragraphs_is_kept_whole() -> None:
    lines = [f"第{i}题：求 $x_{{{i}}}$。" for i in range(30)]
    html = CHROME.format("<div id='content'>" + "".join(f"<p>{line}</p>" for line in lines) + "</div>")
    assert extract_html(html.encode()).text == "\n\n".join(lines)


def test_lists_of_links_go_and_lists_with_text_stay() -> None:
    text = "A paragraph that is long enough to be the content of a page, and says so in several more words. " * 6
    links = "<div><ul>" + "".join(f"<li><a href=/{i}>Some page {i}</a>" for i in range(20)) + "</ul></div>"
    html = f"<div><div>{links}</div><div><p>{text}</p><ul><li>first, see <a href=/a>a</a><li>second</ul></div></div>"
    assert extract_html(html.encode()).text == f"{text.strip()}\n\n- first, see a\n- second"


def test_the_title_in_front_of_the_content_is_kept() -> None:
    text = "A paragraph that is long enough to be the content of a page, and says so in several more words. " * 3
    page = extract_html(
        f"<title>T</title><div><h1>Rings</h1></div><div class=by>By me</div><article><p>{text}</article>".encode()
    )
    assert (page.title, page.text.split("\n")[0]) == ("T", "# Rings")


@pytest.mark.parametrize(
    "html",
    [
        b"", b"x", b"<html></html>", b"<frameset><frame src=a></frameset>", b"<template><p>a</p></template>",
        b"<svg><template><p>a</svg>", b"<table><tr><td>", b"<select><option>a", b"<math><annotation>", b"\0\0", b"<p>\xff\xfe",
        b"<details><summary>", b"<mjx-container>", b"<sup><p>a</sup>b", b"<ul><table><li></ul>", b"<a><a><table><a>",
        b"<script type='math/tex'>", b"<!--", b"<textarea>", b"<plaintext>x", b"<td>a</td><sup></td></sup>",
    ],
)  # fmt: skip
def test_broken_pages_give_a_text_and_no_error(html: bytes) -> None:
    page = extract_html(html)
    assert isinstance(page.text, str)
    assert extract_html(html) == page


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "deep",
        "<b>" * 100_000 + "deep",
        "<ul><li>" * 50_000 + "deep",
        "<div>" * 100_000 + "deep" + "</p>" * 100_000,
        "<table><tr><td>" * 30_000 + "deep",
        "<math>" + "<mrow>" * 100_000 + "<mi>x</mi></math>deep",
        "<sup>" * 50_000 + "deep",
        "<span class=katex><span class=katex-html>" + "<span class=mord>" * 50_000 + "</span>" * 50_002 + "deep",
        "deep" + "<p>a <a href=x>b</a>" * 20_000,
        "deep " + "$" * 200_000,
        "deep " + "\\(" * 100_000,
        "deep " + "${" * 100_000,
        "deep " + "\\begin{align}" * 20_000,
        "deep " + "<!--" * 100_000,
        "deep " + "<details><summary>Solution" * 5_000,
    ],
    ids=lambda html: html[:24],
)
def test_hostile_pages_take_bounded_time(html: str) -> None:
    start = time.process_time()
    page = extract_html(html.encode())
    assert time.process_time() - start < 5
    assert "deep" in page.text


def test_extracting_twice_gives_the_same_and_pages_do_not_share_state() -> None:
    html = CHROME.format("<p>$a<b$ and \\(c\\)</p><table><tr><td>1</table>").encode()
    first = extract_html(html)
    extract_html(b"<p>`x` [tex]y[/tex]")
    assert extract_html(html) == first


def test_comments_on_a_post_are_text_but_no_part_of_it() -> None:
    html = (
        '<div id="mainbar" itemscope itemtype="https://schema.org/Question"><div class="question js-question" id="question">'
        '<p>Why is $1+1=2$?</p><span class="d-none" itemprop="commentCount">1</span><div class="comments js-comments-container">'
        '<ul><li><p>Good one.</p></li></ul></div></div><div id="answer-1" class="answer js-answer"><p>Because.</p>'
        '<div id="comments-1" class="comments"><p>Why so?</p></div></div></div>'
    )
    page = extract_html(html.encode())
    assert blocks(page) == [("question", "Why is $1+1=2$?"), ("reply", "Because.")]
    assert "Good one." in page.text
    assert "Why so?" in page.text
    assert "\n\n1\n\n" not in page.text


def test_paragraph_numbers_of_latexml_are_no_posts() -> None:
    html = "".join(f'<div id="p{i}" class="ltx_para"><p id="p{i}.1" class="ltx_p">Text {i}.</p></div>' for i in (1, 2))
    assert blocks(extract_html(html.encode())) == []


def test_code_beside_a_formula_in_an_equation_table_is_kept() -> None:
    table = (
        '<table class="ltx_equation ltx_eqn_table"><tr><td><math alttext="x=1"><mi>x</mi></math></td>'
        "<td>with <code>f(x)</code> (1)</td></tr></table>"
    )
    page = f"<html><body><p>Some text before it, long enough.</p>{table}<p>after</p></body></html>"
    assert extract_html(page.encode()).text == "Some text before it, long enough.\n\n$$x=1$$\nwith `f(x)` (1)\n\nafter"
