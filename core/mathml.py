"""Presentation MathML to LaTeX.

Used where a page carries a formula only as MathML, and by the normaliser to compare MathML with LaTeX spellings. The
conversion is one post-order pass with an explicit stack, so depth costs memory and never a recursion error; what is
deeper or larger than a formula can be is cut off. Element semantics follow MathML Core and MathML 3 chapter 3; names
of symbols follow unicode-math.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from mathmill.core.mathml_tables import ACCENTS, FENCES, FUNCTIONS, LARGE_OPERATORS, SYMBOLS, UNDER_ACCENTS, VARIANTS

MAX_NODES = 20_000
MAX_DEPTH = 400

_REMEMBERED = 20_000
_REMEMBERED_CHARS = 1000
_remembered: dict[str, str] = {}

_PREFIX = re.compile(r"<(/?)[A-Za-z][\w.-]*:(?=[A-Za-z])")
_INVISIBLE = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_NO_ATTRIBUTES: dict[str, str | None] = {}
_BARE = frozenset({"mrow", "msup", "msub", "msubsup", "msqrt", "mroot", "mtd", "mtr", "mover", "munder", "munderover"})
_SKIPPED = frozenset({"annotation", "annotation-xml", "-comment", "script", "style"})
_TALL = re.compile(r"\\(?:frac|binom|sum|prod|int|sqrt|begin|genfrac|overset|underset|cfrac|over|under)(?![a-z])")
_LETTER_AFTER_WORD = re.compile(r"\\[A-Za-z]+$")
TEXT_ESCAPES = str.maketrans({c: "\\" + c for c in "#$%&_{}"} | {"\\": "\\textbackslash ", "^": "\\^{}", "~": "\\~{}"})


@dataclass(slots=True)
class Element:
    """A MathML element, whatever it was read from. `text` is the character content of a token element."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""


@dataclass(slots=True)
class _Term:
    """The LaTeX of an element with what its parent must know about it."""

    latex: str
    kind: str
    symbol: str = ""  # the characters of a token element
    rows: list[list[str]] | None = None  # of a table


def mathml_to_latex(mathml: str) -> str:
    """Convert a `<math>` element, given as a string with or without namespace prefixes, to LaTeX without delimiters.

    Returns "" where the string holds no formula. Never raises on malformed markup.
    """
    source = _PREFIX.sub(r"<\1", mathml)
    if "<math" not in source[:2000]:
        source = f"<math>{source}</math>"
    node = LexborHTMLParser(source.replace("\0", "")).css_first("math")
    return "" if node is None else node_to_latex(node)


def node_to_latex(node: Any) -> str:
    """Convert a lexbor node (`math` or any element inside it) to LaTeX without delimiters.

    Small formulas repeat ("x", "0"), on a page and across the pages of a site: their conversions are remembered.
    """
    source = node.html or ""
    if len(source) > _REMEMBERED_CHARS:
        return to_latex(read_node(node))
    latex = _remembered.get(source)
    if latex is None:
        if len(_remembered) >= _REMEMBERED:
            _remembered.clear()
        latex = _remembered[source] = to_latex(read_node(node))
    return latex


def read_node(node: Any) -> Element:
    """Copy a lexbor subtree into elements; annotations are left out, the depth and the number of nodes are bounded."""
    root = Element(node.tag, node.attributes)
    stack = [(root, node.first_child)]
    budget = MAX_NODES
    while stack:
        parent, child = stack.pop()
        while child is not None and budget:
            budget -= 1
            tag = child.tag
            if tag == "-text":
                parent.text += child.text_content or ""
            elif tag not in _SKIPPED and len(stack) < MAX_DEPTH:
                element = Element(tag, _NO_ATTRIBUTES if tag in _BARE else child.attributes)
                parent.children.append(element)
                first = child.first_child
                if first is not None:
                    following = child.next
                    if following is not None:
                        stack.append((parent, following))
                    parent, child = element, first
                    continue
            child = child.next
    return root


def to_latex(root: Element) -> str:
    """Convert an element tree to LaTeX without delimiters."""
    frames: list[tuple[Element, list[_Term]]] = [(root, [])]
    while True:
        element, terms = frames[-1]
        children = element.children
        for child in children[len(terms) :]:
            if child.children:
                frames.append((child, []))
                break
            terms.append(_convert(child, []))
        else:
            frames.pop()
            term = _convert(element, terms)
            if not frames:
                return term.latex.strip()
            frames[-1][1].append(term)


def _convert(element: Element, terms: list[_Term]) -> _Term:
    converter = _CONVERTERS.get(element.tag)
    if converter is not None:
        return converter(element, terms)
    if not terms and element.text.strip():  # an unknown token element
        return _Term(spell(element.text), "mi", element.text.strip())
    return _row(element, terms)


