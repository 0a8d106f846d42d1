"""Formulas on one line without LaTeX: AsciiMath, plain Unicode, and HTML with `<sup>` and `<sub>`."""

import re
from collections.abc import Callable
from html import escape

from .tex import Node, parse

_ASCIIMATH = {
    "⋅": "*", "×": "xx", "÷": "-:", "±": "+-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~~", "≡": "-=", "∈": "in",
    "→": "->", "⇒": "=>", "⟹": "=>", "⟺": "<=>", "…": "...", "⋯": "cdots", "∞": "oo", "∑": "sum", "∏": "prod",
    "∫": "int", "−": "-", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "θ": "theta", "λ": "lambda",
    "μ": "mu", "π": "pi", "σ": "sigma", "φ": "phi", "ω": "omega", "Δ": "Delta", "∪": "uu", "∩": "nn", "°": "^@",
    "∠": "/_", "△": "/_\\", "⟂": "_|_", "∣": "|", "ε": "epsilon", "∘": "@", "′": "'",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("0123456789+−=()nixk", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣᵏ")
_SUBSCRIPTS = str.maketrans("0123456789+−=()nijk", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙᵢⱼₖ")
_BLACKBOARD = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ"}


def asciimath(latex: str) -> str:
    """AsciiMath, as in `sum_(i=1)^n i^3=((n(n+1))/2)^2`."""
    return _asciimath(parse(latex)).strip()


def _asciimath(node: Node) -> str:
    kind, text, parts = node.kind, node.text, node.children
    if kind == "row":
        return "".join(map(_asciimath, parts))
    if kind in ("number", "letter"):
        return f" {_ASCIIMATH[text]} " if text in _ASCIIMATH else text
    if kind in ("operator", "large"):
        return f" {_ASCIIMATH.get(text, text)} " if text not in "()[]!,|" else text
    if kind == "function":
        return f" {text} "
    if kind == "frac":
        return f"({_asciimath(parts[0])})/({_asciimath(parts[1])})"
    if kind == "binom":
        return f"(({_asciimath(parts[0])}),({_asciimath(parts[1])}))"
    if kind == "sqrt":
        body = f"({_asciimath(parts[0])})"
        return f"sqrt{body}" if parts[1].empty else f"root({_asciimath(parts[1])}){body}"
    if kind == "scripts":
        sub = "" if parts[1].empty else f"_({_asciimath(parts[1])})"
        sup = "" if parts[2].empty else f"^({_asciimath(parts[2])})"
        return f"{_asciimath(parts[0]).rstrip()}{sub}{sup}"
    if kind == "fenced":
        return f"{text[0]}{_asciimath(parts[0])}{text[1]}"
    if kind == "text":
        return f'"{text}"'
    if kind == "table":
        rows = ",".join("[" + ",".join(_asciimath(cell).strip() for cell in line.children) + "]" for line in parts)
        return f"[{rows}]"
    return _asciimath(parts[0]) if parts else " "


def unicode_text(latex: str) -> str:
    """Plain Unicode, as people type it in a comment: x² + 3x − 10 = 0, √2, a₁."""
    return _unary(_plain(parse(latex), _unicode_script))


def html_scripts(latex: str) -> str:
    """HTML with `<sup>`, `<sub>` and `<i>`, as hand-written pages had it."""
    return _unary(_plain(parse(latex), _html_script, letter=lambda c: f"<i>{c}</i>", leaf=escape))


def _unary(written: str) -> str:
    """A minus that begins a formula or follows a relation or bracket stands close to its number."""
    return re.sub(r"(^|[=<>≤≥≠≈≡,(] ?) − ", r"\1−", written)


def _unicode_script(text: str, up: bool) -> str:
    table = _SUPERSCRIPTS if up else _SUBSCRIPTS
    written = text.translate(table)
    if all(ord(c) in table for c in text):
        return written
    return f"{'^' if up else '_'}({text})" if len(text) > 1 else f"{'^' if up else '_'}{text}"


def _html_script(text: str, up: bool) -> str:
    return f"<sup>{text}</sup>" if up else f"<sub>{text}</sub>"


def _plain(
    node: Node,
    script: Callable[[str, bool], str],
    letter: Callable[[str], str] = str,
    leaf: Callable[[str], str] = str,
) -> str:
    def show(part: Node) -> str:
        return _plain(part, script, letter, leaf)

    def group(part: Node) -> str:
        inner = show(part)
        return f"({inner})" if part.kind in ("row", "frac") else inner

    kind, text, parts = node.kind, node.text, node.children
    if kind == "row":
        return "".join(map(show, parts))
    if kind == "letter":
        return letter(text)
    if kind == "operator":
        return leaf(f" {text} " if text in "=+−<>≤≥≠≈≡±×⋅÷∈→⇒⟹⟺" else text)
    if kind == "frac":
        return f"{group(parts[0])}/{group(parts[1])}"
    if kind == "sqrt":
        return f"√{group(parts[0])}" if len(show(parts[0])) > 1 else f"√{show(parts[0])}"
    if kind == "scripts":
        sub = "" if parts[1].empty else script(show(parts[1]).replace(" ", ""), False)
        sup = "" if parts[2].empty else script(show(parts[2]).replace(" ", ""), True)
        return show(parts[0]) + sub + sup
    if kind == "fenced":
        return leaf(text[0]) + show(parts[0]) + leaf(text[1])
    if kind == "function":
        return f"{text} "
    if kind == "space":
        return " "
    if kind == "variant":
        return _BLACKBOARD.get(parts[0].text, show(parts[0]))
    if kind in ("number", "large", "text"):
        return leaf(text)
    raise ValueError(f"{kind} has no plain spelling")
