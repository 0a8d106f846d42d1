"""Precision and recall of near-duplicate detection on five builds of one site.

    python benchmarks/quality_dedup.py [DATA]

The same page in another build is a duplicate in name; how much of it is equal differs (menus, edits, rewritten
sections), so recall is given by the Jaccard similarity of word 5-grams of the extracted texts. A pair counts as found
where both pages end in one cluster, hence where one would be dropped for the other or both for a third.
"""

from itertools import combinations, pairwise

from shared_pages import arguments, pages, print_table, share

from mathmill.curation.dedup import find_duplicates
from mathmill.curation.extract import extract_html

BOUNDS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.01)


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__)
    found = list(pages(options.data, "neardup_pages"))
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


if __name__ == "__main__":
    main()
