"""What delimits formulas in a page's text, read from the MathJax or KaTeX configuration in the page itself.

MathJax 2 (`tex2jax: {inlineMath: …}`), MathJax 3 and 4 (`tex: {inlineMath: …}`) and KaTeX auto-render
(`delimiters: [{left: …, right: …, display: …}]`) are read with a small reader of JavaScript array literals, never by
running anything; a malformed configuration counts as none.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from mathmill.curation.html.marks import ANY, BBCODE, ESCAPED_TAG, IGNORING, SCRIPT

Pair = tuple[str, str]

_ALWAYS_INLINE: tuple[Pair, ...] = (("\\(", "\\)"),)
_ALWAYS_DISPLAY: tuple[Pair, ...] = (("\\[", "\\]"), ("$$", "$$"))
_MARKS = re.compile(
    rb"inlineMath|displayMath|[dD]elimiters|[aA]scii[mM]ath|ASCIIMath|[_-]AM[_.-]|AM_|gnore(?:Html|d)?Class|"
    rb"process(?:Html)?Class"
)
_KEY = re.compile(r"""(inlineMath|displayMath|delimiters|asciimath2jax)["']?\s*[:=]\s*(?=[\[{])""")
_CLASSES = re.compile(
    r"""(?P<kind>ignore|process)(?:Html)?Class["']?\s*:\s*["'](?P<names>[^"'\n]{0,500})["']|"""
    r"""ignoredClasses["']?\s*:\s*\[(?P<list>[^\]]{0,500})\]"""
)
_COMMENT = re.compile(
    r"""('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|//[^\n]*|/\*.{0,4000}?\*/""", re.DOTALL
)
_ASCIIMATH = re.compile(
    r"asciimath2jax|input/asciimath|ASCIIMath(?:ML|TeXImg)?\.js|[_-]AM[_.\s]|AM_[A-Z]|AM[_-]HTML|asciimath", re.I
)
_STRING = re.compile(r"""'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)\"|`((?:[^`\\]|\\.)*)`""")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_OBJECT = re.compile(r"\{([^{}]*)\}")
_MAX_LITERAL = 2000


@dataclass(frozen=True)
class Delimiters:
    r"""The delimiters of a page.

    inline, display: pairs besides `$`, the longest opening first. dollar: whether single dollars delimit formulas:
    the page says so, it says otherwise, or it says nothing and the content decides. asciimath: pairs, mostly backticks.
    bbcode: whether `[tex]` and its like, or an escaped `<math>`, occur at all. itex: physics forums' dialect, in which
    `[tex]` is a display formula, and edX's with `[mathjax]`. ignore, process: classes of elements that scripts pass
    over, and of those in them that they do not; "*" stands for every element. Both are empty where the page has none.
    """

    inline: tuple[Pair, ...] = _ALWAYS_INLINE
    display: tuple[Pair, ...] = _ALWAYS_DISPLAY
    dollar: Literal["yes", "no", "guess"] = "guess"
    asciimath: tuple[Pair, ...] = ()
    bbcode: bool = False
    itex: bool = False
    ignore: frozenset[str] = frozenset()
    process: frozenset[str] = frozenset()


_BBCODE = re.compile(
    rb"\[/(?:tex|itex|latex|math|imath|dmath|katex|mathjax(?:inline)?|mathtex|mimetex|eqn?|equation|asciimath|m|\$\$?)\]",
    re.IGNORECASE,
)
_ESCAPED_TAG = re.compile(rb"&lt;/(?:math|tex|latex)")
_IGNORED = frozenset({"tex2jax_ignore", "mathjax_ignore"})
_PROCESSED = frozenset({"tex2jax_process", "mathjax_process"})


def page_delimiters(page: bytes, marks: int = ANY) -> Delimiters:
    """Read the delimiters that a page configures; defaults where it says nothing. marks: what `marks_of` says of it."""
    bbcode = marks & BBCODE != 0 and _BBCODE.search(page) is not None
    bbcode = bbcode or (marks & ESCAPED_TAG != 0 and _ESCAPED_TAG.search(page) is not None)
    itex = bbcode and (b"[/itex]" in page or b"[/mathjaxinline]" in page)
    ignoring = marks & IGNORING != 0 and b"jax_ignore" in page
    configuration = scripts = ""
    at = 0
    while marks & SCRIPT and (at := page.find(b"<script", at)) != -1 and len(configuration) < 100_000:
        end = page.find(b"</script", at)
        end = len(page) if end == -1 else end
        script = page[at : min(end, at + 20_000)]
        if _may_configure(script) and _MARKS.search(script):
            text = script.decode("utf-8", "replace")
            head = _HEAD.match(text)
            start = head.end() if head else 0
            scripts += text[:start] + "\n"
            configuration += text[start:] + "\n"
            if "elimiters" in scripts:  # renderMathInElement in an attribute `onload`
                configuration += html.unescape(text[:start]) + "\n"
        at = end
    if not scripts and not ignoring:
        return Delimiters(bbcode=bbcode, itex=itex)
    asciimath = _ASCIIMATH.search(scripts + configuration) is not None
    delimiters = _configured(configuration, asciimath, bbcode, itex, ignoring)
    if asciimath and b"endamath" in page:
        return replace(delimiters, asciimath=(*delimiters.asciimath, ("amath", "endamath")))
    return delimiters


def _may_configure(script: bytes) -> bool:
    """A quick test for `_MARKS`, which takes 10 ns a byte."""
    if b"AM" in script or b"elimiters" in script:
        return True
    if b"ath" not in script:
        return False
    return b"Math" in script or b"math" in script or b"gnore" in script or b"process" in script


_HEAD = re.compile(r"""<script(?:[^>"']|"[^"]*"|'[^']*')*>""")


