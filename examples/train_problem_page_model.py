"""Make the bundled classifier of pages with problems: `python examples/train_problem_page_model.py DATA --crawl DIR`.

A page is positive where it holds a problem together with its solution: by the marks that the labelled pages' sidecars
count, by the ground truth of the example crawl (`python examples/build_crawl.py --seed 7 --out DIR`), and by
construction for pages put together from problem collections, with the headings that sites use. Lists of problems
without solutions, lecture notes, reference manuals and prose are not. The math alone must not tell, so half of what is
negative is math.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from model_data import SEED, crawl_pages, labelled_pages, problem_rows
from train_math_model import SAME_ORIGIN, everyday_numbers, make, texts

from mathmill.classifiers.features import Features
from mathmill.classifiers.text_classifier import MODELS
from mathmill.classifiers.train import Example
from mathmill.classifiers.train_linear import LinearConfig

LABELS = ("problem_page", "other")
CONFIG = LinearConfig(
    trainer="ridge", features=Features(word_ngrams=2, kinds=True, unit_length=True), cutoff=60_000, penalty=2.0
)

PER_SOURCE = 150

PROBLEM_HEADS = {
    "en": (
        "{n}. ",
        "Problem {n}. ",
        "Exercise {n}\n",
        "Question {n}: ",
        "Example {n}. ",
        "## Problem {n}\n",
        "Q{n}. ",
        "",
    ),
    "zh": ("{n}．", "例{n} ", "例题{n}：", "习题{n} ", "第{n}题 ", "{n}、", "题目：", "【例{n}】"),
}
SOLUTION_HEADS = {
    "en": (
        "Solution. ",
        "Solution\n",
        "Solution: ",
        "Answer: ",
        "Show solution\n",
        "### Solution\n",
        "A. ",
        "Explanation: ",
    ),
    "zh": ("解：", "解析：", "【解答】", "答案：", "解　", "【解析】", "参考答案：", "分析与解 "),
}
"""Headings of problems and solutions on pages of both languages."""

LIMITS = (
    "real pages with solutions are of two publishers, both English; other positive pages are machine-made or put "
    "together from collections. The sidecars' marks are counts of patterns, not a person's judgement."
)


def main() -> None:
    """Train, evaluate on unseen sites, calibrate and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--crawl", type=Path, required=True, help="folder with crawl.warc.gz and truth.jsonl")
    parser.add_argument("--out", type=Path, default=MODELS / "problem_page")
    arguments = parser.parse_args()

    examples = [
        *pages(arguments.data),
        *pages_of_crawl(arguments.crawl),
        *put_together(arguments.data),
        *(prose for prose in texts(arguments.data) if prose.lang == "zh" or len(prose.text) > 1_000),
        *everyday_numbers(100),
    ]
    examples = [
        e if e.label in LABELS else Example(e.text, "other", e.group, e.lang, e.source, e.license) for e in examples
    ]
    description = "Does a page hold a math problem together with its solution? English and Chinese."
    make("problem_page", description, examples, LABELS, CONFIG, arguments.out, "train_problem_page_model.py", LIMITS)


def pages(data: Path) -> Iterator[Example]:
    """Yield the labelled pages; those with marks of solutions but of no problem are left out."""
    for label, text in labelled_pages(data):
        positive = label["has_problem"] and label["has_solution"]
        if positive or not label["has_solution"]:
            name, site = LABELS[0] if positive else LABELS[1], label["site"]
            yield Example(text, name, site, label["lang"], f"web/{site}", label["license"])


def pages_of_crawl(crawl: Path) -> Iterator[Example]:
    """Yield the pages of an example crawl: those with solved problems, and those without any problem."""
    for row, text in crawl_pages(crawl):
        solved = any(problem["solution"] for problem in row["problems"])
        if row["lang"] in ("en", "zh") and (solved or not row["problems"]):
            yield Example(
                text,
                LABELS[0] if solved else LABELS[1],
                f"crawl {row['site']}",
                row["lang"],
                "example crawl",
                "Apache-2.0",
            )


def put_together(data: Path) -> Iterator[Example]:
    """Yield pages of one to ten problems of one collection, with solutions and without, as sites write them."""
    rng = np.random.default_rng(SEED + 4)
    by_source: dict[str, list[dict[str, str]]] = {}
    for row in problem_rows(data):
        by_source.setdefault(row["source"], []).append(row)
    for source, rows in by_source.items():
        for _ in range(PER_SOURCE):
            chosen = [rows[i] for i in rng.choice(len(rows), int(rng.integers(1, 11)), replace=False)]
            lang = chosen[0]["lang"]
            solved = bool(rng.random() < 0.6) and all(row["solution"] for row in chosen)
            head = PROBLEM_HEADS[lang][int(rng.integers(len(PROBLEM_HEADS[lang])))]
            solution_head = SOLUTION_HEADS[lang][int(rng.integers(len(SOLUTION_HEADS[lang])))]
            at_end = bool(rng.random() < 0.2)
            parts, answers = [], []
            for number, row in enumerate(chosen, 1):
                parts.append(head.format(n=number) + row["question"])
                if solved:
                    solution = solution_head + row["solution"]
                    (answers if at_end else parts).append(f"{number}. {solution}" if at_end else solution)
            group = SAME_ORIGIN.get(source, "openstax" if source.startswith("openstax") else f"problems/{source}")
            yield Example(
                "\n\n".join([*parts, *answers]), LABELS[0] if solved else LABELS[1], group, lang,
                f"problems/{source}", chosen[0]["license"],
            )  # fmt: skip


if __name__ == "__main__":
    main()
