"""Cutting: where a record that is longer than a row is divided, so that mathematics stays whole.

The encoder marks where a cut does no harm (`store.CUT`: paragraph, reasoning step, line; never inside a formula, never
between a solution's last step and its answer) and, where such places are rare, places between words as a last resort.
A cut anywhere else is a hard cut, made only where a whole row holds no mark, as inside a formula longer than a row, and
never inside a final answer that fits into a row. What happened is counted, so that a manifest can state how many
answers the cutting cost.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from mathmill.tokenize.manifest import CutCounts
from mathmill.tokenize.segments import N_RANKS

WORD = 3  # the rank of the last resort
SHORTEST_TAIL = 8  # the last piece of a record is at least 1/8 of a row, where there is a choice


@dataclass(frozen=True)
class Marks:
    """What cutting must know of n records. Offsets count tokens of the record.

    lengths: int64 (n,). cut_starts: int64 (n + 1,), record r has the marks cut_starts[r]:cut_starts[r + 1], ascending.
    cut_offsets: int32 (n_cuts,). cut_ranks: int8 (n_cuts,). answers: int32 (n, 2), start and end of the final answer,
    (-1, -1) where there is none.
    """

    lengths: npt.NDArray[np.int64]
    cut_starts: npt.NDArray[np.int64]
    cut_offsets: npt.NDArray[np.int32]
    cut_ranks: npt.NDArray[np.int8]
    answers: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Pieces:
    """Records cut to row length, in input order, the parts of a record in order; all arrays (n_pieces,).

    record: int64, which record. start: int64, length: int32, in tokens of the record. part, n_parts: int32.
    """

    record: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]
    part: npt.NDArray[np.int32]
    n_parts: npt.NDArray[np.int32]


def cut(marks: Marks, seq_len: int) -> Pieces:
    """Divide every record longer than `seq_len` tokens into pieces of at most that many.

    Each cut is the best-ranked mark in the last half of the window, the last of equals; else the last mark in the
    window. Without any but words, a place is sought at the window's end, or around the final answer rather than into it
    or just before it; the cut is the last mark up to there, else the first one after it, else a hard cut.
    """
    n_parts = _count_parts(
        marks.lengths, marks.cut_starts, marks.cut_offsets, marks.cut_ranks, marks.answers, np.int64(seq_len)
    )
    record = np.repeat(np.arange(len(n_parts)), n_parts)
    start = np.zeros(len(record), np.int64)
    part = np.zeros(len(record), np.int32)
    length = np.empty(len(record), np.int32)
    _fill_parts(
        marks.lengths, marks.cut_starts, marks.cut_offsets, marks.cut_ranks, marks.answers, np.int64(seq_len),
        n_parts, start, length, part,
    )  # fmt: skip
    return Pieces(record, start, length, part, n_parts[record].astype(np.int32))


def split(lengths: npt.NDArray[np.int64], seq_len: int) -> Pieces:
    """Divide records wherever a row ends when they lie end to end, for the packing "concatenate-and-split".

    lengths: int64 (n,), tokens, each at least 1. Formulas and answers are cut like anything else.
    """
    ends = np.cumsum(lengths)
    starts = ends - lengths
    first_row = starts // seq_len
    n_parts = (ends - 1) // seq_len - first_row + 1
    record = np.repeat(np.arange(len(lengths)), n_parts)
    part = np.arange(len(record)) - np.repeat(np.cumsum(n_parts) - n_parts, n_parts)
    row_start = (first_row[record] + part) * seq_len
    begin = np.maximum(row_start, starts[record])
    length = np.minimum(row_start + seq_len, ends[record]) - begin
    return Pieces(
        record, begin - starts[record], length.astype(np.int32), part.astype(np.int32), n_parts[record].astype(np.int32)
    )


def count_cuts(marks: Marks, pieces: Pieces) -> CutCounts:
    """Count what happened, from the pieces alone: also true of pieces that another program cut."""
    at_rank, hard, cut_records, truncated, separated = _count_cuts(
        marks.cut_starts, marks.cut_offsets, marks.cut_ranks, marks.answers,
        pieces.record, pieces.start, pieces.length, pieces.part, pieces.n_parts,
    )  # fmt: skip
    return CutCounts(
        records=len(marks.lengths),
        records_cut=int(cut_records),
        cuts_at_paragraph=int(at_rank[0]),
        cuts_at_step=int(at_rank[1]),
        cuts_at_line=int(at_rank[2]),
        cuts_at_word=int(at_rank[WORD]),
        hard_cuts=int(hard),
        answers=int((marks.answers[:, 0] >= 0).sum()),
        answers_truncated=int(truncated),
        answers_separated=int(separated),
    )


@njit(cache=True)
def _next_cut(position, length, offsets, ranks, answer_start, answer_end, seq_len):  # type: ignore[no-untyped-def]
    """Where the piece that begins at `position` ends; more than `seq_len` tokens are left."""
    window_end = position + seq_len
    limit = min(window_end, length - seq_len // SHORTEST_TAIL)
    best, best_rank, last = -1, N_RANKS, -1
    for i in range(np.searchsorted(offsets, position, side="right"), len(offsets)):
        offset = offsets[i]
        if offset > window_end or offset >= length:
            break
        if ranks[i] == WORD or answer_start <= offset < answer_end:
            continue
        last = offset
        if 2 * (offset - position) > seq_len and offset <= limit and ranks[i] <= best_rank:
            best, best_rank = offset, ranks[i]
    if best >= 0:
        return best
    if last >= 0:
        return last
    half = max(seq_len // 2, 1)
    hard, latest = limit, limit
    if position <= answer_start < limit + half and limit < answer_end:  # the answer would stand alone, or be divided
        if answer_end <= window_end:
            hard, latest = answer_end, window_end
        else:
            hard = min(limit, max(position + half, answer_end - seq_len))  # leave it some of what leads to it
            if hard > answer_start:
                hard = answer_start if answer_start > position else window_end
            latest = hard
    fits = answer_end - answer_start <= seq_len
    found = np.int64(-1)
    for i in range(np.searchsorted(offsets, position, side="right"), len(offsets)):
        if offsets[i] > window_end or (offsets[i] > latest and found >= 0):
            break
        if not (fits and answer_start < offsets[i] < answer_end) and offsets[i] < length:
            found = np.int64(offsets[i])
    return found if found >= 0 else hard


@njit(cache=True)
def _count_parts(lengths, cut_starts, cut_offsets, cut_ranks, answers, seq_len):  # type: ignore[no-untyped-def]
    n_parts = np.ones(len(lengths), np.int64)
    for r in range(len(lengths)):
        if lengths[r] > seq_len:
            marks = slice(cut_starts[r], cut_starts[r + 1])
            offsets, ranks = cut_offsets[marks], cut_ranks[marks]
            position = np.int64(0)
            while lengths[r] - position > seq_len:
                position = np.int64(
                    _next_cut(position, lengths[r], offsets, ranks, answers[r, 0], answers[r, 1], seq_len)
                )
                n_parts[r] += 1
    return n_parts


@njit(cache=True)
def _fill_parts(  # type: ignore[no-untyped-def]
    lengths, cut_starts, cut_offsets, cut_ranks, answers, seq_len, n_parts, start, length, part
):
    piece = 0
    for r in range(len(lengths)):
        marks = slice(cut_starts[r], cut_starts[r + 1])
        offsets, ranks = cut_offsets[marks], cut_ranks[marks]
        position = np.int64(0)
        for number in range(n_parts[r]):
            end = lengths[r]
            if number < n_parts[r] - 1:
                end = np.int64(_next_cut(position, lengths[r], offsets, ranks, answers[r, 0], answers[r, 1], seq_len))
            start[piece] = position
            length[piece] = end - position
            part[piece] = number
            position = end
            piece += 1


@njit(cache=True)
def _count_cuts(  # type: ignore[no-untyped-def]
    cut_starts, cut_offsets, cut_ranks, answers, record, start, length, part, n_parts
):
    at_rank = np.zeros(N_RANKS, np.int64)
    hard, cut_records, truncated, separated = 0, 0, 0, 0
    for piece in range(len(record)):
        if n_parts[piece] == 1:
            continue
        r = record[piece]
        offsets = cut_offsets[cut_starts[r] : cut_starts[r + 1]]
        begin, end = start[piece], start[piece] + length[piece]
        if part[piece] == 0:
            cut_records += 1
        else:
            mark = np.searchsorted(offsets, begin)
            if mark < len(offsets) and offsets[mark] == begin:
                at_rank[cut_ranks[cut_starts[r] + mark]] += 1
            else:
                hard += 1
        answer_start, answer_end = answers[r, 0], answers[r, 1]
        if begin <= answer_start < end:
            before = np.searchsorted(offsets, answer_start)
            while before > 0 and cut_ranks[cut_starts[r] + before - 1] == WORD:
                before -= 1
            last_step = offsets[before - 1] if before > 0 else 0
            if answer_end > end:
                truncated += 1
            elif begin > last_step:
                separated += 1
    return at_rank, hard, cut_records, truncated, separated
