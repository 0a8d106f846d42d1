"""One row of shards for people: its text with its mask, so that nobody trains on what they have not seen.

On a terminal what is learned is green and the rest dim; elsewhere the rest stands in [[…]]. Parts with a weight other
than the record's stand in ((x2 …)). Control tokens show their names; a name that is ordinary text has a backslash.
"""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from mathmill.core.errors import ConfigError
from mathmill.tokenize.reader import Row, Segment, ShardReader
from mathmill.tokenize.tokenizer import Tokenizer

_LEARNED, _WEIGHTED, _REST, _HEAD, _PLAIN = "\x1b[32m", "\x1b[1;32m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def row_lines(
    reader: ShardReader, tokenizer: Tokenizer | None, row: int, group: str | None, terminal: bool | None = None
) -> list[str]:
    """The lines to print; ConfigError where the row or the group is not there. terminal: default: whether it is one."""
    terminal = sys.stdout.isatty() if terminal is None else terminal
    rows = range(len(reader))
    if group is not None:
        if group not in reader.groups:
            raise ConfigError(f"there is no group {group!r}; there are {', '.join(reader.groups)}")
        rows = reader.groups[group]
    if row >= len(rows):
        raise ConfigError(f"row {row} is not there; there are {len(rows):,}")
    found = reader[rows[row]]
    learned = int(found.loss_mask.sum())
    key = "green is learned" if terminal else "[[ ]] is not learned"
    lines = [
        f"row {rows[row]}: {found.n_tokens:,} of {reader.seq_len:,} tokens in {len(found.segments)} segments, "
        f"{learned:,} learned; {key}; ((x2 )) counts twice"
    ]
    for segment, labels in zip(found.segments, found.labels, strict=True):
        lines += ["", *_heading(found, segment, labels, terminal)]
        if tokenizer is not None:
            lines.append("".join(_parts(tokenizer, found, segment, terminal)))
    return lines


_TIED = "\u00a0"  # a name and its value stay on one line


def _heading(row: Row, segment: Segment, labels: Mapping[str, Any], terminal: bool) -> Iterator[str]:
    end = segment.start + segment.length
    learned = int(row.loss_mask[segment.start : end].sum())
    part = f", part {segment.part + 1} of {segment.n_parts}" if segment.n_parts > 1 else ""
    width = max(40, shutil.get_terminal_size().columns if terminal else 120)
    title = f"--- {labels['corpus']} {segment.record_id}: tokens {segment.start}..{end}{part}, {learned:,} learned"
    known = {"weight": segment.weight} | {key: value for key, value in labels.items() if key != "corpus"}
    words = ", ".join(
        f"{key}{_TIED}{value:.3g}" if isinstance(value, float) else f"{key}{_TIED}{value}"
        for key, value in known.items()
        if value is not None
    )
    lines = [*textwrap.wrap(_printable(title), width), *textwrap.wrap(_printable(words), width)]
    for number, line in enumerate(line.replace(_TIED, " ") for line in lines):
        yield f"{_HEAD}{line}{_PLAIN}" if terminal and number == 0 else line


def _parts(tokenizer: Tokenizer, row: Row, segment: Segment, terminal: bool) -> Iterator[str]:
    """The segment's text in parts of equal weight."""
    names = {int(token["id"]): str(token["content"]) for token in tokenizer.control_tokens}
    written = re.compile("|".join(map(re.escape, sorted(names.values(), key=len, reverse=True))) or r"(?!)")
    places = range(segment.start, segment.start + segment.length)
    for weight, part in groupby(places, key=lambda place: round(float(row.weights[place] / segment.weight), 4)):
        text = ""
        for is_control, run in groupby((int(row.tokens[place]) for place in part), key=names.__contains__):
            decoded = tokenizer.decode(list(run))
            text += decoded if is_control else written.sub(lambda match: f"\\{match.group()}", decoded)
        yield _marked(_printable(text), weight, terminal)


def _marked(text: str, weight: float, terminal: bool) -> str:
    if weight not in (0, 1):
        text = f"((x{weight:g} {text}))"
    if terminal:
        return f"{_LEARNED if weight == 1 else _WEIGHTED if weight else _REST}{text}{_PLAIN}"
    return text if weight else f"[[{text}]]"


def _printable(text: str) -> str:
    """Text of the web may hold commands to a terminal."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
