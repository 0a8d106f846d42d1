r"""Pass over pages that cannot hold math, by their bytes, before anything is decoded or parsed.

One pass counts marks of mathematics (marks.py). What renderers of formulas leave, TeX commands and delimiters are
sure: one is enough. Words in several charsets, operators, Greek letters, superscripts and dollars are weighed by a
logistic function of the logarithms of their counts. On sites that the weights had not seen, the threshold of 0.05 lost
no page that the math classifier keeps or that holds a formula, and passed over 61 % of the others
(benchmarks/quality_prefilter.py). A page of 57 kB takes 0.04 ms on average, of which extraction takes 3; one with a
sure mark is read only up to the first.
"""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import pyarrow as pa
import xxhash

from mathmill.core.config import Probability, StageConfig
from mathmill.core.stage import OUT, SKIPPED, BatchStage, Output, StageContext, split_dropped
from mathmill.curation.mark_phrases import SURE
from mathmill.curation.marks import count_marks

WEIGHTS = np.array([0.60, 1.11, 0.49, 0.30, 0.30, 0.93, 0.30, 0.94, -1.55])
BIAS = 7.61
"""Of log(1 + count) of the marks from "names" on and the bytes of text, fitted on all sites by
benchmarks/quality_prefilter.py. No mark may weigh less than 0.3: few of these sites are Chinese or write formulas as
plain characters."""


class PrefilterConfig(StageConfig):
    """`prefilter:` in a recipe."""

    threshold: Probability = 0.05
    sample: Probability = 0.01  # share of the pages passed over that get a row in `dropped`; all are counted


class Prefilter(BatchStage):
    """Passes over pages with less evidence of math than `threshold`, "no_math".

    A crawl is mostly such pages, so that only a share `sample` of them, told by a hash of their ids, gets a row in
    `dropped`; `facts` counts the others as "skipped:no_math". Outside of recipes nothing shows these counts: there,
    `sample: 1.0` lists every page.
    """

    name = "prefilter"
    version = 3
    Config: ClassVar[type[StageConfig]] = PrefilterConfig
    needs = ("html",)
    config: PrefilterConfig

    def open(self, context: StageContext) -> None:
        """Start counting."""
        self.facts: dict[str, int] = {}

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Weigh the pages of the batch and split it."""
        scores = math_evidence(batch.column("html"))
        keep = scores >= self.config.threshold
        if keep.all():
            yield OUT, batch
            return
        if keep.any():
            yield OUT, batch.filter(pa.array(keep))
        gone = np.flatnonzero(~keep)
        ids = batch.select([0]).take(pa.array(gone))
        sampled = np.array([in_sample(id_, self.config.sample) for id_ in ids.column(0).to_pylist()])
        if sampled.any():
            listed = gone[sampled]
            yield from split_dropped(ids.filter(pa.array(sampled)), keep[listed], self.name, "no_math", scores[listed])
        if passed := int((~sampled).sum()):
            key = f"{SKIPPED}no_math"
            self.facts[key] = self.facts.get(key, 0) + passed


def in_sample(id_: str, share: float) -> bool:
    """Whether a record is in a sample of this share of all; its id alone decides."""
    return xxhash.xxh3_64_intdigest(id_.encode()) < share * 2.0**64


def math_evidence(pages: pa.Array) -> np.ndarray:
    """Weigh what speaks for math in pages (binary or large_binary).

    Returns float64 (n_pages,) in [0, 1], multiples of 1/1024: 1 where there is a sure mark, and for a page in UTF-16 or
    UTF-32, which is not read; 0 without marks.
    """
    return weigh(count_marks(pages.cast(pa.large_binary()), until_sure=True))


def weigh(counts: np.ndarray, weights: np.ndarray = WEIGHTS, bias: float = BIAS) -> np.ndarray:
    """Weigh counts of marks, as `math_evidence` does."""
    logits = np.log1p(counts[:, SURE:]) @ weights + bias
    weighed = np.round(1024.0 / (1.0 + np.exp(-logits))) / 1024.0
    return np.where(counts[:, :SURE].any(axis=1), 1.0, np.where(counts[:, SURE:-1].any(axis=1), weighed, 0.0))
