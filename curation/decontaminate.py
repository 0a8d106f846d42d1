"""Find benchmark items in training texts, and tell leaks from the same template with other numbers.

Matching is by n-grams of math-aware tokens, so spacing, case, delimiters and the notation of a formula do not hide an
item, and `x^2-5x+6=0` is not `x^3+7x-2=0`. A hit needs 10-grams that together cover most of the *item*, close together:
one n-gram in common (GPT-3, DeepSeekMath) drops identities, binomials and stock phrases, which was most of what such
filters dropped elsewhere (88 of 114 sources, marin #6852). Measured with 12,492 benchmark items: all of 2,000 that were
put into a paragraph are found; of 36,287 problems of other sets 0.12 % are hit, nearly all an item but for a word.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from mathmill.core.config import DataPath, StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.stage import OUT, BatchStage, Output, Port, StageContext, split_dropped
from mathmill.curation.benchmarks import fetch_benchmark, read_benchmark
from mathmill.curation.minhash import hash_sequences
from mathmill.curation.ngram_index import EMBEDDED, NONE, SHORT, TEMPLATE, Findings, build_index, scan
from mathmill.curation.token_kinds import WORD, Tokens, classify_tokens

Kind = Literal["exact", "embedded", "short", "template"]

_KINDS: dict[int, Kind] = {EMBEDDED: "embedded", SHORT: "short", TEMPLATE: "template"}
_CHUNK = 256  # texts tokenised at once
_MIN_SHORT = 4  # tokens: "2 + 3 =" is in every primer, so shorter items must be the whole text


@dataclass(frozen=True)
class Hit:
    """A benchmark item in a text.

    item: its number in the benchmark. kind: "exact", the text is the item; "embedded", the text holds it; "short", the
    same for an item of fewer than n tokens; "template", the text holds it with other numbers. score: the share of the
    item's tokens that n-grams of the text cover.
    """

    item: int
    kind: Kind
    score: float


class Decontaminator:
    """Checks texts against benchmark items. Building it tokenises the items once; checking is read-only."""

    def __init__(self, benchmark_texts: Sequence[str], n: int = 10, coverage: float = 0.9) -> None:
        """Index items. n: tokens of an n-gram. coverage: the share of an item's tokens that makes a hit, in (0, 1].

        An item of fewer than 2 n tokens must be there in full, one of fewer than n in one piece; and one without math,
        without a word, or of fewer than 4 tokens ("1+1=?", "Find x."), must be the whole text.
        """
        items = classify_tokens(benchmark_texts)
        self._index = build_index(items, _embeddable(benchmark_texts, items, n), n, coverage)
        whole = hash_sequences(items.hashes, items.offsets)
        whole[np.diff(items.offsets) == 0] = 0  # an item without tokens is in no text
        self._whole, self._whole_items = np.unique(_keys(whole), return_index=True)

    def check(self, texts: Sequence[str]) -> list[Hit | None]:
        """Return the strongest hit in each text, None where there is none: exact, embedded, short, then template."""
        hits: list[Hit | None] = []
        for start in range(0, len(texts), _CHUNK):
            tokens = classify_tokens(texts[start : start + _CHUNK])
            found = scan(tokens.hashes, tokens.kinds, tokens.offsets, self._index)
            hits.extend(self._hits(tokens, found))
        return hits

    def _hits(self, tokens: Tokens, found: Findings) -> Iterable[Hit | None]:
        keys = _keys(hash_sequences(tokens.hashes, tokens.offsets))
        places = np.minimum(np.searchsorted(self._whole, keys), len(self._whole) - 1)
        for text, kind in enumerate(found.kinds.tolist()):
            if len(self._whole) and self._whole[places[text]] == keys[text]:
                yield Hit(int(self._whole_items[places[text]]), "exact", 1.0)
            elif kind == NONE:
                yield None
            else:
                yield Hit(int(found.items[text]), _KINDS[kind], round(float(found.scores[text]), 6))


_WORD = re.compile(r"(?<![\\^\W\d_])[^\W\d_]{3,}|[\u3040-\u9fff]")


def _embeddable(texts: Sequence[str], items: Tokens, n: int) -> np.ndarray:
    """Which short items say enough to be looked for inside of texts: bool (n_items,). They need math and a word."""
    lengths = np.diff(items.offsets)
    embeddable = np.zeros(len(lengths), np.bool_)
    for item in np.flatnonzero((lengths >= _MIN_SHORT) & (lengths < n)).tolist():
        kinds = items.kinds[items.offsets[item] : items.offsets[item + 1]]
        embeddable[item] = (kinds != WORD).any() and _WORD.search(texts[item]) is not None
    return embeddable


_KEY = np.dtype([("high", np.uint64), ("low", np.uint64)])


def _keys(hashes: np.ndarray) -> np.ndarray:
    """uint64 (n, 2) as (n,) keys that sort."""
    return hashes.view(_KEY).reshape(-1)


class DecontaminateConfig(StageConfig):
    """`decontaminate:` in a recipe."""

    benchmarks: list[DataPath] = Field(min_length=1)  # .jsonl, .parquet (both with `fields`), or .txt, an item a line
    fields: tuple[str, ...] = Field(("question",), min_length=1)  # the first one must be there; add "solution" to taste
    n: int = Field(10, ge=5, le=100)  # tokens of an n-gram
    coverage: float = Field(0.9, gt=0.0, le=1.0)  # of an item's tokens; 0.8 finds more edited items, and their siblings
    drop_templates: bool = False  # also drop what has an item's words with other numbers

    def file_paths(self) -> list[str]:
        """The benchmark files."""
        return list(self.benchmarks)


class Decontaminate(BatchStage):
    """Drops documents and problems (question or solution) that hold a benchmark item, as "contaminated", and if the
    recipe says so the same template with other numbers, as "contaminated_template"; the score is the share of the item,
    the detail its file and id.
    """

    name = "decontaminate"
    version = 1
    Config: ClassVar[type[StageConfig]] = DecontaminateConfig
    config: DecontaminateConfig

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """ConfigError if the input has no text to check."""
        if not _checked_columns(input_schema):
            raise ConfigError("decontaminate: it needs documents (`text`) or problems (`question`, `solution`)")
        return {OUT: input_schema}

    def open(self, context: StageContext) -> None:
        """Read the benchmarks and index them."""
        config = self.config
        files = tuple((path, fetch_benchmark(path)) for path in config.benchmarks)
        self._labels, self._decontaminator = _index(files, config.fields, config.n, config.coverage)

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Check every text of each row; the strongest hit counts."""
        best: list[Hit | None] = [None] * batch.num_rows
        for column in _checked_columns(batch.schema):
            hits = self._decontaminator.check(pc.fill_null(batch.column(column), "").to_pylist())
            best = [max(pair, key=_strength) for pair in zip(best, hits, strict=True)]
        gone = [hit is not None and (hit.kind != "template" or self.config.drop_templates) for hit in best]
        reasons = ["contaminated_template" if hit and hit.kind == "template" else "contaminated" for hit in best]
        scores = np.array([hit.score if hit else 0.0 for hit in best], np.float32)
        details = [self._labels[hit.item] if hit else None for hit in best]
        return split_dropped(batch, ~np.array(gone, np.bool_), self.name, reasons, scores, details)


@lru_cache(maxsize=2)
def _index(
    files: tuple[tuple[str, bytes], ...], fields: tuple[str, ...], n: int, coverage: float
) -> tuple[list[str], Decontaminator]:
    """Labels and index of benchmark files (path, content), made once in a process and not for each of its tasks."""
    items = [item for path, data in files for item in read_benchmark(path, fields, data)]
    return [item.label for item in items], Decontaminator([item.text for item in items], n, coverage)


def _checked_columns(schema: pa.Schema) -> list[str]:
    return [name for name in ("text", "question", "solution") if name in schema.names]


_STRENGTH = {"template": 1, "short": 2, "embedded": 3, "exact": 4}


def _strength(hit: Hit | None) -> tuple[int, float]:
    return (_STRENGTH[hit.kind], hit.score) if hit else (0, 0.0)
