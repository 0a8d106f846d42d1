"""What the formats of an export have in common: files of bounded size, and what they are made from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mathmill.core.config import digest
from mathmill.tokenize.exports.rows import RowBatch
from mathmill.tokenize.exports.texts import Texts
from mathmill.tokenize.manifest import Manifest


@dataclass(frozen=True)
class Job:
    """What a format is told. out: where the files will lie in the end; in_order: of a mixture, not group by group;
    weighted: some loss weight is not 1; texts: of records, for formats that need them; columns: further ones asked for.
    """

    out: Path
    manifest: Manifest
    in_order: bool
    weighted: bool
    texts: Texts | None = None
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """A finished part of an export: the path without suffix that it was opened with, and its tokens."""

    prefix: Path
    tokens: int


class PartWriter(Protocol):
    """Writes one part: a file, or some that belong together."""

    def write(self, batch: RowBatch) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


class Format(Protocol):
    """A form of export, made for one job.

    by_group: mix groups do not share a part. part_tokens: the most tokens of a part, unless a row has more.
    tested_with: readers and their versions, by distribution.
    """

    by_group: bool
    part_tokens: int
    tested_with: Mapping[str, str]

    def open(self, prefix: Path) -> PartWriter:
        """Begin a part; its files are `prefix` and a suffix."""
        ...

    def finish(self, parts: Sequence[Part]) -> Mapping[str, Any]:
        """Name the files as readers want them, and add what belongs beside them; returns what export.json says of it.

        Of that, `use` is a list of lines that say how to read the files.
        """
        ...


def part_prefix(folder: Path, name: str, number: int) -> Path:
    """A path without suffix for a part of a mix group; a name that no file should have is replaced by its digest."""
    stem = name if re.fullmatch(r"\w[\w.-]*", name) else digest(name)[:16]
    return folder / f"{stem}-{number:05d}"


def name_as_split(parts: Sequence[Part], suffix: str) -> list[str]:
    """Give the files of parts the names by which `datasets` takes them for the split "train"; returns the names."""
    folder = parts[0].prefix.parent
    (folder / "data").mkdir()
    names = [f"data/train-{number:05d}-of-{len(parts):05d}{suffix}" for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        Path(f"{part.prefix}{suffix}").rename(folder / name)
    return names
