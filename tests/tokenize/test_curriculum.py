from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mathmill.core.errors import ConfigError
from mathmill.tokenize.mixture import Mixture, plan_mixture
from mathmill.tokenize.mixture_config import MixtureConfig
from mathmill.tokenize.permutation import permutation_key, permute
from mathmill.tokenize.schedule import CHUNK, Schedule
from mathmill.tokenize.targets import Targets, integrate


def config(shape: str, points: list[tuple[object, dict[str, object]]], **values: object) -> MixtureConfig:
    written = [{"at": at, "groups": groups} for at, groups in points]
    return MixtureConfig.model_validate({"curriculum": {"shape": shape, "points": written}, **values})


WARM_UP = [("0%", {"web": 1}), ("25%", {"web": 1, "math": 1}), ("75%", {"math": 3, "hard": 1})]


def groups_drawn(mixture: Mixture, sizes: dict[str, np.ndarray]) -> list[int]:
    return mixture.schedule(sizes).rows(0, mixture.rows)[0].tolist()


def test_a_curriculum_in_steps_changes_the_shares_where_it_says() -> None:
    sizes = {name: np.full(30, 10) for name in ("web", "math", "hard")}
    mixture = plan_mixture(config("steps", WARM_UP, total=320), sizes)
    assert groups_drawn(mixture, sizes) == [
        *([0] * 8),
        *([0, 1] * 8),
        *(1, 2, 1, 1, 1, 2, 1, 1),
    ]
    assert [(row["group"], row["asked_tokens"], row["achieved_tokens"]) for row in mixture.table()] == [
        ("web", 160, 160),
        ("math", 140, 140),
        ("hard", 20, 20),
    ]
    assert [(point.at, point.shares) for point in mixture.points] == [
        (0, (1, 0, 0)),
        (80, (0.5, 0.5, 0)),
        (240, (0, 0.75, 0.25)),
    ]


def test_a_linear_curriculum_goes_straight_from_point_to_point() -> None:
    sizes = {"easy": np.full(100, 10), "hard": np.full(100, 10)}
    crossing = [("0%", {"easy": 1}), ("100%", {"hard": 1})]
    mixture = plan_mixture(config("linear", crossing, total=200), sizes)
    assert groups_drawn(mixture, sizes) == [0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1]
    assert [row["asked_tokens"] for row in mixture.table()] == [100, 100]
    targets = mixture.targets()
    assert targets.at(100).tolist() == [75, 25]
    assert targets.reached(0, 75) == pytest.approx(100)
    assert targets.reached(1, 25) == pytest.approx(100)


def test_points_may_be_given_in_tokens_and_the_last_shares_stay() -> None:
    sizes = {"a": np.full(1000, 7), "b": np.full(1000, 7)}
    points = [(0, {"a": 1}), ("1K tokens", {"b": "100%"})]
    asked = plan_mixture(config("steps", points, total="3K"), sizes).table()
    assert [row["asked_tokens"] for row in asked] == [1000, 2000]
    asked = plan_mixture(config("linear", points, total="3K"), sizes).table()
    assert [row["asked_tokens"] for row in asked] == [500, 2500]


def test_the_integral_of_shares_is_exact() -> None:
    third = Fraction(1, 3)
    points = [(Fraction(0), [third, 1 - third]), (Fraction(6), [Fraction(1), Fraction(0)])]
    assert integrate("steps", points, 9) == [5, 4]
    assert integrate("linear", points, 9) == [7, 2]
    assert integrate("linear", points, 3) == [Fraction(3, 2), Fraction(3, 2)]  # shares at 3: 2/3 and 1/3
    assert integrate("steps", points, 3) == [1, 2]


