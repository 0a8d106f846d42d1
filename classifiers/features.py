"""What a classifier sees of a text: hashed n-grams of its tokens, and counts of named kinds of tokens.

All is counted in one pass in numba over the normaliser's bytes. The words of a question that comes alone, of a
question that comes with its solution, and of the solution are features of their own, since "prime" in a solution says
something else than in a question. A feature that occurs n times counts 1 + floor(log2 n): fastText averages over all
tokens, and a long listing would drown a page's few theorems (without it, ROC-AUC on unseen sites fell from 0.989 to
0.984). A feature is known by 32 bits of its hash, so an unknown one is taken for a known one once in tens of thousands.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numba import njit
from pydantic import Field

from mathmill.classifiers.normalise import SOLUTION_MARK, SPACE, Normaliser
from mathmill.classifiers.structure import classes_of, shapes_of
from mathmill.core.config import Config

ALONE, QUESTION, SOLUTION, SHAPES = 0, 1, 2, 4
"""Where a token stands: in a text without solution, in a question with one, in a solution; 4 more for shapes."""

BASIC_KINDS = ("bytes", "tokens", "digits", "digits of the longest number")
"""The first kinds that are counted, before those of a model."""


class Features(Config):
    """Which features a model has; stored in its card."""

    word_ngrams: int = Field(default=1, ge=1, le=5)  # up to so many tokens in a row
    shape_ngrams: int = Field(default=0, ge=0, le=5)  # and of shapes (mathmill.classifiers.structure)
    kinds: bool = False  # counts of kinds of tokens (mathmill.classifiers.kinds)
    unit_length: bool = False  # question and solution are vectors of length 1 each; else all features are averaged
    experts: bool = False  # a scorer for each topic (mathmill.classifiers.mixture)
    presence: bool = False  # a feature counts once, however often it occurs


class Table:
    """An open-addressed hash table in arrays that numba reads: int64 key to a number that is not negative."""

    def __init__(self, keys: np.ndarray) -> None:
        """keys: int64 (n,), distinct; the i-th gets the number i."""
        size = 64
        while size < 2 * len(keys):
            size *= 2
        self.keys = np.zeros(size, np.int64)
        self.values = np.full(size, -1, np.int32)
        fill(self.keys, self.values, np.ascontiguousarray(keys, np.int64))


class Phrases:
    """Phrases of tokens with the kind that each is of, as tables for the scan."""

    def __init__(self, kinds: Mapping[str, Sequence[str]]) -> None:
        """kinds: for each kind its phrases; text is normalised like any other. A phrase belongs to its first kind."""
        self.names = (*BASIC_KINDS, *kinds)
        keys: dict[int, int] = {}
        longest: dict[int, int] = {}
        for kind, (_, phrases) in enumerate(kinds.items()):
            tokens, ends = Normaliser().tokens(list(phrases))[:2]
            start = 0
            for end in ends.tolist():
                hashes = token_hashes(tokens, start, end)
                start = end
                key, first = np.int64(0), int(mixed(np.int64(0), hashes[0]))
                for token in hashes:
                    key = mixed(key, token)
                keys.setdefault(int(key), len(BASIC_KINDS) + kind)
                longest[first] = max(longest.get(first, 0), len(hashes))
        self.table = Table(np.array(list(keys), np.int64))
        self.kind = np.array(list(keys.values()), np.int64)
        self.first = Table(np.array(list(longest), np.int64))
        self.longest = np.array(list(longest.values()), np.int64)


@njit(cache=True)
def fill(keys: np.ndarray, values: np.ndarray, new: np.ndarray) -> None:
    """Put keys into an empty table, numbered in their order."""
    mask = len(keys) - 1
    for number in range(len(new)):
        slot = (new[number] ^ (new[number] >> 32)) & mask
        while values[slot] >= 0:
            slot = (slot + 1) & mask
        keys[slot] = new[number]
        values[slot] = number


@njit(cache=True, inline="always")
def find(keys: np.ndarray, values: np.ndarray, key: Any) -> int:
    """Return the key's number, or -1."""
    mask = len(keys) - 1
    slot = (key ^ (key >> 32)) & mask
    while values[slot] >= 0 and keys[slot] != key:
        slot = (slot + 1) & mask
    return int(values[slot])


