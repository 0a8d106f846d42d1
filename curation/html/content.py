"""Chooses the main content of a page: which of the walk's paragraphs make the text.

Chrome that markup names goes first. What the page marks as its content (main, article, known ids) is taken if it holds
a substantial part of the text; otherwise the smallest element that holds nearly all text outside of links. Within it,
lists and boxes that are mostly links go, unless that leaves too little: an index page is its links. Lengths count
CJK characters double, so that Chinese pages with short paragraphs are measured like English ones.
"""

import re
from collections.abc import Iterable
from itertools import accumulate, compress

from mathmill.curation.html.clutter import drop_furniture, drop_headings
from mathmill.curation.html.labels import begins_references
from mathmill.curation.html.roles import PLAIN
from mathmill.curation.html.walk import Container, Page

_SUBSTANTIAL = 0.3
_NEARLY_ALL = 0.8
_NEARLY_ALL_FORMULAS = 0.9
_SHORT_PAGE = 500
_LINK_DENSITY = 0.6
_LEAST_KEPT = 0.25
_PRUNED = frozenset(
    {"ul", "ol", "div", "section", "table", "dl", "p", "header", "aside", "form", "article", "td", "li"}
)
_ROOTS = frozenset({"body", "div", "section", "article", "main", "center", "form", "td"})
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def main_content(page: Page) -> list[bool]:
    """Say for each paragraph whether it belongs to the main content."""
    paragraphs = page.paragraphs
    keep = [paragraph.kind != "toggle" for paragraph in paragraphs]
    notable = [c for c in page.containers if c.nature is not PLAIN or c.role is not None]
    _drop(keep, [container for container in notable if container.nature.chrome])
    if True not in keep:
        return keep
    drop_furniture(page, keep, notable)
    sizes = [
        (len(text) if (text := paragraph.text).isascii() else _size(text)) if kept else 0
        for paragraph, kept in zip(paragraphs, keep)
    ]
    prose = [
        int(size * (1 - paragraph.links / max(1, len(paragraph.text)))) if paragraph.links else size
        for size, paragraph in zip(sizes, paragraphs)
    ]
    text_sums, prose_sums = [0, *accumulate(sizes)], [0, *accumulate(prose)]
    formulas = [0, *accumulate([len(p.formulas) if kept else 0 for p, kept in zip(paragraphs, keep)])]
    root = _marked_root(page, prose_sums, formulas) or _dense_root(page, prose_sums, formulas)
    before = keep
    if root is not None:
        keep = [False] * root.start + keep[root.start : root.end] + [False] * (len(keep) - root.end)
        for container in notable:
            if container.nature.comments and container.start >= root.end:
                keep[container.start : container.end] = before[container.start : container.end]
    pruned = keep.copy()
    _drop(pruned, _link_boxes(page, root, text_sums, prose_sums))
    for i, paragraph in enumerate(paragraphs):
        if paragraph.n_links > 1 and paragraph.kind == "text" and not paragraph.formulas:
            limit = (0.85, 0.7, 0.55)[min(paragraph.n_links, 4) - 2]
            if paragraph.links >= limit * len(paragraph.text) and not _under_references(page, i):
                pruned[i] = False
    left = sum(compress(prose, pruned))
    size = sum(compress(sizes, keep))
    chosen = pruned if (left >= _LEAST_KEPT * size and left >= 100) or left >= 0.5 * size else keep
    _keep_title(page, chosen, before)
    drop_headings(page, chosen)
    return chosen


def _keep_title(page: Page, chosen: list[bool], before: list[bool]) -> None:
    """Take the top heading in that stands in front of the content, where the content has none."""
    first = chosen.index(True) if True in chosen else 0
    paragraphs = page.paragraphs
    ahead = next((i for i in range(first - 1, -1, -1) if before[i] and paragraphs[i].prefix == "# "), None)
    if ahead is not None and not any(p.prefix == "# " for p in compress(paragraphs, chosen)):
        chosen[ahead] = True


def _drop(keep: list[bool], containers: Iterable[Container]) -> None:
    for container in containers:
        keep[container.start : container.end] = [False] * (container.end - container.start)


def _size(text: str) -> int:
    return len(text) + len(_CJK.findall(text))


def _holds_formulas(container: Container, formulas: list[int]) -> bool:
    """Whether nearly all formulas of the page stand in an element: content without its formulas is not the content."""
    return formulas[container.end] - formulas[container.start] >= _NEARLY_ALL_FORMULAS * formulas[-1]


def _marked_root(page: Page, prose: list[int], formulas: list[int]) -> Container | None:
    """The element that the page marks as its content, if it is substantial; the tightest of several."""
    total = prose[-1]
    marked = [c for c in page.containers if (c.nature.main or c.tag in ("main", "article")) and not c.nature.chrome]
    best: Container | None = None
    for container in marked:
        size = prose[container.end] - prose[container.start]
        if (
            size < _SUBSTANTIAL * total
            or (size < 100 and size < 0.6 * total)
            or not _holds_formulas(container, formulas)
        ):
            continue
        if best is None or size >= 0.85 * (prose[best.end] - prose[best.start]):
            best = container
    if best is None or best.tag != "article":
        return best
    articles = [c for c in marked if c.tag == "article" and c.parent == best.parent]
    if len(articles) > 1:  # posts of a thread or of a front page
        return Container("articles", best.parent, best.nature, None, articles[0].start, articles[-1].end)
    return best


def _dense_root(page: Page, prose: list[int], formulas: list[int]) -> Container | None:
    """The smallest element that holds nearly all text outside of links."""
    best: Container | None = None
    if prose[-1] < _SHORT_PAGE:
        return None
    for container in page.containers:  # in document order: an element comes before what is in it
        if best is not None and not (best.start <= container.start and container.end <= best.end):
            continue
        if container.tag not in _ROOTS or not _holds_formulas(container, formulas):
            continue
        if prose[container.end] - prose[container.start] >= _NEARLY_ALL * prose[-1]:
            best = container
    return best


def _link_boxes(page: Page, root: Container | None, text: list[int], prose: list[int]) -> Iterable[Container]:
    """Elements that are mostly links, references apart."""
    if text[-1] == prose[-1]:  # no links
        return
    for container in page.containers:
        size = text[container.end] - text[container.start]
        outside = prose[container.end] - prose[container.start]
        if size == outside or container.tag not in _PRUNED or container.role is not None:
            continue
        if root is not None and not (root.start <= container.start and container.end <= root.end):
            continue
        paragraphs = container.end - container.start
        mostly_links = (
            size and outside < (1 - _LINK_DENSITY) * size and (paragraphs > 2 or container.tag in ("ul", "ol"))
        )
        if (
            mostly_links
            and not any(p.formulas for p in page.paragraphs[container.start : container.end])
            and not _under_references(page, container.start)
        ):
            yield container


def _under_references(page: Page, start: int) -> bool:
    """Whether a heading shortly in front of links says that they are content."""
    for paragraph in reversed(page.paragraphs[max(0, start - 3) : start + 1]):
        if paragraph.kind == "heading":
            return begins_references(paragraph.text)
    return False
