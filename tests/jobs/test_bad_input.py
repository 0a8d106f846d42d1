"""Bad input through the command line: a clear sentence or a quarantined record, and never a lost neighbour.

What damages records is all in one run over one folder of crawl files, one of JSON lines and one of Parquet files; each
bad thing stands between good pages that must come out. What stops a run is a run of its own.
"""

import codecs
import gzip
import html
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from isal import isal_zlib

Mathmill = Callable[..., "subprocess.CompletedProcess[str]"]

GIB = 1 << 30
BOMB_BYTES = 2 * GIB  # of zeros, in each of the bombs
MEMORY_BYTES = GIB  # that no process may reach, whatever it is given

RECIPE = """\
name: bad
sources:
  - {name: crawl, path: crawl, kind: pages}
  - {name: lines, path: lines, kind: documents}
  - {name: tables, path: tables, kind: documents}
stages: [extract]
problems: [extract_problems]
tokenize: {tokenizer: "mathmill:demo/tokenizer.json"}
shards: {seq_len: 256}
task_bytes: 8000000
"""


def good_text(name: str) -> str:
    return f"A good page, {name}. The equation $x^2 - 5x + 6 = 0$ has the roots $x = 2$ and $x = 3$, as everybody knows."


def page(body: str | bytes, charset: str = "utf-8") -> bytes:
    content = body if isinstance(body, bytes) else body.encode(charset)
    return b"<html><head><title>t</title></head><body><p>" + content + b"</p></body></html>"


