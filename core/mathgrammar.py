"""The loop of `mathtokens`' numba kernel, and the ASCII marks that mean something by their place.

Whether `-`, `*`, `_`, `|`, `'`, `!` or `:` belongs to a formula is told from the bytes beside it and from the last
token alone. (numba's cache watches the file of a function, not what it calls: after a change in the other files of
the kernel, touch this one.)
"""

# ruff: noqa: SIM109 (comparisons compile to better code than `in`)

import numpy as np

from mathmill.core.mathcharacters import (
    CJK,
    DIGIT,
    EXPANSION,
    GREEK,
    JOINER,
    LETTER,
    LIGATURE,
    MARK,
    N_CODE_POINTS,
    SPACE,
    SUBSCRIPT,
    SUPERSCRIPT,
    SYMBOL,
    Tables,
)
from mathmill.core.mathgroups import (
    MAX_DEPTH,
    PARENTHESES,
    PARENTHESES_ARGUMENT,
    close_brace,
    close_parenthesis,
    open_brace,
    open_group,
    read_command,
)
from mathmill.core.mathlexer import (
    BRACES,
    CLOSED,
    CLOSED_N,
    DEPTH,
    EXPECT,
    LAST,
    LAST_END,
    LAST_LENGTH,
    LINE_START,
    NEWLINES,
    NOTHING,
    OVERFLOW,
    ROOM,
    STATE_SIZE,
    TABLE_ROW,
    Bytes,
    Int,
    N,
    Rows,
    State,
    allocating,
    class_at,
    class_beyond,
    decode,
    emit_expansion,
    emit_operand,
    emit_symbol,
    grow,
    hash_code_point,
    inline,
    jit,
    read_decimals,
    read_number,
    read_script,
    read_word,
)


