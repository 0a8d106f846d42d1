"""Difficulty and school stage of benchmark items, by the models that label problems; what a file says of one stays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathmill.core.schemas import DIFFICULTIES, PROBLEM, SCHOOL_STAGES
from mathmill.core.stage import StageContext
from mathmill.curation.label import Label, LabelConfig
from mathmill.train_hooks.evaluation.benchmarks import Item

_COLUMNS = (
    "question", "solution", "solution_formulas", "steps", "n_steps", "difficulty", "difficulty_probs",
    "difficulty_score", "school_stage", "school_stage_probs",
)  # fmt: skip


def label_items(items: Sequence[Item]) -> list[dict[str, str]]:
    """Labels by item: difficulty (easy, medium, hard by reasoning steps) and school stage."""
    schema = pa.schema([PROBLEM.field(name).with_nullable(True) for name in _COLUMNS])
    rows: list[dict[str, Any]] = [
        {
            "question": item.question,
            "solution": item.solution,
            "solution_formulas": [],
            "steps": [],
            "n_steps": item.n_steps or 0,
            "difficulty": _known(item, "difficulty", DIFFICULTIES),
            "school_stage": _known(item, "school_stage", SCHOOL_STAGES),
        }
        for item in items
    ]
    label = Label(LabelConfig.model_validate({}))
    label.open(StageContext(Path()))
    [(_, batch)] = label.process_batch(pa.RecordBatch.from_pylist(rows, schema=schema))
    return [dict(row) for row in batch.select(["difficulty", "school_stage"]).to_pylist()]


def _known(item: Item, label: str, values: Sequence[str]) -> str | None:
    return stated if (stated := item.labels.get(label)) in values else None
