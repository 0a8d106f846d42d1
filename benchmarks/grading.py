r"""How fast and how right the grader is: pairs a second on real answers, ours against math-verify alone.

    python benchmarks/grading.py SHARED_DATA

SHARED_DATA holds `benchmarks/*.jsonl.zst`. Pairs are a gold answer against itself in other notation and against the
next problem's answer, as an evaluation meets them; the suite is tests/answer_pairs.py, in both directions.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import zstandard

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from answer_pairs import EQUAL, HELD_OUT_EQUAL, HELD_OUT_UNEQUAL, UNEQUAL, Pairs

from mathmill.core.answers import is_equivalent, same_by_rules
from mathmill.core.grading import ask_math_verify, grade

FILES = ("math_test", "gsm8k_test", "cmath_test", "gaokao2023en", "olympiadbench_oe_maths_en", "agieval_gaokao_math")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
HOSTILE = ("9^{9^{9^9}}", r"\sum_{k=1}^{1000000000}k", "(100000000)!", r"\int_0^1 e^{x^2}\sin(x^x)\,dx", "{" * 100_000)


def main() -> None:
    """Print the tables."""
    pairs = list(dict.fromkeys(real_pairs(Path(sys.argv[1]) / "benchmarks")))
    start, clock = time.perf_counter(), time.process_time()
    verdicts = grade([prediction for prediction, _, _ in pairs], [gold for _, gold, _ in pairs])
    wall, cpu = time.perf_counter() - start, time.process_time() - clock
    wrong = [pair for pair, verdict in zip(pairs, verdicts, strict=True) if pair[2] and not verdict.equal]
    asked = sum(verdict.by == "math-verify" or bool(verdict.note) for verdict in verdicts)
    rates = f"{len(pairs) / wall:,.0f} a second by the clock, {len(pairs) / cpu:,.0f} a CPU second of this process"
    print(f"{len(pairs):,} real pairs: {rates}")
    print(f"left to math-verify {asked:,}; other notation not recognised {len(wrong):,}: {wrong[:5]}")
    odd = [pair for pair, v in zip(pairs, verdicts, strict=True) if v.equal and not pair[2] and pair[0] != pair[1]]
    print(f"different problems' answers accepted though written differently {len(odd):,}: {odd[:12]}")
    for name, equal, unequal in (("suite", EQUAL, UNEQUAL), ("held out", HELD_OUT_EQUAL, HELD_OUT_UNEQUAL)):
        n = 2 * sum(len(group) for part in (equal, unequal) for group in part.values())
        for grader, decide in (("ours", is_equivalent), ("rules alone", same_by_rules), ("math-verify", math_verify)):
            rejected = [pair for pair in both_ways(equal) if not decide(*pair)]
            accepted = [pair for pair in both_ways(unequal) if decide(*pair)]
            print(f"{name}, {grader}: {n} pairs, {len(accepted)} false acceptances, {len(rejected)} false rejections")
            if grader == "ours":
                print("   ", rejected, accepted)
    for answer in HOSTILE:
        start = time.perf_counter()
        is_equivalent(answer, "1")
        print(f"{answer[:30]:32} {time.perf_counter() - start:.2f} s")


def real_pairs(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """A prediction, a gold answer, and whether they are the same by construction."""
    for name in FILES:
        with zstandard.open(folder / f"{name}.jsonl.zst", "rt", encoding="utf-8") as lines:
            golds = [str(answer) for line in lines if (answer := json.loads(line)["answer"]) and len(answer) < 200]
        for gold, other in zip(golds, [*golds[1:], *golds[:1]], strict=True):
            yield renotated(gold), gold, True
            yield other, gold, False


def renotated(gold: str) -> str:
    """The same answer as a model may write it."""
    if "frac" in gold:
        return "$" + re.sub(r"\\[cdt]?frac", r"\\tfrac", gold) + "$"
    return f"${gold}$" if "\\" in gold else gold.translate(FULL_WIDTH)


def both_ways(pairs: Pairs) -> Iterator[tuple[str, str]]:
    """Each pair in both directions."""
    for group in pairs.values():
        for one, other in group:
            yield one, other
            yield other, one


def math_verify(prediction: str, gold: str) -> bool:
    """math-verify alone; what it fails over is not accepted."""
    return ask_math_verify(prediction, gold, is_guarded=False).accepted


if __name__ == "__main__":
    main()
