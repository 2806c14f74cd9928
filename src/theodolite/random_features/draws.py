"""Predictors of Gaussian random features, drawn: moments conditional on the training points, so that few draws do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from theodolite.numerics.checks import positive_integer, zero_or_positive
from theodolite.random_features.keys import generator
from theodolite.random_features.problem import Problem


@dataclass(frozen=True, eq=False)
class Draws:
    """Predictors of T independent draws of P Gaussian features.

    Given the features at the training points, the prediction at z is Gaussian; nothing at z needs to be drawn.

    Attributes: features P; means (T, m), conditional means; squared_norms (T,), |theta|^2; unseen (m,) of the problem.
    The conditional variance is |theta|^2 unseen / P. Source: Jacot et al. (2020), arXiv:2002.08404, section 3.
    """

    features: int
    means: np.ndarray
    squared_norms: np.ndarray
    unseen: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Estimate of E f, (m,); its standard error is the spread of `means` over sqrt(T)."""
        return self.means.mean(axis=0)

    @property
    def variance(self) -> np.ndarray:
        """Estimate of Var f, (m,), by the law of total variance."""
        return self.unseen * self.squared_norms.mean() / self.features + self.means.var(axis=0, ddof=1)

    def squared_errors(self, truth: np.ndarray, models: int = 1) -> np.ndarray:
        """Mean squared error over the points of each draw, the conditional variance included; (T // models,).

        With `models` > 1, of averages over that many draws, taken in their order.
        """
        groups = len(self.means) // models
        means = self.means[: groups * models].reshape(groups, models, -1).mean(axis=1)
        norms = self.squared_norms[: groups * models].reshape(groups, models).mean(axis=1) / models
        return np.mean((means - truth) ** 2, axis=1) + self.unseen.mean() * norms / self.features


def draw_predictors(key: Any, problem: Problem, ridge: float, features: int, draws: int) -> Draws:
    """Fit ridge regression on Gaussian features drawn at the training points, again and again.

    Args: key, a whole number or a key of jax.random; problem; ridge >= 0, lambda in FF' / n + lambda I, at zero the
        least-norm solution; features P; draws T.
    Returns: Draws. Raises: BadInput.
    Source: Jacot et al. (2020), arXiv:2002.08404, the Gaussian random feature model.
    Cost: T draws of r P numbers and of O(r P min(r, P)) operations, r the rank of K.

    >>> from theodolite.kernels import RBF
    >>> X, Z, k = np.linspace(0, 3, 8)[:, None], np.array([[0.5]]), RBF(1.0)
    >>> problem = Problem.of(k(X), np.sin(X[:, 0]), k(Z, X), k.diagonal(Z))
    >>> found = draw_predictors(0, problem, ridge=1e-3, features=200, draws=100)
    >>> bool(abs(found.mean[0] - np.sin(0.5)) < 0.05)
    True
    """
    rng, P = generator(key), positive_integer(features, "features")
    count, total = positive_integer(draws, "draws"), problem.rows * zero_or_positive(ridge, "ridge")
    root, c = np.sqrt(problem.eigenvalues), problem.coefficients
    means, norms = np.empty((count, len(problem.weights))), np.empty(count)
    for t in range(count):
        W = rng.standard_normal((len(root), P)) / np.sqrt(P)
        theta = ridge_weights(root[:, None] * W, c, total)
        means[t], norms[t] = problem.weights @ (W @ theta), theta @ theta
    return Draws(P, means, norms, problem.unseen)


def ridge_weights(F: np.ndarray, targets: np.ndarray, ridge_sum: float) -> np.ndarray:
    """theta (P,) that minimises |F theta - y|^2 + ridge_sum |theta|^2 (`ridge_sum` is n times our ridge).

    At zero the solution of least norm. Solved on the smaller side of F (n, P).
    """
    n, P = F.shape
    if ridge_sum == 0:
        return _least_norm(F, targets)
    if n > P:
        return scipy.linalg.solve(F.T @ F + ridge_sum * np.eye(P), F.T @ targets, assume_a="pos")
    return F.T @ scipy.linalg.solve(F @ F.T + ridge_sum * np.eye(n), targets, assume_a="pos")


def _least_norm(F: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """By orthogonal factors of the smaller side; by singular values when F has not full rank."""
    n, P = F.shape
    Q, R = np.linalg.qr(F if n > P else F.T)
    size = np.abs(np.diag(R))
    if size.min() <= max(n, P) * np.finfo(np.float64).eps * size.max():
        return np.asarray(scipy.linalg.lstsq(F, targets)[0])  # type: ignore[index]
    if n > P:
        return scipy.linalg.solve_triangular(R, Q.T @ targets)
    return Q @ scipy.linalg.solve_triangular(R.T, targets, lower=True)
