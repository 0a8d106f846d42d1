"""Reads formulas back from what MathJax 3 and 4 rendered, where a page carries nothing else.

MathJax marks the element that each glyph came from (`mjx-mfrac`, `data-mml-node="mfrac"`), so its output maps to MathML
and takes that way. Recursion is bounded by MAX_DEPTH; what lies deeper is left out.
"""

import re
from collections.abc import Iterator
from typing import Any

from mathmill.core.mathml import to_latex
from mathmill.core.mathml_terms import Element

MAX_DEPTH = 100

_CHARACTER = re.compile(r"mjx-c([0-9A-Fa-f]{2,5})(?![\w-])")
_TOKENS = frozenset({"mi", "mn", "mo", "mtext", "ms"})
_UNREAD = frozenset((
    "mjx-assistive-mml", "mjx-spacer", "mjx-nstrut", "mjx-dstrut", "mjx-line", "mjx-surd", "mjx-tstrut", "mjx-break",
    "mjx-strut", "mjx-labels", "mjx-speech",
))  # fmt: skip
_SCRIPTED = frozenset(("msub", "msup", "msubsup", "munder", "mover", "munderover"))
_PARTS = frozenset(("mjx-num", "mjx-den", "mjx-root", "mjx-base", "mjx-over", "mjx-under"))
_PIECES = {  # what tall and wide operators are assembled from
    **dict.fromkeys("⎛⎜⎝", "("), **dict.fromkeys("⎞⎟⎠", ")"), **dict.fromkeys("⎡⎢⎣", "["), **dict.fromkeys("⎤⎥⎦", "]"),
    **dict.fromkeys("⎧⎨⎩", "{"), **dict.fromkeys("⎫⎬⎭", "}"),
}  # fmt: skip
_BRACES = {"\ue150": "⏞", "\ue152": "⏟"}  # MathJax's left ends of horizontal braces
_EXTENSIONS = frozenset("-−–=∣⎪")


def _elements(node: Any) -> Iterator[Any]:
    child = node.first_child
    while child is not None:
        if child.tag not in ("-text", "-comment", None):  # None is a processing instruction
            yield child
        child = child.next


def _character(code: str) -> str:
    """The character of a hexadecimal number; nothing for what is none, surrogates included."""
    number = int(code, 16)
    return chr(number) if 0 < number < 0xD800 or 0xDFFF < number < 0x110000 else ""


# --- CommonHTML


def chtml_to_latex(node: Any) -> str:
    """Convert a rendered `mjx-math` element (CommonHTML output)."""
    return to_latex(_chtml(node, 0))


def _chtml(node: Any, depth: int) -> Element:
    name = node.tag.removeprefix("mjx-").lower()
    if name in _TOKENS:
        variant: dict[str, str | None] = {"mathvariant": "script"} if _is_calligraphic(node) else {}
        return Element(name, variant, text=_chtml_text(node, depth))
    if depth > MAX_DEPTH:
        return Element("mrow")

    def part(wrapper: str, of: Any = node) -> Element:
        found = _inside(of, wrapper, depth)
        return _chtml_row(found, depth + 1) if found is not None else Element("mrow")

    if name == "mfrac":
        frac = next(_elements(node), node)
        bare = frac.attributes.get("atop") == "true"
        return Element("mfrac", {"linethickness": "0"} if bare else {}, [part("mjx-num"), part("mjx-den")])
    if name == "msqrt":
        return Element("msqrt", children=[part("mjx-box")])
    if name == "mroot":
        return Element("mroot", children=[part("mjx-box"), part("mjx-root")])
    if name in _SCRIPTED:
        script = next((child for child in _elements(node) if child.tag == "mjx-script"), None)
        if script is not None:
            base = next((child for child in _elements(node) if child.tag != "mjx-script"), None)
            scripts = [_chtml(child, depth + 1) for child in _elements(script) if child.tag not in _UNREAD]
            first = _chtml(base, depth + 1) if base is not None else Element("mrow")
            return Element(name, children=[first, *reversed(scripts)])
        # an operator with two limits is boxed as one with the limit below it, and the other
        lower = (_inside(node, "mjx-munder", depth) if name == "munderover" else None) or node
        under, over = part("mjx-under", lower), part("mjx-over")
        scripts = {"munder": [under], "mover": [over]}.get(name, [under, over])
        return Element(name, children=[part("mjx-base", lower), *scripts])
    if name == "menclose":
        return Element("menclose", {"notation": _notation(node)}, list(_chtml_children(node, depth)))
    if name == "mtd":
        return Element("mtd", {"style": node.attributes.get("style")}, list(_chtml_children(node, depth)))
    if name in ("mtable", "mtr", "mlabeledtr"):  # the label of a labelled row stands elsewhere
        return Element(name.replace("labeled", ""), children=list(_chtml_children(node, depth)))
    if name == "mspace":
        width = re.search(r"(?:margin-left|width)\s*:\s*([\d.]+em)", node.attributes.get("style") or "")
        return Element("mspace", {"width": width[1] if width else None})
    if name == "mphantom":
        return Element("mphantom", children=list(_chtml_children(node, depth)))
    return Element("mrow", children=list(_chtml_children(node, depth)))


