"""The text of code blocks as their authors wrote it: lines, indentation, no line numbers and no buttons.

Highlighters put a line into a span, a division, a list item or a table row, and its number beside it; the breaks are
taken from these elements where the text has none.
"""

import re
from typing import Any

_LINES = frozenset(("div", "li", "tr", "p", "ol", "ul", "table", "tbody"))
_BETWEEN = frozenset(("table", "tbody", "thead", "tr", "ol", "ul"))  # text right in these is layout of the source
_PASSED_OVER = frozenset(("-comment", "script", "style", "button", "template"))
_NO_CODE = re.compile(
    r"(?:^|\s)(?:linenos?|linenodiv|line-?number|line-numbers-rows|(?:\S*-)?gutter|copybtn\S*|copy-?(?:code|button)\S*|hljs-button|"
    r"hljs-ln-numbers|pre-numbering|blob-num|js-line-number|toolbar|code-toolbar-item)(?=$|\s)"
)
_SCRIPTS = {"sup": "^", "sub": "_"}
_SHORT = re.compile(r"[\w+*/.,' -]{1,20}")
_BLANKS = re.compile("[ \t\r\n\f]+")
_CODE_CELL = re.compile(r"(?:^|\s)(?:code|blob-(?:code|num)|rouge-(?:code|gutter)|hljs-ln-\S+|linenos?|gutter)(?=$|\s)")


def is_no_code(class_: str) -> bool:
    """Whether a class is that of line numbers or buttons in a code block."""
    return _NO_CODE.search(class_) is not None


def is_code_table(table: Any) -> bool:
    """Whether a table lays out lines of code, by its first row; one with `<pre>` in its cells flows like any layout."""
    row = table.css_first("tr")
    cell = row.first_child if row is not None else None
    while cell is not None:
        class_ = cell.attributes.get("class") if cell.tag == "td" else None
        if class_ and _CODE_CELL.search(class_):
            return table.css_first("pre") is None
        cell = cell.next
    return False


def code_text(node: Any, preformatted: bool = True) -> str:
    """The text below an element, a line for each element that is one. preformatted: blanks and breaks as written."""
    pieces: list[str] = []
    open_elements: list[tuple[Any, int]] = []  # with the number of pieces before each
    fresh = True  # at the start of a line
    after_line = False  # right behind an element that was a line
    child = node.first_child
    while child is not None or open_elements:
        if child is None:
            child, before = open_elements.pop()
            if child.tag in _SCRIPTS:
                pieces[before:] = [_script(child.tag, "".join(pieces[before:]))]
            elif child.tag in _LINES and (not fresh or len(pieces) == before):
                pieces.append("\n")
                fresh = after_line = True
            child = child.next
            continue
        tag, text = child.tag, child.text_content
        if text is not None:
            if text.isspace() and child.parent.tag in _BETWEEN:
                text = ""
            elif not preformatted:
                text = _BLANKS.sub(" ", text)
                text = text.removeprefix(" ") if fresh else text
            elif after_line:
                text = text.removeprefix("\n")
            if text:
                pieces.append(text)
                fresh, after_line = text.endswith("\n"), False
        elif tag == "br":
            pieces.append("\n")
            fresh, after_line = True, False
        elif tag not in _PASSED_OVER and not is_no_code(child.attributes.get("class") or ""):
            if tag in _LINES and not fresh:
                pieces.append("\n")
                fresh = True
            open_elements.append((child, len(pieces)))
            child = child.first_child
            continue
        child = child.next
    return "".join(pieces).replace("\u00a0", " ").expandtabs(4)


def _script(tag: str, text: str) -> str:
    """An exponent or index as code has it: a judge's `10<sup>4</sup>` is no 104."""
    if _SHORT.fullmatch(text) is None:
        return text
    return f"{_SCRIPTS[tag]}{text}" if text.isalnum() else f"{_SCRIPTS[tag]}{{{text}}}"


def fenced(text: str) -> str:
    """A code block as it stands in a text."""
    return "```\n" + text.strip("\n") + "\n```"
