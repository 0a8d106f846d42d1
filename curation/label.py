"""Label problems: reasoning steps, easy/medium/hard by their number, school stage by knowledge points.

The paper defines difficulty by counted steps and prefers problems of more than five; its cut-offs are not published, so
ours are settings. A count is taken for right nine times in ten and for one too many or too few else, which gives each
bin a probability. Where there is no solution to count, the question's length decides with the little that it knows
(65 % right on MATH, GSM8K, OpenStax and TAL-SCQ5K, where always saying "easy" is right for 62 %), and says so.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from mathmill.classifiers.school_stage import SCHOOL_STAGE_MODEL, SchoolStageModel
from mathmill.classifiers.text_classifier import model_files, model_folder
from mathmill.core.config import StageConfig
from mathmill.core.schemas import DIFFICULTIES, PROBLEM, SCHOOL_STAGES, SPAN, replace_columns
from mathmill.core.stage import OUT, BatchStage, Output, StageContext
from mathmill.curation.problems.steps import segment_steps

_MISCOUNT = {-1: 0.05, 0: 0.9, 1: 0.05}
"""Probability that the true number of steps is the counted one plus this: wider than measured on GSM8K (99 % within
one for solutions in one paragraph), since other solutions are less regular."""

_LENGTH_LOGITS = np.array([[0.0, 0.0], [-0.65, 0.92], [-2.08, 0.78]])
"""Logistic model of easy, medium, hard from (1, log2 of the question's UTF-8 bytes / 128), fitted as said above."""

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
        """Return the files of the school stage model."""
        return [str(path) for path in model_files(model_folder(SCHOOL_STAGE_MODEL))]


class Label(BatchStage):
    """Fills `steps`, `n_steps`, `difficulty` and `school_stage` with their probabilities; what a source gives stays."""

    name = "label"
    version = 1
    Config: ClassVar[type[StageConfig]] = LabelConfig
    needs = ("question", "solution", "steps", "n_steps")
    config: LabelConfig

    def open(self, context: StageContext) -> None:
        """Load the school stage model."""
        self._school_stage = SchoolStageModel()

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Label all problems of the batch."""
        questions: list[str] = batch.column("question").to_pylist()
        solutions: list[str | None] = batch.column("solution").to_pylist()
        steps, n_steps = self._steps(batch, solutions)
        difficulty_probs = np.array(
            [
                self.counted(n) if n else predicted(question)
                for n, question in zip(n_steps, questions, strict=True)
            ]
        ).reshape(-1, len(DIFFICULTIES))  # fmt: skip
        labels = {
            "steps": pa.array(steps, pa.list_(SPAN)),
            "n_steps": pa.array(n_steps, pa.int16()),
            **_label_columns(batch, "difficulty", DIFFICULTIES, difficulty_probs),
            **_label_columns(
                batch, "school_stage", SCHOOL_STAGES, self._school_stage.predict_proba(questions, solutions)
            ),
        }
        yield OUT, replace_columns(batch, **labels)

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


def predicted(question: str) -> np.ndarray:
    """Guess the probabilities of easy, medium and hard from a question's length alone: float64 (3,)."""
    size = len(question.encode("utf-8", "replace"))
    odds = np.exp(_LENGTH_LOGITS @ np.array([1.0, np.clip(np.log2((1 + size) / 128), -2.0, 4.0)]))
    return np.round(odds / odds.sum() * 1024) / 1024


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
