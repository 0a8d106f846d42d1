"""Programs in the sandbox: what they give back, and what they get when they take too much."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from mathmill.core.errors import OperationError
from mathmill.core.sandbox import (
    MAX_STDOUT,
    ProgramResult,
    Sandbox,
    program_answer,
    run_program,
    run_programs,
    sandbox_state,
)


@pytest.fixture(scope="module", params=[True, False], ids=["namespaces", "landlock"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Both ways of confinement."""
    with Sandbox(use_namespaces=request.param) as sandbox:
        if request.param and "namespaces" in sandbox.missing():
            pytest.skip("this machine offers no namespaces")
        yield sandbox


def outcome(result: ProgramResult) -> tuple[str, str | None, str | None]:
    return result.stdout, result.error, result.killed_by


def test_a_program_prints(sandbox: Sandbox) -> None:
    assert outcome(sandbox.run("print(6 * 7)")) == ("42\n", None, None)


def test_numpy_sympy_and_the_standard_library_are_there(sandbox: Sandbox) -> None:
    code = """
import numpy as np, sympy as sp
from fractions import Fraction
from statistics import median
from sympy.stats import Die, E
x = sp.Symbol("x")
print(sp.solve(x**2 - 4), np.linalg.det(np.eye(3)), Fraction(1, 3) + 1, median([3, 1, 2]), E(Die("D", 6)))
"""
    assert outcome(sandbox.run(code, 30)) == ("[-2, 2] 1.0 4/3 2 7/2\n", None, None)


def test_text_beyond_ascii_and_lone_surrogates_are_printed(sandbox: Sandbox) -> None:
    assert outcome(sandbox.run("print('π≈3', '\\ud800')")) == ("π≈3 \\ud800\n", None, None)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = 1\nprint(x / 0)", "ZeroDivisionError: division by zero (line 2)"),
        ("def f():\n    return y\nf()", "NameError: name 'y' is not defined (line 2)"),
        ("x = ?", "SyntaxError: invalid syntax (<program>, line 1)"),
        ("import sys; sys.exit(3)", "exited with status 3"),
        ("import os; os._exit(3)", "exited with status 3"),
        ("import os; os._exit(0)", "exited with status 0 before its end"),
        ("import sys; sys.exit()", None),
        ("input()", "EOFError: EOF when reading a line (line 1)"),
        ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded (line 1)"),
        ("import os; os.closerange(0, 100)", "exited with status 0 before its end"),
        ("import os; os.write(3, b'[' * 200000)", "exited with status 0 before its end"),
        ("x = 1\0", "SyntaxError: source code string cannot contain null bytes"),
    ],
)
def test_errors_are_one_sentence(sandbox: Sandbox, code: str, error: str | None) -> None:
    assert outcome(sandbox.run(code)) == ("", error, None)


def test_a_huge_message_is_cut(sandbox: Sandbox) -> None:
    result = sandbox.run("raise ValueError('x' * 10**7)")
    assert result.error == "ValueError: " + "x" * 1988 + " (line 1)"


def test_a_message_that_never_ends_times_out(sandbox: Sandbox) -> None:
    code = "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E"
    assert outcome(sandbox.run(code, 0.3)) == ("", "timed out after 0.3 s", "timeout")


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(1000)",
        "import signal as s\nfor n in range(1, 65):\n    try: s.signal(n, s.SIG_IGN)\n    except: pass\ns.pause()",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import sympy\nsympy.factorint(2**509 - 2**250 - 1)",
        "x = 7**7**9",
    ],
)
def test_what_takes_too_long_is_ended(sandbox: Sandbox, code: str) -> None:
    assert outcome(sandbox.run(code, 0.5)) == ("", "timed out after 0.5 s", "timeout")


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(10 << 30)",
        "x = []\nwhile True: x.append(bytearray(1 << 20))",
        "import numpy; numpy.ones((100_000, 100_000))",
        "import mmap; mmap.mmap(-1, 10 << 30)",
        "x = 'x' * (10 << 30)",
    ],
)
def test_what_needs_too_much_memory_is_ended(sandbox: Sandbox, code: str) -> None:
    result = sandbox.run(code, 30, 64)
    assert outcome(result) == ("", "needed more than 64 MiB of memory", "memory")
    assert result.peak_bytes < 200 << 20