# --- tokens


def spell(text: str) -> str:
    """Spell characters as LaTeX, with a space where a control word would swallow a letter."""
    if text.isascii() and text.isalnum():
        return text
    pieces = []
    for char in " ".join(text.translate(_INVISIBLE).split()):
        latex = SYMBOLS.get(char)
        if latex is None:
            latex = _alphanumeric(char) if ord(char) >= 0x1D400 or 0x2100 <= ord(char) < 0x2150 else char
        pieces.append(latex)
    return join_latex(pieces)


def _alphanumeric(char: str) -> str:
    """Spell a styled letter (mathematical alphanumeric or letterlike symbol) by its style and its plain letter."""
    if unicodedata.decomposition(char).startswith("<font>"):
        letter = unicodedata.normalize("NFKC", char)
        letter = SYMBOLS.get(letter, letter)
        name = unicodedata.name(char, "")
        for words, command in VARIANTS:
            if words in name:
                return f"{command}{{{letter}}}" if command else letter
        return letter
    return char


def _mi(element: Element, terms: list[_Term]) -> _Term:
    if terms:
        return _row(element, terms)
    text = element.text
    if len(text) == 1 and text.isascii() and text.isalpha() and not element.attributes:
        return _Term(text, "mi", text)
    text = " ".join(text.translate(_INVISIBLE).split())
    if text in FUNCTIONS:
        return _Term("\\" + text, "mi", text)
    latex = spell(text)
    variant = element.attributes.get("mathvariant") or ""
    command = _VARIANT_COMMANDS.get(variant)
    if command and latex and (variant != "normal" or (latex.isascii() and latex.isalpha())):
        latex = f"{command}{{{latex}}}"
    elif variant != "italic" and len(text) > 1 and text.isascii() and text.isalnum():
        latex = f"\\mathrm{{{latex}}}"
    elif len(text) > 1 and not text.isascii() and all(unicodedata.category(c) == "Lo" for c in text):
        latex = f"\\text{{{text}}}"
    return _Term(latex, "mi", text)


def _mn(element: Element, terms: list[_Term]) -> _Term:
    if terms:
        return _row(element, terms)
    latex = element.text
    if latex.isascii() and latex.isdigit() and not element.attributes:
        return _Term(latex, "mn", latex)
    latex = spell(latex).replace(" ", "\\,")
    command = _VARIANT_COMMANDS.get(element.attributes.get("mathvariant") or "normal")
    return _Term(f"{command}{{{latex}}}" if command and command != "\\mathrm" else latex, "mn", element.text.strip())


def _mo(element: Element, terms: list[_Term]) -> _Term:
    if terms:
        return _row(element, terms)
    text = element.text
    if len(text) == 1 and text in _PLAIN_OPERATORS:
        return _Term(text, "mo", text)
    text = " ".join(text.translate(_INVISIBLE).split())
    if text in FUNCTIONS:
        return _Term("\\" + text, "mo", text)
    if len(text) > 1 and text.isascii() and text.isalpha():
        return _Term(f"\\operatorname{{{text}}}", "mo", text)
    return _Term(_OPERATORS.get(text) or spell(text), "mo", text)


def _mtext(element: Element, terms: list[_Term]) -> _Term:
    if terms:
        return _row(element, terms)
    text = re.sub(r"\s+", " ", element.text.translate(_INVISIBLE))
    if not text.strip():
        return _Term("\\ " if text else "", "mspace")
    return _Term(f"\\text{{{text.translate(TEXT_ESCAPES)}}}", "mtext", text)


def _ms(element: Element, terms: list[_Term]) -> _Term:
    left, right = (element.attributes.get(side) or '"' for side in ("lquote", "rquote"))
    text = " ".join(element.text.split())
    return _Term(f"\\text{{{left}{text.translate(TEXT_ESCAPES)}{right}}}", "mtext", text)


def _mspace(element: Element, terms: list[_Term]) -> _Term:
    if element.attributes.get("linebreak") == "newline":
        return _Term("\\\\", "mspace")
    match = re.match(r"\s*(-?[\d.]+)\s*(em|ex|px|pt|mu)?", element.attributes.get("width") or "")
    if match is None or match[1].strip("-.") == "":
        return _Term("", "mspace")
    try:
        ems = float(match[1]) * {"em": 1.0, "ex": 0.43, "px": 1 / 16, "pt": 0.1, "mu": 1 / 18}[match[2] or "em"]
    except ValueError:
        return _Term("", "mspace")
    for least, latex in ((1.9, "\\qquad"), (0.9, "\\quad"), (0.25, "\\;"), (0.2, "\\:"), (0.1, "\\,")):
        if ems >= least:
            return _Term(latex, "mspace")
    return _Term("\\!" if ems < 0 else "", "mspace")


