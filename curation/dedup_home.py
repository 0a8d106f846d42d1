"""Deal duplicates out to where their rows are, so that a task loads those of its own files and no others."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from mathmill.curation.clusters import DUPLICATES, mixed
from mathmill.curation.dedup_step import Step

HOMED = pa.schema([pa.field("key", pa.uint64(), nullable=False), *DUPLICATES])
HOMED_ORDER = ("key", "ref")
"""Duplicates by the task that sketched them."""


def home_key(task: int) -> np.ndarray:
    """The key of the duplicates among the rows that a sketch task numbered: uint64 (1,)."""
    return mixed(np.array([task], np.uint64))


class SendHome(Step):
    """Duplicates, each to its sketch task."""

    name = "send_home"

    def takes(self) -> pa.Schema:
        """DUPLICATES."""
        return DUPLICATES

    def gives(self) -> pa.Schema:
        """HOMED."""
        return HOMED

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Address the duplicates."""
        yield pa.record_batch([mixed(batch.column("ref").to_numpy() >> np.uint64(32)), *batch.columns], schema=HOMED)


class ArriveHome(Step):
    """What has arrived, as DUPLICATES again."""

    name = "arrive_home"

    def takes(self) -> pa.Schema:
        """HOMED."""
        return HOMED

    def gives(self) -> pa.Schema:
        """DUPLICATES."""
        return DUPLICATES

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Take the key off."""
        yield pa.record_batch(batch.columns[1:], schema=DUPLICATES)
