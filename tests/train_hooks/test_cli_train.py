import json

import pytest
import yaml
from click.testing import CliRunner

from mathmill.core.errors import ConfigError
from mathmill.jobs.cli import cli


@pytest.fixture
def config(counting_shards, tiny, tmp_path):
    """A configuration file whose paths are relative to it."""
    (tmp_path / "shards").symlink_to(counting_shards)
    values = {
        "model": {"scratch": dict(tiny)},
        "data": {"shards": "shards", "held_out": 0.1},
        "out": "out",
        "global_batch": 8,
        "micro_batch": 4,
        "optimizer": {"precision": "fp32", "lr": 0.01},
        "schedule": {"steps": 1},
        "tensorboard": False,
        "device": "cpu",
    }
    path = tmp_path / "train.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def invoke(*arguments):
    return CliRunner().invoke(cli, ["train", *map(str, arguments)], catch_exceptions=True)


def test_train_says_how_it_went_and_where_the_model_is(config, tmp_path):
    done = invoke(config, "--set", "schedule.steps=2")
    assert done.exit_code == 0, done.exception
    lines = done.stdout.splitlines()
    assert lines[0] == "steps    2"
    assert f"The model:   {tmp_path / 'out/best'}" in lines
    again = invoke(config, "--json", "--set", "schedule.steps=2")
    assert json.loads(again.stdout.splitlines()[-1])["steps"] == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("optimizer.lrr=1", "train.yaml:18 optimizer.lrr: unknown key; there are betas, clip"),
        ("optimizer", "--set optimizer: it should be KEY=VALUE, such as optimizer.lr=2e-5"),
        ("global_batch.x=1", "--set global_batch.x=1: global_batch holds no settings"),
        ("out=s3://bucket/run", "is no local folder; checkpoints go to a disk that all ranks see"),
    ],
)
def test_mistakes_name_the_line_and_the_key(config, change, sentence):
    done = invoke(config, "--set", change)
    assert isinstance(done.exception, ConfigError)
    assert sentence in str(done.exception)


def test_a_slurm_script_starts_a_process_for_each_gpu_and_queues_again(config, tmp_path):
    done = invoke(config, "--slurm", tmp_path / "job.sh", "--nodes", 2, "--torchrun", 4)
    assert done.exit_code == 0
    script = (tmp_path / "job.sh").read_text()
    assert "#SBATCH --nodes=2\n#SBATCH --ntasks-per-node=4\n#SBATCH --gpus-per-node=4\n" in script
    assert f"-m mathmill.train_hooks.trainer {tmp_path / 'out/train.json'}" in script
    assert '[ $status = 143 ] && scontrol requeue "$SLURM_JOB_ID"' in script
    assert not (tmp_path / "out/metrics.jsonl").exists()
    assert isinstance(invoke(config, "--nodes", 2).exception, ConfigError)
