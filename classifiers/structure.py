"""What a problem looks like without its numbers and letters: shapes of formulas, sizes, depth, the form of the answer.

A problem's level shows in how its formulas are built more than in which numbers stand in them. On MATH's training part
the n-grams of shapes (`2x^2+13x` and `5y^2+4y` are both `0v^0+0v`) rank levels as well as those of words do, and what
is counted here adds 0.006 to the rank correlation, with the solution 0.010.
"""

import numpy as np
from numba import njit

from mathmill.classifiers.normalise import BACKSLASH, SPACE

STRUCTURE = (
    "drawing", "numbers", "distinct numbers", "largest number", "sum of numbers", "numbers above 9", "numbers below 3",
    "decimals", "words", "letters of words", "distinct words", "commands", "distinct commands", "formulas",
    "longest formula", "tokens of formulas", "depth", "distinct letters", "alignments", "line ends",
    "answer", "whole answer", "value of the answer", "letters of the answer", "commands of the answer",
    "before the answer",
)  # fmt: skip
"""What `count_structure` counts; sizes are in tokens. The answer is what stands in the last `\\boxed`."""

DIGIT, LETTER, WORD, COMMAND, SIGN = 0, 1, 2, 3, 4
_LARGEST = 1e12


def fnv(token: str) -> np.int64:
    """Hash a token as `mathmill.classifiers.features.token_hashes` does."""
    key = 0xCBF29CE484222325
    for byte in token.encode():
        key = (key ^ byte) * 1099511628211 % 2**64
    return np.int64(key - 2**64 if key >= 2**63 else key)


_DRAWING, _SLASH, _DOLLAR, _BOXED = fnv("asy"), fnv("/"), fnv("$"), fnv("\\boxed")
_OPEN, _CLOSE, _OPEN_ROUND, _CLOSE_ROUND = fnv("{"), fnv("}"), fnv("("), fnv(")")
_FULL_STOP, _ALIGNMENT, _LINE_END, _ARTICLE = fnv("."), fnv("&"), fnv("\\\\"), fnv("a")
_OPEN_DISPLAY, _CLOSE_DISPLAY = fnv("\\["), fnv("\\]")
_ANY_NUMBER, _ANY_LETTER = fnv("0"), fnv("v")


@njit(cache=True)
def classes_of(tokens: np.ndarray, start: int, end: int, n_words: int) -> np.ndarray:
    """Say of each token of tokens[start:end] what it is made of: int8 (n_words,)."""
    result = np.empty(n_words, np.int8)
    word, first = 0, start
    for i in range(start, end + 1):
        if (i == end or tokens[i] == SPACE) and word < n_words:
            lead = tokens[first] if first < end else SPACE
            letter = 0x61 <= lead <= 0x7A or lead >= 0xC3
            result[word] = (
                DIGIT if 0x30 <= lead <= 0x39
                else COMMAND if lead == BACKSLASH
                else SIGN if not letter
                else LETTER if i - first == 1
                else WORD
            )  # fmt: skip
            word += 1
            first = i + 1
    return result


@njit(cache=True)
def shapes_of(words: np.ndarray, classes: np.ndarray, first: int, end: int) -> np.ndarray:
    """Give the tokens words[first:end] with each number as one sign, each letter as another, and without drawings."""
    result = np.empty(max(end - first, 0), np.int64)
    n = 0
    drawing = False
    for i in range(first, end):
        if words[i] == _DRAWING and i > first:
            drawing = words[i - 1] != _SLASH
        elif not drawing:
            if classes[i] == DIGIT:
                if i > first and classes[i - 1] == DIGIT:
                    continue
                result[n] = _ANY_NUMBER
            elif classes[i] == LETTER and words[i] != _ARTICLE:
                result[n] = _ANY_LETTER
            else:
                result[n] = words[i]
            n += 1
    return result[:n]


@njit(cache=True)
def n_distinct(hashes: np.ndarray) -> int:
    """Count the different values of an array, which is sorted in place."""
    hashes.sort()
    n = min(len(hashes), 1)
    for i in range(1, len(hashes)):
        n += hashes[i] != hashes[i - 1]
    return n


