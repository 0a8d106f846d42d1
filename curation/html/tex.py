"""TeX as pages carry it, cleaned: outer delimiters, wrappers and colours off, damage by scripts undone.

Only what does not change the formula is removed. `looks_like_math` tells a formula between single dollars from two
prices, by the rules that pandoc uses for `tex_math_dollars` and by what stands between the dollars.
"""

import re

_ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SPECIAL = re.compile("[\u00a0\u00ad\u200b-\u200f\u2019\u202a-\u202e\u2060-\u2064\ufeff\x07\x08\x0b\x0c&%\n\t]")
_CDATA = re.compile(r"\A\s*%?\s*<!\[CDATA\[|%?\s*\]\]>\s*\Z")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*(?=\n|\Z)")
_CONTROL = (  # a backslash sequence that a script read as a control character
    (re.compile("\x08(?=[a-z])"), "\\\\b"),
    (re.compile("\x0c(?=[a-z])"), "\\\\f"),
    (re.compile("\x0b(?=[a-z])"), "\\\\v"),
    (re.compile("\x07(?=[a-z])"), "\\\\a"),
    (re.compile(r"\t(?=(?:heta|ext|imes|frac|au|ilde|riangle|an|op|ag|extbf|extrm|herefore)(?![a-z]))"), r"\\t"),
    (re.compile(r"\n(?=(?:abla|eq|otin|onumber)(?![a-z]))"), r"\\n"),
    (re.compile(r"\n(?=(?:ightarrow|ho)(?![a-z])|ight\s*[)\]|.}>\\])"), r"\\r"),  # parsers read \r as a line break
)
_PRIME = re.compile(r"(?<=[\w)}\]'\u2019])\u2019(?![A-Za-z])")  # what WordPress makes of the prime in f'(x)
_DOUBLED = re.compile(
    r"\\\\(?:[dt]?frac|sqrt|sum|int|prod|lim|infty|times|cdot|[cl]?dots|[lg]eq?|neq?|approx|left|right|begin|end|text|"
    r"math(?:rm|bb|bf|cal)|operatorname|partial|nabla|rightarrow|q?quad|pm|binom|vec|hat|bar|overline|sin|cos|tan|"
    r"log|ln|alpha|beta|gamma|delta|epsilon|theta|lambda|mu|pi|sigma|phi|omega|Delta|Gamma|Omega)(?![A-Za-z])"
)
_LONE_BACKSLASH = re.compile(r"(?<!\\)(?:\\\\)*\\(?!\\)")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&nbsp;": " ", "&quot;": '"', "&#39;": "'", "&minus;": "-"}
_ENTITY = re.compile("|".join(_ENTITIES))
_STYLE = re.compile(r"\{?\s*\\(?:displaystyle|textstyle)(?![A-Za-z])\s*")
_COLOUR = re.compile(
    r"\\(?P<two>textcolor|colorbox|fcolorbox|class|style|cssId|htmlClass|htmlId|htmlStyle|bbox|href)|"
    r"\\(?P<one>color|require|definecolor)"
)
_DEFINITION = re.compile(
    r"\\(?:(?:re|provide)?newcommand|DeclareMathOperator|def|gdef|newenvironment)\*?\s*(?:\{\s*\\[A-Za-z]+\s*\}|\\[A-Za-z]+|\\.)\s*"
    r"(?:\[\d\]|(?:#\d)+)?\s*(?:\[[^\]]*\])?\s*(?=\{)"
)
_HIDDEN = frozenset({"\\begingroup", "\\endgroup", "\\nonumber", "\\notag"})
_LATEX_PREFIX = re.compile(r"\Alatex\s+(?=\S)")
_OUTER = (
    ("$$", "$$", True),
    ("\\[", "\\]", True),
    ("\\(", "\\)", False),
    ("$", "$", False),
    ("\\begin{displaymath}", "\\end{displaymath}", True),
    ("\\begin{math}", "\\end{math}", False),
)

