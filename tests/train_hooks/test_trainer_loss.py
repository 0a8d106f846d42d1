import numpy as np
import pytest
import torch

from mathmill.train_hooks.trainer.data import micro_batch
from mathmill.train_hooks.trainer.loss import chunk_tokens, hard_factors, linear_cross_entropy, token_losses

CPU = torch.device("cpu")


@pytest.fixture
def problem():
    numbers = torch.Generator().manual_seed(3)
    hidden = torch.randn(23, 8, generator=numbers, requires_grad=True)
    output = torch.randn(50, 8, generator=numbers, requires_grad=True)
    targets = torch.randint(0, 50, (23,), generator=numbers)
    weights = torch.rand(23, generator=numbers)
    return hidden, output, targets, weights


@pytest.mark.parametrize("chunk", [1, 5, 23, 64])
def test_the_fused_loss_and_its_gradients_are_those_of_pytorch(problem, chunk):
    hidden, output, targets, weights = problem
    each = torch.nn.functional.cross_entropy(hidden @ output.T, targets, reduction="none")
    expected = torch.autograd.grad(3 * (each * weights).sum(), (hidden, output))
    loss, found_each = linear_cross_entropy(hidden, output, targets, weights, chunk, False)
    found = torch.autograd.grad(3 * loss, (hidden, output))
    assert torch.allclose(found_each, each, atol=1e-5)
    assert not found_each.requires_grad
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    assert torch.allclose(token_losses(hidden, output, targets, chunk), each, atol=1e-5)


def test_a_batch_without_targets_has_loss_and_gradients_of_zero(problem):
    hidden, output, targets, weights = problem
    loss, _ = linear_cross_entropy(hidden[:0], output, targets[:0], weights[:0], 8, False)
    (gradient,) = torch.autograd.grad(loss, output)
    assert loss == 0
    assert not gradient.any()
    assert token_losses(hidden[:0], output, targets[:0], 8).shape == (0,)


def test_gradients_of_many_chunks_in_bf16_are_summed_in_float32():
    hidden = torch.ones(4096, 4, dtype=torch.bfloat16, requires_grad=True)
    output = torch.zeros(2, 4, dtype=torch.bfloat16, requires_grad=True)
    loss, _ = linear_cross_entropy(hidden, output, torch.zeros(4096, dtype=torch.int64), torch.ones(4096), 1, False)
    loss.backward()
    assert output.grad[0].tolist() == [-2048.0] * 4  # sums in bf16 stop growing at -128


def test_what_is_learned_is_predicted_by_the_token_before_it():
    tokens = np.array([[11, 12, 13, 14], [21, 22, 23, 24]])
    positions = np.array([[0, 1, 0, 1], [0, 1, 2, 0]], np.int32)
    weights = np.array([[0, 0.5, 0, 2], [0, 0, 1, 0]], np.float32)
    batch = micro_batch(tokens, positions, weights, CPU)
    assert batch.targets.tolist() == [12, 14, 23]
    assert batch.sources.tolist() == [0, 2, 5]
    assert batch.weights.tolist() == [0.5, 2, 1]
    assert batch.segment.tolist() == [0, 1, 2]
    assert batch.bounds.tolist() == [0, 2, 4, 7, 8]
    assert batch.n_segments == 4


def test_hard_segments_count_more_and_easy_ones_less_within_bounds():
    losses = torch.tensor([1.0, 3.0, 1.0, 0.1, 8.0])
    weights = torch.tensor([1.0, 1.0, 2.0, 1.0, 1.0])
    factors = hard_factors(losses, weights, torch.tensor([0, 0, 1, 2, 3]), 5, 2.0, 1.0, 0.25, 3.0)
    assert factors.tolist() == [1.0, 1.0, 0.5, 0.25, 3.0]  # segment means 2, 1, 0.1, 8 over a usual 2
    assert hard_factors(losses[4:], weights[4:], torch.tensor([0]), 1, 2.0, 0.5, 0.1, 9.0).tolist() == [2.0]


def test_a_chunk_of_logits_is_about_a_gibibyte():
    assert chunk_tokens(128_256) == 2048
    assert chunk_tokens(151_936) == 1536
    assert chunk_tokens(10**9) == 256
