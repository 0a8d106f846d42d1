"""Byte-level BPE over whole Arrow columns, compiled: from the UTF-8 buffer to tokens without a Python object per text.

Words that were seen before come from a direct-mapped cache whose keys are the words' own bytes, so that it cannot be
wrong; others are merged as `tokenizers` does, the earliest merge first and of equals the leftmost. Words and merges are
those of the library (`mathmill.tokenize.vocabulary.words`), not an approximation of them by ids as in tiktoken.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit, uint64

from mathmill.tokenize.utf8 import text_buffer
from mathmill.tokenize.vocabulary.cased_words import cased_word_end
from mathmill.tokenize.vocabulary.words import character_classes, form_of, word_end

LONGEST_WORD = 256  # bytes; merging takes quadratic time, so texts with longer words are left to the library
CACHED_BYTES = 15  # of a word in the cache: two 64-bit words with its length
CACHED_TOKENS = 5  # of a word in the cache: two 64-bit words with their number
CACHE_SLOTS = 1 << 17  # of 32 bytes
MAX_VOCABULARY = 1 << 21

_NO_RANK = np.iinfo(np.int32).max


class Tables(NamedTuple):
    """What the compiled functions look up.

    singles: int32 (256,), the token of each byte, -1 where there is none (texts that hold it are not to be given).
    merge_keys, merges: an open-addressing table from a pair of ids to (rank, id). arena, bounds, ids, slots: one from
    bytes to the token that they are whole, empty where words are always merged. cache: uint64 (CACHE_SLOTS, 4), the
    tokens of short words seen before.
    """

    singles: npt.NDArray[np.int32]
    merge_keys: npt.NDArray[np.uint64]
    merges: npt.NDArray[np.int32]
    arena: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int32]
    slots: npt.NDArray[np.int32]
    cache: npt.NDArray[np.uint64]


class ByteBPE:
    """An encoder for a vocabulary and its merges.

    token_bytes: the bytes of each id. model: the model of a `tokenizer.json`. patterns: how it splits words
    (`byte_level.word_patterns`). ValueError where patterns, merges or the size of the vocabulary are of a kind that
    this file does not know.
    """

    name = "compiled"

    def __init__(self, token_bytes: Sequence[bytes], model: Mapping[str, Any], patterns: Sequence[str]) -> None:
        form = form_of(patterns)
        if form is None or len(token_bytes) > MAX_VOCABULARY:
            raise ValueError("its patterns or the size of its vocabulary are of another kind")
        self._form = form
        self._tables = _tables(token_bytes, model)

    def encode(self, texts: pa.Array) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Encode texts.

        texts: large_string (n_texts,). Returns (tokens uint32, offsets int64 (n_texts + 1,), texts that hold a word of
        more than LONGEST_WORD bytes, int64: they have no tokens here).
        """
        data, bounds = text_buffer(texts)
        tokens = np.empty(len(data), np.uint32)  # a token has at least one byte
        offsets = np.zeros(len(bounds), np.int64)
        refused = np.zeros(len(texts), np.bool_)
        classes = character_classes(self._form.numbers_apart, self._form.cased)
        n = _encode(data, bounds, classes, self._form, self._tables, tokens, offsets, refused)
        return tokens[:n].copy(), offsets, np.flatnonzero(refused)


