r"""Read an answer as an exact rational number: `1/2`, `2\frac13`, `1,234.50`, `3\times10^4`, `0.\overline{3}`, 十二.

A recursive reader of the formula's canonical spelling with `Fraction`s. Powers, factorials, digits and depth are
bounded; what is beyond is no number here, and is compared as a formula.
"""

import math
import re
from fractions import Fraction

from mathmill.core.mathnorm import normalise_formula

MAX_BITS = 4_096
"""A power with more bits is not worked out."""

MAX_FACTORIAL = 200

_PLAIN = re.compile(r"[-+]?\d{1,400}(?:\.\d{0,400})?|[-+]?\.\d{1,400}")
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3}){1,50}(?:\.\d{1,100})?|[-+]?\d{1,3}(?:\s\d{3}){1,50}(?:\.\d{1,100})?")
_MIXED = re.compile(
    r"(-?)\s*(\d{1,50})(?:\s+(\d{1,50})\s*/\s*(\d{1,50})|\s*\\frac\s*\{?(\d{1,50}?)\}?\s*\{?(\d{1,50})\}?)"
)
_REPEATING = re.compile(r"(-?)(\d{0,50})\.(\d{0,50})\\(?:overline|dot)\s*\{(\d{1,50})\}")
_SCIENTIFIC = re.compile(r"([-+]?\d{1,40}(?:\.\d{1,40})?)[eE]([-+]?\d{1,3})")
_CHINESE_FRACTION = re.compile(
    "(负?)(?:([一二两三四五六七八九十百千]{1,9})又)?([一二两三四五六七八九十百千]{1,9}|[0-9]{1,9})分之"
    "([一二两三四五六七八九十百千]{1,9}|[0-9]{1,9})"
)
_NUMERIC = re.compile(r"[0-9+\-*/^{}().!\s\\a-z×·÷,−⁰¹²³⁴⁵⁶⁷⁸⁹√]{1,300}")
_TWO_NUMBERS = re.compile(r"\d\s+\d")
_TOKEN = re.compile(r"\d+(?:\.\d+)?|\\frac\{|\\sqrt\{|\^\{|[-+*(){}!]|.")


