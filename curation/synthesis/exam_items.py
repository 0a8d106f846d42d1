r"""What exam items have that open questions have not: options with letters, and blanks to fill in.

Options are read where they come in order from A on, on lines of their own or in one line, behind `A.`, `A、`, `(A)` or
`A:`. Blanks are lines of underscores, `\underline{\qquad}` and empty brackets. Numbers are compared as multisets.
"""

import re
import unicodedata
from collections import Counter
from typing import NamedTuple

from mathmill.core.mathtext import find_formulas

_LABEL = re.compile(r"(?:^|(?<=[\s。．;；$)）\]]))(?:[(（]\s*([A-H])\s*[)）]|([A-H])\s*[.．、:：)）])\s*")
_BLANK = re.compile(
    r"_{2,}|\\_(?:\\_)+|\\(?:underline|text)\s*\{[\\\s~]*(?:(?:qquad|quad|hspace\{[^}]*\}|_)[\\\s~]*)*\}"
    r"|[(（](?:\s|\\quad|\\qquad|\\,|~|\$|\u3000)*[)）]|▲|＿+"
)
_CHOOSES = re.compile(
    r"which (?:one )?of the (?:following|options)|下列|以下(?:哪|选项|说法|结论|四个)|选项", re.IGNORECASE
)
_ITEM_MARKS = re.compile(
    r"\A\s*(?:第?\s*\d{1,3}\s*题?\s*[.．、)）:：]|[(（]\s*\d{1,3}\s*[)）])\s*(?!\d)|[(（]\s*(?:本题|本小题|满分)?\s*\d+\s*(?:分|points?|marks?)\s*[)）]"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORDS = re.compile(r"\\(?:text|mathrm|textbf|mbox|textit)\s*\{[^{}]*\}|[\u3400-\u9fff]")
_FILLING = re.compile(r"\\(?:left|right|displaystyle|,|;|!|quad|qquad|limits)(?![a-zA-Z])|[\s$]|\\[()\[\]]")


class Item(NamedTuple):
    """A multiple-choice item. options: text by letter; {} where there are none."""

    stem: str
    options: dict[str, str]


def read_item(question: str) -> Item:
    """Take a question apart; a question without options in order from A is all stem."""
    labels = [(match[1] or match[2], match.start(), match.end()) for match in _LABEL.finditer(question)]
    first = max((i for i, (letter, _, _) in enumerate(labels) if letter == "A"), default=None)
    if first is None:
        return Item(question, {})
    run = [labels[first]]
    for label in labels[first + 1 :]:
        if label[0] == chr(ord(run[-1][0]) + 1):
            run.append(label)
    if len(run) < 2:
        return Item(question, {})
    ends = [start for _, start, _ in run[1:]] + [len(question)]
    options = {letter: _clean(question[after:end]) for (letter, _, after), end in zip(run, ends, strict=True)}
    if not all(options.values()):
        return Item(question, {})
    return Item(question[: run[0][1]].rstrip(), options)


def has_blank(question: str) -> bool:
    """Whether there is something to fill in."""
    return _BLANK.search(question) is not None


def is_item(question: str) -> bool:
    """Whether a question has options, blanks or asks to choose."""
    return bool(read_item(question).options) or has_blank(question) or _CHOOSES.search(question) is not None


def numbers(text: str) -> Counter[str]:
    """The numbers of a text with how often each comes: without separators of thousands, item numbers and points."""
    text = unicodedata.normalize("NFKC", _ITEM_MARKS.sub(" ", text))
    text = re.sub(r"(?<=\d)(?:,|\{,\}|\\,)(?=\d{3}(?!\d))", "", text)
    return Counter(str(int(n)) if n.isdigit() else n.rstrip("0").rstrip(".") for n in _NUMBER.findall(text))


def formulas(text: str) -> Counter[str]:
    """The formulas of a text with how often each comes, without delimiters, spaces and words in them."""
    found = (text[span.start : span.end] for span in find_formulas(text))
    plain = (_FILLING.sub("", _WORDS.sub("", unicodedata.normalize("NFKC", formula))) for formula in found)
    return Counter(formula for formula in plain if formula)


def differences(before: Counter[str], after: Counter[str]) -> str:
    """What one has more of than the other, for people; empty where they are equal."""
    gone, new = before - after, after - before
    return ", ".join([*(f"lost {item}" for item in gone.elements()), *(f"new {item}" for item in new.elements())])


def _clean(option: str) -> str:
    return option.strip().rstrip(";；,，").removesuffix("\\\\").strip()