@pytest.mark.parametrize(
    ("shape", "points", "values", "sentence"),
    [
        ("steps", [("10%", {"a": 1})], {}, "first point of a curriculum is at 0%, not at 10%"),
        ("steps", [(0, {"a": 1}), ("50%", {"b": 1}), ("40%", {"a": 1})], {}, "40% stands too late"),
        ("steps", [(0, {"a": 1}), ("50%", {"b": 1}), ("50%", {"a": 1})], {}, "50% stands too late"),
        ("steps", [(0, {"a": 1}), ("100%", {"b": 1})], {}, "the point at 100% has no effect"),
        ("linear", [(0, {"a": 1}), ("2K", {"b": 1})], {"total": 1000}, "the point at 2000 has no effect"),
        ("steps", [(0, {"a": 1}), ("2K", {"b": 1})], {}, "needs a `total`"),
        ("steps", [(0, {"a": 1}), (0.5, {"b": 1})], {}, "0.5 is no point of training; write 50% of it, or 10B"),
        ("steps", [(0, {"a": 1}), ("101%", {"b": 1})], {}, "not between 0% and 100%"),
        ("steps", [(0, {"a": 0})], {}, "at least one group needs a share"),
        ("steps", [(0, {"a": -1})], {}, "is no share"),
        ("steps", [(0, {"a": 1, "b": 0})], {}, "never gives 'b' a share"),
        ("steps", [(0, {"a": 1})], {"groups": {"a": 1}}, "the curriculum gives the shares"),
        ("steps", [(0, {"a": 1})], {"groups": {"b": {"max_repetition": 2}}}, "never gives 'b' a share"),
        ("zigzag", [(0, {"a": 1})], {}, "'steps' or 'linear'"),
        ("steps", [], {}, "at least 1"),
    ],
)
def test_a_wrong_curriculum_is_refused_with_a_reason(shape: str, points, values, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        config(shape, points, **values)


def test_running_out_is_an_error_that_says_when_and_what_would_do() -> None:
    sizes = {"web": np.full(100, 100), "math": np.full(20, 100), "hard": np.full(10, 100)}
    asked = config("steps", WARM_UP, total=8000)
    with pytest.raises(ConfigError) as caught:
        plan_mixture(asked, sizes)
    assert str(caught.value) == (
        "mixture: 'math' needs 3,500 tokens and has 2,000 (max_repetition 1): 1,500 short, it runs out after 75% of "
        "the training; a max_repetition of 1.75 would do; or ask for a total of at most 4,571"
    )
    enough = config("steps", WARM_UP, total=8000, groups={"math": {"max_repetition": 1.75}})
    assert [row["rows"] for row in plan_mixture(enough, sizes).table()] == [40, 35, 5]
    assert plan_mixture(config("steps", WARM_UP, total=4571), sizes).total >= 4571
    assert plan_mixture(config("steps", WARM_UP), sizes).asked == 4571


def test_the_order_of_a_curriculum_is_the_same_wherever_reading_starts() -> None:
    sizes = {"web": np.arange(70_000) % 9 + 1, "math": np.full(60_000, 7), "hard": np.full(50_000, 3)}
    for shape in ("steps", "linear"):
        mixture = plan_mixture(config(shape, WARM_UP), sizes)
        assert mixture.rows > CHUNK + 1000
        groups, rows = mixture.schedule(sizes).rows(0, mixture.rows)
        again = Mixture.model_validate_json(mixture.to_json())
        for start, stop in ((0, 10), (CHUNK - 5, CHUNK + 5), (CHUNK, CHUNK + 1), (mixture.rows - 9, mixture.rows)):
            found = again.schedule(sizes).rows(start, stop)
            assert np.array_equal(found[0], groups[start:stop])
            assert np.array_equal(found[1], rows[start:stop])


@st.composite
def mixtures(draw: st.DrawFn, max_groups: int) -> tuple[MixtureConfig, dict[str, np.ndarray], int]:
    """A mixture of any shape with groups of any kind, their rows, and the longest row."""
    names = [f"g{i}" for i in range(draw(st.integers(1, max_groups)))]
    longest = draw(st.integers(1, 60))
    sizes = {
        name: np.array([longest if draw(st.booleans()) else 1, *draw(st.lists(st.integers(0, longest), max_size=25))])
        for name in names
    }
    weight = st.one_of(st.integers(0, 9), st.sampled_from([1e-6, 0.1, 0.35, 1e6]))
    places = draw(st.lists(st.integers(1, 99), max_size=4, unique=True))
    shares = [{name: draw(weight) for name in names} for _ in range(1 + len(places))]
    for name in names:  # everybody gets something somewhere
        shares[draw(st.integers(0, len(places)))][name] = draw(st.sampled_from([1e-6, 1, 7]))
    for point in shares:
        point[names[0]] = point[names[0]] if any(point.values()) else 1
    points = [(f"{at}%", groups) for at, groups in zip([0, *sorted(places)], shares, strict=True)]
    total = draw(st.integers(1, 30 * longest))
    shape = draw(st.sampled_from(["steps", "linear"]))
    repetition = draw(st.sampled_from([9_000, 9_999.5]))
    return config(shape, points, total=total, max_repetition=repetition), sizes, longest


def drawn_after_each_row(mixture: Mixture, sizes: dict[str, np.ndarray]) -> np.ndarray:
    """What each group has had before the first row and after each: int64 (n_rows + 1, n_groups)."""
    groups, rows = mixture.schedule(sizes).rows(0, mixture.rows)
    values = list(sizes.values())
    had = np.zeros((mixture.rows + 1, len(sizes)), np.int64)
    had[np.arange(mixture.rows) + 1, groups] = [values[g][r] for g, r in zip(groups, rows, strict=True)]
    return np.cumsum(had, axis=0)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(mixtures(max_groups=7))
def test_after_every_row_no_group_is_a_row_from_its_target(case) -> None:
    asked, sizes, longest = case
    try:
        mixture = plan_mixture(asked, sizes)
    except ConfigError:  # a group of few tokens
        return
    had = drawn_after_each_row(mixture, {name: sizes[name] for name in asked.group_names()})
    for total, drawn in zip(had.sum(axis=1).tolist(), had, strict=True):
        exact = np.array(
            [float(tokens) for tokens in integrate(mixture.shape, asked.points(asked.total), max(total, 1))]
        )
        off = drawn - (exact if total else 0)
        assert np.abs(off).max() < longest + 1e-6, (total, drawn, exact)
    rows_of_its_own = [sizes[name].max() for name in asked.group_names()]
    assert (had[-1] - exact < np.array(rows_of_its_own) + 1e-6).all()  # above its target by less than a row of its own


@settings(derandomize=True, max_examples=60, deadline=None)
@given(mixtures(max_groups=20))
def test_at_the_end_each_group_has_what_was_asked_within_less_than_a_row(case) -> None:
    asked, sizes, longest = case
    try:
        mixture = plan_mixture(asked, sizes)
    except ConfigError:
        return
    assert asked.total is not None
    assert asked.total <= mixture.total < asked.total + longest
    assert mixture.total == sum(group.drawn for group in mixture.groups)
    for group, tokens in zip(mixture.groups, asked.asked_of(asked.total), strict=True):
        assert abs(group.drawn - tokens) < longest
        assert group.asked == round(tokens)
        assert group.drawn_rows <= group.max_rows


@settings(derandomize=True, max_examples=60, deadline=None)
@given(mixtures(max_groups=5), st.integers(0, 300), st.sampled_from([1, 33_333_333]))
def test_all_of_the_supply_can_be_asked_for_and_no_token_more(case, hundredths: int, scale: int) -> None:
    asked, sizes, longest = case
    sizes, longest = {name: values * scale for name, values in sizes.items()}, longest * scale  # up to 10^12 tokens
    plain = asked.model_dump(exclude={"total", "max_repetition"}, exclude_none=True) | {
        "max_repetition": hundredths / 100
    }
    try:
        most = plan_mixture(MixtureConfig.model_validate(plain), sizes)
    except ConfigError:  # not a token can be drawn
        return
    assert most.asked <= most.total < most.asked + longest
    again = plan_mixture(MixtureConfig.model_validate(plain | {"total": most.asked}), sizes)
    assert again == most
    with pytest.raises(ConfigError, match="short, it runs out after"):
        plan_mixture(MixtureConfig.model_validate(plain | {"total": most.asked + 2}), sizes)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(1, 3000), st.integers(0, 99))
