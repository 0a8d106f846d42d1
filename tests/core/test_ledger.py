from pathlib import Path

import pytest

from mathmill.core.errors import DataError, OperationError
from mathmill.core.ledger import Entry, FileEntry, Ledger, StageCounts
from mathmill.core.storage import Folder


def entry(task: str, checksum: str = "c0", seconds: float = 1.0) -> Entry:
    file = FileEntry(port="out", name=f"documents/{checksum}.parquet", rows=3, bytes=10, checksum=checksum)
    counts = StageCounts(stage="read", rows_out={"out": 3}, seconds=seconds)
    return Entry(task=task, index=0, inputs=("a",), files=(file,), stages=(counts,), seconds=seconds)


def test_the_first_entry_of_a_task_wins(tmp_path: Path) -> None:
    ledger = Ledger(Folder(tmp_path), "pages")
    assert ledger.commit(entry("t1", "first"))
    assert not ledger.commit(entry("t1", "second"))
    assert ledger.entries()["t1"].files[0].checksum == "first"


def test_a_compacted_entry_outlives_a_later_repetition_of_its_task(tmp_path: Path) -> None:
    ledger = Ledger(Folder(tmp_path), "pages")
    ledger.commit(entry("t1", "first"))
    ledger.compact(["t1"])
    assert ledger.commit(entry("t1", "late"))  # another run did not see the compacted file yet
    assert ledger.entries()["t1"].files[0].checksum == "first"


def test_compacting_keeps_the_tasks_asked_for_in_their_order_and_drops_others(tmp_path: Path) -> None:
    ledger = Ledger(Folder(tmp_path), "pages")
    for name in ("a", "b", "old"):
        ledger.commit(entry(name, name))
    assert list(ledger.compact(["b", "a"])) == ["b", "a"]
    assert sorted(ledger.entries()) == ["a", "b"]
    assert (tmp_path / "ledger/pages").joinpath("segment.json").exists()
    assert len(list((tmp_path / "ledger/pages").iterdir())) == 1


def test_entries_that_are_compacted_while_they_are_read_are_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(Folder(tmp_path), "pages")
    ledger.commit(entry("t1"))
    ledger.commit(entry("t2"))
    listed = Folder.names

    def compacted_right_after(folder: Folder) -> list[str]:
        names = listed(folder)
        monkeypatch.setattr(Folder, "names", listed)
        Ledger(Folder(tmp_path), "pages").compact(["t1", "t2"])
        return names

    monkeypatch.setattr(Folder, "names", compacted_right_after)
    assert sorted(ledger.entries()) == ["t1", "t2"]


def test_a_task_without_entry_is_an_operators_matter(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="another run with other input worked in the same folder"):
        Ledger(Folder(tmp_path), "pages").compact(["gone"])


def test_a_forgotten_task_is_no_longer_finished(tmp_path: Path) -> None:
    ledger = Ledger(Folder(tmp_path), "pages")
    ledger.commit(entry("a"))
    ledger.commit(entry("b"))
    ledger.compact(["a", "b"])
    ledger.forget(["a"])
    assert sorted(ledger.entries()) == ["b"]


def test_a_damaged_entry_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "ledger/pages"
    folder.mkdir(parents=True)
    (folder / "t1.json").write_text("{half")
    with pytest.raises(DataError, match=r"t1\.json is damaged; remove it and run again"):
        Ledger(Folder(tmp_path), "pages").entries()
