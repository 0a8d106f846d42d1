r"""Read an answer as a value, to be compared by `answer_equality`.

A value is a tuple that begins with its kind: number, quantity (with a unit), ratio, choice, sequence (tuple or interval
with its brackets), set, union, assigned, assignments, blanks, family (with a whole parameter), matrix, word, date,
clock, text or formula. Numbers are `Fraction`s, never floats, so 20166 is not
20165; powers, factorials and depth are bounded, so that `9^{9^{9^9}}` stays a formula.
"""

import re
from fractions import Fraction
from typing import Any, TypeAlias

from mathmill.core.answer_formulas import FUNCTIONS
from mathmill.core.answer_numbers import read_number
from mathmill.core.answer_text import clean, is_balanced, split_outside_brackets, strip_delimiters
from mathmill.core.answer_units import split_unit
from mathmill.core.answer_words import read_words
from mathmill.core.mathnorm import FUNCTION_NAMES, normalise_formula

Value: TypeAlias = tuple[Any, ...]

MAX_CHARS = 1_000
"""A longer answer is compared as a text."""

MAX_ELEMENTS = 60
"""A set or tuple with more elements is compared as a formula."""


def read_value(answer: str) -> Value:
    """Read an answer as a value."""
    if len(answer) > MAX_CHARS:
        return ("text", " ".join(answer.split()))
    if "matrix}" in answer and (matrix := _read_matrix(answer)) is not None:
        return matrix
    return _read(clean(answer), 0)


def plain_answer(answer: str) -> str:
    """Spell the value of an answer in one way."""
    return spell(read_value(answer))


def spell(value: Value) -> str:
    """Write a value in one way, sets in sorted order."""
    kind = value[0]
    if kind == "number":
        return str(value[1])
    if kind == "quantity":
        return f"{spell(value[1])} {value[2]}"
    if kind == "sequence":
        return value[1] + ",".join(map(spell, value[3])) + value[2]
    if kind in ("set", "union", "assignments"):
        return ("∪" if kind == "union" else ",").join(sorted(map(spell, value[1])))
    if kind == "ratio":
        return ":".join(map(spell, value[1]))
    if kind == "assigned":
        return f"{value[1]}={spell(value[2])}"
    if kind in ("blanks", "matrix"):
        return ";".join(spell(part) if kind == "blanks" else "&".join(map(spell, part)) for part in value[1])
    if kind == "family":
        return f"{spell(value[2])},k∈{value[1]}"
    return " ".join(map(str, value[1:]))


_MATRIX = re.compile(
    r"[\s$]*\\begin\{([pbB]|small)?matrix\}([^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*)\\end\{\1?matrix\}[\s$.]*"
)
_ROW_END = re.compile(r"\\\\(?:\[[^\]]*\])?")


def _read_matrix(answer: str) -> Value | None:
    match = _MATRIX.fullmatch(answer)
    if match is None:
        return None
    rows = [row.split("&") for row in _ROW_END.split(match[2]) if row.strip()]
    if sum(map(len, rows)) > MAX_ELEMENTS or len({len(row) for row in rows}) != 1:
        return None
    return ("matrix", tuple(tuple(_read(clean(cell), 2) for cell in row) for row in rows))


_CHOSEN = re.compile(
    r"(?:(?:故|应|本题|答案)?选(?:项|择|答案)?[:为是]?|(?:the )?(?:correct )?(?:option|choice|answer)(?: is)?:?)"
    r"\s*(?=[(\[A-J])",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"[(\[]?\s*([A-J])\s*[)\]]?\s*\.?|\(\s*([A-J])\s*\)\s*\S.*|([A-J])\s*[.):]\s*\S.*")
