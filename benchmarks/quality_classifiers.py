"""The bundled classifiers: held-out figures of their cards, benchmark sets that nothing was trained on, and speed.

    python benchmarks/quality_classifiers.py [DATA]

The cards' figures are of groups (sites, textbook pages, parts of collections) that the scoring models had not seen;
making a model again (`examples/train_*_model.py`) prints them. Speed is one core's CPU time beside that of a fastText
model trained here on the same pages.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pyarrow as pa
from shared_pages import arguments, pages, print_table, read_rows

from mathmill.classifiers import Classifier, bundled, join_problem
from mathmill.classifiers.metrics import confusion, spearman
from mathmill.core.schemas import DOCUMENT, PROBLEM, to_batch
from mathmill.core.stage import StageContext
from mathmill.curation.classify import Classify, ClassifyConfig
from mathmill.curation.extract import extract_html
from mathmill.curation.label import Label, LabelConfig

ROUNDS = 5
STAGE_SETS = (
    "agieval_gaokao_math", "agieval_sat_math", "aime24_amc23", "cmath_test", "cn_middle_school_24", "gaokao2023en",
    "gaokao2024_mix", "gaokao_bench_math",
)  # fmt: skip


def main() -> None:
    """Print the tables."""
    data = arguments(__doc__).data
    for name in ("math", "problem_page"):
        page_classifier(bundled(name))
    school_stage(bundled("school_stage"), data)
    difficulty(bundled("difficulty"), data)
    page_speed(data)
    label_speed(data)


def page_classifier(model: Classifier) -> None:
    """Unseen sites, from the card."""
    name, m = model.card.name, model.card.metrics
    rows = [
        (lang, v["pages"], v["roc_auc"], v["precision_at_recall_0.95"], v["precision_at_0.5"], v["recall_at_0.5"])
        for lang, v in m["lang"].items()
    ]
    header = ("language", "pages", "ROC-AUC", "precision at recall 0.95", "precision at 0.5", "recall at 0.5")
    print_table(f"{name}: pages of unseen sites", header, rows)
    print(f"\nexpected calibration error {m['expected_calibration_error']}")
    rows = [(label, *row) for label, row in zip(model.labels, m["confusion"], strict=True)]
    print_table(f"{name}: confusion at 0.5", ("truth", *(f"taken for {x}" for x in model.labels)), rows)
    rows = [(site, v["positive"], v["other"], v["accuracy_at_0.5"]) for site, v in m["site"].items()]
    print_table(f"{name}: by unseen site", ("site", f"{name} pages", "other pages", "accuracy at 0.5"), rows)


def school_stage(model: Classifier, data: Path) -> None:
    """Held-out items of the card, then sets of sources that are in no training data."""
    for title, m in (("all", model.card.metrics), ("sources that state a stage", model.card.metrics["stated"])):
        rows = [(label, m["f1"][label], *row) for label, row in zip(model.labels, m["confusion"], strict=True)]
        print_table(
            f"school stage, {title}: macro-F1 {m['macro_f1']}, mean accuracy {m['mean_accuracy_of_sources']}",
            ("stage", "F1", *(f"taken for {x}" for x in model.labels)),
            rows,
        )
    rows = []
    for name in STAGE_SETS:
        items = [row for row in read_rows(data / "benchmarks" / f"{name}.jsonl.zst") if row.get("stage")]
        best = model.predict_proba([item["question"] for item in items]).argmax(axis=1)
        truth = np.array([model.labels.index(item["stage"]) for item in items])
        taken = np.bincount(best, minlength=len(model.labels)).tolist()
        rows.append((name, items[0]["stage"], len(items), f"{(best == truth).mean():.3f}", *taken))
    header = ("set", "stage", "items", "accuracy", *(f"taken for {x}" for x in model.labels))
    print_table("school stage: questions of sets that nothing was trained on", header, rows)


def difficulty(model: Classifier, data: Path) -> None:
    """Held-out problems of the card, then MATH's test part."""
    levels = np.arange(1, len(model.labels) + 1)
    m = model.card.metrics
    items = [row for row in read_rows(data / "benchmarks" / "math_test.jsonl.zst") if row.get("level")]
    truth = np.array([int(item["level"]) for item in items])
    rows: list[tuple[object, ...]] = []
    for name, texts in (
        ("question", [item["question"] for item in items]),
        ("question and solution", [join_problem(item["question"], item["solution"]) for item in items]),
    ):
        probs = model.predict_proba(texts)
        rows.append((name, m[name]["spearman"], round(spearman(probs @ levels, truth), 4)))
    print_table("difficulty: Spearman with MATH's levels", ("input", "held out of train", "test part"), rows)
    table = confusion(truth - 1, probs.argmax(axis=1), len(levels))
    rows = [(label, *row) for label, row in zip(model.labels, table.tolist(), strict=True)]
    print_table("difficulty: test part, with solution", ("level", *(f"taken for {x}" for x in model.labels)), rows)


