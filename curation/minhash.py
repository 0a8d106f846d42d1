"""MinHash signatures over math-aware tokens, and their bands for locality-sensitive hashing.

A text is the set of its shingles (runs of tokens, in which numbers and operators count), and the share of equal entries
of two signatures estimates the Jaccard similarity J of two sets with a standard error of sqrt(J (1 - J) / num_hashes),
0.035 at J = 0.8 with 128 hashes (Broder 1997; bands: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, ch. 3).
A hash function is one multiplication and one addition modulo 2^32 of a shingle's mixed hash, so that 8 of them fit one
AVX2 instruction: 16 ns for 128 hashes of a shingle on one core, with the spread of independent hash functions (tested).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

EMPTY = np.uint32(0xFFFFFFFF)
"""Every entry of the signature of a text without tokens."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SEED = 20_261_121  # of the hash functions; another one makes other signatures


class HashFamily(NamedTuple):
    """Hash functions h(x) = (multiplier x + increment) mod 2^32 for minima; uint32 (num_hashes,) each."""

    multipliers: np.ndarray  # odd
    increments: np.ndarray


def hash_family(num_hashes: int) -> HashFamily:
    """Draw the hash functions, the same on every machine; the first n of more are those of n."""
    words = np.random.Generator(np.random.PCG64(_SEED)).integers(0, 1 << 32, (num_hashes, 2), np.uint64)
    return HashFamily((words[:, 0] | 1).astype(np.uint32), words[:, 1].astype(np.uint32))


def collision_probability(jaccard: float, bands: int, rows: int) -> float:
    """How likely two sets of this similarity share a band: 1 - (1 - J^rows)^bands."""
    return 1.0 - (1.0 - jaccard**rows) ** bands


def choose_bands(num_hashes: int, threshold: float, recall: float = 0.99) -> tuple[int, int]:
    """Choose (bands, rows per band): the longest bands that find a pair at the threshold with this probability.

    Longer bands mean fewer candidates that are not similar. Candidates are verified afterwards, so recall comes first:
    128 hashes at 0.8 make 21 bands of 6 rows. Where even single rows fall short, they are what is chosen.
    """
    for rows in range(num_hashes, 1, -1):
        if collision_probability(threshold, num_hashes // rows, rows) >= recall:
            return num_hashes // rows, rows
    return num_hashes, 1


@njit(cache=True)
def mix(value: np.uint64) -> np.uint64:
    """Spread 64 bits over the word, reversibly (the finaliser of MurmurHash3)."""
    # numba's cache watches a function's own file only: after a change here, touch `clusters`, `ngram_index`, `novelty`
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@njit(cache=True)
def sign(
    tokens: np.ndarray, offsets: np.ndarray, shingle: int, multipliers: np.ndarray, increments: np.ndarray
) -> np.ndarray:
    """Sign texts.

    tokens: uint64 (n_tokens,). offsets: int64 (n_texts + 1,). shingle: tokens in one; a shorter text is one shingle.
    Returns uint32 (n_texts, num_hashes): the minimum of each hash function over the text's shingles.
    """
    signatures = np.full((len(offsets) - 1, len(multipliers)), EMPTY, np.uint32)
    for text in range(len(signatures)):
        minima = signatures[text]
        stop = offsets[text + 1]
        for first in range(offsets[text], stop):
            if first + shingle > stop and first > offsets[text]:
                break
            value = np.uint64(0)
            for place in range(first, min(first + shingle, stop)):
                value = value * _MULTIPLIER + tokens[place]
            short = np.uint32(mix(value) >> np.uint64(32))
            for k in range(len(minima)):
                minima[k] = min(minima[k], np.uint32(short * multipliers[k] + increments[k]))
    return signatures


@njit(cache=True)
def hash_sequences(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Hash sequences as a whole, order and length included, to 128 bits.

    values: unsigned integers (n_values,), tokens or bytes. offsets: int64 (n + 1,). Returns uint64 (n, 2).
    """
    hashes = np.empty((len(offsets) - 1, 2), np.uint64)
    for i in range(len(hashes)):
        high, low = np.uint64(offsets[i + 1] - offsets[i]), _MULTIPLIER
        for place in range(offsets[i], offsets[i + 1]):
            value = np.uint64(values[place])
            high = mix(high ^ value)
            low = mix(low + value) * _MULTIPLIER
        hashes[i, 0], hashes[i, 1] = high, low
    return hashes


@njit(cache=True)
def band_keys(signatures: np.ndarray, exact: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """Hash each band of each signature, and the exact hash as one more band, to keys that no two bands share.

    signatures: uint32 (n, num_hashes), num_hashes >= bands * rows. exact: uint64 (n, 2).
    Returns uint64 (n, bands + 1); the last column is the exact band.
    """
    keys = np.empty((len(signatures), bands + 1), np.uint64)
    for i in range(len(signatures)):
        for band in range(bands):
            key = mix(np.uint64(band + 1))
            for k in range(band * rows, (band + 1) * rows):
                key = mix(key ^ np.uint64(signatures[i, k]))
            keys[i, band] = key
        keys[i, bands] = mix(mix(np.uint64(bands + 1) ^ exact[i, 0]) ^ exact[i, 1])
    return keys


@njit(cache=True)
def agreement(left: np.ndarray, right: np.ndarray) -> float:
    """Estimate the Jaccard similarity of two texts: the share of equal entries of two uint32 (num_hashes,)."""
    equal = 0
    for k in range(len(left)):
        equal += left[k] == right[k]
    return equal / len(left)
