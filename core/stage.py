"""The contract of a stage: a stream of Arrow record batches in, labelled record batches out.

A stage knows nothing of engines, files or processes. It sends rows to ports: `out` goes to the next stage; `dropped`
and `quarantine` say what left the stream and why; further ports (such as `problems`) are declared by the stage in
`output_schemas`. Most stages look at one batch at a time and derive from `BatchStage`, which also turns a row that
raises into a quarantine row: the batch is bisected until the row stands alone, and its neighbours go on.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
import pyarrow as pa

from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError, MathmillError
from mathmill.core.schemas import DROPPED, QUARANTINE, to_batch

Port: TypeAlias = str
Output: TypeAlias = tuple[Port, pa.RecordBatch]

OUT: Port = "out"
DROPPED_PORT: Port = "dropped"
QUARANTINE_PORT: Port = "quarantine"
SKIPPED = "skipped:"
"""Begins the name of a fact: rows that left for a reason without a row in `dropped`."""
CONTAMINATION_PORT: Port = "contamination"
"""What benchmarks were hit where, of rows that stay as of rows that go: a report, not a way that rows take."""
FORMULAS_PORT: Port = "formula_account"
"""Rows of FORMULA_ACCOUNT: what a page held and what was kept of it. They go into the ledger entry, into no file."""


@dataclass(frozen=True)
class StageContext:
    """What a stage may use while it is open.

    scratch: an empty local folder, deleted after the task.
    outbox: where a stage that writes files of its own (shards) leaves them; the engine publishes them with the task.
    task_index: the task's number in its segment, equal on every engine; with a row's number it identifies the row.
    side_inputs: local paths of the files that other segments wrote for this stage, by the name that it asks for.
    """

    scratch: Path
    task_index: int = 0
    side_inputs: Mapping[str, Sequence[Path]] = field(default_factory=dict)

    @property
    def outbox(self) -> Path:
        return self.scratch / "outbox"


@runtime_checkable
class Stage(Protocol):
    """One step of a recipe. `version` is raised whenever its output can change."""

    name: str
    version: int

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Say which ports rows go to and their schemas; raise ConfigError if the input does not fit."""
        ...

    def open(self, context: StageContext) -> None:
        """Load models, compile; called once before the first batch of a task."""
        ...

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Turn the stream into outputs; each output batch fits the schema of its port."""
        ...

    def close(self) -> None:
        """Release what `open` took; called also after an error."""
        ...


class BatchStage(ABC):
    """A stage that looks at one batch at a time: write `process_batch`, the rest has a default.

    `isolated` asks the runner to keep the stage in a child process (`mathmill.core.isolate`), for native code that
    can crash, hang or eat memory. `needs` names the columns that its input must have,
    `side_inputs` what the stage wants in `StageContext.side_inputs`. A stage that is not isolated may count what is not
    rows in a dictionary `facts`, made by `open`; rows that leave without a row in `dropped` count as SKIPPED + reason.
    """

    name: str
    version: int
    Config: ClassVar[type[StageConfig]] = StageConfig
    isolated: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    side_inputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: StageConfig) -> None:
        self.config = config

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Rows keep their schema, unless a stage says otherwise; ConfigError where a needed column is missing."""
        if missing := [column for column in self.needs if column not in input_schema.names]:
            raise ConfigError(f"{self.name} needs the column {missing[0]!r}, which rows do not have at this place")
        return {OUT: input_schema}

    def open(self, context: StageContext) -> None:  # noqa: B027 (nothing to do is a good default)
        """Nothing to load."""

    def close(self) -> None:  # noqa: B027
        """Nothing to release."""

    @abstractmethod
    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Turn one batch, which has at least one row, into outputs."""

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Call `process_batch` for each batch; rows that raise go to quarantine, alone."""
        for batch in batches:
            if batch.num_rows:
                yield from self._process_or_bisect(batch)

    def _process_or_bisect(self, batch: pa.RecordBatch) -> Iterator[Output]:
        try:
            outputs = list(self.process_batch(batch))
        except MathmillError:
            raise
        except Exception as error:
            if batch.num_rows == 1:
                yield quarantine(batch, self.name, f"{type(error).__name__}: {error}")
                return
            middle = batch.num_rows // 2
            yield from self._process_or_bisect(batch.slice(0, middle))
            yield from self._process_or_bisect(batch.slice(middle))
            return
        yield from outputs


def quarantine(batch: pa.RecordBatch, stage: str, error: str) -> Output:
    """Send all rows of a batch to quarantine with one error."""
    ids = batch.column(0).to_pylist()
    has_locator = "locator" in batch.schema.names
    locators = batch.column("locator").to_pylist() if has_locator else [None] * len(ids)
    rows = [
        {"id": id_, "stage": stage, "error": error[:2000], "locator": locator}
        for id_, locator in zip(ids, locators, strict=True)
    ]
    return QUARANTINE_PORT, to_batch(rows, QUARANTINE)


def split_dropped(
    batch: pa.RecordBatch,
    keep: np.ndarray,
    stage: str,
    reason: str | Sequence[str],
    score: np.ndarray | None = None,
    detail: Sequence[str | None] | None = None,
) -> Iterator[Output]:
    """Keep the rows where `keep` holds and send the others to `dropped` with their reason.

    keep: bool (n_rows,). reason: one for all, or one per row of the batch. score: float (n_rows,). detail: per row.
    """
    if keep.all():
        yield OUT, batch
        return
    gone = np.flatnonzero(~keep)
    places: list[int] = gone.tolist()
    kept = batch.filter(pa.array(keep))
    if kept.num_rows:
        yield OUT, kept
    reasons = [reason] * len(gone) if isinstance(reason, str) else [reason[i] for i in places]
    columns = [
        batch.column(0).take(pa.array(gone)),
        pa.array([stage] * len(gone), pa.string()),
        pa.array(reasons, pa.string()),
        pa.nulls(len(gone), pa.float32()) if score is None else pa.array(score[gone].astype(np.float32)),
        pa.array([None] * len(gone) if detail is None else [detail[i] for i in places], pa.string()),
    ]
    yield DROPPED_PORT, pa.RecordBatch.from_arrays(columns, schema=DROPPED)
