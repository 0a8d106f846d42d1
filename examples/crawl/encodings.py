# ruff: noqa: E501 (HTML and tables of symbols are not broken)
"""Every way in which the crawl's pages write a formula, by name.

An encoding turns LaTeX into HTML and may ask for scripts in the head. `splits` says that a displayed formula is a block
of its own, so the paragraph around it is closed first.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from . import linear, mathml, visual

MATHJAX2 = '<script type="text/javascript" src="https://cdn.example/mathjax/2.7.9/MathJax.js?config=TeX-MML-AM_CHTML" async></script>'
MATHJAX2_DOLLARS = (
    '<script type="text/x-mathjax-config">MathJax.Hub.Config({tex2jax: {inlineMath: [["$","$"],["\\\\(","\\\\)"]], '
    'processEscapes: true}, TeX: {equationNumbers: {autoNumber: "AMS"}}});</script>\n' + MATHJAX2
)
MATHJAX3 = (
    "<script>window.MathJax = {tex: {inlineMath: [['\\\\(', '\\\\)']], displayMath: [['\\\\[', '\\\\]']]}, "
    "svg: {fontCache: 'global'}};</script>\n"
    '<script id="MathJax-script" async src="https://cdn.example/npm/mathjax@3/es5/tex-chtml.js"></script>'
)
MATHJAX3_CUSTOM = (
    "<script>MathJax = {tex: {inlineMath: [['@@', '@@']], displayMath: [['@@@', '@@@']]}};</script>\n"
    '<script async src="https://cdn.example/npm/mathjax@3/es5/tex-mml-chtml.js"></script>'
)
KATEX = '<link rel="stylesheet" href="https://cdn.example/npm/katex@0.16.9/dist/katex.min.css">'
KATEX_AUTO = (
    KATEX + '\n<script defer src="https://cdn.example/npm/katex@0.16.9/dist/contrib/auto-render.min.js" '
    "onload=\"renderMathInElement(document.body, {delimiters: [{left: '$$', right: '$$', display: true}, "
    "{left: '$', right: '$', display: false}]});\"></script>"
)
ASCIIMATH = '<script src="https://cdn.example/mathjax/2.7.9/MathJax.js?config=AM_HTMLorMML" async></script>'


@dataclass(frozen=True)
class Encoding:
    """name: as `truth.jsonl` has it. write(latex, display, number): HTML of the page's number-th formula."""

    name: str
    write: Callable[[str, bool, int], str]
    head: str = ""
    splits: bool = False
    escapes_dollar: bool = False  # a dollar of money must be written \$ on such a page


def _delimited(inline: tuple[str, str], display: tuple[str, str]) -> Callable[[str, bool, int], str]:
    def write(latex: str, is_display: bool, number: int) -> str:
        left, right = display if is_display else inline
        if is_display and latex.startswith(("\\begin{align", "\\begin{gather")):
            return escape(latex, quote=False)
        return f"{left}{escape(latex, quote=False)}{right}"

    return write


def _script(latex: str, display: bool, number: int) -> str:
    return f'<script type="math/tex{"; mode=display" if display else ""}">{latex}</script>'


def _mathjax2(latex: str, display: bool, number: int) -> str:
    preview = '<span class="MathJax_Preview" style="color: inherit; display: none;"></span>'
    rendered = visual.mathjax2_html(latex, number, mathml.math(latex, display))
    if display:
        rendered = f'<div class="MathJax_Display" style="text-align: center;">{rendered}</div>'
    script = _script(latex, display, number).replace("<script ", f'<script id="MathJax-Element-{number}" ')
    return preview + rendered + script


def _mathjax2_text_preview(latex: str, display: bool, number: int) -> str:
    """A page saved before rendering: the preview holds readable text, then comes the script."""
    return f'<span class="MathJax_Preview">{escape(latex)}</span>{_script(latex, display, number)}'


