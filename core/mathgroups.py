r"""Groups and LaTeX commands of `mathtokens`' numba kernel: braces, brackets, `\frac`, `\over`, `\begin`.

An opening bracket is written as a placeholder with hash 0, which becomes a token only when its partner shows that the
pair matters; placeholders are removed at the end. So nesting costs nothing and the whole is linear in the bytes.
"""

# ruff: noqa: SIM109 (comparisons compile to better code than `in`)

import numpy as np

from mathmill.core.mathcharacters import (
    BEGIN,
    DELIMITER,
    DROP_ARGUMENT,
    END,
    FNV_OFFSET,
    FNV_PRIME,
    FRACTION,
    GREEK,
    LETTER,
    OVER,
    SKIP_WITH_ARGUMENT,
    Tables,
)
from mathmill.core.mathlexer import (
    ARGUMENT,
    BRACES,
    CLOSED,
    CLOSED_LIVE,
    CLOSED_N,
    DEPTH,
    EXPECT,
    LAST,
    LAST_END,
    LIVE,
    NOTHING,
    NUMERATOR,
    OPERATORS,
    OVERFLOW,
    Bytes,
    Int,
    N,
    Rows,
    State,
    emit,
    emit_operand,
    emit_slash,
    emit_symbol,
    hash_code_point,
    inline,
    is_letter,
    jit,
    mix,
)

MAX_DEPTH = 64  # brackets nested deeper are transparent
MAX_ARGUMENT_BYTES = 200  # of \label{…} and its like; longer ones are kept

# Kinds of groups, braces first; and the columns of the stack.
PLAIN, BRACED_NUMERATOR, BRACED_ARGUMENT, PARENTHESES, PARENTHESES_ARGUMENT = 0, 1, 2, 3, 4
KIND, PLACE, LIVE_BEFORE, OPERATORS_BEFORE = 0, 1, 2, 3


@inline
def open_group(tokens: Rows, state: State, stack: State, kind: Int, start: Int, end: Int) -> None:
    """Write a placeholder for the bracket and remember what was there before it."""
    if state[DEPTH] == MAX_DEPTH:
        state[OVERFLOW] += 1
        return
    top = stack[state[DEPTH]]
    top[KIND], top[LIVE_BEFORE], top[OPERATORS_BEFORE] = kind, state[LIVE], state[OPERATORS]
    top[PLACE] = write_placeholder(tokens, state, start, end)
    state[DEPTH] += 1
    state[BRACES] += kind < PARENTHESES
    state[EXPECT] = NOTHING


@inline
def write_placeholder(tokens: Rows, state: State, start: Int, end: Int) -> Int:
    """Write a row that may become a bracket; return its number."""
    place = state[N]
    tokens[place, 0], tokens[place, 1], tokens[place, 2] = 0, start, end
    state[N] = place + 1
    return place


@inline
def open_brace(tokens: Rows, state: State, stack: State, start: Int, end: Int) -> None:
    """Open a `{`: an argument if `^ _ √ /` or a fraction stands before it."""
    expect = state[EXPECT]
    kind = BRACED_NUMERATOR if expect == NUMERATOR else PLAIN if expect == NOTHING else BRACED_ARGUMENT
    open_group(tokens, state, stack, kind, start, end)


@inline
def close_brace(tokens: Rows, state: State, stack: State, start: Int, end: Int) -> None:
    """Close the innermost brace; round brackets left open inside it vanish."""
    if state[OVERFLOW]:
        state[OVERFLOW] -= 1
        return
    if state[BRACES] == 0:
        return
    while stack[state[DEPTH] - 1, KIND] >= PARENTHESES:
        state[DEPTH] -= 1
    state[BRACES] -= 1
    close_group(tokens, state, stack, start, end)


