"""A linear scorer of texts: each feature has a weight and a number for each column, and a text is their weighted mean.

fastText's classifier is linear in what it averages: with the rows of its input matrix multiplied by its output matrix,
each feature has one number for each label, and a text is scored by looking its features up, without fastText and
without vectors. So a model of 30,000 features is some hundred kilobytes, and scoring, normaliser included, is faster
than fastText's own prediction on texts that are already normalised (benchmarks/quality_classifiers.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from mathmill.classifiers.features import Features, Table, kinds_of, score
from mathmill.classifiers.kinds import phrases
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.softmax_head import Head

_BATCH = 1_024  # texts at a time: bounds the memory of normalised texts


@dataclass(frozen=True)
class Scorer:
    """Scores of texts by a table of features.

    keys: int64 (n_features,), distinct. weights: float32 (n_features,). columns: float32 (n_features, n_columns).
    intercept: float64 (n_columns,). kind_columns: float64 (2, n_kinds + 1, n_columns), what the logarithms of
    the counts of kinds and a constant add to the scores of texts alone and of texts with a solution; zeros where
    text says it all.
    """

    normaliser: Normaliser
    features: Features
    keys: np.ndarray
    weights: np.ndarray
    columns: np.ndarray
    intercept: np.ndarray
    kind_columns: np.ndarray

    @cached_property
    def _table(self) -> Table:
        return Table(self.keys)

    def describe(self, texts: Sequence[str] | pa.Array) -> np.ndarray:
        """Give float64 (n_texts, n_inputs): the scores, then what `n_extra` says."""
        parts = [self._describe(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.n_inputs))

    @property
    def n_inputs(self) -> int:
        """How many columns `describe` gives."""
        return self.columns.shape[1] + n_extra(self.features)

    def _describe(self, texts: Sequence[str] | pa.Array) -> np.ndarray:
        tokens, ends, _ = self.normaliser.tokens(texts)
        scores = score(
            tokens, ends, self.features.word_ngrams, self.features.shape_ngrams, self.features.unit_length,
            self.features.presence, self._table.keys, self._table.values, self.weights, self.columns,
            self.intercept,
        )  # fmt: skip
        if not self.features.kinds:
            return scores
        kinds = count_kinds(tokens, ends)
        for solved, added in enumerate(self.kind_columns):
            mine = kinds[:, 0] == solved
            scores[mine] += kinds[mine] @ added[:-1] + added[-1]
        return np.concatenate([scores, kinds[:, : n_extra(self.features)]], axis=1)


def n_extra(features: Features) -> int:
    """How many numbers stand beside the scores: with kinds, whether there is a solution, then the counts.

    A ridge regression (unit length) has the counts in its scores already.
    """
    return 0 if not features.kinds else 1 if features.unit_length else n_kinds()


def n_kinds() -> int:
    """How many numbers `count_kinds` gives for a text."""
    return 1 + 2 * len(phrases().names)


def count_kinds(tokens: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Count the kinds of tokens of normalised texts, as `mathmill.classifiers.features.kinds_of` says."""
    p = phrases()
    return kinds_of(
        tokens, ends, p.table.keys, p.table.values, p.kind, p.first.keys, p.first.values, p.longest, len(p.names)
    )


@dataclass(frozen=True)
class Linear:
    """A scorer and its heads: for texts alone and those with a solution, which only `features.kinds` tells apart."""

    scorer: Scorer
    heads: tuple[Head, Head]

    @property
    def n_labels(self) -> int:
        """How many probabilities a text gets."""
        return self.heads[0].weights.shape[1]

    def predict_proba(self, texts: Sequence[str] | pa.Array) -> np.ndarray:
        """Give calibrated probabilities, not rounded: float64 (n_texts, n_labels)."""
        return apply_heads(self.heads, self.scorer.describe(texts), self.scorer.features)


def apply_heads(heads: Sequence[Head], inputs: np.ndarray, features: Features) -> np.ndarray:
    """Apply the first head to texts alone and the second to texts with a solution."""
    probs = heads[0].apply(inputs)
    if features.kinds:
        solved = has_solution(inputs, features)
        probs[solved] = heads[1].apply(inputs[solved])
    return probs


def has_solution(inputs: np.ndarray, features: Features) -> np.ndarray:
    """Read off a scorer's description with kinds whether each text has a solution: bool (n_texts,)."""
    return inputs[:, -n_extra(features)] > 0


def save_linear(path: Path, model: Linear) -> None:
    """Write a model to a file; the same model gives the same bytes."""
    with open(path, "wb") as file:
        np.savez_compressed(
            file,
            keys=model.scorer.keys.astype(np.uint32),
            weights=model.scorer.weights.astype(np.float16),
            columns=model.scorer.columns.astype(np.float16),
            intercept=model.scorer.intercept,
            kind_columns=model.scorer.kind_columns,
            heads=np.stack([head.weights for head in model.heads]),
        )


def load_linear(path: Path, normaliser: Normaliser, features: Features) -> Linear:
    """Read a model; ValueError, KeyError or BadZipFile where the file is none or does not fit the features."""
    with np.load(path, allow_pickle=False) as arrays:
        scorer = Scorer(
            normaliser,
            features,
            arrays["keys"].astype(np.int64),
            arrays["weights"].astype(np.float32),
            arrays["columns"].astype(np.float32),
            arrays["intercept"],
            arrays["kind_columns"],
        )
        alone, joined = (Head(weights) for weights in arrays["heads"])
    if alone.weights.shape[0] != scorer.n_inputs + 1:
        raise ValueError(f"{path.name} was made for other features")
    return Linear(scorer, (alone, joined))
