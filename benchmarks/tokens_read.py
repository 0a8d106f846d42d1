"""Reading shards: rows gathered against memcpy, training batches against Megatron's and Hugging Face's, memory at 1 TB.

Rows are of 4096 tokens, 64 a batch, in random order, from files in the page cache; the files (128 MiB of uint16, 256 of
int32) are larger than the processor's caches. One process on one core; CPU seconds, best of several passes over the
same number of rows. Batches of ours are whole: tokens, loss weights, positions, boundaries of segments, the order
computed. Megatron's `GPTDataset` reads the same .bin by the .idx beside it, without an attention mask; it gives tokens,
labels, loss mask and positions (a second line: positions that restart in each document), and nothing is collated into
batches. `datasets` reads the same rows from mapped Arrow files, where everything that a batch of ours has was computed
beforehand and is stored as columns: through PyTorch's DataLoader as one uses it, and, of the tokens alone, by 64 rows.

The terabyte is 4096 shards of 256 MiB whose .bin are holes and whose .arrow is one real file of 32,768 rows, linked.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mathmill.tokenize.loader import Loader
from mathmill.tokenize.manifest import FILE_NAME, Manifest, ShardInfo, Tokenizer
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.shards import write_shard
from mathmill.tokenize.store import encoded_schema, token_dtype

SEQ_LEN, BATCH = 4096, 64
ROWS = 16_384
SAMPLES = 4096  # rows of a pass
PASSES = 5
BAR_GATHER, BAR_OPEN = 0.5, 1.0
COMPARISONS = (
    ("ours, tensors", "Megatron", 3.0),
    ("ours, tensors", "Megatron, by document", 3.0),
    ("ours, tensors", "datasets, tensors", 10.0),
    ("ours, tokens alone", "datasets, tokens alone", 10.0),
)
BAR_GROWTH = 1.1  # of memory between 4,000 rows and 60,000
SHARDS, SHARD_ROWS = 4096, 32_768  # of the terabyte


def records(lengths: np.ndarray, vocab_size: int) -> pa.Table:
    """Documents of random tokens, each ended by the vocabulary's last, all but the first token learned."""
    n, ends = len(lengths), np.cumsum(lengths, dtype=np.int64)
    tokens = np.random.default_rng(0).integers(0, vocab_size - 1, int(ends[-1])).astype(token_dtype(vocab_size))
    tokens[ends - 1] = vocab_size - 1
    columns: dict[str, Any] = {
        "record_id": [f"{number:032x}" for number in range(n)],
        "doc_id": [f"{number:032x}" for number in range(n)],
        "corpus": ["documents"] * n,
        "source": ["benchmark"] * n,
        "tokens": pa.LargeListArray.from_arrays(pa.array(np.concatenate([[0], ends])), pa.array(tokens)),
        "cuts": [[]] * n,
        "loss_spans": [[{"start": 1, "end": length, "weight": 1.0}] for length in lengths.tolist()],
        "weight": [1.0] * n,
    }
    schema = encoded_schema(vocab_size)
    arrays = [columns.get(field.name, pa.nulls(n, field.type)) for field in schema]
    return pa.table([a if isinstance(a, pa.Array) else pa.array(a, f.type) for a, f in zip(arrays, schema)], schema)


def save_manifest(folder: Path, shards: list[ShardInfo], vocab_size: int) -> None:
    """Write the manifest of one group."""
    manifest = Manifest.of(
        {"documents": ("documents", shards)},
        seq_len=SEQ_LEN,
        vocab_size=vocab_size,
        pad_id=0,
        tokenizer=Tokenizer(name="none", checksum="0" * 32),
    )
    (folder / FILE_NAME).write_bytes(manifest.to_json())


def make_shards(folder: Path, vocab_size: int) -> ShardReader:
    """About ROWS rows of documents whose lengths are spread like those of web pages, median 700 tokens."""
    folder.mkdir()
    lengths = np.random.default_rng(1).lognormal(np.log(700), 1.0, 200_000).astype(np.int64).clip(16, 20_000)
    lengths = lengths[: np.searchsorted(np.cumsum(lengths), ROWS * SEQ_LEN)]
    info = write_shard(
        folder / "a", records(lengths, vocab_size), seq_len=SEQ_LEN, vocab_size=vocab_size, pad_id=0
    )  # fmt: skip
    save_manifest(folder, [info], vocab_size)
    return ShardReader(folder)


def cpu_seconds(work: Callable[[], object], passes: int = PASSES) -> float:
    """CPU seconds of the fastest pass, after one that does not count."""
    work()
    seconds = []
    for _ in range(passes):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def last(results: Iterable[object]) -> object:
    """Go through results and keep none but the last, as training does."""
    return deque(results, maxlen=1).pop()


