"""Proof, before the first step, that the live attention backend lets nothing cross segments.

Three segments a row, of the shape that training uses; all tokens of the middle one are changed. The others' hidden
states must keep every bit, since the same numbers go through the same kernels, and the middle one's must move; then
its last token alone is changed, and what stands before it must keep every bit. Masks that are silently dropped have
been the most frequent packing defect of trainers (transformers pull request 46634, axolotl 3796).
"""

import numpy as np
import torch

from mathmill.core.errors import OperationError
from mathmill.train_hooks.trainer.data import MicroBatch, micro_batch
from mathmill.train_hooks.trainer.models import LanguageModel


def check_leaks(model: LanguageModel, rows: int, seq_len: int, device: torch.device) -> None:
    """OperationError where a segment sees another one, or a token what comes after it. Rows shorter than 3 pass."""
    if seq_len < 3:
        return
    vocab_size = model.vocab_size
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, vocab_size, (rows, seq_len))
    start, end = seq_len // 3, 2 * seq_len // 3
    all_changed, last_changed = tokens.copy(), tokens.copy()
    all_changed[:, start:end] = (tokens[:, start:end] + rng.integers(1, vocab_size, (rows, end - start))) % vocab_size
    last_changed[:, end - 1] = (tokens[:, end - 1] + 1) % vocab_size
    with torch.no_grad():
        before, others, last = (
            model.hidden_states(_batch(each, start, end, device)) for each in (tokens, all_changed, last_changed)
        )
    outside = [*range(start), *range(end, seq_len)]
    if not torch.equal(before[:, outside], others[:, outside]):
        raise OperationError(
            f"the attention backend {model.backend!r} lets segments of a row see each other; set speed.attention to "
            "another one (varlen, flex or sdpa)"
        )
    if not torch.equal(before[:, : end - 1], last[:, : end - 1]):
        raise OperationError(
            f"the attention backend {model.backend!r} lets tokens see what comes after them; set speed.attention to "
            "another one (varlen, flex or sdpa)"
        )
    if torch.equal(before[:, start:end], others[:, start:end]):
        raise OperationError("the model's output does not depend on its input; is it a language model's checkpoint?")


def _batch(tokens: np.ndarray, start: int, end: int, device: torch.device) -> MicroBatch:
    rows, seq_len = tokens.shape
    row = np.concatenate([np.arange(start), np.arange(end - start), np.arange(seq_len - end)]).astype(np.int32)
    return micro_batch(tokens, np.tile(row, (rows, 1)), np.zeros((rows, seq_len), np.float32), device)
