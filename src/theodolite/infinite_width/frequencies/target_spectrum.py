"""How much of a target lies in which degree of spherical harmonics, from a sample: are my labels high-frequency?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.numerics.checks import finite, positive_integer, target_columns
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.numerics.gegenbauer import gegenbauer_values, multiplicity, sphere_dimension

SAME_NORM = 1e-6  # relative spread of the norms that counts as one sphere
ROWS = 256  # at a time


@dataclass(frozen=True, eq=False)
class TargetSpectrum:
    """The energy of a target by degree, (degrees,) each, summed over its columns, in squared units of the target.

    `energy` E_k, unbiased, so that it may be negative; `standard_deviation` it would have if the target were noise of
    the same size; `total`, the mean square of the target. `found`: degrees with more energy than two of these.
    """

    dimension: int
    energy: np.ndarray
    standard_deviation: np.ndarray
    total: float

    @property
    def found(self) -> np.ndarray:
        """Which degrees stand out from noise, (degrees,) of booleans."""
        return self.energy > 2 * self.standard_deviation

    @property
    def unexplained(self) -> float:
        """The part of the mean square in none of these degrees: higher ones, and noise."""
        return float(self.total - self.energy.sum())


def target_spectrum(X: Any, Y: Any, degrees: int = 7) -> TargetSpectrum:
    """|f_k|^2, the energy of the degree-k part of a target f, from values at points of a sphere.

    E_k = 1 / (n (n - 1)) sum_(i != j) y_i y_j N(d, k) P_k(cos(x_i, x_j))

    Unbiased for points uniform on the sphere, also with noisy labels. Pure noise of variance s^2 gives a standard
    deviation of s^2 sqrt(2 N(d, k)) / n, so degree k shows only where n is well above sqrt(N(d, k)).

    Args: X (n, d), all of one norm, n >= 2; Y (n,) or (n, c); degrees, how many, from 0 on.
    Returns: a TargetSpectrum.
    Raises: BadInput when the points do not lie on one sphere around 0; ShapeMismatch; NotFinite.
    Source: Dandi and Jacot (2021), arXiv:2111.03972, for the question; the estimator is ours.
    Cost: n^2 (d + 3 degrees) multiplications, memory for 256 rows of them.

    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 4))
    >>> X /= np.linalg.norm(X, axis=1, keepdims=True)
    >>> target_spectrum(X, 2 * X[:, 0], degrees=3).found  # degree 1 alone
    array([False,  True, False])
    """
    points = np.asarray(X, dtype=np.float64)
    if points.ndim != 2 or len(points) < 2:
        raise ShapeMismatch(f"X has shape {points.shape}; expected (n, d) with at least two points")
    n, d = len(points), sphere_dimension(points.shape[1])
    points, targets = finite(points, "X"), target_columns(Y, n)
    count = positive_integer(degrees, "degrees")
    units = points / _one_norm(points)
    sums = np.zeros(count)
    for start in range(0, n, ROWS):
        block = slice(start, min(start + ROWS, n))
        products = targets[block] @ targets.T
        products[np.arange(len(products)), np.arange(block.start, block.stop)] = 0.0
        cosines = np.clip(units[block] @ units.T, -1.0, 1.0)
        sums += gegenbauer_values(cosines, d, count).reshape(count, -1) @ products.ravel()
    sizes = np.array([float(multiplicity(d, k)) for k in range(count)])
    squares = targets.T @ targets / n
    noise = np.sqrt(2 * sizes * (squares**2).sum()) / n
    return TargetSpectrum(d, sizes * sums / (n * (n - 1)), noise, float(np.trace(squares)))


def _one_norm(points: np.ndarray) -> float:
    norms = np.linalg.norm(points, axis=1)
    mean = float(norms.mean())
    if not mean > 0 or np.abs(norms - mean).max() > SAME_NORM * mean:
        raise BadInput(
            f"the points have norms from {norms.min():.4g} to {norms.max():.4g}; a spectrum by degree needs one sphere "
            "around 0: divide each centred row by its norm, X / np.linalg.norm(X, axis=1, keepdims=True)"
        )
    return mean
