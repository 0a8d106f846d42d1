"""The hook of LLaMA-Factory: packed rows as its tokenized data set, a YAML configuration and a dataset_info.json.

Rows carry the numbers of their segments as attention mask, which is how `neat_packing` marks them; with SDPA its
collator makes the mask over pairs of tokens that keeps segments apart. FlashAttention there relies on a patch of
transformers, and on rows that end in padding, which ours need not. `stage` is sft for continued pre-training, too: `pt`
takes all tokens for targets.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mathmill.tokenize.manifest import Manifest, load
from mathmill.train_hooks.hook import DATA, LaunchSpec
from mathmill.train_hooks.peer import LocalHook, PeerConfig, check, export_dataset, merged, notes, scheduler

_NAME = "mathmill"


class LlamaFactory(LocalHook):
    """`llamafactory.yaml` and `dataset_info.json`; `settings` are keys of the former."""

    Config = PeerConfig

    def plan(self, manifest: Path, config: Mapping[str, Any]) -> LaunchSpec:
        """See `Hook`."""
        checked = check(PeerConfig, config, manifest)
        folder = Path(checked.out)
        path = str(folder / "llamafactory.yaml")
        settings = merged(_settings(checked, load(manifest), folder), checked.settings)
        # the name has to be registered although the tokenized folder is what is read
        info = {_NAME: {"file_name": f"{DATA}/train"}}
        further = ["all rows are trained on: LLaMA-Factory holds nothing of a tokenized data set out"]
        if checked.processes > 1:
            further.append("each GPU holds the whole model; name a `deepspeed` or `fsdp` configuration in settings")
        return LaunchSpec(
            ("llamafactory-cli", "train", path),
            env={"FORCE_TORCHRUN": "1", "NPROC_PER_NODE": str(checked.processes)},
            files={
                path: yaml.safe_dump(settings, sort_keys=False, allow_unicode=True),
                str(folder / "dataset_info.json"): json.dumps(info, indent=1) + "\n",
            },
            folder=folder,
            notes=notes(checked, manifest, *further),
        )

    def export(self, manifest: Path, out: Path, data: Mapping[str, Any] | None = None) -> list[Path]:
        """A folder of splits for `datasets.load_from_disk`, one packed row a record."""
        return export_dataset(manifest, out, data, by_segment=False)


def _settings(config: PeerConfig, manifest: Manifest, folder: Path) -> dict[str, Any]:
    optimizer, schedule = config.optimizer, config.schedule
    warm_up = {"warmup_ratio": schedule.warm_up} if schedule.warm_up < 1 else {"warmup_steps": int(schedule.warm_up)}
    return {
        "model_name_or_path": config.folder(),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "full",
        "dataset": _NAME,
        "dataset_dir": str(folder),
        "tokenized_path": str(folder / DATA),
        "template": "empty",
        "cutoff_len": manifest.seq_len,
        "packing": True,
        "neat_packing": True,
        "flash_attn": "sdpa",
        **({"disable_shuffling": True} if config.data.mixture else {}),
        "output_dir": str(folder / "model"),
        "per_device_train_batch_size": config.micro_batch,
        "gradient_accumulation_steps": config.accumulation(config.processes),
        **({"max_steps": schedule.steps} if schedule.steps else {"num_train_epochs": float(schedule.epochs)}),
        "learning_rate": optimizer.lr,
        **scheduler(config, manifest),
        **warm_up,
        "adam_beta1": optimizer.betas[0],
        "adam_beta2": optimizer.betas[1],
        "adam_epsilon": optimizer.eps,
        "weight_decay": optimizer.weight_decay,
        "max_grad_norm": optimizer.clip or 0.0,
        "bf16": optimizer.precision != "fp32",
        "disable_gradient_checkpointing": config.speed.checkpointing == "none",
        "logging_steps": config.log_every,
        **({"save_steps": config.checkpoint.every} if config.checkpoint.every else {"save_strategy": "no"}),
        "save_total_limit": config.checkpoint.keep,
        "report_to": "tensorboard" if config.tensorboard else "none",
        "seed": config.seed,
        "ddp_timeout": 180000000,
    }
