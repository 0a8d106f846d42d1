"""Runs a stage in a child process, so that a row that crashes, hangs or eats memory takes only the child with it.

Batches go there and back over pipes as Arrow IPC, never pickled. When the child dies over a batch, a new one gets it
in 16 parts, and the part that kills it again in 16 parts, until a row stands alone: it goes to quarantine with the
cause of death, its neighbours go on. (Halving, as for rows that merely raise, would cost three times as many deaths,
each as long as a start or a timeout.) The child stays for the next task; it dies with its parent and ignores Ctrl-C.
"""

import atexit
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa

from mathmill.core.config import Config, StageConfig, digest
from mathmill.core.errors import MathmillError, OperationError, error_from_json
from mathmill.core.isolate_child import (
    BATCH,
    CLOSE,
    DONE,
    ERROR,
    FAILURE,
    HEADER,
    OPEN,
    OUT_OF_MEMORY,
    make_stage,
    to_ipc,
    to_output,
)
from mathmill.core.stage import BatchStage, Output, Port, StageContext, quarantine

_FAN_OUT = 16
_MAX_IDLE = 2
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031


class Limits(Config):
    """What the child may use."""

    row_seconds: float = 30.0  # wall clock, for a row that stands alone
    memory_bytes: int = 3 << 30  # of data (RLIMIT_DATA)
    open_seconds: float = 300.0  # to start, import and open the stage

    def batch_seconds(self, n_rows: int) -> float:
        """Wall-clock seconds for a batch: a thousandth more for each further row (30 ms, by default)."""
        return self.row_seconds * (1 + (n_rows - 1) / 1000)


