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
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from mathmill.core.config import DataPath, StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import CONTAMINATION, to_batch
from mathmill.core.stage import CONTAMINATION_PORT, OUT, BatchStage, Output, Port, StageContext, split_dropped
from mathmill.curation.benchmarks import BenchmarkItem, benchmark_files, fetch_benchmark, read_benchmark
from mathmill.curation.leak_tokens import leak_tokens
from mathmill.curation.minhash import hash_sequences
from mathmill.curation.ngram_index import EMBEDDED, NONE, SHORT, TEMPLATE, Findings, build_index, scan
from mathmill.curation.token_kinds import WORD, Tokens

Kind = Literal["exact", "embedded", "short", "template"]

_KINDS: dict[int, Kind] = {EMBEDDED: "embedded", SHORT: "short", TEMPLATE: "template"}
_CHUNK = 256  # texts tokenised at once
_EXCERPT = 300  # characters of an item in the report
_MIN_SHORT = 4  # tokens: "2 + 3 =" is in every primer, so shorter items must be the whole text


@dataclass(frozen=True)
class Hit:
    """A benchmark item in a text.

    item: its number in the benchmark. kind: "exact", the text is the item; "embedded", the text holds it; "short", the
    same for an item of fewer than n tokens; "template", the text holds its words with other numbers, which is another
    problem and no leak: count it apart (`kind != "template"` is what a recipe drops unless told otherwise). score: the
    share of the item's tokens that n-grams of the text cover; an exam's heading and, where the stem says enough, the
    options of an item do not count.
    """

    item: int
    kind: Kind
    score: float


class Decontaminator:
    """Checks texts against benchmark items. Building it tokenises the items once; checking is read-only."""

    def __init__(self, benchmark_texts: Sequence[str], n: int = 10, coverage: float = 0.9) -> None:
        """Index items, if any. n: tokens of an n-gram. coverage: the share of an item's tokens for a hit, in (0, 1].

        An item of fewer than 2 n tokens must be there in full, one of fewer than n in one piece; and one without math,
        without a word, or of fewer than 4 tokens ("1+1=?", "Find x."), must be the whole text.
        """
        _refuse_text(benchmark_texts)
        if n < 1 or not 0 < coverage <= 1:
            raise ConfigError(f"Decontaminator: n={n} should be 1 or more, coverage={coverage} in (0, 1]")
        items = leak_tokens(benchmark_texts)
        whole = hash_sequences(items.hashes, items.offsets)
        whole[np.diff(items.offsets) == 0] = 0  # an item without tokens is in no text
        cores = _cores(benchmark_texts, n)
        items = leak_tokens(cores)
        self._index = build_index(items, _embeddable(cores, items, n), n, coverage)
        self._whole, self._whole_items = np.unique(_keys(whole), return_index=True)

    def check(self, texts: Sequence[str | None]) -> list[Hit | None]:
        """Return the strongest hit in each text, None where there is none: exact, embedded, short, then template.

        A text that is None counts as empty. TypeError for a text in place of the sequence.
        """
        _refuse_text(texts)
        hits: list[Hit | None] = []
        for start in range(0, len(texts), _CHUNK):
            tokens = leak_tokens([text or "" for text in texts[start : start + _CHUNK]])
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


def _refuse_text(texts: object) -> None:
    if isinstance(texts, str | bytes):
        raise TypeError("give a list of texts, not one text, whose characters would be taken for texts")


_HEADING = re.compile(r"\s*(?:\d{1,3}\s*[.．、](?!\d)\s*)?(?:[(（]\s*(?:本小题)?(?:满分)?\s*\d{1,2}\s*分\s*[)）]\s*)?")
_OPTIONS = re.compile(
    r"(?<=[\s(（])A\s?[).．、:：](?=.+?[\s(（;；,，。.]B\s?[).．、:：].+?[\s(（;；,，。.]C\s?[).．、:：])", re.DOTALL
)


def _cores(texts: Sequence[str], n: int) -> list[str]:
    """Items without the exam's heading ("3. (5 分)") and, where their stem says enough, without options A, B, C.

    A stem says enough with n tokens, three of them numbers or signs, or with 3 n tokens.
    """
    bare = [text[match.end() :] or text if (match := _HEADING.match(text)) else text for text in texts]
    stems = {place: text[: match.start()] for place, text in enumerate(bare) if (match := _OPTIONS.search(text))}
    tokens = leak_tokens(list(stems.values()))
    for (place, stem), first, stop in zip(stems.items(), tokens.offsets[:-1], tokens.offsets[1:], strict=True):
        n_signs = int((tokens.kinds[first:stop] != WORD).sum())
        if stop - first >= (n if n_signs >= 3 else 3 * n):
            bare[place] = stem
    return bare


_WORD = re.compile(r"(?<![\\^\W\d_])[^\W\d_]{3,}|[\u3040-\u9fff](?:.*?[\u3040-\u9fff]){3}")


