"""Answers in words with one meaning and several spellings: yes, no, no solution, all real numbers, dates, hours."""

import re
from typing import Any

_SPELLINGS = {
    "yes": "yes|true|correct|正确|对|是|是的|√|✓|✔|真|真命题",
    "no": "no|false|incorrect|wrong|错误|错|否|不是|不正确|不对|×|✗|✘|假|假命题",
    "none": "no solution|no solutions|no real solution|no real solutions|there is no solution|there are no solutions"
    "|no real roots|无解|方程无解|无实数解|无实根|无实数根|没有实数根|空集|empty set|∅|{}|\\{\\}|∅ (empty set)",
    "missing": "does not exist|doesn't exist|dne|不存在",
    "reals": "all real numbers|all reals|the set of real numbers|全体实数|一切实数|任意实数|实数集|ℝ|\\mathbb{r}",
    "∞": "infinity|positive infinity|正无穷|正无穷大|无穷大|+∞|∞",
    "-∞": "negative infinity|-infinity|负无穷|负无穷大|-∞",
}
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split("|")}
_LONGEST = max(map(len, _NAMES))

_WEEKDAY = re.compile(r"(?:星期|周|礼拜)([一二三四五六日天])")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sep sept", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:\s*,\s*|\s+)?(\d{4})?")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?\s+([A-Za-z]{3,9})\.?(?:\s*,\s*|\s+)?(\d{4})?")
_CHINESE_DATE = re.compile(r"(?:(\d{4})\s*年\s*)?(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*([ap])\.?\s?m\.?", re.IGNORECASE)


def read_words(text: str) -> tuple[Any, ...] | None:
    """Read a cleaned answer as ("word", name), ("date", year, month, day), ("clock", hour, minute, "a" or "p")."""
    if len(text) > _LONGEST + 3:
        return None
    name = _NAMES.get(text.casefold().strip(" .!'\""))
    if name is not None:
        return ("word", name)
    if "\\" in text:
        return None
    if match := _WEEKDAY.fullmatch(text):
        return ("word", _WEEKDAYS[min("一二三四五六日天".index(match[1]), 6)])
    if text.casefold() in _WEEKDAYS:
        return ("word", text.casefold())
    if match := _CLOCK.fullmatch(text):
        return ("clock", int(match[1]), int(match[2] or 0), match[3].lower())
    if match := _CHINESE_DATE.fullmatch(text):
        return ("date", match[1] or "", int(match[2]), int(match[3]))
    if (match := _MONTH_FIRST.fullmatch(text)) and match[1].lower() in _MONTHS:
        return ("date", match[3] or "", _MONTHS[match[1].lower()], int(match[2]))
    if (match := _DAY_FIRST.fullmatch(text)) and match[2].lower() in _MONTHS:
        return ("date", match[3] or "", _MONTHS[match[2].lower()], int(match[1]))
    return None
