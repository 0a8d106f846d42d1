r"""Critique models on solutions that are right and the same ones made wrong, on problems that they have not seen.

    python benchmarks/critique.py DATA                                    # the linear model, a minute
    python benchmarks/critique.py DATA --base SmolLM2.gguf --problems 300 # and a reward head on a language model

Training problems of GSM8K, MATH and TAL-SCQ5K (Chinese); a fifth of the questions is held out. GSM8K's calculations are
annotated, so that a mistake can be made and carried on to the end: a slip with everything after it reckoned from it; a
slip that nothing follows from, the right answer kept; another operation, or another number of the question, with all
calculations right; a step left out; another final answer. In MATH and TAL a number is changed, a step left out, or the
final answer changed. "unseen kind": the same pairs by a linear model that was trained without that kind. Corruptions
made by rule are easier than the mistakes of models; ToRA's answers on GSM8K's test (judged only, by ROC-AUC between
right and wrong ones, never trained on) show how much.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

from mathmill.classifiers.critique import Critique, evaluate_critique, train_critique
from mathmill.classifiers.critique_data import CritiqueData, read_critique_data
from mathmill.classifiers.critique_linear import LinearCriticConfig, fit_linear
from mathmill.classifiers.metrics import roc_auc
from mathmill.classifiers.solution_checks import value_of
from mathmill.curation.problems.steps import segment_steps

TEST_SHARE = 0.2
_ANNOTATION = re.compile(r"<<([^<>=]+)=([^<>=]+)>>\s*([\d,.]*\d)?")
_WRITTEN = re.compile(r"[\d.,+\-*/()$%\sx×]+=\s*\$?\s*\Z")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SWAPS = {"+": "-", "-": "+", "*": "/", "/": "*"}

Change = Callable[[str, Fraction], tuple[str, Fraction] | None]
"""From a calculation and its result to others; None where it cannot be changed so."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--problems", type=int, default=2000, help="of each source")
    parser.add_argument("--base", type=Path, help="model folder or GGUF file for a reward head")
    parser.add_argument("--layers", type=int, default=6, help="trained ones of it, the last")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=320)
    arguments = parser.parse_args()
    records = list(corrupted(arguments.data, arguments.problems))
    training, test = read_critique_data(records).split(TEST_SHARE)
    held_out = f"{len(test.pairs):,} of {len(set(test.questions)):,} questions held out"
    print(f"{len(training.pairs):,} pairs to train on, {held_out}")
    tora = list(rows(arguments.data / "benchmarks/tir_tora70b_gsm8k_test.jsonl.zst"))

    linear = timed("linear", lambda: train_critique(training, fit, "linear"))
    unseen = {
        kind: evaluate_critique(train_critique(without(training, kind), fit, kind), test)
        for kind in sorted(set(test.kinds))
    }
    show("linear", linear, test, tora, {kind: figures["by_kind"][kind] for kind, figures in unseen.items()})
    if arguments.base is not None:
        from mathmill.classifiers.critique_head import HeadConfig, fit_head_critic

        config = HeadConfig(epochs=arguments.epochs, trained_layers=arguments.layers, max_tokens=arguments.max_tokens)

        def report(step: int, steps: int, loss: float) -> None:
            if step % 10 == 0:
                print(f"  step {step} of {steps}: {loss:.3f}", flush=True)

        head = timed(
            "head",
            lambda: train_critique(
                training, lambda part: fit_head_critic(part, arguments.base, config, report), "head"
            ),
        )
        show("head", head, test, tora, {})


def fit(data: CritiqueData) -> Any:
    """The linear model as it comes."""
    return fit_linear(data, LinearCriticConfig())


def timed(name: str, make: Callable[[], Critique]) -> Critique:
    """Make a model and say what it took."""
    start = time.process_time()
    model = make()
    print(f"{name}: {time.process_time() - start:.1f} s of CPU")
    return model


