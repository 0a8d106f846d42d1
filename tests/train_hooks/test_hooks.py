"""Hooks of other trainers and the contract that they share."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from mathmill.core.errors import ConfigError, OperationError
from mathmill.train_hooks.hook import LaunchSpec, LocalProcess, hand_over, hook_names, load_hook
from mathmill.train_hooks.trainer.config import load_config

THIRD_PARTY = Path(__file__).parent / "thirdparty"


@pytest.fixture(scope="module")
def model(tmp_path_factory, tiny):
    """A folder with a tiny random model and a tokenizer whose words are its ids."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models

    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**{key: value for key, value in tiny.items() if key != "model_type"})
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(64)}, unk_token="w1"))
    transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="w2", pad_token="w0").save_pretrained(folder)
    return folder


@pytest.fixture
def config(model, tmp_path):
    return {
        "model": {"folder": str(model)},
        "data": {"held_out": 0.1},
        "out": str(tmp_path / "run"),
        "global_batch": 4,
        "micro_batch": 2,
        "schedule": {"steps": 2},
        "optimizer": {"precision": "fp32"},
        "checkpoint": {"every": 0},
        "tensorboard": False,
        "device": "cpu",
    }


def planned(name, shards, config):
    """Plan and hand over; the plan and the paths of the export."""
    hook, manifest = load_hook(name), shards / "manifest.json"
    spec = hook.plan(manifest, config)
    assert not Path(config["out"]).exists()  # a plan writes nothing
    return spec, hand_over(hook, spec, manifest, config)


def test_the_bundled_hooks_are_there():
    assert {"axolotl", "llamafactory", "mathmill", "megatron", "trl"} <= hook_names().keys()
    with pytest.raises(ConfigError, match="there is no training hook 'nemo'; there are axolotl, "):
        load_hook("nemo")


@pytest.mark.parametrize("name", ["axolotl", "llamafactory", "mathmill", "megatron", "trl"])
def test_a_mistake_in_the_configuration_is_one_sentence(name, counting_shards, config):
    with pytest.raises(ConfigError, match=r"^optimizer\.lr: Input should be greater than 0$"):
        load_hook(name).plan(counting_shards / "manifest.json", {**config, "optimizer": {"lr": 0}})
    with pytest.raises(ConfigError, match=r"^speling: unknown key$"):
        load_hook(name).plan(counting_shards / "manifest.json", {**config, "speling": 1})


def test_our_own_hook_starts_the_trainer_on_the_shards_as_they_are(counting_shards, config):
    spec, paths = planned("mathmill", counting_shards, config)
    out = Path(config["out"])
    assert spec.argv == (sys.executable, "-m", "mathmill.train_hooks.trainer", str(out / "train.json"))
    assert paths == [counting_shards / "manifest.json"]
    written = load_config(out / "train.json")
    assert written.data.shards == str(counting_shards)
    assert written.schedule.steps == 2


def test_our_own_hook_writes_torchrun_and_slurm_commands(counting_shards, config):
    manifest = counting_shards / "manifest.json"
    argv = load_hook("mathmill").plan(manifest, {**config, "processes": 2}).argv
    assert argv[1:5] == ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    spec = load_hook("mathmill").plan(manifest, {**config, "processes": 2, "nodes": 1})
    assert spec.argv == ("sbatch", str(Path(config["out"]) / "job.sh"))
    assert "#SBATCH --ntasks-per-node=2" in spec.files[spec.argv[1]]


def test_trl_trains_two_steps_on_the_export(counting_shards, config):
    pytest.importorskip("trl")
    spec, _ = planned("trl", counting_shards, {**config, "settings": {"disable_tqdm": True}})
    assert "these shards weigh tokens, and this trainer weighs all supervised ones alike" in spec.notes
    handle = load_hook("trl").launch(spec)
    assert handle.wait(120) == 0, handle.log.read_text()
    assert handle.poll() == 0
    assert "'loss'" in handle.log.read_text()
    model = Path(config["out"]) / "model"
    assert json.loads((model / "config.json").read_text())["hidden_size"] == 32
    assert (model / "model.safetensors").exists()


