"""Count how much of a text repeats itself: lines, n-grams, and how many different tokens a passage has.

Gopher's rules (Rae et al. 2021, table A1) over tokens that are known by 64-bit keys. A rolling hash names each n-gram
and an open-addressing table that is never cleared, but stamped, holds those of one length at a time. In Chinese a token
is one character, and words have two on average, so an n-gram of words is one of 2n tokens there.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

WINDOW = 100
"""Tokens of a passage whose different tokens are counted: their share does not depend on the length of the text."""
LEAST = 30
"""A text with fewer tokens has no window."""

TOP_SIZES = (2, 3, 4)
REPEATED_SIZES = (5, 10)


class Tokens(NamedTuple):
    """The tokens of one text and its lines, with room for any text of the batch.

    keys: uint64 (n_tokens,). letters: int64 (n_tokens,), characters of words and single characters, 0 of others.
    known: int16 (n_tokens,), the number in the vocabulary or 0. line_ends: int64 (n_lines,), in tokens.
    is_drill: bool (n_lines,), lines whose n-grams do not count.
    """

    keys: npt.NDArray[np.uint64]
    letters: npt.NDArray[np.int64]
    known: npt.NDArray[np.int16]
    line_ends: npt.NDArray[np.int64]
    is_drill: npt.NDArray[np.bool_]


class Slots(NamedTuple):
    """A hash table of a power of two slots; one is in use if its stamp is that of the counting that goes on."""

    keys: npt.NDArray[np.uint64]
    stamps: npt.NDArray[np.int64]
    letters: npt.NDArray[np.int64]


def make_tokens(room: int) -> Tokens:
    """Room for texts of up to `room` bytes and spans; memory that is not used is never touched."""
    return Tokens(
        np.empty(room, np.uint64),
        np.empty(room, np.int64),
        np.empty(room, np.int16),
        np.empty(room + 1, np.int64),
        np.empty(room + 1, np.bool_),
    )


@njit(cache=True)
def make_slots(n: int) -> Slots:
    """A table for n entries, less than half full."""
    size = 64
    while size < 2 * n:
        size *= 2
    return Slots(np.empty(size, np.uint64), np.zeros(size, np.int64), np.empty(size, np.int64))


@njit(cache=True)
def count_repeats(
    tokens: Tokens, n: int, n_lines: int, per_word: int, slots: Slots, stamp: int, out: np.ndarray
) -> int:
    """Count in the n tokens of one text; `letters` of drills are set to 0 on the way.

    per_word: tokens of a word. stamp: the last one used. out: int64 (8,), repeated lines, the top n-grams, repeated
    n-grams, tokens in windows and different ones, as in `Count`. Returns the last stamp used now.
    """
    keys, letters, slot_keys, stamps = tokens.keys, tokens.letters, slots.keys, slots.stamps
    stamp += 1
    start = 0
    for line in range(n_lines):
        end = tokens.line_ends[line]
        key, line_letters = uint64(end - start), 0
        for i in range(start, end):
            key = (key ^ keys[i]) * uint64(0x9E3779B97F4A7C15)
            line_letters += letters[i]
        if is_known(slot_keys, stamps, key, stamp):
            out[0] += line_letters
        if tokens.is_drill[line]:
            letters[start:end] = 0
        start = end
    place = 1
    for size in TOP_SIZES:
        stamp += 1
        out[place] = top_letters(keys[:n], letters, size * per_word, slots, stamp)
        place += 1
    for size in REPEATED_SIZES:
        stamp += 1
        out[place] = repeated_letters(keys[:n], letters, size * per_word, slots, stamp)
        place += 1
    window = max(1, min(WINDOW, n))
    for start in range(0, n - window + 1 if n >= LEAST else 0, window):
        stamp += 1
        out[place] += window
        for i in range(start, start + window):
            out[place + 1] += not is_known(slot_keys, stamps, keys[i], stamp)
    return stamp


@njit(cache=True)
def top_letters(keys: np.ndarray, letters: np.ndarray, size: int, slots: Slots, stamp: int) -> int:
    """Characters of the n-gram that has most of them, all its occurrences taken together (they may overlap).

    keys, letters: of the tokens of a text. size: tokens in an n-gram. An n-gram that occurs once is no repetition.
    """
    slot_keys, stamps, totals = slots.keys, slots.stamps, slots.letters
    shift = leading(size)
    key, inside, most = uint64(0), 0, 0
    for i in range(len(keys)):
        key = key * BASE + keys[i]
        inside += letters[i]
        if i >= size:
            key -= keys[i - size] * shift
            inside -= letters[i - size]
        if i >= size - 1 and inside:
            slot = find(slot_keys, stamps, key, stamp)
            if stamps[slot] != stamp:
                slot_keys[slot], stamps[slot], totals[slot] = key, stamp, inside
            else:
                totals[slot] += inside
                most = max(most, totals[slot])
    return most


@njit(cache=True)
def repeated_letters(keys: np.ndarray, letters: np.ndarray, size: int, slots: Slots, stamp: int) -> int:
    """Characters of n-grams that were there before, each token counted once; arguments as of `top_letters`."""
    slot_keys, stamps = slots.keys, slots.stamps
    shift = leading(size)
    key, inside, total = uint64(0), 0, 0
    free = size - 1  # the next n-gram may end here
    for i in range(len(keys)):
        key = key * BASE + keys[i]
        inside += letters[i]
        if i >= size:
            key -= keys[i - size] * shift
            inside -= letters[i - size]
        if i >= free and is_known(slot_keys, stamps, key, stamp):
            total += inside
            free = i + size
    return total


BASE = uint64(0xD1342543DE82EF95)


@njit(cache=True)
def leading(size: int) -> np.uint64:
    """The factor of the oldest token in a rolling hash after it was pushed out."""
    power = uint64(1)
    for _ in range(size):
        power *= BASE
    return power


@njit(cache=True)
def find(keys: np.ndarray, stamps: np.ndarray, key: np.uint64, stamp: int) -> np.int64:
    """The slot of a key, or the one where it goes."""
    mask = len(keys) - 1
    slot = np.int64((key * uint64(0x9E3779B97F4A7C15)) >> uint64(33)) & mask
    while stamps[slot] == stamp and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True)
def is_known(keys: np.ndarray, stamps: np.ndarray, key: np.uint64, stamp: int) -> bool:
    """Say whether a key was there before, and enter it."""
    slot = find(keys, stamps, key, stamp)
    if stamps[slot] == stamp:
        return True
    keys[slot], stamps[slot] = key, stamp
    return False
