"""Rows of a crawl's index: the columnar index (Parquet), CDXJ lines, the CDX API's JSON lines, and cluster.idx.

Of all forms come the same chosen records, in the order of file and offset, so that neighbours can be fetched together
and tasks be cut by bytes. Of Parquet, row groups whose SURT keys cannot match are not read; of the sorted CDXJ files,
which lie beside their cluster.idx, only the blocks that it points to. An index is read when a run is planned and once
more by each process that fetches from it.
"""

import io
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathmill.core.errors import ConfigError, DataError
from mathmill.core.remote import filesystem, read_range
from mathmill.core.storage import operating
from mathmill.curation.readers.inflate import DamagedStream, Stream, gunzip
from mathmill.curation.readers.jsonl import decompressed, is_compressed, split_lines
from mathmill.curation.readers.parquet import raise_if_io, records_of
from mathmill.curation.readers.records import MAX_RECORD_BYTES
from mathmill.curation.readers.rows import BadRecord
from mathmill.curation.readers.selection import IndexConfig, Selection, in_ranges, surt_ranges
from mathmill.curation.readers.source import opened
from mathmill.curation.readers.values import as_text

CHOSEN = pa.schema(
    [
        ("file", pa.dictionary(pa.int32(), pa.string())),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("digest", pa.string()),
        ("url", pa.string()),
    ]
)
"""A chosen record: where it lies under the root of the WARC files, its SHA-1 in base 32 and its address, where told."""

_MAX_LINE_BYTES = 1 << 20
_MAX_FAULTS = 10_000  # told one by one; a file that has more is no index
_PIECE_BYTES = 1 << 20
_BATCH_ROWS = 1 << 16
_MERGE_BYTES = 8 << 20

# how the forms call the same things, the preferred name first
_NAMES = {
    "url": ("url",),
    "mime": ("content_mime_detected", "mime-detected", "content_mime_type", "mime"),
    "status": ("fetch_status", "status"),
    "languages": ("content_languages", "languages"),
    "digest": ("content_digest", "digest"),
    "filename": ("warc_filename", "filename"),
    "offset": ("warc_record_offset", "offset"),
    "length": ("warc_record_length", "length"),
}
_KEY = "url_surtkey"

