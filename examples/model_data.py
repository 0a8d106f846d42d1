"""The labelled texts that the bundled models are made from, and how their folders are written.

DATA is a folder with labelled pages (`web/*.warc.gz`, `*.labels.jsonl`), math and general texts (`text/*.jsonl.zst`)
and problems (`problems/*.jsonl.zst`). Its benchmarks are never read here.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecordType

from mathmill.classifiers.text_classifier import Card, save
from mathmill.classifiers.train import Example
from mathmill.classifiers.train_linear import Trained
from mathmill.classifiers.train_mixture import TrainedMixture
from mathmill.curation.extract import extract_html

SEED = 20_250_102


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read a JSONL file, zstd-compressed where its name says so."""
    with open(path, "rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file).read() if path.suffix == ".zst" else file.read()
    return [json.loads(line) for line in data.decode().splitlines()]


def labelled_pages(data: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the label and the extracted text of each page; `site` without remarks, one name for a publisher."""
    for name in ("math_pages", "nonmath_pages"):
        labels = {label["record_id"]: label for label in read_jsonl(data / "web" / f"{name}.labels.jsonl")}
        with open(data / "web" / f"{name}.warc.gz", "rb") as file:
            for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
                label = labels[record.headers["WARC-Record-ID"]]
                page = extract_html(record.reader.read(), label["url"], record.http_headers.get("Content-Type"))
                site = "openstax" if label["site"].startswith("openstax") else label["site"].replace(".org FAQ", " FAQ")
                yield {**label, "site": site}, page.text


def crawl_pages(crawl: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the ground truth and the extracted text of an example crawl's pages that are kept or are not math."""
    with open(crawl / "crawl.warc.gz", "rb") as file:
        for row in read_jsonl(crawl / "truth.jsonl"):
            if row["outcome"] == "kept" or row["reason"] == "not_math":
                file.seek(row["offset"])
                record = next(iter(ArchiveIterator(file, parse_http=True)))
                yield row, extract_html(record.reader.read(), row["url"]).text


def problem_rows(data: Path) -> Iterator[dict[str, Any]]:
    """Yield the problems of all collections; an equation or a program is no solution in words."""
    for path in sorted((data / "problems").glob("*.jsonl.zst")):
        if path.name.startswith("pot_"):  # programs, on questions that other files have
            continue
        for row in read_jsonl(path):
            yield {**row, "solution": None if row.get("solution_kind") == "equation" else row["solution"]}


def shuffled_folds(examples: Sequence[Example], n_folds: int) -> list[set[str]]:
    """Deal the groups out at random."""
    groups = sorted({example.group for example in examples})
    order = np.random.default_rng(SEED).permutation(len(groups))
    return [{groups[i] for i in order[k::n_folds]} for k in range(n_folds)]


def sources(examples: Sequence[Example], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Count the texts of each source by label and name their licences."""
    rows: dict[str, dict[str, Any]] = {}
    for example in examples:
        row = rows.setdefault(example.source, {"source": example.source, **dict.fromkeys(labels, 0), "license": set()})
        row[example.label] += 1
        row["license"].add(example.license)
    return [{**rows[name], "license": sorted(rows[name]["license"])} for name in sorted(rows)]


def table(header: Sequence[object], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


def write(folder: Path, trained: Trained | TrainedMixture, card: Card, readme: str) -> None:
    """Write a model folder with its card for people, and print that."""
    save(folder, trained.model, card)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    print(readme)
