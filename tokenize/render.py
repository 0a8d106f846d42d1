"""The text of a record as models are trained on it, and where its formulas, steps and answer stand in that text.

Documents are trained on as they are; problems are put into a template by language. Whole batches are joined by Arrow,
and all places are byte numbers in the batch's common UTF-8 buffer (`mathmill.tokenize.utf8`), so that nothing here
runs once per character in Python.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator

from mathmill.core.answers import find_answer
from mathmill.core.config import StageConfig
from mathmill.tokenize.utf8 import byte_offsets, text_buffer

FIELDS = ("question", "solution", "answer")

Bytes = npt.NDArray[np.int64]


def parse_template(template: str) -> tuple[tuple[str, str], ...]:
    """Split a template into (words before, field) pairs; words after the last field have the field "".

    Raises ValueError unless it has {question}, no field twice and no field but FIELDS.
    """
    parts = []
    for words, field, spec, conversion in Formatter().parse(template):
        if field is not None and (field not in FIELDS or spec or conversion):
            raise ValueError(
                f"a problem template has the fields {{question}}, {{solution}}, {{answer}}, not {{{field}}}"
            )
        parts.append((words, field or ""))
    fields = [field for _, field in parts if field]
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
    drops problems without solution and answer. Documents are learned whole.
    """

    problem_template: Annotated[dict[str, str], AfterValidator(_checked)] = {
        "en": "{question}\n\n{solution}\n\nAnswer: {answer}",
        "zh": "{question}\n\n{solution}\n\n答案：{answer}",
    }
    supervise: Literal["all", "solution"] = "all"


@dataclass(frozen=True)
class Rendered:
    """The texts of a batch, with places as bytes of their common buffer; (n, 2) arrays hold start and end.

    texts: large_string (n,). formulas, code, kept: int64 (k, 2), where no cut may be made inside (in code only at line
    ends); `kept` runs from a solution's last step to the end of its answer. steps: int64 (k,), where steps begin.
    answers: int64 (n, 2), -1 where there is none. supervised: int64 (n, 2), empty where nothing is to be learned.
    """

    texts: pa.Array
    formulas: Bytes
    code: Bytes
    kept: Bytes
    steps: Bytes
    answers: Bytes
    supervised: Bytes


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
    )


def render_problems(batch: pa.RecordBatch, config: RenderConfig) -> Rendered:
    """Render problems (PROBLEM) by the template of their language."""
    solutions = pc.fill_null(batch.column("solution"), "")
    stated = _stated_answers(solutions)
    answers = pc.fill_null(batch.column("answer").cast(pa.large_string()), "")
    fields = {
        "question": batch.column("question"),
        "solution": solutions,
        "answer": pc.if_else(pa.array(stated[:, 0] >= 0), "", answers),
    }
    texts, places = _join(fields, batch.column("lang"), config.problem_template)
    in_question = _field_spans(texts, places["question"], batch.column("question_formulas"))
    in_solution = _field_spans(texts, places["solution"], batch.column("solution_formulas"))
    step_rows, step_starts, _, _ = _spans(batch.column("steps"))
    steps = byte_offsets(texts, step_rows, places["solution"][step_rows] + step_starts)
    spans, anchors = _answer_spans(texts, places, {name: _lengths(field) for name, field in fields.items()}, stated)
    return Rendered(
        texts=texts,
        formulas=np.concatenate([in_question, in_solution]),
        code=np.zeros((0, 2), np.int64),
        kept=_kept(texts, spans, anchors, step_rows, steps),
        steps=steps,
        answers=spans,
        supervised=_supervised(texts, places, config.supervise),
    )


def _join(
    fields: Mapping[str, pa.Array], languages: pa.Array, templates: Mapping[str, str]
) -> tuple[pa.Array, dict[str, Bytes]]:
    """Fill the templates; also says at which character each field begins, -1 where a row lacks it."""
    codes = pc.if_else(pc.is_in(languages, pa.array(list(templates))), languages, "en").to_numpy(zero_copy_only=False)
    n = len(languages)
    places = {name: np.full(n, -1, np.int64) for name in FIELDS}
    texts, order = [pa.array([], pa.large_string())], [np.zeros(0, np.int64)]
    for language, template in templates.items():
        rows = np.flatnonzero(codes == language)
        if not len(rows):
            continue
        columns = {name: column.take(pa.array(rows)).cast(pa.large_string()) for name, column in fields.items()}
        pieces: list[pa.Array] = []
        position = np.zeros(len(rows), np.int64)
        for words, name in parse_template(template):
            if not name:
                pieces.append(pa.array([words] * len(rows), pa.large_string()))
                position += len(words)
                continue
            lengths = _lengths(columns[name])
            there = lengths > 0
            pieces.append(pc.if_else(pa.array(there), pa.scalar(words, pa.large_string()), ""))
            pieces.append(columns[name])
            position += np.where(there, len(words), 0)
            places[name][rows] = np.where(there, position, -1)
            position += lengths
        texts.append(pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string())))
        order.append(rows)
    inverse = np.argsort(np.concatenate(order))
    return pa.concat_arrays(texts).take(pa.array(inverse)), places


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
    leading = np.where(
        places["solution"] >= 0, places["solution"] + lengths["solution"], places["question"] + lengths["question"]
    )
    return spans, byte_offsets(texts, rows, np.where(written, leading, start))


def _supervised(texts: pa.Array, places: Mapping[str, Bytes], supervise: str) -> Bytes:
    _, bounds = text_buffer(texts)
    spans = np.stack([bounds[:-1], bounds[1:]], axis=1)
    if supervise == "solution":
        first = np.where(places["solution"] >= 0, places["solution"], places["answer"])
        spans[:, 0] = np.where(first >= 0, byte_offsets(texts, np.arange(len(texts)), first), bounds[1:])
    return spans


def _kept(texts: pa.Array, answers: Bytes, anchors: Bytes, step_rows: Bytes, steps: Bytes) -> Bytes:
    """Where no cut may separate an answer from what leads to it.

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
