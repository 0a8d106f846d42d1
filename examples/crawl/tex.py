# ruff: noqa: E501 (HTML and tables of symbols are not broken)
r"""A parser for the small part of LaTeX in which the example crawl's formulas are written.

The crawl needs each formula in many encodings (MathML, KaTeX's HTML, AsciiMath, Unicode…) while the LaTeX stays the
ground truth; so the content is parsed once and every encoding is printed from the tree. An unknown command is an
error: content that the encodings cannot print must not slip in.
"""

import re
from dataclasses import dataclass
from functools import cache

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "theta": "θ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "varphi": "φ", "phi": "ϕ", "psi": "ψ", "chi": "χ", "kappa": "κ",
    "zeta": "ζ", "eta": "η", "omega": "ω", "xi": "ξ", "Gamma": "Γ", "Delta": "Δ", "Sigma": "Σ", "Omega": "Ω", "Phi": "Φ", "infty": "∞",
    "partial": "∂", "emptyset": "∅", "varnothing": "∅", "ell": "ℓ",
}  # fmt: skip
OPERATORS = {
    "cdot": "⋅", "times": "×", "div": "÷", "pm": "±", "mp": "∓", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥",
    "ne": "≠", "neq": "≠", "approx": "≈", "equiv": "≡", "sim": "∼", "cong": "≅", "in": "∈", "notin": "∉",
    "subset": "⊂", "subseteq": "⊆", "cup": "∪", "cap": "∩", "setminus": "∖", "to": "→", "rightarrow": "→",
    "mapsto": "↦", "Rightarrow": "⇒", "implies": "⟹", "iff": "⟺", "forall": "∀", "exists": "∃", "neg": "¬",
    "land": "∧", "lor": "∨", "mid": "∣", "parallel": "∥", "perp": "⟂", "angle": "∠", "triangle": "△",
    "circ": "∘", "prime": "′", "ldots": "…", "cdots": "⋯", "dots": "…", "vdots": "⋮", "ddots": "⋱", "nabla": "∇",
    "colon": ":", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lvert": "|", "rvert": "|",
    "lVert": "‖", "rVert": "‖", "{": "{", "}": "}", "%": "%", "$": "$", "|": "‖", "therefore": "∴", "because": "∵",
    "nmid": "∤", "degree": "°", "backslash": "\\", "prec": "≺", "ll": "≪", "gg": "≫", "propto": "∝", "oplus": "⊕",
}  # fmt: skip
LARGE = {"sum": "∑", "prod": "∏", "int": "∫", "bigcup": "⋃", "bigcap": "⋂", "iint": "∬"}
FUNCTIONS = ("sin", "cos", "tan", "cot", "sec", "log", "ln", "lg", "exp", "lim", "max", "min", "gcd", "det", "dim",
             "ker", "sup", "inf", "arcsin", "arccos", "arctan", "deg", "Pr")  # fmt: skip
SPACES = {",": 0.1667, ";": 0.2778, ":": 0.2222, " ": 0.25, "quad": 1.0, "qquad": 2.0, "!": -0.1667}
ACCENTS = {"vec": "→", "overline": "‾", "bar": "ˉ", "hat": "^", "dot": "˙", "tilde": "~"}
VARIANTS = {"mathbb": "double-struck", "mathbf": "bold", "mathrm": "normal", "mathcal": "script",
            "boldsymbol": "bold-italic", "operatorname": "normal"}  # fmt: skip
FENCED_ENVIRONMENTS = {"matrix": ("", ""), "pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "vmatrix": ("|", "|"),
                       "cases": ("{", ""), "aligned": ("", ""), "align": ("", ""), "align*": ("", ""),
                       "gather*": ("", ""), "array": ("", "")}  # fmt: skip

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S")


@dataclass(frozen=True)
class Node:
    """A part of a formula.

    kind: row, number, letter, operator, large (∑ ∫), function, frac, binom, sqrt, scripts (base, sub, sup), fenced,
    text, space, accent, variant, table. text: the symbol, word or name. children: the parts; a missing script is an
    empty row. A table's children are rows whose children are cells.
    """

    kind: str
    text: str = ""
    children: tuple["Node", ...] = ()

    @property
    def empty(self) -> bool:
        """True for an empty row, such as a script that is not there."""
        return self.kind == "row" and not self.children


NOTHING = Node("row")


def row(nodes: list[Node]) -> Node:
    """Wrap nodes into a row unless there is just one."""
    return nodes[0] if len(nodes) == 1 else Node("row", children=tuple(nodes))


@cache
def parse(latex: str) -> Node:
    """Parse a formula without its delimiters; raises ValueError on anything outside the subset."""
    parser = _Parser(latex)
    node = parser.parse_row(stop=())
    if parser.peek():
        raise ValueError(f"unexpected {parser.peek()!r} in {latex!r}")
    return node


