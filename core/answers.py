r"""Find the final answer that a solution states, and decide whether two answers are the same.

`find_answer` reads what solutions and models write: `\boxed{…}`, `#### …`, "The answer is …", 答案是…, 故选…, a choice.
`is_equivalent` compares answers as values (`answer_values`, `answer_equality`): exact rational numbers, intervals,
sets, tuples, ratios, quantities, choices; formulas by their values at points (`answer_points`). Nothing is evaluated as
code, no float is compared, and every step is bounded, so that hostile answers cost little.
"""

import re
from typing import NamedTuple

from mathmill.core.answer_equality import Comparison
from mathmill.core.answer_values import plain_answer, read_value
from mathmill.core.mathtext import find_formulas

MAX_ANSWER_CHARS = 300
"""What follows a phrase such as "the answer is" is cut there; a box may hold more."""


MAX_SECONDS = 2.6
"""How long `is_equivalent` waits for math-verify by the clock, with the start of its process."""


class AnswerSpan(NamedTuple):
    """A final answer: where its value stands (`text[start:end]`), and the value without delimiters and nested boxes."""

    start: int
    end: int
    value: str


def extract_answer(text: str) -> str | None:
    """Return the final answer of a model's reply or of a solution, None where it gives none.

    As `stated_answer`, but what stands in `<think>` tags does not count, and a last sentence such as "So there are 5
    left." does.
    """
    start = text.rfind("</think>")
    if start < 0 and "<think>" in text:
        text = text[: text.index("<think>")]  # cut off while thinking
    text = text[start + len("</think>") :] if start >= 0 else text
    span = find_answer(text) or _find_concluded(text)
    return None if span is None else span.value


def stated_answer(text: str) -> str | None:
    """Return the final answer that a text marks or announces: for crawled text."""
    span = find_answer(text)
    return None if span is None else span.value


def find_answer(text: str) -> AnswerSpan | None:
    r"""Find the final answer with its place in the text.

    The last `\boxed` or `####` wins; else the last phrase that announces an answer or a choice; else a text that is
    nothing but a number, a formula or a choice letter is the answer itself.
    """
    marked = [span for span in (_find_boxed(text), _find_hashes(text)) if span is not None]
    if marked:
        return max(marked, key=lambda span: span.start)
    return _find_announced(text) or _find_bare(text)


def normalise_answer(answer: str) -> str:
    """Return a canonical spelling of an answer: equal for answers that differ in notation alone, for exact look-ups."""
    return plain_answer(answer)


def is_equivalent(prediction: str, gold: str) -> bool:
    """Decide whether a predicted answer is the gold one; symmetric, in bounded time, from any thread.

    Our rules decide where they can (`same_by_rules`); what they cannot read is left to math-verify in a child process
    (`grading`). What was decided over arguable pairs stands in docs/grading.md.
    """
    if not prediction.strip() or not gold.strip():
        return False
    comparison = Comparison()
    if comparison.are_equal(read_value(prediction), read_value(gold)):
        return True
    if comparison.decided:
        return False
    from mathmill.core.grading import ask_math_verify  # starts a process; most users of this module never need one

    return ask_math_verify(prediction, gold, seconds=MAX_SECONDS).guarded


def same_by_rules(prediction: str, gold: str) -> bool:
    """`is_equivalent` without math-verify: our own rules alone, in this process."""
    if not prediction.strip() or not gold.strip():
        return False
    return Comparison().are_equal(read_value(prediction), read_value(gold))


_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\b\s*")
_BRACE = re.compile(r"\\[\s\S]|[{}]")
_CONNECTION = re.compile(r"[\s,;$.、，；]*(?:and|or|\\text\{\s*(?:and|or)\s*\}|或|和|与)?[\s,;$、，；]*")


def _find_boxed(text: str) -> AnswerSpan | None:
    """The last box; boxes joined by "and", "or" or a comma are one answer."""
    if "box" not in text:
        return None
    boxes = _outermost_boxes(text)
    if not boxes:
        return None
    first = len(boxes) - 1
    while first and _CONNECTION.fullmatch(text, boxes[first - 1][3], boxes[first][2]):
        first -= 1
    values = dict.fromkeys(_without_boxes(text[start:end]) for start, end, _, _ in boxes[first:])
    value = ", ".join(value for value in values if value)
    return AnswerSpan(boxes[first][0], boxes[-1][1], value) if value else None


