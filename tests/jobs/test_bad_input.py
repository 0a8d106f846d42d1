"""Bad input through the command line: a clear sentence or a quarantined record, and never a lost neighbour.

What damages records is all in one run over one folder of crawl files, one of JSON lines and one of Parquet files; each
bad thing stands between good pages that must come out. What stops a run is a run of its own.
"""

import gzip
import html
import json
import os
import re
import subprocess
import sys
import threading
import time
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

PROGRESS = re.compile(r"[A-Z][\w :]+: (task )?\d+ |$")
pytestmark = pytest.mark.xdist_group("bad_input")

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
    return f"A good page, {name}. The equation $x^2 - 5x + 6 = 0$ has the roots $x = 2$ and $x = 3$, as we know."


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

LENGTHS: dict[str, int | str] = {"long": 5000, "longest": 10**17, "short": 90, "negative": -1, "word": "many"}

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
        "0.warc.gz": members(record(SCRIPT, page(html.escape(SCRIPT) + good_text("script")))),
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
            record("surrogate", page(b"&#xD800; &#xDFFF; \xed\xa0\x80 " + good_text("surrogate").encode())),
            good("texts-b"),
        ),
    }
    for how, length in LENGTHS.items():
        records = [good(f"{how}-a"), record(how, bad, length=length), good(f"{how}-b")]
        files[f"{how}.warc"] = b"".join(records)
        files[f"{how}.warc.gz"] = members(*records)
    pages = []
    for name, (content, charset, _) in CHARSETS.items():
        kind = "text/html" + (f"; charset={charset}" if charset else "")
        pages.append(record(name, page(content), f"Content-Type: {kind}"))
    files["charsets.warc.gz"] = members(good("charsets-a"), *pages, good("charsets-b"))
    return files