@inline
def close_parenthesis(data: Bytes, tokens: Rows, state: State, stack: State, start: Int, end: Int) -> None:
    """Close the innermost bracket unless a brace was opened inside it."""
    if state[OVERFLOW]:
        state[OVERFLOW] -= 1
    elif state[DEPTH] and stack[state[DEPTH] - 1, KIND] >= PARENTHESES:
        is_index = data[start] == 0x5D and stack[state[DEPTH] - 1, KIND] == PARENTHESES_ARGUMENT
        close_group(tokens, state, stack, start, end)
        if is_index:  # \sqrt[3]{x}
            state[EXPECT] = ARGUMENT


@inline
def close_group(tokens: Rows, state: State, stack: State, start: Int, end: Int) -> None:
    """Take a group off the stack; a numerator is followed by its slash."""
    state[DEPTH] -= 1
    top = stack[state[DEPTH]]
    kind = top[KIND]
    settle_group(tokens, state, top, kind == BRACED_ARGUMENT or kind == PARENTHESES_ARGUMENT, start, end)
    state[LAST], state[LAST_END] = CLOSED, end
    state[EXPECT] = NOTHING
    if kind == BRACED_NUMERATOR:
        emit_slash(tokens, state, end)


@inline
def settle_group(tokens: Rows, state: State, top: State, is_argument: bool, start: Int, end: Int) -> None:
    """Keep the brackets of a group if they matter: two tokens or more, and an operator unless it is an argument."""
    if state[LIVE] - top[LIVE_BEFORE] < 2 or top[KIND] == PLAIN:
        return
    if not is_argument and state[OPERATORS] == top[OPERATORS_BEFORE]:
        return
    if state[N] == state[CLOSED_N] and state[CLOSED_LIVE] == top[LIVE_BEFORE]:
        return  # it holds nothing but a pair that was kept
    tokens[top[PLACE], 0] = hash_code_point(0x28)
    state[LIVE] += 1
    emit(tokens, state, hash_code_point(0x29), start, end)
    state[CLOSED_N], state[CLOSED_LIVE] = state[N], top[LIVE_BEFORE]


@jit
def read_over(tokens: Rows, state: State, stack: State, start: Int, end: Int) -> None:
    r"""`{a+b \over c}`: what the group holds so far is the numerator, the rest the denominator."""
    inside = state[DEPTH] > 0 and stack[state[DEPTH] - 1, KIND] < PARENTHESES
    if inside:
        top = stack[state[DEPTH] - 1]
        kind = top[KIND]
        top[KIND] = BRACED_NUMERATOR
        settle_group(tokens, state, top, False, start, start)
        top[KIND] = BRACED_NUMERATOR if kind == BRACED_NUMERATOR else BRACED_ARGUMENT
    emit_symbol(tokens, state, 0x2F, start, end)
    if inside:
        top[PLACE] = write_placeholder(tokens, state, end, end)
        top[LIVE_BEFORE], top[OPERATORS_BEFORE] = state[LIVE], state[OPERATORS]
        state[EXPECT] = NOTHING


@jit
def read_command(data: Bytes, i: Int, stop: Int, tokens: Rows, state: State, stack: State, tables: Tables) -> Int:
    """Read what follows a backslash at byte i; return where to go on."""
    j = i + 1
    value = FNV_OFFSET
    while j < stop and is_letter(data[j]):
        value = (value ^ np.uint64(data[j])) * FNV_PRIME
        j += 1
    if j == i + 1:
        return read_escape(data, i, stop, tokens, state, tables)
    code = look_up(value, tables)
    if code < 0:
        emit_command_word(data, i, i + 1, j, tokens, state, tables)
    elif code > OVER:
        emit_command_symbol(tokens, state, code, i, j, tables)
    elif code == FRACTION:
        state[EXPECT] = NUMERATOR
    elif code == OVER:
        read_over(tokens, state, stack, i, j)
    elif code == DELIMITER:
        if j < stop and data[j] == 0x7C:
            emit_symbol(tokens, state, 0x7C, j, j + 1)
            return j + 1
    elif code == DROP_ARGUMENT:
        return skip_argument(data, j, stop)
    elif code == BEGIN or code == END:
        return read_environment(data, i, j, stop, code, tokens, state, tables)
    return j


