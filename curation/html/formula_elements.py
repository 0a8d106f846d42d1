"""What the walk does at elements that are a formula: MathJax's scripts and containers, `<math>`, TeX elements, images.

An opener returns what to call when its element ends, None for nothing, or SKIP to pass over what is below.
"""

import re
from typing import Any
from urllib.parse import unquote

from mathmill.core.mathml import node_to_latex
from mathmill.curation.html.beside import stands_alone
from mathmill.curation.html.drawn import drawn_to_latex
from mathmill.curation.html.formulas import (
    Source,
    data_formula,
    grouped_formula,
    math_formula,
    mathjax3_formula,
    script_formula,
    unpacked,
)
from mathmill.curation.html.images import hidden_source, image_formula
from mathmill.curation.html.tex import clean_tex, looks_like_math, strip_delimiters
from mathmill.curation.html.walk import SKIP, Closer, Walker


def open_script(walker: Walker, node: Any) -> Closer | str | None:
    """`<script>`: nothing, or MathJax 2's source of a formula."""
    attributes = node.attributes
    if attributes.get("type"):
        found = script_formula(node, attributes)
        if found is not None and not _is_repeated(walker, found):
            walker.formula(found)
    return SKIP


def last_formula(walker: Walker) -> Source | str | None:
    """The formula element right before, if there is one."""
    return walker.objects[-1] if walker.objects and walker.pieces[-1:] == ["\0f"] else None


def _is_repeated(walker: Walker, formula: Source) -> bool:
    """Whether the same formula stands right before: the source that a script reads and the one that it leaves."""
    last = last_formula(walker)
    return isinstance(last, Source) and last.encoding in ("tex_element", "data_attribute") and last.tex == formula.tex


def open_math(walker: Walker, node: Any) -> Closer | str | None:
    """`<math>`."""
    walker.formula(math_formula(node, node.attributes))
    return SKIP


def open_mathjax3(walker: Walker, node: Any) -> Closer | str | None:
    """`<mjx-container>`."""
    walker.formula(mathjax3_formula(node, node.attributes))
    return SKIP


def open_drawn(walker: Walker, node: Any) -> Closer | str | None:
    """`<drawn-math>`: what `drawn.rename_drawn` made of a formula of tables."""
    walker.formula(Source(clean_tex(drawn_to_latex(node)), False, "drawn"))
    return SKIP


def open_tex_element(walker: Walker, node: Any) -> Closer | str | None:
    """`<d-math>`, `<tex-math>`, `<tex>`: elements that hold TeX."""
    attributes = node.attributes
    child = node.first_child
    if child is None or child.next is not None or child.tag != "-text":
        return None
    tag = node.tag
    display = attributes.get("block", "false") != "false" or tag.endswith(("-block", "-display"))
    display = display or tag in _DISPLAY_TAGS or attributes.get("env") == "displaymath"
    tex, delimited = strip_delimiters(node.text() or "")
    display = display or bool(delimited)
    walker.formula(Source(clean_tex(tex, display), display, "tex_element"))
    return SKIP


_DISPLAY_TAGS = frozenset(("dmath", "block-math", "display-math"))


def open_grouped(walker: Walker, node: Any) -> Closer | str | None:
    """`<inline-formula>`, `<disp-formula>`: one formula in several forms, and its number."""
    found = grouped_formula(node)
    if found is None:
        return None
    walker.formula(found)
    label = node.css_first("label")
    if label is not None:
        walker.pieces.append(f" {label.text() or ''} ")
    return SKIP


def open_svg(walker: Walker, node: Any) -> Closer | str | None:
    """`<svg>`: nothing, or a drawing of mathjax-node's with its TeX as title."""
    title = node.first_child
    if title is not None and title.tag == "title" and "MathJax" in (node.attributes.get("aria-labelledby") or ""):
        box = node.parent.attributes.get("class") or ""
        display = "block" in box or "display" in box
        tex = title.text() or ""
        if looks_like_math(tex, sure=True):
            walker.formula(Source(clean_tex(tex, display), display, "mathjax2"))
    return SKIP


