"""Formulas found in pages, surviving in their text and readable as LaTeX, by site and encoding: a task's account.

A stage that extracts sends one FORMULA_ACCOUNT row for each encoding of a page, of pages that it drops as well; the
runner adds them up into the task's ledger entry. An entry stays small (at most about 40 kB): the sites with most
formulas have a line each, the rest of them one line together, and totals lose nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from pydantic import Field

from mathmill.core.config import Config

FORMULA_ACCOUNT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # of the page
        pa.field("url", pa.string()),
        pa.field("site", pa.string(), nullable=False),
        pa.field("encoding", pa.string(), nullable=False),
        pa.field("found", pa.int32(), nullable=False),
        pa.field("kept", pa.int32(), nullable=False),
        pa.field("read", pa.int32(), nullable=False),  # of the kept ones, those that can be read as LaTeX
        pa.field("complaints", pa.list_(pa.string()), nullable=False),  # why the others cannot
    ]
)

OTHER_SITES = ""
"""Stands for the sites beyond the first MAX_SITES of a task."""

MAX_SITES = 200
MAX_COMPLAINTS = 50
MAX_WORST = 3  # pages of a site
MAX_WORST_OF_TASK = 60
_LONGEST_URL = 500


class Counts(Config):
    """Formulas: found, surviving, lost and read. `lost` is summed over pages, so none makes up for another."""

    found: int = 0
    kept: int = 0
    lost: int = 0
    read: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            found=self.found + other.found,
            kept=self.kept + other.kept,
            lost=self.lost + other.lost,
            read=self.read + other.read,
        )


class LossyPage(Config):
    """A page that lost formulas; lost: by encoding."""

    id: str
    url: str | None
    found: int
    lost: dict[str, int]

    def total(self) -> int:
        """Formulas that it lost."""
        return sum(self.lost.values())


class SiteCounts(Config):
    """The pages of a site that hold formulas, and those that lost most of them."""

    pages: int = 0
    encodings: dict[str, Counts] = Field(default_factory=dict)
    worst: tuple[LossyPage, ...] = ()

    def total(self) -> Counts:
        """Over all encodings."""
        return sum(self.encodings.values(), Counts())


class FormulaCounts(Config):
    """The account of a task, or of a run."""

    sites: dict[str, SiteCounts] = Field(default_factory=dict)  # OTHER_SITES among them
    others: int = 0  # sites, at least, that OTHER_SITES stands for
    complaints: dict[str, int] = Field(default_factory=dict)  # why formulas cannot be read: how many of them

    def by_encoding(self) -> dict[str, Counts]:
        """Over all sites."""
        found: dict[str, Counts] = {}
        for site in self.sites.values():
            for encoding, counts in site.encodings.items():
                found[encoding] = found.get(encoding, Counts()) + counts
        return found

    def total(self) -> Counts:
        """Over everything."""
        return sum(self.by_encoding().values(), Counts())


class FormulaTally:
    """Adds up the FORMULA_ACCOUNT rows of a task."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}  # by site and encoding
        self._pages: Counter[str] = Counter()
        self._worst: dict[str, list[LossyPage]] = defaultdict(list)
        self._complaints: Counter[str] = Counter()

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of some pages; those of one page follow each other in one batch."""
        pages: dict[str, tuple[dict[str, Any], dict[str, int], list[int]]] = {}
        for row in batch.to_pylist():
            lost = max(0, row["found"] - row["kept"])
            counts = self._counts.setdefault((row["site"], row["encoding"]), [0, 0, 0, 0])
            for place, value in enumerate((row["found"], row["kept"], lost, row["read"])):
                counts[place] += value
            self._complaints.update(row["complaints"])
            _, losses, found = pages.setdefault(row["id"], (row, {}, []))
            found.append(row["found"])
            if lost:
                losses[row["encoding"]] = lost
        for row, losses, found in pages.values():
            self._pages[row["site"]] += 1
            if losses:
                url = None if row["url"] is None else row["url"][:_LONGEST_URL]
                worst = self._worst[row["site"]]
                worst.append(LossyPage(id=row["id"], url=url, found=sum(found), lost=losses))
                if len(worst) > 16 * MAX_WORST:
                    worst[:] = first_worst(worst, MAX_WORST)

    def counts(self) -> FormulaCounts | None:
        """The account so far, cut to its bounds; None where no page held a formula."""
        if not self._pages:
            return None
        encodings: dict[str, dict[str, Counts]] = defaultdict(dict)
        for (site, encoding), (found, kept, lost, read) in sorted(self._counts.items()):
            encodings[site][encoding] = Counts(found=found, kept=kept, lost=lost, read=read)
        sites = {
            name: SiteCounts(pages=self._pages[name], encodings=counts, worst=first_worst(self._worst[name], MAX_WORST))
            for name, counts in encodings.items()
        }
        names = sorted(sites, key=lambda name: (-sites[name].total().found, name))
        kept_sites = {name: sites[name] for name in names[:MAX_SITES]}
        if rest := [sites[name] for name in names[MAX_SITES:]]:
            kept_sites[OTHER_SITES] = add_sites(rest, MAX_WORST)
        return FormulaCounts(
            sites=_with_fewer_pages(kept_sites),
            others=len(rest),
            complaints=most_frequent(self._complaints, MAX_COMPLAINTS),
        )


def first_worst(pages: Iterable[LossyPage], most: int) -> tuple[LossyPage, ...]:
    """The pages that lost most, whatever the order in which they came."""
    return tuple(sorted(pages, key=lambda page: (-page.total(), page.id))[:most])


def add_sites(parts: Iterable[SiteCounts], worst: int) -> SiteCounts:
    """The sum of accounts, with that many of the pages that lost most."""
    parts = list(parts)
    encodings: dict[str, Counts] = {}
    for part in parts:
        for encoding, counts in part.encodings.items():
            encodings[encoding] = encodings.get(encoding, Counts()) + counts
    return SiteCounts(
        pages=sum(part.pages for part in parts),
        encodings=dict(sorted(encodings.items())),
        worst=first_worst((page for part in parts for page in part.worst), worst),
    )


def add_counts(parts: Iterable[FormulaCounts], worst: int) -> FormulaCounts:
    """The account of a run from those of its tasks; sites with most formulas first, OTHER_SITES last."""
    by_site: dict[str, list[SiteCounts]] = defaultdict(list)
    complaints: Counter[str] = Counter()
    others = 0
    for part in parts:
        for name, site in part.sites.items():
            by_site[name].append(site)
        complaints.update(part.complaints)
        others = max(others, part.others)
    sites = {name: add_sites(found, worst) for name, found in by_site.items()}
    names = sorted(sites, key=lambda name: (name == OTHER_SITES, -sites[name].total().found, name))
    return FormulaCounts(
        sites={name: sites[name] for name in names},
        others=others,
        complaints=most_frequent(complaints, len(complaints)),
    )


def most_frequent(counts: Counter[str], most: int) -> dict[str, int]:
    """The most frequent of some reasons, and the rest of them under one name."""
    first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in first[most:])
    found = dict(first[:most])
    return found | ({_OTHER_REASONS: found.get(_OTHER_REASONS, 0) + rest} if rest else {})


_OTHER_REASONS = "other reasons"


def _with_fewer_pages(sites: dict[str, SiteCounts]) -> dict[str, SiteCounts]:
    """Keep MAX_WORST_OF_TASK of the pages that lost most."""
    named = {page.id for page in first_worst((p for site in sites.values() for p in site.worst), MAX_WORST_OF_TASK)}
    return {
        name: site.model_copy(update={"worst": tuple(page for page in site.worst if page.id in named)})
        for name, site in sites.items()
    }
