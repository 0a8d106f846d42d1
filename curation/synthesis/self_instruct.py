"""Self-instruct over sub-domains: new problems after the pattern of seed tasks, kept where they are new and solvable.

Each problem of the input is a draw: with it and some seed tasks of a sub-domain as examples the teacher writes new
problems. New is what is unlike all seed tasks, all input and all new ones before it (`novelty`); that is judged in the
order of the input, so the answers' order changes nothing. What is new is solved several times and kept where the
samples agree, and where a judge, if there is one, scores it high enough.
"""

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import Field, field_validator

from mathmill.core.answers import extract_answer, is_equivalent
from mathmill.core.config import Probability
from mathmill.core.errors import ConfigError
from mathmill.core.stage import OUT, QUARANTINE_PORT, Output, StageContext
from mathmill.curation.synthesis.agreement import DISAGREEMENT, AgreementConfig
from mathmill.curation.synthesis.calculations import wrong_calculations
from mathmill.curation.synthesis.drawing import draw_for
from mathmill.curation.synthesis.likeness import tokens
from mathmill.curation.synthesis.novelty import NoveltyFilter, Verdict
from mathmill.curation.synthesis.prompts import LANGUAGES, load_prompt
from mathmill.curation.synthesis.replies import has_form, is_refusal, language, read_form, read_sample
from mathmill.curation.synthesis.script import Ask, Made, Rejected, Result, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig
from mathmill.curation.synthesis.tags import Malformed, read_tags

_LEAST_TOKENS = 6
_WORST, _BEST = 1, 10  # scores of the judge


@cache
def seed_tasks() -> dict[str, dict[str, Any]]:
    """By sub-domain: its `names` by language, and under each language its tasks."""
    file = resources.files("mathmill.curation.synthesis") / "prompts" / "self_instruct" / "seeds.yaml"
    found: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


class SelfInstructConfig(MethodConfig):
    """`self_instruct:` in a recipe.

    domains: sub-domains, all where empty. label: a column of the input that names a problem's sub-domain, such as
    "source"; without, sub-domains are drawn. questions: new problems asked for at a time. shots: examples shown;
    shows_problem: whether the problem of the input is one. max_common, max_jaccard: how like an earlier text a new one
    may be, see `novelty`. agreement: how it is solved. least_score: of the judge, 1 to 10.
    """

    domains: tuple[str, ...] = ()
    label: str | None = None
    questions: int = Field(default=4, ge=1, le=20)
    shots: int = Field(default=4, ge=1, le=7)
    shows_problem: bool = True
    max_common: Probability = 0.7
    max_jaccard: Probability = 0.6
    agreement: AgreementConfig = AgreementConfig()
    least_score: int = Field(default=6, ge=_WORST, le=_BEST)
    seed: int = 1

    @field_validator("domains")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in seed_tasks()]:
            raise ValueError(f"no sub-domain {unknown[0]!r}; there are {', '.join(seed_tasks())}")
        return names


class _New(NamedTuple):
    """A problem that the teacher wrote. number: among those of one answer."""

    number: int
    question: str
    verdict: Verdict | None = None


