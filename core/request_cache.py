"""Every answer of a model on disk before anybody sees it, found again by what was asked.

A process appends to a file of its own, one `write` for each answer, framed by length and checksum: SIGKILL at any point
loses no answer that was written, and a torn last record is passed over. There is no fsync before the file is closed: a
power cut may take the answers of the last half minute, never older ones. A finished file gets an index beside it, 36
bytes an answer, so that opening a cache of a million answers takes 0.4 s and 50 MB (benchmarks/endpoint.py).

Several processes may share a folder; each sees what the others had answered when it opened it or called `refresh`.
"""

import fcntl
import io
import json
import os
import struct
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from mathmill.core.errors import ConfigError
from mathmill.core.request import Part
from mathmill.core.spending import Account
from mathmill.core.storage import operating, writing

_MAGIC = b"\xe6MR1"
_HEADER = struct.Struct("<4sIQ16s")  # magic, payload bytes, XXH3-64 of digest and payload, digest
_MAX_PAYLOAD = 1 << 30
_SUFFIX, _INDEX_SUFFIX = ".answers", ".index.npz"


class Place(NamedTuple):
    """Where a payload lies."""

    file: int  # number of the file in the order in which it was met
    offset: int
    size: int


class RequestCache:
    """Answers by the digest of their request, in a local folder. Safe for threads, and for processes beside each other.

    account: what the answers in the folder have cost, by purpose; kept up to date by `append` and `refresh`.
    """

    def __init__(self, folder: str | Path) -> None:
        if "://" in str(folder):
            raise ConfigError(f"cannot keep answers in {folder}: the cache must be a local folder")
        self._folder = Path(folder)
        self._lock = threading.Lock()
        self._paths: list[Path] = []
        self._scanned: dict[str, _Scan] = {}  # by file name
        self._sorted = _Sorted.merged([])
        self._recent: dict[bytes, list[Place]] = {}
        self._own: _OwnFile | None = None
        self.account = Account()
        with writing(f"cannot create the folder {folder}"):
            self._folder.mkdir(parents=True, exist_ok=True)
        self._load()

    def get(self, digest: bytes) -> tuple[Part, ...]:
        """What is known for a request: any number of parts, in order of writing."""
        with self._lock:
            places = [*self._sorted.find(digest), *self._recent.get(digest, ())]
        return tuple(part for place in places if (part := self._read(place)) is not None)

    def append(self, digest: bytes, part: Part, purpose: str, usd: float) -> None:
        """Write an answer and count what it cost. OperationError where the disk takes no more."""
        content = {**part._asdict(), "purpose": purpose, "usd": usd}
        payload = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        record = _HEADER.pack(_MAGIC, len(payload), _checksum(digest, payload), digest) + payload
        with self._lock:
            if self._own is None:
                self._own = _OwnFile(self._folder)
                self._paths.append(self._own.path)
                self._scanned[self._own.path.name] = _Scan(len(self._paths) - 1)
            offset = self._own.append(record)
            place = Place(self._scanned[self._own.path.name].file, offset + _HEADER.size, len(payload))
            self._recent.setdefault(digest, []).append(place)
            self.account.add(purpose, part.prompt_tokens, part.completion_tokens, usd)

    def refresh(self) -> None:
        """Take in what other processes have written since."""
        with self._lock:
            for path in self._files():
                scan = self._scanned.get(path.name)
                if self._own is not None and path == self._own.path:
                    continue
                if scan is None:
                    self._paths.append(path)
                    scan = self._scanned[path.name] = _Scan(len(self._paths) - 1)
                for digest, place, content in scan.grown(path):
                    self._recent.setdefault(digest, []).append(place)
                    _count(self.account, content)

    def close(self) -> None:
        """Make what this process wrote durable, with an index."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()
            with suppress(OSError):  # the next who opens the folder makes it
                _make_index(own.path)

    def __len__(self) -> int:
        """Records, a request's parts counted singly."""
        return len(self._sorted.offsets) + sum(map(len, self._recent.values()))

    def _load(self) -> None:
        indices = []
        for path in self._files():
            index = _read_index(path)
            if index is None:
                index = _make_index(path, is_kept=_is_finished(path))
            self._paths.append(path)
            number = len(self._paths) - 1
            self._scanned[path.name] = _Scan(number, index.end)
            indices.append((number, index))
            for purpose, counts in index.account.by_purpose.items():
                self.account.add(purpose, counts.prompt_tokens, counts.completion_tokens, counts.usd, counts.calls)
        self._sorted = _Sorted.merged(indices)

    def _files(self) -> list[Path]:
        with operating(f"cannot list {self._folder}"):
            return sorted(path for path in self._folder.iterdir() if path.name.endswith(_SUFFIX))

    def _read(self, place: Place) -> Part | None:
        """A part, None where its file is gone or has changed: it is asked for again."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            with open(self._paths[place.file], "rb") as file:
                file.seek(place.offset)
                content = json.loads(file.read(place.size))
            return Part(
                int(content["first"]),
                tuple(content["texts"]),
                tuple(content["finish_reasons"]),
                int(content["prompt_tokens"]),
                int(content["completion_tokens"]),
            )
        return None


class _OwnFile:
    """The file of this process, locked as long as it is written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:12]}{_SUFFIX}"
        with writing(f"cannot write {self.path}"):
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            with suppress(OSError):  # a file system without locks: others index the file when they meet it
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._end = 0

    def append(self, record: bytes) -> int:
        """Write a record at the end and say where it begins."""
        start = self._end
        with writing(f"cannot write {self.path}"):
            try:
                view = memoryview(record)
                while view:
                    view = view[os.pwrite(self._descriptor, view, self._end) :]
                    self._end = start + len(record) - len(view)
            except OSError:
                self._end = start  # what the next record overwrites
                with suppress(OSError):
                    os.ftruncate(self._descriptor, start)
                raise
        return start

    def close(self) -> None:
        """Make it durable."""
        with writing(f"cannot write {self.path}"):
            try:
                os.fsync(self._descriptor)
            finally:
                os.close(self._descriptor)


