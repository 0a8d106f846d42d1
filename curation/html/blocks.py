"""What the walk does at block elements: boxes, chrome, paragraphs, headings, lists, collapsed parts.

An opener returns what to call when its element ends, None for nothing, or SKIP to pass over what is below.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mathmill.curation.html.beside import is_store
from mathmill.curation.html.formulas import (
    DATA_ATTRIBUTES,
    Source,
    data_formula,
    is_mathjax2,
    is_wrapper,
    mathjax2_rendered,
    wrapped_formula,
)
from mathmill.curation.html.labels import is_toggle
from mathmill.curation.html.roles import CHROME, PLAIN, Nature, label_role, nature
from mathmill.curation.html.walk import SKIP, Closer, Opener, Walker

_LARGE_SHARE = 0.5
_POSTS = ("post", "question", "reply", "accepted_reply")
_FOR_READERS = re.compile(  # headings that are not shown, and those over what a site adds
    r"(?:^|\s)(?:sr-only|screen-reader-\w+|visually-?hidden|accesshide|message-name|widget-?title|toc-?title)(?=$|\s)"
)
_OPENED = ("solution", "answer", "hint", "proof")
_INTEGER = re.compile(r"\s*-?[0-9]{1,7}\s*")
_LIST_STYLE = re.compile("(?:lower|upper)-(?:alpha|latin|roman)|decimal")
_LIST_STYLES = {
    "lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A", "lower-roman": "i",
    "upper-roman": "I", "decimal": "1",
}  # fmt: skip
_FORMULA_SELECTOR = 'math, mjx-container, .katex, script[type^="math/"], d-math'


_ASKED = frozenset((*DATA_ATTRIBUTES, "data-type", "hidden", "style"))  # what is looked at beside a box's nature


def close_block(walker: Walker) -> None:
    """End a paragraph."""
    if walker.pieces:
        walker.flush()


def close_container(walker: Walker) -> None:
    """End a paragraph and its box."""
    if walker.pieces:
        walker.flush()
    walker.close_container()


def open_block(walker: Walker, node: Any) -> Closer | str | None:
    """A block element that may hold others: div, section, li and so on."""
    if walker.pieces:
        walker.flush()
    tag = node.tag
    attributes = node.attributes
    kind = nature(tag, attributes)
    class_ = attributes.get("class")
    telling = not _ASKED.isdisjoint(attributes) or (class_ and _may_be_formula(class_))
    if kind is PLAIN and not telling:  # most boxes
        walker.open_container(tag, PLAIN)
        return close_container
    found = _block_formula(node, tag, attributes) if telling else None
    if found is not None:
        walker.formula(found._replace(display=True) if found.display is None else found)
        walker.flush()
        return SKIP
    if kind.chrome:
        return open_chrome(walker, node, kind)
    if class_ and is_mathjax2(class_):
        return open_mathjax2(walker, node, class_, attributes)
    if attributes.get("data-type") == "document-title":
        return _close_title
    role = kind.role
    hidden = "hidden" in attributes or _is_hidden(attributes.get("style"))
    if hidden:
        around = walker.page.containers[walker.container].nature if walker.container >= 0 else PLAIN
        if not around.hidden and (_defines_macros(node) or is_store(node)):  # what is around was looked through
            return SKIP
        kind = replace(kind, hidden=True)
    if role is None and (kind.collapsed or hidden):
        role = walker.label_before()
    if role in _OPENED and walker.page.paragraphs and is_toggle(walker.page.paragraphs[-1].text):
        walker.page.paragraphs[-1].kind = "toggle"
    walker.open_container(tag, kind, role)
    return close_container


@lru_cache(maxsize=1 << 14)
def _may_be_formula(class_: str) -> bool:
    return is_wrapper(class_) or is_mathjax2(class_)


def _is_hidden(style: str | None) -> bool:
    return style is not None and "display:none" in style.replace(" ", "")


def _defines_macros(node: Any) -> bool:
    r"""Whether a hidden element is there for its \newcommand."""
    text = node.text_lexbor() or ""
    return "\\newcommand" in text or "\\def\\" in text or "\\DeclareMathOperator" in text


def _block_formula(node: Any, tag: str, attributes: dict[str, str | None]) -> Source | None:
    found = data_formula(tag, attributes)
    if found is not None:
        return found
    class_ = attributes.get("class")
    return wrapped_formula(node, tag, class_, attributes) if class_ and is_wrapper(class_) else None


def open_chrome(walker: Walker, node: Any, kind: Nature = CHROME) -> Closer | str | None:
    """A menu, banner or footer: passed over, unless it holds formulas, to be counted, or most of the page."""
    walker.flush()
    if walker.chrome:
        walker.open_container(node.tag, PLAIN)
        return close_container
    text = node.text_lexbor() or ""
    if len(text) > 1000 and len(text) > _LARGE_SHARE * _page_size(walker, node):
        walker.open_container(node.tag, PLAIN)
        return close_container
    may_hold = walker.scanner.may_hold(text) or (walker.rendered and node.css_first(_FORMULA_SELECTOR) is not None)
    if may_hold and not is_store(node):
        walker.open_container(node.tag, kind if kind.chrome else CHROME)
        return close_container
    return SKIP


def _page_size(walker: Walker, node: Any) -> int:
    if walker.page_size < 0:
        body = node.parser.body
        walker.page_size = len(body.text_lexbor() or "") if body is not None else 0
    return walker.page_size


def open_paragraph(walker: Walker, node: Any) -> Closer | str | None:
    """`<p>`: a paragraph, a box only where its attributes say something."""
    if walker.pieces:
        walker.flush()
    attributes = node.attributes
    if not attributes:
        return close_block
    walker.check_names(attributes)
    found = _block_formula(node, "p", attributes)
    if found is not None:
        walker.formula(found)
        walker.flush()
        return SKIP
    kind = nature("p", attributes)
    if kind.chrome or kind.role:
        walker.open_container("p", kind)
        return close_container
    return close_block


def open_header(walker: Walker, node: Any) -> Closer | str | None:
    """A site's header is chrome; an article's is its title."""
    if node.css_first("h1, h2") is not None or _inside_content(walker):
        return open_block(walker, node)
    return open_chrome(walker, node)


def open_footer(walker: Walker, node: Any) -> Closer | str | None:
    """`<footer>`: chrome."""
    return open_chrome(walker, node)


def open_aside(walker: Walker, node: Any) -> Closer | str | None:
    """`<aside>`: a note inside of the content, chrome beside it."""
    return open_block(walker, node) if _inside_content(walker) else open_chrome(walker, node)


def _inside_content(walker: Walker) -> bool:
    at = walker.container
    while at >= 0:
        container = walker.page.containers[at]
        if container.tag in ("article", "main") or container.nature.main:
            return True
        at = container.parent
    return False


def _close_title(walker: Walker) -> None:
    walker.flush("heading", "# ")


def open_line_block(walker: Walker, node: Any) -> Closer | str | None:
    """A block element that holds one run of text: dt, caption."""
    walker.flush()
    return close_block


def heading_opener(level: int) -> Opener:
    """The opener of headings of one level, 1 to 6."""

    def close(walker: Walker) -> None:
        if walker.cell:
            walker.flush()
        else:
            walker.marker = ""
            walker.flush("heading", "#" * level + " ")

    def open_(walker: Walker, node: Any) -> Closer | str | None:
        walker.flush()
        class_ = node.attributes.get("class")
        return SKIP if class_ and level > 1 and _FOR_READERS.search(class_) else close

    return open_


# --- lists


@dataclass(slots=True)
class Numbering:
    """Where an ordered list is. style: "1", "a", "A", "i" or "I"."""

    next: int
    step: int
    style: str

    def mark(self) -> str:
        """The next item's number, as the list writes it."""
        number = self.next
        self.next += self.step
        if self.style in "aA" and 0 < number <= 702:
            high, low = divmod(number - 1, 26)
            text = (chr(96 + high) if high else "") + chr(97 + low)
        elif self.style in "iI" and 0 < number < 400:
            text = _roman(number)
        else:
            return str(number)
        return text.upper() if self.style in "AI" else text


