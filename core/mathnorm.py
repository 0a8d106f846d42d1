r"""Give every spelling of a formula one canonical LaTeX: `\dfrac ab`, `{a \over b}`, `a/b` are `\frac{a}{b}`.

A small recursive reader of LaTeX with Unicode and HTML scripts; MathML is turned into LaTeX first. What changes only
the look goes (spacing, sizes, fonts, `\left`); digits, letters and their case, operators, relations, brackets and
scripts stay, so `a_1<a_2` never equals `a_1>a_2`. Nesting is bounded: past MAX_DEPTH brackets are plain characters.
"""

import re
import unicodedata
from dataclasses import dataclass

from mathmill.core.mathsymbols import (
    CHARACTER_TWINS,
    COMMAND_SYMBOLS,
    DISPLAY_ENVIRONMENTS,
    DROPPED_ARGUMENT_COMMANDS,
    FRACTION_COMMANDS,
    SKIPPED_COMMANDS,
)

MAX_DEPTH = 60
"""Brackets nested deeper than this are not matched."""


def normalise_formula(formula: str) -> str:
    r"""Return the canonical spelling of a formula given as LaTeX, Unicode text or MathML, with or without delimiters.

    `^` and a Unicode `√` take a whole number (`x^10` is `x^{10}`), LaTeX's `\frac` and `\sqrt` one digit, as in TeX.
    """
    if _MATHML.search(formula):
        from mathmill.core.mathml import mathml_to_latex

        formula = mathml_to_latex(formula)
    return _Reader(_tokenise(_plain_characters(formula))).read()


