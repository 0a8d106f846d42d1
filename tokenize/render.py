"""The text of a record as models are trained on it, and where its formulas, steps and answer stand in that text.

Documents are trained on as they are; problems are put into a template by language. Whole batches are joined by Arrow,
and all places are byte numbers in the batch's common UTF-8 buffer (`mathmill.tokenize.utf8`), so that nothing here
runs once per character in Python.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator

from mathmill.core.answers import find_answer
from mathmill.core.config import StageConfig
from mathmill.tokenize.loss_weights import checked
from mathmill.tokenize.utf8 import byte_offsets, text_buffer

FIELDS = ("question", "solution", "answer")

Bytes = npt.NDArray[np.int64]

Parts = tuple[tuple[str, str], ...]
"""A template: (words before, field) pairs."""


def parse_template(template: str) -> Parts:
    """Split a template into (words before, field) pairs; words after the last field have the field "".

    Raises ValueError unless it has {question}, no field twice and no field but FIELDS.
    """
    parts = []
    for words, name, spec, conversion in Formatter().parse(template):
        if name is not None and (name not in FIELDS or spec or conversion):
            raise ValueError(
                f"a problem template has the fields {{question}}, {{solution}}, {{answer}}, not {{{name}}}"
            )
        parts.append((words, name or ""))
    fields = [name for _, name in parts if name]
    if "question" not in fields or len(set(fields)) < len(fields):
        raise ValueError("a problem template has {question}, and each field once at most")
    return tuple(parts)


def _checked(templates: dict[str, str]) -> dict[str, str]:
    for template in templates.values():
        parse_template(template)
    if "en" not in templates:
        raise ValueError('it needs a template for "en", which serves all languages without one of their own')
    return templates


class RenderConfig(StageConfig):
    """How records become texts.

    problem_template: by language. A field that a problem does not have is left out with the words before it, and so
    is {answer} where the solution states the final answer already.
    supervise: what of a problem is learned: "all" for continued pre-training; "solution" leaves the question out, and
    drops problems without solution and answer. By default "solution" where problems are chats, else "all". Documents
    are learned whole.
    """

    problem_template: Annotated[dict[str, str], AfterValidator(_checked)] = {
        "en": "{question}\n\n{solution}\n\nAnswer: {answer}",
        "zh": "{question}\n\n{solution}\n\n答案：{answer}",
    }
    supervise: Literal["all", "solution"] | None = None


def _none() -> Bytes:
    return np.zeros((0, 2), np.int64)


@dataclass(frozen=True)
class Rendered:
    """The texts of a batch, with places as bytes of their common buffer; (n, 2) arrays hold start and end.

    texts: large_string (n,). formulas, code, kept: int64 (k, 2), where no cut may be made inside (in code only at line
    ends); `kept` runs from a solution's last step to the end of its answer; only words in it may be cut apart. steps:
    int64 (k,), where steps begin. answers: int64 (n, 2), -1 where there is none. supervised: int64 (m, 2), what is
    learned, with the weights float32 (m,). factors: int64 (k, 2), parts whose weights are multiplied by factor_values,
    float32 (k,).

    Of chats: template: int64 (k, 2), what the template wrote, where no word is cut off either. controls: int64
    (k, 2), control tokens, with their ids int64 (k,). seams: int64 (k,), where no token may straddle, since a prompt
    ends there. ended: bool (n,), whether a text ends as its template wants it, without EOS.
    """

    texts: pa.Array
    formulas: Bytes
    code: Bytes
    kept: Bytes
    steps: Bytes
    answers: Bytes
    supervised: Bytes
    weights: npt.NDArray[np.float32]
    factors: Bytes = field(default_factory=_none)
    factor_values: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    template: Bytes = field(default_factory=_none)
    controls: Bytes = field(default_factory=_none)
    control_ids: Bytes = field(default_factory=lambda: np.zeros(0, np.int64))
    seams: Bytes = field(default_factory=lambda: np.zeros(0, np.int64))
    ended: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Unusable:
    """Rows of a batch that cannot become texts to learn from: of each row its reason and a detail, "" where it can."""

    reasons: Sequence[str]
    details: Sequence[str]

    NO_SOLUTION: ClassVar[tuple[str, str]] = ("no_solution", "")

    @classmethod
    def among(cls, rows: Sequence[object]) -> "Unusable | None":
        """Those rows that are a (reason, detail) instead of something rendered; None where there are none."""
        found = [row if isinstance(row, tuple) else ("", "") for row in rows]
        return cls(*zip(*found, strict=True)) if any(reason for reason, _ in found) else None


def render_documents(batch: pa.RecordBatch) -> Rendered:
    """Render documents (DOCUMENT): their text, unchanged."""
    texts = batch.column("text")
    _, bounds = text_buffer(texts)
    n = len(texts)
    rows, starts, ends, _ = _spans(batch.column("formulas"))
    block_rows, block_starts, block_ends, roles = _spans(batch.column("blocks"), "role")
    code = pc.equal(roles, "code").to_numpy(zero_copy_only=False).astype(bool)
    return Rendered(
        texts=texts,
        formulas=_byte_spans(texts, rows, starts, ends),
        code=_byte_spans(texts, block_rows[code], block_starts[code], block_ends[code]),
        kept=np.zeros((0, 2), np.int64),
        steps=np.zeros(0, np.int64),
        answers=np.full((n, 2), -1, np.int64),
        supervised=np.stack([bounds[:-1], bounds[1:]], axis=1),
        weights=np.ones(n, np.float32),
    )


def render_problems(batch: pa.RecordBatch, config: RenderConfig) -> Rendered:
    """Render problems (PROBLEM) by the template of their language."""
    fields = ProblemFields.of(batch)
    templates = {language: parse_template(text) for language, text in config.problem_template.items()}
    return fields.place(*fields.join(templates), supervise=config.supervise or "all")


@dataclass(frozen=True)
class ProblemFields:
    """What templates put together: the columns of FIELDS (large_string, "" where a problem has none), without answers
    that the solution states; `stated` says where it does, characters (n, 2), -1 where it does not.
    """

    batch: pa.RecordBatch
    columns: Mapping[str, pa.Array]
    stated: Bytes

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> "ProblemFields":
        """Take the fields of problems."""
        solutions = pc.fill_null(batch.column("solution"), "")
        stated = _stated_answers(solutions)
        answers = pc.fill_null(batch.column("answer").cast(pa.large_string()), "")
        columns = {
            "question": batch.column("question"),
            "solution": solutions,
            "answer": pc.if_else(pa.array(stated[:, 0] >= 0), "", answers),
        }
        return cls(batch, {name: column.cast(pa.large_string()) for name, column in columns.items()}, stated)

    def join(self, templates: Mapping[str, Parts], strip: bool = False) -> tuple[pa.Array, dict[str, Bytes]]:
        """Fill the templates by language; also says at which character each field begins, -1 where a row lacks it.

        strip: begin texts without the white space before their first field.
        """
        return _join(self.columns, self.batch.column("lang"), templates, strip)

    def formulas(self, name: str, texts: pa.Array, places: Mapping[str, Bytes]) -> Bytes:
        """The formulas of "question" or "solution" in such texts: spans of bytes."""
        return _field_spans(texts, places[name], self.batch.column(f"{name}_formulas"))

    def place(self, texts: pa.Array, places: Mapping[str, Bytes], supervise: str, asked: bool = True) -> Rendered:
        """Say where in such texts formulas, steps and answers are; asked: the question is part of them."""
        batch, lengths = self.batch, {name: _lengths(column) for name, column in self.columns.items()}
        formulas = [self.formulas(name, texts, places) for name in ("question", "solution")[not asked :]]
        step_rows, step_starts, _, _ = _spans(batch.column("steps"))
        there = places["solution"][step_rows] >= 0
        step_rows, step_starts = step_rows[there], step_starts[there]
        steps = byte_offsets(texts, step_rows, places["solution"][step_rows] + step_starts)
        spans, anchors = _answer_spans(texts, places, lengths, self.stated)
        factors, values = _solution_weights(texts, places["solution"], batch)
        return Rendered(
            texts=texts,
            formulas=np.concatenate(formulas),
            code=np.zeros((0, 2), np.int64),
            kept=keep_together(texts, spans, anchors, step_rows, steps),
            steps=steps,
            answers=spans,
            supervised=_supervised(texts, places, supervise),
            weights=np.ones(len(texts), np.float32),
            factors=factors,
            factor_values=values,
        )


def _solution_weights(texts: pa.Array, places: Bytes, batch: pa.RecordBatch) -> tuple[Bytes, npt.NDArray[np.float32]]:
    """Byte spans and factors of the column `solution_weights`, where problems have one."""
    if "solution_weights" not in batch.schema.names:
        return _none(), np.zeros(0, np.float32)
    column = batch.column("solution_weights")
    rows, starts, ends, weights = _spans(column, "weight")
    there = places[rows] >= 0
    values = checked(pc.fill_null(weights, 1).to_numpy(zero_copy_only=False)[there], "weight of a solution's part")
    return _byte_spans(
        texts, rows[there], places[rows[there]] + starts[there], places[rows[there]] + ends[there]
    ), values


def _join(
    fields: Mapping[str, pa.Array], languages: pa.Array, templates: Mapping[str, Parts], strip: bool
) -> tuple[pa.Array, dict[str, Bytes]]:
    codes = language_codes(languages, templates)
    n = len(languages)
    places = {name: np.full(n, -1, np.int64) for name in FIELDS}
    texts, order = [pa.array([], pa.large_string())], [np.zeros(0, np.int64)]
    for language, template in templates.items():
        rows = np.flatnonzero(codes == language)
        if not len(rows):
            continue
        columns = {name: column.take(pa.array(rows)) for name, column in fields.items()}
        pieces: list[pa.Array] = []
        position = np.zeros(len(rows), np.int64)
        for words, name in template:
            if not name:
                pieces.append(pa.array([words] * len(rows), pa.large_string()))
                position += len(words)
                continue
            lengths = _lengths(columns[name])
            there = lengths > 0
            short = words.lstrip() if strip else words
            shortened = position == 0
            before = pc.if_else(pa.array(shortened), short, words)
            pieces.append(pc.if_else(pa.array(there), before.cast(pa.large_string()), ""))
            pieces.append(columns[name])
            position += np.where(there, np.where(shortened, len(short), len(words)), 0)
            places[name][rows] = np.where(there, position, -1)
            position += lengths
        texts.append(pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string())))
        order.append(rows)
    inverse = np.argsort(np.concatenate(order))
    return pa.concat_arrays(texts).take(pa.array(inverse)), places


def language_codes(languages: pa.Array, known: Mapping[str, object]) -> npt.NDArray[np.object_]:
    """Which of the known languages' templates serves each row: "en" for all that have none."""
    return pc.if_else(pc.is_in(languages, pa.array(list(known))), languages, "en").to_numpy(zero_copy_only=False)


