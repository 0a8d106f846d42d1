"""What the stages between the shuffles of a deduplication have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.stage import OUT, Output, Port, StageContext


class Step(ABC):
    """A stage from rows of one schema to rows of another. An error stops its task and puts no row in quarantine, since
    its rows are no records, and a lost one would change what is kept without a trace.
    """

    name: str
    version = 1
    Config: ClassVar[type[StageConfig]] = StageConfig

    def __init__(self, config: StageConfig) -> None:
        self.config = config

    @abstractmethod
    def takes(self) -> pa.Schema:
        """What the input must be."""

    @abstractmethod
    def gives(self) -> pa.Schema:
        """What goes to OUT."""

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """ConfigError if the input is something else."""
        if input_schema.names != self.takes().names:
            raise ConfigError(f"{self.name}: it needs the columns {', '.join(self.takes().names)}")
        return {OUT: self.gives()}

    def open(self, context: StageContext) -> None:  # noqa: B027
        """Nothing to load."""

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Call `process_batch` for each batch."""
        for batch in batches:
            for rows in self.process_batch(batch):
                if rows.num_rows:
                    yield OUT, rows

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Turn one batch into others; not called where a step has a `process` of its own."""
        raise NotImplementedError(f"{self.name} has neither process_batch nor process")

    def close(self) -> None:  # noqa: B027
        """Nothing to release."""
