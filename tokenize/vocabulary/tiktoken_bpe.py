"""Byte-level BPE through tiktoken, for patterns that `mathmill.tokenize.vocabulary.byte_bpe` does not know.

tiktoken has no merges: it joins the two neighbours whose union has the smallest id. That is what the library does only
where ids are given in the order of the merges, and not for every text even then, so its ids are compared before use.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tiktoken

from mathmill.tokenize.vocabulary.byte_level import merges_follow_ids


class TiktokenBPE:
    """An encoder for a vocabulary whose ids follow its merges.

    token_bytes: the bytes of each id. model: the model of a `tokenizer.json`. patterns: how it splits
    words (`byte_level.word_patterns`). ValueError where they do not suit.
    """

    name = "tiktoken"

    def __init__(self, token_bytes: Sequence[bytes], model: Mapping[str, Any], patterns: Sequence[str]) -> None:
        if len(patterns) > 1:
            raise ValueError("it has several patterns")
        if not merges_follow_ids(model):
            raise ValueError("its merges are not in the order of its ids")
        ranks = {token_bytes[number]: number for number in model["vocab"].values()}
        if any(bytes([value]) not in ranks for value in range(256)):
            raise ValueError("it lacks some of the 256 bytes")
        encoding = tiktoken.Encoding("mathmill", pat_str=patterns[0], mergeable_ranks=ranks, special_tokens={})
        self._encode = encoding._core_bpe.encode_to_tiktoken_buffer

    def encode(self, texts: pa.Array) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Encode texts: (tokens uint32, offsets int64 (n_texts + 1,), texts that it cannot encode, int64)."""
        nothing = frozenset[str]()
        buffers: list[Any] = []
        refused: list[int] = []
        for i, text in enumerate(texts.to_pylist()):
            try:
                buffers.append(self._encode(text, nothing))
            except ValueError:  # the pattern needs more than its stack, as for a million spaces (tiktoken 0.14)
                refused.append(i)
                buffers.append(b"")
        lengths = [memoryview(buffer).nbytes // 4 for buffer in buffers]
        offsets = np.cumsum([0, *lengths], dtype=np.int64)
        return np.frombuffer(b"".join(buffers), np.uint32), offsets, np.array(refused, np.int64)
