"""What the walk does at inline elements, code and formulas.

An opener returns what to call when its element ends, None for nothing, or SKIP to pass over what is below.
"""

import re
from functools import lru_cache
from typing import Any

from mathmill.curation.html.beside import is_hidden_source
from mathmill.curation.html.blocks import close_block, open_block, open_mathjax2
from mathmill.curation.html.code import code_text, fenced, is_no_code
from mathmill.curation.html.formula_elements import follows_root, last_formula, open_fraction, open_overlined
from mathmill.curation.html.formulas import (
    Source,
    code_formula,
    data_formula,
    is_mathjax2,
    is_wrapper,
    katex_formula,
    wikipedia_formula,
    wrapped_formula,
)
from mathmill.curation.html.roles import is_chrome, nature
from mathmill.curation.html.tex import clean_tex, strip_delimiters
from mathmill.curation.html.walk import SKIP, Closer, Walker

_RENDERED = ".katex, math, mjx-container, script[type^='math/']"
_FORMULA_MARKS = ("<math", "<mjx-", '"math/', "katex")
_CODE_MARKS = ("<br", "<div", "<li", "<tr", "<p>", "<p ", "lineno", "line-n", "copybtn", "<button", "gutter", "<su")
_SUPERSCRIPT, _SUBSCRIPT = frozenset(("superscript", "exponent", "sup")), frozenset(("subscript", "sub"))
_LONGEST_SCRIPT = 12  # of those that a class makes one
_RAISED = re.compile(r"vertical-align\s*:\s*su(per|b)\b")  # how Google Docs and Word write `sup` and `sub`
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|ère|ème|TM|SM|®|™|©|℠)\Z")
_CITATION = re.compile(r"\[[\d\s,–-]+\]")
_ANCHOR = re.compile(
    r"(?:^|[\s_-])(?:headerlink|anchor|anchor-?link|header-?anchor|permalink|heading-?link|autopermalink|"
    r"hash-link|self-?link|comment-user|edit-lemma|edit-icon|mw-editsection\S*|comment-reply-link|js-share-link)(?=$|\s)",
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
    if class_ and _is_anchor(class_) and (_span_kind(class_) == "chrome" or len((node.text() or "").strip()) <= 2):
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
        class_ = attributes.get("class")
        if class_ and _span_kind(class_) == "chrome":
            return SKIP
    return None


@lru_cache(maxsize=1 << 14)
def _span_kind(class_: str) -> str:
    classes = class_.split()
    if (
        "d-none" in classes or "hidden-readable" in classes
    ):  # Bootstrap's, Canvas's beside a formula's image: never shown
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
    if "intbl" in classes or "fraction" in classes or "frac" in classes:
        return "fraction"
    if not _SUPERSCRIPT.isdisjoint(classes):
        return "superscript"
    if not _SUBSCRIPT.isdisjoint(classes):
        return "subscript"
    if "overline" in classes:
        return "overline"
    if "texhtml" in classes or "katex-html" in classes:
        return ""
    kind = nature("span", {"class": class_})
    if kind.role is not None or kind.body:
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
    style = attributes.get("style")
    if style and "vertical-align" in style and (raised := _RAISED.search(style)) and not walker.scripts:
        return open_superscript(walker, node) if raised[1] == "per" else open_subscript(walker, node)
    if style and ("overline" in style or ("border-top" in style and follows_root(walker))):
        return open_overlined(walker, node)
    class_ = attributes.get("class")
    if style and "none" in style and is_hidden_source(node, class_ or "", last_formula(walker)):
        return SKIP
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
    if kind == "fraction":
        return open_fraction(walker, node)
    if kind == "overline":
        return open_overlined(walker, node)
    if kind in ("superscript", "subscript"):
        if not walker.pieces or walker.pieces[-1][-1:].isspace() or len(node.text() or "") > _LONGEST_SCRIPT:
            return None
        return open_superscript(walker, node) if kind == "superscript" else open_subscript(walker, node)
    if kind == "mathjax2":
        return open_mathjax2(walker, node, class_, attributes)
    if kind == "wikipedia":
        formula = wikipedia_formula(node)
        if formula is not None:
            walker.formula(formula)
            return SKIP
        return None
    if kind == "katex-error":
        tex, display = strip_delimiters(node.text() or "")
        walker.formula(Source(clean_tex(tex, bool(display)), bool(display), "katex"))
        return SKIP
    if kind in ("chrome", "hidden"):  # the slash of a fraction that is drawn as a stack is for screen readers
        return None if (node.text() or "").strip() in ("/", "+") else SKIP
    if kind == "role" and _holds_blocks(node):
        return open_block(walker, node)
    if kind == "wrapper":
        if "hidden" in attributes and is_hidden_source(node, class_, last_formula(walker)):
            return SKIP
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
    child = node.first_child
    inside = walker.rendered and child is not None and (child.next is not None or child.tag == "span")
    if inside and node.css_first(_RENDERED) is not None:
        return None  # a plugin took the formula for code
    part = node.css_first("br, sup, sub") if child is not None and child.next is not None else None
    if part is not None and part.tag == "br" and not walker.cell:
        walker.flush()
        walker.add("code", fenced(code_text(node, preformatted=False)), [])
        return SKIP
    text = " ".join((code_text(node, preformatted=False) if part is not None else node.text() or "").split())
    if text:
        walker.code(text)
    return SKIP


def open_pre(walker: Walker, node: Any) -> Closer | str | None:
    """`<pre>`: a code block."""
    walker.flush()
    attributes = node.attributes
    inner = node.first_child
    found = code_formula(node, attributes.get("class") or "", attributes) if attributes else None
    if found is None and inner is not None and inner.tag == "code" and inner.next is None:
        found = code_formula(inner, inner.attributes.get("class") or "", inner.attributes)
    if found is not None:
        walker.formula(found._replace(display=True))
        walker.flush()
        return SKIP
    html = node.html or ""
    if walker.cell or (walker.rendered and _holds_any(html, _FORMULA_MARKS)):
        return close_block
    class_ = attributes.get("class") or ""
    if is_no_code(class_):
        return SKIP
    text = (
        code_text(node) if _holds_any(html, _CODE_MARKS) else (node.text() or "").replace("\u00a0", " ").expandtabs(4)
    )
    if text.strip():
        walker.marker = ""
        walker.add("code", fenced(text), [])
    return SKIP


def _holds_any(html: str, marks: tuple[str, ...]) -> bool:
    for mark in marks:  # noqa: SIM110 (a generator takes three times as long)
        if mark in html:
            return True
    return False


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
    if len(walker.scripts) > _DEEPEST_SCRIPT:
        return None
    walker.scripts.append(len(walker.pieces))
    return _close_up


def open_subscript(walker: Walker, node: Any) -> Closer | str | None:
    """`<sub>`."""
    if len(walker.scripts) > _DEEPEST_SCRIPT:
        return None
    walker.scripts.append(len(walker.pieces))
    return _close_down


def _close_up(walker: Walker) -> None:
    _close_raised(walker, "^")


def _close_down(walker: Walker) -> None:
    _close_raised(walker, "_")


def _close_raised(walker: Walker, mark: str) -> None:
    start = walker.scripts.pop()
    pieces = walker.pieces
    content = _EDGE_BREAKS.sub("", "".join(pieces[start:])).strip()
    if not content or start > len(pieces) or content == "\0f":
        return
    if (
        "\0n" in content
        or (len(content) > 40 and (len(content) > 200 or _PROSE.search(content)))
        or _CITATION.fullmatch(content)
        or (mark == "^" and _ORDINAL.match(content))
    ):
        if len(content) > 40:
            pieces.insert(start, " ")
        return
    before = pieces[start - 1][-1:] if start else ""
    del pieces[start:]
    if mark == "^" and before in _SENTENCE_ENDS and before and content.isdigit():
        pieces.append(f"[{content}]")  # a note's mark without a link
        return
    slash = pieces[start - 1] if start else ""  # alone: what stands before it in its piece would be lost
    if mark == "_" and slash in _SLASHES and start > 1 and (upper := _NUMERATOR.fullmatch(pieces[start - 2])):
        whole = start > 2 and pieces[start - 3][-1:].isdigit()
        pieces[start - 2 :] = [f"{' ' if whole else ''}{upper[1]}/{content}"]  # <sup>3</sup>/<sub>4</sub>
        return
    pieces.append(f"{mark}{{{content}}}")


_EDGE_BREAKS = re.compile(r"\A(?:\0n|\s)++|(?<!\s)(?<!\0n)(?:\0n|\s)++\Z")
_PROSE = re.compile(r"[A-Za-z]{3,}\s+[A-Za-z]{3,}")
_SENTENCE_ENDS = ".,;?”。，"
_SLASHES = ("/", "\u2044", "\u2215")
_DEEPEST_SCRIPT = 8  # each joins what stands in it
_NUMERATOR = re.compile(r"\^\{(\w{1,6})\}")
