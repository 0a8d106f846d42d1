"""Mixtures over packed shards: planned from one column of their .arrow files, shown as a table and a picture.

Other shares, budgets or curricula need nothing packed again; the same functions serve the end of a run and
`mathmill mix`.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from mathmill.core.errors import ConfigError
from mathmill.core.storage import Folder
from mathmill.jobs.yaml_file import YamlFile, describe_mistake
from mathmill.tokenize.manifest import Manifest
from mathmill.tokenize.mixture import Mixture, plan_mixture
from mathmill.tokenize.mixture_config import MixtureConfig
from mathmill.tokenize.row_sizes import group_sizes
from mathmill.tokenize.select import Selector

_SHOWN = 8  # values of a label in an error
_WIDTH = 60  # characters of the picture
_FILLS = "█▒░▓#=+-.ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def plan_over(folder: Folder, manifest: Manifest, config: MixtureConfig) -> Mixture:
    """Plan a mixture over the shards in a folder; ConfigError where they do not hold what it asks for."""
    _check_groups(manifest, config)
    return plan_mixture(config, group_sizes(folder, manifest, config.count, config.group_names()))


def read_config(path: str, **given: Any) -> MixtureConfig:
    """Read a mixture file: what stands under `mixture:` in a recipe. given: keys that replace those of the file."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the mixture {path}: {error.strerror}") from error
    document = YamlFile.parse(data, Path(path))
    if isinstance(document.value.get("mixture"), dict):
        raise document.error(("mixture",), "a mixture file holds what stands under `mixture:` in a recipe, without it")
    return document.check(MixtureConfig, {**document.value, **given}, ())


def ratio_config(ratio: str, **given: Any) -> MixtureConfig:
    """Read shares or budgets such as `math=3,problems=7` or `math=7.35B,problems=7.35B`."""
    pairs = [part.partition("=") for part in ratio.split(",")]
    groups = {name.strip(): value.strip() for name, _, value in pairs}
    if len(groups) < len(pairs) or not all(name.strip() and value.strip() for name, _, value in pairs):
        raise ConfigError(f"--ratio {ratio!r} is none; write each group once, such as math=3,problems=7")
    value = {"groups": groups, **given}
    try:
        return MixtureConfig.model_validate(value)
    except ValidationError as error:
        raise ConfigError(f"mixture: {describe_mistake(MixtureConfig, value, error)}") from error


def _check_groups(manifest: Manifest, config: MixtureConfig) -> None:
    """ConfigError that names a group that is not there, or is empty, and what there is."""
    for name in config.group_names():
        if name not in manifest.groups:
            near = get_close_matches(name, manifest.groups, 1)
            known = f"there are {', '.join(manifest.groups)}{f'; did you mean {near[0]}?' if near else ''}"
            raise ConfigError(f"mixture: the shards have no group {name!r}; {known}")
        if not manifest.groups[name].tokens:
            raise ConfigError(
                f"mixture: the group {name!r} holds no tokens: no record is {manifest.groups[name].selector} or none "
                f"is left by the groups before it; {_labels(manifest, manifest.groups[name].selector)}; change "
                "`shards.groups`, or leave the group out of the mixture"
            )


def _labels(manifest: Manifest, selector: str) -> str:
    """What the data has of the labels that a selector names, the most frequent first."""
    conditions = [condition.label for condition in Selector.parse(selector).conditions]
    parts = []
    for label in dict.fromkeys(["corpus", *conditions]):
        counts = {value: count.records for value, count in manifest.counts.get(label, {}).items() if count.records}
        values = sorted(counts, key=lambda value: -counts[value])
        shown = [f"{value} {counts[value]:,}" for value in values[:_SHOWN]]
        more = [f"{len(values) - _SHOWN:,} more values"] if len(values) > _SHOWN else []
        if values:
            parts.append(f"{label} {', '.join([*shown, *more])}")
    return f"records by label: {'; '.join(parts)}" if parts else "the shards hold no records"


def table_lines(table: Sequence[dict[str, Any]]) -> list[str]:
    """`Mixture.table` as aligned lines, as narrow as its numbers: 92 columns for tens of billions of tokens."""
    asked, achieved, rows = (sum(row[key] for row in table) for key in ("asked_tokens", "achieved_tokens", "rows"))
    lines = [
        ("mixture", "asked", "tokens", "achieved", "tokens", "off", "rows", "times over"),
        *(
            (
                row["group"],
                f"{row['asked']:.2%}",
                f"{row['asked_tokens']:,}",
                f"{row['achieved']:.2%}",
                f"{row['achieved_tokens']:,}",
                f"{row['achieved_tokens'] - row['asked_tokens']:+,}",
                f"{row['rows']:,}",
                f"{row['repetitions']:.2f}",
            )
            for row in table
        ),
        ("together", "", f"{asked:,}", "", f"{achieved:,}", f"{achieved - asked:+,}", f"{rows:,}", ""),
    ]
    names, *columns = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        f"{name:<{names}}{''.join(f'  {cell:>{width}}' for cell, width in zip(cells, columns, strict=True))}".rstrip()
        for name, *cells in lines
    ]


def picture_lines(mixture: Mixture) -> list[str]:
    """The shares over training, for a terminal: of each tenth a line; nothing where they are constant."""
    if len(mixture.points) == 1:
        return []
    fills = [_FILLS[i % len(_FILLS)] for i in range(len(mixture.groups))]
    legend = ", ".join(f"{fill} {group.name}" for fill, group in zip(fills, mixture.groups, strict=True))
    lines = [f"shares over training: {legend}"]
    targets, tenth = mixture.targets(), mixture.asked / 10
    for i in range(10):
        shares = (targets.at((i + 1) * tenth) - targets.at(i * tenth)) / tenth
        bar = "".join(fill * count for fill, count in zip(fills, _apportion(shares, _WIDTH), strict=True))
        numbers = " ".join(f"{share:>4.0%}" for share in shares)
        lines.append(f"{i * 10:>3}-{i * 10 + 10:>3}%  {bar}  {numbers}")
    return lines


def _apportion(shares: npt.NDArray[np.float64], places: int) -> list[int]:
    """Whole numbers that add up to `places`: each rounded down, the largest remainders up."""
    exact = shares / shares.sum() * places
    counts = np.floor(exact + 1e-9).astype(int)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: places - counts.sum()]] += 1
    return [int(count) for count in counts]
