"""A mixture of linear scorers, one for each topic: what says "hard" in number theory says little in geometry.

Levels are given within a subject, so a text's topics are guessed first, and its level is the sum of the experts'
scores, weighed by the topics. Both read the same features: n-grams of words and shapes, and nearness to some texts of
the training in what is counted (kinds of tokens, structure).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numba import njit

from mathmill.classifiers.features import Features, Table, mark_place, score, token_hashes
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.scorer import count_kinds
from mathmill.classifiers.softmax_head import Head, softmax
from mathmill.classifiers.structure import STRUCTURE, classes_of, count_structure

SHARPNESS = 8.0
"""Topics are fitted as 0 or 1 by least squares; this times the result are their logits."""

_BATCH = 1_024  # texts at a time: bounds the memory of normalised texts


@dataclass(frozen=True)
class Landmarks:
    """Nearness of a text's counts to those of some texts of the training, and what it adds to each column.

    mean, slope: float64 (n_counts,), how counts are scaled. places: float64 (n_landmarks, n_counts), scaled.
    columns: float64 (n_landmarks, n_columns). Nearness is exp(-|difference|^2).
    """

    mean: np.ndarray
    slope: np.ndarray
    places: np.ndarray
    columns: np.ndarray

    def nearness(self, counts: np.ndarray) -> np.ndarray:
        """counts: float64 (n_texts, n_counts). Returns float64 (n_texts, n_landmarks)."""
        scaled = (counts - self.mean) * self.slope
        squares = (scaled**2).sum(axis=1)[:, None] + (self.places**2).sum(axis=1)
        return np.exp(-np.maximum(squares - 2 * scaled @ self.places.T, 0.0))


@dataclass(frozen=True)
class Mixture:
    """Topics and experts in one table of features; columns are those of the topics, of all texts, of each topic.

    keys: int64 (n_features,), distinct. weights: float32 (n_features,). columns: float32 (n_features, n_columns).
    intercepts: float64 (2, n_columns), of texts alone and of those with a solution, as with landmarks and heads.
    """

    normaliser: Normaliser
    features: Features
    keys: np.ndarray
    weights: np.ndarray
    columns: np.ndarray
    intercepts: np.ndarray
    landmarks: tuple[Landmarks, Landmarks]
    heads: tuple[Head, Head]

    @property
    def n_labels(self) -> int:
        """How many probabilities a text gets."""
        return self.heads[0].weights.shape[1]

    @cached_property
    def _table(self) -> Table:
        return Table(self.keys)

    def predict_proba(self, texts: Sequence[str] | pa.Array) -> np.ndarray:
        """Give calibrated probabilities, not rounded: float64 (n_texts, n_labels)."""
        probs = np.empty((len(texts), self.n_labels))
        for start in range(0, len(texts), _BATCH):
            described, solved = self.describe(texts[start : start + _BATCH])
            part = probs[start : start + _BATCH]
            for mode, head in enumerate(self.heads):
                part[solved == mode] = head.apply(described[solved == mode])
        return probs

    def describe(self, texts: Sequence[str] | pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Give the level's score and the topics' gates, float64 (n_texts, 1 + n_topics), and which have a solution."""
        tokens, ends, _ = self.normaliser.tokens(texts)
        f = self.features
        columns = score(
            tokens, ends, f.word_ngrams, f.shape_ngrams, True, f.presence, self._table.keys, self._table.values,
            self.weights, self.columns, np.zeros(self.columns.shape[1]),
        )  # fmt: skip
        counts = count_all(tokens, ends)
        solved = counts[:, 0] > 0
        for mode, landmarks in enumerate(self.landmarks):
            mine = solved == mode
            columns[mine] += landmarks.nearness(counts[mine]) @ landmarks.columns + self.intercepts[mode]
        n_topics = columns.shape[1] // 2
        gates = gates_of(columns[:, :n_topics])
        level = columns[:, n_topics] + (columns[:, n_topics + 1 :] * gates).sum(axis=1)
        return np.concatenate([level[:, None], gates], axis=1), solved


