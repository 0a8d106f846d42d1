"""Texts for classifiers out of JSON Lines and Parquet files with columns of any names, as Arrow batches of text.

Only the columns asked for are read; files are listed and opened as the sources of a recipe are, so that a path, a
folder, a glob or a URL will do. A line that is no JSON object costs itself alone and is counted.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from pydantic import BeforeValidator, Field

from mathmill.classifiers.build import SINGLE
from mathmill.classifiers.text_classifier import join_problem
from mathmill.classifiers.train import Example
from mathmill.core.config import Config, DataPath
from mathmill.core.errors import DataError
from mathmill.curation.readers import MAX_RECORD_BYTES, InputFile, SourceConfig, list_files
from mathmill.curation.readers.inflate import DamagedStream
from mathmill.curation.readers.jsonl import decompressed, is_compressed, split_lines
from mathmill.curation.readers.parquet import raise_if_io
from mathmill.curation.readers.rows import BadRecord
from mathmill.curation.readers.source import file_format, opened
from mathmill.curation.readers.values import as_text

_BATCH_ROWS, _BATCH_BYTES, _PIECE_BYTES = 1_024, 8 << 20, 1 << 20

HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:[wW]{3}\.)?(?P<host>[^/:?#]+)"
"""The host of a URL, without `www.`; for `pc.extract_regex`."""

Format = Literal["auto", "jsonl", "parquet"]


def _as_tuple(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


class Fields(Config):
    """Where things are in the records: names, or paths into a structure such as `meta.url`.

    text: one field, or two, which are joined as `join_problem` joins a question and its solution.
    group: of what is kept together when texts are held out; else `site`, the host of `url`, or `source`, the first that
    a record has.
    """

    text: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=2)] = ("text",)
    label: str = "label"
    group: str | None = None
    url: str = "url"
    lang: str = "lang"
    license: str = "license"

    def columns(self) -> list[str]:
        """Every field that is read of labelled texts."""
        groups = [self.group] if self.group else ["site", "source"]
        return list(dict.fromkeys([*self.text, self.label, *groups, self.url, self.lang, self.license]))


class Texts(Config):
    """Files with texts. path: a file, folder, glob or URL."""

    path: DataPath
    format: Format = "auto"

    def files(self) -> list[InputFile]:
        """List them; DataError where there are none, or where they are neither JSONL nor Parquet."""
        files = list_files(self.source())
        if other := [file.relative for file in files if file_format(self.source(), file.relative) not in _READERS]:
            raise DataError(f"{other[0]} is neither JSON Lines nor Parquet; set format if it is named otherwise")
        return files

    def source(self) -> SourceConfig:
        """The same as a source of a recipe."""
        return SourceConfig(name="data", path=self.path, kind="documents", format=self.format)


class Labelled(Texts):
    """Files with labelled texts. label: of all their texts, where it is in no field. rename: labels to others."""

    label: str | None = None
    fields: Fields = Fields()
    rename: dict[str, str] = {}
    license: str = ""  # of records that do not say
    lang: str = ""


def read_labelled(data: Sequence[Labelled], tally: Counter[str]) -> Iterator[Example]:
    """Read labelled texts. tally: counts those left out, by the reason in words."""
    for source in data:
        names = _last_parts(source.path)
        for file in source.files():
            for batch in read_columns(source, file, source.fields.columns(), tally):
                yield from _examples(batch, source, names, tally)


def _examples(batch: pa.RecordBatch, source: Labelled, name: str, tally: Counter[str]) -> Iterator[Example]:
    fields, columns = source.fields, {key: batch.column(key).to_pylist() for key in batch.schema.names}
    texts = join_columns(batch, fields.text).to_pylist()
    hosts = hosts_of(batch.column(fields.url)).to_pylist()
    labels = columns[fields.label] if source.label is None else [source.label] * len(texts)
    empty: list[str | None] = [None] * len(texts)
    ways = [columns[fields.group]] if fields.group else [columns["site"], hosts, columns["source"]]
    for i, (text, label) in enumerate(zip(texts, labels, strict=True)):
        if not text.strip():
            tally["without text"] += 1
        elif not label:
            tally["without label"] += 1
        else:
            group = next((way[i] for way in ways if way[i]), None)
            yield Example(
                text=text,
                label=source.rename.get(label, label),
                group=group or f"{SINGLE}{xxhash.xxh3_64_intdigest(text.encode()) % 4093}",
                lang=columns.get(fields.lang, empty)[i] or source.lang,
                source=name,
                license=columns.get(fields.license, empty)[i] or source.license,
            )


def _last_parts(path: str) -> str:
    return "/".join(path.rstrip("/").split("/")[-2:])


def join_columns(batch: pa.RecordBatch, names: Sequence[str]) -> pa.Array:
    """The texts of a batch, large_string without nulls; two columns are joined as `join_problem` joins its texts."""
    first = pc.fill_null(batch.column(names[0]), "")
    if len(names) == 1:
        return first
    second = pc.fill_null(batch.column(names[1]), "")
    between = pa.scalar(join_problem("q", "s")[1:-1], pa.large_string())
    joined = pc.binary_join_element_wise(first, second, between)
    return pc.if_else(pc.equal(pc.binary_length(second), 0), first, joined)


def hosts_of(urls: pa.Array) -> pa.Array:
    """The lower-case hosts of URLs, without `www.`; null where there is none."""
    return pc.utf8_lower(pc.struct_field(pc.extract_regex(urls, HOST), "host"))


def read_columns(
    source: Texts, file: InputFile, columns: Sequence[str], tally: Counter[str]
) -> Iterator[pa.RecordBatch]:
    """Read columns of a file as batches of large_string; a field that a record lacks is null.

    The first column has to be there: DataError where no record of the file has it, or where the file cannot be read.
    """
    seen = rows = 0
    for batch in _READERS[file_format(source.source(), file.relative) or ""](file, columns, tally):
        rows += batch.num_rows
        seen += batch.num_rows - batch.column(0).null_count
        yield batch
    if rows and not seen:
        raise DataError(f"{file.relative} has no text in the field {columns[0]!r}; say which field has it")


def _read_jsonl(file: InputFile, columns: Sequence[str], tally: Counter[str]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(name, pa.large_string()) for name in columns])
    rows: list[dict[str, str | None]] = []
    size = 0
    for record, _ in read_records(file, tally):
        row = {name: text_of(record, name) for name in columns}
        rows.append(row)
        size += sum(len(value or "") for value in row.values())
        if len(rows) == _BATCH_ROWS or size >= _BATCH_BYTES:
            yield pa.RecordBatch.from_pylist(rows, schema)
            rows, size = [], 0
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema)


def read_records(file: InputFile, tally: Counter[str]) -> Iterator[tuple[dict[str, Any], int]]:
    """Read the objects of a JSON Lines file, plain or compressed, with the bytes of their lines."""
    with opened(file.path, file.size) as handle:
        pieces = decompressed(handle, file.relative) if is_compressed(file.relative) else iter_pieces(handle)
        try:
            for _, line, length in split_lines(pieces, 0, MAX_RECORD_BYTES):
                record = None if line is None else _object(line)
                if record is not None:
                    yield record, length
                elif line is None or line.strip():
                    tally["no JSON object"] += 1
        except DamagedStream as error:
            raise DataError(f"{file.relative} is damaged and can be read no further: {error}") from error


def iter_pieces(handle: Any) -> Iterator[bytes]:
    """A file's content in pieces of 1 MiB."""
    while piece := handle.read(_PIECE_BYTES):
        yield piece


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text_of(record: Mapping[str, Any], field: str) -> str | None:
    """The text of a field, by its name or a path of names; None where it has none."""
    value: Any = record.get(field)
    if value is None and "." in field:
        value = record
        for name in field.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return as_text(value)
    except BadRecord:
        return None


