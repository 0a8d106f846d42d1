r"""Pages per second from WARC to tokens: mathmill against datatrove, on one core, on the same pages.

datatrove runs trafilatura, the Gopher quality filter, MinHash signatures and its tokenizer, with their defaults.
mathmill runs its prefilter (not with `--no-prefilter`), extraction with formulas, language, the math classifier,
MinHash sketches, tokens and packed shards, through its engine with one worker; `--everything` adds decontamination,
problem extraction and labels, which datatrove has not. Its input is replicated, so that what is done once (imports,
tokenizer, models) does not count; the replicas are not deduplicated, since then all but one would leave the path early.

Both sides run in a process of their own that is bound to one core, with all that it starts. What counts is CPU time,
which a busy machine changes less than the clock, and HTML response pages that went in, whatever came out. datatrove
needs its own environment:

    python -m venv dt && dt/bin/pip install 'datatrove[processing]==0.10.1' 'trafilatura<1.12' lxml_html_clean spacy \
        warcio faust-cchardet python-magic
    python benchmarks/whole_path.py CRAWL TOKENIZER --datatrove dt/bin/python
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BAR = 20.0


def count_pages(crawl: Path) -> int:
    """How many HTML pages the response records of some WARC files hold."""
    from mathmill.core.stage import OUT
    from mathmill.curation.extract import is_html
    from mathmill.curation.readers import list_files, plan_slices, read_slice
    from mathmill.curation.readers.source import SourceConfig

    source = SourceConfig(name="crawl", path=f"{crawl}/*.warc.gz", kind="pages")
    slices = [part for file in list_files(source) for part in plan_slices(file, source, 1 << 30)]
    return sum(
        is_html(html.as_py(), content_type.as_py())
        for part in slices
        for port, batch in read_slice(source, part)
        if port == OUT
        for html, content_type in zip(batch.column("html"), batch.column("content_type"), strict=True)
    )


def run_mathmill(crawl: Path, tokenizer: str, out: Path, prefilter: bool, everything: bool) -> None:
    """WARC files to shards, then the sketches of all documents."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from mathmill.core.stage import OUT, StageContext
    from mathmill.curation.dedup import DedupConfig, Sketch
    from mathmill.jobs.recipe import parse_recipe
    from mathmill.jobs.run import run_recipe

    benchmark = "{benchmarks: ['mathmill:demo/benchmark.jsonl']}"
    stages = f"{'prefilter, ' if prefilter else ''}extract, language, classify"
    recipe = f"""
        name: whole-path
        sources: [{{name: crawl, path: "{crawl}/*.warc.gz", kind: pages}}]
        stages: [{stages}{f", decontaminate: {benchmark}" if everything else ""}]
        problems: [{f"extract_problems, label, decontaminate: {benchmark}" if everything else ""}]
        tokenize: {{tokenizer: "{tokenizer}"}}
        shards: {{seq_len: 4096, groups: {{documents: documents, problems: problems}}}}
    """
    run_recipe(parse_recipe(recipe.encode(), crawl / "recipe.yaml"), out, workers=1)
    sketch = Sketch(DedupConfig())
    sketch.open(StageContext(out))
    with pa.OSFile(str(out / "bands.arrow"), "wb") as file:
        writer = None
        for path in sorted((out / "documents").glob("*.parquet")):
            for port, batch in sketch.process(pq.ParquetFile(path).iter_batches(1024)):
                if port == OUT:
                    writer = writer or pa.ipc.new_stream(file, batch.schema)
                    writer.write_batch(batch)


def run_datatrove(crawl: Path, tokenizer: str, out: Path) -> None:
    """The same with datatrove: extraction and filter, then signatures, then tokens."""
    from datatrove.executor.local import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import GopherQualityFilter
    from datatrove.pipeline.readers import JsonlReader, WarcReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.pipeline.writers import JsonlWriter

    documents = str(out / "documents")
    steps = (
        [
            WarcReader(str(crawl), glob_pattern="*.warc.gz"),
            Trafilatura(),
            GopherQualityFilter(),
            JsonlWriter(documents),
        ],
        [JsonlReader(documents), MinhashDedupSignature(str(out / "signatures"))],
        [JsonlReader(documents), DocumentTokenizer(str(out / "tokens"), tokenizer)],
    )
    for number, pipeline in enumerate(steps):
        LocalPipelineExecutor(pipeline, tasks=1, logging_dir=str(out / f"logs-{number}")).run()


def measure(python: str, side: str, crawl: Path, pages: int, arguments: argparse.Namespace, tokenizer: Path) -> float:
    """Run one side in a process bound to one core; returns pages per CPU second, its children's included."""
    core = min(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix=f"whole-path-{side}-") as out:
        command = [python, __file__, str(crawl), str(tokenizer), "--side", side, "--out", out]
        command += ["--everything"] if arguments.everything else []
        command += ["--no-prefilter"] if arguments.no_prefilter else []
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core})
        )
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{side:<10}{pages:>9,} pages{cpu:>9.1f} s CPU{wall:>9.1f} s clock{pages / cpu:>9.1f} pages/s", flush=True)
    return pages / cpu


def replicate(crawl: Path, folder: Path, times: int) -> Path:
    """Write copies of each WARC file."""
    folder.mkdir()
    for path in sorted(crawl.glob("*.warc.gz")):
        for number in range(times):
            shutil.copyfile(path, folder / f"{number:03d}-{path.name}")
    return folder


def plain_tokenizer(path: Path, folder: Path) -> Path:
    """The tokenizer as an uncompressed file, which is what datatrove reads."""
    if path.suffix != ".zst":
        return path
    import zstandard

    plain = folder / path.stem
    with path.open("rb") as source, plain.open("wb") as target:
        zstandard.ZstdDecompressor().copy_stream(source, target)
    return plain


def main() -> None:
    """Read the command line; exit status 1 where the bar is not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crawl", type=Path, help="a folder of WARC files")
    parser.add_argument("tokenizer", type=Path, help="a tokenizer.json, or .json.zst")
    parser.add_argument("--datatrove", metavar="PYTHON", help="the Python with datatrove; without it, ours alone")
    parser.add_argument("--replicas", type=int, default=16, help="of the input, for ours")
    parser.add_argument("--no-prefilter", action="store_true", help="ours extracts every page")
    parser.add_argument("--everything", action="store_true", help="ours with decontamination, problems and labels")
    parser.add_argument("--side", choices=["mathmill", "datatrove"], help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side == "datatrove":
        run_datatrove(arguments.crawl, str(arguments.tokenizer), arguments.out)
        return
    if arguments.side == "mathmill":
        prefilter = not arguments.no_prefilter
        run_mathmill(arguments.crawl, str(arguments.tokenizer), arguments.out, prefilter, arguments.everything)
        return
    with tempfile.TemporaryDirectory(prefix="whole-path-") as temporary:
        tokenizer = plain_tokenizer(arguments.tokenizer, Path(temporary))
        crawl = replicate(arguments.crawl, Path(temporary) / "crawl", arguments.replicas)
        pages = count_pages(arguments.crawl)
        ours = measure(sys.executable, "mathmill", crawl, pages * arguments.replicas, arguments, tokenizer)
        if arguments.datatrove is None:
            return
        python = shutil.which(arguments.datatrove) or arguments.datatrove
        theirs = measure(python, "datatrove", arguments.crawl, pages, arguments, tokenizer)
    print(f"mathmill takes {ours / theirs:.1f} times the pages of datatrove in the same CPU time (bar: {BAR:g})")
    sys.exit(ours / theirs < BAR)


if __name__ == "__main__":
    main()
