"""Number formats of the optimizer: bf16 by stochastic rounding, and moments in eight bits.

Rounding at random in proportion keeps updates that are smaller than a bf16 step on average (arXiv 2010.06192); the
noise is a hash of step and place, so that there is no generator whose state a checkpoint would have to carry. Eight-bit
moments have a scale for each block of 256 (arXiv 2110.02861), and levels that are dense near 0: squares for the first
moment, fourth powers for the second, whose square root divides.
"""

import torch

BLOCK = 256


def to_bfloat16(values: torch.Tensor, salt: torch.Tensor) -> torch.Tensor:
    """Round float32 (n,) to bfloat16: up or down with the probability that makes the expectation right.

    salt: int32 scalar, another one for each step and tensor.
    """
    noise = _hash(torch.arange(values.numel(), dtype=torch.int32, device=values.device) + salt) & 0xFFFF
    bits = values.view(torch.int32) + noise  # sign and magnitude: adding moves away from 0 on both sides
    return (bits & -0x10000).view(torch.float32).to(torch.bfloat16)


def _hash(x: torch.Tensor) -> torch.Tensor:
    """Mix int32 (n,), the constants of lowbias32 (github.com/skeeto/hash-prospector); products wrap."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D
    x = (x ^ ((x >> 15) & 0x1FFFF)) * -0x7B935975  # 0x846CA68B
    return x ^ ((x >> 16) & 0xFFFF)


class EightBit:
    """A moment of n float32 values in n bytes and a scale for each block. signed: of the first moment."""

    def __init__(self, n: int, signed: bool, device: torch.device) -> None:
        self._n, self._power = n, 2.0 if signed else 4.0
        self._levels = 127.0 if signed else 255.0
        blocks = -(-n // BLOCK)
        self._codes = torch.zeros(blocks, BLOCK, dtype=torch.int8 if signed else torch.uint8, device=device)
        self._scales = torch.zeros(blocks, 1, device=device)

    def __getitem__(self, here: slice) -> torch.Tensor:
        """The values of a slice that begins at a block, float32."""
        first, last = self._blocks(here)
        levels = self._codes[first:last].float() / self._levels
        values = levels.abs() ** self._power * levels.sign() * self._scales[first:last]
        return values.view(-1)[: min(last * BLOCK, self._n) - first * BLOCK]

    def __setitem__(self, here: slice, values: torch.Tensor) -> None:
        """Store float32 values in a slice that begins at a block and ends at one, or at the end.

        What was read is stored as it was; what is not 0 never becomes 0 in the second moment.
        """
        first, last = self._blocks(here)
        padded = torch.nn.functional.pad(values, (0, (last - first) * BLOCK - len(values))).view(-1, BLOCK)
        self._scales[first:last] = padded.abs().amax(1, keepdim=True)
        share = padded / self._scales[first:last].clamp_min(1e-38)
        levels = (share.abs() ** (1 / self._power) * self._levels).round()
        if self._power == 4.0:
            levels = torch.where(share > 0, levels.clamp_min(1), levels)
        self._codes[first:last] = (levels * share.sign()).to(self._codes.dtype)

    def _blocks(self, here: slice) -> tuple[int, int]:
        start, stop, _ = here.indices(self._n)
        return start // BLOCK, -(-stop // BLOCK)
