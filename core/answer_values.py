r"""Read an answer as a value and compare values: the exact half of `answers`.

A value is a tuple that begins with its kind: number, quantity (with a unit), ratio, choice, sequence (tuple or interval
with its brackets), set, union, assignments, text or formula. Numbers are `Fraction`s, never floats, so 20166 is not
20165; powers, factorials and depth are bounded, so that `9^{9^{9^9}}` stays a formula.
"""

import re
import unicodedata
from typing import Any, TypeAlias

from mathmill.core.answer_numbers import read_number
from mathmill.core.answer_units import same_unit, split_unit
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
    return _read(clean(answer), 0)


def plain_answer(answer: str) -> str:
    """Spell the value of an answer in one way."""
    return spell(read_value(answer))


def are_equal(a: Value, b: Value) -> bool:
    """Compare two values; units may be missing on one side, elements of a set stand in any order."""
    if a == b:
        return True
    if a[0] == "assigned" or b[0] == "assigned":
        return _equal_assigned(a, b)
    if a[0] == "quantity" or b[0] == "quantity":
        return _equal_quantities(a, b)
    if (a[0], b[0]) in (("assignments", "set"), ("set", "assignments")):
        return _equal_sets(_roots(a), _roots(b))
    if a[0] != b[0]:
        return False
    if a[0] == "sequence":
        return a[1:3] == b[1:3] and len(a[3]) == len(b[3]) and all(map(are_equal, a[3], b[3]))
    if a[0] in ("set", "union", "assignments"):
        return _equal_sets(a[1], b[1])
    return False


def _equal_assigned(a: Value, b: Value) -> bool:
    """`x = 5` equals 5, but not `y = 5`."""
    if a[0] == b[0]:
        return a[1] == b[1] and are_equal(a[2], b[2])
    return are_equal(a[2] if a[0] == "assigned" else a, b[2] if b[0] == "assigned" else b)


def _roots(value: Value) -> tuple[Value, ...]:
    """The elements of a set; of `x_1 = 2, x_2 = 3`, the values of one unknown, 2 and 3; of other assignments none."""
    if value[0] == "set":
        return tuple(value[1])
    one_unknown = {name[1:2] for _, name, _ in value[1]} == {"_"} and len({name[0] for _, name, _ in value[1]}) == 1
    return tuple(element for *_, element in value[1]) if one_unknown else ()


def _equal_quantities(a: Value, b: Value) -> bool:
    """Equal numbers whose units agree or stand on one side alone; a percentage also equals its fraction."""
    value_a, unit_a = a[1:] if a[0] == "quantity" else (a, "")
    value_b, unit_b = b[1:] if b[0] == "quantity" else (b, "")
    if are_equal(value_a, value_b):
        return same_unit(unit_a, unit_b)
    if unit_a == "%" and unit_b == "" and value_a[0] == value_b[0] == "number":
        return value_a[1] / 100 == value_b[1]
    if unit_b == "%" and unit_a == "" and value_a[0] == value_b[0] == "number":
        return value_b[1] / 100 == value_a[1]
    return False


def _equal_sets(a: tuple[Value, ...], b: tuple[Value, ...]) -> bool:
    """Match elements one to one; both sides are free of repetitions."""
    if len(a) != len(b):
        return False
    rest = list(b)
    for element in a:
        match = next((i for i, other in enumerate(rest) if are_equal(element, other)), None)
        if match is None:
            return False
        del rest[match]
    return True


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
    return str(value[1])


_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|hbox|boxed|fbox|operatorname|rm|bf)\*?\s*\{([^{}]*)\}"
)
_FORMAT = re.compile(r"\\(?:left|right|bigl|bigr|Bigl|Bigr|big|Big|displaystyle|limits|rm|bf)(?![A-Za-z])|\\[,;:!]")
_SPELLINGS = {
    "\\%": "%", "\\$": "$", "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\in": "∈",
    "\\leqslant": "≤", "\\geqslant": "≥", "\\leq": "≤", "\\geq": "≥", "\\le": "≤", "\\ge": "≥", "<=": "≤", ">=": "≥",
    "\\lt": "<", "\\gt": ">", "\\neq": "≠", "\\ne": "≠", "\\pm": "±", "\\cup": "∪", "\\infty": "∞", "\\colon": ":",
    "\\quad": " ", "\\qquad": " ", "\\ ": " ", "~": " ", "\\degree": "°", "^{\\circ}": "°", "^\\circ": "°", "^{∘}": "°",
    "\\lbrace": "\\{", "\\rbrace": "\\}", "\\approx": "≈", "\\varnothing": "∅", "\\emptyset": "∅", "{,}": ",", "**": "",
}  # fmt: skip
_SPELLING = re.compile("|".join(re.escape(k) + ("(?![A-Za-z])" if k[-1].isalpha() else "") for k in _SPELLINGS))
_INLINE = re.compile(r"(?<![\\$])\$(?=[^\s$])([^$]*?[^\s\\$])\$(?![\d$])|\\\((.*?)\\\)")
"""Formulas within an answer, delimited as Pandoc reads them: "$1$, $2$ and $3$", but not "$5 and $6" (dollars)."""
_THOUSANDS = re.compile(r"(?<=\d)\s*(?:,\s*\\!|\\!\s*,)\s*(?=\d{3})")
_ABOUT = re.compile(r"\s*(?:≈|≒|约(?:为|等于|是)?|大约|approximately|about|roughly)\s*", re.IGNORECASE)


