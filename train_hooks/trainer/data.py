"""Rows for training and rows held out: a fixed share of each mix group, the same for any mixture, order and rank count.

A row is held out by its number alone: the first places of a permutation of its group, made from the seed. Training
walks the order of `mathmill.tokenize.order` and passes over them, so that a mixture keeps its shares and a resume stays
a matter of counting. A record that packing has cut may lie on both sides; whole rows, not records, are held out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import xxhash

from mathmill.core.config import digest
from mathmill.core.errors import ConfigError
from mathmill.tokenize.loader import Batch, Loader
from mathmill.tokenize.order import Order, order_of
from mathmill.tokenize.permutation import permutation_key, permute
from mathmill.tokenize.reader import ShardReader
from mathmill.train_hooks.trainer.config import DataConfig, TrainConfig

_PIECE = 1 << 16  # rows of an order that are looked at together


def held_out_rows(reader: ShardReader, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Which rows are held out: bool (n_rows,). At least one of each group that has two, unless the share is 0."""
    held_out = np.zeros(len(reader), np.bool_)
    for name, rows in reader.groups.items():
        count = max(1, round(share * len(rows))) if share and len(rows) > 1 else 0
        if count:
            places = permute(np.arange(count), len(rows), permutation_key(seed, f"held out\x1e{name}", 0))
            held_out[rows.start + places] = True
    return held_out


class Remaining:
    """An `Order` without the rows that are held out; counted once, 8 bytes for every 65,536 rows."""

    def __init__(self, order: Order, held_out: npt.NDArray[np.bool_], rows: int) -> None:
        """rows: of the order, to look through (an order may never end)."""
        self._order, self._held_out, self._rows = order, held_out, rows
        kept = [int((~held_out[order.rows(start, end)]).sum()) for start, end in _pieces(rows)]
        self._ends = np.cumsum([0, *kept], dtype=np.int64)
        self.length: int = int(self._ends[-1])
        self.epoch_rows = max(1, round(self.length * order.epoch_rows / max(rows, 1)))
        self.groups = order.groups
        self.digest = digest([order.digest, xxhash.xxh3_128_hexdigest(np.packbits(held_out).tobytes())])

    def rows(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """See `Order`."""
        parts = [np.zeros(0, np.int64)]
        while start < stop:
            piece = int(np.searchsorted(self._ends, start, side="right")) - 1
            first = piece * _PIECE
            rows = self._order.rows(first, min(first + _PIECE, self._rows))
            kept = rows[~self._held_out[rows]]
            offset = start - int(self._ends[piece])
            parts.append(kept[offset : offset + stop - start])
            start += len(parts[-1])
        return np.concatenate(parts)


class Listed:
    """An `Order` of given rows, once through."""

    def __init__(self, reader: ShardReader, rows: npt.NDArray[np.int64]) -> None:
        self._rows = rows
        self.length = self.epoch_rows = len(rows)
        self.groups: Sequence[str] = list(reader.groups)
        self.digest = digest(rows.tolist())

    def rows(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """See `Order`."""
        return self._rows[start:stop]


def _pieces(rows: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + _PIECE, rows)) for start in range(0, rows, _PIECE))


@dataclass
class Data:
    """The training rows of this rank, the validation rows of all ranks, and how many steps they are good for."""

    reader: ShardReader
    train: Loader
    validation_reader: ShardReader
    validation: npt.NDArray[np.int64]  # rows of `validation_reader`
    steps: int


