"""Make the bundled school stage model: `python examples/train_school_stage_model.py DATA --crawl DIR`.

Labels come from the sources: school grades, books, collections for one stage; MATH (without its prealgebra) counts as
high school, GSM8K as elementary. University problems are definitions, theorems and exercises of university books and of
the example crawl (`python examples/build_crawl.py --seed 7 --out DIR`; the bundled model is of the seeds 7 to 13).
No collection at hand has Chinese middle and high school exercises in numbers, so `curriculum.py` writes some from the
topics of the curricula: with them, 56 of 101 Chinese middle school items are right instead of 5. fastText reads the
words; topics of a bilingual lexicon and signs of formulas are counted, and a calibrated head joins all. Texts of one
textbook page or of one topic are never on both sides of a split.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from curriculum import exercises
from model_data import SEED, labelled_pages, problem_rows, read_jsonl, shuffled_folds, sources, table, write

from mathmill.classifiers import join_problem
from mathmill.classifiers.features import Features
from mathmill.classifiers.metrics import evaluate_labels
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.text_classifier import MODELS, Card
from mathmill.classifiers.train import Example
from mathmill.classifiers.train_linear import LinearConfig, train_linear
from mathmill.core.schemas import SCHOOL_STAGES

FOLDS = 3
CONFIG = LinearConfig(
    normaliser=Normaliser(max_bytes=2_048),
    features=Features(word_ngrams=2, kinds=True),
    min_texts=2,
    cutoff=80_000,
    dim=10,
    epoch=6,
    head_penalty=1e-3,
)
"""On sources that state their stage fastText is better here than a ridge regression (macro-F1 0.80)."""

PRIORS = (0.28, 0.33, 0.33, 0.06)
"""Of the stages, in the calibration: school problems are many, university ones few."""

STATED = ("ape210k", "cmath", "svamp", "tal-scq5k-cn")
"""With the OpenStax books the sources whose records state a stage."""

CONTEST_SHARE = 3
"""Every so many-th problem of MATH and GSM8K: they shall not outweigh the sources that state their stage."""

PER_SOURCE = 1_500
"""University texts of one source at most."""

PER_TOPIC = 24
"""Exercises of each topic of the curricula."""

_STATEMENT = re.compile(
    r"\\begin\{(?:theorem|lemma|proposition|definition|exercise|example|thm|lem|prop|defn|cor|corollary)\}"
    r"(?:\[[^\]]*\])?(.{60,1500}?)\\end\{",
    re.DOTALL,
)


def main() -> None:
    """Train, evaluate on held-out items, calibrate and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--crawl", type=Path, required=True, nargs="+", help="folders with crawl.warc.gz and truth.jsonl"
    )
    parser.add_argument("--out", type=Path, default=MODELS / "school_stage")
    arguments = parser.parse_args()

    examples = [
        *problems(arguments.data), *university(arguments.data), *crawl_problems(arguments.crawl), *curriculum()
    ]  # fmt: skip
    folds = shuffled_folds(examples, FOLDS)
    counts = Counter(example.source for example in examples)
    weights = np.array([counts[example.source] ** -0.5 for example in examples])
    truth = np.array([SCHOOL_STAGES.index(example.label) for example in examples])
    for label, prior in enumerate(PRIORS):
        weights[truth == label] *= prior / weights[truth == label].sum()
    trained = train_linear(examples, SCHOOL_STAGES, folds, CONFIG, weights * len(examples))
    card = Card(
        name="school_stage",
        labels=SCHOOL_STAGES,
        normaliser=CONFIG.normaliser,
        features=CONFIG.features,
        description="For which school stage is a math problem: grades 1-6, 7-9, 10-12 or university?",
        training={**CONFIG.model_dump(mode="json"), "texts": len(examples)},
        data=sources(examples, SCHOOL_STAGES),
        metrics=metrics(examples, trained.held_out, truth),
        thresholds=[],
    )
    write(arguments.out, trained, card, readme(card))


