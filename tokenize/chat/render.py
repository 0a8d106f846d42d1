"""Problems and conversations as chats: texts of a chat template, of which only what the assistant says is learned.

A problem is a question of the user's and an answer of the assistant's: what the recipe's `problem_template` has after
the question. Formulas, steps and the final answer keep their places through the template. No cut separates the
template's own text from what stands next to it; padding is never learned, the token that ends a turn always is.
"""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import AfterValidator, Field, ValidationInfo

from mathmill.core.answers import find_answer
from mathmill.core.config import Config, refuse_secrets
from mathmill.core.errors import ConfigError
from mathmill.core.mathtext import find_formulas
from mathmill.core.storage import Folder
from mathmill.tokenize.chat.places import Runs, byte_spans
from mathmill.tokenize.chat.probe import check_template
from mathmill.tokenize.chat.template import ChatTemplate, Message, RefusedError
from mathmill.tokenize.chat.text import ChatRenderer, ChatText
from mathmill.tokenize.cut_points import inside
from mathmill.tokenize.loss_weights import checked
from mathmill.tokenize.render import (
    Bytes,
    Parts,
    ProblemFields,
    RenderConfig,
    Rendered,
    Unusable,
    keep_together,
    language_codes,
    parse_template,
)
from mathmill.tokenize.tokenizer import Tokenizer
from mathmill.tokenize.utf8 import text_buffer

_BUNDLED = {path.stem: path for path in sorted(Path(__file__).with_name("templates").glob("*.jinja"))}


def _resolved(template: str, info: ValidationInfo) -> str:
    if template == "auto" or template in _BUNDLED or _is_inline(template):
        return template
    return (info.context or {}).get("resolve", str)(refuse_secrets(template))


def _is_inline(template: str) -> bool:
    return "{{" in template or "{%" in template


def _with_english(system: dict[str, str] | None) -> dict[str, str] | None:
    if system is not None and "en" not in system:
        raise ValueError('it needs a text for "en", which serves all languages without one of their own')
    return system


class ChatConfig(Config):
    """`chat:` of `tokenize:` in a recipe.

    template: "auto" is the tokenizer's own; "chatml", "llama3", "qwen2.5-math" are bundled; else a Jinja file, or the
    template itself. system: what the system says before a problem, by language; conversations keep their own. tokens:
    control tokens that the assistant's own text may hold beside those that the template looks for there, such as
    `<think>`; other names in messages are words. date: what templates that ask for today's date get.
    """

    template: Annotated[str, AfterValidator(_resolved)] = "auto"
    system: Annotated[dict[str, str] | None, AfterValidator(_with_english)] = None
    tokens: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    date: datetime.date | None = None

    def file_paths(self) -> list[str]:
        """The template, where it is a file."""
        is_file = self.template != "auto" and self.template not in _BUNDLED and not _is_inline(self.template)
        return [self.template] if is_file else []


