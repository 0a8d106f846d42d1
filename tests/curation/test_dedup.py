import json
import random
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mathmill.core.errors import ConfigError, DataError
from mathmill.core.mathtokens import hash_tokens
from mathmill.core.schemas import DOCUMENT, PROBLEM, record_id
from mathmill.core.stage import DROPPED_PORT, OUT, StageContext
from mathmill.curation.clusters import MAX_BUCKET, TAIL_BUCKET, PairFinder
from mathmill.curation.dedup import (
    BANDS,
    DUPLICATES,
    EDGES,
    PAIRS,
    SKETCHES,
    CandidatePairs,
    Decide,
    DedupConfig,
    DropDuplicates,
    MeasurePairs,
    Sketch,
    find_duplicates,
    sketch_schema,
)
from mathmill.curation.extract import extract_html

CONFIG = DedupConfig()
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
APPLES = (
    "Tom has {} apples. He buys twice as many as he has, gives a third of all of them to his sister Anna, who already "
    "has some pears and plums, and then eats one on the way home from school. How many apples does he have in the "
    "evening, when his father comes home from work and asks him about the day?"
)


def clusters(*texts: str) -> list[int]:
    return find_duplicates(texts).tolist()


def test_spacing_case_and_delimiters_make_no_difference() -> None:
    assert clusters("Solve $x^2-5x+6=0$.", "solve   \\(x^{2} - 5x + 6 = 0\\)", "Solve x² − 5x + 6 = 0") == [0, 0, 0]


def test_renumbered_problems_stay_apart() -> None:
    assert clusters(APPLES.format(3), APPLES.format(5), APPLES.format(3) + " ") == [0, 1, 0]


def test_relation_signs_keep_formulas_apart() -> None:
    words = " holds for every sequence that is considered in the first chapter of this book on real analysis" * 3
    assert clusters("a_1<a_2" + words, "a_1>a_2" + words, "a_1 < a_2" + words) == [0, 1, 0]


def test_a_changed_word_in_a_long_text_is_a_duplicate() -> None:
    assert clusters(APPLES.format(3), APPLES.format(3).replace("plums", "grapes")) == [0, 0]


def test_short_texts_are_duplicates_only_if_equal() -> None:
    assert clusters("1+1=?", "1 + 1 = ?", "1+2=?", "Find x.", "find x", "Find y.") == [0, 0, 1, 2, 2, 3]


def test_texts_without_tokens_are_one_cluster_and_no_texts_are_none() -> None:
    assert clusters("", "x", " \n") == [0, 1, 0]
    assert find_duplicates([]).tolist() == []


def test_a_lone_surrogate_does_no_harm() -> None:
    assert clusters("x = 2 \ud800", "y") == [0, 1]


