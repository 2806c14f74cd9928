"""Approximate ridge leverage scores: how much each point says that the others do not."""

import numpy as np
import scipy.linalg
from scipy.optimize import brentq

from theodolite.kernels import Kernel, gram
from theodolite.numerics.errors import BadInput

ROWS_AT_ONCE = 4096


def leverage_scores(
    kernel: Kernel, X: np.ndarray, features: int, rng: np.random.Generator, ridge: float | None = None
) -> np.ndarray:
    """Estimates of the diagonal of K (K + n ridge I)^-1, (n,), from a uniform pilot sample S of 2 P points.

        score_i = (k(x_i, x_i) - k(x_i, S) (K(S, S) + m ridge I)^-1 k(S, x_i)) / (n ridge),   m = |S|, at most 1

    Exact when S is all points. Args: ridge, by default the one at which the pilot's degrees of freedom are P/2.
    Source: Musco and Musco (2017), arXiv:1605.07583, definition of the approximate scores. Cost: O(n m^2).
    """
    n = len(X)
    pilot = X[rng.choice(n, min(n, 2 * features), replace=False)]
    m, matrix = len(pilot), gram(kernel, pilot)
    ridge = _ridge_of(scipy.linalg.eigvalsh(matrix / m), features / 2) if ridge is None else ridge
    factor = scipy.linalg.cholesky(matrix + m * ridge * np.eye(m), lower=True)
    scores = np.empty(n)
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        seen = scipy.linalg.solve_triangular(factor, gram(kernel, pilot, X[rows]), lower=True)
        scores[rows] = np.asarray(kernel.diagonal(X[rows])) - np.einsum("ij,ij->j", seen, seen)
    return np.clip(scores / (n * ridge), np.finfo(np.float64).tiny, 1.0)


def _ridge_of(values: np.ndarray, wanted: float) -> float:
    """The ridge with sum d / (d + ridge) = wanted, within the range that round-off leaves."""
    d = values[values > 0]
    if not d.size:
        raise BadInput("the kernel is zero on all points of the pilot sample")
    low, high = np.log(1e-12 * d.max()), np.log(d.sum() / wanted)

    def excess(log_ridge: float) -> float:
        return float(np.sum(d / (d + np.exp(log_ridge)))) - wanted

    return float(np.exp(low if excess(low) <= 0 else brentq(excess, low, high)))  # type: ignore[arg-type]
