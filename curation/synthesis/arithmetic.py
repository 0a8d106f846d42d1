"""Plain arithmetic in prose: tokens, the expression at the end or beginning of a text, and its exact value.

Units after numbers belong to an expression and do not count (3 bags * 4 = 12). `suffix` and `prefix` raise Unreadable
where the expression may go on with something that is no number: a variable, a function, "half of".
"""

import math
import re
from fractions import Fraction
from typing import NamedTuple

_MAX_TOKENS = 400
_MAX_DIGITS = 40
_MAX_BITS = 4096
_MAX_UNIT_WORDS = 2


class Unreadable(ValueError):
    """No arithmetic, or not for certain."""


class Token(NamedTuple):
    """kind: number, sign (+ - * / ^ √ ( ) %), relation (= ≈), word, stop (ends an expression), or bad (goes on)."""

    kind: str
    text: str
    is_joined: bool  # no space before it


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<relation>[=≈])|(?P<sign>[-+*/^√()%])"
    r"|(?P<word>[A-Za-z]{2,}(?:'s|\.(?=\s*[-+*/=≈]))?|[\u3400-\u9fff]+)|(?P<stop>[¦.,;:?!。、\"'“”→⇒∴∵<>])|(?P<bad>\\[a-zA-Z]+|\S))"
)
_MULTIPLIES = re.compile(
    r"(?:times|plus|minus|twice|thrice|double|triple|half|mod|modulo|sin|cos|tan|cot|sec|csc|log|ln|lg|exp|sqrt|max|min"
    r"|gcd|lcm|abs|floor|ceil|squared|cubed|million|thousand|hundred|billion|remainder)",
    re.IGNORECASE,
)
_PARTS = re.compile(
    r"(?:half|halves|thirds?|quarters?|\w+ths?|fifths?|percent|sum|product|difference|quotient|root|square|multiple|power"
    r"|factorial|number)",
    re.IGNORECASE,
)
_CHINESE_LEADS = re.compile(r"(?:的|倍|除以|乘以?|乘上|加上?|减去?|除|半|根号|平方|比)\Z")
_NO_UNIT = re.compile(
    r"(?:and|or|so|then|is|are|was|to|of|but|which|that|where|since|from|for"
    r"|with|in|we|if|gives|equals|thus|hence|as|at|on|because|therefore|while)",
    re.IGNORECASE,
)
_SHORT_UNIT = re.compile(r"[kcdm]?m|m?[gl]|kg|km/h|mph|ft|in|lbs?|oz|h(?:r|rs)|mins?|secs?", re.IGNORECASE)
_SCALES = re.compile(
    r"[百万亿]|千(?![克米瓦])|余|(?:million|thousand|hundred|billion|remainder|dozen|mod|times)\Z", re.I
)


def tokenise(line: str) -> list[Token]:
    """The tokens of a line; delimiters ¦ within an expression are left out."""
    found = []
    for match in _TOKEN.finditer(line):
        kind = match.lastgroup or "bad"
        text = match[kind]
        follows_space = match.start(kind) > match.start() or match.start() == 0
        if text == "!" and line[match.end() : match.end() + 1].strip():
            kind = "bad"
        found.append(Token(kind, text, not follows_space))
    tokens: list[Token] = []
    for place, token in enumerate(found):
        if token.text == "¦":
            before, after = tokens[-1:], [other for other in found[place + 1 :] if other.text != "¦"][:1]
            ends = {other.kind for other in (*before, *after)}
            if ends & {"sign", "relation"} or (
                before and after and before[0].kind == "number" and after[0].kind == "word"
            ):
                continue
        tokens.append(token)
    return tokens


def suffix(tokens: list[Token]) -> list[Token]:
    """The longest expression that the tokens end with, its units included."""
    start = len(tokens)
    while start > 0:
        token = tokens[start - 1]
        if token.kind in ("number", "sign"):
            if token.kind == "number" and start < len(tokens) and tokens[start].kind == "number":
                raise Unreadable("two numbers side by side")
            start -= 1
            continue
        run = _unit_before(tokens, start)
        if not run:
            break
        start -= run
    start += _unmatched(tokens[start:])
    taken = tokens[start:]
    if not taken or not any(token.kind == "number" for token in taken):
        raise Unreadable("no number")
    _check_context(tokens, start)
    return taken


def prefix(tokens: list[Token]) -> list[Token]:
    """The longest expression that the tokens begin with."""
    end = depth = 0
    while end < len(tokens):
        token = tokens[end]
        if token.kind == "number" and end and tokens[end - 1].kind == "number":
            break
        if token.kind in ("number", "sign"):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth < 0:
                break
            end += 1
            continue
        run = _unit_after(tokens, end)
        if not run:
            break
        end += run
    taken = tokens[:end]
    following = tokens[end] if end < len(tokens) else Token("stop", "", False)
    if following.kind == "word" and taken and taken[-1].text == "-" and not taken[-1].is_joined:
        taken = taken[:-1]  # a dash
    _check_end(tokens[end : end + 3])
    if not taken:
        raise Unreadable("no number")
    return taken


def _check_end(following: list[Token]) -> None:
    """Raise Unreadable where what stands behind an expression may belong to it: 3x, 16 weeks … 3, 2 million."""
    for place, token in enumerate(following):
        if token.kind == "bad" or (token.text == "?" and not place):
            raise Unreadable(f"goes on with {token.text}")
        if token.kind != "word":
            return
        if _SCALES.search(token.text) or (not place and token.is_joined and _is_variable(token.text)):
            raise Unreadable(f"goes on with {token.text}")


def _is_variable(word: str) -> bool:
    """Whether a word that touches a number may be a product of variables, not a unit."""
    return word.isascii() and not _SHORT_UNIT.fullmatch(word)


