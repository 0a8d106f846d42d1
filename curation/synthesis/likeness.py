r"""How alike two texts of mathematics are: shared trigrams of tokens, longest common subsequence, equal equations.

Tokens are words in lower case, numbers, LaTeX commands, signs and single Chinese characters, so that spacing,
delimiters and line breaks do not count. For pairs of one problem; whole collections are compared elsewhere.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

_TOKEN = re.compile(r"\d+(?:\.\d+)?|\\[a-z]+|[a-z]+|[\u3400-\u9fff]|[-+*/=<>^_%]", re.IGNORECASE)
_MARKUP = re.compile(
    r"\\(?:left|right|displaystyle|text|mathrm|quad|qquad|big|Big|,|;|!|:)\b|[$*`#]{2,}|(?<=\d),(?=\d{3})"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_SIGNS = [(r"\\(?:times|cdot|ast)(?![a-z])|[×·⋅]", "*"), (r"\\div(?![a-z])|÷", "/"), (r"[−–]", "-"), (r"\\%", "%")]
_LEFT = re.compile(r"[\w.()%^*/+\-\s]*\Z")
_RIGHT = re.compile(r"\s*([-+]?[\w.]+(?:/[\w.]+)?%?)")
_CALCULATES = re.compile(r"[\w.)%]\s*[-+*/^]\s*[\w.(]")


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
    """Tokens in common in their order, of the tokens of both, 0 to 1 (Ratcliff and Obershelp's matching blocks)."""
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def equations(text: str) -> tuple[str, ...]:
    """The calculations that a solution writes down, `3*4=12`, in order, each once, without spaces."""
    text = unicodedata.normalize("NFKC", text.replace("$", " "))
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    while (simpler := _FRACTION.sub(r"(\1)/(\2)", text)) != text:
        text = simpler
    for pattern, sign in _SIGNS:
        text = re.sub(pattern, sign, text)
    found: dict[str, None] = {}
    for line in text.splitlines():
        sides = line.split("=")
        for before, after in pairwise(sides):
            left, right = _last_term(_LEFT.search(before[-200:])), _RIGHT.match(after)
            if right is not None and _CALCULATES.search(left):
                found[re.sub(r"[\s()]", "", left) + "=" + right[1].rstrip(".")] = None
    return tuple(found)


def _last_term(match: re.Match[str] | None) -> str:
    """What is calculated: words that stand before it are no part of it."""
    left = match[0] if match is not None else ""
    words = list(re.finditer(r"[^\W\d_]{2,}[.:]?\s*", left))
    return left[words[-1].end() :].strip() if words else left.strip()


def _grams(sequence: Sequence[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(sequence[i : i + size]) for i in range(len(sequence) - size + 1)}
