"""A method of synthesis as a script: one problem's way, written straight down, while thousands of them are under way.

A script is a generator. It yields what it wants done (`Ask` a model, `Execute` programs), receives the answer at that
place, and returns what came of the problem. `synthesis.stage` runs many scripts at a time, so that a method reads like
a conversation and says nothing of concurrency, retries, caches or files.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple

from mathmill.core.request import Completion
from mathmill.core.sandbox import ProgramResult

Row = Mapping[str, Any]
"""A row of PROBLEM as Python values."""


class Ask(NamedTuple):
    """Ask the model in a role ("teacher", "student", "judge"); the script receives the `Completion`.

    A completion with an error never reaches the script: the problem goes to quarantine.
    """

    role: str
    messages: tuple[dict[str, str], ...]
    n: int = 1
    temperature: float | None = None  # None: what the recipe says for the role
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


class Execute(NamedTuple):
    """Run programs in the sandbox; the script receives a list of `ProgramResult`, in order."""

    programs: Sequence[str]


class Made(NamedTuple):
    """A new problem.

    solution: "" where it has none. style: "cot", "pot" or "mixed". prompt: for the lineage, as `Prompt.name`. sample:
    which one.
    """

    question: str
    solution: str
    answer: str | None
    style: str = "cot"
    prompt: str = ""
    sample: int = 0
    critique_score: float | None = None
    loss_weight: float | None = None  # None: its parent's
    lang: str | None = None  # None: its parent's
    columns: Mapping[str, Any] = {}  # further columns of the row


class Changed(NamedTuple):
    """The problem itself goes on with other values in some columns, such as `critique_score`."""

    columns: Mapping[str, Any]


class Rejected(NamedTuple):
    """Something was made and refused. reason: a fixed word per cause. detail: what was wrong, cut to 500 characters."""

    reason: str
    detail: str | None = None
    score: float | None = None


Result = Made | Changed | Rejected
Script = Generator[Ask | Execute, Any, Sequence[Result]]
Reply = Completion | list[ProgramResult]
