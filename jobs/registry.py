"""Stages by name: the entry points `mathmill.stages`, ours and anybody's, and their place in a task's identity."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from mathmill.core.config import Config, digest, file_digest
from mathmill.core.errors import ConfigError
from mathmill.core.remote import filesystem
from mathmill.core.stage import BatchStage, Stage
from mathmill.core.storage import operating, retry


class StageSpec(Config):
    """A configured stage that can travel to another process: its class by name, its configuration as plain values."""

    name: str
    cls: str  # "module:Class"
    version: int
    config: dict[str, Any]
    identity: str  # digest of name, version, configuration and of the files that it reads

    def load(self) -> Stage:
        """Import the class and make the stage; ConfigError where it cannot be imported."""
        stage_class = import_class(self.cls)
        return stage_class(stage_class.Config.model_validate(self.config))

    def files(self) -> list[str]:
        """Files of its own that the stage reads: models, benchmarks, lists."""
        return import_class(self.cls).Config.model_validate(self.config).file_paths()


def stage_spec(cls: str, config: dict[str, Any]) -> StageSpec:
    """Describe a stage. Its identity depends on what is in the files that it reads (models, benchmarks, tokenizer),
    not on where they lie.
    """
    stage_class = import_class(cls)
    checked = stage_class.Config.model_validate(config)
    plain = checked.model_dump(mode="json")
    digests = {path: _digest_of(path) for path in checked.file_paths()}
    contents = {path: f"content:{found}" for path, found in digests.items()}
    named = [stage_class.name, stage_class.version, replace_strings(plain, contents), sorted(digests.values())]
    return StageSpec(name=stage_class.name, cls=cls, version=stage_class.version, config=plain, identity=digest(named))


def row_stage_spec(use: str | Mapping[str, Mapping[str, Any] | None]) -> StageSpec:
    """A stage for somebody else's pipeline, which sees one batch of rows after the other: "name", {"name": settings},
    or "module:Class" for the name. Raises ConfigError, also for a stage that needs the whole corpus.
    """
    if isinstance(use, str):
        name, config = use, None
    elif isinstance(use, Mapping) and len(use) == 1:
        name, config = next(iter(use.items()))
    else:
        raise ConfigError(f'write a stage as "name" or as {{"name": {{...}}}}, not {use!r}')
    if name not in stage_names() and ":" not in name:
        raise ConfigError(f"there is no stage {name!r}; there are {', '.join(stage_names())}")
    cls = stage_names().get(name, name)
    stage_class = import_class(cls)
    if not issubclass(stage_class, BatchStage) or stage_class.side_inputs:
        raise ConfigError(f"{name} needs the whole corpus, not one row after the other; run it in a recipe")
    try:
        return stage_spec(cls, dict(config or {}))
    except ValidationError as error:
        mistake = error.errors()[0]
        place = ".".join(map(str, (name, *mistake["loc"])))
        raise ConfigError(f"{place}: {mistake['msg']} (it is {mistake['input']!r})") from error


def _digest_of(path: str) -> str:
    """Digest of a file's content; of a folder's files; of what an object store says of a remote file."""
    fs, root = filesystem(path)
    fs.invalidate_cache(root)
    with operating(f"cannot read {path}"):
        if not retry(lambda: fs.exists(root)):
            raise ConfigError(f"there is no file {path}")
        if "file" not in fs.protocol:
            found = sorted(retry(lambda: fs.find(root, detail=True)).items())
            keys = ("ETag", "size", "LastModified", "mtime")
            return digest([[name.removeprefix(root), *(str(info.get(key)) for key in keys)] for name, info in found])
    files = [root] if fs.isfile(root) else sorted(fs.find(root))
    return digest([[file.removeprefix(root), file_digest(file)] for file in files])


def replace_strings(value: Any, names: Mapping[str, str]) -> Any:
    """A JSON-like value with some of its strings replaced."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [replace_strings(item, names) for item in value]
    if isinstance(value, dict):
        return {key: replace_strings(item, names) for key, item in value.items()}
    return value


@cache
def stage_names() -> dict[str, str]:
    """Every registered stage: its name in recipes, and its class as "module:Class"."""
    return {point.name: point.value for point in sorted(entry_points(group="mathmill.stages"), key=lambda p: p.name)}


@cache
def import_class(name: str) -> type[BatchStage]:
    """Import a stage class from "module:Class"."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the stage {name} cannot be imported: {error}") from error
