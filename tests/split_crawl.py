"""The bundled crawl in several files, so that a run of it has several tasks, and a recipe with all stages."""

import gzip
import json
from importlib import resources
from pathlib import Path

PARTS = 6

RECIPE = """\
name: resume
sources: [{name: crawl, path: crawl, kind: pages, license: CC0-1.0}]
stages:
  - extract
  - language
  - classify: {threshold: 0.5}
  - dedup
  - decontaminate: {benchmarks: ["mathmill:demo/benchmark.jsonl"]}
problems:
  - extract_problems
  - label
  - dedup
tokenize: {tokenizer: "mathmill:demo/tokenizer.json"}
shards:
  seq_len: 512
  groups: {hard: "problems[difficulty=hard]", problems: problems, math: documents}
mixture: {groups: {math: 1, problems: 1}}
task_bytes: 65536
"""


def split_crawl(folder: Path) -> None:
    """Deal the bundled crawl out to several WARC files, so that there are several tasks; damaged members left out."""
    folder.mkdir()
    data = resources.files("mathmill.jobs").joinpath("demo/crawl.warc.gz").read_bytes()
    text = resources.files("mathmill.jobs").joinpath("demo/truth.jsonl").read_text(encoding="utf-8")
    pages = [json.loads(line) for line in text.splitlines()]
    starts = [page["offset"] for page in pages] + [len(data)]
    whole = [i for i, page in enumerate(pages) if page["outcome"] != "quarantined"]
    for part in range(PARTS):
        members = [data[starts[i] : starts[i + 1]] for i in whole[part::PARTS]]
        assert gzip.decompress(members[-1]).startswith(b"WARC/")
        (folder / f"part-{part}.warc.gz").write_bytes(b"".join(members))
