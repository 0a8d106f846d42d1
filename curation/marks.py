r"""Counts marks of mathematics in the bytes of pages: phrases in several charsets, and signs with their neighbours.

A page is read in blocks of 64 bytes. Phrases are looked for where one can begin, by a hash of the first bytes: at the
first letter of a word (also of `Math` in `inlineMath`), at the signs `< \ & $` and at every byte that is not ASCII. So
most bytes are only compared, 64 at once; where tags open and close in turn, so does the bookkeeping of what is text.
Pages are read at 1.1 GB a second, of one core (benchmarks/extraction_prefilter.py); byte by byte it was 0.37.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit

from mathmill.curation.byte_masks import WIDTH, count_bits, first_bit, load, masks, tag_masks
from mathmill.curation.mark_phrases import (
    BYTES,
    DELIMITERS,
    DOLLARS,
    FOLD,
    GREEK,
    HASH_BITS,
    HEAD_MASKS,
    MARKUP,
    MULTIPLIER,
    OPERATORS,
    RAW,
    SIGN,
    SURE,
    SYMBOLS,
    TABLES,
    TAG,
    TEXT,
    WORD,
    Tables,
)


def count_marks(pages: pa.LargeBinaryArray, until_sure: bool = False) -> np.ndarray:
    """Count the marks in pages: int64 (n_pages, len(MARKS) + 1), the last column the bytes of text between tags.

    Of a page in UTF-16 or UTF-32 all bytes count as markup. until_sure: read each page only up to its first sure mark.
    """
    _, offsets, data = pages.buffers()
    ends = np.frombuffer(offsets, np.int64)[pages.offset : pages.offset + len(pages) + 1]
    return _count(np.frombuffer(data or b"", np.uint8), ends, until_sure, TABLES)


_PADDING = WIDTH + 8
_int64: Any = np.int64  # which numba takes for an int
_0, _1, _2, _3, _6, _8, _63, _BYTE = (np.uint64(n) for n in (0, 1, 2, 3, 6, 8, 63, 0xFF))
_SHIFT = np.uint64(64 - HASH_BITS)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_WORD_MASK, _SIGN_MASK = HEAD_MASKS


@njit(cache=True)
def _count(
    data: np.ndarray,
    page_ends: np.ndarray,
    until_sure: bool,
    tables: Tables,
) -> np.ndarray:
    counts = np.zeros((len(page_ends) - 1, BYTES + 1), np.int64)
    for number in range(len(counts)):
        page, row = data[page_ends[number] : page_ends[number + 1]], counts[number]
        if len(page) > 3 and (page[0] == 0 or page[1] == 0 or page[0] + page[1] == 0xFF + 0xFE):
            row[MARKUP] = len(page)
            continue
        if page_ends[number + 1] + _PADDING > len(data):  # blocks are read as a whole
            padded = np.zeros(len(page) + _PADDING, np.uint8)
            padded[: len(page)] = page
            page = padded[: len(page)]
        _count_page(page, row, until_sure, tables)
    return counts


@njit(cache=True)
def _count_page(
    page: np.ndarray,
    row: np.ndarray,
    until_sure: bool,
    tables: Tables,
) -> None:
    base = np.uintp(page.ctypes.data)
    words, signs = tables.is_head[WORD], tables.is_head[SIGN]
    place, is_raw, is_sure = TEXT, False, False
    raw_start = n_text = 0
    was_letter = was_lower = _0
    for block in range(0, len(page), WIDTH):
        address = base + np.uintp(block)
        letter, upper, less, greater, text_sign, tag_sign, high, end = masks(address)
        starts = (letter & ~(letter << _1 | was_letter)) | (upper & ((letter & ~upper) << _1 | was_lower))
        starts &= ~(end >> _1 | end >> _2 | end >> _3)  # of words that are long enough
        was_letter, was_lower = letter >> _63, (letter & ~upper) >> _63
        n_left = len(page) - block
        valid = _ALL if n_left >= WIDTH else (_1 << np.uint64(n_left)) - _1
        heads = _0
        starts &= valid
        while starts:
            i = first_bit(starts)
            starts &= starts - _1
            key = _key(load(address + np.uintp(i)), _WORD_MASK)
            heads |= (words[key >> _6] >> (key & _63) & _1) << i
        high &= valid
        while high:
            i = first_bit(high)
            high &= high - _1
            key = _key(load(address + np.uintp(i)), _SIGN_MASK)
            heads |= (signs[key >> _6] >> (key & _63) & _1) << i

        if n_left > WIDTH + 8 and place != RAW and not is_raw:
            opens, opens_raw, opens_math = tag_masks(address)
            opens &= less
            in_tag = _fill(opens | greater) ^ (_ALL if place == TAG else _0)
            if opens & opens_raw | opens & ~in_tag | greater & in_tag == _0:  # tags open and close in turn
                n_text += _int64(count_bits(~(in_tag | greater)))
                events = heads | (text_sign & ~in_tag) | (tag_sign & in_tag) | (opens & opens_math)
                while events:
                    bit = first_bit(events)
                    events &= events - _1
                    i = block + _int64(bit)
                    here = TAG if in_tag & ~opens & _1 << bit else TEXT
                    following = load(address + np.uintp(bit))
                    byte = _int64(following & _BYTE)
                    is_word = _is_letter(byte)
                    key = _key(following, _WORD_MASK if is_word else _SIGN_MASK)
                    if tables.is_head[WORD if is_word else SIGN, key >> _6] >> (key & _63) & _1:
                        bucket = tables.buckets[WORD if is_word else SIGN, key]
                        if _count_phrases(
                            page,
                            i,
                            here,
                            following,
                            bucket,
                            row,
                            tables,
                        ):
                            is_sure = True
                    if not is_word and byte != 0x3C:
                        column = _own_column(page, i, here)
                        if column >= 0:
                            row[column] += 1
                            is_sure = is_sure or column < SURE
                    if is_sure and until_sure:
                        break
                place = TAG if in_tag >> _63 else TEXT
                if is_sure and until_sure:
                    break
                continue

        left, since = valid, block  # of the text
        while True:
            here_signs = text_sign if place == TEXT else greater | tag_sign if place == TAG else _0
            events = (heads | less | here_signs) & left
            if events == _0:
                break
            bit = first_bit(events)
            left = valid & _ALL << bit << _1
            i = block + _int64(bit)
            following = load(address + np.uintp(bit))
            if i + 8 > len(page):
                following &= (_1 << np.uint64(8 * (len(page) - i))) - _1
            byte, second = _int64(following & _BYTE), _int64(following >> _8 & _BYTE)
            is_word = _is_letter(byte)
            key = _key(following, _WORD_MASK if is_word else _SIGN_MASK)
            if tables.is_head[WORD if is_word else SIGN, key >> _6] >> (key & _63) & _1:
                bucket = tables.buckets[WORD if is_word else SIGN, key]
                if _count_phrases(page, i, place, following, bucket, row, tables):
                    is_sure = True
            if byte == 0x3C:  # <
                if place == TEXT and (_is_letter(second) or second == 0x2F or second == 0x21 or second == 0x3F):
                    n_text += i - since
                    place, is_raw, raw_start = TAG, _opens_raw(following), i
                elif place == RAW and second == 0x2F and _closes_raw(page, i, raw_start):
                    place, is_raw = TAG, False
            elif byte == 0x3E:  # >
                if place == TAG:
                    place, since = RAW if is_raw else TEXT, i + 1
            elif not is_word and place != RAW:
                column = _own_column(page, i, place)
                if column >= 0:
                    row[column] += 1
                    is_sure = is_sure or column < SURE
            if is_sure and until_sure:
                break
        if place == TEXT:
            n_text += min(WIDTH, n_left) - (since - block)
        if is_sure and until_sure:
            break
    row[BYTES] += n_text


@njit(cache=True)
def _key(first_bytes: np.uint64, mask: np.uint64) -> np.uint64:
    return ((first_bytes | FOLD) & mask) * MULTIPLIER >> _SHIFT


@njit(cache=True)
def _fill(mask: np.uint64) -> np.uint64:
    """Set the bits from each odd set bit of a mask to before the next even one."""
    for shift in (1, 2, 4, 8, 16, 32):
        mask ^= mask << np.uint64(shift)
    return mask


@njit(cache=True)
def _count_phrases(
    page: np.ndarray,
    i: int,
    place: int,
    following: np.uint64,
    bucket: int,
    row: np.ndarray,
    tables: Tables,
) -> bool:
    """Count the phrases whose anchor is at a place; whether one is sure. following: the bytes from there on."""
    is_sure = False
    entry = _int64(bucket) - 1
    while entry >= 0:
        phrase = tables.entries[entry, 1]
        column = tables.columns[phrase, place]
        is_like = ((following | FOLD) ^ tables.begins[0, phrase]) & tables.begins[1, phrase] == _0
        first = i - tables.anchors[phrase]
        if (
            is_like
            and column >= 0
            and _stands(page, first, tables.letters, tables.ends[phrase], tables.ends[phrase + 1], tables.lower)
        ):
            row[column] += 1
            is_sure = is_sure or column < SURE
        entry = _int64(tables.entries[entry, 0])
    return is_sure


@njit(cache=True)
def _stands(page: np.ndarray, first: int, letters: np.ndarray, start: int, end: int, lower: np.ndarray) -> bool:
    """Whether the phrase letters[start:end] stands at a place of the page."""
    if first < 0 or first + end - start > len(page):
        return False
    for k in range(end - start):  # noqa: SIM110 (numba has no generators that are as fast)
        if lower[page[first + k]] != letters[start + k]:
            return False
    return True


@njit(cache=True)
def _opens_raw(tag: np.uint64) -> bool:
    """Whether a tag, given by its first bytes from the lowest on, is `<script` or `<style`."""
    name = (tag | FOLD) & np.uint64(0xFFFFFF00)
    return name == np.uint64(0x72637300) or name == np.uint64(0x79747300)  # scr, sty


@njit(cache=True)
def _closes_raw(page: np.ndarray, i: int, opening: int) -> bool:
    """Whether `</script` or `</style` stands at a place, as the tag at `opening` began."""
    same = _byte(page, i + 3) | 0x20 == page[opening + 2] | 0x20
    return _byte(page, i + 1) == 0x2F and _byte(page, i + 2) | 0x20 == 0x73 and same


@njit(cache=True)
def _own_column(page: np.ndarray, i: int, place: int) -> int:
    """What a special byte counts as with its neighbours, or -1."""
    byte, following, previous = page[i], _byte(page, i + 1), _byte(page, i - 1)
    if byte >= 0xC2:
        return _column_of(_utf8(page, i))
    if byte == 0x26:  # &
        return _column_of(_reference(page, i)) if following == 0x23 else -1
    if byte == 0x24 and not (following == 0x24 and place == TEXT):  # a dollar that may close a formula
        closes = _is_operand(previous) and not _is_operand(following)
        return DOLLARS if closes else -1
    if byte == 0x24 or byte == 0x5C:  # $$ \( \[
        return DELIMITERS if byte == 0x24 or following == 0x28 or following == 0x5B else -1
    before = _byte(page, i - 2) if previous == 0x20 else previous
    after = _byte(page, i + 2) if following == 0x20 else following
    return OPERATORS if _is_operand(before) and (_is_operand(after) or after == 0x28 or after == 0x2D) else -1


@njit(cache=True)
def _byte(page: np.ndarray, i: int) -> int:
    """A byte of the page, 0 beyond its ends."""
    return int(page[i]) if 0 <= i < len(page) else 0


@njit(cache=True)
def _is_letter(byte: int) -> bool:
    return 0x61 <= byte | 0x20 <= 0x7A


@njit(cache=True)
def _is_operand(byte: int) -> bool:
    """Whether an operand may end or begin with a byte: letters, digits, closing brackets and a prime."""
    return _is_letter(byte) or 0x30 <= byte <= 0x39 or byte == 0x29 or byte == 0x5D or byte == 0x7D or byte == 0x27


@njit(cache=True)
def _utf8(page: np.ndarray, i: int) -> int:
    """The code point that begins at a place; 0 where these are no bytes of UTF-8, as in most of GBK."""
    point = int(page[i])
    length = 2 if point < 0xE0 else 3 if point < 0xF0 else 4
    point &= 0xFF >> (length + 1)
    for k in range(i + 1, i + length):
        if _byte(page, k) & 0xC0 != 0x80:
            return 0
        point = point << 6 | _byte(page, k) & 0x3F
    return point


@njit(cache=True)
def _reference(page: np.ndarray, i: int) -> int:
    """The code point of a character reference such as `&#8730;` or `&#x221A;`."""
    is_hex = _byte(page, i + 2) | 0x20 == 0x78
    point = 0
    for k in range(i + 3 if is_hex else i + 2, i + 9):
        byte = _byte(page, k) | 0x20
        if 0x30 <= byte <= 0x39:
            point = point * (16 if is_hex else 10) + byte - 0x30
        elif is_hex and 0x61 <= byte <= 0x66:
            point = point * 16 + byte - 0x57
        else:
            break
    return point


@njit(cache=True)
def _column_of(point: int) -> int:
    """What a character counts as: Greek, a symbol of mathematics, or -1."""
    if 0x391 <= point <= 0x3C9:
        return GREEK
    is_latin = point == 0xB1 or point == 0xB2 or point == 0xB3 or point == 0xB9 or point == 0xD7 or point == 0xF7
    is_script = 0x2070 <= point < 0x209D and point != 0x207F
    is_symbol = 0x2200 <= point < 0x2300 or 0x27C0 <= point < 0x27F0 or 0x2A00 <= point < 0x2B00
    return SYMBOLS if is_latin or is_script or is_symbol or 0x1D400 <= point < 0x1D800 else -1
