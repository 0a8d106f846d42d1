r"""Tokens for finding leaks: the math-aware tokens, rid of what still tells two spellings of one problem apart.

Deduplication may take `2 x y` for other than `2xy`, decontamination may not. So letters and functions in a row become
one token (`\ln x`, `lnx` and `ln x`; `A B C` and `ABC`), names in ASCII become what they name (`sqrt`, `pi`), brackets
stay only around a sum or a relation (`\frac{x^2}{4}` is `x²/4`, `2(x+3)` is not `2x+3`), and marks of typesetting go
(`\vec`, `_`, the hyphen of `$y$-axis`). Of leaks in other
notation it finds 98 to 100 % where plain tokens find 32 to 98 % (docs/quality.md), in a fifth of the tokeniser's time.
"""

import re
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from numba import njit

from mathmill.core.mathcharacters import FNV_OFFSET, FNV_PRIME, JOINER, tables
from mathmill.core.mathlexer import mix
from mathmill.core.mathnorm import FUNCTION_NAMES
from mathmill.core.mathtokens import token_hash
from mathmill.curation.ngram_index import find, hash_table
from mathmill.curation.token_kinds import NUMBER, SIGN, WORD, Tokens, locate_tokens


def leak_tokens(texts: Sequence[str]) -> Tokens:
    """Tokens of texts in the spelling that leaks are looked for in."""
    tokens, starts, ends, points = locate_tokens([_plain(text) for text in texts])
    if not len(tokens.hashes):
        return tokens
    classes, folded, *_ = tables()
    joined, roles, lengths = _join_words(tokens, starts, ends, points, classes, folded, *_vocabulary())
    kept = _settle_signs(joined.offsets, roles, lengths)
    offsets = np.concatenate(([0], np.cumsum(kept)))[joined.offsets]
    return Tokens(joined.hashes[kept], joined.kinds[kept], offsets)


_WRAPPED = re.compile(r"\n(?<=[\w)}\]$]\n)[ \t]*(?=[-+<>]\s?(?:[\\\d({\[|]|[A-Za-z](?![A-Za-z])))")
_FIGURE = re.compile(r"\[asy\](.*?)\[/asy\]", re.DOTALL | re.IGNORECASE)
_WIDE = re.compile(r"[０-９]")
_WIDE_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")


def _plain(text: str) -> str:
    r"""Take the code of a figure for a word, join a line that begins with an operator to the formula before it, spell
    `\not=` and `10,\!000` in one, narrow digits.
    """
    if "[asy]" in text or "[ASY]" in text:
        text = _FIGURE.sub(_figure_words, text)
    if "\n" in text:
        text = _WRAPPED.sub(" ", text)
    if "\\not" in text or "\\!" in text:
        text = re.sub(r"\\not\s*=", r"\\neq ", text).replace(",\\!", ",")
    if not text.isascii() and _WIDE.search(text):
        text = re.sub(r"(?<=\d)，(?=\d{3}(?!\d))", ",", text.translate(_WIDE_DIGITS))
    return text


def _figure_words(match: re.Match[str]) -> str:
    """Three words for the code of a figure: by its length it would outweigh the question, which is asked of it."""
    code = _LABEL.sub(lambda label: re.sub(r"\D", "", label[0]), match[1])  # a label may be in any notation
    code = re.sub(r"\W+", "", code).lower()
    word = f"{zlib.crc32(code.encode('utf-8', 'replace')):08x}".translate(_LETTERS_FOR_DIGITS)
    return f" figure{word} code{word} image{word} "


_LABEL = re.compile(r'"[^"]*"')
_LETTERS_FOR_DIGITS = str.maketrans("0123456789", "ghijklmnop")

_LETTER, _FUNCTION, _GREEK, _NAME, _PROSE = 1, 2, 3, 4, 5
_OPEN, _CLOSE, _MINUS, _SUM, _SLASH, _ROOT, _PASSED_OVER = 6, 7, 8, 9, 10, 11, 12
"""Roles of tokens, 0 being any other. Letters, functions and words of two letters that are not prose make products."""

