"""Floating-point operations of a training token, peaks of GPUs, and model FLOPs utilisation (MFU).

A token costs 6 N + 12 L d s: N all parameters (tied ones once), L layers, d heads times head size, s the row's length;
the second term is attention over a whole row, forwards and backwards, as PaLM counts it (arXiv 2204.02311, appendix B).
`causal` counts half of it. Both count rows as one segment, and leave out what checkpointing computes twice.
"""

from typing import Any

PEAKS = {  # dense bf16, operations a second, from NVIDIA's data sheets
    "H200": 989.4e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989.4e12,
    "B200": 2250e12,
    "A100": 312e12,
    "L40S": 362e12,
    "4090": 165.2e12,
}


def flops_per_token(parameters: int, config: Any, seq_len: int, causal: bool = False) -> float:
    """Operations that one token of training takes; config: of a transformers model."""
    heads = config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // heads
    attention = 12 * config.num_hidden_layers * heads * head_size * seq_len
    return 6 * parameters + attention * (0.5 if causal else 1.0)


def peak_flops(device_name: str) -> float | None:
    """The peak of a GPU by the name that CUDA gives it; None where it is not known."""
    return next((peak for name, peak in PEAKS.items() if name in device_name), None)
