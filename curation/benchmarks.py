"""Read the benchmark files that a recipe wants protected: JSON lines, Parquet, or plain text with one item a line."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from mathmill.core.errors import ConfigError, DataError
from mathmill.core.storage import operating, retry

SUFFIXES = (".jsonl", ".jsonl.zst", ".parquet", ".txt", ".txt.zst")


class BenchmarkItem(NamedTuple):
    """One text to protect."""

    label: str  # "file name:id", the id being the item's own or its number in the file, from 1
    text: str


def read_benchmark(path: str, fields: Sequence[str]) -> list[BenchmarkItem]:
    """Read a local or remote benchmark file; each of `fields` that an item has becomes a text of its own.

    ConfigError if the file is missing, of a format not in SUFFIXES, or without the first of `fields`; DataError if it
    cannot be read.
    """
    name = PurePosixPath(path).name
    if not name.endswith(SUFFIXES):
        raise ConfigError(f"decontaminate: the benchmark file {path} is none of {', '.join(SUFFIXES)}")
    if ".txt" in name:
        lines = _text(path).splitlines()
        return [BenchmarkItem(f"{name}:{i}", line) for i, line in enumerate(lines, 1) if line.strip()]
    items: list[BenchmarkItem] = []
    for number, row in enumerate(_parquet_rows(path, fields) if name.endswith(".parquet") else _json_rows(path), 1):
        if fields[0] not in row:
            raise ConfigError(f"decontaminate: the benchmark file {path} has no `{fields[0]}` (item {number})")
        label = f"{name}:{row.get('id', number)}"
        items.extend(
            BenchmarkItem(label, text) for text in map(row.get, fields) if isinstance(text, str) and text.strip()
        )
    return items


def _bytes(path: str) -> bytes:
    def attempt() -> bytes:
        with fsspec.open(path, "rb") as file:
            return file.read()

    try:
        with operating(f"cannot read the benchmark file {path}"):
            data = retry(attempt)
        return zstandard.ZstdDecompressor().stream_reader(data).read() if path.endswith(".zst") else data
    except FileNotFoundError as error:
        raise ConfigError(f"decontaminate: the benchmark file {path} does not exist") from error
    except zstandard.ZstdError as error:
        raise DataError(f"the benchmark file {path} is not valid Zstandard: {error}") from error


def _text(path: str) -> str:
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"the benchmark file {path} is not UTF-8: {error}") from error


def _json_rows(path: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(io.StringIO(_text(path)), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"the benchmark file {path} is not JSON at line {number}: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"the benchmark file {path} has no JSON object at line {number}")
        yield row


def _parquet_rows(path: str, fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    data = pa.BufferReader(_bytes(path))
    try:
        names = pq.read_schema(data).names
        yield from pq.read_table(data, columns=[name for name in ("id", *fields) if name in names]).to_pylist()
    except pa.ArrowInvalid as error:
        raise DataError(f"the benchmark file {path} is not Parquet: {error}") from error
