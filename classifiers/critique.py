"""A critique model: question and solution in, a calibrated score from 0 to 1 out.

A model is a folder with `card.json`, `README.md` and either `model.npz`, a ridge regression on n-grams and on what
rules see of the calculations (`mathmill.classifiers.critique_linear`, no torch needed), or a transformers model with a
reward head (`mathmill.classifiers.critique_head`). Either gives a raw score; Platt's scaling on questions that it has
not seen makes it a probability. The head is trained by the pairwise loss of Bradley and Terry and on reference scores.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import Field, ValidationError

from mathmill.classifiers.critique_data import CritiqueData
from mathmill.classifiers.metrics import calibration_bins, expected_calibration_error, spearman, wilson
from mathmill.classifiers.text_classifier import Calibration
from mathmill.classifiers.train import fit_calibration
from mathmill.core.config import Config
from mathmill.core.errors import ConfigError, DataError

CARD, LINEAR = "card.json", "model.npz"


class CritiqueCard(Config):
    """What a critique model is. metrics: on held-out questions, calibrated on others of them."""

    name: str
    kind: Literal["linear", "head"]
    description: str = ""
    base: str = ""  # of a head
    settings: dict[str, Any]
    calibration: Calibration
    texts: int = Field(ge=0)
    pairs: int = Field(ge=0)
    metrics: dict[str, Any]


class RawScorer(Protocol):
    """What both variants are before calibration."""

    @property
    def kind(self) -> Literal["linear", "head"]:
        """For its card."""
        ...

    @property
    def base(self) -> str:
        """Name of the language model under a head, else ""."""
        ...

    def raw(self, questions: Sequence[str], solutions: Sequence[str]) -> np.ndarray:
        """Score solutions, higher is better, on any scale: float64 (n,)."""
        ...

    def settings(self) -> dict[str, Any]:
        """How it was made, for its card; enough to load it again."""
        ...

    def save(self, folder: Path) -> None:
        """Write its files into a folder that exists."""
        ...


class Critique:
    """A loaded model."""

    def __init__(self, scorer: RawScorer, card: CritiqueCard) -> None:
        self.scorer, self.card = scorer, card

    def predict(self, questions: Sequence[str], solutions: Sequence[str]) -> np.ndarray:
        """Give calibrated scores from 0 to 1: float64 (n,)."""
        if len(questions) != len(solutions):
            raise ValueError(f"{len(questions)} questions, but {len(solutions)} solutions")
        if not questions:
            return np.zeros(0)
        return calibrated(self.card.calibration, self.scorer.raw(questions, solutions))

    def save(self, folder: Path) -> None:
        """Write the model's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.scorer.save(folder)
        card = json.dumps(self.card.model_dump(mode="json"), ensure_ascii=False, indent=1)
        (folder / CARD).write_text(card + "\n", encoding="utf-8")
        (folder / "README.md").write_text(card_text(self.card), encoding="utf-8")


def critique_files(folder: str | Path) -> list[Path]:
    """The files that decide about a model's scores, for a task's identity."""
    linear = Path(folder) / LINEAR
    if linear.is_file():
        return [Path(folder) / CARD, linear]
    return [Path(folder) / CARD, Path(folder) / "config.json", *sorted(Path(folder).glob("*.safetensors"))]


def load_critique(folder: str | Path) -> Critique:
    """Load a model's folder; ConfigError where it is none, or where packages for it are missing."""
    folder = Path(folder)
    if not (folder / CARD).is_file():
        raise ConfigError(f"no critique model in {folder}: {CARD} is missing; make one with `mathmill critique train`")
    try:
        card = CritiqueCard.model_validate_json((folder / CARD).read_bytes())
        scorer: RawScorer
        if card.kind == "linear":
            from mathmill.classifiers.critique_linear import LinearCritic

            scorer = LinearCritic.load(folder, card.settings)
        else:
            scorer = head_module().HeadCritic.load(folder, card.settings)
    except (ValidationError, ValueError, KeyError, OSError) as error:
        raise ConfigError(f"{folder} is not a critique model that this version can read: {error}") from None
    return Critique(scorer, card)


def head_module() -> Any:
    """The variant that needs torch; ConfigError says what to install."""
    try:
        from mathmill.classifiers import critique_head
    except ImportError:
        raise ConfigError(
            "a critique model on a language model needs packages; install them with: pip install 'mathmill[train]'"
        ) from None
    return critique_head


