"""Read shards: memory-mapped rows of tokens, with their segments, loss weights and labels; no PyTorch needed.

Opening reads only the manifest (10,000 shards in 0.4 s): a shard's files are mapped when a row of it is first asked
for, and pages are given back as reading goes on, so that random rows of a terabyte take 0.3 GiB. `gather` copies rows
from the page cache at 0.6 times the speed of memcpy or more; `targets` looks at what a row's own segments say and at
nothing else, 5 µs a row of 4096 (benchmarks/tokens_read.py). Files are not trusted: sizes are checked on opening,
segments before use. That segments belong to these very tokens is for checksums to say (`mathmill.tokenize.verify`).
"""

import gc
import resource
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from mathmill.core.config import digest
from mathmill.core.errors import ConfigError, DataError
from mathmill.core.storage import Folder
from mathmill.tokenize.cache import Cache
from mathmill.tokenize.manifest import FILE_NAME, Manifest, Suffix, load, parse
from mathmill.tokenize.row import Row, Segment, describe_row
from mathmill.tokenize.row_sizes import Count, group_sizes, read_sizes
from mathmill.tokenize.segments import BATCH_ROWS, SegmentColumns
from mathmill.tokenize.shard_files import READ, Shard
from mathmill.tokenize.store import token_dtype

__all__ = ["Row", "Segment", "Shard", "ShardReader"]

_OPEN_BATCHES = 16  # of checked segment columns, over all shards: about a MB each
_SMALL_BYTES = 1 << 30  # shards with fewer bytes of tokens may stay mapped
_FORGET_ROWS = 512  # rows after which mapped pages are returned; each may have mapped 16 pages at a dozen places
_NO_ROWS = np.zeros(0, np.int64)
_CONNECTIONS = 4  # files of an object store that are fetched at the same time

_Asked = tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""A shard's number, rows in it, and their places in what was asked for."""


