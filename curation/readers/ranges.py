"""Pages that a crawl's index names, fetched record by record: no byte of a WARC file is read that is not asked for.

Records are taken in the order of file and offset; those that lie near to each other come by one request, and several
requests are under way at once. Each range must hold one whole record, with the SHA-1 that the index gives (or, where it
gives none, the address); anything else goes to quarantine with its reason. Ids are made from the WARC file and the
offset in it, so that every form of an index gives the same rows.
"""

import base64
import hashlib
import io
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import numpy as np

from mathmill.core.errors import DataError
from mathmill.core.remote import filesystem, read_range
from mathmill.core.stage import Output
from mathmill.core.storage import operating
from mathmill.curation.readers.http import parse_response
from mathmill.curation.readers.index import Chosen, choose
from mathmill.curation.readers.inflate import Stream
from mathmill.curation.readers.records import Damage, Record, read_records
from mathmill.curation.readers.rows import BadRecord, Rows
from mathmill.curation.readers.selection import IndexConfig, describe_selection
from mathmill.curation.readers.source import InputFile, InputSlice, SourceConfig
from mathmill.curation.readers.warc import add_page, url_of

_BYTES_UNDER_WAY = 64 << 20


@dataclass(frozen=True)
class Request:
    """Bytes [start, end) of a file, for the chosen rows [first, last)."""

    file: str
    start: int
    end: int
    first: int
    last: int


def plan_ranges(file: InputFile, source: SourceConfig, target_bytes: int) -> list[InputSlice]:
    """Cut what an index file chooses into slices of about `target_bytes` to fetch; one without rows if it is nothing.

    Raises as `choose`.
    """
    config = source.index or IndexConfig()
    chosen = choose(file.path, file.relative, file.size, file.fingerprint, config)
    lengths = chosen.rows.column("length").to_numpy()
    total = int(lengths.sum())
    n = max(1, round(total / target_bytes))
    middles = np.cumsum(lengths) - lengths // 2
    inner = np.searchsorted(middles, np.arange(1, n) * (total / n))
    bounds = sorted({0, *inner.tolist(), len(lengths)}) if len(lengths) else [0, 0]
    return [
        InputSlice(file.path, file.relative, start, end, int(lengths[start:end].sum()), file.size, file.fingerprint)
        for start, end in pairwise(bounds)
    ]


def check_choice(source: SourceConfig, files: Sequence[InputFile]) -> None:
    """Raise DataError for index files that choose nothing, unless lines in them are damaged: quarantine tells those."""
    config = source.index or IndexConfig()
    if any(choose(file.path, file.relative, file.size, file.fingerprint, config).faults for file in files):
        return
    where = files[0].path if len(files) == 1 else f"any of the {len(files):,} index files of {source.path}"
    raise DataError(f"source {source.name}: no row of {where} is of {describe_selection(config)}; change index:")


def read_ranges(source: SourceConfig, slice_: InputSlice, rows: Rows, max_record_bytes: int) -> Iterator[Output]:
    """Fetch the records of a slice. Raises OperationError where the store of the WARC files cannot be read."""
    config = source.index or IndexConfig()
    chosen = choose(slice_.path, slice_.relative, slice_.file_size, slice_.fingerprint, config)
    if slice_.start == 0:
        for number, error in chosen.faults:
            yield from rows.quarantine(number, None, error)
    columns = _Columns(chosen, slice_)
    for request, answer in _fetched(config, requests(columns, config)):
        rows.relative = request.file
        for i in range(request.first, request.last):
            offset = columns.offsets[i]
            if offset == columns.previous(i):
                yield from rows.drop(offset, "repeated", "the index names this record more than once")
                continue
            try:
                record = _record(columns, i, request, answer, max_record_bytes)
                yield from add_page(record, offset, rows, max_record_bytes)
            except BadRecord as error:
                yield from rows.quarantine(offset, offset, f"{error} ({columns.urls[i] or 'no URI'})")
    yield from rows.flush()


