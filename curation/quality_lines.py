"""What the quality heuristics count of lines: how they begin and end, their marks, phrases and URLs.

A line's state is a small array of integers, which the pass over the characters (`quality_counts`) hands on at no cost.
Exercises resemble each other and are no spam: a line of up to DRILL_TOKENS tokens with a formula or a number counts
towards repeated lines where all of it is equal, not towards repeated n-grams.
"""

from enum import IntEnum, auto

import numpy as np
from numba import njit

from mathmill.curation.quality_repeats import Tokens
from mathmill.curation.quality_words import (
    BOILERPLATE,
    CHARACTER,
    CONTINUED,
    DAMAGE,
    LETTER,
    OPERATOR,
    PLACEHOLDER,
    PUNCTUATION,
    SPAM,
    SYMBOL,
    Vocabulary,
)


class Count(IntEnum):
    """The columns of `count_quality`; "prose" is what is neither formula nor code, table or URL."""

    WORDS = 0  # with a letter in them; in prose
    CHARACTERS = auto()  # single characters as words; in prose
    NUMBERS = auto()  # in prose and tables
    OPERATORS = auto()  # in prose and tables
    FORMULAS = auto()
    TOKENS = auto()  # all four kinds, in prose and tables
    WORD_LETTERS = auto()  # characters of WORDS
    TOKEN_LETTERS = auto()  # characters of all tokens in prose, formulas included
    VISIBLE = auto()  # characters of prose but blanks
    UNLETTERED = auto()  # of them: punctuation and symbols
    SYMBOLS = auto()  # of them: symbols, and "!" or "?" after another
    DAMAGED = auto()  # characters that broken encodings leave
    LINK_LETTERS = auto()  # characters of URLs
    ELLIPSES = auto()  # after a word
    STOP_WORDS = auto()  # of WORDS
    STOP_CHARACTERS = auto()  # of CHARACTERS
    LINES = auto()  # of prose, with a token
    MENU_LINES = auto()  # bulleted, without formula, number, or punctuation at the end
    CUT_LINES = auto()  # that end in an ellipsis after a word, or say that the text goes on elsewhere
    CUT_FORMULAS = auto()  # lines with a delimiter of a formula that has no partner
    PARAGRAPHS = auto()  # of LONG_LINE tokens or more in their last line
    CUT_SENTENCES = auto()  # of them: that end in a letter or comma
    ENDS_CUT = auto()  # 1: the last line says that the text goes on elsewhere
    BOILERPLATE_LETTERS = auto()  # characters of tokens in lines with such a phrase
    PLACEHOLDER_TOKENS = auto()
    SPAM_TOKENS = auto()
    SPAM_PHRASES = auto()
    REPEATED_LINE_LETTERS = auto()  # of words and characters in lines that were there before
    TOP_2_LETTERS = auto()  # of words and characters in the most frequent n-gram, all its occurrences
    TOP_3_LETTERS = auto()
    TOP_4_LETTERS = auto()
    REPEATED_5_LETTERS = auto()  # of words and characters in n-grams that were there before
    REPEATED_10_LETTERS = auto()
    WINDOWED = auto()  # tokens in windows of 100 (quality_repeats.WINDOW)
    DISTINCT = auto()  # different tokens in these windows


N_COUNTS = len(Count)

DRILL_TOKENS = 40
LONG_LINE = 12
SHORT_NOTICE = 10  # tokens of a line that begins with "read more"

FORMULA, COMMA = 10, 11
"""What the last visible character of a line may be beside the classes of characters."""

(
    TABLE,  # the line is a row of a table
    BULLET,  # it begins with a bullet
    HEADING,  # or with #
    HAS_MATH,  # it holds a formula or a number
    ELLIPSIS,  # an ellipsis after a word, and no token since
    LAST,  # class of the last visible character, or FORMULA; -1 where there is none
    DOLLARS,  # without partner so far: 0 or 1
    BRACKETS,  # \( and \[ less \) and \]
    FIRST_TOKEN,  # of the line
    LONG_BEFORE,  # the line before was long: it ends a paragraph if a blank line follows
    CUT_BEFORE,  # and ended in a letter or comma
) = range(11)
STATES = 11


@njit(cache=True, inline="always")
def enter(row: np.ndarray, line: np.ndarray, size: int) -> int:
    """Count a token of `size` characters; returns 1, or 0 for rows of tables, whose tokens are not kept."""
    row[Count.TOKENS] += 1
    line[ELLIPSIS] = 0
    if line[TABLE]:
        return 0
    row[Count.TOKEN_LETTERS] += size
    return 1


