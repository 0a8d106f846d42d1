"""Find problems by the labels of their parts: "Problem 3.", "Solution.", 例 2, 解：, numbered papers with a key.

The markers of a text are read in order by a small machine that has one draft open and knows which part of it is being
filled. A bare number ("12.") opens a problem only where numbering goes on, so that the numbered steps of a solution
stay in it; answers in a key at the end are matched by number, in order, since papers count anew in each section.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from mathmill.core.mathtext import find_formulas
from mathmill.curation.problems.markers import Kind, Marker, end_of_proof, find_markers
from mathmill.curation.problems.problem import Draft, Formula, Problem, Span, build

_RECENT = 500  # problems among which a numbered solution looks for its own: keeps hostile pages linear

MAX_QUESTION_CHARS = 6_000
"""A longer question is a chapter whose end was missed."""


def from_text(text: str, lang: str | None = None) -> list[Problem]:
    """Find the problems in a plain or Markdown text, in order.

    lang: the language of the text where it is known. Markers of both languages are read in any case, since Chinese
    pages quote English problems.
    """
    formulas = [Formula(*span) for span in find_formulas(text)]
    return assemble(text, formulas, drafts_from_text(text, find_markers(text)))


def assemble(text: str, formulas: Sequence[Formula], drafts: Sequence[Draft]) -> list[Problem]:
    """Build the problems of some drafts, in the order in which their questions stand."""
    problems = []
    for draft in sorted(drafts, key=lambda d: d.question[0].start if d.question else len(text)):
        if not draft.certain and not any(_ASKS.search(text[slice(*span)].strip()) for span in draft.question):
            continue
        if sum(end - start for start, end in draft.question) > MAX_QUESTION_CHARS:
            continue
        problem = build(text, formulas, draft)
        if problem is not None:
            problems.append(problem)
    return problems


def drafts_from_text(
    text: str,
    markers: Sequence[Marker],
    end: int | None = None,
    closed: Sequence[Span] = (),
    masked: Sequence[Span] = (),
) -> list[Draft]:
    """Collect drafts by markers, which may be those of a part of the text that ends at `end`.

    markers: sorted by start. closed: parts of the text that belong to no problem found here. masked: parts, such as
    code, in which no marker counts. Both sorted and disjoint.
    """
    for spans in (closed, masked):
        markers = [m for m in markers if not _inside(m.start, spans)]
    stops = [Marker(start, stop, Kind.STOP) for start, stop in closed]
    machine = _Machine(text)
    for marker in sorted([*markers, *stops], key=lambda m: (m.start, m.end)):
        machine.read(marker)
    machine.close(len(text) if end is None else end)
    return machine.drafts


def _inside(place: int, spans: Sequence[Span]) -> bool:
    before = bisect_right(spans, place, key=lambda span: span.start) - 1
    return before >= 0 and place < spans[before].end


class _Machine:
    """Reads markers in order; `drafts` is the result."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.drafts: list[Draft] = []
        self._draft: Draft | None = None
        self._part: Kind | None = None  # of the draft: PROBLEM (its question), SOLUTION, ANSWER or HINT
        self._start = 0  # of that part
        self._opened = 0  # where the label of the open draft stands
        self._exercises = False  # under a heading that announces exercises
        self._next_step = 1  # the number of the next enumerated step inside a solution
        self._key: int | None = None  # where the answer key that is being read begins

    def read(self, marker: Marker) -> None:
        """Take in the next marker."""
        kind = marker.kind
        if self._key is not None:
            if kind is not Kind.STOP or self._goes_on_in_key(marker):
                return
            self._read_key(marker.start)
        if kind is Kind.KEY:
            if self._opens_key(marker):
                self.close(marker.start)
                self._key = marker.end
                return
            word = self.text[marker.start : marker.end].casefold()
            kind = Kind.ANSWER if "answer" in word or "答案" in word else Kind.SOLUTION
        if kind is Kind.PROBLEM:
            self._open(marker, certain=True)
        elif kind is Kind.REPLY:
            if self._draft is not None and self.text[self._opened : self._opened + 6].lstrip("#*- >").startswith("Q"):
                self._read_part(marker, Kind.ANSWER)
        elif kind is Kind.ITEM:
            self._read_item(marker)
        elif kind is Kind.EXERCISES:
            self.close(marker.start)
            self._exercises = True
        elif kind is Kind.END:
            self._end_part(marker.start)
        elif kind is Kind.STOP:
            self.close(marker.start)
            self._exercises = False
            self._start = marker.end
        else:
            self._read_part(marker, kind)

    def close(self, end: int) -> None:
        """End the part that is being read, and the draft with it."""
        if self._key is not None:
            self._read_key(end)
        self._end_part(end)
        self._draft = None

    def _open(self, marker: Marker, certain: bool) -> None:
        self._end_part(marker.start)
        self._draft = Draft(number=marker.number, certain=certain)
        self.drafts.append(self._draft)
        self._opened = marker.start
        self._begin(Kind.PROBLEM, marker.end)

    def _begin(self, part: Kind, start: int) -> None:
        self._part, self._start, self._next_step = part, start, 1

    def _end_part(self, end: int) -> None:
        """Give text[self._start:end] to the part that was being read."""
        draft, part, self._part = self._draft, self._part, None
        span = Span(self._start, end)
        if draft is None or part is None or not self.text[slice(*span)].strip():
            return
        if part is Kind.PROBLEM:
            draft.question.append(span)
        elif part is Kind.SOLUTION:
            draft.solution.append(Span(span.start, end_of_proof(self.text, *span)))
        elif part is Kind.ANSWER and draft.answer is None:
            draft.answer = span

    def _read_item(self, marker: Marker) -> None:
        """Decide whether a bare number opens a problem, or counts steps or sub-questions of the open one."""
        number, draft = int(marker.number or 0), self._draft
        if draft is None:
            if self._exercises or number == 1 or self._follows_last(number):
                self._open(marker, certain=self._exercises)
            return
        if draft.certain and not self._exercises:
            if self._part is Kind.PROBLEM and number == 1 and not self.text[self._start : marker.start].strip():
                self.drafts.remove(draft)  # "习题 3.2" and the like: a heading of exercises, not one of them
                self._draft, self._exercises = None, True
                self._open(marker, certain=True)
            return
        if self._part is Kind.SOLUTION and number == self._next_step:
            self._next_step += 1
        elif self._follows_last(number) or (number == 1 and self._part is Kind.PROBLEM):
            self._open(marker, certain=self._exercises)

    def _follows_last(self, number: int) -> bool:
        last = self.drafts[-1].number if self.drafts else None
        return last is not None and last.isdecimal() and number == int(last) + 1

    def _read_part(self, marker: Marker, kind: Kind) -> None:
        draft = self._draft
        if marker.number is not None and (draft is None or draft.number != marker.number):
            earlier = next((d for d in self.drafts[-_RECENT:] if d.number == marker.number and not d.solved), None)
            if earlier is not None and kind in (Kind.SOLUTION, Kind.ANSWER):
                self._end_part(marker.start)
                self._draft = draft = earlier
        if draft is None:
            return
        if kind is Kind.CONCLUSION:  # "答：" ends a worked solution and belongs to it
            if self._part is Kind.SOLUTION:
                return
            kind = Kind.ANSWER
        if kind is Kind.SOLUTION:
            asked = draft.question or self.text[self._start : marker.start].strip()
            if self._part is Kind.PROBLEM and not asked:
                return  # "例 1 证明：…" asks for a proof
            if self._part is Kind.SOLUTION:
                return  # 【分析】 and 【解答】 are one solution
        self._end_part(marker.start)
        if kind is Kind.SOLUTION and draft.solution:
            return  # another solution of the same problem
        self._begin(kind, marker.end)

    # --- answer keys -----------------------------------------------------------------------------------------------

    def _opens_key(self, marker: Marker) -> bool:
        """An answer key begins with a number, and at least two numbered problems before it wait for answers."""
        entry = _ENTRY.match(self.text, marker.end) or _RANGE.match(self.text, marker.end)
        section = _SECTION.match(self.text, marker.end)
        numbers = [draft.number for draft in self.drafts if draft.number is not None and not draft.solved]
        return len(numbers) >= 2 and bool(section or (entry and entry["n"] in numbers))

    def _goes_on_in_key(self, marker: Marker) -> bool:
        return bool(_SECTION.match(self.text, marker.start) or _ENTRY.match(self.text, marker.start))

    def _read_key(self, end: int) -> None:
        """Give the entries of the key in text[self._key:end] to the drafts with their numbers."""
        start, self._key = self._key, None
        waiting: dict[str, list[int]] = {}
        for i, draft in enumerate(self.drafts):
            if draft.number is not None and not draft.solved:
                waiting.setdefault(draft.number, []).append(i)
        position = 0
        for number, span in key_entries(self.text, start or 0, end):
            places = waiting.get(number, [])
            if not places:
                continue
            place = bisect_left(places, position)
            position = places.pop(place if place < len(places) else 0) + 1
            draft = self.drafts[position - 1]
            draft.certain = True
            parts = [m for m in find_markers(self.text[slice(*span)]) if m.kind in (Kind.SOLUTION, Kind.ANSWER)]
            draft.answer = Span(span.start, span.start + parts[0].start) if parts else span
            for marker, following in pairwise([*parts, Marker(span.end - span.start, 0, Kind.STOP)]):
                part = Span(span.start + marker.end, span.start + following.start)
                if marker.kind is Kind.SOLUTION:
                    draft.solution.append(part)
                else:
                    draft.answer = part


