"""Encode: documents and problems to the token store, with the places of cuts, answers and what is supervised.

Texts are encoded a batch at a time; spans go from characters to bytes to tokens by sorted search over whole batches,
so that they cost little beside the encoding itself.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from mathmill.core.config import DataPath
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import DIFFICULTIES, DOCUMENT, PROBLEM, SCHOOL_STAGES, SPAN
from mathmill.core.stage import OUT, BatchStage, Output, Port, split_dropped
from mathmill.tokenize.cut_points import cut_tokens
from mathmill.tokenize.render import RenderConfig, Rendered, render_documents, render_problems
from mathmill.tokenize.store import CUT, LABELS, encoded_schema
from mathmill.tokenize.tokenizer import Encoding, Tokenizer


class EncodeConfig(RenderConfig):
    """`tokenize:` in a recipe.

    tokenizer: a `tokenizer.json`, `tokenizer.json.zst` or a folder with one. eos_token: what ends each record, where it
    is not the token that the tokenizer's files name. add_bos: begin each record with BOS (not learned).
    """

    tokenizer: DataPath
    eos_token: str | None = None
    add_bos: bool = False

    def file_paths(self) -> list[str]:
        """The tokenizer."""
        return [self.tokenizer]


class Encode(BatchStage):
    """Turns documents or problems into rows of the token store; drops "empty_text" and "no_solution"."""

    name = "encode"
    version = 1
    Config = EncodeConfig
    config: EncodeConfig

    def __init__(self, config: EncodeConfig) -> None:
        self.config = config

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, loaded when it is first needed; ConfigError where that is impossible."""
        tokenizer = Tokenizer.load(self.config.tokenizer, self.config.eos_token)
        if self.config.add_bos and tokenizer.bos_id is None:
            raise ConfigError(f"{self.config.tokenizer} has no BOS token; leave `add_bos` out")
        return tokenizer

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Rows of the token store; ConfigError unless the input is documents or problems."""
        expected = PROBLEM if "question" in input_schema.names else DOCUMENT
        if missing := [name for name in expected.names if name not in input_schema.names]:
            raise ConfigError(f"encode needs documents or problems; their column {missing[0]!r} is missing")
        return {OUT: encoded_schema(self.tokenizer.vocab_size)}

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[Output]:
        """Encode one batch."""
        is_problem = "question" in batch.schema.names
        rendered = render_problems(batch, self.config) if is_problem else render_documents(batch)
        empty = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(rendered.texts)), 0).to_numpy(zero_copy_only=False)
        unsupervised = rendered.supervised[:, 0] >= rendered.supervised[:, 1]
        keep = ~(empty | unsupervised)
        if not keep.all():
            reasons = np.where(empty, "empty_text", "no_solution").tolist()
            for port, part in split_dropped(batch, keep, self.name, reasons):
                if port != OUT:
                    yield port, part
                else:
                    yield from self.process_batch(part)
            return
        yield OUT, self._encoded(batch, rendered)

    def _encoded(self, batch: pa.RecordBatch, rendered: Rendered) -> pa.RecordBatch:
        tokenizer = self.tokenizer
        encoding = tokenizer.encode_with_starts(rendered.texts)
        n_bos = int(self.config.add_bos)
        lengths = np.diff(encoding.offsets) + n_bos + 1
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        schema = encoded_schema(tokenizer.vocab_size)
        dtype = schema.field("tokens").type.value_type.to_pandas_dtype()
        tokens = np.empty(offsets[-1], dtype)
        _frame(encoding.tokens, encoding.offsets, tokenizer.bos_id if n_bos else -1, tokenizer.eos_id, tokens)
        columns = _labels(batch) | {
            "tokens": pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(tokens)),
            "cuts": _cuts(rendered, encoding, n_bos),
            "answer": _answers(rendered, encoding, n_bos),
            "loss_spans": _loss_spans(rendered, encoding, n_bos),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


@njit(cache=True)
def _frame(tokens, offsets, bos, eos, framed):  # type: ignore[no-untyped-def]
    """Copy the tokens of each text between BOS (unless -1) and EOS."""
    place = 0
    for row in range(len(offsets) - 1):
        if bos >= 0:
            framed[place] = bos
            place += 1
        for i in range(offsets[row], offsets[row + 1]):
            framed[place] = tokens[i]
            place += 1
        framed[place] = eos
        place += 1


def _cuts(rendered: Rendered, encoding: Encoding, n_bos: int) -> pa.ListArray:
    rows, tokens, ranks = cut_tokens(rendered, encoding)
    counts = np.bincount(rows, minlength=len(rendered.texts))
    values = [pa.array((tokens + n_bos).astype(np.int32)), pa.array(ranks)]
    items = pa.StructArray.from_arrays(values, fields=list(CUT))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), items, type=pa.list_(CUT))


def _token_spans(
    spans: npt.NDArray[np.int64], encoding: Encoding
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last + 1 of the tokens that hold some byte of each row's span, counted from the row's first token."""
    starts, first_tokens = encoding.starts, encoding.offsets[:-1]
    first = np.searchsorted(starts, spans[:, 0])
    exact = np.append(starts, -1)[first] == spans[:, 0]
    first = np.where(exact, first, first - 1)
    last = np.searchsorted(starts, spans[:, 1])
    n_tokens = np.diff(encoding.offsets)
    return np.clip(first - first_tokens, 0, n_tokens), np.clip(last - first_tokens, 0, n_tokens)


