"""The Arrow schemas of the records that stages exchange and runs write.

Two rules hold for all of them: the first column is the record's id, and offsets into a text count characters (Python
string indices, Unicode code points), never bytes. Columns are typed; there are no JSON blobs.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import xxhash

SCHOOL_STAGES = ("elementary", "middle", "high", "university")
DIFFICULTIES = ("easy", "medium", "hard")

LOCATOR = pa.struct([("file", pa.string()), ("record", pa.int64()), ("offset", pa.int64())])
"""Where a record came from: path relative to its source, record number, byte offset in the (compressed) file."""

FORMULA = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("display", pa.bool_()), ("encoding", pa.string())])
"""A formula's span in a text, its delimiters included: `text[start:end]`."""

FORMULA_COUNT = pa.struct([("encoding", pa.string()), ("found", pa.int32()), ("kept", pa.int32())])
"""Formulas found in a page's DOM and surviving in its text, for one encoding."""

BLOCK_ROLES = (
    "heading", "code", "table",
    "exercise", "example", "statement", "solution", "answer", "hint", "proof",
    "question", "reply", "accepted_reply",
)  # fmt: skip
"""What the markup of a page says about a part of it. `exercise` and `example` contain their statement and solution."""

BLOCK = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("role", pa.string())])
"""A part of a text whose role the page's markup gives away: `text[start:end]`, role one of BLOCK_ROLES."""

SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32())])

WEIGHTED_SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("weight", pa.float32())])
"""A part of a text and the factor of its loss. Problems may have a column `solution_weights`, a list of these spans of
the solution, made by whoever scored its steps."""

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.large_string()), ("weight", pa.float32())])
"""A message of a conversation. weight: of its loss where the assistant speaks, 0: not learned, null: 1."""

_ORIGIN = [
    pa.field("url", pa.string()),
    pa.field("source", pa.string(), nullable=False),
    pa.field("license", pa.string()),
    pa.field("crawl_date", pa.string()),  # ISO 8601, as the source gives it
    pa.field("locator", LOCATOR, nullable=False),
]

PAGE = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        *_ORIGIN,
        pa.field("content_type", pa.string()),  # the HTTP header, charset included
        pa.field("html", pa.large_binary(), nullable=False),
    ]
)
"""A page as crawled, before extraction."""

DOCUMENT = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        *_ORIGIN,
        pa.field("lang", pa.string()),  # ISO 639-1, null until the language stage
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("formulas", pa.list_(FORMULA), nullable=False),
        pa.field("blocks", pa.list_(BLOCK), nullable=False),
        pa.field("formula_counts", pa.list_(FORMULA_COUNT), nullable=False),
        pa.field("lang_score", pa.float32()),
        pa.field("math_score", pa.float32()),
    ]
)
"""A text with its formula spans. Null scores mean that the stage that gives them has not run."""

LINEAGE = pa.struct(
    [
        pa.field("prompt", pa.string()),  # name, language and version of the prompt, such as "tutorship.teacher/en/1"
        pa.field("teacher", pa.string()),  # models by the name that their server knows
        pa.field("student", pa.string()),
        pa.field("judge", pa.string()),
        pa.field("sample", pa.int32()),  # number of the sample among those asked for
    ]
)
"""How a synthetic problem was made, besides its method and the problem it was made from."""

PROBLEM = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),  # the page it stood on; of a problem source, its own record
        *_ORIGIN,
        pa.field("lang", pa.string()),
        pa.field("question", pa.large_string(), nullable=False),
        pa.field("solution", pa.large_string()),
        pa.field("answer", pa.string()),
        pa.field("question_formulas", pa.list_(FORMULA), nullable=False),
        pa.field("solution_formulas", pa.list_(FORMULA), nullable=False),
        pa.field("steps", pa.list_(SPAN), nullable=False),  # spans of the reasoning steps in the solution
        pa.field("n_steps", pa.int16(), nullable=False),  # 0 where there is no solution
        pa.field("school_stage", pa.string()),  # one of SCHOOL_STAGES
        pa.field("school_stage_probs", pa.list_(pa.float32(), len(SCHOOL_STAGES))),  # in the order of SCHOOL_STAGES
        pa.field("difficulty", pa.string()),  # one of DIFFICULTIES, binned from n_steps
        pa.field("difficulty_probs", pa.list_(pa.float32(), len(DIFFICULTIES))),
        pa.field("difficulty_score", pa.float32()),  # a model's expected level; null until one has run
        pa.field("method", pa.string(), nullable=False),  # "extracted", "source", or a synthesis method
        pa.field("parent_id", pa.string()),  # the problem that a synthetic one was made from
        pa.field("style", pa.string()),  # cot, pot, mixed
        pa.field("critique_score", pa.float32()),
        pa.field("loss_weight", pa.float32(), nullable=False),
        pa.field("lineage", LINEAGE),  # null unless a model or a rule made it
    ]
)
"""A question with its solution and answer where they are known."""

CONVERSATION = pa.schema(
    [
        pa.field("conversation_id", pa.string(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        *_ORIGIN,
        pa.field("lang", pa.string()),
        pa.field("messages", pa.list_(MESSAGE), nullable=False),
        pa.field("method", pa.string(), nullable=False),  # as in PROBLEM
        pa.field("style", pa.string()),
        pa.field("critique_score", pa.float32()),
        pa.field("loss_weight", pa.float32(), nullable=False),
    ]
)
"""Turns of users and assistants, in order; a system's message comes first, if at all."""

DROPPED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # a fixed word per cause, e.g. "not_math"
        pa.field("score", pa.float32()),  # what was compared with the threshold, where there is one
        pa.field("detail", pa.string()),  # e.g. the id kept instead, or the benchmark item hit
    ]
)

CONTAMINATION = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # of the document, problem or conversation
        pa.field("column", pa.string(), nullable=False),  # "text", "question", "solution" or "messages"
        pa.field("file", pa.string(), nullable=False),  # the benchmark's
        pa.field("item", pa.string(), nullable=False),  # the item's id, or its number in the file
        pa.field("kind", pa.string(), nullable=False),  # "exact", "embedded", "short" or "template"
        pa.field("score", pa.float32(), nullable=False),  # share of the item's tokens that the text holds
        pa.field("dropped", pa.bool_(), nullable=False),  # false: the same template with other numbers, kept
        pa.field("item_text", pa.string(), nullable=False),  # how the item begins
    ]
)
"""Benchmark items found in records, dropped or not."""

QUARANTINE = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("error", pa.string(), nullable=False),
        pa.field("locator", LOCATOR),
    ]
)


def record_id(*parts: str | int) -> str:
    """Identify a record by where it came from: 32 hex digits, equal on every machine and storage.

    Documents use (source name, path relative to the source, record number); problems (doc_id, number on the page).
    """
    return xxhash.xxh3_128_hexdigest("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"))


def to_batch(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Build a batch from dictionaries (for rare rows: drops, quarantine); absent keys become null."""
    return pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)


def replace_columns(batch: pa.RecordBatch, **columns: pa.Array) -> pa.RecordBatch:
    """Return the batch with some columns replaced, the schema and its order unchanged."""
    arrays = [columns.get(name, batch.column(i)) for i, name in enumerate(batch.schema.names)]
    unknown = columns.keys() - set(batch.schema.names)
    if unknown:
        raise KeyError(f"no such columns: {sorted(unknown)}")
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
