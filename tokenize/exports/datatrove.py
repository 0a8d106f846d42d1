"""Export to datatrove: `.ds` with `.ds.index`, `.ds.loss` and `.ds.metadata`, for datatrove's data sets and nanotron.

Tokens of segments lie end to end, without padding; its readers cut windows of fixed length out of them, across
segments. The index holds where segments end, so that positions can restart; the loss file has one byte a token, 1
where it is learned (datatrove 0.10.1 writes, checks and merges it, its data sets do not read it).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mathmill.tokenize.exports.parts import Job, Part
from mathmill.tokenize.exports.rows import RowBatch
from mathmill.tokenize.store import token_dtype


class Datatrove:
    """Files `NAME_00000_unshuffled.ds` and those beside each."""

    by_group = True
    part_tokens = 1 << 30
    tested_with: Mapping[str, str] = {"datatrove": "0.10.1"}

    def __init__(self, job: Job) -> None:
        self._job = job
        self._dtype = token_dtype(job.manifest.vocab_size)

    def open(self, prefix: Path) -> "_TokenFile":
        """Begin a `.ds` file."""
        name, _, number = prefix.name.rpartition("-")
        path = prefix.with_name(f"{name}_{number}_unshuffled.ds")
        return _TokenFile(path, self._dtype, self._job.manifest.tokenizer.name)

    def finish(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Nothing is left to do."""
        size = self._dtype.itemsize
        return {
            "token_size": size,
            "use": [f"DatatroveFolderDataset({str(self._job.out)!r}, seq_len, token_size={size})"],
        }


class _TokenFile:
    def __init__(self, path: Path, dtype: np.dtype[np.generic], tokenizer: str) -> None:
        self._path, self._dtype, self._tokenizer = path, dtype, tokenizer
        self._tokens, self._loss, self._index = (pa.OSFile(f"{path}{end}", "wb") for end in ("", ".loss", ".index"))
        self._n_tokens = 0

    def write(self, batch: RowBatch) -> None:
        """Add the segments of rows as documents."""
        self._tokens.write(batch.tokens.astype(self._dtype.newbyteorder("<"), copy=False))
        self._loss.write(batch.targets)
        self._index.write((batch.segment_starts[1:] + self._n_tokens).astype("<u8"))
        self._n_tokens += len(batch.tokens)

    def close(self) -> None:
        """Write the metadata: tokenizer and bytes of a token, tokens, and tokens for people."""
        for file in (self._tokens, self._loss, self._index):
            file.close()
        tokenizer = " ".join(self._tokenizer.replace("|", " ").split())
        lines = [f"{tokenizer}|{self._dtype.itemsize}", str(self._n_tokens), f"{self._n_tokens:,} T"]
        Path(f"{self._path}.metadata").write_text("\n".join(lines), encoding="utf-8")
