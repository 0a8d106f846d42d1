"""The bundled classifiers: their cards' figures, and the speed of the classify stage beside bare fastText.

    python benchmarks/quality_classifiers.py [DATA]

Figures of quality are those of the cards, on sites and pages that the scoring models had not seen; making a model again
(`examples/train_math_model.py`) prints them. Speed is one core's, on the texts of the real pages.
"""

import time
from collections.abc import Callable
from pathlib import Path

import fasttext
import pyarrow as pa
from shared_pages import arguments, pages, print_table

from mathmill.classifiers import bundled
from mathmill.core.schemas import DOCUMENT, to_batch
from mathmill.core.stage import StageContext
from mathmill.curation.classify import Classify, ClassifyConfig
from mathmill.curation.extract import extract_html

ROUNDS = 5


def main() -> None:
    """Print the tables."""
    data = arguments(__doc__).data
    math, school = bundled("math"), bundled("school_stage")
    m = math.card.metrics
    rows = [
        (lang, v["pages"], v["roc_auc"], v["precision_at_recall_0.95"], v["precision_at_0.5"], v["recall_at_0.5"])
        for lang, v in m["lang"].items()
    ]
    header = ("language", "pages", "ROC-AUC", "precision at recall 0.95", "precision at 0.5", "recall at 0.5")
    print_table("math: pages of unseen sites", header, rows)
    print(f"\nexpected calibration error {m['expected_calibration_error']}")
    rows = [(site, v["math"], v["other"], v["accuracy_at_0.5"]) for site, v in m["site"].items()]
    print_table("math: by unseen site", ("site", "math pages", "other pages", "accuracy at 0.5"), rows)
    s = school.card.metrics
    rows = [(label, s["f1"][label], *row) for label, row in zip(school.labels, s["confusion"], strict=True)]
    print_table(
        f"school stage: macro-F1 {s['macro_f1']}", ("stage", "F1", *(f"taken for {x}" for x in school.labels)), rows
    )

    texts = [
        extract_html(page.html, page.label["url"], page.content_type).text
        for page in pages(data, "math_pages", "nonmath_pages")
    ]
    lines = [line + "\n" for line in math.card.normaliser.lines(texts)]
    model = fasttext.load_model(str(math.folder / "model.ftz"))
    stage = Classify(ClassifyConfig(threshold=0.0))
    stage.open(StageContext(scratch=Path()))
    empty = {"formulas": [], "blocks": [], "formula_counts": []}
    locator = {"file": "", "record": 0, "offset": 0}
    batch = to_batch(
        [{"doc_id": str(i), "source": "", "locator": locator, "text": t, **empty} for i, t in enumerate(texts)],
        DOCUMENT,
    )
    cut = [" ".join(text.encode()[:16_384].decode(errors="ignore").split()) for text in texts]
    ways: dict[str, Callable[[], object]] = {
        "fastText's predict on prepared lines, one by one": lambda: [model.predict(line[:-1], 2) for line in lines],
        "fastText's predict on raw text, one by one": lambda: [model.predict(line, 2) for line in cut],
        "normaliser alone": lambda: math.card.normaliser.lines(pa.array(texts)),
        "classify stage: normaliser, prediction, calibration, Arrow": lambda: list(stage.process(iter([batch]))),
    }
    size = sum(min(16_384, len(text.encode())) for text in texts)
    rows = []
    for name, way in ways.items():
        way()
        seconds = min(timed(way) for _ in range(ROUNDS))
        rows.append((name, int(len(texts) / seconds), f"{size / seconds / 1e6:.1f}"))
    print_table(f"Speed on {len(texts):,} pages", ("what", "pages/s", "MB/s (of text read)"), rows)


def timed(way: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    way()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
