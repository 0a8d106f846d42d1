import gzip
import random
import zlib
from pathlib import Path

import brotli
import pytest
import zstandard

from mathmill.core.schemas import DOCUMENT, DROPPED, PAGE, QUARANTINE, record_id
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice
from mathmill.curation.readers.headers import parse_headers

WEB = Path(__file__).parents[2].parent / "shared" / "data" / "web"
SCHEMAS = {"out": PAGE, "dropped": DROPPED, "quarantine": QUARANTINE}


def record(
    block=b"", uri="http://a.example/", type_="response", stored="application/http", length=None, newline=b"\r\n"
):
    lines = [
        "WARC/1.0",
        f"WARC-Type: {type_}",
        f"WARC-Target-URI: {uri}",
        "WARC-Date: 2026-01-02T03:04:05Z",
        f"Content-Type: {stored}",
        f"Content-Length: {len(block) if length is None else length}",
    ]
    head = b"".join(line.encode() + newline for line in lines)
    return head + newline + block + newline * 2


def http(body, *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html; charset=utf-8", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def page(number, **options):
    return record(http(body_of(number)), uri=f"http://a.example/{number}", **options)


def body_of(number):
    noise = random.Random(number)
    return f"<p>page {number} {noise.randbytes(200).hex()}</p>".encode()


def members(*records):
    return b"".join(gzip.compress(item, mtime=0) for item in records)


def read(folder, data, name="crawl.warc.gz", kind="pages", **limits):
    path = folder / name
    path.write_bytes(data)
    source = SourceConfig(name="web", path=str(path), kind=kind)
    rows = {"out": [], "dropped": [], "quarantine": []}
    for file in list_files(source):
        for slice_ in plan_slices(file, source, 1 << 16):
            for port, batch in read_slice(source, slice_, **limits):
                assert batch.schema == (DOCUMENT if kind == "documents" and port == "out" else SCHEMAS[port])
                batch.validate(full=True)
                rows[port] += batch.to_pylist()
    return rows


def urls(rows):
    return [row["url"].removeprefix("http://a.example/") for row in rows["out"]]


def only_error(rows):
    [row] = rows["quarantine"]
    assert row["stage"] == "read"
    return row["error"]


def test_a_page_carries_address_date_type_and_the_place_it_came_from(tmp_path):
    first = page(0)
    rows = read(tmp_path, members(first, page(1)))
    assert rows["out"][1] == {
        "doc_id": record_id("web", "crawl.warc.gz", 1),
        "url": "http://a.example/1",
        "source": "web",
        "license": None,
        "crawl_date": "2026-01-02T03:04:05Z",
        "locator": {"file": "crawl.warc.gz", "record": 1, "offset": len(members(first))},
        "content_type": "text/html; charset=utf-8",
        "html": body_of(1),
    }
    assert rows["dropped"] == rows["quarantine"] == []


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("crawl.warc.gz", lambda *records: members(*records)),
        ("crawl.warc.gz", lambda *records: gzip.compress(b"".join(records))),
        ("crawl.warc", lambda *records: b"".join(records)),
        ("crawl.warc.gz", lambda *records: b"".join(records)),  # not compressed, whatever its name
    ],
)
class TestEveryPacking:
    def test_records_are_read_in_order(self, tmp_path, name, pack):
        rows = read(tmp_path, pack(*map(page, range(30))), name)
        assert urls(rows) == [str(i) for i in range(30)]
        assert [row["html"] for row in rows["out"]] == [body_of(i) for i in range(30)]
        assert rows["quarantine"] == []

    @pytest.mark.parametrize("false", [0, 7, 900, 5_000, 10**7, 10**12, "", "-5", "x"])
    def test_a_false_length_costs_no_neighbour(self, tmp_path, name, pack, false):
        rows = read(tmp_path, pack(page(0), page(1, length=false), page(2), page(3)), name)
        assert urls(rows) == ["0", "2", "3"]
        assert [row["html"] for row in rows["out"]] == [body_of(0), body_of(2), body_of(3)]
        error = only_error(rows)
        assert "the record declares" in error
        assert error.endswith("(http://a.example/1)")
        assert rows["quarantine"][0]["locator"]["record"] == 1

    def test_a_false_length_of_the_last_record_costs_no_neighbour(self, tmp_path, name, pack):
        rows = read(tmp_path, pack(page(0), page(1), page(2, length=600)), name)
        assert urls(rows) == ["0", "1"]
        assert "declares 600 bytes" in only_error(rows)

    def test_two_headers_spliced_by_a_loss_of_bytes_make_no_page(self, tmp_path, name, pack):
        head, _, _ = page(1).partition(b"Content-Type")
        _, _, rest = page(2).partition(b"WARC/1.0\r\n")
        rows = read(tmp_path, pack(page(0), head + rest, page(3)), name)
        assert urls(rows) == ["0", "3"]
        assert "declares the type 'response, response'" in only_error(rows)

    def test_a_damaged_request_costs_no_neighbour(self, tmp_path, name, pack):
        request = record(b"GET / HTTP/1.1\r\n\r\n", type_="request", length=3)
        rows = read(tmp_path, pack(page(0), request, page(2)), name)
        assert urls(rows) == ["0", "2"]
        assert "declares 3 bytes" in only_error(rows)

    def test_garbage_between_records_costs_no_neighbour(self, tmp_path, name, pack):
        rows = read(tmp_path, pack(page(0), b"garbage WARC/1.0 \r\n\r\n" * 300, page(1)), name)
        assert urls(rows) == ["0", "1"]
        assert "here is no WARC record" in only_error(rows)

    def test_a_record_over_the_limit_is_quarantined_and_its_neighbours_stay(self, tmp_path, name, pack):
        big = record(http(b"<p>" + random.Random(0).randbytes(3 << 20).hex().encode()), uri="http://a.example/big")
        rows = read(tmp_path, pack(page(0), big, page(2)), name, max_record_bytes=1 << 20)
        assert urls(rows) == ["0", "2"]
        assert "more than the limit of 1,048,576" in only_error(rows)

    def test_a_page_about_warc_is_read_whole(self, tmp_path, name, pack):
        body = b"<pre>\r\n\r\n" + page(7) + b"</pre>"
        rows = read(tmp_path, pack(page(0), record(http(body)), page(2)), name)
        assert [row["html"] for row in rows["out"]] == [body_of(0), body, body_of(2)]
        assert rows["quarantine"] == []

    def test_truncation_anywhere_keeps_what_came_before(self, tmp_path, name, pack):
        data = pack(page(0), page(1))
        end = len(pack(page(0)))
        for cut in range(len(data) - 9, end // 2, -41):
            rows = read(tmp_path, data[:cut], name)
            assert urls(rows) in (["0", "1"], ["0"], [])
            assert "0" in urls(rows) or cut < end + 50
            assert "1" in urls(rows) or cut <= end or len(rows["quarantine"]) == 1


def test_a_flipped_byte_anywhere_costs_one_gzip_member_at_most(tmp_path):
    parts = [members(page(i)) for i in range(4)]
    start = len(parts[0])
    for position in range(0, len(parts[1]), 7):
        damaged = bytearray(b"".join(parts))
        damaged[start + position] ^= 0x55
        rows = read(tmp_path, bytes(damaged))
        assert [url for url in urls(rows) if url != "1"] == ["0", "2", "3"]
        assert all(row["html"] == body_of(int(row["url"][-1])) for row in rows["out"])
        assert len(rows["quarantine"]) == (0 if "1" in urls(rows) else 1)


def test_a_damaged_first_byte_costs_the_first_record_alone(tmp_path):
    rows = read(tmp_path, b"\x00" + members(page(0), page(1), page(2))[1:])
    assert urls(rows) == ["1", "2"]
    assert "no gzip member" in only_error(rows)


def test_a_lost_stretch_is_one_quarantine_row_with_its_offset(tmp_path):
    parts = [members(page(i)) for i in range(5)]
    lost = random.Random(1).randbytes(5_000)
    rows = read(tmp_path, parts[0] + lost + members(b"no record") * 3 + lost + parts[1] + parts[2])
    assert urls(rows) == ["0", "1", "2"]
    [row] = rows["quarantine"]
    assert row["locator"] == {"file": "crawl.warc.gz", "record": 1, "offset": len(parts[0])}
    assert row["id"] == record_id("web", "crawl.warc.gz", 1)


def test_a_truncated_last_member_is_quarantined(tmp_path):
    rows = read(tmp_path, members(page(0), page(1))[:-30])
    assert urls(rows) == ["0"]
    assert "the file ends inside this gzip member" in only_error(rows)


@pytest.mark.parametrize(
    "data",
    [
        b"<html>not found</html>",
        b"\x89PNG" + bytes(5_000),
        gzip.compress(b"a,b\n1,2\n" * 1_000, mtime=0),
        members(*[b"no record %d" % i for i in range(50)]),
        b"\x1f\x8b\x08" * 1_000,
        bytes(3_000),
        b"\n",
    ],
)
def test_a_file_that_is_no_warc_is_one_quarantine_row_that_names_it(tmp_path, data):
    rows = read(tmp_path, data)
    assert rows["out"] == []
    assert "crawl.warc.gz is not a WARC file" in only_error(rows)


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz", "crawl.warc.wet.gz"])
@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0)])
def test_an_empty_file_has_no_rows(tmp_path, name, data):
    kind = "documents" if "wet" in name else "pages"
    assert read(tmp_path, data, name, kind) == {"out": [], "dropped": [], "quarantine": []}


