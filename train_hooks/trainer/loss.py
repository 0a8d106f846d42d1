"""Linear layer and cross-entropy in one, chunk by chunk: logits of a whole batch never exist.

The gradient is made beside the loss, while a chunk's logits are there, as in Liger Kernel (arXiv 2410.10989), so that
8,192 tokens of a vocabulary of 128,256 need 1 GiB and not 8. Only hidden states that predict a supervised token enter.
Sums over tokens are divided by what the caller says: the weights of the whole global batch, over all micro-batches and
ranks, so that a token counts the same wherever it lies.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

CHUNK_BYTES = 1 << 30  # of float32 logits


def chunk_tokens(vocab_size: int) -> int:
    """Tokens whose float32 logits fill `CHUNK_BYTES`, a multiple of 256."""
    return max(256, CHUNK_BYTES // (4 * vocab_size) // 256 * 256)


def linear_cross_entropy(
    hidden: torch.Tensor, output: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, chunk: int, compiled: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted sum of cross-entropies, and each one alone.

    hidden: (n, d). output: the output layer's weight, (vocab, d), of the same dtype. targets: int64 (n,). weights:
    float32 (n,). Returns (float32 scalar, with gradients for hidden and output; float32 (n,), without).
    """
    loss, each = _LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden, output, targets, weights, chunk, compiled
    )
    return loss, each


@torch.no_grad()
def token_losses(
    hidden: torch.Tensor, output: torch.Tensor, targets: torch.Tensor, chunk: int, compiled: bool = False
) -> torch.Tensor:
    """The cross-entropy of each target, float32 (n,), without gradients."""
    entropy = _pieces(compiled)[0]
    parts = [
        entropy(hidden[start : start + chunk] @ output.T, targets[start : start + chunk])
        for start in range(0, len(targets), chunk)
    ]
    return torch.cat(parts) if parts else hidden.new_zeros(0, dtype=torch.float32)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        output: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,
        chunk: int,
        compiled: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        both = _pieces(compiled)[1]
        each = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
        hidden_grad = torch.empty_like(hidden)
        output_grad = torch.zeros_like(output, dtype=torch.float32)  # over many chunks bf16 would lose small terms
        for start in range(0, len(targets), chunk):
            here = slice(start, start + chunk)
            each[here], logits_grad = both(hidden[here] @ output.T, targets[here], weights[here])
            hidden_grad[here] = logits_grad @ output
            output_grad += logits_grad.T @ hidden[here]
        ctx.save_for_backward(hidden_grad, output_grad)
        ctx.mark_non_differentiable(each)
        return (each * weights).sum(), each

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        hidden_grad, output_grad = ctx.saved_tensors
        return hidden_grad.mul_(grads[0]), output_grad.mul_(grads[0]), None, None, None, None


def _entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    logits = logits.float()
    return torch.logsumexp(logits, -1) - logits.gather(1, targets[:, None])[:, 0]


def _entropy_and_gradient(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    full = logits.float()
    total = torch.logsumexp(full, -1, keepdim=True)
    each = (total - full.gather(1, targets[:, None]))[:, 0]
    is_target = torch.arange(full.shape[1], device=full.device)[None, :] == targets[:, None]
    gradient = ((full - total).exp() - is_target.to(full.dtype)) * weights[:, None]
    return each, gradient.to(logits.dtype)


@cache
def _pieces(compiled: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The elementwise parts; compiled, each reads the logits twice and writes once."""
    if not compiled:
        return _entropy, _entropy_and_gradient
    return torch.compile(_entropy, dynamic=True), torch.compile(_entropy_and_gradient, dynamic=True)


def hard_factors(
    losses: torch.Tensor,
    weights: torch.Tensor,
    segment: torch.Tensor,
    n_segments: int,
    running: float,
    power: float,
    low: float,
    high: float,
) -> torch.Tensor:
    """The factor of each token by its segment's own loss: clip((L / R) ** power, low, high), float32 (n,).

    losses, weights: float32 (n,). segment: int64 (n,). L: the segment's weighted mean loss, R: `running`.
    """
    sums = torch.zeros(2, n_segments, device=losses.device)
    sums[0].index_add_(0, segment, losses * weights)
    sums[1].index_add_(0, segment, weights)
    mean = sums[0] / sums[1].clamp_min(1e-30)
    return ((mean / running) ** power).clamp(low, high)[segment]
