"""Models behind any OpenAI-compatible server: vLLM, SGLang, TGI, llama.cpp, `transformers serve`, hosted ones.

One asyncio loop in a thread of its own carries all requests, so that `generate` stays a plain iterator, off the main
thread and inside a running loop too. 429, 5xx, broken answers, broken connections and timeouts are tried again with
full jitter (Brooker, "Exponential Backoff And Jitter"), Retry-After obeyed; a refusal of one request is its own error;
a refusal of all of them, or a server that answers nobody, ends the run with a sentence. Measured against a server with
1 s latency on 2 cores, it included: benchmarks/endpoint.py.
"""

import asyncio
import json
import os
import random
import resource
import threading
import time
import weakref
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from queue import Empty, SimpleQueue
from typing import Any, NoReturn
from urllib.parse import urlsplit

import aiohttp

from mathmill.core.endpoint_answers import Answer, Malformed, explanation, read_answer
from mathmill.core.endpoint_health import Health
from mathmill.core.errors import ConfigError, MathmillError, OperationError
from mathmill.core.generation import Job, ModelConfig, Outcome, Record
from mathmill.core.request import Part, Request, estimate_prompt_tokens, estimate_tokens, missing_samples

_MAX_PAUSE_S = 60.0
_CONNECT_S = 30.0
_MAX_ANSWER_BYTES = 64 << 20  # of one call; a server may send anything
_CLOSE_S = 10.0


class _Failure(Exception):
    """An attempt failed in a way that another may not. wait_s: how long the server asks us to wait."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class _Unreachable(Exception):
    """Nobody listens: no fault of the request's."""


class _Rejected(Exception):
    """The server will not answer this request."""


