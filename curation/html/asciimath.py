"""AsciiMath to LaTeX: the grammar and the symbols of asciimath.org, by recursive descent of bounded depth.

    S = symbol | left E right | unary S | binary S S;   I = S, S_S, S^S, S_S^S;   E = I E | I / I

A bracket whose rows are brackets with commas is a matrix. Where the grammar is silent or surprising (`sinx/cosx`,
`1/-2`, `x->0^-`, `((1,2))`), this does what ASCIIMathML.js 2.2 does. What is no AsciiMath comes through unchanged.
"""

import re

MAX_DEPTH = 60
MAX_CHARS = 5000  # what is longer is no formula
_DEEPEST_BARS = 4  # one that finds no partner has what follows read again

_CONSTANTS: dict[str, str] = dict(
    pair.split(" ", 1)
    for pair in r"""
alpha \alpha;beta \beta;chi \chi;delta \delta;Delta \Delta;epsi \epsilon;epsilon \epsilon;varepsilon \varepsilon
eta \eta;gamma \gamma;Gamma \Gamma;iota \iota;kappa \kappa;lambda \lambda;Lambda \Lambda;lamda \lambda;Lamda \Lambda
mu \mu;nu \nu;omega \omega;Omega \Omega;phi \phi;varphi \varphi;Phi \Phi;pi \pi;Pi \Pi;psi \psi;Psi \Psi;rho \rho
sigma \sigma;Sigma \Sigma;tau \tau;theta \theta;vartheta \vartheta;Theta \Theta;upsilon \upsilon;xi \xi;Xi \Xi
zeta \zeta;* \cdot;** \ast;ast \ast;*** \star;star \star;// /;\\ \backslash;backslash \backslash;setminus \setminus
xx \times;times \times;-: \div;div \div;divide \div;|>< \ltimes;ltimes \ltimes;><| \rtimes;rtimes \rtimes
|><| \bowtie;bowtie \bowtie;@ \circ;circ \circ;o+ \oplus;oplus \oplus;ox \otimes;otimes \otimes;o. \odot;odot \odot
cdot \cdot;sum \sum;prod \prod;^^ \wedge;wedge \wedge;^^^ \bigwedge;bigwedge \bigwedge;vv \vee;vee \vee;vvv \bigvee
bigvee \bigvee;nn \cap;cap \cap;nnn \bigcap;bigcap \bigcap;uu \cup;cup \cup;uuu \bigcup;bigcup \bigcup
!= \ne;ne \ne;:= :=;lt <;gt >;<= \le;le \le;leq \le;>= \ge;ge \ge;geq \ge;lt= \leq;gt= \geq;mlt \ll;ll \ll;mgt \gg
gg \gg;-< \prec;prec \prec;-lt \prec;>- \succ;succ \succ;-<= \preceq;preceq \preceq;>-= \succeq;succeq \succeq
in \in;!in \notin;notin \notin;sub \subset;subset \subset;sup \supset;supset \supset;sube \subseteq
subseteq \subseteq;supe \supseteq;supseteq \supseteq;-= \equiv;equiv \equiv;~= \cong;cong \cong;~~ \approx
approx \approx;~ \sim;sim \sim;prop \propto;propto \propto;and \text{ and };or \text{ or };not \neg;neg \neg
=> \implies;implies \implies;if \text{ if };<=> \iff;iff \iff;AA \forall;forall \forall;EE \exists;exists \exists
_|_ \bot;bot \bot;TT \top;top \top;|-- \vdash;vdash \vdash;|== \models;models \models;int \int;oint \oint
del \partial;partial \partial;grad \nabla;nabla \nabla;+- \pm;pm \pm;-+ \mp;mp \mp;O/ \emptyset;emptyset \emptyset
oo \infty;infty \infty;aleph \aleph;... \ldots;ldots \ldots;:. \therefore;therefore \therefore;:' \because
because \because
/_ \angle;angle \angle;/_\ \triangle;triangle \triangle;' ';tilde \tilde;\  \ ;frown \frown;quad \quad;qquad \qquad
cdots \cdots;vdots \vdots;ddots \ddots;diamond \diamond;square \square;|__ \lfloor;__| \rfloor;|~ \lceil;~| \rceil
lfloor \lfloor;rfloor \rfloor;lceil \lceil;rceil \rceil;lceiling \lceil;rceiling \rceil;:|: |
CC \mathbb{C};NN \mathbb{N};QQ \mathbb{Q};RR \mathbb{R};ZZ \mathbb{Z}
uarr \uparrow;uparrow \uparrow;darr \downarrow;downarrow \downarrow;rarr \rightarrow;rightarrow \rightarrow;-> \to
to \to;
>-> \rightarrowtail;rightarrowtail \rightarrowtail;->> \twoheadrightarrow;twoheadrightarrow \twoheadrightarrow
>->> \rightarrowtail\!\!\!\!\twoheadrightarrow;twoheadrightarrowtail \rightarrowtail\!\!\!\!\twoheadrightarrow
|-> \mapsto;mapsto \mapsto;larr \leftarrow;leftarrow \leftarrow
harr \leftrightarrow;leftrightarrow \leftrightarrow;rArr \Rightarrow;Rightarrow \Rightarrow;lArr \Leftarrow
Leftarrow \Leftarrow;hArr \Leftrightarrow;Leftrightarrow \Leftrightarrow;hbar \hbar;prime \prime;mid \mid;dx dx;dy dy
dz dz;dt dt;lim \lim;Lim \operatorname{Lim};sin \sin;cos \cos;tan \tan;sinh \sinh;cosh \cosh;tanh \tanh;cot \cot
sec \sec;csc \csc;arcsin \arcsin;arccos \arccos;arctan \arctan;coth \coth;sech \operatorname{sech}
csch \operatorname{csch};exp \exp;log \log;ln \ln;det \det;dim \dim;mod \bmod;gcd \gcd;lcm \operatorname{lcm}
lub \operatorname{lub};glb \operatorname{glb};min \min;max \max;f f;g g;% \%;# \#;& \&;$ \$
""".replace("\n", ";").split(";")
    if " " in pair
)
_UNARY = {
    "sqrt": "\\sqrt", "abs": "abs", "norm": "norm", "floor": "floor", "ceil": "ceil", "hat": "\\hat",
    "bar": "\\overline",
    "overline": "\\overline", "vec": "\\vec", "dot": "\\dot", "ddot": "\\ddot", "tilde": "\\tilde", "ul": "\\underline",
    "underline": "\\underline", "overarc": "\\overset{\\frown}", "ubrace": "\\underbrace", "underbrace": "\\underbrace",
    "obrace": "\\overbrace", "overbrace": "\\overbrace", "overparen": "\\overset{\\frown}",
    "cancel": "\\cancel", "bb": "\\mathbf", "mathbf": "\\mathbf",
    "sf": "\\mathsf", "mathsf": "\\mathsf", "bbb": "\\mathbb", "mathbb": "\\mathbb", "cc": "\\mathcal",
    "mathcal": "\\mathcal", "tt": "\\mathtt", "mathtt": "\\mathtt", "fr": "\\mathfrak", "mathfrak": "\\mathfrak",
    "Sqrt": "\\sqrt", "Abs": "abs", "Floor": "floor", "Ceil": "ceil", "Norm": "norm",
}  # fmt: skip
_APPLIED = frozenset((
    "f", "g", "sin", "cos", "tan", "sinh", "cosh", "tanh", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "coth",
    "sech", "csch", "exp", "log", "ln", "det", "gcd", "lcm", "Sin", "Cos", "Tan", "Arcsin", "Arccos", "Arctan", "Sinh",
    "Cosh", "Tanh", "Cot", "Sec", "Csc", "Log", "Ln",
))  # fmt: skip
"""Functions, which take what follows them as their argument."""
_CONSTANTS.update({name: f"\\operatorname{{{name}}}" for name in _APPLIED if name[0].isupper()})
_BRACKETED = {
    "abs": ("|", "|"),
    "norm": ("\\|", "\\|"),
    "floor": ("\\lfloor ", "\\rfloor"),
    "ceil": ("\\lceil ", "\\rceil"),
}
_BINARY = {"frac": "\\frac{%s}{%s}", "root": "\\sqrt[%s]{%s}", "stackrel": "\\stackrel{%s}{%s}",
           "overset": "\\overset{%s}{%s}", "underset": "\\underset{%s}{%s}", "color": "%.0s%s", "class": "%.0s%s",
           "id": "%.0s%s"}  # fmt: skip
