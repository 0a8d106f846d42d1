"""The text normaliser of the fastText models: what a token is, the same in training and prediction.

fastText splits on spaces alone, so `x^2+1=0` or a Chinese sentence would be one token that never occurs again. Here
words are lower-cased, LaTeX commands are tokens with their backslash, and every digit, operator, bracket and Chinese
character stands alone (MegaMath's normaliser strips digits and operators, and with them the math). fastText averages
over all tokens, so a long listing would drown a page's few theorems; with `log_counts` a token that occurs n times
weighs about log2 n. It is one pass in numba over the bytes of a whole Arrow column: prediction is not slowed by Python.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numba import njit
from pydantic import Field

from mathmill.core.config import Config

VERSION = 2
"""Raised whenever the output can change: a model remembers the version that it was trained with."""


class Normaliser(Config):
    """How texts become lines of tokens; stored in the model's card."""

    version: int = Field(default=VERSION, ge=VERSION, le=VERSION)
    max_bytes: int = Field(default=16_384, ge=64)  # UTF-8 bytes read of each text; a page's topic is clear long before
    log_counts: bool = False  # keep only the 1st, 2nd, 4th, 8th, … occurrence of a token; not for word n-grams

    def lines(self, texts: Sequence[str] | pa.Array) -> list[str]:
        """Turn each text (a null counts as empty) into one line of tokens with single spaces between them."""
        tokens, ends, _ = self.tokens(texts)
        offsets = np.concatenate([np.zeros(1, np.int64), ends])
        lines = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(tokens))
        return lines.to_pylist()

    def tokens(self, texts: Sequence[str] | pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give the lines as bytes: uint8 (all texts), int64 (n_texts,) where each ends, int64 (n_texts,) bytes read."""
        if not isinstance(texts, pa.Array):
            texts = pa.array([text.encode("utf-8", "replace") for text in texts], pa.large_binary())
        column = texts.cast(pa.large_binary()).fill_null(b"")
        _, offsets_buffer, data_buffer = column.buffers()
        offsets = np.frombuffer(offsets_buffer, np.int64)[column.offset : column.offset + len(column) + 1]
        data = np.frombuffer(data_buffer, np.uint8) if data_buffer else np.zeros(0, np.uint8)
        sizes = np.minimum(np.diff(offsets), self.max_bytes)
        tokens = np.empty(2 * int(sizes.sum()) + len(column), np.uint8)
        return tokens, tokenise(data, offsets[:-1], sizes, tokens, self.log_counts), sizes


@njit(cache=True)
def tokenise(data: np.ndarray, starts: np.ndarray, sizes: np.ndarray, out: np.ndarray, log_counts: bool) -> np.ndarray:
    """Write the tokens of all texts to `out` and return where each text's line ends in it.

    data: uint8, UTF-8. starts, sizes: int64 (n_texts,), bytes. out: uint8, two bytes for each byte read are enough.
    Returns int64 (n_texts,).
    """
    ends = np.empty(len(starts), np.int64)
    longest = sizes.max() if log_counts and len(sizes) else 0
    n_slots = 64
    while n_slots < 2 * longest:  # never more than half full
        n_slots *= 2
    slots = np.full((n_slots, 3), -1, np.int64)
    n = 0
    for text in range(len(starts)):
        first = n
        token = n  # where the token that is being written begins
        i = starts[text]
        stop = i + sizes[text]
        state = APART
        while i < stop:
            if data[i] < 0x80:  # most bytes: no call, no branches on ranges
                point = int(ASCII_FOLDED[data[i]])
                i += 1
                letter = 0x61 <= point <= 0x7A
            else:
                point, width = decode(data, i, stop)
                i += width
                point = fold(point)
                letter = is_letter(point)
            if point <= SPACE:
                if point == SPACE:
                    state = APART
                if point != SOLUTION_MARK:
                    continue
            command = (
                state == COMMAND and SPACE < point < 0x80 and not 0x30 <= point <= 0x39
            )  # \( and \\ are one token too
            if not command and not (letter and state == WORD):
                if log_counts and n > token and not counts(out, token, n, slots, text):
                    n = token
                elif n > token:
                    out[n] = SPACE
                    n += 1
                token = n
            if point < 0x80:
                out[n] = point
                n += 1
            else:
                n = encode(point, out, n)
            state = WORD if letter else COMMAND if point == BACKSLASH and not command else APART
        if log_counts and n > token and not counts(out, token, n, slots, text):
            n = token
        if first < n == token:  # the last token was left out: so is the space before it
            n -= 1
        ends[text] = n
    return ends


@njit(cache=True)
def counts(out: np.ndarray, start: int, end: int, slots: np.ndarray, text: int) -> bool:
    """Count the token out[start:end] and say whether this is its 1st, 2nd, 4th, 8th, … occurrence in the text.

    slots: int64 (a power of two, 3), a hash table in use: hash, number of the text that it was seen in, occurrences.
    """
    key = np.int64(-3750763034362895579)  # FNV-1a
    for k in range(start, end):
        key = (key ^ np.int64(out[k])) * np.int64(1099511628211)
    mask = len(slots) - 1
    slot = (key ^ (key >> 32)) & mask
    while slots[slot, 1] == text and slots[slot, 0] != key:
        slot = (slot + 1) & mask
    if slots[slot, 1] != text:
        slots[slot, 0] = key
        slots[slot, 1] = text
        slots[slot, 2] = 0
    slots[slot, 2] += 1
    n = slots[slot, 2]
    return (n & (n - 1)) == 0


SPACE = 0x20
BACKSLASH = 0x5C
DROPPED = -1
SOLUTION_MARK = 0x1E
"""ASCII's record separator, a token of its own: a problem's question stands before it, the solution behind."""

ASCII_FOLDED = np.array(
    [
        byte + 0x20 if 0x41 <= byte <= 0x5A else SPACE if byte <= SPACE or byte == 0x7F else byte
        for byte in range(SOLUTION_MARK)
    ]
    + [SOLUTION_MARK, SPACE, SPACE]
    + [byte + 0x20 if 0x41 <= byte <= 0x5A else SPACE if byte == 0x7F else byte for byte in range(0x21, 0x80)],
    np.uint8,
)

APART, WORD, COMMAND = 0, 1, 2
"""What the last character written was: a token of its own, a letter that more may follow, a backslash."""


@njit(cache=True)
def decode(data: np.ndarray, i: int, stop: int) -> tuple[int, int]:
    """Decode the code point at byte `i`; an invalid or cut sequence is dropped byte by byte. Returns (point, width)."""
    lead = data[i]
    if lead < 0x80:
        return int(lead), 1
    width = 2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4 if 0xF0 <= lead < 0xF5 else 1
    if width == 1 or i + width > stop:
        return DROPPED, 1
    point = int(lead) & (0x7F >> width)
    for k in range(1, width):
        if data[i + k] & 0xC0 != 0x80:
            return DROPPED, 1
        point = point << 6 | int(data[i + k] & 0x3F)
    surrogate = 0xD800 <= point <= 0xDFFF
    overlong = (width == 3 and point < 0x800) or (width == 4 and not 0x10000 <= point <= 0x10FFFF)
    return (DROPPED, 1) if surrogate or overlong else (point, width)


@njit(cache=True)
def fold(point: int) -> int:
    """Lower-case Latin, Greek and Cyrillic; unify spaces, minus signs, full-width forms and mathematical alphabets."""
    if point < 0:
        return DROPPED
    if point < 0x80:
        if 0x41 <= point <= 0x5A:
            return point + 0x20
        return SPACE if point <= SPACE or point == 0x7F else point
    if 0xFF01 <= point <= 0xFF5E:  # full-width ASCII
        point -= 0xFEE0
        return point + 0x20 if 0x41 <= point <= 0x5A else point
    if 0x1D400 <= point <= 0x1D6A3:  # mathematical Latin alphabets: 26 capitals, 26 small letters, and again
        return 0x61 + (point - 0x1D400) % 26
    if 0x1D7CE <= point <= 0x1D7FF:  # mathematical digits
        return 0x30 + (point - 0x1D7CE) % 10
    if (0xC0 <= point <= 0xDE and point != 0xD7) or 0x391 <= point <= 0x3A9 or 0x410 <= point <= 0x42F:
        return point + 0x20
    if point == 0x2212:  # minus sign
        return 0x2D
    if point <= 0xA0 or 0x2000 <= point <= 0x200A or point in (0x2028, 0x2029, 0x202F, 0x205F, 0x3000):
        return SPACE
    if 0x200B <= point <= 0x200F or 0x2060 <= point <= 0x2064 or point == 0xFEFF or point == 0xAD:  # invisible
        return DROPPED
    return point


@njit(cache=True)
def is_letter(point: int) -> bool:
    """Say whether a folded code point continues a word: Latin and Cyrillic; Greek letters are mostly symbols here."""
    if point < 0x80:
        return 0x61 <= point <= 0x7A
    return (0xC0 <= point <= 0x24F and point not in (0xD7, 0xF7)) or 0x400 <= point <= 0x52F


@njit(cache=True)
def encode(point: int, out: np.ndarray, n: int) -> int:
    """Write a code point as UTF-8 at `out[n]` and return where the next one goes."""
    if point < 0x80:
        out[n] = point
        return n + 1
    if point < 0x800:
        out[n] = 0xC0 | point >> 6
        out[n + 1] = 0x80 | point & 0x3F
        return n + 2
    if point < 0x10000:
        out[n] = 0xE0 | point >> 12
        out[n + 1] = 0x80 | point >> 6 & 0x3F
        out[n + 2] = 0x80 | point & 0x3F
        return n + 3
    out[n] = 0xF0 | point >> 18
    out[n + 1] = 0x80 | point >> 12 & 0x3F
    out[n + 2] = 0x80 | point >> 6 & 0x3F
    out[n + 3] = 0x80 | point & 0x3F
    return n + 4
