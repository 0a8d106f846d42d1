"""`mathmill evaluate`: a model's answers to benchmarks, graded, counted and compared."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click

from mathmill.core.errors import ConfigError
from mathmill.jobs.cli_options import AS_JSON


def _numbers(_: click.Context, option: click.Parameter, value: str) -> tuple[int, ...]:
    """The numbers of "0,4"."""
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", value):
        raise click.BadParameter(f"{value} should be numbers with commas between, such as 0,4", param=option)
    return tuple(int(part) for part in value.split(","))


@click.command()
@click.argument("model", required=False)
@click.option("--benchmarks", metavar="NAME,…", help="Names (--list shows them) or files (.jsonl, .parquet, …).")
@click.option("--list", "lists", is_flag=True, help="Show what benchmark names mean.")
@click.option("--data", type=click.Path(), help="Folder of benchmark files (default: MATHMILL_BENCHMARKS).")
@click.option("--out", type=click.Path(), help="Output folder, local (default: evaluations/MODEL).")
@click.option(
    "--shots", callback=_numbers, default="0,4", show_default=True, help="Numbers of worked examples; a pass for each."
)
@click.option("--limit", type=click.IntRange(min=1), help="So many items of each benchmark, drawn by --seed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw, and of sampling.")
@click.option("--endpoint", metavar="URL", help="OpenAI-compatible server, up to and with /v1.")
@click.option("--model", "served", metavar="NAME", help="What the server calls the model (default: MODEL).")
@click.option("--in-flight", type=click.IntRange(1, 20_000), default=64, show_default=True, help="Requests at a time.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=1024, show_default=True, help="Of an answer.")
@click.option("--temperature", type=click.FloatRange(min=0), default=0.0, show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="Answers at a time, here.")
@click.option("--dtype", default="auto", show_default=True, help="Of the model, here: float32, bfloat16, float16.")
@click.option("--device", default="auto", show_default=True, help="Of the model, here: cpu, cuda, cuda:1 …")
@click.option(
    "--template",
    type=click.Choice(["auto", "chat", "raw"]),
    default="auto",
    show_default=True,
    help="Chat, or raw text for base models; auto looks for a chat template in the model's files.",
)
@click.option("--programs", is_flag=True, help="Ask for Python programs and run them in the sandbox.")
@click.option("--labels/--no-labels", default=True, help="Label difficulty and school stage where the file does not.")
@click.option("--second-grader/--no-second-grader", default=True, help="Ask math-verify about every answer too.")
@click.option("--baseline", type=click.Path(), help="Output folder of another evaluation, to compare with.")
@AS_JSON
def evaluate(model: str | None, benchmarks: str | None, lists: bool, baseline: str | None, **options: Any) -> None:
    """Ask MODEL (a folder, a .gguf file or a server's address) the problems of benchmarks, and grade its answers.

    Example: mathmill evaluate runs/cpt/model --benchmarks gsm8k,math,gaokao,zhongkao --data benchmarks/

    On a server: mathmill evaluate qwen --endpoint http://localhost:8000/v1 --benchmarks gsm8k. Two models:
    --baseline evaluations/OTHER. The same command goes on where it was stopped.
    """
    if lists:
        click.echo("\n".join(_list_lines()))
        return
    config = _model(model, **options)
    if not benchmarks:
        raise ConfigError("--benchmarks is missing: names such as gsm8k,math (--list shows them) or files")
    out = _out(options["out"], config)
    _check_baseline(baseline)
    results = _evaluate(config, benchmarks, out, options)
    comparison = _compare(baseline, out, results)
    if options["as_json"]:
        compared = {} if comparison is None else {"comparison": comparison.to_json()}
        click.echo(json.dumps({**results, **compared}, ensure_ascii=False))
        return
    from mathmill.train_hooks.evaluation.evaluate import ANSWERS, DISAGREEMENTS
    from mathmill.train_hooks.evaluation.summary import comparison_lines, result_lines

    lines = [*result_lines(results), *(["", *comparison_lines(comparison)] if comparison else [])]
    lines += ["", f"The page:    {out / 'evaluation.html'}", f"The answers: {out / ANSWERS}"]
    if any(p["disagreements"] for benchmark in results["benchmarks"] for p in benchmark["passes"]):
        lines.append(f"To look at:  {out / DISAGREEMENTS}, where two graders disagree")
    click.echo("\n".join(lines))


def _model(model: str | None, endpoint: str | None, served: str | None, **options: Any) -> Any:
    """How the model is asked."""
    from pydantic import ValidationError

    from mathmill.core.generation import ModelConfig

    if model is None and endpoint is None:
        raise ConfigError("MODEL is missing: a folder, a .gguf file, or the address of a server")
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise ConfigError(f"--endpoint {endpoint}: it should begin with http:// or https://")
    is_url = model is not None and model.startswith(("http://", "https://"))
    url = endpoint or model or ""
    name = served or (model if endpoint is not None and not is_url else "")
    if (endpoint or is_url) and not name:
        raise ConfigError("--model is missing: the name that the server knows the model by")
    settings = {"batch_size": options["batch_size"], "dtype": options["dtype"], "device": options["device"]}
    try:
        return ModelConfig(url=url, model=name or "", max_in_flight=options["in_flight"], **settings)
    except ValidationError as error:
        raise ConfigError(f"the model cannot be used: {error.errors()[0]['msg']}") from None


def _out(out: str | None, config: Any) -> Path:
    from mathmill.train_hooks.evaluation.evaluate import model_name

    if out is None:
        return Path("evaluations", re.sub(r"[^\w.-]+", "_", model_name(config)))
    if "://" in out:
        raise ConfigError(f"--out {out}: answers go to a local folder")
    return Path(out)


def _evaluate(config: Any, benchmarks: str, out: Path, options: dict[str, Any]) -> dict[str, Any]:
    from mathmill.train_hooks.evaluation.evaluate import Evaluation, Labeller, evaluate

    labeller: Labeller | None = None
    if options["labels"]:
        from mathmill.jobs.evaluation_labels import label_items

        labeller = label_items
    kept = ("data", "shots", "limit", "seed", "max_tokens", "temperature", "template", "programs", "second_grader")
    names = [name.strip() for name in benchmarks.split(",") if name.strip()]
    settings = Evaluation(benchmarks=tuple(names), **{key: options[key] for key in kept})
    with _progress(options["as_json"]) as progress:
        return evaluate(config, settings, out, labeller, progress)


@contextmanager
def _progress(as_json: bool) -> Iterator[Any]:
    """A bar on a terminal; else a line for every tenth of the answers."""
    if as_json or not sys.stderr.isatty():

        def report(done: int, total: int) -> None:
            if done * 10 // total > (done - 1) * 10 // total:
                line = {"event": "answers", "done": done, "total": total}
                click.echo(json.dumps(line) if as_json else f"answers: {done:,} of {total:,}", err=True)

        yield report
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description:<16}"), *columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("answers")
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _check_baseline(baseline: str | None) -> None:
    if baseline is not None:
        from mathmill.train_hooks.evaluation.compare import load_results

        load_results(baseline)  # before hours of work


def _compare(baseline: str | None, out: Path, results: dict[str, Any]) -> Any:
    """Compare, and write the page."""
    from mathmill.core.storage import Folder
    from mathmill.jobs.evaluation_page import evaluation_page
    from mathmill.train_hooks.evaluation.compare import compare

    comparison = None
    if baseline is not None:
        comparison = compare(baseline, out)
        Folder(out).write("comparison.json", json.dumps(comparison.to_json(), ensure_ascii=False).encode())
    Folder(out).write("evaluation.html", evaluation_page(results, comparison).encode("utf-8", "replace"))
    return comparison


def _list_lines() -> list[str]:
    from mathmill.train_hooks.evaluation.benchmarks import registry

    entries = registry()
    lines = []
    for name, entry in entries.items():
        where = " + ".join(entry.parts) if entry.parts else f"{entry.local} ({entry.license})"
        lines.append(f"{name:<18}{where}\n{'':<18}{entry.title}")
    return lines
