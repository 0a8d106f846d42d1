"""Turns the fields of one JSON or Parquet record into the columns of a page, document, problem or conversation."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mathmill.core.answers import stated_answer
from mathmill.core.mathtext import find_formulas
from mathmill.core.schemas import DIFFICULTIES, SCHOOL_STAGES
from mathmill.core.stage import Output
from mathmill.curation.readers.mapping import apply, is_wanted, look_up
from mathmill.curation.readers.messages import conversation
from mathmill.curation.readers.rows import BadRecord, LeftOut, Rows
from mathmill.curation.readers.rules import FieldRule
from mathmill.curation.readers.source import COLUMNS, OTHER_FIELDS, SourceConfig
from mathmill.curation.readers.values import as_text, describe

_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?")
_MAX_STEPS = 32_767  # int16
_MAX_FLOAT = 3.4e38  # float32
_STYLES = ("cot", "pot", "mixed")
_SCHOOL_STAGE_NAMES = {"college": "university", "primary": "elementary"}


class FieldMap:
    """Where each of our columns comes from in a record: a field, or what a rule makes of some.

    By default the field of the same name, unless `fields` gives that field to another column: where a data set's
    "answer" is mapped to `solution`, it is not the answer too. other: where the required column is looked for if it is
    not there, None where the recipe says which field it is.
    """

    def __init__(self, source: SourceConfig) -> None:
        self._source = source
        self._where = {field: (texts,) if isinstance(texts, str) else texts for field, texts in source.where.items()}
        self.required = COLUMNS[source.kind][0]
        self._rules = {column: rule for column, rule in source.fields.items() if isinstance(rule, FieldRule)}
        given = {column: field for column, field in source.fields.items() if isinstance(field, str)}
        taken = {*given.values(), *(name for rule in self._rules.values() for name in rule.names)} - {self.required}
        own = {column: column for column in COLUMNS[source.kind] if column not in taken}
        self._fields = {column: field for column, field in (own | given).items() if column not in self._rules}
        self.other = None if self.required in source.fields else OTHER_FIELDS.get(self.required)

    def name(self, column: str) -> str:
        """The field that a column comes from, or the first of them; the column where no field says it."""
        rule = self._rules.get(column)
        return self._fields.get(column, column) if rule is None else next(iter(rule.names), column)

    def needed(self) -> dict[str, str]:
        """Fields that records must have, with what needs them: what `fields` and `where` name, and the main one."""
        needed = {self.name(self.required): self.required}
        needed |= {self._fields[column]: column for column in self._source.fields if column in self._fields}
        needed |= {name: column for column, rule in self._rules.items() for name in _names(rule)}
        return needed | dict.fromkeys(self._where, "where")

    def wanted(self) -> set[str]:
        """All fields that are looked at."""
        return {*self.needed(), *self._fields.values(), *((self.other,) if self.other else ())}

    def add(self, rows: Rows, number: int, offset: int | None, record: Mapping[str, Any]) -> Iterator[Output]:
        """Add a record to the rows, or say there why it is none."""
        try:
            if self._where and not is_wanted(record, self._where):
                raise LeftOut("not_selected")
            values, size = self.values(record)
        except LeftOut as error:
            yield from rows.drop(number, error.reason, error.detail)
        except BadRecord as error:
            yield from rows.quarantine(number, offset, str(error))
        else:
            main = values[self.required]
            if isinstance(main, list) or main.strip():
                yield from rows.add(number, offset, size, values)
            else:
                yield from rows.drop(number, "empty")

    def values(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """Return a row's values by column, and its size in bytes or characters; BadRecord says what does not fit."""
        found = {column: look_up(record, field) for column, field in self._fields.items()}
        for column, rule in self._rules.items():
            try:
                found[column] = apply(rule, record)
            except BadRecord as error:
                raise BadRecord(f"{column}: {error}") from error
        main, name = found[self.required], self.name(self.required)
        if main is None and self.other is not None:
            main, name = look_up(record, self.other), self.other
        if main is None:
            raise BadRecord(f"the record has no {self.name(self.required)!r}")
        if self._source.kind == "conversations":
            found["messages"], size = conversation(main, name)
        elif not isinstance(main, str | bytes):
            raise BadRecord(f"{name!r} is {describe(main)}, not text")
        values: dict[str, Any] = dict.fromkeys(COLUMNS[self._source.kind])
        for column, value in found.items():
            try:
                values[column] = value if column in ("html", "messages") else as_text(value)
            except BadRecord as error:
                raise BadRecord(f"{self.name(column)!r} is {error}") from error
        if "lang" in values:
            match = _LANGUAGE.fullmatch(values["lang"] or "")
            values["lang"] = match[1].lower() if match else self._source.lang
        if self._source.kind == "conversations":
            return values | {"style": _style(values["style"]), "method": "source", "loss_weight": 1.0}, size
        return self._complete(values)

    def _complete(self, values: dict[str, Any]) -> tuple[dict[str, Any], int]:
        if self._source.kind == "pages":
            if isinstance(values["html"], str):
                values["html"] = values["html"].encode("utf-8", "replace")
                values["content_type"] = values["content_type"] or "text/html; charset=utf-8"
            return values, len(values["html"])
        if self._source.kind == "documents":
            return values | document_values(values["text"]), len(values["text"])
        if values["answer"] is None and values["solution"]:
            values["answer"] = stated_answer(values["solution"])
        size = sum(len(values[column] or "") for column in ("question", "solution", "answer"))
        return values | problem_values(values), size


def document_values(text: str) -> dict[str, Any]:
    """The columns of a document that follow from its text: formulas in TeX, counted; no blocks."""
    formulas = _formulas(text)
    counts = [("tex", len(formulas), len(formulas))] if formulas else []
    return {"text": text, "formulas": formulas, "blocks": [], "formula_counts": counts}


def problem_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a problem that follow from its texts; steps are for the label stage to find.

    values: texts by column; LABELS only where the source maps them.
    """
    stage = (values["school_stage"] or "").lower()
    stage = _SCHOOL_STAGE_NAMES.get(stage, stage)
    difficulty = (values["difficulty"] or "").lower()
    weight = _number(values.get("loss_weight"))
    return {
        "question_formulas": _formulas(values["question"]),
        "solution_formulas": _formulas(values["solution"] or ""),
        "steps": [],
        "n_steps": int(min(max(_number(values.get("n_steps")) or 0, 0), _MAX_STEPS)),
        "difficulty_score": _number(values.get("difficulty_score")),
        "school_stage": stage if stage in SCHOOL_STAGES else None,
        "difficulty": difficulty if difficulty in DIFFICULTIES else None,
        "style": _style(values["style"]),
        "method": values.get("method") or "source",
        "parent_id": values.get("parent_id"),
        "critique_score": _number(values.get("critique_score")),
        "loss_weight": 1.0 if weight is None else max(weight, 0.0),
    }


def _style(stated: str | None) -> str | None:
    style = (stated or "").lower()
    return style if style in _STYLES else None


def _formulas(text: str) -> list[tuple[int, int, bool, str]]:
    return [(span.start, span.end, span.display, "tex") for span in find_formulas(text)]


def _number(stated: str | None) -> float | None:
    """A finite number that is written as text, None where it is none."""
    try:
        number = float(stated or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < _MAX_FLOAT else None


def _names(rule: FieldRule) -> tuple[str, ...]:
    return (*rule.names, *((rule.options,) if rule.options is not None else ()))
