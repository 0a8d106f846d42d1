"""`python -m mathmill.train_hooks.trainer CONFIG`: what torchrun and Slurm start, one process a device.

Its exit status is 0 where the run is done, 143 where it stopped and saved after a signal, 70 after a stall, and that of
the error otherwise (2 the configuration, 3 the data, 4 the machine).
"""

import os
import sys

from mathmill.core.errors import MathmillError
from mathmill.train_hooks.trainer.config import load_config
from mathmill.train_hooks.trainer.guard import STOPPED


def main(arguments: list[str]) -> int:
    """Train as a configuration file says; returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m mathmill.train_hooks.trainer CONFIG", file=sys.stderr)
        return 2
    try:
        from mathmill.train_hooks.trainer.run import train

        return STOPPED if train(load_config(arguments[0])).stopped else 0
    except MathmillError as error:
        if int(os.environ.get("RANK", "0")) == 0 or error.exit_code == 4:
            print(f"mathmill: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
