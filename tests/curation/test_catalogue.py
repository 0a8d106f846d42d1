"""The catalogue of data sets: each entry reads a record of its set's own shape, and says what to do where it cannot."""

import ast
import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catalogue_records import RECORDS
from hub_server import hub
from pydantic import ValidationError

from mathmill.core.errors import OperationError
from mathmill.core.stage import DROPPED_PORT, OUT, QUARANTINE_PORT
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice
from mathmill.curation.readers.catalogue import catalogue, find_entry


def read(source):
    out = {OUT: [], DROPPED_PORT: [], QUARANTINE_PORT: []}
    for file in list_files(source):
        for part in plan_slices(file, source, 1 << 20):
            for port, batch in read_slice(source, part):
                out[port] += batch.to_pylist()
    return out


def rows(source):
    out = read(source)
    assert not out[QUARANTINE_PORT]
    return out[OUT]


def local_copy(name, record, folder):
    """Write a record as the entry's files are written."""
    path = catalogue()[name].path or "x.json"
    if path.endswith(".parquet"):
        file = folder / "train.parquet"
        pq.write_table(pa.Table.from_pylist([record]), file)
    elif path.endswith(".tsv"):
        file = folder / "a.tsv"
        file.write_text(record, encoding="utf-8")
    elif path.endswith("json"):
        file = folder / "a.json"
        is_array = catalogue()[name].records is None and "ape" not in name
        file.write_text(json.dumps([record] if is_array else record, ensure_ascii=False), encoding="utf-8")
    else:
        file = folder / "a.jsonl"
        file.write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def test_every_entry_makes_a_source_that_travels_to_other_processes():
    for name, entry in catalogue().items():
        source = SourceConfig.model_validate({"catalogue": name} | ({} if entry.path else {"path": "x"}))
        assert source.name == source.catalogue == name
        assert SourceConfig.model_validate(source.model_dump(mode="json")) == source
        assert entry.card.startswith("https://")


def test_every_entry_has_a_record_here():
    assert RECORDS.keys() == catalogue().keys()


@pytest.mark.parametrize("name", catalogue())
def test_a_record_of_the_set_becomes_ours(name, tmp_path):
    record, expected = RECORDS[RECORDS[name]] if isinstance(RECORDS[name], str) else RECORDS[name]
    [row] = rows(SourceConfig(catalogue=name, path=str(local_copy(name, record, tmp_path))))
    if isinstance(RECORDS[name], str):
        expected = {key: value for key, value in expected.items() if key != "lang"}
    assert {key: row[key] for key in expected} == expected
    entry = catalogue()[name]
    assert row["license"] == entry.license.replace("see card", f"see {entry.card}")


def test_what_a_recipe_says_beside_an_entry_goes_first(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"q": "1+1?", "a": "2"}\n')
    given = {
        "catalogue": "gsm8k",
        "name": "mine",
        "path": f"{tmp_path}",
        "fields": {"question": "q", "answer": "a"},
        "license": "none",
    }
    source = SourceConfig.model_validate(given)
    [row] = rows(source)
    assert (source.name, source.catalogue, source.license) == ("mine", "gsm8k", "none")
    assert (row["question"], row["solution"], row["answer"]) == ("1+1?", None, "2")


def test_who_says_fields_has_records_of_another_shape(tmp_path):
    source = SourceConfig(catalogue="lila", path=str(tmp_path), fields={"question": "Input"})
    assert (source.records, source.where) == (None, {})
    assert SourceConfig(catalogue="lila", path=str(tmp_path), where={"split": ("dev", "train")}).records == "Instances"


def test_an_entry_is_found_however_its_name_is_written():
    assert find_entry("NuminaMath_1.5")[0] == "numinamath-1-5"


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(ValidationError, match=r"there is no 'numina-cot' in the catalogue; did you mean numina"):
        SourceConfig.model_validate({"catalogue": "numina-cot"})


def test_an_archive_has_to_be_fetched_first():
    with pytest.raises(
        ValidationError, match=r"lila comes as an archive: fetch https://\S+/lila.zip, unpack it and give `path:`"
    ):
        SourceConfig.model_validate({"catalogue": "lila"})