def read_number(text: str) -> Fraction | None:
    """Read a text that is nothing but a number; None if it is something else or too large to work out."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return Fraction(text)
    if _GROUPED.fullmatch(text):
        return Fraction(re.sub(r"[,\s]", "", text))
    if match := _MIXED.fullmatch(text):
        return _mixed(match)
    if match := _REPEATING.fullmatch(text):
        return _repeating(match)
    if match := _SCIENTIFIC.fullmatch(text):
        return Fraction(match[1]) * Fraction(10) ** int(match[2])
    if "分之" in text:
        return _chinese_fraction(text)
    if (chinese := _read_chinese(text)) is not None:
        return Fraction(chinese)
    if "," in text or not _NUMERIC.fullmatch(text) or _TWO_NUMBERS.search(text) or not any(map(str.isdigit, text)):
        return None
    return _Expression(normalise_formula(text)).read()


def _mixed(match: re.Match[str]) -> Fraction | None:
    r"""`1 1/2` and `1\frac12` are three halves."""
    sign, whole = -1 if match[1] else 1, int(match[2])
    numerator, denominator = int(match[3] or match[5]), int(match[4] or match[6])
    return sign * (whole + Fraction(numerator, denominator)) if denominator else None


def _repeating(match: re.Match[str]) -> Fraction:
    r"""`0.1\overline{6}` is a sixth."""
    whole, fixed, repeated = match[2] or "0", match[3], match[4]
    value = Fraction(int(whole + fixed), 10 ** len(fixed))
    value += Fraction(int(repeated), (10 ** len(repeated) - 1) * 10 ** len(fixed))
    return -value if match[1] else value


def _chinese_fraction(text: str) -> Fraction | None:
    """一又三分之二 is 5/3."""
    match = _CHINESE_FRACTION.fullmatch(text)
    if match is None:
        return None
    whole, denominator, numerator = (read_number(part) if part else Fraction(0) for part in match.groups()[1:])
    if whole is None or numerator is None or not denominator:
        return None
    return (whole + numerator / denominator) * (-1 if match[1] else 1)


class _Expression:
    """Sums, products, fractions, bounded powers and factorials of decimal numbers."""

    def __init__(self, canonical: str) -> None:
        self.tokens = _TOKEN.findall(canonical)
        self.position = 0
        self.depth = 0

    def read(self) -> Fraction | None:
        value = self.sum()
        return value if self.position == len(self.tokens) else None

    def take(self, *tokens: str) -> str:
        token = self.tokens[self.position] if self.position < len(self.tokens) else ""
        if token not in tokens:
            return ""
        self.position += 1
        return token

    def sum(self) -> Fraction | None:
        negative = self.take("-", "+") == "-"
        value = self.product()
        if value is None:
            return None
        value = -value if negative else value
        while sign := self.take("+", "-"):
            term = self.product()
            if term is None:
                return None
            value = value - term if sign == "-" else value + term
        return value

    def product(self) -> Fraction | None:
        value = self.power()
        while value is not None and self._is_factor():
            factor = self.power()
            if factor is None or _bits(value) + _bits(factor) > MAX_BITS:
                return None
            value *= factor
        return value

    def _is_factor(self) -> bool:
        """Whether a factor follows: after `*`, or as a bracket right behind the last one."""
        if self.take("*"):
            return True
        return self.position < len(self.tokens) and self.tokens[self.position] == "("

    def power(self) -> Fraction | None:
        value = self.atom()
        while value is not None and (mark := self.take("^{", "!")):
            if mark == "!":
                whole = value.denominator == 1 and 0 <= value <= MAX_FACTORIAL
                value = Fraction(math.factorial(int(value))) if whole else None
            else:
                value = _power(value, self.until("}"))
        return value

    def atom(self) -> Fraction | None:
        if self.take("("):
            return self.until(")")
        if self.take("\\frac{"):
            numerator = self.until("}")
            denominator = self.until("}") if self.take("{") else None
            return None if numerator is None or not denominator else numerator / denominator
        if self.take("\\sqrt{"):
            return _square_root(self.until("}"))
        token = self.tokens[self.position] if self.position < len(self.tokens) else ""
        if not token[:1].isdigit():
            return None
        self.position += 1
        return Fraction(token)

    def until(self, closer: str) -> Fraction | None:
        """Read a sum and the bracket that closes it."""
        if self.depth > 20:
            return None
        self.depth += 1
        value = self.sum()
        self.depth -= 1
        return value if self.take(closer) else None


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _power(base: Fraction, exponent: Fraction | None) -> Fraction | None:
    if exponent is None or exponent.denominator != 1 or (base == 0 and exponent <= 0):
        return None
    if _bits(base) * abs(exponent.numerator) > MAX_BITS:
        return None
    return base**exponent.numerator


def _square_root(value: Fraction | None) -> Fraction | None:
    """The root of the square of a rational number; others stay formulas."""
    if value is None or value < 0:
        return None
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return root if root * root == value else None


_CHINESE_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1_000}
_CHINESE = re.compile("[负]?[零〇一二两三四五六七八九十百千万亿]{1,20}")


def _read_chinese(text: str) -> int | None:
    """Read 十二, 一百零五, 三万; a row of digits such as 二〇二四 is read digit by digit."""
    if not _CHINESE.fullmatch(text):
        return None
    digits = text.removeprefix("负")
    if not any(c in "十百千万亿" for c in digits):
        return int("".join(str(_CHINESE_DIGITS[c]) for c in digits)) * (-1 if text[0] == "负" else 1)
    total = section = digit = 0
    for c in digits:
        if c in _CHINESE_DIGITS:
            digit = _CHINESE_DIGITS[c]
        elif c in _CHINESE_UNITS:
            section += (digit or 1) * _CHINESE_UNITS[c]
            digit = 0
        else:
            total = (total + section + digit) * (10_000 if c == "万" else 100_000_000)
            section = digit = 0
    return (total + section + digit) * (-1 if text[0] == "负" else 1)
