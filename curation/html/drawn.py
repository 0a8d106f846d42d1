"""Reads the formulas that Chinese problem sites draw with tables and boxes: jyeoo's, and those that copy them.

A fraction is a table of two cells with a line between them, a root one with a picture of its sign. An HTML parser ends
a paragraph at a table, so `rename_drawn` gives the parts of such a formula names of their own before the page is
parsed; `drawn_to_latex` reads them as MathML elements. What a box stands for is told by its class (`mfrac`, since
2023), else by borders, by the pictures in it, which are named by their code points, and by where it stands.
"""

import re
from collections.abc import Iterator
from typing import Any

from mathmill.core.mathml import to_latex
from mathmill.core.mathml_tables import FUNCTIONS
from mathmill.core.mathml_terms import Element

TAG = "drawn-math"
MAX_DEPTH = 60
_MAX_BYTES = 50_000  # of one formula's markup
_NAMES = rb"(?:Math(?:Jye|Zyb|Xxb)|AFanMath)"
_BEGIN = re.compile(
    rb"<(span|div|font|table|bdo)\b(?=[^<>]{0,1000}?\s(?:mathtag\s*=\s*[\"']?math[\"'\s>]"
    rb"|class\s*=\s*[\"']?(?:[^\"'<>]{0,200}\s)?" + _NAMES + rb"[\"'\s>]))[^<>]*>",
    re.IGNORECASE,
)
_BLOCKS = re.compile(rb"<(?:p|ul|ol|li|h[1-6]|form|section|article)\b", re.IGNORECASE)
_PART = re.compile(rb"<(/?)(table|tbody|tr|td|div)\b([^<>]*?)(/?)>", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?P<mn>\d+(?:\.\d+)?)|(?P<name>" + "|".join(sorted(FUNCTIONS | {"lg"}, key=len, reverse=True)) + r")|"
    r"(?P<mi>[^\W\d_\u3000-\u9fff\uff00-\uffef])|(?P<mtext>[\u3400-\u9fff]+)|(?P<mo>\S)"
)
_PLAIN = str.maketrans("＝＞＜＋－（）［］｛｝，．：；！％／｜•∙≌⌒", "=><+-()[]{},.:;!%/|⋅⋅≅⌢")
_PICTURE = re.compile(r"/(?:part/)?H?(\d{2,5}|P)[A-Z]{0,2}\.png|/([{(\[|])M\.png")
_RAISED = re.compile(r"vertical-align\s*:\s*su(per|b)\b")
_LINE_BELOW, _LINE_ABOVE = re.compile(r"border-bottom\s*:"), re.compile(r"border-top\s*:")
_SMALL = re.compile(r"font-size\s*:\s*90%")
_FENCES = {"{": "}", "(": ")", "[": "]", "|": "|"}
_ARCS = {"^": "⌢", "⌒": "⌢"}
_LIMITS = frozenset(("lim", "max", "min", "sup", "inf", "∑", "∏", "∫", "⋃", "⋂"))


def rename_drawn(source: bytes) -> bytes:
    """Give the elements of drawn formulas names that mean nothing to an HTML parser."""
    pieces: list[bytes] = []
    at = 0
    left = 10 * len(source) + 10 * _MAX_BYTES  # that may be looked at for ends
    while left > 0 and (begin := _BEGIN.search(source, at)) is not None:
        end = _end(source, begin)
        left -= _MAX_BYTES if end is None else end.end() - begin.end()
        if end is None or _BLOCKS.search(source, begin.end(), end.start()):
            pieces.append(source[at : begin.end()])
            at = begin.end()
            continue
        table = begin[0] if begin[1].lower() == b"table" else b""
        inside = table + source[begin.end() : end.start()] + (b"</table>" if table else b"")
        name = TAG.encode()
        pieces += (source[at : begin.start()], b"<", name, b">", _PART.sub(_renamed, inside), b"</", name, b">")
        at = end.end()
    return b"".join([*pieces, source[at:]])


def _end(source: bytes, begin: re.Match[bytes]) -> re.Match[bytes] | None:
    depth = 1
    for tag in re.compile(rb"<(/?)" + begin[1] + rb"\b[^<>]*>", re.IGNORECASE).finditer(
        source, begin.end(), begin.end() + _MAX_BYTES
    ):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag
    return None


def _renamed(tag: re.Match[bytes]) -> bytes:
    close = b"></drawn-" + tag[2].lower() if tag[4] else b""
    return b"<" + tag[1] + b"drawn-" + tag[2].lower() + tag[3] + close + b">"


def drawn_to_latex(node: Any) -> str:
    """Convert a `drawn-math` element."""
    return to_latex(_row(node, 0))


def _row(node: Any, depth: int) -> Element:
    return Element("mrow", children=_children(node, depth))