def without(data: CritiqueData, kind: str) -> CritiqueData:
    """The data without the pairs of a kind, and without their worse solutions."""
    kept = np.array([other != kind for other in data.kinds])
    better = {
        (data.questions[a], data.solutions[a], data.solutions[b], k)
        for (a, b), k in zip(data.pairs, data.kinds, strict=True)
    }
    records = [{"question": q, "chosen": a, "rejected": b, "kind": k} for q, a, b, k in sorted(better) if k != kind]
    assert len(records) == kept.sum()
    return read_critique_data(records)


def show(name: str, model: Critique, test: CritiqueData, tora: list[dict[str, Any]], unseen: dict[str, Any]) -> None:
    """Print a model's figures."""
    figures = evaluate_critique(model, test)
    low, high = figures["pairwise_accuracy_interval"]
    print(f"\n{name}: pairwise accuracy {figures['pairwise_accuracy']:.3f} ({low:.3f} to {high:.3f})")
    error = figures["expected_calibration_error"]
    print(f"  Spearman {figures['spearman']:.3f}, MAE {figures['mae']:.3f}, calibration error {error:.3f}")
    for kind, row in figures["by_kind"].items():
        other = f"   unseen kind {unseen[kind]['pairwise_accuracy']:.3f}" if kind in unseen else ""
        print(f"  {kind:<44}{row['pairs']:>6,}{row['pairwise_accuracy']:>8.3f}{other}")
    scores = model.predict([row["question"] for row in tora], [row["solution"] for row in tora])
    right = np.array([bool(row["correct"]) for row in tora])
    print(f"  ToRA's answers: ROC-AUC {roc_auc(scores, right):.3f} ({right.sum()} right, {(~right).sum()} wrong)")


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file."""
    with zstandard.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def corrupted(data: Path, problems: int) -> Iterator[dict[str, str]]:
    """Pairs of all sources."""
    for name, make in (("gsm8k_train", gsm8k_pairs), ("math_train", plain_pairs), ("tal_scq5k_cn_train", plain_pairs)):
        taken = [row for row in rows(data / f"problems/{name}.jsonl.zst") if len(row["solution"] or "") > 40]
        random.Random(name).shuffle(taken)
        source = name.partition("_")[0]
        for row in taken[:problems]:
            numbers = random.Random(row["id"])
            chosen = rework(row["solution"]) if make is gsm8k_pairs else row["solution"]
            if chosen is None:
                continue
            for kind, rejected in make(row["question"], row["solution"], numbers):
                if rejected is not None and rejected != chosen:
                    yield {
                        "question": row["question"],
                        "chosen": chosen,
                        "rejected": rejected,
                        "kind": f"{source}: {kind}",
                    }


def gsm8k_pairs(question: str, solution: str, numbers: random.Random) -> Iterator[tuple[str, str | None]]:
    """Wrong versions of a solution with annotated calculations."""
    count = len(_ANNOTATION.findall(solution))
    if not count:
        return
    asked = sorted(set(_NUMBER.findall(question)))
    end = rework(solution).rpartition("####")[2]

    def changed(change: Change, places: range) -> str | None:
        for place in numbers.sample(places, len(places)):
            text = rework(solution, place, change)
            if text is not None and text.rpartition("####")[2] != end:
                return text
        return None

    def slip(expression: str, result: Fraction) -> tuple[str, Fraction]:
        return expression, result + numbers.choice([-10, -2, -1, 1, 2, 10])

    def operation(expression: str, _: Fraction) -> tuple[str, Fraction] | None:
        signs = [i for i, sign in enumerate(expression) if sign in _SWAPS and i]
        place = numbers.choice(signs) if signs else 0
        return _reckoned(expression[:place] + _SWAPS[expression[place]] + expression[place + 1 :]) if signs else None

    def number(expression: str, _: Fraction) -> tuple[str, Fraction] | None:
        found = [match for match in _NUMBER.finditer(expression) if match[0] in asked]
        match = numbers.choice(found) if found else None
        others = [other for other in asked if match is not None and other != match[0]]
        return (
            _reckoned(expression[: match.start()] + numbers.choice(others) + expression[match.end() :])
            if match and others
            else None
        )

    yield "slip, carried on", changed(slip, range(count))
    yield "other operation, carried on", changed(operation, range(count))
    yield "other number, carried on", changed(number, range(count))
    yield (
        "slip, right answer",
        rework(solution, numbers.randrange(count - 1), slip, carries=False) if count > 1 else None,
    )
    yield "step left out", _left_out(rework(solution).splitlines(), numbers, "\n")
    yield "other final answer", _other_number(rework(solution), r"#### \$?(-?[\d,.]*\d)", numbers)


def plain_pairs(_: str, solution: str, numbers: random.Random) -> Iterator[tuple[str, str | None]]:
    """Wrong versions of any solution."""
    steps = [solution[start:end] for start, end in segment_steps(solution)]
    yield "number changed", _other_number(solution, r"(?<![\d.])(\d+)(?![\d.])", numbers)
    yield "step left out", _left_out(steps, numbers, " ")
    yield "other final answer", _other_number(solution, r"\\boxed\{(\d+)\}", numbers)


def rework(solution: str, place: int = -1, change: Change | None = None, carries: bool = True) -> Any:
    """A solution of GSM8K without annotations, one calculation changed, and all that follows from it.

    None where it cannot be changed, or gives a number that nobody would write.
    """
    parts, end = [], 0
    moved: dict[Fraction, Fraction] = {}
    for number, match in enumerate(_ANNOTATION.finditer(solution)):
        before = _WRITTEN.sub("", solution[end : match.start()])
        is_written = before != solution[end : match.start()]
        end = match.end()
        expression, result = _moved(match[1], moved), value_of(match[2].replace(",", "").strip())
        if result is None:
            return None if place >= 0 else _ANNOTATION.sub(r"\3", solution)
        reached = value_of(expression) if moved else result
        if number == place and change is not None:
            new = change(expression, result)
            if new is None:
                return None
            expression, reached = new
        if reached is None or reached <= 0 or _shown(reached) is None:
            return None
        parts.append(_moved(before, moved) + (f" {expression} = " if is_written else "") + str(_shown(reached)))
        if reached != result and carries:
            moved[result] = reached
    return "".join(parts) + _moved(solution[end:], moved)


def _moved(text: str, moved: dict[Fraction, Fraction]) -> str:
    """Results that are now others, wherever they are used."""

    def new(match: re.Match[str]) -> str:
        value = Fraction(match[0].replace(",", ""))
        return str(_shown(moved[value])) if value in moved else match[0]

    return re.sub(r"\d+(?:,\d{3})*(?:\.\d+)?", new, text) if moved else text


def _reckoned(expression: str) -> tuple[str, Fraction] | None:
    value = value_of(expression)
    return None if value is None else (expression, value)


def _shown(value: Fraction) -> str | None:
    """A number with at most two decimals."""
    if (value * 100).denominator != 1:
        return None
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.2f}".rstrip("0")


def _left_out(steps: list[str], numbers: random.Random, between: str) -> str | None:
    place = numbers.randrange(1, len(steps) - 1) if len(steps) > 3 else 0
    return between.join(steps[:place] + steps[place + 1 :]) if place else None


def _other_number(text: str, pattern: str, numbers: random.Random) -> str | None:
    found = [match for match in re.finditer(pattern, text) if match.start(1) >= len(text) // 3]
    if not found:
        return None
    match = numbers.choice(found)
    value = Fraction(match[1].replace(",", "")) + numbers.choice([-2, -1, 1, 2, 10])
    shown = _shown(abs(value) if value else Fraction(3))
    return None if shown is None else text[: match.start(1)] + shown + text[match.end(1) :]


if __name__ == "__main__":
    main()
