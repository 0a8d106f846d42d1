"""Pages by a crawl's index: every form of index, ranges of a web server, and what can be wrong with both."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from servers import FileServer, proxied, serving

from mathmill.core import faults
from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.core.schemas import record_id
from mathmill.curation.readers import InputSlice, SourceConfig, list_files, plan_slices, plan_source, read_slice
from mathmill.curation.readers.selection import IndexConfig, Selection, surt_ranges

CRAWL = "crawl-data/CC-MAIN-2024-10/segments/1/warc"
URLS = [
    "https://www.example.com/a",
    "https://www.example.com/b",
    "https://math.example.com/q?x=1",
    "http://example.org:8080/zh",
    "https://notexample.com/",
    "https://example.com/c",
]
LANGUAGES = ["eng", "eng,fra", None, "zho,eng", "deu", "eng"]
KEYS = [
    "com,example)/a",
    "com,example)/b",
    "com,example,math)/q?x=1",
    "org,example:8080)/zh",
    "com,notexample)/",
    "com,example)/c",
]


def html_of(number: int) -> bytes:
    return b"<p>page %d</p>" % number


def member(url: str, html: bytes, kind: str = "response") -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + html
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-02-20T01:02:03Z\r\n"
    head += f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    return gzip.compress(head.encode() + http + b"\r\n\r\n", mtime=0)


@pytest.fixture
def crawl(tmp_path: Path) -> list[dict[str, Any]]:
    """Two WARC files of three pages each under `tmp_path/data`, and what an index says of them."""
    rows: list[dict[str, Any]] = []
    for name in ("x.warc.gz", "y.warc.gz"):
        content = b""
        for _ in range(3):
            number = len(rows)
            data = member(URLS[number], html_of(number))
            rows.append(
                {
                    "url": URLS[number],
                    "mime": "text/html",
                    "mime-detected": "text/html",
                    "status": "200",
                    "digest": base64.b32encode(hashlib.sha1(html_of(number)).digest()).decode(),
                    "length": str(len(data)),
                    "offset": str(len(content)),
                    "filename": f"{CRAWL}/{name}",
                }
                | ({"languages": LANGUAGES[number]} if LANGUAGES[number] else {})
            )
            content += data
        path = tmp_path / "data" / CRAWL / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return rows


def cdxj(rows: list[dict[str, Any]]) -> bytes:
    lines = [f"{KEYS[URLS.index(row['url'])]} 20240220010203 {json.dumps(row)}\n" for row in rows]
    return "".join(sorted(lines)).encode()


def api(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps({"urlkey": "k", "timestamp": "20240220010203", **row}) + "\n" for row in rows).encode()


def columnar(path: Path, rows: list[dict[str, Any]], row_group_size: int = 2) -> None:
    ordered = sorted(rows, key=lambda row: KEYS[URLS.index(row["url"])])
    columns = {
        "url_surtkey": [KEYS[URLS.index(row["url"])] for row in ordered],
        "url": [row["url"] for row in ordered],
        "fetch_status": pa.array([int(row["status"]) for row in ordered], pa.int16()),
        "content_digest": [row["digest"] for row in ordered],
        "content_mime_detected": [row["mime-detected"] for row in ordered],
        "content_languages": [row.get("languages") for row in ordered],
        "warc_filename": [row["filename"] for row in ordered],
        "warc_record_offset": pa.array([int(row["offset"]) for row in ordered], pa.int32()),
        "warc_record_length": pa.array([int(row["length"]) for row in ordered], pa.int32()),
    }
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)


Ports = dict[str, list[dict[str, Any]]]


def source_of(path: Path | str, root: Path | str, **chosen: Any) -> SourceConfig:
    index = {"warc_root": str(root), **chosen}
    return SourceConfig.model_validate(
        {"name": "cc", "path": str(path), "kind": "pages", "format": "cc_index", "index": index}
    )


def slices(source: SourceConfig, target_bytes: int = 1 << 30) -> list[InputSlice]:
    return [part for file in list_files(source) for part in plan_slices(file, source, target_bytes)]


def fetch(source: SourceConfig, target_bytes: int = 1 << 30) -> Ports:
    rows: Ports = {"out": [], "dropped": [], "quarantine": []}
    for part in slices(source, target_bytes):
        for port, batch in read_slice(source, part):
            batch.validate(full=True)
            rows[port] += batch.to_pylist()
    return rows


def numbers(rows: Ports) -> list[int]:
    return [URLS.index(row["url"]) for row in rows["out"]]


def index_of(folder: Path, *rows: dict[str, Any], name: str = "i.jsonl") -> Path:
    path = folder / name
    path.write_bytes(api(list(rows)))
    return path


def test_a_page_is_the_one_that_the_warc_reader_gives_and_its_id_is_made_from_file_and_offset(
    tmp_path: Path, crawl: list[dict[str, Any]]
) -> None:
    [row] = fetch(source_of(index_of(tmp_path, crawl[4]), tmp_path / "data"))["out"]
    file, offset = f"{CRAWL}/y.warc.gz", int(crawl[4]["offset"])
    assert row == {
        "doc_id": record_id("cc", file, offset),
        "url": "https://notexample.com/",
        "source": "cc",
        "license": None,
        "crawl_date": "2024-02-20T01:02:03Z",
        "locator": {"file": file, "record": offset, "offset": offset},
        "content_type": "text/html",
        "html": b"<p>page 4</p>",
    }
    warc = SourceConfig(name="cc", path=str(tmp_path / "data" / file), kind="pages")
    same = [page for _, batch in read_slice(warc, slices(warc)[0]) for page in batch.to_pylist()][1]
    assert {**row, "doc_id": "", "locator": {}} == {**same, "doc_id": "", "locator": {}}


def forms(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    """The same index in all forms."""
    columnar(folder / "part-0.parquet", rows)
    for name, data in {"a.cdxj": cdxj(rows), "a.jsonl": api(rows)}.items():
        (folder / name).write_bytes(data)
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))
    lines = cdxj(rows).splitlines(keepends=True)
    blocks = [gzip.compress(b"".join(lines[i : i + 2])) for i in (0, 2, 4)]
    (folder / "cdx-00000.gz").write_bytes(b"".join(blocks))
    keys = [b" ".join(line.split(b" ")[:2]).decode() for line in lines[::2]]
    starts = [0, len(blocks[0]), len(blocks[0]) + len(blocks[1])]
    entries = [f"{keys[i]}\tcdx-00000.gz\t{starts[i]}\t{len(blocks[i])}\t{i + 1}\n" for i in range(3)]
    (folder / "cluster.idx").write_text("".join(entries))
    names = ("part-0.parquet", "a.cdxj", "a.cdxj.gz", "a.jsonl", "a.jsonl.gz", "cdx-00000.gz", "cluster.idx")
    return [folder / name for name in names]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"hosts": ["www.example.com"]}, [0, 1]),
        ({"domains": ["example.com"]}, [0, 1, 2, 5]),
        ({"domains": ["example.org"]}, [3]),
        ({"hosts": ["math.example.com", "notexample.com"]}, [2, 4]),
        ({"url_prefixes": ["https://www.example.com/a"]}, [0]),
        ({"url_prefixes": ["math.example.com/q"], "domains": ["example.org"]}, [2, 3]),
        ({"domains": ["com", "org"], "languages": ["eng"]}, [0, 1, 3, 5]),
        ({"domains": ["com", "org"], "languages": ["zho", "deu"]}, [3, 4]),
        ({"domains": ["com"], "crawls": ["CC-MAIN-2024-10"]}, [0, 1, 2, 4, 5]),
        ({"domains": ["com"], "crawls": ["CC-MAIN-2024-1"]}, []),
        ({"domains": ["com"], "status": [404]}, []),
        ({"domains": ["com"], "mime": ["application/pdf"]}, []),
        ({"domains": ["com"], "mime": [], "status": []}, [0, 1, 2, 4, 5]),
    ],
)
def test_every_form_of_index_chooses_the_same_rows(
    tmp_path: Path, crawl: list[dict[str, Any]], chosen: dict[str, Any], expected: list[int]
) -> None:
    results = [fetch(source_of(path, tmp_path / "data", **chosen)) for path in forms(tmp_path, crawl)]
    assert numbers(results[0]) == expected
    assert all(result == results[0] for result in results)
    assert results[0]["quarantine"] == results[0]["dropped"] == []


def test_a_folder_gives_its_index_files_and_no_others(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    folder = tmp_path / "index" / "crawl=CC-MAIN-2024-10"
    folder.mkdir(parents=True)
    for name in ("cluster.idx", "cdx-00001.gz", "part-0.gz.parquet", "x.jsonl.gz", "metadata.yaml"):
        (folder / name).write_bytes(b"")
    files = list_files(source_of(tmp_path / "index", tmp_path / "data"))
    assert [file.relative.rpartition("/")[2] for file in files] == ["cdx-00001.gz", "part-0.gz.parquet", "x.jsonl.gz"]


def test_row_groups_that_cannot_match_are_not_read(
    tmp_path: Path, crawl: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    columnar(tmp_path / "i.parquet", crawl, row_group_size=1)
    read: list[int] = []
    whole = pq.ParquetFile.iter_batches

    def noted(self: Any, size: int, groups: list[int], columns: list[str]) -> Any:
        read.extend(groups)
        return whole(self, size, groups, columns)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", noted)
    source = source_of(tmp_path / "i.parquet", tmp_path / "data", domains=["example.org"])
    assert numbers(fetch(source)) == [3]
    assert read == [5]


def test_tasks_are_cut_by_the_bytes_of_the_records_and_the_cut_changes_no_row(
    tmp_path: Path, crawl: list[dict[str, Any]]
) -> None:
    source = source_of(index_of(tmp_path, *reversed(crawl)), tmp_path / "data")
    lengths = [int(row["length"]) for row in crawl]
    parts = slices(source, max(lengths) * 2)
    assert [(part.start, part.end) for part in parts] == [(0, 2), (2, 4), (4, 6)]
    assert [part.size for part in parts] == [sum(lengths[i : i + 2]) for i in (0, 2, 4)]
    assert fetch(source, max(lengths) * 2) == fetch(source, 1) == fetch(source)
    assert numbers(fetch(source)) == [0, 1, 2, 3, 4, 5]


def test_an_index_that_chooses_nothing_is_one_empty_task(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    source = source_of(index_of(tmp_path, *crawl), tmp_path / "data", hosts=["a.example"])
    assert [(part.start, part.end, part.size) for part in slices(source)] == [(0, 0, 0)]
    assert fetch(source) == {"out": [], "dropped": [], "quarantine": []}


def test_indexes_that_choose_nothing_are_named_with_what_was_asked_for(
    tmp_path: Path, crawl: list[dict[str, Any]]
) -> None:
    one = source_of(index_of(tmp_path, *crawl), tmp_path / "data", hosts=["a.example"], languages=["eng"])
    asked = "hosts: a.example; languages: eng; mime: text/html, application/xhtml\\+xml; status: 200"
    with pytest.raises(DataError, match=rf"no row of \S+i\.jsonl is of {asked}; change index:"):
        plan_source(one, 1 << 20)
    index_of(tmp_path, *crawl, name="j.jsonl")
    with pytest.raises(DataError, match=r"no row of any of the 2 index files of \S+ is of hosts: a\.example"):
        plan_source(source_of(tmp_path / "*.jsonl", tmp_path / "data", hosts=["a.example"]), 1 << 20)


def test_an_index_that_is_damaged_and_chooses_nothing_is_planned_for_its_quarantine(
    tmp_path: Path, crawl: list[dict[str, Any]]
) -> None:
    path = index_of(tmp_path, *crawl)
    path.write_bytes(path.read_bytes() + b"no index row\n")
    planned = plan_source(source_of(path, tmp_path / "data", hosts=["a.example"]), 1 << 20)
    assert [part.size for _, part in planned] == [0]


def ranges(server: FileServer, ending: str = ".warc.gz") -> list[tuple[str, str | None]]:
    log = [(path.rpartition("/")[2], wanted) for method, path, wanted in server.log if method == "GET"]
    return sorted((name, wanted) for name, wanted in log if name.endswith(ending))


def test_exactly_the_ranges_of_the_records_are_asked_for(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    with serving(tmp_path / "data") as server:
        index = index_of(tmp_path, crawl[0], crawl[2], crawl[4])
        assert numbers(fetch(source_of(index, server.endpoint, merge_gap=0))) == [0, 2, 4]
        ends = [int(row["offset"]) + int(row["length"]) - 1 for row in crawl]
        assert ranges(server) == [
            ("x.warc.gz", f"bytes=0-{ends[0]}"),
            ("x.warc.gz", f"bytes={crawl[2]['offset']}-{ends[2]}"),
            ("y.warc.gz", f"bytes={crawl[4]['offset']}-{ends[4]}"),
        ]
        assert {method for method, _, _ in server.log} == {"GET"}


@pytest.mark.parametrize(("gap", "most", "n"), [(1000, 1 << 20, 2), (0, 1 << 20, 3), (1000, 250, 6), (0, 1, 6)])
def test_near_records_come_by_one_request(
    tmp_path: Path, crawl: list[dict[str, Any]], gap: int, most: int, n: int
) -> None:
    skipped = [row for i, row in enumerate(crawl) if n != 3 or i != 1]
    with serving(tmp_path / "data") as server:
        source = source_of(index_of(tmp_path, *skipped), server.endpoint, merge_gap=gap, merge_bytes=most)
        assert numbers(fetch(source)) == [URLS.index(row["url"]) for row in skipped]
        assert len(ranges(server)) == n


def test_an_index_on_a_web_server_is_read_there(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    for path in forms(tmp_path / "data", crawl):
        with serving(tmp_path / "data") as server:
            url = f"{server.endpoint}/{path.name}"
            source = source_of(url, server.endpoint, domains=["com"])
            assert numbers(fetch(source)) == [0, 1, 2, 4, 5], path.name


def test_of_a_cluster_only_the_blocks_that_can_match_are_read(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    forms(tmp_path / "data", crawl)
    with serving(tmp_path / "data") as server:
        source = source_of(f"{server.endpoint}/cluster.idx", server.endpoint, domains=["example.org"])
        assert numbers(fetch(source)) == [3]
        assert len(ranges(server, "cdx-00000.gz")) == 1


def test_a_cluster_needs_a_place_to_look_for(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    cluster = forms(tmp_path, crawl)[-1]
    with pytest.raises(ConfigError, match=r"set index\.hosts, domains or url_prefixes"):
        slices(source_of(cluster, tmp_path / "data", languages=["eng"]))


def every(n: int, fault: str) -> Callable[[int, str, str], str | None]:
    return lambda number, verb, path: fault if number % n == 1 else None


@pytest.mark.parametrize("fault", ["503", "429", "reset", "cut", "short"])
@pytest.mark.parametrize("gap", [0, 1 << 16])
def test_a_bad_network_changes_no_row(tmp_path: Path, crawl: list[dict[str, Any]], fault: str, gap: int) -> None:
    index = index_of(tmp_path, *crawl)
    expected = fetch(source_of(index, tmp_path / "data"))
    with serving(tmp_path / "data") as server, proxied(server.endpoint, every(3, fault)) as proxy:
        assert fetch(source_of(index, proxy.endpoint, merge_gap=gap, requests=3)) == expected
        assert fault in {fault for fault, _, _ in proxy.faults}


def test_a_server_that_stays_busy_stops_the_task(
    tmp_path: Path, crawl: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "PATIENCE", 1.0)
    index = index_of(tmp_path, *crawl)
    with serving(tmp_path / "data") as server, proxied(server.endpoint, lambda *request: "503") as proxy:
        source = source_of(index, proxy.endpoint)
        with pytest.raises(OperationError, match=r"503.*tried for \d+ s; run again when the store answers"):
            fetch(source)


def test_a_redirect_to_itself_stops_the_task(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    with serving(tmp_path / "data") as server:
        source = source_of(index_of(tmp_path, *crawl), f"{server.endpoint}/loop")
        with pytest.raises(OperationError, match="redirects to itself"):
            fetch(source)
        assert len(server.log) < 100


def test_a_server_without_ranges_stops_the_task(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    with (
        serving(tmp_path / "data", knows_ranges=False) as server,
        pytest.raises(OperationError, match="the server answers no range requests"),
    ):
        fetch(source_of(index_of(tmp_path, crawl[2]), server.endpoint))


def errors(rows: Ports) -> list[str]:
    return [row["error"] for row in rows["quarantine"]]


@pytest.mark.parametrize("root", ["folder", "server"])
class TestWrongRanges:
    """Each costs its own row, which goes to quarantine with a reason; the rows beside it stay."""

    def fetched(self, root: str, folder: Path, crawl: list[dict[str, Any]], **changed: Any) -> str:
        changed = {name: value for name, value in changed.items() if value is not None}
        index = index_of(folder, crawl[0], crawl[1] | changed, crawl[2])
        with serving(folder / "data") as server:
            rows = fetch(source_of(index, folder / "data" if root == "folder" else server.endpoint))
        assert numbers(rows) == [0, 2]
        [error] = errors(rows)
        return error

    def test_an_offset_inside_of_a_record(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        offset = int(crawl[1]["offset"]) + 3
        error = self.fetched(root, tmp_path, crawl, offset=str(offset))
        assert "bytes is no whole record: here is no WARC record" in error
        assert error.endswith("(https://www.example.com/b)")

    def test_a_range_that_is_too_short(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        error = self.fetched(root, tmp_path, crawl, length=str(int(crawl[1]["length"]) - 9))
        assert "is no whole record: the file ends inside this gzip member" in error

    def test_a_range_over_two_records(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        both = int(crawl[1]["length"]) + int(crawl[2]["length"])
        assert "holds more than one record" in self.fetched(root, tmp_path, crawl, length=str(both))

    def test_a_range_behind_the_end(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        error = self.fetched(root, tmp_path, crawl, offset=str(10**15))
        assert "the file ends after 0 of the record's" in error

    def test_a_range_over_the_end(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        error = self.fetched(root, tmp_path, crawl, offset=str(int(crawl[2]["offset"]) + 9), length="5000000")
        assert "of the record's 5,000,000 bytes" in error

    def test_a_file_that_is_not_there(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        error = self.fetched(root, tmp_path, crawl, filename=f"{CRAWL}/z.warc.gz")
        assert error == f"there is no file {CRAWL}/z.warc.gz (https://www.example.com/b)"

    def test_another_digest(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        error = self.fetched(root, tmp_path, crawl, digest="A" * 32)
        assert f"the payload has the SHA-1 {crawl[1]['digest']}, and not {'A' * 32} as the index says" in error

    def test_another_page_where_there_is_no_digest(
        self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]
    ) -> None:
        place = {name: crawl[3][name] for name in ("filename", "offset", "length")}
        error = self.fetched(root, tmp_path, crawl, digest="-", **place)
        assert "the record is of another page, http://example.org:8080/zh" in error

    def test_a_file_that_has_changed(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        path = tmp_path / "data" / CRAWL / "x.warc.gz"
        data = bytearray(path.read_bytes())
        data[int(crawl[1]["offset"]) + 20] ^= 0x55
        path.write_bytes(data)
        assert "no whole record" in self.fetched(root, tmp_path, crawl)

    def test_a_record_that_is_no_page(self, root: str, tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
        path = tmp_path / "data" / CRAWL / "z.warc.gz"
        data = member(URLS[1], b"", "request")
        path.write_bytes(data)
        place = {"filename": f"{CRAWL}/z.warc.gz", "offset": 0, "length": len(data)}
        assert "of the type 'request' and holds no page" in self.fetched(root, tmp_path, crawl, **place)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"filename": "../../etc/passwd"}, "names the file '../../etc/passwd', which is no path of a WARC file"),
        ({"filename": "/etc/passwd"}, "names the file '/etc/passwd'"),
        ({"filename": "a/%2e%2e/b"}, "names the file"),
        ({"filename": "a/./b"}, "names the file"),
        ({"filename": "a//b"}, "names the file"),
        ({"filename": "http://other.example/a.warc.gz"}, "names the file"),
        ({"filename": "a?b"}, "names the file"),
        ({"filename": "a\nb"}, "names the file"),
        ({"filename": "a" * 2000}, "names the file"),
        ({"filename": None}, "names the file ''"),
        ({"filename": ["a"] * 3}, "names the file 'a, a, a'"),
        ({"filename": {"a": 1}}, "'filename' is a mapping, not text"),
        ({"offset": "-1"}, "gives the offset '-1'"),
        ({"offset": -1}, "gives the offset '-1'"),
        ({"offset": 1.5}, "gives the offset '1.5'"),
        ({"offset": "9" * 30}, "gives the offset '999999999999999999999999999999'"),
        ({"offset": True}, "'offset' is true or false, not text"),
        ({"length": 0}, "gives the length '0'"),
        ({"length": "-5"}, "gives the length '-5'"),
        ({"length": str(1 << 40)}, "gives the length '1099511627776'"),
        ({"length": "٣"}, "gives the length '٣'"),
    ],
)
def test_hostile_rows_are_quarantined_and_ask_for_nothing(
    tmp_path: Path, crawl: list[dict[str, Any]], changed: dict[str, Any], error: str
) -> None:
    index = index_of(tmp_path, crawl[0], crawl[1] | changed, crawl[2])
    with serving(tmp_path / "data") as server:
        rows = fetch(source_of(index, server.endpoint, merge_gap=0), 100)
        assert len(ranges(server, "")) == 2
    assert numbers(rows) == [0, 2]
    [row] = rows["quarantine"]
    assert error in row["error"]
    assert row["locator"] == {"file": "i.jsonl", "record": len(api(crawl[:1])), "offset": None}


def test_lines_that_are_no_index_rows_cost_themselves_alone(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    lines = [b"\n", b"com,example)/ 20240101\n", b"k 1 {broken\n", b"\xff\xfe\n", b"k 1 [1]\n", b"[" * 99_999 + b"\n"]
    path = tmp_path / "a.cdxj"
    path.write_bytes(b"".join(lines) + cdxj(crawl[:1]) + b"x" * (2 << 20))
    rows = fetch(source_of(path, tmp_path / "data"))
    assert numbers(rows) == [0]
    assert len(errors(rows)) == 6
    assert errors(rows)[1] == "this is no line of an index: 'k 1 {broken\\n'"
    assert "more than the limit" in errors(rows)[-1]


def test_a_file_that_is_no_index_is_a_bounded_quarantine(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"no index\n" * 10_500)
    rows = fetch(source_of(path, tmp_path))
    assert len(rows["quarantine"]) == 10_000
    assert errors(rows)[-1].endswith("; and 500 further rows are no index rows")


@pytest.mark.parametrize("name", ["a.parquet", "a.cdxj.gz"])
def test_a_damaged_index_is_quarantined_from_the_damage_on(
    tmp_path: Path, crawl: list[dict[str, Any]], name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(cdxj(crawl))[:-50] if name.endswith("gz") else b"PAR1 no parquet PAR1")
    rows = fetch(source_of(path, tmp_path / "data"))
    assert "can be read no further than" in errors(rows)[-1]


def test_a_record_that_is_named_twice_is_fetched_once(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    rows = fetch(source_of(index_of(tmp_path, *crawl, *crawl[:2]), tmp_path / "data"), 100)
    assert numbers(rows) == [0, 1, 2, 3, 4, 5]
    assert [row["reason"] for row in rows["dropped"]] == ["repeated", "repeated"]


def test_an_index_that_lacks_what_the_recipe_asks_for_is_refused(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    columnar(tmp_path / "i.parquet", crawl)
    small = pq.read_table(tmp_path / "i.parquet", columns=["warc_filename", "warc_record_offset", "warc_record_length"])
    pq.write_table(small, tmp_path / "i.parquet")
    assert numbers(fetch(source_of(tmp_path / "i.parquet", tmp_path / "data"))) == [0, 1, 2, 3, 4, 5]
    with pytest.raises(DataError, match="has no column 'content_languages', which the recipe asks for"):
        slices(source_of(tmp_path / "i.parquet", tmp_path / "data", languages=["eng"]))


def test_an_index_that_is_written_anew_is_read_anew(tmp_path: Path, crawl: list[dict[str, Any]]) -> None:
    assert numbers(fetch(source_of(index_of(tmp_path, crawl[0]), tmp_path / "data"))) == [0]
    assert numbers(fetch(source_of(index_of(tmp_path, crawl[1]), tmp_path / "data"))) == [1]


@pytest.mark.parametrize(
    "index", [{"hosts": ["https://a.example"]}, {"languages": ["en"]}, {"requests": 0}, {"crawls": ["../x"]}, {"x": 1}]
)
def test_settings_that_make_no_sense_are_refused(index: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IndexConfig.model_validate(index)
    with pytest.raises(ValidationError, match="only a source with `format: cc_index` has one"):
        SourceConfig.model_validate({"name": "x", "path": "x", "kind": "pages", "index": {}})


@pytest.mark.parametrize(
    ("config", "urls"),
    [
        ({"domains": ["example.com"]}, ["http://EXAMPLE.com", "https://u:p@a.b.example.com:81/x#y", "//example.com/"]),
        ({"hosts": ["example.com"]}, ["http://example.com?x", "http://example.com:80/"]),
        ({"url_prefixes": ["https://example.com/a"]}, ["http://example.com/a", "https://example.com/ab"]),
    ],
)
def test_places_are_told_by_their_host(config: dict[str, Any], urls: list[str]) -> None:
    selection = Selection(IndexConfig.model_validate(config))
    assert [url for url in urls if not selection.takes({"url": url})] == []
    others = ["http://example.com.evil.example/", "http://evil.example/?http://example.com/a", "example.com", ""]
    assert [url for url in others if selection.takes({"url": url})] == []


def test_keys_are_ranges_that_hold_every_key_of_a_place() -> None:
    wanted = IndexConfig(domains=("example.com",), hosts=("www.a.org", "10.0.0.1"))
    assert surt_ranges(wanted) == [
        ("10.0.0.1)", "10.0.0.1-"),
        ("10.0.0.1:", "10.0.0.1;"),
        ("com,example)", "com,example-"),
        ("com,example:", "com,example;"),
        ("org,a)", "org,a-"),
        ("org,a,www)", "org,a,www-"),
        ("org,a,www:", "org,a,www;"),
        ("org,a:", "org,a;"),
    ]
    assert surt_ranges(IndexConfig(url_prefixes=("https://exam",))) is None
