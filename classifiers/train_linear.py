"""Train a linear classifier of hashed n-grams and counted kinds, by fastText or by ridge regression.

As in `mathmill.classifiers.train`, whole groups are held out; their scores fit the head, and the shipped model is then
trained on everything. fastText's two matrices are multiplied out afterwards, so that both trainers give the same kind
of model. On few thousand problems or pages the penalised regression is better (difficulty: Spearman 0.61 and 0.71
against 0.58 and 0.66), on the mixed sources of the school stage fastText is (macro-F1 0.82 against 0.80).

    trained = train_linear(examples, ("math", "other"), folds, LinearConfig())
    trained.held_out      # probabilities of each text by models that have not seen its group, for metrics
    save(folder, trained.model, card)
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import fasttext
import numpy as np
from pydantic import Field

from mathmill.classifiers.features import Features, keys_of
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.ridge import Rows, fit_ridge
from mathmill.classifiers.scorer import Linear, Scorer, apply_heads, count_kinds, has_solution, n_kinds
from mathmill.classifiers.softmax_head import PENALTY, Head, fit_head
from mathmill.classifiers.train import Example, balanced_order
from mathmill.core.config import Config


class LinearConfig(Config):
    """How a model is trained; the defaults suit whole pages and give a model under 1 MB."""

    normaliser: Normaliser = Normaliser()
    features: Features = Features()
    trainer: Literal["fasttext", "ridge"] = "fasttext"
    ordered: bool = False  # ridge: labels are levels, and each column is whether a text is above one
    min_texts: int = Field(5, ge=1)  # a feature of fewer texts says more about one site than about the subject
    cutoff: int = Field(30_000, ge=1)  # features kept
    dim: int = Field(32, ge=1)  # fastText's vectors
    epoch: int = Field(5, ge=1)  # 8 and 15 were no better on unseen sites
    learning_rate: float = Field(0.5, gt=0)
    penalty: float = Field(3.0, gt=0)  # ridge
    kind_scale: float = Field(0.1, gt=0)  # ridge: standard deviation of a kind's counts, beside texts of length 1
    head_penalty: float = Field(PENALTY, gt=0)
    seed: int = 20_250_102


@dataclass(frozen=True)
class Trained:
    """A model and the held-out probabilities that tell how good it is.

    held_out: float64 (n_texts, n_labels), NaN where a text was
    in no fold; each row comes from a scorer and a head that have not seen the text's group.
    """

    model: Linear
    held_out: np.ndarray


def train_linear(
    examples: Sequence[Example],
    labels: Sequence[str],
    folds: Sequence[set[str]],
    config: LinearConfig,
    weights: np.ndarray | None = None,
) -> Trained:
    """Train, cross-validate and calibrate.

    folds: disjoint sets of groups, each held out once. weights: float64 (n_texts,), of the texts in the calibration; 0
    leaves a text out of it; all alike where not given.
    """
    counted = CountedTexts.of(examples, config.normaliser, config.features)
    truth = np.array([labels.index(example.label) for example in examples])
    fold_of = np.full(len(examples), -1)
    for number, groups in enumerate(folds):
        fold_of[[example.group in groups for example in examples]] = number
    judged = (fold_of >= 0) & (True if weights is None else weights > 0)
    inputs = np.zeros((0, 0))
    for number in range(len(folds)):
        scorer = fit_scorer(counted, truth, np.flatnonzero(fold_of != number), labels, config)
        mine = np.flatnonzero((fold_of == number) & judged)
        described = scorer.describe([examples[i].text for i in mine.tolist()])
        inputs = inputs if inputs.size else np.zeros((len(examples), described.shape[1]))
        inputs[mine] = described
    shares = np.ones(len(examples)) if weights is None else weights
    held_out = np.full((len(examples), len(labels)), np.nan)
    for number in range(len(folds)):
        others, mine = judged & (fold_of != number), judged & (fold_of == number)
        heads = fit_heads(inputs[others], truth[others], shares[others], len(labels), config)
        held_out[mine] = apply_heads(heads, inputs[mine], config.features)
    heads = fit_heads(inputs[judged], truth[judged], shares[judged], len(labels), config)
    scorer = fit_scorer(counted, truth, np.arange(len(examples)), labels, config)
    return Trained(Linear(scorer, heads), held_out)


def fit_heads(
    inputs: np.ndarray, truth: np.ndarray, weights: np.ndarray, n_labels: int, config: LinearConfig
) -> tuple[Head, Head]:
    """Fit a head for texts alone and, where solutions are told apart, one for texts with a solution."""
    solved = has_solution(inputs, config.features) if config.features.kinds else np.zeros(len(inputs), bool)
    parts = [part if part.any() else ~part for part in (~solved, solved)]
    alone, joined = (
        fit_head(inputs[part], truth[part], weights[part], n_labels, config.head_penalty) for part in parts
    )
    return alone, joined


@dataclass(frozen=True)
class CountedTexts:
    """The distinct features of each text: keys[starts[i]:starts[i+1]], uint32, with float32 counts as damped.

    solutions: int64 (n_texts,), where the keys of each text's solution begin.
    kinds: float64 (n_texts, n_kinds()), as `count_kinds` gives them.
    """

    starts: np.ndarray
    solutions: np.ndarray
    keys: np.ndarray
    counts: np.ndarray
    kinds: np.ndarray

    @classmethod
    def of(cls, examples: Sequence[Example], normaliser: Normaliser, features: Features) -> "CountedTexts":
        """Normalise and count."""
        tokens, ends, _ = normaliser.tokens([example.text for example in examples])
        keys, counts, starts, solutions, start = [], [], [0], [], 0
        for end in ends.tolist():
            for part in keys_of(tokens, start, end, features.word_ngrams, features.shape_ngrams):
                found, times = np.unique(part, return_counts=True)
                keys.append(found.astype(np.uint32))
                damped = np.ones(len(times)) if features.presence else np.frexp(times)[1]  # 1 + floor(log2 n)
                counts.append(damped.astype(np.float32))
            starts.append(starts[-1] + len(keys[-2]) + len(keys[-1]))
            solutions.append(starts[-1] - len(keys[-1]))
            start = end
        return cls(
            np.array(starts),
            np.array(solutions),
            np.concatenate(keys),
            np.concatenate(counts),
            count_kinds(tokens, ends),
        )

    def vocabulary(self, rows: np.ndarray, min_texts: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys that occur in at least `min_texts` of the rows, sorted, and in how many they do."""
        mine = np.concatenate([self.keys[self.starts[i] : self.starts[i + 1]] for i in rows])
        keys, texts = np.unique(mine, return_counts=True)
        return keys[texts >= min_texts], texts[texts >= min_texts]

    def known(self, row: int, vocabulary: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
        """One text's features by their number in the vocabulary, their damped counts, how many are its question's."""
        start, solution, end = self.starts[row], self.solutions[row], self.starts[row + 1]
        keys = self.keys[start:end]
        places = np.minimum(np.searchsorted(vocabulary, keys), len(vocabulary) - 1)
        known = vocabulary[places] == keys
        return places[known], self.counts[start:end][known], int(known[: solution - start].sum())


def fit_scorer(
    counted: CountedTexts, truth: np.ndarray, rows: np.ndarray, labels: Sequence[str], config: LinearConfig
) -> Scorer:
    """Train on some of the texts."""
    vocabulary, texts = counted.vocabulary(rows, config.min_texts)
    known = {int(i): counted.known(int(i), vocabulary) for i in rows}
    if config.trainer == "fasttext":
        weights = np.ones(len(vocabulary))
        columns, intercept = _fasttext_columns(known, truth, rows, labels, len(vocabulary), config)
        kind_columns = np.zeros((2, n_kinds() + 1, columns.shape[1]))
    else:
        weights = np.log((1 + len(rows)) / (1 + texts)) + 1
        columns, intercept, kind_columns = _ridge_columns(
            known, counted.kinds[rows], truth[rows], rows, labels, weights, config
        )
    spread = np.abs(columns - columns.mean(axis=1, keepdims=True) * (config.trainer == "fasttext")).max(axis=1)
    kept = np.sort(np.argsort(-spread * weights * texts**0.5, kind="stable")[: config.cutoff])
    return Scorer(
        config.normaliser,
        config.features,
        vocabulary[kept].astype(np.int64),
        weights[kept].astype(np.float16).astype(np.float32),  # as they will be stored
        columns[kept].astype(np.float16).astype(np.float32),
        intercept,
        kind_columns,
    )


def _fasttext_columns(
    known: dict[int, tuple[np.ndarray, np.ndarray, int]],
    truth: np.ndarray,
    rows: np.ndarray,
    labels: Sequence[str],
    n_features: int,
    config: LinearConfig,
) -> tuple[np.ndarray, np.ndarray]:
    """Train fastText on lines of feature numbers and multiply its matrices out: one number for a feature and a label.

    The end of each line is a token to fastText: its numbers are the intercept.
    """
    order = balanced_order([labels[truth[i]] for i in rows], labels, config.seed)
    lines = {}
    for i in rows:
        ids, counts, _ = known[int(i)]
        words = " ".join(np.repeat(ids, counts.astype(int)).astype(str).tolist())
        lines[int(i)] = f"__label__{truth[i]} {words}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        with open(path, "w", encoding="ascii") as file:
            file.writelines(lines[int(rows[place])] for place in order)
        del lines
        model = fasttext.train_supervised(
            str(path), dim=config.dim, epoch=config.epoch, lr=config.learning_rate, minCount=1, seed=config.seed,
            thread=1, verbose=0,
        )  # fmt: skip
    vectors = model.get_output_matrix().astype(np.float64)
    label_of = [int(name.removeprefix("__label__")) for name in model.get_labels()]
    by_word = model.get_input_matrix().astype(np.float64) @ vectors.T
    by_word -= by_word.mean(axis=1, keepdims=True)  # softmax does not see it
    columns, intercept = np.zeros((n_features, len(labels))), np.zeros(len(labels))
    words = model.get_words()
    ids = np.array([-1 if word == "</s>" else int(word) for word in words])
    for place, label in enumerate(label_of):
        columns[ids[ids >= 0], label] = by_word[: len(words)][ids >= 0, place]
        intercept[label] = by_word[: len(words)][ids < 0, place].sum()
    return columns, intercept


def _ridge_columns(
    known: dict[int, tuple[np.ndarray, np.ndarray, int]],
    kinds: np.ndarray,
    truth: np.ndarray,
    rows: np.ndarray,
    labels: Sequence[str],
    weights: np.ndarray,
    config: LinearConfig,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regress labels (or, where they are ordered, being above each) on texts of length 1 and counts of kinds.

    Counts are other variables in texts with a solution.
    """
    n_features, n_numbers = len(weights), kinds.shape[1]
    modes = kinds[:, 0].astype(int)
    mean, scale = np.zeros((2, n_numbers)), np.zeros((2, n_numbers))
    for mode in (0, 1):
        if (modes == mode).any():
            mean[mode], scale[mode] = kinds[modes == mode].mean(axis=0), kinds[modes == mode].std(axis=0)
    slope = np.where(scale > 1e-9, config.kind_scale / np.maximum(scale, 1e-9), 0.0) * config.features.kinds
    ids, values = [], []
    for place, row in enumerate(rows):
        features, counts, in_question = known[int(row)]
        value = counts * weights[features]
        for part in (value[:in_question], value[in_question:]):
            part /= max(float(np.sqrt((part**2).sum())), 1e-9)
        mode = modes[place]
        ids += [features, n_features + mode * n_numbers + np.arange(n_numbers)]
        values += [value, (kinds[place] - mean[mode]) * slope[mode]]
    lengths = [len(a) + len(b) for a, b in zip(values[::2], values[1::2], strict=True)]
    targets = (
        (truth[:, None] > np.arange(len(labels) - 1)).astype(float) if config.ordered else np.eye(len(labels))[truth]
    )
    starts = np.concatenate([[0], np.cumsum(lengths)])
    data = Rows(starts, np.concatenate(ids), np.concatenate(values), n_features + 2 * n_numbers)
    fitted, intercept = fit_ridge(data, targets, config.penalty)
    plain = fitted[n_features:].reshape(2, n_numbers, -1) * slope[:, :, None]
    constant = -np.einsum("mk,mkc->mc", mean, plain)[:, None, :]
    return fitted[:n_features], intercept, np.concatenate([plain, constant], axis=1)
