"""Takes clutter out of a page's paragraphs: consent boxes, what is hidden, what stands around posts, idle headings.

It goes by words (`furniture`), by size and by place: a box about cookies is a small part of a page, a heading over
related links has no prose under it, what stands between the bodies of two posts is about their authors. A paragraph
with a formula is never taken.
"""

from collections.abc import Iterator
from itertools import accumulate, takewhile

from mathmill.curation.html.furniture import LONGEST, is_consent, is_furniture
from mathmill.curation.html.labels import begins_call, begins_links, is_label, is_record_field
from mathmill.curation.html.walk import Container, Page, Paragraph

_SMALL_BOX = 1500
_SMALL_SHARE = 0.3
_LONGEST_ABOUT_POST = 200
_LONGEST_CONSENT = 600
_SHORTEST_COMMENT = 80  # in a thread; what is shorter and without a formula is chatter
_FEWEST_FIELDS, _SHARE_OF_FIELDS = 4, 0.8
_LONGEST_NAME = 30
_LONGEST_HIDDEN = 400
_LONGEST_BLURBS = 400
_LINKED_SHARE = 0.25


def drop_furniture(page: Page, keep: list[bool], notable: list[Container]) -> None:
    """Drop what is clutter by its own words or by its box, before the content is looked for.

    notable: the containers of which markup says anything.
    """
    paragraphs = page.paragraphs
    _drop_hidden(page, keep, notable)
    _drop_records(page, keep, notable)
    _cut_tails(page, notable)
    if any(container.nature.body for container in notable):
        _drop_around_posts(page, keep)
    posts = any(container.role == "post" for container in notable)
    lengths: list[int] = []
    for i, paragraph in enumerate(paragraphs):
        if not keep[i] or paragraph.formulas:
            continue
        text = paragraph.text
        size = len(text)
        if size > _LONGEST_CONSENT or paragraph.kind in ("code", "row"):
            continue
        if ("ookie" in text or "privacy" in text) and is_consent(text):
            lengths = lengths or [0, *accumulate(len(p.text) for p in paragraphs)]
            start, end = _consent_box(page, i, lengths)
            keep[start:end] = [False] * (end - start)
        elif size > LONGEST:
            continue
        elif paragraph.kind == "heading":
            if is_label(text) or (posts and _repeats_title(page, i)):
                keep[i] = False
        elif paragraph.links:
            keep[i] = not (is_furniture(text, True) or _is_trail(paragraph))
        elif paragraph.kind != "item":
            keep[i] = not is_furniture(text)
        if not keep[i] and i and _is_name(paragraphs[i - 1]):  # an author in front of a date
            keep[i - 1] = False


def _consent_box(page: Page, i: int, lengths: list[int]) -> tuple[int, int]:
    """The largest box around a paragraph that is a small part of the page and holds no formula."""
    best = (i, i + 1)
    at = page.paragraphs[i].container
    limit = min(_SMALL_BOX, _SMALL_SHARE * lengths[-1])
    while at >= 0:
        container = page.containers[at]
        size = lengths[container.end] - lengths[container.start]
        if size > limit or any(p.formulas for p in page.paragraphs[container.start : container.end]):
            break
        best = (container.start, container.end)
        at = container.parent
    return best


def _drop_hidden(page: Page, keep: list[bool], notable: list[Container]) -> None:
    """Short hidden boxes beside the marked content, without formulas and with no label: overlays, messages."""
    for container in notable:
        if not container.nature.hidden or container.role is not None or _is_inside_content(page, container):
            continue
        inside = page.paragraphs[container.start : container.end]
        if sum(len(p.text) for p in inside) < _LONGEST_HIDDEN and not any(p.formulas for p in inside):
            keep[container.start : container.end] = [False] * len(inside)


def _drop_records(page: Page, keep: list[bool], notable: list[Container]) -> None:
    """Tables about the page itself: title, owner, date of creation, as PlanetMath ends each entry with."""
    for container in notable:
        rows = page.paragraphs[container.start : container.end] if container.role == "table" else []
        if len(rows) < _FEWEST_FIELDS or any(row.formulas or row.kind != "row" for row in rows):
            continue
        names = [row.text.split("|", 2)[1].strip() for row in rows]
        if sum(map(is_record_field, names)) >= _SHARE_OF_FIELDS * len(rows):
            keep[container.start : container.end] = [False] * len(rows)


