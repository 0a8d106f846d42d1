"""What many tests share: the finished run of the bundled example, and how to compare two runs."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import xxhash

from mathmill.jobs.example import demo_recipe
from mathmill.jobs.run import Finished, run_recipe

ANSWER_FOLDERS = ("documents", "problems", "dropped", "quarantine", "tokens", "shards")
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
