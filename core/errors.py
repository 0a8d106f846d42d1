"""What mathmill raises: one type for each kind of reader, one sentence each, which says what to do.

The command line prints the sentence alone and exits with `exit_code`; a traceback on the terminal is a defect.
"""

import json


class MathmillError(Exception):
    """An error that a user can act on; its text is one clear sentence."""

    exit_code = 1


class ConfigError(MathmillError):
    """For the author of a recipe: which key of which line is wrong, and what it may be."""

    exit_code = 2


class DataError(MathmillError):
    """For the owner of the data: which file cannot be used as input, and why."""

    exit_code = 3


class OperationError(MathmillError):
    """For the operator: disk, permissions, memory, another run on the same folder."""

    exit_code = 4


def error_to_json(error: MathmillError) -> str:
    """An error on its way to another process: the nearest type of this module, and the sentence."""
    name = next(base.__name__ for base in type(error).__mro__ if base in _TYPES.values())
    return json.dumps([name, str(error)])


def error_from_json(text: str | bytes) -> MathmillError:
    """The error that `error_to_json` has written. ValueError where the text is something else."""
    name, message = json.loads(text)
    if name not in _TYPES:
        raise ValueError(f"{name!r} is no error of mathmill's")
    return _TYPES[name](message)


_TYPES = {kind.__name__: kind for kind in (MathmillError, ConfigError, DataError, OperationError)}
