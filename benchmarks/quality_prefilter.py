"""The prefilter: pages that it may not lose and loses, what it passes over, by sites that its weights have not seen.

    python benchmarks/quality_prefilter.py [DATA]

A page is wanted where extraction finds a formula in it or the bundled math classifier keeps its text. Each site is
weighed with weights that are fitted on the others; the example crawl, all of whose pages were made by one program, is
one site. The last line of the first table has the weights that ship, which are fitted on all. As pages without a sure
mark are few on these sites, the second table asks how many of the wanted would be found by weak marks alone.
"""

import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from shared_pages import DEMO, LabelledPage, arguments, pages, print_table, share

from mathmill.classifiers import bundled
from mathmill.core.stage import OUT
from mathmill.curation.extract import extract_html, is_html
from mathmill.curation.mark_phrases import MARKS, SURE
from mathmill.curation.marks import count_marks
from mathmill.curation.prefilter import BIAS, WEIGHTS, PrefilterConfig, weigh
from mathmill.curation.readers import list_files, plan_slices, read_slice
from mathmill.curation.readers.source import SourceConfig

DEMO_SITE = "example-crawl"
LEAST_WEIGHT = 0.3
RIDGE = 0.01
STEPS = 3000
ROUNDS = 5


def main() -> None:
    """Print the tables."""
    tried = [*pages(arguments(__doc__).data, "math_pages", "nonmath_pages", "neardup_pages"), *demo_responses()]
    sites = np.array([page.site for page in tried])
    sizes = np.array([len(page.html) for page in tried])
    column = pa.array([page.html for page in tried], pa.large_binary())
    encodings, texts, extract_seconds = extracted(tried)
    formulas = np.array([sum(found.values()) for found in encodings])
    math = bundled("math")
    has_formula = formulas > 0
    wanted = has_formula | (math.predict_proba(texts)[:, math.labels.index("math")] >= 0.5)
    counts = count_marks(column)

    threshold = PrefilterConfig().threshold
    scores, weak = np.empty(len(tried)), np.empty(len(tried))
    blind = counts.copy()
    blind[:, :SURE] = 0
    for site in dict.fromkeys(sites):
        here = sites == site
        fitted = fit(counts[~here], wanted[~here], sites[~here])
        scores[here], weak[here] = weigh(counts[here], *fitted), weigh(blind[here], *fitted)
    kept = scores >= threshold
    groups = [(site, sites == site, kept) for site in dict.fromkeys(sites)]
    everything = np.ones(len(tried), bool)
    groups += [("all, unseen", everything, kept), ("all, weights that ship", everything, weigh(counts) >= threshold)]
    rows = [
        (
            name,
            int(here.sum()),
            int((here & wanted).sum()),
            share((here & wanted & k).sum(), (here & wanted).sum()),
            share((here & has_formula & k).sum(), (here & has_formula).sum()),
            share((here & ~wanted & ~k).sum(), (here & ~wanted).sum()),
            share((here & ~k).sum(), here.sum()),
            share(sizes[here & ~k].sum(), sizes[here].sum()),
        )
        for name, here, k in groups
    ]
    header = ("site", "pages", "wanted", "recall", "of pages with formulas")
    passed = ("passed over: of unwanted pages", "of all pages", "of all bytes")
    print_table(f"Threshold {threshold}", (*header, *passed), rows)
    rows = [
        (
            t,
            share((wanted & (scores >= t)).sum(), wanted.sum()),
            share((~wanted & (scores < t)).sum(), (~wanted).sum()),
            share((wanted & (weak >= t)).sum(), wanted.sum()),
        )
        for t in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
    ]
    header = ("threshold", "recall", "unwanted pages passed over", "recall by weak marks alone")
    print_table("Unseen sites, by threshold", header, rows)
    shipped = weigh(counts) >= threshold
    by_encoding = []
    for name in sorted({name for found in encodings for name in found}):
        has = np.array([found.get(name, 0) > 0 for found in encodings])
        by_encoding.append(
            (name, int(has.sum()), share((has & kept).sum(), has.sum()), share((has & shipped).sum(), has.sum()))
        )
    by_encoding.append(
        (
            "precision: wanted of kept pages",
            int(kept.sum()),
            share((kept & wanted).sum(), kept.sum()),
            share((shipped & wanted).sum(), shipped.sum()),
        )
    )
    print_table(
        "Recall by encoding of the formulas", ("encoding", "pages", "unseen sites", "weights that ship"), by_encoding
    )
    weights, bias = fit(counts, wanted, sites)
    names = (*MARKS[SURE:], "bytes of text", "bias")
    fitted_rows = zip(names, (*weights.round(2), round(bias, 2)), (*WEIGHTS, BIAS), strict=True)
    print_table("Weights", ("mark", "fitted here", "shipped"), fitted_rows)

    seconds = min(timed(column) for _ in range(ROUNDS))
    saved = share(extract_seconds[~kept].sum(), extract_seconds.sum())
    own, extraction = 1000 * seconds / len(tried), 1000 * extract_seconds.sum() / len(tried)
    print(
        f"\n{own:.3f} ms CPU for a page of {sizes.mean() / 1000:.0f} kB ({sizes.sum() / seconds / 1e6:,.0f} MB/s); "
        f"extraction {extraction:.2f} ms, a share of {saved} of it for pages that are passed over"
    )


