"""Attention inside segments: one function that transformers' models call, over three backends of PyTorch itself.

`varlen` (torch.nn.attention.varlen, GPUs) never touches what lies across segments and is the fastest; `flex`
(FlexAttention with a block mask of segment numbers) needs its compiler; `sdpa` takes a loop over segments on a CPU,
which is exact and does no needless work, and a dense mask of seq_len² bytes a row elsewhere. All are causal and know
grouped queries; `varlen` and the loop know sliding windows, too. None applies dropout. `leak_test` proves the live one.
"""

import inspect
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AttentionInterface

from mathmill.core.errors import ConfigError
from mathmill.train_hooks.trainer.data import MicroBatch

Backend = Literal["varlen", "flex", "sdpa"]

NAME = "mathmill"
"""What models name as their attention implementation."""


def choose_backend(asked: str, device: torch.device, dtype: torch.dtype) -> Backend:
    """The backend to use; ConfigError where the one asked for cannot serve here."""
    possible = device.type == "cuda" and dtype in (torch.bfloat16, torch.float16) and _has_varlen()
    if asked == "varlen" and not possible:
        raise ConfigError(
            "speed.attention: varlen needs a GPU, bf16 parameters and torch 2.10 or newer; leave it at auto"
        )
    if asked == "auto":
        if possible and torch.cuda.get_device_capability(device)[0] >= 8:
            return "varlen"
        return "flex" if device.type == "cuda" else "sdpa"
    return asked  # type: ignore[return-value]


@dataclass(frozen=True)
class Segments:
    """Where attention may look, in the form that a backend takes; passed through the model as keyword arguments."""

    backend: Backend
    cu_seqlens: torch.Tensor | None = None  # int32 (n_segments + 1,), varlen
    longest: int = 0  # no segment is longer, varlen
    block_mask: Any = None  # flex
    mask: torch.Tensor | None = None  # bool (n, 1, seq_len, seq_len), sdpa with a dense mask
    bounds: tuple[tuple[int, int, int], ...] = ()  # row, start, end of each segment, sdpa with a loop

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for a transformers model, which hands them on to `attend`."""
        return {
            "mathmill_backend": self.backend,
            "mathmill_cu_seqlens": self.cu_seqlens,
            "mathmill_longest": self.longest,
            "mathmill_block_mask": self.block_mask,
            "mathmill_mask": self.mask,
            "mathmill_bounds": self.bounds,
        }


def segments_of(batch: MicroBatch, backend: Backend, window: int | None = None) -> Segments:
    """Prepare a micro-batch for a backend. window: the model's sliding window, None for none; ConfigError where the
    backend has none.
    """
    rows, seq_len = batch.input_ids.shape
    device = batch.input_ids.device
    if backend == "varlen":
        return Segments(backend, cu_seqlens=torch.from_numpy(batch.bounds).to(device), longest=seq_len)
    if backend == "sdpa" and device.type == "cpu":
        starts, ends = batch.bounds[:-1].tolist(), batch.bounds[1:].tolist()
        row_bounds = tuple((a // seq_len, a % seq_len, (b - 1) % seq_len + 1) for a, b in zip(starts, ends))
        return Segments(backend, bounds=row_bounds)
    if window is not None and window < seq_len:
        raise ConfigError(
            f"the model's sliding window of {window} is shorter than the rows of {seq_len}, which the attention "
            f"backend {backend!r} cannot do on a GPU; set speed.attention: varlen"
        )
    numbers = torch.from_numpy(np.repeat(np.arange(batch.n_segments), np.diff(batch.bounds)).reshape(rows, seq_len))
    numbers = numbers.to(device)
    if backend == "flex":
        return Segments(backend, block_mask=_block_mask(numbers))
    same = numbers[:, None, :, None] == numbers[:, None, None, :]
    return Segments(backend, mask=same.tril())


def _block_mask(numbers: torch.Tensor) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    def may_see(row: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        return (numbers[row, query] == numbers[row, key]) & (key <= query)

    rows, seq_len = numbers.shape
    return create_block_mask(may_see, rows, None, seq_len, seq_len, device=numbers.device)


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    mathmill_backend: str = "sdpa",
    mathmill_cu_seqlens: torch.Tensor | None = None,
    mathmill_longest: int = 0,
    mathmill_block_mask: Any = None,
    mathmill_mask: torch.Tensor | None = None,
    mathmill_bounds: tuple[tuple[int, int, int], ...] = (),
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in each layer. query: (n, heads, seq_len, head_dim), key and value: (n, kv_heads, …);
    returns (n, seq_len, heads, head_dim).
    """
    if mathmill_backend == "varlen":
        assert mathmill_cu_seqlens is not None
        q, k, v = (states.transpose(1, 2).flatten(0, 1) for states in (query, key, value))
        out = _varlen(q, k, v, mathmill_cu_seqlens, mathmill_longest, scaling, sliding_window)
        return out.view(query.shape[0], query.shape[2], query.shape[1], query.shape[3]), None
    grouped = query.shape[1] != key.shape[1]
    if mathmill_backend == "flex":
        out = _flex(query.is_cuda)(query, key, value, block_mask=mathmill_block_mask, scale=scaling, enable_gqa=grouped)
    elif mathmill_mask is not None:
        out = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mathmill_mask, scale=scaling, enable_gqa=grouped
        )
    else:
        out = _by_segment(query, key, value, mathmill_bounds, scaling, sliding_window)
    return out.transpose(1, 2).contiguous(), None


