"""Duals of activations built on the Gaussian density: erf, GELU, exp(-x^2).

Source: Williams (1997), Computing with infinite networks, for erf and exp(-x^2); GELU by Price's theorem from both.
"""

import math
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, is_jax_array

from theodolite.infinite_width.duals.angle import arcsine_and_sine, of_points
from theodolite.infinite_width.duals.base import Dual, same_kind


@dataclass(frozen=True)
class ErfDual(Dual):
    """The dual of erf(x): T = (2 / pi) arcsin(2 c / sqrt((1 + 2 q1)(1 + 2 q2))).

    >>> round(float(ErfDual().value(1.0, 1.0, 1.0)), 6)
    0.464559
    """

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        xp = array_namespace(q1, c, q2)
        if is_jax_array(c):
            first, second = of_points(*(math.sqrt(2.0) / xp.sqrt(1.0 + 2.0 * q) for q in (q1, q2)))
            both = first * second
            arcsine, sine = arcsine_and_sine(c * both)
            return (2.0 / math.pi) * arcsine, (2.0 / math.pi) * both / xp.where(sine > 0, sine, 1.0)
        root = xp.sqrt(_doubled(q1, c, q2))
        return (2.0 / math.pi) * xp.atan2(2.0 * c, root), (4.0 / math.pi) / root

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return array_namespace(q).zeros_like(q)


@dataclass(frozen=True)
class GaussianDual(Dual):
    """The dual of exp(-x^2): T = D^(-1/2), slope 4 c D^(-3/2), D = (1 + 2 q1)(1 + 2 q2) - 4 c^2."""

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        determinant = _doubled(q1, c, q2)
        value = 1.0 / array_namespace(determinant).sqrt(determinant)
        return value, 4.0 * c * value / determinant

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return 1.0 / array_namespace(q).sqrt(1.0 + 2.0 * q)


@dataclass(frozen=True)
class GeluDual(Dual):
    """The dual of x Phi(x): T = c A + M / (2 pi sqrt(D)), with

    D = (1 + q1)(1 + q2) - c^2,   A = 1/4 + arcsin(c / sqrt((1 + q1)(1 + q2))) / 2 pi,
    M = q1 q2 - c^2 + c^2 / (1 + q1) + c^2 / (1 + q2).
    """

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        xp = array_namespace(q1, c, q2)
        gap = q1 * q2 - c * c
        determinant = 1.0 + q1 + q2 + gap
        root = xp.sqrt(determinant)
        inverses = 1.0 / (1.0 + q1) + 1.0 / (1.0 + q2)
        if is_jax_array(c):
            first, second = of_points(*(1.0 / xp.sqrt(1.0 + q) for q in (q1, q2)))
            arcsine, _ = arcsine_and_sine(c * (first * second))
        else:
            arcsine = xp.atan2(c, root)
        area = 0.25 + arcsine / (2.0 * math.pi)
        moment = gap + c * c * inverses
        bend = c / (2.0 * math.pi * root)
        value = c * area + moment / (2.0 * math.pi * root)
        return value, area + bend * (moment / determinant + 2.0 * inverses - 1.0)

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return q / array_namespace(q).sqrt(2.0 * math.pi * (1.0 + q))


def _doubled(q1: Any, c: Any, q2: Any) -> Any:
    """(1 + 2 q1)(1 + 2 q2) - 4 c^2, at least 1 but for round-off."""
    return 1.0 + 2.0 * (q1 + q2) + 4.0 * (q1 * q2 - c * c)
