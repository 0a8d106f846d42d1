"""`mathmill classifier predict`: the rows of JSONL and Parquet files with columns of scores added.

Every file becomes one file of the same name and format in the output folder, published when it is whole; a file whose
content, model and settings are those of an earlier call is not scored again. Texts go to the model as Arrow columns.
"""

import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import zstandard

from mathmill.classifiers.text_classifier import Classifier, join_problem, model_files
from mathmill.core.config import digest, file_digest
from mathmill.core.errors import ConfigError, DataError
from mathmill.core.storage import Folder, writing
from mathmill.curation.readers import InputFile
from mathmill.curation.readers.source import file_format
from mathmill.jobs.classifier_data import (
    GroupedWriter,
    Texts,
    field_type,
    join_columns,
    open_parquet,
    parquet_batches,
    read_records,
    text_column,
    text_of,
)

_DONE = "_predicted.json"
_BATCH = 512


@dataclass(frozen=True)
class Scorer:
    """A model and how its scores are added. text: fields that are joined. labels: those that get a column."""

    classifier: Classifier
    text: tuple[str, ...]
    labels: tuple[str, ...]
    prefix: str

    def columns(self) -> list[str]:
        """Names of the columns that are added."""
        return [f"{self.prefix}{label}" for label in self.labels]

    def scores(self, texts: Sequence[str] | pa.Array) -> np.ndarray:
        """float32 (n, number of `labels`)."""
        places = [self.classifier.labels.index(label) for label in self.labels]
        return self.classifier.predict_proba(texts)[:, places]

    def identity(self, file: InputFile) -> str:
        """A digest of all that decides about a file's output."""
        models = [file_digest(path) for path in model_files(self.classifier.folder)]
        return digest([file.fingerprint, file.size, models, self.text, self.columns()])


def predict(
    source: Texts, scorer: Scorer, out: str, tally: Counter[str], tell: Callable[[str, int, bool], None]
) -> int:
    """Score all files into a folder; returns the number of rows. tell: called with each file, its rows, if it was new.

    ConfigError where the output folder is where the input lies, or a record has a column of that name already.
    """
    folder = Folder(out)
    files = source.files()
    if any(folder.path(file.relative) == str(Folder(file.path)) for file in files):
        raise ConfigError(f"--out {out} holds the input; choose another folder")
    folder.create_folder()
    done = json.loads(folder.read(_DONE)) if folder.exists(_DONE) else {}
    total = 0
    for file in files:
        identity = scorer.identity(file)
        known = done.get(file.relative, {})
        is_new = known.get("identity") != identity or not folder.exists(file.relative)
        if is_new:
            with tempfile.TemporaryDirectory() as local:
                path = Path(local) / "scored"
                is_parquet = file_format(source.source(), file.relative) == "parquet"
                rows = (_parquet if is_parquet else _jsonl)(file, scorer, path, tally)
                folder.publish(path, file.relative)
            done[file.relative] = {"identity": identity, "rows": rows}
            folder.write(_DONE, json.dumps(done, indent=1, sort_keys=True).encode())
        total += done[file.relative]["rows"]
        tell(file.relative, done[file.relative]["rows"], is_new)
    return total


def _parquet(file: InputFile, scorer: Scorer, path: Path, tally: Counter[str]) -> int:
    with open_parquet(file) as table:
        schema = table.schema_arrow
        if missing := [name for name in scorer.text[:1] if field_type(schema, name) is None]:
            raise DataError(f"{file.relative} has no column {missing[0]!r} (it has: {', '.join(schema.names)})")
        _refuse_taken(file, scorer, schema.names)
        for name in scorer.columns():
            schema = schema.append(pa.field(name, pa.float32()))
        rows = 0
        with writing("cannot write a temporary file"), GroupedWriter(path, schema) as writer:
            for batch in parquet_batches(file, table):
                texts = pa.record_batch({name: text_column(batch, name) for name in scorer.text})
                scores = scorer.scores(join_columns(texts, scorer.text))
                arrays = [pa.array(column) for column in np.ascontiguousarray(scores.T)]
                writer.write(pa.RecordBatch.from_arrays([*batch.columns, *arrays], schema=schema))
                rows += batch.num_rows
    return rows


def _jsonl(file: InputFile, scorer: Scorer, path: Path, tally: Counter[str]) -> int:
    rows = seen = 0
    with writing("cannot write a temporary file"), _opened_for(file.relative, path) as out:
        found = (record for record, _ in read_records(file, tally))
        while records := list(islice(found, _BATCH)):
            texts = [_text(record, scorer.text) for record in records]
            seen += sum(map(bool, texts))
            for record, scores in zip(records, scorer.scores(pa.array(texts, pa.large_string())), strict=True):
                _refuse_taken(file, scorer, record)
                added = dict(zip(scorer.columns(), map(float, scores), strict=True))
                out.write(json.dumps({**record, **added}, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            rows += len(records)
    if rows and not seen:
        raise DataError(f"{file.relative} has no text in the field {scorer.text[0]!r}; --text says which field has it")
    return rows


def _text(record: dict[str, Any], fields: tuple[str, ...]) -> str:
    texts = [text_of(record, name) or "" for name in fields]
    return texts[0] if len(texts) == 1 else join_problem(texts[0], texts[1])


def _refuse_taken(file: InputFile, scorer: Scorer, names: Any) -> None:
    if taken := next((name for name in scorer.columns() if name in names), None):
        raise ConfigError(f"{file.relative} has a column {taken!r} already; choose another --prefix")


@contextmanager
def _opened_for(relative: str, path: Path) -> Iterator[Any]:
    """A file to write, compressed as the name says."""
    with open(path, "wb") as raw:
        if relative.lower().endswith(".gz"):
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed:
                yield packed
        elif relative.lower().endswith(".zst"):
            with zstandard.ZstdCompressor(level=3).stream_writer(raw) as packed:
                yield packed
        else:
            yield raw
