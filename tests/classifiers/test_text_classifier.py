import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathmill.classifiers import bundled
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.text_classifier import Calibration, Card, Classifier, save
from mathmill.classifiers.train import (
    Example,
    TrainConfig,
    balanced_order,
    fit_calibration,
    held_out_log_probs,
    precision_recall,
    roc_auc,
    train,
)
from mathmill.core.errors import ConfigError

MATH = [
    r"Let $f(x)=x^2-3x+2$. Then $f'(x)=2x-3$, so the minimum is at $x=\frac{3}{2}$.",
    r"Theorem 2. Every bounded sequence in $\mathbb{R}^n$ has a convergent subsequence. Proof. By induction on $n$.",
    "设函数 $f(x)=x^2$，求它在 $x=1$ 处的切线方程。解：因为 $f'(1)=2$，所以切线为 $y=2x-1$。",
    "已知等差数列的首项为 3，公差为 2，求前 10 项的和。解：由求和公式得 120。",
]
OTHER = [
    "The village lies by the river. Its market is held on Saturdays, and most visitors come by train in summer.",
    "Mix the flour with two eggs and 200 g of butter, bake at 180 degrees for 45 minutes and let it cool.",
    "春天来了，院子里的桃花开了，孩子们放学以后总要在树下玩上半天，直到天黑才回家吃饭。",
    "本店营业时间为上午九点至晚上十点，地址在人民路 128 号，电话 010-12345678，人均消费 60 元。",
]


def test_the_bundled_model_knows_math_in_english_and_chinese() -> None:
    model = bundled("math")
    assert model.labels == ("math", "other")
    scores = model.predict_proba(MATH + OTHER)[:, 0]
    assert scores.dtype == np.float32
    assert (scores[: len(MATH)] > 0.5).all()
    assert (scores[len(MATH) :] < 0.5).all()


def test_probabilities_are_whole_1024ths_and_do_not_depend_on_the_batch() -> None:
    model = bundled("math")
    texts = [*MATH, "", *OTHER, "x"]
    together = model.predict_proba(pa.array([*texts, None]))
    assert together.shape == (len(texts) + 1, 2)
    np.testing.assert_array_equal(together[:-1], np.concatenate([model.predict_proba([t]) for t in texts]))
    np.testing.assert_array_equal(together[-1], together[len(MATH)])  # null counts as empty
    np.testing.assert_array_equal(together * 1024, np.round(together * 1024))
    np.testing.assert_allclose(together.sum(axis=1), 1.0)
    assert model.predict_proba([]).shape == (0, 2)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"no bundled classifier 'mth'.*math"):
        bundled("mth")


def test_a_missing_or_foreign_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"card\.json is missing"):
        Classifier(tmp_path)
    card = bundled("math").folder / "card.json"
    (tmp_path / "card.json").write_bytes(card.read_bytes())
    with pytest.raises(ConfigError, match=r"model\.npz is missing|model\.ftz is missing"):
        Classifier(tmp_path)
    (tmp_path / "model.ftz").write_bytes(b"not a model")
    with pytest.raises(ConfigError, match="not a classifier"):
        Classifier(tmp_path)
    (tmp_path / "card.json").write_text(json.dumps({**json.loads(card.read_text()), "labels": "no"}))
    with pytest.raises(ConfigError, match="not a classifier"):
        Classifier(tmp_path)


CONFIG = TrainConfig(dim=8, epoch=20, min_count=1, word_ngrams=2, bucket=1_000, cutoff=0)
EXAMPLES = [
    Example(text, label, f"site {i % 2}", "en", "s", "CC0-1.0")
    for label, texts in (("math", MATH), ("other", OTHER))
    for i, text in enumerate(texts * 40)
]


def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"cutoff": 300})
    for name in ("a", "b"):
        train(EXAMPLES, ("math", "other"), Normaliser(), config).save_model(str(tmp_path / name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_saved_model_predicts_as_its_labels_are_ordered(tmp_path: Path) -> None:
    model = train(EXAMPLES, ("other", "math"), Normaliser(), CONFIG.model_copy(update={"cutoff": 300}))
    card = Card(
        name="t", labels=("other", "math"), normaliser=Normaliser(), calibration=Calibration(bias=(0.0, 0.0)),
        description="", training={}, data=[], metrics={}, thresholds=[],
    )  # fmt: skip
    save(tmp_path / "m", model, card)
    probs = Classifier(tmp_path / "m").predict_proba(MATH + OTHER)
    assert (probs.argmax(axis=1) == [1] * len(MATH) + [0] * len(OTHER)).all()


def test_held_out_scores_come_from_models_that_have_not_seen_the_site() -> None:
    examples = [
        Example(f"token{site} {word}" * 5, word, site, "en", "s", "l") for site in "ab" for word in ("math", "other")
    ]
    scores = held_out_log_probs(
        examples * 10, [{"a"}], ("math", "other"), Normaliser(), CONFIG.model_copy(update={"cutoff": 300})
    )
    held_out = np.array([e.group == "a" for e in examples * 10])
    assert np.isfinite(scores[held_out]).all()
    assert np.isnan(scores[~held_out]).all()


def test_rarer_labels_are_repeated() -> None:
    truth = ["a"] * 10 + ["b"] * 3
    order = balanced_order(truth, ("a", "b"), seed=1)
    assert sorted(order[i] for i in range(len(order)) if truth[order[i]] == "a") == list(range(10))
    assert sum(truth[i] == "b" for i in order) == 10
    assert order == balanced_order(truth, ("a", "b"), seed=1)


def test_calibration_recovers_known_scale_and_bias() -> None:
    rng = np.random.default_rng(5)
    logit = rng.normal(0, 3, 20_000)
    log_probs = np.stack([-np.log1p(np.exp(-logit)), -np.log1p(np.exp(logit))], axis=1)
    truth = (rng.random(20_000) > 1 / (1 + np.exp(-(0.5 * logit - 1.0)))).astype(int)
    fitted = fit_calibration(log_probs, truth, np.ones(20_000))
    assert fitted.scale == pytest.approx(0.5, abs=0.03)
    assert fitted.bias[1] == pytest.approx(1.0, abs=0.06)
    assert fitted.apply(log_probs)[:, 1].mean() == pytest.approx(truth.mean(), abs=0.005)


def test_calibration_of_three_labels_matches_their_frequencies() -> None:
    rng = np.random.default_rng(6)
    log_probs = np.log(rng.dirichlet([1, 1, 1], 5_000))
    truth = np.array([rng.choice(3, p=p) for p in Calibration(scale=2.0, bias=(0.0, 1.0, -1.0)).apply(log_probs)])
    fitted = fit_calibration(log_probs, truth, np.ones(5_000))
    assert fitted.scale == pytest.approx(2.0, abs=0.15)
    assert fitted.bias[1:] == pytest.approx((1.0, -1.0), abs=0.15)


def test_roc_auc_counts_pairs_and_half_of_the_ties() -> None:
    rng = np.random.default_rng(7)
    scores, positive = rng.integers(0, 5, 60), rng.random(60) < 0.4
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[positive] for n in scores[~positive]]
    assert roc_auc(scores, positive) == pytest.approx(np.mean(pairs))
    assert np.isnan(roc_auc(np.ones(3), np.ones(3, bool)))


def test_precision_and_recall_at_a_threshold() -> None:
    scores, positive = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, True])
    assert precision_recall(scores, positive, 0.5) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert precision_recall(scores, positive, 0.95) == (1.0, 0.0)
