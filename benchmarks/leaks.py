r"""Ways in which a benchmark item gets into a text: the same item in other spaces, case, delimiters and notation.

Every rewrite keeps what the item says; each is a function of a text and a seeded generator, and belongs to a family of
the tables in docs/quality.md. A rewrite that leaves an item as it is makes no case.
"""

import random
import re
from collections.abc import Callable
from typing import TypeAlias

Rewrite: TypeAlias = Callable[[str, random.Random], str]

_FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<!\\)\$((?:\\\$|[^$\n])+)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_PROSE = re.compile(r"(?<![\\{A-Za-z])[A-Za-z]{2,}[,.]? +[a-z]{2,}|^ *and *$|  [A-Z][a-z]")  # between two prices
_CJK = re.compile(r"[\u4e00-\u9fff]")
_UPPER_DIGITS = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWER_DIGITS = str.maketrans("0123456789+-n", "₀₁₂₃₄₅₆₇₈₉₊₋ₙ")
_SIGNS = {
    "leqslant": "≤", "geqslant": "≥", "leq": "≤", "geq": "≥", "le": "≤", "ge": "≥", "neq": "≠", "ne": "≠",
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "infty": "∞", "in": "∈", "cup": "∪", "cap": "∩", "to": "→",
    "angle": "∠", "triangle": "△", "perp": "⊥", "parallel": "∥", "circ": "°", "pi": "π", "theta": "θ", "alpha": "α",
    "beta": "β", "omega": "ω", "lambda": "λ", "Delta": "Δ", "varphi": "φ", "subseteq": "⊆", "approx": "≈",
}  # fmt: skip
_ASCII_SIGNS = {
    "leqslant": "<=", "geqslant": ">=", "leq": "<=", "geq": ">=", "le": "<=", "ge": ">=", "neq": "!=", "ne": "!=",
    "times": "*", "cdot": "*", "pi": "pi", "theta": "theta", "alpha": "alpha", "beta": "beta",
}  # fmt: skip
_FUNCTIONS = "sin|cos|tan|cot|sec|csc|log|ln|lg|max|min|gcd|lcm|exp|lim"


def is_chinese(text: str) -> bool:
    """Whether a text has Chinese words."""
    return len(_CJK.findall(text)) >= 4


def in_formulas(text: str, change: Callable[[str], str]) -> str:
    """Change the formulas of a text and leave its prose."""
    return _each_formula(text, lambda match, inner: match[0].replace(inner, change(inner)))


def _each_formula(text: str, change: Callable[[re.Match[str], str], str]) -> str:
    """Replace delimited formulas, given as match and content."""

    def replace(match: re.Match[str]) -> str:
        inner = next(group for group in match.groups() if group is not None)
        is_prose = match[0][0] == "$" and _PROSE.search(re.sub(r"\\(?:text|mbox|textbf|textrm)\s*\{[^}]*\}", "", inner))
        return match[0] if is_prose else change(match, inner)

    return _FORMULA.sub(replace, text)


def embedded(text: str, rng: random.Random) -> str:
    """In the middle of a paragraph."""
    if is_chinese(text):
        return f"上一节我们讲了家庭作业的做法，请同学们先看例题。{text}\n请写出每一步的理由，再与同桌核对答案。"
    lead = rng.choice(("First we talked about homework.", "The notes of March 12 say:", "Example 3. Try this one."))
    return f"{lead} {text} Write down every step, and compare with your neighbour."


def numbered(text: str, rng: random.Random) -> str:
    """As an item of a numbered list between others."""
    number = rng.randint(2, 30)
    mark = rng.choice(("{}. ", "({}) ", "{}) ", "Problem {}: ", "**{}.** ", "- ({}) "))
    if is_chinese(text):
        mark = rng.choice(("{}．", "（{}）", "{}、", "第{}题 ", "例{}　"))
        return f"{mark.format(number - 1)}填空：略。\n{mark.format(number)}{text}\n{mark.format(number + 1)}略。"
    other = "Sketch the graph of the function."
    return f"{mark.format(number - 1)}{other}\n{mark.format(number)}{text}\n{mark.format(number + 1)}{other}"