class Endpoint:
    """A `Backend` over HTTP. Raises ConfigError where a variable that the configuration names is missing."""

    def __init__(self, config: ModelConfig) -> None:
        self.identity, self.window = config.model, config.max_in_flight
        self._config = config
        self._base = config.url.rstrip("/")
        if not urlsplit(self._base).hostname:
            raise ConfigError(f"`url: {config.url}` names no server; write it as http://host:8000/v1")
        self._headers, self._secrets = _headers(config)
        self._health = Health(config)
        self._ignores_n = False
        self._fatal: MathmillError | None = None
        self._sessions: list[aiohttp.ClientSession] = []  # one, opened by the first request in the loop's thread
        self._slots = asyncio.Semaphore(config.max_in_flight)
        _allow_connections(config.max_in_flight)
        self._loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._loop.run_forever, name="mathmill-endpoint", daemon=True)
        self.thread.start()
        # the thread holds no reference to self, so that a generator that is forgotten ends its thread as well
        self._end = weakref.finalize(self, _end, self._loop, self.thread, self._sessions)

    def calls(self, record: Record) -> "EndpointCalls":
        """See `Backend`."""
        return EndpointCalls(self, self._loop, record)

    def close(self) -> None:
        """Drop all requests and end the thread."""
        self._end()

    async def answer(self, job: Job, record: Record) -> Outcome:
        """Get the samples that are missing; in the loop's thread. Raises MathmillError where nothing more can be asked.

        Servers that give fewer samples than `n`, or refuse an `n`, are asked for one at a time.
        """
        parts = list(job.parts)
        try:
            missing = missing_samples(tuple(parts), job.request.n)
            if len(missing) > 1 and missing[-1] - missing[0] < len(missing) and not self._ignores_n:
                try:
                    parts.append(await self._part(job, missing[0], len(missing), record))
                except _Rejected as rejected:
                    first = await self._part(job, missing[0], 1, record)  # does it refuse the text, or n?
                    if len(first.texts) != 1:
                        raise rejected from None
                    self._ignores_n = True
                    parts.append(first)
                missing = missing_samples(tuple(parts), job.request.n)
                self._ignores_n = self._ignores_n or bool(missing)
            single = (self._part(job, number, 1, record) for number in missing)
            for result in await asyncio.gather(*single, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result
                parts.append(result)
        except (_Failure, _Rejected) as error:
            return Outcome(job.digest, (), self._without_secrets(str(error)))
        return Outcome(job.digest, tuple(parts))

    async def _part(self, job: Job, first: int, n: int, record: Record) -> Part:
        body = _body(job.request, first, n, self._config)
        answer = await self._persist(f"{self._base}/{_path(job.request)}", body)
        part = Part(
            first,
            answer.texts[:n],
            answer.finish_reasons[:n],
            estimate_prompt_tokens(job.request) if answer.prompt_tokens is None else answer.prompt_tokens,
            sum(map(estimate_tokens, answer.texts)) if answer.completion_tokens is None else answer.completion_tokens,
        )
        record(job, part)
        return part

    async def _persist(self, url: str, body: bytes) -> Answer:
        """Send a call until it is answered or given up."""
        failures = pauses = 0
        failed_at = time.monotonic()
        while True:
            if self._fatal is not None:
                raise self._fatal
            try:
                async with self._slots:
                    answer = await self._attempt(url, body)
                self._health.alive()
                return answer
            except _Rejected as rejected:
                self._health.lost(str(rejected))
                self._stop_if(self._health.answers_nobody())
                raise
            except _Unreachable as unreachable:
                # counts only if others were answered since the last failure: else the server is away, and may come back
                failures += pauses > 0 and self._health.was_alive_since(failed_at)
                failure, wait_s = str(unreachable), 0.0
                self._stop_if(self._health.is_away(failure))
            except _Failure as error:
                failures += 1
                failure, wait_s = str(error), error.wait_s
                self._health.failed(body, failure)
                self._stop_if(self._health.answers_nobody())
            if failures > self._config.retries:
                self._health.lost(failure)
                self._stop_if(self._health.answers_nobody())
                raise _Failure(f"{failure} (tried {failures} times)")
            failed_at = time.monotonic()
            longest = min(_MAX_PAUSE_S, self._config.backoff_s * 2.0 ** min(pauses, 20))
            pauses += 1
            # jitter never reaches any output, only the moment of the next attempt
            await asyncio.sleep(min(wait_s, self._config.patience_s) + random.uniform(0.0, longest))

    def _stop_if(self, reason: str | None) -> None:
        if reason is not None:
            self._stop(f"the model server {self._base} {reason}")

    def _stop(self, sentence: str) -> NoReturn:
        self._fatal = self._fatal or OperationError(self._without_secrets(sentence))
        raise self._fatal

    async def _attempt(self, url: str, body: bytes) -> Answer:
        """One exchange with the server. Raises _Failure, _Unreachable, _Rejected, OperationError."""
        try:
            if not self._sessions:
                self._sessions.append(_open_session(self._config, self._base, self._headers))
            async with self._sessions[0].post(url, data=body, allow_redirects=False) as response:
                data = await _read(response)
                status, headers = response.status, response.headers
        except aiohttp.ClientSSLError:  # before its own base class
            self._stop(f"no secure connection to {self._base}: check `url` and the server's certificate")
        except aiohttp.ClientConnectorError as error:
            raise _Unreachable(f"cannot connect ({error.os_error.strerror or error.os_error})") from None
        except TimeoutError:
            raise _Failure(f"no answer within {self._config.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _Failure(f"the connection broke ({type(error).__name__})") from None
        if status == 200:
            try:
                return read_answer(data)
            except Malformed as malformed:
                raise _Failure(str(malformed)) from None
        said = explanation(data)
        if status == 429 and "insufficient_quota" in said:
            self._stop(f"the account at {self._base} has no credit left: {said}; add credit and run again")
        if status in (408, 409, 425, 429) or status >= 500:
            raise _Failure(f"HTTP {status}: {said}", _retry_after(headers.get("Retry-After")))
        if status in _REFUSALS and not (status == 403 and self._health.ever_alive):  # 403: of one text, by moderation
            self._stop(f"the model server {self._base} answers HTTP {status} ({said}): {_REFUSALS[status]}")
        if 300 <= status < 400:
            place = urlsplit(headers.get("Location", ""))
            self._stop(f"{url} redirects to {place.scheme}://{place.netloc}{place.path}: give the address it moved to")
        raise _Rejected(f"HTTP {status}: {said}")

    def _without_secrets(self, message: str) -> str:
        for secret in self._secrets:
            message = message.replace(secret, "***")
        return " ".join(message.split())


_REFUSALS = {
    402: "add credit to the account, and run again",
    401: "set the environment variable that `api_key_env` names to a key that the server takes",
    403: "ask its owner for access to the model, or set another key in the variable that `api_key_env` names",
    404: "check `model`, and that `url` ends where /chat/completions begins, mostly in /v1",
    405: "check `url`: it ends where /chat/completions begins, mostly in /v1",
}


class EndpointCalls:
    """See `Calls`: the jobs of one `generate`."""

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop, record: Record) -> None:
        self._endpoint, self._loop, self._record = endpoint, loop, record
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: SimpleQueue[Outcome | BaseException] = SimpleQueue()

    def submit(self, job: Job) -> None:
        """See `Calls`."""
        try:
            self._loop.call_soon_threadsafe(self._start, job)
        except RuntimeError:
            raise OperationError("the generator is closed; open another one") from None

    def _start(self, job: Job) -> None:
        task = self._loop.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, job: Job) -> None:
        try:
            self._ended.put(await self._endpoint.answer(job, self._record))
        except asyncio.CancelledError:
            self._ended.put(OperationError("the generator was closed while it was asked; open another one"))
            raise
        except Exception as error:  # of the run, or a defect: whoever waits for the answer has to know
            self._ended.put(error)

    def collect(self, wait: bool) -> Sequence[Outcome]:
        """See `Calls`."""
        outcomes: list[Outcome] = []
        try:
            while True:
                ended = self._ended.get() if wait and not outcomes else self._ended.get_nowait()
                if isinstance(ended, BaseException):
                    if outcomes:  # first what came
                        self._ended.put(ended)
                        return outcomes
                    raise ended
                outcomes.append(ended)
        except Empty:
            return outcomes

    def cancel(self) -> None:
        """See `Calls`."""
        if self._loop.is_running():
            cancelled = asyncio.run_coroutine_threadsafe(self._cancel(), self._loop)
            if threading.current_thread() is not self._endpoint.thread:  # where the collector may end a `generate`
                cancelled.result(_CLOSE_S)

    async def _cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _headers(config: ModelConfig) -> tuple[dict[str, str], list[str]]:
    """The headers of each request, and the secrets among their values."""
    headers = {"Content-Type": "application/json"}
    secrets = []
    if key := os.environ.get(config.api_key_env, ""):
        headers["Authorization"] = f"Bearer {key}"
        secrets.append(key)
    for name, variable in config.headers_env.items():
        value = os.environ.get(variable)
        if value is None:
            raise ConfigError(f"the header {name} is to come from {variable}, which is not set in the environment")
        headers[name] = value
        secrets.append(value)
    for value in headers.values():
        if not value.isascii() or not value.isprintable():
            raise ConfigError(f"{config.api_key_env} or a variable of `headers_env` holds what no header can hold")
    return headers, [secret for secret in secrets if secret]