MATH_ENVIRONMENTS = frozenset((
    "equation", "align", "gather", "multline", "eqnarray", "alignat", "flalign", "displaymath", "math",
    "dmath", "darray", "subequations", "cases", "dcases", "rcases", "array", "matrix", "pmatrix", "bmatrix",
    "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "split", "aligned", "alignedat", "gathered", "CD",
    "numcases", "empheq", "IEEEeqnarray",
))  # fmt: skip
"""LaTeX environments that are formulas, without their starred forms."""


MAX_CHARS = 100_000
_MOST_STYLES = 10  # around one formula
_READ_AGAIN = 20  # times the length of a formula, that may be read for the groups that its colours apply to


def clean_tex(tex: str, display: bool = False) -> str:
    """Clean the TeX between delimiters. Returns "" where no formula is left.

    An inline formula comes out on one line; a display formula keeps its line breaks, without blank lines. What is
    longer than MAX_CHARS is no formula.
    """
    if len(tex) > MAX_CHARS:
        return ""
    if "<![CDATA[" in tex:
        tex = _CDATA.sub("", tex)
        tex = _CDATA.sub("", tex)
    if _SPECIAL.search(tex):
        tex = undamaged(tex)
        if display and "\n" in tex:
            tex = "\n".join(filter(None, (" ".join(line.split()) for line in tex.split("\n"))))
        else:
            tex = " ".join(tex.split())
    tex = _stripped(tex)
    if "\\" in tex:
        if _DOUBLED.search(tex) and not _LONE_BACKSLASH.search(tex):
            tex = tex.replace("\\\\", "\\")
        tex = _without_styles(_without_definitions(tex))
    return tex


def _without_definitions(tex: str) -> str:
    """Drop macro definitions at the start, which a page puts into a hidden formula of their own."""
    while (match := _DEFINITION.match(tex)) is not None:
        end = group_end(tex, match.end()) if tex.startswith("{", match.end()) else -1
        if end == -1:
            return tex
        tex = tex[end:].lstrip()
    return "" if tex in _HIDDEN else tex


def _stripped(tex: str) -> str:
    """Strip blanks, but not the blank of a final control space."""
    stripped = tex.strip()
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if backslashes % 2 and tex.rstrip() != tex else stripped


def undamaged(tex: str) -> str:
    """Undo what escapes, scripts and editors did to a formula; drop its comments and invisible characters."""
    if not _SPECIAL.search(tex):
        return tex
    for pattern, replacement in _CONTROL:
        tex = pattern.sub(replacement, tex)
    if "&" in tex:
        tex = _ENTITY.sub(lambda match: _ENTITIES[match[0]], tex)
    if "%" in tex and "\n" in tex:
        tex = _COMMENT.sub(r"\1", tex)
    if "\u2019" in tex:
        tex = _PRIME.sub("'", tex)
    return _ZERO_WIDTH.sub("", tex).replace("\u00a0", " ")


def _without_styles(tex: str) -> str:
    r"""Drop a `\displaystyle` around or before the whole formula, and colours and other dress anywhere."""
    for _ in range(_MOST_STYLES):
        match = _STYLE.match(tex)
        if match is None:
            break
        if match[0].startswith("{"):
            if group_end(tex, 0) != len(tex):
                break
            tex = tex[match.end() : -1].strip()
        else:
            tex = tex[match.end() :]
            if tex.startswith("{") and group_end(tex, 0) == len(tex):
                tex = tex[1:-1].strip()
    return _without_colours(tex) if _COLOUR.search(tex) else tex


def group_end(tex: str, start: int, closing: str = "}") -> int:
    """The position after the group that opens at `start`, or -1. Escaped braces do not count."""
    depth = 0
    for mark in _GROUP_MARKS[closing].finditer(tex, start):
        char = mark[0]
        if char == closing:
            depth -= 1
            if depth == 0:
                return mark.end()
        elif char[0] != "\\":
            depth += 1
    return -1


_GROUP_MARKS = {"}": re.compile(r"\\.|[{}]", re.DOTALL), "]": re.compile(r"\\.|[\[\]]", re.DOTALL)}