@allocating
def hash_texts(data: Bytes, offsets: State, tables: Tables) -> tuple[Rows, State]:
    """uint8 (n_bytes,), int64 (n_texts + 1,) → uint64 (n_tokens,), int64 (n_texts + 1,)."""
    n_texts = len(offsets) - 1
    token_offsets = np.zeros(n_texts + 1, np.int64)
    # memory that is never written is never taken, so this may be generous
    hashes = np.empty(max(16, (offsets[-1] - offsets[0]) // 3), np.uint64)
    tokens = np.empty((1024, 3), np.uint64)
    n = 0
    for text in range(n_texts):
        tokens, count = lex(data, offsets[text], offsets[text + 1], tokens, tables)
        if n + count > len(hashes):
            grown = np.empty((n + count) * 3 // 2, np.uint64)
            grown[:n] = hashes[:n]
            hashes = grown
        hashes[n : n + count] = tokens[:count, 0]
        n += count
        token_offsets[text + 1] = n
    return hashes[:n], token_offsets


@allocating
def lex(data: Bytes, i: Int, stop: Int, tokens: Rows, tables: Tables) -> tuple[Rows, int]:
    """Lex `data[i:stop]` into `tokens`, which may be replaced by a longer array; return it and the number of tokens."""
    state = np.zeros(STATE_SIZE, np.int64)
    state[LINE_START] = 1
    state[LAST_END] = state[CLOSED_N] = -1
    stack = np.empty((MAX_DEPTH, 4), np.int64)
    begin = i
    i = lex_on(data, begin, i, stop, tokens, state, stack, tables)
    while i < stop:
        tokens = grow(tokens)
        i = lex_on(data, begin, i, stop, tokens, state, stack, tables)
    return tokens, compact(tokens, state[N])


@jit
def lex_on(data: Bytes, begin: Int, i: Int, stop: Int, tokens: Rows, state: State, stack: State, tables: Tables) -> int:
    """Lex until the end or until `tokens` is almost full; return where to go on."""
    classes, folded = tables[0], tables[1]
    newlines = state[NEWLINES]
    while i < stop and state[N] + ROOM <= len(tokens):
        byte = data[i]
        if byte == 10:
            newlines += 1
            state[LINE_START], state[TABLE_ROW] = 1, 0
            if newlines == 2:
                state[DEPTH] = state[BRACES] = state[OVERFLOW] = state[EXPECT] = 0
            i += 1
            continue
        code_point, width = decode(data, i, stop)
        kind = classes[code_point] if code_point < N_CODE_POINTS else class_beyond(code_point)
        if kind == SPACE:
            if byte != 32 and byte != 9 and byte != 13:
                state[LINE_START] = newlines = 0
            i += width
            continue
        newlines = 0
        if kind == LETTER or kind == LIGATURE:
            value, end, length = read_word(data, i, stop, tables, state[EXPECT])
            emit_operand(tokens, state, value, i, end, LETTER, length)
            i = end
        elif kind == MARK:
            i = read_mark(data, begin, i, stop, code_point & 0x7F if code_point < 128 else folded[code_point], width,
                           tokens, state, stack, tables)  # fmt: skip
        elif kind == DIGIT:
            value, end = read_number(data, i, stop, tables, state[EXPECT])
            emit_operand(tokens, state, value, i, end, DIGIT, 1)
            i = end
        elif kind == CJK or kind == GREEK:
            point = folded[code_point] if code_point < N_CODE_POINTS else np.uint32(code_point)
            emit_operand(tokens, state, hash_code_point(point), i, i + width, kind, 1)
            i += width
        elif kind == SYMBOL:
            emit_symbol(tokens, state, folded[code_point], i, i + width)
            i += width
        elif kind == SUPERSCRIPT or kind == SUBSCRIPT:
            end = read_script(data, i, stop, kind, tokens, state, tables)
            if end == i:
                break
            i = end
        elif kind == EXPANSION:
            emit_expansion(tokens, state, tables[2][folded[code_point]], i, i + width, tables)
            i += width
        else:
            i += width
        if kind != JOINER:
            state[LINE_START] = 0
    state[NEWLINES] = newlines
    return i


@jit
def compact(tokens: Rows, n: Int) -> int:
    r"""Remove placeholders, and the caret of `^\circ` and `^\prime`, which are signs of their own; return the count."""
    caret, degree, prime = hash_code_point(0x5E), hash_code_point(0x2218), hash_code_point(0x2032)
    kept = 0
    for index in range(n):
        value = tokens[index, 0]
        if value == 0:
            continue
        if kept and tokens[kept - 1, 0] == caret and (value == degree or value == prime):
            kept -= 1
        tokens[kept, 0], tokens[kept, 1], tokens[kept, 2] = value, tokens[index, 1], tokens[index, 2]
        kept += 1
    return kept


@inline
def read_mark(
    data: Bytes,
    begin: Int,
    i: Int,
    stop: Int,
    mark: Int,
    width: Int,
    tokens: Rows,
    state: State,
    stack: State,
    tables: Tables,
) -> Int:
    """Handle an ASCII mark, or its full-width twin, at byte i; return where to go on."""
    end = i + width
    if mark == 0x5C:  # backslash
        return read_command(data, i, stop, tokens, state, stack, tables)
    if mark == 0x7B:  # {
        open_brace(tokens, state, stack, i, end)
    elif mark == 0x7D:  # }
        close_brace(tokens, state, stack, i, end)
    elif mark == 0x28 or mark == 0x5B:  # ( [
        kind = PARENTHESES if state[EXPECT] == NOTHING else PARENTHESES_ARGUMENT
        open_group(tokens, state, stack, kind, i, end)
    elif mark == 0x29 or mark == 0x5D:  # ) ]
        close_parenthesis(data, tokens, state, stack, i, end)
    elif mark == 0x5E:  # ^
        emit_symbol(tokens, state, mark, i, end)
    elif mark == 0x2D:  # -
        return read_hyphens(data, i, stop, tokens, state, tables)
    elif mark == 0x3A:  # :
        return read_colon(data, i, end, stop, tokens, state, tables)
    elif mark == 0x2E:  # .
        return read_point(data, i, stop, tokens, state, tables)
    elif mark == 0x2A or mark == 0x5F or mark == 0x2F or mark == 0x3D:  # * _ / =
        return read_run(data, begin, i, stop, mark, tokens, state, tables)
    elif mark == 0x3C or mark == 0x3E or mark == 0x2B:  # < > +
        return read_relation(data, i, stop, mark, tokens, state, stack)
    elif mark == 0x7C:  # |
        read_bar(data, begin, i, stop, tokens, state)
    elif mark == 0x21:  # !
        return read_exclamation(data, i, stop, tokens, state, tables)
    elif mark == 0x27:  # '
        read_apostrophe(data, i, stop, tokens, state, tables)
    return end


@inline
def touches_operand(state: State, i: Int) -> bool:
    """Whether an operand of a formula ends right before byte i."""
    last = state[LAST]
    return state[LAST_END] == i and (last == LETTER or last == DIGIT or last == GREEK or last == CLOSED)


@inline
def starts_operand(data: Bytes, i: Int, stop: Int, tables: Tables) -> bool:
    """Whether an operand of a formula begins at byte i."""
    kind, mark = class_at(data, i, stop, tables)
    if kind == LETTER or kind == DIGIT or kind == GREEK:
        return True
    return kind == MARK and (mark == 0x28 or mark == 0x5B or mark == 0x7B or mark == 0x5C)


@inline
def byte_at(data: Bytes, i: Int, stop: Int) -> Int:
    """The byte at i, or a line feed past the end."""
    return np.int64(data[i]) if i < stop else np.int64(10)


@inline
def is_blank(byte: Int) -> bool:
    """Whether a byte is a space, a tab or the end of a line."""
    return byte == 32 or byte == 9 or byte == 10 or byte == 13


@inline
def read_hyphens(data: Bytes, i: Int, stop: Int, tokens: Rows, state: State, tables: Tables) -> Int:
    """One or two are a minus, a hyphen, an arrow or a bullet; three or more a dash or a rule."""
    end, count = i, 0
    while count < 3:
        kind, mark = class_at(data, end, stop, tables)
        if kind != MARK or mark != 0x2D:
            break
        end += decode(data, end, stop)[1]
        count += 1
    while end < stop and data[end] == 0x2D:
        end += 1
    following = byte_at(data, end, stop)
    if count >= 3 or (count == 1 and state[LINE_START] and is_blank(following)):
        return end
    if following == 0x3E:
        emit_symbol(tokens, state, 0x2192, i, end + 1)
        return end + 1
    if count == 1 and is_hyphen(data, i, end, stop, state, tables):
        return end
    emit_symbol(tokens, state, 0x2D, i, end)
    return end


@inline
def is_hyphen(data: Bytes, i: Int, end: Int, stop: Int, state: State, tables: Tables) -> bool:
    """Between letters, or a number and letters, with three letters or more on one side."""
    if state[LAST_END] != i or class_at(data, end, stop, tables)[0] != LETTER:
        return False
    if state[LAST] == LETTER and state[LAST_LENGTH] >= 3:
        return True
    if state[LAST] != LETTER and state[LAST] != DIGIT:
        return False
    letters = 0
    while letters < 3 and class_at(data, end, stop, tables)[0] == LETTER:
        end += decode(data, end, stop)[1]
        letters += 1
    return letters == 3


@inline
def read_colon(data: Bytes, i: Int, end: Int, stop: Int, tokens: Rows, state: State, tables: Tables) -> Int:
    """`:=`, and the ratio or time `3:4`."""
    if byte_at(data, end, stop) == 0x3D:
        emit_symbol(tokens, state, 0x2254, i, end + 1)
        return end + 1
    if state[LAST] == DIGIT and state[LAST_END] == i and class_at(data, end, stop, tables)[0] == DIGIT:
        emit_symbol(tokens, state, 0x3A, i, end)
    return end


@inline
def read_point(data: Bytes, i: Int, stop: Int, tokens: Rows, state: State, tables: Tables) -> Int:
    """`.5` is 0.5 unless something ends right before the point."""
    if state[LAST_END] != i and class_at(data, i + 1, stop, tables)[0] == DIGIT and byte_at(data, i - 1, stop) != 0x2E:
        value, end = read_decimals(data, i + 1, stop, tables)
        emit_operand(tokens, state, value, i, end, DIGIT, 1)
        return end
    return i + 1


@inline
def read_run(data: Bytes, begin: Int, i: Int, stop: Int, mark: Int, tokens: Rows, state: State, tables: Tables) -> Int:
    """Runs of `* _ / =`: one is an operator where it stands like one, more are mostly Markdown."""
    end = i + 1
    while end < stop and data[end] == mark:
        end += 1
    count = end - i
    tight = touches_operand(state, i) and starts_operand(data, end, stop, tables)
    if mark == 0x3D:
        if count <= 2 and byte_at(data, end, stop) == 0x3E:
            emit_symbol(tokens, state, 0x21D2, i, end + 1)
            return end + 1
        if count <= 2:
            emit_symbol(tokens, state, 0x3D, i, end)
    elif mark == 0x2F:
        if count == 1:
            emit_symbol(tokens, state, 0x2F, i, end)
    elif mark == 0x2A:
        spaced = i > begin and is_blank(data[i - 1]) and is_blank(byte_at(data, end, stop)) and not state[LINE_START]
        if count == 1 and (tight or spaced):
            emit_symbol(tokens, state, 0x2A, i, end)
        elif count == 2 and tight:
            emit_symbol(tokens, state, 0x5E, i, end)
    elif count == 1 and (tight or is_spaced_script(data, begin, i, end, stop)):
        emit_symbol(tokens, state, 0x5F, i, end)
    return end


@inline
def is_spaced_script(data: Bytes, begin: Int, i: Int, end: Int, stop: Int) -> bool:
    """Whether `_` stands before a brace, or between spaces, as in re-spaced LaTeX: `a _ 1`, `a _{n}`."""
    following = byte_at(data, end, stop)
    return following == 0x7B or (i > begin and is_blank(data[i - 1]) and is_blank(following) and following != 10)


@inline
def read_relation(data: Bytes, i: Int, stop: Int, mark: Int, tokens: Rows, state: State, stack: State) -> Int:
    """`<`, `>`, `+`, `<=`, `>=`, and the tags <sup> and <sub>; quotes and bullets at the start of a line go."""
    following = byte_at(data, i + 1, stop)
    if state[LINE_START] and mark != 0x3C and is_blank(following):
        return i + 1
    if mark == 0x2B:
        emit_symbol(tokens, state, mark, i, i + 1)
        return i + 1
    if following == 0x3D:
        emit_symbol(tokens, state, 0x2264 if mark == 0x3C else 0x2265, i, i + 2)
        return i + 2
    closing = following == 0x2F
    j = i + 1 + closing
    if mark == 0x3C and j + 4 <= stop and data[j] == 0x73 and data[j + 1] == 0x75 and data[j + 3] == 0x3E:
        if closing:
            close_brace(tokens, state, stack, i, j + 4)
            return j + 4
        if data[j + 2] == 0x70 or data[j + 2] == 0x62:
            emit_symbol(tokens, state, 0x5E if data[j + 2] == 0x70 else 0x5F, i, i)
            open_brace(tokens, state, stack, i, j + 4)
            return j + 4
    emit_symbol(tokens, state, mark, i, i + 1)
    return i + 1


@inline
def read_bar(data: Bytes, begin: Int, i: Int, stop: Int, tokens: Rows, state: State) -> None:
    """A bar that touches something, unless the line is a Markdown table's row."""
    before = np.int64(data[i - 1]) if i > begin else np.int64(10)
    after = byte_at(data, i + 1, stop)
    if state[LINE_START] and (is_blank(after) or after == 0x7C or after == 0x2D or after == 0x3A):
        state[TABLE_ROW] = 1
    loose = (is_blank(before) or before == 0x7C) and (is_blank(after) or after == 0x7C or after == 0x2D)
    if not state[TABLE_ROW] and not loose:
        emit_symbol(tokens, state, 0x7C, i, i + 1)
        state[LAST] = CLOSED


@inline
def read_exclamation(data: Bytes, i: Int, stop: Int, tokens: Rows, state: State, tables: Tables) -> Int:
    """`!=`, and the factorial of a number, a single letter or a bracket."""
    if byte_at(data, i + 1, stop) == 0x3D:
        emit_symbol(tokens, state, 0x2260, i, i + 2)
        return i + 2
    if touches_operand(state, i) and (state[LAST] != LETTER or state[LAST_LENGTH] == 1):
        emit_symbol(tokens, state, 0x21, i, i + 1)
        state[LAST] = CLOSED
    return i + 1


@inline
def read_apostrophe(data: Bytes, i: Int, stop: Int, tokens: Rows, state: State, tables: Tables) -> None:
    """A prime after a single letter or a bracket, if no letter follows."""
    is_prime = touches_operand(state, i) and state[LAST] != DIGIT and state[LAST_LENGTH] == 1
    if is_prime and class_at(data, i + 1, stop, tables)[0] != LETTER:
        emit_symbol(tokens, state, 0x2032, i, i + 1)
        state[LAST] = CLOSED