class ShardReader:
    """Rows of shards, by number. Groups follow each other in the manifest's order, and so do a group's shards.

    path: a folder with manifest.json, a manifest, or one shard (its prefix or any of its files); a folder may be remote
    (s3://…), its files are then fetched when a row of them is first asked for. cache: where to (default: `Cache()`).

    A reader serves one thread at a time.
    """

    def __init__(self, path: str | Path, cache: Cache | None = None) -> None:
        self.manifest: Manifest | None = None
        self.shards: list[Shard]
        self.groups: dict[str, range]
        self._path, self._cache = path, cache
        self.is_remote = "://" in str(path)
        with _no_garbage_collection():
            if self.is_remote:
                self._folder = Folder(str(path).removesuffix(f"/{FILE_NAME}"))
                self.manifest = _remote_manifest(self._folder)
                self._cache = cache or Cache()
                self.shards = _shards(self.manifest, str(self._folder), partial(self._cache.fetch, self._folder))
            else:
                self._folder, self.manifest, self.shards = _open_local(Path(path))
        self.groups = _groups(self.manifest, self.shards)
        self.seq_len = self.shards[0].seq_len if self.manifest is None else self.manifest.seq_len
        self._starts = np.cumsum([0, *(shard.rows for shard in self.shards)], dtype=np.int64)  # and the end
        self._columns: OrderedDict[tuple[int, int], SegmentColumns] = OrderedDict()
        self._open: OrderedDict[int, Shard] = OrderedDict()
        self._max_open = _allow_open(len(self.shards))
        self._is_large = len(self) * self.seq_len * self.dtype.itemsize >= _SMALL_BYTES
        self._used: dict[int, Shard] = {}  # since pages were last returned
        self._rows_since_forgetting = 0

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __reduce__(self) -> tuple[Any, ...]:
        return ShardReader, (self._path, self._cache)  # another process maps the files itself

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of tokens: uint16 or int32."""
        return token_dtype(self.shards[0].vocab_size if self.manifest is None else self.manifest.vocab_size)

    @property
    def digest(self) -> str:
        """Identifies what is read: 32 hex digits, the manifest's digest."""
        if self.manifest is not None:
            return self.manifest.digest
        return digest([[Path(shard.prefix).name, shard.rows, shard.seq_len] for shard in self.shards])

    @property
    def row_tokens(self) -> npt.NDArray[np.int32]:
        """Tokens of every row without padding, int32 (n_rows,)."""
        return np.concatenate([np.zeros(0, np.int32), *self.row_sizes("tokens").values()])

    def row_sizes(self, count: Count) -> dict[str, npt.NDArray[np.int32]]:
        """What each row of each group counts, int32 (n_rows,), as mixtures are planned by; nothing else is read."""
        if self.manifest is not None:
            return group_sizes(self._folder, self.manifest, count)
        (name, rows), *_ = self.groups.items()
        sizes = np.empty(len(rows), np.int32)
        read_sizes(self._folder, f"{name}.arrow", sizes, self.seq_len, count)
        return {name: sizes}

    def check_room(self, groups: Iterable[str]) -> None:
        """ConfigError where the files of groups of remote shards do not fit into the cache together.

        A random order needs nearly all of them for every batch, and would fetch them again and again.
        """
        if self._cache is None or self.manifest is None or not self.is_remote:
            return
        infos = [info for name in groups for info in self.manifest.groups[name].shards]
        size = sum(info.files[suffix].bytes for info in infos for suffix in READ)
        if size > (room := self._cache.capacity()):
            raise ConfigError(
                f"the shards in {self._folder} hold {size:,} bytes, but the cache {self._cache.path} may hold {room:,}"
                "; raise its limit or let MATHMILL_CACHE name a folder on a larger disk"
            )

    def gather(self, indices: npt.ArrayLike, out: npt.NDArray[np.generic] | None = None) -> npt.NDArray[np.generic]:
        """Copy rows: tokens (n, seq_len), in the order asked for; IndexError for a row that is not there.

        out: an array to copy into, of that shape and the reader's dtype; reusing one saves the kernel new pages, which
        cost as much as the copy.
        """
        rows = self._checked(indices)
        if out is None:
            out = np.empty((len(rows), self.seq_len), self.dtype)
        elif out.shape != (len(rows), self.seq_len) or out.dtype != self.dtype:
            raise ValueError(f"`out` is {out.dtype} {out.shape}, not {self.dtype} {(len(rows), self.seq_len)}")
        groups = self._by_shard(rows)
        if self._is_large:
            for shard, local, _ in self._opened(groups):
                shard.will_need(local)
        for shard, local, places in self._opened(groups):
            _copy_rows(shard.tokens, local, out, places)
        return out

    def targets(self, indices: npt.ArrayLike) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
        """What training asks of rows beside their tokens: (loss weights float32, positions int32), (n, seq_len) each.

        The loss weight of each token as a target: 0 outside of loss spans, and for the first token of a segment, which
        nothing in its segment predicts. Positions count from 0 in each segment, and in the padding after the last.
        """
        rows = self._checked(indices)
        weights = np.empty((len(rows), self.seq_len), np.float32)
        positions = np.empty((len(rows), self.seq_len), np.int32)
        for shard, local, places in self._opened(self._by_shard(rows)):
            shard.segments.fill(local, places, weights, positions, after_first=True)
        return weights, positions

    def loss_weights(self, indices: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The loss weight of each token of rows as its loss spans have it, 0 outside: float32 (n, seq_len)."""
        rows = self._checked(indices)
        out = np.empty((len(rows), self.seq_len), np.float32)
        for shard, local, places in self._opened(self._by_shard(rows)):
            shard.segments.fill(local, places, out, None)
        return out

    def loss_mask(self, indices: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which tokens of rows lie in loss spans: bool (n, seq_len)."""
        return self.loss_weights(indices) > 0

    def cu_seqlens(self, index: int) -> npt.NDArray[np.int32]:
        """Where the segments of a row begin, and where its last one ends: int32 (n_segments + 1,)."""
        columns, local = self._locate(int(self._checked([index])[0]))
        here = slice(columns.row_starts[local], columns.row_starts[local + 1])
        return np.append(columns.start[here], columns.n_tokens[local]).astype(np.int32)

    def __getitem__(self, index: int) -> Row:
        row = int(self._checked([index])[0])
        columns, local = self._locate(row)
        number = bisect_right(self._starts, row) - 1
        segments, labels = describe_row(columns, local, f"{self.shards[number].prefix}.arrow")
        weights = self.loss_weights([row])[0]
        return Row(
            tokens=self.shards[number].tokens[row - int(self._starts[number])],
            n_tokens=int(columns.n_tokens[local]),
            segments=segments,
            labels=labels,
            loss_mask=weights > 0,
            weights=weights,
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

    def _by_shard(self, rows: npt.NDArray[np.int64]) -> list[_Asked]:
        """The rows of each shard that is asked for, in its order, and their places in `rows`."""
        places = np.argsort(rows, kind="stable")
        rows = rows[places]
        shards = np.searchsorted(self._starts, rows, side="right") - 1
        numbers, first = np.unique(shards, return_index=True)
        bounds = [slice(*ends) for ends in pairwise([*first.tolist(), len(rows)])]
        asked = [(n, rows[here] - self._starts[n], places[here]) for n, here in zip(numbers.tolist(), bounds)]
        if self.is_remote:
            self._fetch(numbers.tolist())
        return asked

    def _opened(self, asked: list[_Asked]) -> Iterator[tuple[Shard, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """The shards in turn, with their rows and places; those used longest ago are closed where too many are open."""
        for number, local, places in asked:
            shard = self.shards[number]
            self._open[number] = shard
            self._open.move_to_end(number)
            if len(self._open) > self._max_open:
                self._open.popitem(last=False)[1].close()
            if self._is_large:
                self._used[number] = shard
                self._rows_since_forgetting += len(local)
                if self._rows_since_forgetting > _FORGET_ROWS:
                    self._forget()
            yield shard, local, places

    def _forget(self) -> None:
        """Return the pages that rows were read from to the page cache."""
        for shard in self._used.values():
            shard.forget()
        self._used, self._rows_since_forgetting = {}, 0

    def _fetch(self, numbers: list[int]) -> None:
        """Fetch the files of remote shards that are not open, several at a time."""
        missing = [self.shards[number] for number in numbers if number not in self._open]
        if missing:
            with ThreadPoolExecutor(_CONNECTIONS, "mathmill-fetch") as pool:
                list(pool.map(Shard.fetch, missing))

    def _locate(self, row: int) -> tuple[SegmentColumns, int]:
        """The checked columns that hold a row, and its number there."""
        number = bisect_right(self._starts, row) - 1
        batch, local = divmod(row - int(self._starts[number]), BATCH_ROWS)
        key = (number, batch)
        if key in self._columns:
            self._columns.move_to_end(key)
        else:
            ((shard, _, _),) = self._opened([(number, _NO_ROWS, _NO_ROWS)])
            self._columns[key] = shard.columns(batch)
            if len(self._columns) > _OPEN_BATCHES:
                self._columns.popitem(last=False)
        return self._columns[key], local


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Ten thousand shards are a million objects in a tree; looking for cycles in it takes two thirds of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _open_local(path: Path) -> tuple[Folder, Manifest | None, list[Shard]]:
    if path.is_dir() or path.suffix == ".json":
        manifest = load(path)
        folder = path if path.is_dir() else path.parent
        return Folder(folder), manifest, _shards(manifest, str(folder))
    prefix = path.with_suffix("") if path.suffix in (".bin", ".idx", ".arrow") else path
    if not Path(f"{prefix}.bin").exists():
        raise DataError(f"{path}: neither a folder with {FILE_NAME}, nor a manifest, nor a shard")
    return Folder(prefix.parent), None, [Shard.standing_alone(prefix)]


def _remote_manifest(folder: Folder) -> Manifest:
    try:
        return parse(folder.read(FILE_NAME), folder.path(FILE_NAME))
    except FileNotFoundError:
        raise DataError(f"{folder}: there is no {FILE_NAME} in this folder") from None


def _shards(manifest: Manifest, folder: str, fetch: Any = None) -> list[Shard]:
    shards = []
    for info in manifest.shards():
        find = None if fetch is None else partial(_find, fetch, info.name, info.files)
        shards.append(Shard.of_manifest(folder, manifest, info, find))
    return shards


def _find(fetch: Any, name: str, files: Any, suffix: Suffix) -> Path:
    path: Path = fetch(f"{name}{suffix}", files[suffix])
    return path


def _groups(manifest: Manifest | None, shards: list[Shard]) -> dict[str, range]:
    if manifest is None:
        return {Path(shard.prefix).name: range(shard.rows) for shard in shards}
    groups, first = {}, 0
    for name, group in manifest.groups.items():
        rows = sum(info.rows for info in group.shards)
        groups[name] = range(first, first + rows)
        first += rows
    return groups


def _allow_open(shards: int) -> int:
    """How many shards may be open, with two files each: raises this process's limit as far as it may, as Java does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = 1 << 20 if soft == resource.RLIM_INFINITY else soft
    if 2 * shards <= soft // 4:
        return max(1, shards)
    raised = soft + 2 * min(shards, 1 << 14)  # Linux maps 65,530 files in a process
    raised = raised if hard == resource.RLIM_INFINITY else min(raised, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        return max(soft // 8, (raised - soft) // 2)
    return max(1, soft // 8)


@njit(cache=True, nogil=True)
def _copy_rows(source, rows, target, places):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        row, place = source[rows[i]], target[places[i]]
        for j in range(len(row)):  # faster than assigning the slice
            place[j] = row[j]
