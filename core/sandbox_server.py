"""The parent's side of the sandbox: it launches the server process, hands it programs, and judges how they ended.

Each run has pipes and a status socket of its own, so that threads share nothing and closing them ends the program.
What is judged by cannot be forged: the amount of output, and the zygote's word on the child's exit status and usage.
"""

import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.core.errors import OperationError
from mathmill.core.sandbox_child import CONFINED, MAX_ERROR

MAX_STDOUT = 1 << 20  # bytes
SCRATCH_BYTES = 16 << 20
_MAX_REPORT = 1 << 18
_PACKAGES = ("numpy", "sympy", "mpmath")
_START_SECONDS = 120.0
_GRACE_SECONDS = 20.0  # beyond a program's own limit, before its server is taken for dead
# The zygote's modules under their own names, without the site module and what that would bring along.
_BOOT = """
import sys, types
for name, path in (("mathmill", []), ("mathmill.core", [sys.argv[2]])):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = path
sys.path += sys.argv[3:]
from mathmill.core.sandbox_zygote import main
main()
"""
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
}


@dataclass(frozen=True)
class ProgramResult:
    """What a program did.

    stdout: what it printed, at most MAX_STDOUT bytes, undecodable ones replaced.
    error: None where it ran to its end, else one sentence: what it raised and in which line, or what ended it.
    killed_by: None, or the limit that ended it: "timeout" (wall clock), "memory" (also an uncaught MemoryError),
        "output" (printed too much), "blocked" (a system call that no calculation makes), "signal" (a crash, or a
        signal of its own). What a program may not do mostly raises in it, as a PermissionError: `error` has that.
    answer: where it was asked for: the value that the program arrived at, see `program_answer`.
    cpu_s, peak_bytes: processor time and greatest resident memory, the preloaded packages (about 60 MB) included.
    """

    stdout: str
    error: str | None
    killed_by: str | None
    answer: str | None = None
    cpu_s: float = 0.0
    peak_bytes: int = 0


class ServerGone(Exception):
    """The server has ended; a new one may do."""


class Server:
    """A launched zygote and the socket to it; each run has descriptors of its own, so that threads share nothing."""

    def __init__(self, use_namespaces: bool) -> None:
        if sys.platform != "linux":
            raise OperationError("programs are run on Linux only: there is nothing to confine them with elsewhere")
        self.owner = os.getpid()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            config = _config(theirs.fileno(), use_namespaces)
            paths = [str(Path(__file__).parent), *_package_parents()]
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-s", "-P", "-B", "-c", _BOOT, json.dumps(config), *paths],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        try:
            self.missing = self._hello()
        except BaseException:
            self.close()
            raise

    def _hello(self) -> dict[str, str]:
        self._control.settimeout(_START_SECONDS)
        try:
            hello = json.loads(self._control.recv(1 << 16) or b'{"failure": "it ended at once"}')
        except TimeoutError:
            hello = {"failure": f"it said nothing for {_START_SECONDS:g} s"}
        if "failure" in hello:
            raise OperationError(f"the sandbox's server process does not start: {hello['failure']}")
        missing: dict[str, str] = hello["missing"]
        return missing

    def run(self, code: bytes, request: dict[str, Any]) -> ProgramResult:
        """Run one program; ServerGone where the server ends meanwhile, OperationError where it cannot confine it."""
        with ExitStack() as open_here:
            outcome = _Outcome(*self._send(code, request, open_here))
            outcome.wait(time.monotonic() + request["timeout_s"] + _GRACE_SECONDS)
        return outcome.result(request)

    def _send(self, code: bytes, request: dict[str, Any], open_here: ExitStack) -> tuple[int, int, socket.socket]:
        """Hand the zygote a program's text, and ends of pipes for what comes back; ours close with `open_here`."""
        with ExitStack() as theirs:
            text = os.memfd_create("program")
            theirs.callback(os.close, text)
            with open(text, "wb", closefd=False) as file:
                file.write(code)
            os.lseek(text, 0, os.SEEK_SET)
            ends = []
            for _ in range(2):
                ours, its = os.pipe()
                open_here.callback(os.close, ours)
                theirs.callback(os.close, its)
                os.set_blocking(ours, False)
                ends.append((ours, its))
            status, its_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            open_here.enter_context(status)
            theirs.enter_context(its_status)
            descriptors = [text, ends[0][1], ends[1][1], its_status.fileno()]
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
            except OSError as error:
                raise ServerGone from error
        return ends[0][0], ends[1][0], status

    def close(self) -> None:
        """End the server; in a fork of the process that has launched it, only forget it."""
        self._control.close()
        if self.owner != os.getpid():
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()