_ENTRY = re.compile(
    r"[\s#*]*(?:第|Problem |Exercise |Question )?[(（【]?(?P<n>[0-9]{1,3})(?:[.．、)）:：】](?![0-9])|题[:：]?)[*\s]*"
)
_SECTION = re.compile(
    r"[\s#*]*(?:[一二三四五六七八九十]{1,2}[、．.]|Part [A-Z0-9IVX]+\b|Section [A-Z0-9IVX]+\b)[^\n]{0,60}(?=\n)"
)
_RANGE = re.compile(
    r"[\s#*]*(?P<n>[0-9]{1,3}) ?(?:[-~～—–至]|——) ?(?P<to>[0-9]{1,3})[.．、:：)]?[ \t]*"
    r"(?P<letters>[A-F](?:[ ,，、]{0,2}[A-F]){0,59})\b"
)
_INLINE_ENTRY = re.compile(r"(?<=[\s;；,，。．.])(?P<n>[0-9]{1,3})[.．、)）:：](?![0-9])[ \t]*")


def key_entries(text: str, start: int, end: int) -> list[tuple[str, Span]]:
    """Split an answer key into (number, span): one entry per line, several to a line, or "1-5 BCADB"."""
    entries: list[tuple[str, Span]] = []
    opened: tuple[int, int] | None = None  # number and content start of the entry that is being read

    def finish(stop: int) -> None:
        nonlocal opened
        if opened is not None:
            entries.append((str(opened[0]), Span(opened[1], stop)))
        opened = None

    line_start = start
    while line_start < end:
        newline = text.find("\n", line_start, end)
        line_end = end if newline < 0 else newline
        covered = _RANGE.match(text, line_start, line_end)
        if covered:
            finish(line_start)
            position = line_start
            while covered:
                letters = [i for i in range(*covered.span("letters")) if text[i].isalpha()]
                numbers = range(int(covered["n"]), int(covered["to"]) + 1)
                entries += [(str(n), Span(i, i + 1)) for n, i in zip(numbers, letters, strict=False)]
                position = covered.end()
                covered = _RANGE.match(text, position, line_end)
            line_start = position
        match = _ENTRY.match(text, line_start, line_end)
        if _SECTION.match(text, line_start, end) and not match:
            finish(line_start)
        position = line_start
        while match:
            finish(match.start())
            opened = (int(match["n"]), match.end())
            position = match.end()
            # Further entries on the line count on, so that "x = 3. 5" is not the fifth.
            following = (m for m in _INLINE_ENTRY.finditer(text, position, line_end) if int(m["n"]) == opened[0] + 1)
            match = next(following, None)
        line_start = line_end + 1
    finish(end)
    return entries


# --- numbered items that are questions ------------------------------------------------------------------------------

_ASKS = re.compile(
    r"[?？]|[（(][ \t\u3000]*[)）]|_{3,}|＿{2,}"
    r"|(?:^\W*|[.,;:] )(?:Find|Solve|Prove|Show|Compute|Evaluate|Simplify|Determine|Calculate|Factor|Express|Verify)\b"
    r"|^\W*(?:How|What|Which|Graph|Use|Write|Let|Suppose|Given)\b|求|证明|计算|解方程|化简|已知|设|判断|因式分解"
)
