"""Character classes and command codes as arrays, for the numba lexer (`mathlexer`).

Every code point below U+20000 has a class and a folded code point; every LaTeX command that means something special
has a code, found by its hash in an open-addressing table. The characters' part is read from `mathcharacters.npz`, since
building it takes 0.7 s of every process, and since the Unicode of a Python version must not change what comes out;
`python -m mathmill.core.mathcharacters` writes it anew from `mathsymbols`.
"""

import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mathmill.core.mathsymbols import (
    COMMAND_SYMBOLS,
    DISPLAY_ENVIRONMENTS,
    DROPPED_ARGUMENT_COMMANDS,
    FRACTION_COMMANDS,
    SKIPPED_COMMANDS,
    fold_character,
)

SPACE, JOINER, LETTER, DIGIT, GREEK, CJK, SYMBOL, SUPERSCRIPT, SUBSCRIPT, LIGATURE, EXPANSION, MARK = range(12)
"""Classes. JOINER: invisible, does not end a word. LIGATURE: several letters. EXPANSION: several tokens (½ is 1/2).
MARK: an ASCII character whose meaning hangs on its neighbours. SPACE: separates tokens and is none itself."""

N_CODE_POINTS = 0x20000
LAST_CJK_CODE_POINT = 0x323AF

SKIP, FRACTION, DROP_ARGUMENT, BEGIN, END, DELIMITER, SKIP_WITH_ARGUMENT, OVER = range(8)
"""Codes of commands; a larger code is the code point of the symbol that the command stands for."""

FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)

_MARKS = frozenset("\\{}()[]^_*-/:!|'.#+=<>")
_DELIMITER_COMMANDS = frozenset(
    "left right middle big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm".split()  # noqa: SIM905
)
_EXTRA_SYMBOLS = frozenset(COMMAND_SYMBOLS.values()) | frozenset("%°′")
_NO_SYMBOLS = frozenset("∎~")  # of category Sm all the same
_CJK_NAMES = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "KANGXI")


class Tables(NamedTuple):
    """What the lexer reads: a tuple of arrays."""

    classes: np.ndarray  # uint8 (N_CODE_POINTS,)
    folded: np.ndarray  # uint32 (N_CODE_POINTS,): a code point, or for LIGATURE and EXPANSION a row of `expansions`
    expansions: np.ndarray  # uint32 (n, max length), padded with 0
    command_keys: np.ndarray  # uint64 (2^k,): FNV-1a of names, 0 is free; environments are spelt "{name"
    command_codes: np.ndarray  # int64 (2^k,)


_FILE = Path(__file__).with_suffix(".npz")


@cache
def tables() -> Tables:
    """Read the tables of characters and build that of commands."""
    with np.load(_FILE, allow_pickle=False) as stored:
        folded = np.arange(N_CODE_POINTS, dtype=np.uint32) ^ stored["folded"]
        return Tables(stored["classes"], folded, stored["expansions"], *_command_table())


def character_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Build `classes`, `folded` and `expansions` with this Python's Unicode."""
    classes = np.zeros(N_CODE_POINTS, np.uint8)
    folded = np.arange(N_CODE_POINTS, dtype=np.uint32)
    expansions: dict[str, int] = {}
    for code_point in range(N_CODE_POINTS):
        if code_point < 0x80 or unicodedata.category(chr(code_point)) not in ("Cn", "Co", "Cs"):
            kind, text = classify(chr(code_point))
            classes[code_point] = kind
            if len(text) == 1 and kind != EXPANSION:
                folded[code_point] = ord(text)
            elif text:
                folded[code_point] = expansions.setdefault(text, len(expansions))
    rows = np.zeros((len(expansions), max(map(len, expansions))), np.uint32)
    for text, row in expansions.items():
        rows[row, : len(text)] = [ord(c) for c in text]
    return classes, folded, rows


