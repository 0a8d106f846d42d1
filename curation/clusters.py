"""From texts that share a band to the duplicates that go: candidate pairs, their verification, and what is kept.

Connected components chain A ~ B ~ C until unlike texts are one cluster (of 859,092 documents 2 were left, marin #6854).
Here every pair is measured, and rows are judged from the best to the worst: a row is dropped only if it is similar to a
row that is *kept*, so a cluster is a star and everything in it is similar to its centre. A candidate that was dropped
stands for the row kept in its place, which is then measured too. One pass in numba over the rows that share a band with
any other; all arrays are flat.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from mathmill.core.errors import DataError
from mathmill.curation.minhash import agreement

PAIRS = pa.schema([pa.field("ref_a", pa.uint64(), nullable=False), pa.field("ref_b", pa.uint64(), nullable=False)])
"""Rows that share a band, the better one first. The same pair may come from several bands."""

DUPLICATES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("kept_id", pa.string(), nullable=False),
        pa.field("similarity", pa.float32(), nullable=False),  # estimated Jaccard similarity of the two
        pa.field("exact", pa.bool_(), nullable=False),  # their tokens are the same
    ]
)
"""Rows to drop, sorted by id, each with the row that is kept instead."""


MAX_BUCKET = 32
"""Up to so many rows that share a band, each is compared with each; the rest of a larger bucket with its best row."""


class PairFinder:
    """Pairs up rows that arrive sorted by (key, rank, ref), whatever the batches; memory is one bucket's head."""

    def __init__(self) -> None:
        self._head = np.zeros(MAX_BUCKET, np.uint64)  # the best rows of the current bucket
        self._state = np.zeros(2, np.uint64)  # the current key, and how many rows had it so far

    def pairs(self, keys: np.ndarray, refs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the next rows, uint64 (n,) both, and return the pairs that they complete: better refs, worse refs."""
        return _bucket_pairs(keys, refs, self._head, self._state)


@njit(cache=True)
def _bucket_pairs(
    keys: np.ndarray, refs: np.ndarray, head: np.ndarray, state: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    places = np.empty(len(keys), np.int64)  # of each row in its bucket
    total = np.int64(0)
    key, seen = state[0], np.int64(state[1])
    for i in range(len(keys)):
        if keys[i] != key:
            key, seen = keys[i], np.int64(0)
        places[i] = seen
        total += seen if seen < len(head) else np.int64(1)
        seen += 1
    state[0], state[1] = key, seen
    better, worse = np.empty(total, np.uint64), np.empty(total, np.uint64)
    n = 0
    for i in range(len(keys)):
        place = places[i]
        for other in range(place if place < len(head) else 1):
            better[n], worse[n] = head[other], refs[i]
            n += 1
        if place < len(head):
            head[place] = refs[i]
    return better, worse


def unique_pairs(better: np.ndarray, worse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort pairs by (worse, better) and drop repetitions; uint64 (n,) each."""
    order = np.lexsort((better, worse))
    better, worse = better[order], worse[order]
    new = np.ones(len(better), np.bool_)
    new[1:] = (better[1:] != better[:-1]) | (worse[1:] != worse[:-1])
    return better[new], worse[new]


def solve_duplicates(pairs: pa.Table, sketches: pa.Table, threshold: float) -> pa.Table:
    """Decide which rows are duplicates, of which row that is kept.

    pairs: PAIRS, in any order, repetitions allowed. sketches: `sketch_schema`, at least the rows that pairs name.
    Two rows are similar if their token sequences are equal, or if the estimated Jaccard similarity of their shingles
    reaches `threshold` and neither has numbers and operators that must be those of the other and are not.
    Returns a table of schema DUPLICATES. DataError if a pair names a row without a sketch.
    """
    rows = _Rows.of(sketches.select([name for name in sketches.schema.names if name != "id"]))
    better, worse = unique_pairs(pairs.column("ref_a").to_numpy(), pairs.column("ref_b").to_numpy())
    starts, candidates = _adjacency(rows.places(better), rows.places(worse), len(rows.order))
    kept, similarity, exact = _judge(starts, candidates, rows.exact, rows.math, rows.signatures, threshold)
    dropped = np.flatnonzero(kept != np.arange(len(kept)))
    ids = sketches.column("id").combine_chunks()
    columns = [
        ids.take(pa.array(rows.order[dropped])),
        ids.take(pa.array(rows.order[kept[dropped]])),
        pa.array(similarity[dropped]),
        pa.array(exact[dropped]),
    ]
    table = pa.Table.from_arrays(columns, schema=DUPLICATES)
    return table.take(pc.sort_indices(table, sort_keys=[("id", "ascending")]))


class _Rows(NamedTuple):
    """Sketches as arrays, best row first."""

    order: np.ndarray  # int64 (n,): where each row stands in the table
    sorted_refs: np.ndarray  # uint64 (n,)
    positions: np.ndarray  # int64 (n,): positions (0 is the best row) in the order of sorted_refs
    exact: np.ndarray  # uint64 (n, 2)
    math: np.ndarray  # uint64 (n,)
    signatures: np.ndarray  # uint32 (n, num_hashes)

    @classmethod
    def of(cls, sketches: pa.Table) -> "_Rows":
        columns = {name: sketches.column(name).combine_chunks() for name in sketches.schema.names}
        refs = columns["ref"].to_numpy()
        order = np.lexsort((refs, columns["rank"].to_numpy()))
        by_ref = np.argsort(refs)
        positions = np.empty(len(refs), np.int64)
        positions[order] = np.arange(len(refs))
        num_hashes = columns["signature"].type.list_size
        signatures = columns["signature"].flatten().to_numpy().reshape(-1, num_hashes)
        exact = np.stack([columns["exact_high"].to_numpy(), columns["exact_low"].to_numpy()], axis=1)
        math = columns["math"].to_numpy()
        return cls(order, refs[by_ref], positions[by_ref], exact[order], math[order], signatures[order])

    def places(self, refs: np.ndarray) -> np.ndarray:
        found = np.searchsorted(self.sorted_refs, refs)
        found[found == len(self.sorted_refs)] = 0
        if len(refs) and (not len(self.sorted_refs) or (self.sorted_refs[found] != refs).any()):
            raise DataError("a pair names a row that has no sketch: pairs and sketches are of different runs")
        return self.positions[found]


def _adjacency(left: np.ndarray, right: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The better candidates of each row, as CSR: int64 (n + 1,) and int64 (n_pairs,)."""
    better, worse = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((better, worse))
    starts = np.searchsorted(worse[order], np.arange(n + 1))
    return starts, better[order]


@njit(cache=True)
def _judge(
    starts: np.ndarray,
    candidates: np.ndarray,
    exact: np.ndarray,
    math: np.ndarray,
    signatures: np.ndarray,
    threshold: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row, best first: the best kept row similar to it (itself if none), how similar, and whether equal."""
    n = len(math)
    kept = np.arange(n)
    similarity = np.zeros(n, np.float32)
    equal = np.zeros(n, np.bool_)
    for row in range(n):
        for place in range(starts[row], starts[row + 1]):
            centre = kept[candidates[place]]
            if centre >= kept[row]:
                continue
            same = exact[centre, 0] == exact[row, 0] and exact[centre, 1] == exact[row, 1]
            if not same and math[centre] != math[row] and math[centre] != 0 and math[row] != 0:
                continue
            share = 1.0 if same else agreement(signatures[centre], signatures[row])
            if share >= threshold:
                kept[row], similarity[row], equal[row] = centre, share, same
    return kept, similarity, equal