_BRACKETED_CHOICES = re.compile(r"(?:\(\s*[A-J]\s*\)\s*(?:,|and|和)?\s*){2,6}")
_CHOICES = re.compile(r"[(\[]?\s*([A-J](?:\s*(?:,|and|和)?\s*[A-J]){1,5})\s*[)\]]?")
_ASSIGNED = re.compile(
    r"([A-Za-zα-ω](?:_(?:\{[^{}]{1,20}\}|\w))?(?:\([A-Za-z0-9](?:,\s*[A-Za-z0-9])*\))?|\|?[A-Z]{2,4}\|?"
    r"|\\(?:angle|vec|overrightarrow|overline)\s*\{?\s*[A-Za-z]{1,3}\s*\}?|∠\s*[A-Z]{1,3})\s*=(?!=)\s*(?=\S)"
)
_RATIO = re.compile(r"[^:]{1,40}(?::[^:]{1,40}){1,3}")
_MEMBER = re.compile(r"[A-Za-z]\s*∈\s*")
_CONJUNCTION = re.compile(
    r"\s*(?:[,;]\s*(?:or|and|或者?|和|且)(?![A-Za-z])|[,;]|\b(?:or|and)\b|或者?|并?且|和|以及|与)\s*"
)
_DOMAIN = r"(?:\\math(?:bb|bf|rm)\s*\{?\s*)?([RZNQ])\s*\}?(?:[*+^_]\S{0,4})?"
_FAMILY = re.compile(r"(.*\S)\s*(?:,|\()\s*([kmn])\s*∈\s*" + _DOMAIN + r"\s*\)?")
_REAL = re.compile(r",?\s*[(\[]?\s*[a-zA-Z]\s*∈\s*\\?(?:math(?:bb|bf|rm)\s*\{?\s*)?R\s*\}?\s*[)\]]?$")
_REALS: Value = ("sequence", "(", ")", (("formula", "-∞"), ("formula", "∞")))
_POINT = re.compile(r"[A-Z](?:_\{?\w\}?|')?\s*(?=\([^()]*,)")
_LETTER = re.compile(r"(?<!\\)(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])|[α-ωA-Za-z]_|[A-Z]{2,}|∠|\\\\(?:angle|vec|over)")


def _read(text: str, depth: int) -> Value:
    if text.isdecimal() and text.isascii() and len(text) < 400:  # most answers
        return ("number", Fraction(text))
    if (words := read_words(text)) is not None:
        return _REALS if words[1] == "reals" else ("formula", words[1]) if "∞" in str(words[1]) else words
    if "∈" in text and depth < 2:
        if (match := _FAMILY.fullmatch(text)) and match[2] in match[1] and match[3] in "ZN":
            return ("family", match[3], _read(match[1], depth + 1))
        text = _REAL.sub("", text) or text
    text = _POINT.sub("", text, count=1) if _POINT.match(text) and text.endswith(")") else text
    text = _MEMBER.sub("", text, count=1) if _MEMBER.match(text) else text
    for reader in (
        _read_blanks,
        _read_choice,
        _read_quantity,
        _read_bracketed,
        _read_union,
        _read_list,
        _read_inequality,
        _read_ratio,
    ):
        value = reader(text, depth)
        if value is not None:
            return value
    if "=" in text and (value := _read_chain(text, depth)) is not None:
        return value
    assigned = _ASSIGNED.match(text)
    if assigned is not None and depth < 4:
        return ("assigned", normalise_formula(assigned[1]), _read(text[assigned.end() :], depth + 1))
    if text.count("±") == 1 and depth < 4:
        return _collection([_read(text.replace("±", sign).strip().removeprefix("+"), depth + 1) for sign in "+-"])
    return _read_rest(text)


_LABEL = re.compile(
    r"(?:第[一二三四五1-5][空问]|空[一二三四五1-5]|blank\s*[1-5]|\([1-5]\)|[①-⑤])\s*[:.]?\s*", re.IGNORECASE
)


def _read_blanks(text: str, depth: int) -> Value | None:
    """Answers to several blanks, in order: `3; 5`, 第一空: 3; 第二空: 5, `(1) 3 (2) 5`."""
    if depth:
        return None
    labels = list(_LABEL.finditer(text)) if _LABEL.match(text) else []
    if len(labels) > 1 and [_number_of(label[0]) for label in labels] == list(range(1, len(labels) + 1)):
        ends = [label.start() for label in labels[1:]] + [len(text)]
        parts = [strip_delimiters(text[label.end() : end]) for label, end in zip(labels, ends, strict=True)]
    elif ";" in text:
        parts = split_outside_brackets(text, re.compile(";"))
    else:
        return None
    if len(parts) < 2 or len(parts) > MAX_ELEMENTS or not all(parts):
        return None
    values = [_read(part, 1) for part in parts]
    return None if all(value[0] == "assigned" for value in values) else ("blanks", tuple(values))


def _number_of(label: str) -> int:
    return next(
        place
        for place, marks in enumerate(("1一①", "2二②", "3三③", "4四④", "5五⑤"), start=1)
        if set(marks) & set(label)
    )


