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


def read_benchmark(path: str, fields: Sequence[str], data: bytes | None = None) -> list[BenchmarkItem]:
    """Read a local or remote benchmark file; each of `fields` that an item has becomes a text of its own.

    data: the file's content, where it is at hand. ConfigError if the file is missing, of a format not in SUFFIXES, or
    without the first of `fields`; DataError if it cannot be read.
    """
    name = PurePosixPath(path).name
    if not name.endswith(SUFFIXES):
        raise ConfigError(f"decontaminate: the benchmark file {path} is none of {', '.join(SUFFIXES)}")
    data = fetch_benchmark(path) if data is None else data
    if ".txt" in name:
        lines = _text(path, data).splitlines()
        return [BenchmarkItem(f"{name}:{i}", line) for i, line in enumerate(lines, 1) if line.strip()]
    items: list[BenchmarkItem] = []
    rows = _parquet_rows(path, data, fields) if name.endswith(".parquet") else _json_rows(path, data)
    for number, row in enumerate(rows, 1):
        if fields[0] not in row:
            raise ConfigError(f"decontaminate: the benchmark file {path} has no `{fields[0]}` (item {number})")
        label = f"{name}:{row.get('id', number)}"
        items.extend(
            BenchmarkItem(label, text) for text in map(row.get, fields) if isinstance(text, str) and text.strip()
        )
    return items


def fetch_benchmark(path: str) -> bytes:
    """Return a benchmark file's content as it is stored; ConfigError if there is no such file."""

    def attempt() -> bytes:
        with fsspec.open(path, "rb") as file:
            return file.read()

    try:
        with operating(f"cannot read the benchmark file {path}"):
            return retry(attempt)
    except FileNotFoundError as error:
        raise ConfigError(f"decontaminate: the benchmark file {path} does not exist") from error


def _text(path: str, data: bytes) -> str:
    try:
        plain = zstandard.ZstdDecompressor().stream_reader(data).read() if path.endswith(".zst") else data
        return plain.decode("utf-8-sig")
    except zstandard.ZstdError as error:
        raise DataError(f"the benchmark file {path} is not valid Zstandard: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"the benchmark file {path} is not UTF-8: {error}") from error


def _json_rows(path: str, data: bytes) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(io.StringIO(_text(path, data)), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"the benchmark file {path} is not JSON at line {number}: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"the benchmark file {path} has no JSON object at line {number}")
        yield row


def _parquet_rows(path: str, data: bytes, fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    source = pa.BufferReader(data)
    try:
        names = pq.read_schema(source).names
        yield from pq.read_table(source, columns=[name for name in ("id", *fields) if name in names]).to_pylist()
    except pa.ArrowInvalid as error:
        raise DataError(f"the benchmark file {path} is not Parquet: {error}") from error
