"""Characters and bytes of a column of texts.

Records count characters, tokens count bytes. The texts of an Arrow column lie in one UTF-8 buffer, so a place in any
of them is one byte number in that buffer, and whole batches of spans are mapped at once.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit


def text_buffer(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The UTF-8 bytes of a column without nulls and where each text begins in them.

    texts: string or large_string (n,). Returns (data uint8 (n_bytes,), bounds int64 (n + 1,)): text i is
    data[bounds[i]:bounds[i + 1]], bounds[0] is 0. No copy is made of a large_string column.
    """
    column = texts.cast(pa.large_string())
    _, offsets, data = column.buffers()
    if offsets is None or len(column) == 0:
        return np.zeros(0, np.uint8), np.zeros(len(column) + 1, np.int64)
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    first, last = int(bounds[0]), int(bounds[-1])
    everything = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return everything[first:last], bounds - first


def byte_offsets(texts: pa.Array, rows: npt.NDArray[np.int64], chars: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Turn places in texts into byte numbers of their common buffer.

    texts: (n,). rows, chars: int64 (k,), character `chars[i]` of text `rows[i]`; what lies beyond a text is moved to
    its end. Returns int64 (k,).
    """
    data, bounds = text_buffer(texts)
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    within = np.clip(chars, 0, lengths[rows])
    if int(lengths.sum()) == len(data):  # ASCII
        return bounds[rows] + within
    first_chars = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    places = first_chars[rows] + within
    order = np.argsort(places, kind="stable")
    found = np.empty_like(places)
    found[order] = _bytes_of_characters(data, places[order])
    return found


def rows_with_bytes(texts: pa.Array, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which texts hold some byte of a set. texts: (n,). wanted: bool (256,). Returns bool (n,)."""
    data, bounds = text_buffer(texts)
    found = np.flatnonzero(wanted[data])
    return np.diff(np.searchsorted(found, bounds)) > 0


@njit(cache=True)
def _bytes_of_characters(data, characters):  # type: ignore[no-untyped-def]
    """Byte numbers of sorted character numbers; a character number past the end is the end."""
    found = np.empty(len(characters), np.int64)
    position = np.int64(0)
    seen = np.int64(0)  # characters that begin before `position`
    for i in range(len(characters)):
        while position < len(data):
            if data[position] & 0xC0 != 0x80:
                if seen == characters[i]:
                    break
                seen += 1
            position += 1
        found[i] = position
    return found
