"""The ledger: what a segment's tasks have finished, and the only commit that there is.

A task publishes its files under names made from their content, then creates its entry; the first entry wins. Readers
follow entries, never listings. When a segment ends its entries are compacted into one file, so that a run of a
million tasks does not leave a million objects.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import Field

from mathmill.core.config import Config
from mathmill.core.errors import DataError, OperationError
from mathmill.core.formula_counts import FormulaCounts
from mathmill.core.storage import Folder

_COMPACTED = "segment.json"
_THREADS = 16  # a request to a store takes 10 to 50 ms, and there may be 10,000 entries


class FileEntry(Config):
    """A file that a task wrote: `name` is relative to the run folder."""

    port: str
    name: str
    rows: int
    bytes: int
    checksum: str  # XXH3-128 of the content, 32 hex digits


class StageCounts(Config):
    """What one stage did in one task. `seconds` is its own time, without the stages before it."""

    stage: str
    rows_in: int = 0
    bytes_in: int = 0
    seconds: float = 0.0
    rows_out: dict[str, int] = Field(default_factory=dict)  # by port
    bytes_out: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)  # rows by reason of the dropped port
    facts: dict[str, int] = Field(default_factory=dict)  # what a stage counts besides rows
    formulas: FormulaCounts | None = None  # of a stage that extracts


class Entry(Config):
    """A finished task."""

    task: str  # identity, see `mathmill.jobs.plan`
    index: int
    inputs: tuple[str, ...]  # what it read, for people
    files: tuple[FileEntry, ...]
    stages: tuple[StageCounts, ...]
    seconds: float

    def of_port(self, port: str) -> list[FileEntry]:
        """The files that the task wrote for one port."""
        return [file for file in self.files if file.port == port]


class Ledger:
    """Entries of one segment of a run, in `ledger/<segment>/` of the run folder."""

    def __init__(self, run: Folder, segment: str) -> None:
        self.segment = segment
        self._folder = run / "ledger" / segment

    def entries(self) -> dict[str, Entry]:
        """All finished tasks by identity, compacted and loose ones."""
        found: dict[str, Entry] = {}
        names = [name for name in self._folder.names() if name.endswith(".json") and not name.startswith(".")]
        # The compacted file is read last: what vanishes meanwhile has gone into it. Its entries were first and win over
        # those of tasks that another run repeated later.
        with ThreadPoolExecutor(_THREADS) as threads:
            loose = list(threads.map(self._read, sorted(set(names) - {_COMPACTED})))
        for entry in [entry for entries in [*loose, self._read(_COMPACTED)] for entry in entries]:
            found[entry.task] = entry
        return found

    def _read(self, name: str) -> list[Entry]:
        try:
            data = json.loads(self._folder.read(name))
        except FileNotFoundError:  # compacted by another run after the listing
            return []
        except ValueError as error:
            raise DataError(f"{self._folder.path(name)} is damaged; remove it and run again ({error})") from error
        return [Entry.model_validate(item) for item in (data["entries"] if name == _COMPACTED else [data])]

    def get(self, task: str) -> Entry | None:
        """One task's entry, if it has finished meanwhile and is not yet compacted."""
        try:
            return Entry.model_validate_json(self._folder.read(f"{task}.json"))
        except FileNotFoundError:
            return None

    def commit(self, entry: Entry) -> bool:
        """Record a finished task; False when another attempt was first, whose files then count."""
        return self._folder.create(f"{entry.task}.json", entry.model_dump_json().encode())

    def forget(self, tasks: Sequence[str]) -> None:
        """Drop entries whose files have gone, so that their tasks run again."""
        if not tasks:
            return
        entries = self.entries()
        for task in tasks:
            entries.pop(task, None)
            self._folder.remove(f"{task}.json")
        self._write_compacted(entries)

    def compact(self, tasks: Sequence[str]) -> dict[str, Entry]:
        """Fold the entries of the segment's tasks into one file, drop all others, and return them in task order."""
        entries = self.entries()
        if any(task not in entries for task in tasks):
            raise OperationError(
                f"another run with other input worked in the same folder ({self.segment} has changed); run again"
            )
        kept = {task: entries[task] for task in tasks}
        self._write_compacted(kept)
        loose = [name for name in self._folder.names() if name != _COMPACTED and not name.startswith(".")]
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(self._folder.remove, loose))
        return kept

    def _write_compacted(self, entries: dict[str, Entry]) -> None:
        data = {"entries": [entry.model_dump(mode="json") for entry in entries.values()]}
        self._folder.write(_COMPACTED, json.dumps(data, ensure_ascii=False).encode())
