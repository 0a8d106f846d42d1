"""What mathmill raises: one type for each kind of reader, one sentence each, which says what to do.

The command line prints the sentence alone and exits with `exit_code`; a traceback on the terminal is a defect.
"""


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
