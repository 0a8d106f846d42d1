"""`mathmill mix`: plan a mixture over shards that are packed already."""

import json
from pathlib import Path
from typing import Any

import rich_click as click

from mathmill.core.errors import ConfigError
from mathmill.jobs.cli_options import AS_JSON


@click.command()
@click.argument("shards", type=click.Path())
@click.argument("mixture", type=click.Path(dir_okay=False), required=False)
@click.option(
    "--ratio", metavar="GROUP=SHARE,…", help="Shares (math=3,problems=7) or budgets (math=7.35B,…) of groups."
)
@click.option("--total", metavar="TOKENS", help="Tokens of the whole, such as 14.7B; else as much as there is.")
@click.option("--max-repetition", type=float, help="How often each row may be seen (default 1).")
@click.option("--count", type=click.Choice(["tokens", "supervised_tokens"]), help="What shares are of.")
@click.option("--seed", type=int, help="Of the order of rows (default 0).")
@click.option("--out", type=click.Path(), help="Where the plan goes: a file .json or a folder, local or a URL.")
@AS_JSON
def mix(shards: str, mixture: str | None, ratio: str | None, out: str | None, as_json: bool, **given: Any) -> None:
    """Plan a mixture over SHARDS without packing anything again; show what is asked and what comes out.

    MIXTURE is a YAML file of what stands under `mixture:` in a recipe; options replace what it says.

    Example: mathmill mix demo-out/shards --ratio math=5,problems=5 --out demo-out/shards/mixture.json
    """
    from mathmill.jobs.mix import picture_lines, plan_over, ratio_config, read_config, table_lines
    from mathmill.jobs.shards import load_info

    if (mixture is None) == (ratio is None):
        raise ConfigError("say what to mix: a mixture file, or --ratio math=3,problems=7, one of them")
    values = {key: value for key, value in given.items() if value is not None}
    config = ratio_config(ratio, **values) if mixture is None else read_config(mixture, **values)  # type: ignore[arg-type]
    planned = plan_over(_folder(shards), load_info(shards), config)
    where = _save(planned.to_json(), out) if out is not None else None
    if as_json:
        result = planned.model_dump(mode="json") | {"table": planned.table(), "written": where}
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    click.echo("\n".join(table_lines(planned.table())))
    if picture := picture_lines(planned):
        click.echo("\n".join(["", *picture]))
    click.echo(f"\nWrote {where}" if where else "\nNothing is written; --out FILE keeps this plan")


def _folder(shards: str) -> Any:
    """The folder in which the shards' manifest lies."""
    from mathmill.core.storage import Folder

    if "://" in shards:
        return Folder(shards.rstrip("/").removesuffix("/manifest.json"))
    return Folder(shards if Path(shards).is_dir() else Path(shards).parent)


def _save(data: bytes, out: str) -> str:
    """Write a plan to a file, or as mixture.json into a folder; returns where."""
    from mathmill.core.storage import Folder

    path = out if out.endswith(".json") else f"{out.rstrip('/')}/mixture.json"
    head, _, name = path.rpartition("/")
    folder = Folder(head or ("/" if path.startswith("/") else "."))
    folder.write(name, data)
    return folder.path(name)
