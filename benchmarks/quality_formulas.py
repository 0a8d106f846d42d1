"""How many formulas survive extraction, by site and encoding, whether they are right, and whether KaTeX reads them.

    python benchmarks/quality_formulas.py [DATA] [--katex FOLDER]

Survival is kept / found in the page's DOM. Correctness is measured where the TeX is known: on the renderings of the d2l
sources and on the example crawl, as the share of the known formulas that come out in order and equal after
normalisation. FOLDER is one in which `npm install katex` was run; node is needed.
"""

import json
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

from shared_pages import arguments, common, demo_pages, pages, print_table, share

from mathmill.core.mathnorm import normalise_formula
from mathmill.curation.extract import ExtractedPage, extract_html

PARSE = """
const katex = require(process.argv[1] + "/node_modules/katex");
const rows = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(rows.map(([tex, display]) => {
  try { katex.renderToString(tex, {displayMode: display, throwOnError: true, strict: "ignore"}); return ""; }
  catch (error) { return String(error.message).slice(0, 80) || "error"; }
})));
"""


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__, ("--katex", "a folder with node_modules/katex"))
    found, kept = defaultdict(Counter), defaultdict(Counter)
    n_pages: Counter[str] = Counter()
    gold: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    formulas: dict[tuple[str, bool], str] = {}  # with the encoding that it was first seen in
    for page in pages(options.data, "math_pages", "nonmath_pages"):
        extracted = extract_html(page.html, page.label["url"], page.content_type)
        n_pages[page.site] += 1
        for by, name in (("site", page.site), ("encoding", None)):
            for encoding, count in extracted.found.items():
                found[by][name or encoding] += count
                kept[by][name or encoding] += extracted.kept.get(encoding, 0)
        for tex, display, encoding in tex_of(extracted):
            formulas.setdefault((tex, display), encoding)
        if "gold_tex" in page.label:
            renderer = "d2l: " + page.label["rendered_by"].split(" ")[0]
            compare(gold[renderer], page.label["gold_tex"], extracted)
    for page in demo_pages():
        extracted = extract_html(page.html, page.label["url"], page.content_type)
        if page.label["formulas"]:
            name = f"example: {page.label['encoding']}"
            compare(gold[name], [formula["latex"] for formula in page.label["formulas"]], extracted)
    for by in ("site", "encoding"):
        total = ("all", sum(found[by].values()), sum(kept[by].values()))
        counts = [*((name, n, kept[by][name]) for name, n in found[by].most_common()), total]
        rows = [(name, *([n_pages[name] or ""] if by == "site" else []), n, k, share(k, n)) for name, n, k in counts]
        print_table(
            f"Survival by {by}", (by, *(["pages"] if by == "site" else []), "found", "kept", "kept / found"), rows
        )
    rows = [
        (name, n, known, share(same, known), share(same, out)) for name, (n, known, out, same) in sorted(gold.items())
    ]
    for kind in ("d2l", "example"):
        n, known, out, same = map(sum, zip(*(v for k, v in gold.items() if k.startswith(kind)), strict=True))
        rows.append((f"{kind}: all", n, known, share(same, known), share(same, out)))
    print_table("Known TeX, in order", ("rendered as", "pages", "formulas", "recall", "precision"), rows)
    if options.katex:
        parse_rates(options.katex, formulas)


def tex_of(extracted: ExtractedPage) -> list[tuple[str, bool, str]]:
    """The formulas of a page without their delimiters: TeX, display, encoding."""
    return [(extracted.text[f.start : f.end].strip("$").strip(), f.display, f.encoding) for f in extracted.formulas]


def compare(counts: list[int], known: list[str], extracted: ExtractedPage) -> None:
    """Add a page to [pages, known formulas, formulas found, of them equal in order]."""
    true = [normalise_formula(tex) for tex in known]
    ours = [normalise_formula(tex) for tex, _, _ in tex_of(extracted)]
    for place, count in enumerate((1, len(true), len(ours), common(true, ours))):
        counts[place] += count


def parse_rates(folder: Path, formulas: dict[tuple[str, bool], str]) -> None:
    """Let KaTeX parse every distinct formula and print the rates by encoding and the most frequent errors."""
    command = ["node", "-e", PARSE, str(folder.resolve())]
    result = subprocess.run(command, input=json.dumps(list(formulas)), capture_output=True, text=True, check=True)
    errors: list[str] = json.loads(result.stdout)
    total: Counter[str] = Counter(formulas.values())
    good = Counter(encoding for encoding, error in zip(formulas.values(), errors, strict=True) if not error)
    rows = [(name, n, share(good[name], n)) for name, n in total.most_common()]
    rows.append(("all", total.total(), share(good.total(), total.total())))
    print_table("Parsed by KaTeX (distinct formulas)", ("encoding", "formulas", "parsed"), rows)
    print("\nMost frequent errors:")
    for error, count in Counter(e.partition(" at position")[0] for e in errors if e).most_common(8):
        print(f"  {count:,}  {error}")


if __name__ == "__main__":
    main()