# no "..", no "%": what a web server or a file system would take for another place
_FILE = re.compile(r"(?!.*(?:^|/)\.{0,2}(?:/|$))[A-Za-z0-9._=+~,@/-]{1,1024}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_SHA1 = re.compile(r"(?:sha1:)?([A-Z2-7]{32})")


@dataclass
class Chosen:
    """What an index file chooses: `rows` (CHOSEN, by file and offset), and what is wrong by line or row number."""

    rows: pa.Table
    faults: list[tuple[int, str]] = field(default_factory=list)


@lru_cache(maxsize=2)
def choose(path: str, relative: str, size: int, fingerprint: str, config: IndexConfig) -> Chosen:
    """Read an index file and choose. fingerprint: of its content, for those who ask again.

    Raises DataError where the file is gone or says nothing of what the recipe asks for, OperationError where it cannot
    be read.
    """
    collected = _Collected(Selection(config))
    name = relative.rpartition("/")[2]
    with opened(path, size) as file:
        if name.lower().endswith(".parquet"):
            _read_parquet(file, relative, config, collected)
        elif name == "cluster.idx":
            _read_cluster(file, path, config, collected)
        else:
            _read_lines(decompressed(file, name) if is_compressed(name) else _pieces(file), relative, collected)
    return Chosen(collected.sorted_rows(), collected.faults())


class _Collected:
    """Rows that were chosen so far, in columns."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._rows: list[tuple[str, int, int, str | None, str | None]] = []
        self._tables: list[pa.Table] = []
        self._faults: list[tuple[int, str]] = []
        self._further = 0

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        """Add a row of the index if it is wanted."""
        try:
            known = {ours: _first(row, names) for ours, names in _NAMES.items()}
            if self._selection.takes(known):
                self._rows.append(_checked(known))
        except BadRecord as error:
            self.fault(number, str(error))
        if len(self._rows) >= _BATCH_ROWS:
            self._flush()

    def fault(self, number: int, error: str) -> None:
        """Note what is wrong with a line or row."""
        if len(self._faults) < _MAX_FAULTS:
            self._faults.append((number, error))
        else:
            self._further += 1

    def faults(self) -> list[tuple[int, str]]:
        """What is wrong; the last one stands for all that are too many to tell."""
        if not self._further:
            return self._faults
        number, error = self._faults[-1]
        return [*self._faults[:-1], (number, f"{error}; and {self._further:,} further rows are no index rows")]

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else ([] for _ in CHOSEN)
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, CHOSEN, strict=True)]
        self._tables.append(pa.Table.from_arrays(arrays, schema=CHOSEN))
        self._rows = []

    def sorted_rows(self) -> pa.Table:
        """All rows, by file, offset and what else they say."""
        self._flush()
        table = pa.concat_tables(self._tables).unify_dictionaries().combine_chunks()
        text = table.set_column(0, "file", table.column("file").cast(pa.string()))
        order = pc.sort_indices(text, [(name, "ascending") for name in CHOSEN.names])
        return table.take(order).combine_chunks()


def _first(row: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first value that a row has under one of these names, as text; BadRecord where it is none."""
    for name in names:
        value = row.get(name)
        if value is not None and value not in ("", b""):
            try:
                return as_text(value)
            except BadRecord as error:
                raise BadRecord(f"{name!r} is {error}") from error
    return None


def _checked(row: Mapping[str, str | None]) -> tuple[str, int, int, str | None, str | None]:
    """The columns of CHOSEN; BadRecord where a row points to no place that can be one of a record."""
    file, offset, length = row["filename"] or "", row["offset"] or "", row["length"] or ""
    if not _FILE.fullmatch(file):
        raise BadRecord(f"the index names the file {file[:200]!r}, which is no path of a WARC file")
    if not _NUMBER.fullmatch(offset):
        raise BadRecord(f"the index gives the offset {offset[:40]!r} in {file}")
    if not _NUMBER.fullmatch(length) or not 0 < int(length) <= MAX_RECORD_BYTES:
        raise BadRecord(f"the index gives the length {length[:40]!r} at byte {offset} of {file}")
    digest = _SHA1.fullmatch(row["digest"] or "")
    return file, int(offset), int(length), digest[1] if digest else None, row["url"]


def _pieces(file: Any) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _read_lines(pieces: Iterable[bytes], relative: str, collected: _Collected, offset: int = 0) -> None:
    """CDXJ lines, or JSON lines alone; numbered by the byte that they start at."""
    try:
        for offset, line, length in split_lines(pieces, offset, _MAX_LINE_BYTES):  # noqa: B020 (goes on from it)
            if line is None:
                collected.fault(offset, f"the line has {length:,} bytes, more than the limit")
            elif line.strip():
                row = _json(line)
                if row is None:
                    collected.fault(offset, f"this is no line of an index: {line[:80].decode('utf-8', 'replace')!r}")
                else:
                    collected.add(offset, row)
    except DamagedStream as error:
        collected.fault(offset, f"{relative} can be read no further than byte {offset:,} of its content: {error}")


def _json(line: bytes) -> dict[str, Any] | None:
    start = line.find(b"{")
    try:
        row = json.loads(line[start:].decode("utf-8", "replace")) if start >= 0 else None
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _read_parquet(file: Any, relative: str, config: IndexConfig, collected: _Collected) -> None:
    """The columnar index: of the row groups whose keys may match, the columns that are needed."""
    number = 0
    try:
        parquet = pq.ParquetFile(file)
        columns = _columns(parquet.schema_arrow, relative, config)
        ranges = surt_ranges(config)
        number = 0
        for i in range(parquet.num_row_groups):
            metadata = parquet.metadata.row_group(i)
            if ranges is None or _may_hold(metadata, ranges):
                start = number
                for batch in parquet.iter_batches(_BATCH_ROWS, [i], columns):
                    places = np.arange(start, start + batch.num_rows)
                    start += batch.num_rows
                    wanted = _coarse(batch, ranges, config)
                    for place, row in zip(places[wanted].tolist(), records_of(batch.filter(wanted)), strict=True):
                        collected.add(place, row)
            number += metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise_if_io(error)
        collected.fault(number, f"{relative} can be read no further than row {number:,}: {error}")


def _columns(schema: pa.Schema, relative: str, config: IndexConfig) -> list[str]:
    """The columns to read; DataError where one that the recipe asks for is not there."""
    asked = {"filename", "offset", "length"}
    asked |= {"url"} if config.hosts or config.domains or config.url_prefixes else set()
    asked |= {"languages"} if config.languages else set()
    for ours in sorted(asked):
        if not any(name in schema.names for name in _NAMES[ours]):
            has = ", ".join(schema.names)
            raise DataError(f"{relative} has no column {_NAMES[ours][0]!r}, which the recipe asks for (it has: {has})")
    wanted = {_KEY, *(name for names in _NAMES.values() for name in names)}
    return [name for name in schema.names if name in wanted]


def _may_hold(metadata: pq.RowGroupMetaData, ranges: list[tuple[str, str]]) -> bool:
    for i in range(metadata.num_columns):
        column = metadata.column(i)
        if column.path_in_schema == _KEY and column.statistics is not None and column.statistics.has_min_max:
            first, last = as_text(column.statistics.min) or "", as_text(column.statistics.max) or ""
            return in_ranges(first, last, ranges)
    return True


def _coarse(batch: pa.RecordBatch, ranges: list[tuple[str, str]] | None, config: IndexConfig) -> pa.Array:
    """Rows that may be wanted, at array speed: what is surely not is most of an index."""
    wanted = pa.array(np.ones(batch.num_rows, np.bool_))
    names = batch.schema.names
    if ranges is not None and _KEY in names and pa.types.is_string(batch.schema.field(_KEY).type):
        keys = batch.column(_KEY)
        in_one = [pc.and_(pc.greater_equal(keys, low), pc.less(keys, high)) for low, high in ranges]
        some = in_one[0]
        for each in in_one[1:]:
            some = pc.or_(some, each)
        wanted = pc.and_(wanted, pc.fill_null(some, True))
    if config.status and "fetch_status" in names and pa.types.is_integer(batch.schema.field("fetch_status").type):
        status = batch.column("fetch_status").cast(pa.int64())
        is_one = pc.or_(pc.is_in(status, pa.array(config.status, pa.int64())), pc.is_null(status))
        wanted = pc.and_(wanted, is_one)
    return wanted


def _read_cluster(file: Any, path: str, config: IndexConfig, collected: _Collected) -> None:
    """A cluster.idx: of each block of the CDXJ files beside it the first key, the file, its offset and length."""
    ranges = surt_ranges(config)
    if ranges is None:
        raise ConfigError(f"{path} finds sites: set index.hosts, domains or url_prefixes (with the whole host name)")
    keys: list[str] = []
    blocks: list[tuple[str, int, int]] = []
    for offset, line, _ in split_lines(_pieces(file), 0, _MAX_LINE_BYTES):
        fields = (line or b"").decode("utf-8", "replace").split("\t")
        if len(fields) >= 4 and re.fullmatch(r"[\w.-]+", fields[1]) and all(map(_NUMBER.fullmatch, fields[2:4])):
            keys.append(fields[0])
            blocks.append((fields[1], int(fields[2]), int(fields[3])))
        elif (line or b"?").strip():
            collected.fault(offset, "this is no line of a cluster.idx")
    if keys != sorted(keys):
        raise DataError(f"{path} is not sorted by its keys")
    wanted: set[int] = set()
    for low, high in ranges:  # a block holds the keys from its first one to the first one of the next
        wanted.update(range(max(0, bisect_right(keys, low) - 1), bisect_right(keys, high)))
    for i in sorted(wanted):
        _read_block(path, blocks[i], collected)


def _read_block(path: str, block: tuple[str, int, int], collected: _Collected) -> None:
    name, offset, length = block
    place = f"{path.rpartition('/')[0]}/{name}"
    if length > _MERGE_BYTES:
        collected.fault(offset, f"cluster.idx gives a block of {length:,} bytes in {name}")
        return
    with operating(f"cannot read {place}"):
        fs, root = filesystem(place)
        try:
            data = read_range(fs, root, offset, offset + length)
        except FileNotFoundError:
            raise DataError(f"cluster.idx names {place}, which is not there") from None
    _read_lines(gunzip(Stream(io.BytesIO(data))), f"the block at byte {offset:,} of {name}", collected, offset)
