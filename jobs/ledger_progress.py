"""Progress of a job on a cluster, read from the ledger while the driver waits for the job."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from mathmill.core.errors import MathmillError
from mathmill.core.ledger import Ledger
from mathmill.core.storage import Folder
from mathmill.jobs.engine import Progress
from mathmill.jobs.plan import Segment

_MOST_READ = 100  # entries between two looks: on an object store each is a request


@contextmanager
def follow(run: Folder, segments: Sequence[tuple[Segment, list[int]]], progress: Progress) -> Iterator[None]:
    """Tell `progress` of the tasks that finish while the body runs: segments in order, each with its tasks to do."""
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(run, segments, progress, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(
    run: Folder, segments: Sequence[tuple[Segment, list[int]]], progress: Progress, ended: threading.Event
) -> None:
    for segment, todo in segments:
        progress.begin(segment, len(todo))
        waiting = {segment.tasks[index].identity for index in todo}
        pause = 1.0 if run.is_local else 5.0
        while waiting:
            last = ended.wait(pause)
            with suppress(MathmillError):  # the job itself will say what is wrong
                _look(run, segment, waiting, progress, None if last else _MOST_READ)
            if last:
                break


def _look(run: Folder, segment: Segment, waiting: set[str], progress: Progress, most: int | None) -> None:
    """Report entries that have come."""
    names = {name.removesuffix(".json") for name in (run / "ledger" / segment.name).names()}
    found = sorted(waiting & names)[:most]
    for task in found:
        waiting.discard(task)
        if (entry := Ledger(run, segment.name).get(task)) is not None:
            progress.advance(segment, entry)
