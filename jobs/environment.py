"""Packs this environment into an archive for the machines of a cluster, which then need Python and Spark alone.

The archive holds mathmill, its models and every package that it requires (pyspark excepted, which a cluster has), and
`bin/python`, which starts the machine's own Python of the same version with these packages. Before it is written, the
demo runs from it: so it is known to work, and it carries what numba has compiled (a minute and more on each machine
otherwise; compiled code is only used on the same kind of CPU).
"""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points
from pathlib import Path

from isal import igzip
from packaging.requirements import Requirement

from mathmill.core.errors import ConfigError, OperationError
from mathmill.core.storage import operating

EXTRAS = ("spark", "s3")
LEFT_OUT = ("pyspark", "py4j")
PACKAGES = ("core", "curation", "classifiers", "tokenize", "train_hooks", "jobs")
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

LAUNCHER = f"""#!/bin/sh
# Starts this machine's Python {_VERSION} with the packages beside this file.
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
PYTHONPATH="$here/site-packages${{PYTHONPATH:+:$PYTHONPATH}}"
export PYTHONPATH
fits='import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})'
for python in python{_VERSION} python3 /usr/local/bin/python{_VERSION} /usr/bin/python{_VERSION}; do
    if command -v "$python" >/dev/null && "$python" -c "$fits"; then exec "$python" "$@"; fi
done
echo "mathmill's environment needs Python {_VERSION} on $(uname -n), which has none on its PATH" >&2
exit 127
"""


def pack_environment(archive: Path, try_out: bool = True) -> list[str]:
    """Write the archive (.tar.gz); returns the packages in it, as "name version".

    try_out: run the demo from it first. Raises ConfigError where a package cannot be packed, OperationError where the
    demo fails or the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="mathmill-environment-") as folder, operating(f"cannot write {archive}"):
        root = Path(folder)
        packages = required()
        packed = [_copy(dist, root / "site-packages") for dist in packages if dist.name != "mathmill"]
        packed += [_copy_mathmill(dist, root / "site-packages") for dist in packages if dist.name == "mathmill"]
        launcher = root / "bin" / "python"
        launcher.parent.mkdir()
        launcher.write_text(LAUNCHER)
        launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        _round_times(root)
        if try_out:
            _run_demo(launcher)
        _write(archive, root)
    return sorted(packed)


def required() -> list[Distribution]:
    """mathmill, what it requires, and the packages that register stages of their own, with what they require."""
    queue = [Requirement(f"mathmill[{','.join(EXTRAS)}]")]
    queue += [Requirement(point.dist.name) for point in entry_points(group="mathmill.stages") if point.dist is not None]
    found: dict[str, Distribution] = {}
    seen = set()
    while queue:
        requirement = queue.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in LEFT_OUT or (name, *sorted(requirement.extras)) in seen:
            continue
        seen.add((name, *sorted(requirement.extras)))
        try:
            found[name] = distribution(requirement.name)
        except PackageNotFoundError:
            raise ConfigError(f"{requirement.name} is not installed; pip install 'mathmill[spark,s3]'") from None
        for text in found[name].requires or []:
            inner = Requirement(text)
            environments = [{"extra": extra} for extra in requirement.extras] or [{"extra": ""}]
            if inner.marker is None or any(inner.marker.evaluate(environment) for environment in environments):
                queue.append(inner)
    return [found[name] for name in sorted(found)]


def _copy(dist: Distribution, target: Path) -> str:
    """Copy a package's files, without its tests and compiled bytecode."""
    name = dist.metadata["Name"]
    if '"editable": true' in (dist.read_text("direct_url.json") or ""):
        raise ConfigError(f"{name} is installed in editable mode, which does not travel; install it without -e")
    for file in dist.files or []:
        parts = file.parts
        if ".." in parts or "__pycache__" in parts or "tests" in parts or file.suffix in (".pyc", ".pth"):
            continue
        source = Path(str(dist.locate_file(file)))
        if source.is_file():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / file)
    return f"{name} {dist.version}"


def _copy_mathmill(dist: Distribution, target: Path) -> str:
    """Copy our own packages from wherever they are imported from, an editable install included, with the metadata."""
    ignored = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        spec = importlib.util.find_spec(f"mathmill.{package}")
        assert spec is not None
        assert spec.submodule_search_locations is not None
        shutil.copytree(next(iter(spec.submodule_search_locations)), target / "mathmill" / package, ignore=ignored)
    metadata = target / f"mathmill-{dist.version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(dist.read_text("METADATA") or dist.read_text("PKG-INFO") or "")
    (metadata / "entry_points.txt").write_text(dist.read_text("entry_points.txt") or "")
    return f"mathmill {dist.version}"


def _round_times(root: Path) -> None:
    """Whole seconds, which survive any archive: numba's cache is good for one modification time of its source."""
    for path in root.rglob("*"):
        if path.is_file():
            seconds = int(path.stat().st_mtime)
            os.utime(path, (seconds, seconds))


def _run_demo(launcher: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="mathmill-demo-") as out:
        command = [str(launcher), "-m", "mathmill.jobs.cli", "demo", "--out", out, "--workers", "1", "--no-train"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=out, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise OperationError(f"the packed environment does not run the demo: {said[-1] if said else done.returncode}")


def _write(archive: Path, root: Path) -> None:
    temporary = archive.with_name(f".{archive.name}.part")
    try:
        file = igzip.open(str(temporary), "wb", compresslevel=1)  # type: ignore[no-untyped-call]
        with file, tarfile.open(fileobj=file, mode="w") as tar:
            for path in sorted(root.rglob("*")):
                tar.add(path, str(path.relative_to(root)), recursive=False)
        temporary.replace(archive)
    finally:
        temporary.unlink(missing_ok=True)