def _write() -> None:
    """Write the file: `folded` as the difference from the code point, so that it is small."""
    classes, folded, expansions = character_tables()
    folded ^= np.arange(N_CODE_POINTS, dtype=np.uint32)
    version = np.array(unicodedata.unidata_version)
    np.savez_compressed(_FILE, classes=classes, folded=folded, expansions=expansions, unicode=version)


def classify(character: str) -> tuple[int, str]:
    """Say the class of a character and what it folds to (empty where it is no token)."""
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf"):
        return JOINER, ""
    if character in _MARKS:
        return MARK, character
    decomposition = unicodedata.decomposition(character)
    text = "".join(c for c in fold_character(character) if _plain_class(c) != SPACE)
    if len(text) > 1:
        text = "".join(c for c in text if c not in _MARKS or c in "/+-=")  # ⑴ is 1, … is nothing
    if not text:
        return SPACE, ""
    if decomposition.startswith(("<super>", "<sub>")) and len(text) == 1:
        return SUPERSCRIPT if decomposition.startswith("<super>") else SUBSCRIPT, text
    if len(text) > 1 or (text.isdigit() and category != "Nd"):  # ①② are two numbers, １２ is one
        is_word = all(_plain_class(c) == LETTER for c in text)
        return (LIGATURE if is_word else EXPANSION), text[:8]
    if text in _MARKS and character > "\x7f":
        return _class_of_mark_twin(character, text)
    return _plain_class(text), text


def _plain_class(character: str) -> int:
    """The class of a folded character by itself."""
    category = unicodedata.category(character)
    if character in _MARKS:
        return MARK
    if character in _NO_SYMBOLS:
        return SPACE
    if category == "Nd":
        return DIGIT
    if "\u0370" <= character <= "\u03ff" and category[0] == "L":
        return GREEK
    if category[0] == "L" or category in ("Nl", "Mc"):
        return CJK if unicodedata.name(character, "").startswith(_CJK_NAMES) else LETTER
    if category == "Sm" or character in _EXTRA_SYMBOLS:
        return SYMBOL
    return SPACE


def _class_of_mark_twin(character: str, text: str) -> tuple[int, str]:
    """Full-width brackets and hyphens behave as in ASCII; signs (−, ×, ÷, ＋) are always signs; the rest is prose."""
    if text in "()[]:^" or character in "‐‑‒–":
        return MARK, text
    if text in "*-/+=<>|":
        return SYMBOL, text
    return SPACE, ""


def _command_table() -> tuple[np.ndarray, np.ndarray]:
    codes = {name: ord(fold_character(symbol)) for name, symbol in COMMAND_SYMBOLS.items()}
    codes |= dict.fromkeys(SKIPPED_COMMANDS, SKIP) | dict.fromkeys(_DELIMITER_COMMANDS, DELIMITER)
    codes |= dict.fromkeys(FRACTION_COMMANDS, FRACTION) | dict.fromkeys(DROPPED_ARGUMENT_COMMANDS, DROP_ARGUMENT)
    codes |= {"begin": BEGIN, "end": END, "over": OVER}
    codes |= {"{" + name: SKIP for name in DISPLAY_ENVIRONMENTS}
    codes |= {"{array": SKIP_WITH_ARGUMENT, "{tabular": SKIP_WITH_ARGUMENT, "{alignedat": SKIP_WITH_ARGUMENT}
    size = 1 << (4 * len(codes)).bit_length()
    keys, values = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for name, code in codes.items():
        key = fnv1a(name)
        slot = key % size
        while keys[slot]:
            slot = (slot + 1) % size
        keys[slot], values[slot] = key, code
    return keys, values


def fnv1a(text: str) -> int:
    """FNV-1a over code points, 64 bits, as the lexer computes it."""
    value = int(FNV_OFFSET)
    for character in text:
        value = (value ^ ord(character)) * int(FNV_PRIME) % 2**64
    return value


if __name__ == "__main__":
    _write()
