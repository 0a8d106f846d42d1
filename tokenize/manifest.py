"""The manifest of a folder of shards: what the tokens mean, how they are grouped, and checksums to prove it.

It is the contract with every trainer: versioned JSON, never Python objects. Paths in it are relative and may not leave
the folder, since a manifest may come from anywhere; `digest` covers all other keys, so that an edit is found.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import AfterValidator, Field, ValidationError, model_validator

from mathmill.core.config import Config, digest
from mathmill.core.errors import DataError
from mathmill.tokenize.packing import BEST_FIT, Strategy
from mathmill.tokenize.store import token_dtype

FORMAT = "mathmill-shards"
VERSION = 2  # of all files of a shard, too; 2 gave loss spans a weight
FILE_NAME = "manifest.json"
RULE = (
    "eos ends a document, not a cut; padding stands only at a row's end and is never a target; "
    "attention and the shift to the next token stay inside a segment"
)

Suffix: TypeAlias = Literal[".bin", ".idx", ".arrow"]
SUFFIXES: tuple[Suffix, ...] = (".bin", ".idx", ".arrow")

Count = Annotated[int, Field(ge=0, le=2**53)]


def _inside(name: str) -> str:
    """A relative path of plain parts, which stays inside the folder on every operating system."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or not part.isprintable() or set(part) & set('\\:*?"<>|') for part in parts):
        raise ValueError(f"{name!r} is not a relative path inside the folder")
    return name


InsidePath = Annotated[str, AfterValidator(_inside)]


class FileInfo(Config):
    """Size in bytes and XXH3-128 (32 hex digits) of a file."""

    bytes: Count
    checksum: str


class LabelCounts(Config):
    """How much carries one value of a label."""

    records: Count = 0
    tokens: Count = 0
    supervised_tokens: Count = 0

    def __add__(self, other: "LabelCounts") -> "LabelCounts":
        return LabelCounts(**{name: getattr(self, name) + getattr(other, name) for name in LabelCounts.model_fields})


class CutCounts(Config):
    """What cutting did to the records of a shard, a group or all shards."""

    records: Count = 0
    records_cut: Count = 0
    cuts_at_paragraph: Count = 0
    cuts_at_step: Count = 0
    cuts_at_line: Count = 0
    cuts_at_word: Count = 0
    hard_cuts: Count = 0
    answers: Count = 0  # records with a known final answer
    answers_truncated: Count = 0  # the answer itself is divided: longer than a row, or packed by concatenation
    answers_separated: Count = 0  # the answer is whole, but cut off from the step that leads to it

    def __add__(self, other: "CutCounts") -> "CutCounts":
        return CutCounts(**{name: getattr(self, name) + getattr(other, name) for name in CutCounts.model_fields})


Counts = dict[str, dict[str, LabelCounts]]
"""By label and value; a label that is null counts under `NO_LABEL`."""

NO_LABEL = "(none)"


class Totals(Config):
    """What a shard, a group, or all shards hold.

    Two shares, to six digits: utilisation = tokens / (rows * seq_len), answer_truncation = answers_truncated / answers.
    """

    rows: Count
    tokens: Count  # without padding
    supervised_tokens: Count
    utilisation: Annotated[float, Field(ge=0, le=1)]
    cuts: CutCounts
    answer_truncation: Annotated[float, Field(ge=0, le=1)]

    @staticmethod
    def of(parts: Iterable["Totals"], seq_len: int) -> "Totals":
        """Add up."""
        parts = list(parts)
        rows, tokens = sum(part.rows for part in parts), sum(part.tokens for part in parts)
        cuts = sum((part.cuts for part in parts), CutCounts())
        return Totals(
            rows=rows,
            tokens=tokens,
            supervised_tokens=sum(part.supervised_tokens for part in parts),
            utilisation=share(tokens, rows * seq_len),
            cuts=cuts,
            answer_truncation=share(cuts.answers_truncated, cuts.answers),
        )


class ShardInfo(Totals):
    """One shard: the files `name` + .bin, .idx and .arrow, relative to the manifest's folder."""

    name: InsidePath
    segments: Count
    counts: Counts
    files: dict[Suffix, FileInfo]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.files) != set(SUFFIXES):
            raise ValueError(f"the shard {self.name} needs the files {', '.join(SUFFIXES)}")
        return self


class Group(Totals):
    """A mix group: which records it holds, and its shards in order."""

    selector: str
    shards: list[ShardInfo]


class Tokenizer(Config):
    """The tokenizer that gave the ids, and the digest of its file."""

    name: str
    checksum: str


class Lineage(Config):
    """Where the tokens came from. Keys are file names, values XXH3-128 checksums."""

    token_store: dict[str, str] = Field(default_factory=dict)
    repacked_from: str | None = None  # the digest of the manifest that these shards were repacked from


