"""Main content: are the words of the source in the text, and no others? Compared with resiliparse and trafilatura.

    python benchmarks/quality_content.py [DATA]

The truth is the Markdown that the d2l pages were rendered from; compared are words of three and more ASCII letters as
multisets. Recall: the source's words outside formulas and code that are in the text. Precision: the text's words, those
of formulas and code included, that are in the source, so that nobody is punished for how formulas and code are marked.
resiliparse and trafilatura are compared where they are installed.
"""

import re
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from statistics import mean

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
    sources = {row["record_id"]: row["markdown"] for row in read_rows(options.data / "web/rendered_sources.jsonl.zst")}
    tried = [page for page in pages(options.data, "math_pages") if page.label["record_id"] in sources]
    rows = []
    for name, extract in extractors().items():
        out = right = 0
        recalls = []
        extract(tried[0].html)
        started = time.perf_counter()
        texts = [extract(page.html) for page in tried]
        seconds = time.perf_counter() - started
        for page, text in zip(tried, texts, strict=True):
            source, found = sources[page.label["record_id"]], words(text)
            prose = words(without_formulas_and_code(source))
            recalls.append((prose & found).total() / prose.total())
            right, out = right + (words(source) & found).total(), out + found.total()
        milliseconds = f"{1000 * seconds / len(tried):.1f}"
        rows.append((name, share(right, out), f"{mean(recalls):.3f}", f"{min(recalls):.3f}", milliseconds))
    header = ("extractor", "precision", "mean recall", "lowest recall", "ms a page")
    print_table(f"{len(tried)} renderings of d2l", header, rows)


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
    """The words of a text, lower-cased."""
    return Counter(word.lower() for word in _WORD.findall(text))


def without_formulas_and_code(markdown: str) -> str:
    """A Markdown text without formulas, code, link targets and d2l's directives."""
    for pattern in (_DIRECTIVE, _CODE, _FORMULA, _LINK):
        markdown = pattern.sub(" ", markdown)
    return markdown


if __name__ == "__main__":
    main()
