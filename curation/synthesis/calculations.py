r"""Check the calculations that a solution writes down: `4*12=48`, `<<48/2=24>>`, `\frac{3}{4} \times 8 = 6`, 3×4＝12.

Every side of a chain `a = b = c` that is plain arithmetic is computed as an exact fraction by a small parser; nothing
is evaluated as code. What cannot be read for certain (a variable beside it, a function, several units of time) counts
as no calculation, so that what is called wrong is wrong. Rounding: a decimal may be rounded to its last digit, also cut
off where it does not end (2/3 = 0.66); `≈` may be off by one in the last digit or by 1 %; an expression of rounded
decimals by 0.5 %. A whole number after `=` must be exact.
"""

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from mathmill.core.mathtext import find_formulas
from mathmill.curation.synthesis.arithmetic import Token, Unreadable, compute, prefix, suffix, tokenise

_MAX_CHARS = 20_000  # of a solution that are read
_MAX_CHAIN = 40  # sides
_NEAR, _ROUNDED = Fraction(1, 100), Fraction(1, 200)
_ANNOTATION = re.compile(r"<<([^<>\n]{1,200})>>")
_UNITS = """
hour hours hr hrs minute minutes min mins second seconds sec secs day days week weeks month months year years
km cm mm dm meter meters metre metres kilometer kilometers centimeter centimeters mile miles inch inches foot
feet ft yard yards kg gram grams kilogram kilograms mg pound pounds lb lbs ounce ounces oz ton tons liter
liters litre litres ml gallon gallons quart quarts pint pints cup cups cent cents dollar dollars dozen dozens
pair pairs
小时 时 分钟 分 秒 秒钟 天 日 周 星期 月 个月 年 千米 米 分米 厘米 毫米 公里 里 千克 克 吨 公斤
斤 升 毫升 元 角 平方米 平方厘米 平方分米 公顷
"""
_CONVERTED = frozenset(_UNITS.split())
"""Units of which several in one calculation make it a conversion: 2 hours + 30 minutes = 150 minutes."""


class Calculation(NamedTuple):
    """Two sides of an equation, `4*12=48`, without spaces and units, and whether they are equal."""

    text: str
    is_right: bool


class _Side(NamedTuple):
    tokens: list[Token]  # with units left out
    units: frozenset[str]
    value: Fraction

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)

    @property
    def calculates(self) -> bool:
        return any(token.text in "+-*/^√" for token in self.tokens[1:]) or self.tokens[0].text == "√"

    @property
    def decimals(self) -> int:
        """The most digits behind a point."""
        return max((len(token.text.partition(".")[2]) for token in self.tokens), default=0)


def find_calculations(text: str) -> list[Calculation]:
    """The calculations of a solution, in order, repeated ones too."""
    text = text[:_MAX_CHARS]
    found = [one for match in _ANNOTATION.finditer(text) for one in _of_line(_plain(match[1]))]
    return found + [one for line in _plain(_ANNOTATION.sub("", text)).split("\n") for one in _of_line(line)]


def equation_list(text: str) -> tuple[str, ...]:
    """The right and wrong calculations of a solution as texts, each once, in order: what tells two paths apart."""
    return tuple(dict.fromkeys(one.text for one in find_calculations(text)))


def wrong_calculations(text: str) -> list[str]:
    """The calculations of a solution that are wrong, as texts."""
    return [one.text for one in find_calculations(text) if not one.is_right]


_SPACES = re.compile(r"\\[,;:! ]|\\(?:quad|qquad|left|right|big|Big|bigg|Bigg|displaystyle)(?![a-zA-Z])|[~&]")
_SIGNS = [
    (r"\\(?:times|cdot|ast)(?![a-z])|[×·⋅∙✕✖]|(?<=[\d)])\s*[xX]\s*(?=[\d($])", "*"),
    (r"\\div(?![a-z])|[÷∕⁄]", "/"),
    (r"(?<=\S)[−–](?=\S)|(?<=[\d)] )−(?= [\d($])|−(?=\d)", "-"),
    (r" [–—] ", " ; "),
    (r"\\%", "%"),
    (r"\\\$", ""),
    (r"\\(?:approx|simeq|doteq)(?![a-z])|≒", "≈"),
    (r"\^\s*\{?\s*(?:\\circ(?![a-z])|°)\s*\}?|°|\\degree", ""),
    (r"[<>!:]=|\\(?:neq?|leq?|geq?|equiv)(?![a-z])|[≠≤≥≡]", " ≠ "),
    (r"==", "="),
    (r"(?<=\d)\s*:\s*(?=\d)", " ∶ "),
    (r"\.{3,}|…+|\\[cl]?dots(?![a-z])", " … "),
    (r"\*\*(?=[^*\s\d(])|(?<=[^*\s\d)])\*\*|`|#+", " "),
    (r"(?<=[\d)])\*\*(?=[\d(])", "^"),
    (r"\*\*", " "),
]
_GROUPS = [
    (re.compile(r"(?<![\w.}\\])(\d+)\s*\\[dtc]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}"), r"(\1+\2/\3)"),
    (re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"((\1)/(\2))"),
    (re.compile(r"\\[dtc]?frac\s*(\d)\s*(\d)"), r"(\1/\2)"),
    (re.compile(r"\^\s*\{([^{}]*)\}"), r"^(\1)"),
    (re.compile(r"\\sqrt\s*\{([^{}]*)\}"), r"√(\1)"),
    (re.compile(r"\\(?:boxed|fbox|mathbf|bm|textbf|mathit)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:text|mathrm|textrm|mbox|operatorname|unit)\s*\{\s*\(?([^{}()]*)\)?\s*\}"), r" \1 "),
]
_MIXED = re.compile(r"(?<![\d./*+^(-])(?<![*/+^-] )\b(\d+) (\d+)/(\d+)(?![\d/.])")
_UNIT_IN_BRACKETS = re.compile(r"(?<=\d)\s*\(\s*([\u3400-\u9fff]{1,5}|[A-Za-z]{2,12})\s*\)")
_PER = re.compile(r"(?<=[A-Za-z\u3400-\u9fff\d])\s*/\s*(?=[A-Za-z]{2}|[\u3400-\u9fff])[A-Za-z]*[\u3400-\u9fff]{0,3}")
_OF = re.compile(r"(%|(?<=\d)/\d+|\))\s*of\s+(?:the\s+)?(?=[\d($¦])", re.IGNORECASE)
_ITEM = re.compile(r"^[ \t]*(?:[-*•>]+[ \t]+)?(?:\(?\d{1,2}[.)、][ \t]+)?", re.MULTILINE)
_SUPERSCRIPT = re.compile("[²³]")


