"""YAML files that people write, checked against a pydantic model: every mistake names its file, line and key.

`recipe.yaml:14 stages[2].classify.threshold: 1.4 is above 1`. Files are bounded in bytes and values, since aliases can
make a small file large; nothing in them is executed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from mathmill.core.errors import ConfigError

_MAX_BYTES = 1 << 20
_MAX_NODES = 20_000

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


class YamlFile:
    """A parsed YAML file that remembers the line of every value."""

    def __init__(self, path: Path, value: dict[str, Any], lines: Mapping[Place, int]) -> None:
        self.path, self.value, self._lines = path, value, lines

    @classmethod
    def parse(cls, data: bytes, path: Path) -> "YamlFile":
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"{path} is {len(data):,} bytes long; at most {_MAX_BYTES:,} are read")
        try:
            loader = yaml.SafeLoader(data.decode("utf-8-sig"))
            node = loader.get_single_node()
            lines: dict[Place, int] = {}
            if node is not None:
                _record_lines(path, node, (), lines)
            value = loader.construct_document(node) if node is not None else None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigError(f"{path}:{line} is not valid YAML: {error.problem}") from error
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise ConfigError(f"{path} is not valid YAML: {error}") from error
        if not isinstance(value, dict):
            raise ConfigError(f"{path}:1 holds no mapping of keys to values")
        return cls(path, value, lines)

    def error(self, place: Place, sentence: str) -> ConfigError:
        """A ConfigError that names the line of the nearest value that is in the file."""
        known = place
        while known and known not in self._lines:
            known = known[:-1]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
        line = f"{self.path}:{self._lines.get(known, 1)}"
        return ConfigError(f"{line} {where}: {sentence}" if where else f"{line} {sentence}")

    def check(self, model: type[Model], value: Any, place: Place, context: dict[str, Any] | None = None) -> Model:
        """Validate a value; the first mistake becomes a ConfigError."""
        try:
            return model.model_validate(value, context=context)
        except ValidationError as error:
            mistake = error.errors()[0]
            inner = mistake["loc"]
            if mistake["type"] != "missing":  # pydantic also names union members on the way
                known = _keys(value, inner)
                inner = tuple(part for part in inner if isinstance(part, int) or part in known)
            raise self.error((*place, *inner), _sentence(mistake, _allowed(model, mistake["loc"]))) from error


def _keys(value: Any, loc: tuple[str | int, ...]) -> set[str]:
    """The keys on the way of a pydantic location that are in the data (it also names union members)."""
    keys = set()
    for part in loc:
        if isinstance(value, dict) and part in value:
            keys.add(str(part))
            value = value[part]
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            value = value[part]
    return keys


def _allowed(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """The keys that the model at the parent of a location has."""
    current: Any = model
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if isinstance(current, type) and issubclass(current, BaseModel) else None
        if field is None:
            return []
        models = [a for a in _arguments(field.annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
        current = models[0] if models else None
    return sorted(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _arguments(annotation: Any) -> list[Any]:
    arguments = [annotation]
    for argument in getattr(annotation, "__args__", ()):
        arguments.extend(_arguments(argument))
    return arguments


_WANTED = {
    "tuple_type": "write a list",
    "too_short": "it needs at least one item",
    "string_pattern_mismatch": "a name has letters, digits, _ and - only, and begins with a letter or a digit",
}


def describe_mistake(model: type[BaseModel], value: Any, error: ValidationError) -> str:
    """The first mistake of a value that stands in no file: where, and one sentence."""
    mistake = error.errors()[0]
    known = _keys(value, mistake["loc"])
    where = ".".join(str(part) for part in mistake["loc"] if part in known)
    sentence = _sentence(mistake, _allowed(model, mistake["loc"]))
    return f"{where}: {sentence}" if where else sentence


def _sentence(mistake: Any, allowed: list[str]) -> str:
    kind, value, context = mistake["type"], mistake["input"], mistake.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; there are {', '.join(allowed)}" if allowed else "unknown key"
    if kind == "missing":
        return "is missing"
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    bounds = {"less_than_equal": "le", "greater_than_equal": "ge", "less_than": "lt", "greater_than": "gt"}
    if kind in bounds:
        words = {"le": "is above", "ge": "is below", "lt": "is not below", "gt": "is not above"}[bounds[kind]]
        return f"{shown} {words} {context[bounds[kind]]}"
    if kind in _WANTED:
        return f"{shown} does not fit: {_WANTED[kind]}"
    if kind == "value_error":
        return str(context.get("error", mistake["msg"]))
    return f"{shown} does not fit: {mistake['msg'][0].lower()}{mistake['msg'][1:]}"


def _record_lines(path: Path, node: yaml.Node, place: Place, lines: dict[Place, int]) -> None:
    if len(lines) > _MAX_NODES:
        raise ConfigError(f"{path} holds more than {_MAX_NODES:,} values (aliases count each time)")
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise ConfigError(f"{path}:{key.start_mark.line + 1} {key.value}: this key stands here twice")
            seen.add(key.value)
            _record_lines(path, value, (*place, key.value), lines)
            lines[(*place, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _record_lines(path, value, (*place, i), lines)
