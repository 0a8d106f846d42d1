"""Connected components of the graph of duplicates, where its edges are too many for one task.

    edges ─┬─ rounds: by larger neighbour (large star), by smaller neighbour (small star) ─ centres of stars ─┐
           └───────────────────────────── by row b, with its component, by component, decided as a stream ────┘

Components only cut the work: what is kept within one is decided by `StarDecision` as everywhere else. In a
large-star step each row tells its larger neighbours the smallest one, in a small-star step its smaller ones; repeated,
every component becomes a star around its smallest ref, in O(log n) rounds in practice (Kiveris et al., Connected
Components in MapReduce and Beyond, SoCC 2014). Neighbours come sorted, so the smallest is the first and each key is a
stream.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numba import njit

from mathmill.core.stage import Port, StageContext
from mathmill.curation.clusters import EDGES, mixed
from mathmill.curation.dedup_step import Step
from mathmill.curation.dedup_verify import Heads

_U64 = pa.uint64()

LINKS = pa.schema([pa.field("ref", _U64, nullable=False), pa.field("smaller", _U64, nullable=False)])
"""Two rows of one component; at the end, a row and the smallest of its component."""

NEIGHBOURS = pa.schema([pa.field(name, _U64, nullable=False) for name in ("key", "ref", "neighbour")])
NEIGHBOURS_ORDER = ("key", "neighbour")
"""A row and one of its neighbours, sorted by the row's key and by neighbour."""

ADDRESSED = pa.schema([pa.field("key", _U64, nullable=False), pa.field("place", _U64, nullable=False), *EDGES])
ADDRESSED_ORDER = ("key", "place", "rank_a", "ref_a")
"""Edges by their row b (place 1), after the link of this row (place 0), which has its smallest one as ref_a."""

COMPONENTS = pa.schema([pa.field("key", _U64, nullable=False), *EDGES])
COMPONENTS_ORDER = ("key", "rank_b", "ref_b", "rank_a", "ref_a")
"""Edges by component, in the order in which they are decided."""


class _Sending(Step):
    """Edges or links, whose first two columns are rows, to NEIGHBOURS."""

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """ConfigError if the input is neither edges nor links."""
        self._takes = EDGES if len(input_schema) > len(LINKS) else LINKS
        return super().output_schemas(input_schema)

    def takes(self) -> pa.Schema:
        """EDGES or LINKS."""
        return self._takes

    def gives(self) -> pa.Schema:
        """NEIGHBOURS."""
        return NEIGHBOURS


class BothWays(_Sending):
    """Each row hears of the other."""

    name = "both_ways"

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Send."""
        left, right = batch.column(0).to_numpy(), batch.column(1).to_numpy()
        for ref, neighbour in ((left, right), (right, left)):
            yield pa.record_batch([mixed(ref), ref, neighbour], schema=NEIGHBOURS)


class Down(_Sending):
    """The larger row hears of the smaller one."""

    name = "down"

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Send."""
        left, right = batch.column(0).to_numpy(), batch.column(1).to_numpy()
        ref = np.maximum(left, right)
        yield pa.record_batch([mixed(ref), ref, np.minimum(left, right)], schema=NEIGHBOURS)


class _Star(Step):
    """NEIGHBOURS to LINKS, streaming."""

    large: bool

    def takes(self) -> pa.Schema:
        """NEIGHBOURS."""
        return NEIGHBOURS

    def gives(self) -> pa.Schema:
        """LINKS."""
        return LINKS

    def open(self, context: StageContext) -> None:
        """Start before the first row."""
        self._state = np.zeros(4, np.uint64)

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Link neighbours to the smallest one."""
        ref, neighbour = batch.column("ref").to_numpy(), batch.column("neighbour").to_numpy()
        yield pa.record_batch(list(_link(ref, neighbour, self._state, self.large)), schema=LINKS)


class LargeStar(_Star):
    """A row's larger neighbours are linked to the smallest row that it knows, itself included."""

    name = "large_star"
    large = True


class SmallStar(_Star):
    """A row and its smaller neighbours (it knows no others) are linked to the smallest of them."""

    name = "small_star"
    large = False


@njit(cache=True)
def _link(ref: np.ndarray, neighbour: np.ndarray, state: np.ndarray, large: bool) -> tuple[np.ndarray, np.ndarray]:
    """state: 1 after the first row; the last ref; its last neighbour; the smallest row that it knows."""
    rows, smallest = np.empty(len(ref), np.uint64), np.empty(len(ref), np.uint64)
    n = 0
    for i in range(len(ref)):
        row, other = ref[i], neighbour[i]
        begins = state[0] == 0 or state[1] != row
        if begins:
            state[0], state[1] = 1, row
            state[3] = min(row, other) if large else other
        elif state[2] == other:
            continue
        state[2] = other
        if large:
            if other > row:
                rows[n], smallest[n] = other, state[3]
                n += 1
        else:
            rows[n], smallest[n] = row if begins else other, state[3]
            n += 1
    return rows[:n].copy(), smallest[:n].copy()


class SendLinks(Step):
    """Links, each to the edges of its row."""

    name = "send_links"

    def takes(self) -> pa.Schema:
        """LINKS."""
        return LINKS

    def gives(self) -> pa.Schema:
        """ADDRESSED."""
        return ADDRESSED

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Address the links."""
        ref, smaller = batch.column("ref").to_numpy(), batch.column("smaller").to_numpy()
        none, words = np.zeros_like(ref), pa.array([""] * len(ref), pa.string())
        numbers = [mixed(ref), none, smaller, ref, none, none]
        yield pa.record_batch(
            [*numbers, words, words, none.astype(np.float32), none.astype(np.bool_)], schema=ADDRESSED
        )


class SendEdges(Step):
    """Edges, each to the link of its row b."""

    name = "send_edges"

    def takes(self) -> pa.Schema:
        """EDGES."""
        return EDGES

    def gives(self) -> pa.Schema:
        """ADDRESSED."""
        return ADDRESSED

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Address the edges."""
        keys = mixed(batch.column("ref_b").to_numpy())
        yield pa.record_batch([keys, np.ones_like(keys), *batch.columns], schema=ADDRESSED)


class LabelEdges(Step):
    """Edges after the link of their row b, to edges with the key of their component (COMPONENTS)."""

    name = "label_edges"

    def takes(self) -> pa.Schema:
        """ADDRESSED."""
        return ADDRESSED

    def gives(self) -> pa.Schema:
        """COMPONENTS."""
        return COMPONENTS

    def open(self, context: StageContext) -> None:
        """Start before the first link."""
        self._heads = Heads()

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """A row without a link is the smallest of its component."""
        links, edges, owners = self._heads.split(batch, batch.column("place").to_numpy() == 0)
        components = edges.column("ref_b").to_numpy().copy()
        if links.num_rows:
            linked = (owners >= 0) & (links.column("key").to_numpy()[owners] == edges.column("key").to_numpy())
            components[linked] = links.column("ref_a").to_numpy()[owners[linked]]
        yield pa.record_batch([mixed(components), *(edges.column(name) for name in EDGES.names)], schema=COMPONENTS)
