"""A text classifier: texts in, one calibrated probability per label out.

A model is a folder: `card.json` (labels, normaliser, how it was made and how good it is) and either `model.ftz`, a
fastText model whose calibration stands in the card, or `model.npz`, a linear scorer or a mixture of them with its head,
which is how the bundled models come (`mathmill.classifiers.scorer`, `mathmill.classifiers.mixture`). Probabilities
are calibrated on sites that the model has not seen and rounded to 1/1024 before they meet a threshold, so that the last
bits of a sum of floats never decide about a page.
fastText: Joulin et al. 2016, arXiv:1607.01759; calibration: Platt scaling, Guo et al. 2017, arXiv:1706.04599.
"""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pyarrow as pa
from pydantic import Field, ValidationError

from mathmill.classifiers.features import Features
from mathmill.classifiers.mixture import Mixture, load_mixture, save_mixture
from mathmill.classifiers.normalise import SOLUTION_MARK, Normaliser
from mathmill.classifiers.scorer import Linear, load_linear, save_linear
from mathmill.core.config import Config
from mathmill.core.errors import ConfigError

MODELS = Path(__file__).parent / "models"
PREFIX = "__label__"
QUANTUM = 1 / 1024
"""Probabilities are multiples of this."""

_MODEL_FILE, _LINEAR_FILE, _CARD_FILE = "model.ftz", "model.npz", "card.json"
_BATCH = 1_024  # texts given to fastText at a time: bounds the memory of normalised lines


class Calibration(Config):
    """From fastText's probabilities to calibrated ones: softmax(scale * log p + bias)."""

    scale: float = Field(1.0, gt=0)
    bias: tuple[float, ...]  # one per label

    def apply(self, log_probs: np.ndarray) -> np.ndarray:
        """log_probs: float64 (n_texts, n_labels). Returns float64 of the same shape; rows sum to 1."""
        scores = self.scale * log_probs + np.array(self.bias)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


class Card(Config):
    """What a model is, for the code that uses it and for the reader who must trust it."""

    name: str
    labels: tuple[str, ...] = Field(min_length=2)
    normaliser: Normaliser
    calibration: Calibration | None = None  # of a fastText model
    features: Features | None = None  # of a linear one
    description: str
    training: dict[str, Any]  # fastText's settings, seed, number of texts
    data: list[dict[str, Any]]  # one entry per source: texts by label, licence
    metrics: dict[str, Any]  # on held-out sites: overall, by language, by site
    thresholds: list[dict[str, float]]  # precision and recall of the first label by threshold


