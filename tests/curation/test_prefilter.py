"""The prefilter: which bytes speak for math, and that what it passes over is counted."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.core.errors import ConfigError
from mathmill.core.ledger import Ledger
from mathmill.core.schemas import PAGE
from mathmill.core.stage import StageContext
from mathmill.core.storage import Folder
from mathmill.curation.mark_phrases import MARKS
from mathmill.curation.marks import count_marks
from mathmill.curation.prefilter import Prefilter, PrefilterConfig, math_evidence, weigh
from mathmill.jobs.console import funnel_lines
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.run import run_recipe

NEWS = (
    b"<!DOCTYPE html><html><head><title>Council</title><style>p { margin: 0 }</style>"
    b"<script>if (a == b + c) { s = s.replace(/\\(x\\)/, '$$'); Math.floor(x * y) }</script></head><body>"
    + b"<p>The council met on Tuesday and spoke for two hours about the new road. Tickets are $5 or $12.</p>" * 40
    + b"</body></html>"
)


def evidence(*pages: bytes) -> list[float]:
    return math_evidence(pa.array(pages, pa.large_binary())).tolist()


def marks(page: bytes) -> dict[str, int]:
    (row,) = count_marks(pa.array([page], pa.large_binary())).tolist()
    return {name: count for name, count in zip(MARKS, row[:-1], strict=True) if count}


def batch_of(pages: list[bytes]) -> pa.RecordBatch:
    locator = {"file": "a.warc.gz", "record": 1, "offset": 0}
    rows = [
        {**dict.fromkeys(PAGE.names), "doc_id": f"{i:032x}", "source": "s", "locator": locator, "html": html}
        for i, html in enumerate(pages)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=PAGE)


def run(batches: list[pa.RecordBatch], **settings: float) -> tuple[dict[str, list[dict[str, Any]]], dict[str, int]]:
    stage = Prefilter(PrefilterConfig(**settings))
    stage.open(StageContext(Path()))
    outputs: dict[str, list[dict[str, Any]]] = {"out": [], "dropped": []}
    for port, batch in stage.process(iter(batches)):
        outputs[port] += batch.to_pylist()
    return outputs, stage.facts


def test_a_news_page_has_no_evidence_of_math() -> None:
    assert marks(NEWS) == {}
    assert evidence(NEWS)[0] < 0.01


@pytest.mark.parametrize(
    ("html", "mark"),
    [
        (b"<math><mi>x</mi></math>", "markup"),
        (b"<MATH>x</MATH>", "markup"),
        (b'<script src="/MathJax.js"></script>', "markup"),
        (b'<link href="katex.min.css">', "markup"),
        (b'<script type="math/tex">x</script>', "markup"),
        (b'<img class="mwe-math-fallback-image-inline" alt="x">', "markup"),
        (b'<img src="https://latex.codecogs.com/png?x">', "markup"),
        (b'<img src="/latex.php?latex=x">', "markup"),
        (b"[tex]x[/tex]", "markup"),
        (b"a \\frac{1}{2} b", "tex"),
        (b'<img alt="\\frac12">', "tex"),
        (b"\\begin{align}", "tex"),
        (b"$latex x$", "tex"),
        (b"&radic;2", "tex"),
        (b"so \\(x\\) is", "delimiters"),
        (b"so \\[x\\] is", "delimiters"),
        (b"so $$x$$ is", "delimiters"),
        (b'<img alt="\\(x\\)">', "delimiters"),
    ],
)
def test_one_sure_mark_in_a_long_page_is_enough(html: bytes, mark: str) -> None:
    assert mark in marks(html)
    assert evidence(NEWS + html + NEWS) == [1.0]


def test_reading_ends_at_the_first_sure_mark_and_the_evidence_is_that_of_the_whole_page() -> None:
    page = b"A theorem: \\frac12 \\sqrt2 and a lemma"
    until_sure, whole = (
        count_marks(pa.array([page], pa.large_binary()), until_sure=until_sure)[0].tolist()
        for until_sure in (True, False)
    )
    assert (until_sure[MARKS.index("tex")], until_sure[MARKS.index("words")]) == (1, 1)
    assert (whole[MARKS.index("tex")], whole[MARKS.index("words")]) == (2, 2)
    rng = np.random.default_rng(0)
    pieces = (
        b"<p>theorem",
        b" x = 2 ",
        b"</p>",
        b"<script>",
        b"</script>",
        b"\\frac",
        b"$$",
        b"\\(",
        b"<sup>",
        b"lemma",
    )
    pages = [b"".join(pieces[i] for i in rng.integers(len(pieces), size=rng.integers(12))) for _ in range(500)]
    column = pa.array([NEWS[:200] + page for page in pages], pa.large_binary())
    scores = math_evidence(column)
    assert np.array_equal(scores, weigh(count_marks(column)))
    assert 0 < (scores == 1).sum() < len(pages)


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (b"let $x$ be", {"dollars": 1}),
        (b"it costs $5, or $12 with lunch", {}),
        ("a ∈ B, x² ≤ 𝑦".encode(), {"symbols": 4}),
        (b"&#8712; &#x2264; &#xb2; &times; &#65;", {"symbols": 4}),
        ("αβ &pi; &#960;".encode(), {"greek": 4}),
        (b"x<sup>2</sup>", {"scripts": 1}),
        (b"Theorem. A Linear equation", {"words": 3}),
        (b'<a title="theorem" href="linear">y</a>', {"names": 1}),
        (b"3 + 4 = 7 and a*b = (c)", {"operators": 4}),
        (b"<script>var theorem = 'equation' + 1</script>", {}),
        (b"<style>linear</style>linear<STYLE>linear</STYLE>", {"words": 1}),
        (b"1 < 2 theorem", {"words": 1}),
        ("市政府昨天下午召开会议".encode("gbk"), {}),
    ],
)
def test_weak_marks_are_counted_where_they_mean_something(html: bytes, found: dict[str, int]) -> None:
    assert marks(html) == found


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (b"metalinear aftermath Subgroup", {"words": 1}),
        (b"a-theorem, the Theorem; THEOREM theorems 2theorem _theorem", {"words": 6}),
        (b'<p class="inlineMath">', {"names": 1}),
        (b"<script>renderMathJax()</script>", {"markup": 1}),
        (b"theorem", {"words": 1}),
        (b"math", {"words": 1}),
        (b"mat", {}),
        (b"a > b <p> theorem </p> > <b", {"words": 1}),
    ],
)
def test_words_count_where_they_begin_wherever_blocks_of_the_page_end(html: bytes, found: dict[str, int]) -> None:
    for before in range(130):
        assert marks(b" " * before + html) == found
        assert marks(b" " * before + html + b" " * 200) == found


def test_what_follows_a_page_in_memory_is_not_part_of_it() -> None:
    pages = [b"x theor", b"em \\fra", b"c <script", b"> theorem <", b"math> <st", b"yle>theorem", b"theo"] * 30
    together = count_marks(pa.array(pages, pa.large_binary()))
    alone = [count_marks(pa.array([page], pa.large_binary()))[0] for page in pages]
    assert np.array_equal(together, np.array(alone))


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "big5"])
def test_chinese_math_without_a_formula_is_kept(charset: str) -> None:
    text = "<html><body><p>三角形的面積計算公式，函數與方程的習題，求解 x + 3 = 7。</p></body></html>"
    page = (text if charset == "big5" else text.translate(str.maketrans("積計習數題", "积计习数题"))).encode(charset)
    assert marks(page)["foreign"] >= 5
    news = "<html><body><p>市政府昨天下午召开会议，讨论了新道路的修建。</p></body></html>".encode("gbk") * 20
    assert evidence(page)[0] >= 0.05 > evidence(news)[0]


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_pages_in_wide_charsets_cannot_be_judged_and_are_kept(charset: str) -> None:
    assert evidence("<p>Nothing.</p>".encode(charset)) == [1.0]


def test_broken_pages_are_weighed_like_any_other() -> None:
    pages = [b"", b"<", b"&", b"&#", b"$", b"\xe2", b"\xf0\x9d", b"\\", b"<script", b"<p>&#x", b"<!--", b"</s"]
    assert all(0.0 <= score < 1.0 for score in evidence(*pages))


def test_a_score_depends_on_its_page_alone() -> None:
    pages = [NEWS, b"<p>x = 3</p>", b"", b"\\(x\\)", b"<script>", NEWS[:700]]
    together = pa.array([b"other", *pages], pa.large_binary())
    assert math_evidence(together[1:]).tolist() == [evidence(page)[0] for page in pages]
    assert math_evidence(pa.array(pages, pa.binary())).tolist() == evidence(*pages)


def test_pages_are_kept_as_they_are_and_the_others_dropped_with_their_score() -> None:
    batch = batch_of([NEWS, b"\\(x\\)"])
    outputs, facts = run([batch], sample=1.0)
    assert outputs["out"] == batch.slice(1).to_pylist()
    (row,) = outputs["dropped"]
    assert (row["id"], row["stage"], row["reason"]) == (f"{0:032x}", "prefilter", "no_math")
    assert row["score"] == np.float32(evidence(NEWS)[0])
    assert facts == {}


def test_a_sample_is_listed_and_the_rest_counted_whatever_the_batches() -> None:
    batch = batch_of([b"\\(x\\)" if i % 10 == 0 else b"<p>Nothing here.</p>" * 9 for i in range(1000)])
    whole, facts = run([batch], sample=0.1)
    parts, counted = run([batch.slice(i, 7) for i in range(0, 1000, 7)], sample=0.1)
    assert parts == whole
    assert counted == facts == {"skipped:no_math": 900 - len(whole["dropped"])}
    assert 60 <= len(whole["dropped"]) <= 120
    assert len(whole["out"]) == 100
    nothing, all_counted = run([batch], sample=0.0)
    assert nothing["dropped"] == []
    assert all_counted == {"skipped:no_math": 900}


def test_rows_without_html_are_refused() -> None:
    with pytest.raises(ConfigError, match="html"):
        Prefilter(PrefilterConfig()).output_schemas(pa.schema([("doc_id", pa.string())]))


def test_counts_of_a_run_add_up_and_the_same_documents_come_out(tmp_path: Path) -> None:
    demo = resources.files("mathmill.jobs").joinpath("demo")
    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": "The council met on Tuesday. " * 10}) + "\n")
    runs = {}
    for name, stages in (("with", "prefilter: {sample: 0.2}"), ("without", "blocklist: {}")):
        recipe = f"""
            sources:
              - {{name: crawl, path: "{demo.joinpath("crawl.warc.gz")}", kind: pages}}
              - {{name: texts, path: "{tmp_path}/texts.jsonl", kind: documents}}
            stages: [{{{stages}}}, extract, classify]
        """
        runs[name] = run_recipe(parse_recipe(recipe.encode(), tmp_path / "r.yaml"), tmp_path / name, workers=1)
    summary = runs["with"].summary
    (step,) = summary.of_stage("prefilter")
    gone = step.reasons["no_math"]
    listed = gone - step.unlisted["no_math"]
    assert step.rows_in == step.rows_out + gone
    assert summary.of_stage("extract")[0].rows_in == step.rows_out
    assert gone > 80
    assert 0 < listed < 0.4 * gone
    rows = pq.read_table(tmp_path / "with" / "dropped").to_pylist()
    assert sum(row["stage"] == "prefilter" for row in rows) == listed
    assert any(f"no_math (a sample of {listed} listed) {gone}" in line for line in funnel_lines(summary))
    assert f"prefilter: no_math (a sample of {listed} listed) | {gone} |" in (tmp_path / "with/README.md").read_text()
    assert f"no_math (a sample of {listed} listed) {gone}" in (tmp_path / "with/report.html").read_text()
    entries = Ledger(Folder(str(tmp_path / "with")), "documents").entries().values()
    counts = [stage for entry in entries for stage in entry.stages if stage.stage == "prefilter"]
    assert sum(stage.facts["skipped:no_math"] for stage in counts) == gone - listed
    documents = [pq.read_table(tmp_path / name / "documents") for name in runs]
    assert documents[0].equals(documents[1])
