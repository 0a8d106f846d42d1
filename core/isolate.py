"""Runs a stage in a child process, so that a row that crashes, hangs or eats memory takes only the child with it.

Batches go there and back over pipes as Arrow IPC, never pickled. When the child dies over a batch, a new one gets it
in 16 parts, and the part that kills it again in 16 parts, until a row stands alone: it goes to quarantine with the
cause of death, its neighbours go on. (Halving, as for rows that merely raise, would cost three times as many deaths,
each as long as a start or a timeout.) The child stays for the next task; it dies with its parent and ignores Ctrl-C.
"""

import atexit
import ctypes
import fcntl
import importlib
import json
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathmill.core import errors
from mathmill.core.config import Config, StageConfig, digest
from mathmill.core.errors import ConfigError, MathmillError, OperationError
from mathmill.core.stage import BatchStage, Output, Port, StageContext, quarantine

_FAN_OUT = 16
_HEADER = struct.Struct("<cQ")  # kind of message, bytes that follow
_OPEN, _BATCH, _CLOSE = b"o", b"b", b"c"  # to the child
_DONE, _OUTPUT, _ERROR, _FAILURE = b"d", b"p", b"e", b"f"  # from it; an error stops the run, a failure is of the rows
_ALIGNMENT = 64  # an output's batch starts at a multiple of this, behind its port: Arrow warns of what stands elsewhere
_OUT_OF_MEMORY = 77  # exit status of a child that has run into its limit and noticed
_MAX_IDLE = 2
_PIPE_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1
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
        self._stage = _make_stage(cls, config.model_dump(mode="json") if isinstance(config, StageConfig) else config)
        super().__init__(self._stage.config)
        self.name, self.version = self._stage.name, self._stage.version
        self._context: StageContext | None = None
        self._child: _Child | None = None

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
            list(child.ask(_CLOSE, b"", self._limits.row_seconds))
        except (_Death, _RowFailure, MathmillError):
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
                answers = child.ask(_BATCH, _to_ipc(batch), self._limits.batch_seconds(batch.num_rows))
                outputs[:] = map(_to_output, answers)
                return None
            except _RowFailure as failure:
                return str(failure)
            except _Death as death:
                child.kill()
                self._child = None
                if was_fresh or death.is_timeout or batch.num_rows > 1:
                    return str(death)
            except BaseException:  # Ctrl-C, or an error of the run: the next batch must not get this one's answer
                child.kill()
                self._child = None
                raise

    def _opened_child(self) -> "_Child":
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
            child = idle or _Child(self._limits)
            try:
                list(child.ask(_OPEN, json.dumps(request).encode(), self._limits.open_seconds))
                return child
            except _Death as death:
                child.kill()
                if idle is None:
                    message = f"the stage {self.name} cannot be opened in a child process: {death}"
                    raise OperationError(message) from death
            except BaseException:
                child.kill()
                raise

    def _key(self) -> str:
        return digest([self._cls, self.config.model_dump(mode="json"), self._limits.model_dump(mode="json")])


class _Death(Exception):
    """The child is gone; the text says how."""

    def __init__(self, cause: str, is_timeout: bool = False) -> None:
        super().__init__(cause)
        self.is_timeout = is_timeout


class _RowFailure(Exception):
    """The stage raised over the rows that it was given; the child lives."""


class _Child:
    """A child process and the conversation with it: one request, then answers up to `_DONE`."""

    def __init__(self, limits: Limits) -> None:
        command = [sys.executable, "-P", "-m", "mathmill.core.isolate"]
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
        """Send a request and give back its outputs; _Death, _RowFailure or the stage's own MathmillError otherwise."""
        deadline = time.monotonic() + seconds
        try:
            self._write(_HEADER.pack(kind, len(body)), deadline)
            self._write(body, deadline)
            while True:
                answer, size = _HEADER.unpack(self._read(_HEADER.size, deadline))
                content = self._read(size, deadline)
                if answer == _DONE:
                    return
                if answer == _ERROR:
                    name, text = json.loads(content.to_pybytes())
                    raise getattr(errors, name)(text)
                if answer == _FAILURE:
                    raise _RowFailure(content.to_pybytes().decode())
                yield content
        except TimeoutError:
            self.kill()
            raise _Death(f"timed out after {seconds:g} s", is_timeout=True) from None
        except (BrokenPipeError, EOFError):
            raise _Death(self._cause()) from None

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

    def _cause(self) -> str:
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its pipe"
        if status == _OUT_OF_MEMORY:
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


