"""Files of shards on an object store, kept on a disk of this machine: fetched whole when first used, checked, shared.

Files are named by their content, so that all processes of a machine share one copy, and a name never means other
bytes. A copy is hashed when it is fetched, and again after anybody has touched it: its modification time says so. What
was used longest ago is removed first. A file that somebody has mapped may be removed: the mapping stays whole, and the
disk gets its space back when the last one ends.
"""

import fcntl
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mathmill.core.config import file_digest
from mathmill.core.errors import DataError, OperationError
from mathmill.core.storage import Folder, writing
from mathmill.tokenize.manifest import FileInfo

_CHECKED = 10**18  # modification time (ns) of a file that has been checked and not been touched since
_FREE_SHARE = 20  # without a limit, one part in so many of the disk stays free
_ABANDONED = 3600.0  # seconds after which an unfinished copy that does not grow belongs to a process that died


def default_path() -> Path:
    """MATHMILL_CACHE, or the platform's folder for caches."""
    if chosen := os.environ.get("MATHMILL_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mathmill"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mathmill"


class Cache:
    """A folder of fetched files. Processes and threads may use one folder at the same time.

    path: default as `default_path`. limit_bytes: what its files may hold together, copies on their way not counted;
    without a limit, a twentieth of the disk stays free.
    """

    def __init__(self, path: str | Path | None = None, limit_bytes: int | None = None) -> None:
        self.path = Path(path) if path is not None else default_path()
        self.limit_bytes = limit_bytes

    def fetch(self, folder: Folder, name: str, info: FileInfo) -> Path:
        """Return the local copy of a file of a remote folder, which has the size and checksum that `info` names.

        DataError where `info` is none; OperationError where the file is missing or other than that, where the store
        stays down, or where there is no room.
        """
        if not re.fullmatch("[0-9a-f]{32}", info.checksum):
            raise DataError(f"{folder.path(name)}: {info.checksum!r} in its manifest is no checksum")
        local = self.path / f"{info.checksum}-{info.bytes}{Path(name).suffix}"
        with writing(f"cannot use the cache {self.path}; MATHMILL_CACHE chooses another folder"):
            if self._is_checked(local, info):
                return local
            (self.path / "locks").mkdir(parents=True, exist_ok=True)
            with self._locked(info.checksum[:2]):
                if not self._is_checked(local, info) and not _is_right(local, info):
                    self._make_room(info.bytes)
                    try:
                        folder.fetch(name, local, info.bytes, info.checksum)
                    except FileNotFoundError as error:
                        raise OperationError(f"{folder.path(name)} is missing; copy the shards there again") from error
                    _touch(local)
                    self._make_room(0)  # others came meanwhile
                _touch(local)
        return local

    def capacity(self) -> int:
        """How many bytes its files may hold together, now."""
        if self.limit_bytes is not None:
            return self.limit_bytes
        with writing(f"cannot use the cache {self.path}; MATHMILL_CACHE chooses another folder"):
            self.path.mkdir(parents=True, exist_ok=True)
            held = sum(size for _, _, size in self._files())
            disk = shutil.disk_usage(self.path)
        return held + max(0, disk.free - disk.total // _FREE_SHARE)

    def _is_checked(self, local: Path, info: FileInfo) -> bool:
        """Whether the file is there and as it was when it was checked; it is now in use."""
        with suppress(FileNotFoundError):
            found = local.stat()
            if found.st_size == info.bytes and found.st_mtime_ns == _CHECKED:
                _touch(local)
                return True
        return False

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Hold a lock of this folder, against processes and threads."""
        descriptor = os.open(self.path / "locks" / name, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_room(self, size: int) -> None:
        """Remove files, longest unused first, until `size` bytes more are within the limit."""
        with self._locked("room"):
            limit, files = self.capacity(), self._files()
            if size > limit:
                raise OperationError(
                    f"the cache {self.path} may hold {limit:,} bytes, but a file has {size:,}; raise its limit or let "
                    "MATHMILL_CACHE name a folder on a larger disk"
                )
            held = sum(bytes_ for _, _, bytes_ in files)
            for _, path, bytes_ in sorted(files):
                if held + size <= limit:
                    break
                path.unlink(missing_ok=True)
                held -= bytes_

    def _files(self) -> list[tuple[int, Path, int]]:
        """When each finished file was last used, and its size; abandoned copies are removed."""
        files = []
        for path in self.path.iterdir():
            with suppress(FileNotFoundError):
                found = path.stat()
                if path.suffix == ".part" and time.time() - found.st_mtime > _ABANDONED:
                    path.unlink()
                elif path.is_file() and path.suffix != ".part":
                    files.append((found.st_atime_ns, path, found.st_size))
        return files


def _is_right(local: Path, info: FileInfo) -> bool:
    """Whether a copy that somebody has touched is still what it should be."""
    try:
        return local.stat().st_size == info.bytes and file_digest(local) == info.checksum
    except FileNotFoundError:
        return False


def _touch(local: Path) -> None:
    """Note that a checked file is in use. The time of access is set by hand, since many disks do not record it."""
    with suppress(PermissionError, FileNotFoundError):  # of another user: used, not looked after; or just evicted
        os.utime(local, ns=(time.time_ns(), _CHECKED))
