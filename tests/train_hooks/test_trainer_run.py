import json
import multiprocessing
import os
import signal
import socket
import time
from pathlib import Path

import pytest
import torch

from mathmill.core.errors import ConfigError, DataError
from mathmill.train_hooks.trainer.config import TrainConfig

FORK = multiprocessing.get_context("fork")  # a child that need not import torch again


@pytest.fixture(scope="module")
def undisturbed(counting_shards, settings, trained, tmp_path_factory):
    return trained(settings(counting_shards, tmp_path_factory.mktemp("undisturbed")))


def in_child(config, environment=None, stop_first=False):
    """A process that trains with a configuration and exits with its status."""
    from mathmill.train_hooks.trainer import run
    from mathmill.train_hooks.trainer.run import train

    def signal_and_check(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)

    def work():
        os.environ.update(environment or {})
        torch.set_num_threads(1)
        if stop_first:
            run.check_leaks = signal_and_check  # what comes before the first step
        os._exit(143 if train(config).stopped else 0)

    process = FORK.Process(target=work)
    process.start()
    return process


def test_a_run_leaves_metrics_checkpoints_and_the_best_model(undisturbed, counting_shards):
    result, lines = undisturbed
    steps = [line for line in lines if "loss" in line]
    validations = [line for line in lines if "validation" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert [line["step"] for line in validations] == [3, 6]
    assert {"all", "difficulty/easy", "difficulty/hard", "corpus/documents"} <= set(validations[0]["validation"])
    assert (result.steps, result.stopped, result.skipped, result.best_step) == (6, False, 0, 6)
    out = os.path.dirname(result.model)
    assert sorted(os.listdir(f"{out}/checkpoints")) == ["step-00000004", "step-00000006"]
    assert json.loads(Path(out, "result.json").read_text())["steps"] == 6
    assert os.path.realpath(f"{out}/best") == os.path.realpath(f"{out}/last")


def test_the_saved_model_has_the_validation_loss_that_was_reported(undisturbed, counting_shards):
    from transformers import AutoModelForCausalLM

    from mathmill.tokenize.reader import ShardReader
    from mathmill.train_hooks.trainer.data import held_out_rows

    result, _ = undisturbed
    model = AutoModelForCausalLM.from_pretrained(result.model, attn_implementation="eager")
    reader = ShardReader(counting_shards)
    total = weight = 0.0
    for number in held_out_rows(reader, 0.1, 0).nonzero()[0]:
        row = reader[int(number)]
        for segment in row.segments:
            here = slice(segment.start, segment.start + segment.length)
            tokens = torch.tensor(row.tokens[here].astype("int64"))[None]
            weights = torch.tensor(row.weights[here])[1:]
            with torch.no_grad():
                logits = model(tokens).logits[0, :-1]
            each = torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="none")
            total += float((each * weights).sum())
            weight += float(weights.sum())
    assert result.validation["all"] == pytest.approx(total / weight, abs=1e-5)


def test_a_run_that_was_stopped_at_any_step_goes_on_with_the_same_losses(
    undisturbed, counting_shards, settings, trained, tmp_path, losses_of
):
    _, lines = undisturbed
    config = settings(counting_shards, tmp_path / "killed", checkpoint={"every": 1})
    kills = 0
    for wanted in (2, 5):  # killed by SIGKILL once so many steps are in the metrics
        child = in_child(config)
        while child.is_alive():
            if (tmp_path / "killed/metrics.jsonl").exists() and len(losses_of(config.out)) >= wanted:
                os.kill(child.pid, signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        child.join()
    _, resumed = trained(config)
    assert kills == 2
    assert losses_of(config.out) == [line["loss"] for line in lines if "loss" in line]
    assert [line for line in resumed if "validation" in line] == [line for line in lines if "validation" in line]


def test_sigterm_saves_and_the_same_command_goes_on(
    undisturbed, counting_shards, settings, trained, tmp_path, losses_of
):
    _, lines = undisturbed
    config = settings(counting_shards, tmp_path / "stopped", checkpoint={"every": 0})
    child = in_child(config)
    while child.is_alive() and not ((tmp_path / "stopped/metrics.jsonl").exists() and len(losses_of(config.out)) >= 2):
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGTERM)
    child.join()
    assert child.exitcode == 143
    (saved,) = (tmp_path / "stopped/checkpoints").iterdir()
    assert 2 <= int(saved.name.removeprefix("step-")) < 6
    before = {path: path.stat().st_mtime_ns for path in saved.iterdir()}
    again = in_child(config, stop_first=True)  # stopped before its first step: the checkpoint is left as it is
    again.join()
    assert again.exitcode == 143
    assert {path: path.stat().st_mtime_ns for path in saved.iterdir()} == before
    trained(config)
    assert losses_of(config.out) == [line["loss"] for line in lines if "loss" in line]


