"""What `mathmill shards export` does around an export: texts of the shards' run, progress, the result for people."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mathmill.core.errors import ConfigError, DataError
from mathmill.core.storage import Folder
from mathmill.jobs.shards import load_info
from mathmill.tokenize.export import NEED_TEXTS, export
from mathmill.tokenize.exports.rows import Selection
from mathmill.tokenize.exports.texts import RunTexts, Texts, TokenTexts
from mathmill.tokenize.tokenizer import Tokenizer


def export_shards(
    path: str, out: str, to: str, selection: Selection, columns: Sequence[str], as_json: bool
) -> dict[str, Any]:
    """Export shards of any file system to a local folder, with progress on stderr; returns export.json."""
    if "://" in out:
        raise ConfigError(f"cannot export to {out}; export to a folder of this machine and copy that")
    folder, _, name = path.rstrip("/").rpartition("/")
    shards = (folder or ".") if name == "manifest.json" else path
    texts = _texts(shards) if to in NEED_TEXTS else None
    with _progress(as_json) as progress:
        return export(shards, out, to, selection, texts=texts, columns=columns, progress=progress)


def _texts(shards: str) -> Callable[[Path], Texts]:
    """Where texts come from: the folder of the run in which the shards lie, else their own tokenizer."""
    manifest = load_info(shards)
    run = Folder(shards.rstrip("/").rpartition("/")[0] if "://" in shards else Path(shards).resolve().parent)
    if RunTexts.is_run(run):
        return lambda scratch: RunTexts(run, scratch)
    if manifest.chat_template is not None:
        raise ConfigError(
            f"{shards} were put into a chat template, and nothing in them says where a message ends; export them from "
            f"the folder of the run that made them: {run} holds neither problems/ nor conversations/"
        )
    if "tokenizer" not in Folder(shards).folders():
        raise ConfigError(
            f"the texts of {shards} cannot be had: there is no folder tokenizer/ beside its manifest, nor problems/ of "
            f"the run that made it in {run}; put one of them there"
        )
    tokenizer = Tokenizer.load(f"{shards}/tokenizer")
    if tokenizer.digest != manifest.tokenizer.checksum:
        raise DataError(f"{shards}/tokenizer is not the tokenizer that the shards were made with")
    return lambda _: TokenTexts(tokenizer, shards)


@contextmanager
def _progress(as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """Show rows: a bar on a terminal, else a line for each tenth, as JSON where asked for."""
    console = Console(stderr=True)
    if console.is_terminal and not as_json:
        columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(TextColumn("rows exported"), *columns, console=console) as bars:
            bar = bars.add_task("")
            yield lambda done, total: bars.update(bar, completed=done, total=total)
        return
    tenth = 0

    def say(done: int, total: int) -> None:
        nonlocal tenth
        if done * 10 // total > tenth:
            tenth = done * 10 // total
            line = json.dumps({"event": "rows", "done": done, "total": total})
            print(line if as_json else f"{done:,} of {total:,} rows exported", file=sys.stderr, flush=True)

    yield say


def export_lines(result: dict[str, Any], out: str) -> list[str]:
    """An export for people: what is in it, what is not, and how to read it."""
    counts, n_files = result["counts"], len(result["files"])
    size = sum(file["bytes"] for file in result["files"].values())
    order = "of the mixture" if result["mixture"] else f"of {', '.join(result['groups'])}"
    lines = [
        f"{counts['rows']:,} rows {order}: {counts['segments']:,} segments, {counts['tokens']:,} tokens, "
        f"{counts['targets']:,} of them learned"
    ]
    if "texts" in result:
        source = "the run" if result["texts"] == "run" else "the tokens, decoded"
        lines.append(f"{result['records_written']:,} records written, their texts from {source}")
        lines += [f"{count:,} records left out: {reason}" for reason, count in result["left_out"].items()]
    lines.append(f"{n_files:,} file{'s' * (n_files != 1)}, {size / 1e6:,.1f} MB, in {out}; export.json lists them")
    return [*lines, *(f"Read it with:  {line}" for line in result["use"])]
