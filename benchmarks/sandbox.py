"""Throughput of the sandbox, and how many recorded answers the programs of two data sets reach.

    python benchmarks/sandbox.py [FOLDER OF DATA]

Processor time is of this process and of all children: the server process, its forks and what the kernel does for them.
"""

import io
import json
import math
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from mathmill.core.sandbox import ProgramResult, Sandbox

SMALL = "import math\ndef solution():\n    return sum(math.sqrt(i) for i in range(100))\nprint(solution())"
SYMBOLIC = "from sympy import *\nx = symbols('x')\nprint(solve(x**2 - 5*x + 6, x), integrate(x**2, (x, 0, 1)))"


def main() -> None:
    """Print both measurements."""
    for name, code in (("small", SMALL), ("sympy", SYMBOLIC)):
        for workers in (1, 2, 4):
            print(f"{name:6} programs, {workers} workers: {throughput(code, workers)}")
    if len(sys.argv) > 1:
        with Sandbox() as sandbox:
            for path in ("benchmarks/gsm_hard_pot", "problems/pot_svamp_multiarith"):
                report_answers(sandbox, Path(sys.argv[1]) / f"{path}.jsonl.zst")


def throughput(code: str, workers: int, n: int = 600) -> str:
    """Best of three runs of n programs."""
    rounds = []
    for _ in range(3):
        before, start = _processor_seconds(), time.perf_counter()
        with Sandbox() as sandbox:
            sandbox.run(code)
            server = time.perf_counter() - start
            own = time.process_time()
            start = time.perf_counter()
            results = list(sandbox.run_many([code] * n, workers=workers))
            wall, own = time.perf_counter() - start, time.process_time() - own
        assert all(result.error is None for result in results)
        children = sum(result.cpu_s for result in results)
        rounds.append((wall / n, own / n, children / n, (_processor_seconds() - before) / n, server))
    wall, own, children, total, server = min(rounds)
    return (
        f"{1 / wall:,.0f} a second; processor: {1000 * total:.2f} ms a program with start and end of the server"
        f" (of which this process {1000 * own:.2f}, the program's process {1000 * children:.2f}); start {server:.2f} s"
    )


def programs(path: Path) -> Iterator[dict[str, Any]]:
    """The records with a program that is known to be right."""
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            record = json.loads(line)
            if record.get("correct", True):
                yield record


def reaches(result: ProgramResult, answer: str) -> bool:
    """Whether the program's answer is the recorded number, up to the ten decimals that gsm_hard_pot is rounded to."""
    try:
        value = float(result.answer or "")
        return math.isclose(value, float(answer), rel_tol=1e-9, abs_tol=5e-11)
    except ValueError:
        return False


def report_answers(sandbox: Sandbox, path: Path) -> None:
    """Print the share of recorded answers that were reached, and each that was not."""
    records = list(programs(path))
    start = time.perf_counter()
    results = list(sandbox.run_many((record["code"] for record in records), wants_answer=True))
    wall = time.perf_counter() - start
    missed = [pair for pair in zip(records, results, strict=True) if not reaches(pair[1], pair[0]["answer"])]
    n = len(records)
    print(f"{path.name}: {n - len(missed):,} of {n:,} reached ({1 - len(missed) / n:.2%}), {n / wall:,.0f} a second")
    for record, result in missed:
        print(f"  {record['id']}: recorded {record['answer']}, program {result.answer}, {result.error}")


def _processor_seconds() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, kinds))


if __name__ == "__main__":
    main()
