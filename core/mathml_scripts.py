"""Scripts, limits, accents and labelled arrows of Presentation MathML as LaTeX."""

import re
from collections.abc import Callable
from dataclasses import replace

from mathmill.core.mathml_tables import ACCENTS, LARGE_OPERATORS, UNDER_ACCENTS
from mathmill.core.mathml_terms import Element, Term, join_latex

_LONG_ARROWS = {
    "→": "\\xrightarrow", "⟶": "\\xrightarrow", "←": "\\xleftarrow", "⟵": "\\xleftarrow", "⇒": "\\xRightarrow",
    "⇐": "\\xLeftarrow", "↔": "\\xleftrightarrow", "↦": "\\xmapsto", "↪": "\\xhookrightarrow",
}  # fmt: skip
_PRIMES = re.compile(r"'+")


def base_latex(term: Term) -> str:
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


def _scripted(base: Term, sub: str, sup: str) -> Term:
    latex = base_latex(base)
    primes = _PRIMES.match(sup)
    if primes is not None:  # they stand before a subscript in LaTeX
        latex += primes[0]
        sup = sup[primes.end() :].strip()
    latex += f"_{{{sub}}}" if sub else ""
    latex += f"^{{{sup}}}" if sup else ""
    return Term(latex, "scripted", base.symbol)


def _with_limits(base: Term, under: str, over: str) -> Term:
    """A large operator with its limits; an operator's name gets the star that sets them over and under it."""
    if base.latex.startswith(("\\operatorname{", "\\mathrm{")):
        base = replace(base, latex="\\operatorname*" + base.latex[base.latex.index("{") :], kind="mi")
    return _scripted(base, under, over)


def argument(terms: list[Term], at: int) -> Term:
    """The child at a place; nothing where the markup left it out."""
    return terms[at] if at < len(terms) else Term("", "mrow")


def _msub(element: Element, terms: list[Term]) -> Term:
    return _scripted(argument(terms, 0), argument(terms, 1).latex, "")


def _msup(element: Element, terms: list[Term]) -> Term:
    return _scripted(argument(terms, 0), "", argument(terms, 1).latex)


def _msubsup(element: Element, terms: list[Term]) -> Term:
    return _scripted(argument(terms, 0), argument(terms, 1).latex, argument(terms, 2).latex)


def _mmultiscripts(element: Element, terms: list[Term]) -> Term:
    base, scripts = argument(terms, 0), terms[1:]
    cut = next((i for i, term in enumerate(scripts) if term.kind == "mprescripts"), len(scripts))
    latex = ""
    for pair in _pairs(scripts[cut + 1 :]):
        latex += "{}" + _scripted(Term("", "mrow"), *pair).latex.removeprefix("{}")
    latex = join_latex([latex, base_latex(base)])
    for number_, pair in enumerate(_pairs(scripts[:cut])):
        latex += ("{}" if number_ else "") + _scripted(Term("", "mrow"), *pair).latex.removeprefix("{}")
    return Term(latex, "scripted", base.symbol)


def _pairs(terms: list[Term]) -> list[tuple[str, str]]:
    return [(terms[i].latex, argument(terms, i + 1).latex) for i in range(0, len(terms), 2)]


def _takes_limits(term: Term) -> bool:
    return term.symbol in LARGE_OPERATORS or term.latex.startswith(("\\underbrace", "\\overbrace"))


def _is_stretched(element: Element, at: int) -> bool:
    """Whether the mark over a base says itself that it is as wide as the base."""
    return len(element.children) > at and element.children[at].attributes.get("stretchy") == "true"


def _mover(element: Element, terms: list[Term]) -> Term:
    return _over(argument(terms, 0), argument(terms, 1), _is_stretched(element, 1))


def _over(base: Term, over: Term, stretched: bool) -> Term:
    if over.kind == "mspace" or not over.latex:
        return base
    single = not stretched and (len(base.symbol) == 1 or len(base.latex) == 1)
    accent = ACCENTS.get(over.symbol) if over.kind in ("mo", "mi", "mtext", "mn") else None
    if accent is not None and base.symbol not in _LONG_ARROWS:
        return Term(f"{accent[0] if single else accent[1]}{{{base.latex}}}", "accented", base.symbol)
    if _takes_limits(base):
        return _with_limits(base, "", over.latex)
    if base.symbol in _LONG_ARROWS:
        return Term(f"{_LONG_ARROWS[base.symbol]}{{{_trimmed(over.latex)}}}", "mo")
    return Term(f"\\overset{{{over.latex}}}{{{base.latex}}}", "mrow")


def _trimmed(latex: str) -> str:
    """Without the padding that renderers put around the label of an arrow."""
    return re.sub(r"\A(?:\\[;:,])+|(?:\\[;:,])+\Z", "", latex).strip()


def _munder(element: Element, terms: list[Term]) -> Term:
    return _under(argument(terms, 0), argument(terms, 1))


def _under(base: Term, under: Term) -> Term:
    if under.kind == "mspace" or not under.latex:
        return base
    accent = UNDER_ACCENTS.get(under.symbol) if under.kind in ("mo", "mi", "mtext") else None
    if accent is not None and base.symbol not in _LONG_ARROWS:
        return Term(f"{accent}{{{base.latex}}}", "accented")
    if _takes_limits(base):
        return _with_limits(base, under.latex, "")
    if base.symbol in _LONG_ARROWS:
        return Term(f"{_LONG_ARROWS[base.symbol]}[{_trimmed(under.latex)}]{{}}", "mo")
    return Term(f"\\underset{{{under.latex}}}{{{base.latex}}}", "mrow")


def _munderover(element: Element, terms: list[Term]) -> Term:
    base, under, over = (argument(terms, i) for i in range(3))
    if base.symbol in _LONG_ARROWS and under.latex and over.latex:
        return Term(f"{_LONG_ARROWS[base.symbol]}[{_trimmed(under.latex)}]{{{_trimmed(over.latex)}}}", "mo")
    if _takes_limits(base):
        return _with_limits(base, under.latex, over.latex)
    return _under(_over(base, over, _is_stretched(element, 2)), under)


SCRIPTS: dict[str, Callable[[Element, list[Term]], Term]] = {
    "msub": _msub, "msup": _msup, "msubsup": _msubsup, "mmultiscripts": _mmultiscripts, "mover": _mover,
    "munder": _munder, "munderover": _munderover,
}  # fmt: skip
"""What converts each of these elements, given it and the terms of its children."""
