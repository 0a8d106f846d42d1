"""Critique: scores of a problem's question and of its solution, with reasons, and the weight that follows from them.

A judge is asked several times and the samples are averaged, since one sample of a judge is noise; a sample whose
verdict and score contradict each other says nothing and is left out. Instead of a judge a trained critique model
(`mathmill.classifiers.critique`) may give the score. The problem itself goes on with `critique_score` (0 to 1) and its
`loss_weight` multiplied: hard samples, those with a low score, weigh more, down to the score where they are dropped.
"""

import re
from collections.abc import Iterator
from statistics import fmean
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from mathmill.classifiers.critique import Critique, critique_files, load_critique
from mathmill.core.answers import is_equivalent, stated_answer
from mathmill.core.config import DataPath, Probability
from mathmill.core.errors import ConfigError
from mathmill.core.request import Completion
from mathmill.core.stage import Output, StageContext
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.replies import language, read_form
from mathmill.curation.synthesis.script import Ask, Changed, Rejected, Result, Row, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig
from mathmill.curation.synthesis.tags import Malformed, read_tags

Factor = Annotated[float, Field(ge=0, le=1000)]

_VERDICTS = {"correct": True, "正确": True, "wrong": False, "incorrect": False, "错误": False}
_OPTION = re.compile(r"\(?[A-H]{1,8}\)?\.?")
_SCORE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:/\s*(\d+)|分)?")


class CritiqueConfig(MethodConfig):
    """`critique:` in a recipe: a judge, or `model:`, the folder of a trained critique model.

    samples: of the judge for each problem; at_least: how many of them must be readable and consistent. low, high: the
    judge's scale. show_answer: whether the judge sees the known answer. solution_share: of the solution's score in the
    whole; the question's has the rest. check_answer: a solution that states another answer than the known one is
    refused without asking. drop_below: of the whole score; drop_question_below, drop_solution_below: of the parts.
    drop_wrong: refuse what most samples call wrong. weights: what `loss_weight` is multiplied by at some scores,
    interpolated between them and constant beyond; {} changes no weight. keep_originals: problems that are refused go on
    as they came.
    """

    model: DataPath | None = None
    samples: int = Field(default=3, ge=1, le=64)
    at_least: int = Field(default=2, ge=1)
    seed: int | None = 1
    low: int = Field(default=1, ge=0)
    high: int = Field(default=10, ge=1)
    show_answer: bool = True
    solution_share: Probability = 0.7
    check_answer: bool = True
    drop_below: Probability = 0.3
    drop_question_below: Probability = 0.0
    drop_solution_below: Probability = 0.0
    drop_wrong: bool = True
    weights: dict[Probability, Factor] = {0.3: 2.0, 0.8: 1.0}
    keep_originals: bool = False

    @model_validator(mode="after")
    def _possible(self) -> "CritiqueConfig":
        if self.at_least > self.samples:
            raise ValueError(f"at_least is {self.at_least}, but there are only {self.samples} samples")
        if self.low >= self.high:
            raise ValueError(f"the scale ends at {self.high} and begins at {self.low}")
        factors = np.array([self.weights[score] for score in sorted(self.weights)])
        if (np.diff(factors) > 0).any() and (np.diff(factors) < 0).any():
            raise ValueError("weights must fall with the score all the way, or rise all the way")
        return self

    def file_paths(self) -> list[str]:
        """The model's files."""
        return [] if self.model is None else [str(path) for path in critique_files(self.model)]

    def weight(self, score: float) -> float:
        """What the loss weight of a problem with this score is multiplied by."""
        known = sorted(self.weights)
        return float(np.interp(score, known, [self.weights[at] for at in known])) if known else 1.0


class Sample(NamedTuple):
    """What a judge says once. Scores from 0 to 1; of a solution only where there is one."""

    question: float
    question_reason: str
    solution: float | None = None
    solution_reason: str = ""
    is_correct: bool = True


