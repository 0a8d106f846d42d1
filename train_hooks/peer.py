"""What the hooks of other trainers have in common: the configuration of ours, and packed rows as a tokenized data set.

A configuration says the same for every trainer (model, data, schedule, optimizer, batch), so that `--hook` is all that
changes; `settings` are the trainer's own keys, which replace or add to what a hook writes. What a trainer cannot take
becomes a note, and what would train on something else than was asked an error.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from mathmill.core.errors import ConfigError
from mathmill.tokenize.export import export
from mathmill.tokenize.exports.rows import ExportRows, Selection
from mathmill.tokenize.manifest import Manifest
from mathmill.tokenize.mixture import Mixture
from mathmill.tokenize.reader import ShardReader
from mathmill.train_hooks.hook import LaunchSpec, LocalProcess, with_shards
from mathmill.train_hooks.trainer.config import Positive, TrainConfig


class HookConfig(TrainConfig):
    """A training run as the bundled trainer has it, and on how many processes."""

    processes: Positive = 1  # of this machine, one a GPU


class PeerConfig(HookConfig):
    """A training run for another trainer. settings: keys of its own configuration."""

    settings: dict[str, Any] = {}

    def folder(self) -> str:
        """The Hugging Face folder that training starts from; ConfigError for another start."""
        if self.model.folder is None:
            raise ConfigError("this trainer starts from a Hugging Face folder alone; name one as model.folder")
        return self.model.folder


class LocalHook:
    """Starts what was planned on this machine."""

    def launch(self, spec: LaunchSpec) -> LocalProcess:
        """See `Hook`."""
        return LocalProcess(spec)


Checked = TypeVar("Checked", bound=TrainConfig)


def check(model: type[Checked], config: Mapping[str, Any], manifest: Path) -> Checked:
    """A configuration for the shards of a manifest; ConfigError names the first mistake."""
    try:
        return model.model_validate(with_shards(config, manifest.parent))
    except ValidationError as error:
        mistake = error.errors()[0]
        what = "unknown key" if mistake["type"] == "extra_forbidden" else mistake["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{'.'.join(map(str, mistake['loc'])) or 'training'}: {what}") from error


def selection(data: Mapping[str, Any] | None) -> Selection:
    """Which rows `data:` asks for, and in which order."""
    data = data or {}
    mixture = data.get("mixture")
    return Selection(None if mixture is None else Mixture.load(mixture), tuple(data.get("groups") or ()))


def steps_of(config: TrainConfig, manifest: Manifest) -> int:
    """Optimizer steps: as the schedule says, else as many as the rows last."""
    if config.schedule.steps is not None:
        return config.schedule.steps
    if config.data.mixture is not None:
        rows = float(Mixture.load(config.data.mixture).rows)
    else:
        names = config.data.groups or manifest.groups
        rows = sum(manifest.groups[name].rows for name in names if name in manifest.groups)
        rows *= config.schedule.epochs * (1 - config.data.held_out)
    return max(1, int(rows // config.global_batch))


def scheduler(config: TrainConfig, manifest: Manifest) -> dict[str, Any]:
    """The learning rate's course in the terms of `transformers`."""
    schedule = config.schedule
    if schedule.shape == "constant":
        return {"lr_scheduler_type": "constant_with_warmup"}
    if schedule.shape == "cosine":
        return {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr_rate": schedule.floor}}
    decay = max(1, round(schedule.decay * steps_of(config, manifest)))
    kwargs = {"num_decay_steps": decay, "decay_type": "linear", "min_lr_ratio": schedule.floor}
    return {"lr_scheduler_type": "warmup_stable_decay", "lr_scheduler_kwargs": kwargs}


def notes(config: TrainConfig, manifest: Path, *further: str) -> tuple[str, ...]:
    """What another trainer does not take of a configuration and of the shards."""
    data = {"mixture": config.data.mixture, "groups": config.data.groups}
    found = list(further)
    if ExportRows(ShardReader(manifest.parent), selection(data)).weighted:
        found.append("these shards weigh tokens, and this trainer weighs all supervised ones alike")
    if config.loss.hard:
        found.append("loss.hard is left out: it is of the bundled trainer")
    if config.data.validation is not None:
        found.append("data.validation is left out: it is of the bundled trainer")
    return tuple(found)


def merged(ours: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Our settings with the user's in their place; mappings in them are merged alike, null removes a key."""
    result = dict(ours)
    for key, value in settings.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


def export_dataset(manifest: Path, out: Path, data: Mapping[str, Any] | None, by_segment: bool) -> list[Path]:
    """Write `out/train`, a data set for `datasets.load_from_disk`, and let `out` be one of splits; returns the folder.

    Columns input_ids, attention_mask and labels (int32 lists) and no others, since collators pad what they find.
    by_segment: a record is a segment, with a mask of ones; else a packed row, whose mask numbers its segments from 1.
    """
    scratch, folder = out / "rows", out / "train"
    export(manifest.parent, scratch, "arrow", selection(data), columns=() if by_segment else ("attention_mask",))
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    change = _segments if by_segment else _rows
    for path in sorted((scratch / "data").glob("*.arrow")):
        _rewrite(path, folder / "data" / path.name, change)
    for name in ("state.json", "dataset_info.json"):
        shutil.copyfile(scratch / name, folder / name)
    (out / "dataset_dict.json").write_text(json.dumps({"splits": ["train"]}), "utf-8")
    shutil.rmtree(scratch)
    return [folder]


_LIST = pa.list_(pa.int32())
_TRAIN = pa.schema([pa.field(name, _LIST) for name in ("input_ids", "attention_mask", "labels")])


def _rewrite(source: Path, target: Path, change: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
    with (
        pa.memory_map(str(source)) as mapped,
        pa.ipc.open_stream(mapped) as batches,
        pa.ipc.new_stream(str(target), _TRAIN) as writer,
    ):
        for batch in batches:
            writer.write_batch(change(batch))


def _rows(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([batch.column(name) for name in _TRAIN.names], schema=_TRAIN)


def _segments(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Packed rows as their segments."""
    lengths = batch.column("seq_lengths").flatten().to_numpy()
    starts = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    ids, labels = (batch.column(name).flatten() for name in ("input_ids", "labels"))
    ones = pa.array(np.ones(len(ids), np.int32))
    arrays = [pa.ListArray.from_arrays(starts, values) for values in (ids, ones, labels)]
    return pa.RecordBatch.from_arrays(arrays, schema=_TRAIN)
