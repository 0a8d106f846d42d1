"""The whole main job on the bundled example crawl, held against what is known of every page of it."""

import json
from collections import Counter, defaultdict
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mathmill.core.mathnorm import normalise_formula
from mathmill.core.schemas import record_id
from mathmill.jobs.run import Finished
from mathmill.jobs.shards import tokenizer_of
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.verify import verify_shards

pytestmark = pytest.mark.xdist_group("demo")


def read(out: Path, folder: str) -> list[dict[str, Any]]:
    return [row for path in sorted((out / folder).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def truth() -> list[dict[str, Any]]:
    text = resources.files("mathmill.jobs").joinpath("demo/truth.jsonl").read_text(encoding="utf-8")
    pages = [json.loads(line) for line in text.splitlines()]
    for page in pages:
        page["doc_id"] = record_id("example-crawl", "crawl.warc.gz", page["record"])
    return pages


@pytest.fixture(scope="module")
def out(demo: Finished) -> Path:
    return Path(demo.run.root)


@pytest.fixture(scope="module")
def ended(out: Path) -> dict[str, tuple[str, ...]]:
    """Where every record ended: ("kept",), ("dropped", stage, reason) or ("quarantined", stage)."""
    places: dict[str, tuple[str, ...]] = {row["doc_id"]: ("kept",) for row in read(out, "documents")}
    for row in read(out, "dropped"):
        places.setdefault(row["id"], ("dropped", row["stage"], row["reason"]))
    for row in read(out, "quarantine"):
        places[row["id"]] = ("quarantined", row["stage"])
    return places


def expected(page: dict[str, Any]) -> tuple[str, ...] | None:
    if page["outcome"] == "skipped":
        return None
    return {
        "kept": ("kept",),
        "dropped": ("dropped", page["stage"], page["reason"]),
        "quarantined": ("quarantined", page["stage"]),
    }[page["outcome"]]


def clusters(truth: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Copies with their originals, by the original's address."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    by_url = {page["url"]: page for page in truth}
    for page in truth:
        if page["dup_of"]:
            found[page["dup_of"]].append(page)
    return {url: [by_url[url], *copies] for url, copies in found.items()}


def test_every_page_ends_where_it_should(truth: list[dict[str, Any]], ended: dict[str, tuple[str, ...]]) -> None:
    copied = {page["doc_id"] for members in clusters(truth).values() for page in members}
    for page in truth:
        if page["doc_id"] not in copied:
            assert ended.get(page["doc_id"]) == expected(page), page["url"]


def test_of_every_cluster_of_copies_one_is_kept(truth: list[dict[str, Any]], ended: dict[str, tuple[str, ...]]) -> None:
    for url, members in clusters(truth).items():
        ends = Counter(ended[page["doc_id"]] for page in members)
        assert ends.pop(("kept",)) == 1, url
        assert all(end[:2] == ("dropped", "dedup") for end in ends), url


def test_no_row_is_in_two_places_and_none_is_lost(truth: list[dict[str, Any]], out: Path) -> None:
    ids = [row["doc_id"] for row in read(out, "documents")]
    ids += [row["id"] for row in read(out, "dropped") if row["stage"] not in ("extract_problems",)]
    ids += [row["id"] for row in read(out, "quarantine")]
    assert len(ids) == len(set(ids))
    assert set(ids) == {page["doc_id"] for page in truth if page["outcome"] != "skipped"}


def test_leaked_benchmark_problems_are_named(truth: list[dict[str, Any]], out: Path) -> None:
    details = {row["id"]: row["detail"] for row in read(out, "dropped") if row["reason"] == "contaminated"}
    leaked = {page["doc_id"]: page["contaminated_by"] for page in truth if page["contaminated_by"]}
    assert details.keys() == leaked.keys()
    assert all(leaked[doc_id] in details[doc_id] for doc_id in leaked)


def test_the_formulas_of_kept_pages_come_out_in_order(truth: list[dict[str, Any]], out: Path) -> None:
    pages = {page["doc_id"]: page for page in truth}
    expected_count = found_count = 0
    for row in read(out, "documents"):
        true = [normalise_formula(f["latex"]) for f in pages[row["doc_id"]]["formulas"]]
        spans = [row["text"][f["start"] : f["end"]].strip("$") for f in row["formulas"]]
        found = [normalise_formula(span) for span in spans]
        expected_count += len(true)
        found_count += sum((Counter(true) & Counter(found)).values())
    assert found_count >= 0.99 * expected_count, f"{found_count} of {expected_count}"


def test_every_problem_is_found_with_its_solution(truth: list[dict[str, Any]], out: Path) -> None:
    kept = {row["doc_id"] for row in read(out, "documents")}
    true = [(page["doc_id"], p) for page in truth if page["doc_id"] in kept for p in page["problems"]]
    problems = read(out, "problems")
    found = defaultdict(list)
    for row in problems:
        found[row["doc_id"]].append(letters(row["question"]))
    matched = [any(letters(p["question"])[:60] in question for question in found[doc_id]) for doc_id, p in true]
    assert len(true) > 200
    assert sum(matched) >= 0.98 * len(true)
    assert len(problems) <= 1.1 * len(true)
    assert all(row["solution"] for row in problems)
    assert {row["lang"] for row in problems} == {"en", "zh"}
    assert {row["difficulty"] for row in problems} == {"easy", "medium", "hard"}


def letters(text: str) -> str:
    """A text without spaces and delimiters, which extraction may set otherwise."""
    return "".join(text.replace("$", "").split())


def test_the_shards_hold_the_documents(out: Path) -> None:
    reader = ShardReader(out / "shards")
    records = {segment.record_id for row in reader for segment in row.segments}
    assert records == {row["doc_id"] for row in read(out, "documents")} | {
        row["problem_id"] for row in read(out, "problems")
    }


def test_decoding_the_shards_gives_back_the_documents(out: Path) -> None:
    texts = {row["doc_id"]: row["text"] for row in read(out, "documents")}
    tokenizer = tokenizer_of(str(out / "shards"))
    report = verify_shards(out / "shards", tokenizer, sample=None, texts=texts)
    assert report.ok, report.lines()
    wrong = dict.fromkeys(texts, "another text")
    assert not verify_shards(out / "shards", tokenizer, sample=None, texts=wrong).ok


def test_the_mixture_is_as_asked_within_a_row_of_each_group(demo: Finished, out: Path) -> None:
    seq_len = ShardReader(out / "shards").seq_len
    assert len(demo.summary.mixture) == 3
    for row in demo.summary.mixture:
        assert abs(row["achieved_tokens"] - row["asked_tokens"]) <= seq_len


def test_the_report_shows_the_funnel_and_escapes_what_pages_say(out: Path) -> None:
    report = (out / "report.html").read_text(encoding="utf-8")
    for word in ("blocked_domain", "not_math", "duplicate_near", "contaminated", "quarantined", "hard"):
        assert word in report
    assert "<script" not in report


def test_folders_can_be_read_without_us(out: Path) -> None:
    lists = json.loads((out / "documents/_files.json").read_text())["files"]
    assert [file["name"] for file in lists] == sorted(path.name for path in (out / "documents").glob("*.parquet"))
    assert pq.read_table(out / "documents").num_rows == sum(file["rows"] for file in lists)