def _elements(node: Any, tag: str = "") -> Iterator[Any]:
    child = node.first_child
    while child is not None:
        if child.tag not in ("-text", "-comment", None) and tag in ("", child.tag):
            yield child
        child = child.next


def _children(node: Any, depth: int) -> list[Element]:
    found: list[Element] = []
    if depth > MAX_DEPTH:
        return found
    child = node.first_child
    while child is not None:
        tag = child.tag
        if tag == "-text":
            found += _tokens(child.text_content or "")
        elif tag == "img":
            glyph = _picture(child)
            found += [Element("mo", text=glyph)] if glyph else []
        elif tag not in ("-comment", None):
            script = _script(child, tag)
            if script and (row := _row(child, depth + 1)).children:
                found[-1:] = [_scripted(found[-1] if found else Element("mrow"), script, row)]
            elif not script:
                found += _box(child, depth + 1)
        child = child.next
    return found


def _tokens(text: str) -> list[Element]:
    found = []
    for token in _TOKEN.finditer(text.translate(_PLAIN)):
        kind = token.lastgroup or "mo"
        found.append(Element("mi" if kind == "name" else kind, text=token[0]))
    return found


def _script(node: Any, tag: str) -> str:
    """Which script an element is: "sup", "sub", or "" for what stands on the line."""
    if tag in ("sup", "sub"):
        return str(tag)
    get = node.attributes.get
    raised = _RAISED.search(get("style") or "")
    if raised is not None:
        return "sup" if raised[1] == "per" else "sub"
    part = get("mathtag") or ""
    return part[-3:] if part.endswith(("_sup", "_sub")) else ""


def _scripted(base: Element, script: str, row: Element) -> Element:
    if base.tag == "msub" and script == "sup" and len(base.children) == 2:
        return Element("msubsup", children=[*base.children, row])
    if base.tag == "msup" and script == "sub" and len(base.children) == 2:
        return Element("msubsup", children=[base.children[0], row, base.children[1]])
    return Element(f"m{script}", children=[base, row])


def _box(node: Any, depth: int) -> list[Element]:
    if node.tag == "drawn-table":
        return [_table(node, depth)]
    for name in (node.attributes.get("class") or "").split():
        if name in _CLASSES:
            return [_classed(node, name, depth)]
    return _children(node, depth)


# --- boxes with names

_CLASSES = frozenset(("mfrac", "msqrt", "mroot", "msubsup", "mover", "munder", "munderover"))


def _classed(node: Any, name: str, depth: int) -> Element:
    def part(class_: str) -> Element:
        inner = _inside(node, class_)
        return _row(inner, depth + 1) if inner is not None else Element("mrow")

    if name == "mfrac":
        return Element("mfrac", children=[part("fracZi"), part("fracMu")])
    if name in ("msqrt", "mroot"):
        index, body = part("msqrtIndex"), part("msqrtBox")
        return Element("mroot", children=[body, index]) if index.children else Element("msqrt", children=[body])
    if name == "msubsup":
        base, sub, sup = part("msubsupCont"), part("msub"), part("msup")
        if sub.children and sup.children:
            return Element("msubsup", children=[base, sub, sup])
        return Element("msub" if sub.children else "msup", children=[base, sub if sub.children else sup])
    over, under = part("over"), part("under")
    arrow = _inside(node, "stretchArrow")
    if arrow is not None:
        left = "stretchArrowL" in (arrow.attributes.get("class") or "")
        over = Element("mo", text="←" if left else "→")
    elif name == "mover" and not over.children:
        over = Element("mo", {"stretchy": "true"}, text="‾")
    scripts = [row for row in (under, over) if row.children or row.text]
    return Element(name if len(scripts) == 1 + (name == "munderover") else "mrow", children=[part("base"), *scripts])


def _inside(node: Any, class_: str) -> Any:
    """The nearest element of a class, not looking into other constructs."""
    for child in _elements(node):
        classes = (child.attributes.get("class") or "").split()
        if class_ in classes:
            return child
        if _CLASSES.isdisjoint(classes) and not (
            set(classes) & {"fracZi", "fracMu", "msqrtBox", "base"} and class_ not in ("msqrtIndex",)
        ):
            found = _inside(child, class_)
            if found is not None:
                return found
    return None


# --- tables