LINES = {
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
    broken = [line("broken-a")]
    for name, form in LINES.items():
        broken += [form.replace("%s", good_text(name).replace("\\", "")).encode() + b"\n", line(f"broken-{name}")]
    broken.append(line("bytes").replace(b"A good", b"\xff\xfe\xc3\x28 A good"))
    record = {"text": SCRIPT + good_text("json"), "url": f"http://pages.example/{SCRIPT}", "license": SCRIPT}
    broken.append(json.dumps(record).encode())
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


WITHOUT_NEIGHBOURS = {"0", "empty", "hollow", "no-warc", "cut", SPACED, f"{SPACED} #?"}


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
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:

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


def sentence(result: "subprocess.CompletedProcess[str]", status: int) -> str:
    """The one line on stderr with which a command failed, progress lines aside."""
    said = [line for line in result.stderr.splitlines() if not PROGRESS.match(line)]
    assert result.returncode == status, result.stderr
    assert len(said) == 1, result.stderr
    assert said[0].startswith("mathmill: ")
    assert "defect" not in said[0]
    return said[0]


def leftovers(out: Path) -> list[str]:
    """Temporary files in a run folder; the lock files in `.tmp` may stay."""
    hidden = [path for path in out.rglob("*") if any(part.startswith(".") for part in path.relative_to(out).parts)]
    return [str(path) for path in hidden if path.suffix != ".lock" and path != out / ".tmp"]


def test_a_run_over_bad_input_succeeds_and_prints_its_progress_alone(run: Run) -> None:
    assert run.status == 0, run.stderr
    assert [line for line in run.stderr.splitlines() if line and not PROGRESS.match(line)] == []


def test_a_run_over_bad_input_leaves_whole_files_alone(run: Run, mathmill: Mathmill) -> None:
    assert leftovers(run.out) == []
    result = mathmill("verify", run.out)
    assert result.returncode == 0, result.stdout


def test_no_neighbour_of_a_bad_record_is_lost(run: Run) -> None:
    stems = {file.partition(".")[0] for folder in (crawl_files(), lines_files()) for file in folder}
    assert len(stems - WITHOUT_NEIGHBOURS) > 10
    for stem in sorted(stems - WITHOUT_NEIGHBOURS):
        assert run.has(f"{stem}-a")
        assert stem == "broken" or run.has(f"{stem}-b")


@pytest.mark.parametrize(
    ("file", "numbers"), [("cut-end.warc.gz", [2]), ("cut-middle.warc.gz", [1]), ("no-warc.warc.gz", [0])]
)
def test_a_truncated_gzip_member_is_one_quarantined_record(run: Run, file: str, numbers: list[int]) -> None:
    rows = [row for row in run.quarantine if row["locator"]["file"] == file]
    assert [row["locator"]["record"] for row in rows] == numbers
    assert all("gzip member" in row["error"] for row in rows)


@pytest.mark.parametrize("suffix", ["warc", "warc.gz"])
@pytest.mark.parametrize("how", LENGTHS)
def test_a_false_length_costs_its_own_record_alone(run: Run, how: str, suffix: str) -> None:
    [row] = [row for row in run.quarantine if row["locator"]["file"] == f"{how}.{suffix}"]
    assert row["error"].startswith("the record declares ")
    assert row["error"].endswith(f"(http://pages.example/{how})")
    files = [row["locator"]["record"] for row in run.documents if row["locator"]["file"] == f"{how}.{suffix}"]
    assert files == [0, 2]


def test_a_page_of_50_megabytes_is_quarantined(run: Run) -> None:
    [error] = run.errors("huge.warc.gz")
    assert "the page has 52,000,062 bytes" in error


def test_a_page_with_100_000_nested_tags_is_read(run: Run) -> None:
    assert run.text("nested") == good_text("deep")


@pytest.mark.parametrize("name", CHARSETS)
def test_of_charsets_valid_utf_8_wins_then_what_is_declared_then_detection(run: Run, name: str) -> None:
    assert CHARSETS[name][2].strip() in run.text(name)


@pytest.mark.parametrize("file", ["bomb-member.warc.gz", "bomb-body.warc.gz", "bomb-gz.jsonl.gz", "bomb-zst.jsonl.zst"])
def test_a_zip_bomb_is_quarantined(run: Run, file: str) -> None:
    assert any("bytes, more than the limit" in error or "expands beyond" in error for error in run.errors(file))


def test_no_process_of_a_run_over_bombs_and_large_pages_takes_a_gibibyte(run: Run) -> None:
    assert 0 < run.peak < MEMORY_BYTES < BOMB_BYTES


@pytest.mark.parametrize("file", ["empty.warc", "empty.warc.gz", "hollow.warc.gz", "empty.jsonl", "empty.jsonl.gz"])
def test_an_empty_file_gives_nothing_and_stops_nothing(run: Run, file: str) -> None:
    everything = [*run.documents, *run.quarantine]
    assert [row for row in everything if row["locator"]["file"] == file] == []


def test_a_warc_compressed_as_one_member_is_read(run: Run) -> None:
    found = sorted(row["url"] for row in run.documents if row["locator"]["file"] == "whole.warc.gz")
    assert found == [f"http://pages.example/{name}" for name in ("whole", "whole-a", "whole-b")]


def test_broken_lines_cost_themselves_alone(run: Run) -> None:
    assert [error.partition(":")[0] for error in run.errors("broken.jsonl")] == [
        "the line is valid JSON, but no object",
        "'text' is a number, not text",
        "the line is not valid JSON",
        "the record has no 'text'",
        "the line is nested too deeply",
        "the line is not valid JSON",
        "the line is not valid JSON",
    ]
    assert run.has("broken-a", *(f"broken-{name}" for name in LINES), "surrogates", "zero", "nan", "bytes")


def test_of_a_truncated_jsonl_gz_the_beginning_stays(run: Run) -> None:
    [error] = run.errors("cut.jsonl.gz")
    assert error.endswith("the file ends inside this gzip member")
    assert run.has("cut-0", "cut-999")


def test_a_corrupt_parquet_file_is_quarantined_with_its_rows_and_the_others_are_read(run: Run) -> None:
    assert run.has("table-a", "table-b", "corrupt-a", "corrupt-c")
    assert not run.has("corrupt-b")
    [error] = run.errors("corrupt.parquet")
    assert error.startswith("rows 1 to 1 of corrupt.parquet cannot be read: ")
    for file in ("cut.parquet", "empty.parquet"):
        [error] = run.errors(file)
        assert error.startswith(f"{file} cannot be read: ")


def test_nul_surrogates_and_right_to_left_text_come_out_as_text(run: Run) -> None:
    assert run.text("nul") == good_text("nul")
    assert "תהי פונקציה רציפה" in run.text("rtl")
    for name in ("surrogate", "surrogates", "zero", "bytes"):
        assert good_text(name) in run.text(name)
    everything = "".join(row["text"] for row in run.documents)
    everything.encode()  # no lone surrogate


def test_file_names_with_spaces_and_chinese_and_markup_are_only_names(run: Run) -> None:
    assert run.has("spaced-a", "spaced-b", "spaced-line")
    assert {row["locator"]["file"] for row in run.documents if "spaced" in row["text"]} == {
        f"{SPACED}.warc.gz",
        f"{SPACED} #?.jsonl",
    }


def test_markup_of_pages_is_escaped_in_the_report(run: Run) -> None:
    report = (run.out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in report
    assert "<img" not in report
    assert "<pre>&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x" in report  # the first page is among the samples


MISTAKES = {
    "missing source": ("path: crawl", "path: nowhere", 3, "source crawl: there is no file or folder"),
    "empty glob": ("path: crawl", "path: 'crawl/*.nothing'", 3, "source crawl: there is no file or folder"),
    "other files": ("path: crawl", "path: other", 3, "no file of"),
    "no text column": ("path: crawl, kind: pages", "path: t.parquet, kind: documents", 3, "has no column 'text'"),
    "tokenizer is text": ("mathmill:demo/tokenizer.json", "text.json", 2, "text.json"),
    "tokenizer is JSON": ("mathmill:demo/tokenizer.json", "object.json", 2, "object.json"),
    "tokenizer is missing": ("mathmill:demo/tokenizer.json", "gone.json", 2, "there is no file"),
    "benchmark is missing": ("[extract]", "[extract, decontaminate: {benchmarks: [b.jsonl]}]", 2, "recipe.yaml:3 "),
    "benchmark is broken": ("[extract]", "[extract, decontaminate: {benchmarks: [x.jsonl]}]", 3, "x.jsonl is not JSON"),
    "benchmark without columns": (
        "[extract]",
        "[extract, decontaminate: {benchmarks: [y.jsonl]}]",
        2,
        "y.jsonl has no",
    ),
    "blocklist is broken": ("[extract]", "[blocklist: {files: [x.jsonl]}, extract]", 2, "x.jsonl:1"),
}
SMALL = """\
name: small
sources: [{name: crawl, path: crawl, kind: pages}]
stages: [extract]
problems: [extract_problems]
tokenize: {tokenizer: "mathmill:demo/tokenizer.json"}
shards: {seq_len: 256}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with good pages and several files that are not what they should be."""
    for folder in ("crawl", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "crawl" / "good.warc.gz").write_bytes(members(*(good(f"good-{i}") for i in range(20))))
    (tmp_path / "other" / "notes.txt").write_text("notes")
    (tmp_path / "text.json").write_text("no tokenizer")
    (tmp_path / "object.json").write_text('{"model": 7}')
    (tmp_path / "x.jsonl").write_text("this is no rule and no JSON\n")
    (tmp_path / "y.jsonl").write_text('{"wrong": "column"}\n')
    pq.write_table(pa.table({"body": ["a"]}), tmp_path / "t.parquet")
    write_recipe(tmp_path, SMALL)
    return tmp_path


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_input_is_one_clear_sentence(small: Path, mathmill: Mathmill, mistake: str) -> None:
    old, new, status, words = MISTAKES[mistake]
    assert old in SMALL
    result = mathmill("run", write_recipe(small, SMALL.replace(old, new)), "--out", small / "out", "--workers", 1)
    assert words in sentence(result, status)
    assert leftovers(small / "out") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "."], "cannot read the recipe ."),
        (["run", "nowhere.yaml"], "there is no recipe nowhere.yaml"),
        (["run", "other/notes.txt"], "other/notes.txt:1 holds no mapping"),
        (["run", "recipe.yaml", "--workers", "0"], "Invalid value for '--workers'"),
        (["run", "recipe.yaml", "--out", "nonsense://out"], "cannot use nonsense://out"),
        (["frobnicate"], "No such command"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_clear_sentence(
    small: Path, mathmill: Mathmill, arguments: list[str], words: str
) -> None:
    assert words in sentence(mathmill(*arguments, cwd=small), 2)


def test_an_output_path_below_a_file_is_one_clear_sentence(small: Path, mathmill: Mathmill) -> None:
    result = mathmill("run", small / "recipe.yaml", "--out", small / "text.json" / "out")
    assert "a part of this path is a file, not a folder" in sentence(result, 4)
    assert (small / "text.json").read_text() == "no tokenizer"


def test_a_file_name_that_is_not_utf_8_is_one_clear_sentence(small: Path, mathmill: Mathmill) -> None:
    name = os.fsdecode(b"b\xff.warc.gz")
    (small / "crawl" / name).write_bytes(members(good("odd")))
    result = mathmill("run", small / "recipe.yaml", "--out", small / "out")
    assert "source crawl: the file name 'b\\udcff.warc.gz' is not valid UTF-8" in sentence(result, 3)
    result = mathmill("run", small / "recipe.yaml", "--out", small / os.fsdecode(b"o\xff"))
    assert "the path is not valid UTF-8" in sentence(result, 2)


def test_an_answer_that_cannot_be_printed_is_one_clear_sentence(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "mathmill.jobs.cli", "doctor"]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert "cannot read or write: the disk is full" in sentence(result, 4)


def test_a_read_only_output_folder_is_one_clear_sentence(
    small: Path, mathmill: Mathmill, mount: Callable[[str], Path]
) -> None:
    result = mathmill("run", small / "recipe.yaml", "--out", mount("ro"))
    assert "the file system is read-only; choose another output folder with --out" in sentence(result, 4)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_permission_is_one_clear_sentence(small: Path, mathmill: Mathmill) -> None:
    (small / "mine").mkdir(mode=0o500)
    result = mathmill("run", small / "recipe.yaml", "--out", small / "mine")
    assert "permission denied" in sentence(result, 4)


@pytest.mark.full
def test_a_full_disk_is_one_clear_sentence_and_the_run_goes_on_once_there_is_space(
    small: Path, mathmill: Mathmill, mount: Callable[[str], Path], answers: Callable[[Path], dict[str, str]]
) -> None:
    out = mount("size=4k") / "out"
    for size, workers in (("4k", 2), ("40k", 1)):
        subprocess.run(["mount", "-o", f"remount,size={size}", out.parent], check=True)
        result = mathmill("run", small / "recipe.yaml", "--out", out, "--workers", workers)
        assert "the disk is full; free some space and run again" in sentence(result, 4)
        assert leftovers(out) == []
        for path in out.rglob("*.parquet"):
            pq.read_table(path)
    subprocess.run(["mount", "-o", "remount,size=64m", out.parent], check=True)
    for folder in (out, small / "undisturbed"):
        result = mathmill("run", small / "recipe.yaml", "--out", folder, "--workers", 1)
        assert result.returncode == 0, result.stderr
    assert answers(out) == answers(small / "undisturbed")


def test_a_file_size_limit_is_one_clear_sentence(small: Path) -> None:
    arguments = ["run", str(small / "recipe.yaml"), "--out", str(small / "out"), "--workers", "1"]
    command = ["prlimit", "--fsize=10000", sys.executable, "-m", "mathmill.jobs.cli", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "the file would exceed the size limit" in sentence(result, 4)
    assert leftovers(small / "out") == []
