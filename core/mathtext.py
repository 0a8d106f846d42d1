r"""Find formulas in text: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and math environments, by character offsets.

For sources where no extractor has given spans (JSONL, Parquet, model output). Dollars also stand for money, so a pair
of them is math only under pandoc's rules for the characters around it and if what lies between does not read as
prose. One pass collects the marks, pairs are looked up by bisection, and every pattern is free of backtracking:
hostile input costs O(n log n); real text passes at 3 to 7 MB/s where it is dense with formulas.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

MATH_ENVIRONMENTS = frozenset(
    name + star
    for name in (
        "equation", "align", "gather", "multline", "eqnarray", "flalign", "alignat", "xalignat", "displaymath", "math",
        "aligned", "gathered", "split", "alignedat", "cases", "dcases", "array", "subequations", "empheq",
        "IEEEeqnarray", "matrix", "pmatrix", "bmatrix", "vmatrix", "Bmatrix", "Vmatrix", "smallmatrix",
    )
    for star in ("", "*")
)  # fmt: skip

MAX_INLINE_CHARS = 1_000
"""A pair of single dollars farther apart than this is not a formula."""

MAX_BRACE_DEPTH = 8
"""A dollar inside more braces than this opens nothing: keeps hostile nesting linear."""


class Span(NamedTuple):
    """A formula in a text, delimiters included: `text[start:end]`; `display` formulas stand on a line of their own."""

    start: int
    end: int
    display: bool


def find_formulas(text: str) -> list[Span]:
    r"""Find the formulas of a plain, Markdown or LaTeX text, in order, disjoint, delimiters included.

    Money ("$5 and then $10"), `\$`, code spans, code fences and unmatched delimiters are no formulas. A dollar inside
    the braces of a formula (`\text{if $x$}`) belongs to it.
    """
    if "$" not in text and "\\" not in text:
        return []
    return list(_Marks(text).formulas())


class _Mark(NamedTuple):
    start: int
    end: int
    kind: str  # the delimiter itself, "begin NAME", "end NAME", "blank" or "fence"
    depth: int  # braces open around it, counted from the start of the paragraph


_MARK = re.compile(
    r"\\begin\{(?P<begin>[A-Za-z]{1,15}\*?)\}"
    r"|\\end\{(?P<end>[A-Za-z]{1,15}\*?)\}"
    r"|\\[\s\S]"
    r"|\n[ \t\r]*(?P<blank>\n)"
    r"|(?P<fence>(?:(?<=\n)|\A)[ ]{0,3}(?:```|~~~)[^\n]*)"
    r"|`+|''|[${}]"
)
_BRACKETS = {"\\(": "\\)", "\\[": "\\]"}


def _scan(text: str) -> Iterator[_Mark]:
    depth = 0
    position = 0
    while match := _MARK.search(text, position):
        start, position = match.span()
        kind = match[0]
        if match["blank"]:
            kind, depth = "blank", 0
            position -= 1  # its last newline may start a fence, or be followed by a further blank line
        elif match["fence"]:
            kind = "fence"
        elif match["begin"]:
            kind = "begin " + match["begin"]
        elif match["end"]:
            kind = "end " + match["end"]
        elif kind == "{":
            depth += 1
        elif kind == "}":
            depth = max(depth - 1, 0)
        if kind not in "{}" and not (kind[0] == "\\" and kind not in "\\(\\)\\[\\]"):
            yield _Mark(start, position, kind, depth)


class _Marks:
    """The marks of one text, with the places of each kind, so that a partner is found by bisection."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.marks = list(_scan(text))
        self.places: dict[object, list[int]] = defaultdict(list)  # kind, or (kind, depth), → indices into marks
        self.environment_ends: dict[int, int] = {}
        open_environments: dict[str, list[int]] = defaultdict(list)
        for index, mark in enumerate(self.marks):
            self.places[mark.kind].append(index)
            edge, _, name = mark.kind.partition(" ")
            if edge == "begin":
                open_environments[name].append(index)
            elif edge == "end" and open_environments[name]:
                self.environment_ends[open_environments[name].pop()] = index
            if mark.kind == "$":
                self.places["$", mark.depth].append(index)
                if text.startswith("$", mark.end):
                    self.places["$$", mark.depth].append(index)

    def formulas(self) -> Iterator[Span]:
        index = 0
        while index < len(self.marks):
            last, display = self._closing(index)
            if last is None:
                index += 1
                continue
            if display is not None:
                yield Span(self.marks[index].start, self.marks[last].end, display)
            index = last + 1

    def _closing(self, index: int) -> tuple[int | None, bool | None]:
        """The index of the mark that closes this one, and whether that makes a display formula (None: code)."""
        kind = self.marks[index].kind
        if kind == "$":
            last = self._closing_display_dollars(index)
            return (last, True) if last is not None else (self._closing_dollar(index), False)
        if kind in _BRACKETS:
            return self._closing_bracket(index), kind == "\\["
        if kind.startswith("begin "):
            return self._closing_environment(index), kind not in ("begin math", "begin math*")
        if kind == "fence":
            return self._closing_fence(index), None
        if kind[0] == "`":
            return self._closing_backticks(index), None
        return None, None

    def _next(self, key: object, index: int) -> int | None:
        """The first mark of a kind after `index`."""
        places = self.places.get(key, [])
        place = bisect_right(places, index)
        return places[place] if place < len(places) else None

    def _same_paragraph(self, first: int, last: int) -> bool:
        blank = self._next("blank", first)
        return blank is None or blank > last

    def _closing_display_dollars(self, index: int) -> int | None:
        start = self.marks[index]
        if not self.text.startswith("$", start.end):
            return None
        last = self._next(("$$", start.depth), index + 1)
        if last is None and (second := self._next("$$", index + 1)) is not None and self._same_paragraph(index, second):
            last = second  # unbalanced braces inside
        if last is None:
            return None
        body = self.text[start.end + 1 : self.marks[last].start]
        return last + 1 if body.strip() and not _reads_as_prose(body) else None

    def _closing_dollar(self, index: int) -> int | None:
        start = self.marks[index]
        last = self._next(("$", start.depth), index)
        if last is None or start.depth > MAX_BRACE_DEPTH or not self._same_paragraph(index, last):
            return None
        end = self.marks[last]
        if end.start - start.end > MAX_INLINE_CHARS:
            return None
        before = self.text[max(start.start - 2, 0) : start.start]
        after = self.text[end.end : end.end + 2]
        return last if _is_inline_math(self.text[start.end : end.start], before, after) else None

    def _closing_bracket(self, index: int) -> int | None:
        start = self.marks[index]
        last = self._next(_BRACKETS[start.kind], index)
        reopened = self._next(start.kind, index)
        if last is None or (reopened is not None and reopened < last):
            return None
        if start.kind == "\\(" and not self._same_paragraph(index, last):
            return None
        body = self.text[start.end : self.marks[last].start]
        return last if body.strip() and not _reads_as_prose(body) else None

    def _closing_environment(self, index: int) -> int | None:
        name = self.marks[index].kind.removeprefix("begin ")
        return self.environment_ends.get(index) if name in MATH_ENVIRONMENTS else None

    def _closing_fence(self, index: int) -> int | None:
        """A fence is closed by a line of the same marks and nothing else, or by the end of the text."""
        style = self.text[self.marks[index].start : self.marks[index].end].lstrip()[:3]
        last = self._next("fence", index)
        while last is not None and self.text[self.marks[last].start : self.marks[last].end].strip(" \r") != style:
            last = self._next("fence", last)
        return len(self.marks) - 1 if last is None else last

    def _closing_backticks(self, index: int) -> int | None:
        """Code ends with as many backticks in the same paragraph; ``quotes'' and `quotes' of LaTeX are no code."""
        last = self._next(self.marks[index].kind, index)
        if last is None or not self._same_paragraph(index, last):
            return None
        quote = self._next("''", index)
        if quote is not None and quote < last:
            return None
        body = self.text[self.marks[index].end : self.marks[last].start]
        return None if self.marks[index].kind == "`" and "'" in body else last


