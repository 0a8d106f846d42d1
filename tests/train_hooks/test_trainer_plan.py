import time

import pytest
import torch

from mathmill.core.errors import ConfigError, OperationError
from mathmill.train_hooks.trainer.config import GuardConfig, TrainConfig, load_config, save_config
from mathmill.train_hooks.trainer.flops import flops_per_token, peak_flops
from mathmill.train_hooks.trainer.guard import SpikeGuard
from mathmill.train_hooks.trainer.memory import GIB, Shape, check_plan, explain_out_of_memory, plan_memory

LLAMA_8B = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 8192,
}  # fmt: skip


def config_of(**changes):
    return TrainConfig.model_validate(
        {"model": {"folder": "m"}, "data": {"shards": "s"}, "out": "o", "global_batch": 64, "micro_batch": 4} | changes
    )


@pytest.fixture(scope="module")
def llama_8b():
    from transformers import AutoConfig

    values = dict(LLAMA_8B)
    return Shape.of(AutoConfig.for_model(values.pop("model_type"), **values))


def test_8b_parameters_take_the_bytes_of_their_formats(llama_8b):
    assert llama_8b.parameters == 8_030_261_248
    plans = {
        name: plan_memory(config_of(optimizer=optimizer), llama_8b, 4096, 1, 140 * GIB)
        for name, optimizer in {
            "stochastic": {},
            "masters": {"precision": "bf16-masters"},
            "fp32": {"precision": "fp32"},
            "small": {"states": "int8", "gradients": "bfloat16"},
        }.items()
    }
    passing = 128256 * 4096 * 2  # the output layer's gradient, on its way into its sum
    n = llama_8b.parameters
    assert plans["stochastic"].states == 10 * n + passing
    assert plans["masters"].states == 18 * n + passing
    assert plans["fp32"].states == 16 * n
    assert plans["small"].states == 4 * n + int(n * 2 * (1 + 4 / 256))
    assert plans["stochastic"].sentence().startswith("8.0 B parameters: 75.8 GiB of states, ")
    assert plans["stochastic"].sentence().endswith("of 140.0 GiB, fits")
    assert not plans["masters"].fits


def test_checkpointing_and_ranks_lower_the_plan(llama_8b):
    none, selective, full = (
        plan_memory(config_of(speed={"checkpointing": kind}), llama_8b, 4096, 1, 140 * GIB).activations
        for kind in ("none", "selective", "full")
    )
    assert none > 1.8 * selective > 3 * full
    one, eight = (plan_memory(config_of(), llama_8b, 4096, ranks, 140 * GIB).states for ranks in (1, 8))
    assert eight < one / 4


def test_states_that_cannot_fit_end_the_run_before_it_starts(llama_8b):
    config = config_of(optimizer={"precision": "fp32"})
    plan = plan_memory(config, llama_8b, 4096, 1, 80 * GIB)
    with pytest.raises(OperationError, match=r"DOES NOT FIT; to need less, in this order: micro_batch: 2, optim"):
        check_plan(plan, config)


def test_out_of_memory_is_answered_with_what_to_change(llama_8b):
    config = config_of(speed={"checkpointing": "none"})
    plan = plan_memory(config, llama_8b, 4096, 1, 80 * GIB)
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    explained = explain_out_of_memory(caught.value, config, plan)
    assert str(explained).startswith("out of memory (planned: 8.0 B parameters: ")
    assert str(explained).endswith(
        "micro_batch: 2, speed.checkpointing: full, optimizer.states: int8, optimizer.gradients: bfloat16, "
        "more GPUs (torchrun)"
    )
    assert explain_out_of_memory(RuntimeError("something else"), config, plan) is None


