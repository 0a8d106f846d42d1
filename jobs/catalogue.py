"""The catalogue for people: a table of all entries, one entry with the lines for a recipe, and what a run warns of."""

import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from mathmill.curation.readers.catalogue import CatalogueEntry, catalogue
from mathmill.curation.readers.rules import FieldRule
from mathmill.curation.readers.source import SourceConfig

_WIDTH = 80
_SECTIONS: dict[str, Callable[[CatalogueEntry], bool]] = {
    "Problems": lambda entry: entry.kind == "problems" and not entry.benchmark,
    "Conversations": lambda entry: entry.kind == "conversations",
    "Documents": lambda entry: entry.kind == "documents",
    "Benchmarks (a run that trains on one says so)": lambda entry: entry.benchmark,
}


def source_notices(sources: Iterable[SourceConfig]) -> list[str]:
    """What the owner of a run should know about sources that come from the catalogue."""
    notices = []
    for source in sources:
        entry = catalogue().get(source.catalogue or "")
        if entry is None:
            continue
        if entry.benchmark:
            notices.append(
                f"source {source.name}: {entry.title} is a benchmark; what is trained on it cannot be measured with it"
            )
        if not entry.checked and source.fields == entry.fields:
            notices.append(
                f"source {source.name}: the catalogue's path and columns of {entry.title} are unchecked; compare some "
                f"records with {entry.card} and set `path` and `fields` where they are others"
            )
    return notices


def table_lines() -> list[str]:
    """All entries, by kind: name, language, size, licence, and what is special."""
    lines = [f"{'name':<20}{'lang':<5}{'records, tokens':<22}{'licence':<15}special"]
    for title, belongs in _SECTIONS.items():
        lines += ["", title]
        for name, entry in catalogue().items():
            if belongs(entry):
                row = f"{name:<20}{entry.lang or '-':<5}{entry.size or '-':<22}{entry.license:<15}{_special(entry)}"
                lines.append(row.rstrip())
    return [*lines, "", "One of them, and how a recipe takes it: mathmill catalogue NAME"]


def _special(entry: CatalogueEntry) -> str:
    marks = {"gated": entry.gated, "archive": entry.path is None, "unchecked": not entry.checked}
    return ", ".join(mark for mark, holds in marks.items() if holds)


def entry_lines(name: str, entry: CatalogueEntry) -> list[str]:
    """One entry in full, and the lines that a recipe needs."""
    facts = {
        "card": entry.card,
        "path": entry.path,
        "archive": entry.download,
        "licence": entry.license,
        "language": entry.lang or "several",
        "size": entry.size,
        "where": ", ".join(f"{field} is {texts}" for field, texts in entry.where.items()),
        "checked": "yes" if entry.checked else "no: compare path and columns with the card",
        "gated": "agree to the terms on the card and set HF_TOKEN in the environment" if entry.gated else None,
        "benchmark": "yes: what is trained on it cannot be measured with it" if entry.benchmark else None,
        "note": entry.note,
    }
    lines = [entry.title, ""]
    for label, fact in facts.items():
        if fact:
            lines += _wrapped(f"{label:<11}", fact)
    lines += ["", f"fields of {entry.kind}:"]
    for column, rule in entry.fields.items():
        lines += _wrapped(f"  {column:<18}", rule if isinstance(rule, str) else _rule_text(rule))
    local = f"path: data/{name}/"
    if entry.path is None:
        taken = [f"  - {{catalogue: {name}, {local}}}  # the archive, unpacked"]
    else:
        taken = [f"  - {{catalogue: {name}}}", f"  # or, without the net: {{catalogue: {name}, {local}}}"]
    return [*lines, "", "In a recipe:", "", "sources:", *taken]


def _rule_text(rule: FieldRule) -> str:
    if rule.value is not None:
        return f"always {rule.value}"
    text = " and ".join(rule.names)
    text += f" with the options of {rule.options}" if rule.options else ""
    text += ": " + ", ".join(f"{key} -> {ours}" for key, ours in rule.map.items()) if rule.map else ""
    text += f", but not {' or '.join(rule.absent)}" if rule.absent else ""
    return text


def _wrapped(label: str, text: str) -> list[str]:
    """A label and its text in lines of the terminal's width; addresses are not cut."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def entry_json(name: str, entry: CatalogueEntry) -> dict[str, Any]:
    """One entry for machines."""
    return {"name": name} | entry.model_dump(mode="json")
