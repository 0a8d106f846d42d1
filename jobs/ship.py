"""Files that stages read (models, benchmarks, tokenizers) on their way to other machines: through the run folder.

They lie on the driver's disk, where a recipe names them, and executors have other disks. A stage's identity is made
from their content, so that a path of its own on each machine changes nothing.
"""

import atexit
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from mathmill.core.config import file_digest
from mathmill.core.storage import Folder, operating
from mathmill.jobs.plan import Segment
from mathmill.jobs.registry import StageSpec, replace_strings

_PREFIX = "run:"
_FOLDER = "work/files"


def ship(run: Folder, segment: Segment) -> Segment:
    """Put the local files of a segment's stages into the run folder; their configurations name them there."""
    return _map_specs(segment, lambda spec: _rename(spec, {path: _put(str(run), path) for path in _local_files(spec)}))


def unpack(run: Folder, segment: Segment) -> Segment:
    """On another machine: fetch these files, once in a process, and name them where they lie now."""
    return _map_specs(segment, lambda spec: _rename(spec, {name: _get(str(run), name) for name in _shipped(spec)}))


def _map_specs(segment: Segment, change: Callable[[StageSpec], StageSpec]) -> Segment:
    chains = {}
    for key, chain in segment.chains.items():
        forks = {port: tuple(map(change, specs)) for port, specs in chain.forks.items()}
        chains[key] = chain.model_copy(update={"stages": tuple(map(change, chain.stages)), "forks": forks})
    return segment.model_copy(update={"chains": chains})


def _rename(spec: StageSpec, names: dict[str, str]) -> StageSpec:
    return spec.model_copy(update={"config": replace_strings(spec.config, names)}) if names else spec


def _local_files(spec: StageSpec) -> list[str]:
    return [path for path in spec.files() if "://" not in path]


def _shipped(spec: StageSpec) -> list[str]:
    return [path for path in spec.files() if path.startswith(_PREFIX)]


@lru_cache(maxsize=256)
def _put(run: str, path: str) -> str:
    """Put a file or a folder into the run folder, as an archive named by its content; returns its name there."""
    local = Path(path)
    with operating(f"cannot read {path}"), tempfile.TemporaryDirectory(prefix="mathmill-") as temporary:
        archive = Path(temporary) / "files.tar"
        with tarfile.open(archive, "w") as tar:
            for file in [local] if local.is_file() else sorted(file for file in local.rglob("*") if file.is_file()):
                tar.add(file, str(file.relative_to(local.parent)), filter=_anonymous)
        content = f"{archive.stat().st_size}-{file_digest(archive)}"
        folder = Folder(run) / _FOLDER
        if f"{content}.tar" not in folder.names():
            folder.publish(archive, f"{content}.tar")
    return f"{_PREFIX}{content}/{local.name}"


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without time and owner, so that the same content makes the same archive."""
    info.mtime = info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


@lru_cache(maxsize=256)
def _get(run: str, name: str) -> str:
    """Fetch an archive and unpack it, for the life of this process; returns the path of what was put in."""
    content, _, inner = name.removeprefix(_PREFIX).partition("/")
    size, _, checksum = content.partition("-")
    target = tempfile.mkdtemp(prefix="mathmill-files-")
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    with operating(f"cannot unpack {inner} in {target}"), tempfile.TemporaryDirectory(prefix="mathmill-") as temporary:
        copy = Path(temporary) / "files.tar"
        with tarfile.open((Folder(run) / _FOLDER).fetch(f"{content}.tar", copy, int(size), checksum)) as tar:
            tar.extractall(target, filter="data")
    return f"{target}/{inner}"
