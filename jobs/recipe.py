"""A recipe: one YAML file that says sources, stages, shards, mixture and training.

Every mistake in it is one sentence that names the file, the line and the key, and says what is allowed there:
`recipe.yaml:14 stages[2].classify.threshold: 1.4 is above 1`.
"""

import json
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from mathmill.core.config import Config, Probability, digest
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import CONVERSATION, PROBLEM
from mathmill.core.stage import OUT
from mathmill.curation.readers import input_schema
from mathmill.curation.readers.source import SourceConfig
from mathmill.jobs.hand_off import checked_config, recipe_config
from mathmill.jobs.registry import import_class, stage_names
from mathmill.jobs.yaml_file import Place, YamlFile
from mathmill.tokenize.encode import EncodeConfig
from mathmill.tokenize.mixture_config import MixtureConfig
from mathmill.tokenize.packing import BEST_FIT, Strategy
from mathmill.tokenize.select import Selector
from mathmill.train_hooks.hook import hook_names


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
    packing: Strategy = BEST_FIT


class FormulaLossConfig(Config):
    """`formula_loss:` in a recipe: when a site's loss of formulas is worth an alarm, and what then happens."""

    above: Probability = 0.01  # share of the formulas found on a site that may be lost
    formulas: Annotated[int, Field(ge=1)] = 100  # found on a site at least, before its share says something
    then: Literal["warn", "fail"] = "warn"


class TrainUse(Config):
    """`train:` in a recipe: the hook that takes the shards over, its settings, and whether it is started.

    config: as in a file for `mathmill train`, without `out` and `data.shards`, which are the run's own.
    """

    hook: str = "mathmill"
    config: dict[str, Any] = {}
    launch: bool = False


