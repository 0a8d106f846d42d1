"""Folders on any file system that fsspec knows, with the two operations that keep runs whole.

`publish` makes a finished local file appear under its name in one step (rename, or one upload), never half-written;
`create` lets exactly one writer win a name (a hard link, or a conditional put on object stores). What is read from a
store is compared with the size and checksum that it should have, since s3fs takes a short answer for the end of a file.
All other I/O of mathmill goes through here, so that errors of disks and networks become one clear sentence.
"""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from mathmill.core.config import file_digest, refuse_secrets
from mathmill.core.errors import ConfigError, OperationError
from mathmill.core.faults import explain, operating, retry, writing
from mathmill.core.remote import PART_BYTES, RemoteFile, filesystem, is_s3, read_file

__all__ = ["Folder", "explain", "operating", "retry", "writing"]


class WrongContent(OperationError):
    """A file is there, but its content is not what its ledger entry says."""


_FETCHES = 4  # copies of a file that may be wrong before the file itself is taken to be


class Folder:
    """A folder that a run reads and writes: a local path or a URL such as `s3://bucket/run`."""

    def __init__(self, url: str | Path) -> None:
        try:
            str(url).encode()
            refuse_secrets(str(url))
        except UnicodeEncodeError as error:
            raise ConfigError(f"cannot use {str(url)!r}: the path is not valid UTF-8") from error
        except ValueError as error:
            raise ConfigError(str(error)) from None  # without the URL
        try:
            self.fs, root = filesystem(str(url))
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
        with operating(f"cannot read {self.path(name)}"):
            return read_file(self.fs, f"{self.root}/{name}")

    @contextmanager
    def open(self, name: str) -> Iterator[Any]:
        """Open a file for reading: a memory map where it is local, else a file object that reads ranges."""
        with operating(f"cannot read {self.path(name)}"):
            path = f"{self.root}/{name}"
            file = pa.memory_map(path) if self.is_local else RemoteFile(self.fs, path)
        with file:
            yield file

    def exists(self, name: str) -> bool:
        """Say whether a file is there now (listings are not cached)."""
        path = f"{self.root}/{name}"
        self.fs.invalidate_cache(path)
        with operating(f"cannot read {self.path(name)}"):
            return bool(retry(lambda: self.fs.exists(path)))

    def names(self) -> list[str]:
        """List the files directly in this folder, sorted; empty where the folder does not exist."""
        return self._list("file")

    def folders(self) -> list[str]:
        """List the folders directly in this folder, sorted; empty where the folder does not exist."""
        return self._list("directory")

    def _list(self, kind: str) -> list[str]:
        self.fs.invalidate_cache(self.root)
        try:
            with operating(f"cannot list {self}"):
                infos = retry(lambda: self.fs.ls(self.root, detail=True))
        except FileNotFoundError:
            return []
        paths = [info["name"].rstrip("/") for info in infos if info["type"] == kind]
        return sorted(path.rsplit("/", 1)[1] for path in paths if path != self.root)

    def publish(self, local: Path, name: str) -> None:
        """Make a finished local file appear as `name`, whole or not at all; an older one is replaced."""
        with writing(f"cannot write {self.path(name)}"):
            if self.is_local:
                _publish_locally(local, Path(self.root) / name)
            else:
                parts = {"chunksize": PART_BYTES} if is_s3(self.fs) else {}
                retry(lambda: self.fs.put_file(str(local), f"{self.root}/{name}", **parts))

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
        """Write a small file unless it is there already; returns whether it now holds this call's data.

        Local: a hard link from a finished temporary file, which fails when the name is taken, so that no reader ever
        sees half an entry. Object stores: a conditional put; when the name is taken, the content says by whom, since
        the answer to an earlier attempt of ours may have been lost on the way.
        """
        with writing(f"cannot write {self.path(name)}"):
            if not self.is_local:
                return self._create_object(f"{self.root}/{name}", data)
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

    def _create_object(self, path: str, data: bytes) -> bool:
        def attempt() -> bool:
            try:
                self.fs.pipe_file(path, data, mode="create")
            except OSError as error:
                if not _is_taken(error):
                    raise
                try:
                    return read_file(self.fs, path) == data
                except FileNotFoundError:  # it was there, and is gone: the winner has folded it into another file
                    return False
            return True

        return retry(attempt)

    def fetch(self, name: str, local: Path, size: int, checksum: str) -> Path:
        """Return a local path of a file: itself when local, else a copy at `local`.

        size: bytes, and checksum: XXH3-128, that a copy must have. A copy that is another is fetched again;
        OperationError where none is right.
        """
        if self.is_local:
            return Path(self.root) / name
        partial = local.with_name(f"{local.name}.part")
        got = 0
        with operating(f"cannot read {self.path(name)}"):
            for _ in range(_FETCHES):
                retry(lambda: self.fs.get_file(f"{self.root}/{name}", str(partial)))
                got = partial.stat().st_size
                if size == got and checksum == file_digest(partial):
                    partial.replace(local)
                    return local
        partial.unlink()
        raise WrongContent(
            f"{self.path(name)} is not what was written: {_FETCHES} copies had another size or content ({got:,} bytes "
            f"for {size:,}); remove it and run again to make it anew"
        )

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


def _is_taken(error: OSError) -> bool:
    """Say whether a conditional put was refused since the name is taken, which s3fs tells apart on AWS only."""
    response = getattr(error.__cause__, "response", {})
    return isinstance(error, FileExistsError) or response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 412
