"""`mathmill plan`: what a recipe will take, before it starts.

Tasks and bytes are counted. Records, tokens and minutes come from a sample: the first records of up to
three slices of each source, sent through the recipe's stages (all but `dedup`, which needs the whole). A stage that
asks models is never run: the way of the sample ends before it, and what it would ask is priced.
"""

import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathmill.core.stage import OUT, StageContext
from mathmill.curation.readers import input_schema, read_slice
from mathmill.curation.readers.jsonl import is_compressed
from mathmill.curation.readers.source import InputSlice, SourceConfig, file_format, opened
from mathmill.curation.synthesis.pricing import Price, price
from mathmill.jobs.pipeline import CONVERSATIONS, ENCODE, PROBLEMS, source_inputs, specs_for
from mathmill.jobs.plan import Input, SourceInput, coalesce
from mathmill.jobs.recipe import Recipe
from mathmill.jobs.registry import StageSpec, stage_spec
from mathmill.jobs.runner import Tally, connect_stages
from mathmill.tokenize.tokenizer import Tokenizer

_SAMPLE_ROWS = 200
_SAMPLE_SLICES = 3


@dataclass
class SourceEstimate:
    """One source: counted, and extrapolated from `sampled` records."""

    source: str
    files: int
    bytes: int
    tasks: int
    sampled: int = 0
    documents: float = 0.0
    problems: float = 0.0
    conversations: float = 0.0
    tokens: float = 0.0
    cpu_seconds: float = 0.0
    prices: list[Price] = field(default_factory=list)


@dataclass
class Estimate:
    """A whole recipe."""

    sources: list[SourceEstimate]
    workers: int
    slow_tokenizer: str = ""  # why the tokenizer goes the ordinary way, several times slower

    @property
    def minutes(self) -> float:
        """Wall time with all workers busy. Starting, deduplication and packing are not in it."""
        parallel = min(self.workers, max(1, sum(source.tasks for source in self.sources)))
        return sum(source.cpu_seconds for source in self.sources) / parallel / 60

    def lines(self) -> list[str]:
        """For people."""
        talk = any(s.conversations for s in self.sources)
        lines = [
            f"{'source':<20}{'files':>8}{'MB':>10}{'tasks':>8}{'documents':>12}{'problems':>11}"
            f"{'conversations' if talk else '':>{15 * talk}}{'tokens':>16}"
        ]
        for s in self.sources:
            lines.append(
                f"{s.source:<20}{s.files:>8,}{s.bytes / 1e6:>10,.1f}{s.tasks:>8,}{s.documents:>12,.0f}"
                f"{s.problems:>11,.0f}{f'{s.conversations:,.0f}' if talk else '':>{15 * talk}}{s.tokens:>16,.0f}"
            )
        sampled = sum(s.sampled for s in self.sources)
        lines.append(
            f"About {self.minutes:,.1f} minutes with {self.workers} workers. Records, tokens and time are "
            f"from {sampled:,} sampled records, before deduplication."
        )
        prices = [price for source in self.sources for price in source.prices]
        if prices:
            lines += ["", *(price.line() for price in prices)]
            usd = sum(price.usd for price in prices)
            lines.append(f"About {usd:,.2f} US dollars for models; what comes behind them is not estimated.")
        if self.slow_tokenizer:
            lines.append(f"The tokenizer is encoded by the library, several times slower: {self.slow_tokenizer}.")
        return lines

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "sources": [
                asdict(source) | {"prices": [price._asdict() for price in source.prices]} for source in self.sources
            ],
            "workers": self.workers,
            "minutes": self.minutes,
            "tasks": sum(source.tasks for source in self.sources),
            "bytes": sum(source.bytes for source in self.sources),
            "documents": sum(source.documents for source in self.sources),
            "conversations": sum(source.conversations for source in self.sources),
            "tokens": sum(source.tokens for source in self.sources),
            "slow_tokenizer": self.slow_tokenizer,
        }


def estimate(recipe: Recipe, workers: int) -> Estimate:
    """Count tasks and bytes of a recipe and extrapolate the rest. Raises MathmillError as a run would."""
    inputs = source_inputs(recipe)
    sources = [_estimate_source(recipe, source, inputs[source.name]) for source in recipe.sources]
    encode = recipe.tokenize
    slow = Tokenizer.load(encode.tokenizer, encode.eos_token).slow_reason if encode is not None else ""
    return Estimate(sources, workers, slow)


