"""The endpoint client against a server that does what servers do."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_server import (
    DROP,
    HALF_JSON,
    HANG,
    MALFORMED,
    TRUNCATED,
    Call,
    Later,
    Raw,
    Script,
    Status,
    Text,
    by_prompt,
    scripted,
)

from mathmill.core.errors import ConfigError, OperationError
from mathmill.core.generation import Budget, BudgetSpent, Completion, ModelConfig, Request, estimate, open_generator


def ask(text: str, **options: Any) -> Request:
    return Request(text, ({"role": "user", "content": text},), **options)


def config(url: str, **options: Any) -> ModelConfig:
    return ModelConfig(**{"url": url, "model": "m", "backoff_s": 0.01, "retries": 3, "timeout_s": 5.0, **options})


def answers(script: Script, *requests: Request, **options: Any) -> dict[str, Completion]:
    with scripted(script) as server, open_generator(config(server.url, **options)) as generator:
        return {completion.key: completion for completion in generator.generate(requests)}


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mathmill-endpoint"]


def test_an_answer_comes_with_its_reason_and_its_tokens() -> None:
    found = answers(lambda call: Text("4", "length", 7, 5), ask("2+2"))
    assert found["2+2"] == Completion("2+2", ("4",), ("length",), 7, 5)


def test_the_body_is_what_openai_compatible_servers_read() -> None:
    chat = ask("2+2", n=2, temperature=0.5, top_p=0.9, max_tokens=9, stop=("\n",), seed=3)
    raw = Request("raw", prompt="1, 2,", max_tokens=4)
    with scripted(lambda call: "4") as server:
        extra = {"min_p": 0.1, "max_tokens": None, "max_completion_tokens": 8}
        with open_generator(config(server.url)) as generator:
            list(generator.generate([raw]))
        with open_generator(config(server.url, extra_body=extra)) as generator:
            list(generator.generate([chat]))
    first, second = server.calls
    assert first.path == "/v1/completions"
    assert first.body == {"model": "m", "prompt": "1, 2,", "max_tokens": 4, "temperature": 0.0}
    assert second.path == "/v1/chat/completions"
    assert second.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "2+2"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "n": 2,
        "stop": ["\n"],
        "seed": 3,
        "min_p": 0.1,
        "max_completion_tokens": 8,
    }


@pytest.mark.parametrize("fault", [Status(429), Status(500), Status(503), DROP, TRUNCATED, HALF_JSON, MALFORMED])
def test_a_fault_that_passes_is_survived(fault: Any) -> None:
    found = answers(lambda call: fault if call.times <= 3 else "4", ask("2+2"))
    assert found["2+2"].texts == ("4",)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(500, "CUDA error"), "HTTP 500: CUDA error (tried 4 times)"),
        (Status(429, "slow down"), "HTTP 429: slow down (tried 4 times)"),
        (DROP, "the connection broke (ServerDisconnectedError) (tried 4 times)"),
        (TRUNCATED, "the connection broke (ClientPayloadError) (tried 4 times)"),
        (MALFORMED, "the answer has no choices (tried 4 times)"),
        (Raw(b"<html>"), "the answer is no JSON (6 bytes) (tried 4 times)"),
        (Raw(b"[" * 100_000), "the answer is nested too deeply (tried 4 times)"),
        (Raw(b'{"choices": [{"text": 4, "message": 4}]}'), "a choice has no text (tried 4 times)"),
        (Raw(b'{"error": {"message": "overloaded"}}'), "the server says overloaded (tried 4 times)"),
        (Status(400, "too long: context length is 4096"), "HTTP 400: too long: context length is 4096"),
    ],
)
def test_a_fault_that_stays_is_an_error_of_its_request_alone(fault: Any, error: str) -> None:
    found = answers(by_prompt({"bad": fault}, "4"), ask("bad"), ask("good"))
    assert found["bad"] == Completion("bad", (), (), 0, 0, error=error)
    assert found["good"].texts == ("4",)


def test_a_request_that_hangs_times_out_and_the_others_go_on() -> None:
    requests = [ask("hangs"), *(ask(f"good {number}") for number in range(20))]
    found = answers(by_prompt({"hangs": HANG}, "4"), *requests, timeout_s=0.2, retries=1, max_in_flight=2)
    assert found.pop("hangs").error == "no answer within 0.2 s (tried 2 times)"
    assert len(found) == 20
    assert all(completion.texts == ("4",) for completion in found.values())


def test_a_storm_of_429_and_500_over_all_requests_loses_none() -> None:
    def script(call: Call) -> Any:
        return [Status(429, headers={"Retry-After": "0"}), Status(500), "4"][min(call.times - 1, 2)]

    found = answers(script, *(ask(f"{number}") for number in range(200)))
    assert len(found) == 200
    assert all(completion.texts == ("4",) for completion in found.values())


def test_retry_after_is_obeyed() -> None:
    arrived = []

    def script(call: Call) -> Any:
        arrived.append(time.monotonic())
        return Status(429, headers={"Retry-After": "1"}) if call.times == 1 else "4"

    assert answers(script, ask("2+2"))["2+2"].error is None
    assert arrived[1] - arrived[0] >= 1.0


def test_a_server_that_dies_and_returns_loses_no_request() -> None:
    with scripted(by_prompt({}, Later("4", 0.05))) as server:

        def fall() -> None:
            while server.requests < 40:
                time.sleep(0.005)
            server.go_down()
            time.sleep(0.5)
            server.come_back()

        thread = threading.Thread(target=fall)
        thread.start()
        # without retries: only a connection that was open when the server died may count as a failure, once
        with open_generator(config(server.url, max_in_flight=8, retries=1)) as generator:
            found = list(generator.generate(ask(f"{number}") for number in range(200)))
        thread.join()
    assert [completion for completion in found if completion.error] == []
    assert len(found) == 200


def test_a_server_that_stays_away_ends_the_run_with_a_sentence() -> None:
    with scripted(lambda call: "4") as server:
        server.go_down()
        with (
            open_generator(config(server.url, patience_s=0.3)) as generator,
            pytest.raises(OperationError, match=r"is away: cannot connect .* for \d+ s; start it, or correct `url`"),
        ):
            list(generator.generate(ask(f"{number}") for number in range(100)))
        server.come_back()


def test_a_server_that_answers_nobody_ends_the_run_instead_of_losing_every_row() -> None:
    pulled = []

    def requests() -> Iterator[Request]:
        for number in range(10_000):
            pulled.append(number)
            yield ask(f"{number}")

    with scripted(lambda call: Status(500, "no model loaded")) as server:
        with (
            open_generator(config(server.url, max_in_flight=16, retries=0)) as generator,
            pytest.raises(OperationError, match=r"has not answered the last 64 requests.*no model loaded"),
        ):
            list(generator.generate(requests()))
        assert len(pulled) < 150


def test_a_server_that_hangs_throughout_ends_the_run_before_any_request_is_lost() -> None:
    with (
        scripted(lambda call: HANG) as server,
        open_generator(config(server.url, timeout_s=0.1, patience_s=0.3, retries=100)) as generator,
        pytest.raises(
            OperationError, match=r"has not answered anything for \d+ s, most lately 'no answer within 0.1 s'"
        ),
    ):
        list(generator.generate(ask(f"{number}") for number in range(1_000)))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (402, "add credit to the account"),
        (401, "set the environment variable that `api_key_env` names"),
        (403, "ask its owner for access"),
        (404, "check `model`, and that `url` ends"),
    ],
)
def test_a_refusal_of_everything_stops_the_run(status: int, advice: str) -> None:
    with (
        scripted(lambda call: Status(status, "no")) as server,
        open_generator(config(server.url)) as generator,
        pytest.raises(OperationError, match=advice),
    ):
        list(generator.generate([ask("a")]))


def test_a_redirect_is_not_followed_with_the_key() -> None:
    place = {"Location": "http://elsewhere.example/v1/chat/completions?a=b"}
    with (
        scripted(lambda call: Status(307, headers=place)) as server,
        open_generator(config(server.url)) as generator,
        pytest.raises(OperationError, match=r"redirects to http://elsewhere.example/v1/chat/completions: give"),
    ):
        list(generator.generate([ask("a")]))


def test_no_message_and_no_file_shows_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "sk-very-secret")
    monkeypatch.setenv("ROUTE", "route-secret")

    def script(call: Call) -> Any:
        assert call.headers["x-route"] == "route-secret"
        if "bad" in call.prompt:
            return Status(400, f"key {call.headers['authorization']} is not welcome, {call.headers['x-route']} neither")
        return "4"

    options = {"api_key_env": "TEACHER_KEY", "headers_env": {"X-Route": "ROUTE"}}
    with scripted(script, key="sk-very-secret") as server:
        settings = config(server.url, **options)
        with open_generator(settings, tmp_path) as generator:
            found = {completion.key: completion for completion in generator.generate([ask("bad"), ask("good")])}
        monkeypatch.setenv("TEACHER_KEY", "sk-wrong-secret")
        with open_generator(settings) as generator, pytest.raises(OperationError) as refused:
            list(generator.generate([ask("good")]))
    assert found["good"].texts == ("4",)
    assert found["bad"].error == "HTTP 400: key Bearer *** is not welcome, *** neither"
    assert "secret" not in str(refused.value)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"4" in written
    assert b"secret" not in written + settings.model_dump_json().encode()


def test_a_server_without_tls_is_named_at_once() -> None:
    with (
        scripted(lambda call: "4") as server,
        open_generator(config(server.url.replace("http:", "https:"))) as generator,
        pytest.raises(OperationError, match="no secure connection to https://127"),
    ):
        list(generator.generate([ask("a")]))


def test_an_address_without_a_server_is_refused() -> None:
    with pytest.raises(ConfigError, match="names no server; write it as"):
        open_generator(config("http:///v1"))


def test_a_key_in_the_address_is_refused() -> None:
    with pytest.raises(ValueError, match="carries a password"):
        ModelConfig(url="https://user:pass@host/v1", model="m")


def test_a_missing_header_variable_and_a_missing_model_are_named() -> None:
    with pytest.raises(ConfigError, match="X-Route is to come from NO_SUCH_VARIABLE"):
        open_generator(config("http://127.0.0.1:1/v1", headers_env={"X-Route": "NO_SUCH_VARIABLE"}))
    with pytest.raises(ValueError, match="`model` is missing"):
        ModelConfig(url="http://127.0.0.1:1/v1")


@pytest.mark.parametrize("refuses", [False, True])
def test_servers_that_know_no_n_are_asked_for_one_sample_at_a_time(refuses: bool) -> None:
    def script(call: Call) -> Any:
        if refuses and call.n > 1:
            return Status(400, "n must be 1")
        return Text([f"seed {call.body['seed']}"], prompt_tokens=10, completion_tokens=2)

    with scripted(script) as server, open_generator(config(server.url)) as generator:
        found = list(generator.generate([ask("a", n=3, seed=5)]))
        assert found[0].texts == ("seed 5", "seed 6", "seed 7")
        assert found[0].completion_tokens == 6
        before = server.requests
        assert next(iter(generator.generate([ask("b", n=2, seed=5)]))).texts == ("seed 5", "seed 6")
        assert server.requests == before + 2  # learnt


def test_samples_that_came_before_a_failure_are_not_asked_for_again(tmp_path: Path) -> None:
    fails = True

    def script(call: Call) -> Any:
        return Status(500) if fails and call.body["seed"] == 7 else [f"seed {call.body['seed']}"]

    with scripted(script) as server:
        with open_generator(config(server.url, retries=0), tmp_path) as generator:
            assert next(iter(generator.generate([ask("a", n=4, seed=5)]))).error is not None
        fails = False
        server.calls.clear()
        with open_generator(config(server.url), tmp_path) as generator:
            found = next(iter(generator.generate([ask("a", n=4, seed=5)])))
    assert found.texts == ("seed 5", "seed 6", "seed 7", "seed 8")
    assert [call.body["seed"] for call in server.calls] == [7]


def test_equal_requests_under_way_are_asked_once() -> None:
    with scripted(by_prompt({}, Later("4", 0.1))) as server, open_generator(config(server.url)) as generator:
        found = list(generator.generate([ask("a")._replace(key=key) for key in ("x", "y", "z")]))
    assert server.requests == 1
    assert [(completion.key, completion.cached) for completion in found] == [("x", False), ("y", True), ("z", True)]


def test_lone_surrogates_of_an_answer_become_valid_text() -> None:
    body = b'{"choices": [{"message": {"content": "a \\ud83d b"}, "finish_reason": "stop"}]}'
    completion = answers(lambda call: Raw(body), ask("a \ud800"))["a \ud800"]
    assert completion.texts == ("a \N{REPLACEMENT CHARACTER} b",)
    assert completion.prompt_tokens > 0  # estimated: the server does not say
    assert completion.completion_tokens > 0


def test_reasoning_that_reaches_the_limit_is_an_empty_text_and_not_an_error() -> None:
    body = b'{"choices": [{"message": {"content": null, "reasoning_content": "hm"}, "finish_reason": "length"}]}'
    completion = answers(lambda call: Raw(body), ask("a"))["a"]
    assert (completion.texts, completion.finish_reasons, completion.error) == (("",), ("length",), None)


def test_a_slow_consumer_holds_up_the_requests() -> None:
    pulled = []

    def requests() -> Iterator[Request]:
        for number in range(1_000):
            pulled.append(number)
            yield ask(f"{number}")

    with scripted(lambda call: "4") as server:
        with open_generator(config(server.url, max_in_flight=10)) as generator:
            found = generator.generate(requests())
            for _ in range(5):
                next(found)
                time.sleep(0.02)
            assert len(pulled) <= 25
            found.close()
        assert server.most_in_flight <= 10


def test_it_works_inside_a_running_loop_and_off_the_main_thread() -> None:
    async def inside(url: str) -> list[Completion]:
        with open_generator(config(url)) as generator:
            return list(generator.generate([ask("a")]))

    found: list[Completion] = []
    with scripted(lambda call: "4") as server:
        found += asyncio.run(inside(server.url))
        thread = threading.Thread(target=lambda: found.extend(asyncio.run(inside(server.url))))
        thread.start()
        thread.join()
    assert [completion.texts for completion in found] == [("4",), ("4",)]


def test_two_iterations_of_one_generator_do_not_mix() -> None:
    with scripted(lambda call: call.prompt) as server, open_generator(config(server.url)) as generator:
        first = generator.generate(ask(f"first {number}") for number in range(10))
        second = generator.generate(ask(f"{next(first).texts[0]} again") for _ in range(10))
        assert {completion.texts[0] for completion in second} == {f"first {number} again" for number in range(10)}


def test_a_generator_that_is_left_early_leaves_no_thread() -> None:
    with scripted(by_prompt({"hang": HANG}, "4")) as server:
        generator = open_generator(config(server.url))
        found = generator.generate([ask("a"), ask("hang")])
        assert next(found).texts == ("4",)
        found.close()
        generator.close()
        generator.close()
        assert our_threads() == []
        with pytest.raises(OperationError, match="the generator is closed"):
            list(generator.generate([ask("b")]))


def test_a_generator_that_is_forgotten_leaves_no_thread() -> None:
    with scripted(lambda call: "4") as server:
        assert len(list(open_generator(config(server.url)).generate([ask("a")]))) == 1
    assert our_threads() == []


def test_an_error_of_the_source_of_requests_passes_through() -> None:
    def requests() -> Iterator[Request]:
        yield ask("a")
        raise KeyError("the source")

    with (
        scripted(by_prompt({}, HANG)) as server,
        open_generator(config(server.url)) as generator,
        pytest.raises(KeyError, match="the source"),
    ):
        list(generator.generate(requests()))


def test_a_budget_is_never_exceeded_and_survives_a_restart(tmp_path: Path) -> None:
    requests = [ask(f"What is {number}?", max_tokens=10, purpose="teacher") for number in range(100)]
    settings = {"max_in_flight": 8}
    with scripted(by_prompt({}, Text("four", prompt_tokens=10, completion_tokens=10))) as server:
        for limit, least in ((500, 23), (500, 23), (1_000, 48)):
            with open_generator(config(server.url, **settings), tmp_path, Budget(max_tokens=limit)) as generator:
                found = []
                with pytest.raises(BudgetSpent, match=f"of {limit:,} tokens are spent"):
                    found.extend(generator.generate(requests))  # what came is kept in `found`
                spent = generator.spent()["teacher"]
            assert len(found) == spent.calls == server.requests
            assert least * 20 <= spent.prompt_tokens + spent.completion_tokens <= limit


def test_a_budget_of_money_counts_with_the_prices(tmp_path: Path) -> None:
    prices = {"usd_per_million_input": 1.0, "usd_per_million_output": 10.0, "max_in_flight": 4}
    requests = [ask(f"What is {number}?", max_tokens=100, purpose="judge") for number in range(50)]
    with scripted(by_prompt({}, Text("four", prompt_tokens=1_000, completion_tokens=100))) as server:
        with (
            open_generator(config(server.url, **prices), tmp_path, Budget(max_usd=0.02)) as generator,
            pytest.raises(BudgetSpent, match=r"of 0\.02 US dollars"),
        ):
            list(generator.generate(requests))
        spent = generator.spent()["judge"]
    # a call costs 0.002; the prompt is taken for 9 tokens beforehand, so at most 4 calls under way exceed the limit
    assert spent.usd == pytest.approx(0.002 * spent.calls)
    assert 9 <= spent.calls <= 13


def test_an_estimate_prices_what_the_cache_does_not_answer(tmp_path: Path) -> None:
    prices = {"usd_per_million_input": 2.0, "usd_per_million_output": 10.0}
    with scripted(lambda call: "4") as server:
        settings = config(server.url, **prices)
        with open_generator(settings, tmp_path) as generator:
            list(generator.generate([ask("known")]))
        requests = [ask("known"), ask("new " * 7), ask("new " * 7), ask("又一个问题"), ask("n", n=3)]
        found = estimate(requests, settings, expected_completion_tokens=100, cache=tmp_path, tokenizer=len)
        assert found[:4] == (5, 2, 28 + 5 + 1, 500)
        assert found.usd == pytest.approx((34 * 2 + 500 * 10) / 1e6)
        assert estimate([ask("x" * 35)], settings).prompt_tokens == 4 + 10
        assert estimate([ask("题" * 15)], settings).prompt_tokens == 4 + 10
        assert server.requests == 1
