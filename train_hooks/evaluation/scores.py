"""From graded answers to figures: accuracy with Wilson's 95 % interval, by label, and how answers went missing.

Wilson's interval (J. Am. Stat. Assoc. 22, 1927) stays within [0, 1] and holds near 0 and 1, where small models and
small benchmarks live. An answer that was never stated or met an error of the server counts as wrong, one that was cut
off mostly is; how many there were stands beside the accuracy.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Z95 = 1.959963984540054
"""Of the normal distribution: 95 % lie within."""


class Answer(NamedTuple):
    """A graded answer, one line of `answers/`.

    prediction: the final answer found in `text`, None where there is none. finish_reason: "length" where the text was
    cut off. by: who decided, see `core.grading.Verdict`. error: why there is no text.
    """

    item_id: str
    correct: bool
    prediction: str | None
    golds: Sequence[str]
    finish_reason: str = "stop"
    by: str = "rules"
    disagreement: bool = False
    note: str = ""
    labels: Mapping[str, str] = {}
    text: str = ""
    error: str | None = None


def wilson(correct: int, total: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a share; (0, 1) where nothing was counted."""
    if not total:
        return 0.0, 1.0
    share = correct / total
    centre = share + z * z / (2 * total)
    width = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low = 0.0 if not correct else (centre - width) / scale
    high = 1.0 if correct == total else (centre + width) / scale
    return low, high


def share(correct: int, total: int) -> dict[str, Any]:
    """A share with its interval, for results."""
    low, high = wilson(correct, total)
    accuracy = correct / total if total else 0.0
    return {"items": total, "correct": correct, "accuracy": accuracy, "interval": [low, high]}


def score(answers: Sequence[Answer]) -> dict[str, Any]:
    """The figures of one pass over a benchmark."""
    groups: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for answer in answers:
        for label, value in answer.labels.items():
            groups[label][value].append(answer.correct)
    return {
        **share(sum(answer.correct for answer in answers), len(answers)),
        "truncated": sum(answer.finish_reason == "length" for answer in answers),
        "no_answer": sum(answer.prediction is None and answer.error is None for answer in answers),
        "failed": sum(answer.error is not None for answer in answers),
        "disagreements": sum(answer.disagreement for answer in answers),
        "groups": {
            label: {value: share(sum(found), len(found)) for value, found in sorted(values.items(), key=_rank)}
            for label, values in groups.items()
        },
    }


_ORDER = ("easy", "medium", "hard", "elementary", "middle", "high", "college", "university")


def _rank(entry: tuple[str, Any]) -> tuple[int, float, str]:
    value = entry[0]
    if value in _ORDER:
        return _ORDER.index(value), 0.0, value
    return len(_ORDER), float(value) if value.isdigit() else math.inf, value


def best_pass(passes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The better of zero-shot and few-shot, as in the paper; of equal ones the one with fewer examples.

    Choosing on the test items favours models with noisy answers a little; hence every pass is reported.
    """
    return max(passes, key=lambda scored: (scored["accuracy"], -scored["shots"]))


def average(passes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of benchmarks' accuracies, each weighing the same.

    Its interval is put together from theirs (MOVER: Zou and Donner, Stat. Med. 27, 2008), so that it does not shrink to
    nothing where a model has nothing right.
    """
    mean = sum(scored["accuracy"] for scored in passes) / len(passes)
    low, high = (
        math.sqrt(sum((scored["accuracy"] - scored["interval"][side]) ** 2 for scored in passes)) / len(passes)
        for side in (0, 1)
    )
    return {"accuracy": mean, "interval": [mean - low, mean + high]}
