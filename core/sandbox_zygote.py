"""The sandbox's server process: it imports numpy and sympy once and forks a confined child for every program.

A launcher enters new namespaces and forks the zygote as their first process, so that everything in them dies with it;
the launcher watches the process that asked for it and the zygote. The zygote never sees a program or its output: each
request brings the descriptors of the text, of stdout, of the report and of its status, which it hands to the child.
It tells the status, and it ends a child at its deadline or when the other end of the status is closed.
"""

import gc
import json
import math
import os
import platform
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.core import sandbox_kernel as kernel
from mathmill.core.sandbox_child import SCRATCH, Confinement, Request, run_child
from mathmill.core.sandbox_filter import AUDIT_ARCH, filter_template

_NEW_ROOT = "/proc"  # where the new root is put together: it exists everywhere, and nothing that is needed lies in it
_MODULES = """
bisect calendar cmath collections copy dataclasses datetime decimal enum fractions functools heapq itertools math
numbers operator random re statistics string textwrap typing numpy numpy.fft numpy.linalg numpy.polynomial numpy.random
sympy
"""
_WARM_UP = """
import numpy, sympy
numpy.linalg.solve(numpy.eye(3), numpy.ones(3)); numpy.eye(64) @ numpy.eye(64); numpy.random.seed(0)
x = sympy.Symbol("x")
sympy.solve(x**2 - 2, x); sympy.simplify((x**2 - 1) / (x - 1)); sympy.N(sympy.sqrt(2)); sympy.latex(x / 2)
sympy.integrate(x, x); sympy.factor(x**2 - 1); sympy.factorint(360); sympy.core.cache.clear_cache()
"""


