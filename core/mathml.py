"""MathML to LaTeX.

Used where a page carries a formula only as MathML, and by the normaliser to compare MathML with LaTeX spellings. The
conversion is one post-order pass with an explicit stack, so depth costs memory and never a recursion error; what is
deeper or larger than a formula can be is cut off. Element semantics follow MathML Core and MathML 3, chapter 3 for
presentation and chapter 4 for content.
"""

import re
from functools import partial
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from mathmill.core.mathml_content import CONTENT, content_to_latex
from mathmill.core.mathml_layout import convert
from mathmill.core.mathml_terms import SEPARATOR, Element, Term

MAX_NODES = 20_000
MAX_DEPTH = 400
_MAX_TURNS = 2  # from content to presentation and back

_REMEMBERED = 20_000
_REMEMBERED_CHARS = 1000
_remembered: dict[str, str] = {}

_PREFIX = re.compile(r"<(/?)[A-Za-z][\w.-]*:(?=[A-Za-z])")
_NO_ATTRIBUTES: dict[str, str | None] = {}
_BARE = frozenset({"msup", "msub", "msubsup", "msqrt", "mroot", "mover", "munder", "munderover"})
_SKIPPED = frozenset({"annotation", "-comment", "script", "style", None})  # None is a processing instruction
_PRESENTATION = frozenset(("mathml-presentation", "application/mathml-presentation+xml"))


def mathml_to_latex(mathml: str) -> str:
    """Convert a `<math>` element, given as a string with or without namespace prefixes, to LaTeX without delimiters.

    Returns "" where the string holds no formula. Never raises on malformed markup.
    """
    source = _PREFIX.sub(r"<\1", mathml)
    if "<math" not in source[:2000]:
        source = f"<math>{source}</math>"
    node = LexborHTMLParser(source.replace("\0", "")).css_first("math")
    return "" if node is None else node_to_latex(node)


def node_to_latex(node: Any) -> str:
    """Convert a lexbor node (`math` or any element inside it) to LaTeX without delimiters.

    Small formulas repeat ("x", "0"), on a page and across the pages of a site: their conversions are remembered.
    """
    source = node.html or ""
    if len(source) > _REMEMBERED_CHARS:
        return to_latex(read_node(node))
    latex = _remembered.get(source)
    if latex is None:
        if len(_remembered) >= _REMEMBERED:
            _remembered.clear()
        latex = _remembered[source] = to_latex(read_node(node))
    return latex


def read_node(node: Any) -> Element:
    """Copy a lexbor subtree into elements; annotations are left out, the depth and the number of nodes are bounded.

    Of a formula in content and presentation the presentation is taken.
    """
    root = Element(node.tag, node.attributes)
    stack = [(root, node.first_child)]
    budget = MAX_NODES
    while stack:
        parent, child = stack.pop()
        while child is not None and budget:
            budget -= 1
            tag = child.tag
            if tag == "-text":
                parent.text += child.text_content or ""
            elif tag == "sep":
                parent.text += SEPARATOR
            elif tag == "mtext":
                parent.children.append(Element(tag, child.attributes, text=child.text() or ""))
            elif tag == "annotation-xml":
                encoding = (child.attributes.get("encoding") or "").lower()
                if encoding in _PRESENTATION and parent.children and parent.children[0].tag in CONTENT:
                    presented = child.first_child
                    while presented is not None and presented.tag in ("-text", "-comment", None):
                        presented = presented.next
                    if presented is not None:
                        parent.children.clear()
                        stack.append((parent, presented))
                        break
            elif tag not in _SKIPPED and len(stack) < MAX_DEPTH:
                element = Element(tag, _NO_ATTRIBUTES if tag in _BARE else child.attributes)
                parent.children.append(element)
                first = child.first_child
                if first is not None:
                    following = child.next
                    if following is not None:
                        stack.append((parent, following))
                    parent, child = element, first
                    continue
            child = child.next
    return root


def to_latex(root: Element, turns: int = 0) -> str:
    """Convert an element tree to LaTeX without delimiters. turns: how often content stands around it."""
    frames: list[tuple[Element, list[Term]]] = [(root, [])]
    while True:
        element, terms = frames[-1]
        children = element.children
        for child in children[len(terms) :]:
            if child.tag in CONTENT:
                content = content_to_latex(child, partial(to_latex, turns=turns + 1)) if turns <= _MAX_TURNS else ""
                terms.append(Term(content, "mrow"))
            elif child.children:
                frames.append((child, []))
                break
            else:
                terms.append(convert(child, []))
        else:
            frames.pop()
            term = convert(element, terms)
            if not frames:
                return term.latex.strip()
            frames[-1][1].append(term)
