"""A trainer that learns nothing: it says a greeting and how many tokens its data have, without a line of mathmill's."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = "import sys; print(f'{sys.argv[1]}, {open(sys.argv[2]).read()} tokens')"


@dataclass
class Spec:
    argv: tuple
    folder: Path
    env: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    notes: tuple = ()


class Run:
    def __init__(self, spec):
        self.log = spec.folder / "log.txt"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(spec.argv, cwd=spec.folder, stdout=log, stderr=log)

    def poll(self):
        return self.process.poll()

    def wait(self, timeout=None):
        return self.process.wait(timeout)

    def stop(self, grace=120.0):
        self.process.terminate()
        return self.process.wait(grace)


class Counting:
    def plan(self, manifest, config):
        folder = Path(config["out"])
        return Spec((sys.executable, "-c", PROGRAM, config["greeting"], str(folder / "data/tokens.txt")), folder)

    def export(self, manifest, out):
        out.mkdir(parents=True, exist_ok=True)
        (out / "tokens.txt").write_text(str(json.loads(manifest.read_text())["tokens"]))
        return [out / "tokens.txt"]

    def launch(self, spec):
        return Run(spec)