class _Parser:
    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.tokens: list[tuple[str, int]] = [(m.group(), m.start()) for m in _TOKEN.finditer(latex)]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise ValueError(f"formula ends too early: {self.latex!r}")
        self.at += 1
        return token

    def expect(self, wanted: str) -> None:
        found = self.take()
        if found != wanted:
            raise ValueError(f"wanted {wanted!r}, found {found!r} in {self.latex!r}")

    def raw_group(self) -> str:
        r"""The characters of `{…}`, spaces included (for \text and the names of environments)."""
        start = self.tokens[self.at][1] + 1
        self.expect("{")
        depth = 1
        while depth:
            place = self.tokens[self.at][1]
            token = self.take()
            depth += (token == "{") - (token == "}")
        return self.latex[start:place]

    def parse_row(self, stop: tuple[str, ...]) -> Node:
        nodes: list[Node] = []
        while self.peek() and self.peek() not in stop:
            nodes.append(self.parse_scripted())
        return row(nodes)

    def parse_scripted(self) -> Node:
        base = NOTHING if self.peek() in ("^", "_") else self.parse_atom()
        sub = sup = NOTHING
        while self.peek() in ("^", "_", "'"):
            mark = self.take()
            if mark == "'":
                primes = 1
                while self.peek() == "'":
                    self.take()
                    primes += 1
                sup = row([Node("operator", "′")] * primes)
            elif mark == "^":
                sup = self.parse_argument()
            else:
                sub = self.parse_argument()
        if sub.empty and sup.empty:
            return base
        return Node("scripts", children=(base, sub, sup))

    def parse_argument(self) -> Node:
        r"""An argument of a command or script: without braces it is one digit, as in \tfrac12."""
        token, place = self.tokens[self.at] if self.peek() else ("", 0)
        if len(token) > 1 and token[0].isdigit():
            self.tokens[self.at : self.at + 1] = [(token[0], place), (token[1:], place + 1)]
        return self.parse_atom()

    def parse_atom(self) -> Node:
        token = self.take()
        if token == "{":
            inner = self.parse_row(stop=("}",))
            self.expect("}")
            return inner
        if token.startswith("\\") and len(token) > 1:
            return self.parse_command(token[1:])
        if token[0].isdigit():
            return Node("number", token)
        if token.isalpha():
            return Node("letter", token)
        if token == "~":
            return Node("space", "0.25")
        if token in "}&^_":
            raise ValueError(f"unexpected {token!r} in {self.latex!r}")
        return Node("operator", "−" if token == "-" else token)

    def parse_command(self, name: str) -> Node:
        if name in GREEK:
            return Node("letter", GREEK[name])
        if name in OPERATORS:
            return Node("operator", OPERATORS[name])
        if name in LARGE:
            return Node("large", LARGE[name])
        if name in FUNCTIONS:
            return Node("function", name)
        if name in SPACES:
            return Node("space", str(SPACES[name]))
        if name in ("frac", "dfrac", "tfrac"):
            return Node("frac", children=(self.parse_argument(), self.parse_argument()))
        if name == "binom":
            return Node("binom", children=(self.parse_argument(), self.parse_argument()))
        if name == "sqrt":
            return self.parse_root()
        if name in ("text", "mbox", "textbf"):
            return Node("text", self.raw_group())
        if name in ACCENTS:
            return Node("accent", ACCENTS[name], (self.parse_argument(),))
        if name in VARIANTS:
            return Node("variant", VARIANTS[name], (self.parse_argument(),))
        if name in ("pmod", "bmod"):
            return self.parse_modulo(name)
        if name == "left":
            return self.parse_fence()
        if name == "begin":
            return self.parse_environment()
        if name == "boxed":
            return self.parse_atom()
        if name in ("displaystyle", "limits"):
            return NOTHING
        raise ValueError(f"\\{name} is outside the crawl's LaTeX: {self.latex!r}")

    def parse_root(self) -> Node:
        index = NOTHING
        if self.peek() == "[":
            self.take()
            index = self.parse_row(stop=("]",))
            self.expect("]")
        return Node("sqrt", children=(self.parse_argument(), index))

    def parse_modulo(self, name: str) -> Node:
        mod = Node("function", "mod")
        if name == "bmod":
            return mod
        return Node("fenced", "()", (row([mod, self.parse_argument()]),))

    def parse_fence(self) -> Node:
        left = self.parse_delimiter()
        inner = self.parse_row(stop=("\\right",))
        self.expect("\\right")
        return Node("fenced", left + self.parse_delimiter(), (inner,))

    def parse_delimiter(self) -> str:
        token = self.take()
        symbol = OPERATORS[token[1:]] if token.startswith("\\") else token
        return " " if symbol == "." else symbol

    def parse_environment(self) -> Node:
        name = self.raw_group()
        left, right = FENCED_ENVIRONMENTS[name]
        if name == "array":
            self.raw_group()
        rows: list[Node] = []
        cells: list[Node] = []
        while True:
            cells.append(self.parse_row(stop=("&", "\\\\", "\\end")))
            token = self.take()
            if token == "&":
                continue
            rows.append(Node("row", children=tuple(cells)))
            cells = []
            if token == "\\end":
                break
        if self.raw_group() != name:
            raise ValueError(f"environment {name} is not closed: {self.latex!r}")
        return Node("table", f"{left or ' '}{right or ' '}", tuple(rows))
