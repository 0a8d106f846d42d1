r"""MinHash signatures per second: mathmill's sketch stage against datatrove's MinhashDedupSignature, on one core.

Both get the same documents, already extracted and in memory, and write what the next step of their deduplication
reads. Both make datatrove's default of 14 buckets of 8 hashes over shingles of 5 tokens; each has its own idea of a
token: datatrove's words come from spaCy, ours from one pass over the bytes that keeps numbers and operators. Each side
runs in a process bound to one core, and its steady state counts: a first pass over a few documents is left out (numba
compiles, models load). What counts is CPU time, of ours the best of five passes.

The input is a folder of WARC files, whose documents mathmill extracts first, or JSON lines (`.jsonl`, `.jsonl.zst`)
with a field `text` or `question`. Without --datatrove, which names the Python of an environment like this one, ours is
measured alone:

    python -m venv dt && dt/bin/pip install 'datatrove[processing]==0.10.1' spacy
    python benchmarks/signatures.py CRAWL --datatrove dt/bin/python
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BAR = 40.0
BUCKETS, ROWS, SHINGLE = 14, 8, 5
WARM_UP = 5  # documents
PASSES = 5


def sketch_with_mathmill(texts: list[str], out: Path) -> float:
    """CPU seconds of the stage that a run has, from record batches to files; best of several passes."""
    import pyarrow as pa

    from mathmill.core.stage import StageContext
    from mathmill.curation.dedup import DedupConfig, Sketch

    pa.set_cpu_count(1)
    stage = Sketch(DedupConfig(num_hashes=BUCKETS * ROWS, shingle=SHINGLE))
    columns = {
        "doc_id": pa.array([f"{number:032x}" for number in range(len(texts))]),
        "text": pa.array(texts, pa.large_string()),
        "formulas": pa.array([[]] * len(texts), pa.list_(pa.int32())),
    }
    table = pa.table(columns)

    def run(part: "pa.Table") -> float:
        started = time.process_time()
        stage.open(StageContext(out))
        with contextlib.ExitStack() as stack:
            writers = {}
            for port, schema in stage.output_schemas(part.schema).items():
                file = stack.enter_context(pa.OSFile(str(out / f"{port}.arrow"), "wb"))
                writers[port] = stack.enter_context(pa.ipc.new_stream(file, schema))
            for port, batch in stage.process(iter(part.to_batches(max_chunksize=1024))):
                writers[port].write_batch(batch)
        return time.process_time() - started

    run(table.slice(0, WARM_UP))
    return min(run(table) for _ in range(PASSES))


def sketch_with_datatrove(texts: list[str], out: Path) -> float:
    """CPU seconds of datatrove's step, from its documents to its signature files."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig(n_grams=SHINGLE, num_buckets=BUCKETS, hashes_per_bucket=ROWS)
    step = MinhashDedupSignature(str(out / "signatures"), config)
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    step.run(documents[:WARM_UP], 0, 1)
    started = time.process_time()
    step.run(documents, 0, 1)
    return time.process_time() - started


def measure(python: str, side: str, documents: Path, texts: list[str]) -> float:
    """Run one side in a process bound to one core and print its line; returns its CPU seconds."""
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        [python, __file__, str(documents), "--side", side],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    seconds = float(done.stdout.splitlines()[-1])
    rates = len(texts) / seconds, sum(map(len, texts)) / seconds / 1e6
    print(
        f"{side:<10}{seconds:>9.2f} s CPU{rates[0]:>12,.0f} documents/s{rates[1]:>9.2f} million characters/s",
        flush=True,
    )
    return seconds


def read_texts(path: Path, folder: Path) -> list[str]:
    """The documents of a crawl, or the texts of JSON lines."""
    if path.is_dir():
        return _extract(path, folder)
    data = path.read_bytes()
    if path.suffix == ".zst":
        import zstandard

        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    records = map(json.loads, data.decode().splitlines())
    return [record.get("text") or record["question"] for record in records]


def _extract(crawl: Path, folder: Path) -> list[str]:
    import pyarrow.parquet as pq

    from mathmill.jobs.recipe import parse_recipe
    from mathmill.jobs.run import run_recipe

    recipe = f"""
        name: signatures
        sources: [{{name: crawl, path: "{crawl.resolve()}/*.warc.gz", kind: pages}}]
        stages: [extract]
    """
    run_recipe(parse_recipe(recipe.encode(), crawl / "recipe.yaml"), folder / "run", workers=1)
    files = sorted((folder / "run" / "documents").glob("*.parquet"))
    return [text for file in files for text in pq.read_table(file, columns=["text"])["text"].to_pylist()]


def main() -> None:
    """Read the command line; exit status 1 where the bar is not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path, help="a folder of WARC files, or JSON lines")
    parser.add_argument("--datatrove", metavar="PYTHON", help="the Python with datatrove; without it, ours alone")
    parser.add_argument("--side", choices=["mathmill", "datatrove"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="signatures-") as temporary:
        folder = Path(temporary)
        if arguments.side:
            sketch = sketch_with_mathmill if arguments.side == "mathmill" else sketch_with_datatrove
            print(sketch(json.loads(arguments.documents.read_text(encoding="utf-8")), folder))
            return
        texts = read_texts(arguments.documents, folder)
        print(f"{len(texts):,} documents of {sum(map(len, texts)) / len(texts):,.0f} characters on average")
        documents = folder / "texts.json"
        documents.write_text(json.dumps(texts), encoding="utf-8")
        ours = measure(sys.executable, "mathmill", documents, texts)
        if arguments.datatrove is None:
            return
        python = shutil.which(arguments.datatrove) or arguments.datatrove
        theirs = measure(python, "datatrove", documents, texts)
    print(f"{theirs / ours:.1f} times as fast; the bar is {BAR:.0f}")
    sys.exit(theirs / ours < BAR)


if __name__ == "__main__":
    main()
