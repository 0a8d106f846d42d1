r"""Read the tagged parts of what a model wrote, strictly: every part that was asked for, once, in order.

Models close tags in several ways; `</check>`, and the `<\check>` of the paper, are taken. What is missing, doubled, out
of order or left open makes the whole answer `Malformed`: half an answer is not half right.
"""

import re
from collections.abc import Sequence
from functools import lru_cache


class Malformed(ValueError):
    """An answer that lacks the form asked for; says how."""


def read_tags(text: str, names: Sequence[str], optional: Sequence[str] = ()) -> dict[str, str]:
    """Return the content of each tag, stripped; of `optional` ones only those that are there. Raises Malformed.

    names: in the order in which the tags must come, the optional ones among them. What stands around the tags is
    passed over: models like to greet.
    """
    found: dict[str, str] = {}
    end = 0
    for name in names:
        pattern = _pattern(name)
        matches = list(pattern.finditer(text))
        if not matches:
            if name in optional and not re.search(rf"<[/\\]?\s*{name}\s*>", text, re.IGNORECASE):
                continue
            raise Malformed(f"<{name}> is missing or left open")
        if len(matches) > 1:
            raise Malformed(f"<{name}> comes {len(matches)} times")
        if matches[0].start() < end:
            raise Malformed(f"<{name}> comes too early")
        content = matches[0][1].strip()
        if not content:
            raise Malformed(f"<{name}> is empty")
        if any(re.search(rf"<[/\\]?\s*{other}\s*>", content, re.IGNORECASE) for other in names):
            raise Malformed(f"<{name}> holds another tag")
        found[name] = content
        end = matches[0].end()
    return found


def read_word(text: str, words: Sequence[str]) -> str:
    """The one of `words` that a tag's content begins with, without regard to case. Raises Malformed."""
    for word in words:
        if re.match(rf"{re.escape(word)}(?![a-z])", text.strip(" \t\n\"'*.[](){}`"), re.IGNORECASE):
            return word
    raise Malformed(f"{text[:40]!r} is none of {', '.join(words)}")


@lru_cache(maxsize=256)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"<\s*{name}\s*>(.*?)<\s*[/\\]\s*{name}\s*>", re.DOTALL | re.IGNORECASE)
