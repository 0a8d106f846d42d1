"""Encoded records as packing sees them: the token store's columns as numpy views, checked.

Tokens stay where they are, in mapped files as a rule; the columns beside them are small and become one piece.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from mathmill.core.errors import DataError
from mathmill.tokenize.cutting import Marks
from mathmill.tokenize.segments import (
    IDENTITY,
    N_RANKS,
    LossSpans,
    read_answers,
    read_loss_spans,
    read_spans,
    usable_weight,
)
from mathmill.tokenize.store import MAX_RECORD_TOKENS, encoded_schema

_WHERE = "the token store"


@dataclass(frozen=True)
class EncodedRecords:
    """n records. Tokens lie in chunks (one for each batch given): record i has the tokens
    tokens[chunk[i]][token_start[i]:token_start[i] + marks.lengths[i]].

    chunk, token_start: int64 (n,). identity: a table (n rows) of the columns that go unchanged into segments.
    loss_spans: sorted, disjoint, not empty; touching only where their weights differ.
    """

    identity: pa.Table
    marks: Marks
    loss_spans: LossSpans
    tokens: list[npt.NDArray[np.generic]]
    chunk: npt.NDArray[np.int64]
    token_start: npt.NDArray[np.int64]

    @classmethod
    def of(cls, encoded: pa.Table | Iterable[pa.RecordBatch | pa.Table], vocab_size: int) -> "EncodedRecords":
        """View records; DataError where they do not fit `encoded_schema(vocab_size)` or contradict themselves."""
        batches = _batches(encoded, encoded_schema(vocab_size))
        lists = [batch.column("tokens") for batch in batches]
        offsets = [column.offsets.to_numpy() for column in lists]
        lengths = np.concatenate([np.diff(o) for o in offsets])
        # tokens stay in their chunks; the other columns are small and become one piece
        table = pa.Table.from_batches([batch.drop_columns(["tokens"]) for batch in batches]).combine_chunks()
        column = {name: _single(table.column(name)) for name in ("cuts", "answer", "loss_spans", "weight")}
        cuts = read_spans(column["cuts"], ("offset", "rank"), _WHERE)
        spans = read_loss_spans(column["loss_spans"], _WHERE)
        answers = read_answers(column["answer"])
        longest = int(lengths.argmax())
        if lengths[longest] > MAX_RECORD_TOKENS:
            record_id = table.column("record_id")[longest].as_py()
            raise DataError(f"{_WHERE}: record {record_id} has {lengths[longest]:,} tokens; divide it before encoding")
        fault = _first_fault(
            lengths, cuts.starts, cuts.begin, cuts.end, answers, spans.starts, spans.begin, spans.end, N_RANKS
        )
        if fault >= 0:
            record_id = table.column("record_id")[int(fault)].as_py()
            raise DataError(f"{_WHERE}: record {record_id} has no tokens, or marks that do not fit them")
        fault = _first_bad_weight(column["weight"].to_numpy(), spans.starts, spans.weight)
        if fault >= 0:
            record_id = table.column("record_id")[int(fault)].as_py()
            raise DataError(f"{_WHERE}: record {record_id} has a loss weight that is not finite and above 0; drop it")
        identity = table.select([field.name for field in IDENTITY])
        for name in identity.column_names:
            _single(identity.column(name))
        return cls(
            identity=identity,
            marks=Marks(lengths, cuts.starts, cuts.begin, cuts.end.astype(np.int8), answers),
            loss_spans=spans.merged(),
            tokens=[lists_.values.to_numpy() for lists_ in lists],
            chunk=np.repeat(np.arange(len(lists)), [len(lists_) for lists_ in lists]),
            token_start=np.concatenate([o[:-1] for o in offsets]),
        )


def _batches(encoded: pa.Table | Iterable[pa.RecordBatch | pa.Table], schema: pa.Schema) -> list[pa.RecordBatch]:
    batches: list[pa.RecordBatch] = []
    for given in [encoded] if isinstance(encoded, pa.Table) else encoded:
        missing = [field.name for field in schema if given.schema.get_field_index(field.name) < 0]
        if missing:
            raise DataError(f"{_WHERE} has no column {missing[0]!r}")
        for field in schema:
            found = given.schema.field(field.name).type
            if found != field.type:
                raise DataError(f"{_WHERE} has {field.name} as {found}, but this vocabulary needs {field.type}")
        for batch in given.to_batches() if isinstance(given, pa.Table) else [given]:
            if batch.num_rows:
                batches.append(batch.select(schema.names).replace_schema_metadata(None))
    if not batches:
        raise DataError("there are no records to pack")
    for batch in batches:
        try:
            batch.validate()
        except pa.ArrowException as error:
            raise DataError(f"{_WHERE} is broken ({error})") from error
        for field in schema:
            if not field.nullable and batch.column(field.name).null_count:
                raise DataError(f"{_WHERE} has records without {field.name}")
        if batch.column("tokens").values.null_count:
            raise DataError(f"{_WHERE} has tokens that are null")
    return batches


def _single(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks != 1:
        raise DataError("there are too many records for one shard; use more shards")
    return column.chunk(0)


@njit(cache=True)
def _first_fault(  # type: ignore[no-untyped-def]
    lengths, cut_starts, cut_offsets, cut_ranks, answers, span_starts, span_begin, span_end, n_ranks
):
    """The first record whose offsets are not ascending and inside its tokens; -1 if none."""
    for r in range(len(lengths)):
        if lengths[r] < 1 or answers[r, 1] > lengths[r] or (answers[r, 0] < 0) != (answers[r, 1] < 0):
            return r
        previous = 0
        for i in range(cut_starts[r], cut_starts[r + 1]):
            if cut_offsets[i] < previous or cut_ranks[i] < 0 or cut_ranks[i] >= n_ranks:
                return r
            previous = cut_offsets[i]
        if previous > lengths[r]:
            return r
        previous = 0
        for i in range(span_starts[r], span_starts[r + 1]):
            if span_begin[i] < previous or span_end[i] < span_begin[i]:
                return r
            previous = span_end[i]
        if previous > lengths[r]:
            return r
    return -1


@njit(cache=True)
def _first_bad_weight(weight, span_starts, span_weight):  # type: ignore[no-untyped-def]
    """The first record with a weight, of its own, of a span or of both together, that no loss can have; -1 if none."""
    for r in range(len(weight)):
        if not usable_weight(weight[r]):
            return r
        for i in range(span_starts[r], span_starts[r + 1]):
            if not (usable_weight(span_weight[i]) and usable_weight(weight[r] * span_weight[i])):
                return r
    return -1
