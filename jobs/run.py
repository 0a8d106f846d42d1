"""A whole run of a recipe: lock the folder, run the main job, write what people and later tools read."""

import json
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mathmill.core.errors import ConfigError, DataError, MathmillError, OperationError
from mathmill.core.ledger import Entry, Ledger
from mathmill.core.storage import Folder, operating, retry
from mathmill.jobs.catalogue import source_notices
from mathmill.jobs.check import segments
from mathmill.jobs.engine import Progress, Unwatched
from mathmill.jobs.engines import EngineSettings, open_engine
from mathmill.jobs.finish import write_card, write_file_lists, write_manifest, write_mixture
from mathmill.jobs.formulas import Formulas, alarm_lines
from mathmill.jobs.hand_off import HandOff, plan, recipe_config
from mathmill.jobs.lock import working_in
from mathmill.jobs.pipeline import MainJob, check_files
from mathmill.jobs.recipe import Recipe
from mathmill.jobs.report import write_report
from mathmill.jobs.summary import Summary, summarise
from mathmill.jobs.versions import versions
from mathmill.jobs.yaml_file import Place


@dataclass(frozen=True)
class Finished:
    """A finished run: where it lies and what happened in it."""

    run: Folder
    summary: Summary
    training: HandOff | None = None  # planned and written, where the recipe has `train:`


def run_recipe(
    recipe: Recipe,
    out: str | Path,
    workers: int = 1,
    progress: Progress | None = None,
    engine: EngineSettings | None = None,
) -> Finished:
    """Run a recipe into a folder; what the folder already holds is not done again.

    workers: processes of this machine, for the embedded engine; `engine` chooses another one. Raises MathmillError;
    what is finished stays, and the same call resumes.
    """
    check_files(recipe)
    if recipe.train is not None and "://" in str(out):
        raise ConfigError(f"`train:` reads shards of this machine, and {out} is elsewhere; leave it out of this recipe")
    watcher = progress or Unwatched()
    for sentence in source_notices(recipe.sources):
        watcher.notice(sentence)
    run = Folder(out)
    run.create_folder()
    refuse_foreign(run)
    with working_in(run, recipe.resolved_digest()) as scratch:
        run.write("run.json", json.dumps(describe(recipe), indent=2, ensure_ascii=False).encode())
        with open_engine(engine or EngineSettings(workers=workers), scratch) as opened:
            job = MainJob(recipe, run, opened, watcher)
            job.execute()
        remove_unnamed(job)
        write_file_lists(job)
        manifest = write_manifest(job)
        mixture = None
        failure: MathmillError | None = None
        try:
            mixture = write_mixture(job, manifest)
        except ConfigError as error:  # raised when the report is there, which shows what each group holds
            failure = error
        summary = summarise(job, manifest, mixture)
        write_card(run, summary)
        write_report(run, summary)
        if failure is None and recipe.formula_loss.then == "fail":
            failure = _formula_loss(summary.formulas, watcher)
        if failure is not None:
            raise failure
    return Finished(run, summary, _hand_over(recipe, run) if manifest is not None else None)


def _hand_over(recipe: Recipe, run: Folder) -> HandOff | None:
    """Write what the recipe's trainer needs into the folder `train`."""
    if recipe.train is None:
        return None
    config = recipe_config(recipe.train.hook, recipe.train.config, str(Path(run.root).absolute()))
    planned = plan(recipe.train.hook, config, _train_error)
    planned.write()
    return replace(planned, launches=recipe.train.launch)


def _train_error(place: Place, sentence: str) -> ConfigError:
    where = ".".join(str(part) for part in ("train", "config", *place))
    return ConfigError(f"{where}: {sentence}; the run is finished, only training is left")


def _formula_loss(formulas: Formulas, progress: Progress) -> DataError | None:
    """The error of a run whose recipe bears no loss of formulas; each site has been named before."""
    if not formulas.alarms:
        return None
    for line in alarm_lines(formulas):
        progress.notice(line)
    many = f" and {len(formulas.alarms) - 1:,} further sites lose" if len(formulas.alarms) > 1 else " loses"
    return DataError(
        f"{formulas.alarms[0].name}{many} more than {formulas.config.above:.1%} of the formulas found; the run is "
        "finished and its report.html shows the pages; `formula_loss: {then: warn}` accepts it"
    )


def refuse_foreign(run: Folder) -> None:
    """Raise OperationError where a folder holds what a run would replace or remove, but no run."""
    taken = [name for name in sorted([*run.names(), *run.folders()]) if name in WRITTEN]
    if taken and not run.exists("run.json"):
        raise OperationError(
            f"{run} holds something else under a name that a run writes ({taken[0]}); choose a new folder with --out"
        )


WRITTEN = {
    *("README.md", "report.html", "documents", "problems", "conversations", "dropped", "quarantine", "contamination"),
    *("tokens", "shards", "ledger", "work", "dedup-index", "train"),
}
"""What a run makes in its folder, beside run.json."""


def describe(recipe: Recipe) -> dict[str, object]:
    """What `run.json` says: the recipe with its digest, and the versions that decide about bytes."""
    return {
        "recipe": recipe.model_dump(mode="json"),
        "digest": recipe.digest(),
        "versions": versions(),
        "machine": platform.machine(),
    }


def remove_unnamed(job: MainJob) -> None:
    """Remove what earlier recipes have left: files that no ledger entry of this run names, then the ledgers of segments
    that it does not have. What no run has written stays.
    """
    named: dict[str, set[str]] = {}
    for finished in job.finished.values():
        for sink in finished.segment.sinks.values():
            named.setdefault(sink.folder, set())
        for folder, name in _files_of(finished.entries):
            named[folder].add(name)
    gone = [segment for segment in segments(job.run) if segment not in job.finished]
    earlier = {folder for segment in gone for folder, _ in _files_of(Ledger(job.run, segment).entries())}
    earlier |= {f"work/{name}" for name in (job.run / "work").folders()}
    abandoned = sorted(earlier - named.keys())
    for folder in [*named, *abandoned]:
        for name in (job.run / folder).names():
            if name not in named.get(folder, ()) and _WRITTEN.fullmatch(name):
                (job.run / folder).remove(name)
        if folder in abandoned:
            (job.run / folder).remove("_files.json")
    for segment in gone:
        # a second run of this recipe may be doing the same
        with operating(f"cannot remove the ledger of {segment}"), suppress(FileNotFoundError):
            ledger = (job.run / "ledger" / segment).root
            retry(lambda: job.run.fs.rm(ledger, recursive=True))  # noqa: B023 (called at once)


_WRITTEN = re.compile(r"[\w-]+-\d{5,}-[0-9a-f]{8,12}\.(parquet|arrow|spill|bin|idx|json)")
"""A file that a task has published."""


def _files_of(entries: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """Folder and name of every file of some tasks."""
    for entry in entries.values():
        for file in entry.files:
            folder, _, name = file.name.rpartition("/")
            yield folder, name
