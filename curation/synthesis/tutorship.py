"""Tutorship amplification: a student solves a problem, a teacher finds the wrong step, mends it and goes on.

The teacher sees the problem, its solution and answer, and the student's attempt. It says `<check> correct </check>` or
`<check> wrong </check>`, and then quotes the first wrong step in `<step>`, may explain in `<reason>`, and goes on from
there to the end in `<correction>`. Rules know whether the attempt is right, so a wrong verdict is seen; the quoted step
must stand in the attempt, and the correction must reach the known answer.
"""

import re
from collections.abc import Generator
from typing import Any, ClassVar, NamedTuple

import xxhash
from pydantic import Field, model_validator

from mathmill.core.answers import extract_answer, is_equivalent
from mathmill.core.config import Config, Probability
from mathmill.curation.problems.steps import segment_steps
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.replies import (
    has_form,
    is_refusal,
    known_answer,
    language,
    read_form,
    read_sample,
)
from mathmill.curation.synthesis.response_diversification import check_solution
from mathmill.curation.synthesis.script import Ask, Made, Rejected, Result, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig
from mathmill.curation.synthesis.tags import Malformed, read_tags, read_word


class Markers(Config):
    """How attempt and correction become one solution; `{step}`, `{reason}` and `{answer}` are put in.

    final: added where the attempt's answer would otherwise be taken for that of the whole.
    """

    student: str = "Student: "
    wrong: str = "Teacher: There is a mistake in this step: {step}"
    reason: str = "{reason}"
    correction: str = "From there, the correct way is:"
    correct: str = "Teacher: This solution is correct."
    final: str = "The correct answer is $\\boxed{{{answer}}}$."

    @model_validator(mode="after")
    def _fit(self) -> "Markers":
        try:
            for marker, value in (("wrong", "step"), ("reason", "reason"), ("final", "answer")):
                getattr(self, marker).format(**{value: ""})
        except (KeyError, IndexError, ValueError):
            raise ValueError(f"{marker} may hold {{{value}}} in braces, and other braces only doubled") from None
        return self


MARKERS = {
    "en": Markers(),
    "zh": Markers(
        student="学生：",
        wrong="老师：这一步有错误：{step}",
        correction="从这里开始，正确的做法是：",
        correct="老师：这个解答是正确的。",
        final="正确答案是 $\\boxed{{{answer}}}$。",
    ),
}


class TutorshipConfig(MethodConfig):
    """`tutorship:` in a recipe.

    attempts: samples of the student for each problem. keep_correct: share of the correct attempts that become rows,
    chosen by their problem's id. markers: by language, where not ours.
    """

    attempts: int = Field(default=1, ge=1, le=64)
    keep_correct: Probability = 0.25
    seed: int | None = 1
    markers: dict[str, Markers] = {}


class Review(NamedTuple):
    """What the teacher says of an attempt; the last three only where it is wrong."""

    is_correct: bool
    step: str = ""
    reason: str = ""
    correction: str = ""


