"""Compare the values of answers: exactly where they are numbers, choices or words, formulas by their values at points.

`Comparison.decided` says whether every formula met could be read; where it is false, "unequal" means "not known to be".
"""

from fractions import Fraction

from mathmill.core.answer_points import Budget, same_formula
from mathmill.core.answer_units import in_base_unit, same_unit
from mathmill.core.answer_values import Value, spell

MAX_MATCHED = 12
"""Larger sets are matched by the spelling of their elements alone."""


class Comparison:
    """One comparison of two answers, with what it may spend on working out formulas."""

    def __init__(self) -> None:
        self.decided = True
        self._budget = Budget()

    def are_equal(self, a: Value, b: Value) -> bool:
        """Compare two values; units may be missing on one side, elements of a set stand in any order."""
        if a == b:
            return True
        kinds = {a[0], b[0]}
        if "family" in kinds:
            return a[0] == b[0] and a[1] == b[1] and self.are_equal(a[2], b[2])
        if "assigned" in kinds:
            return self._equal_assigned(a, b)
        if "quantity" in kinds:
            return self._equal_quantities(a, b)
        if "blanks" in kinds:
            return self._equal_blanks(a, b)
        if kinds == {"assignments", "set"}:
            return self._equal_sets(_roots(a), _roots(b))
        if kinds == {"assignments", "sequence"}:
            return self._equal_coordinates(*((a, b) if a[0] == "assignments" else (b, a)))
        if kinds <= {"number", "formula"} and kinds != {"number"}:
            return self._equal_formulas(a, b)
        if a[0] != b[0]:
            self._note_unread(a, b)
            return False
        if a[0] == "sequence":
            return a[1:3] == b[1:3] and self._equal_rows(a[3], b[3])
        if a[0] == "ratio":
            return self._equal_rows(a[1], b[1])
        if a[0] == "matrix":
            return len(a[1]) == len(b[1]) and all(map(self._equal_rows, a[1], b[1]))
        if a[0] in ("set", "union", "assignments"):
            return self._equal_sets(a[1], b[1])
        self._note_unread(a, b)
        return False

    def _note_unread(self, *values: Value) -> None:
        """LaTeX that is no formula of ours leaves the pair undecided; words do not."""
        if any(value[0] == "text" and "\\" in value[1] for value in values):
            self.decided = False

    def _equal_formulas(self, a: Value, b: Value) -> bool:
        verdict = same_formula(spell(a), spell(b), self._budget)
        if verdict is None and "␣" not in f"{a[1]}{b[1]}":
            self.decided = False
        return verdict is True

    def _equal_rows(self, a: tuple[Value, ...], b: tuple[Value, ...]) -> bool:
        return len(a) == len(b) and all(map(self.are_equal, a, b))

    def _equal_assigned(self, a: Value, b: Value) -> bool:
        """`x = 5` equals 5, but not `y = 5`; `y = 2x+1` equals `2x-y+1 = 0`."""
        if a[0] == b[0] and a[1] == b[1]:
            return self.are_equal(a[2], b[2])
        if a[0] == b[0] or (_is_equation(a) and _is_equation(b)):
            return self._equal_formulas(_as_equation(a), _as_equation(b))
        return self.are_equal(a[2] if a[0] == "assigned" else a, b[2] if b[0] == "assigned" else b)

    def _equal_blanks(self, a: Value, b: Value) -> bool:
        """Blanks in their order, also against a list with commas."""
        parts = [tuple(value[1]) if value[0] in ("blanks", "set") else (value,) for value in (a, b)]
        return self._equal_rows(*parts)

    def _equal_coordinates(self, assignments: Value, point: Value) -> bool:
        """`x=1, y=2` is the point (1,2)."""
        if point[1:3] != ("(", ")") or any(value[0] != "assigned" or len(value[1]) != 1 for value in assignments[1]):
            return False
        return self._equal_rows(tuple(value for _, _, value in sorted(assignments[1], key=lambda v: v[1])), point[3])

    def _equal_quantities(self, a: Value, b: Value) -> bool:
        """Equal numbers whose units agree or stand on one side alone; `100 cm` is `1 m`.

        `50%` is 0.5, and 50 with the sign left out; a bare number up to 1 is taken as the fraction.
        """
        value_a, unit_a = a[1:] if a[0] == "quantity" else (a, "")
        value_b, unit_b = b[1:] if b[0] == "quantity" else (b, "")
        numbers = value_a[0] == value_b[0] == "number"
        if {unit_a, unit_b} == {"%", ""} and numbers:
            share, bare = (value_a[1], value_b[1]) if unit_a == "%" else (value_b[1], value_a[1])
            return bool(share == bare * 100 or (share == bare and (abs(bare) > 1 or not bare)))
        if {unit_a, unit_b} == {"degree", ""} and not numbers:
            degrees, bare_value = (value_a, value_b) if unit_a == "degree" else (value_b, value_a)
            if "π" in spell(bare_value):
                return self.are_equal(_times(degrees, "π/180"), bare_value)
        if unit_a != unit_b and (converted := _converted(unit_a, unit_b)) is not None:
            return self.are_equal(_times(value_a, converted), value_b)
        return same_unit(unit_a, unit_b) and self.are_equal(value_a, value_b)

    def _equal_sets(self, a: tuple[Value, ...], b: tuple[Value, ...]) -> bool:
        """Match elements one to one; both sides are free of repetitions."""
        if len(a) != len(b):
            return False
        if len(a) > MAX_MATCHED:
            return set(a) == set(b)
        rest = list(b)
        for element in a:
            match = next((i for i, other in enumerate(rest) if self.are_equal(element, other)), None)
            if match is None:
                return False
            del rest[match]
        return True


def _is_equation(value: Value) -> bool:
    return value[0] == "assigned" or (value[0] == "formula" and "=" in value[1])


def _as_equation(value: Value) -> Value:
    return ("formula", f"{value[1]}={spell(value[2])}") if value[0] == "assigned" else value


def _roots(value: Value) -> tuple[Value, ...]:
    """The elements of a set; of `x_1 = 2, x_2 = 3`, the values of one unknown, 2 and 3; of other assignments none."""
    if value[0] == "set":
        return tuple(value[1])
    names = [part[1] for part in value[1] if part[0] == "assigned"]
    if len(names) < len(value[1]) or {name[1:2] for name in names} != {"_"} or len({name[0] for name in names}) > 1:
        return ()
    return tuple(element for *_, element in value[1])


def _converted(unit: str, to: str) -> Fraction | None:
    """By what an amount of one unit is multiplied to be of the other; None where they measure different things."""
    one, other = in_base_unit(unit), in_base_unit(to)
    if one is None or other is None or one[0] != other[0]:
        return None
    return one[1] / other[1]


def _times(value: Value, factor: Fraction | str) -> Value:
    if value[0] == "number" and isinstance(factor, Fraction):
        return ("number", value[1] * factor)
    return ("formula", f"({spell(value)})*({factor})")
