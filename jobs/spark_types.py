"""Arrow batches as Spark can carry them, and back.

Spark has no unsigned integers and no fixed-size lists. Unsigned ones travel as signed ones of the same width, bit by
bit; columns that Spark shall sort have their highest bit flipped as well, which keeps their order. Batches are cut by
bytes, since Spark's vectors end at 2 GiB and its executors hold several at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

BATCH_BYTES = 32 << 20
"""A batch on its way to or from Spark ends with the row that reaches it; one row may be larger."""

_SIGNED = {pa.uint8(): pa.int8(), pa.uint16(): pa.int16(), pa.uint32(): pa.int32(), pa.uint64(): pa.int64()}


def portable(schema: pa.Schema) -> pa.Schema:
    """The schema with types that Spark knows."""
    return pa.schema([pa.field(field.name, _portable_type(field.type), field.nullable) for field in schema])


def _portable_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _portable_type(kind.value_type)
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_portable_type(kind.value_type))
    if pa.types.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return pa.struct([pa.field(field.name, _portable_type(field.type), field.nullable) for field in fields])
    return _SIGNED.get(kind, kind)


def struct_type(schema: pa.Schema) -> Any:
    """The same as a Spark `StructType`."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(portable(schema), prefer_timestamp_ntz=True)


def to_spark(batch: pa.RecordBatch, order: Sequence[str] = ()) -> pa.RecordBatch:
    """A batch with types that Spark knows. order: unsigned columns whose order Spark's must be."""
    columns = [
        _sortable(batch.column(i)) if name in order else batch.column(i) for i, name in enumerate(batch.schema.names)
    ]
    target = portable(batch.schema)
    cast = [pc.cast(column, field.type, safe=False) for column, field in zip(columns, target, strict=True)]
    return pa.RecordBatch.from_arrays(cast, schema=target)


def from_spark(batch: pa.RecordBatch, schema: pa.Schema, order: Sequence[str] = ()) -> pa.RecordBatch:
    """A batch as it was before `to_spark`; `schema` is what it had then. Columns are taken by name."""
    columns = []
    for field in schema:
        column = batch.column(field.name)
        if pa.types.is_fixed_size_list(field.type):
            column = pc.cast(column, pa.list_(column.type.value_type))  # large lists do not cast to fixed-size ones
        column = pc.cast(column, field.type, safe=False)
        columns.append(_sortable(column) if field.name in order else column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _sortable(column: pa.Array) -> pa.Array:
    """Flip the highest bit of unsigned integers, so that they have the same order when read as signed ones."""
    if not pa.types.is_unsigned_integer(column.type):
        return column
    return pc.bit_wise_xor(column, pa.scalar(1 << (column.type.bit_width - 1), column.type))


def bounded(batches: Iterable[pa.RecordBatch], max_bytes: int = BATCH_BYTES) -> Iterator[pa.RecordBatch]:
    """Cut batches into halves until each is small enough or one row."""
    for batch in batches:
        if batch.get_total_buffer_size() <= max_bytes or batch.nbytes <= max_bytes or batch.num_rows <= 1:
            if batch.num_rows:
                yield batch
            continue
        middle = batch.num_rows // 2
        yield from bounded([batch.slice(0, middle), batch.slice(middle)], max_bytes)