_LEFT = {
    "(": "(", "[": "[", "{": "\\{", "(:": "\\langle ", "<<": "\\langle ", "langle": "\\langle ", "{:": "", "left(": "(",
    "left[": "[", "|:": "|",
}  # fmt: skip
_RIGHT = {
    ")": ")", "]": "]", "}": "\\}", ":)": "\\rangle", ">>": "\\rangle", "rangle": "\\rangle", ":}": "", "right)": ")",
    "right]": "]", ":|": "|",
}  # fmt: skip
_TEXT_FONTS = {"\\mathbf": "\\textbf", "\\mathsf": "\\textsf", "\\mathtt": "\\texttt"}
_NAMES = sorted({*_CONSTANTS, *_UNARY, *_BINARY, *_LEFT, *_RIGHT}, key=lambda name: (-len(name), name))
_TOKEN = re.compile(
    r"\s*(?P<space>\\[ ]|\\\Z)|\s*(?P<backslashes>\\\\)|\s*\\?"
    r"(?:(?P<text>(?:text|mbox)\s*(?:\((?P<inner>[^()]*)\)|\{(?P<braced>[^{}]*)\})|\"(?P<quoted>[^\"]*)\")"
    r"|(?P<number>\d+(?:\.\d+)?)|(?P<name>" + "|".join(map(re.escape, _NAMES)) + r")|(?P<char>\S))",
)
_ENDS = frozenset(("/", "^", "_", "|", ",", *_RIGHT, ""))  # what is no argument of a function
_TEXT_SPECIAL = re.compile(r"[\\{}$&#%_^~]")
_TEXT_ESCAPES = {"\\": "\\textbackslash{}", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}"}
_MATRIX = {
    ("[", "]"): "bmatrix",
    ("(", ")"): "pmatrix",
    ("|", "|"): "vmatrix",
    ("{", ":}"): "cases",
    ("{:", ":}"): "matrix",
}
Token = tuple[str, str]  # kind, text