class Chat:
    """Renders the records of batches as chats. Raises ConfigError where the template does not fit.

    tokenizer: gives the control tokens, and the template where the recipe names none.
    """

    def __init__(self, config: ChatConfig, render: RenderConfig, tokenizer: Tokenizer) -> None:
        if tokenizer.spaces_first_word:
            raise ConfigError(f"{tokenizer.path} begins texts with a space of its own; chats of such are not supported")
        self._system, self._supervise = config.system, render.supervise or "solution"
        self._controls = {token["content"]: token for token in tokenizer.control_tokens}
        if unknown := [name for name in config.tokens if name not in self._controls]:
            raise ConfigError(f"chat.tokens: {unknown[0]!r} is no control token of {tokenizer.path}")
        self.template = _load(config, tokenizer)
        looked_for = [name for name in self.template.tested if name in self._controls]
        spoken = {*config.tokens, *(name for name in looked_for if not self._controls[name].get("special"))}
        ids = {name: int(token["id"]) for name, token in self._controls.items()}
        self._renderer = ChatRenderer(self.template, ids, spoken)
        self._user, self._assistant = _split_templates(render.problem_template)
        check_template(self._renderer, has_system=bool(self._system))

    def render_problems(self, batch: pa.RecordBatch) -> Rendered | Unusable:
        """Render problems (PROBLEM): a question of the user's, a solution of the assistant's."""
        fields = ProblemFields.of(batch)
        asked, said = fields.join(self._user), fields.join(self._assistant, strip=True)
        systems: list[str | None] = [None] * batch.num_rows
        if texts := self._system:
            systems = [texts[code] for code in language_codes(batch.column("lang"), texts)]
        chats = [
            self._render(_problem_messages(*says)) if says[2].strip() else Unusable.NO_SOLUTION
            for says in zip(systems, asked[0].to_pylist(), said[0].to_pylist(), strict=True)
        ]
        if unusable := Unusable.among(chats):
            return unusable
        rendered = [chat for chat in chats if isinstance(chat, ChatText)]
        runs = Runs.of(rendered)
        first = np.full(len(rendered), 0 if self._system is None else 1)
        move_asked, move_said = runs.mover(first, asked[0]), runs.mover(first + 1, said[0])
        solution = fields.place(*said, supervise="all", asked=False)
        return self._place(
            rendered,
            runs,
            np.ones(sum(len(chat.turns) for chat in rendered)),
            formulas=np.concatenate([move_asked(fields.formulas("question", *asked)), move_said(solution.formulas)]),
            kept=move_said(solution.kept),
            steps=move_said(np.stack([solution.steps, solution.steps + 1], axis=1))[:, 0],
            answers=move_said(solution.answers),
            factors=move_said(solution.factors),
            factor_values=solution.factor_values,
        )

    def render_conversations(self, batch: pa.RecordBatch) -> Rendered | Unusable:
        """Render conversations (CONVERSATION); the final answer is that of the last turn."""
        conversations = batch.column("messages").to_pylist()
        chats = [self._conversation(messages) for messages in conversations]
        if unusable := Unusable.among(chats):
            return unusable
        rendered = [chat for chat in chats if isinstance(chat, ChatText)]
        weights = [
            messages[turn.message]["weight"]
            for messages, chat in zip(conversations, rendered, strict=True)
            for turn in chat.turns
        ]
        last = np.array([chat.turns[-1].message for chat in rendered], np.int64)
        replies = [messages[i]["content"] for messages, i in zip(conversations, last.tolist(), strict=True)]
        runs = Runs.of(rendered)
        found = [find_answer(reply) for reply in replies]
        contents = pa.array(replies, pa.large_string())
        stated = byte_spans(contents, [[(0, 0) if answer is None else answer[:2]] for answer in found])
        answers = runs.mover(last, contents)(stated)
        kept = keep_together(runs.texts, answers, answers[:, 0], np.zeros(0, np.int64), np.zeros(0, np.int64))
        begins = byte_spans(runs.texts, [[(chat.turns[-1].start, 0)] for chat in rendered])[answers[:, 0] >= 0, 0]
        kept[:, 0] = np.maximum(kept[:, 0], begins)  # an answer's line may begin before its turn
        return self._place(
            rendered,
            runs,
            np.array([1.0 if weight is None else weight for weight in weights]),
            formulas=byte_spans(runs.texts, [_formulas(chat) for chat in rendered]),
            kept=kept,
            steps=np.zeros(0, np.int64),
            answers=answers,
        )

    def _conversation(self, messages: Sequence[Mapping[str, Any]]) -> "ChatText | tuple[str, str]":
        if any(message is None or message["role"] is None or message["content"] is None for message in messages):
            return "chat_template", "a message has no role or no content"
        if not any(message["role"] == "assistant" for message in messages):
            return Unusable.NO_SOLUTION
        chat = self._render([{"role": message["role"], "content": message["content"]} for message in messages])
        if isinstance(chat, ChatText) and all(
            messages[turn.message]["weight"] == 0 for turn in chat.turns if turn.start < turn.end
        ):
            return "zero_weight", ""
        return chat

    def _render(self, messages: Sequence[Message]) -> "ChatText | tuple[str, str]":
        try:
            chat = self._renderer.render(messages)
        except RefusedError as error:
            return "chat_template", str(error)
        return chat if any(turn.start < turn.end for turn in chat.turns) else Unusable.NO_SOLUTION

    def _place(
        self, chats: Sequence[ChatText], runs: Runs, weights: npt.NDArray[np.floating], **marks: Any
    ) -> Rendered:
        """Put together what is known of a batch: weights are those of all turns, marks those of Rendered."""
        _, bounds = text_buffer(runs.texts)
        turns = byte_spans(runs.texts, ([(turn.start, turn.end) for turn in chat.turns] for chat in chats))
        controls = byte_spans(runs.texts, ([(start, end) for start, end, _ in chat.controls] for chat in chats))
        between = byte_spans(runs.texts, ([(turn.after, turn.after) for turn in chat.turns[:-1]] for chat in chats))[
            :, 0
        ]
        ids = np.array([token for chat in chats for *_, token in chat.controls], np.int64)
        controls = self._with_spaces(controls, ids, *text_buffer(runs.texts))
        says = turns[:, 0] < turns[:, 1]
        supervised, learned = turns[says], checked(weights, "message's weight")[says]
        if self._supervise == "all":
            supervised, learned = np.stack([bounds[:-1], bounds[1:]], axis=1), np.ones(len(chats), np.float32)
        for name in ("formulas", "kept"):
            marks[name] = marks[name][marks[name][:, 0] >= 0]
        template = runs.template_text(between)
        to_message = ~np.isin(template[:, 1], between)  # a message may be cut off from what stands before it
        return Rendered(
            texts=runs.texts,
            code=np.zeros((0, 2), np.int64),
            formulas=marks.pop("formulas"),
            kept=np.concatenate([marks.pop("kept"), template]),
            template=np.stack([template[:, 0], template[:, 1] - to_message], axis=1),
            steps=np.concatenate([(steps := marks.pop("steps"))[steps >= 0], between]),
            supervised=supervised,
            weights=learned,
            controls=controls,
            control_ids=ids,
            seams=turns[~inside(turns[:, 0], controls), 0],
            ended=np.array([chat.ended for chat in chats], bool),
            **marks,
        )

    def _with_spaces(self, controls: Bytes, ids: Bytes, data: npt.NDArray[np.uint8], bounds: Bytes) -> Bytes:
        """Let control tokens take the white space beside them, where the tokenizer says that they do."""
        sides = {
            int(token["id"]): [token.get(side) for side in ("lstrip", "rstrip")] for token in self._controls.values()
        }
        greedy = [number for number, strips in sides.items() if any(strips)]
        for i in np.flatnonzero(np.isin(ids, greedy)).tolist():
            start, end = controls[i].tolist()
            row = int(np.searchsorted(bounds, start, side="right")) - 1
            floor = max(int(bounds[row]), int(controls[i - 1, 1]) if i else 0)
            left, right = sides[int(ids[i])]
            if left:
                before = bytes(data[floor:start]).decode()
                controls[i, 0] -= len(before.encode()) - len(before.rstrip().encode())
            if right:
                after = bytes(data[end : bounds[row + 1]]).decode()
                controls[i, 1] += len(after.encode()) - len(after.lstrip().encode())
        return controls


