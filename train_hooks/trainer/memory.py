"""How much memory a run takes, before it starts: states to the byte, activations by counting what a block keeps.

    8.0 B parameters: 74.8 GiB of states, 8.3 GiB of activations, 4.9 GiB in the loss: 87.9 of 139.8 GiB, fits

A block keeps, per token, 4 d + 2 (q + k) + 3 f numbers (inputs of its norms and products, queries, keys, values,
attention's output, the gates), and its backward pass holds another 2 (d + f); with full checkpointing only its input
survives the forward pass. Elementwise steps are taken as fused, which is what torch.compile makes of them.
"""

from dataclasses import dataclass
from typing import Any

import psutil
import torch

from mathmill.core.errors import OperationError
from mathmill.train_hooks.trainer.config import TrainConfig
from mathmill.train_hooks.trainer.loss import chunk_tokens

GIB = 1 << 30


@dataclass(frozen=True)
class Shape:
    """What memory and speed depend on: counts of parameters, layers and widths of a model."""

    parameters: int
    largest: int  # parameters of its largest tensor
    layer: int  # parameters of a block
    layers: int
    width: int  # d
    queries: int  # heads times head size
    keys: int
    inner: int  # f, of the feed-forward part
    vocab: int

    @staticmethod
    def of(config: Any) -> "Shape":
        """Count from a transformers configuration, without making the weights."""
        from transformers import AutoModelForCausalLM

        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
        sizes = [parameter.numel() for parameter in model.parameters()]
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return Shape(
            parameters=sum(sizes),
            largest=max(sizes),
            layer=sum(parameter.numel() for parameter in model.model.layers[0].parameters()),
            layers=config.num_hidden_layers,
            width=config.hidden_size,
            queries=config.num_attention_heads * head,
            keys=config.num_key_value_heads * head,
            inner=config.intermediate_size,
            vocab=config.vocab_size,
        )


@dataclass(frozen=True)
class Plan:
    """Bytes on one device, and what it has."""

    shape: Shape
    parameters: int
    gradients: int
    moments: int
    activations: int
    loss: int
    room: int

    @property
    def states(self) -> int:
        return self.parameters + self.gradients + self.moments

    @property
    def total(self) -> int:
        """Bytes at the peak."""
        return self.states + self.activations + self.loss

    @property
    def fits(self) -> bool:
        return self.total <= self.room

    def sentence(self) -> str:
        """One line for people."""
        verdict = "fits" if self.fits else "DOES NOT FIT"
        return (
            f"{_count(self.shape.parameters)} parameters: {_gib(self.states)} of states, {_gib(self.activations)} of "
            f"activations, {_gib(self.loss)} in the loss: {_gib(self.total)} of {_gib(self.room)}, {verdict}"
        )


def plan_memory(config: TrainConfig, shape: Shape, seq_len: int, world_size: int, room: int) -> Plan:
    """What one of `world_size` devices with `room` bytes holds at the peak of a step."""
    optimizer = config.optimizer
    number = 4 if optimizer.precision == "fp32" else 2
    summed = 4 if optimizer.gradients == "float32" else number
    moment = {"float32": 4.0, "bfloat16": 2.0, "int8": 1 + 4 / 256}[optimizer.moments]
    masters = 4 if optimizer.precision == "bf16-masters" else 0
    mine = -(-shape.parameters // world_size)
    gathered = 0 if world_size == 1 else number * (2 * shape.layer + shape.parameters - shape.layers * shape.layer)
    passing = 0 if number == summed else number * shape.largest  # a gradient on its way into its sum

    tokens = config.micro_batch * seq_len
    whole = 4 * shape.width + 2 * (shape.queries + shape.keys) + 3 * shape.inner
    passing_tokens = 2 * (shape.width + shape.inner)
    chosen = shape.width + 2 * shape.queries + shape.keys + shape.inner + shape.width
    kept = {"none": whole, "selective": chosen, "full": shape.width}[config.speed.checkpointing]
    working = passing_tokens + (0 if config.speed.checkpointing == "none" else whole)
    activations = number * tokens * (shape.layers * kept + working + 2 * shape.width)

    chunk = min(config.speed.loss_chunk or chunk_tokens(shape.vocab), tokens)
    logits = chunk * shape.vocab * (2 * number + 4)
    output = shape.vocab * shape.width * (4 + number)
    in_loss = logits + output + 2 * number * tokens * shape.width
    beside = number * tokens * working  # a block's backward pass comes after the loss's memory is free again
    return Plan(
        shape=shape,
        parameters=mine * number + gathered,
        gradients=mine * summed + passing,
        moments=int(mine * (2 * moment + masters)),
        activations=activations,
        loss=max(0, in_loss - beside),
        room=room,
    )


def check_plan(plan: Plan, config: TrainConfig) -> None:
    """OperationError where the states alone leave no room; activations are an estimate, and only warned of."""
    if plan.states > plan.room:
        raise OperationError(f"{plan.sentence()}; {_advice(config)}")


def device_memory(device: torch.device) -> int:
    """Bytes of a device: of the whole GPU, or what this machine has free."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().available)


def explain_out_of_memory(error: BaseException, config: TrainConfig, plan: Plan) -> OperationError | None:
    """The error to raise for one that says that memory is out; None for any other."""
    is_memory = isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
    if not is_memory:
        return None
    return OperationError(f"out of memory (planned: {plan.sentence()}); {_advice(config)}")


def _advice(config: TrainConfig) -> str:
    """What to change, what costs least first."""
    options = []
    if config.micro_batch > 1:
        half = next(size for size in range(config.micro_batch // 2, 0, -1) if config.global_batch % size == 0)
        options.append(f"micro_batch: {half}")
    if config.speed.checkpointing != "full":
        options.append("speed.checkpointing: full")
    if config.optimizer.precision != "bf16-stochastic":
        options.append("optimizer.precision: bf16-stochastic")
    if config.optimizer.moments != "int8":
        options.append("optimizer.states: int8")
    if config.optimizer.gradients != "bfloat16" and config.optimizer.precision != "fp32":
        options.append("optimizer.gradients: bfloat16")
    options.append("more GPUs (torchrun)")
    return f"to need less, in this order: {', '.join(options)}"


def _gib(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB / 10 else f"{count / (1 << 20):.1f} MiB"


def _count(number: int) -> str:
    for size, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f} {name}"
    return str(number)