def _embeddable(texts: Sequence[str], items: Tokens, n: int) -> np.ndarray:
    """Which short items say enough to be looked for inside of texts: bool (n_items,). They need math and a word."""
    lengths = np.diff(items.offsets)
    embeddable = np.zeros(len(lengths), np.bool_)
    for item in np.flatnonzero((lengths >= _MIN_SHORT) & (lengths < n)).tolist():
        kinds = items.kinds[items.offsets[item] : items.offsets[item + 1]]
        has_math = (kinds != WORD).any() or "[asy]" in texts[item]  # a figure says as much
        embeddable[item] = has_math and _WORD.search(texts[item]) is not None
    return embeddable


_KEY = np.dtype([("high", np.uint64), ("low", np.uint64)])


def _keys(hashes: np.ndarray) -> np.ndarray:
    """uint64 (n, 2) as (n,) keys that sort."""
    return hashes.view(_KEY).reshape(-1)


class DecontaminateConfig(StageConfig):
    """`decontaminate:` in a recipe."""

    benchmarks: list[DataPath] = Field(min_length=1)  # JSON lines, JSON, Parquet, text; or folders of them
    fields: tuple[str, ...] = Field(("question",), min_length=1)  # the first one must be there; add "solution" to taste
    n: int = Field(10, ge=5, le=100)  # tokens of an n-gram
    coverage: float = Field(0.9, gt=0.0, le=1.0)  # of an item's tokens; 0.8 finds more edited items, and their siblings
    drop_templates: bool = False  # also drop what has an item's words with other numbers

    def file_paths(self) -> list[str]:
        """The benchmark files."""
        return list(self.benchmarks)


class Decontaminate(BatchStage):
    """Drops documents, problems (question or solution) and conversations (any message) that hold a benchmark item, as
    "contaminated", and if the recipe says so the same template with other numbers, as "contaminated_template"; the
    score is the share of the item, the detail its file and id. Every hit, dropped or kept, is a row of the port
    "contamination".
    """

    name = "decontaminate"
    version = 2
    Config: ClassVar[type[StageConfig]] = DecontaminateConfig
    config: DecontaminateConfig

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """ConfigError if the input has no text to check."""
        if not _checked_columns(input_schema):
            raise ConfigError(
                "decontaminate: it needs documents (`text`), problems (`question`, `solution`) or conversations "
                "(`messages`)"
            )
        return {OUT: input_schema, CONTAMINATION_PORT: CONTAMINATION}

    def open(self, context: StageContext) -> None:
        """Read the benchmarks and index them."""
        config = self.config
        files = tuple((path, fetch_benchmark(path)) for path in benchmark_files(config.benchmarks))
        self._items, self._decontaminator = _index(files, config.fields, config.n, config.coverage)

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Check every text of each row; the strongest hit counts."""
        columns = _checked_columns(batch.schema)
        found = [self._check(batch.column(column)) for column in columns]
        best = [max(hits, key=_strength) for hits in zip(*found, strict=True)]
        gone = [hit is not None and (hit.kind != "template" or self.config.drop_templates) for hit in best]
        reasons = ["contaminated_template" if hit and hit.kind == "template" else "contaminated" for hit in best]
        scores = np.array([hit.score if hit else 0.0 for hit in best], np.float32)
        details = [self._items[hit.item].label if hit else None for hit in best]
        yield from split_dropped(batch, ~np.array(gone, np.bool_), self.name, reasons, scores, details)
        ids = batch.column(0)
        report = [
            self._report(ids[row].as_py(), column, hit, gone[row])
            for column, hits in zip(columns, found, strict=True)
            for row, hit in enumerate(hits)
            if hit is not None
        ]
        if report:
            yield CONTAMINATION_PORT, to_batch(report, CONTAMINATION)

    def _check(self, column: pa.Array) -> list[Hit | None]:
        """The strongest hit in each text, or in the messages of each conversation."""
        if not pa.types.is_list(column.type):
            return self._decontaminator.check(column.to_pylist())
        hits = self._decontaminator.check(column.flatten().field("content").to_pylist())
        ends = np.concatenate([[0], np.cumsum(column.value_lengths().to_numpy())]).tolist()
        return [max(hits[start:end], key=_strength, default=None) for start, end in pairwise(ends)]

    def _report(self, id_: str, column: str, hit: Hit, dropped: bool) -> dict[str, object]:
        """A row of CONTAMINATION."""
        item = self._items[hit.item]
        return {
            "id": id_,
            "column": column,
            "file": item.file,
            "item": item.id,
            "kind": hit.kind,
            "score": hit.score,
            "dropped": dropped,
            "item_text": item.text[:_EXCERPT],
        }


@lru_cache(maxsize=2)
def _index(
    files: tuple[tuple[str, bytes], ...], fields: tuple[str, ...], n: int, coverage: float
) -> tuple[list[BenchmarkItem], Decontaminator]:
    """Items and index of benchmark files (path, content), made once in a process and not for each of its tasks."""
    items = [item for path, data in files for item in read_benchmark(path, fields, data)]
    return items, Decontaminator([item.text for item in items], n, coverage)


def _checked_columns(schema: pa.Schema) -> list[str]:
    return [name for name in ("text", "question", "solution", "messages") if name in schema.names]


_STRENGTH = {"template": 1, "short": 2, "embedded": 3, "exact": 4}


def _strength(hit: Hit | None) -> tuple[int, float]:
    return (_STRENGTH[hit.kind], hit.score) if hit else (0, 0.0)
