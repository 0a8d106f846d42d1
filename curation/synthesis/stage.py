"""A method of synthesis as a stage: runs the scripts of many problems at a time, and writes what they return as rows.

Scripts wait while models answer, and up to `in_hand` of them are under way. Rows come out in the order of the problems
whatever the order of the answers, so that a run that is repeated from the cache gives the same bytes. A problem whose
question to a model fails for good goes to quarantine; everything refused is counted with its reason.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from mathmill.core.config import DataPath, StageConfig
from mathmill.core.errors import ConfigError, MathmillError
from mathmill.core.generation import Generator, ModelConfig, open_generator
from mathmill.core.mathtext import find_formulas
from mathmill.core.request import Request
from mathmill.core.request_cache import RequestCache
from mathmill.core.sandbox import Sandbox
from mathmill.core.schemas import DROPPED, record_id, to_batch
from mathmill.core.spending import Budget
from mathmill.core.stage import DROPPED_PORT, OUT, Output, Port, StageContext, quarantine
from mathmill.curation.problems.steps import segment_steps
from mathmill.curation.synthesis.script import Ask, Changed, Execute, Made, Rejected, Result, Script

ROLES = ("teacher", "student", "judge")

_ROWS = 256  # of a batch that is put out
_PROGRAMS = 32  # that are run together
_MAX_STEPS = 32_767  # int16
_LABELS = ("school_stage", "school_stage_probs", "difficulty", "difficulty_probs", "difficulty_score", "critique_score")


class RoleConfig(ModelConfig):
    """A model with how it is asked in its role, unless a method asks otherwise."""

    temperature: float = Field(default=0.7, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=2048, ge=1)


class MethodConfig(StageConfig):
    """What every method of synthesis has under its name in a recipe.

    teacher, student, judge: the models; a method says which of them it needs. cache: local folder of answers: a run
    that was killed pays for nothing twice. budget: for all that is in the cache. keep_originals: whether the problems
    themselves go on beside what is made of them. in_hand: problems under way at a time.
    """

    teacher: RoleConfig | None = None
    student: RoleConfig | None = None
    judge: RoleConfig | None = None
    cache: DataPath | None = "model-cache"
    budget: Budget = Budget()
    keep_originals: bool = True
    in_hand: int = Field(default=4096, ge=1)
    program_seconds: float = Field(default=10.0, gt=0)
    program_mb: int = Field(default=512, ge=1)


class Method(ABC):
    """A stage that makes problems of problems: write `script`. roles: the models that it must be given."""

    name: str
    version: int
    Config: ClassVar[type[MethodConfig]] = MethodConfig
    isolated: ClassVar[bool] = False
    side_inputs: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ("problem_id", "question", "solution", "answer")
    roles: ClassVar[tuple[str, ...]] = ("teacher",)

    def __init__(self, config: MethodConfig) -> None:
        self.config = config
        for role in self.roles:
            if getattr(config, role) is None:
                raise ConfigError(f"{self.name} needs a model as {role}: give `{role}: {{url: …, model: …}}`")

    @abstractmethod
    def script(self, row: dict[str, Any]) -> Script:
        """The way of one problem, a row of PROBLEM as Python values."""

    @property
    def asks_models(self) -> bool:
        """Whether running this stage costs money or a model's time; what only estimates must not run it then."""
        return any(getattr(self.config, role) is not None for role in ROLES)

    def later_asks(self) -> dict[str, int]:
        """For prices before a run: the most samples by role that a problem asks for after its first question."""
        return {}

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Problems in, problems out."""
        if missing := [column for column in self.needs if column not in input_schema.names]:
            raise ConfigError(f"{self.name} needs the column {missing[0]!r}, which rows do not have at this place")
        return {OUT: input_schema}

    def open(self, context: StageContext) -> None:
        """Open the models; a model in this process is loaded here."""
        self.facts: dict[str, int] = {}
        self.models: dict[str, Generator] = {}
        self.sandbox = Sandbox()
        cache = None if self.config.cache is None or not self.asks_models else RequestCache(self.config.cache)
        for role in ROLES:
            config: RoleConfig | None = getattr(self.config, role)
            if config is not None:
                self.models[role] = open_generator(config, cache, self.config.budget)

    def close(self) -> None:
        """Close the models; safe after a failed `open`."""
        for model in getattr(self, "models", {}).values():
            model.close()
        if hasattr(self, "sandbox"):
            self.sandbox.close()

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Run the scripts of all problems."""
        return _Conductor(self, batches).run()

    def count(self, fact: str, number: int = 1) -> None:
        """Count something that the report shows."""
        self.facts[fact] = self.facts.get(fact, 0) + number

    def request(self, key: str, ask: Ask) -> Request:
        """What is asked of the model, with the sampling of its role."""
        role: RoleConfig = getattr(self.config, ask.role)
        return Request(
            key=key,
            messages=ask.messages,
            n=ask.n,
            temperature=role.temperature if ask.temperature is None else ask.temperature,
            top_p=role.top_p,
            max_tokens=ask.max_tokens or role.max_tokens,
            stop=ask.stop,
            seed=ask.seed,
            purpose=f"{self.name}/{ask.role}",
        )


