"""Make the bundled difficulty model: `python examples/train_difficulty_model.py DATA`.

The labels are the five levels of MATH's training problems, each learned as its question alone and as question with
solution (`join_problem`). MATH gives levels within a subject, so the subjects are learned as well, as the topics of a
mixture (`mathmill.classifiers.mixture`). The mean of the levels, weighed by their probabilities, is the difficulty
score.
"""

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np
from model_data import SEED, problem_rows, shuffled_folds, sources, table, write

from mathmill.classifiers import join_problem
from mathmill.classifiers.metrics import confusion, spearman
from mathmill.classifiers.text_classifier import MODELS, Card
from mathmill.classifiers.train import Example
from mathmill.classifiers.train_mixture import MixtureConfig, train_mixture

LABELS = ("1", "2", "3", "4", "5")
FOLDS = 4
CONFIG = MixtureConfig(head_penalty=1e-3)


def main() -> None:
    """Train, evaluate on held-out problems, calibrate and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=MODELS / "difficulty")
    arguments = parser.parse_args()

    rows = [row for row in problem_rows(arguments.data) if row["source"] == "math" and str(row.get("level")) in LABELS]
    examples = [
        Example(text, str(row["level"]), template(row["question"]), row["lang"], row["source"], row["license"])
        for row in rows
        for text in (row["question"], join_problem(row["question"], row["solution"]))
    ]
    topics = [row["subject"] for row in rows for _ in range(2)]
    trained = train_mixture(examples, LABELS, topics, shuffled_folds(examples, FOLDS), CONFIG)
    card = Card(
        name="difficulty",
        labels=LABELS,
        normaliser=CONFIG.normaliser,
        features=CONFIG.features,
        description="How difficult is a math problem, by the levels of MATH? Alone or joined with its solution.",
        training={**CONFIG.model_dump(mode="json"), "texts": len(examples)},
        data=sources(examples, LABELS),
        metrics=metrics(examples, trained.held_out),
        thresholds=[],
    )
    write(arguments.out, trained, card, readme(card))


def template(question: str) -> str:
    """A question's first words without numbers and signs: problems that differ in them alone are held out together."""
    return " ".join(re.findall(r"[a-z]+", question.lower())[:12])


def metrics(examples: list[Example], probs: np.ndarray) -> dict[str, Any]:
    """Spearman of the expected level with the level, and the confusion of the likeliest, alone and with solution."""
    truth = np.array([LABELS.index(example.label) for example in examples])
    result: dict[str, Any] = {"problems": len(examples) // 2}
    for name, part in (("question", slice(0, None, 2)), ("question and solution", slice(1, None, 2))):
        expected = probs[part] @ np.arange(1, len(LABELS) + 1)
        result[name] = {
            "spearman": round(spearman(expected, truth[part]), 4),
            "mean_absolute_error": round(float(np.abs(expected - truth[part] - 1).mean()), 4),
            "confusion": confusion(truth[part], probs[part].argmax(axis=1), len(LABELS)).tolist(),
        }
    return result


def readme(card: Card) -> str:
    """Write the card for people."""
    m = card.metrics
    lines = [
        f"# Classifier `{card.name}`",
        "",
        card.description,
        "Made by `examples/train_difficulty_model.py`: a mixture of ridge regressions for the seven subjects of MATH,",
        f"on words, n-grams of formula shapes and counts of structure; one thread, seed {SEED}.",
        "",
        f"Held-out problems of MATH's training part ({m['problems']} problems, {FOLDS} folds that keep problems of",
        "equal first words together), expected level:",
        "",
        *table(
            ("input", "Spearman", "mean absolute error"),
            [(n, m[n]["spearman"], m[n]["mean_absolute_error"]) for n in ("question", "question and solution")],
        ),
        "",
        "Likeliest level, question and solution:",
        "",
        *table(
            ("level", *(f"taken for {label}" for label in LABELS)),
            [(label, *row) for label, row in zip(LABELS, m["question and solution"]["confusion"], strict=True)],
        ),
        "",
        "## Data",
        *table(
            ("source", *LABELS, "licence"), [(*(r[k] for k in ("source", *LABELS)), *r["license"]) for r in card.data]
        ),
        "",
        "MATH's problems come from contests and a contest forum; its authors publish it under MIT. The model holds",
        "hashes of n-grams with weights, no text.",
        "",
        "Limits: English contest problems; on those of MATH's test part the rank correlation is 0.609 and 0.712. A",
        "Chinese problem is ranked by its formulas and length alone.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
