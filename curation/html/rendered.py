"""Reads formulas back from what MathJax and KaTeX rendered, where a page carries nothing else.

MathJax marks the element that each glyph came from (`mjx-mfrac`, `data-mml-node="mfrac"`), so its output maps to
MathML and takes that way. KaTeX's HTML keeps no such names; its boxes are told apart by their classes and heights.
Recursion is bounded by MAX_DEPTH; what lies deeper is left out.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from mathmill.core.mathml import TEXT_ESCAPES, Element, join_latex, spell, to_latex
from mathmill.core.mathml_tables import ACCENTS, FUNCTIONS

MAX_DEPTH = 100

_CHARACTER = re.compile(r"mjx-c([0-9A-Fa-f]{2,5})(?![\w-])")
_TOKENS = frozenset({"mi", "mn", "mo", "mtext", "ms"})
_UNREAD = frozenset(
    {
        "mjx-assistive-mml",
        "mjx-spacer",
        "mjx-nstrut",
        "mjx-dstrut",
        "mjx-line",
        "mjx-surd",
        "mjx-tstrut",
        "mjx-break",
        "mjx-strut",
    }
)


def _elements(node: Any) -> Iterator[Any]:
    child = node.first_child
    while child is not None:
        if child.tag not in ("-text", "-comment"):
            yield child
        child = child.next


# --- MathJax 3 CHTML


def chtml_to_latex(node: Any) -> str:
    """Convert a rendered `mjx-math` element (MathJax 3, CommonHTML output)."""
    return to_latex(_chtml(node, 0))


def _chtml(node: Any, depth: int) -> Element:
    name = node.tag.removeprefix("mjx-").lower()
    if name in _TOKENS:
        return Element(name, text=_chtml_text(node, depth))
    if depth > MAX_DEPTH:
        return Element("mrow")

    def part(*wrappers: str) -> Element:
        found = _inside(node, frozenset(wrappers), depth)
        return _chtml_row(found, depth + 1) if found is not None else Element("mrow")

    if name == "mfrac":
        return Element("mfrac", children=[part("mjx-num"), part("mjx-den")])
    if name == "msqrt":
        return Element("msqrt", children=[part("mjx-box")])
    if name == "mroot":
        return Element("mroot", children=[part("mjx-box"), part("mjx-root")])
    if name in ("msub", "msup", "msubsup", "munder", "mover", "munderover"):
        script = next((child for child in _elements(node) if child.tag == "mjx-script"), None)
        if script is not None:
            base = next((child for child in _elements(node) if child is not script), node)
            scripts = [_chtml(child, depth + 1) for child in _elements(script) if child.tag not in _UNREAD]
            return Element(name, children=[_chtml(base, depth + 1), *reversed(scripts)])
        under, over = part("mjx-under"), part("mjx-over")
        scripts = {"munder": [under], "mover": [over]}.get(name, [under, over])
        return Element(name, children=[part("mjx-base"), *scripts])
    if name in ("mtable", "mtr", "mtd", "mlabeledtr"):
        return Element(name, children=list(_chtml_children(node, depth)))
    if name == "mspace":
        width = re.search(r"(?:margin-left|width)\s*:\s*([\d.]+em)", node.attributes.get("style") or "")
        return Element("mspace", {"width": width[1] if width else None})
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


def _inside(node: Any, names: frozenset[str], depth: int) -> Any:
    """The first box of a name inside a construct, not looking into constructs within."""
    for child in _elements(node):
        if child.tag in names:
            return child
        if not child.tag.startswith("mjx-m") and depth < MAX_DEPTH:
            found = _inside(child, names, depth + 1)
            if found is not None:
                return found
    return None


def _chtml_text(node: Any, depth: int) -> str:
    text = ""
    for child in _elements(node):
        match = _CHARACTER.search(child.attributes.get("class") or "") if child.tag == "mjx-c" else None
        if match is not None and int(match[1], 16) < 0x110000:
            text += chr(int(match[1], 16))
        elif child.tag in ("mjx-utext", "mjx-c"):
            text += child.text() or ""
        elif depth < MAX_DEPTH:
            text += _chtml_text(child, depth + 1)
    return text


# --- MathJax 3 SVG


def svg_to_latex(node: Any) -> str:
    """Convert a rendered `svg` element (MathJax 3, SVG output)."""
    return to_latex(Element("mrow", children=_svg_children(node, 0)))


def _svg_children(node: Any, depth: int) -> list[Element]:
    found: list[Element] = []
    if depth > MAX_DEPTH:
        return found
    for child in _elements(node):
        name = child.attributes.get("data-mml-node")
        if name is not None:
            found.append(_svg(child, name.lower(), depth))
        elif child.tag in ("g", "svg", "a"):
            found += _svg_children(child, depth + 1)
    return found


def _svg(node: Any, name: str, depth: int) -> Element:
    if name in _TOKENS:
        return Element(name, text=_svg_text(node, depth))
    children = _svg_children(node, depth + 1)
    if name in ("msqrt", "mroot"):
        return Element(name, children=[child for child in children if child.text != "√"])
    if name in ("msubsup", "munderover") and len(children) == 3:  # drawn base, upper, lower
        children = [children[0], children[2], children[1]]
    return Element(name if name not in ("math", "texatom", "mstyle", "mpadded") else "mrow", children=children)


def _svg_text(node: Any, depth: int) -> str:
    text = ""
    for child in _elements(node):
        code = child.attributes.get("data-c") or ""
        if re.fullmatch(r"[0-9A-Fa-f]{1,5}", code):
            text += chr(int(code, 16))
        elif child.tag == "text":
            text += child.text() or ""
        elif depth < MAX_DEPTH:
            text += _svg_text(child, depth + 1)
    return text


# --- KaTeX HTML

_SILENT = frozenset((
    "strut", "pstrut", "vlist-s", "nulldelimiter", "katex-mathml", "frac-line", "overline-line",
    "underline-line", "hide-tail", "arraycolsep", "vertical-separator", "fix", "tag", "hline", "rule",
))  # fmt: skip
_FONTS = {
    "mathbb": "\\mathbb", "mathbf": "\\mathbf", "mathcal": "\\mathcal", "mathfrak": "\\mathfrak", "mathsf": "\\mathsf",
    "mathtt": "\\mathtt", "boldsymbol": "\\boldsymbol", "mathrm": "\\mathrm", "mathscr": "\\mathscr", "amsrm": "",
}  # fmt: skip
_STACKED = dict(
    zip(
        "⎛⎜⎝⎞⎟⎠⎡⎢⎣⎤⎥⎦⎧⎨⎩⎫⎬⎭⎪∣∥",
        ["("] * 3 + [")"] * 3 + ["["] * 3 + ["]"] * 3 + ["\\{"] * 3 + ["\\}"] * 3 + ["", "|", "\\|"],
        strict=True,
    )
)
_TOP = re.compile(r"top\s*:\s*(-?[\d.]+)em")
_QUAD = re.compile(r"(?:margin-right|width)\s*:\s*([\d.]+)em")
Entry = tuple[float, Any]


def katex_to_latex(node: Any) -> str:
    """Convert a `span.katex` that has no MathML: its rendered boxes."""
    pieces = []
    for child in _elements(node):
        classes = (child.attributes.get("class") or "").split()
        if "katex-html" in classes or "base" in classes:
            pieces.append(_boxes(child, 0))
    return join_latex(pieces).strip()


def _boxes(node: Any, depth: int) -> str:
    """The LaTeX of the boxes inside a box."""
    if depth > MAX_DEPTH:
        return ""
    pieces: list[str] = []
    child = node.first_child
    while child is not None:
        if child.tag == "-text":
            pieces.append(spell(child.text_content or ""))
        elif child.tag == "span":
            pieces.append(_reader(child.attributes.get("class") or "")(child, depth + 1))
        child = child.next
    return join_latex(pieces)


@lru_cache(maxsize=1 << 12)
def _reader(class_: str) -> Callable[[Any, int], str]:
    """What reads a box of this class, given the box and its depth."""
    classes = class_.split()
    if not _SILENT.isdisjoint(classes):
        return _nothing
    for name in classes:
        if name in _READERS:
            return _READERS[name]
    if "mspace" in classes:
        return _space
    if "text" in classes:
        return _text
    font = next((command for name, command in _FONTS.items() if name in classes), "")
    return partial(_styled, font=font, is_operator="mop" in classes) if font or "mop" in classes else _boxes


def _nothing(node: Any, depth: int) -> str:
    return ""


def _space(node: Any, depth: int) -> str:
    quad = _QUAD.search(node.attributes.get("style") or "")
    ems = float(quad[1]) if quad and quad[1].strip(".") else 0.0
    return "\\qquad" if ems >= 1.9 else "\\quad" if ems >= 0.9 else ""


def _text(node: Any, depth: int) -> str:
    text = " ".join((node.text() or "").replace("\u00a0", " ").replace("\u200b", "").split(" "))
    return f"\\text{{{text.translate(TEXT_ESCAPES)}}}"


def _styled(node: Any, depth: int, font: str, is_operator: bool) -> str:
    inner = _boxes(node, depth)
    if is_operator and re.fullmatch(r"(?:\\mathrm\{)?[A-Za-z]{2,}\}?", inner):
        name = inner.removeprefix("\\mathrm{").rstrip("}")
        return f"\\{name}" if name in FUNCTIONS else f"\\operatorname{{{name}}}"
    return f"{font}{{{inner}}}" if font and inner and not (font == "\\mathrm" and not inner.isalnum()) else inner


def _entries(node: Any, depth: int) -> tuple[list[Entry], bool]:
    """The boxes of the first vlist inside, each with its height, the highest first; and whether it has a depth."""
    stack = [node]
    while stack:
        current = stack.pop()
        classes = (current.attributes.get("class") or "").split()
        if "vlist" in classes:
            entries = []
            for child in _elements(current):
                top = _TOP.search(child.attributes.get("style") or "")
                entries.append((float(top[1]) if top and top[1].strip("-.") else 0.0, child))
            deep = "vlist-t2" in (node.attributes.get("class") or "") or _has_depth(current)
            return sorted(entries, key=lambda entry: entry[0]), deep
        stack.extend(reversed([child for child in _elements(current) if child.tag == "span"]))
    return [], False


def _has_depth(vlist: Any) -> bool:
    row = vlist.parent
    table = row.parent if row is not None else None
    return table is not None and "vlist-t2" in (table.attributes.get("class") or "")


def _holds(node: Any, class_: str) -> bool:
    return node.css_first(f".{class_}") is not None


def _msupsub(node: Any, depth: int) -> str:
    entries, deep = _entries(node, depth)
    scripts = [_boxes(entry, depth) for _, entry in entries]
    if len(scripts) >= 2:
        return f"_{{{scripts[-1]}}}^{{{scripts[0]}}}"
    if not scripts or not scripts[0]:
        return ""
    if not deep and re.fullmatch(r"'+", scripts[0]):
        return scripts[0]
    return f"{'_' if deep else '^'}{{{scripts[0]}}}"


def _mfrac(node: Any, depth: int) -> str:
    entries, _ = _entries(node, depth)
    parts = [_boxes(entry, depth) for _, entry in entries if not _is_line(entry)]
    if len(parts) != 2:
        return join_latex(parts)
    if len(entries) == 2:
        return f"\\genfrac{{}}{{}}{{0pt}}{{}}{{{parts[0]}}}{{{parts[1]}}}"
    return f"\\frac{{{parts[0]}}}{{{parts[1]}}}"


def _is_line(entry: Any) -> bool:
    return any("frac-line" in (child.attributes.get("class") or "") for child in _elements(entry))


def _sqrt(node: Any, depth: int) -> str:
    index = ""
    body = ""
    for child in _elements(node):
        entries, _ = _entries(child, depth)
        inner = join_latex([_boxes(entry, depth) for _, entry in entries])
        if "root" in (child.attributes.get("class") or "").split():
            index = inner
        else:
            body = inner or body
    return f"\\sqrt[{index}]{{{body}}}" if index else f"\\sqrt{{{body}}}"


def _limits(node: Any, depth: int) -> str:
    entries, _ = _entries(node, depth)
    at = next((i for i, (_, entry) in enumerate(entries) if _holds(entry, "mop")), 0)
    over = join_latex([_boxes(entry, depth) for _, entry in entries[:at]])
    under = join_latex([_boxes(entry, depth) for _, entry in entries[at + 1 :]])
    operator = _boxes(entries[at][1], depth) if entries else ""
    return operator + (f"_{{{under}}}" if under else "") + (f"^{{{over}}}" if over else "")


def _accent(node: Any, depth: int) -> str:
    entries, _ = _entries(node, depth)
    mark = next((entry for _, entry in entries if _holds(entry, "accent-body") or _holds(entry, "accent-full")), None)
    base = join_latex([_boxes(entry, depth) for _, entry in entries if mark is None or entry is not mark])
    text = "".join((mark.text() or "").split()).strip("\u200b") if mark is not None else ""
    accent = ACCENTS.get(text) or (("\\vec", "\\vec") if mark is not None and not text else None)
    if accent is None:
        return base
    single = len(base) == 1 or re.fullmatch(r"\\[A-Za-z]+", base) is not None
    return f"{accent[0] if single else accent[1]}{{{base}}}"


def _line(command: str) -> Callable[[Any, int], str]:
    def read(node: Any, depth: int) -> str:
        entries, _ = _entries(node, depth)
        return f"{command}{{{join_latex([_boxes(entry, depth) for _, entry in entries])}}}"

    return read


def _table(node: Any, depth: int) -> str:
    columns = []
    aligned = ""
    for child in _elements(node):
        class_ = child.attributes.get("class") or ""
        if class_.startswith("col-align"):
            aligned += class_[10:11]
            columns.append([_boxes(entry, depth) for _, entry in _entries(child, depth)[0]])
    height = max(map(len, columns), default=0)
    rows = [" & ".join(column[i] if i < len(column) else "" for column in columns) for i in range(height)]
    body = " \\\\ ".join(rows)
    environment = "aligned" if aligned.startswith("rl") else "matrix"
    return f"\\begin{{{environment}}} {body} \\end{{{environment}}}" if rows else ""


def _delimiter(node: Any, depth: int) -> str:
    text = "".join((node.text() or "").replace("\u200b", "").split())
    return next((_STACKED[char] for char in text if _STACKED.get(char)), None) or spell(text)


_READERS: dict[str, Callable[[Any, int], str]] = {
    "msupsub": _msupsub, "mfrac": _mfrac, "sqrt": _sqrt, "op-limits": _limits, "accent": _accent, "mtable": _table,
    "overline": _line("\\overline"), "underline": _line("\\underline"), "delimsizing": _delimiter,
}  # fmt: skip