# --- rows and fences


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


def _row(element: Element, terms: list[_Term]) -> _Term:
    terms = [term for term in terms if term.latex or term.rows is not None]
    if not terms:
        return _Term("", "mrow")
    if len(terms) == 1:
        return terms[0]
    fenced = _fenced_table(terms)
    if fenced is not None:
        return fenced
    first, last = terms[0], terms[-1]
    pieces = [term.latex for term in terms]
    closing = FENCES.get(first.symbol) if first.kind == "mo" else None
    if closing is not None and last.kind == "mo" and last.symbol == closing:
        inner = join_latex(pieces[1:-1])
        if terms[1].kind == "binom" and len(terms) == 3 and closing == ")":
            return _Term(terms[1].latex.replace("\\genfrac{}{}{0pt}{}", "\\binom", 1), "mrow")
        if _TALL.search(inner):
            return _Term(f"\\left{first.latex}{_pad(inner)}\\right{last.latex}", "mrow")
    return _Term(join_latex(pieces), "mrow")


def _pad(inner: str) -> str:
    return " " + inner if inner[:1].isalpha() else inner


def _fenced_table(terms: list[_Term]) -> _Term | None:
    """Fold fences around a table into its environment: `(` table `)` is a pmatrix, `{` table is cases."""
    for at, term in enumerate(terms):
        if term.rows is None:
            continue
        before = terms[at - 1] if at and terms[at - 1].kind == "mo" else None
        after = terms[at + 1] if at + 1 < len(terms) and terms[at + 1].kind == "mo" else None
        fences = (before.symbol if before else "", after.symbol if after else "")
        name = _TABLE_FENCES.get(fences) or (_TABLE_FENCES.get((fences[0], "")) if before else None)
        if name is None or before is None:
            continue
        end = at + 2 if fences in _TABLE_FENCES and after is not None else at + 1
        table = _Term(_environment(name, term.rows), "mtable")
        left, right = terms[: at - 1], terms[end:]
        return _Term(join_latex([t.latex for t in (*left, table, *right)]), "mrow")
    return None


def _mfenced(element: Element, terms: list[_Term]) -> _Term:
    opening = (element.attributes.get("open") if "open" in element.attributes else "(") or ""
    closing = (element.attributes.get("close") if "close" in element.attributes else ")") or ""
    separators = element.attributes.get("separators", ",")
    marks = "".join((separators or "").split())
    pieces: list[_Term] = []
    for number, term in enumerate(terms):
        if number and marks:
            mark = marks[min(number - 1, len(marks) - 1)]
            pieces.append(_Term(spell(mark), "mo", mark))
        pieces.append(term)
    left = [_Term(spell(opening), "mo", opening)] if opening else []
    right = [_Term(spell(closing), "mo", closing)] if closing else []
    return _row(element, [*left, *pieces, *right])


# --- scripts, fractions, roots


def _base(term: _Term) -> str:
    """The base of a script: braced unless it is one token."""
    latex = term.latex or "{}"
    if (
        len(latex) == 1
        or latex == "{}"
        or term.kind in ("mi", "mo", "mn", "mtext")
        or re.fullmatch(r"\\[A-Za-z]+|\\[^A-Za-z]", latex)
    ):
        return latex
    if term.kind == "accented" and term.latex.startswith(("\\underbrace", "\\overbrace")):
        return latex
    if term.kind in ("mrow", "mtable") and re.match(r"\\left|\\begin", latex):
        return latex
    if term.kind == "mrow" and latex[0] in "([" and latex[-1] in ")]":
        return latex
    return f"{{{latex}}}"


def _scripted(base: _Term, sub: str, sup: str) -> _Term:
    latex = _base(base)
    if sup and set(sup) <= {"'"}:  # primes stand before a subscript in LaTeX
        latex += sup
        sup = ""
    latex += f"_{{{sub}}}" if sub else ""
    latex += f"^{{{sup}}}" if sup else ""
    return _Term(latex, "scripted", base.symbol)


def _argument(terms: list[_Term], at: int) -> _Term:
    return terms[at] if at < len(terms) else _Term("", "mrow")


def _msub(element: Element, terms: list[_Term]) -> _Term:
    return _scripted(_argument(terms, 0), _argument(terms, 1).latex, "")


