r"""What the problem templates share: the registry, names, and the LaTeX of numbers and polynomials.

A template draws numbers from a seeded generator and returns question, steps and answer in English and Chinese, all
computed with integers and fractions; it asserts its answer by a second way where one exists.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random

from .page import Problem

Text = tuple[str, Sequence[str], str]  # question, steps, answer
Template = Callable[[Random], tuple[Text, Text]]  # English, Chinese

TEMPLATES: dict[str, tuple[str, Template]] = {}  # name → school stage, template

NAMES = (
    ("Amara", "小林"), ("Ben", "小刚"), ("Chloe", "小芳"), ("Diego", "小军"), ("Elif", "小雨"), ("Farid", "小明"),
    ("Greta", "小红"), ("Hugo", "小强"), ("Ines", "小丽"), ("Jonas", "小华"), ("Keiko", "小燕"), ("Liam", "小东"),
    ("Mona", "小梅"), ("Nadia", "小兰"), ("Oskar", "小涛"), ("Priya", "小慧"), ("Quinn", "小宇"), ("Rosa", "小静"),
)  # fmt: skip


def template(school_stage: str) -> Callable[[Template], Template]:
    """Register a template under its function's name."""

    def register(function: Template) -> Template:
        TEMPLATES[function.__name__] = school_stage, function
        return function

    return register


def make(name: str, rng: Random, lang: str, seen: set[str] | None = None) -> Problem:
    """Draw a problem from a template; a question in `seen` is not drawn again, and the new one is added to it."""
    school_stage, function = TEMPLATES[name]
    for _ in range(1000):
        question, steps, answer = function(rng)[0 if lang == "en" else 1]
        if seen is None or question not in seen:
            if seen is not None:
                seen.add(question)
            return Problem(question, tuple(steps), answer, school_stage, lang, topic=name)
    raise ValueError(f"template {name} has no further problems in {lang}")


def frac(value: Fraction | int) -> str:
    """LaTeX of a rational number in lowest terms."""
    value = Fraction(value)
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def signed(value: Fraction | int) -> str:
    """LaTeX of a number with its sign, to follow another term."""
    return f"+{frac(value)}" if value >= 0 else frac(value)


def term(coefficient: Fraction | int, power: str, first: bool = False) -> str:
    """LaTeX of `coefficient · power` with its sign; nothing for a zero coefficient."""
    if coefficient == 0:
        return ""
    size = abs(Fraction(coefficient))
    number = "" if size == 1 and power else frac(size)
    return ("-" if coefficient < 0 else "" if first else "+") + number + power


def polynomial(*coefficients: Fraction | int, variable: str = "x") -> str:
    """LaTeX of a polynomial, leading coefficient first."""
    written = ""
    degree = len(coefficients) - 1
    for i, coefficient in enumerate(coefficients):
        power = {0: "", 1: variable}.get(
            degree - i, f"{variable}^{{{degree - i}}}" if degree - i > 9 else f"{variable}^{degree - i}"
        )
        written += term(coefficient, power, first=not written)
    return written or "0"


def pick_two(rng: Random, low: int, high: int) -> tuple[int, int]:
    """Two different integers of low…high."""
    first, second = rng.sample(range(low, high + 1), 2)
    return first, second
