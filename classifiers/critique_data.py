"""What a critique model is trained and judged on: solutions with reference scores, and pairs of a better and a worse.

Records of JSON Lines are `{"question", "solution", "score"}` with a score from 0 to 1, or `{"question", "chosen",
"rejected"}`, with a `kind` where one wants figures by kind. All texts of a question are kept together when some are
held out, and each text is read once however many pairs it is in.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash

from mathmill.core.errors import DataError

MIN_GAP = 0.2
"""Scores of one question that lie so far apart make a pair."""


@dataclass(frozen=True)
class CritiqueData:
    """Solutions and how they compare.

    scores: float64 (n,), NaN where a solution is only compared. groups: int64 (n,), numbers of questions. pairs: int64
    (m, 2), places of the better and the worse; kinds: of each pair, "" where it has none.
    """

    questions: list[str]
    solutions: list[str]
    scores: np.ndarray
    groups: np.ndarray
    pairs: np.ndarray
    kinds: list[str]

    def targets(self) -> np.ndarray:
        """What to learn: the score, else the share of its pairs that a solution wins: float64 (n,)."""
        wins = np.bincount(self.pairs[:, 0], minlength=len(self.scores))
        total = wins + np.bincount(self.pairs[:, 1], minlength=len(self.scores))
        return np.where(np.isnan(self.scores), wins / np.maximum(total, 1), self.scores)

    def part(self, chosen: np.ndarray) -> "CritiqueData":
        """The texts of some questions. chosen: bool (n,), alike for all texts of a question."""
        places = np.flatnonzero(chosen)
        new = np.cumsum(chosen) - 1
        inside = chosen[self.pairs[:, 0]] & chosen[self.pairs[:, 1]]
        return CritiqueData(
            [self.questions[i] for i in places],
            [self.solutions[i] for i in places],
            self.scores[places],
            self.groups[places],
            new[self.pairs[inside]],
            [kind for kind, kept in zip(self.kinds, inside, strict=True) if kept],
        )

    def split(self, share: float, salt: str = "") -> tuple["CritiqueData", "CritiqueData"]:
        """Hold out about a share of the questions, by a hash of theirs, the same ones every time.

        salt: another one gives another choice; a part must not be split again with the same.
        """
        bounds = np.array([xxhash.xxh3_64_intdigest((salt + question).encode()) / 2**64 for question in self.questions])
        held_out = bounds < share
        return self.part(~held_out), self.part(held_out)


def read_critique_data(records: Iterable[Mapping[str, Any]], min_gap: float = MIN_GAP) -> CritiqueData:
    """Make data of records; scores of one question that differ by `min_gap` make further pairs.

    Raises DataError with the number of the first record that is none.
    """
    places: dict[tuple[str, str], int] = {}
    groups: dict[str, int] = {}
    scores: list[float] = []
    pairs: dict[tuple[int, int], str] = {}

    def place(question: str, solution: str) -> int:
        groups.setdefault(question, len(groups))
        found = places.setdefault((question, solution), len(places))
        if found == len(scores):
            scores.append(np.nan)
        return found

    for number, record in enumerate(records, 1):
        fault = _fault(record)
        if fault is not None:
            raise DataError(f"record {number}: {fault}")
        question = record["question"]
        if "score" in record:
            scores[place(question, record["solution"])] = float(record["score"])
        else:
            pair = place(question, record["chosen"]), place(question, record["rejected"])
            pairs[pair] = str(record.get("kind") or "")
    members: dict[str, list[int]] = {}
    for (question, _), at in places.items():
        members.setdefault(question, []).append(at)
    for mine in members.values():
        for a in mine:
            for b in mine:
                if scores[a] - scores[b] >= min_gap:
                    pairs.setdefault((a, b), "")
    return CritiqueData(
        [question for question, _ in places],
        [solution for _, solution in places],
        np.array(scores, np.float64),
        np.array([groups[question] for question, _ in places], np.int64),
        np.array(list(pairs), np.int64).reshape(-1, 2),
        list(pairs.values()),
    )


def read_lines(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Records of JSON Lines; blank lines are passed over. Raises DataError."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError:
            raise DataError(f"line {number} is no JSON") from None


def _fault(record: Any) -> str | None:
    """What is wrong with a record."""
    wanted = "it should have question, solution and score, or question, chosen and rejected"
    if not isinstance(record, Mapping):
        return wanted
    texts = ("question", "solution") if "score" in record else ("question", "chosen", "rejected")
    missing = [name for name in texts if not isinstance(record.get(name), str) or not record[name].strip()]
    if missing:
        return f"{missing[0]} is missing or empty; {wanted}"
    if "score" not in record:
        return "chosen and rejected are the same text" if record["chosen"] == record["rejected"] else None
    score = record["score"]
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    return None if is_number and 0 <= score <= 1 else f"score is {score!r}, and should be a number from 0 to 1"


def trl_records(data: CritiqueData) -> Iterator[dict[str, str]]:
    """The pairs as rows for TRL's RewardTrainer, in its plain format with an explicit prompt.

    Prompt and completion together are the text that our own head reads, so that a model trained there serves here.
    """
    for better, worse in data.pairs:
        prompt = prompt_text(data.questions[better])
        yield {"prompt": prompt, "chosen": data.solutions[better], "rejected": data.solutions[worse]}


def prompt_text(question: str) -> str:
    """How a language model is shown a question before the solution that it judges."""
    return f"Question: {question}\n\nSolution: "