def _msup(element: Element, terms: list[_Term]) -> _Term:
    return _scripted(_argument(terms, 0), "", _argument(terms, 1).latex)


def _msubsup(element: Element, terms: list[_Term]) -> _Term:
    return _scripted(_argument(terms, 0), _argument(terms, 1).latex, _argument(terms, 2).latex)


def _mmultiscripts(element: Element, terms: list[_Term]) -> _Term:
    base, scripts = _argument(terms, 0), terms[1:]
    cut = next((i for i, term in enumerate(scripts) if term.kind == "mprescripts"), len(scripts))
    latex = ""
    for pair in _pairs(scripts[cut + 1 :]):
        latex += "{}" + _scripted(_Term("", "mrow"), *pair).latex.removeprefix("{}")
    latex += _base(base)
    for number, pair in enumerate(_pairs(scripts[:cut])):
        latex += ("{}" if number else "") + _scripted(_Term("", "mrow"), *pair).latex.removeprefix("{}")
    return _Term(latex, "scripted", base.symbol)


def _pairs(terms: list[_Term]) -> list[tuple[str, str]]:
    return [(terms[i].latex, _argument(terms, i + 1).latex) for i in range(0, len(terms), 2)]


def _takes_limits(term: _Term) -> bool:
    return term.symbol in LARGE_OPERATORS or term.latex.startswith(("\\underbrace", "\\overbrace"))


def _mover(element: Element, terms: list[_Term]) -> _Term:
    base, over = _argument(terms, 0), _argument(terms, 1)
    return _over(base, over)


def _over(base: _Term, over: _Term) -> _Term:
    single = len(base.symbol) == 1 or len(base.latex) == 1
    accent = ACCENTS.get(over.symbol) if over.kind in ("mo", "mi", "mtext", "mn") else None
    if accent is not None:
        return _Term(f"{accent[0] if single else accent[1]}{{{base.latex}}}", "accented")
    if _takes_limits(base):
        return _scripted(base, "", over.latex)
    if base.symbol in _LONG_ARROWS and over.latex:
        return _Term(f"{_LONG_ARROWS[base.symbol]}{{{over.latex}}}", "mo")
    return _Term(f"\\overset{{{over.latex}}}{{{base.latex}}}", "mrow") if over.latex else base


def _munder(element: Element, terms: list[_Term]) -> _Term:
    base, under = _argument(terms, 0), _argument(terms, 1)
    accent = UNDER_ACCENTS.get(under.symbol) if under.kind in ("mo", "mi", "mtext") else None
    if accent is not None:
        return _Term(f"{accent}{{{base.latex}}}", "accented")
    if _takes_limits(base):
        return _scripted(base, under.latex, "")
    return _Term(f"\\underset{{{under.latex}}}{{{base.latex}}}", "mrow") if under.latex else base


def _munderover(element: Element, terms: list[_Term]) -> _Term:
    base, under, over = (_argument(terms, i) for i in range(3))
    if _takes_limits(base):
        return _scripted(base, under.latex, over.latex)
    return _munder(element, [_over(base, over), under])


def _mfrac(element: Element, terms: list[_Term]) -> _Term:
    above, below = _argument(terms, 0).latex, _argument(terms, 1).latex
    if element.attributes.get("bevelled") == "true":
        return _Term(f"{_base(_argument(terms, 0))}/{_base(_argument(terms, 1))}", "mrow")
    if re.fullmatch(r"0[a-z%.\d]*", element.attributes.get("linethickness") or ""):
        return _Term(f"\\genfrac{{}}{{}}{{0pt}}{{}}{{{above}}}{{{below}}}", "binom")
    return _Term(f"\\frac{{{above}}}{{{below}}}", "mfrac")


def _msqrt(element: Element, terms: list[_Term]) -> _Term:
    return _Term(f"\\sqrt{{{_row(element, terms).latex}}}", "msqrt")


def _mroot(element: Element, terms: list[_Term]) -> _Term:
    return _Term(f"\\sqrt[{_argument(terms, 1).latex}]{{{_argument(terms, 0).latex}}}", "msqrt")


# --- tables and the rest


def _environment(name: str, rows: list[list[str]], columns: str = "") -> str:
    body = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{{name}}}{columns} {body} \\end{{{name}}}"


