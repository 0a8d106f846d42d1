"""Where a text may be cut without harm: paragraph ends, reasoning steps, line and sentence ends, never in a formula.

One pass over the bytes of a whole batch in numba finds the candidates; spans that must stay whole take some away; the
rest moves to token boundaries.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from mathmill.tokenize.render import Rendered
from mathmill.tokenize.tokenizer import Encoding
from mathmill.tokenize.utf8 import text_buffer

PARAGRAPH, STEP, LINE = 0, 1, 2

MARKS = (10, 46, 33, 63, 0xE3, 0xEF)  # line feed, . ! ? and the first bytes of 。！？

Bytes = npt.NDArray[np.int64]


def cut_bytes(rendered: Rendered) -> tuple[Bytes, npt.NDArray[np.int8]]:
    """Find the allowed cuts of a batch of texts: a cut is made before a byte.

    Returns (places int64 (k,), ascending, ranks int8 (k,)): 0 before a paragraph, 1 before a step, 2 before a line or
    a sentence (`.`, `!`, `?` and a space; `。`, `！`, `？`). None is inside a formula or between the last step and the
    answer; in code only lines count.
    """
    data, bounds = text_buffer(rendered.texts)
    room = sum(int(np.count_nonzero(data == mark)) for mark in MARKS)
    places, ranks = np.empty(room, np.int64), np.empty(room, np.int8)
    n = _candidates(data, bounds, places, ranks)
    places, ranks = places[:n], ranks[:n]
    in_code = inside(places, rendered.code)
    sentence = ranks > LINE
    ranks = np.where(in_code, LINE, np.minimum(ranks, LINE)).astype(np.int8)
    keep = ~(sentence & in_code)
    places = np.concatenate([places[keep], rendered.steps])
    ranks = np.concatenate([ranks[keep], np.full(len(rendered.steps), STEP, np.int8)])
    order = np.argsort(places * 4 + ranks, kind="stable")
    places, ranks = places[order], ranks[order]
    keep = ~(inside(places, rendered.formulas) | inside(places, rendered.kept))
    keep[1:] &= places[1:] != places[:-1]
    return places[keep], ranks[keep]


def cut_tokens(
    rendered: Rendered, encoding: Encoding
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Move the cuts to token boundaries.

    A cut inside a token moves to the token's end, or to its beginning where the end would lie inside a formula and
    only white space lies between; else it is given up.

    Returns (rows int64 (k,), tokens int64 (k,), ranks int8 (k,)): a cut before token `tokens[i]` of text `rows[i]`,
    counted from the text's first token; ascending, never 0.
    """
    data, bounds = text_buffer(rendered.texts)
    places, ranks = cut_bytes(rendered)
    starts = encoding.starts
    tokens = np.searchsorted(starts, places)
    padded = np.append(starts, bounds[-1])
    moved = np.flatnonzero(padded[tokens] != places)
    barred = inside(padded[tokens[moved]], rendered.formulas) | inside(padded[tokens[moved]], rendered.kept)
    back = moved[barred]
    earlier = np.searchsorted(starts, padded[np.maximum(tokens[back] - 1, 0)])
    usable = ~(inside(padded[earlier], rendered.formulas) | inside(padded[earlier], rendered.kept))
    usable &= _only_spaces(data, padded[earlier], places[back])
    tokens[back] = np.where(usable, earlier, 0)
    rows = np.searchsorted(bounds, places, side="right") - 1
    within = tokens - encoding.offsets[rows]
    lengths = np.diff(encoding.offsets)[rows]
    order = np.argsort(tokens * 4 + ranks, kind="stable")
    order = order[(within[order] > 0) & (within[order] < lengths[order])]
    first = np.append(True, tokens[order][1:] != tokens[order][:-1]) if len(order) else np.zeros(0, bool)
    order = order[first]
    return rows[order], within[order], ranks[order]


def inside(places: Bytes, spans: Bytes) -> npt.NDArray[np.bool_]:
    """Whether each place lies strictly inside one of the spans. places: (k,); spans: (m, 2), in any order."""
    spans = spans[spans[:, 0] < spans[:, 1]]
    if not len(spans):
        return np.zeros(len(places), bool)
    order = np.argsort(spans[:, 0], kind="stable")
    starts = spans[order, 0]
    reached = np.maximum.accumulate(spans[order, 1])  # the farthest end of the spans up to here
    before = np.searchsorted(starts, places) - 1
    return (before >= 0) & (places < reached[np.maximum(before, 0)])


