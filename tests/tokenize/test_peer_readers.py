"""The readers of megatron-core and datatrove as verification asks them."""

import shutil
import sys

import numpy as np
import pytest

from mathmill.tokenize.manifest import load
from mathmill.tokenize.peer_readers import PEER_READERS
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.verify import verify_shards

NAMES = [peer.name for peer in PEER_READERS]


def reader_of(name):
    peer = next(peer for peer in PEER_READERS if peer.name == name)
    pytest.importorskip("torch", reason=f"{name} needs torch, which is not installed")
    pytest.importorskip(peer.module, reason=f"{name} is not installed", exc_type=ImportError)
    return peer.load()


def checks_of(folder):
    return {check.name: check for check in verify_shards(folder).checks}


@pytest.mark.slow
@pytest.mark.parametrize("vocab_size", [1000, 100_000])
@pytest.mark.parametrize("seq_len", [1, 16])
def test_datatroves_own_reader_sees_every_row(tmp_path, random_encoded, write_folder, vocab_size, seq_len):
    reader = reader_of("datatrove")
    write_folder(tmp_path, {"a": [random_encoded(3, 30, vocab_size)]}, vocab_size=vocab_size, seq_len=seq_len)
    rows = [row.tokens.tolist() for row in ShardReader(tmp_path)]
    dataset = reader(str(tmp_path / "a-0.bin"), seq_len - 1, token_size=2 if vocab_size == 1000 else 4)
    assert [dataset[i]["input_ids"].tolist() for i in range(len(dataset))] == rows


@pytest.mark.slow
def test_verification_asks_both_where_they_are_installed(shards):
    for name in NAMES:
        reader_of(name)
    checks = checks_of(shards)
    assert checks["megatron"].ok
    assert checks["megatron"].detail.endswith(" sequences are the same in megatron-core's own reader")
    assert checks["datatrove"].ok
    assert checks["datatrove"].detail == f"{load(shards).rows} rows are the same in datatrove's own reader"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_verification_finds_what_another_reader_would_see_otherwise(shards, monkeypatch, name):
    reader = reader_of(name)
    seen = reader.__getitem__

    def other(dataset, number):
        item = seen(dataset, number)
        if number == 7:
            return {"input_ids": item["input_ids"] + 1} if name == "datatrove" else item + 1
        return item

    monkeypatch.setattr(reader, "__getitem__", other)
    check = checks_of(shards)[name]
    assert check.ok is False
    assert f"the reader of {name} sees other tokens" in check.detail


@pytest.mark.slow
@pytest.mark.parametrize(("name", "suffix"), [("megatron", ".idx"), ("datatrove", ".bin")])
def test_a_file_that_another_reader_cannot_read_fails_its_check(shards, tmp_path, name, suffix):
    reader_of(name)
    copy = shutil.copytree(shards, tmp_path / "copy")
    path = copy / f"general-1{suffix}"
    path.write_bytes(path.read_bytes()[:-6])
    check = checks_of(copy)[name]
    assert check.ok is False
    assert f"general-1: the reader of {name} fails" in check.detail


@pytest.mark.slow
def test_an_index_whose_sequences_point_elsewhere_fails_the_check(shards, tmp_path, sign_again):
    reader_of("megatron")
    copy = shutil.copytree(shards, tmp_path / "copy")
    path = copy / "hard-0.idx"
    data = bytearray(path.read_bytes())
    n_sequences = int.from_bytes(data[18:26], "little")
    pointers = np.frombuffer(data, "<i8", n_sequences, 34 + 4 * n_sequences)
    pointers[0] = 2**40
    path.unlink()
    path.write_bytes(data)
    sign_again(copy)
    checks = checks_of(copy)
    assert (checks["index"].ok, checks["megatron"].ok) == (False, False)


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_that_is_not_installed_is_reported_as_not_run(shards, monkeypatch, name):
    for peer in PEER_READERS:
        monkeypatch.setitem(sys.modules, peer.module, None)
    report = verify_shards(shards)
    check = next(check for check in report.checks if check.name == name)
    assert check.ok is None
    assert "dataset" in check.detail
    assert report.ok
    assert any(line.startswith(f"not run {name}") for line in report.lines())
