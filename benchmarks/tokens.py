"""What token shards cost: encoding, packing and reading, ours beside the tools that people use for it.

    python benchmarks/tokens.py                # everything
    python benchmarks/tokens.py encode pack    # some parts

Each part prints what it measures, the figures of both sides from the same run, its bars and whether they are met; exit
status 1 where one is not. `tokens_encode.py`, `tokens_pack.py` and `tokens_read.py` say how they measure. Bound to one
core unless a line says otherwise, so other work on the machine costs a little; only the clock needs it quiet.
"""

import argparse
import importlib
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from shared_pages import DEFAULT

PARTS = ("encode", "pack", "read")
PEERS = ("tokenizers", "tiktoken", "datatrove", "megatron-core", "trl", "datasets", "torch", "pyarrow", "numba")


def describe_machine(peers: Sequence[str] = PEERS) -> str:
    """The processor and the versions that were measured."""
    cpu = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "name" in line),
        platform.processor(),
    )
    found = []
    for name in peers:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return f"{cpu}; Python {platform.python_version()}, {', '.join(found)}"


def main() -> None:
    """Read the command line and run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without one")
    parser.add_argument("--data", type=Path, default=DEFAULT, help="the data folder (default: %(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"there is no part {min(unknown)!r}; there are {', '.join(PARTS)}")
    print(describe_machine())
    met = True
    for part in arguments.parts or PARTS:
        module = importlib.import_module(f"tokens_{part}")
        print(f"\n== {part} ==", flush=True)
        met &= module.main(arguments.data) is not False
    sys.exit(not met)


if __name__ == "__main__":
    main()