def looks_like_asciimath(source: str) -> bool:
    """Whether what stands between backticks is a formula, not a command line or a name of program code."""
    words = _WORD.findall(_LONG_NAME.sub(" ", _QUOTED.sub(" ", source)))
    return (
        bool(source.strip()) and len(words) < 2 and not (words and len(words[0]) > 4 and not _RELATION.search(source))
    )


_QUOTED = re.compile(r'"[^"]*"|(?:text|mbox)\([^()]*\)')
_LONG_NAME = re.compile("|".join(name for name in _NAMES if name.isalpha() and len(name) > 2))
_WORD = re.compile(r"[A-Za-z]{3,}")
_RELATION = re.compile(r"[=^_+*/<>-]")


def asciimath_to_latex(source: str) -> str:
    """Convert one AsciiMath expression to LaTeX without delimiters; "" for one over MAX_CHARS. Never raises."""
    source = source.strip()
    if len(source) > MAX_CHARS:
        return ""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(source):
        kind = match.lastgroup or "char"
        if match["text"] is not None:
            tokens.append(("text", next(filter(None, match.group("inner", "braced", "quoted")), "")))
        elif kind == "space":
            if match.end() < len(source):
                tokens.append(("name", "\\ "))
        elif kind == "backslashes":
            tokens.append(("name", "\\\\"))
        else:
            blank = match.end() < len(match.string) and match.string[match.end()].isspace()
            tokens.append(("spaced" if kind == "char" and match[kind] == "-" and blank else kind, match[kind]))
    return _join(_Parser(tokens).expression(0, ()))


def _join(pieces: list[str]) -> str:
    out = ""
    for piece in pieces:
        if out and piece and piece[0].isalpha() and re.search(r"\\[A-Za-z]+\Z", out[-30:]):
            out += " "
        out += piece
    return out.strip()


