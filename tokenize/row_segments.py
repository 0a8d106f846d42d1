"""Segments of single rows, read where they lie in a mapped .arrow file: what a random batch costs is its own rows.

Rows in random order of a terabyte fall into as many record batches as there are rows, so nothing may be done for a
whole batch but to find its columns once: twelve numbers, which are kept (96 bytes for 4096 rows). The kernels check a
row's segments before they write, since a shard may come from anywhere. 5 µs a row of 4096 tokens.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from mathmill.core.errors import DataError
from mathmill.tokenize.segments import BATCH_ROWS, usable_weight

# The columns of the table: where a batch's values begin in the file, in words of 4 bytes, and how many there are.
_ROW_STARTS, _N_TOKENS, _N_SUPERVISED, _START, _LENGTH, _WEIGHT = range(6)
_SPAN_STARTS, _SPAN_BEGIN, _SPAN_END, _SPAN_WEIGHT, _N_SEGMENTS, _N_SPANS = range(6, 12)
_UNKNOWN = -1


class RowSegments:
    """The segments of one shard's rows.

    data: the bytes of its .arrow file, mapped. opened: gives the same file, opened by Arrow; called when a record batch
    is first used. table: an `empty_table`, given again where the file is mapped anew. where: its name, for errors.
    """

    def __init__(
        self,
        data: npt.NDArray[np.uint8],
        opened: Callable[[], pa.RecordBatchFileReader],
        table: npt.NDArray[np.int64],
        rows: int,
        seq_len: int,
        where: str,
    ) -> None:
        self._words = data[: len(data) // 4 * 4].view(np.int32)
        self._floats = self._words.view(np.float32)
        self._base = data.ctypes.data
        self._opened = opened
        self._table = table
        self._rows, self._seq_len, self._where = rows, seq_len, where

    @staticmethod
    def empty_table(rows: int) -> npt.NDArray[np.int64]:
        """Where the record batches of so many rows lie: not yet known."""
        return np.full((-(-rows // BATCH_ROWS), 12), _UNKNOWN, np.int64)

    def fill(
        self,
        rows: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float32] | None,
        positions: npt.NDArray[np.int32] | None,
        *,
        after_first: bool = False,
    ) -> None:
        """Write the loss weights and the positions of rows of this shard; either may be left out.

        Row rows[i] goes to weights[places[i]] and positions[places[i]], each (·, seq_len). Positions count from each
        segment's beginning, and from that of the padding. after_first: give a segment's first token the weight 0, since
        nothing in the segment predicts it. DataError where a row's segments cannot be true.
        """
        for batch in np.unique(rows // BATCH_ROWS).tolist():
            if self._table[batch, 0] == _UNKNOWN:
                self._table[batch] = self._find(batch)
        none = np.empty((0, 0), np.float32), np.empty((0, 0), np.int32)
        fault = _fill(
            self._words,
            self._floats,
            self._table,
            rows,
            places,
            self._seq_len,
            none[0] if weights is None else weights,
            none[1] if positions is None else positions,
            after_first,
        )
        if fault >= 0:
            raise DataError(f"{self._where}: the segments of row {fault} do not fit its tokens")

    def _find(self, number: int) -> list[int]:
        """Where the columns of a record batch lie in the file."""
        try:
            batch = self._opened().get_batch(number)
            batch.validate()
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self._where}: record batch {number} is broken ({error})") from error
        expected = min(BATCH_ROWS, self._rows - number * BATCH_ROWS)
        if batch.num_rows != expected:
            raise DataError(f"{self._where}: record batch {number} has {batch.num_rows} rows")
        lists = batch.column("segments")
        segments = lists.values
        span_lists = segments.field("loss_spans")
        spans = span_lists.values
        return [
            self._place(lists),
            *(self._place(batch.column(name)) for name in ("n_tokens", "n_supervised")),
            *(self._place(segments.field(name)) for name in ("start", "length", "weight")),
            self._place(span_lists),
            *(self._place(spans.field(name)) for name in ("start", "end", "weight")),
            len(segments),
            len(spans),
        ]

    def _place(self, column: pa.Array) -> int:
        """The word at which a column's numbers, or a list's offsets, begin; DataError where it is not in the file."""
        if column.null_count or column.offset:
            raise DataError(f"{self._where}: it has segments or rows that are null")
        if not len(column):
            return 0
        values = column.buffers()[1]
        place = -1 if values is None else int(values.address - self._base)
        if place % 4 or not 0 <= place <= 4 * (len(self._words) - len(column) - 1):
            raise DataError(f"{self._where}: its columns are compressed or out of place; write them plain")
        return place // 4


@njit(cache=True, nogil=True)
def _fill(words, floats, table, rows, places, seq_len, weights, positions, after_first):  # type: ignore[no-untyped-def]
    """`RowSegments.fill`; returns the first row whose segments do not fit, or -1."""
    for i in range(len(rows)):
        columns = table[rows[i] // BATCH_ROWS]
        row = rows[i] % BATCH_ROWS
        if not _fits(words, floats, columns, row, seq_len):
            return rows[i]
        n_tokens = words[columns[_N_TOKENS] + row]
        first = words[columns[_ROW_STARTS] + row]
        last = words[columns[_ROW_STARTS] + row + 1]
        if len(weights):
            out = weights[places[i]]
            out[:] = 0
            for segment in range(first, last):
                start = words[columns[_START] + segment]
                weight = floats[columns[_WEIGHT] + segment]
                for span in range(words[columns[_SPAN_STARTS] + segment], words[columns[_SPAN_STARTS] + segment + 1]):
                    begin = start + words[columns[_SPAN_BEGIN] + span]
                    end = start + words[columns[_SPAN_END] + span]
                    value = weight * floats[columns[_SPAN_WEIGHT] + span]
                    for j in range(begin, end):
                        out[j] = value
                if after_first:
                    out[start] = 0
        if len(positions):
            place = positions[places[i]]
            for segment in range(first, last):
                _count(place, words[columns[_START] + segment], words[columns[_LENGTH] + segment])
            _count(place, n_tokens, seq_len - n_tokens)
    return -1


@njit(cache=True, nogil=True)
def _count(out, start, length):  # type: ignore[no-untyped-def]
    for j in range(length):
        out[start + j] = j


@njit(cache=True, nogil=True)
def _fits(words, floats, columns, row, seq_len):  # type: ignore[no-untyped-def]
    """Whether a row's segments tile its tokens and hold loss spans that fit, as `SegmentColumns` checks them."""
    first, last = words[columns[_ROW_STARTS] + row], words[columns[_ROW_STARTS] + row + 1]
    if not 0 <= first <= last <= columns[_N_SEGMENTS]:
        return False
    position = np.int64(0)
    supervised = np.int64(0)
    for segment in range(first, last):
        length = words[columns[_LENGTH] + segment]
        weight = floats[columns[_WEIGHT] + segment]
        if words[columns[_START] + segment] != position or length < 1 or not usable_weight(weight):
            return False
        position += length
        first_span = words[columns[_SPAN_STARTS] + segment]
        last_span = words[columns[_SPAN_STARTS] + segment + 1]
        if not 0 <= first_span <= last_span <= columns[_N_SPANS]:
            return False
        previous = np.int64(0)
        for span in range(first_span, last_span):
            begin, end = words[columns[_SPAN_BEGIN] + span], words[columns[_SPAN_END] + span]
            if begin < previous or end <= begin or end > length:
                return False
            if not usable_weight(weight * floats[columns[_SPAN_WEIGHT] + span]):
                return False
            previous = np.int64(end)
            supervised += end - begin
    n_tokens = words[columns[_N_TOKENS] + row]
    return position == n_tokens and position <= seq_len and supervised == words[columns[_N_SUPERVISED] + row]
