r"""Expands the macros that a page defines, so that its formulas can be read without the page.

A book writes `\card{A}` and defines `\newcommand{\card}[1]{\left| #1 \right|}` once, in a formula that shows nothing or
in the configuration of MathJax or KaTeX. Definitions count only where a page hands them to its renderer (at the start
of a formula, in a configuration), never in code samples. Expansion is TeX's, left to right with rescanning, and
bounded; a formula that would pass the bounds stays as it is. In one book's environments it brought the share that
KaTeX reads from 0.72 to 0.97.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate, islice
from typing import NamedTuple

from mathmill.curation.html.compose import Formula
from mathmill.curation.html.marks import ANY, COMMAND, MACROS
from mathmill.curation.html.render import Block
from mathmill.curation.html.tex import group_end

MAX_MACROS = 1000
MAX_EXPANSIONS = 500
MAX_LENGTH = 20_000
_MOST_UNCLOSED = 20  # formulas whose definitions do not end: each costs a search through MAX_LENGTH

_COMMAND = re.compile(rb"\\(?:(?:re)?newcommand|def\\|DeclareMathOperator|providecommand|let\\)")
_BEGUN = re.compile(r"\\(?:(?:re)?newcommand|providecommand|def|DeclareMathOperator|let|require|newenv|definecol)")
_BEGUN_BYTES = re.compile(_BEGUN.pattern.encode())
_OPENING_ENDS = b"([$}>"
_LONGEST_PREAMBLE = 2000  # comments between a formula's opening and its first definition
_CODE = re.compile(r"<(pre|code|textarea)\b|<!--")
_START = re.compile(
    r"(?:\\\(|\\\[|\$\$?|\\begin\{(?:equation|align)\*?\}|<script[^<>]*type=[\"']?math/tex[^<>]*>)\s*(?:%[^\n]*\n\s*)*"
    r"(?=\\(?:(?:re)?newcommand|providecommand|def|DeclareMathOperator|let|require|newenvironment|definecolor)\b)"
)


def _name(group: str) -> str:
    return rf"(?:\{{\s*\\(?P<{group}>[A-Za-z]+|[^A-Za-z\s])\s*\}}|\\(?P<{group}_bare>[A-Za-z]+|[^A-Za-z\s]))"


_DEFINITION = re.compile(
    r"\s*(?:%[^\n]*\n\s*)*(?:"
    r"\\(?:(?:re)?new|provide)command\*?\s*" + _name("command") + r"\s*(?:\[(?P<count>\d)\])?\s*"
    r"(?:\[(?P<default>[^\[\]]*)\])?\s*(?=\{)"
    r"|\\[gex]?def\s*\\(?P<defined>[A-Za-z]+|[^A-Za-z\s])\s*(?P<parameters>(?:#\d)*)\s*(?=\{)"
    r"|\\DeclareMathOperator(?P<star>\*?)\s*" + _name("operator") + r"\s*(?=\{)"
    r"|\\let\s*\\(?P<alias>[A-Za-z]+)\s*=?\s*(?P<meaning>\\(?:[A-Za-z]+|[^A-Za-z]))"
    r"|\\(?:definecolor\s*(?:\{[^{}]*\}){3}|require\s*\{[^{}]*\}|newenvironment\s*\{[^{}]*\}))"
)
_MAY_CONFIGURE = re.compile(rb"acros[\"']?\s*:\s*\{")
_CONFIGURATION = re.compile(r"acros(?<=\b[mM]acros)[\"']?\s*:\s*\{")
_STRING = r"(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|String\.raw`[^`]*`)"
_ENTRY = re.compile(
    rf"\s*,?\s*(?P<key>[A-Za-z]+|{_STRING})\s*:\s*"
    rf"(?:(?P<body>{_STRING})|\[\s*(?P<first>{_STRING})\s*(?:,\s*(?P<count>\d))?\s*(?:,\s*(?P<default>{_STRING}))?\s*\])"
)
_CONTROL = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_UNSOUND = re.compile(r"\\(?:mathchoice|csname|if[a-z]*|futurelet|unicode|begingroup|toggle)(?![A-Za-z])")


class Macro(NamedTuple):
    """A macro: its body with `#1` … for its arguments; default: of the first, where that is optional."""

    body: str
    n_arguments: int = 0
    default: str | None = None


Macros = Mapping[str, Macro]
_ALWAYS: Macros = {"amp": Macro("&")}  # PreTeXt's, for XML's sake


def page_macros(source: bytes, marks: int = ANY) -> Macros:
    """The macros that a page defines for its formulas, by their names without the backslash. marks: of the page."""
    found: dict[str, Macro] = dict(_ALWAYS)
    limit = _last_begun(source) if marks & COMMAND and _COMMAND.search(source) is not None else 0
    in_configuration = marks & MACROS != 0 and _MAY_CONFIGURE.search(source) is not None
    if not limit and not in_configuration:
        return found
    whole = source.decode("utf-8", "replace")
    if in_configuration:
        page = _without_code(whole, len(whole))
        for match in islice(_CONFIGURATION.finditer(page), 20):
            _read_configuration(page, match.end(), found)
    page = _without_code(whole, limit) if limit else ""
    left = _MOST_UNCLOSED
    if (first := _BEGUN.search(page, 0, limit)) is not None:
        for match in islice(_START.finditer(page, max(0, first.start() - _LONGEST_PREAMBLE), limit), 500):
            tex = page[match.end() : match.end() + MAX_LENGTH].partition("</")[0]
            left -= not _read_definitions(html.unescape(tex), found)
            if not left:
                break
    return {name: macro for name, macro in found.items() if not _is_circular(name, macro)}


def _last_begun(source: bytes) -> int:
    """The end of the last definition that a formula may begin with, by the characters in front of it; 0 without one.

    What begins with a backslash is found at the speed of memory; all beginnings of formulas take 1 ms a page.
    """
    last = 0
    for match in _BEGUN_BYTES.finditer(source):
        before = source[max(0, match.start() - 100) : match.start()]
        if b"\n" in before or before.rstrip()[-1:] in _OPENING_ENDS:  # an empty end counts: nothing but blanks
            last = match.end() + 20  # with all of its name
    return last


def _is_circular(name: str, macro: Macro) -> bool:
    return re.search(rf"\\{re.escape(name)}(?![A-Za-z])", macro.body) is not None


def _read_definitions(tex: str, found: dict[str, Macro]) -> bool:
    """Read the definitions that a formula begins with; whether all of them are closed."""
    at = 0
    while len(found) < MAX_MACROS and (match := _DEFINITION.match(tex, at)) is not None:
        at = match.end()
        if match["meaning"]:
            target = found.get(match["meaning"][1:])
            found[match["alias"]] = target if target is not None else Macro(match["meaning"])
            continue
        if match["defined"]:
            name, count = match["defined"], len(match["parameters"]) // 2
        else:
            name = next(filter(None, (match[g] for g in ("command", "command_bare", "operator", "operator_bare"))), "")
            count = int(match["count"] or 0)
        if not tex.startswith("{", at):
            continue  # of no macro: a colour, a package
        end = group_end(tex, at)
        if end == -1:
            return False
        body = " ".join(tex[at + 1 : end - 1].split())
        at = end
        if match["operator"] or match["operator_bare"]:
            body = f"\\operatorname{match['star']}{{{body}}}"
        if name and _UNSOUND.search(body) is None:
            found[name] = Macro(body, count, match["default"])
    return True


def _read_configuration(page: str, at: int, found: dict[str, Macro]) -> None:
    """Read the entries of a JavaScript object: `RR: "ℝ"`, `norm: ["‖#1‖", 1]`."""
    while len(found) < MAX_MACROS and (match := _ENTRY.match(page, at)) is not None:
        at = match.end()
        name = _unquoted(match["key"]).removeprefix("\\")
        body = _unquoted(match["body"] or match["first"])
        numbers = [int(digit) for digit in re.findall(r"#(\d)", body)]
        count = int(match["count"] or 0) if match["first"] else max(numbers, default=0)
        default = _unquoted(match["default"]) if match["default"] else None
        if name and len(body) <= MAX_LENGTH and max(numbers, default=0) <= count and _UNSOUND.search(body) is None:
            found[name] = Macro(body, count, default)


def _unquoted(string: str) -> str:
    if string.startswith("String.raw"):
        return string[11:-1]
    if string[0] not in "\"'`":
        return string
    return re.sub(r"\\(.)", lambda match: {"n": " ", "t": " "}.get(match[1], match[1]), string[1:-1], flags=re.DOTALL)


def _without_code(page: str, limit: int) -> str:
    """The page without the code samples and comments that begin before `limit`, in linear time."""
    pieces: list[str] = []
    unclosed: set[str] = set()
    at = 0
    for match in _CODE.finditer(page, 0, limit):
        closing = f"</{match[1]}" if match[1] else "-->"
        if match.start() < at or closing in unclosed:
            continue
        end = page.find(closing, match.end())
        if end == -1:
            unclosed.add(closing)
            continue
        pieces.append(page[at : match.start()])
        at = end
    return " ".join([*pieces, page[at:]])


# --- expansion


class Budget:
    """How many characters the expansions on a page may still write, so that a few macros make no endless text of it."""

    def __init__(self, length: int) -> None:
        self.left = 5 * length + 1_000_000


_STEP = 30  # characters that could be written in the time that reading one macro takes


def expand(tex: str, macros: Macros, budget: Budget | None = None) -> str:
    """Expand the macros in a formula; it stays as it is where that would take too long or arguments are missing."""
    budget = budget or Budget(len(tex))
    original = tex
    out: list[str] = []
    at = expansions = 0
    while (match := _CONTROL.search(tex, at)) is not None:
        macro = macros.get(match[1])
        if macro is None:
            out.append(tex[at : match.end()])
            at = match.end()
            continue
        expansions += 1
        read = _arguments(tex, match.end(), macro)
        if read is None or expansions > MAX_EXPANSIONS or budget.left < 0:
            return original
        values, end = read
        size = len(macro.body) + macro.body.count("#") * sum(map(len, values)) + len(tex) - at
        budget.left -= size + _STEP
        if size > MAX_LENGTH:
            return original
        body = _filled(macro.body, values) if values else macro.body
        before = tex[at : match.start()]
        written = (before or "".join(out[-1:])).rstrip()
        if written.endswith(("^", "_")) and not written.endswith(("\\^", "\\_")):
            body = f"{{{body}}}"  # a script takes one token, and what a macro stands for is one to its author
        elif tex[end : end + 1].isalpha() and re.search(r"\\[A-Za-z]+\Z", body):
            body += " "
        out.append(before)
        tex = body + tex[end:]
        at = 0
    return "".join(out) + tex[at:]


def _filled(body: str, values: list[str]) -> str:
    return re.sub(r"#([1-9])", lambda place: (values[int(place[1]) - 1 :] or [""])[0], body)


def _arguments(tex: str, at: int, macro: Macro) -> tuple[list[str], int] | None:
    """The arguments of a macro that ends at `at` and where they end; None where they are not all there."""
    values: list[str] = []
    while len(values) < macro.n_arguments:
        at += len(tex[at:]) - len(tex[at:].lstrip())
        if not values and macro.default is not None:
            end = group_end(tex, at, "]") if tex.startswith("[", at) else at
            values.append(tex[at + 1 : end - 1] if end > at else macro.default)
            at = max(at, end)
            continue
        if at >= len(tex) or tex[at] in "}&":
            return None
        if tex[at] == "{":
            end = group_end(tex, at)
            if end == -1:
                return None
            values.append(tex[at + 1 : end - 1])
        else:
            token = _CONTROL.match(tex, at)
            end = token.end() if token is not None else at + 1
            values.append(tex[at:end])
        at = end
    return values, at


def expand_formulas(
    text: str, formulas: list[Formula], blocks: list[Block], macros: Macros
) -> tuple[str, list[Formula], list[Block]]:
    """Expand the macros in the formulas of a finished text; spans and blocks move with it."""
    pattern = _mention(frozenset(macros))
    if pattern.search(text) is None:
        return text, formulas, blocks
    budget = Budget(len(text))
    pieces: list[str] = []
    moved: list[Formula] = []
    ends: list[int] = []  # of the formulas that changed
    growth: list[int] = []
    at = length = 0
    for formula in formulas:
        tex = text[formula.start : formula.end]
        new = _expanded(tex, macros, budget) if pattern.search(tex) is not None else tex
        pieces += (text[at : formula.start], new)
        start = length + formula.start - at
        length = start + len(new)
        at = formula.end
        moved.append(formula._replace(start=start, end=length))
        if len(new) != len(tex):
            ends.append(formula.end)
            growth.append(len(new) - len(tex))
    shifts = [0, *accumulate(growth)]

    def shifted(place: int) -> int:
        return place + shifts[bisect_right(ends, place)]

    places = [block._replace(start=shifted(block.start), end=shifted(block.end)) for block in blocks]
    return "".join(pieces) + text[at:], moved, places


def _expanded(tex: str, macros: Macros, budget: Budget) -> str:
    mark = "$$" if tex.startswith("$$") else "$"
    return f"{mark}{expand(tex[len(mark) : -len(mark)], macros, budget).strip() or tex.strip('$')}{mark}"


@lru_cache(maxsize=256)
def _mention(names: frozenset[str]) -> re.Pattern[str]:
    """A pattern for any of the macros."""
    words = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(rf"\\(?:{words})(?![A-Za-z])")
