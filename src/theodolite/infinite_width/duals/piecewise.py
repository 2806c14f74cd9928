"""Duals of activations made of two half lines: identity, ReLU and its kin, step, sign and the squared ReLU.

Source: Cho and Saul (2009), arc-cosine kernels of order 0, 1 and 2.
"""

import math
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from theodolite.infinite_width.duals.angle import length_angle_sine, safe_root
from theodolite.infinite_width.duals.base import Dual, same_kind
from theodolite.numerics.errors import NoInfiniteWidthLimit

_TURN = 2.0 * math.pi


@dataclass(frozen=True)
class IdentityDual(Dual):
    """T = c."""

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        xp = array_namespace(q1, c, q2)
        c = c + xp.zeros_like(q1) + xp.zeros_like(q2)
        return c, xp.ones_like(c)

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return array_namespace(q).zeros_like(q)


@dataclass(frozen=True)
class PiecewiseLinearDual(Dual):
    """The dual of below * min(x, 0) + above * max(x, 0).

    With a, b = below, above: T = a b c + (b - a)^2 (r sin t + (pi - t) c) / 2 pi, r = sqrt(q1 q2), r cos t = c.

    >>> PiecewiseLinearDual(0.0, 1.0).value(1.0, 0.0, 1.0).round(6)
    np.float64(0.159155)
    """

    below: float
    above: float

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        _, angle, sine = length_angle_sine(q1, c, q2)
        share = (self.above - self.below) ** 2 / _TURN
        slope = self.below * self.above + share * (math.pi - angle)
        return slope * c + share * sine, slope

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return (self.above - self.below) / math.sqrt(_TURN) * safe_root(q)

    def square(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return self._mean_of_squares * q

    def slope_square(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return array_namespace(q).full_like(q, self._mean_of_squares)

    @property
    def _mean_of_squares(self) -> float:
        return (self.below**2 + self.above**2) / 2


@dataclass(frozen=True)
class JumpDual(Dual):
    """The dual of `below` on x < 0 and `above` on x > 0; it has no slope. With a, b = below, above:

    T = ((a + b) / 2)^2 + (b - a)^2 (pi / 2 - t) / 2 pi, sqrt(q1 q2) cos t = c.
    """

    below: float
    above: float

    def _value(self, q1: Any, c: Any, q2: Any) -> Any:
        _, angle, _ = length_angle_sine(q1, c, q2)
        return self._middle**2 + (self.above - self.below) ** 2 / _TURN * (math.pi / 2 - angle)

    def _slope(self, q1: Any, c: Any, q2: Any) -> Any:
        raise _no_slope()

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return array_namespace(q).full_like(q, self._middle)

    def square(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return array_namespace(q).full_like(q, (self.below**2 + self.above**2) / 2)

    def slope_square(self, q: Any) -> Any:
        raise _no_slope()

    @property
    def _middle(self) -> float:
        return (self.below + self.above) / 2


def _no_slope() -> NoInfiniteWidthLimit:
    return NoInfiniteWidthLimit(
        "an activation that jumps has no tangent kernel at infinite width: E[sigma'(u) sigma'(v)] is infinite where "
        "points are parallel; read its covariance (nngp) instead, or take a continuous activation"
    )


@dataclass(frozen=True)
class SquaredReluDual(Dual):
    """The dual of max(x, 0)^2: T = (3 c r sin t + (pi - t)(r^2 + 2 c^2)) / 2 pi; the slope is 4 times that of ReLU."""

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        _, angle, sine = length_angle_sine(q1, c, q2)
        open_angle = math.pi - angle
        value = (3.0 * c * sine + open_angle * (q1 * q2 + 2.0 * c * c)) / _TURN
        return value, (4.0 / _TURN) * (sine + open_angle * c)

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return q / 2

    def square(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return 1.5 * q * q

    def slope_square(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return 2.0 * q