class _Parser:
    def __init__(self, tokens: list[Token], left: list[int] | None = None) -> None:
        self.tokens = tokens
        self.at = 0
        self.open_bars = 0
        self.left = (
            left if left is not None else [2 * len(tokens) + 1500]
        )  # symbols that may be read, bars and cells twice

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) and self.tokens[self.at][0] != "text" else ""

    def expression(self, depth: int, ends: tuple[str, ...]) -> list[str]:
        """E: everything up to a closing bracket."""
        pieces: list[str] = []
        while self.at < len(self.tokens):
            if self.tokens[self.at][1] in _RIGHT and self.tokens[self.at][0] == "name" and ends:
                break
            if self.peek() in ends or (self.open_bars and self.left[0] <= 0):
                break
            piece = self.intermediate(depth)
            if self.peek() == "/" and self.at + 1 < len(self.tokens):
                self.at += 1
                piece = f"\\frac{{{_unbracket(piece)}}}{{{self.sign()}{_unbracket(self.intermediate(depth))}}}"
            pieces.append(piece)
        return pieces

    def intermediate(self, depth: int) -> str:
        """I: a simple expression with its scripts; a function with scripts takes what follows."""
        name = self.peek()
        piece = self.simple(depth)
        scripts = ""
        for _ in range(len(self.tokens)):
            mark = self.peek()
            if mark not in ("_", "^"):
                break
            if mark in scripts[:1] or "}" + mark in scripts:  # a^b^c
                piece, scripts = f"{{{piece}{scripts}}}", ""
            self.at += 1
            scripts += f"{mark}{{{self.sign()}{'' if self.peek() in _RIGHT else _unbracket(self.simple(depth))}}}"
        if scripts and name in _APPLIED and depth < MAX_DEPTH and self.takes_argument(name):
            return _join([piece + scripts, self.intermediate(depth + 1)])
        return piece + scripts

    def sign(self) -> str:
        """The minus that belongs to a script or denominator, as in `int_-1^1` and `1/-2`."""
        if self.at < len(self.tokens) and self.tokens[self.at] == ("char", "-"):
            self.at += 1
            return "-"
        return ""

    def takes_argument(self, function: str) -> bool:
        """Whether an argument follows: `f` and `g` are applied to a bracket only."""
        if self.at >= len(self.tokens):
            return False
        return (
            self.peek() in _LEFT
            if len(function) == 1
            else self.tokens[self.at][0] == "text" or self.peek() not in _ENDS
        )

    def simple(self, depth: int) -> str:
        """S: a symbol, a bracket, or a command with its arguments."""
        if self.at >= len(self.tokens):
            return ""
        kind, text = self.tokens[self.at]
        self.at += 1
        self.left[0] -= 1
        if kind == "text":
            return f"\\text{{{_escaped(text)}}}"
        if kind == "name" and depth < MAX_DEPTH:
            if text in _LEFT:
                return self.bracket(depth + 1, text)
            if text in _APPLIED and self.takes_argument(text):
                return _join([_CONSTANTS[text], self.simple(depth + 1)])
            if text in _UNARY:
                return self.unary(depth, text)
            if text in _BINARY:
                first = _unbracket(self.simple(depth + 1))
                return _BINARY[text] % (first, _unbracket(self.simple(depth + 1)))
        if text == "|" and depth < MAX_DEPTH:
            return self.bars(depth + 1)
        if text in ("^", "_"):
            return f"{text}{{}}"
        return _CONSTANTS.get(text) or _RIGHT.get(text) or _LEFT.get(text) or text

    def unary(self, depth: int, name: str) -> str:
        """A command with one argument; a font's argument may be text."""
        command = _UNARY[name]
        if command.startswith("\\math") and self.at < len(self.tokens) and self.tokens[self.at][0] == "text":
            text = self.tokens[self.at][1]
            self.at += 1
            return f"{command if text.isalnum() else _TEXT_FONTS.get(command, command)}{{{_escaped(text)}}}"
        argument = _unbracket(self.simple(depth + 1))
        if name.lower() in _BRACKETED:
            left, right = _BRACKETED[name.lower()]
            return f"{left}{argument}{right}"
        return f"{command}{{{argument}}}"

    def bars(self, depth: int) -> str:
        """`|x|`, the determinant `|(a,b),(c,d)|`, or a lone bar."""
        start = self.at
        if (
            self.left[0] > 0
            and self.open_bars < _DEEPEST_BARS
            and any(token[1] == "|" for token in self.tokens[start : start + 60])
        ):
            self.open_bars += 1
            inner = _join(self.expression(depth, ("|",)))
            self.open_bars -= 1
            if self.peek() == "|":
                self.at += 1
                return self.matrix("|", "|", start) or f"|{inner}|"
        self.at = start
        return "|"

    def bracket(self, depth: int, left: str) -> str:
        """`left E right`, or a matrix where E is a list of brackets."""
        start = self.at
        inner = self.expression(depth, tuple(_RIGHT))
        right = self.peek()
        if right not in _RIGHT:
            return _join([_LEFT[left], *inner])
        self.at += 1
        return self.matrix(left, right, start) or _join([_LEFT[left], *inner, _RIGHT[right]])

    def matrix(self, left: str, right: str, start: int) -> str | None:
        """The matrix between two brackets that begins at `start` and has just ended, None if it is none."""
        if self.left[0] <= 0 or (right == "}" and self.tokens[start][1] == "("):
            return None  # a set of points
        rows = self.rows(start, self.at - 1)
        if rows is None:
            return None
        bars = [place for place in range(len(rows[0])) if all(row[place] == "|" for row in rows)]
        body = " \\\\ ".join(" & ".join(c for place, c in enumerate(row) if place not in bars) for row in rows)
        environment = _MATRIX.get((left, right))
        if environment is not None and not bars:
            return f"\\begin{{{environment}}} {body} \\end{{{environment}}}"
        columns = "".join("|" if place in bars else "c" for place in range(len(rows[0])))
        begin, end = ("{array}{" + columns + "}", "{array}") if bars else ("{matrix}", "{matrix}")
        opening, closing = (_LEFT.get(left, left).strip() or "."), (_RIGHT.get(right, right) or ".")
        return f"\\left{opening}\\begin{begin} {body} \\end{end}\\right{closing}"

    def rows(self, start: int, end: int) -> list[list[str]] | None:
        """The cells, if the tokens are `(a,b),(c,d)` with equal brackets; else None."""
        tokens = self.tokens[start:end]
        if len(tokens) < 3 or tokens[0][1] not in ("(", "["):
            return None
        opening, closing = tokens[0][1], ")" if tokens[0][1] == "(" else "]"
        rows: list[list[str]] = []
        cell: list[Token] = []
        row: list[str] = []
        depth = 0
        for position, (kind, text) in enumerate(tokens):
            if kind == "name" and text in _LEFT:
                depth += 1
                if depth == 1:
                    if text != opening or (position and tokens[position - 1][1] != ","):
                        return None
                    continue
            elif kind == "name" and text in _RIGHT:
                depth -= 1
                if depth == 0:
                    if text != closing:
                        return None
                    rows.append([*row, _join(_Parser(cell, self.left).expression(1, ()))])
                    row, cell = [], []
                    continue
            elif depth == 0 and text != ",":
                return None
            if text == "," and depth == 1:
                row.append(_join(_Parser(cell, self.left).expression(1, ())))
                cell = []
            elif depth:
                cell.append((kind, text))
        alike = len({len(cells) for cells in rows}) == 1 and depth == 0
        return rows if alike and (len(rows) > 1 or len(rows[0]) > 1) else None


def _escaped(text: str) -> str:
    """Plain text as TeX's text mode wants it."""
    return _TEXT_SPECIAL.sub(lambda match: _TEXT_ESCAPES.get(match[0], "\\" + match[0]), text)


def _unbracket(latex: str) -> str:
    """Drop one pair of brackets around an argument: `(x+1)/2` is a fraction of `x+1`."""
    for left, right in (("(", ")"), ("[", "]"), ("\\{", "\\}")):
        if latex.startswith(left) and latex.endswith(right):
            inner = latex[len(left) : -len(right)]
            depth = 0
            for char in inner:
                depth += (char in "([") - (char in ")]")
                if depth < 0:
                    return latex
            return inner
    return latex
