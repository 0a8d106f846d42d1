r"""Split text into words as vocabularies in use do, compiled: GPT-4, Llama 3 and Qwen; GPT-2; SmolLM2.

Their patterns have a fixed form, so it is written out here as a loop over bytes (70 to 100 MB a second of math prose on
one core) in place of a regular expression engine that looks ahead and backtracks:
`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
What is a letter, a number or a space is asked of the library itself, so that both follow the same edition of Unicode.
Words that end where capitals begin (GPT-4o) are in `cased_words`.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from tokenizers import Regex, pre_tokenizers

from mathmill.tokenize.vocabulary.byte_level import GPT2_PATTERN, GPT4_PATTERN, O200K_PATTERN

OTHER, LETTER, NUMBER, SPACE, NEWLINE, UPPER, LOWER, MARK = range(8)
"""Classes of characters. Of a pattern that tells cases apart, LETTER is one without case, and MARK is no OTHER."""

LAST_ASSIGNED = 0x40000
"""Beyond this point Unicode has neither letters nor numbers nor spaces: tags, selectors, private use."""


class WordForm(NamedTuple):
    r"""What the patterns differ in.

    digits: of one word at most. gpt4: contractions without regard to case, any character but a line end goes with the
    letters after it, line ends with the symbols before them and with white space (`\s*[\r\n]+`); else GPT-2's way.
    numbers_apart: the text is split at digits before anything else (`Digits`), so that a word ends there as at the end
    of the text. cased: capitals begin a word. suffixes: contractions are the end of a word, not a word.
    """

    digits: int
    gpt4: bool = False
    numbers_apart: bool = False
    cased: bool = False
    suffixes: bool = False


_ANY = np.iinfo(np.int64).max
_TEKKEN = O200K_PATTERN.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "")

FORMS = {
    (GPT2_PATTERN,): WordForm(_ANY),
    (r"\p{N}", GPT2_PATTERN): WordForm(1, numbers_apart=True),
    (GPT4_PATTERN,): WordForm(3, gpt4=True),
    (GPT4_PATTERN.replace("{1,3}", ""),): WordForm(1, gpt4=True),
    (O200K_PATTERN,): WordForm(3, gpt4=True, cased=True, suffixes=True),
    (O200K_PATTERN.replace("{1,3}", ""),): WordForm(1, gpt4=True, cased=True, suffixes=True),
    (_TEKKEN,): WordForm(3, gpt4=True, cased=True),
    (_TEKKEN.replace("{1,3}", ""),): WordForm(1, gpt4=True, cased=True),
}
r"""By the patterns that are applied one after another; `\p{N}` first is `Digits`, with each digit alone."""


def form_of(patterns: Sequence[str]) -> WordForm | None:
    """How texts are split by patterns that are applied one after another; None where that is not known here."""
    return FORMS.get(tuple(patterns))


@cache
def character_classes(numbers_apart: bool = False, cased: bool = False) -> npt.NDArray[np.uint8]:
    """The class of every code point, as the library sees it: uint8 (0x110000,).

    Its regular expressions say what is a letter, a number or white space; with numbers_apart `Digits` says what is a
    number, which follows a later edition of Unicode (13 characters more in tokenizers 0.23).
    """
    codes = np.concatenate([np.arange(0xD800), np.arange(0xE000, LAST_ASSIGNED)])
    everything = codes.astype("<u4").tobytes().decode("utf-32-le")
    classes = np.zeros(0x110000, np.uint8)
    named = [(r"\p{L}", LETTER), (r"\p{N}", NUMBER), (r"\s", SPACE)]
    named += [(r"[\p{Lu}\p{Lt}]", UPPER), (r"\p{Ll}", LOWER), (r"\p{M}", MARK)] if cased else []
    for name, number in named:
        member = np.ones(len(codes), bool)
        for _, (start, end) in pre_tokenizers.Split(Regex(f"{name}+"), "removed").pre_tokenize_str(everything):
            member[start:end] = False
        classes[codes[member]] = number
    if numbers_apart:
        for _, (start, end) in pre_tokenizers.Digits(individual_digits=False).pre_tokenize_str(everything)[1::2]:
            classes[codes[start:end]] = NUMBER  # pieces with and without numbers alternate, U+0000 is in the first
    classes[[10, 13]] = NEWLINE
    return classes


@njit(cache=True, inline="always")
def character_at(data, i, end):  # type: ignore[no-untyped-def]
    """The code point at byte i and the byte after it; broken UTF-8 counts byte by byte as U+FFFD."""
    first = np.int64(data[i])
    if first < 0x80:
        return first, i + 1
    if first >= 0xF0 and first < 0xF5 and i + 3 < end:
        code = (first & 7) << 18 | (np.int64(data[i + 1]) & 63) << 12
        code |= (np.int64(data[i + 2]) & 63) << 6 | (np.int64(data[i + 3]) & 63)
        return (code, i + 4) if code < 0x110000 else (np.int64(0xFFFD), i + 1)
    if first >= 0xE0 and first < 0xF0 and i + 2 < end:
        return (first & 15) << 12 | (np.int64(data[i + 1]) & 63) << 6 | (np.int64(data[i + 2]) & 63), i + 3
    if first >= 0xC0 and first < 0xE0 and i + 1 < end:
        return (first & 31) << 6 | (np.int64(data[i + 1]) & 63), i + 2
    return np.int64(0xFFFD), i + 1


@njit(cache=True, inline="always")
def run_end(data, i, end, classes, wanted):  # type: ignore[no-untyped-def]
    """Past the characters of one class from byte i on."""
    while i < end:
        if data[i] < 0x80:
            if classes[data[i]] != wanted:
                break
            i += 1
            continue
        code, after = character_at(data, i, end)
        if classes[code] != wanted:
            break
        i = after
    return i


@njit(cache=True)
def word_end(data, i, end, classes, form):  # type: ignore[no-untyped-def]
    """Where the word that begins at byte i of data[:end] ends; the alternatives of the pattern in their order."""
    code, after = character_at(data, i, end)
    kind = classes[code]
    if code == 39:
        contraction = contraction_end(data, after, end, form.gpt4)
        if contraction > 0:
            return contraction
    if kind == LETTER:
        return run_end(data, after, end, classes, LETTER)
    if kind == NUMBER:
        return number_end(data, after, end, classes, form.digits - 1)
    follower, beyond = np.uint8(NEWLINE), end
    if after < end:
        next_code, beyond = character_at(data, after, end)
        follower = classes[next_code]
    if follower == LETTER and (code == 32 or (form.gpt4 and kind != NEWLINE)):
        return run_end(data, beyond, end, classes, LETTER)
    if follower == NUMBER and code == 32 and not form.gpt4 and not form.numbers_apart:
        return number_end(data, beyond, end, classes, form.digits - 1)
    if kind == OTHER or (code == 32 and follower == OTHER):
        after = run_end(data, after, end, classes, OTHER)
        return run_end(data, after, end, classes, NEWLINE) if form.gpt4 else after
    return space_end(data, i, end, classes, form)


@njit(cache=True, inline="always")
def number_end(data, i, end, classes, more):  # type: ignore[no-untyped-def]
    """Past at most `more` further numbers."""
    while more > 0 and i < end:
        code, after = character_at(data, i, end)
        if classes[code] != NUMBER:
            break
        i = after
        more -= 1
    return i


@njit(cache=True)
def contraction_end(data, i, end, any_case):  # type: ignore[no-untyped-def]
    """The end of s, t, re, ve, m, ll or d after an apostrophe; 0 where there is none of them."""
    if i >= end:
        return 0
    lower = np.uint8(0x20 if any_case else 0)
    first = data[i] | lower
    if first == 115 or first == 116 or first == 109 or first == 100:
        return i + 1
    if i + 1 < end:
        second = data[i + 1] | lower
        if (first == 114 or first == 118) and second == 101:
            return i + 2
        if first == 108 and second == 108:
            return i + 2
        if any_case and data[i] == 0xC5 and data[i + 1] == 0xBF:  # ſ is an s without regard to case
            return i + 2
    return 0


@njit(cache=True)
def space_end(data, i, end, classes, form):  # type: ignore[no-untyped-def]
    r"""`\s*[\r\n]+|\s+(?!\S)|\s+`: to the last newline of the run, else all of it but one space before a word.

    GPT-2's has no `\s*[\r\n]+`.
    """
    after_newline = np.int64(-1)
    last = i  # where the run's last character begins
    position = i
    whole = True
    while position < end:
        code, after = character_at(data, position, end)
        kind = classes[code]
        if kind != SPACE and kind != NEWLINE:
            whole = form.numbers_apart and kind == NUMBER
            break
        last = position
        position = after
        if kind == NEWLINE:
            after_newline = position
    if form.gpt4 and after_newline >= 0:
        return after_newline
    return position if whole or last == i else last
