"""Ask models for texts: one iterator, whether the model is behind an endpoint or in this process.

`open_generator` puts together what runs the model (`endpoint`, `in_process`), the cache that holds every answer before
anybody sees it (`request_cache`), and the budget (`spending`). Requests are pulled lazily, in the caller's thread, and
never more than a window of them is under way, so that a slow consumer holds everything up instead of filling memory.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pydantic import Field, model_validator

from mathmill.core.config import Config, DataPath
from mathmill.core.errors import ConfigError
from mathmill.core.request import (
    Completion,
    Part,
    Request,
    estimate_prompt_tokens,
    is_complete,
    join_parts,
    missing_samples,
    prompt_text,
    request_digest,
)
from mathmill.core.request_cache import RequestCache
from mathmill.core.spending import Account, Budget, BudgetSpent, Estimate, Prices, Purse, Spent

__all__ = [
    "Budget", "BudgetSpent", "Completion", "Estimate", "Generator", "ModelConfig", "Request", "estimate",
    "open_generator",
]  # fmt: skip

_REFRESH_SECONDS = 5.0  # between looks at what other processes have spent, where there is a budget


class ModelConfig(Config):
    """A model and how it is asked: `teacher:`, `student:`, `judge:` … in a recipe.

    url: of an OpenAI-compatible server, up to and with "/v1"; else a model folder or GGUF file, run in this process.
    model: the name that the server knows it by; in process it is not needed.
    api_key_env: environment variable with the key, sent as a bearer token where it is set; keys appear in no file.
    headers_env: further headers, by name, each from the environment variable given.
    extra_body: keys added to each request, such as {"chat_template_kwargs": {…}}; null removes one of ours.
    """

    url: DataPath
    model: str = ""
    api_key_env: str = "OPENAI_API_KEY"
    headers_env: dict[str, str] = {}
    extra_body: dict[str, Any] = {}
    max_in_flight: int = Field(default=64, ge=1, le=20_000)
    timeout_s: float = Field(default=600.0, gt=0)  # for a whole answer: long solutions on a busy server take minutes
    retries: int = Field(default=6, ge=0)  # of a request that meets 429, 5xx, a broken answer or a timeout
    backoff_s: float = Field(default=1.0, ge=0)  # the first pause is up to this long, each next one up to twice as long
    patience_s: float = Field(default=600.0, gt=0)  # how long a server may answer nobody before the run ends
    usd_per_million_input: float = Field(default=0.0, ge=0)
    usd_per_million_output: float = Field(default=0.0, ge=0)
    batch_size: int = Field(default=8, ge=1)  # samples at a time, in process
    dtype: str = "auto"  # in process: auto (as stored on a GPU, float32 on a CPU), float32, bfloat16, float16
    device: str = "auto"  # in process: auto, cpu, cuda, cuda:1 …

    @property
    def is_endpoint(self) -> bool:
        """Whether the model is behind a server."""
        return self.url.startswith(("http://", "https://"))

    @property
    def prices(self) -> Prices:
        """The prices as one value."""
        return Prices(self.usd_per_million_input, self.usd_per_million_output)

    @model_validator(mode="after")
    def _named(self) -> "ModelConfig":
        if self.is_endpoint and not self.model:
            raise ValueError("`model` is missing: the name under which the server at `url` knows the model")
        return self


class Generator(Protocol):
    """Something that answers requests."""

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Pull requests as there is room, and yield their answers as they come, in any order.

        An error of one request is its completion's `error`; the others go on. Raises MathmillError where nothing more
        can be asked: BudgetSpent, or OperationError where the server is down or refuses everything.
        """
        ...

    def spent(self) -> Mapping[str, Spent]:
        """What was spent on this cache folder (without one: by this generator), by purpose."""
        ...

    def close(self) -> None:
        """End threads, give back the model's memory, make the cache's index durable."""
        ...


class Job(NamedTuple):
    """A request under way. parts: what earlier calls have brought for it."""

    digest: bytes
    request: Request
    parts: tuple[Part, ...]