def exam_heading_gone(text: str, rng: random.Random) -> str:
    """Without the number and the points in front: "3. (5 分)"."""
    return re.sub(r"^\s*(?:\d+\s*[.．、]\s*)?(?:[(（]\s*(?:本小题满分\s*)?\d+\s*分\s*[)）])?\s*", "", text)


_OPTION = re.compile(r"(?:^|(?<=\s))[(（]?([A-D])[).．、:：]\s*(.+?)(?=\s[(（]?[B-E][).．、:：]|\Z)", re.DOTALL)


def options_reordered(text: str, rng: random.Random) -> str:
    """The same options in another order."""
    options = list(_OPTION.finditer(text))
    if [match[1] for match in options] != list("ABCD"):
        return text
    order = rng.sample(options, 4)
    return text[: options[0].start()] + "\n".join(f"{c}. {m[2].strip()}" for c, m in zip("ABCD", order, strict=True))


def options_gone(text: str, rng: random.Random) -> str:
    """The stem alone."""
    options = list(_OPTION.finditer(text))
    return text[: options[0].start()] if [match[1] for match in options] == list("ABCD") else text


def as_dialogue(text: str, rng: random.Random) -> str:
    """As instruction data has it."""
    if is_chinese(text):
        return f"问题：{text}\n答案：我们先整理条件，然后一步一步计算。"
    return f"Question: {text}\nAnswer: Let's think step by step. We first write down what is given."


def wide_spaces(text: str, rng: random.Random) -> str:
    """Spaces doubled, paragraphs after sentences, spaces around operators in formulas."""
    text = in_formulas(text, lambda f: re.sub(r"(?<=[\w)}])([+=<>]|-(?=[\w\\(]))", r" \1 ", f))
    return re.sub(r"(?<=[.?。？])\s+(?=[A-Z])", "\n\n", text).replace(" ", "  ")


def wrapped(text: str, rng: random.Random) -> str:
    """Lines of a few words each."""
    words = text.split(" ")
    return "".join(word + ("\n" if rng.random() < 0.2 else " ") for word in words).strip()


def no_spaces_in_formulas(text: str, rng: random.Random) -> str:
    r"""`\ln x + 2 a b` as `\ln x+2ab`."""
    kept = re.compile(r"(\\[A-Za-z]+ +(?=[A-Za-z])|\\text\s*\{[^}]*\}|(?<=\d),? +(?=\d))|\s+")
    return in_formulas(text, lambda f: kept.sub(lambda m: m[1] or "", f))


def letters_apart(text: str, rng: random.Random) -> str:
    r"""`ABC`, `2xy` as `A B C`, `2 x y`, the way recognisers of scanned formulas write."""
    atoms = re.compile(
        r"(\\(?:text|mbox|textbf|textrm|mathrm|operatorname|begin|end)\s*\{[^}]*\}|\\[A-Za-z]+|[A-Za-z]{5,})|([A-Za-z]{2,4})"
    )
    return in_formulas(text, lambda f: atoms.sub(lambda m: m[1] or " ".join(m[2]), f))


def upper_case(text: str, rng: random.Random) -> str:
    """Capitals, but for the names of commands."""
    return re.sub(
        r"(\\[A-Za-z]+(?:\{(?:align|array|cases|[bpv]?matrix|tabular|asy)\*?\})?)|([^\\]+)",
        lambda m: m[1] or m[2].upper(),
        text,
    )


def lower_case(text: str, rng: random.Random) -> str:
    """Small letters, but for the names of commands."""
    return re.sub(r"(\\[A-Za-z]+)|([^\\]+)", lambda m: m[1] or m[2].lower(), text)


def round_delimiters(text: str, rng: random.Random) -> str:
    r"""`\(…\)` or `\[…\]` for dollars."""
    return _each_formula(text, lambda m, f: rf"\[{m[1]}\]" if m[1] else rf"\({m[2]}\)" if m[2] else m[0])


def no_delimiters(text: str, rng: random.Random) -> str:
    """Formulas without any."""
    text = re.sub(r"(?<=\\\])(?=\w)|(?<=[a-z])(?=\\\[)", " ", text)

    def bare(match: re.Match[str], formula: str) -> str:
        after = match.string[match.end() : match.end() + 2]
        return formula + " " * (len(after) == 2 and after.isalpha() and after != "th")

    return _each_formula(text, bare)


