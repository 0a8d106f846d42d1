"""The extract stage: rows in, documents, drops and quarantine out."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mathmill.core.errors import ConfigError
from mathmill.core.schemas import BLOCK_ROLES, DOCUMENT, PAGE
from mathmill.curation.extract import Extract, ExtractConfig, extract_html

WEB = Path(__file__).parents[2].parent / "shared" / "data" / "web"


def page(doc_id: str, html: bytes, content_type: str | None = "text/html") -> dict[str, Any]:
    locator = {"file": "a.warc.gz", "record": 1, "offset": 0}
    return {"doc_id": doc_id, "source": "test", "locator": locator, "html": html, "content_type": content_type}


def run(rows: list[dict[str, Any]], **settings: int) -> dict[str, list[dict[str, Any]]]:
    stage = Extract(ExtractConfig(**settings))
    rows = [{**dict.fromkeys(PAGE.names), **row} for row in rows]
    outputs: dict[str, list[dict[str, Any]]] = {}
    for port, batch in stage.process(iter([pa.RecordBatch.from_pylist(rows, schema=PAGE)])):
        outputs.setdefault(port, []).extend(batch.to_pylist())
        if port == "out":
            assert batch.schema.equals(DOCUMENT)
    return outputs


def test_a_page_becomes_a_document_with_spans_and_counts() -> None:
    html = b"<h1>T</h1><p>Let $x^2$ be as long as fifty characters need, \\(y\\).</p>" + b"<nav>\\(z\\)</nav>"
    (row,) = run([page("a", html)])["out"]
    spans = [row["text"][f["start"] : f["end"]] for f in row["formulas"]]
    assert spans == ["$x^2$", "$y$"]
    assert row["formula_counts"] == [
        {"encoding": "tex_dollar", "found": 1, "kept": 1},
        {"encoding": "tex_paren", "found": 2, "kept": 1},
    ]
    assert row["blocks"] == [{"start": 0, "end": 3, "role": "heading"}]
    assert (row["lang"], row["math_score"]) == (None, None)


def test_pages_that_are_no_html_or_have_no_text_are_dropped_with_a_reason() -> None:
    rows = [
        page("pdf", b"%PDF-1.4 ..."),
        page("image", b"abc", "image/png"),
        page("json", b'{"a": 1}', "application/json"),
        page("short", b"<p>Short."),
    ]
    dropped = {row["id"]: row["reason"] for row in run(rows)["dropped"]}
    assert dropped == {"pdf": "not_html", "image": "not_html", "json": "not_html", "short": "empty_text"}


def test_html_with_a_wrong_content_type_is_taken() -> None:
    html = b"<!DOCTYPE html><p>" + b"Some text of a page. " * 5
    assert len(run([page("a", html, "text/plain")])["out"]) == 1


def test_a_page_over_the_limit_is_quarantined_alone() -> None:
    text = b"<p>" + b"Some text of a page. " * 5
    outputs = run([page("a", text), page("b", text * 100), page("c", text)], max_page_bytes=1000)
    assert [row["doc_id"] for row in outputs["out"]] == ["a", "c"]
    assert [row["id"] for row in outputs["quarantine"]] == ["b"]
    assert "max_page_bytes" in outputs["quarantine"][0]["error"]


def test_the_stage_says_what_it_needs() -> None:
    stage = Extract(ExtractConfig())
    assert stage.output_schemas(PAGE) == {"out": DOCUMENT}
    with pytest.raises(ConfigError, match="html"):
        stage.output_schemas(DOCUMENT)


@pytest.mark.skipif(not WEB.exists(), reason="the shared crawl data is not here")
def test_real_pages_keep_their_formulas_in_order() -> None:
    archive = pytest.importorskip("fastwarc.warc")
    labels = {}
    with open(WEB / "math_pages.labels.jsonl", encoding="utf-8") as lines:
        for line in lines:
            label = json.loads(line)
            labels[label["record_id"]] = label
    found = kept = equal = gold = 0
    with open(WEB / "math_pages.warc.gz", "rb") as file:
        for number, record in enumerate(archive.ArchiveIterator(file, parse_http=True)):
            label = labels.get(record.record_id, {})
            if number % 12 and not label.get("gold_tex"):
                continue
            extracted = extract_html(record.reader.read())
            found += sum(extracted.found.values())
            kept += sum(extracted.kept.values())
            assert all(0 <= b.start < b.end <= len(extracted.text) and b.role in BLOCK_ROLES for b in extracted.blocks)
            ours = ["".join(extracted.text[f.start : f.end].strip("$").split()) for f in extracted.formulas]
            theirs = ["".join(tex.split()) for tex in label.get("gold_tex") or []]
            gold += len(theirs)
            position = 0
            for tex in theirs:
                if tex in ours[position:]:
                    position = ours.index(tex, position) + 1
                    equal += 1
    assert kept / found > 0.995
    assert equal / gold > 0.99
