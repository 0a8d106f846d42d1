"""One method of synthesis over a collection of problems, as a recipe of one source and one stage.

Going through `run_recipe` brings what runs have: resuming, the ledger, quarantine, the report. A first part of the
input (`limit`) is copied into the run's folder, so that the rest is not even read.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from mathmill.core.errors import ConfigError
from mathmill.core.request_cache import RequestCache
from mathmill.core.schemas import PROBLEM
from mathmill.core.spending import Spent
from mathmill.core.stage import OUT
from mathmill.core.storage import Folder
from mathmill.curation.readers import list_files, plan_slices, read_slice
from mathmill.curation.readers.source import COLUMNS, LABELS
from mathmill.curation.synthesis.pricing import Price, price
from mathmill.curation.synthesis.stage import Method
from mathmill.jobs.pipeline import specs_for
from mathmill.jobs.recipe import Recipe, parse_recipe
from mathmill.jobs.registry import import_class, stage_names
from mathmill.jobs.summary import Summary


def method_class(name: str) -> type[Method]:
    """The class of a method; ConfigError where this installation has none of that name."""
    if name not in stage_names():
        raise ConfigError(f"the stage {name} is not registered here; install mathmill again (pip install -e .)")
    found: Any = import_class(stage_names()[name])
    return found


def make_recipe(method: str, source: Mapping[str, Any], config: Mapping[str, Any]) -> Recipe:
    """A recipe of the problems `source` and the method with `config`; ConfigError names the wrong setting."""
    recipe = {
        "name": method,
        "sources": [{"kind": "problems", **source}],
        "problems": [{method: dict(config)}],
    }
    text = yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False)
    try:
        return parse_recipe(text.encode(), Path("recipe"))
    except ConfigError as error:
        sentence = re.sub(rf"^\S+:\d+ problems\[0\]\.{method}[.:]?\s*", "--set ", str(error))
        raise ConfigError(re.sub(r"^\S+:\d+ sources\[0\][.:]?\s*", "--input: ", sentence)) from error


def source_name(path: str) -> str:
    """A name for a source from its path, of the characters that names may have."""
    name = path.rstrip("/").rpartition("/")[2].lower()
    if name == "problems":  # of a run: named by its folder
        name = path.rstrip("/").rpartition("/")[0].rpartition("/")[2].lower()
    return re.sub(r"[^a-z0-9_-]+", "-", name.partition(".")[0]).strip("-") or "problems"


def lend_roles(method: str, config: dict[str, Any]) -> list[str]:
    """Let the teacher's model play the roles that a method needs and nobody was named for; returns these roles.

    Raises ConfigError where there is no teacher either.
    """
    needed = () if "model" in config else method_class(method).roles  # a critique may have a model of its own
    missing = [role for role in needed if "url" not in config.get(role, {})]
    if missing and "url" not in config.get("teacher", {}):
        raise ConfigError(f"{method} needs a model: give --{missing[0]} URL and --{missing[0]}-model NAME")
    config.update({role: {**config["teacher"], **config.get(role, {})} for role in missing if role != "teacher"})
    return missing


def first_problems(recipe: Recipe, limit: int | None) -> Iterator[dict[str, Any]]:
    """The problems of a recipe's source, in order, as rows of PROBLEM."""
    source = recipe.sources[0]
    slices = (part for file in list_files(source) for part in plan_slices(file, source, recipe.task_bytes))
    batches = (batch for part in slices for port, batch in read_slice(source, part) if port == OUT)
    return itertools.islice((row for batch in batches for row in batch.to_pylist()), limit)


def copy_first(recipe: Recipe, limit: int, out: str) -> dict[str, Any]:
    """Copy the first problems into the run's folder; returns the source that reads them there."""
    labels = LABELS["problems"]
    columns = (*COLUMNS["problems"], *labels)
    rows = [{name: row[name] for name in columns} for row in first_problems(recipe, limit)]
    schema = pa.schema([PROBLEM.field(name) for name in columns])
    folder = Folder(out)
    folder.create_folder()
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema), sink)
    name = f"input/first-{limit}.parquet"
    folder.write(name, sink.getvalue().to_pybytes())
    return {"path": folder.path(name), "fields": {label: label for label in labels}}


def prices(recipe: Recipe, limit: int | None, answer_tokens: int) -> list[Price]:
    """What a recipe's method would ask, by role; asks nothing."""
    (spec,) = specs_for(recipe.sources[0], recipe.problems)
    stage: Any = spec.load()
    return price(stage, first_problems(recipe, limit), answer_tokens)


@dataclass(frozen=True)
class Outcome:
    """What a run of a method came to.

    written: rows in `problems/`, with originals that were kept or scored. rejected: by reason. spent: on the cache
    folder, by purpose, restarts included.
    """

    problems: int
    made: int
    written: int
    rejected: dict[str, int]
    quarantined: int
    spent: dict[str, Spent]

    def lines(self) -> list[str]:
        """For people."""
        lines = [f"{'problems':<34}{self.problems:>10,}", f"{'made':<34}{self.made:>10,}"]
        lines += [f"{'written':<34}{self.written:>10,}"] if self.written != self.made else []
        lines += [f"{'rejected: ' + reason:<34}{count:>10,}" for reason, count in self.rejected.items()]
        lines += [f"{'quarantined':<34}{self.quarantined:>10,}"] if self.quarantined else []
        if self.spent:
            lines += ["", f"{'asked for':<34}{'calls':>10}{'tokens in':>14}{'tokens out':>14}{'US dollars':>12}"]
        for purpose, spent in sorted(self.spent.items()):
            tokens = f"{spent.prompt_tokens:>14,}{spent.completion_tokens:>14,}"
            lines.append(f"{purpose:<34}{spent.calls:>10,}{tokens}{spent.usd:>12,.2f}")
        return lines

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        spent = {purpose: vars(counts) for purpose, counts in sorted(self.spent.items())}
        counts = {
            "problems": self.problems,
            "made": self.made,
            "written": self.written,
            "quarantined": self.quarantined,
        }
        return {**counts, "rejected": self.rejected, "spent": spent}


def gather_outcome(summary: Summary, method: str, cache: str) -> Outcome:
    """Read what a finished run came to from its ledger and its cache."""
    steps = summary.of_stage(method)
    reasons: Counter[str] = sum((step.reasons for step in steps), start=Counter())
    spent: dict[str, Spent] = {}
    if Path(cache).is_dir():
        answers = RequestCache(cache)
        spent = dict(answers.account.by_purpose)
        answers.close()
    return Outcome(
        problems=sum(step.rows_in for step in steps),
        made=sum(step.facts["made"] for step in steps),
        written=summary.problems.num_rows,
        rejected=dict(reasons.most_common()),
        quarantined=sum(step.quarantined for step in summary.steps),
        spent=spent,
    )


def default_cache(out: str) -> str:
    """Where the answers of a run lie; ConfigError where its folder is no local one."""
    if "://" in out:
        raise ConfigError(f"answers are kept in a local folder, and {out} is none; name one with --cache")
    return str(Path(out).absolute() / "model-cache")
