"""Remove exact and near duplicates from a whole corpus, in stages around shuffles.

    sketch ─ BANDS, grouped by key ─ candidate_pairs ─ PAIRS ─ measure_pairs ─ EDGES ─ decide ─ DUPLICATES ─ dedup
       └──────────────────── sketches ─────────────────────────────┘

`sketch` turns each text into a MinHash signature over math-aware tokens and sends one small row per band to the
shuffle; rows that meet there are candidates, which are measured; `decide` says which rows go, and `dedup` drops them.
This is the way of a corpus that one task can compare; `dedup_verify` and `dedup_components` do the same for any size,
and `dedup_index` remembers what was kept for later crawls.
Measured on one core: 144 µs to sketch a text of 15 kB, 90 of them for its tokens. On 147 pages of five builds of one
site: no page merged with another, and 0.98 of the pairs with a Jaccard similarity of at least 0.85 found.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError, DataError
from mathmill.core.stage import OUT, BatchStage, Output, Port, StageContext, split_dropped
from mathmill.core.storage import operating
from mathmill.curation.clusters import (
    DUPLICATES,
    EDGES,
    PAIRS,
    PairFinder,
    Rows,
    StarDecision,
    best_first,
    duplicates_by,
    measure,
)
from mathmill.curation.dedup_step import Step
from mathmill.curation.minhash import hash_sequences
from mathmill.curation.sketches import (
    BANDS,
    DedupConfig,
    conversation_ranks,
    conversation_texts,
    document_ranks,
    problem_ranks,
    problem_texts,
    rank,
    sketch_schema,
    sketch_texts,
    string_bytes,
)

__all__ = [
    "BANDS", "DUPLICATES", "EDGES", "PAIRS", "SKETCHES", "CandidatePairs", "Decide", "DedupConfig", "DropDuplicates",
    "MeasurePairs", "Sketch", "find_duplicates", "sketch_schema",
]  # fmt: skip

SKETCHES: Port = "sketches"


def find_duplicates(texts: Sequence[str], threshold: float = 0.8) -> np.ndarray:
    """Number the clusters of duplicates among texts, in the order in which they first occur: int64 (n_texts,).

    Texts of one cluster are similar to its best (longest) member, by the rules of `DedupConfig`; a text without
    duplicates is a cluster of its own. Everything is held in memory: about 4 kB for each text, beside the texts.
    """
    config = DedupConfig.model_validate({"threshold": threshold})
    column = pa.array([text.encode("utf-8", "replace") for text in texts], pa.large_binary()).view(pa.large_string())
    lengths = np.array([len(text) for text in texts], np.uint64)
    refs = np.arange(len(texts), dtype=np.uint64)
    ranks = rank(np.zeros(len(texts)), lengths, pa.array([""] * len(texts)))
    sketches = sketch_texts(column, config, strict=False)
    bands = pa.Table.from_batches([sketches.band_rows(ranks, refs)])
    bands = bands.sort_by([(name, "ascending") for name in BANDS.names])
    rows = Rows.of(sketches.rows(ranks, refs, pa.array([""] * len(texts))))
    found = [pa.RecordBatch.from_pylist([], EDGES)]
    for a, b in PairFinder().pairs(*(bands.column(name).to_numpy() for name in ("key", "rank", "ref"))):
        found.append(measure(rows, rows, a.astype(np.int64), b.astype(np.int64), threshold))
    ref_a, ref_b, rank_a, rank_b = (
        np.concatenate([edges.column(name).to_numpy() for edges in found]) for name in EDGES.names[:4]
    )
    order = best_first(ref_a, ref_b, rank_a, rank_b)
    ref_a, ref_b = ref_a[order], ref_b[order]
    chosen = StarDecision().decide(np.zeros(len(order), np.uint64), ref_a, ref_b)
    centres = np.arange(len(texts))
    centres[ref_b[chosen]] = ref_a[chosen]
    _, first, cluster = np.unique(centres, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[cluster]


class Sketch:
    """Documents, problems or conversations to band rows (OUT) and what is compared (port "sketches").

    What an earlier run has kept (`dedup_index`) is better than everything new. Otherwise the better of two duplicate
    documents has more formulas, then the longer text; of two problems, the one with a solution, then with the longer
    one; of two conversations, the longer one; then the one with the smaller id.
    """

    name = "sketch"
    version = 2
    Config: ClassVar[type[StageConfig]] = DedupConfig

    def __init__(self, config: DedupConfig) -> None:
        self.config = config

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """ConfigError if the input is none of these."""
        names = set(input_schema.names)
        if not any(needed <= names for needed in ({"text", "formulas"}, {"question", "solution"}, {"messages"})):
            raise ConfigError(
                "dedup: it needs documents (`text`, `formulas`), problems (`question`, `solution`) or conversations "
                "(`messages`)"
            )
        return {OUT: BANDS, SKETCHES: sketch_schema(self.config.num_hashes)}

    def open(self, context: StageContext) -> None:
        """Start counting rows."""
        self._next_ref = context.task_index << 32

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Sketch the batches, numbering rows through all of them."""
        for batch in batches:
            refs = np.arange(self._next_ref, self._next_ref + batch.num_rows, dtype=np.uint64)
            self._next_ref += batch.num_rows
            if "messages" in batch.schema.names:
                texts = conversation_texts(batch)
                ranks = conversation_ranks(texts, batch.column(0))
            elif "question" in batch.schema.names:
                texts, ranks = problem_texts(batch), problem_ranks(batch)
            else:
                texts, ranks = batch.column("text"), document_ranks(batch)
            sketches = sketch_texts(texts, self.config, strict="text" not in batch.schema.names)
            yield OUT, sketches.band_rows(ranks, refs)
            yield SKETCHES, sketches.rows(ranks, refs, batch.column(0))

    def close(self) -> None:
        """Nothing to release."""


