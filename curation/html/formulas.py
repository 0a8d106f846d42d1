"""Recognises the elements of a page that are a formula, and reads its TeX.

Where an element holds one formula in several forms (TeX annotation, presentation, picture), it is read once, from the
form nearest to its source: TeX before a conversion of MathML, that before a reading of the rendered glyphs.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from mathmill.core.mathml import mathml_to_latex, node_to_latex
from mathmill.curation.html.asciimath import asciimath_to_latex
from mathmill.curation.html.images import image_formula
from mathmill.curation.html.katex import katex_to_latex
from mathmill.curation.html.rendered import chtml_to_latex, svg_to_latex
from mathmill.curation.html.tex import clean_tex, looks_like_math, strip_delimiters

Attributes = Mapping[str, str | None]
_RAW_TEX = re.compile(r"[\\^{}\s]")  # what a quoted source cannot hold


class Source(NamedTuple):
    """A formula element. tex: "" where nothing can be recovered; display: None where the surroundings decide."""

    tex: str
    display: bool | None
    encoding: str


DATA_ATTRIBUTES = (
    "data-latex", "data-tex", "data-expr", "data-math", "data-formula", "data-katex", "data-equation",
    "data-latex-code", "data-equation-content", "data-tex-source", "data-original-tex", "data-math-formula",
    "data-mathml", "data-asciimath", "data-latex-source", "data-math-tex", "data-eq", "data-mathquill", "data-attrs",
)  # fmt: skip
_DATA_SET = frozenset(DATA_ATTRIBUTES)
_FLAGS = frozenset(
    {"", "true", "false", "inline", "block", "display", "0", "1", "math", "latex", "tex", "katex", "mathjax"}
)
_TEX_ENCODINGS = frozenset(
    {
        "application/x-tex",
        "tex",
        "latex",
        "application/x-latex",
        "text/x-tex",
        "text/tex",
        "application/tex",
        "x-tex",
        "math/tex",
        "amstex",
    }
)
_WIRIS = str.maketrans("«»¨§`", "<>\"&'")  # how the MathType editor writes markup into an attribute
_SPOKEN = re.compile(r"(?<![A-Za-z])[A-Za-z]{3,}+\s+[A-Za-z]{2,}")
_WRAPPER = re.compile(
    r"(?:^|\s)(?:math|tex|latex|arithmatex|kdmath|math-inline|math-display|katex-source|mathjax|asciimath|ql-formula|"
    r"mwe-math-fallback-source-\w+|mwe-math-element|js-render-math|tex2jax_process|mathjax_process|equation|inline-math|"
    r"display-math|mathquill-embedded-latex|latexmath|formula)(?=$|\s)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:^|\s)(?:math|tex|latex|latexmath|mathquill-embedded-latex|kdmath|formula|katex-source|(?:inline|display)-math|math-(?:inline|display))(?=$|\s)"
)
_OPENINGS = ("$", "\\(", "\\[", "[math]", "[tex]", "[latex]", "[itex]")
_MATHJAX2 = re.compile(
    r"(?:^|\s)(?:MathJax(?:_(?:Preview|Error|Display|CHTML|SVG|SVG_Display|MathML|PHTML|PHTML_Display|MathContainer|Processing|"
    r"Processed))?|MJXc-display|mjx-chtml)(?=$|\s)"
)
_DISPLAY_CLASS = re.compile(r"display|block|MJXc-display", re.I)


def script_formula(node: Any, attributes: Attributes) -> Source | None:
    """`<script type="math/tex; mode=display">` and its relatives, MathJax 2's store of the source."""
    kind = (attributes.get("type") or "").lower()
    if not kind.startswith(("math/", "text/tex", "text/latex", "application/x-tex")):
        return None
    source = node.text() or ""
    display = re.search(r"mode\s*=\s*display", kind) is not None
    if kind.startswith("math/asciimath"):
        return Source(asciimath_to_latex(source), display, "mathjax_script")
    if kind.startswith("math/mml"):
        return Source(clean_tex(mathml_to_latex(source)), display or 'display="block"' in source, "mathjax_script")
    tex = clean_tex(source, display)
    return Source(tex, display, "mathjax_script") if tex else None