class Recipe(Config):
    """A whole recipe, checked; paths in it are absolute or URLs."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")] = "mathmill"
    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)]
    stages: tuple[StageUse, ...] = ()  # what happens to each page or document, in this order
    problems: tuple[StageUse, ...] = ()  # what happens to each problem found in documents or read from a source
    conversations: tuple[StageUse, ...] = ()  # what happens to each conversation read from a source
    tokenize: EncodeConfig | None = None
    shards: ShardsConfig = ShardsConfig()
    mixture: MixtureConfig | None = None
    train: TrainUse | None = None  # on the shards, when they are there
    formula_loss: FormulaLossConfig = FormulaLossConfig()
    task_bytes: Annotated[int, Field(ge=1 << 16)] = 16 << 20  # input bytes that one task aims at

    _written: str = ""

    def stage_lists(self) -> dict[str, tuple[StageUse, ...]]:
        """The stages of each list, by its key."""
        return {"stages": self.stages, "problems": self.problems, "conversations": self.conversations}

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
    document = YamlFile.parse(data, path)
    context = {"resolve": partial(resolve_path, base=path.resolve().parent)}
    check = partial(document.check, context=context)
    plain = document.value
    written = json.dumps({key: value for key, value in plain.items() if key != "train"}, default=str)
    for key in ("stages", "problems", "conversations"):
        if isinstance(plain.get(key), list):
            plain[key] = [_stage_use(document, check, (key, i), item) for i, item in enumerate(plain[key])]
    if isinstance(plain.get("train"), dict):
        plain["train"] = _train_use(document, plain["train"], context["resolve"])
    recipe = check(Recipe, plain, ())
    _check_whole(document, recipe)
    recipe._written = digest(json.loads(written))
    return recipe


def _stage_use(document: YamlFile, check: Callable[..., Any], place: Place, item: Any) -> dict[str, Any]:
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


def _train_use(document: YamlFile, use: dict[str, Any], resolve: Callable[[str], str]) -> dict[str, Any]:
    """Check `train:` as far as it can be before there are shards; paths in it become absolute."""
    name, config, place = use.get("hook", "mathmill"), use.get("config") or {}, ("train", "config")
    if name not in hook_names():
        raise document.error(("train", "hook"), f"there is no hook {name!r}; there are {', '.join(hook_names())}")
    if not isinstance(config, dict) or not isinstance(config.get("data") or {}, dict):
        raise document.error(place, "write the settings of the trainer as a mapping")
    data = config.get("data") or {}
    for key, inside, its_place in (("out", config, place), ("shards", data, (*place, "data"))):
        if key in inside:
            raise document.error((*its_place, key), "leave it out: it is the run's own")
    checked = checked_config(name, document, place, recipe_config(name, config, "."), resolve)
    data = {key: value for key, value in checked["data"].items() if key != "shards"}
    return {**use, "config": {**{key: value for key, value in checked.items() if key != "out"}, "data": data}}


def _check_whole(document: YamlFile, recipe: Recipe) -> None:
    names = [source.name for source in recipe.sources]
    if len(set(names)) != len(names):
        raise document.error(("sources",), "two sources have the same name; ids are made from it")
    used = {use.name for use in (*recipe.stages, *recipe.problems, *recipe.conversations)}
    for i, source in enumerate(recipe.sources):
        if unknown := set(source.skip) - used:
            raise document.error(("sources", i, "skip"), f"{sorted(unknown)[0]!r} is not a stage of this recipe")
        if source.kind == "pages" and "extract" not in used:
            raise document.error(("sources", i), "pages need the stage `extract` in `stages`")
    for key, uses in recipe.stage_lists().items():
        if [use.name for use in uses].count("dedup") > 1:
            raise document.error((key,), "`dedup` may stand in it once")
    for i, use in enumerate(recipe.problems):
        if use.name == "extract_problems" and i > 0:
            raise document.error(("problems", i), "`extract_problems` comes first: it makes the problems")
    for key in ("stages", "conversations"):
        if any(use.name == "extract_problems" for use in recipe.stage_lists()[key]):
            raise document.error((key,), "`extract_problems` belongs at the head of `problems`")
    for name, text in recipe.shards.groups.items():
        try:
            Selector.parse(text)
        except ConfigError as error:
            raise document.error(("shards", "groups", name), str(error)) from error
    if recipe.train is not None and recipe.tokenize is None:
        raise document.error(("train",), "training needs shards; add `tokenize`")
    if recipe.mixture is not None:
        if recipe.tokenize is None:
            raise document.error(("mixture",), "a mixture needs `tokenize`")
        points = recipe.mixture.curriculum.points if recipe.mixture.curriculum is not None else ()
        named: list[tuple[Place, str]] = [(("groups",), name) for name in recipe.mixture.groups]
        named += [(("curriculum", "points", i, "groups"), name) for i, p in enumerate(points) for name in p.groups]
        for place, name in named:
            if name not in recipe.shards.groups:
                groups = ", ".join(recipe.shards.groups)
                raise document.error(("mixture", *place, name), f"{name!r} is not one of `shards.groups` ({groups})")
    _check_conversations(document, recipe)
    for source in recipe.sources:
        if source.kind == "conversations":
            _check_order(document, "conversations", recipe.conversations, source, CONVERSATION)
            continue
        if source.kind != "problems":
            _check_order(document, "stages", recipe.stages, source, input_schema(source))
        _check_order(document, "problems", recipe.problems, source, PROBLEM)
    for file in recipe.tokenize.file_paths() if recipe.tokenize is not None else []:
        if "://" not in file and not Path(file).exists():
            raise document.error(("tokenize", "tokenizer"), f"there is no file {file}")


def _check_conversations(document: YamlFile, recipe: Recipe) -> None:
    """Where there are conversations, something has to make texts of them, and shards have to take them."""
    if recipe.tokenize is None or all(source.kind != "conversations" for source in recipe.sources):
        return
    if recipe.tokenize.chat is None:
        raise document.error(("tokenize",), "conversations become texts by a chat template; add `chat: {template: …}`")
    if all(Selector.parse(text).corpus != "conversations" for text in recipe.shards.groups.values()):
        raise document.error(("shards", "groups"), "none of the groups takes conversations; add `chats: conversations`")


def _check_order(
    document: YamlFile, key: str, uses: tuple[StageUse, ...], source: SourceConfig, schema: pa.Schema
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
