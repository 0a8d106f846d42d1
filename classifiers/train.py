"""Train a fastText classifier so that its reported quality is that on sites it has never seen.

Texts come in groups (sites, books); cross-validation leaves whole groups out, since pages of one site share menus and
vocabulary and a random split reports memory as skill. The held-out scores of all folds give the metrics and the
calibration; the shipped model is then trained on everything. One thread and a fixed seed: the same file each time.
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
from pydantic import Field

from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.text_classifier import PREFIX, Calibration, raw_log_probs
from mathmill.core.config import Config


@dataclass(frozen=True)
class Example:
    """A text with its label. Texts of one group are never on both sides of a split."""

    text: str
    label: str
    group: str
    lang: str
    source: str
    license: str


class TrainConfig(Config):
    """fastText's settings; the defaults give a model under 2 MB."""

    dim: int = Field(32, ge=1)
    epoch: int = Field(5, ge=1)  # 8 and 15 were no better on unseen sites
    learning_rate: float = Field(0.5, gt=0)
    word_ngrams: int = Field(1, ge=1)
    min_count: int = Field(5, ge=1)  # a token of fewer texts says more about one site than about the subject
    bucket: int = Field(0, ge=0)  # of word n-grams
    quantise: bool = True  # about a tenth of the size; needs 256 different tokens
    cutoff: int = Field(20_000, ge=0)  # rows of the embedding kept when quantising
    seed: int = 20_250_102


def train(examples: Sequence[Example], labels: Sequence[str], normaliser: Normaliser, config: TrainConfig) -> Any:
    """Train and quantise a model; classes are balanced by repeating the texts of the rarer ones."""
    lines = normaliser.lines([example.text for example in examples])
    order = balanced_order([example.label for example in examples], labels, config.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_text("".join(f"{PREFIX}{examples[i].label} {lines[i]}\n" for i in order), encoding="utf-8")
        model = fasttext.train_supervised(
            str(path),
            dim=config.dim,
            epoch=config.epoch,
            lr=config.learning_rate,
            wordNgrams=config.word_ngrams,
            minCount=config.min_count,
            bucket=config.bucket,
            seed=config.seed,
            thread=1,
            verbose=0,
        )
        if config.quantise:
            model.quantize(str(path), cutoff=config.cutoff, retrain=True, qnorm=True, thread=1, verbose=0)
    return model


def balanced_order(truth: Sequence[str], labels: Sequence[str], seed: int) -> list[int]:
    """Shuffle the texts' numbers, those of rarer labels repeated until all labels are equally frequent."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero([label == name for name in truth]) for label in labels]
    largest = max(map(len, members))
    repeated = np.concatenate([np.resize(rng.permutation(group), largest) for group in members if len(group)])
    order: list[int] = rng.permutation(repeated).tolist()
    return order


def held_out_log_probs(
    examples: Sequence[Example],
    folds: Iterable[set[str]],
    labels: Sequence[str],
    normaliser: Normaliser,
    config: TrainConfig,
) -> np.ndarray:
    """Score each text with a model that has not seen its group: float64 (n_texts, n_labels), NaN where never held out.

    folds: disjoint sets of groups, each held out once.
    """
    scores = np.full((len(examples), len(labels)), np.nan)
    for fold in folds:
        held_out = np.array([example.group in fold for example in examples])
        model = train([e for e, out in zip(examples, held_out, strict=True) if not out], labels, normaliser, config)
        lines = normaliser.lines([e.text for e, out in zip(examples, held_out, strict=True) if out])
        scores[held_out] = raw_log_probs(model, lines, labels)
    return scores


def fit_calibration(log_probs: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> Calibration:
    """Fit scale and biases by Newton steps on the weighted log loss, the first bias fixed at 0 (Platt scaling).

    log_probs: float64 (n, n_labels). truth: int (n,), label numbers. weights: float64 (n,).
    """
    n_labels = log_probs.shape[1]
    parameters = np.zeros(n_labels)  # log scale, then the biases of all labels but the first
    target = np.eye(n_labels)[truth]
    prior = 1e-3 * weights.sum()  # keeps a separable set from driving the scale to infinity
    for _ in range(200):
        scale = np.exp(parameters[0])
        bias = np.concatenate([np.zeros(1), parameters[1:]])
        probs = Calibration(scale=scale, bias=tuple(bias)).apply(log_probs)
        features = np.zeros((len(truth), n_labels, n_labels))  # d score / d parameter
        features[:, :, 0] = scale * log_probs
        for label in range(1, n_labels):
            features[:, label, label] = 1.0
        expected = np.einsum("nl,nlp->np", probs, features)
        gradient = (weights[:, None] * (np.einsum("nl,nlp->np", target, features) - expected)).sum(
            0
        ) - prior * parameters
        centred = features - expected[:, None, :]
        hessian = np.einsum("n,nl,nlp,nlq->pq", weights, probs, centred, centred) + prior * np.eye(n_labels)
        step = np.linalg.solve(hessian, gradient)
        parameters += step * min(1.0, 0.5 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    rounded = [round(float(b), 6) for b in parameters[1:]]
    return Calibration(scale=round(float(np.exp(parameters[0])), 6), bias=(0.0, *rounded))


def roc_auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney). positive: bool (n,)."""
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[inverse][positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def precision_recall(scores: np.ndarray, positive: np.ndarray, threshold: float) -> tuple[float, float]:
    """Precision and recall when what scores at least `threshold` is kept; precision is 1 where nothing is."""
    kept = scores >= threshold
    hits = float((kept & positive).sum())
    return (hits / kept.sum() if kept.any() else 1.0), (hits / positive.sum() if positive.any() else float("nan"))
