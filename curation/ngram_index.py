"""An index of benchmark items by their n-grams of math-aware tokens, and the scan of texts against it.

An n-gram is looked up with its numbers masked, so that one lookup finds an item as well as the same template with other
numbers; whether the numbers agree, too, is told from a second hash. N-grams of numbers mostly, and templates that many
items share, stand for themselves instead; what many items share even so ("express your answer as a common fraction")
is a stock phrase and counts for none. Items of fewer than n tokens are looked up whole. All of it is numba over flat
arrays, in constant memory per text.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit

from mathmill.curation.minhash import mix
from mathmill.curation.token_kinds import NUMBER, WORD, Tokens

NONE, TEMPLATE, SHORT, EMBEDDED = 0, 1, 2, 3
"""What a scan finds, the stronger the larger: a template with other numbers, a short item whole, a long item."""

MAX_SHARED = 16
"""An n-gram in more places than this is no sign of any one item."""

MIN_WORDS = 2
"""An n-gram with fewer words or letters is a list of numbers and stands for itself."""

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MASK = np.uint64(0xA0761D6478BD642F)  # stands for any number
_AS_IT_IS = np.uint64(0xE7037ED1A0B428DB)  # tells n-grams with their numbers from masked ones


class NgramIndex(NamedTuple):
    """Items of at least n tokens by n-gram and shorter ones as a whole. Grams are numbered through all items."""

    n: int
    keys: np.ndarray  # uint64 (2^k,): open addressing, 0 is free
    firsts: np.ndarray  # int32 (2^k,): place of the key's first posting
    counts: np.ndarray  # int32 (2^k,): its postings; 0: shared by too many, look it up as it is
    postings: np.ndarray  # int32 (n_postings,): numbers of grams
    gram_hashes: np.ndarray  # uint64 (n_grams,): with numbers
    gram_items: np.ndarray  # int32 (n_grams,)
    gram_offsets: np.ndarray  # int64 (n_items + 1,): the grams of item i are [gram_offsets[i], gram_offsets[i + 1])
    totals: np.ndarray  # int32 (n_items,): tokens of the item that its indexed grams cover
    needed: np.ndarray  # int32 (n_items,): so many of them make a hit
    short_keys: np.ndarray  # uint64 (2^k,): hash of all tokens of a short item, 0 is free
    short_items: np.ndarray  # int32 (2^k,)
    short_lengths: np.ndarray  # int64 (n_lengths,): lengths of short items, ascending


Finding: TypeAlias = tuple[int, float, np.int64]
"""Kind, score and item."""


class Findings(NamedTuple):
    """The strongest finding in each text."""

    items: np.ndarray  # int32 (n_texts,)
    kinds: np.ndarray  # uint8 (n_texts,): NONE, …
    scores: np.ndarray  # float32 (n_texts,): share of the item's tokens


def build_index(items: Tokens, embeddable: np.ndarray, n: int, coverage: float) -> NgramIndex:
    """Index items. embeddable: bool (n_items,): short items that may be looked for inside of texts.

    An item is hit by a run of text whose grams cover `coverage` of its tokens; one of fewer than 2 n, all of them.
    """
    hashes, masked, gram_items = _grams(items.hashes, items.kinds, items.offsets, n)
    seeds = np.where(masked == 0, hashes ^ _AS_IT_IS, masked)
    shared_templates = _frequent(seeds[masked != 0])
    is_shared = np.isin(masked, shared_templates) & (masked != 0)
    seeds[is_shared] = hashes[is_shared] ^ _AS_IT_IS
    indexed = np.flatnonzero(~np.isin(seeds, _frequent(seeds)))
    postings = indexed[np.argsort(seeds[indexed], kind="stable")]
    unique, firsts, counts = np.unique(seeds[postings], return_index=True, return_counts=True)
    none = np.zeros(len(shared_templates), np.int64)
    values = np.stack([np.concatenate([firsts, none]), np.concatenate([counts, none])]).astype(np.int32)
    keys, slots = hash_table(np.concatenate([unique, shared_templates]))
    lengths = np.diff(items.offsets)
    gram_offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.maximum(lengths - n + 1, 0))])
    is_indexed = np.zeros(len(hashes), np.int64)
    is_indexed[indexed] = 1
    totals = np.array([_covered(is_indexed, gram_offsets, item, n, 1) for item in range(len(lengths))], np.int32)
    needed = np.where(lengths < 2 * n, totals, np.ceil(coverage * totals))
    short = np.flatnonzero(embeddable & (lengths < n) & (lengths > 0))
    whole = _whole_hashes(items.hashes, items.offsets)[short]
    whole, first = np.unique(whole, return_index=True)
    short_keys, short_slots = hash_table(whole)
    return NgramIndex(
        n=n,
        keys=keys,
        firsts=_scatter(values[0], slots, len(keys)),
        counts=_scatter(values[1], slots, len(keys)),
        postings=postings.astype(np.int32),
        gram_hashes=hashes,
        gram_items=gram_items,
        gram_offsets=gram_offsets,
        totals=totals,
        needed=np.maximum(needed, 1).astype(np.int32),
        short_keys=short_keys,
        short_items=_scatter(short[first].astype(np.int32), short_slots, len(short_keys)),
        short_lengths=np.unique(lengths[short]),
    )


def _frequent(seeds: np.ndarray) -> np.ndarray:
    unique, counts = np.unique(seeds, return_counts=True)
    return unique[counts > MAX_SHARED]


def _scatter(values: np.ndarray, slots: np.ndarray, size: int) -> np.ndarray:
    out = np.zeros(size, values.dtype)
    out[slots] = values
    return out


@njit(cache=True)
def hash_table(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place distinct keys, uint64 (n,), in a table of 2^k slots, at most half full; returns it and each key's slot."""
    size = 2
    while size < 2 * len(keys):
        size *= 2
    table = np.zeros(size, np.uint64)
    slots = np.empty(len(keys), np.int64)
    for i in range(len(keys)):
        slot = np.int64(keys[i] >> np.uint64(32)) & (size - 1)
        while table[slot] != 0:
            slot = (slot + 1) & (size - 1)
        table[slot] = keys[i]
        slots[i] = slot
    return table, slots