@lru_cache(maxsize=1024)
def _configured(configuration: str, asciimath: bool, bbcode: bool, itex: bool, ignoring: bool) -> Delimiters:
    configuration = _COMMENT.sub(lambda match: match[1] or " ", configuration)
    inline: list[Pair] = list(_ALWAYS_INLINE)
    display: list[Pair] = list(_ALWAYS_DISPLAY)
    ascii_pairs: list[Pair] = []
    said = dollar = False
    for match in _KEY.finditer(configuration):
        literal = _literal(configuration, match.end())
        if literal is None:
            continue
        if match[1] == "asciimath2jax":
            found = re.search(r"delimiters[\"']?\s*:\s*(?=\[)", literal)
            inner = _literal(literal, found.end()) if found else None
            ascii_pairs += _pairs(inner) if inner else []
        elif match[1] == "delimiters" and "left" in literal:
            for left, right, is_display in _katex_pairs(literal):
                said = True
                dollar = dollar or (left == "$" and not is_display)
                (display if is_display else inline).append((left, right))
        elif match[1] == "delimiters":
            before = configuration[max(0, match.start() - 200) : match.start()].lower()
            if "asciimath" in before:
                ascii_pairs += _pairs(literal)
        else:
            pairs = _pairs(literal)
            if match[1] == "inlineMath":
                said = said or bool(pairs)
                dollar = dollar or ("$", "$") in pairs
                inline += pairs
            else:
                display += pairs
    if asciimath and not ascii_pairs:
        ascii_pairs = [("`", "`")]
    if ("$$", "$$") in inline and display.count(("$$", "$$")) == 1:  # only by default
        display.remove(("$$", "$$"))
    taken = set(ascii_pairs)
    ignore, process = _classes(configuration, ignoring)
    return Delimiters(
        inline=_ordered(pair for pair in inline if pair != ("$", "$") and pair not in taken),
        display=_ordered(pair for pair in display if pair not in taken),
        dollar="no" if ("$", "$") in taken else "yes" if dollar else "no" if said else "guess",
        asciimath=_ordered(ascii_pairs) if asciimath else (),
        bbcode=bbcode,
        itex=itex,
        ignore=ignore,
        process=process,
    )


def _classes(configuration: str, ignoring: bool) -> tuple[frozenset[str], frozenset[str]]:
    """The classes that a configuration ignores and processes; what is no plain name but `.*` counts for nothing."""
    named: dict[str, set[str]] = {"ignore": set(), "process": set()}
    for match in _CLASSES.finditer(configuration):
        names = _strings(f"[{match['list']}]") if match["list"] is not None else match["names"].split("|")
        plain = {"*" if name == ".*" else name for name in names if name == ".*" or _CLASS.match(name)}
        named[match["kind"] or "ignore"] |= plain
    if not named["ignore"] and not ignoring:
        return frozenset(), frozenset()
    return _IGNORED | named["ignore"], _PROCESSED | named["process"]


_CLASS = re.compile(r"[\w-]{1,60}\Z")


def _ordered(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    unique = dict.fromkeys(pairs)
    return tuple(sorted(unique, key=lambda pair: (-len(pair[0]), pair)))


def _literal(text: str, start: int) -> str | None:
    """The bracketed JavaScript literal at `start`, strings respected; None where it does not close."""
    depth = 0
    at = start
    end = min(len(text), start + _MAX_LITERAL)
    while at < end:
        char = text[at]
        if char in "'\"`":
            string = _STRING.match(text, at)
            if string is None:
                return None
            at = string.end()
            continue
        if char in "[{(":
            depth += 1
        elif char in "]})":
            depth -= 1
            if depth == 0:
                return text[start : at + 1]
        at += 1
    return None


def _strings(literal: str) -> list[str]:
    return [_unescape(next(filter(None, match.groups()), "")) for match in _STRING.finditer(literal)]


def _unescape(string: str) -> str:
    def char(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "ux" and len(code) > 1:
            return chr(int(code[1:], 16))
        return {"n": "\n", "t": "\t"}.get(code, code)

    return _ESCAPE.sub(char, string)


def _pairs(literal: str) -> list[Pair]:
    r"""The pairs in `[['$','$'], ['\\(','\\)']]`, or in MathJax 4's `{'[+]': [['$','$']]}`."""
    pairs = []
    for inner in re.finditer(rf"\[\s*({_QUOTED})\s*,\s*({_QUOTED})\s*\]", literal):
        opening, closing = _strings(inner[1])[:1], _strings(inner[2])[:1]
        if opening and closing and opening[0].strip() and closing[0].strip() and len(opening[0] + closing[0]) < 40:
            pairs.append((opening[0], closing[0]))
    return pairs


_QUOTED = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\""""


def _katex_pairs(literal: str) -> list[tuple[str, str, bool]]:
    found = []
    for entry in _OBJECT.finditer(_hide_braces(literal)):
        body = literal[entry.start(1) : entry.end(1)]
        left = re.search(rf"left[\"']?\s*:\s*({_QUOTED})", body)
        right = re.search(rf"right[\"']?\s*:\s*({_QUOTED})", body)
        if left is None or right is None:
            continue
        opening, closing = _strings(left[1]), _strings(right[1])
        if opening and closing and opening[0].strip() and closing[0].strip() and not opening[0].startswith("\\begin"):
            found.append((opening[0], closing[0], re.search(r"display[\"']?\s*:\s*(?:true|!0)", body) is not None))
    return found


def _hide_braces(literal: str) -> str:
    r"""The literal with the braces inside of its strings replaced, so that `{left: "\\\\begin{…}"}` is one object."""
    return _STRING.sub(lambda match: match[0].replace("{", "_").replace("}", "_"), literal)
