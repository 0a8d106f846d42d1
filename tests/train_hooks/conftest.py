import importlib.util
import json
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch

torch.set_num_threads(1)

_spec = importlib.util.spec_from_file_location("shard_builders", Path(__file__).parents[1] / "tokenize/conftest.py")
builders = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(builders)

TINY = {
    "model_type": "llama",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 64,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
}


def countings(n_records, seed=0):
    """Records that count upwards modulo 60 by some step; easy to learn. Some begin with a prompt, some weigh less."""
    numbers = torch.Generator().manual_seed(seed)
    records = []
    for i in range(n_records):
        length = int(torch.randint(4, 30, (1,), generator=numbers))
        start = int(torch.randint(0, 7, (1,), generator=numbers))
        records.append(
            {
                "record_id": str(i),
                "tokens": [(start + place * (i % 3 + 1)) % 60 + 1 for place in range(length)],
                "loss": [(0 if i % 2 else length // 3, length, 1.0 if i % 3 else 0.5)],
                "difficulty": ["easy", "hard", None][i % 3],
            }
        )
    return records


@pytest.fixture(scope="session")
def counting_shards(tmp_path_factory):
    """90 records in two mix groups, packed in rows of 32. Read only."""
    folder = tmp_path_factory.mktemp("trainer") / "shards"
    records = countings(90)
    tables = {name: [builders.encoded_table(part, 64)] for name, part in (("a", records[:50]), ("b", records[50:]))}
    builders.write_folder(folder, tables, seq_len=32, vocab_size=64)
    return folder


@pytest.fixture(scope="session")
def trained():
    """Train with a configuration in this process, quietly; gives the result and the lines of metrics."""
    from mathmill.train_hooks.trainer.run import train

    def run(config):
        result = train(config)
        return result, metrics(config.out)

    return run


def metrics(out):
    return [json.loads(line) for line in (Path(out) / "metrics.jsonl").read_text().splitlines()]


def losses(lines):
    return [line["loss"] for line in lines if "loss" in line]


@pytest.fixture(scope="session")
def losses_of():
    return lambda out: losses(metrics(out))


@pytest.fixture(scope="session")
def settings():
    """A configuration of a tiny run; keywords replace its sections."""
    from mathmill.train_hooks.trainer.config import TrainConfig

    def make(shards, out, **changes):
        values = {
            "model": {"scratch": TINY},
            "data": {"shards": str(shards), "held_out": 0.1},
            "out": str(out),
            "global_batch": 8,
            "micro_batch": 2,
            "schedule": {"steps": 6, "epochs": 2, "warm_up": 2},
            "optimizer": {"precision": "fp32", "lr": 0.01},
            "checkpoint": {"every": 2},
            "validation": {"every": 3},
            "tensorboard": False,
            "device": "cpu",
        }
        for key, value in changes.items():
            values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
        return TrainConfig.model_validate(values)

    return make


@pytest.fixture(scope="session")
def tiny():
    return TINY


@pytest.fixture(scope="session")
def shard_builders():
    return builders
