r"""Read a formula's canonical spelling as a tree: `2\sqrt{3}+C_{5}^{2}`, `sin^{2}x`, `kπ+\frac{π}{4}`, `|3+4i|`.

A bounded recursive reader of what school answers consist of, so that `answer_points` can compare them by their values;
what it does not know (integrals, limits, f(x) as an unknown function) is None and is left to others.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

Tree: TypeAlias = tuple[Any, ...]
"""An operation and its operands: ("number", Fraction), ("name", "x"), ("+", a, b), ("sin", a), ("sum", name, …)."""

MAX_TOKENS = 300
MAX_DEPTH = 24
MAX_DIGITS = 400

DIVISION = "/"
FUNCTIONS = (
    "arcsin arccos arctan sinh cosh tanh sin cos tan cot sec csc log ln lg exp".split()  # noqa: SIM905
)
_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_OTHER_WORDS = "lim max min sup inf det dim gcd lcm deg arg ker mod Pr".split()  # noqa: SIM905
_TOKEN = re.compile(
    r"\d+(?:\.\d+)?|\.\d+|\\(?:frac|binom|sqrt|overline)|\\[A-Za-z]+\s?|[\^_]\{|"
    + "|".join(sorted([*FUNCTIONS, *_OTHER_WORDS], key=len, reverse=True))
    + "|."
)
_UNKNOWN_FUNCTIONS = frozenset("fghFGH")
_PAIRS = {"(": ")", "[": "]", "⌊": "⌋", "⌈": "⌉"}
_FACTOR_END = frozenset(("", "+", "-", "±", "*", "/", ")", "]", "}", ",", "=", "⌋", "⌉", "!", "|", ":", ";"))
_CONSTANTS = frozenset("πei")


class _Unreadable(Exception):
    pass


@lru_cache(maxsize=4096)
def read_formula(canonical: str) -> Tree | None:
    """Read a formula, or an equation as ("=", left, right); None for what is not understood or too long."""
    if len(canonical) > 1_000:
        return None
    tokens = _TOKEN.findall(canonical)
    if not tokens or len(tokens) > MAX_TOKENS:
        return None
    try:
        reader = _Reader(tokens)
        tree = reader.sum()
        if reader.take("="):
            tree = ("=", tree, reader.sum())
    except (_Unreadable, RecursionError):
        return None
    return tree if reader.position == len(tokens) else None


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.bars = 0  # absolute values that are open

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, *tokens: str) -> str:
        token = self.peek()
        if token and token in tokens:
            self.position += 1
            return token
        return ""

    def need(self, token: str) -> None:
        if not self.take(token):
            raise _Unreadable

    def sum(self) -> Tree:
        sign = self.take("+", "-")
        tree = self.product()
        if sign == "-":
            tree = ("neg", tree)
        while sign := self.take("+", "-"):
            tree = (sign, tree, self.product())
        return tree

    def product(self, is_argument: bool = False) -> Tree:
        """Factors side by side or with a sign; the argument of a function without brackets ends at the next one."""
        tree = self.signed_power()
        while True:
            if not is_argument and (sign := self.take("*", DIVISION)):
                tree = (sign, tree, self.signed_power())
            elif self.is_factor(is_argument):
                tree = ("*", tree, self.power())
            else:
                return tree

    def signed_power(self) -> Tree:
        return ("neg", self.power()) if self.take("-") else self.power()

    def is_factor(self, is_argument: bool) -> bool:
        token = self.peek()
        if token == "|":
            return not self.bars and not is_argument
        if token in _FACTOR_END or (is_argument and (token in FUNCTIONS or token == "(")):
            return False
        return not token[0].isdigit()  # 2 3 is no product, x3 neither

    def power(self) -> Tree:
        tree = self.atom()
        while mark := self.take("^{", "!"):
            if mark == "!":
                tree = ("!", tree)
            elif self.peek() == "∘" and self.position + 1 < len(self.tokens) and self.tokens[self.position + 1] == "}":
                self.position += 2
                tree = ("degrees", tree)
            else:
                tree = ("^", tree, self.group("}"))
        return tree

    def group(self, closer: str) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unreadable
        bars, self.bars = self.bars, 0
        tree = self.sum()
        self.bars = bars
        self.depth -= 1
        self.need(closer)
        return tree

    def atom(self) -> Tree:
        token = self.peek()
        self.position += 1
        if token[:1].isdigit() or (token[:1] == "." and len(token) > 1):
            return self.number(token)
        if token in _PAIRS:
            tree = self.group(_PAIRS[token])
            return (token, tree) if token in "⌊⌈" else tree
        if token == "|":
            return self.absolute()
        if token in ("\\frac", "\\binom"):
            return (DIVISION if token == "\\frac" else "C", self.braced(), self.braced())
        if token == "\\sqrt":
            index = self.group("]") if self.take("[") else None
            return ("sqrt", self.braced()) if index is None else ("root", self.braced(), index)
        if token in FUNCTIONS:
            return self.function(token)
        if token in ("∑", "∏"):
            return self.series(token)
        if token in _CONSTANTS and self.peek() != "_{":
            return ("constant", token)
        if (len(token) == 1 and token.isalpha()) or (token[:1] == "\\" and token[1:].strip().isalpha()):
            return self.name(token.strip())
        raise _Unreadable

    def number(self, token: str) -> Tree:
        if len(token) > MAX_DIGITS:
            raise _Unreadable
        if self.peek() == "_{":  # a numeral to a base is a sign of its own: 101_2 is neither 101 nor 5
            return ("name", token + self.script())
        return ("number", Fraction(token))

    def braced(self) -> Tree:
        self.need("{")
        return self.group("}")

    def absolute(self) -> Tree:
        self.depth += 1
        self.bars += 1
        if self.depth > MAX_DEPTH:
            raise _Unreadable
        tree = self.sum()
        self.bars -= 1
        self.depth -= 1
        self.need("|")
        return ("abs", tree)

    def script(self) -> str:
        """A lower script as a part of the name."""
        start = self.position
        while self.peek() not in ("}", ""):
            self.position += 1
        self.need("}")
        return "".join(self.tokens[start : self.position])

    def name(self, token: str) -> Tree:
        """A variable with its index, or a number of choices: `C_{5}^{2}`, `A_{n}^{k}`."""
        if token in _UNKNOWN_FUNCTIONS and self.peek() == "(":
            raise _Unreadable
        if token[:1] == "\\" and self.peek() in ("{", "_{", "(", "["):
            raise _Unreadable
        if self.peek() != "_{":
            return ("name", token)
        start = self.position
        if token in "CAP":
            self.position += 1
            try:
                total = self.group("}")
                if self.take("^{"):
                    chosen = self.group("}")
                    if not (total[0] == chosen[0] == "number" and total[1] < chosen[1]):
                        return ("C" if token == "C" else "A", total, chosen)
            except _Unreadable:
                pass
            self.position = start
        return ("name", token + self.script())

    def function(self, name: str) -> Tree:
        """`sin^{2}x`, `log_{2}8`, `sin2xcosx`: the argument without brackets goes on to the next sign or function."""
        base = power = None
        if name == "log" and self.take("_{"):
            base = self.group("}")
        if self.take("^{"):
            power = self.group("}")
        if power == ("neg", ("number", Fraction(1))) and name in _INVERSE:
            name, power = _INVERSE[name], None
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unreadable
        argument = self.power() if self.peek() == "(" else self.product(is_argument=True)
        self.depth -= 1
        tree: Tree = (name, argument) if base is None else ("log", argument, base)
        return tree if power is None else ("^", tree, power)

    def series(self, sign: str) -> Tree:
        r"""`∑_{k=1}^{10}k`."""
        self.need("_{")
        variable = self.peek()
        self.position += 1
        if len(variable) != 1 or not variable.isalpha():
            raise _Unreadable
        self.need("=")
        first = self.group("}")
        self.need("^{")
        last = self.group("}")
        return ("sum" if sign == "∑" else "prod", variable, first, last, self.product())


def names_in(tree: Tree) -> frozenset[str]:
    """The variables of a tree."""
    if tree[0] == "name":
        return frozenset((tree[1],))
    names: frozenset[str] = frozenset()
    for part in tree[1:]:
        if isinstance(part, tuple):
            names |= names_in(part)
    return names - {tree[1]} if tree[0] in ("sum", "prod") else names


def has_imaginary_unit(tree: Tree) -> bool:
    """Whether i stands in a tree."""
    return tree == ("constant", "i") or any(has_imaginary_unit(part) for part in tree[1:] if isinstance(part, tuple))
