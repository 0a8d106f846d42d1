"""Read shards: memory-mapped rows of tokens, with their segments, loss mask and labels; no PyTorch needed.

Opening reads only the manifest: a shard's files are mapped when a row of it is first asked for, so that a terabyte of
shards costs no memory until it is used. `gather` copies rows from the page cache; the Arrow columns become masks in
kernels over mapped arrays. Files are not trusted: sizes are checked on opening, segments before use.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from mathmill.core.errors import DataError
from mathmill.tokenize.manifest import FILE_NAME, Manifest, load
from mathmill.tokenize.segments import BATCH_ROWS, IDENTITY, ROW_FIELDS, SegmentColumns
from mathmill.tokenize.shards import shard_paths
from mathmill.tokenize.store import LABELS, token_dtype

_OPEN_BATCHES = 256  # of segment columns, over all shards: views of mapped files, a few kB each


@dataclass(frozen=True)
class Segment:
    """A run of tokens of one record in a row; offsets count from the row's beginning.

    Attention, positions and the shift to the next token stay inside it. part: number of this part where the record was
    cut into n_parts. answer: tokens of the final answer, where it lies here. loss_spans: supervised tokens.
    """

    start: int
    length: int
    record_id: str
    doc_id: str
    part: int
    n_parts: int
    weight: float
    answer: tuple[int, int] | None
    loss_spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Row:
    """One training sequence of seq_len tokens.

    tokens: uint16 or int32 (seq_len,), read-only; padding from n_tokens on. segments and their labels: in order.
    loss_mask: bool (seq_len,), True where the token itself is a target. weights: float32 (seq_len,), the loss weight of
    each target, 0 elsewhere.
    """

    tokens: npt.NDArray[np.generic]
    n_tokens: int
    segments: tuple[Segment, ...]
    labels: tuple[dict[str, Any], ...]
    loss_mask: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float32]


class Shard:
    """One shard's files, mapped when first used. `rows` may be known beforehand, else it follows from the file."""

    def __init__(self, prefix: Path, seq_len: int, vocab_size: int, rows: int) -> None:
        self.prefix = prefix
        self.paths = shard_paths(prefix)
        self.seq_len = seq_len
        self.vocab_size = vocab_size
        self.rows = rows
        self._tokens: npt.NDArray[np.generic] | None = None
        self._arrow: pa.RecordBatchFileReader | None = None

    @classmethod
    def standing_alone(cls, prefix: Path) -> "Shard":
        """Open a shard without a manifest, by the metadata of its .arrow file."""
        path = shard_paths(prefix)[".arrow"]
        metadata = _open_arrow(path).schema.metadata or {}
        if metadata.get(b"format") != b"mathmill-shard" or metadata.get(b"version") != b"1":
            raise DataError(f"{path}: not a shard of format version 1")
        try:
            seq_len, vocab_size = int(metadata[b"seq_len"]), int(metadata[b"vocab_size"])
        except (KeyError, ValueError) as error:
            raise DataError(f"{path}: its metadata lacks seq_len or vocab_size") from error
        if not 0 < seq_len < 2**31 or not 0 < vocab_size <= 2**31:
            raise DataError(f"{path}: its metadata has an impossible seq_len or vocab_size")
        size = _size(shard_paths(prefix)[".bin"])
        return cls(prefix, seq_len, vocab_size, size // (seq_len * token_dtype(vocab_size).itemsize))

    @property
    def tokens(self) -> npt.NDArray[np.generic]:
        """The rows, mapped: (rows, seq_len), read-only."""
        if self._tokens is None:
            path, dtype = self.paths[".bin"], token_dtype(self.vocab_size)
            size, expected = _size(path), self.rows * self.seq_len * dtype.itemsize
            if size != expected or not size:
                raise DataError(
                    f"{path}: {size:,} bytes, but {self.rows:,} rows of {self.seq_len} tokens are {expected:,}"
                )
            mapped = np.memmap(path, dtype.newbyteorder("<"), "r", shape=(self.rows, self.seq_len))
            self._tokens = mapped.view(np.ndarray)
        return self._tokens

    def columns(self, batch: int) -> SegmentColumns:
        """The segments of the rows from batch * BATCH_ROWS on, checked."""
        if self._arrow is None:
            self._arrow = self._open_rows()
        where = str(self.paths[".arrow"])
        try:
            rows = self._arrow.get_batch(batch)
            rows.validate()
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{where}: record batch {batch} is broken ({error})") from error
        if rows.num_rows != min(BATCH_ROWS, self.rows - batch * BATCH_ROWS):
            raise DataError(f"{where}: record batch {batch} has {rows.num_rows} rows")
        return SegmentColumns.of(rows, self.seq_len, where)

    def all_columns(self) -> Iterator[SegmentColumns]:
        """The segments of all rows, in batches of BATCH_ROWS."""
        return (self.columns(batch) for batch in range(-(-self.rows // BATCH_ROWS)))

    def _open_rows(self) -> pa.RecordBatchFileReader:
        path = self.paths[".arrow"]
        reader = _open_arrow(path)
        if not reader.schema.equals(pa.schema(ROW_FIELDS)):
            raise DataError(f"{path}: its columns are not those of a shard of format version 1")
        if reader.num_record_batches != -(-self.rows // BATCH_ROWS):
            raise DataError(f"{path}: {reader.num_record_batches} record batches do not hold {self.rows:,} rows")
        return reader


class ShardReader:
    """Rows of shards, by number. Groups follow each other in the manifest's order, and so do a group's shards.

    path: a folder with manifest.json, a manifest, or one shard (its prefix or any of its files).
    """

    def __init__(self, path: str | Path) -> None:
        self.manifest: Manifest | None
        self.shards: list[Shard]
        self.groups: dict[str, range]
        self._path = Path(path)
        self.manifest, self.shards, self.groups = _open(self._path)
        self.seq_len = self.shards[0].seq_len if self.shards else 0
        if self.manifest is not None:
            self.seq_len = self.manifest.seq_len
        ends = np.cumsum([shard.rows for shard in self.shards], dtype=np.int64)
        self._starts = np.concatenate([[0], ends]).astype(np.int64)  # first row of each shard, and the end
        self._columns: OrderedDict[tuple[int, int], SegmentColumns] = OrderedDict()
        self._row_tokens: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __reduce__(self) -> tuple[type["ShardReader"], tuple[Path]]:
        return ShardReader, (self._path,)  # another process maps the files itself

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of tokens: uint16 or int32."""
        return token_dtype(self.shards[0].vocab_size if self.manifest is None else self.manifest.vocab_size)

    @property
    def row_tokens(self) -> npt.NDArray[np.int32]:
        """Tokens of every row without padding, int32 (n_rows,); read once, then kept (4 bytes a row)."""
        if self._row_tokens is None:
            found = [columns.n_tokens for shard in self.shards for columns in shard.all_columns()]
            self._row_tokens = np.concatenate([np.zeros(0, np.int32), *found])
        return self._row_tokens

    def gather(self, indices: npt.ArrayLike) -> npt.NDArray[np.generic]:
        """Copy rows: tokens (n, seq_len), in the order asked for; IndexError for a row that is not there."""
        rows = self._checked(indices)
        out = np.empty((len(rows), self.seq_len), self.dtype)
        for shard, places, local in self._by_shard(rows):
            _copy_rows(self.shards[shard].tokens, local, out, places)
        return out

    def loss_mask(self, indices: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which tokens of rows are targets: bool (n, seq_len)."""
        rows = self._checked(indices)
        out = np.zeros((len(rows), self.seq_len), np.bool_)
        for place, row in enumerate(rows.tolist()):
            columns, local = self._locate(row)
            spans = columns.loss_spans
            _fill(columns.row_starts, columns.start, None, spans.starts, spans.begin, spans.end, local, out[place])
        return out

    def loss_weights(self, indices: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The loss weight of each token of rows, 0 where it is no target: float32 (n, seq_len)."""
        rows = self._checked(indices)
        out = np.zeros((len(rows), self.seq_len), np.float32)
        for place, row in enumerate(rows.tolist()):
            columns, local = self._locate(row)
            spans = columns.loss_spans
            _fill(
                columns.row_starts, columns.start, columns.weight, spans.starts, spans.begin, spans.end, local,
                out[place],
            )  # fmt: skip
        return out

    def cu_seqlens(self, index: int) -> npt.NDArray[np.int32]:
        """Where the segments of a row begin, and where its last one ends: int32 (n_segments + 1,)."""
        columns, local = self._locate(int(self._checked([index])[0]))
        here = slice(columns.row_starts[local], columns.row_starts[local + 1])
        return np.append(columns.start[here], columns.n_tokens[local]).astype(np.int32)

    def __getitem__(self, index: int) -> Row:
        row = int(self._checked([index])[0])
        columns, local = self._locate(row)
        number = self._shard_of(row)
        segments, labels = _describe(columns, local, str(self.shards[number].paths[".arrow"]))
        return Row(
            tokens=self.shards[number].tokens[row - int(self._starts[number])],
            n_tokens=int(columns.n_tokens[local]),
            segments=segments,
            labels=labels,
            loss_mask=self.loss_mask([row])[0],
            weights=self.loss_weights([row])[0],
        )

    def __iter__(self) -> Iterator[Row]:
        return (self[i] for i in range(len(self)))

    def _checked(self, indices: npt.ArrayLike) -> npt.NDArray[np.int64]:
        rows = np.asarray(indices)
        if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
            raise TypeError(f"row numbers are a list of integers, not {rows.dtype} of shape {rows.shape}")
        rows = rows.astype(np.int64)
        wrong = (rows >= len(self)) | (rows < -len(self))
        if wrong.any():
            raise IndexError(f"row {rows[wrong][0]} is not among {len(self):,} rows")
        return np.where(rows < 0, rows + len(self), rows)

    def _by_shard(
        self, rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """For each shard that is asked for: its number, the places in `rows`, and the rows in the shard."""
        shard = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(shard).tolist():
            places = np.flatnonzero(shard == number)
            yield number, places, rows[places] - self._starts[number]

    def _shard_of(self, row: int) -> int:
        return bisect_right(self._starts, row) - 1

    def _locate(self, row: int) -> tuple[SegmentColumns, int]:
        """The columns that hold a row, and its number there."""
        shard = self._shard_of(row)
        batch, local = divmod(row - int(self._starts[shard]), BATCH_ROWS)
        key = (shard, batch)
        if key in self._columns:
            self._columns.move_to_end(key)
        else:
            self._columns[key] = self.shards[shard].columns(batch)
            if len(self._columns) > _OPEN_BATCHES:
                self._columns.popitem(last=False)
        return self._columns[key], local


def _open(path: Path) -> tuple[Manifest | None, list[Shard], dict[str, range]]:
    if path.is_dir() or path.suffix == ".json":
        manifest = load(path)
        folder = path if path.is_dir() else path.parent
        shards, groups = [], {}
        first = 0
        for name, group in manifest.groups.items():
            for info in group.shards:
                shards.append(Shard(folder / info.name, manifest.seq_len, manifest.vocab_size, info.rows))
            rows = sum(info.rows for info in group.shards)
            groups[name] = range(first, first + rows)
            first += rows
        return manifest, shards, groups
    prefix = path.with_suffix("") if path.suffix in (".bin", ".idx", ".arrow") else path
    if not shard_paths(prefix)[".bin"].exists():
        raise DataError(f"{path}: neither a folder with {FILE_NAME}, nor a manifest, nor a shard")
    shard = Shard.standing_alone(prefix)
    return None, [shard], {prefix.name: range(shard.rows)}


def _open_arrow(path: Path) -> pa.RecordBatchFileReader:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path)))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Arrow file ({error})") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _describe(
    columns: SegmentColumns, local: int, where: str
) -> tuple[tuple[Segment, ...], tuple[dict[str, Any], ...]]:
    first, last = int(columns.row_starts[local]), int(columns.row_starts[local + 1])
    here = columns.rows.column("segments").values.slice(first, last - first)
    identity: dict[str, list[Any]] = {}
    for field in IDENTITY:
        values = here.field(field.name)
        try:
            values.validate(full=True)  # strings may lie: nothing has looked at them yet
        except pa.ArrowException as error:
            raise DataError(f"{where}: the labels of a row are broken ({error})") from error
        identity[field.name] = values.to_pylist()
    segments, labels = [], []
    for place, number in enumerate(range(first, last)):
        start = int(columns.start[number])
        answer = columns.answers[number] + start
        spans = range(int(columns.loss_spans.starts[number]), int(columns.loss_spans.starts[number + 1]))
        segments.append(
            Segment(
                start=start,
                length=int(columns.length[number]),
                record_id=identity["record_id"][place],
                doc_id=identity["doc_id"][place],
                part=int(columns.part[number]),
                n_parts=int(columns.n_parts[number]),
                weight=float(columns.weight[number]),
                answer=(int(answer[0]), int(answer[1])) if columns.answers[number, 0] >= 0 else None,
                loss_spans=tuple(
                    (start + int(columns.loss_spans.begin[span]), start + int(columns.loss_spans.end[span]))
                    for span in spans
                ),
            )
        )
        labels.append({field.name: identity[field.name][place] for field in LABELS})
    return tuple(segments), tuple(labels)


@njit(cache=True)
def _copy_rows(source, rows, target, places):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        row, place = source[rows[i]], target[places[i]]
        for j in range(len(row)):  # faster than assigning the slice
            place[j] = row[j]


@njit(cache=True)
def _fill(row_starts, start, weight, span_starts, span_begin, span_end, row, out):  # type: ignore[no-untyped-def]
    """Mark a row's supervised tokens with their segment's weight, or with True where `weight` is None."""
    for segment in range(row_starts[row], row_starts[row + 1]):
        for span in range(span_starts[segment], span_starts[segment + 1]):
            first, last = start[segment] + span_begin[span], start[segment] + span_end[span]
            if weight is None:
                out[first:last] = True
            else:
                out[first:last] = weight[segment]
