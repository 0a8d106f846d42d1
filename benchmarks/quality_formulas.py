"""How many formulas survive extraction, by site and encoding, whether they are right, and whether KaTeX reads them.

    python benchmarks/quality_formulas.py [DATA] [--katex FOLDER]

Survival is measured against the formulas found in the page's DOM; a formula that one page has too many does not make up
for one that another loses. Correctness is measured where the TeX is known: on the renderings of the d2l sources and on
the example crawl, as the share of the known formulas that come out in order and equal after normalisation. FOLDER is
one in which `npm install katex` was run; node is needed. With it, our own check (`mathmill.core.latex_check`) is held
against KaTeX, on the formulas of the pages and on those of the problems in DATA. Bars are printed last.
"""

import json
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared_pages import arguments, common, demo_pages, pages, print_table, read_rows, share

from mathmill.core.latex_check import latex_errors
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
PROBLEMS = ("problems/math_train", "benchmarks/math_test", "problems/tal_scq5k_cn_train")
DELIMITED = re.compile(r"\$\$(.+?)\$\$|\$((?:\\.|[^$\\])+?)\$", re.DOTALL)

Tex = tuple[str, bool]
"""A formula without its delimiters, and whether it stands on a line of its own."""


@dataclass
class Group:
    """The formulas of a site or of an encoding."""

    pages: int = 0
    found: int = 0
    lost: int = 0
    kept: Counter[Tex] = field(default_factory=Counter)  # how often each survives

    def row(self, name: str, bad: dict[Tex, str]) -> list[object]:
        """Of a table; bad: what cannot be read."""
        read = sum(n for tex, n in self.kept.items() if not bad.get(tex))
        survive = share(self.found - self.lost, self.found)
        return [name, self.pages, self.found, self.lost, survive, share(read, self.kept.total())]


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__, ("--katex", "a folder with node_modules/katex"))
    groups: dict[str, dict[str, Group]] = {"site": defaultdict(Group), "encoding": defaultdict(Group)}
    gold: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    ungilded = [0, 0]  # formulas found and lost on pages whose TeX is not known
    for page in pages(options.data, "math_pages", "nonmath_pages"):
        extracted = extract_html(page.html, page.label["url"], page.content_type)
        add_page(groups, page.site, extracted)
        if "gold_tex" in page.label:
            compare(gold["d2l: " + page.label["rendered_by"].split(" ")[0]], page.label["gold_tex"], extracted)
        else:
            ungilded[0] += sum(extracted.found.values())
            ungilded[1] += sum(losses(extracted).values())
    for page in demo_pages():
        extracted = extract_html(page.html, page.label["url"], page.content_type)
        if page.label["formulas"]:
            known = [formula["latex"] for formula in page.label["formulas"]]
            compare(gold[f"example: {page.label['encoding']}"], known, extracted)
    kept = sum((group.kept for group in groups["site"].values()), Counter[Tex]())
    ours = dict(zip(kept, checked(kept), strict=True))
    bad, reader = (ours, "our check") if options.katex is None else (parsed(options.katex, list(kept)), "KaTeX")
    for by, found in groups.items():
        header = (by, "pages", "found", "lost", "survive", f"read by {reader}")
        names = sorted(found, key=lambda name: -found[name].found)
        print_table(f"Formulas by {by}", header, [found[name].row(name, bad) for name in names])
    totals = print_gold(gold)
    print("\nMost frequent complaints:")
    for error, count in Counter(bad[tex].partition(" at position")[0] for tex in kept if bad[tex]).most_common(12):
        print(f"  {count:,}  {error}")
    if options.katex is not None:
        problems = dict.fromkeys(tex for tex in problem_formulas(options.data) if tex not in kept)
        others = dict(zip(problems, checked(problems), strict=True))
        print_agreement({"pages": (ours, bad), "problems": (others, parsed(options.katex, list(others)))})
    read = sum(n for tex, n in kept.items() if not bad[tex])
    distinct = sum(not bad[tex] for tex in kept)
    bars = [
        ("known TeX in order, d2l: recall", totals["d2l"][0], 0.99),
        ("known TeX in order, d2l: precision (none twice)", totals["d2l"][1], 0.99),
        ("known TeX in order, example: recall", totals["example"][0], 0.99),
        ("known TeX in order, example: precision", totals["example"][1], 0.99),
        ("survival on pages without known TeX", 1 - ungilded[1] / ungilded[0], 0.995),
        (f"formulas read by {reader}", read / kept.total(), 0.98),
        (f"distinct formulas read by {reader}", distinct / len(kept), 0.98),
    ]
    rows = [(name, f"{value:.4f}", bar, "met" if value >= bar else "NOT MET") for name, value, bar in bars]
    print_table("Bars", ("what", "value", "bar", ""), rows)


