"""Label problems: reasoning steps, easy/medium/hard by their number, expected level, school stage.

The paper defines difficulty by counted steps and prefers problems of more than five; its cut-offs are not published, so
ours are settings. A count is taken for right nine times in ten and for one too many or too few else, which gives each
bin a probability. Where there is no solution, the number of steps is predicted from the question's length and the level
that the bundled difficulty model expects. `difficulty_score` is that level itself, from the solution too where there is
one: steps alone rank MATH's levels with 0.42 (Spearman), the model with 0.61 for a question and 0.71 with its solution
(test part).
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from mathmill.classifiers.text_classifier import bundled, join_problem, model_files, model_folder
from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import DIFFICULTIES, PROBLEM, SCHOOL_STAGES, SPAN, replace_columns
from mathmill.core.stage import OUT, BatchStage, Output, StageContext
from mathmill.curation.problems.steps import segment_steps

_MISCOUNT = {-1: 0.05, 0: 0.9, 1: 0.05}
"""Probability that the true number of steps is the counted one plus this: wider than measured on GSM8K (99 % within
one for solutions in one paragraph), since other solutions are less regular."""

STEP_MODEL = (-0.906, 0.255, 0.217, 0.467)
"""log2 of the number of steps of a question: intercept, per level, per log2 of its UTF-8 bytes, scale of a logistic
distribution around that. Fitted on 1,700 problems of five collections: right bin for 51 % of as many others, always
"easy" for 44 %."""

SCHOOL_STAGE, DIFFICULTY = "school_stage", "difficulty"
"""The bundled models."""

_MAX_STEPS = 32_767  # int16


class LabelConfig(StageConfig):
    """`label:` in a recipe."""

    easy_max_steps: int = Field(2, ge=1)  # up to two steps: a third of MATH, a quarter of GSM8K, most drill exercises
    medium_max_steps: int = Field(5, ge=1)  # hard is what MathGPT-8B's final corpus prefers: more than five steps

    @model_validator(mode="after")
    def _ordered(self) -> "LabelConfig":
        if self.medium_max_steps < self.easy_max_steps:
            raise ValueError("medium_max_steps must not be under easy_max_steps")
        return self

    def file_paths(self) -> list[str]:
        """Return the files of the two models."""
        return [str(path) for model in (SCHOOL_STAGE, DIFFICULTY) for path in model_files(model_folder(model))]


class Label(BatchStage):
    """Fills steps, difficulty, its score and the school stage, with probabilities; what a source gives stays."""

    name = "label"
    version = 3
    Config: ClassVar[type[StageConfig]] = LabelConfig
    needs = ("question", "solution", "steps", "n_steps")
    config: LabelConfig

    def open(self, context: StageContext) -> None:
        """Load the models."""
        self._stage_model, self._level_model = bundled(SCHOOL_STAGE), bundled(DIFFICULTY)
        if self._stage_model.labels != SCHOOL_STAGES:
            raise ConfigError(f"{self._stage_model.folder} must have the labels {SCHOOL_STAGES}")
        self._levels = np.array([float(label) for label in self._level_model.labels])

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Label all problems of the batch."""
        questions: list[str] = batch.column("question").to_pylist()
        solutions: list[str | None] = batch.column("solution").to_pylist()
        texts = [join_problem(question, solution) for question, solution in zip(questions, solutions, strict=True)]
        steps, n_steps = self._steps(batch, solutions)
        levels = self._level_model.predict_proba(texts) @ self._levels
        known: list[float | None] = batch.column("difficulty_score").to_pylist()
        scores = [level if given is None else given for given, level in zip(known, levels.tolist(), strict=True)]
        labels = {
            "steps": pa.array(steps, pa.list_(SPAN)),
            "n_steps": pa.array(n_steps, pa.int16()),
            "difficulty_score": pa.array(scores, pa.float32()),
            **_label_columns(batch, DIFFICULTY, DIFFICULTIES, self._bins(questions, np.array(n_steps), levels)),
            **_label_columns(batch, SCHOOL_STAGE, SCHOOL_STAGES, self._stage_model.predict_proba(texts)),
        }
        yield OUT, replace_columns(batch, **labels)

    def _bins(self, questions: Sequence[str], n_steps: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Give the probabilities of easy, medium and hard: float64 (n_problems, 3)."""
        probs = self.predicted(questions, levels)
        counts, place = np.unique(n_steps, return_inverse=True)
        counted = np.array([self.counted(int(n)) for n in counts])
        probs[n_steps > 0] = counted[place[n_steps > 0]]
        return probs

    def _steps(self, batch: pa.RecordBatch, solutions: Sequence[str | None]) -> tuple[list[Any], list[int]]:
        """Segment the solutions that have no steps yet; a count that a source gives is kept."""
        steps: list[Any] = batch.column("steps").to_pylist()
        n_steps: list[int] = batch.column("n_steps").to_pylist()
        formulas = batch.column("solution_formulas").to_pylist()
        for i, solution in enumerate(solutions):
            if solution is not None and not steps[i]:
                known = [(span["start"], span["end"]) for span in formulas[i]] or None
                steps[i] = [{"start": start, "end": end} for start, end in segment_steps(solution, known)]
                n_steps[i] = n_steps[i] or min(len(steps[i]), _MAX_STEPS)
        return steps, n_steps

    def counted(self, n_steps: int) -> np.ndarray:
        """Give the probabilities of easy, medium and hard for a counted number of steps: float64 (3,)."""
        probs = np.zeros(len(DIFFICULTIES))
        for error, probability in _MISCOUNT.items():
            n = max(n_steps + error, 1)
            probs[(n > self.config.easy_max_steps) + (n > self.config.medium_max_steps)] += probability
        return probs

    def predicted(self, questions: Sequence[str], levels: np.ndarray) -> np.ndarray:
        """Guess the probabilities of easy, medium and hard without a solution: float64 (n, 3), multiples of 1/1024."""
        sizes = np.array([len(question.encode("utf-8", "replace")) for question in questions])
        intercept, per_level, per_doubling, scale = STEP_MODEL
        expected = intercept + per_level * levels + per_doubling * np.log2(1 + sizes)
        bounds = np.log2([self.config.easy_max_steps + 0.5, self.config.medium_max_steps + 0.5])
        at_most = 1 / (1 + np.exp((expected[:, None] - bounds) / scale))
        at_most = np.round(at_most * 1024) / 1024
        return np.diff(at_most, axis=1, prepend=0.0, append=1.0)


def _label_columns(batch: pa.RecordBatch, name: str, labels: Sequence[str], probs: np.ndarray) -> dict[str, pa.Array]:
    """Make the columns of a label and of its probabilities; a source's own label is certain.

    probs: float (n_rows, n_labels), in the order of `labels`.
    """
    probs = probs.astype(np.float32)
    stated: list[str | None] = batch.column(name).to_pylist()
    known: list[list[float] | None] = batch.column(f"{name}_probs").to_pylist()
    for i, label in enumerate(stated):
        if known[i] is not None:
            probs[i] = known[i]
        elif label in labels:
            probs[i] = np.eye(len(labels), dtype=np.float32)[labels.index(label)]
    values = [label or labels[int(best)] for label, best in zip(stated, probs.argmax(axis=1), strict=True)]
    type_ = PROBLEM.field(f"{name}_probs").type
    flat = pa.array(probs.reshape(-1))
    return {name: pa.array(values, pa.string()), f"{name}_probs": pa.FixedSizeListArray.from_arrays(flat, type=type_)}