_REPLACED = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "theta": "θ", "lambda": "λ", "sigma": "σ", "phi": "φ",
    "omega": "ω", "pi": "π", "sqrt": "√", "pmod": "mod", "bmod": "mod",
    "binom": "binom", "dbinom": "binom", "tbinom": "binom",
}  # fmt: skip
_ROLES = {
    _LETTER: "abcdefghijklmnopqrstuvwxyz",
    _FUNCTION: [name.lower() for name in FUNCTION_NAMES],
    _GREEK: [*map(chr, range(0x3B1, 0x3CA)), *"ℏℜℑℵ"],
    _NAME: _REPLACED,
    _PROSE: "am an as at be by do go he if in is it me my no of on or so to up us we".split(),  # noqa: SIM905
    _OPEN: "(", _CLOSE: ")", _MINUS: "-", _SUM: "+±∓=<>≤≥≠≈≡", _SLASH: "/", _ROOT: "√",
    _PASSED_OVER: "_*∙|‖∥!:",  # written in too many ways, or left out: `a_1` is `a1`, `2·x` is `2x`
}  # fmt: skip


_MAX_DEPTH = 64
_MAX_GAP = 24  # characters between two letters of one product


@cache
def _vocabulary() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A hash table of tokens with a role, their roles, and the hashes that stand for them."""
    roles = {token: role for role, tokens in _ROLES.items() for token in tokens}
    keys, slots = hash_table(np.array([token_hash(token) for token in roles], np.uint64))
    by_slot, spellings = np.zeros(len(keys), np.uint8), np.zeros(len(keys), np.uint64)
    for slot, (token, role) in zip(slots.tolist(), roles.items(), strict=True):
        by_slot[slot], spellings[slot] = role, token_hash(_REPLACED.get(token, token))
    return keys, by_slot, spellings


_ROOT_SIGN = np.uint64(token_hash("√"))


@njit(cache=True)
def _join_words(
    tokens: Tokens,
    starts: np.ndarray,
    ends: np.ndarray,
    points: np.ndarray,
    classes: np.ndarray,
    folded: np.ndarray,
    keys: np.ndarray,
    role_by_slot: np.ndarray,
    spellings: np.ndarray,
) -> tuple[Tokens, np.ndarray, np.ndarray]:
    """Join the letters of products, replace names, pass over what goes; with roles and letters of what is left."""
    hashes, kinds = np.empty_like(tokens.hashes), np.empty_like(tokens.kinds)
    roles, lengths = np.empty_like(kinds), np.zeros(len(kinds), np.uint8)
    offsets = np.zeros(len(tokens.offsets), np.int64)
    n = 0
    for text in range(len(offsets) - 1):
        value, product_end = FNV_OFFSET, -1  # of the product that the last token is
        for i in range(tokens.offsets[text], tokens.offsets[text + 1]):
            token, kind, start, end = tokens.hashes[i], tokens.kinds[i], starts[i], ends[i]
            is_command = kind == WORD and start < end and points[start] == 0x5C
            length = end - start - is_command
            slot = find(keys, token) if kind != NUMBER and length <= 8 else np.int64(-1)
            role = role_by_slot[slot] if slot >= 0 else np.uint8(0)
            if role == _PASSED_OVER or (is_command and role == 0):
                continue
            if role in (_LETTER, _FUNCTION) or (kind == WORD and role == 0 and _is_product(points, start, end)):
                if product_end < 0 or not _is_product_gap(points, product_end, start, end):
                    value = FNV_OFFSET
                    lengths[n] = 0
                    n += 1
                for j in range(start + is_command, end):
                    if points[j] < len(folded) and classes[points[j]] != JOINER:
                        value = (value ^ np.uint64(folded[points[j]])) * FNV_PRIME
                        lengths[n - 1] = min(lengths[n - 1] + 1, 3)
                hashes[n - 1], kinds[n - 1], roles[n - 1], product_end = mix(value), WORD, 0, end
                continue
            product_end = -1
            hashes[n], kinds[n], roles[n] = spellings[slot] if role == _NAME else token, kind, role
            if role == _NAME and hashes[n] == _ROOT_SIGN:
                kinds[n] = SIGN
            lengths[n] = 0 if kind != WORD else 3 if role in (_GREEK, _NAME) else min(length, 3)
            n += 1
        offsets[text + 1] = n
    return Tokens(hashes[:n], kinds[:n], offsets), roles[:n], lengths[:n]


@njit(cache=True)
def _settle_signs(offsets: np.ndarray, roles: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Which tokens stay, bool (n,): no hyphens, no `//`, no brackets but around a sum or a relation."""
    kept = np.ones(len(roles), np.bool_)
    opened, sums = np.empty(_MAX_DEPTH, np.int64), np.empty(_MAX_DEPTH, np.int64)
    for text in range(len(offsets) - 1):
        depth, stop = 0, offsets[text + 1]
        for i in range(offsets[text], stop):
            role = roles[i]
            if role == _MINUS and i + 1 < stop and _is_hyphen(i, roles, lengths, offsets[text]):
                kept[i] = False
            elif role in (_MINUS, _SUM):
                if depth and i > opened[depth - 1] + 1:
                    sums[depth - 1] += 1
            elif role == _OPEN:
                if depth == _MAX_DEPTH:
                    depth = 0
                opened[depth], sums[depth] = i, 0
                depth += 1
            elif role == _CLOSE and depth:
                depth -= 1
                if sums[depth] == 0:
                    kept[i] = kept[opened[depth]] = False
            elif role == _SLASH and i > offsets[text] and roles[i - 1] == _SLASH:  # a // b, parallel
                kept[i - 1 : i + 1] = False
    return kept


