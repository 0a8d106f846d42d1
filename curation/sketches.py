"""What deduplication knows of a text: signature, exact hash, numbers and operators, and how good it is to keep.

Equal numbers and operators are demanded of problems, and of documents too short for one changed digit to show in the
similarity: with shingles of 5 tokens, a text of 50 tokens and its twin with another number are still 0.8 alike.
"""

import re
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from pydantic import Field
from xxhash import xxh3_64_intdigest

from mathmill.core.config import DataPath, StageConfig
from mathmill.core.mathtext import find_formulas
from mathmill.core.mathtokens import hash_tokens, token_hash
from mathmill.curation.minhash import band_keys, choose_bands, hash_family, hash_sequences, sign
from mathmill.curation.token_kinds import WORD, classify_tokens

BANDS = pa.schema([pa.field(name, pa.uint64(), nullable=False) for name in ("key", "rank", "ref")])
"""Rows that the shuffle groups by `key` and sorts by (key, rank, ref): a band's hash, how good the row is (smaller is
better), and which row it is: task number << 32 | row number within the task."""

SEEN_RANK = np.uint64(0)
"""The rank of every row of an earlier run's index: better than any row of this run."""


def sketch_schema(num_hashes: int) -> pa.Schema:
    """What is known of a row for comparison; `math` is 0 where its numbers and operators may differ."""
    return pa.schema(
        [
            pa.field("ref", pa.uint64(), nullable=False),
            pa.field("id", pa.string(), nullable=False),
            pa.field("rank", pa.uint64(), nullable=False),  # smaller is better
            pa.field("exact_high", pa.uint64(), nullable=False),  # 128-bit hash of all tokens
            pa.field("exact_low", pa.uint64(), nullable=False),
            pa.field("math", pa.uint64(), nullable=False),  # hash of the numbers and operators, in order
            pa.field("has_near", pa.bool_(), nullable=False),  # long enough to have near-duplicates
            pa.field("signature", pa.list_(pa.uint32(), num_hashes), nullable=False),
        ]
    )


class DedupConfig(StageConfig):
    """`dedup:` in a recipe. Texts are duplicates from `threshold` on, in Jaccard similarity of their shingles."""

    threshold: float = Field(0.8, gt=0.0, le=1.0)
    num_hashes: int = Field(128, ge=16, le=4096)  # standard error of the similarity: sqrt(J (1 - J) / num_hashes)
    shingle: int = Field(5, ge=1, le=100)  # tokens; a text of fewer than two shingles has only exact duplicates
    strict_tokens: int = Field(256, ge=0)  # shorter documents must have equal numbers and operators; problems always
    index: tuple[DataPath, ...] = ()  # folders of earlier runs, the earliest first, whose rows count as seen
    # up to these limits one task does it, above them many do, with the same result
    rows_in_memory: int = Field(250_000, ge=0)  # rows to compare, 0.6 kB each
    edges_in_memory: int = Field(10_000_000, ge=0)  # pairs of duplicates to decide about, 0.1 kB each


