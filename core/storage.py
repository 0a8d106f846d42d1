"""Folders on any file system that fsspec knows, with the two operations that keep runs whole.

`publish` makes a finished local file appear under its name in one step (rename, or one upload), never half-written;
`create` lets exactly one writer win a name (`O_EXCL`, or a conditional put on object stores: s3fs mode "xb"). All other
I/O of mathmill goes through here, so that errors of disks and networks become one clear sentence.
"""

import errno
import os
import random
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from mathmill.core.errors import ConfigError, OperationError

T = TypeVar("T")

_RETRIES = 6
_TRANSIENT = ("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "503", "500")


class Folder:
    """A folder that a run reads and writes: a local path or a URL such as `s3://bucket/run`."""

    def __init__(self, url: str | Path) -> None:
        try:
            str(url).encode()
            self.fs, root = fsspec.url_to_fs(str(url))
        except UnicodeEncodeError as error:
            raise ConfigError(f"cannot use {str(url)!r}: the path is not valid UTF-8") from error
        except (ValueError, ImportError) as error:  # an unknown protocol, or one whose package is not installed
            raise ConfigError(f"cannot use {url}: {error}") from error
        self.root: str = root.rstrip("/") or root
        self.is_local = isinstance(self.fs, LocalFileSystem)

    def __truediv__(self, name: str) -> "Folder":
        child = object.__new__(Folder)
        child.fs, child.is_local, child.root = self.fs, self.is_local, f"{self.root}/{name}"
        return child

    def __str__(self) -> str:
        return self.root if self.is_local else self.fs.unstrip_protocol(self.root)

    def path(self, name: str) -> str:
        """Full path or URL of a file in this folder."""
        return f"{self}/{name}"

    def create_folder(self) -> None:
        """Make the folder if it is not there; object stores have none to make."""
        if self.is_local:
            with writing(f"cannot create the folder {self}"):
                Path(self.root).mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> bytes:
        """Read a whole small file; FileNotFoundError where there is none."""

        def attempt() -> bytes:
            with self.fs.open(f"{self.root}/{name}", "rb") as file:
                return file.read()

        with operating(f"cannot read {self.path(name)}"):
            return retry(attempt)

    @contextmanager
    def open(self, name: str) -> Iterator[Any]:
        """Open a file for reading: a memory map where it is local, else a file object that reads ranges."""
        with operating(f"cannot read {self.path(name)}"):
            file = pa.memory_map(f"{self.root}/{name}") if self.is_local else self.fs.open(f"{self.root}/{name}", "rb")
        with file:
            yield file

    def exists(self, name: str) -> bool:
        """Say whether a file is there now (listings are not cached)."""
        self.fs.invalidate_cache()
        return bool(retry(lambda: self.fs.exists(f"{self.root}/{name}")))

    def names(self) -> list[str]:
        """List the files directly in this folder, sorted; empty where the folder does not exist."""
        self.fs.invalidate_cache()
        try:
            infos = retry(lambda: self.fs.ls(self.root, detail=True))
        except FileNotFoundError:
            return []
        return sorted(info["name"].rsplit("/", 1)[1] for info in infos if info["type"] == "file")

    def publish(self, local: Path, name: str) -> None:
        """Make a finished local file appear as `name`, whole or not at all; an older one is replaced."""
        with writing(f"cannot write {self.path(name)}"):
            if self.is_local:
                _publish_locally(local, Path(self.root) / name)
            else:
                retry(lambda: self.fs.put_file(str(local), f"{self.root}/{name}"))

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whole or not at all; an older one is replaced."""
        with writing(f"cannot write {self.path(name)}"):
            if self.is_local:
                target = Path(self.root) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
                try:
                    temporary.write_bytes(data)
                    temporary.replace(target)
                finally:
                    temporary.unlink(missing_ok=True)
            else:
                retry(lambda: self.fs.pipe_file(f"{self.root}/{name}", data))

    def create(self, name: str, data: bytes) -> bool:
        """Write a small file unless it is there already; returns whether this call won.

        Local: a hard link from a finished temporary file, which fails when the name is taken, so that no reader ever
        sees half an entry. Object stores: a conditional put.
        """
        with writing(f"cannot write {self.path(name)}"):
            if not self.is_local:
                return self._create_object(name, data)
            target = Path(self.root) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
            try:
                temporary.write_bytes(data)
                os.link(temporary, target)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)
            return True

    def _create_object(self, name: str, data: bytes) -> bool:
        try:
            with self.fs.open(f"{self.root}/{name}", "xb") as file:
                file.write(data)
        except FileExistsError:
            return False
        return True

    def fetch(self, name: str, local: Path) -> Path:
        """Return a local path of a file: itself when local, else a copy at `local`."""
        if self.is_local:
            return Path(self.root) / name
        with operating(f"cannot read {self.path(name)}"):
            retry(lambda: self.fs.get_file(f"{self.root}/{name}", str(local)))
        return local

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with operating(f"cannot remove {self.path(name)}"):
            try:
                retry(lambda: self.fs.rm_file(f"{self.root}/{name}"))
            except FileNotFoundError:
                return


def _publish_locally(local: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(local, "rb") as file:
            os.fsync(file.fileno())
        os.replace(local, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            shutil.copyfile(local, temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def retry(attempt: Callable[[], T]) -> T:
    """Call `attempt`, again after a growing, jittered pause while a store throttles or a connection breaks."""
    for number in range(_RETRIES):
        try:
            return attempt()
        except (FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError):
            raise
        except Exception as error:
            if not isinstance(error, OSError) and type(error).__module__ == "builtins":
                raise  # a defect, no answer of a store
            local_fault = getattr(error, "errno", None) in (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG)
            if local_fault or number == _RETRIES - 1 or not _is_transient(error):
                if isinstance(error, OSError):
                    raise
                raise OSError(str(error) or type(error).__name__) from error  # the SDKs of stores have their own types
            # jitter never reaches any output, only the moment of the next attempt
            time.sleep(min(20.0, 0.25 * 2**number) * random.uniform(0.5, 1.5))
    raise AssertionError("unreachable")


def _is_transient(error: Exception) -> bool:
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    return any(word in str(error) for word in _TRANSIENT)


@contextmanager
def operating(what: str) -> Iterator[None]:
    """Turn an OSError into an OperationError that says what to do; what FileNotFoundError means, the caller knows."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OperationError(f"{what}: {explain(error)}") from error


@contextmanager
def writing(what: str) -> Iterator[None]:
    """The same for writing, where a missing folder is an error like any other."""
    try:
        with operating(what):
            yield
    except FileNotFoundError as error:
        raise OperationError(f"{what}: {explain(error)}") from error


def explain(error: OSError) -> str:
    """One clause for an OSError, with what to do about it where that is known."""
    advice: dict[Any, str] = {
        errno.ENOSPC: "the disk is full; free some space and run again, finished tasks are kept",
        errno.EDQUOT: "the disk quota is used up; free some space and run again, finished tasks are kept",
        errno.EFBIG: "the file would exceed the size limit of the file system or of ulimit -f",
        errno.EROFS: "the file system is read-only; choose another output folder with --out",
        errno.EACCES: "permission denied; choose another output folder with --out or change its permissions",
        errno.EPERM: "operation not permitted; choose another output folder with --out",
        errno.ENOTDIR: "a part of this path is a file, not a folder",
        errno.EISDIR: "this is a folder, not a file",
        errno.EEXIST: "there is something else of this name",
        errno.ENOENT: "its folder has gone, or cannot be made there",
    }
    number = error.errno
    if number is None and (match := re.search(r"errno (\d+)", str(error), re.IGNORECASE)):
        number = int(match[1])  # pyarrow's own IOErrors carry it in the text only
    return advice.get(number) or error.strerror or str(error)
