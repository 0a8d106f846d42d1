"""Answers on disk: whatever happens to the process that writes them, and beside other processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted_server import HANG, Later, by_prompt, scripted

from mathmill.core.errors import ConfigError, OperationError
from mathmill.core.generation import ModelConfig, Request, open_generator
from mathmill.core.request import Part, request_digest
from mathmill.core.request_cache import RequestCache

WRITER = """
import sys
from mathmill.core.generation import ModelConfig, Request, open_generator
url, folder, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
requests = (Request(str(i), prompt=f"problem {i}", purpose="kill") for i in range(first, first + count))
try:
    with open_generator(ModelConfig(url=url, model="m", max_in_flight=16), folder) as generator:
        print(sum(1 for completion in generator.generate(requests)), flush=True)
except KeyboardInterrupt:
    import threading
    print("interrupted,", threading.active_count(), "thread", flush=True)
"""


def start(url: str, folder: Path, first: int = 0, count: int = 200) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, url, str(folder), str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def key(number: int) -> bytes:
    return number.to_bytes(16, "little")


def part(text: str, first: int = 0) -> Part:
    return Part(first, (text,), ("stop",), 10, 5)


def stored(folder: Path, prompts: list[str]) -> set[str]:
    cache = RequestCache(folder)
    return {prompt for prompt in prompts if cache.get(request_digest(Request("", prompt=prompt), "m", {}))}


def test_what_is_written_is_found_again_with_its_cost(tmp_path: Path) -> None:
    cache = RequestCache(tmp_path)
    cache.append(key(1), part("解：$x=2$", first=1), "teacher", 0.5)
    cache.append(key(1), part("first"), "teacher", 0.25)
    cache.append(key(2), part("other"), "student", 0.0)
    assert cache.get(key(3)) == ()
    cache.close()
    for _ in range(2):  # by its index, made by `close`, and by one that is read
        again = RequestCache(tmp_path)
        assert again.get(key(1)) == (part("解：$x=2$", first=1), part("first"))
        assert len(again) == 3
        assert again.account.by_purpose["teacher"].usd == 0.75
        assert again.account.by_purpose["student"].calls == 1
        again.close()
    assert len(list(tmp_path.iterdir())) == 2  # who writes nothing leaves nothing


@pytest.mark.parametrize("lost", [1, 5, 40, 60])
def test_a_torn_record_costs_itself_alone(tmp_path: Path, lost: int) -> None:
    cache = RequestCache(tmp_path)
    for number in range(3):
        cache.append(key(number), part("x" * 100), "", 0.0)
    [path] = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - lost)
    again = RequestCache(tmp_path)
    assert [len(again.get(key(number))) for number in range(3)] == [1, 1, 0]
    again.append(key(2), part("asked again"), "", 0.0)
    assert RequestCache(tmp_path).get(key(2)) == (part("asked again"),)


def test_damage_in_the_middle_costs_no_record_behind_it(tmp_path: Path) -> None:
    cache = RequestCache(tmp_path)
    for number in range(5):
        cache.append(key(number), part(f"answer {number}"), "", 0.0)
    cache.close()
    [index] = tmp_path.glob("*.index.npz")
    index.unlink()
    [path] = tmp_path.glob("*.answers")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    again = RequestCache(tmp_path)
    assert [len(again.get(key(number))) for number in range(5)] == [1, 1, 0, 1, 1]


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    cache = RequestCache(tmp_path)
    cache.append(key(1), part("4"), "", 0.0)
    cache.close()
    [index] = tmp_path.glob("*.index.npz")
    index.write_bytes(index.read_bytes()[:100])
    assert RequestCache(tmp_path).get(key(1)) == (part("4"),)
    assert RequestCache(tmp_path).get(key(1)) == (part("4"),)


def test_what_another_writes_is_seen_after_a_refresh(tmp_path: Path) -> None:
    first, second = RequestCache(tmp_path), RequestCache(tmp_path)
    for number in range(3):
        second.append(key(number), part("4"), "teacher", 1.0)
        assert first.get(key(number)) == ()
        first.refresh()
        first.refresh()
        assert first.get(key(number)) == (part("4"),)
        assert first.account.total().usd == number + 1
    second.close()
    first.refresh()
    assert first.account.total().usd == 3
    assert RequestCache(tmp_path).account.total().usd == 3


def test_a_request_is_known_by_its_content_and_not_by_its_key_or_purpose() -> None:
    request = Request("a", ({"role": "user", "content": "2+2"},))
    same = Request("b", ({"content": "2+2", "role": "user"},), purpose="teacher")
    assert request_digest(request, "m", {}) == request_digest(same, "m", {})
    others = [
        request._replace(messages=({"role": "system", "content": "2+2"},)),
        request._replace(messages=None, prompt="2+2"),
        *(request._replace(**change) for change in ({"n": 2}, {"temperature": 0.5}, {"top_p": 0.9}, {"seed": 0})),
        *(request._replace(**change) for change in ({"max_tokens": 9}, {"stop": ("a",)})),
    ]
    digests = {request_digest(other, "m", {}) for other in [request, *others]}
    assert len(digests | {request_digest(request, "m2", {}), request_digest(request, "m", {"a": 1})}) == 11


def test_a_cache_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a local folder"):
        RequestCache("s3://bucket/cache")
    (tmp_path / "file").touch()
    with pytest.raises(OperationError, match="cannot create the folder"):
        RequestCache(tmp_path / "file" / "cache")


def test_a_full_disk_stops_the_run_and_leaves_whole_records(tmp_path: Path, mount: "pytest.FixtureRequest") -> None:
    folder = mount("size=256k")  # type: ignore[operator]
    config_of = {"model": "m", "max_in_flight": 4}
    with scripted(by_prompt({}, "x" * 5_000)) as server:
        config = ModelConfig(url=server.url, **config_of)
        with (
            open_generator(config, folder) as generator,
            pytest.raises(OperationError, match="the disk is full; free some space"),
        ):
            list(generator.generate(Request(str(i), prompt=f"problem {i}") for i in range(100)))
        prompts = [f"problem {i}" for i in range(100)]
        kept = stored(folder, prompts)
        assert 20 < len(kept) < 60


@pytest.mark.slow
def test_nothing_that_is_stored_is_asked_again_after_sigkill(tmp_path: Path) -> None:
    prompts = [f"problem {number}" for number in range(200)]
    with scripted(by_prompt({}, Later("4", 0.02))) as server:
        known: set[str] = set()
        for at in (20, 60, 110, 170, None):
            asked_before = dict(server.asked)
            process = start(server.url, tmp_path)
            while at is not None and server.requests < at and process.poll() is None:
                time.sleep(0.001)
            if at is not None:
                process.kill()
            output = process.communicate(timeout=60)[0]
            repeated = {prompt for prompt in prompts if server.asked[prompt] > asked_before.get(prompt, 0)}
            assert not repeated & known
            known = stored(tmp_path, prompts)
        assert output == "200\n"
        assert len(known) == 200
        assert server.requests <= 200 + 4 * 16  # only what was under way when it was killed is asked twice
        requests = server.requests
        process = start(server.url, tmp_path)
        assert process.communicate(timeout=60)[0] == "200\n"
        assert server.requests == requests
    account = RequestCache(tmp_path).account.by_purpose["kill"]
    assert account.calls == 200


@pytest.mark.slow
def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    with scripted(by_prompt({}, Later("4", 0.01))) as server:
        both = [start(server.url, tmp_path, first) for first in (0, 200)]
        assert [process.communicate(timeout=60)[0] for process in both] == ["200\n", "200\n"]
        assert server.requests == 400
        assert start(server.url, tmp_path, 0, 400).communicate(timeout=60)[0] == "400\n"
        assert server.requests == 400
    cache = RequestCache(tmp_path)
    assert len(cache) == cache.account.total().calls == 400


@pytest.mark.slow
def test_an_interrupt_ends_the_process_at_once(tmp_path: Path) -> None:
    with scripted(by_prompt({}, HANG)) as server:
        process = start(server.url, tmp_path)
        while server.requests < 16:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[0] == "interrupted, 1 thread\n"
    assert process.returncode == 0
