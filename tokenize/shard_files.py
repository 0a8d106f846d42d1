"""The files of one shard, mapped when first used: local ones, or copies that are fetched when first used.

Mapped pages count as memory of the process, and their tables really are memory (two gigabytes for a terabyte), so both
can be let go of: `forget` returns the pages to the page cache and keeps the files open, `close` lets go of the files.
What is checked then costs nothing: sizes, and what the .arrow file says of its rows. Files of two shards that were
exchanged and have equal sizes and rows are told apart by their checksums only, in `mathmill.tokenize.verify`.
"""

import mmap
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mathmill.core.errors import DataError
from mathmill.tokenize.manifest import VERSION, Manifest, ShardInfo, Suffix, check_version
from mathmill.tokenize.row_segments import RowSegments
from mathmill.tokenize.segments import BATCH_ROWS, ROW_FIELDS, SegmentColumns
from mathmill.tokenize.shards import shard_paths
from mathmill.tokenize.store import token_dtype

READ: tuple[Suffix, ...] = (".bin", ".arrow")
"""The files that rows are read from."""


class Shard:
    """One shard's files, checked when they are mapped: prefix.bin, .idx and .arrow.

    find: gives the local path of one of the files, by suffix; default: it lies beside the others. pad_id, arrow_bytes:
    what the .arrow file must say, and its size; None where no manifest says so.
    """

    def __init__(
        self,
        prefix: str | Path,
        seq_len: int,
        vocab_size: int,
        rows: int,
        find: Callable[[Suffix], Path] | None = None,
        *,
        pad_id: int | None = None,
        arrow_bytes: int | None = None,
    ) -> None:
        self.prefix = prefix
        self.seq_len = seq_len
        self.vocab_size = vocab_size
        self.rows = rows
        self._pad_id, self._arrow_bytes = pad_id, arrow_bytes
        self._find = find or (lambda suffix: Path(f"{prefix}{suffix}"))
        self._maps: dict[Suffix, mmap.mmap] = {}
        self._tokens: npt.NDArray[np.generic] | None = None
        self._arrow: pa.RecordBatchFileReader | None = None
        self._segments: RowSegments | None = None
        self._table: npt.NDArray[np.int64] | None = None  # of the segments, kept while the files are closed
        self._table_bytes = 0  # of the file that it is true of

    @classmethod
    def of_manifest(
        cls, folder: str | Path, manifest: Manifest, info: ShardInfo, find: Callable[[Suffix], Path] | None = None
    ) -> "Shard":
        """A shard of the manifest in a folder; nothing is opened yet."""
        return cls(
            f"{folder}/{info.name}",
            manifest.seq_len,
            manifest.vocab_size,
            info.rows,
            find,
            pad_id=manifest.pad_id,
            arrow_bytes=info.files[".arrow"].bytes,
        )

    @classmethod
    def standing_alone(cls, prefix: Path) -> "Shard":
        """Open a local shard without a manifest, by the metadata of its .arrow file."""
        path = shard_paths(prefix)[".arrow"]
        metadata = _open_arrow(_map(path), str(path)).schema.metadata or {}
        if metadata.get(b"format") != b"mathmill-shard":
            raise DataError(f"{path}: not the segments of a shard")
        version = metadata.get(b"version", b"")
        check_version(int(version) if version.isdigit() and len(version) < 10 else version, str(path))
        try:
            seq_len, vocab_size = int(metadata[b"seq_len"]), int(metadata[b"vocab_size"])
        except (KeyError, ValueError) as error:
            raise DataError(f"{path}: its metadata lacks seq_len or vocab_size") from error
        if not 0 < seq_len < 2**31 or not 0 < vocab_size <= 2**31:
            raise DataError(f"{path}: its metadata has an impossible seq_len or vocab_size")
        size = len(_map(shard_paths(prefix)[".bin"]))
        return cls(prefix, seq_len, vocab_size, size // (seq_len * token_dtype(vocab_size).itemsize))

    @property
    def paths(self) -> dict[Suffix, Path]:
        """Its three local files, by suffix."""
        return {suffix: self._find(suffix) for suffix in shard_paths(self.prefix)}

    @property
    def tokens(self) -> npt.NDArray[np.generic]:
        """The rows, mapped: (rows, seq_len), read-only."""
        if self._tokens is None:
            dtype, mapped = token_dtype(self.vocab_size), self._mapped(".bin")
            expected = self.rows * self.seq_len * dtype.itemsize
            if len(mapped) != expected:
                raise DataError(
                    f"{self.prefix}.bin: {len(mapped):,} bytes, but {self.rows:,} rows of {self.seq_len} tokens are "
                    f"{expected:,}"
                )
            self._tokens = np.frombuffer(mapped, dtype.newbyteorder("<")).reshape(self.rows, self.seq_len)
        return self._tokens

    @property
    def segments(self) -> RowSegments:
        """The segments of single rows."""
        if self._segments is None:
            data = np.frombuffer(self._mapped(".arrow"), np.uint8)
            if self._table is None or len(data) != self._table_bytes:
                self._table, self._table_bytes = RowSegments.empty_table(self.rows), len(data)
            self._segments = RowSegments(
                data, self._reader, self._table, self.rows, self.seq_len, f"{self.prefix}.arrow"
            )
        return self._segments

    def record_batch(self, number: int) -> pa.RecordBatch:
        """The rows from number * BATCH_ROWS on as they are in the file; what the segments say is not checked."""
        where, reader = f"{self.prefix}.arrow", self._reader()
        try:
            rows = reader.get_batch(number)
            rows.validate()
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{where}: record batch {number} is broken ({error})") from error
        if rows.num_rows != min(BATCH_ROWS, self.rows - number * BATCH_ROWS):
            raise DataError(f"{where}: record batch {number} has {rows.num_rows} rows")
        return rows

    def columns(self, batch: int) -> SegmentColumns:
        """The segments of the rows from batch * BATCH_ROWS on, checked."""
        return SegmentColumns.of(self.record_batch(batch), self.seq_len, f"{self.prefix}.arrow")

    def all_columns(self) -> Iterator[SegmentColumns]:
        """The segments of all rows, in batches of BATCH_ROWS."""
        return (self.columns(batch) for batch in range(-(-self.rows // BATCH_ROWS)))

    def fetch(self) -> None:
        """Bring the files that rows are read from to this machine, where they are not yet."""
        for suffix in READ:
            self._find(suffix)

    def will_need(self, rows: npt.NDArray[np.int64]) -> None:
        """Ask the system for the tokens of rows, all at once and no more than them.

        Else each row is read when it is copied, with what the system reads ahead around it: 128 KiB, or 8 MiB on some.
        """
        size = self.tokens.shape[1] * self.tokens.itemsize
        mapped = self._maps[".bin"]
        for row in rows.tolist():
            start = row * size // mmap.PAGESIZE * mmap.PAGESIZE
            mapped.madvise(mmap.MADV_WILLNEED, start, (row + 1) * size - start)

    def forget(self) -> None:
        """Return mapped pages to the page cache; the next use maps them again."""
        for mapped in self._maps.values():
            mapped.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Let go of the files; the next use opens them again."""
        self._tokens = self._arrow = self._segments = None
        self._maps = {}

    def _reader(self) -> pa.RecordBatchFileReader:
        if self._arrow is None:
            path = f"{self.prefix}.arrow"
            mapped = self._mapped(".arrow")
            if self._arrow_bytes not in (None, len(mapped)):
                raise DataError(f"{path}: {len(mapped):,} bytes, but the manifest says {self._arrow_bytes:,}")
            reader = _open_arrow(mapped, path)
            if not reader.schema.equals(pa.schema(ROW_FIELDS)):
                raise DataError(f"{path}: its columns are not those of a shard of format version {VERSION}")
            if reader.num_record_batches != -(-self.rows // BATCH_ROWS):
                raise DataError(f"{path}: {reader.num_record_batches} record batches do not hold {self.rows:,} rows")
            self._check_metadata(reader.schema.metadata or {}, path)
            self._arrow = reader
        return self._arrow

    def _check_metadata(self, metadata: dict[bytes, bytes], path: str) -> None:
        """DataError where the rows were packed with other settings than those they are read with."""
        for name, expected in (("seq_len", self.seq_len), ("vocab_size", self.vocab_size), ("pad_id", self._pad_id)):
            found = metadata.get(name.encode(), b"").decode(errors="replace")
            if expected is not None and found != str(expected):
                raise DataError(f"{path}: packed with the {name} {found or None}, but the manifest says {expected}")

    def _mapped(self, suffix: Suffix) -> mmap.mmap:
        if suffix not in self._maps:
            try:
                self._maps[suffix] = _map(self._find(suffix))
            except DataError:  # of a copy: another process has just removed it to make room
                self._maps[suffix] = _map(self._find(suffix))
        return self._maps[suffix]


def _map(path: Path) -> mmap.mmap:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DataError(f"{path}: not a regular file")
            return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DataError(f"{path}: the file is empty (0 bytes)") from error


def _open_at_once(path: str, flags: int) -> int:
    """Without waiting for a writer, as opening a named pipe would."""
    return os.open(path, flags | os.O_NONBLOCK)


def _open_arrow(mapped: mmap.mmap, where: str) -> pa.RecordBatchFileReader:
    try:
        return pa.ipc.open_file(pa.py_buffer(mapped))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{where}: not a readable Arrow file ({error})") from error
