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
from mathmill.curation.problems.answer_key import ENTRY, RANGE, SECTION, TABLE, follows_inline, key_entries
from mathmill.curation.problems.asking import asks, is_printed, sets_task
from mathmill.curation.problems.markers import Kind, Marker, end_of_proof, find_markers
from mathmill.curation.problems.problem import Draft, Formula, Problem, Span, Standing, build
from mathmill.curation.problems.unlabelled import from_records, implied_markers

_RECENT = 500  # problems among which a numbered solution looks for its own: keeps hostile pages linear

MAX_QUESTION_CHARS = 6_000
"""A longer question is a chapter whose end was missed."""

MAX_LONE_CHARS = 1_500
"""The same for a numbered item before which no other stands: it may as well be a numbered section."""


def from_text(text: str, lang: str | None = None) -> list[Problem]:
    """Find the problems in a plain or Markdown text, in order.

    lang: the language of the text where it is known. Markers of both languages are read in any case, since Chinese
    pages quote English problems.
    """
    if (recorded := from_records(text)) is not None:
        return recorded
    markers = find_markers(text)
    formulas = [Formula(*span) for span in find_formulas(text)]
    drafts = drafts_from_text(text, markers) or drafts_from_text(text, implied_markers(text, markers))
    return assemble(text, formulas, drafts)


def assemble(text: str, formulas: Sequence[Formula], drafts: Sequence[Draft]) -> list[Problem]:
    """Build the problems of some drafts, in the order in which their questions stand."""
    problems = []
    for draft in sorted(drafts, key=lambda d: d.question[0].start if d.question else len(text)):
        if not _proves_itself(text, draft):
            continue
        if sum(end - start for start, end in draft.question) > MAX_QUESTION_CHARS:
            continue
        problem = build(text, formulas, draft)
        if problem is not None:
            problems.append(problem)
    return problems


def _proves_itself(text: str, draft: Draft) -> bool:
    """Whether something that may be a problem is one."""
    if draft.standing is Standing.EXAMPLE and draft.solved:
        return True
    parts = [text[slice(*span)].strip() for span in draft.question]
    if draft.standing in (Standing.MARKED, Standing.HEADED):
        return draft.solved or any(map(sets_task, parts))
    if not any(map(asks, parts)):
        return False
    if sum(map(len, parts)) > MAX_LONE_CHARS:
        return draft.solved and draft.standing is not Standing.LONE_ITEM
    return draft.standing is not Standing.LONE_ITEM or draft.solved or any(map(is_printed, parts))


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


_PROVE = re.compile(r"\b(?:[Pp]rove|[Ss]how|[Vv]erify)\b|证")
_LABELLED = (Standing.MARKED, Standing.EXAMPLE)


