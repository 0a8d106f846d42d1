"""Turns the messages of one JSON or Parquet record, or the turns of ShareGPT, into those of a conversation.

What is no message sends its record to quarantine; a conversation that is sound, but nothing to learn from as text, is
left out with a word that says why.
"""

from collections.abc import Mapping
from typing import Any

from mathmill.curation.readers.rows import BadRecord, LeftOut
from mathmill.curation.readers.values import as_text, describe

ROLES = {
    **{role: role for role in ("system", "user", "assistant", "tool")},
    "human": "user",
    "gpt": "assistant",  # ShareGPT
}

_MOST = 3.4e38  # float32 holds no more
_MESSAGE_BYTES = 64  # of a message beside its content
_SHOWN = 80  # characters of a value in a detail


def conversation(value: Any, field: str) -> tuple[list[dict[str, Any]], int]:
    """Return messages (MESSAGE) and their size in characters. field: what the record calls them.

    Messages are {role, content[, weight]} or {from, value}; content is a text or a list of {type: text, text}, which
    are put together. Raises BadRecord where something else stands there, LeftOut for "empty" (no text at all),
    "no_assistant" (the assistant says nothing), "unknown_role", "tool_calls" (the assistant does what is not in the
    text) and "not_text" (an image, sound, …).
    """
    if not isinstance(value, list | tuple):
        raise BadRecord(f"{field!r} is {describe(value)}, not a list of messages")
    messages = [_message(message, f"message {number} of {field!r}") for number, message in enumerate(value, 1)]
    spoken = {message["role"] for message in messages if message["content"].strip()}
    if not spoken:
        raise LeftOut("empty")
    if "assistant" not in spoken:
        raise LeftOut("no_assistant")
    return messages, sum(len(message["content"]) + _MESSAGE_BYTES for message in messages)


def _message(message: Any, where: str) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise BadRecord(f"{where} is {describe(message)}, not a mapping")
    role, content = _either(message, "role", "from"), _either(message, "content", "value")
    if not isinstance(role, str | bytes):
        raise BadRecord(f"{where} has no role")
    name = as_text(role) or ""
    if name not in ROLES:
        raise LeftOut("unknown_role", name[:_SHOWN])
    if message.get("tool_calls") or message.get("function_call"):
        raise LeftOut("tool_calls")
    text = _content(content, where)
    return {"role": ROLES[name], "content": text, "weight": _weight(message.get("weight"), where)}


def _either(message: Mapping[str, Any], name: str, sharegpt: str) -> Any:
    value = message.get(name)
    return message.get(sharegpt) if value is None else value


def _content(content: Any, where: str) -> str:
    parts = content if isinstance(content, list | tuple) else [{"type": "text", "text": content}]
    texts = []
    for part in parts:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if not isinstance(kind, str | bytes):
            raise BadRecord(f"{where} has a part that says no type")
        if (name := as_text(kind)) != "text":
            raise LeftOut("not_text", name and name[:_SHOWN])
        text = part.get("text")
        if text is None:
            raise BadRecord(f"{where} has no content")
        if isinstance(text, list | tuple | Mapping | bool):
            raise BadRecord(f"the content of {where} is {describe(text)}, not text")
        texts.append(as_text(text) or "")
    return "".join(texts)


def _weight(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise BadRecord(f"the weight of {where} is not a number from 0 on")
    return float(value)
