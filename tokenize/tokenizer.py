"""Texts to tokens, as arrays: any Hugging Face tokenizer, with the same ids by a faster way where there is one.

Byte-level BPE with the pattern of GPT-4, Llama 3 and Qwen is encoded by `byte_bpe`, other single patterns by tiktoken,
everything else (SentencePiece models, several pre-tokenizers) by `tokenizers`. A faster way is taken only after it has
given the library's ids on adversarial text, and texts that it cannot take go the ordinary way one by one. Crawled text
is hostile: what is written in it never becomes a control token such as `<|endoftext|>`.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tokenizers

from mathmill.core.config import digest
from mathmill.core.errors import ConfigError
from mathmill.tokenize.adversarial import adversarial_texts
from mathmill.tokenize.byte_bpe import ByteBPE
from mathmill.tokenize.byte_level import is_byte_level, single_pattern, token_bytes
from mathmill.tokenize.tiktoken_bpe import TiktokenBPE
from mathmill.tokenize.tokenizer_files import COMMON_NAMES, TokenizerFiles, read_tokenizer_files
from mathmill.tokenize.utf8 import byte_offsets, text_buffer

Texts: TypeAlias = "Sequence[str] | pa.Array"
Tokens = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]


_NEWLY_COMPOSED = re.compile("[\U000105c0-\U00016dff]")
"""Scripts whose letters compose since Unicode 16 only: Python's tables may be older than the library's."""


@dataclass(frozen=True)
class Encoding:
    """The tokens of a batch of texts.

    tokens: uint32 (n_tokens,). offsets: int64 (n_texts + 1,), text i has the tokens offsets[i]:offsets[i + 1].
    starts: int64 (n_tokens,), the byte at which each token begins in the texts' common UTF-8 buffer (`text_buffer`);
    non-decreasing; tokens that begin inside one character may share its first byte.
    """

    tokens: Tokens
    offsets: Offsets
    starts: npt.NDArray[np.int64]


class FastEncoder(Protocol):
    """A faster way to the library's ids."""

    name: str

    def encode(self, texts: pa.Array) -> tuple[Tokens, Offsets, npt.NDArray[np.int64]]:
        """Encode texts: (tokens, offsets, the numbers of the texts that it leaves to the library, ascending)."""
        ...


