r"""Remove what only dresses an answer, and split it where no bracket is open."""

import re
import unicodedata

_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|hbox|boxed|fbox|operatorname|rm|bf)\*?\s*\{([^{}]*)\}"
)
_FORMAT = re.compile(r"\\(?:left|right|bigl|bigr|Bigl|Bigr|big|Big|displaystyle|limits|rm|bf)(?![A-Za-z])|\\[,;:!]")
_SPELLINGS = {
    "\\%": "%", "\\$": "$", "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\in": "∈",
    "\\leqslant": "≤", "\\geqslant": "≥", "\\leq": "≤", "\\geq": "≥", "\\le": "≤", "\\ge": "≥", "<=": "≤", ">=": "≥",
    "\\lt": "<", "\\gt": ">", "\\neq": "≠", "\\ne": "≠", "\\pm": "±", "\\cup": "∪", "\\infty": "∞", "\\colon": ":",
    "\\quad": " ", "\\qquad": " ", "\\ ": " ", "~": " ", "\\degree": "°", "^{\\circ}": "°", "^\\circ": "°", "^{∘}": "°",
    "\\lbrace": "\\{", "\\rbrace": "\\}", "\\approx": "≈", "\\varnothing": "∅", "\\emptyset": "∅", "{,}": ",", "**": "",
}  # fmt: skip
_SPELLING = re.compile("|".join(re.escape(k) + ("(?![A-Za-z])" if k[-1].isalpha() else "") for k in _SPELLINGS))
_INLINE = re.compile(r"(?<![\\$])\$(?=[^\s$])([^$]*?[^\s\\$])\$(?![\d$])|\\\((.*?)\\\)")
"""Formulas within an answer, delimited as Pandoc reads them: "$1$, $2$ and $3$", but not "$5 and $6" (dollars)."""
_THOUSANDS = re.compile(r"(?<=\d)\s*(?:,\s*\\!|\\!\s*,)\s*(?=\d{3})")
_ABOUT = re.compile(r"\s*(?:≈|≒|约(?:为|等于|是)?|大约|approximately|about|roughly)\s*", re.IGNORECASE)


_CHOOSE = re.compile(r"\{([^{}]{1,40})\\choose(?![A-Za-z])([^{}]{1,40})\}")
_PYTHON_POWER = re.compile(r"(?<=[\w)])\s?\*\*\s?(?=[\w({+-])(?!\w+\*\*)")
_PLAIN_NAMES = {"sqrt": "√", "pi": "π", "infinity": "∞"}
_PLAIN_NAME = re.compile(r"(?<![A-Za-z\\])(?:sqrt(?=\s*[({])|(?:(?<=\d)pi|pi)(?![A-Za-z])|infinity(?![A-Za-z]))")


def clean(answer: str) -> str:
    """Remove what only dresses an answer: delimiters, wrappers, full-width forms, closing punctuation."""
    text = "".join(map(_ascii_form, answer))
    if "\\choose" in text:
        text = _CHOOSE.sub(r"\\binom{\1}{\2}", text)
    if "**" in text:
        text = _PYTHON_POWER.sub("^", text)
    if _PLAIN_NAME.search(text):
        text = _PLAIN_NAME.sub(lambda match: _PLAIN_NAMES[match[0].lower()], text)
    if "$" in text or "\\(" in text:
        text = _INLINE.sub(lambda match: f" {match[1] or match[2]} ", text)
    if "\\!" in text:
        text = _THOUSANDS.sub(",", text)
    for _ in range(4):
        text = _WRAPPER.sub(r" \1 ", text)
    text = _SPELLING.sub(lambda match: _SPELLINGS[match[0]], _FORMAT.sub(" ", text))
    text = strip_delimiters(text.strip())
    return _ABOUT.sub("", text, count=1) if _ABOUT.match(text) else text


def _ascii_form(character: str) -> str:
    """Full-width forms to ASCII, vulgar fractions to `1/2`; scripts stay for the formula normaliser."""
    if character.isascii():
        return character
    if character in "，、。；：（）":
        return {"，": ",", "、": ",", "。": ".", "；": ";", "：": ":", "（": "(", "）": ")"}[character]
    if character == "∶":
        return ":"
    if character in "−–":
        return "-"
    decomposition = unicodedata.decomposition(character)
    if decomposition.startswith(("<wide>", "<narrow>")):
        return unicodedata.normalize("NFKC", character)
    if decomposition.startswith("<fraction>"):
        return " " + unicodedata.normalize("NFKC", character).replace("\u2044", "/")
    return character


def strip_delimiters(text: str) -> str:
    """Remove formula delimiters and closing punctuation around a text."""
    while True:
        before = text
        text = text.strip().rstrip(".;,:").strip()
        for opener, closer in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("`", "`")):
            if text.startswith(opener) and text.endswith(closer) and len(text) > len(opener) + len(closer):
                text = text[len(opener) : -len(closer)]
        if text == before:
            return text


def split_outside_brackets(text: str, separator: re.Pattern[str]) -> list[str]:
    """Split a text at matches of a pattern that lie in no bracket; pieces are stripped."""
    depths: list[int] = []
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        depths.append(depth)
    pieces, position = [], 0
    for match in separator.finditer(text):
        place = match.start() + len(match[0]) - len(match[0].lstrip())
        if depths[min(place, len(depths) - 1)] == 0 and match[0].strip():
            pieces.append(text[position : match.start()])
            position = match.end()
    return [strip_delimiters(piece) for piece in [*pieces, text[position:]]]


def is_balanced(text: str) -> bool:
    """Whether brackets close what they open, whatever their shapes: `(1,2)` inside, not `1) and (2`."""
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:
            return False
    return depth == 0
