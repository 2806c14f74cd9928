"""Functions of the angle on the sphere of R^d: Gegenbauer polynomials, multiplicities, quadrature in the angle.

P_0 = 1, P_1 = t, P_(k+1) = ((2k + d - 2) t P_k - k P_(k-1)) / (k + d - 2), so that P_k(1) = 1; for d = 2 these are the
Chebyshev polynomials cos(k theta), for d = 3 the Legendre polynomials.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput

NODES = 30  # Gauss-Legendre nodes in a panel
REFINEMENTS = 40  # halvings of the panels towards each pole: the last one is 1e-12 wide


def sphere_dimension(dimension: Any) -> int:
    """A whole number >= 2: spheres of smaller spaces are points."""
    found = positive_integer(dimension, "the dimension of the space around the sphere")
    if found < 2:
        raise BadInput(f"the dimension of the space around the sphere must be at least 2, got {found}")
    return found


def multiplicity(dimension: int, degree: int) -> int:
    """N(d, k) = (2k + d - 2) / k binomial(k + d - 3, k - 1): the number of spherical harmonics of degree k in R^d.

    Args: dimension d >= 2; degree k >= 0. Returns: an exact integer of any size. Raises: BadInput.

    >>> [multiplicity(3, k) for k in range(4)], multiplicity(2, 7), multiplicity(784, 2)
    ([1, 3, 5, 7], 2, 307719)
    """
    d = sphere_dimension(dimension)
    k = 0 if degree == 0 else positive_integer(degree, "a degree")
    return 1 if k == 0 else (2 * k + d - 2) * math.comb(k + d - 3, k - 1) // k


def gegenbauer_values(t: np.ndarray, dimension: int, count: int) -> np.ndarray:
    """P_0(t), ..., P_(count-1)(t), stacked along a new first axis.

    Args: t, cosines in [-1, 1]; dimension d >= 2; count >= 1. Returns: (count, *t.shape), error of some k eps.
    Cost: 3 multiplications for each value.

    >>> gegenbauer_values(np.array([0.5]), 3, 4)[:, 0]
    array([ 1.    ,  0.5   , -0.125 , -0.4375])
    """
    d = sphere_dimension(dimension)
    values = np.empty((count, *np.shape(t)))
    values[0] = 1.0
    if count > 1:
        values[1] = t
    for k in range(1, count - 1):
        values[k + 1] = ((2 * k + d - 2) * t * values[k] - k * values[k - 1]) / (k + d - 2)
    return values


def zonal_nodes(dimension: int, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Angles and weights of E g(theta), theta the angle between a fixed and a uniform point of the sphere.

    The density is sin(theta)^(d-2), normalised. Composite Gauss-Legendre panels, refined geometrically towards 0 and
    pi, where kernels of networks have kinks; between, as fine as the density and `count` polynomials ask.

    Args: dimension d >= 2; count, of polynomials that the integrand contains.
    Returns: (n,) angles in (0, pi) and (n,) weights that sum to 1.
    Cost: some 3,000 points; made once.

    >>> angles, weights = zonal_nodes(3)
    >>> bool(abs(weights @ np.cos(angles) ** 2 - 1 / 3) < 1e-15)
    True
    """
    d = sphere_dimension(dimension)
    fineness = max(8, math.ceil(2 * math.sqrt(d)), math.ceil(positive_integer(count, "count") / 8))
    return _zonal_nodes(d, 2 ** math.ceil(math.log2(fineness)))


@lru_cache(maxsize=16)
def _zonal_nodes(dimension: int, panels: int) -> tuple[np.ndarray, np.ndarray]:
    step = math.pi / 2 / panels
    towards = step * 0.5 ** np.arange(REFINEMENTS, 0, -1)
    left = np.concatenate([[0.0], towards, step * np.arange(1, panels + 1)])
    left[-1] = math.pi / 2
    x, w = np.polynomial.legendre.leggauss(NODES)
    half = np.diff(left)[:, None] / 2
    angles = (left[:-1, None] + half * (1 + x)).ravel()
    weights = (half * w).ravel() * np.exp((dimension - 2) * np.log(np.sin(angles)))
    angles, weights = np.concatenate([angles, math.pi - angles[::-1]]), np.concatenate([weights, weights[::-1]])
    weights /= weights.sum()
    for array in (angles, weights):
        array.flags.writeable = False
    return angles, weights
