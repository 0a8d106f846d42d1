"""One pre-order walk over a page's DOM, which turns it into paragraphs in a tree of containers.

The walk is iterative (nesting costs no stack), asks no selector per node, dispatches on the tag by a dictionary and
skips what cannot hold text. Nothing is decided here about which part of the page is its content: chrome is marked,
links are counted, and `content` chooses.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mathmill.curation.html.compose import Formula, compose
from mathmill.curation.html.formulas import Source
from mathmill.curation.html.roles import Nature, label_role
from mathmill.curation.html.scan import Scanner
from mathmill.curation.html.source import has_stray_names, looks_like_formula

SKIP = "skip"
_USUAL = frozenset(
    ["class", "id", "href", "title", "name", "style", "target", "rel", "lang", "dir", "align"]
)  # attributes: no formula's words
Closer = Callable[["Walker"], None]
Opener = Callable[["Walker", Any], "Closer | str | None"]


class Misread(Exception):
    """The parser took a formula for a tag, or does not know a prefix: the source must be repaired and parsed again."""


@dataclass(slots=True)
class Paragraph:
    """A run of text between block boundaries. kind: "text", "heading", "item", "code" or "row"."""

    kind: str
    text: str
    formulas: list[Formula]
    prefix: str
    container: int
    links: int  # characters inside of links
    n_links: int = 0


@dataclass(slots=True)
class Container:
    """A block element that holds paragraphs `start` to `end` (exclusive)."""

    tag: str
    parent: int
    nature: Nature
    role: str | None
    start: int
    end: int = 0


@dataclass(slots=True)
class Page:
    """What a walk found."""

    paragraphs: list[Paragraph] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)


class Walker:
    """The state of a walk; `mathmill.curation.html.elements` changes it, element by element."""

    def __init__(
        self, scanner: Scanner, openers: dict[str, Opener | None], unknown: Opener, check_tags: bool, rendered: bool
    ) -> None:
        self.scanner = scanner
        self.openers = openers
        self.unknown = unknown
        self.check_tags = check_tags
        self.rendered = rendered  # whether there may be MathML, MathJax's or KaTeX's elements: looking takes time
        self.page = Page()
        self.pieces: list[str] = []
        self.objects: list[Source | str] = []
        self.container = -1
        self.chrome = 0  # open containers of chrome
        self.marker = ""  # of the list item that begins
        self.lists: list[Any] = []  # open lists: their `blocks.Numbering`, None for bullets
        self.tables: list[str] = []  # open tables: "data", "layout" or "equation"
        self.row: list[str] = []
        self.hanging: dict[int, int] = {}  # rows that cells of this table still span, by column
        self.cell = False  # inside a cell of a data table
        self.links = 0
        self.n_links = 0
        self.link_mark = -1  # where the open link began in `pieces`
        self.scripts: list[int] = []  # where open sup and sub elements began in `pieces`
        self.label = ""  # of the last button, for what it opens
        self.label_at = -1
        self.page_size = -1

    def walk(self, root: Any) -> Page:
        """Walk over `root` and what is below it."""
        openers, unknown = self.openers, self.unknown
        append = self.pieces.append
        stack: list[tuple[Any, Closer | None]] = []
        node = root
        while node is not None:
            text = node.text_content
            if text is not None:
                append(text)
            else:
                opener = openers.get(node.tag, unknown)
                closer: Any = None if opener is None else opener(self, node)
                if closer is not SKIP:
                    child = node.first_child
                    if child is not None:
                        stack.append((node, closer))
                        node = child
                        continue
                    if closer is not None:
                        closer(self)
            node = node.next if stack else None
            while node is None and stack:
                node, closer = stack.pop()
                if closer is not None:
                    closer(self)
                node = node.next if stack else None
        self.flush()
        return self.page

    # --- paragraphs

    def flush(self, kind: str = "text", prefix: str = "") -> None:
        """End the paragraph. In a table's cell this is a blank."""
        pieces = self.pieces
        if not pieces:
            return
        if self.cell:
            pieces.append(" ")
            return
        raw = pieces[0] if len(pieces) == 1 else "".join(pieces)
        if raw.isspace():
            pieces.clear()
            if self.link_mark > 0:
                self.link_mark = 0
            return
        links = self.links
        if self.link_mark >= 0:
            links += sum(map(len, pieces[self.link_mark :]))
            self.link_mark = 0
        pieces.clear()
        self.links = 0
        n_links, self.n_links = self.n_links, 0
        text, formulas = compose(raw, self.objects, self.scanner, self.page.found)
        if self.objects:
            self.objects = []
        if not text:
            return
        if self.marker and not prefix:
            kind, prefix = "item", self.marker
            self.marker = ""
        self.add(kind, text, formulas, prefix, min(links, len(text)) if links else 0, n_links)

    def add(
        self, kind: str, text: str, formulas: list[Formula], prefix: str = "", links: int = 0, n_links: int = 0
    ) -> None:
        """Append a finished paragraph."""
        self.page.paragraphs.append(Paragraph(kind, text, formulas, prefix, self.container, links, n_links))

    def formula(self, formula: Source) -> None:
        """Put a formula element into the paragraph."""
        found = self.page.found
        found[formula.encoding] = found.get(formula.encoding, 0) + 1
        if formula.tex:
            self.pieces.append("\0f")
            self.objects.append(formula)

    def code(self, text: str) -> None:
        """Put inline code into the paragraph."""
        self.pieces.append("\0c")
        self.objects.append(f"`{text}`")

    # --- containers

    def open_container(self, tag: str, nature: Nature, role: str | None = None) -> None:
        """Begin a block element; `close_container` ends it."""
        containers = self.page.containers
        containers.append(Container(tag, self.container, nature, role or nature.role, len(self.page.paragraphs)))
        self.container = len(containers) - 1
        self.chrome += nature.chrome

    def close_container(self) -> None:
        """End the innermost container."""
        container = self.page.containers[self.container]
        container.end = len(self.page.paragraphs)
        self.container = container.parent
        self.chrome -= container.nature.chrome

    def label_before(self) -> str | None:
        """The role that the label in front of a collapsed element gives to it."""
        paragraphs = self.page.paragraphs
        if self.label_at == len(paragraphs):
            return label_role(self.label)
        return label_role(paragraphs[-1].text) if paragraphs else None

    def check_names(self, attributes: dict[str, str | None]) -> None:
        """Stop the walk where a formula was parsed as the attributes of a tag."""
        if self.check_tags and not _USUAL.issuperset(attributes) and has_stray_names(attributes):
            raise Misread

    def check_unknown(self, tag: str, attributes: dict[str, str | None]) -> None:
        """Stop the walk where a formula, or an element with a prefix, was parsed as an unknown element."""
        if self.check_tags and (tag.endswith(":math") or looks_like_formula(tag, attributes)):
            raise Misread
