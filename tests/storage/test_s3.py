"""Reading and writing on a real S3 server, and through a proxy that breaks what networks break."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import Proxy, Store, forget_clients, proxied, use_endpoint

from mathmill.core import faults
from mathmill.core.config import file_digest
from mathmill.core.errors import DataError, OperationError
from mathmill.core.remote import RemoteFile
from mathmill.core.storage import Folder, WrongContent
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice

pytestmark = pytest.mark.xdist_group("s3")

FAULTS = ("503", "reset", "cut", "short", "stall")


def every(n: int, fault: str, method: str = "") -> Callable[[int, str, str], str | None]:
    return lambda number, verb, path: fault if number % n == 0 and verb.startswith(method) else None


def noise(size: int) -> bytes:
    """Bytes that differ from place to place."""
    return b"".join(i.to_bytes(8, "big") for i in range(size // 8))


@pytest.fixture
def through(s3: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[Proxy], None]:
    """Send this process's requests through a proxy, with short time limits."""
    return lambda proxy: use_endpoint(monkeypatch, proxy.endpoint, read_timeout=1, connect_timeout=1)


def test_what_is_written_is_read_listed_replaced_and_removed(s3: Store, tmp_path: Path) -> None:
    folder = Folder(s3.url("run"))
    assert str(folder) == s3.url("run")
    assert (folder.names(), folder.folders(), folder.exists("a")) == ([], [], False)
    folder.write("a", b"1")
    folder.write("a", b"22")
    (folder / "sub").write("b", b"")
    assert (folder.names(), folder.folders(), folder.read("a")) == (["a"], ["sub"], b"22")
    assert (folder / "sub").read("b") == b""
    local = tmp_path / "local"
    local.write_bytes(b"published")
    folder.publish(local, "deep/c")
    assert (folder / "deep").read("c") == b"published"
    folder.remove("a")
    folder.remove("a")
    assert not folder.exists("a")
    with pytest.raises(FileNotFoundError):
        folder.read("a")


def test_a_listing_sees_what_another_process_wrote(s3: Store) -> None:
    mine, other = Folder(s3.url("run")), Folder(s3.url("run"))
    other.fs = type(other.fs)(skip_instance_cache=True)
    mine.write("a", b"1")
    assert mine.names() == ["a"]
    other.write("a", b"longer")
    other.write("b", b"2")
    assert (mine.names(), mine.read("a"), mine.exists("b")) == (["a", "b"], b"longer", True)


def test_a_large_file_goes_up_in_parts_and_comes_back_whole(s3: Store, tmp_path: Path) -> None:
    folder, local = Folder(s3.url("run")), tmp_path / "large"
    local.write_bytes(noise(40 << 20))
    folder.publish(local, "large")
    assert folder.fs.info(f"{folder.root}/large")["ETag"].strip('"').endswith("-3")
    fetched = folder.fetch("large", tmp_path / "fetched", local.stat().st_size, file_digest(local))
    assert file_digest(fetched) == file_digest(local)
    with folder.open("large") as file:
        file.seek(-8, 2)
        assert file.read() == noise(40 << 20)[-8:]
        file.seek(17 << 20)
        assert file.read(16) == noise(40 << 20)[17 << 20 : (17 << 20) + 16]


CREATE = """
import sys
from mathmill.core.storage import Folder
folder = Folder(sys.argv[1])
for i in range(10):
    if folder.create(f"{i}.json", sys.argv[2].encode()):
        print(i)
"""


def test_of_many_processes_one_creates_each_name(s3: Store) -> None:
    command = [sys.executable, "-c", CREATE, s3.url("ledger")]
    writers = [subprocess.Popen([*command, f"process {n}"], stdout=subprocess.PIPE, text=True) for n in range(4)]
    wins = {n: writer.communicate()[0].split() for n, writer in enumerate(writers)}
    assert sorted(name for names in wins.values() for name in names) == [str(i) for i in range(10)]
    folder = Folder(s3.url("ledger"))
    for n, names in wins.items():
        assert all(folder.read(f"{name}.json") == f"process {n}".encode() for name in names)


def test_a_name_is_created_once_by_threads_too(s3: Store) -> None:
    folder, wins = Folder(s3.url("ledger")), []

    def write(number: int) -> None:
        if folder.create("entry.json", str(number).encode()):
            wins.append(number)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [str(number).encode() for number in wins] == [folder.read("entry.json")]


