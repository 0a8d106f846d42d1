"""The token store: documents and problems as tokens with their labels, written once per tokenizer, before packing.

Files are uncompressed Arrow IPC, so that packing maps them into memory and gathers tokens without decoding. A record's
tokens end with EOS (EOS ends a document, never a cut), or as its chat template ends it. All offsets here count tokens
of the record, from 0.
"""

import numpy as np
import pyarrow as pa

from mathmill.core.schemas import SPAN

MAX_RECORD_TOKENS = 2**31 - 1  # offsets in a record are int32

CUT = pa.struct([("offset", pa.int32()), ("rank", pa.int8())])
"""Where an overlong record may be cut: before token `offset`; rank 0 paragraph, 1 reasoning step, 2 line or sentence,
3 word, a last resort. Never inside a formula or a character; ranks 0 to 2 never between a solution's last step and its
final answer. Words are marked only where marks are rare."""

LOSS_SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("weight", pa.float32())])
"""Supervised tokens. A token's loss weight is its record's weight times its span's, 0 outside of the spans. Spans are
sorted and disjoint, two touch only where their weights differ, and weights are finite and above 0."""

LABELS = [
    pa.field("corpus", pa.string(), nullable=False),  # "documents", "problems" or "conversations"
    pa.field("source", pa.string(), nullable=False),
    pa.field("license", pa.string()),
    pa.field("lang", pa.string()),
    pa.field("school_stage", pa.string()),
    pa.field("school_stage_p", pa.float32()),  # probability of that label
    pa.field("difficulty", pa.string()),
    pa.field("difficulty_p", pa.float32()),
    pa.field("difficulty_score", pa.float32()),
    pa.field("method", pa.string()),
    pa.field("style", pa.string()),
    pa.field("math_score", pa.float32()),
    pa.field("critique_score", pa.float32()),
]
"""What a mix group may be selected by, and what a segment of a shard carries."""


def token_dtype(vocab_size: int) -> np.dtype[np.generic]:
    """Choose how tokens are stored: uint16 where every id fits, else int32 (Megatron knows no uint32).

    The bound is Megatron's own (vocabularies below 65,500), so that its readers guess the same type.
    """
    return np.dtype(np.uint16 if vocab_size < 65_500 else np.int32)


def encoded_schema(vocab_size: int) -> pa.Schema:
    """Schema of a token store file for a vocabulary of that size."""
    return pa.schema(
        [
            pa.field("record_id", pa.string(), nullable=False),  # doc_id or problem_id
            pa.field("doc_id", pa.string(), nullable=False),
            *LABELS,
            pa.field("tokens", pa.large_list(pa.from_numpy_dtype(token_dtype(vocab_size))), nullable=False),
            pa.field("cuts", pa.list_(CUT), nullable=False),
            pa.field("answer", SPAN),  # tokens of the final answer, null where there is none
            pa.field("loss_spans", pa.list_(LOSS_SPAN), nullable=False),
            pa.field("weight", pa.float32(), nullable=False),  # of the whole record, finite and above 0
        ]
    )
