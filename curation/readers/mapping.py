"""How a column comes from a record where the name of one field does not say it: joined, appended, mapped, constant.

Data sets keep a question and its options apart, call elementary school "3" and state MATH's levels as "Level 5". Each
such case is one rule in a recipe's `fields` or in the catalogue, and no code of its own.
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from mathmill.curation.readers.rows import BadRecord
from mathmill.curation.readers.rules import FieldRule
from mathmill.curation.readers.values import as_text


def apply(rule: FieldRule, record: Mapping[str, Any]) -> str | None:
    """Return what a rule makes of a record, None where its fields hold nothing. Raises BadRecord."""
    if rule.value is not None:
        return rule.value
    found = [_joined(look_up(record, name), rule.join) for name in rule.names]
    texts = [text for text in found if text is not None and text.strip() and text.strip() not in rule.absent]
    if not texts:
        return None
    text = rule.join.join(texts)
    if rule.map:
        return next((ours for key, ours in rule.map.items() if fnmatchcase(text.strip(), key)), None)
    if rule.options is not None and (lines := list(_options(look_up(record, rule.options)))):
        text = "\n".join([text.rstrip(), *lines])
    for part, ours in rule.replace.items():
        text = text.replace(part, ours)
    return text


def look_up(record: Mapping[str, Any], field: str) -> Any:
    """Find a field by its name, or by a path of names and of places in lists: `message.content`, `turns.0`."""
    if field in record or "." not in field:
        return record.get(field)
    value: Any = record
    for name in field.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list | tuple) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def is_wanted(record: Mapping[str, Any], where: Mapping[str, tuple[str, ...]]) -> bool:
    """Say whether each field has one of the texts that a source's `where` names for it. Raises BadRecord."""
    return all(_joined(look_up(record, field), ", ") in texts for field, texts in where.items())


def _joined(value: Any, join: str) -> str | None:
    if isinstance(value, list | tuple):
        return join.join(text for part in value if (text := as_text(part)) is not None)
    return ("true" if value else "false") if isinstance(value, bool) else as_text(value)


_LABELLED = re.compile(r"\s*[(（]?([A-Za-z])\s*[)）.:：．、]")
_LABEL_NAMES = ("aoVal", "label", "key", "letter")
_TEXT_NAMES = ("content", "text", "value", "option")


def _options(value: Any) -> Iterator[str]:
    """Give the lines of a question's options, each with its letter. Raises BadRecord for what are no options.

    They come as texts with or without letters, as {letter: text}, or as (lists of) structures with both.
    """
    if isinstance(value, str | bytes):
        yield (as_text(value) or "").strip()
        return
    if isinstance(value, Mapping):
        value = [{"label": label, "text": text} for label, text in value.items() if text is not None]
    for number, part in enumerate(value or ()):
        while isinstance(part, list | tuple) and len(part) == 1:
            part = part[0]
        label: Any = chr(ord("A") + number % 26)
        if isinstance(part, Mapping):
            label = next((part[name] for name in _LABEL_NAMES if part.get(name) is not None), label)
            part = next((part[name] for name in _TEXT_NAMES if part.get(name) is not None), None)
        text = as_text(part)
        if text is None:
            raise BadRecord("an option has no text")
        match = _LABELLED.match(text)
        is_labelled = match is not None and match[1].upper() == str(as_text(label)).upper()
        yield text.strip() if is_labelled else f"{as_text(label)}. {text.strip()}"
