r"""Finds the formulas that stand delimited in a text: `\(…\)`, `$…$`, environments, BBCode, escaped tags, AsciiMath.

One pass from left to right with one alternation of all openings; what has no proper end is left alone. A formula ends
at the first closing delimiter outside of braces, as in MathJax, so `$` inside `\text{…}` does not end it. The work
spent on openings without an end is bounded, so that a hostile text costs linear time.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from mathmill.curation.html.asciimath import asciimath_to_latex
from mathmill.curation.html.delimiters import Delimiters
from mathmill.curation.html.tex import MATH_ENVIRONMENTS, clean_tex, looks_like_math, strip_delimiters

MAX_FORMULA_CHARS = 20_000
MAX_INLINE_CHARS = 2_000

_ENCODINGS = {
    "\\(": "tex_paren",
    "\\[": "tex_bracket",
    "$$": "tex_dollars",
    "\\\\(": "tex_paren",
    "\\\\[": "tex_bracket",
}
_DOUBLED = (("\\\\(", "\\\\)"), ("\\\\[", "\\\\]"))
_BREAK = "\0n"
_PLACEHOLDER = re.compile("\0[^n]")
_WORDPRESS_SETTINGS = re.compile(r"(?:&(?:s|fg|bg)=\w*)+\s*\Z")  # size and colours: `$latex x^2&s=2&bg=ffffff$`


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
        self.pairs: dict[str, tuple[str, bool]] = {**doubled, **inline, **display}
        self.ascii_pairs = dict(delimiters.asciimath)
        openings = sorted({*self.pairs, *self.ascii_pairs}, key=lambda opening: (-len(opening), opening))
        alternatives = [r"\\begin\s*\{(?P<environment>[A-Za-z]+\*?)\}", *map(re.escape, openings), r"\\\\|\\\$"]
        if delimiters.dollar != "no":
            alternatives.append(r"\$")
        if delimiters.bbcode:
            alternatives.append(
                r"\[(?P<code>tex|itex|latex|math|imath|dmath)(?:=[^\]\s]{0,20})?\]|<(?P<tag>math)\b[^<>]{0,100}>"
            )
        self.opening = re.compile("|".join(alternatives), re.IGNORECASE if delimiters.bbcode else 0)
        first = {opening[0] for opening in openings} | {"\\"} | ({"$"} if delimiters.dollar != "no" else set())
        self.triggers = sorted(first | ({"[", "<"} if delimiters.bbcode else set()))

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
        while (match := self.opening.search(text, at)) is not None:
            formula = self._formula(text, match, budget) if budget.left > 0 else None
            if formula is None:
                at = match.end()
            else:
                at = formula.end
                found.append(formula)
        return found

    def _formula(self, text: str, match: re.Match[str], budget: _Budget) -> Found | None:
        opening, start = match[0], match.end()
        if match["environment"]:
            return _environment(text, match, budget)
        if opening == "$" and "$" not in self.pairs and "$" not in self.ascii_pairs:
            return self._dollar(text, match, budget)
        if opening in self.ascii_pairs:
            return self._asciimath(text, match)
        if self.delimiters.bbcode and (match["code"] or match["tag"]):
            return self._bbcode(text, match)
        if opening not in self.pairs:  # an escaped backslash or dollar
            return None
        closing, display = self.pairs[opening]
        end = _closing_at(text, start, closing, budget)
        if end == -1:
            return None
        content = text[start:end]
        if _PLACEHOLDER.search(content) or not looks_like_math(content, sure=True):
            return None
        tex = clean_tex(content.replace(_BREAK, "\n"), display)
        return Found(match.start(), end + len(closing), tex, display, _ENCODINGS.get(opening, "tex_custom"))

    def _dollar(self, text: str, match: re.Match[str], budget: _Budget) -> Found | None:
        start = match.end()
        sure = self.delimiters.dollar == "yes"
        before = text[match.start() - 1 : match.start()]
        if not sure and before.isascii() and before.isalnum():
            return None
        end = _closing_at(text, start, "$", budget, MAX_INLINE_CHARS)
        if end == -1 or (text.startswith("$", end + 1) and not sure):
            return None
        content = text[start:end].replace(_BREAK, "\n")
        wordpress = content.startswith("latex ")
        if not sure and not wordpress and text[end + 1 : end + 2].isdigit():
            return None
        if _PLACEHOLDER.search(content) or not (wordpress or looks_like_math(content, sure)):
            return None
        if wordpress:
            content = _WORDPRESS_SETTINGS.sub("", content.removeprefix("latex "))
        tex = clean_tex(content)
        return Found(match.start(), end + 1, tex, False, "tex_dollar")

    def _asciimath(self, text: str, match: re.Match[str]) -> Found | None:
        closing = self.ascii_pairs[match[0]]
        end = text.find(closing, match.end(), match.end() + 2000)
        if end == -1 or "\0" in (content := text[match.end() : end]) or not content.strip():
            return None
        return Found(match.start(), end + len(closing), asciimath_to_latex(content), False, "asciimath")

    def _bbcode(self, text: str, match: re.Match[str]) -> Found | None:
        code = (match["code"] or "").lower()
        closing = re.compile(rf"\[/{code}\]" if code else r"</math\s*>", re.IGNORECASE)
        end = closing.search(text, match.end(), match.end() + MAX_FORMULA_CHARS)
        if end is None or _PLACEHOLDER.search(text, match.end(), end.start()):
            return None
        content = text[match.end() : end.start()].replace(_BREAK, "\n")
        inner, is_display = strip_delimiters(content)
        display = bool(is_display) or code == "dmath" or (code == "tex" and self.delimiters.itex)
        display = display or (match["tag"] is not None and "block" in match[0])
        return Found(match.start(), end.end(), clean_tex(inner, display), display, "bbcode" if code else "math_tag")


@lru_cache(maxsize=256)
def scanner(delimiters: Delimiters) -> Scanner:
    """The scanner for a page's delimiters."""
    return Scanner(delimiters)


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
            tex = clean_tex(content.replace(_BREAK, "\n"), display=True)
            return Found(match.start(), mark.end(), tex, True, "tex_environment")
    budget.left -= min(len(text), limit) - match.end()
    return None


@lru_cache(maxsize=128)
def _environment_marks(name: str) -> re.Pattern[str]:
    return re.compile(rf"\\(begin|end)\s*\{{{re.escape(name)}\}}")


@lru_cache(maxsize=128)
def _closing_marks(closing: str) -> re.Pattern[str]:
    return re.compile(rf"({re.escape(closing)})|\\.|[{{}}]", re.DOTALL)


def _closing_at(text: str, start: int, closing: str, budget: _Budget, longest: int = MAX_FORMULA_CHARS) -> int:
    """Where the closing delimiter of a formula stands that opened before `start`, or -1.

    The first one outside of braces; where braces do not balance, the first one at all.
    """
    limit = start + longest
    end = text.find(closing, start, limit)
    if end == -1:
        budget.left -= min(len(text), limit) - start
        return -1
    content = text[start:end]
    if content.count("{") == content.count("}") and not content.endswith("\\"):
        return end
    depth = 0
    first = -1
    for mark in _closing_marks(closing).finditer(text, start, limit):
        if mark[1] is not None:
            first = mark.start() if first == -1 else first
            if depth <= 0:
                return mark.start()
        elif mark[0] == "{":
            depth += 1
        elif mark[0] == "}":
            depth -= 1
    budget.left -= 10 * (min(len(text), limit) - start)
    return first
