"""Documents that crash, hang or eat memory in a user's stage: each goes to quarantine alone, its neighbours stay.

The stage is installed like anybody's, by an entry point, and runs in the child process that the runner gives it.
"""

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mathmill.core.isolate import Isolated, Limits
from mathmill.jobs import registry, runner
from mathmill.jobs.check import verify_run
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.run import run_recipe

STAGE = """
import ctypes
import numpy as np
from mathmill.core.stage import BatchStage, OUT

class Fragile(BatchStage):
    name, version, isolated, needs = "fragile", 1, True, ("text",)

    def process_batch(self, batch):
        for text in batch.column("text").to_pylist():
            if "segfault here" in text: ctypes.string_at(0)
            if "hang here" in text:
                while True: pass
            if "eat memory here" in text: self.eaten = [np.empty(1 << 24) for _ in range(99)]
            if "raise here" in text: raise ValueError("poison")
        yield OUT, batch
"""

DEADLY = {
    "segfault here": "killed by SIGSEGV",
    "hang here": "timed out after 2 s",
    "eat memory here": "out of memory",
    "raise here": "ValueError: poison",
}

RECIPE = """\
name: poison
sources: [{name: lines, path: lines, kind: documents}]
stages: [fragile]
tokenize: {tokenizer: "mathmill:demo/tokenizer.json"}
shards: {seq_len: 256}
"""


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with a stage, and give its child process two seconds and a gibibyte."""
    package = tmp_path / "package"
    (package / "fragile-1.0.dist-info").mkdir(parents=True)
    (package / "fragile-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: fragile\nVersion: 1.0\n")
    (package / "fragile-1.0.dist-info" / "entry_points.txt").write_text(
        "[mathmill.stages]\nfragile = fragile:Fragile\n"
    )
    (package / "fragile.py").write_text(STAGE)
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.setattr(runner, "Isolated", partial(Isolated, limits=Limits(row_seconds=2.0, memory_bytes=1 << 30)))
    registry.stage_names.cache_clear()
    yield
    registry.stage_names.cache_clear()
    sys.modules.pop("fragile", None)


@pytest.mark.slow
@pytest.mark.usefixtures("fragile")
def test_poisoned_documents_go_to_quarantine_alone(tmp_path: Path) -> None:
    names = [f"The equation $x = {i}$ is harmless." for i in range(40)]
    for place, poison in zip((3, 11, 25, 39), DEADLY, strict=True):
        names[place] = f"Number {place}: {poison}."
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "a.jsonl").write_text("".join(json.dumps({"text": name}) + "\n" for name in names))
    recipe = parse_recipe(RECIPE.encode(), tmp_path / "recipe.yaml")
    out = tmp_path / "out"
    run_recipe(recipe, out)
    texts = pq.read_table(out / "documents").column("text").to_pylist()
    assert texts == [name for name in names if "harmless" in name]
    quarantined = pq.read_table(out / "quarantine").to_pylist()
    assert [row["error"] for row in quarantined] == list(DEADLY.values())
    assert {row["stage"] for row in quarantined} == {"fragile"}
    assert verify_run(out).ok
