import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiktoken
import tokenizers

from mathmill.core.errors import ConfigError
from mathmill.tokenize.encode import EncodeConfig
from mathmill.tokenize.tokenizer import Tokenizer
from mathmill.tokenize.tokenizer_files import portable_files
from mathmill.tokenize.vocabulary.adversarial import LITERAL, adversarial_texts
from mathmill.tokenize.vocabulary.byte_level import GPT4_PATTERN
from mathmill.tokenize.vocabulary.tiktoken_files import CONVENTIONS, tokenizer_json

END = "<|endoftext|>"
BYTES = [bytes([value]) for value in range(256)]
WORDS = [b"==", b"====", b"===", b" a", b"bc", b" abc", b"\xe4\xb8\xad", b"12"]
SETTINGS = {"pattern": GPT4_PATTERN, "special_tokens": {END: 300, "<|pad|>": 301}, "pad_token": "<|pad|>"}


def lines(ranks: Mapping[bytes, int]) -> bytes:
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ranks.items())


def vocabulary() -> dict[bytes, int]:
    return {token: rank for rank, token in enumerate([*BYTES, *WORDS])}


def write(folder: Path, ranks: Mapping[bytes, int], settings: Any = SETTINGS, name: str = "own.tiktoken") -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(lines(ranks))
    if settings is not None:
        (folder / "tiktoken.json").write_text(json.dumps(settings))
    return str(folder)


def test_a_vocabulary_of_ranks_gives_the_ids_of_tiktoken(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write(tmp_path, vocabulary()))
    assert tokenizer.way == "compiled"
    assert (tokenizer.eos_id, tokenizer.pad_id, tokenizer.bos_id, tokenizer.vocab_size) == (300, 301, None, 302)
    tokens, offsets = tokenizer.encode_batch(["a abc", "=======", "中 12", "bcd"])
    #      a   " a"  bc    "===="  "==="    中        space 12     bc   d
    assert tokens.tolist() == [97, 261, 257, 258, 262, 32, 263, 260, 100]
    assert offsets.tolist() == [0, 2, 4, 7, 9]
    assert tokenizer.decode([*tokens[:2], 300]) == "a abc<|endoftext|>"


def test_the_tokenizer_beside_the_shards_gives_the_same_ids(tmp_path: Path) -> None:
    path = write(tmp_path / "own", vocabulary())
    tokenizer = Tokenizer.load(path)
    for name, content in portable_files(path, END, None, "<|pad|>").items():
        (tmp_path / name).write_bytes(content)
    beside = Tokenizer.load(str(tmp_path))
    assert beside.encode_batch(LITERAL)[0].tolist() == tokenizer.encode_batch(LITERAL)[0].tolist()
    assert (beside.eos_id, beside.pad_id, beside.digest) == (300, 301, tokenizer.digest)
    library = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert library.encode("a abc<|endoftext|>").ids == [97, 261, 300]
    assert library.decode([97, 261], skip_special_tokens=False) == "a abc"