def test_a_create_whose_answer_was_lost_is_not_taken_for_somebody_elses(
    s3: Store, through: Callable[[Proxy], None]
) -> None:
    with proxied(s3.endpoint, lambda number, verb, path: "lost" if number == 1 else None) as proxy:
        through(proxy)
        assert Folder(s3.url("run")).create("entry.json", b"ours")
        assert not Folder(s3.url("run")).create("entry.json", b"theirs")
        assert Folder(s3.url("run")).read("entry.json") == b"ours"
        assert [(fault, verb) for fault, verb, _ in proxy.faults] == [("lost", "PUT")]


@pytest.mark.full
def test_a_source_of_10_000_files_is_listed_whole(s3: Store) -> None:
    folder = Folder(s3.url("lines"))
    names = [f"{i:05d}.jsonl" for i in range(10_000)]
    folder.fs.pipe({f"{folder.root}/{name}": b"{}\n" for name in names}, batch_size=64)
    assert folder.names() == names
    files = list_files(SourceConfig(name="lines", path=s3.url("lines"), kind="documents"))
    assert [file.relative for file in files] == names
    assert files[0].fingerprint == "8a80554c91d9fca8acb82f023de02f11", "the MD5 that S3 gives as the ETag"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_is_read_whole_over_a_bad_network(s3: Store, through: Callable[[Proxy], None], fault: str) -> None:
    data = noise(9 << 20)
    Folder(s3.url("run")).write("data", data)
    with proxied(s3.endpoint, every(3, fault, "GET"), stall_seconds=1.5) as proxy:
        through(proxy)
        folder = Folder(s3.url("run"))
        with folder.open("data") as file:
            assert b"".join(iter(lambda: file.read(1 << 20), b"")) == data
            assert file.tell() == len(data)
        assert folder.read("data") == data
        assert fault in {fault for fault, _, _ in proxy.faults}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_copy_has_the_checksum_that_it_should_have(
    s3: Store, through: Callable[[Proxy], None], tmp_path: Path, fault: str
) -> None:
    local = tmp_path / "data"
    local.write_bytes(noise(1 << 20))
    size, checksum = local.stat().st_size, file_digest(local)
    Folder(s3.url("run")).publish(local, "data")
    with proxied(s3.endpoint, lambda n, verb, path: fault if n <= 2 else None, stall_seconds=1.5) as proxy:
        through(proxy)
        copy = Folder(s3.url("run")).fetch("data", tmp_path / "copy", size, checksum)
        assert file_digest(copy) == checksum
        assert proxy.faults[0][0] == fault