def _tables(token_bytes: Sequence[bytes], model: Mapping[str, Any]) -> Tables:
    vocabulary = model["vocab"]
    by_bytes = {token_bytes[number]: number for number in vocabulary.values()}
    singles = np.array([by_bytes.get(bytes([value]), -1) for value in range(256)], np.int32)
    pairs = [merge.split(" ", 1) if isinstance(merge, str) else merge for merge in model["merges"]]
    find = vocabulary.get
    triples = np.empty((len(pairs), 3), np.int64)
    triples[:, 0] = [find(left, -1) for left, _ in pairs]
    triples[:, 1] = [find(right, -1) for _, right in pairs]
    triples[:, 2] = [find(left + right, -1) for left, right in pairs]
    if (triples < 0).any():
        raise ValueError("its vocabulary lacks what a merge names")
    merge_keys = np.zeros(1 << max(4, (2 * len(pairs)).bit_length()), np.uint64)
    merges = np.zeros((len(merge_keys), 2), np.int32)
    _fill_merges(triples, merge_keys, merges)
    whole = sorted(by_bytes.items()) if model.get("ignore_merges") else []
    arena = np.frombuffer(b"".join(token for token, _ in whole) + b"\0", np.uint8)
    bounds = np.cumsum([0, *(len(token) for token, _ in whole)], dtype=np.int64)
    slots = np.full(1 << max(4, (2 * len(whole)).bit_length()), -1, np.int32)
    _fill_whole(arena, bounds, slots)
    ids = np.array([number for _, number in whole], np.int32)
    return Tables(singles, merge_keys, merges, arena, bounds, ids, slots, np.zeros((CACHE_SLOTS, 4), np.uint64))


@njit(cache=True)
def _fill_merges(triples, keys, merges):  # type: ignore[no-untyped-def]
    """Enter (left, right, result) in the order of their ranks; the later of equal pairs counts, as in the library."""
    for rank in range(len(triples)):
        key = _pair(triples[rank, 0], triples[rank, 1])
        slot = _slot(key, len(keys))
        while keys[slot] != 0 and keys[slot] != key:
            slot = (slot + 1) & (len(keys) - 1)
        keys[slot] = key
        merges[slot, 0] = rank
        merges[slot, 1] = triples[rank, 2]


@njit(cache=True)
def _fill_whole(arena, bounds, slots):  # type: ignore[no-untyped-def]
    for entry in range(len(bounds) - 1):
        slot = _slot(_hash(arena, bounds[entry], bounds[entry + 1]), len(slots))
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = entry


@njit(cache=True, inline="always")
def _slot(key, n_slots):  # type: ignore[no-untyped-def]
    mixed = key * uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed ^ (mixed >> uint64(32))) & uint64(n_slots - 1))


@njit(cache=True)
def _hash(data, start, end):  # type: ignore[no-untyped-def]
    value = uint64(0xCBF29CE484222325)
    for i in range(start, end):
        value = (value ^ uint64(data[i])) * uint64(0x100000001B3)
    return value


@njit(cache=True)
def _pair(left, right):  # type: ignore[no-untyped-def]
    """Two ids as one key, never 0."""
    return uint64(left) << uint64(32) | uint64(right + 1)


@njit(cache=True)
def _encode(data, bounds, classes, form, tables, tokens, offsets, refused):  # type: ignore[no-untyped-def]
    parts = np.empty(LONGEST_WORD + 1, np.int32)
    ranks = np.empty((LONGEST_WORD + 1, 2), np.int32)
    n = np.int64(0)
    for row in range(len(bounds) - 1):
        first = n
        position, end = bounds[row], bounds[row + 1]
        while position < end:
            if form.cased:
                after = cased_word_end(data, position, end, classes, form)
            else:
                after = word_end(data, position, end, classes, form)
            length = after - position
            if length > LONGEST_WORD:
                refused[row] = True
                n = first
                break
            if length == 1:
                tokens[n] = tables.singles[data[position]]
                n += 1
            elif length > CACHED_BYTES:
                n += _merge(data, position, after, tables, parts, ranks, tokens, n)
            else:
                low, high = _word_key(data, position, after)
                entry = tables.cache[_slot(low ^ (high * uint64(0xD6E8FEB86659FD93)), CACHE_SLOTS)]
                if entry[0] == low and entry[1] == high:
                    n += _recall(entry, tokens, n)
                else:
                    count = _merge(data, position, after, tables, parts, ranks, tokens, n)
                    if count <= CACHED_TOKENS:
                        entry[0], entry[1] = low, high
                        _remember(entry, tokens, n, count)
                    n += count
            position = after
        offsets[row + 1] = n
    return n


