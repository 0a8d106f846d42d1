"""Encode: documents, problems and conversations to the token store, with what is cut, answered and learned in them.

Texts are encoded a batch at a time; spans go from characters to bytes to tokens by sorted search over whole batches,
so that they cost little beside the encoding itself. Chats are cut into pieces at their control tokens, and the pieces
are encoded as any texts are.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from mathmill.core.config import DataPath
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import (
    CONVERSATION,
    DIFFICULTIES,
    DOCUMENT,
    PROBLEM,
    SCHOOL_STAGES,
    SPAN,
    WEIGHTED_SPAN,
)
from mathmill.core.stage import OUT, BatchStage, Output, Port, split_dropped
from mathmill.tokenize.chat.render import Chat, ChatConfig
from mathmill.tokenize.cut_points import cut_tokens
from mathmill.tokenize.loss_weights import LossWeightConfig, loss_spans, record_weights
from mathmill.tokenize.render import RenderConfig, Rendered, Unusable, render_documents, render_problems
from mathmill.tokenize.store import CUT, LABELS, encoded_schema
from mathmill.tokenize.tokenizer import Encoding, Tokenizer
from mathmill.tokenize.utf8 import text_buffer

Tokens = npt.NDArray[np.int64]


class EncodeConfig(RenderConfig):
    """`tokenize:` in a recipe.

    tokenizer: a `tokenizer.json`, `tokenizer.json.zst`, a published tiktoken file, or a folder with one of them and its
    settings. eos_token: what ends each record, where it is not the token that the tokenizer's files name. add_bos:
    begin each record with BOS (not learned). chat: render problems as chats of a user and an assistant; conversations
    need it. loss_weight: whose loss counts how much.
    """

    tokenizer: DataPath
    eos_token: str | None = None
    add_bos: bool = False
    chat: ChatConfig | None = None
    loss_weight: LossWeightConfig = LossWeightConfig()

    def file_paths(self) -> list[str]:
        """The tokenizer, and the chat template where it is a file."""
        return [self.tokenizer, *(self.chat.file_paths() if self.chat else ())]


class Encode(BatchStage):
    """Turns documents, problems or conversations into rows of the token store.

    Drops "empty_text", "no_solution", "zero_weight" (nothing of it would be learned) and "chat_template" (the template
    does not take it).
    """

    name = "encode"
    version = 3
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

    @cached_property
    def chat(self) -> Chat | None:
        """What renders chats; None where records are plain texts. ConfigError where the template does not fit."""
        return None if self.config.chat is None else Chat(self.config.chat, self.config, self.tokenizer)

    def check(self) -> None:
        """Load the tokenizer and the chat template; ConfigError where either does not do."""
        _ = self.tokenizer, self.chat

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Rows of the token store; ConfigError unless the input is documents, problems or conversations."""
        expected = {"problems": PROBLEM, "conversations": CONVERSATION}.get(_corpus(input_schema), DOCUMENT)
        if missing := [name for name in expected.names if name not in input_schema.names]:
            raise ConfigError(
                f"encode needs documents, problems or conversations; their column {missing[0]!r} is missing"
            )
        if expected is CONVERSATION and self.chat is None:
            raise ConfigError("conversations become texts by a chat template; say which as `chat:` in `tokenize`")
        if "solution_weights" in input_schema.names:
            found = input_schema.field("solution_weights").type
            if found != pa.list_(WEIGHTED_SPAN):
                raise ConfigError(f"the column solution_weights must be {pa.list_(WEIGHTED_SPAN)}, not {found}")
        return {OUT: encoded_schema(self.tokenizer.vocab_size)}

    def process_batch(self, batch: pa.RecordBatch) -> Iterator[Output]:
        """Encode one batch."""
        labels = _labels(batch)
        weights = record_weights(labels, self.config.loss_weight)
        rendered = self._render(batch) if weights.all() else _weightless(weights)
        if isinstance(rendered, Rendered):
            yield OUT, self._encoded(labels | {"weight": pa.array(weights)}, rendered)
            return
        keep = np.array([not reason for reason in rendered.reasons])
        for port, part in split_dropped(batch, keep, self.name, rendered.reasons, detail=_shown(rendered.details)):
            if port == OUT:
                yield from self.process_batch(part)
            else:
                yield port, part

    def _render(self, batch: pa.RecordBatch) -> Rendered | Unusable:
        corpus = _corpus(batch.schema)
        if corpus == "conversations":
            assert self.chat is not None
            return self.chat.render_conversations(batch)
        if corpus == "problems" and self.chat is not None:
            return self.chat.render_problems(batch)
        rendered = render_problems(batch, self.config) if corpus == "problems" else render_documents(batch)
        empty = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(rendered.texts)), 0).to_numpy(zero_copy_only=False)
        unsupervised = rendered.supervised[:, 0] >= rendered.supervised[:, 1]
        if not (empty | unsupervised).any():
            return rendered
        reasons = np.where(empty, "empty_text", np.where(unsupervised, "no_solution", "")).tolist()
        return Unusable(reasons, [""] * len(reasons))

    def _encoded(self, labels: dict[str, pa.Array], rendered: Rendered) -> pa.RecordBatch:
        tokenizer = self.tokenizer
        encoding = _encode(tokenizer, rendered, self._seams_hold)
        n_rows = len(rendered.texts)
        ended = np.zeros(n_rows, bool) if rendered.ended is None else rendered.ended
        bos = np.full(n_rows, self.config.add_bos)
        first = np.append(encoding.tokens, 0)[encoding.offsets[:-1]]
        bos &= first != tokenizer.bos_id  # a template may have written it
        frame = _Frame(encoding, bos, ~ended)
        schema = encoded_schema(tokenizer.vocab_size)
        dtype = schema.field("tokens").type.value_type.to_pandas_dtype()
        tokens = np.empty(frame.offsets[-1], dtype)
        _fill(encoding.tokens, encoding.offsets, bos, ~ended, tokenizer.bos_id or 0, tokenizer.eos_id, tokens)
        columns = labels | {
            "tokens": pa.LargeListArray.from_arrays(pa.array(frame.offsets), pa.array(tokens)),
            "cuts": _cuts(rendered, encoding, frame),
            "answer": _answers(rendered, encoding, frame),
            "loss_spans": self._loss_spans(rendered, encoding, frame),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)

    @cached_property
    def _seams_hold(self) -> bool:
        """Whether two pieces of a text give its tokens; not so where the tokenizer begins each text with a space."""
        tokens = [self.tokenizer.encode_batch([piece])[0] for piece in ("user\n", "Let")]
        return self.tokenizer.decode(np.concatenate(tokens)) == "user\nLet"

    def _loss_spans(self, rendered: Rendered, encoding: Encoding, frame: "_Frame") -> pa.ListArray:
        """What is learned, EOS included where a text ends with something learned: it is learned that a text ends."""
        _, bounds = text_buffer(rendered.texts)
        rows, spans = _token_spans(rendered.supervised, encoding, bounds)
        spans += frame.first[rows][:, None]
        to_end = (rendered.supervised[:, 1] == bounds[rows + 1]) & frame.eos[rows]
        spans[:, 1] += to_end
        factors, values = rendered.factors, rendered.factor_values
        if self.config.loss_weight.answer != 1:
            factors = np.concatenate([factors, rendered.answers])
            values = np.append(values, np.full(len(rendered.answers), self.config.loss_weight.answer, np.float32))
        there = (factors[:, 0] >= 0) & (factors[:, 0] < factors[:, 1])
        factor_rows, factor_spans = _token_spans(factors[there], encoding, bounds)
        factor_spans += frame.first[factor_rows][:, None]
        return loss_spans(frame.offsets, spans, rendered.weights, factor_spans, values[there].astype(np.float32))