@dataclass
class _Program:
    pid: int
    process: int  # pidfd
    status: socket.socket
    deadline: float
    timed_out: bool = False

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def main() -> None:
    """Launch a zygote as the JSON text on the command line describes it, and end when it or the parent ends."""
    config = json.loads(sys.argv[1])
    parent = os.pidfd_open(config["parent"])
    if os.getppid() != config["parent"]:
        return
    missing = _enter_namespaces(config["use_namespaces"])
    launcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(parent)
        kernel.die_with_parent(signal.SIGKILL)
        if os.getppid() not in (0, launcher):  # 0: the first process of a namespace sees no parent
            os._exit(0)
        _serve_or_say(config, missing)
        os._exit(0)
    os.close(config["control"])
    zygote = os.pidfd_open(pid)
    select.select([parent, zygote], [], [])
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _enter_namespaces(is_wanted: bool) -> dict[str, str]:
    """New namespaces, within a new user namespace unless this process may have them without; what failed, and why."""
    if not is_wanted:
        return {"namespaces": "not asked for"}
    namespaces = kernel.NEW_MOUNTS | kernel.NEW_PIDS | kernel.NEW_NETWORK | kernel.NEW_IPC | kernel.NEW_UTS
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0:
            with suppress(OSError):
                kernel.unshare(namespaces)
                return {}
        kernel.unshare(namespaces | kernel.NEW_USER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    except OSError as error:
        return {"namespaces": str(error.strerror)}
    return {}


def _serve_or_say(config: dict[str, Any], missing: dict[str, str]) -> None:
    """Prepare, say hello with what is enforced, and serve; say what went wrong where it cannot."""
    with socket.socket(fileno=config["control"]) as control:
        try:
            confinement = _prepare(config, missing)
        except Exception as error:
            control.send(json.dumps({"failure": f"{type(error).__name__}: {error}"[:2000]}).encode())
            return
        control.send(json.dumps({"missing": missing}).encode())
        _serve(control, confinement)


def _prepare(config: dict[str, Any], missing: dict[str, str]) -> Confinement:
    """Import what programs need, then leave the file system; `missing` gets what this machine does not offer."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    for name in _MODULES.split():
        __import__(name)
    exec(_WARM_UP, {})  # what these import late or allocate once
    address_space = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    uid_map = Path("/proc/self/uid_map").read_text().split()
    if "namespaces" not in missing:
        try:
            _leave_file_system(config["sources"], config["hidden"])
        except OSError as error:
            missing["namespaces"] = str(error.strerror)
    has_mounts = "namespaces" not in missing
    abi = kernel.landlock_abi()
    if not abi:
        missing["landlock"] = "the kernel has none, or it is switched off"
    template = b""
    if not kernel.has_seccomp() or platform.machine() not in AUDIT_ARCH or sys.maxsize < 1 << 32:
        missing["seccomp"] = f"no filter for {platform.machine()} with this kernel"
    else:
        template = filter_template(platform.machine(), has_mounts)
    kernel.drop_bounding_set()
    is_everybody = uid_map[:1] == ["0"] and int(uid_map[2]) > 1  # a user namespace of ours maps one user
    gc.collect()
    gc.freeze()
    return Confinement(
        sources=tuple(config["sources"]),
        scratch_bytes=config["scratch_bytes"],
        address_space=address_space,
        has_mounts=has_mounts,
        landlock_abi=abi,
        filter_template=template,
        becomes_nobody=has_mounts and os.geteuid() == 0 and is_everybody,
    )


def _leave_file_system(sources: list[str], hidden: list[str]) -> None:
    """A root with the sources, read-only and at their own paths, two devices, and a place for a program's scratch."""
    kernel.make_mounts_private()
    kernel.mount_tmpfs(_NEW_ROOT, "mode=755,size=1m")
    for source in sources:
        os.makedirs(_NEW_ROOT + source, exist_ok=True)
        kernel.bind(source, _NEW_ROOT + source)
        for folder in hidden:  # other packages in the midst of the standard library
            if folder.startswith(source + "/"):
                kernel.mount_tmpfs(_NEW_ROOT + folder, "mode=755,size=1m")
    os.makedirs(_NEW_ROOT + "/dev")
    for device in ("/dev/null", "/dev/urandom"):
        Path(_NEW_ROOT + device).touch()
        kernel.bind(device, _NEW_ROOT + device, read_only=False)
    os.mkdir(_NEW_ROOT + SCRATCH)
    kernel.change_root(_NEW_ROOT)
    for mounted in ("/", *(folder for folder in hidden if os.path.ismount(folder))):
        kernel.make_read_only(mounted)


def _serve(control: socket.socket, confinement: Confinement) -> None:
    """Fork for every request until the other end is closed."""
    programs: dict[int, _Program] = {}  # by the descriptors of process and status
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        deadline = min((program.deadline for program in programs.values()), default=math.inf)
        wait = None if deadline == math.inf else max(0.0, deadline - time.monotonic()) * 1000 + 1
        for descriptor, _ in poll.poll(wait):
            if descriptor == control.fileno():
                message, descriptors, _, _ = socket.recv_fds(control, 1 << 12, 4)
                if not message:
                    return
                program = _start(Request(**json.loads(message)), confinement, descriptors)
                if program is not None:
                    programs[program.process] = programs[program.status.fileno()] = program
                    poll.register(program.process, select.POLLIN)
                    poll.register(program.status, 0)  # tells when the other end is closed
            elif descriptor not in programs:
                continue  # its other descriptor came first
            elif descriptor == programs[descriptor].process:
                program = programs.pop(descriptor)
                del programs[program.status.fileno()]
                for registered in (program.process, program.status):
                    with suppress(KeyError):
                        poll.unregister(registered)
                _reap(program)
            else:
                programs[descriptor].kill()  # nobody waits for it any more
                poll.unregister(descriptor)
        _end_overdue(programs)


def _start(request: Request, confinement: Confinement, descriptors: list[int]) -> _Program | None:
    """Fork the child of a request; its status end is closed where that fails."""
    zygote = os.getpid()
    try:
        pid = os.fork()
        if pid == 0:
            run_child(request, confinement, descriptors, zygote)
        return _Program(
            pid, os.pidfd_open(pid), socket.socket(fileno=os.dup(descriptors[3])), time.monotonic() + request.timeout_s
        )
    except OSError:
        return None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _end_overdue(programs: dict[int, _Program]) -> None:
    now = time.monotonic()
    for program in programs.values():
        if program.deadline <= now:
            program.timed_out, program.deadline = True, math.inf
            program.kill()


def _reap(program: _Program) -> None:
    """Tell the status of a program that has ended."""
    _, status, usage = os.wait4(program.pid, 0)
    message = {
        "exit": os.waitstatus_to_exitcode(status),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss << 10,
        "timed_out": program.timed_out,
    }
    with program.status, suppress(OSError):
        program.status.send(json.dumps(message).encode())
    os.close(program.process)
