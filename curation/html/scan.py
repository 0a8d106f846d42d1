r"""Finds the formulas that stand delimited in a text: `\(…\)`, `$…$`, environments, BBCode, escaped tags, AsciiMath.

One pass from left to right with one alternation of all openings; what has no proper end is left alone. A formula ends
at the first closing delimiter outside of braces, as in MathJax, so `$` inside `\text{…}` does not end it. The work
spent on openings without an end is bounded, so that a hostile text costs linear time.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from mathmill.curation.html.asciimath import asciimath_to_latex, looks_like_asciimath
from mathmill.curation.html.delimiters import Delimiters
from mathmill.curation.html.tex import (
    MATH_ENVIRONMENTS,
    clean_tex,
    is_amount,
    is_dangling,
    is_displayed_word,
    looks_like_math,
    strip_delimiters,
    undamaged,
)

MAX_FORMULA_CHARS = 20_000
MAX_INLINE_CHARS = 2_000
MAX_FORMULAS = 100_000  # in one paragraph; a book has some thousand

_ENCODINGS = {
    "\\(": "tex_paren",
    "\\[": "tex_bracket",
    "$$": "tex_dollars",
    "\\\\(": "tex_paren",
    "\\\\[": "tex_bracket",
}
_DOUBLED = (("\\\\(", "\\\\)"), ("\\\\[", "\\\\]"))
_TRIPLED = {"$$$": ("$$$", False), "$$$$$$": ("$$$$$$", True)}  # Codeforces'
_BREAK = "\0n"
_PLACEHOLDER = re.compile("\0[^n]")
_WORDPRESS = re.compile(r"latex(?:\s+|=\s*|(?=\\))", re.IGNORECASE)
_WORDPRESS_SETTINGS = re.compile(r"(?:&(?:s|fg|bg)=\w*)+\s*\Z")  # size and colours: `$latex x^2&s=2&bg=ffffff$`


_GLUED = re.compile(r"[\\^_]|[A-Za-z](?:[\^_][A-Za-z\d]){0,2}\$(?![A-Za-z\d])")  # 90$^\circ$, 2$\pi$, 4$x$
_CODES = "tex|itex|latex|math|imath|dmath|katex|mathjaxinline|mathjax|mathtex|mimetex|eqn?|equation|asciimath|m"
_BRACES = (
    r"(?P<study>\{eq\})|\{\{(?P<template>math|mvar|tmath)\||(?P<fence>```math\b)|(?P<wide>＄)|"
    r"\{\{[<%]\s*(?P<short>katex|math|mathjax|latex|tex)\b[^{}<>%]{0,60}[>%]\}\}"
)
_BRACKETS = (
    rf"\[(?P<code>{_CODES})(?:[= ][^\]\[\n]{{0,60}})?\]|<(?P<tag>math|tex|latex)\b[^<>]{{0,100}}>|\[(?P<money>\$\$?)\]"
)
"""What opens a formula in forums, wikis and Markdown, not yet rendered: `{eq}` is Study.com's, `{{<` Hugo's."""


class Found(NamedTuple):
    """A formula in a text: `text[start:end]`, delimiters included, is `tex`."""

    start: int
    end: int
    tex: str
    display: bool
    encoding: str


class _Budget:
    """How many characters a scan may still look at beyond those that it consumes."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


