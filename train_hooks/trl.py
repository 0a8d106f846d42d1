"""The hook of TRL: packed rows for `SFTTrainer`, a script of 30 lines, and a configuration of accelerate.

Packed rows stay as they are (`packing=False`, `padding_free=True`): TRL's collator begins positions anew in each
segment, and transformers makes the mask that keeps segments apart from these, also with SDPA (tried with trl 1.16.0 and
transformers 5.23.0). With flash-attn at hand, `settings: {model_init_kwargs: {attn_implementation: flash_attention_2}}`
does the same without a mask.
"""

import json
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from mathmill.tokenize.export import export
from mathmill.tokenize.manifest import Manifest, load
from mathmill.train_hooks.hook import DATA, LaunchSpec
from mathmill.train_hooks.peer import LocalHook, PeerConfig, check, merged, notes, scheduler, selection


class Trl(LocalHook):
    """`train.py`, `train.json` and `accelerate.yaml`; `settings` are of `trl.SFTConfig`."""

    Config = PeerConfig

    def plan(self, manifest: Path, config: Mapping[str, Any]) -> LaunchSpec:
        """See `Hook`."""
        checked = check(PeerConfig, config, manifest)
        folder = Path(checked.out)
        settings = {
            "model": checked.folder(),
            "tokenizer": checked.model.tokenizer or checked.folder(),
            "data": str(folder / DATA),
            "out": str(folder / "model"),
            "held_out": 0 if checked.data.mixture else checked.data.held_out,
            "seed": checked.data.seed,
            "sft": merged(_sft(checked, load(manifest), folder), checked.settings),
        }
        files = {
            "train.py": resources.files("mathmill.train_hooks").joinpath("trl_script.py").read_text("utf-8"),
            "train.json": json.dumps(settings, indent=1, ensure_ascii=False) + "\n",
            "accelerate.yaml": yaml.safe_dump(_accelerate(checked), sort_keys=False),
        }
        command = (sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(folder / "accelerate.yaml"))
        further = ("all rows of a mixture are trained on, and none is held out",) if checked.data.mixture else ()
        return LaunchSpec(
            (*command, str(folder / "train.py")),
            files={str(folder / name): text for name, text in files.items()},
            folder=folder,
            notes=notes(checked, manifest, *further),
        )

    def export(self, manifest: Path, out: Path, data: Mapping[str, Any] | None = None) -> list[Path]:
        """A folder for `datasets.load_from_disk`: input_ids, labels, seq_lengths of each packed row."""
        export(manifest.parent, out, "arrow", selection(data))
        return [out]


def _sft(config: PeerConfig, manifest: Manifest, folder: Path) -> dict[str, Any]:
    optimizer, schedule = config.optimizer, config.schedule
    on_cpu, held_out = config.device == "cpu", bool(config.data.held_out and not config.data.mixture)
    saves = config.checkpoint.every
    return {
        "output_dir": str(folder / "checkpoints"),
        "per_device_train_batch_size": config.micro_batch,
        "gradient_accumulation_steps": config.accumulation(config.processes),
        **({"max_steps": schedule.steps} if schedule.steps else {"num_train_epochs": schedule.epochs}),
        "packing": False,
        "padding_free": True,
        "max_length": None,
        **({"train_sampling_strategy": "sequential"} if config.data.mixture else {}),
        "learning_rate": optimizer.lr,
        **scheduler(config, manifest),
        "warmup_steps": schedule.warm_up,
        "weight_decay": optimizer.weight_decay,
        "adam_beta1": optimizer.betas[0],
        "adam_beta2": optimizer.betas[1],
        "adam_epsilon": optimizer.eps,
        "max_grad_norm": optimizer.clip or 0.0,
        "bf16": optimizer.precision != "fp32" and not on_cpu,
        "gradient_checkpointing": config.speed.checkpointing != "none",
        "model_init_kwargs": {"dtype": "float32", "attn_implementation": "sdpa"},
        **({"save_steps": saves, "save_total_limit": config.checkpoint.keep} if saves else {"save_strategy": "no"}),
        **({"eval_strategy": "steps", "eval_steps": config.validation.every or 1 << 30} if held_out else {}),
        "logging_steps": config.log_every,
        "report_to": ["tensorboard"] if config.tensorboard else [],
        "seed": config.seed,
        "use_cpu": on_cpu,
    }


def _accelerate(config: PeerConfig) -> dict[str, Any]:
    """One process, or FSDP2 over several."""
    plain = {
        "compute_environment": "LOCAL_MACHINE",
        "num_machines": 1,
        "machine_rank": 0,
        "num_processes": config.processes,
        "mixed_precision": "no" if config.optimizer.precision == "fp32" or config.device == "cpu" else "bf16",
        "use_cpu": config.device == "cpu",
    }
    if config.processes == 1:
        return {**plain, "distributed_type": "NO"}
    if config.device == "cpu":
        return {**plain, "distributed_type": "MULTI_CPU"}
    sharding = {
        "fsdp_version": 2,
        "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "fsdp_reshard_after_forward": True,
        "fsdp_cpu_ram_efficient_loading": True,
        "fsdp_state_dict_type": "FULL_STATE_DICT",
    }
    return {**plain, "distributed_type": "FSDP", "fsdp_config": sharding}
