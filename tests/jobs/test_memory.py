"""Memory must not grow with the crawl; `benchmarks/memory.py` measures the same at any size."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mathmill.jobs.example import RECIPE

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "memory.py"
ALLOWED_GROWTH = 150 << 20
_PROBLEMS = RECIPE.index("problems:  "), RECIPE.index("tokenize:")
DOCUMENTS_ONLY = (RECIPE[: _PROBLEMS[0]] + RECIPE[_PROBLEMS[1] :]).partition("mixture:")[0]


@pytest.fixture(scope="module")
def memory() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_memory", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    return module


@pytest.mark.full
def test_four_times_the_pages_in_one_task_take_no_more_memory(memory: ModuleType, tmp_path: Path) -> None:
    peaks = {}
    for pages in (800, 3_200):
        crawl = tmp_path / f"crawl-{pages}"
        memory.build_crawl(crawl, pages, files=1)
        measured, _ = memory.measure(crawl, tmp_path / f"out-{pages}", workers=1, recipe=DOCUMENTS_ONLY)
        assert measured.samples > 10
        peaks[pages] = measured.highest("driver")
    assert peaks[3_200] < peaks[800] + ALLOWED_GROWTH, peaks
    assert peaks[3_200] < 1 << 30
