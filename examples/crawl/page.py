r"""The pages' content before HTML: a small markup, its blocks, and the ground truth read off them.

Content modules write text with `$…$` and `$$…$$` formulas (a dollar sign of money is `\$`), blocks apart by blank
lines: `# title`, `## heading`, `- item`, `1. item`, `| table | row |`, `> quote`, ``` code, `:::theorem Name` … `:::`.
Encodings and site templates turn the blocks into HTML; `body` and `formulas` say what an extractor should find.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sites import Site


@dataclass(frozen=True)
class Formula:
    """A formula as its author wrote it, without delimiters."""

    latex: str
    display: bool = False

    def __str__(self) -> str:
        fence = "$$" if self.display else "$"
        return f"{fence}{self.latex}{fence}"


Inline = str | Formula


@dataclass(frozen=True)
class Block:
    r"""A block of a page.

    kind: h1, h2, h3, p, ul, ol, table, quote, code, box. lines: one list of inlines for each item, table cell row
    (cells apart by "\t") or, for the others, just one. name: a box's kind (theorem, proof…); title: its title.
    """

    kind: str
    lines: tuple[tuple[Inline, ...], ...] = ()
    name: str = ""
    title: tuple[Inline, ...] = ()
    children: tuple["Block", ...] = ()


@dataclass(frozen=True)
class Problem:
    """A problem in the markup of this module; one step is one line of reasoning in the solution."""

    question: str
    steps: tuple[str, ...]
    answer: str
    school_stage: str
    lang: str
    topic: str = ""
    choices: tuple[str, ...] = ()

    @property
    def truth(self) -> dict[str, object]:
        """The problem as `truth.jsonl` states it."""
        return {
            "question": plain("\n".join((self.question, *self.choices))),
            "solution": plain("\n".join(self.steps)),
            "answer": plain(self.answer),
            "n_steps": len(self.steps),
            "school_stage": self.school_stage,
            "lang": self.lang,
        }


@dataclass(frozen=True)
class Page:
    """A page of the crawl: what it says, on which site, and what should become of it."""

    url: str
    family: str
    lang: str
    blocks: tuple[Block, ...]
    html: str = ""
    encoding: str | None = None
    math: bool = True
    problems: tuple[Problem, ...] = ()
    stage: str | None = None
    reason: str | None = None
    dup_of: str | None = None
    contaminated_by: str | None = None
    home: "Site | None" = None  # its site, from which its HTML is rendered where `html` is empty
    related: tuple[str, ...] = ()  # titles that the site links beside it

    @property
    def site(self) -> str:
        """The URL's host."""
        return self.url.split("/")[2]

    @property
    def formulas(self) -> list[Formula]:
        """All formulas in reading order."""
        return [item for item in _inlines(self.blocks) if isinstance(item, Formula)]

    @property
    def body(self) -> str:
        """The main text: paragraphs apart by blank lines, formulas between `$` or `$$`, table cells by ` | `."""
        return "\n\n".join(_texts(self.blocks))

    def dropped(self, stage: str, reason: str) -> "Page":
        """The page with the expectation that `stage` drops it."""
        return replace(self, stage=stage, reason=reason)


def plain(source: str) -> str:
    """Markup as the truth shows it: no emphasis, no escapes."""
    return "".join(map(str, parse_inlines(source)))


_INLINE = re.compile(r"\$\$(.+?)\$\$|(?<!\\)\$(.+?)(?<!\\)\$", re.DOTALL)


def parse_inlines(source: str) -> tuple[Inline, ...]:
    r"""Split a paragraph into text and formulas; `\$` becomes a plain dollar sign."""
    parts: list[Inline] = []
    at = 0
    for match in _INLINE.finditer(source):
        if match.start() > at:
            parts.append(source[at : match.start()].replace("\\$", "$"))
        parts.append(Formula(match[1].strip(), True) if match[1] is not None else Formula(match[2]))
        at = match.end()
    if at < len(source):
        parts.append(source[at:].replace("\\$", "$"))
    return tuple(parts)


