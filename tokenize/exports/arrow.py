"""Export to Arrow or Parquet: a record for each packed row, for TRL and everything else that loads with `datasets`.

`input_ids`, `labels` and `seq_lengths` are what TRL's packing path reads: its collator makes positions from
`seq_lengths`, so that each segment begins anew and, with positions alone, attends to itself only. Labels are -100 where
a token is not learned and at each segment's first token. Rows stay as they were packed: `packing=False`,
`padding_free=True`, `max_length=None`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from mathmill.core.errors import ConfigError
from mathmill.tokenize.exports.parts import Job, Part, name_as_split
from mathmill.tokenize.exports.rows import RowBatch

_SEGMENT_FIELDS = (
    "record_id", "part", "corpus", "source", "license", "lang", "school_stage", "difficulty", "method", "style",
)  # fmt: skip

_Writer: TypeAlias = pa.RecordBatchStreamWriter | pq.ParquetWriter


def _position_ids(batch: RowBatch) -> npt.NDArray[np.int32]:
    """Tokens from the segment's beginning."""
    starts = np.repeat(batch.segment_starts[:-1], batch.lengths)
    return (np.arange(len(batch.tokens)) - starts).astype(np.int32)


def _attention_mask(batch: RowBatch) -> npt.NDArray[np.int32]:
    """Number of the segment in its row, from 1."""
    counts = np.diff(batch.row_segments)
    number = np.arange(len(batch.lengths)) - np.repeat(batch.row_segments[:-1], counts) + 1
    return np.repeat(number, batch.lengths).astype(np.int32)


_FURTHER: Mapping[str, Callable[[RowBatch], npt.NDArray[np.int32]]] = {
    "position_ids": _position_ids,
    "attention_mask": _attention_mask,
}

FURTHER_COLUMNS = tuple(_FURTHER)
"""Columns that are written where asked for. `attention_mask` numbers the segments of a row from 1, which is how
LLaMA-Factory marks packed rows (`neat_packing`), and its presence is how axolotl knows a tokenized data set. Both pad
every column that they find, so give them `dataset.select_columns(["input_ids", "labels", "attention_mask"])`."""


_FOR_TRL = "trl.SFTConfig(packing=False, padding_free=True, max_length=None)"


class Parquet:
    """`data/train-00000-of-00001.parquet`: `datasets.load_dataset(FOLDER)`."""

    by_group = False
    part_tokens = 64 << 20
    tested_with: Mapping[str, str] = {"datasets": "5.2.0", "trl": "1.16.0", "transformers": "5.23.0"}

    def __init__(self, job: Job) -> None:
        if unknown := [name for name in job.columns if name not in _FURTHER]:
            raise ConfigError(f"there is no column {unknown[0]!r} to add; there are {', '.join(FURTHER_COLUMNS)}")
        self._job = job
        tokens = pa.list_(pa.int32())
        fields = [pa.field(name, tokens, nullable=False) for name in ("input_ids", "labels", "seq_lengths")]
        fields += [pa.field(name, tokens, nullable=False) for name in job.columns]
        if job.weighted:
            fields.append(pa.field("loss_weights", pa.list_(pa.float32()), nullable=False))
        integers = {"part": pa.int32()}
        segment = pa.struct([(name, integers.get(name, pa.string())) for name in _SEGMENT_FIELDS])
        fields += [
            pa.field("group", pa.string(), nullable=False),
            pa.field("segments", pa.list_(segment), nullable=False),
        ]
        self.schema = pa.schema(fields)

    def open(self, prefix: Path) -> "_RowFile":
        """Begin a file."""
        return _RowFile(pq.ParquetWriter(f"{prefix}.parquet", self.schema, compression="zstd"), self.schema)

    def finish(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Give the files the names by which `datasets` finds them."""
        name_as_split(parts, ".parquet")
        return {"use": [f"datasets.load_dataset({str(self._job.out)!r}, split='train')", _FOR_TRL]}


class Arrow(Parquet):
    """`data/train-00000-of-00001.arrow` and two files that make `datasets.load_from_disk(FOLDER)` map it."""

    def open(self, prefix: Path) -> "_RowFile":
        """Begin a file, in Arrow's stream format, which `datasets` maps."""
        return _RowFile(pa.ipc.new_stream(f"{prefix}.arrow", self.schema), self.schema)

    def finish(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Give the files the names by which `datasets` finds them, and list them."""
        names = name_as_split(parts, ".arrow")
        state: dict[str, Any] = {
            "_data_files": [{"filename": name} for name in names],
            "_fingerprint": self._job.manifest.digest[:16],
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": "train",
        }
        folder = parts[0].prefix.parent
        (folder / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
        (folder / "dataset_info.json").write_text("{}", encoding="utf-8")  # `datasets` takes the files' own schema
        return {"use": [f"datasets.load_from_disk({str(self._job.out)!r})", _FOR_TRL]}


class _RowFile:
    def __init__(self, writer: _Writer, schema: pa.Schema) -> None:
        self._writer, self._schema = writer, schema

    def write(self, batch: RowBatch) -> None:
        """Add rows."""
        by_token, by_segment = (pa.array(starts.astype(np.int32)) for starts in (batch.row_starts, batch.row_segments))
        columns = {
            "input_ids": pa.array(batch.tokens.astype(np.int32, copy=False)),
            "labels": pa.array(batch.labels),
            "loss_weights": pa.array(np.where(batch.targets, batch.weights, np.float32(0))),
            **{name: pa.array(values(batch)) for name, values in _FURTHER.items() if name in self._schema.names},
        }
        arrays: dict[str, pa.Array] = {
            name: pa.ListArray.from_arrays(by_token, values) for name, values in columns.items()
        }
        arrays["seq_lengths"] = pa.ListArray.from_arrays(by_segment, pa.array(batch.lengths))
        arrays["group"] = batch.groups
        labels = pa.StructArray.from_arrays(
            [batch.segments.column(name).combine_chunks() for name in _SEGMENT_FIELDS], names=list(_SEGMENT_FIELDS)
        )
        arrays["segments"] = pa.ListArray.from_arrays(by_segment, labels)
        ordered = [arrays[field.name].cast(field.type) for field in self._schema]
        self._writer.write_batch(pa.RecordBatch.from_arrays(ordered, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
