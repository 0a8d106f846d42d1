r"""Content MathML to LaTeX: `<apply><plus/><ci>x</ci><cn>1</cn></apply>` is `x+1`.

Used where a formula has no presentation. Brackets are set by precedence, as a mathematician would; what is no operator
of MathML 3 chapter 4 is read as a function, `f(x)`. Recursion is bounded by MAX_DEPTH; what lies deeper is left out.
"""

from collections.abc import Callable
from typing import NamedTuple

from mathmill.core.mathml_terms import SEPARATOR, Element, join_latex, spell

MAX_DEPTH = 40
_LONGEST_DEGREE = 100

Present = Callable[[Element], str]

CONTENT = frozenset((
    "apply", "ci", "cn", "csymbol", "bind", "reln", "fn", "piecewise", "vector", "matrix", "set", "list", "interval",
    "lambda", "cs", "cerror", "share", "declare", "pi", "infinity", "exponentiale", "imaginaryi", "eulergamma",
    "emptyset", "reals", "integers", "naturalnumbers", "rationals", "complexes", "primes", "true", "false",
    "notanumber",
))  # fmt: skip
"""Elements that are read here wherever they occur."""

_ATOM, _POWER, _PREFIX, _PRODUCT, _SUM, _SETS, _RELATION, _LOGIC, _LOOSE = range(9)
_TAKES = {_PRODUCT: _PREFIX, _SUM: _PRODUCT, _SETS: _PREFIX, _RELATION: _SETS, _LOGIC: _RELATION}
"""How loosely an argument of an operator may bind and stand without brackets."""


class _Part(NamedTuple):
    """LaTeX with how loosely it binds."""

    latex: str
    level: int


_CONSTANTS = {
    "pi": "\\pi", "infinity": "\\infty", "exponentiale": "e", "imaginaryi": "i", "eulergamma": "\\gamma",
    "emptyset": "\\emptyset", "reals": "\\mathbb{R}", "integers": "\\mathbb{Z}", "naturalnumbers": "\\mathbb{N}",
    "rationals": "\\mathbb{Q}", "complexes": "\\mathbb{C}", "primes": "\\mathbb{P}", "true": "\\mathrm{true}",
    "false": "\\mathrm{false}", "notanumber": "\\mathrm{NaN}",
}  # fmt: skip
_INFIX = {  # operator: what stands between its arguments, and how loosely that binds
    "eq": ("=", _RELATION), "neq": ("\\ne", _RELATION), "lt": ("<", _RELATION), "gt": (">", _RELATION),
    "leq": ("\\le", _RELATION), "geq": ("\\ge", _RELATION), "equivalent": ("\\equiv", _RELATION),
    "approx": ("\\approx", _RELATION), "factorof": ("\\mid", _RELATION), "tendsto": ("\\to", _RELATION),
    "in": ("\\in", _RELATION), "notin": ("\\notin", _RELATION), "subset": ("\\subseteq", _RELATION),
    "prsubset": ("\\subset", _RELATION), "notsubset": ("\\nsubseteq", _RELATION),
    "notprsubset": ("\\not\\subset", _RELATION), "and": ("\\wedge", _LOGIC), "or": ("\\vee", _LOGIC),
    "xor": ("\\oplus", _LOGIC), "implies": ("\\Rightarrow", _LOGIC), "union": ("\\cup", _SETS),
    "intersect": ("\\cap", _SETS), "setdiff": ("\\setminus", _SETS), "cartesianproduct": ("\\times", _SETS),
    "vectorproduct": ("\\times", _PRODUCT), "scalarproduct": ("\\cdot", _PRODUCT),
    "outerproduct": ("\\otimes", _PRODUCT), "compose": ("\\circ", _PRODUCT), "rem": ("\\bmod", _PRODUCT),
}  # fmt: skip
_AROUND = {  # operator: what stands around its argument
    "abs": ("|", "|"), "floor": ("\\lfloor ", "\\rfloor"), "ceiling": ("\\lceil ", "\\rceil"), "card": ("|", "|"),
    "conjugate": ("\\overline{", "}"), "quotient": ("\\lfloor ", "\\rfloor"), "norm": ("\\|", "\\|"),
}  # fmt: skip
_FUNCTIONS = {
    **{name: f"\\{name}" for name in (
        "sin", "cos", "tan", "sec", "csc", "cot", "sinh", "cosh", "tanh", "coth", "arcsin", "arccos", "arctan", "exp",
        "ln", "log", "max", "min", "gcd", "arg",
    )},
    **{name: f"\\operatorname{{{name}}}" for name in (
        "sech", "csch", "arcsec", "arccsc", "arccot", "arcsinh", "arccosh", "arctanh", "arcsech", "arccsch", "arccoth",
        "lcm", "curl", "sdev", "variance", "mode", "median", "mean", "codomain", "domain", "image", "ident",
    )},
    "real": "\\Re", "imaginary": "\\Im", "determinant": "\\det", "divergence": "\\nabla\\cdot",
    "grad": "\\nabla", "laplacian": "\\nabla^{2}",
}  # fmt: skip
_LARGE = {"int": "\\int", "sum": "\\sum", "product": "\\prod", "limit": "\\lim"}
_QUANTIFIERS = {"forall": "\\forall", "exists": "\\exists"}
_RENAMED = {  # symbols of OpenMath dictionaries that strict Content MathML uses
    "unary_minus": "minus", "intersection": "intersect", "defint": "int", "left_divide": "divide",
    "nthdiff": "diff", "approximation": "approx",
}  # fmt: skip
_CLOSURES = {"open": "()", "open-closed": "(]", "closed-open": "[)"}
_QUALIFIERS = frozenset(
    ("bvar", "lowlimit", "uplimit", "interval", "condition", "domainofapplication", "degree", "logbase")
)


