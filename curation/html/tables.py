"""What the walk does at tables: data tables become Markdown rows, layout tables flow, and some are one equation."""

import re
from typing import Any

from mathmill.curation.html.blocks import close_block, close_container, open_block, open_chrome
from mathmill.curation.html.code import code_text, fenced, is_code_table
from mathmill.curation.html.compose import Formula, compose
from mathmill.curation.html.formulas import Source
from mathmill.curation.html.roles import nature
from mathmill.curation.html.walk import SKIP, Closer, Walker

_BLOCKS = "table, h1, h2, h3, h4, h5, h6, pre, form, article, section, td[id^=post], td.t_f"
_FLOW = "ul, ol, dl, blockquote, p + p"
_HEAD = "th, caption, thead"
_DEEPEST = 16  # nested tables; each is searched as a whole for what makes it a layout
_FEW_ROWS = 3
_LONG_CELL = 200  # characters: what is longer on average is text on a page, not data
_PADDING = "\u2007"  # a blank that no source has in a cell of its own
_MOST_COLUMNS, _MOST_ROWS = 50, 1000  # that a cell spans
_MOST_HANGING = 30  # columns from the left in which cells hang down: each costs every row a cell
_NUMBER = re.compile(r"\s*(?:\([\dA-Z][\w.]{0,6}\)|\d+(?:\.\d+)+)\s*")
_FORMULA_ALONE = re.compile(r"(?:\s|\0n)*+\0f(?:\s|\0n)*+[.,;]?\s*+")


def open_table(walker: Walker, node: Any) -> Closer | str | None:
    """`<table>`: data, layout or equation."""
    walker.flush()
    attributes = node.attributes
    kind = nature("table", attributes)
    if kind.chrome:
        return open_chrome(walker, node, kind)
    class_ = attributes.get("class") or ""
    if not walker.cell and ("ltx_eqn_table" in class_ or "ltx_equation" in class_):
        mode = "equation"
    elif (
        len(walker.tables) > _DEEPEST
        or walker.cell
        or attributes.get("role") == "presentation"
        or kind.role
        or _is_layout(node)
    ):
        mode = "layout"
    else:
        mode = "data"
    if mode != "equation" and not walker.cell and is_code_table(node):
        text = code_text(node)
        if text.strip():
            walker.add("code", fenced(text), [])
        return SKIP
    walker.tables.append(mode)
    if mode == "data":
        walker.hanging = {}
    walker.open_container("table", kind, "table" if mode == "data" else None)
    return _close_table


def _close_table(walker: Walker) -> None:
    close_container(walker)
    walker.tables.pop()


def _is_layout(table: Any) -> bool:
    """Whether a table arranges blocks on the page, where a data table holds runs of text."""
    if len(table.css(_BLOCKS)) > 1:  # the first is the table itself
        return True
    if table.css_first(_HEAD) is not None:
        return False
    return table.css_first(_FLOW) is not None or _holds_text(table)


def _holds_text(table: Any) -> bool:
    """Whether the few cells of a table hold long text, or one cell holds everything."""
    row = table.css_first("tr")
    cells = rows = 0
    while row is not None:
        rows += row.tag == "tr"
        if rows > _FEW_ROWS:
            return False
        cell = row.first_child
        while cell is not None:
            cells += cell.tag == "td"
            cell = cell.next
        row = row.next
    return cells == 1 or len(table.text_lexbor() or "") > _LONG_CELL * max(1, cells)


def open_row(walker: Walker, node: Any) -> Closer | str | None:
    """`<tr>`: in a data table a paragraph."""
    if not walker.tables or walker.tables[-1] == "layout":
        walker.flush()
        return close_block
    if not walker.cell:
        walker.flush()
        walker.row = []
        if walker.hanging:
            walker.hanging = {column: rows - 1 for column, rows in walker.hanging.items() if rows > 1}
    return _close_row


