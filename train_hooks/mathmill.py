"""The hook of the bundled trainer: one process, torchrun, or a Slurm script. It reads shards as they are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mathmill.train_hooks.hook import LaunchSpec
from mathmill.train_hooks.peer import HookConfig, LocalHook, check
from mathmill.train_hooks.trainer.config import Positive
from mathmill.train_hooks.trainer.launch import argv, slurm_script


class MathmillConfig(HookConfig):
    """`nodes`: of a Slurm job with `processes` GPUs on each, which is written and submitted instead of started here."""

    nodes: Positive | None = None


class Mathmill(LocalHook):
    """`train.json`, and with `nodes` a script `job.sh`."""

    Config = MathmillConfig

    def plan(self, manifest: Path, config: Mapping[str, Any]) -> LaunchSpec:
        """See `Hook`."""
        checked = check(MathmillConfig, config, manifest)
        checked.accumulation(checked.processes * (checked.nodes or 1))
        folder = Path(checked.out)
        settings = checked.model_dump(mode="json", exclude={"processes", "nodes"})
        train = folder / "train.json"
        files = {str(train): json.dumps(settings, indent=1, ensure_ascii=False) + "\n"}
        if checked.nodes is None:
            return LaunchSpec(tuple(argv(train, checked.processes)), files=files, folder=folder)
        job = str(folder / "job.sh")
        files[job] = slurm_script(train, folder.name, checked.nodes, checked.processes, folder)
        return LaunchSpec(("sbatch", job), files=files, folder=folder)

    def export(self, manifest: Path, out: Path, data: Mapping[str, Any] | None = None) -> list[Path]:
        """Nothing to write: the trainer reads the manifest's shards, from an object store as well."""
        return [manifest]
