r"""Let a model restore problems that are not whole: an optional pass between `extract_problems` and `complete`.

Asked only about problems with a complaint that words can mend (`completeness`; a lost figure is none), and believed
only where something else agrees: the known answer, or several samples with one another. A restored question must hold
every formula and number of the old one. Without this stage the rules of `complete` stand alone.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from pydantic import Field, model_validator

from mathmill.core.answers import extract_answer, is_equivalent
from mathmill.core.mathnorm import normalise_formula
from mathmill.core.mathtext import find_formulas
from mathmill.core.request import Completion
from mathmill.curation.problems.complete import Complaint
from mathmill.curation.problems.completeness import complaints, reaches
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.script import Ask, Changed, Made, Rejected, Result, Row, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig, child_row
from mathmill.curation.synthesis.tags import Malformed, read_tags, read_word

METHOD = "repaired"
"""`method` of a restored problem; its `parent_id` is the damaged one's id."""

_FAULTS = {
    "en": {
        "unfinished_question": "the question breaks off",
        "unfinished_solution": "the solution breaks off",
        "answer_not_reached": "the solution does not arrive at the answer",
        "no_answer": "the final answer is missing",
    },
    "zh": {
        "unfinished_question": "题目中断",
        "unfinished_solution": "解答中断",
        "answer_not_reached": "解答没有得出所给答案",
        "no_answer": "缺少最终答案",
    },
}


class RepairConfig(MethodConfig):
    """`repair:` in a recipe.

    complaints: which of them are worth a request. samples, agree: where no answer is known, so many independent
    repairs are asked for, and so many of them must come to the same answer; where one is known, one repair is asked
    for, which must come to it. keep_originals: whether a problem that could not be restored goes on as it was, counted
    by reason as `unrepaired:…`; else it is dropped with that reason. teacher, cache, budget: as for every method.
    """

    complaints: tuple[Complaint, ...] = (
        "unfinished_question",
        "unfinished_solution",
        "answer_not_reached",
        "no_answer",
    )
    samples: int = Field(default=3, ge=1)
    agree: int = Field(default=2, ge=1)

    @model_validator(mode="after")
    def _possible(self) -> "RepairConfig":
        if self.agree > self.samples:
            raise ValueError(f"{self.agree} of {self.samples} samples cannot agree; lower `agree` or raise `samples`")
        if "missing_figure" in self.complaints:
            raise ValueError("missing_figure cannot be repaired: the model does not see the figure either")
        return self


class Repair(Method):
    """Replaces damaged problems by restored ones; others go on as they are.

    Reasons against a repair: unverifiable (a proof), cut_off, malformed, refused, answer_changed, formula_lost,
    answer_not_reached, still_incomplete, no_agreement.
    """

    name = "repair"
    version = 1
    Config: ClassVar[type[MethodConfig]] = RepairConfig
    config: RepairConfig

    def script(self, row: Row) -> Script:
        """Ask once, check, and replace the row or say why not."""
        question, solution, answer = row["question"], row["solution"], row["answer"]
        found = complaints(question, solution, answer)
        faults = [complaint for complaint in found if complaint in self.config.complaints]
        if solution is None and answer is not None and "unfinished_solution" in self.config.complaints:
            faults.append("unfinished_solution")
        if not faults or "missing_figure" in found:
            return [Changed({})]
        if answer is None and "no_answer" not in found:  # a proof: nothing agrees or disagrees with a new one
            return self._unrepaired(Rejected("unverifiable"))
        damage = _Damage(question, solution, answer, faults)
        lang = row["lang"] if row["lang"] in _FAULTS else "en"
        prompt = load_prompt(self.name, "teacher", lang)
        messages = prompt.render(
            faults=[_FAULTS[lang][fault] for fault in faults],
            question=question,
            solution=solution,
            answer=answer,
            mends_question="unfinished_question" in faults,
        )
        n_samples = 1 if answer is not None else self.config.samples
        completion: Completion = yield Ask("teacher", messages, n=n_samples)
        results = [
            damage.check(text, reason) for text, reason in zip(completion.texts, completion.finish_reasons, strict=True)
        ]
        chosen = _agreed(results, 1 if answer is not None else self.config.agree)
        if isinstance(chosen, Rejected):
            return self._unrepaired(chosen)
        number, repair = chosen
        made = Made(repair.question, repair.solution, repair.answer, prompt=prompt.name, sample=number)
        self.count("repaired")
        return [Changed(child_row(self, dict(row), number, made) | {"method": METHOD})]

    def _unrepaired(self, rejected: Rejected) -> Sequence[Result]:
        if not self.config.keep_originals:
            return [rejected]
        self.count(f"unrepaired:{rejected.reason}")
        return [Changed({})]


