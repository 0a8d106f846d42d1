"""What the walk does at tables: data tables become Markdown rows, layout tables flow, and some are one equation."""

import re
from typing import Any

from mathmill.curation.html.blocks import close_block, close_container, open_block, open_chrome
from mathmill.curation.html.compose import compose
from mathmill.curation.html.formulas import Source
from mathmill.curation.html.roles import nature
from mathmill.curation.html.walk import Closer, Walker

_LAYOUT_SELECTOR = (
    "h1, h2, h3, h4, h5, h6, pre, ul, ol, dl, form, blockquote, article, section, p + p, td[id^=post], td.t_f"
)


def open_table(walker: Walker, node: Any) -> Closer | str | None:
    """`<table>`: data, layout or equation."""
    walker.flush()
    attributes = node.attributes
    kind = nature("table", attributes)
    if kind.chrome:
        return open_chrome(walker, node, kind)
    class_ = attributes.get("class") or ""
    if "ltx_eqn_table" in class_ or "ltx_equation" in class_:
        mode = "equation"
    elif walker.cell or attributes.get("role") == "presentation" or kind.role or _is_layout(node):
        mode = "layout"
    else:
        mode = "data"
    walker.tables.append(mode)
    walker.open_container("table", kind, "table" if mode == "data" else None)
    return _close_table


def _close_table(walker: Walker) -> None:
    close_container(walker)
    walker.tables.pop()


def _is_layout(table: Any) -> bool:
    """Whether a table arranges blocks on the page, where a data table holds runs of text."""
    return len(table.css("table")) > 1 or table.css_first(_LAYOUT_SELECTOR) is not None


def open_row(walker: Walker, node: Any) -> Closer | str | None:
    """`<tr>`: in a data table a paragraph."""
    if not walker.tables or walker.tables[-1] == "layout":
        walker.flush()
        return close_block
    if not walker.cell:
        walker.flush()
        walker.row = []
    return _close_row


def _close_row(walker: Walker) -> None:
    cells, walker.row = walker.row, []
    objects, walker.objects = walker.objects, []
    if not any(cell.strip() for cell in cells):
        return
    if walker.tables[-1] == "equation":
        _add_equation(walker, cells, objects)
        return
    number = [cell for cell in cells if re.fullmatch(r"\s*(?:\([\dA-Z][\w.]{0,6}\)|\d+(?:\.\d+)+)\s*", cell)]
    full = [cell for cell in cells if cell.strip()]
    if (
        len(objects) == 1
        and len(full) - len(number) == 1
        and len(number) <= 1
        and re.fullmatch(r"(?:\s|\0n)*\0f(?:\s|\0n)*[.,;]?\s*", next(c for c in full if c not in number))
    ):
        _add_equation(walker, cells, objects)
        walker.page.containers[walker.container].role = None
        return
    scanner, found = walker.scanner, walker.page.found
    text, spans = "|", []
    waiting = iter(objects)
    for cell in cells:
        inside = [next(waiting) for _ in range(cell.count("\0f") + cell.count("\0c"))]
        content, formulas = compose(cell, inside, scanner, found, one_line=True)
        spans += [span._replace(start=span.start + len(text) + 1, end=span.end + len(text) + 1) for span in formulas]
        text += f" {content} |"
    links, walker.links = walker.links, 0
    walker.add("row", text, spans, "", min(links, len(text)))


def _add_equation(walker: Walker, cells: list[str], objects: "list[Source | str]") -> None:
    """A table row that lays out one display formula and its number: LaTeXML's, latex2html's."""
    formulas = [item for item in objects if isinstance(item, Source)]
    rest = re.sub("\0[fn]", " ", " ".join(cells)).strip()
    if not formulas:
        raw, merged = rest, []
    else:
        first = formulas[0]
        walker.page.found[first.encoding] -= len(formulas) - 1
        merged = [Source(" ".join(formula.tex for formula in formulas), True, first.encoding)]
        raw = f"\0f {rest}"
    text, spans = compose(raw, [*merged], walker.scanner, walker.page.found)
    if text:
        walker.add("text", text, spans)


def open_cell(walker: Walker, node: Any) -> Closer | str | None:
    """`<td>`, `<th>`: in a data table inline text, in a layout table a box."""
    if walker.tables and walker.tables[-1] != "layout":
        if not walker.cell:
            walker.pieces.clear()
            walker.cell = True
            return _close_cell
        return None
    return open_block(walker, node)


def _close_cell(walker: Walker) -> None:
    walker.row.append("".join(walker.pieces))
    walker.pieces.clear()
    if walker.link_mark >= 0:
        walker.link_mark = 0
    walker.cell = False