def _roman(number: int) -> str:
    text = ""
    for value, numeral in (
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ):
        text += number // value * numeral
        number %= value
    return text


def open_list(walker: Walker, node: Any) -> Closer | str | None:
    """`<ul>`, `<ol>`."""
    closer = open_block(walker, node)
    if closer is SKIP:
        return SKIP
    walker.lists.append(_numbering(node) if node.tag == "ol" else None)
    return _close_list


def _numbering(node: Any) -> Numbering:
    attributes = node.attributes
    if not attributes:
        return Numbering(1, 1, "1")
    style = attributes.get("type") or "1"
    css = attributes.get("style")
    if css and "list-style" in css:
        found = _LIST_STYLE.search(css)
        style = _LIST_STYLES[found[0]] if found is not None else style
    reverse = "reversed" in attributes
    start = _integer(attributes.get("start"))
    if start is None:
        start = sum(child.tag == "li" for child in node.iter()) if reverse else 1
    return Numbering(start, -1 if reverse else 1, style if style in _LIST_STYLES.values() else "1")


def _integer(value: str | None) -> int | None:
    return int(value) if value and _INTEGER.fullmatch(value) else None


def _close_list(walker: Walker) -> None:
    walker.lists.pop()
    walker.marker = ""
    close_container(walker)


