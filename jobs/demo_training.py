"""The demo's second half: a short pre-training of a small Llama on its shards, an evaluation, and both in the report.

0.6 million parameters, once through the 140 rows: some 25 s on one core, evaluation included. It shows the way from a
crawl to figures, and the loss falls; a model of this size answers no problem.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mathmill.core.errors import ConfigError, OperationError
from mathmill.jobs.evaluation_page import evaluation_section
from mathmill.jobs.hand_off import finish, plan
from mathmill.jobs.report import write_report
from mathmill.jobs.run import Finished
from mathmill.jobs.training_section import read_curves, training_section
from mathmill.tokenize.manifest import load
from mathmill.train_hooks.evaluation.evaluate import RESULTS

_ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Its matrices are so small that further threads spend their time waiting for each other."""

_BENCHMARK = "demo/benchmark.jsonl"


@dataclass(frozen=True)
class DemoTraining:
    """What came of it. losses: of the first and the last step; held_out: before and after; accuracy: in [0, 1]."""

    model: str
    losses: tuple[float, float]
    held_out: tuple[float, float]
    accuracy: float
    items: int

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"training    loss {self.losses[0]:.3f} to {self.losses[1]:.3f}, "
            f"held out {self.held_out[0]:.3f} to {self.held_out[1]:.3f}",
            f"evaluation  {self.accuracy:.1%} of {self.items} problems right, as is to be expected of so small a model",
        ]


def why_not(run: str, needed: Sequence[str] = ("torch", "transformers")) -> str | None:
    """Why the demo ends with its shards: one sentence, or None where it can go on."""
    if "://" in run:
        return "Training is left out: it reads and writes a folder of this machine, and the demo's is elsewhere"
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        return f"Training is left out: {missing[0]} is not installed; pip install 'mathmill[train]' gets it"
    return None


def train_demo(finished: Finished, shown: bool = True) -> DemoTraining:
    """Train and evaluate, and write the report anew with both. shown: progress on stderr."""
    folder = Path(finished.run.root)
    out = folder / "train"
    planned = plan("mathmill", demo_config(folder), lambda _, sentence: ConfigError(sentence))
    planned = replace(planned, spec=replace(planned.spec, env=_ONE_THREAD))
    shutil.rmtree(out, ignore_errors=True)  # of an earlier demo
    planned.write()
    finish(planned, planned.launch(shown))
    results = _evaluate(out / "best", out / "evaluation", shown)
    sections = [training_section(out), evaluation_section({**results, "model": "the small model"})]
    write_report(finished.run, finished.summary, [section for section in sections if isinstance(section, Markup)])
    trained, held_out = read_curves(out)
    return DemoTraining(
        model=str(out / "best"),
        losses=(trained.losses[0], trained.losses[-1]),
        held_out=(held_out.losses[0], held_out.losses[-1]),
        accuracy=results["average"]["accuracy"],
        items=sum(benchmark["items"] for benchmark in results["benchmarks"]),
    )


def demo_config(folder: Path) -> dict[str, Any]:
    """The configuration of the training, as `mathmill train` takes it."""
    shards = folder / "shards"
    manifest = load(shards)
    return {
        "model": {
            "scratch": {
                "model_type": "llama",
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "num_key_value_heads": 2,
                "vocab_size": manifest.vocab_size,
                "max_position_embeddings": manifest.seq_len,
                "tie_word_embeddings": True,
            },
            "tokenizer": str(shards / "tokenizer"),
        },
        "data": {"shards": str(shards)},
        "out": str(folder / "train"),
        "global_batch": 4,
        "micro_batch": 2,
        "schedule": {"warm_up": 3},
        "optimizer": {"lr": 5e-3, "precision": "fp32"},
        "speed": {"checkpointing": "none"},
        "checkpoint": {"every": 0},
        "validation": {"every": 8, "at_start": True, "rows": 6},
        "tensorboard": False,
        "log_every": 4,
        "device": "cpu",
    }


def _evaluate(model: Path, out: Path, shown: bool) -> dict[str, Any]:
    """Ask the model some problems, as a user would; returns what `results.json` holds."""
    problems = resources.files("mathmill.jobs").joinpath(_BENCHMARK)
    command = [sys.executable, "-m", "mathmill.jobs.cli", "evaluate", str(model), "--benchmarks", str(problems)]
    command += ["--shots", "0", "--limit", "12", "--max-tokens", "24", "--device", "cpu", "--no-second-grader"]
    ended = subprocess.run(
        [*command, "--out", str(out)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if shown else subprocess.DEVNULL,
        env={**os.environ, **_ONE_THREAD, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"},
    )
    if ended.returncode:
        raise OperationError(f"the evaluation of {model} ended with status {ended.returncode}; run it again by itself")
    return json.loads((out / RESULTS).read_text("utf-8"))
