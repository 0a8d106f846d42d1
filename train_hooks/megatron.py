"""The hook of Megatron-LM: `.bin` and `.idx` with a blend, and the arguments of `pretrain_gpt.py`.

Megatron reads every token as a target and cuts the stream of documents where a row is full, so that loss masks, weights
and packing are lost. `--dataloader-inter-document-masking` keeps documents apart (Megatron-LM 0.19 or newer);
the older `--reset-attention-mask` does not, since its mask is not read where attention is causal. The arguments of the
model come from its config.json; its weights have to be converted beforehand.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mathmill.core.config import DataPath
from mathmill.core.errors import ConfigError
from mathmill.tokenize.export import export
from mathmill.tokenize.manifest import Manifest, load
from mathmill.train_hooks.hook import DATA, LaunchSpec, command
from mathmill.train_hooks.peer import LocalHook, PeerConfig, check, merged, notes, selection, steps_of

_BLEND = "blend.txt"

_FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {},
    "qwen2": {"add-qkv-bias": True},
    "qwen3": {"qk-layernorm": True},
}


class MegatronConfig(PeerConfig):
    """`script`: of a checkout of Megatron-LM."""

    script: DataPath = "pretrain_gpt.py"


class Megatron(LocalHook):
    """`train.sh`, which is the command; `settings` are arguments of pretrain_gpt.py without their dashes."""

    Config = MegatronConfig

    def plan(self, manifest: Path, config: Mapping[str, Any]) -> LaunchSpec:
        """See `Hook`."""
        checked = check(MegatronConfig, config, manifest)
        held = load(manifest)
        folder = Path(checked.out)
        tokenizer = checked.model.tokenizer or str(manifest.parent / "tokenizer")
        ours = {**_model(checked), **_training(checked, held), **_data(checked, held, folder, tokenizer)}
        further = ["shuffling is Megatron's own; a mixture keeps its shares and repetitions, not its order"]
        further.append("documents are kept apart by Megatron-LM 0.19 or newer; older ones do not know the argument")
        if held.supervised_tokens < held.tokens:
            further.append(f"Megatron learns all {held.tokens:,} tokens, not only {held.supervised_tokens:,}")
        if checked.model.scratch is None:
            further.append(f"convert {checked.model.folder} to {folder / 'start'} before, with Megatron-Bridge")
        argv = (
            *("torchrun", "--standalone", f"--nproc-per-node={checked.processes}", checked.script),
            *_arguments(merged(ours, checked.settings)),
        )
        said = notes(checked, manifest, *further)
        spec = LaunchSpec(argv, {"CUDA_DEVICE_MAX_CONNECTIONS": "1"}, folder=folder, notes=said)
        script = f"#!/bin/bash\ncd {shlex.quote(str(folder))}\n{command(spec)}\n"
        return replace(spec, files={str(folder / "train.sh"): script})

    def export(self, manifest: Path, out: Path, data: Mapping[str, Any] | None = None) -> list[Path]:
        """Pairs of .bin and .idx in `out/tokens`, and the blend for `--data-args-path` beside them."""
        result = export(manifest.parent, out / "tokens", "megatron", selection(data))
        sizes = {name.removesuffix(".bin"): file["bytes"] for name, file in result["files"].items() if ".bin" in name}
        lines = [f"{size} {(out / 'tokens' / name).resolve()}\n" for name, size in sorted(sizes.items())]
        (out / _BLEND).write_text("".join(lines), "utf-8")
        return [out / "tokens", out / _BLEND]


def _model(config: PeerConfig) -> dict[str, Any]:
    """Arguments for a model's shape; ConfigError for one that Megatron would not compute alike."""
    shape = config.model.scratch or _read_shape(Path(config.folder()))
    family = str(shape.get("model_type"))
    if family not in _FAMILIES:
        raise ConfigError(f"Megatron's arguments are known for {', '.join(_FAMILIES)}, not for the family {family}")
    rope = {**(shape.get("rope_scaling") or {}), **(shape.get("rope_parameters") or {})}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "llama3"):
        raise ConfigError(f"there are no Megatron arguments for rotary positions of the type {kind}")
    try:
        heads, hidden = shape["num_attention_heads"], shape["hidden_size"]
        return {
            "use-mcore-models": True,
            "transformer-impl": "transformer_engine",
            "num-layers": shape["num_hidden_layers"],
            "hidden-size": hidden,
            "ffn-hidden-size": shape["intermediate_size"],
            "num-attention-heads": heads,
            "group-query-attention": True,
            "num-query-groups": shape.get("num_key_value_heads") or heads,
            "kv-channels": shape.get("head_dim") or hidden // heads,
            "max-position-embeddings": shape["max_position_embeddings"],
            "position-embedding-type": "rope",
            "rotary-base": int(rope.get("rope_theta", shape.get("rope_theta", 10_000))),
            **({"use-rope-scaling": True, "rope-scaling-factor": rope["factor"]} if kind == "llama3" else {}),
            "normalization": "RMSNorm",
            "norm-epsilon": shape.get("rms_norm_eps", 1e-6),
            "swiglu": True,
            "disable-bias-linear": True,
            "attention-dropout": 0.0,
            "hidden-dropout": 0.0,
            "untie-embeddings-and-output-weights": not shape.get("tie_word_embeddings", False),
            **_FAMILIES[family],
        }
    except KeyError as error:
        raise ConfigError(f"the model's configuration does not say {error}, which Megatron has to be told") from error


