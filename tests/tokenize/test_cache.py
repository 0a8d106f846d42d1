"""Remote shards: read through a folder on this machine, whole or not at all."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from servers import Proxy, Store, proxied, use_endpoint

from mathmill.core.config import file_digest
from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.core.storage import Folder
from mathmill.tokenize import cache as cache_module
from mathmill.tokenize.cache import Cache, default_path
from mathmill.tokenize.loader import Loader
from mathmill.tokenize.manifest import FileInfo, load
from mathmill.tokenize.reader import ShardReader

pytestmark = pytest.mark.xdist_group("s3")


@pytest.fixture
def remote(s3: Store, shards: Path) -> str:
    """The shards of the other tests, on an S3 server."""
    folder = Folder(s3.url("shards"))
    for path in sorted(shards.iterdir()):
        folder.publish(path, path.name)
    return s3.url("shards")


@pytest.fixture
def cached(tmp_path: Path) -> Callable[[], dict[str, int]]:
    """The files in the cache `tmp_path`, with their sizes."""
    return lambda: {path.name: path.stat().st_size for path in tmp_path.iterdir() if path.is_file()}


def gets(proxy: Proxy, requests: list[tuple[str, str]]) -> list[str]:
    """The shard files that were asked for."""
    return sorted(path.rsplit("/", 1)[1] for verb, path in requests if verb == "GET" and "-" in path.rsplit("/", 1)[1])


def watched(s3: Store) -> tuple[Callable[[int, str, str], None], list[tuple[str, str]]]:
    requests: list[tuple[str, str]] = []
    return lambda number, verb, path: requests.append((verb, path.split("?")[0])), requests


def test_remote_shards_read_as_local_ones(remote: str, shards: Path, tmp_path: Path) -> None:
    local, far = ShardReader(shards), ShardReader(remote, Cache(tmp_path))
    assert (len(far), far.groups, far.digest) == (len(local), local.groups, local.digest)
    order = list(range(0, len(local), 3))
    assert (far.gather(order) == local.gather(order)).all()
    assert all((a == b).all() for a, b in zip(far.targets(order), local.targets(order), strict=True))
    assert far[3].segments == local[3].segments
    assert far.row_tokens.tolist() == local.row_tokens.tolist()
    for arguments in ({"seed": 3}, {"groups": ["hard"]}):
        ours = [batch.tokens.tolist() for batch in Loader(remote, 8, cache=Cache(tmp_path), **arguments)]
        assert ours == [batch.tokens.tolist() for batch in Loader(shards, 8, **arguments)]


def test_a_file_is_fetched_when_first_used_and_once(
    s3: Store, remote: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cached: Callable[[], dict[str, int]]
) -> None:
    watch, requests = watched(s3)
    with proxied(s3.endpoint, watch) as proxy:
        use_endpoint(monkeypatch, proxy.endpoint)
        reader = ShardReader(remote, Cache(tmp_path))
        assert (gets(proxy, requests), cached()) == ([], {})
        reader.gather([-1])
        assert gets(proxy, requests) == ["hard-0.arrow", "hard-0.bin"]
        info = reader.manifest.groups["hard"].shards[0].files
        assert cached() == {f"{info[s].checksum}-{info[s].bytes}{s}": info[s].bytes for s in (".bin", ".arrow")}
        requests.clear()
        reader.gather([-1, -2])
        ShardReader(remote, Cache(tmp_path)).targets([-1])
        assert gets(proxy, requests) == []


@pytest.mark.parametrize("damage", ["other bytes", "shorter", "gone"])
def test_a_damaged_copy_is_fetched_again(remote: str, shards: Path, tmp_path: Path, damage: str) -> None:
    ShardReader(remote, Cache(tmp_path)).gather([0])
    (copy,) = tmp_path.glob("*.bin")
    good = copy.read_bytes()
    if damage == "other bytes":
        copy.write_bytes(bytes(len(good)))
    elif damage == "shorter":
        os.truncate(copy, len(good) - 1)
    else:
        copy.unlink()
    assert (ShardReader(remote, Cache(tmp_path)).gather([0]) == ShardReader(shards).gather([0])).all()
    assert copy.read_bytes() == good


def test_a_touched_but_right_copy_is_kept(remote: str, tmp_path: Path) -> None:
    ShardReader(remote, Cache(tmp_path)).gather([0])
    (copy,) = tmp_path.glob("*.bin")
    inode = copy.stat().st_ino
    os.utime(copy)
    ShardReader(remote, Cache(tmp_path)).gather([0])
    assert copy.stat().st_ino == inode


@pytest.mark.parametrize("fault", ["short", "cut", "reset", "503"])
def test_what_a_bad_network_damages_is_fetched_again(
    s3: Store, remote: str, shards: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    seen = []

    def first_two(number: int, verb: str, path: str) -> str | None:
        if verb != "GET" or "hard-0.bin" not in path or len(seen) >= 2:
            return None
        seen.append(fault)
        return fault

    with proxied(s3.endpoint, first_two) as proxy:
        use_endpoint(monkeypatch, proxy.endpoint, read_timeout=1, connect_timeout=1)
        assert (ShardReader(remote, Cache(tmp_path)).gather([-1]) == ShardReader(shards).gather([-1])).all()
        assert seen == [fault] * 2
    assert not list(tmp_path.glob("*.part"))


def test_a_file_that_is_not_what_the_manifest_says_is_one_sentence(remote: str, tmp_path: Path) -> None:
    Folder(remote).write("hard-0.bin", b"short")
    with pytest.raises(OperationError, match=r"hard-0\.bin is not what was written"):
        ShardReader(remote, Cache(tmp_path)).gather([-1])
    Folder(remote).remove("hard-0.bin")
    with pytest.raises(OperationError, match=r"hard-0\.bin is missing; copy the shards there again"):
        ShardReader(remote, Cache(tmp_path)).gather([-1])
    assert not list(tmp_path.glob("*.bin"))
    with pytest.raises(DataError, match=r"there is no manifest\.json in this folder"):
        ShardReader(f"{remote}/nowhere", Cache(tmp_path))


def local_store(tmp_path: Path, count: int, size: int = 1000) -> tuple[Folder, list[tuple[str, FileInfo]]]:
    """A folder that is read like a remote one, without a server: fsspec's memory file system."""
    folder = Folder(f"memory://{tmp_path.name}")
    files = []
    for number in range(count):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes([number]) * size)
        folder.publish(path, path.name)
        files.append((path.name, FileInfo(bytes=size, checksum=file_digest(path))))
    return folder, files


