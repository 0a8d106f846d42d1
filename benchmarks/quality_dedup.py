"""Precision and recall of near-duplicate detection, and what it costs.

    python benchmarks/quality_dedup.py [DATA] [--documents N]

Five builds of one site: the same page in another build is a duplicate in name; how much of it is equal differs (menus,
edits, rewritten sections), so recall is given by the Jaccard similarity of word 5-grams of the extracted texts. A pair
counts as found where both pages end in one cluster, hence where one would be dropped for the other or both for a third.

Families: many versions of one made-up text, each with other words changed, against what comparing all pairs of
signatures would keep. Cost: made-up documents through the main job's deduplication, in its three ways; CPU time of the
whole run, of which the sketches are the same in all three, and the bytes of the rows in its shuffles.
"""

import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import pyarrow as pa
from shared_pages import arguments, pages, print_table, share

from mathmill.core.ledger import Ledger
from mathmill.core.storage import Folder
from mathmill.curation.dedup import DedupConfig, find_duplicates
from mathmill.curation.extract import extract_html
from mathmill.curation.sketches import sketch_texts
from mathmill.jobs.check import segments
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.run import run_recipe

BOUNDS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.01)
FAMILIES = ((40, 0.005, 0.02), (400, 0.005, 0.02), (4000, 0.005, 0.02), (400, 0.01, 0.04), (4000, 0.01, 0.04))
WAYS = {"one task": "", "measured in groups": "rows_in_memory: 0", "by components": "edges_in_memory: 0"}


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__, ("--documents", "how many documents the cost is measured on (default: 100000)"))
    if options.data.exists():
        site_builds(options.data)
    print_table("Families", ("versions", "words changed", "kept", "by all pairs"), map(family, FAMILIES))
    documents = int(str(options.documents or 100_000))
    for name, templates in (("copies", 0), ("templates", 20)):
        with tempfile.TemporaryDirectory() as folder:
            write_documents(Path(folder) / "documents.jsonl", documents, templates)
            header = ("way", "dropped", "CPU s", "peak MiB", "of the shuffles: seconds", "bytes a document", "pairs")
            rows = [(way, *cost(Path(folder), settings, documents)) for way, settings in WAYS.items()]
        print_table(f"Cost: {documents:,} documents, {name}", header, rows)


def site_builds(data: Path) -> None:
    """The pages of five builds of one site."""
    found = list(pages(data, "neardup_pages"))
    texts = [extract_html(page.html, page.label["url"], page.content_type).text for page in found]
    truth = [page.label["dup_cluster"] for page in found]
    shingles = [five_grams(text) for text in texts]
    clusters = find_duplicates(texts).tolist()
    pairs = list(combinations(range(len(texts)), 2))
    together = [(a, b) for a, b in pairs if clusters[a] == clusters[b]]
    right = sum(truth[a] == truth[b] for a, b in together)
    similarity = {(a, b): jaccard(shingles[a], shingles[b]) for a, b in pairs if truth[a] == truth[b]}
    rows = []
    for low, high in pairwise(BOUNDS):
        group = [pair for pair, value in similarity.items() if low <= value < high]
        hits = sum(clusters[a] == clusters[b] for a, b in group)
        rows.append((f"{low:.2f} – {min(high, 1.0):.2f}", len(group), hits, share(hits, len(group))))
    print(f"{len(texts)} pages, {len(set(truth))} different, kept {len(set(clusters))}")
    print(f"pairs put together: {len(together)}, of the same page: {right}, precision {share(right, len(together))}")
    print_table("Pairs of the same page", ("Jaccard of 5-grams", "pairs", "found", "recall"), rows)


def five_grams(text: str) -> set[tuple[str, ...]]:
    """The word 5-grams of a text."""
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))}


