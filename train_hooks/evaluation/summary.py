"""Results as lines for a terminal and as plain rows for a page; both show the same figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mathmill.train_hooks.evaluation.compare import Comparison

SHOWN_GROUPS = ("difficulty", "level", "school_stage", "grade", "steps")
"""Labels that are shown, steps where there is no difficulty; `results.json` has all."""


@dataclass(frozen=True)
class Row:
    """An accuracy with its interval, all in percent."""

    label: str
    items: int
    accuracy: float
    low: float
    high: float
    note: str = ""
    is_best: bool = False


@dataclass(frozen=True)
class Section:
    """A benchmark. rows: its passes; groups: its better pass by label."""

    name: str
    title: str
    rows: list[Row]
    groups: dict[str, list[Row]]


def sections(results: Mapping[str, Any]) -> list[Section]:
    """What a page shows of `results.json`."""
    return [
        Section(
            benchmark["name"],
            benchmark["title"],
            [_row(_shots(p["shots"]), p, _losses(p), p["shots"] == benchmark["best"]) for p in benchmark["passes"]],
            _groups(benchmark),
        )
        for benchmark in results["benchmarks"]
    ]


def _groups(benchmark: Mapping[str, Any]) -> dict[str, list[Row]]:
    groups = next(p for p in benchmark["passes"] if p["shots"] == benchmark["best"])["groups"]
    shown = [label for label in SHOWN_GROUPS if len(groups.get(label, ())) > 1]
    shown = [label for label in shown if label != "steps" or "difficulty" not in shown]
    return {label: [_row(value, counted) for value, counted in groups[label].items()] for label in shown}


def _row(label: str, counted: Mapping[str, Any], note: str = "", is_best: bool = False) -> Row:
    low, high = counted["interval"]
    return Row(label, counted["items"], 100 * counted["accuracy"], 100 * low, 100 * high, note, is_best)


def _shots(n: int) -> str:
    return "zero-shot" if n == 0 else f"{n}-shot"


def _losses(p: Mapping[str, Any]) -> str:
    names = {"truncated": "cut off", "no_answer": "no answer", "failed": "failed", "disagreements": "graders disagree"}
    return ", ".join(f"{name} {p[key] / p['items']:.1%}" for key, name in names.items() if p[key])


def result_lines(results: Mapping[str, Any]) -> list[str]:
    """The results as aligned lines."""
    lines = [f"{'benchmark':<18}{'shots':<10}{'items':>7}{'right':>9}   95 % interval"]
    for section in sections(results):
        for row in section.rows:
            mark = "*" if row.is_best and len(section.rows) > 1 else " "
            lines.append(f"{section.name:<18}{_figures(row)} {mark} {row.note}".rstrip())
    mean = results["average"]
    if len(results["benchmarks"]) > 1:
        low, high = mean["interval"]
        row = Row("better", len(results["benchmarks"]), 100 * mean["accuracy"], 100 * low, 100 * high)
        lines.append(f"{'average':<18}{_figures(row)}".rstrip())
    if any(len(section.rows) > 1 for section in sections(results)):
        lines.append("* the better pass, which counts for the average")
    for section in sections(results):
        for label, rows in section.groups.items():
            lines += ["", f"{section.name} by {label.replace('_', ' ')}"]
            lines += [f"  {row.label:<26}{_figures(row)[10:]}".rstrip() for row in rows]
    notes = list(_notes(results))
    return [*lines, *([""] if notes else []), *notes]


def _figures(row: Row) -> str:
    return f"{row.label:<10}{row.items:>7,}{row.accuracy:>8.1f}%   {f'{row.low:.1f} to {row.high:.1f}':<14}"


def _notes(results: Mapping[str, Any]) -> Iterator[str]:
    for benchmark in results["benchmarks"]:
        if "not public" in benchmark["title"]:
            yield f"{benchmark['name']}: {benchmark['title']}"
        if benchmark["unusable"]:
            yield f"{benchmark['name']}: {benchmark['unusable']} rows have no gold answer and were left out"


def comparison_lines(comparison: Comparison) -> list[str]:
    """Differences as aligned lines."""
    lines = [f"change against {comparison.baseline}, in points"]
    lines.append(f"{'benchmark':<18}{'shots':<10}{'items':>7}{'change':>9}   95 % interval")
    for found in comparison.differences:
        shots = "better" if found.shots is None else _shots(found.shots)
        counts = f"won {found.won}, lost {found.lost}, p = {found.p_value:.2g}"
        figures = f"{found.items:>7,}{100 * found.change:>+9.1f}   {_points(found.interval):<16}"
        lines.append(f"{found.benchmark:<18}{shots:<10}{figures} {counts}")
    if comparison.average is not None:
        change, interval = comparison.average
        lines.append(f"{'average':<18}{'better':<10}{'':>7}{100 * change:>+9.1f}   {_points(interval)}")
    return lines + [f"note: {note}" for note in comparison.notes]


def _points(interval: tuple[float, float]) -> str:
    return f"{100 * interval[0]:+.1f} to {100 * interval[1]:+.1f}"
