"""A Spark session for a run: how it is opened, what the Spark UI says of it, and how errors come back from executors.

The same calls serve a cluster, `local[n]` and Spark Connect (`sc://`), which has no Spark context: its jobs carry tags
only, the others a description for each segment, too. Python accumulators do not appear in the UI; so the counts of a
segment are observed, and written into the description of a last, empty job.
"""

import os
import re
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mathmill.core.errors import ConfigError, MathmillError, OperationError, error_from_json, error_to_json
from mathmill.jobs.engines import EngineSettings, knock
from mathmill.jobs.plan import Segment

DEFAULTS = {
    "spark.app.name": "mathmill",
    "spark.log.level": "WARN",  # it says so when a cluster has no room for an executor
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",  # rows of a shuffle have some 30 bytes
}
_CONNECT_PORT = 15002
_MASTER_PORT = 7077
ENVIRONMENT = "environment"
"""Folder into which executors unpack the environment archive."""


class Session:
    """A Spark session, our own or somebody else's."""

    def __init__(self, spark: Any, owned: bool) -> None:
        self.spark, self._owned = spark, owned
        self.is_connect = not hasattr(spark, "_jsc")
        self._tag = f"mathmill-{uuid.uuid4().hex[:8]}"

    @classmethod
    def open(cls, settings: EngineSettings) -> "Session":
        """Use the active session (under spark-submit, in a notebook), or open one as the settings say.

        Raises ConfigError without pyspark, OperationError where Spark does not start.
        """
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise ConfigError("--engine spark needs pyspark; pip install 'mathmill[spark]'") from None
        if settings.master is None and (active := SparkSession.getActiveSession()) is not None:
            return cls(active, owned=False)
        master = settings.master or ""
        try:
            if master.startswith("sc://"):
                knock(master, _CONNECT_PORT)
                return cls(_connect(SparkSession.builder.remote(master), settings), owned=True)
            if master.startswith("spark://"):
                _knock_at_masters(master)
            return cls(_start(SparkSession.builder, master, settings), owned=True)
        except MathmillError:
            raise
        except Exception as error:
            where = master or "as configured"
            raise OperationError(
                f"Spark does not start ({where}): {_first_line(error)}; `mathmill doctor` says what is missing"
            ) from error

    def tasks(self, numbers: Sequence[int]) -> Any:
        """A data frame of these numbers (int64, `task`), each in a partition of its own."""
        frame = self.spark.range(0, len(numbers), 1, numPartitions=len(numbers))
        if list(numbers) == list(range(len(numbers))):
            return frame.withColumnRenamed("id", "task")
        return frame.mapInArrow(Pick(numbers), "task bigint")

    def collect(self, counts: Any, segment: Segment) -> list[Any]:
        """Run a job, named in the Spark UI; returns its rows. Raises the MathmillError that a task has raised."""
        from pyspark.sql import Observation
        from pyspark.sql import functions as f

        observation = Observation(segment.name)
        columns = [name for name in counts.columns if name.startswith("rows_")]
        observed = counts.observe(observation, *(f.sum(name).alias(name) for name in columns))
        with self._named(segment.name, f"mathmill: {segment.title}"):
            rows = observed.collect()
        facts = ", ".join(f"{name.removeprefix('rows_')} {value or 0:,}" for name, value in observation.get.items())
        with self._named(segment.name, f"mathmill: {segment.title}: {facts}"):
            self.spark.range(1).collect()
        return list(rows)

    def probe(self, task: Any) -> list[Any]:
        """Run a task on all executors, a few times over; returns its rows, of `task.columns`."""
        cores = 8 if self.is_connect else self.spark.sparkContext.defaultParallelism
        frame = self.spark.range(0, 4 * cores, 1, numPartitions=4 * cores)
        with self._named("doctor", "mathmill: doctor"):
            return list(frame.mapInArrow(task, task.columns).collect())

    @contextmanager
    def _named(self, name: str, description: str) -> Iterator[None]:
        tags = (self._tag, f"mathmill-{name}")
        for tag in tags:
            self.spark.addTag(tag)
        if not self.is_connect:
            self.spark.sparkContext.setJobDescription(description)
        try:
            yield
        except KeyboardInterrupt:
            with suppress(Exception):
                self.spark.interruptTag(self._tag)  # a Connect server would go on without us
            raise
        except Exception as error:
            raise_reported(error)
            raise OperationError(f"{description.removeprefix('mathmill: ')}: Spark gave up: {_cause(error)}") from error
        finally:
            for tag in tags:
                self.spark.removeTag(tag)
            if not self.is_connect:
                self.spark.sparkContext.setJobDescription(None)

    def close(self) -> None:
        """Stop the session, if it is ours."""
        if self._owned:
            self.spark.stop()


