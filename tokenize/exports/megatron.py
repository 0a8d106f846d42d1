"""Export to Megatron: `.bin` and `.idx` without padding, for Megatron-LM, NeMo, and whatever else reads its index.

A segment is a sequence, and sequences lie end to end in the order of the export. `GPTDataset` concatenates sequences
and shuffles them again by its own seed; who needs the mixture's exact order reads it by `IndexedDataset`. Shards
themselves are readable by megatron-core as they are (`mathmill.tokenize.megatron_index`); an export has the order and
repetitions of a mixture, no padding between sequences, and fewer, larger files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mathmill.core.errors import ConfigError
from mathmill.tokenize.exports.parts import Job, Part
from mathmill.tokenize.exports.rows import RowBatch
from mathmill.tokenize.megatron_index import MegatronIndex, write_index
from mathmill.tokenize.store import token_dtype


class Megatron:
    """Pairs of `NAME-00000.bin` and `.idx`, and `blend.txt` where there are several.

    ConfigError for a folder whose path Megatron could not read in a blend.
    """

    by_group = True
    part_tokens = 1 << 30
    tested_with: Mapping[str, str] = {"megatron-core": "0.16.1"}

    def __init__(self, job: Job) -> None:
        if len(str(job.out).split()) > 1:
            raise ConfigError(
                f"Megatron divides lists of paths at spaces; name a folder without any instead of {job.out}"
            )
        self._job = job

    def open(self, prefix: Path) -> "_Pair":
        """Begin a pair."""
        return _Pair(prefix, token_dtype(self._job.manifest.vocab_size), self._job.in_order)

    def finish(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Write the blend: each pair with its tokens as weight."""
        out = self._job.out
        if len(parts) == 1:
            return {"use": [f"--data-path {out / parts[0].prefix.name}"]}
        lines = [f"{part.tokens} {out / part.prefix.name}\n" for part in parts]
        (parts[0].prefix.parent / "blend.txt").write_text("".join(lines), encoding="utf-8")
        return {"use": [f"--data-args-path {out / 'blend.txt'}"]}


class _Pair:
    """A `.bin` and its `.idx`; of sequences it keeps the lengths, and the ids of those that are parts of a record."""

    def __init__(self, prefix: Path, dtype: np.dtype[np.generic], in_order: bool) -> None:
        self._prefix, self._dtype, self._in_order = prefix, dtype, in_order
        self._bin = pa.OSFile(f"{prefix}.bin", "wb")
        self._lengths: list[npt.NDArray[np.int32]] = []
        self._parts: list[npt.NDArray[np.int32]] = []
        self._cut: list[npt.NDArray[np.bool_]] = []
        self._cut_ids: list[pa.StringArray] = []

    def write(self, batch: RowBatch) -> None:
        """Add the segments of rows as sequences."""
        self._bin.write(batch.tokens.astype(self._dtype.newbyteorder("<"), copy=False))
        self._lengths.append(batch.lengths)
        self._parts.append(batch.numbers("part"))
        self._cut.append(batch.numbers("n_parts") > 1)
        self._cut_ids.append(batch.segments.column("record_id").filter(pa.array(self._cut[-1])).combine_chunks())

    def close(self) -> None:
        """Write the index. A document is a record, or the parts of a cut one that follow each other: without a mixture
        they are brought together by their byte pointers, in a mixture's order they stay where they are.
        """
        self._bin.close()
        lengths, part = np.concatenate(self._lengths), np.concatenate(self._parts)
        pointers = (np.cumsum(lengths, dtype=np.int64) - lengths) * self._dtype.itemsize
        record = np.arange(len(lengths))  # the number of a record's first sequence
        cut = np.flatnonzero(np.concatenate(self._cut))
        codes = pa.chunked_array(self._cut_ids, pa.string()).combine_chunks().dictionary_encode().indices.to_numpy()
        if len(cut):
            _, first = np.unique(codes, return_index=True)
            record[cut] = cut[first][codes]
        order = np.arange(len(lengths)) if self._in_order else np.lexsort((part, record))
        follows = (np.diff(record[order]) == 0) & (np.diff(part[order]) == 1)
        documents = np.concatenate([[0], np.flatnonzero(~follows) + 1, [len(lengths)]])
        index = MegatronIndex(self._dtype, lengths[order], pointers[order], documents.astype(np.int64))
        write_index(Path(f"{self._prefix}.idx"), index)