def add_page(groups: dict[str, dict[str, Group]], site: str, extracted: ExtractedPage) -> None:
    """Count a page's formulas under its site and under their encodings."""
    lost, kept = losses(extracted), defaultdict(Counter[Tex])
    for tex, display, encoding in tex_of(extracted):
        kept[encoding][tex, display] += 1
    groups["site"][site].pages += 1
    for encoding in {*extracted.found, *kept}:
        groups["encoding"][encoding].pages += 1
        for group in (groups["site"][site], groups["encoding"][encoding]):
            group.found += extracted.found.get(encoding, 0)
            group.lost += lost.get(encoding, 0)
            group.kept.update(kept[encoding])


def losses(extracted: ExtractedPage) -> dict[str, int]:
    """Formulas of a page that do not survive, by encoding."""
    return {name: max(0, n - extracted.kept.get(name, 0)) for name, n in extracted.found.items()}


def tex_of(extracted: ExtractedPage) -> Iterator[tuple[str, bool, str]]:
    """The formulas of a page without their delimiters: TeX, display, encoding."""
    for formula in extracted.formulas:
        tex = extracted.text[formula.start : formula.end]
        fence = 2 if tex.startswith("$$") else tex.startswith("$")
        yield tex[fence : len(tex) - fence], formula.display, formula.encoding


def compare(counts: list[int], known: Sequence[str], extracted: ExtractedPage) -> None:
    """Add a page to [pages, known formulas, formulas found, of them equal in order]."""
    true = [normalise_formula(tex) for tex in known]
    ours = [normalise_formula(tex) for tex, _, _ in tex_of(extracted)]
    for place, count in enumerate((1, len(true), len(ours), common(true, ours))):
        counts[place] += count


def print_gold(gold: dict[str, list[int]]) -> dict[str, tuple[float, float]]:
    """Print how known TeX comes out; return recall and precision of both collections."""
    rows = [
        (name, n, known, share(same, known), share(same, out)) for name, (n, known, out, same) in sorted(gold.items())
    ]
    totals = {}
    for kind in ("d2l", "example"):
        n, known, out, same = map(sum, zip(*(v for k, v in gold.items() if k.startswith(kind)), strict=True))
        rows.append((f"{kind}: all", n, known, share(same, known), share(same, out)))
        totals[kind] = (same / known, same / out)
    print_table("Known TeX, in order", ("rendered as", "pages", "formulas", "recall", "precision"), rows)
    return totals


def checked(formulas: Iterable[Tex]) -> list[str]:
    """Why our check cannot read some formulas; empty where it can."""
    rows = list(formulas)
    return [error or "" for error in latex_errors([tex for tex, _ in rows], [display for _, display in rows])]


def parsed(folder: Path, formulas: list[Tex]) -> dict[Tex, str]:
    """Why KaTeX cannot read some formulas; empty where it can."""
    command = ["node", "-e", PARSE, str(folder.resolve())]
    result = subprocess.run(command, input=json.dumps(formulas), capture_output=True, text=True, check=True)
    return dict(zip(formulas, json.loads(result.stdout), strict=True))


def problem_formulas(data: Path) -> Iterator[Tex]:
    """The formulas of problems and solutions, as they are delimited in the data."""
    for name in PROBLEMS:
        for row in read_rows(data / f"{name}.jsonl.zst"):
            for match in DELIMITED.finditer(f"{row['question']}\n\n{row.get('solution') or ''}"):
                yield (match[1] or match[2]), match[1] is not None


def print_agreement(both: dict[str, tuple[dict[Tex, str], dict[Tex, str]]]) -> None:
    """Print how often our check and KaTeX agree on distinct formulas."""
    rows = []
    for name, (ours, theirs) in both.items():
        counts = Counter((not ours[tex], not theirs[tex]) for tex in ours)
        good, bad = counts[True, True], counts[False, False]
        only_theirs, only_ours = counts[False, True], counts[True, False]
        shares = (share(good, good + only_theirs), share(bad, bad + only_ours))
        rows.append((name, good, only_theirs, only_ours, bad, *shares))
    header = ("distinct formulas of", "both read", "only KaTeX", "only we", "neither", "of its yes", "of its no")
    print_table("Our check against KaTeX", header, rows)


if __name__ == "__main__":
    main()
