"""Which records a mix group takes: `problems[difficulty=hard, school_stage=high]`, `documents[lang=zh, p>=0.7]`.

A selector names a corpus and conditions on labels, all of which must hold. It is evaluated on whole Arrow batches, so
that groups can be drawn over a token store of any size; a condition on a label that a record lacks does not hold.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mathmill.core.errors import ConfigError
from mathmill.core.schemas import DIFFICULTIES, SCHOOL_STAGES
from mathmill.tokenize.store import LABELS

CORPORA = ("documents", "problems")

KNOWN_VALUES = {"school_stage": SCHOOL_STAGES, "difficulty": DIFFICULTIES, "style": ("cot", "pot", "mixed")}

TEXT_LABELS = tuple(field.name for field in LABELS if pa.types.is_string(field.type) and field.name != "corpus")
NUMBER_LABELS = tuple(field.name for field in LABELS if pa.types.is_floating(field.type))

_SELECTOR = re.compile(r"\s*([^\[\]]*?)\s*(?:\[([^\[\]]*)\])?\s*")
_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=|>|<)\s*(.*?)\s*")

_COMPARE = {
    ">=": pc.greater_equal,
    "<=": pc.less_equal,
    ">": pc.greater,
    "<": pc.less,
    "=": pc.equal,
    "!=": pc.not_equal,
}


@dataclass(frozen=True)
class Condition:
    """One condition: a label, an operator, and the allowed values or the bound."""

    label: str
    operator: str
    values: tuple[str, ...] = ()
    bound: float = 0.0

    def mask(self, batch: pa.RecordBatch | pa.Table) -> npt.NDArray[np.bool_]:
        """Which rows satisfy it; bool (n_rows,)."""
        column = batch.column(self.label)
        if self.values:
            found = pc.is_in(column, pa.array(self.values, pa.string()))
            holds = pc.and_(pc.is_valid(column), found if self.operator == "=" else pc.invert(found))
        else:  # float32: what was stored as 0.8 is at least 0.8
            holds = pc.fill_null(_COMPARE[self.operator](column, pa.scalar(self.bound, pa.float32())), False)
        return holds.to_numpy(zero_copy_only=False) if isinstance(holds, pa.Array) else holds.to_numpy()

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{'|'.join(self.values) if self.values else f'{self.bound:g}'}"


@dataclass(frozen=True)
class Selector:
    """A corpus and conditions on labels; `parse` makes it, `str` writes it back in one canonical form."""

    corpus: str
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Selector":
        """Read `CORPUS` or `CORPUS[CONDITION, …]`; ConfigError says what is wrong and what is allowed.

        Conditions: `label=a|b`, `label!=a` on words, `label>=0.5` and the like on numbers. `p` stands for the
        probability of the label that was conditioned on before it.
        """
        match = _SELECTOR.fullmatch(text)
        if match is None or match[1] not in CORPORA:
            raise ConfigError(
                f"{text!r} is no selector; write {_either(CORPORA)}, or problems[difficulty=hard, p>=0.8]"
            )
        conditions: list[Condition] = []
        if match[2] is not None:
            for part in match[2].split(","):
                conditions.append(_condition(part, text, conditions))
        return cls(match[1], tuple(conditions))

    def mask(self, batch: pa.RecordBatch | pa.Table) -> npt.NDArray[np.bool_]:
        """Which rows of encoded records (columns LABELS) it selects; bool (n_rows,)."""
        selected = Condition("corpus", "=", (self.corpus,)).mask(batch)
        for condition in self.conditions:
            selected = selected & condition.mask(batch)
        return selected

    def __str__(self) -> str:
        return self.corpus + (f"[{', '.join(map(str, self.conditions))}]" if self.conditions else "")


def assign_groups(batch: pa.RecordBatch | pa.Table, selectors: Sequence[Selector]) -> npt.NDArray[np.int16]:
    """The first selector that selects each row; int16 (n_rows,), -1 where none does."""
    groups = np.full(batch.num_rows, -1, np.int16)
    for number in range(len(selectors) - 1, -1, -1):
        groups[selectors[number].mask(batch)] = number
    return groups


def _condition(part: str, text: str, before: Sequence[Condition]) -> Condition:
    match = _CONDITION.fullmatch(part)
    if match is None:
        raise ConfigError(
            f"{text!r}: {part.strip()!r} is no condition; write one as difficulty=hard or math_score>=0.7"
        )
    label, operator, value = match.groups()
    if label == "p":
        label = next((f"{c.label}_p" for c in reversed(before) if f"{c.label}_p" in NUMBER_LABELS), label)
    if label in NUMBER_LABELS:
        return Condition(label, operator, bound=_number(value, label, text))
    if label not in TEXT_LABELS:
        hint = "p follows a condition on difficulty or school_stage" if label == "p" else f"{label!r} is no label"
        raise ConfigError(f"{text!r}: {hint}; there are {', '.join((*TEXT_LABELS, *NUMBER_LABELS))}")
    if operator not in ("=", "!="):
        raise ConfigError(f"{text!r}: {label} is compared with = or !=, not {operator}")
    values = tuple(word.strip() for word in value.split("|"))
    allowed = KNOWN_VALUES.get(label)
    for word in values:
        if not word:
            raise ConfigError(f"{text!r}: {label} is compared with nothing")
        if allowed and word not in allowed:
            raise ConfigError(f"{text!r}: {label} is {_either(allowed)}, not {word!r}")
    return Condition(label, operator, values)


def _number(value: str, label: str, text: str) -> float:
    try:
        bound = float(value)
    except ValueError:
        bound = float("nan")
    if not np.isfinite(bound):
        raise ConfigError(f"{text!r}: {label} is compared with a number, not {value!r}")
    if label.endswith("_p") and not 0 <= bound <= 1:
        raise ConfigError(f"{text!r}: {label} is a probability, and {value} is not in [0, 1]")
    return bound


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
