import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.curation.minhash import (
    EMPTY,
    agreement,
    band_keys,
    choose_bands,
    collision_probability,
    hash_family,
    hash_sequences,
    sign,
)

FAMILY = hash_family(128)
MASK = (1 << 64) - 1


def mixed(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & MASK
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ (value >> 33)


def reference_signature(tokens: list[int], shingle: int) -> list[int]:
    windows = [tokens[i : i + shingle] for i in range(max(len(tokens) - shingle + 1, min(len(tokens), 1)))]
    values = []
    for window in windows:
        value = 0
        for token in window:
            value = (value * 0x9E3779B97F4A7C15 + token) & MASK
        values.append(mixed(value) >> 32)
    pairs = zip(FAMILY.multipliers.tolist(), FAMILY.increments.tolist(), strict=True)
    return [min(((v * a + b) & 0xFFFFFFFF for v in values), default=int(EMPTY)) for a, b in pairs]


def joined(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, texts)])
    return np.array([token for text in texts for token in text], np.uint64), offsets


@given(st.lists(st.lists(st.integers(1, MASK), max_size=12), max_size=5), st.integers(1, 6))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_signatures_equal_the_slow_reference(texts: list[list[int]], shingle: int) -> None:
    signatures = sign(*joined(texts), shingle, *FAMILY)
    assert signatures.tolist() == [reference_signature(text, shingle) for text in texts]


@pytest.mark.parametrize("union", [20, 200, 2000])
@pytest.mark.parametrize("jaccard", [0.5, 0.8, 0.95])
def test_agreement_estimates_jaccard_with_the_spread_of_independent_hashes(union: int, jaccard: float) -> None:
    rng = np.random.default_rng(union)
    shared = round(union * jaccard)
    half = shared + (union - shared) // 2
    tokens, sizes = [], []
    for _ in range(300):
        elements = rng.integers(1, 1 << 63, union).astype(np.uint64)
        tokens += [elements[:half], np.concatenate([elements[:shared], elements[half:]])]
        sizes += [half, union - half + shared]
    signatures = sign(np.concatenate(tokens), np.cumsum([0, *sizes]), 1, *FAMILY)
    estimates = np.array([agreement(a, b) for a, b in zip(signatures[::2], signatures[1::2], strict=True)])
    error = (jaccard * (1 - jaccard) / 128) ** 0.5
    assert estimates.mean() == pytest.approx(jaccard, abs=4 * error / 300**0.5)
    assert estimates.std() == pytest.approx(error, rel=0.2)


def test_a_family_of_more_functions_begins_with_the_same() -> None:
    assert (hash_family(64).multipliers == FAMILY.multipliers[:64]).all()
    assert (FAMILY.multipliers % 2 == 1).all()


@pytest.mark.parametrize(("num_hashes", "threshold"), [(128, 0.8), (128, 0.5), (256, 0.9), (64, 0.7)])
def test_the_longest_bands_that_find_99_percent_at_the_threshold_are_chosen(num_hashes: int, threshold: float) -> None:
    bands, rows = choose_bands(num_hashes, threshold)
    assert bands * rows <= num_hashes
    assert collision_probability(threshold, bands, rows) >= 0.99
    assert collision_probability(threshold, num_hashes // (rows + 1), rows + 1) < 0.99


def test_128_hashes_at_the_default_threshold_make_21_bands_of_6() -> None:
    assert choose_bands(128, 0.8) == (21, 6)


def test_no_two_bands_share_a_key_and_equal_texts_share_all() -> None:
    signatures = np.full((2, 128), 7, np.uint32)  # every band holds the same values
    keys = band_keys(signatures, np.full((2, 2), 7, np.uint64), 21, 6)
    assert keys.shape == (2, 22)
    assert (keys[0] == keys[1]).all()
    assert len(set(keys[0].tolist())) == 22


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=30))
@settings(max_examples=50, derandomize=True, deadline=None)
def test_sequences_have_equal_hashes_only_if_they_are_equal(sequences: list[list[int]]) -> None:
    hashes = [tuple(row) for row in hash_sequences(*joined(sequences)).tolist()]
    assert len(set(hashes)) == len(set(map(tuple, sequences)))
