r"""Keep a text only where it is new: unlike all kept before it, by longest common subsequence and by Jaccard.

Texts are sequences of math-aware tokens (`core.mathtokens`); two are alike from `max_common` on in ROUGE-L's F (2 LCS /
(m + n), as Self-Instruct filters) or from `max_jaccard` on in shared distinct tokens. Not all pairs are measured:
candidates share a MinHash band over the *multiset* of tokens, since an F of c bounds that multiset's Jaccard similarity
from below by c / (2 - c). Texts are judged one after the other, so the result depends on their order alone.
A million instructions take 55 s of one core; 99.5 % of what all pairs would drop is dropped (benchmarks/novelty.py).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from mathmill.core.mathtokens import hash_tokens
from mathmill.curation.minhash import band_keys, hash_family, hash_sequences, mix, sign

MAX_TOKENS = 256
"""Of a text, from its beginning, are compared."""

_BANDS, _ROWS = 48, 5
_MAX_CANDIDATES = 1000  # measured for one text; bounds the time where very many are somewhat alike
_MAX_CHAIN = 64  # steps through one band's texts, the latest first
_CHUNK = 1 << 13  # texts at a time
_WORDS = 4  # of a sketch
_SLACK = 1e-9  # of what is compared with a product of decimals
_SECOND = np.uint64(0x9E3779B97F4A7C15)


class Verdict(NamedTuple):
    """like: the number of the earlier text that it is like, counted over all texts given, -1 where it is new.

    common, jaccard: how like, 0 to 1, 0 for new ones. A text without tokens is like nothing, and not new: like = -2.
    """

    like: int
    common: float
    jaccard: float

    @property
    def is_new(self) -> bool:
        """Whether it was kept."""
        return self.like == -1


class NoveltyFilter:
    """The texts kept so far. exhaustive: measure every pair, for tests and figures."""

    def __init__(self, max_common: float = 0.7, max_jaccard: float = 0.6, exhaustive: bool = False) -> None:
        self._thresholds = (max_common, max_jaccard)
        self._exhaustive = exhaustive
        self._family = hash_family(_BANDS * _ROWS)
        self._n_seen = 0
        self._n_kept = 0
        self._numbers = np.zeros(0, np.int64)  # of kept texts among all
        self._offsets = np.zeros(1, np.int64)  # of kept texts' tokens
        self._ordered = np.zeros(0, np.uint32)
        self._sorted = np.zeros(0, np.uint32)
        self._sketches = np.zeros((0, _WORDS + 1), np.uint64)
        self._keys = np.zeros(0, np.uint32)  # of bands, _BANDS + 1 for a kept text
        self._next = np.zeros(0, np.int32)  # the earlier entry in the same slot
        self._stamps = np.zeros(0, np.int64)  # the last text that met a kept one
        self._heads = np.full(1 << 12, -1, np.int32)

    def __len__(self) -> int:
        """How many texts are kept."""
        return self._n_kept

    def add(self, texts: Sequence[str] | pa.Array) -> list[Verdict]:
        """Judge texts in their order and keep the new ones."""
        likes, scores = self.judge(texts)
        return [Verdict(like, *pair) for like, pair in zip(likes.tolist(), scores.tolist(), strict=True)]

    def judge(self, texts: Sequence[str] | pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """As `add`, for many: int64 (n,) `like`, float32 (n, 2) common and jaccard."""
        column = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
        likes, scores = np.empty(len(column), np.int64), np.zeros((len(column), 2), np.float32)
        for start in range(0, len(column), _CHUNK):
            self._judge_chunk(
                column.slice(start, _CHUNK), likes[start : start + _CHUNK], scores[start : start + _CHUNK]
            )
        return likes, scores

    def _judge_chunk(self, texts: pa.Array, likes: np.ndarray, scores: np.ndarray) -> None:
        ordered, sorted_, features, offsets, sketches = _prepare(*hash_tokens(texts), MAX_TOKENS)
        signatures = sign(features, offsets, 1, *self._family)
        keys = band_keys(signatures, hash_sequences(ordered, offsets), _BANDS, _ROWS)
        self._reserve(len(texts), len(ordered))
        self._n_kept = _judge(
            (ordered, sorted_, offsets, keys, sketches),
            (self._ordered, self._sorted, self._offsets, self._numbers, self._sketches),
            (self._keys, self._next, self._heads, self._stamps),
            self._n_kept,
            self._n_seen,
            self._thresholds,
            self._exhaustive,
            likes,
            scores,
        )
        self._n_seen += len(texts)

    def _reserve(self, texts: int, tokens: int) -> None:
        """Make room for so many more."""
        n, width = self._n_kept + texts, _BANDS + 1
        used = int(self._offsets[self._n_kept])
        self._ordered, self._sorted = (_grown(array, used + tokens) for array in (self._ordered, self._sorted))
        self._offsets, self._numbers = _grown(self._offsets, n + 1), _grown(self._numbers, n)
        self._sketches, self._stamps = _grown(self._sketches, n), _grown(self._stamps, n, -1)
        self._keys, self._next = _grown(self._keys, n * width), _grown(self._next, n * width)
        if len(self._heads) < n * width:
            self._heads = np.full(1 << (n * width - 1).bit_length(), -1, np.int32)
            _link(self._keys, self._next, self._heads, self._n_kept * width)


def _grown(array: np.ndarray, size: int, fill: int = 0) -> np.ndarray:
    """The array with room for `size` values, by half more than needed where it must grow."""
    if size <= len(array):
        return array
    larger = np.full((size + size // 2, *array.shape[1:]), fill, array.dtype)
    larger[: len(array)] = array
    return larger


@njit(cache=True)
def _prepare(tokens: np.ndarray, offsets: np.ndarray, most: int) -> tuple[np.ndarray, ...]:
    """The first tokens of each text, uint32 in order and sorted; of each with its occurrence a feature; offsets.

    And of each text uint64 (n, WORDS + 1): a bit for each feature, then the number of distinct tokens.
    """
    starts = np.zeros(len(offsets), np.int64)
    for i in range(len(offsets) - 1):
        starts[i + 1] = starts[i] + min(most, offsets[i + 1] - offsets[i])
    ordered = np.empty(starts[-1], np.uint32)
    ranked = np.empty(starts[-1], np.uint32)
    features = np.empty(starts[-1], np.uint64)
    sketches = np.zeros((len(offsets) - 1, _WORDS + 1), np.uint64)
    for i in range(len(offsets) - 1):
        start, stop = starts[i], starts[i + 1]
        for place in range(stop - start):
            ordered[start + place] = np.uint32(tokens[offsets[i] + place] >> np.uint64(32))
        ranked[start:stop] = np.sort(ordered[start:stop])
        occurrence = 0
        for place in range(start, stop):
            occurrence = occurrence + 1 if place > start and ranked[place] == ranked[place - 1] else 0
            feature = mix(np.uint64(ranked[place]) + np.uint64(occurrence) * _SECOND)
            features[place] = feature
            sketches[i, (feature >> np.uint64(6)) % np.uint64(_WORDS)] |= np.uint64(1) << (feature & np.uint64(63))
            sketches[i, _WORDS] += np.uint64(occurrence == 0)
    return ordered, ranked, features, starts, sketches


@njit(cache=True)
def _bits(word: np.uint64) -> int:
    """How many bits are set (Warren, Hacker's Delight)."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int(np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56)))


@njit(cache=True)
def _may_be_alike(
    one: np.ndarray, other: np.ndarray, size: int, other_size: int, thresholds: tuple[float, float]
) -> bool:
    """Whether two sketches allow as many common tokens as a threshold asks for: a bit that only one has is a token that
    the other lacks.
    """
    alone = other_alone = 0
    for place in range(_WORDS):
        alone += _bits(one[place] & ~other[place])
        other_alone += _bits(other[place] & ~one[place])
    common = min(size - alone, other_size - other_alone)
    if 2 * common >= thresholds[0] * (size + other_size) - _SLACK:
        return True
    distinct, other_distinct = int(np.int64(one[_WORDS])), int(np.int64(other[_WORDS]))
    both = min(common, distinct, other_distinct)
    return both >= thresholds[1] * (distinct + other_distinct - both) - _SLACK


@njit(cache=True)
def _link(keys: np.ndarray, following: np.ndarray, heads: np.ndarray, n: int) -> None:
    """Put entries into the slots of a larger table, in their order."""
    mask = np.uint32(len(heads) - 1)
    for entry in range(n):
        slot = keys[entry] & mask
        following[entry] = heads[slot]
        heads[slot] = entry


@njit(cache=True)
def _shared(one: np.ndarray, other: np.ndarray) -> tuple[int, float]:
    """Of two sorted token lists: tokens in common with their counts, and the Jaccard similarity of their sets."""
    i = j = common = both = distinct = 0
    while i < len(one) and j < len(other):
        a, b = one[i], other[j]
        value = min(a, b)
        first, second = i, j
        while i < len(one) and one[i] == value:
            i += 1
        while j < len(other) and other[j] == value:
            j += 1
        common += min(i - first, j - second)
        both += a == b
        distinct += 1
    while i < len(one):
        distinct += i == 0 or one[i] != one[i - 1]
        i += 1
    while j < len(other):
        distinct += j == 0 or other[j] != other[j - 1]
        j += 1
    return common, both / distinct


@njit(cache=True)
def _lcs(one: np.ndarray, other: np.ndarray, lengths: np.ndarray) -> int:
    """The length of the longest common subsequence. lengths: scratch of more than MAX_TOKENS."""
    lengths[: len(other) + 1] = 0
    for i in range(len(one)):
        diagonal = 0
        for j in range(len(other)):
            above = lengths[j + 1]
            if one[i] == other[j]:
                lengths[j + 1] = diagonal + 1
            elif lengths[j] > above:
                lengths[j + 1] = lengths[j]
            diagonal = above
    return lengths[len(other)]


@njit(cache=True)
def _judge(
    texts: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    kept: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    index: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    n_kept: int,
    n_seen: int,
    thresholds: tuple[float, float],
    exhaustive: bool,
    likes: np.ndarray,
    scores: np.ndarray,
) -> int:
    """Judge texts one after the other; returns how many are kept now. Arrays as in `NoveltyFilter`."""
    ordered, ranked, offsets, band, sketches = texts
    kept_ordered, kept_ranked, kept_offsets, numbers, kept_sketches = kept
    keys, following, heads, stamps = index
    mask, width = np.uint32(len(heads) - 1), band.shape[1]
    lengths = np.zeros(MAX_TOKENS + 1, np.int32)
    candidates = np.empty(max(_MAX_CANDIDATES, n_kept + len(likes) if exhaustive else 0), np.int64)
    for i in range(len(likes)):
        start, stop = offsets[i], offsets[i + 1]
        size = stop - start
        likes[i] = -1
        if size == 0:
            likes[i] = -2
            continue
        found = 0
        if exhaustive:
            for text in range(n_kept):
                candidates[text] = text
            found = n_kept
        else:
            for place in range(width - 1, -1, -1):  # the exact band first
                key = np.uint32(band[i, place] >> np.uint64(32))
                entry = heads[key & mask]
                steps = 0
                while entry >= 0 and steps < _MAX_CHAIN and found < _MAX_CANDIDATES:
                    text = entry // width
                    if keys[entry] == key and stamps[text] != n_seen + i:
                        stamps[text] = n_seen + i
                        candidates[found] = text
                        found += 1
                    steps += 1
                    entry = following[entry]
        for c in range(found):
            text = candidates[c]
            first, last = kept_offsets[text], kept_offsets[text + 1]
            total = size + last - first
            if not _may_be_alike(sketches[i], kept_sketches[text], size, last - first, thresholds):
                continue
            common, jaccard = _shared(ranked[start:stop], kept_ranked[first:last])
            share = 2 * common / total
            if share >= thresholds[0] or jaccard >= thresholds[1]:
                share = 2 * _lcs(ordered[start:stop], kept_ordered[first:last], lengths) / total
                if share >= thresholds[0] or jaccard >= thresholds[1]:
                    likes[i] = numbers[text]
                    scores[i, 0], scores[i, 1] = share, jaccard
                    break
        if likes[i] != -1:
            continue
        end = kept_offsets[n_kept] + size
        kept_ordered[end - size : end] = ordered[start:stop]
        kept_ranked[end - size : end] = ranked[start:stop]
        kept_offsets[n_kept + 1] = end
        numbers[n_kept] = n_seen + i
        kept_sketches[n_kept] = sketches[i]
        for place in range(width):
            entry = n_kept * width + place
            keys[entry] = np.uint32(band[i, place] >> np.uint64(32))
            slot = keys[entry] & mask
            following[entry] = heads[slot]
            heads[slot] = entry
        n_kept += 1
    return n_kept
