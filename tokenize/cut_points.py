"""Where a text may be cut without harm: paragraph ends, reasoning steps, line and sentence ends, never in a formula.

One pass over the bytes of a whole batch in numba finds the candidates; spans that must stay whole take some away; the
rest moves to token boundaries. Where two marks are far apart, places between words come in as a last resort, so that
a row holds no mark only if it lies inside one formula or one word.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from mathmill.tokenize.render import Rendered
from mathmill.tokenize.tokenizer import Encoding
from mathmill.tokenize.utf8 import text_buffer

PARAGRAPH, STEP, LINE, WORD = 0, 1, 2, 3

MARKS = (10, 46, 33, 63, 0xE3, 0xEF)  # line feed, . ! ? and the first bytes of 。！？．

MARK_EVERY = 64  # tokens between two marks, beyond which words are marked; 5 bytes of the store for each mark

Bytes = npt.NDArray[np.int64]


def cut_bytes(rendered: Rendered) -> tuple[Bytes, npt.NDArray[np.int8]]:
    """Find the allowed cuts of a batch of texts: a cut is made before a byte.

    Returns (places int64 (k,), ascending, ranks int8 (k,)): 0 before a paragraph, 1 before a step, 2 before a line or
    a sentence (`.`, `!`, `?` and a space; `。`, `！`, `？`, `．`). None is inside a formula or between the last
    step and the answer; in code only lines count.
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
    """Move the cuts to token boundaries, and mark words (rank 3) where they are more than MARK_EVERY tokens apart.

    A cut inside a token moves to the token's beginning where only white space lies between, else to its end; it is
    given up where that lies inside a formula or a character.

    Returns (rows int64 (k,), tokens int64 (k,), ranks int8 (k,)): a cut before token `tokens[i]` of text `rows[i]`,
    counted from the text's first token; ascending, never 0.
    """
    data, bounds = text_buffer(rendered.texts)
    places, ranks = cut_bytes(rendered)
    starts = encoding.starts
    padded = np.append(starts, bounds[-1])
    tokens = np.searchsorted(starts, places)
    moved = np.flatnonzero(padded[tokens] != places)
    earlier = np.searchsorted(starts, padded[np.maximum(tokens[moved] - 1, 0)])
    back = _only_spaces(data, padded[earlier], places[moved]) & _divides_nothing(rendered, data, padded[earlier])
    there = _divides_nothing(rendered, data, padded[tokens[moved]])
    tokens[moved] = np.where(back, earlier, np.where(there, tokens[moved], 0))
    rows = np.searchsorted(bounds, places, side="right") - 1
    within = tokens - encoding.offsets[rows]
    lengths = np.diff(encoding.offsets)[rows]
    order = np.argsort(tokens * 4 + ranks, kind="stable")
    order = order[(within[order] > 0) & (within[order] < lengths[order])]
    first = np.append(True, tokens[order][1:] != tokens[order][:-1]) if len(order) else np.zeros(0, bool)
    order = order[first]
    return _with_words(rendered, encoding, data, tokens[order], ranks[order])


def _divides_nothing(rendered: Rendered, data: npt.NDArray[np.uint8], places: Bytes) -> npt.NDArray[np.bool_]:
    """Whether each place is outside of formulas and of what must stay together, and no byte inside a character."""
    inner = data[np.minimum(places, len(data) - 1)] & 0xC0 == 0x80
    return ~(inner | inside(places, rendered.formulas) | inside(places, rendered.kept))