def names(cache: Cache) -> set[str]:
    return {path.name.split("-")[0] for path in cache.path.iterdir() if path.is_file()}


def test_what_was_used_longest_ago_leaves_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, files = local_store(tmp_path, 5)
    clock = iter(range(10**18, 2 * 10**18, 10**9))
    monkeypatch.setattr(cache_module.time, "time_ns", lambda: next(clock))
    cache = Cache(tmp_path / "cache", limit_bytes=3000)
    kept = [cache.fetch(folder, *files[number]) for number in (0, 1, 2)]
    with open(kept[1], "rb") as file:
        cache.fetch(folder, *files[0])  # used again: 1 is now the oldest
        cache.fetch(folder, *files[3])
        assert names(cache) == {files[number][1].checksum for number in (0, 2, 3)}
        assert file.read() == b"\1" * 1000, "who has it open keeps it"
    cache.fetch(folder, *files[1])
    assert names(cache) == {files[number][1].checksum for number in (0, 1, 3)}


def test_a_reader_outlives_the_eviction_of_its_files(remote: str, shards: Path, tmp_path: Path) -> None:
    sizes = [file.bytes for shard in load(shards).shards() for file in shard.files.values()]
    reader = ShardReader(remote, Cache(tmp_path, limit_bytes=2 * max(sizes)))
    everything = ShardReader(shards).gather(range(len(reader)))
    for _ in range(2):
        assert (reader.gather(range(len(reader))) == everything).all()
        assert sum(path.stat().st_size for path in tmp_path.iterdir() if path.is_file()) <= 2 * max(sizes)


