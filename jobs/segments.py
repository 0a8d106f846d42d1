"""What a job has run so far: its segments on an engine, by name, with the ledger entries of their tasks."""

from dataclasses import dataclass

from mathmill.core.ledger import Entry, FileEntry
from mathmill.core.storage import Folder
from mathmill.jobs.engine import Engine, Progress
from mathmill.jobs.plan import Chain, Segment, Sink, outputs


@dataclass(frozen=True)
class Finished:
    """A segment that has run, with the ledger entries of its tasks."""

    segment: Segment
    entries: dict[str, Entry]

    def by_source(self, port: str) -> dict[str, list[FileEntry]]:
        """What it wrote to a port, by source, in task order."""
        return outputs(self.segment, self.entries, port)

    def files(self, port: str) -> list[FileEntry]:
        """The same in one list."""
        return [file for files in self.by_source(port).values() for file in files]


class Segments:
    """Runs segments on an engine; `finished` keeps them by name for what comes after, the manifest and the report."""

    def __init__(self, run: Folder, engine: Engine, progress: Progress) -> None:
        self.run, self.engine, self.progress = run, engine, progress
        self.finished: dict[str, Finished] = {}

    def map(self, segment: Segment) -> Finished:
        """Run a segment's tasks."""
        return self._keep(Finished(segment, self.engine.map(self.run, segment, self.progress)))

    def group(self, emit: Segment, reduce: Chain, sinks: dict[str, Sink]) -> tuple[Finished, Finished]:
        """Run a segment, shuffle its rows and reduce them; returns both segments."""
        emitted, (segment, reduced) = self.engine.group(self.run, emit, reduce, sinks, self.progress)
        return self._keep(Finished(emit, emitted)), self._keep(Finished(segment, reduced))

    def _keep(self, finished: Finished) -> Finished:
        self.finished[finished.segment.name] = finished
        return finished
