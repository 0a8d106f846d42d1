"""A problem found on a page or in a text, and the drafts from which the finders build it.

Finders only collect spans of the page's text; `build` cuts them out, carries the formulas over, finds the final answer
and segments the steps. So everything in a problem can be traced back to the characters it came from.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from mathmill.core.answers import stated_answer
from mathmill.core.mathtext import find_formulas
from mathmill.curation.problems.conclusion import conclusion
from mathmill.curation.problems.steps import segment_steps

MAX_ANSWER_CHARS = 80
"""What stands under "Answer" and is longer than this, or has several lines, is read like a solution."""

MAX_SWITCH_CHARS = 60
"""Longer is no link text."""

_JOINT = "\n\n"

_SWITCH = re.compile(
    r"(?:\n|(?<=[。．.?？!！)）\]$*_|]))[ \t]*[\[(（【]?(?:"
    r"(?:(?:click(?: here)?(?: to)?|show|view|see|reveal|hide|toggle)\s+){1,3}(?:the |my |full |this |an? )?"
    r"(?:step.by.step |detailed |worked )?(?:solutions?|answers?|hints?|explanations?)(?: below)?"
    r"|(?:点击|点此|单击)?(?:查看|显示|展开|隐藏|收起|看)(?:参考|详细|完整|全部)?(?:答案|解析|解答|详解|提示|解题过程)"
    r"(?:[与和及](?:答案|解析|解答|详解))?)[>»\])）】:：▼↓ ]*\Z",
    re.IGNORECASE,
)
"""The text of a link or button that opens or closes the solution, at the end of a part."""


class Formula(NamedTuple):
    """A formula's span in a text, delimiters included, as in the records."""

    start: int
    end: int
    display: bool
    encoding: str | None = None


class Span(NamedTuple):
    """Characters `text[start:end]` of a page."""

    start: int
    end: int


@dataclass(frozen=True)
class Problem:
    """A question with its solution and final answer, where they were found."""

    question: str
    solution: str | None = None
    answer: str | None = None
    step_spans: tuple[tuple[int, int], ...] = ()  # in `solution`
    question_formulas: tuple[Formula, ...] = ()
    solution_formulas: tuple[Formula, ...] = ()
    spans: tuple[Span, ...] = ()  # of the question's parts, then of the solution's, in the page's text

    @property
    def steps(self) -> list[str]:
        """The reasoning steps of the solution."""
        return [] if self.solution is None else [self.solution[start:end] for start, end in self.step_spans]

    @property
    def n_steps(self) -> int:
        """How many reasoning steps the solution has; 0 where there is none."""
        return len(self.step_spans)


class Standing(Enum):
    """What speaks for a draft before its text is read."""

    MARKED = "marked"  # a label, the markup or a heading of exercises calls it a problem
    HEADED = "headed"  # an item under a heading of exercises, where links may be listed as well: must set a task
    EXAMPLE = "example"  # must be solved or ask something
    ITEM = "item"  # a bare numbered item: must ask something
    LONE_ITEM = (
        "lone item"  # one that does not begin with 1, or in brackets: must ask something and be solved or printed
    )


@dataclass
class Draft:
    """The parts of a problem while a page is read, as spans of its text."""

    number: str | None = None
    question: list[Span] = field(default_factory=list)
    solution: list[Span] = field(default_factory=list)
    answer: Span | None = None
    standing: Standing = Standing.MARKED

    @property
    def solved(self) -> bool:
        """Whether there is anything to learn from."""
        return bool(self.solution) or self.answer is not None


def build(text: str, formulas: Sequence[Formula], draft: Draft) -> Problem | None:
    """Cut a draft's parts out of the text; None where nothing is left of the question.

    formulas: of the whole text, sorted. A solution that is only an answer ("ⓐ 5") is both solution and answer.
    """
    question, question_formulas = _compose(text, formulas, _without_scores(text, draft.question))
    if not any(c.isalnum() for c in question):
        return None
    parts = draft.solution or ([draft.answer] if draft.answer is not None else [])
    solution, solution_formulas = _compose(text, formulas, parts)
    if not _SAYS.search(_EMPTY_ITEM.sub("", solution)):
        return Problem(question, question_formulas=question_formulas, spans=tuple(draft.question))
    answer = _stated_answer(text, draft, solution)
    if _ASKS_PROOF.search(question):
        answer = stated_answer(solution)
    elif (answer is None or "=" in answer) and not _HAS_PARTS.search(question):
        value = conclusion(solution, [f[:2] for f in solution_formulas])
        if value is not None and (answer is None or answer.endswith(value)):  # "the answer is $3\cdot 4=12$"
            answer = value
    if answer is None and _BARE.fullmatch(solution) and not _ASKS_PROOF.search(question):
        answer = solution.rstrip("。．.；;，, ")
    return Problem(
        question=question,
        solution=solution,
        answer=answer,
        step_spans=tuple(segment_steps(solution, [(f.start, f.end) for f in solution_formulas])),
        question_formulas=question_formulas,
        solution_formulas=solution_formulas,
        spans=(*draft.question, *parts),
    )


