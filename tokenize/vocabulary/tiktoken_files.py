"""Vocabularies as tiktoken writes them: a line for each token, its bytes in base 64 and its rank, which is its id.

Llama 3's `tokenizer.model` and OpenAI's files are of this kind. They become a `tokenizer.json` with the merges that
transformers finds (`TikTokenConverter`: each split of a token into two others, by the rank of the whole), in 0.8
seconds for 100,000. Pattern and special tokens are not in such a file: they are known of the vocabularies in use, else
`tiktoken.json` beside the file states them.
"""

import binascii
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from tokenizers import Regex

from mathmill.core.errors import ConfigError
from mathmill.tokenize.vocabulary.byte_level import GPT2_PATTERN, GPT4_PATTERN, O200K_PATTERN, byte_of_character

MAX_BYTES = 16 << 20  # of a file; the largest vocabularies in use (200k tokens) take 3.6 MB
MAX_TOKEN = 1024  # bytes; the longest tokens in use are runs of about 128 characters
MAX_RANKS = 1 << 21

SETTINGS = "tiktoken.json"
"""The file beside a vocabulary: `pattern`, `special_tokens` (name → id), and `eos_token` etc. as elsewhere."""


class Convention(NamedTuple):
    """What is known of a published vocabulary: how many ranks its file has, its pattern, its special tokens."""

    ranks: int
    pattern: str
    special_tokens: Mapping[str, int]


def _numbered(first: int, *names: str) -> dict[str, int]:
    return {name: first + i for i, name in enumerate(names)}


_END = "<|endoftext|>"
_LLAMA3 = ("begin_of_text", "end_of_text", *(f"reserved_special_token_{i}" for i in range(4)), "start_header_id",
           "end_header_id", "reserved_special_token_4", "eot_id",
           *(f"reserved_special_token_{i}" for i in range(5, 251)))  # fmt: skip

CONVENTIONS = {
    "gpt2.tiktoken": Convention(50_256, GPT2_PATTERN, {_END: 50_256}),
    "r50k_base.tiktoken": Convention(50_256, GPT2_PATTERN, {_END: 50_256}),
    "p50k_base.tiktoken": Convention(50_280, GPT2_PATTERN, {_END: 50_256}),
    "cl100k_base.tiktoken": Convention(
        100_256,
        GPT4_PATTERN,
        _numbered(100_257, _END, "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>") | {"<|endofprompt|>": 100_276},
    ),
    "o200k_base.tiktoken": Convention(199_998, O200K_PATTERN, {_END: 199_999, "<|endofprompt|>": 200_018}),
    "qwen.tiktoken": Convention(
        151_643,
        GPT4_PATTERN.replace("{1,3}", ""),
        _numbered(151_643, _END, "<|im_start|>", "<|im_end|>", *(f"<|extra_{i}|>" for i in range(205))),
    ),
    "tokenizer.model": Convention(128_000, GPT4_PATTERN, _numbered(128_000, *(f"<|{name}|>" for name in _LLAMA3))),
}
"""By the name of the file; it counts only with the right number of ranks. `tokenizer.model` is Llama 3's (Meta,
llama3/tokenizer.py), the others are OpenAI's (tiktoken_ext/openai_public.py) and Qwen's (tokenization_qwen.py)."""


def is_tiktoken_name(name: str) -> bool:
    """Whether a file of this name is taken for a tiktoken vocabulary."""
    return name.endswith(".tiktoken") or name == "tokenizer.model"


def tokenizer_json(data: bytes, path: str, settings: Mapping[str, Any] | None) -> bytes:
    """Write a vocabulary as a `tokenizer.json` that gives tiktoken's ids.

    data: the file at `path`, whose name counts. settings: what `tiktoken.json` beside it holds, if it is there.
    ConfigError says what is broken, or that pattern and special tokens are not known.
    """
    ranks = _read_ranks(data, path)
    pattern, special_tokens = _convention(path, len(ranks), settings)
    _check_ids(ranks, special_tokens, path)
    written = {token: token.decode("latin-1").translate(_CHARACTERS) for token in ranks}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    content = {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": name} | flags
            for name, number in sorted(special_tokens.items(), key=lambda item: item[1])
        ],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "ignore_merges": True,  # a word that is a token is that token
            # special tokens too: else the library numbers them anew from the size of the vocabulary on
            "vocab": {written[token]: rank for token, rank in ranks.items()} | dict(special_tokens),
            "merges": [(written[left], written[right]) for left, right in _merges(ranks)],
        },
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


