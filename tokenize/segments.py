"""Segments: the Arrow columns beside a shard's tokens that say what stands where in each row.

A row of a `.arrow` file lists the row's segments in order; segments cover the row's tokens without gaps. Everything
about tokens (cuts, answer, loss spans) is relative to its segment. `SegmentColumns` are the columns as numpy views on
the mapped file, for kernels; they are checked before use, since a shard may come from anywhere.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from mathmill.core.errors import DataError
from mathmill.core.schemas import SPAN
from mathmill.tokenize.manifest import VERSION
from mathmill.tokenize.store import CUT, LABELS, LOSS_SPAN

N_RANKS = 4  # of store.CUT

IDENTITY = [
    pa.field("record_id", pa.string(), nullable=False),
    pa.field("doc_id", pa.string(), nullable=False),
    *LABELS,
    pa.field("weight", pa.float32(), nullable=False),
]
"""What a segment has from its record unchanged."""

SEGMENT = pa.struct(
    [
        pa.field("start", pa.int32(), nullable=False),  # tokens from the row's beginning
        pa.field("length", pa.int32(), nullable=False),  # tokens
        pa.field("part", pa.int32(), nullable=False),  # number of this part of a cut record, from 0
        pa.field("n_parts", pa.int32(), nullable=False),  # 1 where the record was not cut
        pa.field("cuts", pa.list_(CUT), nullable=False),  # also at offset 0, where this part begins at an allowed cut
        pa.field("answer", SPAN),  # what lies here of the final answer
        pa.field("loss_spans", pa.list_(LOSS_SPAN), nullable=False),
        *IDENTITY,
    ]
)

ROW_FIELDS = [
    pa.field("segments", pa.list_(pa.field("item", SEGMENT, nullable=False)), nullable=False),
    pa.field("n_tokens", pa.int32(), nullable=False),  # without padding
    pa.field("n_supervised", pa.int32(), nullable=False),
]

BATCH_ROWS = 4096
"""Rows of a record batch of an `.arrow` file, all but the last."""


def row_schema(seq_len: int, vocab_size: int, pad_id: int) -> pa.Schema:
    """Schema of an `.arrow` file; its metadata lets a shard be read without its manifest."""
    metadata = {
        "format": "mathmill-shard",
        "version": str(VERSION),
        "seq_len": str(seq_len),
        "vocab_size": str(vocab_size),
        "pad_id": str(pad_id),
    }
    return pa.schema(ROW_FIELDS, metadata=metadata)


@dataclass(frozen=True)
class Spans:
    """Lists of token spans: item i has the spans starts[i]:starts[i + 1] of (begin, end); int64, int32, int32."""

    starts: npt.NDArray[np.int64]
    begin: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]

    def of(self, items: slice) -> "Spans":
        """The lists of consecutive items."""
        starts = self.starts[items.start : items.stop + 1]
        inside = slice(starts[0], starts[-1])
        return Spans(starts - starts[0], self.begin[inside], self.end[inside])


@dataclass(frozen=True)
class LossSpans(Spans):
    """Spans of supervised tokens and the loss weight of each: float32."""

    weight: npt.NDArray[np.float32]

    def of(self, items: slice) -> "LossSpans":
        """The lists of consecutive items."""
        spans = super().of(items)
        weight = self.weight[self.starts[items.start] : self.starts[items.stop]]
        return LossSpans(spans.starts, spans.begin, spans.end, weight)

    def merged(self) -> "LossSpans":
        """Without empty spans, touching ones of equal weight joined, so that cutting and joining changes nothing."""
        return LossSpans(*_merge_spans(self.starts, self.begin, self.end, self.weight))

    @property
    def covered(self) -> npt.NDArray[np.int64]:
        """Supervised tokens of each item."""
        total = np.concatenate([[0], np.cumsum(self.end - self.begin, dtype=np.int64)])
        return np.diff(total[self.starts])


@dataclass(frozen=True)
class SegmentColumns:
    """The segments of consecutive rows, as arrays.

    row_starts: int64 (n_rows + 1,), row i has the segments row_starts[i]:row_starts[i + 1]. The other arrays are
    (n_segments,); of `cuts`, begin is the offset and end the rank; `answers` is (n_segments, 2), -1 where null.
    """

    row_starts: npt.NDArray[np.int64]
    start: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    part: npt.NDArray[np.int32]
    n_parts: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]
    cuts: Spans
    answers: npt.NDArray[np.int32]
    loss_spans: LossSpans
    n_tokens: npt.NDArray[np.int32]
    n_supervised: npt.NDArray[np.int32]
    rows: pa.RecordBatch  # the columns themselves, for ids and labels

    @classmethod
    def of(cls, batch: pa.RecordBatch, seq_len: int, where: str) -> "SegmentColumns":
        """View a batch of rows; DataError where the segments cannot be true of rows of `seq_len` tokens."""
        lists = batch.column("segments")
        if lists.null_count or batch.column("n_tokens").null_count or batch.column("n_supervised").null_count:
            raise DataError(f"{where}: it has rows that are null")
        segments = lists.values
        columns = cls(
            row_starts=lists.offsets.to_numpy().astype(np.int64),
            start=_numbers(segments, "start", where),
            length=_numbers(segments, "length", where),
            part=_numbers(segments, "part", where),
            n_parts=_numbers(segments, "n_parts", where),
            weight=_numbers(segments, "weight", where),
            cuts=read_spans(segments.field("cuts"), ("offset", "rank"), where),
            answers=read_answers(segments.field("answer")),
            loss_spans=read_loss_spans(segments.field("loss_spans"), where),
            n_tokens=batch.column("n_tokens").to_numpy(),
            n_supervised=batch.column("n_supervised").to_numpy(),
            rows=batch,
        )
        columns._check(seq_len, where)
        return columns

    def _check(self, seq_len: int, where: str) -> None:
        cuts, spans = self.cuts, self.loss_spans
        for starts, items in ((self.row_starts, self.start), (cuts.starts, cuts.begin), (spans.starts, spans.begin)):
            if starts[0] != 0 or starts[-1] != len(items) or (np.diff(starts) < 0).any():
                raise DataError(f"{where}: its lists are out of order")
        fault = _first_fault(
            self.row_starts, self.start, self.length, self.n_tokens, self.n_supervised, cuts.starts, cuts.begin,
            cuts.end, self.answers, spans.starts, spans.begin, spans.end, spans.weight, self.weight, seq_len,
        )  # fmt: skip
        if fault >= 0:
            raise DataError(f"{where}: the segments of row {fault} of a record batch do not fit its tokens")

    def identity(self) -> pa.RecordBatch:
        """The columns that segments have from their records (IDENTITY), one row per segment."""
        columns = [self.rows.column("segments").values.field(field.name) for field in IDENTITY]
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(IDENTITY))


def _numbers(segments: pa.StructArray, name: str, where: str) -> npt.NDArray[Any]:
    column = segments.field(name)
    if column.null_count:
        raise DataError(f"{where}: {name} is null in some segment")
    return column.to_numpy()


def read_spans(column: pa.ListArray, names: tuple[str, str], where: str) -> Spans:
    """View a column of lists of two-field structs (SPAN or CUT); DataError where something is null or out of order."""
    offsets = column.offsets.to_numpy()
    items = column.values
    if column.null_count or items.null_count or any(items.field(name).null_count for name in names):
        raise DataError(f"{where}: it has spans that are null")
    if len(offsets) and (offsets[0] < 0 or offsets[-1] > len(items) or (np.diff(offsets) < 0).any()):
        raise DataError(f"{where}: its lists of spans are out of order")
    begin, end = (items.field(name).to_numpy() for name in names)
    return Spans(offsets.astype(np.int64), begin, end.astype(np.int32, copy=False))


def read_loss_spans(column: pa.ListArray, where: str) -> LossSpans:
    """View a column of lists of LOSS_SPAN; DataError where something is null or out of order."""
    spans = read_spans(column, ("start", "end"), where)
    weight = column.values.field("weight")
    if weight.null_count:
        raise DataError(f"{where}: it has spans that are null")
    return LossSpans(spans.starts, spans.begin, spans.end, weight.to_numpy())


def read_answers(column: pa.StructArray) -> npt.NDArray[np.int32]:
    """View a column of optional spans as (n, 2), (-1, -1) where null or empty."""
    answers = np.stack(
        [column.field(name).fill_null(-1).to_numpy(zero_copy_only=False) for name in ("start", "end")], 1
    )
    missing = column.is_null().to_numpy(zero_copy_only=False) | (answers[:, 0] >= answers[:, 1])
    return np.where(missing[:, None], np.int32(-1), answers).astype(np.int32)


def spans_array(spans: Spans, kind: pa.StructType) -> pa.ListArray:
    """Build the Arrow lists of spans (SPAN, or LOSS_SPAN of LossSpans) or cuts (CUT)."""
    values = [pa.array(spans.begin), pa.array(spans.end.astype(kind.field(1).type.to_pandas_dtype(), copy=False))]
    if isinstance(spans, LossSpans):
        values.append(pa.array(spans.weight))
    items = pa.StructArray.from_arrays(values, fields=list(kind))
    return pa.ListArray.from_arrays(pa.array(spans.starts.astype(np.int32)), items, type=pa.list_(kind))


def answers_array(answers: npt.NDArray[np.int32]) -> pa.StructArray:
    """Build the Arrow spans of answers, null where -1."""
    values = [pa.array(np.ascontiguousarray(answers[:, side])) for side in (0, 1)]
    return pa.StructArray.from_arrays(values, fields=list(SPAN), mask=pa.array(answers[:, 0] < 0))


@njit(cache=True)
def usable_weight(weight):  # type: ignore[no-untyped-def]
    """Whether a loss weight is finite and above 0."""
    return 0 < weight < np.inf


@njit(cache=True)
def _merge_spans(starts, begin, end, weight):  # type: ignore[no-untyped-def]
    merged_starts = np.zeros_like(starts)
    merged_begin = np.empty_like(begin)
    merged_end = np.empty_like(end)
    merged_weight = np.empty_like(weight)
    count = 0
    for item in range(len(starts) - 1):
        first = count
        for i in range(starts[item], starts[item + 1]):
            if begin[i] == end[i]:
                continue
            if count > first and merged_end[count - 1] == begin[i] and merged_weight[count - 1] == weight[i]:
                merged_end[count - 1] = end[i]
            else:
                merged_begin[count], merged_end[count], merged_weight[count] = begin[i], end[i], weight[i]
                count += 1
        merged_starts[item + 1] = count
    return merged_starts, merged_begin[:count].copy(), merged_end[:count].copy(), merged_weight[:count].copy()


@njit(cache=True)
def _first_fault(  # type: ignore[no-untyped-def]
    row_starts, start, length, n_tokens, n_supervised, cut_starts, cut_offsets, cut_ranks, answers,
    span_starts, span_begin, span_end, span_weight, weight, seq_len,
):  # fmt: skip
    """The first row whose segments do not tile its tokens, or hold marks or spans that do not fit; -1 if none."""
    for row in range(len(n_tokens)):
        position = np.int64(0)
        supervised = np.int64(0)
        for segment in range(row_starts[row], row_starts[row + 1]):
            if start[segment] != position or length[segment] < 1:
                return row
            position += length[segment]
            if not usable_weight(weight[segment]):
                return row
            previous = np.int64(0)
            for span in range(span_starts[segment], span_starts[segment + 1]):
                if span_begin[span] < previous or span_end[span] <= span_begin[span]:
                    return row
                touching = span > span_starts[segment] and span_begin[span] == previous
                if touching and span_weight[span] == span_weight[span - 1]:
                    return row
                if not (usable_weight(span_weight[span]) and usable_weight(weight[segment] * span_weight[span])):
                    return row
                previous = span_end[span]
                supervised += span_end[span] - span_begin[span]
            if previous > length[segment] or answers[segment, 0] < -1 or answers[segment, 1] > length[segment]:
                return row
            previous = np.int64(0)
            for cut in range(cut_starts[segment], cut_starts[segment + 1]):
                if cut_offsets[cut] < previous or cut_ranks[cut] < 0 or cut_ranks[cut] >= N_RANKS:
                    return row
                previous = cut_offsets[cut]
            if previous >= length[segment]:
                return row
        if position < 1 or position != n_tokens[row] or position > seq_len or supervised != n_supervised[row]:
            return row
    return -1
