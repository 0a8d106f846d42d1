"""A small hub: the few answers of Hugging Face's that its client needs to list and read the files of a data set."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

_OID = "0" * 40


@contextmanager
def hub(repository: str, files: dict[str, bytes], is_gated: bool = False) -> Iterator[str]:
    """Serve a data set's files by their path in it; gives the endpoint for the variable HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, query = urlparse(self.path).path, parse_qs(urlparse(self.path).query)
            if is_gated:
                self.answer(401, b"", {"X-Error-Code": "GatedRepo"})
            elif path.startswith(f"/api/datasets/{repository}/tree/main"):
                folder = path.partition("/tree/main")[2].strip("/")
                self.answer(200, json.dumps(_tree(files, folder, query.get("recursive") == ["true"])).encode())
            elif path == f"/api/datasets/{repository}":
                self.answer(200, json.dumps({"id": repository, "sha": _OID, "siblings": []}).encode())
            elif path.startswith(f"/datasets/{repository}/resolve/main/"):
                self.give(files[path.partition("/resolve/main/")[2]])
            else:
                self.answer(404, b"{}")

        do_HEAD = do_POST = do_GET

        def give(self, data: bytes) -> None:
            start, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            end = min(len(data), int(last or len(data)) + 1)
            place = f"bytes {start}-{end - 1}/{len(data)}"
            self.answer(206, data[int(start) : end], {"Content-Range": place, "ETag": f'"{_OID}"'})

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _tree(files: dict[str, bytes], folder: str, is_deep: bool) -> list[dict[str, Any]]:
    """What lies in a folder, as the hub lists it."""
    entries: dict[str, dict[str, Any]] = {}
    for path, data in files.items():
        inside = path.removeprefix(f"{folder}/" if folder else "")
        if folder and inside == path:
            continue
        if "/" in inside and not is_deep:
            name = f"{folder}/{inside.partition('/')[0]}".strip("/")
            entries[name] = {"type": "directory", "oid": _OID, "size": 0, "path": name}
        else:
            entries[path] = {"type": "file", "oid": _OID, "size": len(data), "path": path}
    return list(entries.values())