class CandidatePairs(Step):
    """Band rows, sorted by (key, rank, ref), to pairs of rows that share a band; a key may span batches."""

    name = "candidate_pairs"
    version = 2

    def takes(self) -> pa.Schema:
        """BANDS."""
        return BANDS

    def gives(self) -> pa.Schema:
        """PAIRS."""
        return PAIRS

    def open(self, context: StageContext) -> None:
        """Start with an empty bucket."""
        self._finder = PairFinder()

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Pair up the rows of each bucket."""
        for better, worse in self._finder.pairs(*(batch.column(name).to_numpy() for name in BANDS.names)):
            yield pa.RecordBatch.from_arrays([pa.array(better), pa.array(worse)], schema=PAIRS)


class MeasurePairs(Step):
    """Pairs to those that are duplicates (EDGES), with the sketches of `side_inputs["sketches"]` (.arrow or .parquet)
    in memory.
    """

    name = "measure_pairs"
    Config: ClassVar[type[StageConfig]] = DedupConfig
    side_inputs: ClassVar[tuple[str, ...]] = ("sketches",)
    config: DedupConfig

    def takes(self) -> pa.Schema:
        """PAIRS."""
        return PAIRS

    def gives(self) -> pa.Schema:
        """EDGES."""
        return EDGES

    def open(self, context: StageContext) -> None:
        """Load the sketches."""
        batches = [batch for path in context.side_inputs.get("sketches", ()) for batch in read_batches(path)]
        table = pa.Table.from_batches(batches, schema=sketch_schema(self.config.num_hashes))
        self._rows = Rows.of(table.sort_by("ref"))

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Measure; DataError if a pair names a row without a sketch."""
        a, b = (find_refs(self._rows.refs, batch.column(name).to_numpy()) for name in PAIRS.names)
        yield measure(self._rows, self._rows, a, b, self.config.threshold)