class Isolated(BatchStage):
    """A stage like the one it wraps, which lives in a child process.

    cls: the wrapped stage as "module:Class". config: its configuration, as a model or as plain values.
    """

    def __init__(self, cls: str, config: StageConfig | Mapping[str, Any], limits: Limits | None = None) -> None:
        self._cls = cls
        self._limits = limits or Limits()
        self._stage = make_stage(cls, config.model_dump(mode="json") if isinstance(config, StageConfig) else config)
        super().__init__(self._stage.config)
        self.name, self.version = self._stage.name, self._stage.version
        self._context: StageContext | None = None
        self._child: Child | None = None

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """What the wrapped stage says."""
        return self._stage.output_schemas(input_schema)

    def open(self, context: StageContext) -> None:
        """Open the wrapped stage in a child, one left over from an earlier task if there is one."""
        self._context = context
        self._child = self._opened_child()

    def close(self) -> None:
        """Close the wrapped stage; its child stays for the next task."""
        child, self._child = self._child, None
        if child is None:
            return
        try:
            list(child.ask(CLOSE, b"", self._limits.row_seconds))
        except (Death, RowFailure, MathmillError):
            child.kill()
            return
        _put_idle(self._key(), child)

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Send the batch to the child; on its death, send the batch in parts to a new one."""
        outputs: list[Output] = []
        error = self._try(batch, outputs)
        if error is None:
            yield from outputs
        elif batch.num_rows == 1:
            yield quarantine(batch, self.name, error)
        else:
            size = -(-batch.num_rows // _FAN_OUT)
            for start in range(0, batch.num_rows, size):
                yield from self.process_batch(batch.slice(start, size))

    def _try(self, batch: pa.RecordBatch, outputs: list[Output]) -> str | None:
        """Fill `outputs`, or say what went wrong.

        A row that stands alone is given up only if it kills a child that has seen nothing else: what was wrong may
        have been the heap that other rows left behind.
        """
        while True:
            child = self._child or self._opened_child()
            self._child = child
            was_fresh, child.is_fresh = child.is_fresh, False
            try:
                answers = child.ask(BATCH, to_ipc(batch), self._limits.batch_seconds(batch.num_rows))
                outputs[:] = map(to_output, answers)
                return None
            except RowFailure as failure:
                return str(failure)
            except Death as death:
                child.kill()
                self._child = None
                if was_fresh or death.is_timeout or batch.num_rows > 1:
                    return str(death)
            except BaseException:  # Ctrl-C, or an error of the run: the next batch must not get this one's answer
                child.kill()
                self._child = None
                raise

    def _opened_child(self) -> "Child":
        assert self._context is not None, "open comes first"
        request = {
            "path": sys.path,
            "cls": self._cls,
            "config": self.config.model_dump(mode="json"),
            "scratch": str(self._context.scratch),
            "task_index": self._context.task_index,
            "side_inputs": {name: list(map(str, paths)) for name, paths in self._context.side_inputs.items()},
        }
        while True:
            idle = _take_idle(self._key())
            child = idle or Child(self._limits)
            try:
                list(child.ask(OPEN, json.dumps(request).encode(), self._limits.open_seconds))
                return child
            except Death as death:
                child.kill()
                if idle is None:
                    message = f"the stage {self.name} cannot be opened in a child process: {death}"
                    raise OperationError(message) from death
            except BaseException:
                child.kill()
                raise

    def _key(self) -> str:
        return digest([self._cls, self.config.model_dump(mode="json"), self._limits.model_dump(mode="json")])


class Death(Exception):
    """The child is gone; the text says how."""

    def __init__(self, cause: str, is_timeout: bool = False) -> None:
        super().__init__(cause)
        self.is_timeout = is_timeout


class RowFailure(Exception):
    """The stage raised over the rows that it was given; the child lives."""


class Child:
    """A child process and the conversation with it: one request, then answers up to `DONE`.

    module: what the child runs, called with the parent's process id and the memory limit.
    """

    def __init__(self, limits: Limits, module: str = "mathmill.core.isolate_child") -> None:
        command = [sys.executable, "-P", "-m", module]
        command += [str(os.getpid()), str(limits.memory_bytes)]
        try:
            self._process = subprocess.Popen(
                command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
            )
        except OSError as error:
            raise OperationError(f"cannot start a child process: {error.strerror}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        for descriptor in (self._in, self._out):
            os.set_blocking(descriptor, False)
            _enlarge(descriptor)
        self.is_fresh = True

    def ask(self, kind: bytes, body: bytes | pa.Buffer, seconds: float) -> Iterator[pa.Buffer]:
        """Send a request and give back its outputs; Death, RowFailure or the stage's own MathmillError otherwise."""
        deadline = time.monotonic() + seconds
        try:
            self._write(HEADER.pack(kind, len(body)), deadline)
            self._write(body, deadline)
            while True:
                answer, size = HEADER.unpack(self._read(HEADER.size, deadline))
                content = self._read(size, deadline)
                if answer == DONE:
                    return
                if answer == ERROR:
                    raise error_from_json(content.to_pybytes())
                if answer == FAILURE:
                    raise RowFailure(content.to_pybytes().decode())
                yield content
        except TimeoutError:
            self.kill()
            raise Death(f"timed out after {seconds:g} s", is_timeout=True) from None
        except (BrokenPipeError, EOFError):
            raise Death(self._cause()) from None

    def _write(self, data: bytes | pa.Buffer, deadline: float) -> None:
        view = memoryview(data)
        while view:
            _wait(self._in, select.POLLOUT, deadline)
            with suppress(BlockingIOError):
                view = view[os.write(self._in, view) :]

    def _read(self, size: int, deadline: float) -> pa.Buffer:
        data = pa.allocate_buffer(size)  # aligned, unlike a bytearray
        view = memoryview(data)
        while view:
            _wait(self._out, select.POLLIN, deadline)
            with suppress(BlockingIOError):
                n = os.readv(self._out, [view])
                if n == 0:
                    raise EOFError
                view = view[n:]
        return data

    def is_alive(self) -> bool:
        """Whether the child has not ended."""
        return self._process.poll() is None

    def _cause(self) -> str:
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its pipe"
        if status == OUT_OF_MEMORY:
            return "out of memory"
        if status >= 0:
            return f"exited with status {status}"
        name = signal.Signals(-status).name
        return f"killed by {name}" + (" (for want of memory?)" if -status == signal.SIGKILL else "")

    def kill(self) -> None:
        """End the child for good."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


_idle: OrderedDict[str, Child] = OrderedDict()  # children between two tasks, by what they run
_idle_lock = threading.Lock()


def _take_idle(key: str) -> Child | None:
    with _idle_lock:
        return _idle.pop(key, None)


def _put_idle(key: str, child: Child) -> None:
    with _idle_lock:
        surplus = [_idle.pop(key)] if key in _idle else []
        _idle[key] = child
        if len(_idle) > _MAX_IDLE:
            surplus.append(_idle.popitem(last=False)[1])
    for old in surplus:
        old.kill()


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.popitem()[1].kill()


os.register_at_fork(after_in_child=_idle.clear)  # the children of a parent are no children of its fork


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def _enlarge(pipe: int) -> None:
    """Let a pipe hold more, where the system lets us: fewer switches between the processes."""
    with suppress(OSError):
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIPE_BYTES)
