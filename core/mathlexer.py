"""Numba readers of words, numbers and scripts in UTF-8 bytes, and how they emit tokens: half of `mathtokens`' kernel.

Tokens are rows (hash, start, end) of an array; a small integer array holds the lexer's state. Everything is a plain
function over arrays, compiled into the loop of `mathgrammar`; a token's hash is FNV-1a over its folded code points,
mixed.
"""

# ruff: noqa: SIM109 (comparisons compile to better code than `in`)

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from mathmill.core.mathcharacters import (
    CJK,
    DIGIT,
    FNV_OFFSET,
    FNV_PRIME,
    GREEK,
    JOINER,
    LAST_CJK_CODE_POINT,
    LETTER,
    LIGATURE,
    MARK,
    N_CODE_POINTS,
    SPACE,
    SUPERSCRIPT,
    SYMBOL,
    Tables,
)

_Function = TypeVar("_Function", bound=Callable[..., Any])
Int: TypeAlias = Any  # an integer of Python or numpy: numba types it by its use
Bytes: TypeAlias = npt.NDArray[np.uint8]
Rows: TypeAlias = npt.NDArray[np.uint64]  # (n, 3): hash, start and end in bytes; or (n,): hashes
State: TypeAlias = npt.NDArray[np.int64]

# Slots of the state array.
N, LIVE, OPERATORS, EXPECT, DEPTH, BRACES, OVERFLOW = 0, 1, 2, 3, 4, 5, 6
LAST, LAST_END, LAST_LENGTH, LINE_START, TABLE_ROW, CLOSED_N, CLOSED_LIVE = 7, 8, 9, 10, 11, 12, 13
NEWLINES = 14
STATE_SIZE = 15

ROOM = 16  # rows that one step of the lexer may write

# What EXPECT says about the next operand.
NOTHING, NUMERATOR, DENOMINATOR, ARGUMENT = 0, 1, 2, 3

# LAST: the class of the last token, or one of these.
CLOSED = 20

# None of these functions allocates, and without numba's reference counting of their array arguments the lexer is 2.6
# times as fast (numba 0.68); `allocating` is for the few that make arrays.
_njit: Any = numba.njit  # its stubs do not know `_nrt`
jit: Callable[[_Function], _Function] = _njit(cache=True, nogil=True, _nrt=False)
inline: Callable[[_Function], _Function] = _njit(cache=True, nogil=True, _nrt=False, forceinline=True)
allocating: Callable[[_Function], _Function] = _njit(cache=True, nogil=True)


@inline
def mix(value: Int) -> Int:
    """Spread FNV's bits over the word (MurmurHash3's finaliser); 0 is left for placeholders."""
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value if value != 0 else np.uint64(1)


@inline
def hash_code_point(code_point: Int) -> Int:
    """Hash a token of one character."""
    return mix((FNV_OFFSET ^ np.uint64(code_point)) * FNV_PRIME)


@allocating
def grow(tokens: Rows) -> Rows:
    """Give the array twice the rows."""
    grown = np.empty((2 * len(tokens), 3), np.uint64)
    grown[: len(tokens)] = tokens
    return grown


@inline
def class_beyond(code_point: Int) -> int:
    """The class of a code point that the tables leave out."""
    return CJK if code_point <= LAST_CJK_CODE_POINT else SPACE


@inline
def decode(data: Bytes, i: Int, stop: Int) -> tuple[Int, int]:
    """The code point at byte i and its width; a broken sequence is U+FFFD of width 1."""
    first = np.int64(data[i])
    if first < 0x80:
        return first, 1
    width = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if first < 0xC2 or first > 0xF4 or i + width > stop:
        return np.int64(0xFFFD), 1
    code_point = first & (0x7F >> width)
    for j in range(i + 1, i + width):
        if data[j] & 0xC0 != 0x80:
            return np.int64(0xFFFD), 1
        code_point = (code_point << 6) | np.int64(data[j] & 0x3F)
    return code_point, width


@inline
def class_at(data: Bytes, i: Int, stop: Int, tables: Tables) -> tuple[Int, Int]:
    """Class and folded code point of the character at byte i; SPACE at the end."""
    if i >= stop:
        return SPACE, np.int64(0)
    code_point, _ = decode(data, i, stop)
    if code_point >= N_CODE_POINTS:
        return class_beyond(code_point), code_point
    return np.int64(tables[0][code_point]), np.int64(tables[1][code_point])


