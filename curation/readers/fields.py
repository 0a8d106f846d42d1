"""Turns the fields of one JSON or Parquet record into the columns of a page, document, problem or conversation."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mathmill.core.mathtext import find_formulas
from mathmill.core.schemas import DIFFICULTIES, SCHOOL_STAGES
from mathmill.core.stage import Output
from mathmill.curation.readers.messages import conversation
from mathmill.curation.readers.rows import BadRecord, LeftOut, Rows
from mathmill.curation.readers.source import COLUMNS, OTHER_FIELDS, SourceConfig
from mathmill.curation.readers.values import as_text, describe

_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?")
_STYLES = ("cot", "pot", "mixed")
_SCHOOL_STAGE_NAMES = {"college": "university", "primary": "elementary"}


class FieldMap:
    """Which field of a record each of our columns comes from.

    By default the field of the same name, unless `fields` gives that field to another column: where a data set's
    "answer" is mapped to `solution`, it is not the answer too. other: where the required column is looked for if it is
    not there, None where the recipe says which field it is.
    """

    def __init__(self, source: SourceConfig) -> None:
        self._source = source
        self.required = COLUMNS[source.kind][0]
        taken = set(source.fields.values()) - {self.required}
        own = {column: column for column in COLUMNS[source.kind] if column not in taken}
        self.fields: dict[str, str] = own | source.fields
        self.other = None if self.required in source.fields else OTHER_FIELDS.get(self.required)

    def add(self, rows: Rows, number: int, offset: int | None, record: Mapping[str, Any]) -> Iterator[Output]:
        """Add a record to the rows, or say there why it is none."""
        try:
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
        found = {column: _look_up(record, field) for column, field in self.fields.items()}
        main, name = found[self.required], self.fields[self.required]
        if main is None and self.other is not None:
            main, name = _look_up(record, self.other), self.other
        if main is None:
            raise BadRecord(f"the record has no {self.fields[self.required]!r}")
        if self._source.kind == "conversations":
            found["messages"], size = conversation(main, name)
        elif not isinstance(main, str | bytes):
            raise BadRecord(f"{name!r} is {describe(main)}, not text")
        values: dict[str, Any] = dict.fromkeys(COLUMNS[self._source.kind])
        for column, value in found.items():
            try:
                values[column] = value if column in ("html", "messages") else as_text(value)
            except BadRecord as error:
                raise BadRecord(f"{self.fields[column]!r} is {error}") from error
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
        size = sum(len(values[column] or "") for column in ("question", "solution", "answer"))
        return values | problem_values(values), size


def document_values(text: str) -> dict[str, Any]:
    """The columns of a document that follow from its text: formulas in TeX, counted; no blocks."""
    formulas = _formulas(text)
    counts = [("tex", len(formulas), len(formulas))] if formulas else []
    return {"text": text, "formulas": formulas, "blocks": [], "formula_counts": counts}


def problem_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a problem that follow from its texts; steps are for the label stage to find."""
    stage = (values["school_stage"] or "").lower()
    stage = _SCHOOL_STAGE_NAMES.get(stage, stage)
    difficulty = (values["difficulty"] or "").lower()
    return {
        "question_formulas": _formulas(values["question"]),
        "solution_formulas": _formulas(values["solution"] or ""),
        "steps": [],
        "n_steps": 0,
        "school_stage": stage if stage in SCHOOL_STAGES else None,
        "difficulty": difficulty if difficulty in DIFFICULTIES else None,
        "style": _style(values["style"]),
        "method": "source",
        "loss_weight": 1.0,
    }


def _style(stated: str | None) -> str | None:
    style = (stated or "").lower()
    return style if style in _STYLES else None


def _formulas(text: str) -> list[tuple[int, int, bool, str]]:
    return [(span.start, span.end, span.display, "tex") for span in find_formulas(text)]


def _look_up(record: Mapping[str, Any], field: str) -> Any:
    """Find a field by its name, or by a path of names such as `message.content`."""
    if field in record or "." not in field:
        return record.get(field)
    value: Any = record
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
