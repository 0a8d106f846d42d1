"""Make the bundled school stage classifier: `python examples/train_school_stage_model.py DATA`.

DATA holds `problems/*.jsonl.zst`, of which the problems with a stage (elementary, middle, high) are used, each as its
question alone and as question with solution. Problems of one textbook page are never on both sides of a split. No
source has a university stage: the lexicon knows that one (`mathmill.classifiers.school_lexicon`).
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from train_math_model import SEED, read_jsonl, sources

from mathmill.classifiers import join_problem
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.text_classifier import MODELS, Card, save
from mathmill.classifiers.train import Example, TrainConfig, fit_calibration, held_out_log_probs, train

LABELS = ("elementary", "middle", "high")
FOLDS = 4


def main() -> None:
    """Train, evaluate on held-out items, calibrate and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=MODELS / "school_stage")
    arguments = parser.parse_args()

    examples = list(problems(arguments.data))
    normaliser = Normaliser(max_bytes=2_048)
    config = TrainConfig(epoch=10, word_ngrams=2, min_count=2, bucket=100_000, cutoff=30_000)
    groups = sorted({example.group for example in examples})
    order = np.random.default_rng(SEED).permutation(len(groups))
    folds = [{groups[i] for i in order[k::FOLDS]} for k in range(FOLDS)]
    log_probs = held_out_log_probs(examples, folds, LABELS, normaliser, config)
    truth = np.array([LABELS.index(example.label) for example in examples])
    counts = Counter(example.source for example in examples)
    weights = np.array([counts[example.source] ** -0.5 for example in examples])
    calibration = fit_calibration(log_probs, truth, weights / weights.mean())
    best = calibration.apply(log_probs).argmax(axis=1)
    card = Card(
        name="school_stage",
        labels=LABELS,
        normaliser=normaliser,
        calibration=calibration,
        description="For which school stage is a math problem: grades 1-6, 7-9 or 10-12? English and Chinese.",
        training={**config.model_dump(mode="json"), "texts": len(examples)},
        data=sources(examples, LABELS),
        metrics=metrics(examples, truth, best),
        thresholds=[],
    )
    save(arguments.out, train(examples, LABELS, normaliser, config), card)
    (arguments.out / "README.md").write_text(readme(card), encoding="utf-8")
    print(readme(card))


def problems(data: Path) -> Iterator[Example]:
    """Yield the problems with a stage, twice where they have a solution in words."""
    for path in sorted((data / "problems").glob("*.jsonl.zst")):
        if path.name.startswith("pot_"):  # programs, on questions that other files have
            continue
        for row in read_jsonl(path):
            if row.get("stage") not in LABELS:
                continue
            # Of a textbook the page, else one of fifty parts by the sum of the id's characters.
            page = (
                row["id"].split("-")[1] if row["source"].startswith("openstax") else str(sum(map(ord, row["id"])) % 50)
            )
            group = f"{row['source'].split('/')[0]} {page}"
            solution = None if row.get("solution_kind") == "equation" else row["solution"]
            for text in dict.fromkeys((row["question"], join_problem(row["question"], solution))):
                yield Example(text, row["stage"], group, row["lang"], row["source"], row["license"])


def metrics(examples: Sequence[Example], truth: np.ndarray, best: np.ndarray) -> dict[str, Any]:
    """Macro-F1 and accuracy by source, on held-out items. truth, best: int (n,), label numbers."""
    confusion = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(confusion, (truth, best), 1)
    f1 = 2 * confusion.diagonal() / (confusion.sum(axis=0) + confusion.sum(axis=1))
    right = truth == best
    by_source = {
        source: round(float(right[[example.source == source for example in examples]].mean()), 4)
        for source in sorted({example.source for example in examples})
    }
    return {
        "texts": len(examples),
        "macro_f1": round(float(f1.mean()), 4),
        "f1": dict(zip(LABELS, np.round(f1, 4).tolist(), strict=True)),
        "confusion": confusion.tolist(),
        "accuracy": by_source,
        "mean_accuracy_of_sources": round(float(np.mean(list(by_source.values()))), 4),
    }


def readme(card: Card) -> str:
    """Write the card for people."""
    m = card.metrics
    lines = [
        f"# Classifier `{card.name}`",
        "",
        card.description,
        f"Made by `examples/train_school_stage_model.py`; fastText, quantised, one thread, seed {SEED}.",
        "",
        f"Held-out items (whole textbook pages or parts of a collection): macro-F1 {m['macro_f1']},",
        f"accuracy averaged over sources {m['mean_accuracy_of_sources']}.",
        "The sources are those of the training data; of others expect less.",
        "",
        "| stage | F1 | " + " | ".join(f"taken for {label}" for label in LABELS) + " |",
        "|---|---|" + "---|" * len(LABELS),
        *(
            f"| {label} | {m['f1'][label]} | " + " | ".join(map(str, row)) + " |"
            for label, row in zip(LABELS, m["confusion"], strict=True)
        ),
        "",
        "| source | accuracy | licence |",
        "|---|---|---|",
        *(f"| {r['source']} | {m['accuracy'][r['source']]} | {', '.join(r['license'])} |" for r in card.data),
        "",
        "Limits: middle and high school English is one publisher's algebra; no university problems were seen.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
