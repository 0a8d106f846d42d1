"""`mathmill verify`: every file that the ledger names is there, whole, and holds the rows that it should."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mathmill.core.config import file_digest
from mathmill.core.errors import DataError
from mathmill.core.ledger import FileEntry, Ledger
from mathmill.core.storage import Folder, WrongContent
from mathmill.tokenize import manifest


@dataclass
class RunCheck:
    """What `verify_run` found: problems by file name; none means that all is well."""

    files: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def lines(self) -> list[str]:
        """For people."""
        head = f"{self.files:,} files, {self.bytes:,} bytes: " + ("all whole" if self.ok else "DAMAGED")
        return [head, *self.problems]

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {"ok": self.ok, "files": self.files, "bytes": self.bytes, "problems": self.problems}


def verify_run(out: str | Path) -> RunCheck:
    """Check all files of a run folder against its ledger. Raises DataError where there is no run."""
    run = Folder(out)
    if not run.exists("run.json"):
        raise DataError(f"{out} is not a run folder: it has no run.json")
    files = [
        file for segment in segments(run) for entry in Ledger(run, segment).entries().values() for file in entry.files
    ]
    result = RunCheck(files=len(files), bytes=sum(file.bytes for file in files))
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(4) as threads:
        for problem in threads.map(lambda file: _check(run, file, Path(scratch)), files):
            if problem:
                result.problems.append(problem)
    result.problems += _check_manifest(run)
    return result


def _check_manifest(run: Folder) -> list[str]:
    """What is wrong with the shards' manifest, which no ledger entry names; their files are in the ledger."""
    name = "shards/manifest.json"
    try:
        found = manifest.parse(run.read(name), name)
    except FileNotFoundError:
        return []
    except DataError as error:
        return [f"{error}; run again to write it anew"]
    return [] if found.digest == found.compute_digest() else [f"{name}: it was edited; run again to write it anew"]


def segments(run: Folder) -> list[str]:
    """Names of the segments that a run's ledger holds."""
    return (run / "ledger").folders()


def _check(run: Folder, file: FileEntry, scratch: Path) -> str | None:
    copy = scratch / file.name.replace("/", "-")
    try:
        local = run.fetch(file.name, copy, file.bytes, file.checksum)
        if run.is_local and file_digest(local) != file.checksum:
            return f"{file.name}: its content is not what was written; remove it and run again"
        return _check_rows(file, local)
    except WrongContent:
        return f"{file.name}: its content is not what was written; remove it and run again"
    except FileNotFoundError:
        return f"{file.name}: is gone; run again to make it anew"
    finally:
        copy.unlink(missing_ok=True)


def _check_rows(file: FileEntry, local: Path) -> str | None:
    if file.name.endswith(".parquet"):
        rows = pq.read_metadata(local).num_rows
    elif file.name.endswith((".spill", ".arrow")) and file.port != "files":
        with pa.memory_map(str(local)) as source:
            reader = pa.ipc.open_file(source)
            rows = sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
    else:
        return None
    return None if rows == file.rows else f"{file.name}: holds {rows} rows, the ledger says {file.rows}"