@njit(cache=True, inline="always")
def mixed(key: Any, more: Any) -> Any:
    """Extend a hash by another (multiply and fold, so that the low bits depend on all)."""
    key = (key ^ more) * np.int64(-7046029254386353131)
    return key ^ (key >> np.int64(29))


@njit(cache=True)
def token_hashes(tokens: np.ndarray, start: int, end: int) -> np.ndarray:
    """Hash each of the tokens in tokens[start:end], which single spaces part: int64 (n_tokens,)."""
    result = np.empty(end - start + 1, np.int64)
    n = 0
    key = FNV_BASIS
    for i in range(start, end):
        if tokens[i] == SPACE:
            result[n] = key
            n += 1
            key = FNV_BASIS
        else:
            key = (key ^ np.int64(tokens[i])) * FNV_PRIME
    if end > start:
        result[n] = key
        n += 1
    return result[:n]


FNV_BASIS = np.int64(-3750763034362895579)
FNV_PRIME = np.int64(1099511628211)
KEY_BITS = np.int64(0xFFFFFFFF)
MARK_HASH = np.int64(((-3750763034362895579 ^ SOLUTION_MARK) * 1099511628211 + 2**63) % 2**64 - 2**63)


@njit(cache=True)
def hashed_ngrams(words: np.ndarray, first: int, end: int, where: int, longest: int) -> np.ndarray:
    """Hash the n-grams of words[first:end]: int64 (n,), with repetitions.

    words: int64, hashes of a text's tokens. where: ALONE, QUESTION or SOLUTION. longest: n-grams of up to so many.
    """
    result = np.empty(max(end - first, 0) * longest, np.int64)
    n = 0
    for i in range(first, end):
        key = np.int64(where + 1)
        for k in range(i, min(i + longest, end)):
            key = mixed(key, words[k])
            result[n] = key & KEY_BITS
            n += 1
    return result[:n]