def test_two_processes_with_gloo_equal_one_and_one_goes_on_from_two(
    undisturbed, counting_shards, settings, trained, tmp_path, losses_of
):
    _, lines = undisturbed
    expected = [line["loss"] for line in lines if "loss" in line]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    config = settings(counting_shards, tmp_path / "two", schedule={"steps": 6}, checkpoint={"every": 4, "keep": 3})
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    ranks = [in_child(config, {**world, "RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in (0, 1)]
    for rank in ranks:
        rank.join()
    assert [rank.exitcode for rank in ranks] == [0, 0]
    assert losses_of(config.out) == pytest.approx(expected, abs=2e-6)
    both_lines = map(json.loads, (tmp_path / "two/metrics.jsonl").read_text().splitlines())
    last = [line for line in both_lines if "validation" in line]
    first = [line for line in lines if "validation" in line]
    assert last[-1]["validation"] == pytest.approx(first[-1]["validation"], abs=2e-6)

    both = json.loads((tmp_path / "two/checkpoints/step-00000004/state.json").read_text())
    assert both["world_size"] == 2
    (tmp_path / "two/checkpoints/step-00000006").rename(tmp_path / "gone")
    trained(config)
    assert losses_of(config.out) == pytest.approx(expected, abs=2e-6)


def test_bf16_with_random_rounding_and_eight_bit_states_resume_bit_for_bit(
    counting_shards, settings, trained, tmp_path, losses_of
):
    changes = {"optimizer": {"precision": "bf16-stochastic", "states": "int8"}, "loss": {"hard": 1.0}}
    changes |= {"validation": {"every": 0}}
    whole = settings(counting_shards, tmp_path / "whole", checkpoint={"every": 0}, **changes)
    trained(whole)
    halves = settings(counting_shards, tmp_path / "halves", checkpoint={"every": 3, "keep": 9}, **changes)
    trained(halves)
    (tmp_path / "halves/checkpoints/step-00000006").rename(tmp_path / "gone")
    trained(halves)
    assert losses_of(halves.out) == losses_of(whole.out)


def test_accumulation_does_not_change_the_losses(undisturbed, counting_shards, settings, trained, tmp_path, losses_of):
    _, lines = undisturbed
    for micro_batch in (1, 8):
        config = settings(
            counting_shards, tmp_path / str(micro_batch), micro_batch=micro_batch, checkpoint={"every": 0}
        )
        trained(config)
        assert losses_of(config.out) == pytest.approx([line["loss"] for line in lines if "loss" in line], abs=2e-6)


def test_packed_training_equals_training_on_each_record_alone(settings, trained, tmp_path, shard_builders, losses_of):
    records = [
        {"tokens": [(i + place) % 60 + 1 for place in range(4 + 3 * i)], "loss": [(1, 4 + 3 * i, 0.5 + i % 2)]}
        for i in range(8)
    ]
    packed, alone = tmp_path / "packed", tmp_path / "alone"
    shard_builders.write_folder(packed, {"a": [shard_builders.encoded_table(records, 64)]}, seq_len=32, vocab_size=64)
    tables = [shard_builders.encoded_table([record], 64) for record in records]
    shard_builders.write_folder(alone, {"a": tables}, seq_len=32, vocab_size=64)
    rows = json.loads((packed / "manifest.json").read_text())["rows"]
    assert rows < 8
    steps = {"steps": 5, "epochs": 5, "warm_up": 1}
    results = []
    for folder, batch in ((packed, rows), (alone, 8)):
        config = settings(
            folder, tmp_path / f"of-{folder.name}", data={"held_out": 0}, global_batch=batch, micro_batch=1,
            schedule=steps, checkpoint={"every": 0},
        )  # fmt: skip
        trained(config)
        results.append(losses_of(config.out))
    assert results[0] == pytest.approx(results[1], abs=1e-5)
    assert results[0][-1] < results[0][0] - 0.1


def test_a_tiny_model_learns_its_data_by_heart(counting_shards, settings, trained, tmp_path):
    config = settings(
        counting_shards, tmp_path / "heart", data={"held_out": 0, "groups": ["a"]}, global_batch=8, micro_batch=8,
        schedule={"steps": 70, "epochs": 30, "warm_up": 5}, optimizer={"lr": 0.02, "weight_decay": 0.0},
        checkpoint={"every": 0},
    )  # fmt: skip
    result, lines = trained(config)
    assert lines[0]["loss"] > 4
    assert result.loss < 0.9  # the first tokens of a record, and its step, cannot be known
    assert result.validation == {}


@pytest.mark.parametrize("checkpointing", ["none", "selective"])
def test_checkpointing_does_not_change_the_losses(
    checkpointing, undisturbed, counting_shards, settings, trained, tmp_path, losses_of
):
    _, lines = undisturbed
    config = settings(counting_shards, tmp_path, speed={"checkpointing": checkpointing}, checkpoint={"every": 0})
    trained(config)
    assert losses_of(config.out) == pytest.approx([line["loss"] for line in lines if "loss" in line], abs=1e-6)


def test_other_shards_may_be_validated_on_and_before_the_first_step(
    counting_shards, settings, trained, tmp_path, shard_builders
):
    other, wrong = tmp_path / "other", tmp_path / "wrong"
    table = shard_builders.encoded_table([{"tokens": list(range(1, 30)), "source": "counting"}], 64)
    shard_builders.write_folder(other, {"x": [table]}, seq_len=32, vocab_size=64)
    shard_builders.write_folder(wrong, {"x": [table]}, seq_len=64, vocab_size=64)
    config = settings(
        counting_shards, tmp_path / "run", data={"held_out": 0, "validation": str(other)}, checkpoint={"every": 0},
        validation={"every": 0, "at_start": True, "labels": ["source"]}, schedule={"steps": 2},
    )  # fmt: skip
    _, lines = trained(config)
    found = [line for line in lines if "validation" in line]
    assert [line["step"] for line in found] == [0, 2]
    assert set(found[0]["validation"]) == {"all", "source/counting"}
    assert found[0]["validation"]["all"] == pytest.approx(4.16, abs=0.1)  # log(64): nothing is known yet
    with pytest.raises(ConfigError, match="has rows of 64 tokens"):
        trained(settings(counting_shards, tmp_path / "no", data={"validation": str(wrong)}))


def test_a_mixture_keeps_its_order_without_the_rows_that_are_held_out(counting_shards):
    from mathmill.tokenize.mixture import MixtureConfig, plan_mixture
    from mathmill.tokenize.order import order_of
    from mathmill.tokenize.reader import ShardReader
    from mathmill.train_hooks.trainer.data import Remaining, held_out_rows

    reader = ShardReader(counting_shards)
    mixture = plan_mixture(
        MixtureConfig.model_validate({"groups": {"a": 1, "b": 2}, "max_repetition": 2}), reader.row_sizes("tokens")
    )
    order = order_of(reader, mixture, None, 0, 1)
    held_out = held_out_rows(reader, 0.2, 3)
    for rows in reader.groups.values():
        assert held_out[rows.start : rows.stop].sum() == round(0.2 * len(rows))
    every = order.rows(0, mixture.rows)
    kept = [row for row in every.tolist() if not held_out[row]]
    remaining = Remaining(order, held_out, mixture.rows)
    assert remaining.length == len(kept) < mixture.rows
    assert remaining.rows(0, len(kept)).tolist() == kept
    assert remaining.rows(5, 9).tolist() == kept[5:9]


def test_a_checkpoint_that_was_cut_short_is_an_error_of_the_data(counting_shards, settings, trained, tmp_path):
    config = settings(counting_shards, tmp_path, schedule={"steps": 2}, validation={"every": 0})
    trained(config)
    (file,) = tmp_path.glob("checkpoints/step-00000002/rank-0.safetensors")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(DataError, match="not as long as it was written"):
        trained(config)


def test_going_on_with_other_data_is_refused(counting_shards, settings, trained, tmp_path):
    trained(settings(counting_shards, tmp_path, schedule={"steps": 2}, validation={"every": 0}))
    with pytest.raises(DataError, match="another mixture, seed or choice of groups"):
        trained(settings(counting_shards, tmp_path, data={"seed": 1}))
    with pytest.raises(ConfigError, match="holds checkpoints"):
        trained(settings(counting_shards, tmp_path, checkpoint={"resume": False}))


def test_more_steps_than_there_are_rows_say_what_to_change(counting_shards, settings, trained, tmp_path):
    with pytest.raises(ConfigError, match=r"schedule.steps 1,000 times global_batch 8 needs 8,000 rows, and there are"):
        trained(settings(counting_shards, tmp_path, schedule={"steps": 1000}))


def test_a_model_with_a_smaller_vocabulary_is_refused(counting_shards, settings, trained, tmp_path, tiny):
    with pytest.raises(ConfigError, match="has 64 tokens, the model 32"):
        trained(settings(counting_shards, tmp_path, model={"scratch": {**tiny, "vocab_size": 32}}))


def test_the_configuration_is_kept_beside_the_run(undisturbed, settings, counting_shards):
    result, _ = undisturbed
    out = os.path.dirname(result.model)
    kept = TrainConfig.model_validate(json.loads(Path(out, "train.json").read_text()))
    assert kept == settings(counting_shards, out)
