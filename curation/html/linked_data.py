"""Questions that a page states as schema.org JSON-LD: `QAPage`, `Quiz`, practice problems and flashcards.

Question-and-answer sites hand their content to search engines this way, also where the page itself shows it only after
a click or a script. What the visible text lacks is written as HTML with the classes of a question or an exercise, and
takes the same way through the walk as the page, so that formulas and roles come out alike.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape, unescape
from typing import Any

MAX_JSON_BYTES = 1 << 20
MAX_QUESTIONS = 500
_MAX_DEPTH = 12

_SCRIPT = re.compile(rb"<script\b[^>]{0,300}?application/ld\+json[^>]{0,300}>", re.IGNORECASE)
_END = re.compile(rb"</script", re.IGNORECASE)
_MARKUP = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|&(?:#\d+|#x[0-9a-f]+|[a-z]{2,8});", re.IGNORECASE)
_ESCAPED = re.compile(r"&lt;/?(?:p|br|div|span|ul|ol|li|sup|sub|strong|em|b|i|math|img)\b", re.IGNORECASE)
_HOLDERS = frozenset({"qapage", "quiz"})
_LETTERS = "ABCDEFGHIJ"
_INTEGER = re.compile("-?[0-9]{1,12}")


def unstated_questions(source: bytes, text: str) -> bytes:
    """Return an HTML fragment with the questions and answers of a page's JSON-LD that its text does not hold.

    source: a page in UTF-8. text: what was extracted of it. What is no JSON, or too large, is passed over.
    """
    if b"ication/ld+json" not in source or not (questions := _linked_questions(source)):
        return b""
    stated = _letters(text)
    missing = [
        html
        for question, answer, html in questions
        if not (_is_in(question, stated) and (len(_letters(answer)) < _SHORT or _is_in(answer, stated)))
    ]
    return "".join(missing).encode("utf-8", "replace")


_SHORT = 6
"""An answer with fewer letters stands on every page by chance; it is taken as stated where its question is."""


def _is_in(text: str, stated: str) -> bool:
    return _letters(_MARKUP.sub(" ", text))[:80] in stated


def _linked_questions(source: bytes) -> list[tuple[str, str, str]]:
    """Each question, its first answer or the explanation of it, and the HTML of both."""
    found: list[tuple[str, str, str]] = []
    at = 0
    while (start := _SCRIPT.search(source, at)) is not None and (end := _END.search(source, start.end())) is not None:
        at = end.end()
        for question, is_quiz in _questions(_parse(source[start.end() : end.start()]), False, 0):
            fragment = _exercise(question) if is_quiz else _thread(question)
            if fragment is not None and len(found) < MAX_QUESTIONS:
                found.append(fragment)
    return found


def _parse(script: bytes) -> Any:
    if len(script) > MAX_JSON_BYTES:
        return None
    text = script.decode("utf-8", "replace").strip()
    text = text.removeprefix("<!--").removesuffix("-->").removeprefix("//<![CDATA[").removesuffix("//]]>").strip()
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _questions(node: Any, in_quiz: bool | None, depth: int) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield the Question objects inside of a QAPage or Quiz, and whether it is a quiz."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(node, list):
        for item in node:
            yield from _questions(item, in_quiz, depth + 1)
    elif isinstance(node, Mapping):
        types = _types(node)
        if "question" in types:
            yield node, bool(in_quiz) or "eduQuestionType" in node
        elif not types or _HOLDERS & types or depth < 3:
            for name in ("@graph", "mainEntity", "hasPart"):
                if name in node and (name == "@graph" or _HOLDERS & types):
                    yield from _questions(node[name], "quiz" in types, depth + 1)


def _types(node: Mapping[str, Any]) -> set[str]:
    types = node.get("@type")
    names = types if isinstance(types, list) else [types]
    return {name.rpartition("/")[2].lower() for name in names if isinstance(name, str)}


def _exercise(question: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """A question of a quiz: its options, its right answer, the explanation of it."""
    stem = _text(question)
    right = _answers(question.get("acceptedAnswer"))
    if not stem or not right:
        return None
    wrong = _answers(question.get("suggestedAnswer"))
    options = sorted(wrong + right, key=_position) if wrong else []
    listed = "".join(f"<p>{_LETTERS[i]}. {_html(_text(o))}</p>" for i, o in enumerate(options[: len(_LETTERS)]))
    explained = [*_answers(right[0].get("answerExplanation")), *_answers(right[0].get("comment"))]
    hints = "".join(f'<div class="hint">{_html(_text(h))}</div>' for h in _answers(question.get("comment")))
    answer = "; ".join(_html(_text(one)) for one in right)
    solution = f'<div class="solution">{_html(_text(explained[0]))}</div>' if explained and _text(explained[0]) else ""
    parts = f'<div class="statement">{_html(stem)}{listed}</div>{hints}{solution}<div class="answer">{answer}</div>'
    return stem, _text(explained[0]) if explained else _text(right[0]), f'<div class="exercise">{parts}</div>'


def _thread(question: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """A question of a forum: the accepted answer first, the others by their votes."""
    title, body = str(question.get("name") or ""), _text(question)
    accepted = _answers(question.get("acceptedAnswer"))
    others = sorted(_answers(question.get("suggestedAnswer")), key=_votes)
    replies = [("acceptedAnswer", one) for one in accepted] + [("suggestedAnswer", one) for one in others]
    replies = [(name, one) for name, one in replies if _text(one)]
    if not body or not replies:
        return None
    head = "" if not title or _letters(title) in _letters(body) else f"<p>{_html(title)}</p>"
    items = "".join(f'<div itemprop="{name}">{_html(_text(one))}</div>' for name, one in replies)
    whole = (
        f'<div itemscope itemtype="https://schema.org/Question"><div itemprop="text">{head}{_html(body)}</div></div>'
    )
    return body, _text(replies[0][1]), whole + items


def _answers(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [{"text": item} if isinstance(item, str) else item for item in items if isinstance(item, (str, Mapping))]


def _text(node: Mapping[str, Any]) -> str:
    text = node.get("text") or node.get("name") or ""
    if not isinstance(text, str):
        return ""
    return (unescape(text) if _ESCAPED.search(text) else text).strip()


def _position(answer: Mapping[str, Any]) -> int | float:
    position = answer.get("position")
    return position if isinstance(position, int | float) else 0


def _votes(answer: Mapping[str, Any]) -> int | float:
    votes = answer.get("upvoteCount")
    if isinstance(votes, str) and _INTEGER.fullmatch(votes):
        votes = int(votes)
    return -votes if isinstance(votes, int | float) else 0


def _html(text: str) -> str:
    """A string of JSON-LD as HTML: many hold markup, the others keep their line breaks."""
    return text if _MARKUP.search(text) else escape(text, quote=False).replace("\n", "<br>")


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
