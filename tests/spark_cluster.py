"""A Spark standalone cluster on loopback: a master and two workers, each a process of its own, as on real machines."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _is_executor(process: psutil.Process) -> bool:
    try:
        return "org.apache.spark.executor.CoarseGrainedExecutorBackend" in process.cmdline()
    except psutil.Error:  # it has just ended
        return False


class Cluster:
    """The processes of a cluster; `master` is what a driver connects to."""

    def __init__(self, folder: Path) -> None:
        import pyspark

        self._folder, self._home = folder, Path(pyspark.__file__).parent
        self._port, self._ui = free_port(), free_port()
        self.master = f"spark://127.0.0.1:{self._port}"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        ports = ["--host", "127.0.0.1", "--port", str(self._port), "--webui-port", str(self._ui)]
        self._processes.append(self._spawn("master", "org.apache.spark.deploy.master.Master", ports))
        self._wait_for(lambda: self._page() is not None)
        for _ in range(2):
            self.add_worker()

    def add_worker(self) -> None:
        """Start a worker of one core, and wait until the master knows it."""
        known = self._alive()
        name = f"worker-{len(self._processes)}"
        options = ["--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0"]
        options += ["--work-dir", str(self._folder / name), self.master]
        worker = self._spawn(name, "org.apache.spark.deploy.worker.Worker", options)
        self._processes.append(worker)
        self.workers.append(worker)
        self._wait_for(lambda: self._alive() > known)

    def executors(self) -> list[psutil.Process]:
        """Processes of the executors that run now."""
        found = []
        for worker in self.workers:
            if worker.poll() is None:
                found += filter(_is_executor, psutil.Process(worker.pid).children(recursive=True))
        return found

    def kill_worker(self) -> None:
        """SIGKILL the last worker, and with it, as when a machine dies, all that it has started."""
        worker = self.workers.pop()
        children = psutil.Process(worker.pid).children(recursive=True)
        worker.send_signal(signal.SIGKILL)
        for child in children:
            with suppress(psutil.Error):
                child.kill()
        worker.wait()

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait()

    def _spawn(self, name: str, main: str, options: list[str]) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "SPARK_HOME": str(self._home), "SPARK_LOCAL_IP": "127.0.0.1"}
        environment |= {"SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC"}
        command = [str(self._home / "bin" / "spark-class"), main, *options]
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _page(self) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ui}/json/", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def _alive(self) -> int:
        return (self._page() or "").count('"state" : "ALIVE"')

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 90
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the Spark cluster does not start; see the logs in {self._folder}")
            time.sleep(0.2)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.executor.memory": "512m",
    "spark.ui.enabled": "false",
}
"""For a small cluster on loopback."""


def options(**more: str) -> list[str]:
    """The same for the command line."""
    return [part for key, value in {**SETTINGS, **more}.items() for part in ("--conf", f"{key}={value}")]


PYTHON = {"PYSPARK_PYTHON": sys.executable}
