"""What cards of bundled models say beside `mathmill.classifiers.metrics`: ranking, F1 and accuracy by source."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mathmill.classifiers.metrics import confusion, precision_recall_f1
from mathmill.classifiers.train import precision_recall


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing their mean rank: float64 (n,)."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation with mean ranks for ties."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def threshold_table(scores: np.ndarray, positive: np.ndarray) -> list[dict[str, float]]:
    """Precision and recall by round thresholds, for a card."""
    table = []
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        precision, recall = precision_recall(scores, positive, threshold)
        table.append({"threshold": threshold, "precision": round(precision, 4), "recall": round(recall, 4)})
    return table


def evaluate_labels(
    probs: np.ndarray, truth: np.ndarray, labels: Sequence[str], source: Sequence[str]
) -> dict[str, Any]:
    """Macro-F1, confusion and accuracy by source, for a card; only labels that occur in `truth` are averaged."""
    best = probs.argmax(axis=1)
    table = confusion(truth, best, len(labels))
    f1 = np.nan_to_num(precision_recall_f1(table)[:, 2])  # of a label that occurs nowhere 0
    occurring = table.sum(axis=1) > 0
    right = truth == best
    of = np.array(source)
    by_source = {name: round(float(right[of == name].mean()), 4) for name in sorted(set(source))}
    return {
        "texts": len(truth),
        "macro_f1": round(float(f1[occurring].mean()), 4),
        "f1": dict(zip(labels, np.round(f1, 4).tolist(), strict=True)),
        "confusion": table.tolist(),
        "accuracy": by_source,
        "mean_accuracy_of_sources": round(float(np.mean(list(by_source.values()))), 4),
    }
