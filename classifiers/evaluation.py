"""How good a classifier is on labelled texts: overall, by label, by language and by site, as numbers and pictures.

The same figures stand in a new model's card, where they come from texts whose site the model had not seen, and in
`mathmill classifier evaluate`. A text is given its most probable label.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mathmill.classifiers.metrics import (
    Operating,
    best_at_recall,
    calibration_bins,
    confusion,
    expected_calibration_error,
    operating_points,
    precision_recall_f1,
    roc_auc,
)
from mathmill.classifiers.pictures import confusion_picture, precision_recall_picture, reliability_picture

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Judged:
    """Texts with their label and their scores.

    scores: float (n, n_labels). truth: int (n,), numbers of labels. langs, groups: one for each text, "" where unknown.
    """

    labels: tuple[str, ...]
    scores: np.ndarray
    truth: np.ndarray
    langs: Sequence[str]
    groups: Sequence[str]

    def points(self, label: int = 0) -> list[Operating]:
        """The operating points of a label against all others."""
        return operating_points(self.scores[:, label], self.truth == label)


def evaluate(judged: Judged) -> dict[str, Any]:
    """Give all figures as JSON-like values, rounded to four decimals, NaN as None.

    ROC-AUC and F1 over all are means over the labels that occur; the expected calibration error is over ten bins.
    """
    counts = confusion(judged.truth, judged.scores.argmax(axis=1), len(judged.labels))
    by_label = _by_label(judged, counts)
    present = [values for values in by_label.values() if values["texts"]]
    result: dict[str, Any] = {
        "texts": len(judged.truth),
        "accuracy": _share(int(np.diag(counts).sum()), len(judged.truth)),
        **{name: _mean([row[name] for row in present]) for name in ("roc_auc", "expected_calibration_error")},
        "macro_f1": _mean([row["f1"] for row in present]),
        "precision_at_recall_0.95": _precision_at_recall(judged),
        "label": by_label,
        "confusion": counts.tolist(),
    }
    for name, values in (("lang", judged.langs), ("site", judged.groups)):
        if any(values):
            result[name] = _by_part(judged, values)
    return result


def thresholds(judged: Judged) -> list[dict[str, float]]:
    """Precision and recall of the first label at some thresholds, as a card has them; none where it does not occur."""
    points = judged.points()
    rows = []
    for threshold in THRESHOLDS:
        kept = [point for point in points if point.threshold >= threshold]
        if kept and kept[-1].positives:
            precision, recall = round(kept[-1].precision, 4), round(kept[-1].recall, 4)
            rows.append({"threshold": threshold, "precision": precision, "recall": recall})
    return rows


def pictures(judged: Judged, title: str) -> dict[str, str]:
    """Draw the pictures of a card: SVG by file name. Curves are of the first label; of more than two, of each."""
    counts = confusion(judged.truth, judged.scores.argmax(axis=1), len(judged.labels))
    drawn = {"confusion.svg": confusion_picture(counts, judged.labels, f"{title}: confusion")}
    for number, label in enumerate(judged.labels if len(judged.labels) > 2 else judged.labels[:1]):
        tail = f"-{number + 1}" if len(judged.labels) > 2 else ""
        bins = calibration_bins(judged.scores[:, number], judged.truth == number)
        curve = precision_recall_picture(judged.points(number), label, f"{title}: precision and recall")
        drawn[f"precision-recall{tail}.svg"] = curve
        drawn[f"reliability{tail}.svg"] = reliability_picture(bins, label, f"{title}: calibration")
    return drawn


def _by_label(judged: Judged, counts: np.ndarray) -> dict[str, dict[str, Any]]:
    rows = {}
    for number, (label, values) in enumerate(zip(judged.labels, precision_recall_f1(counts), strict=True)):
        positive = judged.truth == number
        precision, recall, f1 = values.tolist()
        rows[label] = {
            "texts": int(positive.sum()),
            "precision": _rounded(precision),
            "recall": _rounded(recall),
            "f1": _rounded(f1),
            "roc_auc": _rounded(roc_auc(judged.scores[:, number], positive)),
            "expected_calibration_error": _rounded(
                expected_calibration_error(calibration_bins(judged.scores[:, number], positive))
            ),
        }
    return rows


def _by_part(judged: Judged, values: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The figures of the texts of each language or site."""
    names, numbers = np.unique(np.array(values, dtype=np.str_), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(len(names) + 1))
    right = judged.scores.argmax(axis=1) == judged.truth
    rows = {}
    for name, start, end in zip(names.tolist(), ends, ends[1:], strict=False):
        mine = order[start:end]
        first = judged.truth[mine] == 0
        truths = np.bincount(judged.truth[mine], minlength=len(judged.labels))
        rows[name or "unknown"] = {
            "texts": len(mine),
            "labels": dict(zip(judged.labels, truths.tolist(), strict=True)),
            "accuracy": _share(int(right[mine].sum()), len(mine)),
            "roc_auc": _rounded(roc_auc(judged.scores[mine, 0], first)),
        }
    return rows


def _precision_at_recall(judged: Judged) -> float | None:
    point = best_at_recall(judged.points(), 0.95)
    return None if point is None else _rounded(point.precision)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
