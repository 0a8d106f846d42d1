"""What is asked of a model and what comes back, before it is known which model and where it runs.

A request is identified by its content alone (`request_digest`): model, text and sampling, not the address that it is
sent to nor the key that its asker gave it, so that an answer is found again after a move to another server.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class Request(NamedTuple):
    """One question to a model: `messages` for a chat, or `prompt` for a raw completion, never both.

    key: the asker's own name for it, given back with the answer. n: how many samples. stop: texts that end an answer
    and are not part of it. seed: with one, a request is a different one for each seed; without, asking again for the
    same thing gives the stored answer, so independent samples are one request with n > 1, or differ in their seed.
    purpose: who asks, such as "tutorship/teacher": under this name tokens and money are counted; part of no digest.
    """

    key: str
    messages: tuple[dict[str, str], ...] | None = None
    prompt: str | None = None
    n: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    seed: int | None = None
    purpose: str = ""


class Completion(NamedTuple):
    """The answer to a request: `n` texts, or an error and no texts.

    finish_reasons: for each text "stop", "length" (it was cut off), or what else the server says. prompt_tokens,
    completion_tokens: of all samples, as the server counted them (estimated where it does not say). cached: nothing
    was asked for this one. error: what the last of all tries met, one line.
    """

    key: str
    texts: tuple[str, ...]
    finish_reasons: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int
    cached: bool = False
    error: str | None = None


class Part(NamedTuple):
    """What one answered call brought: samples `first` … of a request. Servers that know no `n` give one at a time."""

    first: int
    texts: tuple[str, ...]
    finish_reasons: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int


def request_digest(request: Request, model: str, extra: Mapping[str, Any]) -> bytes:
    """Identify a request by its content: 16 bytes (BLAKE2b). extra: what the configuration adds to each request."""
    said = [dict(sorted(message.items())) for message in request.messages] if request.messages else request.prompt
    sampling = (request.n, request.temperature, request.top_p, request.max_tokens, request.stop, request.seed)
    content = json.dumps([model, extra, said, sampling], ensure_ascii=False, sort_keys=True)
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def is_complete(parts: tuple[Part, ...], n: int) -> bool:
    """Whether parts cover samples 0 … n - 1."""
    return not missing_samples(parts, n)


def missing_samples(parts: tuple[Part, ...], n: int) -> list[int]:
    """The numbers of the samples that no part has, in order."""
    known = {part.first + i for part in parts for i in range(len(part.texts))}
    return [number for number in range(n) if number not in known]


def join_parts(key: str, parts: tuple[Part, ...], n: int, cached: bool) -> Completion:
    """Put the samples of all parts in order."""
    samples = {
        part.first + i: sample
        for part in parts
        for i, sample in enumerate(zip(part.texts, part.finish_reasons, strict=True))
    }
    return Completion(
        key,
        texts=tuple(samples[number][0] for number in range(n)),
        finish_reasons=tuple(samples[number][1] for number in range(n)),
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        completion_tokens=sum(part.completion_tokens for part in parts),
        cached=cached,
    )


_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_MESSAGE_TOKENS = 4  # around a message: role and separators


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: one for 3.5 characters, one for 1.5 of Chinese."""
    wide = len(_WIDE.findall(text))
    return round(wide / 1.5 + (len(text) - wide) / 3.5 + 0.5)


def prompt_text(request: Request) -> str:
    """All that the model reads, as one text."""
    return request.prompt or "\n".join(message["content"] for message in request.messages or ())


def estimate_prompt_tokens(request: Request) -> int:
    """About how many tokens the model reads for a request, its messages' marks included."""
    return estimate_tokens(prompt_text(request)) + _MESSAGE_TOKENS * len(request.messages or ())
