"""The critique that needs no torch: ridge regression on hashed n-grams and on what rules see of the calculations.

Question and solution are told apart as in the models of problems. It is fitted to scores, not to pairs: with a few
right and wrong solutions of each question the order within a question follows. Pairwise accuracy on held-out problems,
solutions made wrong by rule: 0.82 (benchmarks/critique.py); slips in plain arithmetic 0.99, a wrong idea 0.6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from mathmill.classifiers.critique import LINEAR
from mathmill.classifiers.critique_data import CritiqueData
from mathmill.classifiers.features import Features
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.ridge import Rows, fit_ridge
from mathmill.classifiers.solution_checks import NAMES, check_solutions
from mathmill.classifiers.text_classifier import join_problem
from mathmill.classifiers.train import Example
from mathmill.classifiers.train_linear import CountedTexts
from mathmill.core.config import Config

_BATCH = 1_024  # texts at a time: bounds memory


class LinearCriticConfig(Config):
    """`mathmill critique train --set`, without --base."""

    normaliser: Normaliser = Normaliser()
    features: Features = Features(word_ngrams=2)
    min_texts: int = Field(default=5, ge=1)  # with a feature
    check_scale: float = Field(default=1.0, gt=0)  # standard deviation of a check, beside n-grams of length 1
    penalty: float = Field(default=3.0, gt=0)


@dataclass(frozen=True)
class LinearCritic:
    """A `RawScorer`.

    vocabulary: uint32 (n_features,), sorted. rarity, weights: float64 (n_features,). mean, slope, check_weights:
    float64 (len(NAMES),). intercept: float64 (1,).
    """

    config: LinearCriticConfig
    vocabulary: np.ndarray
    rarity: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    slope: np.ndarray
    check_weights: np.ndarray
    intercept: np.ndarray
    kind: Literal["linear", "head"] = "linear"
    base: str = ""

    def raw(self, questions: Sequence[str], solutions: Sequence[str]) -> np.ndarray:
        """See `RawScorer`."""
        parts = [
            self._raw(questions[start : start + _BATCH], solutions[start : start + _BATCH])
            for start in range(0, len(questions), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _raw(self, questions: Sequence[str], solutions: Sequence[str]) -> np.ndarray:
        counted = _count(questions, solutions, self.config)
        words = _rows(counted, self.vocabulary, self.rarity).times(self.weights[:, None])[:, 0]
        checks = (check_solutions(questions, solutions) - self.mean) * self.slope
        # centred on 0, and steep enough for Platt's scaling, whose prior holds scales near 1
        return 4 * (words + checks @ self.check_weights + self.intercept[0] - 0.5)

    def settings(self) -> dict[str, Any]:
        """See `RawScorer`."""
        return self.config.model_dump(mode="json")

    def save(self, folder: Path) -> None:
        """See `RawScorer`; the same model gives the same bytes."""
        with open(folder / LINEAR, "wb") as file:
            np.savez_compressed(file, **{name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, folder: Path, settings: dict[str, Any]) -> "LinearCritic":
        """Read what `save` wrote. Raises ValueError, KeyError or OSError."""
        config = LinearCriticConfig.model_validate(settings)
        with np.load(folder / LINEAR, allow_pickle=False) as arrays:
            return cls(config, **{name: arrays[name] for name in _ARRAYS})

    def checks(self) -> dict[str, float]:
        """What a standard deviation of each check adds to the score."""
        return dict(zip(NAMES, np.round(self.check_weights * self.config.check_scale, 4).tolist(), strict=True))


_ARRAYS = ("vocabulary", "rarity", "weights", "mean", "slope", "check_weights", "intercept")


def fit_linear(data: CritiqueData, config: LinearCriticConfig | None = None) -> LinearCritic:
    """Fit to the targets of data."""
    config = config or LinearCriticConfig()
    counted = _count(data.questions, data.solutions, config)
    n_texts = len(data.questions)
    vocabulary, texts = counted.vocabulary(np.arange(n_texts), config.min_texts)
    if not len(vocabulary):
        vocabulary, texts = np.zeros(1, np.uint32), np.ones(1, np.int64)
    rarity = np.log((1 + n_texts) / (1 + texts)) + 1
    checks = check_solutions(data.questions, data.solutions)
    mean, spread = checks.mean(axis=0), checks.std(axis=0)
    slope = np.where(spread > 1e-9, config.check_scale / np.maximum(spread, 1e-9), 0.0)
    rows = _beside(_rows(counted, vocabulary, rarity), (checks - mean) * slope)
    fitted, intercept = fit_ridge(rows, data.targets()[:, None], config.penalty, shuffled=True)
    weights, check_weights = fitted[: len(vocabulary), 0], fitted[len(vocabulary) :, 0]
    return LinearCritic(config, vocabulary, rarity, weights, mean, slope, check_weights, intercept)


def _count(questions: Sequence[str], solutions: Sequence[str], config: LinearCriticConfig) -> CountedTexts:
    texts = [join_problem(question, solution) for question, solution in zip(questions, solutions, strict=True)]
    examples = [Example(text, "", "", "", "", "") for text in texts]
    return CountedTexts.of(examples, config.normaliser, config.features)


def _rows(counted: CountedTexts, vocabulary: np.ndarray, rarity: np.ndarray) -> Rows:
    """Known features, weighted by their rarity; the question's and the solution's are vectors of length 1 each."""
    ids, values = [], []
    for row in range(len(counted.starts) - 1):
        features, counts, in_question = counted.known(row, vocabulary)
        value = counts * rarity[features]
        for part in (value[:in_question], value[in_question:]):
            part /= max(float(np.sqrt((part**2).sum())), 1e-9)
        ids.append(features)
        values.append(value)
    starts = np.concatenate([[0], np.cumsum([len(part) for part in ids])])
    return Rows(starts, np.concatenate(ids), np.concatenate(values), len(vocabulary))


def _beside(rows: Rows, columns: np.ndarray) -> Rows:
    """Add dense columns, float64 (n_rows, n_columns), behind the sparse ones."""
    n_rows, n_columns = columns.shape
    ends, names = np.repeat(rows.starts[1:], n_columns), np.tile(np.arange(n_columns), n_rows)
    ids = np.insert(rows.ids, ends, rows.n_features + names)
    values = np.insert(rows.values, ends, columns.ravel())
    return replace(
        rows, starts=rows.starts + n_columns * np.arange(n_rows + 1), ids=ids, values=values,
        n_features=rows.n_features + n_columns,
    )  # fmt: skip
