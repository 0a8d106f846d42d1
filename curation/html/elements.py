"""The elements of HTML and what the walk does at each: the dictionary of openers by tag."""

from typing import Any

from mathmill.curation.html import blocks, formula_elements, inline, tables
from mathmill.curation.html.formulas import data_formula
from mathmill.curation.html.walk import SKIP, Closer, Opener, Walker


def _button(walker: Walker, node: Any) -> Closer | str | None:
    walker.label = (node.text() or "").strip()[:80]
    walker.label_at = len(walker.page.paragraphs)
    return SKIP


def _skip(walker: Walker, node: Any) -> Closer | str | None:
    return SKIP


def unknown_element(walker: Walker, node: Any) -> Closer | str | None:
    """An element that no table names: custom elements, and formulas that were parsed as tags."""
    if node.tag is None:  # a processing instruction
        return SKIP
    attributes = node.attributes
    walker.check_unknown(node.tag, attributes)
    if attributes:
        found = data_formula(node.tag, attributes)
        if found is not None:
            walker.formula(found)
            return SKIP
    return None


_PLAIN = """
    em strong small big font cite dfn abbr acronym ins del mark bdi bdo time data output ruby rb rtc nobr label
    tbody thead tfoot colgroup legend picture wbr html strike slot o:p
"""
_BOXES = """
    div section article main body center figure figcaption fieldset form blockquote address hgroup search dl dd
"""
_PASSED_OVER = """
    head style template iframe object embed applet audio video canvas map area select option optgroup
    datalist textarea dialog progress meter rp rt frame frameset link meta base title col source track param
    -text -comment -doctype -cdata mjx-assistive-mml
"""
_TEX_ELEMENTS = (
    "d-math dt-math tex-math tex latex imath dmath cmath eq la-tex math-tex tex-inline latex-math katex math-field "
    "mathjax anki-mathjax inline-math block-math display-math math-inline math-block math-display katex-inline "
    "katex-block katex-display"
)

_MATH_PARTS = "mfrac msqrt mroot msup msub msubsup munder mover munderover mfenced mtable"

OPENERS: dict[str, Opener | None] = {
    **dict.fromkeys(_PLAIN.split()),
    **dict.fromkeys(_BOXES.split(), blocks.open_block),
    **dict.fromkeys(_PASSED_OVER.split(), _skip),
    **dict.fromkeys(_TEX_ELEMENTS.split(), formula_elements.open_tex_element),
    **dict.fromkeys(("b", "i", "q", "s", "u"), inline.open_single_letter),
    **dict.fromkeys(("dt", "caption", "noframes"), blocks.open_line_block),
    **dict.fromkeys(("nav", "menu"), blocks.open_chrome),
    **dict.fromkeys(("ul", "ol", "dir"), blocks.open_list),
    **dict.fromkeys(("td", "th"), tables.open_cell),
    **dict.fromkeys(("code", "samp", "kbd", "tt"), inline.open_code),
    **dict.fromkeys(("pre", "xmp", "listing", "plaintext"), inline.open_pre),
    **dict.fromkeys(("img", "image"), formula_elements.open_image),
    **{f"h{level}": blocks.heading_opener(level) for level in range(1, 7)},
    "p": blocks.open_paragraph,
    "header": blocks.open_header,
    "footer": blocks.open_footer,
    "aside": blocks.open_aside,
    "li": blocks.open_item,
    "details": blocks.open_details,
    "summary": blocks.open_summary,
    "table": tables.open_table,
    "tr": tables.open_row,
    "br": inline.open_break,
    "hr": inline.open_rule,
    "input": blocks.open_input,
    "a": inline.open_link,
    "span": inline.open_span,
    "sup": inline.open_superscript,
    "sub": inline.open_subscript,
    "script": formula_elements.open_script,
    "math": formula_elements.open_math,
    "mjx-container": formula_elements.open_mathjax3,
    "var": formula_elements.open_variable,
    **dict.fromkeys(_MATH_PARTS.split(), formula_elements.open_math_part),
    "svg": formula_elements.open_svg,
    "card": formula_elements.open_card,
    "drawn-math": formula_elements.open_drawn,
    "noscript": formula_elements.open_noscript,
    **dict.fromkeys(("inline-formula", "disp-formula"), formula_elements.open_grouped),
    "button": _button,
}
"""What to do at each tag; None where an element is nothing but its text."""
