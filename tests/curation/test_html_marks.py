"""What a page may hold, by one pass over its bytes: nothing that is there may be missed, wherever it stands."""

import pytest

from mathmill.curation.html.marks import (
    BACKSLASH,
    BBCODE,
    BROKEN,
    COMMAND,
    DEEP,
    DOLLAR,
    EMPHASIS,
    ESCAPED_TAG,
    IGNORING,
    LINKED_DATA,
    MACROS,
    RENDERED,
    SCRIPT,
    marks_of,
)


@pytest.mark.parametrize(
    ("source", "marks"),
    [
        (b"", 0),
        (b"<p>A page without math, [1] &lt; 2 & {x}, +1</p>", 0),
        (b"\\", BACKSLASH),
        (b"$", DOLLAR),
        (b"[/m]", BBCODE),
        (b"&lt;/math", ESCAPED_TAG),
        (b"tex2jax_ignore", IGNORING),
        (b"<script", SCRIPT),
        (b"application/ld+json", LINKED_DATA),
        (b"</em>", EMPHASIS),
        (b"Macros: {", MACROS),
        (b'"macros":{', MACROS),
        (b"'Macros' \n : \n {", MACROS),
        (b"colors: {", 0),
        (b"across {", 0),
        (b"\\newcommand", BACKSLASH | COMMAND),
        (b"\\renewcommand", BACKSLASH | COMMAND),
        (b"\\providecommand", BACKSLASH | COMMAND),
        (b"\\def\\", BACKSLASH | COMMAND),
        (b"\\DeclareMathOperator", BACKSLASH | COMMAND),
        (b"\\let\\", BACKSLASH | COMMAND),
        (b"\\frac \\left \\delta", BACKSLASH),
        (b"<math>", RENDERED),
        (b"<MJX-container>", RENDERED),
        (b"<d-math>", RENDERED),
        (b"<i class='a katex'>", RENDERED),
        (b"<script type = 'math/tex'>", SCRIPT | RENDERED),
        (b"<a href=/math/x><map><mjs class=MathJax>", 0),
        (b"\\[</p><p>x\\]", BACKSLASH | BROKEN),
        (b"\\begin{align}\\begin{cases}\\end{cases}<div>\\end{align}", BACKSLASH | BROKEN),
        (b"$$x</p>$$", DOLLAR | BROKEN),
        (b"<p>\\[x\\]</p><p>$$x$$</p><p>\\begin{a}x\\end{a}</p>", BACKSLASH | DOLLAR),
        (b"<div>" * 2000, DEEP),
        (b"<i>x" * 10 + b"</i>" * 2000, DEEP),
        (b"<div></div><p><br><li>" * 500, 0),
    ],
)
@pytest.mark.parametrize("after", [b"", b"\n</body></html>\n"])
def test_a_mark_is_set_where_its_thing_stands(source: bytes, marks: int, after: bytes) -> None:
    assert marks_of(b"<html><body>" + source + after) == marks
