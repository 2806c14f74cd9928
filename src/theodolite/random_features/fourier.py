"""Random Fourier features of stationary kernels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.kernels import Kernel
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.random_features.keys import generator
from theodolite.random_features.maps import Family, FeatureMap, shape_of
from theodolite.random_features.spectral import (
    amplitude,
    frequencies,
    independent_normals,
    orthogonal_normals,
)


@dataclass(frozen=True)
class FourierFeatures(Family):
    """Cosines at frequencies of the kernel's spectral law: E[F F'] = K exactly, at any number of features.

        f(x) = sqrt(2 k(0)) cos(w.x + b)

    Args: kernel, RBF, Laplace, LaplaceL1, Matern, RationalQuadratic, or sums, products and multiples of these;
        paired, one cosine and one sine at each of P/2 frequencies (the default, closer to the kernel at short
        distances), or else P independent cosines with phases b uniform on [0, 2 pi), the independent features of the
        theory; orthogonal, frequencies in orthogonal blocks of d: still unbiased, closer for smooth kernels.
    Source: Rahimi and Recht (2007); Sutherland and Schneider (2015) for pairs; Yu et al. (2016) for orthogonal ones.

    >>> from theodolite.kernels import RBF
    >>> F = FourierFeatures(RBF(2.0)).sample(0, 20_000, 2).transform([[0.0, 0.0], [1.0, 0.0]])
    >>> (F @ F.T).round(2), RBF(2.0)([[0.0, 0.0]], [[1.0, 0.0]]).round(2)
    (array([[1.  , 0.61],
           [0.61, 1.  ]]), array([[0.61]]))
    """

    kernel: Kernel
    paired: bool = True
    orthogonal: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.kernel, Kernel):
            raise BadInput(f"expected a kernel such as RBF(2.0), got {self.kernel!r}")
        rng = np.random.default_rng(0)
        frequencies(self.kernel, 1, 1, rng, independent_normals(rng))  # refuses a kernel without a spectral law

    def limit_kernel(self, input_dim: Any = None) -> Kernel:
        """The kernel the family was made for."""
        return self.kernel

    def sample(self, key: Any, features: int, input_dim: Any) -> "FourierMap":
        """Draw frequencies and phases. Args as `Family.sample`. Cost: d P numbers, orthogonal ones d^2 P operations."""
        rng, count, shape = generator(key), positive_integer(features, "features"), shape_of(input_dim)
        if len(shape) != 1:
            raise ShapeMismatch(f"Fourier features read vectors, got points of shape {shape}; flatten them first")
        draw = orthogonal_normals(rng) if self.orthogonal else independent_normals(rng)
        distinct = -(-count // 2) if self.paired else count
        phases = rng.uniform(0.0, 2.0 * np.pi, distinct)  # of paired ones only the last is used, when the count is odd
        w = np.ascontiguousarray(frequencies(self.kernel, shape[0], distinct, rng, draw))
        if self.paired:
            phases[: count // 2] = 0.0
        return FourierMap(count, shape, self.paired, amplitude(self.kernel), w, phases)


@dataclass(frozen=True, eq=False)
class FourierMap(FeatureMap):
    """Cosines of drawn frequencies. Columns of a paired map: cosines first, then the sines of the same frequencies.

    Attributes: paired; amplitude k(0); frequencies (d, m); phases (m,), m = P, or P/2 rounded up when paired.
    Cost of `transform`: one product (n, d) x (d, m) and n P cosines; memory n P numbers, and n m more when paired.
    """

    paired: bool
    amplitude: float
    frequencies: np.ndarray
    phases: np.ndarray

    def transform(self, X: Any) -> np.ndarray:
        X = self.points(X)
        angles = X @ self.frequencies
        scale = np.sqrt(2.0 * self.amplitude / self.features)
        if not self.paired:
            angles += self.phases
            F = np.cos(angles, out=angles)
        else:
            m, pairs = angles.shape[1], self.features // 2
            F = np.empty((len(X), self.features))
            angles[:, pairs:] += self.phases[pairs:]
            np.cos(angles, out=F[:, :m])
            np.sin(angles[:, :pairs], out=F[:, m:])
        F *= scale
        return F
