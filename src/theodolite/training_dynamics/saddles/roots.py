"""Where a function of one number changes sign."""

from collections.abc import Callable
from typing import Any

from scipy.optimize import brentq


def bracketed_root(function: Callable[[float], float], low: float, high: float, tolerance: float = 1e-12) -> float:
    """A root between two points of opposite sign, to a relative tolerance.

    >>> round(bracketed_root(lambda x: x * x - 2.0, 0.0, 2.0), 10)
    1.4142135624
    """
    root: Any = brentq(function, low, high, xtol=1e-300, rtol=max(tolerance, 1e-15))  # pyright: ignore
    return float(root)
