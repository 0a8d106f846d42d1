r"""How long the novelty filter takes for a million instructions, and what it misses.

Instructions are made of the sentences of the given problems (JSON lines with a `question`): two or three sentences of
different problems of one file with other numbers, and, as a fifth of all, near copies of earlier ones with one to four
words exchanged. The recall is measured on the first 20,000 against the same filter with every pair measured: the share
of the texts that it drops that are dropped here, too.

    python benchmarks/novelty.py PROBLEMS.jsonl.zst… [--texts 1000000] [--brute 20000]

Without files the instructions are of one template with random words and numbers: all somewhat alike, hardly any twice,
which is the hardest that can come.
"""

import argparse
import json
import random
import re
import resource
import time

import pyarrow as pa

from mathmill.curation.synthesis.novelty import NoveltyFilter

_SENTENCE = re.compile(r"(?<=[.?!。？！])\s*")
_CHUNK = 50_000


def read_sentences(paths: list[str]) -> list[list[str]]:
    """The sentences of each file's questions."""
    files = []
    for path in paths:
        with pa.input_stream(path, compression="zstd" if path.endswith(".zst") else None) as stream:
            rows = [json.loads(line) for line in stream.read().decode().splitlines()]
        sentences = (part for row in rows for part in _SENTENCE.split(str(row["question"])) if 10 < len(part) < 200)
        files.append(list(dict.fromkeys(sentences)))
    return files


def make_instructions(files: list[list[str]], n: int) -> list[str]:
    """See the module."""
    draw = random.Random(8)
    weights = [len(sentences) for sentences in files]
    made: list[str] = []
    words = [word for sentences in files for sentence in sentences[:500] for word in sentence.split()]
    while len(made) < n:
        if made and draw.random() < 0.2:
            parts = draw.choice(made).split(" ")
            for _ in range(draw.randint(1, 4)):
                parts[draw.randrange(len(parts))] = draw.choice(words)
            made.append(" ".join(parts))
            continue
        (sentences,) = draw.choices(files, weights)
        text = " ".join(draw.choice(sentences) for _ in range(draw.randint(2, 3)))
        made.append(re.sub(r"\d+", lambda match: str(draw.randrange(2, 10 ** len(match[0]))), text))
    return made


def fill_template(n: int) -> list[str]:
    """See the module."""
    draw = random.Random(8)
    names = ("Tom", "Ann", "Bob", "Eve", "Max", "Zoe", "Kim", "Lee")
    verbs = ("buys", "sells", "finds", "loses", "eats", "gives", "takes", "packs")
    beginnings = ("app", "pea", "plu", "ban", "ora", "lem", "mel", "gra")
    things = [f"{a}{b}s" for a in beginnings for b in ("le", "r", "m", "ana", "nge", "on")]
    ends = ("How many are left?", "What is the total?", "How much does it cost?", "Find the ratio.", "Who has more?")

    def sentence() -> str:
        number, price = draw.randrange(2, 999), draw.randrange(2, 99)
        return f"{draw.choice(names)} {draw.choice(verbs)} {number} {draw.choice(things)} for {price} dollars."

    return [" ".join(sentence() for _ in range(draw.randint(2, 4))) + " " + draw.choice(ends) for _ in range(n)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--brute", type=int, default=20_000)
    given = parser.parse_args()
    if given.problems:
        texts = make_instructions(read_sentences(given.problems), given.texts)
    else:
        texts = fill_template(given.texts)
    NoveltyFilter().add(texts[:10])  # compiles
    NoveltyFilter(exhaustive=True).add(texts[:10])
    if given.brute:
        few = texts[: given.brute]
        dropped, every = (NoveltyFilter(exhaustive=way).judge(few)[0] != -1 for way in (False, True))
        recall = (dropped & every).sum() / max(1, every.sum())
        print(f"of {len(few):,} texts {every.sum():,} are not new; {recall:.2%} of these found", flush=True)
    novelty = NoveltyFilter()
    started, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(texts), _CHUNK):
        novelty.judge(texts[start : start + _CHUNK])
        if (start // _CHUNK) % 4 == 3:
            print(f"{start + _CHUNK:>10,} texts {time.process_time() - cpu:7.1f} s of CPU", flush=True)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    cpu = time.process_time() - cpu
    print(f"{len(texts):,} texts, {len(novelty):,} kept: {cpu:.0f} s of CPU, {seconds:.0f} s, {peak:.1f} GiB")


if __name__ == "__main__":
    main()
