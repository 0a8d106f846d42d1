r"""What is wrong with a problem that cannot be learnt from, as fixed words: `COMPLAINTS`.

Extraction loses pictures, pages are cut and hide their solutions behind a login, collections join an answer to another
solution. The rules are literal and bounded, so that they can be read and counted; docs/quality.md has their shares.
"""

import re
from fractions import Fraction

from mathmill.core.answer_numbers import read_number
from mathmill.core.answer_text import clean
from mathmill.core.answer_values import Value, read_value
from mathmill.core.mathnorm import normalise_formula

COMPLAINTS = ("unfinished_question", "unfinished_solution", "missing_figure", "answer_not_reached", "no_answer")
"""In the order in which they are raised.

unfinished_question, unfinished_solution: the text stops in the middle of a sentence or formula, or where a login or a
"read more" stands. missing_figure: the question speaks of a figure that the text does not draw. answer_not_reached: the
stated value occurs nowhere in the solution and is not what its last equation comes to. no_answer: none was found,
though the question does not ask for a proof.
"""

MAX_READ_CHARS = 20_000
"""How much of the end of a solution is searched for the answer."""


def complaints(question: str, solution: str | None, answer: str | None) -> list[str]:
    """Return the complaints about a problem, in the order of COMPLAINTS; none where nothing is wrong."""
    found = []
    if _stops(question, is_question=True):
        found.append("unfinished_question")
    if solution is not None and _stops(solution, is_question=False):
        found.append("unfinished_solution")
    if is_figure_missing(question):
        found.append("missing_figure")
    if answer is None:
        if not _ASKS_PROOF.search(question):
            found.append("no_answer")
    elif solution is not None and not reaches(solution, answer):
        found.append("answer_not_reached")
    return found


_ASKS_PROOF = re.compile(r"\b(?:prove|(?:show|verify|explain) (?:that|why)|proof)\b|证明|求证", re.IGNORECASE)

# --- texts that stop ------------------------------------------------------------------------------------------------

_WALL = re.compile(
    r"\b(?:read more|continue reading|to be continued"
    r"|(?:log ?in|sign ?(?:in|up)|register|subscribe|upgrade) (?:now )?to "
    r"(?:view|see|read|continue|unlock|access|get)|unlock (?:this|the|your) (?:full )?(?:answer|solution|explanation)"
    r"|(?:subscribers|members) only)\b"
    r"|未完待续|回复(?:后)?可见|(?:登录|注册|付费|关注|扫码|开通会员|购买)[^。\n]{0,12}(?:查看|可见|阅读|获取|解锁)|阅读全文|查看(?:全文|更多|剩余|完整解析)"
    r"|(?:剩余|其余|以下)(?:内容|部分)[^。\n]{0,8}(?:隐藏|付费|未显示)|查看更多",
    re.IGNORECASE,
)
_WALL_CHARS = 160
_HANGING = re.compile(
    r"(?:[,，、(（\[{]|[A-Za-z\u3400-\u9fff)\]$][ \t]?(?:\.{3,}|…+)"
    r"|\s(?:the|an|of|and|or|to|is|are|that|with|for|by|because|since|which|from|where|than|into|when|if|we)"
    r"|因为|所以|由于|从而|于是|因此|且|与|和|或)\Z"
)
_HANGING_SIGN = re.compile(r"(?:[:：=<≤≥+*/×÷∙]|\\(?:times|cdot|frac|sqrt|left|begin))\Z")
_HANGING_QUESTION = re.compile(r"(?:(?<!\\)\{|\s(?:the|an|of|and|with|for|by|because|from|where|than|into|when|if))\Z")
_LOST_FORMULA = re.compile(r"[^0-9$\\=]{1,80}[:：]")
_UNCLOSED = re.compile(r"(?<![\\$0-9])\$(?![0-9\s])(?=[^$\n]{0,200}\\[a-zA-Z])[^$\n]{0,200}\Z")
_SHORT = 24
"""A solution this short may be an entry of a key, which ends as it likes."""


def _stops(text: str, *, is_question: bool) -> bool:
    """Whether a text ends in the middle; a question may end in "is", "=" or "(", to be filled in."""
    end = text.rstrip(" \t\r\n*_")
    tail = end[-_SHORT:]
    if is_question:
        if _HANGING_QUESTION.search(tail) or _LOST_FORMULA.fullmatch(end):
            return True
    else:
        walled = _WALL.search(end, max(0, len(end) - _WALL_CHARS))
        if walled or (len(end) > _SHORT and (_HANGING.search(tail) or _HANGING_SIGN.search(tail))):
            return True
    if end.count("\\begin{") > end.count("\\end{"):
        return True
    return end.count("$") % 2 == 1 and _UNCLOSED.search(end, max(0, len(end) - 210)) is not None


# --- figures --------------------------------------------------------------------------------------------------------

