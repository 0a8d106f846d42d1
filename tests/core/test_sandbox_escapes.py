"""What hostile programs try, seen from outside: the file is not read, the listener is not called, the parent lives."""

import os
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathmill.core.sandbox import Sandbox
from mathmill.core.sandbox_filter import filter_for, filter_template


@pytest.fixture(scope="module", params=[True, False], ids=["namespaces", "landlock"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Both ways of confinement: all means, and without namespaces."""
    with Sandbox(use_namespaces=request.param) as sandbox:
        if request.param and "namespaces" in sandbox.missing():
            pytest.skip("this machine offers no namespaces")
        yield sandbox
        assert sandbox.run("print('alive')").stdout == "alive\n"


@pytest.fixture(scope="module")
def scratch() -> Iterator[Sandbox]:
    """A sandbox with a scratch folder."""
    with Sandbox() as sandbox:
        if "namespaces" in sandbox.missing():
            pytest.skip("this machine offers no namespaces")
        yield sandbox


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside that everybody may read and write."""
    tmp_path.chmod(0o777)
    path = tmp_path / "secret"
    path.write_text("kept")
    path.chmod(0o666)
    return path


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/proc/1/environ", "/proc/self/maps", "/dev/kmsg"]
)
def test_files_of_the_machine_cannot_be_read(sandbox: Sandbox, path: str) -> None:
    result = sandbox.run(f"print(open({path!r}, 'rb').read())")
    assert result.stdout == ""
    assert re.fullmatch(r"(FileNotFoundError|PermissionError): \[Errno (2|13)\] .*", result.error or "")


def test_a_file_outside_is_neither_read_nor_changed(sandbox: Sandbox, secret: Path) -> None:
    attempts = ["open(p).read()", "open(p, 'w').write('x')", "open(p, 'a')", "os.remove(p)", "os.rename(p, p + '2')",
                "os.truncate(p, 0)", "os.chmod(p, 0)", "os.utime(p, (0, 0))",
                "os.symlink(p, 'link'); open('link').read()",
                "os.link(p, 'hard'); open('hard').read()", "open(p + '3', 'w')", "os.mkdir(p + '4')",
                "os.listdir(os.path.dirname(p))", "os.mkfifo(p + '5')", "os.chown(p, 1, 1)",
                "os.setxattr(p, 'user.x', b'1')", "os.open(os.path.dirname(p), os.O_TMPFILE | os.O_RDWR)"]  # fmt: skip
    before = secret.stat()
    for attempt in attempts:
        result = sandbox.run(f"import os\np = {str(secret)!r}\n{attempt}\nprint('done')")
        assert result.stdout == "", attempt
    after = secret.stat()
    assert secret.read_text() == "kept"
    assert (after.st_mode, after.st_mtime_ns, after.st_uid) == (before.st_mode, before.st_mtime_ns, before.st_uid)
    assert os.listdir(secret.parent) == ["secret"]


def test_the_sources_that_are_shown_cannot_be_changed(sandbox: Sandbox) -> None:
    result = sandbox.run("import sympy, numpy, os\nfor m in (sympy, numpy, os):\n    try: open(m.__file__, 'a')"
                         "\n    except OSError: print('no')\n    try: open(os.path.dirname(m.__file__) + '/x', 'w')"
                         "\n    except OSError: print('no')")  # fmt: skip
    assert (result.stdout, result.error) == ("no\n" * 6, None)


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"])
def test_there_are_no_sockets(sandbox: Sandbox, family: str) -> None:
    result = sandbox.run(f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)")
    assert (result.error, result.stdout) == ("PermissionError: [Errno 1] Operation not permitted (line 1)", "")


def test_a_listener_on_this_machine_is_not_reached(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = f"""
import ctypes, struct, urllib.request
libc = ctypes.CDLL(None)
address = struct.pack("<HHI8x", 2, {socket.htons(port)}, 0x0100007f)
for s in range(3, 40): libc.connect(s, address, 16)
s = libc.socket(2, 1, 0)
print(s, libc.connect(s, address, 16), libc.syscall(41, 2, 1, 0), libc.syscall(53, 1, 1, 0, address))
try: urllib.request.urlopen("http://127.0.0.1:{port}/")
except OSError as error: print("no")
"""
        assert sandbox.run(code).stdout == "-1 -1 -1 -1\nno\n"
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("os.fork()", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("os.execv('/bin/sh', ['sh'])", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("import subprocess; subprocess.run(['true'])", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("os.system('true') == 0 or 1 / 0", "ZeroDivisionError: division by zero (line 2)"),
        ("import threading; threading.Thread(target=print).start()", "RuntimeError: can't start new thread (line 2)"),
        ("os.kill(os.getppid(), 9)", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("os.kill(1, 9)", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("os.kill(-1, 9)", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("os.killpg(0, 9)", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("os.memfd_create('x')", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("os.setuid(0)", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("os.nice(-5)", "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))",
         "ValueError: not allowed to raise maximum limit (line 2)"),
        ("import resource as r; r.prlimit(os.getppid(), r.RLIMIT_CPU, (1, 1))",
         "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("import fcntl; fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid())",
         "PermissionError: [Errno 1] Operation not permitted (line 2)"),
        ("import fcntl; fcntl.ioctl(0, 0x5412, b'x')",
         "PermissionError: [Errno 1] Operation not permitted (line 2)"),
    ],
)  # fmt: skip
def test_processes_and_signals_are_refused(sandbox: Sandbox, code: str, error: str) -> None:
    assert sandbox.run(f"import os\n{code}").error == error


def test_a_fork_bomb_stays_one_process(sandbox: Sandbox) -> None:
    result = sandbox.run("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", 0.5)
    assert (result.killed_by, result.error) == ("timeout", "timed out after 0.5 s")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
@pytest.mark.parametrize(
    "call", ["101, 16, 1", "165, 0, 0, 0, 0, 0", "272, 0x10000000", "308, 0, 0", "321, 0, 0, 0", "425, 8, 0",
             "310, 1, 0, 0, 0, 0, 0", "161, 0", "0x40000000 + 39", "250, 0, 0", "323, 0", "298, 0, 0, 0, 0, 0"],
)  # fmt: skip
def test_calls_that_only_an_attack_makes_end_the_program(sandbox: Sandbox, call: str) -> None:
    result = sandbox.run(f"import ctypes; ctypes.CDLL(None).syscall({call}); print('still here')")
    assert (result.stdout, result.error, result.killed_by) == (
        "", "made a system call that is forbidden to programs", "blocked"
    )  # fmt: skip


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="machine code of x86-64")
def test_the_32_bit_door_is_closed(sandbox: Sandbox) -> None:
    code = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")  # mov eax, 20 (getpid of i386); int 0x80; ret
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
print("still here")
"""
    result = sandbox.run(code)
    assert (result.stdout, result.killed_by) in {("", "blocked"), ("", "signal")}  # a kernel may have no such door


def test_no_descriptor_but_its_own_is_open(sandbox: Sandbox) -> None:
    code = """
import os
found = []
for n in range(1 << 12):
    try: os.fstat(n); found.append(n)
    except OSError: pass
print(found)
"""
    assert sandbox.run(code).stdout == "[0, 1, 2, 3]\n"


def test_the_environment_is_empty(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "kept")
    code = """
import os, ctypes, gc
print(dict(os.environ), ctypes.CDLL(None).getenv(b"SECRET_TOKEN"))
"""
    with Sandbox() as fresh:
        assert fresh.run(code).stdout == "{} 0\n"
    assert sandbox.run(code).stdout == "{} 0\n"


def test_a_program_cannot_speak_for_the_server(sandbox: Sandbox) -> None:
    forged = '{"exit": 0, "cpu_s": 0, "peak_bytes": 0, "timed_out": false, "answer": "1", "error": null}'
    code = f"import os\nfor n in range(3, 100):\n    try: os.write(n, {forged!r}.encode())\n    except OSError: pass\n"
    result = sandbox.run(code + "os._exit(5)", wants_answer=True)
    assert (result.error, result.answer) == ("exited with status 5", None)


def test_scratch_is_private_and_gone_afterwards(scratch: Sandbox) -> None:
    before = set(os.listdir(tempfile.gettempdir()))
    code = """
import os, tempfile
print(os.getcwd(), os.listdir("."))
os.mkdir("a"); open("a/b", "w").write("x"); os.rename("a/b", "c"); os.chmod("c", 0o777)
os.symlink("/etc/passwd", "d")
with tempfile.TemporaryFile() as file: file.write(b"1")
print(open("c").read())
open("d").read()
"""
    for _ in range(2):
        result = scratch.run(code)
        assert result.stdout == "/scratch []\nx\n"
        assert result.error == "FileNotFoundError: [Errno 2] No such file or directory: 'd' (line 8)"
    assert not [name for name in set(os.listdir(tempfile.gettempdir())) - before if "scratch" in name]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("open('x', 'wb').write(bytes(17 << 20))", "OSError: [Errno 27] File too large"),
        ("for n in range(9): open(f'{n}', 'wb').write(bytes(4 << 20))", "OSError: [Errno 28] No space left on device"),
        ("for n in range(2000): open(f'{n}', 'w')", "OSError: [Errno 28] No space left on device: '999'"),
        ("import gzip; open('z', 'wb').write(gzip.compress(bytes(64 << 20)))\n"
         "import shutil; shutil.copyfileobj(gzip.open('z'), open('y', 'wb'))",
         "OSError: [Errno 28] No space left on device"),
        ("open('/x', 'w')", "OSError: [Errno 30] Read-only file system: '/x'"),
        ("open('/dev/x', 'w')", "OSError: [Errno 30] Read-only file system: '/dev/x'"),
    ],
)  # fmt: skip
def test_scratch_is_small(scratch: Sandbox, code: str, error: str) -> None:
    result = scratch.run(code, 30)
    assert (result.error or "").partition(" (line")[0] == error


def test_without_namespaces_there_is_no_scratch() -> None:
    with Sandbox(use_namespaces=False) as sandbox:
        assert sandbox.run("open('x', 'w')").error == "PermissionError: [Errno 13] Permission denied: 'x' (line 1)"


def test_with_namespaces_nothing_else_is_there(scratch: Sandbox) -> None:
    code = "import os; print([p for p in ('/dev/null', '/etc', '/proc', '/sys', '/bin/sh') if os.path.exists(p)])"
    assert scratch.run(code).stdout == "['/dev/null']\n"
    assert (
        scratch.run("import os; os.listdir('/')").error == "PermissionError: [Errno 13] Permission denied: '/' (line 1)"
    )
    assert scratch.run("import os; print(os.getuid())").stdout == f"{os.getuid() or 65534}\n"


def test_the_filter_is_the_same_for_both_architectures_but_for_numbers() -> None:
    for machine, arch in (("x86_64", 0xC000003E), ("aarch64", 0xC00000B7)):
        template = filter_template(machine, has_scratch=True)
        assert len(template) % 8 == 0
        assert len(template) // 8 <= 4096  # BPF_MAXINSNS
        assert arch.to_bytes(4, "little") in template[:16]
        assert filter_for(template, 4711).count((4711).to_bytes(4, "little")) == 2  # kill and tgkill
    with pytest.raises(KeyError):
        filter_template("i686", has_scratch=True)