def test_flops_are_those_of_the_published_figure():
    from types import SimpleNamespace

    shape = SimpleNamespace(num_attention_heads=32, num_hidden_layers=32, hidden_size=4096, head_dim=128)
    peak = peak_flops("NVIDIA H200")
    assert 10_471 * flops_per_token(8_030_261_248, shape, 4096) / peak == pytest.approx(0.578, abs=5e-4)
    assert 10_471 * flops_per_token(8_030_261_248, shape, 4096, causal=True) / peak == pytest.approx(0.544, abs=5e-4)
    assert peak_flops("NVIDIA H100 80GB HBM3") == 989.4e12
    assert peak_flops("NVIDIA H100 PCIe") == 756e12
    assert peak_flops("GeForce 256") is None


def test_spikes_and_what_is_not_finite_are_not_taken():
    guard = SpikeGuard(GuardConfig(spike=10, max_skips=3))
    assert not guard.takes(float("nan"), 1.0)
    assert all(guard.takes(2.0, 1.0 + number / 100) for number in range(20))
    assert not guard.takes(2.0, 11.0)
    assert guard.takes(2.0, 9.0)
    again = SpikeGuard(GuardConfig(spike=10, max_skips=3))
    again.load_state(guard.state())
    assert not again.takes(2.0, 50.0)
    assert not again.takes(float("inf"), 1.0)
    assert again.skipped == 4
    with pytest.raises(OperationError, match="3 steps in a row had a loss or gradient that is not finite"):
        again.takes(2.0, float("nan"))


def test_a_stall_ends_the_process_and_shows_where_it_hung(capfd):
    import multiprocessing

    from mathmill.train_hooks.trainer.guard import STALLED, Watchdog

    def hang():
        with Watchdog(0.2):
            time.sleep(60)

    child = multiprocessing.get_context("fork").Process(target=hang)
    child.start()
    child.join()
    assert child.exitcode == STALLED
    shown = capfd.readouterr().err
    assert "no progress for 0.2 s" in shown
    assert " in hang" in shown


def test_methods_bring_the_defaults_of_the_published_recipe():
    cpt, sft = config_of(global_batch=1024), config_of(method="sft", global_batch=256, optimizer={"clip": 0.5})
    assert (cpt.optimizer.lr, cpt.schedule.epochs, cpt.data.held_out) == (1e-4, 1, 0.05)
    assert (sft.optimizer.lr, sft.schedule.epochs, sft.optimizer.clip) == (1e-5, 3, 0.5)
    bare = {"model": {"folder": "m"}, "data": {"shards": "s"}, "out": "o"}
    assert TrainConfig.model_validate(bare).global_batch == 1024
    assert TrainConfig.model_validate(bare | {"method": "sft"}).global_batch == 256


REST = "model: {folder: m}\ndata: {shards: s}\nout: o\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("data: {shards: s}\nout: o", "model: Field required"),
        (REST + "optimizer: {learning_rate: 1}", "optimizer.learning_rate: unknown key"),
        ("model: {folder: m, gguf: g}\ndata: {shards: s}\nout: o", "model: name one start: folder"),
        (REST + "global_batch: 9\nmicro_batch: 2", "micro_batch: global_batch 9 is not a multiple"),
        (REST + "schedule: {shape: zigzag}", "schedule.shape: Input should be 'cosine'"),
        ("- 1", "the file: Input should be a valid dictionary"),
        ("a: [", "is not valid YAML"),
    ],
)
def test_a_mistake_in_a_configuration_is_one_sentence(text, sentence, tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_are_meant_from_the_files_folder_and_survive_a_copy(tmp_path):
    (tmp_path / "train.yaml").write_text("model: {folder: m}\ndata: {shards: s3://bucket/s}\nout: ../o")
    config = load_config(tmp_path / "train.yaml")
    assert config.model.folder == str(tmp_path / "m")
    assert config.data.shards == "s3://bucket/s"
    assert config.out == str(tmp_path.parent / "o")
    save_config(config, tmp_path / "copy.json")
    assert load_config(tmp_path / "copy.json") == config


def test_a_global_batch_that_ranks_do_not_divide_says_so():
    assert config_of().accumulation(8) == 2
    with pytest.raises(ConfigError, match="global_batch 64 is not a multiple of micro_batch 4 times 3 ranks"):
        config_of().accumulation(3)