class Scanner:
    """Finds formulas for one set of delimiters; made once per set by `scanner`."""

    def __init__(self, delimiters: Delimiters) -> None:
        self.delimiters = delimiters
        inline = {opening: (closing, False) for opening, closing in delimiters.inline}
        display = {opening: (closing, True) for opening, closing in delimiters.display}
        doubled = {opening: (closing, opening == "\\\\[") for opening, closing in _DOUBLED}
        tripled = _TRIPLED if delimiters.dollar != "yes" else {}
        self.pairs: dict[str, tuple[str, bool]] = {**doubled, **tripled, **inline, **display}
        self.unsure = tripled.keys() - inline.keys() - display.keys()
        self.ascii_pairs = dict(delimiters.asciimath)
        openings = sorted({*self.pairs, *self.ascii_pairs}, key=lambda opening: (-len(opening), opening))
        alternatives = [
            r"\\begin\s*\{(?P<environment>[A-Za-z]+\*?)\}",
            *map(re.escape, openings),
            r"\\\\|\\[$`]",
        ]
        if delimiters.dollar != "no":
            alternatives.append(r"\$")
        alternatives.append(_BRACES)
        if delimiters.bbcode:
            alternatives.append(_BRACKETS)
        self.opening = re.compile("|".join(alternatives), re.IGNORECASE if delimiters.bbcode else 0)
        first = {opening[0] for opening in openings} | {"\\"} | ({"$"} if delimiters.dollar != "no" else set())
        self.triggers = [*sorted(first | ({"[", "<"} if delimiters.bbcode else set())), "{", "＄", "```"]

    def may_hold(self, text: str) -> bool:
        """A cheap test: False means that there is no formula in the text."""
        for char in self.triggers:  # noqa: SIM110 (a generator takes three times as long)
            if char in text:
                return True
        return False

    def scan(self, text: str) -> list[Found]:
        """All formulas of a text, in order, not overlapping; one that only defines macros has an empty `tex`."""
        found: list[Found] = []
        budget = _Budget(10 * len(text) + 100_000)
        at = 0
        while len(found) < MAX_FORMULAS and budget.left > 0 and (match := self.opening.search(text, at)) is not None:
            formula = self._formula(text, match, budget)
            if formula is None:
                at = match.end()
                continue
            at = formula.end
            if formula.encoding:
                found.append(formula)
        return found

    def _formula(self, text: str, match: re.Match[str], budget: _Budget) -> Found | None:
        opening, start = match[0], match.end()
        if match["environment"]:
            return _environment(text, match, budget)
        if opening == "$" and "$" not in self.pairs and "$" not in self.ascii_pairs:
            return self._dollar(text, match, "$", budget)
        if opening in self.ascii_pairs:
            return self._asciimath(text, match)
        if match["wide"]:
            return self._dollar(text, match, "＄", budget)
        if match.lastgroup:
            return _markup(text, match, self.delimiters.itex, budget)
        if opening not in self.pairs:  # an escaped backslash, dollar or backtick
            return None
        closing, display = self.pairs[opening]
        end = _closing_at(text, start, closing, budget, opening=opening)
        if end == -1:
            return None
        if opening in ("$$", "$$$") and _is_grade(text, start, end, len(closing)):
            return None
        content = undamaged(text[start:end].replace(_BREAK, "\n"))
        if _PLACEHOLDER.search(content) or not looks_like_math(content, sure=True):
            return None
        if opening in self.unsure and (content[:1].isspace() or content[-1:].isspace() or "$" in content):
            return None
        if display and opening == "$$":
            content = _WORDPRESS.sub("", content, count=1) if _WORDPRESS.match(content) else content
        tex = clean_tex(content, display)
        return Found(match.start(), end + len(closing), tex, display, _ENCODINGS.get(opening, "tex_custom"))

    def _dollar(self, text: str, match: re.Match[str], closing: str, budget: _Budget) -> Found | None:
        start = match.end()
        sure = self.delimiters.dollar == "yes"
        before = text[match.start() - 1 : match.start()]
        glued = (
            not sure and before.isascii() and before.isalnum() and text[match.start() - 2 : match.start() - 1] != "\0"
        )
        if glued and not _GLUED.match(text, start):
            return None
        end = _closing_at(text, start, closing, budget, MAX_INLINE_CHARS)
        if end == -1:
            return None
        content = undamaged(text[start:end].replace(_BREAK, "\n"))
        if content[:1] == "`" == content[-1:] and len(content) > 2:  # GitHub's and GitLab's $`x`$
            return Found(match.start(), end + 1, clean_tex(content[1:-1]), False, "tex_dollar")
        wordpress = _WORDPRESS.match(content)
        if _PLACEHOLDER.search(content) or not (wordpress or looks_like_math(content, sure)):
            return None
        after = text[end + 1 : end + 2]
        if wordpress:
            content = _WORDPRESS_SETTINGS.sub("", content[wordpress.end() :])
        elif is_amount(content, after) or (not sure and (is_dangling(content, after) or "\n\n" in content)):
            return None
        tex = clean_tex(content)
        return Found(match.start(), end + 1, tex, False, "tex_dollar") if tex or not wordpress else None

    def _asciimath(self, text: str, match: re.Match[str]) -> Found | None:
        closing = self.ascii_pairs[match[0]]
        end = text.find(closing, match.end(), match.end() + 2000)
        if end == -1 or "\0" in (content := text[match.end() : end]):
            return None
        if not looks_like_asciimath(content):  # code between backticks, as in Markdown: passed over as a whole
            return Found(match.start(), end + len(closing), "", False, "")
        return Found(match.start(), end + len(closing), asciimath_to_latex(undamaged(content)), False, "asciimath")


def _is_grade(text: str, start: int, end: int, size: int) -> bool:
    """Whether two double dollars with `text[start:end]` between them are grades of prices: `$$ or $$$`."""
    if text.startswith("$", start) or is_displayed_word(text[start:end]):
        return True
    follows = len(_DOLLARS.match(text, end + size)[0])  # type: ignore[index]
    return follows != 0 and (follows != size or _CONTENT.search(text, start, end) is None)  # 2: the next formula's


_DOLLARS = re.compile(r"\$*")
_CONTENT = re.compile(r"[^\W_]")