def parse_blocks(source: str) -> tuple[Block, ...]:
    """Parse the markup that the module's docstring describes."""
    lines = iter([*source.strip("\n").split("\n"), ""])
    return tuple(_blocks(lines, end=None))


def _blocks(lines: Iterator[str], end: str | None) -> Iterator[Block]:
    gathered: list[str] = []
    for line in lines:
        if line.startswith(":::") and line != end:
            yield from _leaf(gathered)
            name, _, title = line[3:].partition(" ")
            yield Block("box", name=name, title=parse_inlines(title), children=tuple(_blocks(lines, end=":::")))
        elif line.startswith("```"):
            yield from _leaf(gathered)
            code = "\n".join(iter(lines.__next__, "```"))
            yield Block("code", ((code,),), name=line[3:])
        elif line == end or not line.strip():
            yield from _leaf(gathered)
            if line == end and end is not None:
                return
        else:
            gathered.append(line)
    yield from _leaf(gathered)


def _leaf(gathered: list[str]) -> Iterator[Block]:
    if not gathered:
        return
    lines, first = list(gathered), gathered[0]
    gathered.clear()
    heading = re.match(r"#+ ", first)
    if heading:
        yield Block(f"h{len(heading[0]) - 1}", (parse_inlines(first[heading.end() :]),))
        yield from _leaf(lines[1:])
    elif first.startswith("- "):
        yield Block("ul", tuple(parse_inlines(line[2:]) for line in lines))
    elif re.match(r"\d+\. ", first):
        yield Block("ol", tuple(parse_inlines(line.split(". ", 1)[1]) for line in lines))
    elif first.startswith("| "):
        yield Block("table", tuple(parse_inlines(line.strip("| ").replace(" | ", "\t")) for line in lines))
    elif first.startswith("> "):
        yield Block("quote", (parse_inlines(" ".join(line[2:] for line in lines)),))
    else:
        yield Block("p", (parse_inlines("\n".join(lines)),))


def _inlines(blocks: Iterable[Block]) -> Iterator[Inline]:
    for block in blocks:
        yield from block.title
        for line in block.lines:
            yield from line
        yield from _inlines(block.children)


_EMPHASIS = re.compile(r"\*\*(.+?)\*\*|\[([^\]]+)\]\((/[^)]*)\)|`([^`]+)`")


def _texts(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if block.title:
            yield _text(block.title)
        if block.kind == "table":
            yield "\n".join(_text(line).replace("\t", " | ") for line in block.lines)
        elif block.kind in ("ul", "ol"):
            yield "\n".join(map(_text, block.lines))
        else:
            yield from map(_text, block.lines)
        yield from _texts(block.children)


def _text(inlines: Iterable[Inline]) -> str:
    def unmark(match: re.Match[str]) -> str:
        return match[1] or match[2] or match[4]

    return "".join(_EMPHASIS.sub(unmark, item) if isinstance(item, str) else str(item) for item in inlines).strip()


_LABELS = {
    "definition": ("Definition", "定义"),
    "theorem": ("Theorem", "定理"),
    "lemma": ("Lemma", "引理"),
    "corollary": ("Corollary", "推论"),
    "proposition": ("Proposition", "命题"),
    "example": ("Example", "例"),
    "remark": ("Remark", "注"),
    "proof": ("Proof", "证明"),
}


def label_boxes(blocks: Iterable[Block], lang: str) -> tuple[Block, ...]:
    """Give theorems and their like a running number in their title: "Theorem 2 (Euclid)."."""
    numbered: list[Block] = []
    for block in blocks:
        if block.kind != "box":
            numbered.append(block)
            continue
        label = _LABELS[block.name][lang != "en"]
        if block.name != "proof":
            label += f"{' ' if lang == 'en' else ''}{sum(b.kind == 'box' and b.name != 'proof' for b in numbered) + 1}"
        brackets, stop = (" ({})", ".") if lang == "en" else ("（{}）", "")
        name = "".join(map(str, block.title))
        numbered.append(replace(block, title=(label + (brackets.format(name) if name else "") + stop,)))
    return tuple(numbered)
