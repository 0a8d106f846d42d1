"""Exports as their readers see them: megatron-core, datasets, TRL, datatrove."""

import itertools
import json

import numpy as np
import pytest

from mathmill.tokenize.export import export
from mathmill.tokenize.reader import ShardReader

pytestmark = pytest.mark.slow

SUPERVISED_FROM = 500  # learned ids in the shards for training: the model must see no others


@pytest.fixture(scope="module")
def rows(shards):
    """Tokens of each row of the shards, without padding."""
    return [row.tokens[: row.n_tokens].tolist() for row in ShardReader(shards)]


@pytest.fixture(scope="module")
def megatron():
    pytest.importorskip("torch", reason="megatron-core needs torch, which is not installed")
    reason = "megatron-core is not installed"
    return pytest.importorskip("megatron.core.datasets", reason=reason, exc_type=ImportError)


def test_megatron_cores_indexed_dataset_sees_every_record(shards, tmp_path, megatron):
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    export(shards, tmp_path / "out", "megatron")
    records = {}
    for row in ShardReader(shards):
        for segment in row.segments:
            parts = records.setdefault(segment.record_id, {})
            parts[segment.part] = row.tokens[segment.start : segment.start + segment.length].tolist()
    expected = [[token for number in sorted(parts) for token in parts[number]] for parts in records.values()]
    found = []
    for group in ("general", "hard"):
        dataset = IndexedDataset(str(tmp_path / "out" / f"{group}-00000"))
        documents = dataset.document_indices
        found += [
            np.concatenate([dataset[i] for i in range(first, last)]).tolist()
            for first, last in itertools.pairwise(documents)
        ]
    assert found == expected


def test_megatron_cores_gpt_dataset_reads_the_tokens_of_an_export_and_of_the_shards(shards, tmp_path, megatron, rows):
    from types import SimpleNamespace

    from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
    from megatron.core.datasets.utils import Split

    export(shards, tmp_path / "out", "megatron")
    length = 32

    def windows(prefix: str) -> list[tuple[int, ...]]:
        config = GPTDatasetConfig(
            random_seed=1,
            sequence_length=length,
            blend=([prefix], None),
            split="1",
            path_to_cache=str(tmp_path / "cache"),
            tokenizer=SimpleNamespace(vocab_size=1000, eod=2, pad=0, unique_identifiers={"toy": "toy"}),
            reset_position_ids=False,
            reset_attention_mask=False,
            eod_mask_loss=False,
            create_attention_mask=False,
        )
        low = GPTDataset.build_low_level_dataset(prefix, config)
        documents = np.arange(GPTDataset.numel_low_level_dataset(low), dtype=np.int32)
        data = GPTDataset(low, prefix, documents, None, Split.train, config)
        order = np.concatenate([low[int(i)] for i in data.document_index])  # its own shuffle of the sequences
        assert sorted(order.tolist()) == sorted(token for row in rows[hard.start : hard.stop] for token in row)
        for i in range(len(data)):
            place = int(data.shuffle_index[i]) * length
            assert data[i]["tokens"].tolist() == order[place : place + length].tolist()
            assert data[i]["labels"].tolist() == order[place + 1 : place + length + 1].tolist()
        return len(data)

    hard = ShardReader(shards).groups["hard"]
    tokens = sum(map(len, rows[hard.start : hard.stop]))
    assert windows(str(tmp_path / "out" / "hard-00000")) == (tokens - 1) // length
    assert windows(str(shards / "hard-0")) == (tokens - 1) // length


def test_datasets_loads_parquet_and_arrow_folders(shards, tmp_path, rows):
    datasets = pytest.importorskip("datasets")
    export(shards, tmp_path / "parquet", "parquet", part_tokens=1000)
    export(shards, tmp_path / "arrow", "arrow", part_tokens=1000)
    cache = str(tmp_path / "cache")
    loaded = {
        "parquet folder": datasets.load_dataset(str(tmp_path / "parquet"), split="train", cache_dir=cache),
        "parquet": datasets.load_dataset("parquet", data_dir=str(tmp_path / "parquet"), split="train", cache_dir=cache),
        "disk": datasets.load_from_disk(str(tmp_path / "arrow")),
        "arrow": datasets.load_dataset("arrow", data_dir=str(tmp_path / "arrow"), split="train", cache_dir=cache),
        "file": datasets.concatenate_datasets(
            [datasets.Dataset.from_file(str(path)) for path in sorted((tmp_path / "arrow" / "data").iterdir())]
        ),
    }
    for name, dataset in loaded.items():
        assert dataset["input_ids"][:] == rows, name
        assert dataset.features["labels"].feature.dtype == "int32"
    streamed = datasets.load_dataset(str(tmp_path / "parquet"), split="train", streaming=True)
    assert [row["input_ids"] for row in streamed] == rows


@pytest.fixture(scope="module")
def packed(tmp_path_factory, encoded_table, write_folder):
    """Shards of prompts (ids below SUPERVISED_FROM) with solutions (above), of which only solutions are learned."""
    rng = np.random.default_rng(5)
    records = []
    for _ in range(60):
        prompt, solution = rng.integers(3, SUPERVISED_FROM, 6).tolist(), rng.integers(SUPERVISED_FROM, 1000, 5).tolist()
        records.append({"tokens": [*prompt, *solution], "loss": [(6, 11)]})
    folder = tmp_path_factory.mktemp("packed")
    write_folder(folder / "s", {"a": [encoded_table(records)]}, seq_len=64)
    export(folder / "s", folder / "out", "arrow")
    return folder / "out"


