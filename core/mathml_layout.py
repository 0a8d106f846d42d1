"""Constructs of Presentation MathML as LaTeX: rows and their fences, fractions, roots, tables, enclosures.

`convert` takes an element and the terms of its children; `mathmill.core.mathml` walks the tree and calls it. Fences
around tables become environments, as authors write them: `(` table `)` is a pmatrix, `{` table is cases.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from mathmill.core.mathml_scripts import SCRIPTS, argument, base_latex
from mathmill.core.mathml_tables import FENCES, FUNCTIONS
from mathmill.core.mathml_terms import (
    TEXT_ESCAPES,
    VARIANT_COMMANDS,
    Element,
    Term,
    identifier,
    join_latex,
    number,
    operator,
    space,
    spell,
    string_literal,
    text_token,
)

_TALL = re.compile(r"\\(?:frac|binom|sum|prod|int|sqrt|begin|genfrac|overset|underset|cfrac|over|under)(?![a-z])")
_BARE_FRACTION = "\\genfrac{}{}{0pt}{}"
_BINOMIALS = {
    ("(", ")"): "\\binom", ("{", "}"): "\\genfrac{\\{}{\\}}{0pt}{}", ("[", "]"): "\\genfrac{[}{]}{0pt}{}",
}  # fmt: skip
_TABLE_FENCES = {
    ("(", ")"): "pmatrix", ("[", "]"): "bmatrix", ("{", "}"): "Bmatrix", ("|", "|"): "vmatrix",
    ("‖", "‖"): "Vmatrix", ("∥", "∥"): "Vmatrix", ("∣", "∣"): "vmatrix", ("||", "||"): "Vmatrix",
}  # fmt: skip
_RELATION = re.compile(
    r"(?:\\ |\\[,;:]|\\q?quad|\{\}|\s)*(?:[=<>]|\\(?:le|ge|ne|approx|equiv|sim|simeq|cong|in|to|Rightarrow|leq|geq|"
    r"Leftrightarrow|leqslant|geqslant|ll|gg|subset|subseteq|mapsto|Longrightarrow|Longleftrightarrow|propto|"
    r"xrightarrow|overset|stackrel|implies|iff|triangleq|doteq)(?![A-Za-z]))"
)


def convert(element: Element, terms: list[Term]) -> Term:
    """The term of an element whose children have become `terms`."""
    token = _TOKENS.get(element.tag)
    if token is not None:
        return _row(element, terms) if terms else token(element)
    converter = _CONVERTERS.get(element.tag)
    if converter is not None:
        return converter(element, terms)
    if not terms and element.text.strip():  # an unknown token element
        return Term(spell(element.text), "mi", element.text.strip())
    return _row(element, terms)


# --- rows and fences


def _row(element: Element, terms: list[Term]) -> Term:
    terms = [term for term in terms if term.latex or term.rows is not None]
    if not terms:
        text = element.text.strip()  # characters outside of any token
        return Term(spell(text), "mi", text) if text else Term("", "mrow")
    terms = _folded(terms) if len(terms) > 1 else terms
    if len(terms) == 1:
        return terms[0]
    pieces = [term.latex for term in terms]
    if all(piece.startswith("\\mathrm{") and len(piece) == 10 for piece in pieces):  # a word, letter by letter
        word = "".join(piece[8] for piece in pieces)
        return Term("\\bmod" if word == "mod" else f"\\mathrm{{{word}}}", "mi", word)
    first, last = terms[0], terms[-1]
    closing = FENCES.get(first.symbol) if first.kind == "mo" else None
    if closing is not None and last.kind == "mo" and last.symbol == closing:
        inner = join_latex(pieces[1:-1])
        if _TALL.search(inner):
            return Term(f"\\left{first.latex}{_pad(inner)}\\right{last.latex}", "mrow")
    return Term(join_latex(pieces), "mrow")


def _pad(inner: str) -> str:
    return " " + inner if inner[:1].isalpha() else inner


_SPACED = FUNCTIONS | {"mod"}
_COMPOUNDS = frozenset((("lim", "sup"), ("lim", "inf"), ("arg", "max"), ("arg", "min"), ("ess", "sup")))


def _folded(terms: list[Term]) -> list[Term]:
    r"""Fold what neighbours make together: fenced tables, binomials, `\pmod`; drop the space around a function."""
    folded: list[Term] = []
    at = 0
    while at < len(terms):
        term = terms[at]
        before = folded[-1] if folded and folded[-1].kind == "mo" else None
        after = terms[at + 1] if at + 1 < len(terms) and terms[at + 1].kind == "mo" else None
        fences = (before.symbol if before else "", after.symbol if after else "")
        at += 1
        if term.rows is not None and before is not None and fences in _TABLE_FENCES:
            folded[-1] = Term(_environment(_TABLE_FENCES[fences], term.rows), "mtable")
            at += 1
        elif term.rows is not None and before is not None and before.symbol == "{":
            folded[-1] = Term(_environment("cases", term.rows), "mtable")
        elif term.rows is not None and before is None and after is not None and after.symbol == "}":
            folded.append(Term(_environment("rcases", term.rows), "mtable"))
            at += 1
        elif term.kind == "array" and before is not None and after is not None:
            folded[-1] = Term(f"\\left{before.latex}{term.latex}\\right{after.latex}", "mrow")
            at += 1
        elif term.kind == "binom" and fences in _BINOMIALS:
            command = _BINOMIALS[fences]
            folded[-1] = Term(term.latex.replace(_BARE_FRACTION, command, 1), "mrow")
            at += 1
        elif term.symbol == "mod" and fences[0] == "(" and (end := _closing(terms, at)) is not None:
            folded.pop()
            while folded and folded[-1].kind == "mspace":
                folded.pop()
            inner = [t.latex for t in terms[at:end] if t.kind != "mspace" or t.latex == "\\ "]
            folded.append(Term(f"\\pmod{{{join_latex(inner).strip()}}}", "mrow"))
            at = end + 1
        elif term.kind == "mspace" and folded and folded[-1].symbol in _SPACED:
            continue
        elif folded and (folded[-1].symbol, term.symbol) in _COMPOUNDS:
            folded[-1] = identifier(Element("mi", text=f"{folded[-1].symbol} {term.symbol}"))
        elif term.kind == "mo" and term.symbol == "^" and folded and at < len(terms):  # a calculator's
            folded[-1] = Term(f"{base_latex(folded[-1])}^{{{terms[at].latex}}}", "scripted")
            at += 1
        elif term.symbol in _SPACED or term.latex.startswith("\\pmod"):
            while folded and folded[-1].kind == "mspace":
                folded.pop()
            folded.append(term)
        else:
            folded.append(term)
    return folded


_LONGEST_MODULUS = 100


def _closing(terms: list[Term], at: int) -> int | None:
    depth = 0
    for i in range(at, min(len(terms), at + _LONGEST_MODULUS)):
        if terms[i].kind == "mo":
            depth += {"(": 1, ")": -1}.get(terms[i].symbol, 0)
            if depth < 0:
                return i
    return None


def _mfenced(element: Element, terms: list[Term]) -> Term:
    opening, closing = (
        ((element.attributes.get(name) or "").strip() if name in element.attributes else default)
        for name, default in (("open", "("), ("close", ")"))
    )
    separators = element.attributes.get("separators", ",")
    marks = "".join((separators or "").split())
    pieces: list[Term] = []
    for number_, term in enumerate(terms):
        if number_ and marks:
            mark = marks[min(number_ - 1, len(marks) - 1)]
            pieces.append(Term(spell(mark), "mo", mark))
        pieces.append(term)
    left = [Term(spell(opening), "mo", opening)] if opening else []
    right = [Term(spell(closing), "mo", closing)] if closing else []
    row = _row(element, [*left, *pieces, *right])
    return replace(row, kind="mrow", symbol="") if left and right else row


def _mstyle(element: Element, terms: list[Term]) -> Term:
    row = _row(element, terms)
    variant = element.attributes.get("mathvariant") or ""
    command = VARIANT_COMMANDS.get(variant)
    if command is None or "\\left" in row.latex or row.rows is not None or row.latex.startswith(command):
        return row
    if variant == "normal" and not row.latex.isalpha():
        return row
    return Term(f"{command}{{{row.latex}}}", "mi", row.symbol)


# --- fractions, roots, tables and the rest


def _mfrac(element: Element, terms: list[Term]) -> Term:
    above, below = argument(terms, 0).latex, argument(terms, 1).latex
    simple = all(term.kind in ("mi", "mn", "scripted") for term in terms)
    if element.attributes.get("bevelled") == "true" and simple:
        return Term(f"{base_latex(argument(terms, 0))}/{base_latex(argument(terms, 1))}", "mrow")
    if re.fullmatch(r"0[a-z%.\d]*", element.attributes.get("linethickness") or ""):
        return Term(f"{_BARE_FRACTION}{{{above}}}{{{below}}}", "binom")
    return Term(f"\\frac{{{above}}}{{{below}}}", "mfrac")


def _msqrt(element: Element, terms: list[Term]) -> Term:
    return Term(f"\\sqrt{{{_row(element, terms).latex}}}", "msqrt")


def _mroot(element: Element, terms: list[Term]) -> Term:
    index = argument(terms, 1).latex
    return Term(f"\\sqrt{f'[{index}]' if index else ''}{{{argument(terms, 0).latex}}}", "msqrt")


def _environment(name: str, rows: list[list[str]], columns: str = "", lines: frozenset[int] = frozenset()) -> str:
    body = " \\\\ ".join(("\\hline " if number_ in lines else "") + " & ".join(row) for number_, row in enumerate(rows))
    return f"\\begin{{{name}}}{columns} {body} \\end{{{name}}}"


def _mtable(element: Element, terms: list[Term]) -> Term:
    rows = [row for term in terms for row in (term.rows or [[term.latex]])]
    align = (element.attributes.get("columnalign") or "").split()
    if not align:
        align = max((term.align.split() for term in terms), key=len, default=[])
    count = max((len(row) for row in rows), default=1)
    bars = _lines(element.attributes.get("columnlines"), count)
    lines = frozenset(i + 1 for i in _lines(element.attributes.get("rowlines"), len(rows)))
    seconds = [row[1] for row in rows if len(row) > 1 and row[1]]
    relations = bool(seconds) and all(map(_RELATION.match, seconds))
    if bars or lines or (count == 3 and relations and all(_RELATION.fullmatch(cell) for cell in seconds)):
        align = align if bars or lines else ["right", "center", "left"]
        letters = [(align[min(i, len(align) - 1)] if align else "c")[0] for i in range(count)]
        spec = "".join(letter + "|" * (i in bars) for i, letter in enumerate(letters))
        return Term(_environment("array", rows, f"{{{spec}}}", lines), "array")
    if ("right" in align and "left" in align) or relations:
        return Term(_environment("aligned", rows), "mtable", rows=rows)
    if len(rows) == 1 and count == 1:
        return Term(rows[0][0], "mtable", rows=rows)
    return Term(_environment("matrix", rows), "mtable", rows=rows)


def _lines(values: str | None, count: int) -> frozenset[int]:
    """The places in front of which a rule is drawn between `count` columns or rows: 0 for one after the first."""
    styles = (values or "").split()
    if not {"solid", "dashed"} & set(styles):
        return frozenset()
    return frozenset(i for i in range(count - 1) if styles[min(i, len(styles) - 1)] != "none")


def _mtr(element: Element, terms: list[Term]) -> Term:
    cells = terms[1:] if element.tag == "mlabeledtr" else terms
    align = element.attributes.get("columnalign") or " ".join(cell.align for cell in cells if cell.align)
    return Term("", "mtr", rows=[[cell.latex for cell in cells]], align=align)


_CELL_ALIGN = re.compile(r"text-align\s*:\s*(?:-webkit-)?(right|left)|tml-(right|left)")


def _mtd(element: Element, terms: list[Term]) -> Term:
    row = _row(element, terms)
    get = element.attributes.get
    align = get("columnalign") or ""
    if not align and element.attributes:
        match = _CELL_ALIGN.search(f"{get('style') or ''} {get('class') or ''}")
        align = (match[1] or match[2]) if match else ""
    return Term(row.latex or spell(element.text), "mtd", align=align)


def _menclose(element: Element, terms: list[Term]) -> Term:
    latex = _row(element, terms).latex
    notations = set((element.attributes.get("notation") or "longdiv").split())
    for notation, (before, after) in _ENCLOSURES:
        if set(notation.split()) <= notations:
            return Term(f"{before}{latex}{after}", "mrow")
    return Term(latex, "mrow")


_ENCLOSURES = (
    ("updiagonalstrike downdiagonalstrike", ("\\xcancel{", "}")),
    ("updiagonalstrike", ("\\cancel{", "}")),
    ("downdiagonalstrike", ("\\bcancel{", "}")),
    ("horizontalstrike", ("\\sout{", "}")),
    ("box", ("\\boxed{", "}")),
    ("roundedbox", ("\\boxed{", "}")),
    ("left right top bottom", ("\\boxed{", "}")),
    ("circle", ("\\boxed{", "}")),
    ("radical", ("\\sqrt{", "}")),
    ("longdiv", ("\\overline{)", "}")),
    ("top", ("\\overline{", "}")),
    ("bottom", ("\\underline{", "}")),
    ("left right", ("|", "|")),
)


_BORDER = re.compile(r"border\s*:\s*\d[\w.]*\s+solid")


def _mrow(element: Element, terms: list[Term]) -> Term:
    """`<mrow>`; MathML Core has no `menclose`, so a box is a border."""
    style = element.attributes.get("style")
    row = _row(element, terms)
    return Term(f"\\boxed{{{row.latex}}}", "mrow") if style and row.latex and _BORDER.search(style) else row


def _mphantom(element: Element, terms: list[Term]) -> Term:
    latex = _row(element, terms).latex
    return Term(f"\\phantom{{{latex}}}" if latex else "", "mspace")


def _mglyph(element: Element, terms: list[Term]) -> Term:
    alt = element.attributes.get("alt") or ""
    if len(alt) < 2:
        return Term(spell(alt), "mi", alt)
    return Term(f"\\text{{{alt.translate(TEXT_ESCAPES)}}}", "mi", alt)


def _first(element: Element, terms: list[Term]) -> Term:
    return argument(terms, 0)


def _action(element: Element, terms: list[Term]) -> Term:
    selection = element.attributes.get("selection") or "1"
    at = int(selection) - 1 if re.fullmatch(r"[1-9]\d{0,3}", selection, re.ASCII) else 0
    return argument(terms, at if at < len(terms) else 0)


def _nothing(element: Element, terms: list[Term]) -> Term:
    return Term("", element.tag)


_TOKENS: dict[str, Callable[[Element], Term]] = {
    "mi": identifier, "mn": number, "mo": operator, "mtext": text_token, "ms": string_literal,
}  # fmt: skip
_CONVERTERS: dict[str, Callable[[Element, list[Term]], Term]] = {
    "mspace": lambda element, terms: space(element), "mfenced": _mfenced, "mrow": _mrow, "mstyle": _mstyle,
    **SCRIPTS, "mfrac": _mfrac, "msqrt": _msqrt, "mroot": _mroot,
    "mtable": _mtable, "mtr": _mtr, "mlabeledtr": _mtr, "mtd": _mtd, "menclose": _menclose, "mphantom": _mphantom,
    "mglyph": _mglyph, "semantics": _first, "maction": _action, "none": _nothing, "mprescripts": _nothing,
    "maligngroup": _nothing, "malignmark": _nothing,
}  # fmt: skip
