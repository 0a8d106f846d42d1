"""What every stage makes of the example crawl, by digest, beside its version: output may not change at one version.

A task's identity holds the version of its stages, so a stage whose output changes at an equal version would leave
finished runs with a mixture of old and new. Accept a change with `python tests/jobs/test_golden.py`.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import xxhash

from mathmill.core.config import digest, file_digest
from mathmill.core.stage import OUT, QUARANTINE_PORT, StageContext
from mathmill.curation.readers import input_schema, list_files, plan_slices, read_slice
from mathmill.curation.readers.source import SourceConfig
from mathmill.jobs.plan import Sink
from mathmill.jobs.registry import import_class, stage_names, stage_spec
from mathmill.jobs.sinks import open_sink
from mathmill.tokenize.tokenizer import Tokenizer

GOLDEN = Path(__file__).with_name("golden.json")
COMMAND = "run `python tests/jobs/test_golden.py` to accept"
DEMO = resources.files("mathmill.jobs").joinpath("demo")
BENCHMARKS = {"benchmarks": [str(DEMO.joinpath("benchmark.jsonl"))]}
TOKENIZER = str(DEMO.joinpath("tokenizer.json"))
DEDUP = "mathmill.curation.dedup:{}"

Tables = dict[str, pa.Table]


def content_digest(tables: Mapping[str, pa.Table]) -> str:
    """Digest of the values in some tables, by port; how they are chunked, and what an error said, do not matter."""
    total = xxhash.xxh3_128()
    for port in sorted(tables):
        table = tables[port].drop_columns("error") if port == QUARANTINE_PORT else tables[port]
        total.update(f"{port} {table.schema.remove_metadata()} {table.num_rows}\n".encode())
        for batch in table.to_batches():
            for row in batch.to_pylist():
                total.update(json.dumps(row, sort_keys=True, default=bytes.hex).encode("utf-8", "surrogatepass"))
    return total.hexdigest()


class Chain:
    """Runs stages one after the other in this process and remembers what each was given and made."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.results: dict[str, dict[str, Any]] = {}

    def run(
        self,
        what: str,
        cls: str,
        config: dict[str, Any],
        table: pa.Table,
        side: Mapping[str, pa.Table] | None = None,
    ) -> Tables:
        """Run a stage over a table; `what` tells apart the places that it has in the job."""
        spec = stage_spec(cls, config)
        stage = spec.load()
        scratch = self._scratch / f"{what}-{spec.name}"
        (scratch / "outbox").mkdir(parents=True)
        paths = {name: [self._written(scratch / name, rows)] for name, rows in (side or {}).items()}
        schemas = stage.output_schemas(table.schema)
        stage.open(StageContext(scratch=scratch, side_inputs=paths))
        batches: dict[str, list[pa.RecordBatch]] = {}
        for port, batch in stage.process(iter(table.to_batches(max_chunksize=50))):
            batches.setdefault(port, []).append(batch)
        stage.close()
        out = {OUT: schemas[OUT].empty_table()} | {port: pa.Table.from_batches(b) for port, b in batches.items()}
        self.results[f"{what}/{spec.name}"] = {
            "version": spec.version,
            "input": digest([spec.identity, content_digest({"in": table, **(side or {})})]),
            "output": digest([content_digest(out), *outbox_digests(scratch / "outbox")]),
        }
        return out

    def _written(self, path: Path, table: pa.Table) -> Path:
        sink = open_sink(Sink(folder="", format="arrow"), path, table.schema)
        for batch in table.to_batches():
            sink.write(batch)
        sink.close()
        return path.with_suffix(".arrow")

    def dedup(self, what: str, table: pa.Table) -> pa.Table:
        """The stages of deduplication, of a corpus that one task compares, with the shuffle between them."""
        sketched = self.run(what, DEDUP.format("Sketch"), {}, table)
        bands = sketched[OUT].sort_by([(name, "ascending") for name in ("key", "rank", "ref")])
        pairs = self.run(what, DEDUP.format("CandidatePairs"), {}, bands)[OUT]
        side = {"sketches": sketched["sketches"]}
        edges = self.run(what, DEDUP.format("MeasurePairs"), {}, pairs, side)[OUT]
        duplicates = self.run(what, DEDUP.format("Decide"), {}, edges)[OUT]
        index = "mathmill.curation.dedup_index:KeepSketches"
        self.run(what, index, {}, sketched["sketches"], {"duplicates": duplicates})
        return self.run(what, stage_names()["dedup"], {}, table, {"duplicates": duplicates})[OUT]


def outbox_digests(outbox: Path) -> Iterator[str]:
    """Digests of the files that a stage wrote itself; of Arrow files of their values."""
    for path in sorted(outbox.iterdir()):
        if path.suffix == ".arrow":
            with pa.memory_map(str(path)) as file:
                yield content_digest({path.name: pa.ipc.open_file(file).read_all()})
        elif path.suffix != ".json":  # names checksums of the others
            yield f"{path.name} {file_digest(path)}"