def record(name: str, body: bytes, *headers: str, length: int | str | None = None) -> bytes:
    """A WARC response; `length` is what it declares instead of the truth."""
    http = "\r\n".join(["HTTP/1.1 200 OK", *(headers or ("Content-Type: text/html",)), "", ""]).encode() + body
    head = [
        "WARC/1.0",
        "WARC-Type: response",
        f"WARC-Target-URI: http://pages.example/{name}",
        "WARC-Date: 2026-01-02T03:04:05Z",
        "Content-Type: application/http; msgtype=response",
        f"Content-Length: {len(http) if length is None else length}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + http + b"\r\n\r\n"


def good(name: str) -> bytes:
    return record(name, page(good_text(name)))


def members(*records: bytes) -> bytes:
    return b"".join(gzip.compress(item, 1) for item in records)


def zeros(prefix: bytes = b"", size: int = BOMB_BYTES) -> bytes:
    """A gzip member of `prefix` and `size` zeros: some megabytes for two gibibytes."""
    packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    parts = [packer.compress(prefix)]
    parts += [packer.compress(bytes(1 << 24)) for _ in range(size >> 24)]
    return b"".join([*parts, packer.flush()])


def tables_file(*names: str) -> bytes:
    sink = pa.BufferOutputStream()
    table = pa.table({"text": [good_text(name) for name in names], "number": list(range(len(names)))})
    pq.write_table(table, sink, row_group_size=1, compression="none")
    return sink.getvalue().to_pybytes()


GBK = "设函数的导数在区间上恒大于零，求证该函数在此区间上单调递增，并求它的最小值与最大值。" * 3
BIG5 = "設函數的導數在區間上恆大於零，求證該函數在此區間上單調遞增，並求它的最小值與最大值。" * 3
RUSSIAN = "Пусть функция возрастает на отрезке, докажите, что уравнение имеет ровно один корень. " * 3
HEBREW = "תהי פונקציה רציפה בקטע סגור, הוכיחו כי היא חסומה בו ומקבלת בו מקסימום. \u202eabc\u202c $x^2 > 0$"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
SPACED = "课程 讲义 (1) <img src=x onerror=alert(3)>"

CHARSETS = {
    "utf-8-called-gbk": (GBK.encode(), "gbk", GBK),
    "gbk-called-gbk": (GBK.encode("gbk"), "gbk", GBK),
    "gbk-called-utf-8": (GBK.encode("gbk"), "utf-8", GBK),
    "big5-called-big5": (BIG5.encode("big5"), "big5", BIG5),
    "cp1251-called-nothing": (RUSSIAN.encode("cp1251"), None, RUSSIAN),
    "utf-8-called-nonsense": (RUSSIAN.encode(), "unicode_escape", RUSSIAN),
    "cp1251-called-utf-8": (RUSSIAN.encode("cp1251"), "utf-8", RUSSIAN),
}


def crawl_files() -> dict[str, bytes]:
    """Every bad thing in a WARC file between two good pages, `<file>-a` and `<file>-b`."""
    last, middle = record("cut-end", page(good_text("cut"))), record("cut-middle", page(good_text("cut")))
    bad = page(good_text("bad"))
    deep = "<div>" * 100_000 + good_text("deep") + "</div>" * 100_000
    body = gzip.compress(page(good_text("inside")))
    lengths: dict[str, int | str] = {"long": 5000, "longest": 10**17, "short": 90, "negative": -1, "word": "many"}
    files = {
        "cut-end.warc.gz": members(good("cut-end-a"), good("cut-end-b")) + gzip.compress(last)[:-40],
        "cut-middle.warc.gz": members(good("cut-middle-a"))
        + gzip.compress(middle)[:-60]
        + members(good("cut-middle-b")),
        "huge.warc.gz": members(good("huge-a"), record("huge", page("<p>x</p>" * 6_500_000)), good("huge-b")),
        "nested.warc.gz": members(good("nested-a"), record("nested", page(deep)), good("nested-b")),
        "bomb-member.warc.gz": members(good("bomb-member-a"))
        + zeros(record("bomb-member", b"", length=BOMB_BYTES))
        + members(good("bomb-member-b")),
        "bomb-body.warc.gz": members(
            good("bomb-body-a"),
            record("bomb-body", zeros(), "Content-Type: text/html", "Content-Encoding: gzip"),
            record("cut-body", body[:-20], "Content-Type: text/html", "Content-Encoding: gzip"),
            good("bomb-body-b"),
        ),
        "empty.warc": b"",
        "empty.warc.gz": b"",
        "hollow.warc.gz": gzip.compress(b""),
        "no-warc.warc.gz": b"this is not even compressed\n" * 100,
        "whole.warc.gz": gzip.compress(good("whole-a") + record("whole", bad) + good("whole-b")),
        f"{SPACED}.warc.gz": members(good("spaced-a"), good("spaced-b")),
        "texts.warc.gz": members(
            good("texts-a"),
            record("nul", page(good_text("nul").replace("good", "go\0od"))),
            record("rtl", page(HEBREW)),
            record("script", page(html.escape(SCRIPT) + good_text("script"))),
            record("surrogate", page(b"&#xD800; &#xDFFF; \xed\xa0\x80 " + good_text("surrogate").encode())),
            good("texts-b"),
        ),
    }
    for how, length in lengths.items():
        records = [good(f"{how}-a"), record(how, bad, length=length), good(f"{how}-b")]
        files[f"{how}.warc"] = b"".join(records)
        files[f"{how}.warc.gz"] = members(*records)
    pages = []
    for name, (content, charset, _) in CHARSETS.items():
        kind = "text/html" + (f"; charset={charset}" if charset else "")
        pages.append(record(name, page(content), f"Content-Type: {kind}"))
    files["charsets.warc.gz"] = members(good("charsets-a"), *pages, good("charsets-b"))
    return files


def line(name: str) -> bytes:
    return json.dumps({"text": good_text(name), "url": f"http://pages.example/{name}"}).encode() + b"\n"


def lines_files() -> dict[str, bytes]:
    """The same in JSON lines."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    bomb = b"".join(
        [
            compressor.compress(line("bomb-zst-a")),
            *(compressor.compress(bytes(1 << 24)) for _ in range(BOMB_BYTES >> 24)),
            compressor.compress(b"\n" + line("bomb-zst-b")),
            compressor.flush(),
        ]
    )
    odd = {
        "surrogates": '{"text": "\\ud800 lone %s \\udfff", "url": "http://pages.example/surrogates"}',
        "zero": '{"text": "\\u0000 %s", "url": "http://pages.example/zero"}',
        "list": '["%s"]',
        "number": '{"text": 12, "also": "%s"}',
        "unclosed": '{"text": "%s',
        "nothing": '{"title": "%s"}',
        "deep": "[" * 100_000 + '{"text": "%s"}',
        "binary": "\x00\x01\x02%s",
        "large": '{"text": "%s", "n": 1' + "0" * 10_000 + "}",
        "nan": '{"text": "%s", "n": NaN, "url": "http://pages.example/nan"}',
    }
    broken = [line("broken-a")]
    for name, form in odd.items():
        broken += [form.replace("%s", good_text(name).replace("\\", "")).encode() + b"\n", line(f"broken-{name}")]
    broken += [b'{"text": "\xff\xfe\xc3\x28 ' + good_text("bytes").encode() + b'", "url": "http://pages.example/bytes"}\n']
    broken += [
        json.dumps({"text": SCRIPT + good_text("json"), "url": f"http://pages.example/{SCRIPT}", "license": SCRIPT}).encode()
    ]
    whole = gzip.compress(b"".join(line(f"cut-{i}") for i in range(2000)), 1)
    return {
        "broken.jsonl": b"".join(broken),
        "bomb-gz.jsonl.gz": gzip.compress(line("bomb-gz-a")) + zeros() + gzip.compress(b"\n" + line("bomb-gz-b")),
        "bomb-zst.jsonl.zst": bomb,
        "cut.jsonl.gz": whole[: len(whole) * 2 // 3],
        "empty.jsonl": b"",
        "empty.jsonl.gz": b"",
        f"{SPACED} #?.jsonl": line("spaced-line"),
    }


def table_files() -> dict[str, bytes]:
    """The same in Parquet."""
    whole = tables_file("corrupt-a", "corrupt-b", "corrupt-c")
    place = whole.index(b"corrupt-b") - 60
    return {
        "good.parquet": tables_file("table-a", "table-b"),
        "cut.parquet": whole[:-30],
        "corrupt.parquet": whole[:place] + b"\xff" * 40 + whole[place + 40 :],
        "empty.parquet": b"",
        "no-rows.parquet": tables_file(),
    }


def write_recipe(folder: Path, text: str = RECIPE) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@dataclass
class Run:
    """A finished run over bad input: its streams, its rows and the peak of memory of its processes in bytes."""

    out: Path
    status: int
    stderr: str
    peak: int
    documents: list[dict[str, Any]]
    dropped: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]

    def text(self, name: str) -> str:
        """The text of the one document with an address."""
        [text] = [row["text"] for row in self.documents if row["url"] == f"http://pages.example/{name}"]
        return text

    def has(self, *names: str) -> bool:
        """Whether there are documents with these addresses, or with these names in their text."""
        texts = [f"{row['url']} {row['text']}" for row in self.documents]
        return all(any(name in text for text in texts) for name in names)

    def errors(self, file: str) -> list[str]:
        """What quarantine says of a file."""
        return [row["error"] for row in self.quarantine if row["locator"]["file"] == file]


def rows(out: Path, folder: str) -> list[dict[str, Any]]:
    return [row for path in sorted((out / folder).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def in_session(session: int) -> Iterator[int]:
    """Processes of a session."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if os.getsid(int(folder.name)) == session:
                    yield int(folder.name)
            except ProcessLookupError:
                continue


def peak_bytes(session: int) -> int:
    """The largest resident set that any process of a session has had."""
    peak = 0
    for process in in_session(session):
        try:
            status = Path(f"/proc/{process}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        marks = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        peak = max([peak, *(mark << 10 for mark in marks)])
    return peak


def run_watched(recipe: Path, out: Path) -> tuple[int, str, int]:
    """Run a recipe with two workers; returns exit status, stderr and the peak of memory."""
    command = [sys.executable, "-m", "mathmill.jobs.cli", "run", str(recipe), "--out", str(out), "--workers", "2"]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:

        def watch() -> None:
            nonlocal peak
            while process.poll() is None:
                peak = max(peak, peak_bytes(process.pid))
                time.sleep(0.05)

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert process.stderr is not None
        stderr = process.stderr.read()
        watcher.join()
    return process.returncode, stderr, peak


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("bad") / "输入 input"
    for name, files in {"crawl": crawl_files(), "lines": lines_files(), "tables": table_files()}.items():
        (folder / name).mkdir(parents=True)
        for file, data in files.items():
            (folder / name / file).write_bytes(data)
    out = folder / "输出 output"
    status, stderr, peak = run_watched(write_recipe(folder), out)
    return Run(out, status, stderr, peak, rows(out, "documents"), rows(out, "dropped"), rows(out, "quarantine"))
