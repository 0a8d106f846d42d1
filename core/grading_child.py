r"""The child process that asks math-verify whether two answers are equal; its parent is `mathmill.core.grading`.

It imports math-verify once and forks a worker, which it kills over a pair that takes too long and replaces in
milliseconds (a start from scratch costs over a second). math-verify's own time limit, SIGALRM, is off. An acceptance
counts only in both orders and where sympy's reading holds every letter of the text: the parser drops what it does not
know (`1-1/\mathrm e` becomes 1).
"""

import json
import logging
import os
import re
import select
import signal
import sys
import threading
import time
from typing import Any

import pyarrow as pa

from mathmill.core.collector import relax_collector
from mathmill.core.isolate_child import DONE, FAILURE, OUTPUT, bind_to, limit_memory, receive, send

PAIR = b"p"
_LOOK_MILLISECONDS = 20


def main() -> None:
    """Answer PAIR [prediction, gold, CPU seconds, seconds with the start] with [accepted, guarded] until the end."""
    parent, memory_bytes = map(int, sys.argv[1:3])
    bind_to(parent)
    limit_memory(memory_bytes)
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    logging.disable()
    starting = threading.Thread(target=_compare, args=("1", "2"), daemon=True)  # imports, and the parser's tables
    starting.start()
    worker: _Worker | None = None
    while (message := receive(requests)) is not None:
        prediction, gold, cpu_seconds, seconds = json.loads(message[1].to_pybytes())
        deadline = time.monotonic() + seconds
        starting.join(seconds)
        if starting.is_alive():
            send(answers, FAILURE, b"math-verify is still being started")
            continue
        worker = worker or _Worker()
        kind, answer = worker.ask(json.dumps([prediction, gold]).encode(), cpu_seconds, deadline)
        if kind == FAILURE:
            worker.kill()
            worker = None
            send(answers, FAILURE, answer)
        else:
            send(answers, OUTPUT, answer)
            send(answers, DONE)


class _Worker:
    """A fork of this process, which may hang, crash or run out of memory."""

    def __init__(self) -> None:
        ends = os.pipe(), os.pipe()
        supervisor = os.getpid()
        self.process = os.fork()
        if self.process == 0:
            try:
                bind_to(supervisor)
                _serve(ends[0][0], ends[1][1])
            finally:
                os._exit(1)
        os.close(ends[0][0])
        os.close(ends[1][1])
        self.answers, self.requests = ends[1][0], ends[0][1]
        self.clock = (~self.process << 3) | 2  # CPU clock of another process: clock_getcpuclockid(3)

    def ask(self, body: bytes, cpu_seconds: float, deadline: float) -> tuple[bytes, bytes | pa.Buffer]:
        """The answer and its kind; FAILURE with the cause where there is none in time."""
        spent = time.clock_gettime(self.clock)
        send(self.requests, PAIR, body)
        poll = select.poll()
        poll.register(self.answers, select.POLLIN)
        while not poll.poll(_LOOK_MILLISECONDS):
            if time.clock_gettime(self.clock) - spent > cpu_seconds:
                return FAILURE, f"timed out after {cpu_seconds:g} s of CPU time".encode()
            if time.monotonic() > deadline:
                return FAILURE, b"timed out on a busy machine"
        return receive(self.answers) or (FAILURE, b"crashed or ran out of memory")

    def kill(self) -> None:
        """End the worker for good."""
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.answers)
        os.close(self.requests)


def _serve(requests: int, answers: int) -> None:
    sys.setrecursionlimit(2_000)
    relax_collector()
    while (message := receive(requests)) is not None:
        try:
            verdict = _compare(*json.loads(message[1].to_pybytes()))
        except MemoryError:
            os._exit(1)
        except Exception as error:
            send(answers, FAILURE, f"{type(error).__name__}: {error}"[:300].encode("utf-8", "replace"))
        else:
            send(answers, OUTPUT, json.dumps(verdict).encode())


def _compare(prediction: str, gold: str) -> tuple[bool, bool]:
    """Whether math-verify accepts the pair as it is used elsewhere, and whether our safeguards agree."""
    from math_verify import parse, verify  # type: ignore[import-untyped]

    a, b = (parse(f"${_bare(text)}$", parsing_timeout=None) for text in (gold, prediction))
    accepted = bool(verify(a, b, timeout_seconds=None))
    if not accepted:
        return False, False
    guarded = _is_whole(a, gold) and _is_whole(b, prediction) and bool(verify(b, a, timeout_seconds=None))
    return True, guarded


def _bare(text: str) -> str:
    text = text.strip().strip("$").strip()
    return text[2:-2] if text[:2] + text[-2:] in ("\\(\\)", "\\[\\]") else text


_COMMAND = re.compile(r"\\(?:begin|end)\{\w+\}|\\(?:text|mathrm|operatorname)\{\w\w+\}|\\[A-Za-z]+")
_LETTER = re.compile(r"[A-Za-z]")


def _is_whole(parsed: list[Any], text: str) -> bool:
    """Whether sympy's reading names every letter of the text; d, e and i may be signs."""
    if not parsed or isinstance(parsed[0], str):
        return False
    reading = repr(parsed[0])
    letters = set(_LETTER.findall(_COMMAND.sub(" ", text)))
    if "e" in letters and not re.search(r"\bE\b|exp|\be\b", reading):
        return False
    return letters - set("dei") <= set(_LETTER.findall(reading))


if __name__ == "__main__":
    main()
