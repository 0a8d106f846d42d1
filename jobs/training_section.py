"""The part of a run's report about training on its shards: the loss over the steps, drawn and in figures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

METRICS, RESULT = "metrics.jsonl", "result.json"
"""What the bundled trainer leaves in its folder."""


@dataclass(frozen=True)
class Curve:
    """A loss over the steps: its figures, and its points in a chart of 100 by 100."""

    name: str
    steps: tuple[int, ...]
    losses: tuple[float, ...]
    points: str = ""


def training_section(folder: Path) -> Markup | None:
    """The part, safe HTML; None where the folder holds no losses of the bundled trainer."""
    found = [curve for curve in read_curves(folder) if curve.steps]
    if not found:
        return None
    curves, low, high = _drawn(found)
    result: dict[str, Any] = json.loads((folder / RESULT).read_text("utf-8")) if (folder / RESULT).exists() else {}
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["number"] = lambda value: f"{value:,}"
    text = resources.files("mathmill.jobs").joinpath("templates/training_section.html.j2").read_text("utf-8")
    parts = {"curves": curves, "low": low, "high": high, "steps": curves[0].steps[-1], "tokens": result.get("tokens")}
    return Markup(environment.from_string(text).render(parts))


def read_curves(folder: Path) -> list[Curve]:
    """The loss of the steps that were taken and the held-out loss; empty ones where there are none."""
    path = folder / METRICS
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    trained = [(line["step"], line["loss"]) for line in lines if line.get("taken")]
    held_out = [(line["step"], line["validation"]["all"]) for line in lines if line.get("validation")]
    return [_curve("training", trained), _curve("held out", held_out)]


def _curve(name: str, values: Sequence[tuple[int, float]]) -> Curve:
    return Curve(name, tuple(step for step, _ in values), tuple(loss for _, loss in values))


def _drawn(curves: Sequence[Curve]) -> tuple[list[Curve], float, float]:
    """The curves with their points; the lowest and the highest loss, which are the chart's edges."""
    last = max(max(curve.steps) for curve in curves) or 1
    low = min(min(curve.losses) for curve in curves)
    high = max(max(curve.losses) for curve in curves)
    height = (high - low) or 1.0
    drawn = []
    for curve in curves:
        pairs = zip(curve.steps, curve.losses, strict=True)
        points = " ".join(f"{100 * step / last:.2f},{100 * (high - loss) / height:.2f}" for step, loss in pairs)
        drawn.append(Curve(curve.name, curve.steps, curve.losses, points))
    return drawn, low, high