def _chtml_children(node: Any, depth: int) -> Iterator[Element]:
    for child in _elements(node):
        if child.tag in _UNREAD:
            continue
        if child.tag in ("mjx-table", "mjx-itable"):
            if depth < MAX_DEPTH:
                yield from _chtml_children(child, depth + 1)
        else:
            yield _chtml(child, depth + 1)


def _chtml_row(node: Any, depth: int) -> Element:
    return Element("mrow", children=list(_chtml_children(node, depth)))


def _inside(node: Any, name: str, depth: int) -> Any:
    """The first box of a name inside a construct, not looking into its other parts and into constructs within."""
    for child in _elements(node):
        if child.tag == name:
            return child
        is_part = child.tag in _PARTS or (child.tag == "mjx-box" and name == "mjx-root")
        if not is_part and not child.tag.startswith("mjx-m") and depth < MAX_DEPTH:
            found = _inside(child, name, depth + 1)
            if found is not None:
                return found
    return None


def _is_calligraphic(node: Any) -> bool:
    glyph = node.first_child
    class_ = (glyph.attributes.get("class") or "") if glyph is not None and glyph.tag == "mjx-c" else ""
    return class_.endswith((" TEX-C", " TEX-CB"))


def _notation(node: Any) -> str:
    """What a CommonHTML enclosure draws."""
    notations = []
    for child in _elements(node):
        style = (child.attributes.get("style") or "").replace(" ", "")
        if child.tag == "mjx-box" and re.search(r"border:[\d.]+\w*solid", style):
            notations.append("roundedbox" if "border-radius" in style else "box")
        notations += {
            "mjx-ustrike": ["updiagonalstrike"], "mjx-dstrike": ["downdiagonalstrike"],
            "mjx-hstrike": ["horizontalstrike"],
        }.get(child.tag, [])  # fmt: skip
        for side in ("top", "bottom", "left", "right"):
            if child.tag == "mjx-box" and f"border-{side}:" in style:
                notations.append(side)
    return " ".join(notations) or "none"


def _chtml_text(node: Any, depth: int) -> str:
    text = ""
    for child in _elements(node):
        class_ = child.attributes.get("class") or ""
        match = _CHARACTER.search(class_) if child.tag.startswith(("mjx-c", "mjx-stretchy")) else None
        if match is not None:
            text += _character(match[1])
        elif child.tag in ("mjx-utext", "mjx-c"):
            text += child.text() or ""
        elif depth < MAX_DEPTH:
            text += _chtml_text(child, depth + 1)
    return text


# --- SVG


