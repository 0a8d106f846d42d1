r"""Response diversification: further solutions of a problem whose solution is known, each another way.

The teacher is asked once for all of them. It first says whether it accepts, `<response> accept <\response>`, then
gives `<solution2>`, `<solution3>`. A solution is kept where it reaches the known answer and differs from the original
and from those before it, in its words and in what it calculates.
"""

from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from mathmill.core.answers import extract_answer, is_equivalent
from mathmill.core.config import Probability
from mathmill.curation.synthesis.calculations import equation_list
from mathmill.curation.synthesis.likeness import containment, tokens
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.replies import has_form, is_refusal, known_answer, language, read_form
from mathmill.curation.synthesis.script import Ask, Made, Rejected, Result, Row, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig
from mathmill.curation.synthesis.tags import Malformed, read_tags, read_word


class ResponseDiversificationConfig(MethodConfig):
    """`response_diversification:` in a recipe.

    solutions: how many further ones are asked for. max_likeness: the most of the shorter solution's trigrams of tokens
    that another may share. same_equations: whether solutions that write down the same calculations may stand beside
    each other. without_answer: what becomes of problems without a known answer: refused, or taken where all new
    solutions (two at least) agree.
    """

    solutions: int = Field(default=2, ge=1, le=6)
    max_likeness: Probability = 0.7
    same_equations: bool = False
    without_answer: bool = False


class ResponseDiversification(Method):
    """Makes rows with the question of a problem and another solution."""

    name = "response_diversification"
    version = 1
    Config: ClassVar[type[MethodConfig]] = ResponseDiversificationConfig
    config: ResponseDiversificationConfig

    def script(self, row: dict[str, Any]) -> Script:
        """One question to the teacher."""
        config = self.config
        known = known_answer(row)
        if known is None and not (config.without_answer and config.solutions > 1):
            return [Rejected("no_answer")]
        numbers = [str(2 + i) for i in range(config.solutions)]
        prompt = load_prompt(self.name, "teacher", language(row))
        messages = prompt.render(
            question=row["question"], solution=row["solution"], answer=known, numbers=numbers, count=len(numbers)
        )
        reply = yield Ask("teacher", messages)
        solutions = read_form(reply, lambda text: _read(text, numbers))
        if isinstance(solutions, Rejected):
            return [solutions]
        if known is None:
            known = _agreed(solutions)
            if known is None:
                return [Rejected("disagreement", ", ".join(str(extract_answer(text)) for text in solutions))]
        return self._judge(row, known, solutions, prompt.name)

    def _judge(self, row: Row, known: str, solutions: list[str], prompt: str) -> list[Result]:
        """Keep what is right and new."""
        results: list[Result] = []
        earlier = [("copy", _Written.of(row["solution"]))] if row["solution"] else []
        for number, text in enumerate(solutions):
            fault = check_solution(text, known)
            if fault is None:
                written = _Written.of(text)
                fault = next(filter(None, (self._likeness(written, other, why) for why, other in earlier)), None)
            if fault is not None:
                results.append(fault)
                continue
            earlier.append(("same_solution", written))
            results.append(
                Made(row["question"], text, known, prompt=prompt, sample=number, lang=row["lang"] or language(row))
            )
        return results

    def _likeness(self, a: "_Written", b: "_Written", reason: str) -> Rejected | None:
        share = containment(a.tokens, b.tokens)
        if share > self.config.max_likeness:
            return Rejected(reason, score=share)
        if not self.config.same_equations and a.equations and set(a.equations) == set(b.equations):
            return Rejected("same_equations", "; ".join(a.equations), share)
        return None


class _Written(NamedTuple):
    """What of a solution is compared."""

    tokens: list[str]
    equations: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "_Written":
        return cls(tokens(text), equation_list(text))


def check_solution(text: str, known: str) -> Rejected | None:
    """What is wrong with a solution by itself: a refusal, remains of the form, no answer or a wrong one."""
    if is_refusal(text):
        return Rejected("refusal", text)
    if has_form(text):
        return Rejected("malformed", "a tag is left in the solution")
    answer = extract_answer(text)
    if answer is None:
        return Rejected("no_final_answer", text[-200:])
    if not is_equivalent(answer, known):
        return Rejected("wrong_answer", f"{answer} is not {known}")
    return None


def _read(text: str, numbers: list[str]) -> list[str] | Rejected:
    """The solutions, or that the teacher does not accept."""
    names = [f"solution{number}" for number in numbers]
    found = read_tags(text, ["response", *names], optional=names)
    if read_word(found["response"], ("accept", "refuse")) == "refuse":
        return Rejected("declined", found["response"])
    if missing := [name for name in names if name not in found]:
        raise Malformed(f"<{missing[0]}> is missing")
    return [found[name] for name in names]


def _agreed(solutions: list[str]) -> str | None:
    """The answer that all solutions give, None where they do not agree."""
    answers = [extract_answer(text) for text in solutions]
    first = answers[0]
    if first is None or any(other is None or not is_equivalent(first, other) for other in answers[1:]):
        return None
    return first