def test_zeros_behind_the_last_record_are_padding(tmp_path):
    rows = read(tmp_path, members(page(0)) + bytes(3 << 20))
    assert urls(rows) == ["0"]
    assert rows["quarantine"] == []


def test_other_statuses_are_dropped_with_their_number_and_other_records_are_counted_only(tmp_path):
    records = [
        record(b"software: x\r\n", type_="warcinfo", stored="application/warc-fields"),
        record(b"GET / HTTP/1.1\r\n\r\n", type_="request"),
        record(http(b"<p>gone</p>", status="404 Not Found")),
        page(3),
        record(b"ip: 1", type_="metadata"),
        record(b"", type_="revisit"),
        record(b"20260101 a.example", type_="response", stored="text/dns"),
        record(http(b"", status="301 Moved")),
    ]
    rows = read(tmp_path, members(*records))
    assert [(row["url"], row["locator"]["record"]) for row in rows["out"]] == [("http://a.example/3", 3)]
    assert [(row["reason"], row["detail"]) for row in rows["dropped"]] == [
        ("http_status", "404"),
        ("http_status", "301"),
    ]
    assert rows["dropped"][1]["id"] == record_id("web", "crawl.warc.gz", 7)
    assert rows["quarantine"] == []


def test_images_and_empty_bodies_are_dropped(tmp_path):
    image = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"
    rows = read(tmp_path, members(record(image), record(http(b" \n")), record(http(b"")), record(b"HTTP/1.0 200\r\n")))
    assert [(row["reason"], row["detail"]) for row in rows["dropped"]] == [
        ("not_html", "image/png"),
        ("empty", None),
        ("empty", None),
        ("empty", None),
    ]