@inline
def look_up(key: Int, tables: Tables) -> Int:
    """The code of a command, -1 if it has none."""
    keys, codes = tables[3], tables[4]
    mask = np.uint64(len(keys) - 1)
    slot = key & mask
    while keys[slot] != 0:
        if keys[slot] == key:
            return codes[slot]
        slot = (slot + np.uint64(1)) & mask
    return np.int64(-1)


@jit
def emit_command_word(
    data: Bytes, start: Int, first: Int, end: Int, tokens: Rows, state: State, tables: Tables
) -> None:
    r"""`\sin` is the word sin; its length is 1, since a minus may follow it closely."""
    value = FNV_OFFSET
    for j in range(first, end):
        value = (value ^ np.uint64(tables[1][data[j]])) * FNV_PRIME
    emit_operand(tokens, state, mix(value), start, end, LETTER, 1)


@jit
def emit_command_symbol(tokens: Rows, state: State, code: Int, start: Int, end: Int, tables: Tables) -> None:
    """Write the symbol or Greek letter that a command stands for."""
    kind = tables[0][code]
    if kind == LETTER or kind == GREEK:
        emit_operand(tokens, state, hash_code_point(tables[1][code]), start, end, GREEK, 1)
    else:
        emit_symbol(tokens, state, code, start, end)


@jit
def read_escape(data: Bytes, i: Int, stop: Int, tokens: Rows, state: State, tables: Tables) -> Int:
    r"""A backslash before a character that is no letter: `\,` and `\(` go, `\%` and Markdown's `\*` stay."""
    if i + 1 >= stop:
        return i + 1
    byte = data[i + 1]
    if byte == 0x25 or byte == 0x2A:
        emit_symbol(tokens, state, byte, i, i + 2)
    elif byte == 0x7C:
        emit_symbol(tokens, state, 0x2016, i, i + 2)
    elif byte == 0x5F or byte == 0x2D or byte == 0x2B or byte == 0x3C or byte == 0x3D or byte == 0x3E:
        state[LAST_END] += state[LAST_END] == i
        return i + 1
    elif byte == 0x7D and state[LAST_END] == i:
        state[LAST], state[LAST_END] = CLOSED, i + 2
    elif byte >= 0x80 or byte == 10:
        return i + 1
    return i + 2


@jit
def skip_argument(data: Bytes, i: Int, stop: Int) -> Int:
    """The end of a `{…}` at byte i, or i if there is none within MAX_ARGUMENT_BYTES."""
    if i < stop and data[i] == 0x7B:
        for j in range(i + 1, min(stop, i + MAX_ARGUMENT_BYTES)):
            if data[j] == 0x7D:
                return j + 1
            if data[j] == 0x7B:
                break
    return i


@jit
def read_environment(
    data: Bytes, start: Int, i: Int, stop: Int, code: Int, tokens: Rows, state: State, tables: Tables
) -> Int:
    r"""`\begin{name}`: environments that only place a formula go, others are words."""
    end = skip_argument(data, i, stop)
    last = end - 1
    while last > i + 1 and data[last - 1] == 0x2A:
        last -= 1
    value = (FNV_OFFSET ^ np.uint64(0x7B)) * FNV_PRIME
    for j in range(i + 1, last):
        if not is_letter(data[j]):
            return end
        value = (value ^ np.uint64(data[j])) * FNV_PRIME
    if last <= i + 1:
        return end
    found = look_up(value, tables)
    if found < 0:
        emit_command_word(data, start, i + 1, last, tokens, state, tables)
    elif found == SKIP_WITH_ARGUMENT and code == BEGIN:
        return skip_argument(data, end, stop)
    return end
