"""A recipe: one YAML file that says sources, stages, shards and mixture.

Every mistake in it is one sentence that names the file, the line and the key, and says what is allowed there:
`recipe.yaml:14 stages[2].classify.threshold: 1.4 is above 1`.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pyarrow as pa
import yaml
from pydantic import BaseModel, Field, ValidationError

from mathmill.core.config import Config, digest
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import PROBLEM
from mathmill.core.stage import OUT
from mathmill.curation.readers import input_schema
from mathmill.curation.readers.source import SourceConfig
from mathmill.jobs.registry import import_class, stage_names
from mathmill.tokenize.encode import EncodeConfig
from mathmill.tokenize.mixture import MixtureConfig
from mathmill.tokenize.select import Selector

_MAX_BYTES = 1 << 20
_MAX_NODES = 20_000

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


class StageUse(Config):
    """A stage in a recipe: its registered name and its configuration as plain values."""

    name: str
    config: dict[str, Any]


GroupName = Annotated[str, Field(pattern=r"^\w[\w-]*$")]
"""Letters, digits, `_` and `-`: the names of a group's shards begin with it."""


class ShardsConfig(Config):
    """`shards:` in a recipe: row length and mix groups; a record goes to the first group that selects it."""

    seq_len: Annotated[int, Field(ge=16, le=1 << 20)] = 4096
    groups: Annotated[dict[GroupName, str], Field(min_length=1)] = {"documents": "documents", "problems": "problems"}
    shard_tokens: Annotated[int, Field(ge=1024)] = 64_000_000  # tokens that one pack task aims at


class Recipe(Config):
    """A whole recipe, checked; paths in it are absolute or URLs."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")] = "mathmill"
    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)]
    stages: tuple[StageUse, ...] = ()  # what happens to each page or document, in this order
    problems: tuple[StageUse, ...] = ()  # what happens to each problem found in documents or read from a source
    tokenize: EncodeConfig | None = None
    shards: ShardsConfig = ShardsConfig()
    mixture: MixtureConfig | None = None
    task_bytes: Annotated[int, Field(ge=1 << 16)] = 16 << 20  # input bytes that one task aims at

    _written: str = ""

    def digest(self) -> str:
        """Identify the recipe as it is written, wherever it lies: 32 hex digits."""
        return self._written or self.resolved_digest()

    def resolved_digest(self) -> str:
        """Identify the recipe with its paths, as they are on this machine."""
        return digest(self)


def load_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe file; ConfigError names the line of the first mistake."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"there is no recipe {path}; `mathmill init {path}` writes one") from None
    except OSError as error:
        raise ConfigError(f"cannot read the recipe {path}: {error.strerror}") from error
    return parse_recipe(data, path)


def parse_recipe(data: bytes, path: Path) -> Recipe:
    """Check a recipe's text; `path` names it in errors and is what relative paths start from."""
    document = _Document.parse(data, path)
    context = {"resolve": partial(resolve_path, base=path.resolve().parent)}
    check = partial(document.check, context=context)
    plain = document.value
    written = json.dumps(plain, default=str)
    for key in ("stages", "problems"):
        if isinstance(plain.get(key), list):
            plain[key] = [_stage_use(document, check, (key, i), item) for i, item in enumerate(plain[key])]
    recipe = check(Recipe, plain, ())
    _check_whole(document, recipe)
    recipe._written = digest(json.loads(written))
    return recipe


def _stage_use(document: "_Document", check: Callable[..., Any], place: Place, item: Any) -> dict[str, Any]:
    """Check one item of a stage list: `- name`, or `- name: {configuration}`."""
    if isinstance(item, str):
        name, config = item, None
    elif isinstance(item, dict) and len(item) == 1:
        name, config = next(iter(item.items()))
    else:
        raise document.error(place, "write a stage as `- name` or as `- name: {key: value}`")
    if name not in stage_names():
        raise document.error(place, f"there is no stage {name!r}; there are {', '.join(stage_names())}")
    if not isinstance(config, dict | None):
        raise document.error((*place, name), f"write its settings as a mapping, not {config!r}")
    checked = check(import_class(stage_names()[name]).Config, config or {}, (*place, name))
    for file in checked.file_paths():
        if "://" not in file and not Path(file).exists():
            raise document.error((*place, name), f"there is no file {file}")
    return {"name": name, "config": checked.model_dump(mode="json")}