def _outermost_boxes(text: str) -> list[tuple[int, int, int, int]]:
    """Boxes that lie in no other, not empty: start and end of the content, start and end of the whole command."""
    first = _BOX.search(text)
    if first is None:
        return []
    closing = _closing_braces(text, first.start())
    boxes: list[tuple[int, int, int, int]] = []
    position = 0
    for match in _BOX.finditer(text):
        start = match.end()
        if match.start() < position or start >= len(text):
            continue
        if text[start] == "{":
            end = closing.get(start, -1)
            box = _unclosed(text, start + 1) if end < 0 else (start + 1, end, end + 1)
        else:  # \boxed 5
            end = start
            while end < len(text) and not text[end].isspace() and text[end] not in "$.,;":
                end += 1
            box = (start, end, end)
        if text[box[0] : box[1]].strip():
            boxes.append((box[0], box[1], match.start(), box[2]))
            position = box[2]
    return boxes


def _closing_braces(text: str, start: int = 0) -> dict[int, int]:
    """Where each brace from `start` on is closed, in one pass."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACE.finditer(text, start):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            closing[opened.pop()] = match.start()
    return closing


def _unclosed(text: str, start: int) -> tuple[int, int, int]:
    """A box that a cut-off text leaves open holds the rest of its line or formula."""
    match = re.compile(r"[^\n$]{0,200}").match(text, start)
    end = match.end() if match else start
    return start, end, end


def _without_boxes(content: str) -> str:
    """Boxes inside the content of a box leave what they hold."""
    if len(content) > 2_000:
        return ""
    while (match := _BOX.search(content)) is not None:
        rest = content[match.end() :]
        end = _closing_braces(rest).get(0, -1) if rest.startswith("{") else -1
        inner = rest[1:end] + rest[end + 1 :] if end > 0 else rest.removeprefix("{")
        content = content[: match.start()] + inner
    return content.strip()


_HASHES = re.compile(r"^####[ \t]*([^\n]{1,100}?)[ \t\r.]*$", re.MULTILINE)
_SHORT_VALUE = re.compile(r"[-+−]?\s*(?:US)?[$€£¥￥]?\s*[-+−]?[\d.][\d.,/: ]*%?|[A-J]|[-+(\[{]?\s*(?:\\|\$)[^\n]*")


def _find_hashes(text: str) -> AnswerSpan | None:
    """GSM8K's last line; "#### Step 2" is a Markdown heading, not an answer."""
    if "####" not in text:
        return None
    last = None
    text_end = len(text.rstrip())
    for match in _HASHES.finditer(text):
        if _SHORT_VALUE.fullmatch(match[1]) or match.end() >= text_end:
            last = match
    if last is None or re.match(r"(?:step|case|part|solution|answer|解|步骤)\b", last[1], re.IGNORECASE):
        return None
    return _trimmed(text, last.start(1), last.end(1))


_ANNOUNCEMENT = re.compile(
    r"(?:final|correct|right|best)?\s?\b(?:answer|option|choice)s?\b"
    r"(?:\s(?:to|for|of)\s[^.\n:：]{1,60}?)?\s?\**\s?"
    r"(?:is|are|was|should be|must be|would be|equals|=|[:：∶])\**(?:\s?[:：∶])?"
    r"|\b(?:we|i) (?:choose|pick|select)\b(?: (?:option|answer|choice))?"
    r"|(?:故|则|因此|所以)?(?:正确|最终|参考)?(?:答案|选项)(?:应该|应当|应)?(?:就?是|为|[:：∶])[:：∶]?"
    r"|(?:故应?选|应选|所以选择?|因此选择?|本题选|故答案选|答案选|正确选项是|故选择|因而选择?)(?:项|择|答案)?(?:为|[:：∶])?"
    r"|(?:(?<=\n)|\A|(?<=[\s。．.；;，]))答\s?[:：∶]"
    r"|【(?:参考|标准)?答案】|(?<![\u3400-\u9fff])选(?:项)?[:：]?(?=\s*[(（$]*[A-J])|选项(?=\s*[A-J]\s*(?:是)?正确)"
    r"|(?:(?<=\n)|\A)[#* \t]*final answer[*: \t]*(?=\n)",
    re.IGNORECASE,
)
_ANNOUNCING = ("answer", "option", "choice", "choose", "pick", "select", "答", "选", *"ıſ\u0307")
"""Every announcement, in lower case, holds one of these; the last three are how odd spellings of i and s come out."""
_CHOICE = re.compile(
    r"[\s*_]*(?:[Oo]ption|OPTION|[Cc]hoice|CHOICE|选项)?[\s$]*(?:[(（]\s*(?=\$))?[\s$]*"
    r"(?:\\(?:text|textbf|mathrm|mathbf|rm)\s?\{?)?\s*"
    r"(?P<open>[(（\[]?)\s*(?P<letters>[A-J](?:\s?[,，、]?\s?[A-J]){0,5})\s?[)）\]}$]*"
    r"(?P<after>[$*_.。．,，;；:：选项\\【\n]|\s|$)"
)
_NO_ANSWER = re.compile(
    r"\s*\**(?:not\b|unknown|unclear|unavailable|cannot|can't|can ?not|impossible to|as follows|given by|below"
    r"|n/a|none given"
    r"|无法|不能|未知|不确定|略|如下)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(
    r"\n|[.!?;](?=\s|\*|$)|[。！？．](?!\d)|；(?![\d第(（$\\\[①-⑩-])"
    r"|[,，]?\s(?:because|since|which|so that|where)\b|I hope"
)
_AFTER_VALUE = ".,;:。，；．!\n*)）"
_NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?(?:\s?[/:]\s?\d+(?:\.\d+)?)?\s?[%％]?")


