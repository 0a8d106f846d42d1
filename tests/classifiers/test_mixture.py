from pathlib import Path

import numpy as np
import pytest

from mathmill.classifiers import Classifier, join_problem
from mathmill.classifiers.features import Features
from mathmill.classifiers.ridge import Rows, fit_gated, fit_ridge
from mathmill.classifiers.text_classifier import Card, save
from mathmill.classifiers.train import Example
from mathmill.classifiers.train_mixture import MixtureConfig, TrainedMixture, train_mixture
from mathmill.core.errors import ConfigError

LABELS = ("1", "2")
CONFIG = MixtureConfig(min_texts=1, landmarks=10, penalty=(0.1, 0.1), topic_penalty=(0.1, 0.1))


def rows(matrix: np.ndarray) -> Rows:
    n, m = matrix.shape
    return Rows(np.arange(0, n * m + 1, m), np.tile(np.arange(m), n), matrix.reshape(-1), m)


def test_ridge_meets_the_normal_equations() -> None:
    rng = np.random.default_rng(0)
    x, targets = rng.normal(size=(30, 5)), rng.normal(size=(30, 2))
    expected = np.linalg.solve(x.T @ x + 2 * np.eye(5), x.T @ (targets - targets.mean(axis=0)))
    for shuffled in (False, True):
        fitted, intercept = fit_ridge(rows(x), targets, 2.0, shuffled=shuffled)
        assert fitted == pytest.approx(expected, abs=5e-3)  # steps end below 1e-4
        assert intercept == pytest.approx(targets.mean(axis=0))
    assert rows(x).part(np.arange(30) < 7).times(expected) == pytest.approx(x[:7] @ expected)


def test_gated_ridge_is_the_ridge_on_all_products() -> None:
    rng = np.random.default_rng(1)
    x, gates, target = rng.normal(size=(40, 3)), rng.random((40, 2)), rng.normal(size=40)
    products = (x[:, :, None] * gates[:, None, :]).reshape(40, 6)
    expected = np.linalg.solve(products.T @ products + 3 * np.eye(6), products.T @ (target - target.mean()))
    assert fit_gated(rows(x), gates, target, 3.0)[0].reshape(-1) == pytest.approx(expected, abs=1e-4)


def trained() -> tuple[list[Example], TrainedMixture]:
    """ "many" is hard in geometry and easy in algebra."""
    kinds = [("circle many", "2"), ("circle few", "1"), ("root many", "1"), ("root few", "2")]
    examples = [
        Example(text, label, str(number), "en", "s", "l")
        for number in range(12)
        for words, label in kinds
        for text in (words, join_problem(words, f"by {words.split()[0]}"))
    ]
    topics = [example.text.split()[0] for example in examples]
    folds = [{str(number) for number in range(k, 12, 3)} for k in range(3)]
    return examples, train_mixture(examples, LABELS, topics, folds, CONFIG)


def test_a_word_may_mean_the_opposite_in_another_topic_and_survives_saving(tmp_path: Path) -> None:
    examples, made = trained()
    truth = np.array([LABELS.index(example.label) for example in examples])
    assert (made.held_out.argmax(axis=1) == truth).all()
    card = Card(
        name="t", labels=LABELS, normaliser=CONFIG.normaliser, features=CONFIG.features, description="", training={},
        data=[], metrics={}, thresholds=[],
    )  # fmt: skip
    for name in ("a", "b"):
        save(tmp_path / name, trained()[1].model, card)
    assert (tmp_path / "a" / "model.npz").read_bytes() == (tmp_path / "b" / "model.npz").read_bytes()
    texts = [example.text for example in examples]
    probs = Classifier(tmp_path / "a").predict_proba(texts)
    assert probs == pytest.approx(made.model.predict_proba(texts), abs=2e-3)
    linear = card.model_copy(update={"features": Features()})
    (tmp_path / "a" / "card.json").write_text(linear.model_dump_json(exclude_none=True))
    with pytest.raises(ConfigError, match="not a classifier"):
        Classifier(tmp_path / "a")
