"""Byte-level BPE as `tokenizer.json` describes it: the bytes of its tokens, its pattern, the order of its merges.

GPT-2 and its successors write each byte as one printable character, so that a vocabulary is text; this is that map
and the questions that decide whether a vocabulary is of this kind (openai/gpt-2, src/encoder.py, `bytes_to_unicode`).
"""

from collections.abc import Mapping
from typing import Any

GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""What the pre-tokenizer `ByteLevel` splits by on its own."""

GPT4_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""As cl100k_base was published and Llama 3 has it; tiktoken 0.14 splits white space at the end of a text otherwise."""

O200K_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""GPT-4o, gpt-oss, Llama 4; Mistral's Tekken without the contractions and with single digits."""


def byte_of_character() -> dict[str, int]:
    """The byte that each of the 256 characters of a byte-level vocabulary stands for."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}


def is_byte_level(content: Mapping[str, Any]) -> bool:
    """Whether the tokens of a text are its UTF-8 bytes, grouped: BPE over bytes that adds and leaves out nothing."""
    model = content["model"]
    steps = pre_tokenizers(content)
    return (
        model.get("type") == "BPE"
        and not any(
            model.get(key) for key in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
        )
        and bool(steps)
        and steps[-1].get("type") == "ByteLevel"
        and not any(step.get("add_prefix_space") for step in steps)
    )


def pre_tokenizers(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of the pre-tokenizer, in order."""
    step = content.get("pre_tokenizer")
    if step is None:
        return []
    return list(step["pretokenizers"]) if step.get("type") == "Sequence" else [step]


def word_patterns(content: Mapping[str, Any]) -> tuple[str, ...] | None:
    r"""The patterns whose matches are isolated, one after another, to make the words; None where it is another way.

    `Digits` is `\p{N}` or `\p{N}+`, and `ByteLevel` brings GPT-2's pattern unless it is told not to.
    """
    *splits, last = pre_tokenizers(content)
    patterns: list[str | None] = [_split_pattern(step) for step in splits]
    if last.get("use_regex", True):
        patterns.append(GPT2_PATTERN)
    known = tuple(pattern for pattern in patterns if pattern is not None)
    return known if known and len(known) == len(patterns) else None


def _split_pattern(step: Mapping[str, Any]) -> str | None:
    if step.get("type") == "Digits":
        return r"\p{N}" if step.get("individual_digits") else r"\p{N}+"
    isolated = (step.get("behavior"), bool(step.get("invert"))) in (("Isolated", False), ("Removed", True))
    pattern = step.get("pattern")
    return pattern.get("Regex") if step.get("type") == "Split" and isolated and isinstance(pattern, dict) else None


def token_bytes(vocabulary: Mapping[str, int], controls: frozenset[str]) -> list[bytes]:
    """The bytes of each id: of a control token its name, of an id that no token has nothing."""
    byte_of = byte_of_character()
    as_latin1 = {ord(character): byte for character, byte in byte_of.items()}
    found = [b""] * (1 + max(vocabulary.values(), default=-1))
    for token, number in vocabulary.items():
        if token in controls or not byte_of.keys() >= set(token):
            found[number] = token.encode()
        else:
            found[number] = token.translate(as_latin1).encode("latin-1")
    return found


def merges_follow_ids(model: Mapping[str, Any]) -> bool:
    """Whether an earlier merge always gives a smaller id, so that ids alone say which merge comes first."""
    vocabulary = model["vocab"]
    last = -1
    for merge in model["merges"]:
        left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
        number = vocabulary.get(left + right, -1)
        if number < last:
            return False
        last = number
    return True