@njit(cache=True)
def _candidates(data, bounds, places, ranks):  # type: ignore[no-untyped-def]
    """Line ends (rank 2, after a blank line 0) and sentence ends (3): the byte of the first character after them.

    Writes into `places` and `ranks`, which have room for all bytes in MARKS; returns how many there are.
    """
    n = 0
    for row in range(len(bounds) - 1):
        start, end = bounds[row], bounds[row + 1]
        i = start
        while i < end:
            byte = data[i]
            if not (byte == 10 or byte == 46 or byte == 33 or byte == 63 or byte == 0xE3 or byte == 0xEF):
                i += 1
                continue
            place, rank = np.int64(-1), np.int8(-1)
            if byte == 10:
                place, rank, i = _after_line(data, i, end)
            elif byte == 46 or byte == 33 or byte == 63:
                number = byte == 46 and _numbers_an_item(data, start, i)
                i += 1
                after = _after_closing(data, i, end)
                if after < end and data[after] == 32 and not number:
                    place, rank, i = after, np.int8(3), after
            elif i + 2 < end and _ends_chinese_sentence(data, i):
                i = _after_closing(data, i + 3, end)
                if i < end and data[i] != 10:
                    place, rank = i, np.int8(3)
            else:
                i += 1
            if start < place < end:
                places[n] = place
                ranks[n] = rank
                n += 1
    return n


@njit(cache=True)
def _after_line(data, i, end):  # type: ignore[no-untyped-def]
    """Past a line end and blank lines after it: the byte after the last newline, the rank, where to go on."""
    newlines = 0
    place = i
    while i < end and (data[i] == 10 or data[i] == 13 or data[i] == 32 or data[i] == 9):
        if data[i] == 10:
            newlines += 1
            place = i + 1
        i += 1
    return place, np.int8(0 if newlines > 1 else 2), i


@njit(cache=True)
def _after_closing(data, i, end):  # type: ignore[no-untyped-def]
    """Past closing quotes and brackets: " ' ) ] and ’ ” 」 』 ）."""
    while i < end:
        byte = data[i]
        if byte == 34 or byte == 39 or byte == 41 or byte == 93:
            i += 1
        elif i + 2 < end and (
            (byte == 0xE2 and data[i + 1] == 0x80 and (data[i + 2] == 0x99 or data[i + 2] == 0x9D))
            or (byte == 0xE3 and data[i + 1] == 0x80 and (data[i + 2] == 0x8D or data[i + 2] == 0x8F))
            or (byte == 0xEF and data[i + 1] == 0xBC and data[i + 2] == 0x89)
        ):
            i += 3
        else:
            break
    return i


@njit(cache=True)
def _ends_chinese_sentence(data, i):  # type: ignore[no-untyped-def]
    """Whether the three bytes at i are 。 (U+3002), ！ (U+FF01) or ？ (U+FF1F)."""
    if data[i] == 0xE3:
        return data[i + 1] == 0x80 and data[i + 2] == 0x82
    return data[i + 1] == 0xBC and (data[i + 2] == 0x81 or data[i + 2] == 0x9F)


@njit(cache=True)
def _numbers_an_item(data, start, dot):  # type: ignore[no-untyped-def]
    """Whether the full stop at `dot` belongs to a number at the beginning of a line ("12. Show that …")."""
    i = dot
    while i > start and 48 <= data[i - 1] <= 57:
        i -= 1
    if i == dot or dot - i > 4:
        return False
    while i > start and (data[i - 1] == 32 or data[i - 1] == 9):
        i -= 1
    return i == start or data[i - 1] == 10


@njit(cache=True)
def _only_spaces(data, starts, ends):  # type: ignore[no-untyped-def]
    """Whether only ASCII white space lies in each data[starts[i]:ends[i]]."""
    found = np.ones(len(starts), np.bool_)
    for k in range(len(starts)):
        for i in range(starts[k], ends[k]):
            if not (data[i] == 32 or 9 <= data[i] <= 13):
                found[k] = False
                break
    return found
