"""What keeps a long run alive: stop signals that save first, steps that are not taken, and a watchdog for stalls."""

import faulthandler
import math
import os
import signal
import sys
import threading
import time
from collections import deque
from statistics import median
from types import FrameType
from typing import Any

from mathmill.core.errors import OperationError
from mathmill.train_hooks.trainer.config import GuardConfig

STOPPED = 143
"""Exit status after SIGTERM or SIGINT: the state is saved, the same command goes on from it."""

STALLED = 70
"""Exit status after a stall."""


class StopSignal:
    """Takes SIGTERM and SIGINT as a wish to stop after the present step; a second SIGINT stops at once.

    Not under torchrun, which repeats the signal that the terminal has sent, and kills after 30 s.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignal":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.is_set and number == signal.SIGINT and "TORCHELASTIC_RUN_ID" not in os.environ:
            raise KeyboardInterrupt
        self.is_set = True


class SpikeGuard:
    """Decides which steps are taken: finite ones whose gradient norm is not far above the last hundred's median."""

    _FEW = 20  # norms before which nothing but finiteness is asked

    def __init__(self, config: GuardConfig) -> None:
        self._config = config
        self._norms: deque[float] = deque(maxlen=100)
        self.skipped = 0
        self._in_a_row = 0

    def takes(self, loss: float, norm: float) -> bool:
        """Whether the step is taken; OperationError after too many in a row were not."""
        usual = median(self._norms) if len(self._norms) >= self._FEW else math.inf
        spike = self._config.spike and norm > self._config.spike * usual
        if math.isfinite(loss) and math.isfinite(norm) and not spike:
            self._norms.append(norm)
            self._in_a_row = 0
            return True
        self.skipped += 1
        self._in_a_row += 1
        if self._in_a_row >= self._config.max_skips:
            raise OperationError(
                f"{self._in_a_row} steps in a row had a loss or gradient that is not finite or far above the usual "
                f"(loss {loss:g}, gradient norm {norm:g}); lower optimizer.lr, or look at the data of these steps"
            )
        return False

    def state(self) -> dict[str, Any]:
        """JSON-like."""
        return {"norms": list(self._norms), "skipped": self.skipped, "in_a_row": self._in_a_row}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._norms.extend(state["norms"])
        self.skipped, self._in_a_row = state["skipped"], state["in_a_row"]


class Watchdog:
    """Ends the process where nothing happens for too long, since a hung rank holds all others; says where it hung."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="mathmill-watchdog", daemon=True)

    def __enter__(self) -> "Watchdog":
        if self._seconds:
            self.beat()
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()

    def beat(self) -> None:
        """Something has happened."""
        self._last = time.monotonic()

    def _watch(self) -> None:
        while not self._end.wait(min(1.0, self._seconds / 4)):
            if time.monotonic() - self._last > self._seconds:
                print(
                    f"mathmill: no progress for {self._seconds:g} s, so the process ends; the same command goes on "
                    "from the last checkpoint; the stacks of its threads follow",
                    file=sys.stderr,
                    flush=True,
                )
                faulthandler.dump_traceback(all_threads=True)
                os._exit(STALLED)
