import struct

import numpy as np
import pytest

from mathmill.core.errors import DataError
from mathmill.tokenize.megatron_index import MegatronIndex, read_index, write_index
from mathmill.tokenize.reader import ShardReader


@pytest.fixture(scope="module")
def indexed_dataset():
    pytest.importorskip("torch", reason="megatron-core needs torch, which is not installed")
    module = pytest.importorskip(
        "megatron.core.datasets.indexed_dataset", reason="megatron-core is not installed", exc_type=ImportError
    )
    return module.IndexedDataset


def test_an_index_has_megatrons_layout(tmp_path):
    index = MegatronIndex(
        np.dtype(np.uint16), np.array([3, 6], np.int32), np.array([16, 0], np.int64), np.array([0, 1, 2], np.int64)
    )
    write_index(tmp_path / "a.idx", index)
    header = b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, 2, 3)
    assert (tmp_path / "a.idx").read_bytes() == header + struct.pack("<2i2q3q", 3, 6, 16, 0, 0, 1, 2)
    again = read_index(tmp_path / "a.idx")
    assert (again.lengths.tolist(), again.pointers.tolist()) == ([3, 6], [16, 0])
    assert again.document_indices.tolist() == [0, 1, 2]


def test_pointers_beyond_two_to_the_31_are_kept(tmp_path):
    index = MegatronIndex(
        np.dtype(np.int32), np.array([3], np.int32), np.array([2**40], np.int64), np.array([0, 1], np.int64)
    )
    write_index(tmp_path / "a.idx", index)
    assert read_index(tmp_path / "a.idx").pointers.tolist() == [2**40]
    assert read_index(tmp_path / "a.idx").dtype == np.int32


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too short"),
        (b"X" * 34, "not a Megatron index"),
        (b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 2, 8, 0, 1) + bytes(8), "version 1"),
        (b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 5, 0, 1) + bytes(8), "uint16 or int32"),
        (b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, 2**60, 1) + bytes(8), "its size does not fit"),
        (b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, 0, 0), "its size does not fit"),
        (b"MMIDIDX\x00\x00" + struct.pack("<QBQQiqqq", 1, 8, 1, 2, 5, 0, 0, 2), "do not divide"),
        (b"MMIDIDX\x00\x00" + struct.pack("<QBQQiqqq", 1, 8, 1, 2, 5, -2, 0, 1), "before the file's beginning"),
        (b"MMIDIDX\x00\x00" + struct.pack("<QBQQiqqq", 1, 8, 1, 2, 0, 0, 0, 1), "no length"),
    ],
)
def test_an_index_that_cannot_be_true_is_an_error(tmp_path, data, message):
    (tmp_path / "a.idx").write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_index(tmp_path / "a.idx")


def test_a_missing_index_is_an_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_index(tmp_path / "a.idx")


@pytest.mark.slow
@pytest.mark.parametrize("vocab_size", [1000, 100_000])
def test_megatron_cores_own_reader_sees_every_record(
    tmp_path, random_encoded, write_folder, indexed_dataset, vocab_size
):
    table = random_encoded(3, 50, vocab_size)
    write_folder(tmp_path / "s", {"a": [table]}, vocab_size=vocab_size)
    dataset = indexed_dataset(str(tmp_path / "s" / "a-0"))
    documents = dataset.document_indices
    assert len(documents) - 1 == table.num_rows
    for number, record in enumerate(table.to_pylist()):
        parts = [dataset[i] for i in range(documents[number], documents[number + 1])]
        assert np.concatenate(parts).tolist() == record["tokens"]
        assert {part.dtype for part in parts} == {ShardReader(tmp_path / "s").dtype}
        assert dataset.get(documents[number], offset=0, length=1).tolist() == record["tokens"][:1]