_PLACEHOLDER = re.compile(
    r"<img_\d|[\[【](?:insert )?(?:pic(?:ture)?|image|img|figure|图|图片|插图)[^\]】\n]{0,20}[\]】]|[（(]图略[)）]"
    r"|\w\.(?:jpe?g|png|gif)\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(
    r"\b(?:in|from|on|see|using|use|refer to|given by) (?:the|this|each) "
    r"(?:(?:following|given|adjoining|accompanying|above) )?"
    r"(?:figure|diagram)s?\b(?! (?:out|of speech|formed by)\b)"
    r"|\b(?:figure|diagram|graph|picture|drawing|image|bar graph|pie chart|chart|map|number line)s?(?: (?:is|are))?"
    r" (?:shown|pictured|below|above|illustrated|depicted|(?:at|to|on) the (?:right|left))\b"
    r"|\b(?:shown|pictured|illustrated|depicted) in (?:the )?(?:figure|diagram|graph|picture|image|drawing)\b"
    r"|(?:如|见|看|据|按|照)(?:[右左下上]?图|图[0-9一二三①②（(])|[下右左上](?:面的?)?图(?![书画像])"
    r"|图[0-9一二三①②]*所示|图中(?!的?(?:任意|每|所有|顶点|边|点))|阴影部分",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"\b(?:shown|pictured|illustrated|depicted) (?:below|above|(?:at|to|on) the (?:right|left))\b(?=[^0-9$\\]*\Z)"
)
"""What is shown below may be a formula or numbers, and then they follow."""
_DRAWN = re.compile(
    r"\[asy\]|\\begin\{(?:tikz|asy|array|tabular|matrix|[bpv]matrix|picture|align)|\\includegraphics"
    r"|!\[|<svg|<img(?!_)|```|\n[ \t]*\|"
    r"|\$\$|\\\[|\\(?:blacksquare|bigcirc|triangle(?![A-Za-z ]))"
)


def is_figure_missing(question: str) -> bool:
    """Whether a question points at a figure, and nothing in its text can be that figure."""
    if _PLACEHOLDER.search(question):
        return True
    pointed = _FIGURE.search(question) or _SHOWN.search(question)
    return pointed is not None and _DRAWN.search(question) is None


# --- answers --------------------------------------------------------------------------------------------------------

MAX_ANSWER_CHARS = 100
"""A longer answer is a text, of which nobody expects that it stands in the solution."""

_EXPRESSION = re.compile(r"\s*(?:x\s*=)?[\s0-9.+\-*/×÷()%\[\]]+")
_SPACED_DIGITS = re.compile(r"(?<=\d) (?=\d)")
_CODE = re.compile(r"\b(?:def|import|print|return)\b|^\s*(?:ans|answer|result)\w* = ", re.MULTILINE)
_FRACTION = r"\\[dt]?frac\s*(?:\{-?\d+\}|\d)\s*(?:\{\d+\}|\d+)"
_NUMERAL = re.compile(
    rf"\d{{1,3}}(?:(?:,|\{{,\}}|,\s?\\!)\s?\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?(?:\s?/\s?\d+)?|\.\d+|{_FRACTION}"
)
_MIXED = re.compile(rf"\d+\s?{_FRACTION}|\d+ \d+/\d+|[½⅓⅔¼¾⅕]")
_EQUALS = re.compile(r"[=≈]")


def reaches(solution: str, answer: str) -> bool:
    """Whether a stated answer occurs in the solution as a value; what has no value to look for is not judged."""
    text = solution[-MAX_READ_CHARS:]
    if _DRESS.sub("", answer) in _DRESS.sub("", text):
        return True
    value = read_value(answer)
    if len(answer) > MAX_ANSWER_CHARS or _CODE.search(text) or _EXPRESSION.fullmatch(text):
        return True
    numbers: set[Fraction] | None = None
    for part in _elements(value):
        if part[0] == "number":
            numbers = _numbers(text) if numbers is None else numbers
            amount = abs(part[1])
            if not ({amount, amount * 100, amount / 100} & numbers):
                return False
        elif part[0] == "formula" and not _is_written(text, part[1]):
            return False
    return True


def _elements(value: Value) -> list[Value]:
    """The numbers and formulas that a value is made of; choices and words are left out."""
    kind = value[0]
    if kind in ("number", "formula"):
        return [value]
    if kind == "quantity":
        return _elements(value[1])
    if kind == "assigned":
        return _elements(value[2])
    if kind == "sequence":
        return [element for part in value[3] for element in _elements(part)]
    if kind in ("set", "union", "assignments", "ratio", "blanks"):
        return [element for part in value[1] for element in _elements(part)]
    return []


def _numbers(text: str) -> set[Fraction]:
    """Every number that a text names, and what the sides of its last equations come to."""
    if "mathbf{" in text:  # \\mathbf{4 2}
        text += _SPACED_DIGITS.sub("", text[-500:])
    found = {abs(n) for numeral in _NUMERAL.findall(text) if (n := read_number(clean(numeral))) is not None}
    found |= {abs(n) for mixed in _MIXED.findall(text) if (n := read_number(clean(mixed))) is not None}
    for side in _EQUALS.split(text)[-4:]:
        if len(side) <= 200 and (n := read_number(clean(side.strip(" $\n.。")))) is not None:
            found.add(abs(n))
    return found


_DRESS = re.compile(r"[\s${}()\[\]\\,.;:]|\\(?:left|right|text|mathrm|displaystyle)")


def _is_written(text: str, formula: str) -> bool:
    """Whether a formula stands in a text, spaces, brackets and delimiters aside."""
    sought = _DRESS.sub("", formula)
    return sought in _DRESS.sub("", text) or sought in _DRESS.sub("", normalise_formula(clean(text)))