def _answers(rendered: Rendered, encoding: Encoding, n_bos: int) -> pa.StructArray:
    first, last = _token_spans(rendered.answers, encoding)
    missing = (rendered.answers[:, 0] < 0) | (first >= last)
    values = [pa.array((side + n_bos).astype(np.int32)) for side in (first, last)]
    return pa.StructArray.from_arrays(values, fields=list(SPAN), mask=pa.array(missing))


def _loss_spans(rendered: Rendered, encoding: Encoding, n_bos: int) -> pa.ListArray:
    """One span for each row, EOS included: it is learned that a text ends."""
    first, _ = _token_spans(rendered.supervised, encoding)
    ends = np.diff(encoding.offsets) + n_bos + 1
    values = [pa.array(side.astype(np.int32)) for side in (first + n_bos, ends)]
    offsets = pa.array(np.arange(len(first) + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(values, fields=list(SPAN)), type=pa.list_(SPAN))


def _labels(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """The columns that come from the record unchanged, and the probabilities of its labels."""
    n = batch.num_rows
    is_problem = "question" in batch.schema.names
    columns = {
        field.name: batch.column(field.name) if field.name in batch.schema.names else pa.nulls(n, field.type)
        for field in LABELS
    }
    columns["record_id"] = batch.column("problem_id" if is_problem else "doc_id")
    columns["doc_id"] = batch.column("doc_id")
    columns["corpus"] = pa.array(["problems" if is_problem else "documents"] * n, pa.string())
    columns["weight"] = batch.column("loss_weight") if is_problem else pa.array(np.ones(n, np.float32))
    if is_problem:
        for name, labels in (("school_stage", SCHOOL_STAGES), ("difficulty", DIFFICULTIES)):
            columns[f"{name}_p"] = _label_probability(batch.column(name), batch.column(f"{name}_probs"), labels)
    return columns


def _label_probability(labels: pa.Array, probabilities: pa.Array, names: tuple[str, ...]) -> pa.Array:
    """The probability of each row's label; null where label or probabilities are unknown."""
    n = len(labels)
    numbers = pc.index_in(labels, pa.array(names, pa.string()))
    missing = pc.or_(numbers.is_null(), probabilities.is_null()).to_numpy(zero_copy_only=False)
    first = probabilities.offset * len(names)
    values = probabilities.values.slice(first, n * len(names)).fill_null(np.nan).to_numpy(zero_copy_only=False)
    chosen = values.reshape(n, len(names))[np.arange(n), numbers.fill_null(0).to_numpy(zero_copy_only=False)]
    return pa.array(chosen.astype(np.float32), mask=missing | np.isnan(chosen))
