"""Kernels of the distance between two points."""

import math
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from theodolite.kernels.kernel import Kernel, freeze
from theodolite.kernels.pairs import Pairs, as_points
from theodolite.numerics.checks import positive
from theodolite.numerics.errors import BadInput


class Stationary(Kernel):
    """A kernel with k(x, x) = 1 for every x and one lengthscale."""

    lengthscale: float

    def __post_init__(self) -> None:
        freeze(self, lengthscale=positive(self.lengthscale, f"the lengthscale of {type(self).__name__}"))

    def diagonal(self, X: Any) -> Any:
        X = as_points(X)
        return array_namespace(X).ones(X.shape[0], dtype=X.dtype)


@dataclass(frozen=True)
class RBF(Stationary):
    """exp(-|x - z|^2 / lengthscale); the lengthscale is in squared units of the inputs (no factor 2).

    Source: Jacot et al. (2020), arXiv:2006.09796 (experiments). scikit-learn's gamma is 1 / lengthscale.

    >>> RBF(2.0)([[0.0]], [[1.0]]).round(4)
    array([[0.6065]])
    """

    lengthscale: float

    def on(self, pairs: Pairs) -> Any:
        return pairs.xp.exp(pairs.squared_distance * (-1.0 / self.lengthscale))


@dataclass(frozen=True)
class Laplace(Stationary):
    """exp(-|x - z| / lengthscale) with the Euclidean distance.

    >>> Laplace(1.0)([[0.0, 0.0]], [[3.0, 4.0]]).round(6)
    array([[0.006738]])
    """

    lengthscale: float

    def on(self, pairs: Pairs) -> Any:
        return pairs.xp.exp(pairs.distance * (-1.0 / self.lengthscale))


@dataclass(frozen=True)
class LaplaceL1(Stationary):
    """exp(-sum_k |x_k - z_k| / lengthscale), the product of one-dimensional exponentials.

    Source: the l1 kernel of Jacot et al. (2020), arXiv:2006.09796; scikit-learn's `laplacian_kernel`.

    >>> LaplaceL1(1.0)([[0.0, 0.0]], [[1.0, 1.0]]).round(4)
    array([[0.1353]])
    """

    lengthscale: float

    def on(self, pairs: Pairs) -> Any:
        return pairs.xp.exp(pairs.l1_distance * (-1.0 / self.lengthscale))


@dataclass(frozen=True)
class Matern(Stationary):
    """The Matern kernel of smoothness nu in {1/2, 3/2, 5/2}, with t = sqrt(2 nu) |x - z| / lengthscale:

    exp(-t), (1 + t) exp(-t), (1 + t + t^2/3) exp(-t).

    Source: Rasmussen and Williams (2006), equation 4.17.

    >>> Matern(1.0, nu=0.5)([[0.0]], [[2.0]]) == Laplace(1.0)([[0.0]], [[2.0]])
    array([[ True]])
    """

    lengthscale: float
    nu: float = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nu not in (0.5, 1.5, 2.5):
            raise BadInput(f"nu must be 0.5, 1.5 or 2.5, got {self.nu!r}; for nu -> infinity use RBF")
        freeze(self, nu=float(self.nu))

    def on(self, pairs: Pairs) -> Any:
        t = pairs.distance * (math.sqrt(2.0 * self.nu) / self.lengthscale)
        decay = pairs.xp.exp(-t)
        if self.nu == 0.5:
            return decay
        return decay * (1.0 + t) if self.nu == 1.5 else decay * (1.0 + t * (1.0 + t / 3.0))


@dataclass(frozen=True)
class RationalQuadratic(Stationary):
    """(1 + |x - z|^2 / (alpha lengthscale))^(-alpha), which tends to RBF(lengthscale) for large alpha.

    Source: Rasmussen and Williams (2006), equation 4.19, with 2 l^2 written as one lengthscale in squared units.

    >>> RationalQuadratic(1.0, alpha=1.0)([[0.0]], [[1.0]])
    array([[0.5]])
    """

    lengthscale: float
    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        freeze(self, alpha=positive(self.alpha, "alpha of RationalQuadratic"))

    def on(self, pairs: Pairs) -> Any:
        scaled = pairs.squared_distance * (1.0 / (self.alpha * self.lengthscale))
        return pairs.xp.exp(-self.alpha * pairs.xp.log1p(scaled))
