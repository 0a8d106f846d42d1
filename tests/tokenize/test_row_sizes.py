import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathmill.core.errors import DataError
from mathmill.core.storage import Folder
from mathmill.tokenize.manifest import load
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.row_sizes import group_sizes, read_sizes
from mathmill.tokenize.segments import BATCH_ROWS, ROW_FIELDS


def test_the_sizes_of_rows_are_those_that_the_reader_sees(shards: Path) -> None:
    reader, manifest = ShardReader(shards), load(shards)
    for count, seen in (("tokens", [row.n_tokens for row in reader]), ("supervised_tokens", None)):
        seen = seen or [int(row.loss_mask.sum()) for row in reader]
        sizes = group_sizes(Folder(shards), manifest, count)
        assert list(sizes) == ["general", "hard"]
        assert {values.dtype for values in sizes.values()} == {np.dtype(np.int32)}
        assert np.concatenate(list(sizes.values())).tolist() == seen
    assert list(group_sizes(Folder(shards), manifest, groups=["hard"])) == ["hard"]


def test_a_group_without_shards_has_no_rows(tmp_path: Path, write_folder, random_encoded) -> None:
    manifest = write_folder(tmp_path / "shards", {"some": [random_encoded(0, 5)], "none": []})
    assert group_sizes(Folder(tmp_path / "shards"), manifest)["none"].tolist() == []


class Counting(io.RawIOBase):
    """A file object that counts what is read of it."""

    def __init__(self, path: Path) -> None:
        self._file, self.total = path.open("rb"), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        data = self._file.read(size)
        self.total += len(data)
        return data


def test_only_the_bytes_of_one_column_are_read(
    tmp_path: Path, write_folder, random_encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "shards", {"all": [random_encoded(1, 3000, longest=16)]})
    path = tmp_path / "shards" / "all-0.arrow"
    folder, counting = Folder(tmp_path / "shards"), Counting(path)
    monkeypatch.setattr(Folder, "open", lambda self, name: counting)
    rows = load(tmp_path / "shards").rows
    read_sizes(folder, "all-0.arrow", np.empty(rows, np.int32), 16)
    assert path.stat().st_size > 40 * 4 * rows
    assert counting.total < 4 * rows + 8_000 * (1 + rows // BATCH_ROWS)  # the column, the schema and the blocks' heads


def write_rows(path: Path, sizes: list[int | None]) -> None:
    arrays = [pa.array([[]] * len(sizes), ROW_FIELDS[0].type), pa.array(sizes, pa.int32()), pa.array(sizes, pa.int32())]
    names = [field.name for field in ROW_FIELDS]
    with pa.ipc.new_file(path, pa.schema(list(zip(names, [array.type for array in arrays], strict=True)))) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, names))


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ([5, 6], "not the 3 that the manifest says, but 2"),
        ([5, 6, 7, 8], "not the 3 that the manifest says"),
        ([5, None, 7], "not the 3 that the manifest says"),
        ([5, 17, 7], "more than 16 tokens"),
        ([5, -1, 7], "fewer than 0"),
    ],
)
def test_sizes_that_cannot_be_are_a_data_error(tmp_path: Path, sizes: list[int | None], sentence: str) -> None:
    write_rows(tmp_path / "a.arrow", sizes)
    with pytest.raises(DataError, match=sentence):
        read_sizes(Folder(tmp_path), "a.arrow", np.empty(3, np.int32), 16)


def test_a_file_that_is_missing_or_broken_is_a_data_error(tmp_path: Path) -> None:
    out = np.empty(3, np.int32)
    with pytest.raises(DataError, match=r"a.arrow: is missing"):
        read_sizes(Folder(tmp_path), "a.arrow", out, 16)
    write_rows(tmp_path / "a.arrow", [1, 2, 3])
    whole = (tmp_path / "a.arrow").read_bytes()
    for broken in (b"", b"no arrow at all", whole[:-30], whole[:100]):
        (tmp_path / "a.arrow").write_bytes(broken)
        with pytest.raises(DataError, match="not a readable Arrow file"):
            read_sizes(Folder(tmp_path), "a.arrow", out, 16)
