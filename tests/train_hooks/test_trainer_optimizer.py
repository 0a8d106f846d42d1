import math

import pytest
import torch

from mathmill.train_hooks.trainer.config import OptimizerConfig, ScheduleConfig
from mathmill.train_hooks.trainer.optimizer import AdamW
from mathmill.train_hooks.trainer.quantise import EightBit, to_bfloat16
from mathmill.train_hooks.trainer.schedule import learning_rate


def parameters(dtype=torch.float32):
    numbers = torch.Generator().manual_seed(0)
    return {
        "matrix": torch.nn.Parameter(torch.randn(7, 300, generator=numbers).to(dtype)),
        "norm": torch.nn.Parameter(torch.ones(300, dtype=dtype)),
    }


def descend(mine, config, steps=30):
    """Pull both tensors towards 0.5 by gradients that differ by place; returns the last ones."""
    optimizer = AdamW(mine.items(), config, seed=1, compiled=False)
    for number in range(1, steps + 1):
        loss = sum(((p.float() - 0.5) ** 2 * torch.linspace(0.1, 2, p.shape[-1])).sum() for p in mine.values())
        loss.backward()
        optimizer.step(0.01, number, 1.0)
        optimizer.zero_grad()
    return {name: parameter.detach().float() for name, parameter in mine.items()}


def test_fp32_steps_are_those_of_pytorchs_adamw():
    config = OptimizerConfig(precision="fp32", lr=0.01, betas=(0.9, 0.95), weight_decay=0.1)
    mine, theirs = parameters(), parameters()
    groups = [{"params": [theirs["matrix"]], "weight_decay": 0.1}, {"params": [theirs["norm"]], "weight_decay": 0.0}]
    reference = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.95), eps=1e-8)
    for _ in range(30):
        reference.zero_grad()
        sum(((p - 0.5) ** 2 * torch.linspace(0.1, 2, p.shape[-1])).sum() for p in theirs.values()).backward()
        reference.step()
    found = descend(mine, config)
    for name, parameter in theirs.items():
        assert torch.allclose(found[name], parameter, atol=1e-5)


@pytest.mark.parametrize(
    ("precision", "states", "tolerance"),
    [
        ("bf16-masters", None, 0.01),
        ("bf16-stochastic", None, 0.02),
        ("bf16-stochastic", "int8", 0.05),
        ("fp32", "int8", 0.04),
    ],
)
def test_other_number_formats_stay_near_fp32(precision, states, tolerance):
    exact = descend(parameters(), OptimizerConfig(precision="fp32"))
    kind = torch.float32 if precision == "fp32" else torch.bfloat16
    found = descend(parameters(kind), OptimizerConfig(precision=precision, states=states))
    for name in exact:
        assert (found[name] - exact[name]).abs().mean() < tolerance


def test_rounding_at_random_is_right_on_average_where_rounding_to_nearest_is_stuck():
    value = 1 + 2**-10  # an eighth of the way from 1 to the next bf16
    many = torch.full((1 << 16,), value)
    salts = [torch.tensor(salt, dtype=torch.int32) for salt in (7, 8)]
    rounded = to_bfloat16(many, salts[0])
    assert set(rounded.tolist()) == {1.0, 1.0078125}
    assert rounded.float().mean().item() == pytest.approx(value, abs=1e-4)
    assert to_bfloat16(-many, salts[1]).float().mean().item() == pytest.approx(-value, abs=1e-4)
    assert (many.to(torch.bfloat16) == 1).all()
    assert not torch.equal(rounded, to_bfloat16(many, salts[1]))


def test_gradients_of_micro_batches_are_summed_in_float32():
    parameter = torch.nn.Parameter(torch.zeros(4, dtype=torch.bfloat16))
    optimizer = AdamW([("p", parameter)], OptimizerConfig(precision="bf16-stochastic"), 0, False)
    for _ in range(1000):
        parameter.sum().backward()
    assert optimizer.squared_norm().item() == 4 * 1000.0**2  # bf16 stops at 256
    optimizer.zero_grad()
    assert optimizer.squared_norm().item() == 0


@pytest.mark.parametrize("signed", [True, False])
def test_eight_bit_moments_are_near_and_are_stored_again_as_they_were(signed):
    numbers = torch.Generator().manual_seed(0)
    values = torch.randn(1000, generator=numbers) * torch.logspace(-4, 0, 1000)
    values = values if signed else values**2
    moment = EightBit(1000, signed, torch.device("cpu"))
    moment[:] = values
    read = moment[:]
    scale = torch.cat([block.abs().amax().expand(len(block)) for block in values.split(256)])
    assert ((read - values).abs() <= scale * 0.02).all()
    assert ((read > 0) == (values > 0)).all() or signed
    moment[:] = read
    assert torch.equal(moment[:], read)
    moment[256:512] = values[256:512]
    assert torch.equal(moment[:], read)


def test_a_cosine_rises_to_the_peak_and_falls_to_the_floor():
    config = ScheduleConfig(shape="cosine", warm_up=2, floor=0.1)
    rates = [learning_rate(config, 1.0, step, 10) for step in range(10)]
    expected = [0.5, 1.0, *(0.1 + 0.45 * (1 + math.cos(math.pi * k / 8)) for k in range(1, 9))]
    assert rates == pytest.approx(expected)
    assert rates[5] == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1)


def test_wsd_stays_and_then_falls_in_a_line():
    config = ScheduleConfig(shape="wsd", warm_up=0.2, decay=0.4, floor=0.0)
    rates = [learning_rate(config, 2.0, step, 10) for step in range(10)]
    assert rates == pytest.approx([1, 2, 2, 2, 2, 2, 1.5, 1.0, 0.5, 0.0])
    assert learning_rate(ScheduleConfig(shape="constant", warm_up=0), 3.0, 9, 10) == 3.0