class Sketches(NamedTuple):
    """Texts ready for comparison."""

    signatures: np.ndarray  # uint32 (n, num_hashes)
    exact: np.ndarray  # uint64 (n, 2): 128-bit hash of all tokens
    math: np.ndarray  # uint64 (n,): hash of the numbers and operators, 0 where they may differ
    keys: np.ndarray  # uint64 (n, bands + 1), the last is the band of the exact hash
    has_near: np.ndarray  # bool (n,): long enough to have near-duplicates

    def band_rows(self, ranks: np.ndarray, refs: np.ndarray) -> pa.RecordBatch:
        """The rows that stand for these texts in the shuffle: schema BANDS. ranks, refs: uint64 (n,)."""
        used = np.repeat(self.has_near[:, None], self.keys.shape[1], axis=1)
        used[:, -1] = True
        counts = used.sum(axis=1)
        columns = [self.keys[used], np.repeat(ranks, counts), np.repeat(refs, counts)]
        return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=BANDS)

    def rows(self, ranks: np.ndarray, refs: np.ndarray, ids: pa.Array) -> pa.RecordBatch:
        """The rows that describe these texts: `sketch_schema`."""
        schema = sketch_schema(self.signatures.shape[1])
        kind = schema.field("signature").type
        signatures = pa.FixedSizeListArray.from_arrays(pa.array(self.signatures.reshape(-1)), type=kind)
        plain = [ranks, *map(np.ascontiguousarray, self.exact.T), self.math, self.has_near]
        columns = [pa.array(refs), ids.cast(pa.string()), *map(pa.array, plain), signatures]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def sketch_texts(texts: pa.Array, config: DedupConfig, strict: bool) -> Sketches:
    """Sketch a large_string array without nulls; `strict` asks for equal numbers and operators whatever the length."""
    texts = _plain(texts, None if strict else config.strict_tokens * _TOKEN_BYTES)
    tokens, offsets = hash_tokens(texts)
    lengths = np.diff(offsets)
    signatures = sign(tokens, offsets, config.shingle, *hash_family(config.num_hashes))
    exact = hash_sequences(tokens, offsets)
    math = np.zeros(len(texts), np.uint64)
    short = np.flatnonzero(lengths < config.strict_tokens) if not strict else np.arange(len(texts))
    compared = texts.take(pa.array(short)).to_pylist()
    intervals = _interval_hashes(compared)
    math[short] = (_math_hashes(compared) ^ intervals) | np.uint64(1)
    exact[short] ^= intervals[:, None]
    return with_bands(signatures, exact, math, lengths >= 2 * config.shingle, config)


def with_bands(
    signatures: np.ndarray, exact: np.ndarray, math: np.ndarray, has_near: np.ndarray, config: DedupConfig
) -> Sketches:
    """Add the bands that the threshold asks for; arrays as in `Sketches`."""
    bands, rows = choose_bands(config.num_hashes, config.threshold)
    return Sketches(signatures, exact, math, band_keys(signatures, exact, bands, rows), has_near)


_DECIDING = (
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln", "lg",
    "exp", "max", "min", "sup", "inf", "gcd", "lcm", "det", "sum", "product", "difference", "quotient", "maximum",
    "minimum", "largest", "smallest", "greatest", "least", "even", "odd", "positive", "negative", "not",
    "差", "积", "商", "正", "负", "奇", "偶", "大", "小", "不",
)  # fmt: skip


@cache
def _deciding_hashes() -> np.ndarray:
    return np.array([token_hash(word) for word in _DECIDING], np.uint64)


def _math_hashes(texts: list[str]) -> np.ndarray:
    """Hash what makes two problems different ones: numbers, operators, functions and words such as "product" or "odd",
    in their order: uint64 (n_texts,).
    """
    tokens = classify_tokens(texts)
    is_math = (tokens.kinds != WORD) | np.isin(tokens.hashes, _deciding_hashes())
    offsets = np.concatenate(([0], np.cumsum(is_math)))[tokens.offsets]
    return hash_sequences(tokens.hashes[is_math], offsets)[:, 0]


_LIST_IN_BRACKETS = re.compile(r"([\[(])[^][()]{0,80},[^][()]{0,80}([\])])")


def _interval_hashes(texts: list[str]) -> np.ndarray:
    """Hash the kinds of brackets around `0, 1`, which tokens leave out: uint64 (n_texts,), 0 for none and for `(…, …)`
    alone, as prose has it.
    """
    kinds = ("".join(map("".join, _LIST_IN_BRACKETS.findall(text))) for text in texts)
    hashes = (xxh3_64_intdigest(found.encode()) if "[" in found or "]" in found else 0 for found in kinds)
    return np.fromiter(hashes, np.uint64, len(texts))


_SIGN_BEGINS_LINE = re.compile(r"\n[ \t]*[-+*>][ \t]")
_TOKEN_BYTES = 16  # of a token with what stands around it; more than nearly any


def _plain(texts: pa.Array, most_bytes: int | None) -> pa.Array:
    """Texts whose blanks break, and whose formulas are one line each, since a sign that begins a line is read as a
    bullet or a quote; the latter only in texts of `most_bytes` at most, in longer ones a sign does not show.
    """
    texts = pc.replace_substring(texts, "\u00a0", " ")
    short = (
        pc.less_equal(pc.binary_length(texts), most_bytes) if most_bytes is not None else pa.array([True] * len(texts))
    )
    rows = texts.filter(short).to_pylist()
    folded = [_unfold(text) if _SIGN_BEGINS_LINE.search(text) else text for text in rows]
    return texts if folded == rows else pc.replace_with_mask(texts, short, pa.array(folded, texts.type))


