import numpy as np
import pytest
import torch

from mathmill.core.errors import ConfigError, OperationError
from mathmill.train_hooks.trainer import attention
from mathmill.train_hooks.trainer.attention import Segments, attend, choose_backend, segments_of
from mathmill.train_hooks.trainer.config import ModelConfig
from mathmill.train_hooks.trainer.data import micro_batch
from mathmill.train_hooks.trainer.leak_test import check_leaks
from mathmill.train_hooks.trainer.models import LanguageModel, load_model

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without")
CPU = torch.device("cpu")
POSITIONS = np.array([[0, 1, 2, 0, 1, 2, 3, 4], [0, 0, 1, 2, 3, 0, 1, 0]], np.int32)


def batch_of(positions):
    return micro_batch(np.ones(positions.shape, np.int64), positions, np.zeros(positions.shape, np.float32), CPU)


def reference(query, key, value, positions, window=None):
    """Softmax over what a token may see, one token at a time."""
    out = torch.zeros(query.shape[0], query.shape[2], query.shape[1], query.shape[3])
    groups = query.shape[1] // key.shape[1]
    for row, places in enumerate(positions):
        for token, position in enumerate(places):
            first = token - position if window is None else max(token - position, token - window + 1)
            for head in range(query.shape[1]):
                keys = key[row, head // groups, first : token + 1]
                scores = keys @ query[row, head, token] * query.shape[-1] ** -0.5
                out[row, token, head] = scores.softmax(0) @ value[row, head // groups, first : token + 1]
    return out


@pytest.fixture(scope="module")
def states():
    numbers = torch.Generator().manual_seed(1)
    return [torch.randn(2, heads, 8, 16, generator=numbers) for heads in (4, 2, 2)]


@pytest.mark.parametrize("backend", ["flex", "sdpa"])
def test_backends_see_the_segment_up_to_the_token_and_nothing_else(backend, states):
    segments = segments_of(batch_of(POSITIONS), backend)
    out, _ = attend(torch.nn.Identity(), *states, **segments.arguments())
    assert torch.allclose(out, reference(*states, POSITIONS), atol=1e-5)


def test_the_dense_mask_of_gpus_equals_the_loop_of_cpus(states):
    numbers = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1], [2, 3, 3, 3, 3, 4, 4, 5]])
    mask = (numbers[:, None, :, None] == numbers[:, None, None, :]).tril()
    out, _ = attend(torch.nn.Identity(), *states, **Segments("sdpa", mask=mask).arguments())
    assert torch.allclose(out, reference(*states, POSITIONS), atol=1e-5)


def test_a_sliding_window_hides_what_lies_before_it(states):
    segments = segments_of(batch_of(POSITIONS), "sdpa", window=3)
    out, _ = attend(torch.nn.Identity(), *states, sliding_window=3, **segments.arguments())
    assert torch.allclose(out, reference(*states, POSITIONS, window=3), atol=1e-5)
    with pytest.raises(ConfigError, match="sliding window of 3 is shorter than the rows of 8"):
        segments_of(batch_of(POSITIONS), "flex", window=3)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"window_size", "enable_gqa", "scale"}, {"window_size": (-1, 0), "enable_gqa": True}),
        ({"is_causal"}, {"is_causal": True}),
    ],
)
def test_varlen_is_asked_to_be_causal_in_the_words_of_its_torch(known, expected, states, monkeypatch):
    import torch.nn.attention.varlen as varlen

    calls = []

    def record(query, key, value, cu_query, cu_key, max_query, max_key, **arguments):
        calls.append((arguments, key.shape, cu_query.tolist()))
        return torch.zeros_like(query)

    monkeypatch.setattr(varlen, "varlen_attn", record)
    monkeypatch.setattr(attention, "_varlen_arguments", lambda: frozenset(known))
    segments = segments_of(batch_of(POSITIONS), "varlen")
    out, _ = attend(torch.nn.Identity(), *states, **segments.arguments())
    ((arguments, key_shape, bounds),) = calls
    assert out.shape == (2, 8, 4, 16)
    assert bounds == [0, 3, 8, 9, 13, 15, 16]
    assert {key: arguments.get(key) for key in expected} == expected
    assert key_shape == ((16, 2, 16) if "enable_gqa" in known else (16, 4, 16))


def test_varlen_takes_the_arguments_that_the_installed_torch_has():
    assert {"window_size", "is_causal"} & attention._varlen_arguments()


def test_a_cpu_gets_the_loop_and_is_refused_varlen():
    assert choose_backend("auto", CPU, torch.float32) == "sdpa"
    assert choose_backend("flex", CPU, torch.float32) == "flex"
    with pytest.raises(ConfigError, match="varlen needs a GPU"):
        choose_backend("varlen", CPU, torch.float32)


@pytest.mark.parametrize("backend", ["flex", "sdpa"])
def test_the_leak_test_passes_a_sound_backend(backend, tiny):
    check_leaks(LanguageModel(load_model(ModelConfig(scratch=tiny), torch.float32, 0), backend, 64), 2, 24, CPU)


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [(((0, 0, 24), (1, 0, 24)), "lets segments of a row see each other"), (None, "lets tokens see what comes after")],
)
def test_the_leak_test_refuses_a_mask_that_is_broken(bounds, sentence, tiny, monkeypatch):
    def broken(batch, backend, window=None):
        if bounds is not None:
            return Segments("sdpa", bounds=bounds)  # segments are forgotten
        same = segments_of(batch, "sdpa").bounds
        mask = torch.zeros(2, 1, 24, 24, dtype=torch.bool)
        for row, start, end in same:
            mask[row, :, start:end, start:end] = True  # causality is forgotten
        return Segments("sdpa", mask=mask)

    monkeypatch.setattr("mathmill.train_hooks.trainer.models.segments_of", broken)
    model = LanguageModel(load_model(ModelConfig(scratch=tiny), torch.float32, 0), "sdpa", 64)
    with pytest.raises(OperationError, match=sentence):
        check_leaks(model, 2, 24, CPU)
