"""What the walk does at block elements: boxes, chrome, paragraphs, headings, lists, collapsed parts.

An opener returns what to call when its element ends, None for nothing, or SKIP to pass over what is below.
"""

from typing import Any

from mathmill.curation.html.formulas import (
    Source,
    data_formula,
    is_mathjax2,
    is_wrapper,
    mathjax2_rendered,
    wrapped_formula,
)
from mathmill.curation.html.roles import CHROME, PLAIN, Nature, label_role, nature
from mathmill.curation.html.walk import SKIP, Closer, Opener, Walker

_LARGE_SHARE = 0.5
_FORMULA_SELECTOR = 'math, mjx-container, .katex, script[type^="math/"], d-math'


def close_block(walker: Walker) -> None:
    """End a paragraph."""
    walker.flush()


def close_container(walker: Walker) -> None:
    """End a paragraph and its box."""
    walker.flush()
    walker.close_container()


def open_block(walker: Walker, node: Any) -> Closer | str | None:
    """A block element that may hold others: div, section, li and so on."""
    walker.flush()
    tag = node.tag
    attributes = node.attributes
    if not attributes:
        walker.open_container(tag, PLAIN)
        return close_container
    found = _block_formula(node, tag, attributes)
    if found is not None:
        walker.formula(found._replace(display=True) if found.display is None else found)
        walker.flush()
        return SKIP
    kind = nature(tag, attributes)
    if kind.chrome:
        return open_chrome(walker, node, kind)
    class_ = attributes.get("class")
    if class_ and is_mathjax2(class_):
        return open_mathjax2(walker, node, class_, attributes)
    if attributes.get("data-type") == "document-title":
        return _close_title
    role = kind.role
    if role is None and (kind.collapsed or _is_hidden(attributes.get("style"))):
        role = walker.label_before()
    walker.open_container(tag, kind, role)
    return close_container


def _is_hidden(style: str | None) -> bool:
    return style is not None and "display:none" in style.replace(" ", "")


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
    if walker.scanner.may_hold(text) or node.css_first(_FORMULA_SELECTOR) is not None:
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
        return close

    return open_


# --- lists


def open_list(walker: Walker, node: Any) -> Closer | str | None:
    """`<ul>`, `<ol>`."""
    closer = open_block(walker, node)
    if closer is SKIP:
        return SKIP
    start = node.attributes.get("start") or "1"
    walker.lists.append((int(start) if start.isdigit() and len(start) < 7 else 1) if node.tag == "ol" else -1)
    return _close_list


def _close_list(walker: Walker) -> None:
    walker.lists.pop()
    walker.marker = ""
    close_container(walker)


def open_item(walker: Walker, node: Any) -> Closer | str | None:
    """`<li>`: its first paragraph gets the marker."""
    closer = open_block(walker, node)
    if closer is not close_container or walker.cell:
        return closer
    lists = walker.lists
    indent = "  " * (min(len(lists), 10) - 1)
    if lists and lists[-1] >= 0:
        walker.marker = f"{indent}{lists[-1]}. "
        lists[-1] += 1
    else:
        walker.marker = f"{indent}- "
    return _close_item


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
