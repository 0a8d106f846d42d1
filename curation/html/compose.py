"""Writes one paragraph: collapses blanks, puts formulas between `$` or `$$`, and notes their spans.

The walk hands over the text of a paragraph with placeholders (NUL and a letter, which no parsed page contains) for the
formula and code elements in it; formulas that the text itself delimits are found here.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mathmill.curation.html.formulas import Source
from mathmill.curation.html.scan import Scanner

FORMULA, CODE, BREAK = "\0f", "\0c", "\0n"

_INVISIBLE = re.compile("[\x01-\x08\x0e-\x1f\x7f\u00ad\u200b\u200e\u200f\u2060\ufeff]")
_ALONE = re.compile(r"(?:\0n|\s)*+\0f[\s.,;:。，；]*+(?:\(?[\dA-Z][\w.]{0,6}\)?[\s.]*+)?+(?:\0n|\s)*+\Z")
_CLOSING = re.compile(r"\s*([.,;:!?。，；：！？、]+)(?=\s|\Z|[^\x00-\x7f])")


class Formula(NamedTuple):
    """A formula in a text, its delimiters included."""

    start: int
    end: int
    display: bool
    encoding: str


def collapse(text: str) -> str:
    """Make every run of blanks one space and drop invisible characters."""
    text = text.replace("\n", " ").strip()
    if "  " not in text and text.isprintable():  # the space is the one printable blank
        return text
    text = " ".join(text.split())
    if text.isprintable():
        return text
    return " ".join(_INVISIBLE.sub("", text).split())


def compose(
    raw: str, objects: list[Source | str], scanner: Scanner, found: dict[str, int], one_line: bool = False
) -> tuple[str, list[Formula]]:
    """Write a paragraph. Returns its text and the spans of its formulas; counts those found here in `found`.

    objects: what the placeholders stand for, in order. one_line: for table rows, where a display formula stays in line.
    """
    delimited = scanner.scan(raw) if scanner.may_hold(raw) else []
    if not delimited:
        if "\0" not in raw:
            return collapse(raw), []
        if not one_line and FORMULA not in raw:
            return _without_formulas(raw, objects), []
    line = _Line(one_line)
    alone = not one_line and _ALONE.match(raw) is not None
    waiting = iter(objects)
    at = 0
    for formula in delimited:
        if formula.tex:
            found[formula.encoding] = found.get(formula.encoding, 0) + 1
        _write(line, raw[at : formula.start], waiting, alone)
        line.formula(formula.tex, formula.display, formula.encoding)
        at = formula.end
    _write(line, raw[at:], waiting, alone)
    return line.finish()


def _without_formulas(raw: str, objects: list[Source | str]) -> str:
    """The common case: text with code and line breaks only."""
    if objects:
        parts = raw.split(CODE)
        raw = parts[0] + "".join(f"{code}{part}" for code, part in zip(objects, parts[1:]))
    if BREAK not in raw:
        return collapse(raw)
    return "\n".join(filter(None, map(collapse, raw.split(BREAK))))


def _write(line: "_Line", raw: str, waiting: Iterator[Source | str], alone: bool) -> None:
    if "\0" not in raw:
        line.text(raw)
        return
    first, *parts = raw.split("\0")
    line.text(first)
    for part in parts:
        if part[0] == "n":
            line.newline()
        else:
            item = next(waiting)
            if isinstance(item, str):
                line.text(item)
            else:
                tex, display, encoding = item
                line.formula(tex, alone if display is None else display, encoding)
        line.text(part[1:])


class _Line:
    """Text under construction, with its length and what stands at its end."""

    def __init__(self, one_line: bool) -> None:
        self.one_line = one_line
        self.pieces: list[str] = []
        self.spans: list[Formula] = []
        self.length = 0
        self.blank = False  # a blank was read and not yet written
        self.fresh = True  # at the start of a line
        self.after = ""  # "inline" or "display" right after a formula

    def text(self, segment: str) -> None:
        if not segment:
            return
        if not segment.isascii() and not segment.isprintable():
            segment = _INVISIBLE.sub("", segment)
            if not segment:
                return
        if self.after == "display":
            closing = _CLOSING.match(segment)
            if closing is not None:
                self.pieces.append(closing[1])
                self.length += len(closing[1])
                segment = segment[closing.end() :]
                if not segment:
                    return
        words = segment.split()
        if not words:
            self.blank = self.blank or bool(segment)
            return
        if self.after == "display":
            self.newline()
        elif (self.blank or segment[0].isspace()) and not self.fresh:
            self.pieces.append(" ")
            self.length += 1
        self.after = ""
        self.fresh = False
        words_ = " ".join(words)
        self.pieces.append(words_)
        self.length += len(words_)
        self.blank = segment[-1].isspace()

    def newline(self) -> None:
        self.blank = False
        self.after = ""
        if self.one_line:
            self.blank = True
        elif not self.fresh:
            self.pieces.append("\n")
            self.length += 1
            self.fresh = True

    def formula(self, tex: str, display: bool, encoding: str) -> None:
        if not tex:
            return
        own_line = display and not self.one_line
        if self.one_line and "\n" in tex:
            tex = " ".join(tex.split())
        if own_line or self.after == "display":
            self.newline()
        elif (self.blank or self.after == "inline") and not self.fresh:
            self.pieces.append(" ")
            self.length += 1
        start = self.length
        self.pieces.append(f"$${tex}$$" if display else f"${tex}$")
        self.length += len(tex) + (4 if display else 2)
        self.fresh = False
        self.spans.append(Formula(start, self.length, display, encoding))
        self.blank = False
        self.after = "display" if own_line else "inline"

    def finish(self) -> tuple[str, list[Formula]]:
        return "".join(self.pieces).rstrip(), self.spans