def jaccard(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    """Shared by all."""
    return len(a & b) / max(1, len(a | b))


def family(shape: tuple[int, float, float]) -> tuple[object, ...]:
    """How many versions of one text are kept, of so many, with so large a share of their 500 words changed."""
    size, low, high = shape
    chance = random.Random(5)
    words = vocabulary(chance, 2000)
    base = chance.choices(words, k=500)
    texts = [" ".join(changed(base, words, chance, chance.uniform(low, high))) for _ in range(size)]
    kept = len(set(find_duplicates(texts).tolist()))
    return f"{size:,}", f"{low:.1%} – {high:.1%}", kept, kept_by_all_pairs(texts)


def kept_by_all_pairs(texts: Sequence[str]) -> int:
    """The same decision on all pairs of signatures, the longer text first."""
    signatures = sketch_texts(pa.array(texts, pa.large_string()), DedupConfig(), strict=False).signatures
    kept: list[int] = []
    for row in sorted(range(len(texts)), key=lambda i: -len(texts[i])):
        if not kept or (signatures[kept] == signatures[row]).mean(axis=1).max() < DedupConfig().threshold:
            kept.append(row)
    return len(kept)


def vocabulary(chance: random.Random, size: int) -> list[str]:
    """Made-up words of six letters."""
    return ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(size)]


def changed(base: Sequence[str], words: Sequence[str], chance: random.Random, part: float) -> list[str]:
    """The words of `base`, this part of them changed."""
    text = list(base)
    for place in chance.sample(range(len(text)), int(len(text) * part)):
        text[place] = chance.choice(words)
    return text


def write_documents(path: Path, count: int, templates: int) -> None:
    """Documents of 120 words: every third one a version of an earlier one, or all made from templates."""
    chance = random.Random(7)
    words = vocabulary(chance, 20_000)
    bases = [chance.choices(words, k=120) for _ in range(templates)]
    recent: list[list[str]] = []
    with open(path, "w", encoding="utf-8") as file:
        for number in range(count):
            if templates:
                text = changed(chance.choice(bases), words, chance, chance.uniform(0.0, 0.06))
            elif recent and number % 3 == 0:
                text = changed(chance.choice(recent), words, chance, chance.uniform(0.0, 0.05))
            else:
                text = chance.choices(words, k=120)
                recent = [*recent[-500:], text]
            file.write(json.dumps({"text": " ".join(text)}) + "\n")


def cost(folder: Path, settings: str, documents: int) -> tuple[object, ...]:
    """Deduplicate in a process of its own: dropped, CPU seconds, peak MiB, and of shuffles seconds, bytes, pairs."""
    out = folder / (settings.partition(":")[0] or "default")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        seconds, peak, dropped = pool.apply(deduplicate, (folder, out, settings))
    entries = {name: list(Ledger(Folder(out), name).entries().values()) for name in segments(Folder(out))}
    files = [file for found in entries.values() for entry in found for file in entry.files]
    shuffled = sum(file.bytes for file in files if file.name.endswith(".spill"))
    pairs = sum(entry.of_port("out")[0].rows for entry in entries["pages-pairs"] if entry.files)
    after = sum(entry.seconds for name, found in entries.items() if name.startswith("pages-") for entry in found)
    sketching = sum(entry.seconds for entry in entries["pages-sketch"])
    return dropped, f"{seconds:.1f}", f"{peak:.0f}", f"{after - sketching:.1f}", f"{shuffled / documents:,.0f}", pairs


def deduplicate(folder: Path, out: Path, settings: str) -> tuple[float, float, int]:
    """Run the main job; returns CPU seconds, peak MiB and how many documents were dropped."""
    recipe = f"sources: [{{name: made, path: documents.jsonl, kind: documents}}]\nstages: [dedup: {{{settings}}}]\n"
    started = time.process_time()
    finished = run_recipe(parse_recipe(recipe.encode(), folder / "recipe.yaml"), out, workers=1)
    dropped = sum(step.reasons.total() for step in finished.summary.of_stage("dedup"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.process_time() - started, peak, dropped


if __name__ == "__main__":
    main()
