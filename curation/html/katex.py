"""Reads formulas back from KaTeX's HTML, where a page carries neither its MathML nor its source.

The boxes have no names of their own; their classes, their heights and what stands beside them tell the construct. They
become MathML elements, so that rows, fences, tables and functions are written as for any other source. Releases after
0.16 put `katex-` before their class names. Recursion is bounded by MAX_DEPTH; what lies deeper is left out.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from mathmill.core.mathml import to_latex
from mathmill.core.mathml_tables import FUNCTIONS
from mathmill.core.mathml_terms import Element

MAX_DEPTH = 100
MAX_CHARS = 200_000  # of markup: 35 to 60 a glyph
_SEARCHED = 20  # boxes looked at for the list of a stack, which is the third inside

_SILENT = frozenset((
    "strut", "pstrut", "vlist-s", "nulldelimiter", "katex-mathml", "frac-line", "overline-line", "hide-tail",
    "underline-line", "arraycolsep", "vertical-separator", "fix", "tag", "hline", "rule", "fbox", "svg-align",
))  # fmt: skip
_FONTS = {
    "mathbb": "double-struck", "mathbf": "bold", "mathcal": "script", "mathscr": "script", "mathfrak": "fraktur",
    "mathsf": "sans-serif", "mathtt": "monospace", "boldsymbol": "bold-italic", "mathrm": "normal",
}  # fmt: skip
_OPERATOR_BOXES = frozenset(("mopen", "mclose", "mbin", "mrel", "mpunct", "delimsizing"))
_STACKED = dict(
    zip("⎛⎜⎝⎞⎟⎠⎡⎢⎣⎤⎥⎦⎧⎨⎩⎫⎬⎭∣∥", ["("] * 3 + [")"] * 3 + ["["] * 3 + ["]"] * 3 + ["{"] * 3 + ["}"] * 3 + ["|", "‖"])
)
_DRAWN = {875: "()", 889: "{}", 667: "[]", 333: "||", 556: "‖‖"}  # width of a drawn delimiter, in 1/1000 em
_NOT = "\ue020"  # KaTeX's slash through the next relation
_TOP = re.compile(r"top\s*:\s*(-?\d{0,6}\.?\d{0,6})em")
_WIDTH = re.compile(r"(?:margin-right|width)\s*:\s*(-?[\d.]+em)")
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))


def katex_to_latex(node: Any) -> str:
    """Convert a `span.katex` that has no MathML; "" where it is larger than a formula can be."""
    html = node.html or ""
    if len(html) > MAX_CHARS:
        return ""
    tex = _read_before.get(html)
    if tex is None:
        tex = to_latex(Element("mrow", children=_children(node, (), 0)))
        if len(html) <= _KEPT_CHARS:
            if len(_read_before) >= _KEPT_FORMULAS:
                _read_before.clear()
            _read_before[html] = tex
    return tex


_KEPT_CHARS, _KEPT_FORMULAS = 4096, 2048
_read_before: dict[str, str] = {}
"""Formulas by their markup: half of those of a site were read before."""


def _spans(node: Any) -> Iterator[Any]:
    child = node.first_child
    while child is not None:
        if child.tag == "span":
            yield child
        child = child.next


def _classes(node: Any) -> tuple[str, ...]:
    return _names(node.attributes.get("class") or "")


@lru_cache(maxsize=4096)
def _names(class_: str) -> tuple[str, ...]:
    return tuple(
        name if name in ("katex-html", "katex-mathml") else name.removeprefix("katex-") for name in class_.split()
    )


def _children(node: Any, around: tuple[str, ...], depth: int) -> list[Element]:
    """The elements that the boxes inside a box are. around: the classes of the box that its characters go by."""
    found: list[Element] = []
    if depth > MAX_DEPTH:
        return found
    child = node.first_child
    while child is not None:
        if child.tag == "-text":
            found += _characters(child.text_content or "", around)
        elif child.tag == "span":
            classes = _classes(child)
            if "msupsub" in classes:
                found[-1:] = [_scripts(child, found[-1] if found else Element("mrow"), depth + 1)]
            else:
                found += _box(child, classes, around, depth + 1)
        child = child.next
    return _negated(found) if _NOT in [element.text for element in found] else found


def _row(node: Any, depth: int, around: tuple[str, ...] = ()) -> Element:
    return Element("mrow", children=_children(node, around, depth))


def _box(node: Any, classes: tuple[str, ...], around: tuple[str, ...], depth: int) -> list[Element]:
    if not _SILENT.isdisjoint(classes):
        return []
    for name in classes:
        if name in _READERS:
            return [_READERS[name](node, depth)]
    if "mspace" in classes:
        width = _WIDTH.search(node.attributes.get("style") or "")
        wide = width is not None and float(width[1][:-2].strip("-.") or 0) >= 0.4  # the narrow ones are automatic
        return [Element("mspace", {"width": width[1]})] if wide and width else []
    if "text" in classes:
        return _text(node, depth)
    if "delimsizing" in classes:
        return [Element("mo", text=_delimiter(node, around))]
    if "mop" in classes and (name := _operator_name(node)):
        return [Element("mi" if name in FUNCTIONS else "mo", text=name)]
    own = _styles(classes)
    if "mord" in classes and "mrel" in around and not own and (node.text() or "").strip() == "/":
        return [Element("mo", text=_NOT)]  # the slash of \notin, which is drawn after its relation
    if "mord" in classes:  # a symbol inside of a relation's box is that relation
        around = _symbols(around)
    found = _children(node, own or around, depth)
    if len(found) < 2 or "base" in classes or "katex-html" in classes:
        return found
    return [Element("mrow", children=found)]


@lru_cache(maxsize=4096)
def _styles(classes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        name for name in classes if name in _FONTS or name in _OPERATOR_BOXES or name in ("mathnormal", "mathit")
    )


@lru_cache(maxsize=4096)
def _symbols(around: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in around if name not in _OPERATOR_BOXES or name in ("mrel", "mbin"))


def _characters(text: str, around: tuple[str, ...]) -> list[Element]:
    text = text.strip() if text.isascii() else text.translate(_ZERO_WIDTH).strip()
    if not text:
        return []
    if text == _NOT:
        return [Element("mo", text=text)]
    font = next((_FONTS[name] for name in around if name in _FONTS), None)
    if font is not None:
        return [Element("mi", {"mathvariant": font}, text=text)]
    if not _OPERATOR_BOXES.isdisjoint(around):
        return [Element("mo", text=text)]
    if text[0].isdigit():
        return [Element("mn", text=text)]
    return [Element("mo" if char in "()[]|!/,;:" else "mi", text=char) for char in text if not char.isspace()]


def _negated(found: list[Element]) -> list[Element]:
    """Put KaTeX's slash and the relation that it goes through together."""
    out: list[Element] = []
    waiting = False
    for element in found:
        if element.text == _NOT:
            if out and out[-1].tag == "mo" and out[-1].text == "∈":
                out[-1] = Element("mo", text="∉")
            else:
                waiting = True
        elif waiting and element.tag in ("mo", "mi"):
            out.append(Element("mo", text=f"{element.text}\u0338"))
            waiting = False
        else:
            out.append(element)
    return [*out, Element("mo", text=_NOT)] if waiting else out


