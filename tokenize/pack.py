"""The stage that packs one mix group's records of one pack task into a shard.

It reads token store batches, keeps the records that the group gets (the first group that selects a record has it),
and leaves NAME.bin, .idx, .arrow and NAME.json (the shard's part of the manifest) in the task's outbox.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.stage import OUT, Output, Port, StageContext
from mathmill.tokenize.packing import BEST_FIT, Strategy
from mathmill.tokenize.select import Selector, assign_groups
from mathmill.tokenize.shards import write_shard


class PackConfig(StageConfig):
    """What a pack task needs to know; made from `tokenize:` and `shards:` of a recipe."""

    group: str
    groups: dict[str, str]  # name → selector, in order
    seq_len: int
    vocab_size: int
    pad_id: int
    packing: Strategy = BEST_FIT


class Pack:
    """ENCODED batches → one shard in the outbox. Nothing goes to OUT."""

    name = "pack"
    version = 3
    Config = PackConfig

    def __init__(self, config: PackConfig) -> None:
        self._config = config

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Nothing leaves as rows. Raises ConfigError where the input is no token store."""
        if "tokens" not in input_schema.names:
            raise ConfigError("pack needs records of a token store, with a column 'tokens'")
        return {OUT: input_schema}

    def open(self, context: StageContext) -> None:
        """Choose the shard's name: the group and the task's number."""
        self._selectors = [Selector.parse(text) for text in self._config.groups.values()]
        self._number = list(self._config.groups).index(self._config.group)
        self._prefix = context.outbox / f"{self._config.group}-{context.task_index:05d}"

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Write the shard when the stream has ended."""
        kept = [part for batch in batches if (part := self._of_group(batch)).num_rows]
        if kept:
            config = self._config
            info = write_shard(
                self._prefix,
                kept,
                seq_len=config.seq_len,
                vocab_size=config.vocab_size,
                pad_id=config.pad_id,
                packing=config.packing,
            )
            Path(f"{self._prefix}.json").write_text(info.model_dump_json())
        return iter(())

    def close(self) -> None:
        """Nothing to release."""

    def _of_group(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        mine = assign_groups(batch, self._selectors) == self._number
        return batch if mine.all() else pc.filter(batch, pa.array(mine))
