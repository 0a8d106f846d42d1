"""Who works in a run folder: several runs of one recipe may (the ledger keeps them apart), of two recipes may not.

Local folders are locked with flock, which vanishes with the process, however it ends. On object stores a run keeps a
lease: an object under `.leases/` that it rewrites every 10 s. A run that finds another recipe's lease watches it, by no
clock but its own: a lease that changes is alive, and the newcomer gives way; one that does not for a minute belongs to
a run that died, and is removed. So two recipes never work in one folder unless a run was stopped for over a minute (a
laptop asleep) and then went on. Two that start at the same moment may both give way.
"""

import fcntl
import os
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mathmill.core.errors import OperationError
from mathmill.core.storage import Folder, operating

_TEMPORARY = ".tmp"
_LEASES = ".leases"
_BEAT = 10.0  # seconds
_LAPSE = 60.0


@contextmanager
def working_in(run: Folder, recipe_digest: str) -> Iterator[Path]:
    """Lock a run folder for a recipe and give a scratch folder, on the same disk where that is local; both are released
    at the end.

    Raises OperationError where another recipe is at work in the folder. Scratch folders whose run was killed are
    removed.
    """
    if run.is_local:
        with _locked(run, recipe_digest) as temporary, _scratch_in(temporary) as scratch:
            yield scratch
    else:
        temporary = Path(tempfile.gettempdir()) / f"mathmill-{os.getuid()}"
        with _leased(run, recipe_digest), _scratch_in(temporary) as scratch:
            yield scratch


@contextmanager
def _locked(run: Folder, recipe_digest: str) -> Iterator[Path]:
    temporary = Path(run.root) / _TEMPORARY
    with ExitStack() as stack:
        with operating(f"cannot write in {run}"):
            temporary.mkdir(parents=True, exist_ok=True)
            _lock(stack, temporary / f"{recipe_digest}.lock", fcntl.LOCK_SH)
            for other in temporary.glob("*.lock"):
                if other.stem != recipe_digest and not _is_free(other):
                    raise _busy(run)
        yield temporary


def _busy(run: Folder) -> OperationError:
    return OperationError(
        f"another run with a different recipe is at work in {run}; wait for it or choose another --out"
    )


@contextmanager
def _leased(run: Folder, recipe_digest: str) -> Iterator[None]:
    leases = run / _LEASES
    name = f"{recipe_digest}.{uuid.uuid4().hex}"
    leases.write(name, b"0")
    ended = threading.Event()
    keeper = threading.Thread(target=_keep_lease, args=(leases, name, ended), daemon=True)
    keeper.start()
    try:
        _wait_for_others(run, leases, recipe_digest)
        yield
    finally:
        ended.set()
        keeper.join()
        with suppress(OperationError):  # it lapses by itself
            leases.remove(name)


def _keep_lease(leases: Folder, name: str, ended: threading.Event) -> None:
    beat = 0
    while not ended.wait(_BEAT):
        beat += 1
        with suppress(OperationError):  # the run itself will meet a store that is down
            leases.write(name, str(beat).encode())


def _wait_for_others(run: Folder, leases: Folder, recipe_digest: str) -> None:
    """Return when no other recipe's lease is alive, those of dead runs removed; OperationError when one is."""
    seen: dict[str, tuple[bytes, float]] = {}
    while others := [name for name in leases.names() if not name.startswith(recipe_digest)]:
        for name in others:
            with suppress(FileNotFoundError):
                beat = leases.read(name)
                first, since = seen.setdefault(name, (beat, time.monotonic()))
                if beat != first:
                    raise _busy(run)
                if time.monotonic() > since + _LAPSE:
                    leases.remove(name)
        time.sleep(_BEAT / 4)


@contextmanager
def _scratch_in(temporary: Path) -> Iterator[Path]:
    """A scratch folder that later runs remove if this one is killed."""
    with ExitStack() as stack:
        with operating(f"cannot write in {temporary}"):
            temporary.mkdir(0o700, parents=True, exist_ok=True)
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