def _close_row(walker: Walker) -> None:
    if walker.hanging:
        _fill(walker)
    cells, walker.row = walker.row, []
    if walker.pieces and "\0" in (outside := "".join(walker.pieces)):  # formulas in no cell
        cells.append(outside)
        walker.pieces.clear()
    objects, walker.objects = walker.objects, []
    full = [cell for cell in cells if cell and not cell.isspace()]
    if not full:
        return
    if len(cells) > 1 and cells[-1] == _PADDING and all(cell == _PADDING for cell in cells[1:]):
        cells = cells[:1]  # a heading across the table
    if walker.tables[-1] == "equation":
        _add_equation(walker, cells, objects)
        return
    if len(objects) == 1 and len(full) <= 2 and _is_equation(full) and not _is_inline_text(objects[0]):
        _add_equation(walker, cells, objects)
        walker.page.containers[walker.container].role = None
        return
    scanner, found = walker.scanner, walker.page.found
    text, spans = "|", []
    waiting = iter(objects)
    for cell in cells:
        if cell == _PADDING:
            text += "  |"
            continue
        inside = [next(waiting) for _ in range(cell.count("\0f") + cell.count("\0c"))] if objects else []
        content, formulas = compose(cell, inside, scanner, found, one_line=True)
        shift = len(text) + 1
        for start, end, display, encoding in formulas:
            spans.append(Formula(start + shift, end + shift, display, encoding))
        text += f" {content} |"
    links, walker.links = walker.links, 0
    walker.add("row", text, spans, "", min(links, len(text)))


def _is_equation(cells: list[str]) -> bool:
    """Whether the cells of a row that are not blank are one formula, and perhaps its number."""
    rest = [cell for cell in cells if not _NUMBER.fullmatch(cell)]
    return len(rest) == 1 and _FORMULA_ALONE.fullmatch(rest[0]) is not None


def _is_inline_text(item: "Source | str") -> bool:
    """Whether a formula was delimited as an inline one in the text of its element, PreTeXt's `process-math`."""
    return isinstance(item, Source) and item.encoding in ("tex_paren", "tex_dollar")


def _add_equation(walker: Walker, cells: list[str], objects: "list[Source | str]") -> None:
    """A table row that lays out one display formula and its number: LaTeXML's, latex2html's."""
    formulas = [item for item in objects if isinstance(item, Source)]
    rest = re.sub("\0[fn]", " ", " ".join(cells)).strip()
    if not formulas:
        raw, merged = rest, []
    else:
        first = formulas[0]
        for formula in formulas[1:]:
            walker.page.found[formula.encoding] -= 1
        merged = [Source(" ".join(formula.tex for formula in formulas), True, first.encoding)]
        raw = f"\0f {rest}"
    codes = [item for item in objects if isinstance(item, str)]
    text, spans = compose(raw, [*merged, *codes], walker.scanner, walker.page.found)
    if text:
        walker.add("text", text, spans)


def open_cell(walker: Walker, node: Any) -> Closer | str | None:
    """`<td>`, `<th>`: in a data table inline text, in a layout table a box."""
    if walker.tables and walker.tables[-1] != "layout":
        if walker.cell:
            return None
        if walker.pieces and "\0" not in "".join(walker.pieces):  # what stands between cells, but for formulas
            walker.pieces.clear()
        walker.cell = True
        if walker.hanging:
            _fill(walker)
        attributes = node.attributes
        if "colspan" in attributes or "rowspan" in attributes:
            return _spanning(attributes)
        return _close_cell
    return open_block(walker, node)


def _spanning(attributes: dict[str, str | None]) -> Closer:
    """Close a cell that spans columns or rows: empty cells keep the others in their columns."""
    columns, rows = (
        _span(attributes.get(name), most) for name, most in (("colspan", _MOST_COLUMNS), ("rowspan", _MOST_ROWS))
    )

    def close(walker: Walker) -> None:
        first = len(walker.row)
        _close_cell(walker)
        walker.row += [_PADDING] * (columns - 1)
        if rows > 1:
            walker.hanging |= dict.fromkeys(range(first, min(first + columns, _MOST_HANGING)), rows)

    return close


def _span(value: str | None, most: int) -> int:
    return (
        min(int(value), most) if value and value.isascii() and value.isdigit() and len(value) < 9 and int(value) else 1
    )


def _fill(walker: Walker) -> None:
    """Put empty cells where cells of earlier rows hang down."""
    while walker.hanging.get(len(walker.row), 0) > 0:
        walker.row.append(_PADDING)


def _close_cell(walker: Walker) -> None:
    walker.row.append("".join(walker.pieces))
    walker.pieces.clear()
    if walker.link_mark >= 0:
        walker.link_mark = 0
    walker.cell = False
