"""From labelled texts to a model with its calibration and card, judged on sites that it had not seen.

Sites are dealt out to folds; each fold is scored by a model trained on the others. The calibration that judges a fold
is fitted on the scores of the other folds, so that no figure of the card has seen its own texts; the one that is
shipped is fitted on all of them, and the shipped model is trained on everything.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from mathmill.classifiers.evaluation import Judged, evaluate, pictures, thresholds
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.text_classifier import QUANTUM, Card
from mathmill.classifiers.train import Example, TrainConfig, fit_calibration, held_out_log_probs, train
from mathmill.core.errors import DataError

SINGLE = "text "
"""Begins the group of a text of no known site: such a group is no site, and no figure is given for it."""

_SITES = 60  # listed in a card


@dataclass(frozen=True)
class Built:
    """A trained model (fastText's), its card, and the texts that the figures in it come from."""

    model: Any
    card: Card
    judged: Judged

    def files(self) -> dict[str, str]:
        """What a model folder holds beside the model and card.json: README.md and its pictures, by file name."""
        drawn = pictures(self.judged, self.card.name)
        return {"README.md": card_text(self.card, tuple(drawn)), **drawn}


def build(
    name: str,
    description: str,
    examples: Sequence[Example],
    labels: tuple[str, ...],
    normaliser: Normaliser,
    config: TrainConfig,
    n_folds: int,
    sure: npt.NDArray[np.bool_] | None = None,
) -> Built:
    """Judge, calibrate and train; DataError where a label has too few sites to hold any out.

    labels: the first is the one whose precision and recall the card lists. sure: which texts have a label that can be
    judged on, bool (n_texts,); the others only train.
    """
    folds = deal_folds(examples, labels, n_folds)
    log_probs = held_out_log_probs(examples, folds, labels, normaliser, config)
    texts = examples
    if sure is not None:
        examples, log_probs = [texts[i] for i in np.flatnonzero(sure).tolist()], log_probs[sure]
    truth = np.array([labels.index(example.label) for example in examples])
    fold_of_group = {group: number for number, fold in enumerate(folds) for group in fold}
    fold_of = np.array([fold_of_group[example.group] for example in examples])
    scores = np.empty_like(log_probs)
    for number in range(len(folds)):
        mine = fold_of == number
        rest = ~mine if not mine.all() else mine
        scores[mine] = fit_calibration(log_probs[rest], truth[rest], np.ones(rest.sum())).apply(log_probs[mine])
    scores = np.round(scores / QUANTUM) * QUANTUM
    groups = ["" if example.group.startswith(SINGLE) else example.group for example in examples]
    judged = Judged(labels, scores, truth, [example.lang for example in examples], groups)
    card = Card(
        name=name,
        labels=labels,
        normaliser=normaliser,
        calibration=fit_calibration(log_probs, truth, np.ones(len(truth))),
        description=description,
        training={**config.model_dump(mode="json"), "texts": len(texts), "folds": len(folds)},
        data=sources(texts, labels),
        metrics=evaluate(judged),
        thresholds=thresholds(judged),
    )
    return Built(train(texts, labels, normaliser, config), card, judged)


def deal_folds(examples: Sequence[Example], labels: Sequence[str], n_folds: int) -> list[set[str]]:
    """Deal whole groups out, the largest first, each to the fold with the fewest texts of the group's rarest label.

    At most `n_folds`, none empty. DataError where a label has fewer groups than 2, since then nothing could be held
    out; ties go by a hash of names.
    """
    counts: dict[str, Counter[str]] = {}
    for example in examples:
        counts.setdefault(example.group, Counter())[example.label] += 1
    for label in labels:
        if (n := sum(label in count for count in counts.values())) < 2:
            raise DataError(
                f"the texts of label {label!r} come from {n} site{'s' * (n != 1)}, and at least 2 are needed to judge "
                "the model on sites that it has not seen; add sites, or set split: text to hold out single texts"
            )
    folds: list[set[str]] = [set() for _ in range(n_folds)]
    loads = np.zeros((n_folds, len(labels)))

    def by_size(group: str) -> tuple[int, int]:
        return -counts[group].total(), xxhash.xxh3_64_intdigest(group.encode("utf-8", "replace"))

    totals = [sum(count[label] for count in counts.values()) for label in labels]
    rarest_first = sorted(range(len(labels)), key=lambda number: totals[number])
    for group in sorted(counts, key=by_size):
        rarest = next(number for number in rarest_first if labels[number] in counts[group])
        fold = int(np.lexsort((loads.sum(axis=1), loads[:, rarest]))[0])
        folds[fold].add(group)
        loads[fold] += [counts[group][label] for label in labels]
    return [fold for fold in folds if fold]


def sources(examples: Sequence[Example], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Count the texts of each source by label, with its licences."""
    table: dict[str, dict[str, Any]] = {}
    for example in examples:
        row = table.setdefault(example.source, {"source": example.source, **dict.fromkeys(labels, 0), "license": set()})
        row[example.label] += 1
        row["license"].add(example.license)
    return [{**table[name], "license": sorted(table[name]["license"] - {""})} for name in sorted(table)]


def card_text(card: Card, drawn: Sequence[str] = ()) -> str:
    """Write the card for people, as Markdown. drawn: names of the pictures beside it."""
    figures = card.metrics
    settings = ", ".join(f"{key} {value}" for key, value in card.training.items())
    lines = [f"# Classifier `{card.name}`", "", *([card.description, ""] if card.description else [])]
    lines += [
        f"fastText, one thread. Settings: {settings}.",
        "",
        "Every figure is on texts whose site the scoring model had not seen, with a calibration fitted on other sites.",
        "",
        f"{figures['texts']:,} texts: ROC-AUC {_shown(figures['roc_auc'])}, accuracy {_shown(figures['accuracy'])}, "
        f"macro-F1 {_shown(figures['macro_f1'])}, expected calibration error "
        f"{_shown(figures['expected_calibration_error'])}; precision of {card.labels[0]} at recall 0.95: "
        f"{_shown(figures['precision_at_recall_0.95'])}.",
        "",
        *_table(
            ("label", "texts", "precision", "recall", "F1", "ROC-AUC"),
            [
                (label, row["texts"], row["precision"], row["recall"], row["f1"], row["roc_auc"])
                for label, row in figures["label"].items()
            ],
        ),
        "",
    ]
    lines += [f"![{name.removesuffix('.svg')}]({name})" for name in drawn] + ([""] if drawn else [])
    lines += [f"Thresholds of {card.labels[0]}:", ""]
    rows = [(row["threshold"], row["precision"], row["recall"]) for row in card.thresholds]
    lines += [*_table(("threshold", "precision", "recall"), rows), ""]
    for key, title in (("lang", "language"), ("site", "site")):
        if part := figures.get(key):
            lines += [*_parts_table(title, card.labels, part), ""]
    lines += ["## Data", ""]
    data = [(row["source"], *(row[label] for label in card.labels), ", ".join(row["license"])) for row in card.data]
    return "\n".join([*lines, *_table(("source", *card.labels, "licence"), data), ""])


def _parts_table(title: str, labels: Sequence[str], parts: dict[str, dict[str, Any]]) -> list[str]:
    largest = sorted(parts, key=lambda name: (-parts[name]["texts"], name))[:_SITES]
    rows = [
        (name, *(parts[name]["labels"][label] for label in labels), parts[name]["accuracy"], parts[name]["roc_auc"])
        for name in largest
    ]
    more = [f"and {len(parts) - len(rows):,} smaller ones"] if len(parts) > len(rows) else []
    return [*_table((title, *labels, "accuracy", "ROC-AUC"), rows), *more]


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    cells = [head, ["---"] * len(head), *([_shown(value) for value in row] for row in rows)]
    return ["| " + " | ".join(row) + " |" for row in cells]


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}".rstrip("0").ljust(3, "0") if isinstance(value, float) else str(value).replace("|", "\\|")