def _plain(text: str) -> str:
    """LaTeX and typography as ASCII arithmetic; delimiters of formulas become ¦."""
    pieces, at = [], 0
    for span in find_formulas(text):
        inner = text[span.start : span.end]
        size = 2 if inner[:2] in ("$$", "\\(", "\\[") else 1 if inner[0] == "$" else 0
        pieces += [text[at : span.start], "¦", inner[size : len(inner) - size].replace("\n", " "), "¦"]
        at = span.end
    text = "".join([*pieces, text[at:]]).replace("$", "").replace("{,}", ",")
    text = re.sub(r"\\!|(?<=\d)\\,(?=\d{3})", "", text)
    text = re.sub(r"(?<=\d)\.(?=\\)", " \\\\repeating ", text)
    text = _SUPERSCRIPT.sub(lambda match: f"^{unicodedata.digit(match[0])}", text)
    text = unicodedata.normalize("NFKC", text).replace("\u00a0", " ")
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = _ITEM.sub("", _SPACES.sub(" ", text))
    for pattern, sign in _SIGNS:
        text = re.sub(pattern, sign, text)
    for _ in range(12):  # levels of nesting
        before = text
        for group, plain in _GROUPS:
            text = group.sub(plain, text)
        if text == before:
            break
    text = _MIXED.sub(lambda m: f"({m[1]}+{m[2]}/{m[3]})" if int(m[2]) < int(m[3]) else m[0], text)
    return _OF.sub(r"\1*", _PER.sub("", _UNIT_IN_BRACKETS.sub(r" \1", text))).replace("[", "(").replace("]", ")")


def _of_line(line: str) -> Iterator[Calculation]:
    """The calculations of a line, chain by chain."""
    if "=" not in line and "≈" not in line:
        return
    sides, relations = _split(tokenise(line))
    if len(sides) > _MAX_CHAIN:
        return
    first: _Side | None = None  # of the chain that is being read
    for (before, after), relation in zip(pairwise(sides), relations, strict=True):
        left, right = _read(before, is_left=True), _read(after, is_left=False)
        if left is None or right is None:
            first = None
            continue
        if first is None or len(left.tokens) < len([token for token in before if token.kind != "word"]):
            first = left
        if left.calculates or right.calculates:
            is_right = _are_equal(left, right, relation) or _are_equal(first, right, relation, left.decimals > 0)
            if is_right or len((left.units | right.units) & _CONVERTED) < 2:
                yield Calculation(f"{left.text}{relation}{right.text}", is_right)


def _split(tokens: list[Token]) -> tuple[list[list[Token]], list[str]]:
    sides: list[list[Token]] = [[]]
    relations = []
    for token in tokens:
        if token.kind == "relation":
            relations.append(token.text)
            sides.append([])
        else:
            sides[-1].append(token)
    return sides, relations


def _read(tokens: list[Token], is_left: bool) -> _Side | None:
    """The expression that ends before a relation, or begins after it; None where it cannot be read for certain."""
    try:
        taken = suffix(tokens) if is_left else prefix(tokens)
        plain = [token for token in taken if token.kind != "word"]
        return _Side(plain, frozenset(t.text.lower() for t in taken if t.kind == "word"), compute(plain))
    except Unreadable:
        return None


def _are_equal(left: _Side, right: _Side, relation: str, counts: bool = True) -> bool:
    """Whether two sides are equal within what rounding allows."""
    if not counts:
        return False
    if _close(left.value, right, relation):
        return True
    percents = [any(token.text == "%" for token in side.tokens) for side in (left, right)]
    if percents == [False, True]:  # 15/60*100 = 25%
        return _close(left.value, _without_percent(right), relation)
    if any(percents) and not any(token.text in "*/^√" for side in (left, right) for token in side.tokens):
        return _close(_without_percent(left).value, _without_percent(right), relation)
    return False


def _without_percent(side: _Side) -> _Side:
    tokens = [token for token in side.tokens if token.text != "%"]
    return side._replace(tokens=tokens, value=compute(tokens))


def _close(value: Fraction, right: _Side, relation: str) -> bool:
    difference = abs(value - right.value)
    if not difference:
        return True
    if right.calculates:
        return (relation == "≈" or right.decimals > 0) and difference <= abs(value) * (
            _NEAR if relation == "≈" else _ROUNDED
        )
    unit = Fraction(1, 10**right.decimals) * (Fraction(1, 100) if right.tokens[-1].text == "%" else 1)
    if relation == "≈":
        return difference < unit or difference <= abs(value) * _NEAR
    if not right.decimals:
        return False
    return difference <= unit / 2 or (difference < unit and not _ends(value))


def _ends(value: Fraction) -> bool:
    """Whether a number has finitely many decimals."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1