def find_refs(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Places of refs among sorted ones, int64 (n_wanted,); DataError if one is not there."""
    places = np.searchsorted(known, wanted)
    places[places == len(known)] = 0
    if len(wanted) and (not len(known) or (known[places] != wanted).any()):
        raise DataError("a pair names a row that has no sketch: pairs and sketches are of different runs")
    return places


class Decide(Step):
    """All edges of a corpus, in any order, to the rows to drop (DUPLICATES).

    Holds about 0.1 kB for each edge in memory; ids wait on local disk.
    """

    name = "decide"

    def takes(self) -> pa.Schema:
        """EDGES."""
        return EDGES

    def gives(self) -> pa.Schema:
        """DUPLICATES."""
        return DUPLICATES

    def open(self, context: StageContext) -> None:
        """Note where there is room on disk."""
        self._path = context.scratch / "edges.arrow"

    def process(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Output]:
        """Collect all edges, decide, and read them again."""
        parts: list[list[np.ndarray]] = [[np.zeros(0, np.uint64)] for _ in range(4)]
        with operating(f"cannot write {self._path}"), pa.ipc.new_stream(str(self._path), EDGES) as spool:
            for batch in batches:
                spool.write_batch(batch)
                for part, name in zip(parts, EDGES.names, strict=False):
                    part.append(batch.column(name).to_numpy().copy())
        columns = []
        while parts:
            columns.append(np.concatenate(parts.pop(0)))
        order = best_first(*columns)
        ref_a, ref_b = columns[0][order], columns[1][order]
        columns.clear()
        chosen = np.zeros(len(order), np.bool_)
        chosen[order] = StarDecision().decide(np.zeros(len(order), np.uint64), ref_a, ref_b)
        start = 0
        with pa.memory_map(str(self._path)) as file:
            for batch in pa.ipc.open_stream(file):
                duplicates = duplicates_by(batch, chosen[start : start + batch.num_rows])
                start += batch.num_rows
                if duplicates.num_rows:
                    yield OUT, duplicates

    def close(self) -> None:
        """Remove the edges."""
        self._path.unlink(missing_ok=True)


class DecideSorted(Step):
    """Edges with the `key` of their component, sorted by (key, rank_b, ref_b, rank_a, ref_a), to the rows to drop
    (DUPLICATES), as a stream; a component may span batches.
    """

    name = "decide_sorted"

    def takes(self) -> pa.Schema:
        """EDGES with a key."""
        return pa.schema([pa.field("key", pa.uint64(), nullable=False), *EDGES])

    def gives(self) -> pa.Schema:
        """DUPLICATES."""
        return DUPLICATES

    def open(self, context: StageContext) -> None:
        """Start with nothing dropped."""
        self._decision = StarDecision()

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Decide."""
        columns = (batch.column(name).to_numpy() for name in ("key", "ref_a", "ref_b"))
        yield duplicates_by(batch, self._decision.decide(*columns))


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The batches of an Arrow IPC file, mapped into memory, or of a Parquet file, one row group at a time."""
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                yield from file.read_row_group(number).to_batches()
    else:
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)


class DropDuplicates(BatchStage):
    """Drops the rows that `side_inputs["duplicates"]` names (DUPLICATES as Parquet or Arrow), as "duplicate_exact" or
    "duplicate_near", with the similarity as score and the id that is kept as detail.
    """

    name = "dedup"
    version = 1
    Config: ClassVar[type[StageConfig]] = DedupConfig
    side_inputs: ClassVar[tuple[str, ...]] = ("duplicates",)
    config: DedupConfig

    def open(self, context: StageContext) -> None:
        """Load the duplicates: 16 bytes of hashed id, sorted, 5 of facts and the kept id for each."""
        paths = context.side_inputs.get("duplicates", ())
        table = pa.Table.from_batches([batch for path in paths for batch in read_batches(path)], schema=DUPLICATES)
        keys = _id_keys(table.column("id").combine_chunks())
        order = np.lexsort((keys["low"], keys["high"]))
        self._keys = keys[order]
        self._facts = table.drop_columns(["id", "ref"]).take(pa.array(order)).combine_chunks()

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Look the ids up and drop what is found."""
        keys = _id_keys(batch.column(0))
        places = np.searchsorted(self._keys, keys)
        places[places == len(self._keys)] = 0
        gone = self._keys[places] == keys if len(self._keys) else np.zeros(len(keys), np.bool_)
        facts = self._facts.take(pa.array(places[gone]))
        reasons = np.full(len(keys), "duplicate_near", object)
        reasons[np.flatnonzero(gone)[facts.column("exact").to_numpy()]] = "duplicate_exact"
        scores = np.zeros(len(keys), np.float32)
        scores[gone] = facts.column("similarity").to_numpy()
        details = np.full(len(keys), None, object)
        details[gone] = facts.column("kept_id").to_pylist()
        return split_dropped(batch, ~gone, self.name, reasons.tolist(), scores, details.tolist())


_KEY = np.dtype([("high", np.uint64), ("low", np.uint64)])


def _id_keys(ids: pa.Array) -> np.ndarray:
    """128-bit hashes of ids, which sort: (n,) of two uint64."""
    return hash_sequences(*string_bytes(ids)).view(_KEY).reshape(-1)
