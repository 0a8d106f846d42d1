"""Texts to tokens, as arrays: any Hugging Face tokenizer, with the same ids by a faster way where there is one.

Byte-level BPE with a pattern of the common vocabularies is encoded by `byte_bpe`, other single patterns by tiktoken,
everything else (SentencePiece models, several pre-tokenizers) by `tokenizers`. A faster way is taken only after it has
given the library's ids on adversarial text, and texts that it cannot take go the ordinary way one by one. Crawled text
is hostile: what is written in it never becomes a control token such as `<|endoftext|>`.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tokenizers

from mathmill.core.config import digest
from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.tokenizer_files import COMMON_NAMES, TokenizerFiles, read_tokenizer_files
from mathmill.tokenize.utf8 import byte_offsets, rows_with_bytes, text_buffer
from mathmill.tokenize.vocabulary.adversarial import adversarial_texts
from mathmill.tokenize.vocabulary.byte_bpe import ByteBPE
from mathmill.tokenize.vocabulary.byte_level import is_byte_level, pre_tokenizers, token_bytes, word_patterns
from mathmill.tokenize.vocabulary.tiktoken_bpe import TiktokenBPE

Texts: TypeAlias = "Sequence[str] | pa.Array"
Tokens = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]


_NEWLY_COMPOSED = re.compile("[\U000105c0-\U00016dff]")
"""Scripts whose letters compose since Unicode 16 only: Python's tables may be older than the library's."""


_NONCHARACTER = "\ufdd0"
"""Unicode reserves it for use inside programs."""


@dataclass(frozen=True)
class Encoding:
    """The tokens of a batch of texts.

    tokens: uint32 (n_tokens,). offsets: int64 (n_texts + 1,), text i has the tokens offsets[i]:offsets[i + 1].
    starts: int64 (n_tokens,), the byte at which each token begins in the texts' common UTF-8 buffer (`text_buffer`);
    non-decreasing; a token that begins inside a character has a byte inside of it.
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
        self._normalizer = (files.content.get("normalizer") or {}).get("type")
        self._bytes: list[bytes] | None = None
        self._lengths = np.zeros(0, np.int64)
        self._missing = np.zeros(256, bool)
        if is_byte_level(files.content):
            self._bytes = token_bytes(vocabulary, frozenset(self._controls))
            self._lengths = np.array([len(token) for token in self._bytes], np.int64)
            singles = {token for token in self._bytes if len(token) == 1}
            self._missing[:] = [bytes([value]) not in singles for value in range(256)]
        self._names = {number: token for token, number in vocabulary.items()} if self._bytes is None else {}
        self._files = files
        self._check_controls()
        if files.is_tiktoken:
            self._check_against_tiktoken()

    @classmethod
    def load(cls, path: str, eos_token: str | None = None, chat_template: str | None = None) -> "Tokenizer":
        """Load from a `tokenizer.json`, `.json.zst`, tiktoken file or a folder; ConfigError where that is impossible.

        eos_token: which token ends a text, where it is not the one that the files name. chat_template: its source,
        where it is not the files' own.
        """
        files = read_tokenizer_files(str(path))
        return _build(files if chat_template is None else replace(files, chat_template=chat_template), eos_token)

    @property
    def control_tokens(self) -> list[dict[str, Any]]:
        """The control tokens as the files describe them: `content`, `id`, and perhaps `special`, `lstrip`, `rstrip`."""
        return [token for token in self._files.added_tokens if token["content"] in self._controls]

    @property
    def spaces_first_word(self) -> bool:
        """Whether it puts a space before the first word of a text, but not after control tokens in it (Mistral)."""
        steps = pre_tokenizers(self._files.content)
        return any(step.get("type") == "Metaspace" and step.get("prepend_scheme") == "first" for step in steps)

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

        Returns (tokens, offsets): text i has tokens[offsets[i]:offsets[i + 1]]. DataError where one is no UTF-8.
        """
        column = _column(texts)
        return self._encode(column, self._changed(column))

    def encode_with_starts(self, texts: pa.Array) -> Encoding:
        """Encode texts and say where each token begins.

        For byte-level vocabularies that follows from the lengths of the tokens' bytes; for texts that the tokenizer
        changes and for other vocabularies the library's character offsets are used.
        """
        column = _column(texts)
        changed = self._changed(column)
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

    def _changed(self, texts: pa.Array) -> npt.NDArray[np.bool_]:
        """Which texts may be changed before they become tokens: normalised, or robbed of bytes that no token has.

        bool (n_texts,).
        """
        if self._normalizer not in (None, "NFC"):
            return np.ones(len(texts), bool)
        changed = rows_with_bytes(texts, self._missing) if self._missing.any() else np.zeros(len(texts), bool)
        if self._normalizer == "NFC":
            for row in np.flatnonzero(~pc.string_is_ascii(texts).to_numpy(zero_copy_only=False)).tolist():
                text = texts[row].as_py()
                changed[row] |= not unicodedata.is_normalized("NFC", text) or _NEWLY_COMPOSED.search(text) is not None
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
        chars = np.array([span for encoding in encodings for span in encoding.offsets], np.int64).reshape(-1, 2)
        of_row = np.repeat(rows, np.diff(offsets)[rows])
        starts = byte_offsets(texts, of_row, chars[:, 0])
        data, _ = text_buffer(texts)
        divided = np.flatnonzero((of_row[1:] == of_row[:-1]) & (chars[1:, 0] < chars[:-1, 1])) + 1
        divided = divided[starts[divided] < len(data)]
        starts[divided] += data[starts[divided]] >= 0xC0
        return np.maximum.accumulate(starts) if len(starts) else starts

    def _check_controls(self) -> None:
        """Refuse a vocabulary whose merges make control tokens of plain text; that of unknown characters may be."""
        names = list(self._controls)
        tokens, offsets = self._encode_ordinary(_column(names))
        refused = set(self._controls.values()) - ({_unknown_id(self._files)} - {self.eos_id, self.bos_id})
        for place in np.flatnonzero(np.isin(tokens, list(refused))).tolist():
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
        patterns = word_patterns(files.content) if self._bytes is not None else None
        if self._bytes is None or patterns is None:
            return None, "its vocabulary is not of bytes, or its pre-tokenizer is not of patterns"
        if len(self._controls) < len(files.added_tokens):
            return None, "some of its added tokens are ordinary text"
        if self._normalizer not in (None, "NFC"):
            return None, "it normalises texts"
        reasons = []
        for encoder in (ByteBPE, TiktokenBPE):
            try:
                fast = encoder(self._bytes, _without_controls(files), patterns)
            except ValueError as error:
                reasons.append(f"{encoder.name}: {error}")
                continue
            different = self._first_difference(fast)
            if different is None:
                return fast, ""
            reasons.append(f"{encoder.name} gives other ids, as for {different[:40]!r}")
        return None, "; ".join(reasons)

    @cached_property
    def _sample(self) -> tuple[pa.Array, Tokens, Offsets]:
        """Adversarial text and the library's tokens for it."""
        sample = _column(adversarial_texts(self._bytes or [], self._controls))
        return sample, *self._encode_ordinary(sample)

    def _first_difference(self, fast: FastEncoder) -> str | None:
        """A text of the sample that it would be given and encodes otherwise than the library."""
        sample, expected, bounds = self._sample
        tokens, offsets, refused = fast.encode(sample)
        left_out = self._changed(sample)
        left_out[refused] = True
        for i in np.flatnonzero(~left_out).tolist():
            if not np.array_equal(tokens[offsets[i] : offsets[i + 1]], expected[bounds[i] : bounds[i + 1]]):
                return sample[i].as_py()
        return None

    def _check_against_tiktoken(self) -> None:
        """Refuse a tiktoken vocabulary whose ids the `tokenizer.json` made of it does not give."""
        patterns = word_patterns(self._files.content)
        if self._bytes is None or patterns is None:
            raise ConfigError(f"{self.path}: the pattern makes no byte-level vocabulary")
        different = self._first_difference(TiktokenBPE(self._bytes, _without_controls(self._files), patterns))
        if different is not None:
            raise ConfigError(
                f"{self.path} cannot be used: as a `tokenizer.json` it gives other ids than tiktoken, as for "
                f"{different[:40]!r}; is the pattern meant for another tool?"
            )


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