def _stated_answers(solutions: pa.Array) -> Bytes:
    """Character spans of the final answers that solutions state, (-1, -1) where one states none."""
    found = [find_answer(solution) for solution in solutions.to_pylist()]
    return np.array([(-1, -1) if span is None else (span.start, span.end) for span in found], np.int64).reshape(-1, 2)


def _answer_spans(
    texts: pa.Array, places: Mapping[str, Bytes], lengths: Mapping[str, Bytes], stated: Bytes
) -> tuple[Bytes, Bytes]:
    """Byte spans of the answers, -1 where there is none, and their anchors: the byte at which what leads to an answer
    ends: its own beginning where the solution states it, else the end of the solution, else of the question.
    """
    rows = np.arange(len(texts))
    written = places["answer"] >= 0
    start = np.where(written, places["answer"], np.where(stated[:, 0] >= 0, places["solution"] + stated[:, 0], -1))
    length = np.where(written, lengths["answer"], stated[:, 1] - stated[:, 0])
    spans = np.stack([byte_offsets(texts, rows, start), byte_offsets(texts, rows, start + length)], axis=1)
    spans[start < 0] = -1
    ends = [np.where(places[name] >= 0, places[name] + lengths[name], start) for name in ("solution", "question")]
    leading = np.where(places["solution"] >= 0, *ends)
    return spans, byte_offsets(texts, rows, np.where(written, leading, start))


