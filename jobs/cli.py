"""The command line: `mathmill COMMAND`. It prints what happened in a few lines and where to look next.

Every failure is one sentence on stderr and a non-zero exit status: 2 a recipe or an argument, 3 data, 4 the machine.
Commands import what they need when they run, so that `--help` answers at once.
"""

import io
import json
import os
import sys
import tempfile
import traceback
from typing import Any

import rich_click as click
from click.exceptions import NoArgsIsHelpError

from mathmill.core.errors import MathmillError, OperationError
from mathmill.jobs.cli_catalogue import catalogue_command
from mathmill.jobs.cli_classifier import classifier
from mathmill.jobs.cli_critique import critique
from mathmill.jobs.cli_evaluate import evaluate
from mathmill.jobs.cli_mix import mix
from mathmill.jobs.cli_options import AS_JSON, CONF, ENGINE, ENVIRONMENT, MASTER, OUT, WORKERS
from mathmill.jobs.cli_shards import shards, verify_shards
from mathmill.jobs.cli_synthesize import synthesize
from mathmill.jobs.cli_train import train


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mathmill")
def cli() -> None:
    """Turn web crawl and problem collections into token shards for math language models.

    Try `mathmill demo`, then `mathmill init recipe.yaml` and `mathmill run recipe.yaml`.
    """


@cli.command()
@click.argument("path", default="recipe.yaml", type=click.Path(dir_okay=False))
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(path: str, force: bool) -> None:
    """Write a recipe to start from.

    Example: mathmill init math.yaml
    """
    from mathmill.core.errors import ConfigError
    from mathmill.jobs.example import RECIPE

    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(RECIPE)
    except FileExistsError:
        raise ConfigError(f"{path} is there already; --force replaces it") from None
    except OSError as error:
        raise OperationError(f"cannot write {path}: {_explain(error)}") from error
    click.echo(f"Wrote {path}. Edit its sources, then: mathmill plan {path} && mathmill run {path} --out runs/first")


@cli.command()
@click.argument("recipe", type=click.Path())
@OUT
@WORKERS
@ENGINE
@MASTER
@ENVIRONMENT
@CONF
@AS_JSON
def run(recipe: str, out: str | None, as_json: bool, **engine: Any) -> None:
    """Run a RECIPE; what the output folder already holds is not done again.

    Example: mathmill run recipe.yaml --out runs/first --workers 8

    On a cluster: mathmill run recipe.yaml --out s3://bucket/run --engine spark --master spark://host:7077
    """
    from mathmill.jobs.recipe import load_recipe

    checked = load_recipe(recipe)
    _run(checked, out or f"runs/{checked.name}", _engine_settings(**engine), as_json)


def _engine_settings(
    engine: str, workers: int | None, master: str | None, environment: str | None, conf: tuple[str, ...]
) -> Any:
    from mathmill.core.errors import ConfigError
    from mathmill.jobs.engines import EngineSettings

    pairs = [item.partition("=") for item in conf]
    if wrong := [item for item, (key, equals, _) in zip(conf, pairs, strict=True) if not key or not equals]:
        raise ConfigError(f"--conf {wrong[0]}: it should be KEY=VALUE")
    given = {"--master": master, "--environment": environment, "--conf": conf}
    if engine == "local" and (useless := [name for name, value in given.items() if value]):
        raise ConfigError(f"{useless[0]} says nothing to the local engine; name another one with --engine")
    return EngineSettings(
        name=engine,
        workers=workers,
        master=master,
        environment=environment,
        conf={key: value for key, _, value in pairs},
    )


@cli.command()
@OUT
@WORKERS
@click.option("--train/--no-train", "trains", default=True, help="Go on to a small model and its evaluation.")
@AS_JSON
def demo(out: str | None, workers: int | None, trains: bool, as_json: bool) -> None:
    """Run the main job on the bundled example crawl, from WARC to verified shards, and train a small model on them.

    Example: mathmill demo --out demo-out
    """
    from mathmill.jobs.engines import EngineSettings
    from mathmill.jobs.example import demo_recipe

    settings = EngineSettings(workers=workers)
    _run(demo_recipe(), out or "demo-out", settings, as_json, verify=True, trains=trains)