_SCORE = re.compile(
    r"[(（\[【][ \t]*(?:本?小?题)?(?:满分|共|每小?题)?[ \t]*[0-9]{1,2}[ \t]*(?:分|points?|pts?|marks?)"
    r"(?:[，,；;][^()（）\[\]\n]{0,20})?[ \t]*[)）\]】]\s*",
    re.IGNORECASE,
)


def _without_scores(text: str, spans: Sequence[Span]) -> list[Span]:
    """Leave out what a question of an exam is worth, before or after it: （本小题满分12分）, [3 marks]."""
    kept = list(spans)
    if kept:
        start, end = kept[0]
        while start < end and text[start].isspace():
            start += 1
        score = _SCORE.match(text, start, end)
        kept[0] = Span(score.end() if score else start, end)
        start, end = kept[-1]
        opened = max(text.rfind(bracket, max(start, end - 30), end) for bracket in "(（[")
        if opened > start and _SCORE.fullmatch(text, opened, end):
            kept[-1] = Span(start, opened)
    return kept


_BARE = re.compile(
    r"(?![A-Za-z\u3400-\u9fff])(?:\$[^$=\n]{1,60}\$|[^A-Za-z\u3400-\u9fff$=\n]){1,40}"
    r"(?:[A-Za-z]{1,12}(?: [A-Za-z]{1,12})?|[\u3400-\u9fff]{1,3})?[.。]?"
)
"""A solution that is nothing but values, with a unit after the last: "350 miles", "ⓐ 5 ⓑ $-6$"."""

_WORDS = re.compile(r"[A-Za-z]{2,}[:,]? |[\u3400-\u9fff]{2}")

_SAYS = re.compile(r"[^\W_]|[<>=≤≥≠≈√×✓✔✗✘]")
"""What a solution must hold: a sign alone answers "fill in < or >" and "true or false"."""

_EMPTY_ITEM = re.compile(r"^[ \t]*(?:[0-9]{1,2}\.[ \t]*)?[ⓐ-ⓩ①-⑳][ \t]*$", re.MULTILINE)
"""An item of a list whose picture is lost."""

_HAS_PARTS = re.compile(r"(?<![A-Za-z0-9\\}])[(（](?:b|ii|2)[)）]|^\s*b[.)]|[②ⓑ]", re.MULTILINE)
"""A second part: what the solution ends with answers the last part alone."""

_ASKS_PROOF = re.compile(r"\b(?:prove|(?:show|verify|explain) (?:that|why)|proof)\b|证明|求证", re.IGNORECASE)


def _stated_answer(text: str, draft: Draft, solution: str) -> str | None:
    """Take the answer as it is stated apart, or else find it announced in the solution."""
    stated = "" if draft.answer is None else text[slice(*draft.answer)].strip()
    if stated and len(stated) <= MAX_ANSWER_CHARS and "\n" not in stated:
        bare = stated.rstrip("。．.；;，, ")
        return stated_answer(bare) or (_of_sentence(bare) if _WORDS.search(bare) else None) or bare or None
    return stated_answer(stated or solution) or stated_answer(solution)


def _of_sentence(answer: str) -> str | None:
    """The value in "It is $2$", "The speed is 120/2 = 60"; None where a sentence holds no or several."""
    formulas = [(span.start, span.end) for span in find_formulas(answer)]
    value = conclusion(answer, formulas)
    if value is None and len(formulas) == 1 and formulas[0][1] == len(answer):
        value = answer[slice(*formulas[0])].strip("$\\()[] ") or None
    return value


_QED = re.compile(r"(?:∎|■|□|\$\\(?:square|blacksquare|qed)\$)\Z")


def _compose(text: str, formulas: Sequence[Formula], spans: Sequence[Span]) -> tuple[str, tuple[Formula, ...]]:
    """Join parts of a text, without the space and switches around them, and re-base the formulas that lie in them."""
    pieces: list[str] = []
    moved: list[Formula] = []
    length = 0
    for start, end in spans:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        switch = _SWITCH.search(text, max(start, end - MAX_SWITCH_CHARS), end)
        if switch is not None and text[start : switch.start()].strip():
            end = start + len(text[start : switch.start()].rstrip())
        if qed := _QED.search(text, max(start, end - 20), end):
            end = start + len(text[start : qed.start()].rstrip())
        if start == end:
            continue
        if pieces:
            length += len(_JOINT)
        for i in range(bisect_left(formulas, start, key=lambda f: f.start), len(formulas)):
            formula = formulas[i]
            if formula.start >= end:
                break
            if formula.end <= end:
                shift = length - start
                moved.append(formula._replace(start=formula.start + shift, end=formula.end + shift))
        pieces.append(text[start:end])
        length += end - start
    return _JOINT.join(pieces), tuple(moved)