def test_training_from_a_cache_that_is_too_small_is_refused(remote: str, shards: Path, tmp_path: Path) -> None:
    files = [info.files[suffix].bytes for info in load(shards).shards() for suffix in (".bin", ".arrow")]
    with pytest.raises(
        ConfigError, match=f"hold {sum(files):,} bytes, but the cache .* may hold {sum(files) - 1:,}; raise"
    ):
        Loader(remote, 8, cache=Cache(tmp_path, limit_bytes=sum(files) - 1))
    Loader(remote, 8, cache=Cache(tmp_path, limit_bytes=sum(files)))
    Loader(remote, 8, groups=["hard"], cache=Cache(tmp_path, limit_bytes=sum(files) - 1))
    assert Cache(tmp_path).capacity() > 2**20


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_of_a_torch_data_loader_read_remote_shards(
    remote: str, shards: Path, tmp_path: Path, workers: int
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from torch.utils.data import DataLoader

    from mathmill.tokenize.torch_data import ShardDataset

    data = DataLoader(ShardDataset(remote, 8, cache=Cache(tmp_path)), batch_size=None, num_workers=workers)
    assert [batch["input_ids"].tolist() for batch in data] == [batch.tokens.tolist() for batch in Loader(shards, 8)]


def test_a_file_beyond_the_limit_is_one_sentence(tmp_path: Path) -> None:
    folder, files = local_store(tmp_path, 1)
    with pytest.raises(
        OperationError, match="may hold 999 bytes, but a file has 1,000; raise its limit or let MATHMILL"
    ):
        Cache(tmp_path / "cache", limit_bytes=999).fetch(folder, *files[0])


def test_a_checksum_that_is_none_names_no_file(tmp_path: Path) -> None:
    folder, files = local_store(tmp_path, 1)
    with pytest.raises(DataError, match="in its manifest is no checksum"):
        Cache(tmp_path / "cache").fetch(folder, files[0][0], FileInfo(bytes=1000, checksum="../../../etc"))
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    folder, files = local_store(tmp_path, 1)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OperationError, match=r"cannot use the cache .*; MATHMILL_CACHE chooses another folder"):
        Cache(tmp_path / "file").fetch(folder, *files[0])


def test_copies_that_nobody_finishes_are_removed(tmp_path: Path) -> None:
    folder, files = local_store(tmp_path, 2)
    cache = Cache(tmp_path / "cache")
    cache.fetch(folder, *files[0])
    for name, age in (("old.part", 7200), ("new.part", 0)):
        (cache.path / name).write_bytes(b"x")
        os.utime(cache.path / name, (0, (cache.path / name).stat().st_mtime - age))
    cache.fetch(folder, *files[1])
    assert [path.name for path in cache.path.glob("*.part")] == ["new.part"]


def test_the_cache_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("MATHMILL_CACHE", str(tmp_path / "mine"))
    assert (default_path(), Cache("here").path) == (tmp_path / "mine", Path("here"))
    monkeypatch.delenv("MATHMILL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "mathmill"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_path() == Path.home() / ".cache" / "mathmill"


def test_threads_fetch_a_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, files = local_store(tmp_path, 1)
    fetched = []
    fetch = Folder.fetch
    monkeypatch.setattr(Folder, "fetch", lambda *arguments: fetched.append(1) or fetch(*arguments))
    cache = Cache(tmp_path / "cache")
    threads = [threading.Thread(target=cache.fetch, args=(folder, *files[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fetched) == 1


READ = """
import sys, hashlib
from mathmill.tokenize.cache import Cache
from mathmill.tokenize.reader import ShardReader
reader = ShardReader(sys.argv[1], Cache(sys.argv[2], limit_bytes=int(sys.argv[3]) or None))
for _ in range(int(sys.argv[4])):
    rows = hashlib.sha256(reader.gather(range(len(reader))).tobytes()).hexdigest()
print(rows)
"""


@pytest.mark.slow
@pytest.mark.parametrize("limited", [False, True])
def test_processes_share_a_cache(
    s3: Store, remote: str, shards: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limited: bool
) -> None:
    """Each file is fetched once by both together; where they evict each other's files, both still read right."""
    limit = 2 * max(file.bytes for shard in load(shards).shards() for file in shard.files.values()) if limited else 0
    watch, requests = watched(s3)
    with proxied(s3.endpoint, watch) as proxy:
        use_endpoint(monkeypatch, proxy.endpoint)
        command = [sys.executable, "-c", READ, remote, str(tmp_path), str(limit), "4" if limited else "1"]
        readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        found = {reader.communicate()[0].strip() for reader in readers}
        whole = subprocess.run([sys.executable, "-c", READ, str(shards), str(tmp_path), "0", "1"], stdout=-1, text=True)
        assert found == {whole.stdout.strip()}
        assert [reader.returncode for reader in readers] == [0, 0]
        if not limited:
            asked = gets(proxy, requests)
            assert len(asked) == len(set(asked)) == 6
