"""Every encoding of a formula in every place: one formula, its delimiters, and nothing else of the page changed."""

from urllib.parse import quote

import pytest

from mathmill.core.mathnorm import normalise_formula
from mathmill.curation.extract import extract_html

TEX = "x_{1}+y^{2}"
MATHML = "<mrow><msub><mi>x</mi><mn>1</mn></msub><mo>+</mo><msup><mi>y</mi><mn>2</mn></msup></mrow>"
PREFIXED = "<mml:math>" + MATHML.replace("</", "</mml:").replace("<m", "<mml:m") + "</mml:math>"
ESCAPED = MATHML.replace("<", "&lt;")
ANNOTATED = f'<semantics>{MATHML}<annotation encoding="application/x-tex">{TEX}</annotation></semantics>'
KATEX = (
    f'<span class="katex"><span class="katex-mathml"><math>{ANNOTATED}</math></span>'
    '<span class="katex-html" aria-hidden="true">x1+y2</span></span>'
)
ADDRESS = quote(TEX, safe="")
RENDERED = "https://wikimedia.org/api/rest_v1/media/math/render/svg/ab"
AOPS = "//latex.artofproblemsolving.com/1/2.png"

INLINE = {
    "parentheses": rf"\({TEX}\)",
    "dollars": f"${TEX}$",
    "bbcode": f"[latex]{TEX}[/latex]",
    "escaped tag": f"&lt;math&gt;{TEX}&lt;/math&gt;",
    "tag of a wiki": f"<math>{TEX}</math>",
    "tex element": f"<tex>{TEX}</tex>",
    "mathjax 2 script": f'<script type="math/tex">{TEX}</script>',
    "mathjax 2 preview, rendering and script": (
        f'<span class="MathJax_Preview">{TEX}</span><span class="MathJax"><nobr>x1+y2</nobr></span>'
        f'<script type="math/tex">{TEX}</script>'
    ),
    "mathjax 2 error and script": (
        f'<span class="MathJax_Error">[Math Processing Error]</span><script type="math/tex">{TEX}</script>'
    ),
    "mathjax 2 rendering": (
        f'<span class="MathJax" data-mathml="&lt;math&gt;{ESCAPED}&lt;/math&gt;"><nobr aria-hidden="true">x1+y2</nobr>'
        f'<span class="MJX_Assistive_MathML"><math>{MATHML}</math></span></span>'
    ),
    "mathjax 3 chtml": (
        '<mjx-container class="MathJax" jax="CHTML"><mjx-math>x</mjx-math>'
        f"<mjx-assistive-mml><math>{MATHML}</math></mjx-assistive-mml></mjx-container>"
    ),
    "mathjax 3 svg": (
        '<mjx-container class="MathJax" jax="SVG"><svg><g data-mml-node="math"></g></svg>'
        f'<mjx-assistive-mml display="inline"><math>{MATHML}</math></mjx-assistive-mml></mjx-container>'
    ),
    "katex": KATEX,
    "annotation": f"<math>{ANNOTATED}</math>",
    "presentation": f"<math>{MATHML}</math>",
    "alttext": f'<math alttext="{TEX}"></math>',
    "prefix": PREFIXED,
    "latexml": f'<math class="ltx_Math" alttext="{TEX}" display="inline">{ANNOTATED}</math>',
    "wikipedia": (
        '<span class="mwe-math-element"><span class="mwe-math-mathml-inline" style="display: none;">'
        f'<math alttext="{{\\displaystyle {TEX}}}">{MATHML}</math></span><img src="{RENDERED}" '
        f'class="mwe-math-fallback-image-inline" alt="{{\\displaystyle {TEX}}}"></span>'
    ),
    "wikipedia's image": (
        f'<img src="{RENDERED}" class="mwe-math-fallback-image-inline" alt="{{\\displaystyle {TEX}}}">'
    ),
    "wordpress": f'<img src="https://s0.wp.com/latex.php?latex={ADDRESS}&bg=fff" alt="{TEX}" class="latex">',
    "codecogs": f'<img src="https://latex.codecogs.com/gif.latex?{ADDRESS}">',
    "mimetex": f'<img src="/cgi-bin/mimetex.cgi?{TEX}">',
    "aops": f'<img class="latex" alt="${TEX}$" src="{AOPS}">',
    "image's title": f'<img class="latex" title="{TEX}" src="/a.png">',
    "data-expr": f'<span data-expr="{TEX}"></span>',
    "stack exchange": f'<span class="math-container">${TEX}$</span>',
    "sphinx": rf'<span class="math notranslate nohighlight">\({TEX}\)</span>',
    "pandoc": rf'<span class="math inline">\({TEX}\)</span>',
    "arithmatex": rf'<span class="arithmatex">\({TEX}\)</span>',
    "zhihu": f'<span class="ztext-math" data-eeimg="1" data-tex="{TEX}">${TEX}$</span>',
    "github": f'<math-renderer class="js-inline-math">${TEX}$</math-renderer>',
    "math-field": f"<math-field>{TEX}</math-field>",
}
DISPLAY = {
    "brackets": rf"\[{TEX}\]",
    "dollars": f"$${TEX}$$",
    "mathjax 2 script": f'<script type="math/tex; mode=display">{TEX}</script>',
    "mathjax 2 rendering and script": (
        '<span class="MathJax_Preview"></span><div class="MathJax_Display"><span class="MathJax"><nobr>x1</nobr></span>'
        f'</div><script type="math/tex; mode=display">{TEX}</script>'
    ),
    "mathjax 3": (
        '<mjx-container class="MathJax" jax="CHTML" display="true"><mjx-math display="true">x</mjx-math>'
        f'<mjx-assistive-mml display="block"><math display="block">{MATHML}</math></mjx-assistive-mml></mjx-container>'
    ),
    "katex": f'<span class="katex-display">{KATEX}</span>',
    "annotation": f'<math display="block">{ANNOTATED}</math>',
    "presentation": f'<math display="block">{MATHML}</math>',
    "wikipedia": (
        '<span class="mwe-math-element"><span class="mwe-math-mathml-display" style="display: none;">'
        f'<math display="block" alttext="{{\\displaystyle {TEX}}}">{MATHML}</math></span><img src="{RENDERED}" '
        f'class="mwe-math-fallback-image-display" alt="{{\\displaystyle {TEX}}}"></span>'
    ),
    "aops": rf'<img class="latexcenter" alt="\[{TEX}\]" src="{AOPS}">',
    "quicklatex": (
        rf'<img class="ql-img-displayed-equation" src="https://a.org/ql-cache/quicklatex.com-1.png" alt="\[{TEX}\]">'
    ),
    "zhihu": f'<img src="https://www.zhihu.com/equation?tex={ADDRESS}%5C%5C" alt="{TEX}\\\\" eeimg="2">',
    "stack exchange": f'<span class="math-container">$${TEX}$$</span>',
    "pandoc": rf'<span class="math display">\[{TEX}\]</span>',
    "github": f'<math-renderer class="js-display-math">$${TEX}$$</math-renderer>',
}