def math_formula(node: Any, attributes: Attributes) -> Source:
    """A `<math>` element: its TeX annotation, its `data-latex` or TeX `alttext`, or its Presentation MathML."""
    display = (attributes.get("display") or "") == "block" or (attributes.get("mode") or "") == "display"
    source = _annotation(node)
    if source is not None and source.strip():
        return Source(clean_tex(strip_delimiters(source)[0], display), display, "mathml_annotation")
    latex = attributes.get("data-latex")
    if latex and latex.strip():
        return Source(clean_tex(latex, display), display, "mathml_annotation")
    alt = attributes.get("alttext") or ""
    if alt.strip() and ("\\" in alt or not _SPOKEN.search(alt)):
        return Source(clean_tex(strip_delimiters(alt)[0], display), display, "mathml_alttext")
    child = node.first_child
    if child is not None and child.next is None and child.tag == "-text" and _RAW_TEX.search(child.text_content or ""):
        tex, delimited = strip_delimiters(child.text_content or "")  # MediaWiki's, where nothing has rendered it
        return Source(clean_tex(tex, display), display or bool(delimited), "tex_element")
    return Source(node_to_latex(node), display, "mathml")


def _annotation(math: Any) -> str | None:
    """The text of the TeX annotation of `math`, in `semantics` below it or below one more element."""
    for _ in range(3):
        inner = second = None
        child = math.first_child
        while child is not None and second is None:
            if child.tag not in ("-text", "-comment", None):
                inner, second = (child, None) if inner is None else (inner, child)
            child = child.next
        if inner is None:
            return None
        if second is not None and not (inner.tag == "semantics" and second.tag.startswith("annotation")):
            return None
        math = inner
        if math.tag == "semantics":
            break
    for child in _children(math):
        if child.tag == "annotation" and (child.attributes.get("encoding") or "").strip().lower() in _TEX_ENCODINGS:
            return unpacked(child.text() or "", "math")
    return None