def test_trls_collator_begins_positions_anew_in_each_segment(packed):
    datasets, sft = pytest.importorskip("datasets"), pytest.importorskip("trl.trainer.sft_trainer")
    dataset = datasets.load_from_disk(str(packed))
    collator = sft.DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    batch = collator([dataset[0], dataset[1]])
    assert batch["input_ids"].tolist() == [dataset[0]["input_ids"] + dataset[1]["input_ids"]]
    assert batch["position_ids"].tolist() == [[*range(11)] * 10]
    assert batch["cu_seq_lens_q"].tolist() == [*range(0, 111, 11)]
    assert batch["labels"].tolist() == [dataset[0]["labels"] + dataset[1]["labels"]]
    assert batch["labels"][0, :11].tolist() == [-100] * 6 + dataset[0]["input_ids"][6:11]
    assert "attention_mask" not in batch


def test_trls_trainer_learns_from_supervised_tokens_only_and_keeps_segments_apart(packed, tmp_path):
    datasets, trl = pytest.importorskip("datasets"), pytest.importorskip("trl")
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models

    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(1000)}, unk_token="w1"))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="w2", pad_token="w0")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=1000, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2
    )
    model = transformers.LlamaForCausalLM(config)
    dataset = datasets.load_from_disk(str(packed))
    arguments = trl.SFTConfig(
        output_dir=str(tmp_path), per_device_train_batch_size=2, max_steps=1, packing=False, padding_free=True,
        max_length=None, report_to=[], use_cpu=True, save_strategy="no", logging_steps=1, learning_rate=0.0,
        disable_tqdm=True, bf16=False,
    )  # fmt: skip
    trainer = trl.SFTTrainer(model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer)
    batch = next(iter(trainer.get_train_dataloader()))
    assert {"input_ids", "labels", "position_ids"} <= set(batch)
    learned = batch["labels"][batch["labels"] != -100]
    assert len(learned) == 50  # 5 of each of the 10 segments of two rows
    assert int(learned.min()) >= SUPERVISED_FROM

    def loss_of(inputs) -> float:
        with torch.no_grad():
            return float(model(**inputs).loss)

    trainer.train()
    logged = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    ids, positions = batch["input_ids"], batch["position_ids"]
    starts = (positions[0] == 0).nonzero().flatten().tolist()
    alone = []
    for start in starts:
        segment = slice(start, start + 11)
        with torch.no_grad():
            logits = model(input_ids=ids[:, segment]).logits[0, 5:10]
        alone.append(torch.nn.functional.cross_entropy(logits, ids[0, start + 6 : start + 11]))
    expected = float(torch.stack(alone).mean())
    assert logged[0] == pytest.approx(expected, rel=1e-3)
    assert loss_of({name: batch[name] for name in ("input_ids", "labels", "position_ids")}) == pytest.approx(
        expected, rel=1e-4
    )
    assert json.loads((packed / "export.json").read_text())["counts"]["targets"] == 60 * 5


def test_datatroves_data_sets_see_the_tokens_and_where_segments_begin(shards, tmp_path, rows):
    pytest.importorskip("torch")
    module = pytest.importorskip("datatrove.utils.dataset")
    export(shards, tmp_path / "out", "datatrove")
    reader = ShardReader(shards)
    groups = {name: [token for row in rows[r.start : r.stop] for token in row] for name, r in reader.groups.items()}
    length = 15
    dataset = module.DatatroveFolderDataset(
        str(tmp_path / "out"), seq_len=length, filename_pattern="*.ds", token_size=2, return_positions=True
    )
    expected = [
        tokens[i : i + length + 1]
        for tokens in groups.values()
        for i in range(0, len(tokens) - length, length + 1)
    ]  # fmt: skip
    assert [dataset[i]["input_ids"].tolist() for i in range(len(dataset))] == expected
    starts = {
        name: {0, *np.fromfile(tmp_path / "out" / f"{name}_00000_unshuffled.ds.index", "<u8").tolist()}
        for name in groups
    }
    number = 0
    for name, tokens in groups.items():
        for window in range(0, len(tokens) - length, length + 1):
            positions, place = dataset[number]["positions"].tolist(), -1
            for i, position in enumerate(positions):
                place = 0 if i == 0 or window + i in starts[name] else place + 1
                assert position == place, (name, window, i)
            number += 1


def test_datatroves_own_check_passes(tmp_path, encoded_table, write_folder):
    io = pytest.importorskip("datatrove.io")
    from datatrove.tools.check_dataset import check_dataset
    from tokenizers import Tokenizer, models

    vocabulary = {"<|endoftext|>": 2, "a": 3}
    Tokenizer(models.WordLevel(vocabulary, unk_token="a")).save(str(tmp_path / "tokenizer.json"))
    records = [{"tokens": [5] * n + [2], "loss": [(n // 2, n + 1)]} for n in range(1, 12)]
    write_folder(tmp_path / "s", {"a": [encoded_table(records)], "b": [encoded_table(records[:3])]}, seq_len=16)
    export(tmp_path / "s", tmp_path / "out", "datatrove")
    check_dataset(io.get_datafolder(str(tmp_path / "out")), str(tmp_path / "tokenizer.json"))