class SelfInstruct(Method):
    """Makes rows with new questions; their parent is the problem for which they were drawn."""

    name = "self_instruct"
    version = 1
    Config: ClassVar[type[MethodConfig]] = SelfInstructConfig
    config: SelfInstructConfig
    _chosen: dict[str, list[_New]] | None = None  # by problem; None while problems are being proposed

    def __init__(self, config: MethodConfig) -> None:
        super().__init__(config)
        role = self.config.agreement.role
        if getattr(self.config, role) is None:
            raise ConfigError(f"{self.name} solves new questions with the {role}: give `{role}: {{url: …, model: …}}`")
        self._proposed: dict[str, list[_New]] = {}

    def output_schemas(self, input_schema: pa.Schema) -> dict[str, pa.Schema]:
        """Problems in, problems out."""
        if self.config.label is not None and self.config.label not in input_schema.names:
            raise ConfigError(f"self_instruct: label is {self.config.label!r}, and problems have no such column")
        return super().output_schemas(input_schema)

    def open(self, context: StageContext) -> None:
        """Open the models, and take note of the seed tasks."""
        super().open(context)
        self._novelty = NoveltyFilter(self.config.max_common, self.config.max_jaccard)
        self._known = [task for domain in seed_tasks().values() for lang in LANGUAGES for task in domain[lang]]
        self._novelty.add(self._known)

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """First all problems of a part of the stream are proposed, then judged in order, then solved."""
        for part in _parts(batches, self.config.in_hand):
            self._chosen, self._proposed = None, {}
            failed: list[str] = []
            for port, batch in super().process(iter(part)):
                if port != OUT:
                    yield port, batch
                if port == QUARANTINE_PORT:
                    failed += batch.column("id").to_pylist()
            self._chosen = self._choose(part)
            values = pa.array(failed, pa.string())
            remaining = (batch.filter(pc.invert(pc.is_in(batch.column("problem_id"), values))) for batch in part)
            yield from super().process(remaining)

    def script(self, row: dict[str, Any]) -> Script:
        """One question for new problems; the second time, several for each that is new."""
        return self._propose(row) if self._chosen is None else self._solve(row, self._chosen)

    def later_asks(self) -> dict[str, int]:
        """See `Method`."""
        later: dict[str, int] = {self.config.agreement.role: self.config.questions * self.config.agreement.samples}
        return later if self.config.judge is None else {**later, "judge": self.config.questions}

    def _propose(self, row: dict[str, Any]) -> Script:
        lang = language(row)
        draw = draw_for(row["problem_id"], self.config.seed)
        label = None if self.config.label is None else row[self.config.label]
        names = self.config.domains or tuple(seed_tasks())
        if self.config.label is not None and label not in names:
            return [Rejected("no_such_domain", str(label))]
        domain = seed_tasks()[label or draw.choice(names)]
        n_seeds = self.config.shots - self.config.shows_problem
        seeds = draw.sample(domain[lang], min(n_seeds, len(domain[lang])))
        seeds += [row["question"]] if self.config.shows_problem else []
        numbers = list(range(1, self.config.questions + 1))
        messages = load_prompt(self.name, "teacher", lang).render(
            domain=domain["names"][lang], seeds=seeds, numbers=numbers
        )
        reply = yield Ask("teacher", messages, seed=draw.getrandbits(31))
        names_of_tags = [f"question{number}" for number in numbers]
        found = read_form(reply, lambda text: read_tags(text, names_of_tags))
        if isinstance(found, Rejected):
            return [found]
        results: list[Result] = []
        new = self._proposed.setdefault(row["problem_id"], [])
        for number, question in enumerate(found.values()):
            if is_refusal(question) or has_form(question):
                results.append(Rejected("refusal" if is_refusal(question) else "malformed", question))
            elif len(tokens(question)) < _LEAST_TOKENS:
                results.append(Rejected("too_short", question))
            else:
                new.append(_New(number, question))
        return results

    def _choose(self, part: list[pa.RecordBatch]) -> dict[str, list[_New]]:
        """Judge what was proposed, in the order of the input, against all that is known."""
        ids = list(dict.fromkeys(id_ for batch in part for id_ in batch.column("problem_id").to_pylist()))
        given = [question for batch in part for question in batch.column("question").to_pylist()]
        proposed = [(id_, new) for id_ in ids for new in self._proposed.get(id_, [])]
        questions = [new.question for _, new in proposed]
        verdicts = self._novelty.add([*given, *questions])[len(given) :]
        self._known += [*given, *questions]
        chosen: dict[str, list[_New]] = {}
        for (id_, new), verdict in zip(proposed, verdicts, strict=True):
            chosen.setdefault(id_, []).append(new._replace(verdict=verdict))
        return chosen

    def _solve(self, row: dict[str, Any], chosen: dict[str, list[_New]]) -> Script:
        results: list[Result] = []
        for new in chosen.get(row["problem_id"], []):
            verdict = new.verdict
            if verdict is not None and not verdict.is_new:
                like = self._known[verdict.like] if verdict.like >= 0 else "nothing"
                results.append(Rejected("not_novel", f"{new.question} is like: {like}", max(verdict[1:])))
                continue
            result = yield from self._solved(new, language(row))
            if isinstance(result, Made) and self.config.judge is not None:
                result = yield from self._judged(result)
            results.append(result)
        return results

    def _solved(self, new: _New, lang: str) -> Generator[Ask, Any, Made | Rejected]:
        """The row of a problem whose samples agree: with the first solution whose calculations check out."""
        config = self.config.agreement
        messages = load_prompt("agreement", "solve", lang).render(question=new.question)
        reply = yield Ask(config.role, messages, n=config.samples, temperature=config.temperature, seed=config.seed)
        solved: list[tuple[str, str]] = []  # text, answer
        for sample in range(config.samples):
            text = read_sample(reply, sample)
            if not isinstance(text, Rejected) and not is_refusal(text) and (answer := extract_answer(text)):
                solved.append((text, answer))
        groups: list[list[tuple[str, str]]] = []
        for one in solved:
            group = next((group for group in groups if is_equivalent(one[1], group[0][1])), None)
            groups.append([one]) if group is None else group.append(one)
        most = max(groups, key=len, default=[])
        if len(most) < config.at_least:
            counts = Counter(answer for _, answer in solved)
            detail = f"{len(most)} of {config.samples} samples agree: {', '.join(counts) or 'no answers'}"
            return Rejected(DISAGREEMENT, detail, len(most) / config.samples)
        right = next((one for one in most if not has_form(one[0]) and not wrong_calculations(one[0])), None)
        if right is None:
            return Rejected("wrong_calculation", "; ".join(wrong_calculations(most[0][0])))
        prompt = load_prompt(self.name, "teacher", lang).name
        return Made(new.question, *right, prompt=prompt, sample=new.number, lang=lang)

    def _judged(self, made: Made) -> Generator[Ask, Any, Made | Rejected]:
        """The row with its score, or that it is too low."""
        messages = load_prompt(self.name, "judge", made.lang).render(question=made.question, solution=made.solution)
        reply = yield Ask("judge", messages, temperature=0.0)
        found = read_form(reply, _read_score)
        if isinstance(found, Rejected):
            return found._replace(reason=f"judge_{found.reason}")
        score, reason = found
        share = (score - _WORST) / (_BEST - _WORST)
        if score < self.config.least_score:
            return Rejected("low_score", reason, share)
        return made._replace(critique_score=share)


def _read_score(text: str) -> tuple[int, str]:
    found = read_tags(text, ["reason", "score"])
    match = re.fullmatch(r"(\d{1,2})(?:\s*/\s*10)?[.。]?", found["score"])
    if match is None or not _WORST <= int(match[1]) <= _BEST:
        raise Malformed(f"{found['score'][:40]!r} is no score from {_WORST} to {_BEST}")
    return int(match[1]), found["reason"]


def _parts(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[list[pa.RecordBatch]]:
    """Batches together, of `rows` rows or a little more."""
    part: list[pa.RecordBatch] = []
    for batch in batches:
        part.append(batch)
        if sum(one.num_rows for one in part) >= rows:
            yield part
            part = []
    if part:
        yield part
