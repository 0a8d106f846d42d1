"""From texts that share a band to the duplicates that go: candidate pairs, their verification, and what is kept.

Connected components chain A ~ B ~ C until unlike texts are one cluster (of 859,092 documents 2 were left, marin #6854).
Here every pair is measured, and rows are judged from the best to the worst: a row is dropped if and only if it was
measured similar to a row that is *kept*, so a cluster is a star and everything in it is similar to its centre. The rows
that are kept are the lexicographically first maximal independent set of the graph of duplicates, by (rank, ref).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from mathmill.curation.minhash import agreement, mix
from mathmill.curation.sketches import SEEN_RANK

_U64 = pa.uint64()

PAIRS = pa.schema([pa.field("ref_a", _U64, nullable=False), pa.field("ref_b", _U64, nullable=False)])
"""Rows that share a band, the better one first. The same pair may come several times."""

EDGES = pa.schema(
    [
        *(pa.field(name, _U64, nullable=False) for name in ("ref_a", "ref_b", "rank_a", "rank_b")),
        pa.field("id_a", pa.string(), nullable=False),
        pa.field("id_b", pa.string(), nullable=False),
        pa.field("similarity", pa.float32(), nullable=False),  # estimated Jaccard similarity of the two
        pa.field("exact", pa.bool_(), nullable=False),  # their tokens are the same
    ]
)
"""Rows that were measured to be duplicates, the better one (a) first."""

DUPLICATES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("kept_id", pa.string(), nullable=False),
        pa.field("similarity", pa.float32(), nullable=False),
        pa.field("exact", pa.bool_(), nullable=False),
        pa.field("ref", _U64, nullable=False),  # of the row to drop
    ]
)
"""Rows to drop, each with the best row that it duplicates of those that are kept."""


MAX_BUCKET = 32
"""Up to so many rows that share a band, each is compared with each."""

TAIL_BUCKET = 4
"""With so many of its best rows each further row of a larger bucket is compared."""

_CACHE = 1 << 20  # pairs remembered to leave out repetitions, 16 bytes each
_ROWS_AT_ONCE = 1 << 15  # bounds the pairs that are in memory at a time


class PairFinder:
    """Pairs up rows that arrive sorted by (key, rank, ref), whatever the batches; memory is constant.

    Rows of an index (rank SEEN_RANK) come first in their bucket. They are not compared with each other, and fill a head
    of their own, so that they do not keep new rows from being compared.
    """

    def __init__(self) -> None:
        self._heads = np.zeros((2, MAX_BUCKET), np.uint64)  # the best rows of the current bucket: new ones, seen ones
        self._state = np.zeros(3, np.uint64)  # the current key, and how many new and seen rows had it so far
        self._cache = np.zeros((_CACHE, 2), np.uint64)

    def pairs(self, keys: np.ndarray, ranks: np.ndarray, refs: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Take the next rows, uint64 (n,) each, and yield the pairs that they complete: better refs, worse refs.

        Pairs that several bands give are mostly left out when they come again.
        """
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            yield _bucket_pairs(
                keys[rows], ranks[rows] == SEEN_RANK, refs[rows], self._heads, self._state, self._cache, TAIL_BUCKET
            )


@njit(cache=True)
def _bucket_pairs(
    keys: np.ndarray,
    seen: np.ndarray,
    refs: np.ndarray,
    heads: np.ndarray,
    state: np.ndarray,
    cache: np.ndarray,
    tail: int,
) -> tuple[np.ndarray, np.ndarray]:
    size = heads.shape[1]
    better = np.empty(2 * size * len(keys), np.uint64)  # pages that are not written cost nothing
    worse = np.empty(2 * size * len(keys), np.uint64)
    n = 0
    for i in range(len(keys)):
        if keys[i] != state[0]:
            state[0], state[1], state[2] = keys[i], 0, 0
        kind = np.int64(seen[i])
        place = np.int64(state[1 + kind])
        if not kind:
            limit = size if place < size else tail
            for side in range(1, -1, -1):
                for other in range(min(np.int64(state[1 + side]), limit)):
                    a, b = heads[side, other], refs[i]
                    slot = np.int64(mix(a ^ mix(b)) & np.uint64(len(cache) - 1))
                    if cache[slot, 0] != a or cache[slot, 1] != b:
                        cache[slot, 0], cache[slot, 1] = a, b
                        better[n], worse[n] = a, b
                        n += 1
        if place < size:
            heads[kind, place] = refs[i]
        state[1 + kind] += np.uint64(1)
    return better[:n].copy(), worse[:n].copy()