def _unfold(text: str) -> str:
    pieces, at = [], 0
    for span in find_formulas(text):
        pieces += [text[at : span.start], text[span.start : span.end].replace("\n", " ")]
        at = span.end
    return "".join([*pieces, text[at:]])


def problem_texts(batch: pa.RecordBatch) -> pa.Array:
    """What is compared of problems: question and solution."""
    line_break = pa.scalar("\n", pa.large_string())
    return pc.binary_join_element_wise(batch.column("question"), pc.fill_null(batch.column("solution"), ""), line_break)


def conversation_texts(batch: pa.RecordBatch) -> pa.Array:
    """What is compared of conversations: all but what the system says, which a whole collection may have in common."""
    messages = batch.column("messages")
    said, rows = messages.flatten(), pc.list_parent_indices(messages).to_numpy()
    compared = pc.not_equal(said.field("role"), "system")
    counts = np.bincount(rows[compared.to_numpy(zero_copy_only=False)], minlength=batch.num_rows)
    offsets = pa.array(np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]))
    contents = pa.LargeListArray.from_arrays(offsets, said.field("content").filter(compared))
    return pc.binary_join(contents, pa.scalar("\n", pa.large_string()))


def conversation_ranks(texts: pa.Array, ids: pa.Array) -> np.ndarray:
    """Rank conversations, uint64 (n,): the longer text, then the smaller id."""
    return rank(np.zeros(len(ids)), _integers(pc.utf8_length(texts)), ids)


def document_ranks(batch: pa.RecordBatch) -> np.ndarray:
    """Rank documents, uint64 (n,): more formulas, then the longer text, then the smaller id."""
    counts = pc.list_value_length(batch.column("formulas"))
    return rank(_integers(counts), _integers(pc.utf8_length(batch.column("text"))), batch.column(0))


def problem_ranks(batch: pa.RecordBatch) -> np.ndarray:
    """Rank problems, uint64 (n,): those with a solution, then the longer solution, then the smaller id."""
    lengths = _integers(pc.utf8_length(batch.column("solution")))
    return rank(lengths > 0, lengths, batch.column(0))


def _integers(column: pa.Array) -> np.ndarray:
    return pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype(np.uint64)


_FIRST_BITS, _LENGTH_BITS, _ID_BITS = 20, 24, 20


def rank(first: np.ndarray, lengths: np.ndarray, ids: pa.Array) -> np.ndarray:
    """Pack an order of preference into uint64 (n,), smaller is better: more of `first`, longer, smaller id.

    Larger numbers than 20 bits (`first`) and 24 bits (lengths) hold count as these; ids, hexadecimal, go in with their
    first 20 bits. It is above SEEN_RANK.
    """
    packed = _inverted(first, _FIRST_BITS) << np.uint64(_LENGTH_BITS) | _inverted(lengths, _LENGTH_BITS)
    ranks = packed << np.uint64(_ID_BITS) | _id_prefixes(*string_bytes(ids), _ID_BITS // 4)
    return np.maximum(ranks, SEEN_RANK + np.uint64(1))


def _inverted(values: np.ndarray, bits: int) -> np.ndarray:
    largest = np.uint64((1 << bits) - 1)
    return largest - np.minimum(values.astype(np.uint64), largest)


def string_bytes(strings: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """A string array's bytes, uint8, and int64 (n + 1,) offsets into them."""
    strings = pc.cast(strings, pa.large_binary())
    _, offsets, data = strings.buffers()
    places = np.frombuffer(offsets, np.int64)[strings.offset : strings.offset + len(strings) + 1]
    return np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8), places


@njit(cache=True)
def _id_prefixes(data: np.ndarray, offsets: np.ndarray, digits: int) -> np.ndarray:
    """The number that the first digits of each id make; an id that is not hexadecimal always gets the same number."""
    prefixes = np.zeros(len(offsets) - 1, np.uint64)
    for i in range(len(prefixes)):
        for place in range(offsets[i], offsets[i] + digits):
            byte = data[place] if place < offsets[i + 1] else 0
            prefixes[i] = prefixes[i] << np.uint64(4) | np.uint64(((byte & 0xF) + 9 * (byte >> 6)) & 0xF)
    return prefixes