def _unknown_id(files: TokenizerFiles) -> int | None:
    """The id of characters that the vocabulary lacks, where the model has one."""
    model = files.content["model"]
    return model.get("unk_id") if "unk_id" in model else files.vocabulary().get(model.get("unk_token"))


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
    try:
        content = files.content | {
            "added_tokens": ordinary, "model": _without_controls(files),
            "post_processor": None, "truncation": None, "padding": None,
        }  # fmt: skip
        return tokenizers.Tokenizer.from_str(json.dumps(content))
    except Exception as error:  # the library raises nothing narrower
        raise ConfigError(f"{files.path} is no tokenizer that `tokenizers` can load: {error}") from error


def _without_controls(files: TokenizerFiles) -> dict[str, Any]:
    """The model with control tokens that no text can become: left out of the vocabulary, or (Unigram, whose ids are
    places) spelt with a character that no text has. Those that merges make stay, and the unknown token.
    """
    model = dict(files.content["model"])
    controls = {token["content"] for token in files.added_tokens if _is_control(token)} - {model.get("unk_token")}
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        merges = model.get("merges") or []
        controls -= {"".join(merge.split(" ", 1) if isinstance(merge, str) else merge) for merge in merges}
        model["vocab"] = {token: number for token, number in vocabulary.items() if token not in controls}
    else:
        model["vocab"] = [
            [f"{_NONCHARACTER}{piece}" if piece in controls and number != model.get("unk_id") else piece, score]
            for number, (piece, score) in enumerate(vocabulary)
        ]
    return model


def _column(texts: Texts) -> pa.Array:
    if not isinstance(texts, pa.Array):
        return pa.array(texts, pa.large_string())
    try:
        column = texts.cast(pa.large_string())
        column.validate(full=True)  # Parquet files and other languages may bring broken UTF-8
    except pa.ArrowInvalid as error:
        raise DataError(f"a text cannot be encoded: {error}") from error
    return column


def _offsets(lengths: npt.ArrayLike) -> Offsets:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.asarray(lengths, np.int64))])