def _without_colours(tex: str) -> str:
    r"""`\color{red}{x}`, `{\color{red} x}`, `\textcolor{red}{x}`, `\bbox[red]{x}` and `\class{c}{x}` become `x`."""
    out: list[str] = []
    at = 0
    left = _READ_AGAIN * len(tex)
    while left > 0 and (match := _COLOUR.search(tex, at)) is not None:
        end = _skip_dress(tex, match)
        left -= (end if end != -1 else len(tex)) - match.start()
        follows = tex[match.end() : match.end() + 1]
        if end == -1 or follows.isalpha():
            out.append(tex[at : match.end()])
            at = match.end()
            continue
        before = tex[at : match.start()]
        if match["one"] and before.endswith("{") and not before.endswith("\\{"):
            # {\color{red} x}: the group goes too, unless it is an argument
            close = group_end(tex, match.start() - 1)
            left -= (close if close != -1 else len(tex)) - match.start()
            if close != -1 and not re.search(r"(?:[\^_\]}]|\\[A-Za-z]+)\s*\Z", before[:-1]):
                tex = tex[:end] + tex[end : close - 1].strip() + tex[close:]
                before = before[:-1]
        out.append(before)
        while tex[end : end + 1] == " ":
            end += 1
        if tex[end : end + 1] == "{" and not re.search(r"(?:[\^_]|\\[A-Za-z]+)\s*\Z", before):
            close = group_end(tex, end)
            left -= (close if close != -1 else len(tex)) - end
            if close != -1 and match["one"] != "require":
                inner = tex[end + 1 : close - 1]
                if match["two"] in ("colorbox", "fcolorbox") and inner[:1] == "$" == inner[-1:]:
                    inner = inner.strip("$")
                tex = tex[:end] + inner + tex[close:]
        elif out[-1][-1:].isalpha() and tex[end : end + 1].isalpha() and re.search(r"\\[A-Za-z]+\Z", out[-1]):
            out.append(" ")
        at = end
    out.append(tex[at:])
    return "".join(out).strip()


def _skip_dress(tex: str, match: re.Match[str]) -> int:
    """The position after what says how a part looks, before the part itself, or -1."""
    if match["two"] == "bbox":
        at = match.end()
        return group_end(tex, at, "]") if tex.startswith("[", at) else at if tex.startswith("{", at) else -1
    end = _skip_argument(tex, match.end())
    return _skip_argument(tex, end) if match["two"] == "fcolorbox" and end != -1 else end


def _skip_argument(tex: str, at: int) -> int:
    """The position after `[…]{…}` or `{…}` at `at`, or -1."""
    while tex[at : at + 1] == " ":
        at += 1
    if tex[at : at + 1] == "[":
        at = group_end(tex, at, "]")
        if at == -1:
            return -1
        if tex[at : at + 1] != "{":
            return at
    return group_end(tex, at) if tex[at : at + 1] == "{" else -1


def strip_delimiters(tex: str) -> tuple[str, bool | None]:
    r"""Take `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and WordPress's `latex ` off. Returns (tex, display, None if unknown)."""
    tex = tex.strip()
    if not tex.startswith(("$", "\\")):
        return tex, None
    for opening, closing, display in _OUTER:
        if len(tex) > len(opening) + len(closing) and tex.startswith(opening) and tex.endswith(closing):
            inner = tex[len(opening) : -len(closing)]
            if opening not in inner and not inner.endswith("\\"):
                return _LATEX_PREFIX.sub("", inner), display
    return tex, True if tex.startswith("\\begin{") and environment_name(tex) in _DISPLAYED else None


_DISPLAYED = frozenset((
    "equation", "align", "gather", "multline", "eqnarray", "alignat", "flalign", "dmath", "subequations", "numcases",
    "empheq", "IEEEeqnarray",
))  # fmt: skip
_BEGIN = re.compile(r"\\begin\s*\{([A-Za-z]+)\*?\}")


def environment_name(tex: str) -> str:
    r"""The name in a leading `\begin{name}`, without its star; "" where there is none."""
    match = _BEGIN.match(tex)
    return match[1] if match else ""


