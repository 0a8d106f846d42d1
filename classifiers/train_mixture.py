"""Train a mixture of linear scorers on ordered labels, with topics that are known in training alone.

Everything is ridge regression. Topics that steer the experts in training are cross-fitted, so that experts meet topics
as uncertain as those of new texts. What is held out for the figures is held out of all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mathmill.classifiers.features import Features
from mathmill.classifiers.mixture import Landmarks, Mixture, count_all, gates_of, quantised
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.ridge import Rows, fit_gated, fit_ridge
from mathmill.classifiers.softmax_head import PENALTY, Head, fit_head
from mathmill.classifiers.train import Example
from mathmill.classifiers.train_linear import CountedTexts
from mathmill.core.config import Config


class MixtureConfig(Config):
    """How a model is trained; penalties are for texts alone and for texts with a solution."""

    normaliser: Normaliser = Normaliser(max_bytes=8_192)
    features: Features = Features(word_ngrams=1, shape_ngrams=4, unit_length=True, presence=True, experts=True)
    min_texts: int = Field(2, ge=1)
    cutoff: int = Field(150_000, ge=1)  # features kept
    landmarks: int = Field(300, ge=1)
    width: float = Field(0.4, gt=0)  # nearness is exp(-width * mean squared difference of scaled counts)
    nearness: float = Field(1.0, gt=0)  # length of the vector of nearness, beside n-grams of length 1 for each part
    topic_penalty: tuple[float, float] = (0.2, 0.3)
    penalty: tuple[float, float] = (3.0, 2.5)
    head_penalty: float = Field(PENALTY, gt=0)
    seed: int = 20_250_102


@dataclass(frozen=True)
class TrainedMixture:
    """A model and the held-out probabilities that tell how good it is: float64 (n_texts, n_labels)."""

    model: Mixture
    held_out: np.ndarray


@dataclass(frozen=True)
class _Part:
    """What is learned for texts alone, or for those with a solution."""

    vocabulary: np.ndarray
    weights: np.ndarray
    columns: np.ndarray
    intercept: np.ndarray
    landmarks: Landmarks
    texts: np.ndarray


def train_mixture(
    examples: Sequence[Example], labels: Sequence[str], topics: Sequence[str], folds: Sequence[set[str]],
    config: MixtureConfig,
) -> TrainedMixture:  # fmt: skip
    """Train, cross-validate, calibrate. topics: of each text. folds: of groups, all of them."""
    counted = CountedTexts.of(examples, config.normaliser, config.features)
    tokens, ends, _ = config.normaliser.tokens([example.text for example in examples])
    task = _Task(
        examples, counted, count_all(tokens, ends), np.array([labels.index(example.label) for example in examples]),
        np.unique(topics, return_inverse=True)[1],
        np.array([[example.group in fold for fold in folds].index(True) for example in examples]), config,
    )  # fmt: skip
    solved = task.counts[:, 0] > 0
    described = np.zeros((len(examples), 2 + task.topics.max()))
    for fold in range(len(folds)):
        seen = np.flatnonzero(task.fold_of != fold)
        model = task.fit(seen)
        mine = np.flatnonzero(task.fold_of == fold)
        described[mine] = model.describe([examples[i].text for i in mine.tolist()])[0]

    def head(mine: np.ndarray) -> Head:
        weights = np.ones(int(mine.sum()))
        return fit_head(described[mine], task.truth[mine], weights, len(labels), config.head_penalty)

    held_out = np.zeros((len(examples), len(labels)))
    heads = []
    for mode in (False, True):
        for fold in range(len(folds)):
            others, mine = (solved == mode) & (task.fold_of != fold), (solved == mode) & (task.fold_of == fold)
            held_out[mine] = head(others).apply(described[mine])
        heads.append(head(solved == mode))
    m = task.fit(np.arange(len(examples)))
    alone, joined = heads
    model = Mixture(m.normaliser, m.features, m.keys, m.weights, m.columns, m.intercepts, m.landmarks, (alone, joined))
    return TrainedMixture(model, held_out)


@dataclass(frozen=True)
class _Task:
    examples: Sequence[Example]
    counted: CountedTexts
    counts: np.ndarray
    truth: np.ndarray
    topics: np.ndarray
    fold_of: np.ndarray
    config: MixtureConfig

    def fit(self, rows: np.ndarray) -> Mixture:
        """Train both parts on some texts and keep the features that matter; its heads say nothing yet."""
        solved = self.counts[rows, 0] > 0
        parts = [self._part(rows[solved == mode], mode) for mode in (0, 1)]
        keys = np.concatenate([part.vocabulary for part in parts])
        weights, columns = (np.concatenate([getattr(p, name) for p in parts]) for name in ("weights", "columns"))
        texts = np.concatenate([part.texts for part in parts])
        matter = (np.abs(columns) / columns.std(axis=0)).max(axis=1) * weights * texts**0.5
        kept = np.sort(np.argsort(-matter, kind="stable")[: self.config.cutoff])
        steps, scale = quantised(columns[kept])
        alone, joined = (part.landmarks for part in parts)
        heads = fit_head(np.zeros((2, 2 + self.topics.max())), np.array([0, 1]), np.ones(2), 2)
        return Mixture(
            self.config.normaliser, self.config.features, keys[kept].astype(np.int64),
            weights[kept].astype(np.float16).astype(np.float32), steps.astype(np.float32) * scale[:, None],
            np.stack([part.intercept for part in parts]), (alone, joined), (heads, heads),
        )  # fmt: skip

    def _part(self, rows: np.ndarray, mode: int) -> _Part:
        vocabulary, texts = self.counted.vocabulary(rows, self.config.min_texts)
        weights = np.log((1 + len(rows)) / (1 + texts)) + 1
        landmarks, basis = self._landmarks(rows)
        data = self._rows(rows, vocabulary, weights, landmarks.nearness(self.counts[rows]) @ basis)
        one_hot = np.eye(self.topics.max() + 1)[self.topics[rows]]
        level = (self.truth[rows] - self.truth[rows].mean()) / self.truth[rows].std()
        gates = np.zeros(one_hot.shape)
        part_of = np.unique(self.fold_of[rows], return_inverse=True)[1] % _CROSS
        for number in range(_CROSS):
            mine = part_of == number
            fitted = fit_ridge(data.part(~mine), one_hot[~mine], self.config.topic_penalty[mode], shuffled=True)
            gates[mine] = gates_of(data.part(mine).times(fitted[0]) + fitted[1])
        topic_columns, topic_intercept = fit_ridge(data, one_hot, self.config.topic_penalty[mode], shuffled=True)
        gates = np.concatenate([np.ones((len(rows), 1)), gates], axis=1)
        level_columns, level_intercept = fit_gated(data, gates, level, self.config.penalty[mode])
        columns = np.concatenate([topic_columns, level_columns], axis=1)
        intercept = _CONSTANT * columns[-1]
        intercept[: len(topic_intercept) + 1] += np.append(topic_intercept, level_intercept)
        near = Landmarks(landmarks.mean, landmarks.slope, landmarks.places, basis @ columns[len(vocabulary) : -1])
        return _Part(vocabulary, weights, columns[: len(vocabulary)], intercept, near, texts)

    def _landmarks(self, rows: np.ndarray) -> tuple[Landmarks, np.ndarray]:
        """Choose landmarks, and the basis in which nearness to them is an inner product (Nyström's method)."""
        counts = self.counts[rows]
        deviation = counts.std(axis=0)
        varied = deviation > 1e-9
        slope = np.where(varied, (self.config.width / varied.sum()) ** 0.5 / np.maximum(deviation, 1e-9), 0.0)
        chosen = np.random.default_rng(self.config.seed).permutation(len(rows))[: self.config.landmarks]
        places = (counts[chosen] - counts.mean(axis=0)) * slope
        landmarks = Landmarks(counts.mean(axis=0), slope, places, np.zeros((len(chosen), 0)))
        values, vectors = np.linalg.eigh(landmarks.nearness(counts[chosen]))
        kept = values > 1e-6
        basis = vectors[:, kept] / np.sqrt(values[kept]) * self.config.nearness
        return landmarks, basis

    def _rows(self, rows: np.ndarray, vocabulary: np.ndarray, weights: np.ndarray, near: np.ndarray) -> Rows:
        """N-grams, each part of a text of length 1, then nearness, then a constant."""
        ids, values = [], []
        n_near = near.shape[1] + 1
        for row, nearness in zip(rows.tolist(), near, strict=True):
            features, counts, in_question = self.counted.known(row, vocabulary)
            value = counts * weights[features]
            for part in (value[:in_question], value[in_question:]):
                part /= max(float(np.sqrt((part**2).sum())), 1e-9)
            ids += [features, len(vocabulary) + np.arange(n_near)]
            values += [value, nearness, [_CONSTANT]]
        lengths = [len(a) + n_near for a in ids[::2]]
        return Rows(
            np.concatenate([[0], np.cumsum(lengths)]), np.concatenate(ids), np.concatenate(values),
            len(vocabulary) + n_near,
        )  # fmt: skip


_CROSS = 3
"""Parts that the topics of the training are cross-fitted in."""

_CONSTANT = 0.9
"""The feature that all texts have: with the gates it gives each topic a level of its own."""
