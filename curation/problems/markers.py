"""The words that announce a problem, its solution and its answer, in English and Chinese.

Most markers count only at the start of a line and only with the punctuation of a label ("Problem 3.", "例 2："), so
that "Example 3 shows that" and "例如" stay prose. Patterns are anchored and bounded: hostile text costs linear time.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple, TypeAlias


class Kind(Enum):
    """What a marker announces."""

    PROBLEM = "problem"
    EXAMPLE = "example"  # a problem where it asks something or is solved, otherwise an illustration
    ITEM = "item"  # a bare number: "12."
    SUBITEM = "subitem"  # a number in brackets, "(2)": a part of a question, or an item where none is open
    SOLUTION = "solution"
    ANSWER = "answer"
    REPLY = "reply"  # "A:", which answers a "Q:"
    HINT = "hint"
    CONCLUSION = "conclusion"  # "答：…" at the end of a worked solution, or an answer of its own
    KEY = "key"  # a heading alone on its line that may open an answer key: "参考答案"
    EXERCISES = "exercises"  # a heading under which numbered items are problems
    SECTION = "section"  # a heading within a paper, under which numbering begins anew: "Part B"
    END = "end"  # the part that was being read ends here; another part of the same problem may follow
    STOP = "stop"  # the problem that was being read ends here


class Marker(NamedTuple):
    """A label `text[start:end]` and what it announces; its part of the text begins at `end`."""

    start: int
    end: int
    kind: Kind
    number: str | None = None


_Labels: TypeAlias = tuple[tuple[Kind, str], ...]


def _words(words: str) -> str:
    """Build an alternation of labels, each as given, in capitals and with one capital, longest first."""
    forms = {form for word in words.split("|") for form in (word, word.upper(), word.capitalize())}
    return "(?:" + "|".join(sorted(forms, key=lambda w: (-len(w), w))) + ")"


_BOLD = r"(?:\*{1,3}|_{1,2})?"
_PREFIX = r"[ \t\u3000]*(?:#{1,6}[ \t]+)?(?:[-*+•▶►][ \t]+)?(?:\*{1,3}|_{1,2})?"
_NUMBER = (
    r"(?P<n>[0-9]{1,3}(?:[.\-][0-9]{1,3}){0,3}[a-z]?(?![0-9A-Za-z])|[IVX]{1,5}(?![A-Za-z])"
    r"|\$\\PageIndex\{[0-9]{1,3}\}\$)"
)
_ZH_NUMBER = r"(?P<n>[0-9]{1,3}(?:[.\-．][0-9]{1,3}){0,2}|[一二三四五六七八九十]{1,3})"
_TITLE = r"(?:[ \t]*[(\[（][^()\[\]（）\n]{1,80}[)\]）])?"
_LABEL_END = r"(?:\*{1,3}|_{1,2})?[ \t]*(?:[.:：)\]】]+|[—–-]+[ \t]|(?=\n|$))[ \t]*(?:\*{1,3}|_{1,2})?"
_NUMBERED_END = rf"(?:{_LABEL_END}|(?:\*{{1,3}}|_{{1,2}})|[ \t]+(?=[A-Z$\\“\"(\[（【]))"
_OPEN, _CLOSE = r"[【\[〖（(]?[ \t]*", r"[ \t]*(?:[】\]〗）)][ \t]*[:：]?|[:：]|[.．、]|(?=[ \t\u3000]*(?:\n|$)))"

_PROBLEM = _words(
    "Problem|Exercise|Question|Practice Problem|Task|Checkpoint|Try It|Try It Yourself|Your Turn|Self Check"
    "|Quick Check|Puzzle|Challenge"
)
_EXAMPLE = _words("Example|Worked Example|Instruction|Activity")
_SOLUTION = _words("Solution|Proof|Worked Solution|Explanation|Response|Soln|Sol")
_ANSWER = _words("Final Answer|Correct Answer|Answers|Answer|Ans")
_HINT = _words("Hint|Hints|Remark|Note|Comment|Discussion|Commentary")
_KEY = _words("Answer Key|Solution Key|Answers|Solutions|Answer|Solution|Answers and Solutions|Hints and Answers")
_EXERCISES = _words("Exercises|Problems|Questions|Practice|Review Questions|Problem Set|Homework|Practice Problems")
_STATEMENT = _words("Theorem|Lemma|Proposition|Corollary|Definition|Remark|Algorithm")
_OF_PROBLEM = rf"(?:[ \t]+(?:to|of|for)[ \t]+(?:{_PROBLEM}|{_EXAMPLE})?[ \t]*)?"
_ALONE = r"(?:\*{1,3}|_{1,2})?[ \t\u3000]*(?=\n|$)"

_ZH_PROBLEM = (
    "(?:典型例题|例题|典例|母题|例|习题|练习题|练习|题目|试题|问题|思考题|"
    "变式训练|变式练习|变式|跟踪训练|针对训练|即学即练)"
)
_ZH_NUMBERED_PROBLEM = "(?:典型例题|例题|典例|母题|例|习题|练习|题目|变式训练|变式练习|变式|跟踪训练)"
"""Those that a space may follow: 例 2 求……"""
_ZH_ORIGIN = (
    r"(?:[ \t]*[(（\[【][^()（）\[\]【】\n]{0,40}(?:年|卷|模拟|月考|期中|期末|真题|改编|竞赛|联考|中考|高考)"
    r"[^()（）\[\]【】\n]{0,40}[)）\]】])?"
)
_ZH_SOLUTION = (
    "(?:规范解答|参考解答|满分解答|解答过程|解答|"
    "解析|详解|分析|思路分析|思路点拨|思路|解题过程|解题思路|解法|证法|证明|证|解)"
)
_ZH_ANSWER = "(?:参考答案|正确答案|标准答案|答案)"
_ZH_HINT = (
    "(?:提示|点评|评注|说明|注意|注|备注|总结|小结|反思|考点|知识点|方法总结|方法归纳|规律方法|归纳总结|方法技巧|名师点睛|名师点拨"
    "|易错提醒|易错警示)"
)
_ZH_KEY = "(?:试题|习题|练习|参考|标准)?(?:答案|解答)(?:[与及和](?:试题)?(?:解析|解答|评分标准|提示|详解))?|评分标准"
_ZH_EXERCISES = (
    "(?:(?:课后|巩固|课堂|同步|随堂|综合|强化|基础)?(?:习题|练习|练习题|作业|试题|思考题|真题|训练|检测)|(?:复习|复习参考|自测|检测|测试)题"
    "|练一练|做一做|试一试|达标检测|(?:选择|填空|判断|计算|应用|解答|证明)题)"
)
_ZH_SECTION = "(?:单项|多项|不定项|单)?(?:选择|填空|解答|计算|应用|判断|证明|综合|简答)题?"

_ENGLISH: _Labels = (
    (Kind.KEY, _KEY + r"(?:[ \t]+to[ \t]+[A-Za-z \-]{1,40})?[:.]?" + _ALONE),
    (Kind.EXERCISES, _EXERCISES + r"(?:[ \t]+[0-9.]{1,8})?[:.]?" + _ALONE),
    (
        Kind.SECTION,
        r"(?:Part|PART|Section|SECTION)[ \t]+(?:[A-Z]|[0-9]{1,2}|[IVX]{1,4})(?:[.:—–-][^\n]{0,60})?" + _ALONE,
    ),
    (Kind.SOLUTION, rf"{_SOLUTION}{_OF_PROBLEM}[ \t]*{_NUMBER}?{_TITLE}{_LABEL_END}"),
    (Kind.ANSWER, rf"{_ANSWER}{_OF_PROBLEM}[ \t]*{_NUMBER}?{_BOLD}[ \t]*[.:：]+{_BOLD}"),
    (Kind.REPLY, rf"A(?:[0-9]{{1,3}})?{_BOLD}:{_BOLD}(?=\s)"),
    (Kind.HINT, rf"{_HINT}[ \t]*{_NUMBER}?{_TITLE}{_LABEL_END}"),
    (Kind.STOP, rf"{_STATEMENT}[ \t]+[0-9]{{1,3}}(?:[.\-][0-9]{{1,3}}){{1,3}}{_TITLE}{_LABEL_END}"),
    (Kind.EXAMPLE, rf"{_EXAMPLE}[ \t]*(?:(?:No\.?|#|№)[ \t]*)?{_NUMBER}{_TITLE}{_NUMBERED_END}"),
    (Kind.EXAMPLE, rf"{_EXAMPLE}{_TITLE}{_LABEL_END}"),
    (Kind.PROBLEM, rf"{_PROBLEM}[ \t]*(?:(?:No\.?|#|№)[ \t]*)?{_NUMBER}{_TITLE}{_NUMBERED_END}"),
    (Kind.PROBLEM, rf"{_PROBLEM}{_TITLE}{_LABEL_END}"),
    (Kind.PROBLEM, rf"Q(?P<n>[0-9]{{1,3}})?{_BOLD}[.:]{_BOLD}(?=\s)"),
)
_CHINESE: _Labels = (
    (Kind.KEY, rf"{_OPEN}(?:{_ZH_KEY})[】\]〗）)]?[:：]?{_ALONE}"),
    (Kind.EXERCISES, _ZH_EXERCISES + r"(?:[ \t]*[0-9]{1,2}(?:[.\-][0-9]{1,2}){1,2})?[:：]?" + _ALONE),
    (Kind.EXERCISES, r"[一二三四五六七八九十]{1,2}[、．.][ \t]*" + _ZH_SECTION),
    (Kind.KEY, r"(?:\|[ \t]*)?题号(?=[ \t|0-9]+\n)"),
    (Kind.SOLUTION, rf"{_OPEN}{_ZH_SOLUTION}[ \t]*{_ZH_NUMBER}?{_CLOSE}"),
    (Kind.SOLUTION, r"(?:解|证明|证|解析|解答|详解)[ \t\u3000]+(?=[$\\(（0-9A-Za-z设由因依根如当若令原∵])"),
    (Kind.ANSWER, rf"{_OPEN}{_ZH_ANSWER}[ \t]*(?:[】\]〗）)][ \t]*[:：]?|[:：]|(?=[ \t]*[A-F](?![A-Za-z])))"),
    (Kind.ANSWER, r"(?:参考|正确)?答案[ \t\u3000]+(?=[$\\(（0-9A-Za-z①-⑳-])"),
    (Kind.CONCLUSION, r"答[:：]"),
    (Kind.HINT, rf"{_OPEN}{_ZH_HINT}[ \t]*(?:[】\]〗）)][ \t]*[:：]?|[:：])"),
    (
        Kind.STOP,
        r"(?:定理|引理|推论|命题|定义|性质)[ \t]*[0-9]{1,2}(?:[.\-．][0-9]{1,2}){1,2}(?:[ \t.．:：（(]|$)",
    ),
    (Kind.PROBLEM, r"问[ \t]*(?P<n>[0-9]{1,3})?[:：]"),
    (Kind.PROBLEM, rf"{_OPEN}{_ZH_PROBLEM}[ \t]*{_ZH_NUMBER}?{_TITLE}{_CLOSE}{_ZH_ORIGIN}"),
    (
        Kind.PROBLEM,
        rf"{_OPEN}{_ZH_NUMBERED_PROBLEM}[ \t]*{_ZH_NUMBER}(?:[】\]）)]|[ \t\u3000]+|(?=[（(\[【]))[ \t]*{_ZH_ORIGIN}",
    ),
    (Kind.PROBLEM, rf"{_OPEN}第[ \t]*{_ZH_NUMBER}[ \t]*题{_TITLE}[】\]）)]?[ \t]*[:：.．]?"),
)
_NUMBERED: _Labels = (
    (Kind.ITEM, rf"(?P<n>[0-9]{{1,3}})(?:[.．、)）:：](?![0-9])|[ \t]*[】\]]){_BOLD}[ \t\u3000]*"),
    (Kind.SUBITEM, r"[(（](?P<n>[0-9]{1,2})[)）][ \t\u3000]*(?=[A-Z$\\“\"\u3400-\u9fff])"),
)
"""Tried in this order at the start of each line, those of the script in which it begins."""

_FIRST = (
    "ACDEFHILNPQRSTWY0-9典例习练题试问思变第解详分证参正标答提点评说注备总小反考知课巩同作真满规母跟针即方归易名强随达做定引推命性自综"
    "检测复选填判计应基一二三四五六七八九十"
)
_CANDIDATE = re.compile(rf"^(?:{_PREFIX}[【\[〖（(]?[ \t]*([{_FIRST}])|[ \t]*#|\|[ \t]*(?=题号))", re.MULTILINE)
"""What a line with a label can begin with: sorts out nearly all lines of prose before the patterns are tried."""

_FENCE = re.compile(r"^[ \t]{0,3}```", re.MULTILINE)
_PATTERNS = {
    script: tuple((kind, re.compile(_PREFIX + label)) for kind, label in labels)
    for script, labels in (("english", _ENGLISH), ("chinese", _CHINESE), ("numbered", _NUMBERED))
}

_INLINE = re.compile(
    r"(?<=[。．.；;）)\]】!?！？$\s])[ \t]*(?:"
    r"【(?P<zs>解析|解答|分析|详解|思路点拨|规范解答)】|【(?P<za>答案|参考答案)】|【(?P<zh>点评|考点|方法总结)】"
    r"|(?P<zs2>解析|解答)[:：]|(?P<za2>参考答案|正确答案|答案)[:：]|(?P<zc>答)[:：]"
    r"|(?P<es>Solution|Explanation)[:：]|(?P<ea>(?:Correct |Final )?Answer)[:：])[ \t]*"
)
_ENVIRONMENT = re.compile(
    r"\\(?:(?P<part>begin|end)[ \t]*\{(?P<name>[A-Za-z]{2,12})\*?\}|question(?![a-zA-Z]))"
    r"(?:[ \t]*\[(?P<option>[^\[\]\n]{0,80})\])?(?:[ \t]*\\label\{[^{}\n]{0,60}\})?"
)
_ENVIRONMENT_KINDS = {
    **dict.fromkeys(("problem", "prob", "exercise", "exer", "ex", "question", "xca", "task", "puzzle"), Kind.PROBLEM),
    **dict.fromkeys(("example", "exam", "eg", "exmp", "examplebox"), Kind.EXAMPLE),
    **dict.fromkeys(("solution", "sol", "soln", "proof", "pf", "explanation"), Kind.SOLUTION),
    **dict.fromkeys(("answer", "ans"), Kind.ANSWER),
    **dict.fromkeys(("hint", "remark", "note"), Kind.HINT),
    **dict.fromkeys(("theorem", "thm", "lemma", "lem", "definition", "defn", "corollary", "proposition"), Kind.STOP),
}
"""LaTeX environments, and `\\question` of the class `exam`."""

_INLINE_WORDS: tuple[str, ...] = (
    "答：",
    "答:",
    "解析",
    "解答",
    "答案",
    "析】",
    "解】",
    "点拨】",
    "考点】",
    "点评】",
    "总结】",
)
_INLINE_WORDS += tuple(word + colon for word in ("Solution", "Explanation", "Answer") for colon in ":：")
"""Every inline label holds one of these; searching with the pattern takes a third of the time of all markers."""

_INLINE_KINDS = {"zs": Kind.SOLUTION, "zs2": Kind.SOLUTION, "es": Kind.SOLUTION}
_INLINE_KINDS |= {"za": Kind.ANSWER, "za2": Kind.ANSWER, "ea": Kind.ANSWER, "zh": Kind.HINT, "zc": Kind.CONCLUSION}
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
        marker = _at_line_start(text, match.start(), match[1])
        if marker is not None:
            markers[marker.start] = marker
    if "\\begin{" in text or "\\question" in text:
        markers |= {marker.start: marker for marker in _environments(text)}
    if "<summary" in text:
        markers |= {marker.start: marker for marker in _details(text)}
    fences = [match.start() for match in _FENCE.finditer(text)]
    ordered = [m for m in sorted(markers.values()) if not bisect_right(fences[: len(fences) // 2 * 2], m.start) % 2]
    return [m for i, m in enumerate(ordered) if i == 0 or m.start >= ordered[i - 1].end]


def end_of_proof(text: str, start: int, end: int) -> int:
    """Return where a solution in text[start:end] ends by its own sign (∎, 证毕), the sign left out, or `end`."""
    match = _QED.search(text, start, end)
    return match.start() if match else end


def _at_line_start(text: str, start: int, first: str | None) -> Marker | None:
    script = "chinese" if first is None or not first.isascii() else "numbered" if first.isdigit() else "english"
    for kind, pattern in _PATTERNS[script]:
        match = pattern.match(text, start)
        if match and match.end() > start:
            number = match["n"] if "n" in pattern.groupindex else None
            return Marker(start, match.end(), kind, number and chinese_to_arabic(number.replace("．", ".")))
    if _HEADING.match(text, start):
        return Marker(start, start, Kind.STOP)
    return None


def _environments(text: str) -> Iterator[Marker]:
    for match in _ENVIRONMENT.finditer(text):
        kind = _ENVIRONMENT_KINDS.get(match["name"]) if match["name"] else Kind.PROBLEM
        if kind is not None and match["part"] == "end":
            kind = Kind.STOP if kind is Kind.STOP else Kind.END
        if kind is not None:
            yield Marker(match.start(), match.end(), kind)


_SUMMARY = re.compile(
    r"<details[^<>\n]{0,80}>\s*<summary[^<>\n]{0,80}>[^<>\n]{0,40}?"
    r"(?:(?P<solution>[Ss]olution|[Pp]roof|解析|解答|解|证明)|(?P<answer>[Aa]nswer|答案)|(?P<hint>[Hh]int|提示))"
    r"[^<>\n]{0,40}</summary>|</details>"
)


def _details(text: str) -> Iterator[Marker]:
    """Markdown keeps the HTML of what is shown by a click."""
    for match in _SUMMARY.finditer(text):
        kind = {"solution": Kind.SOLUTION, "answer": Kind.ANSWER, "hint": Kind.HINT}.get(
            match.lastgroup or "", Kind.END
        )
        yield Marker(match.start(), match.end(), kind)


def _inline(text: str) -> Iterator[Marker]:
    if not any(word in text for word in _INLINE_WORDS):
        return
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
