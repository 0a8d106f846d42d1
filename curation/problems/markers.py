"""The words that announce a problem, its solution and its answer, in English and Chinese.

Most markers count only at the start of a line and only with the punctuation of a label ("Problem 3.", "例 2："), so
that "Example 3 shows that" and "例如" stay prose. Patterns are anchored and bounded: hostile text costs linear time.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a marker announces."""

    PROBLEM = "problem"
    ITEM = "item"  # a bare number: "12."
    SOLUTION = "solution"
    ANSWER = "answer"
    REPLY = "reply"  # "A:", which answers a "Q:"
    HINT = "hint"
    CONCLUSION = "conclusion"  # "答：…" at the end of a worked solution, or an answer of its own
    KEY = "key"  # a heading alone on its line that may open an answer key: "参考答案"
    EXERCISES = "exercises"  # a heading under which numbered items are problems
    END = "end"  # the part that was being read ends here; another part of the same problem may follow
    STOP = "stop"  # the problem that was being read ends here


class Marker(NamedTuple):
    """A label `text[start:end]` and what it announces; its part of the text begins at `end`."""

    start: int
    end: int
    kind: Kind
    number: str | None = None


def _words(words: str) -> str:
    """Build an alternation of labels, each as given, in capitals and with one capital, longest first."""
    forms = {form for word in words.split("|") for form in (word, word.upper(), word.capitalize())}
    return "(?:" + "|".join(sorted(forms, key=lambda w: (-len(w), w))) + ")"


_BOLD = r"(?:\*{1,3}|_{1,2})?"
_PREFIX = r"[ \t\u3000]*(?:#{1,6}[ \t]+)?(?:[-*+•▶►][ \t]+)?(?:\*{1,3}|_{1,2})?"
_NUMBER = r"(?P<n>[0-9]{1,3}(?:[.\-][0-9]{1,3}){0,3}[a-z]?(?![0-9A-Za-z])|[IVX]{1,5}(?![A-Za-z]))"
_ZH_NUMBER = r"(?P<n>[0-9]{1,3}(?:[.\-．][0-9]{1,3}){0,2}|[一二三四五六七八九十]{1,3})"
_TITLE = r"(?:[ \t]*[(\[（][^()\[\]（）\n]{1,80}[)\]）])?"
_LABEL_END = r"(?:\*{1,3}|_{1,2})?[ \t]*(?:[.:：)\]】]+|[—–-]+[ \t]|(?=\n|$))[ \t]*(?:\*{1,3}|_{1,2})?"
_NUMBERED_END = rf"(?:{_LABEL_END}|(?:\*{{1,3}}|_{{1,2}})|[ \t]+(?=[A-Z$\\“\"(\[（【]))"
_OPEN, _CLOSE = r"[【\[〖（(]?[ \t]*", r"[ \t]*(?:[】\]〗）)][ \t]*[:：]?|[:：]|[.．、]|(?=[ \t\u3000]*(?:\n|$)))"

_PROBLEM = _words("Problem|Exercise|Example|Worked Example|Question|Practice Problem|Task|Checkpoint|Try It|Puzzle")
_SOLUTION = _words("Solution|Proof|Worked Solution|Explanation|Soln|Sol")
_ANSWER = _words("Final Answer|Correct Answer|Answer|Ans")
_HINT = _words("Hint|Hints|Remark|Note|Comment|Discussion|Commentary")
_KEY = _words("Answer Key|Solution Key|Answers|Solutions|Answer|Solution|Answers and Solutions|Hints and Answers")
_EXERCISES = _words("Exercises|Problems|Questions|Practice|Review Questions|Problem Set|Homework|Practice Problems")
_OF_PROBLEM = rf"(?:[ \t]+(?:to|of|for)[ \t]+(?:{_PROBLEM})?[ \t]*)?"
_ALONE = r"(?:\*{1,3}|_{1,2})?[ \t\u3000]*(?=\n|$)"

