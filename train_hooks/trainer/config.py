"""The configuration of a training run: a small frozen model for each part, with the defaults of the published recipe.

`method: cpt` takes the continued pre-training of arXiv 2501.14002 (global batch 1024, 1e-4 down to 1e-5 by a cosine,
5 % of the rows held out), `method: sft` its fine-tuning (256, three epochs, 1e-5 down to 1e-6). What a file says
replaces the method's defaults; an unknown key is an error that names those that exist.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from mathmill.core.config import Config, DataPath, Probability
from mathmill.core.errors import ConfigError

Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]

METHODS: dict[str, dict[str, Any]] = {
    "cpt": {"global_batch": 1024, "schedule": {"warm_up": 0.01, "floor": 0.1}, "optimizer": {"lr": 1e-4}},
    "sft": {"global_batch": 256, "schedule": {"epochs": 3, "warm_up": 0.03, "floor": 0.1}, "optimizer": {"lr": 1e-5}},
}


class ModelConfig(Config):
    """What training starts from: one of a Hugging Face folder, a GGUF file, and a configuration from scratch."""

    folder: DataPath | None = None
    gguf: DataPath | None = None
    scratch: dict[str, Any] | None = None  # as in config.json: model_type, hidden_size, num_hidden_layers, …
    tokenizer: DataPath | None = None  # a folder whose tokenizer files go beside the weights; default: the model's own

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if sum(value is not None for value in (self.folder, self.gguf, self.scratch)) != 1:
            raise ValueError("name one start: folder (Hugging Face), gguf (a file), or scratch (a configuration)")
        return self


class DataConfig(Config):
    """Shards and the order of their rows. Sequences are as long as the shards' rows.

    validation: shards of their own for the held-out loss, all of whose rows count; then `held_out` may be 0.
    """

    shards: DataPath
    mixture: DataPath | None = None  # its order, once through; else all rows of `groups`, shuffled in each epoch
    groups: tuple[str, ...] | None = None
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.05  # share of each group's rows that is never trained on
    validation: DataPath | None = None
    seed: int = 0  # of the split, and of the order where there is no mixture


class ScheduleConfig(Config):
    """How long, and the learning rate on the way.

    steps: optimizer steps; default: as the data last for `epochs`. warm_up: steps, or a share of them where below 1.
    shape: `cosine` from the peak to floor times it; `wsd`: constant, then linear to the floor over the last `decay`
    of the steps; `constant`.
    """

    steps: Positive | None = None
    epochs: Positive = 1
    shape: Literal["cosine", "wsd", "constant"] = "cosine"
    warm_up: Annotated[float, Field(ge=0)] = 0.01
    floor: Probability = 0.1
    decay: Probability = 0.1


class OptimizerConfig(Config):
    """AdamW and its number formats.

    precision: `fp32`; `bf16-stochastic`, bf16 parameters that are rounded at random in proportion (unbiased, 10 bytes a
    parameter with the default gradients and states); `bf16-masters`, bf16 parameters with fp32 copies in the optimizer.
    gradients: what micro-batches are summed in. states: of the two moments; default bfloat16 with stochastic rounding,
    else float32.
    """

    lr: Rate = 1e-4
    betas: tuple[Probability, Probability] = (0.9, 0.95)
    eps: Rate = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.1  # of matrices; norms and biases have none
    clip: Rate | None = 1.0  # of the global gradient norm
    precision: Literal["fp32", "bf16-stochastic", "bf16-masters"] = "bf16-stochastic"
    gradients: Literal["float32", "bfloat16"] = "float32"
    states: Literal["float32", "bfloat16", "int8"] | None = None

    @property
    def moments(self) -> Literal["float32", "bfloat16", "int8"]:
        """`states`, or what the precision asks for."""
        return self.states or ("bfloat16" if self.precision == "bf16-stochastic" else "float32")


class SpeedConfig(Config):
    """What trades memory, start-up time and speed; results do not depend on it beyond rounding."""

    attention: Literal["auto", "varlen", "flex", "sdpa"] = "auto"
    compile: bool | None = None  # default: on a GPU
    checkpointing: Literal["none", "selective", "full"] = "full"
    loss_chunk: Positive | None = None  # tokens whose logits exist at a time; default: 1 GiB of float32 logits
    fp8: bool = False  # linear layers by torchao; needs a GPU of compute capability 8.9 or newer


class LossConfig(Config):
    """Weights come with the shards; `hard` adds a factor for each segment by its own loss.

    factor = clip((L / R) ** hard, low, high): L is the segment's mean loss in this step, R the running mean of the
    loss over steps (decay 0.99). 0 leaves it out; 1 doubles what is twice as hard as usual. The normaliser stays the
    sum of the shards' weights. Costs one more pass through the output layer.
    """

    hard: Annotated[float, Field(ge=0, le=4)] = 0.0
    low: Rate = 0.5
    high: Rate = 2.0


class CheckpointConfig(Config):
    """When the whole state is saved, and how much of it is kept. `every` counts steps; 0 saves at the end alone."""

    every: Annotated[int, Field(ge=0)] = 500
    keep: Positive = 2
    resume: bool = True  # go on from the newest complete checkpoint in `out`


class ValidationConfig(Config):
    """Loss on held-out rows. The best model by it is kept in `best/`. `every` counts steps; 0 validates at the end."""

    every: Annotated[int, Field(ge=0)] = 250
    at_start: bool = False  # also before the first step
    rows: Positive = 512  # at most, spread evenly over the held-out ones
    labels: tuple[Literal["difficulty", "school_stage", "corpus", "source", "lang", "method"], ...] = (
        "difficulty",
        "school_stage",
        "corpus",
    )


class GuardConfig(Config):
    """What ends or skips steps. spike: a step whose gradient norm is above so many times the median of the last 100 is
    not taken; 0 takes all finite ones. max_skips: in a row, then the run ends. stall: seconds without progress after
    which stacks are printed and the process ends; 0 waits for ever.
    """

    spike: Annotated[float, Field(ge=0)] = 10.0
    max_skips: Positive = 20
    stall: Annotated[float, Field(ge=0)] = 1800.0


class TrainConfig(Config):
    """A whole run."""

    method: Literal["cpt", "sft"] = "cpt"
    model: ModelConfig
    data: DataConfig
    out: DataPath
    global_batch: Positive = 1024  # rows of a step over all ranks and micro-batches
    micro_batch: Positive = 1  # rows that one rank computes at a time
    schedule: ScheduleConfig = ScheduleConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    loss: LossConfig = LossConfig()
    speed: SpeedConfig = SpeedConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    validation: ValidationConfig = ValidationConfig()
    guard: GuardConfig = GuardConfig()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 0  # of a model from scratch, and of stochastic rounding
    log_every: Positive = 1
    tensorboard: bool = True

    @model_validator(mode="before")
    @classmethod
    def _method_defaults(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return _merge(METHODS.get(str(value.get("method", "cpt")), {}), value)

    @field_validator("micro_batch")
    @classmethod
    def _fits(cls, micro_batch: int, info: Any) -> int:
        whole = info.data.get("global_batch")
        if whole is not None and whole % micro_batch:
            raise ValueError(f"global_batch {whole} is not a multiple of micro_batch {micro_batch}")
        return micro_batch

    def accumulation(self, world_size: int) -> int:
        """Micro-batches of a step on each rank; ConfigError where the ranks do not divide the global batch."""
        steps, rest = divmod(self.global_batch, self.micro_batch * world_size)
        if rest:
            raise ConfigError(
                f"global_batch {self.global_batch} is not a multiple of micro_batch {self.micro_batch} times "
                f"{world_size} ranks; change one of them"
            )
        return steps


def _merge(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(defaults) | dict(given)
    for key, value in defaults.items():
        if isinstance(value, Mapping) and isinstance(given.get(key), Mapping):
            merged[key] = _merge(value, given[key])
    return merged


def load_config(path: str | Path) -> TrainConfig:
    """Read a YAML or JSON file; relative paths in it are meant from its folder. ConfigError names the first mistake."""
    path = Path(path)
    try:
        value = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    try:
        return TrainConfig.model_validate(value, context=resolve_from(path.parent))
    except ValidationError as error:
        mistake = error.errors()[0]
        where = ".".join(map(str, mistake["loc"])) or "the file"
        what = "unknown key" if mistake["type"] == "extra_forbidden" else mistake["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{path}: {where}: {what}") from error


def resolve_from(folder: Path) -> dict[str, Any]:
    """The validation context that resolves relative paths against a folder; URLs stay as they are."""
    return {"resolve": lambda path: path if "://" in path else str((folder.absolute() / path).resolve())}


def save_config(config: TrainConfig, path: Path) -> None:
    """Write a configuration as JSON that `load_config` reads, with all paths absolute."""
    path.write_text(json.dumps(config.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n", "utf-8")
