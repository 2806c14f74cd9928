"""Nystrom features: the kernel seen from landmarks."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.linalg

from theodolite.kernels import Kernel, gram
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.random_features.keys import generator
from theodolite.random_features.leverage import leverage_scores
from theodolite.random_features.maps import Family, FeatureMap, points_of

LANDMARKS = ("uniform", "leverage")


@dataclass(frozen=True)
class NystromFeatures(Family):
    """The kernel projected on landmarks Z drawn among the given points, F F' = K(X, Z) K(Z, Z)^-1 K(Z, X).

    Not unbiased: F F' lies below K, equals it on the landmarks, and everywhere when they are all points.

    Args: kernel, any; landmarks, "uniform", or "leverage": drawn in proportion to approximate ridge leverage scores;
        ridge of these scores, lambda in K/n + lambda I, by default such that the scores sum to half of P, or the
        lowest of use, 1e-6 of the mean diagonal.
    Source: Williams and Seeger (2001); Alaoui and Mahoney (2015), arXiv:1411.0306, for leverage scores.

    >>> from theodolite.kernels import RBF
    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> F = NystromFeatures(RBF(1.0)).sample(0, 20, X).transform(X)
    >>> bool(np.abs(F @ F.T - RBF(1.0)(X)).max() < 1e-6)
    True
    """

    needs_points: ClassVar[bool] = True

    kernel: Kernel
    landmarks: str = "uniform"
    ridge: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.kernel, Kernel):
            raise BadInput(f"expected a kernel such as RBF(2.0), got {self.kernel!r}; wrap a function as Custom(f)")
        if self.landmarks not in LANDMARKS:
            raise BadInput(f"landmarks must be one of {', '.join(LANDMARKS)}, got {self.landmarks!r}")
        if self.ridge is not None:
            positive(self.ridge, "ridge")

    def limit_kernel(self, input_dim: Any = None) -> Kernel:
        """The kernel the family was made for."""
        return self.kernel

    def sample(self, key: Any, features: int, input_dim: Any) -> "NystromMap":
        """Choose landmarks among points.

        Args: key; features P, the number of landmarks, at most n; input_dim, the points X (n, ...), the training rows
            or a uniform sample of them.
        Returns: a map with as many features as K(Z, Z) has eigenvalues above round-off, at most P.
        Raises: BadInput without points, or with fewer points than features.
        Cost: O(P^3); for leverage scores n P' kernel values and O(n P'^2), P' = min(n, 2 P), more.
        """
        X, rng = points_of(input_dim, self), generator(key)
        count = positive_integer(features, "features")
        if count > len(X):
            raise BadInput(f"{count} landmarks among {len(X)} points: give more points, or fewer features")
        share = None if self.landmarks == "uniform" else leverage_scores(self.kernel, X, count, rng, self.ridge)
        chosen = np.sort(rng.choice(len(X), count, replace=False, p=None if share is None else share / share.sum()))
        return nystrom_map(self.kernel, X[chosen])


@dataclass(frozen=True, eq=False)
class NystromMap(FeatureMap):
    """Features K(x, Z) R with R = U s^{-1/2} from the eigendecomposition of K(Z, Z).

    Attributes: kernel; landmarks Z (m, ...); root R (m, P).
    Cost of `transform`: n m kernel values and one product (n, m) x (m, P); memory n (m + P) numbers.
    """

    kernel: Kernel
    landmarks: np.ndarray
    root: np.ndarray

    def transform(self, X: Any) -> np.ndarray:
        return gram(self.kernel, self.points(X), self.landmarks) @ self.root


def nystrom_map(kernel: Kernel, landmarks: Any) -> NystromMap:
    """The map of chosen landmarks Z (m, ...): F(x) = k(x, Z) K(Z, Z)^(-1/2), directions lost in round-off left out.

    Args: kernel; landmarks (m, ...). Returns: a map; F(X) F(X)' is K(X, Z) K(Z, Z)^+ K(Z, X).
    Raises: BadInput for a kernel that is zero on all of them.
    Source: Williams and Seeger (2001). Cost: O(m^3), and O(m^2) a row afterwards.

    >>> from theodolite.kernels import RBF
    >>> Z = np.linspace(0, 1, 5)[:, None]
    >>> F = nystrom_map(RBF(1.0), Z).transform(Z)
    >>> bool(np.allclose(F @ F.T, RBF(1.0)(Z)))  # exact at the landmarks
    True
    """
    Z = np.asarray(landmarks, dtype=np.float64)
    values, vectors = scipy.linalg.eigh(gram(kernel, Z))
    kept = values > 10 * len(Z) * np.finfo(np.float64).eps * values[-1]
    if not kept.any():
        raise BadInput(f"{kernel!r} is zero on all {len(Z)} landmarks")
    root = np.ascontiguousarray((vectors[:, kept] / np.sqrt(values[kept]))[:, ::-1])
    return NystromMap(root.shape[1], Z.shape[1:], kernel, Z, root)
