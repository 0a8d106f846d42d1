"""How alike two texts of mathematics are: shared trigrams of tokens, longest common subsequence.

Tokens are words in lower case, numbers, LaTeX commands, signs and single Chinese characters, so that spacing,
delimiters and line breaks do not count. For pairs of one problem; whole collections are compared elsewhere.
"""

import re
import unicodedata
from collections.abc import Sequence

_TOKEN = re.compile(r"\d+(?:\.\d+)?|\\[a-z]+|[a-z]+|[\u3400-\u9fff]|[-+*/=<>^_%]", re.IGNORECASE)
_MARKUP = re.compile(
    r"\\(?:left|right|displaystyle|text|mathrm|quad|qquad|big|Big|,|;|!|:)\b|[$*`#]{2,}|(?<=\d),(?=\d{3})"
)
_SIGNS = [(r"\\(?:times|cdot|ast)(?![a-z])|[×·⋅]", "*"), (r"\\div(?![a-z])|÷", "/"), (r"[−–]", "-"), (r"\\%", "%")]
_LONGEST = 5_000  # tokens: questions are shorter


def tokens(text: str) -> list[str]:
    """The tokens of a text."""
    text = _MARKUP.sub("", unicodedata.normalize("NFKC", text))
    for pattern, sign in _SIGNS:
        text = re.sub(pattern, sign, text)
    return [token.lower() for token in _TOKEN.findall(text)]


def containment(a: Sequence[str], b: Sequence[str], size: int = 3) -> float:
    """The share of the shorter text's n-grams that the other has too, 0 to 1; a copy with additions has 1."""
    one, other = _grams(a, size), _grams(b, size)
    fewer = min(len(one), len(other))
    return len(one & other) / fewer if fewer else float(list(a) == list(b))


def jaccard(a: Sequence[str], b: Sequence[str], size: int = 1) -> float:
    """Shared n-grams of all n-grams, 0 to 1."""
    one, other = _grams(a, size), _grams(b, size)
    together = len(one | other)
    return len(one & other) / together if together else 1.0


def common_share(a: Sequence[str], b: Sequence[str]) -> float:
    """The longest common subsequence of the first 5,000 tokens, of the tokens of both, 0 to 1.

    With a bit for each token of `a` (Hyyrö 2004), so that a repetitive text takes no longer than another.
    """
    a, b = a[:_LONGEST], b[:_LONGEST]
    places: dict[str, int] = {}
    for i, token in enumerate(a):
        places[token] = places.get(token, 0) | 1 << i
    unmatched = everything = (1 << len(a)) - 1
    for token in b:
        found = unmatched & places.get(token, 0)
        unmatched = ((unmatched + found) | (unmatched - found)) & everything
    together = len(a) + len(b)
    return 2 * (len(a) - unmatched.bit_count()) / together if together else 1.0


def _grams(sequence: Sequence[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(sequence[i : i + size]) for i in range(len(sequence) - size + 1)}
