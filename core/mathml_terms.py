"""Tokens of MathML as LaTeX: identifiers, numbers, operators, text and space, and the characters in them.

`Element` is a MathML element, whatever it was read from (markup, MathJax's boxes); `Term` is the LaTeX of one with what
its parent must know about it. Names of symbols follow unicode-math.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from mathmill.core.mathml_tables import FUNCTIONS, SYMBOLS, VARIANTS

TEXT_ESCAPES = str.maketrans({c: "\\" + c for c in "#$%&_{}"} | {"\\": "\\textbackslash ", "^": "\\^{}", "~": "\\~{}"})
SEPARATOR = "\x1f"
"""What a `<sep/>` leaves in the text of a number."""

_INVISIBLE = dict.fromkeys(
    map(ord, "\u2061\u2062\u2063\u2064\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe00\ufe0e\ufe0f"), None
)
_LETTER_AFTER_WORD = re.compile(r"\\[A-Za-z]+$")
_UNIT = re.compile("(?P<raised>[⁰¹²³⁴-⁹⁺⁻⁼⁽⁾ⁿⁱ]+)|(?P<lowered>[₀-₉₊₋₌₍₎]+)|.\u0338?", re.DOTALL)
_MINUS = {0x2212: "-"}
_UNKNOWN_COMMAND = re.compile(r"\\[A-Za-z]+\*?\Z")
_PLAIN_OPERATORS = frozenset("+-=<>()[]|,.;:!/*?")
_OPERATORS = {
    ":=": ":=", "!=": "\\ne", "<=": "\\le", ">=": "\\ge", "->": "\\to", "...": "\\ldots", "~": "\\sim", "mod": "\\bmod",
    "=>": "\\Rightarrow", "<=>": "\\Leftrightarrow", "<<": "\\ll", ">>": "\\gg", "||": "\\|",
}  # fmt: skip
_NAMES = {
    "lim sup": "\\limsup", "lim inf": "\\liminf", "arg max": "\\operatorname{arg\\,max}", "mod": "\\bmod",
    "arg min": "\\operatorname{arg\\,min}", "ess sup": "\\operatorname{ess\\,sup}",
    "∣": "|", "∥": "\\|",  # as an identifier, no relation
}  # fmt: skip
VARIANT_COMMANDS = {
    "normal": "\\mathrm", "bold": "\\mathbf", "bold-italic": "\\boldsymbol", "double-struck": "\\mathbb",
    "script": "\\mathcal", "bold-script": "\\mathcal", "fraktur": "\\mathfrak", "bold-fraktur": "\\mathfrak",
    "sans-serif": "\\mathsf", "bold-sans-serif": "\\mathsf", "monospace": "\\mathtt", "sans-serif-italic": "\\mathsf",
    "-tex-calligraphic": "\\mathcal", "-tex-bold-calligraphic": "\\mathcal",
}  # fmt: skip
_TEXT_COMMANDS = {
    "bold": "\\textbf", "italic": "\\textit", "monospace": "\\texttt", "sans-serif": "\\textsf",
    "bold-italic": "\\textbf",
}  # fmt: skip


@dataclass(slots=True)
class Element:
    """A MathML element. text: the character content of a token element."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""


@dataclass(slots=True)
class Term:
    """The LaTeX of an element. symbol: the characters of a token element. rows, align: of a table."""

    latex: str
    kind: str
    symbol: str = ""
    rows: list[list[str]] | None = None
    align: str = ""


def spell(text: str) -> str:
    """Spell characters as LaTeX, with a space where a control word would swallow a letter."""
    if text.isascii() and text.isalnum():
        return text
    text = " ".join(text.translate(_INVISIBLE).split())
    if text.isascii():
        return join_latex([SYMBOLS.get(char, char) for char in text])
    if "\u0338" in text:
        text = unicodedata.normalize("NFC", text)
    pieces = []
    for unit in _UNIT.finditer(text):
        if unit["raised"] or unit["lowered"]:
            mark = "^" if unit["raised"] else "_"
            plain = unicodedata.normalize("NFKC", unit[0]).translate(_MINUS)
            pieces.append(f"{mark}{{{plain}}}")
        else:
            pieces += ("\\not" if len(unit[0]) > 1 else "", _spell_character(unit[0][0]))
    return join_latex(pieces)


def _spell_character(char: str) -> str:
    latex = SYMBOLS.get(char)
    if latex is None:
        return _alphanumeric(char) if ord(char) >= 0x1D400 or 0x2100 <= ord(char) < 0x2150 else char
    return latex


def _alphanumeric(char: str) -> str:
    """Spell a styled letter (mathematical alphanumeric or letterlike symbol) by its style and its plain letter."""
    style, _, code = unicodedata.decomposition(char).partition(" ")
    if style == "<font>":
        letter = chr(int(code, 16))  # one step: NFKC would make ϕ of 𝜙 and φ of that
        letter = SYMBOLS.get(letter, letter)
        name = unicodedata.name(char, "")
        for words, command in VARIANTS:
            if words in name:
                return f"{command}{{{letter}}}" if command else letter
        return letter
    return char


