"""Reads pages from WARC files, and documents from WET files.

A page is a `response` record with HTTP status 200, or a `resource` record that holds HTML. Other statuses, and bodies
that are images, films or archives by their own header, are dropped with a reason; requests, metadata, revisits and
`conversion` records are no pages and leave no row (a WET file is nothing but conversions: `format: wet`). What the
crawler identified a payload as is not looked at. Records are numbered from 0 in the order of the file, those that leave
no row and damaged ones included.
"""

from collections.abc import Iterator

from mathmill.core.stage import Output
from mathmill.curation.readers.fields import document_values
from mathmill.curation.readers.headers import text
from mathmill.curation.readers.http import parse_response
from mathmill.curation.readers.inflate import Stream
from mathmill.curation.readers.records import Damage, Record, read_records
from mathmill.curation.readers.rows import BadRecord, Rows
from mathmill.curation.readers.source import InputSlice, SourceConfig, opened

_HTML_TYPES = ("text/html", "application/xhtml+xml")
_NOT_HTML_PREFIXES = ("image/", "audio/", "video/", "font/")
_NOT_HTML_TYPES = ("application/pdf", "application/zip", "application/gzip", "text/css", "text/javascript")


def read_warc(slice_: InputSlice, rows: Rows, max_record_bytes: int) -> Iterator[Output]:
    """Read the pages of a WARC file."""
    for number, record in _records(slice_, rows, max_record_bytes):
        if isinstance(record, Damage):
            yield from rows.quarantine(number, record.offset, record.error)
            continue
        try:
            yield from add_page(record, number, rows, max_record_bytes)
        except BadRecord as error:
            yield from rows.quarantine(number, record.offset, f"{error} ({url_of(record) or 'no URI'})")
    yield from rows.flush()


def read_wet(source: SourceConfig, slice_: InputSlice, rows: Rows, max_record_bytes: int) -> Iterator[Output]:
    """Read the documents of a WET file."""
    for number, record in _records(slice_, rows, max_record_bytes):
        if isinstance(record, Damage):
            yield from rows.quarantine(number, record.offset, record.error)
            continue
        if record.headers[b"WARC-Type"].lower() != b"conversion":
            continue
        content = str(record.block, "utf-8", "replace")
        if not content.strip():
            yield from rows.drop(number, "empty")
            continue
        values = document_values(content) | {"lang": source.lang} | _origin(record)
        yield from rows.add(number, record.offset, len(record.block), values)
    yield from rows.flush()


def _records(slice_: InputSlice, rows: Rows, max_record_bytes: int) -> Iterator[tuple[int, Record | Damage]]:
    """Number the records; a file without a single one is told as such."""
    with opened(slice_.path, slice_.file_size) as file:
        records = read_records(Stream(file), max_record_bytes, slice_.relative.lower().endswith(".gz"))
        first = next(records, None)
        if first is None:
            return
        second = next(records, None)
        if second is None and isinstance(first, Damage) and not first.is_record:
            first = Damage(first.offset, f"{slice_.relative} is not a WARC file: {first.error}", is_record=False)
        yield 0, first
        if second is not None:
            yield 1, second
        yield from enumerate(records, 2)


def add_page(record: Record, number: int, rows: Rows, max_record_bytes: int) -> Iterator[Output]:
    """Add a record's page to the rows, or note there why it is left out; BadRecord where its HTTP is damaged."""
    kind = record.headers[b"WARC-Type"].lower()
    if kind not in (b"response", b"resource"):
        return
    stored_type = text(record.headers.get(b"Content-Type"))
    if kind == b"response" and _media_type(stored_type) in ("application/http", ""):
        response = parse_response(record.block)
        if response.status != 200:
            yield from rows.drop(number, "http_status", str(response.status))
            return
        content_type = response.content_type
        media_type = _media_type(content_type)
        if media_type.startswith(_NOT_HTML_PREFIXES) or media_type in _NOT_HTML_TYPES:
            yield from rows.drop(number, "not_html", media_type)
            return
        html = response.content(max_record_bytes)
    elif kind == b"resource" and _media_type(stored_type) in _HTML_TYPES:
        content_type, html = stored_type, record.block
    else:
        return
    if not html or (bytes(html[:4096]).isspace() and bytes(html).isspace()):
        yield from rows.drop(number, "empty")
        return
    values = {"content_type": content_type, "html": html} | _origin(record)
    yield from rows.add(number, record.offset, len(html), values)


def _origin(record: Record) -> dict[str, str | None]:
    return {"url": url_of(record), "crawl_date": text(record.headers.get(b"WARC-Date"))}


def url_of(record: Record) -> str | None:
    """The page's address, without the angle brackets that WARC 1.0 was read to ask for."""
    return text(record.headers.get(b"WARC-Target-URI", b"").removeprefix(b"<").removesuffix(b">")) or None


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()