_STRONG = re.compile(r"[\\^_=<>]")  # what prose and prices do not hold
_WORDS_IN_A_ROW = re.compile(r"(?<![\\A-Za-z])[a-z]{2,}[,;]?\s+[A-Za-z]{2,}")
_WORD_BESIDE_SPACE = re.compile(r"\s[A-Za-z][a-z]+|(?<![a-z])[a-z]{2,}[.,;]?\s")
_WORD_AFTER_DASH = re.compile(r"[–—/]\s*[A-Za-z]{2,}|-[A-Z]{2,}")
_SENTENCE_END = re.compile(r"[a-z0-9][.?!]\s+[A-Z][a-z]|[。？！]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_TEXT_GROUP = re.compile(
    r"\\(?:text|mbox|textrm|textbf|textit|mathrm|hbox|tag|label|operatorname)\*?\s?\{[^{}]{0,400}\}"
)


def _reads_as_prose(body: str) -> bool:
    r"""Whether delimiters hold a sentence, as `\[citation needed\]` in Markdown: words, and nothing that is math."""
    head = body[:MAX_INLINE_CHARS]
    if _STRONG.search(head):
        return False
    return _WORDS_IN_A_ROW.search(head) is not None


def _is_inline_math(body: str, before: str, after: str) -> bool:
    """Decide whether `$body$` is a formula or two amounts of money (`before`, `after`: two characters beside it)."""
    stripped = body.strip()
    if not stripped or stripped[-1] == "\\":
        return False
    plain = _TEXT_GROUP.sub(" ", stripped) if "\\" in stripped else stripped
    strong = _STRONG.search(stripped) is not None
    amount = stripped[0].isdigit() or stripped[0] == "."
    lopsided = body[0].isspace() != body[-1].isspace()
    spaced = body[0].isspace() or body[-1].isspace()
    if _SENTENCE_END.search(plain) or (spaced and _WORDS_IN_A_ROW.search(plain)) or (lopsided and body[0] == "\n"):
        return False
    if stripped.startswith("<<") or (after == "<<" and stripped[-1] == "="):  # GSM8K's calculator: $5 = $<<2+3=5>>5
        return False
    if amount and (after[:1].isdigit() or (after[:1] == " " and after[1:2].isdigit() and body[-1].isspace())):
        return False
    if strong:
        return not (amount and body[-1].isspace() and _WORD_BESIDE_SPACE.search(plain) is not None)
    if _WORD_BESIDE_SPACE.search(plain) or _HAN.search(plain):
        return False
    if amount and (_WORD_AFTER_DASH.search(plain) or "A" <= before[-1:] <= "Z"):  # US$5
        return False
    if after[:1].isdigit():
        return False
    return not amount or not lopsided or not any(map(str.isspace, body[:-1]))