def train_critique(
    data: CritiqueData,
    fit: Callable[[CritiqueData], RawScorer],
    name: str,
    held_out: float = 0.1,
    description: str = "",
) -> Critique:
    """Train on most questions; calibrate and judge on the rest. DataError where either part has too little.

    The figures come from a calibration fitted on one half of the held-out questions and applied to the other, both
    ways; the model's own calibration is fitted on all of them.
    """
    training, rest = data.split(held_out, "held out to calibrate: ")
    for part, what in ((training, "to train on"), (rest, "held out")):
        if len(np.unique(part.groups)) < 2 or np.ptp(part.targets()) == 0:
            raise DataError(f"of {len(np.unique(data.groups))} questions too few are {what}; give more, good and bad")
    scorer = fit(training)
    raw = scorer.raw(rest.questions, rest.solutions)
    targets = rest.targets()
    half = rest.groups % 2 == 0
    scores = np.empty(len(raw))
    for mine in (half, ~half):
        others = ~mine if (~mine).any() else mine
        scores[mine] = calibrated(platt(raw[others], targets[others]), raw[mine])
    card = CritiqueCard(
        name=name,
        kind=scorer.kind,
        description=description,
        base=scorer.base,
        settings=scorer.settings(),
        calibration=platt(raw, targets),
        texts=len(training.questions),
        pairs=len(training.pairs),
        metrics=judge_scores(scores, rest, raw),
    )
    return Critique(scorer, card)


def evaluate_critique(model: Critique, data: CritiqueData) -> dict[str, Any]:
    """Judge a model on data; see `judge_scores`."""
    return judge_scores(model.predict(data.questions, data.solutions), data)


def judge_scores(scores: np.ndarray, data: CritiqueData, ranking: np.ndarray | None = None) -> dict[str, Any]:
    """How well scores agree with the reference.

    Pairwise accuracy is the share of pairs whose better solution scores higher, ties counting half, with Wilson's 95 %
    interval, overall and by kind; Spearman and the mean absolute error are over texts with a reference score (in data
    of pairs alone: over all, better 1 and worse 0); the calibration error is given where scores are only 0 and 1.
    ranking: what is compared in pairs, in place of the scores.
    """
    ranking = scores if ranking is None else ranking
    better, worse = ranking[data.pairs[:, 0]], ranking[data.pairs[:, 1]]
    won = (better > worse) + 0.5 * (better == worse)
    result: dict[str, Any] = {"questions": len(np.unique(data.groups)), "pairs": len(data.pairs)}
    if len(won):
        low, high = wilson(round(float(won.sum())), len(won))
        result["pairwise_accuracy"] = round(float(won.mean()), 4)
        result["pairwise_accuracy_interval"] = [round(low, 4), round(high, 4)]
        kinds = np.array(data.kinds)
        result["by_kind"] = {
            kind: {"pairs": int((kinds == kind).sum()), "pairwise_accuracy": round(float(won[kinds == kind].mean()), 4)}
            for kind in sorted(set(data.kinds) - {""})
        }
    known = ~np.isnan(data.scores) if (~np.isnan(data.scores)).any() else np.ones(len(scores), bool)
    targets, mine = data.targets()[known], scores[known]
    result["texts"] = int(known.sum())
    if known.any():
        result["mae"] = round(float(np.abs(mine - targets).mean()), 4)
    if known.sum() > 1 and np.ptp(targets) and np.ptp(mine):
        result["spearman"] = round(spearman(mine, targets), 4)
    if known.any() and np.isin(targets, (0, 1)).all():
        error = expected_calibration_error(calibration_bins(mine, targets == 1))
        result["expected_calibration_error"] = round(error, 4)
    return result


def platt(raw: np.ndarray, targets: np.ndarray) -> Calibration:
    """Fit Platt's scaling to scores from 0 to 1: a target of 0.7 is seven tenths right and three tenths wrong."""
    twice = np.concatenate([raw, raw])
    truth = np.repeat([0, 1], len(raw))
    return fit_calibration(_log_probs(twice), truth, np.concatenate([targets, 1 - targets]))


def calibrated(calibration: Calibration, raw: np.ndarray) -> np.ndarray:
    """Raw scores as probabilities: float64 (n,)."""
    return calibration.apply(_log_probs(raw))[:, 0]


def _log_probs(raw: np.ndarray) -> np.ndarray:
    """The logarithms of sigmoid(raw) and of its rest: float64 (n, 2)."""
    return -np.logaddexp(0, np.stack([-raw, raw], axis=1))


def card_text(card: CritiqueCard) -> str:
    """Write the card for people, as Markdown."""
    figures = card.metrics
    kind = f"A reward head on {card.base}" if card.kind == "head" else "Ridge regression on n-grams and calculations"
    settings = ", ".join(f"{key} {value}" for key, value in card.settings.items() if not isinstance(value, dict))
    lines = [f"# Critique model `{card.name}`", "", *([card.description, ""] if card.description else [])]
    lines += [f"{kind}, trained on {card.texts:,} solutions and {card.pairs:,} pairs. Settings: {settings}.", ""]
    lines += [f"On {figures['questions']:,} questions that it has not seen:", "", "| figure | value |", "| --- | --- |"]
    shown = ("pairs", "pairwise_accuracy", "texts", "spearman", "mae", "expected_calibration_error")
    lines += [f"| {key.replace('_', ' ')} | {figures[key]:,} |" for key in shown if key in figures]
    for name, row in figures.get("by_kind", {}).items():
        lines.append(f"| pairwise accuracy, {name} ({row['pairs']:,} pairs) | {row['pairwise_accuracy']} |")
    return "\n".join([*lines, ""])
