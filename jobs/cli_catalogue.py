"""`mathmill catalogue`: the data sets that a recipe can take by name."""

import json

import rich_click as click

from mathmill.core.errors import ConfigError
from mathmill.jobs.cli_options import AS_JSON


@click.command("catalogue")
@click.argument("name", required=False)
@AS_JSON
def catalogue_command(name: str | None, as_json: bool) -> None:
    """List the data sets that a recipe can take by name, or show one: NAME.

    Example: mathmill catalogue

    Example: mathmill catalogue gsm8k, then in a recipe: sources: [{catalogue: gsm8k}]
    """
    from mathmill.curation.readers.catalogue import catalogue, find_entry
    from mathmill.jobs.catalogue import entry_json, entry_lines, table_lines

    if name is None:
        entries = [entry_json(key, entry) for key, entry in catalogue().items()]
        click.echo(json.dumps(entries, ensure_ascii=False) if as_json else "\n".join(table_lines()))
        return
    try:
        key, entry = find_entry(name)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if as_json:
        click.echo(json.dumps(entry_json(key, entry), ensure_ascii=False))
    else:
        click.echo("\n".join(entry_lines(key, entry)))
