"""Mixtures: how many tokens of each mix group a training run sees, and in which order.

A mixture is a small file that names shares, a seed and the shards' rows by digest; the order itself is computed
(`mathmill.tokenize.schedule`), so that other shares need no new shards. Shares are kept in tokens without padding or in
supervised tokens: after every row, each group is less than one row from what is asked of it. A group that is too small
for its share is an error of the plan, which says by how much, and never of the training run.
"""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import xxhash
from pydantic import Field, ValidationError, model_validator

from mathmill.core.config import Config
from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.mixture_config import MAX_REPETITION, MixtureConfig
from mathmill.tokenize.permutation import permutation_key, permute
from mathmill.tokenize.schedule import Schedule
from mathmill.tokenize.targets import Shape, Targets

VERSION = 2

Share = Annotated[float, Field(ge=0, le=1)]
Tokens = Annotated[int, Field(ge=0, le=2**53)]


class MixtureGroup(Config):
    """A group of a planned mixture; what is asked and drawn counts in the mixture's `count`."""

    name: str
    share: Share  # asked, of the whole
    asked: Tokens
    rows: Annotated[int, Field(ge=1, le=2**48)]  # in the shards
    size: Annotated[int, Field(ge=1)]  # tokens in the shards
    max_rows: Annotated[int, Field(ge=0)]  # that may be drawn
    drawn: Tokens
    drawn_rows: Annotated[int, Field(ge=0)]
    sizes_digest: str  # of the sizes of its rows: the shards that it was planned for

    @model_validator(mode="after")
    def _few_epochs(self) -> Self:
        if self.max_rows > self.rows * MAX_REPETITION:
            raise ValueError(f"the rows of {self.name} may be drawn more than {MAX_REPETITION:,} times")
        return self


class MixturePoint(Config):
    """The shares at a point of training, after `at` tokens; in the order of the groups."""

    at: Annotated[float, Field(ge=0)]
    shares: tuple[Share, ...]


