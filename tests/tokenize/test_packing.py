from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.tokenize.packing import MAX_CAPACITY, pack


def best_fit_decreasing(lengths: list[int], capacity: int) -> list[int]:
    """The definition: longest first, least sufficient room, and of equal rooms the one that is oldest."""
    room: list[int] = []
    since: list[int] = []
    bins = [-1] * len(lengths)
    for step, item in enumerate(sorted(range(len(lengths)), key=lambda i: -lengths[i])):
        fitting = [b for b in range(len(room)) if room[b] >= lengths[item]]
        if fitting:
            chosen = min(fitting, key=lambda b: (room[b], since[b]))
        else:
            chosen = len(room)
            room.append(capacity)
            since.append(step)
        room[chosen] -= lengths[item]
        since[chosen] = step
        bins[item] = chosen
    return bins


def first_fit_decreasing(lengths: list[int], capacity: int) -> list[int]:
    """The definition: longest first, into the first bin with room."""
    room: list[int] = []
    bins = [-1] * len(lengths)
    for item in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        chosen = next((b for b in range(len(room)) if room[b] >= lengths[item]), len(room))
        room += [capacity] if chosen == len(room) else []
        room[chosen] -= lengths[item]
        bins[item] = chosen
    return bins


def test_a_small_plan_is_the_one_worked_out_by_hand():
    packing = pack(np.array([3, 5, 2, 7, 3]), 8)
    # 7 opens bin 0, 5 opens bin 1, the first 3 fills bin 1, the second 3 opens bin 2, 2 goes there too
    assert packing.bins.tolist() == [1, 1, 2, 0, 2]
    assert packing.num_bins == 3
    assert packing.bins.dtype == np.int64


def test_the_items_of_a_bin_come_in_input_order():
    order, offsets = pack(np.array([3, 5, 2, 7, 3]), 8).by_bin()
    assert [order[a:b].tolist() for a, b in pairwise(offsets)] == [[3], [0, 1], [2, 4]]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.data())
def test_the_plan_is_best_fit_decreasing_bin_for_bin(data):
    capacity = data.draw(st.integers(1, 200))
    lengths = data.draw(st.lists(st.integers(1, capacity), max_size=60))
    packing = pack(np.array(lengths, np.int64), capacity)
    assert packing.bins.tolist() == best_fit_decreasing(lengths, capacity)


@pytest.mark.parametrize("capacity", [63, 64, 65, 4095, 4096, 4097, 8193, 300_000])
def test_large_plans_with_awkward_capacities_equal_the_definition(capacity):
    rng = np.random.default_rng(capacity)
    lengths = np.clip(rng.lognormal(np.log(capacity / 5), 1.0, 400), 1, capacity).astype(np.int32)
    assert pack(lengths, capacity).bins.tolist() == best_fit_decreasing(lengths.tolist(), capacity)


def test_a_small_first_fit_plan_is_the_one_worked_out_by_hand():
    # 6 opens bin 0, 5 bin 1, 4 bin 2; 2 goes to bin 0 and 3 to bin 1, where best fit would be the same; 1 to bin 2
    packing = pack([3, 6, 1, 5, 2, 4], 8, "first-fit-decreasing")
    assert packing.bins.tolist() == [1, 0, 2, 1, 0, 2]
    # where both rows have room for 1, the first one gets it, not the fullest
    assert pack([6, 7, 1], 8, "first-fit-decreasing").bins.tolist() == [1, 0, 0]
    assert pack([5, 4, 4, 1], 8, "first-fit-decreasing").bins.tolist() == [0, 1, 1, 0]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.data())
def test_the_plan_of_first_fit_decreasing_is_its_definition_bin_for_bin(data):
    capacity = data.draw(st.integers(1, 200))
    lengths = data.draw(st.lists(st.integers(1, capacity), max_size=60))
    packing = pack(np.array(lengths, np.int64), capacity, "first-fit-decreasing")
    assert packing.bins.tolist() == first_fit_decreasing(lengths, capacity)


def test_a_large_first_fit_plan_equals_the_definition():
    lengths = np.clip(np.random.default_rng(3).lognormal(6, 1.0, 1000), 1, 4096).astype(np.int32)
    assert pack(lengths, 4096, "first-fit-decreasing").bins.tolist() == first_fit_decreasing(lengths.tolist(), 4096)


