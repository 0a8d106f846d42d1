"""A whole run of a recipe: lock the folder, run the main job, write what people and later tools read."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mathmill.core.storage import Folder
from mathmill.jobs.engine import Progress, Unwatched
from mathmill.jobs.finish import write_card, write_file_lists, write_manifest
from mathmill.jobs.local import LocalEngine
from mathmill.jobs.lock import working_in
from mathmill.jobs.pipeline import MainJob
from mathmill.jobs.recipe import Recipe
from mathmill.jobs.report import write_report
from mathmill.jobs.summary import Summary, summarise

_PACKAGES = ("mathmill", "pyarrow", "numpy", "numba", "datatrove", "tokenizers", "selectolax", "isal")


@dataclass(frozen=True)
class Finished:
    """A finished run: where it lies and what happened in it."""

    run: Folder
    summary: Summary


def run_recipe(recipe: Recipe, out: str | Path, workers: int, progress: Progress | None = None) -> Finished:
    """Run a recipe into a folder with the embedded engine; what the folder already holds is not done again.

    workers: processes of this machine. Raises MathmillError; what is finished stays, and the same call resumes.
    """
    run = Folder(out)
    run.create_folder()
    with working_in(run, recipe.digest()) as scratch:
        run.write("run.json", json.dumps(describe(recipe), indent=2, ensure_ascii=False).encode())
        engine = LocalEngine(workers, scratch)
        try:
            job = MainJob(recipe, run, engine, progress or Unwatched())
            job.execute()
        finally:
            engine.close()
        remove_unnamed(job)
        write_file_lists(job)
        packed = write_manifest(job)
        summary = summarise(job, *(packed or (None, None)))
        write_card(run, summary)
        write_report(run, summary)
    return Finished(run, summary)


def describe(recipe: Recipe) -> dict[str, object]:
    """What `run.json` says: the recipe with its digest, and the versions that decide about bytes."""
    return {
        "recipe": recipe.model_dump(mode="json"),
        "digest": recipe.digest(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "machine": platform.machine(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def remove_unnamed(job: MainJob) -> None:
    """Remove files of earlier recipes that no ledger entry of this run names."""
    named: dict[str, set[str]] = {}
    for finished in job.finished.values():
        for sink in finished.segment.sinks.values():
            named.setdefault(sink.folder, set())
        for entry in finished.entries.values():
            for file in entry.files:
                folder, _, name = file.name.rpartition("/")
                named[folder].add(name)
    for folder, names in named.items():
        for name in (job.run / folder).names():
            if name not in names and name not in _KEPT and not name.startswith("."):
                (job.run / folder).remove(name)


_KEPT = {"_files.json", "manifest.json", "mixture.json"}