def _unit_before(tokens: list[Token], end: int) -> int:
    """How many words before `end` are a unit: they follow a number and come before a sign or the end."""
    if end < len(tokens) and (tokens[end].kind != "sign" or tokens[end].text in "(√^"):
        return 0
    run = 0
    while run < end and tokens[end - 1 - run].kind == "word":
        run += 1
    return run if 0 < run <= _MAX_UNIT_WORDS and _takes_unit(tokens, end - run, end) else 0


def _unit_after(tokens: list[Token], start: int) -> int:
    """How many words from `start` on are a unit within an expression that goes on with a sign."""
    run = 0
    while start + run < len(tokens) and tokens[start + run].kind == "word":
        run += 1
    after = tokens[start + run] if start + run < len(tokens) else None
    goes_on = after is None or (after.kind == "sign" and after.text not in "(√^")
    return run if 0 < run <= _MAX_UNIT_WORDS and goes_on and _takes_unit(tokens, start, start + run) else 0


def _takes_unit(tokens: list[Token], start: int, end: int) -> bool:
    if start == 0 or not (tokens[start - 1].kind == "number" or tokens[start - 1].text in ")%"):
        return False
    for word in tokens[start:end]:
        if _NO_UNIT.fullmatch(word.text):
            return False
        if word.is_joined and _is_variable(word.text):
            raise Unreadable(f"perhaps a variable: {word.text}")
        if _SCALES.search(word.text) or _MULTIPLIES.fullmatch(word.text):
            raise Unreadable(word.text)
        if not word.text.isascii() and len(word.text) > 3:
            return False
    return True


def _unmatched(tokens: list[Token]) -> int:
    """Where the expression begins that lies behind the last bracket that is not closed."""
    depth = 0
    for place in range(len(tokens) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(tokens[place].text, 0)
        if depth < 0:
            return place + 1
    return 0


def _check_context(tokens: list[Token], start: int) -> None:
    """Raise Unreadable where what stands before an expression may belong to it."""
    if start == 0:
        return
    before, first = tokens[start - 1], tokens[start]
    if before.kind == "bad" or before.kind == "number":
        raise Unreadable(f"begins with {before.text}")
    if before.kind != "word":
        return
    if first.text in "+-*/^%)" or (first.text == "(" and first.is_joined and before.text.isascii()):
        raise Unreadable(f"begins with {before.text}")
    if _MULTIPLIES.fullmatch(before.text) or _CHINESE_LEADS.search(before.text):
        raise Unreadable(f"begins with {before.text}")
    earlier = tokens[start - 2] if start > 1 else None
    if before.text.lower() == "by" and earlier is not None and re.fullmatch("divided|multiplied", earlier.text, re.I):
        raise Unreadable("begins with by")
    if (
        before.text.lower() == "of"
        and earlier is not None
        and (earlier.kind != "word" or _PARTS.fullmatch(earlier.text))
    ):
        raise Unreadable("begins with of")


def compute(tokens: list[Token]) -> Fraction:
    """The exact value of an expression without units; Unreadable where it has none or is too large."""
    if len(tokens) > _MAX_TOKENS:
        raise Unreadable("too long")
    parser = _Parser(tokens)
    value = parser.sum()
    if parser.place != len(tokens):
        raise Unreadable("not an expression")
    return value


class _Parser:
    """Recursive descent; a bracket is a level, and there are at most 30."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0

    def _next(self) -> str:
        return self.tokens[self.place].text if self.place < len(self.tokens) else ""

    def _take(self) -> str:
        text = self._next()
        self.place += 1
        return text

    def sum(self) -> Fraction:
        value = self._product()
        while self._next() and self._next() in "+-":
            value = _bounded(value + self._product() if self._take() == "+" else value - self._product())
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while self._next() and self._next() in "*/(√":
            if self._next() in "(√":  # 2(3+4)
                value = _bounded(value * self._power())
            elif self._take() == "*":
                value = _bounded(value * self._signed())
            else:
                divisor = self._signed()
                if not divisor:
                    raise Unreadable("division by zero")
                value = _bounded(value / divisor)
        return value

    def _signed(self) -> Fraction:
        if self._next() == "-":
            self._take()
            return -self._power()
        return self._power()

    def _power(self) -> Fraction:
        base = self._atom()
        if self._next() != "^":
            return base
        self._take()
        self.depth += 1
        if self.depth > 30:
            raise Unreadable("too deep")
        exponent = self._signed()
        self.depth -= 1
        return _raised(base, exponent)

    def _atom(self) -> Fraction:
        text = self._take()
        if text == "(":
            self.depth += 1
            if self.depth > 30:
                raise Unreadable("too deep")
            value = self.sum()
            self.depth -= 1
            if self._take() != ")":
                raise Unreadable("a bracket is left open")
        elif text == "√":
            value = _raised(self._atom(), Fraction(1, 2))
        elif text[:1].isdigit() or (text[:1] == "." and len(text) > 1):
            if len(text) > _MAX_DIGITS:
                raise Unreadable("too long a number")
            value = Fraction(text)
        else:
            raise Unreadable(f"unexpected {text}")
        while self._next() == "%":
            self._take()
            value /= 100
        return value


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > _MAX_BITS:
        raise Unreadable("too large")
    return value


def _raised(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent == Fraction(1, 2) and base >= 0:
        roots = math.isqrt(base.numerator), math.isqrt(base.denominator)
        if (roots[0] ** 2, roots[1] ** 2) == (base.numerator, base.denominator):
            return Fraction(*roots)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator != 1 or bits * abs(exponent.numerator) > _MAX_BITS or (base == 0 and exponent <= 0):
        raise Unreadable("no exact power")
    return Fraction(base**exponent.numerator)
