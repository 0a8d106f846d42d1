r"""Split text into words as GPT-4o, Llama 4 and Mistral's Tekken do: a capital after a small letter begins a word.

The first two alternatives of their pattern, `P?U*W+(suffix)?|P?U+W*(suffix)?`, where P is `[^\r\n\p{L}\p{N}]`, U are
capitals, W small letters, and letters without case and marks are both, here without backtracking; the others are those
of `words`.
"""

from numba import njit

from mathmill.tokenize.vocabulary.words import (
    LETTER,
    LOWER,
    MARK,
    NEWLINE,
    NUMBER,
    OTHER,
    UPPER,
    character_at,
    contraction_end,
    number_end,
    space_end,
)


@njit(cache=True)
def cased_word_end(data, i, end, classes, form):  # type: ignore[no-untyped-def]
    """Where the word that begins at byte i of data[:end] ends; the alternatives of the pattern in their order."""
    code, after = character_at(data, i, end)
    kind = classes[code]
    if kind == NUMBER:
        return number_end(data, after, end, classes, form.digits - 1)
    if kind != NEWLINE:
        stop = _letters_end(data, i, after, end, classes, kind)
        if stop > 0:
            if form.suffixes and stop < end and data[stop] == 39:
                return max(stop, contraction_end(data, stop + 1, end, True))
            return stop
        follower = NEWLINE
        if after < end:
            follower = classes[character_at(data, after, end)[0]]
        if kind == OTHER or (code == 32 and follower == OTHER):
            return _symbols_end(data, after, end, classes)
    return space_end(data, i, end, classes, form)


@njit(cache=True)
def _letters_end(data, i, after, end, classes, kind):  # type: ignore[no-untyped-def]
    """The first two alternatives, with byte i as P and without; 0 where neither matches."""
    if kind in (UPPER, LOWER, LETTER):
        small, capital = _cased_run(data, i, end, classes)
        return small if small > 0 else capital
    small, capital = _cased_run(data, after, end, classes)
    if small == 0 and kind == MARK:
        small, _ = _cased_run(data, i, end, classes)
    return small if small > 0 else capital


@njit(cache=True)
def _cased_run(data, i, end, classes):  # type: ignore[no-untyped-def]
    """The ends of `U*W+` and of `U+W*` from byte i on, 0 where there is none."""
    capitals, both = i, 0  # the end of U*, and of the last character in it that is W as well
    while capitals < end:
        code, after = character_at(data, capitals, end)
        kind = classes[code]
        if kind != UPPER and kind != LETTER and kind != MARK:
            break
        capitals = after
        if kind != UPPER:
            both = after
    small = capitals
    while small < end:
        code, after = character_at(data, small, end)
        kind = classes[code]
        if kind != LOWER and kind != LETTER and kind != MARK:
            break
        small = after
    return (small if small > capitals else both), (small if capitals > i else 0)


@njit(cache=True)
def _symbols_end(data, i, end, classes):  # type: ignore[no-untyped-def]
    r"""`[^\s\p{L}\p{N}]+[\r\n/]*`, of which byte i is past the first character."""
    while i < end:
        code, after = character_at(data, i, end)
        if classes[code] != OTHER and classes[code] != MARK:
            break
        i = after
    while i < end and (data[i] == 10 or data[i] == 13 or data[i] == 47):
        i += 1
    return i