def _operator_name(node: Any) -> str:
    """The name of an operator's box, "" where it is a symbol or has scripts or limits."""
    text = node.text() or ""
    if len(text) > 40 or node.css_first(".msupsub, .vlist") is not None:
        return ""
    name = " ".join(text.replace("\u2009", " ").translate(_ZERO_WIDTH).split())
    return name if len(name) > 1 and name.replace(" ", "").isascii() and name.replace(" ", "").isalpha() else ""


def _text(node: Any, depth: int) -> list[Element]:
    r"""`\text`, which may hold formulas: runs of plain boxes are text."""
    found: list[Element] = []
    for child in _spans(node):
        classes = _classes(child)
        if "mathnormal" in classes or not {"msupsub", "mrel", "mbin", "mfrac", "sqrt"}.isdisjoint(classes):
            found += _box(child, classes, (), depth)
        elif child.css_first(".mathnormal, .mfrac, .sqrt") is not None:
            found += _children(child, (), depth)
        else:
            text = (child.text() or "").replace("\u00a0", " ").translate(_ZERO_WIDTH)
            if found and found[-1].tag == "mtext":
                found[-1].text += text
            else:
                found.append(Element("mtext", text=text))
    return found or [Element("mtext", text=(node.text() or "").translate(_ZERO_WIDTH))]


