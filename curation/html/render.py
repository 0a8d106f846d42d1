"""Joins the chosen paragraphs to the text of a page, and says where its formulas and blocks are."""

from itertools import compress
from typing import NamedTuple

from mathmill.curation.html.compose import Formula
from mathmill.curation.html.walk import Container, Page

_TIGHT = frozenset({"item", "row"})  # those that follow their like without a blank line
_KIND_ROLES = {"heading": "heading", "code": "code"}
_POSTS = ("question", "reply", "accepted_reply")


class Block(NamedTuple):
    """A part of a text whose role the page's markup gives away."""

    start: int
    end: int
    role: str


def render(page: Page, keep: list[bool]) -> tuple[str, list[Formula], list[Block]]:
    """Return the text, the formulas' spans in it, and the blocks in the order of their starts, outer before inner."""
    pieces: list[str] = []
    formulas: list[Formula] = []
    roles: list[Block] = []
    bounds: list[tuple[int, int]] = []  # of each paragraph in the text, where it is kept
    length = 0
    last = ""
    nowhere = (0, 0)
    new = tuple.__new__  # of a NamedTuple: half of the time of its own
    for paragraph, kept in zip(page.paragraphs, keep):
        if not kept:
            bounds.append(nowhere)
            continue
        kind, prefix, text = paragraph.kind, paragraph.prefix, paragraph.text
        separator = "" if not pieces else "\n" if last == kind and kind in _TIGHT else "\n\n"
        pieces += (separator, prefix, text)
        start = length + len(separator)
        shift = start + len(prefix)
        length = shift + len(text)
        bounds.append((start, length))
        if paragraph.formulas:
            formulas += [
                new(Formula, (begin + shift, end + shift, display, encoding))
                for begin, end, display, encoding in paragraph.formulas
            ]
        if kind in _KIND_ROLES:
            roles.append(Block(start, length, _KIND_ROLES[kind]))
        last = kind
    roles += _container_roles(page, keep, bounds)
    roles.sort(key=lambda role: (role.start, -role.end))
    return "".join(pieces), formulas, roles


def _container_roles(page: Page, keep: list[bool], bounds: list[tuple[int, int]]) -> list[Block]:
    found: list[Block] = []
    names = _resolved_posts(page.containers)
    kept = bytes(keep)
    for number, role in enumerate(names):
        if role is None:
            continue
        container = page.containers[number]
        end = container.end
        first = kept.find(1, container.start, end)
        if first == -1:
            continue
        if role == "example" and all(p.kind == "code" for p in compress(page.paragraphs[first:end], keep[first:end])):
            continue  # of a program
        if role in _POSTS:
            end = min(end, _end_of_post(page.containers, names, number))
        last = kept.rfind(1, first, end)
        if last != -1:
            found.append(Block(bounds[first][0], bounds[last][1], role))
    return list(dict.fromkeys(found))


def _end_of_post(containers: list[Container], names: list[str | None], post: int) -> int:
    """The paragraph at which a post ends: its comments, or the replies that schema.org's Question contains."""
    end = containers[post].end
    for number in range(post + 1, len(containers)):
        inner = containers[number]
        if inner.start >= end:
            break
        reply = names[post] == "question" and names[number] in ("reply", "accepted_reply")
        if reply or inner.nature.comments:
            return inner.start
    return end


def _resolved_posts(containers: list[Container]) -> list[str | None]:
    """The roles of the containers: of a thread's posts the first is the question, if there are replies at all."""
    roles: list[str | None] = [container.role for container in containers]
    if "post" not in roles and "question" not in roles:
        return roles
    posts = [i for i, role in enumerate(roles) if role == "post"]
    outer: list[int] = []
    for i in posts:
        at = containers[i].parent
        while at >= 0 and roles[at] != "post":
            at = containers[at].parent
        if at < 0 and containers[i].end > containers[i].start:
            outer.append(i)
    for i in posts:
        roles[i] = None
    if len(outer) > 1:
        for number, i in enumerate(outer):
            roles[i] = "reply" if number else "question"
    seen_question = [i for i, role in enumerate(roles) if role == "question"]
    for i in seen_question:  # of nested question markup the innermost counts
        at = containers[i].parent
        while at >= 0:
            if roles[at] == "question":
                roles[at] = None
            at = containers[at].parent
    return roles
