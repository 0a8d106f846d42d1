"""Batches of rows for training: the same global batches for any number of ranks, and exactly so after a resume.

Step s holds the rows s * batch_size to (s + 1) * batch_size - 1 of the global order (`mathmill.tokenize.order`). Each
rank takes its contiguous part of them, so that the parts in the order of ranks are the batch. The rows of a step are
computed from its number alone: to resume is to go on counting. The next batches are gathered by one thread beside the
training, whose kernels let go of Python's lock. No PyTorch is needed; `mathmill.tokenize.torch_data` puts it on top.
"""

import operator
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.cache import Cache
from mathmill.tokenize.mixture import Mixture
from mathmill.tokenize.order import Order, order_of
from mathmill.tokenize.reader import ShardReader

STATE_VERSION = 1


@dataclass(frozen=True)
class Batch:
    """One rank's rows of a step.

    tokens: uint16 or int32 (n, seq_len). loss_weights: float32 (n, seq_len), the weight of each token as a target, 0
    where it is none; the first token of a segment is none, since nothing in its segment predicts it. position_ids:
    int32 (n, seq_len), from 0 in each segment and in the padding. cu_seqlens: int32 (n_segments + 1,), where segments
    begin in the n * seq_len tokens laid end to end, and their end; padding is a segment of its own. rows: int64 (n,),
    numbers in the reader. groups: int16 (n,), of each row its mix group, a number in `Loader.groups`. step: of the
    whole training, from 0. epoch: in which the step's first row (of all ranks) lies.
    """

    tokens: npt.NDArray[np.generic]
    loss_weights: npt.NDArray[np.float32]
    position_ids: npt.NDArray[np.int32]
    cu_seqlens: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int16]
    step: int
    epoch: int

    @property
    def loss_mask(self) -> npt.NDArray[np.bool_]:
        """Which tokens are targets: bool (n, seq_len)."""
        return self.loss_weights > 0


