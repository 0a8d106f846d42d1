"""Speed and memory of the trainer on one GPU, beside TRL's SFTTrainer on the same records: one call, one table.

    python benchmarks/train_gpu.py                     # 1B- and 8B-shaped Llamas, rows of 4,096, all bars
    python benchmarks/train_gpu.py --models 1b --steps 30
    python benchmarks/train_gpu.py --tiny              # the same path with a toy model on a CPU: figures mean nothing

Shards are made on the spot: random tokens in records of log-normal length (median 700), packed best-fit-decreasing.
Each case runs in a process of its own. Ours takes the fastest setting whose plan fits the GPU; TRL gets the same number
of tokens a micro-batch, packed, gradient checkpointing only where it would run out of memory otherwise. Useful tokens
are those that are not padding. MFU: (6 N + 12 L d s) tokens/s / peak, N all parameters, and with half the attention.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHAPES: dict[str, dict[str, Any]] = {
    "1b": {
        "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 64, "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": True,
    },
    "8b": {
        "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 128, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": False,
    },
    "tiny": {
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 16, "intermediate_size": 128, "vocab_size": 512, "tie_word_embeddings": True,
    },
}  # fmt: skip
SETTINGS = [  # fastest first: rows at a time, checkpointing, optimizer
    (micro, checkpointing, optimizer)
    for optimizer in ({}, {"states": "int8"}, {"states": "int8", "gradients": "bfloat16"})
    for micro, checkpointing in ((4, "none"), (2, "none"), (1, "none"), (4, "selective"), (2, "selective"), (4, "full"))
]
BARS = {"1b": {"mfu": 0.55}, "8b": {"mfu": 0.58}}
FASTER_THAN_TRL, PLAN_WITHIN = 1.3, 0.05
WARM_UP = 5  # steps that compile, and are not counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="1b,8b")
    parser.add_argument("--steps", type=int, default=20, help="that are counted")
    parser.add_argument("--accumulation", type=int, default=4, help="micro-batches of a step")
    parser.add_argument("--tiny", action="store_true", help="a toy model on the CPU")
    parser.add_argument("--no-trl", action="store_true")
    parser.add_argument("--out", type=Path, help="a file for the figures as JSON")
    parser.add_argument("--case", nargs=3, metavar=("WHO", "MODEL", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        who, model, folder = arguments.case
        figures = (ours if who == "mathmill" else trl)(model, Path(folder), arguments)
        print("\n" + json.dumps(figures))
        return
    models = ["tiny"] if arguments.tiny else arguments.models.split(",")
    with tempfile.TemporaryDirectory() as folder:
        results = {model: run_model(model, Path(folder) / model, arguments) for model in models}
    print("\n".join(table(results)))
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def run_model(model: str, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Both trainers' figures for a model, {"failed": sentence} where one does not run."""
    folder.mkdir()
    write_shards(folder / "shards", model, rows=4 * arguments.accumulation * (arguments.steps + WARM_UP) + 8)
    cases = ["mathmill"] + ([] if arguments.no_trl else ["trl"])
    results = {}
    for who in cases:
        command = [sys.executable, __file__, *sys.argv[1:], "--case", who, model, str(folder)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        results[who] = (
            json.loads(lines[-1]) if lines and not done.returncode else {"failed": f"status {done.returncode}"}
        )
        print(model, who, json.dumps(results[who]), file=sys.stderr, flush=True)
    return results


def write_shards(folder: Path, model: str, rows: int) -> None:
    """Rows of random tokens, packed as a run packs them."""
    import numpy as np
    import pyarrow as pa

    from mathmill.tokenize.manifest import FILE_NAME, Manifest, Tokenizer
    from mathmill.tokenize.packing import BEST_FIT
    from mathmill.tokenize.shards import write_shard
    from mathmill.tokenize.store import encoded_schema

    seq_len, vocab_size = seq_len_of(model), SHAPES[model]["vocab_size"]
    rng = np.random.default_rng(0)
    records, tokens = [], 0
    while tokens < rows * seq_len:
        length = int(min(max(rng.lognormal(np.log(seq_len / 6), 0.9), 8), seq_len))
        tokens += length
        records.append(
            {
                "record_id": str(len(records)), "doc_id": "", "corpus": "documents", "source": "random",
                "tokens": rng.integers(0, vocab_size, length), "cuts": [], "weight": 1.0,
                "loss_spans": [{"start": 0, "end": length, "weight": 1.0}],
            }
        )  # fmt: skip
    table = pa.Table.from_pylist(records, schema=encoded_schema(vocab_size))
    folder.mkdir()
    shape: dict[str, Any] = {"seq_len": seq_len, "vocab_size": vocab_size, "pad_id": 0, "packing": BEST_FIT}
    info = write_shard(folder / "random-0", table, **shape)
    tokenizer = Tokenizer(name="random", checksum="0" * 32)
    manifest = Manifest.of({"random": ("all", [info])}, tokenizer=tokenizer, **shape)
    (folder / FILE_NAME).write_bytes(manifest.to_json())


def seq_len_of(model: str) -> int:
    return 256 if model == "tiny" else 4096


def scratch(model: str) -> dict[str, Any]:
    return {"model_type": "llama", "max_position_embeddings": 8192, "rope_theta": 500000.0, **SHAPES[model]}


def ours(model: str, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train with the fastest setting that the plan lets in; median over the counted steps."""
    import torch

    from mathmill.train_hooks.trainer.flops import flops_per_token, peak_flops
    from mathmill.train_hooks.trainer.leak_test import check_leaks
    from mathmill.train_hooks.trainer.parallel import join_world
    from mathmill.train_hooks.trainer.run import Trainer

    config = fitting(model, folder, arguments)
    world = join_world(config)
    trainer = Trainer(config, world)
    check_leaks(trainer.model, config.micro_batch, trainer.seq_len, world.device)
    seconds, useful, losses = [], [], []
    for _ in range(WARM_UP + arguments.steps):
        began = time.perf_counter()
        metrics = trainer.step()
        assert metrics is not None
        seconds.append(time.perf_counter() - began)  # the step has waited for its loss and gradient norm
        useful.append(metrics["useful"])
        losses.append(metrics["loss"])
    trainer.data.train.close()
    second = statistics.median(seconds[WARM_UP:])
    tokens = config.global_batch * trainer.seq_len / second
    shape, settings = trainer.shape.parameters, trainer.model.model.config
    cuda = world.device.type == "cuda"
    peak = peak_flops(torch.cuda.get_device_name()) if cuda else None
    costs = [flops_per_token(shape, settings, trainer.seq_len, causal) for causal in (False, True)]
    return {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "attention": trainer.model.backend,
        "setting": f"micro_batch {config.micro_batch}, checkpointing {config.speed.checkpointing}, "
        f"moments {config.optimizer.moments}, gradients {config.optimizer.gradients}",
        "tokens_per_second": tokens,
        "useful_tokens_per_second": tokens * sum(useful) / (len(useful) * config.global_batch * trainer.seq_len),
        "mfu": tokens * costs[0] / peak if peak else None,
        "mfu_causal": tokens * costs[1] / peak if peak else None,
        "peak_bytes": torch.cuda.max_memory_allocated() if cuda else None,
        "planned_bytes": trainer.plan.total,
        "micro_batch": config.micro_batch,
        "losses": [losses[0], losses[-1]],
    }


def fitting(model: str, folder: Path, arguments: argparse.Namespace) -> Any:
    """The configuration with the first of `SETTINGS` whose plan leaves 7 % of the device free."""
    import torch

    from mathmill.train_hooks.trainer.config import TrainConfig
    from mathmill.train_hooks.trainer.memory import Shape, device_memory, plan_memory
    from mathmill.train_hooks.trainer.models import read_shape

    device = torch.device("cuda" if torch.cuda.is_available() and model != "tiny" else "cpu")
    shape = None
    for micro, checkpointing, optimizer in SETTINGS:
        config = TrainConfig.model_validate(
            {
                "model": {"scratch": scratch(model)},
                "data": {"shards": str(folder / "shards"), "held_out": 0},
                "out": str(folder / "run"),
                "global_batch": micro * arguments.accumulation,
                "micro_batch": micro,
                "optimizer": {"lr": 1e-5, "precision": "bf16-stochastic", **optimizer},
                "speed": {"checkpointing": checkpointing},
                "checkpoint": {"every": 0, "resume": False},
                "tensorboard": False,
                "device": device.type,
            }
        )
        shape = shape or Shape.of(read_shape(config.model))
        plan = plan_memory(config, shape, seq_len_of(model), 1, int(device_memory(device) * 0.93))
        if plan.fits:
            return config
    raise SystemExit(f"no setting fits: {plan.sentence()}")


def trl(model: str, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """SFTTrainer on the same records, packed by it; without packing where its attention cannot keep records apart."""
    import torch

    tries = []
    for checkpointing in (False, True):
        for packing in (True, False):
            try:
                return _trl(model, folder, arguments, packing, checkpointing)
            except torch.OutOfMemoryError:
                tries.append(f"out of memory (packing {packing}, checkpointing {checkpointing})")
                torch.cuda.empty_cache()
            except (ImportError, ValueError, RuntimeError, TypeError) as error:
                tries.append(f"{type(error).__name__}: {str(error)[:200]}")
    return {"failed": "; ".join(tries)}


def _trl(model: str, folder: Path, arguments: argparse.Namespace, packing: bool, checkpointing: bool) -> dict[str, Any]:
    import torch
    from datasets import Dataset
    from transformers import AutoConfig, AutoModelForCausalLM, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from mathmill.tokenize.reader import ShardReader

    cuda = torch.cuda.is_available() and model != "tiny"
    seq_len, micro = seq_len_of(model), 4 if model != "8b" else 2
    reader = ShardReader(folder / "shards")
    records = [
        row.tokens[segment.start : segment.start + segment.length].tolist()
        for row in reader
        for segment in row.segments
    ]
    values = scratch(model)
    settings = AutoConfig.for_model(values.pop("model_type"), **values)
    attention = "flash_attention_2" if cuda and _has("flash_attn") else "sdpa"
    dtype = torch.bfloat16 if cuda else torch.float32
    network = AutoModelForCausalLM.from_config(settings, dtype=dtype, attn_implementation=attention)

    stamps: list[float] = []
    useful: list[int] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            if cuda:
                torch.cuda.synchronize()
            stamps.append(time.perf_counter())

    options = SFTConfig(
        output_dir=str(folder / "trl"), max_length=seq_len, packing=packing, per_device_train_batch_size=micro,
        gradient_accumulation_steps=arguments.accumulation, gradient_checkpointing=checkpointing, bf16=cuda,
        use_cpu=not cuda, optim="adamw_torch_fused" if cuda else "adamw_torch", learning_rate=1e-5, report_to=[],
        max_steps=WARM_UP + arguments.steps, save_strategy="no", logging_strategy="no",
        use_liger_kernel=cuda and _has("liger_kernel"),
    )  # fmt: skip
    trainer = SFTTrainer(
        model=network, args=options, train_dataset=Dataset.from_dict({"input_ids": records}), callbacks=[Clock()],
        processing_class=_toy_tokenizer(SHAPES[model]["vocab_size"]),
    )  # fmt: skip
    collate = trainer.data_collator

    def counting(examples: list[dict[str, Any]]) -> Any:
        useful.append(sum(len(example["input_ids"]) for example in examples))
        return collate(examples)

    trainer.data_collator = counting
    trainer.train()
    seconds = [b - a for a, b in zip(stamps[WARM_UP - 1 :], stamps[WARM_UP:], strict=False)]
    per_step = sum(useful[: len(stamps) * arguments.accumulation]) / len(stamps)
    return {
        "setting": f"micro_batch {micro}, packing {packing}, checkpointing {checkpointing}, {attention}",
        "useful_tokens_per_second": per_step / statistics.median(seconds),
        "peak_bytes": torch.cuda.max_memory_allocated() if cuda else None,
    }


def _has(package: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(package) is not None


def _toy_tokenizer(vocab_size: int) -> Any:
    """SFTTrainer wants a tokenizer; the records are tokens already."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {f"w{number}": number for number in range(vocab_size)}
    raw = Tokenizer(models.WordLevel(words, unk_token="w0"))
    return PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="w1", eos_token="w2")


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    """Figures against bars, as Markdown."""
    lines = ["| model | figure | measured | bar | |", "|---|---|--:|--:|---|"]

    def row(model: str, figure: str, value: str, bar: str = "", passed: bool | None = None) -> None:
        lines.append(
            f"| {model} | {figure} | {value} | {bar} | {'' if passed is None else 'yes' if passed else 'NO'} |"
        )

    for model, cases in results.items():
        mine, theirs = cases["mathmill"], cases.get("trl", {"failed": "not run"})
        if "failed" in mine:
            row(model, "mathmill", mine["failed"], passed=False)
            continue
        row(model, "setting", f"{mine['device']}, torch {mine['torch']}, {mine['attention']}, {mine['setting']}")
        row(model, "tokens/s", f"{mine['tokens_per_second']:,.0f}")
        if mine["mfu"] is not None:
            bar = BARS[model]["mfu"]
            row(model, "MFU, 12 L d s", f"{mine['mfu']:.1%}", f"{bar:.0%}", mine["mfu"] >= bar)
            row(model, "MFU, causal half", f"{mine['mfu_causal']:.1%}")
        if "failed" in theirs:
            row(model, "TRL", theirs["failed"])
        else:
            ratio = mine["useful_tokens_per_second"] / theirs["useful_tokens_per_second"]
            row(model, "TRL, useful tokens/s", f"{theirs['useful_tokens_per_second']:,.0f} ({theirs['setting']})")
            useful = f"{mine['useful_tokens_per_second']:,.0f}, {ratio:.2f} times TRL"
            row(model, "useful tokens/s", useful, f"{FASTER_THAN_TRL} times", ratio >= FASTER_THAN_TRL)
        if mine["peak_bytes"] is not None:
            off = mine["peak_bytes"] / mine["planned_bytes"] - 1
            figures = f"{mine['peak_bytes'] / 2**30:.1f} of {mine['planned_bytes'] / 2**30:.1f} GiB ({off:+.1%})"
            row(model, "peak memory, of plan", figures, f"{PLAN_WITHIN:.0%}", abs(off) <= PLAN_WITHIN)
    return lines


if __name__ == "__main__":
    main()