@inline
def emit(tokens: Rows, state: State, value: Int, start: Int, end: Int) -> None:
    """Write one token."""
    n = state[N]
    tokens[n, 0], tokens[n, 1], tokens[n, 2] = value, start, end
    state[N] = n + 1
    state[LIVE] += 1


@inline
def emit_operand(tokens: Rows, state: State, value: Int, start: Int, end: Int, kind: Int, length: Int) -> None:
    r"""A word, number or letter; the numerator of `\frac12` is followed by its slash."""
    emit(tokens, state, value, start, end)
    state[LAST], state[LAST_END], state[LAST_LENGTH] = kind, end, length
    if state[EXPECT] == NUMERATOR:
        emit_slash(tokens, state, end)
    else:
        state[EXPECT] = NOTHING


@inline
def emit_slash(tokens: Rows, state: State, at: Int) -> None:
    """Write the slash that no character stands for."""
    emit(tokens, state, hash_code_point(0x2F), at, at)
    state[OPERATORS] += 1
    state[EXPECT] = DENOMINATOR


@inline
def emit_symbol(tokens: Rows, state: State, code_point: Int, start: Int, end: Int) -> None:
    """An operator, relation or script mark; `^ _ √ /` take an argument."""
    emit(tokens, state, hash_code_point(code_point), start, end)
    state[OPERATORS] += 1
    state[LAST], state[LAST_END], state[LAST_LENGTH] = SYMBOL, end, 1
    takes_argument = code_point == 0x5E or code_point == 0x5F or code_point == 0x221A or code_point == 0x2F
    state[EXPECT] = ARGUMENT if takes_argument else NOTHING


@jit
def emit_expansion(
    tokens: Rows, state: State, characters: npt.NDArray[np.uint32], start: Int, end: Int, tables: Tables
) -> None:
    """½ as `1 / 2`, ⒈ as `1`: digits in a row are one number."""
    value = FNV_OFFSET
    digits = False
    for character in characters:
        kind = tables[0][character]
        if digits and kind != DIGIT:
            emit_operand(tokens, state, mix(value), start, end, DIGIT, 1)
            value, digits = FNV_OFFSET, False
        if character == 0:
            break
        if kind == DIGIT:
            value, digits = (value ^ np.uint64(character)) * FNV_PRIME, True
        elif kind == SYMBOL or kind == MARK:
            emit_symbol(tokens, state, character, start, end)
        else:
            emit_operand(tokens, state, hash_code_point(character), start, end, kind, 1)
    if digits:
        emit_operand(tokens, state, mix(value), start, end, DIGIT, 1)


@inline
def read_word(data: Bytes, i: Int, stop: Int, tables: Tables, expect: Int) -> tuple[Int, Int, int]:
    """Hash, end and number of letters of the word at i; one letter where a fraction expects a bare argument."""
    classes, folded, expansions = tables[0], tables[1], tables[2]
    value, length = FNV_OFFSET, 0
    single = expect == NUMERATOR or expect == DENOMINATOR
    if not single:
        start = i
        while i < stop and is_letter(data[i]):
            value = (value ^ np.uint64(data[i] | 0x20)) * FNV_PRIME
            i += 1
        length = i - start
        if i == stop or data[i] < 0x80:  # nothing in ASCII goes on with a word but letters
            return mix(value), i, length
    while i < stop:
        code_point, width = decode(data, i, stop)
        kind = classes[code_point] if code_point < N_CODE_POINTS else SPACE
        if kind == LETTER and not (single and length):
            value = (value ^ np.uint64(folded[code_point])) * FNV_PRIME
            length += 1
        elif kind == LIGATURE and not (single and length):
            for character in expansions[folded[code_point]]:
                if character:
                    value = (value ^ np.uint64(character)) * FNV_PRIME
                    length += 1
        elif kind != JOINER:
            break
        i += width
    return mix(value), i, length


@inline
def read_number(data: Bytes, i: Int, stop: Int, tables: Tables, expect: Int) -> tuple[Int, Int]:
    """Hash and end of the number at i: digits, commas between thousands left out, a decimal point with digits."""
    value = FNV_OFFSET
    if expect == NUMERATOR or expect == DENOMINATOR:  # \frac12
        code_point, width = decode(data, i, stop)
        return mix((value ^ np.uint64(tables[1][code_point])) * FNV_PRIME), i + width
    value, i, count = read_digits(data, i, stop, tables, value)
    while 1 <= count <= 3:
        comma = thousands_comma(data, i, stop)
        if comma == 0:
            break
        value, i, _ = read_digits(data, i + comma, stop, tables, value)
    if i < stop and data[i] == 46 and class_at(data, i + 1, stop, tables)[0] == DIGIT:
        value, i, _ = read_digits(data, i + 1, stop, tables, (value ^ np.uint64(46)) * FNV_PRIME)
    return mix(value), i