def test_a_resource_that_holds_html_is_a_page(tmp_path):
    html = record(b"<p>x</p>", type_="resource", stored="text/html; charset=gbk")
    css = record(b"p {}", type_="resource", stored="text/css")
    rows = read(tmp_path, members(html, css))
    assert [(row["html"], row["content_type"]) for row in rows["out"]] == [(b"<p>x</p>", "text/html; charset=gbk")]


def test_a_response_without_a_status_line_is_quarantined(tmp_path):
    rows = read(tmp_path, members(record(b"<p>x</p>"), page(1)))
    assert urls(rows) == ["1"]
    assert only_error(rows) == "the record has no HTTP status line (http://a.example/)"


def test_clueweb_headers_with_bare_newlines_are_read(tmp_path):
    block = b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n<p>x</p>\n"
    old = record(block, newline=b"\n").replace(b"WARC/1.0", b"WARC/0.18")
    rows = read(tmp_path, old * 3, "crawl.warc")
    assert [row["html"] for row in rows["out"]] == [b"<p>x</p>\n"] * 3
    assert rows["quarantine"] == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (
            "WARC-Type: response\r\nX-Content-Type: a\r\nContent-Length:  12 ",
            {"WARC-Type": "response", "Content-Length": "12"},
        ),
        ("content-type: text/html\nCONTENT-ENCODING : gzip", {"Content-Type": "text/html", "Content-Encoding": "gzip"}),
        ("WARC-Date: 1\r\nWARC-Type: response\r\nwarc-date: 2", {"WARC-Date": "1, 2", "WARC-Type": "response"}),
        ("X-A: b\r\n c\r\nContent-Type: text/html;\r\n\tcharset=gbk", {"Content-Type": "text/html; charset=gbk"}),
        ("Content-Type:\r\nContent-Length: 3", {"Content-Type": "", "Content-Length": "3"}),
        ("WARC-Target-URI: :a: b", {"WARC-Target-URI": ":a: b"}),
        ("no field at all\r\nContent-Typed: a", {}),
    ],
)
def test_the_header_fields_that_are_asked_for_are_found_however_they_are_written(lines: str, found: dict[str, str]):
    headers = parse_headers(b"WARC/1.0\r\n" + lines.encode() + b"\r")
    assert {name.decode(): value.decode() for name, value in headers.items()} == found