def _find_announced(text: str) -> AnswerSpan | None:
    """What the last phrase with an answer behind it announces."""
    lowered = text.lower()
    if not any(word in lowered for word in _ANNOUNCING):  # searching with the pattern takes 30 times as long
        return None
    for match in reversed(list(_ANNOUNCEMENT.finditer(text))):
        span = _read_announced(text, match.end(), is_choice="选" in match[0], is_sentence=match[0].startswith("答"))
        if span is not None:
            return span
    return None


def _read_announced(text: str, position: int, is_choice: bool, is_sentence: bool) -> AnswerSpan | None:
    while position < len(text) and (text[position].isspace() or text[position] in "*:：∶_`"):
        position += 1
    tail = text[position : position + MAX_ANSWER_CHARS]
    if not tail or _NO_ANSWER.match(tail):
        return None
    choice = _CHOICE.match(tail)
    if choice is not None and (choice["after"] or choice.end() == len(tail)) and not _is_article(tail, choice):
        start = position + choice.start("letters")
        return AnswerSpan(start, position + choice.end("letters"), choice["letters"].strip())
    if is_choice and not tail[0].isdigit():
        return None
    formulas = find_formulas(tail)
    if formulas and formulas[0].start == 0 and not is_sentence:
        end = _end_of_list(tail, [(formula.start, formula.end) for formula in formulas])
        following = tail[end:].lstrip()
        if not following or following[0] in _AFTER_VALUE or following[0].isalpha():
            return _result(text, _trimmed(text, position, position + end))
    end = _end_of_sentence(tail, [(formula.start, formula.end) for formula in formulas])
    if is_sentence:
        return _only_value(text, position, position + end)
    return _result(text, _trimmed(text, position, position + end))


def _end_of_list(tail: str, formulas: list[tuple[int, int]]) -> int:
    """Where "$x=2$ or $x=3$." ends; a list that a sentence goes on from is none ("$5$ and $x$ is …")."""
    end = formulas[0][1]
    for start, stop in formulas[1:]:
        if not tail[end:start].strip() or not _CONNECTION.fullmatch(tail, end, start):
            break
        end = stop
    following = tail[end:].lstrip()
    return end if not following or following[0] in _AFTER_VALUE else formulas[0][1]


def _result(text: str, span: AnswerSpan | None) -> AnswerSpan | None:
    """Of a calculation such as `52+35=87` the right-hand side."""
    if span is None or "=" not in span.value or re.search("[A-Za-z\u3400-\u9fff]", span.value):
        return span
    return _trimmed(text, span.start + span.value.rindex("=") + 1, span.end)


def _is_article(tail: str, choice: re.Match[str]) -> bool:
    """Whether the letter begins a phrase or formula ("the answer is A triangle", `A = 3`) and is in no brackets."""
    if choice["open"] or not choice["after"].isspace():
        return False
    return re.match(r"[^\S\n]*[a-z0-9=+\-*/<>^(\\]", tail[choice.end("letters") :]) is not None


def _end_of_sentence(tail: str, formulas: list[tuple[int, int]]) -> int:
    for match in _SENTENCE_END.finditer(tail):
        if not any(start <= match.start() < end for start, end in formulas):
            return match.start()
    return len(tail)


