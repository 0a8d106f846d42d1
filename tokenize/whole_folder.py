"""Folders that appear whole or not at all: exports and repacked shards.

Files are written beside the folder and renamed at the end. What a killed process leaves there is locked by nobody, and
the next one that writes the same folder removes it and starts over.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mathmill.core.errors import OperationError
from mathmill.core.faults import KEPT
from mathmill.core.storage import writing


@contextmanager
def whole_folder(target: Path, kind: str, refuse: Callable[[Path], None]) -> Iterator[Path]:
    """A folder beside `target` that takes its place when the body has ended well.

    kind: what is written, a word for names and errors. refuse: raises OperationError where `target` may not be
    replaced; asked before and after. OperationError where another process is writing it, or it cannot be written.
    """
    try:
        with writing(f"cannot write {target}"):
            refuse(target)
            with _locked(target, kind) as work:
                yield work
                refuse(target)
                _replace(target, work)
    except OperationError as error:
        if KEPT not in str(error):
            raise
        raise OperationError(str(error).replace(KEPT, "it starts over")) from error  # unlike a run


@contextmanager
def _locked(target: Path, kind: str) -> Iterator[Path]:
    """An empty folder of this process alone, removed afterwards."""
    work = target.with_name(f".{target.name}.{kind}")
    work.mkdir(parents=True, exist_ok=True)
    lock = os.open(work, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperationError(f"{target} is being written by another {kind}; name another folder") from None
        try:
            _empty(work)
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(lock)


def _replace(target: Path, work: Path) -> None:
    old = target.with_name(f".{target.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    try:
        if target.exists():
            target.rename(old)
        work.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
