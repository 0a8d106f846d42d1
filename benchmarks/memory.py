"""Peak memory, CPU time and speed of a whole run on a synthetic crawl of small pages.

The demo recipe runs over `--pages` pages while the resident set of every process is sampled five times a second. What
counts for a process is its own memory and that of its isolated child together, shared pages counted twice, so the
figure errs on the high side. The bar is 2 GiB per process at any number of pages.

    python benchmarks/memory.py --pages 100000 --workers 2
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from mathmill.jobs.example import RECIPE

ROOT = Path(__file__).parents[1]
BAR = 2 << 30
INTERVAL = 0.2  # seconds between two samples


@dataclass
class Peaks:
    """Highest resident bytes of the driver, of any worker and of any isolated child, by segment.

    A process counts with its isolated child. The driver works, too: a segment's only task needs no pool.
    """

    by_segment: dict[str, Counter[str]] = field(default_factory=dict)
    times: dict[str, Counter[str]] = field(default_factory=dict)  # seconds by segment: cpu of the run, wall, machine
    segment: str = "start"
    samples: int = 0
    _before: Counter[str] = field(default_factory=Counter)

    def sample(self, driver: psutil.Process) -> None:
        """Look at the driver and all that descends from it."""
        sizes = Counter({driver.pid: driver.memory_info().rss})
        child, cpu = 0, sum(driver.cpu_times()[:4])  # with the children that it has waited for
        for process in driver.children(recursive=True):
            try:
                parent, command, size = process.ppid(), process.cmdline(), process.memory_info().rss
                cpu += sum(process.cpu_times()[:4])
            except psutil.Error:
                continue  # it has just ended
            is_child = "mathmill.core.isolate" in command
            sizes[parent if is_child else process.pid] += size
            child = max(child, size if is_child else 0)
        peaks = self.by_segment.setdefault(self.segment, Counter())
        workers = [size for pid, size in sizes.items() if pid != driver.pid]
        for role, size in (("driver", sizes[driver.pid]), ("worker", max(workers, default=0)), ("child", child)):
            peaks[role] = max(peaks[role], size)
        self.samples += 1
        self._clock(cpu)

    def _clock(self, cpu: float) -> None:
        """Add what has passed since the last sample to the segment. `cpu`: seconds of the whole run so far."""
        machine = psutil.cpu_times()
        now = Counter(cpu=cpu, wall=time.perf_counter(), idle=machine.idle, stolen=machine.steal)
        times = self.times.setdefault(self.segment, Counter())
        for name in now if self._before else ():
            times[name] += max(0.0, now[name] - self._before[name])
        now["cpu"] = max(cpu, self._before["cpu"])  # a process that has just ended may be counted later
        self._before = now

    def highest(self, role: str) -> int:
        """Over the whole run, in bytes."""
        return max((peaks[role] for peaks in self.by_segment.values()), default=0)


def build_crawl(folder: Path, pages: int, files: int) -> None:
    """Write the synthetic pages; raises where the script fails."""
    script = ROOT / "examples" / "build_crawl.py"
    size = ["--scale", str(pages), "--files", str(files)]
    subprocess.run([sys.executable, str(script), *size, "--out", str(folder)], check=True)


def measure(crawl: Path, out: Path, workers: int, recipe: str = RECIPE) -> tuple[Peaks, float]:
    """Run the demo recipe, or one like it, over a crawl; returns the peaks and the seconds it took.

    RuntimeError where the run fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / "recipe.yaml"
    path.write_text(recipe.replace("mathmill:demo/crawl.warc.gz", f"{crawl}/*.warc.gz"), encoding="utf-8")
    command = [sys.executable, "-m", "mathmill.jobs.cli", "run", str(path), "--out", str(out / "run"), "--json"]
    peaks, errors, started = Peaks(), list[str](), time.perf_counter()
    with subprocess.Popen(
        [*command, "--workers", str(workers)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        reader = threading.Thread(target=_follow, args=(process, peaks, errors))
        reader.start()
        driver = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peaks.sample(driver)
            except psutil.Error:
                break  # it has just ended
            time.sleep(INTERVAL)
        reader.join()
    if process.returncode:
        raise RuntimeError("".join(errors[-3:]))
    return peaks, time.perf_counter() - started


def _follow(process: "subprocess.Popen[str]", peaks: Peaks, errors: list[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("{") and (event := json.loads(line))["event"] == "begin":
            peaks.segment = event["segment"]
        elif not line.startswith("{"):
            errors.append(line)


def stage_lines(run: Path) -> list[str]:
    """Seconds and rows by stage, over all tasks, as the ledger has them."""
    lines = [f"{'segment':<20}{'stage':<20}{'rows in':>10}{'seconds':>10}{'us/row':>10}"]
    for path in sorted((run / "ledger").glob("*/segment.json"), key=lambda path: path.stat().st_mtime_ns):
        rows, seconds, order = Counter[str](), Counter[str](), dict[str, None]()
        entries = json.loads(path.read_bytes())["entries"]
        for entry in entries:
            for number, stage in enumerate(entry["stages"]):
                name = f"{number} {stage['stage']}"
                order[name] = None
                rows[name] += stage["rows_in"] or sum(stage["rows_out"].values())
                seconds[name] += stage["seconds"]
        rest = sum(entry["seconds"] for entry in entries) - seconds.total()
        for name in order:
            each = seconds[name] / rows[name] * 1e6 if rows[name] else 0.0
            stage = name.split(" ", 1)[1]
            lines.append(f"{path.parent.name:<20}{stage:<20}{rows[name]:>10,}{seconds[name]:>10.2f}{each:>10.1f}")
        lines.append(f"{path.parent.name:<20}{'(open, write)':<20}{'':>10}{rest:>10.2f}")
    return lines


def main() -> None:
    """Read the command line, run, report; exit status 1 where a worker went over the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--crawl", type=Path, help="a folder of WARC files to take instead")
    parser.add_argument("--out", type=Path, help="keep the run in this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mathmill-memory-") as temporary:
        crawl = arguments.crawl or Path(temporary) / "crawl"
        if arguments.crawl is None:
            build_crawl(crawl, arguments.pages, arguments.files)
        out = arguments.out or Path(temporary) / "out"
        peaks, seconds = measure(crawl.resolve(), out.resolve(), arguments.workers)
        print("\n".join(stage_lines(out / "run")))
    print(f"\n{'peak resident MiB':<20}{'driver':>10}{'worker':>10}{'of it child':>12}{'CPU s':>10}")
    for segment, peak in peaks.by_segment.items():
        driver, worker, child = (peak[role] / 2**20 for role in ("driver", "worker", "child"))
        print(f"{segment:<20}{driver:>10,.0f}{worker:>10,.0f}{child:>12,.0f}{peaks.times[segment]['cpu']:>10.1f}")
    highest = max(peaks.highest("driver"), peaks.highest("worker"))
    speed = arguments.pages / seconds
    print(f"\n{arguments.pages:,} pages in {seconds:,.1f} s: {speed:,.0f} pages/s, {peaks.samples} samples")
    print(f"highest {highest / 2**20:,.0f} MiB of the {BAR >> 20:,} MiB allowed")
    sys.exit(highest > BAR)


if __name__ == "__main__":
    main()
