"""The rows of an export, in order and without padding: whole mix groups one after another, or the order of a mixture.

Rows come in batches of some millions of tokens as flat arrays, so that every format is written by a few array
operations and memory does not depend on the size of the shards: there is no Python object for a token.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.mixture import Mixture
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.schedule import CHUNK
from mathmill.tokenize.segments import BATCH_ROWS, IDENTITY, SEGMENT

IGNORED = -100
"""The label of a token that is no target, as PyTorch and Hugging Face have it."""

MIXTURE = "mixture"

BATCH_TOKENS = 2 << 20

SEGMENT_COLUMNS = pa.schema([SEGMENT.field(name) for name in ("length", "part", "n_parts", "answer")] + IDENTITY)
"""What formats are told of a segment."""


@dataclass(frozen=True)
class Selection:
    """What of the shards an export takes.

    mixture: in its order; without one, whole mix groups follow each other in the manifest's order. groups: those to
    take (none named: all). start, stop: of the rows in that order. tokens: end with the row that makes this many.
    """

    mixture: Mixture | None = None
    groups: Sequence[str] = ()
    start: int = 0
    stop: int | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        if self.mixture is not None and self.groups:
            raise ConfigError("a mixture says which groups are taken; leave out either the mixture or the groups")

    @property
    def whole(self) -> bool:
        """Whether no row of the order is left out."""
        return self.start == 0 and self.stop is None and self.tokens is None


@dataclass(frozen=True)
class RowBatch:
    """Consecutive rows of an export, without padding.

    name: the mix group, or MIXTURE. groups: string (n_rows,), the mix group of each row. tokens: uint16 or int32
    (n_tokens,). weights: float32 (n_tokens,), the loss weight, 0 where a token is not supervised. row_starts: int64
    (n_rows + 1,) and segment_starts: int64 (n_segments + 1,), where rows and segments begin in `tokens`. row_segments:
    int64 (n_rows + 1,), row i has the segments row_segments[i]:row_segments[i + 1]. segments: their columns
    part, n_parts, answer and IDENTITY.
    """

    name: str
    groups: pa.StringArray
    tokens: npt.NDArray[np.generic]
    weights: npt.NDArray[np.float32]
    row_starts: npt.NDArray[np.int64]
    segment_starts: npt.NDArray[np.int64]
    row_segments: npt.NDArray[np.int64]
    segments: pa.Table

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """Tokens of each segment."""
        return np.diff(self.segment_starts).astype(np.int32)

    @cached_property
    def targets(self) -> npt.NDArray[np.bool_]:
        """Which tokens are learned: supervised, and with a token before them in their segment; bool (n_tokens,)."""
        targets = self.weights > 0
        targets[self.segment_starts[:-1]] = False
        return targets

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """The tokens, IGNORED where they are no targets: int32 (n_tokens,)."""
        return np.where(self.targets, self.tokens.astype(np.int32), np.int32(IGNORED))

    def numbers(self, name: str) -> npt.NDArray[np.int32]:
        """A column of whole numbers of the segments."""
        return self.segments.column(name).to_numpy()


class ExportRows:
    """The rows that a selection takes of shards.

    names: the mix groups, in order. ConfigError for a selection that cannot be, DataError for a mixture of other shards
    and where there is nothing to take.
    """

    def __init__(self, reader: ShardReader, selection: Selection) -> None:
        self._reader, self._selection = reader, selection
        mixture, known = selection.mixture, reader.groups
        if missing := [name for name in selection.groups if name not in known]:
            raise ConfigError(f"the shards have no group {missing[0]!r}; there are {', '.join(known)}")
        self._tokens = reader.row_sizes("tokens")
        if mixture is not None:
            counts = self._tokens if mixture.count == "tokens" else reader.row_sizes(mixture.count)
            self._schedule = mixture.schedule(counts)
            self.names = tuple(group.name for group in mixture.groups)
            there = mixture.rows
        else:
            self.names = tuple(name for name in known if not selection.groups or name in selection.groups)
            there = sum(len(known[name]) for name in self.names)
        if not there:
            raise DataError(f"there is nothing to export: {', '.join(self.names) or 'the manifest'} holds no rows")
        self._stop = there if selection.stop is None else min(selection.stop, there)
        if not 0 <= selection.start < self._stop:
            raise ConfigError(f"rows {selection.start}:{self._stop} are none; there are {there:,} rows, from 0 on")
        if selection.tokens is not None:
            self._stop = self._end(selection.tokens)
        self._firsts = np.array([known[name].start for name in self.names], np.int64)
        rows = np.array([shard.rows for shard in reader.shards], np.int64)
        self._shard_starts = np.cumsum(rows) - rows

    def __len__(self) -> int:
        return self._stop - self._selection.start

    @cached_property
    def weighted(self) -> bool:
        """Whether the loss weight of some supervised token is not 1."""
        for first, shard in zip(self._shard_starts.tolist(), self._reader.shards, strict=True):
            if any(first in self._reader.groups[name] for name in self.names):
                weights = [np.append(here.weight, here.loss_spans.weight) for here in shard.all_columns()]
                shard.close()  # a terabyte of shards may not be open at once
                if any((values != 1).any() for values in weights):
                    return True
        return False

    def batches(self, most_tokens: int = BATCH_TOKENS) -> Iterator[RowBatch]:
        """The rows in order; without a mixture, no batch holds rows of two groups."""
        for name, groups, rows in self._numbers(max(1, min(most_tokens, BATCH_TOKENS) // self._reader.seq_len)):
            yield self._read(name, groups, rows)

    def _end(self, tokens: int) -> int:
        """The row after the one that makes so many tokens, or after the last one."""
        end = self._selection.start
        for _, groups, rows in self._numbers(CHUNK):
            held = np.cumsum(self._lengths(groups, rows), dtype=np.int64)
            if tokens <= held[-1]:
                return end + int(np.searchsorted(held, tokens)) + 1
            tokens -= int(held[-1])
            end += len(rows)
        return end

    def _lengths(self, groups: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Tokens of rows, without padding."""
        lengths = np.empty(len(rows), np.int32)
        for number in np.unique(groups).tolist():
            here = groups == number
            lengths[here] = self._tokens[self.names[number]][rows[here]]
        return lengths

    def _numbers(self, at_once: int) -> Iterator[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Name of a batch, and of its rows: number of the group in `names`, number in the group."""
        start, stop = self._selection.start, self._stop
        if self._selection.mixture is not None:
            for first in range(start, stop, at_once):
                groups, rows = self._schedule.rows(first, min(first + at_once, stop))
                if len(rows) < min(at_once, stop - first):
                    raise DataError("the mixture ends before the rows that it counts; plan it again")
                yield MIXTURE, groups.astype(np.int64), rows
            return
        before = 0
        for number, name in enumerate(self.names):
            there = len(self._tokens[name])
            for first in range(max(start - before, 0), end := min(stop - before, there), at_once):
                rows = np.arange(first, min(first + at_once, end))
                yield name, np.full(len(rows), number), rows
            before += there

    def _read(self, name: str, groups: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> RowBatch:
        lengths, numbers = self._lengths(groups, rows), self._firsts[groups] + rows
        filled = np.arange(self._reader.seq_len) < lengths[:, None]
        weights = self._reader.loss_weights(numbers)[filled]  # which checks that segments fit their rows
        segments, counts = self._segments(numbers)
        return RowBatch(
            name=name,
            groups=pa.array(self.names, pa.string()).take(pa.array(groups)),
            tokens=self._reader.gather(numbers)[filled],
            weights=weights,
            row_starts=_starts(lengths),
            segment_starts=_starts(segments.column("length").to_numpy()),
            row_segments=_starts(counts),
            segments=segments,
        )

    def _segments(self, numbers: npt.NDArray[np.int64]) -> tuple[pa.Table, npt.NDArray[np.int64]]:
        """The segments of rows, and how many each row has; rows that follow each other in a shard are read at once."""
        shard = np.searchsorted(self._shard_starts, numbers, side="right") - 1
        batch, local = np.divmod(numbers - self._shard_starts[shard], BATCH_ROWS)
        breaks = (np.diff(shard) != 0) | (np.diff(batch) != 0) | (np.diff(local) != 1)
        bounds = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(numbers)]
        pieces, counts = [], []
        for first, last in pairwise(bounds):
            source = self._reader.shards[shard[first]]
            lists = source.record_batch(int(batch[first])).column("segments")
            offsets = lists.offsets[int(local[first]) : int(local[first]) + last - first + 1].to_numpy()
            piece = lists.values.slice(offsets[0], offsets[-1] - offsets[0])
            columns = [piece.field(name) for name in SEGMENT_COLUMNS.names]
            try:
                for column in columns:
                    column.validate(full=True)  # strings may lie: nothing has looked at them yet
            except pa.ArrowException as error:
                raise DataError(f"{source.prefix}.arrow: the labels of a row are broken ({error})") from error
            if any(
                here.null_count and not there.nullable for here, there in zip(columns, SEGMENT_COLUMNS, strict=True)
            ):
                raise DataError(f"{source.prefix}.arrow: it has segments that are null")
            pieces.append(pa.RecordBatch.from_arrays(columns, schema=SEGMENT_COLUMNS))
            counts.append(np.diff(offsets))
        return pa.Table.from_batches(pieces).combine_chunks(), np.concatenate(counts)


def _starts(lengths: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