class Tutorship(Method):
    """Makes rows of an attempt with its correction."""

    name = "tutorship"
    version = 1
    Config: ClassVar[type[MethodConfig]] = TutorshipConfig
    roles: ClassVar[tuple[str, ...]] = ("teacher", "student")
    config: TutorshipConfig

    def script(self, row: dict[str, Any]) -> Script:
        """The student's attempts in one request, then the teacher's review of each."""
        known = known_answer(row)
        if known is None:
            return [Rejected("no_answer")]
        student = load_prompt(self.name, "student", language(row))
        messages = student.render(question=row["question"])
        attempts = yield Ask("student", messages, n=self.config.attempts, seed=self.config.seed)
        results: list[Result] = []
        seen: set[str] = set()
        for sample in range(self.config.attempts):
            attempt = _read_attempt(attempts, sample)
            if not isinstance(attempt, Rejected) and attempt in seen:
                attempt = Rejected("same_attempt")
            if isinstance(attempt, Rejected):
                results.append(attempt)
                continue
            seen.add(attempt)
            results.append((yield from self._review(row, known, attempt, sample)))
        return results

    def later_asks(self) -> dict[str, int]:
        """See `Method`."""
        return {"teacher": self.config.attempts}

    def _review(self, row: dict[str, Any], known: str, attempt: str, sample: int) -> Generator[Ask, Any, Result]:
        lang = language(row)
        prompt = load_prompt(self.name, "teacher", lang)
        reply = yield Ask(
            "teacher",
            prompt.render(question=row["question"], solution=row["solution"], answer=known, attempt=attempt),
        )
        review = read_form(reply, _read_review)
        if isinstance(review, Rejected):
            return review
        answer = extract_answer(attempt)
        is_right = answer is not None and is_equivalent(answer, known)
        if review.is_correct != is_right:
            said = "correct" if review.is_correct else "wrong"
            return Rejected("wrong_verdict", f"called {said}, but it gives {answer} where {known} is right")
        if is_right and not self._keeps(row["problem_id"], sample):
            return Rejected("correct_not_kept")
        fault = None if is_right else _check_review(review, attempt, known)
        if fault is not None:
            return fault
        markers = self.config.markers.get(lang, MARKERS[lang])
        solution = compose(markers, attempt, review, known)
        return Made(row["question"], solution, known, prompt=prompt.name, sample=sample, lang=row["lang"] or lang)

    def _keeps(self, problem_id: str, sample: int) -> bool:
        """Choose correct attempts by a hash, the same ones every time."""
        return xxhash.xxh3_64_intdigest(f"{problem_id}/{sample}".encode()) / 2**64 < self.config.keep_correct


def compose(markers: Markers, attempt: str, review: Review, known: str) -> str:
    """Attempt and review as one text whose final answer is the known one."""
    parts = [markers.student + attempt]
    if review.is_correct:
        parts.append(markers.correct)
    else:
        parts.append(markers.wrong.format(step=review.step))
        parts += [markers.reason.format(reason=review.reason)] if review.reason else []
        parts += [markers.correction, review.correction]
    solution = "\n\n".join(parts)
    stated = extract_answer(solution)
    if stated is None or not is_equivalent(stated, known):
        solution += "\n\n" + markers.final.format(answer=known.strip("$ "))
    return solution


def _read_attempt(reply: Any, sample: int) -> str | Rejected:
    """A student's attempt: wrong is good, but it must be one."""
    text = read_sample(reply, sample)
    if isinstance(text, Rejected):
        return text._replace(reason="student_truncated")
    if not text:
        return Rejected("student_empty")
    if is_refusal(text):
        return Rejected("student_refusal", text)
    return Rejected("student_malformed", "a tag is left in the attempt") if has_form(text) else text


def _read_review(text: str) -> Review:
    rest = ("step", "reason", "correction")
    found = read_tags(text, ["check", *rest], optional=rest)
    if read_word(found["check"], ("correct", "wrong")) == "correct":
        if len(found) > 1:
            raise Malformed("called correct, and corrected")
        return Review(True)
    if missing := [name for name in ("step", "correction") if name not in found]:
        raise Malformed(f"<{missing[0]}> is missing")
    return Review(False, found["step"].strip('"“”「」'), found.get("reason", ""), found["correction"])


def _check_review(review: Review, attempt: str, known: str) -> Rejected | None:
    """Whether the step is one of the attempt's, and the correction right."""
    step, written = _squeeze(review.step), _squeeze(attempt)
    if not step or step not in written:
        return Rejected("step_not_found", review.step)
    if len(step) > 0.8 * len(written) and len(segment_steps(attempt)) > 2:
        return Rejected("step_not_located", review.step)
    if has_form(review.reason):
        return Rejected("malformed", "a tag is left in the reason")
    return check_solution(review.correction, known)


def _squeeze(text: str) -> str:
    """A text without what quoting changes: spaces, dollar signs, emphasis."""
    return re.sub(r"[\s$*`]|\\[()\[\]]", "", text)
