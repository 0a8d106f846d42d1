r"""Decide whether two formulas are equal by their values: `1/\sqrt2` and `\sqrt2/2`, `(x+1)^2` and `x^2+2x+1`.

Both are worked out with 40 digits or more at fixed points (Schwartz-Zippel); precision follows the largest and smallest
magnitude met, so that `10^{1000}` differs from `10^{1000}+1`, and a difference that fades as precision rises is none.
Nothing is approximated by floats, magnitudes are bounded, and a pair costs well under a millisecond per operation.
"""

import random
import threading
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from mpmath.ctx_mp import MPContext  # type: ignore[import-untyped]

from mathmill.core.answer_formulas import Tree, has_imaginary_unit, names_in, read_formula

MAX_BITS = 8_000
"""A number beyond 2^±8000 is too large to be worked out; such formulas are equal only if spelled so."""

MAX_TERMS = 1_000
MAX_OPERATIONS = 100_000
_POINTS = 10
_ENOUGH = 4
_DIGITS = 40
_local = threading.local()


class _TooLarge(Exception):
    pass


class _Undefined(Exception):
    pass


class Budget:
    """What one comparison of answers may still spend: additions of 40 digits, about 3 µs each."""

    def __init__(self, operations: int = MAX_OPERATIONS) -> None:
        self.left = float(operations)


def same_formula(a: str, b: str, budget: Budget) -> bool | None:
    """Compare two formulas in canonical spelling; None where one cannot be read or has no value at enough points."""
    one, other = read_formula(a), read_formula(b)
    if one is None or other is None:
        return None
    if (one[0] == "=") != (other[0] == "="):
        return False
    try:
        if one[0] == "=":
            return _same_equation(("-", *one[1:]), ("-", *other[1:]), budget)
        return _same_value(one, other, budget)
    except _TooLarge:
        return False


def _same_value(a: Tree, b: Tree, budget: Budget) -> bool | None:
    names = sorted(names_in(a) | names_in(b))
    is_complex = has_imaginary_unit(a) or has_imaginary_unit(b)
    met = 0
    for point in range(_POINTS if names else 1):
        try:
            verdict = _same_at(a, b, names, point, is_complex, budget)
        except _Undefined:
            continue
        if verdict is False:
            return False
        met += verdict is True
    return True if met >= (_ENOUGH if names else 1) else None