class _Outcome:
    """What comes back of one program: its stdout, its own report, and the zygote's word on how it ended."""

    def __init__(self, stdout: int, report: int, status: socket.socket) -> None:
        self._limits = {stdout: MAX_STDOUT, report: _MAX_REPORT}
        self._read: dict[int, bytearray] = {stdout: bytearray(), report: bytearray()}
        self._stdout, self._report, self._status = stdout, report, status
        self._messages: list[bytes] = []
        self._is_flooded = False

    def wait(self, deadline: float) -> None:
        """Read until the program has ended, has printed too much, or the server is gone."""
        poll = select.poll()
        open_ends = {self._stdout, self._report, self._status.fileno()}
        for end in open_ends:
            poll.register(end, select.POLLIN)
        while open_ends and not self._is_flooded:
            events = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not events:
                raise ServerGone
            for end, _ in events:
                if not self._take(end):
                    open_ends.remove(end)
                    poll.unregister(end)

    def _take(self, end: int) -> bool:
        if end == self._status.fileno():
            message = self._status.recv(1 << 12)
            self._messages.append(message)
            return message != b""
        data = os.read(end, 1 << 16)
        self._read[end] += data
        self._is_flooded |= len(self._read[end]) > self._limits[end]
        return data != b""

    def result(self, request: dict[str, Any]) -> ProgramResult:
        """Judge by what cannot be forged first; the program's own report only says what it raised."""
        stdout = self._read[self._stdout][:MAX_STDOUT].decode("utf-8", "replace")
        if self._is_flooded:
            return ProgramResult(stdout, f"printed more than {MAX_STDOUT:,} bytes", "output")
        report = self._own_report()
        is_confined, ending = self._messages[0] == CONFINED, self._messages[-2:-1]
        if not ending or ending == [CONFINED]:
            raise ServerGone
        if not is_confined:
            raise OperationError(f"a program could not be confined: {(report or {}).get('error', 'it ended')}")
        end = json.loads(ending[0])
        error, killed_by = _cause(end, report, request)
        answer = None
        if error is None and report is not None and request["wants_answer"]:
            answer = report.get("answer")
            answer = answer if isinstance(answer, str) else _last_line(stdout)
        return ProgramResult(stdout, error, killed_by, answer, end["cpu_s"], end["peak_bytes"])

    def _own_report(self) -> dict[str, Any] | None:
        with suppress(ValueError, RecursionError):
            report = json.loads(self._read[self._report])
            return report if isinstance(report, dict) else None
        return None


def _cause(
    end: dict[str, Any], report: dict[str, Any] | None, request: dict[str, Any]
) -> tuple[str | None, str | None]:
    """The error and what killed the program, from its exit status, and from its report where it came to an end."""
    timeout_s, memory_mb, status = request["timeout_s"], request["memory_mb"], end["exit"]
    if end["timed_out"] or status == -signal.SIGXCPU or end["cpu_s"] > timeout_s + 1:
        return f"timed out after {timeout_s:g} s", "timeout"
    if (report or {}).get("memory") is True or (status < 0 and end["peak_bytes"] > memory_mb << 20):
        return f"needed more than {memory_mb:,} MiB of memory", "memory"
    if status == -signal.SIGSYS:
        return "made a system call that is forbidden to programs", "blocked"
    if status < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}", "signal"
        return f"killed by signal {-status}", "signal"
    if status > 0:
        return f"exited with status {status}", None
    if report is None:
        return "exited with status 0 before its end", None
    error = report.get("error")
    return (error[: MAX_ERROR + 100] if isinstance(error, str) else None), None


def _last_line(stdout: str) -> str | None:
    lines = stdout.strip().splitlines()
    return lines[-1].strip() if lines else None


def _config(control: int, use_namespaces: bool) -> dict[str, Any]:
    """What the zygote is told; the standard library comes before the packages, which may lie in its midst."""
    library = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")}
    hidden = [os.path.join(folder, name) for folder in library for name in ("site-packages", "dist-packages")]
    return {
        "control": control,
        "parent": os.getpid(),
        "use_namespaces": use_namespaces,
        "sources": sorted(library) + _package_folders(),
        "hidden": [folder for folder in hidden if os.path.isdir(folder)],
        "scratch_bytes": SCRATCH_BYTES,
    }


def _package_folders() -> list[str]:
    """The folders of the packages that programs may use, and those of the libraries that come with them."""
    folders = []
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise OperationError(f"the sandbox needs {name}: pip install {name}")
        folder = spec.submodule_search_locations[0]
        folders += [path for path in (folder, f"{folder}.libs") if os.path.isdir(path)]
    return folders


def _package_parents() -> list[str]:
    return sorted({os.path.dirname(folder) for folder in _package_folders()})
