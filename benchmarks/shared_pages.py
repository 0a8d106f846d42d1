"""The labelled pages and problems that the quality benchmarks read, and how they print their tables.

The data is a folder with `web/*.warc.gz` and their `*.labels.jsonl`, `problems/`, `benchmarks/` and `text/` (JSON
lines, zstd); its README names every source and licence. It is given by argument; by default it lies beside the
checkout.
"""

import argparse
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecordType

DEFAULT = Path(__file__).parents[2] / "shared" / "data"
DEMO = Path(__file__).parents[1] / "jobs" / "demo"


@dataclass(frozen=True)
class LabelledPage:
    """A page as crawled with what is known of it."""

    html: bytes
    content_type: str | None
    label: dict[str, Any]

    @property
    def site(self) -> str:
        """The site's address, without remarks."""
        return str(self.label["site"]).split(" ")[0].split("/")[0]


def arguments(description: str | None, *more: tuple[str, str]) -> argparse.Namespace:
    """Read the command line: the data folder, and further optional (name, help) paths."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DEFAULT, help="the data folder (default: %(default)s)")
    for name, words in more:
        parser.add_argument(name, type=Path, help=words)
    return parser.parse_args()


def pages(data: Path, *archives: str) -> Iterator[LabelledPage]:
    """Yield the pages of `web/<archive>.warc.gz`, in order."""
    for archive in archives:
        labels = {label["record_id"]: label for label in read_rows(data / "web" / f"{archive}.labels.jsonl")}
        with open(data / "web" / f"{archive}.warc.gz", "rb") as file:
            for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
                label = labels[record.headers["WARC-Record-ID"]]
                yield LabelledPage(record.reader.read(), record.http_headers.get("Content-Type"), label)


def demo_pages() -> Iterator[LabelledPage]:
    """Yield the pages of the bundled example crawl that a run keeps, with their ground truth as label."""
    with open(DEMO / "crawl.warc.gz", "rb") as file:
        for row in read_rows(DEMO / "truth.jsonl"):
            if row["outcome"] == "kept":
                file.seek(row["offset"])
                record = next(iter(ArchiveIterator(io.BytesIO(file.read()), parse_http=True)))
                yield LabelledPage(record.reader.read(), record.http_headers.get("Content-Type"), row)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines, zstd-compressed where its name says so."""
    with open(path, "rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file).read() if path.suffix == ".zst" else file.read()
    return [json.loads(line) for line in data.decode().splitlines()]


def common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence: how many of `a` are in `b` in order."""
    row = [0] * (len(b) + 1)
    for x in a:
        previous = 0
        for j, y in enumerate(b):
            previous, row[j + 1] = row[j + 1], previous + 1 if x == y else max(row[j], row[j + 1])
    return row[-1]


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table under a title."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(f'{x:,}' if isinstance(x, int) else str(x) for x in row)} |")


def share(part: float, whole: float) -> str:
    """A share with three digits, or a dash where there is nothing to share."""
    return f"{part / whole:.3f}" if whole else "–"
