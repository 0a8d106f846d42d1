"""Tokens per second of encoding: mathmill's task, from a run's Parquet to its token store, against bare libraries.

On math prose and on problems, for a Llama-3-style and a Qwen-style vocabulary: bare `tokenizers.encode_batch_fast` and
bare tiktoken over texts in memory, whose tokens go nowhere; datatrove's `DocumentTokenizer` from documents in memory to
its files, unshuffled; and mathmill's task as a run has it, from Parquet to Arrow files with cuts, answers and loss
spans, checksums and the ledger entry included. Each side runs in processes bound to one core, warmed up on other texts,
and passes the texts, no part of which is repeated, once in each; CPU time of the fastest process counts. All sides must
give the same ids. On two cores the embedded engine runs the same tasks over the records several times, and the clock
counts.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from shared_pages import DEFAULT

BARS = {"tokenizers": 3.3, "datatrove": 3.5}
BAR_TWO_CORES = 1.8
TOKENIZERS = ("cl100k_base", "qwen3")
TEXTS = {
    "math prose": ("documents", "text/math.jsonl.zst", "text/general.jsonl.zst"),
    "problems": ("problems", "problems/*.jsonl.zst", "benchmarks/math_test.jsonl.zst"),
}
"""What is encoded: kind of records, texts that are measured, texts to warm up on."""
PROCESSES = 5
COPIES = 24  # of the records on two cores
BATCH = 64  # texts in one call of a bare library, whose tokens are dropped; larger batches are slower

Ids = tuple[np.ndarray, np.ndarray]  # tokens, offsets


def read_records(data: Path, kind: str, pattern: str, out: Path) -> None:
    """The records as a run has them in its folder."""
    from mathmill.core.stage import OUT
    from mathmill.curation.readers import list_files, plan_slices, read_slice
    from mathmill.curation.readers.source import SourceConfig
    from mathmill.jobs.sinks import ParquetSink

    source = SourceConfig(name="shared", path=f"{data}/{pattern}", kind=kind, fields={})
    slices = [part for file in list_files(source) for part in plan_slices(file, source, 1 << 30)]
    batches = [batch for part in slices for port, batch in read_slice(source, part) if port == OUT]
    sink = ParquetSink(out, batches[0].schema)
    for batch in batches:
        sink.write(batch)
    sink.close()


def rendered_texts(records: Path, tokenizer: str) -> list[str]:
    """The texts that mathmill's task encodes."""
    from mathmill.tokenize.encode import EncodeConfig
    from mathmill.tokenize.render import render_documents, render_problems

    config = EncodeConfig(tokenizer=tokenizer)
    texts: list[str] = []
    for batch in pq.ParquetFile(records).iter_batches():
        is_problem = "question" in batch.schema.names
        texts += (render_problems(batch, config) if is_problem else render_documents(batch)).texts.to_pylist()
    return texts


def encode_with_mathmill(tokenizer: str, records: Path, out: Path) -> tuple[float, Callable[[], Ids]]:
    from mathmill.jobs.runner import run_task

    run, segment = token_segment(tokenizer, records, out, copies=1)
    started = time.process_time()
    entry = run_task(run, segment, 0, out / "scratch")
    seconds = time.process_time() - started

    def ids() -> Ids:
        table = pa.ipc.open_file(str(out / entry.files[0].name)).read_all().combine_chunks()
        tokens = table.column("tokens").chunk(0)
        offsets, values = tokens.offsets.to_numpy(), tokens.values.to_numpy()
        ends = offsets[1:] - 1  # without the EOS of each
        return np.delete(values, ends), offsets - np.arange(len(offsets))

    return seconds, ids


def token_segment(tokenizer: str, records: Path, out: Path, copies: int, name: str = "tokens") -> Any:
    """A run folder with the records, and its segment "tokens" with a task for each copy."""
    from mathmill.core.config import file_digest
    from mathmill.core.ledger import FileEntry
    from mathmill.core.stage import OUT
    from mathmill.core.storage import Folder
    from mathmill.jobs.pipeline import ENCODE
    from mathmill.jobs.plan import Chain, FileInput, Sink, make_segment
    from mathmill.jobs.registry import stage_spec

    (out / "documents").mkdir(parents=True)
    rows = pq.ParquetFile(records).metadata.num_rows
    inputs = []
    for number in range(copies):
        path = f"documents/{number}.parquet"
        shutil.copyfile(records, out / path)
        checksum, size = file_digest(records), records.stat().st_size
        inputs.append([FileInput(file=FileEntry(port=OUT, name=path, rows=rows, bytes=size, checksum=checksum))])
    chain = Chain(stages=(stage_spec(ENCODE, {"tokenizer": tokenizer}),))
    sinks = {OUT: Sink(folder="tokens", format="arrow")}
    return Folder(out), make_segment(name, "Tokens", [("documents", chain, inputs)], sinks)


