"""MathML in the ways in which the web writes it, printed from a parsed formula."""

from html import escape

from .tex import Node, parse

XMLNS = "http://www.w3.org/1998/Math/MathML"


def presentation(node: Node) -> str:
    """Print a node as Presentation MathML without the `<math>` element."""
    kind, text, children = node.kind, node.text, node.children
    if kind == "row":
        return f"<mrow>{''.join(map(presentation, children))}</mrow>"
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "letter":
        return f"<mi>{escape(text)}</mi>"
    if kind == "function":
        return f"<mi>{text}</mi><mo>&#x2061;</mo>" if text not in ("lim", "max", "min", "mod") else f"<mi>{text}</mi>"
    if kind == "operator":
        return f"<mo>{escape(text)}</mo>"
    if kind == "large":
        return f'<mo movablelimits="false">{text}</mo>'
    if kind == "text":
        return f"<mtext>{escape(text)}</mtext>"
    if kind == "space":
        return f'<mspace width="{text}em"></mspace>'
    if kind == "frac":
        return f"<mfrac>{_one(children[0])}{_one(children[1])}</mfrac>"
    if kind == "binom":
        inner = f'<mfrac linethickness="0">{_one(children[0])}{_one(children[1])}</mfrac>'
        return f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"
    if kind == "sqrt":
        if children[1].empty:
            return f"<msqrt>{presentation(children[0])}</msqrt>"
        return f"<mroot>{_one(children[0])}{_one(children[1])}</mroot>"
    if kind == "scripts":
        return _scripts(*children)
    if kind == "fenced":
        return f"<mrow>{_fence(text[0])}{presentation(children[0])}{_fence(text[1])}</mrow>"
    if kind == "accent":
        return f'<mover accent="true">{_one(children[0])}<mo>{escape(text)}</mo></mover>'
    if kind == "variant":
        return _variant(text, children[0])
    return f"<mrow>{_fence(text[0])}{_table(children)}{_fence(text[1])}</mrow>"


def _one(node: Node) -> str:
    """Exactly one element, as the children of mfrac or msup must be."""
    if node.kind == "function":
        return f"<mi>{node.text}</mi>"
    return presentation(node)


def _scripts(base: Node, sub: Node, sup: Node) -> str:
    if base.kind in ("large", "function") and base.text not in ("∫", "sin", "cos", "tan", "log", "ln", "∬"):
        names = "munder", "mover", "munderover"
    else:
        names = "msub", "msup", "msubsup"
    name = names[2] if not sub.empty and not sup.empty else names[0] if sup.empty else names[1]
    parts = [_one(base), *(_one(script) for script in (sub, sup) if not script.empty)]
    return f"<{name}>{''.join(parts)}</{name}>"


def _fence(symbol: str) -> str:
    return "" if symbol == " " else f'<mo fence="true">{escape(symbol)}</mo>'


_DOUBLE_STRUCK = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ", "E": "𝔼", "P": "ℙ", "F": "𝔽"}


def _variant(variant: str, body: Node) -> str:
    if variant == "double-struck" and body.kind == "letter":
        return f"<mi>{_DOUBLE_STRUCK[body.text]}</mi>"
    if variant == "normal" and body.kind == "row" and all(child.kind == "letter" for child in body.children):
        return f"<mi>{''.join(child.text for child in body.children)}</mi>"
    if body.kind == "letter":
        return f'<mi mathvariant="{variant}">{body.text}</mi>'
    return presentation(body)


def _table(rows: tuple[Node, ...]) -> str:
    lines = ("".join(f"<mtd>{presentation(cell)}</mtd>" for cell in line.children) for line in rows)
    return f"<mtable>{''.join(f'<mtr>{line}</mtr>' for line in lines)}</mtable>"


def content(node: Node) -> str:
    """Print a rough Content MathML, as `annotation-xml` of converters carries it beside the presentation."""
    if node.kind == "number":
        return f'<cn type="integer">{node.text}</cn>'
    if node.kind == "letter":
        return f"<ci>{escape(node.text)}</ci>"
    if node.kind == "frac":
        return f"<apply><divide></divide>{content(node.children[0])}{content(node.children[1])}</apply>"
    if node.kind == "scripts" and not node.children[2].empty:
        return f"<apply><power></power>{content(node.children[0])}{content(node.children[2])}</apply>"
    if node.kind == "sqrt":
        return f"<apply><root></root>{content(node.children[0])}</apply>"
    if node.children:
        return f"<apply><times></times>{''.join(map(content, node.children))}</apply>"
    return f"<csymbol>{escape(node.text)}</csymbol>"


def math(latex: str, display: bool, annotation: str = "", **attributes: str) -> str:
    """A `<math>` element. annotation: what stands in `<semantics>` after the presentation; empty for none."""
    given = {"xmlns": XMLNS, **({"display": "block"} if display else {}), **attributes}
    written = "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in given.items())
    node = parse(latex)
    body = presentation(node)
    if annotation:
        body = f"<semantics>{body if body.startswith('<mrow') else f'<mrow>{body}</mrow>'}{annotation}</semantics>"
    return f"<math{written}>{body}</math>"


def tex_annotation(latex: str, encoding: str = "application/x-tex") -> str:
    """The annotation that carries the LaTeX source."""
    return f'<annotation encoding="{encoding}">{escape(latex)}</annotation>'


def content_annotation(latex: str) -> str:
    """The annotation that carries Content MathML."""
    return f'<annotation-xml encoding="MathML-Content">{content(parse(latex))}</annotation-xml>'


def with_prefix(mathml: str, prefix: str = "mml") -> str:
    """Put a namespace prefix before every element name, as JATS does."""
    renamed = mathml.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
    return renamed.replace("xmlns=", f"xmlns:{prefix}=")