class _Frame:
    """Where the tokens of each text lie once BOS and EOS stand around them.

    offsets: int64 (n + 1,). first: int64 (n,), the place of the text's own first token. bos, eos: bool (n,), who has
    them.
    """

    def __init__(self, encoding: Encoding, bos: npt.NDArray[np.bool_], eos: npt.NDArray[np.bool_]) -> None:
        lengths = np.diff(encoding.offsets) + bos + eos
        self.offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        self.first = self.offsets[:-1] + bos
        self.bos, self.eos = bos, eos


def _weightless(weights: npt.NDArray[np.float32]) -> Unusable:
    return Unusable(["" if weight else "zero_weight" for weight in weights.tolist()], [""] * len(weights))


def _encode(tokenizer: Tokenizer, rendered: Rendered, seams_hold: bool) -> Encoding:
    """Encode texts: between their control tokens, and apart from what stands before a seam."""
    if rendered.ended is None:
        return tokenizer.encode_with_starts(rendered.texts)
    data, bounds = text_buffer(rendered.texts)
    edges = np.unique(np.concatenate([bounds, rendered.controls.ravel(), rendered.seams if seams_hold else bounds[:0]]))
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(np.ascontiguousarray(data))]
    found = tokenizer.encode_with_starts(pa.Array.from_buffers(pa.large_string(), len(edges) - 1, buffers))
    controls = np.searchsorted(edges, rendered.controls[:, 0])
    is_control = np.zeros(len(edges) - 1, bool)
    is_control[controls] = True
    counts = np.diff(found.offsets)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.where(is_control, 1, counts))])
    ordinary = ~np.repeat(is_control, counts)
    places = (np.arange(len(found.tokens)) + np.repeat(offsets[:-1] - found.offsets[:-1], counts))[ordinary]
    tokens, starts = np.empty(offsets[-1], found.tokens.dtype), np.empty(offsets[-1], np.int64)
    tokens[places], starts[places] = found.tokens[ordinary], found.starts[ordinary]
    tokens[offsets[controls]], starts[offsets[controls]] = rendered.control_ids, rendered.controls[:, 0]
    return Encoding(tokens, offsets[np.searchsorted(edges, bounds)], starts)


