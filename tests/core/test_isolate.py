import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.core.isolate import Isolated, Limits
from mathmill.core.stage import StageContext

STAGES = '''
import ctypes, os, sys
import numpy as np
import pyarrow as pa
from mathmill.core.config import StageConfig
from mathmill.core.errors import DataError
from mathmill.core.stage import BatchStage, OUT, StageContext, split_dropped


class PoisonConfig(StageConfig):
    suffix: str = "!"


class Poison(BatchStage):
    """Does what the text of a row says; adds a suffix to every other text and drops "drop"."""

    name, version, Config = "poison", 3, PoisonConfig

    def open(self, context: StageContext) -> None:
        self.context = context
        if self.config.suffix == "raise in open":
            raise DataError("no model")
        if self.config.suffix == "die in open":
            os._exit(9)
        if self.config.suffix == "bug in open":
            raise ValueError("bug")

    def output_schemas(self, schema):
        return {OUT: schema}

    def process_batch(self, batch):
        texts = batch.column("text").to_pylist()
        for text in texts:
            print("noise on the pipe")
            if text == "segfault": ctypes.string_at(0)
            elif text == "abort": os.abort()
            elif text == "kill": os.kill(os.getpid(), 9)
            elif text == "hang":
                while True: pass
            elif text == "eat": self.eaten = [np.ones(1 << 20) for _ in range(4096)]
            elif text == "raise": raise ValueError("no \\ud800 good")
            elif text == "exit": sys.exit(3)
            elif text == "_exit": os._exit(0)
            elif text == "close pipe": os.closerange(3, 64)
            elif text == "stop the run": raise DataError("this run cannot go on")
            elif text == "die later": self.is_ill = True
            elif getattr(self, "is_ill", False): os._exit(5)
        where = f"{self.context.task_index} {sorted(self.context.side_inputs.items())}"
        values = {"pid": str(os.getpid()), "context": where}
        changed = [values.get(text, text and text + self.config.suffix) for text in texts]
        batch = batch.set_column(1, "text", pa.array(changed, pa.string()))
        keep = np.array([t != "drop" for t in texts])
        return split_dropped(batch, keep, self.name, "wanted", detail=texts)
'''

DEADLY = {
    "segfault": "killed by SIGSEGV",
    "abort": "killed by SIGABRT",
    "kill": "killed by SIGKILL (for want of memory?)",
    "eat": "out of memory",
    "raise": "ValueError: no ? good",
    "exit": "exited with status 3",
    "_exit": "exited with status 0",
    "close pipe": "exited with status 1",
}
LIMITS = Limits(row_seconds=60, memory_bytes=640 << 20)


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stages")
    (folder / "poisoned_stages.py").write_text(STAGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder))
        yield "poisoned_stages:Poison"


@pytest.fixture
def isolated(module, tmp_path):
    stage = Isolated(module, {}, LIMITS)
    stage.open(StageContext(tmp_path))
    yield stage
    stage.close()


def batch_of(*texts):
    return pa.RecordBatch.from_pydict({"id": [f"id{i}" for i in range(len(texts))], "text": list(texts)})


def run(stage, *texts):
    """Return what came out on each port, as (id, text, error or detail)."""
    ports = {"out": {}, "dropped": {}, "quarantine": {}}
    for port, batch in stage.process(iter([batch_of(*texts)])):
        batch.validate(full=True)
        column = {"out": "text", "dropped": "detail", "quarantine": "error"}[port]
        rows = dict(zip(batch.column(0).to_pylist(), batch.column(column).to_pylist(), strict=True))
        assert not rows.keys() & ports[port].keys()
        ports[port] |= rows
    return ports


def test_rows_pass_through_the_child_with_their_ports(isolated):
    assert (isolated.name, isolated.version) == ("poison", 3)
    assert run(isolated, "a", "drop", None, "\u4e00") == {
        "out": {"id0": "a!", "id2": None, "id3": "\u4e00!"},
        "dropped": {"id1": "drop"},
        "quarantine": {},
    }
    assert int(run(isolated, "pid")["out"]["id0"]) != os.getpid()


@pytest.mark.parametrize("text", DEADLY)
def test_a_row_that_kills_goes_to_quarantine_and_its_neighbours_go_on(isolated, text):
    ports = run(isolated, "a", "b", text, "c")
    assert ports["out"] == {"id0": "a!", "id1": "b!", "id3": "c!"}
    [error] = ports["quarantine"].values()
    assert error.startswith(DEADLY[text])
    assert list(ports["quarantine"]) == ["id2"]
    assert run(isolated, "d")["out"] == {"id0": "d!"}


def test_a_row_that_hangs_is_quarantined_after_its_time(module, tmp_path):
    stage = Isolated(module, {}, Limits(row_seconds=4))
    stage.open(StageContext(tmp_path))
    ports = run(stage, "a", "b", "hang", "c")
    stage.close()
    assert ports["out"] == {"id0": "a!", "id1": "b!", "id3": "c!"}
    assert ports["quarantine"] == {"id2": "timed out after 4 s"}


def test_several_poisoned_rows_in_a_large_batch_cost_themselves_alone(isolated):
    texts = [f"t{i}" for i in range(200)]
    bad = {3: "segfault", 100: "raise", 199: "exit"}
    for i, text in bad.items():
        texts[i] = text
    ports = run(isolated, *texts)
    assert ports["out"] == {f"id{i}": f"{text}!" for i, text in enumerate(texts) if i not in bad}
    assert {id_: error.split(":")[0] for id_, error in ports["quarantine"].items()} == {
        f"id{i}": DEADLY[text].split(":")[0] for i, text in bad.items()
    }