class CritiqueStage(Method):
    """Gives problems their critique score; makes none."""

    name = "critique"
    version = 1
    Config: ClassVar[type[MethodConfig]] = CritiqueConfig
    roles: ClassVar[tuple[str, ...]] = ("judge",)
    config: CritiqueConfig

    def __init__(self, config: CritiqueConfig) -> None:
        if config.model is None:
            super().__init__(config)
        elif config.judge is not None:
            raise ConfigError("critique has both a judge and a model; give one of them")
        self.config = config

    def open(self, context: StageContext) -> None:
        """Open the judge, or load the model."""
        super().open(context)
        self._critique: Critique | None = None if self.config.model is None else load_critique(self.config.model)
        self._scores: dict[str, float] = {}

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Run the scripts; a model scores a batch at a time before."""
        return super().process(batches if self._critique is None else self._scored(batches, self._critique))

    def script(self, row: dict[str, Any]) -> Script:
        """One question to the judge, or none where a model has scored the problem."""
        solution = row["solution"] or ""
        if fault := self._wrong_answer(row, solution):
            return [fault]
        if self.config.model is not None:
            if not solution.strip():
                return [Rejected("no_solution")]
            score = self._scores[row["problem_id"]]
            if score < self.config.drop_below:
                return [Rejected("low_score", None, score)]
            return [self._changed(row, score, f"model:{self.config.model.rstrip('/').rpartition('/')[2]}", None)]
        prompt = load_prompt(self.name, "judge", language(row))
        values = {"low": self.config.low, "high": self.config.high}
        answer = row["answer"] if self.config.show_answer else None
        messages = prompt.render(question=row["question"], solution=solution.strip(), answer=answer, **values)
        reply = yield Ask("judge", messages, n=self.config.samples, seed=self.config.seed)
        return [self._result(row, reply, prompt.name)]

    def _result(self, row: Row, reply: Completion, prompt: str) -> Result:
        """Average what the samples say."""
        has_solution = bool((row["solution"] or "").strip())
        read = [read_form(reply, lambda text: self._read(text, has_solution), n) for n in range(self.config.samples)]
        samples = [sample for sample in read if isinstance(sample, Sample)]
        faults = [fault for fault in read if isinstance(fault, Rejected)]
        for fault in faults:
            self.count(f"samples:{fault.reason}")
        if len(samples) < self.config.at_least:
            return faults[0]
        question = fmean(sample.question for sample in samples)
        graded = [sample.solution for sample in samples if sample.solution is not None]
        solution = fmean(graded) if graded else question
        share = self.config.solution_share
        score = share * solution + (1 - share) * question
        reason = self._refused(samples, question, solution, score)
        if reason is not None:
            return Rejected(reason, _reasons(samples, question, solution if graded else None), score)
        return self._changed(row, score, None, prompt)

    def _refused(self, samples: list[Sample], question: float, solution: float, score: float) -> str | None:
        """The reason to drop a problem, if there is one."""
        config = self.config
        if config.drop_wrong and 2 * sum(sample.is_correct for sample in samples) < len(samples):
            return "called_wrong"
        if question < config.drop_question_below:
            return "low_question_score"
        if solution < config.drop_solution_below:
            return "low_solution_score"
        return "low_score" if score < config.drop_below else None

    def _changed(self, row: Row, score: float, model: str | None, prompt: str | None) -> Changed:
        """The problem with its score, its weight, and who scored it."""
        self.count(f"score {min(int(score * 5), 4) / 5:.1f}-{min(int(score * 5), 4) / 5 + 0.2:.1f}")
        judge = self.config.judge
        lineage = dict(row.get("lineage") or {"prompt": prompt, "teacher": None, "student": None, "sample": None})
        lineage["judge"] = model if judge is None else judge.model or judge.url
        weight = row["loss_weight"] * self.config.weight(score)
        return Changed({"critique_score": score, "loss_weight": weight, "lineage": lineage})

    def _wrong_answer(self, row: Row, solution: str) -> Rejected | None:
        """Rules see without a judge that a solution ends elsewhere; of a choice, where both name an option."""
        known = (row["answer"] or "").strip()
        stated = stated_answer(solution) if self.config.check_answer and known and solution else None
        if stated is None or is_equivalent(stated, known):
            return None
        if bool(_OPTION.fullmatch(stated)) != bool(_OPTION.fullmatch(known)):
            return None
        return Rejected("wrong_answer", f"{stated} is not {known}")

    def _read(self, text: str, has_solution: bool) -> Sample | Rejected:
        """Read a sample. Raises Malformed."""
        names = ["instruction_reason", "instruction_score"]
        found = read_tags(text, names + ["solution_reason", "solution_score", "verdict"] * has_solution)
        question = self._score(found["instruction_score"])
        if not has_solution:
            return Sample(question, found["instruction_reason"])
        solution = self._score(found["solution_score"])
        is_correct = _verdict(found["verdict"])
        if solution != 0.5 and is_correct != (solution > 0.5):
            return Rejected("inconsistent", f"called {found['verdict']}, with a score of {found['solution_score']}")
        return Sample(question, found["instruction_reason"], solution, found["solution_reason"], is_correct)

    def _score(self, text: str) -> float:
        """A score on the judge's scale as 0 to 1. Raises Malformed."""
        match = _SCORE.fullmatch(text.strip(" \t\n*"))
        if match is None or (match[2] is not None and int(match[2]) != self.config.high):
            raise Malformed(f"{text[:40]!r} is no score")
        if not self.config.low <= float(match[1]) <= self.config.high:
            raise Malformed(f"{text[:40]!r} is not between {self.config.low} and {self.config.high}")
        return (float(match[1]) - self.config.low) / (self.config.high - self.config.low)

    def _scored(self, batches: Iterator[pa.RecordBatch], critique: Critique) -> Iterator[pa.RecordBatch]:
        """Pass batches on after their rows have been scored."""
        for batch in batches:
            solutions = [text or "" for text in batch.column("solution").to_pylist()]
            scores = critique.predict(batch.column("question").to_pylist(), solutions)
            self._scores = dict(zip(batch.column("problem_id").to_pylist(), scores.tolist(), strict=True))
            yield batch


def _verdict(text: str) -> bool:
    """Whether a solution is called correct. Raises Malformed; "correct or wrong" is none of both."""
    word = text.lower().strip(" \t\n*.。\"'")
    if word not in _VERDICTS:
        raise Malformed(f"{text[:40]!r} is neither correct nor wrong")
    return _VERDICTS[word]


def _reasons(samples: list[Sample], question: float, solution: float | None) -> str:
    """Scores and the reasons of the harshest sample."""
    harshest = min(samples, key=lambda sample: sample.question if sample.solution is None else sample.solution)
    text = f"question {question:.2f}: {harshest.question_reason}"
    return text if solution is None else f"solution {solution:.2f}: {harshest.solution_reason} | {text}"