def test_a_file_that_is_always_short_is_one_clear_error_and_leaves_nothing(
    s3: Store, through: Callable[[Proxy], None], tmp_path: Path
) -> None:
    folder = Folder(s3.url("run"))
    folder.write("data", noise(1000))
    with proxied(s3.endpoint, every(1, "short")) as proxy:
        through(proxy)
        with pytest.raises(WrongContent, match=r"data is not what was written: .* \(500 bytes for 1,000\); remove it"):
            Folder(s3.url("run")).fetch("data", tmp_path / "copy", 1000, "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changes_while_it_is_read_is_an_error(s3: Store) -> None:
    folder = Folder(s3.url("run"))
    folder.write("data", noise(9 << 20))
    with folder.open("data") as file:
        file.read(1)
        folder.write("data", bytes(9 << 20))
        file.seek(5 << 20)
        with pytest.raises(OperationError, match="has changed while it was read; run again"):
            file.read(1)


def test_a_store_that_stays_down_is_one_sentence_after_a_bounded_time(
    s3: Store, through: Callable[[Proxy], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "PATIENCE", 2.0)
    for fault in ("503", "reset"):
        with proxied(s3.endpoint, every(1, fault)) as proxy:
            through(proxy)
            with pytest.raises(OperationError, match=r"tried for \d+ s; run again when the store answers"):
                Folder(s3.url("run")).read("data")
            assert 1 < proxy.requests < 60


def test_missing_and_wrong_credentials_are_one_sentence(s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    forget_clients()
    with pytest.raises(OperationError, match=r"cannot list .*signature"):
        Folder(s3.url("wrong")).names()
    source = SourceConfig(name="lines", path=s3.url("nowhere"), kind="documents")
    with pytest.raises(DataError, match="source lines: cannot read s3://"):
        list_files(source)
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    forget_clients()
    with pytest.raises(OperationError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        Folder(s3.url("none")).names()


PAGE = "<html><body><p>The equation $x^2 - 5x + 6 = 0$ of page {} has the roots 2 and 3.</p></body></html>"


def raw_files(folder: Path) -> dict[str, str]:
    """A file of each format, 300 records of some kilobytes each, so that a fault falls into their middle."""
    filler = ["".join(chr(97 + (i * j) % 26) for j in range(2000)) for i in range(300)]
    texts = [PAGE.format(i) + filler[i] for i in range(300)]
    members = []
    for i, text in enumerate(texts):
        http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{text}".encode()
        head = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/{i}\r\nContent-Length: {len(http)}"
        )
        members.append(gzip.compress(head.encode() + b"\r\n\r\n" + http + b"\r\n\r\n", 0))
    (folder / "a.warc.gz").write_bytes(b"".join(members))
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (folder / "a.jsonl").write_text(lines)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode(), 0))
    pq.write_table(pa.table({"text": texts}), folder / "a.parquet", row_group_size=50, compression="none")
    return {"a.warc.gz": "pages", "a.jsonl": "documents", "a.jsonl.gz": "documents", "a.parquet": "documents"}


def records(source: SourceConfig) -> list[tuple[str, list[dict[str, object]]]]:
    """All rows of a source by port."""
    rows: dict[str, list[dict[str, object]]] = {}
    for file in list_files(source):
        for slice_ in plan_slices(file, source, 200_000):
            for port, batch in read_slice(source, slice_):
                rows.setdefault(port, []).extend(batch.to_pylist())
    return sorted(rows.items())


@pytest.fixture
def small_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in pieces of 64 KiB, so that small files take many requests."""
    for name in (
        "core.remote._BLOCK_BYTES",
        "curation.readers.inflate._READ_BYTES",
        "curation.readers.inflate.PIECE_BYTES",
        "curation.readers.jsonl._PIECE_BYTES",
    ):
        monkeypatch.setattr(f"mathmill.{name}", 64 << 10)


@pytest.mark.usefixtures("small_reads")
@pytest.mark.parametrize("fault", FAULTS)
def test_raw_input_loses_no_record_to_a_bad_network(
    s3: Store, through: Callable[[Proxy], None], tmp_path: Path, fault: str
) -> None:
    for name, kind in raw_files(tmp_path).items():
        Folder(s3.url("raw")).write(name, (tmp_path / name).read_bytes())
        expected = records(SourceConfig(name="raw", path=str(tmp_path / name), kind=kind))
        assert [(port, len(rows)) for port, rows in expected] == [("out", 300)]
        rate = 12 if fault == "stall" else 4
        with proxied(s3.endpoint, every(rate, fault, "GET"), stall_seconds=1.2) as proxy:
            proxy.requests = rate - 4
            through(proxy)
            assert records(SourceConfig(name="raw", path=s3.url(f"raw/{name}"), kind=kind)) == expected
            assert proxy.faults, name


@pytest.mark.usefixtures("small_reads")
@pytest.mark.parametrize("name", ["a.warc.gz", "a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_a_store_that_fails_in_the_middle_of_raw_input_is_no_damaged_record(
    s3: Store, through: Callable[[Proxy], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(faults, "PATIENCE", 0.5)
    kind = raw_files(tmp_path)[name]
    Folder(s3.url("raw")).write(name, (tmp_path / name).read_bytes())
    source = SourceConfig(name="raw", path=s3.url(f"raw/{name}"), kind=kind)
    is_down = threading.Event()
    ports = []
    with proxied(s3.endpoint, lambda number, verb, path: "reset" if is_down.is_set() else None) as proxy:
        through(proxy)
        (file,) = list_files(source)
        (slice_,) = plan_slices(file, source, 1 << 30)
        batches = read_slice(source, slice_, batch_bytes=20_000)
        ports.append(next(batches)[0])
        is_down.set()
        with pytest.raises(OperationError, match="run again when the store answers"):
            ports.extend(port for port, _ in batches)
    assert set(ports) == {"out"}


def test_a_file_that_has_grown_since_it_was_listed_is_an_error(s3: Store) -> None:
    folder = Folder(s3.url("raw"))
    folder.write("a.jsonl", b'{"text": "x"}\n')
    source = SourceConfig(name="raw", path=s3.url("raw"), kind="documents")
    (file,) = list_files(source)
    folder.write("a.jsonl", b'{"text": "x"}\n{"text": "y"}\n')
    with pytest.raises(OperationError, match="has 28 bytes and had 14 when the run was planned; run again"):
        list(read_slice(source, plan_slices(file, source, 1 << 20)[0]))


def test_little_is_read_ahead(s3: Store, through: Callable[[Proxy], None]) -> None:
    Folder(s3.url("run")).write("data", bytes(20 << 20))
    with proxied(s3.endpoint, lambda *request: None) as proxy:
        through(proxy)
        folder = Folder(s3.url("run"))
        file = RemoteFile(folder.fs, f"{folder.root}/data")
        file.read(1000)
        assert len(file._file.cache.cache) <= 5 << 20, "of an open file no more than a few MiB are held"
        file.close()
