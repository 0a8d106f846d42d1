"""What `latex_parser` reads in one piece: names, sizes, colours, delimiters, columns, and what it skips.

Each reader takes the place where it begins and returns where it ends, or -1 where that is not what should stand there.
(numba's cache watches the file of a function, not what it calls: after a change here, touch `latex_parser`.)
"""

import numpy as np

from mathmill.core.latex_tables import (
    COLUMNS,
    DELIMITER,
    FNV_OFFSET,
    FNV_PRIME,
    NUMBER,
    OPTIONAL_COLUMN,
    PLACES_SHIFT,
    Tables,
)
from mathmill.core.mathlexer import Bytes, Int, Rows, State, inline, jit

RAISED, LOWERED = 1, 2


@inline
def skip_blanks(data: Bytes, i: Int, stop: Int) -> Int:
    """Skip blanks and comments."""
    while i < stop:
        byte = data[i]
        if byte == 0x25:
            while i < stop and data[i] != 10:
                i += 1
        elif byte != 32 and byte != 10 and byte != 13 and byte != 9:
            break
        i += 1
    return min(i, stop)


@inline
def is_letter(byte: Int) -> bool:
    """Whether a byte is a letter of a command's name."""
    return 0x61 <= byte | 0x20 <= 0x7A or byte == 0x40


@inline
def read_name(data: Bytes, i: Int, stop: Int) -> tuple[Int, Int]:
    """End of a command's name that begins at i, and its hash."""
    key = np.uint64(FNV_OFFSET)
    begin = i
    while i < stop and is_letter(data[i]):
        key = (key ^ np.uint64(data[i])) * np.uint64(FNV_PRIME)
        i += 1
    if i == begin and i < stop:
        byte = data[i]
        is_blank = byte == 10 or byte == 13 or byte == 9
        key = (key ^ np.uint64(32 if is_blank else byte)) * np.uint64(FNV_PRIME)
        i += 1
    return i, key


@inline
def look_up(key: Int, keys: Rows, values: State) -> Int:
    """What a table holds for a hash, or -1."""
    mask = np.uint64(len(keys) - 1)
    place = key & mask
    while keys[place]:
        if keys[place] == key:
            return values[place]
        place = (place + np.uint64(1)) & mask
    return np.int64(-1)


@inline
def code_point_at(data: Bytes, i: Int, stop: Int) -> tuple[Int, Int]:
    """Width and code point of the character at i, which is none of ASCII."""
    first = np.int64(data[i])
    width = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if i + width > stop:
        return stop - i, np.int64(0xFFFD)
    point = first & (0x7F >> width)
    for j in range(i + 1, i + width):
        point = (point << 6) | np.int64(data[j] & 0x3F)
    return width, point


@inline
def script_of(point: Int) -> Int:
    """Which script a raised or lowered character is."""
    if point == 0xB2 or point == 0xB3 or point == 0xB9 or 0x2070 <= point <= 0x207F:
        return RAISED
    if 0x2080 <= point <= 0x209C:
        return LOWERED
    return 0


@jit
def skip_group(data: Bytes, i: Int, stop: Int) -> Int:
    """Skip `{…}`, or one character."""
    if data[i] != 0x7B:
        return i + 1
    depth = 0
    while i < stop:
        byte = data[i]
        if byte == 0x5C:
            i += 1
        elif byte == 0x7B:
            depth += 1
        elif byte == 0x7D:
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1
    return -1


@jit
def skip_brackets(data: Bytes, i: Int, stop: Int) -> Int:
    """Skip `[…]`."""
    depth = 0
    i += 1
    while i < stop:
        byte = data[i]
        if byte == 0x5C:
            i += 1
        elif byte == 0x7B:
            depth += 1
        elif byte == 0x7D:
            depth -= 1
        elif byte == 0x5D and depth == 0:
            return i + 1
        i += 1
    return -1


@inline
def is_digit(byte: Int) -> bool:
    """Whether a byte is a digit."""
    return 0x30 <= byte <= 0x39