def _by_segment(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bounds: tuple[tuple[int, int, int], ...],
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    """Causal attention, one segment at a time; without bounds, each row is a segment."""
    if not bounds:
        bounds = tuple((row, 0, query.shape[2]) for row in range(query.shape[0]))
    grouped = query.shape[1] != key.shape[1]
    parts: list[list[torch.Tensor]] = [[] for _ in range(query.shape[0])]
    for row, start, end in bounds:
        q, k, v = (states[row : row + 1, :, start:end] for states in (query, key, value))
        if window is not None and end - start > window:
            seen = torch.ones(end - start, end - start, dtype=torch.bool, device=query.device)
            mask = seen.tril().triu(1 - window)  # a token sees itself and window - 1 tokens before it
            part = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scaling, enable_gqa=grouped)
        else:
            part = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=grouped)
        parts[row].append(part)
    return torch.cat([torch.cat(row, dim=2) for row in parts])


def _varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    cu_seqlens: torch.Tensor,
    longest: int,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    known = _varlen_arguments()
    arguments: dict[str, Any] = {}
    if "window_size" in known:  # torch 2.11 and newer
        arguments["window_size"] = (-1 if window is None else window - 1, 0)
    else:
        arguments["is_causal"] = True  # torch 2.10
        if window is not None:
            raise ConfigError("a sliding window needs torch 2.11 or newer with varlen attention; set attention: flex")
    if "scale" in known:
        arguments["scale"] = scaling
    elif scaling is not None and abs(scaling - query.shape[-1] ** -0.5) > 1e-9:
        query = query * (scaling * query.shape[-1] ** 0.5)
    if query.shape[1] != key.shape[1]:
        if "enable_gqa" in known:
            arguments["enable_gqa"] = True
        else:
            repeat = query.shape[1] // key.shape[1]
            key, value = key.repeat_interleave(repeat, 1), value.repeat_interleave(repeat, 1)
    return varlen_attn(query, key, value, cu_seqlens, cu_seqlens, longest, longest, **arguments)  # type: ignore[return-value]


@cache
def _varlen_arguments() -> frozenset[str]:
    from torch.nn.attention.varlen import varlen_attn

    return frozenset(inspect.signature(varlen_attn).parameters)


def _has_varlen() -> bool:
    try:
        return {"window_size", "is_causal"} & _varlen_arguments() != frozenset()
    except ImportError:
        return False


@cache
def _flex(compiled: bool) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False) if compiled else flex_attention


AttentionInterface.register(NAME, attend)