class Pick:
    """Places in a list to the numbers there."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = list(numbers)

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Look the places up."""
        import pyarrow as pa

        for batch in batches:
            picked = [self._numbers[place] for place in batch.column(0).to_pylist()]
            yield pa.RecordBatch.from_arrays([pa.array(picked, pa.int64())], ["task"])


def _start(builder: Any, master: str, settings: EngineSettings) -> Any:
    """A session of a cluster or of local threads, in this process."""
    local = master.startswith("local")
    if settings.environment is not None:
        _archive(settings)  # local threads have this environment, but a wrong path is a mistake all the same
    shipped = settings.environment is not None and not local
    os.environ.setdefault("PYSPARK_PYTHON", f"./{ENVIRONMENT}/bin/python" if shipped else sys.executable)
    conf = {**DEFAULTS, **settings.conf}
    if master:
        conf["spark.master"] = master
    if shipped:
        conf["spark.archives"] = ",".join(filter(None, [conf.get("spark.archives"), _archive(settings)]))
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _connect(builder: Any, settings: EngineSettings) -> Any:
    """A session of a Spark Connect server; its environment travels as an artifact."""
    spark = builder.getOrCreate()
    for key, value in {**DEFAULTS, **settings.conf}.items():
        with suppress(Exception):  # what only a server's start can set
            spark.conf.set(key, value)
    if settings.environment is not None:
        spark.addArtifacts(_archive(settings), archive=True)
        spark.conf.set("spark.sql.execution.pyspark.python", f"./{ENVIRONMENT}/bin/python")
    return spark


def _knock_at_masters(url: str) -> None:
    """Raise OSError where no master of a standalone cluster listens: Spark itself tries for a minute."""
    addresses = url.removeprefix("spark://").split(",")
    for number, address in enumerate(addresses, 1):
        try:
            knock(address, _MASTER_PORT)
            break
        except OSError:
            if number == len(addresses):
                raise


def _archive(settings: EngineSettings) -> str:
    archive = settings.environment or ""
    if "://" not in archive and not Path(archive).exists():
        raise ConfigError(f"there is no file {archive}; `mathmill pack-environment {archive}` makes it")
    return f"{archive if '://' in archive else Path(archive).absolute()}#{ENVIRONMENT}"


def scratch_path(name: str) -> Path:
    """A folder to make for one attempt at a task, on the disk that Spark gives its executors and clears after them."""
    folders = os.environ.get("SPARK_LOCAL_DIRS") or os.environ.get("LOCAL_DIRS") or tempfile.gettempdir()
    return Path(folders.split(",")[0]) / f"mathmill-{name}-{uuid.uuid4().hex}"


_MARK = "mathmill-error "


@contextmanager
def reporting_errors() -> Iterator[None]:
    """On an executor: mark an error of ours, so that the driver finds it in the text that Spark makes of it."""
    try:
        yield
    except MathmillError as error:
        raise RuntimeError(f"{_MARK}{error_to_json(error)}") from None


def raise_reported(error: Exception) -> None:
    """On the driver: raise the error of ours that an exception of Spark's tells of, if it does."""
    if found := re.search(rf"{_MARK}(\[.*\])\s*$", str(error), re.MULTILINE):
        with suppress(ValueError):
            raise error_from_json(found[1]) from None


def _cause(error: Exception) -> str:
    """The line that says what happened: the last one of a Python traceback inside of it, else the first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b.*: ", line) and "pyspark" not in line]
    return (named[-1] if named else _first_line(error))[:500]


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:500]