@jit
def read_size(data: Bytes, i: Int, stop: Int) -> Int:
    """`{2.5em}`, `[2pt]`, or `-2mu` without braces; empty braces are no length."""
    opened = data[i] == 0x7B or data[i] == 0x5B
    end = stop
    if opened:
        end = skip_group(data, i, stop) if data[i] == 0x7B else skip_brackets(data, i, stop)
        if end < 0:
            return -1
        i += 1
        j = skip_blanks(data, i, end)
        if j == end - 1:
            return end
        while i < end and not (is_digit(data[i]) or (data[i] == 0x2E and is_digit(data[i + 1]))):
            i += 1
    elif data[i] == 0x2D or data[i] == 0x2B:
        i = skip_blanks(data, i + 1, stop)
    digits = 0
    while i < end and (is_digit(data[i]) or data[i] == 0x2E):
        digits += is_digit(data[i])
        i += 1
    i = skip_blanks(data, i, end)
    if not digits or i + 2 > end:
        return -1
    if not is_unit(data[i], data[i + 1]):
        return -1
    return end if opened else i + 2


@inline
def is_unit(a: Int, b: Int) -> bool:
    """Whether two letters are a unit of length."""
    if b == 0x6D:  # mm cm em
        return a == 0x6D or a == 0x63 or a == 0x65
    if b == 0x78:  # ex px
        return a == 0x65 or a == 0x70
    if b == 0x70 or b == 0x63 or b == 0x64:  # bp sp, pc cc nc, dd nd
        return (
            (b == 0x70 and (a == 0x62 or a == 0x73))
            or (b == 0x63 and (a == 0x70 or a == 0x63 or a == 0x6E))
            or (b == 0x64 and (a == 0x64 or a == 0x6E))
        )
    return (a == 0x70 and b == 0x74) or (a == 0x69 and b == 0x6E) or (a == 0x6D and b == 0x75)  # pt in mu


@jit
def read_colour(data: Bytes, i: Int, stop: Int) -> Int:
    """`{red}`, `{#c0ffee}`, `{c0ffee}`, or one letter without braces."""
    if data[i] != 0x7B:
        return i + 1 if is_letter(data[i]) else -1
    i = skip_blanks(data, i + 1, stop)
    sharp = i < stop and data[i] == 0x23
    i += 1 if sharp else 0
    begin, letters, hexadecimal = i, 0, 0
    while i < stop and (is_letter(data[i]) or is_digit(data[i])):
        letters += 1 if is_letter(data[i]) else 0
        hexadecimal += 1 if is_digit(data[i]) or 0x61 <= data[i] | 0x20 <= 0x66 else 0
        i += 1
    n = i - begin
    if i >= stop or data[i] != 0x7D or n == 0:
        return -1
    if sharp:
        return i + 1 if hexadecimal == n and (n == 3 or n == 4 or n == 6 or n == 8) else -1
    return i + 1 if letters == n or (hexadecimal == n and n == 6) else -1


@jit
def read_delimiter(data: Bytes, i: Int, stop: Int, tables: Tables) -> Int:
    r"""What may follow `\left` and `\big`, in braces or without."""
    i = skip_blanks(data, i, stop)
    if i < stop and data[i] == 0x7B:
        i = read_bare_delimiter(data, i + 1, stop, tables)
        i = skip_blanks(data, i, stop) if i >= 0 else stop
        return i + 1 if i < stop and data[i] == 0x7D else -1
    return read_bare_delimiter(data, i, stop, tables)


@jit
def read_bare_delimiter(data: Bytes, i: Int, stop: Int, tables: Tables) -> Int:
    """A delimiter without braces."""
    i = skip_blanks(data, i, stop)
    if i >= stop:
        return -1
    byte = data[i]
    if byte == 0x5C:
        i, key = read_name(data, i + 1, stop)
        value = look_up(key, tables[0], tables[1])
        return i if value >= 0 and (value >> PLACES_SHIFT) & DELIMITER else -1
    if byte >= 0x80:
        width, point = code_point_at(data, i, stop)
        known = 0x2308 <= point <= 0x230B or 0x27E8 <= point <= 0x27E9 or 0x27EE <= point <= 0x27EF
        return i + width if known or 0x23B0 <= point <= 0x23B1 else -1
    if byte == 0x28 or byte == 0x29 or byte == 0x5B or byte == 0x5D or byte == 0x7C:  # ( ) [ ] |
        return i + 1
    return i + 1 if byte == 0x2E or byte == 0x2F or byte == 0x3C or byte == 0x3E else -1  # . / < >


