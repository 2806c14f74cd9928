"""Features of one layer of rectifiers: the arc-cosine kernel of order 1."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.kernels import Kernel
from theodolite.numerics.checks import positive_integer, zero_or_positive
from theodolite.numerics.errors import ShapeMismatch
from theodolite.random_features.keys import generator
from theodolite.random_features.maps import Family, FeatureMap, shape_of


@dataclass(frozen=True)
class ReluFeatures(Family):
    """One hidden layer of rectifiers with random weights, in the scaling of the architectures:

        f(x) = sqrt(2) max(0, w.x / sqrt(d) + bias_std b),     w, b standard normal

    E[F F'] is the arc-cosine kernel of order 1 divided by d; without bias |x||z| / (pi d) (sin t + (pi - t) cos t) with
    t the angle between x and z. It is the NNGP of Dense(bias_std) >> Relu() >> Dense(weight_std=sqrt(2)); deeper
    networks: `NetworkFeatures`. The features have a mean, which belongs to the kernel: it is not subtracted.
    Source: Cho and Saul (2009), order 1.

    >>> F = ReluFeatures().sample(0, 50_000, 2).transform([[1.0, 0.0], [0.0, 1.0]])
    >>> (F @ F.T).round(2), round(1 / (2 * np.pi), 2)
    (array([[0.5 , 0.16],
           [0.16, 0.5 ]]), 0.16)
    """

    bias_std: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias_std", zero_or_positive(self.bias_std, "bias_std"))

    def limit_kernel(self, input_dim: Any = None) -> Kernel:
        """The NNGP with this second moment."""
        from theodolite.architectures import Dense, Relu
        from theodolite.infinite_width import nngp

        return nngp(Dense(bias_std=self.bias_std) >> Relu() >> Dense(weight_std=float(np.sqrt(2.0))))

    def sample(self, key: Any, features: int, input_dim: Any) -> "ReluMap":
        """Draw weights. Args as `Family.sample`."""
        rng, count, shape = generator(key), positive_integer(features, "features"), shape_of(input_dim)
        if len(shape) != 1:
            raise ShapeMismatch(f"ReLU features read vectors, got points of shape {shape}; flatten them first")
        weights = rng.standard_normal((shape[0], count)) * np.sqrt(2.0 / (shape[0] * count))
        return ReluMap(count, shape, weights, rng.standard_normal(count) * self.bias_std * np.sqrt(2.0 / count))


@dataclass(frozen=True, eq=False)
class ReluMap(FeatureMap):
    """max(0, X weights + biases), all scales inside. Cost of `transform`: one product (n, d) x (d, P)."""

    weights: np.ndarray
    biases: np.ndarray

    def transform(self, X: Any) -> np.ndarray:
        F = self.points(X) @ self.weights
        if self.biases.any():
            F += self.biases
        return np.maximum(F, 0.0, out=F)
