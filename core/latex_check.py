r"""Whether formulas can be read as LaTeX, and if not, why: KaTeX's verdict without KaTeX.

The commands are KaTeX's (`latex_commands`), the reading is compiled (`latex_parser`): 0.35 µs a formula. It agrees with
KaTeX 0.19.1 on 32,000 distinct formulas of real pages, on 79,000 of problems, and on 99.9 % of 60,000 that were damaged
at random. Commands that a formula defines are not expanded: what follows a definition is not looked at.
"""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from mathmill.core import latex_state as state
from mathmill.core.latex_parser import parse
from mathmill.core.latex_tables import Tables, build

_REASONS = {
    state.UNKNOWN: "unknown command {}",
    state.BRACE: "unbalanced brace",
    state.LEFT_RIGHT: r"unbalanced \left and \right",
    state.ENVIRONMENT: r"unbalanced \begin and \end",
    state.UNKNOWN_ENVIRONMENT: "unknown environment {}",
    state.AMPERSAND: "& outside of a table, or too many",
    state.SUPERSCRIPT: "double superscript",
    state.SUBSCRIPT: "double subscript",
    state.MISSING: "an argument is missing",
    state.BAD_DELIMITER: "no delimiter after {}",
    state.WRONG_MODE: "{} in the wrong mode (math or text)",
    state.CHARACTER: "a character that cannot be there",
    state.BAD_SIZE: "not a length",
    state.BAD_COLOUR: "not a colour",
    state.BAD_COLUMNS: "not a column specification",
    state.NOT_INLINE: "{} in a line of text",
    state.LIMITS_PLACE: "{} without an operator",
    state.TWO_INFIX: "two of \\over in one group",
    state.RULE_PLACE: "{} outside of a table's rows",
    state.BARE_ARGUMENT: "{} as an argument without braces",
    state.DOLLAR: "a dollar sign that cannot be there",
    state.TWO_TAGS: r"two of \tag",
    state.ENDLESS: "a command defined by itself",
    state.TOO_DEEP: "nested too deeply",
}


def latex_errors(formulas: Sequence[str], display: Sequence[bool]) -> list[str | None]:
    """Say for each formula, given without its delimiters, why it cannot be read as LaTeX; None where it can.

    display: whether it stands on a line of its own, which some environments need.
    """
    texts = [formula.encode("utf-8", "replace") for formula in formulas]
    data = np.frombuffer(b"".join(texts) + b"\0\0\0\0", np.uint8)
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]]) if texts else ends
    reasons, places = parse(data, starts, ends, np.array(display, np.bool_), _tables())
    found: list[str | None] = [None] * len(texts)
    for number in np.flatnonzero(reasons).tolist():
        place = int(places[number] - starts[number])
        found[number] = _explain(int(reasons[number]), texts[number], place)
    return found


@cache
def _tables() -> Tables:
    return build()


def _explain(reason: int, text: bytes, place: int) -> str:
    pattern = _REASONS[reason]
    if "{}" not in pattern:
        return pattern
    token = _token(text[place:].lstrip())
    return pattern.format(token) if token != "\\" else "a backslash at the end"


_LONGEST = 40
_NAME = re.compile(r"\\(?:[a-zA-Z@]+|.)?|[a-zA-Z*]+", re.DOTALL)


def _token(text: bytes) -> str:
    r"""The command or the name at the beginning of a text."""
    characters = text.decode("utf-8", "replace")
    match = _NAME.match(characters)
    return (match[0] if match else characters[:1])[:_LONGEST]
