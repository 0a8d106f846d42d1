"""Prove a folder of shards: that nothing in it was changed, and that it says the truth about its tokens.

Checksums and the manifest's digest find every changed byte. What the manifest and the Arrow columns claim is then
worked out again from the tokens and segments: padding, masks and their weights, parts of cut records, every count;
Megatron's and datatrove's own readers, where installed, must see the same tokens; and tokens must decode to text.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from mathmill.core.config import file_digest
from mathmill.core.errors import DataError
from mathmill.tokenize.cutting import count_cuts
from mathmill.tokenize.manifest import (
    Group,
    Manifest,
    ShardInfo,
    Totals,
    add_counts,
    load,
    manifest_path,
    share,
)
from mathmill.tokenize.peer_readers import PEER_READERS, PeerReader, evenly
from mathmill.tokenize.reader import Shard
from mathmill.tokenize.rejoin import RejoinedRecords
from mathmill.tokenize.shards import count_labels

Texts: TypeAlias = Mapping[str, str] | Callable[[str], str | None]


class Codec(Protocol):
    """What verification needs of a tokenizer (`mathmill.tokenize.tokenizer.Tokenizer` has it)."""

    def decode(self, ids: npt.ArrayLike) -> str:
        """The text of tokens."""
        ...

    def encode_batch(self, texts: Any) -> Any:
        """Encode texts: (tokens, offsets)."""
        ...


@dataclass(frozen=True)
class Check:
    """One thing that was proved, or not; `ok` is None where it could not be tried.

    detail: what was counted, the first fault, or why it was not tried.
    """

    name: str
    ok: bool | None
    detail: str


@dataclass(frozen=True)
class VerifyReport:
    """What `verify_shards` found."""

    path: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(check.ok is not False for check in self.checks)

    def lines(self) -> list[str]:
        """For people: one line a check."""
        words = {True: "ok", False: "FAILED", None: "not run"}
        return [f"{words[check.ok]:<8}{check.name:<14}{check.detail}" for check in self.checks]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"path": self.path, "ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def verify_shards(
    path: str | Path,
    tokenizer: Codec | None = None,
    *,
    sample: int | None = 64,
    texts: Texts | None = None,
) -> VerifyReport:
    """Check a folder of shards (or a manifest) as the module says; never raises for what is wrong with the shards.

    tokenizer: makes the round trip to text a check. sample: how many records of each shard go through it, evenly
    spread; None for all. texts: by record id, the text whose tokens (apart from BOS and EOS) a record must hold; a
    record without one must decode to a text that survives encoding.
    """
    where = manifest_path(path)
    try:
        manifest = load(where)
    except DataError as error:
        return VerifyReport(str(path), (Check("manifest", False, str(error)),))
    checks = [_summed("manifest", [_outcome(lambda: _check_manifest(manifest, where))], _PROVED["manifest"])]
    shards = [_ShardChecks(manifest, where.parent, info) for info in manifest.shards()]
    steps: dict[str, Callable[[_ShardChecks], int]] = {
        "files": _ShardChecks.files,
        "rows": _ShardChecks.rows,
        "padding": _ShardChecks.padding,
        "index": _ShardChecks.index,
        "counts": _ShardChecks.counts,
    }
    proved, not_run = dict(_PROVED), []
    for peer in PEER_READERS:
        try:
            reader = peer.load()
        except Exception as error:  # not installed, or not fit for what else is
            not_run.append(Check(peer.name, None, str(error)))
        else:
            steps[peer.name] = partial(_ShardChecks.peer, peer=peer, reader=reader)
            proved[peer.name] = peer.proved
    if tokenizer is not None:
        steps["text"] = partial(_ShardChecks.text, tokenizer=tokenizer, sample=sample, texts=texts)
    results: dict[str, list[int | str]] = {name: [] for name in steps}
    for shard in shards:
        for name, step in steps.items():
            results[name].append(_outcome(partial(step, shard)))
        shard.forget()
    checks += [_summed(name, outcomes, proved[name]) for name, outcomes in results.items()]
    return VerifyReport(str(path), (*checks, *not_run))


_PROVED = {
    "manifest": "shards in a signed manifest whose sums add up",
    "files": "files have their sizes and checksums",
    "rows": "segments cover their rows; weighted loss spans lie inside them",
    "padding": "rows hold ids of the vocabulary, and padding only at their end",
    "index": "records of the Megatron index have all their parts",
    "counts": "shards hold what the manifest counts",
    "text": "records decode to their text",
}


def _outcome(step: Callable[[], int]) -> int | str:
    """How much a step proved, or the fault that it found."""
    try:
        return step()
    except DataError as error:
        return str(error)


def _summed(name: str, outcomes: Sequence[int | str], proved: str) -> Check:
    faults = [outcome for outcome in outcomes if isinstance(outcome, str)]
    if faults:
        return Check(name, False, faults[0] + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""))
    return Check(name, True, f"{sum(outcome for outcome in outcomes if isinstance(outcome, int)):,} {proved}")


def _check_manifest(manifest: Manifest, where: Path) -> int:
    """The manifest is as it was written, and its sums are those of its shards."""
    if where.read_bytes() != manifest.to_json() or manifest.digest != manifest.compute_digest():
        raise DataError(f"{where}: it was edited, its digest does not fit")
    for name, group in manifest.groups.items():
        if not _adds_up(group, group.shards, manifest.seq_len):
            raise DataError(f"{where}: the counts of group {name} are not the sums of its shards")
    groups = list(manifest.groups.values())
    counts = add_counts(shard.counts for shard in manifest.shards())
    if not _adds_up(manifest, groups, manifest.seq_len) or manifest.counts != counts:
        raise DataError(f"{where}: its totals are not the sums of its groups")
    return len(manifest.shards())


def _adds_up(whole: Manifest | Group, parts: list[Any], seq_len: int) -> bool:
    totals = Totals.of(parts, seq_len)
    return all(getattr(whole, name) == getattr(totals, name) for name in Totals.model_fields)


class _ShardChecks:
    """The checks of one shard: each returns how much it proved, or raises DataError."""

    def __init__(self, manifest: Manifest, folder: Path, info: ShardInfo) -> None:
        self.manifest = manifest
        self.info = info
        self.shard = Shard.of_manifest(folder, manifest, info)
        self._records: RejoinedRecords | None = None

    def forget(self) -> None:
        """Let go of what was read of the shard."""
        self._records = None

    @property
    def records(self) -> RejoinedRecords:
        if self._records is None:
            self._records = RejoinedRecords.of(self.shard)
        return self._records

    def files(self) -> int:
        for suffix, path in self.shard.paths.items():
            expected = self.info.files[suffix]
            try:
                size = path.stat().st_size
                if size != expected.bytes:
                    raise DataError(f"{path}: {size:,} bytes instead of {expected.bytes:,}")
                if file_digest(path) != expected.checksum:
                    raise DataError(f"{path}: its content is not what the manifest's checksum says")
            except OSError as error:
                raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        return len(self.info.files)

    def rows(self) -> int:
        for columns in self.shard.all_columns():  # which checks each batch's segments
            try:
                columns.rows.validate(full=True)
            except pa.ArrowException as error:
                raise DataError(f"{self.shard.paths['.arrow']}: its columns are broken ({error})") from error
        return self.info.segments

    def padding(self) -> int:
        first = 0
        for columns in self.shard.all_columns():
            rows = self.shard.tokens[first : first + len(columns.n_tokens)]
            fault = _first_bad_row(rows, columns.n_tokens, self.manifest.vocab_size, self.manifest.pad_id)
            if fault >= 0:
                raise DataError(
                    f"{self.shard.paths['.bin']}: row {first + fault} has ids outside of the vocabulary, "
                    "or something else than padding after its tokens"
                )
            first += len(rows)
        return first

    def index(self) -> int:
        return len(self.records)

    def counts(self) -> int:
        records, info = self.records, self.info
        lengths, supervised = records.record_lengths, records.supervised
        tokens, cuts = int(lengths.sum()), count_cuts(records.marks(), records.pieces())
        found = {
            "tokens": tokens,
            "supervised_tokens": int(supervised.sum()),
            "utilisation": share(tokens, info.rows * self.manifest.seq_len),
            "segments": len(records.lengths),
            "cuts": cuts,
            "answer_truncation": share(cuts.answers_truncated, cuts.answers),
            "counts": count_labels(records.identity, lengths, supervised),
        }
        for name, value in found.items():
            if getattr(info, name) != value:
                raise DataError(f"shard {info.name}: the manifest's {name} are not those of its rows")
        return 1

    def peer(self, peer: PeerReader, reader: Any) -> int:
        return peer.check(reader, self.shard)

    def text(self, tokenizer: Codec, sample: int | None, texts: Texts | None) -> int:
        chosen = evenly(len(self.records), sample)
        for record in chosen:
            record_id = self.records.identity.column("record_id")[record].as_py()
            text = tokenizer.decode(self._without_ends(self.records.tokens(record)))
            expected = None
            if texts is not None:
                expected = texts(record_id) if callable(texts) else texts.get(record_id)
            if expected is None:
                expected = tokenizer.decode(tokenizer.encode_batch([text])[0])
            # some tokenizers normalise to NFC before they encode
            if unicodedata.normalize("NFC", text) != unicodedata.normalize("NFC", expected):
                raise DataError(f"shard {self.info.name}: record {record_id} does not decode to its text")
        return len(chosen)

    def _without_ends(self, ids: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        begin = int(ids[0] == self.manifest.bos_id)
        end = len(ids) - int(len(ids) > begin and ids[-1] == self.manifest.eos_id)
        return ids[begin:end]


@njit(cache=True)
def _first_bad_row(rows, n_tokens, vocab_size, pad_id):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        row = rows[i]
        highest, lowest = row[0], row[0]
        for j in range(len(row)):
            highest = max(highest, row[j])
            lowest = min(lowest, row[j])
        if highest >= vocab_size or lowest < 0:
            return i
        for j in range(n_tokens[i], len(row)):
            if row[j] != pad_id:
                return i
    return -1
