"""The bundled example: its recipe is what `mathmill init` writes and what `mathmill demo` runs."""

from importlib import resources
from pathlib import Path

from mathmill.jobs.recipe import Recipe, parse_recipe

_RECIPE = resources.files("mathmill.jobs").joinpath("recipes/demo.yaml")
RECIPE = _RECIPE.read_text(encoding="utf-8")


def demo_recipe() -> Recipe:
    """The recipe of `mathmill demo`, which reads bundled files only."""
    return parse_recipe(RECIPE.encode(), Path(str(_RECIPE)))
