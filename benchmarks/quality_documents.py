"""Document quality: what is dropped of real texts, by source and reason, and of pages of low quality, by kind.

    python benchmarks/quality_documents.py [DATA] [--datatrove PYTHON] [--show]

Real: extracted pages of math sites and others, the example crawl, math and general texts, and problems, each as a
document, which are short. Of low quality: the pages that `tests/low_quality_pages.py` makes. With a PYTHON that has
`datatrove[processing]`, its Gopher, C4 and FineWeb filters judge a sample of each. --show prints the beginning of every
math text that is dropped.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from datatrove_filters import FILTERS, run_datatrove
from shared_pages import DEFAULT, demo_pages, pages, print_table, read_rows, share

from mathmill.core.mathtext import find_formulas
from mathmill.core.schemas import DOCUMENT
from mathmill.curation.extract import extract_html, is_html
from mathmill.curation.quality import CHECKS, QualityConfig, judge, measure
from mathmill.curation.quality_counts import count_quality

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from low_quality_pages import low_quality_pages

PROBLEMS = 1000  # of each file
SEEDS = 5
SAMPLE = 40  # documents of a source that datatrove's filters judge: they take 0.1 s each


class Text(NamedTuple):
    """A text with its formulas, and where it is from."""

    source: str
    lang: str
    text: str
    formulas: list[tuple[int, int, bool, str]]


def main(data: Path, datatrove: Path | None, show: bool) -> None:
    """Print the tables."""
    real = [*web_pages(data), *plain_texts(data)]
    reasons = judged(real)
    if show:
        for text, reason in zip(real, reasons, strict=True):
            if reason and text.source.startswith("math"):
                print(f"--- {text.source}: {reason}\n{text.text[:300]}")
    header = ("source", "documents", "share dropped", "reasons")
    print_table("Real texts", header, summary([text.source for text in real], reasons))

    low = list(low_quality_pages(SEEDS))
    texts = [Text(page.family, page.lang, page.text, spans(page.text)) for page in low]
    low_reasons = judged(texts)
    right = Counter(page.family for page, reason in zip(low, low_reasons, strict=True) if reason in page.reasons)
    rows = summary([page.family for page in low], low_reasons)
    print_table("Pages of low quality", (*header, "right reason"), [(*row, right[row[0]]) for row in rows])
    print(f"\n{right.total()} of {len(low)} dropped for a right reason, {sum(map(bool, low_reasons))} dropped")

    samples = [*sampled(real, reasons), *zip(texts, low_reasons, strict=True)]
    verdicts = run_datatrove(datatrove, [{"text": text.text, "lang": text.lang} for text, _ in samples])
    if verdicts is None:
        print("\ndatatrove's filters were not asked: give --datatrove a Python with datatrove[processing]")
        return
    groups = defaultdict(list)
    names = {page.family for page in low}
    for i, (text, _) in enumerate(samples):
        groups["low quality" if text.source in names else text.source].append(i)
    rows = [
        (
            name,
            len(places),
            share(sum(bool(samples[i][1]) for i in places), len(places)),
            *(share(sum(bool(verdicts[f]["reasons"][i]) for i in places), len(places)) for f in FILTERS),
        )
        for name, places in sorted(groups.items())
    ]
    print_table("Share dropped, a sample of each source", ("source", "documents", "mathmill", *FILTERS), rows)


def web_pages(data: Path) -> Iterator[Text]:
    """The extracted texts of the labelled pages and of the example crawl."""
    for page in pages(data, "math_pages", "nonmath_pages"):
        if is_html(page.html, page.content_type):
            kind = {True: "math page", None: "unsure page", False: "other page"}[page.label["is_math"]]
            result = extract_html(page.html, None, page.content_type)
            yield Text(f"{kind}, {page.site}", page.label["lang"], result.text, list(map(tuple, result.formulas)))
    for page in demo_pages():
        result = extract_html(page.html, None, page.content_type)
        yield Text("math page, example crawl", page.label["lang"], result.text, list(map(tuple, result.formulas)))


def plain_texts(data: Path) -> Iterator[Text]:
    """Math texts, other texts and problems."""
    for file, kind in (("math", "math text"), ("general", "other text")):
        for row in read_rows(data / "text" / f"{file}.jsonl.zst"):
            yield Text(f"{kind}, {row['source'].split('/')[0]}", row["lang"], row["text"], spans(row["text"]))
    for path in sorted((data / "problems").glob("*.jsonl.zst")):
        for row in read_rows(path)[:PROBLEMS]:
            text = f"{row['question']}\n\n{row.get('solution') or ''}"
            yield Text(f"problem, {row['source']}", row["lang"], text, spans(text))


def spans(text: str) -> list[tuple[int, int, bool, str]]:
    """The formulas of a plain text as a document has them."""
    return [(span.start, span.end, span.display, "tex") for span in find_formulas(text)]


def judged(texts: list[Text]) -> list[str | None]:
    """Why each text is dropped, or None."""
    column = pa.array([text.text for text in texts], pa.large_string())
    formulas = pa.array([text.formulas for text in texts], DOCUMENT.field("formulas").type)
    measured = measure(count_quality(column, formulas), [text.lang for text in texts])
    return [CHECKS[check] if check >= 0 else None for check in judge(measured, QualityConfig()).check.tolist()]


def summary(groups: list[str], reasons: list[str | None]) -> list[tuple[str, int, str, str]]:
    """Rows of a table: group, how many, the share dropped, and how many for which reason."""
    counts: dict[str, Counter[str | None]] = {}
    for group, reason in zip(groups, reasons, strict=True):
        counts.setdefault(group, Counter())[reason] += 1
    rows = []
    for group, found in sorted(counts.items()):
        said = ", ".join(f"{reason} {n}" for reason, n in found.most_common() if reason)
        rows.append((group, found.total(), share(found.total() - found[None], found.total()), said))
    return rows


def sampled(texts: list[Text], reasons: list[str | None]) -> Iterator[tuple[Text, str | None]]:
    """Up to SAMPLE documents of each source, evenly spaced."""
    places = defaultdict(list)
    for i, text in enumerate(texts):
        places[text.source].append(i)
    for found in places.values():
        for i in found[:: max(1, len(found) // SAMPLE)][:SAMPLE]:
            if texts[i].source.startswith(("math", "problem")):
                yield texts[i], reasons[i]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DEFAULT, help="the data folder (default: %(default)s)")
    parser.add_argument("--datatrove", type=Path, help="a Python with datatrove[processing]")
    parser.add_argument("--show", action="store_true", help="print what is dropped of math texts")
    arguments = parser.parse_args()
    main(arguments.data, arguments.datatrove, arguments.show)
