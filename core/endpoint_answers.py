"""Read what servers answer: every field is looked at before it is believed, and texts become valid Unicode."""

import json
from typing import Any, NamedTuple

_MAX_SAID = 300  # characters of a server's message that are shown


class Malformed(Exception):
    """The body is not an answer; the text says why."""


class Answer(NamedTuple):
    """Texts with why they ended, and the tokens that the server says it counted."""

    texts: tuple[str, ...]
    finish_reasons: tuple[str, ...]
    prompt_tokens: int | None
    completion_tokens: int | None


def read_answer(data: bytes) -> Answer:
    """Read the body of a chat or raw completion. Raises Malformed."""
    try:
        body = json.loads(data)
    except ValueError:  # RecursionError below: brackets a thousand deep
        raise Malformed(f"the answer is no JSON ({len(data):,} bytes)") from None
    except RecursionError:
        raise Malformed("the answer is nested too deeply") from None
    if not isinstance(body, dict):
        raise Malformed("the answer is no JSON object")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        if "error" in body:  # some servers send errors with status 200
            raise Malformed(f"the server says {explanation(data)}")
        raise Malformed("the answer has no choices")
    read = [_read_choice(choice, number) for number, choice in enumerate(choices)]
    read.sort(key=lambda choice: choice[0])
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Answer(
        tuple(text for _, text, _ in read),
        tuple(reason for _, _, reason in read),
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
    )


def _read_choice(choice: Any, number: int) -> tuple[int, str, str]:
    if not isinstance(choice, dict):
        raise Malformed("a choice is no JSON object")
    message = choice.get("message")
    text = message.get("content", "") if isinstance(message, dict) else choice.get("text")
    reason = choice.get("finish_reason")
    if text is None and reason is not None:  # reasoning that ran into the limit, a filter, a call of a tool
        text = ""
    if not isinstance(text, str):
        raise Malformed("a choice has no text")
    index = choice.get("index")
    return (
        index if isinstance(index, int) else number,
        _valid(text),
        _valid(reason)[:50] if isinstance(reason, str) else "unknown",
    )


def _valid(text: str) -> str:
    r"""The text without lone surrogates, which JSON can spell (\ud800) and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else None


def explanation(data: bytes) -> str:
    """What a server says about an error, in one line of at most 300 characters."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return _short(data.decode("utf-8", "replace"))
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        said = error.get("message") or error.get("detail") or error
        code = error.get("code") or error.get("type")
        if isinstance(said, str) and isinstance(code, str) and not code.isdigit() and code not in said:
            said = f"{said} ({code})"
    else:
        said = error
    return _short(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False))


def _short(text: str) -> str:
    text = " ".join(_valid(text).split())
    return text if len(text) <= _MAX_SAID else text[: _MAX_SAID - 1] + "…"