def test_published_vocabularies_are_known_by_name_and_size(tmp_path: Path) -> None:
    ranks = vocabulary() | {b"\xff" + rank.to_bytes(3, "big"): rank for rank in range(264, 128_000)}
    (tmp_path / "tokenizer.model").write_bytes(lines(ranks))
    content = json.loads(tokenizer_json(lines(ranks), "meta/tokenizer.model", None))
    added = {token["content"]: token["id"] for token in content["added_tokens"]}
    assert (added["<|begin_of_text|>"], added["<|end_of_text|>"], added["<|eot_id|>"]) == (128_000, 128_001, 128_009)
    assert (min(added.values()), max(added.values()), len(added)) == (128_000, 128_255, 256)
    assert content["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] == GPT4_PATTERN
    with pytest.raises(ConfigError, match="the pattern and the special tokens of meta/tokenizer"):
        tokenizer_json(lines(vocabulary()), "meta/tokenizer.model", None)


def test_special_tokens_of_published_vocabularies_have_ids_of_their_own() -> None:
    assert CONVENTIONS["cl100k_base.tiktoken"].special_tokens["<|endofprompt|>"] == 100_276
    assert CONVENTIONS["qwen.tiktoken"].special_tokens["<|extra_204|>"] == 151_850
    for name, convention in CONVENTIONS.items():
        ids = list(convention.special_tokens.values())
        assert len(set(ids)) == len(ids)
        assert min(ids) >= convention.ranks or name == "p50k_base.tiktoken"  # whose ranks leave one out


def test_a_gap_that_a_special_token_fills_is_none(tmp_path: Path) -> None:
    ranks = vocabulary()
    ranks[WORDS[-1]] += 1
    settings = SETTINGS | {"special_tokens": {END: 263, "<|pad|>": 265}}
    assert Tokenizer.load(write(tmp_path, ranks, settings)).eos_id == 263


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\n\x0b\x05<unk>\x15\x00\x00", ":2 is not a token in base 64 and its rank.*SentencePiece"),
        (b"", "lacks the byte 0x00"),
        (lines(vocabulary()) + b"?? 264\n", ":265 is not a token in base 64"),
        (lines(vocabulary()) + b"QUI 264\n", ":265 is not a token in base 64"),
        (lines(vocabulary()) + b"QUI= x\n", ":265 is not a token in base 64"),
        (lines(vocabulary()) + b"QUI= 1 2\n", ":265 is not a token in base 64"),
        (lines(vocabulary()) + b"QUI= 99999999999\n", "rank from 0 to"),
        (lines(vocabulary()) + b"QUI= -1\n", "rank from 0 to"),
        (lines(vocabulary()) + base64.b64encode(b"x" * 1025) + b" 264\n", "1 to 1024 bytes"),
        (lines(vocabulary()) + b"YmM= 264\n", ":265: the token b'bc' is there twice"),
        (lines(vocabulary()) + b"QUI= 263\n", "two tokens have the rank 263"),
        (lines(vocabulary()) + b"QUI= 300\n", "two tokens have the rank 300"),
        (lines(vocabulary()) + b"QUI= 265\n", "no token of rank 264; is it complete"),
        (lines({token: rank for rank, token in enumerate(BYTES[:200])}), "lacks the byte 0xC8.*is it complete"),
        (b"AA== 0\n" * (3 << 20), "holds more than 16 MiB"),
    ],
)
def test_a_broken_vocabulary_is_one_clear_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = write(tmp_path, {})
    (tmp_path / "own.tiktoken").write_bytes(content)
    with pytest.raises(ConfigError, match=sentence):
        Tokenizer.load(path)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (None, "write them into a file tiktoken.json beside"),
        ({"pattern": "x"}, "must have `pattern`, a text, and `special_tokens`"),
        (SETTINGS | {"pattern": "(" * 3}, "the pattern is no regular expression"),
        (SETTINGS | {"special_tokens": {END: "300"}}, "special tokens have ids from 0"),
        (SETTINGS | {"special_tokens": {END: 1 << 40}}, "special tokens have ids from 0"),
        (SETTINGS | {"special_tokens": {END: 12}}, "two tokens have the rank 12"),
        (SETTINGS | {"special_tokens": {}}, "names no token that ends a text"),
        ([], "holds no JSON object"),
        # the library's `$` is the end of a line, tiktoken's of the text
        (SETTINGS | {"pattern": r"\s+$|\S+|\s"}, "gives other ids than tiktoken"),
    ],
)
def test_settings_that_do_not_suit_are_one_clear_sentence(tmp_path: Path, settings: Any, sentence: str) -> None:
    ranks = vocabulary() | {b"\n ": 264, b" \n": 265, b"\n\n": 266, b"  ": 267}
    with pytest.raises(ConfigError, match=sentence):
        Tokenizer.load(write(tmp_path, ranks, settings))


def test_a_recipe_names_the_folder_so_that_all_of_it_travels(tmp_path: Path) -> None:
    path = write(tmp_path, vocabulary())
    assert EncodeConfig(tokenizer=path).file_paths() == [path]
    with pytest.raises(ConfigError, match="are not known"):
        Tokenizer.load(f"{path}/own.tiktoken")  # tiktoken.json would stay behind
    write(tmp_path, vocabulary(), name="other.tiktoken")
    with pytest.raises(ConfigError, match=r"no tokenizer.json in .*, nor one .tiktoken file"):
        Tokenizer.load(path)


@pytest.mark.slow
def test_a_published_vocabulary_gives_the_ids_of_its_tokenizer_json_and_of_tiktoken(
    shared_data: Path, tmp_path: Path
) -> None:
    reference = Tokenizer.load(str(shared_data / "tokenizers" / "cl100k_base"))
    assert reference._bytes is not None
    ranks = {token: rank for rank, token in enumerate(reference._bytes[:100_256])}
    path = tmp_path / "cl100k_base.tiktoken"
    path.write_bytes(lines(ranks))
    tokenizer = Tokenizer.load(str(path))
    assert tokenizer.way == "compiled"
    assert (tokenizer.eos_id, tokenizer.vocab_size) == (100_257, 100_277)
    texts = adversarial_texts(reference._bytes[:100_256], [END])
    tokens, offsets = tokenizer.encode_batch(texts)
    expected, bounds = reference.encode_batch(texts)
    assert np.array_equal(tokens, expected)
    assert np.array_equal(offsets, bounds)
    encoding = tiktoken.Encoding("cl100k", pat_str=GPT4_PATTERN, mergeable_ranks=ranks, special_tokens={})
    assert tokens.tolist() == [token for text in texts for token in encoding.encode_ordinary(text)]
    model, published = json.loads(tokenizer._files.data)["model"], reference._files.content["model"]
    assert model["merges"] == published["merges"]
    library = tokenizers.Tokenizer.from_str(tokenizer._files.data.decode())
    assert library.encode("x <|endoftext|><|endofprompt|>").ids[-2:] == [100_257, 100_276]
