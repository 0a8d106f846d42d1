"""What a mixture is asked to be: shares or budgets of mix groups, fixed or changing over training (a curriculum).

Shares are kept as the decimals that they were written as, so that what is asked of a group is exact: 30 % of 1,000
tokens are 300, and a supply of 300 tokens is enough.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mathmill.core.config import Config
from mathmill.tokenize.targets import Shape, integrate

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_AMOUNT = re.compile(r"\s*([0-9][0-9_,]*(?:\.[0-9]+)?)\s*([KMBT]?)\s*(?:tokens?)?\s*", re.IGNORECASE)

MAX_TOKENS = 10**15
MAX_REPETITION = 10_000

Points: TypeAlias = list[tuple[Fraction, list[Fraction]]]
"""Of each point of training its place in tokens and the shares of all groups, which sum to 1."""


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
    """Read a ratio: "3:7" or "30% : 70%". ValueError unless all parts are positive; percentages sum to 100%."""
    parts = text.split(":")
    _check_percentages(parts)
    return tuple(_weight(part) for part in parts)


def _number(value: Any) -> Decimal:
    """Read 7, "7" or "70%"; NaN where it is neither."""
    try:
        return Decimal("nan") if isinstance(value, bool) else Decimal(str(value).strip().removesuffix("%").strip())
    except InvalidOperation:
        return Decimal("nan")


def _weight(value: Any) -> float:
    weight = _number(value)
    if not weight.is_finite() or not 0 < float(weight) < math.inf:
        raise ValueError(f"{value!r} is no share; write a positive number (7) or a percentage (70%)")
    return float(weight)


def _weight_or_none(value: Any) -> float:
    weight = _number(value)
    return 0.0 if weight.is_finite() and weight == 0 else _weight(value)


def _check_percentages(shares: Iterable[Any]) -> None:
    """ValueError where percentages stand beside plain numbers, or do not sum to 100%; 0 is both."""
    shares = [share for share in shares if share is not None]
    if not all(_number(share).is_finite() for share in shares):
        return  # the field says so
    shares = [share for share in shares if _number(share)]
    percentages = [isinstance(share, str) and share.strip().endswith("%") for share in shares]
    if not any(percentages):
        return
    if not all(percentages):
        plain = shares[percentages.index(False)]
        raise ValueError(f"{plain!r} stands beside percentages; write all shares as percentages, or none")
    total = sum((_number(share) for share in shares), Decimal(0))
    if abs(total - 100) > Decimal("0.01"):
        raise ValueError(f"the percentages sum to {total.normalize():f}%, not to 100%")


def _place(value: Any) -> str:
    """Read a point of training and write it in one form: "50%", "10000000000"."""
    if isinstance(value, str) and value.strip().endswith("%"):
        percent = _number(value)
        if not percent.is_finite() or not 0 <= percent <= 100:
            raise ValueError(f"{value!r} is not between 0% and 100% of the training")
        return f"{percent.normalize():f}%"
    if not isinstance(value, bool) and str(value).strip() in ("0", "0.0"):
        return "0%"
    try:
        return str(parse_tokens(value))
    except ValueError:
        raise ValueError(f"{value!r} is no point of training; write 50% of it, or 10B tokens") from None


Tokens = Annotated[int, BeforeValidator(parse_tokens), Field(ge=1, le=MAX_TOKENS)]
Share = Annotated[float, BeforeValidator(_weight)]
ShareOrNone = Annotated[float, BeforeValidator(_weight_or_none)]
Place = Annotated[str, BeforeValidator(_place)]
Repetition = Annotated[float, Field(ge=0, le=MAX_REPETITION)]


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


class CurriculumPoint(Config):
    """The shares of groups at a point of training: `{at: 50%, groups: {web: 3, problems: 7}}`; 0 where not named."""

    at: Place
    groups: Annotated[dict[str, ShareOrNone], Field(min_length=1)]

    @field_validator("groups", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            _check_percentages(value.values())
        return value

    @model_validator(mode="after")
    def _some_share(self) -> Self:
        if not any(self.groups.values()):
            raise ValueError("at least one group needs a share at each point")
        return self

    def place(self, total: Fraction | int) -> Fraction:
        """Where it lies in a mixture of so many tokens."""
        percent = self.at.endswith("%")
        return Fraction(self.at.removesuffix("%")) * (Fraction(total) / 100 if percent else 1)


class Curriculum(Config):
    """Shares that change over training, given at points of it: percentages of the total, or tokens.

    shape: `steps` keeps the shares of a point until the next one, `linear` goes straight from one to the next; after
    the last point they stay.
    """

    shape: Shape = "steps"
    points: Annotated[tuple[CurriculumPoint, ...], Field(min_length=1, max_length=100)]

    def is_relative(self) -> bool:
        """Whether all points are percentages, so that it fits any total."""
        return all(point.at.endswith("%") for point in self.points)


class MixtureConfig(Config):
    """`mixture:` in a recipe.

    groups: of each mix group its share (`7`, `70%`) or its tokens (`7.35B`), all of one kind, percentages 100%
    together; or a list of names with `ratio: "3:7"`. curriculum: shares that change over training, instead; `groups`
    then says max_repetition only.
    total: tokens of the whole; with shares and without a total, as much as the scarcest group allows.
    count: what shares are of. max_repetition: times that each row may be seen (four repetitions cost little:
    Muennighoff et al., arXiv:2305.16264); each group may have its own.
    """

    groups: dict[str, GroupTarget] = {}
    curriculum: Curriculum | None = None
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
        if len(shares) != len(names) or len(set(map(str, names))) != len(names):
            raise ValueError(f"the ratio {ratio!r} has {len(shares)} parts for {len(set(map(str, names)))} groups")
        return plain | {"groups": dict(zip(names, shares, strict=True))}

    @field_validator("groups", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            given = [target.get("share") if isinstance(target, Mapping) else target for target in value.values()]
            _check_percentages(share for share in given if not isinstance(share, GroupTarget))
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        shares = [target.share is not None for target in self.groups.values()]
        tokens = [target.tokens is not None for target in self.groups.values()]
        if self.curriculum is not None:
            if any(shares) or any(tokens):
                raise ValueError("the curriculum gives the shares; under `groups` goes only max_repetition then")
            return self._checked_curriculum(self.curriculum)
        if not self.groups:
            raise ValueError("a mixture needs at least 1 group with a share, or a curriculum")
        if not ((all(shares) and not any(tokens)) or (all(tokens) and not any(shares))):
            raise ValueError("give every group a share, or every group a number of tokens")
        if all(tokens) and self.total is not None:
            raise ValueError("the groups' tokens give the total; leave `total` out")
        return self

    def _checked_curriculum(self, curriculum: Curriculum) -> Self:
        points = curriculum.points
        if self.total is None and not curriculum.is_relative():
            raise ValueError("a curriculum with points in tokens needs a `total`; or write the points as percentages")
        total = self.total or 100
        places = [point.place(total) for point in points]
        if places[0] != 0:
            raise ValueError(f"the first point of a curriculum is at 0%, not at {points[0].at}")
        for (before, after), point in zip(pairwise(places), points[1:], strict=True):
            if (after - before) * 10**9 < total:
                raise ValueError(f"the points of a curriculum follow each other; {point.at} stands too late")
        if places[-1] > total or (places[-1] == total and curriculum.shape == "steps"):
            raise ValueError(f"the point at {points[-1].at} has no effect: training has ended by then")
        if strange := [name for name in self.groups if name not in self.group_names()]:
            raise ValueError(f"the curriculum never gives {strange[0]!r} a share")
        if idle := [n for n in self.group_names() if not any(point.groups.get(n) for point in points)]:
            raise ValueError(f"the curriculum never gives {idle[0]!r} a share; leave it out")
        return self

    def group_names(self) -> tuple[str, ...]:
        """The mix groups that it draws from, in order."""
        if self.curriculum is not None:
            return tuple(dict.fromkeys(name for point in self.curriculum.points for name in point.groups))
        return tuple(self.groups)

    def shape(self) -> Shape:
        """How shares go from point to point."""
        return "steps" if self.curriculum is None else self.curriculum.shape

    def repetitions(self) -> list[Fraction]:
        """Of each group how often its rows may be seen."""
        own = [self.groups[name].max_repetition if name in self.groups else None for name in self.group_names()]
        return [Fraction(str(self.max_repetition if value is None else value)) for value in own]

    def points(self, total: Fraction | int) -> Points:
        """Where the shares of groups are given, in a mixture of so many tokens; exact."""
        names = self.group_names()
        if self.curriculum is None:
            return [(Fraction(0), _shares(self._weights()))]
        return [
            (point.place(total), _shares([point.groups.get(name, 0.0) for name in names]))
            for point in self.curriculum.points
        ]

    def float_shares(self, total: int) -> list[tuple[float, ...]]:
        """The shares at the same points, as the order is computed from; each sums to 1."""
        if self.curriculum is not None:
            return [tuple(float(share) for share in shares) for _, shares in self.points(total)]
        weights = self._weights()
        return [tuple(weight / math.fsum(weights) for weight in weights)]  # version 1 divided floats; so do we

    def asked_of(self, total: Fraction | int) -> list[Fraction]:
        """What is asked of each group in a mixture of so many tokens; exact."""
        return integrate(self.shape(), self.points(total), total)

    def asked_total(self) -> int | None:
        """The asked number of tokens, or None for as much as there is."""
        budgets = [target.tokens for target in self.groups.values() if target.tokens is not None]
        return sum(budgets) if budgets else self.total

    def _weights(self) -> list[float]:
        return [float(target.share or target.tokens or 0) for target in self.groups.values()]


def _shares(weights: Sequence[float]) -> list[Fraction]:
    exact = [Fraction(str(weight)) for weight in weights]
    return [weight / sum(exact) for weight in exact]
