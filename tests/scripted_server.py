"""An OpenAI-compatible server that answers as a test's script says: the right thing, nothing, or what goes wrong.

    def script(call):
        if call.times <= 2:                       # the first two times that this very body comes
            return Status(429, headers={"Retry-After": "0"})
        return "The answer is 4." if "2 + 2" in call.prompt else "I cannot help with that."

    with scripted(script) as server:
        config = ModelConfig(url=server.url, model="any", backoff_s=0.01)
        ...
    assert server.answered["What is 2 + 2?"] == 1

The script is called with a `Call` and returns a reply:

    "text"                       each of the n choices has this text, finish_reason "stop"
    ["a", "b"]                   these choices, however many were asked for
    Text("cut off in the", finish_reason="length", prompt_tokens=…, completion_tokens=…)
    Status(500, "message")       an error; Status(429, headers={"Retry-After": "1"})
    HANG                         never answers, and keeps the connection open
    DROP                         closes the connection without an answer
    TRUNCATED                    sends half of an answer and closes the connection
    HALF_JSON                    the first half of an answer's JSON, as if it were all
    MALFORMED                    JSON with none of the fields that an answer has
    Raw(b"…")                    this body with status 200
    Later(reply, seconds)        the reply after a while; `latency` of `scripted` does so with all

`call.prompt` is all the text that the model reads: choose by what it contains. `by_prompt({"needle": reply, …}, other)`
makes a script of a mapping. The server runs in a thread, so a script may be any closure; `main` runs one in a process
of its own for benchmarks. A script that raises answers 500 with the error, and `server.errors` lists it.

Counted: `server.requests`, `server.calls` (every Call), `server.asked` and `server.answered` (by prompt; answered: the
whole reply of status 200 was written), `server.most_in_flight`. `server.go_down()` closes the port and all connections,
`server.come_back()` opens the same port again.
"""

import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple


class Fault(Enum):
    """What a connection can do instead of answering."""

    HANG = "hang"
    DROP = "drop"
    TRUNCATED = "truncated"
    HALF_JSON = "half json"
    MALFORMED = "malformed"


HANG, DROP, TRUNCATED, HALF_JSON, MALFORMED = Fault


class Status(NamedTuple):
    """An HTTP error with OpenAI's kind of body."""

    code: int
    message: str = "as the script says"
    headers: Mapping[str, str] = {}


class Text(NamedTuple):
    """Choices with the reason why they ended, and the tokens that the server claims to have counted."""

    text: str | Sequence[str]
    finish_reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Raw(NamedTuple):
    """Any body, with status 200."""

    body: bytes


class Later(NamedTuple):
    """A reply after some seconds."""

    reply: Any
    seconds: float


@dataclass(frozen=True)
class Call:
    """A request. number: of all requests, from 1; times: how often this very body has come, this time included."""

    number: int
    times: int
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """All the text that the model reads, messages joined by newlines."""
        if "messages" in self.body:
            return "\n".join(message["content"] for message in self.body["messages"])
        return self.body.get("prompt", "")

    @property
    def n(self) -> int:
        """How many choices are asked for."""
        return self.body.get("n", 1)


Script = Callable[[Call], Any]


def by_prompt(replies: Mapping[str, Any], default: Any = "") -> Script:
    """A script that looks for the first key that the prompt contains; a reply may be a function of the call."""

    def script(call: Call) -> Any:
        reply = next((reply for needle, reply in replies.items() if needle in call.prompt), default)
        return reply(call) if callable(reply) else reply

    return script


