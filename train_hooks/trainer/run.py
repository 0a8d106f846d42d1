"""A training run from its configuration to a checkpoint, in the order in which it happens.

A step: the ranks agree on the weights of the global batch, each goes through its micro-batches, one update. Everything
that decides a step is either computed from its number (rows, learning rate, rounding) or in the checkpoint, so that a
run that was killed gives the losses of an undisturbed one, bit for bit on a CPU.
"""

import json
import math
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from mathmill.core.errors import ConfigError
from mathmill.train_hooks.trainer.attention import choose_backend
from mathmill.train_hooks.trainer.checkpoint import Checkpoints, Saved, parts_of
from mathmill.train_hooks.trainer.config import TrainConfig, save_config
from mathmill.train_hooks.trainer.data import Data, micro_batches, open_data
from mathmill.train_hooks.trainer.durable import point_link
from mathmill.train_hooks.trainer.flops import flops_per_token, peak_flops
from mathmill.train_hooks.trainer.guard import SpikeGuard, StopSignal, Watchdog
from mathmill.train_hooks.trainer.leak_test import check_leaks
from mathmill.train_hooks.trainer.loss import chunk_tokens
from mathmill.train_hooks.trainer.memory import (
    Plan,
    Shape,
    check_plan,
    device_memory,
    explain_out_of_memory,
    plan_memory,
)
from mathmill.train_hooks.trainer.models import LanguageModel, load_model, read_shape, save_model
from mathmill.train_hooks.trainer.monitor import Monitor
from mathmill.train_hooks.trainer.optimizer import AdamW
from mathmill.train_hooks.trainer.parallel import World, full_weights, join_world, leave_world, parallelize
from mathmill.train_hooks.trainer.schedule import learning_rate
from mathmill.train_hooks.trainer.validation import Losses, validate


@dataclass
class Progress:
    """What changes from step to step beside the tensors; JSON-like, part of each checkpoint."""

    step: int = 0  # steps done, taken or not
    updates: int = 0  # steps taken
    running_loss: float = 0.0  # with decay 0.99
    best_loss: float | None = None
    best_step: int = 0
    tokens: int = 0  # without padding, in steps that were taken
    last: Losses = field(default_factory=dict)  # held-out losses when they were last measured


@dataclass(frozen=True)
class Result:
    """How a run ended. model: the folder of the model to use, the best by held-out loss, else the last."""

    steps: int
    stopped: bool  # by a signal, with its state saved
    skipped: int
    tokens: int
    loss: float | None  # of the last step
    validation: Losses
    best_step: int
    model: str | None
    peak_bytes: int | None  # of GPU memory
    planned_bytes: int


def train(config: TrainConfig) -> Result:
    """Train; goes on from the newest checkpoint in `config.out` where there is one."""
    world = join_world(config)
    try:
        return Trainer(config, world).run()
    finally:
        leave_world()


