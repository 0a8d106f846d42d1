"""What rules see of a solution beside its question: calculations that hold or do not, and where numbers come from.

These are the inputs of the linear critique that n-grams cannot give: whether 48/2 = 24 is right is in no single token.
Calculations are read from plain text, from LaTeX and from GSM8K's `<<48/2=24>>24`, and worked out in exact fractions;
nothing is evaluated as code. A result may be rounded to the digits that it is written with.
"""

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

NAMES = (
    "right calculations", "wrong calculations", "is any wrong", "unknown numbers", "is any unknown",
    "question's numbers unused", "results unused", "ends with a result", "answer is marked", "steps", "length",
    "length beside question", "repeated lines",
)  # fmt: skip
"""What the columns of `check_solutions` are; counts as log2(1 + n)."""

_SIGNS = [
    (r"\\(?:left|right|displaystyle|,|;|!|:|quad)(?![a-z])|[$￥¥]", " "),
    (r"\\(?:times|cdot|ast)(?![a-z])|[×·⋅]", "*"),
    (r"\\div(?![a-z])|÷", "/"),
    (r"[−–]", "-"),
    (r"\\%", "%"),
    (r"(?<=\d),(?=\d{3}(?!\d))", ""),
]
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_TERM = r"[\d.()+\-*/%^ \t]"
_LEFT, _RIGHT = re.compile(rf"{_TERM}{{1,200}}\Z"), re.compile(rf"{_TERM}{{1,200}}")
_BINARY = re.compile(r"[\d)%]\s*[-+*/^]\s*[\d(]")
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([-+*/^()%]))")
_MARKED = re.compile(r"\\boxed|####|answer is|答案|[Aa]nswer:")
_FREE = {Fraction(n) for n in (0, 1, 2, 3, 4, 7, 10, 12, 24, 30, 52, 60, 100, 180, 360, 365, 1000)}
"""Numbers that need no origin: small ones, and those of calendars, clocks, angles and units."""


def check_solutions(questions: Sequence[str], solutions: Sequence[str]) -> np.ndarray:
    """Describe solutions: float64 (n, len(NAMES))."""
    rows = [_check(question, solution) for question, solution in zip(questions, solutions, strict=True)]
    return np.array(rows, np.float64).reshape(-1, len(NAMES))


def calculations(text: str) -> list[tuple[Fraction, Fraction, bool]]:
    """Find each `calculation = value`: what the calculation gives, the value written, whether they agree."""
    found: dict[tuple[Fraction, Fraction], bool] = {}
    annotations = "\n".join(_ANNOTATION.findall(text))
    for line in [*_plain(_ANNOTATION.sub(" ", text)).splitlines(), *_plain(annotations).splitlines()]:
        for before, after in pairwise(line.split("=")):
            left, right = _LEFT.search(before), _RIGHT.match(after)
            if left is None or right is None or not _stands_alone(before, left[0]) or _goes_on(after, right):
                continue
            written = right[0].strip().rstrip(".")
            given, value = value_of(left[0]), value_of(written)
            if given is not None and value is not None:
                found.setdefault((given, value), _agree(given, value, written))
    return [(given, value, agrees) for (given, value), agrees in found.items()]


def _stands_alone(before: str, left: str) -> bool:
    """Whether what ends `before` is a calculation by itself, and not the end of `2x + 3`."""
    calculation = left.lstrip()
    head = before[: len(before) - len(calculation)]
    if not _BINARY.search(calculation) or re.search(r"[A-Za-z0-9_}\\^]\Z", head):
        return False
    return calculation[0] in "0123456789(" or (calculation[0] == "-" and not re.search(r"[\w)}]\s*\Z", head))


def _goes_on(after: str, right: re.Match[str]) -> bool:
    """Whether more of a formula follows what was read of the right side: `= 10x`, `= 5 + x`."""
    following = after[right.end() : right.end() + 1]
    is_letter = following in ("\\", "{", "_") or (following.isascii() and following.isalpha())
    return (is_letter and not right[0].endswith((" ", "\t"))) or right[0].rstrip().endswith(tuple("+-*/^("))


