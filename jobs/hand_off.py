"""Hand shards over to a trainer by its hook: read its configuration, write what it needs, start it and show its log."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.jobs.yaml_file import Place, YamlFile
from mathmill.tokenize.manifest import FILE_NAME
from mathmill.train_hooks.hook import (
    Hook,
    LaunchSpec,
    RunHandle,
    command,
    hand_over,
    hook_class,
    load_hook,
    with_shards,
)

Resolve: TypeAlias = Callable[[str], str]
"""Makes a path of a configuration absolute."""

_SECONDS = 0.2
"""Between two looks at a log."""


@dataclass(frozen=True)
class HandOff:
    """A plan and what it was made from. manifest: of the shards. config: as the hook was given it.

    launches: whether it is to be started, too.
    """

    name: str
    hook: Hook
    manifest: Path
    config: dict[str, Any]
    spec: LaunchSpec
    launches: bool = True

    def write(self) -> list[Path]:
        """Write the export and the files; returns the paths of the export."""
        return hand_over(self.hook, self.spec, self.manifest, self.config)

    def launch(self, shown: bool = True) -> int:
        """Start it and show on stderr what it says until it ends; returns its exit status.

        Stopping this process stops it.
        """
        log = self.spec.folder / "log.txt"
        start = log.stat().st_size if log.exists() else 0
        handle = self.hook.launch(self.spec)
        with _stopped_with_us(handle):
            return _follow(handle, start, shown)

    def lines(self) -> list[str]:
        """The plan for people, without the content of its files."""
        lines = [f"hook     {self.name}", f"shards   {self.manifest.parent}", f"folder   {self.spec.folder}"]
        lines += [f"file     {path}" for path in self.spec.files]
        return [*lines, f"command  {command(self.spec)}", *(f"note     {note}" for note in self.spec.notes)]


def plan_hand_off(name: str, file: YamlFile, resolve: Resolve) -> HandOff:
    """Plan from a configuration file; mistakes name its line. DataError where there are no shards."""
    return plan(name, checked_config(name, file, (), file.value, resolve), file.error)


def plan(name: str, config: dict[str, Any], error: Callable[[Place, str], ConfigError]) -> HandOff:
    """Plan from a configuration with absolute paths. error: makes the ConfigError of a place in it."""
    data = config.get("data")
    where = data.get("shards") if isinstance(data, dict) else None
    if not isinstance(where, str):
        raise error(("data",), "name the folder of shards as data.shards")
    if "://" in where:
        raise error(("data", "shards"), "a hook reads shards of this machine; copy them to a disk first")
    if not isinstance(config.get("out"), str) or "://" in config["out"]:
        raise error(("out",), "name a folder of this machine as out")
    manifest = Path(where) / FILE_NAME
    if not manifest.exists():
        raise DataError(f"{where}: there is no {FILE_NAME} in this folder")
    hook = load_hook(name)
    try:
        return HandOff(name, hook, manifest, config, hook.plan(manifest, config))
    except ConfigError as mistake:
        raise error((), str(mistake)) from mistake


def recipe_config(name: str, config: Mapping[str, Any], run: str) -> dict[str, Any]:
    """What a recipe's `train:` says, with what its run gives: the folder `train`, the shards, the mixture if any.

    A recipe that says `mixture: null` takes all rows instead.
    """
    data = dict(config.get("data") or {})
    mixture = Path(run) / "shards" / "mixture.json"
    if "mixture" not in data and mixture.exists():
        data["mixture"] = str(mixture)
    return with_shards({**config, "out": str(Path(run) / "train"), "data": data}, Path(run) / "shards")


def checked_config(name: str, file: YamlFile, place: Place, value: Any, resolve: Resolve) -> dict[str, Any]:
    """A hook's configuration as plain values with absolute paths, checked where the hook says what it may be.

    place: where the value stands in the file, which errors name.
    """
    if not isinstance(value, dict) or not isinstance(value.get("data") or {}, dict):
        raise file.error(place, "write the settings of the trainer as a mapping")
    model = getattr(hook_class(name), "Config", None)
    if model is not None:
        return file.check(model, value, place, {"resolve": resolve}).model_dump(mode="json", exclude_unset=True)
    for parent, key in ((value.get("data") or {}, "shards"), (value, "out")):
        if isinstance(parent.get(key), str):
            parent[key] = resolve(parent[key])
    return value


def finish(hand_off: HandOff, status: int) -> None:
    """Raise OperationError where a trainer has failed."""
    if status not in (0, 143):
        log = hand_off.spec.folder / "log.txt"
        raise OperationError(f"{hand_off.name} ended with status {status}; the reason stands in {log}")


def _follow(handle: RunHandle, start: int, shown: bool) -> int:
    """Show a log from a place on until the run has ended."""
    with handle.log.open(encoding="utf-8", errors="replace") as log:
        log.seek(start)
        status = None
        while status is None:
            status = handle.poll()
            piece = log.read()
            if shown and piece:
                sys.stderr.write(piece)
                sys.stderr.flush()
            if status is None:
                time.sleep(_SECONDS)
    return status


@contextmanager
def _stopped_with_us(handle: RunHandle) -> Iterator[None]:
    """Pass a stop signal on: the trainer has a process group of its own, which no terminal reaches."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, leave) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)
        if handle.poll() is None:
            handle.stop()