class Outcome(NamedTuple):
    """How a job ended: with all its parts, or with an error."""

    digest: bytes
    parts: tuple[Part, ...]
    error: str | None = None


Record = Callable[[Job, Part], None]
"""What a backend calls, in whatever thread, as soon as an answer is there."""


class Calls(Protocol):
    """The jobs of one `generate`, on their way through a backend."""

    def submit(self, job: Job) -> None:
        """Take a job; does not wait."""
        ...

    def collect(self, wait: bool) -> Sequence[Outcome]:
        """Jobs that have ended; with `wait`, at least one. Raises MathmillError where the backend cannot go on."""
        ...

    def cancel(self) -> None:
        """Give up what is under way; nothing is recorded afterwards."""
        ...


class Backend(Protocol):
    """What runs a model. identity: the model's name in digests. window: most jobs of one `generate` at a time."""

    identity: str
    window: int

    def calls(self, record: Record) -> Calls:
        """Begin a `generate`."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


def open_generator(
    config: ModelConfig, cache: str | Path | RequestCache | None = None, budget: Budget | None = None
) -> "ModelGenerator":
    """Open a model.

    cache: a local folder for answers, shared by any number of processes and models, or such a folder opened already,
    so that models of one process see at once what the others spend; None: nothing is kept. Raises ConfigError where a
    package, model or key is missing, OperationError where the folder cannot be written.
    """
    backend: Backend
    if config.is_endpoint:
        try:
            from mathmill.core.endpoint import Endpoint
        except ImportError:
            raise ConfigError(
                "model endpoints need a package; install it with: pip install 'mathmill[synth]'"
            ) from None
        backend = Endpoint(config)
    else:
        try:
            from mathmill.core.in_process import InProcess
        except ImportError:
            raise ConfigError(
                "a model in this process needs packages; install them with: pip install 'mathmill[train]'"
            ) from None
        backend = InProcess(config)
    try:
        opened = RequestCache(cache) if isinstance(cache, str | Path) else cache
        return ModelGenerator(backend, config, opened, budget or Budget())
    except BaseException:
        backend.close()
        raise


class ModelGenerator:
    """A `Generator` over a backend: looks into the cache, keeps to the window and the budget."""

    def __init__(self, backend: Backend, config: ModelConfig, cache: RequestCache | None, budget: Budget) -> None:
        self._backend, self._config, self._cache = backend, config, cache
        self._account = Account() if cache is None else cache.account
        self._purse = Purse(budget, config.prices, self._account)
        self._refreshed = time.monotonic()

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """See `Generator`. Equal requests under way at the same time are asked once."""
        calls = self._backend.calls(self._record)
        under_way: dict[bytes, _UnderWay] = {}
        try:
            for request in requests:
                _check(request)
                digest = request_digest(request, self._backend.identity, self._config.extra_body)
                if digest in under_way:
                    under_way[digest].keys.append(request.key)
                    continue
                parts = self._known(digest)
                if is_complete(parts, request.n):
                    yield join_parts(request.key, parts, request.n, cached=True)
                    continue
                entry = _UnderWay(request, [request.key], *_most_tokens(request, parts))
                while len(under_way) >= self._backend.window or not self._reserve(entry):
                    if not under_way:
                        raise self._purse.spent_error(entry.prompt_tokens, entry.completion_tokens)
                    yield from self._ended(under_way, calls.collect(wait=True))
                under_way[digest] = entry
                calls.submit(Job(digest, request, parts))
                yield from self._ended(under_way, calls.collect(wait=False))
            while under_way:
                yield from self._ended(under_way, calls.collect(wait=True))
        finally:
            calls.cancel()
            for entry in under_way.values():
                self._purse.release(entry.prompt_tokens, entry.completion_tokens)

    def spent(self) -> Mapping[str, Spent]:
        """See `Generator`."""
        return dict(self._account.by_purpose)

    def close(self) -> None:
        """See `Generator`."""
        self._backend.close()
        if self._cache is not None:
            self._cache.close()

    def __enter__(self) -> "ModelGenerator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _known(self, digest: bytes) -> tuple[Part, ...]:
        return () if self._cache is None else self._cache.get(digest)

    def _record(self, job: Job, part: Part) -> None:
        """Store and charge an answer; called by the backend before the answer can be seen."""
        usd = self._config.prices.usd(part.prompt_tokens, part.completion_tokens)
        if self._cache is not None:
            self._cache.append(job.digest, part, job.request.purpose, usd)
        else:
            self._account.add(job.request.purpose, part.prompt_tokens, part.completion_tokens, usd)

    def _reserve(self, entry: "_UnderWay") -> bool:
        if self._cache is not None and self._purse.is_limited:
            now = time.monotonic()
            if now - self._refreshed > _REFRESH_SECONDS:
                self._refreshed = now
                self._cache.refresh()
        return self._purse.reserve(entry.prompt_tokens, entry.completion_tokens)

    def _ended(self, under_way: dict[bytes, "_UnderWay"], outcomes: Sequence[Outcome]) -> Iterator[Completion]:
        for outcome in outcomes:
            entry = under_way.pop(outcome.digest)
            self._purse.release(entry.prompt_tokens, entry.completion_tokens)
            for number, key in enumerate(entry.keys):
                if outcome.error is not None:
                    yield Completion(key, (), (), 0, 0, error=outcome.error)
                else:
                    yield join_parts(key, outcome.parts, entry.request.n, cached=number > 0)


class _UnderWay(NamedTuple):
    """A request under way: who waits for it, and the tokens set aside for it."""

    request: Request
    keys: list[str]
    prompt_tokens: int
    completion_tokens: int


def _check(request: Request) -> None:
    if (request.messages is None) == (request.prompt is None):
        raise ValueError(f"request {request.key!r} must have either messages or a prompt")
    if request.n < 1 or request.max_tokens < 1:
        raise ValueError(f"request {request.key!r} must ask for one sample and one token at least")


def _most_tokens(request: Request, parts: tuple[Part, ...]) -> tuple[int, int]:
    """What a request may take: prompt and completion tokens; a prompt is paid once for each sample at worst."""
    missing = len(missing_samples(parts, request.n))
    return estimate_prompt_tokens(request), missing * request.max_tokens


def estimate(
    requests: Iterable[Request],
    config: ModelConfig,
    expected_completion_tokens: int | None = None,
    cache: str | Path | None = None,
    tokenizer: Callable[[str], int] | None = None,
) -> Estimate:
    """Price requests without asking any; those that the cache answers cost nothing.

    expected_completion_tokens: of one sample; None: as many as it may have. tokenizer: counts a text's tokens; without
    one they are estimated (a token for 3.5 characters, for 1.5 of Chinese).
    """
    known = None if cache is None or not os.path.isdir(cache) else RequestCache(cache)
    identity = model_identity(config)
    count = cached = prompt_tokens = completion_tokens = 0
    seen: set[bytes] = set()
    try:
        for request in requests:
            count += 1
            digest = request_digest(request, identity, config.extra_body)
            parts = () if known is None else known.get(digest)
            missing = len(missing_samples(parts, request.n))
            if digest in seen or not missing:
                cached += 1
                continue
            seen.add(digest)
            prompt_tokens += tokenizer(prompt_text(request)) if tokenizer else estimate_prompt_tokens(request)
            expected = request.max_tokens if expected_completion_tokens is None else expected_completion_tokens
            completion_tokens += missing * min(expected, request.max_tokens)
    finally:
        if known is not None:
            known.close()
    usd = config.prices.usd(prompt_tokens, completion_tokens)
    return Estimate(count, cached, prompt_tokens, completion_tokens, usd)


def model_identity(config: ModelConfig) -> str:
    """The model's name in digests: an endpoint's as it is configured, else what its files hold."""
    if config.is_endpoint:
        return config.model
    from mathmill.core.in_process import files_identity

    return files_identity(Path(config.url))
