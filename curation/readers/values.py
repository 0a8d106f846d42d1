"""Values as JSON and Parquet give them: as text that Arrow accepts, and in words for an error."""

from collections.abc import Mapping
from typing import Any

from mathmill.curation.readers.rows import BadRecord


def as_text(value: Any) -> str | None:
    """Text that Arrow accepts: what cannot be encoded becomes U+FFFD; numbers and lists of them are written out."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value if value.isascii() else _without_surrogates(value)
    if isinstance(value, list | tuple) and all(not isinstance(part, Mapping | list | tuple) for part in value):
        return ", ".join(as_text(part) or "" for part in value)
    if isinstance(value, bool | Mapping | list | tuple):
        raise BadRecord(f"{describe(value)}, not text")
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _without_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def describe(value: Any) -> str:
    """Say what a value is, for an error."""
    if value is None:
        return "nothing"
    if isinstance(value, str | bytes):
        return "text"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else "a number"
