r"""Split text into words as the vocabularies of GPT-4, Llama 3 and Qwen do, compiled.

Their pattern has a fixed form, so it is written out here as a loop over bytes (70 to 100 MB a second of math prose on
one core) in place of a regular expression engine that looks ahead and backtracks:
`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
What is a letter, a number or a space is asked of the library itself, so that both follow the same edition of Unicode.
"""

import re
from functools import cache

import numpy as np
import numpy.typing as npt
from numba import njit
from tokenizers import Regex, pre_tokenizers

OTHER, LETTER, NUMBER, SPACE, NEWLINE = 0, 1, 2, 3, 4

LAST_ASSIGNED = 0x40000
"""Beyond this point Unicode has neither letters nor numbers nor spaces: tags, selectors, private use."""

_FORM = re.compile(
    re.escape(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}")
    + r"(?:\{1,([1-9])\})?"
    + re.escape(r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
)


def digits_of(pattern: str) -> int | None:
    """How many digits a word of this pattern holds at most; None where the pattern is not of this form."""
    match = _FORM.fullmatch(pattern)
    return None if match is None else int(match[1] or 1)


@cache
def character_classes() -> npt.NDArray[np.uint8]:
    """The class of every code point, as the library's regular expressions see it: uint8 (0x110000,)."""
    codes = np.concatenate([np.arange(0xD800), np.arange(0xE000, LAST_ASSIGNED)])
    everything = codes.astype("<u4").tobytes().decode("utf-32-le")
    classes = np.zeros(0x110000, np.uint8)
    for name, number in ((r"\p{L}", LETTER), (r"\p{N}", NUMBER), (r"\s", SPACE)):
        member = np.ones(len(codes), bool)
        for _, (start, end) in pre_tokenizers.Split(Regex(f"{name}+"), "removed").pre_tokenize_str(everything):
            member[start:end] = False
        classes[codes[member]] = number
    classes[[10, 13]] = NEWLINE
    return classes


@njit(cache=True, inline="always")
def _character(data, i, end):  # type: ignore[no-untyped-def]
    """The code point at byte i and the byte after it; broken UTF-8 counts byte by byte as U+FFFD."""
    first = np.int64(data[i])
    if first < 0x80:
        return first, i + 1
    if first >= 0xF0 and first < 0xF5 and i + 3 < end:
        code = (first & 7) << 18 | (np.int64(data[i + 1]) & 63) << 12
        code |= (np.int64(data[i + 2]) & 63) << 6 | (np.int64(data[i + 3]) & 63)
        return (code, i + 4) if code < 0x110000 else (np.int64(0xFFFD), i + 1)
    if first >= 0xE0 and first < 0xF0 and i + 2 < end:
        return (first & 15) << 12 | (np.int64(data[i + 1]) & 63) << 6 | (np.int64(data[i + 2]) & 63), i + 3
    if first >= 0xC0 and first < 0xE0 and i + 1 < end:
        return (first & 31) << 6 | (np.int64(data[i + 1]) & 63), i + 2
    return np.int64(0xFFFD), i + 1


@njit(cache=True, inline="always")
def _run(data, i, end, classes, wanted):  # type: ignore[no-untyped-def]
    """Past the characters of one class from byte i on."""
    while i < end:
        if data[i] < 0x80:
            if classes[data[i]] != wanted:
                break
            i += 1
            continue
        code, after = _character(data, i, end)
        if classes[code] != wanted:
            break
        i = after
    return i


@njit(cache=True)
def word_end(data, i, end, classes, digits):  # type: ignore[no-untyped-def]
    """Where the word that begins at byte i of data[:end] ends; the alternatives of the pattern in their order."""
    code, after = _character(data, i, end)
    kind = classes[code]
    if code == 39:
        contraction = _contraction(data, after, end)
        if contraction > 0:
            return contraction
    if kind == LETTER:
        return _run(data, after, end, classes, LETTER)
    if kind == NUMBER:
        for _ in range(digits - 1):
            if after >= end:
                break
            code, beyond = _character(data, after, end)
            if classes[code] != NUMBER:
                break
            after = beyond
        return after
    follower = np.uint8(NEWLINE)
    if after < end:
        follower = classes[_character(data, after, end)[0]]
    if kind != NEWLINE and after < end and follower == LETTER:
        return _run(data, after, end, classes, LETTER)
    if kind == OTHER or (code == 32 and after < end and follower == OTHER):
        after = _run(data, after, end, classes, OTHER)
        return _run(data, after, end, classes, NEWLINE)
    return _space_end(data, i, end, classes)


@njit(cache=True)
def _contraction(data, i, end):  # type: ignore[no-untyped-def]
    """The end of s, t, re, ve, m, ll or d after an apostrophe, in any case; 0 where there is none of them."""
    if i >= end:
        return 0
    first = data[i] | 0x20
    if first == 115 or first == 116 or first == 109 or first == 100:
        return i + 1
    if i + 1 < end:
        second = data[i + 1] | 0x20
        if (first == 114 or first == 118) and second == 101:
            return i + 2
        if first == 108 and second == 108:
            return i + 2
        if data[i] == 0xC5 and data[i + 1] == 0xBF:  # ſ is an s without regard to case
            return i + 2
    return 0


@njit(cache=True)
def _space_end(data, i, end, classes):  # type: ignore[no-untyped-def]
    r"""`\s*[\r\n]+|\s+(?!\S)|\s+`: to the last newline of the run, else all of it but one space before a word."""
    after_newline = np.int64(-1)
    last = i  # where the run's last character begins
    position = i
    while position < end:
        code, after = _character(data, position, end)
        kind = classes[code]
        if kind != SPACE and kind != NEWLINE:
            break
        last = position
        position = after
        if kind == NEWLINE:
            after_newline = position
    if after_newline >= 0:
        return after_newline
    return position if position == end or last == i else last
