"""Errors of language identification on real pages and on problems, English and Chinese.

    python benchmarks/quality_language.py [DATA]

A page is judged as a run judges it: its text without formulas and code. Problems are judged by their question alone,
which is a hard case: many have ten words, or mostly formulas.
"""

from collections import Counter, defaultdict

from shared_pages import arguments, pages, print_table, read_rows, share

from mathmill.core.mathtext import find_formulas
from mathmill.curation.extract import extract_html
from mathmill.curation.language import LanguageIdentifierModel, prose


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    identifier = LanguageIdentifierModel()
    judged: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for page in pages(options.data, "math_pages", "nonmath_pages", "neardup_pages"):
        extracted = extract_html(page.html, page.label["url"], page.content_type)
        if len(extracted.text) < 50:  # what a run drops as empty
            continue
        holes = [(f.start, f.end) for f in extracted.formulas]
        holes += [(b.start, b.end) for b in extracted.blocks if b.role == "code"]
        judged["pages", page.label["lang"]][identifier.identify(prose(extracted.text, holes))[0]] += 1
    for path in sorted((options.data / "problems").glob("*.jsonl.zst")):
        for row in read_rows(path):
            holes = [(f.start, f.end) for f in find_formulas(row["question"])]
            judged["problems", row["lang"]][identifier.identify(prose(row["question"], holes))[0]] += 1
    rows = []
    for (kind, lang), found in sorted(judged.items()):
        wrong = found.total() - found[lang]
        worst = ", ".join(f"{name} {n}" for name, n in found.most_common(5) if name != lang)
        rows.append((kind, lang, found.total(), wrong, share(wrong, found.total()), worst or "–"))
    print_table("Language", ("texts", "language", "number", "errors", "share", "taken for"), rows)


if __name__ == "__main__":
    main()
