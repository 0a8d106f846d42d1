"""What the walk does at tables: data tables become Markdown rows, layout tables flow, and some are one equation."""

import re
from typing import Any

from mathmill.curation.html.blocks import close_block, close_container, open_block, open_chrome
from mathmill.curation.html.compose import compose
from mathmill.curation.html.formulas import Source
from mathmill.curation.html.roles import nature
from mathmill.curation.html.walk import Closer, Walker

_LAYOUT_SELECTOR = (
    "table, h1, h2, h3, h4, h5, h6, pre, ul, ol, dl, form, blockquote, article, section, p + p, td[id^=post], td.t_f"
)
_NUMBER = re.compile(r"\s*(?:\([\dA-Z][\w.]{0,6}\)|\d+(?:\.\d+)+)\s*")
_FORMULA_ALONE = re.compile(r"(?:\s|\0n)*\0f(?:\s|\0n)*[.,;]?\s*")


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
    return len(table.css(_LAYOUT_SELECTOR)) > 1  # the first is the table itself


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
    full = [cell for cell in cells if cell and not cell.isspace()]
    if not full:
        return
    if walker.tables[-1] == "equation":
        _add_equation(walker, cells, objects)
        return
    if len(objects) == 1 and len(full) <= 2 and _is_equation(full):
        _add_equation(walker, cells, objects)
        walker.page.containers[walker.container].role = None
        return
    scanner, found = walker.scanner, walker.page.found
    text, spans = "|", []
    waiting = iter(objects)
    for cell in cells:
        inside = [next(waiting) for _ in range(cell.count("\0f") + cell.count("\0c"))] if objects else []
        content, formulas = compose(cell, inside, scanner, found, one_line=True)
        for span in formulas:
            spans.append(span._replace(start=span.start + len(text) + 1, end=span.end + len(text) + 1))
        text += f" {content} |"
    links, walker.links = walker.links, 0
    walker.add("row", text, spans, "", min(links, len(text)))


def _is_equation(cells: list[str]) -> bool:
    """Whether the cells of a row that are not blank are one formula, and perhaps its number."""
    rest = [cell for cell in cells if not _NUMBER.fullmatch(cell)]
    return len(rest) == 1 and _FORMULA_ALONE.fullmatch(rest[0]) is not None


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
    codes = [item for item in objects if isinstance(item, str)]
    text, spans = compose(raw, [*merged, *codes], walker.scanner, walker.page.found)
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