class _Columns:
    """The rows of a slice as lists."""

    def __init__(self, chosen: Chosen, slice_: InputSlice) -> None:
        first = max(0, slice_.start - 1)  # the row before may name the same record as the first one
        part = chosen.rows.slice(first, slice_.end - first)
        self.files: list[str] = part.column("file").to_pylist()
        self.offsets: list[int] = part.column("offset").to_pylist()
        self.lengths: list[int] = part.column("length").to_pylist()
        self.digests: list[str | None] = part.column("digest").to_pylist()
        self.urls: list[str | None] = part.column("url").to_pylist()
        self.first = slice_.start - first

    def previous(self, i: int) -> int | None:
        """The offset in the row before, where that is of the same file."""
        return self.offsets[i - 1] if i and self.files[i - 1] == self.files[i] else None


def requests(columns: _Columns, config: IndexConfig) -> Iterator[Request]:
    """Join neighbours: gaps of up to `merge_gap` are read too, up to `merge_bytes` in all."""
    request: Request | None = None
    for i in range(columns.first, len(columns.offsets)):
        file, start = columns.files[i], columns.offsets[i]
        end = start + columns.lengths[i]
        if request is not None:
            is_near = file == request.file and start - request.end <= config.merge_gap
            if is_near and max(end, request.end) - request.start <= config.merge_bytes:
                request = replace(request, end=max(end, request.end), last=i + 1)
                continue
            yield request
        request = Request(file, start, end, i, i + 1)
    if request is not None:
        yield request


def _fetched(config: IndexConfig, wanted: Iterator[Request]) -> Iterator[tuple[Request, bytes | None]]:
    """Answers in the order of the requests, several of which are under way; None where there is no such file."""
    root = config.warc_root.rstrip("/")
    fs, base = filesystem(root)
    waiting: deque[tuple[Request, Future[bytes]]] = deque()
    under_way = 0
    with ThreadPoolExecutor(config.requests) as pool:
        try:
            for request in wanted:
                size = request.end - request.start
                while waiting and (len(waiting) >= config.requests or under_way + size > _BYTES_UNDER_WAY):
                    under_way -= waiting[0][0].end - waiting[0][0].start
                    yield _answer(*waiting.popleft(), root)
                place = f"{base}/{request.file}"
                waiting.append((request, pool.submit(read_range, fs, place, request.start, request.end)))
                under_way += size
            while waiting:
                yield _answer(*waiting.popleft(), root)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _answer(request: Request, future: "Future[bytes]", root: str) -> tuple[Request, bytes | None]:
    with operating(f"cannot read {root}/{request.file}"):
        try:
            return request, future.result()
        except FileNotFoundError:
            return request, None


def _record(columns: _Columns, i: int, request: Request, answer: bytes | None, max_record_bytes: int) -> Record:
    """The one record of a row's range; BadRecord where it is none, or another one."""
    if answer is None:
        raise BadRecord(f"there is no file {request.file}")
    offset, length = columns.offsets[i], columns.lengths[i]
    data = answer[offset - request.start : offset - request.start + length]
    if len(data) < length:
        raise BadRecord(f"the file ends after {len(data):,} of the record's {length:,} bytes")
    found: Sequence[Record | Damage] = list(islice(read_records(Stream(io.BytesIO(data)), max_record_bytes), 2))
    if not found or isinstance(found[0], Damage):
        why = found[0].error if found and isinstance(found[0], Damage) else "it is empty"
        raise BadRecord(f"the range of {length:,} bytes is no whole record: {why}")
    if len(found) > 1:
        raise BadRecord(f"the range of {length:,} bytes holds more than one record")
    record = replace(found[0], offset=offset)
    _check(record, columns.digests[i], columns.urls[i])
    return record


def _check(record: Record, digest: str | None, url: str | None) -> None:
    """See that a record is a page's, and the one that the index means."""
    kind = record.headers[b"WARC-Type"].lower()
    if kind not in (b"response", b"resource"):
        raise BadRecord(f"the record is of the type {kind.decode()!r} and holds no page")
    if digest is None:
        if url is not None and url_of(record) != url:
            raise BadRecord(f"the record is of another page, {url_of(record)}")
        return
    payload = parse_response(record.block).body if kind == b"response" else record.block
    found = base64.b32encode(hashlib.sha1(payload).digest()).decode()
    if found != digest:
        raise BadRecord(f"the payload has the SHA-1 {found}, and not {digest} as the index says")
