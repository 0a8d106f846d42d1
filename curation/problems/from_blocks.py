"""Find problems by a page's own markup: exercise, statement, solution, question and reply blocks.

Blocks form a tree by containment. An exercise with its statement and solution is a problem; a container of exercises
gives them its instruction ("In the following exercises, simplify"); a question takes its accepted reply, or else the
first. What the markup leaves open is given to the text machine, with the parts already read closed to it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mathmill.curation.html.roles import label_role
from mathmill.curation.problems.from_text import assemble, drafts_from_text
from mathmill.curation.problems.markers import Kind, Marker, find_markers
from mathmill.curation.problems.problem import Draft, Formula, Problem, Span, Standing

MAX_INSTRUCTION_CHARS = 400
"""A longer text before the exercises of a group is a lesson, not their instruction."""


class Block(NamedTuple):
    """A part of a text whose role the markup gives away, as in the records."""

    start: int
    end: int
    role: str


def extract_problems(
    text: str, formulas: Sequence[Formula], blocks: Sequence[Block], lang: str | None = None
) -> list[Problem]:
    """Find the problems of a page, in order.

    formulas, blocks: of the whole text; any order. lang: as for `from_text`.
    """
    drafts: list[Draft] = []
    markers = find_markers(text)
    forced: list[Marker] = []
    closed: list[Span] = []
    last_question: Draft | None = None
    exercises: list[Draft] = []  # of the containers so far
    exercise_end = 0
    instruction = _Instruction(text)
    for node in _tree(blocks, _CONTAINERS | _PARTS | _FORUM | {"heading"}):
        span = Span(node.start, node.end)
        if node.role in _CONTAINERS:
            found = _exercises(text, node, markers)
            _prepend(text, instruction.before(node), found)
            drafts += found
            exercises, exercise_end = [*exercises[-_RECENT:], *found], node.end
            closed.append(span)
        elif node.role == "question":
            last_question = Draft(question=[_post_body(text, span)])
            title = None if _QUESTION.search(text, *span) else _title_before(text, node.start)
            if title is not None:
                last_question.question.insert(0, title)
            if title is not None or _QUESTION.search(text, *span):
                drafts.append(last_question)
            closed.append(span)
        elif node.role in ("reply", "accepted_reply"):
            if last_question and (not last_question.solution or node.role == "accepted_reply"):
                last_question.solution = [_post_body(text, span)]
            closed.append(span)
        elif node.role in _MARKS and _belongs_to_exercise(text, node, exercises, exercise_end):
            exercise_end = node.end
            closed.append(span)
        elif node.role in _MARKS:  # a part on its own: its owner is the problem that stands before it
            content = _without_label(text, span).start
            forced += [Marker(node.start, content, _MARKS[node.role]), Marker(node.end, node.end, Kind.END)]
        elif node.role == "heading":
            forced += _heading(text, node)
    code = [Span(node.start, node.end) for node in _tree(blocks, {"code"})]
    taken = {marker.start for marker in forced}
    markers = [*(m for m in markers if m.start not in taken), *forced]
    drafts += drafts_from_text(text, markers, None, _disjoint(closed), _disjoint(code))
    return assemble(text, sorted(formulas), drafts)


_QUESTION = re.compile(
    r"[?？]|\bhow (?:do|can|to|many)\b"
    r"|\b(?:prove|show|verify) that\b|\b(?:find|solve|compute|evaluate|determine) (?:the|all)\b"
    r"|\bhelp\b|求|证明|如何|怎[么样]|为什么|请",
    re.IGNORECASE,
)
"""What a post must contain to be a question: forums also carry announcements, and pages that look like forums."""

_MAX_GAP = 100
_RECENT = 200
"""Exercises among which a solution with a number looks for its own."""


def _title_before(text: str, start: int) -> Span | None:
    """The heading that stands right before a post, where it asks what the post explains."""
    end = len(text[:start].rstrip())
    line = text.rfind("\n", 0, end) + 1
    title = re.compile(r"#{1,3} +").match(text, line, end)
    return Span(title.end(), end) if title and _QUESTION.search(text, line, end) else None


def _belongs_to_exercise(text: str, node: "_Node", exercises: Sequence[Draft], end: int) -> bool:
    """Give a solution that follows its exercise, or names its number, to that exercise; hints are passed over."""
    first = next(iter(find_markers(text[node.start : min(node.end, node.start + 200)].lstrip())), None)
    number = first.number if first is not None and first.start == 0 else None
    gap = text[end : node.start].strip("#* \t\r\n") if node.start - end < _MAX_GAP else "…"
    adjoins = bool(exercises) and (not gap or (label_role(gap) is not None and "\n" not in gap))
    draft = exercises[-1] if adjoins else None
    if number is not None and (draft is None or draft.number not in (None, number)):
        draft = next((d for d in exercises if d.number == number and not d.solved), None)
    if draft is None or (draft.solved and node.role != "hint"):
        return False
    span = _without_label(text, Span(node.start, node.end))
    if node.role == "answer":
        draft.answer = span
    elif node.role != "hint" and not _is_hint(text, node):
        draft.solution = list(_gaps(span.start, span.end, node.children, {"hint"}))
    return True


def _is_hint(text: str, node: "_Node") -> bool:
    """Whether what the markup calls a solution calls itself a hint, and nothing in it a solution."""
    kinds = [m.kind for m in find_markers(text[node.start : node.end].lstrip()) if m.kind in _PART_KINDS]
    return (
        bool(kinds)
        and set(kinds) == {Kind.HINT}
        and _without_label(text, Span(node.start, node.end)).start > node.start
    )


_PART_KINDS = (Kind.SOLUTION, Kind.ANSWER, Kind.HINT, Kind.KEY)

_CONTAINERS = {"exercise", "example"}
_PARTS = {"statement", "solution", "answer", "hint", "proof"}
_FORUM = {"question", "reply", "accepted_reply"}
_MARKS = {"statement": Kind.PROBLEM, "solution": Kind.SOLUTION, "answer": Kind.ANSWER, "hint": Kind.HINT}
_MARKS["proof"] = Kind.SOLUTION


@dataclass
class _Node:
    start: int
    end: int
    role: str
    children: list["_Node"] = field(default_factory=list)

    def below(self) -> Iterator["_Node"]:
        """Go over all nodes under this one, in order of the text."""
        stack = self.children[::-1]
        while stack:
            node = stack.pop()
            yield node
            stack += node.children[::-1]


def _tree(blocks: Sequence[Block], roles: set[str]) -> list[_Node]:
    """Nest the blocks with these roles by containment and return the outermost, in order."""
    roots: list[_Node] = []
    path: list[_Node] = []
    for start, end, role in sorted(blocks, key=lambda b: (b.start, -b.end, b.role == "heading")):
        if role not in roles or start >= end:
            continue
        while path and path[-1].end <= start:
            path.pop()
        node = _Node(start, end if not path else min(end, path[-1].end), role)
        (path[-1].children if path else roots).append(node)
        path.append(node)
    return roots


def _post_body(text: str, post: Span) -> Span:
    """Leave out a post's floor number and title, and the bars of a table that only lays it out."""
    head = _POST_HEAD.match(text, *post)
    start, end = (head.end() if head else post.start), post.end
    in_cell = head is not None and head["bar"] is not None
    if head is None or head.end() == start:  # a title that is the whole post
        start += len(text[start:end]) - len(text[start:end].lstrip("# \n"))
    return Span(start, end - 1 if in_cell and text[end - 1] == "|" else end)