_ZH_PROBLEM = "(?:典型例题|例题|例|习题|练习题|练习|题目|试题|问题|思考题|变式)"
_ZH_NUMBERED_PROBLEM = "(?:典型例题|例题|例|习题|练习|题目|变式)"  # those that a space may follow: 例 2 求……
_ZH_SOLUTION = "(?:解答|解析|详解|分析|思路|思路分析|解题过程|解法|证明|证|解)"
_ZH_ANSWER = "(?:参考答案|正确答案|标准答案|答案)"
_ZH_HINT = "(?:提示|点评|评注|说明|注意|注|备注|总结|小结|反思|考点|知识点)"
_ZH_KEY = "(?:试题|习题|练习|参考|标准)?(?:答案|解答)(?:[与及和](?:试题)?(?:解析|解答|评分标准|提示|详解))?|评分标准"
_ZH_EXERCISES = "(?:课后|巩固|课堂|同步)?(?:习题|练习|练习题|作业|试题|思考题|真题)"
_ZH_SECTION = "(?:单项|多项|不定项|单)?(?:选择|填空|解答|计算|应用|判断|证明|综合|简答)题?"

_LABELS: tuple[tuple[Kind, str], ...] = (
    (Kind.KEY, _KEY + r"(?:[ \t]+to[ \t]+[A-Za-z \-]{1,40})?[:.]?" + _ALONE),
    (Kind.KEY, rf"{_OPEN}(?:{_ZH_KEY})[】\]〗）)]?[:：]?{_ALONE}"),
    (Kind.EXERCISES, _EXERCISES + r"(?:[ \t]+[0-9.]{1,8})?[:.]?" + _ALONE),
    (Kind.EXERCISES, _ZH_EXERCISES + r"(?:[ \t]*[0-9]{1,2}(?:[.\-][0-9]{1,2}){1,2})?[:：]?" + _ALONE),
    (Kind.EXERCISES, r"[一二三四五六七八九十]{1,2}[、．.][ \t]*" + _ZH_SECTION),
    (Kind.SOLUTION, rf"{_SOLUTION}{_OF_PROBLEM}[ \t]*{_NUMBER}?{_TITLE}{_LABEL_END}"),
    (Kind.SOLUTION, rf"{_OPEN}{_ZH_SOLUTION}[ \t]*{_ZH_NUMBER}?{_CLOSE}"),
    (Kind.ANSWER, rf"{_ANSWER}{_OF_PROBLEM}[ \t]*{_NUMBER}?{_BOLD}[ \t]*[.:：]+{_BOLD}"),
    (Kind.REPLY, rf"A(?:[0-9]{{1,3}})?{_BOLD}:{_BOLD}(?=\s)"),
    (Kind.ANSWER, rf"{_OPEN}{_ZH_ANSWER}[ \t]*(?:[】\]〗）)][ \t]*[:：]?|[:：]|(?=[ \t]*[A-F](?![A-Za-z])))"),
    (Kind.CONCLUSION, r"答[:：]"),
    (Kind.HINT, rf"{_HINT}[ \t]*{_NUMBER}?{_TITLE}{_LABEL_END}"),
    (Kind.HINT, rf"{_OPEN}{_ZH_HINT}[ \t]*(?:[】\]〗）)][ \t]*[:：]?|[:：])"),
    (Kind.PROBLEM, rf"{_PROBLEM}[ \t]*(?:(?:No\.?|#|№)[ \t]*)?{_NUMBER}{_TITLE}{_NUMBERED_END}"),
    (Kind.PROBLEM, rf"{_PROBLEM}{_TITLE}{_LABEL_END}"),
    (Kind.PROBLEM, rf"Q(?P<n>[0-9]{{1,3}})?{_BOLD}[.:]{_BOLD}(?=\s)"),
    (Kind.PROBLEM, rf"{_OPEN}{_ZH_PROBLEM}[ \t]*{_ZH_NUMBER}?{_TITLE}{_CLOSE}"),
    (Kind.PROBLEM, rf"{_OPEN}{_ZH_NUMBERED_PROBLEM}[ \t]*{_ZH_NUMBER}(?:[】\]）)]|[ \t\u3000]+|(?=[（(]))"),
    (Kind.PROBLEM, rf"{_OPEN}第[ \t]*{_ZH_NUMBER}[ \t]*题{_TITLE}[】\]）)]?[ \t]*[:：.．]?"),
    (Kind.ITEM, rf"(?P<n>[0-9]{{1,3}})(?:[.．、)）:：](?![0-9])|[ \t]*[】\]]){_BOLD}[ \t\u3000]*"),
)
"""Tried in this order at the start of each line."""

