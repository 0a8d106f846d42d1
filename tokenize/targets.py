"""How much each group should have had by any point of training: the integral of its share so far.

Shares are constant, change in steps, or run straight from point to point; so targets are pieces of lines or parabolas,
which are evaluated and inverted exactly, without a grid. Plans are checked with fractions, orders computed with floats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Shape: TypeAlias = Literal["steps", "linear"]


@dataclass(frozen=True)
class Targets:
    """Pieces: from starts[k] on, group g has the share shares[k, g] + slopes[k, g] * (x - starts[k]).

    starts: float64 (n_pieces,), tokens of the whole mixture, ascending from 0. shares, slopes: float64
    (n_pieces, n_groups). sums: float64 (n_pieces, n_groups), the targets where the pieces start.
    """

    starts: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]
    slopes: npt.NDArray[np.float64]
    sums: npt.NDArray[np.float64]

    @classmethod
    def of(cls, shape: Shape, starts: Sequence[float], shares: Sequence[Sequence[float]]) -> "Targets":
        """Shares at points: kept until the next point (steps), or on the way to the next point's (linear)."""
        at, values = np.array(starts, np.float64), np.array(shares, np.float64)
        slopes, sums = np.zeros_like(values), np.zeros_like(values)
        lengths = np.diff(at)[:, None]
        if shape == "linear":
            slopes[:-1] = np.diff(values, axis=0) / lengths
        sums[1:] = np.cumsum((values[:-1] + 0.5 * slopes[:-1] * lengths) * lengths, axis=0)
        return cls(at, values, slopes, sums)

    @classmethod
    def constant(cls, shares: Sequence[float]) -> "Targets":
        """The same shares from beginning to end."""
        return cls.of("steps", [0.0], [shares])

    def at(self, total: float) -> npt.NDArray[np.float64]:
        """What each group should have had of the first `total` tokens: float64 (n_groups,)."""
        piece = int(np.searchsorted(self.starts, total, side="right")) - 1
        past = total - self.starts[piece]
        found: npt.NDArray[np.float64] = (
            self.sums[piece] + (self.shares[piece] + 0.5 * self.slopes[piece] * past) * past
        )
        return found

    def reached(self, group: int, tokens: float) -> float:
        """The first total at which a group should have had so many tokens; infinity where it never should."""
        return float(reached(self.starts, self.shares, self.slopes, self.sums, group, float(tokens)))


def integrate(
    shape: Shape, points: Sequence[tuple[Fraction, Sequence[Fraction]]], total: Fraction | int
) -> list[Fraction]:
    """What each group should have of `total` > 0 tokens, exactly: shares at points, of which the first is at 0."""
    inside = [point for point in points if point[0] < total]
    last = inside[-1][1]
    if shape == "linear" and len(inside) < len(points):
        (start, before), (stop, after) = points[len(inside) - 1 : len(inside) + 1]
        last = [a + (b - a) * (total - start) / (stop - start) for a, b in zip(before, after, strict=True)]
    sums = [Fraction(0)] * len(last)
    for (start, first), (stop, then) in pairwise([*inside, (Fraction(total), last)]):
        shares = [(a + b) / 2 for a, b in zip(first, then, strict=True)] if shape == "linear" else first
        sums = [tokens + share * (stop - start) for tokens, share in zip(sums, shares, strict=True)]
    return sums


@njit(cache=True)
def reached(starts, shares, slopes, sums, group, value):  # type: ignore[no-untyped-def]
    """`Targets.reached`, to be called from other compiled functions."""
    for piece in range(len(starts)):
        if piece + 1 < len(starts) and sums[piece + 1, group] < value:
            continue
        left = value - sums[piece, group]
        share, slope = shares[piece, group], slopes[piece, group]
        if left <= 0.0:
            return starts[piece]
        if slope == 0.0:
            return starts[piece] + left / share if share > 0.0 else np.inf
        root = np.sqrt(max(share * share + 2.0 * slope * left, 0.0))  # no difference of nearly equal numbers
        return starts[piece] + 2.0 * left / (share + root)
    return np.inf
