import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.mixture import Mixture, plan_mixture
from mathmill.tokenize.mixture_config import MixtureConfig, parse_ratio, parse_tokens
from mathmill.tokenize.permutation import permutation_key, permute
from mathmill.tokenize.schedule import CHUNK, Schedule
from mathmill.tokenize.targets import Targets


def config(**values: object) -> MixtureConfig:
    return MixtureConfig.model_validate(values)


@pytest.fixture
def sizes() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {"documents": random.integers(3000, 4097, 900), "problems": random.integers(10, 4097, 500)}


def prefixes(sizes: list[np.ndarray], groups: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What each group has had after each row: int64 (n_rows, n_groups)."""
    had = np.zeros((len(groups), len(sizes)), np.int64)
    had[np.arange(len(groups)), groups] = [sizes[g][r] for g, r in zip(groups.tolist(), rows.tolist(), strict=True)]
    return np.cumsum(had, axis=0)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7.35B", 7_350_000_000),
        ("48.3 B tokens", 48_300_000_000),
        ("1,000", 1000),
        ("2T", 2 * 10**12),
        ("1.5k", 1500),
        (12, 12),
    ],
)
def test_numbers_of_tokens_are_read_exactly(text: str | int, number: int) -> None:
    assert parse_tokens(text) == number


@pytest.mark.parametrize("text", ["", "B", "-3B", "0", "1.5", "3e9", "0.0001K", True, None, "7.35 G"])
def test_what_is_no_number_of_tokens_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="number of tokens"):
        parse_tokens(text)


def test_ratios_are_read() -> None:
    assert parse_ratio("3:7") == (3.0, 7.0)
    assert parse_ratio("30% : 70%") == (30.0, 70.0)
    for text in ("3:0", "3:-7", "3:x", "3:", "nan:1", "snan:30%"):
        with pytest.raises(ValueError, match="no share"):
            parse_ratio(text)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"groups": {"a": "30%", "b": 7}}, "7 stands beside percentages; write all shares as percentages, or none"),
        ({"groups": {"a": {"share": "30%"}, "b": "0.7"}}, "'0.7' stands beside percentages"),
        ({"groups": {"a": "30%", "b": "30%"}}, "the percentages sum to 60%, not to 100%"),
        ({"groups": {"a": {"share": "60%"}, "b": "40.02%"}}, r"the percentages sum to 100\.02%, not to 100%"),
        ({"groups": {"a": "30%"}}, "the percentages sum to 30%"),
        ({"groups": ["a", "b"], "ratio": "30%:7"}, "'7' stands beside percentages"),
        ({"groups": ["a", "b"], "ratio": "30%:60%"}, "the percentages sum to 90%"),
        ({"curriculum": {"points": [{"at": 0, "groups": {"a": "30%", "b": "60%"}}]}}, "the percentages sum to 90%"),
        ({"curriculum": {"points": [{"at": 0, "groups": {"a": "30%", "b": 70}}]}}, "70 stands beside percentages"),
    ],
)
def test_percentages_make_100_and_stand_beside_nothing_else(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        config(**values)


def test_percentages_may_be_rounded_and_a_share_of_0_is_one() -> None:
    assert config(groups=dict.fromkeys("abc", "33.33%")).group_names() == ("a", "b", "c")
    point = {"at": 0, "groups": {"a": "100%", "b": 0}}
    later = {"at": "50%", "groups": {"b": 1}}
    assert config(curriculum={"points": [point, later]}).group_names() == ("a", "b")


def test_shares_may_be_written_as_weights_percentages_tokens_or_a_ratio() -> None:
    for values in (
        {"groups": {"documents": 3, "problems": 7}},
        {"groups": {"documents": "30%", "problems": "70%"}},
        {"groups": {"documents": {"share": 0.3}, "problems": {"share": 0.7, "max_repetition": 2}}},
        {"groups": {"documents": "3B", "problems": "7B"}},
        {"groups": ["documents", "problems"], "ratio": "3:7"},
    ):
        assert config(**values).group_names() == ("documents", "problems")
        assert config(**values).float_shares(10) == [pytest.approx((0.3, 0.7))]
    assert config(groups={"a": "48.3B", "b": "7.35B"}).asked_total() == 55_650_000_000
    assert config(groups={"a": 1}, total="10M").asked_total() == 10_000_000


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"groups": {"a": 1, "b": "2B"}}, "every group a share, or every group a number of tokens"),
        ({"groups": {"a": "2B"}, "total": 5}, "leave `total` out"),
        ({"groups": {"a": 0}}, "no share"),
        ({"groups": {}}, "at least 1"),
        ({"groups": ["a", "b"]}, "together with `ratio"),
        ({"groups": ["a", "b"], "ratio": "1:2:3"}, "3 parts for 2 groups"),
        ({"groups": {"a": 1}, "totl": 3}, "Extra inputs"),
    ],
)
def test_a_wrong_mixture_is_refused_with_a_reason(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        config(**values)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(n=st.integers(1, 3000), seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 9))
def test_a_permutation_is_a_bijection_for_any_number_of_rows(n: int, seed: int, epoch: int) -> None:
    assert np.array_equal(np.sort(permute(np.arange(n), n, permutation_key(seed, "g", epoch))), np.arange(n))


def test_a_permutation_reaches_2_to_the_48() -> None:
    n = 2**48
    places = np.array([0, 1, 12345, n - 2, n - 1])
    found = permute(places, n, 7)
    assert len(set(found.tolist())) == 5
    assert (found >= 0).all()
    assert (found < n).all()
    with pytest.raises(ValueError, match="2\\^48"):
        permute([0], n + 1, 7)
    with pytest.raises(ValueError, match=r"\[0, 5\)"):
        permute([5], 5, 7)


def test_a_permutation_mixes_well() -> None:
    n = 40_000
    order = permute(np.arange(n), n, permutation_key(0, "documents", 0))
    assert abs(np.corrcoef(np.arange(n), order)[0, 1]) < 0.02
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.02
    blocks = np.histogram2d(np.arange(n), order, bins=20)[0]
    chi_square = ((blocks - 100) ** 2 / 100).sum()
    assert 250 < chi_square < 480  # 361 degrees of freedom, standard deviation 27
    firsts = np.bincount(
        [int(permute([0], 10, permutation_key(seed, "g", 0))[0]) for seed in range(3000)], minlength=10
    )
    assert firsts.min() > 230
    assert firsts.max() < 370


def test_epochs_groups_and_seeds_have_orders_of_their_own() -> None:
    orders = {tuple(permute(np.arange(50), 50, permutation_key(*key)).tolist()) for key in
              ((0, "a", 0), (0, "a", 1), (0, "b", 0), (1, "a", 0))}  # fmt: skip
    assert len(orders) == 4


@settings(derandomize=True, max_examples=150, deadline=None)
@given(data=st.data())
def test_no_prefix_is_more_than_a_row_from_its_shares(data: st.DataObject) -> None:
    n_groups = data.draw(st.integers(1, 8))
    longest = data.draw(st.integers(1, 60))
    sizes = [np.array([longest, *data.draw(st.lists(st.integers(0, longest), max_size=30))]) for _ in range(n_groups)]
    weights = np.array(data.draw(st.lists(st.integers(1, 1000), min_size=n_groups, max_size=n_groups)), float)
    shares = weights / weights.sum()
    keys = [[permutation_key(0, str(group), epoch) for epoch in range(40)] for group in range(n_groups)]
    schedule = Schedule(sizes, Targets.constant(shares.tolist()), keys, [40 * len(size) for size in sizes])
    groups, rows = schedule.rows(0, 400)
    had = prefixes(sizes, groups, rows)
    asked = had.sum(axis=1, keepdims=True) * shares
    assert np.abs(had - asked).max(initial=0) < longest + 1e-6


def test_each_epoch_shows_every_row_once_in_a_new_order(sizes: dict[str, np.ndarray]) -> None:
    mixture = plan_mixture(
        config(groups={"problems": 1}, max_repetition=2, total=int(sizes["problems"].sum() * 2)), sizes
    )
    groups, rows = mixture.schedule(sizes).rows(0, mixture.rows)
    assert set(groups.tolist()) == {0}
    assert sorted(rows[:500].tolist()) == sorted(rows[500:].tolist()) == list(range(500))
    assert rows[:500].tolist() != rows[500:].tolist()


def test_the_order_is_the_same_wherever_reading_starts() -> None:
    sizes = {"a": np.full(60_000, 7), "b": np.arange(50_000) % 9 + 1, "c": np.full(40_000, 5)}
    mixture = plan_mixture(config(groups={"a": 5, "b": 3, "c": 2}), sizes)
    assert mixture.rows > CHUNK + 1000
    groups, rows = mixture.schedule(sizes).rows(0, mixture.rows)
    for start, stop in ((0, 10), (3, 3), (CHUNK - 5, CHUNK + 5), (CHUNK, CHUNK + 1), (mixture.rows - 9, mixture.rows)):
        again = mixture.schedule(sizes).rows(start, stop)
        assert np.array_equal(again[0], groups[start:stop])
        assert np.array_equal(again[1], rows[start:stop])


def test_the_order_is_the_same_for_any_number_of_ranks(sizes: dict[str, np.ndarray]) -> None:
    schedule = plan_mixture(config(groups={"documents": 1, "problems": 1}), sizes).schedule(sizes)
    one = [schedule.rows(step * 12, step * 12 + 12)[1].tolist() for step in range(10)]
    starts = [step * 12 + rank * 4 for step in range(10) for rank in range(3)]
    three = [schedule.rows(start, start + 4)[1] for start in starts]
    assert np.concatenate(three).reshape(10, 12).tolist() == one


def test_the_achieved_shares_are_those_asked_for(sizes: dict[str, np.ndarray]) -> None:
    mixture = plan_mixture(config(groups=["documents", "problems"], ratio="7:3", total="1M"), sizes)
    assert 1_000_000 <= mixture.total < 1_004_096
    assert mixture.rows == sum(row["rows"] for row in mixture.table())
    for row, asked in zip(mixture.table(), (0.7, 0.3), strict=True):
        assert row["asked"] == asked
        assert abs(row["achieved_tokens"] - asked * mixture.total) <= 4096
        assert row["achieved"] == pytest.approx(asked, abs=4096 / mixture.total)
    groups, rows = mixture.schedule(sizes).rows(0, mixture.rows)
    drawn = prefixes(list(sizes.values()), groups, rows)[-1]
    assert drawn.tolist() == [row["achieved_tokens"] for row in mixture.table()]


def test_budgets_in_tokens_are_met(sizes: dict[str, np.ndarray]) -> None:
    mixture = plan_mixture(config(groups={"documents": "1.2M", "problems": "300K"}), sizes)
    documents, problems = mixture.table()
    assert abs(documents["achieved_tokens"] - 1_200_000) <= 4096
    assert abs(problems["achieved_tokens"] - 300_000) <= 4096


def test_without_a_total_the_scarcest_group_is_used_up(sizes: dict[str, np.ndarray]) -> None:
    mixture = plan_mixture(config(groups={"documents": 1, "problems": 1}), sizes)
    documents, problems = mixture.table()
    assert problems["rows"] >= 499
    assert documents["repetitions"] < 1
    assert abs(documents["achieved"] - 0.5) < 4096 / mixture.total


def test_a_group_that_is_too_small_is_an_error_that_says_by_how_much() -> None:
    sizes = {"documents": np.full(100, 1000), "problems": np.full(10, 1000)}
    with pytest.raises(ConfigError) as caught:
        plan_mixture(config(groups={"documents": 1, "problems": 1}, total=100_000, max_repetition=2), sizes)
    assert "'problems' needs 50,000 tokens and has 10,000 (max_repetition 2): 30,000 short" in str(caught.value)
    assert "a max_repetition of 5.00 would do" in str(caught.value)
    assert "documents" not in str(caught.value)
    planned = plan_mixture(
        config(groups={"documents": 1, "problems": {"share": 1, "max_repetition": 5}}, total=100_000), sizes
    )
    assert [row["repetitions"] for row in planned.table()] == [0.5, 5.0]


def test_unknown_and_empty_groups_are_errors() -> None:
    with pytest.raises(ConfigError, match="no group 'b'; there are a, c"):
        plan_mixture(config(groups={"a": 1, "b": 1}), {"a": np.array([1]), "c": np.array([1])})
    with pytest.raises(ConfigError, match="'b' holds no supervised tokens"):
        plan_mixture(
            config(groups={"a": 1, "b": 1}, count="supervised_tokens"), {"a": np.array([1]), "b": np.array([0, 0])}
        )


def test_a_mixture_file_gives_back_the_same_order(sizes: dict[str, np.ndarray], tmp_path: Path) -> None:
    mixture = plan_mixture(config(groups={"documents": 1, "problems": 2}, seed=3), sizes)
    mixture.save(tmp_path / "mixture.json")
    again = Mixture.load(tmp_path / "mixture.json")
    assert again == mixture
    assert np.array_equal(again.schedule(sizes).rows(0, 99)[1], mixture.schedule(sizes).rows(0, 99)[1])
    assert plan_mixture(config(groups={"documents": 1, "problems": 2}, seed=4), sizes) != mixture
    with pytest.raises(DataError, match="group 'problems' differs"):
        mixture.schedule(sizes | {"problems": sizes["problems"][::-1]})


def test_a_broken_mixture_file_is_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "mixture.json"
    for content in (b"", b"{}", b'{"version": 3}', b'{"version": 1, "groups": [1], "total": 2}', b"\xff", b"[]"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="no mixture of version 1 to 2"):
            Mixture.load(path)
    with pytest.raises(DataError, match="cannot read"):
        Mixture.load(tmp_path / "absent.json")


VERSION_1 = {
    "version": 1,
    "seed": 11,
    "count": "tokens",
    "rows": 9,
    "total": 609,
    "groups": [
        {"name": "web", "share": 0.5, "rows": 10, "size": 499, "max_rows": 20, "drawn": 304, "drawn_rows": 5,
         "sizes_digest": "61bd0a115d67508ba861c2ec548211d4"},
        {"name": "problems", "share": 0.3, "rows": 5, "size": 289, "max_rows": 10, "drawn": 205, "drawn_rows": 3,
         "sizes_digest": "5cd317ca1f3d0a56a90f49e1a6cf2b5a"},
        {"name": "hard", "share": 0.2, "rows": 7, "size": 439, "max_rows": 14, "drawn": 100, "drawn_rows": 1,
         "sizes_digest": "160a6f19c3fbbbf43493db6a41a9c367"},
    ],
}  # fmt: skip


def test_a_mixture_of_version_1_gives_the_order_that_it_always_gave(tmp_path: Path) -> None:
    sizes = {
        "web": np.array([40, 100, 7, 0, 64, 100, 31, 90, 12, 55]),
        "problems": np.array([5, 100, 23, 100, 61]),
        "hard": np.array([77, 100, 3, 50, 9, 100, 100]),
    }
    (tmp_path / "mixture.json").write_text(json.dumps(VERSION_1))
    old = Mixture.load(tmp_path / "mixture.json")
    groups, rows = old.schedule(sizes).rows(0, old.rows)
    assert groups.tolist() == [0, 1, 0, 2, 1, 0, 0, 0, 1]
    assert rows.tolist() == [0, 1, 5, 6, 0, 4, 3, 1, 3]
    assert [row["asked_tokens"] for row in old.table()] == [304, 183, 122]
    shares = {"web": 5, "problems": 3, "hard": 2}
    new = plan_mixture(config(groups=shares, seed=11, max_repetition=2, total=600), sizes)
    assert np.array_equal(new.schedule(sizes).rows(0, 9)[1], rows)
    assert (new.rows, new.total, new.asked) == (9, 609, 600)
    assert [row["asked_tokens"] for row in new.table()] == [300, 180, 120]


def test_the_order_of_constant_shares_is_that_of_version_1() -> None:
    i = np.arange(90_000)
    sizes = {"a": i * 7919 % 4097, "b": i[:70_000] * 104729 % 4097, "c": i[:50_000] * 1299709 % 4097}
    shares = {"a": "30%", "b": "60.5%", "c": "9.5%"}
    mixture = plan_mixture(config(groups=shares, seed=3, max_repetition=2.5), sizes)
    groups, rows = mixture.schedule(sizes).rows(0, 250_000)
    digest = xxhash.xxh3_128_hexdigest(groups.astype("<i2").tobytes() + rows.astype("<i8").tobytes())
    assert digest == "b1a001bd9fc97a2c199a8df256ab64bc"  # made by the code of version 1
    assert abs(mixture.rows - 289_444) <= 3  # it drew on until the scarcest group was missed


BILLION = 10**9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seq_len", "budgets"),
    [
        (4096, {"math": 4.41, "problems": 10.29}),  # Test1, 3:7 of 14.7B (arXiv:2501.14002)
        (4096, {"math": 10.29, "problems": 4.41}),  # Test2, 7:3
        (4096, {"math": 7.35, "problems": 7.35}),  # Test3, 5:5
        (4096, {"general": 48.3, "math": 7.5, "problems": 7.2}),  # Base2, 63B
        pytest.param(  # MathGPT-8B, 137.4B
            8192, {"general": 39.6, "math": 46.7, "problems": 51.1}, marks=pytest.mark.full
        ),
    ],
)
def test_the_budgets_of_the_paper_are_met_within_a_row_of_each_group(seq_len: int, budgets: dict[str, float]) -> None:
    random = np.random.default_rng(0)
    filled = {"general": (0.97, 1.0), "math": (0.9, 1.0), "problems": (0.6, 1.0)}
    sizes = {}
    for name, billions in budgets.items():
        low, high = (int(part * seq_len) for part in filled[name])
        rows = int(billions * BILLION / ((low + high) / 2) / 1.5)  # each row is seen about 1.5 times
        sizes[name] = random.integers(low, high + 1, rows, dtype=np.int32)
    groups = {name: f"{billions}B" for name, billions in budgets.items()}
    mixture = plan_mixture(config(groups=groups, max_repetition=2), sizes)
    for row, billions in zip(mixture.table(), budgets.values(), strict=True):
        assert row["asked_tokens"] == round(billions * BILLION)
        assert abs(row["achieved_tokens"] - row["asked_tokens"]) < seq_len
        assert 1.49 < row["repetitions"] < 1.51
    assert mixture.asked <= mixture.total < mixture.asked + seq_len


@pytest.mark.parametrize(("ratio", "tokens"), [("3:7", (4.41, 10.29)), ("5:5", (7.35, 7.35)), ("7:3", (10.29, 4.41))])
def test_the_ratios_of_the_paper_ask_for_its_budgets(ratio: str, tokens: tuple[float, float]) -> None:
    asked = config(groups=["math", "problems"], ratio=ratio, total="14.7B").asked_of(147 * BILLION // 10)
    assert asked == [round(billions * BILLION) for billions in tokens]
