"""What became of the formulas of a run, by site and encoding, and the alarm where a site loses too many of them.

The numbers come from the ledger, so they are those of the whole run, on whatever engine and after however many kills.
Pages that `extract` drops count with all their formulas lost; pages in quarantine could not be counted.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mathmill.core.formula_counts import OTHER_SITES, Counts, FormulaCounts, LossyPage, add_counts
from mathmill.jobs.recipe import FormulaLossConfig

WORST = 5  # pages that are named of a site
ALARMS = 10  # sites that the console names
_SHOWN_URL = 100


@dataclass(frozen=True)
class Row:
    """A site or an encoding; the shares are of the formulas found and of those kept."""

    name: str
    counts: Counts
    pages: int = 0
    encodings: dict[str, Counts] = field(default_factory=dict)  # of a site
    worst: tuple[LossyPage, ...] = ()
    is_alarm: bool = False

    @property
    def kept(self) -> float:
        """Share of the formulas found that survive."""
        return 1.0 - self.lost

    @property
    def lost(self) -> float:
        """Share of the formulas found that are lost."""
        return self.counts.lost / self.counts.found if self.counts.found else 0.0

    @property
    def read(self) -> float:
        """Share of the formulas kept that can be read as LaTeX."""
        return self.counts.read / self.counts.kept if self.counts.kept else 1.0

    def losses(self) -> dict[str, int]:
        """Formulas lost by encoding, the most first."""
        lost = {name: counts.lost for name, counts in self.encodings.items() if counts.lost}
        return dict(sorted(lost.items(), key=lambda item: (-item[1], item[0])))

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        numbers = {"name": self.name, **self.counts.model_dump(), "lost_share": self.lost, "read_share": self.read}
        if not self.encodings:
            return numbers
        worst = [{**page.model_dump(), "lost": page.total(), "by_encoding": page.lost} for page in self.worst]
        more = {"pages": self.pages, "alarm": self.is_alarm, "lost_by_encoding": self.losses(), "worst_pages": worst}
        return numbers | more


@dataclass(frozen=True)
class Formulas:
    """The account of a run. sites, encodings: those with most formulas first; complaints: why formulas do not read."""

    config: FormulaLossConfig
    total: Row
    sites: list[Row]
    encodings: list[Row]
    complaints: dict[str, int]

    @property
    def alarms(self) -> list[Row]:
        """Sites that lose too many formulas, the largest loss first."""
        rows = [row for row in self.sites if row.is_alarm]
        return sorted(rows, key=lambda row: (-row.counts.lost, row.name))

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "total": self.total.as_json(),
            "by_site": [row.as_json() for row in self.sites],
            "by_encoding": [row.as_json() for row in self.encodings],
            "alarms": [row.name for row in self.alarms],
            "alarm_above": self.config.above,
            "complaints": self.complaints,
        }


def gather_formulas(parts: Iterable[FormulaCounts], config: FormulaLossConfig) -> Formulas:
    """Add up the accounts of tasks and look at each site."""
    account = add_counts(parts, WORST)
    total = account.total()
    sites = []
    for name, site in account.sites.items():
        counts = site.total()
        alarm = counts.found >= config.formulas and counts.lost > config.above * counts.found
        shown = f"other sites ({account.others:,} or more)" if name == OTHER_SITES else name
        sites.append(Row(shown, counts, site.pages, site.encodings, site.worst, alarm))
    encodings = [Row(name, counts) for name, counts in account.by_encoding().items()]
    return Formulas(
        config=config,
        total=Row("all", total, sum(row.pages for row in sites)),
        sites=sites,
        encodings=sorted(encodings, key=lambda row: (-row.counts.found, row.name)),
        complaints=account.complaints,
    )


def formula_lines(formulas: Formulas) -> list[str]:
    """The totals in one line, then one line for each site that loses too many formulas."""
    total = formulas.total
    if not total.counts.found:
        return []
    return [
        f"formulas: {total.counts.found:,} found, {at_least(total.kept)} survive in the text, "
        f"{at_least(total.read)} of these read as LaTeX",
        *alarm_lines(formulas),
    ]


def alarm_lines(formulas: Formulas) -> list[str]:
    """One line for each site that loses too many formulas, at most ALARMS."""
    alarms = formulas.alarms
    lines = [f"ALARM {_alarm(row)}" for row in alarms[:ALARMS]]
    if len(alarms) > ALARMS:
        lines.append(f"ALARM {len(alarms) - ALARMS:,} further sites lose formulas; report.html names them")
    return lines


def _alarm(row: Row) -> str:
    encodings = ", ".join(f"{name} {lost:,}" for name, lost in list(row.losses().items())[:3])
    line = f"{row.name} lost {row.counts.lost:,} of {row.counts.found:,} formulas ({row.lost:.1%}: {encodings})"
    if row.worst:
        page = row.worst[0]
        line += f"; most on {page.id[:12]} {plain(page.url or '')[:_SHOWN_URL]}".rstrip()
    return line


def at_least(share: float) -> str:
    """A share in percent, rounded down, so that 100 % means all."""
    return f"{math.floor(share * 10_000 + 1e-6) / 100:.2f} %"


def plain(text: str) -> str:
    """What a page says about itself, harmless on a terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
