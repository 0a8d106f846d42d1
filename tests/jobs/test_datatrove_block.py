import gzip
import importlib.util
import json
import pickle
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datatrove.data import Document, Media
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter

from mathmill.core.errors import ConfigError
from mathmill.core.stage import BatchStage
from mathmill.curation.readers.inflate import Stream
from mathmill.curation.readers.records import Record, read_records
from mathmill.jobs.datatrove_block import Mathmill
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.registry import import_class, stage_names
from mathmill.jobs.run import run_recipe

MATH = r"Let $f(x)=x^2-3x+2$. Then $f'(x)=2x-3$, so the minimum of $f$ is at $x=\frac{3}{2}$."
VILLAGE = "The village lies by the river. Its market is held on Saturdays, and most visitors come by train in summer."
HTML = (
    "<html><body><h1>Roots</h1><p>The equation \\(x^2=4\\) has the two roots \\(2\\) and \\(-2\\), é.</p></body></html>"
)
EXERCISE = "Exercise 1. What is $1+1$?\n\nSolution. We count: $1+1=2$. So the answer is $2$."

needs_warc = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("warcio", "cchardet", "magic", "orjson")),
    reason="datatrove's WarcReader and JsonlWriter need warcio, faust-cchardet, python-magic and orjson",
)


class Excluded:
    """Takes what is dropped, as a datatrove writer does."""

    def __init__(self) -> None:
        self.documents: list[Document] = []

    def __enter__(self) -> "Excluded":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def write(self, document: Document, rank: int) -> None:
        self.documents.append(document)


def run(block: Mathmill, *documents: Document) -> list[Document]:
    return list(block(iter(documents), 0, 1))


def total(block: Mathmill, name: str) -> int:
    return int(block.stats[name].total)


def test_documents_keep_their_order_id_media_and_metadata() -> None:
    media = [Media(id="m", type=0, url="u")]
    texts = [f"{MATH} Case {i}." for i in range(7)]
    given = [Document(text=t, id=f"id {i}", media=media, metadata={"own": [i]}) for i, t in enumerate(texts)]
    block = Mathmill(["language", {"classify": {"threshold": 0.4}}], batch_rows=3)
    found = run(block, *given)
    assert [(d.id, d.text, d.media, d.metadata["own"]) for d in found] == [
        (f"id {i}", text, media, [i]) for i, text in enumerate(texts)
    ]
    assert found[0].metadata["lang"] == "en"
    assert found[0].metadata["math_score"] > 0.4
    first = found[0].metadata["formulas"][0]
    assert first == {"start": 4, "end": 19, "display": False, "encoding": "tex"}
    assert total(block, "total") == total(block, "forwarded") == 7


def test_dropped_documents_go_to_the_exclusion_writer_with_their_reason() -> None:
    excluded = Excluded()
    block = Mathmill(["language", "classify"], exclusion_writer=excluded)
    assert [d.id for d in run(block, Document(VILLAGE, "v", metadata={"a": 1}), Document(MATH, "m"))] == ["m"]
    (lost,) = excluded.documents
    score = lost.metadata.pop("filter_score")
    assert score < 0.5
    assert (lost.text, lost.id) == (VILLAGE, "v")
    assert lost.metadata == {"a": 1, "filter_reason": "not_math", "filter_stage": "classify"}
    assert (total(block, "dropped"), total(block, "dropped_not_math"), total(block, "forwarded")) == (1, 1, 1)


def test_quarantined_documents_go_there_with_their_error() -> None:
    excluded = Excluded()
    block = Mathmill([{"extract": {"max_page_bytes": 200}}], exclusion_writer=excluded)
    pages = [
        Document(HTML, "a"),
        Document(HTML + " " * 200, "b"),
        Document(HTML, "c", metadata={"url": {"no": "text"}}),
    ]
    assert [d.id for d in run(block, *pages)] == ["a"]
    assert {d.id: (d.metadata["filter_stage"], d.metadata["error"]) for d in excluded.documents} == {
        "b": ("extract", "ValueError: the page has 309 bytes, over max_page_bytes of 200"),
        "c": ("read", "'url' is a mapping, not text"),
    }
    assert total(block, "quarantine") == 2
    assert total(block, "dropped") == 0


@pytest.mark.parametrize("text", [HTML, HTML.encode("latin-1")])
def test_pages_may_be_text_or_bytes(text: Any) -> None:
    (page,) = run(Mathmill(["extract"]), Document(text, "p", metadata={"content_type": "text/html; charset=latin-1"}))
    assert page.text == "# Roots\n\nThe equation $x^2=4$ has the two roots $2$ and $-2$, é."
    assert [f["encoding"] for f in page.metadata["formulas"]] == ["tex_paren"] * 3
    assert "html" not in page.metadata