def unpacked(source: str, key: str) -> str:
    """What a JSON object holds under a key, as Brightspace and Substack wrap their TeX; other text as it is."""
    if not source.startswith("{") or f'"{key}"' not in source[:1000]:
        return source
    try:
        value = json.loads(source)[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        return source
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else source  # JSON has lone surrogates


def _children(node: Any) -> Iterator[Any]:
    child = node.first_child
    while child is not None:
        if child.tag is not None:  # no processing instruction
            yield child
        child = child.next


def mathjax3_formula(node: Any, attributes: Attributes) -> Source:
    """`<mjx-container>`: its `data-latex`, its assistive MathML, or its rendered CHTML or SVG."""
    display = attributes.get("display") in ("true", "block") or attributes.get("justify") == "center"
    latex = attributes.get("data-latex")
    rendered = node.first_child
    while rendered is not None and rendered.tag in ("-text", "-comment", None):
        rendered = rendered.next
    if not latex and rendered is not None:
        root = node.css_first('[data-mml-node="math"]') if rendered.tag == "svg" else rendered
        latex = root.attributes.get("data-latex") if root is not None else None
    if latex and latex.strip():
        return Source(clean_tex(latex, display), display, "mathjax3")
    math = node.css_first("math")
    if math is not None:
        inner = math_formula(math, math.attributes)
        return Source(inner.tex, display or bool(inner.display), "mathjax3")
    if rendered is None:
        return Source("", display, "mathjax3")
    tex = svg_to_latex(node) if rendered.tag == "svg" else chtml_to_latex(rendered)
    return Source(tex, display, "mathjax3")


def katex_formula(node: Any) -> Source:
    """`<span class="katex">`: the annotation in its MathML, a source in its text, or a reading of its HTML."""
    parts = [inner for child in _children(node) for inner in (child, *_children(child))]
    math = next((inner for inner in parts if inner.tag == "math"), None)
    if math is not None:
        inner = math_formula(math, math.attributes)
        return Source(inner.tex, inner.display, "katex")
    first = node.first_child
    if first is not None and first.next is None and first.tag == "-text":  # not yet rendered
        tex, display = strip_delimiters(first.text_content or "")
        return Source(clean_tex(tex, bool(display)), display, "katex")
    flattened = next((p for p in parts if (p.attributes.get("class") or "") == "katex-mathml"), None)
    lines = [line.strip() for line in (flattened.text() or "").split("\n")] if flattened is not None else []
    if len(lines) > 4 and (source := next((line for line in reversed(lines) if line), "")):
        return Source(clean_tex(source), None, "katex")  # CSDN's editor: what was shown, blank lines, the source
    return Source(clean_tex(katex_to_latex(node)), None, "katex")


def mathjax2_rendered(node: Any, class_: str, attributes: Attributes) -> Source | bool | None:
    """MathJax 2's output next to its source.

    Returns True where the source's script follows (skip this), a formula where there is only the output, and None
    where it is a preview without either, which is read as text.
    """
    if _script_follows(node):
        return True
    mathml = attributes.get("data-mathml")
    display = _DISPLAY_CLASS.search(class_) is not None
    if not mathml and "Preview" not in class_:
        inner = node.css_first("[data-mathml]")
        mathml = inner.attributes.get("data-mathml") if inner is not None else None
    if mathml:
        return Source(clean_tex(mathml_to_latex(mathml)), display or 'display="block"' in mathml, "mathjax2")
    math = node.css_first("math")
    if math is not None:
        inner_formula = math_formula(math, math.attributes)
        return Source(inner_formula.tex, display or bool(inner_formula.display), "mathjax2")
    label = node.css_first(".mjx-math[aria-label]")
    if label is not None:  # LessWrong's
        tex = label.attributes.get("aria-label") or ""
        if "\\" in tex or not _SPOKEN.search(tex):
            return Source(clean_tex(tex, display), display, "mathjax2")
    if "Preview" in class_:
        return None if (node.text() or "").strip() and not _rendered_follows(node) else True
    return None


def siblings(node: Any) -> Iterator[Any]:
    """The elements that follow, up to the first text that is not blank."""
    for _ in range(6):
        node = node.next
        if node is None:
            return
        if node.tag == "-text":
            if (node.text_content or "").strip():
                return
        elif node.tag != "-comment":
            yield node


def _script_follows(node: Any) -> bool:
    start = node
    for _ in range(3):
        for sibling in siblings(start):
            if sibling.tag == "script":
                return (sibling.attributes.get("type") or "").startswith("math/")
            if not _MATHJAX2.search(sibling.attributes.get("class") or ""):
                return False
        parent = start.parent
        if parent is None or not _MATHJAX2.search(parent.attributes.get("class") or ""):
            return False
        start = parent
    return False


def _rendered_follows(node: Any) -> bool:
    return any(_MATHJAX2.search(sibling.attributes.get("class") or "") for sibling in siblings(node))


@lru_cache(maxsize=1 << 14)
def is_mathjax2(class_: str) -> bool:
    """Whether a class is that of an element which MathJax 2 made."""
    return _MATHJAX2.search(class_) is not None


def _text_with_cdata(node: Any) -> str:
    """The text of an element; HTML parses a CDATA section as a comment, which ends at the first `>` in it."""
    pieces: list[str] = []
    for child in _children(node):
        if child.tag == "-comment":
            comment = (child.html or "")[4:-3].removeprefix("[CDATA[")
            pieces.append(comment if comment.endswith("]]") else comment + ">")
        else:
            pieces.append(child.text() or "")
    return "".join(pieces).strip().removesuffix(">").removesuffix("]]")


_DOCUMENT = re.compile(r"\\begin\s*\{document\}((?:(?!\\begin\s*\{document\}).)*?)\\end\s*\{document\}", re.DOTALL)


def grouped_formula(node: Any) -> Source | None:
    """JATS's `<inline-formula>` and `<disp-formula>`: one formula as TeX, as MathML, as a picture or as all of them."""
    display = node.tag == "disp-formula"
    tex_elements = node.css("tex-math")
    if len(tex_elements) == 1:
        source = _text_with_cdata(tex_elements[0])
        document = _DOCUMENT.search(source)  # a whole LaTeX document around it
        tex, delimited = strip_delimiters(document[1] if document is not None else source)
        tex = clean_tex(tex, display)
        if tex:
            return Source(tex, display or (delimited is True and document is None), "tex_element")
    maths = node.css("math")
    if len(maths) == 1:
        return math_formula(maths[0], maths[0].attributes)._replace(display=display)
    return None


def data_formula(tag: str, attributes: Attributes) -> Source | None:
    """A formula whose source stands in a `data-*` attribute."""
    if _DATA_SET.isdisjoint(attributes):
        return None
    for name in DATA_ATTRIBUTES:
        source = attributes.get(name)
        if source is None or source.strip().lower() in _FLAGS:
            continue
        marks = " ".join(attributes.get(mark) or "" for mark in ("class", "data-math-style", "data-display"))
        display = tag in ("div", "p") or re.search(r"display|block|true", marks) is not None
        if name == "data-attrs":  # Substack's
            if "latex" not in (attributes.get("class") or ""):
                continue
            tex = unpacked(source, "persistentExpression")
            return Source(clean_tex(tex, True), True, "data_attribute") if tex != source else None
        if name == "data-mathml":
            if is_mathjax2(attributes.get("class") or ""):
                continue  # MathJax 2 keeps a copy there; its script beside it is the source
            source = source.translate(_WIRIS) if source.startswith("«") else source
            return Source(clean_tex(mathml_to_latex(source)), display, "data_attribute")
        if name == "data-asciimath":
            return Source(asciimath_to_latex(source), display, "data_attribute")
        if "%" in source and not _RAW_TEX.search(source):
            source = unquote(source)  # CK-12 quotes it as for a URL
        tex, delimited = strip_delimiters(source)
        sure = delimited is not None or name in ("data-latex", "data-tex", "data-expr", "data-katex", "data-mathquill")
        if not sure and not looks_like_math(tex.strip(), sure=False):
            continue
        return Source(clean_tex(tex, display), bool(delimited) or display, "data_attribute")
    return None


@lru_cache(maxsize=1 << 14)
def is_wrapper(class_: str) -> bool:
    """Whether a class is one that `wrapped_formula` is for."""
    return _WRAPPER.search(class_) is not None


def wrapped_formula(node: Any, tag: str, class_: str, attributes: Attributes) -> Source | None:
    r"""A bare element that a class calls a formula: pandoc's `<span class="math inline">x^2</span>` and its like.

    Only where it holds text alone; what holds elements (or several formulas) is walked as usual.
    """
    if "mwe-math-element" in class_:
        return wikipedia_formula(node)
    if "ql-formula" in class_ and attributes.get("data-value"):
        return Source(clean_tex(attributes["data-value"] or ""), False, "data_attribute")
    child = node.first_child
    if child is None or child.next is not None or child.tag != "-text":
        return None
    text = (child.text_content or "").strip()
    tex, delimited = strip_delimiters(text)
    display = _DISPLAY_CLASS.search(class_) is not None or attributes.get("data-math-style") == "display"
    if delimited is not None:
        return Source(clean_tex(tex, delimited), delimited or display, "tex_element")
    if text.startswith(_OPENINGS) or not text or "`" in text:
        return None
    if "asciimath" in class_:
        return Source(asciimath_to_latex(text), display or tag == "div", "asciimath")
    if _NAMED.search(class_) is None or not ("\\" in text or looks_like_math(text, sure=False)):
        return None
    return Source(clean_tex(tex, display), display or tag == "div", "tex_element")


_CODE_CLASS = re.compile(
    r"(?:^|\s)(?:language-(?:math|katex|latex-math)|math-inline|math-display|js-render-math|math)(?=$|\s)"
)


def code_formula(node: Any, class_: str, attributes: Attributes) -> Source | None:
    """`<code class="language-math">`, `<pre lang="math">` and the like, which a page turns into formulas by script."""
    if attributes.get("lang") != "math" and not _is_formula_code(class_):
        return None
    display = "display" in class_ or attributes.get("data-math-style") == "display"
    tex, delimited = strip_delimiters(node.text() or "")
    return Source(clean_tex(tex, display), bool(delimited) or display, "tex_element")


@lru_cache(maxsize=1 << 14)
def _is_formula_code(class_: str) -> bool:
    return _CODE_CLASS.search(class_) is not None


def wikipedia_formula(node: Any) -> Source | None:
    """`<span class="mwe-math-element">`: hidden MathML and a fallback image are one formula."""
    math = node.css_first("math")
    image = node.css_first("img")
    display = image is not None and "display" in (image.attributes.get("class") or "")
    if math is not None:
        formula = math_formula(math, math.attributes)
        if formula.tex:
            return Source(formula.tex, display or bool(formula.display), formula.encoding)
    if image is None:
        return None
    found = image_formula(image.attributes)
    return Source(found[0], bool(found[1]), found[2]) if found is not None else None
