"""The hook of axolotl: segments as a tokenized data set, and a YAML configuration.

axolotl packs by itself, and only for rows of its own packing does it keep segments apart; it is therefore given one
segment a record and `sample_packing`. That a data set is tokenized it sees by its columns (input_ids, attention_mask,
labels), and `type` stays empty.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mathmill.tokenize.manifest import Manifest, load
from mathmill.train_hooks.hook import DATA, LaunchSpec
from mathmill.train_hooks.peer import LocalHook, PeerConfig, check, export_dataset, merged, notes, steps_of


class Axolotl(LocalHook):
    """`axolotl.yaml`; `settings` are keys of it."""

    Config = PeerConfig

    def plan(self, manifest: Path, config: Mapping[str, Any]) -> LaunchSpec:
        """See `Hook`."""
        checked = check(PeerConfig, config, manifest)
        folder = Path(checked.out)
        path = str(folder / "axolotl.yaml")
        settings = merged(_settings(checked, load(manifest), folder), checked.settings)
        launcher = ("--launcher", "torchrun", "--", f"--nproc_per_node={checked.processes}")
        further = ["axolotl packs the segments anew, by its own order and to its own number of rows"]
        if checked.schedule.shape == "wsd":
            further.append("schedule.shape wsd becomes a constant rate after the warm-up: axolotl has no such key")
        return LaunchSpec(
            ("axolotl", "train", path, *(launcher if checked.processes > 1 else ())),
            files={path: yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)},
            folder=folder,
            notes=notes(checked, manifest, *further),
        )

    def export(self, manifest: Path, out: Path, data: Mapping[str, Any] | None = None) -> list[Path]:
        """A folder `train` for `datasets.load_from_disk`, one segment a record."""
        return export_dataset(manifest, out, data, by_segment=True)


def _settings(config: PeerConfig, manifest: Manifest, folder: Path) -> dict[str, Any]:
    optimizer, schedule = config.optimizer, config.schedule
    warm_up = {"warmup_ratio": schedule.warm_up} if schedule.warm_up < 1 else {"warmup_steps": int(schedule.warm_up)}
    cosine = schedule.shape == "cosine"
    return {
        "base_model": config.folder(),
        **({"tokenizer_config": config.model.tokenizer} if config.model.tokenizer else {}),
        "datasets": [{"path": str(folder / DATA / "train"), "type": None}],
        "dataset_prepared_path": str(folder / "prepared"),
        "val_set_size": 0 if config.data.mixture else config.data.held_out,
        "sequence_len": manifest.seq_len,
        "sample_packing": True,
        "pad_to_sequence_len": True,
        **({"shuffle_merged_datasets": False, "curriculum_sampling": True} if config.data.mixture else {}),
        "output_dir": str(folder / "model"),
        "micro_batch_size": config.micro_batch,
        "gradient_accumulation_steps": config.accumulation(config.processes),
        **({"max_steps": steps_of(config, manifest)} if schedule.steps else {"num_epochs": schedule.epochs}),
        "optimizer": "adamw_torch_fused",
        "adam_beta1": optimizer.betas[0],
        "adam_beta2": optimizer.betas[1],
        "adam_epsilon": optimizer.eps,
        "weight_decay": optimizer.weight_decay,
        "max_grad_norm": optimizer.clip or 0.0,
        "learning_rate": optimizer.lr,
        "lr_scheduler": "cosine" if cosine else "constant_with_warmup",
        **({"cosine_min_lr_ratio": schedule.floor} if cosine else {}),
        **warm_up,
        "bf16": optimizer.precision != "fp32",
        "flash_attention": True,
        "gradient_checkpointing": config.speed.checkpointing != "none",
        "logging_steps": config.log_every,
        **({"save_steps": config.checkpoint.every} if config.checkpoint.every else {"save_strategy": "no"}),
        "save_total_limit": config.checkpoint.keep,
        "seed": config.seed,
    }