def test_folded_headers_brackets_and_odd_spelling_are_read(tmp_path):
    data = page(0).replace(b"WARC-Target-URI: http://a.example/0", b"warc-target-uri:\r\n <http://a.example/0>")
    assert urls(read(tmp_path, members(data))) == ["0"]


BODY = b"<p>caf\xc3\xa9</p>" * 50
RAW = zlib.compressobj(wbits=-15)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("x-gzip", gzip.compress(BODY[:99], mtime=0) + gzip.compress(BODY[99:], mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", RAW.compress(BODY) + RAW.flush()),
        ("br", brotli.compress(BODY)),
        ("zstd", zstandard.compress(BODY)),
        ("deflate, gzip", gzip.compress(zlib.compress(BODY), mtime=0)),
        ("identity", BODY),
        ("utf-8", BODY),
        ("gzip", BODY),  # the crawler decoded the body and kept the header
        ("deflate", BODY),
        ("br", BODY),
        ("zstd", BODY),
    ],
)
def test_content_encodings_are_undone_where_the_body_has_them(tmp_path, encoding, body):
    rows = read(tmp_path, members(record(http(body, f"Content-Encoding: {encoding}"))))
    assert [row["html"] for row in rows["out"]] == [BODY]


def bomb(encoding):
    size = 3 << 20
    if encoding == "br":
        return brotli.compress(bytes(size))
    if encoding == "zstd":
        return zstandard.compress(bytes(size))
    return gzip.compress(bytes(size)) if encoding == "gzip" else zlib.compress(bytes(size))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_zip_bomb_is_quarantined_and_its_neighbours_stay(tmp_path, encoding):
    packed = record(http(bomb(encoding), f"Content-Encoding: {encoding}"))
    rows = read(tmp_path, members(page(0), packed, page(2)), max_record_bytes=1 << 20)
    assert urls(rows) == ["0", "2"]
    assert only_error(rows) == "the body expands beyond 1,048,576 bytes (http://a.example/)"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_compressed_body_that_breaks_off_is_quarantined(tmp_path, encoding):
    cut = bomb(encoding)[:-6]
    rows = read(tmp_path, members(page(0), record(http(cut, f"Content-Encoding: {encoding}")), page(2)))
    assert urls(rows) == ["0", "2"]
    assert "the " in only_error(rows)


def test_a_member_that_expands_without_end_is_quarantined(tmp_path):
    rows = read(tmp_path, members(page(0), record(bytes(5 << 20)), page(2)), max_record_bytes=1 << 20)
    assert urls(rows) == ["0", "2"]
    assert "more than the limit" in only_error(rows)


@pytest.mark.parametrize(
    ("body", "html"),
    [
        (b"5\r\n<p>ab\r\n4;x=y\r\n</p>\r\n0\r\nTrailer: x\r\n\r\n", b"<p>ab</p>"),
        (b"5\n<p>ab\n4\n</p>\n0\n\n", b"<p>ab</p>"),
        (b"5\r\n<p>ab\r\n4\r\n</p>\r\n", b"<p>ab</p>"),  # without the last, empty chunk
        (b"<p>plain</p>", b"<p>plain</p>"),
        (
            b"12\r\n<p>twelve is not the length of a chunk here</p>",
            b"12\r\n<p>twelve is not the length of a chunk here</p>",
        ),
    ],
)
def test_chunks_are_joined_where_there_are_chunks(tmp_path, body, html):
    rows = read(tmp_path, members(record(http(body, "Transfer-Encoding: chunked"))))
    assert [row["html"] for row in rows["out"]] == [html]


