"""Models of the Llama, Qwen2, Qwen2.5, Qwen3 and Mistral families: transformers' own code with our attention and loss.

What goes in and out is a Hugging Face folder, so that nothing is converted; a GGUF file is dequantized by transformers
and copied into a plain model first. `LanguageModel` keeps loss and model in one module, since FSDP gathers the weights
of the output layer only inside of its root's forward pass.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from mathmill.core.errors import ConfigError, DataError
from mathmill.train_hooks.trainer.attention import NAME, Backend, segments_of
from mathmill.train_hooks.trainer.config import LossConfig, ModelConfig
from mathmill.train_hooks.trainer.data import MicroBatch
from mathmill.train_hooks.trainer.durable import publish_folder
from mathmill.train_hooks.trainer.loss import hard_factors, linear_cross_entropy, token_losses

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
"""Values of `model_type` that are tested. Others have attention, norms or losses of their own."""

_OLD_SETTINGS = ("rope_theta", "rope_scaling")  # of config.json before transformers 5, which still reads them

_TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.model", "vocab.json", "merges.txt",
    "added_tokens.json", "chat_template.jinja",
)  # fmt: skip


class LanguageModel(nn.Module):
    """A transformers model with the loss inside. backend: of attention."""

    def __init__(self, model: PreTrainedModel, backend: Backend, chunk: int, compiled: bool = False) -> None:
        super().__init__()
        self.model, self.backend, self._chunk, self._compiled = model, backend, chunk, compiled
        self._window = getattr(model.config, "sliding_window", None)

    @property
    def vocab_size(self) -> int:
        return int(self.model.config.vocab_size)

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder's blocks."""
        return self.model.model.layers

    def hidden_states(self, batch: MicroBatch) -> torch.Tensor:
        """What the output layer reads, (n, seq_len, d)."""
        return self(batch, what="hidden")

    def forward(
        self, batch: MicroBatch, scale: float = 1.0, hard: LossConfig | None = None, running: float = 0.0,
        what: str = "loss",
    ) -> Any:  # fmt: skip
        """The loss of a micro-batch and of each target.

        Returns (scale times the weighted sum of cross-entropies, float32 with gradients; float32 (n_supervised,) each
        target's own). hard and running: see `hard_factors`; left out where running is 0. what: "losses" gives the
        second alone, "hidden" the hidden states.
        """
        segments = segments_of(batch, self.backend, self._window)
        hidden = self.model.model(
            input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False, **segments.arguments()
        ).last_hidden_state
        if what == "hidden":
            return hidden
        states = hidden.flatten(0, 1).index_select(0, batch.sources)
        output: torch.Tensor = self.model.lm_head.weight
        if what == "losses":
            return token_losses(states, output, batch.targets, self._chunk, self._compiled)
        weights = batch.weights * scale
        if hard is not None and hard.hard and running:
            known = token_losses(states.detach(), output.detach(), batch.targets, self._chunk, self._compiled)
            weights = weights * hard_factors(
                known, batch.weights, batch.segment, batch.n_segments, running, hard.hard, hard.low, hard.high
            )
        return linear_cross_entropy(states, output, batch.targets, weights, self._chunk, self._compiled)


def load_model(config: ModelConfig, dtype: torch.dtype, seed: int) -> PreTrainedModel:
    """Load or make a model on the CPU, in `dtype`, to be trained. ConfigError for a family that is not known."""
    if config.scratch is not None:
        model = _from_scratch(config.scratch, seed)
    elif config.gguf is not None:
        model = _from_gguf(Path(config.gguf))
    else:
        model = _from_folder(Path(str(config.folder)), dtype)
    nn.Module.to(model, dtype=dtype)
    model.config._attn_implementation = NAME
    model.config.use_cache = False
    return model.train()


def read_shape(config: ModelConfig) -> PretrainedConfig:
    """A model's configuration without its weights."""
    if config.scratch is not None:
        return _scratch_config(config.scratch)
    if config.gguf is not None:
        path = Path(config.gguf)
        found = AutoConfig.from_pretrained(path.parent, gguf_file=path.name)
    else:
        found = _folder_config(Path(str(config.folder)))
    return _known(found)


def _known(config: PretrainedConfig) -> PretrainedConfig:
    if config.model_type not in FAMILIES:
        raise ConfigError(
            f"models of type {config.model_type!r} are not trained here; there are {', '.join(FAMILIES)}; "
            "export the shards for another trainer with `mathmill shards export`"
        )
    return config


def _scratch_config(values: dict[str, Any]) -> PretrainedConfig:
    values = dict(values)
    kind = values.pop("model_type", None)
    if kind not in FAMILIES:
        raise ConfigError(f"model.scratch.model_type: {kind!r} is none of {', '.join(FAMILIES)}")
    known = AutoConfig.for_model(kind)
    if unknown := sorted(key for key in values if not hasattr(known, key) and key not in _OLD_SETTINGS):
        raise ConfigError(f"model.scratch.{unknown[0]}: {kind} has no such setting; config.json of a model shows them")
    return AutoConfig.for_model(kind, **values)


def _from_scratch(values: dict[str, Any], seed: int) -> PreTrainedModel:
    config = _scratch_config(values)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]


def _folder_config(folder: Path) -> PretrainedConfig:
    if not (folder / "config.json").is_file():
        raise DataError(f"{folder} holds no config.json; model.folder is a Hugging Face model's folder")
    return AutoConfig.from_pretrained(folder, local_files_only=True)


def _from_folder(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    _known(_folder_config(folder))
    if not list(folder.glob("*.safetensors")):
        raise DataError(f"{folder} holds no *.safetensors; weights in other formats could run code and are not read")
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True, use_safetensors=True)


def _from_gguf(path: Path) -> PreTrainedModel:
    if not path.is_file():
        raise DataError(f"{path}: there is no such GGUF file")
    plainly = getattr(transformers, "GgufConfig", None)  # transformers 5.23 may leave weights packed; 5.0 never does
    wanted: dict[str, Any] = {"quantization_config": plainly(dequantize=True)} if plainly is not None else {}
    read = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32, **wanted)
    _known(read.config)
    shape = type(read.config).from_dict(
        {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
    )
    plain = AutoModelForCausalLM.from_config(shape, dtype=torch.float32)  # type: ignore[no-untyped-call]
    plain.load_state_dict(read.state_dict())  # the one that was read refuses to be saved
    plain.generation_config = read.generation_config
    return plain


def save_model(model: PreTrainedModel, folder: Path, weights: dict[str, torch.Tensor], config: ModelConfig) -> None:
    """Write a Hugging Face folder: safetensors, config, generation config and the tokenizer's files.

    weights: by the model's own names, on the CPU. The folder appears whole or not at all.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model.config.use_cache = True
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model.save_pretrained(partial, state_dict=weights)
    finally:
        model.config.use_cache = False
    for file in _tokenizer_files(config):
        shutil.copyfile(file, partial / file.name)
    publish_folder(partial, folder)


def _tokenizer_files(config: ModelConfig) -> Iterator[Path]:
    source = config.tokenizer or config.folder
    if source is not None:
        if config.tokenizer and not Path(source).is_dir():
            raise DataError(f"model.tokenizer: {source} is no folder")
        yield from (Path(source) / name for name in _TOKENIZER_FILES if (Path(source) / name).is_file())
