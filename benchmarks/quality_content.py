"""Main content: are the words of the source in the text, and no others? Compared with resiliparse and trafilatura.

    python benchmarks/quality_content.py [DATA]

The truth is the Markdown that the d2l pages were rendered from. Compared are words of three and more ASCII letters as
multisets, formulas and code left out on both sides, so that an extractor that mangles formulas is not punished here.
resiliparse and trafilatura are compared where they are installed.
"""

import re
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec

from shared_pages import arguments, pages, print_table, read_rows, share

from mathmill.curation.extract import extract_html

_CODE = re.compile(r"^\s*```.*?^\s*```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_DIRECTIVE = re.compile(r":[a-z_]+:`[^`]*`|^:[a-z_]+:.*$|^#@.*$", re.MULTILINE)
_LINK = re.compile(r"\]\([^)]*\)|<[^>]*>|https?://\S+")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{3,}")


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    sources = {
        row["record_id"]: words(row["markdown"]) for row in read_rows(options.data / "web/rendered_sources.jsonl.zst")
    }
    tried = [page for page in pages(options.data, "math_pages") if page.label["record_id"] in sources]
    rows = []
    for name, extract in extractors().items():
        true = out = right = 0
        recalls = []
        extract(tried[0].html)
        started = time.perf_counter()
        texts = [extract(page.html) for page in tried]
        seconds = time.perf_counter() - started
        for page, text in zip(tried, texts, strict=True):
            known, found = sources[page.label["record_id"]], words(text)
            same = (known & found).total()
            true, out, right = true + known.total(), out + found.total(), right + same
            recalls.append(same / known.total())
        rows.append(
            (name, share(right, out), share(right, true), f"{min(recalls):.3f}", f"{1000 * seconds / len(tried):.1f}")
        )
    header = ("extractor", "precision", "recall", "lowest recall of a page", "ms a page")
    print_table(f"{len(tried)} renderings of d2l, words outside formulas and code", header, rows)


def extractors() -> dict[str, Callable[[bytes], str]]:
    """Ours, and those of the others that are installed."""
    found: dict[str, Callable[[bytes], str]] = {"mathmill": lambda html: extract_html(html).text}
    if find_spec("resiliparse"):
        from resiliparse.extract.html2text import extract_plain_text
        from resiliparse.parse.html import HTMLTree

        found["resiliparse, main content"] = lambda html: extract_plain_text(
            HTMLTree.parse_from_bytes(html, "utf-8"), main_content=True
        )
    if find_spec("trafilatura"):
        import trafilatura

        found["trafilatura"] = lambda html: trafilatura.extract(html) or ""
        found["trafilatura, favour recall"] = lambda html: trafilatura.extract(html, favor_recall=True) or ""
    return found


def words(text: str) -> Counter[str]:
    """Words outside formulas, code, link targets and the directives of d2l's Markdown."""
    for pattern in (_DIRECTIVE, _CODE, _FORMULA, _LINK):
        text = pattern.sub(" ", text)
    return Counter(word.lower() for word in _WORD.findall(text))


if __name__ == "__main__":
    main()
