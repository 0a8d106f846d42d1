"""Every kind of tokenizer against the library, on text that hypothesis makes up."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tokenizers
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

from mathmill.tokenize.tokenizer import Tokenizer
from mathmill.tokenize.utf8 import text_buffer
from mathmill.tokenize.vocabulary.adversarial import LITERAL

DEMO = Path(__file__).parents[2] / "jobs" / "demo" / "tokenizer.json"
SHARED = ("cl100k_base", "qwen3", "smollm2")
SPECIAL = ["<unk>", "<s>", "</s>"]

PIECES = st.sampled_from(
    [
        *"aZé中　 \t\r\n0７٣½'.-$ſ\u2028\u00a0\ufeff\ufffd\x00\x04é각",
        *("  ", "\n\n", "'LL", " 've", "🤔", "👩\u200d👩\u200d👧", "กำ", "لا", "𠀀", "\U0010ffff"),
        *("<|endoftext|>", "<s>", "\\frac{1}{2}", "$x^2$", "==", "x" * 300, "中" * 90, "12345"),
    ]
)
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.lists(
    st.one_of(
        st.text(CHARACTERS, max_size=40),
        st.lists(PIECES, max_size=12).map("".join),
        st.sampled_from(LITERAL),
    ),
    max_size=5,
)
MODELS = ("unigram", "wordpiece", "wordlevel", "bytes_of_pieces", "demo", *SHARED)


def unigram() -> tokenizers.Tokenizer:
    """As SentencePiece makes it for T5 and others: pieces with ▁, no bytes."""
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )  # fmt: skip
    tokenizer.train_from_iterator(LITERAL, trainer)
    return tokenizer


def bytes_of_pieces() -> tokenizers.Tokenizer:
    """As Llama-2's: BPE over pieces with ▁, unknown characters as bytes `<0x00>`."""
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    alphabet = [*SPECIAL, *(f"<0x{value:02X}>" for value in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=alphabet, show_progress=False)
    tokenizer.train_from_iterator([text for text in LITERAL if text.isascii()], trainer)
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = content["added_tokens"][: len(SPECIAL)]
    return tokenizers.Tokenizer.from_str(json.dumps(content))


def wordpiece() -> tokenizers.Tokenizer:
    """As BERT's."""
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(LITERAL, trainer)
    return tokenizer


def wordlevel() -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s"), "isolated")
    trainer = trainers.WordLevelTrainer(vocab_size=300, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(LITERAL, trainer)
    return tokenizer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizers")
    for make in (unigram, bytes_of_pieces, wordpiece, wordlevel):
        make().save(str(folder / f"{make.__name__}.json"))
    return folder


@pytest.fixture(scope="module", params=MODELS)
def both(request: pytest.FixtureRequest, made: Path) -> tuple[Tokenizer, tokenizers.Tokenizer]:
    """Ours, and the library's, which is told to take special tokens in a text for text, as ours does."""
    if request.param in SHARED:
        path = request.getfixturevalue("shared_data") / "tokenizers" / request.param
        packed = zstandard.ZstdDecompressor().stream_reader((path / "tokenizer.json.zst").read_bytes())
        content = json.loads(io.TextIOWrapper(packed, encoding="utf-8").read())
    else:
        path = DEMO if request.param == "demo" else made / f"{request.param}.json"
        content = json.loads(path.read_text())
    hide_special_tokens(content)
    return Tokenizer.load(str(path)), tokenizers.Tokenizer.from_str(json.dumps(content))


def hide_special_tokens(content: dict[str, Any]) -> None:
    """Leave them out, so that the library takes them for text."""
    names = {token["content"] for token in content["added_tokens"]} - {"<unk>"}
    vocabulary = content["model"]["vocab"]
    if isinstance(vocabulary, dict):
        content["model"]["vocab"] = {token: number for token, number in vocabulary.items() if token not in names}
    else:
        content["model"]["vocab"] = [[f"\uffff{x}" if x in names else x, score] for x, score in vocabulary]
    content["added_tokens"] = []


@settings(derandomize=True, max_examples=60, deadline=None)
@given(texts=TEXTS)
def test_any_text_gets_the_ids_of_the_library(both: tuple[Tokenizer, tokenizers.Tokenizer], texts: list[str]) -> None:
    tokenizer, library = both
    column = pa.array(texts, pa.large_string())
    encoding = tokenizer.encode_with_starts(column)
    expected = library.encode_batch_fast(texts, add_special_tokens=False)
    assert encoding.offsets.tolist() == np.cumsum([0, *map(len, expected)]).tolist()
    assert encoding.tokens.tolist() == [token for found in expected for token in found.ids]
    assert tokenizer.encode_batch(texts)[0].tolist() == encoding.tokens.tolist()
    _, bounds = text_buffer(column)
    counts = np.diff(encoding.offsets)
    first, end = np.repeat(bounds[:-1], counts), np.repeat(bounds[1:], counts)
    assert ((first <= encoding.starts) & (encoding.starts < np.maximum(end, first + 1))).all()
    assert (np.diff(encoding.starts) >= 0).all()
    assert np.array_equal(first[np.cumsum(counts)[counts > 0] - counts[counts > 0]], bounds[:-1][counts > 0])
    for i in range(len(texts)):
        ids = encoding.tokens[encoding.offsets[i] : encoding.offsets[i + 1]]
        if tokenizer.way == "compiled":
            whole = library.normalizer.normalize_str(texts[i]) if library.normalizer else texts[i]
            kept = bytes(byte for byte in whole.encode() if not tokenizer._missing[byte])
            assert tokenizer.decode(ids) == kept.decode("utf-8", "replace")
        else:
            by_library = library.decode(ids.tolist(), skip_special_tokens=False)
            assert tokenizer.decode(ids).replace(" ", "") == by_library.replace(" ", "")


def test_each_kind_goes_the_way_that_it_can(both: tuple[Tokenizer, tokenizers.Tokenizer]) -> None:
    tokenizer, _ = both
    byte_level = tokenizer._bytes is not None
    assert tokenizer.way == ("compiled" if byte_level else "tokenizers")
    assert bool(tokenizer.slow_reason) is not byte_level
