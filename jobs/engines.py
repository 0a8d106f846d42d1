"""Engines by name, as `mathmill run --engine` opens them. What an engine needs is imported when it is opened."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from mathmill.core.config import Config
from mathmill.core.errors import ConfigError
from mathmill.jobs.engine import Engine

_KNOCK_SECONDS = 10.0
NAMES = ("local", "spark", "slurm", "ray")


class EngineSettings(Config):
    """Which engine runs a recipe, and how.

    workers: processes of this machine (local; None: one for each core), or the most tasks at a time (slurm, ray; None:
        as many as the cluster takes); Spark has its own cores.
    master: of Spark: `spark://host:7077`, `local[4]`, `yarn`, `k8s://…`, or a Spark Connect server, `sc://host:15002`;
        of Ray: the cluster's address. None: what the environment says.
    environment: an archive that `mathmill pack-environment` made, for machines without mathmill (spark).
    conf: settings of the engine's own: Spark properties, sbatch arguments, Ray task options.
    """

    name: str = "local"
    workers: int | None = None
    master: str | None = None
    environment: str | None = None
    conf: dict[str, str] = {}


@contextmanager
def open_engine(settings: EngineSettings, scratch: Path) -> Iterator[Engine]:
    """Open an engine, and close it at the end. Raises ConfigError where there is none of this name, or no package.

    scratch: a local folder of this run for the driver's temporary files.
    """
    if settings.name not in NAMES:
        raise ConfigError(f"there is no engine {settings.name!r}; choose from {', '.join(NAMES)}")
    make: Callable[[EngineSettings, Path], Engine] = import_module(f"mathmill.jobs.{settings.name}").make_engine
    engine = make(settings, scratch)
    try:
        yield engine
    finally:
        engine.close()


def knock(address: str, default_port: int | None = None) -> None:
    """Raise OSError where nobody listens at a host and port: the clients of Ray and Spark Connect wait for minutes."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.hostname and (port := parts.port or default_port):
        socket.create_connection((parts.hostname, port), timeout=_KNOCK_SECONDS).close()
