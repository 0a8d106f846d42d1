import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("core", "curation", "classifiers", "tokenize", "train_hooks", "jobs")


def tracked_files() -> set[str]:
    found = subprocess.run(["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(found.stdout.split())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a checkout, so there is no tree to compare with")
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "copy"  # setuptools leaves its build folder beside the source
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(copy)], check=True)
    (built,) = folder.glob("*.whl")
    return {name for name in zipfile.ZipFile(built).namelist() if ".dist-info/" not in name}


@pytest.mark.slow
def test_the_wheel_holds_the_tree_and_nothing_else(wheel: set[str]) -> None:
    head = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = {f"mathmill/{name}" for name in head.stdout.split()}
    assert wheel == expected


def test_every_folder_is_typed() -> None:
    assert all((ROOT / folder / "py.typed").exists() for folder in FOLDERS)


def test_no_folder_shadows_the_standard_library() -> None:
    assert not (ROOT / "tokenize" / "__init__.py").exists()
    assert not (ROOT / "mathmill").exists()
    assert not (ROOT / "__init__.py").exists()
    code = "import tokenize; print(tokenize.generate_tokens.__module__)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "tokenize"


def test_every_package_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    folders = {str(Path(name).parent) for name in tracked_files() if name.endswith(".py")}
    assert listed == {f"mathmill.{folder.replace('/', '.')}" for folder in folders} | {"mathmill.train_hooks"}


def test_the_core_imports_without_spark_torch_or_java() -> None:
    code = (
        "import sys, mathmill.core.stage, mathmill.curation, mathmill.tokenize.reader, mathmill.jobs.cli\n"
        "print(sorted({'pyspark', 'torch', 'transformers', 's3fs'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_importing_the_command_line_loads_no_heavy_library() -> None:
    code = "import sys, mathmill.jobs.cli; print(sorted({'numba', 'pyarrow', 'datatrove'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_pins_name_no_index() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or not line or "==" in line
        assert "://" not in line