_POST_HEAD = re.compile(
    r"(?:\s*(?:#{1,6} [^\n]{0,60}|沙发|板凳|地板|楼主|[0-9]{1,4}[楼#]|最佳答案|推荐答案)[ \t]*\n)*"
    r"\s*(?P<bar>\|(?![^\n]*\n\|)[ \t])?"
)


class _Instruction:
    """Remembers the instruction that stands before a run of exercises and holds for each of them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0  # of the last exercise
        self._current: list[Span] = []

    def before(self, node: "_Node") -> list[Span]:
        """Give the instruction for an exercise: of the paragraph before it, or still that of the one before."""
        between = self._text[self._end : node.start].rstrip()
        if between.strip() or not self._end:
            line = between.rfind("\n") + 1
            applies = _FOLLOWING.search(between, max(line, len(between) - MAX_INSTRUCTION_CHARS))
            start = self._end + line
            self._current = [Span(start, self._end + len(between))] if applies else []
        self._end = max(self._end, node.end)
        return self._current


_FOLLOWING = re.compile(
    r"\b(?:following|these|next) (?:[a-z]+ ){0,2}(?:exercises|problems|questions)\b"
    r"|^(?:For|In) (?:Exercises|Problems|Questions)\b"
    r"|[下以][列面下]各?(?:小?题|式|方程|问题)|各题"
)


def _exercises(text: str, node: _Node, markers: Sequence[Marker]) -> list[Draft]:
    """Read one container: the exercises in it, or itself as one."""
    inner = [child for child in node.children if child.role in _CONTAINERS]
    own = [child for child in node.children if child.role in _PARTS]
    if not inner:
        return _exercise(text, node, markers)
    drafts = [draft for child in inner for draft in _exercises(text, child, markers)]
    if own:
        return [*_exercise(text, node, markers), *drafts]
    instruction = [gap for gap in _gaps(node.start, inner[0].start, node.children) if text[slice(*gap)].strip()]
    if instruction and sum(end - start for start, end in instruction) <= MAX_INSTRUCTION_CHARS:
        _prepend(text, instruction, drafts)
    return drafts


def _prepend(text: str, instruction: list[Span], drafts: Sequence[Draft]) -> None:
    """Put the instruction before each question; a lost picture is not replaced by it."""
    for draft in drafts:
        if any(c.isalnum() for span in draft.question for c in text[slice(*span)]):
            draft.question = [*instruction, *draft.question]


def _exercise(text: str, node: _Node, markers: Sequence[Marker]) -> list[Draft]:
    """Read a container that is one exercise."""
    parts = {role: [n for n in node.below() if n.role == role] for role in _PARTS}
    hints = [n for n in parts["solution"] if _is_hint(text, n)]
    solutions = [n for n in parts["solution"] if not any(h.start <= n.start and n.end <= h.end for h in hints)]
    solutions = solutions or parts["proof"]
    parts["answer"] = [n for n in parts["answer"] if not _OPTIONS.match(text, n.start, n.end)]
    if not solutions and not parts["answer"]:
        return _exercise_by_text(text, node, markers)
    draft = Draft(number=_number(text, node))
    if parts["statement"]:
        draft.question = [span for n in parts["statement"] for span in _gaps(n.start, n.end, n.children)]
    else:
        draft.question = list(_gaps(node.start, node.end, node.children))
    if solutions:
        draft.solution = list(_gaps(solutions[0].start, solutions[0].end, solutions[0].children, {"hint"}))
    if parts["answer"]:
        draft.answer = _without_label(text, Span(parts["answer"][0].start, parts["answer"][0].end))
    for spans in (draft.question, draft.solution):
        spans[:1] = [_without_number(text, _without_label(text, span)) for span in spans[:1]]
    return [draft]


_OPTIONS = re.compile(r"\s*[Aa][.)．、][^\n]*\n\s*[Bb][.)．、]")
"""What a quiz calls its answers are the options to choose from."""


def _number(text: str, node: _Node) -> str | None:
    """The number that an exercise has in its label: "Exercise 3 (Sums)"."""
    first = next(iter(find_markers(text[node.start : min(node.end, node.start + 100)].lstrip("# \n"))), None)
    return first.number if first is not None and first.start == 0 else None


def _without_number(text: str, span: Span) -> Span:
    """Leave out a number on a line of its own, as the statement and the solution of an exercise repeat it."""
    number = _BARE_NUMBER.match(text, *span)
    return Span(number.end(), span.end) if number else span


_BARE_NUMBER = re.compile(
    r"\s*(?:[0-9]{1,4}[ \t]*[.)]|Question[ \t]+[0-9]{1,3}[ \t]+of[ \t]+[0-9]{1,3})[ \t]*\n(?=\s*\S)"
)


def _exercise_by_text(text: str, node: _Node, markers: Sequence[Marker]) -> list[Draft]:
    """Read an exercise whose parts the markup does not tell: by the labels in its text, the first part a question."""
    closed = [Span(n.start, n.end) for n in node.below() if n.role in ("hint", "heading", "code")]
    first = next((span.end for span in closed if not text[node.start : span.start].strip()), node.start)
    closed = [span for span in closed if span.start >= first]
    own = markers[bisect_left(markers, first, key=_start) : bisect_left(markers, node.end, key=_start)]
    label = own[0] if own and own[0].kind is Kind.PROBLEM and not text[first : own[0].start].strip() else None
    opening = label or Marker(first, first, Kind.PROBLEM)
    inner = [m for m in own if m.kind is not Kind.PROBLEM and m.kind is not Kind.ITEM]
    hints = {"hint", "solution", "answer"}  # a part that is here is no solution, or it would have been taken
    closed += [Span(n.start, n.end) for n in node.below() if n.role in hints and n.start >= first]
    inner = [m for m in inner if not any(start <= m.start < end for start, end in closed)]
    drafts = drafts_from_text(text, [opening, *inner], node.end, _disjoint(closed))
    for draft in drafts:
        draft.number = draft.number or _number(text, node)
        draft.standing = Standing.EXAMPLE if node.role == "example" else Standing.MARKED
        draft.question[:1] = [_without_number(text, span) for span in draft.question[:1]]
    return [draft for draft in drafts if draft.question]


def _start(marker: Marker) -> int:
    return marker.start


def _heading(text: str, node: _Node) -> list[Marker]:
    """End a problem at a heading, unless the heading is itself a label such as "Problem 3" or "解答"."""
    labels = {m.kind for m in find_markers(text[node.start : node.end]) if m.start == 0}
    return [] if labels - {Kind.ITEM, Kind.STOP} else [Marker(node.start, node.start, Kind.STOP)]


_NO_LABELS = (Kind.ITEM, Kind.STOP, Kind.CONCLUSION, Kind.REPLY)  # they may as well be content


def _without_label(text: str, span: Span) -> Span:
    """Leave out the label with which a part repeats its role: "Solution.", "Exercise 3."."""
    first = find_markers(text[span.start : min(span.end, span.start + 200)].lstrip())[:1]
    if not first or first[0].start > 0 or first[0].kind in _NO_LABELS:
        return span
    skipped = len(text[slice(*span)]) - len(text[slice(*span)].lstrip()) + first[0].end
    return Span(span.start + skipped, span.end)


def _gaps(start: int, end: int, children: Sequence[_Node], roles: set[str] | None = None) -> Iterator[Span]:
    """Yield what of text[start:end] lies outside the children (those with `roles`, where given)."""
    for child in children:
        if roles is not None and child.role not in roles:
            continue
        if start < child.start:
            yield Span(start, min(child.start, end))
        start = max(start, child.end)
    if start < end:
        yield Span(start, end)


def _disjoint(spans: Sequence[Span]) -> list[Span]:
    """Sort spans and merge those that overlap."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start < merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Span(start, end))
    return merged