def _with_words(
    rendered: Rendered, encoding: Encoding, data: npt.NDArray[np.uint8], tokens: Bytes, ranks: npt.NDArray[np.int8]
) -> tuple[Bytes, Bytes, npt.NDArray[np.int8]]:
    """Marks, ascending, with those of words among them: (rows, tokens of the row, ranks)."""
    starts, reached = _joined(np.concatenate([rendered.formulas, rendered.template]))
    room = len(tokens) + 2 * (len(encoding.tokens) // MARK_EVERY) + 2
    found, found_ranks, rows = np.empty(room, np.int64), np.empty(room, np.int8), np.empty(room, np.int64)
    n = _mark_words(data, encoding.starts, encoding.offsets, tokens, ranks, starts, reached, found, found_ranks, rows)
    return rows[:n], found[:n] - encoding.offsets[rows[:n]], found_ranks[:n]


def inside(places: Bytes, spans: Bytes) -> npt.NDArray[np.bool_]:
    """Whether each place lies strictly inside one of the spans. places: (k,); spans: (m, 2), in any order."""
    starts, reached = _joined(spans)
    if not len(starts):
        return np.zeros(len(places), bool)
    before = np.searchsorted(starts, places) - 1
    return (before >= 0) & (places < reached[np.maximum(before, 0)])


def _joined(spans: Bytes) -> tuple[Bytes, Bytes]:
    """The starts of spans that are not empty, ascending, and the farthest end of the spans up to each."""
    spans = spans[spans[:, 0] < spans[:, 1]]
    order = np.argsort(spans[:, 0], kind="stable")
    return spans[order, 0], np.maximum.accumulate(spans[order, 1])


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
            elif i + 2 < end and _ends_chinese_sentence(data, start, i, end):
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
def _ends_chinese_sentence(data, start, i, end):  # type: ignore[no-untyped-def]
    """Whether the three bytes at i are 。 (U+3002), ！ (U+FF01), ？ (U+FF1F) or a ．(U+FF0E) that is a full stop."""
    if data[i] == 0xE3:
        return data[i + 1] == 0x80 and data[i + 2] == 0x82
    if data[i + 1] != 0xBC:
        return False
    if data[i + 2] == 0x8E:
        after = i + 3
        if after < end and 48 <= data[after] <= 57:
            return False  # ３．５
        if after + 2 < end and data[after] == 0xEF and data[after + 1] == 0xBC and 0x8E <= data[after + 2] <= 0x99:
            return False  # the same, or ．．．
        return not (_numbers_an_item(data, start, i) or _letters_an_item(data, start, i))
    return data[i + 2] == 0x81 or data[i + 2] == 0x9F


@njit(cache=True)
def _numbers_an_item(data, start, dot):  # type: ignore[no-untyped-def]
    """Whether the full stop at `dot` belongs to a number at the beginning of a line ("12. Show that …", "１．求…")."""
    i, digits = dot, 0
    while i > start:
        if 48 <= data[i - 1] <= 57:
            i -= 1
        elif i - 3 >= start and data[i - 3] == 0xEF and data[i - 2] == 0xBC and 0x90 <= data[i - 1] <= 0x99:
            i -= 3
        else:
            break
        digits += 1
    if digits == 0 or digits > 4:
        return False
    while i > start and (data[i - 1] == 32 or data[i - 1] == 9):
        i -= 1
    return i == start or data[i - 1] == 10


@njit(cache=True)
def _letters_an_item(data, start, dot):  # type: ignore[no-untyped-def]
    """Whether one letter alone stands before the full stop at `dot`, as in "A．3 B．5"."""
    if dot - 3 >= start and data[dot - 3] == 0xEF and data[dot - 2] == 0xBC and 0xA1 <= data[dot - 1] <= 0xBA:
        i = dot - 3
    elif dot > start and (65 <= data[dot - 1] <= 90 or 97 <= data[dot - 1] <= 122):
        i = dot - 1
    else:
        return False
    return i == start or data[i - 1] == 10 or data[i - 1] == 32 or data[i - 1] == 9 or data[i - 1] == 40


@njit(cache=True)
def _mark_words(  # type: ignore[no-untyped-def]
    data, starts, offsets, tokens, ranks, span_starts, reached, found, found_ranks, rows
):
    """Copy marks, with words between two (or a text's beginning or end) that are more than MARK_EVERY tokens apart.

    The next is the last possible one within that many tokens, else the first beyond. Writes into `found`,
    `found_ranks` and `rows`; returns how many there are.
    """
    n, k = 0, 0
    for row in range(len(offsets) - 1):
        mark, end = offsets[row], offsets[row + 1]
        while mark < end:
            following = tokens[k] if k < len(tokens) and tokens[k] < end else end
            while following - mark > MARK_EVERY:
                word = mark + MARK_EVERY
                while word > mark and not _between_words(data, starts, word, span_starts, reached):
                    word -= 1
                if word == mark:
                    word = mark + MARK_EVERY + 1
                    while word < following and not _between_words(data, starts, word, span_starts, reached):
                        word += 1
                    if word == following:
                        break
                found[n], found_ranks[n], rows[n] = word, WORD, row
                n += 1
                mark = word
            if following < end:
                found[n], found_ranks[n], rows[n] = following, ranks[k], row
                n += 1
                k += 1
            mark = following
    return n


@njit(cache=True)
def _between_words(data, starts, token, span_starts, reached):  # type: ignore[no-untyped-def]
    """Whether a token begins a word, a Chinese character or a formula, or follows one, outside of the spans."""
    place = starts[token]
    if place == starts[token - 1] or place >= len(data) or data[place] & 0xC0 == 0x80:
        return False
    after = np.searchsorted(span_starts, place)
    if after > 0 and place < reached[after - 1]:
        return False
    here, before = data[place], data[place - 1]
    if here == 32 or 9 <= here <= 13 or before == 32 or 9 <= before <= 13:
        return True
    if 0xE3 <= here <= 0xEF or (before >= 0x80 and place > 2 and 0xE3 <= data[place - 3] <= 0xEF):
        return True
    return (after < len(span_starts) and place == span_starts[after]) or (after > 0 and place == reached[after - 1])


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
