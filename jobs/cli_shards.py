"""`mathmill shards`: look at token shards, prove them, pack them anew, export them."""

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from mathmill.core.errors import ConfigError
from mathmill.jobs.cli_options import AS_JSON

if TYPE_CHECKING:
    from mathmill.tokenize.packing import Strategy


@click.group()
def shards() -> None:
    """Look at token shards, prove them, pack them anew, export them."""


@shards.command()
@click.argument("path", type=click.Path())
@AS_JSON
def info(path: str, as_json: bool) -> None:
    """Say what the shards at PATH hold: rows, tokens, labels, tokenizer.

    Example: mathmill shards info demo-out/shards
    """
    from mathmill.jobs.shards import info_lines, load_info

    manifest = load_info(path)
    click.echo(manifest.to_json().decode().rstrip() if as_json else "\n".join(info_lines(manifest)))


@shards.command("verify")
@click.argument("path", type=click.Path())
@AS_JSON
def verify_command(path: str, as_json: bool) -> None:
    """Prove the shards at PATH: checksums, counts, masks, other readers, round-trip to text.

    Example: mathmill shards verify demo-out/shards
    """
    verify_shards(path, as_json)


def verify_shards(path: str, as_json: bool, quiet: bool = False) -> None:
    """Print the report on shards; exit status 1 where a check failed. quiet: print it only then, to stderr."""
    from mathmill.jobs.shards import verify

    report = verify(path)
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    elif not quiet:
        click.echo("\n".join(report.lines()))
    if not report.ok:
        if quiet:
            click.echo("\n".join(report.lines()), err=True)
        sys.exit(1)


@shards.command()
@click.argument("path", type=click.Path())
@click.option("--row", type=click.IntRange(0), default=0, show_default=True, help="Which row.")
@click.option("--group", help="Take the row of this mix group.")
def show(path: str, row: int, group: str | None) -> None:
    """Print a row of the shards at PATH: its segments, labels, text, and what is not learned.

    Example: mathmill shards show demo-out/shards --row 3
    """
    from mathmill.jobs.shards import show_lines

    click.echo("\n".join(show_lines(path, row, group)))


@shards.command()
@click.argument("path", type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="Folder for the new shards.")
@click.option("--seq-len", type=click.IntRange(16, 1 << 20), help="New row length in tokens.")
@click.option("--group", "groups", multiple=True, metavar="NAME=SELECTOR", help="New mix groups; may be repeated.")
@click.option(
    "--packing",
    type=click.Choice(["best-fit-decreasing", "first-fit-decreasing", "concatenate-and-split"]),
    help="Another strategy; as before where it is left out.",
)
@AS_JSON
def repack(
    path: str, out: str, seq_len: int | None, groups: tuple[str, ...], packing: "Strategy | None", as_json: bool
) -> None:
    """Pack the shards at PATH for another length, grouping or strategy, without tokenizing again.

    Example: mathmill shards repack demo-out/shards --out packed-8k --seq-len 8192
    """
    from mathmill.jobs.shards import repack, repack_lines

    manifest, left_out = repack(path, out, seq_len, _new_groups(groups), packing)
    if as_json:
        result = manifest.model_dump(mode="json") | {"left_out": left_out.model_dump()}
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        click.echo("\n".join(repack_lines(manifest, left_out)))


@shards.command()
@click.argument("path", type=click.Path())
@click.option(
    "--to",
    required=True,
    type=click.Choice(["megatron", "arrow", "parquet", "datatrove", "messages", "verl"]),
    help="What is to read it.",
)
@click.option("--out", required=True, type=click.Path(), help="Folder for the export, on this machine.")
@click.option("--mixture", type=click.Path(), help="Take the rows in the order of this mixture.json.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Take this mix group; may be repeated.")
@click.option("--rows", metavar="A:B", help="Take the rows A to B - 1 of the order; either may be left out.")
@click.option("--tokens", metavar="N", help="End with the row that makes so many tokens, such as 7.35B.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    type=click.Choice(["position_ids", "attention_mask"]),
    help="A further column of arrow and parquet; may be repeated. attention_mask numbers the segments of a row.",
)
@AS_JSON
def export(
    path: str, to: str, out: str, mixture: str | None, groups: tuple[str, ...], columns: tuple[str, ...], **rest: Any
) -> None:
    """Export the shards at PATH, or a mixture of them, to a form that other trainers read.

    megatron: .bin and .idx for Megatron-LM and NeMo. arrow, parquet: input_ids, labels and seq_lengths of each packed
    row, for TRL, axolotl, LLaMA-Factory. datatrove: .ds for datatrove and nanotron. messages: chats as JSON Lines.
    verl: prompts with answers as Parquet.

    Example: mathmill shards export demo-out/shards --to parquet --out for-trl

    Example: mathmill shards export demo-out/shards --to megatron --mixture demo-out/shards/mixture.json --out megatron

    The folder appears when all is written. An export that was stopped starts over; an earlier export is replaced.
    """
    from mathmill.jobs.export import export_lines, export_shards
    from mathmill.tokenize.exports.rows import Selection
    from mathmill.tokenize.mixture import Mixture
    from mathmill.tokenize.mixture_config import parse_tokens

    start, stop = _range(rest["rows"] or ":")
    try:
        tokens = None if rest["tokens"] is None else parse_tokens(rest["tokens"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--tokens") from error
    selection = Selection(None if mixture is None else Mixture.load(mixture), groups, start, stop, tokens)
    result = export_shards(path, out, to, selection, columns, rest["as_json"])
    click.echo(json.dumps(result, ensure_ascii=False) if rest["as_json"] else "\n".join(export_lines(result, out)))


def _range(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"([0-9]{0,15}):([0-9]{0,15})", text)
    if match is None:
        raise click.BadParameter(f"{text!r} is not A:B, such as 0:1000 or 1000:", param_hint="--rows")
    return int(match[1] or 0), int(match[2]) if match[2] else None


def _new_groups(texts: tuple[str, ...]) -> dict[str, str] | None:
    groups: dict[str, str] = {}
    for name, selector in map(_pair, texts):
        if name in groups:
            raise ConfigError(f"--group names {name!r} twice; join their selectors, or give each group its own name")
        groups[name] = selector
    return groups or None


def _pair(text: str) -> tuple[str, str]:
    name, equals, selector = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=SELECTOR, such as hard='problems[difficulty=hard]'")
    return name, selector