def _check_whole(document: "_Document", recipe: Recipe) -> None:
    names = [source.name for source in recipe.sources]
    if len(set(names)) != len(names):
        raise document.error(("sources",), "two sources have the same name; ids are made from it")
    used = {use.name for use in (*recipe.stages, *recipe.problems)}
    for i, source in enumerate(recipe.sources):
        if unknown := set(source.skip) - used:
            raise document.error(("sources", i, "skip"), f"{sorted(unknown)[0]!r} is not a stage of this recipe")
        if source.kind == "pages" and "extract" not in used:
            raise document.error(("sources", i), "pages need the stage `extract` in `stages`")
    for key, uses in (("stages", recipe.stages), ("problems", recipe.problems)):
        if [use.name for use in uses].count("dedup") > 1:
            raise document.error((key,), "`dedup` may stand in it once")
    for i, use in enumerate(recipe.problems):
        if use.name == "extract_problems" and i > 0:
            raise document.error(("problems", i), "`extract_problems` comes first: it makes the problems")
    if any(use.name == "extract_problems" for use in recipe.stages):
        raise document.error(("stages",), "`extract_problems` belongs at the head of `problems`")
    for name, text in recipe.shards.groups.items():
        try:
            Selector.parse(text)
        except ConfigError as error:
            raise document.error(("shards", "groups", name), str(error)) from error
    if recipe.mixture is not None:
        if recipe.tokenize is None:
            raise document.error(("mixture",), "a mixture needs `tokenize`")
        for name in recipe.mixture.group_names():
            if name not in recipe.shards.groups:
                groups = ", ".join(recipe.shards.groups)
                raise document.error(("mixture",), f"{name!r} is not one of `shards.groups` ({groups})")
    for source in recipe.sources:
        if source.kind != "problems":
            _check_order(document, "stages", recipe.stages, source, input_schema(source))
        _check_order(document, "problems", recipe.problems, source, PROBLEM)
    for file in recipe.tokenize.file_paths() if recipe.tokenize is not None else []:
        if "://" not in file and not Path(file).exists():
            raise document.error(("tokenize", "tokenizer"), f"there is no file {file}")


def _check_order(
    document: "_Document", key: str, uses: tuple[StageUse, ...], source: SourceConfig, schema: pa.Schema
) -> None:
    """Follow a source's records through a list of stages: each must find the columns that it needs."""
    for i, use in enumerate(uses):
        if use.name in skipped(source) or use.name == "extract_problems":
            continue
        stage_class = import_class(stage_names()[use.name])
        try:
            stage = stage_class(stage_class.Config.model_validate(use.config))
            schema = stage.output_schemas(schema).get(OUT, schema)
        except ConfigError as error:
            raise document.error((key, i, use.name), f"{error} (source {source.name})") from error


def skipped(source: SourceConfig) -> set[str]:
    """Stages that a source does not pass; what is text already has no bytes to look at and needs no extraction."""
    return {*source.skip, *(() if source.kind == "pages" else ("prefilter", "extract"))}


def resolve_path(path: str, base: Path) -> str:
    """Make a recipe's path absolute: URLs stay, `mathmill:NAME` is a file bundled with mathmill.jobs."""
    if path.startswith("mathmill:"):
        return str(resources.files("mathmill.jobs").joinpath(path.removeprefix("mathmill:")))
    if "://" in path:
        return path
    return str((base / Path(path).expanduser()).absolute())


class _Document:
    """A parsed YAML file that remembers the line of every value."""

    def __init__(self, path: Path, value: dict[str, Any], lines: Mapping[Place, int]) -> None:
        self.path, self.value, self._lines = path, value, lines

    @classmethod
    def parse(cls, data: bytes, path: Path) -> "_Document":
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"{path} is {len(data):,} bytes long; a recipe has at most {_MAX_BYTES:,}")
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
            raise ConfigError(f"{path}:1 holds no mapping; `mathmill init` writes an example")
        return cls(path, value, lines)

    def error(self, place: Place, sentence: str) -> ConfigError:
        """A ConfigError that names the line of the nearest value that is in the file."""
        known = place
        while known and known not in self._lines:
            known = known[:-1]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
        line = f"{self.path}:{self._lines.get(known, 1)}"
        return ConfigError(f"{line} {where}: {sentence}" if where else f"{line} {sentence}")

    def check(self, model: type[Model], value: Any, place: Place, context: dict[str, Any]) -> Model:
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
