"""`latex_commands` as arrays for the parser: each command's arguments and places in one integer, found by hash."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mathmill.core.latex_commands import COMMANDS, ENVIRONMENTS, SPECIAL

# Where a command may stand.
MATH, TEXT, ARGUMENT, LIMITS, DELIMITER, INFIX = 1, 2, 4, 8, 16, 32
_PLACES = {"M": MATH, "T": TEXT, "A": ARGUMENT, "L": LIMITS, "D": DELIMITER, "I": INFIX}

# Arguments.
GROUP, PRIMITIVE, TEXT_GROUP, MATH_GROUP, COLOUR, SIZE, RAW, DELIMITER_TOKEN = 1, 2, 3, 4, 5, 6, 7, 8
OPTIONAL, OPTIONAL_SIZE, OPTIONAL_RAW, DEGREE = 9, 10, 11, 12
_ARGUMENTS = dict(zip("aptmcsrdASRQ", range(1, 13), strict=True))

# Commands that are more than their arguments.
BEGIN, END, LEFT, RIGHT, MIDDLE, NEW_ROW, RULE, LIMIT, DEFINITION, VERBATIM = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
OPEN_MATH, CLOSE_MATH, OPEN_GROUP, CLOSE_GROUP, TAG, STARRED, CODE_POINT, CR = 11, 12, 13, 14, 15, 16, 17, 18
_SPECIAL = (
    *("begin", "end", "left", "right", "middle", "new row", "rule", "limits", "definition", "verbatim", "open math"),
    *("close math", "open group", "close group", "tag", "starred", "code point", "cr"),
)  # in the order of the numbers

PLACES_SHIFT, ARGUMENTS_SHIFT = 8, 16
"""Of a command: what is special in 8 bits, its places in 8, then 4 for each argument."""

# Environments.
DISPLAY, COLUMNS, NUMBER, ONE_COLUMN, TWO_COLUMNS, DIAGRAM, OPTIONAL_COLUMN, NUMBERED = 1, 2, 4, 8, 16, 32, 64, 128
_ENVIRONMENTS = ("display", "columns", "number", "one", "two", "diagram", "option", "numbered")  # in their order

FNV_OFFSET, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_MASK = (1 << 64) - 1


class Tables(NamedTuple):
    """Open hash tables: names' hashes (0: empty) and what is known of them, for commands and for environments."""

    command_keys: npt.NDArray[np.uint64]
    commands: npt.NDArray[np.int64]
    environment_keys: npt.NDArray[np.uint64]
    environments: npt.NDArray[np.int64]


def fnv(name: bytes) -> int:
    """FNV-1a, as the parser computes it."""
    value = FNV_OFFSET
    for byte in name:
        value = ((value ^ byte) * FNV_PRIME) & _MASK
    return value


def build() -> Tables:
    """Make the tables."""
    commands: dict[str, int] = {}
    for key, names in COMMANDS.items():
        arguments, places = key.split(":")
        for name in names.split():
            commands[name] = _packed(0, places, arguments)
    commands[" "] = _packed(0, "MTA", "")
    for key, names in SPECIAL.items():
        special, arguments, places = key.split(":")
        for name in names.split():
            commands[name] = _packed(_SPECIAL.index(special) + 1, places, arguments)
    environments = {}
    for key, names in ENVIRONMENTS.items():
        properties = sum(1 << _ENVIRONMENTS.index(word) for word in key.split())
        environments.update(dict.fromkeys(names.split(), properties))
    return Tables(*_hashed(commands, 4096), *_hashed(environments, 128))


def _packed(special: int, places: str, arguments: str) -> int:
    value = special | sum(_PLACES[place] for place in places) << PLACES_SHIFT
    for number, argument in enumerate(arguments):
        value |= _ARGUMENTS[argument] << (ARGUMENTS_SHIFT + 4 * number)
    return value


def _hashed(values: dict[str, int], size: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    keys, found = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for name, value in values.items():
        key = fnv(name.encode())
        place = key & (size - 1)
        while keys[place]:
            place = (place + 1) & (size - 1)
        keys[place], found[place] = key, value
    return keys, found
