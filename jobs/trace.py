"""`mathmill trace`: one record's way through a run, from its place in the crawl to its rows in the shards."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from mathmill.core.errors import DataError
from mathmill.core.ledger import FileEntry, Ledger
from mathmill.core.storage import Folder
from mathmill.jobs.check import segments

_COLUMNS = {
    "doc_id": ("doc_id", "url", "source", "locator", "lang", "lang_score", "math_score", "formula_counts"),
    "problem_id": ("problem_id", "doc_id", "url", "source", "locator", "school_stage", "difficulty", "n_steps"),
    "conversation_id": ("conversation_id", "doc_id", "url", "source", "locator", "lang"),
    "id": ("id", "stage", "reason", "score", "detail", "error", "locator"),
    "record_id": ("record_id", "doc_id", "corpus", "source", "school_stage", "difficulty"),
}


_SHORTEST = 8
"""Digits of an id that tell it from others."""


@dataclass
class Trace:
    """Where a record was found: (file of the run, light columns)."""

    record_id: str
    places: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        lines = [self.record_id]
        for name, row in self.places:
            lines.append(f"  {name}")
            lines += [
                f"    {key}: {value}" for key, value in row.items() if value is not None and value != self.record_id
            ]
        return lines

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"id": self.record_id, "places": [{"file": name, **row} for name, row in self.places]}


def trace_record(record_id: str, out: str | Path) -> Trace:
    """Search a run for a document, problem or conversation by its id, or by the beginning of it that the report shows.

    Raises DataError where nothing is found.
    """
    if len(record_id) < _SHORTEST:
        raise DataError(f"{record_id!r} is too short; give at least the first {_SHORTEST} digits of an id")
    run = Folder(out)
    if not run.exists("run.json"):
        raise DataError(f"{out} is not a run folder: it has no run.json")
    trace = Trace(record_id)
    for segment in sorted(segments(run), key=_place):
        for entry in Ledger(run, segment).entries().values():
            for file in entry.files:
                trace.places += [(file.name, row) for row in _find(run, file, record_id)]
    if not trace.places:
        raise DataError(
            f"no record {record_id} in {out}; ids are in the columns doc_id, problem_id and conversation_id"
        )
    return trace


_ORDER = ("pages", "documents", "problems", "chats", "conversations", "tokens", "shards")


def _place(segment: str) -> tuple[int, str]:
    """Segments in the order in which a record passes them: `pages-duplicates` after `pages`."""
    return _ORDER.index(segment.partition("-")[0]), segment


def _find(run: Folder, file: FileEntry, record_id: str) -> list[dict[str, Any]]:
    suffix = file.name.rpartition(".")[2]
    if file.port == "files":
        return _find_in_shard(run, file, record_id) if suffix == "arrow" else []
    if suffix not in ("parquet", "arrow"):
        return []
    with run.open(file.name) as source:
        fragment = (ds.ParquetFileFormat() if suffix == "parquet" else ds.IpcFileFormat()).make_fragment(source)
        names = fragment.physical_schema.names
        key = names[0]
        if key not in _COLUMNS:
            return []
        condition = pc.starts_with(pc.field(key), record_id)
        if "doc_id" in names:
            condition = condition | pc.starts_with(pc.field("doc_id"), record_id)
        columns = [name for name in _COLUMNS[key] if name in names]
        return fragment.to_table(columns=columns, filter=condition).to_pylist()


def _find_in_shard(run: Folder, file: FileEntry, record_id: str) -> list[dict[str, Any]]:
    """Rows and offsets of a record's segments in one shard."""
    found = []
    with run.open(file.name) as source:
        reader = pa.ipc.open_file(source)
        row = 0
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            segments_ = batch.column("segments")
            flat = segments_.flatten()
            hits = pc.or_(*(pc.starts_with(flat.field(name), record_id) for name in ("record_id", "doc_id")))
            parents = pc.list_parent_indices(segments_)
            for place in pc.indices_nonzero(hits).to_pylist():
                found.append(
                    {
                        "record_id": flat.field("record_id")[place].as_py(),
                        "row": row + parents[place].as_py(),
                        "start": flat.field("start")[place].as_py(),
                        "tokens": flat.field("length")[place].as_py(),
                    }
                )
            row += batch.num_rows
    return found