@lru_cache(maxsize=256)
def scanner(delimiters: Delimiters) -> Scanner:
    """The scanner for a page's delimiters."""
    return Scanner(delimiters)


def _markup(text: str, match: re.Match[str], itex: bool, budget: _Budget) -> Found | None:
    """BBCode, escaped tags, wikis' templates and fences."""
    start = match.end()
    groups = match.groupdict(default="")
    code, tag, money = (groups.get(name, "").lower() for name in ("code", "tag", "money"))
    closing = _pattern(_markup_end(groups, code, tag, money))
    limit = start + MAX_FORMULA_CHARS
    end = closing.search(text, start, limit)
    if end is None:
        budget.left -= min(len(text), limit) - start
        return None
    content = text[start : end.start()].replace(_BREAK, "\n")
    if _PLACEHOLDER.search(content) or not content.strip():
        return None
    if groups["template"]:
        content = re.sub(r"\A\s*1\s*=|''+", "", content)
    if code == "asciimath":
        return Found(match.start(), end.end(), asciimath_to_latex(undamaged(content)), False, "asciimath")
    inner, is_display = strip_delimiters(content)
    display = bool(is_display) or code == "dmath" or (code in ("tex", "mathjax") and itex)
    display = display or money == "$$" or groups["fence"] != ""
    display = display or _DISPLAY.search(match[0]) is not None
    return Found(match.start(), end.end(), clean_tex(inner, display), display, "math_tag" if tag else "bbcode")


_DISPLAY = re.compile(r"display\W+(?:true|block)|block", re.IGNORECASE)


def _markup_end(groups: dict[str, str], code: str, tag: str, money: str) -> str:
    if code:
        return rf"\[/{code}\]"
    if tag:
        return rf"</{tag}\s*>"
    if groups["short"]:
        return rf"\{{\{{[<%]\s*/\s*{groups['short']}\s*[>%]\}}\}}"
    if money:
        return rf"\[/{re.escape(money)}\]"
    return r"\{/eq\}" if groups["study"] else r"\}\}" if groups["template"] else "```"


@lru_cache(maxsize=64)
def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)


def _environment(text: str, match: re.Match[str], budget: _Budget) -> Found | None:
    name = match["environment"]
    if name.rstrip("*") not in MATH_ENVIRONMENTS:
        return None
    depth = 1
    limit = match.end() + MAX_FORMULA_CHARS
    for mark in _environment_marks(name).finditer(text, match.end(), limit):
        depth += 1 if mark[1] == "begin" else -1
        if depth == 0:
            content = text[match.start() : mark.end()]
            if _PLACEHOLDER.search(content):
                return None
            inner, display = strip_delimiters(content.replace(_BREAK, "\n"))
            tex = clean_tex(inner, display=display is not False)
            return Found(match.start(), mark.end(), tex, display is not False, "tex_environment")
    budget.left -= min(len(text), limit) - match.end()
    return None


@lru_cache(maxsize=128)
def _environment_marks(name: str) -> re.Pattern[str]:
    return re.compile(rf"\\(begin|end)\s*\{{{re.escape(name)}\}}")


@lru_cache(maxsize=128)
def _closing_marks(closing: str, opening: str) -> re.Pattern[str]:
    again = f"|(?P<again>{re.escape(opening)})" if opening else ""
    return re.compile(rf"(?P<closing>{re.escape(closing)}){again}|\\.|[{{}}]", re.DOTALL)


def _closing_at(
    text: str, start: int, closing: str, budget: _Budget, longest: int = MAX_FORMULA_CHARS, opening: str = ""
) -> int:
    """Where the closing delimiter of a formula stands that opened before `start`, or -1.

    The first one outside of braces; where braces do not balance, the first one at all. A second opening outside of
    braces, where it differs from the closing, shows that the first one opened nothing.
    """
    limit = start + longest
    end = text.find(closing, start, limit)
    if end == -1:
        budget.left -= min(len(text), limit) - start
        return -1
    content = text[start:end]
    opening = opening if opening != closing and opening in content else ""
    if not opening and content.count("{") == content.count("}") and not content.endswith("\\"):
        return end
    depth = 0
    first = -1
    for mark in _closing_marks(closing, opening).finditer(text, start, limit):
        if mark["closing"] is not None:
            first = mark.start() if first == -1 else first
            if depth <= 0:
                return mark.start()
        elif opening and mark["again"] is not None:
            if depth <= 0 and first == -1:
                budget.left -= mark.start() - start + (end - start) // 20  # the search for the end is that much faster
                return -1
        elif mark[0] == "{":
            depth += 1
        elif mark[0] == "}":
            depth -= 1
    budget.left -= 10 * (min(len(text), limit) - start)
    return first