@njit(cache=True)
def begin_line(data: np.ndarray, i: int, stop: int, point: int, line: np.ndarray) -> int:
    """Look at the first visible character of a line; returns how many bytes are passed over, as code or a heading.

    stop: the byte where a formula may begin; a fence goes on beyond it.
    """
    following = data[i + 1] if i + 1 < stop else 0
    if point == 0x7C:  # |
        line[TABLE] = 1
    elif point == 0x60 or point == 0x7E:  # ` ~
        skipped = fence_length(data, i)
        if skipped:
            line[LAST] = PUNCTUATION
        return skipped
    elif point == 0x23:  # #
        end = i
        while end < stop and data[end] == 0x23:
            end += 1
        line[HEADING], line[LAST] = 1, PUNCTUATION
        return end - i
    elif (following == 0x20 and point in (0x2D, 0x2A, 0x2B)) or point in (0x2022, 0xB7) or 0x25A0 <= point <= 0x25FF:
        line[BULLET] = 1  # - * + • · ▪ ● ►
    return 0


@njit(cache=True)
def fence_length(data: np.ndarray, i: int) -> int:
    """Bytes from a code fence at byte i to the end of the line that closes it, or of its own line where none does.

    0 where there is no fence of three and more.
    """
    size = run_length(data, i, data[i])
    if size < 3:
        return 0
    own_end = line_end(data, i)
    end = own_end
    while end < len(data):
        first = end + 1
        while first < len(data) and (data[first] == 0x20 or data[first] == 0x09):
            first += 1
        end = line_end(data, first)
        if first < len(data) and data[first] == data[i] and run_length(data, first, data[i]) >= size:
            return end - i
    return own_end - i


@njit(cache=True)
def run_length(data: np.ndarray, i: int, byte: int) -> int:
    """How often a byte stands from byte i on."""
    end = i
    while end < len(data) and data[end] == byte:
        end += 1
    return end - i


@njit(cache=True)
def line_end(data: np.ndarray, i: int) -> int:
    """Where the next line break is, or the end."""
    while i < len(data) and data[i] != 0x0A:
        i += 1
    return i


@njit(cache=True)
def mark(
    row: np.ndarray, line: np.ndarray, data: np.ndarray, i: int, stop: int, point: int, kind: int, before: int
) -> int:
    """Count a character that is neither letter nor blank; returns 1, or the length of a run of dots, which is one mark.

    before: the character before it, 0 after a formula, a URL or a line break.
    """
    is_garbled = (before == 0xC3 or before == 0xC2) and 0xA0 <= point <= 0xBF  # UTF-8 read as Latin-1
    is_garbled = is_garbled or (before == 0xE2 and point == 0x20AC)
    row[Count.DAMAGED] += 2 if is_garbled else kind == DAMAGE
    row[Count.OPERATORS] += kind == OPERATOR
    last, run = line[LAST], 1
    line[LAST] = COMMA if point == 0x2C or point == 0xFF0C else PUNCTUATION
    if line[TABLE]:
        return run
    if point == 0x2E:
        run = run_length(data[:stop], i, 0x2E)
    if point == 0x2026 or run >= 3:
        follows = last == LETTER or last == CHARACTER or before == 0x5B or before == 0x28  # [ (
        row[Count.ELLIPSES] += follows
        line[ELLIPSIS] |= follows
    row[Count.VISIBLE] += run
    is_shout = point == 0x21 or point == 0x3F or point == 0xFF01 or point == 0xFF1F
    was_shout = before == 0x21 or before == 0x3F or before == 0xFF01 or before == 0xFF1F
    row[Count.SYMBOLS] += kind == SYMBOL or (is_shout and was_shout)
    row[Count.UNLETTERED] += run if kind != OPERATOR else 0
    following = data[i + 1] if i + 1 < stop else 0
    if point == 0x24 and before != 0x5C:  # money is followed by something else than the first character of a formula
        opens = 0x61 <= following | 0x20 <= 0x7A or following == 0x5C or following == 0x7B or following == 0x28
        line[DOLLARS] = opens and not line[DOLLARS]
    elif before == 0x5C and (point == 0x28 or point == 0x5B):
        line[BRACKETS] += 1
    elif before == 0x5C and (point == 0x29 or point == 0x5D):
        line[BRACKETS] -= 1
    return run