def test_the_repetition_that_the_error_names_would_do(sizes: list[int], total: int, seed: int) -> None:
    rows = {"a": np.array([*sizes, 1])}
    values = {"groups": {"a": 1}, "total": total, "seed": seed}
    try:
        plan_mixture(MixtureConfig.model_validate(values | {"max_repetition": 0.5}), rows)
    except ConfigError as error:
        named = float(str(error).partition("a max_repetition of ")[2].partition(" ")[0])
        assert plan_mixture(MixtureConfig.model_validate(values | {"max_repetition": named}), rows).total >= total
        with pytest.raises(ConfigError):
            plan_mixture(MixtureConfig.model_validate(values | {"max_repetition": round(named - 0.01, 2)}), rows)


def slow_order(sizes: list[np.ndarray], starts: list[int], shares: list[list[Fraction]], count: int) -> list[int]:
    """WF2Q over shares in steps, with fractions and by the book."""
    n, ends = len(sizes), [*starts[1:], 10**9]

    def target(group: int, total: Fraction | int) -> Fraction:
        pieces = [(k, start, min(total, ends[k])) for k, start in enumerate(starts) if total > start]
        return sum((shares[k][group] * (end - start) for k, start, end in pieces), Fraction(0))

    def due(group: int, tokens: int) -> Fraction:
        for k, end in enumerate(ends):
            if target(group, end) >= tokens:
                left = tokens - target(group, starts[k])
                return starts[k] + (left / shares[k][group] if left > 0 else Fraction(0))
        return Fraction(10**12)

    drawn, counts, order = [0] * n, [0] * n, []
    while len(order) < count:
        total = sum(drawn)
        piece = max(k for k, start in enumerate(starts) if start <= total)
        ready = [
            g for g in range(n)
            if target(g, total) > drawn[g] or (target(g, total) == drawn[g] and shares[piece][g] > 0)
        ]  # fmt: skip
        next_row = [int(permute([counts[g] % len(sizes[g])], len(sizes[g]), KEY)[0]) for g in range(n)]
        best = min(ready, key=lambda g: (due(g, drawn[g] + int(sizes[g][next_row[g]])), g))
        order.append(best)
        drawn[best] += int(sizes[best][next_row[best]])
        counts[best] += 1
    return order


KEY = permutation_key(0, "g", 0)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(data=st.data())
def test_the_compiled_schedule_agrees_with_one_in_fractions(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 5))
    sizes = [np.array(data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=12))) for _ in range(n)]
    cuts = data.draw(st.lists(st.integers(1, 40), max_size=3, unique=True))
    starts = [0, *sorted(16 * cut for cut in cuts)]
    shares = []
    for _ in starts:
        bounds = [0, *sorted(data.draw(st.lists(st.integers(0, 16), min_size=n - 1, max_size=n - 1))), 16]
        shares.append([Fraction(after - before, 16) for before, after in pairwise(bounds)])
    targets = Targets.of("steps", starts, [[float(share) for share in point] for point in shares])
    schedule = Schedule(sizes, targets, [[KEY] * 200 for _ in sizes], [200 * len(size) for size in sizes])
    assert schedule.rows(0, 120)[0].tolist() == slow_order(sizes, starts, shares, 120)