class Mixture(Config):
    """A planned mixture, as in mixture.json: everything that its order is computed from but the rows' sizes.

    Files of version 1, which knew no curricula, are read as well and give the same order as ever.
    """

    version: Literal[2] = 2
    seed: int
    count: Literal["tokens", "supervised_tokens"]
    rows: int  # length of the sequence
    asked: Tokens
    total: Tokens  # drawn: as asked, or more by less than a row
    shape: Shape = "steps"
    points: Annotated[tuple[MixturePoint, ...], Field(min_length=1, max_length=100)]
    groups: Annotated[tuple[MixtureGroup, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _from_version_1(cls, value: Any) -> Any:
        try:
            if value["version"] != 1:
                return value
            groups = [{**group, "asked": round(group["share"] * value["total"])} for group in value["groups"]]
            points = [{"at": 0.0, "shares": [group["share"] for group in groups]}]
            return {**value, "version": 2, "asked": value["total"], "points": points, "groups": groups}
        except (KeyError, TypeError, OverflowError):
            return value  # the fields say what is wrong

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        starts = [point.at for point in self.points]
        if starts[0] != 0 or any(after <= before for before, after in pairwise(starts)):
            raise ValueError("its points are not in order from 0 on")
        for point in self.points:
            if len(point.shares) != len(self.groups) or abs(sum(point.shares) - 1) > 1e-6:
                raise ValueError(f"the shares at {point.at:g} are not those of its groups")
        return self

    def table(self) -> list[dict[str, Any]]:
        """Asked against achieved, one dictionary for each group."""
        return [
            {
                "group": group.name,
                "asked": group.share,
                "achieved": group.drawn / max(self.total, 1),
                "asked_tokens": group.asked,
                "achieved_tokens": group.drawn,
                "rows": group.drawn_rows,
                "repetitions": group.drawn_rows / group.rows,
            }
            for group in self.groups
        ]

    def targets(self) -> Targets:
        """What each group should have had of any total."""
        return Targets.of(self.shape, [point.at for point in self.points], [point.shares for point in self.points])

    def schedule(self, sizes: Mapping[str, npt.NDArray[np.integer]]) -> Schedule:
        """The order of rows. sizes: of each group what its rows count, integers (n_rows,); DataError where they are
        not those that the mixture was planned for.
        """
        for group in self.groups:
            if group.name not in sizes or sizes_digest(sizes[group.name]) != group.sizes_digest:
                raise DataError(
                    f"the mixture was planned for other shards: group {group.name!r} differs; plan it again"
                )
        used = {group.name: sizes[group.name] for group in self.groups}
        return _schedule(self.seed, used, self.targets(), [group.max_rows for group in self.groups])

    def to_json(self) -> bytes:
        """The content of mixture.json."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False).encode() + b"\n"

    def save(self, path: str | Path) -> None:
        """Write mixture.json."""
        Path(path).write_bytes(self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> "Mixture":
        """Read mixture.json; DataError where it is none, or of a later version."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise DataError(f"cannot read the mixture {path}: {error.strerror}") from error
        return cls.parse(data, str(path))

    @classmethod
    def parse(cls, data: bytes, where: str) -> "Mixture":
        """Read the content of mixture.json; `where` names it in errors."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            mistake = error.errors()[0]
            place = ".".join(map(str, mistake["loc"])) or "mixture"
            raise DataError(f"{where} is no mixture of version 1 to {VERSION}: {place}: {mistake['msg']}") from error


def plan_mixture(config: MixtureConfig, sizes: Mapping[str, npt.NDArray[np.integer]]) -> Mixture:
    """Plan a mixture over shards.

    sizes: of each group what each of its rows counts, as `config.count` says: tokens without padding or supervised
    tokens, integers (n_rows,). ConfigError where a group is missing, empty, or too small for what is asked of it.
    """
    names = config.group_names()
    for name in names:
        if name not in sizes:
            raise ConfigError(f"mixture: the shards have no group {name!r}; there are {', '.join(sizes)}")
    supplies = [
        _Supply(name, sizes[name], repetition, config.seed)
        for name, repetition in zip(names, config.repetitions(), strict=True)
    ]
    for supply in supplies:
        if not supply.size:
            raise ConfigError(f"mixture: the group {supply.name!r} holds no {config.count.replace('_', ' ')}")
    total = config.asked_total()
    if total is None:
        total = _largest_total(config, supplies)
        if not total:
            raise ConfigError("mixture: max_repetition lets no token be drawn; raise it")
    asked = config.asked_of(total)
    points = [
        MixturePoint(at=float(at), shares=shares)
        for (at, _), shares in zip(config.points(total), config.float_shares(total), strict=True)
    ]
    targets = Targets.of(config.shape(), [point.at for point in points], [point.shares for point in points])
    _check_supply(config, total, asked, supplies, targets)
    caps = [supply.max_rows for supply in supplies]
    drawn, rows = _schedule(config.seed, {name: sizes[name] for name in names}, targets, caps).until(total)
    groups = [
        MixtureGroup(
            name=supply.name,
            share=float(asked[i] / total),
            asked=round(asked[i]),
            rows=len(supply.sizes),
            size=supply.size,
            max_rows=supply.max_rows,
            drawn=int(drawn[i]),
            drawn_rows=int(rows[i]),
            sizes_digest=sizes_digest(supply.sizes),
        )
        for i, supply in enumerate(supplies)
    ]
    return Mixture(
        seed=config.seed,
        count=config.count,
        rows=int(rows.sum()),
        asked=total,
        total=int(drawn.sum()),
        shape=config.shape(),
        points=tuple(points),
        groups=tuple(groups),
    )


def sizes_digest(sizes: npt.NDArray[np.integer]) -> str:
    """Identify a group's rows by their sizes: 32 hex digits."""
    return xxhash.xxh3_128_hexdigest(np.ascontiguousarray(sizes, "<i4").tobytes())


def _schedule(
    seed: int, sizes: Mapping[str, npt.NDArray[np.integer]], targets: Targets, caps: Sequence[int]
) -> Schedule:
    keys = [
        [permutation_key(seed, name, epoch) for epoch in range(max(1, -(-cap // max(len(sizes[name]), 1))))]
        for name, cap in zip(sizes, caps, strict=True)
    ]
    return Schedule(list(sizes.values()), targets, keys, caps)


class _Supply:
    """What a group can give: so many rows, and what those count, which for part of an epoch depends on its order."""

    def __init__(self, name: str, sizes: npt.NDArray[np.integer], repetition: Fraction, seed: int) -> None:
        self.name, self.sizes, self.repetition, self._seed = name, sizes, repetition, seed
        self.size = int(np.sum(sizes, dtype=np.int64))
        self.max_rows = floor(repetition * len(sizes))
        self.tokens = self.at(repetition)

    def at(self, repetition: Fraction) -> int:
        """Tokens when each row may be seen so many times."""
        rows = len(self.sizes)
        if not rows:
            return 0
        epochs, rest = divmod(floor(repetition * rows), rows)
        key = permutation_key(self._seed, self.name, epochs)
        tokens = epochs * self.size
        for start in range(0, rest, _PIECE):
            places = permute(np.arange(start, min(start + _PIECE, rest)), rows, key)
            tokens += int(np.sum(self.sizes[places], dtype=np.int64))
        return tokens

    def repetition_for(self, tokens: Fraction) -> Fraction:
        """The least repetition, in hundredths, that gives so many tokens."""
        low, high = max(0, floor(tokens / self.size) - 1) * 100, ceil(tokens / self.size) * 100
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.at(Fraction(middle, 100)) >= tokens else (middle + 1, high)
        return Fraction(low, 100)


_PIECE = 1 << 20  # rows that are looked up at a time


def _largest_total(config: MixtureConfig, supplies: Sequence[_Supply]) -> int:
    """The largest total for which no group runs out; shares are given at percentages of it, or are constant."""
    mean = config.asked_of(Fraction(1))
    return min(floor(supply.tokens / share) for supply, share in zip(supplies, mean, strict=True))


def _check_supply(
    config: MixtureConfig, total: int, asked: Sequence[Fraction], supplies: Sequence[_Supply], targets: Targets
) -> None:
    """ConfigError that names every group that its cap keeps from its share, when it runs out, and what would do."""
    short = []
    for group, (supply, needed) in enumerate(zip(supplies, asked, strict=True)):
        if needed <= supply.tokens:
            continue
        repetition = supply.repetition_for(needed)
        remedy = f"a max_repetition of {float(repetition):.2f} would do"
        if repetition > MAX_REPETITION:
            remedy = f"even {MAX_REPETITION:,} repetitions would not do"
        end = min(targets.reached(group, supply.tokens) / total, 1.0)
        short.append(
            f"{supply.name!r} needs {ceil(needed):,} {config.count.replace('_', ' ')} and has {supply.size:,} "
            f"(max_repetition {float(supply.repetition):g}): {ceil(needed - supply.tokens):,} short, "
            f"it runs out after {floor(end * 1000) / 10:g}% of the training; {remedy}"
        )
    if not short:
        return
    if (config.curriculum is None or config.curriculum.is_relative()) and (most := _largest_total(config, supplies)):
        short.append(f"or ask for a total of at most {most:,}")
    raise ConfigError("mixture: " + "; ".join(short))