def _run(recipe: Any, out: str, engine: Any, as_json: bool, verify: bool = False, trains: bool = False) -> None:
    from rich.console import Console

    from mathmill.core.collector import relax_collector
    from mathmill.jobs.console import JsonWatcher, Watcher, funnel_lines, shard_lines, summary_json
    from mathmill.jobs.formulas import formula_lines
    from mathmill.jobs.run import run_recipe

    relax_collector()
    watcher = JsonWatcher() if as_json else Watcher(Console(stderr=True))
    with watcher.showing():
        finished = run_recipe(recipe, out, progress=watcher, engine=engine)
    summary = finished.summary
    if as_json:
        trained = _train_demo(finished, as_json) if trains else {}
        handed = {"train": _hand_over(finished, as_json)} if finished.training is not None else {}
        click.echo(json.dumps({**summary_json(summary), **trained, **handed}, ensure_ascii=False))
    else:
        parts = (funnel_lines(summary), formula_lines(summary.formulas), shard_lines(summary))
        click.echo("\n".join(line for part in parts if part for line in ("", *part)))
    if not summary.documents.num_rows and not summary.problems.num_rows:
        reasons = "its README.md counts the reasons, quarantine/ holds the errors"
        click.echo(f"mathmill: nothing came out of this run; {reasons}: {finished.run}", err=True)
    if verify and summary.shards is not None:
        verify_shards(f"{out}/shards", as_json=False, quiet=as_json)
    if not as_json and trains:
        _train_demo(finished, as_json)
    if not as_json and finished.training is not None:
        _hand_over(finished, as_json)
    if not as_json:
        click.echo(f"\nThe report:    {finished.run.path('report.html')}")
        click.echo(f"The documents: {finished.run.path('documents')}, read with pyarrow, Spark or DuckDB")
        if summary.shards is not None:
            click.echo(f"The shards:    mathmill shards show {finished.run.path('shards')}")
        click.echo(f"One record:    mathmill trace ID {finished.run}")


def _train_demo(finished: Any, as_json: bool) -> dict[str, Any]:
    """Train and evaluate on the demo's shards, where that can be done here; returns the figures."""
    from dataclasses import asdict

    from mathmill.jobs.demo_training import train_demo, why_not

    if reason := why_not(str(finished.run)):
        click.echo(f"\n{reason}", err=as_json)
        return {}
    if not as_json:
        click.echo("\nNow a small model learns from these shards", err=True)
    trained = train_demo(finished, shown=not as_json)
    if not as_json:
        click.echo("\n".join(["", *trained.lines()]))
    return {"training": asdict(trained)}


def _hand_over(finished: Any, as_json: bool) -> dict[str, Any]:
    """Say how to train on the shards as the recipe asks, and do so where it says that; returns the plan."""
    from mathmill.jobs.hand_off import finish
    from mathmill.jobs.report import write_report
    from mathmill.jobs.training_section import training_section
    from mathmill.train_hooks.hook import describe

    planned = finished.training
    if not as_json:
        click.echo("\n".join(["", *planned.lines()]))
    result = {"hook": planned.name, **describe(planned.spec)}
    if planned.launches:
        result["status"] = planned.launch(shown=not as_json)
        finish(planned, result["status"])
        if (section := training_section(planned.spec.folder)) is not None:
            write_report(finished.run, finished.summary, [section])
    return result


@cli.command()
@click.argument("recipe", type=click.Path())
@WORKERS
@AS_JSON
def plan(recipe: str, workers: int | None, as_json: bool) -> None:
    """Say what a RECIPE will take: tasks, bytes and, from a sample, documents, tokens and minutes.

    Example: mathmill plan recipe.yaml
    """
    from mathmill.jobs.catalogue import source_notices
    from mathmill.jobs.estimate import estimate
    from mathmill.jobs.recipe import load_recipe

    checked = load_recipe(recipe)
    for sentence in source_notices(checked.sources):
        click.echo(f"mathmill: {sentence}", err=True)
    result = estimate(checked, workers or os.cpu_count() or 1)
    click.echo(json.dumps(result.to_json(), ensure_ascii=False) if as_json else "\n".join(result.lines()))


@cli.command()
@click.argument("out", type=click.Path())
@AS_JSON
def verify(out: str, as_json: bool) -> None:
    """Check every checksum and count of a run folder OUT, and its shards.

    Example: mathmill verify runs/first
    """
    from mathmill.jobs.check import verify_run

    result = verify_run(out)
    click.echo(json.dumps(result.to_json()) if as_json else "\n".join(result.lines()))
    if not result.ok:
        sys.exit(1)