@njit(cache=True, inline="always")
def _word_key(data, start, end):  # type: ignore[no-untyped-def]
    """The bytes of a word of at most 15 bytes as two 64-bit words, its length in the highest byte."""
    low, high = uint64(0), uint64(0)
    middle = min(end, start + 8)
    for i in range(start, middle):
        low |= uint64(data[i]) << uint64(8 * (i - start))
    for i in range(middle, end):
        high |= uint64(data[i]) << uint64(8 * (i - middle))
    return low, high | uint64(end - start) << uint64(56)


@njit(cache=True, inline="always")
def _recall(entry, tokens, n):  # type: ignore[no-untyped-def]
    count = np.int64(entry[3] >> uint64(56))
    for i in range(count):
        word = entry[2] if i < 3 else entry[3]
        tokens[n + i] = np.uint32((word >> uint64(21 * (i if i < 3 else i - 3))) & uint64(0x1FFFFF))
    return count


@njit(cache=True)
def _remember(entry, tokens, n, count):  # type: ignore[no-untyped-def]
    entry[2] = uint64(0)
    entry[3] = uint64(count) << uint64(56)
    for i in range(count):
        if i < 3:
            entry[2] |= uint64(tokens[n + i]) << uint64(21 * i)
        else:
            entry[3] |= uint64(tokens[n + i]) << uint64(21 * (i - 3))


@njit(cache=True)
def _merge(data, start, end, tables, parts, ranks, tokens, n):  # type: ignore[no-untyped-def]
    """Merge the bytes of a word, the earliest merge first; writes its tokens at tokens[n:], returns how many.

    parts, ranks: room for the tokens so far and for (rank, id) of each one's merge with the next.
    """
    if len(tables.ids):
        whole = _find_whole(data, start, end, tables)
        if whole >= 0:
            tokens[n] = tables.ids[whole]
            return 1
    count = end - start
    for i in range(count):
        parts[i] = tables.singles[data[start + i]]
    for i in range(count - 1):
        _find_merge(parts, i, tables, ranks)
    while count > 1:
        best, best_rank = 0, _NO_RANK
        for i in range(count - 1):
            if ranks[i, 0] < best_rank:
                best, best_rank = i, ranks[i, 0]
        if best_rank == _NO_RANK:
            break
        parts[best] = ranks[best, 1]
        count -= 1
        for i in range(best + 1, count):
            parts[i] = parts[i + 1]
            ranks[i - 1, 0], ranks[i - 1, 1] = ranks[i, 0], ranks[i, 1]
        if best > 0:
            _find_merge(parts, best - 1, tables, ranks)
        if best < count - 1:
            _find_merge(parts, best, tables, ranks)
    for i in range(count):
        tokens[n + i] = parts[i]
    return count


@njit(cache=True)
def _find_merge(parts, i, tables, ranks):  # type: ignore[no-untyped-def]
    """Look up what parts i and i + 1 merge to: ranks[i] becomes (rank, id)."""
    key = _pair(parts[i], parts[i + 1])
    slot = _slot(key, len(tables.merge_keys))
    while tables.merge_keys[slot] != 0:
        if tables.merge_keys[slot] == key:
            ranks[i, 0], ranks[i, 1] = tables.merges[slot, 0], tables.merges[slot, 1]
            return
        slot = (slot + 1) & (len(tables.merge_keys) - 1)
    ranks[i, 0] = _NO_RANK


@njit(cache=True)
def _find_whole(data, start, end, tables):  # type: ignore[no-untyped-def]
    """The entry that has these bytes, or -1."""
    slot = _slot(_hash(data, start, end), len(tables.slots))
    while tables.slots[slot] >= 0:
        entry = tables.slots[slot]
        first = tables.bounds[entry]
        if tables.bounds[entry + 1] - first == end - start:
            i = np.int64(0)
            while i < end - start and tables.arena[first + i] == data[start + i]:
                i += 1
            if i == end - start:
                return entry
        slot = (slot + 1) & (len(tables.slots) - 1)
    return np.int32(-1)
