"""Reads Parquet files row group by row group, only the columns that the source needs.

A record's number is its row's number in the file. Text columns of every kind (string, large or dictionary string,
view, binary) are read as bytes and decoded here, since a Parquet file may claim that anything is UTF-8.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathmill.core.errors import DataError
from mathmill.core.stage import Output
from mathmill.curation.readers.fields import FieldMap
from mathmill.curation.readers.rows import MAX_ROWS, Rows
from mathmill.curation.readers.source import InputFile, InputSlice, SourceConfig, opened


def plan_row_groups(file: InputFile, source: SourceConfig, target_bytes: int) -> list[InputSlice]:
    """Cut a file into runs of row groups of about `target_bytes`, as stored; DataError where a column is missing.

    A file that is no Parquet file is one slice, which `read_parquet` puts into quarantine.
    """
    with opened(file.path, file.size) as handle:
        try:
            metadata = pq.ParquetFile(handle).metadata
        except (pa.ArrowException, OSError) as error:
            raise_if_io(error)
            return [InputSlice(file.path, file.relative, 0, 1, file.size, file.size)]
        sizes = [_stored_bytes(metadata.row_group(i)) for i in range(metadata.num_row_groups)]
        _check_columns(metadata.schema.to_arrow_schema(), source, file.relative)
    slices = []
    start = size = 0
    for end, row_group in enumerate(sizes, 1):
        size += row_group
        if size >= target_bytes or end == len(sizes):
            slices.append(InputSlice(file.path, file.relative, start, end, size, file.size))
            start, size = end, 0
    return slices


def read_parquet(source: SourceConfig, slice_: InputSlice, rows: Rows, batch_bytes: int) -> Iterator[Output]:
    """Read the rows of a slice's row groups; of a damaged one those before the damage, then on with the next."""
    fields = FieldMap(source)
    with opened(slice_.path, slice_.file_size) as handle:
        try:
            file = pq.ParquetFile(handle)
        except (pa.ArrowException, OSError) as error:
            raise_if_io(error)
            yield from rows.quarantine(0, None, f"{slice_.relative} cannot be read: {error}")
            yield from rows.flush()
            return
        columns = _check_columns(file.schema_arrow, source, slice_.relative)
        end = sum(file.metadata.row_group(i).num_rows for i in range(slice_.start))
        for i in range(slice_.start, slice_.end):
            number, end = end, end + file.metadata.row_group(i).num_rows
            try:
                for batch in file.iter_batches(_batch_rows(file, i, batch_bytes), [i], columns):
                    for record in records_of(batch):
                        yield from fields.add(rows, number, None, record)
                        number += 1
            except (pa.ArrowException, OSError) as error:
                raise_if_io(error)
                message = f"rows {number:,} to {end - 1:,} of {slice_.relative} cannot be read: {error}"
                yield from rows.quarantine(number, None, message)
    yield from rows.flush()


def raise_if_io(error: Exception) -> None:
    """Tell a fault of disk or network, which another try may heal, from a damaged file (Arrow calls both OSError)."""
    if isinstance(error, OSError) and (error.errno is not None or isinstance(error, TimeoutError | ConnectionError)):
        raise error


def _stored_bytes(row_group: pq.RowGroupMetaData) -> int:
    return sum(row_group.column(i).total_compressed_size for i in range(row_group.num_columns))


def _check_columns(schema: pa.Schema, source: SourceConfig, relative: str) -> list[str]:
    """Return the columns to read; DataError where one that the source needs is not there."""
    fields = FieldMap(source)
    needed = fields.needed()
    if fields.other in schema.names and fields.required not in schema.names:
        needed.pop(fields.required, None)
    for field, column in needed.items():
        if field not in schema.names and field.partition(".")[0] not in schema.names:
            raise DataError(
                f"{relative} has no column {field!r} (it has: {', '.join(schema.names)}); "
                f"set fields: {{{column}: …}} for source {source.name}"
            )
    wanted = fields.wanted()
    wanted |= {field.partition(".")[0] for field in wanted}
    return [name for name in schema.names if name in wanted]


def _batch_rows(file: pq.ParquetFile, row_group: int, batch_bytes: int) -> int:
    """How many rows to decode at once, from the mean size of the row group's rows."""
    metadata = file.metadata.row_group(row_group)
    return max(1, min(MAX_ROWS, batch_bytes * metadata.num_rows // max(1, metadata.total_byte_size)))


def records_of(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """The rows of a batch, text as bytes."""
    columns = [_values(column) for column in batch.columns]
    for values in zip(*columns, strict=True):
        yield dict(zip(batch.schema.names, values, strict=True))


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = pc.cast(column, pa.large_binary())
    return [_value(column, i) for i in range(len(column))] if pa.types.is_nested(column.type) else column.to_pylist()


def _value(column: pa.Array, row: int) -> Any:
    try:
        return column[row].as_py()
    except UnicodeDecodeError:
        try:
            return pc.cast(column.slice(row, 1), _of_bytes(column.type))[0].as_py()
        except (UnicodeDecodeError, pa.ArrowException):  # text inside of a map or a dictionary
            return None


def _of_bytes(type_: pa.DataType) -> pa.DataType:
    """The nested type with bytes in place of text."""
    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(_of_bytes(field.type)) for field in type_])
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        of = pa.list_ if pa.types.is_list(type_) else pa.large_list
        return of(_of_bytes(type_.value_type))
    return pa.large_binary() if pa.types.is_string(type_) or pa.types.is_large_string(type_) else type_