PLACES = {  # @ is the formula: a page and its text
    "<p>Let @ be.</p>": "Let @ be.",
    "<p>Let @, or @.</p>": "Let @, or @.",
    "<p>@ is so.</p>": "@ is so.",
    "<p>it is @</p>": "it is @",
    "<p>so (@) is</p>": "so (@) is",
    "<p>the @-axis</p>": "the @-axis",
    "<p>the “@” here</p>": "the “@” here",
    "<p>设@为实数，则@。</p>": "设@为实数，则@。",
    "<p>若（@）成立</p>": "若（@）成立",
    "<p>a&nbsp;@&nbsp;b</p>": "a @ b",
    "<p>\n  Let\n  @\n  be.\n</p>": "Let @ be.",
    "<p>a<br>@ b<br>c @</p>": "a\n@ b\nc @",
    "<p>a <b>@</b> b</p>": "a @ b",
    "<p><em>Let @ be.</em></p>": "Let @ be.",
    '<p>a <a href="/x">the @</a> b</p>': "a the @ b",
    "<p>For $5, @ is; $10 too.</p>": "For $5, @ is; $10 too.",
    "<p>It costs $5 and @ then $10.</p>": "It costs $5 and @ then $10.",
    "<p><code>$a$</code> @ <code>b</code></p>": "`$a$` @ `b`",
    "<div>a @ b</div>": "a @ b",
    "<h2>On @ now</h2><p>Text.</p>": "## On @ now\n\nText.",
    "<ul><li>one @</li><li>@ two</li></ul>": "- one @\n- @ two",
    "<dl><dt>A @</dt><dd>B @</dd></dl>": "A @\n\nB @",
    "<blockquote><p>q @ q</p></blockquote>": "q @ q",
    "<table><tr><th>n</th><th>v</th></tr><tr><td>one</td><td>@</td></tr><tr><td>2</td><td>is @ ok</td></tr></table>": (
        "| n | v |\n| one | @ |\n| 2 | is @ ok |"
    ),
    "<p>Q</p><details><summary>Solution</summary><p>is @ so</p></details>": "Q\n\nSolution\n\nis @ so",
    '<p>Q is here</p><div class="solution" style="display:none"><p>is @ so</p></div>': "Q is here\n\nis @ so",
}
DISPLAY_PLACES = {
    "<p>Then</p>@<p>ok.</p>": "Then\n\n@\n\nok.",
    "<p>Then</p><p>@</p><p>ok.</p>": "Then\n\n@\n\nok.",
    "<p>Then @ ok.</p>": "Then\n@\nok.",
    "<p>则@成立。</p>": "则\n@\n成立。",
    "<p>Then<br>@<br>ok.</p>": "Then\n@\nok.",
    "<p><strong>So</strong> @</p>": "So\n@",
    "<p>a</p>@@<p>b</p>": "a\n\n@\n@\n\nb",
    '<p>Then</p><div class="equation">@</div><p>ok.</p>': "Then\n\n@\n\nok.",
    "<p>Then</p><center>@</center><p>ok.</p>": "Then\n\n@\n\nok.",
    "<p>Then</p><dl><dd>@</dd></dl><p>ok.</p>": "Then\n\n@\n\nok.",
    "<div>a<p>@</p>b</div>": "a\n\n@\n\nb",
    "<ul><li>a @</li></ul>": "- a\n@",
    "<p>T</p><blockquote>@</blockquote>": "T\n\n@",
    "<p>T</p><details><summary>Answer</summary>@</details>": "T\n\nAnswer\n\n@",
    "<table><tr><th>n</th><th>v</th></tr><tr><td>one</td><td>@ ok</td></tr></table>": "| n | v |\n| one | @ ok |",
}