def page_speed(data: Path) -> None:
    """The classify stage beside fastText's predict."""
    texts = [
        extract_html(page.html, page.label["url"], page.content_type).text
        for page in pages(data, "math_pages", "nonmath_pages")
    ]
    math = bundled("math")
    lines = math.card.normaliser.lines(texts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_text("".join(f"__label__{i % 2} {line}\n" for i, line in enumerate(lines)), encoding="utf-8")
        model = fasttext.train_supervised(str(path), dim=32, epoch=1, minCount=5, thread=1, verbose=0)
        model.quantize(str(path), cutoff=20_000, retrain=False, qnorm=True, thread=1, verbose=0)
    stage = Classify(ClassifyConfig(threshold=0.0))
    stage.open(StageContext(scratch=Path()))
    empty = {"formulas": [], "blocks": [], "formula_counts": []}
    locator = {"file": "", "record": 0, "offset": 0}
    batch = to_batch(
        [{"doc_id": str(i), "source": "", "locator": locator, "text": t, **empty} for i, t in enumerate(texts)],
        DOCUMENT,
    )
    cut = [" ".join(text.encode()[:16_384].decode(errors="ignore").split()) for text in texts]
    column = pa.array(texts)
    ways: dict[str, Callable[[], object]] = {
        "fastText's predict on prepared lines, one by one": lambda: [model.predict(line, 2) for line in lines],
        "fastText's predict on prepared lines, as one list": lambda: model.predict(lines, 2),
        "fastText's predict on raw text, one by one": lambda: [model.predict(line, 2) for line in cut],
        "normaliser alone": lambda: math.card.normaliser.tokens(column),
        "predict_proba of an Arrow column": lambda: math.predict_proba(column),
        "classify stage, all of it": lambda: list(stage.process(iter([batch]))),
    }
    size = sum(min(16_384, len(text.encode())) for text in texts)
    rows = [
        (name, int(len(texts) / seconds), f"{size / seconds / 1e6:.1f}")
        for name, seconds in ((name, best_time(way)) for name, way in ways.items())
    ]
    print_table(f"Speed on {len(texts):,} pages", ("what", "pages/s", "MB/s (of text read)"), rows)


def label_speed(data: Path) -> None:
    """The label stage on problems with solutions in words."""
    stage = Label(LabelConfig())
    stage.open(StageContext(scratch=Path()))
    empty: dict[str, Any] = {"question_formulas": [], "solution_formulas": [], "steps": [], "n_steps": 0}
    rows = []
    for name in ("gsm8k_train", "math_train", "openstax_prealgebra_algebra", "tal_scq5k_cn_train"):
        items = read_rows(data / "problems" / f"{name}.jsonl.zst")[:2_000]
        batch = to_batch(
            [
                {
                    "problem_id": item["id"], "doc_id": item["id"], "source": name, "question": item["question"],
                    "locator": {"file": "", "record": 0, "offset": 0}, "solution": item["solution"],
                    "method": "source", "loss_weight": 1.0, **empty,
                }
                for item in items
            ],
            PROBLEM,
        )  # fmt: skip
        rows.append((name, int(len(items) / best_time(lambda batch=batch: list(stage.process(iter([batch])))))))  # type: ignore[misc]
    print_table("Speed of the label stage", ("collection", "problems/s"), rows)


def best_time(way: Callable[[], object]) -> float:
    """CPU seconds of the fastest of several calls, the first not counted."""
    way()
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        way()
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    main()