def _table(node: Any, depth: int) -> Element:
    groups = [group for body in _elements(node, "drawn-tbody") for group in _elements(body, "drawn-tr")]
    rows = [cells for tr in [*groups, *_elements(node, "drawn-tr")] if (cells := list(_elements(tr, "drawn-td")))]
    shape = [len(cells) for cells in rows]
    if len(rows) == 1:
        return _line_of(rows[0], depth)
    if shape == [2, 1] and _glyph(rows[1][0]) == "√":
        return Element("mroot", children=[_row(rows[0][1], depth), _row(rows[0][0], depth)])
    if shape == [1, 1]:
        return _pair(rows[0][0], rows[1][0], depth)
    if shape == [1, 1, 1]:
        over, base, under = (_row(cells[0], depth) for cells in rows)
        if _is_limit(base) or _glyph(rows[1][0]) in ("→", "⇌"):
            base = base if base.children else Element("mo", text=_glyph(rows[1][0]))
            scripts = [row for row in (under, over) if row.children]
            names = {0: "mrow", 1: "munder" if under.children else "mover", 2: "munderover"}
            return Element(names[len(scripts)], children=[base, *scripts])
    cells_of = [[Element("mtd", children=_children(cell, depth)) for cell in cells] for cells in rows]
    return Element("mtable", {"columnalign": "left"}, children=[Element("mtr", children=row) for row in cells_of])


def _line_of(cells: list[Any], depth: int) -> Element:
    """A table of one row: a root, a fence around rows, or what stands side by side."""
    glyphs = [_glyph(cell) for cell in cells]
    if len(cells) == 2 and glyphs[0] == "√":
        return Element("msqrt", children=_children(cells[1], depth))
    found: list[Element] = []
    for cell, glyph in zip(cells, glyphs, strict=True):
        if glyph in _FENCES or glyph in _FENCES.values():
            found.append(Element("mo", text=glyph))
        elif found and _script_cell(cell):
            parts = _children(cell, depth)  # msubsup_sub and _sup on nothing, in a cell after their base
            for part in parts:
                if part.tag in ("msub", "msup", "msubsup"):
                    found[-1] = Element(part.tag, children=[found[-1], *part.children[1:]])
        else:
            found.append(_row(cell, depth))
    return Element("mrow", children=found)


def _script_cell(cell: Any) -> bool:
    return any((child.attributes.get("mathtag") or "").endswith(("_sup", "_sub")) for child in _elements(cell))


def _pair(top: Any, bottom: Any, depth: int) -> Element:
    """A table of two cells, one over the other."""
    styles = [cell.attributes.get("style") or "" for cell in (top, bottom)]
    above, below = _row(top, depth), _row(bottom, depth)
    glyph = _glyph(top)
    if _LINE_BELOW.search(styles[0]) or "fsline" in (top.attributes.get("class") or ""):
        if not below.children and above.children:  # a long equals sign with what makes it happen over it
            return Element("mover", children=[Element("mo", text="="), _without_dot(above)])
        return Element("mfrac", children=[above, below])
    if glyph in ("→", "⌒", "^", "←"):
        return Element("mover", children=[below, Element("mo", text=_ARCS.get(glyph, glyph))])
    if _LINE_ABOVE.search(styles[0]) or (not above.children and _LINE_ABOVE.search(styles[1])):
        return Element("mover", children=[below, Element("mo", {"stretchy": "true"}, text="‾")])
    if _LINE_ABOVE.search(styles[1]):
        return Element("mfrac", children=[above, below])
    if _glyph(bottom) == "{":
        return Element("munder", children=[above, Element("mo", text="⏟")])
    if _glyph(bottom) in ("→", "⇌"):
        return Element("mover", children=[Element("mo", text=_glyph(bottom)), above])
    if _is_limit(above):
        return Element("munder", children=[above, below])
    if _SMALL.search(styles[1]):
        return Element("munder", children=[above, below])
    if _SMALL.search(styles[0]):
        return Element("mover", children=[below, above])
    rows = [Element("mtr", children=[Element("mtd", children=row.children)]) for row in (above, below)]
    return Element("mtable", {"columnalign": "left"}, children=rows)


def _without_dot(row: Element) -> Element:
    """What stands over a long equals sign, without the dot that holds its second line open."""
    if len(row.children) == 1 and row.children[0].tag in ("munder", "mtable", "mover", "mfrac"):
        inner = row.children[0]
        first = inner.children[0]
        return first.children[0] if first.tag == "mtr" else first
    return row


def _is_limit(row: Element) -> bool:
    return len(row.children) == 1 and row.children[0].text in _LIMITS


def _glyph(cell: Any) -> str:
    """The sign that a cell draws with pictures or holds alone, "" where it holds more."""
    if next(_elements(cell, "drawn-table"), None) is not None:
        return ""
    text = "".join((cell.text() or "").split())
    if text in ("⎷", "√"):
        return "√"
    if len(text) > 1:
        return ""
    return text or _picture(cell)


def _picture(node: Any) -> str:
    """The character whose picture an element shows, in whole or in parts."""
    picture = _PICTURE.search((node.html or "")[:2000])
    if picture is None:
        return ""
    if picture[2]:
        return picture[2]
    return "|" if picture[1] == "P" else chr(int(picture[1]))