class Tokenizer:
    """A tokenizer from files. `load` makes it; it does not change afterwards.

    vocab_size: ids are below it, added tokens included. eos_id, bos_id (None where there is none), pad_id.
    digest: identifies content, special tokens and chat template, wherever the files lie.
    """

    def __init__(self, files: TokenizerFiles, eos_token: str | None = None) -> None:
        self.path = files.path
        self.chat_template = files.chat_template
        vocabulary = files.vocabulary()
        self.vocab_size = 1 + max(vocabulary.values(), default=-1)
        eos_id = _special_id(files, vocabulary, "eos", eos_token)
        if eos_id is None:
            raise ConfigError(f"{files.path} names no token that ends a text; name one as `eos_token`")
        self.eos_id = eos_id
        self.bos_id = _special_id(files, vocabulary, "bos")
        pad_id = _special_id(files, vocabulary, "pad")
        self.pad_id = eos_id if pad_id is None else pad_id  # padding lies outside segments, so it is never learned
        self.digest = digest([files.json_digest, self.eos_id, self.bos_id, self.pad_id, self.chat_template])
        self._controls = {token["content"]: token["id"] for token in files.added_tokens if _is_control(token)}
        self._library = _load(files)
        self._check_controls()
        self._normalizer = (files.content.get("normalizer") or {}).get("type")
        self._bytes: list[bytes] | None = None
        self._lengths = np.zeros(0, np.int64)
        if is_byte_level(files.content):
            self._bytes = token_bytes(vocabulary, frozenset(self._controls))
            self._lengths = np.array([len(token) for token in self._bytes], np.int64)
        self._names = {number: token for token, number in vocabulary.items()} if self._bytes is None else {}
        self._files = files

    @classmethod
    def load(cls, path: str, eos_token: str | None = None) -> "Tokenizer":
        """Load from a `tokenizer.json`, `tokenizer.json.zst` or a folder; ConfigError where that is impossible.

        eos_token: which token ends a text, where it is not the one that the files name.
        """
        return _build(read_tokenizer_files(str(path)), eos_token)

    @property
    def way(self) -> str:
        """What encodes: "compiled", "tiktoken" or "tokenizers"; `slow_reason` says why the last."""
        return "tokenizers" if self._fast is None else self._fast.name

    @property
    def slow_reason(self) -> str:
        """Why there is no faster way, "" where there is one."""
        return self._fast_or_reason[1]

    def encode_batch(self, texts: Texts) -> tuple[Tokens, Offsets]:
        """Encode texts; no special token is added, none comes out of a text.

        Returns (tokens, offsets): text i has tokens[offsets[i]:offsets[i + 1]].
        """
        column = _column(texts)
        return self._encode(column, self._normalised_otherwise(column))

    def encode_with_starts(self, texts: pa.Array) -> Encoding:
        """Encode texts and say where each token begins.

        For byte-level vocabularies that follows from the lengths of the tokens' bytes; for texts that the tokenizer
        normalises and for other vocabularies the library's character offsets are used.
        """
        column = _column(texts)
        changed = self._normalised_otherwise(column)
        tokens, offsets = self._encode(column, changed)
        if self._bytes is None:
            return Encoding(tokens, offsets, self._starts_from_library(column, offsets, np.arange(len(column))))
        _, bounds = text_buffer(column)
        lengths = self._lengths[tokens]
        ends = np.cumsum(lengths)
        starts = ends - lengths
        if changed.any():
            counts = np.diff(offsets)
            first = np.append(ends, 0)[offsets - 1]  # where each text would begin if all had kept their bytes
            starts += np.repeat(bounds[:-1] - first[:-1], counts)
            by_library = self._starts_from_library(column, offsets, np.flatnonzero(changed))
            starts[np.repeat(changed, counts)] = by_library
        return Encoding(tokens, offsets, starts)

    def decode(self, ids: npt.ArrayLike) -> str:
        """The text of tokens, control tokens written out; bytes that are no UTF-8 become U+FFFD."""
        numbers: list[int] = np.asarray(ids, np.int64).tolist()
        if self._bytes is not None:
            return b"".join([self._bytes[number] for number in numbers]).decode("utf-8", "replace")
        text, run = "", list[int]()
        for number in [*numbers, -1]:
            name = self._names.get(number, "")
            if number >= 0 and name not in self._controls:
                run.append(number)
                continue
            text += self._library.decode(run, skip_special_tokens=False) + name
            run = []
        return text

    def _encode(self, texts: pa.Array, changed: npt.NDArray[np.bool_]) -> tuple[Tokens, Offsets]:
        if self._fast is None:
            return self._encode_ordinary(texts)
        tokens, offsets, refused = self._fast.encode(texts)
        by_library = np.union1d(refused, np.flatnonzero(changed))
        return self._replace(texts, tokens, offsets, by_library) if len(by_library) else (tokens, offsets)

    def _replace(
        self, texts: pa.Array, tokens: Tokens, offsets: Offsets, rows: npt.NDArray[np.int64]
    ) -> tuple[Tokens, Offsets]:
        """Encode some of the texts, which have tokens already, by the library."""
        others, other_offsets = self._encode_ordinary(texts.take(pa.array(rows)))
        parts, position = list[Tokens](), 0
        for k, row in enumerate(rows.tolist()):
            parts += [tokens[position : offsets[row]], others[other_offsets[k] : other_offsets[k + 1]]]
            position = offsets[row + 1]
        lengths = np.diff(offsets)
        lengths[rows] = np.diff(other_offsets)
        return np.concatenate([*parts, tokens[position:]]), _offsets(lengths)

    def _normalised_otherwise(self, texts: pa.Array) -> npt.NDArray[np.bool_]:
        """Which texts the tokenizer may change before it splits them; bool (n_texts,)."""
        if self._normalizer != "NFC":
            return np.full(len(texts), self._normalizer is not None)
        changed = ~pc.string_is_ascii(texts).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(changed).tolist():
            text = texts[row].as_py()
            changed[row] = not unicodedata.is_normalized("NFC", text) or _NEWLY_COMPOSED.search(text) is not None
        return changed

    def _encode_ordinary(self, texts: pa.Array) -> tuple[Tokens, Offsets]:
        encodings = self._library.encode_batch_fast(texts.to_pylist(), add_special_tokens=False)
        offsets = _offsets([len(encoding) for encoding in encodings])
        tokens = np.empty(int(offsets[-1]), np.uint32)
        for i, encoding in enumerate(encodings):
            tokens[offsets[i] : offsets[i + 1]] = encoding.ids
        return tokens, offsets

    def _starts_from_library(self, texts: pa.Array, offsets: Offsets, rows: npt.NDArray[np.int64]) -> Offsets:
        """The starts of the tokens of some of the texts, from the library's offsets in characters."""
        encodings = self._library.encode_batch(texts.take(pa.array(rows)).to_pylist(), add_special_tokens=False)
        chars = np.array([start for encoding in encodings for start, _ in encoding.offsets], np.int64)
        starts = byte_offsets(texts, np.repeat(rows, np.diff(offsets)[rows]), chars)
        return np.maximum.accumulate(starts) if len(starts) else starts

    def _check_controls(self) -> None:
        """Refuse a vocabulary in which plain text can become a control token."""
        names = list(self._controls)
        tokens, offsets = self._encode_ordinary(_column(names))
        for place in np.flatnonzero(np.isin(tokens, list(self._controls.values()))).tolist():
            name = names[int(np.searchsorted(offsets, place, side="right")) - 1]
            raise ConfigError(f"{self.path} cannot be used: {name!r} written in a page would become a control token")

    @property
    def _fast(self) -> FastEncoder | None:
        return self._fast_or_reason[0]

    @cached_property
    def _fast_or_reason(self) -> tuple[FastEncoder | None, str]:
        """The first faster way that gives the library's ids, else None and why.

        Half a second and more, so it is found when the first text comes: who only decodes does not need it.
        """
        files = self._files
        pattern = single_pattern(files.content)
        if self._bytes is None or pattern is None:
            return None, "its vocabulary is not of bytes, or its pre-tokenizer is not one pattern"
        if len(self._controls) < len(files.added_tokens):
            return None, "some of its added tokens are ordinary text"
        if self._normalizer not in (None, "NFC"):
            return None, "it normalises texts"
        model = dict(files.content["model"])
        model["vocab"] = {token: number for token, number in model["vocab"].items() if token not in self._controls}
        sample = _column(adversarial_texts(self._bytes, self._controls))
        expected = self._encode_ordinary(sample)
        reasons = []
        for encoder in (ByteBPE, TiktokenBPE):
            try:
                fast = encoder(self._bytes, model, pattern)
            except ValueError as error:
                reasons.append(f"{encoder.name}: {error}")
                continue
            different = self._first_difference(fast, sample, *expected)
            if different is None:
                return fast, ""
            reasons.append(f"{encoder.name} gives other ids, as for {different[:40]!r}")
        return None, "; ".join(reasons)

    def _first_difference(self, fast: FastEncoder, sample: pa.Array, expected: Tokens, bounds: Offsets) -> str | None:
        """A text of a sample that the fast way encodes otherwise than the library, of those that it would be given."""
        tokens, offsets, refused = fast.encode(sample)
        left_out = self._normalised_otherwise(sample)
        left_out[refused] = True
        for i in np.flatnonzero(~left_out).tolist():
            if not np.array_equal(tokens[offsets[i] : offsets[i + 1]], expected[bounds[i] : bounds[i + 1]]):
                return sample[i].as_py()
        return None


