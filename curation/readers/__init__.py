"""Reading of raw input: WARC and WET, JSON, Parquet, tables and what a crawl's index chooses, as record batches.

Files are cut into slices, which tasks read on their own. A damaged record goes to quarantine, with its place in the
file, and never takes a neighbour with it; a failing disk or network is an error of the task instead.
"""

from collections.abc import Iterator
from itertools import pairwise

from mathmill.core.stage import Output
from mathmill.curation.readers.delimited import read_delimited
from mathmill.curation.readers.jsonfile import read_json
from mathmill.curation.readers.jsonl import is_compressed, read_jsonl
from mathmill.curation.readers.parquet import plan_row_groups, read_parquet
from mathmill.curation.readers.ranges import check_choice, plan_ranges, read_ranges
from mathmill.curation.readers.records import MAX_RECORD_BYTES
from mathmill.curation.readers.rows import Rows
from mathmill.curation.readers.source import (
    InputFile,
    InputSlice,
    SourceConfig,
    file_format,
    input_schema,
    list_files,
)
from mathmill.curation.readers.warc import read_warc, read_wet

__all__ = [
    "MAX_RECORD_BYTES",
    "InputFile",
    "InputSlice",
    "SourceConfig",
    "input_schema",
    "list_files",
    "plan_slices",
    "plan_source",
    "read_slice",
]


def plan_slices(file: InputFile, source: SourceConfig, target_bytes: int) -> list[InputSlice]:
    """Cut a file into the slices that tasks read, of about `target_bytes` as stored.

    Parquet is cut between row groups, plain JSONL anywhere; every other file is one slice. A crawl's index is
    read for it, and cut by the records that it chooses.
    """
    format_ = file_format(source, file.relative)
    if format_ == "cc_index":
        return plan_ranges(file, source, target_bytes)
    if format_ == "parquet":
        return plan_row_groups(file, source, target_bytes)
    can_split = format_ == "jsonl" and not is_compressed(file.relative)
    n = max(1, round(file.size / target_bytes)) if can_split else 1
    bounds = [i * file.size // n for i in range(n + 1)]
    return [InputSlice(file.path, file.relative, start, end, end - start, file.size) for start, end in pairwise(bounds)]


def plan_source(source: SourceConfig, target_bytes: int) -> list[tuple[InputFile, InputSlice]]:
    """Every slice of a source with its file; DataError where there is no file, or an index that chooses nothing."""
    planned = [(file, part) for file in list_files(source) for part in plan_slices(file, source, target_bytes)]
    if source.format == "cc_index" and not any(part.size for _, part in planned):
        check_choice(source, [file for file, _ in planned])
    return planned


def read_slice(
    source: SourceConfig, slice_: InputSlice, batch_bytes: int = 8 << 20, max_record_bytes: int = MAX_RECORD_BYTES
) -> Iterator[Output]:
    """Stream a slice's records as batches of `input_schema(source)`, with what was dropped and quarantined on the way.

    Batches hold at most `batch_bytes`, or one larger record. Raises DataError where the file is gone or lacks a column,
    OperationError where it cannot be read.
    """
    rows = Rows(source, slice_.relative, batch_bytes)
    format_ = file_format(source, slice_.relative)
    if format_ == "warc":
        yield from read_warc(slice_, rows, max_record_bytes)
    elif format_ == "wet":
        yield from read_wet(source, slice_, rows, max_record_bytes)
    elif format_ == "parquet":
        yield from read_parquet(source, slice_, rows, batch_bytes)
    elif format_ == "cc_index":
        yield from read_ranges(source, slice_, rows, max_record_bytes)
    elif format_ == "json":
        yield from read_json(source, slice_, rows, max_record_bytes)
    elif format_ in ("csv", "tsv"):
        yield from read_delimited(source, slice_, rows, "," if format_ == "csv" else "\t", max_record_bytes)
    else:
        yield from read_jsonl(source, slice_, rows, max_record_bytes)