class Trainer:
    """All parts of a run, made in order; `run` goes through the steps."""

    def __init__(self, config: TrainConfig, world: World) -> None:
        self.config, self.world = config, world
        self.out = Path(config.out)
        self.accumulation = config.accumulation(world.size)
        self.data: Data = open_data(config, world.rank, world.size)
        self.seq_len = self.data.reader.seq_len
        self.row_tokens = self.data.reader.row_tokens  # of each row, without padding

        model_config = read_shape(config.model)
        _check_vocabulary(self.data, model_config)
        self.shape = Shape.of(model_config)
        self.plan: Plan = plan_memory(config, self.shape, self.seq_len, world.size, device_memory(world.device))
        self._say(self.plan.sentence())
        check_plan(self.plan, config)

        precision = torch.float32 if config.optimizer.precision == "fp32" else torch.bfloat16
        compiled = world.device.type == "cuda" if config.speed.compile is None else config.speed.compile
        backend = choose_backend(config.speed.attention, world.device, precision)
        chunk = config.speed.loss_chunk or chunk_tokens(self.shape.vocab)
        with self._explaining():
            loaded = load_model(config.model, precision, config.seed)
            self.model = LanguageModel(loaded, backend, chunk, compiled)
            parallelize(self.model, config.speed, compiled, world)
            self.optimizer = AdamW(self.model.named_parameters(), config.optimizer, config.seed, compiled)
        self.parts = parts_of(dict(self.model.named_parameters()))
        self.guard = SpikeGuard(config.guard)
        self.stop, self.watchdog = StopSignal(), Watchdog(config.guard.stall)
        self.progress = Progress()

        if world.is_main:
            self.out.mkdir(parents=True, exist_ok=True)
        run = world.gather(uuid.uuid4().hex[:12])[0]
        self.checkpoints = Checkpoints(self.out / "checkpoints", world.rank, world.size, run, config.checkpoint.keep)
        self._resume()
        if world.is_main:
            save_config(config, self.out / "train.json")

    def run(self) -> Result:
        """Go through the steps that are left."""
        config, data = self.config, self.data
        steps = data.steps
        flops = flops_per_token(self.shape.parameters, self.model.model.config, self.seq_len)
        peak = peak_flops(torch.cuda.get_device_name()) if self.world.device.type == "cuda" else None
        peak = peak and peak * self.world.size
        out = self.out if self.world.is_main else None
        loss: float | None = None
        with self.stop, self.watchdog, data.train, self._explaining():
            check_leaks(self.model, config.micro_batch, self.seq_len, self.world.device)
            self._say(self._introduction(steps))
            monitor = Monitor(out, self.progress.step, steps, flops, peak, config.tensorboard)
            try:
                if config.validation.at_start and not self.progress.step:
                    self._validate(monitor)
                while self.progress.step < steps:
                    metrics = self.step()
                    if metrics is None:
                        self._save(monitor)
                        self._say(f"stopped at step {self.progress.step:,}; the same command goes on from here")
                        return self._finish(loss, stopped=True)
                    loss = metrics["loss"]
                    step = self.progress.step
                    useful = metrics.pop("useful")
                    shown = step % config.log_every == 0 or step == steps
                    monitor.step(metrics, config.global_batch * self.seq_len, useful, shown)
                    if _is_due(step, config.validation.every, steps):
                        self._validate(monitor)
                    if _is_due(step, config.checkpoint.every, steps):
                        self._save(monitor)
                return self._finish(loss, stopped=False)
            finally:
                monitor.close()

    def step(self) -> dict[str, Any] | None:
        """One step of all ranks; None where one of them was asked to stop."""
        config, progress, world = self.config, self.progress, self.world
        self.watchdog.beat()
        batch = next(self.data.train)
        useful = int(self.row_tokens[batch.rows].sum())
        weight, useful_all, stops = world.sum(float(batch.loss_weights.sum(dtype="float64")), useful, self.stop.is_set)
        if stops:
            return None
        scale = world.size / weight if weight else 0.0  # FSDP averages gradients over ranks
        total = torch.zeros((), dtype=torch.float64, device=world.device)
        for micro in micro_batches(batch, config.micro_batch, world.device):
            loss, each = self.model(micro, scale, config.loss, progress.running_loss)
            loss.backward()
            total += (each.double() * micro.weights).sum()
            self.watchdog.beat()
        summed, squared = world.sum(total.item(), self.optimizer.squared_norm().item())
        mean, norm = summed / weight if weight else 0.0, math.sqrt(squared) if squared >= 0 else math.nan
        taken = bool(weight) and self.guard.takes(mean, norm)
        lr = learning_rate(config.schedule, config.optimizer.lr, progress.step, self.data.steps)
        if taken:
            clip = config.optimizer.clip
            self.optimizer.step(lr, progress.updates + 1, min(1.0, clip / norm) if clip and norm else 1.0)
            progress.updates += 1
            progress.tokens += int(useful_all)
            known = progress.running_loss
            progress.running_loss = 0.99 * known + 0.01 * mean if known else mean
        self.optimizer.zero_grad()
        progress.step += 1
        return {
            "step": progress.step, "loss": mean, "norm": norm, "lr": lr, "taken": taken,
            "skipped": self.guard.skipped, "useful": int(useful_all),
        }  # fmt: skip

    def _validate(self, monitor: Monitor) -> None:
        config = self.config
        losses = validate(
            self.model, self.data.validation_reader, self.data.validation, config.validation.labels, config.micro_batch,
            self.world, self.watchdog.beat,
        )  # fmt: skip
        best = self.progress.best_loss
        is_best = bool(losses) and (best is None or losses["all"] < best)
        self.progress.last = losses
        if is_best:
            self.progress.best_loss, self.progress.best_step = losses["all"], self.progress.step
            self._export("best")
        monitor.validation(self.progress.step, losses, is_best)
        monitor.resume_clock()

    def _save(self, monitor: Monitor) -> None:
        """Begin a checkpoint; training waits for the copy only."""
        state = {
            "progress": asdict(self.progress),
            "loader": {**self.data.train.state_dict(), "step": self.progress.step},
            "guard": self.guard.state(),
        }
        self.checkpoints.save(self.progress.step, self.optimizer.state(), self.parts, state)
        monitor.resume_clock()

    def _resume(self) -> None:
        """Go on from the newest checkpoint."""
        latest = self.world.gather(str(self.checkpoints.latest() or ""))[0]
        if not latest:
            return
        if not self.config.checkpoint.resume:
            raise ConfigError(f"{self.out} holds checkpoints; choose another `out`, or set checkpoint.resume: true")
        saved = Saved(Path(latest))
        self.data.train.load_state_dict(saved.state["loader"])
        self.optimizer.load_state(saved.reader(self.parts))
        self.guard.load_state(saved.state["guard"])
        self.progress = Progress(**saved.state["progress"])
        self._say(f"going on from step {saved.step:,} ({latest})")

    def _finish(self, loss: float | None, stopped: bool) -> Result:
        """Wait for what is being written, export the last model, and say how it went."""
        self.checkpoints.wait()
        if not stopped:
            self._export("last")
        self.world.wait()
        name = "last" if self.progress.best_loss is None else "best"
        model = self.out / name
        result = Result(
            steps=self.progress.step,
            stopped=stopped,
            skipped=self.guard.skipped,
            tokens=self.progress.tokens,
            loss=loss,
            validation=self.progress.last,
            best_step=self.progress.best_step,
            model=str(model) if model.exists() else None,
            peak_bytes=torch.cuda.max_memory_allocated() if self.world.device.type == "cuda" else None,
            planned_bytes=self.plan.total,
        )
        if self.world.is_main:
            (self.out / "result.json").write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")
        return result

    def _export(self, name: str) -> None:
        """Write the present weights as a Hugging Face folder and let `name` link to it."""
        weights = full_weights(self.model, self.world)
        if not self.world.is_main:
            return
        folder = self.out / "models" / f"step-{self.progress.step:08d}"
        if not folder.exists():
            save_model(self.model.model, folder, weights, self.config.model)
        point_link(self.out / name, f"models/{folder.name}")
        used = {(self.out / link).resolve() for link in ("best", "last") if (self.out / link).exists()}
        for old in folder.parent.iterdir():
            if old.resolve() not in used:
                shutil.rmtree(old, ignore_errors=True)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Answer want of memory with what to change."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if (explained := explain_out_of_memory(error, self.config, self.plan)) is not None:
                raise explained from error
            raise

    def _introduction(self, steps: int) -> str:
        config, world = self.config, self.world
        return (
            f"{config.method}: {steps:,} steps of {config.global_batch:,} rows of {self.seq_len:,} "
            f"({world.size} x {config.micro_batch} x {self.accumulation}), validation on {len(self.data.validation):,} "
            f"held-out rows, attention {self.model.backend} without leaks, {config.optimizer.precision}"
        )

    def _say(self, sentence: str) -> None:
        if self.world.is_main:
            print(sentence, file=sys.stderr, flush=True)


def _is_due(step: int, every: int, steps: int) -> bool:
    return step == steps or (every > 0 and step % every == 0)


def _check_vocabulary(data: Data, model_config: Any) -> None:
    manifest = data.reader.manifest
    if manifest is not None and manifest.vocab_size > model_config.vocab_size:
        raise ConfigError(
            f"the shards' tokenizer {manifest.tokenizer.name} has {manifest.vocab_size:,} tokens, the model "
            f"{model_config.vocab_size:,}; tokenize with the model's own tokenizer"
        )
