"""What a page's source may hold, found in one compiled pass over its bytes.

Each repair and each reader of configuration has a trigger that most pages lack: an emphasis, a script, a definition.
Ten searches for them took 0.25 ms for a page of 95 kB and measuring how deep it nests 0.15 ms; this pass takes 0.1 ms.
A mark that is set says that the thing may be there, one that is not that it is not.
"""

import numpy as np
from numba import njit

(
    BACKSLASH, DOLLAR, BBCODE, ESCAPED_TAG, IGNORING, SCRIPT, LINKED_DATA, EMPHASIS, MACROS, COMMAND, BROKEN, DRAWN,
    DEEP, LONG_TAG, RENDERED,
) = (1 << i for i in range(15))  # fmt: skip
ANY = (1 << 15) - 1

MAX_DEPTH = 512
"""Elements nested deeper lose their tags and keep their text (Blink's limit)."""
MAX_FORMATTING = 8
"""Open formatting elements: each is made anew in every paragraph that follows, so that 300 of them fill the memory."""
MAX_TAG = 4000  # bytes of a tag: in more, there may be more attributes than a parser should compare with each other
LONGEST_DISPLAY = 20_000
"""Bytes of a display formula in which tags are looked for."""
_BRACKET, _DOLLARS, _ENVIRONMENT = 1, 2, 3  # what opens a display formula; higher numbers: environments in environments
_FEWEST_TAGS = 2000  # a page with fewer cannot take long

_STEPS = np.zeros(256, np.uint8)
_STEPS[list(rb"\$[&_<+{=/kK")] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11)
_PADDING = b"\0" * 8


def _beginnings(tags: str) -> np.ndarray:
    """A table of the first two characters of some tags, what ends a tag of one letter among them."""
    table = np.zeros(26 << 8, bool)
    for tag in tags.split():
        for end in tag[1:2] or " >/\n\t\r\f":
            table[ord(tag[0]) - 0x61 << 8 | (ord(end) & 0xDF)] = True
    return table


_FLAT = _beginnings("a br hr im wb li td tr th tb tf dd dt op rt rp p")  # void, or ended by the next of their kind
_FORMATS = _beginnings("b i u s bi co em fo sm st tt")


def marks_of(source: bytes) -> int:
    """The marks of a page in UTF-8, as the bits of a number."""
    return int(_marks(np.frombuffer(source + _PADDING, np.uint8), _STEPS, _FLAT, _FORMATS))


@njit(cache=True, nogil=True, boundscheck=False)
def _marks(data, steps, flat, formats):  # type: ignore[no-untyped-def]
    found = 0
    tags = depth = deepest = formatting = most = 0
    lowest = least = len(data)
    opened = 0
    display = begun = 0  # what display formula is open, and where it began
    dollars = -1
    for at in range(len(data) - 8):
        step = steps[data[at]]
        if step == 0:
            continue
        after = data[at + 1]
        if step == 6:  # <
            tags += 1
            if at - opened > MAX_TAG and _is_long(data, opened):
                found |= LONG_TAG
            opened = at
            name = at + 2 if after == 0x2F else at + 1
            letter = (data[name] | 0x20) - 0x61
            if 0 <= letter < 26:
                begin = letter << 8 | (data[name + 1] & 0xDF)
                change = -1 if after == 0x2F else 1
                if not flat[begin]:
                    depth += change
                if formats[begin]:
                    formatting += change
                if (
                    display
                    and at - begun <= LONGEST_DISPLAY
                    and (
                        letter == 0x0F or (letter == 3 and data[name + 1] | 0x20 == 0x69)  # p, di
                    )
                ):
                    found |= BROKEN
            if _opens_formula(data, at):
                found |= RENDERED
            lowest, least = min(lowest, depth), min(least, formatting)
            deepest, most = max(deepest, depth - lowest), max(most, formatting - least)
            if after == 0x73 and data[at + 2] == 0x63:  # sc
                found |= SCRIPT
            elif after == 0x2F and data[at + 2] == 0x65 and data[at + 3] == 0x6D and data[at + 4] == 0x3E:  # /em>
                found |= EMPHASIS
        elif step == 1:  # \
            found |= BACKSLASH
            third = data[at + 3]
            if after == 0x5B and display == 0:  # [
                display, begun = _BRACKET, at
            elif after == 0x5D and display == _BRACKET:  # ]
                display = 0
            elif after == 0x62 and data[at + 2] == 0x65 and third == 0x67:  # beg
                if display == 0:
                    begun = at
                if display == 0 or display >= _ENVIRONMENT:
                    display = max(display + 1, _ENVIRONMENT)
            elif after == 0x65 and data[at + 2] == 0x6E and third == 0x64 and display >= _ENVIRONMENT:  # end
                display = display - 1 if display > _ENVIRONMENT else 0
            if (data[at + 2] == 0x65 or data[at + 2] == 0x72) and (
                (after == 0x6E and third == 0x77)  # new
                or (after == 0x72 and third == 0x6E)  # ren
                or (after == 0x64 and third == 0x66)  # def
                or (after == 0x44 and third == 0x63)  # Dec
                or (after == 0x70 and third == 0x6F)  # pro
                or (after == 0x6C and third == 0x74)  # let
            ):
                found |= COMMAND
        elif step == 2:
            found |= DOLLAR
            if after == 0x24 and at > dollars and (display == 0 or display == _DOLLARS):
                display, begun, dollars = _DOLLARS - display, at, at + 1
        elif step == 3:  # [/
            if after == 0x2F:
                found |= BBCODE
        elif step == 4:  # &lt;/
            if after == 0x6C and data[at + 2] == 0x74 and data[at + 4] == 0x2F:
                found |= ESCAPED_TAG
        elif step == 5:  # _ig
            if after == 0x69 and data[at + 2] == 0x67:
                found |= IGNORING
        elif step == 7:  # +js
            if after == 0x6A and data[at + 2] == 0x73:
                found |= LINKED_DATA
        elif step == 9:  # =
            if after == 0x22 or after == 0x27:
                after = data[at + 2]
            if (after == 0x4D or after == 0x41 or after == 0x6D) and _names_drawn(data, at):  # M, A, m
                found |= DRAWN
        elif step == 10:  # /
            if data[at - 1] | 0x20 == 0x68 and at > 4 and _ends_type(data, at):
                found |= RENDERED
        elif step == 11:  # katex
            if after | 0x20 == 0x61 and data[at + 2] | 0x20 == 0x74 and data[at + 4] | 0x20 == 0x78:
                found |= RENDERED
        elif _follows_macros(data, at):
            found |= MACROS
    if tags >= _FEWEST_TAGS and (deepest > MAX_DEPTH or most > MAX_FORMATTING):
        found |= DEEP
    if len(data) - opened > MAX_TAG and _is_long(data, opened):
        found |= LONG_TAG
    return found


