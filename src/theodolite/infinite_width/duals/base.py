"""What the dual of an activation offers: Gaussian expectations of products, for numpy and JAX arrays alike."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj


class Dual:
    """Expectations of sigma over a Gaussian pair (u, v) ~ N(0, [[q1, c], [c, q2]]), |c| <= sqrt(q1 q2).

    Arguments broadcast; results have their dtype. A subclass gives `_both`, or `_value` and `_slope`; `mean`; and,
    where round-off at c = q1 = q2 would hurt, `square` and `slope_square`.
    Source: Daniely, Frostig and Singer (2016), arXiv:1602.05897, section 4.
    """

    def value(self, q1: Any, c: Any, q2: Any) -> Any:
        """E[sigma(u) sigma(v)]."""
        return self._value(*same_kind(q1, c, q2))

    def slope(self, q1: Any, c: Any, q2: Any) -> Any:
        """E[sigma'(u) sigma'(v)], the derivative of `value` with respect to c (Price's theorem)."""
        return self._slope(*same_kind(q1, c, q2))

    def both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        """(value, slope), sharing the work."""
        return self._both(*same_kind(q1, c, q2))

    def mean(self, q: Any) -> Any:
        """E sigma(sqrt(q) Z), Z standard normal."""
        raise NotImplementedError

    def square(self, q: Any) -> Any:
        """E sigma(sqrt(q) Z)^2."""
        return self.value(q, q, q)

    def slope_square(self, q: Any) -> Any:
        """E sigma'(sqrt(q) Z)^2."""
        return self.slope(q, q, q)

    def _value(self, q1: Any, c: Any, q2: Any) -> Any:
        return self._both(q1, c, q2)[0]

    def _slope(self, q1: Any, c: Any, q2: Any) -> Any:
        return self._both(q1, c, q2)[1]

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        return self._value(q1, c, q2), self._slope(q1, c, q2)


def same_kind(*numbers: Any) -> tuple[Any, ...]:
    """Arrays of one namespace and one floating dtype; plain numbers follow the arrays, alone they become float64.

    >>> [part.dtype.name for part in same_kind(np.float32([1, 2]), 0.5)]
    ['float32', 'float32']
    """
    arrays = [number for number in numbers if is_array_api_obj(number)]
    if not arrays:
        return tuple(np.asarray(number, dtype=np.float64) for number in numbers)
    xp = array_namespace(*arrays)
    dtype = xp.result_type(*arrays)
    if not xp.isdtype(dtype, "real floating"):
        dtype = xp.asarray(0.0).dtype
    return tuple(xp.asarray(number, dtype=dtype) for number in numbers)
