"""What this machine has and lacks for a run, and how to get what is missing."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import psutil

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
_EXTRAS = {"s3fs": "mathmill[s3]"}


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
    return [_python(), *_packages(), _memory(), _temporary(), _java(), _s3()]


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
    for name, extra in _EXTRAS.items():
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "note", f"is not installed; pip install '{extra}' for s3:// paths")


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
    java = shutil.which("java") or os.path.join(os.environ.get("JAVA_HOME", "/"), "bin", "java")
    try:
        found = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return Check("java", "note", "not found; only Spark needs it (17 or newer)")
    return Check("java", "ok", found.stderr.splitlines()[0] if found.stderr else "found")


def _s3() -> Check:
    has_key = "AWS_ACCESS_KEY_ID" in os.environ and "AWS_SECRET_ACCESS_KEY" in os.environ
    has_profile = "AWS_PROFILE" in os.environ or os.path.exists(os.path.expanduser("~/.aws/credentials"))
    if has_key or has_profile:
        return Check("s3 credentials", "ok", "in the environment" if has_key else "in a profile")
    return Check("s3 credentials", "note", "none; only s3:// paths need them (AWS_ACCESS_KEY_ID, AWS_PROFILE)")