def text_with_marks(html: str) -> str:
    """The text of a page, with `$@$` and `$$@$$` for each formula that is TEX."""
    page = extract_html(html.encode())
    pieces, at = [], 0
    for start, end, display, _ in page.formulas:
        mark = "$$" if display else "$"
        tex = page.text[start + len(mark) : end - len(mark)]
        same = normalise_formula(tex) == normalise_formula(TEX)
        pieces += [page.text[at:start], f"{mark}@{mark}" if same else page.text[start:end]]
        at = end
    return "".join(pieces) + page.text[at:]


@pytest.mark.parametrize("formula", INLINE.values(), ids=INLINE)
def test_an_inline_formula_stands_once_in_every_place(formula: str) -> None:
    for page, text in PLACES.items():
        assert text_with_marks(page.replace("@", formula)) == text.replace("@", "$@$"), page


@pytest.mark.parametrize("formula", DISPLAY.values(), ids=DISPLAY)
def test_a_display_formula_stands_once_in_every_place(formula: str) -> None:
    for page, text in DISPLAY_PLACES.items():
        got = text_with_marks(page.replace("@", formula))
        # elements that are blocks make paragraphs of what stands around them, the others lines
        assert got.replace("\n\n", "\n") == text.replace("@", "$$@$$").replace("\n\n", "\n"), page
