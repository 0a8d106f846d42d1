"""Packing against a stable argsort and against TRL's `bfd`: the plan, the tokens moved, and the rows that come out.

Lengths are lognormal with the medians of web pages, of SFT records and of long chains of thought, rows have 4096
tokens. Everything runs on one core; CPU time of the best of several runs counts, caches and compiled code warm. TRL's
plan is its own function over lists of nulls, which carry no bytes, less what Arrow spends in it; its whole is
`pack_dataset` from and to memory, as its trainer calls it. On the other side stand our plan, with the list of what each
row holds; the same with the tokens gathered into rows in memory; and a whole shard on disk, with labels, loss spans,
index and checksums.

    python benchmarks/tokens_pack.py
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mathmill.tokenize import shards
from mathmill.tokenize.cutting import Marks, Pieces, cut, split
from mathmill.tokenize.encoded import EncodedRecords
from mathmill.tokenize.packing import pack
from mathmill.tokenize.shards import Layout, write_shard
from mathmill.tokenize.store import encoded_schema, token_dtype

CAPACITY = 4096
MEDIANS = {"web": 700, "SFT": 420, "long CoT": 2200}
BAR_ARGSORT, BAR_TRL_PLAN, BAR_TRL_MOVED = 1.3, 100, 10
BAR_ROWS = 0.001  # above ceil(tokens / capacity)
N_PLAN, N_MOVED, N_ROWS = 1_000_000, 100_000, 200_000  # records
VOCAB_SIZE = 100_000


def main(_data: Path | None = None) -> bool:
    """Print all figures; whether every bar is met. No data are needed."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    pa.set_cpu_count(1)
    try:
        met = plan_and_argsort()
        trl = import_trl()
        if trl is None:
            print("trl or datasets is not installed: nothing to compare with")
        else:
            met &= plans(trl) & moved(trl)
        return rows(trl) & met
    finally:
        os.sched_setaffinity(0, cores)


def plan_and_argsort() -> bool:
    """A plan of a million lengths beside a stable argsort of the same array."""
    print(f"plan of {N_PLAN:,} lengths, capacity {CAPACITY:,}; ms")
    print("  lengths            argsort    plan  + list of each row  first-fit")
    worst = np.inf
    for name in MEDIANS:
        for dtype in (np.int64, np.int32, np.uint16):
            items = np.minimum(lengths_of(name, N_PLAN), CAPACITY).astype(dtype)
            sort = best(lambda items=items: np.argsort(items, kind="stable"))
            plan = best(lambda items=items: pack(items, CAPACITY))
            listed = best(lambda items=items: pack(items, CAPACITY).by_bin())
            first = best(lambda items=items: pack(items, CAPACITY, "first-fit-decreasing"), 2)
            what = f"{name}, {dtype.__name__}"
            print(f"  {what:<18}{1e3 * sort:8.1f}{1e3 * plan:8.2f}{1e3 * listed:20.2f}{1e3 * first:11.1f}")
            worst = min(worst, sort / plan)
    return verdict("argsort / plan, at worst", worst, BAR_ARGSORT)


def plans(trl: Any) -> bool:
    """The same million lengths planned by TRL, all at once."""
    items = np.minimum(lengths_of("web", N_PLAN), CAPACITY)
    table = lists(items, pa.nulls(int(items.sum())))
    theirs = time_without_arrow(trl, table)  # seconds, so that one run is enough
    ours = best(lambda: pack(items, CAPACITY).by_bin())
    print(f"\nplan of {N_PLAN:,} web lengths: TRL {theirs:.2f} s, ours {1e3 * ours:.1f} ms")
    return verdict("TRL's plan / ours", theirs / ours, BAR_TRL_PLAN)


def moved(trl: Any) -> bool:
    """Plan and tokens: `pack_dataset`, our rows in memory, and a whole shard."""
    import datasets

    datasets.disable_progress_bars()
    items = lengths_of("web", N_MOVED)
    items = np.minimum(items, CAPACITY)  # TRL would drop what is longer
    values = pa.array(np.random.default_rng(0).integers(0, VOCAB_SIZE, items.sum(), np.int32))
    dataset = datasets.Dataset(lists(items, values))
    store = token_store(items, values)
    settings = {"load_from_cache_file": False}
    theirs = best(lambda: trl.pack_dataset(dataset, CAPACITY, "bfd", settings), 3)
    whole = {**settings, "batch_size": None}
    at_once = best(lambda: trl.pack_dataset(dataset, CAPACITY, "bfd", whole), 1)
    gathered = best(lambda: rows_in_memory(store), 5)
    folder = Path(tempfile.mkdtemp())

    def shard() -> None:
        for path in folder.iterdir():
            path.unlink()
        write_shard(folder / "a", store, seq_len=CAPACITY, vocab_size=VOCAB_SIZE, pad_id=0)

    try:
        written = best(shard, 5)
    finally:
        shutil.rmtree(folder)
    print(f"\n{N_MOVED:,} web records, {items.sum() / 1e6:.0f} M tokens of int32, from a mapped table")
    print(f"  TRL, batches of 1000  {theirs:6.2f} s   (all at once {at_once:.2f} s)")
    print(f"  ours, rows in memory  {gathered:6.2f} s")
    print(f"  ours, whole shard     {written:6.2f} s   ({theirs / written:.1f} times TRL's speed)")
    return verdict("TRL / ours, tokens moved in memory", theirs / gathered, BAR_TRL_MOVED)


