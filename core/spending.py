"""What asking models costs: prices, a budget that is never exceeded, and an account by purpose.

Before a request is sent, the most that it may cost is set aside, and what it did not use comes back with its answer, so
that a thousand requests in flight cannot exceed a budget together. What was spent stands in the records of the cache
(`request_cache`), beside the answers that it bought, and therefore survives restarts with them.
"""

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import Field

from mathmill.core.config import Config
from mathmill.core.errors import OperationError


class Budget(Config):
    """The most that may be spent on one cache folder, restarts included; None: no limit."""

    max_tokens: int | None = Field(default=None, ge=1)  # prompt and completion together
    max_usd: float | None = Field(default=None, gt=0)


class BudgetSpent(OperationError):
    """The next request could exceed the budget; all that was asked before has been answered and stored."""


class Prices(NamedTuple):
    """US dollars for a million tokens."""

    usd_per_million_input: float = 0.0
    usd_per_million_output: float = 0.0

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What a call costs."""
        return (
            prompt_tokens * self.usd_per_million_input + completion_tokens * self.usd_per_million_output
        ) / 1_000_000


@dataclass
class Spent:
    """What was spent for one purpose. calls: answered ones."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0

    def add(self, calls: int, prompt_tokens: int, completion_tokens: int, usd: float) -> None:
        """Count more."""
        self.calls += calls
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self.usd += usd


@dataclass
class Account:
    """What was spent by purpose."""

    by_purpose: dict[str, Spent] = field(default_factory=dict)

    def add(self, purpose: str, prompt_tokens: int, completion_tokens: int, usd: float, calls: int = 1) -> None:
        """Count calls."""
        self.by_purpose.setdefault(purpose, Spent()).add(calls, prompt_tokens, completion_tokens, usd)

    def total(self) -> Spent:
        """All purposes together."""
        total = Spent()
        for spent in list(self.by_purpose.values()):
            total.add(spent.calls, spent.prompt_tokens, spent.completion_tokens, spent.usd)
        return total


class Purse:
    """Sets aside what requests under way may cost. One for each generator; used by several threads."""

    def __init__(self, budget: Budget, prices: Prices, account: Account) -> None:
        self._budget, self._prices, self._account = budget, prices, account
        self._tokens, self._usd = 0, 0.0  # set aside
        self._lock = threading.Lock()

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit to watch."""
        return self._budget.max_tokens is not None or self._budget.max_usd is not None

    def reserve(self, prompt_tokens: int, completion_tokens: int) -> bool:
        """Set aside the most that a request may cost; False where the budget does not hold it."""
        if not self.is_limited:
            return True
        tokens, usd = prompt_tokens + completion_tokens, self._prices.usd(prompt_tokens, completion_tokens)
        with self._lock:
            spent = self._account.total()
            all_tokens = spent.prompt_tokens + spent.completion_tokens + self._tokens + tokens
            if self._budget.max_tokens is not None and all_tokens > self._budget.max_tokens:
                return False
            if self._budget.max_usd is not None and spent.usd + self._usd + usd > self._budget.max_usd:
                return False
            self._tokens += tokens
            self._usd += usd
        return True

    def release(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Give back what was set aside: the answer has been charged, or there is none."""
        if self.is_limited:
            with self._lock:
                self._tokens -= prompt_tokens + completion_tokens
                self._usd -= self._prices.usd(prompt_tokens, completion_tokens)

    def spent_error(self, prompt_tokens: int, completion_tokens: int) -> BudgetSpent:
        """The error that says what was spent and what is missing."""
        spent = self._account.total()
        used = []
        if self._budget.max_tokens is not None:
            used.append(f"{spent.prompt_tokens + spent.completion_tokens:,} of {self._budget.max_tokens:,} tokens")
        if self._budget.max_usd is not None:
            used.append(f"{spent.usd:,.2f} of {self._budget.max_usd:,.2f} US dollars")
        return BudgetSpent(
            f"the budget is used up: {' and '.join(used)} are spent, and the next request may take "
            f"{prompt_tokens + completion_tokens:,} tokens; raise the budget and run again, what was answered is kept"
        )


class Estimate(NamedTuple):
    """What a set of requests would cost. cached: those of `requests` that are answered already and cost nothing."""

    requests: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    usd: float
