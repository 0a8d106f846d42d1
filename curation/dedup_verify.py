"""Measure the candidate pairs of a corpus of any size, in two shuffles and without its text.

    pairs ──── ship_pairs ────┐ by better row ─ attach_better ─┐ by cell of worse rows ─ measure_shipped ─ EDGES
    sketches ─ ship_sketches ─┘        sketches ─ ship_worse ──┘

A row can be the better one of a million pairs, but the worse one of few (each bucket compares it with the best rows
only). So worse rows are dealt out to cells of bounded size, a better row's sketch goes once to each cell that asks for
it, and a pair crosses both shuffles as two numbers: 32 bytes instead of the 0.6 kB of a sketch.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from mathmill.core.config import StageConfig
from mathmill.core.errors import DataError
from mathmill.core.stage import StageContext
from mathmill.curation.clusters import EDGES, PAIRS, Rows, measure, mixed, one_batch
from mathmill.curation.dedup import find_refs
from mathmill.curation.dedup_step import Step
from mathmill.curation.sketches import DedupConfig, sketch_schema

SHIPPED = pa.schema(
    [
        *(pa.field(name, pa.uint64(), nullable=False) for name in ("key", "first", "second")),
        pa.field("id", pa.string(), nullable=False),
        pa.field("sketch", pa.binary(), nullable=False),
    ]
)
"""Sketches and pairs on their way to each other, sorted by (key, first, second); pairs have no id and no sketch.

By better row: the key is the row's, then its sketch (0, ref), then its pairs (1 + cell, worse ref).
By cell: the key is the cell's, then sketches of better rows (0, ref), then for each worse row its sketch (1 + ref, 0)
and its pairs (1 + ref, 1 + better ref).
"""
SHIPPED_ORDER = ("key", "first", "second")


class ShippingConfig(DedupConfig):
    """`dedup:`, and to how many cells worse rows are dealt out."""

    cells: int = Field(1, ge=1)


class Shipping(Step):
    """Sketches or pairs to SHIPPED."""

    Config: ClassVar[type[StageConfig]] = ShippingConfig
    config: ShippingConfig

    def takes(self) -> pa.Schema:
        """Sketches."""
        return sketch_schema(self.config.num_hashes)

    def gives(self) -> pa.Schema:
        """SHIPPED."""
        return SHIPPED

    def cells_of(self, refs: np.ndarray) -> np.ndarray:
        """Cells of worse rows: uint64 (n,)."""
        return mixed(refs) % np.uint64(self.config.cells)


class ShipPairs(Shipping):
    """Pairs, to the better row."""

    name = "ship_pairs"

    def takes(self) -> pa.Schema:
        """PAIRS."""
        return PAIRS

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Address the pairs."""
        better, worse = (batch.column(name).to_numpy() for name in PAIRS.names)
        yield _shipped(mixed(better), self.cells_of(worse) + np.uint64(1), worse)


class ShipSketches(Shipping):
    """Sketches, each to its own key, where its pairs as the better row come."""

    name = "ship_sketches"

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Address and pack the sketches."""
        refs = batch.column("ref").to_numpy()
        yield _shipped(mixed(refs), np.zeros_like(refs), refs, batch)


class ShipWorse(Shipping):
    """Sketches, each to its cell, where its pairs as the worse row come."""

    name = "ship_worse"

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Address and pack the sketches."""
        refs = batch.column("ref").to_numpy()
        yield _shipped(mixed(self.cells_of(refs)), refs + np.uint64(1), np.zeros_like(refs), batch)