def metrics(examples: list[Example], probs: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Macro-F1, confusion and accuracy by source of all, and `stated`: of the sources that state their stage."""
    source = [example.source for example in examples]
    stated = np.array([name in STATED or name.startswith("openstax") for name in source])
    return {
        **evaluate_labels(probs, truth, SCHOOL_STAGES, source),
        "stated": evaluate_labels(
            probs[stated], truth[stated], SCHOOL_STAGES, [s for s, own in zip(source, stated, strict=True) if own]
        ),
    }


def both(row: dict[str, str], label: str, group: str, source: str, license_: str) -> Iterator[Example]:
    """Yield a problem alone and with its solution."""
    for text in dict.fromkeys((row["question"], join_problem(row["question"], row["solution"]))):
        yield Example(text, label, group, row["lang"], source, license_)


def problems(data: Path) -> Iterator[Example]:
    """Yield the problems whose source tells their stage: in each record, or by what it collects."""
    for row in problem_rows(data):
        part = sum(map(ord, row["id"]))
        stage = row.get("stage")
        if stage is None and part % CONTEST_SHARE == 0:
            contest = row["source"] == "math" and row["subject"] != "Prealgebra"
            stage = "high" if contest else "elementary" if row["source"] == "gsm8k" else None
        if stage in SCHOOL_STAGES:
            # Of a textbook the page, else one of fifty parts by the sum of the id's characters.
            group = row["id"].split("-")[1] if row["source"].startswith("openstax") else str(part % 50)
            yield from both(row, stage, f"{row['source'].split('/')[0]} {group}", row["source"], row["license"])


def university(data: Path) -> Iterator[Example]:
    """Yield statements of university books: theorems, definitions, exercises; and paragraphs of university sites."""
    rng = np.random.default_rng(SEED)
    for number, row in enumerate(read_jsonl(data / "text" / "math.jsonl.zst")):
        if row["source"] in ("stacks-project", "hott-book", "planetmath/11-number-theory"):
            found = [match[1].strip() for match in _STATEMENT.finditer(row["text"])]
            for text in found[:4]:
                yield Example(text, "university", f"{row['source']} {number % 50}", "en", row["source"], row["license"])
    taken: Counter[str] = Counter()
    for number, (label, text) in enumerate(labelled_pages(data)):
        if label["site"] in ("planetmath.org", "discrete.openmathbooks.org") and label["is_math"]:
            paragraphs = [p for p in text.split("\n\n") if 80 <= len(p) <= 1_500 and "$" in p]
            for i in rng.permutation(len(paragraphs))[:8]:
                taken[label["site"]] += 1
                if taken[label["site"]] <= PER_SOURCE:
                    group = f"{label['site']} {number % 50}"
                    yield Example(paragraphs[i], "university", group, "en", label["site"], label["license"])


def crawl_problems(crawls: Sequence[Path]) -> Iterator[Example]:
    """Yield the different problems of example crawls; those of one kind of page stay together."""
    seen: set[str] = set()
    for crawl in crawls:
        for row in read_jsonl(crawl / "truth.jsonl"):
            for problem in row["problems"]:
                if problem["question"] not in seen:
                    seen.add(problem["question"])
                    group = f"crawl {row['url'].split('/')[-1].lstrip('0123456789-')}"
                    yield from both(problem, problem["school_stage"], group, "example crawl", "Apache-2.0")


def curriculum() -> Iterator[Example]:
    """Yield exercises written from the topics of the curricula; those of one topic stay together."""
    for row in exercises(SEED, PER_TOPIC):
        source = f"curriculum topics, {row['lang']}"
        yield from both(row, row["stage"], f"curriculum {row['topic']}", source, "Apache-2.0")


def readme(card: Card) -> str:
    """Write the card for people."""
    m = card.metrics
    lines = [
        f"# Classifier `{card.name}`",
        "",
        card.description,
        "English and Chinese, alone or joined with its solution. Made by `examples/train_school_stage_model.py`:",
        f"fastText, a lexicon of topics and counts of formula signs; one thread, seed {SEED}.",
        "",
        "Held-out items (whole textbook pages or parts of a collection), four stages: macro-F1",
        f"{m['macro_f1']}, accuracy averaged over sources {m['mean_accuracy_of_sources']}; of the sources",
        f"whose records state a stage (elementary, middle, high): macro-F1 {m['stated']['macro_f1']},",
        f"{m['stated']['mean_accuracy_of_sources']}.",
        "`benchmarks/quality_classifiers.py` has those of benchmark sets, on which settings were compared; no item",
        "was trained on.",
        "",
        *table(
            ("stage", "F1", *(f"taken for {label}" for label in card.labels)),
            [(label, m["f1"][label], *row) for label, row in zip(card.labels, m["confusion"], strict=True)],
        ),
        "",
        "## Data",
        *table(
            ("source", *card.labels, "accuracy", "licence"),
            [
                (*(r[key] for key in ("source", *card.labels)), m["accuracy"][r["source"]], ", ".join(r["license"]))
                for r in card.data
            ],
        ),
        "",
        "Limits: middle school English is one publisher's prealgebra; Chinese middle and high school are one contest",
        "collection, machine-made problems and",
        "exercises written from curriculum topics (of 101 Chinese middle school examination items 56 are taken for",
        "middle school, 30 for high); American contest and test problems of middle school topics count as high;",
        "university texts are statements of books more than problems.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
