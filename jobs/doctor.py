"""What this machine has and lacks for a run, and how to get what is missing."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil
import pyarrow as pa

from mathmill.core.errors import MathmillError
from mathmill.core.sandbox import sandbox_state
from mathmill.core.storage import Folder
from mathmill.jobs.engines import EngineSettings
from mathmill.jobs.spark_session import Session, scratch_path
from mathmill.jobs.versions import differences, versions

_GIB = 1 << 30
_NEEDED = (
    "pyarrow",
    "numpy",
    "numba",
    "datatrove",
    "fasttext-community",
    "tokenizers",
    "tiktoken",
    "isal",
    "selectolax",
)
_EXTRAS = {
    "s3fs": ("mathmill[s3]", "s3:// paths"),
    "pyspark": ("mathmill[spark]", "--engine spark"),
    "ray": ("mathmill[ray]", "--engine ray"),
    "aiohttp": ("mathmill[synth]", "models behind endpoints"),
    "torch": ("mathmill[train]", "training, and models in this process"),
    "transformers": ("mathmill[train]", "training, and models in this process"),
}
_OLDEST_JAVA = 17  # of Spark 4


@dataclass(frozen=True)
class Check:
    """One finding: state is "ok", "note" (something optional is missing) or "broken"."""

    name: str
    state: str
    detail: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def examine() -> list[Check]:
    """Examine the machine; takes a second or two."""
    return [_python(), *_packages(), _memory(), _temporary(), _java(), _s3(), *_sandbox()]


def _python() -> Check:
    ok = sys.version_info >= (3, 11)
    detail = f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"
    return Check("python", "ok" if ok else "broken", detail if ok else f"{detail}; mathmill needs 3.11 or newer")


def _packages() -> Iterator[Check]:
    for name in _NEEDED:
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "broken", "is not installed; pip install mathmill brings it")
    for name, (extra, use) in _EXTRAS.items():
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "note", f"is not installed; pip install '{extra}' for {use}")


def _memory() -> Check:
    free = psutil.virtual_memory().available / _GIB
    workers = max(1, int(free // 2))
    state = "ok" if free >= 2 else "broken"
    return Check("memory", state, f"{free:.1f} GiB free, enough for {workers} workers at 2 GiB each")


def _temporary() -> Check:
    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free / _GIB
    except OSError as error:
        return Check("temporary space", "broken", f"{error.strerror}; set TMPDIR to a folder that can be written")
    return Check("temporary space", "ok" if free >= 2 else "broken", f"{free:.1f} GiB free in {folder}")


def _java() -> Check:
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java") or "java"
    wanted = f"Spark needs {_OLDEST_JAVA} or newer: apt install openjdk-{_OLDEST_JAVA}-jre-headless, then set JAVA_HOME"
    try:
        found = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return Check("java", "note", f"not found at {java}; only {wanted}")
    line = found.stderr.splitlines()[0] if found.stderr else ""
    number = re.search(r'"(?:1\.)?(\d+)', line)
    if number is None or int(number[1]) < _OLDEST_JAVA:
        return Check("java", "note", f"{line}; {wanted}")
    return Check("java", "ok", line)


def _s3() -> Check:
    has_key = "AWS_ACCESS_KEY_ID" in os.environ and "AWS_SECRET_ACCESS_KEY" in os.environ
    has_profile = "AWS_PROFILE" in os.environ or os.path.exists(os.path.expanduser("~/.aws/credentials"))
    if has_key or has_profile:
        return Check("s3 credentials", "ok", "in the environment" if has_key else "in a profile")
    return Check("s3 credentials", "note", "none; only s3:// paths need them (AWS_ACCESS_KEY_ID, AWS_PROFILE)")


def _sandbox() -> Iterator[Check]:
    """What confines programs that models have written; only synthesis and evaluation run any."""
    for name, works, detail in sandbox_state():
        yield Check(name, "ok" if works else "note", detail)


def examine_cluster(settings: EngineSettings, out: str | None) -> Iterator[Check]:
    """Examine the machines of a Spark cluster: what each has, as a task sees it."""
    try:
        session = Session.open(settings)
    except MathmillError as error:
        yield Check("spark", "broken", str(error))
        return
    try:
        yield Check("spark", "ok", f"{session.spark.version} at {settings.master or 'the configured master'}")
        machines = {row["host"]: row for row in session.probe(Probe(out))}
        for host, found in sorted(machines.items()):
            yield from _machine(host, found, out)
    except MathmillError as error:
        yield Check("executors", "broken", str(error))
    finally:
        session.close()


def _machine(host: str, found: Any, out: str | None) -> Iterator[Check]:
    other = differences(versions(), json.loads(found["versions"]))
    advice = "; the bytes may differ, use one --environment" if other else ""
    yield Check(host, "broken" if other else "ok", f"{', '.join(other) or 'the same versions as here'}{advice}")
    room = f"{found['memory'] / _GIB:.1f} GiB of memory and {found['temporary'] / _GIB:.1f} GiB of temporary space free"
    yield Check(host, "ok" if min(found["memory"], found["temporary"]) >= 2 * _GIB else "broken", room)
    if out is not None:
        state = "ok" if found["sees_out"] else "broken"
        yield Check(host, state, f"{'can' if found['sees_out'] else 'cannot'} write {out}")


class Probe:
    """What a Spark task finds on its machine: host, versions as JSON, free bytes, whether it can write a folder."""

    columns = "host string, versions string, memory bigint, temporary bigint, sees_out boolean"

    def __init__(self, out: str | None) -> None:
        self._out = out

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row, whatever comes in."""
        for _ in batches:
            row = {
                "host": platform.node(),
                "versions": json.dumps(versions()),
                "memory": psutil.virtual_memory().available,
                "temporary": shutil.disk_usage(scratch_path("probe").parent).free,
                "sees_out": self._out is not None and _can_write(self._out),
            }
            yield pa.RecordBatch.from_pylist([row])


def _can_write(out: str) -> bool:
    name = f".doctor-{uuid.uuid4().hex}"
    try:
        folder = Folder(out)
        folder.write(name, b"")
        folder.remove(name)
    except (MathmillError, OSError):
        return False
    return True
