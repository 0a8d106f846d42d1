"""A random order of any number of rows in constant memory: a Feistel network with cycle walking.

The network is a bijection on the next power of two; a result beyond `n` is sent through again until it falls below
(Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002), fewer than two passes on average. The n-th
row of an epoch is therefore computed, not stored, and is the same for any number of readers.
"""

import numpy as np
import numpy.typing as npt
import xxhash
from numba import njit, uint64

MAX_ROWS = 1 << 48
ROUNDS = 8  # four on each half


def permutation_key(seed: int, group: str, epoch: int) -> int:
    """The 64-bit key of a group's order in an epoch."""
    return xxhash.xxh3_64_intdigest(f"{seed}\x1f{group}\x1f{epoch}".encode())


def permute(indices: npt.ArrayLike, n: int, key: int) -> npt.NDArray[np.int64]:
    """Where a random permutation of 0..n-1 sends each index.

    indices: integers (k,), each in [0, n), else a ValueError; 1 <= n <= 2^48. Returns int64 (k,).
    """
    places = np.ascontiguousarray(indices, np.int64)
    if not 1 <= n <= MAX_ROWS:
        raise ValueError(f"a permutation has 1 to 2^48 places, not {n}")
    if len(places) and (int(places.min()) < 0 or int(places.max()) >= n):
        raise ValueError(f"indices must be in [0, {n})")
    return _permute_all(places, n, np.uint64(key))


@njit(cache=True)
def _permute_all(indices, n, key):  # type: ignore[no-untyped-def]
    found = np.empty(len(indices), np.int64)
    for i in range(len(indices)):
        found[i] = permute_one(indices[i], n, key)
    return found


@njit(cache=True)
def permute_one(index, n, key):  # type: ignore[no-untyped-def]
    """`permute` for one index, to be called from other compiled functions: int64, int64, uint64 → int64."""
    bits = 2
    while (1 << bits) < n:
        bits += 1
    low_bits = uint64(bits // 2)
    low_mask = (uint64(1) << low_bits) - uint64(1)
    high_mask = (uint64(1) << uint64(bits - bits // 2)) - uint64(1)
    value = uint64(index)
    while True:
        low = value & low_mask
        high = value >> low_bits
        for number in range(0, ROUNDS, 2):
            low = low ^ (_mix(high, key, number) & low_mask)
            high = high ^ (_mix(low, key, number + 1) & high_mask)
        value = (high << low_bits) | low
        if value < uint64(n):
            return np.int64(value)


@njit(cache=True)
def _mix(half, key, number):  # type: ignore[no-untyped-def]
    """A 64-bit hash of half a value, the key and the round (SplitMix64's finalizer)."""
    state = half + key + uint64(number + 1) * uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> uint64(27))) * uint64(0x94D049BB133111EB)
    return state ^ (state >> uint64(31))
