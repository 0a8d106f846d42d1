"""`train:` in a recipe, and the demo's training."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mathmill.core.errors import ConfigError
from mathmill.core.storage import Folder
from mathmill.jobs.example import RECIPE
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.run import Finished, run_recipe
from mathmill.jobs.training_section import training_section

pytestmark = pytest.mark.xdist_group("demo")

TRAIN = """
train:
  hook: axolotl
  config:
    model: {folder: models/small}
    global_batch: 8
"""


def parse(text: str, base: Path = Path("/recipes")) -> object:
    return parse_recipe(text.encode(), base / "recipe.yaml")


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        ("train: {hook: nemo}", r"recipe.yaml:\d+ train.hook: there is no hook 'nemo'; there are axolotl, "),
        (
            "train: {hook: trl, speed: 2, config: {model: {folder: m}}}",
            r"recipe.yaml:\d+ train.speed: unknown key; there are",
        ),
        ("train: {}", r"recipe.yaml:\d+ train.config.model: is missing"),
        (
            "train: {config: {model: {folder: m}, sped: {}}}",
            r"recipe.yaml:\d+ train.config.sped: unknown key; there are checkpoint, data, ",
        ),
        ("train: {config: {out: x}}", r"recipe.yaml:\d+ train.config.out: leave it out: it is the run's own"),
        ("train: {config: {data: {shards: x}}}", r"train.config.data.shards: leave it out"),
        ("train: {config: 3}", r"train.config: write the settings of the trainer as a mapping"),
        (
            "train: {config: {model: {folder: m}, optimizer: {lr: 0}}}",
            r"recipe.yaml:\d+ train.config.optimizer.lr: 0 is not above 0",
        ),
    ],
)
def test_a_mistake_in_train_names_its_line(train: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        parse(f"{RECIPE}\n{train}\n")


def test_paths_of_train_are_meant_from_the_recipes_folder_and_the_data_keep_their_identity() -> None:
    recipe = parse(RECIPE + TRAIN)
    assert recipe.train.config["model"]["folder"] == "/recipes/models/small"
    assert recipe.digest() == parse(RECIPE).digest()


def test_train_without_tokens_is_refused() -> None:
    text = RECIPE[: RECIPE.index("tokenize:")] + TRAIN
    with pytest.raises(ConfigError, match="train: training needs shards; add `tokenize`"):
        parse(text)


def test_a_run_ends_with_what_its_trainer_needs(demo: Finished, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(str(demo.run.root), out)
    finished = run_recipe(parse(RECIPE + TRAIN, tmp_path), out)
    planned = finished.training
    assert planned is not None
    assert not planned.launches
    assert planned.spec.argv == ("axolotl", "train", str(out / "train/axolotl.yaml"))
    assert "curriculum_sampling: true" in (out / "train/axolotl.yaml").read_text()  # in the order of the mixture
    assert (out / "train/data/train/state.json").exists()
    counted = json.loads((out / "shards/mixture.json").read_text())
    assert counted["rows"] > 0
    again = run_recipe(parse(RECIPE + TRAIN, tmp_path), out)
    assert again.training is not None


def test_the_section_draws_both_losses(tmp_path: Path) -> None:
    assert training_section(tmp_path) is None
    lines = [
        {"step": 0, "validation": {"all": 4.0, "corpus/x": 4.5}},
        {"step": 1, "loss": 3.0, "taken": True},
        {"step": 2, "loss": 900.0, "taken": False},
        {"step": 4, "loss": 2.0, "taken": True},
        {"step": 4, "validation": {"all": 2.5}},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    section = str(training_section(tmp_path))
    assert 'points="25.00,50.00 100.00,100.00"' in section
    assert 'points="0.00,0.00 100.00,75.00"' in section
    assert "training 3.000 at step 1" in section


@pytest.mark.slow
def test_the_demo_trains_a_small_model_whose_loss_falls_and_reports_it(demo: Finished, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from mathmill.jobs.demo_training import train_demo

    shutil.copytree(str(demo.run.root), tmp_path / "run")
    trained = train_demo(replace(demo, run=Folder(tmp_path / "run")), shown=False)
    assert trained.losses[0] > 8.9  # the logarithm of 8,192 words is 9.01
    assert trained.losses[1] < 6.8
    assert trained.held_out[1] < trained.held_out[0] - 2
    assert trained.items == 12
    assert (Path(trained.model) / "model.safetensors").exists()
    report = (tmp_path / "run/report.html").read_text()
    assert "Training on the shards" in report
    assert "Evaluation of " in report
    assert "http://" not in report.split("<h2>Training on the shards", 1)[1].split("<h2>Documents that were kept", 1)[0]


def test_the_demo_says_why_it_ends_with_its_shards() -> None:
    from mathmill.jobs.demo_training import why_not

    assert "folder of this machine" in str(why_not("s3://bucket/demo"))
    missing = why_not("/somewhere", ("json", "no_such_package"))
    assert missing == "Training is left out: no_such_package is not installed; pip install 'mathmill[train]' gets it"