def content_to_latex(element: Element, present: Present) -> str:
    """The LaTeX of a content element. present: converts Presentation MathML, which may stand inside of names."""
    return _Reader(present).part(element, 0).latex


class _Reader:
    """Reads content elements, each once; holds the converter of presentation."""

    def __init__(self, present: Present) -> None:
        self.present = present
        self.parts: dict[int, _Part] = {}  # of elements, by their identity

    def part(self, element: Element, depth: int) -> _Part:
        if depth > MAX_DEPTH:
            return _Part("", _ATOM)
        part = self.parts.get(id(element))
        if part is None:
            part = self.parts[id(element)] = self.read(element, depth)
        return part

    def read(self, element: Element, depth: int) -> _Part:
        tag = element.tag
        if tag in ("apply", "bind", "reln"):
            return self.application(element.children, depth + 1)
        if tag == "cn":
            return self.number(element)
        if tag in ("ci", "csymbol", "fn"):
            return self.name(element, depth)
        if tag in _CONSTANTS:
            return _Part(_CONSTANTS[tag], _ATOM)
        if tag == "piecewise":
            rows = " \\\\ ".join(self.piece(child, depth + 1) for child in element.children)
            return _Part(f"\\begin{{cases}} {rows} \\end{{cases}}", _ATOM)
        if tag == "vector":
            rows = " \\\\ ".join(self.latex(child, depth + 1) for child in element.children)
            return _Part(f"\\begin{{pmatrix}} {rows} \\end{{pmatrix}}", _ATOM)
        if tag == "matrix":
            cells = ([self.latex(cell, depth + 2) for cell in row.children] for row in element.children)
            body = " \\\\ ".join(" & ".join(row) for row in cells)
            return _Part(f"\\begin{{pmatrix}} {body} \\end{{pmatrix}}", _ATOM)
        if tag == "set":
            return _Part(f"\\{{{self.members(element, depth)}\\}}", _ATOM)
        if tag in ("list", "interval"):
            return self.bracketed(element, depth)
        if tag == "lambda":
            bound = ",".join(self.latex(child, depth + 1) for child in element.children[:-1])
            return _Part(f"{bound}\\mapsto {self.latex(element.children[-1], depth + 1)}" if bound else "", _LOOSE)
        if tag in ("semantics", "mrow", "bvar", "condition", "lowlimit", "uplimit", "degree", "logbase") or (
            len(element.children) == 1 and tag in CONTENT
        ):
            return self.part(element.children[0], depth + 1) if element.children else _Part("", _ATOM)
        if tag in _FUNCTIONS or tag in _INFIX:
            return _Part(_FUNCTIONS[tag] if tag in _FUNCTIONS else _INFIX[tag][0], _ATOM)
        return _Part(self.present(element), _ATOM)

    def latex(self, element: Element, depth: int, level: int = _LOOSE) -> str:
        """The LaTeX of an argument, in brackets where it binds looser than `level`."""
        part = self.part(element, depth)
        return (
            part.latex
            if part.level <= level
            else f"\\left({part.latex}\\right)"
            if ("\\frac" in part.latex)
            else f"({part.latex})"
        )

    def number(self, element: Element) -> _Part:
        parts = ["".join(part.split()) for part in element.text.replace("\u2212", "-").split(SEPARATOR)]
        kind = element.attributes.get("type") or ""
        if len(parts) < 2 and element.children:
            return _Part(self.present(Element("mrow", children=element.children)), _ATOM)
        first = spell(parts[0])
        if len(parts) > 1:
            second = spell(parts[1])
            if kind == "rational":
                return _Part(f"\\frac{{{first}}}{{{second}}}", _PRODUCT)
            if kind == "e-notation":
                return _Part(f"{first}\\times 10^{{{second}}}", _PRODUCT)
            if kind == "complex-polar":
                return _Part(f"{first}e^{{i{second}}}", _PRODUCT)
            sign = "" if second.startswith("-") else "+"
            return _Part(f"{first}{sign}{second}i", _SUM)
        return _Part(first, _SUM if first.startswith("-") else _ATOM)

    def name(self, element: Element, depth: int) -> _Part:
        if element.children:
            return _Part(self.present(Element("mrow", children=element.children)), _ATOM)
        name = element.text.strip()
        if name in _CONSTANTS and element.tag == "csymbol":
            return _Part(_CONSTANTS[name], _ATOM)
        bold: dict[str, str | None] = {"mathvariant": "bold"} if element.attributes.get("type") == "vector" else {}
        return _Part(self.present(Element("mi", bold, text=name)), _ATOM)

    def piece(self, element: Element, depth: int) -> str:
        parts = [self.latex(child, depth) for child in element.children[:2]]
        if element.tag == "otherwise":
            return f"{''.join(parts)} & \\text{{otherwise}}"
        return " & ".join(parts[:1] + [f"\\text{{if }}{part}" for part in parts[1:]])

    def members(self, element: Element, depth: int) -> str:
        condition = next((child for child in element.children if child.tag == "condition"), None)
        if condition is not None:
            bound = [self.latex(child, depth + 1) for child in element.children if child.tag == "bvar"]
            plain = [child for child in element.children if child.tag not in _QUALIFIERS]
            shown = ",".join(self.latex(child, depth + 1) for child in plain) or ",".join(bound)
            return join_latex([shown, "\\mid", self.latex(condition, depth + 1)])
        return ",".join(self.latex(child, depth + 1) for child in element.children)

    def bracketed(self, element: Element, depth: int) -> _Part:
        closure = element.attributes.get("closure") or ""
        brackets = _CLOSURES.get(closure, "[]") if element.tag == "interval" else "()"
        inner = ",".join(self.latex(child, depth + 1) for child in element.children)
        return _Part(f"{brackets[0]}{inner}{brackets[1]}", _ATOM)

    # --- applications

    def application(self, children: list[Element], depth: int) -> _Part:
        if not children:
            return _Part("", _ATOM)
        head = children[0]
        arguments = [child for child in children[1:] if child.tag not in _QUALIFIERS]
        qualifiers = {child.tag: child for child in children[1:] if child.tag in _QUALIFIERS}
        name = head.tag if head.tag != "csymbol" else head.text.strip()
        name = _RENAMED.get(name, name)
        if name in _INFIX and arguments:
            sign, level = _INFIX[name]
            return self.chain(arguments, sign, level, depth)
        if name in _SPECIAL and arguments:
            return _SPECIAL[name](self, arguments, qualifiers, depth)
        if name in _AROUND and arguments:
            before, after = _AROUND[name]
            if name == "quotient" and len(arguments) > 1:
                return _Part(f"{before}{self._divide(arguments, {}, depth).latex}{after}", _ATOM)
            return _Part(join_latex([before, self.latex(arguments[0], depth), after]), _ATOM)
        if name in _LARGE:
            return self.large(name, children[1:], arguments, qualifiers, depth)
        if name in _QUANTIFIERS:
            bound = ",".join(self.latex(child, depth) for child in children[1:] if child.tag == "bvar")
            condition = qualifiers.get("condition") or qualifiers.get("domainofapplication")
            if condition is not None:
                bound = self.latex(condition, depth) if condition.tag == "condition" else bound
            body = self.latex(arguments[0], depth) if arguments else ""
            return _Part(join_latex([_QUANTIFIERS[name], bound, ":" if body else "", body]), _LOOSE)
        if name in _FUNCTIONS:
            return self.function(_FUNCTIONS[name], arguments, depth, qualifiers.get("logbase"))
        function = self.latex(head, depth, _ATOM)
        return _Part(f"{function}({','.join(self.latex(argument, depth) for argument in arguments)})", _ATOM)

    def chain(self, arguments: list[Element], sign: str, level: int, depth: int) -> _Part:
        pieces: list[str] = []
        for number_, argument in enumerate(arguments):
            pieces += [sign] if number_ else []
            pieces.append(self.latex(argument, depth, _TAKES[level]))
        return _Part(join_latex(pieces), level)

    def function(self, command: str, arguments: list[Element], depth: int, base: Element | None = None) -> _Part:
        command += f"_{{{self.latex(base, depth)}}}" if base is not None else ""
        if len(arguments) != 1:
            return _Part(f"{command}({','.join(self.latex(argument, depth) for argument in arguments)})", _ATOM)
        part = self.part(arguments[0], depth)
        bare = part.level == _ATOM and arguments[0].tag in ("ci", "cn", *_CONSTANTS)
        return _Part(join_latex([command, part.latex if bare else f"({part.latex})"]), _PREFIX if bare else _ATOM)

    def large(
        self,
        name: str,
        operands: list[Element],
        arguments: list[Element],
        qualifiers: dict[str, Element],
        depth: int,
    ) -> _Part:
        """Sums, products, integrals, limits with what they run over."""
        bound = ",".join(self.latex(child, depth) for child in operands if child.tag == "bvar")
        low, high = qualifiers.get("lowlimit"), qualifiers.get("uplimit")
        interval = qualifiers.get("interval")
        if interval is not None and len(interval.children) == 2:
            low, high = interval.children
        domain = qualifiers.get("condition") or qualifiers.get("domainofapplication")
        under = self.latex(low, depth) if low is not None else ""
        if name == "limit":
            under = f"{bound}\\to {under}" if low is not None else ""
        elif name != "int" and under and bound:
            under = f"{bound}={under}"
        if domain is not None and not under:
            under = self.latex(domain, depth)
        latex = _LARGE[name] + (f"_{{{under}}}" if under else "")
        latex += f"^{{{self.latex(high, depth)}}}" if high is not None else ""
        body = self.latex(arguments[0], depth, _PRODUCT if name != "int" else _SUM) if arguments else ""
        pieces = [latex, body, *(["\\,d" + bound] if name == "int" and bound else [])]
        return _Part(join_latex(pieces), _PRODUCT if name != "int" else _PREFIX)

    def _plus(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        pieces: list[str] = []
        for argument in arguments:
            latex = self.latex(argument, depth, _SUM)
            pieces += ["+"] if pieces and not latex.startswith("-") else []
            pieces.append(latex)
        return _Part(join_latex(pieces), _SUM)

    def _minus(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        if len(arguments) == 1:
            return _Part(f"-{self.latex(arguments[0], depth, _PRODUCT)}", _SUM)
        return _Part(
            join_latex([self.latex(arguments[0], depth, _SUM), "-", self.latex(arguments[1], depth, _PRODUCT)]), _SUM
        )

    def _times(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        pieces: list[str] = []
        for argument in arguments:
            latex = self.latex(argument, depth, _PRODUCT)
            digit = latex[:1].isdigit() or (argument.tag == "cn" and latex.startswith("\\frac"))
            pieces += ["\\cdot"] if pieces and digit else []
            pieces.append(latex)
        return _Part(join_latex(pieces), _PRODUCT)

    def _divide(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        above, below = (*(self.latex(argument, depth) for argument in arguments[:2]), "")[:2]
        return _Part(f"\\frac{{{above}}}{{{below}}}", _POWER)

    def _power(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        base, exponent = (*arguments, Element("none"))[:2]
        head = base.children[0].tag if base.tag == "apply" and base.children else ""
        if head in _FUNCTIONS and len(base.children) == 2:  # sin^2 x
            inner = self.part(base, depth).latex
            command = _FUNCTIONS[head]
            rest = inner.removeprefix(command).lstrip()
            return _Part(f"{command}^{{{self.latex(exponent, depth)}}}{rest}", _PREFIX)
        return _Part(f"{self.latex(base, depth, _ATOM)}^{{{self.latex(exponent, depth)}}}", _POWER)

    _superscript = _power

    def _subscript(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        index = ",".join(self.latex(argument, depth) for argument in arguments[1:])
        return _Part(f"{self.latex(arguments[0], depth, _ATOM)}_{{{index}}}", _ATOM)

    _selector = _subscript

    def _root(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        degree = qualifiers.get("degree") or (arguments[1] if len(arguments) > 1 else None)
        index = self.latex(degree, depth) if degree is not None else "2"
        return _Part(f"\\sqrt{f'[{index}]' if index != '2' else ''}{{{self.latex(arguments[0], depth)}}}", _ATOM)

    def _factorial(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        return _Part(f"{self.latex(arguments[0], depth, _ATOM)}!", _POWER)

    def _not(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        return _Part(join_latex(["\\neg", self.latex(arguments[0], depth, _PREFIX)]), _PREFIX)

    def _inverse(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        return _Part(f"{self.latex(arguments[0], depth, _ATOM)}^{{-1}}", _ATOM)

    def _transpose(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        return _Part(f"{self.latex(arguments[0], depth, _ATOM)}^{{T}}", _POWER)

    def _exp(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        return _Part(f"e^{{{self.latex(arguments[0], depth)}}}", _POWER)

    def _diff(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        bvar = qualifiers.get("bvar")
        if bvar is None:
            return _Part(f"{self.latex(arguments[0], depth, _ATOM)}'", _ATOM)
        return self.derivative("d", bvar, arguments[0], depth)

    def _partialdiff(self, arguments: list[Element], qualifiers: dict[str, Element], depth: int) -> _Part:
        bvar = qualifiers.get("bvar")
        if bvar is None:
            return self.function("\\partial", arguments, depth)
        return self.derivative("\\partial", bvar, arguments[0], depth)

    def derivative(self, sign: str, bvar: Element, argument: Element, depth: int) -> _Part:
        order = next((child for child in bvar.children if child.tag == "degree"), None)
        degree = self.latex(order, depth) if order is not None else ""
        power = f"^{{{degree}}}" if 0 < len(degree) <= _LONGEST_DEGREE else ""  # it is written twice
        variable = self.latex(bvar.children[0], depth) if bvar.children else "x"
        part = self.part(argument, depth)
        below = join_latex([sign, variable]) + power
        if part.level == _ATOM:
            return _Part(f"\\frac{{{join_latex([sign + power, part.latex])}}}{{{below}}}", _PREFIX)
        inner = self.latex(argument, depth, _PRODUCT)
        return _Part(join_latex([f"\\frac{{{sign + power}}}{{{below}}}", inner]), _PRODUCT)


_SPECIAL: dict[str, Callable[[_Reader, list[Element], dict[str, Element], int], _Part]] = {
    name[1:]: method for name, method in vars(_Reader).items() if name.startswith("_") and not name.startswith("__")
}
"""Operators with a method of their own."""
