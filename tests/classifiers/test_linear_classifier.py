from pathlib import Path

import fasttext
import numpy as np
import pytest

from mathmill.classifiers import join_problem
from mathmill.classifiers.features import Features
from mathmill.classifiers.softmax_head import Head, fit_head
from mathmill.classifiers.text_classifier import Card, Classifier, save
from mathmill.classifiers.train import Example, balanced_order
from mathmill.classifiers.train_linear import CountedTexts, LinearConfig, fit_scorer, train_linear
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


CONFIG = LinearConfig(dim=8, epoch=20, min_texts=1, features=Features(word_ngrams=2))
RIDGE = LinearConfig(
    trainer="ridge",
    min_texts=1,
    features=Features(word_ngrams=2, kinds=True, unit_length=True, presence=True),
    penalty=0.5,
)
LABELS = ("math", "other")
FOLDS: list[set[str]] = [{"site 0"}, {"site 1"}]
EXAMPLES = [
    Example(text, label, f"site {i % 2}", "en", "s", "CC0-1.0")
    for label, texts in (("math", MATH), ("other", OTHER))
    for i, text in enumerate(texts * 40)
]


def card(config: LinearConfig, labels: tuple[str, ...] = LABELS) -> Card:
    return Card(
        name="t", labels=labels, normaliser=config.normaliser, features=config.features, description="", training={},
        data=[], metrics={}, thresholds=[],
    )  # fmt: skip


@pytest.mark.parametrize("config", [CONFIG, RIDGE], ids=["fasttext", "ridge"])
def test_training_twice_gives_the_same_bytes(tmp_path: Path, config: LinearConfig) -> None:
    for name in ("a", "b"):
        trained = train_linear(EXAMPLES, LABELS, FOLDS, config)
        save(tmp_path / name, trained.model, card(config))
    for file in ("model.npz", "card.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("config", [CONFIG, RIDGE], ids=["fasttext", "ridge"])
def test_a_saved_model_predicts_as_its_labels_are_ordered(tmp_path: Path, config: LinearConfig) -> None:
    trained = train_linear(EXAMPLES, ("other", "math"), FOLDS, config)
    save(tmp_path / "m", trained.model, card(config, ("other", "math")))
    probs = Classifier(tmp_path / "m").predict_proba(MATH + OTHER)
    assert (probs.argmax(axis=1) == [1] * len(MATH) + [0] * len(OTHER)).all()


def test_a_multiplied_out_model_scores_as_fasttext_does(tmp_path: Path) -> None:
    texts = MATH + OTHER
    examples = [Example(text, LABELS[i // 4], "g", "en", "s", "l") for i, text in enumerate(texts)]
    config = CONFIG.model_copy(update={"features": Features(), "seed": 3})
    counted = CountedTexts.of(examples, config.normaliser, config.features)
    truth = np.array([0] * 4 + [1] * 4)
    scorer = fit_scorer(counted, truth, np.arange(8), LABELS, config)
    vocabulary, _ = counted.vocabulary(np.arange(8), 1)
    lines = []
    for i in range(8):
        ids, counts, _ = counted.known(i, vocabulary)
        lines.append(" ".join(np.repeat(ids, counts.astype(int)).astype(str)))
    order = balanced_order([LABELS[t] for t in truth], LABELS, 3)
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"__label__{truth[i]} {lines[i]}\n" for i in order))
    model = fasttext.train_supervised(str(path), dim=8, epoch=20, lr=0.5, minCount=1, seed=3, thread=1, verbose=0)
    scores = scorer.describe(texts)
    for i, line in enumerate(lines):
        names, probs = model.predict(line, 2)
        expected = probs[names.index("__label__0")]
        assert 1 / (1 + np.exp(scores[i, 1] - scores[i, 0])) == pytest.approx(expected, abs=2e-3)  # float16


def test_held_out_scores_come_from_models_that_have_not_seen_the_site() -> None:
    examples = [
        Example(f"token{site} {word}" * 5, word, site, "en", "s", "l") for site in "abc" for word in ("math", "other")
    ]
    trained = train_linear(examples * 10, LABELS, [{"a"}, {"b"}], CONFIG)
    held_out = np.array([e.group in "ab" for e in examples * 10])
    assert np.isfinite(trained.held_out[held_out]).all()
    assert np.isnan(trained.held_out[~held_out]).all()


def test_a_solution_is_read_apart_from_its_question() -> None:
    examples = [
        Example(join_problem(question, solution), label, f"site {i % 2}", "en", "s", "l")
        for i in range(20)
        for question, solution, label in (("one", "two", "math"), ("two", "one", "other"))
    ]
    trained = train_linear(examples, LABELS, FOLDS, CONFIG)
    assert (trained.held_out.argmax(axis=1) == [0, 1] * 20).all()


def test_calibration_recovers_known_scale_and_bias() -> None:
    rng = np.random.default_rng(5)
    logit = rng.normal(0, 3, 20_000)
    truth = (rng.random(20_000) > 1 / (1 + np.exp(-(0.5 * logit - 1.0)))).astype(int)
    head = fit_head(logit[:, None], truth, np.ones(20_000), 2)
    assert head.weights[0, 0] - head.weights[0, 1] == pytest.approx(0.5, abs=0.03)
    assert head.weights[1, 1] - head.weights[1, 0] == pytest.approx(1.0, abs=0.06)
    assert head.apply(logit[:, None])[:, 1].mean() == pytest.approx(truth.mean(), abs=0.005)


def test_calibration_of_three_labels_matches_their_frequencies() -> None:
    rng = np.random.default_rng(6)
    inputs = rng.normal(size=(8_000, 2))
    known = Head(np.array([[1.0, 0.0, -1.0], [0.5, -1.0, 0.0], [0.0, 1.0, -1.0]]))
    truth = np.array([rng.choice(3, p=p) for p in known.apply(inputs)])
    fitted = fit_head(inputs, truth, np.ones(8_000), 3)
    assert np.abs(fitted.apply(inputs) - known.apply(inputs)).mean() < 0.01


def test_a_question_without_a_solution_is_itself() -> None:
    assert join_problem("What is 2+2?", None) == join_problem("What is 2+2?", "") == "What is 2+2?"


def test_a_file_that_does_not_fit_its_card_is_a_clear_error(tmp_path: Path) -> None:
    trained = train_linear(EXAMPLES, LABELS, FOLDS, CONFIG)
    save(tmp_path, trained.model, card(RIDGE))
    with pytest.raises(ConfigError, match="made for other features"):
        Classifier(tmp_path)
    (tmp_path / "model.npz").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="not a classifier"):
        Classifier(tmp_path)
