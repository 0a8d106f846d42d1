"""What the steps before deduplication cost: extraction, filters and the prefilter, ours beside what people use for it.

    python benchmarks/extraction.py                # everything
    python benchmarks/extraction.py pages          # some parts
    python benchmarks/extraction.py --data FOLDER  # the pages of another folder

Each part prints what it measures, the figures of all sides from the same run, its bars and whether they are met; exit
status 1 where one is not. `extraction_pages.py`, `extraction_filters.py` and `extraction_prefilter.py` say how they
measure. Bound to one core, CPU time, so other work on the machine costs a little; rounds of all sides are interleaved.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

from shared_pages import DEFAULT
from tokens import describe_machine

PARTS = ("pages", "filters", "prefilter")
PEERS = ("resiliparse", "trafilatura", "selectolax", "datatrove", "fasttext-wheel", "numba", "pyarrow")


def main() -> None:
    """Read the command line and run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without one")
    parser.add_argument("--data", type=Path, default=DEFAULT, help="the data folder (default: %(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"there is no part {min(unknown)!r}; there are {', '.join(PARTS)}")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(describe_machine(PEERS))
    met = True
    for part in arguments.parts or PARTS:
        module = importlib.import_module(f"extraction_{part}")
        print(f"\n== {part} ==", flush=True)
        met &= module.main(arguments.data) is not False
    sys.exit(not met)


if __name__ == "__main__":
    main()
