"""A conversation as a template writes it, and which of its characters come from which message.

Templates that mark what is learned are rare, so it is found from outside. Templates are rendered with marks in place of
the messages: one private-use character for each message gives the shape that conversations of these roles have. A text
that is that shape filled with its messages, which nearly all are, is told by one comparison of strings; otherwise every
character of the messages is replaced by a mark of its own. What the marks say is used only where it explains the plain
text to the last character. Names of control tokens count in the template's own text; in a message they are words.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mathmill.tokenize.chat.template import ROLES, ChatTemplate, Message, RefusedError

MAX_SHAPES = 1024  # kept at hand, one for each sequence of roles

_PLANE = 0xFFFE  # characters of a private-use plane
N_MARKS = 2 * _PLANE

Control = tuple[int, int, int]
"""Where a control token stands, first and last + 1 character, and its id."""


class Run(NamedTuple):
    """text[start:start + length] is what begins at character `source` of message number `message`."""

    message: int
    source: int
    start: int
    length: int


class Turn(NamedTuple):
    """What the assistant says in a turn: text[start:end], its end token included; `message` is the message's number.

    after: where the template begins what belongs to the next message.
    """

    message: int
    start: int
    end: int
    after: int


@dataclass(frozen=True)
class ChatText:
    """A rendered conversation; places count characters of `text`.

    runs, controls, turns: ascending. ended: a control token of the template ends the last turn.
    """

    text: str
    runs: tuple[Run, ...]
    controls: tuple[Control, ...]
    turns: tuple[Turn, ...]
    ended: bool


@dataclass(frozen=True)
class _Shape:
    """A conversation without its messages: literals[i] stands before message number messages[i], the last at the end.

    controls, turns: places as (literal, character in it).
    """

    literals: tuple[str, ...]
    messages: tuple[int, ...]
    controls: tuple[tuple[int, int, int, int], ...]
    turns: tuple[tuple[int, int, int, int, int, int, int], ...]
    ended: bool

    @classmethod
    def of(cls, chat: ChatText) -> "_Shape":
        """Take the messages out of a conversation."""
        edges = [0, *(place for run in chat.runs for place in (run.start, run.start + run.length)), len(chat.text)]
        starts, ends = edges[::2], edges[1::2]

        def place(character: int) -> tuple[int, int]:
            number = next(i for i, end in enumerate(ends) if character <= end)
            return number, character - starts[number]

        return cls(
            literals=tuple(chat.text[start:end] for start, end in zip(starts, ends, strict=True)),
            messages=tuple(run.message for run in chat.runs),
            controls=tuple((*place(end), end - start, number) for start, end, number in chat.controls),
            turns=tuple(
                (turn.message, *place(turn.start), *place(turn.end), *place(turn.after)) for turn in chat.turns
            ),
            ended=chat.ended,
        )

    def fill(self, contents: Sequence[str]) -> str:
        """The text with these messages."""
        parts = [self.literals[0]]
        for number, literal in zip(self.messages, self.literals[1:], strict=True):
            parts += contents[number], literal
        return "".join(parts)

    def places(self, text: str, contents: Sequence[str], sources: Sequence[int]) -> ChatText:
        """Say what stands where in the text with these messages; they begin at these characters of the originals."""
        starts, runs, position = [0], [], len(self.literals[0])
        for number, literal in zip(self.messages, self.literals[1:], strict=True):
            length = len(contents[number])
            runs.append(Run(number, sources[number], position, length))
            position += length
            starts.append(position)
            position += len(literal)
        controls = []
        for literal_number, end, length, token in self.controls:
            end += starts[literal_number]
            controls.append((end - length, end, token))
        turns = [Turn(number, starts[i] + a, starts[j] + b, starts[k] + c) for number, i, a, j, b, k, c in self.turns]
        return ChatText(text, tuple(runs), tuple(controls), tuple(turns), self.ended)


@dataclass(frozen=True)
class _Marked:
    """A conversation with marks instead of its messages.

    first, last: of each message, the marks of its characters; "" where it has none.
    """

    messages: Sequence[Message]
    first: Sequence[str]
    last: Sequence[str]

    def end(self, number: int, text: str) -> int:
        """The character behind the last mark of a message; -1 where there is none."""
        first, last = self.first[number], self.last[number]
        if not first:
            return -1
        return next((place + 1 for place in range(len(text) - 1, -1, -1) if first <= text[place] <= last), -1)


@dataclass
class ChatRenderer:
    """Renders conversations with a template.

    controls: the tokenizer's control tokens and their ids. spoken: those of them that the assistant's own text may
    hold, such as `<think>`.
    """

    template: ChatTemplate
    controls: Mapping[str, int]
    spoken: Collection[str] = ()
    _shapes: "OrderedDict[tuple[tuple[str, bool], ...], _Shape | None]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._control = _any_of(self.controls)
        self._spoken = _any_of(self.spoken)
        silent = [name for name in self.controls if name not in self.spoken]
        self._unmarked_here = self._without(silent)  # in what the assistant says
        self._unmarked = self._without(list(self.controls))

    def _without(self, names: Sequence[str]) -> "re.Pattern[str]":
        """What bears no marks: white space, and what the template looks for, but for these names."""
        tested = [text for text in self.template.tested if not any(name in text for name in names)]
        return re.compile("|".join([r"\s+", *map(re.escape, tested)]))

    def render(self, messages: Sequence[Message]) -> ChatText:
        """Render a conversation up to its last assistant turn. Raises RefusedError where it cannot be.

        messages: `role` is one of ROLES.
        """
        roles = [message["role"] for message in messages]
        if unknown := set(roles) - set(ROLES):
            raise RefusedError(f"a message's role is one of {', '.join(ROLES)}, not {min(unknown)[:40]!r}")
        if "assistant" not in roles:
            raise RefusedError("the assistant says nothing in it")
        messages = messages[: len(roles) - roles[::-1].index("assistant")]
        contents = [message["content"] for message in messages]
        text = self.template.text(messages)
        shape = self._shape(tuple((message["role"], not message["content"]) for message in messages))
        found = None if shape is None else _fit(shape, text, contents)
        return self._with_spoken(found or self._by_marks(messages, text), messages)

    def _shape(self, roles: tuple[tuple[str, bool], ...]) -> _Shape | None:
        """The shape of conversations of these roles; the flag says that a message is empty."""
        if roles in self._shapes:
            self._shapes.move_to_end(roles)
            return self._shapes[roles]
        marks = ["" if empty else _mark(i) for i, (_, empty) in enumerate(roles)]
        messages = [{"role": role, "content": mark} for (role, _), mark in zip(roles, marks, strict=True)]
        self._shapes[roles] = None
        if len(roles) <= N_MARKS:
            try:
                text = self.template.text(messages)
                runs = [
                    Run(ord(c) - ord(_mark(0)), 0, place, 1)
                    for place, c in enumerate(text)
                    if _mark(0) <= c < _mark(len(roles))
                ]
                self._shapes[roles] = _Shape.of(self._assemble(_Marked(messages, marks, marks), text, runs))
            except RefusedError:
                pass  # it may take other messages of these roles
        if len(self._shapes) > MAX_SHAPES:
            self._shapes.popitem(last=False)
        return self._shapes[roles]

    def _by_marks(self, messages: Sequence[Message], text: str) -> ChatText:
        """Render with a mark for every character; where marks do not do, tell turns by what the text begins with."""
        contents = [message["content"] for message in messages]
        offsets = np.cumsum([0, *map(len, contents)])
        if offsets[-1] <= N_MARKS:
            shadows = [self._shadow(message, int(start)) for message, start in zip(messages, offsets, strict=False)]
            marked = _Marked(
                [{**message, "content": shadow} for message, shadow in zip(messages, shadows, strict=True)],
                [_mark(int(start)) if content else "" for content, start in zip(contents, offsets, strict=False)],
                [_mark(int(end) - 1) if content else "" for content, end in zip(contents, offsets[1:], strict=True)],
            )
            try:
                shadow = self.template.text(marked.messages)
                runs = _runs(shadow, text, "".join(contents), offsets)
                if runs is not None:
                    found = self._assemble(marked, shadow, runs)
                    return ChatText(text, found.runs, found.controls, found.turns, found.ended)
            except RefusedError:
                pass
        if any(self._control.search(content) for content in contents):
            raise RefusedError("it holds names of control tokens, and the template changes messages beyond recognition")
        nothing = [""] * len(messages)
        return self._assemble(_Marked(messages, nothing, nothing), text, [])

    def _shadow(self, message: Message, first: int) -> str:
        """Marks for the characters of a message, but for what the template may look for in it."""
        content = message["content"]
        marks = [_mark(first + i) for i in range(len(content))]
        unmarked = self._unmarked_here if message["role"] == "assistant" else self._unmarked
        for match in unmarked.finditer(content):
            marks[match.start() : match.end()] = match.group()
        return "".join(marks)

    def _assemble(self, marked: _Marked, text: str, runs: Sequence[Run]) -> ChatText:
        """Find the control tokens and the assistant's turns in a text with marks."""
        edges = [0, *(place for run in runs for place in (run.start, run.start + run.length)), len(text)]
        controls: list[Control] = []
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            controls += [
                (start + match.start(), start + match.end(), self.controls[match.group()])
                for match in self._control.finditer(text[start:end])
            ]
        turns, ended, floor = list[Turn](), False, 0
        for number, message in enumerate(marked.messages):
            if message["role"] == "assistant":
                turn, ended = self._turn(marked, number, text, runs, floor, controls)
                turns.append(turn)
                floor = turn.end
        return ChatText(text, tuple(runs), tuple(controls), tuple(turns), ended)

    def _turn(
        self,
        marked: _Marked,
        number: int,
        text: str,
        runs: Sequence[Run],
        floor: int,
        controls: Sequence[Control],
    ) -> tuple[Turn, bool]:
        """A turn, and whether a control token ends it.

        It begins where the prompt ends that the model is given for it; it ends with the first control token that the
        template writes after it, but not into what the template writes for the next message.
        """
        own = [run for run in runs if run.message == number]
        begin = own[0].start if own else None
        floor = max([floor, *(run.start + run.length for run in runs if run.message < number)])
        start = self._start(marked.messages[:number], text, floor, begin)
        if start is None:
            raise RefusedError(f"the assistant's turn, message {number + 1}, cannot be found in the text")
        after = own[-1].start + own[-1].length if own else start
        limit = next((run.start for run in runs if run.start >= after and run.message != number), len(text))
        spoken = {self.controls[name] for name in self.spoken}
        ends = [end for begin, end, token in controls if after <= begin and end <= limit and token not in spoken]
        if number + 1 < len(marked.messages):
            closed = self.template.text(marked.messages[: number + 1])
            tail = closed[marked.end(number, closed) if own else start :]
            shared = after + _common(text[after:limit], tail)
            known = {self.controls[match.group()] for match in self._control.finditer(tail)}
            is_end = bool(ends) and next(token for _, end, token in controls if end == ends[0]) in known
            if own or not is_end or ends[0] <= shared:
                limit, ends = shared, [end for end in ends if end <= shared]
            else:  # an empty turn, which the template writes otherwise where it is the last
                ends = ends[:1]
                limit = ends[0]
        limit = next((begin for begin, end, _ in controls if begin < limit < end), limit)
        if not ends:
            return Turn(number, start, limit, limit), False
        return Turn(number, start, ends[0] if own else ends[-1], limit), True

    def _start(self, before: Sequence[Message], text: str, floor: int, begin: int | None) -> int | None:
        """Where the turn after these messages begins; not before `floor`, nor after `begin`, where that is known."""
        try:
            prompt = self.template.text(before, add_generation_prompt=True)
            if text.startswith(prompt) and floor <= len(prompt) and (begin is None or len(prompt) <= begin):
                return len(prompt)
            plain = self.template.text(before)
        except RefusedError:
            return begin
        opening = prompt[len(plain) :] if prompt.startswith(plain) else ""
        found = text.rfind(opening, floor, begin) if opening and begin is not None else -1
        return begin if found < 0 else found + len(opening)

    def _with_spoken(self, chat: ChatText, messages: Sequence[Message]) -> ChatText:
        """Add the control tokens that the assistant's own text holds."""
        if not self.spoken:
            return chat
        said = [
            (run.start + match.start(), run.start + match.end(), self.controls[match.group()])
            for run in chat.runs
            if messages[run.message]["role"] == "assistant"
            for match in self._spoken.finditer(chat.text[run.start : run.start + run.length])
        ]
        if not said:
            return chat
        return ChatText(chat.text, chat.runs, tuple(sorted([*chat.controls, *said])), chat.turns, chat.ended)


