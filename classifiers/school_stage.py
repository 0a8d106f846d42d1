"""Predict the school stage of problems with the bundled fastText model and the lexicon of topics together.

fastText knows the sources that it was trained on (elementary, middle, high), the lexicon knows topics of any source and
the university. Their log probabilities are mixed; the lexicon alone decides about the university. On 625 problems that
were not trained on (the example crawl's, of two seeds) the mixture reaches a macro-F1 of 0.71 over four stages, the
lexicon alone 0.71, fastText with the lexicon's university 0.62; the weight was chosen and topics were added there.
"""

from collections.abc import Sequence

import numpy as np

from mathmill.classifiers import school_lexicon
from mathmill.classifiers.text_classifier import QUANTUM, bundled, join_problem
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import SCHOOL_STAGES

SCHOOL_STAGE_MODEL = "school_stage"
MODEL_WEIGHT = 0.3
"""Of fastText in the mixture: the best of 0, 0.3, 0.5, 0.7 and 1 on problems of sources that it has not seen."""


class SchoolStageModel:
    """Gives problems their probabilities of the four school stages."""

    def __init__(self) -> None:
        """Load the bundled model; ConfigError where it is missing."""
        self._model = bundled(SCHOOL_STAGE_MODEL)
        if self._model.labels != SCHOOL_STAGES[:3]:
            raise ConfigError(f"{self._model.folder} must have the labels {SCHOOL_STAGES[:3]}")

    def predict_proba(self, questions: Sequence[str], solutions: Sequence[str | None]) -> np.ndarray:
        """Give float32 (n_problems, 4) in the order of SCHOOL_STAGES, multiples of 1/1024."""
        topics = school_lexicon.predict_proba(questions, solutions).astype(np.float64)
        texts = [join_problem(question, solution) for question, solution in zip(questions, solutions, strict=True)]
        learned = self._model.predict_proba(texts).astype(np.float64)
        logs = MODEL_WEIGHT * np.log(learned + QUANTUM) + (1 - MODEL_WEIGHT) * np.log(topics[:, :3] + QUANTUM)
        school = np.exp(logs)
        school *= (1 - topics[:, 3:]) / school.sum(axis=1, keepdims=True)
        probs = np.concatenate([school, topics[:, 3:]], axis=1)
        return (np.round(probs / QUANTUM) * QUANTUM).astype(np.float32)
