"""AdamW over local shards of parameters: fp32, bf16 with stochastic rounding, or bf16 with fp32 masters.

It is elementwise, so that it need not know how parameters are divided; under FSDP each rank updates its own part. With
bf16 parameters, gradients of micro-batches are summed in a buffer of their own as soon as each is there
(`post_accumulate_grad_hook`), since a sum in bf16 loses small terms. On a GPU the update of a tensor is one kernel.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from mathmill.core.errors import DataError
from mathmill.train_hooks.trainer.config import OptimizerConfig
from mathmill.train_hooks.trainer.quantise import EightBit, to_bfloat16

State = dict[str, torch.Tensor]

_PIECE = 1 << 24  # entries that are updated together: float32 copies of a whole embedding would be gigabytes


def local(tensor: torch.Tensor) -> torch.Tensor:
    """Take this rank's part of a tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


class AdamW:
    """Decoupled weight decay (arXiv 1711.05101) on tensors of two or more dimensions.

    parameters: (name, parameter), in an order that is the same on all ranks and at each start.
    """

    def __init__(
        self, parameters: Iterable[tuple[str, torch.nn.Parameter]], config: OptimizerConfig, seed: int, compiled: bool
    ) -> None:
        self._config, self._seed = config, seed
        self._parameters = dict(parameters)
        self._update = _compiled_update() if compiled else _update
        self._moments: dict[str, tuple[Any, Any]] = {}
        self._masters: State = {}
        self._sums: State = {}
        for name, parameter in self._parameters.items():
            part = local(parameter.data)
            self._moments[name] = (self._moment(part, True), self._moment(part, False))
            if config.precision == "bf16-masters":
                self._masters[name] = part.float().view(-1)
            if parameter.dtype != torch.float32 and config.gradients == "float32":
                self._sums[name] = torch.zeros(part.numel(), device=part.device)
                hook = _summing_hook(self._sums[name])
                parameter.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]

    def _moment(self, part: torch.Tensor, signed: bool) -> Any:
        if self._config.moments == "int8":
            return EightBit(part.numel(), signed, part.device)
        return torch.zeros(part.numel(), dtype=getattr(torch, self._config.moments), device=part.device)

    def _gradient(self, name: str) -> torch.Tensor | None:
        if name in self._sums:
            return self._sums[name]
        gradient = self._parameters[name].grad
        return None if gradient is None else local(gradient).view(-1)

    def squared_norm(self) -> torch.Tensor:
        """The squared norm of this rank's parts of all gradients, a float32 scalar on their device."""
        parts = [gradient for name in self._parameters if (gradient := self._gradient(name)) is not None]
        return torch.stack([torch.linalg.vector_norm(part, dtype=torch.float32) ** 2 for part in parts]).sum()

    @torch.no_grad()
    def step(self, lr: float, number: int, scale: float) -> None:
        """Update all parameters. number: of the updates, from 1 on. scale: what gradients are multiplied by."""
        beta1, beta2 = self._config.betas
        values = [lr, beta1, beta2, self._config.eps, 1 - beta1**number, 1 - beta2**number, scale]
        device = next(iter(self._parameters.values())).device
        numbers = torch.tensor(values, dtype=torch.float32, device=device)
        for place, (name, parameter) in enumerate(self._parameters.items()):
            gradient = self._gradient(name)
            if gradient is None:
                continue
            decay = self._config.weight_decay if parameter.ndim > 1 else 0.0
            weights = self._masters.get(name, local(parameter.data).view(-1))
            for start in range(0, weights.numel(), _PIECE):
                here = slice(start, start + _PIECE)
                salt = torch.tensor(_salt(self._seed, number, place, start), dtype=torch.int32, device=device)
                first, second = (moment[here] for moment in self._moments[name])
                self._update(weights[here], gradient[here], first, second, numbers, decay, salt)
                if isinstance(self._moments[name][0], EightBit):
                    self._moments[name][0][here], self._moments[name][1][here] = first, second
            if name in self._masters:
                local(parameter.data).view(-1).copy_(weights)

    def zero_grad(self) -> None:
        """Forget gradients."""
        for parameter in self._parameters.values():
            parameter.grad = None
        for total in self._sums.values():
            total.zero_()

    def state(self) -> State:
        """Copies of all that a checkpoint needs, on the CPU: parameters, moments, masters, in the parameters' local
        shapes. Eight-bit moments are given as float32, and are stored again as the same bytes.
        """
        tensors: State = {}
        for name, parameter in self._parameters.items():
            part = local(parameter.data)
            tensors[f"parameter.{name}"] = part.detach()
            for kind, moment in zip(("first", "second"), self._moments[name], strict=True):
                values = moment[:] if isinstance(moment, EightBit) else moment
                tensors[f"{kind}.{name}"] = values.view(part.shape)
            if name in self._masters:
                tensors[f"master.{name}"] = self._masters[name].view(part.shape)
        return {name: tensor.to("cpu", copy=True) for name, tensor in tensors.items()}

    @torch.no_grad()
    def load_state(self, read: Callable[[str], torch.Tensor]) -> None:
        """Take a state back. read: gives this rank's part of a tensor by the names of `state`."""
        for name, parameter in self._parameters.items():
            part = local(parameter.data)
            part.copy_(_fitting(read(f"parameter.{name}"), part, name))
            for kind, moment in zip(("first", "second"), self._moments[name], strict=True):
                values = _fitting(read(f"{kind}.{name}"), part, name).to(part.device)
                if isinstance(moment, EightBit):
                    moment[:] = values.float().view(-1)
                else:
                    moment.copy_(values.view(-1))
            if name in self._masters:
                self._masters[name].copy_(_fitting(read(f"master.{name}"), part, name).view(-1))


def _fitting(tensor: torch.Tensor, part: torch.Tensor, name: str) -> torch.Tensor:
    if tensor.shape != part.shape:
        raise DataError(f"the checkpoint's {name} is {tuple(tensor.shape)}, the model's {tuple(part.shape)}")
    return tensor


def _summing_hook(total: torch.Tensor) -> Callable[[torch.Tensor], None]:
    def add(parameter: torch.Tensor) -> None:
        assert parameter.grad is not None
        total.add_(local(parameter.grad).view(-1))
        parameter.grad = None

    return add


def _salt(seed: int, number: int, place: int, start: int) -> int:
    """An int32 that differs between steps and tensors; start: of the piece in the tensor."""
    return ((seed * 1_000_003 + number) * 65_537 + place * 2_654_435_761 + start) % (1 << 32) - (1 << 31)


def _update(
    weights: torch.Tensor,
    gradient: torch.Tensor,
    first: torch.Tensor,
    second: torch.Tensor,
    numbers: torch.Tensor,
    decay: float,
    salt: torch.Tensor,
) -> None:
    """One tensor, in place, all (n,). numbers: rate, beta1, beta2, eps, the two corrections, scale of the gradient."""
    lr, beta1, beta2, eps, correction1, correction2, scale = numbers.unbind()
    g = gradient.float() * scale
    m = first.float() * beta1 + g * (1 - beta1)
    v = second.float() * beta2 + g * g * (1 - beta2)
    step = (m / correction1) / ((v / correction2).sqrt() + eps)
    new = weights.float() * (1 - lr * decay) - lr * step
    first.copy_(m)
    second.copy_(v)
    weights.copy_(to_bfloat16(new, salt) if weights.dtype == torch.bfloat16 else new)


@cache
def _compiled_update() -> Callable[..., None]:
    return torch.compile(_update, dynamic=True)