_MATHML = re.compile(r"<(?:\w{1,10}:)?math[\s>]")
_TAGS = {"<sup>": "^{", "</sup>": "}", "<sub>": "_{", "</sub>": "}", "&lt;": "<", "&gt;": ">", "&amp;": "&"}
_TAG = re.compile("|".join(_TAGS), re.IGNORECASE)
_DOTS = frozenset(("ldots", "cdots", "dots", "dotsc", "dotsb", "vdots", "ddots"))
_OPERATORS = frozenset("+-*/=<>±∓≤≥≠≈≡∼→⇒⇔,;:&|") | {"\\\\"}
_CLOSERS = {"{": ("}",), "(": (")", "]", "}"), "[": (")", "]", "}"), "\\{": ("\\}", "}")}
_BARE_SCRIPT = re.compile(r"\^\{[′∘]+\}")  # what ^{\prime} and ^{°} hold
_ACCENTS = frozenset(("overline", "underline", "bar", "hat", "vec", "tilde", "dot", "ddot", "widehat", "widetilde"))
_INDEX_END = ("]", "}")
_SPACES = frozenset(",;:! ")
_SCRIPT_MARKS = frozenset(("^", "_", "'", "′", "\\prime", "\\degree"))
_SHORT_RELATIONS = {"<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "=>": "⇒", ":=": "≔", "...": "…"}
_TOKEN = re.compile(
    r"\\[A-Za-z]+\*?|\\[\s\S]|[0-9]+(?:\{,\}[0-9]{3})*(?:\.[0-9]+)?|<=|>=|!=|->|=>|:=|\.\.\.|\s+|[\s\S]"
)


def _plain_characters(text: str) -> str:
    """Unfold Unicode: scripts to `^{…}`, mathematical alphabets to letters, twins to one character."""
    text = _TAG.sub(lambda match: _TAGS[match[0].lower()], text)
    if text.isascii():
        return text
    pieces: list[str] = []
    script = ""
    for character in unicodedata.normalize("NFC", text):
        decomposition = unicodedata.decomposition(character)
        now = "^" if decomposition.startswith("<super>") else "_" if decomposition.startswith("<sub>") else ""
        if now != script:
            pieces.append(("}" if script else "") + (now + "{" if now else ""))
            script = now
        pieces.append(_plain_character(character))
    return "".join(pieces) + ("}" if script else "")


def _plain_character(character: str) -> str:
    if character.isascii() or character in "∬∭":
        return character
    if character == "∛" or character == "∜":
        return "√[3]" if character == "∛" else "√[4]"
    if character == "°":
        return "^{∘}"
    if unicodedata.category(character) == "Cf":  # zero-width characters, invisible operators
        return ""
    plain = unicodedata.normalize("NFKC", CHARACTER_TWINS.get(character, character))
    plain = "".join(CHARACTER_TWINS.get(c, c) for c in plain)
    return f"{{{plain}}}" if "/" in plain and len(plain) > 1 else plain  # ½


def _tokenise(text: str) -> list[str]:
    return [token for token in _TOKEN.findall(text) if not token.isspace()]


class _Reader:
    """Reads tokens into atoms, canonical strings each, and joins them."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.matrices = 0  # environments around us in which & and \\ mean something

    def read(self) -> str:
        pieces = []
        while self.position < len(self.tokens):
            pieces.append(self.sequence(()))
            self.position += 1  # past a bracket that nothing opened
        return "".join(pieces)

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def sequence(self, closers: tuple[str, ...]) -> str:
        r"""Read up to one of the closing tokens, which stays unread; `\over` splits the sequence in two."""
        atoms: list[_Atom] = []
        numerator: str | None = None
        while (token := self.peek()) and token not in closers:
            if token in ("\\over", "\\atop"):
                self.position += 1
                numerator, atoms = _join(atoms), []
            elif token in _SCRIPT_MARKS:
                self.script(atoms, token)
            else:
                atom = self.atom(whole_number=True)
                if atom:
                    atoms.append(_Atom(atom))
        return _join(atoms) if numerator is None else _fraction(numerator, _join(atoms))

    def script(self, atoms: list["_Atom"], mark: str) -> None:
        """Read a script or prime and give it to the atom before it."""
        self.position += 1
        if not atoms or atoms[-1].base in _OPERATORS:
            atoms.append(_Atom(""))
        if mark == "_":
            atoms[-1].lower += self.argument(whole_number=True)
        elif mark == "^":
            upper = self.argument(whole_number=True)
            atoms[-1].upper += upper[2:-1] if _BARE_SCRIPT.fullmatch(upper) else upper
        else:
            atoms[-1].upper += "∘" if mark == "\\degree" else "′"

    def argument(self, whole_number: bool = False) -> str:
        """Read one argument: a braced group, or a single token."""
        while _is_invisible(self.peek()):
            self.position += 1
        if self.peek() in ("", "}") or self.depth >= MAX_DEPTH:
            return ""
        self.depth += 1
        argument = self.atom(whole_number)
        self.depth -= 1
        return argument

    def atom(self, whole_number: bool) -> str:
        """Read one atom; an empty string for what only changes the look."""
        token = self.tokens[self.position]
        if token[0].isdigit() and len(token) > 1 and not whole_number:
            self.tokens[self.position] = token[1:]
            return token[0]
        self.position += 1
        if token[0].isdigit():
            return token.replace("{,}", "")
        if token in _CLOSERS and self.depth < MAX_DEPTH:
            return self.group(token)
        if len(token) > 1 and token[0] == "\\":
            return self.command(token[1:].rstrip("*"))
        if token == "√":
            return self.root(whole_number=True)
        if token in "$~" or (token == "&" and not self.matrices):
            return ""
        return _SHORT_RELATIONS.get(token, token)

    def group(self, opener: str) -> str:
        """Read a bracketed group; braces are invisible, others stay, and what nothing closes is a character."""
        self.depth += 1
        inner = self.sequence(_CLOSERS[opener])
        self.depth -= 1
        closer = self.peek()
        if closer == "}" and opener != "{":
            closer = ""  # left open inside braces
        else:
            self.position += 1
        if opener == "{":
            return inner
        return f"{opener}{inner}{closer}"

    def command(self, name: str) -> str:
        if name in _DOTS:
            return "…"
        if name in FRACTION_COMMANDS:
            return _fraction(self.argument(), self.argument())
        if name == "sqrt":
            return self.root(whole_number=False)
        if name in COMMAND_SYMBOLS:
            return COMMAND_SYMBOLS[name]
        if name in ("begin", "end"):
            return self.environment(name)
        if name == "not":
            return unicodedata.normalize("NFC", self.argument() + "\u0338")
        if name in SKIPPED_COMMANDS:
            if name in ("left", "right") and self.peek() == ".":
                self.position += 1
            return ""
        if name in DROPPED_ARGUMENT_COMMANDS:
            self.argument()
            return ""
        return self.other_command(name)

    def other_command(self, name: str) -> str:
        if not name[0].isalpha():
            if name in ("{", "}", "%", "#", "$", "_"):
                return "\\" + name if name in "{}" else name
            return "‖" if name == "|" else "\\\\" if name == "\\" and self.matrices else ""
        if name in ("binom", "dbinom", "tbinom"):
            return f"\\binom{{{self.argument()}}}{{{self.argument()}}}"
        if self.peek() == "{" or name in _ACCENTS:
            return f"\\{name}{{{self.argument(whole_number=True)}}}"
        return name if name in FUNCTION_NAMES else f"\\{name} "

    def root(self, whole_number: bool) -> str:
        index = ""
        if self.peek() == "[" and self.depth < MAX_DEPTH:
            self.position += 1
            self.depth += 1
            index = f"[{self.sequence(_INDEX_END)}]"
            self.depth -= 1
            self.position += self.peek() == "]"
        radicand = _without_parentheses(self.argument(whole_number))
        return f"\\sqrt{index}{{{radicand}}}"

    def environment(self, edge: str) -> str:
        """Environments that only place a formula vanish; matrices and cases stay, with their cells."""
        if self.peek() != "{":
            return ""
        end = self.position + 1
        while end < len(self.tokens) and end < self.position + 24 and self.tokens[end] != "}":
            end += 1
        name = "".join(self.tokens[self.position + 1 : end]).rstrip("*")
        self.position = end + 1
        if edge == "begin" and name in ("array", "tabular", "alignedat") and self.peek() == "{":
            self.argument()
        if name in DISPLAY_ENVIRONMENTS - {"array"}:
            return ""
        self.matrices = max(self.matrices + (1 if edge == "begin" else -1), 0)
        return f"\\{edge}{{{name}}}"


FUNCTION_NAMES = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim max min sup inf det dim gcd lcm deg "  # noqa: SIM905
    "arg ker mod Pr".split()
)


def _is_invisible(token: str) -> bool:
    name = token[1:]
    if token[:1] != "\\" or not name:
        return False
    return name in _SPACES or (name in SKIPPED_COMMANDS and name not in _DOTS)


@dataclass(slots=True)
class _Atom:
    """What a script attaches to, and its scripts, whatever order they came in."""

    base: str
    lower: str = ""
    upper: str = ""

    def __str__(self) -> str:
        lower = f"_{{{self.lower}}}" if self.lower else ""
        return self.base + lower + (f"^{{{self.upper}}}" if self.upper else "")


def _join(atoms: list[_Atom]) -> str:
    """Write atoms one after the other; a slash makes a fraction of its two neighbours."""
    pieces: list[str] = []
    after_slash, chained = False, 0
    for atom in atoms:
        text = str(atom)
        if after_slash:
            pieces.append(_fraction(pieces.pop(), text))
            after_slash = False
        elif text == "/" and pieces and pieces[-1] not in _OPERATORS and chained < MAX_DEPTH:
            after_slash, chained = True, chained + 1
        else:
            pieces.append(text)
            chained = 0
    return "".join(pieces) + ("/" if after_slash else "")


def _fraction(numerator: str, denominator: str) -> str:
    return f"\\frac{{{_without_parentheses(numerator)}}}{{{_without_parentheses(denominator)}}}"


def _without_parentheses(text: str) -> str:
    """`(a+b)` as a whole numerator, denominator or radicand needs no brackets."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 else text
    return text