def _letter(char: str) -> str:
    """The plain letter of a mathematical alphanumeric, which renderers put into text for its style."""
    style, _, code = unicodedata.decomposition(char).partition(" ") if 0x1D400 <= ord(char) < 0x1D800 else ("", "", "")
    return chr(int(code, 16)) if style == "<font>" else char


def join_latex(pieces: Sequence[str]) -> str:
    """Concatenate LaTeX, with a space only where a control word would otherwise take the next letter in."""
    joined: list[str] = []
    last = ""
    for piece in pieces:
        if not piece:
            continue
        if piece[0].isascii() and piece[0].isalpha() and _LETTER_AFTER_WORD.search(last[-40:]):
            joined.append(" ")
        joined.append(piece)
        last = piece
    return "".join(joined)


def identifier(element: Element) -> Term:
    """`<mi>`: one letter is italic, a name upright."""
    text = element.text
    if len(text) == 1 and text.isascii() and text.isalpha() and not element.attributes:
        return Term(text, "mi", text)
    text = " ".join(text.translate(_INVISIBLE).split())
    if text in FUNCTIONS:
        return Term("\\" + text, "mi", text)
    if text in _NAMES:
        return Term(_NAMES[text], "mi", text)
    latex = spell(text)
    variant = element.attributes.get("mathvariant") or ""
    command = VARIANT_COMMANDS.get(variant)
    if command and latex and (variant != "normal" or (latex.isascii() and latex.isalpha())):
        latex = f"{command}{{{latex}}}"
    elif len(text) > 1 and text.isascii() and text.isalnum():
        latex = f"\\mathit{{{latex}}}" if variant == "italic" else f"\\mathrm{{{latex}}}"
    elif len(text) > 1 and not text.isascii() and all(unicodedata.category(c) == "Lo" for c in text):
        latex = f"\\text{{{text}}}"
    return Term(latex, "mi", text)


def number(element: Element) -> Term:
    """`<mn>`."""
    latex = element.text
    if latex.isascii() and latex.isdigit() and not element.attributes:
        return Term(latex, "mn", latex)
    latex = spell(latex).replace(" ", "\\,")
    command = VARIANT_COMMANDS.get(element.attributes.get("mathvariant") or "normal")
    return Term(f"{command}{{{latex}}}" if command and command != "\\mathrm" else latex, "mn", element.text.strip())


def operator(element: Element) -> Term:
    """`<mo>`."""
    text = element.text
    if len(text) == 1 and text in _PLAIN_OPERATORS:
        return Term(text, "mo", text)
    text = " ".join(text.translate(_INVISIBLE).split())
    if text in FUNCTIONS:
        return Term("\\" + text, "mo", text)
    if text in _OPERATORS:
        return Term(_OPERATORS[text], "mo", text)
    if len(text) > 1 and text.isascii() and text.isalpha():
        return Term(f"\\operatorname{{{text}}}", "mo", text)
    return Term(_NAMES[text] if " " in text and text in _NAMES else spell(text), "mo", text)


def text_token(element: Element) -> Term:
    """`<mtext>`; a command that the renderer did not know is the command again."""
    text = re.sub(r"\s+", " ", element.text.translate(_INVISIBLE))
    if not text.strip():
        return Term("\\ " if text else "", "mspace")
    if _UNKNOWN_COMMAND.match(text):
        return Term(text, "mi", text)
    if not text.isascii():
        text = "".join(map(_letter, text))
    command = _TEXT_COMMANDS.get(element.attributes.get("mathvariant") or "", "\\text")
    return Term(f"{command}{{{text.translate(TEXT_ESCAPES)}}}", "mtext", text)


def string_literal(element: Element) -> Term:
    """`<ms>`: text in quotation marks."""
    left, right = (element.attributes.get(side) or '"' for side in ("lquote", "rquote"))
    text = " ".join(element.text.split())
    return Term(f"\\text{{{left}{text.translate(TEXT_ESCAPES)}{right}}}", "mtext", text)


_WIDTHS = {"em": 1.0, "ex": 0.43, "px": 1 / 16, "pt": 0.1, "mu": 1 / 18}
_NAMED_WIDTHS = {
    "veryverythinmathspace": 1 / 18, "verythinmathspace": 2 / 18, "thinmathspace": 3 / 18, "mediummathspace": 4 / 18,
    "thickmathspace": 5 / 18, "verythickmathspace": 6 / 18, "veryverythickmathspace": 7 / 18,
}  # fmt: skip


def space(element: Element) -> Term:
    """`<mspace>`: the LaTeX space that comes next to its width, nothing below a tenth of an em."""
    if element.attributes.get("linebreak") == "newline":
        return Term("\\\\", "mspace")
    width = (element.attributes.get("width") or "").strip()
    match = re.match(r"(-?\d{0,9}\.?\d{0,9})\s*(em|ex|px|pt|mu)?", width)
    ems = _NAMED_WIDTHS.get(width, 0.0)
    if match is not None and match[1].strip("-."):
        ems = float(match[1]) * _WIDTHS[match[2] or "em"]
    for least, latex in ((1.9, "\\qquad"), (0.9, "\\quad"), (0.25, "\\;"), (0.2, "\\:"), (0.1, "\\,")):
        if ems >= least:
            return Term(latex, "mspace")
    return Term("\\!" if ems < 0 else "", "mspace")
