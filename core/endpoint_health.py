"""Whether a model server is well, told from the answers to all requests: when to go on trying, when to end the run.

A request that fails alone is an error of its own. Where request after request fails, going on would send millions of
rows to quarantine; where nobody listens, waiting costs nothing and the server may come back.
"""

import time

from mathmill.core.generation import ModelConfig

_FIRST_PATIENCE_S = 60.0  # with a server that has never answered: its address may be wrong
_WINDOWS_LOST = 4  # of requests in a row, no answer between them, before the run ends
_FEWEST = 16  # requests that must fail together before it is the server's fault
_LONGEST_PAUSE_S = 60.0  # between two attempts at a request


class Health:
    """Used in the loop's thread alone."""

    def __init__(self, config: ModelConfig) -> None:
        self._patience_s = config.patience_s
        self._most_lost = _WINDOWS_LOST * max(config.max_in_flight, _FEWEST)
        self._enough_failing = max(2, min(config.max_in_flight, _FEWEST))
        self._idle_s = config.patience_s + config.timeout_s + _LONGEST_PAUSE_S  # no failure for so long: none was asked
        self.alive()
        self.ever_alive = False

    def alive(self) -> None:
        """A call was answered."""
        self.ever_alive = True
        self._alive_at = time.monotonic()
        self._lost, self._why = 0, ""
        self._failing: set[int] = set()  # requests that have failed since, by hash
        self._failing_since = self._failed_at = self._alive_at
        self._away_since: float | None = None

    def failed(self, request: bytes, why: str) -> None:
        """An attempt failed."""
        now = time.monotonic()
        if not self._failing or now - self._failed_at > self._idle_s:
            self._failing = set()
            self._failing_since = now
        self._failing.add(hash(request))
        self._failed_at, self._why = now, why

    def lost(self, why: str) -> None:
        """A call was given up, or refused."""
        self._lost += 1
        self._why = why

    def was_alive_since(self, moment: float) -> bool:
        """Whether a call was answered after a moment."""
        return self.ever_alive and self._alive_at > moment

    def is_away(self, why: str) -> str | None:
        """Why the run ends, where nobody has listened for as long as the configuration has patience."""
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        seconds = now - self._away_since
        if seconds < (self._patience_s if self.ever_alive else min(self._patience_s, _FIRST_PATIENCE_S)):
            return None
        return f"is away: {why}, for {seconds:,.0f} s; start it, or correct `url`, and run again, answers are kept"

    def answers_nobody(self) -> str | None:
        """Why the run ends, where call after call is lost, or many fail for as long as there is patience."""
        seconds = time.monotonic() - self._failing_since
        is_silent = len(self._failing) >= self._enough_failing and seconds > self._patience_s
        if self._lost < self._most_lost and not is_silent:
            return None
        count = (
            f"the last {self._lost:,} requests" if self._lost >= self._most_lost else f"anything for {seconds:,.0f} s"
        )
        return f"has not answered {count}, most lately {self._why!r}; mend that and run again, answers are kept"
