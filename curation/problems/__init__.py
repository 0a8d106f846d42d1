"""Problems with their solutions and answers, found in pages and texts: by markup, by labels, by answer keys."""

from mathmill.curation.extract import extract_html
from mathmill.curation.problems.from_blocks import Block, extract_problems
from mathmill.curation.problems.from_text import from_text
from mathmill.curation.problems.problem import Formula, Problem
from mathmill.curation.problems.steps import segment_steps

__all__ = ["Block", "Formula", "Problem", "extract_problems", "from_html", "from_text", "segment_steps"]


def from_html(html: bytes, url: str | None = None) -> list[Problem]:
    """Find the problems of a page as crawled, in order.

    url: tells the extractor about the site where it is known.
    """
    page = extract_html(html, url)
    formulas = [Formula(f.start, f.end, f.display, f.encoding) for f in page.formulas]
    blocks = [Block(block.start, block.end, block.role) for block in page.blocks]
    return extract_problems(page.text, formulas, blocks)
