"""Follow formula spans, blocks and steps through a change that somebody else's code made to a text.

A filter that cuts lines out or a formatter that replaces addresses gives back a string and no word of what it did, and
`$` cannot be parsed back once prices stand beside formulas. So the two texts are compared, line by line and then
character by character where lines differ; a formula that stands whole in the new text moves with it, one that is gone
is gone, and one of which a part is left makes `CutSpan`, since half a formula is worse than none.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Any

import pyarrow as pa

from mathmill.core.schemas import replace_columns

_MAX_COMPARISONS = 4_000_000  # characters times characters of a passage that differs: some seconds at the worst

_SPANS = {
    "text": ("formulas", "blocks"),
    "question": ("question_formulas",),
    "solution": ("solution_formulas", "steps"),
}
"""The columns of spans into each text. Formulas stay whole or go; of blocks and steps what is left stays."""


class CutSpan(ValueError):
    """A change went through the middle of a formula, or is too large to be followed."""


class TextChange:
    """Where the parts of an old text stand in a new one."""

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new
        self._blocks = list(_equal_parts(old, new))
        self._starts = [start for start, _, _ in self._blocks]

    def whole(self, start: int, end: int) -> tuple[int, int] | None:
        """Where the span [start, end) stands now, None where nothing is left of it; CutSpan where a part is.

        White space in it may have changed.
        """
        place = self.rest(start, end)
        if place is not None and self._old[start:end].split() != self._new[place[0] : place[1]].split():
            raise CutSpan(f"the text was changed inside the formula at characters {start:,} to {end:,}")
        return place

    def rest(self, start: int, end: int) -> tuple[int, int] | None:
        """Where what is left of the span [start, end) stands now, from its first to its last character."""
        parts = list(self._parts(start, end))
        return (parts[0][0], parts[-1][1]) if parts else None

    def _parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for old, new, length in self._blocks[max(0, bisect_right(self._starts, start) - 1) :]:
            if old >= end:
                return
            low, high = max(start, old), min(end, old + length)
            if low < high:
                yield low - old + new, high - old + new


def _equal_parts(old: str, new: str) -> Iterator[tuple[int, int, int]]:
    """(start in old, start in new, length) of what is equal, in order."""
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    old_at = list(accumulate(map(len, old_lines), initial=0))
    new_at = list(accumulate(map(len, new_lines), initial=0))
    matcher = SequenceMatcher(None, [line.strip() for line in old_lines], [line.strip() for line in new_lines])
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            for a, b in zip(range(i, i_end), range(j, j_end), strict=True):
                indents = (len(line) - len(line.lstrip()) for line in (old_lines[a], new_lines[b]))
                yield old_at[a] + next(indents), new_at[b] + next(indents), len(old_lines[a].strip())
        elif kind == "replace":
            before, after = old[old_at[i] : old_at[i_end]], new[new_at[j] : new_at[j_end]]
            if len(before) * len(after) > _MAX_COMPARISONS:
                raise CutSpan(f"a passage of {len(before):,} characters was changed, too long to be followed")
            for match in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
                yield old_at[i] + match.a, new_at[j] + match.b, match.size


def replace_texts(
    batch: pa.RecordBatch, changes: Mapping[str, Mapping[int, str]]
) -> tuple[pa.RecordBatch, dict[int, str]]:
    """Put changed texts into a batch, by column and row, and move the spans into them.

    Returns the batch and, by row, why a change cannot be followed; such a row stays as it was.
    """
    columns: dict[str, list[Any]] = {}
    refused: dict[int, str] = {}

    def column(name: str) -> list[Any]:
        if name not in columns:
            columns[name] = batch.column(name).to_pylist()
        return columns[name]

    for name, texts in changes.items():
        for row, text in texts.items():
            try:
                moved = _moved(column(name)[row], text, {spans: column(spans)[row] for spans in _SPANS.get(name, ())})
            except CutSpan as error:
                refused[row] = str(error)
                continue
            if "formulas" in moved:
                column("formula_counts")[row] = _counts(column("formula_counts")[row], moved["formulas"])
            if "steps" in moved and column("n_steps")[row] == len(column("steps")[row]):
                column("n_steps")[row] = len(moved["steps"])
            for key, value in {name: text, **moved}.items():
                column(key)[row] = value
    arrays = {name: pa.array(values, batch.schema.field(name).type) for name, values in columns.items()}
    return replace_columns(batch, **arrays), refused


def _moved(old: str, new: str, spans: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The spans of one text, by column, as they stand in its new form."""
    if not any(spans.values()):
        return {name: [] for name in spans}
    change = TextChange(old, new)
    moved: dict[str, list[dict[str, Any]]] = {}
    for name, items in spans.items():
        find = change.whole if name.endswith("formulas") else change.rest
        places = [(item, find(item["start"], item["end"])) for item in items]
        moved[name] = [{**item, "start": place[0], "end": place[1]} for item, place in places if place is not None]
    return moved


def _counts(counts: Sequence[Mapping[str, Any]], formulas: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    kept = Counter(formula["encoding"] for formula in formulas)
    return [{**count, "kept": kept[count["encoding"]]} for count in counts]
