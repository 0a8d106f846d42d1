"""Formulas that are images: the TeX stands in the address of a rendering service or in the alternative text."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from mathmill.curation.html.tex import clean_tex, strip_delimiters

_SERVICES = re.compile(
    r"latex\.php\?|/[\w-]*\.?latex\?|svg\.image\?|codecogs\.com/|mimetex|mathtex|mathtran|cht=tx|render/math\?|"
    r"equation\?tex=|latex\.csdn\.net/eq\?|tex\.s2cms\.ru/(?:svg|png)/|i\.upmath\.me/(?:svg|png)/|/flx/math/|"
    r"math/render/(?:svg|png|mathml)/|latex\.artofproblemsolving\.com|math\.jianshu\.com|quicklatex|latex\.codecogs|"
    r"texrender|math\.now\.sh|latex\.vimsky|/media/math/render|teximage|latexrender",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"[?&](?:latex|tex|math|chl|from|formula|eq|val|text)=([^&#]*)", re.IGNORECASE)
_PATH = re.compile(r"(?:tex\.s2cms\.ru|i\.upmath\.me)/(?:svg|png)/(.+)|/flx/math/(?:inline|block|alignblock)/(.+)")
_WHOLE_QUERY = re.compile(
    r"(?:latex|svg\.image|mimetex(?:\.cgi|\.exe|\.php)?|mathtex(?:\.cgi|\.php)?|mathtran|csdn\.net/eq|latexrender\.php|"
    r"textex)\?([^#]+)",
    re.IGNORECASE,
)
_SIZES = re.compile(
    r"\\(?:dpi|bg|fn|fg)(?:\{[^{}]*\}|_\w+)\s*|"
    r"\\(?:inline|large|Large|LARGE|huge|small|tiny|normalsize|footnotesize)(?![A-Za-z])\s*"
)
_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:latex\w*|tex|math|mathtex|mwe-math-fallback\S*|x-ck12\S*|equation\w*|ee_img|formula\w*|mathjax|"
    r"wp-katex-eq|ql-img\S*)(?=$|[\s_-])",
    re.IGNORECASE,
)
_DELIMITED = re.compile(r"\s*(?:\$.*\$|\\\(.*\\\)|\\\[.*\\\]|\\begin\s*\{.*|\{\\displaystyle.*)\s*\Z", re.DOTALL)
_PLACEHOLDERS = frozenset({"", "latex", "formula", "equation", "image", "math", "[tex]", "tex", "img", "eq", "公式"})
_DISPLAY = re.compile(r"display|block|center|ql-displayed", re.IGNORECASE)


def image_formula(attributes: Mapping[str, str | None]) -> tuple[str, bool | None, str] | None:
    """The formula that an `img` shows: (tex, display or None if the surroundings decide, encoding).

    None where the image is no formula; tex is "" where it is one that nothing can be recovered of.
    """
    get = attributes.get
    source = get("data-src") or get("data-original") or get("data-lazy-src") or get("src") or ""
    alt = get("alt") or get("data-alt") or ""
    class_ = get("class") or ""
    service = _may_be_service(source) and _SERVICES.search(source) is not None
    if not service and not (class_ and _CLASSES.search(class_)) and not (alt and _DELIMITED.match(alt)):
        return None
    display: bool | None = True if _DISPLAY.search(class_) else False if "inline" in class_ else None
    tex = _address_tex(source) if service else ""
    encoding = "image_url"
    if not tex:
        if not service and not _DELIMITED.match(alt) and not _plausible(alt):
            return None
        tex, encoding = alt, "image_alt"
        if "%5C" in tex or "%7B" in tex or ("x-ck12" in class_ and "%" in tex):
            tex = unquote(tex)
    if tex.strip().lower() in _PLACEHOLDERS:
        return "", display, encoding
    tex, delimited = strip_delimiters(tex)
    if "\\inline" in tex:
        display = False
    tex = _SIZES.sub("", tex) if "\\" in tex else tex
    if "\\displaystyle" in tex[:14] and display is None:
        display = None if encoding == "image_alt" else True
    return clean_tex(tex, bool(display)), delimited if delimited and display is None else display, encoding


def _may_be_service(source: str) -> bool:
    """A cheap test: an address without one of these words is of no rendering service."""
    if len(source) > 20_000 or source.startswith("data:"):
        return False
    if "?" not in source and not any(part in source for part in ("/svg/", "/png/", "/flx/", "render/", "latex")):
        return False
    lower = source.lower()
    return "tex" in lower or "math" in lower or "codecogs" in lower or "cht=tx" in lower or "csdn" in lower


def _address_tex(source: str) -> str:
    """The TeX in the address of a rendering service, "" if it holds none."""
    path = _PATH.search(source)
    if path is not None:
        return unquote(path[1] or path[2]).removesuffix(".svg")
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
    return bool(alt) and len(alt) < 5000 and ("\\" in alt or re.search(r"[A-Za-z]{4,}\s+[A-Za-z]{3,}", alt) is None)
