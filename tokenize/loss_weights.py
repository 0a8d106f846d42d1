"""How much the loss of a record and of each of its tokens counts: by labels, by scores, in the final answer.

A record has one weight, and spans of tokens have factors; both lie beside the mask in the shards, so that trainers
multiply and need to know nothing of why. Hard samples, or those that a critique model scores low, are weighted so.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from pydantic import Field

from mathmill.core.config import Config
from mathmill.tokenize.store import LOSS_SPAN

LEAST, MOST = 1e-6, 1e6
"""Weights below the least are 0; products of a record's and a span's stay far from the limits of float32."""

Factor = Annotated[float, Field(ge=0, le=1000)]
ByValue = dict[str, Factor]
ByScore = Annotated[dict[float, Factor], Field(min_length=1)]


class LossWeightConfig(Config):
    """`loss_weight:` of `tokenize:` in a recipe. All factors that a record meets are multiplied.

    Labels: a factor by value, 1 for other values and where the label is unknown. Scores: factors at some scores,
    interpolated between them and constant beyond: `critique_score: {0.2: 2.0, 0.8: 1.0}`; 1 where there is no score.
    answer: of the tokens of the final answer.
    """

    corpus: dict[Literal["documents", "problems", "conversations"], Factor] = {}
    source: ByValue = {}
    license: ByValue = {}
    lang: ByValue = {}
    school_stage: dict[Literal["elementary", "middle", "high", "university"], Factor] = {}
    difficulty: dict[Literal["easy", "medium", "hard"], Factor] = {}
    method: ByValue = {}
    style: dict[Literal["cot", "pot", "mixed"], Factor] = {}
    school_stage_p: ByScore | None = None
    difficulty_p: ByScore | None = None
    difficulty_score: ByScore | None = None
    math_score: ByScore | None = None
    critique_score: ByScore | None = None
    answer: Factor = 1.0

    def by_value(self) -> Iterator[tuple[str, Mapping[str, float]]]:
        """The labels that have factors."""
        for name in ("corpus", "source", "license", "lang", "school_stage", "difficulty", "method", "style"):
            if factors := getattr(self, name):
                yield name, factors

    def by_score(self) -> Iterator[tuple[str, Mapping[float, float]]]:
        """The scores that have factors."""
        for name in ("school_stage_p", "difficulty_p", "difficulty_score", "math_score", "critique_score"):
            if factors := getattr(self, name):
                yield name, factors


def record_weights(labels: Mapping[str, pa.Array], config: LossWeightConfig) -> npt.NDArray[np.float32]:
    """The weights of records: float32 (n,), each 0 or in [LEAST, MOST].

    labels: the columns of the token store, `weight` among them. Raises ValueError where a record's own weight is none.
    """
    weights = checked(labels["weight"].to_numpy(zero_copy_only=False), "loss weight").astype(np.float64)
    for name, by_value in config.by_value():
        numbers = pc.index_in(labels[name], pa.array(list(by_value), pa.string()))
        weights *= np.array([*by_value.values(), 1.0])[numbers.fill_null(len(by_value)).to_numpy(zero_copy_only=False)]
    for name, by_score in config.by_score():
        scores = labels[name].to_numpy(zero_copy_only=False).astype(np.float64)
        known = sorted(by_score)
        factors = np.interp(scores, known, [by_score[score] for score in known])
        weights *= np.where(np.isnan(scores), 1.0, factors)
    return np.where(weights < LEAST, 0, np.minimum(weights, MOST)).astype(np.float32)


def checked(weights: npt.NDArray[np.floating], what: str) -> npt.NDArray[np.float32]:
    """Weights from data; below LEAST they become 0. Raises ValueError where one is negative, too large or none."""
    wrong = ~((weights >= 0) & (weights <= MOST))
    if wrong.any():
        raise ValueError(f"a {what} of {weights[wrong][0]} is not between 0 and {MOST:g}")
    return np.where(weights < LEAST, 0, weights).astype(np.float32)


def loss_spans(
    rows: npt.NDArray[np.int64],
    spans: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float32],
    factor_spans: npt.NDArray[np.int64],
    factors: npt.NDArray[np.float32],
) -> pa.ListArray:
    """Spans of tokens of equal weight, by row (LOSS_SPAN).

    rows: (n + 1,), where the tokens of each row begin. spans: (m, 2), what is learned, each inside a row; weights:
    (m,). factor_spans, factors: (k, 2), (k,), what multiplies the weights of the tokens in it. All count tokens of the
    batch.
    """
    tokens = np.zeros(rows[-1], np.float32)
    _assign(tokens, spans, weights)
    _multiply(tokens, factor_spans, factors)
    tokens[tokens < LEAST] = 0
    np.minimum(tokens, MOST, out=tokens)
    begins = np.zeros(len(tokens), bool)
    begins[rows[:-1][rows[:-1] < rows[1:]]] = True
    begins[1:] |= tokens[1:] != tokens[:-1]
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(tokens))
    learned = tokens[starts] > 0
    starts, ends = starts[learned], ends[learned]
    owners = np.searchsorted(rows, starts, side="right") - 1
    values = [pa.array((side - rows[owners]).astype(np.int32)) for side in (starts, ends)]
    items = pa.StructArray.from_arrays([*values, pa.array(tokens[starts])], fields=list(LOSS_SPAN))
    offsets = np.searchsorted(starts, rows).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), items, type=pa.list_(LOSS_SPAN))


@njit(cache=True)
def _assign(tokens, spans, weights):  # type: ignore[no-untyped-def]
    for i in range(len(spans)):
        tokens[spans[i, 0] : spans[i, 1]] = weights[i]


@njit(cache=True)
def _multiply(tokens, spans, factors):  # type: ignore[no-untyped-def]
    for i in range(len(spans)):
        tokens[spans[i, 0] : spans[i, 1]] *= factors[i]
