"""Look for problems that are not whole, found on pages or read from collections, and drop those that a recipe names.

All complaints are counted; by default only those about a text that stops in the middle drop a problem, since nothing
can be learnt from it. A problem whose figure is missing stays: about every third says in words what the figure shows.
"""

from collections.abc import Iterable
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from mathmill.core.config import StageConfig
from mathmill.core.stage import BatchStage, Output, StageContext, split_dropped
from mathmill.curation.problems.completeness import complaints

Complaint = Literal["unfinished_question", "unfinished_solution", "missing_figure", "answer_not_reached", "no_answer"]


class CompleteConfig(StageConfig):
    """`complete:` in a recipe."""

    drop: tuple[Complaint, ...] = ("unfinished_question", "unfinished_solution")


class Complete(BatchStage):
    """Drops problems with the complaints in `drop`, the first of them as reason; `facts` counts every complaint."""

    name = "complete"
    version = 2
    Config: ClassVar[type[StageConfig]] = CompleteConfig
    needs = ("question", "solution", "answer")
    config: CompleteConfig

    def open(self, context: StageContext) -> None:
        """Start counting."""
        self.facts: dict[str, int] = {}

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Read each problem of the batch and split it."""
        columns = (batch.column(name).to_pylist() for name in self.needs)
        reasons = []
        for question, solution, answer in zip(*columns, strict=True):
            found = complaints(question, solution, answer)
            for complaint in found:
                key = f"complaint:{complaint}"
                self.facts[key] = self.facts.get(key, 0) + 1
            reasons.append(next((complaint for complaint in found if complaint in self.config.drop), ""))
        yield from split_dropped(batch, np.array([not reason for reason in reasons]), self.name, reasons)