def encode_with_library(tokenizer: str, records: Path, out: Path) -> tuple[float, Callable[[], Ids]]:
    encode = _load_library(tokenizer).encode_batch_fast
    texts = rendered_texts(records, tokenizer)
    started = time.process_time()
    for i in range(0, len(texts), BATCH):
        encode(texts[i : i + BATCH], add_special_tokens=False)
    seconds = time.process_time() - started
    return seconds, lambda: _ids([encoding.ids for encoding in encode(texts, add_special_tokens=False)])


def encode_with_tiktoken(tokenizer: str, records: Path, out: Path) -> tuple[float, Callable[[], Ids]]:
    from mathmill.tokenize.tokenizer import Tokenizer

    encoding = _tiktoken(tokenizer)
    texts = rendered_texts(records, tokenizer)
    if Tokenizer.load(tokenizer)._normalizer == "NFC":
        texts = [unicodedata.normalize("NFC", text) for text in texts]  # tiktoken does not
    started = time.process_time()
    for i in range(0, len(texts), BATCH):
        encoding.encode_ordinary_batch(texts[i : i + BATCH], num_threads=1)
    seconds = time.process_time() - started
    return seconds, lambda: _ids(encoding.encode_ordinary_batch(texts, num_threads=1))


def encode_with_datatrove(tokenizer: str, records: Path, out: Path) -> tuple[float, Callable[[], Ids]]:
    from datatrove.data import Document
    from datatrove.pipeline.tokens import DocumentTokenizer

    step = DocumentTokenizer(
        str(out),
        tokenizer_name_or_path=f"{tokenizer}/tokenizer.json",
        eos_token="<|endoftext|>",
        shuffle_documents=False,
    )
    step.tokenizer  # noqa: B018 (loads it)
    documents = [Document(text=text, id=str(i)) for i, text in enumerate(rendered_texts(records, tokenizer))]
    started = time.process_time()
    step.run(iter(documents))
    seconds = time.process_time() - started

    def ids() -> Ids:
        (file,) = out.glob("*.ds")
        ends = np.fromfile(f"{file}.index", np.uint64).astype(np.int64)
        tokens = np.fromfile(file, np.uint16 if step.token_size == 2 else np.uint32)
        return np.delete(tokens, ends - 1), np.append(0, ends) - np.arange(len(ends) + 1)

    return seconds, ids


SIDES = {
    "mathmill": encode_with_mathmill,
    "tokenizers": encode_with_library,
    "tiktoken": encode_with_tiktoken,
    "datatrove": encode_with_datatrove,
}


def run_side(arguments: argparse.Namespace) -> None:
    """In a process of its own: warm up, then one pass; prints the seconds, writes the ids."""
    pa.set_cpu_count(1)
    encode = SIDES[arguments.side]
    encode(arguments.tokenizer, arguments.out.parent / "warm.parquet", arguments.out / "warm")
    seconds, ids = encode(arguments.tokenizer, arguments.records, arguments.out / "measured")
    tokens, offsets = ids()
    np.savez(arguments.out / "ids.npz", tokens=tokens.astype(np.uint32), offsets=offsets)
    print(json.dumps(seconds))


