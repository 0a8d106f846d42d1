r"""Mends display formulas that an editor broke into paragraphs: `<p>\[</p><p>a=b</p><p>\]</p>`.

No renderer reads such a formula, and neither does the walk, which looks for formulas within a paragraph. So the block
tags between its delimiters become line breaks before the page is parsed, where they balance and what stands between
the delimiters is TeX and no prose.
"""

import html
import re

from mathmill.curation.html.marks import LONGEST_DISPLAY
from mathmill.curation.html.tex import MATH_ENVIRONMENTS

_OPENING = re.compile(rb"\\\[|\$\$|\\begin\s*\{([A-Za-z]{2,20}\*?)\}")
_CLOSINGS = {b"\\[": b"\\]", b"$$": b"$$"}
_BLOCK = re.compile(rb"</?(?:p|div)\b", re.IGNORECASE)
_TAG = re.compile(rb"<!--.*?-->|<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>", re.DOTALL)
_INLINE = frozenset(b"br span em i b strong font u wbr a sub sup".split())
_PROSE = re.compile(r"(?<![\\{A-Za-z])[A-Za-z]{3,}(?:\s+[A-Za-z]{2,}){2,}|[\u3400-\u9fff]{12}|[\u3400-\u9fff][,，。；]")
_TEXT = re.compile(r"\\(?:text\w*|mbox|hbox|intertext|tag|label)\*?\s*\{[^{}]*\}")


def join_broken(source: bytes) -> bytes:
    """Make line breaks of the paragraphs between the delimiters of a display formula."""
    pieces: list[bytes] = []
    done = at = 0
    left = 10 * len(source) + 10 * LONGEST_DISPLAY  # that may be looked at for ends
    while left > 0 and (opening := _OPENING.search(source, at)) is not None:
        start = opening.end()
        at = start
        closing = _CLOSINGS.get(opening[0]) or _environment_end(opening[1])
        if closing is None:
            continue
        end = source.find(closing, start, start + LONGEST_DISPLAY)
        left -= (end if end != -1 else min(len(source), start + LONGEST_DISPLAY)) - start
        if end == -1:
            continue
        block = _BLOCK.search(source, start, end)
        if block is None:
            at = end + len(closing)
            continue
        inner = _joined(source[start:end])
        if inner is None:
            continue
        pieces += (source[done:start], inner)
        done = end
        at = end + len(closing)
    return b"".join([*pieces, source[done:]]) if pieces else source


def _environment_end(name: bytes | None) -> bytes | None:
    known = name is not None and name.rstrip(b"*").decode() in MATH_ENVIRONMENTS
    return b"\\end{" + name + b"}" if known and name is not None else None


def _joined(inner: bytes) -> bytes | None:
    """What stands between two delimiters with its block tags as line breaks; None where it is no formula."""
    out: list[bytes] = []
    ended: list[bytes] = []  # blocks that were open before
    begun: list[bytes] = []  # and those that still are
    at = 0
    for tag in _TAG.finditer(inner):
        name = (tag[2] or b"").lower()
        out.append(inner[at : tag.start()])
        at = tag.end()
        if name in (b"p", b"div"):
            out.append(b"<br>")
            if begun[-1:] == [name] and (
                tag[1] or name == b"p"
            ):  # it ends, or is a paragraph that ends where the next begins
                begun.pop()
            elif tag[1]:
                ended.append(name)
            if not tag[1]:
                begun.append(name)
        elif not name or name in _INLINE:
            out.append(tag[0])
        else:
            return None
    if ended != begun[::-1] and (ended or set(begun) != {b"p"}):
        return None
    out.append(inner[at:])
    text = html.unescape(re.sub(rb"<[^<>]*>", b"\n", inner).decode("utf-8", "replace"))
    content = _TEXT.sub(" ", text)
    return None if not content.strip() or _PROSE.search(content) else b"".join(out)