def test_equal_ids_do_not_get_mixed_up() -> None:
    excluded = Excluded()
    block = Mathmill(["classify"], exclusion_writer=excluded)
    found = run(block, *(Document(text, "same", metadata={"n": n}) for n, text in enumerate([MATH, VILLAGE, MATH])))
    assert [d.metadata["n"] for d in found] == [0, 2]
    assert [d.metadata["n"] for d in excluded.documents] == [1]


def test_an_id_that_is_no_string_stays_as_it_is() -> None:
    (found,) = run(Mathmill(["classify"]), Document(MATH, 5))  # type: ignore[arg-type]
    assert found.id == 5


def test_problems_leave_behind_a_fork_and_can_be_labelled() -> None:
    block = Mathmill(["language", "extract_problems", "label"])
    page = Document(EXERCISE, "page", metadata={"own": 1, "math_score": 0.5})
    (problem,) = run(block, page, Document(VILLAGE, "nothing"))
    assert problem.text == "What is $1+1$?\nWe count: $1+1=2$. So the answer is $2$."
    metadata = problem.metadata
    assert (metadata["own"], metadata["doc_id"], metadata["answer"], metadata["difficulty"]) == (1, "page", "2", "easy")
    assert "math_score" not in metadata
    assert problem.id != "page"


def test_two_blocks_do_what_one_does() -> None:
    (once,) = run(Mathmill(["language", "extract_problems", "label"]), Document(EXERCISE, "page"))
    (found,) = run(Mathmill(["language", "extract_problems"]), Document(EXERCISE, "page"))
    (twice,) = run(Mathmill(["label"]), found)
    assert twice == once


def test_a_problem_is_read_from_metadata() -> None:
    metadata = {
        "question": "What is $1+1$?",
        "solution": "Two.",
        "answer": 2,
        "steps": "not ours",
        "school_stage": "college",
    }
    (found,) = run(Mathmill(["label"]), Document("What is 1+1?", "p", metadata=metadata))
    assert (found.metadata["answer"], found.metadata["n_steps"], found.metadata["school_stage"]) == (
        "2",
        1,
        "university",
    )
    assert found.text == "What is 1+1?"
    (found,) = run(Mathmill(["label"]), Document("What is 1+1?", "p"))
    assert found.metadata["question"] == "What is 1+1?"


def test_formulas_of_an_earlier_block_are_kept_until_the_text_changes() -> None:
    (page,) = run(Mathmill(["extract"]), Document(HTML, "p"))
    before = page.metadata["formulas"]
    (same,) = run(Mathmill(["language"]), page)
    assert same.metadata["formulas"] == before
    same.text = "Oh: " + same.text
    (changed,) = run(Mathmill(["language"]), same)
    spans = changed.metadata["formulas"]
    assert [changed.text[s["start"] : s["end"]] for s in spans] == ["$x^2=4$", "$2$", "$-2$"]
    assert {s["encoding"] for s in spans} == {"tex"}
    assert changed.metadata["blocks"] == []


def test_foreign_metadata_under_our_names_does_no_harm() -> None:
    metadata = {
        "formulas": ["x"],
        "blocks": 3,
        "math_score": "high",
        "language": "zh-Hans",
        "locator": 1,
        "lang_score": None,
    }
    (found,) = run(Mathmill(["language", "classify"]), Document(MATH, "m", metadata=metadata))
    assert (found.metadata["lang"], found.metadata["locator"], found.metadata["language"]) == ("zh", 1, "zh-Hans")
    assert len(found.metadata["formulas"]) == 4


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ([], "at least one stage"),
        (["dedup"], "dedup needs the whole corpus, not one row after the other; run it in a recipe"),
        (["nothing"], "there is no stage 'nothing'; there are blocklist"),
        ([{"classify": {"threshold": 2}}], "classify.threshold: .*less than or equal to 1"),
        ([{"classify": {}, "language": {}}], "write a stage as"),
        (["label", "classify"], "do not fit each other .*documents: label needs the column 'question'"),
        (["no_such_module:Stage"], "cannot be imported"),
    ],
)
def test_stages_that_do_not_work_are_refused_at_once(stages: list[Any], says: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){says}"):
        Mathmill(stages)


def test_the_kind_of_input_follows_from_the_stages() -> None:
    assert Mathmill(["blocklist"]).input == "documents"
    assert Mathmill(["blocklist", "extract"]).input == "pages"
    assert Mathmill(["label"]).input == "problems"
    assert Mathmill(["blocklist"], input="problems").input == "problems"
    with pytest.raises(ConfigError, match="problems: extract"):
        Mathmill(["extract"], input="problems")