_FIRST = "ACDEFHNPQRSTW0-9典例习练题试问思变第解详分证参正标答提点评说注备总小反考知课巩同作真一二三四五六七八九十"
_CANDIDATE = re.compile(rf"^(?:{_PREFIX}[【\[〖（(]?[ \t]*[{_FIRST}]|[ \t]*#)", re.MULTILINE)
"""What a line with a label can begin with: sorts out nearly all lines of prose before the patterns are tried."""

_FENCE = re.compile(r"^[ \t]{0,3}```", re.MULTILINE)
_PATTERNS = tuple((kind, re.compile(_PREFIX + label)) for kind, label in _LABELS)

_INLINE = re.compile(
    r"(?<=[。．.；;）)\]】!?$\s])[ \t]*(?:"
    r"【(?P<zs>解析|解答|分析|详解)】|【(?P<za>答案|参考答案)】|【(?P<zh>点评|考点)】"
    r"|(?P<zs2>解析|解答)[:：]|(?P<za2>参考答案|正确答案|答案)[:：]"
    r"|(?P<es>Solution|Explanation)[:：]|(?P<ea>(?:Correct |Final )?Answer)[:：])[ \t]*"
)
_INLINE_KINDS = {"zs": Kind.SOLUTION, "zs2": Kind.SOLUTION, "es": Kind.SOLUTION}
_INLINE_KINDS |= {"za": Kind.ANSWER, "za2": Kind.ANSWER, "ea": Kind.ANSWER, "zh": Kind.HINT}
_QED = re.compile(
    r"∎|[□■◻](?=[ \t]*(?:\n|$))|\$[ \t]*\\(?:blacksquare|square|Box|qed)[ \t]*\$"
    r"|\\(?:blacksquare|qed)\b|Q\.E\.D|证毕|證畢"
)
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+(?![-+$€£￥]{0,2}[0-9][0-9.,/:]*%?[ \t]*(?:\n|\Z))\S")
"""A heading; "#### 72" is the answer line of a solution."""


def find_markers(text: str) -> list[Marker]:
    """Find the markers of a text, in order; those inside fenced code do not count."""
    markers = {marker.start: marker for marker in _inline(text)}
    for match in _CANDIDATE.finditer(text):
        marker = _at_line_start(text, match.start())
        if marker is not None:
            markers[marker.start] = marker
    fences = [match.start() for match in _FENCE.finditer(text)]
    ordered = [m for m in sorted(markers.values()) if not bisect_right(fences[: len(fences) // 2 * 2], m.start) % 2]
    return [m for i, m in enumerate(ordered) if i == 0 or m.start >= ordered[i - 1].end]


def end_of_proof(text: str, start: int, end: int) -> int:
    """Return where a solution in text[start:end] ends by its own sign (∎, 证毕), the sign left out, or `end`."""
    match = _QED.search(text, start, end)
    return match.start() if match else end


def _at_line_start(text: str, start: int) -> Marker | None:
    for kind, pattern in _PATTERNS:
        match = pattern.match(text, start)
        if match and match.end() > start:
            number = match["n"] if "n" in pattern.groupindex else None
            return Marker(start, match.end(), kind, number and chinese_to_arabic(number.replace("．", ".")))
    if _HEADING.match(text, start):
        return Marker(start, start, Kind.STOP)
    return None


def _inline(text: str) -> Iterator[Marker]:
    for match in _INLINE.finditer(text):
        group = str(match.lastgroup)
        yield Marker(match.start(), match.end(), _INLINE_KINDS[group])


def chinese_to_arabic(number: str) -> str:
    """Turn "十二" into "12" (up to 99); other strings stay as they are."""
    digits = "零一二三四五六七八九"
    if not number or any(c not in digits + "十" for c in number):
        return number
    tens, ten, ones = number.partition("十")
    if not ten:
        return "".join(str(digits.index(c)) for c in number)
    return str((digits.index(tens) if tens else 1) * 10 + (digits.index(ones) if ones else 0))