def test_concatenation_fills_every_row_but_the_last():
    packing = pack([3, 5, 4, 4, 2], 8, "concatenate-and-split")
    assert (packing.bins.tolist(), packing.num_bins) == ([0, 0, 1, 1, 2], 3)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=200),
    st.integers(50, 120),
    st.sampled_from(["best-fit-decreasing", "first-fit-decreasing"]),
)
def test_no_bin_overflows_and_no_bin_is_empty(lengths, capacity, strategy):
    packing = pack(np.array(lengths), capacity, strategy)
    filled = np.bincount(packing.bins, weights=lengths, minlength=packing.num_bins)
    assert len(filled) == packing.num_bins
    assert filled.min() > 0
    assert filled.max() <= capacity
    assert packing.bins[np.argmax(lengths)] == 0


@pytest.mark.parametrize("median", [420, 700])
def test_web_and_sft_lengths_stay_within_a_thousandth_of_the_fewest_possible_rows(median):
    lengths = np.clip(np.random.default_rng(1).lognormal(np.log(median), 1.0, 200_000), 1, 4096).astype(np.int32)
    assert pack(lengths, 4096).num_bins <= 1.001 * -(-int(lengths.sum()) // 4096)


def test_no_items_need_no_bins():
    packing = pack(np.array([], np.int32), 10)
    assert (packing.bins.tolist(), packing.num_bins) == ([], 0)
    assert [part.tolist() for part in packing.by_bin()] == [[], [0]]
    assert pack([], 10).num_bins == 0


def test_every_integer_type_gives_the_same_plan():
    expected = pack(np.array([3, 5, 2, 7, 3]), 8).bins.tolist()
    for dtype in (np.int8, np.uint8, np.uint16, np.int32, np.uint32, np.uint64):
        assert pack(np.array([3, 5, 2, 7, 3], dtype), 8).bins.tolist() == expected
    assert pack([3, 5, 2, 7, 3], 8).bins.tolist() == expected
    assert pack(np.repeat([3, 5, 2, 7, 3], 2)[::2], 8).bins.tolist() == expected


def test_a_capacity_beyond_all_items_needs_no_memory():
    assert pack(np.array([1, 2, 3]), 2**60).bins.tolist() == [0, 0, 0]


@pytest.mark.parametrize("strategy", ["best-fit-decreasing", "first-fit-decreasing", "concatenate-and-split"])
def test_nothing_and_the_smallest_thing_can_be_packed(strategy):
    assert pack([], 8, strategy).num_bins == 0
    assert pack([1], 1, strategy).bins.tolist() == [0]
    assert pack([1, 1, 1], 1, strategy).bins.tolist() == [0, 1, 2]
    assert pack([8, 8], 8, strategy).bins.tolist() == [0, 1]


def test_what_crosses_a_bins_end_cannot_be_concatenated():
    with pytest.raises(ValueError, match="item 1 crosses the end of a bin; split it there first"):
        pack([5, 5], 8, "concatenate-and-split")


def test_an_unknown_strategy_is_a_clear_error():
    with pytest.raises(ValueError, match="there is no strategy 'worst-fit'; there are best-fit-decreasing, first"):
        pack([5, 5], 8, "worst-fit")


@pytest.mark.parametrize(
    ("lengths", "capacity", "message"),
    [
        ([4, 11], 10, "item 1 has length 11, more than the capacity 10"),
        ([4, 0], 10, "item 1 has length 0"),
        ([-3], 10, "item 0 has length -3"),
        ([1], 0, "capacity must be at least 1"),
        ([1.5], 10, "must be integers, not float64"),
        ([True], 10, "must be integers, not bool"),
        ([[1, 2]], 10, r"one-dimensional, not of shape \(1, 2\)"),
        (np.array([2**63], np.uint64), 2**64, "must fit into 63 bits"),
        ([2**62] * 4, 2**62, "item 0 has length 4611686018427387904, more than 134217728 tokens"),
        ([MAX_CAPACITY, MAX_CAPACITY], 2**40, "more than 134217728 tokens"),
    ],
)
def test_lengths_that_cannot_be_packed_are_a_clear_error(lengths, capacity, message):
    with pytest.raises(ValueError, match=message):
        pack(np.array(lengths), capacity)
