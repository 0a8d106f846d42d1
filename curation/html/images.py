"""Formulas that are images: the TeX stands in the address of a rendering service or in the alternative text."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from mathmill.core.mathml import mathml_to_latex
from mathmill.curation.html.asciimath import asciimath_to_latex
from mathmill.curation.html.tex import MATH_ENVIRONMENTS, clean_tex, environment_name, looks_like_math, strip_delimiters

_SERVICES = re.compile(
    r"latex\.php\?|/[\w-]*\.?latex\?|svg\.image\?|codecogs\.com/|mimetex|mathtex|mathtran|cht=tx|render/math\?|"
    r"equation\?tex=|latex\.csdn\.net/eq\?|tex\.s2cms\.ru/(?:svg|png)/|i\.upmath\.me/(?:svg|png)/|/flx/math/|"
    r"math/render/(?:svg|png|mathml)/|latex\.artofproblemsolving\.com|math\.jianshu\.com|quicklatex|latex\.codecogs|"
    r"texrender|math\.now\.sh|math\.vercel\.app|latex\.vimsky|/media/math/render|teximage|latexrender|"
    r"filter/(?:tex|algebra)/|tex\.z-dn\.net|tex2img\.php\?|texify\.com/img/|(?:png|gif|svg|pdf)\.(?:image|latex)\?|"
    r"editor/render\?latex=|/equation_images/|MathMLToImage\?",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"[?&](?:latex|tex|math|chl|from|formula|eq|val|text|f)=([^&#]*)", re.IGNORECASE)
_PATH = re.compile(
    r"(?:tex\.s2cms\.ru|i\.upmath\.me)/(?:svg|png)/(.+)|/flx/math/(?:inline|block|alignblock)/(.+)|"
    r"/equation_images/([^?]+)|texify\.com/img/(.{1,3000})\.(?:gif|png)\Z"
)
_WHOLE_QUERY = re.compile(
    r"(?:latex|(?:png|gif|svg|pdf)\.image|mimetex(?:\.cgi|\.exe|\.php)?|mathtex(?:\.cgi|\.php)?|mathtran|csdn\.net/eq|latexrender\.php|"
    r"textex)\?([^#]+)",
    re.IGNORECASE,
)
_MATHML_PARAMETER = re.compile(r"[?&]mml=([^&#]*)")
_DRAWN_MATHML = re.compile(r"MathML(?::|%3A)(?:%20|\s)*(.{1,20000}?)--(?:>|%3E)", re.DOTALL)
_MATHWORLD = re.compile(r"(?:^|\s)(?:inlineformula|displayformula|numberedequation)(?=$|\s)")
_SIZES = re.compile(
    r"\\(?:dpi|bg|fn|fg)(?:\{[^{}]*\}|_\w+)\s*|"
    r"\\(?:inline|large|Large|LARGE|huge|small|tiny|normalsize|footnotesize)(?![A-Za-z])\s*"
)
_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:latex\w*|tex|texrender|math|mathtex|mwe-math-fallback\S*|x-ck12\S*|texrender|equation\w*|ee_img|formula\w*|mathjax|"
    r"wp-katex-eq|katex|ql-img\S*)(?=$|[\s_-])",
    re.IGNORECASE,
)
_DELIMITED = re.compile(
    r"\s*(?:\$.*\$|\\\(.*\\\)|\\\[.*\\\]|\\begin\s*\{.*|\{\\displaystyle.*|LaTeX:\s.*)\s*\Z", re.DOTALL
)
_TEX = re.compile(
    r"\\(?:[A-Za-z]+\s*[{_^\\]|alpha|beta|gamma|delta|theta|lambda|mu|pi|sigma|omega|infty|times|cdot|[lg]eq?)|[\^_]\{"
)
_EQUATION = re.compile(r"(?=.{3,80}\Z)[\dA-Za-z\s+*/=^_().,<>|!{}-]*=[\dA-Za-z\s+*/=^_().,<>|!{}-]+")
_POWER = re.compile(r"[\dA-Za-z\s+*/.()-]{0,40}[\dA-Za-z)]\^[\dA-Za-z(][\dA-Za-z\s+*/.()^-]{0,40}")
_SPOKEN = re.compile(
    r"\b(?:equals?|squared|cubed|plus|minus|over|root|times|divided|fraction|integral|power|subscript|superscript|"
    r"parenthes[ie]s|bracket)\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(
    r"\[asy\]|\\(?:includegraphics|epsfig|psfig|input)\b|\\begin\s*\{(?:figure|picture|tikzpicture|table|tabular|center)"
)
_COMMENT = re.compile(r"\A\s*MATH\s(.*?)\s*\Z", re.DOTALL)  # latex2html's, before an image whose alt it cuts with "..."
_PLACEHOLDERS = frozenset({"", "latex", "formula", "equation", "image", "math", "[tex]", "tex", "img", "eq", "公式"})
_DISPLAY = re.compile(r"display|block|center|ql-displayed", re.IGNORECASE)


_PLAIN_WORD = re.compile(
    r"[A-Za-z]{4,}|\b(?!(?:sin|cos|tan|cot|sec|csc|log|exp|lim|max|min|gcd|lcm|det|mod)\b)[a-z]{3}\b"
)
_PROSE_WORD = re.compile(r"(?:(?<=\s)|\A)[A-Za-z]{3,}(?=[\s,.;:]|\Z)")
_MOST_WORDS = 8
_MAX_CHARS = 5000  # of an alternative text


def image_formula(attributes: Mapping[str, str | None]) -> tuple[str, bool | None, str] | None:
    """The formula that an `img` shows: (tex, display or None if the surroundings decide, encoding).

    None where the image is no formula; tex is "" where it is one that nothing can be recovered of.
    """
    get = attributes.get
    source = get("data-src") or get("data-original") or get("data-lazy-src") or get("src") or ""
    class_ = get("class") or ""
    alt = (get("alt") or get("data-alt") or (class_ and get("title")) or "").removeprefix("LaTeX: ")  # Canvas's
    if source.startswith("data:image/svg") and "MathML" in source[:3000] and (drawn := _DRAWN_MATHML.search(source)):
        return clean_tex(mathml_to_latex(unquote(drawn[1]))), False, "image_url"  # MathType's
    service = _may_be_service(source) and _SERVICES.search(source) is not None
    classed = class_ != "" and _CLASSES.search(class_) is not None
    classed = classed or get("role") == "math" or (class_ != "" and _MATHWORLD.search(class_) is not None)
    if not service and not classed and not (alt and _is_formula(alt)):
        return None
    if alt and _FIGURE.search(alt):
        return None
    if class_ and alt and "/equations/" in source and _MATHWORLD.search(class_):
        return asciimath_to_latex(alt), "inline" not in class_, "image_alt"
    display: bool | None = True if _DISPLAY.search(class_) else False if "inline" in class_ else None
    tex = _address_tex(source) if service else ""
    encoding = "image_url"
    if not tex:
        if not service and not _is_formula(alt) and not _plausible(alt):
            return ("", display, "image_alt") if _SPOKEN.search(alt) else None
        tex, encoding = alt.strip().removeprefix("LaTeX:"), "image_alt"
        if "%5C" in tex or "%7B" in tex or ("x-ck12" in class_ and "%" in tex):
            tex = unquote(tex)
    if tex.strip().lower() in _PLACEHOLDERS:
        return "", display, encoding
    if "equation?tex=" in source and (tex.rstrip().endswith("\\\\") or get("eeimg") == "2"):
        tex, display = tex.rstrip().removesuffix("\\\\"), True  # how Zhihu marks what is displayed
    tex, delimited = strip_delimiters(tex)
    if "\\inline" in tex:
        display = False
    tex = _SIZES.sub("", tex) if "\\" in tex else tex
    return clean_tex(tex, bool(display or delimited)), delimited if delimited and display is None else display, encoding


def hidden_source(node: Any) -> str | None:
    """The TeX in the comment that latex2html puts before an image whose alternative text it has cut, or None."""
    for _ in range(8):
        before = node.prev
        while before is not None and before.tag == "-text" and not (before.text_content or "").strip():
            before = before.prev
        if before is not None:
            comment = _COMMENT.match(before.comment_content or "") if before.tag == "-comment" else None
            return comment[1] if comment else None
        node = node.parent
        if node is None or node.tag not in ("a", "td", "tr", "tbody", "table", "div", "span"):
            return None
    return None


def _is_formula(alt: str) -> bool:
    """Whether the alternative text of any image is TeX by itself."""
    if len(alt) > _MAX_CHARS or not _holds_one(alt, _FORMULA_SIGNS):
        return False
    if _DELIMITED.match(alt):
        inner = strip_delimiters(alt.strip().removeprefix("LaTeX:"))[0].strip("$ ")
        name = environment_name(inner)
        return name in MATH_ENVIRONMENTS if name else looks_like_math(inner, sure=True)
    if len(_PROSE_WORD.findall(alt)) > _MOST_WORDS:
        return False  # the caption of a figure, with formulas in it
    plain = _EQUATION.fullmatch(alt) is not None or _POWER.fullmatch(alt) is not None
    return _TEX.search(alt) is not None or (plain and _PLAIN_WORD.search(alt) is None)


_FORMULA_SIGNS = ("\\", "=", "^", "{", "$", "LaTeX:")
_SERVICE_PATHS = ("/svg/", "/png/", "/flx/", "render/", "latex", "filter/", "/img/", "equation_images")
_SERVICE_WORDS = ("tex", "math", "codecogs", "cht=tx", "csdn", "filter/", "z-dn", "equation_images", "render?")


def _may_be_service(source: str) -> bool:
    """A cheap test: an address without one of these words is of no rendering service."""
    if len(source) > 20_000 or source.startswith("data:"):
        return False
    return ("?" in source or _holds_one(source, _SERVICE_PATHS)) and _holds_one(source.lower(), _SERVICE_WORDS)


def _holds_one(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110 (a generator takes three times as long)
        if word in text:
            return True
    return False


def _address_tex(source: str) -> str:
    """The TeX in the address of a rendering service, "" if it holds none."""
    path = _PATH.search(source)
    if path is not None:
        tex = unquote(next(filter(None, path.groups()), "")).removesuffix(".svg")
        return unquote(tex) if path[3] else tex  # Canvas quotes twice
    if "mml=" in source and (mathml := _MATHML_PARAMETER.search(source)):
        return mathml_to_latex(unquote(mathml[1].replace("+", " ")))
    parameter = _PARAMETER.search(source)
    if parameter is not None:
        tex = unquote(parameter[1].replace("+", " "))
        return unquote(tex) if "%5C" in tex else tex
    query = _WHOLE_QUERY.search(source)
    if query is None:
        return ""
    tex = unquote(query[1])
    return tex.replace("&space;", " ").replace("&plus;", "+").replace("&amp;space;", " ")


def _plausible(alt: str) -> bool:
    """Whether the alternative text of an image with a formula's class is TeX, not a description in words."""
    if not alt or len(alt) > _MAX_CHARS:
        return False
    if "\\" in alt:
        return True
    words = re.search(r"(?<![A-Za-z])[A-Za-z]{4,}+\s+[A-Za-z]{3,}|\A\s*[A-Za-z]{4,}[.!]?\s*\Z", alt)
    return words is None and _SPOKEN.search(alt) is None
