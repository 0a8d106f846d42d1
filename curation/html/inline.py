"""What the walk does at inline elements, code and formulas.

An opener returns what to call when its element ends, None for nothing, or SKIP to pass over what is below.
"""

import re
from functools import lru_cache
from typing import Any

from mathmill.curation.html.blocks import close_block, open_block, open_mathjax2
from mathmill.curation.html.formulas import (
    Source,
    code_formula,
    data_formula,
    is_mathjax2,
    is_wrapper,
    katex_formula,
    math_formula,
    mathjax3_formula,
    script_formula,
    wikipedia_formula,
    wrapped_formula,
)
from mathmill.curation.html.images import image_formula
from mathmill.curation.html.roles import is_chrome, nature
from mathmill.curation.html.tex import clean_tex, strip_delimiters
from mathmill.curation.html.walk import SKIP, Closer, Walker

_FORMULA_MARKS = ("<math", "<mjx-", '"math/', "katex")
_CODE_MARKS = ("<br", "lineno", "line-n", "copybtn", "<button", "gutter")
_LINE_NUMBERS = re.compile(r"(?:^|\s)(?:linenos?|linenodiv|line-?number|line-numbers-rows|gutter|copybtn\S*)(?=$|\s)")
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|ère|ème|TM|SM|®|™|©|℠)\Z")
_ANCHOR = re.compile(
    r"(?:^|[\s_-])(?:headerlink|anchor|anchor-?link|header-?anchor|permalink|heading-?link|autopermalink|"
    r"hash-link|self-?link)(?=$|\s)",
    re.I,
)
_FOOTNOTE = re.compile(r"(?:^|[\s_-])(?:reference|footnote\S*|fn|fnref|cite\S*|noteref|ltx_note\S*)(?=$|[\s_-])", re.I)


def open_break(walker: Walker, node: Any) -> Closer | str | None:
    """`<br>`."""
    walker.pieces.append("\0n")
    return SKIP


def open_rule(walker: Walker, node: Any) -> Closer | str | None:
    """`<hr>`: the end of a paragraph."""
    walker.flush()
    return SKIP


def open_link(walker: Walker, node: Any) -> Closer | str | None:
    """`<a>`: its text, counted as link; a heading's anchor is passed over."""
    attributes = node.attributes
    class_ = attributes.get("class")
    if class_ and _is_anchor(class_) and len((node.text() or "").strip()) <= 2:
        return SKIP
    walker.check_names(attributes)
    if walker.link_mark >= 0:
        return None
    walker.link_mark = len(walker.pieces)
    return _close_link


def _close_link(walker: Walker) -> None:
    if walker.link_mark >= 0:
        walker.links += sum(map(len, walker.pieces[walker.link_mark :]))
        walker.n_links += 1
        walker.link_mark = -1


@lru_cache(maxsize=4096)
def _is_anchor(class_: str) -> bool:
    return _ANCHOR.search(class_) is not None


def open_single_letter(walker: Walker, node: Any) -> Closer | str | None:
    """`b`, `i` and the like: plain, unless the parser made them of `$a<b$`."""
    attributes = node.attributes
    if attributes:
        walker.check_names(attributes)
    return None


@lru_cache(maxsize=1 << 14)
def _span_kind(class_: str) -> str:
    classes = class_.split()
    if "d-none" in classes:  # Bootstrap's and StackExchange's: never shown
        return "hidden"
    if "katex-display" in classes:
        return "katex-display"
    if "katex" in classes:
        return "katex"
    if "katex-error" in classes:
        return "katex-error"
    if "mwe-math-element" in classes:
        return "wikipedia"
    if is_mathjax2(class_):
        return "mathjax2"
    if "texhtml" in classes or "katex-html" in classes:
        return ""
    if nature("span", {"class": class_}).role is not None:
        return "role"
    if is_chrome(class_) and not re.search(r"(?:^|[\s_-])(?:toc|anchor)", class_, re.I):
        return "chrome"
    return "wrapper" if is_wrapper(class_) else ""


def open_span(walker: Walker, node: Any) -> Closer | str | None:
    """`<span>`: mostly nothing but its text; else a rendered formula, an icon or a hidden part."""
    attributes = node.attributes
    if not attributes:
        return None
    found = data_formula("span", attributes)
    if found is not None:
        walker.formula(found)
        return SKIP
    class_ = attributes.get("class")
    if not class_:
        return None
    kind = _span_kind(class_)
    if not kind:
        return None
    if kind == "katex":
        walker.formula(katex_formula(node))
        return SKIP
    if kind == "katex-display":
        inner = node.css_first(".katex")
        if inner is not None:
            walker.formula(katex_formula(inner)._replace(display=True))
            return SKIP
        return None
    if kind == "mathjax2":
        return open_mathjax2(walker, node, class_, attributes)
    if kind == "wikipedia":
        formula = wikipedia_formula(node)
        if formula is not None:
            walker.formula(formula)
            return SKIP
        return None
    if kind == "katex-error":
        walker.formula(Source(clean_tex(strip_delimiters(node.text() or "")[0]), False, "katex"))
        return SKIP
    if kind in ("chrome", "hidden"):
        return SKIP
    if kind == "role" and _holds_blocks(node):
        return open_block(walker, node)
    if kind == "wrapper":
        wrapped = wrapped_formula(node, "span", class_, attributes)
        if wrapped is not None:
            walker.formula(wrapped)
            return SKIP
    return None


