"""Drop documents whose math score is under the recipe's threshold.

The score is the calibrated probability of a fastText model; the bundled one reaches a ROC-AUC of 0.987 on English pages
of sites that it has not seen (its card has the figures by language, site and threshold). Prediction runs over the whole
Arrow column at once, with no Python object for a token.
"""

from collections.abc import Iterable
from typing import ClassVar

import pyarrow as pa

from mathmill.classifiers.text_classifier import Classifier, model_files, model_folder
from mathmill.core.config import Probability, StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import replace_columns
from mathmill.core.stage import BatchStage, Output, StageContext, split_dropped

MATH = "math"
"""The label whose probability is the score."""


class ClassifyConfig(StageConfig):
    """`classify:` in a recipe."""

    model: str = "math"  # a bundled name, or the path of a model folder
    threshold: Probability = 0.5  # calibrated: about half of the pages at this score are math

    def file_paths(self) -> list[str]:
        """Return the model's files."""
        return [str(path) for path in model_files(model_folder(self.model))]


class Classify(BatchStage):
    """Adds `math_score` (float32, multiples of 1/1024) and drops rows below the threshold as "not_math"."""

    name = "classify"
    version = 1
    Config: ClassVar[type[StageConfig]] = ClassifyConfig
    needs = ("text", "math_score")
    config: ClassifyConfig

    def open(self, context: StageContext) -> None:
        """Load the model; ConfigError where it is missing or has no label "math"."""
        self._classifier = Classifier(model_folder(self.config.model))
        if MATH not in self._classifier.labels:
            raise ConfigError(f"classify.model: {self.config.model} has no label {MATH!r}")
        self._column = self._classifier.labels.index(MATH)

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Score all texts of the batch and split it."""
        scores = self._classifier.predict_proba(batch.column("text"))[:, self._column]
        batch = replace_columns(batch, math_score=pa.array(scores))
        return split_dropped(batch, scores >= self.config.threshold, self.name, "not_math", scores)
