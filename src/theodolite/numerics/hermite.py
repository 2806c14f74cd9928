"""Orthonormal Hermite polynomials and the Hermite coefficients of a function at any variance.

h_0 = 1, h_1 = x, h_(k+1) = (x h_k - sqrt(k) h_(k-1)) / sqrt(k + 1): E[h_j(Z) h_k(Z)] = 1 where j = k, 0 elsewhere.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev

from theodolite.numerics.gaussian import nodes, scaled_nodes

INTERPOLATED = 48  # standard deviations between which the coefficients of many others are interpolated
SETTLED = 1e-14  # of the largest coefficient: the interpolation's own last terms
BLOCK = 512  # variances treated at a time: one block of function values takes 4 MB


def hermite_values(z: np.ndarray, count: int) -> np.ndarray:
    """h_0(z), ..., h_(count-1)(z), stacked along a new first axis: never from factorials, which overflow.

    >>> hermite_values(np.array([2.0]), 3)[:, 0].round(6)
    array([1.     , 2.     , 2.12132])
    """
    values = np.empty((count, *z.shape))
    values[0] = 1.0
    if count > 1:
        values[1] = z
    for k in range(1, count - 1):
        values[k + 1] = (z * values[k] - math.sqrt(k) * values[k - 1]) / math.sqrt(k + 1)
    return values


@lru_cache(maxsize=8)
def weighted_hermite(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points z (p,) and the matrix w_p h_k(z_p) (p, count) that turns function values into Hermite coefficients.

    The panels are split at 0; beyond 1,024 orders, where h_k turns 64 times in one unit, they are halved.
    """
    z, weights = nodes((0.0,) if count <= 1024 else tuple(np.arange(-12.75, 13.0, 0.25)))
    matrix = np.ascontiguousarray((weights * hermite_values(z, count)).T)
    matrix.flags.writeable = False
    return z, matrix


def hermite_coefficients(
    function: Callable[[np.ndarray], np.ndarray], root: np.ndarray, count: int, kinks: Sequence[float] = ()
) -> np.ndarray:
    """a_k = E[g(s Z) h_k(Z)], k < count, for each standard deviation s.

    Args: function g of an array; root, the standard deviations s >= 0, of any shape; count; kinks of g, in units of its
        argument.
    Returns: (count, *root.shape), absolute error about 1e-15 times the size of g for count up to 2,048.
    Cost: about 1,000 values of g and 1,000 * count multiplications for each s, or for 48 of them, between which the
        others are interpolated where the tail of the interpolation is round-off; with a kink other than 0, twice as
        many points for each kink, and the polynomials anew for each s.

    >>> hermite_coefficients(lambda x: x**2, np.array(1.0), 4).round(12) + 0.0
    array([1.        , 0.        , 1.41421356, 0.        ])
    """
    flat = np.asarray(root, dtype=np.float64).ravel()
    moving = any(kinks)
    if not moving and flat.size > 2 * INTERPOLATED and (between := _interpolated(function, flat, count)) is not None:
        return between.reshape(count, *np.shape(root))
    result = np.empty((count, flat.size))
    block = 16 if moving else BLOCK
    for start in range(0, flat.size, block):
        s = flat[start : start + block]
        if moving:
            z, weights = scaled_nodes(s, kinks)
            values = weights * function(s[:, None] * z)
            result[:, start : start + block] = np.einsum("knp,np->kn", hermite_values(z, count), values, optimize=True)
        else:
            z, matrix = weighted_hermite(count)
            result[:, start : start + block] = (function(s[:, None] * z) @ matrix).T
    return result.reshape(count, *np.shape(root))


def _interpolated(function: Callable[[np.ndarray], np.ndarray], s: np.ndarray, count: int) -> np.ndarray | None:
    """The coefficients (count, n) as polynomials of s through those at Chebyshev points; None where not exact."""
    low, high = float(s.min()), float(s.max())
    if high <= low:
        return np.repeat(hermite_coefficients(function, np.array([low]), count), s.size, axis=1)
    points = chebyshev.chebpts1(INTERPOLATED)
    at_points = hermite_coefficients(function, (low + high) / 2 + (high - low) / 2 * points, count)
    series = at_points @ chebyshev.chebvander(points, INTERPOLATED - 1) * (2.0 / INTERPOLATED)
    series[:, 0] /= 2
    if np.abs(series[:, -4:]).max() > SETTLED * np.abs(series).max():
        return None
    return series @ chebyshev.chebvander((2 * s - low - high) / (high - low), INTERPOLATED - 1).T
