"""Loss on held-out rows, also by label: the same rows, weights and sums for any number of ranks."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from mathmill.tokenize.reader import ShardReader
from mathmill.train_hooks.trainer.data import micro_batch
from mathmill.train_hooks.trainer.models import LanguageModel
from mathmill.train_hooks.trainer.parallel import World

Losses = dict[str, float]
"""By `LABEL/VALUE`, and under `all`: weighted means over the targets of each."""


@torch.no_grad()
def validate(
    model: LanguageModel,
    reader: ShardReader,
    rows: npt.NDArray[np.int64],
    labels: Sequence[str],
    micro_rows: int,
    world: World,
    beat: Callable[[], None] = lambda: None,
) -> Losses:
    """The mean loss over rows, and over the segments with each value of each label. {} where there are no rows."""
    sums: dict[str, npt.NDArray[np.float64]] = {}
    for mine, is_real in _portions(rows, micro_rows, world):
        weights, positions = reader.targets(mine)
        batch = micro_batch(reader.gather(mine), positions, weights * is_real[:, None], world.device)
        losses = model(batch, what="losses").double().cpu().numpy()
        beat()
        names = [names for row in mine for names in _segment_labels(reader, int(row), labels)]
        weight, segment = batch.weights.double().cpu().numpy(), batch.segment.cpu().numpy()
        by_segment = np.zeros((len(names), 2))
        np.add.at(by_segment, segment, np.stack([losses * weight, weight], 1))
        for keys, pair in zip(names, by_segment, strict=True):
            for key in keys:
                sums[key] = sums.get(key, np.zeros(2)) + pair
    total: dict[str, npt.NDArray[np.float64]] = {}
    for part in world.gather({key: pair.tolist() for key, pair in sums.items()}):
        for key, pair in part.items():
            total[key] = total.get(key, np.zeros(2)) + pair
    return {key: float(total[key][0] / total[key][1]) for key in sorted(total) if total[key][1] > 0}


def _portions(
    rows: npt.NDArray[np.int64], micro_rows: int, world: World
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Rows for this rank, as many times as for every other one; what fills up has weight 0."""
    if not len(rows):
        return
    step = micro_rows * world.size
    for start in range(0, len(rows), step):
        places = start + world.rank * micro_rows + np.arange(micro_rows)
        yield rows[np.minimum(places, len(rows) - 1)], (places < len(rows)).astype(np.float32)


def _segment_labels(reader: ShardReader, row: int, labels: Sequence[str]) -> list[list[str]]:
    """The keys that each segment of a row counts for; padding is a last segment with none."""
    found = reader[row]
    keys = [
        ["all", *(f"{label}/{values[label]}" for label in labels if values[label] is not None)]
        for values in found.labels
    ]
    return keys if found.n_tokens == reader.seq_len else [*keys, []]
