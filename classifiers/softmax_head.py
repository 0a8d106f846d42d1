"""From a scorer's numbers to probabilities that mean what they say: a softmax fitted on held-out texts.

With scores alone it is Platt's scaling with one weight for each pair of score and label; with counts of kinds of tokens
beside them it is also what brings text and counts together. Texts with a solution have weights of their own. Platt
1999; Guo et al. 2017, arXiv:1706.04599.
"""

from dataclasses import dataclass

import numpy as np

PENALTY = 1e-3
"""Of squared weights (of inputs scaled to variance 1) against the mean log loss: keeps a separable set finite."""


@dataclass(frozen=True)
class Head:
    """Weights of a softmax: float64 (n_inputs + 1, n_labels), the last row the intercepts."""

    weights: np.ndarray

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """inputs: float64 (n_texts, n_inputs). Returns float64 (n_texts, n_labels); rows sum to 1."""
        return softmax(inputs @ self.weights[:-1] + self.weights[-1])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of probabilities from rows of logits."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return odds / odds.sum(axis=1, keepdims=True)


def fit_head(
    inputs: np.ndarray, truth: np.ndarray, weights: np.ndarray, n_labels: int, penalty: float = PENALTY
) -> Head:
    """Fit a head by Newton steps on the weighted log loss, which is convex: the result does not depend on a start.

    inputs: float64 (n, n_inputs). truth: int (n,), label numbers. weights: float64 (n,), of the texts.
    """
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale[scale < 1e-12] = 1.0
    x = np.concatenate([(inputs - mean) / scale, np.ones((len(inputs), 1))], axis=1)
    share = weights / weights.sum()
    target = np.eye(n_labels)[truth]
    n = x.shape[1]
    ridge = np.full(n, penalty)
    ridge[-1] = 1e-6
    fitted = np.zeros((n, n_labels))

    def loss(candidate: np.ndarray) -> float:
        probs = softmax(x @ candidate)[np.arange(len(x)), truth]
        return float(-(share * np.log(np.maximum(probs, 1e-300))).sum() + 0.5 * (ridge[:, None] * candidate**2).sum())

    now = loss(fitted)
    for _ in range(100):
        probs = softmax(x @ fitted)
        gradient = x.T @ (share[:, None] * (probs - target)) + ridge[:, None] * fitted
        hessian = np.empty((n_labels, n, n_labels, n))
        for a in range(n_labels):
            for b in range(a, n_labels):
                curve = share * probs[:, a] * ((a == b) - probs[:, b])
                hessian[a, :, b, :] = hessian[b, :, a, :] = (x * curve[:, None]).T @ x
        square = hessian.reshape(n * n_labels, -1) + np.diag(np.tile(ridge, n_labels))
        step = np.linalg.solve(square, gradient.T.reshape(-1)).reshape(n_labels, n).T
        size = 1.0
        while (then := loss(fitted - size * step)) > now and size > 1e-6:
            size /= 2
        fitted, gain, now = fitted - size * step, now - then, then
        if gain < 1e-10:
            break
    plain = fitted[:-1] / scale[:, None]
    return Head(np.concatenate([plain, fitted[-1:] - mean[None, :] @ plain]))
