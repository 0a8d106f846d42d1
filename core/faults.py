"""What goes wrong with disks and stores: what is tried again, for how long, and the one sentence when nothing helps.

The clients of stores retry too, each in its own way and one inside the other; the time limit here is the one that
counts. Against a store that is down, an operation ends after PATIENCE; against one that stalls, after 105 s at most.
"""

import errno
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from mathmill.core.errors import MathmillError, OperationError

T = TypeVar("T")

KEPT = "finished tasks are kept"
"""What is said of a run that stops; what starts over when it is run again says that instead."""

PATIENCE = 60.0
"""Seconds after which an operation that fails is not begun again; a stalled S3 request takes up to 45 more."""


def retry(attempt: Callable[[], T]) -> T:
    """Call `attempt`, again after a growing, jittered pause while a store throttles or a connection breaks.

    Raises what the last attempt raised, as an OSError, when PATIENCE is at an end.
    """
    started = time.monotonic()
    pause = 0.125
    while True:
        try:
            return attempt()
        except (FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError):
            raise
        except MathmillError:
            raise
        except Exception as error:
            if not isinstance(error, OSError) and type(error).__module__ == "builtins":
                raise  # a defect, no answer of a store
            pause = min(10.0, 2 * pause)
            seconds = time.monotonic() - started
            if not _is_transient(error):
                if isinstance(error, OSError):
                    raise
                raise OSError(_words(error)) from error  # the SDKs of stores have their own types
            if seconds + pause > PATIENCE:
                advice = f"run again when the store answers, {KEPT}"
                raise OSError(f"{_words(error)} (tried for {seconds:.0f} s; {advice})") from error
        # jitter never reaches any output, only the moment of the next attempt
        time.sleep(pause * random.uniform(0.5, 1.5))


def _words(error: Exception) -> str:
    words = str(error) or type(error).__name__
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        words += ": set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    return words


_TRANSIENT_NUMBERS = {
    errno.EBUSY,
    getattr(errno, "EREMOTEIO", errno.EBUSY),
    errno.EPIPE,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
}
_TRANSIENT_TYPES = {  # of botocore, and of
    *("HTTPClientError", "ConnectionError", "IncompleteReadError", "ResponseParserError", "FlexibleChecksumError"),
    *("ClientPayloadError", "ClientConnectionError", "FSTimeoutError"),  # aiohttp and fsspec
}
_TRANSIENT_WORDS = re.compile(
    r"SlowDown|ServiceUnavailable|InternalError|RequestTimeout|Throttl|reduce your request rate|"
    r"ConditionalRequestConflict|IncompleteBody|\b50[0234]\b|\b429\b|TooManyRequests"
)


def _is_transient(error: Exception) -> bool:
    """Say whether another attempt may do better. EBUSY and EREMOTEIO are what s3fs makes of 503 and 500."""
    if type(error).__name__ == "OfflineModeIsEnabled":  # huggingface_hub, told so by the environment
        return False
    if isinstance(error, (ConnectionError, TimeoutError)) or getattr(error, "errno", None) in _TRANSIENT_NUMBERS:
        return True
    if any(cls.__name__ in _TRANSIENT_TYPES for cls in type(error).__mro__):
        return True
    return bool(_TRANSIENT_WORDS.search(str(error)))


@contextmanager
def operating(what: str) -> Iterator[None]:
    """Turn an OSError into an OperationError that says what to do; what FileNotFoundError means, the caller knows."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OperationError(f"{what}: {explain(error)}") from error


@contextmanager
def writing(what: str) -> Iterator[None]:
    """The same for writing, where a missing folder is an error like any other."""
    try:
        with operating(what):
            yield
    except FileNotFoundError as error:
        raise OperationError(f"{what}: {explain(error)}") from error


def explain(error: OSError) -> str:
    """One clause for an OSError, with what to do about it where that is known."""
    advice: dict[Any, str] = {
        errno.ENOSPC: f"the disk is full; free some space and run again, {KEPT}",
        errno.EDQUOT: f"the disk quota is used up; free some space and run again, {KEPT}",
        errno.EFBIG: "the file would exceed the size limit of the file system or of ulimit -f",
        errno.EROFS: "the file system is read-only; choose another output folder with --out",
        errno.EACCES: "permission denied; choose another output folder with --out or change its permissions",
        errno.EPERM: "operation not permitted; choose another output folder with --out",
        errno.ENOTDIR: "a part of this path is a file, not a folder",
        errno.EISDIR: "this is a folder, not a file",
        errno.EEXIST: "there is something else of this name",
        errno.ENOENT: "its folder has gone, or cannot be made there",
    }
    number = error.errno
    if number is None and (match := re.search(r"errno (\d+)", str(error), re.IGNORECASE)):
        number = int(match[1])  # pyarrow's own IOErrors carry it in the text only
    return advice.get(number) or error.strerror or str(error)