def measure_gather(reader: ShardReader) -> tuple[float, float, float]:
    """GB/s of memcpy from the mapped file, of all rows in random order, and of the same into new memory."""
    order = np.random.default_rng(2).permutation(len(reader))
    source = reader.shards[0].tokens
    out = np.zeros(source.shape, source.dtype)
    for _ in range(2):  # turn about: the machine has its moods
        copied = cpu_seconds(lambda: np.copyto(out, source))
        gathered = cpu_seconds(lambda: reader.gather(order, out))
    fresh = cpu_seconds(lambda: reader.gather(order))
    return tuple(source.nbytes / seconds / 1e9 for seconds in (copied, gathered, fresh))


def read_ours(folder: Path, as_tensors: bool) -> Callable[[], object]:
    """A pass over batches, as arrays or as tensors."""
    loader = Loader(folder, BATCH, epochs=None, prefetch=0)
    convert: Callable[[Any], object] = lambda batch: batch  # noqa: E731
    if as_tensors:
        from mathmill.tokenize.torch_data import as_tensors as convert

    return lambda: last(convert(next(loader)) for _ in range(SAMPLES // BATCH))


def read_megatron(folder: Path, vocab_size: int, by_document: bool) -> Callable[[], object]:
    """A pass over samples of `GPTDataset`; its index is built before."""
    from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
    from megatron.core.datasets.indexed_dataset import IndexedDataset
    from megatron.core.datasets.utils import Split
    from megatron.core.tokenizers.text.libraries import NullTokenizer

    config = GPTDatasetConfig(
        random_seed=0,
        sequence_length=SEQ_LEN,
        split="1,0,0",
        path_to_cache=str(folder / "megatron"),
        tokenizer=NullTokenizer(vocab_size - 1),  # whose end of document is the vocabulary's last
        reset_position_ids=by_document,
        reset_attention_mask=False,
        eod_mask_loss=by_document,
        create_attention_mask=False,
    )
    indexed = IndexedDataset(str(folder / "a"))
    documents = np.arange(len(indexed.sequence_lengths), dtype=np.int32)
    dataset = GPTDataset(indexed, str(folder / "a"), documents, None, Split.train, config)
    return lambda: last(dataset[number] for number in range(SAMPLES))


def read_tokens(reader: ShardReader) -> Callable[[], object]:
    """A pass over the tokens alone of random rows, into an array that is used again."""
    out = np.zeros((BATCH, SEQ_LEN), reader.dtype)
    order = np.random.default_rng(3).permutation(len(reader))[:SAMPLES].reshape(-1, BATCH)
    return lambda: last(reader.gather(rows, out) for rows in order)


def store_datasets(folder: Path, reader: ShardReader) -> None:
    """Save what a training batch has as an Arrow data set of `datasets`."""
    import datasets

    weights, positions = reader.targets(np.arange(len(reader)))
    tokens = reader.shards[0].tokens.astype(np.int32)
    columns = {
        "tokens": reader.shards[0].tokens,
        "input_ids": tokens,
        "labels": np.where(weights > 0, tokens, np.int32(-100)),
        "loss_weights": weights,
        "position_ids": positions,
    }
    ends = np.arange(0, tokens.size + 1, SEQ_LEN, dtype=np.int32)
    rows = {name: pa.ListArray.from_arrays(ends, pa.array(values.reshape(-1))) for name, values in columns.items()}
    datasets.disable_progress_bars()
    datasets.Dataset(pa.table(rows)).save_to_disk(str(folder / "datasets"))


def read_datasets(folder: Path, reader: ShardReader, through_loader: bool) -> Callable[[], object]:
    """A pass over random rows, a batch at a time: everything through PyTorch's DataLoader, or the tokens as arrays."""
    import datasets
    from torch.utils.data import DataLoader

    if not (folder / "datasets").exists():
        store_datasets(folder, reader)
    dataset = datasets.load_from_disk(str(folder / "datasets"))
    order = np.random.default_rng(3).permutation(len(reader))[:SAMPLES].reshape(-1, BATCH).tolist()
    if through_loader:
        return lambda: last(DataLoader(dataset.remove_columns("tokens").with_format("torch"), batch_sampler=order))
    arrays = dataset.select_columns("tokens").with_format("numpy")
    return lambda: last(arrays[rows]["tokens"] for rows in order)


def make_terabyte(folder: Path, shards: int) -> None:
    """Shards whose tokens are holes; a real .arrow file of one segment a row, linked under every name."""
    vocab_size = 50_000
    lengths = np.full(SHARD_ROWS, SEQ_LEN // 2 + 1)
    info = write_shard(folder / "0", records(lengths, vocab_size), seq_len=SEQ_LEN, vocab_size=vocab_size, pad_id=0)
    for suffix in (".bin", ".idx"):
        (folder / f"0{suffix}").unlink()
    for number in range(shards):
        if number:
            os.link(folder / "0.arrow", folder / f"{number}.arrow")
        with open(folder / f"{number}.bin", "wb") as file:
            file.truncate(SHARD_ROWS * SEQ_LEN * 2)
    infos = [info.model_copy(update={"name": str(number)}) for number in range(shards)]
    save_manifest(folder, infos, vocab_size)


MEASURE_MEMORY = """
import json, sys
from mathmill.tokenize.loader import Loader
def memory():
    kept = ("VmRSS", "RssAnon", "RssFile", "VmPTE", "VmHWM")
    lines = open("/proc/self/status").read().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(kept)}
loader = Loader(sys.argv[1], 64, seed=1, prefetch=0)
found = {0: memory()}
for rows in (4000, 20000, 60000):
    while loader.step * 64 < rows:
        next(loader)
    found[rows] = memory()
print(json.dumps(found))
"""


def measure_memory(folder: Path) -> dict[str, dict[str, float]]:
    """MiB of a process after so many random rows of the terabyte."""
    found = subprocess.run(
        [sys.executable, "-c", MEASURE_MEMORY, str(folder)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(found.stdout))


def main(data: Path | None = None) -> bool:
    """Measure and print everything; returns whether all bars are met. The data are made here."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ |= {"HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    met = []
    with tempfile.TemporaryDirectory(prefix="mathmill-") as name:
        folder = Path(name)
        met += report_gather(folder)
        met += report_batches(folder)
        shutil.rmtree(folder / "uint16")
        met += report_terabyte(folder)
    return all(met)


def report_gather(folder: Path) -> list[bool]:
    """Print the first table."""
    print(f"{'rows of 4096, GB/s':<24}{'memcpy':>10}{'gather':>10}{'share':>8}{'into new memory':>18}")
    met = []
    for vocab_size in (50_000, 100_000):
        dtype = str(token_dtype(vocab_size))
        copied, gathered, fresh = measure_gather(make_shards(folder / dtype, vocab_size))
        met.append(gathered >= BAR_GATHER * copied)
        print(f"{dtype:<24}{copied:>10.1f}{gathered:>10.1f}{gathered / copied:>8.2f}{fresh:>18.1f}  {said(met[-1])}")
    print(f"bar: {BAR_GATHER} of memcpy\n")
    shutil.rmtree(folder / "int32")
    return met


def report_batches(folder: Path) -> list[bool]:
    """Print the second table."""
    shards = folder / "uint16"
    reader = ShardReader(shards)
    sides: dict[str, Callable[[], Callable[[], object]]] = {
        "ours, tensors": lambda: read_ours(shards, True),
        "ours, arrays": lambda: read_ours(shards, False),
        "ours, tokens alone": lambda: read_tokens(reader),
        "Megatron": lambda: read_megatron(shards, 50_000, False),
        "Megatron, by document": lambda: read_megatron(shards, 50_000, True),
        "datasets, tensors": lambda: read_datasets(shards, reader, True),
        "datasets, tokens alone": lambda: read_datasets(shards, reader, False),
    }
    speed = {}
    print(f"{'million tokens a second':<28}{'speed':>10}{'µs a row':>10}")
    for name, opened in sides.items():
        try:
            speed[name] = SAMPLES * SEQ_LEN / cpu_seconds(opened()) / 1e6
            print(f"{name:<28}{speed[name]:>10,.0f}{SEQ_LEN / speed[name]:>10.1f}", flush=True)
        except ImportError as error:
            print(f"{name:<28}not measured: {error}")
    met = []
    for ours, peer, bar in COMPARISONS:
        if peer in speed:
            met.append(speed[ours] >= bar * speed[peer])
            print(f"bar: {ours}, {bar:g} times {peer}: {speed[ours] / speed[peer]:.1f}, {said(met[-1])}")
    print()
    return met


def report_terabyte(folder: Path) -> list[bool]:
    """Print the memory and the time to open."""
    make_terabyte(folder, SHARDS)
    found = measure_memory(folder)
    title = f"1 TiB in {SHARDS:,} shards, MiB"
    print(f"{title:<28}{'in all':>10}{'own':>10}{'mapped':>10}{'page tables':>14}")
    for rows, memory in found.items():
        shown = "".join(f"{memory[key]:>10,.0f}" for key in ("VmRSS", "RssAnon", "RssFile"))
        print(f"{'after ' + format(int(rows), ',') + ' random rows':<28}{shown}{memory['VmPTE']:>14,.1f}")
    growth = found["60000"]["VmRSS"] / found["4000"]["VmRSS"]
    print(f"peak {found['60000']['VmHWM']:,.0f} MiB")
    print(f"bar: {BAR_GROWTH} times the memory after 4,000 rows: {growth:.2f}, {said(growth <= BAR_GROWTH)}")
    infos = ShardReader(folder).manifest.shards()
    save_manifest(folder, [infos[0].model_copy(update={"name": str(n)}) for n in range(10_000)], 50_000)
    started = time.process_time()
    ShardReader(folder)
    seconds = time.process_time() - started
    print(f"10,000 shards opened in {seconds:.2f} s; bar: {BAR_OPEN:g} s: {said(seconds <= BAR_OPEN)}")
    return [growth <= BAR_GROWTH, seconds <= BAR_OPEN]


def said(met: bool) -> str:
    """A word for a bar."""
    return "met" if met else "MISSED"


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(not main())
