"""Who works in a run folder: several runs of one recipe may (the ledger keeps them apart), of two recipes may not.

Local folders are locked with flock, which vanishes with the process, however it ends. On object stores there is no
such lock; there the ledger alone decides, and nothing that a running recipe could need is removed.
"""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mathmill.core.errors import OperationError
from mathmill.core.storage import Folder, operating

_TEMPORARY = ".tmp"


@contextmanager
def working_in(run: Folder, recipe_digest: str) -> Iterator[Path]:
    """Lock a run folder for a recipe and give a scratch folder on the same disk; both are released at the end.

    Raises OperationError where another recipe is at work in the folder. Scratch folders whose run was killed are
    removed.
    """
    if not run.is_local:
        with tempfile.TemporaryDirectory(prefix="mathmill-") as folder:
            yield Path(folder)
        return
    with ExitStack() as stack:
        with operating(f"cannot write in {run}"):
            temporary = Path(run.root) / _TEMPORARY
            temporary.mkdir(parents=True, exist_ok=True)
            _lock(stack, temporary / f"{recipe_digest}.lock", fcntl.LOCK_SH)
            for other in temporary.glob("*.lock"):
                if other.stem != recipe_digest and not _is_free(other):
                    raise OperationError(
                        f"another run with a different recipe is at work in {run}; wait for it or choose another --out"
                    )
            _remove_dead(temporary)
            scratch = temporary / uuid.uuid4().hex
            unlocked = temporary / f"new-{scratch.name}"  # not yet to be seen by `_remove_dead`
            unlocked.mkdir()
            _lock(stack, unlocked / "alive", fcntl.LOCK_EX)
            unlocked.rename(scratch)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _lock(stack: ExitStack, path: Path, kind: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    stack.callback(os.close, descriptor)
    fcntl.flock(descriptor, kind)


def _is_free(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _remove_dead(temporary: Path) -> None:
    for scratch in temporary.iterdir():
        alive = scratch / "alive"
        if scratch.is_dir() and not scratch.name.startswith("new-") and alive.exists() and _is_free(alive):
            shutil.rmtree(scratch, ignore_errors=True)
