"""The hand-off: what a trainer, ours or anybody's, offers so that `mathmill train` and recipes can drive it.

A hook is a class with three methods, registered under the entry point group `mathmill.train_hooks`. What passes between
mathmill and a hook is the manifest on disk, plain values and files, never Python objects, so that the trainer may live
in another environment or on another machine.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from mathmill.core.errors import ConfigError, OperationError

GROUP = "mathmill.train_hooks"
DATA = "data"
"""Where in a plan's folder its export lies."""

_BUNDLED = {
    "axolotl": "mathmill.train_hooks.axolotl:Axolotl",
    "llamafactory": "mathmill.train_hooks.llamafactory:LlamaFactory",
    "mathmill": "mathmill.train_hooks.mathmill:Mathmill",
    "megatron": "mathmill.train_hooks.megatron:Megatron",
    "trl": "mathmill.train_hooks.trl:Trl",
}


@dataclass(frozen=True)
class LaunchSpec:
    """How a trainer is started.

    argv: the command. env: variables on top of the present ones. files: texts that the command needs, by absolute path.
    folder: absolute; where it runs, where its export lies (`data/`) and what it says is kept (`log.txt`). notes: what a
    user should know before, such as what of the configuration or the data this trainer does not take.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    notes: tuple[str, ...] = ()


class RunHandle(Protocol):
    """A trainer at work. log: the file that its output goes to."""

    log: Path

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit status; TimeoutError after so many seconds."""
        ...

    def stop(self, grace: float = 120.0) -> int:
        """Ask it to save and end, end it after `grace` seconds; returns its exit status."""
        ...


class Hook(Protocol):
    """A trainer. A class may also have `Config`, a pydantic model of its configuration: recipes are checked with it."""

    def plan(self, manifest: Path, config: Mapping[str, Any]) -> LaunchSpec:
        """How to train on the shards of a manifest. config: plain values with absolute paths; `out` is the folder.

        Writes nothing. The command may count on the export in `out/data`. Raises ConfigError.
        """
        ...

    def export(self, manifest: Path, out: Path, data: Mapping[str, Any] | None = None) -> list[Path]:
        """Write the data into the folder `out` as the trainer reads it; returns what was written.

        data: `mixture` (path of a mixture.json) and `groups` where the configuration's `data:` names them.
        """
        ...

    def launch(self, spec: LaunchSpec) -> RunHandle:
        """Start what was planned; its files and export are there."""
        ...


class LocalProcess:
    """A `RunHandle` of a process of this machine and all that it starts, which share a process group."""

    def __init__(self, spec: LaunchSpec) -> None:
        """Start; OperationError where the command cannot be started."""
        self.log = spec.folder / "log.txt"
        try:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    spec.argv,
                    cwd=spec.folder,
                    env={**os.environ, **spec.env},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise OperationError(f"cannot start {spec.argv[0]}: {error.strerror}; is it installed here?") from error

    def poll(self) -> int | None:
        """See `RunHandle`."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """See `RunHandle`."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"still at work after {timeout:g} s") from None

    def stop(self, grace: float = 120.0) -> int:
        """See `RunHandle`."""
        self._signal(signal.SIGTERM)
        try:
            return self.wait(grace)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            return self.wait()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self.poll() is None:
                os.killpg(self._process.pid, number)


def hook_names() -> dict[str, str]:
    """Every hook: its name and its class as "module:Class"; an installed one may replace a bundled one."""
    found = {point.name: point.value for point in entry_points(group=GROUP)}
    return dict(sorted({**_BUNDLED, **found}.items()))


def hook_class(name: str) -> Any:
    """The class of a hook; ConfigError for a name that is not known or cannot be imported."""
    names = hook_names()
    if name not in names:
        raise ConfigError(f"there is no training hook {name!r}; there are {', '.join(names)}")
    module, _, attribute = names[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the training hook {name} cannot be imported: {error}") from error


def load_hook(name: str) -> Hook:
    """A hook, by its name."""
    return hook_class(name)()


def with_shards(config: Mapping[str, Any], shards: str | Path) -> dict[str, Any]:
    """A configuration with `data.shards` filled in."""
    return {**config, "data": {**(config.get("data") or {}), "shards": str(shards)}}


def hand_over(hook: Hook, spec: LaunchSpec, manifest: Path, config: Mapping[str, Any]) -> list[Path]:
    """Write the export and the files of a plan; returns the paths of the export. An earlier hand-over is replaced.

    OperationError where a file cannot be written.
    """
    data = {key: value for key, value in (config.get("data") or {}).items() if key in ("mixture", "groups") and value}
    paths = hook.export(manifest, spec.folder / DATA, data) if data else hook.export(manifest, spec.folder / DATA)
    try:
        spec.folder.mkdir(parents=True, exist_ok=True)
        for path, text in spec.files.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text, "utf-8")
    except OSError as error:
        raise OperationError(f"cannot write {error.filename}: {error.strerror}") from error
    return paths


def command(spec: LaunchSpec) -> str:
    """The command of a plan for a shell, run in its folder."""
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in spec.env.items()), shlex.join(spec.argv)])


def describe(spec: LaunchSpec) -> dict[str, Any]:
    """A plan as JSON-like values."""
    return {
        "argv": list(spec.argv),
        "env": dict(spec.env),
        "files": dict(spec.files),
        "folder": str(spec.folder),
        "notes": list(spec.notes),
    }
