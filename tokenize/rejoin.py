"""Rejoin: from a shard back to the encoded records that it was packed from, without a tokenizer.

The `.idx` lists the segments record by record in the order in which they were packed, so that packing the rejoined
records again gives the same bytes. Repacking reads shards through this, and so does verification: what does not
rejoin is broken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from mathmill.core.errors import DataError
from mathmill.tokenize.cutting import Marks, Pieces
from mathmill.tokenize.megatron_index import MegatronIndex, read_index
from mathmill.tokenize.reader import Shard
from mathmill.tokenize.segments import IDENTITY, LossSpans, SegmentColumns, Spans, answers_array, spans_array
from mathmill.tokenize.store import CUT, LOSS_SPAN, MAX_RECORD_TOKENS, encoded_schema, token_dtype

_BATCH_TOKENS = 8 << 20


@dataclass(frozen=True)
class RejoinedRecords:
    """The n records of a shard, in the order in which they were packed; segments by record and part.

    positions, lengths: int64 (n_segments,), where a segment stands in the `.bin` (counted in tokens), and its length.
    first: int64 (n + 1,), record r has the segments first[r]:first[r + 1]. identity: a table (n rows) of what the
    segments of a record have in common. loss_spans, cuts: per record, relative to it; spans that were cut are whole
    again. answers: as in Marks.
    """

    shard: Shard
    positions: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    identity: pa.Table
    cuts: Spans
    loss_spans: LossSpans
    answers: npt.NDArray[np.int32]

    @classmethod
    def of(cls, shard: Shard) -> "RejoinedRecords":
        """Read a shard's index and segments; DataError where they disagree or parts of a record are missing."""
        batches = list(shard.all_columns())
        if not batches:
            raise DataError(f"{shard.prefix}: it has no rows")
        index = read_index(shard.paths[".idx"])
        order = _order_of_index(index, batches, shard)
        first = index.document_indices
        _check_parts(batches, order, first, shard)
        lengths = np.concatenate([batch.length for batch in batches])[order].astype(np.int64)
        if np.add.reduceat(lengths, first[:-1]).max() > MAX_RECORD_TOKENS:
            raise DataError(
                f"{shard.prefix}: the parts of a record are more than {MAX_RECORD_TOKENS:,} tokens together"
            )
        source = _starts_in_record(lengths, first)
        identity = _identity(batches, order, first, shard)
        answers = _join_answers(np.concatenate([batch.answers for batch in batches])[order], source, first)
        return cls(
            shard=shard,
            positions=index.pointers // index.dtype.itemsize,
            lengths=lengths,
            first=first,
            identity=identity,
            cuts=_join_cuts([batch.cuts for batch in batches], order, first, source),
            loss_spans=_join_losses([batch.loss_spans for batch in batches], order, first, source),
            answers=answers,
        )

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def record_lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each record, int64 (n,)."""
        return np.add.reduceat(self.lengths, self.first[:-1])

    @property
    def supervised(self) -> npt.NDArray[np.int64]:
        """Supervised tokens of each record, int64 (n,)."""
        return self.loss_spans.covered

    def marks(self) -> Marks:
        """What cutting would see of the records."""
        cuts = self.cuts
        return Marks(self.record_lengths, cuts.starts, cuts.begin, cuts.end.astype(np.int8), self.answers)

    def pieces(self) -> Pieces:
        """How the records were cut."""
        n_parts = np.diff(self.first)
        record = np.repeat(np.arange(len(self)), n_parts)
        return Pieces(
            record=record,
            start=_starts_in_record(self.lengths, self.first),
            length=self.lengths.astype(np.int32),
            part=(np.arange(len(record)) - self.first[record]).astype(np.int32),
            n_parts=n_parts[record].astype(np.int32),
        )

    def tokens(self, record: int) -> npt.NDArray[np.generic]:
        """The tokens of one record."""
        flat = self.shard.tokens.reshape(-1)
        runs = range(int(self.first[record]), int(self.first[record + 1]))
        return np.concatenate([flat[self.positions[i] : self.positions[i] + self.lengths[i]] for i in runs])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The records as in the token store (`store.encoded_schema`), some 8 M tokens at a time."""
        schema = encoded_schema(self.shard.vocab_size)
        ends = np.cumsum(self.record_lengths)
        begin = 0
        while begin < len(self):
            done = ends[begin - 1] if begin else 0
            end = max(begin + 1, int(np.searchsorted(ends, done + _BATCH_TOKENS, side="right")))
            yield self._batch(slice(begin, end), schema)
            begin = end

    def _batch(self, records: slice, schema: pa.Schema) -> pa.RecordBatch:
        segments = slice(int(self.first[records.start]), int(self.first[records.stop]))
        lengths = self.lengths[segments]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        values = np.empty(int(ends[-1]), token_dtype(self.shard.vocab_size))
        _gather_runs(self.shard.tokens.reshape(-1), self.positions[segments], lengths, values)
        offsets = ends[self.first[records.start : records.stop + 1] - segments.start]
        identity = self.identity.slice(records.start, records.stop - records.start)
        columns = {
            **{field.name: identity.column(field.name).combine_chunks() for field in IDENTITY},
            "tokens": pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values)),
            "cuts": spans_array(self.cuts.of(records), CUT),
            "answer": answers_array(self.answers[records]),
            "loss_spans": spans_array(self.loss_spans.of(records), LOSS_SPAN),
        }
        arrays = [columns[field.name].cast(field.type) for field in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _order_of_index(index: MegatronIndex, batches: list[SegmentColumns], shard: Shard) -> npt.NDArray[np.int64]:
    """Which segment (numbered as they stand) each sequence of the index is; DataError unless they are one to one."""
    where = str(shard.paths[".idx"])
    positions, first_row = [], 0
    for batch in batches:
        row = first_row + np.repeat(np.arange(len(batch.n_tokens)), np.diff(batch.row_starts))
        positions.append(row * shard.seq_len + batch.start)
        first_row += len(batch.n_tokens)
    standing = np.concatenate(positions)
    lengths = np.concatenate([batch.length for batch in batches])
    if index.dtype != token_dtype(shard.vocab_size) or len(index.lengths) != len(standing):
        raise DataError(f"{where}: it lists {len(index.lengths):,} sequences of {index.dtype}, the shard has others")
    listed, rest = np.divmod(index.pointers, index.dtype.itemsize)
    order = np.minimum(np.searchsorted(standing, listed), len(standing) - 1)
    if rest.any() or (standing[order] != listed).any() or (lengths[order] != index.lengths).any():
        raise DataError(f"{where}: its sequences are not the shard's segments")
    if (np.bincount(order, minlength=len(order)) != 1).any():
        raise DataError(f"{where}: it lists a segment twice")
    return order


def _check_parts(
    batches: list[SegmentColumns], order: npt.NDArray[np.int64], first: npt.NDArray[np.int64], shard: Shard
) -> None:
    """Raise DataError unless each document of the index has the parts 0, 1, … n_parts - 1, in that order."""
    counts = np.diff(first)
    part = np.concatenate([batch.part for batch in batches])[order]
    n_parts = np.concatenate([batch.n_parts for batch in batches])[order]
    expected = np.arange(len(part)) - np.repeat(first[:-1], counts)
    if (counts < 1).any() or (part != expected).any() or (n_parts != np.repeat(counts, counts)).any():
        raise DataError(f"{shard.prefix}: a record does not have all of its parts, in order")


def _starts_in_record(lengths: npt.NDArray[np.int64], first: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    before = np.cumsum(lengths) - lengths
    return before - np.repeat(before[first[:-1]], np.diff(first))


def _identity(
    batches: list[SegmentColumns], order: npt.NDArray[np.int64], first: npt.NDArray[np.int64], shard: Shard
) -> pa.Table:
    """What the parts of each record have in common; DataError where they differ."""
    try:
        table = pa.Table.from_batches([batch.identity() for batch in batches])
        table.validate(full=True)
    except pa.ArrowException as error:
        raise DataError(f"{shard.paths['.arrow']}: its labels are broken ({error})") from error
    of_record = table.take(pa.array(order[first[:-1]])).combine_chunks()
    later = np.setdiff1d(np.arange(len(order)), first[:-1], assume_unique=True)
    if len(later):
        record = np.repeat(np.arange(len(first) - 1), np.diff(first))[later]
        parts, wholes = table.take(pa.array(order[later])), of_record.take(pa.array(record))
        if not _bits(parts).equals(_bits(wholes)):
            raise DataError(f"{shard.prefix}: the parts of a record have different labels")
    return of_record


def _bits(table: pa.Table) -> pa.Table:
    """The table with floats as their bits, so that a NaN equals itself."""
    columns = {
        name: column.combine_chunks().view(pa.int32()) if column.type == pa.float32() else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pa.table(columns)


def _join_cuts(
    parts: list[Spans], order: npt.NDArray[np.int64], first: npt.NDArray[np.int64], source: npt.NDArray[np.int64]
) -> Spans:
    """The cuts of records from those of their segments."""
    starts, taken, shift = _spans_of_records(parts, order, first, source)
    begin = np.concatenate([cuts.begin for cuts in parts])[taken] + shift
    return Spans(starts, begin.astype(np.int32), np.concatenate([cuts.end for cuts in parts])[taken])


def _join_losses(
    parts: list[LossSpans], order: npt.NDArray[np.int64], first: npt.NDArray[np.int64], source: npt.NDArray[np.int64]
) -> LossSpans:
    """The loss spans of records from those of their segments."""
    starts, taken, shift = _spans_of_records(parts, order, first, source)
    begin = np.concatenate([spans.begin for spans in parts])[taken] + shift
    end = np.concatenate([spans.end for spans in parts])[taken] + shift
    weight = np.concatenate([spans.weight for spans in parts])[taken]
    return LossSpans(starts, begin.astype(np.int32), end.astype(np.int32), weight).merged()


def _spans_of_records(
    parts: Sequence[Spans], order: npt.NDArray[np.int64], first: npt.NDArray[np.int64], source: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Regroup the spans of all segments by record: (starts as in Spans, number of each span, what to add to it)."""
    counts = np.concatenate([np.diff(spans.starts) for spans in parts])
    begins = np.cumsum(counts) - counts
    starts = np.concatenate([[0], np.cumsum(counts[order])])[first]
    return starts, _ranges(begins[order], counts[order]), np.repeat(source, counts[order])


def _join_answers(
    answers: npt.NDArray[np.int32], source: npt.NDArray[np.int64], first: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """The answers of records from what lies of them in each segment."""
    found = answers[:, 0] >= 0
    begin = np.where(found, answers[:, 0] + source, np.iinfo(np.int64).max)
    end = np.where(found, answers[:, 1] + source, -1)
    ends = np.maximum.reduceat(end, first[:-1])
    begins = np.where(ends < 0, -1, np.minimum.reduceat(begin, first[:-1]))
    return np.stack([begins, ends], 1).astype(np.int32)


def _ranges(begin: npt.NDArray[np.int64], count: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Concatenate the ranges begin[i]:begin[i] + count[i]."""
    before = np.cumsum(count) - count
    return np.arange(int(count.sum())) + np.repeat(begin - before, count)


@njit(cache=True)
def _gather_runs(source, begin, length, target):  # type: ignore[no-untyped-def]
    place = 0
    for i in range(len(length)):
        for j in range(length[i]):
            target[place + j] = source[begin[i] + j]
        place += length[i]