def _is_inside_content(page: Page, container: Container) -> bool:
    at = container.parent
    while at >= 0:
        outer = page.containers[at]
        if outer.tag in ("main", "article") or outer.nature.main:
            return True
        at = outer.parent
    return False


def _cut_tails(page: Page, notable: list[Container]) -> None:
    """Cut the arrow behind a footnote, the mark behind a heading, the dash in front of a name that was passed over."""
    for paragraph in page.paragraphs:
        if paragraph.links and paragraph.text[-1] in "↩¶#§\ufe0e":
            marks = "↩¶#§\ufe0e" if paragraph.kind == "heading" else "↩\ufe0e"
            if paragraph.text[-1] in marks:
                paragraph.text = paragraph.text.rstrip(marks + " ") or paragraph.text
    for container in notable:
        if container.nature.comments:
            for paragraph in page.paragraphs[container.start : container.end]:
                paragraph.text = paragraph.text.removesuffix(" –")


def _drop_around_posts(page: Page, keep: list[bool]) -> None:
    """Around the bodies of posts stand authors, dates, votes and signatures."""
    bodies = _bodies(page)
    if len(bodies) < 2:
        return
    containers = page.containers
    first, last = _post_of(page, bodies[0], bodies[1]), _post_of(page, bodies[-1], bodies[-2])
    end = first.start
    if not any(p.kind == "heading" for p in page.paragraphs[:end]):  # its title stands in the post
        while end < containers[bodies[0]].start and not _may_be_title(page.paragraphs[end]):
            keep[end] = False
            end += 1
        end += 1
    for number in bodies:
        _drop_about_author(page, keep, end, containers[number].start)
        end = containers[number].end
    _drop_about_author(page, keep, end, last.end)


def _drop_about_author(page: Page, keep: list[bool], start: int, end: int) -> None:
    for i in range(start, end):
        paragraph = page.paragraphs[i]
        if len(paragraph.text) >= _SHORTEST_COMMENT and _is_comment(page, paragraph):
            continue
        title = paragraph.prefix == "# " or (paragraph.links > 25 and paragraph.kind == "text")
        if not paragraph.formulas and not title and len(paragraph.text) < _LONGEST_ABOUT_POST:
            keep[i] = False


def _may_be_title(paragraph: Paragraph) -> bool:
    text = paragraph.text
    return len(text) > 11 and (paragraph.kind == "heading" or paragraph.links > 0.5 * len(text))


def _is_comment(page: Page, paragraph: Paragraph) -> bool:
    at = paragraph.container
    while at >= 0:
        if page.containers[at].nature.comments:
            return True
        at = page.containers[at].parent
    return False


def _bodies(page: Page) -> list[int]:
    """The outermost bodies of posts."""
    bodies: list[int] = []
    end = 0
    for number, container in enumerate(page.containers):
        if container.nature.body and container.end > container.start >= end:
            bodies.append(number)
            end = container.end
    return bodies


def _post_of(page: Page, body: int, other: int) -> Container:
    """The box around a body that stands beside another body's."""
    containers = page.containers
    at = body
    while containers[at].parent >= 0:
        outer = containers[containers[at].parent]
        if outer.start <= containers[other].start and containers[other].end <= outer.end:
            break
        at = containers[at].parent
    return containers[at]


def _is_name(paragraph: Paragraph) -> bool:
    text = paragraph.text
    return (
        paragraph.kind == "text"
        and len(text) <= _LONGEST_NAME
        and 0 < len(text) <= paragraph.links
        and text[-1] not in "!?？"
    )


def _is_trail(paragraph: Paragraph) -> bool:
    """Whether a paragraph is the path to the page, or a row of links: "Home > Algebra > Groups"."""
    text = paragraph.text
    if paragraph.kind != "text" or paragraph.links <= 0.3 * len(text) or text[-1] in "。．.！？!?；;":
        return False
    for mark in ">|/" if text.isascii() else "»›>→|·•/":
        parts = text.count(mark) + 1
        if 1 < parts <= paragraph.n_links + 1:
            linked = (mark == "|" and paragraph.n_links > 1) or (mark == ">" and paragraph.links > 0.7 * len(text))
            return parts > 2 or mark in "»›" or linked
    return False


