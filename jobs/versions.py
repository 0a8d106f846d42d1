"""The versions that decide about bytes, here and on the machines of a cluster."""

import platform
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version

from mathmill.core.errors import OperationError
from mathmill.core.storage import Folder

PACKAGES = ("mathmill", "pyarrow", "numpy", "numba", "datatrove", "tokenizers", "selectolax", "isal")


@cache
def versions() -> dict[str, str | None]:
    """Version of Python and of each package; None where it is not installed."""
    return {"python": platform.python_version(), **{name: package_version(name) for name in PACKAGES}}


def package_version(package: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def differences(here: dict[str, str | None], there: dict[str, str | None]) -> list[str]:
    """What differs, as "pyarrow 26.0.0 here, 25.0.0 there"; patch levels of Python do not count."""
    found = []
    for name in here:
        mine, theirs = here[name] or "missing", there.get(name) or "missing"
        if name == "python":
            same = mine.split(".")[:2] == theirs.split(".")[:2]
        else:
            same = mine == theirs
        if not same:
            found.append(f"{name} {mine} here, {theirs} there")
    return found


@lru_cache(maxsize=4)
def check_machine(run: str, here: tuple[tuple[str, str | None], ...]) -> None:
    """On a machine of a cluster: raise OperationError where a task would fail, or give other bytes than `here`."""
    host = platform.node()
    if found := differences(dict(here), versions()):
        advice = "install the same versions there, or run on Spark with one --environment"
        raise OperationError(f"the machine {host} would not give the same bytes ({found[0]}); {advice}")
    if not Folder(run).exists("run.json"):
        raise OperationError(f"the machine {host} does not see {run}; choose an --out that all machines share")