def _same_at(a: Tree, b: Tree, names: list[str], point: int, is_complex: bool, budget: Budget) -> bool | None:
    """None where a value is not real though neither formula names i: roots of negative numbers have no one meaning."""
    digits = _DIGITS
    machine = _Machine(names, point, digits, budget)
    x, y = machine.value(a), machine.value(b)
    if machine.bits > 60:
        machine = _Machine(names, point, digits := digits + int(0.31 * machine.bits), budget)
        x, y = machine.value(a), machine.value(b)
    if names and not is_complex and not (machine.is_real(x) and machine.is_real(y)):
        return None
    difference = abs(x - y)
    if difference <= max(abs(x), abs(y)) * machine.context.mpf(10) ** (15 - digits):
        return True
    if difference < 1e-15:  # 0 and \sqrt2\sqrt3-\sqrt6
        finer = _Machine(names, point, 2 * digits, budget)
        return bool(abs(finer.value(a) - finer.value(b)) < difference * machine.context.mpf(10) ** (-digits // 2))
    return False


def _same_equation(a: Tree, b: Tree, budget: Budget) -> bool | None:
    """Whether the sides' differences are constant multiples of one another."""
    names = sorted(names_in(a) | names_in(b))
    if not names or names_in(a) != names_in(b):
        return False if names else None
    ratio = None
    met = 0
    for point in range(_POINTS):
        machine = _Machine(names, point, _DIGITS, budget)
        try:
            x, y = machine.value(a), machine.value(b)
        except _Undefined:
            continue
        if machine.bits > 60 or abs(y) < 1e-9 or abs(x) < 1e-9:
            continue
        now = x / y
        if ratio is not None and abs(now - ratio) > abs(ratio) * 1e-20:
            return False
        ratio, met = now, met + 1
    return True if met >= _ENOUGH else None


class _Machine:
    """Works out trees at one point, with one precision."""

    def __init__(self, names: list[str], point: int, digits: int, budget: Budget) -> None:
        if not hasattr(_local, "context"):
            _local.context = MPContext()
        self.context: Any = _local.context
        self.context.dps = digits
        self.names = {name: self.rational(_coordinate(name, point)) for name in names}
        self.bits = 0  # the largest |log2| of a value so far
        self.budget = budget
        self.cost = (digits / _DIGITS) ** 1.5

    def rational(self, value: Fraction) -> Any:
        return self.context.mpf(value.numerator) / value.denominator

    def is_real(self, value: Any) -> bool:
        return bool(abs(self.context.im(value)) <= abs(value) * self.context.mpf(10) ** (10 - self.context.dps))

    def value(self, tree: Tree) -> Any:
        self.budget.left -= self.cost
        if self.budget.left < 0:
            raise _TooLarge
        kind = tree[0]
        if kind == "number":
            return self.noted(self.rational(tree[1]))
        if kind == "name":
            return self.names[tree[1]]
        if kind == "constant":
            return {"π": +self.context.pi, "e": +self.context.e, "i": self.context.mpc(0, 1)}[tree[1]]
        if kind in ("sum", "prod"):
            return self.series(*tree)
        operands = [self.value(part) for part in tree[1:]]
        try:
            return self.noted(_OPERATIONS[kind](self, *operands))
        except (ZeroDivisionError, ValueError) as error:
            raise _Undefined from error
        except (OverflowError, MemoryError) as error:
            raise _TooLarge from error

    def noted(self, value: Any) -> Any:
        if not self.context.isfinite(value):
            raise _Undefined
        if value:
            size = abs(int(self.context.mag(value)))
            if size > MAX_BITS:
                raise _TooLarge
            self.bits = max(self.bits, size)
        return value

    def series(self, kind: str, name: str, first: Tree, last: Tree, term: Tree) -> Any:
        low, high = (self.whole(self.value(bound)) for bound in (first, last))
        if high - low > MAX_TERMS:
            raise _TooLarge
        hidden = self.names.get(name)
        total = self.context.mpf(0 if kind == "sum" else 1)
        for number in range(low, high + 1):
            self.names[name] = self.context.mpf(number)
            value = self.value(term)
            total = self.noted(total + value if kind == "sum" else total * value)
        if hidden is None:
            del self.names[name]
        else:
            self.names[name] = hidden
        return total

    def whole(self, value: Any) -> int:
        if not self.is_real(value) or abs(value) > 10**9 or self.context.re(value) != int(self.context.re(value)):
            raise _Undefined
        return int(self.context.re(value))

    def power(self, base: Any, exponent: Any) -> Any:
        if base == 0:
            if not self.is_real(exponent) or self.context.re(exponent) <= 0:
                raise _Undefined
            return base
        if abs(exponent) * (abs(int(self.context.mag(base))) + 1) > 2 * MAX_BITS:
            raise _TooLarge
        return self.context.power(base, exponent)

    def bounded(self, function: Callable[[Any], Any], limit: float) -> Callable[[Any], Any]:
        def call(value: Any) -> Any:
            if abs(value) > limit:
                raise _TooLarge
            return function(value)

        return call

    def choices(self, total: Any, chosen: Any) -> Any:
        return self.arrangements(total, chosen) / self.context.gamma(chosen + 1)

    def arrangements(self, total: Any, chosen: Any) -> Any:
        """n(n-1)…(n-k+1), for whole k."""
        if abs(total) > 10**6 or abs(chosen) > MAX_TERMS:
            raise _TooLarge
        if not self.is_real(chosen) or self.context.re(chosen) != int(self.context.re(chosen)):
            return self.context.gamma(total + 1) / self.context.gamma(total - chosen + 1)
        product = self.context.mpf(1)
        for step in range(int(self.context.re(chosen))):
            product *= total - step
        return product

    def logarithm(self, value: Any, base: Any = 10) -> Any:
        if base == 1 or base == 0 or value == 0:
            raise _Undefined
        return self.context.ln(value) / self.context.ln(base)

    def root(self, value: Any, index: Any) -> Any:
        """Real roots of negative numbers where the index is odd."""
        if self.is_real(value) and value.real < 0 and self.is_real(index) and index.real % 2 == 1:
            return -self.power(-value, 1 / index)
        return self.power(value, 1 / index)

    def rounded(self, value: Any, up: bool) -> Any:
        if not self.is_real(value) or abs(value) > 10**15:
            raise _TooLarge
        return self.context.ceil(value.real) if up else self.context.floor(value.real)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": lambda m, a, b: a + b,
    "-": lambda m, a, b: a - b,
    "*": lambda m, a, b: a * b,
    "/": lambda m, a, b: a / b,
    "neg": lambda m, a: -a,
    "^": lambda m, a, b: m.power(a, b),
    "abs": lambda m, a: abs(a),
    "!": lambda m, a: m.bounded(lambda n: m.context.gamma(n + 1), 10**5)(a),
    "degrees": lambda m, a: a * m.context.pi / 180,
    "sqrt": lambda m, a: m.context.sqrt(a),
    "root": lambda m, a, b: m.root(a, b),
    "C": lambda m, a, b: m.choices(a, b),
    "A": lambda m, a, b: m.arrangements(a, b),
    "⌊": lambda m, a: m.rounded(a, up=False),
    "⌈": lambda m, a: m.rounded(a, up=True),
    "ln": lambda m, a: m.logarithm(a, m.context.e),
    "lg": lambda m, a: m.logarithm(a),
    "log": lambda m, a, b=10: m.logarithm(a, b),
    "exp": lambda m, a: m.power(m.context.e, a),
}
for _latex, _method in {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
}.items():  # fmt: skip
    _OPERATIONS[_latex] = lambda m, a, method=_method: m.bounded(getattr(m.context, method), 10**4)(a)


@lru_cache(maxsize=4096)
def _coordinate(name: str, point: int) -> Fraction:
    """A fixed value for a variable at a point: positive at the first points, of either sign at the others."""
    source = random.Random(f"{name}:{point}")
    size = Fraction(source.randrange(300_000, 3_000_000), 1_000_003)
    return size if point < 6 or source.random() < 0.5 else -size
