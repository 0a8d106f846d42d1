"""HTML to text with every formula kept.

`extract_html` decodes a page, repairs what a parser would misread, walks the DOM once, chooses the main content and
writes it with formulas between `$` and `$$`. The parser is selectolax's lexbor: it parsed 1,790 real pages of 100 kB a
second on one core, and its tree may be walked and skipped freely, which resiliparse 2 forbids. `Extract` is the stage
that does so for batches of pages: about 4 ms of one core for a page of 100 kB, 0.5 ms of it in the parser.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field
from selectolax.lexbor import LexborHTMLParser

from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.formula_counts import FORMULA_ACCOUNT
from mathmill.core.latex_check import latex_errors
from mathmill.core.schemas import DOCUMENT, DROPPED, to_batch
from mathmill.core.stage import DROPPED_PORT, FORMULAS_PORT, OUT, BatchStage, Output, Port, StageContext
from mathmill.curation.blocklist import parse_address
from mathmill.curation.html.broken import join_broken
from mathmill.curation.html.charset import to_utf8
from mathmill.curation.html.compose import Formula, collapse
from mathmill.curation.html.content import main_content
from mathmill.curation.html.delimiters import Delimiters, page_delimiters
from mathmill.curation.html.drawn import rename_drawn
from mathmill.curation.html.elements import OPENERS, unknown_element
from mathmill.curation.html.linked_data import unstated_questions
from mathmill.curation.html.macros import expand_formulas, page_macros
from mathmill.curation.html.marks import BROKEN, DRAWN, LINKED_DATA, LONG_TAG, RENDERED, marks_of
from mathmill.curation.html.render import Block, render
from mathmill.curation.html.source import (
    cap_attributes,
    cap_depth,
    escape_stray_tags,
    open_body,
    restore_underscores,
    strip_math_prefixes,
)
from mathmill.curation.html.unprocessed import first_scanner, watching
from mathmill.curation.html.walk import Misread, Page, Walker


@dataclass(frozen=True, slots=True)
class ExtractedPage:
    """The main content of a page.

    found, kept: formulas by encoding, in the whole page and in the text. title: of the document, None without one.
    charset: Python's name of the charset that was used.
    """

    text: str
    formulas: tuple[Formula, ...]
    blocks: tuple[Block, ...]
    found: dict[str, int]
    kept: dict[str, int]
    title: str | None
    charset: str


def extract_html(html: bytes, url: str | None = None, content_type: str | None = None) -> ExtractedPage:
    """Extract the main content of an HTML page as text with formulas.

    html: the page as served. url: not needed, taken for symmetry with other extractors. content_type: the HTTP header.
    Never raises on malformed pages; a page without text gives an empty text.
    """
    source, charset = to_utf8(html, content_type)
    marks = marks_of(source)
    if marks & LONG_TAG:
        source = cap_attributes(source)
    source = cap_depth(source, marks)
    if marks & DRAWN:
        source = rename_drawn(source)
    if marks & BROKEN:
        source = join_broken(source)
    source = open_body(restore_underscores(source, marks))
    delimiters = page_delimiters(source, marks)
    try:
        page, title = _walk(source, delimiters, marks & RENDERED != 0, check_tags=True)
    except Misread:
        page, title = _walk(escape_stray_tags(strip_math_prefixes(source)), delimiters, True, check_tags=False)
    text, formulas, blocks = render(page, main_content(page))
    if marks & LINKED_DATA and (fragment := unstated_questions(source, text)):
        linked, _ = _walk(fragment, delimiters, True, check_tags=False)
        text, formulas, blocks = _appended((text, formulas, blocks), render(linked, [True] * len(linked.paragraphs)))
        for encoding, count in linked.found.items():
            page.found[encoding] = page.found.get(encoding, 0) + count
    text, formulas, blocks = expand_formulas(text, formulas, blocks, page_macros(source, marks))
    kept: dict[str, int] = {}
    for formula in formulas:
        kept[formula.encoding] = kept.get(formula.encoding, 0) + 1
    return ExtractedPage(
        text=text,
        formulas=tuple(formulas),
        blocks=tuple(blocks),
        found=dict(sorted(page.found.items())),
        kept=dict(sorted(kept.items())),
        title=title or next((p.text for p in page.paragraphs if p.kind == "heading"), None),
        charset=charset,
    )


_Rendered = tuple[str, list[Formula], list[Block]]


def _appended(page: _Rendered, more: _Rendered) -> _Rendered:
    """Two rendered texts as one."""
    text = page[0] + "\n\n" if page[0] and more[0] else page[0]
    shift = len(text)
    formulas = [f._replace(start=f.start + shift, end=f.end + shift) for f in more[1]]
    blocks = [Block(b.start + shift, b.end + shift, b.role) for b in more[2]]
    return text + more[0], page[1] + formulas, page[2] + blocks


_WITHOUT_EVENTS = 1  # selectolax's LexborDocumentOptions.WO_EVENTS: what would be done to `<select>` is not looked at


def _walk(source: bytes, delimiters: Delimiters, rendered: bool, check_tags: bool) -> tuple[Page, str | None]:
    parser = LexborHTMLParser(source, options=_WITHOUT_EVENTS)
    openers = watching(OPENERS, delimiters) if delimiters.ignore else OPENERS
    walker = Walker(first_scanner(delimiters), openers, unknown_element, check_tags, rendered)
    body = parser.body
    title = parser.head.first_child if parser.head is not None else None
    while title is not None and title.tag != "title":
        title = title.next
    page = walker.walk(body if body is not None else parser.root)
    return page, collapse(title.text() or "") or None if title is not None else None


class ExtractConfig(StageConfig):
    """`extract:` in a recipe."""

    max_page_bytes: Annotated[int, Field(gt=0)] = 16 << 20  # larger pages are data dumps
    min_chars: Annotated[int, Field(ge=0)] = 50  # shorter texts are error pages and empty shells


_NOT_HTML_TYPES = re.compile(
    r"\s*(?:image|audio|video|font)/|\s*application/(?!xhtml|xml|octet-stream|vnd\.wap\.xhtml|unknown|x-unknown)|\s*text/(?:css|csv|javascript|plain|markdown|calendar|vcard|x-)",
    re.IGNORECASE,
)
_MAGIC = re.compile(
    rb"%PDF-|\x89PNG|GIF8|\xff\xd8\xff|PK\x03\x04|\x1f\x8b|BM.{4}\0\0\0\0|RIFF|\x7fELF|\xd0\xcf\x11\xe0|Rar!|7z\xbc\xaf|ID3|OggS|wOF[F2]|\0asm|%!PS",
    re.DOTALL,
)
_JSON = re.compile(rb"\s*[\[{]\s*(?:\"|[\[{]|\])")


def is_html(html: bytes, content_type: str | None) -> bool:
    """Whether a page is HTML, by its first bytes and its header; a page without a header is believed."""
    head = html[:256]
    if _MAGIC.match(head) or _JSON.match(head):
        return False
    if not content_type or _NOT_HTML_TYPES.match(content_type) is None:
        return True
    return re.match(rb"(?:\xef\xbb\xbf)?\s*(?:<!doctype html|<html)", head, re.IGNORECASE) is not None


class Extract(BatchStage):
    """Turns PAGE rows into DOCUMENT rows and accounts for formulas; drops pages as "not_html" or "empty_text"."""

    name = "extract"
    version = 3
    isolated = True
    Config = ExtractConfig
    config: ExtractConfig

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Documents without scores, from rows with a page's html."""
        missing = [name for name in ("html", "content_type", "url") if name not in input_schema.names]
        if missing:
            raise ConfigError(f"extract: its input has no column {missing[0]!r}; it must follow a reader of web pages")
        return {OUT: DOCUMENT}

    def open(self, context: StageContext) -> None:
        """Compile what checks formulas before the first page's time is measured."""
        latex_errors(["x"], [False])
        marks_of(b"")

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Extract each page; a page over `max_page_bytes` raises, which puts it alone in quarantine."""
        pages: list[ExtractedPage] = []
        places: list[int] = []  # of the pages in the batch
        dropped: list[dict[str, object]] = []
        account = _Account()
        ids, urls, types = (batch.column(name).to_pylist() for name in ("doc_id", "url", "content_type"))
        for place, (id_, url, content_type, cell) in enumerate(
            zip(ids, urls, types, batch.column("html"), strict=True)
        ):
            html = cell.as_py()
            if len(html) > self.config.max_page_bytes:
                raise ValueError(
                    f"the page has {len(html):,} bytes, over max_page_bytes of {self.config.max_page_bytes:,}"
                )
            if not is_html(html, content_type):
                dropped.append({"id": id_, "stage": self.name, "reason": "not_html", "detail": content_type})
                continue
            page = extract_html(html, url, content_type)
            if len(page.text) < self.config.min_chars:
                account.add(id_, url, page, ())
                score = float(len(page.text))
                dropped.append({"id": id_, "stage": self.name, "reason": "empty_text", "score": score})
                continue
            account.add(id_, url, page, page.formulas)
            pages.append(page)
            places.append(place)
        if pages:
            yield OUT, _documents(batch.drop_columns(["html"]).take(pa.array(places)), pages)
        if dropped:
            yield DROPPED_PORT, to_batch(dropped, DROPPED)
        yield from account.rows()


class _Account:
    """What the pages of a batch held in formulas, what was kept of them, and what of that can be read as LaTeX."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._tex: list[str] = []
        self._display: list[bool] = []
        self._of: list[dict[str, Any]] = []  # the row of each formula in `_tex`

    def add(self, id_: str, url: str | None, page: ExtractedPage, kept: Sequence[Formula]) -> None:
        """Add a page; kept: its formulas, or none where the page is dropped."""
        encodings = {*page.found, *(page.kept if kept else ())}
        if not encodings:
            return
        site = site_of(url)
        rows: dict[str, dict[str, Any]] = {}
        for name in sorted(encodings):
            counts = {"found": page.found.get(name, 0), "kept": page.kept.get(name, 0) if kept else 0, "read": 0}
            rows[name] = {"id": id_, "url": url, "site": site, "encoding": name, **counts, "complaints": []}
        self._rows += rows.values()
        for start, end, display, encoding in kept:
            tex = page.text[start:end]
            fence = 2 if tex.startswith("$$") else tex.startswith("$")
            self._tex.append(tex[fence : len(tex) - fence])
            self._display.append(display)
            self._of.append(rows[encoding])

    def rows(self) -> Iterable[Output]:
        """Check the formulas and give the account."""
        for row, error in zip(self._of, latex_errors(self._tex, self._display), strict=True):
            if error is None:
                row["read"] += 1
            else:
                row["complaints"].append(error)
        if self._rows:
            yield FORMULAS_PORT, to_batch(self._rows, FORMULA_ACCOUNT)


