"""The endpoint client: 1,000 requests in flight against a server with 1 s latency, and the cache of answers.

Server (tests/scripted_server.py) and client are a process each, and are held to the two cores that the bar names. Every
request is another one and is stored before it is yielded. Rows a second count from the first request to the last
answer, so they include filling and emptying the window; CPU seconds are of both processes, memory is the larger one's.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mathmill.core.generation import ModelConfig, Request, open_generator
from mathmill.core.request import Part
from mathmill.core.request_cache import RequestCache

ROWS, IN_FLIGHT, LATENCY_S = 20_000, 1_000, 1.0
CACHED = 1_000_000
BAR_ROWS_PER_S, BAR_BYTES = 600, 1 << 30
_SERVER = Path(__file__).parents[1] / "tests" / "scripted_server.py"


def requests(count: int) -> Iterator[Request]:
    """Requests with prompts of 2,000 characters, each a new text."""
    filler = "If 3 pens cost 4 dollars, how much do 12 pens cost? " * 38
    for number in range(count):
        yield Request(str(number), ({"role": "user", "content": f"Problem {number}. {filler}"},), purpose="benchmark")


def many_in_flight() -> None:
    """Rows a second through client, server and cache."""
    command = [sys.executable, str(_SERVER), str(LATENCY_S)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as cache,
    ):
        assert server.stdout is not None
        config = ModelConfig(url=server.stdout.readline().strip(), model="echo", max_in_flight=IN_FLIGHT)
        started, cpu = time.perf_counter(), time.process_time()
        with open_generator(config, cache) as generator:
            answered = sum(completion.error is None for completion in generator.generate(requests(ROWS)))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        server.communicate()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, children.ru_maxrss) << 10
    rate = answered / seconds
    print(f"{'rows answered':38}{answered:>12,} of {ROWS:,}")
    print(f"{'rows a second (bar 600)':38}{rate:>12,.0f}  {'ok' if rate >= BAR_ROWS_PER_S else 'MISSED'}")
    print(f"{'CPU ms a row, client':38}{1000 * cpu / ROWS:>12.3f}")
    print(f"{'CPU ms a row, server':38}{1000 * (children.ru_utime + children.ru_stime) / ROWS:>12.3f}")
    print(f"{'memory, MiB (bar 1,024)':38}{peak / (1 << 20):>12,.0f}  {'ok' if peak < BAR_BYTES else 'MISSED'}")


def large_cache() -> None:
    """Writing, opening and reading a cache of a million answers."""
    with tempfile.TemporaryDirectory() as folder:
        cache = RequestCache(folder)
        part = Part(0, ("The answer is $\\boxed{16}$. " * 20,), ("stop",), 500, 150)
        digests = [os.urandom(16) for _ in range(CACHED)]
        cpu = time.process_time()
        for digest in digests:
            cache.append(digest, part, "benchmark", 0.001)
        written = time.process_time() - cpu
        cache.close()
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        cpu = time.process_time()
        cache = RequestCache(folder)
        opened = time.process_time() - cpu
        cpu = time.process_time()
        assert all(cache.get(digest) for digest in digests[:: CACHED // 10_000])
        read = time.process_time() - cpu
        calls = cache.account.total().calls
    print(f"{'cache: answers, MB':38}{calls:>12,}{size / 1e6:>12,.0f}")
    print(f"{'  CPU µs to write one':38}{1e6 * written / CACHED:>12.1f}")
    print(f"{'  CPU s to open':38}{opened:>12.3f}")
    print(f"{'  CPU µs to look one up':38}{1e6 * read / 10_000:>12.1f}")


def main() -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    many_in_flight()
    large_cache()


if __name__ == "__main__":
    main()