def open_item(walker: Walker, node: Any) -> Closer | str | None:
    """`<li>`: its first paragraph gets the marker; posts and comments are no items."""
    closer = open_block(walker, node)
    if closer is not close_container or walker.cell:
        return closer
    lists = walker.lists
    attributes = node.attributes
    if attributes and (walker.page.containers[walker.container].role in _POSTS or _is_comment(attributes)):
        return _close_item
    indent = "  " * (min(len(lists), 10) - 1)
    numbering = lists[-1] if lists else None
    if numbering is not None:
        value = _integer(attributes.get("value")) if attributes else None
        if value is not None:
            numbering.next = value
        walker.marker = f"{indent}{numbering.mark()}. "
    else:
        walker.marker = f"{indent}- "
    return _close_item


def _is_comment(attributes: dict[str, str | None]) -> bool:
    return "comment" in (attributes.get("class") or "").split()


def open_input(walker: Walker, node: Any) -> Closer | str | None:
    """`<input>`: nothing, or the box of a task list."""
    attributes = node.attributes
    if walker.marker and attributes.get("type") == "checkbox" and "disabled" in attributes and not walker.pieces:
        walker.marker += "[x] " if "checked" in attributes else "[ ] "
    return SKIP


def _close_item(walker: Walker) -> None:
    close_container(walker)
    walker.marker = ""


def open_details(walker: Walker, node: Any) -> Closer | str | None:
    """`<details>`: its role stands in its attributes or in its summary."""
    walker.flush()
    walker.open_container("details", nature("details", node.attributes))
    return close_container


def open_summary(walker: Walker, node: Any) -> Closer | str | None:
    """`<summary>`: the label of its details."""
    walker.flush()
    return _close_summary


def _close_summary(walker: Walker) -> None:
    count = len(walker.page.paragraphs)
    walker.flush()
    container = walker.page.containers[walker.container] if walker.container >= 0 else None
    if container is not None and container.tag == "details" and container.role is None:
        texts = [paragraph.text for paragraph in walker.page.paragraphs[count:]]
        container.role = label_role(" ".join(texts))
        if container.role is not None:
            container.start = len(walker.page.paragraphs)


def open_mathjax2(walker: Walker, node: Any, class_: str, attributes: dict[str, str | None]) -> Closer | str | None:
    """An element that MathJax 2 rendered."""
    rendered = mathjax2_rendered(node, class_, attributes)
    if isinstance(rendered, Source):
        walker.formula(rendered)
    return None if rendered is None else SKIP