def test_a_block_is_small_until_it_runs() -> None:
    block = Mathmill(["extract", "language", "classify"])
    assert len(pickle.dumps(block)) < 20_000
    assert [d.id for d in run(pickle.loads(pickle.dumps(block)), Document(HTML * 2, "p"))] == ["p"]


def parquet_documents(folder: Path) -> Iterable[dict[str, Any]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_datatroves_executor_runs_the_block_in_two_workers(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for n in range(2):
        pages = {"text": [HTML, "<p>" + VILLAGE, HTML.replace("two", "2")], "id": [f"{n}-{i}" for i in range(3)]}
        pq.write_table(pa.table(pages), tmp_path / "in" / f"{n}.parquet")
    executor = LocalPipelineExecutor(
        pipeline=[
            ParquetReader(str(tmp_path / "in")),
            Mathmill(["extract", "classify"], exclusion_writer=ParquetWriter(str(tmp_path / "gone"))),
            LambdaFilter(lambda document: "2" in document.text),
            ParquetWriter(str(tmp_path / "out"), adapter=lambda self, d: {"id": d.id, "text": d.text}),
        ],
        tasks=2,
        workers=2,
        logging_dir=str(tmp_path / "logs"),
    )
    executor.run()
    assert [row["id"] for row in parquet_documents(tmp_path / "out")] == ["0-0", "0-2", "1-0", "1-2"]
    gone = parquet_documents(tmp_path / "gone")
    assert [(row["id"], row["metadata"]["filter_reason"]) for row in gone] == [("0-1", "not_math"), ("1-1", "not_math")]
    stats = json.loads((tmp_path / "logs" / "stats.json").read_text())[1]["stats"]
    assert (stats["total"], stats["dropped_not_math"], stats["forwarded"]) == (6, 2, 4)


def write_sound_crawl(path: Path) -> None:
    """The bundled crawl without its damaged records, at which datatrove's reader stops."""
    crawl = resources.files("mathmill.jobs").joinpath("demo/crawl.warc.gz")
    with crawl.open("rb") as file, path.open("wb") as out:
        for record in read_records(Stream(file), 1 << 30):
            if isinstance(record, Record):
                fields = {b"WARC-Record-ID": b"<urn:record:%d>" % record.offset, **record.headers}
                head = b"".join(b"%b: %b\r\n" % field for field in fields.items())
                out.write(gzip.compress(b"WARC/1.0\r\n%b\r\n%b\r\n\r\n" % (head, bytes(record.block))))


@needs_warc
@pytest.mark.slow
def test_a_crawl_gives_the_texts_that_a_recipe_gives(tmp_path: Path) -> None:
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers import JsonlWriter

    (tmp_path / "in").mkdir()
    write_sound_crawl(tmp_path / "in" / "crawl.warc.gz")
    LocalPipelineExecutor(
        pipeline=[
            WarcReader(str(tmp_path / "in")),
            Mathmill(
                ["extract", "language", "classify"],
                exclusion_writer=JsonlWriter(str(tmp_path / "gone"), compression=None),
            ),
            JsonlWriter(str(tmp_path / "out"), compression=None),
        ],
        tasks=1,
        workers=1,
        logging_dir=str(tmp_path / "logs"),
    ).run()
    source = "sources: [{name: crawl, path: in/crawl.warc.gz, kind: pages}]"
    recipe = parse_recipe(f"{source}\nstages: [extract, language, classify]\n".encode(), tmp_path / "recipe.yaml")
    run_recipe(recipe, tmp_path / "run", workers=1)
    found, gone = (
        [json.loads(line) for line in (tmp_path / name / "00000.jsonl").read_text().splitlines()]
        for name in ("out", "gone")
    )
    wanted = parquet_documents(tmp_path / "run" / "documents")
    assert [(d["metadata"]["url"], d["text"]) for d in found] == [(row["url"], row["text"]) for row in wanted]
    assert [d["metadata"]["formulas"] for d in found] == [row["formulas"] for row in wanted]
    assert len(found) == 182
    # a recipe does not look at pages that were not served with status 200
    assert sum(d["metadata"]["filter_reason"] == "not_math" for d in gone) == 102


def test_stages_of_the_registry_that_are_row_wise_make_blocks() -> None:
    benchmark = str(resources.files("mathmill.jobs").joinpath("demo/benchmark.jsonl"))
    options = {"decontaminate": {"benchmarks": [benchmark]}}
    for name, cls in stage_names().items():
        if name != "dedup" and not name.startswith("datatrove") and issubclass(import_class(cls), BatchStage):
            Mathmill([{name: options.get(name, {})}])
