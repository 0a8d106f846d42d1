"""`mathmill synthesize`: one method of synthesis over a collection of problems, with models behind endpoints."""

import json
from typing import Any

import rich_click as click

from mathmill.core.errors import ConfigError
from mathmill.jobs.cli_options import AS_JSON, change_setting

_METHODS = (
    *("response_diversification", "query_expansion", "retrospective", "tutorship", "mixed_cot_pot", "self_instruct"),
    *("critique", "rejection_sampling", "convert"),
)


@click.command()
@click.argument("method", type=click.Choice(_METHODS), metavar="METHOD")
@click.option("--input", "problems", required=True, help="Problems: JSONL or Parquet, a folder, a glob, a URL.")
@click.option("--out", required=True, type=click.Path(), help="Output folder.")
@click.option("--teacher", metavar="URL", help="Endpoint up to and with /v1; or a model folder, run in this process.")
@click.option("--teacher-model", metavar="NAME", help="The name that the endpoint knows it by.")
@click.option("--student", metavar="URL", help="Of tutorship and sampling; else the teacher's model plays the role.")
@click.option("--student-model", metavar="NAME")
@click.option("--judge", metavar="URL", help="Of critique; else the teacher's model plays the role.")
@click.option("--judge-model", metavar="NAME")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A setting: teacher.temperature=0.9.")
@click.option(
    "--fields", multiple=True, metavar="COLUMN=FIELD", help="Where a column of the input is: solution=answer."
)
@click.option("--limit", type=click.IntRange(1), help="Take the first problems only.")
@click.option("--budget-usd", type=click.FloatRange(0, min_open=True), help="Spend no more; needs prices (--set).")
@click.option("--budget-tokens", type=click.IntRange(1), help="Use no more tokens, prompts and answers together.")
@click.option("--dry-run", is_flag=True, help="Price the run and ask nothing.")
@click.option("--answer-tokens", type=click.IntRange(1), default=512, help="Of an answer, for --dry-run.")
@click.option("--keep-originals", is_flag=True, help="Write the problems themselves, too.")
@click.option("--workers", type=click.IntRange(1, 4096), default=1, help="Processes; each asks on its own.")
@click.option("--cache", type=click.Path(), help="Local folder of all answers (default: OUT/model-cache).")
@click.option("--lang", help="Language of problems that do not say theirs: en or zh.")
@click.option("--license", "license_", metavar="TEXT", help="Of problems that do not say theirs.")
@AS_JSON
def synthesize(
    method: str,
    problems: str,
    out: str,
    changes: tuple[str, ...],
    limit: int | None,
    dry_run: bool,
    answer_tokens: int,
    workers: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Make problems of problems with METHOD; the same command goes on where it was stopped, and pays nothing twice.

    METHOD: response_diversification, query_expansion, retrospective, tutorship, mixed_cot_pot, self_instruct, critique,
    rejection_sampling or convert.

    Example: mathmill synthesize tutorship --input gsm8k.jsonl --out made --teacher http://localhost:8000/v1
    --teacher-model qwen-72b --student http://localhost:8001/v1 --student-model qwen-7b
    """
    from mathmill.jobs import synthesize as job

    config, cache = _config(method, out, changes, options)
    source = _source(problems, options)
    recipe = job.make_recipe(method, source, config)
    if dry_run:
        _show_prices(job.prices(recipe, limit, answer_tokens), answer_tokens, as_json)
        return
    if limit is not None:
        recipe = job.make_recipe(method, {**source, **job.copy_first(recipe, limit, out)}, config)
    _run(method, recipe, out, cache, workers, as_json)


def _config(method: str, out: str, changes: tuple[str, ...], options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The method's configuration, and the folder of its answers. Raises ConfigError."""
    from mathmill.jobs import synthesize as job

    config: dict[str, Any] = {}
    for role in ("teacher", "student", "judge"):
        url, name = options[role], options[f"{role}_model"]
        if url is None and name is not None:
            raise ConfigError(f"--{role}-model says nothing without --{role} URL")
        if url is not None:
            config[role] = {"url": url, **({} if name is None else {"model": name})}
            if name is None and url.startswith(("http://", "https://")):
                raise ConfigError(f"--{role}-model is missing: the name under which {url} knows the model")
    for change in changes:
        change_setting(config, change)
    for role in job.lend_roles(method, config):
        click.echo(f"mathmill: no --{role} is given; the teacher's model plays the {role}, too", err=True)
    cache = options["cache"] or job.default_cache(out)
    budget = {"max_usd": options["budget_usd"], "max_tokens": options["budget_tokens"]}
    priced = ("usd_per_million_input", "usd_per_million_output")
    roles = [config[role] for role in ("teacher", "student", "judge") if isinstance(config.get(role), dict)]
    if budget["max_usd"] is not None and not any(role.get(key) for role in roles for key in priced):
        raise ConfigError(
            "--budget-usd needs prices: --set teacher.usd_per_million_input=… and teacher.usd_per_million_output=…"
        )
    return {"keep_originals": options["keep_originals"], "cache": cache, "budget": budget, **config}, cache


def _source(problems: str, options: dict[str, Any]) -> dict[str, Any]:
    from mathmill.jobs.synthesize import source_name

    fields = {}
    for item in options["fields"]:
        column, equals, field = item.partition("=")
        if not column or not equals or not field:
            raise ConfigError(f"--fields {item}: it should be COLUMN=FIELD, such as solution=answer")
        fields[column] = field
    source = {"name": source_name(problems), "path": problems, "fields": fields}
    source |= {key: value for key, value in (("lang", options["lang"]), ("license", options["license_"])) if value}
    return source


def _show_prices(prices: list[Any], answer_tokens: int, as_json: bool) -> None:
    total = sum(price.usd for price in prices)
    if as_json:
        click.echo(json.dumps({"prices": [price._asdict() for price in prices], "usd": total}, ensure_ascii=False))
        return
    for price in prices:
        click.echo(price.line())
    click.echo(f"\nAbout {total:,.2f} US dollars if answers have {answer_tokens:,} tokens. Nothing was asked.")


def _run(method: str, recipe: Any, out: str, cache: str, workers: int, as_json: bool) -> None:
    from rich.console import Console

    from mathmill.core.collector import relax_collector
    from mathmill.jobs.console import JsonWatcher, Watcher
    from mathmill.jobs.run import run_recipe
    from mathmill.jobs.synthesize import gather_outcome

    relax_collector()
    watcher = JsonWatcher() if as_json else Watcher(Console(stderr=True))
    with watcher.showing():
        finished = run_recipe(recipe, out, workers, progress=watcher)
    outcome = gather_outcome(finished.summary, method, cache)
    if as_json:
        click.echo(json.dumps({"method": method, **outcome.to_json()}, ensure_ascii=False))
        return
    click.echo("\n".join(["", *outcome.lines()]))
    click.echo(f"\nThe problems: {finished.run.path('problems')}, a source of kind problems for any recipe")
    click.echo(f"The report:   {finished.run.path('report.html')}")
    click.echo(f"What was refused, and why: {finished.run.path('dropped')}")
