# ruff: noqa: E501 (HTML and tables of symbols are not broken)
"""What math renderers leave in a saved page for the eye: KaTeX's, MathJax 2's and MathJax 3's nests of spans.

Structure and class names follow the renderers' output; heights and widths are plausible, not typeset. All three repeat
the formula's glyphs, which is what makes a naive extractor print a formula two or three times.
"""

from html import escape

from .tex import Node, parse

_VLIST = '<span class="vlist-t"><span class="vlist-r"><span class="vlist" style="height:{height}em;">{rows}</span></span></span>'
_VROW = '<span style="top:-{top}em;"><span class="pstrut" style="height:2.7em;"></span>{inner}</span>'


def katex_html(latex: str) -> str:
    """The `katex-html` span of a formula."""
    strut = '<span class="strut" style="height:0.8641em;vertical-align:-0.0833em;"></span>'
    inner = f'<span class="base">{strut}{_katex(parse(latex))}</span>'
    return f'<span class="katex-html" aria-hidden="true">{inner}</span>'


def _katex(node: Node) -> str:
    kind, text, parts = node.kind, node.text, node.children
    if kind == "row":
        return "".join(map(_katex, parts))
    if kind == "letter":
        return f'<span class="mord mathnormal">{text}</span>'
    if kind == "operator":
        return _katex_operator(text)
    if kind == "function":
        return f'<span class="mop">{text}</span>'
    if kind == "large":
        return f'<span class="mop op-symbol small-op" style="position:relative;top:0em;">{text}</span>'
    if kind == "space":
        return f'<span class="mspace" style="margin-right:{text}em;"></span>'
    if kind in ("frac", "binom"):
        rows = _VROW.format(top="2.655", inner=_katex(parts[1])) + _VROW.format(top="3.394", inner=_katex(parts[0]))
        return f'<span class="mord"><span class="mfrac">{_VLIST.format(height="0.8451", rows=rows)}</span></span>'
    if kind == "sqrt":
        return f'<span class="mord sqrt"><span class="svg-align" style="padding-left:0.833em;">{_katex(parts[0])}</span></span>'
    if kind == "scripts":
        rows = "".join(
            _VROW.format(top=top, inner=f'<span class="sizing reset-size6 size3 mtight">{_katex(script)}</span>')
            for top, script in (("2.55", parts[1]), ("3.063", parts[2]))
            if not script.empty
        )
        scripts = f'<span class="msupsub">{_VLIST.format(height="0.8141", rows=rows)}</span>'
        return f'<span class="mord">{_katex(parts[0])}{scripts}</span>'
    if kind == "fenced":
        return f'<span class="minner">{_delimiter(text[0], "mopen")}{_katex(parts[0])}{_delimiter(text[1], "mclose")}</span>'
    if kind == "table":
        columns = "".join(
            f'<span class="arraycolsep"></span><span class="col-align-c">{"".join(map(_katex, line.children))}</span>'
            for line in parts
        )
        return f'{_delimiter(text[0], "mopen")}<span class="mord"><span class="mtable">{columns}</span></span>{_delimiter(text[1], "mclose")}'
    return f'<span class="mord">{escape(text) if kind in ("number", "text") else _katex(parts[0])}</span>'


def _katex_operator(symbol: str) -> str:
    css = {"(": "mopen", "[": "mopen", ")": "mclose", "]": "mclose", ",": "mpunct"}.get(symbol)
    if css:
        return f'<span class="{css}">{symbol}</span>'
    css = "mrel" if symbol in "=<>≤≥≠≈≡∈→⟹⇒" else "mbin"
    space = '<span class="mspace" style="margin-right:0.2222em;"></span>'
    return f'{space}<span class="{css}">{escape(symbol)}</span>{space}'


def _delimiter(symbol: str, css: str) -> str:
    return "" if symbol == " " else f'<span class="{css} delimcenter" style="top:0em;">{escape(symbol)}</span>'


def glyphs(node: Node) -> list[tuple[str, str]]:
    """(MathML element, text) of every leaf, in reading order."""
    if node.kind in ("number", "letter", "operator", "large", "function", "text"):
        tag = {"number": "mn", "letter": "mi", "function": "mi", "text": "mtext"}.get(node.kind, "mo")
        return [(tag, node.text)]
    leaves = [leaf for part in node.children for leaf in glyphs(part)]
    if node.kind in ("fenced", "table"):
        fences = [[("mo", symbol)] if symbol != " " else [] for symbol in node.text]
        return fences[0] + leaves + fences[1]
    return leaves


def mathjax2_html(latex: str, number: int, mathml: str) -> str:
    """The rendered span that MathJax 2's HTML-CSS output puts between the preview and the script."""
    spans = "".join(
        f'<span class="{tag}" id="MathJax-Span-{number * 100 + i}" style="font-family: MathJax_{font};">{escape(text)}</span>'
        for i, (tag, text) in enumerate(glyphs(parse(latex)), start=2)
        for font in ["Math-italic" if tag == "mi" else "Main"]
    )
    math = (
        f'<span class="math" id="MathJax-Span-{number * 100 + 1}" style="width: 4.2em; display: inline-block;">'
        f'<span style="display: inline-block; position: relative; width: 3.5em; height: 0px; font-size: 119%;">{spans}</span></span>'
    )
    assistive = f'<span class="MJX_Assistive_MathML" role="presentation">{mathml}</span>'
    return (
        f'<span class="MathJax" id="MathJax-Element-{number}-Frame" tabindex="0" role="presentation" '
        f'style="position: relative;"><nobr aria-hidden="true">{math}</nobr>{assistive}</span>'
    )


def mathjax3_html(latex: str) -> str:
    """The `mjx-math` element of MathJax 3's CHTML output; its glyphs are CSS content, so it holds no text."""
    cells = "".join(
        f'<mjx-{tag} class="mjx-{"i" if tag == "mi" else "n"}"><mjx-c class="mjx-c{ord(text[0]):X}"></mjx-c></mjx-{tag}>'
        for tag, text in glyphs(parse(latex))
    )
    return f'<mjx-math class="MJX-TEX" aria-hidden="true">{cells}</mjx-math>'