class Classifier:
    """A loaded model. `labels` gives the order of the columns of `predict_proba`."""

    def __init__(self, folder: str | Path) -> None:
        """Load a model folder; ConfigError where it is not there or not a model."""
        self.folder = Path(folder)
        card, model = model_files(self.folder)
        for path in (card, model):
            if not path.is_file():
                raise ConfigError(f"no classifier in {self.folder}: {path.name} is missing")
        self._linear: Linear | Mixture | None = None
        try:
            self.card = Card.model_validate_json(card.read_bytes())
            if model.name == _LINEAR_FILE:
                features = self.card.features or Features()
                load = load_mixture if features.experts else load_linear
                self._linear = load(model, self.card.normaliser, features)
            else:
                self._model = fasttext.load_model(str(model))
        except (ValidationError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{self.folder} is not a classifier that this version can read: {error}") from None
        if self._linear is not None:
            if self._linear.n_labels != len(self.card.labels):
                raise ConfigError(f"{self.folder}: {_LINEAR_FILE} does not fit the labels and features of {_CARD_FILE}")
        elif {PREFIX + label for label in self.card.labels} != set(self._model.labels) or not self.card.calibration:
            raise ConfigError(f"{self.folder}: the card's labels are not those of {_MODEL_FILE}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the probabilities' columns."""
        return self.card.labels

    def predict_proba(self, texts: Sequence[str] | pa.Array) -> np.ndarray:
        """Give calibrated probabilities: float32 (n_texts, n_labels), multiples of 1/1024.

        texts: strings, or an Arrow string array, in which a null counts as an empty text.
        """
        if self._linear is not None:
            calibrated = self._linear.predict_proba(texts)
        else:
            assert self.card.calibration is not None
            calibrated = self.card.calibration.apply(self.log_probs(texts))
        return (np.round(calibrated / QUANTUM) * QUANTUM).astype(np.float32)

    def log_probs(self, texts: Sequence[str] | pa.Array) -> np.ndarray:
        """Give fastText's own log probabilities, not calibrated: float64 (n_texts, n_labels); of a linear model all."""
        if self._linear is not None:
            return np.log(np.maximum(self._linear.predict_proba(texts), np.exp(-20.0)))
        batches = [
            raw_log_probs(self._model, self.card.normaliser.lines(texts[start : start + _BATCH]), self.labels)
            for start in range(0, len(texts), _BATCH)
        ]
        return np.concatenate(batches) if batches else np.zeros((0, len(self.labels)))


def raw_log_probs(model: Any, lines: list[str], labels: Sequence[str]) -> np.ndarray:
    """Predict normalised lines with a fastText model: float64 (n_lines, n_labels), clipped to exp(-20)."""
    names, probs = model.f.multilinePredict([line + "\n" for line in lines], len(labels), -1.0, "strict")
    column = {PREFIX + label: i for i, label in enumerate(labels)}
    result = np.full((len(lines), len(labels)), -np.log(len(labels)))  # a line without known tokens tells nothing
    if all(len(row) == len(labels) for row in names):
        order = np.array([[column[name] for name in row] for row in names], np.int64).reshape(-1, len(labels))
        values = np.log(np.maximum(np.array(probs, np.float64).reshape(-1, len(labels)), np.exp(-20.0)))
        np.put_along_axis(result, order, values, axis=1)
        return result
    for i, (row, row_probs) in enumerate(zip(names, probs, strict=True)):
        for name, prob in zip(row, row_probs, strict=True):
            result[i, column[name]] = np.log(max(float(prob), np.exp(-20.0)))
    return result


def model_folder(model: str) -> Path:
    """Find a model by the name of a bundled one, or else by the path of its folder."""
    return MODELS / model if (MODELS / model / _CARD_FILE).is_file() else Path(model)


def model_files(folder: Path) -> list[Path]:
    """Name the files that decide about a model's output, for a task's identity."""
    return [folder / _CARD_FILE, folder / (_LINEAR_FILE if (folder / _LINEAR_FILE).is_file() else _MODEL_FILE)]


def bundled(name: str) -> Classifier:
    """Load a model that comes with mathmill; ConfigError names those that there are."""
    known = sorted(path.parent.name for path in MODELS.glob(f"*/{_CARD_FILE}"))
    if name not in known:
        raise ConfigError(f"no bundled classifier {name!r}; there are: {', '.join(known) or 'none'}")
    return Classifier(MODELS / name)


def join_problem(question: str, solution: str | None) -> str:
    """Join a question and its solution, where there is one, as the models of problems expect them."""
    return f"{question}\n{chr(SOLUTION_MARK)}\n{solution}" if solution else question


def save(folder: Path, model: Any, card: Card) -> None:
    """Write a model folder; an existing one is replaced. model: fastText's, or a Linear or Mixture."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(model, Linear):
        save_linear(folder / _LINEAR_FILE, model)
    elif isinstance(model, Mixture):
        save_mixture(folder / _LINEAR_FILE, model)
    else:
        (folder / _LINEAR_FILE).unlink(missing_ok=True)
        model.save_model(str(folder / _MODEL_FILE))
    text = json.dumps(card.model_dump(mode="json", exclude_none=True), ensure_ascii=False, indent=1)
    (folder / _CARD_FILE).write_text(text + "\n", encoding="utf-8")
