"""Derivatives of functions given by values alone, between their kinks."""

from collections.abc import Callable, Sequence

import numpy as np

STEP = 4e-3
_STENCIL = ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))


def piecewise_derivative(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, kinks: Sequence[float] = ()
) -> np.ndarray:
    """g'(x) by central differences of order 6 that do not reach across a kink; at a kink, the mean of both sides.

    Args: function g of an array; x, of any shape; kinks, where g' jumps.
    Returns: float64, the shape of x; the error is about 1e-13 where g is smooth over a few thousandths.

    >>> piecewise_derivative(np.abs, np.array([-0.5, 1e-3, 2.0]), kinks=(0.0,)).round(9)
    array([-1.,  1.,  1.])
    """
    x = np.asarray(x, dtype=np.float64)
    room = np.min([np.abs(x - kink) for kink in kinks], axis=0) if len(kinks) else np.full_like(x, np.inf)
    step = np.where(room > 1e-9, np.minimum(STEP, room / 4), STEP / 1000)
    difference = sum(weight * (function(x + k * step) - function(x - k * step)) for k, weight in _STENCIL)
    return difference / step