_LONGEST_SITE = 253  # of a host's name, by the standard


def site_of(url: str | None) -> str:
    """The host of a page's URL as formulas are counted by it: lower case, without `www.`, "no address" without one."""
    host = parse_address(url).host.removeprefix("www.") if url else ""
    if not host:
        return "no address"
    return "".join(char if char.isprintable() else "\ufffd" for char in host[:_LONGEST_SITE])


def _documents(rows: pa.RecordBatch, pages: list[ExtractedPage]) -> pa.RecordBatch:
    """DOCUMENT rows: what is known of the pages, and what was extracted from them."""
    counts = [
        [(name, page.found.get(name, 0), page.kept.get(name, 0)) for name in sorted({*page.found, *page.kept})]
        for page in pages
    ]
    extracted = {
        "text": pa.array([page.text for page in pages], DOCUMENT.field("text").type),
        "formulas": _lists(DOCUMENT.field("formulas").type, [page.formulas for page in pages]),
        "blocks": _lists(DOCUMENT.field("blocks").type, [page.blocks for page in pages]),
        "formula_counts": _lists(DOCUMENT.field("formula_counts").type, counts),
    }
    known = rows.schema.names
    columns = [
        extracted[field.name]
        if field.name in extracted
        else rows.column(field.name)
        if field.name in known
        else pa.nulls(len(pages), field.type)
        for field in DOCUMENT
    ]
    return pa.RecordBatch.from_arrays(columns, schema=DOCUMENT)


def _lists(kind: pa.ListType, rows: Sequence[Sequence[tuple[Any, ...]]]) -> pa.ListArray:
    """A column of lists of structs from tuples; `pa.array` takes three times as long, through dictionaries."""
    items = [item for row in rows for item in row]
    fields = list(kind.value_type)
    values = zip(*items, strict=True) if items else ([] for _ in fields)
    structs = pa.StructArray.from_arrays(
        [pa.array(column, field.type) for column, field in zip(values, fields, strict=True)], fields=fields
    )
    ends = pa.array([0, *accumulate(map(len, rows))], pa.int32())
    return pa.ListArray.from_arrays(ends, structs, type=kind)


__all__ = ["Block", "Extract", "ExtractConfig", "ExtractedPage", "Formula", "extract_html", "is_html"]
