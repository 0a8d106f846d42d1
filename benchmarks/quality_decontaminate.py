"""Recall and false positives of decontamination.

    python benchmarks/quality_decontaminate.py [DATA]

Recall: benchmark questions put into a paragraph of a novel or of an encyclopedia, as they are and rewritten (spaces,
case, delimiters); and the problems that are equal to a benchmark item by the data's own list. False positives: problems
of other collections that are on no such list; the first hits are printed, since some are true finds.
"""

import re
from collections import Counter

import numpy as np
from shared_pages import arguments, print_table, read_rows, share

from mathmill.curation.decontaminate import Decontaminator

SEED, SAMPLE = 7, 2_000


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__)
    items: list[str] = []
    for path in sorted((options.data / "benchmarks").glob("*.jsonl.zst")):
        if not path.name.startswith("tir_"):  # outputs of a model on GSM8K's questions
            items += [row["question"] for row in read_rows(path)]
    decontaminator = Decontaminator(items)
    rng = np.random.default_rng(SEED)
    prose = [row["text"] for row in read_rows(options.data / "text" / "general.jsonl.zst") if row["lang"] == "en"]
    sample = [items[i] for i in rng.permutation(len(items))[:SAMPLE]]
    rows = []
    for name, change in (("as it is", str), ("rewritten", rewritten)):
        texts = [f"{prose[i % len(prose)][:600]}\n\n{change(item)}\n\nAnd so on." for i, item in enumerate(sample)]
        hits = decontaminator.check(texts)
        kinds = Counter(hit.kind for hit in hits if hit is not None)
        rows.append((name, len(texts), share(kinds.total(), len(texts)), dict(kinds)))
    bare = decontaminator.check([text[:2_000] for text in prose])
    print_table(f"{len(items):,} benchmark items: recall of {SAMPLE:,} in prose", ("item", "texts", "hit", "as"), rows)
    print(f"\nthe same prose without an item: {sum(hit is not None for hit in bare)} hits in {len(bare):,} pieces")

    equal = {
        row["problem_id"]
        for row in read_rows(options.data / "benchmarks" / "exact_overlaps.jsonl")
        if "problem_id" in row
    }
    rows, examples = [], []
    for path in sorted((options.data / "problems").glob("*.jsonl.zst")):
        problems = read_rows(path)
        hits = decontaminator.check([row["question"] for row in problems])
        listed = [row["id"] in equal for row in problems]
        true = sum(hit is not None for hit, known in zip(hits, listed, strict=True) if known)
        others = [(row, hit) for row, hit, known in zip(problems, hits, listed, strict=True) if hit and not known]
        rest = len(problems) - sum(listed)
        templates = sum(hit.kind == "template" for _, hit in others)
        leaks = len(others) - templates
        rows.append((path.name.split(".")[0], sum(listed), true, rest, leaks, share(leaks, rest), templates))
        examples += [(hit.kind, row["question"], items[hit.item]) for row, hit in others if hit.kind != "template"][:3]
        missed = [row["question"] for row, hit, known in zip(problems, hits, listed, strict=True) if known and not hit]
        examples += [("missed", question, "") for question in missed]
    header = ("collection", "on the list", "of them hit", "others", "hit as leak", "share", "same template")
    print_table("Problems of other collections", header, rows)
    for kind, question, item in examples:
        print(f"\n{kind}: {question[:160]!r}\n  benchmark: {item[:160]!r}")


def rewritten(text: str) -> str:
    """Other delimiters, spaces and case."""
    text = re.sub(r"\$([^$]+)\$", r"\\( \1 \\)", text)
    return re.sub(r"\s+", "\n", text).upper() if "\\" not in text else re.sub(r"\s+", "  ", text)


if __name__ == "__main__":
    main()