class Rows(NamedTuple):
    """What is known of n rows for comparison."""

    refs: np.ndarray  # uint64 (n,)
    ranks: np.ndarray  # uint64 (n,)
    ids: pa.Array
    exact: np.ndarray  # uint64 (n, 2)
    math: np.ndarray  # uint64 (n,)
    signatures: np.ndarray  # uint32 (n, num_hashes)

    @classmethod
    def of(cls, sketches: pa.Table | pa.RecordBatch) -> "Rows":
        """From a table of `sketch_schema`."""
        rows = one_batch(sketches) if isinstance(sketches, pa.Table) else sketches
        columns = {name: rows.column(name) for name in rows.schema.names if name != "has_near"}
        refs, ranks, high, low, math = (
            columns[name].to_numpy() for name in ("ref", "rank", "exact_high", "exact_low", "math")
        )
        num_hashes = columns["signature"].type.list_size
        signatures = columns["signature"].flatten().to_numpy().reshape(-1, num_hashes)
        return cls(refs, ranks, columns["id"], np.stack([high, low], axis=1), math, signatures)


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """A table's rows in one batch."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)


def measure(better: Rows, worse: Rows, a: np.ndarray, b: np.ndarray, threshold: float) -> pa.RecordBatch:
    """Measure pairs and return the duplicates among them, a batch of schema EDGES.

    a, b: int64 (n_pairs,), places in `better` and `worse`. Two rows are duplicates if their token sequences are equal,
    or if the estimated Jaccard similarity of their shingles reaches `threshold` and neither has numbers and operators
    that must be those of the other and are not.
    """
    similarity, equal = _measure(
        a, b, better.exact, worse.exact, better.math, worse.math, better.signatures, worse.signatures, threshold
    )
    found = np.flatnonzero(similarity >= 0)
    a, b = a[found], b[found]
    plain = [better.refs[a], worse.refs[b], better.ranks[a], worse.ranks[b]]
    ids = [better.ids.take(pa.array(a)), worse.ids.take(pa.array(b))]
    columns = [*map(pa.array, plain), *ids, pa.array(similarity[found]), pa.array(equal[found])]
    return pa.RecordBatch.from_arrays(columns, schema=EDGES)


@njit(cache=True)
def _measure(
    a: np.ndarray,
    b: np.ndarray,
    exact_a: np.ndarray,
    exact_b: np.ndarray,
    math_a: np.ndarray,
    math_b: np.ndarray,
    signatures_a: np.ndarray,
    signatures_b: np.ndarray,
    threshold: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Similarity of each pair, -1 where it is none of duplicates, and whether the tokens are equal."""
    similarity = np.full(len(a), -1.0, np.float32)
    equal = np.zeros(len(a), np.bool_)
    for i in range(len(a)):
        x, y = a[i], b[i]
        equal[i] = exact_a[x, 0] == exact_b[y, 0] and exact_a[x, 1] == exact_b[y, 1]
        if equal[i]:
            similarity[i] = 1.0
        elif math_a[x] == math_b[y] or math_a[x] == 0 or math_b[y] == 0:
            share = agreement(signatures_a[x], signatures_b[y])
            if share >= threshold:
                similarity[i] = share
    return similarity, equal


class StarDecision:
    """Decides which rows go, from edges sorted by (component, rank_b, ref_b, rank_a, ref_a), whatever the batches.

    A component is any set of rows that has no edge to others; one number for all will do. Memory is 16 to 32 bytes for
    each row of a component that goes.
    """

    def __init__(self) -> None:
        self._gone = np.zeros(1 << 10, np.uint64)  # open addressing: refs + 1 of the rows of the component that go
        self._state = np.zeros(3, np.uint64)  # component, how many are in `_gone`, the last ref_b + 1 that went

    def decide(self, components: np.ndarray, ref_a: np.ndarray, ref_b: np.ndarray) -> np.ndarray:
        """Take the next edges, uint64 (n,) each; bool (n,): true for the edge, one at most, by which its row b goes."""
        chosen, self._gone = _decide(components, ref_a, ref_b, self._gone, self._state)
        return chosen


@njit(cache=True)
def _decide(
    components: np.ndarray, ref_a: np.ndarray, ref_b: np.ndarray, gone: np.ndarray, state: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.zeros(len(ref_a), np.bool_)
    for i in range(len(ref_a)):
        if components[i] != state[0]:
            state[0] = components[i]
            if 4 * state[1] > len(gone):  # else what is left of other components does no harm
                gone[:] = 0
                state[1] = 0
        b = ref_b[i] + np.uint64(1)
        if state[2] == b or gone[_slot(gone, ref_a[i] + np.uint64(1))] != 0:
            continue
        chosen[i] = True
        gone[_slot(gone, b)] = b
        state[1] += np.uint64(1)
        state[2] = b
        if 2 * state[1] > len(gone):
            larger = np.zeros(4 * len(gone), np.uint64)
            for value in gone:
                if value != 0:
                    larger[_slot(larger, value)] = value
            gone = larger
    return chosen, gone


@njit(cache=True)
def _slot(table: np.ndarray, value: np.uint64) -> np.int64:
    last = np.uint64(len(table) - 1)
    slot = mix(value) & last
    while table[slot] != 0 and table[slot] != value:
        slot = (slot + np.uint64(1)) & last
    return np.int64(slot)


def best_first(ref_a: np.ndarray, ref_b: np.ndarray, rank_a: np.ndarray, rank_b: np.ndarray) -> np.ndarray:
    """The order of edges that `StarDecision` needs: int64 (n,)."""
    return np.lexsort((ref_a, rank_a, ref_b, rank_b))


def duplicates_by(edges: pa.RecordBatch, chosen: np.ndarray) -> pa.RecordBatch:
    """What the chosen edges say, as schema DUPLICATES."""
    rows = edges.filter(pa.array(chosen))
    columns = [rows.column(name) for name in ("id_b", "id_a", "similarity", "exact", "ref_b")]
    return pa.RecordBatch.from_arrays(columns, schema=DUPLICATES)


@njit(cache=True)
def mixed(values: np.ndarray) -> np.ndarray:
    """`mix` of each value, uint64 (n,): keys that spread over the partitions, one for each value."""
    keys = np.empty_like(values)
    for i in range(len(values)):
        keys[i] = mix(values[i])
    return keys
