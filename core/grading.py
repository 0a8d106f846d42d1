r"""Grade answers by our rules, and by math-verify in killable child processes where the rules do not decide.

Rules decide over numbers, choices, words and every formula that `answer_formulas` reads (98 % of benchmark answers);
integrals, limits and odd notation are left to math-verify. It gets a second of CPU time and 512 MiB a pair in a
child process (`grading_child`), never SIGALRM; when it fails, our verdict stands and the failure is logged.
"""

import atexit
import json
import logging
import os
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

from mathmill.core.answer_equality import Comparison
from mathmill.core.answer_values import MAX_CHARS, read_value
from mathmill.core.errors import OperationError
from mathmill.core.grading_child import PAIR
from mathmill.core.isolate import Child, Death, Limits, RowFailure

CPU_SECONDS = 1.0
MEMORY_BYTES = 512 << 20
BATCH_SECONDS = 60.0
"""How long a pair of a batch may take by the clock, with the start of a child (about a second of CPU time)."""

_GRACE_SECONDS = 0.3  # for a child that is slow to kill its worker
_MAX_IDLE = 4
_log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """Whether a prediction is the gold answer, and who said so.

    by: "rules", "math-verify", or "none" where nothing was predicted. disagreement: both were asked, and one accepted
    what the other did not. note: what math-verify said beside the rules, or why it said nothing.
    """

    equal: bool
    by: str
    disagreement: bool = False
    note: str = ""


class Opinion(NamedTuple):
    """What math-verify says: its own verdict, the one behind our safeguards, and why there is none."""

    accepted: bool
    guarded: bool
    failure: str = ""


def grade(
    predictions: Sequence[str | None], golds: Sequence[str], workers: int = 2, both: bool = False
) -> list[Verdict]:
    """Grade answers, in order; equal pairs are graded once.

    predictions: extracted answers, None where none was stated. workers: children for math-verify, at most. both: ask
    math-verify about every pair, to count disagreements (tens of pairs a second and worker).
    """
    pairs = list(dict.fromkeys(zip(predictions, golds, strict=True)))
    ruled = {pair: _by_rules(*pair) for pair in pairs}
    asked = [pair for pair in pairs if (both and pair[0] is not None) or not ruled[pair][1]]
    opinions: dict[tuple[str | None, str], Opinion] = {}
    if asked:
        workers = max(1, min(workers, len(asked)))
        for _ in range(workers - len(_idle)):  # here, not in the pool's threads: a child dies with its thread
            _put(_start())
        with ThreadPoolExecutor(workers) as pool:
            opinions = dict(zip(asked, pool.map(lambda pair: ask_math_verify(pair[0] or "", pair[1]), asked)))
    verdicts = {pair: _verdict(pair, *ruled[pair], opinions.get(pair), both) for pair in pairs}
    return [verdicts[pair] for pair in zip(predictions, golds, strict=True)]


def _by_rules(prediction: str | None, gold: str) -> tuple[bool, bool]:
    """Whether our rules say equal, and whether they are sure."""
    if prediction is None or not prediction.strip() or not gold.strip():
        return False, True
    comparison = Comparison()
    equal = comparison.are_equal(read_value(prediction), read_value(gold))
    return equal, equal or comparison.decided


def _verdict(pair: tuple[str | None, str], equal: bool, sure: bool, opinion: Opinion | None, both: bool) -> Verdict:
    if pair[0] is None:
        return Verdict(False, "none")
    if opinion is None:
        return Verdict(equal, "rules")
    if opinion.failure:
        return Verdict(equal, "rules", note=opinion.failure)
    disagreement = both and opinion.accepted != equal and (sure or opinion.accepted != opinion.guarded)
    note = "" if not disagreement else f"math-verify says {'equal' if opinion.accepted else 'not equal'}"
    if disagreement:
        _log.info("graders disagree over %.80r and %.80r: %s", *pair, note)
    if not equal and not sure and opinion.guarded:
        return Verdict(True, "math-verify", disagreement, note)
    return Verdict(equal, "rules", disagreement, note)


_PROSE = re.compile(r"[\u3400-\u9fff]|(?<![\\A-Za-z{])[A-Za-z]{4,}")
_VALUE_AT = re.compile(r"[A-Za-z]'*\s*\(\s*-?[\d./]+\s*\)\s*=")  # f(2)=3, which it reads as a product


def ask_math_verify(prediction: str, gold: str, seconds: float = BATCH_SECONDS, is_guarded: bool = True) -> Opinion:
    """Ask math-verify about one pair, in a child process; safe from any thread and after a fork.

    seconds: how long to wait by the clock, with the start of a child where none is there.

    Prose and texts beyond 1,000 characters are not asked about, unless is_guarded is false: math-verify takes the last
    number that it finds.
    """
    if is_guarded and any(
        len(text) > MAX_CHARS or not text.strip() or _PROSE.search(text) or _VALUE_AT.search(text)
        for text in (prediction, gold)
    ):
        return Opinion(False, False, "not a formula")
    try:
        return _opinion(prediction, gold, seconds)
    except (RowFailure, Death, OperationError) as failure:
        _log.info("%.80r and %.80r are judged by our rules alone: math-verify %s", prediction, gold, failure)
        return Opinion(False, False, f"math-verify: {failure}")


@lru_cache(maxsize=8192)  # failures are exceptions, which it does not keep
def _opinion(prediction: str, gold: str, seconds: float) -> Opinion:
    child = _take()
    body = json.dumps([prediction, gold, CPU_SECONDS, seconds]).encode()
    try:
        [answer] = child.ask(PAIR, body, seconds + _GRACE_SECONDS)
    except RowFailure:
        _put(child)
        raise
    except BaseException:
        child.kill()
        raise
    _put(child)
    return Opinion(*json.loads(answer.to_pybytes()))


_idle: list[Child] = []
_lock = threading.Lock()


def _take() -> Child:
    """A child that waits, or a new one; those whose thread has ended are dead (they die with it)."""
    while True:
        with _lock:
            child = _idle.pop() if _idle else None
        if child is None:
            break
        if child.is_alive():
            return child
        child.kill()
    return _start()


def _start() -> Child:
    return Child(Limits(memory_bytes=MEMORY_BYTES), "mathmill.core.grading_child")


def _put(child: Child) -> None:
    with _lock:
        if len(_idle) < _MAX_IDLE:
            _idle.append(child)
            return
    child.kill()


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().kill()


def _forget() -> None:
    """A fork has no children, and a lock that another thread held would never be freed."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


os.register_at_fork(after_in_child=_forget)