@dataclass(slots=True)
class _Task:
    """A problem under way."""

    row: dict[str, Any]
    batch: pa.RecordBatch  # its row alone
    script: Script
    results: Sequence[Result] | None = None  # once it has ended
    error: str | None = None

    @property
    def ended(self) -> bool:
        return self.results is not None or self.error is not None


class _Conductor:
    """Moves all scripts of a stream on."""

    def __init__(self, method: Method, batches: Iterator[pa.RecordBatch]) -> None:
        self._method = method
        self._problems = ((batch, place) for batch in batches for place in range(batch.num_rows))
        self._in_hand: deque[_Task] = deque()  # in the order of the input
        self._asks: dict[str, deque[tuple[_Task, Ask]]] = {role: deque() for role in method.models}
        self._programs: deque[tuple[_Task, Execute]] = deque()
        self._asked: dict[str, _Task] = {}
        self._number = 0
        self._exhausted = False
        self._out = _Writer(method)

    def run(self) -> Iterator[Output]:
        while True:
            role = max(self._asks, key=lambda name: len(self._asks[name]), default="")
            if not role or not self._asks[role]:
                if not self._find_work():
                    break
                continue
            for completion in self._method.models[role].generate(self._requests(role)):
                task = self._asked.pop(completion.key)
                if completion.error is not None:
                    task.script.close()
                    task.error = f"{role}: {completion.error}"
                else:
                    self._move(task, completion)
                yield from self._finished()
            yield from self._finished()
        yield from self._finished()
        yield from self._out.flush()

    def _find_work(self) -> bool:
        """Run programs that wait, or take a problem; False where neither is left."""
        if self._programs:
            self._run_programs()
            return True
        return self._admit()

    def _requests(self, role: str) -> Iterator[Request]:
        """What is asked of one model, taking new problems as long as it has nothing else to do."""
        waiting = self._asks[role]
        others = [asks for name, asks in self._asks.items() if name != role]
        while True:
            if len(self._programs) >= _PROGRAMS:
                self._run_programs()
            if waiting:
                task, ask = waiting.popleft()
                self._number += 1
                key = str(self._number)
                self._asked[key] = task
                yield self._method.request(key, ask)
            elif sum(map(len, others)) > self._method.config.in_hand // 2 or not self._find_work():
                return

    def _admit(self) -> bool:
        """Take the next problem; False where there is none, or enough are in hand."""
        if self._exhausted or len(self._in_hand) >= self._method.config.in_hand:
            return False
        following = next(self._problems, None)
        if following is None:
            self._exhausted = True
            return False
        batch, place = following
        one = batch.slice(place, 1)
        (row,) = one.to_pylist()
        task = _Task(row, one, self._method.script(row))
        self._in_hand.append(task)
        self._move(task, None)
        return True

    def _move(self, task: _Task, reply: Any) -> None:
        """Give a script what it waits for, and note what it wants next."""
        try:
            wish = task.script.send(reply)
        except StopIteration as end:
            task.results = end.value
        except MathmillError:
            raise
        except Exception as error:
            task.error = f"{type(error).__name__}: {error}"
        else:
            if isinstance(wish, Execute):
                self._programs.append((task, wish))
            else:
                self._asks[wish.role].append((task, wish))

    def _run_programs(self) -> None:
        jobs = [self._programs.popleft() for _ in range(len(self._programs))]
        config = self._method.config
        programs = [program for _, wish in jobs for program in wish.programs]
        results = self._method.sandbox.run_many(programs, config.program_seconds, config.program_mb, wants_answer=True)
        for task, wish in jobs:
            self._move(task, [next(results) for _ in wish.programs])

    def _finished(self) -> Iterator[Output]:
        while self._in_hand and self._in_hand[0].ended:
            yield from self._out.add(self._in_hand.popleft())


