r"""Problems in texts that have no label for the question: JSON records, and a question above its answer.

`{"question": …, "answer": …}` lines are read by their fields. In a short text, what asks something and stands before
the first "答：", "Solution:", or before a solution that ends in `#### 72` or `\boxed{72}`, is the question.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mathmill.core.mathtext import find_formulas
from mathmill.curation.problems.asking import asks
from mathmill.curation.problems.markers import Kind, Marker
from mathmill.curation.problems.problem import Draft, Formula, Problem, Span, build

MAX_RECORD_CHARS = 1 << 24
MAX_TEXT_CHARS = 20_000
MAX_QUESTION_CHARS = 2_000

_QUESTIONS = ("question", "problem", "prompt", "instruction", "query", "题目", "问题")
_SOLUTIONS = ("solution", "explanation", "rationale", "analysis", "response", "output", "解析", "解答")
_ANSWERS = ("final_answer", "answer", "答案")
_OPTIONS = ("options", "choices", "选项")
_FIELD = re.compile(rf'"(?:{"|".join(_QUESTIONS)})"\s*:', re.IGNORECASE)


def from_records(text: str) -> list[Problem] | None:
    """Read a text that is JSON, or lines of JSON, with questions in it; None where it is something else."""
    start = text[:200].lstrip()[:1]
    if start not in ("{", "[") or len(text) > MAX_RECORD_CHARS or not _FIELD.search(text, 0, 5_000):
        return None
    problems = [problem for row in _rows(text) if (problem := _of_record(row)) is not None]
    return problems or None


def _rows(text: str) -> list[Any]:
    try:
        whole = json.loads(text, strict=False)
        return whole if isinstance(whole, list) else [whole]
    except (ValueError, RecursionError):
        pass
    rows = []
    for line in text.splitlines():
        try:
            rows.append(json.loads(line.strip().rstrip(","), strict=False))
        except (ValueError, RecursionError):
            continue
    return rows


def _of_record(row: Any) -> Problem | None:
    """A record's problem; its spans are empty, since the text of a record is escaped."""
    if not isinstance(row, Mapping):
        return None
    question, solution, answer = (_first(row, names) for names in (_QUESTIONS, _SOLUTIONS, _ANSWERS))
    if not question:
        return None
    options = next((row[name] for name in _OPTIONS if isinstance(row.get(name), Sequence)), ())
    if options and all(isinstance(option, str) for option in options) and not isinstance(options, str):
        lettered = (o if _LETTER.match(o) else f"{chr(65 + i)}. {o}" for i, o in enumerate(options))
        question = "\n".join([question, *lettered])
    text = "\n\n".join([question, solution, answer])
    first, second = len(question), len(question) + 2 + len(solution)
    draft = Draft(question=[Span(0, first)])
    if solution:
        draft.solution = [Span(first + 2, second)]
    if answer:
        draft.answer = Span(second + 2, len(text))
    problem = build(text, [Formula(*span) for span in find_formulas(text)], draft)
    return None if problem is None else replace(problem, spans=())


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


_STATED = re.compile(r"^####[ \t]*\S|\\boxed\b", re.MULTILINE)
_FIRST_PARAGRAPH = re.compile(r"\s*[^\n]+[?？][ \t]*\n|\s*(?:[^\n]+\n){1,40}?[ \t]*\n")
_LETTER = re.compile(r"[(（]?[A-J][)）.．:、]")
_PARTS = (Kind.SOLUTION, Kind.ANSWER, Kind.CONCLUSION)


def implied_markers(text: str, markers: Sequence[Marker]) -> list[Marker]:
    """Add the markers that a short text without a label of its question leaves out; none where it poses no question."""
    if len(text) > MAX_TEXT_CHARS:
        return []
    first = next((marker for marker in markers if marker.kind in _PARTS or marker.kind is Kind.KEY), None)
    if first is not None:
        is_asked = first.start <= MAX_QUESTION_CHARS and asks(text[: first.start].strip())
        return [Marker(0, 0, Kind.PROBLEM), *markers] if is_asked else []
    if not _STATED.search(text):
        return []
    question = _FIRST_PARAGRAPH.match(text)
    if question is None or question.end() > MAX_QUESTION_CHARS or not asks(question[0].strip()):
        return []
    return [Marker(0, 0, Kind.PROBLEM), Marker(question.end(), question.end(), Kind.SOLUTION)]
