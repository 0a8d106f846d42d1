"""Remote files through fsspec that are read whole or not at all.

s3fs takes a short answer for the end of a file, and pyarrow a short file for a damaged one; so sizes are compared with
what the store lists, and what is missing is asked for again. It also reads 50 MiB ahead in every open file and holds
ten parts of 50 MiB in every transfer; here it is 4 MiB, and four parts of 16.
"""

import errno
import io
import os
from typing import Any

import fsspec

from mathmill.core.errors import OperationError
from mathmill.core.faults import operating, retry

PART_BYTES = 16 << 20
"""Of multipart uploads and downloads."""

_PARTS = 4
_BLOCK_BYTES = 4 << 20
_HTTP_SECONDS = 30.0  # without a byte


def filesystem(url: str) -> tuple[Any, str]:
    """Return fsspec's file system for a path or URL, and the path in it.

    Credentials and endpoints come from the environment, as every tool of a store reads them. An S3 client is told to
    hold little in memory, and to leave most of the retrying to us: its own retries multiply to half an hour.
    """
    fs, root = fsspec.url_to_fs(url)
    if _is_http(fs):
        _be_plain(fs)
    if is_s3(fs):
        fs.config_kwargs = {"retries": {"mode": "standard", "total_max_attempts": 1}, **fs.config_kwargs}
        fs.retries = 3
        fs.default_block_size = PART_BYTES
        fs.max_concurrency = min(fs.max_concurrency, _PARTS)
    return fs, root


def is_s3(fs: Any) -> bool:
    """Say whether this is s3fs."""
    return "s3" in fs.protocol and hasattr(fs, "config_kwargs")


def _is_http(fs: Any) -> bool:
    return "https" in fs.protocol and hasattr(fs, "client_kwargs")


def _be_plain(fs: Any) -> None:
    """Have bytes of a web server as they are stored, and no wait of five minutes for one that stalls."""
    import aiohttp  # fsspec has needed it to make `fs`

    own = {
        "auto_decompress": False,
        "headers": {"Accept-Encoding": "identity"},
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=_HTTP_SECONDS, sock_read=_HTTP_SECONDS),
    }
    fs.client_kwargs = {**own, **fs.client_kwargs}


def read_file(fs: Any, path: str) -> bytes:
    """Read a whole file of any file system, and again where the answer has not the size that the listing says."""

    def attempt() -> bytes:
        fs.invalidate_cache(path)
        size = fs.info(path)["size"]
        data: bytes = fs.cat_file(path)
        if size is not None and len(data) != size:
            raise ConnectionError(f"the store sent {len(data):,} bytes of {size:,}")
        return data

    return retry(attempt)


def read_range(fs: Any, path: str, start: int, end: int) -> bytes:
    """Read the bytes [start, end) of a file of any file system, by one request where nothing goes wrong.

    Fewer come only where the file ends before, which is asked of the store when an answer is short. Raises OSError.
    """

    def attempt() -> bytes:
        data = _request(fs, path, start, end)
        if len(data) < end - start:
            fs.invalidate_cache(path)
            size = fs.info(path)["size"]
            if size is None or len(data) != max(0, min(size, end) - start):
                raise ConnectionError(f"the store sent {len(data):,} bytes of {end - start:,}")
        return data[: end - start]

    return retry(attempt)


def _request(fs: Any, path: str, start: int, end: int) -> bytes:
    """Ask for a range once; nothing where it starts behind the file's end."""
    if _is_http(fs):  # its cat_file takes the whole file from a server that knows no ranges
        try:
            with fs.open(path, "rb", size=end, cache_type="none") as file:
                file.seek(start)
                return bytes(file.read(end - start))
        except Exception as error:
            status = getattr(error, "status", None)
            if type(error).__name__ == "TooManyRedirects":
                raise OSError(f"{path} redirects to itself") from error
            if isinstance(error, ValueError):
                raise OSError(f"{path}: the server answers no range requests") from error
            if status in (404, 410):
                raise FileNotFoundError(path) from error
            raise
    try:
        return bytes(fs.cat_file(path, start=start, end=end))
    except OSError as error:
        if error.errno == errno.EINVAL:  # what s3fs makes of 416
            return b""
        raise


class RemoteFile(io.RawIOBase):
    """A remote file for reading, of which `read` gives what was asked for: less only at the end of the file.

    A broken, short or empty answer is asked for again from where it ended; OperationError where that does not help, or
    where the file has changed meanwhile. Arrow takes an OSError for a damaged file, hence the type.
    """

    def __init__(self, fs: Any, path: str) -> None:
        self._fs, self._path = fs, path
        self._position = 0
        self._file: Any = None
        self._info: dict[str, Any] | None = None
        retry(self._opened)

    def _opened(self) -> Any:
        """The file object of the store, a new one after an error. Raises OSError."""
        if self._file is None:
            self._fs.invalidate_cache(self._path)
            info = self._fs.info(self._path)
            if self._info is not None and any(self._info.get(key) != info.get(key) for key in ("size", "ETag")):
                raise OperationError(f"{self._path} has changed while it was read; run again")
            self._file = self._fs.open(self._path, "rb", block_size=_BLOCK_BYTES)
            self._info = info
        return self._file

    @property
    def size(self) -> int:
        """Bytes, as listed when the file was opened."""
        assert self._info is not None
        return int(self._info["size"])

    def _read_some(self, size: int) -> bytes:
        try:
            file = self._opened()
            file.seek(self._position)
            if data := file.read(size):
                return bytes(data)
        except Exception:
            self._file = None
            raise
        self._file = None
        raise ConnectionError(f"the store sent nothing at byte {self._position:,} of {self.size:,}")

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes, or all that is left; fewer at the end of the file only."""
        left = self.size - self._position
        left = left if size is None or size < 0 else min(size, left)
        parts = []
        while left > 0:
            with operating(f"cannot read {self._path}"):
                try:
                    part = retry(lambda: self._read_some(left))  # noqa: B023 (called at once)
                except FileNotFoundError as error:
                    raise OperationError(f"{self._path} has gone while it was read; run again") from error
            parts.append(part)
            self._position += len(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as the file goes."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """The byte that is read next."""
        return self._position

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Let go of the store's file object."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        super().close()
