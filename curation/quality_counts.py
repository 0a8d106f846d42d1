"""Count what the quality heuristics weigh, in one pass over the UTF-8 bytes of a column of texts.

A text is a sequence of tokens: words, numbers, single characters of scripts without blanks, and whole formulas, which
nothing looks into. Fenced code is passed over; rows of Markdown tables count only towards how much of it is numbers.
Lines are judged at their ends (`quality_lines`), repetition at the end of the text (`quality_repeats`), by hashes:
there is no Python object for a token. It reads 60 MB a second on one core, half of the time in repetition.
"""

import numpy as np
import pyarrow as pa
from numba import njit, uint64

from mathmill.classifiers.normalise import decode
from mathmill.curation.quality_lines import (
    FORMULA,
    HAS_MATH,
    LAST,
    N_COUNTS,
    STATES,
    TABLE,
    Count,
    begin_line,
    end_line,
    enter,
    link_length,
    mark,
)
from mathmill.curation.quality_repeats import Tokens, count_repeats, make_slots, make_tokens
from mathmill.curation.quality_words import (
    CHARACTER,
    DAMAGE,
    DIGIT,
    IGNORED,
    LETTER,
    NEWLINE,
    PUNCTUATION,
    SPACE,
    SYMBOL,
    Vocabulary,
    character_classes,
    vocabulary,
)

OFFSET, PRIME = uint64(0xCBF29CE484222325), uint64(0x100000001B3)
"""Of FNV-1a."""


def count_quality(texts: pa.Array, formulas: pa.ListArray) -> np.ndarray:
    """Count in texts (string or large_string) with the spans of their formulas: int64 (n_texts, len(Count)).

    Spans count characters; they may overlap, be out of order or reach beyond the text, and no text may be null.
    """
    column = texts.cast(pa.large_string())
    _, offsets_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer else np.zeros(0, np.uint8)
    spans, bounds = _disjoint_spans(formulas)
    tokens = make_tokens(int(np.diff(offsets).max(initial=0)))
    return _count(data, offsets, spans, bounds, character_classes(), vocabulary(), tokens)


def _disjoint_spans(formulas: pa.ListArray) -> tuple[np.ndarray, np.ndarray]:
    """Spans in order, joined where they overlap: int64 (n_spans, 2), and where those of each text begin (n + 1,)."""
    flat = formulas.flatten()
    rows = np.repeat(np.arange(len(formulas)), formulas.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    starts = np.maximum(flat.field("start").fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64), 0)
    ends = flat.field("end").fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    fits = ends > starts
    rows, starts, ends = rows[fits], starts[fits], ends[fits]
    order = np.lexsort((starts, rows))
    return _join(rows[order], starts[order], ends[order], len(formulas))