def other_commands(text: str, rng: random.Random) -> str:
    r"""`\dfrac` for `\frac`, `\leqslant` for `\leq`, `\left(`, thin spaces, braces around scripts."""
    pairs = (
        (r"\\[dt]?frac\b", r"\\cfrac"), (r"\\leq?(?![a-z])", r"\\leqslant "), (r"\\geq?(?![a-z])", r"\\geqslant "),
        (r"\\neq?(?![a-z])", r"\\not= "), (r"(?<![\\A-Za-z])\((?=[^()$]*\))([^()$]*)\)", r"\\left(\1\\right)"),
        (r"\^(\w)(?![\w}])", r"^{\1}"), (r"_(\w)(?![\w}])", r"_{\1}"), (r"\\cdot\b", r"\\times "),
    )  # fmt: skip

    def change(formula: str) -> str:
        for pattern, new in pairs:
            formula = re.sub(pattern, new, formula)
        return formula

    return in_formulas(text, change)


def _argument(text: str) -> str:
    return text if re.fullmatch(r"\w+|\\[A-Za-z]+", text.strip()) else f"({text})"


def _flat(formula: str, signs: dict[str, str], root: str) -> str:
    """Fractions with a slash, roots and signs as characters, functions and letters without commands."""
    formula = re.sub(r"\\(?:left|right|displaystyle|,|;|!|quad|qquad)(?![A-Za-z])", "", formula)
    formula = re.sub(r"\\(?:mathrm|text|mathbf|operatorname)\s*\{([^{}]*)\}", r"\1", formula)
    formula = re.sub(r"\^\s*\{?\s*\\(?:circ|degree)\s*\}?", "°", formula)
    formula = re.sub(r"\\[dtc]?frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}", formula)
    previous = ""
    while previous != formula:
        previous = formula
        formula = re.sub(
            r"\\sqrt\s*\{([^{}]*)\}",
            lambda m: (
                " " * m.string[: m.start()][-1:].isalpha() + root + (_argument(m[1]) if root == "√" else f"({m[1]})")
            ),
            formula,
        )
        formula = re.sub(
            r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}",
            lambda m: f"{' ' * m.string[: m.start()][-1:].isdigit()}{_argument(m[1])}/{_argument(m[2])}",
            formula,
        )
        formula = re.sub(r"\^\s*\{(\w)\}", r"^\1", formula)
        formula = re.sub(r"_\s*\{(\w)\}", r"_\1", formula)
    for name, sign in signs.items():
        formula = re.sub(rf"\\{name}(?![A-Za-z])\s*", sign if len(sign) < 3 else sign + " ", formula)
    return re.sub(rf"\\({_FUNCTIONS})(?![A-Za-z])", r"\1", formula)


def unicode_formulas(text: str, rng: random.Random) -> str:
    """x² ≤ √2, a/b, ∠ABC = 60°, no delimiters."""

    def change(formula: str) -> str:
        formula = _flat(formula, _SIGNS, "√")
        formula = re.sub(
            r"\^(?:\{([-+\dn]+)\}|([\dn])(?![\w{]))", lambda m: (m[1] or m[2]).translate(_UPPER_DIGITS), formula
        )
        return re.sub(
            r"_(?:\{([-+\dn]+)\}|([\dn])(?![\w{]))", lambda m: (m[1] or m[2]).translate(_LOWER_DIGITS), formula
        )

    return no_delimiters(in_formulas(text, change), rng)


def ascii_formulas(text: str, rng: random.Random) -> str:
    """x^2 <= sqrt(2), a/b, no delimiters."""
    return no_delimiters(in_formulas(text, lambda f: _flat(f, _ASCII_SIGNS, "sqrt")), rng)


def function_glued(text: str, rng: random.Random) -> str:
    r"""`\ln x`, `\sin A` as `lnx`, `sinA`."""
    return in_formulas(text, lambda f: re.sub(rf"\\({_FUNCTIONS})\s*(?=[A-Za-z0-9](?![a-z]))", r"\1", f))


