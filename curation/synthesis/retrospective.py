r"""Retrospective enhancement: a later step of a solution comes early and is taken back, then all goes on as it was.

No model is asked. Of step_1 … step_n the new solution is `step_1 … step_i <back> step_j <back> step_{i+1} … step_n`
with i < j. The poster prints step_i between the marks, the paper's notes say a later step; `inside` chooses between
the two readings. Which i and j is drawn from the problem's id, so a run that is repeated gives the same rows.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from mathmill.core.answers import extract_answer, is_equivalent
from mathmill.core.mathtext import find_formulas
from mathmill.curation.problems.steps import segment_steps
from mathmill.curation.synthesis.drawing import draw_for
from mathmill.curation.synthesis.replies import language
from mathmill.curation.synthesis.script import Made, Rejected, Result, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig

_STEP, _BACK = "{step}", "{back}"

MARKERS: dict[str, dict[str, dict[str, str]]] = {
    "later": {
        "tags": {"en": "<back> {step} <back>", "zh": "<back> {step} <back>"},
        "note": {"en": "{step} [back]", "zh": "{step} [back]"},
        "words": {
            "en": "{step}\nWait, that comes too early. Let me go back.",
            "zh": "{step}\n等一下，这一步说早了，先回到前面。",
        },
    },
    "earlier": {
        "tags": {"en": "{step}\n<back> {back} <back>", "zh": "{step}\n<back> {back} <back>"},
        "note": {"en": "{step} [back]\n{back}", "zh": "{step} [back]\n{back}"},
        "words": {
            "en": "{step}\nWait, that comes too early. Back to this: {back}",
            "zh": "{step}\n等一下，这一步说早了，先回到这里：{back}",
        },
    },
}
"""What is inserted, by reading, marker and language."""


class RetrospectiveConfig(MethodConfig):
    """`retrospective:` in a recipe.

    marker: "tags", "note", "words", or a text of your own that holds `{step}`, the step that comes early, and perhaps
    `{back}`, the step that is gone back to. inside: what the tags hold: the later step (the notes' reading), or, after
    the later step, the one that is gone back to (what the poster prints). i, j: fixed numbers of steps, from 1.
    least_gap, most_gap: what j - i may be; with 1 the step that comes early is only the next one. variants: rows of
    each problem, with different (i, j). seed: another one draws others.
    """

    marker: str = "tags"
    inside: Literal["later", "earlier"] = "later"
    i: int | None = Field(default=None, ge=1)
    j: int | None = Field(default=None, ge=2)
    least_gap: int = Field(default=2, ge=1)
    most_gap: int | None = Field(default=None, ge=1)
    variants: int = Field(default=1, ge=1, le=16)
    seed: int = 0

    @model_validator(mode="after")
    def _possible(self) -> "RetrospectiveConfig":
        if self.marker not in MARKERS[self.inside] and self.marker.count(_STEP) != 1:
            raise ValueError(f"marker is {self.marker!r}: give tags, note, words, or a text that holds {{step}} once")
        if self.most_gap is not None and self.most_gap < self.least_gap:
            raise ValueError("most_gap must not be under least_gap")
        if self.i is not None and self.j is not None and self.j - self.i < self.least_gap:
            raise ValueError(f"j must be at least least_gap = {self.least_gap} steps after i")
        return self

    def marker_text(self, lang: str) -> str:
        """What is inserted, with its places for steps."""
        return MARKERS[self.inside].get(self.marker, {}).get(lang, self.marker)


class Retrospective(Method):
    """Makes rows with the question of a problem and its solution with a step that is taken back."""

    name = "retrospective"
    version = 1
    Config: ClassVar[type[MethodConfig]] = RetrospectiveConfig
    roles: ClassVar[tuple[str, ...]] = ()
    config: RetrospectiveConfig

    def script(self, row: dict[str, Any]) -> Script:
        """Asks nobody."""
        yield from ()  # a generator like all scripts
        return self._results(row)

    def _results(self, row: dict[str, Any]) -> list[Result]:
        solution = row["solution"]
        if not solution:
            return [Rejected("no_solution")]
        marker = self.config.marker_text(language(row))
        words = [word for part in marker.split(_STEP) for word in part.split(_BACK) if word.strip()]
        if any(word.strip() in solution for word in words):
            return [Rejected("marker_in_solution")]
        spans = segment_steps(solution)
        if len(spans) < 3:
            return [Rejected("too_few_steps", f"{len(spans)} steps")]
        pairs = list(self._pairs([solution[start:end] for start, end in spans]))
        if not pairs:
            return [Rejected("no_pair_of_steps", f"{len(spans)} steps")]
        drawn = draw_for(row["problem_id"], self.config.seed).sample(pairs, min(self.config.variants, len(pairs)))
        return [self._made(row, spans, pair, marker, number) for number, pair in enumerate(drawn)]

    def _pairs(self, steps: list[str]) -> Iterator[tuple[int, int]]:
        """The (i, j) that may be drawn, from 1; a step is not taken back for its own double."""
        config, n = self.config, len(steps)
        for i in range(1, n) if config.i is None else [config.i]:
            last = n if config.most_gap is None else min(n, i + config.most_gap)
            for j in range(i + config.least_gap, last + 1) if config.j is None else [config.j]:
                if j <= last and j - i >= config.least_gap and steps[j - 1] not in (steps[i - 1], steps[i]):
                    yield i, j

    def _made(
        self, row: dict[str, Any], spans: list[tuple[int, int]], pair: tuple[int, int], marker: str, n: int
    ) -> Result:
        solution: str = row["solution"]
        early, back = (solution[slice(*spans[place - 1])] for place in reversed(pair))
        end = spans[pair[0] - 1][1]
        gap = solution[end : spans[pair[0]][0]]
        gap = gap if not gap.strip() else "\n"
        if not gap and language(row) != "zh":
            gap = " "
        inserted = marker.replace("\n", gap).replace(_BACK, back).replace(_STEP, early)
        new = solution[:end] + gap + inserted + (gap + solution[end:].lstrip() if gap else solution[end:])
        fault = _fault(solution, new, [early, back] if _BACK in marker else [early])
        return fault or Made(
            row["question"], new, row["answer"], row["style"] or "cot", f"{self.name}/{self.config.marker}", n
        )


def _fault(solution: str, new: str, added: list[str]) -> Rejected | None:
    """What the insertion has broken: a formula or code, or the answer that the solution ends with."""
    if _formulas(new) != sorted(formula for text in (solution, *added) for formula in _formulas(text)):
        return Rejected("broken_formula", new)
    if any(text.count("```") % 2 for text in added):
        return Rejected("broken_code", new)
    before, after = extract_answer(solution), extract_answer(new)
    if after != before and (before is None or after is None or not is_equivalent(before, after)):
        return Rejected("answer_changed", f"{before} became {after}")
    return None


def _formulas(text: str) -> list[str]:
    return sorted(text[span.start : span.end] for span in find_formulas(text))
