"""Read the benchmark files that a recipe wants protected: JSON lines, a JSON array, Parquet, or text with one item a
line, file by file or all of a folder.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from mathmill.core.errors import ConfigError, DataError
from mathmill.core.remote import filesystem, read_file
from mathmill.core.storage import operating, retry

SUFFIXES = (".jsonl", ".jsonl.zst", ".json", ".json.zst", ".parquet", ".txt", ".txt.zst")


class BenchmarkItem(NamedTuple):
    """One text to protect."""

    file: str  # its name
    id: str  # the item's own, or its number in the file, from 1
    text: str

    @property
    def label(self) -> str:
        """What names the item to people."""
        return f"{self.file}:{self.id}"


def benchmark_files(paths: Sequence[str]) -> list[str]:
    """Files as given, and in place of a folder all files in it that can be read, by name.

    ConfigError if a folder has none.
    """
    files: list[str] = []
    for path in paths:
        with operating(f"cannot list {path}"):
            found = retry(partial(_files_in_folder, *filesystem(path)))
        if found is None:
            files.append(path)
            continue
        fs, _ = filesystem(path)
        readable = [fs.unstrip_protocol(name) if "://" in path else name for name in found if name.endswith(SUFFIXES)]
        if not readable:
            raise ConfigError(f"decontaminate: the folder {path} has no file that ends in {', '.join(SUFFIXES)}")
        files.extend(readable)
    return files


def _files_in_folder(fs: Any, root: str) -> list[str] | None:
    """Names of all files in a folder; None where there is no folder, but a file or nothing."""
    try:
        is_folder = fs.info(root)["type"] == "directory"
    except FileNotFoundError:
        return None
    return sorted(fs.find(root)) if is_folder else None


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
        return [BenchmarkItem(name, str(i), line) for i, line in enumerate(lines, 1) if line.strip()]
    items: list[BenchmarkItem] = []
    rows: Iterable[Mapping[str, Any]]
    if name.endswith(".parquet"):
        rows = _parquet_rows(path, data, fields)
    else:
        rows = _json_rows(path, data) if ".jsonl" in name else _array_rows(path, data)
    for number, row in enumerate(rows, 1):
        if fields[0] not in row:
            raise ConfigError(f"decontaminate: the benchmark file {path} has no `{fields[0]}` (item {number})")
        id_ = str(row.get("id", number))
        items.extend(
            BenchmarkItem(name, id_, text) for text in map(row.get, fields) if isinstance(text, str) and text.strip()
        )
    return items


def fetch_benchmark(path: str) -> bytes:
    """Return a benchmark file's content as it is stored; ConfigError if there is no such file."""
    try:
        with operating(f"cannot read the benchmark file {path}"):
            return read_file(*filesystem(path))
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


def _array_rows(path: str, data: bytes) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(_text(path, data))
    except (ValueError, RecursionError) as error:
        raise DataError(f"the benchmark file {path} is not JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"the benchmark file {path} is no JSON array of objects; JSON lines end in .jsonl")
    return rows


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
