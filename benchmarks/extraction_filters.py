"""Speed of the quality heuristics beside datatrove's Gopher filters, on the same extracted pages, one core.

    python benchmarks/extraction_filters.py [DATA] [--datatrove PYTHON]

PYTHON is an interpreter with `datatrove[processing]`; without it only mathmill is measured. CPU time, best of several
runs; datatrove's filters run once, as they take a hundred times as long.
"""

import argparse
import time
from pathlib import Path

import pyarrow as pa
from datatrove_filters import run_datatrove
from shared_pages import DEFAULT, LabelledPage, pages, print_table

from mathmill.core.schemas import DOCUMENT
from mathmill.curation.extract import extract_html, is_html
from mathmill.curation.quality import Quality, QualityConfig

ROUNDS = 7
EVERY = 3  # of the pages; the others would only cost time
GOPHER = ("GopherQualityFilter", "GopherRepetitionFilter")


def main(data: Path = DEFAULT, datatrove: Path | None = None) -> None:
    """Print documents a second of both."""
    found = list(pages(data, "math_pages", "nonmath_pages", "neardup_pages"))[::EVERY]
    batch = extracted(found)
    size = batch.column("text").nbytes
    stage = Quality(QualityConfig())
    list(stage.process(iter([batch])))  # compiles
    seconds = min(timed(stage, batch) for _ in range(ROUNDS))
    n = batch.num_rows
    rows = [("mathmill quality", f"{n / seconds:,.0f}", f"{size / seconds / 1e6:.1f}", "")]
    texts, langs = batch.column("text").to_pylist(), batch.column("lang").to_pylist()
    documents = [{"text": text, "lang": lang} for text, lang in zip(texts, langs, strict=True)]
    verdicts = run_datatrove(datatrove, documents)
    if verdicts is None:
        print("datatrove's filters were not measured: give --datatrove a Python with datatrove[processing]")
    else:
        for name, names in (*((name, (name,)) for name in verdicts), ("Gopher, both", GOPHER)):
            taken = sum(verdicts[part]["seconds"] for part in names)
            speed = (f"{n / taken:,.0f}", f"{size / taken / 1e6:.1f}", f"{taken / seconds:.0f}")
            rows.append((f"datatrove {name}", *speed))
    header = ("filter", "documents a second", "MB a second", "mathmill is faster by")
    print_table(f"Quality heuristics, {n:,} documents of {size / n / 1000:.1f} kB, one core", header, rows)


def extracted(found: list[LabelledPage]) -> pa.RecordBatch:
    """The texts of pages as documents, in one batch."""
    rows = []
    for number, page in enumerate(page for page in found if is_html(page.html, page.content_type)):
        result = extract_html(page.html, None, page.content_type)
        rows.append(
            {
                "doc_id": str(number),
                "source": page.site,
                "locator": {"file": "web", "record": number, "offset": 0},
                "lang": page.label["lang"],
                "text": result.text,
                "formulas": [tuple(formula) for formula in result.formulas],
                "blocks": [],
                "formula_counts": [],
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=DOCUMENT)


def timed(stage: Quality, batch: pa.RecordBatch) -> float:
    """CPU seconds for one batch."""
    started = time.process_time()
    list(stage.process(iter([batch])))
    return time.process_time() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DEFAULT, help="the data folder (default: %(default)s)")
    parser.add_argument("--datatrove", type=Path, help="a Python with datatrove[processing]")
    arguments = parser.parse_args()
    main(arguments.data, arguments.datatrove)