class AttachBetter(Step):
    """Sketches and pairs by better row, to the same by cell: each pair once, and for each cell that a better row has
    pairs in, its sketch. In memory are a batch and one sketch.
    """

    name = "attach_better"

    def takes(self) -> pa.Schema:
        """SHIPPED by better row."""
        return SHIPPED

    def gives(self) -> pa.Schema:
        """SHIPPED by cell."""
        return SHIPPED

    def open(self, context: StageContext) -> None:
        """Start before the first row."""
        self._heads = Heads()
        self._last = np.zeros((3, 1), np.uint64)  # of the last pair: key, cell + 1, worse ref

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Address again; DataError if a pair comes without its sketch."""
        sketches, pairs, owners = self._heads.split(batch, batch.column("first").to_numpy() == 0)
        if not pairs.num_rows:
            return
        rows = np.stack([pairs.column(name).to_numpy() for name in SHIPPED_ORDER])
        _check_owners(sketches.column("key").to_numpy(), rows[0], owners)
        before = np.concatenate([self._last, rows[:, :-1]], axis=1)
        self._last = rows[:, -1:]
        refs = sketches.column("second").to_numpy()
        arrived = (rows[:2] != before[:2]).any(axis=0)  # the first pair of this row in this cell
        once = owners[arrived]
        cells = mixed(rows[1][arrived] - np.uint64(1))
        known = (sketches.column(name).take(pa.array(once)) for name in ("id", "sketch"))
        yield _pack(cells, np.zeros_like(cells), refs[once], *known)
        new = (rows != before).any(axis=0)
        yield _shipped(
            mixed(rows[1][new] - np.uint64(1)), rows[2][new] + np.uint64(1), refs[owners[new]] + np.uint64(1)
        )


class MeasureShipped(Step):
    """Sketches and pairs by cell, to the pairs that are duplicates (EDGES). In memory are the better rows of a cell."""

    name = "measure_shipped"
    Config: ClassVar[type[StageConfig]] = DedupConfig
    config: DedupConfig

    def takes(self) -> pa.Schema:
        """SHIPPED by cell."""
        return SHIPPED

    def gives(self) -> pa.Schema:
        """EDGES."""
        return EDGES

    def open(self, context: StageContext) -> None:
        """Start before the first cell."""
        self._enter(None)

    def _enter(self, cell: int | None) -> None:
        self._cell, self._heads = cell, Heads()
        self._arrived: list[pa.RecordBatch] = []
        self._better: Rows | None = None

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Measure; DataError if a pair comes without its sketches."""
        for part in _by_key(batch):
            if (cell := part.column("key")[0].as_py()) != self._cell:
                self._enter(cell)
            here = int(np.searchsorted(part.column("first").to_numpy(), 0, side="right"))
            if here:
                self._arrived.append(part.slice(0, here))
            yield from self._measure(part.slice(here))

    def _measure(self, part: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        sketches, pairs, owners = self._heads.split(part, part.column("second").to_numpy() == 0)
        if not pairs.num_rows:
            return
        first = sketches.column("first").to_numpy()
        _check_owners(first, pairs.column("first").to_numpy(), owners)
        if self._better is None:
            together = one_batch(pa.Table.from_batches(self._arrived, SHIPPED))
            self._better = self._rows(together, together.column("second").to_numpy())
            self._arrived = []
        places = find_refs(self._better.refs, pairs.column("second").to_numpy() - np.uint64(1))
        worse = self._rows(sketches, first - np.uint64(1))
        yield measure(self._better, worse, places, owners, self.config.threshold)

    def _rows(self, shipped: pa.RecordBatch, refs: np.ndarray) -> Rows:
        packed, kind = shipped.column("sketch"), _packed(self.config.num_hashes)
        rows = np.zeros(0, kind)
        if len(packed):
            _, offsets, data = packed.buffers()
            rows = np.frombuffer(data, kind, len(packed), int(np.frombuffer(offsets, np.int32)[packed.offset]))
        exact, signatures = np.ascontiguousarray(rows["exact"]), np.ascontiguousarray(rows["signature"])
        return Rows(refs, rows["rank"].copy(), shipped.column("id"), exact, rows["math"].copy(), signatures)


_LOST = "a pair has come without its sketch: pairs and sketches are of different runs"


class Heads:
    """Splits a stream in which rows follow their head: a sketch and its pairs, say, whatever the batches."""

    def __init__(self) -> None:
        self._held: list[pa.RecordBatch] = []

    def split(self, batch: pa.RecordBatch, is_head: np.ndarray) -> tuple[pa.RecordBatch, pa.RecordBatch, np.ndarray]:
        """Return heads, the other rows, and for each of these the place of the last head before it, -1 if none."""
        heads = one_batch(pa.Table.from_batches([*self._held, batch.filter(pa.array(is_head))], batch.schema))
        places = (np.cumsum(is_head) - 1 + len(self._held))[~is_head]
        self._held = [heads.slice(heads.num_rows - 1)] if heads.num_rows else []
        return heads, batch.filter(pa.array(~is_head)), places


def _check_owners(known: np.ndarray, wanted: np.ndarray, owners: np.ndarray) -> None:
    """DataError unless the head of each row has its key."""
    if len(owners) and (owners[0] < 0 or (known[owners] != wanted).any()):
        raise DataError(_LOST)


def _by_key(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a sorted batch where the key changes."""
    keys = batch.column("key").to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(keys)], strict=False):
        yield batch.slice(start, stop - start)


def _packed(num_hashes: int) -> np.dtype:
    return np.dtype([("rank", "<u8"), ("exact", "<u8", (2,)), ("math", "<u8"), ("signature", "<u4", (num_hashes,))])


def _shipped(
    keys: np.ndarray, first: np.ndarray, second: np.ndarray, sketches: pa.RecordBatch | None = None
) -> pa.RecordBatch:
    """Rows of SHIPPED, with sketches (`sketch_schema`) or without."""
    if sketches is None:
        ids, packed = (pa.repeat(pa.scalar(b"", kind), len(keys)) for kind in (pa.string(), pa.binary()))
        return _pack(keys, first, second, ids, packed)
    rows = Rows.of(sketches)
    table = np.empty(len(keys), _packed(rows.signatures.shape[1]))
    table["rank"], table["exact"], table["math"] = rows.ranks, rows.exact, rows.math
    table["signature"] = rows.signatures
    offsets = np.arange(len(keys) + 1, dtype=np.int32) * np.int32(table.itemsize)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(table.tobytes())]
    return _pack(keys, first, second, rows.ids, pa.Array.from_buffers(pa.binary(), len(keys), buffers))


def _pack(keys: np.ndarray, first: np.ndarray, second: np.ndarray, ids: pa.Array, sketches: pa.Array) -> pa.RecordBatch:
    columns = [pa.array(keys), pa.array(first), pa.array(second), ids, sketches]
    return pa.RecordBatch.from_arrays(columns, schema=SHIPPED)
