"""Write a shard: pack encoded records into rows of fixed length, with the columns that say what stands where.

One call packs the records of one pack task together (by one plan over all of them) and writes NAME.bin, NAME.idx and
NAME.arrow. The bytes depend on the records and their order alone, not on how they came in batches. Tokens
go from the mapped token store to the file through one buffer; memory is that buffer plus the columns beside the tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash
from numba import njit

from mathmill.core.config import file_digest
from mathmill.core.errors import DataError
from mathmill.core.storage import operating
from mathmill.tokenize.cutting import Pieces, count_cuts, cut, split
from mathmill.tokenize.encoded import EncodedRecords
from mathmill.tokenize.manifest import NO_LABEL, SUFFIXES, Counts, FileInfo, LabelCounts, ShardInfo, Suffix, share
from mathmill.tokenize.megatron_index import MegatronIndex, write_index
from mathmill.tokenize.packing import BEST_FIT, MAX_CAPACITY, Strategy, pack
from mathmill.tokenize.segments import (
    BATCH_ROWS,
    IDENTITY,
    ROW_FIELDS,
    SEGMENT,
    LossSpans,
    Spans,
    answers_array,
    row_schema,
    spans_array,
)
from mathmill.tokenize.store import CUT, LABELS, LOSS_SPAN, token_dtype

_BUFFER_BYTES = 4 << 20  # stays in a core's caches between gathering, hashing and writing


def shard_paths(prefix: str | Path) -> dict[Suffix, Path]:
    """The three files of a shard, by suffix."""
    return {suffix: Path(f"{prefix}{suffix}") for suffix in SUFFIXES}


def write_shard(
    prefix: Path,
    encoded: pa.Table | Iterable[pa.RecordBatch | pa.Table],
    *,
    seq_len: int,
    vocab_size: int,
    pad_id: int,
    name: str | None = None,
    packing: Strategy = BEST_FIT,
) -> ShardInfo:
    """Cut and pack encoded records and write them as the shard `prefix`.bin, .idx and .arrow.

    encoded: records as `store.encoded_schema(vocab_size)`, at least one; their order decides between equal choices and
    is the order of documents in the `.idx`. Mapped files stay on disk. name: the shard's name in the manifest (default:
    the prefix's last part). packing: the strategy. Files are written in place: give a temporary place and publish them
    afterwards.

    Raises DataError where the records do not fit the schema, are empty, or contradict themselves.
    """
    if not 0 <= pad_id < vocab_size:
        raise ValueError(f"pad_id {pad_id} is not in a vocabulary of {vocab_size}")
    if not 1 <= seq_len <= MAX_CAPACITY:
        raise ValueError(f"the row length must be from 1 to {MAX_CAPACITY:,} tokens, not {seq_len}")
    records = EncodedRecords.of(encoded, vocab_size)
    concatenated = packing == "concatenate-and-split"
    pieces = split(records.marks.lengths, seq_len) if concatenated else cut(records.marks, seq_len)
    layout = Layout.of(pieces, pack(pieces.length, seq_len, packing).by_bin())
    columns = _segment_columns(records, layout)
    paths = shard_paths(prefix)

    with operating(f"cannot write the shard {prefix}"):
        digests = {".bin": _write_tokens(paths[".bin"], records, layout, seq_len, vocab_size, pad_id)}
        write_index(paths[".idx"], megatron_index(layout, seq_len, token_dtype(vocab_size)))
        _write_rows(paths[".arrow"], records, layout, columns, row_schema(seq_len, vocab_size, pad_id))

    tokens, cuts = int(pieces.length.sum(dtype=np.int64)), count_cuts(records.marks, pieces)
    supervised = np.bincount(layout.record, weights=columns.n_supervised).astype(np.int64)
    return ShardInfo(
        name=name or Path(prefix).name,
        rows=layout.n_rows,
        tokens=tokens,
        supervised_tokens=int(columns.n_supervised.sum()),
        utilisation=share(tokens, layout.n_rows * seq_len),
        cuts=cuts,
        answer_truncation=share(cuts.answers_truncated, cuts.answers),
        segments=len(pieces.length),
        counts=count_labels(records.identity, records.marks.lengths, supervised),
        files={
            suffix: FileInfo(bytes=path.stat().st_size, checksum=digests.get(suffix) or file_digest(path))
            for suffix, path in paths.items()
        },
    )


@dataclass(frozen=True)
class Layout:
    """Where every segment stands, ordered by row and place. All but `row_starts` are (n_segments,).

    piece: number in Pieces. record, part, n_parts, source: as there (`source` is the start in the record). row, start:
    where it stands; row_starts: int64 (n_rows + 1,), row i has the segments row_starts[i]:row_starts[i + 1].
    """

    piece: npt.NDArray[np.int64]
    record: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]
    part: npt.NDArray[np.int32]
    n_parts: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    row_starts: npt.NDArray[np.int64]

    @property
    def n_rows(self) -> int:
        """Rows of the shard."""
        return len(self.row_starts) - 1

    @cached_property
    def n_tokens(self) -> npt.NDArray[np.int32]:
        """Tokens of each row without padding."""
        return np.add.reduceat(self.length, self.row_starts[:-1]).astype(np.int32)

    @classmethod
    def of(cls, pieces: Pieces, by_bin: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]) -> "Layout":
        """Lay the pieces of each bin side by side, in input order."""
        order, row_starts = by_bin
        length = pieces.length[order]
        row = np.repeat(np.arange(len(row_starts) - 1), np.diff(row_starts))
        ends = np.cumsum(length, dtype=np.int64)
        before = np.concatenate([[0], ends])[row_starts[:-1]]  # tokens of the rows before
        return cls(
            piece=order,
            record=pieces.record[order],
            source=pieces.start[order],
            length=length,
            part=pieces.part[order],
            n_parts=pieces.n_parts[order],
            row=row,
            start=ends - length - before[row],
            row_starts=row_starts,
        )


def megatron_index(layout: Layout, seq_len: int, dtype: np.dtype[np.generic]) -> MegatronIndex:
    """List the segments by record (in input order) and part, with pointers to where they stand."""
    by_record = np.empty_like(layout.piece)
    by_record[layout.piece] = np.arange(len(layout.piece))
    position = layout.row[by_record] * seq_len + layout.start[by_record]
    starts = np.flatnonzero(layout.part[by_record] == 0)
    return MegatronIndex(
        dtype=dtype,
        lengths=layout.length[by_record],
        pointers=position * dtype.itemsize,
        document_indices=np.append(starts, len(by_record)),
    )


@dataclass(frozen=True)
class _Columns:
    """What segments say about their tokens, in the order of the layout."""

    cuts: Spans
    answers: npt.NDArray[np.int32]
    loss_spans: LossSpans
    n_supervised: npt.NDArray[np.int64]


def _segment_columns(records: EncodedRecords, layout: Layout) -> _Columns:
    marks, spans = records.marks, records.loss_spans
    cuts = Spans(*_cuts_of_segments(
        marks.cut_starts, marks.cut_offsets, marks.cut_ranks, layout.record, layout.source, layout.length
    ))  # fmt: skip
    losses = LossSpans(*_spans_of_segments(
        spans.starts, spans.begin, spans.end, spans.weight, layout.record, layout.source, layout.length
    ))  # fmt: skip
    answers = marks.answers[layout.record] - layout.source[:, None]
    clipped = np.clip(answers, 0, layout.length[:, None])
    missing = (marks.answers[layout.record, 0] < 0) | (clipped[:, 0] >= clipped[:, 1])
    return _Columns(
        cuts=cuts,
        answers=np.where(missing[:, None], -1, clipped).astype(np.int32),
        loss_spans=losses,
        n_supervised=losses.covered,
    )


def _write_tokens(
    path: Path, records: EncodedRecords, layout: Layout, seq_len: int, vocab_size: int, pad_id: int
) -> str:
    """Write the rows through a buffer of whole rows, each store chunk in its own order; returns the file's digest."""
    dtype = token_dtype(vocab_size)
    rows_at_once = max(1, _BUFFER_BYTES // (seq_len * dtype.itemsize))
    buffer = np.empty((min(rows_at_once, layout.n_rows), seq_len), dtype)
    hasher = xxhash.xxh3_128()
    with open(path, "wb") as file:
        for first_row in range(0, layout.n_rows, rows_at_once):
            rows = buffer[: min(rows_at_once, layout.n_rows - first_row)]
            _pad(rows, layout.n_tokens[first_row : first_row + len(rows)], pad_id)
            _gather(rows, records, layout, first_row)
            if int(rows.view(f"u{dtype.itemsize}").max()) >= vocab_size:  # a negative id is a large one
                raise DataError(f"the token store has ids outside of its vocabulary of {vocab_size}")
            hasher.update(rows.data)
            file.write(rows.data)
    return hasher.hexdigest()


def _gather(rows: npt.NDArray[np.generic], records: EncodedRecords, layout: Layout, first_row: int) -> None:
    segments = np.arange(layout.row_starts[first_row], layout.row_starts[first_row + len(rows)])
    chunk = records.chunk[layout.record[segments]]
    order = np.argsort(chunk, kind="stable")
    segments, chunk = segments[order], chunk[order]
    for number in np.unique(chunk):
        here = segments[slice(*np.searchsorted(chunk, [number, number + 1]))]
        _copy_runs(
            records.tokens[number],
            records.token_start[layout.record[here]] + layout.source[here],
            rows.reshape(-1),
            (layout.row[here] - first_row) * rows.shape[1] + layout.start[here],
            layout.length[here],
        )


def _write_rows(path: Path, records: EncodedRecords, layout: Layout, columns: _Columns, schema: pa.Schema) -> None:
    n_supervised = np.add.reduceat(columns.n_supervised, layout.row_starts[:-1]).astype(np.int32)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for first_row in range(0, layout.n_rows, BATCH_ROWS):
            last_row = min(first_row + BATCH_ROWS, layout.n_rows)
            starts = layout.row_starts[first_row : last_row + 1]
            segments = _segments(records, layout, columns, slice(int(starts[0]), int(starts[-1])))
            lists = pa.ListArray.from_arrays(
                pa.array((starts - starts[0]).astype(np.int32)), segments, type=ROW_FIELDS[0].type
            )
            counts = [pa.array(counts[first_row:last_row]) for counts in (layout.n_tokens, n_supervised)]
            writer.write_batch(pa.RecordBatch.from_arrays([lists, *counts], schema=schema))


def _segments(records: EncodedRecords, layout: Layout, columns: _Columns, here: slice) -> pa.StructArray:
    identity = records.identity.take(pa.array(layout.record[here])).combine_chunks()
    fields = {
        "start": pa.array(layout.start[here].astype(np.int32)),
        "length": pa.array(layout.length[here]),
        "part": pa.array(layout.part[here]),
        "n_parts": pa.array(layout.n_parts[here]),
        "cuts": spans_array(columns.cuts.of(here), CUT),
        "answer": answers_array(columns.answers[here]),
        "loss_spans": spans_array(columns.loss_spans.of(here), LOSS_SPAN),
        **{field.name: identity.column(field.name).chunk(0) for field in IDENTITY},
    }
    return pa.StructArray.from_arrays([fields[field.name] for field in SEGMENT], fields=list(SEGMENT))


def count_labels(identity: pa.Table, tokens: npt.NDArray[np.int64], supervised: npt.NDArray[np.int64]) -> Counts:
    """Count records, tokens and supervised tokens for each value of each label that is a word.

    identity: n records, each column in one chunk. tokens, supervised: of each record, int64 (n,).
    """
    counts: Counts = {}
    for label in LABELS:
        if label.type == pa.string():
            coded = identity.column(label.name).chunk(0).fill_null(NO_LABEL).dictionary_encode()
            code = coded.indices.to_numpy()
            # sums as float64 are exact below 2**53
            sums = [np.bincount(code, weights=weights).astype(np.int64) for weights in (None, tokens, supervised)]
            counts[label.name] = {
                value: LabelCounts(records=int(sums[0][i]), tokens=int(sums[1][i]), supervised_tokens=int(sums[2][i]))
                for i, value in sorted(enumerate(coded.dictionary.to_pylist()), key=lambda entry: entry[1])
            }
    return counts


@njit(cache=True)
def _pad(rows, n_tokens, pad_id):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        rows[i, n_tokens[i] :] = pad_id


@njit(cache=True)
def _copy_runs(source, source_start, target, target_start, length):  # type: ignore[no-untyped-def]
    for i in range(len(length)):
        run = source[source_start[i] : source_start[i] + length[i]]
        place = target[target_start[i] : target_start[i] + length[i]]
        for j in range(length[i]):
            place[j] = run[j]


@njit(cache=True)
def _cuts_of_segments(cut_starts, cut_offsets, cut_ranks, record, source, length):  # type: ignore[no-untyped-def]
    """The allowed cuts of each segment, its own beginning included, its end not; relative to the segment."""
    starts = np.zeros(len(record) + 1, np.int64)
    first = np.empty(len(record), np.int64)
    for i in range(len(record)):
        begin, end = cut_starts[record[i]], cut_starts[record[i] + 1]
        offsets = cut_offsets[begin:end]
        low = np.searchsorted(offsets, source[i])
        first[i] = begin + low
        starts[i + 1] = starts[i] + np.searchsorted(offsets, source[i] + length[i]) - low
    offset = np.empty(starts[-1], np.int32)
    rank = np.empty(starts[-1], np.int32)
    for i in range(len(record)):
        for j in range(starts[i], starts[i + 1]):
            mark = first[i] + j - starts[i]
            offset[j] = cut_offsets[mark] - source[i]
            rank[j] = cut_ranks[mark]
    return starts, offset, rank


@njit(cache=True)
def _spans_of_segments(span_starts, span_begin, span_end, span_weight, record, source, length):  # type: ignore[no-untyped-def]
    """The parts of a record's spans that lie in each segment, relative to the segment, and their weights."""
    starts = np.zeros(len(record) + 1, np.int64)
    for i in range(len(record)):
        first, last = _overlapping(span_starts, span_begin, span_end, record[i], source[i], source[i] + length[i])
        starts[i + 1] = starts[i] + last - first
    begin = np.empty(starts[-1], np.int32)
    end = np.empty(starts[-1], np.int32)
    weight = np.empty(starts[-1], np.float32)
    for i in range(len(record)):
        first, _ = _overlapping(span_starts, span_begin, span_end, record[i], source[i], source[i] + length[i])
        for j in range(starts[i], starts[i + 1]):
            span = first + j - starts[i]
            begin[j] = max(span_begin[span] - source[i], 0)
            end[j] = min(span_end[span] - source[i], length[i])
            weight[j] = span_weight[span]
    return starts, begin, end, weight


@njit(cache=True)
def _overlapping(span_starts, span_begin, span_end, record, begin, end):  # type: ignore[no-untyped-def]
    """First and last + 1 of a record's spans that share a token with begin:end."""
    low, high = span_starts[record], span_starts[record + 1]
    first = low + np.searchsorted(span_end[low:high], begin, side="right")
    last = low + np.searchsorted(span_begin[low:high], end)
    return first, max(first, last)
