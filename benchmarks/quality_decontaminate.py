"""Recall and false positives of decontamination.

    python benchmarks/quality_decontaminate.py [DATA]

Recall: benchmark questions rewritten in every way of `leaks.py`, alone and in a paragraph, by language; every second
one, since the matching was tuned on the others; and the problems that are equal to a benchmark item by the data's own
list. False positives: problems of other collections that are on no such list; the first hits are printed, since some
are true finds.
"""

import random

from leaks import REWRITES, Rewrite, embedded, is_chinese
from shared_pages import arguments, print_table, read_rows, share

from mathmill.curation.decontaminate import Decontaminator

SEED = 7


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__)
    items: list[str] = []
    for path in sorted((options.data / "benchmarks").glob("*.jsonl.zst")):
        if not path.name.startswith("tir_"):  # outputs of a model on GSM8K's questions
            items += [row["question"] for row in read_rows(path)]
    decontaminator = Decontaminator(items)
    prose = [row["text"] for row in read_rows(options.data / "text" / "general.jsonl.zst") if row["lang"] == "en"]
    rows = []
    for family, rewrites in REWRITES.items():
        for name, rewrite in rewrites.items():
            rows += recall(decontaminator, items[1::2], family, name, rewrite)
    bare = decontaminator.check([text[:2_000] for text in prose])
    header = ("family", "rewrite", "lang", "texts", "found", "in a paragraph")
    print_table(f"{len(items):,} benchmark items: recall of every second one", header, rows)
    print(f"\nprose without an item: {sum(hit is not None for hit in bare)} hits in {len(bare):,} pieces")

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


def recall(
    decontaminator: Decontaminator, items: list[str], family: str, name: str, rewrite: Rewrite
) -> list[tuple[object, ...]]:
    """Rows of the table: how many rewritten items are found, alone and in a paragraph, by language."""
    rng = random.Random(SEED)
    changed = [(item, rewrite(item, rng)) for item in items]
    rows: list[tuple[object, ...]] = []
    for lang in ("en", "zh"):
        texts = [
            text for item, text in changed if (text != item or family == "exact") and is_chinese(item) == (lang == "zh")
        ]
        shares = []
        for planted in (texts, [embedded(text, rng) for text in texts]):
            hits = decontaminator.check(planted)
            shares.append(share(sum(hit is not None and hit.kind != "template" for hit in hits), len(planted)))
        if texts:
            rows.append((family, name, lang, len(texts), *shares))
    return rows


if __name__ == "__main__":
    main()
