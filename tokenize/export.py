"""Exports: shards, or a mixture of them, in the forms that other trainers read.

An export appears whole or not at all: files are written beside the folder and renamed at the end, and what a killed
export leaves is removed by the next one, which starts over. `export.json` says what it was made from and what is in it,
with checksums; its tokens are counted and must be those of the manifest or mixture.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mathmill.core.config import digest, file_digest
from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.tokenize.exports.arrow import Arrow, Parquet
from mathmill.tokenize.exports.datatrove import Datatrove
from mathmill.tokenize.exports.megatron import Megatron
from mathmill.tokenize.exports.parts import Format, Job, Part, PartWriter, part_prefix
from mathmill.tokenize.exports.problems import Messages, Verl
from mathmill.tokenize.exports.rows import BATCH_TOKENS, ExportRows, RowBatch, Selection
from mathmill.tokenize.exports.texts import Texts
from mathmill.tokenize.manifest import Manifest
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.whole_folder import whole_folder

FORMATS: dict[str, Callable[[Job], Format]] = {
    "megatron": Megatron,
    "arrow": Arrow,
    "parquet": Parquet,
    "datatrove": Datatrove,
    "messages": Messages,
    "verl": Verl,
}

NEED_TEXTS = ("messages", "verl")

RECORD = "export.json"

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the rows that are done and the rows there are."""


def export(
    source: str | Path,
    out: str | Path,
    to: str,
    selection: Selection | None = None,
    *,
    texts: Callable[[Path], Texts] | None = None,
    columns: Sequence[str] = (),
    part_tokens: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Export a folder of shards to the local folder `out`; returns what its export.json holds.

    to: a name of FORMATS. selection: which rows, in which order (default: all, group after group). texts: makes, with
    the path of a scratch file, where the formats of NEED_TEXTS get their texts. columns: further ones of `arrow` and
    `parquet` (`export_arrow.FURTHER_COLUMNS`). part_tokens: the most tokens of a file (default: as the format has it).

    A folder is replaced if it holds an earlier export and nothing else. Raises ConfigError for settings that cannot be,
    DataError where shards and mixture do not fit each other, OperationError where the folder cannot be written.
    """
    selection = selection or Selection()
    if to not in FORMATS:
        raise ConfigError(f"there is no export to {to!r}; there are {', '.join(FORMATS)}")
    if columns and to not in ("arrow", "parquet"):
        raise ConfigError(f"an export to {to} has no further columns; leave them out, or export to arrow or parquet")
    if (to in NEED_TEXTS) != (texts is not None):
        raise ConfigError(f"an export to {to} {'needs' if texts is None else 'takes no'} texts")
    reader = ShardReader(source)
    manifest = reader.manifest
    if manifest is None:
        raise ConfigError(f"{source} is a single shard; name the folder with its manifest.json")
    target = Path(out).resolve()
    rows = ExportRows(reader, selection)
    with whole_folder(target, "export", _refuse_foreign) as work:
        job = Job(
            out=target,
            manifest=manifest,
            in_order=selection.mixture is not None,
            weighted=to in ("arrow", "parquet") and rows.weighted,
            texts=None if texts is None else texts(work / ".texts"),
            columns=tuple(dict.fromkeys(columns)),
        )
        form = FORMATS[to](job)
        counts, parts = _write(form, rows, work, part_tokens or form.part_tokens, progress)
        _check(counts, manifest, rows, selection)
        described = form.finish(parts)
        (work / ".texts").unlink(missing_ok=True)
        result = {
            "format": "mathmill-export",
            "version": 1,
            "to": to,
            "shards": manifest.digest,
            "mixture": None if selection.mixture is None else digest(selection.mixture),
            "groups": list(rows.names),
            "first_row": selection.start,
            "tokenizer": manifest.tokenizer.model_dump(),
            "seq_len": manifest.seq_len,
            "counts": counts,
            **described,
            "tested_with": dict(form.tested_with),
            "files": _files(work),
        }
        (work / RECORD).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


def _write(
    form: Format, rows: ExportRows, work: Path, part_tokens: int, progress: Progress | None
) -> tuple[dict[str, int], list[Part]]:
    """Write the rows into parts; returns the counts and the parts."""
    counts = dict.fromkeys(("rows", "segments", "records", "tokens", "supervised_tokens", "targets"), 0)
    parts: list[Part] = []
    current: PartWriter | None = None
    name, number, held = "", 0, 0
    prefix = work
    for batch in rows.batches(min(part_tokens, BATCH_TOKENS)):
        batch_name = batch.name if form.by_group else "train"
        if current is None or batch_name != name or held + len(batch.tokens) > part_tokens:
            if current is not None:
                current.close()
                parts.append(Part(prefix, held))
            number = number + 1 if batch_name == name else 0
            name, held = batch_name, 0
            prefix = part_prefix(work, name, number)
            current = form.open(prefix)
        current.write(batch)
        held += len(batch.tokens)
        _count(counts, batch)
        if progress is not None:
            progress(counts["rows"], len(rows))
    if current is not None:
        current.close()
        parts.append(Part(prefix, held))
    return counts, parts


def _count(counts: dict[str, int], batch: RowBatch) -> None:
    counts["rows"] += len(batch.groups)
    counts["segments"] += batch.segments.num_rows
    counts["records"] += int((batch.numbers("part") == 0).sum())
    counts["tokens"] += len(batch.tokens)
    counts["supervised_tokens"] += int(np.count_nonzero(batch.weights))
    counts["targets"] += int(batch.targets.sum())


def _check(counts: dict[str, int], manifest: Manifest, rows: ExportRows, selection: Selection) -> None:
    """Raise DataError unless the export of all rows has the numbers that the manifest or the mixture says."""
    if not selection.whole:
        return
    if selection.mixture is not None:
        expected = {"rows": selection.mixture.rows, selection.mixture.count: selection.mixture.total}
    else:
        groups = [manifest.groups[name] for name in rows.names]
        names = ("rows", "tokens", "supervised_tokens")
        expected = {name: sum(getattr(group, name) for group in groups) for name in names}
        expected["records"] = sum(group.cuts.records for group in groups)
    for name, number in expected.items():
        if counts[name] != number:
            raise DataError(
                f"{counts[name]:,} {name.replace('_', ' ')} came out where {number:,} were said to be there; "
                "see what `mathmill shards verify` finds"
            )


def _refuse_foreign(target: Path) -> None:
    """Raise OperationError where replacing `target` would remove something that no export has written."""
    if not target.exists():
        return
    if not target.is_dir():
        raise OperationError(f"{target} is a file; name a new folder for the export")
    found = {str(path.relative_to(target)) for path in target.rglob("*") if not path.is_dir()}
    try:
        record = json.loads((target / RECORD).read_bytes()) if RECORD in found else {}
        known = {RECORD, *record["files"]} if record.get("format") == "mathmill-export" else set()
    except (ValueError, AttributeError, KeyError, TypeError):
        known = set()
    if foreign := sorted(found - known):
        raise OperationError(f"{target} holds {foreign[0]}, which is of no export; name a new folder for this one")


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and checksum of every file, by its path in the folder."""
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "xxh3_128": file_digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