@njit(cache=True)
def _fill(tokens, offsets, has_bos, has_eos, bos, eos, framed):  # type: ignore[no-untyped-def]
    """Copy the tokens of each text, between BOS and EOS where it has them."""
    place = 0
    for row in range(len(offsets) - 1):
        if has_bos[row]:
            framed[place] = bos
            place += 1
        for i in range(offsets[row], offsets[row + 1]):
            framed[place] = tokens[i]
            place += 1
        if has_eos[row]:
            framed[place] = eos
            place += 1


def _cuts(rendered: Rendered, encoding: Encoding, frame: _Frame) -> pa.ListArray:
    rows, tokens, ranks = cut_tokens(rendered, encoding)
    counts = np.bincount(rows, minlength=len(rendered.texts))
    values = [pa.array((tokens + frame.bos[rows]).astype(np.int32)), pa.array(ranks)]
    items = pa.StructArray.from_arrays(values, fields=list(CUT))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), items, type=pa.list_(CUT))


def _token_spans(spans: Tokens, encoding: Encoding, bounds: Tokens) -> tuple[Tokens, Tokens]:
    """The text of each span of bytes, int64 (k,), and the tokens of it that hold some byte of the span, int64 (k, 2).

    spans: int64 (k, 2); an empty one has no tokens. bounds: where texts begin in their buffer. Tokens count from the
    text's first.
    """
    rows = np.minimum(np.searchsorted(bounds, spans[:, 0], side="right"), len(bounds) - 1) - 1
    starts, first_tokens = encoding.starts, encoding.offsets[:-1][rows]
    first = np.searchsorted(starts, spans[:, 0])
    exact = np.append(starts, -1)[first] == spans[:, 0]
    first = np.where(exact | (spans[:, 0] == spans[:, 1]), first, first - 1)
    last = np.searchsorted(starts, spans[:, 1])
    n_tokens = np.diff(encoding.offsets)[rows]
    return rows, np.stack([np.clip(side - first_tokens, 0, n_tokens) for side in (first, last)], axis=1)


def _answers(rendered: Rendered, encoding: Encoding, frame: _Frame) -> pa.StructArray:
    there = np.flatnonzero((rendered.answers[:, 0] >= 0) & (rendered.answers[:, 0] < rendered.answers[:, 1]))
    spans = np.zeros((len(rendered.texts), 2), np.int64)
    rows, found = _token_spans(rendered.answers[there], encoding, text_buffer(rendered.texts)[1])
    spans[there] = found + frame.bos[rows][:, None]
    values = [pa.array(side.astype(np.int32)) for side in spans.T]
    return pa.StructArray.from_arrays(values, fields=list(SPAN), mask=pa.array(spans[:, 0] >= spans[:, 1]))


def _corpus(schema: pa.Schema) -> str:
    return "conversations" if "messages" in schema.names else "problems" if "question" in schema.names else "documents"


def _shown(details: Sequence[str]) -> list[str | None]:
    return [detail or None for detail in details]


def _labels(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """The columns that come from the record unchanged, and the probabilities of its labels."""
    n, corpus = batch.num_rows, _corpus(batch.schema)
    columns = {
        field.name: batch.column(field.name) if field.name in batch.schema.names else pa.nulls(n, field.type)
        for field in LABELS
    }
    columns["record_id"] = batch.column(0)
    columns["doc_id"] = batch.column("doc_id")
    columns["corpus"] = pa.array([corpus] * n, pa.string())
    columns["weight"] = pa.array(np.ones(n, np.float32)) if corpus == "documents" else batch.column("loss_weight")
    if corpus == "problems":
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