def _repeats_title(page: Page, i: int) -> bool:
    """Whether a heading says again what a heading of the page said: forums give each post a title."""
    text = page.paragraphs[i].text
    if len(text) < 4 or page.paragraphs[i].prefix == "# ":
        return False
    first = next((p for p in page.paragraphs[:i] if p.kind == "heading"), None)
    return first is not None and first.text == text and len(first.prefix) < len(page.paragraphs[i].prefix)


def drop_headings(page: Page, keep: list[bool]) -> None:
    """Drop headings over related links with their blurbs, headings whose text was dropped, links ahead of the title."""
    paragraphs = page.paragraphs
    headings = [i for i, paragraph in enumerate(paragraphs) if paragraph.kind == "heading"]
    for i, end in _sections(page, keep, headings):
        heading = paragraphs[i]
        if heading.prefix == "# ":
            continue
        if end > i + 1 and True not in keep[i + 1 : end]:
            keep[i:end] = [False] * (end - i)
            continue
        call = begins_call(heading.text)
        if not call and not begins_links(heading.text):
            continue
        end = _end_of_box(page, i, end)
        under = [paragraphs[j] for j in range(i + 1, end) if keep[j]]
        if call:
            keep[i] = False
            idle = _are_blurbs(_until_heading(under), 0.0)
            end = i + 1 + len(_until_heading(paragraphs[i + 1 : end]))
        else:
            idle = _are_blurbs(under, _LINKED_SHARE)
        if idle:
            keep[i:end] = [False] * (end - i)
    _drop_link_titles(page, keep, headings)


def _until_heading(paragraphs: list[Paragraph]) -> list[Paragraph]:
    return list(takewhile(lambda paragraph: paragraph.kind != "heading", paragraphs))


def _are_blurbs(paragraphs: list[Paragraph], linked: float) -> bool:
    """Whether paragraphs are short texts, with at least a share of them in links."""
    links, size = sum(p.links for p in paragraphs), sum(len(p.text) for p in paragraphs)
    if links < linked * size or size - links >= _LONGEST_BLURBS:
        return False
    return not any(p.formulas or p.kind == "code" for p in paragraphs)


def _sections(page: Page, keep: list[bool], headings: list[int]) -> Iterator[tuple[int, int]]:
    """Kept headings, last first, each with the end of what stands under it."""
    ends: list[tuple[int, int]] = []  # (level, index) of the headings behind, nearest last
    for i in reversed(headings):
        level = len(page.paragraphs[i].prefix)
        end = len(keep)
        for other, at in reversed(ends):
            if other <= level:
                end = at
                break
        ends = [(other, at) for other, at in ends if other < level] + [(level, i)]
        if keep[i]:
            yield i, end


def _end_of_box(page: Page, i: int, end: int) -> int:
    """A heading that begins its box speaks for no more than the box, where that holds something else."""
    at = page.paragraphs[i].container
    while at >= 0:
        container = page.containers[at]
        if container.start < i:
            break
        if container.end > i + 1:
            return min(end, container.end)
        at = container.parent
    return end


def _drop_link_titles(page: Page, keep: list[bool], headings: list[int]) -> None:
    """Drop what stands in front of the first heading and is nothing but a link: the site's name, the way home."""
    paragraphs = page.paragraphs
    tops = [i for i in headings if keep[i]]
    if not tops:
        return
    level = min(len(paragraphs[i].prefix) for i in tops)
    titles = [i for i in tops if len(paragraphs[i].prefix) == level]
    for i in range(len(keep)):
        if not keep[i]:
            continue
        paragraph = paragraphs[i]
        if i >= titles[-1] or paragraph.formulas or paragraph.links < 0.9 * len(paragraph.text):
            return
        if paragraph.kind == "text" or (i in titles and len(titles) > 1):
            keep[i] = False
