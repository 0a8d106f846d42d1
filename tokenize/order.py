"""The order in which training sees rows: one sequence of row numbers, computed, the same for any number of ranks.

Without a mixture, every row once in each epoch, in an order that is computed from its place (`permutation`), so that a
terabyte needs no list of rows; with one, what the mixture says, once through. A step takes the next rows of the
sequence, also across the end of an epoch, so that no row is left out but at the very end.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mathmill.core.config import digest
from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.mixture import Mixture
from mathmill.tokenize.permutation import permutation_key, permute
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.schedule import CHUNK


class Order(Protocol):
    """A sequence of row numbers of a reader."""

    @property
    def length(self) -> int | None:
        """Rows of the whole sequence; None where it never ends."""

    @property
    def epoch_rows(self) -> int:
        """Rows of one epoch."""

    @property
    def groups(self) -> Sequence[str]:
        """The mix groups that it draws from."""

    @property
    def digest(self) -> str:
        """Identifies what the sequence is made from, but its length: 32 hex digits."""

    def rows(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """The rows at start..stop-1 of the sequence, 0 <= start <= stop <= length: int64 (stop - start,)."""
        ...


class Shuffled:
    """All rows of some groups, shuffled together anew in each epoch; `epochs` of None never end."""

    def __init__(self, reader: ShardReader, groups: Sequence[str] | None, seed: int, epochs: int | None) -> None:
        for name in groups or ():
            if name not in reader.groups:
                raise ConfigError(f"the shards have no group {name!r}; there are {', '.join(reader.groups)}")
        names = list(reader.groups) if groups is None else list(dict.fromkeys(groups))
        ranges = [reader.groups[name] for name in names]
        self._ends = np.cumsum([len(rows) for rows in ranges], dtype=np.int64)  # of the groups laid end to end
        self._shift = np.array([rows.stop for rows in ranges], np.int64) - self._ends
        self.groups, self._seed = names, seed
        self.epoch_rows = int(self._ends[-1]) if len(ranges) else 0
        self.length = None if epochs is None else epochs * self.epoch_rows
        self.digest = digest(["shuffled", seed, names])

    def rows(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """See `Order`."""
        parts = [np.zeros(0, np.int64)]
        while start < stop:
            epoch, place = divmod(start, self.epoch_rows)
            count = min(stop - start, self.epoch_rows - place)
            key = permutation_key(self._seed, "\x1e".join(self.groups), epoch)
            found = permute(np.arange(place, place + count), self.epoch_rows, key)
            parts.append(found + self._shift[np.searchsorted(self._ends, found, side="right")])
            start += count
        return np.concatenate(parts)


class Mixed:
    """The rows of a mixture, once through."""

    def __init__(self, reader: ShardReader, mixture: Mixture) -> None:
        for group in mixture.groups:
            if group.name not in reader.groups:
                raise DataError(f"the mixture was planned for other shards: they have no group {group.name!r}")
        self.groups = [group.name for group in mixture.groups]
        self._schedule = mixture.schedule(reader.row_sizes(mixture.count))
        self._first = np.array([reader.groups[name].start for name in self.groups], np.int64)
        self.epoch_rows = self.length = mixture.rows
        self.digest = digest(mixture)
        self._chunk: tuple[int, npt.NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def rows(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """See `Order`."""
        parts = [np.zeros(0, np.int64)]
        while start < stop:
            chunk, place = divmod(start, CHUNK)
            if self._chunk[0] != chunk:
                group, row = self._schedule.rows(chunk * CHUNK, min((chunk + 1) * CHUNK, self.length))
                self._chunk = chunk, self._first[group] + row
            parts.append(self._chunk[1][place : place + stop - start])
            if not len(parts[-1]):
                raise DataError("the mixture ends before the rows that it counts; plan it again")
            start += len(parts[-1])
        return np.concatenate(parts)


def order_of(
    reader: ShardReader,
    mixture: Mixture | str | Path | None,
    groups: Sequence[str] | None,
    seed: int,
    epochs: int | None,
) -> Order:
    """The order of a reader's rows; ConfigError where a mixture comes with groups, a seed or epochs beside it."""
    if mixture is None:
        return Shuffled(reader, groups, seed, epochs)
    if groups is not None or seed or epochs != 1:
        raise ConfigError("a mixture has its groups, its seed and its length; leave groups, seed and epochs out")
    return Mixed(reader, mixture if isinstance(mixture, Mixture) else Mixture.load(mixture))