def chain(length: int, step: int, n: int = 200) -> list[str]:
    """Texts of which each shares most of its words with the next, and little with those farther away."""
    words = [f"w{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(n + length * step)]
    return [" ".join(words[i * step : i * step + n]) for i in range(length)]


def test_a_chain_of_similar_texts_is_not_merged_from_end_to_end() -> None:
    texts = chain(length=12, step=8)
    found = find_duplicates(texts)
    assert found[0] == found[1]
    assert found[0] != found[-1]
    for i, j in combinations(range(12), 2):
        if found[i] == found[j]:
            assert abs(i - j) <= 4  # two spokes of a star, each at most two steps from its centre


# The pieces.


def reference_pairs(rows: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Rows are (key, rank), numbered as they come; rank 0 is of an index."""
    pairs = set()
    for key in {key for key, _ in rows}:
        seen = [row for row, other in enumerate(rows) if other == (key, 0)]
        new = [row for row, other in enumerate(rows) if other[0] == key and other[1]]
        for place, row in enumerate(new):
            limit = MAX_BUCKET if place < MAX_BUCKET else TAIL_BUCKET
            pairs |= {(other, row) for other in (*seen[:limit], *new[: min(place, limit)])}
    return pairs


def found_pairs(rows: list[tuple[int, int]], bounds: list[int]) -> list[tuple[int, int]]:
    finder = PairFinder()
    table = np.array(rows, np.uint64).reshape(-1, 2)
    found: list[tuple[int, int]] = []
    for start, stop in pairwise(bounds):
        columns = (table[start:stop, 0], table[start:stop, 1], np.arange(start, stop, dtype=np.uint64))
        for better, worse in finder.pairs(*columns):
            found += zip(better.tolist(), worse.tolist(), strict=True)
    return found


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=250), st.lists(st.integers(1, 60), max_size=5)
)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_pairs_do_not_depend_on_batch_boundaries(rows: list[tuple[int, int]], cuts: list[int]) -> None:
    rows.sort()
    found = found_pairs(rows, [0, *np.minimum(np.cumsum(cuts), len(rows)).tolist(), len(rows)])
    assert len(found) == len(set(found))
    assert set(found) == reference_pairs(rows)


def test_a_hot_bucket_of_a_million_rows_streams_and_gives_few_pairs_for_each() -> None:
    keys, ranks = np.full(1_000_000, 9, np.uint64), np.ones(1_000_000, np.uint64)
    counts = [len(better) for better, _ in PairFinder().pairs(keys, ranks, np.arange(1_000_000, dtype=np.uint64))]
    assert sum(counts) == MAX_BUCKET * (MAX_BUCKET - 1) // 2 + TAIL_BUCKET * (1_000_000 - MAX_BUCKET)
    assert max(counts) < 200_000


def test_rows_of_an_index_make_no_pairs_among_themselves_and_take_no_room_from_new_ones() -> None:
    assert found_pairs([(9, 0)] * 50_000, [0, 50_000]) == []
    found = found_pairs([(9, 0)] * 100 + [(9, 5), (9, 5)], [0, 102])
    assert sorted(found) == sorted([(i, j) for i in range(32) for j in (100, 101)] + [(100, 101)])


def test_pairs_that_many_bands_give_are_left_out_when_they_come_again() -> None:
    finder = PairFinder()
    for key in range(20):
        (pairs,) = finder.pairs(np.full(3, key, np.uint64), np.ones(3, np.uint64), np.arange(3, dtype=np.uint64))
        assert len(pairs[0]) == (0 if key else 3)


def sketches(signatures: np.ndarray, ranks: list[int] | None = None) -> pa.Table:
    n = len(signatures)
    numbers = pa.array(range(n), pa.uint64())
    columns = [
        *(numbers, pa.array([f"id{i:03}" for i in range(n)]), pa.array(ranks or range(n), pa.uint64())),
        *(numbers, numbers, pa.array([0] * n, pa.uint64()), pa.array([True] * n)),
        pa.array(signatures.astype(np.uint32).tolist(), pa.list_(pa.uint32(), signatures.shape[1])),
    ]
    return pa.table(columns, schema=sketch_schema(signatures.shape[1]))


def reference_solution(pairs: list[tuple[int, int]], signatures: np.ndarray, threshold: float) -> dict[int, int]:
    """The better a row, the smaller its number; dropped rows with the best kept row that they duplicate."""
    kept: dict[int, int] = {}
    for row in range(len(signatures)):
        candidates = {min(pair) for pair in pairs if max(pair) == row and min(pair) != row}
        similar = [c for c in candidates if kept[c] == c and (signatures[c] == signatures[row]).mean() >= threshold]
        kept[row] = min(similar, default=row)
    return {row: centre for row, centre in kept.items() if row != centre}


def solve(pairs: list[tuple[int, int]], table: pa.Table, folder: Path, threshold: float, rows: int = 50) -> pa.Table:
    """Measure and decide, as one task of a small corpus does."""
    config = DedupConfig(threshold=threshold, num_hashes=table.schema.field("signature").type.list_size)
    path = write_arrow(table, folder / "sketches.arrow")
    columns = [pa.array(side, pa.uint64()) for side in zip(*pairs, strict=True)]
    named = pa.table(columns, schema=PAIRS).to_batches(rows)
    edges = run_stage(MeasurePairs(config), named, folder, sketches=[path]).get(OUT, EDGES.empty_table())
    return run_stage(Decide(config), edges.to_batches(rows), folder).get(OUT, DUPLICATES.empty_table())


@given(st.integers(0, 10_000))
@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_dropped_equals_the_slow_reference(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    signatures = rng.integers(0, 3, (30, 16))
    pairs = [tuple(sorted(pair)) for pair in rng.integers(0, 30, (120, 2)).tolist() if pair[0] != pair[1]]
    found = solve(pairs, sketches(signatures), tmp_path, 0.4)
    solution = {int(row["id"][2:]): int(row["kept_id"][2:]) for row in found.to_pylist()}
    assert solution == reference_solution(pairs, signatures, 0.4)
    assert len(solution) > 3


def test_the_better_rank_is_kept_whatever_the_refs(tmp_path: Path) -> None:
    found = solve([(2, 0), (2, 1)], sketches(np.ones((3, 16)), ranks=[5, 4, 3]), tmp_path, 0.8)
    assert found.select(["id", "kept_id", "exact"]).to_pylist() == [
        {"id": "id000", "kept_id": "id002", "exact": False},
        {"id": "id001", "kept_id": "id002", "exact": False},
    ]


def test_a_row_that_duplicates_only_a_dropped_one_stays(tmp_path: Path) -> None:
    found = solve([(0, 1), (1, 2), (2, 3)], sketches(np.ones((4, 16))), tmp_path, 0.8)
    kept = dict(zip(found.column("id").to_pylist(), found.column("kept_id").to_pylist(), strict=True))
    assert kept == {"id001": "id000", "id003": "id002"}


def test_a_pair_without_a_sketch_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sketch"):
        solve([(0, 1), (0, 7)], sketches(np.ones((3, 16))), tmp_path, 0.8)


# The stages.


def rows_of(schema: pa.Schema, rows: list[dict[str, object]]) -> pa.Table:
    """A table of records in which only what a test is about is given."""
    filled = []
    for number, row in enumerate(rows):
        record = {field.name: [] if pa.types.is_list(field.type) else None for field in schema if field.name not in row}
        record |= {name: "x" for name in ("doc_id", "source", "method") if name in record}
        record |= {schema.names[0]: record_id("test", number), "locator": {"file": "f", "record": number, "offset": 0}}
        record |= {name: 0 for name in ("n_steps", "loss_weight") if name in record}
        filled.append(record | row)
    return pa.Table.from_pylist([{name: record[name] for name in schema.names} for record in filled], schema=schema)


def documents(texts: list[str], formulas: list[int] | None = None) -> pa.Table:
    formula = {"start": 0, "end": 1, "display": False, "encoding": "tex"}
    counts = formulas or [0] * len(texts)
    pairs = zip(texts, counts, strict=True)
    return rows_of(DOCUMENT, [{"text": text, "formulas": [formula] * count} for text, count in pairs])


def problems(rows: list[tuple[str, str | None]]) -> pa.Table:
    return rows_of(PROBLEM, [{"question": question, "solution": solution} for question, solution in rows])


def run_stage(stage, batches, folder: Path, task: int = 0, **side: list[Path]) -> dict[str, pa.Table]:  # type: ignore[no-untyped-def]
    stage.open(StageContext(scratch=folder, task_index=task, side_inputs=side))
    outputs: dict[str, list[pa.RecordBatch]] = {}
    for port, batch in stage.process(iter(batches)):
        outputs.setdefault(port, []).append(batch)
    stage.close()
    return {port: pa.Table.from_batches(found) for port, found in outputs.items()}


def write_arrow(table: pa.Table, path: Path) -> Path:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, 7)
    return path


def deduplicate(table: pa.Table, folder: Path, tasks: int = 1, rows: int = 1000) -> dict[str, pa.Table]:
    """Run all four stages as an engine would, over `tasks` tasks and batches of `rows` rows."""
    size = -(-table.num_rows // tasks)
    bands, files = [], []
    for task in range(tasks):
        out = run_stage(Sketch(CONFIG), table.slice(task * size, size).to_batches(rows), folder, task)
        assert out[OUT].schema == BANDS
        bands.append(out[OUT])
        if task % 2:
            files.append(folder / f"sketches-{task}.parquet")
            pq.write_table(out[SKETCHES], files[-1], row_group_size=3)
        else:
            files.append(write_arrow(out[SKETCHES], folder / f"sketches-{task}.arrow"))
    grouped = pa.concat_tables(bands).sort_by([(name, "ascending") for name in BANDS.names])
    pairs = run_stage(CandidatePairs(CONFIG), grouped.to_batches(rows), folder).get(OUT, PAIRS.empty_table())
    measured = run_stage(MeasurePairs(CONFIG), pairs.to_batches(rows), folder, sketches=files)
    edges = measured.get(OUT, EDGES.empty_table())
    duplicates = run_stage(Decide(CONFIG), edges.to_batches(rows), folder).get(OUT, DUPLICATES.empty_table())
    pq.write_table(duplicates, folder / "duplicates.parquet")
    dropping = DropDuplicates(CONFIG)
    outputs = run_stage(dropping, table.to_batches(rows), folder, duplicates=[folder / "duplicates.parquet"])
    return {"duplicates": duplicates, **outputs}


def test_dropped_rows_say_why_how_alike_and_what_was_kept(tmp_path: Path) -> None:
    text = APPLES.format(3)
    table = documents([text, text.upper(), text.replace("plums", "figs"), "Something else."], formulas=[0, 1, 0, 0])
    outputs = deduplicate(table, tmp_path)
    ids = table.column("doc_id").to_pylist()
    dropped = {row["id"]: row for row in outputs[DROPPED_PORT].to_pylist()}
    assert outputs[OUT].column("doc_id").to_pylist() == [ids[1], ids[3]]  # more formulas are better
    assert dropped[ids[0]]["reason"] == "duplicate_exact"
    assert dropped[ids[0]]["score"] == 1.0
    assert dropped[ids[2]]["reason"] == "duplicate_near"
    assert 0.8 <= dropped[ids[2]]["score"] < 1.0
    assert {row["detail"] for row in dropped.values()} == {ids[1]}
    assert {row["stage"] for row in dropped.values()} == {"dedup"}


def test_results_depend_neither_on_tasks_nor_on_batches(tmp_path: Path) -> None:
    rng = random.Random(3)
    texts = [" ".join(rng.choices(["sum", "of", "the", "roots", "x", "+", "1"], k=40)) for _ in range(20)]
    texts += [texts[i] + " so" for i in rng.choices(range(20), k=20)]
    table = documents(texts)
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    one, other = (
        deduplicate(table, folder, tasks, rows)["duplicates"].drop_columns("ref").sort_by("id")
        for folder, tasks, rows in ((first, 1, 1000), (second, 4, 3))
    )
    assert one.num_rows > 10
    assert one == other


def test_a_problem_with_a_solution_is_kept_before_one_without(tmp_path: Path) -> None:
    table = problems([("What is 17 + 25?", None), ("What is 17 + 25?", ""), ("What is $17+25$?", " ")])
    outputs = deduplicate(table, tmp_path)
    assert outputs[OUT].column("question").to_pylist() == ["What is $17+25$?"]


def test_problems_with_other_numbers_stay_however_long(tmp_path: Path) -> None:
    story = " ".join(f"Then he walks past house {n} of the long street." for n in range(200))
    table = problems([(APPLES.format(3) + story, None), (APPLES.format(5) + story, None)])
    assert deduplicate(table, tmp_path)[OUT].num_rows == 2
    assert clusters(APPLES.format(3) + story, APPLES.format(5) + story) == [0, 0]  # a page with another counter


def test_nothing_to_drop_leaves_everything(tmp_path: Path) -> None:
    outputs = deduplicate(documents(["One thing.", "Another thing."]), tmp_path)
    assert outputs[OUT].num_rows == 2
    assert DROPPED_PORT not in outputs


def test_rows_are_numbered_through_batches_of_a_task(tmp_path: Path) -> None:
    out = run_stage(Sketch(CONFIG), documents(["a b", "c d", "e f"]).to_batches(2), tmp_path, task=5)
    assert out[SKETCHES].column("ref").to_pylist() == [(5 << 32) + i for i in range(3)]
    assert out[SKETCHES].schema == sketch_schema(128)


def test_stages_refuse_other_inputs() -> None:
    for stage in (Sketch(CONFIG), CandidatePairs(CONFIG), MeasurePairs(CONFIG), Decide(CONFIG)):
        with pytest.raises(ConfigError):
            stage.output_schemas(pa.schema([("id", pa.string())]))


# Quality.


def shingles(text: str) -> set[tuple[int, ...]]:
    tokens = hash_tokens(pa.array([text]))[0].tolist()
    return {tuple(tokens[i : i + 5]) for i in range(len(tokens) - 4)}


def jaccard(a: str, b: str) -> float:
    left, right = shingles(a), shingles(b)
    return len(left & right) / max(len(left | right), 1)


def planted(seed: int) -> Iterator[tuple[str, str]]:
    """Pairs of made-up texts of 300 to 900 words, the second with 1 to 5 % of its words changed."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(2000)]
    for _ in range(300):
        words = rng.choices(vocabulary, k=rng.randint(300, 900))
        changed = list(words)
        for place in rng.sample(range(len(words)), int(len(words) * rng.uniform(0.01, 0.05))):
            changed[place] = rng.choice(vocabulary)
        yield " ".join(words), " ".join(changed)


def test_planted_duplicates_are_found_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = list(planted(11))
    similarities = np.array([jaccard(a, b) for a, b in pairs])
    found = find_duplicates([text for pair in pairs for text in pair])
    together = found[::2] == found[1::2]
    bounds = [(0.9, 1.0), (0.85, 0.9), (0.8, 0.85), (0.75, 0.8), (0.7, 0.75), (0.0, 0.7)]
    shares = [together[(similarities >= low) & (similarities < high)].mean() for low, high in bounds]
    with capsys.disabled():
        print("\nplanted pairs found, by Jaccard similarity:")
        print(
            *(f"{low:.2f}-{high:.2f}: {share:.3f}" for (low, high), share in zip(bounds, shares, strict=True)), sep=", "
        )
    assert shares[0] == 1.0
    assert shares[1] >= 0.9  # standard error of the estimate: 0.03
    assert shares[-1] <= 0.02
    assert len(set(found.tolist())) >= len(pairs)  # no two of different origin are together


def web_pages(name: str) -> tuple[list[str], list[dict[str, object]]]:
    archive = pytest.importorskip("fastwarc.warc")
    path = SHARED / "web" / f"{name}.warc.gz"
    if not path.exists():
        pytest.skip("the shared crawl is not here")
    labels = {row["record_id"]: row for row in map(json.loads, path.with_name(f"{name}.labels.jsonl").open())}
    texts, rows = [], []
    with path.open("rb") as file:
        for record in archive.ArchiveIterator(file, record_types=archive.WarcRecordType.response):
            texts.append(extract_html(record.reader.read()).text)
            rows.append(labels[record.headers["WARC-Record-ID"]])
    return texts, rows


@pytest.mark.full
def test_pages_of_five_site_builds_fall_into_their_labelled_clusters(capsys: pytest.CaptureFixture[str]) -> None:
    texts, labels = web_pages("neardup_pages")
    found = find_duplicates(texts)
    similar = wrong = together = missed = 0
    for i, j in combinations(range(len(texts)), 2):
        same = labels[i]["dup_cluster"] == labels[j]["dup_cluster"]
        together += found[i] == found[j]
        wrong += found[i] == found[j] and not same
        if same and jaccard(texts[i], texts[j]) >= 0.85:
            similar += 1
            missed += found[i] != found[j]
    with capsys.disabled():
        print(f"\nneardup_pages: precision {1 - wrong / together:.3f}, recall {1 - missed / similar:.3f} of {similar}")
    assert wrong == 0
    assert missed <= 0.03 * similar  # pages at 0.86 whose signatures agree at 0.78


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Solve $$x^2\n- 4 = 0$$ for real numbers x", "Solve $$x^2\n+ 4 = 0$$ for real numbers x"),
        (
            "Solve the inequality $x \\in [0,1]$ for f",
            "Solve the inequality $x \\in (0,1)$ for f",
        ),
        ("The domain of f is $(-\\infty, 2]$ as we know", "The domain of f is $(-\\infty, 2)$ as we know"),
        ("Find the sum of all the roots of $x^2 - 5x + 6$.", "Find the product of all the roots of $x^2 - 5x + 6$."),
        (
            "Compute $\\sin 30^\\circ$ exactly, in a fraction.",
            "Compute $\\cos 30^\\circ$ exactly, in a fraction.",
        ),
        ("已知等差数列的前十项和为 55, 求首项与公差的积", "已知等差数列的前十项和为 55, 求首项与公差的商"),
    ],
)
def test_signs_intervals_functions_and_deciding_words_keep_problems_apart(one: str, other: str) -> None:
    assert find_duplicates([one, other, one]).tolist() == [0, 1, 0]


def test_a_formula_on_two_lines_and_blanks_that_do_not_break_are_the_same_text() -> None:
    texts = ["Solve $$x^2\n- 4 = 0$$ now", "Solve $$x^2 - 4 = 0$$ now", "Solve $$x^2\u00a0-\u00a04 = 0$$\u00a0now"]
    assert find_duplicates(texts).tolist() == [0, 0, 0]
