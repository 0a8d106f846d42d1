"""Main content: are the words of the source in the text, and no others? Compared with resiliparse and trafilatura.

    python benchmarks/quality_content.py [DATA]

Two sets with known bodies: the d2l pages with the Markdown that they were rendered from, and the pages of the example
crawl, non-math ones included, with the body that their generator knows. Compared are words of three and more letters
(each Chinese or Japanese character is one) as multisets. Recall: the source's words outside formulas and code that are
in the text. Precision: the text's words, those of formulas and code included, that are in the source, so that nobody
is punished for how formulas and code are marked. resiliparse and trafilatura are compared where they are installed.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from shared_pages import arguments, pages, print_table, read_rows

from mathmill.curation.extract import extract_html

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

import build_crawl
from crawl import assemble
from crawl.sites import render

_CODE = re.compile(r"^\s*```.*?^\s*```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_DIRECTIVE = re.compile(r":[a-z_]+:`[^`]*`|^:[a-z_]+:.*$|^#@.*$", re.MULTILINE)
_LINK = re.compile(r"\]\([^)]*\)|<[^>]*>|https?://\S+")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]{3,}")


class Sample(NamedTuple):
    """A page, its body, and the body's prose: without formulas, code and link targets."""

    html: bytes
    body: str
    prose: str


def main() -> None:
    """Print a table for each set and language."""
    options = arguments(__doc__)
    for title, samples in {**rendered(options.data), **example_crawl()}.items():
        rows = [(name, *measure(samples, extract)) for name, extract in extractors().items()]
        header = ("extractor", "precision", "lowest", "recall", "lowest", "ms a page")
        print_table(f"{title}: {len(samples)} pages", header, rows)


def measure(samples: Sequence[Sample], extract: Callable[[bytes], str]) -> tuple[str, ...]:
    """Mean and lowest precision, mean and lowest recall, milliseconds of CPU a page."""
    precisions, recalls = [], []
    extract(samples[0].html)
    started = time.process_time()
    texts = [extract(sample.html) for sample in samples]
    seconds = time.process_time() - started
    for sample, text in zip(samples, texts, strict=True):
        found, prose = words(text), words(sample.prose)
        precisions.append((words(sample.body) & found).total() / max(1, found.total()))
        recalls.append((prose & found).total() / max(1, prose.total()))
    figures = (mean(precisions), min(precisions), mean(recalls), min(recalls))
    return (*(f"{figure:.3f}" for figure in figures), f"{1000 * seconds / len(samples):.1f}")


def rendered(data: Path) -> dict[str, list[Sample]]:
    """The renderings of d2l with their Markdown."""
    sources = {row["record_id"]: row["markdown"] for row in read_rows(data / "web/rendered_sources.jsonl.zst")}
    known = [(page.html, sources.get(page.label["record_id"])) for page in pages(data, "math_pages")]
    samples = [Sample(html, body, without_formulas_and_code(body)) for html, body in known if body is not None]
    return {"Renderings of d2l": samples}


def example_crawl() -> dict[str, list[Sample]]:
    """The pages of the example crawl that say something, by language."""
    found: dict[str, list[Sample]] = {"English": [], "Chinese": [], "other languages": []}
    for page in assemble.pages(build_crawl.SEED, build_crawl.COUNTS)[0]:
        if words(page.body):
            language = {"en": "English", "zh": "Chinese"}.get(page.lang, "other languages")
            found[language].append(Sample(render(page).encode(), page.body, _FORMULA.sub(" ", page.body)))
    return {f"Example crawl, {language}": samples for language, samples in found.items()}


def extractors() -> dict[str, Callable[[bytes], str]]:
    """Ours, and those of the others that are installed."""
    found: dict[str, Callable[[bytes], str]] = {"mathmill": lambda html: extract_html(html).text}
    if find_spec("resiliparse"):
        from resiliparse.extract.html2text import extract_plain_text
        from resiliparse.parse.html import HTMLTree

        found["resiliparse 2, main content"] = lambda html: extract_plain_text(
            HTMLTree.parse_from_bytes(html, "utf-8"), main_content=True
        )
    if find_spec("trafilatura"):
        from trafilatura import extract

        found["trafilatura"] = lambda html: extract(html) or ""
        found["trafilatura, favour precision"] = lambda html: extract(html, favor_precision=True) or ""
        found["trafilatura, favour recall"] = lambda html: extract(html, favor_recall=True) or ""
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
