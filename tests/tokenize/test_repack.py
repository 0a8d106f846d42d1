import subprocess
import sys
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.tokenize.manifest import FILE_NAME, load
from mathmill.tokenize.packing import Strategy
from mathmill.tokenize.reader import Shard, ShardReader
from mathmill.tokenize.rejoin import RejoinedRecords
from mathmill.tokenize.repack import repack
from mathmill.tokenize.shards import shard_paths, write_shard
from mathmill.tokenize.verify import verify_shards


@pytest.fixture(autouse=True)
def without_peers(monkeypatch):
    monkeypatch.setattr("mathmill.tokenize.verify.PEER_READERS", ())


def files_of(folder, name):
    return [path.read_bytes() for path in shard_paths(folder / name).values()]


def records_of(folder):
    """record_id → tokens, read through the reader."""
    parts = {}
    for row in ShardReader(folder):
        for segment, labels in zip(row.segments, row.labels, strict=True):
            run = row.tokens[segment.start : segment.start + segment.length].tolist()
            parts.setdefault(segment.record_id, {})[segment.part] = (run, labels)
    return {
        key: ([token for part in range(len(found)) for token in found[part][0]], found[0][1])
        for key, found in parts.items()
    }


@settings(derandomize=True, max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_repacked_bytes_are_those_of_packing_the_records_directly(tmp_path_factory, random_encoded, write_folder, data):
    before, after = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    was, will_be = data.draw(st.sampled_from(get_args(Strategy))), data.draw(st.sampled_from(get_args(Strategy)))
    folder = tmp_path_factory.mktemp("repack")
    table = random_encoded(data.draw(st.integers(0, 10_000)), data.draw(st.integers(1, 40)))
    write_folder(folder / "old", {"a": [table]}, seq_len=before, packing=was)
    direct = write_folder(folder / "direct", {"a": [table]}, seq_len=after, packing=will_be)
    new = repack(folder / "old", folder / "new", seq_len=after, packing=will_be)
    assert (new.packing, new.cuts) == (will_be, direct.cuts)
    assert verify_shards(folder / "new").ok
    assert files_of(folder / "new", "a-0") == files_of(folder / "direct", "a-0")


def test_repacking_there_and_back_gives_the_same_shards(shards, tmp_path):
    manifest = repack(shards, tmp_path / "long", seq_len=50)
    assert manifest == load(tmp_path / "long")
    assert manifest.lineage.repacked_from == load(shards).digest
    repack(tmp_path / "long", tmp_path / "back", seq_len=16)
    for info in load(shards).shards():
        assert files_of(tmp_path / "back", info.name) == files_of(shards, info.name)
    assert load(tmp_path / "back").groups == load(shards).groups


def test_repacking_keeps_the_strategy_unless_told_otherwise(tmp_path, random_encoded, write_folder):
    write_folder(tmp_path / "old", {"a": [random_encoded(1, 20)]}, packing="concatenate-and-split")
    assert repack(tmp_path / "old", tmp_path / "kept", seq_len=7).packing == "concatenate-and-split"
    assert (
        repack(tmp_path / "old", tmp_path / "first", packing="first-fit-decreasing").packing == "first-fit-decreasing"
    )


def test_repacked_shards_hold_every_check_and_record(shards, tmp_path):
    for seq_len in (5, 40):
        manifest = repack(shards, tmp_path / str(seq_len), seq_len=seq_len)
        assert verify_shards(tmp_path / str(seq_len)).ok
        assert (manifest.seq_len, manifest.tokens) == (seq_len, load(shards).tokens)
        assert manifest.counts == load(shards).counts
    assert records_of(tmp_path / "5") == records_of(tmp_path / "40") == records_of(shards)


def test_records_go_to_the_first_new_group_that_selects_them(tmp_path, random_encoded, write_folder):
    table = random_encoded(8, 60)
    write_folder(tmp_path / "old", {"a": [table.slice(0, 30)], "b": [table.slice(30)]})
    groups = {"hard": "problems[difficulty=hard|medium]", "problems": "problems", "none": "documents[lang=fr]"}
    manifest = repack(tmp_path / "old", tmp_path / "new", groups=groups)
    assert verify_shards(tmp_path / "new").ok
    assert {name: group.selector for name, group in manifest.groups.items()} == groups
    assert manifest.groups["none"].rows == 0
    reader = ShardReader(tmp_path / "new")
    found = {
        name: {segment.record_id for number in rows for segment in reader[number].segments}
        for name, rows in reader.groups.items()
    }
    problems = [record for record in table.to_pylist() if record["corpus"] == "problems"]
    hard = {record["record_id"] for record in problems if record["difficulty"] in ("hard", "medium")}
    assert found == {"hard": hard, "problems": {record["record_id"] for record in problems} - hard, "none": set()}


def test_a_full_shard_of_a_new_group_is_followed_by_another(tmp_path, random_encoded, write_folder, monkeypatch):
    monkeypatch.setattr("mathmill.tokenize.rejoin._BATCH_TOKENS", 200)
    table = random_encoded(8, 60)
    write_folder(tmp_path / "old", {"a": [table]})
    groups = {"all": "documents", "rest": "problems"}
    manifest = repack(tmp_path / "old", tmp_path / "new", groups=groups, shard_tokens=300)
    names = [shard.name for shard in manifest.groups["all"].shards]
    assert names == [f"all-{number:05d}" for number in range(len(names))]
    assert len(names) > 2
    assert verify_shards(tmp_path / "new").ok
    assert records_of(tmp_path / "new") == records_of(tmp_path / "old")


def test_rejoined_records_are_the_token_stores(tmp_path, random_encoded, monkeypatch):
    monkeypatch.setattr("mathmill.tokenize.rejoin._BATCH_TOKENS", 100)
    table = random_encoded(9, 40)
    info = write_shard(tmp_path / "a", table, seq_len=16, vocab_size=1000, pad_id=0)
    records = RejoinedRecords.of(Shard(tmp_path / "a", 16, 1000, info.rows))
    again = pa.Table.from_batches(records.batches())
    assert again.schema.equals(table.schema)
    assert len(list(records.batches())) > 5
    kept = [name for name in table.column_names if name not in ("cuts", "loss_spans")]  # test_loss_weights.py
    assert again.select(kept).to_pylist() == table.select(kept).to_pylist()
    assert records.tokens(7).tolist() == table.column("tokens")[7].as_py()


def test_a_label_that_is_not_a_number_equals_itself(tmp_path, encoded_table, write_folder):
    table = encoded_table([{"tokens": list(range(40)), "math_score": float("nan"), "weight": 2.0}])
    write_folder(tmp_path / "s", {"a": [table]})
    assert verify_shards(tmp_path / "s").ok


def test_a_killed_repack_leaves_nothing_that_looks_complete_and_the_next_removes_it(shards, tmp_path):
    script = f"""
import os, signal
from mathmill.tokenize import repack
def die(*arguments, **settings):
    os.kill(os.getpid(), signal.SIGKILL)
repack.write_shard = die
repack.repack({str(shards)!r}, {str(tmp_path / "out")!r}, seq_len=32)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    (left,) = tmp_path.iterdir()
    assert left.name == ".out.repack"
    assert list(left.iterdir())  # the kill came while it was writing
    repack(shards, tmp_path / "out", seq_len=32)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert verify_shards(tmp_path / "out").ok


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, random_encoded, write_folder, mount):
    write_folder(tmp_path / "s", {"a": [random_encoded(1, 3000)]})
    disk = mount("size=128k")
    with pytest.raises(OperationError, match=r"the disk is full; free some space and run again, it starts over$"):
        repack(tmp_path / "s", disk / "out", seq_len=32)
    assert list(disk.iterdir()) == []


def test_the_tokenizer_goes_along(tmp_path, random_encoded, write_folder):
    write_folder(tmp_path / "old", {"a": [random_encoded(1, 20)]})
    (tmp_path / "old" / "tokenizer").mkdir()
    (tmp_path / "old" / "tokenizer" / "tokenizer.json").write_bytes(b"{}")
    repack(tmp_path / "old", tmp_path / "new", seq_len=32)
    assert (tmp_path / "new" / "tokenizer" / "tokenizer.json").read_bytes() == b"{}"


def test_an_output_that_is_there_already_is_refused(shards, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(OperationError, match="is there already"):
        repack(shards, tmp_path / "out", seq_len=32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seq_len": 0}, "from 1 to 134,217,728 tokens, not 0"),
        ({"seq_len": 2**31}, "from 1 to"),
        ({"packing": "worst-fit"}, "there is no packing 'worst-fit'"),
        ({"groups": {"../a": "documents"}}, "cannot name a group"),
        ({"groups": {"a": "documents[colour=red]"}}, "colour"),
    ],
)
def test_a_bad_request_is_one_clear_sentence_and_leaves_nothing(shards, tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        repack(shards, tmp_path / "out", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_broken_shards_leave_no_output(tmp_path, random_encoded, write_folder):
    write_folder(tmp_path / "old", {"a": [random_encoded(1, 20), random_encoded(2, 20)]})
    path = tmp_path / "old" / "a-1.idx"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"a-1\.idx: its size does not fit"):
        repack(tmp_path / "old", tmp_path / "new", seq_len=32)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert FILE_NAME in [path.name for path in (tmp_path / "old").iterdir()]


def test_int32_shards_are_repacked_too(tmp_path, random_encoded, write_folder):
    table = random_encoded(1, 20, 100_000)
    write_folder(tmp_path / "old", {"a": [table]}, vocab_size=100_000)
    repack(tmp_path / "old", tmp_path / "new", seq_len=33)
    expected = {record["record_id"]: record["tokens"] for record in table.to_pylist()}
    assert {key: tokens for key, (tokens, _) in records_of(tmp_path / "new").items()} == expected
    assert np.dtype(ShardReader(tmp_path / "new").dtype) == np.int32
