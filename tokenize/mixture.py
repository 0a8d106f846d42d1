"""Mixtures: how many tokens of each mix group a training run sees, and in which order.

A mixture is a small file that names shares, a seed and the shards' rows by digest; the order itself is computed
(`mathmill.tokenize.schedule`), so that other shares need no new shards. Shares are kept in tokens without padding or in
supervised tokens, for any prefix within one row of each group. A group that is too small for its share is an error of
the plan, which says by how much, and never of the training run.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import xxhash
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from mathmill.core.config import Config
from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.permutation import permutation_key
from mathmill.tokenize.schedule import Schedule

VERSION = 1

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_AMOUNT = re.compile(r"\s*([0-9][0-9_,]*(?:\.[0-9]+)?)\s*([KMBT]?)\s*(?:tokens?)?\s*", re.IGNORECASE)


def parse_tokens(value: str | int) -> int:
    """Read a number of tokens: 7350000000, "7_350_000_000", "7.35B", "48.3 B tokens". ValueError otherwise."""
    if isinstance(value, int) and not isinstance(value, bool):
        amount = Decimal(value)
    else:
        match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"{value!r} is no number of tokens; write 7_350_000_000 or 7.35B")
        amount = Decimal(re.sub("[_,]", "", match[1])) * _UNITS[match[2].upper()]
    if amount != int(amount) or amount < 1:
        raise ValueError(f"{value!r} is no whole, positive number of tokens")
    return int(amount)


def parse_ratio(text: str) -> tuple[float, ...]:
    """Read a ratio: "3:7" or "30% : 70%". ValueError unless all parts are positive numbers."""
    return tuple(_weight(part) for part in text.split(":"))


def _weight(value: Any) -> float:
    text = str(value).strip().removesuffix("%").strip()
    try:
        weight = Decimal(text)
    except InvalidOperation:
        weight = Decimal(0)
    if isinstance(value, bool) or not weight.is_finite() or weight <= 0:
        raise ValueError(f"{value!r} is no share; write a positive number (7) or a percentage (70%)")
    return float(weight)


Tokens = Annotated[int, BeforeValidator(parse_tokens), Field(ge=1)]
Share = Annotated[float, BeforeValidator(_weight)]
Repetition = Annotated[float, Field(ge=0, le=10_000)]


class GroupTarget(Config):
    """What is asked of a group: a share (relative to the others') or a number of tokens, one of them."""

    share: Share | None = None
    tokens: Tokens | None = None
    max_repetition: Repetition | None = None  # times that each row may be seen

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """`7`, `70%` are shares; `7.35B`, `10 tokens` are numbers of tokens."""
        if isinstance(value, str) and not value.strip().endswith("%") and re.search("[A-Za-z]", value):
            return {"tokens": value}
        return {"share": value} if isinstance(value, str | int | float) else value


class MixtureConfig(Config):
    """`mixture:` in a recipe.

    groups: of each mix group its share (`7`, `70%`) or its tokens (`7.35B`), all of one kind; or a list of names with
    `ratio: "3:7"`. total: tokens of the whole; with shares and without a total, as much as the scarcest group allows.
    count: what shares are of. max_repetition: times that each row may be seen (four repetitions cost little:
    Muennighoff et al., arXiv:2305.16264); each group may have its own.
    """

    groups: Annotated[dict[str, GroupTarget], Field(min_length=1)]
    total: Tokens | None = None
    count: Literal["tokens", "supervised_tokens"] = "tokens"
    max_repetition: Repetition = 1.0
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 0

    @model_validator(mode="before")
    @classmethod
    def _with_ratio(cls, value: Any) -> Any:
        """Turn a list of groups and their ratio into shares."""
        if not isinstance(value, Mapping) or not (isinstance(value.get("groups"), Sequence) or "ratio" in value):
            return value
        plain = dict(value)
        ratio, names = plain.pop("ratio", None), plain.get("groups")
        if not isinstance(ratio, str) or not isinstance(names, Sequence) or isinstance(names, str):
            raise ValueError('write `groups` as a list of names together with `ratio: "3:7"`, or as a mapping')
        shares = parse_ratio(ratio)
        if len(shares) != len(names) or len(set(names)) != len(names):
            raise ValueError(f"the ratio {ratio!r} has {len(shares)} parts for {len(set(names))} groups")
        return plain | {"groups": dict(zip(names, shares, strict=True))}

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        shares = [target.share is not None for target in self.groups.values()]
        tokens = [target.tokens is not None for target in self.groups.values()]
        if not ((all(shares) and not any(tokens)) or (all(tokens) and not any(shares))):
            raise ValueError("give every group a share, or every group a number of tokens")
        if all(tokens) and self.total is not None:
            raise ValueError("the groups' tokens give the total; leave `total` out")
        return self

    def group_names(self) -> tuple[str, ...]:
        """The mix groups that it draws from, in order."""
        return tuple(self.groups)

    def shares(self) -> tuple[float, ...]:
        """The asked shares, summing to 1."""
        weights = [float(target.share or target.tokens or 0) for target in self.groups.values()]
        return tuple(weight / math.fsum(weights) for weight in weights)

    def asked_total(self) -> int | None:
        """The asked number of tokens, or None for as much as there is."""
        budgets = [target.tokens for target in self.groups.values() if target.tokens is not None]
        return sum(budgets) if budgets else self.total


class MixtureGroup(Config):
    """A group of a planned mixture; what is asked and drawn counts in the mixture's `count`."""

    name: str
    share: Annotated[float, Field(gt=0, le=1)]  # asked
    rows: Annotated[int, Field(ge=1)]  # in the shards
    size: Annotated[int, Field(ge=1)]  # tokens in the shards
    max_rows: Annotated[int, Field(ge=0)]  # that may be drawn
    drawn: int  # tokens
    drawn_rows: int
    sizes_digest: str  # of the sizes of its rows: the shards that it was planned for


class Mixture(Config):
    """A planned mixture, as in mixture.json: everything that its order is computed from but the rows' sizes."""

    version: Literal[1] = 1
    seed: int
    count: Literal["tokens", "supervised_tokens"]
    rows: int  # length of the sequence
    total: int  # tokens drawn
    groups: tuple[MixtureGroup, ...]

    def table(self) -> list[dict[str, Any]]:
        """Asked against achieved, one dictionary for each group."""
        return [
            {
                "group": group.name,
                "asked": group.share,
                "achieved": group.drawn / max(self.total, 1),
                "asked_tokens": round(group.share * self.total),
                "achieved_tokens": group.drawn,
                "rows": group.drawn_rows,
                "repetitions": group.drawn_rows / group.rows,
            }
            for group in self.groups
        ]

    def schedule(self, sizes: Mapping[str, npt.NDArray[np.integer]]) -> Schedule:
        """The order of rows. sizes: of each group what its rows count, integers (n_rows,); DataError where they are
        not those that the mixture was planned for.
        """
        for group in self.groups:
            if group.name not in sizes or sizes_digest(sizes[group.name]) != group.sizes_digest:
                raise DataError(
                    f"the mixture was planned for other shards: group {group.name!r} differs; plan it again"
                )
        return _schedule(
            self.seed,
            {group.name: sizes[group.name] for group in self.groups},
            [group.share for group in self.groups],
            [group.max_rows for group in self.groups],
        )

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
            return cls.model_validate_json(Path(path).read_bytes())
        except OSError as error:
            raise DataError(f"cannot read the mixture {path}: {error.strerror}") from error
        except ValidationError as error:
            mistake = error.errors()[0]
            where = ".".join(map(str, mistake["loc"]))
            raise DataError(f"{path} is no mixture of version {VERSION}: {where}: {mistake['msg']}") from error


def plan_mixture(config: MixtureConfig, sizes: Mapping[str, npt.NDArray[np.integer]]) -> Mixture:
    """Plan a mixture over shards.

    sizes: of each group what each of its rows counts, as `config.count` says: tokens without padding or supervised
    tokens, integers (n_rows,). ConfigError where a group is missing, empty, or too small for what is asked of it.
    """
    names, shares, total = config.group_names(), config.shares(), config.asked_total()
    for name in names:
        if name not in sizes:
            raise ConfigError(f"mixture: the shards have no group {name!r}; there are {', '.join(sizes)}")
        if not int(np.sum(sizes[name], dtype=np.int64)):
            raise ConfigError(f"mixture: the group {name!r} holds no {config.count.replace('_', ' ')}")
    repetitions = [
        config.max_repetition if target.max_repetition is None else target.max_repetition
        for target in config.groups.values()
    ]
    available = [int(np.sum(sizes[name], dtype=np.int64)) for name in names]
    if total is not None:
        _check_supply(config, total, shares, available, repetitions)
    used = {name: sizes[name] for name in names}
    caps = [int(repetition * len(sizes[name])) for name, repetition in zip(names, repetitions, strict=True)]
    drawn, rows = _schedule(config.seed, used, shares, caps).until(total)
    if total is not None and drawn.sum() < total:
        raise ConfigError(
            f"mixture: {total - int(drawn.sum()):,} of {total:,} tokens are missing, less than a row of each group; "
            "ask for a little less or raise max_repetition"
        )
    groups = [
        MixtureGroup(
            name=name,
            share=shares[i],
            rows=len(sizes[name]),
            size=available[i],
            max_rows=caps[i],
            drawn=int(drawn[i]),
            drawn_rows=int(rows[i]),
            sizes_digest=sizes_digest(sizes[name]),
        )
        for i, name in enumerate(names)
    ]
    return Mixture(
        seed=config.seed, count=config.count, rows=int(rows.sum()), total=int(drawn.sum()), groups=tuple(groups)
    )


def sizes_digest(sizes: npt.NDArray[np.integer]) -> str:
    """Identify a group's rows by their sizes: 32 hex digits."""
    return xxhash.xxh3_128_hexdigest(np.ascontiguousarray(sizes, "<i4").tobytes())


def _schedule(
    seed: int, sizes: Mapping[str, npt.NDArray[np.integer]], shares: Sequence[float], caps: Sequence[int]
) -> Schedule:
    keys = [
        [permutation_key(seed, name, epoch) for epoch in range(max(1, -(-cap // max(len(sizes[name]), 1))))]
        for name, cap in zip(sizes, caps, strict=True)
    ]
    return Schedule(list(sizes.values()), shares, keys, caps)


def _check_supply(
    config: MixtureConfig, total: int, shares: Sequence[float], available: Sequence[int], repetitions: Sequence[float]
) -> None:
    """ConfigError that names every group that its cap keeps from its share, and what would do."""
    short = []
    unit = config.count.replace("_", " ")
    for name, share, have, repetition in zip(config.groups, shares, available, repetitions, strict=True):
        needed = share * total
        if needed > have * repetition:
            short.append(
                f"{name!r} needs {needed:,.0f} {unit} and has {have:,} (max_repetition {repetition:g}): "
                f"{needed - have * repetition:,.0f} short; a max_repetition of {needed / have:.2f} would do"
            )
    if short:
        raise ConfigError("mixture: " + "; ".join(short))