class _Scan:
    """How far a file has been read."""

    def __init__(self, file: int, end: int = 0) -> None:
        self.file, self.end = file, end

    def grown(self, path: Path) -> Iterator[tuple[bytes, Place, dict[str, Any]]]:
        """The records behind what was read before; a torn one at the end is left for the next time."""
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size <= self.end:
                return
            for digest, offset, size, content in _records(file, self.end):
                self.end = offset + size
                yield digest, Place(self.file, offset, size), content


def _records(file: io.BufferedReader, start: int) -> Iterator[tuple[bytes, int, int, dict[str, Any]]]:
    """Digest, offset and size of the payload, and its content, of each whole record from `start` on.

    Behind something damaged, the next record that fits its checksum is searched for.
    """
    position = start
    size = os.fstat(file.fileno()).st_size
    while position + _HEADER.size <= size:
        file.seek(position)
        magic, length, checksum, digest = _HEADER.unpack(file.read(_HEADER.size))
        if magic == _MAGIC and length <= min(_MAX_PAYLOAD, size - position - _HEADER.size):
            payload = file.read(length)
            if len(payload) == length and _checksum(digest, payload) == checksum:
                yield digest, position + _HEADER.size, length, json.loads(payload)
                position += _HEADER.size + length
                continue
        position = _next_magic(file, position + 1, size)


def _next_magic(file: io.BufferedReader, position: int, size: int) -> int:
    """Where the next record may begin; `size` where none does."""
    while position < size:
        file.seek(position)
        piece = file.read(1 << 20)
        found = piece.find(_MAGIC)
        if found >= 0:
            return position + found
        if len(piece) < len(_MAGIC):
            break
        position += len(piece) - len(_MAGIC) + 1
    return size


def _checksum(digest: bytes, payload: bytes) -> int:
    return xxhash.xxh3_64_intdigest(payload, seed=int.from_bytes(digest[:8], "little"))


