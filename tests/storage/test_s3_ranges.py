"""Ranges of objects on a real S3 server, and the pages that a crawl's index names there."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from servers import Proxy, Store, proxied, use_endpoint

from mathmill.core.remote import filesystem, read_range
from mathmill.core.storage import Folder
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice

pytestmark = pytest.mark.xdist_group("s3")

FILE = "crawl-data/CC-MAIN-2024-10/segments/1/warc/a.warc.gz"


@pytest.fixture
def through(s3: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[Proxy], None]:
    """Send this process's requests through a proxy, with short time limits."""
    return lambda proxy: use_endpoint(monkeypatch, proxy.endpoint, read_timeout=1, connect_timeout=1)


def members(n: int) -> list[bytes]:
    """A WARC record of a page each."""
    found = []
    for i in range(n):
        http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>page {i} {'x' * 5000}</p>".encode()
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/{i}\r\n"
        head += f"WARC-Date: 2024-01-01T00:00:00Z\r\nContent-Length: {len(http)}\r\n\r\n"
        found.append(gzip.compress(head.encode() + http + b"\r\n\r\n", 0, mtime=0))
    return found


def fetch(s3: Store, **chosen: Any) -> dict[str, list[dict[str, Any]]]:
    index = {"warc_root": s3.url(""), **chosen}
    source = SourceConfig.model_validate(
        {"name": "cc", "path": s3.url("index"), "kind": "pages", "format": "cc_index", "index": index}
    )
    rows: dict[str, list[dict[str, Any]]] = {"out": [], "quarantine": []}
    for file in list_files(source):
        for part in plan_slices(file, source, 20_000):
            for port, batch in read_slice(source, part):
                rows[port] += batch.to_pylist()
    return rows


def upload(s3: Store) -> list[dict[str, Any]]:
    """A WARC file of 40 pages and an index of every second one, and of one behind the end and one of no file."""
    parts = members(40)
    Folder(s3.url("")).write(FILE, b"".join(parts))
    starts = [sum(map(len, parts[:i])) for i in range(40)]
    rows = [
        {"url": f"http://a.example/{i}", "filename": FILE, "offset": starts[i], "length": len(parts[i])}
        for i in range(0, 40, 2)
    ]
    rows.append({"url": "http://a.example/far", "filename": FILE, "offset": 10**9, "length": 100})
    rows.append({"url": "http://a.example/no", "filename": "crawl-data/none.warc.gz", "offset": 0, "length": 100})
    Folder(s3.url("index")).write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    return rows


@pytest.mark.parametrize("gap", [0, 1 << 16])
@pytest.mark.parametrize("fault", [None, "503", "reset", "cut", "short"])
def test_pages_are_fetched_from_a_bucket(
    s3: Store, through: Callable[[Proxy], None], fault: str | None, gap: int
) -> None:
    upload(s3)
    with proxied(s3.endpoint, lambda n, verb, path: fault if n % 4 == 0 and verb == "GET" else None) as proxy:
        through(proxy)
        rows = fetch(s3, merge_gap=gap)
        assert [row["url"] for row in rows["out"]] == [f"http://a.example/{i}" for i in range(0, 40, 2)]
        assert sorted(row["error"].partition(" (")[0] for row in rows["quarantine"]) == [
            "the file ends after 0 of the record's 100 bytes",
            "there is no file crawl-data/none.warc.gz",
        ]
        assert fault is None or proxy.faults


@pytest.mark.parametrize(("start", "end", "expected"), [(2, 5, b"234"), (7, 20, b"789"), (10, 20, b""), (50, 60, b"")])
def test_a_range_is_short_only_where_the_file_ends(s3: Store, start: int, end: int, expected: bytes) -> None:
    Folder(s3.url("")).write("data", b"0123456789")
    fs, path = filesystem(s3.url("data"))
    assert read_range(fs, path, start, end) == expected