@njit(cache=True, nogil=True, boundscheck=False)
def _opens_formula(data, at):  # type: ignore[no-untyped-def]
    """Whether `<` stands in `<math`, `<mjx-` or `<d-math`."""
    at += 3 if data[at + 1] | 0x20 == 0x64 and data[at + 2] == 0x2D else 1
    if data[at] | 0x20 != 0x6D:  # m
        return False
    second, third, fourth = data[at + 1] | 0x20, data[at + 2] | 0x20, data[at + 3] | 0x20
    return (second == 0x61 and third == 0x74 and fourth == 0x68) or (second == 0x6A and third == 0x78)  # ath, jx


@njit(cache=True, nogil=True, boundscheck=False)
def _ends_type(data, at):  # type: ignore[no-untyped-def]
    """Whether `/` stands in `"math/`, with any quote or none."""
    before = data[at - 5]
    if data[at - 2] | 0x20 != 0x74 or data[at - 3] | 0x20 != 0x61 or data[at - 4] | 0x20 != 0x6D:
        return False
    return before <= 0x20 or before == 0x22 or before == 0x27 or before == 0x3D or before == 0x3B  # quotes, =, ;


@njit(cache=True, nogil=True, boundscheck=False)
def _is_long(data, opened):  # type: ignore[no-untyped-def]
    """Whether what opens does not close within MAX_TAG bytes, `>` in quoted values apart."""
    quote = 0
    for at in range(opened, opened + MAX_TAG):
        byte = data[at]
        if quote:
            if byte == quote:
                quote = 0
        elif byte == 0x3E:
            return False
        elif (byte == 0x22 or byte == 0x27) and data[at - 1] == 0x3D:
            quote = byte
    return True


@njit(cache=True, nogil=True, boundscheck=False)
def _follows_macros(data, at):  # type: ignore[no-untyped-def]
    r"""Whether `acros["']?\s*:\s*` stands before a brace."""
    at -= 1
    colon = False
    while at >= 5 and (data[at] <= 0x20 or (data[at] == 0x3A and not colon)):
        colon = colon or data[at] == 0x3A
        at -= 1
    if not colon or at < 5:
        return False
    if data[at] == 0x22 or data[at] == 0x27:
        at -= 1
    return data[at] == 0x73 and data[at - 1] == 0x6F and data[at - 2] == 0x72  # ros


@njit(cache=True, nogil=True, boundscheck=False)
def _names_drawn(data, at):  # type: ignore[no-untyped-def]
    """Whether `=` stands in `mathtag="math"`, `class="MathJye"` or the like."""
    if at >= 4 and data[at - 1] == 0x67 and data[at - 2] == 0x61 and data[at - 3] == 0x74 and data[at - 4] == 0x68:
        return True  # htag
    at += 2 if data[at + 1] == 0x22 or data[at + 1] == 0x27 else 1
    if data[at] == 0x41:  # AFanMath
        return data[at + 1] == 0x46 and data[at + 2] == 0x61 and data[at + 3] == 0x6E
    if data[at] != 0x4D or data[at + 1] != 0x61 or data[at + 2] != 0x74 or data[at + 3] != 0x68:  # Math
        return False
    after = data[at + 4]  # Jye, Zyb, Xxb, but not MathJax
    return (after == 0x4A or after == 0x5A or after == 0x58) and data[at + 5] != 0x61
