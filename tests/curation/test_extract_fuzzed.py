"""What fuzzing and the hunt for slow inputs found: crashes, work that grew faster than the page, texts without end."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from mathmill.curation.extract import extract_html
from mathmill.curation.html.macros import page_macros
from mathmill.curation.html.marks import LONG_TAG, marks_of
from mathmill.curation.html.source import MAX_ATTRIBUTES, MAX_DEPTH, MAX_FORMATTING, cap_attributes, cap_depth


def text_of(html: str) -> str:
    return extract_html(html.encode()).text


# --- crashes


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a <?php echo 1 ?>b</p>", "a b"),
        ("<p>a <math><?x?><mi>x</mi></math></p>", "a $x$"),
        ("<p>a <math><?x?><semantics><mi>x</mi></semantics></math></p>", "a $x$"),
        ('<p><mjx-container><?x?><mjx-math><?x?><mjx-mi><mjx-c class="mjx-c78"></mjx-c></mjx-mi></mjx-math>', "$x$"),
        ("<pre>a<?x?><br>b</pre>", "```\na\nb\n```"),
    ],
)
def test_processing_instructions_are_passed_over(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize("html", ["<p><a href=x>↩</a></p>", "<h2><a href=x>¶</a></h2>", "<h1>a</h1><p><a href=x>↩</a>"])
def test_a_paragraph_of_nothing_but_a_link_back_is_no_error(html: str) -> None:
    assert extract_html(html.encode()) == extract_html(html.encode())


@pytest.mark.parametrize(
    "votes", ['"--5"', '"²"', '"9"', "null", "[1]", "9" * 400, "1e400", "-3", '"' + "9" * 5000 + '"']
)
def test_votes_and_positions_may_be_anything(votes: str) -> None:
    answers = f'{{"text": "one", "upvoteCount": {votes}, "position": {votes}}}, {{"text": "two", "upvoteCount": 1}}'
    forum = (
        f'{{"@type": "QAPage", "mainEntity": {{"@type": "Question", "text": "Why?", "suggestedAnswer": [{answers}]}}}}'
    )
    quiz = (
        '{"@type": "Quiz", "hasPart": {"@type": "Question", "text": "What?", "acceptedAnswer": {"text": "two"}, '
        f'"suggestedAnswer": [{answers}]}}}}'
    )
    for data in (forum, quiz):
        text = text_of(f'<script type="application/ld+json">{data}</script>')
        assert "two" in text


@pytest.mark.parametrize(
    "html",
    [
        '<mjx-container><svg><g data-mml-node="math"><g data-mml-node="mi"><use data-c="D800"></use><use data-c="78">',
        '<mjx-container><mjx-math><mjx-mi><mjx-c class="mjx-cDFFF"></mjx-c><mjx-c class="mjx-c78"></mjx-c>',
        '<math><semantics><mi>x</mi><annotation encoding="application/x-tex">{"math": "x\\ud800"}</annotation>',
        '<p class="latex-rendered" data-attrs=\'{"persistentExpression": "x\\udfff"}\'>x</p>',
        '<script type="application/ld+json">{"@type": "QAPage", "mainEntity": {"@type": "Question", '
        '"text": "x\\ud800", "acceptedAnswer": {"text": "$x$"}}}</script>',
    ],
)
def test_lone_surrogates_do_not_reach_the_text(html: str) -> None:
    assert b"x" in extract_html(html.encode()).text.encode()


def test_formulas_that_a_row_makes_one_leave_the_count_of_their_own_encodings() -> None:
    page = extract_html(
        b'<table class=ltx_equation><td><math><mi>y</mi></math><span class="arithmatex">$x$</span></table>'
    )
    assert page.text == "$$y x$$"
    assert page.found == {"mathml": 1, "tex_element": 0}
    assert page.kept == {"mathml": 1}


def test_an_equation_table_in_a_cell_of_another_is_part_of_the_cell() -> None:
    inner = "<table class=ltx_eqn_table><tr><td><math><mi>x</mi></math></td></tr></table>"
    html = f"<table class=ltx_equation><tr><td>{inner}</td><td>(1)</td></tr></table>"
    assert text_of(html) == "$$x$$\n(1)"
    extract_html(b"<table class=ltx_equation><td><table><code><<td><table class=ltx_eqn_table>$!$<tr>")


# --- work and texts that grew without bounds

X = '<mjx-mi><mjx-c class="mjx-c78"></mjx-c></mjx-mi>'


def nested(opening: str, inner: str, closing: str, depth: int = 60) -> str:
    return opening * depth + inner + closing * depth


@pytest.mark.parametrize(
    "tree",
    [
        "<math>" + nested("<apply><diff/><bvar><ci>x</ci></bvar>", "<ci>y</ci>", "</apply>"),
        "<math>" + nested("<apply><partialdiff/><bvar><ci>x</ci></bvar>", "<ci>y</ci>", "</apply>"),
        "<math>" + nested("<apply><divide/>", "<ci>y</ci>", "</apply>"),
        "<math>" + nested("<apply><power/>", "<ci>y</ci>", "</apply>"),
        "<math>" + nested("<apply><diff/><bvar><ci>x</ci><degree>", "<cn>2</cn>", "</degree></bvar><ci>f</ci></apply>"),
        "<mjx-container><mjx-math>" + nested("<mjx-msup><mjx-script>", X, "</mjx-script></mjx-msup>"),
        "<mjx-container><mjx-math>" + nested("<mjx-mfrac><mjx-num><mjx-den>", X, "</mjx-den></mjx-num></mjx-mfrac>"),
        "<mjx-container><mjx-math>"
        + nested("<mjx-munderover><mjx-under><mjx-over>", X, "</mjx-over></mjx-under></mjx-munderover>"),
        "<mjx-container><mjx-math>" + nested("<mjx-mroot><mjx-box><mjx-root>", X, "</mjx-root></mjx-box></mjx-mroot>"),
    ],
)
def test_each_element_of_a_formula_is_read_once_however_deep(tree: str) -> None:
    assert len(text_of(tree)) < 10 * len(tree)  # some took 2^40 steps, or wrote as much


def test_a_script_without_a_base_is_read_from_its_own_box_only() -> None:
    script = f"<mjx-container><mjx-math><mjx-msup><mjx-script>{X}</mjx-script></mjx-msup></mjx-math></mjx-container>"
    assert text_of(script) == "${}^{x}$"


def test_an_application_without_its_second_argument_is_not_given_the_first_again() -> None:
    assert text_of("<math><apply><divide/><ci>y</ci></apply></math>") == r"$\frac{y}{}$"


LONG = 100_000
SPACES = " " * LONG
HOSTILE: list[tuple[str, Callable[[], str]]] = [
    ("blanks in a superscript", lambda: f"<p>x<sup>a{SPACES}b</sup>"),
    ("blanks behind a formula", lambda: f"<p><math><mi>x</mi></math>{SPACES}A{SPACES}zz"),
    ("blanks in an equation's cell", lambda: f"<table><tr><td><math><mi>x</mi></math>{SPACES}zz<td>(1)</table>"),
    ("blanks before the first tag", lambda: f"{SPACES}x<script type=math/tex>x</script>"),
    ("letters in alttext", lambda: f"<math alttext={'a' * LONG}><mi>x</mi></math>"),
    ("letters in alt", lambda: f"<img class=latex alt={'a' * 4900}>" * 20),
    ("tags in tags", lambda: "<p>$x$ <b and $c$ d> " + "<a<" * (LONG // 3)),
    ("tags that do not end", lambda: "<div>" * 3000 + "<a " * (LONG // 3)),
    ("JSON-LD without an end", lambda: '<script type="application/ld+json">' * (LONG // 35)),
    ("nested superscripts", lambda: "<p>" + "<sup>a" * (LONG // 6)),
    ("nested headers", lambda: "<header>" * 4000 + "<i>a</i>" * 5000),
    ("nested hidden boxes", lambda: '<div style="display:none">' * 4000 + "<i>a</i>" * 5000),
    ("styles in styles", lambda: '<span data-latex="' + nested("{\\displaystyle ", "x", "}", 6000) + '">'),
    ("colours in colours", lambda: '<span data-latex="' + nested("{\\color{red} ", "x", "}", 6000) + '">'),
    ("moduli that do not end", lambda: "<math><mrow>" + "<mo>(</mo><mi>mod</mi>" * 9000),
    ("documents that do not end", lambda: "<inline-formula><tex-math>" + "\\begin{document}" * (LONG // 16)),
    ("classes without end", lambda: f"<div class='{'aria ' * LONG}'>x"),
    ("bars that find no partner", lambda: '<script type="math/asciimath">' + "|(" * 2400 + "</script>"),
    ("control spaces", lambda: '<script type="math/asciimath">' + " \\ " * LONG + "</script>"),
    ("scripts of scripts", lambda: '<script type="math/asciimath">' + "a^b" * LONG + "</script>"),
]


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in HOSTILE])
def test_the_work_on_a_page_is_bounded(make: Callable[[], str]) -> None:
    html = make()  # each of these took from ten seconds to hours
    assert len(text_of(html)) <= len(html)


def test_definitions_that_do_not_end_are_searched_for_their_end_twenty_times_at_most() -> None:
    defined, unclosed = r"<p>\(\def\c{x}\)</p>", r"<p>\(\def\b{\)</p>"  # 500 times took 1 s
    assert "c" in page_macros((unclosed * 19 + defined).encode())
    assert "c" not in page_macros((unclosed * 20 + defined).encode())


def test_cells_that_hang_down_fill_a_bounded_number_of_columns() -> None:
    html = "<table><tr>" + "<td colspan=50 rowspan=1000>x" * 300 + "<tr><td>y" * 900
    assert len(text_of(html)) < 10 * len(html)


@pytest.mark.parametrize(
    "definition",
    [
        "\\def\\a{" + "x" * 19_000 + "}",
        "".join(f"\\def\\{a}{{\\{b}\\{b}\\{b}}}" for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + "\\def\\i{x}",
        "\\def\\a{\\b\\b}\\def\\b{\\a\\a}",
    ],
)
def test_macros_make_no_endless_text(definition: str) -> None:
    html = f"<p>\\({definition}\\)</p><p>" + "$\\a$ " * 3000
    assert len(text_of(html)) < 10 * len(html) + 2_000_000


def test_an_argument_that_is_used_often_makes_no_endless_formula() -> None:
    text = text_of(f"<p>\\(\\def\\a#1{{{'#1' * 3000}}}\\)</p><p>$\\a{{{'x' * 1000}}}$</p>")
    assert text == f"$\\a{{{'x' * 1000}}}$"


def test_formatting_that_stays_open_is_not_made_anew_in_every_paragraph() -> None:
    html = "<p>" + "".join(f"<font size={i}>" for i in range(300)) + "</p>" + "<p>x</p>" * 3000
    tree = LexborHTMLParser(cap_depth(html.encode()))
    assert len(tree.css("font")) <= (MAX_FORMATTING + 1) * 3001


def test_no_element_nests_deeper_than_the_cap() -> None:
    for tag in ("div", "header", "code", "article", "span", "b"):
        node = LexborHTMLParser(cap_depth(f"<{tag}>".encode() * 3000 + b"x")).body
        depth = 0
        while node is not None and node.first_child is not None:
            node, depth = node.first_child, depth + 1
        assert depth <= MAX_DEPTH + 1


# --- anything at all

FRAGMENTS = st.sampled_from([
    "<p>", "</p>", "<div>", "</div>", "<table>", "<tr>", "<td>", "</table>", "<td colspan=3 rowspan=2>", "<ul>",
    "<ol start=5>", "<li>", "</ul>", "<pre>", "</pre>", "<code>", "</code>", "<sup>", "</sup>", "<sub>", "</sub>",
    "<a href=x>", "</a>", "<h2>", "</h2>", "<details>", "<summary>", "<br>", "<!--", "-->", "<?x", "<![CDATA[", "]]>",
    "<b and $c$", "<a<", "<div class=solution>", "<div class=post id=post_12>", "<div itemprop=text>",
    "<div class=comments>", "<div hidden>", "<div class=tex2jax_ignore>", "<table class=ltx_equation>",
    "<span class=katex>", "<span class=MathJax>", "</span>", "<span class='math inline'>", "<script type=math/tex>",
    "<script>", "</script>", "<math>", "</math>", "<mfrac>", "<mi>x</mi>", "<mo>(</mo>", "<mtable><mtr><mtd>",
    "<apply><divide/>", "<semantics>", "<annotation encoding=TeX>", "<mjx-container>", "<mjx-math>", "<mjx-msup>",
    "<mjx-script>", X, "<svg>", "<g data-mml-node=mi>", "<use data-c=78>", "<img class=latex alt='x^2'>", "<tex>",
    "<button>Show solution</button>", "$", "$$", "\\(", "\\)", "\\[", "\\]", "`", "[tex]", "[/tex]", "{", "}", "x",
    "1", " ", "\n", "and words ", "解", "&amp;", "&#0;", "&lt;", "\x00", "\\color{red}", "\\newcommand{\\a}[1]{#1}",
    "\\a{x}", "\\begin{align}", "\\end{align}", "MathJax = {tex: {inlineMath: [['$','$']]}}",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=30).map("".join))
def test_any_page_gives_sound_spans_twice_and_its_text_can_be_read_as_a_page(html: str) -> None:
    page = extract_html(html.encode())
    assert page == extract_html(html.encode())
    at = 0
    for formula in page.formulas:
        mark = "$$" if formula.display else "$"
        assert at <= formula.start < formula.end <= len(page.text)
        assert page.text.startswith(mark, formula.start)
        assert page.text.endswith(mark, 0, formula.end)
        at = formula.end
    assert all(0 <= block.start <= block.end <= len(page.text) for block in page.blocks)
    assert all(page.found[name] >= count for name, count in page.kept.items())
    extract_html(page.text.encode())
    json.dumps([page.text, page.title])


def test_elements_closed_in_their_own_tag_do_not_count_as_depth() -> None:
    formulas = "<p><math><mi>x</mi><mspace/><mo>=</mo><mspace/><mn>1</mn></math></p>" * 1200
    page = extract_html(f"<body>{formulas}<p>end</p></body>".encode())
    assert page.found == page.kept == {"mathml": 1200}


def test_anchors_that_are_never_closed_do_not_count_as_depth() -> None:
    page = extract_html(b"<body>" + b'<p><a name="x">word ' * 2500 + b"<p><math><mn>2</mn></math></p></body>")
    assert page.found == {"mathml": 1}


def test_html_in_a_formula_is_cut_at_the_same_depth() -> None:
    capped = cap_depth(b"<math><mtext>" + b"<div/>x" * 5000)
    assert capped.count(b"<div/>") < 600
    assert capped.count(b"x") == 5000 + 1


def test_a_tag_keeps_its_first_attributes_only() -> None:
    names = [f'a{i}="> x"' for i in range(5000)]
    page = f"<p {' '.join(names)} id=last>one</p><p id=first {' '.join(names)}>two</p>".encode()
    assert marks_of(page) & LONG_TAG
    capped = cap_attributes(page)
    assert len(capped) < len(page) / 4
    first, second = LexborHTMLParser(capped).css("p")
    assert len(first.attributes) == len(second.attributes) == MAX_ATTRIBUTES
    assert second.attributes["id"] == "first"
    assert text_of(page.decode()).endswith("two")


@pytest.mark.parametrize(
    "page",
    [
        b"<p title='" + b"a " * 5000 + b"'>x</p>",
        b"<script>" + b"a < b; " * 5000 + b"</script><p a b c>x</p>",
        b'<img src="data:image/png;base64,' + b"A" * 9000 + b'" alt="x">',
        b"a " * 9000,
    ],
)
def test_long_values_are_no_attributes_too_many(page: bytes) -> None:
    assert cap_attributes(page) == page


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ('<script type="math/tex">x</script>', "$$x$$"),
        ('<script type="math/tex">x</script><td>a <code>b</code></td><td>c</td>', "| $x$a `b` | c |"),
        ('<td>a</td><td>b</td><script type="math/tex">x</script>', "| a | b | $x$ |"),
    ],
)
def test_formulas_in_a_row_but_in_no_cell_are_kept(row: str, text: str) -> None:
    assert text_of(f"<table><tr>{row}</tr></table>") == text