@njit(cache=True)
def count_kinds(
    words: np.ndarray, mark: int, phrase_keys: np.ndarray, phrase_values: np.ndarray, kind: np.ndarray,
    first_keys: np.ndarray, first_values: np.ndarray, longest: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Count the phrases of each kind: out, float64 (2, n_kinds), of the question and of the solution."""
    n_words = len(words)
    for i in range(n_words):
        key = mixed(np.int64(0), words[i])
        begins = find(first_keys, first_values, key)
        if begins < 0 or i == mark:
            continue
        part = 1 if 0 <= mark < i else 0
        stop = min(i + longest[begins], n_words)
        k = i
        while True:
            phrase = find(phrase_keys, phrase_values, key)
            if phrase >= 0:
                out[part, kind[phrase]] += 1
            k += 1
            if k >= stop or k == mark:
                break
            key = mixed(key, words[k])


@njit(cache=True)
def count_basics(tokens: np.ndarray, start: int, end: int, words: np.ndarray, mark: int, out: np.ndarray) -> None:
    """Count bytes, tokens, digits and the digits of the longest number, as `count_kinds` does."""
    part = 0
    run = 0
    for i in range(start, end):
        byte = tokens[i]
        if byte == SPACE:
            continue
        if byte == SOLUTION_MARK:
            part = 1
            run = 0
            continue
        out[part, 0] += 1
        if 0x30 <= byte <= 0x39:
            out[part, 2] += 1
            run += 1
            out[part, 3] = max(out[part, 3], run)
        else:
            run = 0
    out[0, 1] = len(words) if mark < 0 else mark
    out[1, 1] = 0 if mark < 0 else len(words) - mark - 1


@njit(cache=True)
def mark_place(words: np.ndarray) -> int:
    """Find the first mark that something stands behind; -1 where there is none."""
    for i in range(len(words) - 1):
        if words[i] == MARK_HASH:
            return i
    return -1


@njit(cache=True)
def part_keys(
    words: np.ndarray, classes: np.ndarray, first: int, end: int, where: int, longest: int, shapes: int
) -> np.ndarray:
    """Hash the n-grams of words[first:end] and of their shapes: int64 (n,), with repetitions."""
    plain = hashed_ngrams(words, first, end, where, longest)
    if shapes == 0:
        return plain
    signs = shapes_of(words, classes, first, end)
    return np.concatenate((plain, hashed_ngrams(signs, 0, len(signs), SHAPES + where, shapes)))


@njit(cache=True)
def keys_of(tokens: np.ndarray, start: int, end: int, longest: int, shapes: int) -> tuple[np.ndarray, np.ndarray]:
    """Hash the n-grams of the text tokens[start:end], and of its solution: int64 (n,) each, with repetitions."""
    words = token_hashes(tokens, start, end)
    classes = classes_of(tokens, start, end, len(words)) if shapes else np.empty(0, np.int8)
    mark = mark_place(words)
    if mark < 0:
        return part_keys(words, classes, 0, len(words), ALONE, longest, shapes), np.empty(0, np.int64)
    return (
        part_keys(words, classes, 0, mark, QUESTION, longest, shapes),
        part_keys(words, classes, mark + 1, len(words), SOLUTION, longest, shapes),
    )


@njit(cache=True)
def kinds_of(
    tokens: np.ndarray, ends: np.ndarray, phrase_keys: np.ndarray, phrase_values: np.ndarray, kind: np.ndarray,
    first_keys: np.ndarray, first_values: np.ndarray, longest: np.ndarray, n_kinds: int,
) -> np.ndarray:  # fmt: skip
    """Describe texts by log2(1 + count) of each kind: float64 (n_texts, 1 + 2 * n_kinds).

    The first column is 1 where there is a solution; then come the kinds in the question, then in the solution.
    """
    result = np.zeros((len(ends), 1 + 2 * n_kinds))
    start = 0
    for text in range(len(ends)):
        end = ends[text]
        words = token_hashes(tokens, start, end)
        mark = mark_place(words)
        counts = np.zeros((2, n_kinds))
        count_basics(tokens, start, end, words, mark, counts)
        count_kinds(words, mark, phrase_keys, phrase_values, kind, first_keys, first_values, longest, counts)
        result[text, 0] = 1.0 if mark >= 0 else 0.0
        for part in range(2):
            for k in range(n_kinds):
                result[text, 1 + part * n_kinds + k] = np.log2(1 + counts[part, k])
        start = end
    return result


@njit(cache=True)
def score(
    tokens: np.ndarray, ends: np.ndarray, longest: int, shapes: int, unit_length: bool, presence: bool,
    keys: np.ndarray, values: np.ndarray, weights: np.ndarray, columns: np.ndarray, intercept: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Score texts: float64 (n_texts, n_columns), the weighted mean of their features' columns plus the intercept.

    keys, values: table of the features. weights: float32 (n_features,). columns: float32 (n_features, n_columns).
    Divided by the sum of the weights, plus one (fastText's end of line), or each part by the length of its vector.
    """
    n_columns = columns.shape[1]
    result = np.zeros((len(ends), n_columns))
    occurrences = np.zeros(len(weights), np.int32)
    part_sum = np.zeros(n_columns)
    start = 0
    for text in range(len(ends)):
        total = 0.0
        for ngrams in keys_of(tokens, start, ends[text], longest, shapes):
            part_sum[:] = 0.0
            squares = add_up(ngrams, keys, values, weights, columns, occurrences, part_sum, unit_length, presence)
            total += squares
            scale = 1.0 if not unit_length else 1 / np.sqrt(squares) if squares > 0 else 0.0
            for c in range(n_columns):
                result[text, c] += part_sum[c] * scale
        start = ends[text]
        for c in range(n_columns):
            result[text, c] += intercept[c]
            if not unit_length:
                result[text, c] /= total + 1
    return result


@njit(cache=True)
def add_up(
    ngrams: np.ndarray, keys: np.ndarray, values: np.ndarray, weights: np.ndarray, columns: np.ndarray,
    occurrences: np.ndarray, out: np.ndarray, squared: bool, presence: bool,
) -> float:  # fmt: skip
    """Add the columns of the known n-grams to `out`; returns the sum of their weights, or of the squares.

    occurrences: int32 (n_features,), zeros before and after.
    """
    seen = np.empty(len(ngrams), np.int32)
    n_seen = 0
    for i in range(len(ngrams)):
        feature = find(keys, values, ngrams[i])
        if feature >= 0:
            if occurrences[feature] == 0:
                seen[n_seen] = feature
                n_seen += 1
            occurrences[feature] += 1
    total = 0.0
    for i in range(n_seen):
        feature = seen[i]
        n = occurrences[feature]
        occurrences[feature] = 0
        damped = 1
        while n > 1 and not presence:
            n >>= 1
            damped += 1
        weight = damped * float(weights[feature])
        total += weight * weight if squared else weight
        for c in range(len(out)):
            out[c] += weight * columns[feature, c]
    return total