@njit(cache=True)
def count_structure(
    tokens: np.ndarray, words: np.ndarray, classes: np.ndarray, first: int, end: int, out: np.ndarray
) -> None:
    """Count `STRUCTURE` in words[first:end] into out: float64 (len(STRUCTURE),), zeros before.

    tokens: the text's bytes, those of words[0], a space, those of words[1] and so on.
    """
    numbers, plain, commands = np.empty((3, max(end - first, 0)), np.int64)
    n_numbers = n_plain = n_commands = 0
    letters = np.zeros(26, np.bool_)
    place = 0
    value = 0.0
    drawing = formula = False
    length = depth = 0
    boxed = -1
    for i in range(end):
        begin = place
        while place < len(tokens) and tokens[place] != SPACE:
            place += 1
        size = place - begin
        place += 1
        if i < first:
            continue
        word, kind = words[i], classes[i]
        if word == _DRAWING and i > first:
            drawing = words[i - 1] != _SLASH
        if drawing:
            out[0] += 1
            continue
        if kind == DIGIT:
            value = min(value * 10 + (tokens[begin] - 0x30), _LARGEST)
            if i + 1 == end or classes[i + 1] != DIGIT:
                numbers[n_numbers] = np.int64(value)
                n_numbers += 1
                out[3] = max(out[3], value)
                out[4] += value
                out[5] += value > 9
                out[6] += value < 3
                value = 0.0
        elif kind == COMMAND:
            commands[n_commands] = word
            n_commands += 1
            boxed = i if word == _BOXED else boxed
            out[19] += word == _LINE_END
        elif kind == WORD and not formula:
            plain[n_plain] = word
            n_plain += 1
            out[9] += size
        elif kind == LETTER and formula:
            letters[tokens[begin] - 0x61] = True
        out[7] += word == _FULL_STOP and i > first and i + 1 < end and classes[i - 1] == classes[i + 1] == DIGIT
        out[18] += word == _ALIGNMENT
        depth += int(word in (_OPEN, _OPEN_ROUND)) - int(word in (_CLOSE, _CLOSE_ROUND))
        depth = max(depth, 0)
        out[16] = max(out[16], depth)
        if word in (_DOLLAR, _OPEN_DISPLAY, _CLOSE_DISPLAY):
            formula = word == _OPEN_DISPLAY or (word == _DOLLAR and not formula)
            out[13] += formula
            length = 0
        elif formula:
            length += 1
            out[15] += 1
            out[14] = max(out[14], length)
    out[1], out[8], out[11] = n_numbers, n_plain, n_commands
    out[2], out[10], out[12] = (
        n_distinct(numbers[:n_numbers]), n_distinct(plain[:n_plain]), n_distinct(commands[:n_commands])
    )  # fmt: skip
    out[17] = letters.sum()
    if boxed >= 0:
        _count_answer(tokens, words, classes, boxed, end, out)
        out[25] = boxed - first


@njit(cache=True)
def _count_answer(
    tokens: np.ndarray, words: np.ndarray, classes: np.ndarray, boxed: int, end: int, out: np.ndarray
) -> None:
    """Count what stands in the braces behind words[boxed], without them."""
    place = 0
    for _ in range(boxed + 1):
        while place < len(tokens) and tokens[place] != SPACE:
            place += 1
        place += 1
    depth = n_digits = 0
    value = 0.0
    for i in range(boxed + 1, end):
        first = place
        while place < len(tokens) and tokens[place] != SPACE:
            place += 1
        place += 1
        depth += int(words[i] == _OPEN) - int(words[i] == _CLOSE)
        if depth <= 0:
            break
        if words[i] == _OPEN and depth == 1:
            continue
        out[20] += 1
        out[23] += classes[i] == LETTER
        out[24] += classes[i] == COMMAND
        if classes[i] == DIGIT:
            n_digits += 1
            value = min(value * 10 + (tokens[first] - 0x30), _LARGEST)
    if out[20] == n_digits:
        out[21] = 1
        out[22] = value
