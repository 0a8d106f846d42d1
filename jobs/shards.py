"""What the command line shows and proves of token shards; those on an object store are copied to this machine first."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mathmill.core.errors import ConfigError, DataError, MathmillError
from mathmill.core.storage import Folder
from mathmill.jobs.show_row import row_lines
from mathmill.tokenize.manifest import FILE_NAME, LabelCounts, Manifest, load, manifest_path, parse
from mathmill.tokenize.packing import Strategy
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.repack import repack as repack_shards
from mathmill.tokenize.tokenizer import Tokenizer
from mathmill.tokenize.verify import Check, VerifyReport, verify_shards


def load_info(path: str) -> Manifest:
    """The manifest of a folder of shards; DataError where there is none."""
    if "://" not in path:
        return load(path)
    try:
        return parse(Folder(path).read(FILE_NAME), path)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no {FILE_NAME} in this folder") from None


@contextmanager
def at_hand(path: str) -> Iterator[str]:
    """A local path of a folder of shards: itself, or a copy that is removed afterwards; ConfigError if it is large."""
    if "://" not in path:
        yield path
        return
    folder, manifest = Folder(path), load_info(path)
    files = {
        f"{shard.name}{suffix}": file
        for group in manifest.groups.values()
        for shard in group.shards
        for suffix, file in shard.files.items()
    }
    size = sum(file.bytes for file in files.values())
    if size > _LARGEST_COPY:
        raise ConfigError(f"{path} holds {size >> 30:,} GiB; copy it to a disk of this machine and name that folder")
    with tempfile.TemporaryDirectory(prefix="mathmill-") as copy:
        (Path(copy) / "tokenizer").mkdir()
        (Path(copy) / FILE_NAME).write_bytes(folder.read(FILE_NAME))
        for name, file in files.items():
            folder.fetch(name, Path(copy) / name, file.bytes, file.checksum)
        for name in (folder / "tokenizer").names():
            (Path(copy) / "tokenizer" / name).write_bytes((folder / "tokenizer").read(name))
        yield copy


_LARGEST_COPY = 20 << 30


def info_lines(manifest: Manifest) -> list[str]:
    """A manifest for people."""
    cuts = manifest.cuts
    lines = [
        f"{manifest.rows:,} rows of {manifest.seq_len:,} tokens ({manifest.dtype}), {manifest.utilisation:.2%} filled",
        f"{manifest.tokens:,} tokens, {manifest.supervised_tokens:,} learned; vocabulary {manifest.vocab_size:,}",
        f"tokenizer {manifest.tokenizer.name} ({manifest.tokenizer.checksum[:12]}); packed by {manifest.packing}",
        f"{cuts.records:,} records, {cuts.records_cut:,} cut ({cuts.hard_cuts:,} hard cuts); "
        f"{cuts.answers_truncated:,} of {cuts.answers:,} answers truncated",
        "",
        f"{'group':<18}{'rows':>10}{'tokens':>14}{'filled':>9}   selected by",
    ]
    for name, group in manifest.groups.items():
        lines.append(f"{name:<18}{group.rows:>10,}{group.tokens:>14,}{group.utilisation:>9.1%}   {group.selector}")
    for label, values in manifest.counts.items():
        shown = ", ".join(f"{value} {counts.tokens:,}" for value, counts in values.items())
        lines.append(f"{label + ' (tokens)':<28}{shown if len(shown) <= 72 else shown[:69] + '...'}")
    return lines


def tokenizer_of(path: str) -> Tokenizer | None:
    """The tokenizer that lies beside shards, if it does and is the manifest's."""
    folder = manifest_path(path).parent / "tokenizer"
    if not folder.is_dir():
        return None
    tokenizer = Tokenizer.load(str(folder))
    if tokenizer.digest != load(path).tokenizer.checksum:
        raise DataError(f"{folder} is not the tokenizer that the shards were made with")
    return tokenizer


def verify(path: str) -> VerifyReport:
    """Prove shards; the round trip to text is not run where no tokenizer lies beside them."""
    with at_hand(path) as local:
        try:
            tokenizer = tokenizer_of(local)
        except MathmillError as error:  # no manifest, or another tokenizer: the other checks say what else is wrong
            return VerifyReport(path, (*verify_shards(local).checks, Check("tokenizer", False, str(error))))
        checks = verify_shards(local, tokenizer).checks
        if tokenizer is None:
            checks = (*checks, Check("text", None, "the tokenizer is not beside the shards"))
        return VerifyReport(path, checks)


def repack(
    path: str, out: str, seq_len: int | None, groups: Mapping[str, str] | None, packing: Strategy | None = None
) -> tuple[Manifest, LabelCounts]:
    """Pack shards anew into the folder `out`; returns their manifest, and how much no group selected."""
    if "://" in out:
        raise ConfigError(f"cannot pack into {out}; pack into a folder of this machine and copy that")
    with at_hand(path) as local:
        old, new = load(local), repack_shards(local, out, seq_len=seq_len, groups=groups, packing=packing)
    return new, LabelCounts(
        records=old.cuts.records - new.cuts.records,
        tokens=old.tokens - new.tokens,
        supervised_tokens=old.supervised_tokens - new.supervised_tokens,
    )


def repack_lines(manifest: Manifest, left_out: LabelCounts) -> list[str]:
    """Repacked shards for people."""
    lost = f"in no group, left out: {left_out.records:,} records, {left_out.tokens:,} tokens"
    return [*info_lines(manifest), *([lost] if left_out.records else [])]


def show_lines(path: str, row: int, group: str | None) -> list[str]:
    """A row for people: its segments with their labels and text, and how much each part of it is learned."""
    with at_hand(path) as local:
        return row_lines(ShardReader(local), tokenizer_of(local), row, group)
