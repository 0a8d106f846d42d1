"""The ```python blocks of a solution with the ```output that stands under them."""

import ast
import re
import warnings
from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import NamedTuple

from mathmill.curation.synthesis.tags import Malformed

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[ \t]*$", re.MULTILINE)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")
_NEAR = Fraction(1, 10**6)
_MAX_CODE = 20_000


class Block(NamedTuple):
    """A program in a text. claim: what it is said to print, None where nothing is said. start, end: in the text, with
    the output; code_end: without.
    """

    code: str
    claim: str | None
    start: int
    code_end: int
    end: int


def read_blocks(text: str) -> list[Block]:
    """The programs of a text in order. Raises Malformed: a block left open, empty, or an output without its program."""
    fences = list(_FENCE.finditer(text))
    blocks: list[Block] = []
    place = 0
    while place < len(fences):
        opening = fences[place]
        if place + 1 == len(fences) or fences[place + 1][1]:
            raise Malformed("a block is left open")
        closing = fences[place + 1]
        content = text[opening.end() : closing.start()].strip("\n")
        kind = opening[1].lower()
        if kind in ("python", "py", "python3"):
            if not content.strip() or len(content) > _MAX_CODE:
                raise Malformed("a program is empty or too long")
            blocks.append(Block(content, None, opening.start(), closing.end(), closing.end()))
        elif kind == "output":
            if not blocks or blocks[-1].claim is not None or text[blocks[-1].end : opening.start()].strip():
                raise Malformed("an output stands under no program")
            blocks[-1] = blocks[-1]._replace(claim=content, end=closing.end())
        place += 2
    return blocks


def prose(text: str, blocks: Sequence[Block]) -> str:
    """A text without its programs and their outputs."""
    pieces, at = [], 0
    for block in blocks:
        pieces.append(text[at : block.start])
        at = block.end
    return "\n".join([*pieces, text[at:]]).strip()


def with_outputs(text: str, blocks: Sequence[Block], outputs: Sequence[str]) -> str:
    """A text with what its programs really print under each of them; nothing where one prints nothing."""
    pieces, at = [], 0
    for block, output in zip(blocks, outputs, strict=True):
        pieces.append(text[at : block.code_end])
        if output.strip():
            pieces.append(f"\n```output\n{output}\n```")
        at = block.end
    return "".join([*pieces, text[at:]])


def computes(blocks: Sequence[Block]) -> bool:
    """Whether the programs do more than print what was known before: an operation, a loop, or a call but `print`.

    True where they cannot be parsed: running them says why.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse("\n".join(block.code for block in blocks))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return any(
        isinstance(node, ast.BinOp | ast.AugAssign | ast.For | ast.While | ast.comprehension)
        or (isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in ("print", "str")))
        for node in ast.walk(tree)
    )


def same_output(claim: str, output: str) -> bool:
    """Whether two outputs are the same but for spaces, and for decimals that the claim rounds to two or more."""
    lines = zip_longest(_lines(claim), _lines(output), fillvalue="")
    return all(_same_line(said, printed) for said, printed in lines)


def _lines(text: str) -> list[str]:
    return ["".join(line.split()) for line in text.splitlines() if line.strip()]


def _same_line(said: str, printed: str) -> bool:
    if said == printed:
        return True
    if _NUMBER.split(said) != _NUMBER.split(printed):
        return False
    pairs = zip(_NUMBER.findall(said), _NUMBER.findall(printed), strict=True)
    return all(_same_number(one, other) for one, other in pairs)


def _same_number(said: str, printed: str) -> bool:
    if said == printed:
        return True
    if not {".", "e", "E"} & set(said + printed):
        return False  # whole numbers are exact
    difference, value = abs(Fraction(said) - Fraction(printed)), abs(Fraction(printed))
    decimals = len(said.partition(".")[2])
    rounds = decimals >= 2 and "e" not in said.lower() and difference <= Fraction(1, 2 * 10**decimals)
    return rounds or difference <= value * _NEAR