def test_axolotl_gets_one_segment_a_record(counting_shards, config):
    datasets = pytest.importorskip("datasets")
    spec, (folder,) = planned("axolotl", counting_shards, {**config, "settings": {"bf16": "auto", "seed": None}})
    rows = datasets.load_from_disk(str(folder))
    assert rows.column_names == ["input_ids", "attention_mask", "labels"]  # how axolotl knows a tokenized data set
    assert len(rows) == 90
    # they count upwards modulo 60, and none of them holds the beginning of another one
    for row in rows:
        steps = {int(step) % 60 for step in np.diff(row["input_ids"])}
        assert len(steps) == 1
        assert set(row["attention_mask"]) == {1}
        assert row["labels"][0] == -100
        learned = [(label, token) for label, token in zip(row["labels"], row["input_ids"], strict=True) if label >= 0]
        assert learned
        assert all(label == token for label, token in learned)
    settings = yaml.safe_load(spec.files[spec.argv[2]])
    assert settings["datasets"] == [{"path": str(folder), "type": None}]
    assert settings["sample_packing"] is True
    assert settings["sequence_len"] == 32
    assert settings["gradient_accumulation_steps"] == 2
    assert settings["bf16"] == "auto"  # the user's own
    assert "seed" not in settings


def test_llamafactory_gets_packed_rows_whose_mask_numbers_the_segments(counting_shards, config):
    datasets = pytest.importorskip("datasets")
    spec, _ = planned("llamafactory", counting_shards, config)
    settings = yaml.safe_load(spec.files[spec.argv[2]])
    rows = datasets.load_from_disk(settings["tokenized_path"])["train"]
    assert rows.column_names == ["input_ids", "attention_mask", "labels"]
    assert sum(max(row["attention_mask"]) for row in rows) == 90
    for row in rows:
        assert set(np.diff(row["attention_mask"])) <= {0, 1}
        assert [row["labels"][i] for i in np.flatnonzero(np.diff([0, *row["attention_mask"]]))] == [-100] * max(
            row["attention_mask"]
        )
    assert (settings["stage"], settings["neat_packing"], settings["flash_attn"]) == ("sft", True, "sdpa")
    info = json.loads((Path(settings["dataset_dir"]) / "dataset_info.json").read_text())
    assert settings["dataset"] in info


def test_megatron_gets_a_blend_that_its_reader_opens_and_the_models_shape(counting_shards, config):
    indexed = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    spec, _ = planned("megatron", counting_shards, {**config, "settings": {"tensor-model-parallel-size": 2}})
    given = dict(zip(spec.argv, spec.argv[1:], strict=False))
    lines = [line.split() for line in Path(given["--data-args-path"]).read_text().splitlines()]
    opened = [indexed.IndexedDataset(prefix) for _, prefix in lines]
    tokens = [int(sum(each.sequence_lengths)) for each in opened]
    assert [int(weight) for weight, _ in lines] == [2 * each for each in tokens]  # bytes of uint16
    assert sum(tokens) == json.loads((counting_shards / "manifest.json").read_text())["tokens"]
    assert [given[f"--{name}"] for name in ("num-layers", "hidden-size", "num-query-groups", "kv-channels")] == [
        "2", "32", "2", "8",
    ]  # fmt: skip
    assert given["--seq-length"] == "32"
    assert given["--split"] == "90,10,0"
    assert given["--tensor-model-parallel-size"] == "2"
    assert "--dataloader-inter-document-masking" in spec.argv  # the older mask is not read where attention is causal
    assert "--untie-embeddings-and-output-weights" not in spec.argv  # they are tied
    assert any("learns all" in note for note in spec.notes)
    assert any("convert" in note for note in spec.notes)


def test_megatrons_arguments_are_known_to_megatron_core(counting_shards, config):
    """Those that are fields of megatron-core's configurations have their names; the parser itself is not packaged."""
    fields = pytest.importorskip("megatron.core.transformer.transformer_config").TransformerConfig.__dataclass_fields__
    spec = load_hook("megatron").plan(counting_shards / "manifest.json", config)
    named = {"num-layers", "hidden-size", "num-attention-heads", "num-query-groups", "kv-channels", "attention-dropout"}
    assert {f"--{name}" for name in named} <= set(spec.argv)
    assert {name.replace("-", "_") for name in named} <= set(fields)


