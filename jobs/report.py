"""`report.html`: one static page with the funnel to look at. Everything from pages is escaped; nothing is loaded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import jinja2
from markupsafe import Markup

from mathmill.core.schemas import DIFFICULTIES, SCHOOL_STAGES
from mathmill.core.storage import Folder
from mathmill.jobs.contamination import KINDS
from mathmill.jobs.formulas import Formulas, Row, at_least
from mathmill.jobs.summary import Step, Summary, funnel_of
from mathmill.tokenize.mixture import Mixture

_TEXT = 600
"""Characters of a sample that are shown."""

_SITES, _ALARMS, _COMPLAINTS = 30, 200, 12
"""Sites that are shown at least, where there are so many; with an alarm, at most; reasons why formulas do not read."""


@dataclass(frozen=True)
class Bar:
    """A labelled bar: `share` in [0, 1] of the widest."""

    label: str
    value: int
    share: float
    note: str = ""


@dataclass(frozen=True)
class Area:
    """A group's share over training: the corners of its area in a chart of 100 by 100, stacked in order."""

    group: str
    corners: str  # of an SVG polygon
    shares: tuple[float, ...]  # at each point


def write_report(run: Folder, summary: Summary, further: Sequence[Markup] = ()) -> None:
    """Write the report of a run. further: parts of it about what was done with the shards, safe HTML."""
    run.write("report.html", render(summary, further).encode())


def render(summary: Summary, further: Sequence[Markup] = ()) -> str:
    """The report's HTML."""
    loader = jinja2.DictLoader({"report": _template()})
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["percent"] = lambda value: f"{value:.1%}"
    environment.filters["at_least"] = at_least
    environment.filters["short"] = _short
    return environment.get_template("report").render(
        summary=summary,
        further=further,
        funnels=[
            ("Pages and documents", funnel_bars(summary, "documents")),
            ("Problems", funnel_bars(summary, "problems")),
            ("Conversations", funnel_bars(summary, "conversations")),
        ],
        labels=[
            ("Documents by language", bars(Counter(summary.documents.column("lang").to_pylist()))),
            ("Documents by source", bars(Counter(summary.documents.column("source").to_pylist()))),
            ("Problems by difficulty", bars(Counter(summary.problems.column("difficulty").to_pylist()), DIFFICULTIES)),
            (
                "Problems by school stage",
                bars(Counter(summary.problems.column("school_stage").to_pylist()), SCHOOL_STAGES),
            ),
            *_conversation_labels(summary),
        ],
        formulas=summary.formulas,
        sites=shown_sites(summary.formulas),
        complaints=list(summary.formulas.complaints.items())[:_COMPLAINTS],
        curriculum=summary.planned if summary.planned is not None and len(summary.planned.points) > 1 else None,
        areas=areas(summary.planned) if summary.planned is not None else [],
        kinds=KINDS,
        speeds=[step for step in summary.steps if step.seconds >= 0.0005],
    )


def _conversation_labels(summary: Summary) -> list[tuple[str, list[Bar]]]:
    names = {"Conversations by language": "lang", "Conversations by source": "source"}
    columns = {title: summary.conversations.column(name).to_pylist() for title, name in names.items()}
    return [(title, bars(Counter(values))) for title, values in columns.items() if summary.has_conversations]


def _template() -> str:
    return resources.files("mathmill.jobs").joinpath("templates/report.html.j2").read_text(encoding="utf-8")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _TEXT else f"{text[:_TEXT]} …"


def bars(counts: Mapping[str | None, int], order: tuple[str, ...] = ()) -> list[Bar]:
    """Bars in a given order, else the largest first; what is not labelled comes last."""
    names = [name for name in order if name in counts]
    names += sorted((n for n in counts if n is not None and n not in order), key=lambda n: (-counts[n], n))
    widest = max(counts.values(), default=1)
    found = [Bar(name, counts[name], counts[name] / widest) for name in names]
    return found + ([Bar("not labelled", counts[None], counts[None] / widest)] if None in counts else [])


def funnel_bars(summary: Summary, corpus: str) -> list[Bar]:
    """What each stage let through, and why the others left."""
    steps = funnel_of(summary, corpus)
    widest = max((step.rows_out for step in steps), default=1) or 1
    return [Bar(step.stage, step.rows_out, step.rows_out / widest, _note(step)) for step in steps]


def _note(step: Step) -> str:
    gone = [f"{reason} {count:,}" for reason, count in step.left_out()]
    gone += [f"quarantined {step.quarantined:,}"] if step.quarantined else []
    found = [f"{rows:,} {port} found" for port, rows in step.further.items()]
    return "; ".join([*([f"left out: {', '.join(gone)}"] if gone else []), *found])


def areas(mixture: Mixture) -> list[Area]:
    """The groups' shares over training, stacked."""
    lines: list[tuple[float, tuple[float, ...]]] = []  # place in percent, shares
    ends = [*(point.at for point in mixture.points[1:]), float(mixture.asked)]
    for i, (point, end) in enumerate(zip(mixture.points, ends, strict=True)):
        last = i + 1 == len(mixture.points)
        after = point.shares if mixture.shape == "steps" or last else mixture.points[i + 1].shares
        lines += [(100 * point.at / mixture.asked, point.shares), (100 * end / mixture.asked, after)]
    found = []
    for number, group in enumerate(mixture.groups):
        lower = [(place, 100 - 100 * sum(shares[:number])) for place, shares in lines]
        upper = [(place, 100 - 100 * sum(shares[: number + 1])) for place, shares in lines]
        corners = " ".join(f"{x:.3f},{y:.3f}" for x, y in [*lower, *reversed(upper)])
        found.append(Area(group.name, corners, tuple(point.shares[number] for point in mixture.points)))
    return found


def shown_sites(formulas: Formulas) -> list[Row]:
    """Sites that the table has room for: those with an alarm, then those with most formulas."""
    calm = [row for row in formulas.sites if not row.is_alarm]
    return [*formulas.alarms, *calm][: max(_SITES, min(len(formulas.alarms), _ALARMS))]
