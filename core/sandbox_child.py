"""A program in its sandbox: the forked child confines itself, says so, runs the program and reports what it raised.

The order matters: first what needs privileges (a scratch mount of its own), then giving them up, the limits, and the
system call filter last. Until it has said that it is confined nothing of the program has been read as Python; a step
that fails ends the child before that. The child is a copy of the zygote, so numpy and sympy are there already.
"""

import builtins
import errno
import gc
import io
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any, NoReturn

from mathmill.core import sandbox_kernel as kernel
from mathmill.core.sandbox_filter import filter_for

SCRATCH = "/scratch"
CONFINED = b"confined"
REPORT, STATUS = 3, 4  # file descriptors; the second is closed before the program runs
MAX_ERROR = 2000  # characters
NOBODY = 65534
PROGRAM = "<program>"
ANSWER_VARIABLES = ("ans", "answer", "result")
ANSWER_FUNCTIONS = ("solution", "solver")
_MAX_FILES = 64


@dataclass(frozen=True)
class Confinement:
    """What the zygote has found this machine to offer; everything named here must work in every child."""

    sources: tuple[str, ...]  # folders of the standard library and of the preloaded packages, readable
    scratch_bytes: int  # of the scratch folder; there is none without namespaces
    address_space: int  # bytes that the zygote itself takes
    has_mounts: bool
    landlock_abi: int
    filter_template: bytes
    becomes_nobody: bool


@dataclass(frozen=True)
class Request:
    """What the parent asks of one program."""

    timeout_s: float
    memory_mb: int
    wants_answer: bool


def run_child(request: Request, confinement: Confinement, descriptors: list[int], zygote: int) -> NoReturn:
    """Run the program that can be read from the first of `descriptors`; stdout, report and status are the others."""
    status = 70
    try:
        code = _take_descriptors(descriptors)
        _confine(request, confinement, zygote)
        os.write(STATUS, CONFINED)
        os.close(STATUS)
        _run(code, request.wants_answer)
        status = 0
    except OSError as error:
        _report({"error": error.strerror})
    finally:
        os._exit(status)


def _take_descriptors(descriptors: list[int]) -> bytes:
    """Keep nothing open but the null device, stdout, the report and the status; the program's text."""
    code, stdout, report, status = descriptors
    with open(code, "rb") as file:
        text = file.read()
    high = [os.dup(descriptor) for descriptor in (stdout, report, status)]
    for source, target in zip(high, (1, REPORT, STATUS), strict=True):
        os.dup2(source, target)
    os.closerange(STATUS + 1, 1 << 20)
    return text


def _confine(request: Request, confinement: Confinement, zygote: int) -> None:
    readable = [(path, kernel.READ_RIGHTS) for path in confinement.sources]
    readable.append(("/dev/null", kernel.DEVICE_RIGHTS))
    if confinement.has_mounts:
        kernel.unshare(kernel.NEW_MOUNTS)
        owner = f"uid={NOBODY},gid={NOBODY}," if confinement.becomes_nobody else ""
        options = f"{owner}mode=700,size={confinement.scratch_bytes},nr_inodes=1000"
        kernel.mount_tmpfs(SCRATCH, options, kernel.NO_EXEC)
        os.chdir(SCRATCH)
        readable += [(SCRATCH, kernel.SCRATCH_RIGHTS), ("/dev/urandom", kernel.DEVICE_RIGHTS)]
    if confinement.becomes_nobody:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    kernel.drop_capabilities()
    kernel.forbid_new_privileges()
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != zygote:
        os._exit(0)
    if confinement.landlock_abi:
        kernel.restrict_files(confinement.landlock_abi, readable)
    _limit(request, confinement)
    if confinement.filter_template:
        kernel.set_filter(filter_for(confinement.filter_template, os.getpid()))


def _limit(request: Request, confinement: Confinement) -> None:
    """Limits of this process; what the zygote takes already does not count as the program's."""
    seconds = int(request.timeout_s) + 2  # a second line: the zygote's clock ends it earlier
    limits = {
        resource.RLIMIT_AS: confinement.address_space + (request.memory_mb << 20),
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: confinement.scratch_bytes,
        resource.RLIMIT_NOFILE: _MAX_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_STACK: 8 << 20,
    }
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _run(code: bytes, wants_answer: bool) -> None:
    """Execute the program as `__main__` and report how it ended."""
    main = _fresh_main()
    try:
        exec(compile(code, PROGRAM, "exec"), main.__dict__)  # what a sandbox is for
        report = {"answer": _find_answer(main.__dict__)} if wants_answer else {}
        _flush()
    except MemoryError:
        _report_want_of_memory()
    except SystemExit as error:
        _flush()
        report = {} if error.code in (None, 0) else {"error": f"exited with status {str(error.code)[:MAX_ERROR]}"}
    except BaseException as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            _report_want_of_memory()
        _flush()
        report = {"error": _describe(error)}
    _report(report)


def _report_want_of_memory() -> NoReturn:
    """Say so and end at once: there may be no memory left for more."""
    os.write(REPORT, b'{"memory": true}')
    os._exit(0)


def _fresh_main() -> ModuleType:
    """A new `__main__`, an empty environment, fixed seeds, and stdout on the pipe."""
    gc.enable()
    os.environ.clear()
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    sys.argv[:] = [PROGRAM]
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    stdout = io.BufferedWriter(io.FileIO(1, "w", closefd=False))
    sys.stdout = io.TextIOWrapper(stdout, encoding="utf-8", errors="backslashreplace")
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    return main


def _find_answer(namespace: dict[str, Any]) -> str | None:
    """A variable named as programs of thought name their answer, or what their function returns."""
    for name in ANSWER_VARIABLES:
        if namespace.get(name) is not None and not callable(namespace[name]):
            return _spell(namespace[name])
    for name in ANSWER_FUNCTIONS:
        function: Callable[[], Any] | None = namespace.get(name)
        if callable(function) and (value := function()) is not None:
            return _spell(value)
    return None


def _spell(value: Any) -> str:
    """The value as Python writes it, numpy's scalars and arrays as plain numbers and lists."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        brackets = "[]" if isinstance(value, list) else "()"
        return brackets[0] + ", ".join(map(_spell, value)) + brackets[1]
    return str(value)


def _describe(error: BaseException) -> str:
    """Type and message of what the program raised, and the program's line that raised it."""
    text = f"{type(error).__qualname__}: {error}"[:MAX_ERROR]
    line, traceback = None, error.__traceback__
    while isinstance(traceback, TracebackType):
        if traceback.tb_frame.f_code.co_filename == PROGRAM:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return text if line is None else f"{text} (line {line})"


def _flush() -> None:
    with suppress(Exception):  # the program may have put anything there
        sys.stdout.flush()


def _report(content: dict[str, Any]) -> None:
    data = memoryview(json.dumps(content).encode())
    with suppress(OSError):  # the program may have closed it
        while data:
            data = data[os.write(REPORT, data) :]
