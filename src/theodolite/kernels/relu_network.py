"""Infinitely wide fully connected ReLU networks: the tangent kernel (NTK) and the Gaussian-process kernel (NNGP).

Both follow one recursion over layers. With S_0 = x.z/d + b^2, T_0 = S_0, u the cosine of S_l and phi = arccos u,

    S_(l+1) = sqrt(S_l(x,x) S_l(z,z)) (sin phi + (pi - phi) u) / pi + b^2,
    T_(l+1) = S_(l+1) + T_l (pi - phi) / pi,          S_(l+1)(x,x) = S_l(x,x) + b^2.

Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, theorem 1, for h -> sqrt(2) relu(h W / sqrt(width) + b);
the angular integrals are Cho and Saul (2009), orders 0 and 1.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace

from theodolite.kernels.kernel import Kernel, freeze
from theodolite.kernels.pairs import Pairs, as_points
from theodolite.numerics.checks import positive_integer, zero_or_positive


class ReluNetwork(Kernel):
    """What the two readings of a ReLU network share: the recursion, its first layer and its one-point form."""

    depth: int
    bias_std: float

    def __post_init__(self) -> None:
        freeze(
            self,
            depth=positive_integer(self.depth, "depth, the number of hidden layers,"),
            bias_std=zero_or_positive(self.bias_std, "bias_std"),
        )

    def _layers(self, pairs: Pairs) -> tuple[Any, Any]:
        """(NNGP, NTK) of the last layer on all pairs."""
        xp, width, variance = pairs.xp, pairs.X.shape[1], self.bias_std**2
        nngp = pairs.inner / width + variance
        left, right = pairs.left_square / width + variance, pairs.right_square / width + variance
        ntk = nngp
        for _ in range(self.depth):
            nngp, ntk = _next_layer(xp, nngp, ntk, _root(xp, left)[:, None] * _root(xp, right)[None, :], variance)
            left, right = left + variance, right + variance
        if pairs.symmetric:  # arccos loses half the digits at cosine 1; the one-point recursion keeps them
            on_diagonal = xp.eye(pairs.shape[0], dtype=bool)
            nngp = xp.where(on_diagonal, left[:, None], nngp)
            ntk = xp.where(on_diagonal, _ntk_diagonal(left, self.depth, variance)[:, None], ntk)
        return nngp, ntk

    def _last_variance(self, X: Any) -> Any:
        X = as_points(X)
        square = array_namespace(X).sum(X * X, axis=1)
        return square / X.shape[1] + (self.depth + 1) * self.bias_std**2


def _next_layer(xp: Any, nngp: Any, ntk: Any, scale: Any, variance: float) -> tuple[Any, Any]:
    """(NNGP, NTK) one layer up; scale = sqrt(S_l(x,x) S_l(z,z))."""
    cosine = xp.clip(nngp / xp.where(scale > 0, scale, 1.0), -1.0, 1.0)
    open_angle, sine = _open_angle_and_sine(xp, cosine)
    nngp = cosine  # in place, for these are the largest arrays of a survey; JAX makes new ones
    nngp *= open_angle
    nngp += sine
    nngp *= scale
    nngp *= 1.0 / math.pi
    nngp += variance
    open_angle *= ntk
    open_angle *= 1.0 / math.pi
    open_angle += nngp
    return nngp, open_angle


def _root(xp: Any, values: Any) -> Any:
    """Square root with derivative 0, not infinity, at 0."""
    if is_numpy_namespace(xp):
        return np.sqrt(values)
    above = values > 0
    return xp.where(above, xp.sqrt(xp.where(above, values, xp.ones_like(values))), xp.zeros_like(values))


def _open_angle_and_sine(xp: Any, cosine: Any) -> tuple[Any, Any]:
    """(pi - phi, sin phi) with derivative 0, not infinity, where points are parallel.

    The infinities cancel in sin phi + (pi - phi) u; in pi - phi alone they are a true kink, and 0 is its middle.
    """
    if is_numpy_namespace(xp):
        sine = 1.0 - cosine
        sine *= 1.0 + cosine
        np.sqrt(sine, out=sine)
        open_angle = np.arccos(cosine)
        return np.subtract(math.pi, open_angle, out=open_angle), sine
    oblique = xp.abs(cosine) < 1.0
    inner = xp.where(oblique, cosine, xp.zeros_like(cosine))
    straight = xp.where(cosine > 0, xp.full_like(cosine, math.pi), xp.zeros_like(cosine))
    open_angle = xp.where(oblique, math.pi - xp.acos(inner), straight)
    return open_angle, xp.where(oblique, xp.sqrt((1.0 - inner) * (1.0 + inner)), xp.zeros_like(cosine))


def _ntk_diagonal(last: Any, depth: int, variance: float) -> Any:
    """Sum over layers of S_l(x,x) = last - (depth - l) b^2, l = 0..depth."""
    return (depth + 1) * last - variance * depth * (depth + 1) / 2


@dataclass(frozen=True)
class ReluNTK(ReluNetwork):
    """The neural tangent kernel of a fully connected ReLU network with `depth` hidden layers, infinitely wide.

    >>> ReluNTK(depth=1)([[1.0, 1.0]], [[1.0, -1.0]]).round(6)
    array([[0.31831]])
    """

    depth: int = 1
    bias_std: float = 0.0

    def on(self, pairs: Pairs) -> Any:
        return self._layers(pairs)[1]

    def diagonal(self, X: Any) -> Any:
        return _ntk_diagonal(self._last_variance(X), self.depth, self.bias_std**2)


@dataclass(frozen=True)
class ReluNNGP(ReluNetwork):
    """The covariance at initialisation of a fully connected ReLU network with `depth` hidden layers, infinitely wide.

    >>> ReluNNGP(depth=2)([[1.0, 1.0]], [[1.0, 1.0]]).round(6)
    array([[1.]])
    """

    depth: int = 1
    bias_std: float = 0.0

    def on(self, pairs: Pairs) -> Any:
        return self._layers(pairs)[0]

    def diagonal(self, X: Any) -> Any:
        return self._last_variance(X)
