"""Which records a mix group takes: `problems[difficulty=hard, school_stage=high]`, `documents[lang=zh, p>=0.7]`.

A selector names a corpus and conditions on labels, all of which must hold. It is evaluated on whole Arrow batches, so
that groups can be drawn over a token store of any size. A condition on a label that a record lacks does not hold, but
for `lang=(none)`; values with any of `,|[]=<>` stand in quotes: `source="a, b"`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mathmill.core.errors import ConfigError
from mathmill.core.schemas import DIFFICULTIES, SCHOOL_STAGES
from mathmill.tokenize.manifest import NO_LABEL
from mathmill.tokenize.store import LABELS

CORPORA = ("documents", "problems", "conversations")

KNOWN_VALUES = {"school_stage": SCHOOL_STAGES, "difficulty": DIFFICULTIES, "style": ("cot", "pot", "mixed")}

TEXT_LABELS = tuple(field.name for field in LABELS if pa.types.is_string(field.type) and field.name != "corpus")
NUMBER_LABELS = tuple(field.name for field in LABELS if pa.types.is_floating(field.type))

_SELECTOR = re.compile(r"\s*([^\[\]]*?)\s*(?:\[(.*)\])?\s*", re.DOTALL)
_WORD = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,|\[\]"'=<>!][^,|\[\]=<>]*)"""
_CONDITION = re.compile(rf"\s*(\w+)\s*(>=|<=|!=|=|>|<)\s*({_WORD}\s*(?:\|\s*{_WORD}\s*)*)?", re.DOTALL)
_PLAIN = re.compile(r"""[^\s,|\[\]"'\\=<>!](?:[^,|\[\]\\=<>]*[^\s,|\[\]\\=<>])?""")

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
    values: tuple[str | None, ...] = ()  # None: records that lack the label
    bound: float = 0.0

    def mask(self, batch: pa.RecordBatch | pa.Table) -> npt.NDArray[np.bool_]:
        """Which rows satisfy it; bool (n_rows,)."""
        column = batch.column(self.label)
        if self.values == (None,):
            holds = pc.is_null(column) if self.operator == "=" else pc.is_valid(column)
        elif self.values:
            found = pc.is_in(column, pa.array(self.values, pa.string()))
            holds = found if self.operator == "=" else pc.and_(pc.is_valid(column), pc.invert(found))
        else:  # float32: what was stored as 0.8 is at least 0.8
            holds = pc.fill_null(_COMPARE[self.operator](column, pa.scalar(self.bound, pa.float32())), False)
        return holds.to_numpy(zero_copy_only=False) if isinstance(holds, pa.Array) else holds.to_numpy()

    def __str__(self) -> str:
        value = "|".join(map(_quoted, self.values)) if self.values else repr(self.bound).removesuffix(".0")
        return f"{self.label}{self.operator}{value}"


@dataclass(frozen=True)
class Selector:
    """A corpus and conditions on labels; `parse` makes it, `str` writes it back in one canonical form."""

    corpus: str
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Selector":
        """Read `CORPUS` or `CORPUS[CONDITION, …]`; ConfigError says what is wrong and what is allowed.

        Conditions: `label=a|b`, `label!=a` on words, `label>=0.5` and the like on numbers, `label=(none)` on both. `p`
        stands for the probability of the label that was conditioned on before it.
        """
        match = _SELECTOR.fullmatch(text)
        if match is None or match[1] not in CORPORA:
            near = _did_you_mean(match[1], CORPORA) if match is not None else ""
            raise ConfigError(
                f"{text!r} is no selector; write {_either(CORPORA)}, or problems[difficulty=hard, p>=0.8]{near}"
            )
        conditions: list[Condition] = []
        rest = match[2]
        while rest is not None:
            found = _CONDITION.match(rest)
            after = rest[found.end() :] if found is not None else rest
            if found is None or after[:1] not in ("", ","):
                part = rest.partition(",")[0].strip()
                raise ConfigError(
                    f"{text!r}: {part!r} is no condition; write one as difficulty=hard or math_score>=0.7, and values "
                    "with any of ,|[]=<> in quotes"
                )
            conditions.append(_condition(found, text, conditions))
            rest = after[1:] if after else None
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


def _condition(found: re.Match[str], text: str, before: Sequence[Condition]) -> Condition:
    label, operator, value = found.groups()
    if label == "p":
        label = next((f"{c.label}_p" for c in reversed(before) if f"{c.label}_p" in NUMBER_LABELS), label)
    if label not in TEXT_LABELS and label not in NUMBER_LABELS:
        labels = (*TEXT_LABELS, *NUMBER_LABELS)
        hint = "p follows a condition on difficulty or school_stage" if label == "p" else f"{label!r} is no label"
        raise ConfigError(f"{text!r}: {hint}; there are {', '.join(labels)}{_did_you_mean(label, labels)}")
    if value is None:
        raise ConfigError(f"{text!r}: {label} is compared with nothing")
    words = tuple(_unquoted(word) for word in re.findall(_WORD, value))
    if label in NUMBER_LABELS and (words != (None,) or operator not in ("=", "!=")):
        return Condition(label, operator, bound=_number(value.strip(), label, text))
    if operator not in ("=", "!="):
        raise ConfigError(f"{text!r}: {label} is compared with = or !=, not {operator}")
    allowed = KNOWN_VALUES.get(label)
    for word in words:
        if word == "":
            raise ConfigError(f"{text!r}: {label} is compared with nothing")
        if allowed and word is not None and word not in allowed:
            near = _did_you_mean(word, allowed)
            raise ConfigError(f"{text!r}: {label} is {_either(allowed)}, not {word!r}{near}")
    return Condition(label, operator, words)


def _unquoted(word: str) -> str | None:
    word = word.strip()
    if word == NO_LABEL:
        return None
    return re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL) if word[0] in "\"'" else word


def _quoted(word: str | None) -> str:
    if word is None or (_PLAIN.fullmatch(word) and word != NO_LABEL):
        return word or NO_LABEL
    return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'


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


def _did_you_mean(word: str, allowed: Sequence[str]) -> str:
    near = get_close_matches(word.lower(), allowed, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
