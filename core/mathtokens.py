r"""Turn texts into hashed math-aware tokens at array speed: the basis of deduplication and decontamination.

Word n-grams of usual normalisers erase mathematics (`x^2-5x+6=0` and `x^3+7x-2=0` become one string). Here numbers,
operators, relations and scripts stay, and what only changes how a formula looks goes: delimiters, spacing, case,
LaTeX against Unicode. One numba pass over the UTF-8 bytes, no Python object per token: about 150 MB/s on one core
for LaTeX and plain prose (compiling takes 16 s, once; numba keeps the result on disk).

The tokens of a text:
- a word (letters, case and accents folded), each CJK or Greek letter, a number ("1,000" is 1000; "3.14" is one token;
  its sign is a token of its own), an operator, relation or script mark;
- `\frac{a}{b}`, `{a \over b}` and `a/b` give `a / b`; `x^{2}`, `x²`, `x<sup>2</sup>` give `x ^ 2`;
- a bracket pair or the braces of an argument become `( … )` where they matter: arguments of `^ _ √ /` with two tokens
  or more, other brackets with an operator inside. So `2(x+3)` is not `2x+3`, and "(see below)" is two words;
- `-` between letters is a hyphen, and goes, if the word on one side has three letters or more ("x-axis", "3-digit");
  at the start of a line with a space behind it is a bullet; everywhere else it is a minus;
- `*` is a product between operands without spaces, or with spaces on both sides; else it is Markdown;
- punctuation of prose, Markdown marks, dots and currency signs go. A lone `_`, `|`, `!`, `:` or `'` is kept where it
  touches an operand as it does in a formula.
Known limits: `xy` is one word, so it differs from `x y`; case is folded in formulas, too; `&` and `\\` of a matrix go.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mathmill.core.mathcharacters import classify, fnv1a, tables
from mathmill.core.mathgrammar import hash_texts, lex
from mathmill.core.mathlexer import mix


def hash_tokens(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Hash the tokens of each text.

    texts: (large_)string array (n_texts,); null counts as empty. Returns uint64 (n_tokens,) and int64 (n_texts + 1,):
    the tokens of text i are `hashes[offsets[i]:offsets[i + 1]]`. Equal tokens have equal hashes on every machine.
    """
    data, offsets = _utf8(texts)
    return hash_texts(data, offsets, tables())


class TokenSpans(NamedTuple):
    """The tokens of one text: `hashes` uint64 (n,), and int64 (n,) `starts` and `ends` in characters of the text."""

    hashes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def token_spans(text: str) -> TokenSpans:
    r"""Say where in a text its tokens stand, for reports.

    Tokens that no character stands for alone (the slash of `\frac`) have an empty or a bracket's span.
    """
    encoded = text.encode("utf-8", "replace")
    data = np.frombuffer(encoded, np.uint8)
    rows, n = lex(data, 0, len(data), np.empty((max(1024, len(data) // 3), 3), np.uint64), tables())
    places = rows[:n, 1:].astype(np.int64)
    if len(encoded) != len(text):
        is_first = (data & 0xC0) != 0x80
        places = np.concatenate(([0], np.cumsum(is_first)))[places]
    return TokenSpans(rows[:n, 0].copy(), places[:, 0].copy(), places[:, 1].copy())


def normalise_text(text: str) -> str:
    """Join the tokens of a text by spaces: equal for texts that differ in spacing, case and notation alone."""
    spans = token_spans(text)
    pieces = zip(spans.hashes.tolist(), spans.starts.tolist(), spans.ends.tolist(), strict=True)
    return " ".join(_spelling(value, text[start:end]) for value, start, end in pieces)


def token_hash(token: str) -> int:
    """The hash of a token given in its canonical spelling, as `normalise_text` shows it."""
    return int(mix(np.uint64(fnv1a(token))))


def _utf8(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of a string array and int64 (n_texts + 1,) offsets into them, without a copy of the bytes."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        texts = pc.cast(texts, pa.large_string())
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    width = np.int32 if pa.types.is_string(texts.type) else np.int64
    _, offsets, data = texts.buffers()
    if len(texts) == 0 or data is None:
        return np.empty(0, np.uint8), np.zeros(len(texts) + 1, np.int64)
    offsets = np.frombuffer(offsets, width, len(texts) + 1, texts.offset * width().itemsize).astype(np.int64)
    return np.frombuffer(data, np.uint8), offsets


@cache
def _characters_by_hash() -> dict[int, str]:
    folded = {chr(c) for c in set(tables().folded.tolist()) if c not in range(0xD800, 0xE000)}
    return {token_hash(character): character for character in sorted(folded)}


def _spelling(value: int, piece: str) -> str:
    """The canonical spelling of a token that stands at `piece`."""
    if (character := _characters_by_hash().get(value)) is not None:
        return character
    name = piece.removeprefix("\\begin{").removeprefix("\\end{").strip()
    point = "." in name[:-1] and any(c.isdigit() for c in name)
    letters = "".join("." if c == "." and point else classify(c)[1] for c in name if c not in "\\,{}")
    return letters if not letters.startswith(".") else "0" + letters
