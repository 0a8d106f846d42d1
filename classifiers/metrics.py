"""How good scores are: curves, thresholds, confusion and calibration, in numpy alone.

Scores are calibrated probabilities, so ties are common (they are multiples of 1/1024); every function here treats equal
scores alike and none depends on the order of rows. Shares come with Wilson's interval, which stays sensible at 0 and 1
and for a handful of pages, where the normal approximation does not (Brown, Cai and DasGupta 2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mathmill.classifiers.train import roc_auc

__all__ = [
    "Operating",
    "best_at_precision",
    "best_at_recall",
    "calibration_bins",
    "confusion",
    "evaluate_labels",
    "expected_calibration_error",
    "operating_points",
    "precision_recall_f1",
    "ranks",
    "roc_auc",
    "spaced",
    "spearman",
    "wilson",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_Z95 = 1.959963984540054  # of the normal distribution: 95 % lie within ± this many standard deviations


@dataclass(frozen=True)
class Operating:
    """What a threshold gives: texts that score at least `threshold` are kept."""

    threshold: float
    kept: int
    hits: int
    positives: int

    @property
    def precision(self) -> float:
        """Share of the kept texts that are positive; 1 where nothing is kept."""
        return self.hits / self.kept if self.kept else 1.0

    @property
    def recall(self) -> float:
        """Share of the positive texts that are kept; NaN where there are none."""
        return self.hits / self.positives if self.positives else float("nan")

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Wilson's 95 % intervals of precision and recall."""
        return {"precision": wilson(self.hits, self.kept), "recall": wilson(self.hits, self.positives)}


def operating_points(scores: np.ndarray, positive: Bools) -> list[Operating]:
    """Every threshold that makes a difference, the highest first: one for each distinct score. Scores (n,)."""
    if not len(scores):
        return []
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)  # of each run of equal scores
    hits = np.cumsum(positive[order])[last]
    total = int(positive.sum())
    return [Operating(float(ordered[i]), int(i) + 1, int(n), total) for i, n in zip(last, hits, strict=True)]


def best_at_precision(points: list[Operating], precision: float) -> Operating | None:
    """The threshold of the highest recall among those with at least this precision; None where there is none."""
    reached = [point for point in points if point.precision >= precision and point.hits]
    return max(reached, key=lambda point: (point.hits, point.threshold), default=None)


def best_at_recall(points: list[Operating], recall: float) -> Operating | None:
    """The highest threshold with at least this recall; None where no text is positive."""
    return next((point for point in points if point.positives and point.recall >= recall), None)


def spaced(points: list[Operating], most: int = 200) -> list[Operating]:
    """Take at most about `most` points, evenly spaced in recall, the first and the last among them."""
    if len(points) <= most:
        return points
    wanted = np.linspace(0, points[-1].hits, most)
    places = np.searchsorted([point.hits for point in points], wanted)
    return [points[i] for i in sorted({0, *np.minimum(places, len(points) - 1).tolist(), len(points) - 1})]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share `hits / n`; (0, 1) where nothing was counted."""
    if not n:
        return 0.0, 1.0
    share, z2 = hits / n, _Z95 * _Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion(truth: np.ndarray, predicted: np.ndarray, n_labels: int) -> npt.NDArray[np.int64]:
    """Count texts by their label (rows) and the label that they were given (columns): int64 (n_labels, n_labels).

    truth, predicted: int (n,), numbers of labels.
    """
    cells = np.bincount(truth * n_labels + predicted, minlength=n_labels * n_labels)
    return cells.reshape(n_labels, n_labels).astype(np.int64)


def precision_recall_f1(counts: np.ndarray) -> Floats:
    """Precision, recall and F1 of each label from a confusion matrix: float64 (n_labels, 3), NaN where undefined."""
    hits = np.diag(counts).astype(np.float64)
    given, true = counts.sum(axis=0), counts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([hits / given, hits / true, 2 * hits / (given + true)], axis=1)


def calibration_bins(scores: np.ndarray, positive: Bools, n_bins: int = 10) -> list[tuple[float, float, int]]:
    """Cut [0, 1] into equal bins; of each that has texts: their mean score, their share of positives, their number."""
    numbers = np.minimum((scores * n_bins).astype(np.int64), n_bins - 1)
    members = [numbers == number for number in range(n_bins)]
    return [(float(scores[m].mean()), float(positive[m].mean()), int(m.sum())) for m in members if m.any()]


def expected_calibration_error(bins: list[tuple[float, float, int]]) -> float:
    """Mean distance of scores from the share of positives, over the texts of all bins (Guo et al. 2017)."""
    total = sum(n for _, _, n in bins)
    return sum(abs(score - share) * n for score, share, n in bins) / total if total else float("nan")


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing their mean rank: float64 (n,)."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation with mean ranks for ties."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


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
