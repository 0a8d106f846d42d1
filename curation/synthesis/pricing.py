"""What a method of synthesis would cost, without asking any model.

The first question of every problem's script is rendered and counted as it would be sent, and what the cache answers
costs nothing. Later questions depend on answers that nobody has: they are estimated by the method (`later_asks`, from
its configuration), each as long as the first question with an answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mathmill.core.generation import estimate
from mathmill.core.request import Request
from mathmill.curation.synthesis.script import Ask
from mathmill.curation.synthesis.stage import ROLES, Method

ANSWER_TOKENS = 512
"""What an answer is taken to have: a solution in one way, with its form."""


class Price(NamedTuple):
    """What one model would be asked. cached: of `requests`, those that the cache answers."""

    method: str
    role: str
    model: str
    requests: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    usd: float
    is_later: bool = False  # estimated by the method's configuration

    def line(self) -> str:
        """For people."""
        known = f" ({self.cached:,} answered already)" if self.cached else ""
        what = "at most, in later rounds" if self.is_later else "first questions"
        tokens = f"{self.prompt_tokens:,} + {self.completion_tokens:,} tokens"
        return f"{self.method}/{self.role:<10}{self.requests:>9,} {what}{known}, {tokens}, {self.usd:,.2f} US dollars"


def price(
    method: Method, rows: Iterable[Mapping[str, Any]], answer_tokens: int = ANSWER_TOKENS, factor: float = 1.0
) -> list[Price]:
    """Price a method over problems, by role. factor: by which the counts are multiplied, where rows are a sample."""
    method.facts = {}
    first: dict[str, list[Request]] = {role: [] for role in ROLES}
    for key, row in enumerate(rows):
        wish = _first_wish(method, dict(row))
        if wish is not None:
            first[wish.role].append(method.request(str(key), wish))
    prices = [_priced(method, role, requests, answer_tokens, factor) for role, requests in first.items() if requests]
    return [*prices, *_later(method, prices, answer_tokens)]


def _first_wish(method: Method, row: dict[str, Any]) -> Ask | None:
    """What a script asks first; None where it asks nothing, or first runs a program."""
    script = method.script(row)
    try:
        wish = next(script)
    except Exception:  # a problem without questions, or one that goes to quarantine when it is run
        return None
    finally:
        script.close()
    return wish if isinstance(wish, Ask) else None


def _priced(method: Method, role: str, requests: list[Request], answer_tokens: int, factor: float) -> Price:
    config = getattr(method.config, role)
    found = estimate(requests, config, answer_tokens, method.config.cache)
    model = config.model or config.url
    counts = (found.requests, found.cached, found.prompt_tokens, found.completion_tokens)
    asked, cached, prompt_tokens, completion_tokens = (round(count * factor) for count in counts)
    return Price(method.name, role, model, asked, cached, prompt_tokens, completion_tokens, found.usd * factor)


def _later(method: Method, prices: list[Price], answer_tokens: int) -> Iterator[Price]:
    """Later rounds, as often as first questions are not answered yet."""
    asked = sum(p.requests - p.cached for p in prices)
    if not asked:
        return
    prompt = sum(p.prompt_tokens for p in prices) / asked + answer_tokens
    for role, samples in method.later_asks().items():
        config = getattr(method.config, role)
        if samples < 1 or config is None:
            continue
        requests = asked * samples
        tokens = round(prompt * requests), answer_tokens * requests
        usd = config.prices.usd(*tokens)
        yield Price(method.name, role, config.model or config.url, requests, 0, *tokens, usd, is_later=True)
