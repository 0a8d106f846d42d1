"""The stack and the state of `latex_parser`, why reading ends, and the few steps that all of its readers share.

(numba's cache watches the file of a function, not what it calls: after a change here, touch `latex_parser`.)
"""

# ruff: noqa: SIM109 (comparisons compile to better code than `in`)

from mathmill.core.latex_readers import LOWERED, RAISED
from mathmill.core.latex_tables import MATH_GROUP, TEXT_GROUP
from mathmill.core.mathlexer import Int, State, inline

# Why a formula cannot be read.
UNKNOWN, BRACE, LEFT_RIGHT, ENVIRONMENT, UNKNOWN_ENVIRONMENT, AMPERSAND, SUPERSCRIPT, SUBSCRIPT = 1, 2, 3, 4, 5, 6, 7, 8
MISSING, BAD_DELIMITER, WRONG_MODE, CHARACTER, BAD_SIZE, BAD_COLOUR, BAD_COLUMNS, NOT_INLINE = (
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
)
LIMITS_PLACE, TWO_INFIX, RULE_PLACE, BARE_ARGUMENT, DOLLAR, TWO_TAGS, TOO_DEEP = 17, 18, 19, 20, 21, 22, 23
ENDLESS = 24

MAX_DEPTH = 200
# Columns of the stack: what opened a group, whether it is text, the arguments that its command still waits for (four
# bits each), its last atom; of an environment the hash of its name, its column, the last it may have, its properties.
KIND, IN_TEXT, WAITS, ATOM, NAME, COLUMN, LAST_COLUMN, PROPERTIES = 0, 1, 2, 3, 4, 5, 6, 7
TOP, BRACES, BRACKETS, LEFT_FENCE, ENV, DOLLARS, PARENTHESIS, SEMISIMPLE = 0, 1, 2, 3, 4, 5, 6, 7
SUP, SUB, OPERATOR, DIVIDED, ROW_START = RAISED, LOWERED, 4, 8, 16  # of an atom; DIVIDED stays with the group
# Slots of the state: depth of the stack, open `\left`, whether there is a tag, why reading ended and where.
DEPTH, LEFTS, TAGGED, REASON, PLACE = 0, 1, 2, 3, 4
STOPPED = -1  # instead of the place where reading goes on
NO_LIMIT = 1 << 30


@inline
def give_up(state: State, reason: Int, place: Int) -> int:
    """End reading."""
    state[REASON], state[PLACE] = reason, place
    return STOPPED


@inline
def take(top: State, waits: Int, atom: Int) -> None:
    """A character or group is the argument that is waited for, or a new atom."""
    if waits:
        top[WAITS] >>= 4
    else:
        top[ATOM] = (top[ATOM] & DIVIDED) | atom


@inline
def open_frame(stack: State, state: State, kind: Int, in_text: Int, i: Int, following: Int) -> Int:
    """Begin a group at byte i; give back where it goes on."""
    depth = state[DEPTH] + 1
    if depth == MAX_DEPTH:
        return give_up(state, TOO_DEEP, i)
    state[DEPTH] = depth
    stack[depth] = 0
    stack[depth, KIND], stack[depth, IN_TEXT] = kind, in_text
    return following


@inline
def is_text(top: State, waits: Int) -> bool:
    """Whether the next token is read as text."""
    return waits == TEXT_GROUP or (top[IN_TEXT] != 0 and waits != MATH_GROUP)


@inline
def ending(kind: Int) -> Int:
    """What is wrong where a group is not closed."""
    if kind == TOP:
        return 0
    if kind == LEFT_FENCE:
        return LEFT_RIGHT
    if kind == ENV:
        return ENVIRONMENT
    return DOLLAR if kind == DOLLARS or kind == PARENTHESIS else BRACE


@inline
def prepend(waits: Int, arguments: Int) -> Int:
    """Put a command's arguments before those that an outer one waits for."""
    shift, rest = 0, arguments
    while rest:
        rest >>= 4
        shift += 4
    return (waits << shift) | arguments