def open_card(walker: Walker, node: Any) -> Closer | str | None:
    """`<card name="math">`, Yuque's: its TeX is quoted JSON in an attribute."""
    attributes = node.attributes
    value = attributes.get("value") or ""
    if attributes.get("name") != "math" or not value.startswith("data:"):
        return None
    display = attributes.get("type") == "block"
    tex = unpacked(unquote(value[5:]), "code")
    walker.formula(Source(clean_tex(tex, display), display, "data_attribute"))
    return SKIP


def open_noscript(walker: Walker, node: Any) -> Closer | str | None:
    """`<noscript>`: nothing, or the image of a formula in whose place a script loads it later."""
    image = node.first_child
    while image is not None and image.tag != "img":
        image = image.next
    if image is not None and stands_alone(node):
        open_image(walker, image)
    return SKIP


def open_fraction(walker: Walker, node: Any) -> Closer | str | None:
    """Two boxes that a style sheet puts over each other (Math is Fun's): `3/4`, as it is said in a line."""
    boxes = [child for child in node.iter() if child.tag in ("span", "em", "strong", "sup", "sub", "i", "b")]
    if len(boxes) != 2 or any(next(box.iter(), None) is not None for box in boxes):
        return None
    parts = [" ".join((box.text() or "").split()) for box in boxes]
    if not all(parts) or len("".join((node.text() or "").split())) != len("".join("".join(parts).split())):
        return None
    above, below = (part if part.isalnum() else f"({part})" for part in parts)
    before = walker.pieces[-1][-1:] if walker.pieces else ""
    walker.pieces.append(f"{' ' if before.isdigit() else ''}{above}/{below}")
    return SKIP


def follows_root(walker: Walker) -> bool:
    """Whether a radical sign stands right before."""
    return bool(walker.pieces) and walker.pieces[-1].endswith("√")


def open_overlined(walker: Walker, node: Any) -> Closer | str | None:
    """What a style sheet draws a line over: what a root is of, a period (`0.3`), a segment (`AB`)."""
    text = (node.text() or "").strip()
    if not text or next(node.iter(), None) is not None:
        return None
    if follows_root(walker):
        walker.pieces.append(text if text.isalnum() and len(text) < 3 else f"({text})")
        return SKIP
    if _OVERLINED.fullmatch(text) is None:
        return None
    walker.formula(Source(f"\\overline{{{text}}}", False, "overline"))
    return SKIP


_OVERLINED = re.compile(r"\d{1,12}|[A-Z]{1,3}|[a-z]")


def open_variable(walker: Walker, node: Any) -> Closer | str | None:
    """`<var>`: text, or the TeX that AtCoder's scripts take from it."""
    child = node.first_child
    if child is None or child.next is not None or child.tag != "-text":
        return None
    text = child.text_content or ""
    if "\\" not in text and "^" not in text and "_{" not in text:  # the manuals of programs have x_1
        return None
    walker.formula(Source(clean_tex(text), False, "tex_element"))
    return SKIP


def open_math_part(walker: Walker, node: Any) -> Closer | str | None:
    """`<mfrac>` and the like without a `<math>` around it."""
    walker.formula(Source(node_to_latex(node), False, "mathml"))
    return SKIP


_DISPLAY_BOXES = frozenset(("math", "equation", "displaymath", "formulaDsp", "math-display", "display-math"))


def open_image(walker: Walker, node: Any) -> Closer | str | None:
    """`<img>`: nothing, or a formula."""
    attributes = node.attributes
    formula = data_formula("img", attributes)
    if formula is not None:
        walker.formula(formula._replace(display=formula.display or None))
        return SKIP
    found = image_formula(attributes)
    if found is not None and "..." in found[0] and (source := hidden_source(node)):
        found = image_formula({**attributes, "alt": source})
    if found is not None:
        tex, display, encoding = found
        walker.formula(Source(tex, True if display is None and _in_display(node) else display, encoding))
    return SKIP


def _in_display(node: Any) -> bool:
    """Whether an image stands in a box that is for one display formula, Sphinx's `<div class="math"><p>`."""
    for _ in range(2):
        node = node.parent
        if node is None:
            return False
        class_ = node.attributes.get("class") if node.tag in ("div", "p") else None
        if class_ and not _DISPLAY_BOXES.isdisjoint(class_.split()):
            return True
    return False
