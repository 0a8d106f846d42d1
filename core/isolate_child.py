"""The child process of an isolated stage, and what it and its parent (`mathmill.core.isolate`) say to each other.

A message is a kind, a length and a body; batches travel as Arrow IPC, never pickled. The child answers a request with
the outputs of the stage, if any, and a last message that it is done or why not.
"""

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathmill.core.collector import relax_collector
from mathmill.core.errors import ConfigError, MathmillError, OperationError, error_to_json
from mathmill.core.stage import BatchStage, Output, Port, StageContext

HEADER = struct.Struct("<cQ")  # kind of message, bytes that follow
OPEN, BATCH, CLOSE = b"o", b"b", b"c"  # to the child
DONE, OUTPUT, ERROR, FAILURE = b"d", b"p", b"e", b"f"  # from it; an error stops the run, a failure is of the rows
OUT_OF_MEMORY = 77  # exit status of a child that has run into its limit and noticed
_ALIGNMENT = 64  # an output's batch starts at a multiple of this, behind its port: Arrow warns of what stands elsewhere
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve the parent whose process id and memory limit are on the command line, until it closes the pipe."""
    parent, memory_bytes = map(int, sys.argv[1:3])
    bind_to(parent)
    limit_memory(memory_bytes)
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # what a stage prints is no answer
    stage: BatchStage | None = None
    while (message := receive(requests)) is not None:
        kind, body = message
        try:
            if kind == OPEN:
                stage = _open(json.loads(body.to_pybytes()))
                relax_collector()
                os.dup2(null, 1)
                os.dup2(null, 2)  # from here on, what goes wrong is reported, not printed
            elif kind == BATCH and stage is not None:
                for port, batch in stage.process_batch(from_ipc(body)):
                    send(answers, OUTPUT, _from_port(port), to_ipc(batch))
            elif stage is not None:
                stage.close()
            send(answers, DONE)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except MathmillError as error:
            send(answers, ERROR, error_to_json(error).encode())
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if kind == BATCH:
                send(answers, FAILURE, text.encode("utf-8", "replace"))
            else:
                send(answers, ERROR, error_to_json(OperationError(f"the stage cannot be opened: {text}")).encode())


def bind_to(parent: int) -> None:
    """Die with the parent, leave Ctrl-C to it, and be the first to go when the machine runs out of memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    if os.getppid() != parent:
        os._exit(0)


def limit_memory(memory_bytes: int) -> None:
    """Bound this process's data; no core dumps."""
    for kind, value in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _open(request: dict[str, Any]) -> BatchStage:
    sys.path[:] = request["path"]
    stage = make_stage(request["cls"], request["config"])
    side_inputs = {name: [Path(path) for path in paths] for name, paths in request["side_inputs"].items()}
    stage.open(StageContext(Path(request["scratch"]), request["task_index"], side_inputs))
    return stage


def receive(descriptor: int) -> tuple[bytes, pa.Buffer] | None:
    """Kind and body of the next message; None at the end."""
    header = bytearray(HEADER.size)
    if not _read_into(descriptor, memoryview(header)):
        return None
    kind, size = HEADER.unpack(header)
    body = pa.allocate_buffer(size)
    return (kind, body) if _read_into(descriptor, memoryview(body)) else None


def _read_into(descriptor: int, view: memoryview) -> bool:
    while view:
        n = os.readv(descriptor, [view])
        if n == 0:
            return False
        view = view[n:]
    return True


def send(descriptor: int, kind: bytes, *parts: bytes | pa.Buffer) -> None:
    """Write one message."""
    for part in (HEADER.pack(kind, sum(map(len, parts))), *parts):
        view = memoryview(part)
        while view:
            view = view[os.write(descriptor, view) :]


def make_stage(cls: str, config: Mapping[str, Any]) -> BatchStage:
    """Make a stage from "module:Class" and plain values; ConfigError where it cannot be imported."""
    module, _, name = cls.partition(":")
    try:
        stage_class: type[BatchStage] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the stage {cls} cannot be imported: {error}") from error
    return stage_class(stage_class.Config.model_validate(dict(config)))


def to_ipc(batch: pa.RecordBatch) -> pa.Buffer:
    """A batch with its schema, as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def from_ipc(data: pa.Buffer) -> pa.RecordBatch:
    """The batch of `to_ipc`, which goes on living in `data`."""
    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()


def _from_port(port: Port) -> bytes:
    """A port's name, ended and filled up to _ALIGNMENT with zeros."""
    name = port.encode()
    return name.ljust((len(name) // _ALIGNMENT + 1) * _ALIGNMENT, b"\0")


def to_output(answer: pa.Buffer) -> Output:
    """Port and batch of an OUTPUT message."""
    port = memoryview(answer)[:1024].tobytes().partition(b"\0")[0].decode()
    return port, from_ipc(answer.slice(len(_from_port(port))))


if __name__ == "__main__":
    main()
