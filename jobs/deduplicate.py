"""One corpus' deduplication: segments and groups of segments on any engine.

    sketch ─ pairs ─┬─ measure and decide in one task ───────────────┬─ duplicates ─ index
                    └─ by better row ─ by worse row ─┬─ decide ──────┤
                                                     └─ components ──┘

How much there is decides the way, not who runs it, and every way gives the same duplicates. A corpus of up to
`rows_in_memory` takes four segments; a larger one is measured in two more groups, and where even the edges found are
more than `edges_in_memory`, each connected component is decided for itself.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq

from mathmill.core.errors import ConfigError
from mathmill.core.ledger import FileEntry
from mathmill.core.stage import OUT
from mathmill.core.storage import Folder
from mathmill.curation.dedup import BANDS, SKETCHES, DedupConfig
from mathmill.curation.dedup_components import ADDRESSED_ORDER, COMPONENTS_ORDER, NEIGHBOURS_ORDER
from mathmill.curation.dedup_home import HOMED_ORDER, home_key
from mathmill.curation.dedup_index import index_settings, settings_of
from mathmill.curation.dedup_verify import SHIPPED_ORDER
from mathmill.jobs.plan import Chain, FileInput, Input, Segment, Sink, coalesce, make_segment
from mathmill.jobs.registry import StageSpec, import_class, stage_spec
from mathmill.jobs.segments import Finished, Segments
from mathmill.jobs.spill import partition_of

INDEX = "dedup-index"
_PARTITION_BYTES = 128 << 20
"""What one reduce task aims at."""

_BAND_BYTES, _PAIR_BYTES, _LINK_BYTES, _EDGE_BYTES = 24 * 22, 28, 24, 120  # a row of each in a shuffle
_DUPLICATES_AT_ONCE = 1_000_000
"""More duplicates (60 bytes each) are dealt out to the files that they are in, so that no task holds all of them."""


class Deduplication:
    """Compares everything with everything, for one corpus: `what` is "pages" or "problems"."""

    def __init__(self, segments: Segments, what: str, config: DedupConfig, task_bytes: int) -> None:
        self._segments, self._what, self._config, self._task_bytes = segments, what, config, task_bytes
        self._settings = config.model_dump(mode="json", include={"threshold", "num_hashes", "shingle", "strict_tokens"})
        self._sketch_bytes = 4 * config.num_hashes + 120

    def run(self, files: Sequence[FileEntry]) -> list[FileInput]:
        """The files as inputs for `dedup`, each with the duplicates that concern it beside it; leaves the index."""
        sketched, paired = self._compare(files)
        rows, pairs = _rows(sketched.files(SKETCHES)), _rows(paired.files(OUT))
        if rows <= self._config.rows_in_memory and pairs <= self._config.edges_in_memory:
            found = self._decide(paired.files(OUT), ("MeasurePairs", "Decide"), sketched.files(SKETCHES))
        else:
            edges = self._measure(sketched, paired.files(OUT), rows, pairs)
            in_memory = _rows(edges) <= self._config.edges_in_memory
            found = self._decide(edges, ("Decide",)) if in_memory else self._decide_components(edges)
        home = self._send_home(sketched.segment, found)
        self._keep_index(sketched, home)
        return [
            FileInput(file=item.file, side={"duplicates": home[task.index]})
            for task in sketched.segment.tasks
            for item in task.inputs
            if isinstance(item, FileInput) and item.folder is None
        ]

    def _compare(self, files: Sequence[FileEntry]) -> tuple[Finished, Finished]:
        """Sketch what is new, recall what was seen, and find candidates by their bands."""
        seen = [
            FileInput(file=file, folder=folder)
            for folder in self._config.index
            for file in read_index(folder, self._what, self._config, self._segments.run)
        ]
        new = [FileInput(file=file) for file in files]
        parts = [("seen", self._chain("dedup_index:RecallSketches"), self._tasks(seen))] if seen else []
        parts.append(("new", self._chain("dedup:Sketch"), self._tasks(new)))
        rows = sum(item.file.rows for item in (*seen, *new))
        sinks = {
            OUT: self._spill("bands", tuple(BANDS.names), rows * _BAND_BYTES),
            SKETCHES: Sink(folder=f"work/{self._what}-sketches", format="arrow"),
        }
        emit = make_segment(f"{self._what}-sketch", self._title("sketch"), parts, sinks)
        return self._segments.group(emit, self._chain("dedup:CandidatePairs"), {OUT: self._sink("pairs")})

    def _measure(self, sketched: Finished, pairs: Sequence[FileEntry], rows: int, n_pairs: int) -> list[FileEntry]:
        """Let the sketches of each pair meet: first by its better row, then by the cell of its worse row."""
        size = (rows + n_pairs) * self._sketch_bytes
        cells = {"cells": _parts(size)}
        sketches = _inputs(sketched.files(SKETCHES))
        by_better = [
            ("sketches", self._chain("dedup_verify:ShipSketches", cells), self._tasks(sketches)),
            ("pairs", self._chain("dedup_verify:ShipPairs", cells), self._tasks(_inputs(pairs))),
        ]
        better = self._group("better", "by better row", by_better, SHIPPED_ORDER, size, "dedup_verify:AttachBetter")
        new = sketched.by_source(SKETCHES)["new"]
        by_cell = [
            ("sketches", self._chain("dedup_verify:ShipWorse", cells), self._tasks(_inputs(new))),
            ("better", Chain(stages=()), self._tasks(_inputs(better))),
        ]
        return self._group("edges", "measure", by_cell, SHIPPED_ORDER, size, "dedup_verify:MeasureShipped")

    def _decide(
        self, files: Sequence[FileEntry], stages: Sequence[str], sketches: Sequence[FileEntry] = ()
    ) -> list[FileEntry]:
        """Decide about everything in one task."""
        chain = Chain(stages=tuple(self._spec(f"dedup:{stage}") for stage in stages))
        parts = [("all", chain, [_inputs(files)] if files else [])]
        sinks, side = {OUT: self._sink("duplicates")}, {"sketches": sketches}
        segment = make_segment(f"{self._what}-duplicates", self._title("decide"), parts, sinks, side)
        return self._segments.map(segment).files(OUT)

    def _decide_components(self, edges: Sequence[FileEntry]) -> list[FileEntry]:
        """Decide about each connected component for itself."""
        links = self._connect(edges)
        size = _rows(edges) * _EDGE_BYTES
        parts = [
            ("links", self._chain("dedup_components:SendLinks"), self._tasks(_inputs(links))),
            ("edges", self._chain("dedup_components:SendEdges"), self._tasks(_inputs(edges))),
        ]
        labelled = self._group("label", "label", parts, ADDRESSED_ORDER, size, "dedup_components:LabelEdges")
        parts = [("all", Chain(stages=()), self._tasks(_inputs(labelled)))]
        return self._group("duplicates", "decide", parts, COMPONENTS_ORDER, size, "dedup:DecideSorted")

    def _connect(self, edges: Sequence[FileEntry]) -> list[FileEntry]:
        """Rounds of large and small stars, until one changes nothing: what it writes is what it read."""
        links = list(edges)
        for number in count(1):
            before = [file.checksum for file in links]
            for step, send, star in (("large", "BothWays", "LargeStar"), ("small", "Down", "SmallStar")):
                parts = [("all", self._chain(f"dedup_components:{send}"), self._tasks(_inputs(links)))]
                name, title = f"round{number:02}-{step}", f"components, round {number}, {step} stars"
                size = 2 * _rows(links) * _LINK_BYTES
                links = self._group(name, title, parts, NEIGHBOURS_ORDER, size, f"dedup_components:{star}")
            if [file.checksum for file in links] == before:
                return links
        raise AssertionError("unreachable")

    def _send_home(self, sketched: Segment, found: Sequence[FileEntry]) -> Mapping[int, tuple[FileEntry, ...]]:
        """The files with the duplicates among the rows of each sketch task, by its number."""
        if _rows(found) <= _DUPLICATES_AT_ONCE:
            return {task.index: tuple(found) for task in sketched.tasks}
        partitions = -(-_rows(found) // _DUPLICATES_AT_ONCE)
        parts = [("all", self._chain("dedup_home:SendHome"), self._tasks(_inputs(found)))]
        sink = Sink(folder=f"work/{self._what}-home-rows", format="spill", partitions=partitions, order=HOMED_ORDER)
        emit = make_segment(f"{self._what}-home-emit", self._title("deal out, emit"), parts, {OUT: sink})
        _, dealt = self._segments.group(emit, self._chain("dedup_home:ArriveHome"), {OUT: self._sink("home")})
        files = [tuple(dealt.entries[task.identity].of_port(OUT)) for task in dealt.segment.tasks]
        return {task.index: files[int(partition_of(home_key(task.index), partitions)[0])] for task in sketched.tasks}

    def _keep_index(self, sketched: Finished, home: Mapping[int, tuple[FileEntry, ...]]) -> None:
        """Leave the sketches of the new rows that stay."""
        inputs = [
            FileInput(file=file, side={"duplicates": home[task.index]})
            for task in sketched.segment.tasks
            if task.chain == "new"
            for file in sketched.entries[task.identity].of_port(SKETCHES)
        ]
        parts = [("all", self._chain("dedup_index:KeepSketches"), self._tasks(inputs))]
        sinks = {OUT: Sink(folder=f"{INDEX}/{self._what}")}
        self._segments.map(make_segment(f"{self._what}-index", self._title("keep the index"), parts, sinks))

    def _group(
        self,
        name: str,
        title: str,
        parts: Sequence[tuple[str, Chain, Sequence[Sequence[Input]]]],
        order: tuple[str, ...],
        size: int,
        reduce: str,
    ) -> list[FileEntry]:
        emit = make_segment(
            f"{self._what}-{name}-emit",
            self._title(f"{title}, emit"),
            parts,
            {OUT: self._spill(f"{name}-rows", order, size)},
        )
        return self._segments.group(emit, self._chain(reduce), {OUT: self._sink(name)})[1].files(OUT)

    def _chain(self, cls: str, more: Mapping[str, int] | None = None) -> Chain:
        return Chain(stages=(self._spec(cls, more),))

    def _spec(self, cls: str, more: Mapping[str, int] | None = None) -> StageSpec:
        """A stage with those of our settings that it has."""
        name = f"mathmill.curation.{cls}"
        known = import_class(name).Config.model_fields
        return stage_spec(
            name, {key: value for key, value in {**self._settings, **(more or {})}.items() if key in known}
        )

    def _tasks(self, inputs: Sequence[Input]) -> list[list[Input]]:
        return coalesce(inputs, self._task_bytes)

    def _spill(self, name: str, order: tuple[str, ...], size: int) -> Sink:
        return Sink(folder=f"work/{self._what}-{name}", format="spill", partitions=_parts(size), order=order)

    def _sink(self, name: str) -> Sink:
        return Sink(folder=f"work/{self._what}-{name}", format="arrow" if name == "better" else "parquet")

    def _title(self, step: str) -> str:
        return f"Dedup of {self._what}: {step}"


def read_index(folder: str, what: str, config: DedupConfig, run: Folder | None = None) -> list[FileEntry]:
    """The files of an earlier run's index, as that run listed them when it had finished.

    Raises ConfigError, which names the folder, where there is no such index, where it is not whole, where it was made
    with other settings, and where it is that of `run` itself.
    """
    earlier, place = Folder(folder), f"{INDEX}/{what}"
    if run is not None and str(earlier) == str(run):
        raise ConfigError(f"dedup.index: {folder} is the folder of this run; name earlier runs only")
    try:
        files = [
            FileEntry(
                port=OUT,
                name=f"{place}/{file['name']}",
                rows=file["rows"],
                bytes=file["bytes"],
                checksum=file["xxh3_128"],
            )
            for file in json.loads(earlier.read(f"{place}/_files.json"))["files"]
        ]
    except FileNotFoundError:
        raise ConfigError(
            f"dedup.index: {folder} has no {place}/_files.json; name a finished run that deduplicated {what}"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        name = f"{folder}/{place}/_files.json"
        raise ConfigError(f"dedup.index: {name} is damaged ({error}); run that recipe again") from error
    if gone := sorted({file.name.rpartition("/")[2] for file in files} - set((earlier / place).names())):
        raise ConfigError(f"dedup.index: {folder}/{place}/{gone[0]} has gone; run that recipe again")
    if files:
        with earlier.open(files[0].name) as source:
            found = settings_of(_schema(source, f"{folder}/{files[0].name}"))
        wanted = index_settings(config)
        if found != wanted:
            other = sorted(key for key in wanted if found is None or found.get(key) != wanted[key])[0]
            had = "nothing" if found is None else found.get(other)
            raise ConfigError(
                f"dedup.index: {folder} was made with {other}: {had}, this recipe has {wanted[other]}; use the same, "
                "or run that recipe again"
            )
    return files


def _schema(source: object, name: str) -> pa.Schema:
    try:
        return pq.read_schema(source)
    except pa.ArrowInvalid as error:
        raise ConfigError(f"dedup.index: {name} is no Parquet file ({error}); run that recipe again") from error


def _inputs(files: Sequence[FileEntry]) -> list[Input]:
    return [FileInput(file=file) for file in files]


def _rows(files: Sequence[FileEntry]) -> int:
    return sum(file.rows for file in files)


def _parts(size: int) -> int:
    return max(1, -(-size // _PARTITION_BYTES))
