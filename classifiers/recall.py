"""Which domains and URL prefixes of a scored crawl are math: the counting behind the recall loop.

After DeepSeekMath (arXiv:2402.03300, section 2.1): a domain of which more than 10 % of the pages score high is taken to
be about math; within it, the prefixes whose pages are mostly math are proposed, and their pages that scored low join
the seed of the next classifier. A domain is a host here, `www.` left out. Memory grows with the number of hosts, and
with the prefixes of math domains at 24 bytes each, never with pages: prefixes are counted by 64-bit hashes, and only
those that are proposed are spelled out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from pydantic import Field

from mathmill.core.config import Config, Probability

_URL = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:[wW]{3}\.)?(?P<host>[^/:?#]+)(?::[0-9]*)?(?P<path>/[^?#]*)?"
_MERGE = 1 << 20  # counted rows that are held before they are merged

Uint64s = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


class RecallConfig(Config):
    """What makes a domain math, and what is proposed of it."""

    domain_pages: int = Field(10, ge=1)  # a domain of fewer says nothing
    domain_share: Probability = 0.1  # of its pages collected: DeepSeekMath's 10 %
    prefix_pages: int = Field(5, ge=1)
    prefix_share: Probability = 0.5  # of a prefix's pages collected: "mostly math"
    depth: int = Field(4, ge=0, le=16)  # folders of a path that a prefix may have


@dataclass(frozen=True)
class Prefix:
    """A URL prefix such as `example.org/algebra/`, its pages, and how many of them scored high."""

    prefix: str
    pages: int
    collected: int


class DomainCounts:
    """Counts pages and collected pages by host, batch by batch."""

    def __init__(self) -> None:
        self._merged = pa.table({"host": pa.array([], pa.large_string()), **_no_counts()})
        self._parts: list[pa.Table] = []
        self._held = 0

    def add(self, keys: pa.Array, collected: Bools) -> None:
        """Count pages by their `url_keys`; what has no URL is left out."""
        hosts = pc.struct_field(pc.extract_regex(keys, r"^(?P<host>[^/]+)"), "host").cast(pa.large_string())
        ones = np.ones(len(keys), np.int64)
        part = pa.table({"host": hosts, "pages": ones, "collected": collected.astype(np.int64)})
        self._parts.append(_summed(part.filter(pc.is_valid(part["host"]))))
        self._held += self._parts[-1].num_rows
        if self._held > max(_MERGE, self._merged.num_rows):
            self._merge()

    def table(self) -> pa.Table:
        """host, pages, collected; sorted by host."""
        self._merge()
        return self._merged.sort_by("host")

    def _merge(self) -> None:
        self._merged = _summed(pa.concat_tables([self._merged, *self._parts]))
        self._parts, self._held = [], 0


def _no_counts() -> dict[str, pa.Array]:
    return {name: pa.array([], pa.int64()) for name in ("pages", "collected")}


def _summed(table: pa.Table) -> pa.Table:
    sums = table.group_by("host").aggregate([("pages", "sum"), ("collected", "sum")])
    return sums.select(["host", "pages_sum", "collected_sum"]).rename_columns(["host", "pages", "collected"])


def math_domains(domains: pa.Table, config: RecallConfig) -> pa.Table:
    """Of `DomainCounts.table`, the domains that are taken to be about math."""
    share = pc.divide(domains["collected"].cast(pa.float64()), domains["pages"].cast(pa.float64()))
    enough = pc.greater_equal(domains["pages"], config.domain_pages)
    return domains.filter(pc.and_(enough, pc.greater(share, config.domain_share)))


def url_keys(urls: pa.Array) -> pa.Array:
    """`host/path` of URLs, the host in lower case without `www.` and port, no query; null where there is no host."""
    parts = pc.extract_regex(urls, _URL)
    path = pc.struct_field(parts, "path").cast(pa.large_string())
    path = pc.if_else(pc.equal(pc.utf8_length(path), 0), pa.scalar("/", pa.large_string()), path)
    host = pc.utf8_lower(pc.struct_field(parts, "host")).cast(pa.large_string())
    return pc.binary_join_element_wise(host, path, pa.scalar("", pa.large_string()))


def prefix_hashes(keys: pa.Array, depth: int) -> tuple[Uint64s, npt.NDArray[np.int32]]:
    """Hash the prefixes of `url_keys`, widest first: uint64 (n, depth + 1), 0 where a key has fewer.

    The second array, int32 of the same shape, has the bytes of each prefix, the slash at its end included.
    """
    column = keys.cast(pa.large_binary()).fill_null(b"")
    _, offsets_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer else np.zeros(0, np.uint8)
    hashes = np.zeros((len(column), depth + 1), np.uint64)
    sizes = np.zeros((len(column), depth + 1), np.int32)
    _hash_prefixes(data, offsets, hashes, sizes)
    return hashes, sizes


@njit(cache=True)
def _hash_prefixes(data: np.ndarray, offsets: np.ndarray, hashes: np.ndarray, sizes: np.ndarray) -> None:
    """FNV-1a of each key up to each slash, its bits mixed (MurmurHash3's finaliser)."""
    for row in range(len(offsets) - 1):
        key = np.uint64(14695981039346656037)
        found = 0
        for i in range(offsets[row], offsets[row + 1]):
            key = (key ^ np.uint64(data[i])) * np.uint64(1099511628211)
            if data[i] == 0x2F:
                mixed = (key ^ (key >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
                mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
                hashes[row, found] = (mixed ^ (mixed >> np.uint64(33))) | np.uint64(1)  # 0 means none
                sizes[row, found] = i + 1 - offsets[row]
                found += 1
                if found == hashes.shape[1]:
                    break


class PrefixCounts:
    """Counts pages and collected pages by prefix hash, batch by batch."""

    def __init__(self) -> None:
        self._hashes = np.zeros(0, np.uint64)
        self._counts = np.zeros((0, 2), np.int64)
        self._parts: list[tuple[Uint64s, npt.NDArray[np.int64]]] = []
        self._held = 0

    def add(self, hashes: Uint64s, collected: Bools) -> None:
        """Count pages: hashes of `prefix_hashes` (n, depth + 1), collected (n,)."""
        there = hashes != 0
        weights = np.broadcast_to(collected[:, None], hashes.shape)[there]
        self._parts.append(_counted(hashes[there], np.stack([np.ones(len(weights), np.int64), weights], axis=1)))
        self._held += len(self._parts[-1][0])
        if self._held > max(_MERGE, len(self._hashes)):
            self._merge()

    def look_up(self, hashes: Uint64s) -> npt.NDArray[np.int64]:
        """Pages and collected pages of prefixes: int64 (*hashes.shape, 2); 0 where a hash was never counted."""
        self._merge()
        if not len(self._hashes):
            return np.zeros((*hashes.shape, 2), np.int64)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        return self._counts[places] * (self._hashes[places] == hashes)[..., None]

    def _merge(self) -> None:
        if self._parts:
            hashes, counts = zip((self._hashes, self._counts), *self._parts, strict=True)
            self._hashes, self._counts = _counted(np.concatenate(hashes), np.concatenate(counts))
            self._parts, self._held = [], 0


def _counted(hashes: Uint64s, counts: npt.NDArray[np.int64]) -> tuple[Uint64s, npt.NDArray[np.int64]]:
    """Sum the counts (n, 2) of equal hashes; the hashes sorted."""
    unique, inverse = np.unique(hashes, return_inverse=True)
    sums = [np.bincount(inverse, counts[:, column], len(unique)) for column in (0, 1)]
    return unique, np.stack(sums, axis=1).astype(np.int64)


def propose(
    pages: Iterable[tuple[pa.Array, Bools]], counts: PrefixCounts, config: RecallConfig
) -> Iterator[list[Prefix]]:
    """Go over the pages of math domains once more and name the prefixes that are mostly math, each once.

    Of nested prefixes that qualify, the widest is taken, made as long as it can be while it holds the same pages.
    pages: batches of `url_keys` and whether each page was collected.
    """
    named: set[int] = set()
    for keys, _ in pages:
        hashes, sizes = prefix_hashes(keys, config.depth)
        found = counts.look_up(hashes)
        n, hits = found[..., 0], found[..., 1]
        qualifies = (n >= config.prefix_pages) & (hits > config.prefix_share * n) & (hashes != 0)
        rows = np.flatnonzero(qualifies.any(axis=1))
        widest = qualifies[rows].argmax(axis=1)
        same = (n[rows] == n[rows, widest][:, None]) & (hashes[rows] != 0)
        longest = same.shape[1] - 1 - same[:, ::-1].argmax(axis=1)
        _, firsts = np.unique(hashes[rows, longest], return_index=True)
        batch = []
        for first in sorted(firsts.tolist()):
            row, level = int(rows[first]), int(longest[first])
            if (key := int(hashes[row, level])) not in named:
                named.add(key)
                text = keys[row].as_py().encode()[: int(sizes[row, level])].decode("utf-8", "replace")
                batch.append(Prefix(text, int(n[row, level]), int(hits[row, level])))
        yield batch


def clean_prefix(prefix: str) -> str:
    """Bring a prefix that a person wrote into the form of `url_keys`: no scheme, no `www.`, a slash at its end."""
    host, slash, path = prefix.strip().split("://", 1)[-1].partition("/")
    host = host.lower().removeprefix("www.")
    return f"{host}/{path}" + ("" if not path or path.endswith("/") else "/") if slash or host else ""


class PrefixSet:
    """Says which pages lie under some prefixes."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        cleaned = sorted({clean_prefix(prefix) for prefix in prefixes} - {""})
        self._depth = max((prefix.count("/") - 1 for prefix in cleaned), default=0)
        hashes, _ = prefix_hashes(pa.array(cleaned, pa.large_string()), self._depth)
        ends = [prefix.count("/") - 1 for prefix in cleaned]
        self._hashes = np.unique(hashes[np.arange(len(cleaned)), ends]) if cleaned else np.zeros(0, np.uint64)

    def covers(self, keys: pa.Array) -> Bools:
        """Say of each of `url_keys` whether it does: bool (n,)."""
        hashes, _ = prefix_hashes(keys, self._depth)
        return np.asarray(np.isin(hashes, self._hashes).any(axis=1))
