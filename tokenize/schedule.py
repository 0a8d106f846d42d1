"""Which group each row of training comes from, so that every prefix of it has the asked shares.

Rows hold different numbers of tokens, so shares are kept in tokens, not in draws. That is the problem of fair queueing
with packets of different lengths, and its solution with the tightest bound is WF2Q (Bennett and Zhang, INFOCOM 1996):
of the groups that have not yet had more than their share, draw from the one whose next row is due first. After any
number of rows, no group is a whole row from its share, neither above nor below; always drawing from the group that
lacks most keeps no such bound once there are three groups or more.

The bound holds for shares that change over training as well. Above: a group is drawn from only while it has at most its
target, and targets do not fall. Below: a row may be drawn from where its group's target reaches it on, and is due where
the target has it whole. Let t be when a row due later than d was last begun before the row due at d: everything drawn
after it became ready after t and is due by d, which is at most d - t tokens of target; so the row is done less than one
longest row after d, and until a row is done its group lacks less than that.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numba import njit

from mathmill.tokenize.permutation import permute_one
from mathmill.tokenize.targets import Targets, reached

CHUNK = 1 << 16  # rows between two remembered states

_ROUNDING = 1e-12  # far more than the error of a target, relative to the total; under a token up to 10^12


class Schedule:
    """The sequence of rows of a mixture, computed from the sizes of rows; the state is remembered every CHUNK rows.

    sizes: of each group what each of its rows counts (tokens, or supervised tokens), integers (n_rows,). targets: what
    each group should have had of any total. keys: of each group the permutation keys of its epochs. caps: the most rows
    that may be drawn of each group, at most its rows times its epochs.
    """

    def __init__(
        self,
        sizes: Sequence[npt.NDArray[np.integer]],
        targets: Targets,
        keys: Sequence[Sequence[int]],
        caps: Sequence[int],
    ) -> None:
        self._sizes = np.concatenate([np.asarray(size, np.int32) for size in sizes])
        self._bounds = np.cumsum([0, *map(len, sizes)], dtype=np.int64)
        self._targets = (targets.starts, targets.shares, targets.slopes, targets.sums)
        self._caps = np.array(caps, np.int64)
        self._keys = np.zeros((len(keys), max(map(len, keys))), np.uint64)
        for group, values in enumerate(keys):
            self._keys[group, : len(values)] = np.array(values, np.uint64)
        self._states = [np.zeros((2, len(sizes)), np.int64)]  # of each group: the sum of sizes drawn, the rows drawn

    def rows(self, start: int, stop: int) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]]:
        """The rows start..stop-1 of the sequence: (group int16, row within the group int64), (stop - start,) each.

        Fewer where the sequence ends before `stop`, because a group that is due is used up.
        """
        state = self._state_at(start)
        return self._draw(state, stop - start)

    def until(self, total: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Draw until the sum of sizes is `total` or more, or until a group that is due is used up.

        Returns (sums of sizes int64 (n_groups,), rows int64 (n_groups,)) of what was drawn of each group.
        """
        state = self._states[0].copy()
        while len(self._draw(state, CHUNK, total)[0]) == CHUNK:
            pass
        return state[0], state[1]

    def _state_at(self, start: int) -> npt.NDArray[np.int64]:
        """The state before row `start`, or that at the end of a shorter sequence."""
        while len(self._states) <= start // CHUNK:
            state = self._states[-1].copy()
            if len(self._draw(state, CHUNK)[0]) < CHUNK:
                return state
            self._states.append(state)
        state = self._states[start // CHUNK].copy()
        self._draw(state, start % CHUNK)
        return state

    def _draw(
        self, state: npt.NDArray[np.int64], count: int, total: int | None = None
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]]:
        """Draw up to `count` rows from a state, which moves on."""
        groups, rows = np.empty(count, np.int16), np.empty(count, np.int64)
        limit = np.int64(np.iinfo(np.int64).max if total is None else total)
        n = _draw(self._sizes, self._bounds, *self._targets, self._keys, self._caps, state, limit, groups, rows)
        return groups[:n], rows[:n]


@njit(cache=True)
def _draw(sizes, bounds, starts, shares, slopes, sums, keys, caps, state, limit, groups, rows):  # type: ignore[no-untyped-def]
    drawn, counts = state[0], state[1]
    n_groups = len(caps)
    total = drawn.sum()
    piece = 0
    row = np.empty(n_groups, np.int64)  # the next one
    due = np.empty(n_groups, np.float64)  # the total at which the group's next row ought to have been drawn
    for group in range(n_groups):
        row[group], size = _next(sizes, bounds, keys, caps, counts, group)
        due[group] = reached(starts, shares, slopes, sums, group, float(drawn[group] + size))
    for i in range(len(groups)):
        if total >= limit:
            return i
        while piece + 1 < len(starts) and starts[piece + 1] <= total:
            piece += 1
        past = total - starts[piece]
        best = -1
        for group in range(n_groups):
            share, slope = shares[piece, group], slopes[piece, group]
            lack = sums[piece, group] + (share + 0.5 * slope * past) * past - drawn[group]
            if lack < 0.0 or (lack == 0.0 and share == 0.0 and slope <= 0.0):  # had enough for now
                continue
            if row[group] < 0 and lack <= _ROUNDING * total:  # used up, and not missed
                continue
            if best < 0 or due[group] < due[best]:
                best = group
        if best < 0:  # only by rounding: what groups lack sums to 0
            best = _first_to_lack(starts, shares, slopes, sums, drawn, row)
        if best < 0 or row[best] < 0:
            return i
        groups[i] = best
        rows[i] = row[best]
        size = np.int64(sizes[bounds[best] + row[best]])
        drawn[best] += size
        counts[best] += 1
        total += size
        row[best], size = _next(sizes, bounds, keys, caps, counts, best)
        due[best] = reached(starts, shares, slopes, sums, best, float(drawn[best] + size))
    return len(groups)


@njit(cache=True)
def _next(sizes, bounds, keys, caps, counts, group):  # type: ignore[no-untyped-def]
    """The next row of a group and its size; of a group that is used up -1, due when it is missed."""
    if counts[group] >= caps[group]:
        return np.int64(-1), np.int64(0)
    n = bounds[group + 1] - bounds[group]
    row = permute_one(counts[group] % n, n, keys[group, counts[group] // n])
    return row, np.int64(sizes[bounds[group] + row])


@njit(cache=True)
def _first_to_lack(starts, shares, slopes, sums, drawn, row):  # type: ignore[no-untyped-def]
    """Of the groups that are not used up, the one whose target first reaches what it has had; -1 if there is none."""
    best, earliest = -1, np.inf
    for group in range(len(drawn)):
        if row[group] >= 0:
            begin = reached(starts, shares, slopes, sums, group, float(drawn[group]))
            if best < 0 or begin < earliest:
                best, earliest = group, begin
    return best