_TEXT_GROUP = re.compile(
    r"\\(?:text|textrm|textbf|textit|mbox|hbox|mathrm|operatorname|mathbf|textsf|label|ref|tag)\b\*?\s*\{[^{}]*\}"
)
_OPERATOR = re.compile(r"[\\^_=<>+{}|¬±×÷·√∂∆∇∓−⁺⁻←-⋿⟀-⟯⦀-⫿＋－＝＜＞＾＿｜]")
_WORDS = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}\s+[A-Za-z]{2,}")
_TOKEN = re.compile(r"[A-Za-z0-9α-ωΑ-Ω.,:;!?'()\[\]/*&\s~–′-‴’…°²³¹¼-¾⁰-ₜℂ-⅏-！-～、、𝐀-𝟿-]+\Z")
_PRICE = re.compile(r"\s*\d+(?:[.,]\d+)*+(?:\s*[KkMmBb]|\s*(?:million|billion|thousand|USD|US|CAD|AUD))?(?![A-Za-z\d])")
_UNKNOWN = re.compile(r"\s*[A-Za-zα-ω]{1,2}|[A-Za-zα-ω]{0,2}(?:[\d.,:/*!'()\[\]-][A-Za-zα-ω]{0,2})+")  # 5 x, 3:4, 1/2
_REGULAR = re.compile(r"\\[dwsDWS][+*]|\[\^?[a-z]-[a-z]|\A\s+(?:and|or|to|for|with|by)\s+\Z")  # [a-z], `\( and \)`
_ONE_WORD = re.compile(r"\s\W*[A-Za-z]{2,}\W*\s\Z")  # `$$ or $$$`
_CODE = re.compile(r"\"|->\w+\(|\)\s+(?:and|or|to|is|in|as|by|with|then)\s")  # in no formula without commands
_DANGLING = tuple('=+-<>*/,(:;"')


def is_amount(content: str, after: str) -> bool:
    """Whether the dollar after the content is that of a price, as in `$5-$10`; pandoc's rule, but for commands."""
    return after.isdigit() and re.match(r"\\[A-Za-z]|[\^_]", content) is None


def is_dangling(content: str, after: str) -> bool:
    r"""Whether what stands before a closing dollar and after it go on as program code does: `$foo=$bar`."""
    return content.endswith(_DANGLING) and (after.isalnum() or after in "_({") and bool(after)


def looks_like_math(content: str, sure: bool) -> bool:
    """Whether the text between two single dollars is a formula.

    sure: the page says that `$` delimits formulas; then only what reads like prose between two prices is refused.
    """
    if not content.strip(" \n\t.…"):
        return False
    plain = _TEXT_GROUP.sub(" ", content) if "\\" in content else content
    if _REGULAR.search(plain):
        return False
    if sure and "\\" in plain:
        return True
    prose = _WORDS.search(plain) is not None
    price = _PRICE.match(plain)
    if sure:
        if price and (prose or content[-1].isspace()):
            return False
        return not prose or ("=" in plain and len(plain.split()) <= 10)
    spaced = content[0].isspace() + content[-1].isspace()
    if spaced:
        if "\\" in plain:
            return not prose
        if spaced == 1 or price or prose or len(plain) > 80:
            return False
        return len(plain.strip()) == 1 or _OPERATOR.search(plain) is not None
    if "\\" not in plain and _CODE.search(plain):
        return False
    if price and (prose or (price.end() < len(plain) and not _OPERATOR.search(plain))):
        return not prose and _UNKNOWN.fullmatch(plain, price.end()) is not None
    if prose:
        return "\\" in plain and len(plain.split()) < 40
    if _OPERATOR.search(plain):
        return True
    if len(plain) > 40 or _TOKEN.match(plain) is None:
        return False
    return not re.search(r"[A-Za-z]{5,}", plain) or re.fullmatch(r"[A-Z]{5,8}", plain) is not None  # a hexagon


def is_displayed_word(content: str) -> bool:
    """Whether the text between two double dollars is a word between signs of price: `$$ or $$$`."""
    return _ONE_WORD.match(content) is not None