def _read_parquet(file: InputFile, columns: Sequence[str], tally: Counter[str]) -> Iterator[pa.RecordBatch]:
    with open_parquet(file) as table:
        there = [name for name in columns if field_type(table.schema_arrow, name) is not None]
        if columns[0] not in there:
            names = ", ".join(table.schema_arrow.names)
            raise DataError(f"{file.relative} has no column {columns[0]!r} (it has: {names}); say which has the text")
        wanted = sorted({name if name in table.schema_arrow.names else name.split(".")[0] for name in there})
        for batch in parquet_batches(file, table, wanted):
            yield pa.record_batch({name: text_column(batch, name) for name in columns})


@contextmanager
def open_parquet(file: InputFile) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file; DataError where it is none."""
    with opened(file.path, file.size) as handle:
        try:
            table = pq.ParquetFile(handle)
        except (pa.ArrowException, OSError) as error:
            raise_if_io(error)
            raise DataError(f"{file.relative} cannot be read as Parquet: {error}") from error
        yield table


def parquet_batches(
    file: InputFile, table: pq.ParquetFile, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Batches of some hundred rows; DataError where the file is damaged."""
    try:
        yield from table.iter_batches(_BATCH_ROWS // 2, columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise_if_io(error)
        raise DataError(f"{file.relative} is damaged and can be read no further: {error}") from error


class GroupedWriter:
    """Writes Parquet in row groups of a useful size, whatever batches come; a context manager."""

    def __init__(self, path: Path, schema: pa.Schema, rows: int = 1 << 16, max_bytes: int = 64 << 20) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._schema, self._rows, self._max_bytes = schema, rows, max_bytes
        self._held: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        self._held.append(batch)
        full = sum(held.num_rows for held in self._held) >= self._rows
        if full or sum(held.get_total_buffer_size() for held in self._held) >= self._max_bytes:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, self._schema))
            self._held = []

    def __enter__(self) -> "GroupedWriter":
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self._flush()
        self._writer.close()


def field_type(schema: pa.Schema, name: str) -> pa.DataType | None:
    """The type of a column, or of a field in a structure (`meta.url`); None where there is none."""
    if name in schema.names:
        return schema.field(name).type
    head, *rest = name.split(".")
    type_ = schema.field(head).type if head in schema.names else None
    for part in rest:
        inner = pa.types.is_struct(type_) and type_.get_field_index(part) >= 0 if type_ is not None else False
        type_ = type_.field(part).type if inner and type_ is not None else None
    return type_ if rest else None


def text_column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column as large_string, broken UTF-8 mended; nulls where there is no such column or it holds no text."""
    type_ = field_type(batch.schema, name)
    if type_ is None or pa.types.is_nested(type_):
        return pa.nulls(batch.num_rows, pa.large_string())
    inner = name not in batch.schema.names
    column = pc.struct_field(batch.column(name.split(".")[0]), name.split(".")[1:]) if inner else batch.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        column = column.cast(pa.large_string())
        column.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        values = column.cast(pa.large_binary()).to_pylist()
        column = pa.array([value if value is None else value.decode("utf-8", "replace") for value in values])
        return column.cast(pa.large_string())
    return column


_READERS = {"jsonl": _read_jsonl, "parquet": _read_parquet}
