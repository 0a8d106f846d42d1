"""Tell the numbers and the signs among math-aware tokens from the words.

Deduplication asks whether two texts have the same numbers and operators, decontamination whether they are the same but
for their numbers. A token's kind follows from the character that it begins with; only commands, Unicode scripts and
fractions need a look at the token itself. One array operation for a whole batch, a few Python calls per text.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from mathmill.core.mathcharacters import DIGIT, EXPANSION, MARK, SUBSCRIPT, SUPERSCRIPT, SYMBOL, tables
from mathmill.core.mathtokens import token_hash, token_spans

WORD, NUMBER, SIGN = 0, 1, 2
"""Kinds of tokens: words and letters (Greek and CJK too), numbers, and operators, relations, brackets, script marks."""


class Tokens(NamedTuple):
    """Tokens of texts, one after the other: those of text i are `[offsets[i]:offsets[i + 1]]`."""

    hashes: np.ndarray  # uint64 (n_tokens,)
    kinds: np.ndarray  # uint8 (n_tokens,)
    offsets: np.ndarray  # int64 (n_texts + 1,)


class LocatedTokens(NamedTuple):
    """Tokens and the text that they come from: int64 (n_tokens,) `starts` and `ends` are places in `points`."""

    tokens: Tokens
    starts: np.ndarray
    ends: np.ndarray
    points: np.ndarray  # uint32 (n_characters,): code points of all texts


def classify_tokens(texts: Sequence[str]) -> Tokens:
    """Hash the tokens of texts, as `mathtokens.hash_tokens` does, and say their kinds."""
    return locate_tokens(texts).tokens


def locate_tokens(texts: Sequence[str]) -> LocatedTokens:
    """Do the same, and say where the tokens stand."""
    spans = [token_spans(text) for text in texts]
    offsets = np.cumsum([0, *(len(span.hashes) for span in spans)], dtype=np.int64)
    # a surrogate that stands alone has no UTF-8; `token_spans` reads a question mark there, too
    points = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), np.uint32)
    none = np.zeros(0, np.int64)
    if not offsets[-1]:
        return LocatedTokens(Tokens(np.zeros(0, np.uint64), np.zeros(0, np.uint8), offsets), none, none, points)
    hashes = np.concatenate([span.hashes for span in spans])
    shifts = np.repeat(np.cumsum([0, *map(len, texts)])[:-1], np.diff(offsets))
    starts = np.concatenate([span.starts for span in spans]) + shifts
    ends = np.concatenate([span.ends for span in spans]) + shifts
    first = points[np.minimum(starts, len(points) - 1)]
    return LocatedTokens(Tokens(hashes, _kinds(hashes, first, starts == ends), offsets), starts, ends, points)


def _kinds(hashes: np.ndarray, first: np.ndarray, is_empty: np.ndarray) -> np.ndarray:
    """Kinds of tokens from their hashes, the code points that they begin with, and whether their span is empty."""
    table = _kind_by_code_point()
    kinds = table[np.minimum(first, len(table) - 1)]
    kinds[is_empty] = SIGN  # the slash of a fraction, the caret of ²
    doubtful = np.flatnonzero(kinds >= _COMMAND)
    if len(doubtful):
        is_sign = np.isin(hashes[doubtful], _sign_hashes())
        kinds[doubtful] = np.where(is_sign, SIGN, np.where(kinds[doubtful] == _COMMAND, WORD, NUMBER))
    return kinds


_COMMAND, _NUMBER_OR_SIGN = 3, 4


@cache
def _kind_by_code_point() -> np.ndarray:
    classes, folded, *_ = tables()
    kinds = np.full(len(classes), WORD, np.uint8)
    kinds[(classes == SYMBOL) | (classes == MARK)] = SIGN
    scripts = (classes == SUPERSCRIPT) | (classes == SUBSCRIPT)
    is_digit = (folded >= ord("0")) & (folded <= ord("9"))
    kinds[scripts & ~is_digit] = _COMMAND  # a letter or a sign
    kinds[scripts & is_digit | (classes == EXPANSION)] = _NUMBER_OR_SIGN
    kinds[classes == DIGIT] = NUMBER
    kinds[ord(".")] = NUMBER  # .5
    kinds[ord("\\")] = _COMMAND
    kinds[-1] = WORD  # and all beyond
    return kinds


@cache
def _sign_hashes() -> np.ndarray:
    classes, folded, *_ = tables()
    signs = np.unique(folded[(classes == SYMBOL) | (classes == MARK)])
    return np.array([token_hash(chr(point)) for point in signs.tolist()], np.uint64)