def clean(answer: str) -> str:
    """Remove what only dresses an answer: delimiters, wrappers, full-width forms, closing punctuation."""
    text = "".join(map(_ascii_form, answer))
    if "$" in text or "\\(" in text:
        text = _INLINE.sub(lambda match: f" {match[1] or match[2]} ", text)
    if "\\!" in text:
        text = _THOUSANDS.sub(",", text)
    for _ in range(4):
        text = _WRAPPER.sub(r" \1 ", text)
    text = _SPELLING.sub(lambda match: _SPELLINGS[match[0]], _FORMAT.sub(" ", text))
    text = strip_delimiters(text.strip())
    return _ABOUT.sub("", text, count=1) if _ABOUT.match(text) else text


def _ascii_form(character: str) -> str:
    """Full-width forms to ASCII, vulgar fractions to `1/2`; scripts stay for the formula normaliser."""
    if character.isascii():
        return character
    if character in "，、。；：（）":
        return {"，": ",", "、": ",", "。": ".", "；": ";", "：": ":", "（": "(", "）": ")"}[character]
    if character in "−–":
        return "-"
    decomposition = unicodedata.decomposition(character)
    if decomposition.startswith(("<wide>", "<narrow>")):
        return unicodedata.normalize("NFKC", character)
    if decomposition.startswith("<fraction>"):
        return " " + unicodedata.normalize("NFKC", character).replace("\u2044", "/")
    return character


def strip_delimiters(text: str) -> str:
    """Remove formula delimiters and closing punctuation around a text."""
    while True:
        before = text
        text = text.strip().rstrip(".;,:").strip()
        for opener, closer in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("`", "`")):
            if text.startswith(opener) and text.endswith(closer) and len(text) > len(opener) + len(closer):
                text = text[len(opener) : -len(closer)]
        if text == before:
            return text


_CHOICE = re.compile(r"[(\[]?\s*([A-J])\s*[)\]]?\s*\.?|\(\s*([A-J])\s*\)\s*\S.*|([A-J])\s*[.):]\s*\S.*")
_CHOICES = re.compile(r"[(\[]?\s*([A-J](?:\s*(?:,|and|和)?\s*[A-J]){1,5})\s*[)\]]?")
_ASSIGNED = re.compile(r"([A-Za-zα-ω](?:_\{?\w{1,8}\}?)?(?:\([A-Za-z](?:,\s*[A-Za-z])*\))?)\s*=(?!=)\s*(?=\S)")
_RATIO = re.compile(r"[^:]{1,40}(?::[^:]{1,40}){1,3}")
_MEMBER = re.compile(r"[A-Za-z]\s*∈\s*")
_CONJUNCTION = re.compile(r"\s*(?:[,;]\s*(?:or|and|或者?|和)(?![A-Za-z])|[,;]|\b(?:or|and)\b|或者?|和|以及|与)\s*")


def _read(text: str, depth: int) -> Value:
    text = _MEMBER.sub("", text, count=1) if _MEMBER.match(text) else text
    for reader in (
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
    assigned = _ASSIGNED.match(text)
    if assigned is not None and depth < 4:
        return ("assigned", normalise_formula(assigned[1]), _read(text[assigned.end() :], depth + 1))
    if text.count("±") == 1 and depth < 4:
        return _collection([_read(text.replace("±", sign).strip().removeprefix("+"), depth + 1) for sign in "+-"])
    return _read_rest(text)


def _read_choice(text: str, depth: int) -> Value | None:
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
    if not unit:
        return None
    number = read_number(amount)
    if number is not None:
        return ("quantity", ("number", number), unit)
    return ("quantity", ("formula", normalise_formula(amount)), unit) if amount else None


def _read_bracketed(text: str, depth: int) -> Value | None:
    """Tuples and intervals keep their brackets; one element in round brackets is the element."""
    is_set = text.startswith(("\\{", "{")) and text.endswith("}")
    if not is_set and not (text[:1] in ("(", "[") and text[-1:] in (")", "]")):
        return None
    opener, closer = ("\\{", "\\}") if text.startswith("\\{") else (text[0], text[-1])
    inner = text[len(opener) : -len(closer)]
    if not _is_balanced(inner) or depth > 4:
        return None
    parts = split_outside_brackets(inner, re.compile("[,;]"))
    if len(parts) > MAX_ELEMENTS:
        return None
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
        return None if re.search(r"\band\b|且", text) else ("union", _distinct(values))  # x<1 or x>2
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


def _is_variable(text: str) -> bool:
    return re.fullmatch(r"[A-Za-zα-ω]|\\[a-z]{2,7}", text) is not None


def _read_ratio(text: str, depth: int) -> Value | None:
    if not _RATIO.fullmatch(text):
        return None
    numbers = [read_number(part) for part in text.split(":")]
    if any(number is None for number in numbers):
        return None
    return ("ratio", tuple(("number", number) for number in numbers))


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
    return ("formula", normalise_formula(text).removeprefix("+"))


def split_outside_brackets(text: str, separator: re.Pattern[str]) -> list[str]:
    """Split a text at matches of a pattern that lie in no bracket; pieces are stripped."""
    depths: list[int] = []
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        depths.append(depth)
    pieces, position = [], 0
    for match in separator.finditer(text):
        place = match.start() + len(match[0]) - len(match[0].lstrip())
        if depths[min(place, len(depths) - 1)] == 0 and match[0].strip():
            pieces.append(text[position : match.start()])
            position = match.end()
    return [strip_delimiters(piece) for piece in [*pieces, text[position:]]]


def _is_balanced(text: str) -> bool:
    """Whether brackets close what they open, whatever their shapes: `(1,2)` inside, not `1) and (2`."""
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:
            return False
    return depth == 0
