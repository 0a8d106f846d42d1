"""Answer keys at the end of a paper: which text answers which number.

One entry to a line, several to a line ("1. B 2. C"), ranges ("1-5 ABCDA") and tables (题号 above 答案).
"""

import re

from mathmill.curation.problems.problem import Span

ENTRY = re.compile(
    r"[\s#*]*(?:[一二三四五六七八九十]{1,2}[、．.][ \t]*(?=[(（0-9])|第|Problem |Exercise |Question )?"
    r"[(（【]?(?P<n>[0-9]{1,3})"
    r"(?P<by>[.．](?![0-9])|[、)）:：】]|题[:：]?)[*\s]*"
)
SECTION = re.compile(
    r"[\s#*]*(?:[一二三四五六七八九十]{1,2}[、．.]|Part [A-Z0-9IVX]+\b|Section [A-Z0-9IVX]+\b)[^\n]{0,60}(?=\n)"
)
RANGE = re.compile(
    r"[\s#*]*(?P<n>[0-9]{1,3}) ?(?:[-~～—–至]|——) ?(?P<to>[0-9]{1,3})[.．、:：)]?[ \t]*"
    r"(?P<letters>[A-F](?:[ ,，、]{0,2}[A-F]){0,59})\b"
)
_INLINE_ENTRY = re.compile(r"(?<=[\s;；,，。．.])[(（]?(?P<n>[0-9]{1,3})(?P<by>[.．](?![0-9])|[、)）:：])[ \t]*")


TABLE = re.compile(
    r"[ \t|]*(?:题号|序号|Question|Item|No\.?|#)[ \t|]+(?P<numbers>[0-9]{1,3}(?:[ \t|]+[0-9]{1,3}){1,60})[ \t|]*\n"
    r"(?:[|:\- \t]+\n)?[ \t|]*(?:答案|选项|Answer|Key)[ \t|:：]+(?P<answers>[^\n]{1,600})(?=\n|\Z)"
)
"""Numbers in one row of a table, answers in the next."""


def _table_entries(text: str, rows: re.Match[str]) -> list[tuple[str, Span]]:
    """Read the cells of a table row of answers, or the words of a row without bars, where their number fits."""
    numbers = re.findall("[0-9]+", rows["numbers"])
    start, end = rows.span("answers")
    cell = r"[^|\n]*[^|\s][^|\n]*" if "|" in rows["answers"] else r"\S+"
    spans = [Span(m.start(), m.end()) for m in re.compile(cell).finditer(text, start, end)]
    return list(zip(numbers, spans, strict=True)) if len(numbers) == len(spans) else []


def follows_inline(text: str, start: int, number: int) -> bool:
    """Whether the entry after `number` stands further on in its line, or begins the next."""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    following = ENTRY.match(text, end)
    numbers = [int(m["n"]) for m in _INLINE_ENTRY.finditer(text, start, end)]
    return number + 1 in numbers or (following is not None and int(following["n"]) == number + 1)


def key_entries(text: str, start: int, end: int) -> list[tuple[str, Span]]:
    """Split an answer key into (number, span): one entry per line, several to a line, or "1-5 BCADB"."""
    entries: list[tuple[str, Span]] = []
    opened: tuple[int, int] | None = None  # number and content start of the entry that is being read

    def finish(stop: int) -> None:
        nonlocal opened
        if opened is not None:
            while stop > opened[1] and text[stop - 1] in " \t;；,，、":
                stop -= 1
            entries.append((str(opened[0]), Span(opened[1], stop)))
        opened = None

    line_start = start
    while line_start < end:
        newline = text.find("\n", line_start, end)
        line_end = end if newline < 0 else newline
        rows = TABLE.match(text, line_start, end)
        if rows:
            finish(line_start)
            entries += _table_entries(text, rows)
            line_start = rows.end() + 1
            continue
        covered = RANGE.match(text, line_start, line_end)
        if covered:
            finish(line_start)
            position = line_start
            while covered:
                letters = [i for i in range(*covered.span("letters")) if text[i].isalpha()]
                numbers = range(int(covered["n"]), int(covered["to"]) + 1)
                entries += [(str(n), Span(i, i + 1)) for n, i in zip(numbers, letters, strict=False)]
                position = covered.end()
                covered = RANGE.match(text, position, line_end)
            line_start = position
        match = ENTRY.match(text, line_start, line_end)
        if SECTION.match(text, line_start, end) and not match:
            finish(line_start)
        position = line_start
        while match:
            finish(match.start())
            opened = (int(match["n"]), match.end())
            position = match.end()
            # Further entries on the line count on, so that "x = 3. 5" is not the fifth.
            # "1. 2、3" is one entry with two answers, "1、2；2、3" are two.
            following = (
                m
                for m in _INLINE_ENTRY.finditer(text, position, line_end)
                if int(m["n"]) == opened[0] + 1
                and (m["by"] == match["by"] or not text[m.end() : m.end() + 1].isdigit())
            )
            match = next(following, None)
        line_start = line_end + 1
    finish(end)
    return entries
