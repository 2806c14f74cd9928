"""The dual of scale * sigma(x) + shift, on and off the sphere."""

from dataclasses import dataclass
from typing import Any

from theodolite.infinite_width.duals.base import Dual


@dataclass(frozen=True)
class RescaledDual(Dual):
    """T -> scale^2 T + scale shift (mu(q1) + mu(q2)) + shift^2, mu(q) = E sigma(sqrt(q) Z).

    For (sigma - m) / s, (T - m^2) / s^2 would be right on the unit sphere only.
    """

    inner: Dual
    scale: float
    shift: float

    def _value(self, q1: Any, c: Any, q2: Any) -> Any:
        return self._moved(self.inner._value(q1, c, q2), q1, q2)

    def _slope(self, q1: Any, c: Any, q2: Any) -> Any:
        return self.scale**2 * self.inner._slope(q1, c, q2)

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        value, slope = self.inner._both(q1, c, q2)
        return self._moved(value, q1, q2), self.scale**2 * slope

    def _moved(self, value: Any, q1: Any, q2: Any) -> Any:
        value = self.scale**2 * value
        if not self.shift:
            return value
        return value + (self.scale * self.shift * (self.inner.mean(q1) + self.inner.mean(q2)) + self.shift**2)

    def mean(self, q: Any) -> Any:
        return self.scale * self.inner.mean(q) + self.shift

    def square(self, q: Any) -> Any:
        value = self.scale**2 * self.inner.square(q)
        return value + (2.0 * self.scale * self.shift * self.inner.mean(q) + self.shift**2) if self.shift else value

    def slope_square(self, q: Any) -> Any:
        return self.scale**2 * self.inner.slope_square(q)