def open_data(config: TrainConfig, rank: int, world_size: int) -> Data:
    """Open shards and split them; ConfigError where there are fewer rows than the schedule asks for."""
    reader = ShardReader(config.data.shards)
    held_out = held_out_rows(reader, config.data.held_out, config.data.seed)
    order = _training_order(reader, config.data, config.schedule.epochs)
    assert order.length is not None
    remaining = Remaining(order, held_out, order.length)
    if remaining.length < config.global_batch:
        raise ConfigError(
            f"{config.data.shards} leaves {remaining.length:,} rows to train on, fewer than global_batch "
            f"{config.global_batch:,}; lower it, raise epochs, or hold out less"
        )
    loader = Loader(reader, config.global_batch, order=remaining, rank=rank, world_size=world_size)
    assert loader.n_steps is not None
    steps = config.schedule.steps or loader.n_steps
    if steps > loader.n_steps:
        raise ConfigError(
            f"schedule.steps {steps:,} times global_batch {config.global_batch:,} needs "
            f"{steps * config.global_batch:,} rows, and there are {remaining.length:,} to train on; "
            "raise epochs or the mixture's total, or lower steps"
        )
    source = ShardReader(config.data.validation or config.data.shards)  # a reader serves one thread: not the loader's
    if config.data.validation is None:
        trained = np.concatenate([np.asarray(reader.groups[name], np.int64) for name in sorted(order.groups)])
        rows = np.sort(trained[held_out[trained]])
    else:
        rows = np.arange(len(source))
    if source.seq_len != reader.seq_len:
        raise ConfigError(
            f"{config.data.validation} has rows of {source.seq_len:,} tokens, {config.data.shards} of "
            f"{reader.seq_len:,}; pack one of them again with `mathmill shards repack`"
        )
    return Data(reader, loader, source, _spread(rows, config.validation.rows), steps)


def _training_order(reader: ShardReader, config: DataConfig, epochs: int) -> Order:
    if config.mixture is None:
        return order_of(reader, None, config.groups, config.seed, epochs)
    if epochs != 1:
        raise ConfigError("a mixture has its own length; leave schedule.epochs out and raise the mixture's total")
    return order_of(reader, config.mixture, config.groups, 0, 1)


def _spread(rows: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """At most so many rows, evenly spread."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


@dataclass
class MicroBatch:
    """Rows that one rank computes together, on the device.

    input_ids, position_ids: int64 (n, seq_len). bounds: where segments begin in the n * seq_len tokens laid end to end,
    and their end. targets: int64 (n_supervised,), the tokens to predict; sources: int64 (n_supervised,), the places in
    the tokens laid end to end whose hidden states predict them (one before each). weights: float32 (n_supervised,).
    segment: int64 (n_supervised,), of each target the number of its segment, 0 ≤ segment < n_segments.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    bounds: npt.NDArray[np.int32]
    sources: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    segment: torch.Tensor

    @property
    def n_segments(self) -> int:
        return len(self.bounds) - 1


def micro_batches(batch: Batch, size: int, device: torch.device) -> Iterator[MicroBatch]:
    """Divide a rank's batch into micro-batches of `size` rows."""
    for start in range(0, len(batch.tokens), size):
        here = slice(start, start + size)
        yield micro_batch(batch.tokens[here], batch.position_ids[here], batch.loss_weights[here], device)


def micro_batch(
    tokens: npt.NDArray[np.generic],
    positions: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32],
    device: torch.device,
) -> MicroBatch:
    """Lay out rows for the device; all arrays are (n, seq_len)."""
    flat_weights, flat_tokens = weights.reshape(-1), tokens.reshape(-1)
    index = np.flatnonzero(flat_weights > 0)
    starts = np.flatnonzero(positions.reshape(-1) == 0)
    segment = np.searchsorted(starts, index, side="right") - 1

    def on_device(array: npt.NDArray[np.generic], kind: type[np.generic]) -> torch.Tensor:
        tensor = torch.from_numpy(np.array(array, kind))  # a copy: the loader's memory may not be writable
        return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor

    return MicroBatch(
        input_ids=on_device(tokens, np.int64),
        position_ids=on_device(positions, np.int64),
        bounds=np.append(starts, positions.size).astype(np.int32),
        sources=on_device(index - 1, np.int64),
        targets=on_device(flat_tokens[index], np.int64),
        weights=on_device(flat_weights[index], np.float32),
        segment=on_device(segment, np.int64),
    )