def test_a_mixture_keeps_its_rows_and_their_order(counting_shards, config, tmp_path):
    datasets = pytest.importorskip("datasets")
    from mathmill.core.storage import Folder
    from mathmill.jobs.mix import plan_over
    from mathmill.tokenize.manifest import load
    from mathmill.tokenize.mixture_config import MixtureConfig

    mixture = plan_over(Folder(counting_shards), load(counting_shards), MixtureConfig(groups={"a": 1, "b": 3}))
    (tmp_path / "mixture.json").write_bytes(mixture.to_json())
    config = {**config, "data": {"mixture": str(tmp_path / "mixture.json")}}
    spec, (folder,) = planned("trl", counting_shards, config)
    assert datasets.load_from_disk(str(folder))["input_ids"][:3]
    assert len(datasets.load_from_disk(str(folder))) == mixture.rows
    settings = json.loads(spec.files[str(Path(config["out"]) / "train.json")])
    assert settings["held_out"] == 0
    assert settings["sft"]["train_sampling_strategy"] == "sequential"


def test_a_handle_says_how_a_run_ends_and_can_stop_it(tmp_path):
    ended = LocalProcess(LaunchSpec((sys.executable, "-c", "print('hello'); raise SystemExit(3)"), folder=tmp_path))
    assert ended.wait(60) == 3
    assert ended.log.read_text() == "hello\n"
    endless = LocalProcess(LaunchSpec((sys.executable, "-c", "while True: pass"), folder=tmp_path))
    assert endless.poll() is None
    with pytest.raises(TimeoutError):
        endless.wait(0.01)
    assert endless.stop(60) == -15
    with pytest.raises(OperationError, match=r"cannot start no-such-trainer: .*; is it installed here"):
        LocalProcess(LaunchSpec(("no-such-trainer",), folder=tmp_path))


def test_the_hook_of_another_package_is_found_and_driven_by_its_manifest_alone(counting_shards, tmp_path):
    """Installed beside mathmill, it counts tokens for a trainer."""
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    source = tmp_path / "source"
    source.mkdir()
    for path in THIRD_PARTY.iterdir():
        if path.is_file():
            (source / path.name).write_bytes(path.read_bytes())  # setuptools builds in the source folder
    installed = subprocess.run([*pip, "--target", str(target), str(source)], capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    train = tmp_path / "train.yaml"
    train.write_text(f"data: {{shards: {counting_shards}}}\nout: {tmp_path / 'run'}\ngreeting: hello\n")
    environment = {**os.environ, "PYTHONPATH": str(target)}
    run = subprocess.run(
        [sys.executable, "-m", "mathmill.jobs.cli", "train", str(train), "--hook", "counting"],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    tokens = json.loads((counting_shards / "manifest.json").read_text())["tokens"]
    assert (tmp_path / "run/log.txt").read_text() == f"hello, {tokens} tokens\n"


@pytest.fixture
def command(counting_shards, config, tmp_path):
    """Run `mathmill train` on a file with the configuration."""
    from click.testing import CliRunner

    from mathmill.jobs.cli import cli

    config["data"]["shards"] = str(counting_shards)
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(config))
    return lambda *options: CliRunner().invoke(cli, ["train", str(tmp_path / "train.yaml"), *options])


def test_a_dry_run_prints_command_environment_and_files_and_writes_nothing(command, config):
    result = command("--hook", "llamafactory", "--dry-run")
    assert result.exit_code == 0, result.output
    out = config["out"]
    assert f"command  FORCE_TORCHRUN=1 NPROC_PER_NODE=1 llamafactory-cli train {out}/llamafactory.yaml" in result.output
    assert "neat_packing: true" in result.output
    assert not Path(out).exists()


def test_an_export_writes_everything_and_starts_nothing(command, tmp_path):
    result = command("--hook", "axolotl", "--export", str(tmp_path / "handed"), "--torchrun", "2", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["argv"][-1] == "--nproc_per_node=2"
    assert said["export"] == [str(tmp_path / "handed/data/train")]
    assert (tmp_path / "handed/axolotl.yaml").exists()
    assert "status" not in said


def test_a_mistake_in_a_training_file_names_its_line(command, config):
    result = command("--hook", "trl", "--set", "packing=true")
    assert isinstance(result.exception, ConfigError)
    assert "train.yaml:1 packing: unknown key; there are checkpoint, data, " in str(result.exception)
    result = command("--hook", "trl", "--set", "data.shards=elsewhere")
    assert str(result.exception).endswith("elsewhere: there is no manifest.json in this folder")