@njit(cache=True)
def _join(rows: np.ndarray, starts: np.ndarray, ends: np.ndarray, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    spans = np.empty((len(rows), 2), np.int64)
    bounds = np.zeros(n_rows + 1, np.int64)
    n = 0
    for k in range(len(rows)):
        if k and rows[k] == rows[k - 1] and starts[k] < spans[n - 1, 1]:
            spans[n - 1, 1] = max(spans[n - 1, 1], ends[k])
            continue
        spans[n, 0], spans[n, 1] = starts[k], ends[k]
        n += 1
        bounds[rows[k] + 1] += 1
    return spans[:n], np.cumsum(bounds)


@njit(cache=True)
def _count(
    data: np.ndarray,
    offsets: np.ndarray,
    spans: np.ndarray,
    bounds: np.ndarray,
    classes: np.ndarray,
    words: Vocabulary,
    tokens: Tokens,
) -> np.ndarray:
    counts = np.zeros((len(offsets) - 1, N_COUNTS), np.int64)
    slots = make_slots(1 << 12)
    stamp = 0
    for text in range(len(counts)):
        row = counts[text]
        own_spans = spans[bounds[text] : bounds[text + 1]]
        n, n_lines = _scan(data[offsets[text] : offsets[text + 1]], own_spans, classes, words, tokens, row)
        if 2 * n > len(slots.keys):
            slots = make_slots(n)
        per_word = 2 if row[Count.CHARACTERS] > row[Count.WORDS] else 1
        stamp = count_repeats(tokens, n, n_lines, per_word, slots, stamp, row[Count.REPEATED_LINE_LETTERS :])
    return counts


@njit(cache=True)
def _scan(
    data: np.ndarray, spans: np.ndarray, classes: np.ndarray, words: Vocabulary, tokens: Tokens, row: np.ndarray
) -> tuple[int, int]:
    """Split a text into tokens and lines and count what needs no comparison; returns how many of both there are."""
    keys, letters, known = tokens.keys, tokens.letters, tokens.known  # once: each look into a tuple counts references
    word_keys, word_numbers, is_stop = words.keys, words.numbers, words.is_stop
    line = np.zeros(STATES, np.int64)
    line[LAST] = -1
    n, n_lines, length = 0, 0, len(data)
    i, place, ahead = 0, 0, 0  # byte, character, formula
    formula = spans[0, 0] if len(spans) else length  # the character where the next one begins
    before = 0  # the character before, within the line
    while i < length:
        if data[i] == 0x20 and place < formula:
            i, place, before = i + 1, place + 1, 0x20
            continue
        if place >= formula:
            start, key, end = place, OFFSET, spans[ahead, 1]
            while i < length:
                if data[i] & 0xC0 != 0x80:
                    if place >= end:
                        break
                    place += 1
                key = (key ^ (data[i] | uint64(0x100))) * PRIME
                i += 1
            while ahead < len(spans) and spans[ahead, 1] <= place:
                ahead += 1
            formula = spans[ahead, 0] if ahead < len(spans) else length
            if place > start:
                row[Count.FORMULAS] += 1
                keys[n], letters[n], known[n] = folded(key), 0, 0
                n += enter(row, line, place - start)
                line[HAS_MATH], line[LAST], before = 1, FORMULA, 0
            continue
        point, width = (int(data[i]), 1) if data[i] < 0x80 else decode(data, i, length)
        kind = int(classes[point]) if 0 <= point < 0x10000 else beyond(point)
        stop = min(length, i + formula - place)  # no ASCII byte before the formula lies beyond
        if kind == NEWLINE:
            n_lines = end_line(row, tokens, n, n_lines, line, words)
        elif kind in (LETTER, DIGIT):
            link = link_length(data, i, stop) if point in (0x48, 0x57, 0x68, 0x77) else 0
            if link:
                row[Count.LINK_LETTERS] += link
                line[LAST] = PUNCTUATION
                i, place, before = i + link, place + link, 0
                continue
            start, key, lettered = place, OFFSET, False
            while kind in (LETTER, DIGIT, IGNORED):
                if kind != IGNORED:
                    lettered |= kind == LETTER
                    key = (key ^ uint64(point | 0x20 if 0x41 <= point <= 0x5A else point)) * PRIME
                before = point
                i += width
                place += 1
                if i >= length or place >= formula:
                    break
                if data[i] < 0x80:
                    point, width = int(data[i]), 1
                    kind = int(classes[point])
                else:
                    point, width = decode(data, i, length)
                    kind = int(classes[point]) if 0 <= point < 0x10000 else beyond(point)
            size = place - start
            keys[n], letters[n] = folded(key), size if lettered else 0
            known[n] = number_of(word_keys, word_numbers, keys[n]) if lettered else 0
            line[LAST] = LETTER if lettered else DIGIT
            if not lettered:
                row[Count.NUMBERS] += 1
                line[HAS_MATH] = 1
            if not line[TABLE]:
                row[Count.VISIBLE] += size
                row[Count.WORDS] += lettered
                row[Count.WORD_LETTERS] += letters[n]
                row[Count.STOP_WORDS] += is_stop[known[n]]
            n += enter(row, line, size)
            continue
        elif kind == CHARACTER:
            keys[n], letters[n] = folded((OFFSET ^ uint64(point)) * PRIME), 1
            known[n] = number_of(word_keys, word_numbers, keys[n])
            line[LAST] = CHARACTER
            if not line[TABLE]:
                row[Count.VISIBLE] += 1
                row[Count.CHARACTERS] += 1
                row[Count.STOP_CHARACTERS] += is_stop[known[n]]
            n += enter(row, line, 1)
        elif kind != SPACE and kind != IGNORED:
            if line[LAST] < 0:
                skipped = begin_line(data, i, stop, point, line)
                if skipped:
                    for k in range(i, i + skipped):
                        place += data[k] & 0xC0 != 0x80
                    while ahead < len(spans) and spans[ahead, 1] <= place:
                        ahead += 1
                    formula = spans[ahead, 0] if ahead < len(spans) else length
                    i, before = i + skipped, 0
                    continue
            run = mark(row, line, data, i, stop, point, kind, before)
            i += run - 1  # of dots: one byte each
            place += run - 1
        before = 0 if kind == NEWLINE else point
        i += width
        place += 1
    n_lines = end_line(row, tokens, n, n_lines, line, words)
    end_line(row, tokens, n, n_lines, line, words)
    return n, n_lines


@njit(cache=True, inline="always")
def beyond(point: int) -> int:
    """The class of a character beyond the basic plane, or of a broken one (negative)."""
    if point < 0 or point >= 0xF0000:
        return DAMAGE
    if 0x20000 <= point < 0x34000:
        return CHARACTER
    return SYMBOL if 0x1F000 <= point < 0x20000 else LETTER


@njit(cache=True, inline="always")
def folded(key: np.uint64) -> np.uint64:
    """The key of a token from its FNV-1a hash, as `token_key` has it."""
    return (key ^ (key >> uint64(32))) | uint64(1)


@njit(cache=True, inline="always")
def number_of(word_keys: np.ndarray, word_numbers: np.ndarray, key: np.uint64) -> np.int64:
    """The number of a token in the vocabulary, or 0."""
    mask = len(word_keys) - 1
    slot = np.int64((key >> uint64(16)) & uint64(mask))
    while word_keys[slot] != 0 and word_keys[slot] != key:
        slot = (slot + 1) & mask
    return np.int64(word_numbers[slot])