def svg_to_latex(node: Any) -> str:
    """Convert a container of SVG output; MathJax 4 may break a formula into several drawings."""
    return to_latex(Element("mrow", children=_svg_children(node, 0)))


def _svg_children(node: Any, depth: int) -> list[Element]:
    found: list[Element] = []
    if depth > MAX_DEPTH:
        return found
    for child in _elements(node):
        name = child.attributes.get("data-mml-node")
        if name is not None:
            found.append(_svg(child, name.lower(), depth))
        elif child.tag in ("g", "svg", "a") and "data-labels" not in child.attributes:
            found += _svg_children(child, depth + 1)
    return found


_ROWS = frozenset(("math", "texatom", "mstyle", "mpadded", "merror", "semantics"))
_HEIGHT = re.compile(r"translate\(\s*-?[\d.]+[,\s]+(-?\d{0,9}\.?\d{0,9})")


def _svg(node: Any, name: str, depth: int) -> Element:
    if name in _TOKENS:
        calligraphic = name == "mi" and re.search(r'-TEX-CB?-[0-9A-F]+"', (node.html or "")[:400]) is not None
        variant: dict[str, str | None] = {"mathvariant": "script"} if calligraphic else {}
        return Element(name, variant, text=_assembled(_svg_text(node, depth)))
    children = _svg_children(node, depth + 1)
    if name in ("msqrt", "mroot"):
        return Element(name, children=[child for child in children if child.text != "√"])
    if name in ("msubsup", "munderover") and len(children) == 3:
        first, second = [child for child in _elements(node) if "data-mml-node" in child.attributes][1:3]
        if _height(first) > _height(second):  # the lower script comes first in MathML
            children = [children[0], children[2], children[1]]
    if name == "mfrac" and not any(child.tag in ("rect", "line") for child in _elements(node)):
        return Element(name, {"linethickness": "0"}, children)
    if name == "menclose":
        return Element(name, {"notation": _strokes(node)}, children)
    return Element("mrow" if name in _ROWS else name.replace("labeled", ""), children=children)


_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")


def _height(node: Any) -> float:
    match = _HEIGHT.search(node.attributes.get("transform") or "")
    return float(match[1]) if match is not None and match[1].strip("-.") else 0.0


def _strokes(node: Any) -> str:
    """What an SVG enclosure draws."""
    notations = []
    for child in _elements(node):
        get = child.attributes.get
        if child.tag == "rect":
            notations.append("roundedbox" if get("rx") else "box")
        elif child.tag == "ellipse":
            notations.append("circle")
        elif child.tag == "line":
            numbers = [get(name) or "" for name in ("y1", "y2")]
            low, high = (float(value) if _NUMBER.fullmatch(value) else 0.0 for value in numbers)
            slope = "horizontalstrike" if low == high else f"{'up' if low < high else 'down'}diagonalstrike"
            notations.append("verticalstrike" if get("x1") == get("x2") else slope)
    return " ".join(notations) or "none"


def _svg_text(node: Any, depth: int) -> str:
    text = ""
    for child in _elements(node):
        code = child.attributes.get("data-c") or ""
        if re.fullmatch(r"[0-9A-Fa-f]{1,5}", code):
            text += _character(code)
        elif child.tag == "text":
            text += child.text() or ""
        elif depth < MAX_DEPTH:
            text += _svg_text(child, depth + 1)
    return text


def _assembled(text: str) -> str:
    """The operator that glyphs make together: a tall bracket, a brace or a long arrow is drawn from pieces."""
    if len(text) < 2 or text.isalnum():
        return text
    if text[0] in _PIECES or text[0] in _BRACES:
        return _PIECES.get(text[0]) or _BRACES[text[0]]
    if len(set(text)) == 1 and text[0] in "|∣‖∥–―−‾¯":
        return text[0]
    ends = [char for char in text if char not in _EXTENSIONS]
    return ends[0] if len(ends) == 1 and len(text) <= 4 and ends[0] in "→←↔⇒⇐⇔↦" else text