def _only_value(text: str, start: int, end: int) -> AnswerSpan | None:
    """答：还剩 $2$ 吨 gives 2: the one number or formula of the sentence; else the whole sentence."""
    return _single_value(text, start, end) or _trimmed(text, start, end)


def _single_value(text: str, start: int, end: int) -> AnswerSpan | None:
    sentence = text[start:end]
    values = [(formula.start, formula.end) for formula in find_formulas(sentence)]
    outside = [match.span() for match in _NUMBER.finditer(sentence)]
    values += [span for span in outside if not any(first <= span[0] < last for first, last in values)]
    if len(values) == 1:
        return _trimmed(text, start + values[0][0], start + values[0][1])
    return None


_BARE = re.compile(r"[-+−]?[$￥]?\d[\d.,/:]*\s?%?|[(（]?(?P<letter>[A-J])[)）]?[.。]?")


def _find_bare(text: str) -> AnswerSpan | None:
    """A text that is nothing but a value."""
    stripped = text.strip()
    if not stripped or len(stripped) > 100:
        return None
    formulas = find_formulas(stripped) if stripped[0] in "$\\" else []
    whole = len(formulas) == 1 and formulas[0][:2] == (0, len(stripped.rstrip(".。")))
    bare = _BARE.fullmatch(stripped)
    if not whole and bare is None:
        return None
    start = text.index(stripped)
    if bare is not None and bare["letter"]:
        return AnswerSpan(start + bare.start("letter"), start + bare.end("letter"), bare["letter"])
    span = _trimmed(text, start, start + len(stripped))
    return None if span is None or _is_calculation(span.value) else span


def _is_calculation(value: str) -> bool:
    """Whether a formula is a step (`2+3=5`) or a result (`x=5`, 5)."""
    return "=" in value and re.match(r"\s*[A-Za-z](?:_\{?\w+\}?)?\s*=[^=]*$", value) is None


_RESULT_LINE = re.compile(r"(?:^|\n)[ \t$]*=[ \t]*(?P<value>[^\n=]{1,60}?)[ \t$.。]*\Z")
_CONCLUSION = re.compile(
    r"(?:\A|(?<=[\n。．，,;；])|(?<=[.!?]\s))\s*(?:所以|因此|因而|故|综上(?:所述)?"
    r"|(?:So|Thus|Therefore|Hence|In total)\b)"
)
_EQUATES = re.compile(r"(?:为|是|等于|\bis|\bare|\bequals|\bof)[:：]?\s*(?=[^为是]*$)")
_ENDED = re.compile(r"[.。．!！$]\s*\Z")


def _find_concluded(text: str) -> AnswerSpan | None:
    """A last line `= 5`; or the one value of a last sentence that begins with "so" or 所以 and is not cut off."""
    text = text.rstrip()
    if (match := _RESULT_LINE.search(text, max(0, len(text) - 100))) is not None:
        return _trimmed(text, match.start("value"), match.end("value"))
    if not _ENDED.search(text):
        return None
    line = max(text.rfind("\n") + 1, len(text) - MAX_ANSWER_CHARS)
    match = next(reversed(list(_CONCLUSION.finditer(text, line))), None)
    if match is None:
        return None
    formulas = find_formulas(text[match.end() :])
    start, end = match.end(), match.end() + _end_of_sentence(text[match.end() :], [(f.start, f.end) for f in formulas])
    if text[end:].strip(" .。．!！$"):
        return None  # sentences follow
    if (equates := _EQUATES.search(text, start, end)) is not None and find_formulas(text[equates.end() : end]):
        start = equates.end()
    return _single_value(text, start, end)


_EDGES = " \t\r\n*_`"
_DELIMITERS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"))


def _trimmed(text: str, start: int, end: int) -> AnswerSpan | None:
    """A span without white space, Markdown marks, closing punctuation and formula delimiters around the value."""
    while start < end and text[start] in _EDGES:
        start += 1
    while start < end and text[end - 1] in _EDGES + ".,;:。，；：．!" and not text[start:end].endswith("..."):
        end -= 1
    for opener, closer in _DELIMITERS:
        inner = text[start + len(opener) : end - len(closer)]
        if (
            text.startswith(opener, start)
            and text[start:end].endswith(closer)
            and inner.strip()
            and closer not in inner
        ):
            return _trimmed(text, start + len(opener), end - len(closer))
    return AnswerSpan(start, end, text[start:end]) if start < end else None