def _fit(shape: _Shape, text: str, contents: Sequence[str]) -> ChatText | None:
    """Explain a text as a shape filled with messages, as they are or without white space around them."""
    if shape.fill(contents) == text:
        return shape.places(text, contents, [0] * len(contents))
    stripped = [content.strip() for content in contents]
    if shape.fill(stripped) == text:
        return shape.places(text, stripped, [len(content) - len(content.lstrip()) for content in contents])
    return None


def _common(left: str, right: str) -> int:
    """How many characters two texts begin with in common."""
    return next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def _mark(number: int) -> str:
    return chr(0xF0000 + number if number < _PLANE else 0x100000 + number - _PLANE)


def _any_of(names: Collection[str]) -> "re.Pattern[str]":
    """Matches the longest of some names; nothing, where there are none."""
    return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)")


def _runs(shadow: str, text: str, joined: str, offsets: npt.NDArray[Any]) -> list[Run] | None:
    """The runs that a text with a mark for each character tells; None where it does not explain the plain text.

    joined: the messages, end to end; message i has joined[offsets[i]:offsets[i + 1]].
    """
    codes, plain, source = (_codes(value) for value in (shadow, text, joined))
    if len(codes) != len(plain):
        return None
    numbers = np.where(codes >= 0x100000, codes - 0x100000 + _PLANE, codes - 0xF0000)
    places = np.flatnonzero((codes >= 0xF0000) & (numbers < len(source)))
    numbers = numbers[places]
    explained = codes.copy()
    explained[places] = source[numbers]
    if not np.array_equal(explained, plain):
        return None
    message = np.searchsorted(offsets, numbers, side="right") - 1
    breaks = np.flatnonzero((np.diff(places) != 1) | (np.diff(numbers) != 1) | (np.diff(message) != 0)) + 1
    runs: list[Run] = []
    for first, last in zip([0, *breaks.tolist()], [*breaks.tolist(), len(places)], strict=True):
        if first == last:
            continue
        start, number, owner = int(places[first]), int(numbers[first]), int(message[first])
        begin, length = number - int(offsets[owner]), last - first
        if runs and runs[-1].message == owner:  # what the template may look for has no marks
            end = runs[-1].start + runs[-1].length
            gap = start - end
            between = joined[number - gap : number]
            if begin - gap == runs[-1].source + runs[-1].length and text[end:start] == between:
                begin, start, length = runs[-1].source, runs[-1].start, runs[-1].length + gap + length
                runs.pop()
        runs.append(Run(owner, begin, start, length))
    return runs


def _codes(text: str) -> npt.NDArray[np.int64]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