@pytest.mark.parametrize("body", [b"5\r\n<p>ab\r\nffff\r\n</p>", b"ffff\r\n<p>ab", b"5\r\n<p>ab\r\ngarbage"])
def test_chunks_that_break_off_are_quarantined(tmp_path, body):
    rows = read(tmp_path, members(record(http(body, "Transfer-Encoding: chunked")), page(1)))
    assert urls(rows) == ["1"]
    assert "the chunked body breaks off" in only_error(rows)


def test_a_page_of_50_megabytes_is_a_batch_of_its_own(tmp_path):
    html = b"<p>" + b"0123456789" * 5_000_000
    path = tmp_path / "big.warc.gz"
    path.write_bytes(gzip.compress(page(0), 1) + gzip.compress(record(http(html)), 1) + gzip.compress(page(2), 1))
    source = SourceConfig(name="web", path=str(path), kind="pages")
    [file] = list_files(source)
    [slice_] = plan_slices(file, source, 1)
    batches = [batch for _, batch in read_slice(source, slice_)]
    assert [batch.num_rows for batch in batches] == [1, 1, 1]
    assert batches[1].column("html")[0].as_py() == html


def test_batches_are_bounded_by_bytes_and_their_size_changes_no_row(tmp_path):
    data = members(*map(page, range(40)))
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(data)
    source = SourceConfig(name="web", path=str(path), kind="pages")
    [slice_] = plan_slices(list_files(source)[0], source, 1 << 20)
    batches = [batch for _, batch in read_slice(source, slice_, batch_bytes=2_000)]
    assert max(sum(map(len, batch.column("html").to_pylist())) for batch in batches) <= 2_000
    whole = [row for _, batch in read_slice(source, slice_) for row in batch.to_pylist()]
    assert [row for batch in batches for row in batch.to_pylist()] == whole


def test_each_of_many_false_lengths_costs_one_record(tmp_path):
    uri = "http://a.example/{:05}" + "x" * (256 - len(record(b"x", uri="http://a.example/00000", length=1 << 20)))
    liars = [record(b"x", uri=uri.format(i), length=(1 << 20) + 40) for i in range(20_000)]  # ends in a later header
    rows = read(tmp_path, b"".join(liars), "crawl.warc")
    assert len(rows["quarantine"]) == 20_000
    assert rows["out"] == []


def test_a_wet_file_gives_documents_with_formulas(tmp_path):
    text = "Solve $x^2=1$.\n解：$x=\\pm 1$ 花费 $5 左右"
    data = members(
        record(b"software: x\r\n", type_="warcinfo"),
        record(text.encode() + b"\xff", type_="conversion", stored="text/plain"),
        record(b" \n", type_="conversion", stored="text/plain"),
    )
    rows = read(tmp_path, data, "crawl.warc.wet.gz", "documents")
    [document] = rows["out"]
    assert document["text"] == text + "\ufffd"
    spans = [document["text"][formula["start"] : formula["end"]] for formula in document["formulas"]]
    assert spans == ["$x^2=1$", "$x=\\pm 1$"]
    assert document["formula_counts"] == [{"encoding": "tex", "found": 2, "kept": 2}]
    assert document["lang"] is None
    assert [row["reason"] for row in rows["dropped"]] == ["empty"]


@pytest.mark.skipif(not WEB.is_dir(), reason="the shared real pages are not here")
def test_real_pages_are_the_ones_that_fastwarc_reads():
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    source = SourceConfig(name="web", path=str(WEB / "n*.warc.gz"), kind="pages")
    ours, theirs = [], []
    for file in list_files(source):
        for slice_ in plan_slices(file, source, 1 << 24):
            for port, batch in read_slice(source, slice_):
                assert port == "out"
                ours += zip(batch["url"].to_pylist(), batch["html"].to_pylist(), strict=True)
        with open(file.path, "rb") as handle:
            for item in ArchiveIterator(handle, WarcRecordType.response):
                theirs.append((item.headers["WARC-Target-URI"], item.reader.read()))
    assert len(ours) == 515
    assert ours == theirs
