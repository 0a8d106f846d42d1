"""Pack shards anew for another row length or other groups, from the segments alone, without tokenizing again.

Records rejoin, then are cut and packed as if they came from the token store: with the groups unchanged, each shard
becomes one shard with the bytes that packing its records for the new length would have given. Rejoined records go
through a mapped file beside the output, so that memory stays that of packing one shard.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mathmill.core.errors import ConfigError, OperationError
from mathmill.tokenize.manifest import FILE_NAME, Lineage, Manifest, ShardInfo, load, manifest_path
from mathmill.tokenize.packing import MAX_CAPACITY, Strategy
from mathmill.tokenize.reader import Shard
from mathmill.tokenize.rejoin import RejoinedRecords
from mathmill.tokenize.select import Selector, assign_groups
from mathmill.tokenize.shards import write_shard
from mathmill.tokenize.store import encoded_schema
from mathmill.tokenize.whole_folder import whole_folder

SHARD_TOKENS = 1 << 28  # of a shard with new groups: 1 GiB of int32


def repack(
    shards: str | Path,
    out: str | Path,
    *,
    seq_len: int | None = None,
    groups: Mapping[str, str] | None = None,
    packing: Strategy | None = None,
    shard_tokens: int = SHARD_TOKENS,
) -> Manifest:
    """Pack the shards of a folder (or manifest) into the new folder `out`; returns its manifest.

    seq_len: new row length in tokens (default: as before). groups: name → selector of new mix groups; a record goes to
    the first that selects it, and to none otherwise (default: the groups as they are). packing: the strategy (default:
    as before). shard_tokens: size at which a
    shard of a new group is full. A tokenizer beside the shards goes along. `out` appears whole or not at all.

    Raises DataError where the shards are broken, ConfigError for a bad length or selector, OperationError where `out`
    is there already or cannot be written.
    """
    old = load(shards)
    folder, target = manifest_path(shards).parent, Path(out)
    seq_len = old.seq_len if seq_len is None else seq_len
    packing = old.packing if packing is None else packing
    if packing not in get_args(Strategy):
        raise ConfigError(f"there is no packing {packing!r}; there are {', '.join(get_args(Strategy))}")
    if not 1 <= seq_len <= MAX_CAPACITY:
        raise ConfigError(f"the row length must be from 1 to {MAX_CAPACITY:,} tokens, not {seq_len}")
    for name in groups or {}:
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ConfigError(f"{name!r} cannot name a group; use letters, digits, '_', '-' and '.'")
    with whole_folder(target, "repack", _refuse_existing) as work:
        writer = _Writer(work, old, seq_len, packing, shard_tokens)
        done = _same_groups(old, folder, writer) if groups is None else _new_groups(old, folder, writer, groups)
        manifest = Manifest.of(
            done,
            seq_len=seq_len,
            vocab_size=old.vocab_size,
            packing=packing,
            lineage=Lineage(token_store=old.lineage.token_store, repacked_from=old.digest),
            **{name: getattr(old, name) for name in _KEPT},
        )
        if (folder / "tokenizer").is_dir():
            shutil.copytree(folder / "tokenizer", work / "tokenizer")
        (work / FILE_NAME).write_bytes(manifest.to_json())
    return manifest


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise OperationError(f"{target} is there already; name a new folder for the repacked shards")


_KEPT = ("tokenizer", "chat_template", "pad_id", "bos_id", "eos_id", "rule", "recipe")

_Groups = dict[str, tuple[str, list[ShardInfo]]]


@dataclass
class _Writer:
    """Spills records to a mapped file, then packs them."""

    folder: Path
    old: Manifest
    seq_len: int
    packing: Strategy
    shard_tokens: int

    def pack(self, name: str, spill: "_Spill") -> ShardInfo:
        """Pack what was spilled as the shard `name`, and remove the spill."""
        spill.close()
        prefix = self.folder / name
        prefix.parent.mkdir(parents=True, exist_ok=True)
        with pa.memory_map(str(spill.path)) as mapped:
            info = write_shard(
                prefix,
                pa.ipc.open_file(mapped).read_all(),
                seq_len=self.seq_len,
                vocab_size=self.old.vocab_size,
                pad_id=self.old.pad_id,
                name=name,
                packing=self.packing,
            )
        spill.path.unlink()
        return info

    def spill(self, name: str) -> "_Spill":
        """A new, empty spill file."""
        return _Spill(self.folder / f".{name}.spill", encoded_schema(self.old.vocab_size))


@dataclass
class _Spill:
    path: Path
    schema: pa.Schema
    tokens: int = 0
    _writer: pa.RecordBatchFileWriter = field(init=False)

    def __post_init__(self) -> None:
        self._writer = pa.ipc.new_file(str(self.path), self.schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)
        offsets = batch.column("tokens").offsets
        self.tokens += offsets[-1].as_py() - offsets[0].as_py()

    def close(self) -> None:
        self._writer.close()


def _records(old: Manifest, folder: Path, info: ShardInfo) -> Iterator[pa.RecordBatch]:
    return RejoinedRecords.of(Shard.of_manifest(folder, old, info)).batches()


def _same_groups(old: Manifest, folder: Path, writer: _Writer) -> _Groups:
    done: _Groups = {}
    for name, group in old.groups.items():
        infos = []
        for info in group.shards:
            spill = writer.spill("shard")
            for batch in _records(old, folder, info):
                spill.write(batch)
            infos.append(writer.pack(info.name, spill))
        done[name] = (group.selector, infos)
    return done


def _new_groups(old: Manifest, folder: Path, writer: _Writer, groups: Mapping[str, str]) -> _Groups:
    """Deal the records of all shards, in order, to the groups; a group's shard is packed whenever it is full."""
    names = list(groups)
    selectors = [Selector.parse(groups[name]) for name in names]
    open_spills: dict[str, _Spill] = {}
    done: _Groups = {name: (groups[name], []) for name in names}

    def finish(name: str) -> None:
        infos = done[name][1]
        infos.append(writer.pack(f"{name}-{len(infos):05d}", open_spills.pop(name)))

    for info in old.shards():
        for batch in _records(old, folder, info):
            group = assign_groups(batch, selectors)
            for number in np.unique(group[group >= 0]).tolist():
                name = names[number]
                if name not in open_spills:
                    open_spills[name] = writer.spill(str(number))
                open_spills[name].write(pc.filter(batch, pa.array(group == number)))
                if open_spills[name].tokens >= writer.shard_tokens:
                    finish(name)
    for name in names:
        if name in open_spills:
            finish(name)
    return done