def _read_shape(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder} holds no config.json to read ({error}); name a Hugging Face folder") from error


def _training(config: PeerConfig, manifest: Manifest) -> dict[str, Any]:
    optimizer, schedule, steps = config.optimizer, config.schedule, steps_of(config, manifest)
    shape = {"cosine": "cosine", "wsd": "WSD", "constant": "constant"}[schedule.shape]
    decay = {"lr-wsd-decay-style": "linear", "lr-wsd-decay-iters": max(1, round(schedule.decay * steps))}
    share = {"lr-warmup-fraction": schedule.warm_up}
    return {
        "micro-batch-size": config.micro_batch,
        "global-batch-size": config.global_batch,
        "train-iters": steps,
        "lr": optimizer.lr,
        "min-lr": f"{optimizer.lr * schedule.floor:g}",
        "lr-decay-style": shape,
        **(decay if schedule.shape == "wsd" else {}),
        **(share if schedule.warm_up < 1 else {"lr-warmup-iters": int(schedule.warm_up)}),
        "optimizer": "adam",
        "adam-beta1": optimizer.betas[0],
        "adam-beta2": optimizer.betas[1],
        "adam-eps": optimizer.eps,
        "weight-decay": optimizer.weight_decay,
        "clip-grad": optimizer.clip or 0.0,
        "bf16": optimizer.precision != "fp32",
        "calculate-per-token-loss": True,
        "use-distributed-optimizer": True,
        "log-interval": config.log_every,
        "seed": config.seed + 1,  # Megatron refuses 0
    }


def _data(config: PeerConfig, manifest: Manifest, folder: Path, tokenizer: str) -> dict[str, Any]:
    held_out = 100 * config.data.held_out
    return {
        "seq-length": manifest.seq_len,
        "data-args-path": folder / DATA / _BLEND,
        "data-cache-path": folder / "cache",
        "split": f"{100 - held_out:g},{held_out:g},0",
        "tokenizer-type": "HuggingFaceTokenizer",
        "tokenizer-model": tokenizer,
        "dataloader-inter-document-masking": True,
        "no-create-attention-mask-in-dataloader": True,
        "eval-interval": config.validation.every or 1_000_000,
        "eval-iters": max(1, config.validation.rows // config.global_batch) if held_out else 0,
        "save": folder / "checkpoints",
        "load": folder / "checkpoints",
        **({} if config.model.scratch else {"pretrained-checkpoint": folder / "start"}),
        "save-interval": config.checkpoint.every or 1_000_000,
        **({"tensorboard-dir": folder / "tensorboard"} if config.tensorboard else {}),
    }


def _arguments(values: Mapping[str, Any]) -> list[str]:
    """Settings as arguments: true is a flag, false none, a list several values."""
    arguments: list[str] = []
    for name, value in values.items():
        if value is False:
            continue
        arguments.append(f"--{name}")
        if isinstance(value, list | tuple):
            arguments += map(str, value)
        elif value is not True:
            arguments.append(str(value))
    return arguments
