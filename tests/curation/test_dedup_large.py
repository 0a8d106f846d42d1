"""The way of a corpus that no task can hold: the same stages as on an engine, with a sort in place of the shuffle."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError, DataError
from mathmill.core.stage import OUT, Stage, StageContext
from mathmill.curation.clusters import DUPLICATES, EDGES, PAIRS, Rows, StarDecision, measure
from mathmill.curation.dedup import DecideSorted, DedupConfig
from mathmill.curation.dedup_components import (
    ADDRESSED_ORDER,
    COMPONENTS,
    COMPONENTS_ORDER,
    LINKS,
    NEIGHBOURS_ORDER,
    BothWays,
    Down,
    LabelEdges,
    LargeStar,
    SendEdges,
    SendLinks,
    SmallStar,
)
from mathmill.curation.dedup_home import HOMED_ORDER, ArriveHome, SendHome, home_key
from mathmill.curation.dedup_verify import (
    SHIPPED_ORDER,
    AttachBetter,
    MeasureShipped,
    ShipPairs,
    ShippingConfig,
    ShipSketches,
    ShipWorse,
)
from mathmill.curation.sketches import sketch_schema

NONE = StageConfig()
HASHES = 32


def run(stage: Stage, table: pa.Table, rows: int) -> pa.Table:
    schema = stage.output_schemas(table.schema)[OUT]
    stage.open(StageContext(scratch=Path("unused")))
    found = [batch for port, batch in stage.process(iter(table.to_batches(rows))) if port == OUT]
    stage.close()
    return pa.Table.from_batches(found, schema).combine_chunks()


def group(emits: list[tuple[Stage, pa.Table]], order: tuple[str, ...], reduce: Stage, rows: int = 50) -> pa.Table:
    emitted = pa.concat_tables([run(stage, table, rows) for stage, table in emits])
    return run(reduce, emitted.sort_by([(name, "ascending") for name in order]).combine_chunks(), rows)


# Verification.


def sketches(seed: int, n: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    families = rng.integers(0, 1 << 32, (max(1, n // 12), HASHES), np.uint64)
    signatures = families[rng.integers(0, len(families), n)]
    changed = rng.random((n, HASHES)) < 0.08
    signatures[changed] = rng.integers(0, 1 << 32, int(changed.sum()), np.uint64)
    refs = np.sort(rng.permutation(10 * n)[:n].astype(np.uint64)) << np.uint64(20)
    columns = [
        *(pa.array(refs), pa.array([f"id{i}" for i in range(n)]), pa.array(rng.permutation(n).astype(np.uint64) + 1)),
        *(pa.array(rng.integers(0, n, n, np.uint64)) for _ in range(2)),
        *(pa.array(rng.integers(0, 3, n, np.uint64)), pa.array(np.ones(n, np.bool_))),
        pa.FixedSizeListArray.from_arrays(pa.array(signatures.astype(np.uint32).reshape(-1)), HASHES),
    ]
    return pa.table(columns, schema=sketch_schema(HASHES))


def pairs_of(table: pa.Table, seed: int, n: int) -> pa.Table:
    """Random pairs, better row first, with repetitions and one row that is in very many."""
    rng = np.random.default_rng(seed)
    ranks, refs = table.column("rank").to_numpy(), table.column("ref").to_numpy()
    a, b = rng.integers(0, len(ranks), (2, n))
    a[: n // 4] = ranks.argmin()
    a, b = a[a != b], b[a != b]
    swap = ranks[a] > ranks[b]
    a[swap], b[swap] = b[swap], a[swap]
    return pa.table([refs[a], refs[b]], schema=PAIRS)


def measured_in_two_shuffles(table: pa.Table, pairs: pa.Table, cells: int, rows: int) -> pa.Table:
    config = ShippingConfig(num_hashes=HASHES, cells=cells)
    emits = [(ShipSketches(config), table), (ShipPairs(config), pairs)]
    better = group(emits, SHIPPED_ORDER, AttachBetter(config), rows)
    config = ShippingConfig(num_hashes=HASHES, cells=cells)
    shipped = run(ShipWorse(config), table, rows)
    together = pa.concat_tables([shipped, better]).sort_by([(name, "ascending") for name in SHIPPED_ORDER])
    return run(MeasureShipped(config), together.combine_chunks(), rows)


@pytest.mark.parametrize("cells", [1, 7, 1000])
@pytest.mark.parametrize("rows", [1, 13, 10_000])
def test_pairs_that_meet_in_two_shuffles_are_measured_as_in_one_task(cells: int, rows: int) -> None:
    table = sketches(1, 60)
    pairs = pairs_of(table, 2, 600)
    known = Rows.of(table)
    unique = pairs.group_by(["ref_a", "ref_b"]).aggregate([])
    a, b = (np.searchsorted(known.refs, unique.column(name).to_numpy()) for name in PAIRS.names)
    expected = pa.Table.from_batches([measure(known, known, a, b, 0.8)])
    assert expected.num_rows > 20
    order = [("ref_a", "ascending"), ("ref_b", "ascending")]
    assert measured_in_two_shuffles(table, pairs, cells, rows).sort_by(order) == expected.sort_by(order)


def test_the_sketch_of_a_row_in_very_many_pairs_crosses_once_for_each_cell() -> None:
    table = sketches(3, 2000)
    refs = table.sort_by("rank").column("ref").to_numpy()
    pairs = pa.table([np.full(1999, refs[0]), refs[1:]], schema=PAIRS)
    config = ShippingConfig(num_hashes=HASHES, cells=5)
    emits = [(ShipSketches(config), table), (ShipPairs(config), pairs)]
    better = group(emits, SHIPPED_ORDER, AttachBetter(config), rows=100)
    is_sketch = better.column("first").to_numpy() == 0
    assert int(is_sketch.sum()) == 5
    assert int((~is_sketch).sum()) == 1999
    assert better.filter(pa.array(~is_sketch)).nbytes < 40 * 1999


def test_a_pair_whose_sketch_is_missing_is_an_error() -> None:
    table = sketches(4, 20)
    pairs = pa.table([table.column("ref").to_numpy()[:1], np.array([7], np.uint64)], schema=PAIRS)
    with pytest.raises(DataError, match="without its sketch"):
        measured_in_two_shuffles(table, pairs, 1, 100)
    swapped = pairs.select(["ref_b", "ref_a"]).rename_columns(PAIRS.names).cast(PAIRS)
    with pytest.raises(DataError, match="without its sketch"):
        measured_in_two_shuffles(table, swapped, 1, 100)


# Components and decisions.


def graph(links: list[tuple[int, int]]) -> pa.Table:
    """Edges of the better (smaller) row to the worse one; ranks are the refs reversed in groups, so the two differ."""
    rows = [(min(pair, key=rank_of), max(pair, key=rank_of)) for pair in sorted(set(links)) if pair[0] != pair[1]]
    a, b = np.array(rows, np.uint64).reshape(-1, 2).T
    ranks = [[rank_of(int(ref))[0] for ref in side] for side in (a, b)]
    ids = [pa.array([f"id{ref}" for ref in side], pa.string()) for side in (a, b)]
    columns = [a, b, *(np.array(rank, np.uint64) for rank in ranks), *ids]
    return pa.table([*columns, np.full(len(a), 0.9, np.float32), np.zeros(len(a), np.bool_)], schema=EDGES)


def rank_of(ref: int) -> tuple[int, int]:
    return 1 + ref * 7919 % 31, ref


def slow_components(links: list[tuple[int, int]]) -> dict[int, int]:
    parent = {row: row for pair in links for row in pair}

    def root(row: int) -> int:
        while parent[row] != row:
            row = parent[row]
        return row

    for a, b in links:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return {row: root(row) for row in parent}


def slow_decision(edges: pa.Table) -> dict[int, int]:
    better: dict[int, list[int]] = {}
    for row in edges.to_pylist():
        better.setdefault(row["ref_b"], []).append(row["ref_a"])
    kept: dict[int, int] = {}
    for row in sorted(better, key=rank_of):
        similar = [other for other in better[row] if other not in kept]
        if similar:
            kept[row] = min(similar, key=rank_of)
    return kept


def connect(edges: pa.Table, rows: int = 50) -> tuple[pa.Table, int]:
    """Rounds until one changes nothing, as `mathmill.jobs.deduplicate` does them."""
    links, rounds = edges, 0
    while True:
        rounds += 1
        large = group([(BothWays(NONE), links)], NEIGHBOURS_ORDER, LargeStar(NONE), rows)
        small = group([(Down(NONE), large)], NEIGHBOURS_ORDER, SmallStar(NONE), rows)
        if small == links:
            return small, rounds
        links = small


def decide_by_component(edges: pa.Table, rows: int = 50) -> tuple[dict[int, int], int]:
    links, rounds = connect(edges, rows)
    emits = [(SendLinks(NONE), links), (SendEdges(NONE), edges)]
    labelled = group(emits, ADDRESSED_ORDER, LabelEdges(NONE), rows)
    order = [(name, "ascending") for name in COMPONENTS_ORDER]
    found = run(DecideSorted(DedupConfig()), labelled.sort_by(order).combine_chunks(), rows)
    assert found.schema == DUPLICATES
    kept = {row["ref"]: int(row["kept_id"][2:]) for row in found.to_pylist()}
    assert len(kept) == found.num_rows
    assert [row["id"] for row in found.to_pylist()] == [f"id{ref}" for ref in found.column("ref").to_pylist()]
    return kept, rounds


def stars(links: pa.Table) -> dict[int, int]:
    return dict(zip(*(links.column(name).to_pylist() for name in LINKS.names), strict=True))


GRAPHS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=90)


@given(GRAPHS, st.sampled_from([1, 7, 1000]))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_components_and_what_is_decided_in_them_equal_the_slow_reference(
    links: list[tuple[int, int]], rows: int
) -> None:
    links = [pair for pair in links if pair[0] != pair[1]]
    edges = graph(links)
    kept, _ = decide_by_component(edges, rows)
    assert kept == slow_decision(edges)
    found = stars(connect(edges, rows)[0])
    assert found == {row: root for row, root in slow_components(links).items() if row != root}


def shapes() -> Iterator[tuple[str, list[tuple[int, int]], int]]:
    rng = np.random.default_rng(7)
    names = rng.permutation(4096).tolist()
    yield "a chain of 4,096 in order", [(i, i + 1) for i in range(4095)], 14
    yield "a chain of 4,096 in random order", [(names[i], names[i + 1]) for i in range(4095)], 14
    yield "a hub with 4,095 neighbours", [(4095, i) for i in range(4095)], 3
    giant = rng.integers(0, 3000, (4000, 2)).tolist()
    yield "a giant component among small ones", [*map(tuple, giant), *((i, i + 1) for i in range(4000, 6000, 3))], 14


@pytest.mark.parametrize(("name", "links", "limit"), [pytest.param(*shape, id=shape[0]) for shape in shapes()])
def test_rounds_grow_with_the_logarithm(
    name: str, links: list[tuple[int, int]], limit: int, capsys: pytest.CaptureFixture[str]
) -> None:
    edges = graph(links)
    kept, rounds = decide_by_component(edges, rows=100_000)
    with capsys.disabled():
        print(f"\n{name}: {rounds} rounds")
    assert kept == slow_decision(edges)
    assert rounds <= limit


def test_a_decision_depends_neither_on_batches_nor_on_how_components_are_told_apart() -> None:
    rng = np.random.default_rng(11)
    edges = graph(list(map(tuple, rng.integers(0, 20_000, (30_000, 2)).tolist())))
    expected = slow_decision(edges)
    order = np.lexsort([edges.column(name).to_numpy() for name in ("ref_a", "rank_a", "ref_b", "rank_b")])
    ref_a, ref_b = (edges.column(name).to_numpy()[order] for name in ("ref_a", "ref_b"))
    for rows in (1000, 100_000):
        decision, kept = StarDecision(), {}
        for start in range(0, len(order), rows):
            part = slice(start, start + rows)
            chosen = decision.decide(np.zeros(len(ref_a[part]), np.uint64), ref_a[part], ref_b[part])
            kept |= dict(zip(ref_b[part][chosen].tolist(), ref_a[part][chosen].tolist(), strict=True))
        assert kept == expected
    assert decide_by_component(edges, rows=5000)[0] == expected


def test_duplicates_are_dealt_out_to_the_tasks_of_their_rows() -> None:
    refs = np.array([(task << 32) + row for row in range(3) for task in (5, 0, 9)], np.uint64)
    ids = [f"id{ref}" for ref in refs.tolist()]
    found = pa.table([ids, ids, np.ones(9, np.float32), np.ones(9, np.bool_), refs], schema=DUPLICATES)
    sent = run(SendHome(NONE), found, 4)
    here = sent.filter(pa.compute.equal(sent.column("key"), pa.scalar(int(home_key(9)[0]), pa.uint64())))
    assert [ref >> 32 for ref in here.column("ref").to_pylist()] == [9, 9, 9]
    assert group([(SendHome(NONE), found)], HOMED_ORDER, ArriveHome(NONE)).sort_by("ref") == found.sort_by("ref")


def test_stages_refuse_other_inputs() -> None:
    classes = (BothWays, Down, LargeStar, SmallStar, SendLinks, SendEdges, LabelEdges, SendHome, ArriveHome)
    shipping = (ShipPairs, ShipSketches, ShipWorse, AttachBetter, MeasureShipped)
    stages = [*(cls(NONE) for cls in classes), *(cls(ShippingConfig()) for cls in shipping)]
    for stage in stages:
        with pytest.raises(ConfigError, match=stage.name):
            stage.output_schemas(COMPONENTS if isinstance(stage, LabelEdges) else pa.schema([("id", pa.string())]))
