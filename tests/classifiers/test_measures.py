import numpy as np
import pytest

from mathmill.classifiers.measures import evaluate_labels, spearman
from mathmill.classifiers.metrics import confusion, precision_recall_f1


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