@dataclass
class ScriptedServer:
    """See the module. key: bearer token that requests must carry, else they get 401."""

    script: Script
    latency: float = 0.0
    key: str | None = None
    keeps_calls: bool = True
    requests: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    calls: list[Call] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    errors: list[BaseException] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._connections: set[_Connection] = set()
        self._times: Counter[bytes] = Counter()
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base address, with /v1."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def listen(self) -> None:
        """Open the port: any free one at first, then the same one."""
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, backlog=4096
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def hang_up(self) -> None:
        """Close the port and every connection."""
        assert self._listener is not None
        self._listener.close()
        for connection in list(self._connections):
            connection.transport.abort()

    def go_down(self) -> None:
        """Die."""
        asyncio.run_coroutine_threadsafe(self.hang_up(), self._loop).result(10)

    def come_back(self) -> None:
        """Live again, at the same address."""
        asyncio.run_coroutine_threadsafe(self.listen(), self._loop).result(10)

    def start(self) -> threading.Thread:
        """Serve in a thread."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        self.come_back()
        return thread

    def stop(self, thread: threading.Thread) -> None:
        """End the thread."""
        self.go_down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join(10)
        self._loop.close()

    def receive(self, connection: "_Connection", path: str, headers: dict[str, str], data: bytes) -> None:
        """Handle a whole request."""
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            connection.reply(Status(401, f"Incorrect API key: {headers.get('authorization')}"), None)
            return
        if path not in ("/v1/chat/completions", "/v1/completions"):
            connection.reply(Status(404, f"no such path: {path}"), None)
            return
        times = 1
        if self.keeps_calls:
            self._times[data] += 1
            times = self._times[data]
        call = Call(self.requests, times, path, headers, json.loads(data))
        if self.keeps_calls:
            self.calls.append(call)
            self.asked[call.prompt] += 1
        try:
            reply = self.script(call)
        except Exception as error:
            self.errors.append(error)
            reply = Status(500, repr(error))
        seconds = self.latency
        if isinstance(reply, Later):
            reply, seconds = reply.reply, reply.seconds
        if seconds:
            asyncio.get_running_loop().call_later(seconds, connection.reply, reply, call)
        else:
            connection.reply(reply, call)


class _Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time, as clients with connection pools send them."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self._data = b""
        self._is_busy = False

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        self._server._connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._server._connections.discard(self)
        if self._is_busy:
            self._end_request()

    def data_received(self, data: bytes) -> None:
        if not self._data and not data[:1].isalpha():  # TLS, for one
            self._write(400, b"")
            self.transport.close()
            return
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", 0))
        if len(rest) >= size:
            self._data = rest[size:]
            self._is_busy = True
            self._server.receive(self, first.split(" ")[1], headers, rest[:size])

    def reply(self, reply: Any, call: Call | None) -> None:
        """Do what the script says."""
        if self.transport.is_closing() or reply is HANG:
            return
        self._end_request()
        if reply is DROP:
            self.transport.abort()
        elif isinstance(reply, Status):
            error = {"error": {"message": reply.message, "type": "scripted", "code": str(reply.code)}}
            self._write(reply.code, json.dumps(error).encode(), reply.headers)
        elif isinstance(reply, Raw):
            self._write(200, reply.body)
        elif reply is MALFORMED:
            self._write(200, b'{"object": "chat.completion", "outputs": [{"generated": "4"}]}')
        else:
            assert call is not None
            body = _answer(call, "" if isinstance(reply, Fault) else reply)
            if reply is HALF_JSON:
                self._write(200, body[: len(body) // 2])
            elif reply is TRUNCATED:
                self.transport.write(_head(200, len(body), {}) + body[: len(body) // 2])
                self.transport.close()
            else:
                self._write(200, body)
                if self._server.keeps_calls:
                    self._server.answered[call.prompt] += 1

    def _write(self, status: int, body: bytes, headers: Mapping[str, str] = {}) -> None:
        self.transport.write(_head(status, len(body), headers) + body)

    def _end_request(self) -> None:
        self._is_busy = False
        self._server.in_flight -= 1


def _head(status: int, size: int, headers: Mapping[str, str]) -> bytes:
    fields = {"Content-Type": "application/json", "Content-Length": str(size), **headers}
    return (f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n").encode()


def _answer(call: Call, reply: Any) -> bytes:
    """The JSON of an answer with status 200."""
    if not isinstance(reply, Text):
        reply = Text(reply)
    texts = [reply.text] * call.n if isinstance(reply.text, str) else list(reply.text)
    is_chat = "messages" in call.body
    choices = [
        {
            "index": index,
            **({"message": {"role": "assistant", "content": text}} if is_chat else {"text": text}),
            "finish_reason": reply.finish_reason,
        }
        for index, text in enumerate(texts)
    ]
    prompt_tokens = len(call.prompt.split()) if reply.prompt_tokens is None else reply.prompt_tokens
    counted = sum(len(text.split()) for text in texts) if reply.completion_tokens is None else reply.completion_tokens
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": counted,
        "total_tokens": prompt_tokens + counted,
    }
    kind = "chat.completion" if is_chat else "text_completion"
    content = {"id": f"call-{call.number}", "object": kind, "model": call.body.get("model"), "choices": choices}
    return json.dumps({**content, "usage": usage}).encode()


@contextmanager
def scripted(
    script: Script, latency: float = 0.0, key: str | None = None, keeps_calls: bool = True
) -> Iterator[ScriptedServer]:
    """Run a server. latency: seconds before each reply. keeps_calls: False for many requests; then none is logged."""
    server = ScriptedServer(script, latency, key, keeps_calls)
    thread = server.start()
    try:
        yield server
    finally:
        server.stop(thread)


async def main(latency: float) -> None:
    """Serve until standard input ends; prints the address. Answers each prompt with its first 200 characters."""
    server = ScriptedServer(lambda call: call.prompt[:200], latency, keeps_calls=False)
    await server.listen()
    print(server.url, flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
