"""Duals of sines and of the exponential function."""

import math
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from theodolite.infinite_width.duals.base import Dual, same_kind


@dataclass(frozen=True)
class SineDual(Dual):
    """The dual of a sin(b x + phase), given sin(phase) and cos(2 phase), so that quarter turns are exact.

    T = (a^2 / 2) (exp(-b^2 (q1 + q2 - 2c) / 2) - cos(2 phase) exp(-b^2 (q1 + q2 + 2c) / 2)).

    >>> round(float(SineDual(1.0, 1.0, 0.0, 1.0).value(1.0, 1.0, 1.0)), 6)
    0.432332
    """

    amplitude: float
    frequency: float
    sine: float
    double_cosine: float

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        xp = array_namespace(q1, c, q2)
        rate = self.frequency**2 / 2
        difference = xp.exp(-rate * (q1 + q2 - 2.0 * c))
        total = self.double_cosine * xp.exp(-rate * (q1 + q2 + 2.0 * c))
        power = self.amplitude**2 / 2
        return power * (difference - total), power * self.frequency**2 * (difference + total)

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return self.amplitude * self.sine * array_namespace(q).exp(-(self.frequency**2) / 2 * q)


@dataclass(frozen=True)
class ExpDual(Dual):
    """The dual of exp(a x): T = exp(a^2 (q1 + q2 + 2c) / 2), slope a^2 T."""

    rate: float

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        value = array_namespace(q1, c, q2).exp(self.rate**2 / 2 * (q1 + q2 + 2.0 * c))
        return value, self.rate**2 * value

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return array_namespace(q).exp(self.rate**2 / 2 * q)


def sine_dual(amplitude: float, frequency: float, phase: float) -> SineDual:
    """The dual of amplitude * sin(frequency * x + phase)."""
    return SineDual(amplitude, frequency, math.sin(phase), math.cos(2 * phase))
