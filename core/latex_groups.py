r"""How `latex_parser` reads what opens and closes: `\begin`, `\left`, new rows, and commands with rules of their own.

(numba's cache watches the file of a function, not what it calls: after a change here, touch `latex_parser`.)
"""

# ruff: noqa: SIM109 (comparisons compile to better code than `in`)

import numpy as np

from mathmill.core.latex_readers import (
    look_up,
    read_braced_name,
    read_columns,
    read_delimiter,
    read_size,
    skip_blanks,
    skip_code_point,
    skip_diagram,
    skip_verbatim,
)
from mathmill.core.latex_state import (
    ATOM,
    BAD_COLUMNS,
    BAD_DELIMITER,
    BAD_SIZE,
    BRACE,
    COLUMN,
    DEPTH,
    DIVIDED,
    DOLLAR,
    ENV,
    ENVIRONMENT,
    IN_TEXT,
    KIND,
    LAST_COLUMN,
    LEFT_FENCE,
    LEFT_RIGHT,
    LEFTS,
    MISSING,
    NAME,
    NO_LIMIT,
    NOT_INLINE,
    PARENTHESIS,
    PROPERTIES,
    ROW_START,
    SEMISIMPLE,
    STOPPED,
    TAGGED,
    TWO_TAGS,
    UNKNOWN,
    UNKNOWN_ENVIRONMENT,
    give_up,
    open_frame,
)
from mathmill.core.latex_tables import (
    CLOSE_GROUP,
    CLOSE_MATH,
    CODE_POINT,
    COLUMNS,
    CR,
    DIAGRAM,
    DISPLAY,
    LEFT,
    MIDDLE,
    NEW_ROW,
    NUMBER,
    NUMBERED,
    ONE_COLUMN,
    OPEN_GROUP,
    OPEN_MATH,
    OPTIONAL_COLUMN,
    RIGHT,
    TAG,
    TWO_COLUMNS,
    VERBATIM,
    Tables,
)
from mathmill.core.mathlexer import Bytes, Int, State, jit


@jit
def read_new_row(data: Bytes, start: Int, i: Int, stop: Int, special: Int, top: State, state: State) -> Int:
    r"""`\\`, in a table or not, with a height that follows at once."""
    if top[KIND] == ENV and not top[PROPERTIES] & ONE_COLUMN:
        top[COLUMN], top[ATOM] = 1, ROW_START
        if top[PROPERTIES] & NUMBERED:
            state[TAGGED] = 0
    elif special == CR:
        return give_up(state, UNKNOWN, start)
    else:
        top[ATOM] &= DIVIDED
    if special == NEW_ROW and i < stop and data[i] == 0x5B:
        i = read_size(data, i, stop)
        return i if i >= 0 else give_up(state, BAD_SIZE, start)
    return i


@jit
def read_fence(
    data: Bytes, start: Int, i: Int, stop: Int, special: Int, top: State, stack: State, state: State, tables: Tables
) -> Int:
    r"""`\left`, `\middle`, `\right` and their delimiters."""
    if (special == RIGHT and top[KIND] != LEFT_FENCE) or (special == MIDDLE and not state[LEFTS]):
        return give_up(state, LEFT_RIGHT, start)
    end = read_delimiter(data, i, stop, tables)
    if end < 0:
        return give_up(state, BAD_DELIMITER, i)
    if special == LEFT:
        state[LEFTS] += 1
        return open_frame(stack, state, LEFT_FENCE, 0, start, end)
    if special == RIGHT:
        state[LEFTS] -= 1
        state[DEPTH] -= 1
    return end


@jit
def read_environment(
    data: Bytes,
    start: Int,
    i: Int,
    stop: Int,
    begins: bool,
    display: bool,
    top: State,
    stack: State,
    state: State,
    tables: Tables,
) -> Int:
    r"""`\begin{name}` with what follows the name, and `\end{name}`."""
    name, i, key = read_braced_name(data, i, stop)
    if name < 0:
        return give_up(state, MISSING, start)
    if not begins:
        if top[KIND] != ENV or np.uint64(top[NAME]) != key:
            return give_up(state, ENVIRONMENT, start)
        state[DEPTH] -= 1
        return i
    properties = look_up(key, tables[2], tables[3])
    if properties < 0:
        return give_up(state, UNKNOWN_ENVIRONMENT, name)
    if properties & DISPLAY and not display:
        return give_up(state, NOT_INLINE, start)
    if open_frame(stack, state, ENV, 0, start, i) < 0:
        return STOPPED
    frame = stack[state[DEPTH]]
    frame[NAME], frame[PROPERTIES], frame[COLUMN], frame[ATOM] = np.int64(key), properties, 1, ROW_START
    frame[LAST_COLUMN] = 1 if properties & ONE_COLUMN else 2 if properties & TWO_COLUMNS else NO_LIMIT
    if properties & DIAGRAM:
        i = skip_diagram(data, i, stop)
        return i if i >= 0 else give_up(state, ENVIRONMENT, start)
    if properties & (COLUMNS | NUMBER | OPTIONAL_COLUMN):
        end, number = read_columns(data, i, stop, properties)
        if number:
            frame[LAST_COLUMN] = 2 * number
        return end if end >= 0 else give_up(state, BAD_COLUMNS, i)
    return i


@jit
def read_special(
    data: Bytes, start: Int, i: Int, stop: Int, special: Int, display: bool, top: State, stack: State, state: State
) -> Int:
    """What else is more than its arguments."""
    if special == VERBATIM or special == CODE_POINT:
        i = skip_verbatim(data, i, stop) if special == VERBATIM else skip_code_point(data, i, stop)
        return i if i >= 0 else give_up(state, MISSING, start)
    if special == OPEN_MATH:
        return open_frame(stack, state, PARENTHESIS, 0, start, i)
    if special == OPEN_GROUP:
        return open_frame(stack, state, SEMISIMPLE, top[IN_TEXT], start, i)
    if special == CLOSE_MATH or special == CLOSE_GROUP:
        is_math = special == CLOSE_MATH
        if top[KIND] != (PARENTHESIS if is_math else SEMISIMPLE):
            return give_up(state, DOLLAR if is_math else BRACE, start)
        state[DEPTH] -= 1
        return i
    if special == TAG:
        if not display or state[TAGGED]:
            return give_up(state, TWO_TAGS if display else NOT_INLINE, start)
        state[TAGGED] = 1
    star = skip_blanks(data, i, stop)
    return star + 1 if star < stop and data[star] == 0x2A else i