def test_a_row_is_not_blamed_for_the_heap_that_others_left(isolated):
    assert run(isolated, "die later", "a", "b")["quarantine"] == {}
    assert run(isolated, "die later", "a", "b")["out"] == {"id0": "die later!", "id1": "a!", "id2": "b!"}


def test_an_error_of_the_run_stops_the_run(isolated):
    with pytest.raises(DataError, match="this run cannot go on"):
        run(isolated, "a", "stop the run")
    assert run(isolated, "a")["out"] == {"id0": "a!"}


def test_the_child_stays_for_the_next_task_and_is_opened_anew(module, tmp_path):
    seen = []
    for index in (4, 5):
        stage = Isolated(module, {"suffix": "?"}, LIMITS)
        stage.open(StageContext(tmp_path, index, {"b": [tmp_path], "a": []}))
        seen.append(run(stage, "pid", "context")["out"])
        stage.close()
    assert seen[0]["id0"] == seen[1]["id0"]
    assert [row["id1"][:1] for row in seen] == ["4", "5"]
    assert seen[0]["id1"][2:] == f"[('a', []), ('b', [PosixPath('{tmp_path}')])]"


def test_two_open_stages_have_two_children(module, tmp_path):
    stages = [Isolated(module, {}, LIMITS) for _ in range(2)]
    for stage in stages:
        stage.open(StageContext(tmp_path))
    assert len({run(stage, "pid")["out"]["id0"] for stage in stages}) == 2
    for stage in stages:
        stage.close()


def test_a_child_that_died_between_two_tasks_is_replaced(module, tmp_path):
    stage = Isolated(module, {}, LIMITS)
    for _ in range(2):
        stage.open(StageContext(tmp_path))
        child = int(run(stage, "pid")["out"]["id0"])
        stage.close()
        os.kill(child, signal.SIGKILL)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("suffix", "error", "message"),
    [
        ("raise in open", DataError, "no model"),
        ("bug in open", OperationError, "the stage cannot be opened: ValueError: bug"),
        ("die in open", OperationError, "the stage poison cannot be opened in a child process: exited with status 9"),
    ],
)
def test_a_stage_that_cannot_be_opened_is_one_sentence(module, tmp_path, suffix, error, message):
    with pytest.raises(error, match=message):
        Isolated(module, {"suffix": suffix}, LIMITS).open(StageContext(tmp_path))


def test_a_stage_that_cannot_be_imported_is_one_sentence():
    for cls in ("no_such_module:Stage", "mathmill.core.stage:NoStage"):
        with pytest.raises(ConfigError, match=f"the stage {cls} cannot be imported"):
            Isolated(cls, {})


def test_large_batches_pass_in_both_directions(isolated):
    texts = ["x" * (1 << 20)] * 20
    assert run(isolated, *texts)["out"] == {f"id{i}": text + "!" for i, text in enumerate(texts)}


@pytest.mark.parametrize("texts", [["a"], ["drop"], ["a", None, "drop", "bcd"] * 9])
def test_what_comes_back_lies_where_arrow_wants_it(isolated, texts):
    for _, batch in isolated.process(iter([batch_of(*texts)])):
        buffers = [buffer for column in batch.columns for buffer in column.buffers() if buffer is not None]
        assert [buffer.address % 8 for buffer in buffers] == [0] * len(buffers)


def test_ctrl_c_is_left_to_the_parent(isolated):
    child = int(run(isolated, "pid")["out"]["id0"])
    os.kill(child, signal.SIGINT)
    assert run(isolated, "pid")["out"]["id0"] == str(child)


PARENT = """
import sys, pyarrow as pa
from mathmill.core.isolate import Isolated
from mathmill.core.stage import StageContext
stage = Isolated(sys.argv[1], {})
stage.open(StageContext(sys.argv[2]))
pid = [b.column("text")[0].as_py() for _, b in stage.process_batch(pa.record_batch({"id": ["a"], "text": ["pid"]}))]
print(*pid, flush=True)
list(stage.process_batch(pa.record_batch({"id": ["a"], "text": ["hang"]})))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a busy child with its parent")
def test_a_busy_child_dies_with_its_parent(module, tmp_path):
    command = [sys.executable, "-c", PARENT, module, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        time.sleep(0.1)
        assert Path(f"/proc/{child}").exists()
        parent.kill()
    for _ in range(100):
        status = Path(f"/proc/{child}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"process {child} lives on")


def test_nothing_reaches_the_terminal(module, tmp_path):
    script = PARENT.replace('"hang"', '"abort"')
    result = subprocess.run(
        [sys.executable, "-c", script, module, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip().isdigit()


def test_a_batch_gets_time_by_its_rows():
    assert Limits(row_seconds=30).batch_seconds(1) == 30
    assert np.isclose(Limits(row_seconds=30).batch_seconds(4096), 152.85)


def test_errors_go_from_process_to_process_as_text_and_nothing_else_does() -> None:
    from mathmill.core.errors import DataError, MathmillError, error_from_json, error_to_json

    class Own(DataError):
        pass

    assert error_to_json(Own("a.warc is damaged")) == '["DataError", "a.warc is damaged"]'
    found = error_from_json(b'["MathmillError", "it stopped"]')
    assert (type(found), str(found)) == (MathmillError, "it stopped")
    with pytest.raises(ValueError, match="'SystemExit' is no error of mathmill's"):
        error_from_json('["SystemExit", "x"]')