def _mtable(element: Element, terms: list[_Term]) -> _Term:
    rows = [row for term in terms for row in (term.rows or [[term.latex]])]
    align = (element.attributes.get("columnalign") or "").split()
    if "right" in align and "left" in align:
        latex = _environment("aligned", rows)
    elif {"solid", "dashed"} & set((element.attributes.get("columnlines") or "").split()):
        lines = (element.attributes.get("columnlines") or "").split()
        count = max((len(row) for row in rows), default=1)
        bars = [lines[min(i, len(lines) - 1)] != "none" for i in range(count - 1)]
        spec = "".join(
            (align[min(i, len(align) - 1)][0] if align else "c") + "|" * bar for i, bar in enumerate([*bars, False])
        )
        latex = _environment("array", rows, f"{{{spec}}}")
    else:
        latex = _environment("matrix", rows)
    return _Term(latex, "mtable", rows=rows)


def _mtr(element: Element, terms: list[_Term]) -> _Term:
    cells = terms[1:] if element.tag == "mlabeledtr" else terms
    return _Term("", "mtr", rows=[[cell.latex for cell in cells]])


def _mtd(element: Element, terms: list[_Term]) -> _Term:
    row = _row(element, terms)
    return _Term(row.latex or spell(element.text), "mtd")


def _menclose(element: Element, terms: list[_Term]) -> _Term:
    latex = _row(element, terms).latex
    notations = set((element.attributes.get("notation") or "longdiv").split())
    for notation, (before, after) in _ENCLOSURES:
        if set(notation.split()) <= notations:
            return _Term(f"{before}{latex}{after}", "mrow")
    return _Term(latex, "mrow")


def _mphantom(element: Element, terms: list[_Term]) -> _Term:
    return _Term(f"\\phantom{{{_row(element, terms).latex}}}", "mspace")


def _first(element: Element, terms: list[_Term]) -> _Term:
    return _argument(terms, 0)


def _nothing(element: Element, terms: list[_Term]) -> _Term:
    return _Term("", element.tag)


_VARIANT_COMMANDS = {
    "normal": "\\mathrm", "bold": "\\mathbf", "bold-italic": "\\boldsymbol", "double-struck": "\\mathbb",
    "script": "\\mathcal", "bold-script": "\\mathcal", "fraktur": "\\mathfrak", "bold-fraktur": "\\mathfrak",
    "sans-serif": "\\mathsf", "bold-sans-serif": "\\mathsf", "monospace": "\\mathtt",
}  # fmt: skip
_PLAIN_OPERATORS = frozenset("+-=<>()[]|,.;:!/*?")
_OPERATORS = {":=": ":=", "!=": "\\ne", "<=": "\\le", ">=": "\\ge", "->": "\\to", "...": "\\ldots", "~": "\\sim"}
_LONG_ARROWS = {"→": "\\xrightarrow", "⟶": "\\xrightarrow", "←": "\\xleftarrow", "⟵": "\\xleftarrow"}
_TABLE_FENCES = {
    ("(", ")"): "pmatrix", ("[", "]"): "bmatrix", ("{", "}"): "Bmatrix", ("|", "|"): "vmatrix",
    ("‖", "‖"): "Vmatrix", ("∥", "∥"): "Vmatrix", ("∣", "∣"): "vmatrix", ("{", ""): "cases",
}  # fmt: skip
_ENCLOSURES = (
    ("updiagonalstrike downdiagonalstrike", ("\\xcancel{", "}")),
    ("updiagonalstrike", ("\\cancel{", "}")),
    ("downdiagonalstrike", ("\\bcancel{", "}")),
    ("horizontalstrike", ("\\enclose{horizontalstrike}{", "}")),
    ("box", ("\\boxed{", "}")),
    ("roundedbox", ("\\boxed{", "}")),
    ("left right top bottom", ("\\boxed{", "}")),
    ("circle", ("\\enclose{circle}{", "}")),
    ("radical", ("\\sqrt{", "}")),
    ("longdiv", ("\\enclose{longdiv}{", "}")),
    ("top", ("\\overline{", "}")),
    ("bottom", ("\\underline{", "}")),
    ("left right", ("|", "|")),
)
_CONVERTERS: dict[str, Callable[[Element, list[_Term]], _Term]] = {
    "mi": _mi, "mn": _mn, "mo": _mo, "mtext": _mtext, "ms": _ms, "mspace": _mspace, "mfenced": _mfenced,
    "msub": _msub, "msup": _msup, "msubsup": _msubsup, "mmultiscripts": _mmultiscripts, "mover": _mover,
    "munder": _munder, "munderover": _munderover, "mfrac": _mfrac, "msqrt": _msqrt, "mroot": _mroot,
    "mtable": _mtable, "mtr": _mtr, "mlabeledtr": _mtr, "mtd": _mtd, "menclose": _menclose, "mphantom": _mphantom,
    "semantics": _first, "maction": _first, "none": _nothing, "mprescripts": _nothing,
    "maligngroup": _nothing, "malignmark": _nothing,
}  # fmt: skip
