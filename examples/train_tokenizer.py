"""Make the demo's tokenizer: `python examples/train_tokenizer.py`.

Byte-level BPE over the true texts of the example crawl, with the word pattern of the GPT-4 and Llama-3 vocabularies and
numbers split into single digits, as math models want them. It serves the demo and the tests; it is far too small to
train anything else with. Equal input gives the same bytes on every machine: training counts and orders pairs without
randomness (checked with tokenizers 0.23).
"""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

DEMO = Path(__file__).parents[1] / "jobs" / "demo"
VOCAB_SIZE = 8_192
SPECIAL_TOKENS = ["<|endoftext|>", "<|pad|>", "<|bos|>"]

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The pattern of cl100k_base (openai/tiktoken), with one digit instead of up to three."""


def train(texts: list[str]) -> Tokenizer:
    """Train on texts; the vocabulary ends with the special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    return tokenizer


def main() -> None:
    """Train on the example crawl's true texts and write tokenizer.json beside them."""
    with open(DEMO / "truth.jsonl", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    texts = [record["body"] for record in records if record["body"]]
    tokenizer = train(texts)
    tokenizer.save(str(DEMO / "tokenizer.json"), pretty=False)
    size = (DEMO / "tokenizer.json").stat().st_size
    print(f"tokenizer.json: {tokenizer.get_vocab_size():,} entries from {len(texts):,} texts, {size:,} bytes")


if __name__ == "__main__":
    main()
