"""What the readers of other projects see in a shard: it must be the tokens that ours sees.

megatron-core reads segments by `.idx` and `.bin`. datatrove reads any file of raw tokens in windows of its sequence
length + 1, so that a length of seq_len - 1 gives our rows. Neither has to be installed; both need torch.
"""

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mathmill.core.errors import DataError
from mathmill.tokenize.megatron_index import read_index
from mathmill.tokenize.reader import Shard

_COMPARED = 10_000  # sequences or rows of each shard, evenly spread


@dataclass(frozen=True)
class PeerReader:
    """Another project's reader: the class `cls` of `module`. proved: what holds of the number that `compare` returns.

    compare: given the class and a shard, True and how much there is, or False where it sees something else.
    """

    name: str
    module: str
    cls: str
    proved: str
    compare: Callable[[Any, Shard], tuple[bool, int]]

    def load(self) -> Any:
        """The class; ImportError where the project, or the torch that it needs, is not installed."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about packages for training that reading does not need
            return getattr(importlib.import_module(self.module), self.cls)

    def check(self, reader: Any, shard: Shard) -> int:
        """How much of a shard `reader` sees as we do; DataError where it does not."""
        try:
            same, count = self.compare(reader, shard)
        except Exception as error:  # it checks nothing that it reads, so damage shows as any error
            raise DataError(f"{shard.prefix}: the reader of {self.name} fails: {error}") from error
        if not same:
            raise DataError(f"{shard.prefix}: the reader of {self.name} sees other tokens")
        return count


def evenly(count: int, sample: int | None) -> list[int]:
    """At most `sample` of 0..count-1, evenly spread; all where it is None."""
    size = count if sample is None else min(sample, count)
    return [i * count // size for i in range(size)]


def _megatron(reader: Any, shard: Shard) -> tuple[bool, int]:
    index = read_index(shard.paths[".idx"])
    flat, positions = shard.tokens.reshape(-1), index.pointers // index.dtype.itemsize
    dataset = reader(str(shard.prefix))
    same = (
        np.array_equal(dataset.index.sequence_pointers, index.pointers)
        and np.array_equal(dataset.sequence_lengths, index.lengths)
        and np.array_equal(dataset.document_indices, index.document_indices)
        and all(
            np.array_equal(dataset[i], flat[positions[i] : positions[i] + index.lengths[i]])
            for i in evenly(len(index.lengths), _COMPARED)
        )
    )
    return same, len(index.lengths)


def _datatrove(reader: Any, shard: Shard) -> tuple[bool, int]:
    token_size = shard.tokens.itemsize  # checks the file that the reader then opens
    dataset = reader(str(shard.paths[".bin"]), shard.seq_len - 1, token_size=token_size)
    same = len(dataset) == shard.rows and all(
        np.array_equal(dataset[row]["input_ids"], shard.tokens[row]) for row in evenly(shard.rows, _COMPARED)
    )
    return same, shard.rows


PEER_READERS = (
    PeerReader(
        name="megatron",
        module="megatron.core.datasets.indexed_dataset",
        cls="IndexedDataset",
        proved="sequences are the same in megatron-core's own reader",
        compare=_megatron,
    ),
    PeerReader(
        name="datatrove",
        module="datatrove.utils.dataset",
        cls="DatatroveFileDataset",
        proved="rows are the same in datatrove's own reader",
        compare=_datatrove,
    ),
)