def value_of(expression: str) -> Fraction | None:
    """Work out numbers joined by + - * / ^ ( ) and %; None where it is anything else, or too large."""
    tokens: list[str] = []
    place = 0
    expression = expression.strip()
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None or len(match[0]) > 30:
            return None
        tokens.append(match[1] or match[2])
        place = match.end()
    try:
        value, rest = _sum(tokens, 0)
    except (IndexError, ValueError, ZeroDivisionError, RecursionError):
        return None
    return value if rest == len(tokens) else None


def _sum(tokens: list[str], at: int) -> tuple[Fraction, int]:
    sign = -1 if tokens[at] == "-" else 1
    value, at = _product(tokens, at + (tokens[at] in "+-"))
    value *= sign
    while at < len(tokens) and tokens[at] in "+-":
        term, after = _product(tokens, at + 1)
        value += term if tokens[at] == "+" else -term
        at = after
    return value, at


def _product(tokens: list[str], at: int) -> tuple[Fraction, int]:
    value, at = _power(tokens, at)
    while at < len(tokens) and (tokens[at] in "*/" or tokens[at] == "("):
        sign = tokens[at]
        factor, at = _power(tokens, at + (sign != "("))
        value = value / factor if sign == "/" else value * factor
    return value, at


def _power(tokens: list[str], at: int) -> tuple[Fraction, int]:
    if tokens[at] == "(":
        value, at = _sum(tokens, at + 1)
        if tokens[at] != ")":
            raise ValueError
        at += 1
    else:
        value, at = Fraction(tokens[at]), at + 1
    if at < len(tokens) and tokens[at] == "%":
        value, at = value / 100, at + 1
    if at < len(tokens) and tokens[at] == "^":
        exponent, at = _power(tokens, at + 1)
        if exponent.denominator != 1 or not 0 <= exponent <= 20 or abs(value) > 10**6:
            raise ValueError
        value = value ** int(exponent)
    return value, at


def _agree(given: Fraction, value: Fraction, written: str) -> bool:
    """Equal, or equal when rounded as the value is written; a value without decimals must be exact."""
    digits = re.fullmatch(r"-?\d+\.(\d+)%?", written)
    unit = Fraction(1, 10 ** len(digits[1])) if digits else Fraction(0)
    return abs(given - value) <= unit / (100 if written.endswith("%") else 1)


def _plain(text: str) -> str:
    """One spelling of signs and fractions."""
    text = unicodedata.normalize("NFKC", text)
    for pattern, sign in _SIGNS:
        text = re.sub(pattern, sign, text)
    while (simpler := _FRACTION.sub(r"((\1)/(\2))", text)) != text:
        text = simpler
    return text


def _check(question: str, solution: str) -> list[float]:
    found = calculations(solution)
    wrong = sum(not agrees for *_, agrees in found)
    asked = [Fraction(n) for n in _NUMBER.findall(_plain(question))]
    plain = _plain(solution)
    written = [Fraction(n) for n in _NUMBER.findall(_plain(_ANNOTATION.sub(" ", solution)))]
    results = {value for _, value, _ in found}
    known = set(asked) | results | {abs(given) for given, _, _ in found} | _FREE
    known |= {n / 100 for n in asked} | {100 - n for n in asked}
    unknown = len({n for n in written if n not in known})
    unused = [n for n in set(asked) if n not in written and n not in _FREE]
    last = written[-1] if written else None
    dangling = sum(written.count(value) < 2 for value in results if value != last)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    length, beside = np.log2(1 + len(solution)), np.log2((1 + len(solution)) / (1 + len(question)))
    return [
        np.log2(1 + len(found) - wrong), np.log2(1 + wrong), wrong > 0, np.log2(1 + unknown), unknown > 0,
        np.log2(1 + len(unused)), np.log2(1 + dangling), not found or last in results,
        _MARKED.search(solution) is not None, np.log2(1 + len(lines)), length, beside,
        1 - len(set(lines)) / len(lines) if lines else 0.0,
    ]  # fmt: skip
