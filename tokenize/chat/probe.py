"""Whether a chat template fits, tried on a question and its answer before anything runs.

A template that loses messages, begins where it should end a turn, or writes tokens that the tokenizer does not have
would give shards that look well and teach something else; the recipe's author hears of it in one sentence instead.
"""

import re

from mathmill.core.errors import ConfigError
from mathmill.tokenize.chat.template import Message, RefusedError
from mathmill.tokenize.chat.text import ChatRenderer, ChatText

_ASKED = "What is 617 + 254?"
_SAID = "Add the tens first.\n\nIt is 871."  # two lines, since some template may keep one

_TOKEN = re.compile(r"<([|｜])[^\s<>|｜]{1,64}\1>|<(?:start|end)_of_turn>")
"""What is written so is a control token of some model; `[INST]` and the like are words in some."""


def check_template(renderer: ChatRenderer, has_system: bool) -> None:
    """Raise ConfigError unless a problem comes out of the template as it is, with its answer learned.

    has_system: whether the recipe has the system say something before problems.
    """
    _check_tokens(renderer, renderer.template.written)
    messages: list[Message] = [{"role": "user", "content": _ASKED}, {"role": "assistant", "content": _SAID}]
    if has_system:
        messages.insert(0, {"role": "system", "content": "Think."})
    try:
        chat = renderer.render(messages)
    except RefusedError as error:
        hint = "; state `date`, since no text may depend on the clock" if "strftime_now" in str(error) else ""
        raise ConfigError(f"the chat template does not take a question and its answer: {error}{hint}") from error
    _check_tokens(renderer, (chat.text,))
    for name, content in (("question", _ASKED), ("answer", _SAID)):
        if (count := chat.text.count(content)) != 1:
            raise ConfigError(
                f"the chat template must write each message once and unchanged; the {name}: {count} times"
            )
    (turn,) = chat.turns
    answer = chat.text.index(_SAID)
    if not chat.text.index(_ASKED) < turn.start <= answer < answer + len(_SAID) <= turn.end:
        raise ConfigError("the chat template must write the answer after the question, and apart from it")
    if (end := _end(chat)) and _begins_turns(end, chat, _next_turn(renderer, messages)):
        raise ConfigError(
            f"the chat template writes {end!r} after the answer, which begins turns and would be learned as the end of "
            "one; let it write a token that ends turns, and what begins one only for `add_generation_prompt`"
        )


def _check_tokens(renderer: ChatRenderer, texts: tuple[str, ...]) -> None:
    for text in texts:
        for match in _TOKEN.finditer(text):
            if match.group() not in renderer.controls:
                raise ConfigError(
                    f"the chat template writes {match.group()}, which is no control token of the tokenizer; choose a "
                    "template that fits the tokenizer, or a tokenizer with this token"
                )


def _end(chat: ChatText) -> str:
    """What ends the turn: a control token, else words."""
    end = chat.turns[0].end
    if chat.ended:
        return next(chat.text[start:stop] for start, stop, _ in chat.controls if stop == end)
    return chat.text[:end].partition(_SAID)[2].strip()


def _begins_turns(end: str, chat: ChatText, next_turn: str | None) -> bool:
    """Whether what stands after the answer also begins the answer, and ends no earlier turn.

    next_turn: what the template writes between an answer and the next question, where it takes another.
    """
    before, _, rest = chat.text.partition(_ASKED)
    between = rest.partition(_SAID)[0]
    if end not in between:
        return False
    if next_turn is not None and end not in next_turn:
        return True
    stop = next((start for start, _, _ in chat.controls if start >= chat.turns[0].end), len(chat.text))
    return end in before and not chat.text[chat.turns[0].end : stop].isspace() and stop > chat.turns[0].end


def _next_turn(renderer: ChatRenderer, messages: list[Message]) -> str | None:
    try:
        text = renderer.template.text(messages + messages[-2:])
    except RefusedError:
        return None
    return text.partition(_SAID)[2].partition(_ASKED)[0]