def _holds_blocks(node: Any) -> bool:
    child = node.first_child
    while child is not None and child.tag in ("-text", "-comment"):
        child = child.next
    return child is not None and child.tag in ("div", "p", "ul", "ol", "section", "article", "table")


def open_code(walker: Walker, node: Any) -> Closer | str | None:
    """`<code>` and the like, outside of `<pre>`: inline code, or a formula that scripts would render."""
    attributes = node.attributes
    class_ = attributes.get("class")
    if class_:
        found = code_formula(node, class_, attributes)
        if found is not None:
            walker.formula(found)
            return SKIP
    text = " ".join((node.text() or "").split())
    if text:
        walker.code(text)
    return SKIP


def open_pre(walker: Walker, node: Any) -> Closer | str | None:
    """`<pre>`: a code block."""
    walker.flush()
    attributes = node.attributes
    inner = node.first_child
    if inner is not None and inner.tag == "code" and inner.next is None:
        found = code_formula(inner, inner.attributes.get("class") or "", inner.attributes)
        if found is not None:
            walker.formula(found._replace(display=True))
            walker.flush()
            return SKIP
    html = node.html or ""
    if walker.cell or _holds_any(html, _FORMULA_MARKS):
        return close_block
    class_ = attributes.get("class") or ""
    if _LINE_NUMBERS.search(class_):
        return SKIP
    text = _code_text(node, html)
    if text.strip():
        walker.marker = ""
        walker.add("code", "```\n" + text.strip("\n") + "\n```", [])
    return SKIP


def _holds_any(html: str, marks: tuple[str, ...]) -> bool:
    for mark in marks:  # noqa: SIM110 (a generator takes three times as long)
        if mark in html:
            return True
    return False


def _code_text(node: Any, html: str) -> str:
    """The text of a code block, with its line breaks and without line numbers and buttons."""
    if not _holds_any(html, _CODE_MARKS):
        return (node.text() or "").replace("\u00a0", " ").expandtabs(4)
    pieces: list[str] = []
    stack = [node.first_child]
    while stack:
        child = stack.pop()
        if child is None:
            continue
        stack.append(child.next)
        if child.tag == "-text":
            pieces.append(child.text_content or "")
        elif child.tag == "br":
            pieces.append("\n")
        elif child.tag == "code" or (
            child.tag != "button" and not _LINE_NUMBERS.search(child.attributes.get("class") or "")
        ):
            stack.append(child.first_child)
    return "".join(pieces).replace("\u00a0", " ").expandtabs(4)


def open_superscript(walker: Walker, node: Any) -> Closer | str | None:
    """`<sup>`: an exponent, an ordinal's ending or a footnote's mark."""
    attributes = node.attributes
    class_ = attributes.get("class") or ""
    inner = node.first_child
    while inner is not None and inner.tag in ("-text", "-comment") and not (inner.text_content or "").strip():
        inner = inner.next
    footnote = inner is not None and inner.tag == "a" and (inner.attributes.get("href") or "").startswith("#")
    if footnote or _FOOTNOTE.search(class_):
        text = (node.text() or "").strip().strip("[]()")
        if text and len(text) <= 12:
            walker.pieces.append(f"[{text}]")
            return SKIP
        return None
    walker.scripts.append(len(walker.pieces))
    return _close_up


def open_subscript(walker: Walker, node: Any) -> Closer | str | None:
    """`<sub>`."""
    walker.scripts.append(len(walker.pieces))
    return _close_down


def _close_up(walker: Walker) -> None:
    _close_raised(walker, "^")


def _close_down(walker: Walker) -> None:
    _close_raised(walker, "_")


def _close_raised(walker: Walker, mark: str) -> None:
    start = walker.scripts.pop()
    pieces = walker.pieces
    content = "".join(pieces[start:]).strip()
    if not content or start > len(pieces) or content == "\0f":
        return
    if len(content) > 40 or "\0n" in content or (mark == "^" and _ORDINAL.match(content)):
        return
    del pieces[start:]
    pieces.append(f"{mark}{{{content}}}")


# --- formulas and the rest


def open_script(walker: Walker, node: Any) -> Closer | str | None:
    """`<script>`: nothing, or MathJax 2's source of a formula."""
    attributes = node.attributes
    if attributes.get("type"):
        found = script_formula(node, attributes)
        if found is not None:
            walker.formula(found)
    return SKIP


def open_math(walker: Walker, node: Any) -> Closer | str | None:
    """`<math>`."""
    walker.formula(math_formula(node, node.attributes))
    return SKIP


def open_mathjax3(walker: Walker, node: Any) -> Closer | str | None:
    """`<mjx-container>`."""
    walker.formula(mathjax3_formula(node, node.attributes))
    return SKIP


def open_tex_element(walker: Walker, node: Any) -> Closer | str | None:
    """`<d-math>`, `<tex-math>`, `<tex>`: elements that hold TeX."""
    attributes = node.attributes
    child = node.first_child
    if child is None or child.next is not None or child.tag != "-text":
        return None
    display = "block" in attributes or node.tag == "dmath" or attributes.get("env") == "displaymath"
    tex, delimited = strip_delimiters(node.text() or "")
    display = display or bool(delimited)
    walker.formula(Source(clean_tex(tex, display), display, "tex_element"))
    return SKIP


def open_image(walker: Walker, node: Any) -> Closer | str | None:
    """`<img>`: nothing, or a formula."""
    attributes = node.attributes
    found = image_formula(attributes)
    if found is None:
        formula = data_formula("img", attributes)
        if formula is not None:
            walker.formula(formula)
    else:
        walker.formula(Source(*found))
    return SKIP
