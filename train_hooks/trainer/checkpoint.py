"""Checkpoints that are whole or absent: every rank writes its part beside the training, the last rename makes it one.

`step-00000100/` holds a safetensors file for each rank and state.json, which says where each part of a tensor lies, so
that any number of ranks can go on from it; nothing in it can run code. Ranks write into `….partial-RUN/` in threads of
their own and say so by a file; the main rank waits for all of them, syncs and renames. There is no moment at which a
kill leaves something that looks complete, and the training waits only for the copy to the CPU.
"""

import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.distributed.tensor import DTensor

from mathmill.core.errors import DataError, OperationError
from mathmill.train_hooks.trainer.durable import publish_folder, sync, write_file

VERSION = 1
_PATIENCE = 1800.0  # seconds that the main rank waits for the others' files


@dataclass(frozen=True)
class Part:
    """Where a rank's part of a tensor begins in its first dimension, and how many entries it has there."""

    start: int
    length: int


def parts_of(parameters: dict[str, torch.nn.Parameter]) -> dict[str, Part]:
    """Find out which part of each parameter is this rank's; FSDP divides the first dimension."""
    found = {}
    for name, parameter in parameters.items():
        start = 0
        if isinstance(parameter, DTensor):
            from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

            _, offset = compute_local_shape_and_global_offset(
                parameter.shape, parameter.device_mesh, parameter.placements
            )
            start = offset[0]
            found[name] = Part(start, parameter.to_local().shape[0])
        else:
            found[name] = Part(start, parameter.shape[0])
    return found


class Checkpoints:
    """The checkpoints of a run in `folder`. run: a word that is the same on all ranks and new at each start."""

    def __init__(self, folder: Path, rank: int, world_size: int, run: str, keep: int) -> None:
        self._folder, self._rank, self._size, self._run, self._keep = folder, rank, world_size, run, keep
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        if rank == 0:
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob("*.partial-*"):
                shutil.rmtree(left, ignore_errors=True)

    def save(self, step: int, tensors: dict[str, torch.Tensor], parts: dict[str, Part], state: dict[str, Any]) -> None:
        """Begin to write. tensors: this rank's, on the CPU, nobody else may change them; named `KIND.PARAMETER`, with
        the parameters of `parts`. state: JSON-like, the main rank's is kept.
        """
        self.wait()
        arguments = (step, tensors, parts, state)
        self._thread = threading.Thread(target=self._guarded, args=arguments, name="mathmill-checkpoint")
        self._thread.start()

    def wait(self) -> None:
        """Until what was begun is on disk; OperationError where it could not be written."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise OperationError(f"a checkpoint could not be written to {self._folder}: {error}") from error

    def latest(self) -> Path | None:
        """The newest complete checkpoint."""
        return max(self._folder.glob("step-????????"), default=None)

    def _guarded(self, *arguments: Any) -> None:
        try:
            self._write(*arguments)
        except BaseException as error:  # raised by `wait`
            self._error = error

    def _write(self, step: int, tensors: dict[str, torch.Tensor], parts: dict[str, Part], state: Any) -> None:
        partial = self._folder / f"step-{step:08d}.partial-{self._run}"
        partial.mkdir(parents=True, exist_ok=True)
        file = partial / f"rank-{self._rank}.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items() if tensor.numel()}, file)
        sync(file)
        lengths = {name: [part.start, part.length] for name, part in parts.items()}
        write_file(partial / f"rank-{self._rank}.json", json.dumps({"bytes": file.stat().st_size, "parts": lengths}))
        if self._rank == 0:
            self._complete(partial, step, state)

    def _complete(self, partial: Path, step: int, state: dict[str, Any]) -> None:
        until = time.monotonic() + _PATIENCE
        marks = [partial / f"rank-{rank}.json" for rank in range(self._size)]
        while missing := [mark.name for mark in marks if not mark.exists()]:
            if time.monotonic() > until:
                raise OperationError(f"{missing[0]} has not come; do all machines see the folder?")
            time.sleep(0.05)
        ranks = [json.loads(mark.read_text("utf-8")) for mark in marks]
        for mark in marks:
            mark.unlink()
        content = {"version": VERSION, "step": step, "world_size": self._size, "state": state, "ranks": ranks}
        write_file(partial / "state.json", json.dumps(content, indent=1))
        target = self._folder / f"step-{step:08d}"
        if target.exists():  # a run that went on from it and was stopped at once; it must not be removed for a moment
            shutil.rmtree(partial)
            return
        publish_folder(partial, target)
        complete = sorted(self._folder.glob("step-????????"))
        for old in complete[: -self._keep]:
            gone = old.with_name(f"{old.name}.partial-gone")  # a kill in the middle must not leave half of one
            old.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


class Saved:
    """A complete checkpoint to read from; DataError where it is broken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            content = json.loads((folder / "state.json").read_text("utf-8"))
            if content["version"] != VERSION:
                raise DataError(f"{folder} has version {content['version']}; this mathmill reads {VERSION}")
            self.step: int = content["step"]
            self.world_size: int = content["world_size"]
            self.state: dict[str, Any] = content["state"]
            self._ranks: list[dict[str, Any]] = content["ranks"]
            for rank, written in enumerate(self._ranks):
                if self._file(rank).stat().st_size != written["bytes"]:
                    raise DataError(f"{self._file(rank)} is not as long as it was written; remove {folder}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{folder} is no checkpoint: {error}; remove it to go on from the one before") from error

    def _file(self, rank: int) -> Path:
        return self._folder / f"rank-{rank}.safetensors"

    def reader(self, parts: dict[str, Part]) -> Callable[[str], torch.Tensor]:
        """A function that reads this rank's part of a tensor `KIND.PARAMETER`, however ranks had divided it."""
        files: list[Any] = [safe_open(self._file(rank), framework="pt") for rank in range(len(self._ranks))]
        known = [set(file.keys()) for file in files]

        def read(name: str) -> torch.Tensor:
            parameter = name.partition(".")[2]
            want = parts[parameter]
            pieces = []
            for rank, file in enumerate(files):
                start, length = self._ranks[rank]["parts"].get(parameter, (0, 0))
                first, last = max(want.start, start), min(want.start + want.length, start + length)
                if first < last and name in known[rank]:
                    pieces.append(file.get_slice(name)[first - start : last - start])
            if not pieces:
                if want.length:
                    raise DataError(f"{self._folder} holds no {name}; it is a checkpoint of another model")
                template = next(file for file, names in zip(files, known, strict=True) if name in names)
                pieces.append(template.get_slice(name)[0:0])
            return torch.cat(pieces)

        return read
