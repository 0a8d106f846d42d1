"""Query expansion: a problem restated as a statement, and new problems made from it, with solutions.

The teacher writes `<statement>`, then for each new problem `<question1>`, `<solution1>` and its own check of it,
`<check1> accept: reason </check1>`. Nobody knows the answer of a new problem, so what the teacher accepts is kept only
where independent samples that see the question alone agree with it, or a program that solves it does.
"""

from collections.abc import Generator
from itertools import chain
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from mathmill.core.answers import extract_answer
from mathmill.core.config import Probability
from mathmill.core.errors import ConfigError
from mathmill.curation.synthesis.agreement import AgreementConfig, check_agreement
from mathmill.curation.synthesis.likeness import common_share, jaccard, tokens
from mathmill.curation.synthesis.program import check_program
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.replies import has_form, is_refusal, language, read_form
from mathmill.curation.synthesis.script import Ask, Execute, Made, Rejected, Result, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig
from mathmill.curation.synthesis.tags import Malformed, read_tags, read_word


class QueryExpansionConfig(MethodConfig):
    """`query_expansion:` in a recipe.

    questions: new problems for each problem. verify: how their answers are checked; there is no way to do without.
    agreement: the samples of `verify: agreement`. max_jaccard, max_common: how many tokens a new question may share
    with the original and with the new ones before it: as sets, and in their order.
    """

    questions: int = Field(default=2, ge=1, le=6)
    verify: Literal["agreement", "program"] = "agreement"
    agreement: AgreementConfig = AgreementConfig()
    max_jaccard: Probability = 0.8
    max_common: Probability = 0.85


class Pair(NamedTuple):
    """A new problem as the teacher wrote it."""

    question: str
    solution: str
    check: str


class QueryExpansion(Method):
    """Makes rows with new questions."""

    name = "query_expansion"
    version = 1
    Config: ClassVar[type[MethodConfig]] = QueryExpansionConfig
    config: QueryExpansionConfig

    def __init__(self, config: MethodConfig) -> None:
        super().__init__(config)
        role = self.config.agreement.role
        if self.config.verify == "agreement" and getattr(config, role) is None:
            raise ConfigError(f"{self.name} solves new questions with the {role}: give `{role}: {{url: …, model: …}}`")

    def script(self, row: dict[str, Any]) -> Script:
        """One question to the teacher, then one for each new problem that it accepts."""
        lang = language(row)
        numbers = list(range(1, self.config.questions + 1))
        prompt = load_prompt(self.name, "teacher", lang)
        messages = prompt.render(
            question=row["question"], solution=row["solution"], answer=row["answer"], numbers=numbers
        )
        reply = yield Ask("teacher", messages)
        expanded = read_form(reply, lambda text: _read(text, numbers))
        if isinstance(expanded, Rejected):
            return [expanded]
        results: list[Result] = []
        known = [tokens(row["question"])]
        for number, pair in enumerate(expanded):
            answer = self._judge(pair, known)
            if not isinstance(answer, Rejected):
                fault = yield from self._verify(pair.question, answer, lang)
                if fault is None:
                    known.append(tokens(pair.question))
                    made = Made(
                        pair.question,
                        pair.solution,
                        answer,
                        prompt=prompt.name,
                        sample=number,
                        lang=row["lang"] or lang,
                    )
                    results.append(made)
                    continue
                answer = fault
            results.append(answer)
        return results

    def later_asks(self) -> dict[str, int]:
        """See `Method`."""
        if self.config.verify == "program":
            return {"teacher": self.config.questions}
        return {self.config.agreement.role: self.config.questions * self.config.agreement.samples}

    def _judge(self, pair: Pair, known: list[list[str]]) -> str | Rejected:
        """The answer of a new problem, or why it is refused without asking further."""
        try:
            verdict = read_word(pair.check, ("accept", "refuse"))
        except Malformed as error:
            return Rejected("malformed", str(error))
        if verdict == "refuse":
            return Rejected("self_check_refused", pair.check)
        if is_refusal(pair.solution) or is_refusal(pair.question):
            return Rejected("refusal", pair.solution)
        if has_form(pair.question) or has_form(pair.solution):
            return Rejected("malformed", "a tag is left in the new problem")
        for other in known:
            words = tokens(pair.question)
            shared, common = jaccard(words, other), common_share(words, other)
            if shared > self.config.max_jaccard or common > self.config.max_common:
                return Rejected("not_novel", pair.question, max(shared, common))
        return extract_answer(pair.solution) or Rejected("no_final_answer", pair.solution[-200:])

    def _verify(self, question: str, answer: str, lang: str) -> Generator[Ask | Execute, Any, Rejected | None]:
        if self.config.verify == "program":
            return (yield from check_program(question, answer, lang))
        return (yield from check_agreement(self.config.agreement, question, answer, lang))


def _read(text: str, numbers: list[int]) -> list[Pair]:
    """The new problems."""
    triples = [(f"question{i}", f"solution{i}", f"check{i}") for i in numbers]
    found = read_tags(text, ["statement", *chain.from_iterable(triples)])
    if found["statement"].endswith(("?", "？")):
        raise Malformed("<statement> is a question")
    return [Pair(*(found[name] for name in triple)) for triple in triples]
