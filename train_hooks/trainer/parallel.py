"""How a model is spread and made fast: checkpointing → fp8 → compile → FSDP, in this order, in one function.

Blocks are wrapped one by one, so that each is compiled once for all and its weights are gathered while the one before
computes. One process needs no wrapping at all. Statistics of a step travel as CPU tensors by gloo, which leaves the
GPU's queue alone.
"""

import os
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from mathmill.core.errors import ConfigError
from mathmill.train_hooks.trainer.config import SpeedConfig, TrainConfig
from mathmill.train_hooks.trainer.models import LanguageModel


@dataclass(frozen=True)
class World:
    """One process among all that train together."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def sum(self, *numbers: float) -> list[float]:
        """Add up numbers of all ranks, in double precision."""
        if self.size == 1:
            return list(numbers)
        total = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(total)
        return total.tolist()

    def gather(self, value: Any) -> list[Any]:
        """What every rank has, in the order of ranks; plain data only."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Until all ranks are here."""
        self.sum(0.0)


def join_world(config: TrainConfig) -> World:
    """Find the device, and the other processes where torchrun started this one."""
    cuda = torch.cuda.is_available() if config.device == "auto" else config.device == "cuda"
    if cuda and not torch.cuda.is_available():
        raise ConfigError("device: cuda: PyTorch sees no GPU here; set device: cpu, or install a CUDA build of torch")
    size = int(os.environ.get("WORLD_SIZE", "1"))
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local_rank) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size > 1 and not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
    return World(int(os.environ.get("RANK", "0")), size, device)


def leave_world() -> None:
    """Part from the other processes."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def parallelize(model: LanguageModel, config: SpeedConfig, compiled: bool, world: World) -> None:
    """Wrap the blocks of a model in place, and put it on the device."""
    layers = model.layers
    if config.checkpointing != "none":
        for layer in layers:
            layer.forward = partial(_checkpointed, layer.forward, config.checkpointing == "selective")
    if config.fp8:
        _use_fp8(model)
    if compiled:
        for layer in layers:
            layer.compile(fullgraph=False)
    if world.size > 1:
        _shard(model, world)
    else:
        model.to(world.device)


def _shard(model: LanguageModel, world: World) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    mesh = init_device_mesh(world.device.type, (world.size,))
    policy = MixedPrecisionPolicy(reduce_dtype=torch.float32)  # sums of gradients over ranks
    for layer in model.layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)


def _checkpointed(forward: Any, selective: bool, *args: Any, **kwargs: Any) -> Any:
    """Run a block and keep its input alone, or beside it what is dear to compute again."""
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    contexts: dict[str, Any] = (
        {"context_fn": partial(create_selective_checkpoint_contexts, _policy())} if selective else {}
    )
    return checkpoint(forward, *args, use_reentrant=False, preserve_rng_state=False, **contexts, **kwargs)


def _policy() -> Any:
    """Keep attention and every second matrix product, as torchtitan does."""
    products = {"forward": 0, "recompute": 0}

    def decide(context: Any, function: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
        name = str(function)
        if "attention" in name or "varlen_attn" in name:
            return CheckpointPolicy.MUST_SAVE
        if name in ("aten.mm.default", "aten.addmm.default"):
            when = "recompute" if context.is_recompute else "forward"
            products[when] += 1
            return CheckpointPolicy.MUST_SAVE if products[when] % 2 else CheckpointPolicy.PREFER_RECOMPUTE
        return CheckpointPolicy.PREFER_RECOMPUTE

    return decide


def _use_fp8(model: LanguageModel) -> None:
    if not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 9):
        raise ConfigError("speed.fp8 needs a GPU of compute capability 8.9 or newer, such as an H100; set it to false")
    try:
        from torchao.float8 import convert_to_float8_training  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ConfigError("speed.fp8 needs torchao: pip install torchao; or set it to false") from error
    for layer in model.layers:
        convert_to_float8_training(layer)


def full_weights(model: LanguageModel, world: World) -> dict[str, torch.Tensor]:
    """All weights on the CPU by transformers' names, on the main rank; {} elsewhere. All ranks must call it."""
    from torch.distributed.tensor import DTensor

    weights = {}
    for name, tensor in model.model.state_dict().items():
        whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        if world.is_main:
            weights[name] = whole.to("cpu", copy=True)
    return weights
