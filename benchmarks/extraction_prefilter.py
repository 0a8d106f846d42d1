"""Reading a crawl of which one page in a hundred is math: our WARC reader with the prefilter beside FastWARC alone.

    python benchmarks/extraction_prefilter.py [DATA]

The crawl is made of the shared pages: pages that are not math in turn, and a math page in every hundred; as Common
Crawl has it, with a request before and a metadata record behind each response, and a gzip member for each record.
FastWARC's `ArchiveIterator` goes over the responses with their HTTP headers parsed and reads each body, which it gives
as stored. Ours is what a task does, after planning: `read_slice` (which also checks every length, undoes the encodings
of HTTP and makes record batches) and the stage `prefilter`. CPU time of one core, best of several rounds in turn.
"""

import gzip
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType
from shared_pages import arguments, print_table

from mathmill.core.stage import OUT, StageContext
from mathmill.curation.prefilter import Prefilter, PrefilterConfig
from mathmill.curation.readers import InputSlice, list_files, plan_slices, read_slice
from mathmill.curation.readers.source import SourceConfig

PAGES = 1000
MATH_EVERY = 100
ROUNDS = 7


def main(data: Path) -> float:
    """Print the table; returns our speed as a share of FastWARC's (the bar: 0.5)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mix.warc.gz"
        content = build(path, data / "web")
        source = SourceConfig(name="mix", path=str(path), kind="pages")
        slices = [part for file in list_files(source) for part in plan_slices(file, source, 1 << 40)]
        runs: dict[str, Callable[[], int]] = {
            "FastWARC, bodies read": lambda: fastwarc(path),
            "our reader": lambda: ours(source, slices, prefilter=False),
            "our reader and the prefilter": lambda: ours(source, slices, prefilter=True),
        }
        best = dict.fromkeys(runs, float("inf"))
        pages = {name: run() for name, run in runs.items()}
        for _ in range(ROUNDS):
            for name, run in runs.items():
                started = time.process_time()
                run()
                best[name] = min(best[name], time.process_time() - started)
        size = path.stat().st_size
    own = best["FastWARC, bodies read"]
    rows = [
        (
            name,
            pages[name],
            f"{size / seconds / 1e6:,.0f}",
            f"{content / seconds / 1e6:,.0f}",
            f"{1e6 * seconds / PAGES:,.0f}",
            f"{own / seconds:.2f}",
        )
        for name, seconds in best.items()
    ]
    header = ("", "pages that come out", "MB/s compressed", "MB/s of content", "µs a page", "of FastWARC")
    print_table(f"{PAGES:,} pages of {content / PAGES / 1000:.0f} kB, one core", header, rows)
    return own / best["our reader and the prefilter"]


def build(path: Path, web: Path) -> int:
    """Write the crawl; returns its bytes before compression."""
    plain, math = responses(web / "nonmath_pages.warc.gz"), responses(web / "math_pages.warc.gz")
    content = 0
    with open(path, "wb") as file:
        for i in range(PAGES):
            number = i // MATH_EVERY
            page = math[number * 37 % len(math)] if i % MATH_EVERY == MATH_EVERY // 2 else plain[i % len(plain)]
            request = b"GET /page HTTP/1.1\r\nUser-Agent: CCBot/2.0\r\nHost: a.example\r\nAccept: text/html\r\n\r\n"
            metadata = b"fetchTimeMs: 300\r\ncharset-detected: UTF-8\r\nlanguages-cld2: {}\r\n"
            for record in (
                small("request", "application/http; msgtype=request", request),
                page,
                small("metadata", "application/warc-fields", metadata),
            ):
                file.write(gzip.compress(record, 6, mtime=0))
                content += len(record)
    return content


def responses(path: Path) -> list[bytes]:
    """The response records of a WARC file, whole."""
    data = path.read_bytes()
    found = [(record.stream_pos, record.record_type) for record in ArchiveIterator(io.BytesIO(data))]
    ends = [start for start, _ in found[1:]] + [len(data)]
    return [
        gzip.decompress(data[start:end])
        for (start, kind), end in zip(found, ends, strict=True)
        if kind == WarcRecordType.response
    ]


def small(kind: str, content_type: str, block: bytes) -> bytes:
    """A record beside a response."""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Date: 2024-02-20T01:02:03Z\r\n"
        "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000000>\r\nWARC-Target-URI: http://a.example/page\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def fastwarc(path: Path) -> int:
    """Read all bodies; returns how many."""
    with open(path, "rb") as file:
        records = ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True)
        return sum(1 for record in records if record.reader.read())


def ours(source: SourceConfig, slices: list[InputSlice], prefilter: bool) -> int:
    """Read pages as a task does; returns how many come out."""
    batches = (batch for part in slices for port, batch in read_slice(source, part) if port == OUT)
    if not prefilter:
        return sum(batch.num_rows for batch in batches)
    stage = Prefilter(PrefilterConfig())
    stage.open(StageContext(scratch=Path(source.path).parent))
    return sum(batch.num_rows for port, batch in stage.process(batches) if port == OUT)


if __name__ == "__main__":
    main(arguments(__doc__).data)