def _mathjax3(latex: str, display: bool, number: int) -> str:
    mode = "block" if display else "inline"
    assistive = (
        f'<mjx-assistive-mml unselectable="on" display="{mode}">{mathml.math(latex, display)}</mjx-assistive-mml>'
    )
    shown = ' display="true"' if display else ""
    return (
        f'<mjx-container class="MathJax" jax="CHTML"{shown} tabindex="0" ctxtmenu_counter="{number}" '
        f'style="font-size: 113.1%; position: relative;">{visual.mathjax3_html(latex)}{assistive}</mjx-container>'
    )


def _katex(latex: str, display: bool, number: int) -> str:
    math = mathml.math(latex, display, mathml.tex_annotation(latex))
    both = f'<span class="katex"><span class="katex-mathml">{math}</span>{visual.katex_html(latex)}</span>'
    return f'<span class="katex-display">{both}</span>' if display else both


def _wikipedia(latex: str, display: bool, number: int) -> str:
    kind = "display" if display else "inline"
    styled = "{\\displaystyle " + latex + "}"
    hidden = f'<span class="mwe-math-mathml-{kind} mwe-math-mathml-a11y" style="display: none;">'
    math = mathml.math(latex, display, mathml.tex_annotation(styled), alttext=styled)
    return f'<span class="mwe-math-element">{hidden}{math}</span>{_wikipedia_image(latex, display, number)}</span>'


def _wikipedia_image(latex: str, display: bool, number: int) -> str:
    digest = hashlib.sha1(latex.encode()).hexdigest()
    kind = "display" if display else "inline"
    return (
        f'<img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/{digest}" '
        f'class="mwe-math-fallback-image-{kind}" aria-hidden="true" style="vertical-align: -0.338ex; '
        f'width:{3 + len(latex) // 3}.38ex; height:2.676ex;" alt="{{\\displaystyle {escape(latex)}}}">'
    )


def _latexml(latex: str, display: bool, number: int) -> str:
    both = mathml.content_annotation(latex) + mathml.tex_annotation(latex)
    math = mathml.math(latex, display, both, id=f"S1.m{number}", class_="ltx_Math", alttext=latex)
    if not display:
        return math
    return (
        f'<table id="S1.E{number}" class="ltx_equation ltx_eqn_table">\n<tbody><tr class="ltx_equation ltx_eqn_row '
        'ltx_align_baseline">\n<td class="ltx_eqn_cell ltx_eqn_center_padleft"></td>\n'
        f'<td class="ltx_eqn_cell ltx_align_center">{math}</td>\n'
        '<td class="ltx_eqn_cell ltx_eqn_center_padright"></td>\n'
        '<td rowspan="1" class="ltx_eqn_cell ltx_eqn_eqno ltx_align_middle ltx_align_right"><span class="ltx_tag '
        f'ltx_tag_equation ltx_align_right">({number})</span></td>\n</tr></tbody>\n</table>'
    )


def _wordpress(latex: str, display: bool, number: int) -> str:
    source = f"https://s0.wp.com/latex.php?latex={quote(latex)}&#038;bg=ffffff&#038;fg=333333&#038;s=0"
    image = f'<img src="{source}" alt="{escape(latex)}" title="{escape(latex)}" class="latex" />'
    return f'<p style="text-align:center">{image}</p>' if display else image


def _service_image(address: str) -> Callable[[str, bool, int], str]:
    """An image whose URL is a rendering service with the LaTeX in its query."""

    def write(latex: str, display: bool, number: int) -> str:
        image = f'<img src="{address}?{quote(latex, safe="")}" border="0" align="middle">'
        return f'<div align="center">{image}</div>' if display else image

    return write


def _mathtex(latex: str, display: bool, number: int) -> str:
    image = f'<img src="http://www.forkosh.com/mathtex.cgi?{escape(latex)}" alt="" />'
    return f"<center>{image}</center>" if display else image


def _aops(latex: str, display: bool, number: int) -> str:
    digest = hashlib.sha1(latex.encode()).hexdigest()
    alt = f"\\[{latex}\\]" if display else f"${latex}$"
    image = f'<img src="//latex.artofproblemsolving.com/{digest[0]}/{digest[1]}/{digest}.png" class="latex{"center" if display else ""}" alt="{escape(alt)}" width="{20 + 6 * len(latex)}" height="14" />'
    return f'<span class="latexdisplay">{image}</span>' if display else image


