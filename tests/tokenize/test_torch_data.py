import copy
import itertools
import pickle

import pytest

from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.loader import Loader

torch = pytest.importorskip("torch", reason="torch is not installed")
torch_data = pytest.importorskip("mathmill.tokenize.torch_data")
ShardDataset = torch_data.ShardDataset

RECORDS = [
    {"tokens": [1, 2, 3], "loss": [(1, 3, 0.5)], "weight": 0.5},
    {"tokens": [10, 11, 12, 13, 14, 15, 16, 17, 18, 19], "cuts": [(6, 0)], "loss": [(4, 10)]},
    {"tokens": [21, 22], "loss": [(0, 2)]},
]
"""Packed in rows of 8: [10 … 15 21 22] and [1 2 3 16 17 18 19 pad]."""


@pytest.fixture(scope="module")
def small(tmp_path_factory, encoded_table, write_folder):
    folder = tmp_path_factory.mktemp("torch") / "small"
    write_folder(folder, {"a": [encoded_table(RECORDS)]}, seq_len=8, pad_id=999)
    return folder


@pytest.fixture(scope="module")
def stateful():
    return pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed").StatefulDataLoader


def tokens_of(batches):
    return [batch["input_ids"].tolist() for batch in batches]


def test_tensors_are_what_a_hugging_face_model_takes(small):
    (batch,) = ShardDataset(small, 2)
    rows = sorted(zip(*(batch[key].tolist() for key in ("input_ids", "labels", "loss_weights", "position_ids"))))
    assert rows == [
        (
            [1, 2, 3, 16, 17, 18, 19, 999],
            [-100, 2, 3, -100, 17, 18, 19, -100],
            [0, 0.25, 0.25, 0, 1, 1, 1, 0],
            [0, 1, 2, 0, 1, 2, 3, 0],
        ),
        (
            [10, 11, 12, 13, 14, 15, 21, 22],
            [-100, -100, -100, -100, 14, 15, -100, 22],
            [0, 0, 0, 0, 1, 1, 0, 1],
            [0, 1, 2, 3, 4, 5, 0, 1],
        ),
    ]
    assert batch["cu_seqlens"].tolist() in ([0, 6, 8, 11, 15, 16], [0, 3, 7, 8, 14, 16])
    assert {key: (value.dtype, tuple(value.shape)) for key, value in batch.items()} == {
        "input_ids": (torch.int64, (2, 8)),
        "labels": (torch.int64, (2, 8)),
        "loss_weights": (torch.float32, (2, 8)),
        "position_ids": (torch.int64, (2, 8)),
        "cu_seqlens": (torch.int32, (6,)),
    }


def test_the_mask_keeps_attention_inside_segments():
    mask = torch_data.document_mask(torch.tensor([[0, 1, 0, 1, 0]]))
    assert mask.int().tolist() == [
        [[[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]]
    ]


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_workers_change_nothing(shards, workers):
    expected = [batch.tokens.tolist() for batch in Loader(shards, 8, seed=4)]
    data = ShardDataset(shards, 8, seed=4)
    loader = torch.utils.data.DataLoader(data, batch_size=None, num_workers=workers)
    assert len(loader) == len(expected)
    assert tokens_of(loader) == expected
    assert tokens_of(loader) == expected, "a second pass is as the first"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stateful_data_loader_resumes_exactly(shards, stateful, workers):
    def opened():
        return stateful(ShardDataset(shards, 8, seed=4, epochs=2), batch_size=None, num_workers=workers)

    expected = [batch.tokens.tolist() for batch in Loader(shards, 8, seed=4, epochs=2)]
    for stop in (0, 1, 4, len(expected)):
        loader = opened()
        assert tokens_of(itertools.islice(loader, stop)) == expected[:stop]
        state = pickle.loads(pickle.dumps(loader.state_dict()))
        again = opened()
        again.load_state_dict(state)
        if stop == len(expected):
            assert tokens_of(again) == []
            assert tokens_of(again) == expected, "after a whole pass comes another one"
        else:
            middle = tokens_of(itertools.islice(again, 2))
            state = again.state_dict()
            last = opened()
            last.load_state_dict(state)
            assert middle + tokens_of(last) == expected[stop:]


def test_a_state_before_the_first_batch_after_a_resume_is_the_same_state(shards):
    data = ShardDataset(shards, 8)
    steps = iter(data)
    next(steps)
    next(steps)
    state = data.state_dict()
    again = ShardDataset(shards, 8)
    again.load_state_dict(state)
    resumed = iter(again)
    assert again.state_dict() == state
    assert next(resumed)["input_ids"].tolist() == next(steps)["input_ids"].tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_the_state_of_a_loader_fits_a_data_set_in_another_world(shards, workers):
    whole = Loader(shards, 8, seed=4)
    list(itertools.islice(whole, 3))
    parts = []
    for rank in range(2):
        data = ShardDataset(shards, 8, seed=4, rank=rank, world_size=2)
        data.load_state_dict(whole.state_dict())
        parts.append(tokens_of(torch.utils.data.DataLoader(data, batch_size=None, num_workers=workers)))
    rest = [batch.tokens.tolist() for batch in whole]
    assert [a + b for a, b in zip(*parts, strict=True)] == rest


def test_a_state_of_other_shards_or_another_worker_is_refused(shards, small):
    data = ShardDataset(shards, 2)
    data.load_state_dict(ShardDataset(small, 2).state_dict())
    with pytest.raises(DataError, match="taken with other shards"):
        next(iter(data))
    data.load_state_dict(ShardDataset(shards, 2).state_dict() | {"worker": [0, 2]})
    with pytest.raises(ConfigError, match=r"that of worker \[0, 2\] of a data loader, not of \[0, 1\]"):
        next(iter(data))


def test_wrong_settings_appear_before_any_worker_starts(shards, tmp_path):
    with pytest.raises(ConfigError, match="not a multiple"):
        ShardDataset(shards, 3, rank=0, world_size=2)
    with pytest.raises(DataError, match="no manifest"):
        ShardDataset(tmp_path, 2)


def test_rank_and_world_size_come_from_torch_distributed(shards, tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        assert tokens_of(ShardDataset(shards, 8)) == tokens_of(ShardDataset(shards, 8, rank=0, world_size=1))
    finally:
        torch.distributed.destroy_process_group()


def test_a_data_set_is_copied_to_other_processes(shards):
    data = ShardDataset(shards, 8)
    assert tokens_of(copy.deepcopy(data)) == tokens_of(pickle.loads(pickle.dumps(data))) == tokens_of(data)


def test_a_data_set_without_end_has_no_length(shards):
    data = ShardDataset(shards, 8, epochs=None)
    with pytest.raises(TypeError, match="never ends"):
        len(data)
    assert len(tokens_of(itertools.islice(data, 50))) == 50


@pytest.mark.slow
def test_the_example_runs(shards, stateful, tmp_path, monkeypatch):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=1000, **sizes))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "shards").symlink_to(shards)
    monkeypatch.chdir(tmp_path)
    lines = [line[8:] for line in torch_data.__doc__.splitlines() if line.startswith(("    >>> ", "    ... "))]
    names = {"ShardDataset": ShardDataset, "model": model}
    exec("\n".join(lines), names)
    assert 0 < names["loss"].item() < 20