def measure(side: str, tokenizer: str, records: Path, processes: int) -> tuple[float, Ids]:
    """CPU seconds of the fastest of several processes, each bound to one core, and the ids."""
    core = min(os.sched_getaffinity(0))
    best = float("inf")
    for _ in range(processes):
        with tempfile.TemporaryDirectory(dir=records.parent) as out:
            command = [sys.executable, __file__, "--side", side, "--tokenizer", tokenizer, "--records", str(records)]
            result = subprocess.run(
                [*command, "--out", out],
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
            best = min(best, json.loads(result.stdout.splitlines()[-1]))
            found = np.load(Path(out) / "ids.npz")
            ids = found["tokens"], found["offsets"]
    return best, ids


def compare(name: str, tokenizer: str, records: Path, processes: int) -> bool:
    """Measure all sides on the same texts; says whether the bars are met and the ids are the same."""
    size = sum(len(text.encode()) for text in rendered_texts(records, tokenizer))
    print(f"\n{Path(tokenizer).name}, {name}: {size / 1e6:.1f} MB of distinct text, one core")
    rates: dict[str, float] = {}
    expected: Ids | None = None
    met = True
    for side in SIDES:
        seconds, ids = measure(side, tokenizer, records, processes)
        rates[side] = len(ids[0]) / seconds
        expected = expected or ids
        same = all(np.array_equal(a, b) for a, b in zip(expected, ids, strict=True))
        ratio = rates["mathmill"] / rates[side]
        bar = BARS.get(side)
        verdict = "" if bar is None else f"   bar {bar}: {'met' if ratio >= bar else 'NOT MET'}"
        met &= same and (bar is None or ratio >= bar)
        beside = "" if side == "mathmill" else f"   mathmill {ratio:.2f} times{verdict}"
        print(
            f"  {side:<12}{len(ids[0]):>11,} tokens{rates[side] / 1e6:>8.2f} M tokens/s"
            f"{size / seconds / 1e6:>8.1f} MB/s{beside}{'' if same else '   OTHER IDS'}",
            flush=True,
        )
    return met


def two_cores(name: str, tokenizer: str, records: Path, folder: Path) -> bool:
    """The same tasks on the embedded engine with one worker and with two; on the clock."""
    from mathmill.core.stage import OUT
    from mathmill.jobs.engine import Unwatched
    from mathmill.jobs.local import LocalEngine

    seconds = {}
    for workers in (1, 2):
        out = folder / f"workers-{workers}"
        engine = LocalEngine(workers, folder)
        try:
            run, warm = token_segment(tokenizer, folder / "warm.parquet", out / "warm", 4 * workers, "warm")
            engine.map(run, warm, Unwatched())
            run, segment = token_segment(tokenizer, records, out / "measured", copies=COPIES)
            started = time.perf_counter()
            entries = engine.map(run, segment, Unwatched())
            seconds[workers] = time.perf_counter() - started
        finally:
            engine.close()
        rows = sum(file.rows for entry in entries.values() for file in entry.of_port(OUT))
        shutil.rmtree(out)
    ratio = seconds[1] / seconds[2]
    met = ratio >= BAR_TWO_CORES
    print(
        f"\n{Path(tokenizer).name}, {name} {COPIES} times ({rows:,} records), embedded engine: {seconds[1]:.2f} s with "
        f"one worker, {seconds[2]:.2f} s with two: {ratio:.2f} times   bar {BAR_TWO_CORES}: "
        f"{'met' if met else 'NOT MET'}",
        flush=True,
    )
    return met


def main(data: Path = DEFAULT, processes: int = PROCESSES) -> bool:
    """Print all measurements; says whether every bar is met."""
    met = True
    for name, (kind, pattern, warm) in TEXTS.items():
        with tempfile.TemporaryDirectory(prefix="tokens-encode-") as temporary:
            folder = Path(temporary)
            read_records(data, kind, pattern, folder / "records.parquet")
            read_records(data, kind, warm, folder / "warm.parquet")
            for vocabulary in TOKENIZERS:
                tokenizer = _unpacked(folder, data / "tokenizers" / vocabulary)
                met &= compare(name, tokenizer, folder / "records.parquet", processes)
            met &= two_cores(name, tokenizer, folder / "records.parquet", folder)
    return met


def _ids(lists: list[list[int]]) -> Ids:
    offsets = np.cumsum([0, *map(len, lists)])
    return np.concatenate([np.array(ids, np.uint32) for ids in lists]), offsets


def _unpacked(folder: Path, tokenizer: Path) -> str:
    """The tokenizer's folder with a decompressed `tokenizer.json`, which is what the peers read."""
    target = folder / tokenizer.name
    if not target.exists():
        shutil.copytree(tokenizer, target)
        packed = (target / "tokenizer.json.zst").read_bytes()
        (target / "tokenizer.json").write_bytes(zstandard.ZstdDecompressor().stream_reader(packed).read())
    return str(target)


_LOADED: dict[str, Any] = {}


def _load_library(tokenizer: str) -> Any:
    import tokenizers

    return _LOADED.setdefault(tokenizer, tokenizers.Tokenizer.from_file(f"{tokenizer}/tokenizer.json"))


def _tiktoken(tokenizer: str) -> Any:
    import tiktoken

    from mathmill.tokenize.tokenizer import Tokenizer
    from mathmill.tokenize.vocabulary.byte_level import word_patterns

    if tokenizer not in _LOADED:
        loaded = Tokenizer.load(tokenizer)
        (pattern,) = word_patterns(loaded._files.content) or ()
        controls = {token["id"] for token in loaded._files.added_tokens}
        ranks = {token: number for number, token in enumerate(loaded._bytes) if token and number not in controls}
        _LOADED[tokenizer] = tiktoken.Encoding("peer", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return _LOADED[tokenizer]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT, help="the data folder (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="for each side; the fastest counts")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--tokenizer", help=argparse.SUPPRESS)
    parser.add_argument("--records", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        run_side(arguments)
    else:
        sys.exit(not main(arguments.data, arguments.processes))