@njit(cache=True)
def _is_hyphen(i: int, roles: np.ndarray, lengths: np.ndarray, first: int) -> bool:
    r"""Whether a minus has a longer word beside it: in `x-axis`, in `1-sqrt(2)`, and so in LaTeX's `1-\sqrt 2`."""
    if roles[i + 1] == _ROOT or lengths[i + 1] == 3:
        return True
    return lengths[i + 1] > 0 and i > first and lengths[i - 1] == 3


@njit(cache=True)
def _is_product_gap(points: np.ndarray, first: int, start: int, end: int) -> bool:
    r"""Whether characters between letters leave them a product: no punctuation, but LaTeX's spaces (`\,`); a line may
    end there unless the next one is an option ("A.").
    """
    if start - first > _MAX_GAP:
        return False
    for i in range(first, start):
        point = points[i]
        if point == 0x0A and end < len(points) and points[end] in (0x2E, 0x29, 0x3A, 0x3001, 0xFF0E):
            return False
        if point in (0x2D, 0x2E, 0x3F, 0x2C, 0x3A, 0x3B, 0x21) and (i == first or points[i - 1] != 0x5C):
            return False
        if point in (0x3001, 0x3002, 0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F, 0xFF01):
            return False
    return True


@njit(cache=True)
def _is_product(points: np.ndarray, start: int, end: int) -> bool:
    """Whether a word is two letters, or functions with at most two letters beside each: `sinx` (and "using")."""
    if end - start == 2:
        return points[start] < 0x80
    if end - start < 3 or end - start > 12:
        return False
    found, letters, i = False, 0, start
    while i < end:
        length = _function_at(points, i, end)
        letters = 0 if length else letters + 1
        found = found or length > 0
        if letters > 2:
            return False
        i += max(length, 1)
    return found


@njit(cache=True)
def _function_at(points: np.ndarray, i: int, end: int) -> int:
    """Length of the name of a function at character i, 0 if there is none."""
    a = points[i] | 0x20
    if a not in (0x73, 0x63, 0x74, 0x6C):
        return 0
    b = points[i + 1] | 0x20 if i + 1 < end else 0
    c = points[i + 2] | 0x20 if i + 2 < end else 0
    if a == 0x6C:  # ln, lg, log
        return 2 if b in (0x6E, 0x67) else 3 if b == 0x6F and c == 0x67 else 0
    if a == 0x73:  # sin, sec
        return 3 if (b == 0x69 and c == 0x6E) or (b == 0x65 and c == 0x63) else 0
    if a == 0x74:  # tan
        return 3 if b == 0x61 and c == 0x6E else 0
    is_cosine = (b == 0x6F and c in (0x73, 0x74)) or (b == 0x73 and c == 0x63)  # cos, cot, csc
    return 3 if is_cosine else 0
