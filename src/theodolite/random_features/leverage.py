"""Approximate ridge leverage scores: how much each point says that the others do not."""

import numpy as np
import scipy.linalg
from scipy.optimize import brentq

from theodolite.kernels import Kernel, gram
from theodolite.numerics.errors import BadInput

ROWS_AT_ONCE = 4096
LOWEST = 1e-6  # ridge, in units of the mean diagonal: directions below it are of no use to a model


def leverage_scores(
    kernel: Kernel, X: np.ndarray, features: int, rng: np.random.Generator, ridge: float | None = None
) -> np.ndarray:
    """Estimates of the diagonal of K (K + n ridge I)^-1, (n,), from pilot samples S of 2 P points.

        score_i = (k(x_i, x_i) - k(x_i, S) (K(S, S) + n ridge diag(p))^-1 k(S, x_i)) / (n ridge),   at most 1

    with p the probability of each point to be in the pilot: a uniform one first, then one drawn by its scores, which
    sees rare points. Exact when S is all points. Args: ridge, by default the one at which the uniform pilot's degrees
    of freedom are P/2.
    Source: Musco and Musco (2017), arXiv:1605.07583, the approximate scores and their recursion, cut to two rounds.
    Cost: O(n P^2).
    """
    n, m = len(X), min(len(X), 2 * features)
    pilot, shares = rng.choice(n, m, replace=False), np.full(m, m / n)
    if ridge is None:
        ridge = _ridge_of(scipy.linalg.eigvalsh(gram(kernel, X[pilot]) / m), features / 2)
    scores = _scores(kernel, X, X[pilot], n * ridge, shares)
    if m == n:
        return scores
    pilot = rng.choice(n, m, replace=False, p=scores / scores.sum())
    return _scores(kernel, X, X[pilot], n * ridge, np.minimum(1.0, m * scores[pilot] / scores.sum()))


def _scores(kernel: Kernel, X: np.ndarray, pilot: np.ndarray, ridge_sum: float, shares: np.ndarray) -> np.ndarray:
    factor = scipy.linalg.cholesky(gram(kernel, pilot) + np.diag(ridge_sum * shares), lower=True)
    scores = np.empty(len(X))
    for start in range(0, len(X), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        seen = scipy.linalg.solve_triangular(factor, gram(kernel, pilot, X[rows]), lower=True)
        scores[rows] = np.asarray(kernel.diagonal(X[rows])) - np.einsum("ij,ij->j", seen, seen)
    return np.clip(scores / ridge_sum, np.finfo(np.float64).tiny, 1.0)


def _ridge_of(values: np.ndarray, wanted: float) -> float:
    """The ridge with sum d / (d + ridge) = wanted, but not below what a ridge is ever chosen at."""
    d = values[values > 0]
    if not d.size:
        raise BadInput("the kernel is zero on all points of the pilot sample")
    low, high = np.log(LOWEST * d.sum()), np.log(d.sum() / wanted)

    def excess(log_ridge: float) -> float:
        return float(np.sum(d / (d + np.exp(log_ridge)))) - wanted

    return float(np.exp(low if excess(low) <= 0 else brentq(excess, low, high)))  # type: ignore[arg-type]