def run_all_stages(scratch: Path) -> dict[str, dict[str, Any]]:
    """The main job on the example crawl, stage by stage: version and digests of input and output of each."""
    source = SourceConfig(name="golden", path=str(DEMO.joinpath("crawl.warc.gz")), kind="pages")
    slices = [part for file in list_files(source) for part in plan_slices(file, source, 1 << 30)]
    pages = [batch for part in slices for port, batch in read_slice(source, part) if port == OUT]
    rows = pa.Table.from_batches(pages, schema=input_schema(source))
    chain, stages = Chain(scratch), stage_names()
    chain.run("documents", stages["prefilter"], {"sample": 1.0}, rows)
    configs = {"blocklist": {"domains": ["casino.example"]}, "extract": {}, "language": {}, "classify": {}}
    for name, config in configs.items():
        rows = chain.run("documents", stages[name], config, rows)[OUT]
    chain.run("documents", stages["quality"], {}, rows)
    rows = chain.dedup("documents", rows)
    documents = chain.run("documents", stages["decontaminate"], BENCHMARKS, rows)[OUT]
    theirs = {"datatrove_filter": {"filter": "RegexFilter", "options": {"regex_exp": "theorem"}}}
    theirs["datatrove_formatter"] = {"formatter": "SymbolLinesFormatter"}
    for name, config in theirs.items():
        chain.run("documents", stages[name], config, documents)
    rows = chain.run("documents", stages["extract_problems"], {}, documents)["problems"]
    chain.run("problems", stages["complete"], {}, rows)
    rows = chain.dedup("problems", chain.run("problems", stages["label"], {}, rows)[OUT])
    problems = chain.run("problems", stages["decontaminate"], BENCHMARKS, rows)[OUT]
    chain.run("problems", stages["retrospective"], {}, problems)
    tokenizer = Tokenizer.load(TOKENIZER)
    shards = {"group": "all", "seq_len": 512, "vocab_size": tokenizer.vocab_size, "pad_id": tokenizer.pad_id}
    for what, table in (("documents", documents), ("problems", problems)):
        tokens = chain.run(what, "mathmill.tokenize.encode:Encode", {"tokenizer": TOKENIZER}, table)[OUT]
        chain.run(what, "mathmill.tokenize.pack:Pack", {**shards, "groups": {"all": what}}, tokens)
    return chain.results


def complaints(golden: Mapping[str, Any], now: Mapping[str, Any]) -> Sequence[str]:
    """What is wrong, one sentence for each stage whose output changed; nothing where all is as accepted."""
    found = []
    for stage in sorted({*golden, *now}):
        old, new = golden.get(stage), now.get(stage)
        if old == new:
            continue
        if old and new and old["input"] == new["input"] and old["version"] == new["version"]:
            found.append(f"the output of {stage} changed: raise its version, then {COMMAND}")
        else:
            found.append(f"{stage} has another input or version than in golden.json: {COMMAND}")
    return found


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return run_all_stages(tmp_path_factory.mktemp("golden"))


def test_no_stage_changes_its_output_without_raising_its_version(now: dict[str, dict[str, Any]]) -> None:
    found = complaints(json.loads(GOLDEN.read_text(encoding="utf-8")), now)
    assert not found, "\n".join(found)


def test_every_stage_has_a_golden_output(now: dict[str, dict[str, Any]]) -> None:
    covered = {name.partition("/")[2] for name in now}
    inner = {"sketch", "candidate_pairs", "measure_pairs", "decide", "keep_sketches", "encode", "pack"}
    asking = {name for name, cls in stage_names().items() if getattr(import_class(cls), "asks_models", False)}
    assert covered >= {*stage_names(), *inner} - asking  # what asks models is tested with the answers written down


def test_a_change_is_told_from_a_stale_file() -> None:
    golden = {"a": {"version": 1, "input": "i", "output": "o"}}
    assert complaints(golden, golden) == []
    assert "raise its version" in complaints(golden, {"a": {"version": 1, "input": "i", "output": "p"}})[0]
    assert "another input" in complaints(golden, {"a": {"version": 2, "input": "i", "output": "p"}})[0]
    assert "another input" in complaints(golden, {"a": {"version": 1, "input": "j", "output": "p"}})[0]


def test_chunks_and_error_messages_do_not_matter() -> None:
    table = pa.table({"id": ["a", "b"], "error": ["x", "y"]})
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert content_digest({"out": table}) == content_digest({"out": chunked})
    assert content_digest({"out": table}) != content_digest({"out": table.slice(0, 1)})
    other = table.set_column(1, "error", pa.array(["y", "x"]))
    assert content_digest({QUARANTINE_PORT: table}) == content_digest({QUARANTINE_PORT: other})
    assert content_digest({"out": table}) != content_digest({"out": other})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(json.dumps(run_all_stages(Path(folder)), indent=1) + "\n", encoding="utf-8")
    print(f"accepted: {GOLDEN}")
