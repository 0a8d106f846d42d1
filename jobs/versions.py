"""The versions that decide about bytes, here and on the machines of a cluster."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

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
