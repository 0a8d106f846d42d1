"""One row of a shard as Python objects, for people and tools: its segments with their labels. Training uses arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mathmill.core.errors import DataError
from mathmill.tokenize.segments import IDENTITY, SegmentColumns
from mathmill.tokenize.store import LABELS


@dataclass(frozen=True)
class Segment:
    """A run of tokens of one record in a row; offsets count from the row's beginning.

    Attention, positions and the shift to the next token stay inside it. part: number of this part where the record was
    cut into n_parts. answer: tokens of the final answer, where it lies here. loss_spans: start, end
    and weight of the supervised tokens; their loss weight is that times the segment's.
    """

    start: int
    length: int
    record_id: str
    doc_id: str
    part: int
    n_parts: int
    weight: float
    answer: tuple[int, int] | None
    loss_spans: tuple[tuple[int, int, float], ...]


@dataclass(frozen=True)
class Row:
    """One training sequence of seq_len tokens.

    tokens: uint16 or int32 (seq_len,), read-only; padding from n_tokens on. segments and their labels: in order.
    loss_mask: bool (seq_len,), True where the token itself is a target. weights: float32 (seq_len,), the loss weight of
    each target, 0 elsewhere.
    """

    tokens: npt.NDArray[np.generic]
    n_tokens: int
    segments: tuple[Segment, ...]
    labels: tuple[dict[str, Any], ...]
    loss_mask: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float32]


def describe_row(
    columns: SegmentColumns, local: int, where: str
) -> tuple[tuple[Segment, ...], tuple[dict[str, Any], ...]]:
    """The segments of a row of a record batch, and their labels; `where` names the file in a DataError."""
    first, last = int(columns.row_starts[local]), int(columns.row_starts[local + 1])
    here = columns.rows.column("segments").values.slice(first, last - first)
    identity: dict[str, list[Any]] = {}
    for field in IDENTITY:
        values = here.field(field.name)
        try:
            values.validate(full=True)  # strings may lie: nothing has looked at them yet
        except pa.ArrowException as error:
            raise DataError(f"{where}: the labels of a row are broken ({error})") from error
        identity[field.name] = values.to_pylist()
    segments, labels = [], []
    for place, number in enumerate(range(first, last)):
        start = int(columns.start[number])
        answer = columns.answers[number] + start
        spans = range(int(columns.loss_spans.starts[number]), int(columns.loss_spans.starts[number + 1]))
        segments.append(
            Segment(
                start=start,
                length=int(columns.length[number]),
                record_id=identity["record_id"][place],
                doc_id=identity["doc_id"][place],
                part=int(columns.part[number]),
                n_parts=int(columns.n_parts[number]),
                weight=float(columns.weight[number]),
                answer=(int(answer[0]), int(answer[1])) if columns.answers[number, 0] >= 0 else None,
                loss_spans=tuple(
                    (
                        start + int(columns.loss_spans.begin[span]),
                        start + int(columns.loss_spans.end[span]),
                        float(columns.loss_spans.weight[span]),
                    )
                    for span in spans
                ),
            )
        )
        labels.append({field.name: identity[field.name][place] for field in LABELS})
    return tuple(segments), tuple(labels)
