"""Shards as a PyTorch data set: batches of tensors in the order of `Loader`, with exact resume, for any data loader.

    >>> from torchdata.stateful_dataloader import StatefulDataLoader
    >>> data = ShardDataset("out/shards", batch_size=8, seed=1)
    >>> loader = StatefulDataLoader(data, batch_size=None, num_workers=2)
    >>> for batch in loader:
    ...     loss = model(batch["input_ids"], labels=batch["labels"], position_ids=batch["position_ids"]).loss

An item is a rank's whole part of a step, hence `batch_size=None`. Workers of a data loader take steps in turn, so what
comes out is the same with and without them. Needs the package torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numba import njit
from torch.utils.data import IterableDataset, get_worker_info

from mathmill.core.errors import ConfigError
from mathmill.tokenize.cache import Cache
from mathmill.tokenize.loader import Batch, Loader
from mathmill.tokenize.mixture import Mixture

IGNORE = -100
"""The label of a token that is no target."""


class ShardDataset(IterableDataset[dict[str, torch.Tensor]]):
    """Batches of rows, each a dictionary of tensors; see `Loader` for the arguments and the order.

    input_ids: int64 (n, seq_len). labels: int64 (n, seq_len), not shifted: the token itself where it is a target, else
    -100; the first token of a segment is never one, so that models which shift inside learn nothing across segments.
    loss_weights: float32 (n, seq_len). position_ids: int64 (n, seq_len), from 0 in each segment and in the padding.
    cu_seqlens: int32 (n_segments + 1,), for attention of variable length over the n * seq_len tokens laid end to end.

    rank, world_size: default to those of torch.distributed where it is initialised, else 0 of 1. The files are opened
    by the process that reads them, so an object may be passed to workers.
    """

    def __init__(
        self,
        shards: str | Path,
        batch_size: int,
        *,
        mixture: Mixture | str | Path | None = None,
        groups: Sequence[str] | None = None,
        seed: int = 0,
        epochs: int | None = 1,
        rank: int | None = None,
        world_size: int | None = None,
        prefetch: int = 2,
        cache: Cache | None = None,
    ) -> None:
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        if rank is None:
            rank = torch.distributed.get_rank() if distributed else 0
        if world_size is None:
            world_size = torch.distributed.get_world_size() if distributed else 1
        self._shards, self._prefetch = shards, prefetch
        self._arguments: dict[str, Any] = {
            "batch_size": batch_size,
            "mixture": mixture,
            "groups": groups,
            "seed": seed,
            "epochs": epochs,
            "rank": rank,
            "world_size": world_size,
            "cache": cache,
        }
        with self._open() as loader:  # so that errors appear here, not in a worker
            self.n_steps = loader.n_steps
            self._start = self._state = loader.state_dict()
        self._is_loaded = False  # whether the next iteration goes on from `_state`, else it begins at the start

    def _open(self, prefetch: int = 0) -> Loader:
        return Loader(self._shards, prefetch=prefetch, **self._arguments)

    def __len__(self) -> int:
        if self.n_steps is None:
            raise TypeError("it never ends: epochs is None")
        return self.n_steps

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        if not self._is_loaded:
            self._state = self._start
        self._is_loaded = False
        return self._batches(self._state)

    def _batches(self, state: Mapping[str, Any]) -> Iterator[dict[str, torch.Tensor]]:
        worker = get_worker_info()
        number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
        with self._open(self._prefetch if worker is None else 0) as loader:
            loader.load_state_dict(state)
            if state.get("worker") is None:
                loader.step += number  # a state of the whole: its next steps are dealt out
            elif state["worker"] != [number, count]:
                raise ConfigError(
                    f"the state is that of worker {state['worker']} of a data loader, not of {[number, count]}; "
                    "give the data loader as many workers as it had"
                )
            while loader.n_steps is None or loader.step < loader.n_steps:
                tensors = as_tensors(next(loader))
                loader.step += count - 1
                if loader.n_steps is not None:
                    loader.step = min(loader.step, loader.n_steps)
                self._state = loader.state_dict() | {"worker": None if worker is None else [number, count]}
                yield tensors

    def state_dict(self) -> dict[str, Any]:
        """Where the iteration of this process stands, JSON-like; without workers it fits any number of ranks."""
        return dict(self._state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on from a state; DataError, when it does, where it is of other shards or order."""
        self._state, self._is_loaded = dict(state), True


def as_tensors(batch: Batch) -> dict[str, torch.Tensor]:
    """The tensors of a batch, as `ShardDataset` describes them."""
    input_ids, labels = np.empty((2, *batch.tokens.shape), np.int64)
    _label(batch.tokens.reshape(-1), batch.loss_weights.reshape(-1), input_ids.reshape(-1), labels.reshape(-1))
    return {
        "input_ids": torch.from_numpy(input_ids),
        "labels": torch.from_numpy(labels),
        "loss_weights": torch.from_numpy(batch.loss_weights),
        "position_ids": torch.from_numpy(batch.position_ids.astype(np.int64)),
        "cu_seqlens": torch.from_numpy(batch.cu_seqlens),
    }


@njit(cache=True, nogil=True)
def _label(tokens, weights, input_ids, labels):  # type: ignore[no-untyped-def]
    """Both in one pass: a third of the time that PyTorch's own conversions take."""
    for i in range(len(tokens)):
        token = np.int64(tokens[i])
        input_ids[i] = token
        labels[i] = token if weights[i] > 0 else IGNORE


def document_mask(position_ids: torch.Tensor) -> torch.Tensor:
    """Which tokens may attend to which: bool (n, 1, seq_len, seq_len), causal and inside segments, for SDPA.

    position_ids: integers (n, seq_len), from 0 in each segment.
    """
    segment = (position_ids == 0).cumsum(-1)
    return ((segment[:, :, None] == segment[:, None, :]).tril())[:, None]
