"""A recipe whose pages a crawl's index chooses, and a web server gives."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from servers import proxied, serving

from mathmill.core import faults
from mathmill.core.errors import OperationError
from mathmill.jobs.estimate import estimate
from mathmill.jobs.recipe import Recipe, parse_recipe
from mathmill.jobs.run import run_recipe

FILES = ("crawl-data/C-1/a.warc.gz", "crawl-data/C-1/b.warc.gz")
RECIPE = """
sources:
  - name: web
    kind: pages
    format: cc_index
    path: index
    index: {{domains: [a.example], warc_root: {root}, requests: {requests}, merge_gap: {gap}}}
stages: [prefilter, extract]
task_bytes: 65536
"""


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """Two WARC files of 60 pages each, of which an index names those of three hosts; those of one are wanted."""
    lines = []
    for name in FILES:
        content = b""
        for i in range(60):
            url = f"http://{'abc'[i % 3]}.example/{name}/{i}"
            text = " ".join(f"The sum of {i} and {k} is ${i}+{k}={i + k}$." for k in range(300))
            http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><p>{text}</p></body></html>".encode()
            head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
            data = gzip.compress(f"{head}Content-Length: {len(http)}\r\n\r\n".encode() + http + b"\r\n\r\n", 0, mtime=0)
            row = {"url": url, "status": "200", "filename": name, "offset": len(content), "length": len(data)}
            lines.append(f"example,{'abc'[i % 3]})/{i:02} 20240101000000 {json.dumps(row)}\n")
            content += data
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "part.cdxj").write_text("".join(sorted(lines)))
    return tmp_path


def recipe(folder: Path, root: str, requests: int = 8, gap: int = 0) -> Recipe:
    return parse_recipe(RECIPE.format(root=root, requests=requests, gap=gap).encode(), folder / "recipe.yaml")


def test_the_plan_counts_what_would_be_fetched(crawl: Path) -> None:
    with serving(crawl / "data") as server:
        result = estimate(recipe(crawl, server.endpoint), workers=2)
    (source,) = result.sources
    lines = (crawl / "index" / "part.cdxj").read_text().splitlines()
    sizes = [json.loads(line[line.index("{") :])["length"] for line in lines if line.startswith("example,a)")]
    assert (source.files, source.bytes) == (1, sum(sizes))
    assert source.tasks > 1
    assert 0 < source.sampled <= 40
    assert round(source.documents) == 40


def test_workers_requests_gaps_and_where_the_files_lie_change_no_byte(
    crawl: Path, answers: Callable[[Path], dict[str, str]]
) -> None:
    with serving(crawl / "data") as server:
        run_recipe(recipe(crawl, server.endpoint), crawl / "one", workers=1)
        run_recipe(recipe(crawl, server.endpoint, requests=2, gap=1 << 20), crawl / "two", workers=2)
        run_recipe(recipe(crawl, str(crawl / "data")), crawl / "three", workers=2)
    assert len(answers(crawl / "one")) > 1
    assert answers(crawl / "one") == answers(crawl / "two") == answers(crawl / "three")


def test_a_run_that_lost_its_server_goes_on_and_fetches_only_what_is_missing(
    crawl: Path, answers: Callable[[Path], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(crawl / "data") as server:
        run_recipe(recipe(crawl, server.endpoint), crawl / "whole", workers=1)
        asked = len(server.log)
    monkeypatch.setattr(faults, "PATIENCE", 0.3)
    with serving(crawl / "data") as server:
        with (
            proxied(server.endpoint, lambda number, verb, path: "503" if number > 20 else None) as proxy,
            pytest.raises(OperationError, match="run again when the store answers"),
        ):
            run_recipe(recipe(crawl, proxy.endpoint, requests=1), crawl / "broken", workers=1)
        before = len(server.log)
        run_recipe(recipe(crawl, server.endpoint), crawl / "broken", workers=1)
        assert before == 20
        assert len(server.log) - before < asked
    assert answers(crawl / "broken") == answers(crawl / "whole")


def test_an_index_belongs_to_its_format(crawl: Path) -> None:
    text = RECIPE.format(root=".", requests=1, gap=0).replace("cc_index", "warc")
    with pytest.raises(Exception, match=r"recipe.yaml:\d+ .*only a source with `format: cc_index` has one"):
        parse_recipe(text.encode(), crawl / "recipe.yaml")
