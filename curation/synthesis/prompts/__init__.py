"""Prompts as files: `prompts/METHOD/NAME.LANGUAGE.jinja`, each with a version that goes into every row made with it.

A file begins with `{# version: N #}`; lines `--- system ---`, `--- user ---` and `--- assistant ---` begin messages.
Values are put in as they are: a model reads text, not markup.
"""

import re
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined

LANGUAGES = ("en", "zh")

_VERSION = re.compile(r"\{#-?\s*version:\s*(\d+)\s*-?#\}\s*")
_ROLE = re.compile(r"^--- (system|user|assistant) ---[ \t]*$", re.MULTILINE)
_ENVIRONMENT = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)


class Prompt(NamedTuple):
    """A prompt in one language. name: such as "tutorship/teacher/en/1", for the lineage."""

    name: str
    parts: tuple[tuple[str, Any], ...]  # role, template

    def render(self, **values: Any) -> tuple[dict[str, str], ...]:
        """The messages; a value that the template needs and does not get is jinja's UndefinedError."""
        return tuple({"role": role, "content": template.render(values).strip()} for role, template in self.parts)


@cache
def load_prompt(method: str, name: str, lang: str | None) -> Prompt:
    """Load a prompt; other languages than English and Chinese get the English one."""
    lang = lang if lang in LANGUAGES else "en"
    file = resources.files("mathmill.curation.synthesis") / "prompts" / method / f"{name}.{lang}.jinja"
    text = file.read_text(encoding="utf-8")
    version = _VERSION.match(text)
    assert version is not None, f"{file} does not begin with its version"
    pieces = _ROLE.split(text[version.end() :])
    assert not pieces[0].strip(), f"{file} has text before its first role"
    templates = ((role, _ENVIRONMENT.from_string(body)) for role, body in zip(pieces[1::2], pieces[2::2], strict=True))
    return Prompt(f"{method}/{name}/{lang}/{version[1]}", tuple(templates))