def _open_session(config: ModelConfig, base: str, headers: dict[str, str]) -> aiohttp.ClientSession:
    """One session for all requests; a proxy of the environment is used, but not for this machine."""
    host = urlsplit(base).hostname or ""
    return aiohttp.ClientSession(
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=config.timeout_s, sock_connect=min(_CONNECT_S, config.timeout_s)),
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),  # the window is the limit
        trust_env=host not in ("localhost", "::1") and not host.startswith("127."),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > _MAX_ANSWER_BYTES:
            raise _Failure(f"the answer is larger than {_MAX_ANSWER_BYTES >> 20} MiB")
    return bytes(data)


def _path(request: Request) -> str:
    return "completions" if request.messages is None else "chat/completions"


def _body(request: Request, first: int, n: int, config: ModelConfig) -> bytes:
    """The JSON of a call for `n` samples, of which the first is number `first` of the request."""
    body: dict[str, Any] = {"model": config.model}
    if request.messages is None:
        body["prompt"] = request.prompt
    else:
        body["messages"] = request.messages
    body |= {"max_tokens": request.max_tokens, "temperature": request.temperature}
    if request.top_p != 1.0:
        body["top_p"] = request.top_p
    if n > 1:
        body["n"] = n
    if request.stop:
        body["stop"] = request.stop
    if request.seed is not None:
        body["seed"] = request.seed + first
    body |= config.extra_body
    content = {key: value for key, value in body.items() if value is not None}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _retry_after(value: str | None) -> float:
    """Seconds of a Retry-After header, which gives seconds or a date."""
    if value is None:
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _allow_connections(count: int) -> None:
    """Let the process open a file for each connection, where the system lets it: 1,024 is a usual soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < wanted:
            raise ConfigError(
                f"max_in_flight is {count:,}, but this process may open {hard:,} files; lower it or raise `ulimit -n`"
            )


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread, sessions: list[aiohttp.ClientSession]) -> None:
    """Drop all requests, and end the loop and its thread."""
    if loop.is_running():
        asyncio.run_coroutine_threadsafe(_close(sessions), loop).add_done_callback(
            lambda _: loop.call_soon_threadsafe(loop.stop)
        )
        if thread is not threading.current_thread():
            thread.join(_CLOSE_S)
    if not loop.is_running():
        loop.close()


async def _close(sessions: list[aiohttp.ClientSession]) -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for session in sessions:
        await session.close()