_CHARACTERS = {byte: character for character, byte in byte_of_character().items()}


def _read_ranks(data: bytes, path: str) -> dict[bytes, int]:
    """Token → rank, by rank."""
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line:
            continue
        try:
            encoded, written = line.split()
            token, rank = binascii.a2b_base64(encoded, strict_mode=True), int(written)
        except ValueError:
            raise ConfigError(
                f"{path}:{number} is not a token in base 64 and its rank, so this is no tiktoken vocabulary; of a "
                "SentencePiece model give the `tokenizer.json`"
            ) from None
        if not 0 < len(token) <= MAX_TOKEN or not 0 <= rank < MAX_RANKS:
            raise ConfigError(
                f"{path}:{number}: a token has 1 to {MAX_TOKEN} bytes and a rank from 0 to {MAX_RANKS - 1:,}"
            )
        if token in ranks:
            raise ConfigError(f"{path}:{number}: the token {token!r} is there twice")
        ranks[token] = rank
    if missing := [value for value in range(256) if bytes([value]) not in ranks]:
        raise ConfigError(f"{path} lacks the byte 0x{missing[0]:02X}, so it cannot write every text; is it complete?")
    return dict(sorted(ranks.items(), key=lambda item: item[1]))


def _convention(path: str, n_ranks: int, settings: Mapping[str, Any] | None) -> tuple[str, Mapping[str, int]]:
    """Pattern and special tokens."""
    if settings is None:
        known = CONVENTIONS.get(path.rpartition("/")[2])
        if known is None or known.ranks != n_ranks:
            raise ConfigError(
                f"the pattern and the special tokens of {path} are not known; write them into a file {SETTINGS} beside "
                'it ({"pattern": "...", "special_tokens": {"<|endoftext|>": 100257}}) and name the folder as the '
                "tokenizer"
            )
        return known.pattern, known.special_tokens
    pattern, special_tokens = settings.get("pattern"), settings.get("special_tokens")
    if not isinstance(pattern, str) or not isinstance(special_tokens, dict):
        raise ConfigError(f"{SETTINGS} beside {path} must have `pattern`, a text, and `special_tokens`, names with ids")
    try:
        Regex(pattern)
    except Exception as error:  # the library raises nothing narrower
        raise ConfigError(f"{SETTINGS} beside {path}: the pattern is no regular expression: {error}") from error
    if not all(name and isinstance(number, int) and 0 <= number < MAX_RANKS for name, number in special_tokens.items()):
        raise ConfigError(f"{SETTINGS} beside {path}: special tokens have ids from 0 to {MAX_RANKS - 1:,}")
    return pattern, special_tokens


def _check_ids(ranks: Mapping[bytes, int], special_tokens: Mapping[str, int], path: str) -> None:
    """Each id up to the last rank has one token."""
    taken = sorted([*ranks.values(), *special_tokens.values()])
    for before, after in pairwise(taken):
        if before == after:
            raise ConfigError(f"{path}: two tokens have the rank {after}")
    if missing := set(range(max(ranks.values()))) - set(taken):
        raise ConfigError(f"{path} has no token of rank {min(missing)}; is it complete?")


def _merges(ranks: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """All pairs of tokens that make another token, by the rank of that and then of the two."""
    merges = []
    for token in ranks:
        splits = [(token[:i], token[i:]) for i in range(1, len(token)) if token[:i] in ranks and token[i:] in ranks]
        merges += sorted(splits, key=lambda split: (ranks[split[0]], ranks[split[1]]))
    return merges