class Manifest(Config):
    """See the module. Row numbers of a `ShardReader` follow the groups and their shards in the order given here."""

    format: Literal["mathmill-shards"] = "mathmill-shards"
    version: Literal[2] = 2
    tokenizer: Tokenizer
    chat_template: str | None = None  # digest of the template; null where no chat was rendered
    vocab_size: Annotated[int, Field(ge=1, le=2**31)]
    seq_len: Annotated[int, Field(ge=1, le=2**31 - 1)]
    dtype: Literal["uint16", "int32"]
    pad_id: Count
    bos_id: Count | None = None
    eos_id: Count | None = None
    rule: str = RULE
    packing: Strategy = BEST_FIT
    rows: Count
    tokens: Count
    supervised_tokens: Count
    utilisation: Annotated[float, Field(ge=0, le=1)]
    cuts: CutCounts
    answer_truncation: Annotated[float, Field(ge=0, le=1)]
    counts: Counts
    groups: dict[str, Group]
    recipe: str | None = None  # digest of the recipe
    lineage: Lineage = Lineage()
    digest: str = ""  # XXH3-128 of the canonical JSON of all other keys

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.dtype != token_dtype(self.vocab_size).name:
            raise ValueError(f"a vocabulary of {self.vocab_size} is not stored as {self.dtype}")
        names = [shard.name for shard in self.shards()]
        if len(set(names)) != len(names):
            raise ValueError("two shards have the same name")
        return self

    @classmethod
    def of(
        cls,
        groups: Mapping[str, tuple[str, Sequence[ShardInfo]]],
        *,
        seq_len: int,
        vocab_size: int,
        **settings: Any,
    ) -> Self:
        """Build the manifest of finished shards: adds up the totals and signs.

        groups: name → (selector, shards). settings: the other keys (tokenizer, pad_id, packing, …).
        """
        entries = {
            name: Group(
                **dict(Totals.of(shards, seq_len)),
                selector=selector,
                shards=list(shards),
            )
            for name, (selector, shards) in groups.items()
        }
        manifest = cls(
            **dict(Totals.of(entries.values(), seq_len)),
            groups=entries,
            counts=add_counts(shard.counts for group in entries.values() for shard in group.shards),
            seq_len=seq_len,
            vocab_size=vocab_size,
            dtype="uint16" if token_dtype(vocab_size) == np.uint16 else "int32",
            **settings,
        )
        return manifest.model_copy(update={"digest": manifest.compute_digest()})

    def compute_digest(self) -> str:
        """Digest of everything but `digest`."""
        return digest(self.model_dump(mode="json", exclude={"digest"}))

    def shards(self) -> list[ShardInfo]:
        """All shards, in the order of their rows."""
        return [shard for group in self.groups.values() for shard in group.shards]

    def to_json(self) -> bytes:
        """The file's content: the same bytes for the same manifest."""
        return (json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n").encode()


def add_counts(parts: Iterable[Counts]) -> Counts:
    """Add up counts by label; values in sorted order."""
    total: Counts = {}
    for part in parts:
        for label, values in part.items():
            entry = total.setdefault(label, {})
            for value, counts in values.items():
                entry[value] = entry.get(value, LabelCounts()) + counts
    return {label: dict(sorted(values.items())) for label, values in total.items()}


def share(part: int, whole: int) -> float:
    """How much of the whole a part is, to six digits; 0 where the whole is 0."""
    return round(part / whole, 6) if whole else 0.0


def manifest_path(path: str | Path) -> Path:
    """The manifest of a folder of shards, or the path itself if it names a file."""
    path = Path(path)
    return path / FILE_NAME if path.is_dir() else path


def load(path: str | Path) -> Manifest:
    """Read a manifest (or the one in a folder); DataError where it is missing, broken or of another version."""
    path = manifest_path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: there is no manifest to read ({error.strerror})") from error
    return parse(data, str(path))


def check_version(version: object, where: str) -> None:
    """Raise DataError unless a file says that it has the format version of this mathmill."""
    if isinstance(version, int) and version < VERSION:
        raise DataError(f"{where}: made by an earlier version of mathmill; pack it again")
    if version != VERSION:
        raise DataError(
            f"{where}: format version {version!r}, but this mathmill reads version {VERSION}; "
            "use the mathmill that wrote these shards, or a newer one"
        )


def parse(data: bytes, where: str) -> Manifest:
    """Read a manifest's content; `where` names it in errors."""
    try:
        manifest = Manifest.model_validate_json(data, strict=True)
        if not {"format", "version"} <= manifest.model_fields_set:
            _check_format(data, where)
    except ValidationError as error:
        _check_format(data, where)
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "manifest"
        raise DataError(f"{where}: {place}: {first['msg']}") from error
    return manifest


def _check_format(data: bytes, where: str) -> None:
    """Raise DataError where this is not the JSON of a manifest of this version."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not a manifest, the JSON is broken ({error})") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise DataError(f'{where}: not a manifest of token shards ("format" is not "{FORMAT}")')
    check_version(raw.get("version"), where)
