"""The index that a deduplication leaves behind: sketches of the rows that it kept, which later crawls have seen.

A later run reads these files, no text of the earlier one: 0.55 kB for each row. Its rows are better than every new row,
so they are never dropped, and they are not compared with each other. The settings that made the sketches are in the
files' metadata; they must be those of the later run, except the threshold.
"""

import json
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa

from mathmill.core.config import StageConfig
from mathmill.core.stage import OUT, Output, Port, StageContext
from mathmill.curation.clusters import DUPLICATES, Rows
from mathmill.curation.dedup import SKETCHES, Sketch, read_batches
from mathmill.curation.dedup_step import Step
from mathmill.curation.sketches import BANDS, SEEN_RANK, DedupConfig, sketch_schema, with_bands

_VERSION = 1
_KEY = b"mathmill.dedup_index"


def index_schema(config: DedupConfig) -> pa.Schema:
    """A sketch (`sketch_schema`) without its number in the run, the id at the end, and the settings as metadata."""
    _, id_, *rest = sketch_schema(config.num_hashes)
    return pa.schema([*rest, id_], {_KEY: json.dumps(index_settings(config))})


def index_settings(config: DedupConfig) -> dict[str, int]:
    """What two indexes must have in common to be compared."""
    return {
        "version": _VERSION,
        "sketch": Sketch.version,
        **{name: getattr(config, name) for name in ("num_hashes", "shingle", "strict_tokens")},
    }


def settings_of(schema: pa.Schema) -> dict[str, int] | None:
    """The settings in a file's schema; None where it is no index."""
    metadata = schema.metadata or {}
    return json.loads(metadata[_KEY]) if _KEY in metadata else None


class KeepSketches(Step):
    """Sketches to the index rows of those that `side_inputs["duplicates"]` does not drop."""

    name = "keep_sketches"
    Config: ClassVar[type[StageConfig]] = DedupConfig
    side_inputs: ClassVar[tuple[str, ...]] = ("duplicates",)
    config: DedupConfig

    def takes(self) -> pa.Schema:
        """Sketches."""
        return sketch_schema(self.config.num_hashes)

    def gives(self) -> pa.Schema:
        """Index rows."""
        return index_schema(self.config)

    def open(self, context: StageContext) -> None:
        """Load the refs of the rows that are dropped, 8 bytes each."""
        batches = [batch for path in context.side_inputs.get("duplicates", ()) for batch in read_batches(path)]
        self._gone = np.sort(pa.Table.from_batches(batches, DUPLICATES).column("ref").to_numpy())

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Leave out what is dropped."""
        refs = batch.column("ref").to_numpy()
        places = np.searchsorted(self._gone, refs)
        places[places == len(self._gone)] = 0
        gone = self._gone[places] == refs if len(self._gone) else np.zeros(len(refs), np.bool_)
        kept, schema = batch.filter(pa.array(~gone)), self.gives()
        yield pa.RecordBatch.from_arrays([kept.column(name) for name in schema.names], schema=schema)


class RecallSketches(Step):
    """Index rows to band rows (OUT) and sketches (port "sketches"), like `Sketch` for new rows."""

    name = "recall_sketches"
    Config: ClassVar[type[StageConfig]] = DedupConfig
    config: DedupConfig

    def takes(self) -> pa.Schema:
        """Index rows."""
        return index_schema(self.config)

    def gives(self) -> pa.Schema:
        """BANDS."""
        return BANDS

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """ConfigError if the input is no index."""
        return {**super().output_schemas(input_schema), SKETCHES: sketch_schema(self.config.num_hashes)}

    def open(self, context: StageContext) -> None:
        """Start counting rows."""
        self._next_ref = context.task_index << 32

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Number the rows and make their bands again, for this run's threshold."""
        for batch in batches:
            refs = np.arange(self._next_ref, self._next_ref + batch.num_rows, dtype=np.uint64)
            self._next_ref += batch.num_rows
            schema = sketch_schema(self.config.num_hashes)
            known = {"ref": pa.array(refs), **{name: batch.column(name) for name in batch.schema.names}}
            numbered = pa.RecordBatch.from_arrays([known[name] for name in schema.names], schema=schema)
            rows = Rows.of(numbered)
            has_near = batch.column("has_near").to_numpy(zero_copy_only=False)
            sketches = with_bands(rows.signatures, rows.exact, rows.math, has_near, self.config)
            ranks = np.full(batch.num_rows, SEEN_RANK, np.uint64)
            yield OUT, sketches.band_rows(ranks, refs)
            yield SKETCHES, sketches.rows(ranks, refs, batch.column("id"))
