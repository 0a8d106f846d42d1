"""Deduplication as the main job runs it: every way gives the same duplicates, and later snapshots know earlier ones."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mathmill.core.errors import ConfigError
from mathmill.jobs import deduplicate
from mathmill.jobs.check import verify_run
from mathmill.jobs.engine import Unwatched
from mathmill.jobs.plan import Segment
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.run import Finished, run_recipe
from mathmill.jobs.trace import trace_record

SNAPSHOTS = ("a", "b", "c")
RECIPE = """\
name: snapshots
sources:
  - {{name: pages-{name}, path: {name}.jsonl, kind: documents, lang: en}}
  - {{name: asked-{name}, path: {name}-asked.jsonl, kind: problems}}
stages: [dedup: {{{pages}}}]
problems: [extract_problems, dedup: {{{problems}}}]
task_bytes: 65536
"""


class Counting(Unwatched):
    """Counts the tasks that a run really runs, by segment."""

    def __init__(self) -> None:
        self.todo: dict[str, int] = {}

    def begin(self, segment: Segment, todo: int) -> None:
        self.todo[segment.name] = todo


def texts(seed: int) -> dict[str, list[str]]:
    """Three snapshots: families of texts with up to 3 % of their words changed, spread over all of them.

    Every text ends with the same three letters, of which the earlier snapshots set more as formulas: so their rows are
    better also where all three are deduplicated together.
    """
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(900)]
    found: dict[str, list[str]] = {name: [] for name in SNAPSHOTS}
    for _ in range(60):
        base = rng.choices(words, k=rng.randint(60, 300))
        for _ in range(rng.randint(1, 9)):
            text = list(base)
            for place in rng.sample(range(len(text)), int(len(text) * rng.uniform(0, 0.03))):
                text[place] = rng.choice(words)
            name = rng.choice(SNAPSHOTS)
            end = {"a": "$q$ $q$ $q$", "b": "$q$ $q$ q", "c": "$q$ q q"}[name]
            found[name].append(" ".join([*text[: len(text) - rng.randint(0, 2)], end]))
    return found


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshots")
    for place, (name, found) in enumerate(texts(3).items()):
        numbers = range(20 * place, 20 * place + 60)
        questions = [f"Compute ${i % 47} + {i * 7 % 31}$ and explain it." for i in numbers]
        solution = "Add" + " " * (4 - place) + "it."  # longer is better
        for path, rows in (
            (f"{name}.jsonl", [{"text": text} for text in found]),
            (f"{name}-asked.jsonl", [{"question": text, "solution": solution} for text in questions]),
        ):
            (folder / path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def run(work: Path, name: str, out: str, settings: str = "", progress: Counting | None = None) -> Finished:
    text = RECIPE.format(name=name, pages=settings, problems=settings)
    return run_recipe(parse_recipe(text.encode(), work / "recipe.yaml"), work / out, workers=1, progress=progress)


def dropped(out: Path, reason: str = "duplicate_") -> dict[str, dict[str, Any]]:
    rows = [row for path in sorted((out / "dropped").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    return {row["id"]: row for row in rows if row["reason"].startswith(reason)}


def kept(out: Path, folder: str) -> list[str]:
    """The ids of records, or of the rows of an index."""
    column = -1 if folder.startswith("dedup-index") else 0
    tables = [pq.read_table(path) for path in sorted((out / folder).glob("*.parquet"))]
    return [id_ for table in tables for id_ in table.column(column).to_pylist()]


@pytest.fixture(scope="module")
def first(work: Path) -> Path:
    run(work, "a", "first")
    return work / "first"


@pytest.fixture(scope="module")
def second(work: Path, first: Path) -> Path:
    run(work, "b", "second", "index: [first]")
    return work / "second"


def test_every_way_drops_the_same(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "all.jsonl").write_text("".join((work / f"{name}.jsonl").read_text() for name in SNAPSHOTS))
    (work / "all-asked.jsonl").write_text("".join((work / f"{name}-asked.jsonl").read_text() for name in SNAPSHOTS))
    run(work, "all", "in-one-task")
    run(work, "all", "measured-in-groups", "rows_in_memory: 0")
    monkeypatch.setattr(deduplicate, "_PARTITION_BYTES", 80_000)
    monkeypatch.setattr(deduplicate, "_DUPLICATES_AT_ONCE", 10)
    progress = Counting()
    run(work, "all", "by-components", "edges_in_memory: 0", progress)
    assert progress.todo["pages-edges"] > 3
    assert any(name.startswith("pages-round02") for name in progress.todo)
    expected = dropped(work / "in-one-task")
    assert len(expected) > 100
    assert {row["reason"] for row in expected.values()} == {"duplicate_exact", "duplicate_near"}
    for out in ("measured-in-groups", "by-components"):
        assert dropped(work / out) == expected
        assert verify_run(work / out).ok
        for folder in ("dedup-index/pages", "dedup-index/problems"):
            assert sorted(kept(work / out, folder)) == sorted(kept(work / "in-one-task", folder))
    progress = Counting()
    run(work, "all", "by-components", "edges_in_memory: 0", progress)
    assert set(progress.todo.values()) == {0}


def test_the_index_holds_what_the_run_keeps(first: Path) -> None:
    for index, folder in (("pages", "documents"), ("problems", "problems")):
        assert kept(first, f"dedup-index/{index}") == kept(first, folder)


def together(work: Path, names: str) -> set[str]:
    """What is dropped where some snapshots are deduplicated as one."""
    sources = "\n".join(
        line for name in names for line in RECIPE.format(name=name, pages="", problems="").splitlines()[2:4]
    )
    text = f"sources:\n{sources}\nstages: [dedup]\nproblems: [extract_problems, dedup]\ntask_bytes: 65536\n"
    run_recipe(parse_recipe(text.encode(), work / "recipe.yaml"), work / f"together-{names}", workers=1)
    return set(dropped(work / f"together-{names}"))


def test_a_chain_of_snapshots_loses_what_all_of_them_together_lose(work: Path, first: Path, second: Path) -> None:
    run(work, "c", "third", "index: [first, second]")
    for names, out in (("ab", second), ("abc", work / "third")):
        lost = together(work, names) - together(work, names[:-1])
        assert set(dropped(out)) == lost
        assert sum(row["detail"] not in dropped(out) for row in dropped(out).values()) == len(lost)
        pages = set(kept(out, "work/pages"))
        assert len(lost & pages) > 30
        assert len(lost - pages) > 20


@pytest.mark.parametrize("limit", ["rows_in_memory: 0", "edges_in_memory: 0"])
def test_every_way_knows_the_index(work: Path, first: Path, second: Path, limit: str) -> None:
    out = work / limit.partition(":")[0]
    run(work, "b", out.name, f"index: [first], {limit}")
    assert dropped(out) == dropped(second)
    assert sorted(kept(out, "dedup-index/pages")) == sorted(kept(second, "dedup-index/pages"))


def test_what_was_seen_is_named_and_traced(first: Path, second: Path) -> None:
    old = {*kept(first, "documents"), *kept(first, "problems")}
    lost = dropped(second)
    assert sum(row["detail"] in old for row in lost.values()) > 50
    assert not old & set(kept(second, "dedup-index/pages"))
    row = next(row for row in lost.values() if row["detail"] in old)
    places = trace_record(row["id"], second).places
    assert any(found.get("detail") == row["detail"] for _, found in places)


def test_the_old_run_may_move_and_lose_everything_but_its_index(work: Path, first: Path, second: Path) -> None:
    moved = work / "archive" / "first"
    shutil.copytree(first / "dedup-index", moved / "dedup-index")
    progress = Counting()
    run(work, "b", "second", "index: [archive/first]", progress)
    assert set(progress.todo.values()) == {0}


def test_another_index_repeats_what_depends_on_it(work: Path, first: Path) -> None:
    run(work, "b", "again")
    progress = Counting()
    finished = run(work, "b", "again", "index: [first]", progress)
    assert progress.todo["pages"] == 0
    assert progress.todo["pages-sketch"] > 0
    assert sum(step.reasons.total() for step in finished.summary.of_stage("dedup")) == len(dropped(work / "again"))
    assert verify_run(work / "again").ok
    progress = Counting()
    run(work, "b", "again", "index: [first]", progress)
    assert set(progress.todo.values()) == {0}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("index: [nowhere]", "nowhere has no dedup-index/pages/_files.json"),
        ("index: [first], shingle: 4", "first was made with shingle: 5, this recipe has 4"),
        ("index: [first], num_hashes: 64", "first was made with num_hashes: 128, this recipe has 64"),
        ("index: [incomplete]", "parquet has gone"),
        ("index: [damaged]", "_files.json is damaged"),
        ("index: [itself]", "is the folder of this run"),
    ],
)
def test_a_wrong_index_is_named(work: Path, first: Path, settings: str, message: str) -> None:
    for name in ("incomplete", "damaged", "itself"):
        shutil.copytree(first / "dedup-index", work / name / "dedup-index", dirs_exist_ok=True)
    next((work / "incomplete" / "dedup-index" / "pages").glob("*.parquet")).unlink(missing_ok=True)
    (work / "damaged" / "dedup-index" / "pages" / "_files.json").write_text("{")
    (work / "itself" / "run.json").write_text("{}")
    with pytest.raises(ConfigError, match=message):
        run(work, "b", "itself" if "itself" in settings else "refused", settings)


def test_an_index_without_problems_is_none_of_problems(work: Path, first: Path) -> None:
    shutil.copytree(first / "dedup-index" / "pages", work / "pages-only" / "dedup-index" / "pages")
    with pytest.raises(ConfigError, match="pages-only has no dedup-index/problems"):
        run(work, "b", "refused", "index: [pages-only]")
