"""Take the problems out of documents: the document goes on, its problems leave through a port of their own.

Thus a page serves the corpus as a text and the problem-solving data as questions with solutions; the paper's finding
is that the latter teach more. A question without a solution is counted, not kept, unless the recipe asks for it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from mathmill.core.config import StageConfig
from mathmill.core.schemas import DROPPED, PROBLEM, record_id, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT, BatchStage, Output, Port
from mathmill.curation.problems.from_blocks import Block, extract_problems
from mathmill.curation.problems.problem import Formula, Problem

PROBLEMS: Port = "problems"
"""The port of the problems, rows of PROBLEM."""

_MAX_STEPS = 32_767  # int16


class ExtractProblemsConfig(StageConfig):
    """`extract_problems:` in a recipe."""

    require_solution: bool = True  # a question alone teaches nothing of solving; synthesis may want it
    min_question_chars: int = Field(6, ge=1)  # "求 1+1" is a question; less is the rest of a broken page
    max_solution_chars: int = Field(50_000, ge=1)  # longer is a chapter whose end was missed


class ExtractProblems(BatchStage):
    """Passes documents on unchanged and sends their problems to the port "problems"."""

    name = "extract_problems"
    version = 3
    Config: ClassVar[type[StageConfig]] = ExtractProblemsConfig
    config: ExtractProblemsConfig

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Documents keep their schema; problems are rows of PROBLEM."""
        return {OUT: input_schema, PROBLEMS: PROBLEM}

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Find the problems of each document."""
        kept: list[dict[str, Any]] = []
        dropped: list[dict[str, Any]] = []
        for document in batch.to_pylist():
            for number, problem in enumerate(self._problems(document)):
                problem_id = record_id(document["doc_id"], number)
                reason = self._reason_against(problem)
                if reason is None:
                    kept.append(problem_row(problem_id, document, problem))
                else:
                    dropped.append({"id": problem_id, "stage": self.name, "reason": reason})
        yield OUT, batch
        if kept:
            yield PROBLEMS, to_batch(kept, PROBLEM)
        if dropped:
            yield DROPPED_PORT, to_batch(dropped, DROPPED)

    def _problems(self, document: dict[str, Any]) -> Iterator[Problem]:
        formulas = [Formula(**formula) for formula in document["formulas"]]
        blocks = [Block(**block) for block in document["blocks"]]
        yield from extract_problems(document["text"], formulas, blocks, document["lang"])

    def _reason_against(self, problem: Problem) -> str | None:
        if len(problem.question) < self.config.min_question_chars:
            return "short_question"
        if problem.solution is None:
            return "no_solution" if self.config.require_solution else None
        return "long_solution" if len(problem.solution) > self.config.max_solution_chars else None


def problem_row(problem_id: str, document: dict[str, Any], problem: Problem) -> dict[str, Any]:
    """Make a row of PROBLEM; origin and language are those of the document."""
    return {
        **{name: document[name] for name in ("doc_id", "url", "source", "license", "crawl_date", "locator", "lang")},
        "problem_id": problem_id,
        "question": problem.question,
        "solution": problem.solution,
        "answer": problem.answer,
        "question_formulas": [formula._asdict() for formula in problem.question_formulas],
        "solution_formulas": [formula._asdict() for formula in problem.solution_formulas],
        "steps": [{"start": start, "end": end} for start, end in problem.step_spans],
        "n_steps": min(problem.n_steps, _MAX_STEPS),
        "method": "extracted",
        "style": "cot",
        "loss_weight": 1.0,
    }