class _Machine:
    """Reads markers in order; `drafts` is the result."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.drafts: list[Draft] = []
        self._draft: Draft | None = None
        self._part: Kind | None = None  # of the draft: PROBLEM (its question), SOLUTION, ANSWER or HINT
        self._start = 0  # of that part
        self._opened = 0  # where the label of the open draft stands
        self._bracketed = False  # whether the numbers of items stand in brackets
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
        if kind is Kind.KEY or kind is Kind.ANSWER:
            word = self.text[marker.start : marker.end].casefold()
            if self._opens_key(marker) if kind is Kind.KEY else self._opens_inline_key(marker):
                self.close(marker.start)
                self._key = marker.start if "题号" in word else marker.end
                return
            if "题号" in word:
                return
            kind = Kind.ANSWER if kind is Kind.ANSWER or "answer" in word or "答案" in word else Kind.SOLUTION
        if kind is Kind.PROBLEM or kind is Kind.EXAMPLE:
            self._open(marker, Standing.MARKED if kind is Kind.PROBLEM else Standing.EXAMPLE)
        elif kind is Kind.REPLY:
            if self._draft is not None and self.text[self._opened : self._opened + 6].lstrip("#*- >").startswith("Q"):
                self._read_part(marker, Kind.ANSWER)
        elif kind is Kind.ITEM:
            self._read_item(marker)
        elif kind is Kind.SUBITEM:
            self._read_subitem(marker)
        elif kind is Kind.SECTION:
            if self._draft is None or self._draft.standing not in _LABELLED:
                self.close(marker.start)
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

    def _open(self, marker: Marker, standing: Standing) -> None:
        self._end_part(marker.start)
        self._draft = Draft(number=marker.number, standing=standing)
        self._bracketed = marker.kind is Kind.SUBITEM
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
        standing = Standing.HEADED if self._exercises else Standing.LONE_ITEM if self._bracketed else Standing.ITEM
        if draft is None:
            first = self._exercises or number == 1 or self._follows_last(number)
            self._open(marker, standing if first else Standing.LONE_ITEM)
            return
        if draft.standing in _LABELLED and not self._exercises:
            if self._part is Kind.PROBLEM and number == 1 and not self.text[self._start : marker.start].strip():
                self.drafts.remove(draft)  # "习题 3.2" and the like: a heading of exercises, not one of them
                self._draft, self._exercises = None, True
                self._open(marker, Standing.HEADED)
            return
        if self._part is Kind.SOLUTION and number == self._next_step:
            self._next_step += 1
        elif self._follows_last(number) or (number == 1 and self._part in (Kind.PROBLEM, None)):
            self._open(marker, standing)

    def _read_subitem(self, marker: Marker) -> None:
        """A number in brackets is a part of the open question, or an item where items are numbered so."""
        number = int(marker.number or 0)
        if self._draft is None:
            if number == 1:
                self._open(marker, Standing.HEADED if self._exercises else Standing.LONE_ITEM)
        elif self._bracketed:
            self._read_item(marker)

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
        if kind is Kind.SOLUTION and draft.standing in (Standing.ITEM, Standing.LONE_ITEM):
            label = self.text[marker.start : marker.end]
            if ("roof" in label or "证" in label) and not _PROVE.search(self.text, self._start, marker.start):
                self.close(marker.start)  # a numbered theorem
                return
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
        entry = ENTRY.match(self.text, marker.end) or RANGE.match(self.text, marker.end)
        section = SECTION.match(self.text, marker.end)
        numbers = [draft.number for draft in self.drafts if draft.number is not None and not draft.solved]
        table = bool(TABLE.match(self.text, marker.end) or TABLE.match(self.text, marker.start))
        return len(numbers) >= 2 and bool(section or table or (entry and entry["n"] in numbers))

    def _opens_inline_key(self, marker: Marker) -> bool:
        """So does a label such as "答案：1. B 2. C" where the numbers are those of the problems before it."""
        entry = ENTRY.match(self.text, marker.end) if marker.number is None else None
        if entry is None or self._bracketed != (entry[0].lstrip()[:1] in "(（"):
            return False
        if not follows_inline(self.text, entry.end(), int(entry["n"])):
            return False
        waiting = {draft.number for draft in self.drafts[-_RECENT:] if not draft.solved}
        return {entry["n"], str(int(entry["n"]) + 1)} <= waiting

    def _goes_on_in_key(self, marker: Marker) -> bool:
        return bool(SECTION.match(self.text, marker.start) or ENTRY.match(self.text, marker.start))

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
            draft.standing = Standing.MARKED
            parts = [m for m in find_markers(self.text[slice(*span)]) if m.kind in (Kind.SOLUTION, Kind.ANSWER)]
            draft.answer = Span(span.start, span.start + parts[0].start) if parts else span
            for marker, following in pairwise([*parts, Marker(span.end - span.start, 0, Kind.STOP)]):
                part = Span(span.start + marker.end, span.start + following.start)
                if marker.kind is Kind.SOLUTION:
                    draft.solution.append(part)
                else:
                    draft.answer = part
