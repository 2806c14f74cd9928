"""Convex costs of the outputs: a value, the direction of training and how steep it can become."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logsumexp, softmax

from theodolite.numerics.errors import BadInput


def _anything(targets: np.ndarray) -> None:
    pass


@dataclass(frozen=True)
class Cost:
    """A convex cost C(f) = 1/N sum_i c(f_i, y_i) of outputs f (n, k) and targets y (n, k).

    Attributes: value(f, y), the cost, a number; derivative(f, y), d_i = dc/df_i, (n, k); curvature(f, y), the Hessians
    of c, (n, k, k); steepest, a bound on their eigenvalues; check(y), raises on targets that the cost cannot have.
    """

    name: str
    value: Callable[[np.ndarray, np.ndarray], float] = field(repr=False)
    derivative: Callable[[np.ndarray, np.ndarray], np.ndarray] = field(repr=False)
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray] = field(repr=False)
    steepest: float
    check: Callable[[np.ndarray], None] = field(default=_anything, repr=False)


def _squared(f: np.ndarray, y: np.ndarray) -> float:
    return float(((f - y) ** 2).sum() / (2 * len(y)))


def _flat_curvature(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.eye(y.shape[1]), (*y.shape, y.shape[1]))


def _cross_entropy(f: np.ndarray, y: np.ndarray) -> float:
    if y.shape[1] == 1:
        return float(np.mean(np.logaddexp(0.0, f) - y * f))
    return float(np.mean(logsumexp(f, axis=1) - (y * f).sum(1)))


def _probabilities(f: np.ndarray) -> np.ndarray:
    return expit(f) if f.shape[1] == 1 else np.asarray(softmax(f, axis=1))


def _cross_entropy_derivative(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _probabilities(f) - y


def _cross_entropy_curvature(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    p = _probabilities(f)
    return p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]


def _are_probabilities(targets: np.ndarray) -> None:
    inside = targets.min() >= 0 and targets.max() <= 1
    if not inside or (targets.shape[1] > 1 and np.abs(targets.sum(1) - 1).max() > 1e-6):
        raise BadInput(
            f"cross-entropy targets lie between {targets.min():g} and {targets.max():g}; expected probabilities: "
            "(n,) of the second of two classes, or (n, k) with rows that sum to 1, such as numpy.eye(k)[labels]"
        )


MEAN_SQUARED = Cost("mse", _squared, lambda f, y: f - y, _flat_curvature, 1.0)

# one column: the logistic cost of two classes, d = sigmoid(f) - y; more: d = softmax(f) - y
CROSS_ENTROPY = Cost(
    "cross_entropy",
    _cross_entropy,
    _cross_entropy_derivative,
    _cross_entropy_curvature,
    0.5,
    _are_probabilities,
)
