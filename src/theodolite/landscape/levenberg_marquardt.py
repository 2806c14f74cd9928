"""Levenberg-Marquardt on the normal equations, for valleys whose floor is degenerate; without them for many parameters.

Where copies of a neuron meet, the Jacobian loses rank and the cost rises like a fourth power. MINPACK's trust region
(scipy's `least_squares(method="lm")`) creeps there: from 2.5e-8 it reaches 1.6e-8 in 300 steps and 9e-9 in 3000, where
plain damping reaches 6e-22 in 300. So the few lines are written out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

Products = tuple[np.ndarray, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
SHRINK, GROW = 0.2, 4.0
INNER, POWER = 150, 8  # iterations of one inner solution, and for the norm of the Jacobian
SLOW, PATIENCE = 0.98, 3  # steps that take off less than 2 %, and how many of them end it
FIRST, LEAST, MOST = 1e-5, 1e-18, 1e8  # damping over the largest squared column of the Jacobian


def levenberg_marquardt(
    residuals: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    steps: int,
) -> np.ndarray:
    """Parameters of a smaller sum of squared residuals, never of a larger one.

    (J' J + damping) step = -J' r; the damping falls by 5 when a step is good and rises by 4 until one is.

    Args: residuals, (P,) -> (n,); jacobian, (P,) -> (n, P); start (P,); steps, at most. Returns: (P,).
    Source: Levenberg (1944), Marquardt (1963). Cost: per step O(n P^2 + P^3).

    >>> line = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> levenberg_marquardt(lambda p: line @ p - [1, 3, 5], lambda p: line, np.zeros(2), 50).round(6).tolist()
    [1.0, 2.0]
    """
    at = np.array(start, dtype=np.float64)
    r = residuals(at)
    value = float(r @ r)
    damping: float | None = None
    for _ in range(steps):
        j = jacobian(at)
        normal, slope = j.T @ j, j.T @ r
        size = float(normal.diagonal().max())
        if size == 0 or not np.isfinite(size) or value == 0:
            break
        damping = FIRST * size if damping is None else max(damping, LEAST * size)
        better = None
        while better is None and damping <= MOST * size:
            better = _tried(residuals, at, normal, slope, damping, value)
            damping *= GROW if better is None else SHRINK
        if better is None:
            break
        at, r, value = better
    return at


def levenberg_marquardt_products(
    products: Callable[[np.ndarray], Products],
    start: np.ndarray,
    steps: int,
    *,
    enough: float = 0.0,
    inner: int = INNER,
) -> np.ndarray:
    """The same by products with the Jacobian alone, each step solved by LSMR: for more parameters than P^2 allows.

    minimise |J step + r|^2 + damping |step|^2, by at most `inner` iterations

    Args: products, (P,) -> residuals (n,) and the maps v -> J v, u -> J' u; start (P,); steps, at most; enough, a sum
        of squares below which it ends. Returns: (P,), of no larger sum of squares; it also ends when three steps in a
        row take off less than 2 %, for the last digits need more inner iterations than it takes.
    Source: Fong and Saunders (2011), LSMR; Levenberg (1944), Marquardt (1963). Cost: per step 2 `inner` products.

    >>> line = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> found = levenberg_marquardt_products(
    ...     lambda p: (line @ p - [1, 3, 5], lambda v: line @ v, lambda u: line.T @ u), np.zeros(2), 30)
    >>> found.round(6).tolist()
    [1.0, 2.0]
    """
    from scipy.sparse.linalg import LinearOperator, lsmr

    at = np.array(start, dtype=np.float64)
    r, along, back = products(at)
    value, damping, slow = float(r @ r), None, 0
    for _ in range(steps):
        size = _squared_norm(along, back, len(at))
        if size == 0 or not np.isfinite(size) or value <= enough or slow >= PATIENCE:
            break
        damping = FIRST * size if damping is None else max(damping, LEAST * size)
        made: Any = LinearOperator  # its constructor makes a subclass, which type checkers do not see
        operator = made((len(r), len(at)), matvec=along, rmatvec=back, dtype=np.float64)
        better = None
        while better is None and damping <= MOST * size:
            step = lsmr(operator, -r, damp=float(np.sqrt(damping)), atol=1e-12, btol=1e-12, maxiter=inner)[0]
            tried = products(at + step)
            better = tried if float(tried[0] @ tried[0]) < value else None
            damping *= GROW if better is None else SHRINK
        if better is None:
            break
        at, (r, along, back) = at + step, better
        slow = slow + 1 if float(r @ r) > SLOW * value else 0
        value = float(r @ r)
    return at


def _squared_norm(
    along: Callable[[np.ndarray], np.ndarray], back: Callable[[np.ndarray], np.ndarray], parameters: int
) -> float:
    """About the largest eigenvalue of J' J, by the power method from a fixed start."""
    direction = np.random.default_rng(0).standard_normal(parameters)
    for _ in range(POWER):
        size = float(np.linalg.norm(direction))
        if size == 0:
            return 0.0
        direction = back(along(direction / size))
    return float(np.linalg.norm(direction))


def _tried(
    residuals: Callable[[np.ndarray], np.ndarray],
    at: np.ndarray,
    normal: np.ndarray,
    slope: np.ndarray,
    damping: float,
    value: float,
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """The next parameters, residuals and sum of squares, or None when they are no better."""
    damped = normal + damping * np.eye(len(normal))
    try:
        step = cho_solve(cho_factor(damped, overwrite_a=True, check_finite=False), -slope, check_finite=False)
    except LinAlgError:
        return None
    there = at + step
    r = residuals(there)
    new = float(r @ r)
    return (there, r, new) if new < value else None
