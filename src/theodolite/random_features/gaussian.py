"""Gaussian features: Gaussian processes with the kernel as covariance, exact on a fixed set of points."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.linalg

from theodolite.kernels import Kernel, gram
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.random_features.keys import generator
from theodolite.random_features.maps import Family, FeatureMap, points_of


@dataclass(frozen=True)
class GaussianFeatures(Family):
    """Independent centred Gaussian processes of covariance k: the features of the theory, for any kernel.

    A process is known where it was drawn: give all points, training and test, when the map is drawn.

    Source: Jacot et al. (2020), arXiv:2002.08404, section 2.

    >>> from theodolite.kernels import Laplace
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> F = GaussianFeatures(Laplace(1.0)).sample(0, 50_000, X).transform(X[:2])
    >>> bool(np.abs(F @ F.T - Laplace(1.0)(X[:2])).max() < 0.02)
    True
    """

    needs_points: ClassVar[bool] = True

    kernel: Kernel

    def __post_init__(self) -> None:
        if not isinstance(self.kernel, Kernel):
            raise BadInput(f"expected a kernel such as RBF(2.0), got {self.kernel!r}; wrap a function as Custom(f)")

    def limit_kernel(self, input_dim: Any = None) -> Kernel:
        """The kernel the family was made for."""
        return self.kernel

    def sample(self, key: Any, features: int, input_dim: Any) -> "GaussianMap":
        """Draw P processes on the given points X (n, ...). Cost: O(n^3 + n^2 P)."""
        X, rng, count = points_of(input_dim, self), generator(key), positive_integer(features, "features")
        X = np.unique(X.reshape(len(X), -1), axis=0).reshape(-1, *X.shape[1:])
        values, vectors = scipy.linalg.eigh(gram(self.kernel, X))
        drawn = rng.standard_normal((len(X), count)) * np.sqrt(np.maximum(values, 0.0))[:, None]
        return GaussianMap(count, X.shape[1:], X, vectors @ drawn / np.sqrt(count))


@dataclass(frozen=True, eq=False)
class GaussianMap(FeatureMap):
    """Drawn Gaussian processes, on the points where they were drawn.

    Attributes: known, the points (m, ...); values (m, P) of the features there.
    """

    known: np.ndarray
    values: np.ndarray

    def transform(self, X: Any) -> np.ndarray:
        """F (n, P) of points among those the map was drawn on. Raises: BadInput for any other point."""
        X = self.points(X) + 0.0  # -0.0 and 0.0 are one point
        where = {row.tobytes(): i for i, row in enumerate(np.ascontiguousarray(self.known + 0.0))}
        rows = [where.get(row.tobytes(), -1) for row in np.ascontiguousarray(X)]
        if -1 in rows:
            raise BadInput(
                f"row {rows.index(-1)} is not among the {len(self.known)} points these Gaussian features were "
                "drawn on; pass all points, training and test, to sample, or use Fourier or Nystrom features"
            )
        return self.values[rows]