def gates_of(topics: np.ndarray) -> np.ndarray:
    """Turn the topics' scores into weights of the experts: float64 of the same shape, rows of length 1."""
    probs = softmax(SHARPNESS * topics)
    gates: np.ndarray = probs / np.sqrt((probs**2).sum(axis=1, keepdims=True))
    return gates


def count_all(tokens: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Count kinds of tokens and structure of normalised texts, as logarithms; column 0 is whether there is a solution.

    float64 (n_texts, 1 + 2 * (n_kinds + n_structure)).
    """
    return np.concatenate([count_kinds(tokens, ends), _structures(tokens, ends, len(STRUCTURE))], axis=1)


@njit(cache=True)
def _structures(tokens: np.ndarray, ends: np.ndarray, n: int) -> np.ndarray:
    """The structure of questions and of solutions: float64 (n_texts, 2 * n), as log2(1 + count)."""
    result = np.zeros((len(ends), 2 * n))
    start = 0
    for text in range(len(ends)):
        words = token_hashes(tokens, start, ends[text])
        classes = classes_of(tokens, start, ends[text], len(words))
        mark = mark_place(words)
        stop = mark if mark >= 0 else len(words)
        mine = tokens[start : ends[text]]
        count_structure(mine, words, classes, 0, stop, result[text, :n])
        if mark >= 0:
            count_structure(mine, words, classes, mark + 1, len(words), result[text, n:])
        start = ends[text]
    return np.log2(1 + result)


def save_mixture(path: Path, model: Mixture) -> None:
    """Write a model to a file, columns as bytes with a scale for each feature; the same model gives the same bytes."""
    columns, scale = quantised(model.columns)
    arrays = {
        f"{name}_{mode}": getattr(landmarks, name).astype(np.float32)
        for mode, landmarks in enumerate(model.landmarks)
        for name in ("mean", "slope", "places", "columns")
    }
    order = np.argsort(model.keys)
    with open(path, "wb") as file:
        np.savez_compressed(
            file,
            steps=np.diff(model.keys[order], prepend=0).astype(np.uint32),
            weights=model.weights[order].astype(np.float16),
            experts=np.ascontiguousarray(columns[order].T),
            scale=scale[order].astype(np.float16),
            intercepts=model.intercepts,
            heads=np.stack([head.weights for head in model.heads]),
            **arrays,
        )


def quantised(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round to 255 steps: int8 of the same shape, float32 (n_features,) what a step is in each row."""
    scale = (np.maximum(np.abs(columns).max(axis=1), 1e-12) / 127).astype(np.float16).astype(np.float32)
    scale = np.maximum(scale, np.float32(6e-8))  # the smallest float16
    return np.clip(np.round(columns / scale[:, None]), -127, 127).astype(np.int8), scale


def load_mixture(path: Path, normaliser: Normaliser, features: Features) -> Mixture:
    """Read a model; ValueError, KeyError or BadZipFile where the file is none."""
    with np.load(path, allow_pickle=False) as arrays:
        alone, joined = (
            Landmarks(*(arrays[f"{name}_{mode}"].astype(np.float64) for name in ("mean", "slope", "places", "columns")))
            for mode in (0, 1)
        )
        heads = Head(arrays["heads"][0]), Head(arrays["heads"][1])
        columns = arrays["experts"].T.astype(np.float32) * arrays["scale"].astype(np.float32)[:, None]
        model = Mixture(
            normaliser, features, np.cumsum(arrays["steps"].astype(np.int64)), arrays["weights"].astype(np.float32),
            np.ascontiguousarray(columns), arrays["intercepts"], (alone, joined), heads,
        )  # fmt: skip
    if heads[0].weights.shape[0] != 2 + columns.shape[1] // 2 or alone.mean.shape != (
        count_all(np.zeros(0, np.uint8), np.zeros(1, np.int64)).shape[1],
    ):
        raise ValueError(f"{path.name} was made for other features")
    return model