def _asciimath_script(latex: str, display: bool, number: int) -> str:
    return f'<script type="math/asciimath">{linear.asciimath(latex)}</script>'


def _backtick(latex: str, display: bool, number: int) -> str:
    written = f"`{escape(linear.asciimath(latex), quote=False)}`"
    return f'<p class="formula">{written}</p>' if display else written


def _raw(latex: str, display: bool, number: int) -> str:
    return f"$${latex}$$" if display else f"${latex}$"


def _mathml(
    annotate: Callable[[str], str], attributes: Callable[[str], dict[str, str]] = lambda latex: {}
) -> Callable[[str, bool, int], str]:
    return lambda latex, display, number: mathml.math(latex, display, annotate(latex), **attributes(latex))


_PAREN, _BRACKET = ("\\(", "\\)"), ("\\[", "\\]")
_DOLLAR, _DOLLARS = ("$", "$"), ("$$", "$$")

ENCODINGS = {
    encoding.name: encoding
    for encoding in (
        Encoding("tex_dollar", _delimited(_DOLLAR, _DOLLARS), MATHJAX2_DOLLARS, escapes_dollar=True),
        Encoding("tex_paren", _delimited(_PAREN, _BRACKET), MATHJAX3),
        Encoding("tex_katex_auto", _delimited(_DOLLAR, _DOLLARS), KATEX_AUTO, escapes_dollar=True),
        Encoding("tex_raw_less_than", _raw, MATHJAX2_DOLLARS),
        Encoding("tex_custom_delimiters", _delimited(("@@", "@@"), ("@@@", "@@@")), MATHJAX3_CUSTOM),
        Encoding("bbcode_tex", _delimited(("[tex]", "[/tex]"), ("[tex]", "[/tex]"))),
        Encoding("bbcode_latex", _delimited(("[latex]", "[/latex]"), ("[latex]", "[/latex]"))),
        Encoding("bbcode_math", _delimited(("&lt;math&gt;", "&lt;/math&gt;"), ("&lt;math&gt;", "&lt;/math&gt;"))),
        Encoding("mathjax2_script", _script, MATHJAX2),
        Encoding("mathjax2_rendered", _mathjax2, MATHJAX2),
        Encoding("mathjax2_preview", _mathjax2_text_preview, MATHJAX2),
        Encoding("mathjax3", _mathjax3, MATHJAX3),
        Encoding("katex", _katex, KATEX),
        Encoding("mathml_annotation_xtex", _mathml(mathml.tex_annotation)),
        Encoding("mathml_annotation_tex", _mathml(lambda latex: mathml.tex_annotation(latex, "TeX"))),
        Encoding(
            "mathml_annotation_xml_first",
            _mathml(lambda latex: mathml.content_annotation(latex) + mathml.tex_annotation(latex)),
        ),
        Encoding("mathml_alttext", _mathml(lambda latex: "", lambda latex: {"alttext": latex})),
        Encoding("mathml_presentation", _mathml(lambda latex: "")),
        Encoding("mathml_prefix", lambda latex, display, number: mathml.with_prefix(mathml.math(latex, display))),
        Encoding("wikipedia", _wikipedia),
        Encoding("wikipedia_image", _wikipedia_image),
        Encoding("latexml", _latexml, splits=True),
        Encoding("wordpress_latex", _wordpress, splits=True),
        Encoding("codecogs", _service_image("https://latex.codecogs.com/gif.latex"), splits=True),
        Encoding("mimetex", _service_image("http://www.forkosh.dreamhost.com/mimetex.cgi"), splits=True),
        Encoding("mathtex", _mathtex, splits=True),
        Encoding("aops", _aops),
        Encoding("asciimath_script", _asciimath_script, ASCIIMATH),
        Encoding("asciimath_backtick", _backtick, ASCIIMATH, splits=True),
        Encoding("sup_sub", lambda latex, display, number: linear.html_scripts(latex)),
        Encoding("unicode", lambda latex, display, number: escape(linear.unicode_text(latex), quote=False)),
    )
}