@jit
def read_decimals(data: Bytes, i: Int, stop: Int, tables: Tables) -> tuple[Int, Int]:
    """Hash and end of `.5`, the digits at i read as 0.5."""
    value = (FNV_OFFSET ^ np.uint64(48)) * FNV_PRIME
    value, end, _ = read_digits(data, i, stop, tables, (value ^ np.uint64(46)) * FNV_PRIME)
    return mix(value), end


@inline
def read_digits(data: Bytes, i: Int, stop: Int, tables: Tables, value: Int) -> tuple[Int, Int, int]:
    """Hash on over digits; return the hash, their end and number."""
    count = 0
    while i < stop:
        code_point, width = decode(data, i, stop)
        kind = tables[0][code_point] if code_point < N_CODE_POINTS else SPACE
        if kind == DIGIT:
            value = (value ^ np.uint64(tables[1][code_point])) * FNV_PRIME
            count += 1
        elif kind != JOINER:
            break
        i += width
    return value, i, count


@inline
def is_letter(byte: Int) -> bool:
    """Whether a byte is an ASCII letter."""
    return 97 <= byte <= 122 or 65 <= byte <= 90


@inline
def is_digit(byte: Int) -> bool:
    """Whether a byte or code point is an ASCII digit."""
    return 48 <= byte <= 57


@inline
def thousands_comma(data: Bytes, i: Int, stop: Int) -> int:
    """Width of `,` or `{,}` if exactly three ASCII digits follow, else 0."""
    width = 0
    if i < stop and data[i] == 44:
        width = 1
    elif i + 2 < stop and data[i] == 123 and data[i + 1] == 44 and data[i + 2] == 125:
        width = 3
    j = i + width
    if width == 0 or j + 3 > stop or not (is_digit(data[j]) and is_digit(data[j + 1]) and is_digit(data[j + 2])):
        return 0
    return 0 if j + 3 < stop and is_digit(data[j + 3]) else width


@jit
def read_script(data: Bytes, i: Int, stop: Int, kind: Int, tokens: Rows, state: State, tables: Tables) -> Int:
    """A run of Unicode super- or subscripts: `x⁻¹` as `x ^ ( - 1 )`; stays at i where `tokens` may be too short."""
    if state[N] + ROOM + script_length(data, i, stop, kind, tables) > len(tokens):
        return i
    mark = 0x5E if kind == SUPERSCRIPT else 0x5F
    emit_symbol(tokens, state, mark, i, i)
    place, live = state[N], state[LIVE]
    tokens[place, 0], tokens[place, 1], tokens[place, 2] = 0, i, i
    state[N] += 1
    value, digits, digits_start = FNV_OFFSET, False, i
    while True:
        code_point, width = decode(data, i, stop) if i < stop else (np.int64(0), 0)
        same = i < stop and code_point < N_CODE_POINTS and tables[0][code_point] == kind
        character = tables[1][code_point] if same else np.uint32(0)
        numeric = is_digit(character)
        if digits and not numeric:
            emit_operand(tokens, state, mix(value), digits_start, i, DIGIT, 1)
            value, digits = FNV_OFFSET, False
        if not same:
            break
        if numeric:
            digits_start = digits_start if digits else i
            value, digits = (value ^ np.uint64(character)) * FNV_PRIME, True
        elif tables[0][character] == LETTER or tables[0][character] == GREEK:
            emit_operand(tokens, state, hash_code_point(character), i, i + width, LETTER, 1)
        elif tables[0][character] == SYMBOL or character == 43 or character == 45 or character == 61:
            emit_symbol(tokens, state, character, i, i + width)
        i += width
    if state[LIVE] - live >= 2:
        tokens[place, 0] = hash_code_point(0x28)
        state[LIVE] += 1
        emit(tokens, state, hash_code_point(0x29), i, i)
    state[EXPECT], state[LAST], state[LAST_END] = NOTHING, CLOSED, i
    return i


@inline
def script_length(data: Bytes, i: Int, stop: Int, kind: Int, tables: Tables) -> int:
    """Characters in a run of scripts."""
    length = 0
    while i < stop and class_at(data, i, stop, tables)[0] == kind:
        i += decode(data, i, stop)[1]
        length += 1
    return length
