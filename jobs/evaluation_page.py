"""The page of an evaluation, and its part for a run's report: accuracies with their intervals, drawn and in figures."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from mathmill.train_hooks.evaluation.compare import Comparison
from mathmill.train_hooks.evaluation.summary import sections


def evaluation_section(results: Mapping[str, Any], comparison: Comparison | None = None) -> Markup:
    """The part: safe HTML, to be put into a page as it is. results: what an evaluation's `results.json` holds."""
    parts = {"results": results, "sections": sections(results), "comparison": comparison}
    return Markup(_template("evaluation_section").render(parts))


def evaluation_page(results: Mapping[str, Any], comparison: Comparison | None = None) -> str:
    """The whole page; nothing is loaded from elsewhere."""
    section = evaluation_section(results, comparison)
    return _template("evaluation").render({"results": results, "section": section})


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["points"] = lambda value: f"{value:.1f}"
    text = resources.files("mathmill.jobs").joinpath(f"templates/{name}.html.j2").read_text("utf-8")
    return environment.from_string(text)