def _delimiter(node: Any, around: tuple[str, ...]) -> str:
    text = "".join((node.text() or "").translate(_ZERO_WIDTH).split())
    if text:
        return next((_STACKED[char] for char in text if char in _STACKED), text[:1])
    drawing = node.css_first("svg")
    view = ((drawing.attributes.get("viewbox") or drawing.attributes.get("viewBox") or "") if drawing else "").split()
    pair = _DRAWN.get(int(view[2]) if len(view) == 4 and view[2].isdecimal() else 0, "||")
    return pair[1] if "mclose" in around else pair[0]


# --- boxes that are stacked


def _entries(node: Any) -> tuple[list[tuple[float, Any]], bool]:
    """The boxes of the first vlist inside, each with its height, the highest first; and whether it has a depth."""
    stack = [node]
    for _ in range(_SEARCHED):
        current = stack.pop()
        if "vlist" in (current.attributes.get("class") or "").split():
            entries = []
            for child in _spans(current):
                top = _TOP.search(child.attributes.get("style") or "")
                entries.append((float(top[1]) if top and top[1].strip("-.") else 0.0, child))
            row = current.parent
            table = row.parent if row is not None else None
            deep = table is not None and "vlist-t2" in (table.attributes.get("class") or "")
            return sorted(entries, key=lambda entry: entry[0]), deep
        stack.extend(reversed(list(islice(_spans(current), _SEARCHED))))
        if not stack:
            break
    return [], False


_DRAWINGS = frozenset(("frac-line", "overline-line", "underline-line", "accent-body", "fbox", "hline"))


def _is_drawing(entry: Any) -> bool:
    """Whether an entry is a line, a brace, an arrow or a frame, not a part of the formula."""
    if "svg-align" in (entry.attributes.get("class") or ""):
        return True
    return any(not _DRAWINGS.isdisjoint(_classes(child)) for child in _spans(entry))


def _scripts(node: Any, base: Element, depth: int) -> Element:
    entries, deep = _entries(node)
    scripts = [_row(entry, depth) for _, entry in entries]
    if len(scripts) >= 2:
        return Element("msubsup", children=[base, scripts[-1], scripts[0]])
    return Element("msub" if deep else "msup", children=[base, *scripts])


def _mfrac(node: Any, depth: int) -> Element:
    entries, _ = _entries(node)
    parts = [_row(entry, depth) for _, entry in entries if not _is_drawing(entry)]
    return Element("mfrac", {"linethickness": "0"} if len(entries) == 2 else {}, children=parts)


def _sqrt(node: Any, depth: int) -> Element:
    index: Element | None = None
    body: list[Element] = []
    for child in _spans(node):
        entries, _ = _entries(child)
        if "root" in _classes(child):
            index = Element("mrow", children=[_row(entry, depth) for _, entry in entries])
        else:
            body += [row for _, entry in entries if (row := _row(entry, depth)).children]
    content = Element("mrow", children=body)
    return Element("msqrt", children=body) if index is None else Element("mroot", children=[content, index])


def _limits(node: Any, depth: int) -> Element:
    entries, _ = _entries(node)
    at = next((i for i, (_, entry) in enumerate(entries) if entry.css_first(".mop") is not None), 0)
    over = [_row(entry, depth) for _, entry in entries[:at]]
    under = [_row(entry, depth) for _, entry in entries[at + 1 :]]
    base = _row(entries[at][1], depth) if entries else Element("mrow")
    if over and under:
        return Element("munderover", children=[base, under[0], over[-1]])
    return Element("mover" if over else "munder", children=[base, *over[-1:], *under[:1]])


def _accent(node: Any, depth: int) -> Element:
    """A base with a mark: a character, or a drawing that is told by its form."""
    entries, _ = _entries(node)
    rows = [_row(entry, depth) for _, entry in entries if not _is_drawing(entry)]
    mark = next((entry for _, entry in entries if _is_drawing(entry)), None)
    base = Element("mrow", children=rows)
    if mark is None:
        return base
    text = "".join((mark.text() or "").translate(_ZERO_WIDTH).split())
    if text:
        return Element("mover", children=[base, Element("mo", text=text)])
    drawing = mark.css_first("svg")
    if drawing is None or "svg-align" not in (mark.attributes.get("class") or ""):
        return Element("mover", children=[base, Element("mo", text="→")])
    ratio = drawing.attributes.get("preserveaspectratio") or drawing.attributes.get("preserveAspectRatio") or ""
    view = (drawing.attributes.get("viewbox") or drawing.attributes.get("viewBox") or "").split()
    height = view[3] if len(view) == 4 else ""
    sign = {"xMaxYMin": "→", "xMinYMin": "←"}.get(ratio.split(" ")[0])
    if sign is None:  # \widehat and \widetilde are drawn in four sizes each
        sign = "~" if height in ("260", "286", "306", "312") else "^"
    return Element("mover", children=[base, Element("mo", {"stretchy": "true"}, text=sign)])


