import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mathmill.classifiers.evaluation import Judged, evaluate, pictures, thresholds
from mathmill.classifiers.metrics import (
    Operating,
    best_at_precision,
    best_at_recall,
    calibration_bins,
    confusion,
    evaluate_labels,
    expected_calibration_error,
    operating_points,
    precision_recall_f1,
    spaced,
    spearman,
    wilson,
)

SCORES = np.array([0.9, 0.8, 0.8, 0.4, 0.1])
POSITIVE = np.array([True, True, False, True, False])


def test_each_distinct_score_is_an_operating_point() -> None:
    assert operating_points(SCORES, POSITIVE) == [
        Operating(0.9, kept=1, hits=1, positives=3),
        Operating(0.8, kept=3, hits=2, positives=3),
        Operating(0.4, kept=4, hits=3, positives=3),
        Operating(0.1, kept=5, hits=3, positives=3),
    ]
    assert operating_points(np.zeros(0), np.zeros(0, bool)) == []


def test_the_order_of_texts_does_not_matter() -> None:
    order = [2, 4, 0, 3, 1]
    assert operating_points(SCORES[order], POSITIVE[order]) == operating_points(SCORES, POSITIVE)


def test_a_precision_is_reached_with_the_most_recall_and_a_recall_with_the_most_precision() -> None:
    points = operating_points(SCORES, POSITIVE)
    found = best_at_precision(points, 0.7)
    assert found is not None
    assert (found.threshold, found.precision, found.recall) == (0.4, 0.75, 1.0)
    assert best_at_precision(points, 0.76) == points[0]
    assert best_at_recall(points, 0.5) == points[1]
    assert best_at_recall(points, 1.0) == points[2]
    assert best_at_precision(operating_points(SCORES, ~POSITIVE), 0.6) is None
    assert best_at_recall(operating_points(SCORES, np.zeros(5, bool)), 0.5) is None


def test_wilson_intervals_are_those_of_the_literature() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)):
        assert wilson(hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(0, 20) == (0.0, pytest.approx(0.1611, abs=5e-5))
    assert wilson(0, 0) == (0.0, 1.0)


def test_confusion_has_the_truth_in_rows() -> None:
    counts = confusion(np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, 2]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    values = precision_recall_f1(counts)
    np.testing.assert_allclose(values[0], [1 / 2, 1 / 2, 1 / 2])
    np.testing.assert_allclose(values[2], [1.0, 2 / 3, 4 / 5])
    never = precision_recall_f1(np.array([[2, 0], [0, 0]]))[1]
    assert np.isnan(never).all()


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    scores, positive = np.array([0.05, 0.15, 0.15, 0.95, 1.0]), np.array([False, True, False, True, True])
    bins = calibration_bins(scores, positive)
    assert [(round(score, 3), share, n) for score, share, n in bins] == [(0.05, 0, 1), (0.15, 0.5, 2), (0.975, 1, 2)]
    assert expected_calibration_error(bins) == pytest.approx((0.05 + 2 * 0.35 + 2 * 0.025) / 5)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    rng = np.random.default_rng(1)
    points = operating_points(rng.random(5_000), rng.random(5_000) < 0.3)
    few = spaced(points, 50)
    assert len(few) <= 52
    assert (few[0], few[-1]) == (points[0], points[-1])


JUDGED = Judged(
    labels=("math", "other <b>"),
    scores=np.stack([SCORES, 1 - SCORES], axis=1),
    truth=np.where(POSITIVE, 0, 1),
    langs=["en", "en", "zh", "en", "zh"],
    groups=["a.org", "b.org", "b.org", "", ""],
)


def test_figures_by_label_language_and_site() -> None:
    figures = evaluate(JUDGED)
    assert figures["accuracy"] == 0.6
    assert figures["confusion"] == [[2, 1], [1, 1]]
    assert figures["label"]["math"] == {
        "texts": 3, "precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "roc_auc": 0.75,
        "expected_calibration_error": 0.28,
    }  # fmt: skip
    assert figures["lang"]["en"] == {
        "texts": 3, "labels": {"math": 3, "other <b>": 0}, "accuracy": 0.6667, "roc_auc": None,
    }  # fmt: skip
    assert set(figures["site"]) == {"a.org", "b.org", "unknown"}
    assert thresholds(JUDGED)[4] == {"threshold": 0.5, "precision": 0.6667, "recall": 0.6667}


def test_pictures_are_whole_svg_files_with_their_numbers_and_labels_escaped() -> None:
    drawn = pictures(JUDGED, "A & B")
    assert set(drawn) == {"confusion.svg", "precision-recall.svg", "reliability.svg"}
    texts = {name: list(ET.fromstring(picture).itertext()) for name, picture in drawn.items()}
    assert "other <b>" in texts["confusion.svg"]
    assert "67%" in texts["confusion.svg"]
    assert "at 0.5: precision 0.667, recall 0.667" in texts["precision-recall.svg"]
    assert all("prefers-color-scheme: dark" in picture for picture in drawn.values())


def test_more_than_two_labels_have_a_curve_each() -> None:
    scores = np.eye(3)[[0, 1, 2, 2]] * 0.7 + 0.1
    drawn = pictures(Judged(("a", "b", "c"), scores, np.array([0, 1, 2, 1]), [""] * 4, [""] * 4), "three")
    assert {f"{kind}-{n}.svg" for kind in ("precision-recall", "reliability") for n in (1, 2, 3)} < set(drawn)


def test_spearman_shares_the_ranks_of_ties() -> None:
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 90.0])) == pytest.approx(1.0)
    assert spearman(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(np.sqrt(3) / 2)


def test_a_confusion_has_the_truth_in_rows() -> None:
    table = confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    assert table.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(precision_recall_f1(table)[:, 2], [2 / 3, 2 / 3, np.nan])


def test_labels_that_do_not_occur_are_not_averaged() -> None:
    probs = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    found = evaluate_labels(probs, np.array([0, 1]), ("a", "b", "c"), ["s", "t"])
    assert (found["macro_f1"], found["accuracy"], found["mean_accuracy_of_sources"]) == (1.0, {"s": 1.0, "t": 1.0}, 1.0)