def _read_chain(text: str, depth: int) -> Value | None:
    """`2+3=5` is 5, `x=y=3` is x=3 and y=3, `πr^2=9π` after a name its last side."""
    sides = [side.strip() for side in text.split("=")]
    if depth > 3 or not all(sides) or len(sides) > MAX_ELEMENTS:
        return None
    if len(sides) > 2 and all(_is_variable(side) for side in sides[:-1]):
        value = _read(sides[-1], depth + 1)
        return ("assignments", _distinct([("assigned", normalise_formula(side), value) for side in sides[:-1]]))
    if len(sides) > 2 or not _LETTER.search(text):
        assigned = _ASSIGNED.match(text)
        last = _read(sides[-1], depth + 1)
        return ("assigned", normalise_formula(assigned[1]), last) if assigned is not None else last
    return None


def _read_choice(text: str, depth: int) -> Value | None:
    text = _CHOSEN.sub("", text, count=1) if _CHOSEN.match(text) else text
    if _BRACKETED_CHOICES.fullmatch(text):
        text = ",".join(re.findall("[A-J]", text))
    if match := _CHOICE.fullmatch(text):
        return ("choice", match[1] or match[2] or match[3])
    if match := _CHOICES.fullmatch(text):
        letters = re.findall("[A-J]", match[1].replace("and", ""))
        if len(letters) != len(match[1]) or letters == sorted(set(letters)):  # BA may be a segment, "B, A" is not
            return ("choice", "".join(sorted(set(letters))))
    return None


def _read_quantity(text: str, depth: int) -> Value | None:
    """A number, or a number and a unit."""
    number = read_number(text)
    if number is not None:
        return ("number", number)
    amount, unit = split_unit(text)
    if not unit or (unit == "degree" and any(name in amount for name in FUNCTIONS)):
        return None
    number = read_number(amount)
    if number is not None:
        return ("quantity", ("number", number), unit)
    return ("quantity", ("formula", _formula(amount)), unit) if amount else None


_BUILDER = re.compile(r"[A-Za-z]\s*(?:∈\s*(?:\\mathbb\s*\{?\s*)?R\s*\}?\s*)?(?:\||\\mid\b|∣|:)\s*")


def _read_bracketed(text: str, depth: int) -> Value | None:
    """Tuples and intervals keep their brackets; one element in round brackets is the element."""
    is_set = text.startswith(("\\{", "{")) and text.endswith("}")
    if not is_set and not (text[:1] in ("(", "[") and text[-1:] in (")", "]")):
        return None
    opener, closer = ("\\{", "\\}") if text.startswith("\\{") else (text[0], text[-1])
    inner = text[len(opener) : -len(closer)]
    if not is_balanced(inner) or depth > 4:
        return None
    parts = split_outside_brackets(inner, re.compile("[,;]"))
    if len(parts) > MAX_ELEMENTS:
        return None
    if is_set and (builder := _BUILDER.match(inner)) is not None:
        return _read(_REAL.sub("", inner[builder.end() :]), depth + 1)
    if is_set:
        return _collection([_read(part, depth + 1) for part in parts])
    if len(parts) == 1:
        return _read(strip_delimiters(inner), depth + 1) if text[0] + text[-1] == "()" else None
    return ("sequence", text[0], text[-1], tuple(_read(part, depth + 1) for part in parts))


def _read_union(text: str, depth: int) -> Value | None:
    if "∪" not in text or depth > 2:
        return None
    return ("union", _distinct([_read(part, depth + 1) for part in split_outside_brackets(text, re.compile("∪"))]))


def _read_list(text: str, depth: int) -> Value | None:
    """Values joined by commas, "and" or "or", in any order; assignments to several variables keep their names."""
    parts = split_outside_brackets(text, _CONJUNCTION)
    if len(parts) < 2 or len(parts) > MAX_ELEMENTS or depth > 2 or not all(parts):
        return None
    values = [_read(part, depth + 1) for part in parts]
    if any(value[0] == "text" for value in values):
        return None
    if all(value[0] == "sequence" for value in values) and not any(part.startswith(("(", "[")) for part in parts):
        return _intersection(values) if re.search(r"\band\b|且", text) else ("union", _distinct(values))
    names = {value[1] for value in values if value[0] == "assigned"}
    if len(names) > 1:
        return ("assignments", _distinct(values))
    return _collection([value[2] if value[0] == "assigned" else value for value in values])