def _braced(tag: str, brace: str) -> Callable[[Any, int], Element]:
    r"""`\underbrace` and `\overbrace`, with or without a label."""

    def read(node: Any, depth: int) -> Element:
        entries, _ = _entries(node)
        rows = [_row(entry, depth) for _, entry in entries if not _is_drawing(entry)]
        if any("svg-align" in (entry.attributes.get("class") or "") for _, entry in entries):
            return Element(tag, children=[*rows[:1], Element("mo", text=brace)])
        if tag == "mover":  # the highest comes first
            rows.reverse()
        return Element(tag, children=rows[:2])

    return read


def _line(tag: str) -> Callable[[Any, int], Element]:
    def read(node: Any, depth: int) -> Element:
        rows = [_row(entry, depth) for _, entry in _entries(node)[0] if not _is_drawing(entry)]
        return Element(tag, children=[Element("mrow", children=rows), Element("mo", {"stretchy": "true"}, text="‾")])

    return read


def _arrow(node: Any, depth: int) -> Element:
    entries, _ = _entries(node)
    drawing = node.css_first("svg")
    ratio = (drawing.attributes.get("preserveaspectratio") or "") if drawing is not None else ""
    arrow = Element("mo", text="←" if ratio.startswith("xMin") else "→")
    at = next((i for i, (_, entry) in enumerate(entries) if _is_drawing(entry)), len(entries))
    over, under = ([_row(entry, depth) for _, entry in part] for part in (entries[:at], entries[at + 1 :]))
    if over and under:
        return Element("munderover", children=[arrow, under[0], over[0]])
    return Element("mover" if over else "munder", children=[arrow, *over[:1], *under[:1]])


def _stack(node: Any, depth: int) -> Element:
    """A bare stack in an ordinary box: a frame, a stroke, or a table with its rules."""
    entries, _ = _entries(node)
    rows = [_row(entry, depth) for _, entry in entries if not _is_drawing(entry)]
    for _, entry in entries:
        if any("fbox" in _classes(child) for child in _spans(entry)):
            return Element("menclose", {"notation": "box"}, children=rows)
        lines = entry.css("svg line") if "svg-align" in (entry.attributes.get("class") or "") else []
        if lines:
            up = sum(1 for line in lines if (line.attributes.get("y1") or "0") != "0")
            strokes = ["updiagonalstrike"] * (up > 0) + ["downdiagonalstrike"] * (up < len(lines))
            return Element("menclose", {"notation": " ".join(strokes)}, children=rows)
    return Element("mrow", children=rows)


def _table(node: Any, depth: int) -> Element:
    columns: list[list[Element]] = []
    align: list[str] = []
    lines: list[str] = []
    for child in _spans(node):
        classes = _classes(child)
        if "vertical-separator" in classes and columns:
            lines[-1] = "solid"
        side = next((name[10:] for name in classes if name.startswith("col-align-")), None)
        if side is not None:
            align.append({"r": "right", "l": "left"}.get(side, "center"))
            lines.append("none")
            columns.append([Element("mtd", children=[_row(entry, depth)]) for _, entry in _entries(child)[0]])
    height = max(map(len, columns), default=0)
    rows = [
        Element("mtr", children=[column[i] if i < len(column) else Element("mtd") for column in columns])
        for i in range(height)
    ]
    attributes: dict[str, str | None] = {"columnalign": " ".join(align)}
    if "solid" in lines[:-1]:
        attributes["columnlines"] = " ".join(lines[:-1])
    return Element("mtable", attributes, children=rows)


_READERS: dict[str, Callable[[Any, int], Element]] = {
    "mfrac": _mfrac, "sqrt": _sqrt, "op-limits": _limits, "accent": _accent, "mtable": _table, "x-arrow": _arrow,
    "overline": _line("mover"), "underline": _line("munder"), "munder": _braced("munder", "⏟"),
    "mover": _braced("mover", "⏞"), "vlist-t": _stack,
}  # fmt: skip