@lru_cache(maxsize=4)
def _build(files: TokenizerFiles, eos_token: str | None) -> Tokenizer:
    return Tokenizer(files, eos_token)  # about a second, so one process does it once for the same content


def _special_id(files: TokenizerFiles, vocabulary: dict[str, int], role: str, name: str | None = None) -> int | None:
    name = name or files.named.get(role)
    if name is not None:
        if name not in vocabulary:
            raise ConfigError(f"{files.path}: the {role} token {name!r} is not in the vocabulary")
        return vocabulary[name]
    added = {token["content"]: token["id"] for token in files.added_tokens}
    return next((added[name] for name in COMMON_NAMES[role] if name in added), None)


def _is_control(token: dict[str, Any]) -> bool:
    """Whether an added token is one that no text may contain: special, or written as a tag.

    Some vocabularies leave `special` out for tokens of chat templates (`<tool_call>`); added tokens that are runs of
    spaces are ordinary text.
    """
    name = token["content"].strip()
    return bool(token.get("special")) or name[:1] + name[-1:] in ("<>", "[]")


def _load(files: TokenizerFiles) -> tokenizers.Tokenizer:
    """Build the library's tokenizer so that it does nothing but encode text: no control tokens, no truncation."""
    ordinary = [token for token in files.added_tokens if not _is_control(token)]
    content = files.content | {
        "added_tokens": ordinary, "post_processor": None, "truncation": None, "padding": None
    }  # fmt: skip
    try:
        return tokenizers.Tokenizer.from_str(json.dumps(content))
    except Exception as error:  # the library raises nothing narrower
        raise ConfigError(f"{files.path} is no tokenizer that `tokenizers` can load: {error}") from error


def _column(texts: Texts) -> pa.Array:
    if isinstance(texts, pa.Array):
        return texts.cast(pa.large_string())
    return pa.array(texts, pa.large_string())


def _offsets(lengths: npt.ArrayLike) -> Offsets:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.asarray(lengths, np.int64))])