class _Repair(NamedTuple):
    question: str
    solution: str
    answer: str


class _Damage(NamedTuple):
    """What is known of a damaged problem."""

    question: str
    solution: str | None
    answer: str | None
    faults: Sequence[str]

    def check(self, text: str, finish_reason: str) -> _Repair | Rejected:
        """Read what the model wrote, and hold it against what is known."""
        if finish_reason == "length":
            return Rejected("cut_off", text[-100:])
        try:
            verdict = read_word(read_tags(text, ["verdict"])["verdict"], ("repaired", "impossible"))
            if verdict == "impossible":
                return Rejected("refused")
            tags = read_tags(text, ["verdict", "question", "solution", "answer"])
        except Malformed as error:
            return Rejected("malformed", str(error))
        answer, solution = tags["answer"].strip("$ "), tags["solution"]
        if self.answer is not None:
            if not is_equivalent(answer, self.answer):
                return Rejected("answer_changed", f"{answer} for {self.answer}")
            answer = self.answer
        question = self.question
        if "unfinished_question" in self.faults:
            question = tags["question"]
            if lost := _lost(self.question, question):
                return Rejected("formula_lost", lost)
        reached = extract_answer(solution)
        if reached is None or not is_equivalent(reached, answer):
            return Rejected("answer_not_reached", reached)
        if self.solution is not None and list(self.faults) == ["no_answer"]:  # the solution is whole, and stays
            solution = self.solution
            if not reaches(solution, answer):
                return Rejected("answer_not_reached", answer)
        if left := complaints(question, solution, answer):
            return Rejected("still_incomplete", left[0])
        return _Repair(question, solution, answer)


def _agreed(results: Sequence[_Repair | Rejected], agree: int) -> tuple[int, _Repair] | Rejected:
    """The first repair that enough others agree with; else the commonest reason against them."""
    repairs = [(number, result) for number, result in enumerate(results) if isinstance(result, _Repair)]
    for number, repair in repairs:
        if sum(is_equivalent(other.answer, repair.answer) for _, other in repairs) >= agree:
            return number, repair
    if len(repairs) >= agree:
        return Rejected("no_agreement", "; ".join(repair.answer for _, repair in repairs))
    rejected = [result for result in results if isinstance(result, Rejected)]
    if not rejected:
        return Rejected("no_agreement")
    commonest = Counter(result.reason for result in rejected).most_common(1)[0][0]
    return next(result for result in rejected if result.reason == commonest)


_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))")
_TORN_NUMBER = re.compile(r"[\d.,]+\s*\Z")
_DELIMITERS = re.compile(r"\A(?:\$\$?|\\\(|\\\[)|(?:\$\$?|\\\)|\\\])\Z")


def _lost(old: str, new: str) -> str | None:
    """The first formula or number of a question that breaks off which its restored version has not as often."""
    missing = _formulas(old) - _formulas(new)
    missing += _numbers(_TORN_NUMBER.sub("", old)) - _numbers(new)
    return next(iter(missing), None)


def _formulas(text: str) -> Counter[str]:
    """The formulas of a text, in their canonical spelling."""
    spans = find_formulas(text)
    return Counter(normalise_formula(_DELIMITERS.sub("", text[span.start : span.end])) for span in spans)


def _numbers(text: str) -> Counter[str]:
    return Counter(_NUMBER.findall(_THOUSANDS.sub("", text)))
