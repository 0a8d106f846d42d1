"""Repairs to a page's source before it is parsed, each behind a cheap test that most pages fail.

Namespace prefixes of MathML are stripped (an HTML parser knows no `mml:mfrac`, and would leave `<mml:none/>` open);
a `<` that formulas put in front of a letter is escaped (`$a<b$ and $c>d$` is one tag to a parser); and nesting is cut
at a depth that no real page has, because the tree construction of HTML takes quadratic time in it (100,000 nested
`div`: 23 s in lexbor), and what looks into elements does so at each level.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from mathmill.curation.html.marks import (
    ANY,
    BACKSLASH,
    DEEP,
    DOLLAR,
    EMPHASIS,
    MAX_DEPTH,
    MAX_FORMATTING,
    marks_of,
)

MAX_ATTRIBUTES = 1000

_MATH_PREFIX = re.compile(rb"<([A-Za-z][\w-]*):math[\s>]")
_LEADING_SCRIPT = re.compile(
    rb"(?:\s++|<!doctype[^>]*>|<html[^>]*>)*+(?=<script\b[^>]{0,200}\btype\s*=\s*[\"']?math/)", re.IGNORECASE
)
_RAW_TEXT = rb"<!--(?:.*?-->|.*\Z)|<(script|style|textarea|title|xmp)\b(?:.*?</\1\b|.*\Z)"
_STRAY = re.compile(_RAW_TEXT + rb"|<(?=([A-Za-z][^\s/>]{0,100})([^<>]{0,400}))", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(_RAW_TEXT + rb"|<(/?)([A-Za-z][^\s/>]*+)[^>]*+(?:>|\Z)", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE_NAMES = re.compile(r"([^\s=\"'/>][^\s=/>]*|=[^\s=/>]*)(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")
_CLEAN_NAME = re.compile(r"[A-Za-z][\w:.-]*\Z")
_WORDS = frozenset({"and", "or", "then", "if", "where", "for", "with", "so", "but", "is", "="})
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
_EMPTY = frozenset(b"mspace mprescripts none mi mn mo mrow mtext mtd path rect line circle use polygon".split())
_IMPLIED_END = frozenset(b"p li dt dd tr td th thead tbody tfoot option optgroup rt rp colgroup html head body".split())
_FORMATTING = frozenset(b"b i u s big code em font small strike strong tt".split())
_SHORT_TAGS = frozenset((
    "a", "b", "i", "p", "q", "s", "u", "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr", "em", "li", "ol", "ul",
    "dl", "dt", "dd", "td", "th", "tr", "tt", "rb", "rp", "rt", "mi", "mn", "mo", "ms", "g", "cc",
))  # fmt: skip


def strip_math_prefixes(html: bytes) -> bytes:
    """`<mml:math><mml:mi>x</mml:mi></mml:math>` becomes `<math><mi>x</mi></math>`, for every prefix in use."""
    for prefix in sorted(set(_MATH_PREFIX.findall(html))):
        html = re.sub(rb"<(/?)" + re.escape(prefix) + rb":(?=[A-Za-z])", rb"<\1", html)
    return html


def open_body(html: bytes) -> bytes:
    """Put `<body>` before a fragment that begins with MathJax 2's script: the parser would take it for the head's."""
    leading = _LEADING_SCRIPT.match(html)
    return html[: leading.end()] + b"<body>" + html[leading.end() :] if leading else html


def looks_like_formula(tag: str, attributes: Mapping[str, str | None]) -> bool:
    """Whether a parsed element was no tag, but a formula with `<`: its name or an attribute's name gives it away."""
    if not _CLEAN_NAME.match(tag) or (len(tag) <= 2 and tag not in _SHORT_TAGS):
        return True
    return has_stray_names(attributes)


def has_stray_names(attributes: Iterable[str]) -> bool:
    """Whether the names of attributes are words and signs of a formula, as in `<b and $c>`."""
    return _are_stray(tuple(attributes))


@lru_cache(maxsize=1 << 12)
def _are_stray(names: tuple[str, ...]) -> bool:
    return not _WORDS.isdisjoint(names) or any("$" in name or "\\" in name for name in names)


def restore_underscores(html: bytes, marks: int = ANY) -> bytes:
    r"""Undo what Markdown does to `$a_1 + b_1$`, which is `$a<em>1 + b</em>1$` to a parser.

    Emphasis that begins and ends inside of a word, after a dollar or a backslash, is no emphasis. Where underscores
    would make no TeX (`A^<em>`, or one letter between two others), it was a pair of stars. marks: of the page.
    """
    if not (marks & EMPHASIS and marks & (DOLLAR | BACKSLASH)):
        return html
    return _INNER_EMPHASIS.sub(_unemphasised, html)