def rows(trl: Any | None) -> bool:
    """How many rows each way needs, and what it costs."""
    print(f"\n{N_ROWS:,} records, those longer than a row cut; 'above' is the rows over ceil(tokens / {CAPACITY:,})")
    print("  mix       packing                    rows    above  utilisation  records cut  tokens lost")
    worst = 0.0
    for name in MEDIANS:
        items = lengths_of(name, N_ROWS)
        marks = Marks(
            items, np.zeros(N_ROWS + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int8), np.full((N_ROWS, 2), -1)
        )
        whole = cut(marks, CAPACITY)
        for strategy in ("best-fit-decreasing", "first-fit-decreasing", "concatenate-and-split"):
            pieces: Pieces = split(items, CAPACITY) if strategy == "concatenate-and-split" else whole
            count = pack(pieces.length, CAPACITY, strategy).num_bins
            n_cut = int((pieces.n_parts[pieces.part == 0] > 1).sum())
            excess = line(name, strategy, count, int(items.sum()), n_cut, 0)
            if strategy == "best-fit-decreasing" and name != "long CoT":
                worst = max(worst, excess)
        if trl is not None:
            kept = np.minimum(items, CAPACITY)
            batches = [kept[i : i + 1000] for i in range(0, N_ROWS, 1000)]
            count = sum(len(trl._pack_bfd(lists(part, pa.nulls(int(part.sum()))), CAPACITY)) for part in batches)
            line(name, "TRL bfd, batches of 1000", count, int(kept.sum()), 0, int((items - kept).sum()))
    met = "met" if worst <= BAR_ROWS else "MISSED"
    print(f"  best fit, web and SFT: at most {worst:.4%} above (bar: {BAR_ROWS:.1%}): {met}", flush=True)
    return worst <= BAR_ROWS


def line(mix: str, packing: str, count: int, tokens: int, n_cut: int, lost: int) -> float:
    """Print one line; returns how far the rows are above the fewest possible."""
    fewest = -(-tokens // CAPACITY)
    excess = count / fewest - 1
    filled = tokens / (count * CAPACITY)
    print(
        f"  {mix:<10}{packing:<25}{count:>8,}{excess:9.4%}{filled:12.4%}"
        f"{n_cut / N_ROWS:14.2%}{lost / (tokens + lost):13.2%}"
    )
    return excess


def lengths_of(name: str, count: int) -> np.ndarray:
    """Lognormal lengths in tokens: int64 (count,)."""
    rng = np.random.default_rng(1)
    return np.maximum(rng.lognormal(np.log(MEDIANS[name]), 1.0, count), 1).astype(np.int64)


def lists(lengths: np.ndarray, values: pa.Array) -> pa.Table:
    """Values cut into lists of these lengths, as TRL takes them."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.table({"input_ids": pa.ListArray.from_arrays(pa.array(offsets), values)})


def token_store(lengths: np.ndarray, values: pa.Array) -> pa.Table:
    """Values as records of a token store, all of them learned, without marks."""
    n = len(lengths)
    ids = pa.array([f"{number:032x}" for number in range(n)])
    schema = encoded_schema(VOCAB_SIZE)
    spans, cuts = schema.field("loss_spans").type, schema.field("cuts").type
    one_span = [pa.array(np.zeros(n, np.int32)), pa.array(lengths.astype(np.int32)), pa.array(np.ones(n, np.float32))]
    columns = {
        "record_id": ids,
        "doc_id": ids,
        "corpus": pa.array(["documents"] * n),
        "source": pa.array(["web"] * n),
        "tokens": pa.LargeListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)])), values),
        "cuts": pa.ListArray.from_arrays(pa.array(np.zeros(n + 1, np.int32)), pa.array([], cuts.value_type)),
        "loss_spans": pa.ListArray.from_arrays(
            pa.array(np.arange(n + 1, dtype=np.int32)),
            pa.StructArray.from_arrays(one_span, fields=list(spans.value_type)),
        ),
        "weight": pa.array(np.ones(n, np.float32)),
    }
    arrays = [columns.get(field.name, pa.nulls(n, field.type)).cast(field.type) for field in schema]
    return pa.table(arrays, schema=schema)


def rows_in_memory(store: pa.Table) -> np.ndarray:
    """What `write_shard` does up to the file: check, cut, pack, gather."""
    records = EncodedRecords.of(store, VOCAB_SIZE)
    pieces = cut(records.marks, CAPACITY)
    layout = Layout.of(pieces, pack(pieces.length, CAPACITY).by_bin())
    out = np.empty((layout.n_rows, CAPACITY), token_dtype(VOCAB_SIZE))
    shards._pad(out, layout.n_tokens, 0)
    shards._gather(out, records, layout, 0)
    return out


def import_trl() -> Any | None:
    """TRL's module of packing, or None."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import trl.data_utils
    except ImportError:
        return None
    return trl.data_utils


def time_without_arrow(trl: Any, table: pa.Table) -> float:
    """CPU seconds that TRL's `_pack_bfd` spends on its plan."""
    real = trl.pc
    spent = 0.0

    class Timed:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(*arguments: Any, **settings: Any) -> Any:
                nonlocal spent
                started = time.process_time()
                result = getattr(real, name)(*arguments, **settings)
                spent += time.process_time() - started
                return result

            return call

    trl.pc = Timed()
    started = time.process_time()
    try:
        trl._pack_bfd(table, CAPACITY)
        return time.process_time() - started - spent
    finally:
        trl.pc = real


def best(run: Callable[[], object], repeats: int = 9) -> float:
    """CPU seconds of the fastest of several runs after a first one."""
    run()
    times = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


def verdict(what: str, ratio: float, bar: float) -> bool:
    """Print a ratio beside its bar; whether it is met."""
    print(f"  {what}: {ratio:.1f} (bar: {bar}): {'met' if ratio >= bar else 'MISSED'}", flush=True)
    return ratio >= bar


if __name__ == "__main__":
    sys.exit(not main())