def test_endless_recursion_is_ended(sandbox: Sandbox) -> None:
    code = "import sys; sys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr(self)\nrepr(A())"
    assert sandbox.run(code, 30, 64).killed_by in {"memory", "signal"}


def test_memory_under_the_limit_is_given(sandbox: Sandbox) -> None:
    code = "x = bytearray(b'1') * (100 << 20)\nprint(len(x))"
    assert outcome(sandbox.run(code, 10, 128)) == ("104857600\n", None, None)


def test_a_caught_memory_error_is_no_end(sandbox: Sandbox) -> None:
    code = "try: x = bytearray(1 << 40)\nexcept MemoryError: print('caught')"
    assert outcome(sandbox.run(code)) == ("caught\n", None, None)


@pytest.mark.parametrize("code", ["while True: print('x' * 1000)", "import os\nwhile True: os.write(3, b'x' * 1000)"])
def test_infinite_output_is_ended(sandbox: Sandbox, code: str) -> None:
    result = sandbox.run(code, 30)
    assert (result.error, result.killed_by) == ("printed more than 1,048,576 bytes", "output")
    assert len(result.stdout) <= MAX_STDOUT


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import ctypes; ctypes.string_at(0)", "killed by SIGSEGV"),
        ("import os; os.abort()", "killed by SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    ],
)
def test_a_crash_is_told_by_its_signal(sandbox: Sandbox, code: str, error: str) -> None:
    assert outcome(sandbox.run(code)) == ("", error, "signal")


def test_the_next_program_sees_nothing_of_the_last(sandbox: Sandbox) -> None:
    code = "import math, builtins; print(math.pi, hasattr(builtins, 'x')); math.pi = 3; builtins.x = 1"
    assert [sandbox.run(code).stdout for _ in range(2)] == ["3.141592653589793 False\n"] * 2


def test_hashes_and_seeds_are_fixed(sandbox: Sandbox) -> None:
    code = "import random, numpy; print(hash('x'), random.random(), numpy.random.rand(), {'a', 'b', 'c'})"
    first, second = sandbox.run(code), sandbox.run(code)
    assert (first.error, first.stdout) == (None, second.stdout)
    assert f"{random.Random(0).random()}" in first.stdout


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("def solution():\n    return 2 * 3", "6"),
        ("def solver():\n    return 51.0\nans = solver()", "51.0"),
        ("answer = 1\nprint(2)", "1"),
        ("import numpy as np\nresult = [np.float64(0.5), (np.int64(2),)]", "[0.5, (2)]"),
        ("import sympy\nans = sympy.sqrt(8)", "2*sqrt(2)"),
        ("print('so it is')\nprint(7)\n", "7"),
        ("print(8)\nimport sys; sys.exit()", "8"),
        ("x = 3", None),
        ("ans = 3\nraise ValueError", None),
    ],
)
def test_the_answer_of_a_program_of_thought(code: str, answer: str | None) -> None:
    assert program_answer(code).answer == answer


def test_results_keep_their_order_with_many_at_once() -> None:
    codes = (f"import time; time.sleep({0.05 if n % 7 == 0 else 0}); print({n})" for n in range(60))
    assert [result.stdout for result in run_programs(codes, workers=8)] == [f"{n}\n" for n in range(60)]


def test_a_thread_that_ends_takes_no_server_with_it() -> None:
    with Sandbox() as sandbox:
        results: list[str] = []
        for _ in range(2):
            thread = threading.Thread(target=lambda: results.append(sandbox.run("print(1)").stdout))
            thread.start()
            thread.join()
        sandbox.close()
        for _ in range(2):  # now a thread starts the server
            thread = threading.Thread(target=lambda: results.append(sandbox.run("print(1)").stdout))
            thread.start()
            thread.join()
            time.sleep(0.1)
        assert results == ["1\n"] * 4