def _collection(values: list[Value]) -> Value:
    """A set, flat: `±1, 3` has three elements; a single element is itself."""
    flat = [element for value in values for element in (value[1] if value[0] == "set" else (value,))]
    distinct = _distinct(flat)
    return distinct[0] if len(distinct) == 1 else ("set", distinct)


def _distinct(values: list[Value]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(values))


_RELATION = re.compile("[<>≤≥]")
_INFINITY: Value = ("formula", "∞")
_MINUS_INFINITY: Value = ("formula", "-∞")


def _read_inequality(text: str, depth: int) -> Value | None:
    """`2 < x ≤ 5` is the interval (2, 5]; `x > 2` is (2, ∞)."""
    relations = _RELATION.findall(text)
    parts = [part.strip() for part in _RELATION.split(text)]
    if not 1 <= len(relations) <= 2 or not all(parts) or depth > 2:
        return None
    variable = 1 if len(relations) == 2 else 0 if _is_variable(parts[0]) else 1
    if not _is_variable(parts[variable]) or len({relation in "<≤" for relation in relations}) > 1:
        return None
    bounds = [_read(part, 4) for place, part in enumerate(parts) if place != variable]
    ascending = relations[0] in "<≤"
    if len(relations) == 2:
        low, high = (0, 1) if ascending else (1, 0)
        brackets = ["[" if relations[low] in "≤≥" else "(", "]" if relations[high] in "≤≥" else ")"]
        return ("sequence", *brackets, (bounds[low], bounds[high]))
    closed = relations[0] in "≤≥"
    if (variable == 0) == ascending:  # x < 5, 5 > x
        return ("sequence", "(", "]" if closed else ")", (_MINUS_INFINITY, bounds[0]))
    return ("sequence", "[" if closed else "(", ")", (bounds[0], _INFINITY))


def _intersection(values: list[Value]) -> Value | None:
    """`x > 1 and x < 3` is (1, 3), where the bounds are numbers."""
    low = next((value for value in values if value[3][1] == _INFINITY and value[3][0][0] == "number"), None)
    high = next((value for value in values if value[3][0] == _MINUS_INFINITY and value[3][1][0] == "number"), None)
    if low is None or high is None or len(values) != 2 or low[3][0][1] >= high[3][1][1]:
        return None
    return ("sequence", low[1], high[2], (low[3][0], high[3][1]))


def _is_variable(text: str) -> bool:
    return re.fullmatch(r"[A-Za-zα-ω]|\\[a-z]{2,7}", text) is not None


def _read_ratio(text: str, depth: int) -> Value | None:
    if not _RATIO.fullmatch(text):
        return None
    values = [_read_quantity(part.strip(), depth) or _read_rest(part) for part in text.split(":")]
    if any(value[0] not in ("number", "formula") or "=" in str(value[1]) for value in values):
        return None
    return ("ratio", tuple(values))


_COMMAND = re.compile(r"\\[A-Za-z]+")
_WORD = re.compile(r"[A-Za-z]{3,}")
_TEXT_PIECE = re.compile(r"[^\W_]+|[^\w\s.,;:!?'\"()]")
_ARTICLES = frozenset(("a", "an", "the"))


def _read_rest(text: str) -> Value:
    """Words are compared without case, articles and punctuation, formulas by their canonical spelling."""
    words = _WORD.findall(_COMMAND.sub(" ", text))
    if any(word not in FUNCTION_NAMES for word in words):
        pieces = [piece for piece in _TEXT_PIECE.findall(text.casefold()) if piece not in _ARTICLES]
        return ("text", " ".join(pieces))
    return ("formula", _formula(text))


_FUNCTION_OVER = re.compile(
    r"\\?(?:" + "|".join(FUNCTIONS) + r")\s*(?:\{\w{1,9}\}|\d{1,9}|[a-zα-ω]|\\[a-z]{2,7})(?=\s*/)"
)

_APART = re.compile(r"(?<![_^]\d)(?<!frac\d)(?<!frac\s\d)(?<=\d)\s+(?=\d)")


def _formula(text: str) -> str:
    r"""The canonical spelling; `\ln2/2` is `\frac{\ln2}{2}`, and `1 2` is not 12."""
    if "/" in text:
        text = _FUNCTION_OVER.sub(lambda match: f"{{{match[0]}}}", text)
    return normalise_formula(_APART.sub("␣", text)).removeprefix("+")
