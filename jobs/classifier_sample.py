"""A sample of pages that is the same however they come in batches: those with the smallest hashes of their URL."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash


class PageSample:
    """Keeps at most `size` pages, twice as many while it collects. schema: with a column url."""

    def __init__(self, schema: pa.Schema, size: int) -> None:
        self._size = size
        self._pages = schema.empty_table()
        self._ranks = np.zeros(0, np.uint64)
        self._cut = np.uint64(0xFFFF_FFFF_FFFF_FFFF)  # pages of a higher rank are out already

    def add(self, pages: pa.Table, chosen: npt.NDArray[np.bool_]) -> None:
        """Take the chosen pages into account; a URL that was seen counts again."""
        urls = pages["url"].filter(pa.array(chosen)).to_pylist()
        ranks = np.array([xxhash.xxh3_64_intdigest((url or "").encode()) for url in urls], np.uint64)
        rows = np.flatnonzero(chosen)[ranks <= self._cut]
        self._pages = pa.concat_tables([self._pages, pages.take(pa.array(rows))])
        self._ranks = np.concatenate([self._ranks, ranks[ranks <= self._cut]])
        if len(self._ranks) > 2 * self._size:
            self._trim()

    def table(self) -> pa.Table:
        """The pages, by rank."""
        self._trim()
        return self._pages

    def _trim(self) -> None:
        order = np.argsort(self._ranks, kind="stable")[: self._size]
        self._pages, self._ranks = self._pages.take(pa.array(order)).combine_chunks(), self._ranks[order]
        if len(order) == self._size:
            self._cut = self._ranks[-1]