def extracted(tried: list[LabelledPage]) -> tuple[list[dict[str, int]], list[str], np.ndarray]:
    """Formulas of each page by encoding, its text, and the CPU seconds that took; nothing of what is not HTML."""
    formulas, texts, seconds = [], [], []
    for page in tried:
        started = time.process_time()
        found = extract_html(page.html, None, page.content_type) if is_html(page.html, page.content_type) else None
        formulas.append(found.found if found else {})
        texts.append(found.text if found else "")
        seconds.append(time.process_time() - started)
    return formulas, texts, np.array(seconds)


def demo_responses() -> Iterator[LabelledPage]:
    """All response pages of the bundled example crawl."""
    source = SourceConfig(name="demo", path=str(DEMO / "crawl.warc.gz"), kind="pages")
    for part in (part for file in list_files(source) for part in plan_slices(file, source, 1 << 30)):
        for port, batch in read_slice(source, part):
            for row in batch.to_pylist() if port == OUT else []:
                yield LabelledPage(row["html"], row["content_type"], {"site": DEMO_SITE})


def fit(counts: np.ndarray, wanted: np.ndarray, sites: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit the weights of weak marks, on all pages as if there were no sure ones; returns weights and bias.

    Logistic regression by gradient descent with momentum. Both classes weigh the same, within them each site as much
    as ten pages, or as it has; no mark may speak against math.
    """
    x = np.log1p(counts[:, SURE:])
    share_of = np.zeros(len(wanted))
    for value in (False, True):
        for site in set(sites[wanted == value]):
            here = (sites == site) & (wanted == value)
            share_of[here] = min(1.0, here.sum() / 10) / here.sum()
        share_of[wanted == value] /= share_of[wanted == value].sum()
    weights, bias = np.full(x.shape[1], 0.5), 5.0
    weights[-1] = -1.0
    speed, bias_speed = np.zeros_like(weights), 0.0
    for _ in range(STEPS):
        error = share_of * (1.0 / (1.0 + np.exp(-(x @ weights + bias))) - wanted)
        speed = 0.9 * speed + x.T @ error + RIDGE * weights
        bias_speed = 0.9 * bias_speed + error.sum()
        weights, bias = weights - 0.01 * speed, bias - 0.03 * bias_speed
        weights[:-1] = np.maximum(weights[:-1], LEAST_WEIGHT)
        weights[-1] = min(weights[-1], 0.0)
    return weights, float(bias)


def timed(column: pa.LargeBinaryArray) -> float:
    """CPU seconds of one pass."""
    started = time.process_time()
    weigh(count_marks(column))
    return time.process_time() - started


if __name__ == "__main__":
    main()
