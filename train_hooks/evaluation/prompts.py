"""Prompts: the task, worked examples and the problem, as a chat or as raw text for base models.

The texts are `prompts.yaml`, with a version; the digest of the file goes into every result. Examples are of the item's
kind and language, in a fixed order, so that few-shot prompts of a benchmark share their beginning (servers cache it).
"""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from mathmill.core.config import Config, digest
from mathmill.core.errors import ConfigError
from mathmill.core.request import Request
from mathmill.train_hooks.evaluation.benchmarks import Item

Style = Literal["chat", "raw"]


class Shot(Config):
    """A worked example. answer: what its solution states, for tests."""

    question: str
    solution: str
    answer: str


class Prompt(Config):
    """The task in words, and its examples."""

    task: str
    shots: tuple[Shot, ...]


class Layout(Config):
    """How raw text marks problem and solution. stop: what begins when a model goes on with a problem of its own."""

    question: str
    solution: str
    stop: tuple[str, ...]


class Prompts(Config):
    """`prompts.yaml`: by kind and language."""

    version: int
    layout: dict[str, Layout]
    word: dict[str, Prompt]
    math: dict[str, Prompt]
    choice: dict[str, Prompt]
    program: dict[str, Prompt]


@cache
def prompts() -> Prompts:
    """The bundled prompts."""
    text = resources.files(__package__).joinpath("prompts.yaml").read_text("utf-8")
    return Prompts(**yaml.safe_load(text))


def prompts_identity() -> dict[str, Any]:
    """Version and digest: what two results must share to be comparable."""
    return {"version": prompts().version, "digest": digest(prompts())}


def most_shots() -> int:
    """How many examples every kind and language has."""
    kinds = (prompts().word, prompts().math, prompts().choice, prompts().program)
    return min(len(prompt.shots) for kind in kinds for prompt in kind.values())


def build_request(
    item: Item,
    key: str,
    n_shots: int,
    style: Style,
    max_tokens: int,
    programs: bool = False,
    temperature: float = 0.0,
    seed: int | None = None,
) -> Request:
    """The request for an item. programs: a program is asked for, not a solution in words."""
    by_language: dict[str, Prompt] = getattr(prompts(), "program" if programs else item.kind)
    prompt = by_language[item.language]
    shots = prompt.shots[:n_shots]
    sampling: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, "purpose": "evaluation"}
    if temperature > 0:
        sampling["seed"] = seed
    if style == "chat":
        messages = []
        for shot in shots:
            messages += [_said("user", f"{prompt.task}\n\n{shot.question}"), _said("assistant", shot.solution)]
        messages.append(_said("user", f"{prompt.task}\n\n{item.question}"))
        return Request(key, tuple(messages), **sampling)
    layout = prompts().layout[item.language]
    gap = "\n" if programs else "" if item.language == "zh" else " "
    examples = [f"{layout.question}{s.question}\n{layout.solution}{gap}{s.solution}" for s in shots]
    asked = f"{layout.question}{item.question}\n{layout.solution}"
    return Request(key, prompt="\n\n".join([prompt.task, *examples, asked]), stop=layout.stop, **sampling)


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def local_style(path: Path) -> Style:
    """Chat where a model's files hold a chat template, else raw. Raises ConfigError where there is no such model."""
    if not path.exists():
        raise ConfigError(f"there is no model {path}; give a folder, a .gguf file or the address of a server")
    if path.is_dir() and (path / "config.json").exists():
        from mathmill.tokenize.tokenizer_files import read_tokenizer_files

        return "chat" if read_tokenizer_files(str(path)).chat_template else "raw"
    files = [path] if path.is_file() else sorted(path.glob("*.gguf"))
    return "chat" if any(_GGUF_TEMPLATE in _beginning(file) for file in files) else "raw"


_GGUF_TEMPLATE = b"tokenizer.chat_template"
_GGUF_HEADER_BYTES = 32 << 20  # keys and vocabulary come before the weights; those of Qwen take 6 MB


def _beginning(file: Path) -> bytes:
    with open(file, "rb") as data:
        return data.read(_GGUF_HEADER_BYTES)