def _count(account: Account, content: dict[str, Any]) -> None:
    account.add(content["purpose"], content["prompt_tokens"], content["completion_tokens"], content["usd"])


def _is_finished(path: Path) -> bool:
    """Whether nobody writes the file: its lock went with its process."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _Index(NamedTuple):
    """The records of one file. keys: uint64 (n, 2), digests as two numbers; offsets: int64 (n,); sizes: int64 (n,)."""

    keys: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    account: Account
    end: int  # bytes of the file that it covers


def _index_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(_SUFFIX) + _INDEX_SUFFIX)


def _make_index(path: Path, is_kept: bool = True) -> _Index:
    """Read a whole file; with `is_kept`, leave the index beside it for those who come later."""
    digests, offsets, sizes, account, end = bytearray(), [], [], Account(), 0
    with operating(f"cannot read {path}"), open(path, "rb") as file:
        for digest, offset, size, content in _records(file, 0):
            digests += digest
            offsets.append(offset)
            sizes.append(size)
            _count(account, content)
            end = offset + size
        file_size = os.fstat(file.fileno()).st_size
    keys = np.frombuffer(bytes(digests), np.uint64).reshape(-1, 2)
    index = _Index(keys, np.array(offsets, np.int64), np.array(sizes, np.int64), account, end)
    if is_kept:
        counts = {
            purpose: [spent.calls, spent.prompt_tokens, spent.completion_tokens, spent.usd]
            for purpose, spent in account.by_purpose.items()
        }
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.npz")
        try:
            with suppress(OSError):  # a folder that may only be read: others make it
                np.savez(
                    temporary,
                    keys=index.keys,
                    offsets=index.offsets,
                    sizes=index.sizes,
                    account=np.array(json.dumps(counts, ensure_ascii=False)),
                    covered=np.array([end, file_size], np.int64),
                )
                os.replace(temporary, _index_path(path))
        finally:
            temporary.unlink(missing_ok=True)
    return index


def _read_index(path: Path) -> _Index | None:
    """The index beside a file, None where there is none or the file has grown since."""
    try:
        with np.load(_index_path(path), allow_pickle=False) as arrays:
            end, file_size = map(int, arrays["covered"])
            if file_size != path.stat().st_size:
                return None
            account = Account()
            for purpose, (calls, prompt_tokens, completion_tokens, usd) in json.loads(str(arrays["account"])).items():
                account.add(purpose, prompt_tokens, completion_tokens, usd, calls)
            return _Index(arrays["keys"], arrays["offsets"], arrays["sizes"], account, end)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


class _Sorted(NamedTuple):
    """The records that were there when the cache was opened, in order of the first half of their digests."""

    keys: npt.NDArray[np.uint64]  # (n,)
    rest: npt.NDArray[np.uint64]  # (n,)
    files: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    @classmethod
    def merged(cls, indices: list[tuple[int, _Index]]) -> "_Sorted":
        """Indices of files, in order of writing, as one."""
        none = _Index(np.empty((0, 2), np.uint64), np.empty(0, np.int64), np.empty(0, np.int64), Account(), 0)
        all_indices = [index for _, index in indices] or [none]
        keys = np.concatenate([index.keys for index in all_indices])
        files = np.repeat(
            np.array([number for number, _ in indices] or [0], np.int32), [len(index.keys) for index in all_indices]
        )
        order = np.argsort(keys[:, 0], kind="stable")
        return cls(
            keys[order, 0],
            keys[order, 1],
            files[order],
            np.concatenate([index.offsets for index in all_indices])[order],
            np.concatenate([index.sizes for index in all_indices])[order],
        )

    def find(self, digest: bytes) -> list[Place]:
        """Where the records of a digest lie, in order of writing."""
        first, second = np.frombuffer(digest, np.uint64)
        start, end = np.searchsorted(self.keys, first), np.searchsorted(self.keys, first, side="right")
        return [
            Place(int(self.files[i]), int(self.offsets[i]), int(self.sizes[i]))
            for i in range(int(start), int(end))
            if self.rest[i] == second
        ]
