"""Runs programs that a model has written: no network, no files but a scratch folder, no processes or threads, and
bounded time, memory and output.

A server process (`sandbox_zygote`) holds numpy and sympy and forks a child for every program, which confines itself
(`sandbox_child`) before it runs it; what comes back are bounded bytes and the kernel's word on how the child ended.
`docs/sandbox.md` says what holds by which means. 7 ms of processor time a small program (benchmarks/sandbox.py).
"""

import atexit
import os
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from mathmill.core.errors import OperationError
from mathmill.core.sandbox_server import MAX_STDOUT, ProgramResult, Server, ServerGone

__all__ = [
    "MAX_STDOUT",
    "ProgramResult",
    "Sandbox",
    "program_answer",
    "run_program",
    "run_programs",
    "sandbox_state",
]

_UNSAFE_VARIABLE = "MATHMILL_UNSAFE_SANDBOX"


class Sandbox:
    """A warm server that runs programs; it may be used from many threads at once.

    unsafe: run without the protections that this machine does not offer (MATHMILL_UNSAFE_SANDBOX=1 says the same);
        otherwise OperationError where network or files could not be kept from a program.
    use_namespaces: False leaves it to Landlock and seccomp, as in most containers; there is no scratch folder then.
    """

    def __init__(self, unsafe: bool = False, use_namespaces: bool = True) -> None:
        self._unsafe = unsafe or os.environ.get(_UNSAFE_VARIABLE) == "1"
        self._use_namespaces = use_namespaces
        self._lock = threading.Lock()
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self._ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def run(
        self, code: str, timeout_s: float = 10.0, memory_mb: int = 512, wants_answer: bool = False
    ) -> ProgramResult:
        """Run one program in a fresh child.

        timeout_s: seconds of wall clock. memory_mb: MiB that it may allocate beyond numpy and sympy themselves.
        """
        if not timeout_s > 0 or memory_mb < 1:
            raise ValueError(f"timeout_s and memory_mb must be above zero, not {timeout_s} and {memory_mb}")
        request = {"timeout_s": min(timeout_s, 1e6), "memory_mb": min(memory_mb, 1 << 20), "wants_answer": wants_answer}
        for _ in range(2):
            server = self._ready()
            try:
                return server.run(code.encode("utf-8", "surrogatepass"), request)
            except ServerGone:
                self._discard(server)
        raise OperationError("the sandbox's server process ended twice over one program: is memory short?")

    def run_many(
        self,
        codes: Iterable[str],
        timeout_s: float = 10.0,
        memory_mb: int = 512,
        wants_answer: bool = False,
        workers: int = 2,
    ) -> Iterator[ProgramResult]:
        """The results of many programs in their order, `workers` at a time; `codes` is read a little ahead."""
        waiting: deque[Future[ProgramResult]] = deque()
        pool = ThreadPoolExecutor(workers, "sandbox")
        try:
            for code in codes:
                waiting.append(pool.submit(self.run, code, timeout_s, memory_mb, wants_answer))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def missing(self) -> dict[str, str]:
        """Which of "namespaces", "landlock", "seccomp" this machine does not offer, and why."""
        return self._ready().missing

    def close(self) -> None:
        """End the server and with it every program that still runs."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.close()

    def _ready(self) -> Server:
        with self._lock:
            if self._server is None or self._server.owner != os.getpid():
                self._server = Server(self._use_namespaces)
                try:
                    self._require(self._server.missing)
                except BaseException:
                    self._server.close()
                    self._server = None
                    raise
            return self._server

    def _require(self, missing: dict[str, str]) -> None:
        """Files: namespaces or Landlock. Network, processes, other system calls: seccomp."""
        lacking = [name for name in ("namespaces", "landlock", "seccomp") if name in missing]
        if "seccomp" not in missing and len(lacking) < 2:
            return
        reasons = "; ".join(f"{name}: {missing[name]}" for name in lacking)
        if not self._unsafe:
            raise OperationError(
                f"programs cannot be confined here ({reasons}): use Linux 5.13 or newer with Landlock, or allow"
                f" unprivileged user namespaces, or set {_UNSAFE_VARIABLE}=1 where the programs can be trusted"
            )
        warnings.warn(f"PROGRAMS RUN WITHOUT FULL PROTECTION ({reasons})", RuntimeWarning, stacklevel=2)

    def _discard(self, server: Server) -> None:
        with self._lock:
            if self._server is server:
                self._server = None
        server.close()


def run_program(code: str, timeout_s: float = 10.0, memory_mb: int = 512) -> ProgramResult:
    """Run one program in this process's shared sandbox; see `Sandbox.run`. OperationError where none can be had."""
    return _shared.run(code, timeout_s, memory_mb)


def run_programs(
    codes: Iterable[str], timeout_s: float = 10.0, memory_mb: int = 512, workers: int = 2, wants_answer: bool = False
) -> Iterator[ProgramResult]:
    """Run many programs in this process's shared sandbox; see `Sandbox.run_many`."""
    return _shared.run_many(codes, timeout_s, memory_mb, wants_answer, workers)


def program_answer(code: str, timeout_s: float = 10.0, memory_mb: int = 512) -> ProgramResult:
    """Run a program of thought; `.answer` is the value of its variable `ans`, `answer` or `result`, else what its
    `solution()` or `solver()` returns, else the last line that it printed; None where it failed or has none of them.
    """
    return _shared.run(code, timeout_s, memory_mb, wants_answer=True)


def sandbox_state() -> list[tuple[str, bool, str]]:
    """For `mathmill doctor`: each means of protection, whether it works here, and what that means."""
    if sys.platform != "linux":
        return [("sandbox", False, "programs are run on Linux only")]
    try:
        with Sandbox(unsafe=True) as sandbox, warnings.catch_warnings(action="ignore"):
            missing = sandbox.missing()
            result = sandbox.run("print(6 * 7)")
    except OperationError as error:
        return [("sandbox", False, str(error))]
    gives = {
        "namespaces": "a file system, network and process numbers of a program's own",
        "landlock": "access to files by permission only",
        "seccomp": "no network, processes or foreign system calls",
    }
    state = [(name, name not in missing, missing.get(name, text)) for name, text in gives.items()]
    is_safe = "seccomp" not in missing and not {"namespaces", "landlock"} <= set(missing)
    works = result.stdout == "42\n"
    words = "programs run confined" if is_safe else f"programs are refused unless {_UNSAFE_VARIABLE}=1"
    return [*state, ("sandbox", is_safe and works, words if works else f"a program failed: {result.error}")]


_shared = Sandbox()
atexit.register(_shared.close)


def _forget_in_fork() -> None:
    """A fork of this process starts a server of its own; its parent's goes on."""
    global _shared
    _shared = Sandbox()


os.register_at_fork(after_in_child=_forget_in_fork)