_idle: OrderedDict[str, _Child] = OrderedDict()  # children between two tasks, by what they run
_idle_lock = threading.Lock()


def _take_idle(key: str) -> _Child | None:
    with _idle_lock:
        return _idle.pop(key, None)


def _put_idle(key: str, child: _Child) -> None:
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


def _to_ipc(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _from_ipc(data: pa.Buffer) -> pa.RecordBatch:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()


def _from_port(port: Port) -> bytes:
    """A port's name, ended and filled up to _ALIGNMENT with zeros."""
    name = port.encode()
    return name.ljust((len(name) // _ALIGNMENT + 1) * _ALIGNMENT, b"\0")


def _to_output(answer: pa.Buffer) -> Output:
    port = memoryview(answer)[:1024].tobytes().partition(b"\0")[0].decode()
    return port, _from_ipc(answer.slice(len(_from_port(port))))


def _make_stage(cls: str, config: Mapping[str, Any]) -> BatchStage:
    module, _, name = cls.partition(":")
    try:
        stage_class: type[BatchStage] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the stage {cls} cannot be imported: {error}") from error
    return stage_class(stage_class.Config.model_validate(dict(config)))


# What follows runs in the child.


def main() -> None:
    """Serve the parent whose process id and memory limit are on the command line, until it closes the pipe."""
    parent, memory_bytes = map(int, sys.argv[1:3])
    _bind_to(parent)
    _limit(memory_bytes)
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # what a stage prints is no answer
    stage: BatchStage | None = None
    while (message := _receive(requests)) is not None:
        kind, body = message
        try:
            if kind == _OPEN:
                stage = _open(json.loads(body.to_pybytes()))
                os.dup2(null, 1)
                os.dup2(null, 2)  # from here on, what goes wrong is reported, not printed
            elif kind == _BATCH and stage is not None:
                for port, batch in stage.process_batch(_from_ipc(body)):
                    _send(answers, _OUTPUT, _from_port(port), _to_ipc(batch))
            elif stage is not None:
                stage.close()
            _send(answers, _DONE)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except MathmillError as error:
            name = next(base.__name__ for base in type(error).__mro__ if base.__module__ == errors.__name__)
            _send(answers, _ERROR, json.dumps([name, str(error)]).encode())
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if kind == _BATCH:
                _send(answers, _FAILURE, text.encode("utf-8", "replace"))
            else:
                _send(answers, _ERROR, json.dumps(["OperationError", f"the stage cannot be opened: {text}"]).encode())


def _bind_to(parent: int) -> None:
    """Die with the parent, leave Ctrl-C to it, and be the first to go when the machine runs out of memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    if os.getppid() != parent:
        os._exit(0)


def _limit(memory_bytes: int) -> None:
    for kind, value in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _open(request: dict[str, Any]) -> BatchStage:
    sys.path[:] = request["path"]
    stage = _make_stage(request["cls"], request["config"])
    side_inputs = {name: [Path(path) for path in paths] for name, paths in request["side_inputs"].items()}
    stage.open(StageContext(Path(request["scratch"]), request["task_index"], side_inputs))
    return stage


def _receive(descriptor: int) -> tuple[bytes, pa.Buffer] | None:
    header = bytearray(_HEADER.size)
    if not _read_into(descriptor, memoryview(header)):
        return None
    kind, size = _HEADER.unpack(header)
    body = pa.allocate_buffer(size)
    return (kind, body) if _read_into(descriptor, memoryview(body)) else None


def _read_into(descriptor: int, view: memoryview) -> bool:
    while view:
        n = os.readv(descriptor, [view])
        if n == 0:
            return False
        view = view[n:]
    return True


def _send(descriptor: int, kind: bytes, *parts: bytes | pa.Buffer) -> None:
    for part in (_HEADER.pack(kind, sum(map(len, parts))), *parts):
        view = memoryview(part)
        while view:
            view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    main()
