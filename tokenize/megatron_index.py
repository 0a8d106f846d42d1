"""Megatron's index of a token file (`.idx`), so that Megatron-LM and its kin open our `.bin` as it is.

Layout, little-endian and unaligned (megatron-core 0.16 `indexed_dataset._IndexWriter`): 9 bytes of magic, u64 version,
u8 type code, u64 sequences S, u64 D, i32 lengths[S], i64 byte pointers[S], i64 document_indices[D], where document d
holds the sequences document_indices[d]:document_indices[d + 1]. Megatron's own writer lays sequences end to end; its
reader follows the pointers, so that they may skip padding. (Its slices `dataset[a:b]` do not; no Megatron data set
uses them.)
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mathmill.core.errors import DataError

_MAGIC = b"MMIDIDX\x00\x00"
_HEADER = struct.Struct("<9sQBQQ")
_CODES: dict[int, np.dtype[np.generic]] = {4: np.dtype(np.int32), 8: np.dtype(np.uint16)}


@dataclass(frozen=True)
class MegatronIndex:
    """The content of an `.idx` file; `document_indices` starts with 0 and ends with the number of sequences."""

    dtype: np.dtype[np.generic]
    lengths: npt.NDArray[np.int32]  # tokens, (n_sequences,)
    pointers: npt.NDArray[np.int64]  # bytes into the .bin, (n_sequences,)
    document_indices: npt.NDArray[np.int64]  # (n_documents + 1,)


def write_index(path: Path, index: MegatronIndex) -> None:
    """Write an `.idx` file."""
    code = next(code for code, dtype in _CODES.items() if dtype == index.dtype)
    with open(path, "wb") as file:
        file.write(_HEADER.pack(_MAGIC, 1, code, len(index.lengths), len(index.document_indices)))
        file.write(index.lengths.astype("<i4").tobytes())
        file.write(index.pointers.astype("<i8").tobytes())
        file.write(index.document_indices.astype("<i8").tobytes())


def read_index(path: Path) -> MegatronIndex:
    """Read an `.idx` file of uint16 or int32 tokens; DataError where its size or content cannot be true."""
    try:
        if path.exists() and not path.is_file():  # reading a named pipe would wait for a writer
            raise DataError(f"{path}: not a regular file")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) < _HEADER.size:
        raise DataError(f"{path}: too short for a Megatron index")
    magic, version, code, n_sequences, n_documents = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != 1 or code not in _CODES:
        raise DataError(f"{path}: not a Megatron index of version 1 with uint16 or int32 tokens")
    if len(data) != _HEADER.size + 12 * n_sequences + 8 * n_documents or n_documents < 1:
        raise DataError(f"{path}: its size does not fit its {n_sequences} sequences and {n_documents} documents")
    lengths = np.frombuffer(data, "<i4", n_sequences, _HEADER.size)
    pointers = np.frombuffer(data, "<i8", n_sequences, _HEADER.size + 4 * n_sequences)
    documents = np.frombuffer(data, "<i8", n_documents, _HEADER.size + 12 * n_sequences)
    if documents[0] != 0 or documents[-1] != n_sequences or (np.diff(documents) < 0).any():
        raise DataError(f"{path}: its document indices do not divide its sequences")
    if n_sequences and (lengths.min() < 1 or pointers.min() < 0):
        raise DataError(f"{path}: it has sequences of no length or before the file's beginning")
    return MegatronIndex(_CODES[code], lengths, pointers, documents)
