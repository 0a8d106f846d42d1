"""Tells copies of formulas that a page carries for its scripts from the formulas that it shows.

Lazy loading puts an image into `<noscript>` as well, some scripts leave the source that they read in the page, in a
hidden element beside what they made of it, and figures draw their labels from a hidden store (distill.pub).
"""

import re
from typing import Any

from mathmill.curation.html.formulas import (
    Source,
    is_mathjax2,
    is_wrapper,
    katex_formula,
    math_formula,
    mathjax3_formula,
    script_formula,
    siblings,
)
from mathmill.curation.html.images import image_formula
from mathmill.curation.html.tex import strip_delimiters


def stands_alone(node: Any) -> bool:
    """Whether what a `<noscript>` holds is nowhere beside it: the image before it, or any formula next to it."""
    before = _neighbour(node, forward=False)
    if before is not None and before.tag == "img":
        return image_formula(before.attributes) is None
    return not any(beside is not None and _holds_formula(beside) for beside in (before, _neighbour(node, forward=True)))


def _neighbour(node: Any, forward: bool) -> Any:
    """The element next to a node, None behind text that is not blank."""
    while (node := node.next if forward else node.prev) is not None:
        if node.tag == "-text" and (node.text_content or "").strip():
            return None
        if node.tag not in ("-text", "-comment", None):
            return node
    return None


def _holds_formula(node: Any) -> bool:
    class_ = node.attributes.get("class")
    if node.css_first(_RENDERED) is not None or (class_ and is_wrapper(class_)):
        return True
    image = node.css_first("img")
    return image is not None and image_formula(image.attributes) is not None


_RENDERED = "math, mjx-container, .katex, .MathJax, script[type^='math/']"


def is_hidden_source(node: Any, class_: str, last: Source | str | None) -> bool:
    """Whether a hidden element holds the TeX of the formula beside it. last: what stands right before, if anything."""
    tex = "".join(strip_delimiters(node.text() or "")[0].split())
    if not tex:
        return False
    beside = [last] if isinstance(last, Source) else []
    for sibling in siblings(node):
        beside += _formulas_of(sibling)
        if not is_mathjax2(sibling.attributes.get("class") or ""):
            break
    named = _SOURCE_CLASS.search(class_) is not None
    return any(named or "".join(formula.tex.split()) == tex for formula in beside)


_SOURCE_CLASS = re.compile("tex|math|formula|equation|source", re.IGNORECASE)


def _formulas_of(node: Any) -> list[Source]:
    attributes = node.attributes
    if node.tag == "script":
        found = script_formula(node, attributes)
        return [found] if found is not None else []
    if node.tag == "math":
        return [math_formula(node, attributes)]
    if node.tag == "mjx-container":
        return [mathjax3_formula(node, attributes)]
    if node.tag == "img":
        image = image_formula(attributes)
        return [Source(*image)] if image is not None else []
    katex = "katex" in (attributes.get("class") or "").split()
    return [katex_formula(node)] if katex else []


def is_store(node: Any) -> bool:
    """Whether a hidden element without a role is nothing but formulas one after another, for scripts to take from."""
    count = 0
    child = node.first_child
    while child is not None:
        if child.tag == "-text":
            if (child.text_content or "").strip():
                return False
        elif child.tag in _FORMULA_TAGS:
            count += 1
        elif child.tag not in ("-comment", None):
            return False
        child = child.next
    return count >= _SMALLEST_STORE


_FORMULA_TAGS = frozenset(("d-math", "dt-math", "math", "mjx-container", "tex-math"))
_SMALLEST_STORE = 3
