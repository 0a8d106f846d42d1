"""Export problems and conversations as text: messages in JSON Lines for fine-tuning, Parquet for verl's reinforcement.

Both take the records that begin in the exported rows, in order, with their labels. verl's `RLHFDataset` reads `prompt`
and `extra_info.index`; its reward function is chosen by `data_source` and compares with `reward_model.ground_truth`. A
source that verl does not know needs a reward function of its own (`custom_reward_function`).
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from mathmill.core.errors import DataError
from mathmill.tokenize.exports.parts import Job, Part, name_as_split
from mathmill.tokenize.exports.rows import RowBatch
from mathmill.tokenize.exports.texts import Record
from mathmill.tokenize.store import LABELS

_Entry: TypeAlias = dict[str, Any]


class Messages:
    """`data/train-00000-of-00001.jsonl`: a line a record, its messages (the last is the assistant's) and its labels."""

    by_group = False
    part_tokens = 1 << 30
    tested_with: Mapping[str, str] = {"datasets": "5.2.0", "trl": "1.16.0"}
    suffix = ".jsonl"

    def __init__(self, job: Job) -> None:
        self.job = job
        self.written = 0
        self.left_out: Counter[str] = Counter()

    def open(self, prefix: Path) -> "_Lines | _Table":
        """Begin a file."""
        return _Lines(Path(f"{prefix}.jsonl"), self)

    def entries(self, batch: RowBatch) -> Iterator[_Entry]:
        """The records that begin in some rows as they are written; those left out are counted."""
        assert self.job.texts is not None
        for record in self.job.texts.of(batch):
            entry = self._entry(record)
            if isinstance(entry, str):
                self.left_out[entry] += 1
            else:
                self.written += 1
                yield entry

    def finish(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Name the files; DataError where nothing is in them."""
        assert self.job.texts is not None
        left_out = dict(sorted((self.job.texts.left_out + self.left_out).items()))
        if not self.written:
            why = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
            raise DataError(f"there is nothing to export: of the records in these rows, {why}")
        name_as_split(parts, self.suffix)
        return {
            "texts": self.job.texts.source,
            "records_written": self.written,
            "left_out": left_out,
            "use": self._use(len(parts)),
        }

    def _use(self, parts: int) -> list[str]:
        """How to read the files."""
        return [f"datasets.load_dataset({str(self.job.out)!r}, split='train')"]

    def _entry(self, record: Record) -> _Entry | str:
        """A record as it is written, or why it cannot be."""
        if not record.messages or record.messages[-1]["role"] != "assistant":
            return "without a solution"
        return {"messages": record.messages} | {name: _finite(value) for name, value in record.labels.items()}


class Verl(Messages):
    """`data/train-00000-of-00001.parquet`: a row a record that has an answer, with the columns that verl reads."""

    tested_with: Mapping[str, str] = {"datasets": "5.2.0"}
    suffix = ".parquet"

    def open(self, prefix: Path) -> "_Lines | _Table":
        """Begin a file."""
        return _Table(Path(f"{prefix}.parquet"), self)

    def _use(self, parts: int) -> list[str]:
        files = ",".join(f"{self.job.out}/data/train-{number:05d}-of-{parts:05d}.parquet" for number in range(parts))
        return [
            f"data.train_files=[{files}]",
            "custom_reward_function.path=… where verl has no reward function for these sources (`data_source`)",
        ]

    def _entry(self, record: Record) -> _Entry | str:
        if record.answer is None:
            return "without an answer"
        messages = [{name: message[name] for name in ("role", "content")} for message in record.messages]
        return {
            "data_source": record.labels["source"],
            "prompt": messages[:-1] if messages[-1]["role"] == "assistant" else messages,
            "ability": "math",
            "reward_model": {"style": "rule", "ground_truth": record.answer},
            "extra_info": {"split": "train", "index": self.written, "answer": record.answer, **record.labels},
        }


VERL = pa.schema(
    [
        pa.field("data_source", pa.string(), nullable=False),
        pa.field("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])), nullable=False),
        pa.field("ability", pa.string(), nullable=False),
        pa.field("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())]), nullable=False),
        pa.field(
            "extra_info",
            pa.struct(
                [
                    ("split", pa.string()),
                    ("index", pa.int64()),
                    ("answer", pa.string()),
                    *((name, pa.string()) for name in ("record_id", "doc_id", "group")),
                    *((field.name, field.type) for field in LABELS),
                ]
            ),
            nullable=False,
        ),
    ]
)
"""What verl reads; `extra_info` reaches the reward function."""


def _finite(value: Any) -> Any:
    """The value, null for a number that JSON does not know."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class _Lines:
    def __init__(self, path: Path, messages: Messages) -> None:
        self._messages = messages
        self._file = pa.OSFile(str(path), "wb")

    def write(self, batch: RowBatch) -> None:
        """Add the records of rows."""
        for entry in self._messages.entries(batch):
            self._file.write(json.dumps(entry, ensure_ascii=False, allow_nan=False).encode() + b"\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class _Table:
    def __init__(self, path: Path, verl: Verl) -> None:
        self._verl = verl
        self._writer = pq.ParquetWriter(str(path), VERL, compression="zstd")

    def write(self, batch: RowBatch) -> None:
        """Add the records of rows."""
        entries = list(self._verl.entries(batch))
        if entries:
            self._writer.write_batch(pa.RecordBatch.from_pylist(entries, schema=VERL))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