@njit(cache=True)
def end_line(row: np.ndarray, tokens: Tokens, n: int, n_lines: int, line: np.ndarray, words: Vocabulary) -> int:
    """Count what is known of a line at its end, and begin the next one; returns the number of lines with tokens."""
    if line[LAST] < 0:  # a blank line ends a paragraph
        row[Count.PARAGRAPHS] += line[LONG_BEFORE]
        row[Count.CUT_SENTENCES] += line[LONG_BEFORE] & line[CUT_BEFORE]
        line[LONG_BEFORE] = 0
        return n_lines
    size = n - line[FIRST_TOKEN]
    has_letter_last = line[LAST] == LETTER or line[LAST] == CHARACTER
    line[LONG_BEFORE] = size >= LONG_LINE and not line[BULLET] and not line[HEADING]
    line[CUT_BEFORE] = has_letter_last or line[LAST] == COMMA
    if size:
        row[Count.LINES] += 1
        row[Count.MENU_LINES] += line[BULLET] and not line[HAS_MATH] and has_letter_last
        is_boilerplate, goes_on = count_phrases(row, tokens, line[FIRST_TOKEN], n, words)
        goes_on = goes_on or line[ELLIPSIS] == 1
        row[Count.CUT_LINES] += goes_on
        row[Count.CUT_FORMULAS] += line[DOLLARS] == 1 or line[BRACKETS] != 0
        if goes_on or not is_boilerplate:  # what stands below "read more" is often of this kind
            row[Count.ENDS_CUT] = goes_on
        tokens.line_ends[n_lines] = n
        tokens.is_drill[n_lines] = line[HAS_MATH] == 1 and size <= DRILL_TOKENS
        n_lines += 1
    for state in range(LONG_BEFORE):
        line[state] = 0
    line[LAST], line[FIRST_TOKEN] = -1, n
    return n_lines


@njit(cache=True)
def count_phrases(row: np.ndarray, tokens: Tokens, start: int, end: int, words: Vocabulary) -> tuple[bool, bool]:
    """Count the phrases in the tokens of a line, the longest at each place, none within another.

    Returns whether there is one of boilerplate, and whether the line says that the text goes on elsewhere.
    """
    known, firsts, bounds, phrase_tokens = tokens.known, words.firsts, words.bounds, words.tokens
    is_boilerplate, goes_on = False, False
    i = start
    while i < end:
        found = 1
        for phrase in range(firsts[known[i]], firsts[known[i] + 1]):
            first, size = bounds[phrase], bounds[phrase + 1] - bounds[phrase]
            k = 1
            while k < size and i + k < end and known[i + k] == phrase_tokens[first + k]:
                k += 1
            if k < size:
                continue
            kind = words.kinds[phrase]
            is_boilerplate = is_boilerplate or kind == BOILERPLATE
            if kind == CONTINUED and (i + size == end or (i == start and end - start <= SHORT_NOTICE)):
                goes_on = True
            row[Count.PLACEHOLDER_TOKENS] += size if kind == PLACEHOLDER else 0
            row[Count.SPAM_TOKENS] += size if kind == SPAM else 0
            row[Count.SPAM_PHRASES] += kind == SPAM
            found = size
            break
        i += found
    if is_boilerplate:
        for i in range(start, end):
            row[Count.BOILERPLATE_LETTERS] += tokens.letters[i]
    return is_boilerplate, goes_on


@njit(cache=True)
def link_length(data: np.ndarray, i: int, stop: int) -> int:
    """Bytes of the URL at byte i, or 0: "http://", "https://" or "www." and what follows up to a blank or bracket."""
    end = i
    if starts_with(data, i, stop, HTTP):
        end = i + 4 + (i + 4 < stop and data[i + 4] | 0x20 == 0x73)
        if not starts_with(data, end, stop, AUTHORITY):
            return 0
    elif not starts_with(data, i, stop, WWW):
        return 0
    while end < stop and 0x20 < data[end] < 0x7F and not is_closing(data[end]):
        end += 1
    return end - i


HTTP, AUTHORITY, WWW = (np.frombuffer(word, np.uint8) for word in (b"http", b"://", b"www."))


@njit(cache=True)
def starts_with(data: np.ndarray, i: int, stop: int, word: np.ndarray) -> bool:
    """Whether a word in lower case stands at byte i, in any case."""
    if i + len(word) > stop:
        return False
    for k in range(len(word)):
        byte = data[i + k]
        if (byte + 0x20 if 0x41 <= byte <= 0x5A else byte) != word[k]:
            return False
    return True


@njit(cache=True)
def is_closing(byte: int) -> bool:
    """Whether a URL ends before a byte: ) ] > " ` | }."""
    return byte in (0x29, 0x5D, 0x3E, 0x22, 0x60, 0x7C, 0x7D)