def _supervised(texts: pa.Array, places: Mapping[str, Bytes], supervise: str) -> Bytes:
    _, bounds = text_buffer(texts)
    spans = np.stack([bounds[:-1], bounds[1:]], axis=1)
    if supervise == "solution":
        first = np.where(places["solution"] >= 0, places["solution"], places["answer"])
        spans[:, 0] = np.where(first >= 0, byte_offsets(texts, np.arange(len(texts)), first), bounds[1:])
    return spans


def keep_together(texts: pa.Array, answers: Bytes, anchors: Bytes, step_rows: Bytes, steps: Bytes) -> Bytes:
    """Where no cut may separate an answer from what leads to it: spans of bytes, one for each answer.

    From the last step that begins before the anchor (the end of the solution, or the answer within it), else from the
    beginning of the anchor's line, to the answer's end.
    """
    data, bounds = text_buffer(texts)
    last_step = np.full(len(texts), -1, np.int64)
    np.maximum.at(last_step, step_rows, np.where(steps < anchors[step_rows], steps, -1))
    line_starts = np.concatenate([np.zeros(1, np.int64), np.flatnonzero(data == ord("\n")) + 1])
    line = np.maximum(line_starts[np.searchsorted(line_starts, anchors) - 1], bounds[:-1])
    start = np.minimum(np.where(last_step >= 0, last_step, line), answers[:, 0])
    return np.stack([start, answers[:, 1]], axis=1)[answers[:, 0] >= 0]


def _spans(column: pa.Array, label: str | None = None) -> tuple[Bytes, Bytes, Bytes, pa.Array | None]:
    """Flatten a column of span lists: row, start and end (characters) of each, and one more field of it."""
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(column), dtype=np.int64), counts)
    spans = column.flatten()
    starts, ends = (spans.field(name).to_numpy(zero_copy_only=False).astype(np.int64) for name in ("start", "end"))
    return rows, starts, ends, spans.field(label) if label else None


def _field_spans(texts: pa.Array, places: Bytes, column: pa.Array) -> Bytes:
    """Byte spans of a column of spans into a field that begins at character `places[row]` of its text."""
    rows, starts, ends, _ = _spans(column)
    return _byte_spans(texts, rows, places[rows] + starts, places[rows] + ends)


def _byte_spans(texts: pa.Array, rows: Bytes, starts: Bytes, ends: Bytes) -> Bytes:
    return np.stack([byte_offsets(texts, rows, starts), byte_offsets(texts, rows, ends)], axis=1)


def _lengths(texts: pa.Array) -> Bytes:
    """Characters of each text."""
    return pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