def test_a_hub_that_is_out_of_reach_is_one_sentence_that_says_what_to_do(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # what the environment variable sets, read at import
    with pytest.raises(OperationError) as error:
        list_files(SourceConfig(catalogue="gsm8k"))
    sentence = str(error.value)
    assert sentence.startswith("source gsm8k: cannot read hf://datasets/openai/gsm8k/main/train-*.parquet: ")
    assert sentence.endswith("; give `path:` with a local copy where the hub is out of reach")


SHARED = {
    "problems/gsm8k_train": ("gsm8k", {"question": "question", "solution": "solution"}),
    "problems/math_train": ("math", {"question": "question", "solution": "solution", "difficulty_score": "level"}),
    "problems/ape210k_valid": (
        "ape210k",
        {"question": "question", "solution": "solution", "answer": "answer", "school_stage": "stage"},
    ),
    "problems/aqua_dev": (
        "aqua-rat",
        {"question": {"field": "question", "options": "options"}, "solution": "solution"},
    ),
    "problems/cmath_dev": ("cmath-dev", {"question": "question", "n_steps": "n_steps", "school_stage": "stage"}),
    "problems/mawps": ("mawps", {"question": "question", "answer": "answer"}),
    "problems/svamp": ("svamp", {"question": "question", "solution": "solution", "answer": "answer"}),
    "problems/tal_scq5k_en_train": (
        "tal-scq5k-en",
        {"question": {"field": "question", "options": "options"}, "answer": "answer"},
    ),
    "problems/tal_scq5k_cn_train": (
        "tal-scq5k-cn",
        {"question": {"field": "question", "options": "options"}, "answer": "answer"},
    ),
    "benchmarks/gaokao_bench_math": (
        "gaokao-bench",
        {"question": "question", "solution": "solution", "answer": "answer"},
    ),
    "benchmarks/agieval_sat_math": (
        "agieval-sat",
        {"question": {"field": "question", "options": "options"}, "answer": "answer"},
    ),
    "benchmarks/mgsm_zh": ("mgsm-zh", {"question": "question", "answer": "answer"}),
    "benchmarks/olympiadbench_oe_maths_en": (
        "olympiadbench-en",
        {"question": "question", "solution": "solution", "answer": "answer"},
    ),
    "benchmarks/math_test": ("math-test", {"question": "question", "solution": "solution"}),
}
COUNTS = {
    "gsm8k": 5950, "math": 5962, "ape210k": 4006, "aqua-rat": 192, "cmath-dev": 468, "mawps": 1666, "svamp": 796,
    "tal-scq5k-en": 2391, "tal-scq5k-cn": 2399, "gaokao-bench": 844, "agieval-sat": 220, "mgsm-zh": 250,
    "olympiadbench-en": 675, "math-test": 5000,
}  # fmt: skip


@pytest.mark.parametrize("file", SHARED)
def test_copies_of_another_shape_are_read_by_their_own_fields(file, shared_data):
    name, fields = SHARED[file]
    found = rows(SourceConfig(catalogue=name, path=str(shared_data / f"{file}.jsonl.zst"), fields=fields))
    assert len(found) == COUNTS[name]
    if "answer" in fields or "solution" in fields:
        answered = sum(row["answer"] is not None for row in found)
        assert answered >= 0.99 * len(found)
    if "school_stage" in fields:
        assert {row["school_stage"] for row in found} == {"elementary"}
    if "difficulty_score" in fields:
        assert {row["difficulty_score"] for row in found} == {1.0, 2.0, 3.0, 4.0, 5.0, None}
    if isinstance(fields["question"], dict):
        assert sum("\nB. " in row["question"] for row in found) >= 0.99 * len(found)


READ = """
import sys
from mathmill.core.errors import MathmillError
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice

source = SourceConfig(catalogue=sys.argv[1])
try:
    for file in list_files(source):
        for part in plan_slices(file, source, 1 << 20):
            for _, batch in read_slice(source, part):
                print(batch.to_pylist())
except MathmillError as error:
    print(error)
"""


def read_from_hub(name, endpoint):
    """Read an entry in a process of its own: the hub's client takes the endpoint when it is imported."""
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", READ, name]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=environment).stdout


def test_an_entry_is_read_from_the_hub(tmp_path):
    record = {"question": "How many?", "answer": "Two.\n#### 2"}
    data = local_copy("gsm8k", record, tmp_path).read_bytes()
    files = {"README.md": b"#", "main/test-00000-of-00001.parquet": b"", "main/train-00000-of-00001.parquet": data}
    with hub("openai/gsm8k", files) as endpoint:
        [row] = ast.literal_eval(read_from_hub("gsm8k", endpoint))
    assert (row["question"], row["answer"], row["license"]) == ("How many?", "2", "MIT")
    assert row["locator"]["file"] == "train-00000-of-00001.parquet"


def test_a_gated_set_says_that_a_token_is_needed():
    with hub("SynthLabsAI/Big-Math-RL-Verified", {}, is_gated=True) as endpoint:
        sentence = read_from_hub("big-math", endpoint)
    path = "hf://datasets/SynthLabsAI/Big-Math-RL-Verified/data/train-*.parquet"
    assert sentence == (
        f"source big-math: there is no file or folder {path}, or nothing in it; if it is gated, agree to its terms at "
        "https://huggingface.co/datasets/SynthLabsAI/Big-Math-RL-Verified and set HF_TOKEN in the environment, or give "
        "`path:` with a local copy\n"
    )
