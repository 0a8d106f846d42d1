"""What is wrong with a model's reply whatever was asked: it refuses, is cut off, thinks aloud, or shows its form.

A refusal is told by how the text begins, and only where the form that was asked for is missing, since a good answer may
begin with "I'm sorry, my earlier …".
"""

import re
from collections.abc import Callable
from typing import TypeVar

from mathmill.core.answers import stated_answer
from mathmill.core.request import Completion
from mathmill.curation.synthesis.prompts import LANGUAGES
from mathmill.curation.synthesis.script import Rejected, Row
from mathmill.curation.synthesis.tags import Malformed

REFUSAL, TRUNCATED, MALFORMED = "refusal", "truncated", "malformed"
"""Reasons that every method has."""

Parsed = TypeVar("Parsed")

_REFUSAL = re.compile(
    r"[\s\"'*>#]*(?:(?:I[’']?m|I am|We[’']?re|We are)?\s*(?:very |so |really )?(?:sorry|afraid)\b"
    r"|(?:unfortunately,?\s*|however,?\s*|but\s*)?I\s*(?:cannot|can[’']?t|can not|could not|couldn[’']?t|won[’']?t"
    r"|will not|(?:am|[’']m)\s*(?:not able|unable))\b"
    r"|(?:unfortunately|as an? (?:AI|language model|artificial|large language))\b"
    r"|my apologies|apologies[,.]|I apologi[sz]e"
    r"|(?:非常|很|十分|真的)?(?:抱歉|对不起|遗憾|不好意思)|作为(?:一个|一名|一款)?(?:AI|人工智能|语言模型|大?语言模型)"
    r"|(?:这个问题|该问题|此题|这道题|本题)?(?:我|我们)?(?:暂时|目前|现在)?(?:无法|不能够?|没有办法|没法|不会)"
    r"(?:回答|解答|完成|提供|处理|帮|解决|满足|协助|给出|继续|为你|为您))",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"<[/\\]?\s*(?:response|solution\s*\d*|question\s*\d*|statement|check\s*\d*|reason|step|correction|answer|think)\s*>",
    re.IGNORECASE,
)
_WIDE = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_WORD_CHARACTER = re.compile("[A-Za-z\u3400-\u9fff\uf900-\ufaff]")


def is_refusal(text: str) -> bool:
    """Whether a reply begins like a refusal ("I cannot help", 抱歉，我无法…)."""
    return _REFUSAL.match(text) is not None


def has_form(text: str) -> bool:
    """Whether a text that should be plain still holds one of the tags that prompts ask for."""
    return _FORM.search(text) is not None


def without_thinking(text: str) -> str | None:
    """What a model says after thinking aloud in `<think>` tags; None where it never came to an end."""
    start = text.rfind("</think>")
    if start >= 0:
        return text[start + len("</think>") :].strip()
    return None if "<think>" in text else text.strip()


def read_sample(reply: Completion, sample: int) -> str | Rejected:
    """The text of one sample, or why there is none: it was cut off, or refuses."""
    text = without_thinking(reply.texts[sample])
    if text is None or reply.finish_reasons[sample] == "length":
        return Rejected(TRUNCATED, _end_of(reply.texts[sample]))
    return text


def read_form(reply: Completion, parse: Callable[[str], Parsed], sample: int = 0) -> Parsed | Rejected:
    """What `parse` reads in a sample, or why it cannot: cut off, a refusal, or its Malformed."""
    text = read_sample(reply, sample)
    if isinstance(text, Rejected):
        return text
    try:
        return parse(text)
    except Malformed as error:
        return Rejected(REFUSAL, text) if is_refusal(text) else Rejected(MALFORMED, str(error))


def known_answer(row: Row) -> str | None:
    """The answer of a problem: the stated one, else the one that its solution states.

    What is called answer and holds a whole solution ("… #### 72", as in GSM8K's own files) is read like one.
    """
    answer = (row["answer"] or "").strip()
    if "####" in answer or "\n" in answer:
        answer = stated_answer(answer) or answer
    return answer or stated_answer(row["solution"] or "") or None


def language(row: Row) -> str:
    """The language of a problem's prompt, "en" or "zh": the row's, else told by its characters."""
    stated = row["lang"]
    if stated in LANGUAGES:
        return str(stated)
    return "zh" if stated is None and chinese_share(row["question"]) > 0.2 else "en"


def chinese_share(text: str) -> float:
    """The share of Chinese characters among letters, 0 to 1."""
    letters = len(_WORD_CHARACTER.findall(text))
    return len(_WIDE.findall(text)) / letters if letters else 0.0


def _end_of(text: str) -> str:
    return f"… {text[-80:]}" if len(text) > 80 else text