@njit(cache=True)
def find(table: np.ndarray, key: np.uint64) -> np.int64:
    """The slot of a key, or -1."""
    slot = np.int64(key >> np.uint64(32)) & (len(table) - 1)
    while table[slot] != 0:
        if table[slot] == key:
            return slot
        slot = (slot + 1) & (len(table) - 1)
    return np.int64(-1)


@njit(cache=True)
def _window(prefixes: np.ndarray, first: int, length: int, power: np.uint64) -> np.uint64:
    """Hash the tokens [first, first + length), from polynomial hashes of all prefixes; never 0. power: _BASE^length."""
    return mix(prefixes[first + length] - prefixes[first] * power) | np.uint64(1)


@njit(cache=True)
def _power(exponent: int) -> np.uint64:
    power = np.uint64(1)
    for _ in range(exponent):
        power *= _BASE
    return power


@njit(cache=True)
def _prefixes(tokens: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Polynomial hash, the same with numbers masked, and number of words of all prefixes; (n_tokens + 1,) each."""
    plain, masked = np.zeros(len(tokens) + 1, np.uint64), np.zeros(len(tokens) + 1, np.uint64)
    words = np.zeros(len(tokens) + 1, np.int32)
    for i in range(len(tokens)):
        plain[i + 1] = plain[i] * _BASE + tokens[i]
        masked[i + 1] = masked[i] * _BASE + (_MASK if kinds[i] == NUMBER else tokens[i])
        words[i + 1] = words[i] + (kinds[i] == WORD)
    return plain, masked, words


@njit(cache=True)
def _grams(
    tokens: np.ndarray, kinds: np.ndarray, offsets: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All n-grams: hash, hash with numbers masked (0 where there are too few words), and item; (n_grams,) each."""
    total = 0
    for item in range(len(offsets) - 1):
        total += max(offsets[item + 1] - offsets[item] - n + 1, 0)
    hashes, masks, items = np.empty(total, np.uint64), np.empty(total, np.uint64), np.empty(total, np.int32)
    power = _power(n)
    gram = 0
    for item in range(len(offsets) - 1):
        first, stop = offsets[item], offsets[item + 1]
        plain, masked, words = _prefixes(tokens[first:stop], kinds[first:stop])
        for place in range(stop - first - n + 1):
            hashes[gram] = _window(plain, place, n, power)
            is_template = words[place + n] - words[place] >= MIN_WORDS
            masks[gram] = _window(masked, place, n, power) if is_template else np.uint64(0)
            items[gram] = item
            gram += 1
    return hashes, masks, items


@njit(cache=True)
def _whole_hashes(tokens: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Hash of all tokens of each item: uint64 (n_items,)."""
    hashes = np.empty(len(offsets) - 1, np.uint64)
    kinds = np.zeros(len(tokens), np.uint8)
    for item in range(len(hashes)):
        first, stop = offsets[item], offsets[item + 1]
        plain, _, _ = _prefixes(tokens[first:stop], kinds[first:stop])
        hashes[item] = _window(plain, 0, stop - first, _power(stop - first))
    return hashes


@njit(cache=True)
def _covered(marks: np.ndarray, gram_offsets: np.ndarray, item: int, n: int, mark: int) -> int:
    """How many tokens of an item are in a gram with this mark."""
    covered = 0
    end = gram_offsets[item]
    for gram in range(gram_offsets[item], gram_offsets[item + 1]):
        if marks[gram] == mark:
            covered += gram + n - max(gram, end)
            end = gram + n
    return covered


# What is known of an item while a text is scanned: columns of the state array.
_TEXT, _RUN, _LAST, _MATCHED, _EQUAL = 0, 1, 2, 3, 4


@njit(cache=True)
def scan(tokens: np.ndarray, kinds: np.ndarray, offsets: np.ndarray, index: NgramIndex) -> Findings:
    """Find in each text the item that it holds most of; arrays as in `Tokens`.

    The grams of an item are counted in runs: a run ends where three times n tokens bring no gram of the item.
    """
    n_texts = len(offsets) - 1
    items = np.full(n_texts, -1, np.int32)
    found = np.zeros(n_texts, np.uint8)
    scores = np.zeros(n_texts, np.float32)
    state = np.zeros((len(index.totals), 5), np.int64)
    matched = np.zeros(len(index.gram_hashes), np.int64)  # the last run that held a gram
    equal = np.zeros(len(index.gram_hashes), np.int64)  # the same with equal numbers
    touched = np.empty(len(index.totals), np.int64)
    power = _power(index.n)
    run = 0
    for text in range(n_texts):
        first, stop = offsets[text], offsets[text + 1]
        plain, masked, words = _prefixes(tokens[first:stop], kinds[first:stop])
        best = _scan_short(plain, index)
        n_touched = 0
        for place in range(stop - first - index.n + 1):
            gram_hash = _window(plain, place, index.n, power)
            is_template = words[place + index.n] - words[place] >= MIN_WORDS
            slot = find(index.keys, _window(masked, place, index.n, power)) if is_template else -1
            if not is_template or (slot >= 0 and index.counts[slot] == 0):
                slot = find(index.keys, gram_hash ^ _AS_IT_IS)
            if slot < 0:
                continue
            for posting in range(index.firsts[slot], index.firsts[slot] + index.counts[slot]):
                gram = index.postings[posting]
                item = index.gram_items[gram]
                is_new = state[item, _TEXT] != text + 1
                if is_new:
                    touched[n_touched] = item
                    n_touched += 1
                if is_new or place - state[item, _LAST] > 3 * index.n:
                    if not is_new:
                        best = _better(best, item, state, matched, index)
                    run += 1
                    state[item, _TEXT], state[item, _RUN] = text + 1, run
                    state[item, _MATCHED] = state[item, _EQUAL] = 0
                state[item, _LAST] = place
                if matched[gram] != state[item, _RUN]:
                    matched[gram] = state[item, _RUN]
                    state[item, _MATCHED] += 1
                if gram_hash == index.gram_hashes[gram] and equal[gram] != state[item, _RUN]:
                    equal[gram] = state[item, _RUN]
                    state[item, _EQUAL] += 1
        for i in range(n_touched):
            best = _better(best, touched[i], state, matched, index)
        found[text], scores[text], items[text] = best
    return Findings(items, found, scores)


@njit(cache=True)
def _scan_short(plain: np.ndarray, index: NgramIndex) -> Finding:
    """Look for short items whole; of several the longest, then the first in the benchmarks, counts."""
    best = np.int64(-1)
    for i in range(len(index.short_lengths) - 1, -1, -1):
        length = index.short_lengths[i]
        power = _power(length)
        for place in range(len(plain) - length):
            slot = find(index.short_keys, _window(plain, place, length, power))
            if slot >= 0 and (best < 0 or index.short_items[slot] < best):
                best = np.int64(index.short_items[slot])
        if best >= 0:
            return SHORT, 1.0, best
    return NONE, 0.0, best


@njit(cache=True)
def _better(best: Finding, item: int, state: np.ndarray, matched: np.ndarray, index: NgramIndex) -> Finding:
    """The stronger of the best finding so far and what the item's run that ends here makes."""
    # n tokens for the first gram and one for each further one, or n where they do not overlap
    if index.n * state[item, _MATCHED] < index.needed[item]:
        return best
    covered = _covered(matched, index.gram_offsets, item, index.n, state[item, _RUN])
    if covered < index.needed[item]:
        return best
    kind = EMBEDDED if state[item, _EQUAL] == state[item, _MATCHED] else TEMPLATE
    score = covered / index.totals[item]
    is_better = kind > best[0] or (kind == best[0] and (score > best[1] or (score == best[1] and item < best[2])))
    return (kind, score, np.int64(item)) if is_better else best
