"""Pages per second of `extract_html` on one core, beside resiliparse, trafilatura and a bare parse.

All labelled pages that are HTML, as served, in memory. resiliparse: `HTMLTree.parse_from_bytes` with the charset that
its detector finds, then `extract_plain_text(main_content=True)`, which loses the math. trafilatura: `extract` on each
SAMPLEth page. The parse is selectolax's lexbor, which extraction builds on. CPU time; ROUNDS rounds of all sides by
turns, of which the fastest of each side counts, after one that compiles, fills caches and is not measured.
"""

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from shared_pages import LabelledPage, pages

ARCHIVES = ("math_pages", "nonmath_pages")
BARS = {"resiliparse": 1.0, "trafilatura": 15.0}
ROUNDS = 4
SAMPLE = 8
Side = Callable[[LabelledPage], object]


def sides() -> dict[str, tuple[Side, int]]:
    """What each side does with a page, and which share of the pages it is given: each nth."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree
    from selectolax.lexbor import LexborHTMLParser

    from mathmill.curation.extract import extract_html

    def resiliparse(page: LabelledPage) -> object:
        return extract_plain_text(HTMLTree.parse_from_bytes(page.html, detect_encoding(page.html)), main_content=True)

    found: dict[str, tuple[Side, int]] = {
        "mathmill": (lambda page: extract_html(page.html, None, page.content_type), 1),
        "resiliparse": (resiliparse, 1),
        "parse alone": (lambda page: LexborHTMLParser(page.html), 1),
    }
    try:
        from trafilatura import extract
    except ImportError as error:
        print(f"trafilatura is not measured: {error}")
    else:
        found["trafilatura"] = (lambda page: extract(page.html), SAMPLE)
    return found


def seconds_per_page(side: Side, sample: Sequence[LabelledPage]) -> float:
    """CPU time of one pass."""
    started = time.process_time()
    for page in sample:
        side(page)
    return (time.process_time() - started) / len(sample)


def main(data: Path) -> bool:
    """Measure and print; returns whether the bars are met."""
    from mathmill.curation.extract import is_html

    labelled = [page for page in pages(data, *ARCHIVES) if is_html(page.html, page.content_type)]
    size = sum(len(page.html) for page in labelled) / len(labelled)
    print(f"{len(labelled):,} pages of {size / 1000:.0f} kB on average")
    measured = sides()
    gc.freeze()  # the pages are no work of any side
    best = dict.fromkeys(measured, float("inf"))
    for turn in range(ROUNDS + 1):
        for name, (side, step) in measured.items():
            seconds = seconds_per_page(side, labelled[::step])
            if turn:
                best[name] = min(best[name], seconds)
    ours = seconds_per_page_on_sample(measured["mathmill"][0], labelled[::SAMPLE])
    met = True
    print(f"{'':<14}{'pages/s':>10}{'ms/page':>10}{'ours is':>12}")
    for name, seconds in best.items():
        ratio = seconds / (ours if measured[name][1] == SAMPLE else best["mathmill"])
        bar = BARS.get(name)
        verdict = "" if bar is None else f"   bar {bar:g} x: {'met' if ratio >= bar else 'NOT MET'}"
        met &= bar is None or ratio >= bar
        said = "" if name == "mathmill" else f"{ratio:.2f} x"
        print(f"{name:<14}{1 / seconds:>10,.0f}{1000 * seconds:>10.2f}{said:>12}{verdict}")
    return met


def seconds_per_page_on_sample(side: Side, sample: Sequence[LabelledPage]) -> float:
    """Our best CPU time on the pages that a slow side was given."""
    return min(seconds_per_page(side, sample) for _ in range(ROUNDS))
