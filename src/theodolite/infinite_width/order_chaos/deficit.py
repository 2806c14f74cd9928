"""How much two nearly equal inputs lose in one activation: the dual on the unit sphere, counted from 1 downwards.

Deep ordered networks make inputs equal until 1 - c falls below round-off. So the deficit delta = 1 - c is carried, and
the losses T(1) - T(1 - delta) and T'(1) - T'(1 - delta), T the dual at variance 1, are computed without a subtraction.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.polynomial import Chebyshev

from theodolite.architectures import Activation, Identity, PiecewiseLinear
from theodolite.infinite_width.duals.dual import dual
from theodolite.infinite_width.routes.layer_table import inner_activation
from theodolite.numerics.hermite import hermite_coefficients

Losses = Callable[[float], tuple[float, float]]
SERIES_TERMS = 512
SMALL_ANGLE = 0.2
ANGLE_TERMS = 64
_S, _W = np.polynomial.legendre.leggauss(12)
_S, _W = (1 + _S) / 2, _W / 2
_ENDS = np.append(_S, 1.0)


@lru_cache(maxsize=64)
def losses_of(activation: Activation) -> Losses:
    """The function delta -> (T(1) - T(1 - delta), T'(1) - T'(1 - delta)), T(c) = E[sigma(u) sigma(v)] at variance 1.

    Closed for piecewise linear activations; a Hermite series with the powers 1 - (1 - delta)^k for smooth ones; for
    others Price's theorem, the loss as an integral of the slope. Relative error: some eps for the first two; for the
    third some eps in the loss and 1e-14 / delta in that of the slope. Cost: kept for the next call.

    >>> from theodolite.architectures import Relu
    >>> loss, slope_loss = losses_of(Relu().standardised())(1e-30)
    >>> round(loss / 1e-30, 6), round(slope_loss / 1e-15, 6)  # 1 and sqrt(2) / pi
    (1.0, 0.450158)
    """
    inner, scale, _ = inner_activation(activation)
    factor = scale * scale
    if isinstance(inner, Identity):
        return lambda delta: (factor * delta, 0.0)
    if isinstance(inner, PiecewiseLinear):
        cross, bend = factor * inner.below * inner.above, factor * (inner.above - inner.below) ** 2 / 2
        return lambda delta: _piecewise(cross, bend, delta)
    return _by_slope(activation) if activation.bends else _by_series(activation)


def _piecewise(cross: float, bend: float, delta: float) -> tuple[float, float]:
    """cross: product of the two slopes; bend: half their squared difference."""
    angle = 2 * math.asin(min(math.sqrt(delta / 2), 1.0))
    if angle < SMALL_ANGLE:  # sin - angle cos = angle^3 / 3 - angle^5 / 30 + ...
        square = angle * angle
        area = (
            angle * square * (1 / 3 - square * (1 / 30 - square * (1 / 840 - square * (1 / 45360 - square / 3991680))))
        )
    else:
        area = math.sin(angle) - angle * math.cos(angle)
    return cross * delta + bend * (delta - area / math.pi), bend * angle / math.pi


def _by_series(activation: Activation) -> Losses:
    squares = hermite_coefficients(activation, np.array(1.0), SERIES_TERMS, ())[1:] ** 2
    order = np.arange(1, SERIES_TERMS)
    tails = np.cumsum((order * squares)[::-1])[::-1]
    kept = slice(0, max(int(np.flatnonzero(tails > 1e-18 * tails[0]).max(initial=0)) + 1, 1))
    squares, order = squares[kept], order[kept]
    slopes = order * squares

    def losses(delta: float) -> tuple[float, float]:
        if delta >= 1:
            c = 1 - delta
            return float(squares @ (1 - c**order)), float(slopes @ (1 - c ** (order - 1)))
        log = math.log1p(-delta)
        return float(squares @ -np.expm1(order * log)), float(slopes @ -np.expm1((order - 1) * log))

    return losses


def _by_slope(activation: Activation) -> Losses:
    """T(1) - T(1 - delta) = delta times the mean of T' over [1 - delta, 1], in s with c = 1 - delta s^2.

    T and T' are kept as Chebyshev series in the angle, in which they are smooth; above delta = 1 a difference will do.
    """
    of = dual(activation)
    highest = float(of.slope_square(1.0))
    series = Chebyshev.interpolate(lambda angle: of.slope(1.0, np.cos(angle), 1.0), ANGLE_TERMS, (0.0, math.pi))

    values = Chebyshev.interpolate(lambda angle: of.value(1.0, np.cos(angle), 1.0), ANGLE_TERMS, (0.0, math.pi))

    def losses(delta: float) -> tuple[float, float]:
        half = math.sqrt(delta / 2)
        if delta > 1:
            angle = 2 * math.asin(min(half, 1.0))
            return float(values(0.0) - values(angle)), highest - float(series(angle))
        slopes = series(2 * np.arcsin(np.minimum(half * _ENDS, 1.0)))
        return delta * float(2 * _W * _S @ slopes[:-1]), max(highest - float(slopes[-1]), 0.0)

    return losses