def _load(config: ChatConfig, tokenizer: Tokenizer) -> ChatTemplate:
    choice = ", ".join(_BUNDLED)
    if config.template == "auto":
        if tokenizer.chat_template is None:
            raise ConfigError(f"{tokenizer.path} has no chat template; set chat.template to {choice} or a Jinja file")
        source = tokenizer.chat_template
    elif _is_inline(config.template):
        source = config.template
    else:
        path = str(_BUNDLED.get(config.template, config.template))
        folder, slash, name = path.rpartition("/")
        try:
            source = Folder(folder or slash or ".").read(name).decode("utf-8-sig")
        except FileNotFoundError:
            raise ConfigError(f"there is no chat template {path}; the bundled ones are {choice}") from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not UTF-8 text") from error
    names = {"bos_token": tokenizer.bos_id, "eos_token": tokenizer.eos_id, "pad_token": tokenizer.pad_id}
    special = {name: tokenizer.decode([number]) for name, number in names.items() if number is not None}
    return ChatTemplate(source, special, config.date.isoformat() if config.date else None)


def _split_templates(templates: Mapping[str, str]) -> tuple[dict[str, Parts], dict[str, Parts]]:
    """What the user says, up to the question, and what the assistant says, after it."""
    users, assistants = dict[str, Parts](), dict[str, Parts]()
    for language, template in templates.items():
        parts = parse_template(template)
        if parts[0][1] != "question" or not any(name for _, name in parts[1:]):
            raise ConfigError("as a chat, a problem_template has {question} first, and {solution} or {answer} after it")
        users[language], assistants[language] = parts[:1], parts[1:]
    return users, assistants


def _problem_messages(system: str | None, user: str, assistant: str) -> list[Message]:
    says = {"system": system, "user": user, "assistant": assistant}
    return [{"role": role, "content": content} for role, content in says.items() if content is not None]


def _formulas(chat: ChatText) -> list[tuple[int, int]]:
    """Characters of the formulas in messages, found again, since conversations carry no spans of them."""
    return [
        (run.start + formula.start, run.start + formula.end)
        for run in chat.runs
        for formula in find_formulas(chat.text[run.start : run.start + run.length])
    ]