@jit
def read_braced_name(data: Bytes, i: Int, stop: Int) -> tuple[Int, Int, Int]:
    """`{name}`: where the name begins (-1: there is none), where the group ends, the hash of the name."""
    key = np.uint64(FNV_OFFSET)
    i = skip_blanks(data, i, stop)
    if i >= stop or data[i] != 0x7B:
        return -1, i, key
    i = skip_blanks(data, i + 1, stop)
    begin = i
    while i < stop and data[i] != 0x7D and data[i] != 32:
        key = (key ^ np.uint64(data[i])) * np.uint64(FNV_PRIME)
        i += 1
    i = skip_blanks(data, i, stop)
    return begin if i < stop and data[i] == 0x7D else -1, i + 1, key


@jit
def read_columns(data: Bytes, i: Int, stop: Int, properties: Int) -> tuple[Int, Int]:
    """What follows the name of an environment: `{lcr|}`, `{2}` or `[r]`; also the number."""
    i = skip_blanks(data, i, stop)
    if properties & OPTIONAL_COLUMN and (i >= stop or data[i] != 0x5B):
        return i, 0
    if i >= stop:
        return -1, 0
    if properties & COLUMNS and data[i] != 0x7B:  # one column without braces
        return (i + 1 if is_column(data[i]) else -1), 0
    closing = 0x5D if properties & OPTIONAL_COLUMN else 0x7D
    i += 1
    number = 0
    while i < stop and data[i] != closing:
        byte = data[i]
        if properties & NUMBER:
            if not is_digit(byte):
                return -1, 0
            number = min(10 * number + int(byte) - 0x30, 1 << 20)
        elif not is_column(byte) and byte != 32:
            return -1, 0
        i += 1
    if i >= stop or (properties & NUMBER and number == 0):
        return -1, 0
    return i + 1, number


@inline
def is_column(byte: Int) -> bool:
    """Whether a byte is one of l, c, r, | and :."""
    return byte == 0x6C or byte == 0x63 or byte == 0x72 or byte == 0x7C or byte == 0x3A


@jit
def skip_diagram(data: Bytes, i: Int, stop: Int) -> Int:
    r"""Skip what stands before the next `\end`, whose arrows are read by rules of their own."""
    while i + 4 <= stop:
        if data[i] == 0x5C and data[i + 1] == 0x65 and data[i + 2] == 0x6E and data[i + 3] == 0x64:
            return i
        i += 1
    return -1


@jit
def skip_verbatim(data: Bytes, i: Int, stop: Int) -> Int:
    """Skip `|…|` with any character as the bar."""
    if i < stop and data[i] == 0x2A:
        i += 1
    if i >= stop:
        return -1
    bar = data[i]
    i += 1
    while i < stop and data[i] != bar and data[i] != 10:
        i += 1
    return i + 1 if i < stop and data[i] == bar else -1


@jit
def skip_code_point(data: Bytes, i: Int, stop: Int) -> Int:
    r"""Skip what follows `\char`: a number in decimal, `"` hexadecimal or `'` octal, or a backtick and a character."""
    if i < stop and data[i] == 0x60:
        i += 1 + (i + 1 < stop and data[i + 1] == 0x5C)
        if i >= stop:
            return -1
        return min(i + (code_point_at(data, i, stop)[0] if data[i] >= 0x80 else 1), stop)
    is_hexadecimal = i < stop and data[i] == 0x22
    last = 0x37 if i < stop and data[i] == 0x27 else 0x39
    if is_hexadecimal or last == 0x37:
        i += 1
    begin = i
    while i < stop and (0x30 <= data[i] <= last or (is_hexadecimal and 0x41 <= data[i] & ~0x20 <= 0x46)):
        i += 1
    return i if i > begin else -1


@jit
def defines_itself(data: Bytes, i: Int, stop: Int) -> bool:
    r"""Whether what follows `\newcommand` gives a command a body that holds it, so that it would never end."""
    i = skip_blanks(data, i, stop)
    if i < stop and data[i] == 0x7B:
        i = skip_blanks(data, i + 1, stop)
    if i >= stop or data[i] != 0x5C:
        return False
    i, key = read_name(data, i + 1, stop)
    while i < stop and data[i] != 0x7B:  # the number of arguments may stand between
        i += 1
    end = skip_group(data, i, stop) if i < stop else -1
    while i < end:
        if data[i] == 0x5C:
            i, inner = read_name(data, i + 1, end)
            if inner == key:
                return True
        else:
            i += 1
    return False