def _estimate_source(recipe: Recipe, source: SourceConfig, inputs: list[Input]) -> SourceEstimate:
    slices = [item.slice for item in inputs if isinstance(item, SourceInput)]
    total = sum(part.size for part in slices)
    result = SourceEstimate(
        source=source.name,
        files=len({part.relative for part in slices}),
        bytes=total,
        tasks=len(coalesce(inputs, recipe.task_bytes)),
    )
    sampler = _Sampler(recipe, source)
    step = max(1, len(slices) // _SAMPLE_SLICES)
    for part in slices[::step][:_SAMPLE_SLICES]:
        sampler.take(part)
    if sampler.bytes:
        factor = total / sampler.bytes
        result.sampled = sampler.counts["read"]
        result.documents = sampler.counts["documents"] * factor
        result.problems = sampler.counts[PROBLEMS] * factor
        result.conversations = sampler.counts[CONVERSATIONS] * factor
        result.tokens = sampler.counts["tokens"] * factor
        result.cpu_seconds = sampler.seconds * factor
        result.prices = sampler.prices(factor)
    return result


class _Sampler:
    """Sends records of a source through the recipe's stages in memory."""

    def __init__(self, recipe: Recipe, source: SourceConfig) -> None:
        self._source = source
        self._encode = (
            (stage_spec(ENCODE, recipe.tokenize.model_dump(mode="json")),) if recipe.tokenize is not None else ()
        )
        talks = source.kind == CONVERSATIONS
        stages = [use for use in (recipe.conversations if talks else recipe.stages) if use.name != "dedup"]
        found = [use for use in recipe.problems if use.name not in ("dedup", "extract_problems")]
        extracts = [use for use in recipe.problems if use.name == "extract_problems" and not talks]
        self._problem_specs, self._asking = _until_asking(specs_for(source, found))
        self._to_ask: list[pa.RecordBatch] = []
        self._document_specs = () if source.kind == PROBLEMS else specs_for(source, [*stages, *extracts])
        self.counts: Counter[str] = Counter()
        self.bytes = 0.0
        self.seconds = 0.0

    def take(self, part: InputSlice) -> None:
        """Sample the first records of a slice. Stages are opened before the clock starts."""
        batch, share = _first_rows(self._source, part)
        self.bytes += part.size * share
        if batch is None:
            return
        self.counts["read"] += batch.num_rows
        kept, problems = self._run(self._document_specs, [batch])
        if self._source.kind == PROBLEMS:
            kept, problems = [], [batch]
        else:
            corpus = CONVERSATIONS if self._source.kind == CONVERSATIONS else "documents"
            self.counts[corpus] += sum(b.num_rows for b in kept)
        problems, _ = self._run(self._problem_specs, problems)
        self.counts[PROBLEMS] += sum(b.num_rows for b in problems)
        if self._asking is not None:
            self._to_ask += problems
            problems = []  # what becomes of them, nobody knows yet
        for records in (kept, problems):
            for encoded in self._run(self._encode, records)[0]:
                if self._encode:
                    self.counts["tokens"] += pc.sum(pc.list_value_length(encoded.column("tokens"))).as_py() or 0

    def prices(self, factor: float) -> list[Price]:
        """What the first stage that asks models would cost, where the sample is 1 of `factor` parts."""
        if self._asking is None:
            return []
        rows = (row for batch in self._to_ask for row in batch.to_pylist())
        return price(self._asking, rows, factor=factor)

    def _run(
        self, specs: tuple[StageSpec, ...], batches: list[pa.RecordBatch]
    ) -> tuple[list[pa.RecordBatch], list[pa.RecordBatch]]:
        """Rows that stay, and rows of the port `problems`."""
        if not batches or not specs:
            return batches, []
        kept, problems = [], []
        tallies: list[Tally] = []
        with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
            context = StageContext(scratch=Path(scratch))
            outputs = connect_stages(stack, specs, iter(batches), batches[0].schema, context, tallies)
            started = time.perf_counter()
            for port, batch in outputs:
                if port == OUT:
                    kept.append(batch)
                elif port == PROBLEMS:
                    problems.append(batch)
            self.seconds += time.perf_counter() - started
        return kept, problems


def _until_asking(specs: tuple[StageSpec, ...]) -> tuple[tuple[StageSpec, ...], Any]:
    """The stages before the first one that asks models, and that one; None where none does."""
    for i, spec in enumerate(specs):
        stage: Any = spec.load()
        if getattr(stage, "asks_models", False):
            return specs[:i], stage
    return specs, None


def _first_rows(source: SourceConfig, part: InputSlice) -> tuple[pa.RecordBatch | None, float]:
    """The first records of a slice, and the share of the slice's bytes that they are, by the offsets in the file."""
    batches: list[pa.RecordBatch] = []
    rows = 0
    outputs: Iterator[tuple[str, pa.RecordBatch]] = read_slice(source, part)
    for port, batch in outputs:
        if port != OUT:
            continue
        if rows >= _SAMPLE_ROWS:  # the next batch begins where the sample ends
            table = pa.Table.from_batches(batches).combine_chunks()
            end = batch.column("locator")[0].as_py()
            return table.to_batches()[0], min(1.0, max(1e-9, _share(source, part, table, end)))
        batches.append(batch)
        rows += batch.num_rows
    if not batches:
        return None, 1.0
    return pa.Table.from_batches(batches, schema=input_schema(source)).combine_chunks().to_batches()[0], 1.0


def _share(source: SourceConfig, part: InputSlice, sample: pa.Table, end: Mapping[str, int | None]) -> float:
    """The share of a slice that a sample is. end: locator of the record behind it."""
    if file_format(source, part.relative) == "parquet":
        with opened(part.path) as file:
            metadata = pq.ParquetFile(file).metadata
        return sample.num_rows / max(1, sum(metadata.row_group(i).num_rows for i in range(part.start, part.end)))
    if file_format(source, part.relative) == "cc_index":
        return sample.num_rows / max(1, part.end - part.start)
    if end["offset"] is not None:
        return (end["offset"] - part.start) / max(1, part.size)
    if not is_compressed(part.relative):
        return (end["record"] or 0) / max(1, part.size)
    # records are numbered by their place in the content, so the ratio to what is stored is taken from the sample
    column = sample.column(_CONTENT[source.kind])
    if source.kind == CONVERSATIONS:
        column = pc.struct_field(pc.list_flatten(column), "content")
    content = b"".join(column.cast(pa.large_binary()).to_pylist())
    ratio = len(zlib.compress(content)) / max(1, len(content))
    return (end["record"] or 0) * ratio / max(1, part.size)


_CONTENT = {"pages": "html", "documents": "text", "problems": "question", "conversations": "messages"}