_INNER_EMPHASIS = re.compile(
    rb"<em>(?<=[\w)}\]|'^{]<em>)(?=[\w{\\}_^])([^<>]{1,400}|[^<>]{1,200}<[^<>]{1,200})</em>(?=[\w{\\}_^$])"
)
_DOLLARS = re.compile(rb"(?<!\\)\$\$?")


def _unemphasised(match: re.Match[bytes]) -> bytes:
    html, inner = match.string, match[1]
    if not _is_inside_formula(html, match.start(), match.end()):
        return match[0]
    stars = html[match.start() - 1] in b"^{" or inner[-1] in b"^{" or html[match.end()] in b"}_^$"
    mark = b"*" if stars or len(inner) == 1 else b"_"
    return mark + inner + mark


def _is_inside_formula(html: bytes, start: int, end: int) -> bool:
    """Whether a delimiter is open at `start` and one follows `end`, both in the same paragraph."""
    before = html[max(0, start - 2000) : start]
    before = before[before.rfind(b"<p") + 1 :]
    after = html[start : end + 2000].partition(b"</p")[0]
    if len(_DOLLARS.findall(before)) % 2:
        return b"$" in after
    opened = before.count(b"\\(") + before.count(b"\\[") + before.count(b"\\begin{")
    return opened > before.count(b"\\)") + before.count(b"\\]") + before.count(b"\\end{") and b"\\" in after


def escape_stray_tags(html: bytes) -> bytes:
    """Escape each `<` that begins no tag by the measure of `looks_like_formula`, outside of scripts and comments."""

    def replace(match: re.Match[bytes]) -> bytes:
        if match[2] is None:
            return match[0]
        tag, rest = match[2].decode("utf-8", "replace").lower(), match[3].decode("utf-8", "replace")
        short = len(tag) <= 2 or not _CLEAN_NAME.match(tag)
        names = dict.fromkeys(_ATTRIBUTE_NAMES.findall(rest)) if short else {}
        return b"&lt;" if short and looks_like_formula(tag, names) else b"<"

    return _STRAY.sub(replace, html)


def cap_attributes(html: bytes) -> bytes:
    """Drop the attributes of a tag after MAX_ATTRIBUTES: a parser compares each with all before it."""
    return _MANY_ATTRIBUTES.sub(rb"\1", html)


_ATTRIBUTE = rb"\s++[^\s=>\"'<]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'<]++))?+"
_MANY_ATTRIBUTES = re.compile(
    rb"(<[A-Za-z][^\s/<>]*+(?:" + _ATTRIBUTE + rb"){%d})(?:" % MAX_ATTRIBUTES + _ATTRIBUTE + rb")*+[^<>]*+"
)


def cap_depth(html: bytes, marks: int | None = None) -> bytes:
    """Drop the tags that nest deeper than MAX_DEPTH, keeping their text; a page that nests less stays as it is.

    marks: of the page, looked for where not given.
    """
    return _drop_deep_tags(html) if (marks_of(html) if marks is None else marks) & DEEP else html


def _drop_deep_tags(html: bytes) -> bytes:
    open_tags: Counter[bytes] = Counter()
    dropped: Counter[bytes] = Counter()
    depth = formatting = foreign = 0

    def replace(match: re.Match[bytes]) -> bytes:
        nonlocal depth, formatting, foreign
        if match[3] is None:
            return match[0]
        tag = match[3].lower()
        if tag in (b"math", b"svg"):
            foreign = max(0, foreign - 1) if match[2] else foreign + 1
        if tag in _VOID or tag == b"a" or (tag in _IMPLIED_END and not match[2]):
            return match[0]  # an open `<a>` ends where the next begins
        if foreign and tag in _EMPTY and match[0].endswith(b"/>"):
            return match[0]  # `<mspace/>` holds nothing, where `<div/>` is open
        if not match[2]:
            if depth >= MAX_DEPTH or (tag in _FORMATTING and formatting >= MAX_FORMATTING):
                dropped[tag] += 1
                return b" "
            open_tags[tag] += 1
            depth += 1
            formatting += tag in _FORMATTING
            return match[0]
        if dropped[tag]:
            dropped[tag] -= 1
            return b" "
        if tag in _IMPLIED_END:
            return match[0] if depth < MAX_DEPTH else b" "
        if open_tags[tag]:
            open_tags[tag] -= 1
            depth -= 1
            formatting -= tag in _FORMATTING
            return match[0]
        return b" "  # a stray end tag: each would search the whole stack

    return _TAG.sub(replace, html)