@cli.command()
@click.argument("record_id")
@click.argument("out", type=click.Path(), default="demo-out")
@AS_JSON
def trace(record_id: str, out: str, as_json: bool) -> None:
    """Follow one record of the run folder OUT: where it came from, what became of it and why.

    Example: mathmill trace 3f6c… runs/first
    """
    from mathmill.jobs.trace import trace_record

    found = trace_record(record_id, out)
    click.echo(json.dumps(found.to_json(), ensure_ascii=False) if as_json else "\n".join(found.lines()))


@cli.command()
@ENGINE
@MASTER
@ENVIRONMENT
@CONF
@OUT
@AS_JSON
def doctor(engine: str, master: str | None, environment: str | None, conf: tuple[str, ...], **rest: Any) -> None:
    """Check this machine: Python, packages, memory, temporary space, Java, S3 credentials; with --engine spark also
    the machines of the cluster: versions, memory, temporary space, and whether they see --out.

    Example: mathmill doctor --engine spark --master spark://host:7077 --out s3://bucket/run
    """
    from mathmill.jobs.doctor import examine, examine_cluster

    checks = examine()
    if engine == "spark":
        checks += examine_cluster(_engine_settings(engine, None, master, environment, conf), rest["out"])
    if rest["as_json"]:
        click.echo(json.dumps([check.to_json() for check in checks]))
    else:
        for check in checks:
            click.echo(f"{check.state:<8}{check.name:<20}{check.detail}")
    if any(check.state == "broken" for check in checks):
        sys.exit(4)


@cli.command("pack-environment")
@click.argument("archive", type=click.Path(dir_okay=False))
@click.option("--untried", is_flag=True, help="Do not run the demo from it first (a minute or two).")
def pack_environment(archive: str, untried: bool) -> None:
    """Pack mathmill and all it needs into ARCHIVE (.tar.gz), for a cluster's machines that have Python and Spark only.

    Example: mathmill pack-environment mathmill.tar.gz, then mathmill run … --environment mathmill.tar.gz
    """
    from pathlib import Path

    from mathmill.jobs.environment import pack_environment

    packed = pack_environment(Path(archive), try_out=not untried)
    click.echo(f"Wrote {archive}: {len(packed)} packages, {os.path.getsize(archive) / 1e6:,.0f} MB")


@cli.command("submit-script")
def submit_script() -> None:
    """Print the path of the application for spark-submit.

    Example: spark-submit --master yarn "$(mathmill submit-script)" recipe.yaml --out s3://bucket/run
    """
    import importlib.util

    spec = importlib.util.find_spec("mathmill.jobs.submit")
    click.echo(spec.origin if spec is not None else "")


cli.add_command(catalogue_command)
cli.add_command(classifier)
cli.add_command(critique)
cli.add_command(evaluate)
cli.add_command(mix)
cli.add_command(shards)
cli.add_command(synthesize)
cli.add_command(train)


def main() -> None:
    """Run the command line; no traceback reaches the terminal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what the terminal's charset lacks is shown as \\u…
            stream.reconfigure(errors="backslashreplace")
    try:
        cli(standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "mathmill"
        _fail(f"{error.format_message().rstrip('.')}; {command} --help says what is possible", error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except click.Abort:
        _fail("stopped; the same command goes on from here", 130)
    except KeyboardInterrupt:
        _fail("stopped; the same command goes on from here", 130)
    except BrokenPipeError:
        sys.stdout = None  # the reader of our output has gone; nothing to say to nobody
        sys.exit(0)
    except MathmillError as error:
        if detail := getattr(error, "detail", ""):
            _fail(f"{error}; {_keep(detail)}", error.exit_code)
        _fail(str(error), error.exit_code)
    except OSError as error:
        what = f"cannot use {error.filename}" if error.filename else "cannot read or write"
        _fail(f"{what}: {_explain(error)}; {_keep(traceback.format_exc())}", OperationError.exit_code)
    except Exception as error:
        _fail(f"{type(error).__name__}: {error}; this is a defect, {_keep(traceback.format_exc())}", 1)


def _fail(sentence: str, status: int) -> None:
    click.echo(f"mathmill: {' '.join(sentence.splitlines())}", err=True)
    sys.exit(status)


def _explain(error: OSError) -> str:
    from mathmill.core.storage import explain

    return explain(error)


def _keep(detail: str) -> str:
    """Write a traceback where it can be found, and say where."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="mathmill-error-", suffix=".log")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(detail)
    except OSError as error:
        return f"the details could not be kept: {_explain(error)}"
    return f"the details are in {name}"


if __name__ == "__main__":
    main()