def html_scripts(text: str, rng: random.Random) -> str:
    """x<sup>2</sup>, no delimiters."""

    def change(formula: str) -> str:
        formula = re.sub(r"\^(?:\{([^{}\\]+)\}|(\w))", lambda m: f"<sup>{m[1] or m[2]}</sup>", formula)
        return re.sub(r"_(?:\{([^{}\\]+)\}|(\w))", lambda m: f"<sub>{m[1] or m[2]}</sub>", formula)

    return no_delimiters(in_formulas(text, change), rng)


def displayed(text: str, rng: random.Random) -> str:
    """Formulas with a relation on lines of their own, in environments."""

    def change(match: re.Match[str], formula: str) -> str:
        if "begin" in formula or "=" not in formula:
            return match[0]
        environment = rng.choice(("equation*", "align*", "gather"))
        return f"\n\\begin{{{environment}}}\n{formula}\n\\end{{{environment}}}\n"

    return _each_formula(text, change)


def grouped_digits(text: str, rng: random.Random) -> str:
    r"""1000 as 1,000 or 1{,}000 and the reverse; `\$5` and `$5`."""
    comma = rng.choice((",", "{,}"))
    if re.search(r"\d,\d{3}(?!\d)", text):
        text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    else:
        text = re.sub(
            r"(?<![\d.,])\d{4,9}(?![\d.])",
            lambda m: f"{int(m[0]):,}".replace(",", comma) if m[0][0] != "0" else m[0],
            text,
        )
    if "\\$" in text:
        return text.replace("\\$", "$")
    return text if _FORMULA.search(text) else re.sub(r"\$(?=\d)", r"\\$", text)


def full_width(text: str, rng: random.Random) -> str:
    """Digits, letters and punctuation of Chinese prose in full width."""
    if not is_chinese(text):
        return text
    wide = {c: c + 0xFEE0 for c in [*range(0x30, 0x3A), *map(ord, ",:;?!()")]}
    pieces = re.split(r"(\$[^$]*\$|\\[A-Za-z]+|\d[\d,.]*\d)", text)
    return "".join(
        p
        if i % 2 and p[0] in "\\$"
        else p.translate({c: wide[c] for c in range(0x30, 0x3A)})
        if i % 2
        else p.translate(wide)
        for i, p in enumerate(pieces)
    )


def half_width(text: str, rng: random.Random) -> str:
    """Punctuation of Chinese prose in ASCII, with spaces."""
    if not is_chinese(text):
        return text
    return text.translate(
        {
            ord(a): b
            for a, b in zip(
                "，。：；？！（）、．", [", ", ". ", ": ", "; ", "? ", "! ", " (", ") ", ", ", ". "], strict=True
            )
        }
    )


def spaces_gone(text: str, rng: random.Random) -> str:
    """Chinese without any space."""
    return (
        re.sub(r"(\\[A-Za-z]+) +(?=[A-Za-z])|\s+", lambda m: m[0] if m[1] else "", text) if is_chinese(text) else text
    )


REWRITES: dict[str, dict[str, Rewrite]] = {
    "exact": {"as it is": lambda text, rng: text},
    "embedded": {
        "in a paragraph": embedded, "in a numbered list": numbered, "as question and answer": as_dialogue,
        "without the exam's heading": exam_heading_gone, "options in another order": options_reordered,
        "without the options": options_gone,
    },
    "re-spaced": {
        "wide": wide_spaces, "wrapped": wrapped, "formulas without spaces": no_spaces_in_formulas,
        "letters apart": letters_apart, "Chinese without spaces": spaces_gone,
    },
    "re-cased": {"upper": upper_case, "lower": lower_case},
    "re-delimited": {"round": round_delimiters, "none": no_delimiters, "displayed": displayed},
    "re-notated": {
        "other commands": other_commands, "Unicode": unicode_formulas, "ASCII": ascii_formulas,
        "functions glued": function_glued, "HTML scripts": html_scripts, "digits grouped": grouped_digits,
        "full width": full_width, "half width": half_width,
    },
}  # fmt: skip
"""Rewrites by family and name."""