def test_a_new_server_takes_the_place_of_a_dead_one() -> None:
    with Sandbox() as sandbox:
        assert sandbox.run("print(1)").stdout == "1\n"
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # others of this process may end meanwhile
                if any("sandbox_zygote" in argument for argument in child.cmdline()):
                    child.kill()
        time.sleep(0.2)
        assert sandbox.run("print(2)").stdout == "2\n"


def test_many_runs_leave_no_descriptors_or_processes_behind() -> None:
    me = psutil.Process()
    before = me.num_fds(), len(me.children(recursive=True))
    with Sandbox() as sandbox:
        sandbox.run("1")
        with_server = me.num_fds(), len(me.children(recursive=True))
        for code in ("print(1)", "1/0", "while True: print('x' * 5000)", "import os; os._exit(1)") * 10:
            sandbox.run(code)
        for result in sandbox.run_many(["while True: pass"] * 4, timeout_s=0.2, workers=4):
            assert result.killed_by == "timeout"
        deadline = time.monotonic() + 10
        while (now := (me.num_fds(), len(me.children(recursive=True)))) != with_server:
            assert time.monotonic() < deadline, now
            time.sleep(0.05)
    assert (me.num_fds(), len(me.children(recursive=True))) == before


PARENT = """
import os, sys, threading, time
from mathmill.core.sandbox import Sandbox
sandbox = Sandbox(use_namespaces=sys.argv[1] == "True")
for _ in range(3):
    threading.Thread(target=sandbox.run, args=("import signal; signal.pause()", 600), daemon=True).start()
time.sleep(1)
sandbox.run("1")
if os.fork() == 0:  # holds copies of all descriptors
    time.sleep(600)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("use_namespaces", [True, False])
def test_killing_the_parent_leaves_no_programs(use_namespaces: bool) -> None:
    command = [sys.executable, "-c", PARENT, str(use_namespaces)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        copies = [child for child in children if child.cmdline()[1] == "-c"]  # the fork, which lives on
        assert (len(children) >= 6, len(copies)) == (True, 1)
        parent.kill()
        _, alive = psutil.wait_procs([child for child in children if child not in copies], timeout=20)
        for copy in copies:
            copy.kill()
    assert alive == []


def test_a_fork_of_the_parent_gets_a_server_of_its_own() -> None:
    assert run_program("print(1)").stdout == "1\n"
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if run_program("print(2)").stdout == "2\n" else 2
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    assert run_program("print(3)").stdout == "3\n"


def test_refuses_where_nothing_keeps_files_and_network_away(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {"namespaces": "not permitted", "landlock": "the kernel has none", "seccomp": "none"}
    sandbox = Sandbox()
    for missing in ({"seccomp": "none"}, {name: lacking[name] for name in ("namespaces", "landlock")}):
        with pytest.raises(OperationError, match="MATHMILL_UNSAFE_SANDBOX=1"):
            sandbox._require(missing)
        with pytest.warns(RuntimeWarning, match="WITHOUT FULL PROTECTION"):
            Sandbox(unsafe=True)._require(missing)
    sandbox._require({"namespaces": "not permitted"})
    sandbox._require({"landlock": "the kernel has none"})
    monkeypatch.setenv("MATHMILL_UNSAFE_SANDBOX", "1")
    with pytest.warns(RuntimeWarning, match="WITHOUT FULL PROTECTION"):
        Sandbox()._require(lacking)


def test_the_state_names_every_means() -> None:
    assert [name for name, _, _ in sandbox_state()] == ["namespaces", "landlock", "seccomp", "sandbox"]
    assert sandbox_state()[-1][1]


@pytest.mark.slow
def test_recorded_programs_reach_their_answers(shared_data: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        import sandbox as measure
    finally:
        sys.path.pop(0)
    for name, share in (("benchmarks/gsm_hard_pot", 1.0), ("problems/pot_svamp_multiarith", 0.98)):
        records = list(measure.programs(shared_data / f"{name}.jsonl.zst"))[::13]
        results = run_programs((record["code"] for record in records), 60, wants_answer=True)
        reached = [measure.reaches(result, record["answer"]) for record, result in zip(records, results, strict=True)]
        assert sum(reached) >= share * len(records)
