"""Cost per document, memory and parallel efficiency as the input grows.

The demo recipe runs over crawls of unique synthetic pages with one worker, each as large as the one before times four,
and with two workers over the largest. Per segment it prints CPU seconds, what a further document costs in CPU time
(the difference of two sizes, so that imports, models and compiled code do not count), and peak memory. Bars: a further
document costs the same within a tenth at every size, no worker exceeds 2 GiB, and two workers take half the time of
one with an efficiency of 0.90.

Time on the clock means something on a quiet machine only, so the shares of it that were idle and taken by others are
printed: idle cores while two workers run are what the engine loses, busy ones that are not ours are others' work.

    python benchmarks/scaling.py --base 2000
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from memory import BAR, Peaks, build_crawl, measure

FACTORS = (1, 4, 16, 64)
FLAT = 0.10
EFFICIENCY = 0.90
PAGES_PER_FILE = 250


@dataclass
class Run:
    """One run of the recipe, measured."""

    pages: int
    workers: int
    peaks: Peaks
    seconds: float

    def total(self, what: str) -> float:
        """CPU or clock seconds of all segments; what comes before the first one is left out."""
        return sum(times[what] for name, times in self.peaks.times.items() if name != "start")

    def shares(self) -> str:
        """How the machine's time went while the segments ran."""
        machine = self.total("wall") * (os.cpu_count() or 1)
        ours, idle, stolen = (self.total(what) / machine for what in ("cpu", "idle", "stolen"))
        others = max(0.0, 1 - ours - idle - stolen)
        return f"ours {ours:.0%}, idle {idle:.0%}, stolen {stolen:.0%}, others {others:.0%}"


def run_size(pages: int, workers: int, folder: Path) -> Run:
    """Run the recipe over so many pages."""
    crawl = folder / f"crawl-{pages}"
    if not crawl.exists():
        build_crawl(crawl, pages, max(4, pages // PAGES_PER_FILE))
    peaks, seconds = measure(crawl, folder / f"out-{pages}-{workers}", workers)
    run = Run(pages, workers, peaks, seconds)
    highest = max(peaks.highest("driver"), peaks.highest("worker")) / 2**20
    print(
        f"{pages:>9,} pages, {workers} workers{run.total('cpu'):>9.1f} s CPU{run.total('wall'):>9.1f} s clock"
        f"{highest:>8,.0f} MiB   {run.shares()}",
        flush=True,
    )
    return run


def further(runs: list[Run], segment: str | None = None) -> list[float]:
    """Microseconds of CPU time that one more page costs, from each size to the next."""

    def cpu(run: Run) -> float:
        return run.peaks.times.get(segment, Counter())["cpu"] if segment else run.total("cpu")

    costs = [(cpu(large) - cpu(small)) / (large.pages - small.pages) for small, large in pairwise(runs)]
    return [cost * 1e6 for cost in costs]


def print_costs(runs: list[Run]) -> bool:
    """The table of costs by segment; says whether they are flat."""
    print(f"\n{'CPU us per further page':<28}" + "".join(f"{f'to {run.pages:,}':>14}" for run in runs[1:]))
    for segment in runs[-1].peaks.times:
        print(f"{segment:<28}" + "".join(f"{cost:>14,.0f}" for cost in further(runs, segment)))
    costs = further(runs)
    print(f"{'all':<28}" + "".join(f"{cost:>14,.0f}" for cost in costs))
    spread = max(abs(cost / costs[-1] - 1) for cost in costs)
    print(f"largest difference from the last: {spread:.0%}; the bar is {FLAT:.0%}")
    return spread <= FLAT


def print_memory(runs: list[Run]) -> bool:
    """Peak memory by segment and size; says whether it is under the bar."""
    print(f"\n{'MiB of the largest process':<28}" + "".join(f"{run.pages:>14,}" for run in runs))
    for segment in runs[-1].peaks.by_segment:
        sizes = [run.peaks.by_segment.get(segment, Counter()) for run in runs]
        print(f"{segment:<28}" + "".join(f"{max(size['driver'], size['worker']) / 2**20:>14,.0f}" for size in sizes))
    return all(max(run.peaks.highest("driver"), run.peaks.highest("worker")) <= BAR for run in runs)


def print_efficiency(one: Run, two: Run) -> bool:
    """Clock seconds by segment with one worker and with two; says whether the whole reaches the bar."""
    print(f"\n{'segment':<28}{'1 worker s':>12}{'2 workers s':>12}{'efficiency':>12}{'CPU 2 / 1':>12}{'idle of 2':>12}")
    for segment, times in one.peaks.times.items():
        other = two.peaks.times.get(segment, Counter())
        print(_efficiency_line(segment, times, other))
    totals = [Counter({what: run.total(what) for what in ("wall", "cpu", "idle")}) for run in (one, two)]
    print(_efficiency_line("all after the start", *totals))
    efficiency = totals[0]["wall"] / (2 * totals[1]["wall"])
    print(f"the bar is {EFFICIENCY:.2f}; with two workers: {two.shares()}")
    return efficiency >= EFFICIENCY


def _efficiency_line(name: str, one: Counter[str], two: Counter[str]) -> str:
    line = f"{name:<28}{one['wall']:>12.1f}{two['wall']:>12.1f}"
    if min(one["wall"], one["cpu"], two["wall"]) < 1:  # too short to divide by
        return line
    figures = (
        one["wall"] / (2 * two["wall"]),
        two["cpu"] / one["cpu"],
        two["idle"] / two["wall"] / (os.cpu_count() or 1),
    )
    return line + "".join(f"{figure:>12.2f}" for figure in figures)


def main() -> None:
    """Read the command line, run, report; exit status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=int, default=1000, help="pages of the smallest crawl")
    parser.add_argument("--factors", type=int, nargs="+", default=FACTORS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mathmill-scaling-") as temporary:
        folder = Path(temporary)
        runs = [run_size(arguments.base * factor, 1, folder) for factor in arguments.factors]
        two = run_size(runs[-1].pages, 2, folder)
    passed = [print_costs(runs), print_memory([*runs, two]), print_efficiency(runs[-1], two)]
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
