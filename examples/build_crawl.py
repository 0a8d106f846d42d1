"""Builds the example crawl of jobs/demo: a WARC file, its ground truth, and a benchmark that some pages leak.

Everything is written by us and drawn from seeded generators, so the same command always gives the same bytes. With
`--scale N` it writes N small pages instead, as a stream, for tests of speed and memory.

    python examples/build_crawl.py                          # jobs/demo
    python examples/build_crawl.py --scale 100000 --out big.warc.gz
    python examples/build_crawl.py --scale 100000 --files 16 --out folder
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from crawl import assemble, benchmark, scale

SEED = 20260301
PAGES_PER_EXERCISE_SITE = 6
FORUM_THREADS, FORUM_THREADS_ZH = 16, 16
EXAM_PAPERS, EXAM_PAPERS_ZH = 6, 6
PRINTS_PER_SHEET = 2
PLAIN_PAGES_PER_KIND, PLAIN_PAGES_PER_KIND_ZH = 6, 6

COUNTS = assemble.Counts(
    exercises_per_site=PAGES_PER_EXERCISE_SITE,
    threads=FORUM_THREADS,
    threads_zh=FORUM_THREADS_ZH,
    papers=EXAM_PAPERS,
    papers_zh=EXAM_PAPERS_ZH,
    prints_per_sheet=PRINTS_PER_SHEET,
    plain_per_kind=PLAIN_PAGES_PER_KIND,
    plain_per_kind_zh=PLAIN_PAGES_PER_KIND_ZH,
)
DEMO = Path(__file__).parents[1] / "jobs" / "demo"


def build(folder: Path, seed: int = SEED, counts: assemble.Counts = COUNTS) -> None:
    """Write crawl.warc.gz, truth.jsonl, benchmark.jsonl and README.md into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    records = assemble.records(seed, counts)
    (folder / "crawl.warc.gz").write_bytes(b"".join(record.data for record in records))
    (folder / "truth.jsonl").write_text(_lines([record.truth for record in records]), encoding="utf-8")
    (folder / "benchmark.jsonl").write_text(_lines(benchmark.items()), encoding="utf-8")
    (folder / "README.md").write_text(assemble.data_card(records, benchmark.items()), encoding="utf-8")


def _lines(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder of the example crawl, or with --scale a WARC file")
    parser.add_argument("--scale", type=int, metavar="N", help="write N small pages into the file --out instead")
    parser.add_argument("--files", type=int, metavar="K", help="with --scale: into K files in the folder --out")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    if arguments.scale is None:
        build(arguments.out or DEMO, arguments.seed)
    elif arguments.out is None:
        parser.error("--scale needs --out")
    elif arguments.files is not None:
        scale.write_files(arguments.out, arguments.scale, arguments.files, arguments.seed)
    else:
        scale.write(arguments.out, arguments.scale, arguments.seed)


if __name__ == "__main__":
    main()