class _Writer:
    """Writes what became of problems, in their order."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self._rows: list[dict[str, Any]] = []
        self._dropped: list[dict[str, Any]] = []
        self._schema: pa.Schema | None = None

    def add(self, task: _Task) -> Iterator[Output]:
        self._schema = task.batch.schema
        if task.results is None:
            yield from self.flush()
            yield quarantine(task.batch, self._method.name, task.error or "")
            return
        parent = task.row
        for result in task.results:
            if isinstance(result, Changed):
                parent = {**parent, **result.columns}
        children = [result for result in task.results if isinstance(result, Made)]
        if self._method.config.keep_originals or any(isinstance(result, Changed) for result in task.results):
            self._rows.append(parent)
        for index, made in enumerate(children):
            self._rows.append(child_row(self._method, parent, index, made))
        for result in task.results:
            if isinstance(result, Rejected):
                detail = None if result.detail is None else result.detail[:500]
                drop = {"id": parent["problem_id"], "stage": self._method.name, "reason": result.reason}
                self._dropped.append({**drop, "score": result.score, "detail": detail})
                self._method.count(f"rejected:{result.reason}")
        self._method.count("made", len(children))
        if len(self._rows) + len(self._dropped) >= _ROWS:
            yield from self.flush()

    def flush(self) -> Iterator[Output]:
        if self._rows and self._schema is not None:
            yield OUT, to_batch(self._rows, self._schema)
        if self._dropped:
            yield DROPPED_PORT, to_batch(self._dropped, DROPPED)
        self._rows, self._dropped = [], []


def child_row(method: Method, parent: dict[str, Any], index: int, made: Made) -> dict[str, Any]:
    """A row for a new problem: origin and licence of its parent, ids made of the parent's, labels still to be given."""
    question_formulas, solution_formulas = _formulas(made.question), _formulas(made.solution)
    spans = segment_steps(made.solution, [(f["start"], f["end"]) for f in solution_formulas])
    models = {role: getattr(method.config, role) for role in ROLES}
    return {
        **{name: None if name in _LABELS else value for name, value in parent.items()},
        "problem_id": record_id(parent["problem_id"], method.name, index),
        "question": made.question,
        "solution": made.solution or None,
        "answer": made.answer,
        "lang": made.lang or parent["lang"],
        "question_formulas": question_formulas,
        "solution_formulas": solution_formulas,
        "steps": [{"start": start, "end": end} for start, end in spans],
        "n_steps": min(len(spans), _MAX_STEPS),
        "method": method.name,
        "parent_id": parent["problem_id"],
        "style": made.style,
        "critique_score": made.critique_score,
        "loss_weight": parent["loss_weight"] if made.loss_weight is None else made.loss_weight,
        "lineage": {
            "prompt": made.prompt or None,
            **{role: None if model is None else model.model or model.url for role, model in models.items()},
            "sample": made.sample,
        },
        **made.columns,
    }


def _formulas(text: str) -> list[dict[str, Any]]:
    return [span._asdict() for span in find_formulas(text)]
