r"""Read the result at which a calculation ends, for solutions that announce no answer.

Only a value on the right of the last `=` of the last sentence counts: "so it costs 3 × 4 = $12 in all.",
"$x=\frac{58-40}{3}=6$." Sentences that end in a list, a condition or a counter-example ("… when $x=0$") give nothing.
docs/quality.md has its precision on solutions whose "####" or `\boxed` was taken out.
"""

import re
from collections.abc import Sequence

MAX_SENTENCE_CHARS = 1_000
"""How much of the end of a solution is read."""

_NUMERIC = re.compile(
    r"(?:[\d./+\-−*^{}()\s%°:]|\d,(?=\d{3})|\\(?:d?frac|tfrac|sqrt|pi|cdot|times|left|right|circ|[%$!,;])(?![a-zA-Z]))+"
)
_NUMBER = re.compile(r"\s*[-+−]?\s*[$￥€£¥]?\s*(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+)?\s?[%％]?")
_VARIABLE = re.compile(r"[abcknpqxyz](?![A-Za-z])")
_WORDS = re.compile(r"[^\d=<>≤≥+*/^$\\]{0,60}")
_CONDITION = re.compile(
    r"(?:\b(?:and|or|when|if|case|where|not|letting|such that|exclude|take|taking|let|for|namely)|和|或|当|若|使"
    r"|(?<=[$\d)])[,，、]"
    r"(?!\s*(?:so|hence|thus|therefore|giving|we (?:get|have)|所以|故|因此|得|即|则|从而|于是|解得)))"
    r"[^.。$\n]{0,40}\Z",
    re.IGNORECASE,
)


def conclusion(solution: str, formulas: Sequence[tuple[int, int]]) -> str | None:
    """Return the value at which the solution's last calculation ends, None where it does not end in one.

    formulas: spans of the formulas in `solution`, sorted.
    """
    end = len(solution.rstrip())
    start = max(solution.rfind("\n", 0, end) + 1, end - MAX_SENTENCE_CHARS)
    if formulas and formulas[-1][1] > start:
        return _of_formula(solution, *formulas[-1])
    equals = solution.rfind("=", start, end)
    value = _NUMBER.match(solution, equals + 1, end) if equals >= 0 else None
    if value is None or _VARIABLE.match(solution, value.end(), end):
        return None
    return value[0].strip() if _WORDS.fullmatch(solution, value.end(), end) else None


def _of_formula(solution: str, start: int, end: int) -> str | None:
    """Read the right-hand side of the formula that the solution ends with."""
    if solution[end:].strip(" \t\n.。．；") or _CONDITION.search(solution, max(0, start - 60), start):
        return None
    _, equals, value = solution[start:end].rpartition("=")
    value = re.sub(r"(?:\\[\])]|\$)+$", "", value.strip()).strip()
    value = re.sub(r"\\(?:text|mbox)\{[.,;]\}$", "", value).rstrip(".,; ")
    one = value.count("(") == value.count(")") and value.count("{") == value.count("}") and "," not in value[:4]
    if not (equals and one and any(map(str.isdigit, value)) and _NUMERIC.fullmatch(value)):
        return None
    return None if value == "0" else value  # `x - 2y = 0` is an equation, not a result