class Loader:
    """An iterator over the batches of one rank, from step 0 or from a loaded state on.

    shards: a reader, or what `ShardReader` opens. batch_size: rows of a step over all ranks, a multiple of world_size.
    mixture: its order, once through; else all rows of `groups` (default: all), `epochs` times (None: for ever), in an
    order made from `seed`; else the rows of `order`, which has all of these in it. Steps run across the ends of epochs;
    the last rows of all that fill no batch are left out (`dropped_rows`).
    prefetch: batches gathered ahead, 0 for none; of remote shards, their files are fetched ahead. cache: where to.

    ConfigError where these do not fit each other or the shards, TypeError where batch_size is no integer; DataError
    where the shards or the mixture are broken. Close it, or use it as a context manager, to end its thread early; else
    that ends with the loader. Open it in the process that uses it: a fork has no such thread.
    """

    def __init__(
        self,
        shards: ShardReader | str | Path,
        batch_size: int,
        *,
        mixture: Mixture | str | Path | None = None,
        groups: Sequence[str] | None = None,
        seed: int = 0,
        epochs: int | None = 1,
        order: Order | None = None,
        rank: int = 0,
        world_size: int = 1,
        prefetch: int = 2,
        cache: Cache | None = None,
    ) -> None:
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank {rank} is not in a world of {world_size}")
        batch_size = _whole_number(batch_size, "batch_size")
        if batch_size < 1:
            raise ConfigError(f"batch_size is at least 1, not {batch_size}")
        if batch_size % world_size:
            raise ConfigError(f"batch_size {batch_size} is not a multiple of the {world_size} ranks")
        if prefetch < 0 or (epochs is not None and epochs < 1):
            raise ConfigError("prefetch is at least 0, epochs at least 1 (or None for ever)")
        self.reader = shards if isinstance(shards, ShardReader) else ShardReader(shards, cache)
        self.groups = tuple(self.reader.groups)
        self.batch_size, self.rank, self.world_size = batch_size, rank, world_size
        self.step = 0  # the next one
        self._order = order or order_of(self.reader, mixture, groups, seed, epochs)
        length = self._order.length
        self.n_steps = None if length is None else length // batch_size
        self.dropped_rows = 0 if length is None else length % batch_size
        if self.n_steps == 0 or not self._order.epoch_rows:
            raise ConfigError(f"batch_size {batch_size} is more than the {length or 0:,} rows that there are to see")
        self.reader.check_room(self._order.groups)
        self._group_ends = np.array([rows.stop for rows in self.reader.groups.values()], np.int64)
        self._prefetch = prefetch
        self._thread = _Thread()
        self._ahead: deque[Future[Batch]] = deque()
        self._lock = threading.Lock()  # readers serve one thread at a time

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        if self.n_steps is not None and self.step >= self.n_steps:
            raise StopIteration
        if not self._prefetch:
            batch = self.batch(self.step)
        else:
            self._gather_ahead()
            try:
                batch = self._ahead.popleft().result()
            except BaseException:
                self._forget()  # the step may be tried again
                raise
        self.step += 1
        self._gather_ahead()
        return batch

    def batch(self, step: int) -> Batch:
        """Gather this rank's batch of any step; IndexError where there is no such step, TypeError for no number."""
        step = _whole_number(step, "step")
        with self._lock:
            rows = self._rows(step)
            part = len(rows) // self.world_size
            mine = rows[self.rank * part : (self.rank + 1) * part]
            tokens = self.reader.gather(mine)
            weights, positions = self.reader.targets(mine)
        starts = np.flatnonzero(positions.reshape(-1) == 0)
        return Batch(
            tokens=tokens,
            loss_weights=weights,
            position_ids=positions,
            cu_seqlens=np.append(starts, positions.size).astype(np.int32),
            rows=mine,
            groups=np.searchsorted(self._group_ends, mine, side="right").astype(np.int16),
            step=step,
            epoch=step * self.batch_size // self._order.epoch_rows,
        )

    def state_dict(self) -> dict[str, Any]:
        """Where the iteration stands: what was handed out counts, not what was gathered ahead. JSON-like."""
        return {
            "version": STATE_VERSION,
            "step": self.step,
            "epoch": self.step * self.batch_size // self._order.epoch_rows,
            "batch_size": self.batch_size,
            "shards": self.reader.digest,
            "order": self._order.digest,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken, by any number of ranks.

        DataError where it was taken with other shards, another mixture, seed, groups or batch size.
        """
        mine = self.state_dict()
        if state.get("version") != STATE_VERSION:
            raise DataError(
                f"a loader's state of version {state.get('version')!r}; this mathmill reads {STATE_VERSION}"
            )
        for key, what in _IDENTITY.items():
            if state.get(key) != mine[key]:
                raise DataError(
                    f"the state was taken with {what} ({state.get(key)!r}, here {mine[key]!r}); go on with the same"
                )
        step = state.get("step")
        if type(step) is not int or step < 0 or (self.n_steps is not None and step > self.n_steps):
            raise DataError(f"the state stands at step {step!r} of {self.n_steps}")
        self._forget()
        self.step = step

    def close(self) -> None:
        """End the thread that gathers ahead, when its present batch is done."""
        self._forget()
        self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, step: int) -> npt.NDArray[np.int64]:
        if step < 0 or (self.n_steps is not None and step >= self.n_steps):
            raise IndexError(f"step {step} is not among {'all' if self.n_steps is None else f'{self.n_steps:,}'}")
        return self._order.rows(step * self.batch_size, (step + 1) * self.batch_size)

    def _gather_ahead(self) -> None:
        while len(self._ahead) < self._prefetch:
            step = self.step + len(self._ahead)
            if self.n_steps is not None and step >= self.n_steps:
                break
            self._ahead.append(self._thread.submit(self.batch, step))

    def _forget(self) -> None:
        for future in self._ahead:
            future.cancel()
        wait(self._ahead)
        self._ahead.clear()


_IDENTITY = {
    "batch_size": "another batch size",
    "shards": "other shards",
    "order": "another mixture, seed or choice of groups",
}


def _whole_number(value: object, what: str) -> int:
    """An integer of any kind, NumPy's too; TypeError for floats, truth values and words."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{what} is a whole number, not {value!r}")
    return operator.index(value)


_Call = tuple[Future[Batch], Callable[[int], Batch], int]


class _Thread:
    """A thread that gathers batches in order. It is a daemon: an interpreter that ends must not wait for a download."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._end = weakref.finalize(self, self._calls.put, None)

    def submit(self, gather: Callable[[int], Batch], step: int) -> Future[Batch]:
        if self._thread is None:
            self._thread = threading.Thread(target=_serve, args=(self._calls,), name="mathmill-gather", daemon=True)
            self._thread.start()
        future: Future[Batch] = Future()
        self._calls.put((future, gather, step))
        return future

    def close(self) -> None:
        self._end()
        if self._thread is not None:
            self._thread.join()


def _serve(calls: "SimpleQueue[_Call | None]") -> None:
    while (call := calls.get()) is not None:
        future, gather, step = call
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(gather(step))
            except BaseException as error:  # raised where the batch is taken
                future.set_exception(error)
        del call, future, gather  # so that a loader that nobody holds any more can end this thread
