import errno
import os
import threading
from pathlib import Path

import pytest

from mathmill.core.errors import OperationError
from mathmill.core.storage import Folder, explain, operating, retry


def test_only_one_of_many_writers_creates_a_name(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    wins = []
    barrier = threading.Barrier(8)

    def write(number: int) -> None:
        barrier.wait()
        if folder.create("entry.json", str(number).encode()):
            wins.append(number)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1
    assert folder.read("entry.json") == str(wins[0]).encode()
    assert folder.names() == ["entry.json"]


def test_publishing_replaces_a_file_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "run")
    for content in (b"old", b"new content"):
        local = tmp_path / "local"
        local.write_bytes(content)
        folder.publish(local, "documents/a.parquet")
    assert (tmp_path / "run/documents/a.parquet").read_bytes() == b"new content"
    assert os.listdir(tmp_path / "run/documents") == ["a.parquet"]
    assert not (tmp_path / "local").exists()


def test_names_of_a_missing_folder_are_none(tmp_path: Path) -> None:
    assert Folder(tmp_path / "nowhere").names() == []


def test_removing_a_file_twice_is_no_error(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("a", b"1")
    folder.remove("a")
    folder.remove("a")
    assert not folder.exists("a")


def test_a_full_disk_says_what_to_do() -> None:
    sentence = "cannot write x: the disk is full; free some space and run again"
    with pytest.raises(OperationError, match=sentence), operating("cannot write x"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_error_number_in_a_message_of_arrow_is_understood() -> None:
    assert explain(OSError("Error writing bytes to file. Detail: [errno 28] No space left")).startswith(
        "the disk is full"
    )


def test_a_file_in_the_place_of_a_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OperationError, match="cannot create the folder"):
        Folder(tmp_path / "file" / "run").create_folder()


def test_transient_errors_are_tried_again_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    calls = []

    def throttled() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("An error occurred (SlowDown): Please reduce your request rate")
        return "done"

    assert retry(throttled) == "done"
    assert len(calls) == 3

    def full() -> str:
        calls.append(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    calls.clear()
    with pytest.raises(OSError, match="No space"):
        retry(full)
    assert len(calls) == 1
