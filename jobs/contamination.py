"""What benchmarks were hit in a run, by file: gathered from the `contamination` rows that `decontaminate` leaves, for
the report and for `--json`. A batch of rows at a time: a run with millions of hits keeps the hit items, no more.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow.parquet as pq

from mathmill.core.ledger import FileEntry
from mathmill.core.storage import Folder

KINDS = ("exact", "embedded", "short", "template")
EXAMPLES = 5
"""Hits of each file that are shown, of different items or kinds."""


@dataclass
class BenchmarkHits:
    """Hits of one benchmark file."""

    file: str
    items: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    kept: int = 0
    examples: list[dict[str, object]] = field(default_factory=list)  # rows of CONTAMINATION

    def as_json(self) -> dict[str, object]:
        """The numbers and the examples."""
        kinds = {kind: self.kinds[kind] for kind in KINDS}
        return {"file": self.file, "items": len(self.items), **kinds, "dropped": self.dropped, "kept": self.kept}


def gather_hits(run: Folder, files: Iterable[FileEntry]) -> list[BenchmarkHits]:
    """Hits by benchmark file, the most hit one first, from files of CONTAMINATION rows."""
    found: dict[str, BenchmarkHits] = {}
    for file in files:
        with run.open(file.name) as source:
            for batch in pq.ParquetFile(source).iter_batches():
                for row in batch.to_pylist():
                    _add(found.setdefault(row["file"], BenchmarkHits(row["file"])), row)
    return sorted(found.values(), key=lambda hits: (-hits.kinds.total(), hits.file))


def _add(hits: BenchmarkHits, row: dict[str, object]) -> None:
    if len(hits.examples) < EXAMPLES and all(
        (row["item"], row["kind"]) != (e["item"], e["kind"]) for e in hits.examples
    ):
        hits.examples.append(row)
    hits.items.add(str(row["item"]))
    hits.kinds[str(row["kind"])] += 1
    hits.dropped += bool(row["dropped"])
    hits.kept += not row["dropped"]
